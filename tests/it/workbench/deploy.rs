//! The Deploy view from a plan to its end.

use super::{
    desk::{Desk, NOW},
    screens::golden,
};
use crate::sandbox::Sandbox;
use aicr::{
    deploy::{
        event::{Body as Deploy, Found, Outcome, Pending, State, Way},
        machine::Options,
    },
    ops::{
        Failure, Kind,
        deploy::{self, Prepared, Wish},
    },
    validate::event::{Body, Event, Severity, Verdict},
    workbench::{Look, effect::Effect, linear::Said, msg::Msg},
};
use std::sync::Arc;

const RECIPE: &str = "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {version: 1.0.0}\ncriteria: null\ncomponentRefs:
  - {name: cert-manager, namespace: cert-manager, chart: cert-manager, type: Helm, source: 'https://charts.jetstack.io', version: v1.20.2}
  - {name: nfd, namespace: node-feature-discovery, chart: node-feature-discovery, type: Helm, source: 'oci://registry.k8s.io/nfd/charts', version: 0.18.3}
  - {name: gpu-operator, namespace: gpu-operator, chart: gpu-operator, type: Helm, source: 'https://helm.ngc.nvidia.com/nvidia', version: v26.3.0, dependencyRefs: [cert-manager, nfd]}
  - {name: kai-scheduler, namespace: kai-scheduler, chart: kai-scheduler, type: Helm, source: 'oci://ghcr.io/kai-scheduler', version: v0.13.0, dependencyRefs: [gpu-operator]}
deploymentOrder: [cert-manager, nfd, gpu-operator, kai-scheduler]\n";

pub fn prepared(way: Way) -> Arc<Prepared> {
    let sandbox = Sandbox::new();
    sandbox.file("recipe.yaml", RECIPE);
    let run = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "-o", "bundle"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let options = Options { way, ..Options::default() };
    let mut prepared =
        deploy::prepare(&sandbox.home().join("bundle"), Wish { options, ..Wish::default() }).expect("a plan");
    prepared.name = "bundle".to_owned();
    prepared.run_id = "20260114-091200-00c0ffee00c0ffee".to_owned();
    Arc::new(prepared)
}

/// A desk that shows the plan of the bundle.
fn planned(width: u16, height: u16, look: Look) -> (Desk, Arc<Prepared>) {
    let mut desk = Desk::live_with(width, height, look);
    desk.command("deploy bundle");
    let Some(Effect::PlanDeploy { generation, target }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
    assert_eq!((target.folder.display().to_string().as_str(), target.way), ("bundle", Way::Install));
    let prepared = prepared(Way::Install);
    desk.update(Msg::DeployPlanned { generation, answer: Ok(prepared.clone()) });
    (desk, prepared)
}

/// Asks for the deploy and answers its question with yes.
fn start(desk: &mut Desk, prepared: &Arc<Prepared>) {
    desk.keys("r");
    let Some(Effect::PlanDeploy { generation, .. }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
    desk.update(Msg::DeployPlanned { generation, answer: Ok(prepared.clone()) });
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::Deploy(_))));
}

fn event(desk: &mut Desk, at_ms: u64, body: Body) {
    desk.state.model.now_ms = NOW + at_ms;
    desk.update(Msg::Run(Event { seq: 0, observed_at_ms: NOW + at_ms, stated_at_ms: None, body }));
}

fn state(desk: &mut Desk, at_ms: u64, release: &str, state: State) {
    event(desk, at_ms, Body::Deploy(Deploy::State { release: release.to_owned(), state }));
}

fn log(desk: &mut Desk, release: &str, text: &str) {
    event(desk, 1_000, Body::Deploy(Deploy::Log { release: release.to_owned(), text: text.to_owned() }));
}

fn pending(object: &str, why: &str) -> Pending {
    Pending { object: object.to_owned(), why: why.to_owned() }
}

fn ready(seconds: u64) -> State {
    State::Ready { already: false, awaited: true, seconds }
}

