//! What is shown in place of the cluster: it decides nothing about it, and nothing that is late takes its place.

use super::{
    deploy,
    desk::{Desk, NOW, run_half_way, snapshot, snapshot_of},
};
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    deploy::event::Way,
    inventory::Inventory,
    ops::{
        self,
        connect::Target,
        demo::DemoOptions,
        run::Prepared,
        snapshots::{self, How},
    },
    term::input::Input,
    workbench::{
        RunOptions,
        effect::Effect,
        keymap::Action,
        model::Source,
        msg::{Msg, SnapshotSlot},
        overlay::Kind,
        panes::{CHECKS, RowId, WHAT_IF},
        preferences::Preferences,
    },
};
use std::sync::Arc;

const CONTEXT: &str = "prod-1";

/// A cluster whose context is protected, with one kept snapshot.
fn desk() -> Desk {
    let read = Preferences::read(Some(("config.toml", "protect = [\"prod-*\"]\n")), &|_| None);
    let options = RunOptions {
        preferences: Some(Box::new(read)),
        target: Target::default(),
        criteria: Desk::live(80, 24).state.model.stated.clone(),
        ..RunOptions::default()
    };
    let mut desk = Desk::started(&options, 120, 40);
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Inventory::clone(&snapshot());
    kept.about.taken_at = "2026-01-05T08:00:00Z".to_owned();
    snapshots::save(folder.path(), &kept, Some("monday"), How::Recorded).unwrap();
    desk.kept = Some(folder);
    connected(&mut desk);
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.keys("T");
    desk
}

fn connected(desk: &mut Desk) {
    let generation = desk.state.model.cluster.generation;
    desk.update(Msg::Connected { generation, context: CONTEXT.into(), server: "https://192.0.2.1".into() });
}

fn live(desk: &mut Desk, status: LiveStatus, inventory: Option<Arc<Inventory>>) {
    let generation = desk.state.model.cluster.generation;
    desk.update(Msg::Live { generation, view: LiveView { status, inventory } });
}

/// A command, whatever is open above the screen.
fn command(desk: &mut Desk, line: &str) {
    desk.update(Msg::Command(line.to_owned()));
}

fn open(desk: &mut Desk) {
    command(desk, "open lab.yaml");
    let read = desk.left.iter().find_map(|effect| match effect {
        Effect::ReadSnapshot { generation, .. } => Some(*generation),
        _ => None,
    });
    let answer = Ok(snapshot());
    let generation = read.expect("the file is read");
    desk.left.clear();
    desk.update(Msg::Snapshot { slot: SnapshotSlot::Cluster, generation, name: "lab.yaml".into(), answer });
}

fn planned_run(desk: &mut Desk) {
    desk.keys("4 r");
    let (generation, prepared) = asked_run(desk);
    desk.update(Msg::Planned { generation, answer: Ok(prepared) });
}

