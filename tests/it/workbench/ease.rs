//! What is met without a manual: words with their nouns, colors under the cursor, a mouse on hints and headers, what-if
//! that can be kept, places that are found again.

use super::{
    desk::{Desk, run_half_way, snapshot},
    screens::{SIZES, STATES},
};
use crate::sandbox::Sandbox;
use aicr::{
    inventory::Inventory,
    ops::{Failure, Kind},
    term::input::Input,
    workbench::{
        Look, RunOptions, Screen,
        app::State,
        effect::Effect,
        keymap::{self, Action},
        layout::Presence,
        msg::{Msg, Written},
        panes::{self, NODES, RowId, VALUES},
        screenshot,
        theme::{self, Role},
        view,
        widgets::table::text_columns,
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// In 80 columns every number of the line of words has its noun.
#[test]
fn numbers_have_their_nouns_at_80_columns() {
    let mut desk = Desk::live(80, 24);
    let text = desk.text();
    let line = text.lines().nth(1).unwrap_or_default();
    for said in ["5 nodes ready", "1/1 GPU free", "7 components differ"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    assert!(!line.contains("· 7 differ") && !line.contains("· 1 met"), "{line}");
}

/// Where there is no line for the criteria, they are in the first one.
#[test]
fn criteria_are_seen_at_every_size() {
    for screen in 1..=5 {
        for (width, height) in SIZES.into_iter().filter(|(width, _)| *width >= 80) {
            let mut desk = Desk::live(width, height);
            desk.keys(&screen.to_string());
            let text = desk.text();
            let top: Vec<&str> = text.lines().take(3).collect();
            let top = top.join("\n");
            assert!(top.contains("kind") && top.contains("a100"), "{screen} at {width}x{height}:\n{top}");
        }
    }
    let mut desk = Desk::live(120, 30);
    desk.shows("service=kind accelerator=a100  DEMO");
}

/// The row under the cursor keeps what its colors say, where they can be read on the bar.
#[test]
fn the_cursor_bar_keeps_colors() {
    for name in ["dark", "light"] {
        let mut desk = Desk::live_with(120, 40, Look { theme: Some(name.into()), ..Look::default() });
        desk.keys("j");
        let frame = desk.frame();
        let (bar, ok) = (desk.state.desk.theme.style(Role::Selection), desk.state.desk.theme.style(Role::Ok));
        let row: Vec<_> = frame.content().iter().filter(|cell| Some(cell.bg) == bar.bg).collect();
        let ready: String = row.iter().filter(|cell| Some(cell.fg) == ok.fg).map(|cell| cell.symbol()).collect();
        assert!(ready.contains("ready"), "{name}: `{ready}`");
        for cell in row.iter().filter(|cell| cell.symbol() != " ") {
            let ground = bar.bg.unwrap();
            assert!(theme::is_readable(cell.fg, ground), "{name}: {} on the bar", cell.symbol());
        }
    }
}

#[test]
fn hints_and_headers_are_clicked() {
    let mut desk = Desk::live(120, 40);
    let text = desk.text();
    let (row, line) = text.lines().enumerate().last().unwrap();
    let column = |line: &str, said: &str| line[..line.find(said).unwrap()].chars().count() as u16;
    desk.update(Msg::Input(Input::Click { column: column(line, "? help"), row: row as u16 }));
    assert!(desk.state.desk.overlay.is_some(), "the help is open");
    desk.keys("Esc");
    let (row, line) = text.lines().enumerate().find(|(_, line)| line.contains("STATE")).unwrap();
    let header = Msg::Input(Input::Click { column: column(line, "NAME"), row: row as u16 });
    desk.update(header.clone());
    desk.shows("sorted by NAME, ascending");
    desk.update(header);
    desk.shows("sorted by NAME, descending");
    assert_eq!(desk.state.desk.table(&NODES).sort, Some((0, true)));
    assert_eq!(desk.state.desk.focused(), &NODES);
}

/// What was tried becomes the recipe.
#[test]
fn a_what_if_is_adopted() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 i");
    desk.shows("h previous");
    desk.shows("l next value");
    desk.keys("j j l");
    let criteria = desk.state.model.what_if.as_ref().unwrap().criteria.clone();
    assert_ne!(&criteria, desk.state.model.criteria());
    desk.keys("a");
    assert_eq!(desk.state.model.criteria(), &criteria);
    assert!(desk.state.model.what_if.is_none() && !desk.state.model.recipe.is_stale());
    desk.shows("the recipe is for service=kind");
    desk.keys("a");
    desk.shows("nothing to adopt");
}

/// The chosen one of the legal values is seen, wherever it is in the list.
#[test]
fn legal_values_are_seen_while_they_are_gone_through() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.keys("2 i j");
        for _ in 0..20 {
            desk.keys("l");
            let chosen = desk.state.model.what_if.as_ref().unwrap().criteria.accelerator.clone();
            let text = desk.text();
            let lines: Vec<&str> = text.lines().skip_while(|line| !line.contains("accelerator  ")).take(3).collect();
            if let Some(chosen) = chosen {
                assert!(lines.concat().matches(chosen.as_str()).count() >= 2, "{chosen} at {width}: {text}");
            }
        }
    }
}

