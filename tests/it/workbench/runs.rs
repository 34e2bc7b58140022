//! A validation from its question to its end.

use super::{
    desk::{Desk, NOW, list_records, planned, recorded, run_half_way, snapshot},
    screens::{all_golden, golden},
};
use aicr::{
    catalog::validator::Phase,
    inventory::Inventory,
    ops::{
        self,
        run::{Request, record::Record},
    },
    report::{lines::Room, plan},
    term::input::Input,
    validate::{
        event::{Body, Event, ReadinessOutcome, State as CheckState, Status, Stop, Verdict},
        pods::{Pod, Stand},
    },
    workbench::{
        Look,
        effect::Effect,
        msg::Msg,
        panes::{CHECK, CHECKS, LOG, Need, RUN_CHANGES, RowId},
        widgets::{
            table::{Identity, Row, text_columns},
            text,
        },
    },
};
use std::sync::Arc;

#[test]
fn a_run_needs_a_yes() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4 r");
    let plan = desk.left.pop();
    let Some(Effect::Plan { generation, catalog, recipe, .. }) = plan else { panic!("{plan:?}") };
    let mut options = ops::run::RunOptions::default();
    options.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
    options.plan.image = "aicr/check:0.1.0".into();
    let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
    let prepared = ops::run::prepare(&catalog, recipe, "recipe", snapshot, &options);
    let prepared = Arc::new(prepared.unwrap());
    desk.shows("planning: a snapshot is taken");
    desk.update(Msg::Planned { generation, answer: Ok(prepared.clone()) });
    assert!(!desk.text().contains("planning:"), "what it waited for is there: {}", desk.text());
    golden("question-80x24", &desk.text());
    desk.keys("Enter");
    assert!(desk.left.is_empty(), "Enter on the question cancels: {:?}", desk.left);
    desk.update(Msg::Planned { generation, answer: Ok(prepared) });
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::Run(_))));
    desk.shows("starting");
}

#[test]
fn two_runs_are_compared_on_the_compare_screen() {
    let mut desk = Desk::live(120, 40);
    let [good, bad] = ["20260714-073000-00000000c0ffee00", "20260714-080000-00000000beefbeef"];
    desk.command(&format!("compare {good} {bad}"));
    let Some(Effect::CompareRuns { generation, left, right }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!((&*left, &*right), (good, bad));
    let records = Arc::new([recorded(good, true), recorded(bad, false)]);
    desk.update(Msg::RunsCompared { generation, answer: Ok(records) });
    desk.shows("A 20260714-073000  B 20260714-080000");
    desk.shows("worse");
    desk.shows("3 of 6 differ, 3 worse");
    desk.keys("] Enter");
    desk.shows("dra-support: worse");
    desk.shows("canceled while running on worker-2");
}

#[test]
fn a_run_steps_live_and_its_end_is_reported() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.shows("1 pass 1 fail");
    desk.shows("unscheduled");
    desk.keys("g g ]");
    desk.shows("v25.10.1 does not satisfy >= v26.3.0");
    desk.keys("x");
    desk.shows("cancel the run?");
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::CancelRun)));
    desk.run(40_000, Body::CleanedUp { removed: 9, left: Vec::new() });
    desk.run(40_001, Body::Ended { verdict: Verdict::Canceled });
    desk.shows("run ended: canceled");
    desk.keys("g g");
    desk.shows("9 objects removed, nothing left");
}

#[test]
fn what_checks_print_cannot_steer_the_terminal() {
    let mut desk = Desk::live(160, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    for text in ["gone\u{1b}[2J", "\u{1b}]0;owned\u{7}", "\u{1b}[31;1Hmoved", "\u{9b}31mC1", "\u{1b}\u{1b}[32m[2Jagain"]
    {
        desk.run(105, Body::Log { check: "operator-health".into(), text: text.into(), source: String::new() });
    }
    desk.command("filter operator-health");
    desk.keys("j j");
    // A color is one of the theme; everything else that a terminal would obey is text.
    desk.shows("red and \\u{202e}backwards");
    for shown in ["gone\\u{1b}[2J", "\\u{1b}]0;owned\\u{7}", "\\u{1b}[31;1Hmoved", "\\u{9b}31mC1", "\\u{1b}[2Jagain"] {
        desk.shows(shown);
    }
}

/// Longer than what is made into rows at a time.
#[test]
fn a_long_log_is_reached_searched_marked_and_saved_whole() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    for number in 0..12_000 {
        let body =
            Body::Log { check: "dra-support".into(), text: format!("line {number} of many"), source: String::new() };
        desk.state.update(Msg::Run(Event { seq: 0, observed_at_ms: 0, stated_at_ms: None, body }));
    }
    desk.keys("j j j j j j g l");
    desk.shows("12,001 lines");
    desk.shows("line 11999 of many");
    desk.keys("g g");
    desk.shows("looks for resource slices");
    desk.keys("m Enter");
    desk.shows("line 1 of 09:12:03.400 is marked");
    desk.command("6000");
    desk.shows("line 5998 of many");
    desk.keys("m Enter '");
    desk.shows("looks for resource slices");
    desk.keys("'");
    desk.shows("line 5998 of many");
    desk.keys("k");
    desk.shows("line 5997 of many");
    desk.command("filter 4321");
    desk.shows("line 4321 of many");
    assert!(!desk.text().contains("line 5998 of many"), "{}", desk.text());
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(text.lines().count(), 12_001);
}

#[test]
fn lines_of_workloads_are_merged_with_those_of_the_check_and_filtered_by_their_source() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("j j j j j j g l");
    assert!(!desk.text().contains("aicr-dra-"), "no column of sources where the check alone writes");
    for (source, text) in [
        ("aicr-dra-00c0ffee/with-gpu", "/dev/nvidia0"),
        ("aicr-dra-00c0ffee/without-gpu", "GPU devices: 0, expected 0"),
        ("aicr-dra-00c0ffee/with-gpu", "time=09:12 level=error msg=\"gone\""),
    ] {
        let (check, text) = ("dra-support".into(), text.to_owned());
        desk.run(5000, Body::Log { check, text, source: source.into() });
    }
    desk.shows("4 lines");
    desk.shows(&format!("{:<31}looks for resource", "check"));
    desk.shows(&format!("{:<31}/dev/nvidia0", "aicr-dra-00c0ffee/with-gpu"));
    // Three that a program wrote for programs, the last two alike.
    let json = r#"{"level":"warn","msg":"no device","node":"worker-1","try":2}"#;
    for _ in 0..2 {
        let (check, source) = ("dra-support".into(), "aicr-dra-00c0ffee/with-gpu".into());
        desk.run(6000, Body::Log { check, text: json.to_owned(), source });
    }
    desk.shows("ERROR  gone  time=09:12");
    desk.keys("z z");
    desk.shows("x 2  warn  no device  node=worker-1 try=2");
    desk.keys("z z");
    golden("sources-200x60", &desk.text());
    desk.keys("Enter");
    desk.shows(json);
    desk.shows("node     worker-1");
    desk.keys("Esc");
    desk.command("filter without-gpu");
    desk.shows("GPU devices: 0, exp");
    assert!(!desk.text().contains("/dev/nvidia0"), "{}", desk.text());
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(text.contains("[aicr-dra-00c0ffee/without-gpu] GPU devices: 0, expected 0\n"), "{text}");
}

