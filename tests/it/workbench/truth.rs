//! What the screens say is so: answers beside their questions, states by their words, nothing lost or replaced unasked.

use super::{
    desk::{Desk, later, list_records, recorded, run_half_way, snapshot},
    screens::STATES,
};
use crate::sandbox::Sandbox;
use aicr::{
    cluster::watch::LiveStatus,
    deploy::event::Way,
    inventory::{Fact, Inventory},
    ops::{Failure, Kind, place::unwritable},
    term::input::Input,
    validate::event::{Body, Status},
    workbench::{
        Look,
        effect::Effect,
        layout::Presence,
        model::Severity,
        msg::{Msg, SnapshotSlot},
        overlay::COMMANDS,
        panes::{self, Blank, CHECKS, Need, RowId},
        widgets::table::{Identity, Row},
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// The last good recipe stays, under the criteria that it is for, and nothing takes it for the one that was asked for.
#[test]
fn a_recipe_stays_under_the_criteria_that_it_answers() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.keys("2");
        desk.command("recipe service=gke accelerator=h100");
        let text = desk.text();
        assert!(text.contains("STALE: for service=kind accelerator=a100"), "{text}");
        assert!(text.contains("service=gke accelerator=h100"), "{text}");
        assert!(!text.contains("service=gke  accelerator=h100  (stated)"), "{text}");
        desk.keys("4 r");
        assert!(!desk.left.iter().any(|effect| matches!(effect, Effect::Plan { .. })), "{:?}", desk.left);
        desk.shows("not run: the recipe is STALE, for service=kind accelerator=a100");
        desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training");
        assert!(!desk.text().contains("STALE: for"), "{}", desk.text());
        desk.keys("4 r");
        assert!(desk.left.iter().any(|effect| matches!(effect, Effect::Plan { .. })), "{:?}", desk.left);
    }
}

/// A comparison is shown under the names of what was compared, whatever is being opened.
#[test]
fn differences_stay_under_the_names_of_their_sides() {
    let mut desk = Desk::live(120, 40);
    for (slot, name, side) in [(SnapshotSlot::A, "a.yaml", snapshot()), (SnapshotSlot::B, "b.yaml", later())] {
        desk.update(Msg::Snapshot { slot, generation: 0, name: name.into(), answer: Ok(side) });
    }
    desk.keys("5");
    desk.shows("A a.yaml 2026-01-14 09:10   B b.yaml 2026-01-14 09:10");
    // The answer to the next one is on its way.
    desk.state.prepare();
    let msg = Msg::Snapshot { slot: SnapshotSlot::A, generation: 0, name: "c.yaml".into(), answer: Ok(later()) };
    let effects = desk.state.update(msg);
    desk.shows("A a.yaml 2026-01-14 09:10   B b.yaml 2026-01-14 09:10");
    desk.carry_out(effects);
    desk.shows("A c.yaml 2026-01-14 09:10   B b.yaml 2026-01-14 09:10");
}

fn blank(text: &str) -> Option<Blank> {
    Blank::ALL.into_iter().find(|blank| text.starts_with(blank.word()))
}

/// Every pane that has no rows says which of five states it is in, by its word.
#[test]
fn panes_without_rows_say_why_by_fixed_words() {
    let mut seen = BTreeSet::new();
    let mut look = |name: &str, desk: &mut Desk| {
        for pane in panes::ALL {
            desk.state.desk.focus_on(pane);
            desk.state.prepare();
            if (pane.presence)(&desk.state.model, desk.state.desk.focused()) == Presence::Hidden {
                continue;
            }
            let content = &desk.state.desk.table(pane).content;
            if content.rows.is_empty() {
                let first = content.says.first().map_or("", |(_, line)| line);
                let state = blank(first).unwrap_or_else(|| panic!("{pane:?}, {name}: `{first}`"));
                seen.insert(state.word());
            }
        }
    };
    let mut desk = Desk::new(120, 40, Look::default());
    look("before the cluster", &mut desk);
    desk.update(Msg::ConnectFailed {
        generation: 1,
        failure: Failure::new(Kind::Unreachable, "connect", "connection refused"),
    });
    look("unreachable", &mut desk);
    let mut desk = Desk::live(120, 40);
    look("fresh", &mut desk);
    desk.command("diff cluster");
    look("compared", &mut desk);
    let mut desk = Desk::showing(Arc::new(Inventory::default()), 120, 40, Look::default());
    look("an empty cluster", &mut desk);
    let mut desk = Desk::new(120, 40, Look::default());
    desk.update(Msg::ConnectFailed {
        generation: 1,
        failure: Failure::new(Kind::Forbidden, "list nodes", "nodes is forbidden"),
    });
    look("forbidden", &mut desk);
    assert_eq!(seen.len(), Blank::ALL.len(), "{seen:?}");
}

