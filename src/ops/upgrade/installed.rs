//! What a cluster has installed of a recipe's components: from Helm's records, or from Argo CD's Applications.
//!
//! Helm's records say more than versions: where a release is, its chart, what its objects are called and its values. What
//! may not be read is said to be unknown, and nothing of it is taken for not installed.

use super::{ArgoCounts, ClusterSource, HelmCounts, Source};
use crate::{
    catalog::Catalog,
    cluster::{Connection, applications, releases},
    diff::{
        self,
        observed::{Contents, Observed, chart_name, take},
    },
    inventory::{
        Fact, Inventory,
        release::{Content, Release},
    },
    ops::{Failure, Kind, diff::bundled},
    recipe::ComponentRef,
    upgrade::{identity, report::Component},
};
use futures::StreamExt;
use serde::Serialize;
use std::collections::BTreeMap;

/// A cluster, or the snapshot of one.
#[derive(Clone, Copy)]
pub struct Live<'c> {
    /// `None` for a saved snapshot.
    pub connection: Option<&'c Connection>,
    /// Context name or file name.
    pub name: &'c str,
    pub inventory: &'c Inventory,
}

/// Where a component was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Of the Helm release or the Application.
    pub release: String,
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chart: String,
    /// Helm's word, such as `deployed` or `failed`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
}

/// The components of a recipe that a cluster runs.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    pub components: Vec<Component>,
    pub source: ClusterSource,
    /// By component.
    pub found: BTreeMap<String, Found>,
    /// What is wanted and what runs, with values; `None` where those are not known.
    pub(super) observed: Option<Observed>,
    /// Why object names and values are not compared.
    pub(super) skipped: Option<String>,
}

impl Installed {
    /// Why object names and values are not known.
    pub fn unknown(&self) -> Option<&str> {
        self.skipped.as_deref()
    }
}

/// Secrets that are asked for at the same time.
const AT_ONCE: usize = 8;

/// Finds the components of a recipe.
///
/// # Errors
/// Releases or Applications that may not be listed.
pub async fn installed(
    catalog: &Catalog,
    live: Live<'_>,
    target: &Source,
    deployer: &str,
) -> Result<Installed, Failure> {
    if deployer.starts_with("argocd") { by_argo(live, target).await } else { by_helm(catalog, live, target).await }
}

/// Which deployer installed the components, and how that is known.
pub async fn deployer(live: Live<'_>, target: &Source) -> (&'static str, &'static str) {
    let Some(connection) = live.connection else { return ("helm", "a saved snapshot does not show the deployer") };
    let is_ours = |synced: &applications::Synced| {
        let chart = chart_name(&synced.chart);
        let mut wanted = target.components.iter().filter_map(|component| component.used.as_ref());
        wanted.any(|used| used.name == synced.application || chart_name(&used.chart) == chart)
    };
    let found = applications::all(connection).await;
    if let Ok(Some(all)) = &found
        && all.synced.iter().any(is_ours)
    {
        return ("argocd", "Argo CD has applications of the recipe");
    }
    match (applications::has_flux(connection).await, found) {
        (Ok(true), _) => ("flux", "the cluster has Flux"),
        (Ok(false), Ok(_)) => ("helm", "the cluster has neither Flux nor Argo CD applications of the recipe"),
        _ => ("helm", "whether the cluster has Argo CD or Flux could not be read"),
    }
}

async fn by_argo(live: Live<'_>, target: &Source) -> Result<Installed, Failure> {
    let Some(connection) = live.connection else {
        let because = "a saved snapshot does not have the Applications of Argo CD";
        return Err(Failure::new(Kind::Usage, "read the Argo CD applications", because).hint("check a live cluster"));
    };
    let all = applications::all(connection).await?.unwrap_or_default();
    let counts = ArgoCounts {
        applications: all.total,
        unreadable: all.unversioned,
        remote: all.remote,
        ..ArgoCounts::default()
    };
    let release = |synced: applications::Synced| Release {
        name: synced.application,
        namespace: Some(synced.namespace).filter(|namespace| !namespace.is_empty()),
        chart: Some(chart_name(&synced.chart).to_owned()),
        version: Some(synced.version).filter(|version| !version.is_empty()),
        ..Release::default()
    };
    let mut found = matched(live, target, all.synced.into_iter().map(release).collect(), &Contents::None);
    found.installed.source.argo = Some(ArgoCounts { unattributed: found.left.len(), ..counts });
    found.installed.skipped = Some("Applications do not show the values in effect".to_owned());
    Ok(found.installed)
}

