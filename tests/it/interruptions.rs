//! Runs whose process is stopped, whose terminal is stopped, or whose reader does not read: none of it changes a verdict, and
//! none of it keeps a person from ending the run.

use super::sandbox::Sandbox;
use aicr::{
    catalog::validator::Phase,
    cluster::{Connection, objects},
    criteria::Criteria,
    demo::{Demo, PodRunner, serve},
    ops::{
        self, cleanup,
        demo::DemoOptions,
        fault::Fault,
        run::{self, EventLog, Prepared, RunOptions},
    },
    report::Report,
    resolve::Options,
    validate::event::{Body, Event, Status, Verdict},
};
use std::{
    io::Write,
    process::{Child, Stdio},
    sync::Arc,
    time::Duration,
};

const NAMESPACE: &str = "aicr-validation";
/// Of a pipe, on Linux.
const PIPE_BYTES: usize = 1 << 16;

fn demo(faults: Vec<Fault>) -> Demo {
    ops::demo::start(&DemoOptions { seed: 7, faults, ..DemoOptions::default() }).expect("the demo")
}

async fn prepared(connection: &Connection, check: &str, change: impl FnOnce(&mut RunOptions)) -> Prepared {
    let catalog = ops::recipe::load_catalog(&Default::default()).expect("the embedded catalog");
    let snapshot = ops::snapshot::take(connection, "2026-06-01T08:00:00Z").await.expect("a snapshot");
    let criteria = Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
    let resolved = ops::recipe::resolve(&catalog, &(&criteria).into(), Some(&snapshot), Options::default());
    let recipe = resolved.expect("a recipe").resolution.recipe;
    let mut options = RunOptions::default();
    options.plan.phases = vec![Phase::Conformance];
    options.plan.only = vec![check.into()];
    change(&mut options);
    run::prepare(&catalog, recipe, "recipe.yaml", snapshot, &options).expect("a plan")
}