/// Who has run nothing yet is told what to press, on each panel of the screen.
#[test]
fn panels_of_runs_say_what_to_press_where_there_is_none() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    desk.state.prepare();
    let said = |desk: &Desk, pane| {
        let content = &desk.state.desk.table(pane).content;
        let lines = content.says.iter().map(|(_, line)| line.clone()).chain(content.rows.iter().map(Row::plain));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(said(&desk, &panes::LOG), "not asked: r runs checks, gr lists the runs on record");
    assert_eq!(said(&desk, &panes::RUNS), "empty: no run has been recorded on this machine; r records one");
    desk.state.desk.table_mut(&CHECKS).select(&RowId::Readiness);
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk.state.prepare();
    assert_eq!(said(&desk, &panes::CHECK), "not asked: r runs the checks");
}

/// Text in a panel goes on below, to its last letter.
#[test]
fn text_is_wrapped_to_the_width_of_its_panel() {
    for (name, make) in STATES {
        let mut desk = make(200, 60, Look::default());
        for width in [40, 67, 80, 100, 119, 120, 133, 200] {
            desk.update(Msg::Input(Input::Resize { width, height: 50 }));
            for pane in panes::ALL {
                desk.state.desk.focus_on(pane);
                desk.state.prepare();
                let Some(area) = desk.state.desk.layout.panel(pane) else { continue };
                let inside = usize::from(desk.state.desk.layout.inner(area).width);
                let content = &desk.state.desk.table(pane).content;
                let columns = inside.saturating_sub(3);
                let lines = content.rows.iter().filter(|_| content.prose).map(|row| row.plain().trim_end().to_owned());
                for line in lines.chain(content.says.iter().map(|(_, line)| line.clone())) {
                    let taken = aicr::workbench::widgets::text::width(&line);
                    assert!(taken <= columns, "{name}, {pane:?} at {width}: {taken} of {columns}: {line}");
                }
            }
        }
    }
}

#[test]
fn next_finds_what_is_folded_away() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 ]");
    let text = desk.text();
    assert!(!text.contains("no differences, failures or warnings"), "{text}");
    let table = desk.state.desk.table(&panes::VALUES);
    assert!(table.row().is_some_and(|row| row.matters), "the cursor is on a value that a layer overrides");
    let first = table.selected.clone();
    desk.keys("]");
    assert_ne!(desk.state.desk.table(&panes::VALUES).selected, first);
}

#[test]
fn next_goes_from_change_to_change_in_text() {
    let mut desk = Desk::live(200, 60);
    desk.command("diff service=eks accelerator=h100 os=ubuntu intent=training");
    desk.keys("| ]");
    let table = desk.state.desk.table(&panes::SIDES);
    let matters = table.content.rows.iter().filter(|row| row.matters).count();
    let before = table.cursor;
    desk.keys("]");
    let table = desk.state.desk.table(&panes::SIDES);
    assert!(table.row().is_some_and(|row| row.matters));
    let between = &table.content.rows[before + 1..table.cursor];
    assert!(between.iter().any(|row| !row.plain().contains(" - ") && !row.matters), "another run of changed lines");
    assert!(matters > 5);
}

/// A person who looked for one value and leaves the filter is still there.
#[test]
fn leaving_the_filter_keeps_the_row() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 /");
    desk.type_text("driver.enabled");
    desk.keys("Enter ]");
    let found = desk.state.desk.table(&panes::VALUES).selected.clone();
    desk.keys("Esc");
    assert_eq!(desk.state.desk.table(&panes::VALUES).selected, found);
    assert!(desk.state.desk.table(&panes::VALUES).row().is_some_and(|row| row.depth > 2), "it is unfolded");
    desk.keys("/");
    desk.type_text("kai");
    desk.keys("Esc");
    assert_eq!(desk.state.desk.table(&panes::VALUES).selected, found, "nothing was chosen");
}

