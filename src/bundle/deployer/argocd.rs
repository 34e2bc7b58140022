//! Argo CD: an application for each release, and a parent that finds them in a Git repository.

use super::{Deployer, DeployerError, Setting, Settings, argo, helm, push, values_file};
use crate::{
    bundle::{
        plan::{Bundle, File},
        release::Release,
    },
    yaml,
};
use serde_json::{Value, json};

pub struct ArgoCd;

const MANIFEST: &str = "application.yaml";

impl Deployer for ArgoCd {
    fn name(&self) -> &'static str {
        "argocd"
    }

    fn about(&self) -> &'static str {
        "Applications of Argo CD in a Git repository"
    }

    fn entrypoint(&self) -> &'static str {
        "app-of-apps.yaml"
    }

    fn is_argo(&self) -> bool {
        true
    }

    fn manifest(&self, _: &Release) -> Option<&'static str> {
        Some(MANIFEST)
    }

    fn repository<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        Some(settings.repository_or(argo::PLACEHOLDER))
    }

    fn app_name<'s>(&self, settings: &'s Settings) -> Option<&'s str> {
        Some(settings.app_name.as_deref().unwrap_or("nvidia-stack"))
    }

    fn takes(&self, setting: Setting) -> bool {
        matches!(setting, Setting::Repo | Setting::AppName | Setting::ReadinessHooks | Setting::Serial | Setting::Argo)
    }

    fn transports(&self) -> &'static [&'static str] {
        &["https://", "http://", "ssh://", "git@", "oci://"]
    }

    fn check(&self, bundle: &Bundle) -> Result<(), DeployerError> {
        argo::check(self, bundle)
    }

    fn files(&self, bundle: &Bundle) -> Vec<File> {
        let mut files = vec![File::text(self.entrypoint(), yaml::to_string(&self.parent(bundle)))];
        for release in &bundle.releases {
            let folder = release.folder();
            files.extend(helm::chart_files(bundle, release, &folder));
            files.push(File::text(format!("{folder}/values.yaml"), values_file(&release.values)));
            files.push(File::text(format!("{folder}/{MANIFEST}"), yaml::to_string(&self.child(bundle, release))));
        }
        files
    }

    fn guide(&self, bundle: &Bundle) -> String {
        let settings = &bundle.options.settings;
        let repository = self.repository(settings).unwrap_or_default();
        let place = match is_artifact(settings) {
            true => format!(
                "Argo CD 3.1 or later reads this bundle from `{repository}`, tag `{}`. In a copy of it:",
                settings.revision()
            ),
            false => format!("Push this folder as the root of `{repository}`, branch `main`, then:"),
        };
        format!(
            "## Deploy\n\n{place}\n\n\
             ```sh\nkubectl apply -n argocd -f app-of-apps.yaml\n```\n\n\
             Applications are synced in waves: what another one needs comes in an earlier wave. Argo CD waits between waves \
             only if it judges the health of applications, which since 1.8 it does not by default: add\n\n\
             ```yaml\n# ConfigMap argocd-cm\ndata:\n  resource.customizations.health.argoproj.io_Application: |\n    hs = {{}}\n    \
             hs.status = \"Progressing\"\n    if obj.status ~= nil and obj.status.health ~= nil then\n      hs.status = \
             obj.status.health.status\n      hs.message = obj.status.health.message\n    end\n    return hs\n```\n\n\
             Otherwise everything is applied at once and settles by Argo CD's retries.\n\n\
             ## Change\n\nMake the bundle again with other flags and push it. A file that was changed by hand is reported by \
             `aicr verify`.\n\n\
             ## Remove\n\n```sh\nkubectl delete -n argocd -f app-of-apps.yaml\n```\n\n\
             Children and what they installed stay unless the bundle was made with `--set deployer:cascadeDelete=true`.\n"
        )
    }

    fn steps(&self, folder: &str, settings: &Settings) -> Vec<String> {
        vec![push(self, folder, settings), format!("kubectl apply -n argocd -f {folder}/app-of-apps.yaml")]
    }
}

impl ArgoCd {
    fn parent(&self, bundle: &Bundle) -> Value {
        let settings = &bundle.options.settings;
        let mut parent = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": self.app_name(settings), "namespace": "argocd"},
            "spec": {
                "project": settings.argo.project.as_deref().unwrap_or("default"),
                "source": {
                    "repoURL": self.repository(settings),
                    "targetRevision": settings.revision(),
                    "path": ".",
                    "directory": {"recurse": true, "include": "*/application.yaml"},
                },
                // The parent's objects are applications, which live beside Argo CD.
                "destination": {"server": argo::SERVER, "namespace": "argocd"},
                "syncPolicy": {"automated": {"prune": true, "selfHeal": true}},
            },
        });
        finalize(&mut parent, bundle);
        parent
    }

    fn child(&self, bundle: &Bundle, release: &Release) -> Value {
        let settings = &bundle.options.settings;
        let repository = self.repository(settings);
        let mut child = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": format!("{}{}", settings.argo.name_prefix, release.name),
                "namespace": "argocd",
                "annotations": {"argocd.argoproj.io/sync-wave": argo::wave(bundle, release).to_string()},
            },
            "spec": {
                "project": settings.argo.project.as_deref().unwrap_or("default"),
                "destination": {
                    "server": settings.argo.destination_server.as_deref().unwrap_or(argo::SERVER),
                    "namespace": release.namespace,
                },
                "syncPolicy": argo::sync_policy(release),
            },
        });
        match argo::source(&release.chart) {
            Some((url, chart, version)) if is_artifact(settings) => {
                // An artifact of a registry cannot be a source of values.
                let mut source = json!({"repoURL": url, "targetRevision": version});
                match url.starts_with("oci://") {
                    true => source["path"] = ".".into(),
                    false => source["chart"] = chart.into(),
                }
                source["helm"] = json!({"valuesObject": *release.values});
                child["spec"]["source"] = source;
            }
            Some((url, chart, version)) => {
                let values = format!("$values/{}/values.yaml", release.folder());
                child["spec"]["sources"] = json!([
                    {"repoURL": url, "chart": chart, "targetRevision": version, "helm": {"valueFiles": [values]}},
                    {"repoURL": repository, "targetRevision": settings.revision(), "ref": "values"},
                ]);
            }
            None => {
                child["spec"]["source"] =
                    json!({"repoURL": repository, "targetRevision": settings.revision(), "path": release.folder()});
            }
        }
        if let Some(ignored) = argo::ignored(release) {
            child["spec"]["ignoreDifferences"] = ignored;
        }
        finalize(&mut child, bundle);
        child
    }
}

/// Whether Argo CD reads the bundle from a registry rather than from Git.
fn is_artifact(settings: &Settings) -> bool {
    settings.published.is_some() && settings.repo.is_none()
}

/// Whoever deletes the application deletes what it installed, where that was asked for.
fn finalize(application: &mut Value, bundle: &Bundle) {
    if bundle.options.settings.argo.cascade_delete {
        application["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
    }
}
