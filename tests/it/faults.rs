//! Every fault of docs/faults.md on the demo cluster: what the check and the run say, and that nothing of the run remains.
//! `real_cluster_faults` has the same table on real Kubernetes.

use super::validate::{NAMESPACE, Ran, Setup, never};
use aicr::{
    cluster::{Connection, changes, objects},
    demo::{Fault, PodExit, PodRun, PodRunner},
    ops::{
        cleanup,
        demo::DemoOptions,
        run::{self, EventLog},
    },
    report::FORMS,
    validate::event::{Body, State, Status, Verdict, Why},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const CHECK: &str = "platform-health";

/// What the container of the check does.
#[derive(Clone, Copy)]
enum Does {
    /// Looks at the cluster, as it does everywhere.
    Looks,
    /// Ends like this.
    Exits(i32, &'static str),
    /// Goes on, whatever it is told.
    Hangs,
}

/// What happens to it.
enum Happens {
    Nothing,
    /// The cluster is like this from the beginning.
    Before(fn() -> Vec<Fault>),
    /// The cluster becomes like this while the check runs, for so many seconds or for good.
    Meanwhile(fn() -> Vec<Fault>, Option<u64>),
    /// In that state, somebody writes a status into its pod, and may delete it then.
    Status {
        at: &'static str,
        status: fn() -> Value,
        deletes: bool,
    },
    Deletes(&'static str),
}

/// One fault.
struct Row {
    name: &'static str,
    does: Does,
    happens: Happens,
    /// Seconds of its limit and of patience.
    limits: (u64, u64),
    expected: (Status, Option<Why>),
    /// The beginning of the reason.
    says: &'static str,
    /// What cannot be removed while the fault lasts is named; a clean-up removes it afterwards.
    stays: bool,
}

impl Row {
    fn new(
        name: &'static str,
        does: Does,
        happens: Happens,
        expected: (Status, Option<Why>),
        says: &'static str,
    ) -> Row {
        Row { name, does, happens, limits: (300, 20), expected, says, stays: false }
    }
}

fn label() -> (String, String) {
    ("aicr.run/validator".to_owned(), CHECK.to_owned())
}

fn denied(message: &str) -> Vec<Fault> {
    vec![Fault::Denied { label: label(), message: message.to_owned() }]
}

fn unschedulable() -> Vec<Fault> {
    vec![Fault::Unschedulable { label: label() }]
}

fn forbidden() -> Vec<Fault> {
    let on = |verb: &str, resource: &str| Fault::Forbidden { verb: verb.into(), resource: resource.into() };
    vec![
        on("get", "pods"),
        on("list", "pods"),
        on("watch", "pods"),
        on("list", "jobs"),
        on("watch", "jobs"),
        Fault::DroppedWatch { after: 1 },
    ]
}

/// A pod that something takes away.
fn disruption(reason: &str, message: &str) -> Value {
    json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}]})
}

fn out_of_memory() -> Value {
    json!({"phase": "Failed", "containerStatuses": [{"name": "validator", "state": {"terminated": {
        "exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-06-01T08:00:00Z", "finishedAt": "2026-06-01T08:00:01Z"}}}]})
}

