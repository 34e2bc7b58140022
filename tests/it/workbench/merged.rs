//! One log of several checks.

use super::{
    desk::{Desk, NOW, list_records, recorded, run_half_way},
    screens::golden,
};
use aicr::{
    ops::run::record::Record,
    term::color::Level,
    validate::event::{Body, Event},
    workbench::{
        Look,
        effect::Effect,
        keymap::Action,
        msg::Msg,
        panes::{CHECKS, LOG, Need, RowId},
    },
};
use std::sync::Arc;

/// Output of checks that run at the same time, and of a pod that one of them made.
fn write(desk: &mut Desk) {
    let pod = "aicr-dra-00c0ffee/with-gpu";
    for (at, check, source, text) in [
        (3410, "accelerator-metrics", "", "waits for a node with a GPU"),
        (3420, "dra-support", "", "2 resource slices"),
        (3430, "dra-support", pod, "/dev/nvidia0"),
        (3440, "accelerator-metrics", "", "level=warn msg=\"no node yet\" nodes=5"),
        (3450, "dra-support", pod, "GPU devices: 1, expected 1"),
        (3450, "dra-support", pod, "GPU devices: 1, expected 1"),
    ] {
        desk.run(at, Body::Log { check: check.into(), text: text.into(), source: source.into() });
    }
}

fn half_way(width: u16, height: u16) -> Desk {
    let mut desk = Desk::live(width, height);
    desk.keys("4");
    run_half_way(&mut desk);
    write(&mut desk);
    desk
}

/// The rows of the log, each in one line.
fn rows(desk: &mut Desk) -> Vec<String> {
    desk.state.prepare();
    desk.state.desk.table(&LOG).content.rows.iter().map(|row| row.plain()).collect()
}

/// Puts the cursor of the tree on a check.
fn on_check(desk: &mut Desk, name: &str) {
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check(name.into())), "{name}");
    desk.state.desk.mark(Need::Cursor(&CHECKS));
}

#[test]
fn the_logs_of_a_phase_are_one_by_time_with_their_sources_in_front() {
    let mut desk = half_way(200, 60);
    on_check(&mut desk, "dra-support");
    desk.keys("M");
    desk.shows("log of conformance, 3 checks; M shows all 5 checks");
    let expected = [
        "09:12:03.400  C  dra-support  looks for resource slices",
        "09:12:03.410  D  accelerator-metrics  waits for a node with a GPU",
        "09:12:03.420  C  dra-support  2 resource slices",
        "09:12:03.430  C  dra-support/aicr-dra-00c0ffee/with-gpu  /dev/nvidia0",
        "09:12:03.440  D  accelerator-metrics  warn  no node yet  nodes=5",
        "09:12:03.450  C  dra-support/aicr-dra-00c0ffee/with-gpu  x 2  GPU devices: 1, expected 1  until 09:12:03.450",
    ];
    assert_eq!(rows(&mut desk), expected);
    golden("merged-200x60", &desk.text());
    // The whole run; checks that have ended say so where they ended.
    desk.keys("M");
    desk.shows("log of run, 5 checks; M shows one check again");
    let all = rows(&mut desk);
    assert_eq!(all.len(), expected.len() + 5, "{all:#?}");
    assert!(all[3].contains("09:12:03.100  A  operator-health  ✓ pass"), "{all:#?}");
    assert!(all[4].contains("B  gpu-operator-version  ✗ fail  v25.10.1 does not satisfy >= v26.3.0"), "{all:#?}");
    desk.keys("M");
    desk.shows("the log of one check");
    assert_eq!(rows(&mut desk).len(), 4, "dra-support alone");
}

#[test]
fn the_letters_of_checks_stay_in_a_narrow_panel_and_without_color() {
    let mut desk = half_way(120, 40);
    on_check(&mut desk, "dra-support");
    desk.keys("M");
    golden("merged-120x40", &desk.text());
    let look = Look { ascii: true, color: Some(Level::None), ..Look::default() };
    let mut desk = Desk::live_with(80, 24, look);
    desk.keys("4");
    run_half_way(&mut desk);
    write(&mut desk);
    on_check(&mut desk, "dra-support");
    desk.keys("Shift-Down M g l m Enter");
    golden("merged-ascii-80x24", &desk.text());
}

