//! Bundles: against the reference's, through the real program, and what happens to bad input.

use crate::{conformance, sandbox::Sandbox};
use aicr::{
    bundle::{
        deployer::{self, Settings},
        flags::{Flags, Override},
        plan::{BundlePlan, Options, PlanError, plan},
    },
    catalog::Catalog,
    criteria::{Criteria, Dimension, Query},
    recipe::{ComponentRef, Recipe},
    resolve::{self, resolve},
    store::catalog_dir,
    yaml,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

pub fn catalog() -> Catalog {
    Catalog::new(catalog_dir::load(&Default::default()).expect("the embedded catalog")).expect("the embedded catalog")
}

pub fn options(deployer: &str) -> Options {
    Options {
        flags: Flags::default(),
        deployer: deployer::named(deployer).expect("a deployer"),
        settings: Settings::default(),
        serial: false,
        readiness_hooks: false,
        tool: "1.2.3".to_owned(),
        vendored: None,
        supplied: Default::default(),
    }
}

/// With the nodes that the components of a whole cluster ask for.
fn placed() -> Options {
    let mut options = options("helm");
    for nodes in [&mut options.flags.scheduling.system, &mut options.flags.scheduling.accelerated] {
        nodes.selector = [("role".to_owned(), "any".to_owned())].into();
    }
    options
}

pub fn criteria(text: &str) -> Criteria {
    let mut criteria = Criteria::default();
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.chunks(2) {
        let name = pair[0].trim_start_matches('-');
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name).expect(name);
        criteria.set(dimension, Some(pair[1].to_owned()));
    }
    criteria
}

pub fn documents(text: &str) -> Vec<Value> {
    yaml::parse_all(text).expect("it is YAML").iter().map(yaml::Node::to_value).collect()
}

/// What v1 does otherwise than July, by the file's name: how the document is made alike before it is compared.
type Alike = fn(&mut Value);
const DIFFERENCES: &[(&str, &str, Alike)] = &[
    ("Chart.yaml", "9.5: versions, annotations and description of generated charts", |chart| {
        if let Value::Object(fields) = chart {
            fields.retain(|key, _| ["apiVersion", "name", "type"].contains(&&**key));
        }
    }),
    ("helmrelease.yaml", "9.3: timeouts are stated", |release| {
        release["spec"].as_object_mut().map(|spec| spec.remove("timeout"));
    }),
    ("application.yaml", "9.3: the ComputeDomain CRD is not compared", |application| {
        application["spec"].as_object_mut().map(|spec| spec.remove("ignoreDifferences"));
    }),
];
/// Files that v1 has besides (9.2), and those of our own.
const NEW_FILES: &[&str] = &["bundle-info.yaml", "recipe.yaml", "UPGRADING.md", "undeploy.sh"];

/// Components, charts, versions, namespaces, values, manifests and order of every case, by the serial rules of July.
#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn bundles_equal_the_references() {
    let catalog = conformance::reference_catalog();
    let (mut compared, mut different, mut dialects) = (0, Vec::new(), std::collections::BTreeSet::new());
    for case in conformance::cases("bundle-cases") {
        let name = case["deployer"].as_str().expect("a deployer");
        let Ok(deployer) = deployer::named(name) else { continue };
        dialects.insert(name.to_owned());
        let title = format!("{name} {}", case["criteria"].as_str().expect("criteria"));
        let criteria = criteria(case["criteria"].as_str().expect("criteria"));
        let recipe = resolve(&catalog, &criteria, None, resolve::Options::JULY).expect("the case resolves").recipe;
        let repo = case["args"].as_array().and_then(|args| Some(args.get(1)?.as_str()?.to_owned()));
        let settings = Settings { repo, ..Settings::default() };
        let options = Options { deployer, settings, serial: true, ..options(name) };
        let ours = plan(&catalog, &recipe, options).unwrap_or_else(|error| panic!("{title}: {error}"));
        let ours: BTreeMap<&str, &aicr::bundle::plan::File> =
            ours.files.iter().map(|file| (&*file.path, file)).collect();
        let theirs = case["files"].as_object().expect("files");
        for (path, file) in theirs {
            let Some(our) = ours.get(path.as_str()) else {
                different.push(format!("{title}: {path} is missing"));
                continue;
            };
            compared += 1;
            let mode = format!("{:#o}", our.mode);
            if file["mode"] != json!(mode) {
                different.push(format!("{title}: {path} has {mode}, theirs {}", file["mode"]));
            }
            let Some(theirs) = file["docs"].as_array() else { continue };
            let (mut ours, mut theirs) = (documents(&our.shown()), theirs.clone());
            for (name, _, alike) in DIFFERENCES.iter().filter(|(name, ..)| path.rsplit('/').next() == Some(name)) {
                assert!(!name.is_empty());
                ours.iter_mut().for_each(alike);
                theirs.iter_mut().for_each(alike);
            }
            if ours != theirs {
                let shown = |documents: &[Value]| serde_json::to_string(documents).unwrap_or_default();
                different.push(format!("{title}: {path}\n  ours   {}\n  theirs {}", shown(&ours), shown(&theirs)));
            }
        }
        let extra = ours.keys().filter(|path| !theirs.contains_key(**path) && !NEW_FILES.contains(path));
        different.extend(extra.map(|path| format!("{title}: {path} is extra")));
    }
    assert!(
        different.is_empty(),
        "{} of {compared} differ:\n{}",
        different.len(),
        different[..different.len().min(12)].join("\n")
    );
    assert_eq!(dialects.len(), deployer::ALL.iter().filter(|it| conformance_has(it.name())).count());
    println!("{compared} files of {dialects:?} are alike");
}

fn conformance_has(name: &str) -> bool {
    ["helm", "argocd", "argocd-helm", "flux", "helmfile"].contains(&name)
}

const KUBEFLOW: &str = "--service eks --accelerator h100 --os ubuntu --intent training --platform kubeflow";

fn kubeflow() -> (Catalog, Recipe) {
    let catalog = catalog();
    let recipe = resolve(&catalog, &criteria(KUBEFLOW), None, resolve::Options::default()).expect("it resolves").recipe;
    (catalog, recipe)
}

#[test]
fn the_same_input_makes_the_same_bytes_in_every_dialect() {
    let (catalog, recipe) = kubeflow();
    for deployer in deployer::ALL {
        let once = plan(&catalog, &recipe, options(deployer.name())).expect("it plans").files;
        assert_eq!(once, plan(&catalog, &recipe, options(deployer.name())).expect("it plans").files);
        let list = once.iter().find(|file| file.path == "checksums.txt").expect("a list").shown().into_owned();
        let listed: Vec<&str> = list.lines().map(|line| &line[66..]).collect();
        let written: Vec<&str> = once.iter().map(|file| &*file.path).filter(|path| *path != "checksums.txt").collect();
        assert_eq!(listed, written, "{}", deployer.name());
    }
}

#[test]
fn nothing_is_deployed_before_what_it_needs() {
    let (catalog, recipe) = kubeflow();
    for serial in [false, true] {
        let bundle = plan(&catalog, &recipe, Options { serial, ..options("helm") }).expect("it plans").bundle;
        for (at, release) in bundle.releases.iter().enumerate() {
            assert!(release.needs.iter().all(|need| *need < at), "{}", release.name);
            let component = bundle.component(release);
            for dependency in &component.used.dependency_refs {
                let is_before =
                    |need: &&aicr::bundle::release::Release| bundle.component(need).used.name == *dependency;
                let found = bundle.releases[..at].iter().find(is_before);
                assert!(
                    found.is_some_and(|need| serial || need.level < release.level),
                    "{} {dependency}",
                    release.name
                );
            }
        }
        let lone = bundle.releases.iter().filter(|release| release.needs.is_empty()).count();
        assert_eq!(lone == 1, serial);
    }
}

