//! What a person meets first: the state of everything in words, where the rest is, and what can be done.

use super::{
    desk::{Desk, NOW, run_half_way, snapshot},
    screens::{SIZES, STATES},
};
use aicr::{
    inventory::{Fact, Inventory},
    term::input::Input,
    validate::event::{Body, Verdict},
    workbench::{
        Look, Screen,
        msg::Msg,
        panes::{self, COMPONENTS, NODES, RowId},
    },
};
use std::sync::Arc;

#[test]
fn one_line_says_in_words_how_everything_stands() {
    for screen in 1..=5 {
        let mut desk = Desk::live(200, 60);
        desk.keys(&screen.to_string());
        let text = desk.text();
        let line = text.lines().nth(1).unwrap_or_default().to_owned();
        for said in [
            "aicr",
            "demo",
            "5 nodes ready",
            "1 of 1 GPU free",
            "components differ",
            "1 constraint met",
            "not validated",
        ] {
            assert!(line.contains(said), "{said}: {line}");
        }
        desk.update(Msg::Input(Input::Resize { width: 80, height: 24 }));
        let text = desk.text();
        let line = text.lines().nth(1).unwrap_or_default();
        for said in ["aicr", "demo", "5 nodes ready", "1/1 GPU free", "7 components differ", "unvalidated"] {
            assert!(line.contains(said), "{said}: {line}");
        }
    }
    let mut desk = Desk::live(40, 10);
    desk.shows("aicr");
    desk.shows("5 nodes ready");
}

/// The last verdict is there at every size: absent, it would read as "never validated".
#[test]
fn the_last_verdict_stays_where_there_is_little_room() {
    let line = |desk: &mut Desk| desk.text().lines().nth(1).unwrap_or_default().to_owned();
    let mut desk = Desk::live_with_past(80, 24, Look::default());
    let past = line(&mut desk);
    for said in ["5 nodes ready", "1/1 GPU free", "7 components differ", "fail 2 d ago"] {
        assert!(past.contains(said), "{said}: {past}");
    }
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    let criteria = desk.state.model.run.criteria.clone();
    desk.run(40_000, Body::Ended { verdict: Verdict::Passed });
    let passed = line(&mut desk);
    assert!(passed.contains("pass"), "{criteria}: {passed}");
    for said in ["5 nodes ready", "7 components differ"] {
        assert!(passed.contains(said), "{said}: {passed}");
    }
}

/// Nothing that is not known is counted, and what is wrong is not left out where there is little room.
#[test]
fn what_is_wrong_or_unknown_is_said() {
    let mut desk = Desk::new(120, 40, Look::default());
    desk.shows("reading the cluster");
    // There is a recipe, and nothing to judge it on.
    desk.shows("components unknown · constraints unknown");
    assert!(!desk.text().contains("no recipe"), "{}", desk.text());
    let mut down = Inventory::clone(&snapshot());
    let mut node = (*down.nodes[0]).clone();
    node.ready = down.nodes[1].ready.clone();
    if let Fact::Known(reading) = &mut node.ready {
        reading.value = false;
    }
    down.nodes[0] = Arc::new(node);
    let mut desk = Desk::showing(Arc::new(down), 120, 40, Look::default());
    desk.shows("1 of 5 nodes not ready");
    desk.update(Msg::Input(Input::Resize { width: 80, height: 24 }));
    desk.shows("1 of 5 nodes not ready");
    let mut desk = Desk::live(160, 45);
    run_half_way(&mut desk);
    desk.shows("» validating");
    desk.run(40_000, Body::Ended { verdict: Verdict::Failed });
    desk.shows("validated 09:12 UTC: fail");
}

#[test]
fn each_statement_leads_to_its_panel() {
    let mut desk = Desk::live(160, 45);
    let text = desk.text();
    let line = text.lines().nth(1).unwrap_or_default().to_owned();
    for (said, screen, pane) in [
        ("components differ", Screen::Cluster, Some(&COMPONENTS)),
        ("not validated", Screen::Validate, None),
        ("5 nodes ready", Screen::Cluster, Some(&NODES)),
    ] {
        let bytes = line.find(said).unwrap_or_else(|| panic!("{said}: {line}"));
        let column = u16::try_from(line[..bytes].chars().count() + 1).unwrap();
        desk.update(Msg::Input(Input::Click { column, row: 1 }));
        assert_eq!(desk.state.desk.screen, screen, "{said}");
        assert!(pane.is_none_or(|pane| desk.state.desk.focused() == pane), "{said}");
    }
    desk.keys("g p");
    assert_eq!(desk.state.desk.focused(), &COMPONENTS);
}

/// Messages make room by themselves, failures when a person has answered them.
#[test]
fn messages_go_away() {
    let mut desk = Desk::live(120, 40);
    desk.command("theme light");
    desk.shows("✓ theme light");
    desk.state.model.now_ms = NOW + 4_001;
    desk.update(Msg::Tick);
    assert!(!desk.text().contains("theme light"), "{}", desk.text());
    assert!(!desk.state.model.has_passing_message());
    desk.command("recipe service=eksx");
    desk.state.model.now_ms = NOW + 100_000;
    desk.update(Msg::Tick);
    desk.shows("✗ failed to");
    desk.keys("Esc");
    assert!(!desk.text().contains("✗ failed to"), "{}", desk.text());
}

