//! A run that is left: its Jobs go on and end without the program that created them, and it is followed from elsewhere.

use super::validate::{FIVE, NAMESPACE, Ran, Setup, never};
use aicr::{
    cluster::{objects, raw},
    ops::{
        cleanup,
        connect::Target,
        fault::Fault,
        run::{
            self, Control, EventLog, Request, Step, attach,
            record::{self, Record, RecordEnd},
        },
    },
    report::{Report, words::Word},
    validate::{
        event::{Body, Event, State, Status, Verdict, Why},
        plan::{CHECK_LABEL, LEFT_ANNOTATION, input_name},
    },
};
use serde_json::Value;
use std::time::Duration;

/// A check that creates pods, and is run alone after those that only read.
const ACCESS: &str = "secure-accelerator-access";

/// The checks that have a Job on the cluster.
async fn jobs(setup: &Setup) -> Vec<String> {
    let path = format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs");
    let list = raw::get(&setup.connection, &path).await.expect("an answer").unwrap_or_default();
    let label = |job: &Value| job["metadata"]["labels"][CHECK_LABEL].as_str().unwrap_or_default().to_owned();
    let mut checks: Vec<String> = list["items"].as_array().into_iter().flatten().map(label).collect();
    checks.sort();
    checks
}

/// Whether the cluster says that the run was left.
async fn says_left(setup: &Setup) -> bool {
    let owner = input_name(&setup.options.plan.run_id);
    let found = objects::find(&setup.connection, "ConfigMap", NAMESPACE, &owner).await.expect("an answer");
    found.is_some_and(|found| found["metadata"]["annotations"][LEFT_ANNOTATION].is_string())
}

/// Runs until it is left; `went_on` of it, sorted, and its record.
async fn left(setup: &Setup, mut on: impl FnMut(&Body, &Control)) -> (Vec<String>, Record) {
    let folder = tempfile::tempdir().expect("a folder");
    let (writer, log) = EventLog::new();
    let (control, requests) = run::control();
    let (mut reader, records) = (log.reader(), log.reader());
    drop(log);
    let reading = async {
        let mut last = None;
        while let Some(event) = reader.next().await {
            on(&event.body, &control);
            last = Some(Event::clone(&event));
        }
        last.expect("events")
    };
    let prepared = setup.prepare();
    let running = run::run(&setup.connection, &prepared, writer, requests);
    let recording = record::record(folder.path().to_owned(), &prepared, "demo", records);
    let (report, last, path) = tokio::join!(running, reading, recording);
    let mut went_on = report.went_on.clone().expect("it was left");
    assert_eq!(last.body, Body::Left { checks: went_on.clone() }, "nothing comes after that");
    assert_eq!(report.verdict, None, "it has not ended");
    went_on.sort();
    let path = path.expect("a record").display().to_string();
    let record = record::shelf(&Target::default()).open(&path).expect("its record");
    assert_eq!(record.events.last(), Some(&last));
    let (mut followed, end) = (0, record::follow(folder.path(), &path, |_| true).await.expect("it is followed"));
    record::follow(folder.path(), &path, |_| {
        followed += 1;
        true
    })
    .await
    .expect("it is followed");
    assert_eq!((end, followed), (RecordEnd::Left, record.events.len()));
    (went_on, record)
}

/// Follows the run from elsewhere to its end, which comes by itself.
async fn attached(setup: &Setup) -> (Report, Vec<Body>) {
    let (writer, mut reader) = attach::log();
    let reading = async {
        let mut events = Vec::new();
        while let Some(event) = reader.next().await {
            events.push(event.body.clone());
        }
        events
    };
    let run_id = &setup.options.plan.run_id;
    let both = async { tokio::join!(attach::attach(&setup.connection, NAMESPACE, run_id, writer), reading) };
    let (report, events) = tokio::time::timeout(Duration::from_secs(600), both).await.expect("it ends by itself");
    (report.expect("a run"), events)
}