/// A line is told once however often it comes, and is still found by its number and counted.
#[test]
fn equal_lines_are_one_row() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    let mut log = |at, text: &str| {
        desk.run(at, Body::Log { check: "dra-support".into(), text: text.into(), source: String::new() });
    };
    (0..812).for_each(|turn| log(5000 + turn, "waiting for device 4"));
    log(9000, "device 4 is here");
    desk.keys("j j j j j j g l");
    desk.shows("814 lines");
    desk.shows("x 812  waiting for device 4  until 09:12:05.811");
    desk.shows("device 4 is here");
    desk.command("400");
    let row = |desk: &Desk| desk.state.desk.table(&LOG).row().map(|row| row.plain()).unwrap_or_default();
    assert!(row(&desk).contains("x 812"), "{}", row(&desk));
    desk.command("814");
    assert!(row(&desk).contains("device 4 is here"), "{}", row(&desk));
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(text.lines().count(), 814, "every line is in the file");
}

/// In a panel in which the line has no room, how often it came is what is seen; the rest is cut.
#[test]
fn how_often_a_line_came_is_not_what_is_cut() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    let long = "waiting for device 4 of worker-2 to answer, which takes up to a minute after the driver was loaded";
    let json = format!(r#"{{"level":"warn","msg":"{long}","device":4}}"#);
    for turn in 0..812 {
        let text = if turn < 400 { long } else { &json };
        desk.run(5000 + turn, Body::Log { check: "dra-support".into(), text: text.into(), source: String::new() });
    }
    desk.keys("j j j j j j g l");
    desk.shows("09:12:05.000  x 400  waiting for device 4");
    desk.shows("09:12:05.400  x 412  warn  waiting for device 4");
    let narrow = desk.text();
    desk.keys("w");
    desk.shows("until 09:12:05.811");
    let wrapped = desk.text();
    let lines =
        wrapped.lines().skip_while(|line| !line.contains("wrap on")).skip(1).take_while(|line| !line.contains("━"));
    assert!(lines.clone().count() > 5 && lines.clone().all(|line| !line.contains('…')), "{wrapped}");
    all_golden([("log-folded-80x24".to_owned(), narrow), ("log-folded-wrapped-80x24".to_owned(), desk.text())]);
}

/// Lines that are taken apart are found by the names that their rows do not show, wherever in the log they are.
#[test]
fn structured_lines_are_found_by_the_names_of_their_level_and_message() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    let mut log = |at, text: &str| {
        desk.run(at, Body::Log { check: "dra-support".into(), text: text.into(), source: String::new() });
    };
    log(5000, r#"{"severity":"WARNING","msg":"device 4 is slow"}"#);
    log(5001, r#"time=09:12 level=info msg="device 4 is here""#);
    // More than are rows at a time.
    (0..6000).for_each(|turn| log(5002 + turn, &format!("line {turn} without names")));
    desk.keys("j j j j j j g l");
    let mut left = |filter: &str| {
        desk.command(&format!("filter {filter}"));
        desk.frame();
        let table = desk.state.desk.table(&LOG);
        let rows = table.visible.iter().map(|index| table.content.rows[*index].plain());
        let text = rows.collect::<Vec<_>>().join("\n");
        (text.contains("device 4 is slow"), text.contains("device 4 is here"), text.contains("without names"))
    };
    assert_eq!(left("msg"), (true, true, false));
    assert_eq!(left("severity"), (true, false, false));
    assert_eq!(left("level"), (false, true, false));
    assert_eq!(left("level=info"), (false, true, false));
    assert_eq!(left("severity=warning"), (true, false, false));
    assert_eq!(left("msg=device"), (true, true, false));
    assert_eq!(left(r#"re:"severity":"W"#), (true, false, false));
    assert_eq!(left("device"), (true, true, false));
}

/// A picture of a recorded run cannot be taken for one of the cluster; the other screens show the cluster.
#[test]
fn the_first_line_says_that_a_run_is_a_recorded_one_and_how_far_it_is_shown() {
    let mut desk = Desk::live_with_past(120, 40, Look::default());
    let first = |desk: &mut Desk| desk.text().lines().next().unwrap_or_default().to_owned();
    assert!(first(&mut desk).contains("DEMO fresh"));
    desk.keys("g r g g Enter");
    let events = desk.state.model.records.replay.as_ref().map_or(0, |replay| replay.record.events.len());
    assert!(events > 0 && first(&mut desk).contains(&format!("REC {events}/{events}")), "{}", first(&mut desk));
    desk.keys("<");
    assert!(first(&mut desk).contains(&format!("REC {}/{events}", events - 1)), "{}", first(&mut desk));
    desk.keys("1");
    assert!(first(&mut desk).contains("DEMO fresh"));
}

#[test]
fn leaving_a_run_asks() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("q");
    assert!(!desk.state.quit);
    desk.shows("Leaving cancels it");
    desk.keys("Esc q y");
    assert!(matches!(desk.left.pop(), Some(Effect::Copy(_))), "y only copies");
    desk.keys("Tab Enter");
    assert!(desk.state.quit && matches!(desk.left[..], [Effect::CancelRun]));
}

#[test]
fn answers_to_requests_that_a_newer_one_replaced_are_dropped() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4 r");
    let Some(Effect::Plan { generation: first, .. }) = desk.left.pop() else { panic!("no plan") };
    desk.keys("r");
    let Some(Effect::Plan { generation: second, .. }) = desk.left.pop() else { panic!("no plan") };
    let refused = || Err(ops::Failure::new(ops::Kind::Internal, "plan", "for the test"));
    desk.update(Msg::Planned { generation: first, answer: refused() });
    assert!(desk.state.desk.overlay.is_none(), "the first plan opens nothing");
    desk.update(Msg::Planned { generation: second, answer: refused() });
    assert!(desk.state.desk.overlay.is_some());
    desk.keys("Esc");

    desk.command("open old.yaml");
    let Some(Effect::ReadSnapshot { slot, generation, .. }) = desk.left.pop() else { panic!("no read") };
    desk.command("live");
    let late = Msg::Snapshot { slot, generation, name: "old.yaml".into(), answer: Ok(snapshot()) };
    desk.update(late);
    assert!(!desk.text().contains("old.yaml"), "the live cluster was asked for last:\n{}", desk.text());
}

#[test]
fn r_runs_what_the_cursor_is_on_and_f_what_failed() {
    let mut desk = Desk::live(120, 40);
    let asked = |desk: &mut Desk, keys: &str| {
        desk.keys(keys);
        let Some(Effect::Plan { what, .. }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
        what
    };
    let all = asked(&mut desk, "4 g g r");
    assert!(all.only.is_empty() && all.phases.is_empty());
    desk.command("filter dra-support");
    assert_eq!(asked(&mut desk, "G r").only, ["dra-support"]);
    desk.command("retry 10m");
    let Some(Effect::Plan { what, .. }) = desk.left.pop() else { panic!("no plan") };
    assert_eq!((&what.only[..], what.timeout_seconds), (&["dra-support".to_owned()][..], Some(600)));
    desk.keys("Esc");
    desk.command("step checks");
    desk.command("skip platform-health");
    let what = asked(&mut desk, "g g r");
    assert_eq!((what.setup.step, &what.setup.skip[..]), (ops::run::Step::Checks, &["platform-health".to_owned()][..]));

    run_half_way(&mut desk);
    desk.run(40_001, Body::Ended { verdict: Verdict::Failed });
    assert_eq!(asked(&mut desk, "F").only, ["gpu-operator-version"]);
}

#[test]
fn a_run_is_paused_goes_on_and_one_check_of_it_is_canceled() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("p");
    assert!(matches!(desk.left.pop(), Some(Effect::Steer(Request::Pause))));
    desk.run(32_000, Body::Paused { before: Stop::Check { check: "ai-service-metrics".into() } });
    desk.shows("paused before ai-service-metrics");
    desk.keys("p");
    assert!(matches!(desk.left.pop(), Some(Effect::Steer(Request::Continue { to_end: false }))));
    desk.run(33_000, Body::Resumed);
    desk.command("filter ai-service");
    desk.keys("G x");
    desk.shows("cancel ai-service-metrics?");
    desk.keys("Tab Enter");
    let Some(Effect::Steer(Request::CancelCheck(name))) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(name, "ai-service-metrics");
}

#[test]
fn the_cursor_follows_the_check_that_runs_until_a_person_moves_it() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    desk.state.model.run.follows = true;
    run_half_way(&mut desk);
    let selected = |desk: &Desk| desk.state.desk.table(&CHECKS).row().map(|row| row.id.clone());
    assert_eq!(selected(&desk), Some(RowId::Check("accelerator-metrics".into())));
    desk.keys("k");
    let moved = selected(&desk);
    let state = CheckState::Running { node: "worker-1".into() };
    desk.run(32_000, Body::State { check: "ai-service-metrics".into(), state });
    assert_eq!(selected(&desk), moved);
}

