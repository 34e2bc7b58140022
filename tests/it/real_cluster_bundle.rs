//! The scripts of a bundle on real Kubernetes, with a real Helm and charts from a server on loopback.
//!
//! Ignored unless asked for, like `real_cluster`; `tests/cluster/cluster helm` builds Helm. The charts hold a Deployment that
//! becomes ready after some seconds, and the first one a hook that takes longer.

use crate::real_cluster::{Real, cluster_script, text};
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: main
          image: docker.io/test/busybox:1
          imagePullPolicy: Never
          command: [/bin/sh, -c, "sleep 2; echo > /tmp/ready; sleep 100000"]
          readinessProbe: {exec: {command: [cat, /tmp/ready]}, periodSeconds: 1}
"#;

const HOOK: &str = r#"
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}
spec:
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: docker.io/test/busybox:1, imagePullPolicy: Never, command: [/bin/sleep, "8"]}]
"#;

/// A cluster, a repository of charts, a bundle of three components in two levels.
pub struct Bundle {
    pub real: Real,
    pub folder: PathBuf,
}

impl Bundle {
    pub fn new() -> Bundle {
        let real = Real::cluster();
        cluster_script(&real, &["helm"]);
        cluster_script(&real, &["image", "test/busybox:1", "/bin/busybox"]);
        let bundle = Bundle { folder: real.path("bundle"), real };
        bundle.clean();
        bundle.chart("hooked", HOOK);
        bundle.chart("plain", "");
        bundle.helm(&["repo", "index", &bundle.path("repo")]);
        let url = serve(bundle.real.path("repo"));
        let component = |name: &str, chart: &str, needs: &str| {
            format!(
                "  - {{name: {name}, namespace: aicr-{name}, chart: {chart}, type: Helm, source: \"{url}\", version: 1.2.3, \
                 dependencyRefs: [{needs}]}}\n"
            )
        };
        let recipe = format!(
            "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: 1.0.0}}\ncriteria: null\ncomponentRefs:\n{}{}{}\
             deploymentOrder: [one, two, three]\n",
            component("one", "hooked", ""),
            component("two", "plain", ""),
            component("three", "plain", "one, two"),
        );
        std::fs::write(bundle.real.path("recipe.yaml"), recipe).expect("a recipe");
        bundle.real.must(&["bundle", "-r", "recipe.yaml", "-o", "bundle"]);
        bundle
    }

    fn path(&self, name: &str) -> String {
        self.real.path(name).display().to_string()
    }

    fn clean(&self) {
        let names = ["aicr-one", "aicr-two", "aicr-three"];
        self.real.kubectl_must(&[&["delete", "namespace", "--ignore-not-found", "--wait"], &names[..]].concat());
    }

    fn chart(&self, name: &str, more: &str) {
        let folder = self.real.path(&format!("charts/{name}"));
        std::fs::create_dir_all(folder.join("templates")).expect("a folder");
        let head = format!("apiVersion: v2\nname: {name}\nversion: 1.2.3\n");
        std::fs::write(folder.join("Chart.yaml"), head).expect("a chart");
        std::fs::write(folder.join("templates/all.yaml"), format!("{DEPLOYMENT}---\n{more}")).expect("a template");
        std::fs::create_dir_all(self.real.path("repo")).expect("a folder");
        self.helm(&["package", &folder.display().to_string(), "-d", &self.path("repo")]);
    }

    #[track_caller]
    pub fn helm(&self, arguments: &[&str]) -> String {
        let output = self.with_tools("helm").args(arguments).output().expect("helm runs");
        assert!(output.status.success(), "helm {}: {}", arguments.join(" "), text(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// A program with Helm on its path and the cluster in its environment.
    pub fn with_tools(&self, program: &str) -> Command {
        let tools = self.real.kubeconfig.parent().expect("the cluster's folder").join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&path))).expect("a path");
        let mut command = Command::new(program);
        command.env("PATH", path).env("KUBECONFIG", &self.real.kubeconfig).env("HOME", self.real.path("home"));
        command.stdin(Stdio::null());
        command
    }