fn component(name: &str) -> ComponentRef {
    ComponentRef {
        name: name.to_owned(),
        namespace: "here".to_owned(),
        chart: "chart".to_owned(),
        r#type: "Helm".to_owned(),
        source: "https://example.org/charts".to_owned(),
        version: "1.2.3".to_owned(),
        ..ComponentRef::default()
    }
}

fn planned(components: Vec<ComponentRef>, deployer: &str) -> Result<BundlePlan, Box<PlanError>> {
    plan(&catalog(), &Recipe { components, ..Recipe::default() }, options(deployer)).map_err(Box::new)
}

#[test]
fn hostile_names_are_refused_before_a_script_or_a_path_has_them() {
    for text in ["a b", "a'b", "a\"b", "a\nb", "$(id)", "`id`", "a;b", "../a", "a/b", "A", "-a", "", "a|b", "ü"] {
        for set in [
            |component: &mut ComponentRef, text: &str| component.name = text.to_owned(),
            |component: &mut ComponentRef, text: &str| component.namespace = text.to_owned(),
        ] {
            let mut hostile = component("good");
            set(&mut hostile, text);
            let error = planned(vec![hostile], "helm").map(|_| ()).expect_err(text);
            assert!(matches!(*error, PlanError::Name { .. }), "{text}: {error}");
        }
    }
    for text in ["a b", "a'b", "$(id)", "`id`", "a;b", "../a", "a\nb", "-a", "a|b"] {
        for set in [
            |component: &mut ComponentRef, text: &str| component.chart = text.to_owned(),
            |component: &mut ComponentRef, text: &str| component.version = text.to_owned(),
            |component: &mut ComponentRef, text: &str| component.source = format!("https://example.org/{text}"),
        ] {
            let mut hostile = component("good");
            set(&mut hostile, text);
            let is_url = hostile.source.contains("../");
            let result = planned(vec![hostile], "helm").map(|_| ());
            // A URL may have such parts, and may begin a part with `-`; no shell sees it unquoted.
            let is_refused = result.as_ref().is_err_and(|error| matches!(**error, PlanError::Name { .. }));
            assert!(is_url || text == "-a" || is_refused, "{text}: {result:?}");
        }
    }
}

#[test]
fn hostile_values_stay_values() {
    let hostile = json!({"a": "$(id)\n`id`", "b'\"": {"c: d": "{{ .x }} '\"\\"}, "--- ": ["#", "!x", "|"], "": null});
    let mut odd = component("odd");
    odd.overrides = hostile.as_object().expect("a mapping").clone();
    for deployer in deployer::ALL {
        let plan = planned(vec![odd.clone()], deployer.name()).expect("values may be anything");
        let found =
            plan.files.iter().any(|file| file.path.ends_with(".yaml") && holds(&documents(&file.shown()), &hostile));
        assert!(found, "{}", deployer.name());
    }
}

fn holds(documents: &[Value], wanted: &Value) -> bool {
    documents.iter().any(|document| {
        document == wanted
            || match document {
                Value::Array(items) => holds(items, wanted),
                Value::Object(entries) => entries.values().any(|child| holds(std::slice::from_ref(child), wanted)),
                _ => false,
            }
    })
}

#[test]
fn ten_thousand_components_are_refused_or_planned_in_a_moment() {
    let many: Vec<ComponentRef> = (0..10_000)
        .map(|number| {
            let mut one = component(&format!("c{number}"));
            one.dependency_refs =
                (number > 0).then(|| format!("c{}", number / 2)).into_iter().filter(|on| *on != one.name).collect();
            one
        })
        .collect();
    let error = planned(many.clone(), "helm").map(|_| ()).expect_err("folders have three digits");
    assert_eq!(error.to_string(), "10000 releases do not fit into the numbered folders of `helm`, which end at 999");
    if deployer::named("flux").is_ok() {
        let plan = planned(many, "flux").expect("it plans");
        assert!(plan.files.len() > 10_000);
    }
}

#[test]
fn two_releases_of_one_name_are_refused() {
    let mut first = component("a");
    first.manifest_files = vec!["components/gpu-operator/manifests/kernel-module-params.yaml".to_owned()];
    first.name = "gpu-operator".to_owned();
    let error = planned(vec![first, component("gpu-operator-post")], "helm").map(|_| ()).expect_err("they clash");
    assert_eq!(*error, PlanError::SameRelease("gpu-operator-post".to_owned()));
}

#[track_caller]
fn set(texts: &[&str], expected: Result<&str, &str>) {
    let (catalog, recipe) = kubeflow();
    let overrides = texts.iter().map(|text| Override::set(text).expect("it reads")).collect();
    let flags = Flags { overrides, ..Flags::default() };
    let result = plan(&catalog, &recipe, Options { flags, ..options("helm") });
    match expected {
        Ok(folder) => {
            let plan = result.unwrap_or_else(|error| panic!("{error}"));
            assert!(plan.files.iter().any(|file| file.path.starts_with(folder)), "{folder}");
        }
        Err(words) => assert_eq!(result.map(|_| ()).expect_err("it is refused").to_string(), words),
    }
}

#[test]
fn what_is_set_takes_effect_or_is_refused() {
    set(&["gpuoperator:driver.version=1"], Ok("009-gpu-operator/"));
    set(&["gpu-operatr:driver.version=1"], Err("unknown component `gpu-operatr`"));
    set(&["kueue:x=1"], Err("the component `kueue` is not in the recipe, so `x` has no effect"));
    set(&["kueue:enabled=false"], Ok("009-gpu-operator/"));
    set(&["kueue:enabled=true"], Err("the component `kueue` is not in the recipe, so `enabled` has no effect"));
    set(&["aws-efa:enabled=false"], Ok("008-gpu-operator/"));
    set(&["aws-efa:enabled=false", "aws-efa:x=1"], Err("the component `aws-efa` is disabled, so `x` has no effect"));
    set(&["aws-efa:enabled=maybe"], Err("`aws-efa:enabled` is true or false, found `\"maybe\"`"));
    let contradiction = "`gpu-operator: driver` and `driver.version` contradict each other: the first is not a mapping";
    set(&["gpu-operator:driver=1", "gpu-operator:driver.version=1"], Err(contradiction));
    set(&["gpu-operator:driver.version=1", "gpu-operator:driver=1"], Err(contradiction));
}

