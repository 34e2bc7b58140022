//! `:ops`: what is under way in the background, what has ended, and its end by hand.

use super::{
    desk::{Desk, NOW, snapshot},
    screens::all_golden,
};
use aicr::{
    cluster::watch::LiveStatus,
    inventory::Inventory,
    ops::{self, Failure, Kind},
    validate::event::{Body, CheckResult, Status, Way},
    workbench::{
        Look,
        effect::Effect,
        keymap::Action,
        live_checks::News,
        model::Source,
        msg::{Msg, SnapshotSlot, Written},
        overlay::Kind as Over,
        panes::CHECKS,
    },
};

fn after(desk: &mut Desk, ms: u64) {
    desk.state.model.now_ms = NOW + ms;
    desk.update(Msg::Tick);
}

/// A run that was started here, a snapshot that is being read, a bundle that could not be.
fn busy(width: u16, height: u16) -> Desk {
    let mut desk = Desk::live_with(width, height, Look::default());
    desk.command("bundle nothing");
    let Some(Effect::ReadBundle { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let failure = Failure::new(Kind::NotFound, "read the bundle", "there is no such folder");
    after(&mut desk, 1_250);
    desk.update(Msg::BundleRead { generation, answer: Err(failure) });
    desk.keys("4 r");
    let Some(Effect::Plan { generation, catalog, recipe, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let mut options = ops::run::RunOptions::default();
    options.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
    let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
    let prepared = ops::run::prepare(&catalog, recipe, "recipe", snapshot, &options).unwrap();
    desk.update(Msg::Planned { generation, answer: Ok(prepared.into()) });
    desk.keys("Tab Enter");
    let Some(Effect::Run(prepared)) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let checks: Vec<_> = prepared.plan.checks.iter().take(4).map(|check| check.check.clone()).collect();
    let first = checks[0].clone();
    let planned = Body::Planned {
        run_id: options.plan.run_id,
        namespace: "aicr".into(),
        context: "demo".into(),
        recipe: "recipe".into(),
        criteria: "kind a100".into(),
        checks,
    };
    desk.run(1_300, planned);
    let result = CheckResult {
        name: first.name.clone(),
        phase: first.phase,
        status: Status::Passed,
        message: String::new(),
        exit_code: Some(0),
        node: None,
        image: String::new(),
        total_ms: 100,
        run_ms: 100,
        start_ms: NOW + 1_300,
        stop_ms: NOW + 1_400,
        stdout: Vec::new(),
        why: None,
        way: Way::Job,
    };
    desk.run(1_400, Body::Finished { check: first.name, result });
    desk.command("open friday.yaml");
    after(&mut desk, 13_400);
    desk
}

#[test]
fn what_goes_on_in_the_background_is_listed_with_its_time_and_how_far_it_is() {
    let frames = [(80, 24), (120, 40)].map(|(width, height)| {
        let mut desk = busy(width, height);
        desk.command("ops");
        desk.shows("read the snapshot friday.yaml");
        desk.shows("1/4 checks");
        (format!("operations-{width}x{height}"), desk.text())
    });
    all_golden(frames);
    let mut desk = busy(120, 40);
    desk.command("ops");
    assert!(desk.state.moves_by_itself(), "times go on");
    after(&mut desk, 20_000);
    desk.shows("18 s");
    // What ends is seen to end.
    let Some(Effect::ReadSnapshot { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let answer = Ok(snapshot());
    desk.update(Msg::Snapshot { slot: SnapshotSlot::Cluster, generation, name: "friday.yaml".into(), answer });
    let line = desk.text().lines().find(|line| line.contains("read the snapshot")).unwrap().to_owned();
    assert!(line.contains("✓›done"), "{line}");
    desk.keys("g g Enter");
    assert!(desk.state.desk.overlay.is_none() && desk.state.desk.focused() == &CHECKS, "{}", desk.text());
}

#[test]
fn work_is_canceled_at_once_and_its_late_answer_changes_nothing() {
    let mut desk = Desk::live(120, 40);
    desk.command("open friday.yaml");
    let before = desk.state.in_flight - 1;
    let Some(Effect::ReadSnapshot { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.command("ops");
    desk.keys("x");
    assert!(matches!(desk.left.last(), Some(Effect::Abandon(key)) if key.kind == "snapshot"), "{:?}", desk.left);
    desk.shows("canceled: read the snapshot friday.yaml");
    let line = desk.text().lines().find(|line| line.contains("read the snapshot")).unwrap().to_owned();
    assert!(line.contains("⊘›canceled"), "{line}");
    assert_eq!(desk.state.in_flight, before);
    let answer = Ok(snapshot());
    desk.update(Msg::Snapshot { slot: SnapshotSlot::Cluster, generation, name: "friday.yaml".into(), answer });
    assert_eq!((desk.state.model.cluster.source, desk.state.in_flight), (Source::Demo, before));
    desk.keys("x");
    desk.shows("this has ended");
    // What keeps the cluster in view is not given up by a slip.
    desk.keys("Esc");
    desk.left.clear();
    desk.view(LiveStatus::Syncing { done: 3, total: 9 }, None);
    desk.command("ops");
    desk.shows("3/9 kinds");
    desk.keys("g g");
    desk.shows("watch the cluster");
    desk.keys("x");
    desk.shows("this cannot be canceled: watch the cluster");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
}

/// A record that cannot be written is told, and is no answer to what a person asked for meanwhile.
#[test]
fn a_record_that_cannot_be_written_ends_no_other_work() {
    let mut desk = Desk::live(120, 40);
    desk.command("save friday.yaml");
    let waiting = desk.state.in_flight;
    assert!(matches!(desk.left.last(), Some(Effect::Save { .. })), "{:?}", desk.left);
    desk.update(Msg::NotRecorded(Failure::new(Kind::Internal, "write the record", "no space left on device")));
    assert_eq!(desk.state.in_flight, waiting);
    desk.shows("failed to write the record");
    desk.command("ops");
    let line = desk.text().lines().find(|line| line.contains("write the snapshot")).unwrap().to_owned();
    assert!(line.contains("running"), "{line}");
}

#[test]
fn a_run_in_the_list_is_asked_about_before_it_is_canceled() {
    let mut desk = busy(120, 40);
    desk.command("ops");
    desk.keys("j x");
    assert!(matches!(desk.state.desk.overlay.as_ref().unwrap().kind, Over::Question { .. }), "{}", desk.text());
    desk.shows("cancel the run?");
    desk.left.clear();
    desk.keys("Tab Enter");
    assert!(matches!(desk.left[..], [Effect::CancelRun]), "{:?}", desk.left);
    let run_id = desk.state.model.run.id.clone();
    desk.update(Msg::RunEnded { run_id, answer: Ok(()) });
    desk.command("ops");
    let line = desk.text().lines().find(|line| line.contains("run 20260114")).unwrap().to_owned();
    assert!(line.contains("⊘ canceled"), "{line}");
}

#[test]
fn what_was_not_written_is_not_done_and_an_evaluation_that_failed_has_ended() {
    let mut desk = Desk::live(120, 40);
    desk.command("save friday.yaml");
    let Some(save @ Effect::Save { write, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::Written { write, answer: Ok(Written::WouldReplace(Box::new(save))) });
    desk.keys("Enter");
    desk.act(Action::Evaluate);
    let generation = desk.state.model.live.generation;
    let failure = Failure::new(Kind::Unreachable, "connect", "connection refused");
    desk.update(Msg::Evaluated { generation, news: News::Failed(failure) });
    desk.command("ops");
    let lines = desk.text();
    let line = |what: &str| lines.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{lines}"));
    assert!(line("write the snapshot").contains("✗ failed"), "{lines}");
    assert!(line("evaluate the checks").contains("✗ failed"), "{lines}");
}
