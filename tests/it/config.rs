//! `--config` and `aicr config`: defaults for flags from a file, named in every answer that they change.

use crate::sandbox::{Run, Sandbox, golden, server};

const CONFIG: &str = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nmetadata: {name: lab}\nspec:\n  recipe:\n    criteria:\n      service: kind\n      accelerator: a100\n    output: {format: json}\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("lab.yaml", CONFIG);
    sandbox
}

#[track_caller]
fn check(sandbox: &Sandbox, name: &str, arguments: &[&str], code: i32) -> Run {
    let run = sandbox.aicr(arguments);
    assert_eq!(run.code, code, "{}", run.transcript);
    golden(name, &run.transcript);
    run
}

fn recipe(run: &Run) -> serde_json::Value {
    assert_eq!(run.code, 0, "{}", run.transcript);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.transcript))
}

#[test]
fn settings_are_defaults_of_flags_and_are_named_in_the_recipe() {
    let sandbox = sandbox();
    let run = sandbox.aicr(&["recipe", "--config", "lab.yaml"]);
    let mut configured = recipe(&run);
    let line = "the configuration lab.yaml sets --service, --accelerator, --format\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    let named = configured["aicr"].as_object_mut().unwrap().remove("configuration").unwrap();
    assert_eq!((&named["source"], &named["name"]), (&"lab.yaml".into(), &"lab".into()));
    assert!(named["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{named}");
    let values =
        serde_json::json!({"spec.recipe.criteria.accelerator": "a100", "spec.recipe.criteria.service": "kind"});
    assert_eq!(named["values"], values, "where and how it is written decides nothing");
    let flags = sandbox.aicr(&["recipe", "--service", "kind", "--accelerator", "a100", "-t", "json"]);
    assert_eq!(recipe(&flags), configured, "a configuration answers as its flags do");
}

#[test]
fn flags_win_over_the_file_and_say_so() {
    let sandbox = sandbox();
    let run =
        sandbox.aicr(&["query", "criteria.service", "--config", "lab.yaml", "--service", "eks", "--os", "ubuntu"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "eks\n"), "{}", run.transcript);
    let line = "--service wins over `spec.recipe.criteria.service` at lab.yaml:7:16\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    let run = sandbox.aicr(&["recipe", "--config", "lab.yaml", "--service", "eks", "--os", "ubuntu", "-t", "json"]);
    let values = &recipe(&run)["aicr"]["configuration"]["values"];
    assert_eq!(*values, serde_json::json!({"spec.recipe.criteria.accelerator": "a100"}));
}

#[test]
fn a_file_over_http_and_in_json_is_read_alike() {
    let sandbox = sandbox();
    let json = r#"{"kind": "AICRConfig", "apiVersion": "aicr.run/v1alpha2", "spec": {"recipe": {"criteria": {"service": "kind"}}}}"#;
    sandbox.file("lab.json", json);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{json}", json.len());
    let address = server(move |_| Some(answer.clone()));
    for place in ["lab.json".to_owned(), format!("http://{address}/lab.json")] {
        let run = sandbox.aicr(&["query", "criteria.service", "--config", &place]);
        assert_eq!((run.code, run.stdout.as_str()), (0, "kind\n"), "{}", run.transcript);
    }
}

#[test]
fn what_is_wrong_is_found_before_anything_is_done() {
    let sandbox = sandbox();
    let recipe = |config: &'static str| ["recipe", "--config", config, "-o", "recipe.yaml"];
    sandbox.file(
        "typo.yaml",
        &CONFIG.replace("accelerator: a100", "accelerator: a10O").replace("format: json", "formt: json"),
    );
    check(&sandbox, "config_typo", &recipe("typo.yaml"), 2);
    sandbox.file("other.yaml", &CONFIG.replace("AICRConfig", "Snapshot"));
    check(&sandbox, "config_other_kind", &recipe("other.yaml"), 2);
    sandbox.file("newer.yaml", &CONFIG.replace("v1beta1", "v9"));
    check(&sandbox, "config_other_version", &recipe("newer.yaml"), 2);
    check(&sandbox, "config_missing", &recipe("none.yaml"), 3);
    check(&sandbox, "config_config_map", &recipe("cm://a/b"), 2);
    assert!(!sandbox.home().join("recipe.yaml").exists());
}

#[test]
fn a_configuration_is_written_checked_and_shown() {
    let sandbox = sandbox();
    let run = sandbox.aicr(&["config", "init", "-o", "new.yaml"]);
    sandbox.file("edited.yaml", "mine: 1\n");
    let refused = sandbox.aicr(&["config", "init", "-o", "edited.yaml"]);
    assert!(refused.code == 2 && refused.stderr.contains("--force"), "{}", refused.transcript);
    assert_eq!(std::fs::read_to_string(sandbox.home().join("edited.yaml")).unwrap(), "mine: 1\n");
    assert_eq!(sandbox.aicr(&["config", "init", "-o", "edited.yaml", "--force"]).code, 0);
    assert_eq!(run.code, 0, "{}", run.transcript);
    check(&sandbox, "config_init", &["config", "init"], 0);
    check(&sandbox, "config_check", &["config", "check", "new.yaml"], 0);
    let broken = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nspec:\n  recpe: {}\n  recipe:\n    criteria: {service: ekz, node: 3}\n  validate:\n    execution: {timeout: soon, phases: [deploy]}\n";
    sandbox.file("broken.yaml", broken);
    check(&sandbox, "config_check_broken", &["config", "check", "broken.yaml"], 2);
    check(&sandbox, "config_check_nothing", &["config", "check"], 2);
    check(&sandbox, "config_show", &["config", "show", "lab.yaml"], 0);
    let environment = [("AICR_NAMESPACE", "mine")];
    sandbox.file(
        "run.yaml",
        "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nspec: {validate: {agent: {namespace: theirs, jobName: x}}}\n",
    );
    let output =
        sandbox.command(&["--config", "run.yaml", "config", "show", "-t", "json"]).envs(environment).output().unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |field: &str| rows.as_array().unwrap().iter().find(|row| row["field"] == field).unwrap().clone();
    let namespace = row("spec.validate.agent.namespace");
    assert_eq!(
        (&namespace["values"][0], &namespace["from"]),
        (&"mine".into(), &"AICR_NAMESPACE, over run.yaml:3:38".into())
    );
    assert_eq!(row("spec.validate.agent.jobName")["from"], "run.yaml:3:55, without effect");
    assert_eq!(row("spec.validate.execution.timeout")["from"], "default");
}

#[test]
fn a_validation_names_the_configuration_in_its_report() {
    let sandbox = sandbox();
    assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]).code, 0);
    assert_eq!(sandbox.aicr(&["recipe", "--config", "lab.yaml", "-o", "recipe.json"]).code, 0);
    let config = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nspec:\n  validate:\n    input: {recipe: recipe.json, snapshot: snapshot.yaml}\n    execution: {noCluster: true, phases: [conformance]}\n    agent: {serviceAccountName: me}\n";
    sandbox.file("run.yaml", config);
    let run = sandbox.aicr(&["validate", "--config", "run.yaml", "-t", "ctrf"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let named = "recipe.json, with the configuration run.yaml (sha256:";
    assert!(run.stdout.contains(named), "{}", run.transcript);
    let warning = "warning: run.yaml:7:33: `spec.validate.agent.serviceAccountName` has no effect here";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
}

#[test]
fn verbs_without_a_section_check_the_file_and_say_so() {
    let sandbox = sandbox();
    let run = sandbox.aicr(&["catalog", "digest", "--config", "lab.yaml"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let line = "the configuration lab.yaml has no section for `aicr catalog` and changes nothing\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    sandbox.file("bad.yaml", "kind: AICRConfig\n");
    assert_eq!(sandbox.aicr(&["catalog", "digest", "--config", "bad.yaml"]).code, 2);
}