/// Runs, with the process paused for a time as soon as a state was seen.
async fn paused_at(
    connection: &Connection,
    prepared: &Prepared,
    word: &str,
    pause: Duration,
) -> (Report, Vec<Arc<Event>>) {
    let (writer, log) = EventLog::new();
    let (_control, requests) = run::control();
    let mut reader = log.reader();
    let reading = async {
        let (mut events, mut paused) = (Vec::new(), false);
        while let Some(event) = reader.next().await {
            if !paused && matches!(&event.body, Body::State { state, .. } if state.word() == word) {
                paused = true;
                // All clocks jump at once, as they do for a process that did not run.
                tokio::time::advance(pause).await;
            }
            events.push(event);
        }
        assert!(paused, "no state `{word}` in {events:?}");
        events
    };
    let (report, events) = tokio::join!(run::run(connection, prepared, writer, requests), reading);
    (report, events)
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_the_process_changes_no_verdict() {
    for word in ["creating", "scheduled", "running"] {
        let connection = ops::demo::to_demo(&demo(Vec::new()));
        let limit = |options: &mut RunOptions| options.plan.timeout_seconds = Some(1);
        let prepared = prepared(&connection, "platform-health", limit).await;
        // Longer than we wait for a verdict, shorter than the server does.
        let (report, events) = paused_at(&connection, &prepared, word, Duration::from_secs(40)).await;
        assert_eq!(report.verdict, Some(Verdict::Passed), "paused at {word}: {:?}", report.results);
        let reported =
            |event: &Arc<Event>| matches!(&event.body, Body::Notice { text, .. } if text.contains("was paused for"));
        assert!(events.iter().any(reported), "paused at {word}: the pause is reported");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_use_up_patience() {
    let connection = ops::demo::to_demo(&demo(vec![Fault::Unschedulable { check: "dra-support".into() }]));
    let prepared = prepared(&connection, "dra-support", |_| ()).await;
    let pause = Duration::from_secs(50);
    let (report, events) = paused_at(&connection, &prepared, "unscheduled", pause).await;
    assert_eq!(report.results[0].status, Status::Other);
    let at = |wanted: fn(&Body) -> bool| events.iter().find(|event| wanted(&event.body)).expect("it").observed_at_ms;
    let began = at(|body| matches!(body, Body::State { state, .. } if state.word() == "unscheduled"));
    let ended = at(|body| matches!(body, Body::Finished { .. }));
    let active = Duration::from_millis(ended - began).saturating_sub(pause);
    assert!((19..22).contains(&active.as_secs()), "given up after {active:?} of 20 s");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_is_given_up_after_its_own_time_not_that_of_a_pause() {
    let hangs = PodRunner(Arc::new(|_| Box::pin(std::future::pending())));
    let options = DemoOptions { seed: 7, runner: Some(hangs), ..DemoOptions::default() };
    let connection = ops::demo::to_demo(&ops::demo::start(&options).expect("the demo"));
    let limit = |options: &mut RunOptions| options.plan.timeout_seconds = Some(10);
    let prepared = prepared(&connection, "platform-health", limit).await;
    let pause = Duration::from_secs(25);
    let (report, events) = paused_at(&connection, &prepared, "running", pause).await;
    assert!(report.results[0].message.starts_with("no verdict within 10 s; last state: running on "), "{report:?}");
    let at = |wanted: fn(&Body) -> bool| events.iter().find(|event| wanted(&event.body)).expect("it").observed_at_ms;
    let began = at(|body| matches!(body, Body::State { state, .. } if state.word() == "creating"));
    let ended = at(|body| matches!(body, Body::Finished { .. }));
    let active = Duration::from_millis(ended - began).saturating_sub(pause);
    // The grace of the plan is 5 s.
    assert!((10..16).contains(&active.as_secs()), "given up after {active:?} of 10 s");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_does_not_hold_up_the_run() {
    let connection = ops::demo::to_demo(&demo(Vec::new()));
    let prepared = prepared(&connection, "platform-health", |_| ()).await;
    let (writer, log) = EventLog::new();
    let (_control, requests) = run::control();
    let mut reader = log.reader();
    let report = run::run(&connection, &prepared, writer, requests).await;
    assert_eq!(report.verdict, Some(Verdict::Passed));
    let mut read = Report::default();
    while let Some(event) = reader.next().await {
        read.on(&event);
    }
    assert_eq!(read, report, "whoever reads later reads the same");
}

/// `aicr validate` as a process of its own, against a demo that this one serves.
struct Validation {
    connection: Connection,
    child: Child,
    _sandbox: Sandbox,
}

impl Validation {
    async fn start(faults: Vec<Fault>, arguments: &[&str], stderr: Stdio) -> Validation {
        let demo = demo(faults);
        let connection = ops::demo::to_demo(&demo);
        let listener = serve::listen(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { demo.serve(listener).await });
        let sandbox = Sandbox::new();
        let config = sandbox.kubeconfig(&format!("http://{address}"));
        let mut command = sandbox.command(&["validate", "--kubeconfig", &config.to_string_lossy()]);
        command.args(["--service", "kind", "--accelerator", "a100", "--phase", "conformance"]).args(arguments);
        let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        Validation { connection, child, _sandbox: sandbox }
    }

    /// The pod of a check, once it is as asked.
    async fn pod(&self, is: impl Fn(&serde_json::Value) -> bool) {
        let looking = async {
            loop {
                let found = objects::list_labeled(&self.connection, NAMESPACE, "app.kubernetes.io/name=aicr").await;
                for object in found.expect("a list").iter().filter(|object| object.kind == "Pod") {
                    let pod = objects::find(&self.connection, "Pod", NAMESPACE, &object.name).await.expect("an answer");
                    if pod.as_ref().is_some_and(&is) {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await.expect("such a pod");
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// The exit code, once the process has ended by itself.
    async fn ended(&mut self) -> Option<i32> {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("the end of the process")
    }

    async fn left(&self) -> Vec<String> {
        let left = cleanup::leftovers(&self.connection, NAMESPACE).await.expect("a list");
        left.iter().map(ToString::to_string).collect()
    }
}

impl Drop for Validation {
    fn drop(&mut self) {
        // A failed test must not leave a stopped process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_reports_what_happened_meanwhile() {
    use rustix::process::Signal;
    let arguments = ["--check", "platform-health", "--check-timeout", "1s", "-t", "text"];
    let mut validation = Validation::start(Vec::new(), &arguments, Stdio::piped()).await;
    validation.pod(|pod| !pod["spec"]["nodeName"].is_null()).await;
    validation.signal(Signal::STOP);
    validation.pod(|pod| pod["status"]["phase"] == "Succeeded").await;
    // Longer than the limit and what we wait beyond it: for the process, that is the point.
    tokio::time::sleep(Duration::from_secs(12)).await;
    validation.signal(Signal::CONT);
    let code = validation.ended().await;
    let mut report = String::new();
    std::io::Read::read_to_string(&mut validation.child.stdout.take().unwrap(), &mut report).unwrap();
    assert_eq!(code, Some(0), "{report}");
    assert!(report.lines().any(|line| line.starts_with("pass") && line.contains("platform-health")), "{report}");
    assert_eq!(validation.left().await, [""; 0]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_standard_error_that_does_not_read_does_not_stop_ctrl_c() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // A pipe holds 64 KiB. What is left is enough for the lines before the run, and not for those of the run.
    writer.write_all(&vec![b'x'; PIPE_BYTES - 120]).unwrap();
    let faults = vec![Fault::Unschedulable { check: "dra-support".into() }];
    let arguments = ["--check", "dra-support", "--patience", "10m"];
    let mut validation = Validation::start(faults, &arguments, writer.into()).await;
    validation.pod(|pod| pod["status"]["phase"] == "Pending").await;
    validation.signal(rustix::process::Signal::INT);
    assert_eq!(validation.ended().await, Some(130));
    assert_eq!(validation.left().await, [""; 0], "the run was cleaned up all the same");
    let mut printed = String::new();
    std::io::Read::read_to_string(&mut reader, &mut printed).unwrap();
    let printed = printed.trim_start_matches('x');
    assert!(printed.starts_with("resolved") && !printed.contains("planned"), "printing was held up: {printed}");
}

/// `aicr validate -t events | head -1`: nothing is written while a check waits, so that no write would fail.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_events_that_goes_away_ends_the_run() {
    let faults = vec![Fault::Unschedulable { check: "dra-support".into() }];
    let arguments = ["--check", "dra-support", "--patience", "10m", "-t", "events"];
    let mut validation = Validation::start(faults, &arguments, Stdio::piped()).await;
    let mut first = String::new();
    let mut events = std::io::BufReader::new(validation.child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut events, &mut first).unwrap();
    assert!(first.contains("\"event\":\"planned\""), "{first}");
    let reason = |pod: &serde_json::Value| pod["status"]["conditions"][0]["reason"].clone();
    validation.pod(|pod| reason(pod) == "Unschedulable").await;
    drop(events);
    assert_eq!(validation.ended().await, Some(141));
    assert_eq!(validation.left().await, [""; 0]);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut validation.child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(!said.contains("error") && !said.contains("warning"), "{said}");
    let records = std::fs::read_dir(validation._sandbox.home().join(".local/state/aicr/runs")).unwrap();
    let record = std::fs::read_to_string(records.last().unwrap().unwrap().path()).unwrap();
    let words = ["\"event\":\"cleaned-up\"", "\"event\":\"ended\",\"verdict\":\"canceled\""];
    assert!(words.iter().all(|words| record.contains(words)), "{record}");
}

/// The report is written on every way out: standard output, the summary of the step, the record.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_interrupt_ends_at_once_with_every_report() {
    // Slow, so that the clean-up takes its time.
    let faults = vec![Fault::Unschedulable { check: "dra-support".into() }, Fault::Slow { millis: 700 }];
    let arguments = ["--check", "dra-support", "--patience", "10m", "-t", "junit", "--step-summary", "summary.md"];
    let mut validation = Validation::start(faults, &arguments, Stdio::piped()).await;
    validation.pod(|pod| pod["status"]["phase"] == "Pending").await;
    validation.signal(rustix::process::Signal::INT);
    let mut told = String::new();
    let mut stderr = std::io::BufReader::new(validation.child.stderr.take().unwrap());
    while !told.contains("once more to stop at once") {
        assert!(std::io::BufRead::read_line(&mut stderr, &mut told).unwrap() > 0, "{told}");
    }
    validation.signal(rustix::process::Signal::INT);
    assert_eq!(validation.ended().await, Some(130));
    let mut report = String::new();
    std::io::Read::read_to_string(&mut validation.child.stdout.take().unwrap(), &mut report).unwrap();
    assert!(report.contains("name=\"dra-support\"") && report.contains("<error message="), "{report}");
    let summary = std::fs::read_to_string(validation._sandbox.home().join("summary.md")).unwrap();
    assert!(summary.starts_with("## Validation: canceled") && summary.contains("dra-support"), "{summary}");
    cleanup::sweep(&validation.connection, NAMESPACE, None).await.expect("a sweep");
    assert_eq!(validation.left().await, [""; 0]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_in_a_config_map_is_written_after_each_check() {
    let faults = vec![Fault::Unschedulable { check: "dra-support".into() }];
    let arguments =
        ["--check", "dra-support", "--check", "platform-health", "--patience", "10m", "-o", "cm://default/report"];
    let mut validation = Validation::start(faults, &arguments, Stdio::null()).await;
    let status = |report: &serde_json::Value, name: &str| {
        let tests = report["results"]["tests"].as_array().cloned().unwrap_or_default();
        tests
            .iter()
            .find(|test| test["name"] == name)
            .map(|test| (test["status"].clone(), test["extra"]["reason"].clone()))
    };
    // One has ended, the other waits.
    let looking = async {
        loop {
            let found =
                objects::find(&validation.connection, "ConfigMap", "default", "report").await.expect("an answer");
            if let Some(found) = found {
                let data = found["data"].as_object().expect("data");
                let text = data.values().filter_map(|text| text.as_str()).find(|text| text.contains("reportFormat"));
                return serde_json::from_str::<serde_json::Value>(text.expect("the report")).expect("JSON");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let report = tokio::time::timeout(Duration::from_secs(60), looking).await.expect("a report");
    assert_eq!(status(&report, "platform-health"), Some(("passed".into(), serde_json::Value::Null)), "{report:#}");
    assert_eq!(status(&report, "dra-support"), Some(("other".into(), "not-ended".into())), "{report:#}");
    assert_eq!(report["results"]["extra"]["verdict"], serde_json::Value::Null);
    validation.signal(rustix::process::Signal::INT);
    assert_eq!(validation.ended().await, Some(130));
    assert_eq!(validation.left().await, [""; 0]);
}