/// Half of it is there; the GPU operator waits for its pods.
fn half_way(desk: &mut Desk, prepared: &Prepared) {
    let planned = Deploy::Planned {
        run_id: prepared.run_id.clone(),
        bundle: "bundle".to_owned(),
        context: "demo".to_owned(),
        way: Way::Install,
        releases: prepared.plan.planned(),
    };
    event(desk, 0, Body::Deploy(planned));
    event(
        desk,
        10,
        Body::Notice { severity: Severity::Info, text: "with Helm 4.0.1 (/usr/local/bin/helm)".to_owned() },
    );
    let waiting = |behind: &[&str]| State::Waiting { behind: behind.iter().map(|name| (*name).to_owned()).collect() };
    state(desk, 20, "cert-manager", State::Installing { found: Found::Absent, tried: 0, waiting: Vec::new() });
    state(desk, 20, "nfd", State::Ready { already: true, awaited: true, seconds: 0 });
    state(desk, 20, "gpu-operator", waiting(&["cert-manager"]));
    state(desk, 20, "kai-scheduler", waiting(&["gpu-operator"]));
    log(desk, "cert-manager", "Release \"cert-manager\" does not exist. Installing it now.");
    state(desk, 31_000, "cert-manager", ready(31));
    state(
        desk,
        31_000,
        "gpu-operator",
        State::Installing {
            found: Found::Half { status: "pending-install".to_owned() },
            tried: 0,
            waiting: Vec::new(),
        },
    );
    let waits = vec![
        pending(
            "DaemonSet gpu-operator/nvidia-driver-daemonset",
            "available on 1 of 2 nodes; pod nvidia-driver-daemonset-x7k2p: Unschedulable: 0/3 nodes are available: 2 Insufficient memory",
        ),
        pending(
            "Deployment gpu-operator/gpu-operator",
            "0 of 1 available; pod gpu-operator-5d8f: container gpu-operator: ImagePullBackOff: Back-off pulling image \"nvcr.io/nvidia/gpu-operator:v26.3.0\"",
        ),
    ];
    state(desk, 45_000, "gpu-operator", State::NotReady { pending: waits });
    desk.state.model.now_ms = NOW + 60_000;
}

pub fn plan(width: u16, height: u16, look: Look) -> Desk {
    planned(width, height, look).0
}