/// A value that was found stays the selected one: while a filter is typed and left, branches are folded and unfolded, and
/// everything is read again.
#[test]
fn a_value_is_found_again() {
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.values.driver.enabled");
    let chosen = desk.state.desk.table(&VALUES).selected.clone();
    let now = |desk: &mut Desk| {
        desk.state.prepare();
        desk.state.desk.table(&VALUES).selected.clone()
    };
    desk.keys("z M");
    assert_ne!(now(&mut desk), chosen, "its branch is selected while it is folded");
    desk.keys("z R");
    assert_eq!(now(&mut desk), chosen);
    desk.keys("/");
    desk.type_text("toolkit");
    desk.keys("Esc");
    assert_eq!(now(&mut desk), chosen, "nothing was chosen in the filter");
    desk.keys("R");
    assert_eq!(now(&mut desk), chosen);
    desk.command("recipe service=kind accelerator=h100");
    assert_eq!(now(&mut desk), chosen);
    desk.keys("1 2 i Esc");
    assert_eq!(now(&mut desk), chosen);
}

/// Why an overlay did not apply is read in full where nothing stands beside it.
#[test]
fn reasons_of_overlays_take_the_room_beside_them() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.state.desk.focus_on(panes::of_screen(Screen::Recipe).find(|pane| pane.name == "overlay stack").unwrap());
    desk.keys("G l l");
    let text = desk.text();
    let reasons = text.lines().filter(|line| line.contains("wants service") || line.contains("wants accelerator"));
    assert!(reasons.clone().count() > 3, "{text}");
    for line in reasons {
        let cell = line.split('│').nth(1).unwrap_or_default();
        assert!(!cell.contains('…') || cell.trim_end().chars().count() > 44, "{line}");
    }
}

/// A file that is read is named, and nothing is said of a connection.
#[test]
fn a_file_is_read_not_connected_to() {
    let options = RunOptions { snapshots: vec!["friday.yaml".into()], ..RunOptions::default() };
    let mut desk = Desk::started(&options, 120, 40);
    let text = desk.text();
    assert!(text.contains("reading friday.yaml") && !text.contains("connecting"), "{text}");
    let mut desk = Desk::showing(Arc::new(Inventory::clone(&snapshot())), 120, 40, Look::default());
    assert!(!desk.text().contains("reading"));
}

/// A switch says what it did, also where nothing is to be seen of it.
#[test]
fn switches_answer() {
    let mut desk = Desk::live(120, 40);
    desk.keys("w");
    let wide = desk.text();
    assert!(wide.contains("more columns shown") || wide.contains("have no room here"), "{wide}");
    desk.keys("w");
    desk.shows("the usual columns");
    desk.keys("g p w");
    desk.shows("this panel has no more columns");
    desk.keys("5 .");
    desk.shows("no reading differs that changes by itself");
}

/// Going through matches says which of how many it is.
#[test]
fn matches_are_counted() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("worker");
    desk.keys("Enter g g n");
    desk.shows("match 2 of 3");
    desk.shows("2 hidden, 3 matches  /worker");
    desk.keys("N");
    desk.shows("match 1 of 3");
    desk.keys("/");
    desk.shows("2 hidden, 3 matches   Enter keeps");
}