/// Files are replaced by those who say so.
#[test]
fn a_file_is_replaced_only_after_a_question() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.home().join("frames")).unwrap();
    sandbox.file(
        "script",
        ":\ntype save friday.yaml\nEnter\nwait\ndump first\n:\ntype save friday.yaml\nEnter\nwait\ndump second\n\
         Enter\nwait\ndump kept\n:\ntype save friday.yaml\nEnter\nwait\nTab\nEnter\nwait\ndump replaced\n",
    );
    let run = sandbox.aicr(&["--demo", "tui", "--size", "160x45", "--script", "script", "--frames", "frames"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let frame = |name: &str| std::fs::read_to_string(sandbox.home().join(format!("frames/{name}.txt"))).unwrap();
    let whole = sandbox.home().join("friday.yaml").display().to_string();
    assert!(frame("first").contains(&format!("wrote the snapshot: {whole}")), "{}", frame("first"));
    assert!(frame("second").contains("friday.yaml is there already"), "{}", frame("second"));
    assert!(!frame("kept").contains("is there already"), "{}", frame("kept"));
    assert!(frame("replaced").contains(&format!("wrote the snapshot: {whole}")), "{}", frame("replaced"));
}

/// A picture gets a name of its own.
#[test]
fn pictures_are_named_by_their_time() {
    let mut desk = Desk::live(120, 40);
    desk.keys("Ctrl-S");
    let path = desk.left.iter().find_map(|effect| match effect {
        Effect::Export { path, replace: false } => Some(path.display().to_string()),
        _ => None,
    });
    assert_eq!(path.as_deref(), Some("aicr-demo-cluster-20260114-091200.svg"));
}

/// The output of a check is saved under a name that says whose it is; what no file system likes is not in it.
#[test]
fn a_saved_log_is_named_by_its_cluster_its_check_and_its_time() {
    let mut desk = Desk::live(120, 40);
    desk.state.model.cluster.name = "arn:aws:eks/lab".into();
    run_half_way(&mut desk);
    desk.keys("4 j j j j j j");
    desk.left.clear();
    desk.command("save-log");
    let Some(Effect::SaveText { path, replace: false, .. }) = desk.left.last() else { panic!("{:?}", desk.left) };
    let name = path.display().to_string();
    assert!(name.starts_with("aicr-arn-aws-eks-lab-validate-dra-support-20260114-0912"), "{name}");
    assert!(name.ends_with(".log"), "{name}");
}

/// Commands in backticks, and what follows the words that introduce a command.
fn taught(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').zip(text.split('`').skip(1)).map(|(_, piece)| piece);
    let quoted = quoted.filter(|piece| piece.starts_with(':') || piece.starts_with("aicr "));
    let named = text.lines().filter_map(|line| line.split_once("on the command line: "));
    quoted.chain(named.flat_map(|(_, commands)| commands.trim_end_matches(['│', '┃', ' ']).split("; ")))
}

/// Commands that screens in all their states tell people to type.
fn taught_by_screens() -> BTreeSet<String> {
    let mut commands = BTreeSet::new();
    for screen in 1..=5 {
        let mut desk = Desk::new(250, 80, Look::default());
        desk.keys(&screen.to_string());
        commands.extend(taught(&desk.text()).map(str::to_owned));
        desk.update(Msg::ConnectFailed {
            generation: 1,
            failure: Failure::new(Kind::Unreachable, "connect", "connection refused"),
        });
        commands.extend(taught(&desk.text()).map(str::to_owned));
    }
    for (_, make) in STATES {
        commands.extend(taught(&make(250, 80, Look::default()).text()).map(str::to_owned));
    }
    commands
}

/// The one command in the documents with a word that stands for others.
const ANY_VERB: &str = "aicr VERB --help";

/// Whatever a screen or a document tells people to type is understood.
#[test]
fn every_command_that_is_taught_is_understood() {
    let mut commands = taught_by_screens();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> =
        ["README.md", "catalog/README.md", "tests/cluster/README.md"].map(|file| root.join(file)).into();
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                files.push(path);
            }
        }
    }
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let shell = text.split("```sh").skip(1).filter_map(|block| block.split("```").next());
        let lines = shell.flat_map(str::lines).map(|line| line.split('#').next().unwrap_or_default().trim());
        commands.extend(lines.filter(|line| line.starts_with("aicr")).map(str::to_owned));
        // Within sentences; blocks of what a terminal shows are run by tests of their own.
        let prose = text.split("```").step_by(2);
        let inline = prose.flat_map(|text| text.split('`').skip(1).step_by(2));
        commands.extend(inline.filter(|text| text.starts_with("aicr ") && *text != ANY_VERB).map(str::to_owned));
    }
    let inline = ["aicr bundle --plan --against DIR", "aicr image build -o check.tar --binary FILE"];
    assert!(inline.iter().all(|command| commands.contains(*command)), "{commands:?}");
    let sandbox = Sandbox::new();
    let (mut verbs, mut words) = (0, 0);
    for command in &commands {
        if let Some(line) = command.strip_prefix(':') {
            let word = line.split(' ').next().unwrap_or_default();
            assert!(COMMANDS.iter().any(|command| command.0 == word), "`{command}`");
            words += 1;
        } else if let Some(arguments) = command.strip_prefix("aicr ") {
            // What a shell does with the output is its own.
            let arguments = arguments.split(['|', '>', ';']).next().unwrap_or_default();
            let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
            arguments.push("--help");
            let run = sandbox.aicr(&arguments);
            assert_eq!(run.code, 0, "`{command}`: {}", run.stderr);
            verbs += 1;
        }
    }
    assert!(verbs >= 8 && words >= 4, "{verbs} verbs and {words} commands: {commands:?}");
}