/// The database that a recipe brings for Slurm, beside what the cluster has: refused where there is one or it is not known,
/// said where it was not looked at.
#[test]
fn a_database_is_brought_only_where_none_is() {
    let catalog = catalog();
    let slurm = criteria("--service eks --accelerator h100 --os ubuntu --intent training --platform slurm");
    let recipe = |mode: &str| {
        let mut query = Query::from(&slurm);
        let accounting = aicr::settings::Accounting { mode: mode.to_owned() };
        let slurm = Some(aicr::settings::Slurm { accounting });
        query.configure(aicr::settings::Configuration { slurm, ..Default::default() });
        resolve(&catalog, &query, None, resolve::Options::default()).expect("the query resolves").recipe
    };
    let brings = recipe("aicr-provided");
    let said = |recipe: &Recipe, state: Option<&str>| {
        let mut recipe = recipe.clone();
        recipe.states.mariadb_operator_state = state.map(str::to_owned);
        match plan(&catalog, &recipe, placed()) {
            Ok(plan) => plan
                .bundle
                .notes
                .iter()
                .map(ToString::to_string)
                .filter(|note| note.contains("MariaDB") && !note.contains("of the registry"))
                .collect(),
            Err(error @ PlanError::Database(_)) => {
                assert!(error.hint().is_some_and(|hint| hint.contains("--slurm-accounting-mode")));
                error.to_string()
            }
            Err(error) => panic!("{error}"),
        }
    };
    // The database's pods belong on nodes that a person names.
    for (state, expected) in [
        (Some("absent"), ""),
        (Some("api-detected"), "without databases"),
        (Some("crs-detected"), "has databases of a MariaDB operator already"),
        (Some("unknown"), "could not tell whether"),
        (Some("odd"), "could not tell whether"),
        (None, "no snapshot says whether"),
    ] {
        let found: String = said(&brings, state);
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{state:?}: {found}");
    }
    let own = recipe("customer-managed");
    assert_eq!(said(&own, Some("crs-detected")), "");
}

/// A name that two repositories of charts would have is refused: one chart would come from the other's.
#[test]
fn repositories_of_one_name_are_refused() {
    let catalog = catalog();
    let query = criteria("--service kind --accelerator a100");
    let mut recipe = resolve(&catalog, &query, None, resolve::Options::default()).expect("the query resolves").recipe;
    let source = |recipe: &Recipe, name: &str| {
        recipe.components.iter().find(|used| used.name == name).expect(name).source.replace("oci://", "https://")
    };
    let taken = source(&recipe, "nodewright-operator");
    for deployer in ["flux", "helmfile", "helm"] {
        assert!(plan(&catalog, &recipe, options(deployer)).is_ok());
    }
    recipe.components.iter_mut().find(|used| used.name == "cert-manager").expect("it is there").source = taken;
    for (deployer, is_refused) in [("flux", true), ("helmfile", true), ("helm", false)] {
        let refused = plan(&catalog, &recipe, options(deployer)).err().map(|error| error.to_string());
        assert_eq!(refused.is_some(), is_refused, "{refused:?}");
        assert!(refused.is_none_or(|words| words.contains("both would have one name")));
    }
}

/// A signature that nobody has verified is never taken for none.
#[test]
fn a_signature_alone_is_not_unsigned() {
    let sandbox = Sandbox::new();
    let bundle = bundled(&sandbox, &[]);
    let attestation = sandbox.home().join(&bundle).join("attestation");
    std::fs::create_dir(&attestation).unwrap();
    std::fs::write(attestation.join("aicr-attestation.sigstore.json"), "{}").unwrap();
    let run = sandbox.aicr(&["verify", &bundle]);
    assert!(!run.stdout.contains("not signed"), "{}", run.transcript);
}

/// A recipe's bundle in a sandbox, and its path.
pub fn bundled(sandbox: &Sandbox, flags: &[&str]) -> String {
    let run = sandbox.aicr(&[&["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b"], flags].concat());
    assert_eq!(run.code, 0, "{}", run.transcript);
    "b".to_owned()
}

/// Twelve ways to change a bundle, each named.
#[cfg(unix)]
#[test]
fn every_manipulation_is_named() {
    use std::fs;
    type Harm = fn(&Path);
    fn swap(text: &Path, from: &str, to: &str) {
        let content = fs::read_to_string(text).unwrap();
        assert!(content.contains(from));
        fs::write(text, content.replacen(from, to, 1)).unwrap();
    }
    let cases: &[(Harm, &str)] = &[
        (|b| swap(&b.join("deploy.sh"), "set -u", "set +u"), "changed: `deploy.sh` differs from its checksum"),
        (|b| swap(&b.join("recipe.yaml"), "a100", "h100"), "changed: `recipe.yaml` differs from its checksum"),
        (|b| fs::remove_file(b.join("bundle-info.yaml")).unwrap(), "missing: `bundle-info.yaml` is listed"),
        (|b| fs::remove_dir_all(b.join("001-cert-manager")).unwrap(), "missing: `001-cert-manager/"),
        (
            |b| {
                fs::create_dir(b.join("000-evil")).unwrap();
                fs::write(b.join("000-evil/install.sh"), "id").unwrap();
            },
            "extra: the file `000-evil/install.sh` is not listed",
        ),
        (|b| fs::write(b.join("001-cert-manager/.hidden"), "").unwrap(), "extra: the file `001-cert-manager/.hidden`"),
        (|b| fs::create_dir(b.join("empty")).unwrap(), "extra: no listed file is in the folder `empty`"),
        (|b| fs::create_dir(b.join("attestation")).unwrap(), "extra: no listed file is in the folder `attestation`"),
        (
            |b| {
                let file = b.join("bundle-info.yaml");
                fs::remove_file(&file).unwrap();
                std::os::unix::fs::symlink("/dev/zero", file).unwrap();
            },
            "link: `bundle-info.yaml` is a symbolic link",
        ),
        (
            |b| {
                let file = b.join("README.md");
                fs::rename(&file, b.with_extension("away")).unwrap();
                std::os::unix::fs::symlink(b.with_extension("away"), file).unwrap();
            },
            "link: `README.md` is a symbolic link",
        ),
        (
            |b| {
                let folder = b.join("001-cert-manager");
                fs::rename(&folder, b.with_extension("folder")).unwrap();
                std::os::unix::fs::symlink(b.with_extension("folder"), folder).unwrap();
            },
            "link: `001-cert-manager` is a symbolic link",
        ),
        (
            |b| {
                fs::remove_file(b.join("undeploy.sh")).unwrap();
                fs::create_dir(b.join("undeploy.sh")).unwrap();
            },
            "not a file: `undeploy.sh` is neither a file nor a folder",
        ),
        (|b| fs::write(b.join("checksums.txt"), "").unwrap(), "`checksums.txt` cannot be used: it lists no file"),
        (
            |b| {
                let sums = b.join("checksums.txt");
                let text = fs::read_to_string(&sums).unwrap();
                fs::write(&sums, format!("{text}{}  ../outside\n", "0".repeat(64))).unwrap();
            },
            "names `../outside`, which is not a path inside the bundle",
        ),
        (|b| fs::remove_file(b.join("checksums.txt")).unwrap(), "the folder has no `checksums.txt`"),
    ];
    for (harm, words) in cases {
        let sandbox = Sandbox::new();
        let bundle = bundled(&sandbox, &[]);
        let before = sandbox.aicr(&["verify", &bundle]);
        assert_eq!(before.code, 0, "{}", before.transcript);
        assert!(before.stdout.contains("trust level: unverified"), "{}", before.transcript);
        harm(&sandbox.home().join(&bundle));
        let after = sandbox.aicr(&["verify", &bundle]);
        assert_eq!(after.code, 4, "{}", after.transcript);
        assert!(after.stdout.contains(words), "{words}\n{}", after.transcript);
        let json = sandbox.aicr(&["verify", &bundle, "-t", "json"]);
        let report: Value = serde_json::from_str(&json.stdout).expect("JSON");
        assert_eq!((&report["trustLevel"], &report["checksumsPassed"]), (&json!("unknown"), &json!(false)));
    }
}

