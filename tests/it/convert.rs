//! Documents between editions of the formats: nothing but the header changes, there and back.

use crate::{
    conformance::shared,
    sandbox::{Run, Sandbox, golden},
};
use aicr::{
    document::{
        convert::convert,
        header::{self, Accepted, Edition, Version},
    },
    ops::{self, connect::Target, demo::DemoOptions, place::Place, session::Session},
    store::tree,
};
use std::{fs, path::Path};

/// The text in an edition, for documents that are ours.
fn in_edition(text: &str, edition: Edition) -> Option<String> {
    convert(text, edition).ok().map(|conversion| conversion.text)
}

/// Every document of a folder, there and back: how many came back byte by byte, and what did not.
fn round_trips(folder: &Path) -> (usize, Vec<String>) {
    let (mut same, mut different) = (0, Vec::new());
    for file in tree::list(folder).expect("a folder").files {
        let Ok(text) = fs::read_to_string(folder.join(&file)) else { continue };
        let Ok(v1) = convert(&text, Edition::V1) else { continue };
        let own = v1.documents.iter().all(|document| document.is_same());
        // A profile, typed settings and upgrade records have no form there.
        let is_new = v1.documents.iter().any(|one| one.to.ends_with("v1beta2") || one.kind == "ComponentUpgrades");
        let old = in_edition(&v1.text, Edition::V1Alpha2);
        let back = match (is_new, &old) {
            (true, None) => in_edition(&v1.text, Edition::V1),
            (false, Some(old)) => in_edition(old, if own { Edition::V1 } else { Edition::V1Alpha2 }),
            _ => None,
        };
        if back.as_deref() == Some(text.as_str()) {
            same += 1;
        } else {
            different.push(file.display().to_string());
        }
    }
    (same, different)
}

#[test]
fn our_catalog_goes_there_and_back() {
    let (same, different) = round_trips(Path::new("catalog"));
    assert_eq!(different, [""; 0]);
    assert!(same > 100, "{same}");
}

#[test]
#[cfg_attr(not(reference_data), ignore = "needs the reference's data: AICR_SHARED, or ../shared when this was built")]
fn the_reference_s_files_go_there_and_back() {
    let folders = [
        "conformance/snapshots",
        "cases/27-files-of-the-references-1.0",
        "cases/28-published-example-recipes",
        "reference-catalog",
        "reference-catalog-v1",
    ];
    for folder in folders {
        let (same, different) = round_trips(&shared(folder));
        assert_eq!(different, [""; 0], "{folder}");
        assert!(same > 1, "{folder}: {same}");
        println!("{folder}: {same} documents there and back, byte by byte");
    }
    for (cases, key) in [("recipe-cases", "recipe"), ("snapshot-cases", "recipe"), ("snapshot-cases", "snapshot")] {
        let mut there_and_back = 0;
        for case in crate::conformance::cases(cases) {
            let text = case[key].as_str().map_or_else(|| case[key].to_string(), str::to_owned);
            if case[key].is_null() {
                continue;
            }
            let v1 = in_edition(&text, Edition::V1).expect("a document of the reference");
            // Early snapshots have another header, and get July's.
            let back = in_edition(&v1, Edition::V1Alpha2).expect("a document without extensions");
            assert_eq!(back, in_edition(&text, Edition::V1Alpha2).expect("July's own"), "{cases}");
            assert_eq!(in_edition(&back, Edition::V1), Some(v1), "{cases}");
            there_and_back += 1;
        }
        assert!(there_and_back > 50, "{cases}: {there_and_back}");
        println!("{cases}: {there_and_back} of kind {key} there and back");
    }
}

const SNAPSHOT: &str =
    "# taken by hand\nkind: Snapshot\napiVersion: aicr.run/v1alpha2\nmeasurements: []\nlater: {a: 1}\n";
const RECIPE: &str = "kind: RecipeResult\napiVersion: aicr.run/v1beta2\nmetadata: {selectedProfile: {name: p, value: v}}\n\
                      criteria: {}\ncomponentRefs: []\ndeploymentOrder: []\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("snapshot.yaml", SNAPSHOT);
    sandbox.file("recipe.yaml", RECIPE);
    sandbox.file("mine/overlays/a.yaml", "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {name: a}\n");
    sandbox.file("mine/components/a/manifests/t.yaml", "a: {{ .Values.x }}\n");
    sandbox.file("mine/README.md", "mine\n");
    sandbox
}

#[track_caller]
fn check(sandbox: &Sandbox, name: &str, arguments: &[&str], code: i32) -> Run {
    let run = sandbox.aicr(arguments);
    assert_eq!(run.code, code, "{}", run.transcript);
    golden(name, &run.transcript);
    run
}

