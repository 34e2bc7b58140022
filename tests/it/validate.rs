//! Whole validations on the demo cluster, on a clock that jumps from one thing to the next: good runs, every fault, and
//! ends that come too early. `real_cluster` makes the central claims on real Kubernetes as well.

use aicr::{
    catalog::{Catalog, validator::Phase},
    cluster::{Connection, changes, objects},
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
    validate::event::{Body, Event, Severity, State, Status, Verdict, Why},
};
use serde_json::json;
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
        Setup::of(DemoOptions { faults, ..DemoOptions::default() }).await
    }

    pub async fn of(options: DemoOptions) -> Setup {
        let start = "2026-06-01T08:00:00Z".parse().ok();
        let options = DemoOptions { seed: 7, start, ..options };
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

    /// The namespace of the run is not there, or goes.
    pub async fn namespace_is_gone(&self) -> bool {
        let namespace = objects::find(&self.connection, "Namespace", "", NAMESPACE).await.expect("an answer");
        namespace.is_none_or(|namespace| namespace["status"]["phase"] == "Terminating")
    }

    /// What is left of runs: kind and name.
    pub async fn left(&self) -> Vec<String> {
        let left = cleanup::leftovers(&self.connection, NAMESPACE).await.expect("a list");
        left.iter().map(ToString::to_string).collect()
    }
}

pub struct Ran {
    pub report: Report,
    pub events: Vec<Event>,
}

