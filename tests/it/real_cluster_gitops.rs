//! Objects of Argo CD and Flux as a real API server takes them, with the tools' own CRDs: every field is known and has the
//! right type. Their controllers are not here.
//!
//! Ignored unless asked for, like `real_cluster`; `tests/cluster/cluster argocd` and `flux` bring the CRDs, `helm` the program.

use crate::{
    bundle::{catalog, criteria, options},
    bundle_helm::{RECIPES, write},
    real_cluster::{Real, cluster_script, text},
};
use aicr::{
    bundle::{
        deployer::{Published, Settings},
        flags::{Dynamic, Flags},
        plan::{Options, plan},
    },
    resolve::{self, resolve},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

const GIT: &str = "https://git.example.com/team/stack.git";
const NAMESPACES: [&str; 2] = ["argocd", "flux-system"];

/// The cluster with the CRDs and namespaces of both tools, which go with it.
struct Tools(Real);

impl Tools {
    fn new() -> Tools {
        let tools = Tools(Real::cluster());
        for verb in ["helm", "argocd", "flux"] {
            cluster_script(&tools.0, &[verb]);
        }
        tools.remove();
        for verb in ["argocd", "flux"] {
            let crds = tools.beside(verb).display().to_string();
            tools.0.kubectl_must(&["apply", "--server-side", "-f", &crds]);
            tools.0.kubectl_must(&["wait", "--for=condition=Established", "--timeout=60s", "-f", &crds]);
        }
        for namespace in NAMESPACES {
            tools.0.kubectl_must(&["create", "namespace", namespace]);
        }
        tools
    }

    /// A file or folder beside the programs of the cluster.
    fn beside(&self, name: &str) -> PathBuf {
        self.0.kubeconfig.parent().expect("the cluster's folder").join(name)
    }

    fn remove(&self) {
        let both = NAMESPACES;
        self.0.kubectl(&[&["delete", "namespace", "--ignore-not-found", "--wait"], &both[..]].concat());
        for verb in ["argocd", "flux"] {
            let crds = self.beside(verb).display().to_string();
            self.0.kubectl(&["delete", "--ignore-not-found", "--wait", "-f", &crds]);
        }
    }

    /// Writes a bundle; its folder.
    fn bundle(&self, recipe: &str, options: Options) -> PathBuf {
        let folder = self.0.path("bundle");
        let _ = std::fs::remove_dir_all(&folder);
        let catalog = catalog();
        let resolved = resolve(&catalog, &criteria(recipe), None, resolve::Options::default());
        let recipe = resolved.unwrap_or_else(|error| panic!("{recipe}: {error}")).recipe;
        write(&plan(&catalog, &recipe, options).unwrap_or_else(|error| panic!("{error}")), &folder);
        folder
    }

    /// Lets the server look at objects as if they were to be kept.
    fn look_at(&self, how: &str, objects: &Path) -> Output {
        let objects = objects.display().to_string();
        self.0.kubectl(&[
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-o",
            "name",
            how,
            &objects,
        ])
    }

    /// How many objects the server takes, which is all of them.
    #[track_caller]
    fn takes(&self, how: &str, objects: &Path) -> usize {
        let output = self.look_at(how, objects);
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8_lossy(&output.stdout).lines().count()
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The files of a name in a folder, and in those below it, as one text of many documents.
fn documents(folder: &Path, names: &[&str]) -> String {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let mut all = String::new();
    for path in entries {
        if path.is_dir() {
            all += &documents(&path, names);
        } else if names.iter().any(|name| path.ends_with(name)) {
            all += &format!("---\n{}", std::fs::read_to_string(path).expect("a file"));
        }
    }
    all
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn the_api_server_takes_every_application_of_argo_cd() {
    let tools = Tools::new();
    let file = tools.0.path("applications.yaml");
    let mut taken = 0;
    for recipe in RECIPES {
        for serial in [false, true] {
            let settings = Settings { repo: Some(GIT.to_owned()), ..Settings::default() };
            let options = Options { settings, serial, readiness_hooks: serial, ..options("argocd") };
            let folder = tools.bundle(recipe, options);
            let objects = documents(&folder, &["app-of-apps.yaml", "application.yaml"]);
            std::fs::write(&file, &objects).expect("a file");
            let count = tools.takes("-f", &file);
            assert_eq!(count, objects.matches("kind: Application\n").count());
            taken += count;
        }
        // The chart that makes them, as Helm renders it.
        let folder = tools.bundle(recipe, options("argocd-helm"));
        let mut helm = Command::new(tools.beside("bin/helm"));
        helm.args(["template", "stack", "--namespace", "argocd", "--set", "repoURL=oci://registry.example.com/team"]);
        let output = helm.arg(&folder).output().expect("helm runs");
        assert!(output.status.success(), "{}", text(&output));
        std::fs::write(&file, &output.stdout).expect("a file");
        taken += tools.takes("-f", &file);
    }
    println!("{taken} objects were taken");
    assert!(taken > 150, "only {taken} objects");
    // A field that Argo CD does not have.
    let objects = std::fs::read_to_string(&file).expect("a file").replace("destination:", "destnation:");
    std::fs::write(&file, objects).expect("a file");
    let refused = tools.look_at("-f", &file);
    assert!(!refused.status.success() && text(&refused).contains("destnation"), "{}", text(&refused));
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn the_api_server_takes_every_object_of_flux() {
    let tools = Tools::new();
    let mut taken = 0;
    for recipe in RECIPES {
        let git = || Settings { repo: Some(GIT.to_owned()), ..Settings::default() };
        let published = Published { url: "oci://registry.example.com/team/stack".to_owned(), tag: "1.0.0".to_owned() };
        let artifact = Settings { published: Some(published), ..Settings::default() };
        let with = |settings, serial| Options { settings, serial, ..options("flux") };
        let mut forms = vec![with(git(), false), with(git(), true), with(artifact, false)];
        if recipe.contains("kind") {
            let dynamic: Dynamic = "gpu-operator:driver.version".parse().expect("a path");
            let flags = Flags { dynamic: vec![dynamic], ..Flags::default() };
            forms.push(Options { flags, ..with(git(), false) });
        }
        for options in forms {
            // As Flux builds the folder.
            taken += tools.takes("-k", &tools.bundle(recipe, options));
        }
    }
    println!("{taken} objects were taken");
    assert!(taken > 100, "only {taken} objects");
    let folder = tools.0.path("bundle");
    let release = folder.join("gpu-operator/helmrelease.yaml");
    let objects = std::fs::read_to_string(&release).expect("a release").replace("chart:", "chrat:");
    std::fs::write(&release, objects).expect("a file");
    let refused = tools.look_at("-k", &folder);
    assert!(!refused.status.success() && text(&refused).contains("chrat"), "{}", text(&refused));
}