#[test]
fn one_document_goes_to_standard_output() {
    let sandbox = sandbox();
    let run = check(&sandbox, "convert_one", &["convert", "snapshot.yaml"], 0);
    assert_eq!(run.stdout, SNAPSHOT.replace("v1alpha2", "v1"));
    check(&sandbox, "convert_several", &["convert", "snapshot.yaml", "mine"], 2);
}

#[test]
fn a_folder_is_written_whole() {
    let sandbox = sandbox();
    check(&sandbox, "convert_folder", &["convert", "mine", "snapshot.yaml", "-o", "new"], 0);
    let read = |name: &str| fs::read_to_string(sandbox.home().join("new").join(name)).unwrap();
    assert!(read("overlays/a.yaml").contains("aicr.run/v1beta1\n"));
    assert_eq!(
        (read("README.md").as_str(), read("components/a/manifests/t.yaml").as_str()),
        ("mine\n", "a: {{ .Values.x }}\n")
    );
    assert_eq!(read("snapshot.yaml"), SNAPSHOT.replace("v1alpha2", "v1"));
}

#[test]
fn what_has_no_older_form_is_refused_and_nothing_is_written() {
    let sandbox = sandbox();
    let old = ["convert", "snapshot.yaml", "recipe.yaml", "-o", "old", "--api-version", "v1alpha2"];
    check(&sandbox, "convert_no_form", &old, 2);
    assert!(!sandbox.home().join("old").exists());
}

#[test]
fn a_file_is_replaced_only_when_that_is_asked_for() {
    let sandbox = sandbox();
    check(&sandbox, "convert_onto_itself", &["convert", "snapshot.yaml", "-o", "."], 2);
    assert_eq!(fs::read_to_string(sandbox.home().join("snapshot.yaml")).unwrap(), SNAPSHOT);
    check(&sandbox, "convert_in_place", &["convert", "snapshot.yaml", "recipe.yaml", "--in-place"], 0);
    assert_eq!(fs::read_to_string(sandbox.home().join("snapshot.yaml")).unwrap(), SNAPSHOT.replace("v1alpha2", "v1"));
    assert_eq!(fs::read_to_string(sandbox.home().join("recipe.yaml")).unwrap(), RECIPE);
}

#[tokio::test]
async fn a_config_map_is_converted_where_it_is() {
    let session = Session::new(Target::Demo(DemoOptions::default()));
    let place = Place::parse("cm://default/seen").unwrap();
    let document = ops::place::Document {
        kind: "Snapshot",
        format: ops::place::Format::Yaml,
        text: SNAPSHOT,
        now: "2026-01-01T00:00:00Z",
    };
    ops::place::write(&place, &document, &session).await.unwrap();
    let work = ops::convert::prepare(std::slice::from_ref(&place), Edition::V1, &session).await.unwrap();
    assert_eq!(work.write_in_place("2026-01-02T00:00:00Z", &session).await.unwrap(), 1);
    let text = ops::place::read(&place, "snapshot", &session).await.unwrap();
    assert_eq!(text, SNAPSHOT.replace("v1alpha2", "v1"));
    let again = ops::convert::prepare(&[place], Edition::V1, &session).await.unwrap();
    assert_eq!(again.write_in_place("2026-01-03T00:00:00Z", &session).await.unwrap(), 0, "it is of that version");
}

/// Two sides of different editions are compared as if there were one.
#[test]
fn comparisons_do_not_see_the_version() {
    let sandbox = Sandbox::new();
    for (name, version) in [("old.yaml", "v1alpha2"), ("new.yaml", "v1")] {
        let recipe = ["recipe", "--service", "kind", "--accelerator", "a100", "-o", name, "--api-version", version];
        assert_eq!(sandbox.aicr(&recipe).code, 0);
        let text = fs::read_to_string(sandbox.home().join(name)).unwrap();
        assert!(text.contains(&format!("apiVersion: aicr.run/{version}\n")), "{text}");
        let snapshot = format!("snapshot-{name}");
        assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", &snapshot, "--api-version", version]).code, 0);
        let text = fs::read_to_string(sandbox.home().join(&snapshot)).unwrap();
        assert!(text.contains(&format!("apiVersion: aicr.run/{version}\n")), "{text}");
    }
    let older = fs::read_to_string(sandbox.home().join("snapshot-old.yaml")).unwrap();
    sandbox.file("oldest.yaml", &older.replace("aicr.run/v1alpha2", "aicr.nvidia.com/v1alpha1"));
    let same = |left: &str, right: &str| {
        let run = sandbox.aicr(&["diff", "--baseline", left, "--target", right, "--fail-on-drift"]);
        assert_eq!(run.code, 0, "{}", run.transcript);
    };
    same("old.yaml", "new.yaml");
    same("oldest.yaml", "snapshot-old.yaml");
    // Two snapshots of one cluster at two times: what changes by itself is not drift.
    same("snapshot-old.yaml", "snapshot-new.yaml");
}