/// Numbers of layers say what lies on what: files of values, which lie below all overlays, have none.
#[test]
fn layers_are_numbered_from_the_bottom() {
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.values.driver.enabled");
    desk.text();
    let ladder = panes::of_screen(Screen::Recipe).find(|pane| pane.name == "ladder").unwrap();
    let signs = |desk: &Desk| -> Vec<String> {
        let rows = &desk.state.desk.table(ladder).content.rows;
        let layers = rows.iter().filter(|row| matches!(row.id, RowId::Rung(_)));
        layers.map(|row| row.cells[0].plain().into_owned()).collect()
    };
    assert_eq!(signs(&desk), ["4", "3", "2", "1", "v"]);
    desk.command("value components.gpu-operator.values.driver.version");
    desk.text();
    assert_eq!(signs(&desk), ["v", "4", "3", "2", "1"], "the winner is on top");
    desk.keys("z M");
    desk.shows("mixed: 0 1 2 4 v");
    desk.keys("/");
    desk.type_text("layer:v");
    desk.keys("Enter");
    desk.shows("v values.yaml");
}

/// Layers and components that a what-if brings or takes are seen where they are listed.
#[test]
fn a_what_if_shows_what_comes_and_goes() {
    let mut desk = Desk::live(200, 60);
    desk.command("recipe service=kind accelerator=h100");
    desk.keys("i");
    while desk.state.model.what_if.as_ref().unwrap().criteria.service.as_deref() != Some("eks") {
        desk.keys("l");
    }
    desk.keys("j j");
    while desk.state.model.what_if.as_ref().unwrap().criteria.os.as_deref() != Some("ubuntu") {
        desk.keys("l");
    }
    let text = desk.text();
    for (sign, name) in [('+', "eks"), ('-', "kind"), ('+', "aws-efa"), ('-', "network-operator")] {
        let is_row = |cell: &str| cell.starts_with(sign) && cell.split_whitespace().any(|word| word == name);
        let seen = text.lines().any(|line| line.split(['│', '┃']).any(is_row));
        assert!(seen, "{sign} {name} in\n{text}");
    }
    desk.shows("4 applied +");
    desk.shows("12 in order +");
}

/// A link is a command line that opens the same view, for a colleague; it looks at something and changes nothing.
#[test]
fn a_link_opens_the_same_view() {
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.values.driver.enabled");
    desk.command("link");
    let Some(Effect::Copy(link)) = desk.left.last() else { panic!("nothing copied") };
    let expected = "aicr --demo tui --service kind --accelerator a100 --screen recipe --go \
                    'value components.gpu-operator.values.driver.enabled'";
    assert_eq!(link, expected);
    let sandbox = Sandbox::new();
    sandbox.file("script", "wait\ndump view\n");
    let go = "value components.gpu-operator.values.driver.enabled";
    let start = ["--demo", "tui", "--service", "kind", "--accelerator", "a100", "--screen", "recipe", "--go"];
    let run = sandbox.aicr(&[&start[..], &[go, "--script", "script"]].concat());
    assert!(run.stdout.contains("false, because kind (service=kind)"), "{}{}", run.stdout, run.stderr);
    // Also where the message is gone from its line by then.
    sandbox.file("said", "wait\n:\ntype messages\nEnter\ndump view\n");
    let run = sandbox.aicr(&[&start[..], &["save friday.yaml", "--script", "said"]].concat());
    assert!(run.stdout.contains("`save` is not for links"), "{}{}", run.stdout, run.stderr);
    assert!(!sandbox.home().join("friday.yaml").exists());
    let mut desk = Desk::live(120, 40);
    desk.command("diff cluster");
    desk.command("link");
    assert!(
        matches!(desk.left.last(), Some(Effect::Copy(link)) if link.ends_with("--screen diff --go 'diff cluster'"))
    );
}

