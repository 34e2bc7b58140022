//! Run one check against a cluster: read what it asks for, let it judge, tell the evidence.
//!
//! The same code runs in a pod (`aicr check <name>`), in the demo cluster's containers, and nowhere else: a check does
//! not know which cluster it looks at.

use super::{
    Failure, Kind,
    connect::{self, Target},
};
use crate::{
    catalog::parse::duration_seconds,
    cluster::{
        ClusterError, ClusterErrorKind, Connection, changes,
        collect::list,
        pod_exec::{self, Ran},
    },
    demo::{PodExit, PodRun},
    snapshot::agent::plan,
    validate::{
        checks::{self, Answer, Block, Change, Check, Ending, Facts, Outcome, Part, Probe, Read, Step, kept},
        input::{self, Input},
    },
};
use futures::StreamExt;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// Seconds that a check may take when nobody says otherwise: the default limit less its margin.
const DEFAULT_BUDGET_SECONDS: f64 = 270.0;
/// A read gets at least this, even where the time of the check is up.
const SHORTEST_READ: Duration = Duration::from_secs(5);
/// Reads under way at a time.
const READS: usize = 16;
/// What was created may take so long to disappear.
const CLEAN_UP: Duration = Duration::from_secs(25);
/// What is foreseen before a run must not hold up its plan.
const FORESIGHT: Duration = Duration::from_secs(10);
const FORESIGHT_READS: usize = 8;
/// How often a read is tried when the server cannot be reached.
const TRIES: u64 = 3;
/// In the names of the images that the reference publishes, whatever the registry.
const OF_REFERENCE: &str = "/aicr-validators/";
/// What the kubelet keeps of a termination message, in bytes.
const TERMINATION_BYTES: usize = 4096;

/// Exit code of a check that was told to stop: no verdict.
const STOPPED: i32 = 143;
/// Exit code of a check that cannot tell.
const NO_VERDICT: i32 = 3;

/// Runs a check to its end, or until `stop` is there; `say` gets every line of output as it comes. What the check created
/// is deleted in any case.
pub async fn run(
    connection: &Connection,
    check: &dyn Check,
    input: &Input,
    budget: Duration,
    stop: impl Future<Output = ()>,
    mut say: impl FnMut(String),
) -> PodExit {
    let mut made = Vec::new();
    let ending = {
        let judged = judge(connection, check, input, budget, &mut made, &mut say);
        tokio::select! {
            ending = judged => Some(ending),
            () = stop => None,
        }
    };
    let Some(mut ending) = ending else {
        // The kubelet waits for a moment only.
        unmake(connection, &made, Duration::ZERO).await;
        return PodExit { code: STOPPED, termination_message: "the check was asked to stop".to_owned() };
    };
    if !made.is_empty() {
        let left = unmake(connection, &made, CLEAN_UP).await;
        let gone = |path: &&String| !left.iter().any(|left| left.starts_with(path.as_str()));
        let lines = made.iter().rev().filter(gone).map(|path| format!("deleted {path}"));
        let lines = lines.chain(left.iter().map(|left| format!("not deleted: {left}"))).collect();
        ending.evidence.push(Block::new("Clean-up", lines));
        if !left.is_empty() {
            let problem = format!("clean-up incomplete: {}", left.join("; "));
            match &mut ending.outcome {
                Outcome::Fail(problems) | Outcome::NoVerdict(problems) => problems.push(problem),
                _ => ending.outcome = Outcome::Fail(vec![problem]),
            }
        }
    }
    end(ending, say)
}