async fn by_helm(catalog: &Catalog, live: Live<'_>, target: &Source) -> Result<Installed, Failure> {
    let forbidden = |because: String| {
        let failure = Failure::new(Kind::Forbidden, "read the Helm releases", because);
        let failure = failure.hint("ask for the right to list secrets and configmaps, where Helm keeps its releases");
        Err(match live.connection {
            Some(connection) => failure.at(connection.at()),
            None => failure.at(live.name),
        })
    };
    // By the labels of workloads alone, a release without workloads would pass for not installed.
    if let Some(gap) = live.inventory.gap("helm") {
        return forbidden(gap);
    }
    let all = match &live.inventory.releases {
        Fact::Known(releases) => &releases.value,
        Fact::Unknown(why) => return forbidden(why.to_string()),
    };
    let is_gone = |release: &&Release| {
        release.status.as_deref().is_some_and(|status| ["uninstalled", "uninstalling"].contains(&status))
    };
    let counts =
        HelmCounts { records: all.len(), uninstalled: all.iter().filter(is_gone).count(), ..HelmCounts::default() };
    let present: Vec<Release> = all.iter().filter(|release| !is_gone(release)).cloned().collect();
    let (contents, skipped) = match live.connection {
        Some(connection) => contents(connection, &present).await?,
        None => (Contents::None, Some("a saved snapshot does not have the content of Helm's records".to_owned())),
    };
    let (present, placed) = placed(present, &contents);
    let mut found = matched(live, target, present, &placed);
    let installed = &mut found.installed;
    let stamp = |release: &&Release| content_of(&placed, release).is_some_and(|it| it.component_version.is_some());
    installed.source.helm = Some(HelmCounts {
        unattributed: found.left.len(),
        unreadable: installed.components.iter().filter(|component| component.version.is_empty()).count(),
        stamped_unmatched: found.left.iter().filter(stamp).count(),
        ..counts
    });
    if let (Some(side), true) = (&target.side, contents.is_some()) {
        let wanted = bundled(side.clone(), catalog, &target.recipe)?;
        installed.observed = Some(diff::observed::sides(&wanted, live.inventory, &contents, live.name));
    }
    installed.skipped = skipped;
    Ok(found.installed)
}

/// What releases were installed with; where that may not be read, or is not of Helm, why.
async fn contents(connection: &Connection, present: &[Release]) -> Result<(Contents, Option<String>), Failure> {
    let revision = |release: &Release| {
        let revision = release.revision?.to_string();
        Some(releases::Revision {
            namespace: release.namespace.clone()?,
            name: release.name.clone(),
            revision,
            kept_in: release.kept_in,
        })
    };
    let known: Vec<releases::Revision> = present.iter().filter_map(revision).collect();
    let read = known.into_iter().map(|revision| releases::contents(connection, vec![revision]));
    let mut all = BTreeMap::new();
    let mut skipped = None;
    for one in futures::stream::iter(read).buffered(AT_ONCE).collect::<Vec<_>>().await {
        match one {
            Ok(one) => all.extend(one),
            Err(error) => {
                let failure = Failure::from(error);
                match failure.kind {
                    Kind::Unreachable | Kind::Timeout | Kind::RateLimited => return Err(failure),
                    _ => skipped = Some(format!("failed to {}: {}", failure.doing, failure.why())),
                }
            }
        }
    }
    Ok((Some(all).filter(|all| !all.is_empty()), skipped))
}

