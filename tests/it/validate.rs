//! Whole validations on the demo cluster, on a clock that jumps from one thing to the next: good runs, every fault, and
//! ends that come too early. `real_cluster` makes the central claims on real Kubernetes as well.

use aicr::{
    catalog::{Catalog, validator::Phase},
    cluster::Connection,
    criteria::Criteria,
    demo::Demo,
    inventory::Inventory,
    ops::{
        self, cleanup,
        demo::DemoOptions,
        fault::Fault,
        run::{self, Control, EventLog, Prepared, RunOptions},
    },
    recipe::{Constraint, Recipe},
    report::Report,
    resolve::Options,
    store::catalog_dir::Sources,
    validate::event::{Body, Event, Severity, State, Status, Verdict},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

pub const NAMESPACE: &str = "aicr-validation";
pub const FIVE: [&str; 5] =
    ["dra-support", "accelerator-metrics", "ai-service-metrics", "gpu-operator-health", "platform-health"];

/// A demo cluster, and what a person would validate on it.
pub struct Setup {
    pub demo: Demo,
    pub connection: Connection,
    pub catalog: Arc<Catalog>,
    pub snapshot: Inventory,
    pub recipe: Recipe,
    pub options: RunOptions,
}

impl Setup {
    pub async fn new(faults: Vec<Fault>) -> Setup {
        let start = "2026-06-01T08:00:00Z".parse().ok();
        let options = DemoOptions { seed: 7, faults, start, ..DemoOptions::default() };
        let demo = ops::demo::start(&options).expect("the demo");
        let connection = ops::demo::to_demo(&demo);
        let catalog = ops::recipe::load_catalog(&Default::default()).expect("the embedded catalog");
        let snapshot = ops::snapshot::take(&connection, "2026-06-01T08:00:00Z").await.expect("a snapshot");
        let criteria =
            Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
        let resolved = ops::recipe::resolve(&catalog, &(&criteria).into(), Some(&snapshot), Options::default());
        let mut options = RunOptions::default();
        options.plan.run_id = "20260601-080000-00000000c0ffee00".into();
        options.plan.phases = vec![Phase::Conformance];
        options.plan.image = "aicr/check:1".into();
        let recipe = resolved.expect("a recipe").resolution.recipe;
        Setup { demo, connection, catalog, snapshot, recipe, options }
    }

    pub fn prepare(&self) -> Prepared {
        let (recipe, snapshot) = (self.recipe.clone(), self.snapshot.clone());
        run::prepare(&self.catalog, recipe, "recipe.yaml", snapshot, &self.options).expect("a plan")
    }

    /// Runs to the end; the reader of the events says when to cancel.
    pub async fn run(&self, mut cancel_at: impl FnMut(&Body) -> bool) -> Ran {
        self.steer(|body, control| {
            if cancel_at(body) {
                control.cancel();
            }
        })
        .await
    }

    /// Runs to the end; the reader of the events may ask for anything.
    pub async fn steer(&self, mut on: impl FnMut(&Body, &Control)) -> Ran {
        let (writer, log) = EventLog::new();
        let (control, requests) = run::control();
        let mut reader = log.reader();
        let read = async {
            let mut events: Vec<Event> = Vec::new();
            while let Some(event) = reader.next().await {
                on(&event.body, &control);
                events.push(Event::clone(&event));
            }
            events
        };
        let prepared = self.prepare();
        let (report, events) = tokio::join!(run::run(&self.connection, &prepared, writer, requests), read);
        Ran { report, events }
    }

    /// What is left of runs: kind and name.
    pub async fn left(&self) -> Vec<String> {
        let left = cleanup::leftovers(&self.connection, NAMESPACE).await.expect("a list");
        left.iter().map(ToString::to_string).collect()
    }
}

pub struct Ran {
    pub report: Result<Report, ops::Failure>,
    pub events: Vec<Event>,
}

impl Ran {
    #[track_caller]
    pub fn report(&self) -> &Report {
        self.report.as_ref().unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// Status and message of each check.
    #[track_caller]
    pub fn results(&self) -> BTreeMap<&str, (Status, &str)> {
        self.report().results.iter().map(|result| (&*result.name, (result.status, &*result.message))).collect()
    }

    /// The states of a check, in words.
    pub fn states(&self, name: &str) -> Vec<&'static str> {
        let state = |event: &Event| match &event.body {
            Body::State { check, state } if check == name => Some(state.word()),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    /// Milliseconds from the first state of that word to the end of the check.
    pub fn patience(&self, name: &str, word: &str) -> u64 {
        let began = self
            .events
            .iter()
            .find(|event| matches!(&event.body, Body::State { check, state } if check == name && state.word() == word));
        let ended =
            self.events.iter().find(|event| matches!(&event.body, Body::Finished { check, .. } if check == name));
        ended.expect("an end").observed_at_ms - began.expect("that state").observed_at_ms
    }

    /// What holds for the events of every run.
    #[track_caller]
    pub fn in_order(&self) {
        let bodies: Vec<&Body> = self.events.iter().map(|event| &event.body).collect();
        assert!(matches!(bodies.first(), Some(Body::Planned { .. })));
        assert!(matches!(bodies.last(), Some(Body::Ended { .. })));
        assert!(self.events.is_sorted_by_key(|event| event.observed_at_ms), "time goes forward");
        let Some(Body::Planned { checks, .. }) = bodies.first() else { unreachable!() };
        for planned in checks {
            let mine = |body: &&&Body| match body {
                Body::State { check, .. } | Body::Log { check, .. } | Body::Finished { check, .. } => {
                    *check == planned.name
                }
                _ => false,
            };
            let ends = bodies.iter().filter(mine).filter(|body| matches!(body, Body::Finished { .. })).count();
            let last = bodies.iter().rfind(|body| mine(body));
            assert!(ends <= 1, "{} ends once", planned.name);
            assert!(
                ends == 0 || matches!(last, Some(Body::Finished { .. })),
                "nothing of {} after its end",
                planned.name
            );
        }
    }
}

pub fn never(_: &Body) -> bool {
    false
}

#[tokio::test(start_paused = true)]
async fn five_checks_pass_with_logs_and_leave_nothing() {
    let setup = Setup::new(Vec::new()).await;
    let ran = setup.run(never).await;
    ran.in_order();
    let passed: BTreeMap<&str, (Status, &str)> = FIVE.iter().map(|name| (*name, (Status::Passed, ""))).collect();
    assert_eq!(ran.results(), passed);
    assert_eq!(ran.report().verdict, Some(Verdict::Passed));
    for result in &ran.report().results {
        assert!(result.stdout.iter().any(|line| line.starts_with("--- ")), "{} tells evidence", result.name);
        assert!(result.node.is_some() && result.exit_code == Some(0), "{result:?}");
        assert!(ran.states(&result.name).contains(&"running"), "{} was seen running", result.name);
    }
    assert_eq!(setup.left().await, [""; 0]);
    let namespace =
        aicr::cluster::objects::find(&setup.connection, "Namespace", "", NAMESPACE).await.expect("an answer");
    let gone = namespace.is_none_or(|namespace| namespace["status"]["phase"] == "Terminating");
    assert!(gone, "the run made the namespace, so it goes with the run");
}

#[tokio::test(start_paused = true)]
async fn two_runs_in_a_row_do_not_meet_in_a_namespace_that_ends() {
    let setup = Setup::new(Vec::new()).await;
    assert_eq!(setup.run(never).await.report().verdict, Some(Verdict::Passed));
    assert_eq!(setup.run(never).await.report().verdict, Some(Verdict::Passed));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_be_scheduled_is_given_up_and_the_others_go_on() {
    let setup = Setup::new(vec![Fault::Unschedulable { check: "dra-support".into() }]).await;
    let ran = setup.run(never).await;
    ran.in_order();
    let results = ran.results();
    let (status, message) = results["dra-support"];
    assert_eq!(status, Status::Other);
    assert!(message.starts_with("the pod cannot be scheduled: 0/"), "the scheduler's own words: {message}");
    assert_eq!(results["platform-health"].0, Status::Passed);
    assert_eq!(ran.report().verdict, Some(Verdict::Inconclusive));
    let waited = ran.patience("dra-support", "unscheduled");
    assert!((20_000..22_000).contains(&waited), "{waited} ms");
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn patience_is_a_choice() {
    let mut setup = Setup::new(vec![Fault::Unschedulable { check: "dra-support".into() }]).await;
    setup.options.patience = Duration::from_secs(2);
    let waited = setup.run(never).await.patience("dra-support", "unscheduled");
    assert!((2_000..3_000).contains(&waited), "{waited} ms");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_pulled_says_why() {
    let setup = Setup::new(vec![Fault::ImagePull { check: "accelerator-metrics".into() }]).await;
    let ran = setup.run(never).await;
    ran.in_order();
    let (status, message) = ran.results()["accelerator-metrics"];
    assert_eq!(status, Status::Other);
    assert!(message.starts_with("the image aicr/check:1 cannot be pulled: ErrImagePull"), "{message}");
    assert!(ran.states("accelerator-metrics").contains(&"pull failing"));
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn every_check_that_can_be_broken_fails_with_a_reason() {
    for name in FIVE {
        let mut setup = Setup::new(vec![Fault::CheckFails { check: name.into() }]).await;
        setup.options.plan.only = vec![name.into()];
        let ran = setup.run(never).await;
        let (status, message) = ran.results()[name];
        assert_eq!(status, Status::Failed, "{name}: {message}");
        assert!(!message.is_empty(), "{name} says why");
        assert_eq!(ran.report().verdict, Some(Verdict::Failed));
    }
}

#[tokio::test(start_paused = true)]
async fn lost_watches_and_a_slow_server_change_nothing() {
    for faults in [vec![Fault::DroppedWatch { after: 2 }], vec![Fault::Slow { millis: 700 }]] {
        let setup = Setup::new(faults.clone()).await;
        let ran = setup.run(never).await;
        ran.in_order();
        assert_eq!(ran.report().verdict, Some(Verdict::Passed), "{faults:?}: {:?}", ran.results());
        assert_eq!(setup.left().await, [""; 0], "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_reported_and_no_object_is_left() {
    let may_not = |verb: &str, resource: &str| Fault::Forbidden { verb: verb.into(), resource: resource.into() };
    let setup = Setup::new(vec![may_not("patch", "jobs"), may_not("create", "jobs")]).await;
    let ran = setup.run(never).await;
    ran.in_order();
    for (name, (status, message)) in ran.results() {
        assert_eq!(status, Status::Other, "{name}");
        assert!(message.contains("jobs") && message.contains("forbidden"), "{name}: {message}");
    }
    assert_eq!(setup.left().await, [""; 0]);

    let setup = Setup::new(vec![may_not("patch", "configmaps"), may_not("create", "configmaps")]).await;
    let ran = setup.run(never).await;
    let failure = ran.report.as_ref().expect_err("nothing can be shared");
    assert_eq!(failure.kind, ops::Kind::Forbidden, "{failure}");
    ran.in_order();
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_canceled_run_removes_everything_and_still_reports() {
    for word in ["creating", "scheduled", "running"] {
        let setup = Setup::new(Vec::new()).await;
        let mut asked = None;
        let ran = setup
            .run(|body| match body {
                Body::State { state, .. } if state.word() == word => {
                    asked.get_or_insert_with(tokio::time::Instant::now);
                    true
                }
                _ => false,
            })
            .await;
        ran.in_order();
        let took = asked.expect("that state").elapsed();
        assert!(took < Duration::from_secs(5), "{word}: {took:?}");
        assert_eq!(ran.report().verdict, Some(Verdict::Canceled), "{word}");
        assert_eq!(ran.report().results.len(), FIVE.len(), "{word}: every check has a result");
        assert!(ran.results().values().any(|(_, message)| message.contains("canceled")), "{:?}", ran.results());
        assert_eq!(setup.left().await, [""; 0], "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_run_leaves_is_swept() {
    let setup = Setup::new(vec![Fault::Unschedulable { check: "dra-support".into() }]).await;
    let prepared = setup.prepare();
    let (connection, (writer, log)) = (setup.connection.clone(), EventLog::new());
    let (_control, requests) = run::control();
    let run = tokio::spawn(async move { run::run(&connection, &prepared, writer, requests).await.is_ok() });
    let mut reader = log.reader();
    while let Some(event) = reader.next().await {
        if matches!(&event.body, Body::State { state: State::Unscheduled { .. }, .. }) {
            break;
        }
    }
    run.abort();
    let _ = run.await;
    let left = setup.left().await;
    for kind in ["Job", "Pod", "ConfigMap", "ServiceAccount", "Role ", "RoleBinding", "ClusterRole "] {
        assert!(left.iter().any(|piece| piece.starts_with(kind)), "{kind} of {left:?}");
    }
    let other = cleanup::sweep(&setup.connection, NAMESPACE, Some("another-run")).await.expect("a sweep");
    assert_eq!((other.removed, setup.left().await), (0, left.clone()), "another run is not touched");
    let swept = cleanup::sweep(&setup.connection, NAMESPACE, None).await.expect("a sweep");
    assert!(swept.removed >= left.len(), "{swept:?}");
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_kept_run_leaves_everything_and_says_how_to_remove_it() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.keep = true;
    setup.options.plan.only = vec!["platform-health".into()];
    let ran = setup.run(never).await;
    let told = ran.events.iter().any(|event| {
        matches!(&event.body, Body::Notice { severity: Severity::Warn, text } if text.contains("aicr cleanup --namespace aicr-validation --run-id"))
    });
    assert!(told);
    assert!(setup.left().await.iter().any(|piece| piece.starts_with("Job")));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_ready_gets_no_job() {
    let constraint =
        |name: &str, value: &str| Constraint { name: name.into(), value: value.into(), ..Constraint::default() };
    let mut setup = Setup::new(Vec::new()).await;
    setup.recipe.constraints = vec![constraint("K8s.server.version", ">= 1.99")];
    let ran = setup.run(never).await;
    ran.in_order();
    assert_eq!((ran.report().verdict, ran.report().results.len()), (Some(Verdict::NotReady), 0));

    setup.recipe.constraints = vec![constraint("K8s.no.such", "1")];
    assert_eq!(setup.run(never).await.report().verdict, Some(Verdict::NotReady), "unknown is not ready");
    setup.options.plan.only = vec!["platform-health".into()];
    setup.options.allow_unknown = true;
    assert_eq!(setup.run(never).await.report().verdict, Some(Verdict::Passed), "unless that is allowed");
}

#[tokio::test(start_paused = true)]
async fn without_a_cluster_the_selected_checks_are_skipped_as_planned() {
    let setup = Setup::new(Vec::new()).await;
    let (writer, log) = EventLog::new();
    let report = run::judge(&setup.prepare(), writer);
    let mut reader = log.reader();
    let mut events = Vec::new();
    while let Some(event) = reader.next().await {
        events.push(Event::clone(&event));
    }
    let ran = Ran { report: Ok(report), events };
    ran.in_order();
    assert_eq!(ran.results().len(), FIVE.len());
    assert!(
        ran.results().values().all(|(status, message)| *status == Status::Skipped && message.starts_with("planned"))
    );
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_not_implemented_says_so_and_fail_fast_skips_what_follows() {
    let mut setup = Setup::new(Vec::new()).await;
    // A catalog of the reference that lists a check of its own.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("validators")).expect("a folder");
    let entry = "apiVersion: validator.nvidia.com/v1alpha1\nkind: ValidatorCatalog\nmetadata: {name: x, version: '1'}\nvalidators:\n\
                 - {name: cre-training-goodput, phase: performance, image: 'ghcr.io/nvidia/aicr-validators/performance:latest'}\n";
    std::fs::write(folder.path().join("validators/catalog.yaml"), entry).expect("a file");
    let sources = Sources { data: vec![folder.path().to_owned()], ..Sources::default() };
    setup.catalog = ops::recipe::load_catalog(&sources).expect("a catalog");
    setup.options.plan.phases = vec![Phase::Performance, Phase::Conformance];
    setup.options.plan.only = vec!["cre-training-goodput".into(), "platform-health".into()];
    let performance = &mut setup.recipe.validation.as_mut().expect("checks").performance;
    performance.get_or_insert_default().checks.push("cre-training-goodput".into());
    let ran = setup.run(never).await;
    let results = ran.results();
    assert_eq!(results["cre-training-goodput"].0, Status::Other);
    assert!(results["cre-training-goodput"].1.contains("does not implement"), "{results:?}");
    assert_eq!(results["platform-health"].0, Status::Passed, "no phase stops another");
    assert_eq!(ran.report().verdict, Some(Verdict::Inconclusive));

    setup.options.fail_fast = true;
    let ran = setup.run(never).await;
    assert_eq!(ran.results()["platform-health"], (Status::Skipped, "skipped due to previous phase failure"));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_does_not_exist_is_the_verdict_of_the_check() {
    let mut setup = Setup::new(Vec::new()).await;
    let operator = setup.recipe.components.iter_mut().find(|component| component.name == "gpu-operator");
    operator.expect("the GPU operator").namespace = "nowhere".into();
    setup.options.plan.only = vec!["gpu-operator-health".into()];
    let ran = setup.run(never).await;
    let (status, message) = ran.results()["gpu-operator-health"];
    assert_eq!(status, Status::Failed, "{message}");
    assert!(message.contains("namespace `nowhere` does not exist"), "{message}");
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn expired_versions_restart_watches() {
    let setup = Setup::new(vec![Fault::DroppedWatch { after: 3 }]).await;
    let demo = setup.demo.clone();
    let ran = setup
        .run(|_| {
            demo.compact();
            false
        })
        .await;
    ran.in_order();
    assert_eq!(ran.report().verdict, Some(Verdict::Passed), "{:?}", ran.results());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_spares_what_belongs_to_another_namespace() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.keep = true;
    setup.options.plan.only = vec!["gpu-operator-health".into()];
    setup.run(never).await;
    let kept = setup.left().await;
    assert!(kept.iter().any(|piece| piece.starts_with("Role gpu-operator/")), "{kept:?}");
    let swept = cleanup::sweep(&setup.connection, "elsewhere", None).await.expect("a sweep");
    assert_eq!((swept.removed, setup.left().await), (0, kept));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_went_away_does_not_stop_the_run() {
    let setup = Setup::new(Vec::new()).await;
    let (writer, log) = EventLog::new();
    drop(log);
    let (_control, requests) = run::control();
    let report = run::run(&setup.connection, &setup.prepare(), writer, requests).await.expect("a report");
    assert_eq!(report.verdict, Some(Verdict::Passed));
    assert_eq!(setup.left().await, [""; 0]);
}