    /// Begins a deploy and kills it, and all that it has started, while the hook of the first release runs: nobody has a chance
    /// to say so.
    pub fn kill_half_way(&self, deploy: impl Fn(&Bundle) -> Command) {
        let mut command = deploy(self);
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = command.spawn().expect("it runs");
        self.wait_for_first();
        let killed = Command::new("kill").args(["-9", "--", &format!("-{}", run.id())]).status().expect("kill runs");
        assert!(killed.success());
        run.wait().expect("it has ended");
    }

    /// Waits until Helm is at work on the first release.
    #[track_caller]
    pub fn wait_for_first(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.helm(&["list", "-A", "--pending", "--short"]).contains("one") {
            assert!(Instant::now() < until, "the first release does not begin");
        }
    }

    /// No release and no namespace that was not there.
    #[track_caller]
    pub fn leaves_no_trace(&self, before: &str) {
        assert_eq!(self.helm(&["list", "-A", "--all", "--short"]).trim(), "");
        assert_eq!(self.real.kubectl_must(&["get", "namespaces", "-o", "name"]), before);
        let lease = ["get", "lease", "aicr-deploy", "-n", "kube-system", "--ignore-not-found", "-o", "name"];
        assert_eq!(self.real.kubectl_must(&lease), "");
    }

    pub fn script(&self, name: &str, arguments: &[&str]) -> Output {
        self.with_tools("sh").arg(self.folder.join(name)).args(arguments).output().expect("a shell")
    }

    #[track_caller]
    pub fn must(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.script(name, arguments);
        assert!(output.status.success(), "{name} {}: {}", arguments.join(" "), text(&output));
        text(&output)
    }
}

/// Serves the files of a folder until the process ends; where.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let root = url.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            reader.read_line(&mut line).expect("a request");
            let mut header = String::from("x");
            while header.trim() != "" {
                header.clear();
                reader.read_line(&mut header).expect("a header");
            }
            let name = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
            let bytes = std::fs::read(folder.join(Path::new(&name))).unwrap_or_else(|_| panic!("{root}/{name}"));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes));
        }
    });
    url
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_bundle_is_deployed_although_it_was_killed_and_removed_without_a_trace() {
    let bundle = Bundle::new();
    let planned = bundle.must("deploy.sh", &["--dry-run"]);
    assert_eq!(planned.matches("would be installed in").count(), 3, "{planned}");

    bundle.kill_half_way(|bundle| {
        let mut command = bundle.with_tools("sh");
        command.arg(bundle.folder.join("deploy.sh"));
        command
    });
    let planned = bundle.must("deploy.sh", &["--dry-run"]);
    assert!(planned.contains("one: was left half-way, would be continued"), "{planned}");

    let done = bundle.must("deploy.sh", &[]);
    assert!(done.contains("one: was left half-way by an interrupted run; continuing"), "{done}");
    assert!(done.contains("installed: 3 of 3"), "{done}");
    let order: Vec<usize> = ["one: ready", "three: installing"]
        .iter()
        .map(|words| done.find(words).unwrap_or_else(|| panic!("{done}")))
        .collect();
    assert!(order[0] < order[1], "{done}");
    assert_eq!(bundle.helm(&["list", "-A", "--deployed", "--short"]).lines().count(), 3);

    let again = bundle.must("deploy.sh", &[]);
    assert_eq!(again.matches("is there already, and ready").count(), 3, "{again}");
    // What is left to the cluster is applied to the one release that it is for.
    std::fs::write(bundle.folder.join("003-three/cluster-values.yaml"), "x: 1\n").expect("a file");
    let changed = bundle.must("deploy.sh", &["--component", "three"]);
    assert!(changed.contains("[1/1] three: applying in aicr-three"), "{changed}");
    let unknown = bundle.script("deploy.sh", &["--component", "four"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown));

    bundle.must("undeploy.sh", &[]);
    assert_eq!(bundle.helm(&["list", "-A", "--all", "--short"]).trim(), "");
    let left = bundle.real.kubectl_must(&["get", "namespaces", "-o", "name"]);
    assert!(!left.contains("aicr-one") && !left.contains("aicr-three"), "{left}");
}
