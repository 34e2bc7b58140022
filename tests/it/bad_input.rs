//! What a person can get wrong, and what the world does to them: one clear error each, through the real program.

use crate::sandbox::{Sandbox, golden, server, status};

#[track_caller]
fn check(name: &str, sandbox: &Sandbox, arguments: &[&str], code: i32) {
    let run = sandbox.aicr(arguments);
    assert_eq!(run.code, code, "{}", run.transcript);
    assert_eq!(run.stdout, "", "a failure prints no data");
    golden(name, &run.transcript);
}

#[test]
fn no_kubeconfig() {
    check("no_kubeconfig", &Sandbox::new(), &["snapshot"], 2);
}

#[test]
fn a_kubeconfig_that_is_none() {
    let sandbox = Sandbox::new();
    sandbox.file("broken", "clusters: [\n");
    check("broken_kubeconfig", &sandbox, &["snapshot", "--kubeconfig", "broken"], 2);
}

#[test]
fn a_context_that_does_not_exist() {
    let sandbox = Sandbox::new();
    sandbox.kubeconfig("http://127.0.0.1:1");
    check("unknown_context", &sandbox, &["--context", "prod", "snapshot"], 2);
}

#[test]
fn a_server_that_is_not_there() {
    let sandbox = Sandbox::new();
    // Nobody listens on port 1 of the loopback address.
    sandbox.kubeconfig("http://127.0.0.1:1");
    check("no_server", &sandbox, &["snapshot"], 6);
}

#[test]
fn a_server_that_stops_answering() {
    let sandbox = Sandbox::new();
    let address = server(|_| None);
    sandbox.kubeconfig(&format!("http://{address}"));
    let run = sandbox.aicr(&["snapshot", "--timeout", "1s"]);
    assert_eq!(run.code, 5, "{}", run.transcript);
    golden("silent_server", &run.transcript.replace(&address.to_string(), "[server]"));
}

#[test]
fn expired_credentials() {
    let sandbox = Sandbox::new();
    let address = server(|_| Some(status(401, "Unauthorized", "Unauthorized")));
    sandbox.kubeconfig(&format!("http://{address}"));
    let run = sandbox.aicr(&["snapshot"]);
    assert_eq!(run.code, 4, "{}", run.transcript);
    golden("expired_credentials", &run.transcript.replace(&address.to_string(), "[server]"));
}

#[test]
fn missing_credentials() {
    let sandbox = Sandbox::new();
    let address = server(|_| None);
    let path = sandbox.kubeconfig(&format!("https://{address}"));
    let text = std::fs::read_to_string(&path).unwrap().replace("user: {}", "user: {tokenFile: /nowhere/token}");
    std::fs::write(&path, text).unwrap();
    let run = sandbox.aicr(&["snapshot"]);
    assert_eq!(run.code, 4, "{}", run.transcript);
    golden("missing_credentials", &run.transcript.replace(&address.to_string(), "[server]"));
}

#[test]
fn everything_is_forbidden() {
    let sandbox = Sandbox::new();
    let address = server(|path| {
        let resource = path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        let message = format!(
            r#"{resource} is forbidden: User \"jane\" cannot list resource \"{resource}\" in API group \"\" at the cluster scope"#
        );
        Some(status(403, "Forbidden", &message))
    });
    sandbox.kubeconfig(&format!("http://{address}"));
    let run = sandbox.aicr(&["snapshot"]);
    assert_eq!(run.code, 4, "{}", run.transcript);
    golden("forbidden", &run.transcript.replace(&address.to_string(), "[server]"));
}