/// Does what the check asks for until it ends; the paths of what it created go to `made`.
async fn judge(
    connection: &Connection,
    check: &dyn Check,
    input: &Input,
    budget: Duration,
    made: &mut Vec<String>,
    mut say: impl FnMut(String),
) -> Ending {
    let start = Instant::now();
    let mut facts = Facts::default();
    let mut waited_for = String::new();
    let mut told_rows = 0;
    loop {
        for row in check.measured(&facts).iter().skip(told_rows) {
            say(row.line());
            told_rows += 1;
        }
        let elapsed = start.elapsed();
        let is_over = elapsed >= budget;
        // When time is up, no patience is left: the check has to judge what it knows.
        let told = if is_over { u64::MAX } else { elapsed.as_secs() };
        let limit = budget.saturating_sub(elapsed).max(SHORTEST_READ);
        match check.next(input, &facts, told) {
            Step::Read(reads) => read_all(connection, reads, &mut facts, limit).await,
            Step::Change(changes) => {
                for change in changes {
                    say(format!("{} {}", verb(&change), change.path()));
                    let answer = make(connection, &change, made, limit).await;
                    facts.changed(&change, answer, start.elapsed().as_secs());
                }
            }
            Step::Again { waiting_for, .. } if is_over => {
                let problem = format!("the time is up; last waited for: {waiting_for}");
                return Ending { outcome: Outcome::NoVerdict(vec![problem]), evidence: Vec::new(), parts: Vec::new() };
            }
            Step::Again { after, reads, waiting_for } => {
                if waiting_for != waited_for {
                    say(format!("{}{waiting_for}", checks::WAITING));
                    waited_for = waiting_for;
                }
                tokio::time::sleep(Duration::from_secs(after).min(budget.saturating_sub(elapsed))).await;
                read_all(connection, reads, &mut facts, limit).await;
            }
            Step::End(ending) => return ending,
        }
    }
}

/// Why a check would be skipped as the cluster is now; `None` where it would not be, or where that shows only when it runs.
///
/// The check is asked as if it ran, until it wants to change or to wait for something: nothing is created for the answer.
pub async fn foresee(connection: &Connection, check: &dyn Check, input: &Input) -> Option<String> {
    let mut facts = Facts::default();
    let asking = async {
        for _ in 0..FORESIGHT_READS {
            match check.next(input, &facts, 0) {
                Step::Read(reads) => read_all(connection, reads, &mut facts, SHORTEST_READ).await,
                Step::End(Ending { outcome: Outcome::Skip(reason), .. }) => return Some(reason),
                Step::End(_) | Step::Change(_) | Step::Again { .. } => return None,
            }
        }
        None
    };
    tokio::time::timeout(FORESIGHT, asking).await.ok().flatten()
}

fn verb(change: &Change) -> &'static str {
    match change {
        Change::Create { trial: true, .. } => "try to create",
        Change::Create { .. } => "create",
        Change::Patch { .. } => "change",
        Change::Run { .. } => "run a command by",
    }
}

/// What came of a command, which is run once and for as long as the check has time.
async fn ran(running: impl Future<Output = Result<Ran, ClusterError>>, limit: Duration) -> Answer {
    match tokio::time::timeout(limit, running).await {
        Ok(Ok(Ran { code, output, errors })) => Answer::Ran { code, output, errors },
        Ok(Err(error)) => match error.kind {
            ClusterErrorKind::NotFound => Answer::NotFound,
            ClusterErrorKind::Forbidden => Answer::Forbidden(error.found),
            _ => Answer::Failed(error.found),
        },
        Err(_) => Answer::Failed(format!("the command did not end within {} s", limit.as_secs())),
    }
}

/// Makes one change. What may have been created is noted before anybody knows.
async fn make(connection: &Connection, change: &Change, made: &mut Vec<String>, limit: Duration) -> Answer {
    let path = change.path();
    let mut tries = 0;
    loop {
        tries += 1;
        let result = match change {
            Change::Create { object, trial, .. } => {
                if !trial && !made.contains(&path) {
                    made.push(path.clone());
                }
                changes::create(connection, &change.collection(), object, *trial).await
            }
            Change::Patch { patch, .. } => changes::patch(connection, &path, patch).await,
            Change::Run { namespace, pod, container, command } => {
                return ran(pod_exec::run(connection, namespace, pod, container, command), limit).await;
            }
        };
        let error = match result {
            Ok(object) => return Answer::Found(object),
            Err(error) => error,
        };
        let unsure = matches!(error.kind, ClusterErrorKind::Unreachable | ClusterErrorKind::Timeout);
        if unsure && tries < TRIES {
            tokio::time::sleep(Duration::from_secs(tries)).await;
            continue;
        }
        // An earlier try may have been heard.
        if error.kind == ClusterErrorKind::Conflict
            && tries > 1
            && let Ok(object) = list::get(connection, &format!("get {path}"), &path).await
        {
            return Answer::Found(object);
        }
        if !unsure {
            made.retain(|known| *known != path || matches!(change, Change::Patch { .. }));
        }
        return match error.kind {
            ClusterErrorKind::NotFound => Answer::NotFound,
            // Webhooks and policies refuse with the status of missing rights.
            ClusterErrorKind::Forbidden if error.found.contains("denied") || error.found.contains("admission") => {
                Answer::Refused(error.found)
            }
            ClusterErrorKind::Forbidden
                if error.found.contains("exceeded quota") || error.found.contains("violates") =>
            {
                Answer::Refused(error.found)
            }
            ClusterErrorKind::Forbidden => Answer::Forbidden(error.found),
            ClusterErrorKind::Rejected | ClusterErrorKind::Conflict | ClusterErrorKind::TooLarge => {
                Answer::Refused(error.found)
            }
            _ => Answer::Failed(error.found),
        };
    }
}

