//! The scripts of a bundle against programs that stand in for helm and kubectl: what is begun when, and that one run at a
//! time is at work. Real ones have `real_cluster_bundle`.

#![cfg(unix)]

use crate::sandbox::Sandbox;
use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Installs as long as `hold-NAME` is there, and fails where `fail-NAME` is.
const HELM: &str = r#"#!/bin/sh
case $1 in
version) echo v4.0.0 ;;
history) [ -e "$STATE/there-$2" ] && cat "$STATE/there-$2" || { echo 'Error: release: not found' >&2; exit 1; } ;;
get | list) ;;
status) [ -e "$STATE/there-$2" ] || { echo 'Error: release: not found' >&2; exit 1; } ;;
uninstall) rm "$STATE/there-$2"; echo "uninstall $2" >>"$STATE/log" ;;
upgrade)
	echo "begin $3" >>"$STATE/log"
	while [ -e "$STATE/hold-$3" ]; do sleep 0.05; done
	[ ! -e "$STATE/fail-$3" ] || { echo 'Error: it does not fit' >&2; exit 1; }
	printf '[{"revision":1,"status":"deployed","description":"%s"}]' "$AICR_MARK" >"$STATE/there-$3"
	echo "end $3" >>"$STATE/log"
	;;
esac
"#;

/// Has namespaces and one lease.
const KUBECTL: &str = r#"#!/bin/sh
lease=$STATE/lease
case "$*" in
*'get --raw /version'*) echo '{}' ;;
*'create -f -'*)
	text=$(cat)
	case $text in *'kind: Lease'*)
		(set -C && printf '%s\n' "$text" >"$lease") 2>/dev/null ||
			{ echo 'Error from server (AlreadyExists): leases.coordination.k8s.io "aicr-deploy" already exists' >&2; exit 1; }
		;;
	esac
	;;
*'get lease'*) [ ! -e "$lease" ] || printf '%s %s' "$(sed -n 's/.*holderIdentity: "\([^"]*\)".*/\1/p' "$lease")" "$(cksum <"$lease" | cut -d' ' -f1)" ;;
*'replace -f -'*) cat >"$lease" ;;
*'patch lease'*) holder=$(sed -n 's/.*holderIdentity: "\([^"]*\)".*/\1/p' "$lease"); case "$*" in *"\"$holder\""*) ;; *) exit 1 ;; esac ;;
*'delete lease'*) rm "$lease" ;;
esac
"#;

struct Scripts {
    sandbox: Sandbox,
}

impl Scripts {
    /// A bundle of a recipe with these components, `name: needs`.
    fn new(components: &[(&str, &str)]) -> Scripts {
        let sandbox = Sandbox::new();
        let refs: String = components
            .iter()
            .map(|(name, needs)| {
                format!(
                    "  - {{name: {name}, namespace: {name}, chart: c, type: Helm, source: \"https://example.org/c\", version: 1.2.3, \
                     dependencyRefs: [{needs}]}}\n"
                )
            })
            .collect();
        let order: Vec<&str> = components.iter().map(|(name, _)| *name).collect();
        let recipe = format!(
            "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: 1.0.0}}\ncriteria: null\ncomponentRefs:\n{refs}\
             deploymentOrder: [{}]\n",
            order.join(", ")
        );
        sandbox.file("recipe.yaml", &recipe);
        let run = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "-o", "b"]);
        assert_eq!(run.code, 0, "{}", run.transcript);
        std::fs::create_dir(sandbox.home().join("state")).unwrap();
        for (name, text) in [("helm", HELM), ("kubectl", KUBECTL)] {
            let path = sandbox.file(&format!("bin/{name}"), text);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Scripts { sandbox }
    }

    fn state(&self, name: &str) -> PathBuf {
        self.sandbox.home().join("state").join(name)
    }

    fn command(&self, script: &str, arguments: &[&str]) -> Command {
        let home = self.sandbox.home();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([home.join("bin")].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new("sh");
        command.arg(home.join("b").join(script)).args(arguments).env_clear().env("PATH", path);
        command.env("HOME", home).env("STATE", home.join("state")).stdin(Stdio::null());
        command
    }

    fn run(&self, script: &str, arguments: &[&str]) -> (i32, String) {
        said(self.command(script, arguments).output().unwrap())
    }

    /// Writes the lease at once, as an API server does.
    fn lease(&self, holder: &str, renewals: u32) {
        std::fs::write(self.state("new"), format!("holderIdentity: \"{holder}\" {renewals}\n")).unwrap();
        std::fs::rename(self.state("new"), self.state("lease")).unwrap();
    }

    fn log(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.state("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn until(&self, line: &str) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(&line.to_owned()) {
            assert!(Instant::now() < limit, "no `{line}` in {:?}", self.log());
            std::thread::yield_now();
        }
    }
}

fn said(output: Output) -> (i32, String) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

