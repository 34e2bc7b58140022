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
    cluster::{ClusterError, ClusterErrorKind, Connection, collect::list},
    demo::{PodExit, PodRun},
    validate::{
        checks::{self, Answer, Check, Ending, Facts, Outcome, Read, Step, kept},
        input::Input,
    },
};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// Seconds that a check may take when nobody says otherwise: the default limit less its margin.
const DEFAULT_BUDGET_SECONDS: f64 = 270.0;
/// A read gets at least this, even where the time of the check is up.
const SHORTEST_READ: Duration = Duration::from_secs(5);
/// How often a read is tried when the server cannot be reached.
const TRIES: u64 = 3;
/// What the kubelet keeps of a termination message, in bytes.
const TERMINATION_BYTES: usize = 4096;

/// Exit code of a check that was told to stop: no verdict.
const STOPPED: i32 = 143;

/// Runs a check to its end; `say` gets every line of output as it comes.
pub async fn run(
    connection: &Connection,
    check: &dyn Check,
    input: &Input,
    budget: Duration,
    mut say: impl FnMut(String),
) -> PodExit {
    let start = Instant::now();
    let mut facts = Facts::default();
    let mut waited_for = String::new();
    loop {
        let elapsed = start.elapsed();
        // When time is up, no patience is left: the check has to judge what it knows.
        let told = if elapsed >= budget { u64::MAX } else { elapsed.as_secs() };
        let limit = budget.saturating_sub(elapsed).max(SHORTEST_READ);
        match check.next(input, &facts, told) {
            Step::Read(reads) => read_all(connection, reads, &mut facts, limit).await,
            Step::Again { after, reads, waiting_for } => {
                if waiting_for != waited_for {
                    say(format!("waiting for: {waiting_for}"));
                    waited_for = waiting_for;
                }
                tokio::time::sleep(Duration::from_secs(after).min(budget.saturating_sub(elapsed))).await;
                read_all(connection, reads, &mut facts, limit).await;
            }
            Step::End(ending) => return end(ending, say),
        }
    }
}

async fn read_all(connection: &Connection, reads: Vec<Read>, facts: &mut Facts, limit: Duration) {
    let answers = reads.iter().map(|wanted| async move {
        let answer = tokio::time::timeout(limit, read(connection, wanted)).await;
        answer.unwrap_or_else(|_| Answer::Failed(format!("no answer within {} s", limit.as_secs())))
    });
    let answers = futures::future::join_all(answers).await;
    facts.0.extend(reads.into_iter().zip(answers));
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
        if may_pass && tries < TRIES && !matches!(wanted, Read::Http(_)) {
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
            let listed = list::labelled(connection, &format!("list {path}"), path, labels, prune).await?;
            Ok(Answer::Items(listed.items))
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
            Answer::Failed(format!("namespace `{namespace}` does not exist"))
        }
        _ => Answer::Forbidden(found),
    }
}

fn end(ending: Ending, mut say: impl FnMut(String)) -> PodExit {
    for block in ending.evidence {
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
    };
    if code != 0 {
        say(format!("{}: {message}", if code == 1 { "FAIL" } else { "SKIP" }));
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
    budget: Option<&str>,
    say: impl FnMut(String),
) -> PodExit {
    let refuse = |message: String| PodExit { code: 1, termination_message: message };
    let Some(check) = checks::find(name) else {
        let known: Vec<&str> = checks::ALL.iter().map(|check| check.name()).collect();
        return refuse(format!("unknown check `{name}`; known: {}", known.join(", ")));
    };
    let input = match validation.and_then(|text| Input::read(&text)) {
        Ok(input) => input,
        Err(message) => return refuse(format!("the validation input cannot be read: {message}")),
    };
    let seconds = budget.and_then(duration_seconds).unwrap_or(DEFAULT_BUDGET_SECONDS);
    run(connection, check, &input, Duration::from_secs_f64(seconds), say).await
}

/// Runs a container of the demo cluster.
pub(super) async fn in_demo(pod: PodRun) -> PodExit {
    let PodRun { args, env, files, demo, log, image: _, command: _ } = pod;
    let name = args.last().cloned().unwrap_or_default();
    let path = env.get("AICR_VALIDATION_PATH").cloned().unwrap_or_default();
    let validation = files.get(&path).cloned().ok_or_else(|| format!("the file `{path}` is not mounted"));
    let budget = env.get("AICR_CHECK_TIMEOUT").map(String::as_str);
    // The reader of the log may be gone; then nobody wants the line.
    contained(&super::demo::to_demo(&demo), &name, validation, budget, |line| drop(log.send(line))).await
}

/// `aicr check <name>`: runs in a pod, prints evidence through `say`, writes the termination message, returns the code.
///
/// # Errors
/// No cluster to talk to; the termination message says so as well.
pub async fn in_pod(target: &Target, name: &str, say: impl FnMut(String)) -> Result<i32, Failure> {
    let checked = async {
        let path = env("AICR_VALIDATION_PATH").unwrap_or_else(|| "/data/validation/validation.yaml".to_owned());
        let validation = tokio::fs::read_to_string(&path).await.map_err(|error| format!("{path}: {error}"));
        let connection = connect::connect(target).await?;
        let budget = env("AICR_CHECK_TIMEOUT");
        Ok(contained(&connection, name, validation, budget.as_deref(), say).await)
    };
    let exit: Result<PodExit, Failure> = tokio::select! {
        exit = checked => exit,
        () = asked_to_stop() => Ok(PodExit { code: STOPPED, termination_message: "the check was asked to stop".to_owned() }),
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