/// Deletes what was created, the newest first, and waits until it is gone; what stays is named with the reason.
async fn unmake(connection: &Connection, made: &[String], patience: Duration) -> Vec<String> {
    let start = Instant::now();
    let mut left: Vec<String> = Vec::new();
    for path in made.iter().rev() {
        if let Err(error) = changes::delete(connection, path).await {
            left.push(format!("{path} ({})", error.found));
        }
    }
    for path in made.iter().rev().filter(|_| !patience.is_zero()) {
        loop {
            match list::get::<Value>(connection, &format!("get {path}"), path).await {
                Err(error) if error.kind == ClusterErrorKind::NotFound => break,
                _ if start.elapsed() < patience => tokio::time::sleep(Duration::from_millis(250)).await,
                Ok(_) => {
                    left.push(format!("{path} (still there after {} s)", patience.as_secs()));
                    break;
                }
                Err(error) => {
                    left.push(format!("{path} ({})", error.found));
                    break;
                }
            }
        }
    }
    left
}

async fn read_all(connection: &Connection, reads: Vec<Read>, facts: &mut Facts, limit: Duration) {
    // Collected first: a stream over the closure itself could not be sent between threads.
    let answers: Vec<_> = reads.iter().map(|wanted| read_within(connection, wanted, limit)).collect();
    let answers: Vec<Answer> = futures::stream::iter(answers).buffered(READS).collect().await;
    facts.answers.extend(reads.into_iter().zip(answers));
}

async fn read_within(connection: &Connection, wanted: &Read, limit: Duration) -> Answer {
    let answer = tokio::time::timeout(limit, read(connection, wanted)).await;
    answer.unwrap_or_else(|_| Answer::Failed(format!("no answer within {} s", limit.as_secs())))
}

/// One read, tried again where the server could not answer for a moment.
async fn read(connection: &Connection, wanted: &Read) -> Answer {
    let mut tries = 0;
    loop {
        tries += 1;
        let error = match ask(connection, wanted).await {
            Ok(answer) => return answer,
            Err(error) => error,
        };
        let may_pass = matches!(error.kind, ClusterErrorKind::Unreachable | ClusterErrorKind::Timeout);
        // Checks have a patience of their own with Services that start.
        if may_pass && tries < TRIES && !matches!(wanted, Read::Http(_) | Read::Samples { .. }) {
            tokio::time::sleep(Duration::from_secs(tries)).await;
            continue;
        }
        return match error.kind {
            ClusterErrorKind::NotFound => Answer::NotFound,
            ClusterErrorKind::Forbidden => forbidden(connection, wanted, error.found).await,
            _ => Answer::Failed(error.found),
        };
    }
}

async fn ask(connection: &Connection, wanted: &Read) -> Result<Answer, ClusterError> {
    match wanted {
        Read::Get(path) => list::get(connection, &format!("get {path}"), path).await.map(Answer::Found),
        Read::List { path, labels, keep } => {
            let prune = |item: Value| kept(&item, keep);
            let listed = list::labeled(connection, &format!("list {path}"), path, labels, prune).await?;
            Ok(Answer::Items(listed.items))
        }
        Read::Samples { url, names } => {
            let answer = connection.http_get(url).await?;
            Ok(Answer::Http { status: answer.status, body: checks::samples(&answer.body, names) })
        }
        Read::Log { namespace, pod, container } => {
            changes::log(connection, namespace, pod, container).await.map(Answer::Log)
        }
        Read::Http(url) => {
            connection.http_get(url).await.map(|answer| Answer::Http { status: answer.status, body: answer.body })
        }
    }
}