fn asked_run(desk: &mut Desk) -> (u64, Arc<Prepared>) {
    let Some(Effect::Plan { generation, catalog, recipe, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
    (generation, Arc::new(ops::run::prepare(&catalog, recipe, "recipe", snapshot, &Default::default()).unwrap()))
}

/// Takes the plan of a bundle that is on its way.
fn planned_deploy(desk: &mut Desk) {
    let generation = asked_deploy(desk);
    desk.update(Msg::DeployPlanned { generation, answer: Ok(deploy::prepared(Way::Install)) });
}

fn asked_deploy(desk: &mut Desk) -> u64 {
    let Some(Effect::PlanDeploy { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    generation
}

fn asks(desk: &Desk) -> bool {
    let overlay = desk.state.desk.overlay.as_ref();
    overlay.is_some_and(|overlay| matches!(overlay.kind, Kind::Question { .. } | Kind::Confirm { .. }))
}

/// Answers the question that is open: with the name of the context.
fn confirm(desk: &mut Desk) {
    assert!(asks(desk), "{}", desk.text());
    desk.type_text(CONTEXT);
    desk.keys("Enter");
}

/// A moment is shown over a file, which is called otherwise than the cluster that the session is on.
#[test]
fn nothing_is_deployed_from_a_kept_moment() {
    let mut desk = desk();
    open(&mut desk);
    desk.keys("<");
    desk.shows("PAST 2026-01-05 08:00");
    desk.command("deploy bundle");
    planned_deploy(&mut desk);
    desk.shows("deploy bundle to prod-1");
    desk.left.clear();
    desk.keys("r");
    desk.shows("a saved snapshot takes no releases");
    assert!(!asks(&desk) && desk.left.is_empty(), "{:?}", desk.left);
}

/// Whatever the line at the top calls what is shown.
#[test]
fn a_question_is_about_the_context_of_the_connection() {
    let mut desk = desk();
    desk.state.model.cluster.name = "lab.yaml".into();
    desk.command("deploy bundle");
    planned_deploy(&mut desk);
    desk.keys("r");
    planned_deploy(&mut desk);
    desk.shows("`prod-1` is protected: type its name, then Enter, to deploy.");
    desk.shows("deploy 4 releases to prod-1?");
    assert!(!desk.text().contains("to lab.yaml"), "{}", desk.text());
    confirm(&mut desk);
    assert!(matches!(desk.left.last(), Some(Effect::Deploy(_))), "{:?}", desk.left);

    let mut desk = self::desk();
    desk.state.model.cluster.name = "lab.yaml".into();
    planned_run(&mut desk);
    desk.shows("`prod-1` is protected: type its name, then Enter, to run.");
    confirm(&mut desk);
    assert!(matches!(desk.left.last(), Some(Effect::Run(_))), "{:?}", desk.left);
}

/// A deploy that is planned again because somebody wants to begin it.
fn deploy_wanted() -> Desk {
    let mut desk = desk();
    desk.command("deploy bundle");
    planned_deploy(&mut desk);
    desk.keys("r");
    desk
}

#[test]
fn a_file_that_is_opened_ends_plans_and_their_questions() {
    // On their way.
    let mut desk = desk();
    desk.keys("4 r");
    let (generation, prepared) = asked_run(&mut desk);
    open(&mut desk);
    desk.update(Msg::Planned { generation, answer: Ok(prepared) });
    assert!(!asks(&desk), "{}", desk.text());

    let mut desk = deploy_wanted();
    let generation = asked_deploy(&mut desk);
    open(&mut desk);
    assert!(desk.state.model.deploy.plan.value.is_none() && !desk.state.model.deploy.is_shown());
    desk.update(Msg::DeployPlanned { generation, answer: Ok(deploy::prepared(Way::Install)) });
    assert!(!asks(&desk) && desk.state.model.deploy.plan.value.is_none(), "{}", desk.text());

    // Asked already.
    let mut desk = self::desk();
    planned_run(&mut desk);
    assert!(asks(&desk));
    open(&mut desk);
    assert!(!asks(&desk), "{}", desk.text());
    let mut desk = deploy_wanted();
    planned_deploy(&mut desk);
    assert!(asks(&desk));
    open(&mut desk);
    assert!(!asks(&desk), "{}", desk.text());
}

/// A moment comes into view while a plan is on its way, or while its question is open.
#[test]
fn what_cannot_be_begun_any_more_is_neither_asked_nor_begun() {
    let past = |desk: &mut Desk| command(desk, "past @monday");
    let mut desk = desk();
    desk.keys("4 r");
    let (generation, prepared) = asked_run(&mut desk);
    past(&mut desk);
    desk.update(Msg::Planned { generation, answer: Ok(prepared) });
    desk.shows("a saved snapshot cannot run Jobs");
    assert!(!asks(&desk), "{}", desk.text());

    let mut desk = deploy_wanted();
    let generation = asked_deploy(&mut desk);
    past(&mut desk);
    assert_eq!(desk.state.model.cluster.source, Source::Past);
    desk.update(Msg::DeployPlanned { generation, answer: Ok(deploy::prepared(Way::Install)) });
    desk.shows("a saved snapshot takes no releases");
    assert!(!asks(&desk), "{}", desk.text());

    let mut desk = self::desk();
    planned_run(&mut desk);
    past(&mut desk);
    confirm(&mut desk);
    desk.shows("a saved snapshot cannot run Jobs");
    assert!(!desk.left.iter().any(Effect::changes_cluster) && !desk.state.model.run.active, "{:?}", desk.left);

    let mut desk = deploy_wanted();
    planned_deploy(&mut desk);
    past(&mut desk);
    confirm(&mut desk);
    desk.shows("a saved snapshot takes no releases");
    assert!(!desk.left.iter().any(Effect::changes_cluster) && !desk.state.model.deploy.active, "{:?}", desk.left);
}

/// The plan of another bundle was asked for on the cluster before, and comes after the switch.
#[test]
fn a_plan_of_the_cluster_before_is_not_taken_for_one_of_the_next() {
    let mut desk = desk();
    desk.command("deploy one");
    let late = asked_deploy(&mut desk);
    desk.update(Msg::Switched(Ok("lab".into())));
    desk.command("deploy other");
    desk.update(Msg::DeployPlanned { generation: late, answer: Ok(deploy::prepared(Way::Install)) });
    assert!(desk.state.model.deploy.plan.value.is_none(), "{}", desk.text());
}

#[test]
fn the_context_is_not_switched_while_a_deploy_is_active() {
    let mut desk = desk();
    desk.state.model.deploy.active = true;
    desk.command("context lab");
    desk.shows("a deploy is active");
    assert!(!desk.left.iter().any(|effect| matches!(effect, Effect::SwitchContext(_))), "{:?}", desk.left);
}

#[test]
fn a_moment_stays_one_when_the_cluster_answers() {
    let mut desk = desk();
    desk.keys("R <");
    desk.shows("PAST 2026-01-05 08:00");
    connected(&mut desk);
    assert_eq!(desk.state.model.cluster.source, Source::Past);
    desk.shows("PAST 2026-01-05 08:00");
    desk.keys(">");
    assert_eq!(desk.state.model.cluster.source, Source::Live);
    assert_eq!(desk.state.model.cluster.name, CONTEXT);
}

/// The cluster answers, a moment is opened over the file, and then the first of it is read.
#[test]
fn after_a_moment_over_a_file_comes_the_cluster_under_its_own_name() {
    let mut desk = desk();
    open(&mut desk);
    desk.command("live");
    connected(&mut desk);
    desk.keys("< >");
    let cluster = &desk.state.model.cluster;
    assert_eq!((cluster.source, &*cluster.name), (Source::Saved, "lab.yaml"), "nothing of the cluster is read yet");
    desk.keys("<");
    live(&mut desk, LiveStatus::Fresh, Some(snapshot_of(DemoOptions { nodes: Some(6), ..DemoOptions::default() })));
    desk.shows("PAST 2026-01-05 08:00");
    desk.keys(">");
    desk.shows("nodes 6");
    let cluster = &desk.state.model.cluster;
    assert_eq!((cluster.source, &*cluster.name, &*cluster.server), (Source::Live, CONTEXT, "https://192.0.2.1"));
    desk.shows("LIVE fresh");
    assert!(!desk.text().contains("lab.yaml"), "{}", desk.text());
}

#[test]
fn a_moment_that_is_late_does_not_cover_a_file() {
    let mut desk = desk();
    let late = desk.state.update(Msg::Act(Action::StepBack));
    assert!(matches!(late[..], [Effect::OpenMoment { .. }]), "{late:?}");
    open(&mut desk);
    desk.carry_out(late);
    assert_eq!(desk.state.model.cluster.source, Source::Saved);
    desk.shows("SNAP 2026-01-14");
}

#[test]
fn a_file_has_no_bar_of_a_cluster_that_was_being_read() {
    let mut desk = desk();
    let after = |desk: &mut Desk, seconds: u64| {
        desk.state.model.now_ms = NOW + seconds * 1000;
        desk.update(Msg::Tick);
    };
    live(&mut desk, LiveStatus::Syncing { done: 5, total: 21 }, Some(snapshot()));
    after(&mut desk, 4);
    desk.shows("5/21 kinds");
    open(&mut desk);
    after(&mut desk, 9);
    assert!(!desk.text().contains("kinds"), "{}", desk.text());
    assert!(!desk.state.moves_by_itself(), "nothing goes on");
    // The next reading begins anew, and is none of the file.
    desk.command("live");
    assert_eq!(desk.state.model.cluster.status, LiveStatus::Connecting);
    connected(&mut desk);
    live(&mut desk, LiveStatus::Syncing { done: 0, total: 21 }, None);
    after(&mut desk, 20);
    assert!(!desk.text().contains("kinds"), "{}", desk.text());
    live(&mut desk, LiveStatus::Syncing { done: 7, total: 21 }, Some(snapshot()));
    after(&mut desk, 21);
    assert!(!desk.text().contains("kinds"), "it is shown for a second: {}", desk.text());
    after(&mut desk, 23);
    desk.shows("7/21 kinds");
    desk.keys("R");
    after(&mut desk, 60);
    assert!(!desk.text().contains("kinds"), "what an older watch said is over: {}", desk.text());
}

/// Only what is still to come is `yet`.
#[test]
fn a_check_waits_for_a_node_only_while_its_run_goes_on() {
    let mut desk = Desk::live(120, 40);
    run_half_way(&mut desk);
    desk.keys("4");
    let node_of = |desk: &mut Desk, check: &str| {
        desk.state.desk.focus_on(&CHECKS);
        desk.state.prepare();
        assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check(check.into())));
        desk.keys("k j");
        desk.text()
    };
    for check in ["accelerator-metrics", "ai-service-metrics"] {
        assert!(node_of(&mut desk, check).contains("not scheduled yet"), "{check}: {}", desk.text());
    }
    // Who joins a run later may see a pod that has a node, and not which.
    let run = &mut desk.state.model.run;
    let view = run.checks.iter_mut().find(|check| check.planned.name == "accelerator-metrics").expect("it is planned");
    view.state = aicr::validate::event::State::Pulling { image: "aicr/check:0.1.0".into() };
    desk.update(Msg::Tick);
    assert!(!node_of(&mut desk, "accelerator-metrics").contains("not scheduled yet"), "{}", desk.text());
    desk.state.model.run.active = false;
    desk.update(Msg::Tick);
    assert!(!node_of(&mut desk, "ai-service-metrics").contains("not scheduled yet"), "{}", desk.text());
}

/// The row under the cursor takes several lines until the first click moves the cursor away from it.
#[test]
fn two_clicks_at_a_place_are_on_the_row_of_the_first() {
    let mut moved = 0;
    for height in 18..=24 {
        let mut desk = Desk::live(80, height);
        desk.keys("2 i j");
        let line_of_os = |desk: &mut Desk| desk.text().lines().position(|line| line.contains(" os  "));
        let Some(at) = line_of_os(&mut desk) else { continue };
        let mut click = || {
            desk.update(Msg::Input(Input::Click { column: 4, row: u16::try_from(at).unwrap() }));
            desk.state.desk.table(&WHAT_IF).row().map(|row| row.id.clone())
        };
        let first = click();
        assert_eq!(click(), first, "at {height} lines");
        let mut desk = Desk::live(80, height);
        desk.keys("2 i j j");
        moved += usize::from(line_of_os(&mut desk) != Some(at));
    }
    assert!(moved > 0, "the row stays where it was in every frame, so that nothing is tested");
}
