//! Profiles: what they choose, what they own, and what nobody may change; on a small catalog, and the three adopters.

use crate::{
    conformance::shared,
    sandbox::{Sandbox, golden},
};
use aicr::{
    catalog::{Catalog, CatalogError, File, Files},
    constraint::Verdict,
    criteria::{Criteria, ProfileChoice, Query, StatedBy},
    diff,
    document::{header::Edition, traced::LayerKind},
    inventory::{Inventory, Measurement, Record, Scalar, Subtype},
    ops,
    recipe::{Locks, format},
    resolve::{
        Options, Resolution, ResolveError,
        profile::{self, ProfileError},
        resolve,
    },
    snapshot,
    store::catalog_dir::{self, Sources},
};
use serde_json::{Value, json};

const BASE: &str = "\
apiVersion: aicr.run/v1beta1
kind: RecipeMetadata
metadata: {name: base}
spec:
  componentRefs:
    - {name: nfd, type: Helm, source: oci://x, version: 1.0.0}
    - name: gpu-operator
      type: Helm
      source: oci://x
      version: 1.0.0
      overrides: {driver: {enabled: true, version: 1}, devicePlugin: {enabled: true}}
    - {name: off, type: Helm, source: oci://x, version: 1.0.0, overrides: {enabled: false}}
";

const AKS: &str = "\
apiVersion: aicr.run/v1beta2
kind: RecipeMetadata
metadata: {name: aks}
spec:
  criteria: {service: aks}
  constraints: [{name: K8s.server.version, value: '>= 1.34.1'}]
  profile:
    name: gpuStack
    default: managed
    values:
      managed:
        constraints: [{name: K8s.aks-gpu-pools.gpu-driver, value: Install}, {name: K8s.server.version, value: '< 1.36.0'}]
        readinessConstraints: [{name: K8s.aks-gpu-pools.gpu-pools, value: 'yes'}]
        componentRefs: [{name: gpu-operator, overrides: {driver: {enabled: false}}}]
      own:
        constraints: [{name: K8s.aks-gpu-pools.gpu-driver, value: None}]
        componentRefs: [{name: gpu-operator, overrides: {driver: {enabled: true}}}]
";

/// Adds a value to the profile of `overlays/aks.yaml`.
const MORE: &str = "\
apiVersion: aicr.run/v1beta2
kind: RecipeMetadata
metadata: {name: aks}
spec:
  profile:
    name: gpuStack
    values:
      third:
        componentRefs: [{name: gpu-operator, overrides: {driver: {enabled: maybe}}}]
";

/// A catalog of these files: path, source, text.
fn catalog(files: &[(&str, usize, &str)]) -> Result<Catalog, CatalogError> {
    let mut all = Files::default();
    for (path, source, text) in files {
        let shown = if *source == 0 { (*path).to_owned() } else { format!("data{source}/{path}") };
        all.insert(path, File::new(*source, shown, (*text).to_owned()));
    }
    Catalog::new(all)
}

fn with(aks: &str, more: &[(&str, usize, &str)]) -> Result<Catalog, CatalogError> {
    catalog(&[&[("overlays/base.yaml", 0, BASE), ("overlays/aks.yaml", 0, aks)], more].concat())
}

fn small() -> Catalog {
    with(AKS, &[]).expect("a catalog")
}

/// The service with a chosen profile, or its default.
fn aks(profile: &str) -> Criteria {
    let profile = (!profile.is_empty()).then(|| profile.parse().expect("a choice"));
    Criteria { service: Some("aks".into()), profile, ..Criteria::default() }
}

fn driver(resolution: &Resolution) -> Value {
    ops::recipe::query(resolution, "components.gpu-operator.values.driver.enabled").expect("it is set")
}

#[track_caller]
fn refused(catalog: &Catalog, criteria: &Criteria, snapshot: Option<&Inventory>) -> ProfileError {
    match resolve(catalog, criteria, snapshot, Options::default()) {
        Err(ResolveError::Profile(error)) => *error,
        other => panic!("{:?}", other.map(|resolution| resolution.recipe.selected_profile)),
    }
}

#[test]
fn a_profile_value_lies_over_overlays_and_below_nobody() {
    let catalog = small();
    let default = resolve(&catalog, aks_query(""), None, Options::default()).expect("the default");
    assert_eq!(driver(&default), json!(false));
    let chosen = resolve(&catalog, aks_query("gpuStack=own"), None, Options::default()).expect("the other");
    assert_eq!(driver(&chosen), json!(true));
    let recipe = &default.recipe;
    let selected = recipe.selected_profile.as_ref().expect("it is recorded");
    assert_eq!((selected.name.as_str(), selected.value.as_str()), ("gpuStack", "managed"));
    assert_eq!(selected.owned_paths["gpu-operator"], ["driver.enabled", "enabled"]);
    // What two ranges have in common, and a constraint that is new; readiness is judged before a validation only.
    let constraints: Vec<(&str, &str)> =
        recipe.constraints.iter().map(|constraint| (&*constraint.name, &*constraint.value)).collect();
    assert_eq!(
        constraints,
        [("K8s.aks-gpu-pools.gpu-driver", "Install"), ("K8s.server.version", ">= 1.34.1 < 1.36.0")]
    );
    let readiness = recipe.validation.as_ref().and_then(|validation| validation.readiness.as_ref());
    assert_eq!(readiness.expect("there is one").constraints[0].name, "K8s.aks-gpu-pools.gpu-pools");
    // The ladder: the profile with file and line, over the base.
    let ladder =
        &ops::recipe::explain(&default, "components.gpu-operator.values.driver.enabled").expect("told")[0].ladder;
    assert_eq!((&*ladder[0].layer_name, &*ladder[0].at), ("gpuStack=managed", "overlays/aks.yaml:14:76"));
    assert_eq!(default.layers[ladder[0].layer].kind, LayerKind::Profile);
    let hidden: Vec<_> = ladder[1..].iter().filter(|rung| rung.value.is_some()).collect();
    assert_eq!((&*hidden[0].layer_name, hidden[0].hidden_by), ("base", Some(ladder[0].layer)));
    // Between two values the profile is the cause.
    let changes = diff::recipe::compare(&(&default).into(), &(&chosen).into());
    let change = changes.iter().find(|change| change.path.ends_with("driver.enabled")).expect("it differs");
    assert!(change.cause.contains("gpuStack=managed") && change.cause.contains("gpuStack=own"), "{}", change.cause);
}

fn aks_query(profile: &str) -> Query {
    Query::from(&aks(profile))
}

#[test]
fn a_profiled_recipe_is_written_and_read_again() {
    let resolution = resolve(&small(), aks_query("gpuStack=own"), None, Options::default()).expect("a recipe");
    let text = format::to_yaml(&resolution.recipe, Edition::V1).expect("it has a form");
    assert!(text.contains("apiVersion: aicr.run/v1beta2"), "{text}");
    let read = format::read(&text).expect("a recipe");
    assert_eq!(read.selected_profile, resolution.recipe.selected_profile);
    assert_eq!(read.criteria, aks("gpuStack=own"));
    assert!(format::to_yaml(&read, Edition::V1Alpha2).is_err());
    // An owned value that is not in the ref is refused.
    let without = text.replace("        enabled: true\n        version: 1\n", "        version: 1\n");
    assert_ne!(without, text);
    let error = format::read(&without).expect_err("it is not coherent").to_string();
    assert!(error.contains("`driver.enabled` of `gpu-operator` must be in its `overrides`"), "{error}");
}

#[test]
fn a_choice_that_nobody_offers_says_what_there_is() {
    let catalog = small();
    let hint = |error: ProfileError| error.hint().expect("a hint");
    let error = refused(&catalog, &aks("gpuStack=ownn"), None);
    assert_eq!(error.to_string(), "the profile `gpuStack` has no value `ownn`");
    assert_eq!(hint(error), "there is: gpuStack=managed, gpuStack=own");
    let error = refused(&catalog, &aks("stack=own"), None);
    assert_eq!(error.to_string(), "unknown profile `stack`");
    assert_eq!(hint(error), "there is: gpuStack=managed, gpuStack=own");
    let other = AKS.replace("service: aks", "service: eks");
    let catalog = with(
        &other,
        &[(
            "overlays/plain.yaml",
            0,
            "kind: RecipeMetadata\nmetadata: {name: plain}\nspec: {criteria: {service: aks}}\n",
        )],
    );
    let error = refused(&catalog.expect("a catalog"), &aks("gpuStack=own"), None);
    assert!(error.to_string().contains("no overlay for these criteria declares a profile"), "{error}");
}

#[test]
fn two_declarations_are_refused() {
    let second = AKS.replace("name: aks}", "name: second}").replace("service: aks", "service: aks, intent: training");
    let catalog = with(AKS, &[("overlays/second.yaml", 0, &second)]).expect("a catalog");
    let criteria = Criteria { intent: Some("training".into()), ..aks("") };
    let error = refused(&catalog, &criteria, None);
    assert_eq!(error, ProfileError::Twice { first: "aks".into(), second: "second".into() });
}

#[test]
fn a_value_needs_its_components_and_ranges_that_agree() {
    let changed = |from: &str, to: &str| {
        let text = AKS.replace(from, to);
        assert_ne!(text, AKS);
        refused(&with(&text, &[]).expect("a catalog"), &aks(""), None).to_string()
    };
    assert!(changed("gpu-operator", "missing").ends_with("`missing`, which is not in the recipe"));
    assert!(changed("gpu-operator", "off").ends_with("`off`, which is disabled"));
    assert!(changed("< 1.36.0", "< 1.34.0").contains("no version is within both"));
    assert!(changed("< 1.36.0", "< 1.36").contains("different numbers of parts"));
    assert!(changed("< 1.36.0", "1.36.0").contains("not both are ranges"));
}

// -- Extension ---------------------------------------------------------------------------------------------------

#[test]
fn an_external_overlay_with_only_a_profile_adds_values() {
    let catalog = with(AKS, &[("overlays/aks.yaml", 1, MORE)]).expect("it extends");
    let third = resolve(&catalog, aks_query("gpuStack=third"), None, Options::default()).expect("the added value");
    assert_eq!(driver(&third), json!("maybe"));
    let ladder =
        &ops::recipe::explain(&third, "components.gpu-operator.values.driver.enabled").expect("told")[0].ladder;
    assert_eq!(ladder[0].at, "data1/overlays/aks.yaml:9:76");
    assert_eq!(driver(&resolve(&catalog, aks_query(""), None, Options::default()).expect("the default")), json!(false));
    // What lies below counts, because it is used; and a second folder extends the first.
    assert_ne!(
        catalog.digest(),
        with(&AKS.replace("Install", "Other"), &[("overlays/aks.yaml", 1, MORE)]).expect("a catalog").digest()
    );
    let fourth = MORE.replace("third", "fourth");
    let twice = with(AKS, &[("overlays/aks.yaml", 1, MORE), ("overlays/aks.yaml", 2, &fourth)]).expect("it extends");
    for value in ["gpuStack=third", "gpuStack=fourth", "gpuStack=own"] {
        assert!(resolve(&twice, aks_query(value), None, Options::default()).is_ok(), "{value}");
    }
}

#[test]
fn an_external_overlay_of_another_kind_replaces_the_profile() {
    let plain = "kind: RecipeMetadata\nmetadata: {name: aks}\nspec: {criteria: {service: aks}}\n";
    let catalog = with(AKS, &[("overlays/aks.yaml", 1, plain)]).expect("it replaces");
    let resolution = resolve(&catalog, aks_query(""), None, Options::default()).expect("a recipe without a profile");
    assert_eq!(resolution.recipe.selected_profile, None);
    assert_eq!(driver(&resolution), json!(true));
}

#[test]
fn what_does_not_extend_a_profile_is_refused() {
    #[track_caller]
    fn refused(more: &str, at: (&str, usize), part: &str) {
        let error = with(AKS, &[(at.0, at.1, more)]).expect_err("it is refused");
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.at.to_string().starts_with("data1/"), "{}", error.at);
    }
    const AT: (&str, usize) = ("overlays/aks.yaml", 1);
    refused(MORE, ("overlays/other.yaml", 1), "and there is none");
    refused(&MORE.replace("name: gpuStack", "name: stack"), AT, "that one is called `gpuStack`");
    refused(&MORE.replace("name: aks}", "name: other}"), AT, "that overlay is called `aks`");
    refused(&MORE.replace("name: gpuStack", "name: gpuStack\n    default: third"), AT, "it cannot set `default`");
    refused(&MORE.replace("name: gpuStack", "name: gpuStack\n    description: x"), AT, "it cannot set `description`");
    refused(&MORE[..MORE.find("    values:").expect("values")], AT, "it adds no value");
    refused(&MORE.replace("third", "Own"), AT, "has the value `Own` already");
    refused(&MORE.replace("driver: {enabled: maybe}", "driver: {version: 2}"), AT, "must set the same paths");
}

// -- Snapshots ---------------------------------------------------------------------------------------------------

/// A cluster with this version and this reading of its pools.
fn cluster(version: &str, driver: Option<&str>) -> Inventory {
    let subtype = |name: &str, key: &str, value: &str| {
        let data = [(key.to_owned(), Scalar::Text(value.to_owned()))].into();
        Subtype { name: name.into(), data, ..Subtype::default() }
    };
    let mut subtypes = vec![subtype("server", "version", version)];
    subtypes.extend(driver.map(|driver| subtype("aks-gpu-pools", "gpu-driver", driver)));
    let measurements = vec![Measurement { kind: "K8s".into(), subtypes }];
    snapshot::inventory(Record { measurements, ..Record::default() })
}

#[test]
fn a_snapshot_confirms_refutes_or_cannot_tell_and_never_chooses() {
    let catalog = small();
    let on =
        |profile: &str, cluster: &Inventory| resolve(&catalog, aks_query(profile), Some(cluster), Options::default());
    assert!(on("", &cluster("v1.35.1", Some("Install"))).is_ok());
    assert!(on("gpuStack=own", &cluster("v1.35.1", Some("None"))).is_ok());
    let error = refused(&catalog, &aks(""), Some(&cluster("v1.35.1", Some("None"))));
    assert_eq!(
        error.to_string(),
        "the cluster contradicts the profile value gpuStack=managed: K8s.aks-gpu-pools.gpu-driver must be Install, found None"
    );
    assert_eq!(error.hint().as_deref(), Some("choose another value: --profile gpuStack=own"));
    let error = refused(&catalog, &aks("gpuStack=own"), Some(&cluster("v1.35.1", None)));
    assert!(error.to_string().starts_with("the profile value gpuStack=own cannot be confirmed"), "{error}");
    // A person who wants a recipe all the same gets one that says what is not confirmed.
    let cluster = cluster("v1.35.1", None);
    let lenient = resolve(&catalog, aks_query(""), Some(&cluster), Options::LENIENT).expect("a recipe");
    let judged =
        lenient.constraints.iter().find(|judged| judged.name == "K8s.aks-gpu-pools.gpu-driver").expect("it is judged");
    assert!(matches!(judged.verdict, Verdict::Unknown { .. }));
    assert_eq!(lenient.layers[judged.layer].kind, LayerKind::Profile);
}

#[test]
fn a_profile_does_not_disappear_with_its_overlay() {
    let query = Query::of(aks(""), StatedBy::Snapshot);
    match resolve(&small(), query, Some(&cluster("v1.30.0", Some("Install"))), Options::default()) {
        Err(ResolveError::Profile(error)) => {
            let text = error.to_string();
            assert!(
                text.starts_with("the overlay `aks`, which declares the profile `gpuStack`, is left out"),
                "{text}"
            );
            assert!(text.contains("K8s.server.version is v1.30.0, needs >= 1.34.1"), "{text}");
        }
        other => panic!("{:?}", other.map(|resolution| resolution.recipe.applied_overlays)),
    }
}

// -- Locks -------------------------------------------------------------------------------------------------------

#[test]
fn what_is_set_over_a_recipe_is_a_layer_and_keeps_what_the_profile_owns() {
    let catalog = small();
    let set = |settings: &[&str]| {
        let mut query = aks_query("");
        query.set(settings.iter().map(|text| text.parse().expect("a setting")));
        resolve(&catalog, query, None, Options::default())
    };
    let resolution =
        set(&["gpu-operator:driver.version=2", "gpu-operator:driver.enabled=false"]).expect("it is allowed");
    let ladder = |path: &str| ops::recipe::explain(&resolution, path).expect("told")[0].ladder[0].clone();
    let top = ladder("components.gpu-operator.values.driver.version");
    assert_eq!((resolution.layers[top.layer].kind, top.value), (LayerKind::CommandLine, Some(json!(2))));
    for (setting, change) in [
        ("gpu-operator:driver.enabled=true", "it is false and would be true"),
        ("gpu-operator:driver=null", "it is false and would be not set"),
        ("gpu-operator:driver=x", "it is false and would be hidden by `driver`"),
        ("gpu-operator:enabled=false", "it is not set and would be false"),
    ] {
        let Err(ResolveError::Profile(error)) = set(&[setting]) else { panic!("{setting} is refused") };
        assert!(error.to_string().contains(change), "{error}");
    }
    assert!(set(&["nfd:enabled=false"]).is_ok(), "nobody owns it");
    let Err(ResolveError::Profile(error)) = set(&["nfdd:a=1"]) else { panic!("there is no such component") };
    assert_eq!(
        (error.to_string().as_str(), error.hint().as_deref()),
        ("cannot set a value of `nfdd`, which is not in the recipe", Some("did you mean nfd?"))
    );
    let locks = Locks::of(&resolution.recipe).expect("it has a profile");
    assert!(locks.check_dynamic("gpu-operator", "driver").is_err());
    assert!(locks.touches("gpu-operator", "driver.enabled") && !locks.touches("gpu-operator", "driver.version"));
}

/// The same on the command line: the choice, what it refuses, and what is shown.
#[test]
fn profiles_on_the_command_line() {
    let sandbox = Sandbox::new();
    sandbox.file("own/overlays/base.yaml", BASE);
    sandbox.file("own/overlays/aks.yaml", AKS);
    let aks = |arguments: &[&str]| {
        let (verb, rest) = arguments.split_at(1);
        sandbox.aicr(&[verb, &["--catalog", "own", "--service", "aks"], rest].concat())
    };
    let path = "components.gpu-operator.values.driver.enabled";
    assert_eq!(aks(&["query", path]).stdout, "false\n");
    assert_eq!(aks(&["query", path, "--profile", "gpuStack=own"]).stdout, "true\n");
    assert_eq!(aks(&["query", "metadata.selectedProfile.value"]).stdout, "managed\n");
    golden("profile_explain", &aks(&["explain", path, "--profile", "gpuStack=own"]).transcript);
    golden("profile_layers", &aks(&["explain"]).transcript);
    golden("profile_unknown", &aks(&["query", path, "--profile", "gpuStack=x"]).transcript);
    golden("profile_not_a_choice", &aks(&["query", path, "--profile", "own"]).transcript);
    golden("profile_locked", &aks(&["query", path, "--set", "gpu-operator:driver.enabled=true"]).transcript);
    golden("profile_set", &aks(&["explain", path, "--set", "gpu-operator:driver.enabled=false"]).transcript);
    let listed = sandbox.aicr(&["catalog", "list", "--catalog", "own", "-t", "json"]);
    let rows: Value = serde_json::from_str(&listed.stdout).expect("a list");
    assert_eq!(rows[0]["profile"]["values"], json!(["managed", "own"]));
}

// -- The adopters ------------------------------------------------------------------------------------------------

/// Service, operating system, profile value, whether it is the default, values by path, constraints by name.
type Adopter = (
    &'static str,
    Option<&'static str>,
    &'static str,
    bool,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);

/// What is known of AKS, GKE and OKE.
const ADOPTERS: [Adopter; 6] = [
    (
        "aks",
        None,
        "azure-managed",
        true,
        &[
            ("gpu-operator.values.driver.enabled", "false"),
            ("gpu-operator.values.toolkit.enabled", "false"),
            ("gpu-operator.values.operator.runtimeClass", "nvidia-container-runtime"),
            ("nvidia-dra-driver-gpu.values.nvidiaDriverRoot", "/"),
            ("nvsentinel.values.labeler.assumeDriverInstalled", "true"),
            ("nvsentinel.values.metadata-collector.runtimeClassName", "nvidia-container-runtime"),
        ],
        &[("K8s.aks-gpu-pools.gpu-driver", "Install")],
    ),
    (
        "aks",
        None,
        "operator-managed",
        false,
        &[
            ("gpu-operator.values.driver.enabled", "true"),
            ("gpu-operator.values.toolkit.enabled", "true"),
            ("gpu-operator.values.operator.runtimeClass", "nvidia"),
            ("nvidia-dra-driver-gpu.values.nvidiaDriverRoot", "/run/nvidia/driver"),
            ("nvsentinel.values.labeler.assumeDriverInstalled", "false"),
            ("nvsentinel.values.metadata-collector.runtimeClassName", "nvidia"),
        ],
        &[("K8s.aks-gpu-pools.gpu-driver", "None")],
    ),
    (
        "gke",
        Some("cos"),
        "gke-default",
        true,
        &[
            ("gcp-driver-installer.values.installer.enabled", "false"),
            ("gpu-operator.values.devicePlugin.enabled", "false"),
            ("nvsentinel.values.labeler.assumeDriverInstalled", "true"),
        ],
        &[("NodeTopology.gpu-nodes.label", "!gke-no-default-nvidia-gpu-device-plugin")],
    ),
    (
        "gke",
        Some("cos"),
        "bundle-installer",
        false,
        &[
            ("gcp-driver-installer.values.installer.enabled", "true"),
            ("gpu-operator.values.devicePlugin.enabled", "true"),
            ("nvsentinel.values.labeler.assumeDriverInstalled", "false"),
        ],
        &[
            ("NodeTopology.gpu-nodes.label", "gke-no-default-nvidia-gpu-device-plugin=true"),
            ("K8s.gke-gpu-pools.gpu-driver-installation", "Disabled"),
        ],
    ),
    (
        "oke",
        Some("ol"),
        "oci-managed",
        true,
        &[
            ("gpu-operator.values.driver.enabled", "false"),
            ("gpu-operator.values.driver.useOpenKernelModules", "false"),
            ("gpu-operator.values.toolkit.enabled", "false"),
            ("gpu-operator.values.devicePlugin.enabled", "false"),
            ("gpu-operator.values.hostPaths.driverInstallDir", "/run/nvidia/driver"),
            ("nvidia-dra-driver-gpu.values.nvidiaDriverRoot", "/"),
            ("nvsentinel.values.labeler.assumeDriverInstalled", "true"),
        ],
        &[("K8s.oke-addons.nvidia-gpu-plugin", "installed")],
    ),
    (
        "oke",
        Some("ol"),
        "operator-managed",
        false,
        &[
            ("gpu-operator.values.driver.enabled", "true"),
            ("gpu-operator.values.driver.useOpenKernelModules", "false"),
            ("gpu-operator.values.toolkit.enabled", "true"),
            ("gpu-operator.values.devicePlugin.enabled", "true"),
            ("gpu-operator.values.hostPaths.driverInstallDir", "/run/nvidia/driver"),
            ("nvidia-dra-driver-gpu.values.nvidiaDriverRoot", "/run/nvidia/driver"),
            ("nvsentinel.values.labeler.assumeDriverInstalled", "false"),
        ],
        &[("K8s.oke-addons.nvidia-gpu-plugin", "absent"), ("K8s.oke-legacy-plugin.nvidia-gpu-device-plugin", "none")],
    ),
];

fn adopters(catalog: &Catalog) {
    for (service, os, value, is_default, values, constraints) in ADOPTERS {
        let chosen = ProfileChoice { name: "gpuStack".into(), value: value.into() };
        let plain = Criteria { service: Some(service.into()), os: os.map(str::to_owned), ..Criteria::default() };
        let criteria = Criteria { profile: Some(chosen.clone()), ..plain.clone() };
        let flag = resolve(catalog, &criteria, None, Options::default()).expect("the chosen value");
        let default = resolve(catalog, &plain, None, Options::default()).expect("the default");
        assert_eq!(flag.recipe.criteria.profile, Some(chosen), "{service} {value}");
        assert_eq!(default.recipe == flag.recipe, is_default, "{service} {value}");
        for (path, expected) in values {
            let found = ops::recipe::query(&flag, &format!("components.{path}")).expect("it is set");
            let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            assert_eq!(found, *expected, "{service} {value} {path}");
            let owned = &flag.recipe.selected_profile.as_ref().expect("it is recorded").owned_paths;
            let (component, rest) = path.split_once(".values.").expect("a path of values");
            assert!(owned[component].iter().any(|path| path == rest), "{service} owns {path}");
            // Every owned path is locked, and one that is set to another value is refused.
            let mut query = Query::from(&criteria);
            query.set([format!("{component}:{rest}=changed").parse().expect("a setting")]);
            assert!(resolve(catalog, query, None, Options::default()).is_err(), "{service} {value} {path}");
        }
        for (name, expected) in constraints {
            let found =
                flag.recipe.constraints.iter().find(|constraint| constraint.name == *name).expect("it is there");
            assert_eq!(found.value, *expected, "{service} {value} {name}");
        }
        // Coming from the other value by what-if, the profile is what causes the changes.
        let other =
            profile::offered(catalog, &plain).expect("a profile").names().find(|name| *name != value).expect("two");
        let choice = ProfileChoice { name: "gpuStack".into(), value: other.to_owned() };
        let what_if = resolve(catalog, &Criteria { profile: Some(choice), ..plain }, None, Options::LENIENT)
            .expect("it resolves");
        let changes = diff::recipe::compare(&(&flag).into(), &(&what_if).into());
        let caused = |change: &&diff::Change| change.path.contains(".values.") && !change.cause.contains("gpuStack=");
        assert!(!changes.is_empty() && !changes.iter().any(|change| caused(&change)), "{service} {value}");
    }
}

#[test]
fn the_three_adopters_have_the_values_of_the_facts() {
    adopters(&Catalog::new(catalog_dir::embedded()).expect("the embedded catalog"));
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn the_three_adopters_have_the_values_of_the_facts_on_the_reference_s_catalog() {
    let sources = Sources { catalog: Some(shared("reference-catalog-v1")), ..Sources::default() };
    adopters(&Catalog::new(catalog_dir::load(&sources).expect("the facts")).expect("a catalog"));
}

/// The device plugin of such a cluster is the cloud's, so nothing of the recipe advertises GPUs.
#[test]
fn a_recipe_whose_gpus_the_cloud_advertises_can_be_validated() {
    let sandbox = crate::sandbox::Sandbox::new();
    let criteria = ["--service", "gke", "--os", "cos", "--accelerator", "h100", "--intent", "training"];
    let recipe = sandbox.aicr(&[&["recipe", "-o", "recipe.yaml"], &criteria[..]].concat());
    assert_eq!(recipe.code, 0, "{}", recipe.transcript);
    let snapshot = sandbox.aicr(&["--demo", "snapshot", "-o", "cluster.yaml"]);
    assert_eq!(snapshot.code, 0, "{}", snapshot.transcript);
    let run = sandbox.aicr(&["validate", "-r", "recipe.yaml", "-s", "cluster.yaml", "--no-cluster", "-t", "text"]);
    // The demo is no such cluster, so it is not ready; the recipe itself is judged, and a sentence has no line in it.
    assert_eq!(run.code, 1, "{}", run.transcript);
    assert!(
        run.stdout.contains("not ready") && run.stdout.contains("gke-accelerator`; Google's"),
        "{}",
        run.transcript
    );
    assert!(!run.transcript.contains("\\n"), "{}", run.transcript);
}