/// The filter, what was chosen besides the dimensions, whose names are kept, and the run.
#[test]
fn a_link_has_what_a_person_chose() {
    let link = |desk: &mut Desk| {
        desk.command("link");
        let Some(Effect::Copy(link)) = desk.left.last() else { panic!("nothing copied: {}", desk.text()) };
        link.clone()
    };
    let mut desk = Desk::live(120, 40);
    desk.command("node worker-1");
    desk.command("filter worker !3");
    let expected = "--screen cluster --go 'node worker-1' --go 'filter worker !3'";
    assert!(link(&mut desk).ends_with(expected), "{}", link(&mut desk));
    desk.state.model.inherit = Some("my bundle".into());
    assert!(link(&mut desk).contains(" --inherit-from 'my bundle' --screen "), "{}", link(&mut desk));
    desk.state.model.inherit = None;
    desk.command("component cert-manager");
    assert!(link(&mut desk).ends_with("--screen recipe --go 'component cert-manager'"), "{}", link(&mut desk));
    desk.command("recipe service=aks accelerator=h100 os=ubuntu profile=gpuStack=operator-managed");
    let expected = "--os ubuntu --profile 'gpuStack=operator-managed' --screen recipe";
    assert!(link(&mut desk).contains(expected), "{}", link(&mut desk));
    // A typed setting, adopted from a what-if.
    let mut desk = Desk::live(200, 60);
    desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training platform=slurm");
    desk.keys("i g g j j j j j j l a");
    let expected = "--platform slurm '--slurm-accounting-mode=customer-managed' --screen recipe";
    assert!(link(&mut desk).contains(expected), "{}", link(&mut desk));

    // The run of the demo's past is opened with its filter by the line that it was copied as.
    let sandbox = Sandbox::new();
    sandbox.file("script", "wait\ndump view\n");
    let listed = sandbox.aicr(&["--demo", "runs", "list", "-t", "json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let run = listed[0]["run"].as_str().unwrap();
    let go = ["--screen", "validate", "--go", &format!("source {run}"), "--go", "filter dra"].map(str::to_owned);
    let go: Vec<&str> = go.iter().map(String::as_str).collect();
    let shown = sandbox.aicr(&[&["--demo", "tui"][..], &go, &["--script", "script"]].concat());
    // The title has what of its name tells it apart; the message with all of it may have gone by now.
    let title = format!("run {}", run.rsplit_once('-').unwrap().0);
    let text = &shown.stdout;
    assert!(text.contains(&title) && text.contains("/dra"), "{text}{}", shown.stderr);
}

/// Hints are of keys that do something now.
#[test]
fn hints_name_what_can_be_done_now() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    let hint = |desk: &mut Desk| desk.text().lines().last().unwrap_or_default().to_owned();
    let before = hint(&mut desk);
    assert!(before.contains("r run") && !before.contains("cancel") && !before.contains("failed"), "{before}");
    run_half_way(&mut desk);
    let during = hint(&mut desk);
    assert!(during.contains("x cancel") && during.contains("p pause"), "{during}");
    assert!(!during.contains("F failed"), "one run at a time: {during}");
}

/// What a popup does not take is not hinted below it, and what is hinted can be clicked.
#[test]
fn hints_below_a_popup_are_those_of_the_popup() {
    let open = |desk: &mut Desk, keys: &str| {
        desk.keys(keys);
        let mode = desk.state.desk.context();
        let hinted: BTreeSet<Action> =
            (0..desk.state.desk.width).filter_map(|column| view::hint_at(&desk.state, column)).collect();
        assert!(hinted.len() > 1, "{keys}: {}", desk.text());
        for action in &hinted {
            assert!(keymap::binding(*action).acts_in(mode), "{keys}: {action:?} in {mode:?}\n{}", desk.text());
        }
        let leaves = if hinted.contains(&Action::Close) { Action::Close } else { Action::Back };
        let column = (0..desk.state.desk.width).find(|column| view::hint_at(&desk.state, *column) == Some(leaves));
        let row = desk.state.desk.layout.hint.unwrap().y;
        let column = column.unwrap_or_else(|| panic!("{keys}: nothing leaves\n{}", desk.text()));
        desk.update(Msg::Input(Input::Click { column, row }));
    };
    for (width, height) in SIZES.into_iter().filter(|(width, _)| *width >= 80) {
        let mut desk = Desk::live(width, height);
        for keys in ["?", ":", "Y", "Y / x Enter"] {
            open(&mut desk, keys);
            assert!(desk.state.desk.overlay.is_none(), "{keys}: {}", desk.text());
        }
        run_half_way(&mut desk);
        open(&mut desk, "4 x");
        assert!(desk.state.desk.overlay.is_none(), "{}", desk.text());
        // The first key of two waits for the second, and the keys of the panel mean nothing then.
        desk.keys("g");
        let hint = desk.text().lines().last().unwrap_or_default().to_owned();
        assert!(hint.contains("Esc close") && !hint.contains("run"), "{hint}");
    }
}

/// Whatever a panel reads, what it shows is made for its size.
#[test]
fn panels_that_are_enlarged_are_made_again() {
    for (name, make) in STATES {
        let mut desk = make(120, 40, Look::default());
        desk.frame();
        if desk.state.desk.overlay.is_some() {
            continue;
        }
        for (pane, _) in desk.state.desk.layout.panels.clone() {
            let mut desk = make(120, 40, Look::default());
            desk.state.desk.focus_on(pane);
            desk.frame();
            desk.keys("z z");
            let enlarged = desk.text();
            desk.state.desk.refresh();
            assert_eq!(enlarged, desk.text(), "{name}: {pane:?}");
        }
    }
}

/// Columns that a person chose are not said to have no room.
#[test]
fn wide_columns_are_not_asked_of_chosen_ones() {
    let mut desk = Desk::live(120, 40);
    desk.command("columns name gpu");
    let before = desk.text();
    desk.keys("w");
    desk.shows("the columns are chosen: NAME, GPU; `:columns` shows the usual ones");
    let rows = |text: &str| text.lines().filter(|line| line.contains("worker")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&before), rows(&desk.text()));
    desk.command("columns");
    desk.keys("w");
    assert!(!desk.text().contains("are chosen"), "{}", desk.text());
}

