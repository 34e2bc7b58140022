//! The Diff screen: one place in three views, what a path begins with once, the line behind a change.

use super::{
    desk::{Desk, compare, snapshot},
    screens::golden,
};
use aicr::{
    diff::ChangeKind,
    document::header::Edition,
    inventory::{Inventory, Node},
    workbench::{
        effect::Effect,
        model::With,
        panes::{self, CHANGES, READINGS, SIDES},
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
    assert!(below.contains("gpu-operator.values  ") && below.contains("changes below"), "{text}");
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

/// Swapping is of the comparison that is shown: the next one begins as it was typed.
#[test]
fn a_new_comparison_is_not_swapped() {
    let mut desk = compared(120, 40);
    let text = desk.text();
    let sides = text.lines().find(|line| line.contains("- service=")).expect("the sides").to_owned();
    desk.keys("X");
    assert!(!desk.text().contains(sides.trim()), "{}", desk.text());
    desk.command("diff cluster");
    desk.shows("- service=kind");
    let again = compared(120, 40).state.model.diff.changes.answer().map(|(sides, _)| sides.clone());
    desk.command(OTHER);
    assert_eq!(desk.state.model.diff.changes.answer().map(|(sides, _)| sides.clone()), again);
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

/// The texts of a panel, without what is before each line.
fn shown(desk: &mut Desk) -> Vec<String> {
    desk.state.prepare();
    let table = desk.state.desk.table(&SIDES);
    table.visible.iter().map(|at| table.content.rows[*at].plain()).collect()
}

/// Enter on a fold opens that one, and closes it again; other folds stay.
#[test]
fn one_fold_of_unchanged_lines_is_opened_alone() {
    for keys in ["|", "| |"] {
        let mut desk = compared(120, 40);
        desk.keys(keys);
        desk.state.prepare();
        let folds = |desk: &mut Desk| shown(desk).iter().filter(|row| row.contains("unchanged")).count();
        let (before, all) = (folds(&mut desk), shown(&mut desk).len());
        assert!(before > 2, "{before}");
        let fold = desk.state.desk.table(&SIDES).content.rows.iter().position(|row| row.plain().contains("unchanged"));
        let fold = desk.state.desk.table(&SIDES).content.rows[fold.expect("a fold")].clone();
        let count: usize =
            fold.plain().split_whitespace().nth(1).and_then(|count| count.parse().ok()).expect("a count");
        assert!(desk.state.desk.table_mut(&SIDES).select(&fold.id));
        desk.keys("Enter");
        assert_eq!(shown(&mut desk).len(), all + count);
        assert!(selected(&mut desk, &SIDES).contains("unchanged, shown"));
        assert_eq!(folds(&mut desk), before, "the others stay");
        desk.keys("Enter");
        assert_eq!(shown(&mut desk).len(), all);
        // Other context has other folds.
        desk.keys("Enter } {");
        assert!(shown(&mut desk).iter().all(|row| !row.contains("unchanged, shown")));
    }
}

/// No letter of a long line is lost, and what it goes on with begins below its text.
#[test]
fn long_lines_go_on_below_in_both_layouts() {
    for (name, width, height) in [("sides-wrapped-120x40", 120, 40), ("unified-wrapped-80x24", 80, 24)] {
        let mut desk = compared(width, height);
        desk.keys("|");
        desk.state.prepare();
        let whole = |desk: &mut Desk| -> String {
            shown(desk).iter().flat_map(|row| row.chars().filter(|c| !c.is_whitespace()).collect::<Vec<_>>()).collect()
        };
        let (letters, rows) = (whole(&mut desk), shown(&mut desk).len());
        desk.keys("w");
        desk.shows("long lines go on below");
        assert!(shown(&mut desk).len() > rows, "some lines are longer than the panel");
        desk.state.prepare();
        let layout = desk.state.desk.layout.clone();
        let room = usize::from(layout.inner(layout.panel(&SIDES).unwrap()).width) - 3;
        let table = desk.state.desk.table(&SIDES);
        for row in &table.content.rows {
            let taken: usize = row.cells.iter().map(|cell| cell.width()).sum();
            assert!(taken <= room, "{taken} of {room}: {}", row.plain());
        }
        // Side by side, both columns are broken, so that letters of one line are not in one piece.
        if width < 100 {
            assert_eq!(whole(&mut desk), letters);
        }
        let wrapped = first_wrapped(&desk);
        assert!(desk.state.desk.table_mut(&SIDES).select(&wrapped), "a line that goes on");
        desk.state.desk.mark(panes::Need::Cursor(&SIDES));
        // What a line goes on with is of that line.
        desk.keys("j y");
        golden(name, &desk.text());
        let Some(Effect::Copy(copied)) = desk.left.pop() else { panic!("{:?}", desk.left) };
        let piece = selected(&mut desk, &SIDES);
        let piece = piece.split("  ").map(str::trim).find(|piece| !piece.is_empty()).unwrap_or_default();
        assert!(copied.contains(piece) && copied.trim() != piece, "`{copied}` is the line that `{piece}` is of");
        desk.keys("w");
        desk.shows("long lines are scrolled to");
    }
}

/// The first line that goes on below.
fn first_wrapped(desk: &Desk) -> panes::RowId {
    let rows = &desk.state.desk.table(&SIDES).content.rows;
    let at = rows.iter().position(|row| row.continues).expect("a line that goes on");
    rows[at - 1].id.clone()
}

/// A comparison that would have taken too long says that it is coarse.
#[test]
fn a_coarse_comparison_of_texts_says_so() {
    let mut desk = compared(120, 40);
    let changes = desk.state.model.diff.changes.value.clone().expect("compared");
    let coarse = aicr::ops::diff::Changes { is_coarse: true, ..(*changes).clone() };
    desk.state.model.diff.changes.value = Some(Arc::new(coarse));
    desk.state.desk.mark(panes::Need::Diff);
    desk.keys("|");
    desk.shows("coarse: the texts are too long to be aligned within 5 s");
}

/// A node that came in the place of one that went is one row, which says how that is known.
#[test]
fn a_replaced_node_is_one_difference_that_says_by_what_it_was_matched() {
    let mut desk = Desk::live(120, 40);
    let mut later = Inventory::clone(&snapshot());
    let renamed = |later: &mut Inventory, old: &str, new: &str, change: fn(&mut Node)| {
        let at = later.nodes.iter().position(|node| &*node.name == old).expect("a node");
        let mut node = Node::clone(&later.nodes[at]);
        node.name = new.into();
        change(&mut node);
        later.nodes[at] = Arc::new(node);
    };
    renamed(&mut later, "worker-3", "worker-9", |_| {});
    compare(&mut desk, ("before.yaml", snapshot()), ("after.yaml", Arc::new(later)));
    desk.keys("5");
    desk.shows("node[worker-9]  replaces worker-3");
    let rows = |desk: &mut Desk| -> Vec<String> {
        desk.state.prepare();
        let table = desk.state.desk.table(&READINGS);
        table.visible.iter().map(|at| table.content.rows[*at].plain()).filter(|row| row.contains("worker-")).collect()
    };
    assert_eq!(rows(&mut desk).len(), 1, "{:?}", rows(&mut desk));
    golden("compare-replaced-120x40", &desk.text());
    desk.keys("|");
    desk.shows("node worker-9  replaces worker-3");
    assert_eq!(rows(&mut desk).len(), 1, "{:?}", rows(&mut desk));
}

/// `[]` at the left and two elements at the right are one change with one cause, not a removal and additions elsewhere.
#[test]
fn a_list_that_was_filled_is_one_change() {
    let mut desk = compared(120, 40);
    let changes = desk.state.model.diff.changes.value.clone().unwrap();
    let of_env: Vec<_> = changes.changes.iter().filter(|change| change.path.contains("devicePlugin.env")).collect();
    let [change] = of_env[..] else { panic!("{of_env:#?}") };
    assert_eq!(change.kind, ChangeKind::Modified);
    assert_eq!(change.left, Some(serde_json::json!([])));
    let items = change.right.as_ref().and_then(|list| list.as_array()).map_or(0, Vec::len);
    assert!(items > 0 && !change.cause.is_empty(), "{change:?}");
    // It is found in the texts as well.
    assert!(changes.row_of(&change.path).is_some());
    desk.keys("/");
    desk.type_text("devicePlugin");
    desk.keys("Enter ]");
    let row = selected(&mut desk, &CHANGES);
    assert!(row.contains("[]") && row.contains("item"), "{row}");
}

fn recipe(desk: &Desk, folder: &std::path::Path, name: &str, version: &str) -> String {
    let recipe = desk.state.model.recipe.value.clone().unwrap().recipe.clone();
    let text = aicr::recipe::format::to_yaml(&recipe, Edition::V1).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text.replace("version: v26.7.1", version)).unwrap();
    path.display().to_string()
}

/// `:diff A B` is what `aicr diff A B` is, whatever the recipe of the screen is.
#[test]
fn two_recipes_are_compared_as_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::live(160, 45);
    let one = recipe(&desk, folder.path(), "one.yaml", "version: v26.7.0");
    let two = recipe(&desk, folder.path(), "two.yaml", "version: v26.6.0");
    let paths = |desk: &Desk| -> Vec<String> {
        let changes = desk.state.model.diff.changes.value.as_ref().unwrap();
        let shown = |change: &aicr::diff::Change| {
            format!(
                "{} {} {}",
                change.path,
                change.left.clone().unwrap_or_default(),
                change.right.clone().unwrap_or_default()
            )
        };
        changes.changes.iter().map(shown).collect()
    };
    desk.command(&format!("diff {one} {two}"));
    assert_eq!(paths(&desk), ["components.gpu-operator.version \"v26.7.0\" \"v26.6.0\""]);
    desk.shows("one.yaml   + ");
    assert!(!desk.text().contains("- service=kind"), "the recipe of the screen is no side: {}", desk.text());
    desk.keys("X");
    assert_eq!(paths(&desk), ["components.gpu-operator.version \"v26.6.0\" \"v26.7.0\""]);
    // A file and criteria; a file and the cluster.
    desk.keys("X");
    desk.command(&format!("diff {one} service=kind,accelerator=a100"));
    assert_eq!(paths(&desk), ["components.gpu-operator.version \"v26.7.0\" \"v26.7.1\""]);
    for line in [format!("diff {one} cluster"), format!("diff cluster {one}")] {
        desk.command(&line);
        assert!(
            paths(&desk).contains(&"components.gpu-operator.version \"v26.7.0\" \"v25.10.1\"".to_owned()),
            "{line}"
        );
    }
    // Criteria of two words are those of one recipe.
    desk.command("diff service=kind accelerator=h100");
    assert!(matches!(desk.state.model.diff.with, Some(With::Criteria(_))));
    desk.command("diff service=kind acelerator=h100");
    desk.shows("acelerator");
    assert!(!desk.text().contains("no such file"), "{}", desk.text());
    desk.command("diff h100-eks-training gb200-eks-training");
    desk.shows("an overlay is compared with the recipe, by `:diff OVERLAY`");
    desk.command("diff a.yaml b.yaml c.yaml");
    desk.shows("3 recipes cannot be compared; `:diff A.yaml B.yaml` compares two");
    desk.command("diff service=kind,accelerator=a100 service=eks,accelerator=h100,os=ubuntu");
    desk.shows("+ service=eks,accelerator=h100,os=ubuntu");
    // What cannot be read is said, of either side.
    desk.command("diff none.yaml service=kind,accelerator=a100");
    desk.shows("failed to read the recipe");
}

/// Where there is no room for both texts beside each other, they are not a view of their own.
#[test]
fn a_narrow_frame_has_two_views_and_each_key_changes_something() {
    let mut desk = compared(80, 24);
    let changes = desk.text();
    assert!(!changes.contains("side by side"), "{changes}");
    desk.keys("|");
    desk.shows("side by side needs 100 columns; the view is unified");
    // The counts are in the title, and both sides are named whole.
    for shown in
        ["changed lines, context 3", "- service=kind accelerator=a100   + service=eks accelerator=h100 os=ubuntu"]
    {
        desk.shows(shown);
    }
    golden("diff-unified-80x24", &desk.text());
    desk.keys("|");
    desk.shows("view: changes by component");
    desk.keys("|");
    desk.shows("view: changes");
    let mut wide = compared(120, 40);
    wide.keys("|");
    wide.shows("view: side by side");
    wide.keys("|");
    wide.shows("view: unified");
}

#[test]
fn what_is_folded_says_what_follows_it() {
    let mut desk = compared(120, 40);
    desk.keys("| |");
    let rows = shown(&mut desk);
    let folded: Vec<&String> = rows.iter().filter(|row| row.contains("unchanged")).collect();
    assert!(folded.iter().any(|row| row.contains("unchanged  components.")), "{folded:?}");
    // The first line of what follows is of that path.
    let table = desk.state.desk.table(&SIDES);
    let text = table.content.rows.iter().map(|row| row.plain()).collect::<Vec<_>>();
    assert!(text.iter().any(|row| row.contains("unchanged")), "{text:?}");
}

#[test]
fn recipes_have_no_noise_to_show_and_say_so() {
    let mut desk = compared(120, 40);
    desk.keys(".");
    desk.shows("recipes have no readings that change by themselves");
}

/// Both halves stay where they are, whichever long lines come into view.
#[test]
fn halves_of_a_text_stay_where_they_are_while_one_scrolls() {
    for wraps in [false, true] {
        let mut desk = compared(120, 40);
        desk.keys(if wraps { "| w" } else { "|" });
        let mut places = std::collections::BTreeSet::new();
        let mut moved = 0;
        loop {
            desk.frame();
            let area = desk.state.desk.layout.panel(&SIDES).unwrap();
            let inner = desk.state.desk.layout.inner(area);
            let table = desk.state.desk.table(&SIDES);
            places.insert(table.widths_in(inner.width - 3, inner.height));
            let cursor = table.cursor;
            desk.keys("Ctrl-D");
            if desk.state.desk.table(&SIDES).cursor == cursor {
                break;
            }
            moved += 1;
        }
        assert!(moved > 10 && places.len() == 1, "{wraps}: {places:?}");
    }
}

/// Two values in few columns are cut where they are the same, so that nobody reads them as the same value.
#[test]
fn values_that_differ_are_not_cut_to_the_same_text() {
    let mut cut = 0;
    for (width, height) in [(60, 40), (80, 24), (120, 40), (200, 60)] {
        for other in [OTHER, "diff service=eks accelerator=gb200 os=ubuntu intent=inference platform=dynamo"] {
            let mut desk = Desk::live(width, height);
            desk.command(other);
            desk.keys("z R g g");
            for _ in 0..desk.state.desk.table(&CHANGES).visible.len() {
                let text = desk.text();
                let line = text.lines().find(|line| line.contains('›')).unwrap_or_else(|| panic!("{text}"));
                let panel = line.split(['┃', '│']).find(|part| part.contains('›')).unwrap_or_default();
                let sides: Vec<&str> = panel.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
                if let [.., left, right] = sides[..]
                    && [left, right].iter().any(|side| side.contains('…'))
                    && selected(&mut desk, &CHANGES).matches("  ").count() > 1
                {
                    assert_ne!(left, right, "{width}: {text}");
                    cut += 1;
                }
                desk.keys("j");
            }
        }
    }
    assert!(cut > 10, "{cut} values are cut, so that little is tested");
}

/// A list without names is one change, which says what is on one side only.
#[test]
fn a_list_without_names_says_which_elements_came_and_went() {
    let mut desk = Desk::live(120, 40);
    let mut seen = 0;
    for criteria in ["service=eks accelerator=h100 os=ubuntu intent=training", "service=gke accelerator=h100 os=cos"] {
        desk.command(&format!("diff {criteria}"));
        let changes = desk.state.model.diff.changes.value.clone().unwrap();
        for change in &changes.changes {
            let list = |side: &Option<serde_json::Value>| side.as_ref().and_then(|side| side.as_array().cloned());
            let (Some(left), Some(right)) = (list(&change.left), list(&change.right)) else { continue };
            if change.kind != ChangeKind::Modified {
                continue;
            }
            desk.state.prepare();
            assert!(desk.state.desk.table_mut(&CHANGES).select(&change.path.as_str().into()), "{}", change.path);
            desk.state.desk.mark(panes::Need::Cursor(&CHANGES));
            desk.state.prepare();
            let rows = &desk.state.desk.table(&panes::CHANGE).content.rows;
            let signs = |sign: &str| rows.iter().filter(|row| row.plain().starts_with(sign)).count();
            let own = |one: &[serde_json::Value], other: &[serde_json::Value]| {
                one.iter().filter(|value| !other.contains(value)).count()
            };
            assert_eq!((signs("- "), signs("+ ")), (own(&left, &right), own(&right, &left)), "{}", change.path);
            seen += 1;
        }
    }
    assert!(seen > 0, "no list differs, so that nothing is tested");
}

/// Changes by component: each component once, with all of its changes, whatever caused them.
#[test]
fn changes_are_grouped_by_component_in_a_view_of_their_own() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = compared(width, height);
        while !desk.text().contains("view: changes by component") {
            desk.keys("|");
        }
        let changes = desk.state.model.diff.changes.value.clone().unwrap();
        let rows = &desk.state.desk.table(&CHANGES).content.rows;
        let heads: Vec<String> = rows.iter().filter(|row| row.depth == 0).map(|row| row.plain()).collect();
        for component in ["gpu-operator  ", "kube-prometheus-stack  ", "aws-efa  "] {
            assert_eq!(heads.iter().filter(|head| head.starts_with(component)).count(), 1, "{heads:#?}");
        }
        let own = rows.iter().filter(|row| changes.changes.iter().any(|change| row.id.name() == change.path)).count();
        assert_eq!(own, changes.changes.len(), "every change has its row");
        golden(&format!("diff-by-component-{width}x{height}"), &desk.text());
        // The cursor keeps its change through the views.
        desk.keys("]");
        let path = desk.state.desk.table(&CHANGES).selected.clone();
        desk.keys("|");
        desk.state.prepare();
        assert_eq!(desk.state.desk.table(&CHANGES).selected, path);
    }
}