/// What a refusal means: rights in a namespace cannot be given before the namespace exists.
async fn forbidden(connection: &Connection, wanted: &Read, found: String) -> Answer {
    let Some(namespace) = wanted.namespace() else { return Answer::Forbidden(found) };
    let exists = list::get::<Value>(connection, "get namespaces", &format!("/api/v1/namespaces/{namespace}")).await;
    match exists {
        Err(error) if error.kind == ClusterErrorKind::NotFound => {
            Answer::NoNamespace(format!("namespace `{namespace}` does not exist"))
        }
        _ => Answer::Forbidden(found),
    }
}

fn end(ending: Ending, mut say: impl FnMut(String)) -> PodExit {
    let parts = ending.parts.iter().map(Part::line).collect::<Vec<_>>();
    let parts = (!parts.is_empty()).then(|| Block::new(checks::PARTS, parts));
    for block in ending.evidence.into_iter().chain(parts) {
        say(format!("--- {} ---", block.label));
        if let Some(command) = block.equivalent {
            say(format!("Equivalent: {command}"));
            say(String::new());
        }
        block.lines.into_iter().flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).for_each(&mut say);
    }
    let (code, message) = match ending.outcome {
        Outcome::Pass => (0, String::new()),
        Outcome::Fail(problems) => (1, problems.join("\n")),
        Outcome::Skip(reason) => (2, reason),
        Outcome::NoVerdict(reasons) => (NO_VERDICT, reasons.join("\n")),
    };
    if code != 0 {
        let word = match code {
            1 => "FAIL",
            2 => "SKIP",
            _ => "NO VERDICT",
        };
        say(format!("{word}: {message}"));
    }
    PodExit { code, termination_message: cut(&message, TERMINATION_BYTES) }
}

