//! `aicr deploy` on real Kubernetes with a real Helm: killed half-way, continued, shared with `deploy.sh`, removed.
//!
//! Ignored unless asked for, like `real_cluster_bundle`, whose charts and cluster these are.

use crate::{
    bundle_oci::{self, Kept},
    real_cluster::text,
    real_cluster_bundle::Bundle,
    sandbox::{self, Answer, Request},
};
use aicr::bundle::checksum;
use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Output, Stdio},
};

/// The program with Helm on its path.
fn aicr(bundle: &Bundle, arguments: &[&str]) -> Command {
    let mut command = bundle.with_tools(env!("CARGO_BIN_EXE_aicr"));
    command.env("XDG_STATE_HOME", bundle.real.path("state")).env("NO_COLOR", "1").args(arguments);
    command
}

fn run(bundle: &Bundle, arguments: &[&str]) -> Output {
    aicr(bundle, arguments).output().expect("the binary runs")
}

#[track_caller]
fn must(bundle: &Bundle, arguments: &[&str], code: i32, words: &[&str]) -> String {
    let output = run(bundle, arguments);
    let said = text(&output);
    // Columns are as wide as the longest name.
    let single = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let spaced = single(&said);
    let missing: Vec<&&str> = words.iter().filter(|words| !spaced.contains(&single(words))).collect();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.code() == Some(code) && missing.is_empty(),
        "aicr {}: {}, missing {missing:?}\n{stdout}\n{said}",
        arguments.join(" "),
        output.status
    );
    said
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_deploy_is_killed_continued_shared_with_deploy_sh_and_removed_without_a_trace() {
    let bundle = Bundle::new();
    let folder = bundle.folder.display().to_string();
    let before = bundle.real.kubectl_must(&["get", "namespaces", "-o", "name"]);
    let planned = run(&bundle, &["deploy", &folder, "--dry-run"]);
    let planned = String::from_utf8(planned.stdout).expect("text");
    assert_eq!(planned.matches("would be installed in").count(), 3, "{planned}");

    bundle.kill_half_way(|bundle| aicr(bundle, &["deploy", &folder, "--yes"]));
    let listed = run(&bundle, &["runs", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("interrupted"), "{}", text(&listed));
    let planned = run(&bundle, &["deploy", &folder, "--dry-run"]);
    let planned = String::from_utf8(planned.stdout).expect("text");
    assert!(planned.contains("one: was left half-way, would be continued"), "{planned}");

    // The next one takes the lock over. Interrupted once, it lets Helm end.
    let mut interrupted = half_way_again(&bundle, &folder);
    let sent = Command::new("kill").args(["-INT", "--", &interrupted.0.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let said = interrupted.said();
    assert_eq!(interrupted.0.wait().expect("it has ended").code(), Some(130), "{said}");
    assert!(said.contains("holds the lock; it is taken over"), "{said}");
    assert!(said.contains("one    continuing") && said.contains("one    canceled"), "{said}");
    assert_eq!(bundle.helm(&["list", "-A", "--pending", "--short"]).trim(), "", "Helm was let to end");

    let done = must(
        &bundle,
        &["deploy", &folder, "--yes"],
        0,
        &["Deployment aicr-one/one: 0 of 1 available", "deploy        done"],
    );
    let order = |words: &str| done.find(words).unwrap_or_else(|| panic!("{words}: {done}"));
    assert!(order("one    ready") < order("three  installing"), "{done}");
    assert!(!done.contains("holds the lock"), "an interrupted deploy gives it back: {done}");
    assert_eq!(bundle.helm(&["list", "-A", "--deployed", "--short"]).lines().count(), 3);

    // The script knows what we did, and we what the script did.
    let again = bundle.must("deploy.sh", &[]);
    assert_eq!(again.matches("is there already, and ready").count(), 3, "{again}");
    bundle.helm(&["uninstall", "three", "-n", "aicr-three", "--wait"]);
    bundle.must("deploy.sh", &["--component", "three"]);
    let again = run(&bundle, &["deploy", &folder, "--dry-run"]);
    let again = String::from_utf8(again.stdout).expect("text");
    assert_eq!(again.matches("already installed, would be left as it is").count(), 3, "{again}");

    // What is left to the cluster is applied to the one release that it is for.
    std::fs::write(bundle.folder.join("003-three/cluster-values.yaml"), "x: 1\n").expect("a file");
    must(&bundle, &["deploy", &folder, "--yes"], 4, &["003-three/cluster-values.yaml"]);
    let changed = must(&bundle, &["deploy", &folder, "--yes", "--allow-changed"], 0, &["three  upgrading"]);
    let kept =
        |name: &str| changed.lines().any(|line| line.contains(&format!(" {name} ")) && line.contains("already there"));
    assert!(kept("one") && kept("two") && !kept("three"), "{changed}");

    must(
        &bundle,
        &["undeploy", &folder, "--yes", "--allow-changed"],
        0,
        &["three  removed", "namespace aicr-one: removing"],
    );
    bundle.leaves_no_trace(&before);
}

/// A deploy that was begun after another was killed, with what it says.
struct Interrupted(Child, std::thread::JoinHandle<String>);

impl Interrupted {
    fn said(&mut self) -> String {
        let reader = std::mem::replace(&mut self.1, std::thread::spawn(String::new));
        reader.join().expect("it was read")
    }
}

/// Starts one and waits until it has said that it continues.
fn half_way_again(bundle: &Bundle, folder: &str) -> Interrupted {
    let mut command = aicr(bundle, &["deploy", folder, "--yes"]);
    command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut run = command.spawn().expect("the binary runs");
    let mut lines = BufReader::new(run.stderr.take().expect("a pipe"));
    let mut said = String::new();
    while !said.contains("continuing") {
        assert!(lines.read_line(&mut said).expect("text") > 0, "it has ended: {said}");
    }
    bundle.wait_for_first();
    let reader = std::thread::spawn(move || {
        for line in lines.lines() {
            said += &line.expect("text");
            said.push('\n');
        }
        said
    });
    Interrupted(run, reader)
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_deploy_says_which_pod_waits_and_why() {
    let bundle = Bundle::new();
    let folder = bundle.folder.display().to_string();
    // No node has room for the pods of the second release.
    let quota = "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Namespace, metadata: {name: aicr-two, labels: {aicr.run/created-by: deploy}}}\n  \
                 - {apiVersion: v1, kind: ResourceQuota, metadata: {name: none, namespace: aicr-two}, spec: {hard: {pods: '0'}}}\n";
    let path = bundle.real.path("quota.yaml");
    std::fs::write(&path, quota).expect("a file");
    bundle.real.kubectl_must(&["apply", "-f", &path.display().to_string()]);
    let words = [
        "two    not ready",
        "no pod: Error creating: pods",
        "exceeded quota: none",
        "two    failed        not ready after 8 s",
    ];
    must(&bundle, &["deploy", &folder, "--yes", "--component", "two", "--timeout", "8s"], 1, &words);
    must(&bundle, &["undeploy", &folder, "--yes", "--component", "two"], 0, &["two    removed"]);
    let left = bundle.real.kubectl_must(&["get", "namespaces", "-o", "name"]);
    assert!(!left.contains("aicr-two"), "{left}");
}

/// A registry as Helm asks it: what is pushed is there, and manifests say their type and digest.
fn registry(request: Request, kept: &Kept) -> Answer {
    let is_manifest = request.path.contains("/manifests/");
    match (&*request.method, is_manifest) {
        ("HEAD" | "GET", true) => match kept.lock().expect("no panic").get(&request.path) {
            Some(bytes) => {
                let kind = "application/vnd.oci.image.manifest.v1+json";
                let digest = checksum::digest(bytes);
                let header = format!("content-type: {kind}\r\ndocker-content-digest: sha256:{digest}\r\n");
                (200, header, bytes.clone())
            }
            None => (404, String::new(), Vec::new()),
        },
        _ => bundle_oci::serve(&request.method, &request.path, request.body, kept),
    }
}

/// Charts of a registry on loopback, by the script and by the program, and then the same bundle with every chart in it and no
/// registry left.
#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn charts_of_an_oci_registry_are_deployed_and_vendored_ones_without_it() {
    let mut bundle = Bundle::new();
    let kept = Kept::default();
    let shared = Kept::clone(&kept);
    let address = sandbox::service(move |_, request| registry(request, &shared));
    for chart in ["hooked", "plain"] {
        let archive = bundle.real.path(&format!("repo/{chart}-1.2.3.tgz")).display().to_string();
        bundle.helm(&["push", &archive, &format!("oci://{address}/charts"), "--plain-http"]);
    }
    let recipe = std::fs::read_to_string(bundle.real.path("recipe.yaml")).expect("a recipe");
    let begin = recipe.find("http://").expect("a repository");
    let repository = &recipe[begin..begin + recipe[begin..].find('"').expect("its end")];
    let recipe = recipe.replace(repository, &format!("oci://{address}/charts"));
    std::fs::write(bundle.real.path("oci.yaml"), &recipe).expect("a recipe");
    bundle.real.must(&["bundle", "-r", "oci.yaml", "-o", "oci"]);
    bundle.real.must(&["bundle", "-r", "oci.yaml", "--vendor-charts", "-o", "vendored"]);
    let before = bundle.real.kubectl_must(&["get", "namespaces", "-o", "name"]);

    deployed_by_both(&mut bundle, "oci", &before);
    // Nothing is served any more.
    kept.lock().expect("no panic").clear();
    deployed_by_both(&mut bundle, "vendored", &before);
    bundle.folder = bundle.real.path("oci");
    let missing = bundle.script("deploy.sh", &[]);
    assert!(!missing.status.success(), "{}", text(&missing));
    bundle.must("undeploy.sh", &[]);
    bundle.leaves_no_trace(&before);
}

/// A bundle of three releases is deployed by its script and by the program, each killed half-way, and removed each time.
fn deployed_by_both(bundle: &mut Bundle, name: &str, before: &str) {
    bundle.folder = bundle.real.path(name);
    let folder = bundle.folder.display().to_string();
    bundle.kill_half_way(|bundle| {
        let mut command = bundle.with_tools("sh");
        command.arg(bundle.folder.join("deploy.sh"));
        command
    });
    let done = bundle.must("deploy.sh", &[]);
    for words in ["one: was left half-way by an interrupted run; continuing", "installed: 3 of 3"] {
        assert!(done.contains(words), "{name}: {done}");
    }
    assert_eq!(bundle.helm(&["list", "-A", "--deployed", "--short"]).lines().count(), 3);
    bundle.must("undeploy.sh", &[]);
    bundle.leaves_no_trace(before);

    bundle.kill_half_way(|bundle| aicr(bundle, &["deploy", &folder, "--yes"]));
    let words = ["one continuing", "Deployment aicr-three/three", "3 of 3", "deploy done"];
    must(bundle, &["deploy", &folder, "--yes"], 0, &words);
    assert_eq!(bundle.helm(&["list", "-A", "--deployed", "--short"]).lines().count(), 3);
    must(bundle, &["undeploy", &folder, "--yes"], 0, &["three removed"]);
    bundle.leaves_no_trace(before);
}
