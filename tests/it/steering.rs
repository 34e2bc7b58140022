//! A run that a person steers: stops, pauses, single checks, skips, checks in this process, limits; and what somebody else
//! deletes meanwhile. On the demo cluster, on a clock that jumps.

use super::validate::{FIVE, NAMESPACE, Setup, never};
use aicr::{
    cluster::{objects, raw},
    ops::run::{Request, Step, attach},
    report::Report,
    validate::{
        event::{Body, State, Status, Stop, Verdict, Way, Why},
        pods::{Pod, Stand},
    },
};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const GO_ON: Request = Request::Continue { to_end: false };

#[tokio::test(start_paused = true)]
async fn a_run_that_steps_by_checks_stops_before_each_and_runs_them_one_by_one() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.step = Step::Checks;
    let mut stops = Vec::new();
    let ran = setup
        .steer(|body, control| {
            if let Body::Paused { before } = body {
                stops.push(before.clone());
                control.ask(GO_ON);
            }
        })
        .await;
    ran.in_order();
    let expected: Vec<Stop> = FIVE.iter().map(|name| Stop::Check { check: (*name).into() }).collect();
    assert_eq!(stops, expected);
    assert_eq!(ran.report().verdict, Some(Verdict::Passed));
    let mut going = 0;
    for event in &ran.events {
        match &event.body {
            Body::State { state: State::Creating, .. } => going += 1,
            Body::Finished { .. } => going -= 1,
            _ => {}
        }
        assert!(going <= 1, "one at a time");
    }
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_for_a_phase_before_a_person_goes_on() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.step = Step::Phases;
    let began = tokio::time::Instant::now();
    let waiting = setup.steer(|_, _| {});
    assert!(tokio::time::timeout(Duration::from_secs(600), waiting).await.is_err(), "it waits for a person");
    assert!(began.elapsed() >= Duration::from_secs(600));
    let jobs = |left: &[String]| left.iter().filter(|piece| piece.starts_with("Job")).count();
    assert_eq!(jobs(&setup.left().await), 0);
    aicr::ops::cleanup::sweep(&setup.connection, NAMESPACE, None).await.expect("a sweep");

    let canceled = setup.run(|body| matches!(body, Body::Paused { .. })).await;
    canceled.in_order();
    assert_eq!(canceled.report().verdict, Some(Verdict::Canceled));
    assert!(canceled.report().results.iter().all(|result| result.why == Some(Why::NotStarted)));
    assert_eq!(setup.left().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_run_starts_no_check_and_goes_on_to_the_end() {
    let setup = Setup::new(Vec::new()).await;
    let (paused, started) = (RefCell::new(false), RefCell::new(Vec::new()));
    let asked = RefCell::new(false);
    let ran = setup
        .steer(|body, control| match body {
            Body::State { check, state: State::Creating } => {
                started.borrow_mut().push(check.clone());
                assert!(!*paused.borrow(), "{check} started in a pause");
                if !asked.replace(true) {
                    control.ask(Request::Pause);
                }
            }
            Body::Paused { before } => {
                assert_eq!(*before, Stop::Asked);
                *paused.borrow_mut() = true;
            }
            Body::Resumed => *paused.borrow_mut() = false,
            // Everything that was on its way has ended; only then does it go on.
            Body::Finished { .. } if *paused.borrow() => control.ask(GO_ON),
            _ => {}
        })
        .await;
    ran.in_order();
    assert_eq!(ran.report().verdict, Some(Verdict::Passed), "{:?}", ran.results());
    assert_eq!(started.borrow().len(), FIVE.len());
}

#[tokio::test(start_paused = true)]
async fn one_check_is_canceled_and_the_others_have_their_verdicts() {
    let setup = Setup::new(Vec::new()).await;
    let ran = setup
        .steer(|body, control| match body {
            Body::State { check, state: State::Running { .. } } if check == "dra-support" => {
                control.ask(Request::CancelCheck(check.clone()));
                // It waits for room.
                control.ask(Request::CancelCheck("platform-health".into()));
            }
            _ => {}
        })
        .await;
    ran.in_order();
    let why = |name: &str| ran.report().results.iter().find(|result| result.name == name).and_then(|result| result.why);
    assert_eq!(why("dra-support"), Some(Why::Canceled));
    assert!(matches!(why("platform-health"), Some(Why::NotStarted | Why::Canceled)), "{:?}", ran.results());
    for name in ["accelerator-metrics", "ai-service-metrics", "gpu-operator-health"] {
        assert_eq!(ran.results()[name].0, Status::Passed, "{name}");
    }
    assert_eq!(ran.report().verdict, Some(Verdict::Inconclusive));
    assert_eq!(setup.left().await, [""; 0]);
}

/// The creation of a Job takes its time; meanwhile the check is canceled.
#[tokio::test(start_paused = true)]
async fn a_check_that_is_canceled_while_its_job_is_created_does_not_run() {
    let mut setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 500 }]).await;
    setup.options.plan.only = vec!["dra-support".into(), "platform-health".into()];
    let checks = setup.prepare().plan.checks;
    let job = checks.iter().find(|check| check.check.name == "dra-support").expect("planned").job_name.clone();
    // From the cancellation on, at any time of the creation of its objects.
    for wait in [0, 400, 900, 1_400, 1_900, 2_400, 2_900] {
        let connection = setup.connection.clone();
        let (mut asked, mut looking) = (None, None);
        let ran = setup
            .steer(|body, control| match body {
                Body::State { check, state: State::Creating } if check == "dra-support" => {
                    let control = control.clone();
                    asked = Some(tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(wait)).await;
                        control.ask(Request::Pause);
                        control.ask(Request::CancelCheck("dra-support".into()));
                    }));
                }
                Body::Finished { check, .. } if check == "dra-support" => {
                    let (connection, control, job) = (connection.clone(), control.clone(), job.clone());
                    // Long before the run cleans up: it is paused, and the other check goes on.
                    looking = Some(tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(2_600)).await;
                        let found = objects::find(&connection, "Job", NAMESPACE, &job).await.expect("an answer");
                        control.ask(GO_ON);
                        found
                    }));
                }
                Body::CleanedUp { .. } => {
                    assert!(
                        looking.as_ref().is_some_and(|looking| looking.is_finished()),
                        "looked before the clean-up"
                    );
                }
                _ => {}
            })
            .await;
        asked.expect("asked").await.expect("asked");
        let found = looking.expect("it ended").await.expect("a look");
        assert!(found.is_none(), "canceled after {wait} ms: {found:?}");
        let result = ran.report().results.iter().find(|result| result.name == "dra-support").expect("a result");
        assert_eq!(result.why, Some(Why::Canceled), "canceled after {wait} ms");
        assert_eq!(setup.left().await, [""; 0], "canceled after {wait} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_skipped_check_is_reported_with_its_reason_and_no_object_is_made_for_it() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.plan.skip = vec!["dra-support".into()];
    let ran = setup.run(never).await;
    ran.in_order();
    let result = ran.report().results.iter().find(|result| result.name == "dra-support").expect("a result");
    assert_eq!((result.status, result.why), (Status::Skipped, Some(Why::NamedInSkipChecks)));
    assert!(ran.states("dra-support").is_empty());
    let document: serde_json::Value = serde_json::from_str(&aicr::report::ctrf::to_json(ran.report())).unwrap();
    let tests = document["results"]["tests"].as_array().unwrap();
    let test = tests.iter().find(|test| test["name"] == "dra-support").unwrap();
    assert_eq!(test["extra"]["skipReason"], "named-in-skip-checks");
    let ran_ones = tests.iter().filter(|test| test["name"] != "dra-support");
    assert!(ran_ones.clone().count() == 4 && ran_ones.clone().all(|test| test["duration"].as_u64() > Some(0)));
}

