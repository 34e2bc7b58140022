//! What is installed: Helm releases, and the workloads that charts leave.

use super::text::Text;
use serde_json::Value;
use std::collections::BTreeMap;

/// One Helm release, by what Helm keeps of it and by what its objects carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    pub name: String,
    pub namespace: Option<String>,
    pub chart: Option<String>,
    pub version: Option<String>,
    /// Helm's word: `deployed`, `failed`, `pending-upgrade`; absent where Helm's own records could not be read.
    pub status: Option<String>,
    pub revision: Option<u64>,
    pub kept_in: KeptIn,
}

/// What Helm's record of a release holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// Where its objects are; Flux may keep the record somewhere else.
    pub namespace: Option<String>,
    pub chart: Option<String>,
    pub version: Option<String>,
    /// What it was installed with, over `defaults`.
    pub config: Value,
    /// The chart's own values.
    pub defaults: Value,
    /// The version of the component, where a bundle has written it on a chart that it wraps.
    pub component_version: Option<String>,
}

/// A Deployment, DaemonSet or StatefulSet that says which component it belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// `app.kubernetes.io/name`.
    pub component: Option<String>,
    /// Chart name and version, from `helm.sh/chart`.
    pub chart: Option<(String, String)>,
    /// Release name and namespace; by annotation, else by `app.kubernetes.io/instance`.
    pub release: Option<(String, String)>,
    /// `app.kubernetes.io/version`.
    pub version: Option<String>,
    pub managed_by: Option<String>,
    pub desired: u64,
    pub ready: u64,
}

/// In which kind of object Helm keeps a release: `HELM_DRIVER` decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptIn {
    #[default]
    Secret,
    ConfigMap,
}

/// The newest revision of a release in Helm's records.
#[derive(Clone, Debug, PartialEq)]
pub struct HelmRecord {
    pub kept_in: KeptIn,
    pub namespace: String,
    pub name: String,
    pub revision: u64,
    pub status: String,
}

/// The API server's version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerVersion {
    /// With its leading `v` and the vendor's suffix: `v1.33.5-eks-113cf36`.
    pub git_version: Text,
    pub platform: Text,
    pub go_version: Text,
}

/// Releases by name and namespace: what charts left on workloads, with what Helm's own records say.
///
/// A release holds the objects of its subcharts too; its own chart is the one it is named after, else the first.
pub fn releases(workloads: &[Workload], records: &[HelmRecord]) -> Vec<Release> {
    let mut releases: BTreeMap<(&str, &str), Release> = BTreeMap::new();
    for workload in workloads {
        let (Some((name, namespace)), Some((chart, version))) = (&workload.release, &workload.chart) else { continue };
        let release = releases.entry((name, namespace)).or_insert_with(|| Release {
            name: name.clone(),
            namespace: Some(namespace.clone()),
            ..Release::default()
        });
        if release.chart.is_none() || chart == name {
            release.chart = Some(chart.clone());
            release.version = Some(version.clone()).filter(|version| !version.is_empty());
        }
    }
    for record in records {
        let HelmRecord { kept_in, namespace, name, revision, status } = record;
        let release = releases.entry((name, namespace)).or_insert_with(|| Release {
            name: name.clone(),
            namespace: Some(namespace.clone()),
            ..Release::default()
        });
        release.status = Some(status.clone());
        release.revision = Some(*revision);
        release.kept_in = *kept_in;
    }
    releases.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(name: &str, chart: &str, release: (&str, &str)) -> Workload {
        Workload {
            name: name.into(),
            chart: Some((chart.into(), "1.0.0".into())),
            release: Some((release.0.into(), release.1.into())),
            ..Workload::default()
        }
    }

    #[test]
    fn the_chart_that_a_release_is_named_after_is_its_chart() {
        let release = ("gpu-operator", "gpu-operator");
        let workloads = [
            workload("a", "node-feature-discovery", release),
            workload("b", "gpu-operator", release),
            workload("c", "x", release),
        ];
        assert_eq!(releases(&workloads, &[])[0].chart.as_deref(), Some("gpu-operator"));
    }

    #[test]
    fn two_releases_of_one_name_in_two_namespaces_stay_two() {
        let workloads = [workload("a", "redis", ("cache", "one")), workload("b", "redis", ("cache", "two"))];
        let record = HelmRecord {
            kept_in: KeptIn::Secret,
            namespace: "two".into(),
            name: "cache".into(),
            revision: 3,
            status: "failed".into(),
        };
        let shown: Vec<String> = releases(&workloads, &[record])
            .into_iter()
            .map(|release| format!("{}/{} {:?}", release.namespace.unwrap_or_default(), release.name, release.revision))
            .collect();
        assert_eq!(shown, ["one/cache None", "two/cache Some(3)"]);
    }
}