fn rows() -> Vec<Row> {
    use Does::{Exits, Hangs, Looks};
    use Happens::{Before, Deletes, Meanwhile, Nothing};
    let other = |why| (Status::Other, Some(why));
    let passes = (Status::Passed, None);
    let status = |status, deletes| Happens::Status { at: "running", status, deletes };
    vec![
        Row::new("pass", Exits(0, ""), Nothing, passes, ""),
        Row::new("fail", Exits(1, "no GPU"), Nothing, (Status::Failed, None), "no GPU"),
        Row::new("skip with a reason", Exits(2, "no GPU node"), Nothing, (Status::Skipped, None), "no GPU node"),
        Row::new(
            "skip without a reason",
            Exits(2, ""),
            Nothing,
            other(Why::Crashed),
            "the check ended with exit code 2",
        ),
        Row::new("panic", Exits(101, ""), Nothing, other(Why::Crashed), "the check ended with exit code 101"),
        Row::new("SIGTERM", Exits(143, ""), Nothing, other(Why::Crashed), "the check ended with exit code 143"),
        Row::new("SIGSEGV", Exits(139, ""), Nothing, other(Why::Crashed), "the check ended with exit code 139"),
        Row::new(
            "out of memory",
            Hangs,
            status(out_of_memory, false),
            other(Why::OutOfMemory),
            "out of memory: the container may use 256Mi",
        ),
        Row::new(
            "evicted",
            Hangs,
            status(
                || json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
                false,
            ),
            other(Why::Disrupted),
            "Evicted: The node was low on resource: memory.",
        ),
        Row::new(
            "preempted",
            Hangs,
            status(
                || {
                    disruption(
                        "PreemptionByScheduler",
                        "default-scheduler: preempting to accommodate a higher priority pod",
                    )
                },
                true,
            ),
            other(Why::Disrupted),
            "the pod was disrupted (PreemptionByScheduler): default-scheduler: preempting",
        ),
        Row::new(
            "node drained",
            Hangs,
            status(|| disruption("EvictionByEvictionAPI", "Eviction API: evicting"), true),
            other(Why::Disrupted),
            "the pod was disrupted (EvictionByEvictionAPI): Eviction API: evicting",
        ),
        Row::new(
            "node lost",
            Hangs,
            status(
                || json!({"reason": "NodeLost", "message": "Node worker-1 which was running pod is unresponsive"}),
                false,
            ),
            other(Why::NodeLost),
            "node worker-",
        ),
        Row::new(
            "image missing",
            Looks,
            Before(|| vec![Fault::ImagePull { label: label() }]),
            other(Why::ImageMissing),
            "the image aicr/check:1 cannot be pulled: ErrImagePull",
        ),
        Row::new(
            "image name invalid",
            Looks,
            // The kubelet says so before it starts anything.
            Happens::Status {
                at: "unscheduled",
                status: || {
                    json!({"containerStatuses": [{"name": "validator", "state": {"waiting": {
                    "reason": "InvalidImageName", "message": "couldn't parse image name"}}}]})
                },
                deletes: false,
            },
            other(Why::ImageMissing),
            "the image aicr/check:1 cannot be pulled: InvalidImageName: couldn't parse image name",
        ),
        Row::new(
            "unschedulable",
            Looks,
            Before(unschedulable),
            other(Why::Unschedulable),
            "the pod cannot be scheduled: 0/",
        ),
        Row::new(
            "quota",
            Looks,
            Before(|| {
                denied(
                    "pods \"x\" is forbidden: exceeded quota: small, requested: cpu=50m, used: cpu=1, limited: cpu=1",
                )
            }),
            other(Why::PodRefused),
            "the pod is refused: Error creating: pods \"x\" is forbidden: exceeded quota: small",
        ),
        Row::new(
            "admission denied",
            Looks,
            Before(|| {
                denied("admission webhook \"policy.example.com\" denied the request: no images without a digest")
            }),
            other(Why::PodRefused),
            "the pod is refused: Error creating: admission webhook \"policy.example.com\" denied the request",
        ),
        Row::new(
            "PodSecurity restricted",
            Looks,
            Before(|| {
                denied("pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true")
            }),
            other(Why::PodRefused),
            "the pod is refused: Error creating: pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"",
        ),
        Row::new(
            "config error",
            Looks,
            Before(|| vec![Fault::ConfigError { label: label(), message: "secret \"pull\" not found".into() }]),
            other(Why::ConfigError),
            "the container cannot be started: CreateContainerConfigError: secret \"pull\" not found",
        ),
        Row {
            limits: (6, 600),
            ..Row::new(
                "deadline while pulling",
                Looks,
                Before(|| vec![Fault::ImagePull { label: label() }]),
                other(Why::OutOfTime),
                "no verdict within 6 s; last state: pull failing (ErrImagePull",
            )
        },
        Row {
            limits: (6, 20),
            ..Row::new(
                "deadline while running",
                Hangs,
                Nothing,
                other(Why::OutOfTime),
                "no verdict within 6 s; last state: running on ",
            )
        },
        Row::new(
            "pod deleted",
            Hangs,
            Deletes("Pod"),
            other(Why::PodDeleted),
            "the pod was deleted by somebody else while running",
        ),
        Row::new(
            "Job deleted",
            Hangs,
            Deletes("Job"),
            other(Why::JobDeleted),
            "the Job was deleted by somebody else while running",
        ),
        Row::new(
            "namespace deleted",
            Hangs,
            Deletes("Namespace"),
            other(Why::NamespaceDeleted),
            "the namespace was deleted while running",
        ),
        Row {
            limits: (60, 20),
            ..Row::new("API server restarted", Looks, Meanwhile(|| vec![Fault::Down], Some(5)), passes, "")
        },
        Row {
            limits: (30, 20),
            stays: true,
            ..Row::new(
                "API server gone for good",
                Looks,
                Meanwhile(|| vec![Fault::Down], None),
                other(Why::OutOfTime),
                "no verdict within 30 s; last state: running on ",
            )
        },
        Row::new("watch dropped", Looks, Before(|| vec![Fault::DroppedWatch { after: 2 }]), passes, ""),
        Row {
            limits: (20, 20),
            stays: true,
            ..Row::new(
                "403 mid-run",
                Hangs,
                Meanwhile(forbidden, None),
                other(Why::OutOfTime),
                "no verdict within 20 s; last state: running on ",
            )
        },
        Row {
            limits: (20, 20),
            stays: true,
            ..Row::new(
                "token expired",
                Hangs,
                Meanwhile(|| vec![Fault::Unauthorized], None),
                other(Why::OutOfTime),
                "no verdict within 20 s; last state: running on ",
            )
        },
    ]
}