/// What a record is opened for.
#[test]
fn a_record_with_a_failure_is_opened_at_it() {
    let mut desk = Desk::live_with_past(120, 40, Look::default());
    desk.keys("Enter");
    let selected = desk.state.desk.table(&CHECKS).row().map(|row| row.id.clone());
    let run = &desk.state.model.run;
    let first = run.failed().next().expect("the newest run of the demo failed").name.clone();
    assert_eq!(selected, Some(RowId::Check(first)));
}

/// A message that says what the run waits for does not outlive that.
#[test]
fn a_run_that_goes_on_is_not_said_to_be_paused() {
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    desk.keys("4");
    desk.run(32_000, Body::Paused { before: Stop::Phase { phase: Phase::Conformance } });
    desk.shows("paused before the conformance phase: p goes on");
    desk.run(33_000, Body::Resumed);
    assert!(!desk.text().contains("p goes on"), "{}", desk.text());
}

#[test]
fn a_recorded_run_is_shown_stepped_played_reported_and_compared() {
    let mut desk = Desk::live(200, 60);
    let (older, newer) =
        (recorded("20260113-080000-00000000000000aa", true), recorded("20260114-091200-00c0ffee00c0ffee", false));
    let (older, newer) = (Arc::new(older), Arc::new(newer));
    list_records(&mut desk, &[Record::clone(&newer), Record::clone(&older)]);
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, name, compare: false }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(name, newer.stored.name);
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(newer.clone()) });
    let end = newer.events.len();
    desk.shows(&format!("REPLAY paused {end}/{end}"));
    desk.keys("<");
    desk.shows(&format!("REPLAY paused {}/{end}", end - 1));
    desk.keys("> p");
    desk.shows("REPLAY 1x 1/");
    desk.command("speed 10");
    desk.state.model.now_ms += 400;
    desk.update(Msg::Tick);
    // 4 s of the run in 0.4 s: two checks have ended by then, three have not.
    desk.shows("1 pass 1 fail");
    desk.shows("REPLAY 10x");
    desk.keys("p > >");
    desk.shows("REPLAY paused");
    desk.command("report junit");
    desk.shows("<testsuites");
    desk.keys("Esc");
    desk.command("save-report out.md");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(text.starts_with("## Validation"), "{text}");

    desk.keys("g r G =");
    let Some(Effect::OpenRun { generation, name, compare: true }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(name, older.stored.name);
    desk.update(Msg::RunOpened { generation, compare: true, answer: Ok(older) });
    desk.shows("A 20260113-080000  B 20260114-091200");
    desk.shows("removed");
    desk.keys("Esc");
    assert!(!desk.text().contains("A 20260113-080000"));
}

#[test]
fn the_failed_run_of_the_demo_is_opened_played_and_compared_with_the_good_one() {
    let mut desk = Desk::live_with_past(120, 40, Look::default());
    desk.shows("2 records");
    desk.keys("Enter");
    desk.shows("run 20260111-151200-badbadbadbadbad0 as it was recorded");
    desk.keys("g g ]");
    desk.shows("ClusterPolicy cluster-policy: notReady");
    desk.keys("p");
    desk.shows("REPLAY 1x 1/");
    desk.state.model.now_ms += 3_600_000;
    desk.update(Msg::Tick);
    desk.shows("the end of the recorded run");
    desk.keys("g r G =");
    desk.shows("A 20260110-151200  B 20260111-151200");
    desk.shows("worse");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
}

/// Keys act on what is seen: the comparison of two runs hides the run that it was opened from.
#[test]
fn keys_do_not_act_on_a_run_that_is_hidden() {
    let mut desk = Desk::live_with_past(80, 24, Look::default());
    desk.keys("g r j Enter");
    desk.keys("g r G =");
    desk.shows("A 2026");
    let replayed = |desk: &Desk| desk.state.model.records.replay.as_ref().map(|replay| (replay.next, replay.playing));
    let before = replayed(&desk);
    assert!(before.is_some());
    for key in ["<", ">", "p"] {
        desk.keys(key);
        assert_eq!(replayed(&desk), before, "{key}");
        desk.shows("Esc goes back to the run");
    }
    // The check under the cursor that is seen, not the one under the cursor that is not.
    desk.keys("j j");
    let Some(RowId::Check(seen)) = desk.state.desk.table(&RUN_CHANGES).row().map(|row| row.id.clone()) else {
        panic!("no check is selected: {}", desk.text())
    };
    desk.left.clear();
    desk.keys("r");
    let asked = desk.left.iter().filter_map(|effect| match effect {
        Effect::Plan { what, .. } => Some(what.only.clone()),
        _ => None,
    });
    assert_eq!(asked.collect::<Vec<_>>(), [vec![seen]]);
    desk.keys("Esc <");
    assert_ne!(replayed(&desk), before, "the run is seen again");
}

/// A hint names what its key would do now.
#[test]
fn the_hint_of_a_paused_run_is_to_go_on() {
    let hint = |desk: &mut Desk| desk.text().lines().last().unwrap_or_default().to_owned();
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    assert!(hint(&mut desk).contains("p pause"), "{}", hint(&mut desk));
    desk.run(32_000, Body::Paused { before: Stop::Phase { phase: Phase::Conformance } });
    assert!(hint(&mut desk).contains("p go on"), "{}", hint(&mut desk));
    desk.run(33_000, Body::Resumed);
    assert!(hint(&mut desk).contains("p pause"), "{}", hint(&mut desk));
}

#[test]
fn a_search_in_a_log_looks_at_all_lines_and_not_at_what_the_search_before_it_left() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("j j j j j j g l");
    let say = |desk: &mut Desk, text: &str| {
        desk.run(31_000, Body::Log { check: "dra-support".into(), text: text.into(), source: String::new() });
    };
    for text in ["claims a device", "asks the scheduler", "claims another device"] {
        say(&mut desk, text);
    }
    desk.command("filter claims");
    // The panel is made again while the filter is on.
    say(&mut desk, "claims the last device");
    desk.shows("claims the last device");
    assert!(!desk.text().contains("asks the scheduler"), "{}", desk.text());
    desk.command("filter scheduler");
    desk.shows("asks the scheduler");
    desk.keys("Esc");
    desk.shows("asks the scheduler");
    desk.shows("claims the last device");
}

