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
    let text = read(&kubeconfig).replace("user: {}", "user: {token: tok-en.s3cr3t}");
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

#[test]
fn the_client_s_own_events_are_logged_and_hold_no_login() {
    let sandbox = Sandbox::new();
    let address = server(|path| {
        match path.starts_with("/api/v1/nodes") {
        // A Secret where nodes were asked for, cut in the middle: our client of Kubernetes quotes it in a warning.
        true => Some("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=s3cr3t\r\n\r\n{\"data\":{\"x\":\"s3cr3t".to_owned()),
        false => Some(status(401, "Unauthorized", "password=s3cr3t")),
    }
    });
    sandbox.kubeconfig(&format!("http://jane:pa-s3cr3t@{address}"));
    let variables = [("AICR_LOG", "trace"), ("HTTP_PROXY", "http://jane:s3cr3t@127.0.0.1:1"), ("NO_PROXY", "x")];
    let done = run(&sandbox, &["snapshot"], &variables);
    assert_ne!(done.code, 0, "{}", done.transcript);
    let log = read(&sandbox.home().join("state/aicr.log"));
    assert!(log.contains("hyper_util::client::legacy"), "the pool and the connector speak: {log}");
    assert!(log.contains("kube_client"), "{log}");
    assert!(!log.contains("s3cr3t") && !done.stderr.contains("pa-s3cr3t"), "{log}\n{}", done.stderr);
}

#[test]
fn a_run_s_phases_are_logged_from_its_start_to_its_clean_up() {
    let sandbox = Sandbox::new();
    let arguments = ["--demo", "validate", "--service", "kind", "--phase", "conformance", "--check", "dra-support"];
    let done = run(&sandbox, &arguments, &[]);
    assert_eq!(done.code, 0, "{}", done.transcript);
    let log = read(&sandbox.home().join("state/aicr.log"));
    let steps = ["run started", "phase started", "check ended", "phase ended", "run cleaned up", "run ended"];
    let found: Vec<usize> =
        steps.iter().map(|step| log.find(step).unwrap_or_else(|| panic!("{step}: {log}"))).collect();
    assert!(found.is_sorted(), "{log}");
}

#[test]
fn a_lost_watch_and_its_resumption_are_logged() {
    let sandbox = Sandbox::new();
    let arguments = ["--demo", "--fault", "dropped-watch=2", "validate", "--service", "kind", "--check", "dra-support"];
    let done = run(&sandbox, &arguments, &[]);
    assert_eq!(done.code, 0, "{}", done.transcript);
    let log = read(&sandbox.home().join("state/aicr.log"));
    assert!(log.contains("WARN aicr::cluster::object_watch: watch lost"), "{log}");
    assert!(log.contains("attempt=1 wait_ms="), "{log}");
}

#[test]
fn the_newest_lines_of_the_log_are_among_the_messages() {
    let sandbox = Sandbox::new();
    sandbox.file("keys", "wait\n4\nwait\nr\nwait\nTab\nEnter\nwait-run\n:\ntype messages\nEnter\nwait\n");
    let done = run(&sandbox, &["--demo", "tui", "--script", "keys", "--size", "140x60"], &[]);
    assert_eq!(done.code, 0, "{}", done.transcript);
    let after_heading = done.stdout.split_once("log of this program").map(|(_, log)| log).unwrap_or_default();
    let (ended, cleaned) = (after_heading.find("run ended"), after_heading.find("run cleaned up"));
    assert!(ended.is_some() && ended < cleaned, "newest first: {}", done.stdout);
}

#[cfg(unix)]
#[test]
fn what_a_credential_plugin_prints_never_reaches_the_log() {
    let sandbox = Sandbox::new();
    let address = server(|_| Some(status(401, "Unauthorized", "unknown user")));
    let login = sandbox.file(
        "login",
        "echo 'the code is s3cr3t-code' >&2\n\
         printf '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": '\n\
         printf '{\"token\": \"s3cr3t\"}}'\n",
    );
    let kubeconfig = sandbox.kubeconfig(&format!("http://{address}"));
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], interactiveMode: Never}}",
        login.display()
    );
    std::fs::write(&kubeconfig, read(&kubeconfig).replace("user: {}", &format!("user: {{{exec}}}"))).unwrap();
    let path = std::env::var("PATH").unwrap();
    let done = run(&sandbox, &["snapshot"], &[("AICR_LOG", "trace"), ("PATH", &path)]);
    assert_eq!(done.code, 4, "{}", done.transcript);
    let log = read(&sandbox.home().join("state/aicr.log"));
    assert!(log.contains("credentials of the plugin refused; asking it for new ones"), "{log}");
    assert!(!log.contains("s3cr3t"), "{log}");
}