pub fn asking(width: u16, height: u16, look: Look) -> Desk {
    let (mut desk, prepared) = planned(width, height, look);
    desk.keys("r");
    let Some(Effect::PlanDeploy { generation, .. }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
    desk.update(Msg::DeployPlanned { generation, answer: Ok(prepared) });
    desk
}

pub fn running(width: u16, height: u16, look: Look) -> Desk {
    let (mut desk, prepared) = planned(width, height, look);
    start(&mut desk, &prepared);
    half_way(&mut desk, &prepared);
    desk
}

pub fn failing(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = running(width, height, look);
    let waits = pending(
        "DaemonSet gpu-operator/nvidia-driver-daemonset",
        "available on 1 of 2 nodes; pod nvidia-driver-daemonset-x7k2p: Unschedulable: 0/3 nodes are available",
    );
    state(
        &mut desk,
        631_000,
        "gpu-operator",
        State::Failed { reason: "not ready after 600 s".to_owned(), pending: vec![waits] },
    );
    state(&mut desk, 631_000, "kai-scheduler", State::NotStarted { because: "it needs gpu-operator".to_owned() });
    ended(&mut desk, 632_000, Outcome::Failed, Verdict::Failed);
    desk
}

pub fn done(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = running(width, height, look);
    state(&mut desk, 90_000, "gpu-operator", ready(59));
    state(&mut desk, 99_000, "kai-scheduler", State::Ready { already: false, awaited: false, seconds: 9 });
    ended(&mut desk, 99_100, Outcome::Done, Verdict::Passed);
    desk
}

/// What a reader of lines is told of it.
#[test]
fn a_deploy_is_told_in_lines_and_each_change_once() {
    let (mut desk, prepared) = planned(120, 40, Look::default());
    let mut said = Said::default();
    let news = |said: &mut Said, desk: &Desk| said.news(&desk.state).join("\n");
    news(&mut said, &desk);
    start(&mut desk, &prepared);
    let begun = news(&mut said, &desk);
    half_way(&mut desk, &prepared);
    let half = news(&mut said, &desk);
    assert_eq!(news(&mut said, &desk), "", "nothing has changed since");
    // Another reason is news, the same one is not.
    state(&mut desk, 50_000, "gpu-operator", State::NotReady { pending: vec![pending("Pod a/b", "no node")] });
    state(&mut desk, 51_000, "gpu-operator", State::NotReady { pending: vec![pending("Pod a/b", "no node")] });
    let other = news(&mut said, &desk);
    let reason = "not ready after 600 s".to_owned();
    state(&mut desk, 60_000, "gpu-operator", State::Failed { reason, pending: Vec::new() });
    state(&mut desk, 60_000, "kai-scheduler", State::NotStarted { because: "it needs gpu-operator".to_owned() });
    ended(&mut desk, 60_100, Outcome::Failed, Verdict::Failed);
    let end = news(&mut said, &desk);
    let parts = [("begun", begun), ("half way", half), ("another reason", other), ("ended", end)];
    let text: Vec<String> = parts.iter().map(|(name, lines)| format!("# {name}\n{lines}\n")).collect();
    golden("deploy-lines", &text.join("\n"));
    // The next one is told from its beginning.
    start(&mut desk, &prepared);
    assert!(news(&mut said, &desk).contains("deploy bundle has started"));
    half_way(&mut desk, &prepared);
    assert!(news(&mut said, &desk).contains("nfd: ready"));
}

fn ended(desk: &mut Desk, at_ms: u64, outcome: Outcome, verdict: Verdict) {
    event(desk, at_ms, Body::Deploy(Deploy::Ended { outcome }));
    event(desk, at_ms, Body::Ended { verdict });
    let run_id = desk.state.model.deploy.progress.run_id.clone();
    desk.update(Msg::RunEnded { run_id, answer: Ok(()) });
}

#[test]
fn a_deploy_needs_a_yes_and_enter_alone_changes_nothing() {
    let mut desk = asking(80, 24, Look::default());
    golden("deploy-question-80x24", &desk.text());
    desk.keys("Enter");
    assert!(!desk.left.iter().any(Effect::changes_cluster), "Enter on the question cancels: {:?}", desk.left);
    desk.shows("planned: r starts it");
    start(&mut desk, &prepared(Way::Install));
    desk.shows("0 of 4 releases installed");
}

#[test]
fn what_a_release_waits_for_and_what_helm_printed_can_be_read() {
    let mut desk = running(120, 40, Look::default());
    desk.shows("2 of 4 releases installed");
    desk.shows("Insufficient memory");
    desk.shows("ImagePullBackOff");
    desk.keys("g g j Enter");
    desk.shows("Release \"cert-manager\" does not exist. Installing it now.");
}

#[test]
fn a_deploy_is_canceled_after_a_question_and_continued_by_the_next() {
    let mut desk = running(120, 40, Look::default());
    desk.keys("x");
    desk.shows("At work: gpu-operator");
    desk.keys("Enter");
    assert!(!desk.left.iter().any(Effect::changes_cluster), "Enter keeps it going: {:?}", desk.left);
    desk.keys("q q");
    desk.shows("The deploy of bundle is still going on.");
    desk.keys("Esc g i x Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::CancelRun)));
    state(&mut desk, 70_000, "gpu-operator", State::Canceled);
    state(&mut desk, 70_000, "kai-scheduler", State::NotStarted { because: "canceled before it was begun".to_owned() });
    ended(&mut desk, 70_100, Outcome::Canceled, Verdict::Canceled);
    desk.shows("r continues from here");
    start(&mut desk, &prepared(Way::Install));
}

#[test]
fn a_deploy_that_could_not_begin_says_why_and_a_bad_bundle_is_no_plan() {
    let (mut desk, prepared) = planned(120, 40, Look::default());
    start(&mut desk, &prepared);
    let failure = Failure::new(Kind::NotFound, "find Helm", "no `helm` was found in PATH");
    desk.update(Msg::RunEnded { run_id: prepared.run_id.clone(), answer: Err(failure) });
    desk.shows("failed to find Helm: no `helm` was found in PATH");
    assert!(!desk.state.model.deploy.active);
    desk.command("undeploy elsewhere");
    let Some(Effect::PlanDeploy { generation, target }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
    assert_eq!(target.way, Way::Remove);
    let failure = Failure::new(Kind::NotFound, "remove the bundle", "there is no such folder");
    desk.update(Msg::DeployPlanned { generation, answer: Err(failure) });
    desk.shows("failed to remove the bundle: there is no such folder");
}

#[test]
fn a_deploy_view_without_a_bundle_says_what_to_press_and_nothing_else() {
    let mut desk = Desk::live(80, 24);
    desk.keys("g i");
    desk.shows("not asked: `:deploy FOLDER` plans a bundle and changes nothing");
    desk.shows("gr lists what was recorded, deploys too; Esc goes to the checks");
    let hints = desk.text().lines().last().unwrap_or_default().trim().to_owned();
    assert_eq!(hints, "Esc back  : cmd  ? help");
    golden("deploy-empty-80x24", &desk.text());
}

#[test]
fn a_bundle_that_could_not_be_read_is_read_again() {
    let mut desk = Desk::live(120, 40);
    desk.command("deploy bundle");
    let Some(Effect::PlanDeploy { generation, .. }) = desk.left.pop() else { panic!("no plan: {:?}", desk.left) };
    let failure = Failure::new(Kind::NotFound, "read the bundle", "no such folder");
    desk.update(Msg::DeployPlanned { generation, answer: Err(failure) });
    desk.shows("R tries again");
    desk.keys("R");
    let Some(Effect::PlanDeploy { generation, .. }) = desk.left.iter().find(|effect| is_plan(effect)).cloned() else {
        panic!("no plan: {:?}", desk.left)
    };
    desk.update(Msg::DeployPlanned { generation, answer: Ok(prepared(Way::Install)) });
    desk.shows("planned: r starts it");
}

fn is_plan(effect: &Effect) -> bool {
    matches!(effect, Effect::PlanDeploy { .. })
}

/// Releases are read once: what a deploy has changed of them is read again, of the demo's cluster as of any other.
#[test]
fn the_cluster_is_read_again_after_a_deploy() {
    let (mut desk, prepared) = planned(120, 40, Look::default());
    start(&mut desk, &prepared);
    ended(&mut desk, 70_100, Outcome::Done, Verdict::Passed);
    desk.state.model.deploy.active = true;
    let effects = desk.state.update(Msg::RunEnded { run_id: prepared.run_id.clone(), answer: Ok(()) });
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Watch { .. })), "{effects:?}");
}

/// Its name decides whether somebody has to type it.
#[test]
fn nothing_is_deployed_before_it_is_known_which_cluster_would_be_changed() {
    let mut desk = Desk::new(120, 40, Look::default());
    assert_eq!(desk.state.model.cluster.name, "");
    desk.command("deploy bundle");
    desk.left.clear();
    desk.keys("r");
    desk.shows("no cluster is connected yet");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
}

/// A question names the cluster that would be changed; after a switch it would be another one.
#[test]
fn a_plan_and_its_question_go_with_the_cluster_that_they_were_about() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.command("deploy bundle");
    desk.keys("r");
    let generation = desk.state.model.deploy.plan.generation;
    desk.update(Msg::DeployPlanned { generation, answer: Ok(prepared(Way::Install)) });
    assert!(desk.state.desk.overlay.is_some(), "{}", desk.text());
    desk.update(Msg::Switched(Ok("prod".to_owned())));
    assert!(desk.state.desk.overlay.is_none() && desk.state.model.deploy.plan.value.is_none(), "{}", desk.text());
}
