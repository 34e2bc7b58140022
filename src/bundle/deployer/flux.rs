//! Flux: a HelmRelease for each release, the repositories that they read, and a list of all of them.

use super::{Deployer, DeployerError, Setting, Settings, chart_yaml, push, unset_lines};
use crate::{
    bundle::{
        plan::{Bundle, File},
        release::{Chart, Release},
    },
    yaml,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub struct Flux;

const MANIFEST: &str = "helmrelease.yaml";
const VALUES: &str = "configmap-values.yaml";
const GENERATOR: &str = "artifactgenerator.yaml";
const PLACEHOLDER: &str = "https://github.com/YOUR_ORG/YOUR_REPO.git";

impl Deployer for Flux {
    fn name(&self) -> &'static str {
        "flux"
    }

    fn about(&self) -> &'static str {
        "HelmReleases of Flux in a Git repository"
    }

    fn entrypoint(&self) -> &'static str {
        "kustomization.yaml"
    }

    fn is_numbered(&self) -> bool {
        false
    }

    fn manifest(&self, _: &Release) -> Option<&'static str> {
        Some(MANIFEST)
    }

    fn repository<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        Some(settings.repository_or(PLACEHOLDER))
    }

    fn takes(&self, setting: Setting) -> bool {
        matches!(
            setting,
            Setting::Repo | Setting::FluxNamespace | Setting::FluxOciSource | Setting::Serial | Setting::Dynamic
        )
    }

    fn transports(&self) -> &'static [&'static str] {
        &["https://", "http://", "ssh://"]
    }

    fn check(&self, bundle: &Bundle) -> Result<(), DeployerError> {
        if let Some(namespace) = bundle.options.settings.flux_namespace.as_ref().filter(|name| !super::is_label(name)) {
            let (what, problem) = ("--flux-namespace".to_owned(), "it is not a DNS label".to_owned());
            return Err(DeployerError::Value { what, found: namespace.clone(), problem });
        }
        if let Some(source) = &bundle.options.settings.flux_oci_source {
            let wrong = |problem: &str| {
                let (what, problem) = ("--flux-oci-source-name".to_owned(), problem.to_owned());
                Err(DeployerError::Value { what, found: source.clone(), problem })
            };
            if !super::is_subdomain(source) {
                return wrong("it is not a DNS name");
            }
            if !is_artifact(bundle) {
                return wrong("only a bundle that is pushed is read from there: --output oci://…");
            }
        }
        distinct(bundle)
    }

    fn files(&self, bundle: &Bundle) -> Vec<File> {
        let repository = self.repository(&bundle.options.settings).unwrap_or_default();
        let mut files: Vec<File> =
            bundle.releases.iter().flat_map(|release| folder(bundle, release, repository)).collect();
        // A manifest may be called as a file of ours, and a release as the folder of sources.
        let is_object = |path: &str| match path.split('/').collect::<Vec<_>>()[..] {
            [_, name] => [MANIFEST, VALUES, GENERATOR].contains(&name),
            _ => false,
        };
        let sources = sources(bundle, repository);
        let mut resources: Vec<&str> = files.iter().map(|file| &*file.path).filter(|path| is_object(path)).collect();
        resources.extend(sources.iter().map(|file| &*file.path));
        resources.sort_unstable();
        let list =
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources});
        files.push(File::text(self.entrypoint(), yaml::to_string(&list)));
        files.extend(sources);
        files
    }

    fn guide(&self, bundle: &Bundle) -> String {
        let repository = self.repository(&bundle.options.settings).unwrap_or_default();
        if is_artifact(bundle) {
            return format!(
                "## Deploy\n\nFlux 2.7 or later, with its source-watcher, reads this bundle from `{repository}`, tag `{}`, through an \
                 OCIRepository called `{}` in the namespace `{}`:\n\n```sh\nflux create source oci {} --url={repository} \
                 --tag={} --namespace={}\nkubectl apply -k .\nflux get helmreleases -A\n```\n\n\
                 ## Remove\n\n```sh\nkubectl delete -k .\n```\n",
                bundle.options.settings.revision(),
                source_name(bundle),
                namespace(bundle),
                source_name(bundle),
                bundle.options.settings.revision(),
                namespace(bundle),
            );
        }
        format!(
            "## Deploy\n\nPush this folder as the root of `{repository}`, branch `main`, where Flux reads it, or apply it:\n\n\
             ```sh\nkubectl apply -k .\nflux get helmreleases -A\n```\n\n\
             A HelmRelease waits for those that it depends on. Flux calls a release NAMESPACE-NAME.\n\n\
             ## Change\n\nValues that were left to the installation are in `NAME/configmap-values.yaml`; change them there.\n\n\
             ## Remove\n\n```sh\nkubectl delete -k .\n```\n"
        )
    }

    fn steps(&self, folder: &str, settings: &Settings) -> Vec<String> {
        vec![
            push(self, folder, settings),
            "flux create kustomization aicr --source=GitRepository/NAME --path=. --prune".to_owned(),
            "flux get helmreleases -A".to_owned(),
        ]
    }
}