/// Checks of the recipe that were no part of the run stay on the list, and a verdict on some is none on all.
#[test]
fn a_run_of_some_checks_leaves_the_others_to_be_run_and_does_not_validate_the_recipe() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    let all = desk.state.model.known_checks().len();
    let criteria = desk.state.model.recipe.value.as_ref().unwrap().recipe.criteria.to_string();
    let one = |criteria: &str| Body::Planned {
        run_id: "20260114-091200-00c0ffee00c0ffee".into(),
        namespace: "aicr-validation".into(),
        context: "demo".into(),
        recipe: criteria.into(),
        criteria: criteria.into(),
        checks: vec![planned("dra-support", Phase::Conformance)],
    };
    desk.run(0, one(&criteria));
    let passed = recorded("x", true)
        .events
        .into_iter()
        .find(|event| matches!(&event.body, Body::Finished { check, .. } if check == "dra-support"));
    desk.run(10, passed.expect("the record has its end").body);
    desk.run(20, Body::Ended { verdict: Verdict::Passed });
    desk.shows(&format!("validated: 1 of {all} checks"));
    desk.shows("platform-health");
    desk.shows("1 pass, 4 not run");
    desk.command("filter platform-health");
    desk.keys("G r");
    let Some(Effect::Plan { what, .. }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
    assert_eq!(what.only, ["platform-health"]);
}

/// Whatever run is shown: what is said of this cluster and recipe is what their last validation came to.
#[test]
fn the_verdict_on_a_recipe_stays_while_records_and_runs_of_other_recipes_are_shown() {
    let mut desk = Desk::live_with_past(200, 60, Look::default());
    desk.shows("validated 2 d ago: fail");
    let criteria = desk.state.model.recipe.value.as_ref().unwrap().recipe.criteria.to_string();
    let run = |desk: &mut Desk, at: u64, criteria: &str, verdict: Verdict| {
        desk.state.model.run = aicr::workbench::model::Run::default();
        desk.run(
            at,
            Body::Planned {
                run_id: "20260114-091200-00c0ffee00c0ffee".into(),
                namespace: "aicr-validation".into(),
                context: "demo".into(),
                recipe: criteria.into(),
                criteria: criteria.into(),
                checks: vec![planned("dra-support", Phase::Conformance)],
            },
        );
        desk.run(at + 1, Body::Ended { verdict });
    };
    run(&mut desk, 10, &criteria, Verdict::Failed);
    desk.shows("validated 09:12 UTC: fail");
    // The verdict on another recipe is none on this one.
    run(&mut desk, 20, "service=eks accelerator=gb200", Verdict::Passed);
    desk.shows("validated 09:12 UTC: fail");
    desk.keys("4 g r G Enter");
    assert!(desk.state.model.records.replay.is_some());
    desk.shows("validated 09:12 UTC: fail");
    desk.keys("<");
    desk.shows("validated 09:12 UTC: fail");
    desk.command("recipe service=eks accelerator=h100 intent=training");
    desk.shows("not validated for this recipe");
    desk.command(&format!("recipe {criteria}"));
    desk.shows("validated 09:12 UTC: fail");
    desk.update(Msg::Connected { generation: 1, context: "another".into(), server: "another".into() });
    desk.shows("not validated");
    assert!(!desk.text().contains("not validated for"), "{}", desk.text());
}

/// A session that begins anew knows what was recorded of this cluster and this recipe, and how old that is.
#[test]
fn the_last_verdict_on_record_is_that_of_the_cluster() {
    const HOUR: u64 = 3_600_000;
    let mut desk = Desk::live(200, 60);
    desk.shows("not validated");
    let criteria = desk.state.model.recipe.value.as_ref().unwrap().recipe.criteria.to_string();
    let of = |id: &str, hours: u64, change: &dyn Fn(&mut Record)| {
        let mut record = recorded(id, false);
        record.facts.criteria.clone_from(&criteria);
        record.events.iter_mut().for_each(|event| event.observed_at_ms -= hours * HOUR);
        change(&mut record);
        record
    };
    let verdict = |verdict| {
        move |record: &mut Record| {
            if let Some(Event { body: Body::Ended { verdict: of }, .. }) = record.events.last_mut() {
                *of = verdict;
            }
        }
    };
    let old = of("20260111-091200-00000000000000aa", 72, &verdict(Verdict::Passed));
    list_records(&mut desk, &[of("20260110-091200-00000000000000bb", 96, &verdict(Verdict::Failed)), old.clone()]);
    desk.shows("validated: 5 of 9 checks, pass 2 d ago");
    // The age is said where there is little room, too.
    desk.update(Msg::Input(aicr::term::input::Input::Resize { width: 120, height: 40 }));
    desk.shows("run 2 d ago: 5 of 9 checks");
    desk.update(Msg::Input(aicr::term::input::Input::Resize { width: 200, height: 60 }));
    let of_today = of("20260114-061200-00000000000000cc", 3, &verdict(Verdict::Failed));
    list_records(&mut desk, &[of_today.clone(), old.clone()]);
    desk.shows("validated 06:12 UTC: fail");
    // One of another cluster, or of another recipe, says nothing of these.
    let elsewhere = of("20260114-081200-00000000000000ee", 1, &|record| record.facts.cluster = "lab".into());
    let other = of("20260114-081200-00000000000000ff", 1, &|record| record.facts.criteria = "service=eks".into());
    list_records(&mut desk, &[elsewhere.clone(), other.clone(), of_today]);
    desk.shows("validated 06:12 UTC: fail");
    list_records(&mut desk, &[elsewhere.clone(), other]);
    desk.shows("not validated for this recipe");
    list_records(&mut desk, &[elsewhere]);
    desk.shows("· not validated\n");
}

/// Where a check is listed does not change when it runs, when it has run, or when others run without it.
#[test]
fn checks_keep_their_order_before_during_and_after_a_run() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    let names = |desk: &mut Desk| -> Vec<String> {
        desk.frame();
        let rows = &desk.state.desk.table(&CHECKS).content.rows;
        rows.iter()
            .filter(|row| matches!(row.id, RowId::Check(_)))
            .map(|row| row.cells[0].plain().into_owned())
            .collect()
    };
    let before = names(&mut desk);
    let spec = desk.state.model.recipe.value.as_ref().unwrap().recipe.validation.clone().unwrap();
    let mut checks = Vec::new();
    for phase in Phase::ALL {
        // The other way around: a run has an order of its own.
        let of_phase = spec.phase(phase).into_iter().flat_map(|spec| spec.checks.iter().rev());
        checks.extend(of_phase.map(|name| planned(name, phase)));
    }
    let criteria = desk.state.model.recipe.value.as_ref().unwrap().recipe.criteria.to_string();
    let body = |checks: Vec<_>| Body::Planned {
        run_id: "20260114-091200-00c0ffee00c0ffee".into(),
        namespace: "aicr-validation".into(),
        context: "demo".into(),
        recipe: criteria.clone(),
        criteria: criteria.clone(),
        checks,
    };
    desk.state.model.run.active = true;
    desk.run(0, body(checks.clone()));
    assert_eq!(names(&mut desk), before);
    desk.run(10, Body::Ended { verdict: Verdict::Passed });
    assert_eq!(names(&mut desk), before);
    desk.run(20, body(checks.split_off(checks.len() - 1)));
    desk.run(30, Body::Ended { verdict: Verdict::Passed });
    assert_eq!(names(&mut desk), before, "one of them was run alone");
}

