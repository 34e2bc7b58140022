//! Bundles and charts over the network: what is pushed is read back and verified, and charts are put into a bundle, against a
//! registry and a repository on loopback.

use crate::{
    bundle::documents,
    sandbox::{self, Answer, Sandbox},
};
use aicr::bundle::{checksum, deployer, tar};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};

/// Whatever is served, by path.
pub type Kept = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A registry without a login that is a repository of charts too.
fn server() -> (String, Kept) {
    let kept = Kept::default();
    let shared = Arc::clone(&kept);
    let address = sandbox::service(move |_, request| serve(&request.method, &request.path, request.body, &shared));
    (address.to_string(), kept)
}

pub fn serve(method: &str, path: &str, body: Vec<u8>, kept: &Kept) -> Answer {
    let mut kept = kept.lock().expect("no panic");
    match (method, path.split_once("?digest=sha256%3A")) {
        ("HEAD", _) => (if kept.contains_key(path) { 200 } else { 404 }, String::new(), Vec::new()),
        ("POST", _) => (202, format!("location: {}\r\n", path.trim_end_matches("uploads/")), Vec::new()),
        ("PUT", Some((place, digest))) if checksum::digest(&body) == digest => {
            kept.insert(format!("{place}sha256:{digest}"), body);
            (201, String::new(), Vec::new())
        }
        ("PUT", None) => {
            let digest = format!("sha256:{}", checksum::digest(&body));
            let above = path.rsplit_once('/').expect("a tag").0;
            kept.insert(format!("{above}/{digest}"), body.clone());
            kept.insert(path.to_owned(), body);
            (201, String::new(), Vec::new())
        }
        ("GET", _) => match kept.get(path) {
            Some(bytes) => (200, String::new(), bytes.clone()),
            None => (404, String::new(), Vec::new()),
        },
        _ => (400, String::new(), Vec::new()),
    }
}

const KIND: [&str; 5] = ["bundle", "--service", "kind", "--accelerator", "a100"];

