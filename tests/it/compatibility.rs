//! What scripts written for the reference ask for: taken, or answered with one sentence that says why not.

use crate::sandbox::{Run, Sandbox, golden};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

const EKS: [&str; 6] = ["--service", "eks", "--accelerator", "h100", "--intent", "training"];

/// A demo cluster that outlives a command: `kubeconfig` in the sandbox leads to it.
struct Demo {
    server: Child,
    address: String,
}

impl Demo {
    fn start(sandbox: &Sandbox) -> Demo {
        let mut server = sandbox.command(&["demo", "-o", "kubeconfig"]).stderr(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(server.stderr.take().unwrap()).lines();
        let line = told.map(|line| line.unwrap()).find(|line| line.contains("listens at http://")).unwrap();
        let address = line.split("http://").nth(1).unwrap();
        let address = address.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).next().unwrap();
        Demo { server, address: address.trim_end_matches(['.', ':']).to_owned() }
    }

    /// A key of a ConfigMap's data.
    fn data(&self, name: &str, key: &str) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let path = format!("/api/v1/namespaces/default/configmaps/{name}");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: demo\r\naccept: application/json\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let object = &answer[answer.find('{')?..=answer.rfind('}')?];
        serde_json::from_str::<Value>(object).unwrap()["data"][key].as_str().map(str::to_owned)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[track_caller]
fn good(run: Run) -> Run {
    assert_eq!(run.code, 0, "{}", run.transcript);
    run
}

fn json(run: Run) -> Value {
    serde_json::from_str(&good(run).stdout).unwrap()
}

#[test]
fn the_version_is_the_third_word_under_each_of_its_flags() {
    let sandbox = Sandbox::new();
    let text = good(sandbox.aicr(&["--version"])).stdout;
    assert_eq!(text.split_whitespace().nth(2), Some(env!("CARGO_PKG_VERSION")), "{text}");
    assert!(text.starts_with("aicr version ") && text.contains("(commit: ") && text.contains(", date: "), "{text}");
    for flag in ["-v", "-V"] {
        assert_eq!(good(sandbox.aicr(&[flag])).stdout, text);
    }
}

#[test]
fn completion_has_the_reference_s_names_and_completes_criteria_of_the_catalog() {
    let sandbox = Sandbox::new();
    for (theirs, ours) in
        [(["completion", "bash"], ["completions", "bash"]), (["completion", "pwsh"], ["completions", "powershell"])]
    {
        assert_eq!(good(sandbox.aicr(&theirs)).stdout, good(sandbox.aicr(&ours)).stdout);
    }
    let overlay = "kind: RecipeMetadata\nmetadata: {name: mine}\nspec: {criteria: {service: ncp-internal}}\n";
    sandbox.file("mine/overlays/mine.yaml", overlay);
    let plain = good(sandbox.aicr(&["completion", "bash"])).stdout;
    let with_data = good(sandbox.aicr(&["--data", "mine", "completion", "bash"])).stdout;
    let words = |script: &str| {
        let after = script.split("--service)\n").nth(1).unwrap().lines().next().unwrap().to_owned();
        after.split('"').nth(1).unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(words(&plain).contains(&"eks".to_owned()) && !words(&plain).contains(&"ncp-internal".to_owned()));
    assert!(words(&with_data).contains(&"ncp-internal".to_owned()));
}

#[test]
fn recipe_list_has_the_reference_s_columns_and_fields() {
    let sandbox = Sandbox::new();
    golden("recipe_list", &good(sandbox.aicr(&["recipe", "list", "--service", "kind"])).transcript);
    let rows = json(sandbox.aicr(&["recipe", "list", "--gpu", "h100", "--intent", "training", "--format", "json"]));
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let criteria = &row["criteria"];
        assert_eq!((&criteria["accelerator"], &criteria["intent"]), (&"h100".into(), &"training".into()), "{row}");
        assert_eq!(row["is_leaf"].as_bool().unwrap(), row["health"].is_object(), "{row}");
    }
    let leaf = rows.iter().find(|row| row["name"] == "h100-kind-training-kubeflow").unwrap();
    assert_eq!(leaf["source"], "embedded");
    let health = &leaf["health"];
    assert_eq!((&health["status"], &health["dimensions"]["resolves"]), (&"pass".into(), &"pass".into()), "{leaf}");
    assert_eq!(health["dimensions"]["chart_pinned"], "pass", "{leaf}");
    let coverage = &health["coverage"];
    assert_eq!(coverage["performance"], serde_json::json!({"declared": false, "constraints": 0}), "{leaf}");
    assert!(coverage["deployment"]["checks"].as_array().is_some_and(|checks| checks.len() == 4), "{leaf}");
}

#[test]
fn recipe_list_grades_what_does_not_resolve_and_leaves_grades_out_on_request() {
    let sandbox = Sandbox::new();
    let overlay = |name: &str, spec: &str| {
        let text = format!(
            "kind: RecipeMetadata\nmetadata: {{name: {name}}}\nspec: {{criteria: {{service: {name}}}{spec}}}\n"
        );
        sandbox.file(&format!("mine/overlays/{name}.yaml"), &text);
    };
    overlay("sound", "");
    overlay("broken", ", componentRefs: [{name: gpu-operator, type: Helm, dependencyRefs: [nowhere]}]");
    let list = |more: &[&str]| {
        let rows = json(sandbox.aicr(&[&["--data", "mine", "recipe", "list", "-t", "json"], more].concat()));
        let rows = rows.as_array().unwrap().clone();
        rows.into_iter().filter(|row| row["source"] == "external").collect::<Vec<_>>()
    };
    let rows = list(&[]);
    let status = |row: &Value| format!("{} {}", row["name"], row["health"]["status"]).replace('"', "");
    assert_eq!(rows.iter().map(status).collect::<Vec<_>>(), ["broken fail", "sound pass"]);
    assert!(rows[0]["health"]["detail"]["resolves"].as_str().unwrap().contains("nowhere"), "{}", rows[0]);
    assert!(rows[0]["health"]["coverage"].is_null(), "nothing is known of a recipe that does not resolve: {}", rows[0]);
    let rows = json(sandbox.aicr(&["recipe", "list", "-t", "json"]));
    let is_general = |row: &Value| row["criteria"].as_object().is_some_and(|stated| stated.is_empty());
    let general: Vec<&Value> = rows.as_array().unwrap().iter().filter(|row| is_general(row)).collect();
    assert!(!general.is_empty() && general.iter().all(|row| row["health"]["status"] == "unknown"), "{general:?}");
    let others = rows.as_array().unwrap().iter().filter(|row| row["is_leaf"] == true && !is_general(row));
    assert!(others.clone().count() > 10 && others.clone().all(|row| row["health"]["status"] == "pass"), "{rows}");
    for flag in ["--no-health", "--skip-health"] {
        assert!(list(&[flag]).iter().all(|row| row["health"].is_null()));
    }
    let yaml =
        good(sandbox.aicr(&["--data", "mine", "recipe", "list", "--service", "sound", "-t", "yaml", "--no-health"]));
    assert_eq!(yaml.stdout, "- criteria:\n    service: sound\n  is_leaf: true\n  name: sound\n  source: external\n");
}

#[test]
fn recipes_and_differences_are_written_to_config_maps_and_recipes_read_from_there() {
    let sandbox = Sandbox::new();
    let demo = Demo::start(&sandbox);
    let run = good(sandbox.aicr(&[&["-k", "kubeconfig", "recipe", "-o", "cm://default/wanted"], &EKS[..]].concat()));
    assert!(run.stderr.contains("wrote cm://default/wanted") && run.stdout.is_empty(), "{}", run.transcript);
    let printed = good(sandbox.aicr(&[&["recipe"], &EKS[..]].concat())).stdout;
    assert_eq!(demo.data("wanted", "snapshot.yaml").as_deref(), Some(&*printed));
    let criteria = "service=eks,accelerator=h100,intent=training";
    let same = ["-k", "kubeconfig", "diff", criteria, "cm://default/wanted", "-t", "table"];
    assert_eq!(good(sandbox.aicr(&same)).stdout, "NO CHANGES\n");
    let diff = ["-k", "kubeconfig", "diff", "service=kind", "service=eks", "-t", "json"];
    good(sandbox.aicr(&[&diff[..], &["-o", "cm://default/drift"]].concat()));
    assert_eq!(demo.data("drift", "snapshot.json").as_deref(), Some(&*good(sandbox.aicr(&diff)).stdout));
    let table =
        sandbox.aicr(&["-k", "kubeconfig", "recipe", "--service", "kind", "-t", "table", "-o", "cm://default/x"]);
    assert_eq!((table.code, demo.data("x", "snapshot.yaml")), (2, None), "{}", table.transcript);
}

#[test]
fn a_report_without_a_cluster_is_written_where_it_was_asked_for_or_not_said_to_be() {
    let sandbox = Sandbox::new();
    sandbox.file("snapshot.yaml", &good(sandbox.aicr(&["--demo", "snapshot"])).stdout);
    let demo = Demo::start(&sandbox);
    let verb = ["validate", "-s", "snapshot.yaml", "--service", "kind", "--no-cluster", "-o", "cm://default/report"];
    let run = good(sandbox.aicr(&[&["-k", "kubeconfig"], &verb[..]].concat()));
    assert!(run.stderr.contains("wrote cm://default/report"), "{}", run.transcript);
    let report: Value = serde_json::from_str(&demo.data("report", "snapshot.json").unwrap()).unwrap();
    assert!(report["results"]["summary"]["skipped"].as_u64().unwrap() > 0, "{report}");
    let run = sandbox.aicr(&verb);
    assert!(run.code == 2 && !run.transcript.contains("wrote cm:"), "{}", run.transcript);
}

#[test]
fn an_overlay_file_is_the_recipe_of_its_criteria() {
    let sandbox = Sandbox::new();
    sandbox.file("snapshot.yaml", &good(sandbox.aicr(&["--demo", "snapshot"])).stdout);
    let overlay = |criteria: &str| {
        format!("kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {{name: mine}}\nspec: {{{criteria}}}\n")
    };
    sandbox.file(
        "overlay.yaml",
        &overlay("criteria: {service: kind, accelerator: h100, intent: training, platform: kubeflow}"),
    );
    let validate = |arguments: &[&str]| {
        sandbox.aicr(&[&["validate", "-s", "snapshot.yaml", "--no-cluster", "-t", "text"], arguments].concat())
    };
    let run = good(validate(&["-r", "overlay.yaml"]));
    let same = ["--service", "kind", "--accelerator", "h100", "--intent", "training", "--platform", "kubeflow"];
    assert_eq!(run.stdout, good(validate(&same)).stdout);
    assert!(run.stderr.contains("warning: overlay.yaml is the overlay `mine`"), "{}", run.transcript);
    sandbox.file("overlay.yaml", &overlay("base: kind"));
    let run = validate(&["-r", "overlay.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("no criteria of its own"), "{}", run.transcript);
}

#[test]
fn a_query_prints_no_keys_that_the_reference_lacks_and_has_them_by_name() {
    let sandbox = Sandbox::new();
    let query = |selector: &str| json(sandbox.aicr(&[&["query", selector, "-t", "json"], &EKS[..]].concat()));
    let (whole, components, component) = (query("."), query("components"), query("components.gpu-operator"));
    assert_eq!(whole["components"], components);
    assert_eq!(components["gpu-operator"], component);
    let mut keys: Vec<&str> = whole.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["apiVersion", "components", "constraints", "criteria", "deploymentOrder", "kind", "metadata"]);
    assert!(component["values"].is_object() && component["valuesFile"].is_null(), "{component}");
    assert_eq!(query("components.*")[0]["manifestFiles"], Value::Null);
    assert_eq!(query("metadata.version"), env!("CARGO_PKG_VERSION"));
    assert!(query("components.gpu-operator.valuesFile").is_string() && query("validation").is_object());
}

#[test]
fn require_gpu_is_honored_and_what_shapes_a_pod_is_answered() {
    let sandbox = Sandbox::new();
    let found = ["--demo", "snapshot", "--require-gpu", "-o", "snapshot.yaml"];
    good(sandbox.aicr(&found));
    let node = "{apiVersion: v1, kind: Node, metadata: {name: plain, labels: {feature.node.kubernetes.io/cpu-model.family: '6'}}}";
    sandbox.file("world.yaml", node);
    let none = ["--demo", "--world", "world.yaml", "snapshot"];
    good(sandbox.aicr(&[&none[..], &["--require-gpu=false"]].concat()));
    let run = sandbox.aicr(&[&none[..], &["--require-gpu", "-o", "none.yaml"]].concat());
    assert!(run.code == 3 && !sandbox.home().join("none.yaml").exists(), "{}", run.transcript);
    assert!(run.stderr.contains("failed to find a GPU, as --require-gpu asks"), "{}", run.transcript);
    let output = sandbox.command(&none).env("AICR_REQUIRE_GPU", "true").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let run = sandbox.aicr(&["--demo", "--world", "world.yaml", "validate", "--service", "kind", "--require-gpu"]);
    assert!(run.code == 3 && run.stderr.contains("find a GPU"), "{}", run.transcript);
    let pod = ["--os", "talos", "--no-cleanup=true", "--max-nodes-per-entry", "3", "--discover-network"];
    let run = good(sandbox.aicr(&[&["--demo", "snapshot", "-o", "s.yaml"], &pod[..]].concat()));
    for (flags, why) in
        [("--no-cleanup, --os", "no pod"), ("--max-nodes-per-entry", "every node"), ("--discover-network", "network")]
    {
        let answered = |line: &str| line.starts_with(&format!("warning: ignored: {flags} (")) && line.contains(why);
        assert!(run.stderr.lines().any(answered), "{flags}: {}", run.transcript);
    }
}

#[test]
fn phases_may_be_a_comma_list_and_switches_may_say_true() {
    let sandbox = Sandbox::new();
    sandbox.file("snapshot.yaml", &good(sandbox.aicr(&["--demo", "snapshot"])).stdout);
    let validate = |arguments: &[&str]| {
        let common = ["validate", "-s", "snapshot.yaml", "--service", "eks", "--gpu", "h100", "--intent", "training"];
        sandbox.aicr(&[&common[..], arguments, &["-t", "text"]].concat())
    };
    let comma = good(validate(&[
        "--no-cluster=true",
        "--no-cleanup=true",
        "--fail-fast=true",
        "--phase",
        "deployment,conformance",
    ]));
    let repeated = good(validate(&["--no-cluster", "--phase", "deployment", "--phase", "conformance"]));
    assert_eq!(comma.stdout, repeated.stdout);
    assert!(comma.stdout.contains("deployment") && comma.stdout.contains("conformance"), "{}", comma.transcript);
    for bad in ["bad", "a:b:NoSchedule", "=x:NoSchedule", "gpu:Never"] {
        let run = validate(&["--no-cluster", "--toleration", bad]);
        assert!(run.code == 2 && run.stderr.contains("write KEY=VALUE:EFFECT"), "{}", run.transcript);
    }
    good(validate(&["--no-cluster", "--toleration", "dedicated=gpu:NoSchedule", "--toleration", "*"]));
}

#[test]
fn errors_have_the_words_that_the_reference_s_tests_look_for() {
    let sandbox = Sandbox::new();
    for (arguments, words) in [
        (&["recipe", "--service", "ncp-internal"][..], "invalid service type"),
        (&["recipe", "--service", "eks", "--service", "gke"], "can only be specified once"),
        (&["validate", "--recipe", "a", "--recipe", "a", "--no-cluster"], "can only be specified once"),
        (&["validate", "--phase", "invalid-phase", "--no-cluster"], "invalid phase"),
    ] {
        let run = sandbox.aicr(arguments);
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.transcript);
    }
}

#[test]
fn diff_takes_its_sides_by_position_and_says_which_is_missing() {
    let sandbox = Sandbox::new();
    let (left, right) = ("service=kind", "service=eks");
    let flags = good(sandbox.aicr(&["diff", "--baseline", left, "--target", right])).stdout;
    assert_eq!(good(sandbox.aicr(&["diff", left, right])).stdout, flags);
    assert_eq!(good(sandbox.aicr(&["diff", left, "--target", right])).stdout, flags);
    let run = sandbox.aicr(&["diff", left]);
    assert!(run.code == 2 && run.stderr.contains("missing TARGET"), "{}", run.transcript);
    let run = sandbox.aicr(&["diff", left, right, "--target", left]);
    assert!(run.code == 2 && run.stderr.contains("cannot be used with"), "{}", run.transcript);
}

#[test]
fn each_verb_that_we_lack_has_one_sentence_and_no_guess() {
    let sandbox = Sandbox::new();
    let mut all = String::new();
    for line in [
        "bundle -r recipe.yaml --attest",
        "verify ./bundle --certificate-identity-regexp https://github.com/NVIDIA/aicr/",
        "evidence digest -r recipe.yaml",
        "mirror list --recipe recipe.yaml",
        "trust update",
        "skill --agent codex",
        "recipe verify-catalog catalog.sigstore.json",
        "version",
        "snapshot --template report.tmpl",
        "validate -r recipe.yaml --emit-attestation out",
        "validate -r recipe.yaml --cncf-submission",
    ] {
        let run = sandbox.aicr(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.transcript);
        assert!(!run.stderr.contains("similar"), "{}", run.transcript);
        all += &run.transcript;
    }
    golden("lacking", &all);
}

#[test]
fn the_workbench_opens_snapshots_of_every_place() {
    let sandbox = Sandbox::new();
    let _demo = Demo::start(&sandbox);
    let snapshot = ["-k", "kubeconfig", "snapshot", "-o"];
    good(sandbox.aicr(&[&snapshot[..], &["cm://default/saved"]].concat()));
    good(sandbox.aicr(&[&snapshot[..], &["saved.yaml"]].concat()));
    let text = std::fs::read_to_string(sandbox.home().join("saved.yaml")).unwrap();
    let page = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
    let address = crate::sandbox::server(move |_| Some(page.clone()));
    sandbox.file("keys", "wait 1\n");
    let url = format!("http://{address}/saved.yaml?sig=s3cr3t");
    for place in ["saved.yaml", "cm://default/saved", &url] {
        let run = good(sandbox.aicr(&["-k", "kubeconfig", "tui", place, "--script", "keys", "--size", "140x40"]));
        assert!(run.stdout.contains("worker-3") && !run.stdout.contains("s3cr3t"), "{place}: {}", run.stdout);
    }
    let run =
        good(sandbox.aicr(&["-k", "kubeconfig", "tui", "cm://default/none", "--script", "keys", "--size", "140x40"]));
    assert!(run.stdout.contains("default/none") && !run.stdout.contains("worker-3"), "{}", run.stdout);
}

#[test]
fn the_table_of_a_snapshot_counts_nodes_of_an_unknown_product_apart() {
    let sandbox = Sandbox::new();
    let node = |name: &str, labels: &str| {
        format!(
            "- apiVersion: v1\n  kind: Node\n  metadata: {{name: {name}, labels: {{{labels}}}}}\n  status: {{capacity: \
             {{nvidia.com/gpu: '8'}}}}\n"
        )
    };
    let h100 = "nvidia.com/gpu.present: 'true', nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3";
    let (known, unknown) = (["a", "b"].map(|name| node(name, h100)).concat(), node("odd", ""));
    let row = |nodes: &str| {
        sandbox.file("world.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{nodes}"));
        let run = good(sandbox.aicr(&["--demo", "--world", "world.yaml", "snapshot", "-t", "table"]));
        run.stdout.lines().find(|line| line.starts_with("gpu nodes")).unwrap_or_default().to_owned()
    };
    let both = row(&format!("{known}{unknown}"));
    assert!(both.contains(" 2, and 1 more of unknown product "), "{both}");
    let alone = row(&unknown);
    assert!(alone.contains(" 1 of unknown product") && !alone.contains("more"), "{alone}");
    let all = row(&known);
    assert!(all.contains(" 2 ") && !all.contains("unknown"), "{all}");
}