#[test]
fn next_steps_name_the_repository_that_was_given_or_what_stands_in_its_place() {
    let sandbox = Sandbox::new();
    for deployer in ["argocd", "flux", "fleet"] {
        let made = |more: &[&str]| {
            let base =
                ["bundle", "--service", "kind", "--accelerator", "a100", "-d", deployer, "-o", deployer, "--replace"];
            let run = sandbox.aicr(&[&base[..], more].concat());
            assert_eq!(run.code, 0, "{}", run.transcript);
            run.stdout + &run.stderr
        };
        let given = made(&["--repo", "https://git.example.com/team/stack.git"]);
        assert!(
            given.contains(&format!("push {deployer} to https://git.example.com/team/stack.git, branch main")),
            "{given}"
        );
        let placeholder = made(&[]);
        assert!(placeholder.contains("with its URL in place of https://"), "{placeholder}");
    }
}

#[test]
fn trust_is_never_more_than_what_was_checked() {
    let sandbox = Sandbox::new();
    let bundle = bundled(&sandbox, &[]);
    for flags in
        [&["--min-trust-level", "attested"][..], &["--require-creator", "a"], &["--cli-version-constraint", "1"]]
    {
        let run = sandbox.aicr(&[&["verify", &*bundle], flags].concat());
        assert_eq!(run.code, 2, "{}", run.transcript);
        assert!(run.stdout.contains("it is not signed"), "{}", run.transcript);
    }
    sandbox.file("b/attestation/bundle-attestation.sigstore.json", "{}");
    let run = sandbox.aicr(&["verify", &bundle]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    assert!(
        run.stdout.contains("its signature was not verified: give the public key with --key"),
        "{}",
        run.transcript
    );
    assert_eq!(sandbox.aicr(&["verify", "nowhere"]).code, 3);
    assert_eq!(sandbox.aicr(&["verify", &bundle, "--key", "k"]).code, 3);
    let run = sandbox.aicr(&["verify", &bundle, "--key", "awskms:///alias/k"]);
    assert!(run.code == 2 && run.stderr.contains("not available yet"), "{}", run.transcript);
    for flags in [&["--trust-root", "r"][..], &["--insecure-ignore-tlog"], &["--plain-http"], &["--insecure-tls"]] {
        assert_eq!(sandbox.aicr(&[&["verify", &*bundle], flags].concat()).code, 2);
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let sandbox = Sandbox::new();
    let kept = sandbox.file("b/kept", "x");
    let run = sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b"]);
    assert_eq!(run.code, 2, "{}", run.transcript);
    assert!(run.stderr.contains("the folder is not empty: it has `kept`"), "{}", run.transcript);
    assert_eq!(std::fs::read_dir(kept.parent().unwrap()).unwrap().count(), 1);
    let run = sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b", "--replace"]);
    assert!(run.code == 2 && run.stderr.contains("it is not a complete bundle"), "{}", run.transcript);
    std::fs::remove_file(kept).unwrap();
    bundled(&sandbox, &[]);
    bundled(&sandbox, &["--replace", "--set", "cert-manager:x=1"]);
    assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);
    let files = std::fs::read_dir(sandbox.home()).unwrap();
    let left: Vec<_> =
        files.map(|entry| entry.unwrap().file_name()).filter(|name| name.to_string_lossy().contains(".new")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn flags_that_mean_nothing_here_are_answered() {
    let sandbox = Sandbox::new();
    let refused = |flags: &[&str], code: i32, words: &str| {
        let run = sandbox.aicr(&[&["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b"], flags].concat());
        assert_eq!(run.code, code, "{}", run.transcript);
        assert!(run.stderr.contains(words), "{words}\n{}", run.transcript);
        assert!(!sandbox.home().join("b").exists());
    };
    refused(&["--attest"], 2, "signing bundles is not available yet");
    refused(&["--image-refs", "x"], 2, "only a bundle that is pushed has a digest");
    refused(&["--plain-http"], 2, "no registry is asked");
    refused(&["-d", "flux", "--flux-oci-source-name", "x"], 2, "only a bundle that is pushed is read from there");
    refused(&["--deployer", "hlem"], 2, "helm");
    refused(&["--app-name", "x"], 2, "--app-name has no meaning for the deployer `helm`");
    refused(&["--set", "deployer:project=x"], 2, "`deployer:project` has no meaning for the deployer `helm`");
    refused(&["-r", "recipe.yaml"], 2, "--recipe and --service exclude each other");
    refused(&["--set", "cert-manager"], 2, "missing `:` between component and path");
    refused(&["--set-file", "cert-manager:x=nothing.yaml"], 3, "nothing.yaml");
    refused(&["--dra-eviction-node-label", "a b"], 2, "is not the key of a label");
    refused(&["--dynamic", "gpu-operator:devicePlugin.enabled"], 2, "it decides who advertises GPUs");
    refused(&["--storage-class", " "], 2, "the name of a storage class");
    let run = sandbox.aicr(&["bundle", "-o", "b"]);
    assert!(run.code == 2 && run.stderr.contains("neither a recipe nor criteria"), "{}", run.transcript);
    let run = sandbox.aicr(&["bundle", "-r", "nothing.yaml", "-o", "b"]);
    assert_eq!(run.code, 3, "{}", run.transcript);
    sandbox.file("old.yaml", "apiVersion: aicr.run/v9\nkind: RecipeResult\n");
    let run = sandbox.aicr(&["bundle", "-r", "old.yaml", "-o", "b"]);
    assert!(run.code == 2 && run.stderr.contains("aicr.run/v9"), "{}", run.transcript);
}

/// Every setting of a dialect with every dialect: it changes what is written, or is refused with the dialects that it is for.
#[test]
fn a_setting_changes_a_dialect_or_is_refused_there() {
    use deployer::Setting;
    let sandbox = Sandbox::new();
    let flags = |setting: Setting| match setting {
        Setting::Repo => vec!["--repo", "https://example.org/a/b.git"],
        Setting::AppName => vec!["--app-name", "mine"],
        Setting::ReadinessHooks => vec!["--readiness-hooks"],
        Setting::Serial => vec!["--serial"],
        Setting::Dynamic => vec!["--dynamic", "gpu-operator:driver.version"],
        Setting::FluxNamespace => vec!["--flux-namespace", "mine"],
        Setting::FluxOciSource => vec!["-o", "oci://r.test/b:1.0.0", "--flux-oci-source-name", "mine"],
        Setting::FleetMode => vec!["--fleet-mode", "helmop"],
        Setting::TerraformChildModule => vec!["--terraform-child-module"],
        Setting::TerraformClusterRollover => vec!["--terraform-cluster-rollover"],
        Setting::Argo => vec!["--set", "deployer:namePrefix=my-"],
    };
    for deployer in deployer::ALL {
        let base =
            ["bundle", "--service", "kind", "--accelerator", "a100", "--plan", "-t", "json", "-d", deployer.name()];
        let without = sandbox.aicr(&base);
        assert_eq!(without.code, 0, "{}", without.transcript);
        for setting in Setting::ALL {
            let run = sandbox.aicr(&[&base[..], &flags(setting)].concat());
            if deployer.takes(setting) {
                assert_eq!(run.code, 0, "{}", run.transcript);
                assert_ne!(run.stdout, without.stdout, "{} {}", deployer.name(), setting.flag());
                continue;
            }
            assert_eq!(run.code, 2, "{}", run.transcript);
            let words = format!("has no meaning for the deployer `{}`", deployer.name());
            let names: Vec<&str> = setting.dialects().map(|deployer| deployer.name()).collect();
            assert!(run.stderr.contains(&words), "{}", run.transcript);
            let hint = run.stderr.replace('\n', " ");
            assert!(hint.contains(&format!("a --deployer that has a use for it: {}", names.join(", "))), "{hint}");
        }
    }
}

#[test]
fn a_repository_is_one_that_the_tool_reads_and_holds_no_login() {
    let sandbox = Sandbox::new();
    let plan = |deployer: &str, repo: &str| {
        sandbox.aicr(&[
            "bundle",
            "--service",
            "kind",
            "--accelerator",
            "a100",
            "--plan",
            "-d",
            deployer,
            "--repo",
            repo,
        ])
    };
    for (deployer, repo) in [
        ("flux", "https://example.org/a.git"),
        ("flux", "ssh://git@example.org/a/b"),
        ("argocd", "git@example.org:a/b.git"),
        ("argocd", "oci://example.org/a/b"),
        ("fleet", "git@example.org:a/b.git"),
    ] {
        let run = plan(deployer, repo);
        assert_eq!(run.code, 0, "{}", run.transcript);
    }
    for deployer in ["argocd", "flux", "fleet"] {
        for (repo, words) in [
            ("", "it is empty"),
            (" ", "it is empty"),
            ("https://example.org/a b", "it has a space"),
            ("https://example.org/a\nb", "it has a space or a control character"),
            ("https://me:secret@example.org/a", "it has a login"),
            ("https://secret@example.org/a", "it has a login"),
            ("ssh://git:secret@example.org/a", "it has a login"),
            ("https://example.org/a?token=secret", "it has a `?`"),
            ("https://example.org", "it is not a URL with a host and a path"),
            ("https:///a", "it is not a URL with a host and a path"),
            ("ftp://me:secret@example.org/a", "reads repositories that begin with https://"),
            ("/srv/git", "reads repositories that begin with https://"),
        ] {
            let run = plan(deployer, repo);
            assert_eq!(run.code, 2, "{}", run.transcript);
            assert!(run.stderr.contains(words), "{words}: {}", run.transcript);
            assert!(!run.stderr.contains("secret"), "{}", run.stderr);
        }
    }
    for (deployer, repo) in [("flux", "oci://example.org/a/b"), ("flux", "git@example.org:a"), ("fleet", "oci://a/b")] {
        let run = plan(deployer, repo);
        assert!(run.code == 2 && run.stderr.contains("reads repositories"), "{}", run.transcript);
    }
}

/// A folder that exists may be the only place that can be written.
#[cfg(unix)]
#[test]
fn an_empty_folder_is_filled_where_nothing_beside_it_can_be_made() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let target = sandbox.home().join("closed/b");
    std::fs::create_dir_all(&target).unwrap();
    let closed = |mode| std::fs::set_permissions(sandbox.home().join("closed"), std::fs::Permissions::from_mode(mode));
    closed(0o555).unwrap();
    let run = sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "-o", "closed/b"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    closed(0o755).unwrap();
    assert_eq!(sandbox.aicr(&["verify", "closed/b"]).code, 0);
    assert_eq!(std::fs::read_dir(sandbox.home().join("closed")).unwrap().count(), 1);
}

/// Every kind of signature over a whole bundle, through the program.
#[test]
fn a_signature_by_a_key_is_verified() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use rcgen::SigningKey;
    let sandbox = Sandbox::new();
    let bundle = bundled(&sandbox, &[]);
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    sandbox.file("cosign.pub", &pair.public_key_pem());
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    sandbox.file("other.pub", &other.public_key_pem());
    let verify = |flags: &[&str]| sandbox.aicr(&[&["verify", &*bundle], flags].concat());
    let ours = ["--key", "cosign.pub", "--insecure-ignore-tlog"];
    let run = verify(&ours);
    assert_eq!(run.code, 2, "{}", run.transcript);
    assert!(run.stdout.contains("below attested: it is not signed"), "{}", run.transcript);
    let list = std::fs::read(sandbox.home().join("b/checksums.txt")).unwrap();
    let signature = BASE64_STANDARD.encode(pair.sign(&list).expect("a signature"));
    let text =
        json!({"verificationMaterial": {"publicKey": {"hint": "k"}}, "messageSignature": {"signature": signature}});
    sandbox.file("b/attestation/bundle-attestation.sigstore.json", &text.to_string());
    let run = verify(&ours);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(run.stdout.contains("trust level: attested"), "{}", run.transcript);
    let own = env!("CARGO_PKG_VERSION");
    assert_eq!(verify(&[&ours[..], &["--cli-version-constraint", own]].concat()).code, 0);
    let newer = verify(&[&ours[..], &["--cli-version-constraint", ">99.0.0"]].concat());
    assert!(newer.code == 2 && newer.stdout.contains("not `>99.0.0`"), "{}", newer.transcript);
    assert_eq!(verify(&[&ours[..], &["--require-creator", "me"]].concat()).code, 2);
    assert_eq!(verify(&[&ours[..], &["--min-trust-level", "verified"]].concat()).code, 2);
    let unlogged = verify(&["--key", "cosign.pub"]);
    assert!(unlogged.code == 4 && unlogged.stdout.contains("has no entry in a log"), "{}", unlogged.transcript);
    let wrong = verify(&["--key", "other.pub", "--insecure-ignore-tlog"]);
    assert!(wrong.code == 4 && wrong.stdout.contains("not made with this key"), "{}", wrong.transcript);
    assert!(!wrong.stdout.contains("PASSED"), "{}", wrong.transcript);
    // Another list with right sums is not the one that was signed.
    sandbox.file("b/more", "x");
    let more = format!("{}  more\n", aicr::bundle::checksum::digest(b"x"));
    sandbox.file("b/checksums.txt", &(String::from_utf8(list.clone()).unwrap() + &more));
    let run = verify(&ours);
    assert!(run.code == 4 && run.stdout.contains("not made with this key"), "{}", run.transcript);
    std::fs::remove_file(sandbox.home().join("b/more")).unwrap();
    std::fs::write(sandbox.home().join("b/checksums.txt"), list).unwrap();
    let keyless = json!({"verificationMaterial": {"certificate": {"rawBytes": ""}}, "dsseEnvelope": {}});
    sandbox.file("b/attestation/bundle-attestation.sigstore.json", &keyless.to_string());
    let run = verify(&ours);
    assert!(run.code == 2 && run.stdout.contains("not available yet"), "{}", run.transcript);
    assert!(run.stdout.contains("trust level: unknown"), "{}", run.transcript);
}

#[test]
fn a_bundle_that_is_there_is_compared_with_the_plan() {
    let sandbox = Sandbox::new();
    bundled(&sandbox, &[]);
    let against = |flags: &[&str]| {
        let base = ["bundle", "--service", "kind", "--accelerator", "a100", "--plan", "--against", "b"];
        let run = sandbox.aicr(&[&base[..], flags].concat());
        assert_eq!(run.code, 0, "{}", run.transcript);
        run.stdout
    };
    assert_eq!(against(&[]), "no file would change\n");
    let changed = against(&["--set", "cert-manager:crds.enabled=false"]);
    assert!(
        changed.contains("changed 001-cert-manager/values.yaml\n  -   enabled: true\n  +   enabled: false\n"),
        "{changed}"
    );
    // In the dialect of what is there, unless another one is asked for.
    let flux = sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "-d", "flux", "-o", "f"]);
    assert_eq!(flux.code, 0, "{}", flux.transcript);
    let base = ["bundle", "--service", "kind", "--accelerator", "a100", "--plan", "--against", "f"];
    let same = sandbox.aicr(&base);
    assert_eq!(same.stdout, "no file would change\n", "{}", same.transcript);
    assert!(!same.stderr.contains("is compared with"), "{}", same.transcript);
    let asked = sandbox.aicr(&[&base[..], &["-d", "helm"]].concat());
    let words = "the bundle there is for flux, and is compared with one for helm";
    assert!(asked.stderr.contains(words) && asked.stdout.contains("new deploy.sh\n"), "{}", asked.transcript);
    let info = std::fs::read_to_string(sandbox.home().join("f/bundle-info.yaml")).expect("a file");
    sandbox.file("f/bundle-info.yaml", &info.replace("deployer: flux", "deployer: chef"));
    let unknown = sandbox.aicr(&base);
    assert!(unknown.code == 2 && unknown.stderr.contains("names no deployer"), "{}", unknown.transcript);
    let other = against(&["-d", "flux"]);
    assert!(other.contains("new kustomization.yaml\n") && other.contains("gone deploy.sh\n"), "{other}");
    sandbox.file("b/extra", "x");
    assert_eq!(against(&[]), "gone extra\n");
    std::fs::remove_file(sandbox.home().join("b/extra")).expect("a file");
    std::fs::write(sandbox.home().join("b/deploy.sh"), [0xff]).expect("a file");
    assert_eq!(against(&[]), "changed deploy.sh\n  it is a binary file\n");
    #[cfg(unix)]
    {
        std::fs::remove_file(sandbox.home().join("b/deploy.sh")).expect("a file");
        std::os::unix::fs::symlink("/dev/null", sandbox.home().join("b/deploy.sh")).expect("a link");
        assert_eq!(against(&[]), "changed deploy.sh\n  what is there is not a file, or cannot be read\n");
    }
}

