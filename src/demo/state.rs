//! A running demo cluster: the store behind a lock, its clock, its faults, and the logs of its pods.

use super::{
    PodRunner,
    api::Tx,
    clock::{Clock, Ids, chance},
    faults::Faults,
    http::Pages,
    kinds::{ALL, Kind, KindId},
    logs::Logs,
    status::Refusal,
    store::{Key, Store},
    world::Built,
};
use serde_json::Value;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

pub struct Cluster {
    pub seed: u64,
    pub clock: Clock,
    pub faults: Faults,
    pub runner: Option<PodRunner>,
    pub logs: Logs,
    /// What Services answer.
    pub pages: Vec<Pages>,
    /// `GET /version`.
    pub version: Value,
    /// Custom resources that are served.
    custom: HashSet<KindId>,
    state: Mutex<State>,
    revision: watch::Sender<u64>,
    /// Image and node of every image that was pulled.
    images: Mutex<HashSet<(String, String)>>,
}

struct State {
    store: Store,
    ids: Ids,
}

impl Cluster {
    pub fn new(seed: u64, clock: Clock, faults: Faults, runner: Option<PodRunner>, built: Built) -> Cluster {
        let Built { store, pages, version, custom } = built;
        let revision = watch::Sender::new(store.revision());
        let ids = Ids::new(chance(seed, &["names"]));
        Cluster {
            seed,
            clock,
            faults,
            runner,
            logs: Logs::default(),
            pages,
            version,
            custom,
            state: Mutex::new(State { store, ids }),
            revision,
            images: Mutex::new(HashSet::new()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while writing left the store between two writes, which is a state like any other.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        read(&self.state().store)
    }

    /// Writes, and wakes whoever watches.
    pub fn write<T>(&self, write: impl FnOnce(&mut Tx) -> T) -> T {
        let mut state = self.state();
        let State { store, ids } = &mut *state;
        let result = write(&mut Tx { store, ids, clock: &self.clock });
        let revision = state.store.revision();
        drop(state);
        self.revision.send_if_modified(|known| std::mem::replace(known, revision) != revision);
        result
    }

    /// The current object, if it is there and still the one that was meant.
    pub fn object(&self, key: &Key, uid: &str) -> Option<Value> {
        self.read(|store| store.get(key).filter(|stored| stored.uid == uid).map(|stored| stored.value()))
    }

    pub fn get(&self, key: &Key) -> Result<Value, Refusal> {
        let stored = self.read(|store| store.get(key).cloned());
        stored.map(|stored| stored.value()).ok_or_else(|| Refusal::not_found(key.spec(), &key.name))
    }

    /// Kinds that are served: those of Kubernetes, and custom ones that the cluster has.
    pub fn kinds(&self) -> impl Iterator<Item = &'static Kind> + '_ {
        let is_served = |(id, kind): &(KindId, &Kind)| !kind.is_custom() || self.custom.contains(id);
        ALL.iter().enumerate().filter(is_served).map(|(_, kind)| kind)
    }

    /// Wakes whoever watches, though nothing was written.
    pub fn wake(&self) {
        self.revision.send_modify(|_| {});
    }

    /// Wakes at each write.
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub fn has_image(&self, node: &str, image: &str) -> bool {
        self.images().contains(&(node.to_owned(), image.to_owned()))
    }

    pub fn keep_image(&self, node: &str, image: &str) {
        self.images().insert((node.to_owned(), image.to_owned()));
    }

    fn images(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