/// An answer with a JSON document.
fn json(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[test]
fn a_list_of_another_kind_is_not_a_cluster_without_nodes() {
    let sandbox = Sandbox::new();
    let address = server(|_| Some(json(r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#)));
    sandbox.kubeconfig(&format!("http://{address}"));
    let run = sandbox.aicr(&["snapshot", "-t", "table"]);
    let nodes = "list nodes: asked for `nodes`, and the server answered with the kind `PodList` of `v1`";
    assert!(run.stderr.contains(nodes) && !run.stderr.contains("read 0 nodes"), "{}", run.transcript);
    let version = "get /version: the answer has no `gitVersion`; the server answered with the kind `PodList` of `v1`";
    assert!(run.stderr.contains(version), "{}", run.transcript);
}

#[test]
fn a_list_that_leads_in_a_circle_ends_with_an_error() {
    let sandbox = Sandbox::new();
    let page = |kind: &str, version: &str| {
        json(&format!(
            r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{{"continue":"same"}},"items":[{{"metadata":{{"name":"a"}}}}]}}"#
        ))
    };
    let address = server(move |path| {
        Some(match path.split('?').next().unwrap_or_default() {
            "/version" => json(r#"{"gitVersion":"v1.34.0"}"#),
            "/api/v1/nodes" => page("NodeList", "v1"),
            "/apis/storage.k8s.io/v1/storageclasses" => page("StorageClassList", "storage.k8s.io/v1"),
            _ => status(404, "NotFound", "no such thing"),
        })
    });
    sandbox.kubeconfig(&format!("http://{address}"));
    let run = sandbox.aicr(&["snapshot", "--timeout", "60s"]);
    assert_ne!(run.code, 5, "it does not run to the time limit: {}", run.transcript);
    for source in ["list nodes", "list storageclasses.storage.k8s.io"] {
        let found = format!("{source}: the server gave the same `continue` token twice, so its list has no end");
        assert!(run.stderr.contains(&found), "{found}: {}", run.transcript);
    }
}

#[test]
fn a_file_that_is_not_there() {
    check("missing_file", &Sandbox::new(), &["recipe", "--snapshot", "snapshot.yaml"], 3);
}

#[test]
fn a_file_that_is_no_snapshot() {
    let sandbox = Sandbox::new();
    sandbox.file("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n");
    check("not_a_snapshot", &sandbox, &["recipe", "--snapshot", "deployment.yaml"], 2);
}

#[test]
fn a_file_that_is_no_yaml() {
    let sandbox = Sandbox::new();
    sandbox.file("snapshot.yaml", "kind: Snapshot\nmeasurements:\n  - type: [K8s\n");
    check("not_yaml", &sandbox, &["recipe", "--snapshot", "snapshot.yaml"], 2);
}

#[test]
fn a_file_that_is_no_recipe() {
    let sandbox = Sandbox::new();
    sandbox.file("snapshot.yaml", "apiVersion: aicr.run/v1alpha2\nkind: Snapshot\nmeasurements: []\n");
    check("not_a_recipe", &sandbox, &["validate", "--recipe", "snapshot.yaml"], 2);
    check("missing_recipe", &sandbox, &["validate", "--recipe", "recipe.yaml"], 3);
}

/// The reference reads the first document and ignores the others.
#[test]
fn second_document_is_refused_where_it_starts() {
    let sandbox = Sandbox::new();
    let snapshot = "kind: Snapshot\nmeasurements: []\n";
    sandbox.file("snapshots.yaml", &format!("{snapshot}---\n{snapshot}"));
    check("two_snapshots", &sandbox, &["recipe", "--snapshot", "snapshots.yaml"], 2);
    let recipe = "kind: RecipeResult\ncomponentRefs: []\n";
    sandbox.file("recipes.yaml", &format!("---\n{recipe}\n---\n{recipe}"));
    check("two_recipes", &sandbox, &["validate", "--recipe", "recipes.yaml"], 2);
    check("two_recipes_compared", &sandbox, &["diff", "--baseline", "recipes.yaml", "--target", "recipes.yaml"], 2);
}

#[test]
fn phases_that_contradict_each_other() {
    let sandbox = Sandbox::new();
    check("phase_all_and_one", &sandbox, &["validate", "--phase", "all", "--phase", "conformance"], 2);
    check("recipe_and_criteria", &sandbox, &["validate", "--recipe", "x", "--service", "kind"], 2);
    check("phase_unknown", &sandbox, &["validate", "--phase", "readyness"], 2);
    check("no_cluster_no_snapshot", &sandbox, &["validate", "--no-cluster"], 2);
}

#[test]
fn a_file_that_is_no_text() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.home().join("picture.png"), b"\x89PNG\r\n").unwrap();
    check("not_text", &sandbox, &["recipe", "--snapshot", "picture.png"], 2);
}

#[test]
fn utf_16_as_powershell_writes_it_is_read_and_half_a_character_is_an_error() {
    let sandbox = Sandbox::new();
    let text = demo_snapshot(&sandbox);
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(sandbox.home().join("utf16.yaml"), &utf16).unwrap();
    std::fs::write(sandbox.home().join("bom.yaml"), format!("\u{feff}{text}")).unwrap();
    for name in ["utf16.yaml", "bom.yaml"] {
        let run = sandbox.aicr(&["diff", "--baseline", "plain.yaml", "--target", name, "--fail-on-drift"]);
        assert_eq!(run.code, 0, "{}", run.transcript);
    }
    std::fs::write(sandbox.home().join("odd.yaml"), [&*utf16, b"\n"].concat()).unwrap();
    let run = sandbox.aicr(&["recipe", "--snapshot", "odd.yaml"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.transcript);
    golden("odd_utf16", &run.transcript.replace(&(utf16.len() + 1).to_string(), "[odd]"));
}

/// The demo cluster's snapshot, as the file `plain.yaml` too.
fn demo_snapshot(sandbox: &Sandbox) -> String {
    let run = sandbox.aicr(&["--demo", "snapshot"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    sandbox.file("plain.yaml", &run.stdout);
    run.stdout
}

#[test]
fn a_megabyte_of_nonsense_on_standard_input() {
    let run = Sandbox::new().aicr_with(&["recipe", "--snapshot", "-"], &"lorem ipsum ".repeat(90_000));
    assert_eq!(run.code, 2, "{}", run.transcript);
    golden("nonsense", &run.transcript);
}

#[test]
fn an_unknown_criterion() {
    check("unknown_criterion", &Sandbox::new(), &["recipe", "--accelerator", "h10O"], 2);
    check("unknown_criterion_far", &Sandbox::new(), &["recipe", "--service", "mainframe"], 2);
    check("no_criteria", &Sandbox::new(), &["recipe"], 2);
    check("nodes_not_a_number", &Sandbox::new(), &["recipe", "--nodes", "many"], 2);
}

#[test]
fn a_dimension_that_nothing_honors() {
    let arguments = ["recipe", "--service", "kind", "--accelerator", "b300", "--strict"];
    check("not_honored", &Sandbox::new(), &arguments, 2);
}

#[test]
fn comparisons_that_make_no_sense() {
    let sandbox = Sandbox::new();
    check("diff_same_input", &sandbox, &["diff", "-b", "-", "--target", "-"], 2);
    check("diff_criteria", &sandbox, &["diff", "-b", "service=kind,size=2", "--target", "service=eks"], 2);
    check("diff_nothing_given", &sandbox, &["diff"], 2);
}

#[test]
fn a_selector_that_names_nothing() {
    let arguments = ["query", "components.gpu-operator.values.drivers", "--service", "kind"];
    check("selector_names_nothing", &Sandbox::new(), &arguments, 3);
    check("selector_unreadable", &Sandbox::new(), &["query", "components[", "--service", "kind"], 2);
}

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let arguments = |output| ["recipe", "--service", "kind", "--output", output];
    check("output_nowhere", &sandbox, &arguments("missing/recipe.yaml"), 2);
    check("output_directory", &sandbox, &arguments("."), 2);
    check("output_bad_config_map", &sandbox, &arguments("cm://nowhere"), 2);
    assert_eq!(std::fs::read_dir(sandbox.home()).unwrap().count(), 0, "nothing may be left behind");
}

#[test]
fn a_report_that_cannot_be_written_fails_before_the_run() {
    let sandbox = Sandbox::new();
    let arguments = ["--demo", "validate", "--phase", "conformance", "--output", "missing/report.json"];
    check("report_nowhere", &sandbox, &arguments, 2);
    check("snapshot_nowhere", &sandbox, &["--demo", "snapshot", "--output", "missing/snapshot.yaml"], 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_what_was_there() {
    let sandbox = Sandbox::new();
    check("output_full", &sandbox, &["recipe", "--service", "kind", "--output", "/dev/full"], 8);
}

#[test]
fn a_failure_leaves_the_target_as_it_was() {
    let sandbox = Sandbox::new();
    let kept = sandbox.file("recipe.yaml", "kept\n");
    let run = sandbox.aicr(&["recipe", "--service", "mainframe", "--output", "recipe.yaml"]);
    assert_eq!(run.code, 2);
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "kept\n");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let sandbox = Sandbox::new();
    let lines = ["--demo", "--linear"].as_slice();
    for arguments in [lines, &["recipe", "--service", "kind"], &["catalog", "list"], &["completions", "bash"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn flags_that_contradict_each_other() {
    let sandbox = Sandbox::new();
    sandbox.kubeconfig("http://127.0.0.1:1");
    check("demo_and_context", &sandbox, &["--demo", "--context", "test", "snapshot"], 2);
    check("fault_without_demo", &sandbox, &["--fault", "slow=10", "snapshot"], 2);
    check("unknown_fault", &sandbox, &["--demo", "--fault", "quake=9", "snapshot"], 2);
    check("flag_twice", &sandbox, &["recipe", "--service", "kind", "--service", "eks"], 2);
    check("alias_twice", &sandbox, &["recipe", "--gpu", "h100", "--accelerator", "a100"], 2);
    check("unknown_verb", &sandbox, &["recipes"], 2);
}

#[test]
fn a_catalog_folder_that_is_none() {
    let sandbox = Sandbox::new();
    sandbox.file("overlays/odd.yaml", "kind: RecipeMetadata\nmetadata: [\n");
    check("no_catalog_folder", &sandbox, &["--data", "missing", "recipe", "--service", "kind"], 3);
    sandbox.file("pictures/logo.png", "");
    check("empty_catalog_folder", &sandbox, &["--data", "pictures", "recipe", "--service", "kind"], 2);
    check("broken_overlay", &sandbox, &["--data", ".", "recipe", "--service", "kind"], 2);
}

#[test]
fn text_of_strangers_is_shown_and_not_obeyed() {
    let sandbox = Sandbox::new();
    check("hostile_argument", &sandbox, &["recipe", "--service", "kind\u{1b}[2J\u{202e}"], 2);
    let address = server(|_| Some(status(401, "Unauthorized", r"go\u001b[2J away\u202e now")));
    sandbox.kubeconfig(&format!("http://{address}"));
    let run = sandbox.aicr(&["snapshot"]);
    assert_eq!(run.code, 4, "{}", run.transcript);
    golden("hostile_server", &run.transcript.replace(&address.to_string(), "[server]"));
    let snapshot = "kind: Snapshot\napiVersion: aicr.run/v1alpha2\nmeasurements:\n- type: K8s\n  subtypes:\n  \
                    - {subtype: helm, data: {\"a\\e[2Jb.chart\": x, gpu-operator.version: \"\\e[31mred\"}}\n";
    sandbox.file("hostile.yaml", snapshot);
    let run = sandbox.aicr(&["diff", "-b", "service=kind", "--target", "hostile.yaml", "-t", "table"]);
    assert!(run.code == 0 && run.stderr.contains("recipe: a"), "{}", run.transcript);
    assert!(!run.transcript.contains('\u{1b}'), "{}", run.transcript);
}