fn says(events: &[Body], said: &str) -> bool {
    events.iter().any(|body| matches!(body, Body::Notice { text, .. } if text.contains(said)))
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_run_that_is_left_end_by_themselves_and_no_other_check_starts() {
    let mut setup = Setup::new(vec![Fault::Slow { millis: 200 }]).await;
    setup.options.step = Step::Checks;
    let leave = |body: &Body, control: &Control| match body {
        Body::Paused { .. } => control.ask(Request::Continue { to_end: false }),
        Body::State { state: State::Running { .. }, .. } => control.leave(),
        _ => {}
    };
    let (went_on, record) = left(&setup, leave).await;
    assert_eq!(went_on, [FIVE[0]]);
    let removed = |event: &Event| matches!(event.body, Body::CleanedUp { .. } | Body::Ended { .. });
    assert!(!record.events.iter().any(removed));
    let report = record.report();
    assert_eq!((report.verdict, report.results.len()), (Some(Verdict::Inconclusive), FIVE.len()));
    for result in &report.results {
        assert_eq!((result.status, result.why), (Status::Other, Some(Why::Left)), "{result:?}");
        assert_eq!(Word::from(result), Word::NoVerdict, "nobody canceled it");
        assert_eq!(result.message.contains("its Job went on"), result.name == FIVE[0], "{result:?}");
    }
    assert!(says_left(&setup).await);

    let (report, events) = attached(&setup).await;
    let results: Vec<(&str, Status)> = report.results.iter().map(|result| (&*result.name, result.status)).collect();
    assert_eq!(results, [(FIVE[0], Status::Passed)], "what the program did not see");
    assert_eq!(report.verdict, Some(Verdict::Inconclusive));
    assert!(says(&events, "left by its program") && says(&events, "no result of 4 checks was seen here"), "{events:?}");
    assert!(matches!(events.first(), Some(Body::Planned { .. })), "{events:?}");

    assert_eq!(jobs(&setup).await, [FIVE[0]], "nothing was removed, nothing was started");
    cleanup::sweep(&setup.connection, NAMESPACE, None).await.expect("a sweep");
    assert_eq!(setup.left().await, [""; 0]);
}

/// Whatever was on its way when a person left, what is said to go on is what has a Job.
#[tokio::test(start_paused = true)]
async fn what_is_said_to_go_on_has_a_job_whenever_a_run_is_left() {
    for wait in [0, 300, 800, 1_300, 1_800, 2_300, 3_000] {
        let mut setup = Setup::new(vec![Fault::Slow { millis: 500 }]).await;
        setup.options.plan.only = vec!["dra-support".into(), "platform-health".into()];
        let mut asked = None;
        let leave = |body: &Body, control: &Control| {
            if asked.is_none() && matches!(body, Body::State { state: State::Creating, .. }) {
                let control = control.clone();
                asked = Some(tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    control.leave();
                }));
            }
        };
        let (went_on, record) = left(&setup, leave).await;
        let ended: Vec<&str> = record
            .events
            .iter()
            .filter_map(|event| match &event.body {
                Body::Finished { check, .. } => Some(check.as_str()),
                _ => None,
            })
            .collect();
        let mut there = jobs(&setup).await;
        there.retain(|check| !ended.contains(&check.as_str()));
        assert_eq!(went_on, there, "left after {wait} ms");
        assert_eq!(went_on.len() + ended.len(), 2, "left after {wait} ms: what was begun is there");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_refused_while_a_person_leaves_does_not_go_on() {
    let refused = Fault::Forbidden { verb: "patch".into(), resource: "jobs".into() };
    let mut setup = Setup::new(vec![Fault::Slow { millis: 500 }, refused]).await;
    setup.options.plan.only = vec!["dra-support".into()];
    let leave = |body: &Body, control: &Control| {
        if matches!(body, Body::State { state: State::Creating, .. }) {
            control.leave();
        }
    };
    let (went_on, record) = left(&setup, leave).await;
    assert_eq!(went_on, [""; 0]);
    assert_eq!(record.report().results[0].why, Some(Why::CreateRefused));
}

#[tokio::test(start_paused = true)]
async fn checks_of_this_process_end_with_it_and_those_after_them_do_not_start() {
    let mut setup = Setup::new(vec![Fault::Slow { millis: 200 }]).await;
    let conformance = setup.recipe.validation.as_mut().and_then(|validation| validation.conformance.as_mut());
    conformance.expect("a phase").checks.push(ACCESS.into());
    setup.options.plan.in_process = true;
    let leave = |body: &Body, control: &Control| {
        if matches!(body, Body::State { state: State::Running { .. }, .. }) {
            control.leave();
        }
    };
    let (went_on, record) = left(&setup, leave).await;
    assert_eq!(went_on, [""; 0]);
    let report = record.report();
    let of_access = report.results.iter().find(|result| result.name == ACCESS).expect("a result");
    assert_eq!((of_access.status, of_access.why), (Status::Other, Some(Why::Left)));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(jobs(&setup).await, [""; 0]);
}

/// A run that cleans up is not left any more: there is nothing to be left.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_canceled_is_cleaned_up_although_a_person_leaves() {
    let setup = Setup::new(vec![Fault::Slow { millis: 200 }]).await;
    let ran: Ran = setup
        .steer(|body, control| {
            if matches!(body, Body::State { state: State::Running { .. }, .. }) {
                control.cancel();
                control.leave();
            }
        })
        .await;
    ran.in_order();
    assert_eq!((ran.report().verdict, &ran.report().went_on), (Some(Verdict::Canceled), &None));
    assert_eq!(setup.left().await, [""; 0]);
}