#[tokio::test(start_paused = true)]
async fn checks_in_this_process_reach_the_same_verdicts_and_create_nothing() {
    for fault in [None, Some("dra-support")] {
        let faults = fault.map(|check| aicr::ops::fault::Fault::CheckFails { check: check.into() });
        let mut setup = Setup::new(faults.into_iter().collect()).await;
        let in_pods = setup.run(never).await;
        setup.options.plan.in_process = true;
        let here = setup.run(never).await;
        here.in_order();
        assert_eq!(here.results(), in_pods.results());
        assert!(here.report().results.iter().all(|result| result.way == Way::InProcess && result.run_ms > 0));
        assert!(here.report().results.iter().any(|result| !result.stdout.is_empty()));
        let namespace = objects::find(&setup.connection, "Namespace", "", NAMESPACE).await.expect("an answer");
        assert!(namespace.is_none_or(|found| found["status"]["phase"] == "Terminating"), "none of its own");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_goes_on_is_given_up_at_its_limit_and_the_grace_that_the_plan_states() {
    // The exporter never has its fields, so that the check waits as long as it may; its own budget is longer than its limit.
    let mut setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 4000 }]).await;
    setup.options.plan.only = vec!["platform-health".into()];
    setup.options.plan.timeout_seconds = Some(6);
    let plan = setup.prepare().lines("demo").join("\n");
    assert!(plan.contains("platform-health  at most 6 s, then given up after 5 s"), "{plan}");
    let ran = setup.run(never).await;
    let result = &ran.report().results[0];
    assert_eq!((result.status, result.why), (Status::Other, Some(Why::OutOfTime)), "{result:?}");
    assert!((11_000..12_500).contains(&result.total_ms), "{} ms", result.total_ms);
    assert!(result.message.starts_with("no verdict within 6 s; last state: "), "{}", result.message);
}

