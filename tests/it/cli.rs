//! The command line as a person sees it: help, verbs, files.

use crate::sandbox::{Sandbox, golden};

const A100: [&str; 4] = ["--service", "kind", "--accelerator", "a100"];

#[track_caller]
fn check(name: &str, arguments: &[&str]) {
    let run = Sandbox::new().aicr(arguments);
    assert_eq!(run.code, 0, "{}", run.transcript);
    golden(name, &run.transcript);
}

fn with(verb: &[&'static str]) -> Vec<&'static str> {
    verb.iter().chain(&A100).copied().collect()
}

#[test]
fn help_is_an_interface() {
    check("help", &["--help"]);
    for verb in verbs() {
        check(&format!("help_{verb}"), &[&verb, "--help"]);
    }
}

/// The verbs that help lists.
fn verbs() -> Vec<String> {
    let help = Sandbox::new().aicr(&["-h"]).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let verb = |line: &str| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')).map(str::to_owned);
    let names = list.lines().filter_map(verb).map(|line| line.split(' ').next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_verb_has_a_manual_page_and_completes() {
    let sandbox = Sandbox::new();
    for verb in verbs() {
        let page = sandbox.aicr(&["man", &verb]);
        assert!(
            page.code == 0 && page.stdout.contains(&format!("aicr\\-{}", verb.replace('-', "\\-"))),
            "{}",
            page.transcript
        );
    }
    // A verb that is none of a person's is not offered to one.
    let unknown = sandbox.aicr(&["man", "nosuch"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("recipe, query"), "{}", unknown.transcript);
    assert!(!unknown.stderr.contains(" check,"), "{}", unknown.transcript);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.aicr(&["completions", shell]);
        assert!(script.code == 0 && verbs().iter().all(|verb| script.stdout.contains(verb.as_str())), "{shell}");
    }
}

#[test]
fn without_a_verb_and_a_terminal_there_is_help_and_nothing_else() {
    let run = Sandbox::new().aicr(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage: aicr"), "{}", run.stderr);
}

#[test]
fn the_walk_through_recipe_has_its_twelve_components_in_order() {
    check("recipe_table", &with(&["recipe", "-t", "table"]));
}

#[test]
fn a_recipe_file_is_what_standard_output_would_have_been() {
    let sandbox = Sandbox::new();
    let printed = sandbox.aicr(&with(&["recipe"]));
    for (name, format) in [("recipe.yaml", "yaml"), ("recipe.json", "json")] {
        assert_eq!(sandbox.aicr(&with(&["recipe", "-o", name])).code, 0);
        let printed = sandbox.aicr(&with(&["recipe", "-t", format])).stdout;
        assert_eq!(std::fs::read_to_string(sandbox.home().join(name)).unwrap(), printed);
    }
    assert!(printed.stdout.starts_with("aicr:\n"), "keys are sorted");
}

#[test]
fn values_are_printed_bare_for_scripts_and_whole_for_people() {
    check("query_scalar", &with(&["query", "components.gpu-operator.version"]));
    check("query_list", &with(&["query", "deploymentOrder"]));
    check("query_json", &with(&["query", "--selector", ".constraints", "-t", "json"]));
}

#[test]
fn explain_names_the_layer_the_file_and_the_line() {
    check("explain", &with(&["explain", "components.gpu-operator.version"]));
    check("explain_all", &with(&["explain", "components.gpu-operator.version", "--all"]));
    check("explain_subtree", &with(&["explain", "components.gpu-operator.values.driver"]));
}

#[test]
fn a_criterion_without_effect_is_an_error_and_a_warning_when_lenient() {
    let query = ["query", "components.cert-manager.version", "--gpu", "b300", "--service", "kind"];
    let run = Sandbox::new().aicr(&query);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.transcript);
    let run = Sandbox::new().aicr(&[&query[..], &["--lenient"]].concat());
    assert_eq!((run.code, run.stdout.as_str()), (0, "v1.20.2\n"));
    assert!(run.stderr.contains("warning: no overlay honors accelerator=b300"), "{}", run.stderr);
}

#[test]
fn the_catalog_can_be_listed() {
    check("catalog_list", &["catalog", "list", "--service", "kind"]);
    let run = Sandbox::new().aicr(&["catalog", "list", "--platform", "slurm", "-t", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(rows.as_array().unwrap().iter().all(|row| row["criteria"]["platform"] == "slurm"));
}

/// A server that is too old for the training overlays, and no operating system.
#[test]
fn what_fits_a_cluster_is_listed_with_what_speaks_against_it() {
    let sandbox = Sandbox::new();
    let snapshot = "apiVersion: aicr.run/v1alpha2\nkind: Snapshot\nmeasurements:\n- type: K8s\n  subtypes:\n  \
                    - {subtype: server, data: {version: v1.31.0}}\n  - {subtype: node, data: {provider: eks}}\n";
    sandbox.file("eks.yaml", snapshot);
    let list = ["catalog", "list", "--snapshot", "eks.yaml", "--accelerator", "h100", "--intent", "training"];
    let run = sandbox.aicr(&list);
    assert_eq!(run.code, 0, "{}", run.transcript);
    golden("catalog_list_snapshot", &run.transcript);
    let run = sandbox.aicr(&[&list[..], &["-t", "json"]].concat());
    let rows: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let row = rows.as_array().unwrap().iter().find(|row| row["name"] == "h100-eks-ubuntu-training").unwrap();
    assert_eq!((&row["matches"], &row["open"]["os"]), (&"no".into(), &"ubuntu".into()));
}

#[test]
fn the_embedded_catalog_has_no_mistakes_and_a_bad_folder_has() {
    let sandbox = Sandbox::new();
    let run = sandbox.aicr(&["catalog", "lint"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(run.stderr.starts_with("0 errors"), "{}", run.transcript);
    let odd = "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {name: odd}\nspec: {base: nowhere}\n";
    sandbox.file("mine/overlays/odd.yaml", odd);
    let run = sandbox.aicr(&["catalog", "lint", "mine"]);
    assert_eq!(run.code, 1, "{}", run.transcript);
    golden("catalog_lint", &run.transcript);
    let sarif: serde_json::Value =
        serde_json::from_str(&sandbox.aicr(&["catalog", "lint", "mine", "-t", "sarif"]).stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

/// Two small snapshots that differ in a reading, a missing one, and one that changes by itself.
fn two_snapshots() -> Sandbox {
    let sandbox = Sandbox::new();
    let snapshot = |readings: &str| {
        format!(
            "apiVersion: aicr.run/v1alpha2\nkind: Snapshot\nmeasurements:\n  - type: K8s\n    subtypes:\n      \
             - subtype: server\n        data: {{{readings}}}\n  - type: OS\n    subtypes:\n      \
             - subtype: sysctl\n        data: {{/proc/sys/kernel/random/uuid: {}}}\n",
            readings.len()
        )
    };
    sandbox.file("before.yaml", &snapshot("version: v1.33.4, platform: linux/amd64"));
    sandbox.file("after.yaml", &snapshot("version: v1.34.0"));
    sandbox
}

#[test]
fn drift_between_snapshots_changes_the_exit_code_only_on_request() {
    let sandbox = two_snapshots();
    let arguments = ["diff", "--baseline", "before.yaml", "--target", "after.yaml"];
    let run = sandbox.aicr(&arguments);
    assert_eq!(run.code, 0);
    golden("diff_yaml", &run.transcript);
    let run = sandbox.aicr(&[&arguments[..], &["--fail-on-drift", "-t", "table", "--all"]].concat());
    assert_eq!(run.code, 1);
    golden("diff_table", &run.transcript);
    golden("diff_markdown", &sandbox.aicr(&[&arguments[..], &["-t", "markdown"]].concat()).transcript);
    // The name of a file says its form.
    sandbox.aicr(&[&arguments[..], &["-o", "drift.md"]].concat());
    let written = std::fs::read_to_string(sandbox.home().join("drift.md")).unwrap();
    assert!(written.starts_with("## before.yaml and after.yaml: 2 changes\n"), "{written}");
    let run = sandbox.aicr(&["diff", "-b", "after.yaml", "--target", "after.yaml", "--fail-on-drift", "-t", "table"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "NO CHANGES\n"));
}

#[test]
fn a_difference_between_recipes_names_the_layers_that_caused_it() {
    let arguments = ["diff", "-b", "service=kind,gpu=a100", "--target", "service=kind", "-t", "table"];
    check("diff_recipes", &arguments);
    check("diff_recipes_markdown", &[&arguments[..5], &["-t", "markdown"]].concat());
}

#[test]
fn a_recipe_file_differs_from_another_by_line_and_from_its_criteria_not_at_all() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.aicr(&with(&["recipe", "-o", "recipe.yaml"])).code, 0);
    let recipe = std::fs::read_to_string(sandbox.home().join("recipe.yaml")).unwrap();
    assert!(recipe.matches("version: v26.7.1").count() == 1, "the test edits one version");
    sandbox.file("edited.yaml", &recipe.replace("version: v26.7.1", "version: v26.7.0"));
    let run = sandbox.aicr(&["diff", "-b", "recipe.yaml", "--target", "edited.yaml", "-t", "table"]);
    golden("diff_recipe_files", &run.transcript);
    let criteria = "service=kind,accelerator=a100";
    let same = ["diff", "-b", criteria, "--target", "recipe.yaml", "-t", "table", "--fail-on-drift"];
    let run = sandbox.aicr(&same);
    assert_eq!((run.code, run.stdout.as_str()), (0, "NO CHANGES\n"), "{}", run.transcript);
}

#[test]
fn a_recipe_is_compared_with_what_the_cluster_runs() {
    let cluster = ["--demo", "diff", "-b", "service=kind,accelerator=a100", "--target", "cluster", "-t", "table"];
    check("diff_cluster", &cluster);
    check("diff_cluster_values", &[&cluster[..], &["--values"]].concat());
    let run = Sandbox::new().aicr(&["diff", "--values", "-b", "service=kind", "--target", "service=eks"]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    let run = Sandbox::new().aicr(&["diff", "--compat", "-b", "service=kind", "--target", "service=eks"]);
    assert_eq!(run.code, 2, "{}", run.transcript);
}

#[test]
fn flags_for_a_pod_are_reported_as_ignored() {
    let run = Sandbox::new().aicr(&["--demo", "snapshot", "--privileged=false", "-n", "gpu-operator", "-t", "table"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let warnings: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("warning: ignored: ")).collect();
    assert!(
        warnings.len() == 2 && warnings[0].contains("--privileged") && warnings[1].contains("--namespace"),
        "{warnings:?}"
    );
}

/// Variables that scripts of the reference set; `AICR_NAMESPACE` is the namespace of checks here.
#[test]
fn variables_for_a_pod_are_reported_as_ignored() {
    let sandbox = Sandbox::new();
    let set = [("AICR_IMAGE", "x"), ("AICR_OS", "talos"), ("AICR_DISCOVER_NETWORK", "false"), ("AICR_AGENT_MODE", "")];
    let warnings = |arguments: &[&str]| -> Vec<String> {
        let output = sandbox.command(arguments).envs(set).env("AICR_MAX_NODES_PER_ENTRY", "5").output().unwrap();
        let run = sandbox.run(arguments, output);
        assert_eq!(run.code, 0, "{}", run.transcript);
        let ignored = run.stderr.lines().filter(|line| line.starts_with("warning: ignored: "));
        ignored.map(str::to_owned).collect()
    };
    let expected = [
        "warning: ignored: AICR_IMAGE, AICR_OS (a snapshot is read from the API server; no pod is created)",
        "warning: ignored: AICR_MAX_NODES_PER_ENTRY (a snapshot names every node)",
    ];
    assert_eq!(warnings(&["--demo", "snapshot", "-t", "table"]), expected);
    assert_eq!(warnings(&["recipe", "--service", "kind"]), [""; 0], "other verbs read no cluster");
}

#[test]
fn frames_go_to_a_folder_that_is_made_for_them() {
    let sandbox = Sandbox::new();
    sandbox.file("keys", "dump start\n");
    let run = sandbox.aicr(&["--demo", "tui", "--script", "keys", "--frames", "new/frames"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(sandbox.home().join("new/frames/start.txt").is_file(), "{}", run.transcript);
    let run = sandbox.aicr(&["--demo", "tui", "--script", "keys", "--frames", "keys/frames"]);
    assert!(run.code == 2 && run.stderr.contains("choose another folder with --frames"), "{}", run.transcript);
}

#[test]
fn lists_of_overlays_take_a_profile_and_no_settings() {
    let sandbox = Sandbox::new();
    for verb in [["catalog", "list"], ["recipe", "list"]] {
        let of = |rest: &[&str]| sandbox.aicr(&[&verb[..], rest].concat());
        let oke = of(&["--profile", "gpuStack=oci-managed"]);
        let rows: Vec<&str> = oke.stdout.lines().skip(1).collect();
        assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("oke")), "{}", oke.transcript);
        let none = of(&["--profile", "gpuStack=nowhere"]);
        assert_eq!(none.stdout.lines().count(), 1, "{}", none.transcript);
        assert_eq!(of(&["--slurm-accounting-mode", "disabled"]).code, 2, "a setting is of a recipe");
    }
}

#[test]
fn a_profile_beside_a_recipe_is_refused_as_criteria_are() {
    let sandbox = Sandbox::new();
    let run = sandbox.aicr(&["validate", "-r", "r.yaml", "--no-cluster", "--profile", "gpuStack=oci-managed"]);
    assert!(run.code == 2 && run.stderr.contains("leave out --recipe or the criteria"), "{}", run.transcript);
}

#[test]
fn a_file_or_folder_that_does_not_exist_has_one_exit_code_in_every_verb() {
    let sandbox = Sandbox::new();
    let kind = ["--service", "kind", "--accelerator", "a100"];
    let lines: [&[&str]; 22] = [
        &["bundle", "-r", "none", "-o", "b"],
        &["bundle", "--config", "none", "-o", "b"],
        &["bundle", kind[0], kind[1], kind[2], kind[3], "--set-file", "gpu-operator:a=none", "-o", "b"],
        &["bundle", kind[0], kind[1], kind[2], kind[3], "--plan", "--against", "none"],
        &["verify", "none"],
        &["deploy", "none", "--demo", "--plan"],
        &["undeploy", "none", "--demo", "--plan"],
        &["upgrade-check", "--from", "none", "--to", "none"],
        &["diff", "none", "none"],
        &["convert", "none"],
        &["query", "--snapshot", "none", "x"],
        &["explain", "--snapshot", "none", "x"],
        &["recipe", "--snapshot", "none"],
        &["recipe", "--data", "none", kind[0], kind[1]],
        &["--catalog", "none", "recipe", kind[0], kind[1]],
        &["catalog", "lint", "none"],
        &["config", "check", "none"],
        &["validate", "--demo", "--recipe", "none"],
        &["validate", "--demo", "--config", "none"],
        &["snapshot", "--kubeconfig", "none"],
        &["runs", "show", "none"],
        &["snapshot", "--demo", "--world", "none"],
    ];
    let codes: Vec<(i32, String)> = lines
        .iter()
        .map(|line| sandbox.aicr(line))
        .filter(|run| run.code != 3)
        .map(|run| (run.code, run.transcript))
        .collect();
    assert_eq!(codes, [], "{codes:#?}");
}

#[test]
fn the_readme_lists_every_exit_code_with_its_meaning() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for exit in aicr::cli::exit::Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(readme.replace('`', "").contains(&row), "README.md lacks {row}");
    }
}

#[cfg(unix)]
#[test]
fn other_programs_can_look_at_the_demo() {
    use std::{io::BufRead, process::Stdio};
    let sandbox = Sandbox::new();
    let mut server = sandbox.command(&["demo", "-o", "kubeconfig"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = std::io::BufReader::new(server.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("listens at http://127.0.0.1:")));
    let run = sandbox.aicr(&["--kubeconfig", "kubeconfig", "snapshot", "-t", "table"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(run.stdout.contains("NVIDIA-A100"), "{}", run.transcript);
    assert_eq!(run.stdout, sandbox.aicr(&["--demo", "snapshot", "-t", "table"]).stdout);
    let id = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// Whose constraints may all hold: the plan, the run and the recipe itself say that it is for something else.
#[test]
fn a_recipe_for_another_accelerator_is_told() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]).code, 0);
    let criteria = ["--service", "eks", "--accelerator", "h100", "--os", "ubuntu", "--intent", "training"];
    let said = "the recipe is for accelerator=h100, and the cluster has a100";
    for verb in [&["--demo", "validate", "--plan"][..], &["validate", "-s", "snapshot.yaml", "--no-cluster"]] {
        let run = sandbox.aicr(&[verb, &criteria].concat());
        assert!(run.transcript.contains(said), "{}", run.transcript);
    }
    let recipe =
        sandbox.aicr(&[&["recipe", "--snapshot", "snapshot.yaml", "-o", "recipe.yaml"][..], &criteria].concat());
    assert!(recipe.code == 0 && recipe.stderr.contains(said), "{}", recipe.transcript);
    let own = ["recipe", "--snapshot", "snapshot.yaml", "--service", "kind", "-o", "own.yaml"];
    let own = sandbox.aicr(&own);
    assert!(own.code == 0 && !own.transcript.contains("the recipe is for accelerator"), "{}", own.transcript);
}

#[test]
fn without_a_cluster_a_validation_judges_readiness_and_plans() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]).code, 0);
    let arguments = ["validate", "-s", "snapshot.yaml", "--service", "kind", "--phase", "conformance", "--no-cluster"];
    let piped = sandbox.aicr(&[&arguments[..], &["-t", "ctrf"]].concat());
    let report: serde_json::Value = serde_json::from_str(&piped.stdout).expect("CTRF");
    assert_eq!(report["results"]["summary"]["skipped"], 5, "{}", piped.transcript);
    // Nothing runs, so a pipe gets what a person reads.
    let run = sandbox.aicr(&arguments);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(run.stderr.contains("of no cluster"), "{}", run.transcript);
    assert_eq!(run.stdout.lines().last(), Some("skipped: 5 skipped; no check was run"), "{}", run.transcript);
}

#[test]
fn a_constraint_of_severity_warning_warns_and_says_what_to_do() {
    let sandbox = Sandbox::new();
    let recipe = |severity: &str| {
        format!(
            "kind: RecipeResult\napiVersion: aicr.run/v1alpha2\nmetadata: {{appliedOverlays: [base]}}\ncriteria: {{}}\n\
             componentRefs: []\ndeploymentOrder: []\nconstraints:\n- {{name: K8s.server.version, value: '>= 9', \
             severity: {severity}, remediation: upgrade before the first training}}\n"
        )
    };
    let snapshot = "kind: Snapshot\napiVersion: aicr.run/v1\nmeasurements:\n- type: K8s\n  subtypes:\n  \
                    - {subtype: server, data: {version: v1.34.0}}\n";
    sandbox.file("snapshot.yaml", snapshot);
    for (severity, code, word) in [("warning", 0, "warning"), ("error", 1, "fail")] {
        sandbox.file("recipe.yaml", &recipe(severity));
        let run = sandbox.aicr(&["validate", "-r", "recipe.yaml", "-s", "snapshot.yaml", "--no-cluster", "-t", "text"]);
        assert_eq!(run.code, code, "{}", run.transcript);
        let line = run.stdout.lines().find(|line| line.contains("readiness")).unwrap_or_default();
        assert!(line.starts_with(word) && run.stdout.contains("upgrade before"), "{}", run.transcript);
    }
}

#[test]
fn an_unknown_severity_is_refused_with_its_line_and_the_known_ones() {
    let sandbox = Sandbox::new();
    let recipe = "kind: RecipeResult\napiVersion: aicr.run/v1alpha2\nmetadata: {appliedOverlays: [base]}\ncriteria: {}\n\
                  componentRefs: []\ndeploymentOrder: []\nconstraints:\n\
                  - {name: K8s.server.version, value: '>= 9', severity: banana}\n";
    sandbox.file("recipe.yaml", recipe);
    sandbox.file("snapshot.yaml", "kind: Snapshot\napiVersion: aicr.run/v1\nmeasurements: []\n");
    let run = sandbox.aicr(&["validate", "-r", "recipe.yaml", "-s", "snapshot.yaml", "--no-cluster"]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    let found = "`severity` must be one of error, warning, warn, info, informational, found `banana`";
    assert!(run.stderr.contains(found) && run.stderr.contains("recipe.yaml:8:"), "{}", run.transcript);
}

/// Three nodes with Ubuntu 24.04 and one with 22.04, for which the overlays of Ubuntu are not made.
#[test]
fn a_node_that_excludes_an_overlay_is_named_where_the_recipe_is_resolved() {
    let sandbox = Sandbox::new();
    let node = |name: &str, image: &str, kernel: &str| {
        format!(
            "- apiVersion: v1\n  kind: Node\n  metadata: {{name: {name}, labels: {{nvidia.com/gpu.product: \
             NVIDIA-H100-80GB-HBM3, eks.amazonaws.com/nodegroup: g}}}}\n  status:\n    capacity: {{nvidia.com/gpu: '8'}}\n    \
             nodeInfo: {{osImage: '{image}', kernelVersion: {kernel}, kubeletVersion: v1.34.1-eks-1, operatingSystem: linux}}\n"
        )
    };
    let new = ["n0", "n1", "n2"].map(|name| node(name, "Ubuntu 24.04.3 LTS", "6.8.0-1021-aws")).concat();
    let old = node("n3", "Ubuntu 22.04.5 LTS", "5.15.0-1-aws");
    sandbox.file("world.yaml", &format!("apiVersion: v1\nkind: List\nitems:\n{new}{old}"));
    let run = sandbox.aicr(&["--demo", "--world", "world.yaml", "snapshot", "-o", "snapshot.yaml"]);
    assert_eq!(run.code, 0, "{}", run.transcript);

    let run = sandbox.aicr(&["recipe", "--snapshot", "snapshot.yaml", "--intent", "training"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(!run.stderr.contains("no overlay honors os"), "{}", run.transcript);
    for part in [
        "os=ubuntu of the snapshot is honored only by overlays that were left out (eks-ubuntu, h100-eks-ubuntu-training), \
         so the recipe is for any os",
        "overlay `eks-ubuntu`: OS.release.VERSION_ID must be 24.04, found 22.04 (3 of 4 nodes; not on n3 (22.04))",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.transcript);
    }
    let names = ["query", "metadata.excludedOverlays[*].name", "--snapshot", "snapshot.yaml", "--intent", "training"];
    let excluded = sandbox.aicr(&names);
    assert!(excluded.stdout.contains("eks-ubuntu"), "{}", excluded.transcript);

    let run = sandbox.aicr(&["recipe", "--snapshot", "snapshot.yaml"]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    assert!(!run.stderr.contains("add --os"), "{}", run.transcript);
    let cause = "eks-ubuntu (OS.release.VERSION_ID is 22.04, needs 24.04; 3 of 4 nodes; not on n3 (22.04))";
    assert!(run.stderr.contains(cause) && run.stderr.contains("--lenient"), "{}", run.transcript);
}

#[test]
fn recipes_of_the_reference_s_first_release_are_read_with_profiles_and_typed_settings() {
    let sandbox = Sandbox::new();
    let recipe = |version: &str, metadata: &str, rest: &str| {
        format!(
            "kind: RecipeResult\napiVersion: {version}\nmetadata: {metadata}\ncriteria: {{platform: slurm}}\n\
             componentRefs: [{{name: nfd, type: Helm, source: oci://x, version: 1.0.0, overrides: {{a: 1}}}}]\n\
             deploymentOrder: [nfd]\n{rest}"
        )
    };
    let profile = "{appliedOverlays: [base], selectedProfile: {name: p, value: v, ownedPaths: {nfd: [a, enabled]}}}";
    let typed = "configuration: {slurm: {accounting: {mode: disabled}}}\n";
    sandbox.file("v1.yaml", &recipe("aicr.run/v1", "{appliedOverlays: [base]}", ""));
    sandbox.file("profile.yaml", &recipe("aicr.run/v1beta2", profile, ""));
    sandbox.file("typed.yaml", &recipe("aicr.run/v1beta2", "{appliedOverlays: [base]}", typed));
    let run = sandbox.aicr(&["diff", "--baseline", "profile.yaml", "--target", "typed.yaml"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(!run.stderr.contains("typed.yaml:") && !run.stderr.contains("profile.yaml:"), "{}", run.transcript);
    let run = sandbox.aicr(&["diff", "--baseline", "v1.yaml", "--target", "profile.yaml"]);
    assert_eq!((run.code, run.stderr.contains("not understood")), (0, false), "{}", run.transcript);
}

#[test]
fn the_demo_without_a_terminal_is_a_tour_that_ends_with_its_verdict() {
    let run = Sandbox::new().aicr(&["--demo"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.transcript);
    for part in ["NVIDIA-A100", "network-operator", "dra-support", "pass: 5 pass\n"] {
        assert!(run.stdout.contains(part), "no `{part}` in {}", run.transcript);
    }
    let run = Sandbox::new().aicr(&["--demo", "--fault", "check-fails=platform-health"]);
    assert_eq!(run.code, 1, "{}", run.transcript);
}

#[test]
fn the_demo_validates_and_a_fault_is_a_verdict() {
    let sandbox = Sandbox::new();
    let run = sandbox.aicr(&["--demo", "validate", "--service", "kind", "--phase", "conformance", "-o", "report.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.transcript);
    let text = std::fs::read_to_string(sandbox.home().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["results"]["summary"]["passed"], 5, "{text}");
    let failing = [
        "--demo",
        "--fault",
        "check-fails=platform-health",
        "validate",
        "--service",
        "kind",
        "--check",
        "platform-health",
    ];
    let run = sandbox.aicr(&[&failing[..], &["-t", "events"]].concat());
    assert_eq!(run.code, 1, "{}", run.transcript);
    let last: serde_json::Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["verdict"]), (&"ended".into(), &"failed".into()));
    let run = sandbox.aicr(&[&failing[..], &["--fail-on-error=false"]].concat());
    assert_eq!(run.code, 0, "{}", run.transcript);
}

#[test]
fn events_go_where_they_are_asked_to_and_not_into_a_config_map() {
    let sandbox = Sandbox::new();
    let verb = ["--demo", "validate", "--service", "kind", "--check", "platform-health", "-t", "events", "-o"];
    let run = sandbox.aicr(&[&verb[..], &["run.jsonl"]].concat());
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.transcript);
    let text = std::fs::read_to_string(sandbox.home().join("run.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "ended");
    let run = sandbox.aicr(&[&verb[..], &["cm://default/run"]].concat());
    let refused = run.transcript.contains("`--format events` cannot be written to a ConfigMap");
    assert!(run.code == 2 && refused && !run.transcript.contains("planned"), "{}", run.transcript);
}

#[test]
fn the_state_folder_follows_our_variable_then_xdg() {
    let sandbox = Sandbox::new();
    let paths = |variables: &[(&str, &str)]| {
        let output = sandbox.command(&["paths"]).envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = paths(&[("AICR_STATE_DIR", "/s"), ("XDG_STATE_HOME", "/x")]);
    assert!(text.contains("/s/aicr.log") && text.contains("AICR_STATE_DIR") && !text.contains("/x"), "{text}");
    let state = sandbox.home().join("kept");
    std::fs::create_dir_all(state.join("runs")).unwrap();
    std::fs::write(state.join("runs/20260101-000000-00c0ffee00c0ffee.jsonl"), "x".repeat(4_200)).unwrap();
    let text = paths(&[("AICR_STATE_DIR", &state.display().to_string())]);
    let row = |what: &str| text.lines().find(|line| line.starts_with(what)).unwrap_or_else(|| panic!("{text}"));
    assert!(row("runs").contains("  1 file, 4.2 kB  ") && row("snapshots").contains("  nothing  "), "{text}");
    let text = paths(&[("XDG_STATE_HOME", "/x")]);
    assert!(text.contains("/x/aicr/aicr.log") && text.contains("XDG_STATE_HOME"), "{text}");
}

#[test]
fn color_is_on_request_where_there_is_no_terminal() {
    let sandbox = Sandbox::new();
    let arguments = with(&["explain", "components.gpu-operator.version"]);
    assert!(!sandbox.aicr(&arguments).transcript.contains('\u{1b}'));
    let colored = sandbox.aicr(&[&["--color", "always"], &*arguments].concat());
    assert!(colored.stdout.contains('\u{1b}'), "{}", colored.stdout);
}

#[test]
fn color_follows_the_flag_then_no_color_then_clicolor_force() {
    let sandbox = Sandbox::new();
    let arguments = with(&["explain", "components.gpu-operator.version"]);
    let colored = |flag: &[&str], environment: &[(&str, &str)]| {
        let mut command = sandbox.command(&[flag, &*arguments].concat());
        let output = command.envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success());
        output.stdout.contains(&0x1b)
    };
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(colored(&["--color", "16"], &[("NO_COLOR", "1"), ("TERM", "dumb")]));
}

/// The environment and the flag say the same, and what lies over the catalog lies over the folder, too.
#[test]
fn a_catalog_folder_takes_the_place_of_the_embedded_one() {
    let sandbox = Sandbox::new();
    let base = "kind: RecipeMetadata\nmetadata: {name: base}\n";
    let overlay = |name: &str, service: &str| {
        format!("kind: RecipeMetadata\nmetadata: {{name: {name}}}\nspec: {{criteria: {{service: {service}}}}}\n")
    };
    sandbox.file("own/overlays/base.yaml", base);
    sandbox.file("own/overlays/mine.yaml", &overlay("mine", "mine"));
    sandbox.file("more/overlays/more.yaml", &overlay("more", "more"));
    let listed = |arguments: &[&str]| {
        let run = sandbox.aicr(&[arguments, &["catalog", "list", "-t", "json"]].concat());
        let rows: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).expect("a list");
        let shown = |row: &serde_json::Value| format!("{} {}", row["name"], row["source"]).replace('"', "");
        rows.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--catalog", "own"]), ["mine embedded"]);
    assert_eq!(listed(&["--catalog", "own", "--data", "more"]), ["mine embedded", "more external"]);
    let flag = sandbox.aicr(&["--catalog", "own", "recipe", "--service", "mine"]);
    assert_eq!(flag.code, 0, "{}", flag.transcript);
    assert!(flag.stdout.contains("folder: own"), "the recipe says so: {}", flag.stdout);
    // A value that only `more` knows is refused when only the catalog's own count.
    let strict = ["--catalog", "own", "--data", "more", "recipe", "--service", "more"];
    assert_eq!(sandbox.aicr(&strict).code, 0);
    let with = |name: &str, value: &str, arguments: &[&str]| {
        let output = sandbox.command(arguments).env(name, value).output().expect("it runs");
        sandbox.run(arguments, output)
    };
    let environment = with("AICR_CRITERIA_STRICT", "yes", &strict);
    assert_eq!(environment.code, 2, "{}", environment.transcript);
    assert!(environment.stderr.contains("invalid service type: `more`"), "{}", environment.stderr);
    let environment = with("AICR_CATALOG", "own", &["recipe", "--service", "mine"]);
    assert_eq!((environment.code, environment.stdout), (0, flag.stdout));
}

#[test]
fn july_rules_take_self_managed_for_any() {
    let run = |arguments: &[&str]| Sandbox::new().aicr(&[&["recipe", "-o", "-"], arguments].concat());
    let today = run(&["--service", "self-managed", "--accelerator", "h100"]);
    assert_eq!(today.code, 2, "{}", today.transcript);
    assert!(today.stderr.contains("service `generic`"), "{}", today.stderr);
    let july = run(&["--service", "self-managed", "--accelerator", "h100", "--compat"]);
    assert_eq!(july.code, 0, "{}", july.transcript);
    assert!(july.stdout.contains("service: any"), "{}", july.stdout);
}

/// What only a terminal or a desk has is said; files are written.
#[test]
fn a_script_writes_what_it_exports_and_says_what_it_does_not_copy() {
    let sandbox = Sandbox::new();
    let play = |keys: &str| {
        sandbox.file("keys", keys);
        let run = sandbox.aicr(&["--demo", "tui", "--script", "keys"]);
        assert_eq!(run.code, 0, "{}", run.transcript);
        run.stdout
    };
    let frame = play(":\ntype export nodes.md\nEnter\n");
    assert!(frame.contains("wrote ") && frame.contains("nodes.md"), "{frame}");
    let written = std::fs::read_to_string(sandbox.home().join("nodes.md")).unwrap();
    assert!(written.contains("| worker-1 | ready |"), "{written}");
    let frame = play(":\ntype link\nEnter\n");
    assert!(frame.contains("a script has no clipboard; to copy: aicr "), "{frame}");
}

/// After a program that was killed, whatever it was.
#[test]
fn a_terminal_is_repaired_on_request() {
    let written = |term: &str| {
        let output = Sandbox::new().command(&["tui", "--reset-terminal"]).env("TERM", term).output().unwrap();
        assert!(output.status.success(), "{term}");
        String::from_utf8(output.stdout).unwrap()
    };
    let stdout = written("xterm-256color");
    for (mode, what) in [
        ("\x1b[?1049l", "the alternate screen"),
        ("\x1b[?25h", "the cursor"),
        ("\x1b[?2004l", "bracketed paste"),
        ("\x1b[?1004l", "reports of the focus"),
        ("\x1b[?1000l", "reports of the mouse"),
        ("\x1b[?2026l", "synchronized output"),
        ("\x1b[?2027l", "widths of characters"),
        ("\x1b[?2031l", "reports of the color scheme"),
        ("\x1b[<u", "codes for keys"),
    ] {
        assert!(stdout.contains(mode), "{what}: {stdout:?}");
    }
    let console = written("linux");
    assert!(console.contains("\x1b[?25h") && !console.contains("\x1b[<u"), "{console:?}");
}

#[test]
fn a_manual_page_names_the_program_and_its_version() {
    let run = Sandbox::new().aicr(&["man", "snapshots"]);
    let title =
        run.stdout.lines().find(|line| line.starts_with(".TH ")).unwrap_or_else(|| panic!("{}", run.transcript));
    let version = format!("\"aicr {}\"", env!("CARGO_PKG_VERSION"));
    assert!(title.starts_with(".TH aicr-snapshots 1 ") && title.contains(&version), "{title}");
}

/// Records of comma-separated values, as RFC 4180 has them.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            letter => field.push(letter),
        }
    }
    assert!(!quoted && field.is_empty() && record.is_empty(), "the last line ends: {text}");
    all
}

#[test]
fn what_is_printed_as_a_table_is_printed_as_csv() {
    let sandbox = Sandbox::new();
    let recipe = sandbox.aicr(&with(&["recipe", "-o", "recipe.yaml"]));
    assert_eq!(recipe.code, 0, "{}", recipe.transcript);
    sandbox.aicr(&with(&["recipe", "-o", "recipe.csv"]));
    for (line, head) in [
        (with(&["recipe"]), "ORDER,COMPONENT,VERSION,NAMESPACE,SOURCE"),
        (
            vec!["recipe", "list", "--no-health"],
            "NAME,SERVICE,ACCELERATOR,INTENT,OS,PLATFORM,IS_LEAF,STATUS,COVERAGE,SOURCE",
        ),
        (with(&["query", "constraints"]), "name,value"),
        (with(&["explain"]), "LAYER,CRITERIA,SETS,WINS,FILE,NOT APPLIED BECAUSE"),
        (with(&["explain", "components.gpu-operator.values.driver.enabled"]), "PATH,HOW,LAYER,CRITERIA,VALUE,AT"),
        (vec!["catalog", "list"], "OVERLAY,CRITERIA,BUILDS ON,LEAF,FILE"),
        (vec!["keys"], "KEYS,ACTION,WHERE,HELP"),
        (vec!["preferences"], "PREFERENCE,VALUE,FROM"),
        (vec!["paths"], "WHAT,PATH,HOLDS,NAMED BY"),
        (vec!["config", "show"], "FIELD,VALUE,FROM,FLAG"),
        (vec!["--demo", "snapshots", "list"], "SNAPSHOT,TAKEN,CLUSTER,NAME,NODES,CHANGES,SIZE"),
        (vec!["--demo", "runs", "list"], "RUN,STARTED,CLUSTER,RECIPE,VERDICT,CHECKS"),
        (
            vec!["diff", "service=kind,accelerator=a100", "service=eks,accelerator=h100,os=ubuntu,intent=training"],
            "KIND,SEVERITY,PATH,BASELINE,TARGET,WHY",
        ),
        (vec!["upgrade-check", "--from", "recipe.yaml", "--to", "recipe.yaml"], "COMPONENT,FROM,TO,VERDICT,NOTES"),
    ] {
        let run = sandbox.aicr(&[&line[..], &["-t", "csv"]].concat());
        assert_eq!(run.code, 0, "{}", run.transcript);
        let records = records(&run.stdout);
        assert_eq!(records[0].join(","), head, "{line:?}");
        let is_whole = |record: &Vec<String>| record.len() == records[0].len();
        assert!(records.iter().all(is_whole), "{}", run.transcript);
        assert!(records.len() > 1 || line[0] == "upgrade-check", "{}", run.transcript);
        assert!(!run.stdout.contains('…'), "nothing is cut: {}", run.transcript);
    }
    let by_name = std::fs::read_to_string(sandbox.home().join("recipe.csv")).unwrap();
    assert_eq!(by_name, sandbox.aicr(&with(&["recipe", "-t", "csv"])).stdout, "the name of a file says it");
    check("recipe_csv", &with(&["recipe", "-t", "csv"]));
    // A folder of a catalog with what is wrong, and findings as lines.
    sandbox.file("mine/overlays/base.yaml", "kind: Overlay\n");
    let lint = sandbox.aicr(&["catalog", "lint", "mine", "-t", "csv"]);
    let found = records(&lint.stdout);
    assert_eq!(found[0].join(","), "FILE,LINE,COLUMN,SEVERITY,RULE,MESSAGE,HINT");
    assert!(found.len() > 1, "{}", lint.transcript);
}

#[test]
fn without_the_workbench_there_is_help_the_tour_or_a_refusal() {
    let alone = Sandbox::new().aicr(&["--no-tui"]);
    assert_eq!((alone.code, alone.stdout.as_str()), (2, ""));
    assert!(alone.stderr.contains("Usage: aicr"), "{}", alone.transcript);
    let opened = Sandbox::new().aicr(&["tui", "--no-tui"]);
    assert_eq!(opened.code, 2, "{}", opened.transcript);
    golden("no_tui", &opened.transcript);
    let sandbox = Sandbox::new();
    sandbox.file("keys", "2\n");
    let script = sandbox.aicr(&["--demo", "--no-tui", "tui", "--script", "keys"]);
    assert!(script.code == 0 && script.stdout.contains("Recipe"), "frames are no workbench: {}", script.transcript);
}