/// A recipe of one edition is validated as that of the other.
#[test]
fn every_edition_of_a_recipe_is_judged_alike() {
    let sandbox = Sandbox::new();
    let recipe = ["recipe", "--service", "kind", "--accelerator", "a100", "-o", "v1.yaml"];
    assert_eq!(sandbox.aicr(&recipe).code, 0);
    assert_eq!(sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]).code, 0);
    assert_eq!(
        sandbox.aicr(&["convert", "v1.yaml", "snapshot.yaml", "-o", "old", "--api-version", "v1alpha2"]).code,
        0
    );
    let judged = |recipe: &str, snapshot: &str| {
        let run = sandbox.aicr(&["validate", "-r", recipe, "-s", snapshot, "--no-cluster", "-t", "text"]);
        let lines = run.stdout.lines().filter(|line| line.contains("readiness")).map(str::to_owned);
        (run.code, lines.collect::<Vec<_>>())
    };
    let new = judged("v1.yaml", "snapshot.yaml");
    assert_eq!((new.0, new.1.is_empty()), (0, false));
    assert_eq!(judged("old/v1.yaml", "old/snapshot.yaml"), new);
}

const TABLE_HEAD: &str = "\
# Versions of the formats

Which documents this program reads and writes, by kind and version, and what `aicr convert` makes of each. Written by
`cargo test --test it convert::the_table` from what the program does; `INSTA_UPDATE=always` writes it again.

- read: every verb that takes the kind takes this version.
- v1, v1alpha2: the version that is written for `--api-version v1` (the default) and `--api-version v1alpha2`.
- there and back: converted to v1 and back to where it came from, the same byte by byte.

A version with extensions (a profile, typed settings) has no form in v1alpha2. Versions before v1alpha2 are not written, so
they come back as v1alpha2. Round trips of whole files are in `tests/it/convert.rs`: our catalog, and, where the reference's
data is at hand, its catalogs, recipes and snapshots.

Whether the reference's release of July 2026 reads what is written for v1alpha2 was not run: its Go module is not served by the
public module proxy, so there was no binary to run. Its own files of that version come back byte by byte.

| kind | version | read | v1 | v1alpha2 | there and back |
| --- | --- | --- | --- | --- | --- |
";

/// The smallest document of a kind and version.
fn smallest(accepted: &Accepted, version: &Version) -> String {
    let head = format!("kind: {}\napiVersion: {}\n", accepted.kind, version.name);
    match accepted.extensions.first().filter(|_| version.extended) {
        Some(path) => {
            let nested = path.iter().rev().fold("{name: a}".to_owned(), |inner, key| format!("{{{key}: {inner}}}"));
            let (key, rest) = nested[1..nested.len() - 1].split_once(": ").expect("a mapping");
            format!("{head}{key}: {rest}\n")
        }
        None => format!("{head}metadata: {{name: a}}\n"),
    }
}

#[test]
fn the_table_of_kinds_and_versions_is_what_the_program_does() {
    let mut table = TABLE_HEAD.to_owned();
    for accepted in &header::ALL {
        for version in accepted.versions {
            let text = smallest(accepted, version);
            let read = aicr::yaml::parse(&text).is_ok_and(|node| accepted.check(&node).is_ok());
            let form = |edition: Edition| match convert(&text, edition) {
                Ok(conversion) => conversion.documents[0].to.to_owned(),
                Err(_) => "no form".to_owned(),
            };
            let origin = if version.edition == Edition::V1Alpha1 { Edition::V1Alpha2 } else { version.edition };
            let back = in_edition(&text, Edition::V1).and_then(|v1| in_edition(&v1, origin));
            let back = match back {
                Some(back) if back == text => "the same".to_owned(),
                Some(back) => {
                    let node = aicr::yaml::parse(&back).expect("YAML");
                    format!("as {}", node.get("apiVersion").and_then(|it| it.text()).expect("a version"))
                }
                None => "no form".to_owned(),
            };
            let (v1, old) = (form(Edition::V1), form(Edition::V1Alpha2));
            let (kind, name, read) = (accepted.kind, version.name, if read { "yes" } else { "no" });
            table += &format!("| {kind} | {name} | {read} | {v1} | {old} | {back} |\n");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|word| word == "always") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &table).expect("a file");
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), table, "docs/formats.md");
}