/// Runs one check, and deletes something of it as soon as it runs.
async fn deleted(kind: &'static str) -> (String, Option<Why>, Vec<String>) {
    let mut setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 300 }]).await;
    setup.options.plan.only = vec!["platform-health".into()];
    let (connection, job) = (setup.connection.clone(), setup.prepare().plan.checks[0].job_name.clone());
    let mut deleting = None;
    let ran = setup
        .steer(|body, _| {
            let runs = matches!(body, Body::State { state: State::Running { .. }, .. });
            if runs && deleting.is_none() {
                let (connection, job) = (connection.clone(), job.clone());
                deleting = Some(tokio::spawn(async move {
                    let (namespace, name) = match kind {
                        "Namespace" => ("", NAMESPACE.to_owned()),
                        "Job" => (NAMESPACE, job),
                        _ => {
                            let pods =
                                objects::list_labeled(&connection, NAMESPACE, "app.kubernetes.io/name=aicr").await;
                            let pod = pods.expect("pods").into_iter().find(|object| object.kind == "Pod");
                            (NAMESPACE, pod.expect("a pod").name)
                        }
                    };
                    objects::delete(&connection, kind, namespace, &name).await.expect("deleted");
                }));
            }
        })
        .await;
    ran.in_order();
    let result = ran.report().results[0].clone();
    (result.message, result.why, setup.left().await)
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deletes_is_named() {
    for (kind, why, start) in [
        ("Pod", Why::PodDeleted, "the pod was deleted by somebody else while running"),
        ("Job", Why::JobDeleted, "the Job was deleted by somebody else while running"),
        ("Namespace", Why::NamespaceDeleted, "the namespace was deleted while running"),
    ] {
        let (message, found, left) = deleted(kind).await;
        assert_eq!(found, Some(why), "{kind}: {message}");
        assert!(message.starts_with(start), "{kind}: {message}");
        assert_eq!(left, [""; 0], "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn images_of_the_reference_are_started_under_their_contract_and_nothing_stands_for_them_in_the_demo() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.plan.only = vec!["platform-health".into()];
    setup.options.plan.validators = "reference".parse().expect("a release");
    let plan = setup.prepare().lines("demo").join("\n");
    assert!(plan.contains("! the reference's images v1.0.0 run with every right on the cluster"), "{plan}");
    assert!(plan.contains("may * * in the whole cluster"), "{plan}");
    let ran = setup.run(never).await;
    ran.in_order();
    let result = &ran.report().results[0];
    assert_eq!(result.status, Status::Other, "{result:?}");
    assert!(result.message.contains("the demo has no published image of the reference"), "{}", result.message);
    assert_eq!(result.image, "ghcr.io/nvidia/aicr-validators/conformance:v1.0.0");
    assert_eq!(setup.left().await, [""; 0], "its role is removed as every other");
}

/// A check that creates pods on every cluster.
const ACCESS: &str = "secure-accelerator-access";

fn select_access(setup: &mut Setup) {
    let conformance = setup.recipe.validation.as_mut().and_then(|validation| validation.conformance.as_mut());
    conformance.expect("a phase").checks.push(ACCESS.into());
}

/// What workloads wrote, by where it comes from.
fn of_workloads<'b>(bodies: impl Iterator<Item = &'b Body>) -> Vec<(String, String, String)> {
    let line = |body: &Body| match body {
        Body::Log { check, text, source } if !source.is_empty() => Some((check.clone(), source.clone(), text.clone())),
        _ => None,
    };
    bodies.filter_map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_pods_of_a_check_write_is_part_of_its_output_with_its_source() {
    let mut setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 100 }]).await;
    setup.options.plan.only = vec![ACCESS.into()];
    select_access(&mut setup);
    let ran = setup.run(never).await;
    ran.in_order();
    assert_eq!(ran.report().verdict, Some(Verdict::Passed), "{:?}", ran.results());
    let lines = of_workloads(ran.events.iter().map(|event| &event.body));
    assert!(!lines.is_empty() && lines.iter().all(|(check, source, _)| check == ACCESS && source.starts_with("aicr-")));
    let counts = lines.iter().filter(|(.., text)| text.starts_with("GPU devices: ")).count();
    assert!(counts >= 2, "one of each container: {lines:?}");
    let bodies: Vec<&Body> = ran.events.iter().map(|event| &event.body).collect();
    check_pods(&bodies);
    // Its own pod is told before the verdict that follows from it.
    let ends = |body: &&Body| matches!(body, Body::Pod { pod, .. } if !pod.is_workload && pod.stand.has_ended());
    let ended = bodies.iter().position(ends).expect("an end");
    assert!(bodies[ended..].iter().any(|body| matches!(body, Body::Finished { .. })));
    assert_eq!(setup.left().await, [""; 0]);
}

