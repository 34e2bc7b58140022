//! What titles say of their panels: how old they are, what is hidden, how far they are scrolled, what has come meanwhile.

use super::{
    desk::{Desk, NOW, reconnecting, run_half_way, snapshot},
    screens::all_golden,
};
use aicr::{
    cluster::watch::LiveStatus,
    ops::{Failure, Kind},
    validate::event::Body,
    workbench::{
        Look,
        msg::Msg,
        panes::{CHECKS, LOG, NODES, SHAPES},
    },
};

fn after(desk: &mut Desk, seconds: u64) {
    desk.state.model.now_ms = NOW + seconds * 1000;
    desk.update(Msg::Tick);
}

/// A cluster whose connection was lost some seconds ago, after it had been followed for an hour.
fn lost(seconds: u64, width: u16, height: u16) -> Desk {
    let mut desk = Desk::live_with(width, height, Look::default());
    after(&mut desk, 3600);
    assert!(!desk.text().contains(" old"), "an hour in which nothing changed is none without news");
    desk.view(reconnecting(3, 4), None);
    after(&mut desk, 3600 + seconds);
    desk
}

#[test]
fn a_panel_without_news_says_how_old_it_is_and_warns_after_three_missed_readings() {
    assert!(!lost(9, 120, 40).text().contains(" old"));
    let mut desk = lost(10, 120, 40);
    for pane in [&NODES, &SHAPES] {
        desk.state.desk.focus_on(pane);
        desk.shows("10 s old");
    }
    assert!(desk.state.moves_by_itself(), "it grows");
    desk.keys("2");
    desk.shows("10 s old");
    desk.keys("1");
    after(&mut desk, 3600 + 179);
    desk.shows(" 2 min 59 s old");
    assert!(!desk.text().contains("! 2 min"));
    after(&mut desk, 3600 + 180);
    desk.shows("! 3 min old");
    let warned = desk.text();
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    assert!(!desk.text().contains(" old"), "{}", desk.text());
    after(&mut desk, 7200);
    assert!(!desk.state.moves_by_itself());
    all_golden([
        ("age-120x40".to_owned(), warned),
        ("age-80x24".to_owned(), lost(12, 80, 24).text()),
        ("age-40x10".to_owned(), lost(12, 40, 10).text()),
    ]);
}

#[test]
fn what_could_not_be_read_again_grows_old_too_and_a_file_does_not() {
    let mut desk = Desk::live(120, 40);
    after(&mut desk, 60);
    desk.keys("R");
    let generation = desk.state.model.cluster.generation;
    let failure = Failure::new(Kind::Unreachable, "connect", "connection refused");
    desk.update(Msg::ConnectFailed { generation, failure });
    after(&mut desk, 75);
    desk.shows("15 s old");
    let answer = Ok(snapshot());
    let slot = aicr::workbench::msg::SnapshotSlot::Cluster;
    let mut desk = Desk::live(120, 40);
    desk.command("open old.yaml");
    let Some(aicr::workbench::effect::Effect::ReadSnapshot { generation, .. }) = desk.left.pop() else { panic!() };
    desk.update(Msg::Snapshot { slot, generation, name: "old.yaml".into(), answer });
    after(&mut desk, 3600);
    assert!(!desk.text().contains(" s old"), "{}", desk.text());
    assert!(!desk.state.moves_by_itself());
}

/// The title gives way: that rows are hidden must be seen.
#[test]
fn how_many_rows_a_filter_hides_is_seen_in_the_narrowest_title() {
    for (width, height) in [(40, 10), (80, 24), (100, 30), (120, 40)] {
        let mut desk = Desk::live(width, height);
        desk.state.desk.focus_on(&SHAPES);
        desk.keys("G Enter");
        desk.command("filter worker-1");
        assert_eq!(desk.state.desk.table(&NODES).hidden, 3);
        desk.shows("3 hidden");
        desk.shows(" nodes 4 of 5");
    }
}