fn cut(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

/// What a container of a check does, given its arguments, environment and files.
async fn contained(
    connection: &Connection,
    name: &str,
    validation: Result<String, String>,
    variable: &(dyn Fn(&str) -> Option<String> + Sync),
    stop: impl Future<Output = ()>,
    say: impl FnMut(String),
) -> PodExit {
    let refuse = |message: String| PodExit { code: 1, termination_message: message };
    let Some(check) = checks::find(name) else {
        let known: Vec<&str> = checks::ALL.iter().map(|check| check.name()).collect();
        return refuse(format!("unknown check `{name}`; known: {}", known.join(", ")));
    };
    let input = match validation.and_then(|text| Input::read(&text)) {
        Ok(input) => Input { place: place(variable), ..input },
        Err(message) => return refuse(format!("the validation input cannot be read: {message}")),
    };
    let budget = variable("AICR_CHECK_TIMEOUT");
    let seconds = budget.as_deref().and_then(duration_seconds).unwrap_or(DEFAULT_BUDGET_SECONDS);
    run(connection, check, &input, Duration::from_secs_f64(seconds), stop, say).await
}

/// Where the check runs, as its pod tells it.
fn place(variable: &dyn Fn(&str) -> Option<String>) -> input::Place {
    let text = |name: &str| variable(name).unwrap_or_default();
    let mut place = input::Place {
        namespace: text("AICR_NAMESPACE"),
        run_id: text("AICR_RUN_ID"),
        image: text("AICR_CHECK_IMAGE"),
        pull_policy: text("AICR_CHECK_PULL_POLICY"),
        pull_secrets: text("AICR_CHECK_PULL_SECRETS").split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
        pod: variable("AICR_POD_NAME").zip(variable("AICR_POD_UID")),
        ..input::Place::default()
    };
    place.said(variable);
    place
}

/// Runs a container of the demo cluster.
pub(super) async fn in_demo(pod: PodRun) -> PodExit {
    let PodRun { image, command, args, env, files, demo, log, devices, node_labels } = pod;
    // The reader of the log may be gone; then nobody wants the line.
    let say = |line: String| drop(log.send(line));
    if let Some(code) = stand_in::run(&command.join(" "), &devices, &node_labels, say).await {
        return PodExit { code, termination_message: String::new() };
    }
    let name = args.last().cloned().unwrap_or_default();
    if name == plan::ARGUMENT {
        super::agent::in_demo(&node_labels, &env).into_iter().for_each(say);
        return PodExit { code: 0, termination_message: String::new() };
    }
    if let Some(text) = name.strip_prefix("--probe=") {
        let code = match text.parse() {
            Ok(asked) => probe(asked, &devices, say).await,
            Err(error) => {
                say(error);
                1
            }
        };
        return PodExit { code, termination_message: String::new() };
    }
    // A verdict of this program would be told as one of the image.
    if image.contains(OF_REFERENCE) {
        let termination_message = format!("the demo has no published image of the reference: {image} is not run");
        return PodExit { code: NO_VERDICT, termination_message };
    }
    let path = env.get("AICR_VALIDATION_PATH").cloned().unwrap_or_default();
    let validation = files.get(&path).cloned().ok_or_else(|| format!("the file `{path}` is not mounted"));
    let variable = |name: &str| env.get(name).filter(|value| !value.is_empty()).cloned();
    // A container of the demo is stopped by being dropped; what it created goes with its pod.
    let never = std::future::pending();
    contained(&super::demo::to_demo(&demo), &name, validation, &variable, never, say).await
}

mod stand_in;

/// The exit code of a probe that could not look.
const UNREADABLE: i32 = 3;

/// What a pod of a check does; the exit code.
async fn probe(asked: Probe, devices: &[String], mut say: impl FnMut(String)) -> i32 {
    match asked {
        Probe::Devices(expected) => {
            let (lines, as_expected) = Probe::count(expected, devices);
            lines.into_iter().for_each(say);
            i32::from(!as_expected)
        }
        Probe::Hold(seconds) => {
            say(format!("holding for {seconds} s"));
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            0
        }
        Probe::Host(file) => {
            let path = format!("{}/{}", file.folder_in_pod(), file.path());
            let text = match tokio::fs::read(&path).await {
                Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => {
                    say(format!("{path} cannot be read: {}", crate::text::reason(&error.to_string())));
                    return UNREADABLE;
                }
            };
            let (line, as_expected) = file.judge(text.as_deref());
            say(line);
            i32::from(!as_expected)
        }
    }
}

/// `aicr check --probe`: what a pod of a check does; the exit code.
pub async fn probe_in_pod(asked: Probe, say: impl FnMut(String)) -> i32 {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().filter_map(Result::ok);
    let devices: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    tokio::select! {
        code = probe(asked, &devices, say) => code,
        () = asked_to_stop() => STOPPED,
    }
}

/// `aicr check <name>`: runs in a pod, prints evidence through `say`, writes the termination message, returns the code.
///
/// # Errors
/// No cluster to talk to; the termination message says so as well.
pub async fn in_pod(target: &Target, name: &str, say: impl FnMut(String)) -> Result<i32, Failure> {
    let path = env("AICR_VALIDATION_PATH").unwrap_or_else(|| "/data/validation/validation.yaml".to_owned());
    let validation = tokio::fs::read_to_string(&path).await.map_err(|error| format!("{path}: {error}"));
    let exit: Result<PodExit, Failure> = match connect::connect(target).await {
        Ok(connection) => Ok(contained(&connection, name, validation, &env, asked_to_stop(), say).await),
        Err(failure) => Err(failure),
    };
    let message = match &exit {
        Ok(exit) => exit.termination_message.clone(),
        Err(failure) => cut(&failure.to_string(), TERMINATION_BYTES),
    };
    if !message.is_empty() {
        let path = env("AICR_TERMINATION_LOG").unwrap_or_else(|| "/dev/termination-log".to_owned());
        // Outside a pod there is no such file to write to; the reason is on standard output as well.
        if let Err(error) = tokio::fs::write(&path, &message).await
            && error.kind() != std::io::ErrorKind::PermissionDenied
            && error.kind() != std::io::ErrorKind::NotFound
        {
            let failure = Failure::from_error(Kind::Internal, "write the termination message", error);
            return Err(failure.at(path));
        }
    }
    Ok(exit?.code)
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Ends when the kubelet asks the container to. The kernel ignores the signal for the first process of a container unless
/// somebody listens, and the pod would stay for its whole grace period.
async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        signal.recv().await;
        return;
    }
    std::future::pending().await
}