fn runner(does: Does) -> Option<PodRunner> {
    let run = move |pod: PodRun| -> futures::future::BoxFuture<'static, PodExit> {
        match does {
            Does::Exits(code, message) => Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let _ = pod.log.send("looked".to_owned());
                PodExit { code, termination_message: message.to_owned() }
            }),
            _ => Box::pin(std::future::pending()),
        }
    };
    match does {
        Does::Looks => None,
        _ => Some(PodRunner(Arc::new(run))),
    }
}

async fn setup(does: Does) -> Setup {
    let mut setup = Setup::of(DemoOptions { runner: runner(does), ..DemoOptions::default() }).await;
    setup.options.plan.only = vec![CHECK.into()];
    setup
}

async fn pod(connection: &Connection) -> String {
    let found =
        objects::list_labeled(connection, NAMESPACE, &format!("aicr.run/validator={CHECK}")).await.expect("pods");
    found.into_iter().find(|object| object.kind == "Pod").expect("a pod").name
}

async fn write_status(connection: &Connection, status: Value, deletes: bool) {
    let name = pod(connection).await;
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}/status");
    changes::patch(connection, &path, &json!({ "status": status })).await.expect("a status");
    if deletes {
        objects::delete(connection, "Pod", NAMESPACE, &name).await.expect("deleted");
    }
}

async fn delete(connection: &Connection, kind: &str, job: String) {
    let (namespace, name) = match kind {
        "Namespace" => ("", NAMESPACE.to_owned()),
        "Job" => (NAMESPACE, job),
        _ => (NAMESPACE, pod(connection).await),
    };
    objects::delete(connection, kind, namespace, &name).await.expect("deleted");
}