/// The pod of the Job of the check, and those that the check created: each once, with its attempt and its node, until it ends.
fn check_pods(bodies: &[&Body]) {
    let told = bodies.iter().filter_map(|body| match body {
        Body::Pod { check, pod } if check == ACCESS => Some(pod),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    let own: BTreeSet<&str> = told.iter().filter(|pod| !pod.is_workload).map(|pod| &*pod.name).collect();
    assert_eq!(own.len(), 1, "{told:?}");
    let created: BTreeSet<&str> = told.iter().filter(|pod| pod.is_workload).map(|pod| &*pod.name).collect();
    assert!(!created.is_empty(), "{told:?}");
    assert!(told.iter().all(|pod| pod.attempt >= 1), "{told:?}");
    let has_node = |name: &&str| told.iter().any(|pod| pod.name == **name && pod.node.is_some());
    assert!(own.iter().all(has_node) && created.iter().any(has_node), "{told:?}");
    let repeats = |pair: &[&Pod]| pair[0] == pair[1];
    assert!(!told.windows(2).any(repeats), "each is news: {told:?}");
}

/// What was told last of each pod.
fn last_of_pods<'b>(bodies: impl IntoIterator<Item = &'b Body>) -> BTreeMap<&'b str, &'b Pod> {
    let told = bodies.into_iter().filter_map(|body| match body {
        Body::Pod { pod, .. } => Some((&*pod.name, pod)),
        _ => None,
    });
    told.collect()
}

/// A verdict follows from a container; its pod ends later, or with the clean-up.
#[tokio::test(start_paused = true)]
async fn every_pod_of_a_run_has_an_end() {
    let mut setup = Setup::new(Vec::new()).await;
    select_access(&mut setup);
    let (ran, (_, followed)) = tokio::join!(setup.run(never), attached(&setup, |jobs| !jobs.is_empty()));
    assert_eq!(ran.report().verdict, Some(Verdict::Passed), "{:?}", ran.results());
    let pods = last_of_pods(ran.events.iter().map(|event| &event.body));
    assert!(pods.values().filter(|pod| !pod.is_workload).count() >= FIVE.len(), "{pods:?}");
    assert!(pods.values().all(|pod| pod.stand.has_ended()), "{pods:?}");
    let is_own_end = |pod: &&&Pod| (pod.stand, pod.exit_code) == (Stand::Succeeded, Some(0));
    assert!(pods.values().filter(|pod| !pod.is_workload).all(|pod| is_own_end(&pod)), "{pods:?}");
    let seen = last_of_pods(&followed);
    assert!(!seen.is_empty() && seen.values().all(|pod| pod.stand.has_ended()), "{seen:?}");
}

/// The check is given up and its pod deleted: that is the end of the pod, and comes after the verdict.
#[tokio::test(start_paused = true)]
async fn a_pod_whose_check_was_given_up_is_removed() {
    let setup = Setup::new(vec!["image-pull=dra-support".parse().expect("a fault")]).await;
    let ran = setup.run(never).await;
    ran.in_order();
    let pods = last_of_pods(ran.events.iter().map(|event| &event.body));
    assert!(pods.values().all(|pod| pod.stand.has_ended()), "{pods:?}");
    let (_, pod) = pods.iter().find(|(name, _)| name.starts_with("aicr-dra-support")).expect("its pod");
    assert_eq!(pod.stand, Stand::Gone);
    assert!(pod.reason.contains("ImagePull"), "the reason stays: {pod:?}");
}

/// Attaches to the run of a setup as soon as its Jobs are as asked.
async fn attached(setup: &Setup, is_time: impl Fn(&[Value]) -> bool) -> (Report, Vec<Body>) {
    let jobs = format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs");
    loop {
        let list = raw::get(&setup.connection, &jobs).await.expect("an answer").unwrap_or_default();
        if is_time(list["items"].as_array().map_or(&[][..], Vec::as_slice)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (writer, mut reader) = attach::log();
    let read = async {
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            events.push(event.body.clone());
        }
        events
    };
    let run_id = &setup.options.plan.run_id;
    let (report, events) = tokio::join!(attach::attach(&setup.connection, NAMESPACE, run_id, writer), read);
    (report.expect("a run"), events)
}

fn by_name(report: &Report) -> Vec<(String, Status)> {
    let mut results: Vec<_> = report.results.iter().map(|result| (result.name.clone(), result.status)).collect();
    results.sort_by(|one, other| one.0.cmp(&other.0));
    results
}

/// What has ended by then is there in two lists, which are answered one after the other.
#[tokio::test(start_paused = true)]
async fn a_check_that_ended_before_somebody_attached_keeps_its_verdict() {
    let setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 200 }]).await;
    let is_complete = |job: &Value| {
        let conditions = job["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
        conditions.iter().any(|condition| condition["type"] == "Complete" && condition["status"] == "True")
    };
    let (ran, (report, events)) = tokio::join!(setup.run(never), attached(&setup, |jobs| jobs.iter().any(is_complete)));
    assert_eq!(ran.report().verdict, Some(Verdict::Passed));
    assert_eq!(by_name(&report), by_name(ran.report()), "{events:?}");
    assert_eq!(report.verdict, Some(Verdict::Passed));
}