/// What nobody can cancel any more is not asked about, and the line says why the question went.
#[test]
fn a_question_whether_to_cancel_closes_with_what_it_asks_about() {
    let result = |name: &str| {
        let events = recorded("x", true).events.into_iter();
        let body =
            events.map(|event| event.body).find(|body| matches!(body, Body::Finished { check, .. } if check == name));
        body.expect("the record has its end")
    };
    let half_way = || {
        let mut desk = Desk::live(120, 40);
        desk.keys("4");
        run_half_way(&mut desk);
        desk
    };
    let mut desk = half_way();
    desk.keys("g g x");
    desk.shows("cancel the run?");
    desk.run(32_000, result("dra-support"));
    desk.shows("cancel the run?");
    desk.run(40_000, Body::Ended { verdict: Verdict::Failed });
    assert!(desk.state.desk.overlay.is_none(), "{}", desk.text());
    desk.shows("run ended: fail; there is nothing left to cancel");

    let mut desk = half_way();
    desk.command("filter dra-support");
    desk.keys("G x");
    desk.shows("cancel dra-support?");
    desk.run(32_000, result("dra-support"));
    assert!(desk.state.desk.overlay.is_none(), "{}", desk.text());
    desk.shows("dra-support has ended; there is nothing left to cancel");

    let mut desk = half_way();
    desk.keys("q");
    desk.shows("Leaving cancels it");
    let run_id = desk.state.model.run.id.clone();
    let failure = ops::Failure::new(ops::Kind::Unreachable, "run the checks", "the connection was lost");
    desk.update(Msg::RunEnded { run_id, answer: Err(failure) });
    assert!(desk.state.desk.overlay.is_none(), "{}", desk.text());
    desk.shows("the connection was lost");
}

/// What was canceled was not looked at and found wanting; and a check says where it runs while it does.
#[test]
fn a_phase_whose_checks_were_canceled_is_canceled_and_a_running_check_names_its_node() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.command("filter dra-support");
    desk.keys("G");
    let node = |desk: &mut Desk| desk.text().lines().find(|line| line.contains(" node  ")).map(str::to_owned);
    assert!(node(&mut desk).is_some_and(|line| line.contains("worker-2")), "{}", desk.text());
    desk.keys("Esc");
    for event in recorded("x", false).events {
        if matches!(event.body, Body::Finished { .. } | Body::Ended { .. }) {
            desk.update(Msg::Run(event));
        }
    }
    let text = desk.text();
    let phase = text.lines().find(|line| line.contains("▾ conformance ")).unwrap_or_default();
    assert!(phase.contains("canceled") && !phase.contains("no verdict"), "{text}");
}

#[test]
fn words_that_name_no_check_and_no_mode_change_nothing() {
    let mut desk = Desk::live(120, 40);
    desk.command("skip dra-suport");
    desk.shows("unknown check `dra-suport`");
    assert!(desk.state.model.setup.skip.is_empty());
    desk.command("in-process maybe");
    desk.shows("`maybe` is neither on nor off");
    assert!(!desk.state.model.setup.in_process);
    desk.command("in-process");
    assert!(desk.state.model.setup.in_process);
    desk.command("in-process off");
    assert!(!desk.state.model.setup.in_process);
}

/// One word means one thing on every screen: a snapshot is saved by `:save`, a report by `:save-report`.
#[test]
fn a_snapshot_and_a_report_are_saved_by_different_commands() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    desk.command("save-report out.json");
    desk.shows("no run is shown");
    run_half_way(&mut desk);
    desk.run(40_001, Body::Ended { verdict: Verdict::Failed });
    desk.command("save out.yaml");
    let Some(Effect::Save { path, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(path, std::path::Path::new("out.yaml"));
    for (file, begins) in [("out.json", "{"), ("out.xml", "<?xml"), ("out.md", "## Validation"), ("out.sarif", "{")] {
        desk.keys("1");
        desk.command(&format!("save-report {file}"));
        let Some(Effect::SaveText { text, path, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        assert_eq!(path, std::path::Path::new(file));
        assert!(text.starts_with(begins), "{file}: {text}");
    }
    desk.command("save-report out.yaml");
    desk.shows("`.yaml` is not the suffix of a report; there are .json, .txt, .xml, .md, .csv, .sarif");
    assert!(!desk.left.iter().any(|effect| matches!(effect, Effect::SaveText { .. })), "{:?}", desk.left);
}

/// A search makes rows of what it finds; what it leaves out is hidden all the same.
#[test]
fn the_title_of_a_filtered_log_counts_all_lines_that_are_hidden() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    for number in 0..15 {
        let body =
            Body::Log { check: "dra-support".into(), text: format!("device {number} answers"), source: String::new() };
        desk.run(4000 + number, body);
    }
    desk.keys("j j j j j j g l");
    desk.shows("16 lines");
    desk.command("filter slices");
    desk.shows("15 hidden, 1 match");
    desk.command("filter answers");
    desk.shows("1 hidden, 15 matches");
    desk.keys("Esc");
    assert!(!desk.text().contains("hidden"), "{}", desk.text());
}

/// The list of checks says of a running one what its log says, in the same words.
#[test]
fn the_newest_line_of_a_running_check_is_read_as_the_log_reads_it() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    let text = r#"{"level":"warn","msg":"no device yet","node":"worker-1"}"#.to_owned();
    desk.run(5000, Body::Log { check: "dra-support".into(), text, source: String::new() });
    desk.state.prepare();
    let rows = &desk.state.desk.table(&CHECKS).content.rows;
    let row = rows.iter().find(|row| row.id == RowId::Check("dra-support".into())).unwrap().plain();
    assert!(row.contains("running") && row.contains("warn  no device yet") && !row.contains("level"), "{row}");
}

/// A sentence that is broken for one width and again for another has lines of one word.
#[test]
fn the_panel_of_a_check_breaks_its_sentences_once() {
    let description = "Proves that every device of every node is offered by the driver, that a pod that claims one is \
        placed, sees that one and no other, and that it is given back when the pod is gone";
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.keys("4");
        run_half_way(&mut desk);
        let check = desk.state.model.run.checks.iter_mut().find(|check| check.planned.name == "dra-support").unwrap();
        check.planned.description = description.into();
        desk.command("filter dra-support");
        desk.keys("G");
        desk.state.desk.focus_on(&CHECK);
        desk.state.desk.mark(Need::Run);
        desk.frame();
        let inner = desk.state.desk.layout.inner(desk.state.desk.layout.panel(&CHECK).expect("it has the focus"));
        let wanted = text::wrap(description, text_columns(usize::from(inner.width)));
        let rows: Vec<String> =
            desk.state.desk.table(&CHECK).content.rows.iter().map(|row| row.plain().trim().to_owned()).collect();
        let at = rows.iter().position(|row| *row == wanted[0]).unwrap_or_else(|| panic!("{wanted:?} in {rows:?}"));
        assert_eq!(rows[at..], wanted, "{width}x{height}");
    }
}