impl Ran {
    pub fn report(&self) -> &Report {
        &self.report
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
    assert!(setup.namespace_is_gone().await, "the run made the namespace, so it goes with the run");
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
    ran.in_order();
    assert_eq!(ran.report().results.len(), FIVE.len(), "every check has a result");
    for result in &ran.report().results {
        assert_eq!((result.status, result.why), (Status::Other, Some(Why::CreateRefused)), "{result:?}");
        let message = &result.message;
        assert!(message.starts_with("cannot create ConfigMap aicr-validation/aicr-validation-"), "{message}");
        assert!(
            message.contains("failed to patch configmaps: ") && message.contains("cannot patch resource"),
            "{message}"
        );
        assert!(message.contains("kubectl auth can-i patch configmaps -n aicr-validation"), "{message}");
    }
    assert_eq!(ran.report().verdict, Some(Verdict::Inconclusive));
    assert_eq!(setup.left().await, [""; 0]);
    assert!(setup.namespace_is_gone().await, "it was made for the run, and goes with it");

    // What needs no Job is not held up.
    let mut setup = Setup::new(vec![may_not("patch", "configmaps")]).await;
    setup.options.plan.in_process = true;
    assert_eq!(setup.run(never).await.report().verdict, Some(Verdict::Passed));
}

#[tokio::test(start_paused = true)]
async fn a_plan_names_the_rights_that_its_caller_lacks() {
    let setup = Setup::new(Vec::new()).await;
    let mut prepared = setup.prepare();
    run::look(&setup.connection, &mut prepared).await;
    assert_eq!(prepared.plan.found.missing, [], "whoever may everything lacks nothing");
    assert!(run::refused(&prepared).is_none());

    let may_not = |verb: &str, resource: &str| Fault::Forbidden { verb: verb.into(), resource: resource.into() };
    let setup = Setup::new(vec![may_not("create", "jobs"), may_not("patch", "clusterroles")]).await;
    let mut prepared = setup.prepare();
    run::look(&setup.connection, &mut prepared).await;
    let lines = prepared.lines("demo");
    let command = "check with: kubectl auth can-i create jobs.batch -n aicr-validation";
    assert!(
        lines.contains(&format!("! you may not create jobs.batch in namespace aicr-validation; {command}")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("you may not patch clusterroles.rbac.authorization.k8s.io in the whole cluster"))
    );
    let refused = run::refused(&prepared).expect("a reason");
    assert_eq!(refused.kind, ops::Kind::Forbidden);
    assert!(refused.because.contains("create jobs.batch in namespace aicr-validation"), "{refused}");
    // In this process nothing is created, so nothing is missing.
    let mut setup = setup;
    setup.options.plan.in_process = true;
    let mut prepared = setup.prepare();
    run::look(&setup.connection, &mut prepared).await;
    assert!(run::refused(&prepared).is_none());
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_lists_checks_as_they_run_and_foresees_what_is_skipped() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.plan.phases = Vec::new();
    // Two that look for what this cluster is without.
    let conformance = setup.recipe.validation.as_mut().expect("checks").conformance.as_mut().expect("a phase");
    conformance.checks.extend(["cluster-autoscaling".to_owned(), "inference-gateway".to_owned()]);
    let mut prepared = setup.prepare();
    run::look(&setup.connection, &mut prepared).await;
    let lines = prepared.lines("demo");
    let planned: Vec<&str> = prepared.plan.checks.iter().map(|check| &*check.check.name).collect();
    let listed = lines.iter().filter_map(|line| line.strip_prefix("  ")?.split("  ").next());
    let listed: Vec<&str> = listed.filter(|name| planned.contains(name)).collect();
    let ran = setup.run(never).await;
    let began = ran.events.iter().filter_map(|event| match &event.body {
        Body::State { check, state: State::Creating } => Some(&**check),
        _ => None,
    });
    assert_eq!(listed, began.collect::<Vec<_>>(), "in the order in which they run");
    let skipped = ran.report().results.iter().filter(|result| result.status == Status::Skipped);
    let skipped: Vec<(String, String)> = skipped.map(|result| (result.name.clone(), result.message.clone())).collect();
    assert!(!skipped.is_empty(), "{:?}", ran.results());
    let mut foreseen = prepared.plan.found.skips.clone();
    foreseen.sort();
    let mut skipped = skipped;
    skipped.sort();
    assert_eq!(foreseen, skipped, "with the reasons that the run gives");
    let line = format!("    will be skipped as the cluster is now: {}", foreseen[0].1);
    assert!(lines.contains(&line), "{lines:?}");
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
    let run = tokio::spawn(async move { run::run(&connection, &prepared, writer, requests).await });
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
async fn a_sweep_removes_what_checks_created_whatever_its_kind() {
    let setup = Setup::new(Vec::new()).await;
    let connection = &setup.connection;
    let run_id = "20260601-080000-00000000c0ffee00";
    let labels = json!({"app.kubernetes.io/name": "aicr", "aicr.run/run-id": run_id, "aicr.run/namespace": NAMESPACE});
    let make = async |api: &str, kind: &str, plural: &str, spec: serde_json::Value| {
        let (root, api_version) = if api == "v1" { ("/api", "v1") } else { ("/apis", api) };
        let place = if kind == "Namespace" { String::new() } else { format!("/namespaces/{NAMESPACE}") };
        let name = if kind == "Namespace" { NAMESPACE } else { "made-by-a-check" };
        let object = json!({"apiVersion": api_version, "kind": kind, "spec": spec,
            "metadata": {"name": name, "namespace": if place.is_empty() { "" } else { NAMESPACE }, "labels": labels}});
        changes::create(connection, &format!("{root}/{api_version}{place}/{plural}"), &object, false)
            .await
            .expect(kind);
    };
    make("v1", "Namespace", "namespaces", json!({})).await;
    let pods = json!({"selector": {"matchLabels": {"a": "b"}}, "replicas": 1, "template": {"metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "aicr/check:1"}]}}});
    make("apps/v1", "Deployment", "deployments", pods).await;
    make("resource.k8s.io/v1", "ResourceClaim", "resourceclaims", json!({"devices": {}})).await;
    make("resource.k8s.io/v1", "ResourceClaimTemplate", "resourceclaimtemplates", json!({"spec": {}})).await;
    make("scheduling.run.ai/v2alpha2", "PodGroup", "podgroups", json!({"minMember": 2})).await;
    let left = setup.left().await;
    for kind in ["Deployment", "ResourceClaim", "ResourceClaimTemplate", "PodGroup"] {
        let line = format!("{kind} {NAMESPACE}/made-by-a-check");
        assert!(left.contains(&line), "{line} is listed: {left:?}");
    }
    let swept = cleanup::sweep(connection, NAMESPACE, Some(run_id)).await.expect("a sweep");
    assert!(swept.removed >= 4 && swept.unlisted.is_empty(), "{swept:?}");
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_may_not_be_listed_is_named() {
    let forbidden = Fault::Forbidden { verb: "list".into(), resource: "resourceclaims".into() };
    let setup = Setup::new(vec![forbidden]).await;
    let found = cleanup::look(&setup.connection, NAMESPACE).await.expect("a look");
    let unlisted: Vec<&str> = found.unlisted.iter().map(|unlisted| &*unlisted.resource).collect();
    assert_eq!(unlisted, ["resourceclaims.resource.k8s.io"]);
    assert!(found.unlisted[0].to_string().contains("cannot list resource"), "{}", found.unlisted[0]);
    // A run whose checks cannot create such a thing has left none.
    let ran = setup.run(never).await;
    assert_eq!(ran.report().left, [""; 0]);
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
    let ran = Ran { report, events };
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
                 - {name: storage-throughput, phase: performance, image: 'ghcr.io/nvidia/aicr-validators/performance:latest'}\n";
    std::fs::write(folder.path().join("validators/catalog.yaml"), entry).expect("a file");
    let sources = Sources { data: vec![folder.path().to_owned()], ..Sources::default() };
    setup.catalog = ops::recipe::load_catalog(&sources).expect("a catalog");
    setup.options.plan.phases = vec![Phase::Performance, Phase::Conformance];
    setup.options.plan.only = vec!["storage-throughput".into(), "platform-health".into()];
    let performance = &mut setup.recipe.validation.as_mut().expect("checks").performance;
    performance.get_or_insert_default().checks.push("storage-throughput".into());
    let ran = setup.run(never).await;
    let results = ran.results();
    assert_eq!(results["storage-throughput"].0, Status::Other);
    assert!(results["storage-throughput"].1.contains("does not implement"), "{results:?}");
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
    let report = run::run(&setup.connection, &setup.prepare(), writer, requests).await;
    assert_eq!(report.verdict, Some(Verdict::Passed));
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test]
async fn a_recipe_brings_the_runtime_of_its_benchmark_in_a_file_of_the_catalog() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("validators/performance/testdata/h100/lke/runtime.yaml");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    let runtime = "apiVersion: trainer.kubeflow.org/v1alpha1\nkind: TrainingRuntime\nspec: {mlPolicy: {numNodes: ${WORKER_COUNT}}, \
                   template: {spec: {replicatedJobs: [{name: launcher, template: {spec: {template: {spec: {containers: [{name: node}]}}}}}, \
                   {name: node, template: {spec: {template: {spec: {}}}}}]}}}\n";
    let setup = Setup::new(Vec::new()).await;
    let prepared = |stated: &[(&str, &str)], text: &str| {
        std::fs::write(&path, text).expect("the file");
        let sources = Sources { data: vec![folder.path().to_owned()], ..Sources::default() };
        let catalog = ops::recipe::load_catalog(&sources).expect("a catalog");
        let stated: Vec<_> = stated.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let mut recipe = setup.recipe.clone();
        let performance = json!({"performance": {"checks": ["nccl-all-reduce-bw"], "constraints": stated}});
        recipe.validation = Some(serde_json::from_value(performance).expect("a validation"));
        let mut options = setup.options.clone();
        options.plan.phases = vec![Phase::Performance];
        run::prepare(&catalog, recipe, "recipe.yaml", setup.snapshot.clone(), &options)
    };
    let reference = ("nccl-benchmark-runtime-ref", "h100/lke");
    let plan = prepared(&[reference], runtime).expect("a plan");
    assert_eq!(plan.input.nccl_runtime, runtime);
    let refused = |stated: &[(&str, &str)], text: &str, why: &str| {
        let failure = prepared(stated, text).expect_err("no plan");
        assert_eq!(failure.at.as_deref(), Some("recipe.yaml"));
        assert!(failure.because.contains(why), "{}", failure.because);
    };
    refused(&[(reference.0, "h100")], runtime, "is not of the form <accelerator>/<service>");
    refused(&[(reference.0, "h100/../../x")], runtime, "is not of the form <accelerator>/<service>");
    refused(
        &[(reference.0, "h100/eks")],
        runtime,
        "the catalog has no `validators/performance/testdata/h100/eks/runtime.yaml`",
    );
    refused(&[reference, ("nccl-benchmark-profile", "h100/eks")], runtime, "exclude each other");
    refused(
        &[reference],
        "kind: Pod\n",
        "expected a TrainingRuntime of trainer.kubeflow.org/v1alpha1, found kind \"Pod\"",
    );
    refused(&[reference], "a: [\n", "runtime.yaml: ");

    // Whoever does not run the benchmark needs no runtime.
    let mut recipe = setup.recipe.clone();
    let both = json!({"performance": {"checks": ["nccl-all-reduce-bw"], "constraints": [
        {"name": "nccl-benchmark-runtime-ref", "value": "h100/eks"}]}, "conformance": {"checks": ["platform-health"]}});
    recipe.validation = Some(serde_json::from_value(both).expect("a validation"));
    let plan = run::prepare(&setup.catalog, recipe, "recipe.yaml", setup.snapshot.clone(), &setup.options);
    assert_eq!(plan.expect("a plan").input.nccl_runtime, "");
}