/// A check that never had a Job has no result that is known here.
#[tokio::test(start_paused = true)]
async fn what_an_attached_run_has_not_seen_is_not_passed() {
    let mut setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 200 }]).await;
    setup.options.step = Step::Checks;
    let mut stops = 0;
    let stepped = setup.steer(|body, control| {
        if let Body::Paused { .. } = body {
            stops += 1;
            if stops < 3 { control.ask(GO_ON) } else { control.cancel() }
        }
    });
    let (ran, (report, events)) = tokio::join!(stepped, attached(&setup, |jobs| !jobs.is_empty()));
    assert_eq!(ran.report().verdict, Some(Verdict::Canceled));
    assert!(report.results.iter().all(|result| result.status == Status::Passed), "{report:?}");
    assert!(!report.results.is_empty() && report.results.len() < FIVE.len(), "{report:?}");
    assert_eq!(report.verdict, Some(Verdict::Inconclusive));
    let unseen = |body: &Body| matches!(body, Body::Notice { text, .. } if text.starts_with("no result of "));
    assert!(events.iter().any(unseen), "{events:?}");
}

/// By nothing but the labels of its Jobs and pods: from a machine that has no record of it.
#[tokio::test(start_paused = true)]
async fn a_run_of_another_machine_is_followed_on_the_cluster() {
    let mut setup = Setup::new(vec![aicr::ops::fault::Fault::Slow { millis: 200 }]).await;
    select_access(&mut setup);
    let run_id = setup.options.plan.run_id.clone();
    // As soon as it has a Job.
    let (ran, (report, events)) = tokio::join!(setup.run(never), attached(&setup, |jobs| !jobs.is_empty()));
    assert_eq!(ran.report().verdict, Some(Verdict::Passed));
    assert_eq!(by_name(&report), by_name(ran.report()), "it reaches the same verdicts");
    assert_eq!(report.verdict, Some(Verdict::Passed));
    let has = |wanted: fn(&Body) -> bool| events.iter().any(wanted);
    assert!(matches!(events.first(), Some(Body::Planned { .. })), "{:?}", events.first());
    let planned = events.iter().rev().find_map(|body| match body {
        Body::Planned { checks, .. } => Some(checks.len()),
        _ => None,
    });
    assert_eq!(planned, Some(report.results.len()), "checks whose Jobs came later are known as well");
    assert!(has(|body| matches!(body, Body::State { state: State::Running { .. }, .. })));
    assert!(has(|body| matches!(body, Body::Log { source, .. } if source.is_empty())), "with their output");
    assert!(!of_workloads(events.iter()).is_empty(), "and that of their pods");
    check_pods(&events.iter().collect::<Vec<_>>());
    let missing = attach::attach(&setup.connection, NAMESPACE, &run_id, attach::log().0).await;
    assert_eq!(missing.expect_err("it is over").kind, aicr::ops::Kind::NotFound);
}
