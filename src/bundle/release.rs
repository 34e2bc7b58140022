//! The Helm releases of a bundle: for every component the one of its chart, and those before and behind it.

use super::{
    flags::ValuePath,
    manifest::Manifest,
    vendor::{self, Archive},
};
use serde_json::Value;
use std::{fmt, sync::Arc};

/// Which of the releases of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Manifests that must be there before the chart.
    Pre,
    /// The chart, or the manifests of a component without one.
    Primary,
    /// Manifests that need what the chart brings.
    Post,
    /// The gate that holds back what comes next.
    Readiness,
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Pre, Role::Primary, Role::Post, Role::Readiness];

    /// What is behind the name of the component.
    pub fn suffix(self) -> &'static str {
        match self {
            Role::Pre => "-pre",
            Role::Primary => "",
            Role::Post => "-post",
            Role::Readiness => "-readiness",
        }
    }

    /// Its place within the component, from 0.
    pub fn phase(self) -> usize {
        self as usize
    }
}

/// What a deployment allows a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whether its workloads are awaited.
    pub is_awaited: bool,
    /// Until it has failed.
    pub timeout_seconds: u32,
    /// How often it may be tried again at most; `None` leaves that to whoever deploys.
    pub retries: Option<u32>,
}

/// The limits of a release, which follow from its name and role alone: files of a bundle do not repeat them.
pub fn limits(name: &str, role: Role) -> Limits {
    let is_awaited = name != "kai-scheduler";
    Limits {
        is_awaited,
        timeout_seconds: match (role, is_awaited) {
            (Role::Readiness, _) => 95 * 60,
            (_, false) => 20 * 60,
            _ => 10 * 60,
        },
        retries: (role == Role::Readiness || !is_awaited).then_some(1),
    }
}

/// Where the chart of a release is.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// In a repository of charts.
    Repository { name: String, url: String, version: String },
    /// In an OCI registry: `url` is that of the folder above the chart.
    Oci { name: String, url: String, version: String },
    /// In the bundle, rendered.
    Local { manifests: Vec<Manifest> },
    /// In the bundle, as it was fetched: inside a chart of ours, which takes values for it below its name.
    Vendored { name: String, url: String, version: String, archive: Archive },
}

impl Chart {
    pub fn is_local(&self) -> bool {
        matches!(self, Chart::Local { .. } | Chart::Vendored { .. })
    }

    /// The chart as Helm takes it, and the repository as `--repo` takes it; empty where there is none.
    pub fn reference(&self) -> (String, &str) {
        match self {
            Chart::Repository { name, url, .. } => (name.clone(), url),
            Chart::Oci { name, url, .. } => (format!("{url}/{name}"), ""),
            Chart::Local { .. } | Chart::Vendored { .. } => (".".to_owned(), ""),
        }
    }

    /// Name, repository as the recipe has it, and version; none for one in the bundle.
    pub fn upstream(&self) -> Option<(&str, &str, &str)> {
        match self {
            Chart::Repository { name, url, version } | Chart::Oci { name, url, version } => Some((name, url, version)),
            Chart::Local { .. } | Chart::Vendored { .. } => None,
        }
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chart::Repository { name, url, version } => write!(f, "{name} {version} ({url})"),
            Chart::Oci { name, url, version } => write!(f, "{url}/{name} {version}"),
            Chart::Vendored { name, archive, .. } => write!(f, "charts/{}", vendor::file_name(name, archive)),
            Chart::Local { manifests } => {
                let names: Vec<&str> = manifests
                    .iter()
                    .filter(|manifest| !manifest.objects.is_empty())
                    .map(|manifest| manifest.file_name())
                    .collect();
                match names.is_empty() {
                    true => f.write_str("no manifests"),
                    false => f.write_str(&names.join(", ")),
                }
            }
        }
    }
}

/// One release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Of the component, with the suffix of its role.
    pub name: String,
    /// Into the components of the plan.
    pub component: usize,
    pub role: Role,
    pub namespace: String,
    /// From 1, in the order of deployment.
    pub number: usize,
    pub chart: Chart,
    /// What is fixed.
    pub values: Arc<Value>,
    /// What is left to the installation, with what it would be without a word.
    pub dynamic: Arc<Value>,
    /// What is left to the installation and has no value yet.
    pub unset: Vec<ValuePath>,
    /// The longest way to a release that needs nothing.
    pub level: usize,
    /// Releases that must be there before, as positions in the order of deployment, lowest first.
    pub needs: Vec<usize>,
    /// The chart creates the namespace of the release itself.
    pub owns_namespace: bool,
    /// An upgrade must apply the chart's CRDs itself.
    pub owns_crds: bool,
    /// The objects cannot be checked against the cluster before they are there.
    pub is_unchecked: bool,
}

impl Release {
    /// Its numbered folder.
    pub fn folder(&self) -> String {
        format!("{:03}-{}", self.number, self.name)
    }

    /// The namespace to install it in where the tool makes no other one: Helm keeps its record there, so that must be there
    /// before the chart that creates the namespace of the release. Its objects name theirs.
    pub fn home(&self) -> &str {
        if self.owns_namespace { "default" } else { &self.namespace }
    }

    /// Whether nothing waits for it: the scheduler's own pods wait for what comes later.
    pub fn is_awaited(&self) -> bool {
        limits(&self.name, self.role).is_awaited
    }

    /// Seconds until it has failed.
    pub fn timeout(&self) -> u32 {
        limits(&self.name, self.role).timeout_seconds
    }

    /// How often it may be tried again at most.
    pub fn retries(&self) -> Option<u32> {
        limits(&self.name, self.role).retries
    }

    /// What is left to the installation, or not.
    pub fn is_dynamic(&self) -> bool {
        !self.unset.is_empty() || self.dynamic.as_object().is_some_and(|entries| !entries.is_empty())
    }
}
