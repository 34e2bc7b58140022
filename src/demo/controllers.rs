//! What happens by itself after a write: Jobs and Pods begin to live, dependents go after their owners, namespaces are
//! furnished and emptied.
//!
//! One task follows the log of the store, like the controllers of a real cluster, and starts a task for each life. It
//! holds the cluster weakly: a demo that nobody uses any more ends.

use super::{
    api::{DeleteOptions, Options, Propagation},
    jobs,
    kinds::{ALL, own},
    kubelet,
    state::Cluster,
    store::{Change, Key, Object, Store},
    workloads, world,
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Weak},
    time::Duration,
};

/// Between the deletion of a namespace and its end; content that goes slowly is looked at again after it.
const NAMESPACE_PAUSE: Duration = Duration::from_millis(60);

/// Starts the controllers of a cluster that has just been made.
pub fn start(cluster: &Arc<Cluster>) {
    let at = cluster.read(Store::revision);
    let controllers = Controllers { cluster: Arc::downgrade(cluster), at, living: HashSet::new() };
    let wakes = cluster.revisions();
    tokio::spawn(controllers.follow(wakes));
}

struct Controllers {
    cluster: Weak<Cluster>,
    /// Everything up to this version was reacted to.
    at: u64,
    /// UIDs of Jobs, Pods and Namespaces whose task was started.
    living: HashSet<String>,
}

impl Controllers {
    async fn follow(mut self, mut wakes: tokio::sync::watch::Receiver<u64>) {
        loop {
            wakes.borrow_and_update();
            let Some(cluster) = self.cluster.upgrade() else { return };
            let (changes, revision) = cluster.read(|store| (news(store, self.at), store.revision()));
            self.at = revision;
            for change in changes {
                self.react(&cluster, &change);
            }
            drop(cluster);
            if wakes.changed().await.is_err() {
                return;
            }
        }
    }

    fn react(&mut self, cluster: &Arc<Cluster>, change: &Change) {
        let Change { key, after, .. } = change;
        if change.is_deletion {
            self.living.remove(&after.uid);
            cluster.logs.forget(&after.uid);
            delete_dependents(cluster, &after.uid);
            release_owners(cluster, after);
            return;
        }
        match key.spec().plural {
            "jobs" if self.living.insert(after.uid.clone()) => {
                tokio::spawn(jobs::live(Arc::clone(cluster), key.clone(), after.uid.clone()));
            }
            "pods" if self.living.insert(after.uid.clone()) => {
                tokio::spawn(kubelet::live(Arc::clone(cluster), key.clone(), after.uid.clone()));
            }
            "deployments" if change.before.is_none() && self.living.insert(after.uid.clone()) => {
                tokio::spawn(workloads::deployment(Arc::clone(cluster), key.clone(), after.uid.clone()));
            }
            "horizontalpodautoscalers" if self.living.insert(after.uid.clone()) => {
                tokio::spawn(workloads::autoscaler(Arc::clone(cluster), key.clone(), after.uid.clone()));
            }
            "trainjobs" if self.living.insert(after.uid.clone()) => {
                tokio::spawn(workloads::train_job(Arc::clone(cluster), key.clone(), after.uid.clone()));
            }
            "namespaces" if after.is_deleting && self.living.insert(format!("{} ends", after.uid)) => {
                tokio::spawn(empty_namespace(Arc::clone(cluster), key.clone(), after.uid.clone()));
            }
            "namespaces" if !after.is_deleting && self.living.insert(after.uid.clone()) => furnish(cluster, &key.name),
            _ => {}
        }
        if after.is_deleting {
            collect(cluster, key, after);
        }
    }
}

/// What happened since a version. When the log was cut in between, everything that is there is looked at again.
fn news(store: &Store, since: u64) -> Vec<Change> {
    match store.changes_since(since) {
        Ok(changes) => changes.cloned().collect(),
        Err(_) => {
            let look = |(key, object): (&Key, &Arc<Object>)| Change {
                revision: object.revision,
                key: key.clone(),
                before: None,
                after: Arc::clone(object),
                is_deletion: false,
            };
            store.all().filter(|(_, object)| object.revision > since).map(look).collect()
        }
    }
}

/// The account and the certificate that every namespace gets.
fn furnish(cluster: &Cluster, namespace: &str) {
    let options = Options::default();
    cluster.write(|tx| {
        for (plural, object) in world::furniture() {
            // It may be there already, or the namespace may be going.
            let _ = tx.create(own(plural), namespace, object, &options);
        }
    });
}

