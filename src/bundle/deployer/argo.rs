//! What the two dialects of Argo CD have in common: applications, their order and their parent's name.

use super::{Argo, Deployer, DeployerError, Settings, is_subdomain};
use crate::bundle::{
    plan::Bundle,
    release::{Chart, Release, Role},
};
use serde_json::{Value, json};

/// Where an application applies to, if nothing else was said.
pub(super) const SERVER: &str = "https://kubernetes.default.svc";
/// Where a Git repository is, if nothing was said.
pub(super) const PLACEHOLDER: &str = "https://github.com/YOUR-ORG/YOUR-REPO.git";
/// What Argo CD calls a child at most, so that the Helm release can be called so too.
const LONGEST: usize = 53;

/// The wave in which a release is synced: by the level of its component and its role, or one after the other.
pub(super) fn wave(bundle: &Bundle, release: &Release) -> usize {
    match bundle.options.serial {
        true => release.number - 1,
        false => bundle.component(release).level * Role::ALL.len() + release.role.phase(),
    }
}

/// The options with which a release is synced.
pub(super) fn sync_policy(release: &Release) -> Value {
    let mut options = vec!["CreateNamespace=true", "ServerSideApply=true"];
    if release.role == Role::Readiness {
        options.push("ApplyOutOfSyncOnly=true");
    }
    json!({"automated": {"prune": true, "selfHeal": true}, "syncOptions": options})
}

/// What is not compared: a CRD that two charts bring in two versions.
pub(super) fn ignored(release: &Release) -> Option<Value> {
    (release.name == "gpu-operator").then(|| {
        json!([{
            "group": "apiextensions.k8s.io",
            "kind": "CustomResourceDefinition",
            "name": "computedomains.resource.nvidia.com",
            "jsonPointers": ["/spec"],
        }])
    })
}

/// Repository, chart and version as Argo CD takes them; none for a chart in the bundle.
pub(super) fn source(chart: &Chart) -> Option<(String, String, String)> {
    match chart {
        Chart::Repository { name, url, version } => {
            let version = version.strip_prefix('v').unwrap_or(version);
            Some((url.clone(), name.clone(), version.to_owned()))
        }
        Chart::Oci { name, url, version } => Some((format!("{url}/{name}"), name.clone(), version.clone())),
        Chart::Local { .. } | Chart::Vendored { .. } => None,
    }
}

/// Refuses names that Argo CD or Helm would refuse.
///
/// # Errors
/// The first such name, or a flag of another dialect.
pub(super) fn check(deployer: &dyn Deployer, bundle: &Bundle) -> Result<(), DeployerError> {
    let settings: &Settings = &bundle.options.settings;
    let Argo { name_prefix, .. } = &settings.argo;
    let parent = deployer.app_name(settings).unwrap_or_default();
    if !is_subdomain(parent) {
        let (what, problem) = ("--app-name".to_owned(), "it is not a DNS subdomain".to_owned());
        return Err(DeployerError::Value { what, found: parent.to_owned(), problem });
    }
    for release in &bundle.releases {
        let name = format!("{name_prefix}{}", release.name);
        let refused = |problem: &str| Err(DeployerError::ChildName { name: name.clone(), problem: problem.to_owned() });
        if name.len() > LONGEST {
            return refused("has more than 53 characters");
        }
        if name == parent {
            return refused("is that of the parent");
        }
        if !is_subdomain(&name) {
            return refused("is not a DNS name");
        }
    }
    Ok(())
}