#[test]
fn flags_reach_the_values_they_are_for() {
    let sandbox = Sandbox::new();
    bundled(
        &sandbox,
        &[
            "--system-node-selector=role=system",
            "--system-node-toleration=role=system:NoSchedule",
            "--storage-class=fast",
            "--set=gpuoperator:operator.nodeSelector.extra=yes",
            "--set-json=gpu-operator:dcgm={\"args\":[1]}",
            "--dynamic=gpu-operator:driver.version",
            "--workload-gate=gate:NoExecute",
            "--nodes=7",
        ],
    );
    let read = |path: &str| {
        let folder = std::fs::read_dir(sandbox.home().join("b")).unwrap().map(|entry| entry.unwrap().path());
        let (name, file) = path.split_once('/').expect("a folder");
        let folder = folder.into_iter().find(|folder| folder.to_string_lossy().ends_with(&format!("-{name}")));
        documents(&std::fs::read_to_string(folder.expect(name).join(file)).unwrap()).remove(0)
    };
    let operator = read("gpu-operator/values.yaml");
    assert_eq!(operator["operator"]["nodeSelector"], json!({"role": "system", "extra": "yes"}));
    let tolerated = json!([{"effect": "NoSchedule", "key": "role", "operator": "Equal", "value": "system"}]);
    assert_eq!(operator["operator"]["tolerations"], tolerated);
    assert_eq!(operator["dcgm"]["args"], json!([1]));
    assert_eq!(operator["driver"].get("version"), None);
    assert!(read("gpu-operator/cluster-values.yaml")["driver"]["version"].is_string());
    let tuning = read("nodewright-operator/values.yaml");
    assert_eq!(tuning["estimatedNodeCount"], json!(7));
    assert_eq!(tuning["controllerManager"]["manager"]["env"]["runtimeRequiredTaint"], "gate:NoExecute");
    let claim = "/prometheus/prometheusSpec/storageSpec/volumeClaimTemplate/spec/storageClassName";
    assert_eq!(read("kube-prometheus-stack/values.yaml").pointer(claim), Some(&json!("fast")));
}