fn namespace(bundle: &Bundle) -> &str {
    bundle.options.settings.flux_namespace.as_deref().unwrap_or("flux-system")
}

/// Whether Flux reads the bundle from a registry rather than from Git.
fn is_artifact(bundle: &Bundle) -> bool {
    bundle.options.settings.published.is_some() && bundle.options.settings.repo.is_none()
}

/// The OCIRepository that a person makes for the bundle.
fn source_name(bundle: &Bundle) -> &str {
    bundle.options.settings.flux_oci_source.as_deref().unwrap_or("aicr-bundle")
}

/// Copies the chart of a release out of the bundle, for its HelmRelease.
fn generator(bundle: &Bundle, release: &Release) -> Value {
    json!({
        "apiVersion": "source.extensions.fluxcd.io/v1beta1",
        "kind": "ArtifactGenerator",
        "metadata": {"name": chart_name(release), "namespace": namespace(bundle)},
        "spec": {
            "sources": [{"alias": "bundle", "kind": "OCIRepository", "name": source_name(bundle)}],
            "artifacts": [{
                "name": chart_name(release),
                "copy": [{"from": format!("@bundle/{}/**", release.name), "to": "@artifact/"}],
            }],
        },
    })
}

fn chart_name(release: &Release) -> String {
    format!("{}-chart", release.name)
}

/// A URL as the name of an object.
pub(super) fn name_of(url: &str) -> String {
    let lower = url.to_ascii_lowercase();
    let rest = lower.split_once("://").map_or(&*lower, |(_, rest)| rest);
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let name: String = rest.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(63).collect();
    name.trim_matches('-').to_owned()
}

/// Whether every repository of charts has a name of its own here; a chart must not come from another one's.
pub(super) fn distinct(bundle: &Bundle) -> Result<(), DeployerError> {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for (_, url, _) in bundle.releases.iter().filter_map(|release| release.chart.upstream()) {
        let other = *known.entry(name_of(url)).or_insert(url);
        if other.trim_end_matches('/') != url.trim_end_matches('/') {
            let what = format!("the repository of charts besides {other}");
            return Err(DeployerError::Value {
                what,
                found: url.to_owned(),
                problem: "both would have one name".to_owned(),
            });
        }
    }
    Ok(())
}

fn folder(bundle: &Bundle, release: &Release, repository: &str) -> Vec<File> {
    let at = |name: &str| format!("{}/{name}", release.name);
    let mut files = vec![File::text(at(MANIFEST), yaml::to_string(&object(bundle, release, repository)))];
    if release.is_dynamic() {
        let text = yaml::to_string(&nested(bundle, release, &release.dynamic)) + &unset_lines(&release.unset);
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": values_name(release), "namespace": namespace(bundle)},
            "data": {"values.yaml": text},
        });
        files.push(File::text(at(VALUES), yaml::to_string(&map)));
    }
    if release.chart.is_local() && is_artifact(bundle) {
        files.push(File::text(at(GENERATOR), yaml::to_string(&generator(bundle, release))));
    }
    if let Chart::Vendored { .. } = &release.chart {
        files.extend(super::helm::chart_files(bundle, release, &release.name));
    }
    if let Chart::Local { manifests } = &release.chart {
        files.push(File::text(
            at("Chart.yaml"),
            chart_yaml(bundle, release, "Manifests as AICR rendered them, for Flux"),
        ));
        let written = manifests.iter().filter(|manifest| !manifest.objects.is_empty());
        files.extend(
            written.map(|manifest| File::text(at(&format!("templates/{}", manifest.source)), manifest.template())),
        );
    }
    files
}

