//! The Diff screen: one place in three views, what a path begins with once, the line behind a change.

use super::{
    desk::{Desk, compare, snapshot},
    screens::golden,
};
use aicr::{
    inventory::Inventory,
    workbench::{
        effect::Effect,
        panes::{self, CHANGES, SIDES},
        widgets::{table::Identity, text},
    },
};
use std::sync::Arc;

const OTHER: &str = "diff service=eks accelerator=h100 os=ubuntu intent=training";

fn compared(width: u16, height: u16) -> Desk {
    let mut desk = Desk::live(width, height);
    desk.command(OTHER);
    desk
}

fn selected(desk: &mut Desk, pane: &panes::Pane) -> String {
    desk.state.prepare();
    desk.state.desk.table(pane).row().map(|row| row.plain()).unwrap_or_default()
}

/// The same change is under the cursor in all views, and after the last one in the first again.
#[test]
fn a_change_stays_selected_in_every_view() {
    for (width, height) in [(200, 60), (80, 24)] {
        let mut desk = compared(width, height);
        desk.keys("/");
        desk.type_text("retention");
        desk.keys("Enter ] Esc");
        let path = desk.state.desk.table(&CHANGES).selected.clone();
        let change = selected(&mut desk, &CHANGES);
        assert!(change.contains("retention"), "{change}");
        desk.keys("|");
        let aligned = selected(&mut desk, &SIDES);
        assert!(aligned.contains("retention: 15d"), "{aligned}");
        desk.keys("|");
        let unified = selected(&mut desk, &SIDES);
        assert!(unified.contains("retention: 15d"), "{unified}");
        desk.keys("|");
        assert_eq!(desk.state.desk.table(&CHANGES).selected, path);
    }
    // Moved in the text, it is another change in the list.
    let mut desk = compared(200, 60);
    desk.keys("|");
    desk.keys("] ] ]");
    let line = selected(&mut desk, &SIDES);
    desk.keys("| |");
    let change = selected(&mut desk, &CHANGES);
    let key = line.split(':').next().unwrap_or_default().split_whitespace().last().unwrap_or_default().to_owned();
    assert!(!key.is_empty() && !change.is_empty(), "{line}, {change}");
}

/// What several paths begin with is read once, and so none of them has to be cut.
#[test]
fn paths_are_whole() {
    let mut desk = compared(120, 40);
    desk.frame();
    let layout = desk.state.desk.layout.clone();
    let area = layout.panel(&CHANGES).unwrap();
    let table = desk.state.desk.table(&CHANGES);
    let widths = table.widths(layout.inner(area).width - 3);
    let mut whole = 0;
    for row in &table.content.rows {
        let indent = usize::from(row.depth) * 2 + if row.branch.is_some() { 2 } else { 0 };
        let room = usize::from(table.reach(row, 0, &widths));
        assert!(row.cells[0].width() + indent <= room, "{room}: {}", row.plain());
        whole += 1;
    }
    assert!(whole > 100, "{whole}");
    assert!(table.content.rows.iter().all(|row| !row.plain().starts_with("values.prometheusOperator.")));
}

/// A branch says what is in it, so that the panel below it is of use.
#[test]
fn a_branch_says_what_is_below_it() {
    let mut desk = compared(120, 40);
    desk.keys("g g j");
    let text = desk.text();
    let below = text.split("changes: ").nth(1).unwrap_or_default();
    assert!(below.contains("aws-efa  25 changes") && below.contains("changes below"), "{text}");
}

#[test]
fn the_line_behind_a_change_is_one_key_away() {
    let mut desk = compared(120, 40);
    desk.command("diff service=eks accelerator=h100 os=ubuntu intent=training");
    desk.keys("/");
    desk.type_text("retention");
    desk.keys("Enter ] g d");
    desk.shows("components/kube-prometheus-stack/");
    desk.shows("retention: 15d");
    desk.keys("Esc |");
    desk.keys("g d");
    desk.shows("components/kube-prometheus-stack/");
}

/// A line is copied as it is in the file.
#[test]
fn a_line_is_copied_without_its_number() {
    for keys in ["|", "| |"] {
        let mut desk = compared(200, 60);
        desk.keys(keys);
        desk.keys("]");
        let shown = selected(&mut desk, &SIDES);
        desk.keys("y");
        let Some(Effect::Copy(copied)) = desk.left.last() else { panic!("nothing copied: {shown}") };
        assert!(shown.contains(copied.trim()), "`{copied}` of `{shown}`");
        assert!(!copied.trim_start().starts_with(|c: char| c.is_ascii_digit()), "{copied}");
        assert!(text::width(copied) > 0);
    }
}

/// What the changes come to is above them, and each effect leads to its change.
#[test]
fn effects_of_a_diff_are_said_in_words_and_lead_to_their_changes() {
    let mut desk = compared(200, 60);
    desk.keys("g g");
    desk.shows("effects  ");
    desk.keys("Enter");
    let rows: Vec<String> =
        desk.state.desk.table(&CHANGES).content.rows.iter().take(40).map(|row| row.plain()).collect();
    let has = |part: &str| assert!(rows.iter().any(|row| row.contains(part)), "{part}: {rows:#?}");
    has("criterion service changed  kind  eks");
    has("component aws-efa added  -  v0.5.29");
    has("constraint K8s.server.version stricter");
    has("of conformance added");
    // From a component that came to its changes, which were folded.
    let at = rows.iter().position(|row| row.contains("component aws-efa added")).expect("an effect");
    desk.command(&(at + 1).to_string());
    desk.shows("Enter goes to the change components.aws-efa.");
    desk.keys("Enter");
    let selected =
        |desk: &Desk| desk.state.desk.table(&CHANGES).row().map(|row| row.id.name().to_owned()).unwrap_or_default();
    assert!(selected(&desk).starts_with("components.aws-efa."), "{}", selected(&desk));
    // Swapped sides turn the effects around.
    desk.keys("X");
    desk.state.prepare();
    let rows: Vec<String> = desk.state.desk.table(&CHANGES).content.rows.iter().map(|row| row.plain()).collect();
    for part in ["component aws-efa removed", "constraint K8s.server.version looser"] {
        assert!(rows.iter().any(|row| row.contains(part)), "{part}: {rows:#?}");
    }
}

#[test]
fn a_criterion_has_no_change_of_its_own_and_says_so() {
    let mut desk = compared(120, 40);
    desk.keys("g g Enter j");
    golden("diff-effects-120x40", &desk.text());
    desk.keys("Enter");
    desk.shows("decides which layers apply, and so causes all other changes");
}

/// Names of files do not say which state of a cluster they hold.
#[test]
fn the_sides_of_a_comparison_say_when_they_were_taken() {
    let at = |at: &str| {
        let mut inventory = Inventory::clone(&snapshot());
        inventory.about.taken_at = at.into();
        Arc::new(inventory)
    };
    let mut desk = Desk::live(200, 60);
    compare(
        &mut desk,
        ("before.yaml", at("2026-01-14T11:00:00Z")),
        ("cluster 2026-01-15T09:30:12Z", at("2026-01-15T09:30:12Z")),
    );
    desk.keys("5");
    desk.shows("A before.yaml 2026-01-14 11:00   B cluster 2026-01-15T09:30:12Z ");
    let mut desk = Desk::live(120, 40);
    desk.keys("5");
    let hints = desk.text().lines().last().unwrap_or_default().to_owned();
    assert!(hints.contains("= compare"), "an empty screen says how it is filled: {hints}");
}