/// One component with a chart, in the catalog of a person.
fn mini(sandbox: &Sandbox, validations: &str, component: &str) {
    let registry = format!(
        "apiVersion: aicr.run/v1beta1\nkind: ComponentRegistry\ncomponents:\n  - name: mini\n    displayName: mini\n    \
         helm: {{defaultNamespace: mini}}\n    validations: [{validations}]\n"
    );
    sandbox.file("d/registry.yaml", &registry);
    sandbox.file(
        "r.yaml",
        &format!(
            "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: v1}}\ncriteria: {{service: eks}}\ncomponentRefs:\n\
             - {{name: mini, namespace: mini, type: Helm, chart: c, source: 'https://r.test/x', version: 1.2.3{component}}}\n"
        ),
    );
}

#[test]
fn a_rule_that_must_hold_ends_the_bundle_or_is_named_where_it_is_not_known() {
    let sandbox = Sandbox::new();
    let bundle = || sandbox.aicr(&["--data", "d", "bundle", "-r", "r.yaml", "-o", "b", "--replace"]);
    let known = |severity: &str| {
        format!(
            "{{function: CheckWorkloadSelectorMissing, severity: {severity}, conditions: {{service: [eks]}}, message: must stop}}"
        )
    };
    mini(&sandbox, &known("error"), "");
    let run = bundle();
    let words = "`mini`: must stop (CheckWorkloadSelectorMissing of the registry)";
    assert!(run.code == 2 && run.stderr.contains(words), "{}", run.transcript);
    mini(&sandbox, &known("error").replace("eks", "gke"), "");
    assert_eq!(bundle().code, 0);
    mini(&sandbox, &known("warning"), "");
    let run = bundle();
    assert!(run.code == 0 && run.stderr.contains("warning: `mini`: must stop"), "{}", run.transcript);
    mini(&sandbox, &known("info"), "");
    let run = bundle();
    assert!(run.code == 0 && !run.stderr.contains("must stop"), "{}", run.transcript);
    // Nobody knows whether these hold.
    let rules =
        "{function: CheckA, severity: error}, {function: CheckB, severity: info}, {function: CheckC, severity: error}";
    mini(&sandbox, rules, "");
    let run = bundle();
    let words = "`mini`: rules of the registry that must hold were not checked, because only their names are known here: CheckA, CheckC";
    assert!(run.code == 0 && run.stderr.contains(words) && !run.stderr.contains("CheckB"), "{}", run.transcript);
    let readme = std::fs::read_to_string(sandbox.home().join("b/README.md")).unwrap();
    assert!(readme.contains(words) && !readme.contains("CheckB"), "{readme}");
}

/// The case that the rule is for: the network operator is left out when the bundle is made, and hosts are said to have MOFED.
#[test]
fn a_rule_is_judged_on_the_values_that_are_deployed() {
    let sandbox = Sandbox::new();
    let plan = |flags: &[&str]| {
        let base = ["bundle", "--service", "aks", "--accelerator", "h100", "--intent", "training", "--plan"];
        sandbox.aicr(&[&base[..], &["--set", "network-operator:enabled=false"], flags].concat())
    };
    let words = "driver.rdma.useHostMofed must stay false";
    let run = plan(&["--set", "gpu-operator:driver.rdma.useHostMofed=true"]);
    assert!(run.code == 0 && run.stderr.contains(words), "{}", run.transcript);
    let run = plan(&["--set", "gpu-operator:driver.rdma.useHostMofed=false"]);
    assert!(run.code == 0 && !run.stderr.contains(words), "{}", run.transcript);
}