/// `c` needs `b` only: it is begun and ends while `a`, which is as near to the root as `b`, goes on.
#[test]
fn a_release_begins_when_what_it_needs_has_ended_and_waits_for_nothing_else() {
    let scripts = Scripts::new(&[("a", ""), ("b", ""), ("c", "b"), ("d", "a, c")]);
    std::fs::write(scripts.state("hold-a"), "").unwrap();
    let run = scripts.command("deploy.sh", &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    scripts.until("end c");
    let before = scripts.log();
    assert!(before.contains(&"begin a".to_owned()) && !before.contains(&"end a".to_owned()), "{before:?}");
    assert!(!before.contains(&"begin d".to_owned()), "{before:?}");
    std::fs::remove_file(scripts.state("hold-a")).unwrap();
    let (code, text) = said(run.wait_with_output().unwrap());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("installed: 4 of 4"), "{text}");
    assert_eq!(scripts.log().last().map(String::as_str), Some("end d"));
    let (code, text) = scripts.run("undeploy.sh", &[]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(scripts.log()[8..], ["uninstall d", "uninstall c", "uninstall b", "uninstall a"]);
}

#[test]
fn what_needs_a_release_that_failed_is_not_begun_and_serial_is_one_after_the_other() {
    let scripts = Scripts::new(&[("a", ""), ("b", ""), ("c", "b")]);
    std::fs::write(scripts.state("fail-b"), "").unwrap();
    let (code, text) = scripts.run("deploy.sh", &[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("failed: b") && text.contains("not begun: 1 of 3"), "{text}");
    assert!(!scripts.log().contains(&"begin c".to_owned()));
    let (code, text) = scripts.run("deploy.sh", &["--best-effort"]);
    assert_eq!(code, 1, "{text}");
    assert!(scripts.log().contains(&"end c".to_owned()), "{text}");
    std::fs::remove_file(scripts.state("fail-b")).unwrap();
    std::fs::remove_file(scripts.state("log")).unwrap();
    let (code, text) = scripts.run("deploy.sh", &["--serial", "--all"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(scripts.log(), ["begin a", "end a", "begin b", "end b", "begin c", "end c"]);
    // What was not chosen is taken to be there.
    std::fs::remove_file(scripts.state("log")).unwrap();
    let (code, text) = scripts.run("deploy.sh", &["--component=c", "--all"]);
    assert_eq!((code, scripts.log()), (0, vec!["begin c".to_owned(), "end c".to_owned()]), "{text}");
}

#[test]
fn a_second_run_is_refused_while_the_first_lives_and_takes_over_when_it_was_killed() {
    let scripts = Scripts::new(&[("a", "")]);
    std::fs::write(scripts.state("hold-a"), "").unwrap();
    let mut first = scripts.command("deploy.sh", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    scripts.until("begin a");
    // A dry run changes nothing, so it does not wait.
    let (code, text) = scripts.run("deploy.sh", &["--dry-run"]);
    assert_eq!(code, 0, "{text}");
    for script in ["deploy.sh", "undeploy.sh"] {
        scripts.lease("x/1", 0);
        let second = scripts.command(script, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut second = second;
        // Another one, elsewhere, that renews its lease.
        let limit = Instant::now() + Duration::from_secs(40);
        let mut renewals = 0;
        while second.try_wait().unwrap().is_none() {
            assert!(Instant::now() < limit, "{script} waits for nothing");
            renewals += 1;
            scripts.lease("x/1", renewals);
        }
        let (code, text) = said(second.wait_with_output().unwrap());
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("another run is at work in this cluster: x/1"), "{text}");
    }
    first.kill().unwrap();
    first.wait().unwrap();
    std::fs::remove_file(scripts.state("hold-a")).unwrap();
    let host = said(Command::new("uname").arg("-n").output().unwrap()).1;
    scripts.lease(&format!("{}/{}", host.trim(), first.id()), 0);
    let (code, text) = scripts.run("deploy.sh", &["--all"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("which has ended"), "{text}");
    assert!(!scripts.state("lease").exists(), "the lease goes with the run");
}

/// Whoever was suspended for long, and taken for dead, does not go on beside the one that took over.
#[test]
fn a_run_whose_lease_was_taken_ends() {
    let scripts = Scripts::new(&[("a", "")]);
    std::fs::write(scripts.state("hold-a"), "").unwrap();
    let run = scripts.command("deploy.sh", &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    scripts.until("begin a");
    scripts.lease("elsewhere/1", 0);
    let watched = std::thread::spawn(move || said(run.wait_with_output().unwrap()));
    let limit = Instant::now() + Duration::from_secs(60);
    while !watched.is_finished() && Instant::now() < limit {
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(watched.is_finished(), "it goes on without the lease");
    let (code, text) = watched.join().unwrap();
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("another run took over in this cluster"), "{text}");
    assert!(scripts.state("lease").exists(), "the lease is the other one's");
}

#[test]
fn options_are_read_alike_by_both_scripts() {
    let scripts = Scripts::new(&[("a", "")]);
    for script in ["deploy.sh", "undeploy.sh"] {
        for (arguments, words) in [
            (&["--component", "*"][..], "this bundle has no component *"),
            (&["--component=z"], "this bundle has no component z; it has a"),
            (&["--component"], "--component needs a value"),
            (&["--dry-run=yes"], "unknown option --dry-run=yes"),
            (&["--nope"], "unknown option --nope; see ./"),
        ] {
            let (code, text) = scripts.run(script, arguments);
            assert_eq!(code, 1, "{script} {arguments:?}: {text}");
            assert!(text.contains(words), "{script} {arguments:?}: {text}");
        }
    }
    assert_eq!(scripts.log(), [""; 0]);
}

/// No other shell reads the scripts in another way.
#[test]
fn every_shell_reads_the_scripts() {
    let scripts = Scripts::new(&[("a", ""), ("b", "a")]);
    for shell in [&["sh"][..], &["dash"], &["bash", "--posix"], &["busybox", "sh"]] {
        for script in ["deploy.sh", "undeploy.sh", "001-a/install.sh"] {
            let file = scripts.sandbox.home().join("b").join(script);
            // One that is not installed has nothing to say.
            let Ok(read) = Command::new(shell[0]).args(&shell[1..]).arg("-n").arg(file).output() else { continue };
            assert!(read.status.success(), "{shell:?} {script}: {}", String::from_utf8_lossy(&read.stderr));
        }
    }
}