/// A cause is called by the criterion where one alone decides which layers apply.
#[test]
fn a_cause_is_called_by_its_criterion_where_there_is_one() {
    let mut desk = Desk::live(120, 40);
    desk.command("recipe service=eks accelerator=a100 os=ubuntu intent=training");
    desk.command("diff service=eks accelerator=h100 os=ubuntu intent=training");
    let changes = desk.state.model.diff.changes.value.clone().unwrap();
    assert!(!changes.changes.is_empty() && changes.criteria.values().all(|said| said == "accelerator a100 → h100"));
    desk.state.prepare();
    let rows = &desk.state.desk.table(&CHANGES).content.rows;
    let heads: Vec<String> = rows.iter().filter(|row| row.depth == 0).map(|row| row.plain()).collect();
    assert!(heads.iter().any(|head| head.starts_with("accelerator a100 → h100  ")), "{heads:#?}");
    // Its layers are said where one change is read.
    desk.keys("]");
    desk.shows("for accelerator a100 → h100");
    let mut desk = compared(120, 40);
    desk.shows("service kind → eks");
    desk.state.prepare();
    let rows = &desk.state.desk.table(&CHANGES).content.rows;
    let heads: Vec<String> = rows.iter().filter(|row| row.depth == 0).map(|row| row.plain()).collect();
    assert!(
        heads.iter().any(|head| head.starts_with("(not set) → h100-eks-training")),
        "several let it in: {heads:#?}"
    );
}