#[test]
fn a_flag_that_no_component_has_a_use_for_is_named() {
    let sandbox = Sandbox::new();
    mini(&sandbox, "", "");
    let flags = [
        "--system-node-selector=a=b",
        "--system-node-toleration=a=b:NoSchedule",
        "--accelerated-node-selector=a=b",
        "--accelerated-node-toleration=a=b:NoSchedule",
        "--workload-gate=a=b:NoSchedule",
        "--workload-selector=a=b",
        "--storage-class=gp3",
        "--shared-storage-class=x",
        "--dra-eviction-node-label=x",
        "--nodes=5",
        "--readiness-hooks",
    ];
    for flag in flags {
        let run = sandbox.aicr(&["--data", "d", "bundle", "-r", "r.yaml", "--plan", flag]);
        let words = format!("warning: {} has no effect: ", flag.split('=').next().unwrap_or_default());
        assert!(run.code == 0 && run.stderr.contains(&words), "{}", run.transcript);
    }
    // A recipe that has a use for all of them.
    let (catalog, recipe) = kubeflow();
    let mut all = placed();
    let scheduling = &mut all.flags.scheduling;
    for nodes in [&mut scheduling.system, &mut scheduling.accelerated] {
        nodes.tolerations = vec![json!({"key": "a", "operator": "Exists"})];
    }
    scheduling.workload_gate = Some("a=b:NoSchedule".parse().expect("a taint"));
    scheduling.workload_selector = [("a".to_owned(), "b".to_owned())].into();
    scheduling.storage_class = Some("gp3".to_owned());
    scheduling.dra_eviction_node_label = Some("x".to_owned());
    scheduling.nodes = 5;
    all.readiness_hooks = true;
    let notes: Vec<String> =
        plan(&catalog, &recipe, all).expect("it plans").bundle.notes.iter().map(ToString::to_string).collect();
    assert!(notes.iter().all(|note| !note.contains("has no effect")), "{notes:?}");
}

#[test]
fn what_a_manifest_is_rendered_with_is_not_left_to_the_installation() {
    let sandbox = Sandbox::new();
    let words: Vec<&str> = KUBEFLOW.split(' ').collect();
    let bundle = |flags: &[&str]| {
        sandbox.aicr(
            &[&["bundle"][..], &words, &["-o", "b", "--replace", "--accelerated-node-selector", "pool=gpu"], flags]
                .concat(),
        )
    };
    for path in ["acceleratedNodeSelector", "acceleratedNodeSelector.pool"] {
        let run = bundle(&["--dynamic", &format!("kubeflow-trainer:{path}")]);
        let words = format!("`kubeflow-trainer: {path}` cannot be dynamic: `components/kubeflow-trainer/manifests/");
        assert!(run.code == 2 && run.stderr.contains(&words), "{}", run.transcript);
    }
    // What only the chart reads is, and not beside manifests that nothing changes any more.
    let run = bundle(&["--dynamic", "kubeflow-trainer:manager.config", "--set", "kubeflow-trainer:manager.config.x=1"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let read = |release: &str| {
        let folders = std::fs::read_dir(sandbox.home().join("b")).expect("a bundle").map(|entry| entry.unwrap().path());
        let folder = folders.into_iter().find(|path| path.to_string_lossy().ends_with(&format!("-{release}")));
        std::fs::read_to_string(folder.expect(release).join("cluster-values.yaml")).expect("a file")
    };
    assert!(read("kubeflow-trainer").ends_with("manager:\n  config:\n    x: 1\n"), "{}", read("kubeflow-trainer"));
    assert_eq!(read("kubeflow-trainer-post"), "# Generated by AICR\n---\n");
}

/// A key with null would take the chart's default away.
#[test]
fn a_dynamic_value_that_nobody_has_given_leaves_the_charts_default() {
    let sandbox = Sandbox::new();
    mini(&sandbox, "", ", overrides: {a: {known: 1, empty: null}}");
    for deployer in ["helm", "helmfile", "flux", "argocd-helm", "fleet", "terraform"] {
        let flags =
            ["--dynamic", "mini:a.known", "--dynamic", "mini:a.port", "--dynamic", "mini:a.empty", "-d", deployer];
        let run = sandbox.aicr(&[&["--data", "d", "bundle", "-r", "r.yaml", "-o", deployer][..], &flags].concat());
        assert_eq!(run.code, 0, "{}", run.transcript);
        for path in ["a.port", "a.empty"] {
            let words = format!("warning: `mini: {path}` is left to the installation and has no value");
            assert!(run.stderr.contains(&words), "{}", run.transcript);
        }
        assert!(!run.stderr.contains("a.known"), "{}", run.transcript);
        let files: Vec<(String, String)> = walk(&sandbox.home().join(deployer))
            .into_iter()
            .filter(|path| path.ends_with(".yaml") && !path.ends_with("recipe.yaml"))
            .map(|path| (path.clone(), std::fs::read_to_string(path).expect("a text")))
            .collect();
        assert!(files.iter().all(|(_, text)| !text.contains("null")), "{deployer}");
        assert!(files.iter().any(|(_, text)| text.contains("known: 1")), "{deployer}");
        for path in ["a.port", "a.empty"] {
            let line = format!("{path}: the chart's default, until a value is written here");
            assert!(files.iter().any(|(_, text)| text.contains(&line)), "{deployer} {path}");
        }
        assert_eq!(sandbox.aicr(&["verify", deployer]).code, 0);
    }
}

#[test]
fn a_login_of_a_source_or_repository_is_not_shown() {
    let sandbox = Sandbox::new();
    mini(&sandbox, "", "");
    let recipe = std::fs::read_to_string(sandbox.home().join("r.yaml")).unwrap();
    for (source, place) in
        [("https://bot:ghp_S@r.test/x", "https://…@r.test"), ("oci://ghp_S@r.test/x", "oci://…@r.test")]
    {
        sandbox.file("s.yaml", &recipe.replace("https://r.test/x", source));
        let run = sandbox.aicr(&["--data", "d", "bundle", "-r", "s.yaml", "-o", "b"]);
        let words =
            format!("the source of `mini` cannot be used: `{place}` has credentials, which the bundle would show");
        assert!(
            run.code == 2 && run.stderr.contains(&words) && !run.transcript.contains("ghp_S"),
            "{}",
            run.transcript
        );
    }
    for repo in [
        "https:// bot:ghp_S@r.test/a",
        "https://bot:ghp_S@r.test/a",
        "bot:ghp_S@r.test/a",
        "https://bot:ghp_S@r.test/a?x",
    ] {
        let run = sandbox.aicr(&["--data", "d", "bundle", "-r", "r.yaml", "-o", "b", "-d", "flux", "--repo", repo]);
        assert!(run.code == 2 && !run.stderr.contains("ghp_S"), "{}", run.transcript);
    }
}

#[test]
fn a_dot_in_a_key_is_shown_as_it_is_typed() {
    let sandbox = Sandbox::new();
    mini(&sandbox, "", ", overrides: {b: 1}");
    let plan =
        |flags: &[&str]| sandbox.aicr(&[&["--data", "d", "bundle", "-r", "r.yaml", "--plan"][..], flags].concat());
    let typed = "a\\.b.c\\\\d";
    let run = plan(&["--set", &format!("mini:{typed}=1")]);
    assert!(run.stdout.contains(&format!("  {typed}  ")), "{}", run.transcript);
    let run = plan(&["-t", "json", "--set", &format!("mini:{typed}=1")]);
    let value: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(value["added"]["mini"][0]["path"], typed);
    let run = plan(&["--set", "mini:b.x\\.y=1"]);
    assert!(
        run.code == 2 && run.stderr.contains("cannot set `b.x\\.y` in the values of `mini`: `b` is"),
        "{}",
        run.transcript
    );
    // Who hands out GPUs, also where a whole mapping says so.
    for (flag, text, is_said) in [
        ("--set", "gpu-operator:devicePlugin.enabled=false", true),
        ("--set-json", "gpu-operator:devicePlugin={\"enabled\":false}", true),
        ("--set-json", "gpu-operator:devicePlugin={\"x\":false}", false),
        ("--set", "gpu-operator:devicePlugin\\.enabled=false", false),
    ] {
        let run = sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "--plan", flag, text]);
        let said = run.stderr.contains("`gpu-operator: devicePlugin.enabled` decides who hands out GPUs");
        assert!(run.code == 0 && said == is_said, "{text}: {}", run.transcript);
    }
}