/// What a screen tells people to type does something other than being refused: on the command line with the demo cluster
/// and the files that it speaks of, in the palette with the demo's data.
#[test]
fn every_command_that_a_screen_teaches_runs() {
    let sandbox = Sandbox::new();
    // What the taught commands read, other taught commands write.
    for file in ["snapshot.yaml", "cluster.yaml"] {
        let run = sandbox.aicr(&["--demo", "snapshot", "-o", file]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let run = sandbox.aicr(&["recipe", "--service", "kind", "--accelerator", "a100", "-o", "recipe.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (mut verbs, mut words) = (0, 0);
    let writes_first = |command: &String| !command.starts_with("aicr snapshot");
    let (others, first): (Vec<_>, Vec<_>) = taught_by_screens().into_iter().partition(writes_first);
    for command in first.into_iter().chain(others) {
        if let Some(line) = command.strip_prefix(':') {
            // Words in capitals stand for what a person fills in, and so does an ellipsis.
            let is_form =
                |word: &str| word.contains('…') || word.chars().any(char::is_uppercase) && !word.contains('.');
            if line.split([' ', '=']).any(is_form) {
                continue;
            }
            let mut desk = Desk::live(200, 60);
            desk.command(line);
            let said: Vec<&str> = desk.state.model.messages.iter().map(|message| message.text.as_str()).collect();
            let refused = ["unknown command", "failed to", "is not in"];
            let is_refused = |said: &&&str| refused.iter().any(|refused| said.contains(refused));
            assert_eq!(said.iter().find(is_refused), None, "`{command}`");
            words += 1;
        } else if let Some(arguments) = command.strip_prefix("aicr ") {
            let arguments: Vec<&str> = ["--demo"].into_iter().chain(arguments.split_whitespace()).collect();
            let run = sandbox.aicr(&arguments);
            // 1 says that there are differences.
            assert!([0, 1].contains(&run.code), "`{command}` ends with {}: {}", run.code, run.stderr);
            verbs += 1;
        }
    }
    assert!(verbs >= 3 && words >= 3, "{verbs} verbs and {words} commands ran");
}

/// What is not true any more does not stay; what nobody has put right stays until it was read.
#[test]
fn an_error_goes_when_the_same_succeeds_and_stays_through_everything_else() {
    let mut desk = Desk::live(120, 40);
    let failure = |doing: &str| Failure::new(Kind::NotFound, doing, "for the test");
    let read = |desk: &mut Desk, name: &str| {
        desk.command(&format!("open {name}"));
        let Some(Effect::ReadSnapshot { slot, generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        move |answer| Msg::Snapshot { slot, generation, name: "a.yaml".into(), answer }
    };
    let bad = read(&mut desk, "gone.yaml");
    desk.update(bad(Err(failure("read gone"))));
    desk.shows("failed to read gone");
    desk.state.model.now_ms += 3_600_000;
    desk.update(Msg::Tick);
    desk.keys("2 1 j");
    desk.shows("failed to read gone");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.shows("failed to read gone");
    // An answer that came too late says nothing of what was asked since.
    let late = read(&mut desk, "late.yaml");
    let good = read(&mut desk, "good.yaml");
    desk.update(late(Ok(snapshot())));
    desk.shows("failed to read gone");
    desk.update(good(Ok(snapshot())));
    assert!(!desk.text().contains("failed to read gone"), "{}", desk.text());
    // Neither does the key for details know it any more.
    desk.keys("D");
    desk.shows("nothing failed; `:messages` has what was said");
    assert!(!desk.text().contains("failed to read gone"), "{}", desk.text());

    desk.command("recipe service=eksx");
    desk.shows("failed to read the criteria");
    desk.keys("2");
    desk.shows("failed to read the criteria");
    desk.command("recipe service=eks accelerator=h100 intent=training");
    assert!(!desk.text().contains("failed to read the criteria"), "{}", desk.text());
    // Esc answers it, as before.
    desk.command("recipe service=eksx");
    desk.keys("Esc");
    assert!(!desk.text().contains("failed to read the criteria"), "{}", desk.text());
    // Of two plans that were asked for, the late one says nothing of the one that failed.
    let plan = |desk: &mut Desk| {
        desk.command("deploy bundle");
        let Some(Effect::PlanDeploy { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        generation
    };
    let (first, second) = (plan(&mut desk), plan(&mut desk));
    desk.update(Msg::DeployPlanned { generation: second, answer: Err(failure("plan the deploy")) });
    desk.update(Msg::DeployPlanned { generation: first, answer: Ok(super::deploy::prepared(Way::Install)) });
    desk.shows("failed to plan the deploy");
    desk.keys("1 Esc");
    // A notice is none of this: it is read, and goes after its time.
    desk.command("theme nonesuch");
    let notice = desk.state.model.message().map(|message| message.text.clone()).expect("a notice");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    assert_eq!(desk.state.model.message().map(|message| message.text.clone()), Some(notice));
}

/// The message names all of what failed, and the details advise what can be done here.
#[test]
fn a_failed_write_names_its_whole_path_and_no_flag() {
    let mut desk = Desk::live(80, 24);
    let error = std::io::Error::from(std::io::ErrorKind::NotFound);
    desk.state.say_failure(unwritable("/nosuchdir/a.yaml", error));
    desk.shows("failed to write the output /nosuchdir/a.yaml: the directory");
    desk.keys("D");
    desk.shows("the directory `/nosuchdir` does not exist");
    desk.shows("hint: create its directory first, or choose another path");
}

/// What failed is read in full in a small frame: its lines go on below.
#[test]
fn a_failure_is_whole_in_a_small_popup() {
    let mut desk = Desk::live(80, 24);
    let because =
        "the server answered with a sentence that is longer than the popup is wide, and its end is what matters";
    desk.state.say_failure(Failure::new(Kind::NotFound, "read the kept snapshots of the cluster", because));
    desk.keys("D");
    desk.shows("what failed");
    let text: Vec<String> = desk
        .text()
        .split(|c: char| c.is_whitespace() || "│┃".contains(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    assert!(text.join(" ").contains("its end is what matters"), "{}", desk.text());
}

/// So are the sentences of a check: nobody has to ask for their end.
#[test]
fn details_of_a_check_are_whole_in_a_small_popup() {
    let mut desk = Desk::live(80, 24);
    let mut record = recorded("20260114-091200-00c0ffee00c0ffee", true);
    let message =
        "the server answered with a sentence that is longer than the popup is wide, and its end is what matters";
    for event in &mut record.events {
        if let Body::Finished { result, .. } = &mut event.body
            && result.status == Status::Failed
        {
            result.message = message.into();
        }
    }
    list_records(&mut desk, std::slice::from_ref(&record));
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record)) });
    desk.keys("D");
    desk.shows("check gpu-operator-version");
    let text = desk.text();
    let words = text.split(|c: char| c.is_whitespace() || "│┃".contains(c)).filter(|word| !word.is_empty());
    assert!(words.collect::<Vec<_>>().join(" ").contains("its end is what matters"), "{text}");
    desk.keys("Esc");
    // The reason of an overlay, as well.
    desk.keys("2");
    desk.state.desk.focus_on(&panes::STACK);
    desk.state.prepare();
    let is_other = |row: &RowId| matches!(row, RowId::Overlay(_));
    let other = desk.state.desk.table(&panes::STACK).content.rows.iter().map(|row| row.id.clone()).find(is_other);
    assert!(desk.state.desk.table_mut(&panes::STACK).select(&other.expect("an overlay that does not apply")));
    desk.keys("D");
    desk.shows("w unwrap");
}

/// Of an image that runs in several versions, none stands for the others: neither in the list nor against the recipe.
#[test]
fn every_version_of_an_image_that_runs_is_shown() {
    let mut inventory = Inventory::clone(&snapshot());
    // Without releases, images are what there is to see of a component.
    inventory.releases = Fact::default();
    let versions = Arc::make_mut(&mut inventory.image_versions);
    for (name, tags) in [("slinky", ["0.9.0", "0.10.0"]), ("kai-scheduler", ["v0.14.1", "v0.9.0"])] {
        Arc::make_mut(&mut inventory.images).insert(name.into(), tags[0].into());
        versions.insert(name.into(), tags.map(str::to_owned).to_vec());
    }
    let mut desk = Desk::showing(Arc::new(inventory), 200, 60, Look::default());
    desk.keys("1");
    desk.frame();
    let rows = &desk.state.desk.table(&panes::COMPONENTS).content.rows;
    let row = |name: &str| rows.iter().find(|row| row.id.name() == name).expect("the component is listed");
    let found = |name: &str| row(name).cells.last().expect("cells").plain().to_string();
    assert_eq!(found("slinky"), "0.9.0, 0.10.0");
    let glyph = |name: &str| row(name).marker.map(|(_, glyph)| glyph);
    assert_eq!(found("kai-scheduler"), "image v0.14.1, v0.9.0");
    assert_eq!(glyph("kai-scheduler"), Some("?"));
}

/// What a later message covers is not lost: errors stay until they are answered, one after the other.
#[test]
fn a_message_that_covers_others_says_how_many_and_an_error_comes_back() {
    let mut desk = Desk::live(120, 40);
    let fail = |desk: &mut Desk, doing: &str| {
        desk.update(Msg::Tick);
        desk.state.model.say_failure(Failure::new(Kind::NotFound, doing, "for the test"));
    };
    fail(&mut desk, "write one");
    desk.shows("failed to write one: for the test   D: details");
    desk.command("theme light");
    desk.shows("theme light   +1 more: `:messages`");
    fail(&mut desk, "write two");
    desk.shows("failed to write two: for the test   D: details   +1 more: `:messages`");
    // The same again is the same error.
    fail(&mut desk, "write two");
    desk.shows("+1 more");
    desk.command("theme dark");
    desk.shows("theme dark   +2 more");
    desk.state.model.now_ms += 4_001;
    desk.update(Msg::Tick);
    desk.shows("failed to write two");
    desk.keys("D");
    desk.shows("failed to write two");
    desk.keys("Esc Esc");
    desk.shows("failed to write one: for the test   D: details");
    desk.keys("D");
    desk.shows("┏ what failed");
    desk.shows("failed to write one");
    desk.keys("Esc Esc");
    assert_eq!(desk.state.model.message(), None);
    let said = desk.state.model.messages.iter().filter(|message| message.severity == Severity::Fail);
    assert_eq!(said.count(), 3, "all of them are in the list");
}

#[test]
fn what_is_said_at_once_and_warnings_are_counted_and_what_was_answered_is_not() {
    let mut desk = Desk::live(80, 24);
    desk.update(Msg::Tick);
    for said in ["one", "two", "three"] {
        desk.state.model.say(Severity::Info, said);
    }
    desk.shows("three   +2 more");
    desk.update(Msg::Tick);
    desk.state.model.say(Severity::Warn, "careful");
    desk.shows("careful");
    assert!(!desk.text().contains("more: "), "what was said before was seen: {}", desk.text());
    desk.state.model.now_ms += 4_001;
    desk.update(Msg::Tick);
    desk.state.model.say(Severity::Info, "four");
    desk.shows("four   +1 more");
    desk.keys("Esc");
    assert_eq!(desk.state.model.covered(), 0);
    desk.command("messages");
    assert!(matches!(desk.left.pop(), Some(Effect::ReadLog)), "they are all there");
}

#[test]
fn details_of_a_refusal_have_its_request_and_what_the_server_calls_it() {
    let cause =
        serde_json::json!({"reason": "aicr/request", "message": "GET /api/v1/nodes?limit=500", "field": "c0ffee"});
    let status =
        serde_json::json!({"message": "no", "reason": "Forbidden", "code": 403, "details": {"causes": [cause]}});
    let status: kube::core::Status = serde_json::from_value(status).unwrap();
    let error = aicr::cluster::ClusterError::from_kube("list nodes", "lab", &kube::Error::Api(status.boxed()));
    let mut desk = Desk::live(100, 30);
    desk.state.model.say_failure(error.into());
    desk.shows("failed to list nodes");
    desk.keys("D");
    desk.shows("because: no (403)");
    desk.shows("request: GET /api/v1/nodes?limit=500");
    desk.shows("audit id: c0ffee");
}