/// Two pods of a check, and what they wrote: the first one failed, so that there is another attempt.
fn pods() -> Vec<(u64, Body)> {
    let check = || "dra-support".to_owned();
    let pod = |name: &str, attempt, stand| Pod {
        name: name.into(),
        is_workload: name.starts_with("gpu-"),
        job: Some("aicr-dra-support".into()),
        attempt,
        restarts: 0,
        node: Some("worker-2".into()),
        stand,
        exit_code: None,
        reason: String::new(),
    };
    let wrote = |source: &str, text: &str| Body::Log { check: check(), text: text.into(), source: source.into() };
    let failed = Pod { exit_code: Some(1), reason: "Error".into(), ..pod("gpu-a-1", 1, Stand::Failed) };
    let bodies = [
        pod("gpu-a-1", 1, Stand::Running),
        pod("aicr-dra-support-x7", 1, Stand::Running),
        failed,
        pod("gpu-a-2", 2, Stand::Pending),
        pod("gpu-a-2", 2, Stand::Running),
    ];
    let told = bodies.into_iter().map(|pod| Body::Pod { check: check(), pod });
    let wrote = [wrote("gpu-a-1/cuda", "no device"), wrote("gpu-a-2/cuda", "GPU devices: 1")];
    told.chain(wrote).zip(0_u64..).map(|(body, at)| (4_000 + 1_000 * at, body)).collect()
}

fn on_dra_support(desk: &mut Desk) {
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("dra-support".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
}

#[test]
fn pods_are_rows_below_their_check_and_have_their_own_log() {
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    pods().into_iter().for_each(|(at, body)| desk.run(at, body));
    on_dra_support(&mut desk);
    assert!(!desk.text().contains("attempt"), "folded at first: {}", desk.text());
    desk.shows("FOLLOW  3 lines");
    desk.keys("l");
    // Its own comes first, and each says how it stands.
    let told = |desk: &Desk, name: &str| {
        let rows = &desk.state.desk.table(&CHECKS).content.rows;
        rows.iter().find(|row| row.id.name() == name).map(|row| row.cells[3].plain().into_owned())
    };
    assert_eq!(told(&desk, "gpu-a-2").as_deref(), Some("attempt 2  worker-2"));
    assert_eq!(told(&desk, "gpu-a-1").as_deref(), Some("exit 1  Error  attempt 1  worker-2"));
    golden("pods-120x40", &desk.text());
    let lines = |desk: &mut Desk| {
        desk.state.prepare();
        desk.state.desk.table(&LOG).content.rows.iter().map(Row::plain).collect::<Vec<_>>()
    };
    desk.keys("j j j");
    desk.shows("log gpu-a-2");
    desk.shows("1 of 3 lines");
    desk.shows("created by the check");
    let shown = lines(&mut desk);
    assert!(shown.len() == 1 && shown[0].ends_with("GPU devices: 1"), "{shown:?}");
    desk.keys("k k");
    desk.shows("runs the check");
    let shown = lines(&mut desk);
    assert!(shown.len() == 1 && shown[0].ends_with("looks for resource slices"), "{shown:?}");
    // What is done with a check is done from its pods, and Enter and Space on it mean what they meant.
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(text.lines().count(), 3, "{text}");
    desk.keys("x");
    desk.shows("cancel dra-support?");
    desk.keys("Esc k Space");
    desk.shows("1 row marked");
    desk.keys("Enter");
    assert_eq!(desk.state.desk.focused(), &LOG);
    desk.keys("q h");
    assert!(!desk.text().contains("attempt"), "{}", desk.text());
}

/// Of a record, pods come and go with its steps; one of an older program has none.
#[test]
fn pods_of_a_recorded_run_are_those_of_the_moment_that_is_shown() {
    let mut desk = Desk::live(120, 40);
    let mut record = recorded("20260114-091200-00c0ffee00c0ffee", false);
    let open = |desk: &mut Desk, record: &Record| {
        list_records(desk, std::slice::from_ref(record));
        desk.keys("4 g r Enter");
        let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record.clone())) });
        on_dra_support(desk);
    };
    open(&mut desk, &record);
    let branch = |desk: &Desk| {
        let rows = &desk.state.desk.table(&CHECKS).content.rows;
        rows.iter().find(|row| row.id == RowId::Check("dra-support".into())).map(|row| row.branch)
    };
    assert_eq!(branch(&desk), Some(None), "there is nothing to unfold");
    let end = record.events.iter().position(|event| event.observed_at_ms > NOW + 4_000).unwrap();
    let told =
        pods().into_iter().map(|(at, body)| Event { seq: 0, observed_at_ms: NOW + at, stated_at_ms: None, body });
    record.events.splice(end..end, told);
    open(&mut desk, &record);
    assert_eq!(branch(&desk), Some(Some(false)));
    desk.keys("l");
    // How long it took, as far as that was seen.
    desk.shows("gpu-a-1");
    desk.shows("2.0 s");
    let pods = |desk: &Desk| desk.state.model.run.check("dra-support").unwrap().pods.len();
    assert_eq!(pods(&desk), 3);
    while pods(&desk) > 0 {
        desk.keys("<");
    }
    desk.state.prepare();
    assert_eq!(branch(&desk), Some(None));
}

/// m asks in the last line; what is typed is seen beside the line, and is in what is saved.
#[test]
fn a_mark_of_a_log_has_a_label_where_one_is_typed() {
    let mut desk = Desk::live(200, 60);
    run_half_way(&mut desk);
    desk.keys("4");
    desk.command("filter operator-health");
    desk.keys("G g l g g m");
    desk.shows("label of the mark on line 1: ");
    desk.shows("Enter marks, Esc does not");
    assert!(desk.state.model.run.check("operator-health").unwrap().marks.is_empty(), "not before it is answered");
    desk.type_text("before q");
    assert!(!desk.state.quit, "letters are text");
    desk.update(Msg::Input(Input::Paste(" and r".into())));
    golden("log-label-200x60", &desk.text());
    desk.keys("Enter");
    desk.shows("line 1 of 09:12:00.100 is marked: before q and r; ' goes to the next mark");
    desk.shows("[before q and r] reads pods of namespace gpu-operator");
    // Esc marks nothing; without a text the mark has no label.
    desk.keys("j m x Esc");
    assert_eq!(desk.state.model.run.check("operator-health").unwrap().marks.len(), 1);
    desk.keys("m Enter");
    desk.shows("line 2 of 09:12:00.100 is marked; ' goes to the next mark");
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let expected = "09:12:00.100 [mark: before q and r] reads pods of namespace gpu-operator\n\
                    09:12:00.100 [mark] 1 of 1 pods is ready\n09:12:00.100 red and ";
    assert!(text.starts_with(expected), "{text}");
    desk.command("export out.csv");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(text.contains("[before q and r] reads pods"), "{text}");
    desk.command("merge all");
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(text.contains("09:12:00.100 [mark: before q and r] [operator-health] reads pods"), "{text}");
    // A mark goes as before; a command gives one a label, or another one. Space asks nothing.
    desk.command("merge off");
    desk.keys("g l g g m");
    desk.shows("line 1 of 09:12:00.100 is no longer marked");
    desk.command("label after the restart");
    // The line goes on below itself.
    desk.shows("[after the restart] reads pods of namespace ");
    desk.keys("G k Space");
    assert_eq!(desk.state.model.run.check("operator-health").unwrap().marks.len(), 3);
}