/// Nobody removes it either, so that who follows it would wait for ever.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_kept_has_ended_for_who_attaches_to_it() {
    let mut setup = Setup::new(Vec::new()).await;
    setup.options.keep = true;
    assert_eq!(setup.run(never).await.report().verdict, Some(Verdict::Passed));
    let (report, events) = attached(&setup).await;
    assert_eq!((report.verdict, report.results.len()), (Some(Verdict::Passed), FIVE.len()), "{events:?}");
}

#[cfg(unix)]
mod at_a_terminal {
    use super::super::{sandbox::Sandbox, served::Served, workbench_pty::Terminal};
    use std::ffi::OsStr;

    impl Served {
        /// The workbench in the home of the sandbox.
        fn terminal(&self, columns: u16, rows: u16, term: &str, arguments: &str) -> Terminal {
            let home = self.sandbox.home().as_os_str();
            let variables = [("TERM", OsStr::new(term)), ("KUBECONFIG", self.kubeconfig.as_os_str()), ("HOME", home)];
            Terminal::start_with(columns, rows, arguments, &variables)
        }

        /// What is said after the workbench has closed, what the record says, and what removes the rest.
        fn is_left(&self, terminal: &Terminal) {
            for said in ["warning: run ", " was left in namespace aicr-validation of test; ", "dra-support"] {
                terminal.shows(said);
            }
            assert!(self.has_job(), "{:?}", self.left());
            let list = self.sandbox.aicr(&["runs", "list"]);
            let row = list.stdout.lines().nth(1).unwrap_or_default().to_owned();
            assert!(row.contains(" left "), "{}", list.transcript);
            let run = row.split(' ').next().unwrap_or_default();
            terminal.shows(&format!("after the end of a Job: aicr runs follow {run} --cluster=aicr-validation"));
            terminal.shows(&format!("to remove it: aicr cleanup --namespace aicr-validation --run-id {run}"));
            let shown = self.sandbox.aicr(&["runs", "show", "last"]);
            assert!(shown.stdout.contains("its Job went on when the run was left"), "{}", shown.transcript);
            assert!(
                !shown.stdout.contains("canceled") && !shown.stdout.contains("interrupted"),
                "{}",
                shown.transcript
            );
            let followed = self.sandbox.aicr(&["runs", "follow", "last"]);
            assert!(followed.code == 9 && followed.stderr.contains("the run was left; `aicr runs follow "));
            let kubeconfig = self.kubeconfig.display().to_string();
            let clean = self.sandbox.aicr(&["cleanup", "--run-id", run, "--kubeconfig", &kubeconfig]);
            assert_eq!((clean.code, self.left()), (0, Vec::new()), "{}", clean.transcript);
        }
    }