fn dependents(store: &Store, uid: &str) -> Vec<(Key, Arc<Object>)> {
    let depends = |(_, object): &(&Key, &Arc<Object>)| object.owners.iter().any(|owner| owner == uid);
    store.all().filter(depends).map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
}

/// Deletes what has no owner any more.
fn delete_dependents(cluster: &Cluster, uid: &str) {
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    for (key, object) in cluster.read(|store| dependents(store, uid)) {
        cluster.write(|tx| {
            let is_owned = tx.store.all().any(|(_, other)| other.uid != uid && object.owners.contains(&other.uid));
            if !is_owned {
                // Somebody else may have been faster.
                let _ = tx.delete(&key, &options);
            }
        });
    }
}

/// An owner that waits for its dependents may go once this was the last of them.
fn release_owners(cluster: &Cluster, gone: &Object) {
    for uid in &gone.owners {
        let owner = cluster.read(|store| {
            let found = store.all().find(|(_, object)| object.uid == *uid && object.is_deleting);
            found.map(|(key, object)| (key.clone(), Arc::clone(object)))
        });
        if let Some((key, object)) = owner {
            collect(cluster, &key, &object);
        }
    }
}

/// Does what the finalizers of a marked object ask for.
fn collect(cluster: &Cluster, key: &Key, object: &Object) {
    let value = object.value();
    let has = |name: &str| value["metadata"]["finalizers"].as_array().is_some_and(|list| list.contains(&json!(name)));
    if has("orphan") {
        for (dependent, stored) in cluster.read(|store| dependents(store, &object.uid)) {
            cluster.write(|tx| tx.change(&dependent, &stored.uid, |value| disown(value, &object.uid)));
        }
        remove_finalizer(cluster, key, &object.uid, "orphan");
    }
    if has("foregroundDeletion") {
        let blocking: Vec<(Key, Arc<Object>)> = cluster.read(|store| dependents(store, &object.uid));
        let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
        for (dependent, stored) in blocking.iter().filter(|(_, stored)| !stored.is_deleting) {
            debug_assert_ne!(stored.uid, object.uid);
            cluster.write(|tx| {
                let _ = tx.delete(dependent, &options);
            });
        }
        let is_blocked =
            cluster.read(|store| dependents(store, &object.uid).iter().any(|(_, one)| blocks(one, &object.uid)));
        if !is_blocked {
            remove_finalizer(cluster, key, &object.uid, "foregroundDeletion");
        }
    }
}

fn blocks(dependent: &Object, owner: &str) -> bool {
    let value = dependent.value();
    let mut owners = value["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.any(|reference| reference["uid"] == owner && reference["blockOwnerDeletion"] == true)
}

fn disown(value: &mut Value, owner: &str) {
    if let Some(owners) = value["metadata"]["ownerReferences"].as_array_mut() {
        owners.retain(|reference| reference["uid"] != owner);
    }
}

/// Takes a finalizer away; the object goes if it was the last.
pub fn remove_finalizer(cluster: &Cluster, key: &Key, uid: &str, name: &str) {
    cluster.write(|tx| tx.change(key, uid, |value| without_finalizer(value, name)));
}

pub fn without_finalizer(value: &mut Value, name: &str) {
    let Some(metadata) = value["metadata"].as_object_mut() else { return };
    if let Some(list) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) {
        list.retain(|finalizer| finalizer != name);
        if list.is_empty() {
            metadata.remove("finalizers");
        }
    }
}

/// Deletes what is in a namespace, waits until it is gone, and ends the namespace.
async fn empty_namespace(cluster: Arc<Cluster>, key: Key, uid: String) {
    let mut wakes = cluster.revisions();
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    tokio::time::sleep(NAMESPACE_PAUSE).await;
    loop {
        wakes.borrow_and_update();
        let content: Vec<(Key, bool)> = cluster.read(|store| {
            let inside = store.all().filter(|(other, _)| ALL[other.kind].namespaced && other.namespace == key.name);
            inside.map(|(key, object)| (key.clone(), object.is_deleting)).collect()
        });
        if content.is_empty() {
            // Nobody else ends namespaces.
            cluster.write(|tx| {
                if tx.store.get(&key).is_some_and(|stored| stored.uid == uid) {
                    tx.store.remove(&key);
                }
            });
            return;
        }
        let fresh: Vec<Key> = content.into_iter().filter(|(_, is_deleting)| !is_deleting).map(|(key, _)| key).collect();
        cluster.write(|tx| {
            for inside in &fresh {
                let _ = tx.delete(inside, &options);
            }
        });
        if fresh.is_empty() {
            // What is left goes on its own; its end is a write.
            let _ = wakes.changed().await;
        }
    }
}
