//! What the program leaves of itself: the log, and the report of a panic.

use crate::sandbox::{Run, Sandbox, server, status};
use std::path::Path;

/// Runs with these variables, with the state folder `state` in the sandbox.
fn run(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = sandbox.command(arguments);
    command.env("AICR_STATE_DIR", sandbox.home().join("state")).envs(variables.iter().copied());
    let output = command.output().unwrap();
    sandbox.run(arguments, output)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The one report of a panic in the state folder.
#[track_caller]
fn report(sandbox: &Sandbox) -> (String, String) {
    let entries = std::fs::read_dir(sandbox.home().join("state")).unwrap();
    let mut reports: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    reports.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("panic-"));
    assert_eq!(reports.len(), 1, "{reports:?}");
    (reports[0].to_string_lossy().into_owned(), read(&reports[0]))
}

#[test]
fn a_panic_is_exit_8_one_message_and_a_report() {
    let sandbox = Sandbox::new();
    let arguments = ["catalog", "digest", "--context", "password=hunter22"];
    let done = run(&sandbox, &arguments, &[("AICR_TEST_PANIC", "command"), ("NO_COLOR", "1")]);
    assert_eq!((done.code, done.stdout.as_str()), (8, ""), "{}", done.transcript);
    let (path, text) = report(&sandbox);
    assert!(done.stderr.starts_with("error: failed to finish, because of a fault in aicr\n"), "{}", done.stderr);
    assert!(done.stderr.contains(&path) && done.stderr.lines().count() == 4, "{}", done.stderr);
    assert!(!done.stderr.contains('\u{1b}') && !text.contains('\u{1b}'), "{}", done.transcript);
    for part in
        ["a test asked for this panic", "src/cli/crash.rs", env!("CARGO_PKG_VERSION"), "catalog digest", "backtrace:"]
    {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("hunter22"), "{text}");
}

#[test]
fn a_panic_is_in_color_only_where_color_is_wanted() {
    let panics = |arguments: &[&str]| run(&Sandbox::new(), arguments, &[("AICR_TEST_PANIC", "command")]).stderr;
    assert!(!panics(&["catalog", "digest"]).contains('\u{1b}'));
    assert!(panics(&["--color", "always", "catalog", "digest"]).contains('\u{1b}'));
}

#[test]
fn credentials_never_reach_the_log() {
    let sandbox = Sandbox::new();
    let address = server(|path| match path {
        "/version" => Some(status(403, "Forbidden", "you sent Authorization: Bearer tok-en.s3cr3t")),
        _ => Some(status(401, "Unauthorized", "token: tok-en.s3cr3t is not known")),
    });
    let kubeconfig = sandbox.kubeconfig(&format!("http://{address}"));
    let text = read(&kubeconfig).replace("stale", "tok-en.s3cr3t");
    std::fs::write(&kubeconfig, text).unwrap();
    for json in ["false", "true"] {
        let done = run(&sandbox, &["snapshot"], &[("AICR_LOG", "trace"), ("AICR_LOG_JSON", json)]);
        assert_eq!(done.code, 4, "{}", done.transcript);
    }
    let log = read(&sandbox.home().join("state/aicr.log"));
    assert!(log.contains("/api/v1/nodes"), "what was asked for is in the log: {log}");
    assert!(log.contains("[redacted]"), "{log}");
    assert!(!log.contains("s3cr3t"), "{log}");
    let json = log.lines().filter(|line| line.starts_with('{')).count();
    assert!(json > 0 && log.lines().count() > json, "text and JSON: {log}");
}

#[test]
fn the_log_of_a_quiet_command_is_not_created() {
    let sandbox = Sandbox::new();
    let done = run(&sandbox, &["catalog", "digest"], &[]);
    assert_eq!(done.code, 0, "{}", done.transcript);
    assert!(!sandbox.home().join("state").exists());
}

#[test]
fn a_filter_that_cannot_be_read_is_bad_usage() {
    let done = run(&Sandbox::new(), &["--log", "aicr=loud", "catalog", "digest"], &[]);
    assert_eq!(done.code, 2, "{}", done.transcript);
    assert!(done.stderr.contains("aicr=debug,kube_client=info"), "{}", done.stderr);
}
