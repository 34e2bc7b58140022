//! Typed settings: what each writes, what it owns, where it is refused, and what a snapshot says beside them.

use crate::sandbox::{Run, Sandbox};
use aicr::{
    catalog::Catalog,
    criteria::{Criteria, Query},
    document::traced::LayerKind,
    inventory::{Inventory, Measurement, Record, Scalar, Subtype},
    ops,
    recipe::{Accounting, Configuration, ConfigurationError, Gke, Locks, RuntimeInventory, Slurm, configuration},
    resolve::{Options, Resolution, ResolveError, configuration::DriverNote, profile::ProfileError, resolve},
    snapshot,
    store::catalog_dir::Sources,
};
use serde_json::{Value, json};
use std::sync::Arc;

const SLURM: [&str; 5] = ["eks", "h100", "ubuntu", "training", "slurm"];
const KUBEFLOW: [&str; 5] = ["gke", "h100", "cos", "training", "kubeflow"];

fn catalog() -> Arc<Catalog> {
    ops::recipe::load_catalog(&Sources::default()).expect("the catalog")
}

fn criteria([service, accelerator, os, intent, platform]: [&str; 5]) -> Criteria {
    let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Criteria {
        service: stated(service),
        accelerator: stated(accelerator),
        os: stated(os),
        intent: stated(intent),
        platform: stated(platform),
        ..Criteria::default()
    }
}

fn slurm(mode: &str) -> Configuration {
    Configuration { slurm: Some(Slurm { accounting: Accounting { mode: mode.into() } }), ..Configuration::default() }
}

fn inventory(mode: &str) -> Configuration {
    Configuration { runtime_inventory: Some(RuntimeInventory { mode: mode.into() }), ..Configuration::default() }
}

fn interfaces() -> Configuration {
    let texts: Vec<String> = (1..=8).rev().map(|number| format!("eth{number}=lab-gpu-nic-{number}")).collect();
    let tcpxo_interfaces = configuration::interfaces(texts.iter().map(String::as_str)).expect("eight");
    Configuration { gke: Some(Gke { tcpxo_interfaces }), ..Configuration::default() }
}

fn query(of: [&str; 5], decided: Configuration) -> Query {
    let mut query = Query::from(&criteria(of));
    query.configure(decided);
    query
}