#[test]
fn marked_checks_share_a_log_and_a_line_is_marked_searched_opened_and_saved_in_it() {
    let mut desk = half_way(200, 60);
    on_check(&mut desk, "dra-support");
    desk.keys("Space");
    on_check(&mut desk, "operator-health");
    desk.keys("Space");
    desk.shows("2 rows marked; M shows their logs as one");
    desk.keys("M");
    desk.shows("log 2 checks, marked");
    assert!(rows(&mut desk).iter().all(|row| !row.contains("accelerator-metrics")));
    // Lines of both are marked and gone through by time.
    desk.keys("g l g g m Enter");
    desk.shows("line 1 of 09:12:00.100 is marked");
    desk.keys("G m Enter g g '");
    let row = |desk: &Desk| desk.state.desk.table(&LOG).row().map(|row| row.plain()).unwrap_or_default();
    assert!(row(&desk).contains("GPU devices: 1, expected 1"), "{}", row(&desk));
    desk.keys("'");
    assert!(row(&desk).contains("reads pods of namespace gpu-operator"), "{}", row(&desk));
    // The cursor stays on its line when others come between.
    desk.keys("M");
    assert!(row(&desk).contains("reads pods of namespace gpu-operator"), "{}", row(&desk));
    desk.command("5");
    assert!(row(&desk).contains("waits for a node with a GPU"), "{}", row(&desk));
    desk.keys("Enter");
    desk.shows("line 1 of accelerator-metrics");
    desk.keys("Esc");
    // By a word of a line, by a pod, by a check.
    for (filter, expected) in [("nvidia0", 1), ("source=with-gpu", 2), ("accelerator-metrics", 2), ("!dra-support", 7)]
    {
        desk.command(&format!("filter {filter}"));
        desk.state.prepare();
        let table = desk.state.desk.table(&LOG);
        assert_eq!(table.visible.len(), expected, "{filter}");
    }
    desk.command("save-log out.txt");
    let Some(Effect::SaveText { text, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(text.lines().count(), 10, "every line, without folds and filter");
    assert!(text.contains("09:12:03.430 [dra-support/aicr-dra-00c0ffee/with-gpu] /dev/nvidia0\n"), "{text}");
}

#[test]
fn one_log_of_several_checks_follows_their_newest_line_until_somebody_scrolls() {
    let mut desk = half_way(200, 60);
    desk.command("merge");
    desk.shows("FOLLOW");
    let more = |desk: &mut Desk, at: u64, text: &str| {
        let body = Body::Log { check: "operator-health".into(), text: text.into(), source: String::new() };
        desk.state.update(Msg::Run(Event { seq: 0, observed_at_ms: NOW + at, stated_at_ms: None, body }));
    };
    (0..12_000).for_each(|number| more(&mut desk, 4000 + number, &format!("line {number} of many")));
    desk.shows("line 11999 of many");
    desk.keys("g g");
    desk.shows("reads pods of");
    more(&mut desk, 20_000, "the newest");
    desk.shows("reads pods of");
    desk.shows("follow off");
    desk.command("6000");
    desk.shows("line 5989 of many");
    desk.keys("f");
    desk.shows("the newest");
}

#[test]
fn names_of_checks_and_phases_are_taken_as_words_and_unknown_ones_refused() {
    let mut desk = half_way(200, 60);
    desk.command("merge dra-support operator-health");
    desk.shows("log 2 checks, marked");
    desk.command("merge deployment");
    desk.shows("log deployment, 2 checks");
    desk.command("merge performance");
    desk.shows("the run has no checks of performance");
    desk.shows("log deployment, 2 checks");
    desk.command("merge dra-suport");
    desk.shows("the run has no check `dra-suport`");
    desk.shows("`dra-support`");
    // Enter on a check shows its log alone again.
    on_check(&mut desk, "dra-support");
    desk.keys("Enter");
    desk.shows("log dra-support");
    desk.command("merge off");
    desk.shows("the log of one check");
}

#[test]
fn a_kept_run_has_one_log_too_at_every_moment_of_its_replay() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4 M");
    desk.shows("no run is shown, so there are no logs");
    let mut record = recorded("20260113-080000-00000000000000aa", true);
    record.stored.is_open = false;
    let record = Arc::new(record);
    list_records(&mut desk, &[Record::clone(&record)]);
    desk.keys("g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(record) });
    desk.keys("g g");
    desk.act(Action::Merge);
    desk.shows("log run, 5 checks");
    let at_end = rows(&mut desk);
    assert_eq!(at_end.len(), 9, "{at_end:#?}");
    assert!(at_end.last().is_some_and(|row| row.contains("ai-service-metrics  ✓ pass")), "{at_end:#?}");
    desk.keys("< < < < <");
    desk.shows("log run, 5 checks");
    let earlier = rows(&mut desk);
    assert_eq!(earlier, at_end[..earlier.len()], "what came later is not there yet");
    assert!(earlier.len() < at_end.len());
}