#[test]
fn modules_of_terraform_have_names_of_their_own() {
    let plan = planned(vec![component("1a"), component("r-1a")], "terraform").unwrap_or_else(|error| panic!("{error}"));
    let main = plan.files.iter().find(|file| file.path == "main.tf").expect("a file").shown().into_owned();
    let names: std::collections::BTreeSet<&str> = main.lines().filter(|line| line.starts_with("module ")).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["module \"r-1a\" {", "module \"r_1a\" {"]);
}

/// The folder that a shell stands in stays the same one.
#[test]
fn the_folder_that_one_stands_in_is_not_replaced() {
    let sandbox = Sandbox::new();
    mini(&sandbox, "", "");
    sandbox.file("b/deep/x", "");
    std::fs::remove_dir_all(sandbox.home().join("b")).unwrap();
    let base = ["--data", "../d", "bundle", "-r", "../r.yaml"];
    std::fs::create_dir(sandbox.home().join("b")).unwrap();
    let inside = |folder: &str, flags: &[&str]| {
        let mut run = sandbox.command(&[&base[..], flags].concat());
        let output = run.current_dir(sandbox.home().join(folder)).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = inside("b", &[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = inside("b", &["--replace"]);
    assert!(code == Some(2) && said.contains("the current folder is in it, and would be removed"), "{said}");
    let (code, said) = inside("b", &["--replace", "-o", "../b"]);
    assert!(code == Some(2) && said.contains("the current folder is in it, and would be removed"), "{said}");
    let (code, said) = inside("d", &["--replace", "-o", "../b"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);
}

/// A name that is shown like another one is still another one.
#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_name_is_not_text_is_extra() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    sandbox.file("u/x\u{FFFD}", "1");
    let sum = aicr::bundle::checksum::digest(b"1");
    sandbox.file("u/checksums.txt", &format!("{sum}  x\u{FFFD}\n"));
    let verified = sandbox.aicr(&["verify", "u"]);
    assert_eq!(verified.code, 0, "{}", verified.transcript);
    std::fs::write(sandbox.home().join("u").join(std::ffi::OsStr::from_bytes(b"x\xFF")), "1").unwrap();
    let verified = sandbox.aicr(&["verify", "u"]);
    assert!(verified.code == 4 && verified.stdout.contains("x\\xFF"), "{}", verified.transcript);
}

#[test]
fn a_plan_writes_nothing_and_says_why() {
    let sandbox = Sandbox::new();
    let plan = |format: &str| {
        let run =
            sandbox.aicr(&["bundle", "--service", "kind", "--accelerator", "a100", "-o", "b", "--plan", "-t", format]);
        assert_eq!(run.code, 0, "{}", run.transcript);
        run.stdout
    };
    let table = plan("table");
    for words in ["LEVEL", "gpu-operator", "no tolerations were asked for", "checksums.txt", "deploy.sh"] {
        assert!(table.contains(words), "{words}\n{table}");
    }
    let value: Value = serde_json::from_str(&plan("json")).expect("JSON");
    assert_eq!(value["entrypoint"], "deploy.sh");
    assert!(value["releases"].as_array().is_some_and(|releases| releases.len() > 10));
    assert!(!sandbox.home().join("b").exists());
}

/// The scripts are what a shell takes and a linter accepts.
#[cfg(unix)]
#[test]
fn scripts_are_clean() {
    let sandbox = Sandbox::new();
    let run = sandbox.aicr(&[
        "bundle",
        "--service",
        "eks",
        "--accelerator",
        "h100",
        "--os",
        "ubuntu",
        "--intent",
        "training",
        "--platform",
        "kubeflow",
        "-o",
        "b",
    ]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let files = Path::new("b");
    let scripts: Vec<_> = walk(&sandbox.home().join(files)).into_iter().filter(|path| path.ends_with(".sh")).collect();
    assert!(scripts.len() > 16);
    for script in &scripts {
        let checked = std::process::Command::new("sh").arg("-n").arg(script).output().unwrap();
        assert!(checked.status.success(), "{script}: {}", String::from_utf8_lossy(&checked.stderr));
        let text = std::fs::read_to_string(script).unwrap();
        assert!(!text.contains("eval ") && !text.contains("curl "), "{script}");
        let left = text.match_indices('@').map(|(at, _)| text[at..].chars().take(12).collect::<String>());
        let is_mark = |part: &String| part[1..].chars().next().is_some_and(|c| c.is_ascii_uppercase());
        assert_eq!(left.filter(is_mark).collect::<Vec<_>>(), [""; 0], "{script}");
    }
    // Where a linter is installed it has nothing to say.
    if let Ok(linted) = std::process::Command::new("shellcheck").args(["-s", "sh"]).args(&scripts).output() {
        assert!(linted.status.success(), "{}", String::from_utf8_lossy(&linted.stdout));
    }
    let help = std::process::Command::new("sh").arg(sandbox.home().join("b/deploy.sh")).arg("--help").output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).starts_with("usage: ./deploy.sh"));
    let wrong =
        std::process::Command::new("sh").arg(sandbox.home().join("b/deploy.sh")).arg("--nope").output().unwrap();
    assert_eq!(wrong.status.code(), Some(1));
}

#[cfg(unix)]
fn walk(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    files
}

/// The digests of the catalog's placeholders are those of the files that they stand for.
#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn the_crds_that_the_catalog_only_names_are_given_by_flag() {
    let sandbox = Sandbox::new();
    let folder = conformance::shared("reference-catalog/components/agentgateway-crds/manifests");
    let file = |name: &str| format!("{name}={}", folder.join(name).display());
    let (gateway, extension) = (file("gateway-api-crds.yaml"), file("inference-extension-crds.yaml"));
    let bundle = |flags: &[&str]| {
        let base =
            ["bundle", "--service", "kind", "--accelerator", "h100", "--intent", "inference", "--replace", "-o", "b"];
        sandbox.aicr(&[&base[..], flags].concat())
    };
    let without = bundle(&[]);
    assert!(without.stderr.contains("--fetch-manifests gets them from https://github.com/"), "{}", without.transcript);
    let run = bundle(&["--manifest", &gateway, "--manifest", &extension]);
    assert!(run.code == 0 && !run.stderr.contains("lacks the objects"), "{}", run.transcript);
    let read = |name: &str| {
        let folders = std::fs::read_dir(sandbox.home().join("b")).expect("a bundle").map(|entry| entry.unwrap().path());
        let folder = folders.into_iter().find(|path| path.ends_with("002-agentgateway-crds-post")).expect("a folder");
        documents(&std::fs::read_to_string(folder.join("templates").join(name)).expect("a template"))
    };
    assert_eq!((read("gateway-api-crds.yaml").len(), read("inference-extension-crds.yaml").len()), (5, 5));
    // One of the two in the place of the other.
    let swapped = format!("gateway-api-crds.yaml={}", folder.join("inference-extension-crds.yaml").display());
    let run = bundle(&["--manifest", &swapped]);
    assert!(run.code != 0 && run.stderr.contains("and the catalog expects 307322af"), "{}", run.transcript);
}
