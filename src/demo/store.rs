//! Objects, the versions they went through, and who is told.
//!
//! Every write gets the next resource version and is kept in a log, newest last, until the log is full. A watch reads the
//! log from its version on; a page of a list is read as of the version of its first page, by undoing newer writes. What
//! is older than the log is refused with 410, as the API server does after compaction.
//!
//! An object is kept as the bytes that are sent: thousands of nodes cost what they cost on the wire, and a list is put
//! together without being understood.

use super::{
    kinds::{ALL, Kind, KindId},
    status::Refusal,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

/// Where an object lives. Keys sort by resource, namespace, name: the order of lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: KindId,
    /// Empty for what belongs to the cluster.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(kind: KindId, namespace: &str, name: &str) -> Key {
        Key { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub fn spec(&self) -> &'static Kind {
        &ALL[self.kind]
    }
}

/// One state of one object.
#[derive(Debug)]
pub struct Object {
    pub uid: String,
    pub revision: u64,
    /// UIDs of its owners.
    pub owners: Vec<String>,
    pub is_deleting: bool,
    /// Begins with `apiVersion` and `kind`, which items of built-in lists leave out.
    json: Box<[u8]>,
    bare_from: usize,
}

impl Object {
    fn new(kind: &Kind, revision: u64, mut value: Value) -> Object {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        value["metadata"]["resourceVersion"] = Value::String(revision.to_string());
        let metadata = &value["metadata"];
        let owners =
            metadata["ownerReferences"].as_array().into_iter().flatten().map(|owner| text(&owner["uid"])).collect();
        let (uid, is_deleting) = (text(&metadata["uid"]), metadata.get("deletionTimestamp").is_some());
        let head = format!("{{\"apiVersion\":\"{}\",\"kind\":\"{}\",", kind.api_version(), kind.kind);
        let mut json = head.clone().into_bytes();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("apiVersion");
            fields.remove("kind");
        }
        // A value made of strings, numbers and maps with text keys cannot fail to be written.
        let rest = serde_json::to_vec(&value).unwrap_or_else(|_| b"{}".to_vec());
        json.extend_from_slice(&rest[1..]);
        Object { uid, revision, owners, is_deleting, json: json.into_boxed_slice(), bare_from: head.len() }
    }

    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// Without `apiVersion` and `kind`, and without the opening brace.
    pub fn bare_json(&self) -> &[u8] {
        &self.json[self.bare_from..]
    }

    pub fn value(&self) -> Value {
        // Our own bytes.
        serde_json::from_slice(&self.json).unwrap_or(Value::Null)
    }
}

/// One write.
#[derive(Clone, Debug)]
pub struct Change {
    pub revision: u64,
    pub key: Key,
    /// The state before; `None` when it was created.
    pub before: Option<Arc<Object>>,
    /// The state after; for a deletion the last state, with the version of the deletion.
    pub after: Arc<Object>,
    pub is_deletion: bool,
}

/// All objects at one version, and the writes that led there.
pub struct Store {
    revision: u64,
    objects: BTreeMap<Key, Arc<Object>>,
    log: VecDeque<Change>,
    log_bytes: usize,
    /// Versions up to this one cannot be asked for any more.
    compacted: u64,
}

/// Of the log: enough for minutes of a busy demo, and bounded when thousands of large nodes change.
const LOG_BYTES: usize = 32 << 20;

impl Store {
    pub fn new(revision: u64) -> Store {
        Store { revision, objects: BTreeMap::new(), log: VecDeque::new(), log_bytes: 0, compacted: revision }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// Objects of a kind after a place, in order; of one namespace, or of all when it is empty.
    pub fn range(
        &self,
        kind: KindId,
        namespace: &str,
        after: Option<&Key>,
    ) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        let first = Key::new(kind, namespace, "");
        let from = match after {
            Some(key) if *key >= first => Bound::Excluded(key.clone()),
            _ => Bound::Included(first),
        };
        let namespace = namespace.to_owned();
        self.objects
            .range((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.kind == kind && (namespace.is_empty() || key.namespace == namespace))
    }

    /// Every object, in the order of keys.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.objects.iter()
    }

    /// Writes a state, without a history: for what is there when the cluster starts.
    pub fn seed(&mut self, key: Key, value: Value) {
        self.revision += 1;
        let object = Object::new(key.spec(), self.revision, value);
        self.objects.insert(key, Arc::new(object));
        self.compacted = self.revision;
    }

    /// Writes a state and tells of it.
    pub fn put(&mut self, key: Key, value: Value) -> Arc<Object> {
        self.revision += 1;
        let after = Arc::new(Object::new(key.spec(), self.revision, value));
        let before = self.objects.insert(key.clone(), Arc::clone(&after));
        self.record(Change { revision: self.revision, key, before, after: Arc::clone(&after), is_deletion: false });
        after
    }