    const VALIDATE: &str = "tui --screen validate --service kind --accelerator a100";

    #[test]
    fn a_person_leaves_the_jobs_on_a_screen_and_is_told_how_to_see_and_remove_them() {
        let served = Served::new();
        let mut terminal = served.terminal(120, 40, "xterm-256color", VALIDATE);
        terminal.shows("operator-health");
        // Before the cluster is read, a run cannot begin.
        terminal.shows("LIVE fresh");
        terminal.shows("constraint met");
        terminal.press("r");
        terminal.shows("run 9 checks?");
        terminal.press("\t\r");
        terminal.shows("unscheduled");
        terminal.press("q");
        terminal.shows("They go on and end by themselves: ");
        terminal.press("\t");
        terminal.shows("[ leave the Jobs ]");
        terminal.press("\r");
        terminal.restored(0);
        served.is_left(&terminal);
    }

    /// By its labels, whatever is known of it on this machine.
    #[test]
    fn a_new_start_attaches_to_the_run_that_was_left_and_leaves_it_again() {
        let served = Served::new();
        let mut first = served.terminal(120, 40, "xterm-256color", VALIDATE);
        first.shows("operator-health");
        first.shows("LIVE fresh");
        first.press("r");
        first.shows("run 9 checks?");
        first.press("\t\r");
        first.shows("unscheduled");
        first.press("q");
        first.shows("leave the Jobs");
        first.press("\t\r");
        first.restored(0);
        let kubeconfig = ("KUBECONFIG", served.kubeconfig.as_os_str());
        let here = served.terminal(120, 40, "xterm-256color", "tui --fresh --read-only");
        // A home of its own, as on another machine.
        let elsewhere = Terminal::start_with(120, 40, "tui", &[kubeconfig]);
        for (mut terminal, known) in [(here, "left by its program"), (elsewhere, "started elsewhere")] {
            terminal.shows(&format!(", {known}, has Jobs; followed on Validate (4)"));
            terminal.press("4");
            terminal.shows("ATTACHED");
            terminal.shows("unscheduled");
            terminal.press("x");
            terminal.shows("end following the run?");
            terminal.press("\t\r");
            terminal.shows("NOT FOLLOWED");
            // It is not a run of this program: there is nothing to ask.
            terminal.press("q");
            terminal.restored(0);
            assert!(served.has_job(), "{:?}", served.left());
        }
        served.is_left(&first);
    }

    /// Who may not list Jobs has not asked for any; who wants to know why finds it.
    #[test]
    fn runs_that_may_not_be_looked_for_are_in_the_log_and_nowhere_else() {
        let sandbox = Sandbox::new();
        let arguments = ["--demo", "--fault", "forbidden=list:jobs", "tui", "--linear"];
        let run = sandbox.aicr_with(&arguments, "where\nmessages\nquit\n");
        let (before, after) = run.stdout.split_once("messages, newest first").expect("the list of messages");
        assert!(
            after.contains("not looked for runs of others: ") && after.contains("cannot list resource \"jobs\""),
            "{}",
            run.transcript
        );
        assert!(!before.contains("not looked for"), "{}", run.transcript);
    }

    #[test]
    fn a_person_leaves_the_jobs_in_lines_by_the_number_of_the_answer() {
        let served = Served::new();
        let mut terminal = served.terminal(160, 60, "dumb", VALIDATE);
        terminal.shows("Validate, phases and checks> ");
        terminal.press("run\r");
        terminal.shows("2: run");
        terminal.press("2\r");
        terminal.shows("dra-support: unscheduled");
        terminal.press("quit\r");
        terminal.shows("1: stay");
        terminal.shows("2: leave the Jobs");
        terminal.shows("3: cancel and leave");
        terminal.press("4\r");
        terminal.shows("answer 1, 2 or 3");
        terminal.press("2\r");
        terminal.restored(0);
        served.is_left(&terminal);
    }
}