fn values_name(release: &Release) -> String {
    format!("{}-values", release.name)
}

/// Values of a chart in the bundle are below the component's name, as those that render in the cluster expect it.
fn nested(bundle: &Bundle, release: &Release, values: &Value) -> Value {
    let is_empty = values.as_object().is_none_or(Map::is_empty);
    match matches!(release.chart, Chart::Local { .. }) && !is_empty {
        true => Map::from_iter([(bundle.component(release).used.name.clone(), values.clone())]).into(),
        false => values.clone(),
    }
}

fn object(bundle: &Bundle, release: &Release, repository: &str) -> Value {
    let namespace = namespace(bundle);
    let chart = match &release.chart {
        Chart::Repository { name, url, version } => json!({
            "chart": name,
            "version": version.strip_prefix('v').unwrap_or(version),
            "sourceRef": {"kind": "HelmRepository", "name": name_of(url), "namespace": namespace},
        }),
        Chart::Oci { name, url, version } => json!({
            "chart": name,
            "version": version,
            "sourceRef": {"kind": "HelmRepository", "name": name_of(url), "namespace": namespace},
        }),
        Chart::Local { .. } | Chart::Vendored { .. } => json!({
            "chart": format!("./{}", release.name),
            "sourceRef": {"kind": "GitRepository", "name": name_of(repository), "namespace": namespace},
        }),
    };
    let mut spec = json!({
        "interval": "10m",
        "targetNamespace": release.namespace,
        // Flux keeps the record of a release in its own namespace, so a chart may bring that of the release.
        "install": {"createNamespace": !release.owns_namespace},
        "chart": {"spec": chart},
    });
    spec["chart"]["spec"]["interval"] = "5m".into();
    if release.chart.is_local() && is_artifact(bundle) {
        spec.as_object_mut().map(|spec| spec.remove("chart"));
        spec["chartRef"] = json!({"kind": "ExternalArtifact", "name": chart_name(release), "namespace": namespace});
    }
    // Flux gives up after five minutes, which no GPU operator keeps to.
    spec["timeout"] = format!("{}m", release.timeout() / 60).into();
    if !release.needs.is_empty() {
        let names = release.needs.iter().map(|need| json!({"name": bundle.releases[*need].name}));
        spec["dependsOn"] = names.collect();
    }
    let values = nested(bundle, release, &release.values);
    if values.as_object().is_some_and(|entries| !entries.is_empty()) {
        spec["values"] = values;
    }
    if release.is_dynamic() {
        spec["valuesFrom"] = json!([{"kind": "ConfigMap", "name": values_name(release), "valuesKey": "values.yaml"}]);
    }
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": release.name, "namespace": namespace},
        "spec": spec,
    })
}

fn sources(bundle: &Bundle, repository: &str) -> Vec<File> {
    let namespace = namespace(bundle);
    let urls: BTreeMap<String, (&str, bool)> = bundle
        .releases
        .iter()
        .filter_map(|release| match &release.chart {
            Chart::Repository { url, .. } => Some((name_of(url), (&**url, false))),
            Chart::Oci { url, .. } => Some((name_of(url), (&**url, true))),
            Chart::Local { .. } | Chart::Vendored { .. } => None,
        })
        .collect();
    let mut files: Vec<File> = urls
        .into_iter()
        .map(|(name, (url, is_oci))| {
            let mut source = json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "HelmRepository",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"interval": "10m", "url": url},
            });
            if is_oci {
                source["spec"]["type"] = "oci".into();
            }
            File::text(format!("sources/helmrepo-{name}.yaml"), yaml::to_string(&source))
        })
        .collect();
    if is_artifact(bundle) {
        return files;
    }
    let name = name_of(repository);
    let git = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"interval": "10m", "ref": {"branch": "main"}, "url": repository},
    });
    files.push(File::text(format!("sources/gitrepo-{name}.yaml"), yaml::to_string(&git)));
    files
}
