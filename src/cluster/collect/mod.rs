//! Live readings, one collector per source, listed in [`ALL`]; each degrades alone.
//!
//! In: a connection. Out: [`Facts`], pruned, with the state of every source; [`assemble`] makes a snapshot of them.
//! Nothing is written to the cluster, and of secrets only the metadata of Helm releases is asked for.

mod assemble;
mod features;
mod gpu;
mod helm;
mod identity;
mod images;
pub(crate) mod list;
pub(super) mod nodes;
mod os;
pub(super) mod pods;
mod policy;
mod service;
mod slices;
mod version;
mod workloads;

pub use assemble::assemble;

use super::{
    ClusterError, ClusterErrorKind, Connection,
    prune::{Node, Pod},
};
use crate::snapshot::Snapshot;
use futures::future::{BoxFuture, join_all};
use std::collections::BTreeMap;

/// One thing that is read from the API server.
pub struct Source {
    /// Key in subtype `K8s.collection`.
    pub name: &'static str,
    /// The permission it needs, for a person to ask for: `list nodes`.
    pub needs: &'static str,
    read: for<'c> fn(&'c Connection) -> BoxFuture<'c, Result<Part, ClusterError>>,
}

/// Every source, in the order in which `K8s.collection` tells of them.
pub const ALL: &[Source] = &[
    Source { name: version::NAME, needs: "get /version", read: |c| Box::pin(version::read(c)) },
    Source { name: identity::NAME, needs: "get namespace kube-system", read: |c| Box::pin(identity::read(c)) },
    Source { name: nodes::NAME, needs: "list nodes", read: |c| Box::pin(nodes::read(c)) },
    Source { name: pods::NAME, needs: "list pods", read: |c| Box::pin(pods::read(c)) },
    Source { name: policy::NAME, needs: "list clusterpolicies.nvidia.com", read: |c| Box::pin(policy::read(c)) },
    Source { name: workloads::NAME, needs: "list deployments.apps", read: |c| Box::pin(workloads::read(c)) },
    Source { name: helm::NAME, needs: "list secrets", read: |c| Box::pin(helm::read(c)) },
    Source { name: slices::NAME, needs: "list resourceslices.resource.k8s.io", read: |c| Box::pin(slices::read(c)) },
    Source { name: features::NAME, needs: "list nodefeatures.nfd.k8s-sigs.io", read: |c| Box::pin(features::read(c)) },
];

/// What one source gave.
pub enum Part {
    Version(version::Version),
    Identity(String),
    Nodes(Vec<Node>),
    Pods(Vec<Pod>),
    Policies(Vec<policy::Policy>),
    Workloads(Vec<workloads::Workload>),
    Releases(Vec<helm::Release>),
    Devices(Vec<slices::Device>),
    Features(Vec<features::Features>),
}

/// How the last reading of a source went.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Ok,
    Forbidden(ClusterError),
    /// The cluster does not know the resource: the operator that brings it is not installed.
    NotServed,
    Failed(ClusterError),
}

impl State {
    /// The word in the file.
    pub fn word(&self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Forbidden(_) => "forbidden",
            State::NotServed => "not served",
            State::Failed(_) => "failed",
        }
    }

    /// What a person lacks through it; `None` for a source that answered, or has nothing to answer with.
    pub fn error(&self) -> Option<&ClusterError> {
        match self {
            State::Ok | State::NotServed => None,
            State::Forbidden(error) | State::Failed(error) => Some(error),
        }
    }
}

/// Everything that is known of a cluster, pruned.
#[derive(Clone, Default)]
pub struct Facts {
    pub version: Option<version::Version>,
    /// UID of namespace `kube-system`, which outlives renamed contexts and moved endpoints.
    pub identity: Option<String>,
    pub nodes: BTreeMap<String, Node>,
    pub pods: BTreeMap<String, Pod>,
    pub policies: Vec<policy::Policy>,
    pub workloads: Vec<workloads::Workload>,
    pub releases: Vec<helm::Release>,
    pub devices: Vec<slices::Device>,
    pub features: BTreeMap<String, features::Features>,
    pub states: BTreeMap<&'static str, State>,
}

impl Facts {
    /// Takes what a source answered. After a failure its last good part stays.
    pub fn take(&mut self, source: &'static str, answer: Result<Part, ClusterError>) {
        let state = match answer {
            Ok(part) => {
                self.keep(part);
                State::Ok
            }
            Err(error) => match error.kind {
                ClusterErrorKind::Forbidden => State::Forbidden(error),
                ClusterErrorKind::NotFound => State::NotServed,
                _ => State::Failed(error),
            },
        };
        self.states.insert(source, state);
    }

    fn keep(&mut self, part: Part) {
        match part {
            Part::Version(version) => self.version = Some(version),
            Part::Identity(uid) => self.identity = Some(uid),
            Part::Nodes(nodes) => {
                self.nodes = nodes.into_iter().map(|node| (node.row.name.clone(), node)).collect();
            }
            Part::Pods(pods) => self.pods = pods.into_iter().map(|pod| (pod.name.clone(), pod)).collect(),
            Part::Policies(policies) => self.policies = policies,
            Part::Workloads(workloads) => self.workloads = workloads,
            Part::Releases(releases) => self.releases = releases,
            Part::Devices(devices) => self.devices = devices,
            Part::Features(features) => {
                self.features = features.into_iter().map(|features| (features.node.clone(), features)).collect();
            }
        }
    }

    /// Whether anything at all was read.
    pub(super) fn is_blank(&self) -> bool {
        !self.states.values().any(|state| *state == State::Ok)
    }

    /// The error that tells most when nothing was read: that of the nodes, which everything else hangs on.
    pub(super) fn worst(&self) -> Option<&ClusterError> {
        let of = |name: &str| self.states.get(name).and_then(State::error);
        of(nodes::NAME).or_else(|| self.states.values().find_map(State::error))
    }
}

/// One snapshot of a live cluster, agentless and read-only. `now` is RFC 3339.
///
/// Fails only when nothing at all can be read; what one source lacks is said in subtype `K8s.collection`.
pub async fn snapshot(connection: &Connection, now: &str) -> Result<Snapshot, ClusterError> {
    let mut facts = Facts::default();
    let answers = join_all(ALL.iter().map(|source| async { (source.name, read(source, connection).await) })).await;
    for (name, answer) in answers {
        facts.take(name, answer);
    }
    match facts.worst() {
        Some(error) if facts.is_blank() => Err(error.clone()),
        _ => Ok(assemble(&facts, &connection.context, now)),
    }
}

/// Reads one source.
pub(super) async fn read(source: &Source, connection: &Connection) -> Result<Part, ClusterError> {
    (source.read)(connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_names_are_unique() {
        let mut names: Vec<&str> = ALL.iter().map(|source| source.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