#[test]
fn panels_that_have_no_room_are_named() {
    let mut desk = Desk::live(80, 24);
    desk.keys("2");
    desk.shows("Tab: overlay stack 4 · recipe components 12");
    let mut desk = Desk::live(80, 24);
    desk.shows("Tab: shapes 2 · identity · components 7~ 1- · constraints 1");
}

#[test]
fn help_begins_with_what_can_be_done_here() {
    let mut desk = Desk::live(100, 30);
    desk.keys("2 ?");
    let text = desk.text();
    let place = |said: &str| text.find(said).unwrap_or_else(|| panic!("{said}:\n{text}"));
    assert!(place("help: Recipe") < place("what the cluster should run, and which layer set each value"));
    assert!(place("which layer set each value") < place("change criteria and see what would change"));
    assert!(!text.contains("one row down"), "moving comes later: {text}");
    desk.keys("Enter");
    assert!(desk.state.desk.overlay.is_none(), "the cursor is on something that can be done");
}

/// The flagship fact is a sentence, with its source in full.
#[test]
fn a_value_says_why_it_is_what_it_is() {
    for (width, height) in [(120, 40), (200, 60), (100, 60)] {
        let mut desk = Desk::live(width, height);
        desk.command("value components.gpu-operator.values.driver.enabled");
        let shown = words(&mut desk);
        for said in [
            "false, because kind (service=kind) at overlays/kind.yaml:15 hides true of",
            "components/gpu-operator/values.yaml:104",
        ] {
            assert!(shown.contains(said), "{width}x{height}: {said} in\n{shown}");
        }
    }
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.values.driver");
    desk.shows("several layers built this");
    desk.shows("(sets ");
    let mut desk = Desk::live(200, 60);
    desk.command("value components.gpu-operator.values.driver.enabled");
    desk.shows("»    15  driver: {enabled: false");
}

/// What the ladder says, its lines joined.
fn words(desk: &mut Desk) -> String {
    desk.text();
    let ladder = panes::of_screen(Screen::Recipe).find(|pane| pane.name == "ladder").unwrap();
    let content = &desk.state.desk.table(ladder).content;
    let said: Vec<&str> = content.says.iter().map(|(_, line)| line.trim()).collect();
    said.join(" ")
}

/// Changes stand below what causes them, and what came or went as a whole is one row.
#[test]
fn a_diff_is_grouped_by_cause() {
    let mut desk = Desk::live(120, 40);
    desk.command("diff service=eks accelerator=h100 os=ubuntu intent=training");
    desk.frame();
    let table = desk.state.desk.table(&panes::CHANGES);
    let heads: Vec<String> = table.content.rows.iter().filter(|row| row.depth == 0).map(|row| row.plain()).collect();
    let changes = desk.state.model.diff.changes.value.as_ref().unwrap().changes.len();
    assert!(heads.len() > 2 && heads.len() < changes / 3, "{heads:?}");
    assert!(heads.iter().any(|head| head.contains("kind → ")), "{heads:?}");
    // What the changes come to is above them.
    let is_change = |row: &&panes::Row| row.branch.is_none() && row.depth > 0 && !matches!(row.id, RowId::Line(..));
    let leaves = table.content.rows.iter().filter(is_change).count();
    assert_eq!(leaves, changes, "every change has its row");
    let row = table.content.rows.iter().find(|row| row.plain().starts_with("aws-efa  ")).unwrap();
    assert!(row.branch == Some(false) && row.plain().contains("values"), "folded: {row:?}");
    let text = desk.text();
    desk.shows("- service=kind");
    assert!(!text.contains("components.gpu-operator.values"), "the path begins once: {text}");
}

/// No cell is cut while its panel has room beside it.
#[test]
fn nothing_is_cut_beside_empty_space() {
    for (name, make) in STATES {
        for (width, height) in SIZES {
            let mut desk = make(width, height, Look::default());
            desk.frame();
            let layout = desk.state.desk.layout.clone();
            for (pane, area) in &layout.panels {
                let table = desk.state.desk.table(pane);
                let columns = layout.inner(*area).width.saturating_sub(3);
                let widths = table.widths_in(columns, layout.inner(*area).height);
                let shown = widths.iter().filter(|width| **width > 0).count();
                let used: u16 = widths.iter().sum::<u16>() + 2 * u16::try_from(shown.saturating_sub(1)).unwrap();
                let halves = table.content.columns.len() > 1 && table.content.columns.iter().all(|column| column.grows);
                if table.content.prose || halves || used >= columns {
                    continue;
                }
                for index in &table.visible[table.window(layout.inner(*area).height)] {
                    let row = &table.content.rows[*index];
                    // A heading has the whole line.
                    if row.cells.len() == 1 {
                        continue;
                    }
                    for (at, (cell, width)) in row.cells.iter().zip(&widths).enumerate() {
                        let indent = if at == 0 { row.depth * 2 + if row.branch.is_some() { 2 } else { 0 } } else { 0 };
                        let needs = cell.width() + usize::from(indent);
                        let what =
                            format!("{name} at {width}x{height}, {pane:?}, {used} of {columns}: {}", cell.plain());
                        assert!(*width == 0 || needs <= usize::from(*width), "{what}");
                    }
                }
            }
        }
    }
}