    /// Removes an object and tells of it; what it last was, at the version of its removal.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<Object>> {
        let before = self.objects.remove(key)?;
        self.revision += 1;
        let after = Arc::new(Object::new(key.spec(), self.revision, before.value()));
        self.record(Change {
            revision: self.revision,
            key: key.clone(),
            before: Some(before),
            after: Arc::clone(&after),
            is_deletion: true,
        });
        Some(after)
    }

    /// Writes after a version, oldest first.
    ///
    /// # Errors
    /// 410 when the log does not reach back so far.
    pub fn changes_since(&self, revision: u64) -> Result<impl Iterator<Item = &Change>, Refusal> {
        if revision < self.compacted {
            return Err(Refusal::expired("watch"));
        }
        let from = self.log.partition_point(|change| change.revision <= revision);
        Ok(self.log.range(from..))
    }

    /// What [`Store::range`] would have given at an older version.
    ///
    /// # Errors
    /// 410 when the log does not reach back so far; 504 for a version of the future.
    pub fn at(&self, revision: u64, kind: KindId, namespace: &str) -> Result<BTreeMap<Key, Arc<Object>>, Refusal> {
        if revision > self.revision {
            return Err(Refusal::too_large_version(revision, self.revision));
        }
        if revision < self.compacted {
            return Err(Refusal::expired("list"));
        }
        let mut objects: BTreeMap<Key, Arc<Object>> =
            self.range(kind, namespace, None).map(|(key, object)| (key.clone(), Arc::clone(object))).collect();
        let is_meant = |key: &Key| key.kind == kind && (namespace.is_empty() || key.namespace == namespace);
        for change in self.log.iter().rev().take_while(|change| change.revision > revision) {
            if is_meant(&change.key) {
                match &change.before {
                    Some(before) => objects.insert(change.key.clone(), Arc::clone(before)),
                    None => objects.remove(&change.key),
                };
            }
        }
        Ok(objects)
    }

    /// Forgets the log, as compaction does every five minutes on a real cluster.
    pub fn compact(&mut self) {
        self.log.clear();
        self.log_bytes = 0;
        self.compacted = self.revision;
    }

    fn record(&mut self, change: Change) {
        self.log_bytes += change.after.json.len();
        self.log.push_back(change);
        while self.log_bytes > LOG_BYTES {
            let Some(oldest) = self.log.pop_front() else { break };
            self.log_bytes -= oldest.after.json.len();
            self.compacted = oldest.revision;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::own;
    use serde_json::json;

    fn key(name: &str) -> Key {
        Key::new(own("configmaps"), "n", name)
    }

    fn object(data: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "uid": "u"}, "data": {"a": data}})
    }

    fn names(objects: &BTreeMap<Key, Arc<Object>>) -> Vec<&str> {
        objects.keys().map(|key| key.name.as_str()).collect()
    }

    #[test]
    fn an_older_version_is_rebuilt_by_undoing_writes() {
        let mut store = Store::new(10);
        store.put(key("a"), object("1"));
        let then = store.revision();
        store.put(key("a"), object("2"));
        store.put(key("b"), object("1"));
        store.remove(&key("a"));
        let past = store.at(then, own("configmaps"), "").expect("in the log");
        assert_eq!(names(&past), ["a"]);
        assert_eq!(past[&key("a")].value()["data"]["a"], "1");
        assert_eq!(store.changes_since(then).expect("in the log").count(), 3);
        assert_eq!(store.at(99, own("configmaps"), "").expect_err("the future").code, 504);
    }

    #[test]
    fn compacted_versions_are_expired() {
        let mut store = Store::new(0);
        store.put(key("a"), object("1"));
        store.put(key("a"), object("2"));
        store.compact();
        assert_eq!(store.changes_since(1).map(Iterator::count).expect_err("compacted").code, 410);
        assert_eq!(store.changes_since(2).map(Iterator::count).expect("nothing new"), 0);
    }

    #[test]
    fn the_log_is_bounded_by_its_bytes() {
        let mut store = Store::new(0);
        let large = "x".repeat(1 << 20);
        for _ in 0..40 {
            store.put(key("a"), object(&large));
        }
        assert!(store.log.len() < 33, "{}", store.log.len());
        assert!(store.changes_since(5).is_err());
    }

    #[test]
    fn bytes_begin_with_version_and_kind_and_can_do_without() {
        let mut store = Store::new(0);
        let stored = store.put(key("a"), object("1"));
        assert!(stored.json().starts_with(br#"{"apiVersion":"v1","kind":"ConfigMap","data""#));
        assert!(stored.bare_json().starts_with(br#""data""#));
        assert_eq!(stored.value()["metadata"]["resourceVersion"], "1");
    }
}