/// The output of all checks has a limit, whatever each may take.
#[test]
fn the_logs_of_a_run_share_their_memory() {
    let mut desk = Desk::live(200, 60);
    run_half_way(&mut desk);
    let log = |check: &str, number: u64| Body::Log {
        check: check.into(),
        text: format!("line {number} of many"),
        source: String::new(),
    };
    desk.state.model.run.log_room = Room(1 << 20);
    let fold = |desk: &mut Desk, body| {
        desk.state.model.run.fold(Event { seq: 0, observed_at_ms: NOW, stated_at_ms: None, body });
    };
    (0..20_000).for_each(|number| fold(&mut desk, log("dra-support", number)));
    (0..10_000).for_each(|number| fold(&mut desk, log("operator-health", number)));
    let bytes: usize = desk.state.model.run.checks.iter().map(|check| check.log.bytes()).sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    let dropped = |name: &str| desk.state.model.run.check(name).unwrap().log.dropped();
    assert!(dropped("dra-support") > 0 && dropped("dra-support") > dropped("operator-health"));
    desk.keys("4");
    desk.command("filter dra-support");
    desk.keys("G g l");
    desk.shows("20,001 lines");
}

/// What a person marked in a recorded run is where they marked it, whichever way they step.
#[test]
fn marks_stay_while_a_recorded_run_is_stepped_back_and_on() {
    let mut desk = Desk::live(120, 40);
    let record = recorded("20260114-091200-00c0ffee00c0ffee", false);
    list_records(&mut desk, std::slice::from_ref(&record));
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record)) });
    desk.command("filter dra-support");
    desk.keys("G g l g g m Enter");
    desk.shows("line 1 of 09:12:03.400 is marked");
    let marks = |desk: &Desk| desk.state.model.run.check("dra-support").map(|check| check.marks.len());
    assert_eq!(marks(&desk), Some(1));
    // Before its output, where there is no such line, and before everything.
    desk.keys("< < < < < < < < '");
    desk.shows("no line is marked");
    desk.keys("< < < < < < < < < < < < < < < < < <");
    assert_eq!(desk.state.model.records.replay.as_ref().map(|replay| replay.next), Some(0));
    desk.keys("> > > > > > > > > > > > > > > > > > > > > > > > > > >");
    assert_eq!(marks(&desk), Some(1));
    desk.keys("m");
    assert_eq!(marks(&desk), Some(0), "it can be taken away");
    desk.keys("< >");
    assert_eq!(marks(&desk), Some(0), "and stays away");
}

/// Both runs are what a comparison is of, also where there is little room.
#[test]
fn a_comparison_of_runs_shows_both_sides_in_a_narrow_panel() {
    let mut desk = Desk::live(120, 40);
    let [good, bad] = ["20260714-073000-00000000c0ffee00", "20260714-080000-00000000beefbeef"];
    desk.command(&format!("compare {good} {bad}"));
    let Some(Effect::CompareRuns { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let records = Arc::new([recorded(good, true), recorded(bad, false)]);
    desk.update(Msg::RunsCompared { generation, answer: Ok(records) });
    desk.state.desk.focus_on(&RUN_CHANGES);
    desk.frame();
    let inner = desk.state.desk.layout.inner(desk.state.desk.layout.panel(&RUN_CHANGES).expect("it has the focus"));
    let table = desk.state.desk.table(&RUN_CHANGES);
    let widths = table.widths(u16::try_from(text_columns(usize::from(inner.width))).unwrap());
    let shown = |name: &str| {
        let at = table.content.columns.iter().position(|column| column.name == name).unwrap();
        widths[at] > 0
    };
    assert!(inner.width < 50 && shown("A") && shown("B") && shown("BECAME"), "{widths:?}\n{}", desk.text());
}

/// A constraint that a run judged says what was asked for, what was found and where, and which layer set it.
#[test]
fn a_readiness_row_names_its_rule_its_reading_and_the_layer_that_set_it() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    let body = |name: &str, set_by: Option<&str>| Body::Readiness {
        name: name.into(),
        expected: ">= 6.8".into(),
        outcome: ReadinessOutcome::Fail,
        actual: Some("5.15".into()),
        reason: Some("1 of 3 nodes; not on worker-1 (5.15)".into()),
        set_by: set_by.map(Into::into),
    };
    desk.run(31_000, body("OS.sysctl./proc/sys/kernel/osrelease", Some("h100-eks-ubuntu-training")));
    desk.run(31_000, body("K8s.node.kernel-version", None));
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    let row = |desk: &Desk, name: &str| {
        let rows = &desk.state.desk.table(&CHECKS).content.rows;
        rows.iter().find(|row| row.id == RowId::Constraint(name.into())).map(|row| row.plain()).unwrap_or_default()
    };
    assert!(row(&desk, "K8s.server.version").ends_with("v1.34.0 meets >= 1.34  set by base"));
    assert!(!row(&desk, "K8s.node.kernel-version").contains("set by"), "a recipe that is a file does not say it");
    for (name, says) in [
        ("K8s.node.kernel-version", "The recipe of this run does not say"),
        ("OS.sysctl./proc/sys/kernel/osrelease", "set by       h100-eks-ubuntu-training"),
    ] {
        assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Constraint(name.into())));
        desk.state.desk.mark(Need::Cursor(&CHECKS));
        desk.shows(says);
    }
    desk.shows("rule         >= 6.8");
    golden("readiness-detail-120x40", &desk.text());
}

/// What a run that is resolved here says of its constraints comes from the layers of its recipe.
#[test]
fn the_layers_of_constraints_are_those_of_the_recipe() {
    let desk = Desk::live(120, 40);
    let resolution = desk.state.model.recipe.value.clone().expect("a recipe");
    let layers = resolution.constraint_layers();
    assert!(!resolution.constraints.is_empty() && layers.len() == resolution.constraints.len(), "{layers:?}");
    for rule in &desk.state.model.rules {
        assert_eq!(layers.get(&rule.name), Some(&rule.set_by).filter(|_| rule.layer.is_some()), "{}", rule.name);
    }
}

/// A later run of something else does not take back what failed; one in which it passes does.
#[test]
fn a_later_run_of_other_checks_does_not_hide_an_earlier_failure() {
    const HOUR: u64 = 3_600_000;
    let mut desk = Desk::live(200, 60);
    let criteria = desk.state.model.recipe.value.as_ref().unwrap().recipe.criteria.to_string();
    let of = |id: &str, hours: u64, only: Option<&str>, status: Status| {
        let mut record = recorded(id, true);
        record.facts.criteria.clone_from(&criteria);
        record.events.iter_mut().for_each(|event| event.observed_at_ms -= hours * HOUR);
        record.events.retain_mut(|event| match &mut event.body {
            Body::Planned { checks, .. } => {
                checks.retain(|check| only.is_none_or(|only| check.name == only));
                true
            }
            Body::Finished { check, result } if only.is_some_and(|only| check == only) => {
                result.status = status;
                true
            }
            Body::Finished { .. } | Body::State { .. } => only.is_none(),
            Body::Ended { verdict } => {
                *verdict = if only.is_some() { Verdict::Passed } else { Verdict::Failed };
                true
            }
            _ => true,
        });
        record
    };
    let first = of("20260114-061200-00000000000000aa", 3, None, Status::Failed);
    let later = of("20260114-081200-00000000000000bb", 1, Some("operator-health"), Status::Passed);
    list_records(&mut desk, &[later.clone(), first.clone()]);
    desk.shows("gpu-operator-version failed 06:12 UTC and has not passed since; last run 08:12 UTC: pass");
    desk.update(Msg::Input(aicr::term::input::Input::Resize { width: 120, height: 40 }));
    desk.shows("validated: gpu-operator-version fails");
    desk.update(Msg::Input(aicr::term::input::Input::Resize { width: 200, height: 60 }));
    // One that gave no verdict says nothing of it.
    let open = of("20260114-083200-00000000000000cc", 1, Some("gpu-operator-version"), Status::Other);
    list_records(&mut desk, &[open, first.clone()]);
    desk.shows("gpu-operator-version failed 06:12 UTC and has not passed since");
    let mended = of("20260114-084200-00000000000000dd", 1, Some("gpu-operator-version"), Status::Passed);
    list_records(&mut desk, &[mended, first]);
    desk.shows("validated: 1 of 9 checks, pass");
    assert!(!desk.text().contains("has not passed since"), "{}", desk.text());
}