fn with(of: [&str; 5], decided: Configuration) -> Resolution {
    resolve(&catalog(), query(of, decided), None, Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(of: [&str; 5], decided: Configuration, expected: &str) {
    match resolve(&catalog(), query(of, decided), None, Options::default()) {
        Err(ResolveError::Configuration(error)) => assert_eq!(error.to_string(), expected),
        other => panic!("{:?}", other.map(|resolution| resolution.recipe.configuration)),
    }
}

fn value(resolution: &Resolution, path: &str) -> Value {
    ops::recipe::query(resolution, path).unwrap_or_else(|error| panic!("{path}: {}", error.because))
}

const DATABASE: [&str; 3] = ["mariadb-operator-crds", "mariadb-operator", "slurm-accounting-mariadb"];

#[test]
fn the_mode_of_slurm_accounting_decides_who_brings_the_database() {
    for (decided, mode, is_on, installs) in [
        (Configuration::default(), "disabled", false, false),
        (slurm("disabled"), "disabled", false, false),
        (slurm("Customer-Managed"), "customer-managed", true, false),
        (slurm("aicr-provided"), "aicr-provided", true, true),
    ] {
        let resolution = with(SLURM, decided);
        let recipe = &resolution.recipe;
        assert_eq!(value(&resolution, "configuration.slurm.accounting.mode"), mode, "every slurm recipe records it");
        assert_eq!(value(&resolution, "apiVersion"), "aicr.run/v1beta2");
        assert_eq!(value(&resolution, "components.slinky-slurm.values.accounting.enabled"), is_on);
        for name in DATABASE {
            let component = recipe.components.iter().find(|component| component.name == name).expect("it is listed");
            assert_eq!(component.overrides["install"], installs, "{mode}: {name}");
            assert_eq!(component.is_enabled(), installs, "{mode}: {name}");
            assert_eq!(recipe.deployment_order.iter().any(|deployed| deployed == name), installs, "{mode}: {name}");
        }
        let slurm = recipe.components.iter().find(|component| component.name == "slinky-slurm").expect("it is");
        assert_eq!(slurm.health_check_asserts.contains("slinky-slurm-accounting"), is_on, "{mode}");
        // The database comes before Slurm, which needs it.
        let place = |name: &str| recipe.deployment_order.iter().position(|deployed| deployed == name);
        if installs {
            assert!(place("slurm-accounting-mariadb") < place("slinky-slurm"), "{:?}", recipe.deployment_order);
        }
    }
}

#[test]
fn a_setting_is_a_layer_over_overlays_and_below_people() {
    let resolution = with(SLURM, slurm("customer-managed"));
    let explained = ops::recipe::explain(&resolution, "components.slinky-slurm.values.accounting.enabled");
    let ladder = &explained.expect("told")[0].ladder;
    assert_eq!(ladder[0].layer_name, "slurm-accounting-mode=customer-managed");
    assert_eq!(resolution.layers[ladder[0].layer].kind, LayerKind::Configuration);
    let hidden: Vec<_> = ladder[1..].iter().filter_map(|step| step.value.clone()).collect();
    assert_eq!(hidden, [json!(false)], "what the values file says is hidden, and shown");
    let explained = ops::recipe::explain(&resolution, "configuration").expect("told");
    assert_eq!(
        (&*explained[0].path, &explained[0].value),
        ("configuration.slurm.accounting.mode", &json!("customer-managed"))
    );
    assert_eq!(explained[0].ladder[0].layer_name, "slurm-accounting-mode=customer-managed");
}

#[test]
fn what_a_mode_owns_is_locked() {
    let catalog = catalog();
    let set = |mode: &str, setting: &str| {
        let mut query = query(SLURM, slurm(mode));
        query.set([setting.parse().expect("a setting")]);
        match resolve(&catalog, query, None, Options::default()) {
            Ok(_) => Ok(()),
            Err(ResolveError::Profile(error)) => match *error {
                ProfileError::Locked(locked) => Err(locked.to_string()),
                other => panic!("{other}"),
            },
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(
        set("disabled", "slinky-slurm:accounting.enabled=true").unwrap_err(),
        "`slinky-slurm: accounting.enabled` belongs to the setting slurm-accounting-mode=disabled: it is false and would be true"
    );
    assert_eq!(set("disabled", "slinky-slurm:accounting.enabled=false"), Ok(()), "to say it again is fine");
    assert!(set("customer-managed", "mariadb-operator:install=true").is_err());
    // Whose database it is decides whose connection it is.
    let host = "slinkyslurm:accounting.storageConfig.host=db.example.com";
    assert_eq!(set("customer-managed", host), Ok(()));
    assert!(set("aicr-provided", host).is_err());
    assert!(set("aicr-provided", "slurm-accounting-mariadb:mariadb.cleanupPolicy=Delete").is_err());
    assert_eq!(set("aicr-provided", "slurm-accounting-mariadb:mariadb.storage.size=100Gi"), Ok(()));

    let recipe = with(SLURM, slurm("aicr-provided")).recipe;
    let locks = Locks::of(&recipe).expect("it has a setting");
    assert!(locks.check_dynamic("slurm-accounting-mariadb", "mariadb").is_err());
    assert!(locks.check_dynamic("slurm-accounting-mariadb", "mariadb.storage").is_ok());
    let without: Vec<&str> =
        recipe.deployment_order.iter().map(String::as_str).filter(|name| *name != "slinky-slurm").collect();
    let left_out = locks.check_subset(without.iter().copied()).unwrap_err();
    assert_eq!(
        left_out.to_string(),
        "`slinky-slurm` cannot be left out: it belongs to the setting slurm-accounting-mode=aicr-provided"
    );
    let paths: Vec<&str> = locks.paths("mariadb-operator").collect();
    assert_eq!(paths, ["enabled", "install"]);
}

#[test]
fn a_mode_is_for_slurm_with_its_database() {
    refused(
        ["eks", "h100", "ubuntu", "training", ""],
        slurm("disabled"),
        "`configuration.slurm` is for platform=slurm only, and the recipe is for service=eks accelerator=h100 os=ubuntu intent=training",
    );
    refused(SLURM, slurm("off"), "unknown mode of slurm accounting `off`");
}

#[test]
fn the_runtime_inventory_is_kept_lost_granted_or_refused() {
    let declares = ["gke", "h100", "cos", "inference", ""];
    let declines = ["gke", "h100", "cos", "inference", "dynamo"];
    let says_nothing = ["gke", "h100", "cos", "training", ""];
    let elsewhere = ["eks", "h100", "ubuntu", "training", ""];
    let is_deployed = |of, mode: &str| {
        let resolution = with(of, inventory(mode));
        assert_eq!(value(&resolution, "configuration.runtimeInventory.mode"), mode);
        let component = resolution.recipe.components.iter().find(|component| component.name == "k8s-aibom");
        assert_eq!(component.expect("it is listed").overrides["install"], mode == "enabled");
        resolution.recipe.deployment_order.iter().any(|name| name == "k8s-aibom")
    };
    assert!(is_deployed(declares, "enabled"));
    assert!(!is_deployed(declares, "disabled"));
    assert!(!is_deployed(declines, "disabled"));
    assert!(is_deployed(says_nothing, "enabled"));
    // A recipe that got it is like one that has it.
    let granted = with(says_nothing, inventory("enabled"));
    let declared = with(declares, inventory("enabled"));
    assert_eq!(value(&granted, "components.k8s-aibom.version"), value(&declared, "components.k8s-aibom.version"));
    assert_eq!(value(&granted, "components.k8s-aibom.values"), value(&declared, "components.k8s-aibom.values"));

    refused(
        declines,
        inventory("enabled"),
        "the recipe turns `k8s-aibom` off, so the runtime inventory cannot be enabled",
    );
    let missing = "--runtime-inventory is for the component `k8s-aibom`, which is not in the recipe";
    refused(says_nothing, inventory("disabled"), missing);
    refused(elsewhere, inventory("disabled"), missing);
    refused(
        elsewhere,
        inventory("enabled"),
        "--runtime-inventory enabled is for service=gke, or recipes with `k8s-aibom`, only, and the recipe is for service=eks accelerator=h100 os=ubuntu intent=training",
    );
    refused(elsewhere, inventory("Enabled"), "unknown mode of the runtime inventory `Enabled`");
    // Nothing is recorded where nobody decides.
    let silent = resolve(&catalog(), &criteria(declares), None, Options::default()).expect("a recipe");
    assert_eq!(silent.recipe.configuration, Configuration::default());
}

#[test]
fn the_interfaces_of_gke_machines_are_needed_where_jobs_use_them() {
    let resolution = with(KUBEFLOW, interfaces());
    let written = value(&resolution, "components.kubeflow-trainer.values.tcpxoInterfaces");
    assert_eq!(written[0], json!({"interfaceName": "eth8", "network": "lab-gpu-nic-8"}), "the order is a person's");
    assert_eq!(written, value(&resolution, "configuration.gke.tcpxoInterfaces"));
    assert_eq!(written.as_array().map(Vec::len), Some(8));
    refused(
        KUBEFLOW,
        Configuration::default(),
        "the recipe needs the TCPXO interfaces of its machines, which only their owner knows",
    );
    assert!(resolve(&catalog(), &criteria(KUBEFLOW), None, Options::LENIENT).is_ok(), "lenient, it is a warning");
    refused(
        ["gke", "h100", "cos", "training", ""],
        interfaces(),
        "`configuration.gke.tcpxoInterfaces` is for service=gke accelerator=h100 platform=kubeflow only, and the recipe is for service=gke accelerator=h100 os=cos intent=training",
    );
    let locks = Locks::of(&resolution.recipe).expect("it has a setting");
    assert!(locks.check_dynamic("kubeflow-trainer", "tcpxoInterfaces").is_err());
}

#[test]
fn a_recipe_that_contradicts_its_settings_is_refused() {
    let edition = aicr::document::header::Edition::default();
    let text = aicr::recipe::format::to_yaml(&with(SLURM, slurm("disabled")).recipe, edition).expect("a text");
    let read = aicr::recipe::format::read(&text).expect("it reads its own");
    assert_eq!(read.configuration, slurm("disabled"));
    let changed = text.replace("mode: disabled", "mode: aicr-provided");
    assert_ne!(changed, text);
    let error = aicr::recipe::format::read(&changed).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "`configuration.slurm.accounting.mode` and the override `accounting.enabled` of slinky-slurm differ"
        ),
        "{error}"
    );
    let mut recipe = with(SLURM, slurm("disabled")).recipe;
    let owned = [("slinky-slurm".to_owned(), vec!["accounting".to_owned()])].into();
    let profile =
        aicr::recipe::SelectedProfile { name: "p".into(), value: "v".into(), owned_paths: owned, ..Default::default() };
    recipe.selected_profile = Some(profile);
    let shared = configuration::check(&recipe.configuration, &recipe.criteria, &[], recipe.selected_profile.as_ref());
    assert_eq!(
        shared,
        Err(ConfigurationError::Shared {
            setting: "slurm-accounting-mode=disabled".into(),
            profile: "p=v".into(),
            component: "slinky-slurm",
            path: "accounting.enabled"
        })
    );
}

// -- What a snapshot says beside them ------------------------------------------------------------------------------

fn cluster(driver: Option<bool>, readings: &[(&str, &str)]) -> Inventory {
    let data =
        |entries: &[(&str, Scalar)]| entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let text = |text: &str| Scalar::Text(text.into());
    let mut k8s = vec![Subtype::of("server", data(&[("version", text("v1.35.1"))]))];
    k8s.extend(readings.iter().map(|(name, state)| Subtype::of(name, data(&[("collection-state", text(state))]))));
    let mut gpu = vec![("gpu-present", Scalar::Bool(true)), ("gpu-count", Scalar::count(8))];
    gpu.extend(driver.map(|loaded| ("driver-loaded", Scalar::Bool(loaded))));
    let measurements = vec![
        Measurement { kind: "K8s".into(), subtypes: k8s },
        Measurement { kind: "GPU".into(), subtypes: vec![Subtype::of("hardware", data(&gpu))] },
    ];
    snapshot::inventory(Record { measurements, ..Record::default() })
}

#[test]
fn a_recipe_records_what_the_snapshot_says_of_drivers_and_operators() {
    let catalog = catalog();
    let on = |of, cluster: &Inventory| {
        resolve(&catalog, &criteria(of), Some(cluster), Options::LENIENT).unwrap_or_else(|error| panic!("{error}"))
    };
    let kind = ["kind", "h100", "", "training", ""];
    let states = |resolution: &Resolution| serde_json::to_value(&resolution.recipe.states).expect("states");
    let preinstalled = on(kind, &cluster(Some(true), &[]));
    assert_eq!((states(&preinstalled), preinstalled.driver), (json!({"gpuDriverState": "preinstalled"}), None));
    assert_eq!(value(&preinstalled, "metadata.gpuDriverState"), "preinstalled");
    assert_eq!(value(&preinstalled, "components.gpu-operator.values.driver.enabled"), false);
    let absent = on(kind, &cluster(Some(false), &[]));
    assert_eq!((states(&absent), absent.driver), (json!({"gpuDriverState": "absent"}), Some(DriverNote::Missing)));
    let unknown = on(kind, &cluster(None, &[]));
    assert_eq!((states(&unknown), unknown.driver), (json!({}), None), "what was not read is not recorded");
    // A recipe that installs a driver is never turned round.
    let eks = ["eks", "h100", "ubuntu", "training", ""];
    let twice = on(eks, &cluster(Some(true), &[]));
    assert_eq!(twice.driver, Some(DriverNote::InstalledTwice));
    assert_ne!(value(&twice, "components.gpu-operator.values")["driver"]["enabled"], json!(false));
    // Operators only where the recipe has to do with them.
    let operators = [("mariadb-operator", "crs-detected"), ("default-storage-class", "present")];
    let slurm = on(SLURM, &cluster(Some(false), &operators));
    assert_eq!(states(&slurm)["mariaDBOperatorState"], "crs-detected");
    assert_eq!(states(&slurm).get("defaultStorageClassState"), None, "no component of this recipe asks for it");
    assert_eq!(states(&on(kind, &cluster(None, &operators))), json!({}));
}

// -- On the command line -------------------------------------------------------------------------------------------

fn run(sandbox: &Sandbox, line: &str) -> Run {
    sandbox.aicr(&line.split(' ').collect::<Vec<_>>())
}

#[test]
fn flags_and_a_configuration_decide_alike() {
    let sandbox = Sandbox::new();
    let slurm = "--service eks --accelerator h100 --os ubuntu --intent training --platform slurm";
    let flag = run(
        &sandbox,
        &format!("query configuration.slurm.accounting.mode {slurm} --slurm-accounting-mode AICR-provided"),
    );
    assert_eq!((flag.code, &*flag.stdout), (0, "aicr-provided\n"), "{}", flag.transcript);
    let head = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nmetadata: {name: lab}\nspec:\n  recipe:\n";
    sandbox.file(
        "slurm.yaml",
        &format!("{head}    configuration: {{slurm: {{accounting: {{mode: customer-managed}}}}}}\n"),
    );
    let file = run(&sandbox, &format!("query configuration.slurm.accounting.mode {slurm} --config slurm.yaml"));
    assert_eq!((file.code, &*file.stdout), (0, "customer-managed\n"), "{}", file.transcript);
    assert!(file.stderr.contains("the configuration slurm.yaml sets --slurm-accounting-mode"), "{}", file.stderr);
    let entries: Vec<String> =
        (1..=8).map(|n| format!("{{interfaceName: eth{n}, network: lab-gpu-nic-{n}}}")).collect();
    sandbox.file(
        "gke.yaml",
        &format!("{head}    configuration: {{gke: {{tcpxoInterfaces: [{}]}}}}\n", entries.join(", ")),
    );
    let gke = "--service gke --accelerator h100 --os cos --intent training --platform kubeflow";
    let file = run(&sandbox, &format!("query configuration.gke.tcpxoInterfaces[7].network {gke} --config gke.yaml"));
    assert_eq!((file.code, &*file.stdout), (0, "lab-gpu-nic-8\n"), "{}", file.transcript);
    let bad = run(&sandbox, &format!("query . {gke} --gke-tcpxo-interfaces eth1=default"));
    assert_eq!(bad.code, 2, "{}", bad.transcript);
    assert!(bad.stderr.contains("`default` is not the name of a GPU network"), "{}", bad.transcript);
    let bad = run(&sandbox, &format!("query . {slurm} --slurm-accounting-mode none"));
    assert_eq!(bad.code, 2, "{}", bad.transcript);
}

#[test]
fn the_profile_of_a_configuration_is_chosen() {
    let sandbox = Sandbox::new();
    let head = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nmetadata: {name: lab}\nspec:\n  recipe:\n";
    sandbox.file("aks.yaml", &format!("{head}    profile: gpuStack=operator-managed\n"));
    let line = "query metadata.selectedProfile.value --service aks --accelerator h100 --os ubuntu --intent training";
    let chosen = run(&sandbox, &format!("{line} --config aks.yaml"));
    assert_eq!((chosen.code, &*chosen.stdout), (0, "operator-managed\n"), "{}", chosen.transcript);
    let flag = run(&sandbox, &format!("{line} --config aks.yaml --profile gpuStack=azure-managed"));
    assert_eq!((flag.code, &*flag.stdout), (0, "azure-managed\n"), "{}", flag.transcript);
}

#[test]
fn json_that_has_no_place_for_our_block_says_so() {
    let sandbox = Sandbox::new();
    let line = "recipe --service eks --accelerator h100 --os ubuntu --intent training --platform slurm -t";
    let json = run(&sandbox, &format!("{line} json"));
    assert!(json.stderr.contains("the JSON lacks what YAML has in a comment"), "{}", json.stderr);
    assert!(!json.stdout.contains("\"aicr\""), "{}", json.stdout);
    let yaml = run(&sandbox, &format!("{line} yaml"));
    assert!(yaml.stdout.starts_with("# aicr:\n") && !yaml.stderr.contains("JSON"), "{}", yaml.transcript);
}

#[test]
fn a_diff_names_the_setting_as_the_cause() {
    let (left, right) = (with(SLURM, slurm("disabled")), with(SLURM, slurm("customer-managed")));
    let changes = aicr::diff::recipe::compare(&(&left).into(), &(&right).into());
    let change = changes.iter().find(|change| change.path.ends_with("accounting.enabled")).expect("it differs");
    assert!(change.cause.contains("slurm-accounting-mode=customer-managed"), "{}", change.cause);
    // A recipe file is compared with what its own settings resolve to now.
    let edition = aicr::document::header::Edition::default();
    let text = aicr::recipe::format::to_yaml(&right.recipe, edition).expect("a text");
    let (side, _) = ops::diff::read_recipe(&catalog(), "r.yaml", &text).expect("it is read");
    let mode = side.document.get("configuration").and_then(|one| one.get("slurm")?.get("accounting")?.get("mode"));
    let origin = mode.and_then(|mode| mode.origin()).expect("it is listed, with its layer");
    assert_eq!(side.layers[origin.layer].name, "slurm-accounting-mode=customer-managed");
}