/// Below 100 columns A and B are below each other, whole, and one difference is one row for the keys.
#[test]
fn sides_of_a_narrow_comparison_are_below_each_other() {
    let image = |tag: &str| {
        let mut inventory = Inventory::clone(&snapshot());
        let images = Arc::make_mut(&mut inventory.images);
        images.insert("gpu-operator".into(), format!("registry.example/nvidia/gpu-operator:{tag}-ubuntu24.04"));
        images.insert("slinky".into(), tag.into());
        Arc::new(inventory)
    };
    for (width, height) in [(40, 10), (60, 40), (80, 24), (98, 30)] {
        let mut desk = Desk::live(width, height);
        compare(&mut desk, ("before.yaml", image("v1.2")), ("after.yaml", image("v1.3")));
        desk.keys("5 g g");
        let text = desk.text();
        let words: String = text.chars().filter(|c| !c.is_whitespace() && !"┃│".contains(*c)).collect();
        if width > 40 {
            for side in ["Aregistry.example/nvidia/gpu-operator:v1.2-ubuntu24.04", "v1.3-ubuntu24.04", "Av1.2", "Bv1.3"]
            {
                assert!(words.contains(side) || text.contains(side), "{side} at {width}:\n{text}");
            }
        }
        let differences = desk.state.model.compare.changes.value.as_ref().unwrap().changes.len();
        let mut rows = std::collections::BTreeSet::new();
        for _ in 0..differences {
            rows.insert(desk.state.desk.table(&READINGS).row().map(|row| row.id.name().to_owned()).unwrap());
            desk.keys("j");
            desk.frame();
        }
        assert!(rows.len() == differences && rows.iter().all(|path| !path.is_empty()), "{width}: {rows:?}");
    }
    let mut desk = Desk::live(100, 30);
    compare(&mut desk, ("before.yaml", image("v1.2")), ("after.yaml", image("v1.3")));
    desk.keys("5");
    desk.frame();
    let table = desk.state.desk.table(&READINGS);
    assert_eq!(table.content.columns.len(), 3, "{}", desk.text());
}
