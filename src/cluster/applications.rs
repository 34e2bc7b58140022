//! What Argo CD has synced into this cluster, from its Application objects.

use super::{ClusterError, ClusterErrorKind, Connection, collect::list};
use serde::Deserialize;

/// One chart that an Application has synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    pub application: String,
    pub chart: String,
    /// The synced revision, not the wanted one; empty where nothing was synced.
    pub version: String,
    /// Where the chart's objects go.
    pub namespace: String,
}

/// All Applications of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applications {
    pub synced: Vec<Synced>,
    /// Applications in all; those for other clusters among them.
    pub total: usize,
    /// For other clusters: nothing of theirs is here.
    pub remote: usize,
    /// Without a chart source: a path in a repository does not say which version it holds.
    pub unversioned: usize,
}

#[derive(Deserialize)]
struct Application {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    destination: Destination,
    source: Option<Source>,
    sources: Vec<Source>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Destination {
    server: String,
    name: String,
    namespace: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    chart: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    sync: Sync,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sync {
    revision: String,
    /// One for each of `sources`.
    revisions: Vec<String>,
}

/// Reads all Applications; `None` where the cluster has no Argo CD.
///
/// # Errors
/// The list is forbidden or fails.
pub async fn all(connection: &Connection) -> Result<Option<Applications>, ClusterError> {
    let path = "/apis/argoproj.io/v1alpha1/applications";
    let listed = list::all::<Application, Application>(connection, "list Argo CD applications", path, |app| app).await;
    match listed {
        Ok(listed) => Ok(Some(sort(listed.items))),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the cluster has Flux, by its kind of a Helm release.
///
/// # Errors
/// The API server cannot be asked, or does not say.
pub async fn has_flux(connection: &Connection) -> Result<bool, ClusterError> {
    let path = "/apis/helm.toolkit.fluxcd.io";
    match list::get::<serde::de::IgnoredAny>(connection, "find Flux", path).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn sort(items: Vec<Application>) -> Applications {
    let mut found = Applications { total: items.len(), ..Applications::default() };
    for Application { metadata, spec, status } in items {
        let Spec { destination, source, sources } = spec;
        let here = destination.server == "https://kubernetes.default.svc"
            || destination.name == "in-cluster"
            || (destination.server.is_empty() && destination.name.is_empty());
        if !here {
            found.remote += 1;
            continue;
        }
        let single = source.map(|source| (source.chart, status.sync.revision));
        let revisions = status.sync.revisions.into_iter().chain(std::iter::repeat(String::new()));
        let several = sources.into_iter().map(|source| source.chart).zip(revisions);
        let charts: Vec<(String, String)> =
            single.into_iter().chain(several).filter(|(chart, _)| !chart.is_empty()).collect();
        if charts.is_empty() {
            found.unversioned += 1;
        }
        found.synced.extend(charts.into_iter().map(|(chart, version)| Synced {
            application: metadata.name.clone(),
            chart,
            version,
            namespace: destination.namespace.clone(),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_synced_revision_counts_and_other_clusters_do_not() {
        let here = json!({"server": "https://kubernetes.default.svc", "namespace": "gpu-operator"});
        let items = json!([
            {"metadata": {"name": "gpu-operator"}, "spec": {"destination": here, "source": {"chart": "gpu-operator", "targetRevision": "v26.7.1"}},
             "status": {"sync": {"revision": "v26.3.2"}}},
            {"metadata": {"name": "nfd"}, "spec": {"destination": {"name": "in-cluster"}, "sources": [{"path": "values"}, {"chart": "nfd"}]},
             "status": {"sync": {"revisions": ["abc", "0.19.0"]}}},
            {"metadata": {"name": "far"}, "spec": {"destination": {"server": "https://elsewhere"}, "source": {"chart": "x"}}},
            {"metadata": {"name": "path"}, "spec": {"destination": here, "source": {"path": "charts/x"}}},
        ]);
        let found = sort(serde_json::from_value(items).unwrap());
        let charts: Vec<(&str, &str)> = found.synced.iter().map(|one| (&*one.chart, &*one.version)).collect();
        assert_eq!(charts, [("gpu-operator", "v26.3.2"), ("nfd", "0.19.0")]);
        assert_eq!((found.total, found.remote, found.unversioned), (4, 1, 1));
    }
}