#[test]
fn a_log_that_is_not_followed_counts_what_has_come_since() {
    let mut desk = Desk::live(200, 60);
    desk.keys("4");
    run_half_way(&mut desk);
    let mut line = 0;
    let mut log = |desk: &mut Desk, lines: u64| {
        for _ in 0..lines {
            line += 1;
            let text = format!("line {line}");
            desk.run(5000 + line, Body::Log { check: "dra-support".into(), text, source: String::new() });
        }
    };
    log(&mut desk, 50);
    desk.keys("j j j j j j g l");
    desk.shows("FOLLOW  wrap off  51 lines");
    desk.keys("k");
    desk.shows("follow off  wrap off");
    log(&mut desk, 312);
    desk.shows("follow off, 312 new  wrap off  363 lines");
    desk.keys("G");
    desk.shows("FOLLOW");
    assert!(desk.state.desk.table(&LOG).follow);
    desk.keys("k");
    log(&mut desk, 1);
    desk.shows("follow off, 1 new");
    // From any panel of the screen.
    desk.state.desk.focus_on(&CHECKS);
    desk.keys("0");
    desk.shows("FOLLOW");
    desk.shows("line 363");
}

#[test]
fn columns_without_room_are_scrolled_to_and_the_name_stays() {
    let mut desk = Desk::live(80, 24);
    let mut frames = vec![("sideways-0-80x24".to_owned(), desk.text())];
    let name = snapshot().nodes[0].name.to_string();
    let mut steps = 0;
    while !desk.text().contains("nothing more to the right") {
        steps += 1;
        assert!(steps < 12, "{}", desk.text());
        desk.keys("l");
        desk.shows(&name);
    }
    desk.shows(&format!("← {} columns", steps - 1));
    desk.shows("KERNEL");
    desk.shows(snapshot().nodes[0].kernel.text().unwrap());
    frames.push(("sideways-80x24".to_owned(), desk.text()));
    desk.keys("Left");
    desk.shows(&format!("← {} column", steps - 2));
    (0..12).for_each(|_| desk.keys("h"));
    assert!(!desk.text().contains("←"));
    all_golden(frames);
}

#[test]
fn a_log_is_read_on_to_the_right_with_time_and_source_in_place() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    let text = format!("begins here, {}and ends here", "goes on and on, ".repeat(8));
    let source = "aicr-dra/with-gpu".to_owned();
    desk.run(5000, Body::Log { check: "dra-support".into(), text, source });
    desk.keys("j j j j j j g l");
    desk.shows("begins here");
    (0..40).for_each(|_| desk.keys("l"));
    desk.shows("there is nothing more to the right");
    desk.shows("09:12:05.000  aicr-dra/with-gpu");
    let text = desk.text();
    let line = text.lines().find(|line| line.contains("09:12:05.000")).unwrap_or_default();
    assert!(line.contains("and ends here") && !line.contains("begins here"), "{line}");
    all_golden([("sideways-log-80x24".to_owned(), desk.text())]);
    // What is wrapped is not scrolled.
    desk.keys("w");
    desk.shows("begins here");
    desk.shows("and ends here");
    assert!(!desk.text().contains("←"));
}

/// Nothing is said of what takes no time; then a word, then the seconds, while the last good values stay.
#[test]
fn what_takes_long_says_for_how_long_it_has_been_loading() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.shows("driver");
    // The worker does not answer.
    let waiting = desk.state.update(Msg::Command("recipe service=eks accelerator=h100".into()));
    assert!(!desk.text().contains("loading"), "{}", desk.text());
    let at = |desk: &mut Desk, milliseconds| {
        desk.state.model.now_ms = NOW + milliseconds;
        desk.update(Msg::Tick);
        desk.text()
    };
    assert!(!at(&mut desk, 149).contains("loading"));
    assert!(at(&mut desk, 150).contains("loading "));
    assert!(at(&mut desk, 1_999).contains("loading "));
    let text = at(&mut desk, 7_000);
    assert!(text.contains("loading 7 s") && text.contains("driver"), "{text}");
    assert!(at(&mut desk, 60_000).contains("loading 1 min") && desk.state.moves_by_itself());
    all_golden([("loading-120x40".to_owned(), text)]);
    desk.carry_out(waiting);
    assert!(!desk.text().contains("loading"));
    at(&mut desk, 120_000);
    assert!(!desk.state.moves_by_itself());
}