/// Runs the check of a row, with what happens to it.
async fn run(setup: &Setup, happens: &Happens) -> Ran {
    match happens {
        Happens::Before(faults) => setup.demo.break_by(faults()),
        Happens::Status { at: "unscheduled", .. } => setup.demo.break_by(unschedulable()),
        _ => {}
    }
    let job = setup.prepare().plan.checks[0].job_name.clone();
    let mut begun = false;
    setup
        .steer(|body, _| {
            let Body::State { state, .. } = body else { return };
            let at = match happens {
                Happens::Status { at, .. } => at,
                _ => "running",
            };
            if begun || state.word() != at {
                return;
            }
            begun = true;
            let (connection, demo) = (setup.connection.clone(), setup.demo.clone());
            match *happens {
                Happens::Nothing | Happens::Before(_) => {}
                Happens::Status { status, deletes, .. } => {
                    tokio::spawn(async move { write_status(&connection, status(), deletes).await });
                }
                Happens::Deletes(kind) => {
                    let job = job.clone();
                    tokio::spawn(async move { delete(&connection, kind, job).await });
                }
                Happens::Meanwhile(faults, seconds) => {
                    demo.break_by(faults());
                    if let Some(seconds) = seconds {
                        tokio::spawn(async move {
                            tokio::time::sleep(Duration::from_secs(seconds)).await;
                            demo.break_by(Vec::new());
                        });
                    }
                }
            }
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn every_fault_has_its_reason_and_leaves_nothing() {
    for row in rows() {
        let mut setup = setup(row.does).await;
        let (limit, patience) = row.limits;
        setup.options.plan.timeout_seconds = Some(limit);
        setup.options.patience = Duration::from_secs(patience);
        let ran = run(&setup, &row.happens).await;
        ran.in_order();
        let result = ran.report().results.first().expect("a result");
        assert_eq!((result.status, result.why), row.expected, "{}: {}", row.name, result.message);
        assert!(result.message.starts_with(row.says), "{}: {}", row.name, result.message);
        let verdict = match result.status {
            Status::Passed => Verdict::Passed,
            Status::Failed => Verdict::Failed,
            Status::Skipped => Verdict::Skipped,
            Status::Other => Verdict::Inconclusive,
        };
        assert_eq!(ran.report().verdict, Some(verdict), "{}", row.name);
        assert_eq!(!ran.report().left.is_empty(), row.stays, "{}: {:?}", row.name, ran.report().left);
        if row.stays {
            setup.demo.break_by(Vec::new());
            cleanup::sweep(&setup.connection, NAMESPACE, None).await.expect(row.name);
        }
        assert_eq!(setup.left().await, [""; 0], "{}", row.name);
        assert!(row.stays || setup.namespace_is_gone().await, "{}: the namespace goes", row.name);
    }
}

/// The page and the tables are one.
#[test]
fn the_page_of_faults_has_every_row_of_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let page = std::fs::read_to_string(path).expect("docs/faults.md");
    let listed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();
    for name in rows().iter().map(|row| row.name).chain(crate::real_cluster_faults::names()) {
        assert!(listed.contains(&name), "docs/faults.md has no row `{name}`");
    }
}

/// A run is killed at each stage; what it leaves is found by its labels.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_killed_at_any_stage_is_swept() {
    type Stage = fn(&Body) -> bool;
    let stages: [(&str, Stage); 6] = [
        ("ready", |body| matches!(body, Body::Readiness { .. })),
        ("phase", |body| matches!(body, Body::PhaseStarted { .. })),
        ("creating", |body| matches!(body, Body::State { state: State::Creating, .. })),
        ("scheduled", |body| matches!(body, Body::State { state: State::Scheduled { .. }, .. })),
        ("running", |body| matches!(body, Body::State { state: State::Running { .. }, .. })),
        ("ended", |body| matches!(body, Body::Finished { .. })),
    ];
    for (stage, is_reached) in stages {
        let setup = setup(Does::Looks).await;
        // Each answer takes its time, so that the run does not end before it is killed.
        setup.demo.break_by(vec![Fault::Slow { millis: 10 }]);
        let (connection, prepared) = (setup.connection.clone(), setup.prepare());
        let (writer, log) = EventLog::new();
        let (_control, requests) = run::control();
        let run = tokio::spawn(async move { run::run(&connection, &prepared, writer, requests).await });
        let mut reader = log.reader();
        while let Some(event) = reader.next().await {
            if is_reached(&event.body) {
                break;
            }
        }
        run.abort();
        assert!(run.await.is_err(), "{stage}: it was killed before its end");
        cleanup::sweep(&setup.connection, NAMESPACE, None).await.expect(stage);
        assert_eq!(setup.left().await, [""; 0], "{stage}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_in_one_namespace_do_not_meet_and_the_last_removes_it() {
    let first = Setup::new(Vec::new()).await;
    let mut options = first.options.clone();
    options.plan.run_id = "20260601-080001-00000000beefbeef".into();
    let second = Setup {
        options,
        demo: first.demo.clone(),
        connection: first.connection.clone(),
        catalog: first.catalog.clone(),
        snapshot: first.snapshot.clone(),
        recipe: first.recipe.clone(),
    };
    // Together; and the second when the first is about to end, so that the namespace disappears under it.
    for wait in [0, 1_000, 3_000, 6_000] {
        let later = async {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            second.run(never).await
        };
        let (one, two) = tokio::join!(first.run(never), later);
        for ran in [&one, &two] {
            ran.in_order();
            assert_eq!(ran.report().verdict, Some(Verdict::Passed), "{wait} ms later: {:?}", ran.results());
            assert_eq!(ran.report().left, [""; 0]);
        }
        assert_eq!(first.left().await, [""; 0]);
        assert!(first.namespace_is_gone().await, "{wait} ms later");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_log_is_read_to_its_end_and_the_report_keeps_its_tail() {
    const LINES: usize = 300_000;
    let run = |pod: PodRun| -> futures::future::BoxFuture<'static, PodExit> {
        Box::pin(async move {
            for line in 0..LINES {
                let _ = pod.log.send(format!("line {line}"));
            }
            PodExit { code: 0, termination_message: String::new() }
        })
    };
    let mut setup = Setup::of(DemoOptions { runner: Some(PodRunner(Arc::new(run))), ..DemoOptions::default() }).await;
    setup.options.plan.only = vec![CHECK.into()];
    let ran = setup.run(never).await;
    let lines = ran.events.iter().filter(|event| matches!(event.body, Body::Log { .. })).count();
    assert_eq!(lines, LINES);
    let result = &ran.report().results[0];
    assert_eq!((result.status, result.stdout.len()), (Status::Passed, 1000));
    assert_eq!(result.stdout.last().map(String::as_str), Some("line 299999"));
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn escape_sequences_reach_no_terminal() {
    let run = |pod: PodRun| -> futures::future::BoxFuture<'static, PodExit> {
        Box::pin(async move {
            let _ = pod.log.send("\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}said\u{fffd}".to_owned());
            PodExit { code: 1, termination_message: "\u{1b}[31mred\u{7}\nsecond\u{9b}2J".to_owned() }
        })
    };
    let mut setup = Setup::of(DemoOptions { runner: Some(PodRunner(Arc::new(run))), ..DemoOptions::default() }).await;
    setup.options.plan.only = vec![CHECK.into()];
    let ran = setup.run(never).await;
    assert_eq!(ran.report().verdict, Some(Verdict::Failed));
    for form in FORMS {
        let text = (form.render)(ran.report());
        let is_bad = |letter: char| letter.is_control() && letter != '\n';
        assert!(!text.contains(is_bad), "{}: {:?}", form.name, text);
        assert!(text.contains("red"), "{}: {text}", form.name);
    }
}