/// What was written or could not be read is a file, and its name is what a person needs.
#[test]
fn messages_keep_the_name_of_the_file() {
    let folder = format!("/data/somebody/{}", "a-long-folder/".repeat(8));
    for width in [80, 100, 120] {
        let mut desk = Desk::live(width, if width == 80 { 24 } else { 40 });
        let answer = Ok(Written::Whole(format!("wrote the snapshot: {folder}friday.yaml")));
        desk.update(Msg::Written { write: 1, answer });
        desk.shows("friday.yaml");
        desk.shows("✓ wrote the snapshot: /data/");
        let doing = format!("read {folder}monday.yaml");
        desk.update(Msg::Failed(Failure::new(Kind::NotFound, doing, "No such file or directory (os error 2)")));
        desk.shows("monday.yaml");
        desk.shows("D: details");
    }
}

/// A panel without rows names no key that would do nothing there, whatever the reason is that it has none.
#[test]
fn hints_of_empty_panels_do_something() {
    let mut checked = BTreeSet::new();
    let mut look = |why: &str, desk: &mut Desk| {
        for pane in panes::ALL {
            desk.state.desk.focus_on(pane);
            desk.state.prepare();
            let is_there = (pane.presence)(&desk.state.model, pane) != Presence::Hidden;
            if !is_there || !desk.state.desk.table(pane).visible.is_empty() {
                continue;
            }
            let before = without_message(&desk.state);
            let hinted: BTreeSet<Action> =
                (0..desk.state.desk.width).filter_map(|column| view::hint_at(&desk.state, column)).collect();
            for action in hinted {
                let mut state = desk.state.clone();
                let effects = state.update(Msg::Act(action));
                state.prepare();
                let does = !effects.is_empty() || state.quit || without_message(&state) != before;
                assert!(does, "{why}, {pane:?}: {action:?} is hinted and does nothing");
                checked.insert((pane.path(), action));
            }
        }
    };
    for (width, height) in [(80, 24), (120, 40)] {
        look("before the cluster", &mut Desk::new(width, height, Look::default()));
        let mut desk = Desk::new(width, height, Look::default());
        let failure = Failure::new(Kind::Unreachable, "connect", "connection refused");
        desk.update(Msg::ConnectFailed { generation: 1, failure });
        look("unreachable", &mut desk);
        look("fresh", &mut Desk::live(width, height));
        let empty = Arc::new(Inventory::default());
        look("an empty cluster", &mut Desk::showing(empty, width, height, Look::default()));
        let mut desk = Desk::live(width, height);
        desk.keys("T");
        look("nothing kept", &mut desk);
        let mut desk = Desk::live(width, height);
        desk.keys("/");
        desk.type_text("nothing-is-called-so");
        desk.keys("Enter");
        look("a filter that hides everything", &mut desk);
    }
    assert!(checked.len() > 50, "{}", checked.len());
}