/// The report and the record list checks as the recipe and the screen do, whatever groups a run makes of them.
#[test]
fn a_run_is_recorded_in_the_order_of_the_recipe() {
    let mut desk = Desk::live(120, 40);
    let (prepared, _) = asked(&mut desk);
    let listed: Vec<String> = Phase::ALL
        .into_iter()
        .filter_map(|phase| prepared.recipe.validation.as_ref()?.phase(phase))
        .flat_map(|spec| spec.checks.clone())
        .collect();
    let planned: Vec<&str> = prepared.plan.checks.iter().map(|check| check.check.name.as_str()).collect();
    assert_ne!(planned, listed, "the run groups them");
    let (writer, _) = ops::run::EventLog::new();
    let report = ops::run::judge(&prepared, writer);
    let names: Vec<&str> = report.planned.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, listed);
    let results: Vec<&str> = report.in_order().into_iter().map(|result| result.name.as_str()).collect();
    assert_eq!(results, listed);
}

/// Asks for a run on the Validate screen: its plan, and what is planned.
fn asked(desk: &mut Desk) -> (Arc<ops::run::Prepared>, u64) {
    desk.keys("4 r");
    let Some(Effect::Plan { generation, catalog, recipe, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let mut options = ops::run::RunOptions::default();
    options.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
    options.plan.image = "aicr/check:0.1.0".into();
    let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
    let prepared = Arc::new(ops::run::prepare(&catalog, recipe, "recipe", snapshot, &options).unwrap());
    desk.update(Msg::Planned { generation, answer: Ok(prepared.clone()) });
    (prepared, generation)
}

#[test]
fn a_run_that_stops_says_what_the_next_phase_would_create() {
    let mut desk = Desk::live(120, 40);
    let (prepared, _) = asked(&mut desk);
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::Run(_))));
    desk.run(0, planned_event(&prepared));
    desk.run(10, Body::Paused { before: Stop::Phase { phase: Phase::Conformance } });
    let of_phase: Vec<_> =
        prepared.plan.checks.iter().filter(|check| check.check.phase == Phase::Conformance).collect();
    let objects: usize = of_phase.iter().map(|check| check.objects.len()).sum();
    desk.shows(&format!(
        "paused before the conformance phase, {} checks that create {objects} objects: p goes on, x cancels",
        of_phase.len()
    ));
    desk.state.prepare();
    let table = desk.state.desk.table(&CHECKS);
    let row = table.content.rows.iter().find(|row| row.id == RowId::Check("dra-support".into())).unwrap();
    assert!(row.plain().contains("at most 5 min; creates 1 "), "{}", row.plain());
    golden("stopped-before-phase-120x40", &desk.text());
    // The same as in the plan that was asked about.
    let (whole, part) = (prepared.lines("demo"), plan::of_phase(&prepared.plan, Phase::Conformance));
    assert!(part.len() > of_phase.len() && whole.windows(part.len()).any(|lines| lines == part), "{part:#?}");
    desk.run(20, Body::Resumed);
    assert!(!desk.text().contains("paused before"), "{}", desk.text());
}

fn planned_event(prepared: &ops::run::Prepared) -> Body {
    Body::Planned {
        run_id: prepared.plan.run_id.clone(),
        namespace: prepared.plan.namespace.clone(),
        context: "demo".into(),
        recipe: String::new(),
        criteria: String::new(),
        checks: prepared.plan.checks.iter().map(|check| check.check.clone()).collect(),
    }
}

/// Where a column begins, in what a panel shows.
fn columns(desk: &mut Desk) -> (usize, usize) {
    let text = desk.text();
    let header = text.lines().find(|line| line.contains("PHASE / CHECK")).unwrap().to_owned();
    let end = |name: &str| header.find(name).map(|at| text::width(&header[..at])).unwrap();
    (end("TIME"), end("RESULT"))
}

#[test]
fn columns_of_checks_stay_where_they_are_in_a_run() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    desk.run(0, half_way_planned());
    let begin = columns(&mut desk);
    for (at, state) in [
        (10, CheckState::Creating),
        (20, CheckState::ConfigError { reason: "CreateContainerConfigError".into(), message: "no secret".into() }),
        (30, CheckState::Running { node: "worker-1".into() }),
    ] {
        desk.run(at, Body::State { check: "operator-health".into(), state });
        assert_eq!(columns(&mut desk), begin);
    }
    desk.state.model.now_ms += 59_000;
    desk.state.desk.mark(Need::Run);
    desk.shows("59.0 s");
    assert_eq!(columns(&mut desk), begin);
}

fn half_way_planned() -> Body {
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    let run = &desk.state.model.run;
    Body::Planned {
        run_id: run.id.clone(),
        namespace: run.namespace.clone(),
        context: "demo".into(),
        recipe: String::new(),
        criteria: String::new(),
        checks: run.checks.iter().map(|check| check.planned.clone()).collect(),
    }
}

#[test]
fn a_running_check_shows_how_much_of_its_limit_has_passed() {
    let row = |look: Look| {
        let mut desk = Desk::live_with(120, 40, look);
        desk.keys("4");
        run_half_way(&mut desk);
        desk.state.model.now_ms += 150_000;
        desk.state.desk.mark(Need::Run);
        desk.text();
        let rows = &desk.state.desk.table(&CHECKS).content.rows;
        rows.iter().find(|row| row.id == RowId::Check("dra-support".into())).unwrap().plain()
    };
    let drawn = row(Look::default());
    assert!(drawn.contains("██░░  looks for"), "{drawn}");
    let said = row(Look { ascii: true, ..Look::default() });
    assert!(said.contains("of 5 min  looks for") && !said.contains('█'), "{said}");
}

#[test]
fn long_lines_of_a_log_go_on_where_lines_are_free() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    let text = format!("begins {}ends", "word ".repeat(20));
    desk.run(3_400, Body::Log { check: "dra-support".into(), text, source: String::new() });
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("dra-support".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk.keys("g l");
    desk.shows("ends");
    desk.shows("w wrap");
    assert!(!desk.text().contains("w wide"), "{}", desk.text());
    golden("log-goes-on-80x24", &desk.text());
    // Where every line is taken, each has one; the hint says what shows the rest.
    for number in 0..12 {
        desk.run(
            3_500,
            Body::Log { check: "dra-support".into(), text: format!("line {number}"), source: String::new() },
        );
    }
    desk.shows("line 11");
}