/// Three nodes of one system and one of another, which is cordoned.
#[test]
fn the_table_of_a_snapshot_names_nodes_that_differ_and_shows_which_are_cordoned() {
    let sandbox = Sandbox::new();
    let node = |name: &str, image: &str, spec: &str| {
        format!(
            "- apiVersion: v1\n  kind: Node\n  metadata: {{name: {name}}}\n  spec: {{{spec}}}\n  status:\n    \
             conditions: [{{type: Ready, status: 'True'}}]\n    nodeInfo: {{osImage: '{image}', kubeletVersion: v1.34.0}}\n"
        )
    };
    let ubuntu = "Ubuntu 24.04.3 LTS";
    let nodes: String = ["a", "b", "c"].map(|name| node(name, ubuntu, "")).concat();
    let odd = node("odd", "Red Hat Enterprise Linux 9.4 (Plow)", "unschedulable: true");
    sandbox.file("world.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{nodes}{odd}"));
    let run = good(sandbox.aicr(&["--demo", "--world", "world.yaml", "snapshot", "-t", "table"]));
    golden("snapshot_table_differs", &run.transcript);
    let line = |start: &str| run.stdout.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(line("odd").contains("ready, cordoned") && !line("a ").contains("cordoned"), "{}", run.stdout);
    assert!(run.stdout.contains("DIFFERS") && run.stdout.contains("rhel"), "{}", run.stdout);
}