/// The releases in the namespaces of their objects, each once, with their contents under those names: Flux keeps the record
/// of a release next to its HelmRelease, and the workloads of the release are elsewhere.
fn placed(present: Vec<Release>, contents: &Contents) -> (Vec<Release>, Contents) {
    let mut placed = BTreeMap::new();
    let mut releases: Vec<Release> = Vec::new();
    for mut release in present {
        if let Some(content) = content_of(contents, &release) {
            release.namespace = content.namespace.clone().or(release.namespace);
            placed.extend(release.namespace.clone().map(|it| ((it, release.name.clone()), content.clone())));
        }
        let is_same = |known: &&mut Release| known.name == release.name && known.namespace == release.namespace;
        match releases.iter_mut().find(is_same) {
            // What Helm says counts more than what its objects say.
            Some(known) if known.revision.is_none() => *known = release,
            Some(_) if release.revision.is_none() => {}
            _ => releases.push(release),
        }
    }
    (releases, contents.as_ref().map(|_| placed))
}

fn content_of<'c>(contents: &'c Contents, release: &Release) -> Option<&'c Content> {
    contents.as_ref()?.get(&(release.namespace.clone()?, release.name.clone()))
}

struct Matched {
    installed: Installed,
    /// Releases that belong to no component.
    left: Vec<Release>,
}

/// Each component of the recipe with its release.
fn matched(live: Live<'_>, target: &Source, mut releases: Vec<Release>, contents: &Contents) -> Matched {
    for release in &mut releases {
        if let Some(content) = content_of(contents, release) {
            release.chart = content.chart.clone().or(release.chart.take());
            let version = content.component_version.clone().or(content.version.clone());
            release.version = version.or(release.version.take());
        }
        // An upgrade that failed, or has not ended, leaves objects of both versions.
        if release.status.as_deref().is_some_and(|status| status != "deployed") {
            release.version = None;
        }
    }
    let mut installed = Installed {
        source: ClusterSource { context: live.name.to_owned(), ..ClusterSource::default() },
        ..Installed::default()
    };
    for wanted in &target.components {
        let Some(used) = &wanted.used else { continue };
        let Some(release) = take(&mut releases, &wanted.name, chart_name(&used.chart), &used.namespace) else {
            continue;
        };
        installed.source.matched += 1;
        let content = content_of(contents, &release);
        installed.components.push(Component {
            name: wanted.name.clone(),
            version: release.version.clone().unwrap_or_default(),
            used: Some(place(used, &release, content)),
            object_names: content.map(|content| identity::object_names(&content.config)),
        });
        let found = Found {
            release: release.name,
            namespace: release.namespace.unwrap_or_default(),
            chart: release.chart.unwrap_or_default(),
            status: release.status.unwrap_or_default(),
        };
        installed.found.insert(wanted.name.clone(), found);
    }
    Matched { installed, left: releases }
}

/// The component as it is installed: what a cluster does not show is taken from the recipe.
fn place(wanted: &ComponentRef, release: &Release, content: Option<&Content>) -> ComponentRef {
    let mut used = wanted.clone();
    if let Some(namespace) = &release.namespace {
        used.namespace.clone_from(namespace);
    }
    // A chart that a bundle has wrapped has the bundle's name for it.
    let is_wrapped = content.is_some_and(|content| content.component_version.is_some());
    if let Some(chart) = release.chart.as_ref().filter(|chart| !is_wrapped && **chart != chart_name(&wanted.chart)) {
        used.chart.clone_from(chart);
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_where_its_objects_are_and_not_where_its_record_is() {
        let release = |namespace: &str, revision| Release {
            name: "gpu-driver".into(),
            namespace: Some(namespace.into()),
            revision,
            ..Release::default()
        };
        let content = Content { namespace: Some("gpu".into()), chart: Some("driver".into()), ..Content::default() };
        let contents: Contents = Some(BTreeMap::from([(("flux-system".into(), "gpu-driver".into()), content.clone())]));
        // The workloads of the release say where they are, the record says where it is itself.
        for present in [
            vec![release("flux-system", Some(3)), release("gpu", None)],
            vec![release("gpu", None), release("flux-system", Some(3))],
        ] {
            let (releases, placed) = placed(present, &contents);
            assert_eq!(releases, [release("gpu", Some(3))]);
            assert_eq!(placed, Some(BTreeMap::from([(("gpu".into(), "gpu-driver".into()), content.clone())])));
        }
        let (others, _) = placed(vec![release("a", Some(1)), release("b", Some(1))], &None);
        assert_eq!(others.len(), 2, "two namespaces may have releases of one name");
    }
}