#[test]
fn a_bundle_that_is_pushed_is_verified_where_it_arrived() {
    let (address, kept) = server();
    let sandbox = Sandbox::new();
    let place = format!("oci://{address}/team/bundle:1.0.0");
    let push = |flags: &[&str]| sandbox.aicr(&[&KIND[..], &["-o", &place], flags].concat());
    let run = push(&["--image-refs", "refs"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let refs = std::fs::read_to_string(sandbox.home().join("refs")).expect("the references");
    assert_eq!(run.stdout, format!("oci://{refs}"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(sandbox.home().join("refs")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(push(&[]).stdout, run.stdout, "the same input has the same digest");
    for place in [&*place, run.stdout.trim()] {
        let verified = sandbox.aicr(&["verify", place]);
        assert_eq!(verified.code, 0, "{}", verified.transcript);
        assert!(verified.stdout.contains("trust level: unverified"), "{}", verified.transcript);
    }
    // What cannot be written is found out before anything is pushed.
    let before = kept.lock().expect("no panic").len();
    let other = format!("oci://{address}/team/refs:1.0.0");
    let refused = sandbox.aicr(&[&KIND[..], &["-o", &other, "--image-refs", "none/refs"]].concat());
    assert!(refused.code == 2 && refused.stderr.contains("none/refs"), "{}", refused.transcript);
    assert_eq!(kept.lock().expect("no panic").len(), before);
    let missing = sandbox.aicr(&["verify", &format!("oci://{address}/team/other:1")]);
    assert_eq!(missing.code, 3, "{}", missing.transcript);

    // Bytes that are not those of the digest.
    let digest = run.stdout.trim().rsplit_once('@').expect("a digest").1.to_owned();
    let manifest: Value = {
        let kept = kept.lock().expect("no panic");
        serde_json::from_slice(&kept[&format!("/v2/team/bundle/manifests/{digest}")]).expect("a manifest")
    };
    assert_eq!(manifest["artifactType"], "application/vnd.nvidia.aicr.artifact");
    let layer = format!("/v2/team/bundle/blobs/{}", manifest["layers"][0]["digest"].as_str().expect("a digest"));
    let good = kept.lock().expect("no panic")[&layer].clone();
    kept.lock().expect("no panic").insert(layer.clone(), [&good[..], b"x"].concat());
    let changed = sandbox.aicr(&["verify", &place]);
    assert!(changed.code == 4 && changed.stderr.contains("has the digest"), "{}", changed.transcript);

    // Another archive under the same tag, whole in itself.
    let entries = tar::read_gzipped(&good).expect("an archive");
    let mut archive = tar::Archive::default();
    for (path, kind) in &entries {
        let tar::Kind::File(bytes) = kind else { panic!("{path}") };
        archive.file(path, 0o644, if path == "deploy.sh" { b"id" } else { bytes });
    }
    archive.file("000-evil/install.sh", 0o755, b"id");
    let bad = tar::gzip(&archive.finish());
    let mut manifest = manifest;
    let sum = format!("sha256:{}", checksum::digest(&bad));
    manifest["layers"][0]["digest"] = sum.as_str().into();
    kept.lock().expect("no panic").extend([
        (format!("/v2/team/bundle/blobs/{sum}"), bad),
        ("/v2/team/bundle/manifests/1.0.0".to_owned(), manifest.to_string().into_bytes()),
    ]);
    let tampered = sandbox.aicr(&["verify", &place]);
    assert_eq!(tampered.code, 4, "{}", tampered.transcript);
    for words in ["changed: `deploy.sh`", "extra: the file `000-evil/install.sh`"] {
        assert!(tampered.stdout.contains(words), "{}", tampered.transcript);
    }
    let pinned = sandbox.aicr(&["verify", run.stdout.trim()]);
    assert!(pinned.code == 4 && pinned.stderr.contains("has the digest"), "{}", pinned.transcript);
}

/// What a registry has under a tag is changed: the layers that are there, and those that are to be.
fn tamper(kept: &Kept, (repository, tag): (&str, &str), change: impl Fn(&[Vec<u8>]) -> Vec<Vec<u8>>) {
    let mut kept = kept.lock().expect("no panic");
    let place = format!("/v2/{repository}/manifests/{tag}");
    let mut manifest: Value = serde_json::from_slice(&kept[&place]).expect("a manifest");
    let at = |digest: &str| format!("/v2/{repository}/blobs/{digest}");
    let layers = manifest["layers"].as_array().expect("layers").clone();
    let before: Vec<Vec<u8>> =
        layers.iter().map(|layer| kept[&at(layer["digest"].as_str().expect("a digest"))].clone()).collect();
    let described = change(&before).into_iter().map(|bytes| {
        let mut layer = layers[0].clone();
        let digest = format!("sha256:{}", checksum::digest(&bytes));
        layer["size"] = bytes.len().into();
        layer["digest"] = digest.as_str().into();
        kept.insert(at(&digest), bytes);
        layer
    });
    manifest["layers"] = described.collect();
    kept.insert(place, manifest.to_string().into_bytes());
}

#[test]
fn an_artifact_is_judged_by_everything_that_whoever_pulls_it_gets() {
    let (address, kept) = server();
    let sandbox = Sandbox::new();
    let push = |repository: &str, deployer: &str| {
        let place = format!("oci://{address}/{repository}:1.0.0");
        let run = sandbox.aicr(&[&KIND[..], &["-d", deployer, "-o", &place]].concat());
        assert_eq!(run.code, 0, "{}", run.transcript);
        let verified = sandbox.aicr(&["verify", &place]);
        assert_eq!(verified.code, 0, "{}", verified.transcript);
        place
    };
    // Helm takes the first folder of a name away, so each of these is a file of the chart for it.
    let place = push("team/aicr-bundle", "argocd-helm");
    let repacked = |before: &[Vec<u8>], added: &[(&str, &[u8])]| {
        let mut archive = tar::Archive::default();
        added.iter().for_each(|(path, bytes)| archive.file(path, 0o644, bytes));
        for (path, kind) in tar::read_gzipped(&before[0]).expect("an archive") {
            let tar::Kind::File(bytes) = kind else { panic!("{path}") };
            archive.file(&path, 0o644, &bytes);
        }
        vec![tar::gzip(&archive.finish())]
    };
    let good = kept.lock().expect("no panic").clone();
    let listed = {
        let run = sandbox.aicr(&[&KIND[..], &["-d", "argocd-helm", "--plan", "-t", "json", "-o", &place]].concat());
        let plan: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let paths = plan["files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str());
        paths.map(str::to_owned).find(|path| path.contains('/')).expect("a file in a folder")
    };
    let hidden: [&[(&str, &[u8])]; 4] = [
        &[(&listed, b"evil")],
        &[("values.yaml", b"repoURL: oci://evil.example.com")],
        &[("./aicr-bundle/values.yaml", b"repoURL: oci://evil.example.com")],
        &[("aicr-bundle", b"a file")],
    ];
    for added in hidden {
        tamper(&kept, ("team/aicr-bundle", "1.0.0"), |before| repacked(before, added));
        let run = sandbox.aicr(&["verify", &place]);
        let path = format!("extra: the file `../{}` is not listed", added[0].0);
        assert!(run.code == 4 && run.stdout.contains(&path), "{path}: {}", run.transcript);
        kept.lock().expect("no panic").clone_from(&good);
    }

    // Whoever pulls it gets every layer.
    let place = push("team/bundle", "argocd");
    let mut archive = tar::Archive::default();
    archive.file("000-evil/application.yaml", 0o644, b"kind: Application\n");
    let evil = tar::gzip(&archive.finish());
    for is_first in [false, true] {
        let good = kept.lock().expect("no panic").clone();
        tamper(&kept, ("team/bundle", "1.0.0"), |before| match is_first {
            true => vec![evil.clone(), before[0].clone()],
            false => vec![before[0].clone(), evil.clone()],
        });
        let run = sandbox.aicr(&["verify", &place]);
        assert!(run.code == 2 && run.stderr.contains("it has 2 layers"), "{}", run.transcript);
        kept.lock().expect("no panic").clone_from(&good);
    }
    assert_eq!(sandbox.aicr(&["verify", &place]).code, 0);
}

#[test]
fn a_bundle_with_names_of_any_length_arrives_as_it_was_pushed() {
    let (address, kept) = server();
    let sandbox = Sandbox::new();
    let long = format!("{}.yaml", "x".repeat(150));
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    sandbox.file(&format!("more/components/first/manifests/{long}"), object);
    let recipe = format!(
        "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: 1.0.0}}\ncriteria: null\ncomponentRefs:\n\
         - {{name: first, namespace: a, type: Helm, manifestFiles: [components/first/manifests/{long}]}}\n\
         deploymentOrder: [first]\n"
    );
    sandbox.file("recipe.yaml", &recipe);
    let place = format!("oci://{address}/team/long:1.0.0");
    let run = sandbox.aicr(&["--data", "more", "bundle", "-r", "recipe.yaml", "-o", &place]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let verified = sandbox.aicr(&["verify", &place]);
    assert_eq!(verified.code, 0, "{}", verified.transcript);
    let kept = kept.lock().expect("no panic");
    let packed =
        kept.iter().filter(|(path, _)| path.contains("/blobs/")).find_map(|(_, bytes)| tar::read_gzipped(bytes).ok());
    assert!(packed.expect("an archive").keys().any(|path| path.ends_with(&long)));
}

/// A path of the catalog is as long as whoever wrote it likes.
#[test]
fn a_bundle_with_long_names_arrives_whole() {
    let (address, kept) = server();
    let sandbox = Sandbox::new();
    let place = format!("oci://{address}/team/long:1.0.0");
    let file = format!("components/mini/manifests/{}.yaml", "x".repeat(180));
    sandbox.file("d/registry.yaml", "apiVersion: aicr.run/v1beta1\nkind: ComponentRegistry\ncomponents:\n  - {name: mini, displayName: mini, helm: {defaultNamespace: mini}}\n");
    sandbox.file(&format!("d/{file}"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    let recipe = format!(
        "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: v1}}\ncriteria: null\ncomponentRefs:\n\
         - {{name: mini, namespace: mini, type: Helm, manifestFiles: [{file}]}}\n"
    );
    sandbox.file("r.yaml", &recipe);
    for deployer in ["helm", "flux", "argocd-helm"] {
        let run = sandbox.aicr(&["--data", "d", "bundle", "-r", "r.yaml", "-d", deployer, "-o", &place]);
        assert_eq!(run.code, 0, "{}", run.transcript);
        let verified = sandbox.aicr(&["verify", &place]);
        assert_eq!(verified.code, 0, "{}", verified.transcript);
    }
    drop(kept);
}

#[test]
fn dialects_name_the_registry_that_they_are_pushed_to() {
    let (address, kept) = server();
    let sandbox = Sandbox::new();
    let place = format!("oci://{address}/team/bundle:v2.0.0");
    // One with manifests of its own, for which Flux needs charts out of the bundle.
    let kubeflow = "bundle --service eks --accelerator h100 --os ubuntu --intent training --platform kubeflow";
    let plan = |deployer: &str| {
        let words: Vec<&str> = kubeflow.split(' ').collect();
        let run = sandbox.aicr(&[&words[..], &["-d", deployer, "-o", &place, "--plan", "-t", "json"]].concat());
        assert_eq!(run.code, 0, "{}", run.transcript);
        serde_json::from_str::<Value>(&run.stdout).expect("JSON")
    };
    let flux = plan("flux");
    let paths: Vec<&str> =
        flux["files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str()).collect();
    assert!(paths.iter().any(|path| path.ends_with("/artifactgenerator.yaml")), "{paths:?}");
    assert!(!paths.iter().any(|path| path.starts_with("sources/gitrepo-")), "{paths:?}");
    for deployer in deployer::ALL {
        let run = sandbox.aicr(&[&KIND[..], &["-d", deployer.name(), "-o", &place]].concat());
        assert_eq!(run.code, 0, "{}", run.transcript);
        // Fleet reads Git only, wherever the bundle is pushed.
        assert_eq!(run.stderr.contains("placeholder"), deployer.name() == "fleet", "{}", run.transcript);
        let verified = sandbox.aicr(&["verify", &place]);
        assert_eq!(verified.code, 0, "{}: {}", deployer.name(), verified.transcript);
        let manifest = kept.lock().expect("no panic")["/v2/team/bundle/manifests/v2.0.0"].clone();
        let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
        let digest = manifest["layers"][0]["digest"].as_str().expect("a digest");
        let packed = kept.lock().expect("no panic")[&format!("/v2/team/bundle/blobs/{digest}")].clone();
        let entries = tar::read_gzipped(&packed).expect("an archive");
        let read = |path: &str| match &entries[path] {
            tar::Kind::File(bytes) => documents(&String::from_utf8_lossy(bytes)).remove(0),
            other => panic!("{path}: {other:?}"),
        };
        match deployer.name() {
            "fleet" => {
                let settings = &read("bundle-info.yaml")["build"]["settings"];
                assert_eq!(settings["targetRevision"], "main");
            }
            "argocd" => {
                // An artifact cannot be a source of values, so they are in the application.
                for path in entries.keys().filter(|path| path.ends_with("/application.yaml")) {
                    let (spec, folder) = (read(path)["spec"].take(), path.trim_end_matches("application.yaml"));
                    assert_eq!(spec["sources"], Value::Null, "{path}");
                    if spec["source"]["path"] == folder.trim_end_matches('/') {
                        continue;
                    }
                    let values = match &entries[&format!("{folder}values.yaml")] {
                        tar::Kind::File(bytes) => documents(&String::from_utf8_lossy(bytes)).pop(),
                        other => panic!("{folder}: {other:?}"),
                    };
                    let values = values.filter(|values| !values.is_null()).unwrap_or(json!({}));
                    assert_eq!(spec["source"]["helm"]["valuesObject"], values, "{path}");
                }
                let source = &read("app-of-apps.yaml")["spec"]["source"];
                assert_eq!(source["repoURL"], format!("oci://{address}/team/bundle"));
                assert_eq!(source["targetRevision"], "v2.0.0");
            }
            "argocd-helm" => {
                assert_eq!(manifest["config"]["mediaType"], "application/vnd.cncf.helm.config.v1+json");
                let (chart, values) = (read("bundle/Chart.yaml"), read("bundle/values.yaml"));
                assert_eq!(chart["version"], "2.0.0");
                // Its applications are at this address and the name of the chart: that is where it is.
                let text = |value: &Value| value.as_str().map(str::to_owned).expect("a text");
                let source = format!("{}/{}", text(&values["repoURL"]), text(&chart["name"]));
                assert_eq!(source, format!("oci://{address}/team/bundle"));
                let tar::Kind::File(readme) = &entries["bundle/README.md"] else { panic!("no README") };
                let readme = String::from_utf8_lossy(readme);
                let install = format!(
                    "helm install aicr-bundle oci://{address}/team/bundle --version 2.0.0 --namespace argocd\n"
                );
                assert!(readme.contains(&install) && !readme.contains("helm push"), "{readme}");
            }
            "helm" => {
                let tar::Kind::File(readme) = &entries["README.md"] else { panic!("no README") };
                let pull = format!("oras pull {address}/team/bundle:v2.0.0\n");
                assert!(String::from_utf8_lossy(readme).contains(&pull));
            }
            _ => {}
        }
    }
    let odd = format!("oci://{address}/team/bundle:latest");
    let run = sandbox.aicr(&[&KIND[..], &["-d", "argocd-helm", "-o", &odd]].concat());
    assert!(run.code == 2 && run.stderr.contains("it is not a version like 1.2.3"), "{}", run.transcript);
    for (odd, words) in
        [("oci://team/bundle", "it names no registry"), ("https://r.test/x", "does not begin with oci://")]
    {
        let run = sandbox.aicr(&[&KIND[..], &["-o", odd]].concat());
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.transcript);
    }
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let run = sandbox.aicr(&[&KIND[..], &["-o", &format!("oci://{closed}/x:1")]].concat());
    assert!(run.code != 0 && run.stderr.contains("failed to push the bundle"), "{}", run.transcript);
}

fn chart(name: &str, version: &str) -> Vec<u8> {
    let mut archive = tar::Archive::default();
    let text = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    archive.file(&format!("{name}/Chart.yaml"), 0o644, text.as_bytes());
    let object =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {a: \"{{ .Values.a }}\"}\n";
    archive.file(&format!("{name}/templates/all.yaml"), 0o644, object.as_bytes());
    tar::gzip(&archive.finish())
}

/// A recipe with a chart of a repository and one of a registry, and what serves them.
fn charts(sandbox: &Sandbox) -> (String, Kept) {
    let (address, kept) = server();
    let (first, second) = (chart("one", "1.2.3"), chart("two", "v2.0.0"));
    let index = json!({"apiVersion": "v1", "entries": {"one": [
        {"version": "1.3.0", "urls": ["one-1.3.0.tgz"]},
        {"version": "1.2.3", "urls": ["files/one-1.2.3.tgz"], "digest": checksum::digest(&first)},
    ]}});
    let sum = format!("sha256:{}", checksum::digest(&second));
    let layer = json!({"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": sum});
    kept.lock().expect("no panic").extend([
        ("/charts/index.yaml".to_owned(), index.to_string().into_bytes()),
        ("/charts/files/one-1.2.3.tgz".to_owned(), first),
        (format!("/v2/team/two/blobs/{sum}"), second),
        ("/v2/team/two/manifests/v2.0.0".to_owned(), json!({"layers": [layer]}).to_string().into_bytes()),
    ]);
    let recipe = format!(
        "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {{version: 1.0.0}}\ncriteria: null\ncomponentRefs:\n\
         - {{name: first, namespace: a, chart: one, type: Helm, source: \"http://{address}/charts\", version: v1.2.3, overrides: {{a: x}}}}\n\
         - {{name: second, namespace: b, chart: two, type: Helm, source: \"oci://{address}/team\", version: v2.0.0, dependencyRefs: [first]}}\n\
         deploymentOrder: [first, second]\n"
    );
    sandbox.file("recipe.yaml", &recipe);
    (address, kept)
}

#[test]
fn charts_in_a_bundle_need_no_repository_in_any_dialect() {
    let sandbox = Sandbox::new();
    let (address, _kept) = charts(&sandbox);
    for deployer in deployer::ALL {
        let name = deployer.name();
        let flags = ["bundle", "-r", "recipe.yaml", "--vendor-charts", "-d", name, "-o", name];
        let run = sandbox.aicr(&flags);
        assert_eq!(run.code, 0, "{}", run.transcript);
        let verified = sandbox.aicr(&["verify", name]);
        assert_eq!(verified.code, 0, "{}", verified.transcript);
        let files = aicr::ops::bundle::there(&sandbox.home().join(name)).expect("a bundle").files;
        let folder =
            |release: &str| files.keys().find(|path| path.ends_with(&format!("{release}/Chart.yaml"))).cloned();
        for (release, file) in [("first", "one-1.2.3.tgz"), ("second", "two-v2.0.0.tgz")] {
            let path = folder(release).expect("a chart").replace("Chart.yaml", &format!("charts/{file}"));
            let expected = if release == "first" { chart("one", "1.2.3") } else { chart("two", "v2.0.0") };
            assert_eq!(files[&path].as_deref(), Some(&*expected), "{name}: {path}");
        }
        let text = |path: &str| String::from_utf8_lossy(files[path].as_deref().unwrap_or_default()).into_owned();
        let names_it = files.keys().filter(|path| text(path).contains(&address));
        let allowed = ["provenance.yaml", "recipe.yaml"];
        assert_eq!(names_it.filter(|path| !allowed.contains(&&***path)).collect::<Vec<_>>(), [""; 0], "{name}");
        let provenance = &documents(&text("provenance.yaml"))[0];
        assert_eq!(provenance["vendoredCharts"][0]["tarballName"], "one-1.2.3.tgz");
        assert_eq!(provenance["vendoredCharts"][1]["sha256"], checksum::digest(&chart("two", "v2.0.0")));
        let info = &documents(&text("bundle-info.yaml"))[0];
        assert_eq!(info["build"]["settings"]["vendorCharts"], true);
        assert_eq!(info["layout"]["provenance"], "provenance.yaml");
    }
}

#[test]
fn a_chart_is_fetched_where_its_index_says_and_compared_with_what_it_says() {
    let sandbox = Sandbox::new();
    let (address, kept) = charts(&sandbox);
    let bundle = |url: &str, digest: Value| {
        let index = json!({"entries": {"one": [{"version": "1.2.3", "urls": [url], "digest": digest}]}});
        kept.lock().expect("no panic").insert("/charts/index.yaml".to_owned(), index.to_string().into_bytes());
        sandbox.aicr(&["bundle", "-r", "recipe.yaml", "--vendor-charts", "-o", "b", "--replace"])
    };
    let sum = json!(checksum::digest(&chart("one", "1.2.3")));
    let bytes = kept.lock().expect("no panic")["/charts/files/one-1.2.3.tgz"].clone();
    kept.lock().expect("no panic").insert("/abs/one-1.2.3.tgz".to_owned(), bytes);
    let full = format!("http://{address}/abs/one-1.2.3.tgz");
    for url in ["/abs/one-1.2.3.tgz", "../abs/one-1.2.3.tgz", "files/one-1.2.3.tgz", "./files/one-1.2.3.tgz", &full] {
        let run = bundle(url, sum.clone());
        assert!(run.code == 0 && !run.stderr.contains("digest"), "{}", run.transcript);
    }
    let run = bundle("files/one-1.2.3.tgz", json!(0));
    assert!(run.code != 0 && run.stderr.contains("the digest `0` for it, which is not 64"), "{}", run.transcript);
    let run = bundle("files/one-1.2.3.tgz", Value::Null);
    let words = "the chart `one` of `first` is in the bundle as its repository served it: its index gives no digest";
    assert!(run.code == 0 && run.stderr.contains(words), "{}", run.transcript);
}

/// A real Helm renders the chart with the values that were meant for it.
#[test]
#[ignore = "needs Helm: AICR_TEST_HELM"]
fn a_vendored_chart_is_rendered_by_helm() {
    let sandbox = Sandbox::new();
    let (_, _kept) = charts(&sandbox);
    let run = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "--vendor-charts", "-o", "helm"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let output = std::process::Command::new(std::env::var_os("AICR_TEST_HELM").expect("AICR_TEST_HELM names a Helm"))
        .args(["template", "first", "helm/001-first"])
        .current_dir(sandbox.home())
        .output()
        .expect("helm runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("a: \"x\""), "{said}");
}

#[test]
fn a_chart_that_is_not_the_one_that_was_asked_for_is_refused_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    let (address, kept) = charts(&sandbox);
    let refused = |path: &str, bytes: Option<Vec<u8>>, words: &str| {
        let before = kept.lock().expect("no panic").get(path).cloned().expect(path);
        match bytes {
            Some(bytes) => kept.lock().expect("no panic").insert(path.to_owned(), bytes),
            None => kept.lock().expect("no panic").remove(path),
        };
        let run = sandbox.aicr(&["bundle", "-r", "recipe.yaml", "--vendor-charts", "-o", "b"]);
        assert_ne!(run.code, 0, "{}", run.transcript);
        assert!(run.stderr.contains(words), "{words}: {}", run.transcript);
        assert!(!sandbox.home().join("b").exists());
        kept.lock().expect("no panic").insert(path.to_owned(), before);
    };
    let file = "/charts/files/one-1.2.3.tgz";
    refused(file, Some(chart("one", "1.2.4")), "differs from the digest that the repository gives");
    refused(file, None, "404");
    refused("/charts/index.yaml", Some(b"entries: {}".to_vec()), "the repository has no chart `one`");
    refused("/charts/index.yaml", None, "404");
    let other = chart("three", "v2.0.0");
    let blob = kept.lock().expect("no panic").keys().find(|path| path.contains("/blobs/")).cloned().expect("a blob");
    refused(&blob, Some(other), "has the digest");
    refused("/v2/team/two/manifests/v2.0.0", Some(b"{}".to_vec()), "the repository names no file for `two`");
    refused("/v2/team/two/manifests/v2.0.0", None, "404");
    assert!(!address.is_empty());
}

#[test]
fn a_manifest_that_the_catalog_only_names_is_fetched_by_its_digest_or_given() {
    let sandbox = Sandbox::new();
    let (address, kept) = server();
    let object = "# theirs\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: crd}\ndata: {a: '{{ .x }}'}\n";
    let sum = checksum::digest(
        b"{\"apiVersion\":\"v1\",\"data\":{\"a\":\"{{ .x }}\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"crd\"}}\n",
    );
    let publish = |text: &str| drop(kept.lock().expect("no panic").insert("/x.yaml".to_owned(), text.into()));
    publish(object);
    let stands_in = format!("# fetch: http://{address}/x.yaml\n# documents: 1\n# documents-sha256: {sum}\n");
    sandbox.file("more/components/first/manifests/named.yaml", &stands_in);
    sandbox.file("more/components/first/manifests/unknown.yaml", "# missing: nobody knows where it is from\n");
    let recipe = "apiVersion: aicr.run/v1\nkind: RecipeResult\nmetadata: {version: 1.0.0}\ncriteria: null\ncomponentRefs:\n\
                  - {name: first, namespace: a, type: Helm, manifestFiles: [components/first/manifests/named.yaml, \
                  components/first/manifests/unknown.yaml]}\ndeploymentOrder: [first]\n";
    sandbox.file("recipe.yaml", recipe);
    let bundle = |flags: &[&str]| {
        let base = ["--data", "more", "bundle", "-r", "recipe.yaml", "--replace", "-o", "b"];
        sandbox.aicr(&[&base[..], flags].concat())
    };
    let template = || {
        let text = std::fs::read_to_string(sandbox.home().join("b/001-first/templates/named.yaml")).unwrap_or_default();
        text.contains("name: crd") && text.contains("{{ \"{{\" }} .x }}")
    };
    let run = bundle(&[]);
    let lacks = format!("--fetch-manifests gets them from http://{address}/x.yaml");
    assert!(run.code == 0 && run.stderr.contains(&lacks) && !template(), "{}", run.transcript);
    let run = bundle(&["--fetch-manifests"]);
    assert!(run.code == 0 && template(), "{}", run.transcript);
    // Nobody knows where the other one is.
    assert!(!run.stderr.contains("named.yaml") && run.stderr.contains("unknown.yaml"), "{}", run.transcript);
    assert_eq!(sandbox.aicr(&["verify", "b"]).code, 0);

    // The same file from disk, without the network, and one whose digest nobody knows.
    publish("kind: Changed\napiVersion: v1\n");
    sandbox.file("named.yaml", object);
    sandbox.file("other.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: y}\n");
    let run = bundle(&["--manifest", "named.yaml=named.yaml", "--manifest", "unknown.yaml=other.yaml"]);
    assert!(run.code == 0 && template() && !run.stderr.contains("lacks the objects"), "{}", run.transcript);
    let before = std::fs::read(sandbox.home().join("b/checksums.txt")).expect("a bundle");

    let refused = |flags: &[&str], words: &str| {
        let run = bundle(flags);
        assert!(run.code != 0 && run.stderr.contains(words), "{}", run.transcript);
        assert_eq!(std::fs::read(sandbox.home().join("b/checksums.txt")).expect("a bundle"), before);
    };
    refused(
        &["--fetch-manifests"],
        &format!("have the digest {}", checksum::digest(b"{\"apiVersion\":\"v1\",\"kind\":\"Changed\"}\n")),
    );
    refused(&["--manifest", "named.yaml=other.yaml"], &format!("and the catalog expects {sum}"));
    refused(&["--manifest", "nothing.yaml=other.yaml"], "missing manifests: named.yaml, unknown.yaml");
    refused(&["--manifest", "named.yaml"], "`named.yaml` is not NAME=FILE");
    sandbox.file("list.yaml", "- 1\n");
    refused(&["--manifest", "unknown.yaml=list.yaml"], "document 1 is not a Kubernetes object");
    // What is not text is not repaired, also where nobody knows the digest.
    sandbox.file("more/components/first/manifests/named.yaml", &format!("# fetch: http://{address}/x.yaml\n"));
    let latin = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\ndata: {a: \xe9}\n".to_vec();
    kept.lock().expect("no panic").insert("/x.yaml".to_owned(), latin);
    refused(&["--fetch-manifests"], "is not UTF-8 text");
    kept.lock().expect("no panic").clear();
    refused(&["--fetch-manifests"], "HTTP 404");
}
