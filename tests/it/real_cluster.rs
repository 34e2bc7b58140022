//! The binary against real Kubernetes, end to end: the cluster that `AICR_TEST_KUBECONFIG` names. Ignored unless asked for.
//!
//! Expects `tests/cluster/cluster up`, `check-image` and `gpu-stack`. What stands in for operators and GPUs is listed in
//! tests/cluster/README.md. Tests take turns: one of them stops the API server, another fills the node.

use aicr::cluster::{self, ClusterErrorKind, Target, watch::LiveStatus};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub const IMAGE: &str = "aicr/check:test";
static TURN: Mutex<()> = Mutex::new(());

/// The real cluster, for one test at a time: of this process, and of any other that tests on the same cluster.
pub struct Real {
    pub kubeconfig: PathBuf,
    folder: tempfile::TempDir,
    _lock: std::fs::File,
    _turn: MutexGuard<'static, ()>,
}

impl Real {
    /// # Panics
    /// Where there is no cluster: whoever asks for ignored tests has one.
    pub fn cluster() -> Real {
        let kubeconfig = std::env::var_os("AICR_TEST_KUBECONFIG");
        let kubeconfig = kubeconfig.expect("AICR_TEST_KUBECONFIG names a cluster (tests/cluster/cluster up)");
        // A test that failed has left nothing behind that the next one minds.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let kubeconfig = PathBuf::from(kubeconfig);
        let lock =
            std::fs::File::create(kubeconfig.with_file_name("tests.lock")).expect("a lock beside the kubeconfig");
        lock.lock().expect("a turn");
        let folder = tempfile::tempdir().expect("a folder");
        Real { kubeconfig, folder, _lock: lock, _turn: turn }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary, hermetic but for the cluster.
    pub fn command(&self, kubeconfig: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aicr"));
        command.env_remove("KUBECONFIG").env_remove("AICR_DEBUG").env("HOME", self.folder.path());
        command.env("XDG_STATE_HOME", self.path("state")).env("NO_COLOR", "1").current_dir(self.folder.path());
        command.args(args).arg("--kubeconfig").arg(kubeconfig).stdin(Stdio::null());
        command
    }

    pub fn aicr(&self, args: &[&str]) -> Output {
        self.command(&self.kubeconfig, args).output().expect("the binary runs")
    }

    /// The binary, which must succeed; its standard output.
    #[track_caller]
    pub fn must(&self, args: &[&str]) -> String {
        let output = self.aicr(args);
        assert!(output.status.success(), "aicr {}: {}\n{}", args.join(" "), output.status, text(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn kubectl(&self, args: &[&str]) -> Output {
        Command::new("kubectl").arg("--kubeconfig").arg(&self.kubeconfig).args(args).output().expect("kubectl runs")
    }

    #[track_caller]
    pub fn kubectl_must(&self, args: &[&str]) -> String {
        let output = self.kubectl(args);
        assert!(output.status.success(), "kubectl {}: {}", args.join(" "), text(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Everything that carries our label, as `kind/name` lines; empty when a run has cleaned up.
    pub fn left_over(&self) -> String {
        let kinds = "all,configmaps,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings";
        let args = ["get", kinds, "-A", "-l", "app.kubernetes.io/name=aicr", "-o", "name"];
        self.kubectl_must(&args)
    }

    /// A recipe for this cluster, as a file.
    #[track_caller]
    pub fn recipe(&self) -> String {
        let path = self.path("recipe.yaml").display().to_string();
        self.must(&["recipe", "--service", "kind", "--accelerator", "a100", "-o", &path]);
        path
    }

    /// The kubeconfig of a service account that may do nothing, or what `rules` says (verb and resources of one role).
    pub fn user(&self, name: &str, rules: &[(&str, &str)]) -> PathBuf {
        let _ = self.kubectl(&["create", "serviceaccount", name, "-n", "default"]);
        for (index, (verbs, resources)) in rules.iter().enumerate() {
            let role = format!("{name}-{index}");
            let _ = self.kubectl(&["create", "clusterrole", &role, "--verb", verbs, "--resource", resources]);
            let account = format!("default:{name}");
            let binding = ["create", "clusterrolebinding", &role, "--clusterrole", &role, "--serviceaccount", &account];
            let _ = self.kubectl(&binding);
        }
        let token = self.kubectl_must(&["create", "token", name, "-n", "default", "--duration", "10m"]);
        let config: Value =
            serde_json::from_str(&self.kubectl_must(&["config", "view", "--raw", "--flatten", "-o", "json"]))
                .expect("JSON");
        let cluster = &config["clusters"][0]["cluster"];
        let own = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token.trim()}}],
            "contexts": [{"name": name, "context": {"cluster": "test", "user": name}}],
        });
        let path = self.path(name);
        std::fs::write(&path, own.to_string()).expect("a file");
        path
    }

    pub fn forget_user(&self, name: &str, rules: usize) {
        for index in 0..rules {
            let role = format!("{name}-{index}");
            self.kubectl(&["delete", "clusterrolebinding,clusterrole", &role]);
        }
        self.kubectl(&["delete", "serviceaccount", name, "-n", "default"]);
    }
}

pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `tests/cluster/cluster`, on the cluster that the kubeconfig belongs to.
pub fn cluster_script(real: &Real, args: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/cluster");
    let folder = real.kubeconfig.parent().expect("the cluster's folder");
    let status = Command::new(script).env("AICR_CLUSTER_DIR", folder).args(args).status().expect("the script runs");
    assert!(status.success(), "cluster {}", args.join(" "));
}

/// Waits for something that another program does.
#[track_caller]
pub fn within(limit: Duration, what: &str, mut happened: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < limit, "{what} did not happen within {limit:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_snapshot_of_a_real_cluster_leads_to_its_recipe() {
    let real = Real::cluster();
    let path = real.path("snapshot.yaml").display().to_string();
    real.must(&["snapshot", "-o", &path]);
    let snapshot = aicr::snapshot::format::read(&std::fs::read_to_string(&path).expect("a file")).expect("a snapshot");
    let record = aicr::snapshot::record(&snapshot);
    let reading = |kind: &str, subtype: &str, key: &str| {
        record
            .reading(kind, subtype, key)
            .map(ToString::to_string)
            .unwrap_or_else(|| format!("no {kind}.{subtype}.{key}"))
    };
    assert_eq!(reading("GPU", "hardware", "model"), "a100");
    assert_eq!(reading("GPU", "smi", "driver"), "580.105.08");
    assert_eq!(reading("OS", "release", "VERSION_ID"), "24.04");
    assert_eq!(reading("K8s", "policy", "status.state"), "ready");
    assert_eq!(reading("K8s", "helm", "gpu-operator.version"), "v25.10.1");
    for source in cluster::collect::ALL {
        assert_eq!(reading("K8s", "collection", source.name), "ok");
    }

    let recipe = real.must(&["recipe", "--snapshot", &path, "--service", "kind"]);
    for component in ["gpu-operator", "nvidia-dra-driver-gpu", "kube-prometheus-stack"] {
        assert!(recipe.contains(component), "{recipe}");
    }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_user_with_few_rights_gets_what_they_may_read() {
    let real = Real::cluster();
    let few = real.user("aicr-test-few", &[("list,watch", "nodes")]);
    let output = real.command(&few, &["snapshot"]).output().expect("the binary runs");
    assert!(output.status.success(), "{}", text(&output));
    let snapshot = aicr::snapshot::format::read(&String::from_utf8_lossy(&output.stdout)).expect("a snapshot");
    let record = aicr::snapshot::record(&snapshot);
    let states = record.subtype("K8s", "collection").expect("states");
    assert_eq!(states.data["nodes"].to_string(), "ok");
    assert_eq!(states.data["pods"].to_string(), "forbidden");
    assert!(states.context["pods"].contains("list pods"), "{:?}", states.context);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("pods"), "a gap is told: {told}");
    real.forget_user("aicr-test-few", 1);
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn wrong_credentials_are_one_error_with_a_hint() {
    let real = Real::cluster();
    let path = real.user("aicr-test-expired", &[]);
    let config = std::fs::read_to_string(&path).expect("a file");
    let mut config: Value = serde_json::from_str(&config).expect("JSON");
    config["users"][0]["user"]["token"] = "not-a-token".into();
    std::fs::write(&path, config.to_string()).expect("a file");
    let output = real.command(&path, &["snapshot"]).output().expect("the binary runs");
    real.forget_user("aicr-test-expired", 0);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(output.stdout.is_empty());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("log in again") && told.contains("aicr-test-expired"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
async fn a_live_view_survives_a_stopped_api_server() {
    let real = Real::cluster();
    let target = Target { kubeconfig: Some(real.kubeconfig.clone()), ..Target::default() };
    let connection = cluster::connect(&target).await.expect("a client");
    let mut view = cluster::watch::start(connection);
    let limit = Duration::from_secs(60);
    let seen = |view: &cluster::watch::LiveView, name: &str| {
        view.inventory.as_ref().is_some_and(|inventory| inventory.node(name).is_some())
    };
    let fresh = view.wait_for(|view| view.status == LiveStatus::Fresh && seen(view, "worker-1"));
    tokio::time::timeout(limit, fresh).await.expect("a first view").expect("alive");

    cluster_script(&real, &["apiserver", "stop"]);
    let lost = view.wait_for(|view| matches!(view.status, LiveStatus::Reconnecting { .. }));
    let lost = tokio::time::timeout(limit, lost).await.map(|view| view.expect("alive").clone());
    cluster_script(&real, &["apiserver", "start"]);
    let lost = lost.expect("the loss is noticed");
    assert!(seen(&lost, "worker-1"), "the last good snapshot stays");
    let LiveStatus::Reconnecting { error, .. } = &lost.status else { unreachable!("just matched") };
    assert_eq!(error.kind, ClusterErrorKind::Unreachable, "{error:?}");

    // A change after the return shows that the watch is alive again.
    cluster_script(&real, &["gpu-node", "aicr-test-back", "4"]);
    let back = view.wait_for(|view| view.status == LiveStatus::Fresh && seen(view, "aicr-test-back"));
    let back = tokio::time::timeout(limit, back).await.map(|view| view.map(|_| ()));
    real.kubectl_must(&["delete", "node", "aicr-test-back"]);
    back.expect("the view comes back").expect("alive");
}

/// The five conformance checks of the recipe, in the order of the validator catalog.
const CHECKS: [&str; 5] =
    ["dra-support", "accelerator-metrics", "ai-service-metrics", "platform-health", "gpu-operator-health"];

/// The tests of a CTRF report: name, status and message, in order.
fn tests_of(report: &Path) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).expect("a report")).expect("JSON");
    let field = |test: &Value, key: &str| test[key].as_str().unwrap_or_default().to_owned();
    let tests = report["results"]["tests"].as_array().expect("tests").iter();
    tests.map(|test| (field(test, "name"), field(test, "status"), field(test, "message"))).collect()
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn five_conformance_checks_pass_as_jobs_and_leave_nothing() {
    let real = Real::cluster();
    let (recipe, report) = (real.recipe(), real.path("report.json"));
    let output = real.aicr(&[
        "validate",
        "--recipe",
        &recipe,
        "--phase",
        "conformance",
        "--check-image",
        IMAGE,
        "-o",
        &report.display().to_string(),
    ]);
    let tests = tests_of(&report);
    let mut names: Vec<&str> = tests.iter().map(|(name, ..)| name.as_str()).collect();
    let mut expected = CHECKS.to_vec();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for (name, status, message) in &tests {
        assert_eq!(status, "passed", "{name}: {message}\n{}", text(&output));
    }
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(real.left_over(), "");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_check_fails_when_its_object_was_removed() {
    let real = Real::cluster();
    let (recipe, report) = (real.recipe(), real.path("report.json"));
    let policy = |state: &str| {
        let patch = format!(r#"{{"status":{{"state":"{state}"}}}}"#);
        real.kubectl_must(&["patch", "clusterpolicy", "cluster-policy", "--type=merge", "-p", &patch]);
    };
    policy("notReady");
    let output = real.aicr(&[
        "validate",
        "--recipe",
        &recipe,
        "--phase",
        "conformance",
        "--check",
        "gpu-operator-health",
        "--check-image",
        IMAGE,
        "-o",
        &report.display().to_string(),
    ]);
    policy("ready");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let (name, status, message) = tests_of(&report).remove(0);
    assert_eq!((name.as_str(), status.as_str()), ("gpu-operator-health", "failed"));
    assert!(message.contains("cluster-policy: notReady"), "{message}");
    assert_eq!(real.left_over(), "");
}

/// A running validation whose events are read line by line.
struct Run<'r> {
    real: &'r Real,
    child: std::process::Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl<'r> Run<'r> {
    fn start(real: &'r Real, args: &[&str]) -> Run<'r> {
        use std::io::{BufRead, BufReader};
        let recipe = real.recipe();
        let mut all = vec!["validate", "--recipe", &recipe, "--phase", "conformance", "--format", "events"];
        all.extend(args);
        let mut command = real.command(&real.kubeconfig, &all);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Run { real, child, lines }
    }

    /// The first event that holds `text`; how long it took.
    #[track_caller]
    fn until(&self, text: &str, limit: Duration) -> (String, Duration) {
        let begun = Instant::now();
        let mut seen = Vec::new();
        loop {
            let left = limit.checked_sub(begun.elapsed()).unwrap_or_default();
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(text) => return (line, begun.elapsed()),
                Ok(line) => seen.push(line),
                Err(error) => panic!("no event with {text} within {limit:?} ({error}); saw:\n{}", seen.join("\n")),
            }
        }
    }

    fn interrupt(&self) {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Waits for its end; the exit code.
    fn end(mut self) -> Option<i32> {
        within(Duration::from_secs(60), "the end of the run", || self.child.try_wait().expect("a child").is_some());
        self.child.wait().expect("a child").code()
    }
}

impl Drop for Run<'_> {
    /// A test that failed half-way must not leave Jobs to the next one.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let _ = self.real.aicr(&["cleanup"]);
        }
    }
}

/// Holds nearly all processor time of the node while it lives. A cordon would not do: checks tolerate every taint, so that
/// they run on the nodes that need them most.
struct FullNode<'r>(&'r Real);

impl<'r> FullNode<'r> {
    const NAME: &'static str = "aicr-test-filler";

    fn new(real: &'r Real) -> FullNode<'r> {
        let cores = real.kubectl_must(&["get", "node", "worker-1", "-o", "jsonpath={.status.allocatable.cpu}"]);
        let milli = cores.parse::<u64>().expect("whole cores") * 1000 - 1;
        let overrides = format!(
            r#"{{"spec":{{"terminationGracePeriodSeconds":0,"containers":[{{"name":"filler","image":"test/pause:1","imagePullPolicy":"IfNotPresent","resources":{{"requests":{{"cpu":"{milli}m"}}}}}}]}}}}"#
        );
        let full = FullNode(real);
        real.kubectl_must(&["run", Self::NAME, "-n", "default", "--image", "test/pause:1", "--overrides", &overrides]);
        let pod = format!("pod/{}", Self::NAME);
        real.kubectl_must(&["wait", "--for=condition=Ready", &pod, "-n", "default", "--timeout=60s"]);
        full
    }
}

impl Drop for FullNode<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["delete", "pod", Self::NAME, "-n", "default", "--now"]);
    }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_killed_run_is_swept_by_cleanup() {
    let real = Real::cluster();
    // Without room on a node the Jobs stay where they are, so that there is a middle to be killed in.
    let full = FullNode::new(&real);
    let mut run = Run::start(&real, &["--check-image", IMAGE]);
    run.until(r#""state":"unscheduled""#, Duration::from_secs(60));
    run.child.kill().expect("killed");
    run.child.wait().expect("a child");
    assert!(real.left_over().contains("job"), "it had created something: {}", real.left_over());
    let told = real.must(&["cleanup", "--dry-run"]);
    assert!(told.contains("Job"), "{told}");
    assert_ne!(real.left_over(), "", "a dry run removes nothing");
    real.must(&["cleanup"]);
    assert_eq!(real.left_over(), "");
    drop(run);
    drop(full);
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn an_unschedulable_pod_is_reported_within_seconds_and_an_interrupt_cleans_up() {
    let real = Real::cluster();
    let full = FullNode::new(&real);
    let run = Run::start(&real, &["--check-image", IMAGE, "--check", "dra-support"]);
    run.until(r#""state":"creating""#, Duration::from_secs(60));
    let (event, took) = run.until(r#""state":"unscheduled""#, Duration::from_secs(10));
    assert!(event.contains("Insufficient cpu"), "the scheduler's own words: {event}");
    println!("unscheduled was told after {took:.1?}");
    run.interrupt();
    assert_eq!(run.end(), Some(130));
    drop(full);
    assert_eq!(real.left_over(), "");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn an_image_that_cannot_be_pulled_is_reported_within_seconds() {
    let real = Real::cluster();
    let run = Run::start(&real, &["--check-image", "registry.invalid/nobody/nothing:1", "--check", "dra-support"]);
    run.until(r#""state":"creating""#, Duration::from_secs(60));
    let (event, took) = run.until(r#""state":"pull-failing""#, Duration::from_secs(15));
    assert!(event.contains("registry.invalid"), "{event}");
    println!("a pull that fails was told after {took:.1?}");
    run.interrupt();
    assert_eq!(run.end(), Some(130));
    assert_eq!(real.left_over(), "");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_user_who_may_not_create_jobs_gets_an_error_and_no_object_is_left() {
    let real = Real::cluster();
    let recipe = real.recipe();
    let reader = real.user("aicr-test-reader", &[("get,list,watch", "nodes,pods,namespaces")]);
    let output = real
        .command(&reader, &["validate", "--recipe", &recipe, "--phase", "conformance", "--check-image", IMAGE])
        .output();
    let output = output.expect("the binary runs");
    real.forget_user("aicr-test-reader", 1);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(text(&output).contains("kubectl auth can-i"), "{}", text(&output));
    assert_eq!(real.left_over(), "");
}
