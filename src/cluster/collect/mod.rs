//! Live readings, one collector per file, listed in [`ALL`]; each degrades alone.
//!
//! In: a connection. Out: an [`Update`] of the [`Parts`] that are known of the cluster; [`Assembler`] makes an inventory
//! of them. Nothing is written to the cluster, and of secrets only the metadata of Helm releases is asked for.
//!
//! A collector whose readings have no type of their own puts them into [`Parts::readings`]: they are in the file and can
//! be named by constraints without another line.

mod assemble;
mod claims;
mod features;
mod helm;
mod identity;
mod images;
pub(crate) mod list;
mod mariadb;
mod mongodb;
mod node_selector;
pub(super) mod nodes;
mod oke_plugin;
pub mod operators;
pub(super) mod pods;
mod policy;
mod slices;
mod slurm;
mod storage;
mod version;
mod workloads;

pub use assemble::Assembler;

use self::node_selector::NodeSelector;
use super::{ClusterError, ClusterErrorKind, Connection, decode::pod::Pod};
use crate::inventory::{
    Inventory, Measurement, State, Text,
    node::{Device, Features, NodeReport},
    release::{HelmRecord, ServerVersion, Workload},
};
use futures::future::{BoxFuture, join_all};
use std::collections::{BTreeMap, HashSet};

/// One thing that is read from the API server.
pub struct Collector {
    /// Key in subtype `K8s.collection`.
    pub name: &'static str,
    /// The permission it needs, for a person to ask for: `list nodes`.
    pub needs: &'static str,
    /// Whether facts of nodes follow from it.
    concerns_nodes: bool,
    /// Its readings where it could not be read, for those that have a word for that.
    unread: Option<fn() -> Vec<Measurement>>,
    read: for<'c> fn(&'c Connection) -> BoxFuture<'c, Result<Update, ClusterError>>,
}

/// What one source gave: a change of what is known.
pub type Update = Box<dyn FnOnce(&mut Parts) + Send>;

/// Every collector, in the order in which `K8s.collection` names them.
pub const ALL: &[Collector] = &[
    version::COLLECTOR,
    identity::COLLECTOR,
    nodes::COLLECTOR,
    pods::COLLECTOR,
    policy::COLLECTOR,
    workloads::COLLECTOR,
    helm::COLLECTOR,
    slices::COLLECTOR,
    claims::COLLECTOR,
    features::COLLECTOR,
    slurm::COLLECTOR,
    mariadb::COLLECTOR,
    mongodb::COLLECTOR,
    storage::COLLECTOR,
    oke_plugin::COLLECTOR,
];

/// Everything that is known of a cluster, as its objects say it.
#[derive(Default)]
pub struct Parts {
    pub server: Option<ServerVersion>,
    /// UID of namespace `kube-system`.
    pub identity: Option<String>,
    pub reports: BTreeMap<Text, NodeReport>,
    pub pods: BTreeMap<Text, Pod>,
    pub policies: Vec<policy::Policy>,
    pub workloads: Vec<Workload>,
    pub records: Vec<HelmRecord>,
    pub devices: Vec<Device>,
    /// Devices that do not name their node but describe it.
    pub described_devices: Vec<(NodeSelector, Device)>,
    /// Driver, pool and name of devices that are allocated to claims.
    pub allocations: HashSet<(String, String, String)>,
    pub features: BTreeMap<String, Features>,
    /// By collector: readings that have no type of their own.
    pub readings: BTreeMap<&'static str, Vec<Measurement>>,
    pub states: BTreeMap<&'static str, State>,
    errors: BTreeMap<&'static str, ClusterError>,
}

impl Parts {
    /// Takes what a source answered. After a failure its last good part stays.
    fn take(&mut self, source: &'static str, answer: Result<Update, ClusterError>) {
        let state = match answer {
            Ok(update) => {
                update(self);
                State::Ok
            }
            Err(error) if error.kind == ClusterErrorKind::NotFound => State::NotServed,
            Err(error) => {
                let collector = ALL.iter().find(|collector| collector.name == source);
                let needs = collector.map_or("", |collector| collector.needs);
                if let Some(unread) = collector.and_then(|collector| collector.unread) {
                    self.readings.entry(source).or_insert_with(unread);
                }
                let reason = format!("{needs}: {}", error.found);
                let forbidden = error.kind == ClusterErrorKind::Forbidden;
                self.errors.insert(source, error);
                self.states.insert(source, if forbidden { State::Forbidden(reason) } else { State::Failed(reason) });
                return;
            }
        };
        self.errors.remove(source);
        self.states.insert(source, state);
    }

    /// Whether nothing at all was read: no source, or none of what every API server has, from something that is no API server.
    /// There the sources of what may be absent are well: it is.
    pub fn is_blank(&self) -> bool {
        let core = [version::NAME, identity::NAME, nodes::NAME, pods::NAME].map(|name| self.errors.get(name));
        let is_foreign = core.iter().all(Option::is_some)
            && core.into_iter().flatten().any(|error| error.kind == ClusterErrorKind::Protocol);
        is_foreign || !self.states.values().any(|state| *state == State::Ok)
    }

    /// The error that says most when nothing was read: that of the nodes, which everything else depends on.
    pub fn worst(&self) -> Option<&ClusterError> {
        self.errors.get(nodes::NAME).or_else(|| self.errors.values().next())
    }
}

fn concerns_nodes(source: &str) -> bool {
    ALL.iter().any(|collector| collector.name == source && collector.concerns_nodes)
}

/// What can be read of a live cluster, agentless and read-only. `now` is RFC 3339.
///
/// What one source lacks is said in [`Inventory::sources`].
///
/// # Errors
/// Only when nothing at all can be read.
pub async fn snapshot(connection: &Connection, now: &str) -> Result<Inventory, ClusterError> {
    let mut assembler = Assembler::default();
    let answers = join_all(ALL.iter().map(|source| async { (source.name, read(source, connection).await) })).await;
    for (name, answer) in answers {
        assembler.take(name, answer);
    }
    match assembler.parts().worst() {
        Some(error) if assembler.parts().is_blank() => Err(error.clone()),
        _ => Ok(assembler.inventory(&connection.context, now)),
    }
}

/// Reads one source.
///
/// # Errors
/// Whatever the API server answers instead of the objects.
pub(super) async fn read(collector: &Collector, connection: &Connection) -> Result<Update, ClusterError> {
    (collector.read)(connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_collectors_are_unique() {
        let mut names: Vec<&str> = ALL.iter().map(|collector| collector.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