/// A frame but for the line of messages.
fn without_message(state: &State) -> String {
    let text = screenshot::symbols(&view::frame(state).0);
    let message = state.desk.layout.message.map(|line| usize::from(line.y));
    let lines = text.lines().enumerate().filter(|(at, _)| Some(*at) != message);
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

/// A layer that does not set the value has no line to go to, and says so.
#[test]
fn a_rung_that_is_silent_leads_nowhere() {
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.values.driver.enabled");
    // What lets a layer in is a line below it, and leads where the layer does.
    desk.keys("Enter j j g d");
    desk.shows("this layer does not set the value");
    for keys in ["k g d", "k g d"] {
        desk.keys(keys);
        desk.shows("catalog/overlays/kind.yaml:15");
        desk.keys("Esc");
    }
}

/// What has no room is counted, whichever columns they are.
#[test]
fn wide_columns_say_how_many_have_no_room() {
    let mut desk = Desk::live(120, 40);
    desk.keys("w");
    let table = desk.state.desk.table(&NODES);
    let inside = desk.state.desk.layout.inner(desk.state.desk.layout.panel(&NODES).unwrap()).width;
    let widths = table.widths(u16::try_from(text_columns(usize::from(inside))).unwrap());
    let rows = &table.content.rows;
    let says = |at: usize| rows.iter().any(|row| row.cells.get(at).is_some_and(|cell| !cell.plain().trim().is_empty()));
    let hidden = widths.iter().enumerate().filter(|(at, width)| **width == 0 && says(*at)).count();
    assert!(hidden > 1, "{widths:?}");
    desk.shows(&format!("{hidden} columns have no room here; zz enlarges the panel"));
}

/// A person who looks for the nodes with GPUs by the heading of their column is told how.
#[test]
fn the_name_of_a_column_that_no_row_has_is_said_to_be_one() {
    let mut desk = Desk::live(120, 40);
    desk.keys("1 /");
    desk.type_text("gpu");
    desk.shows("gpu is a column: gpu!=none, gpu=a100");
    desk.keys("Enter");
    desk.shows("gpu is a column: gpu!=none, gpu=a100");
    desk.state.model.now_ms += 4_001;
    desk.update(Msg::Tick);
    for filter in ["gpu!=none", "zzz"] {
        desk.command(&format!("filter {filter}"));
        assert!(!desk.text().contains("is a column"), "{filter}: {}", desk.text());
    }
}

/// A filter that is being typed hides nothing yet, and one row is one match.
#[test]
fn an_unfinished_filter_says_that_nothing_is_hidden() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("driver>=");
    desk.shows("nothing hidden yet");
    assert!(!desk.text().contains("0 match"), "{}", desk.text());
    desk.keys("Ctrl-U");
    desk.type_text("worker-3");
    desk.shows("4 hidden, 1 match  /worker-3");
}

/// The cursor does not go elsewhere without a word.
#[test]
fn a_row_that_the_filter_hides_is_named() {
    let mut desk = Desk::live(120, 40);
    desk.command("node worker-2");
    desk.keys("/");
    desk.type_text("worker-3");
    desk.keys("Enter");
    desk.shows("the filter hides worker-2; the nearest row is selected");
    let mut desk = Desk::live(120, 40);
    desk.command("node worker-2");
    desk.command("filter worker-3");
    desk.shows("the filter hides worker-2; the nearest row is selected");
    // One that stays needs no word.
    let mut desk = Desk::live(120, 40);
    desk.command("node worker-2");
    desk.command("filter worker");
    assert!(!desk.text().contains("the filter hides"), "{}", desk.text());
}
