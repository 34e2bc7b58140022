//! What a write means: create, update, patch and delete on the store, with the rules that all resources share.
//!
//! In: a request that is allowed. Out: the stored object, or the refusal of the API server. HTTP stays in `service`;
//! controllers of the demo write through the same functions.

use super::{
    admission,
    apply::{self, Manager},
    clock::{Clock, Ids},
    kinds::{ALL, Kind, KindId, own},
    patch,
    status::{Cause, Refusal},
    store::{Key, Object, Store},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// One write in progress: the store is locked.
pub struct Tx<'t> {
    pub store: &'t mut Store,
    pub ids: &'t mut Ids,
    pub clock: &'t Clock,
}

/// Who writes, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Empty for the demo's own controllers, which leave no trace in managed fields.
    pub manager: String,
    pub force: bool,
    pub dry_run: bool,
    /// `status`, or empty.
    pub subresource: String,
}

/// What a body of a PATCH is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PatchKind {
    Merge,
    Json,
    Apply,
}

/// How dependents go when their owner goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// What a DELETE asks for.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    pub propagation: Option<Propagation>,
    pub grace_seconds: Option<u64>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub dry_run: bool,
}

/// What became of a deleted object.
pub enum Deleted {
    /// Gone; its last state.
    Gone(Value),
    /// It waits for finalizers, or for its containers to stop.
    Going(Value),
}

/// Kinds whose `status` is written only through its subresource.
fn has_status(kind: &Kind) -> bool {
    kind.subresources.contains(&"status") && kind.plural != "nodes"
}

/// Kinds that count changes of their `spec`.
fn has_generation(kind: &Kind) -> bool {
    kind.is_custom()
        || kind.group == "apps"
        || matches!(kind.plural, "jobs" | "pods" | "cronjobs" | "networkpolicies" | "ingresses")
}

impl Tx<'_> {
    pub fn object(&self, key: &Key) -> Result<Arc<Object>, Refusal> {
        self.store.get(key).cloned().ok_or_else(|| Refusal::not_found(key.spec(), &key.name))
    }

    /// Creates an object; `namespace` is that of the request.
    pub fn create(
        &mut self,
        kind: KindId,
        namespace: &str,
        mut object: Value,
        options: &Options,
    ) -> Result<Value, Refusal> {
        let spec = &ALL[kind];
        check_type(spec, &mut object)?;
        check_namespace(spec, namespace, &mut object)?;
        if object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !version.is_empty()) {
            return Err(Refusal::internal("resourceVersion should not be set on objects to be created"));
        }
        let key = Key::new(kind, namespace, &self.name(spec, &mut object)?);
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(self.ids.uid());
        metadata["creationTimestamp"] = json!(self.clock.seconds());
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
            remove(metadata, field);
        }
        if has_generation(spec) {
            metadata["generation"] = json!(1);
        }
        if has_status(spec) {
            remove(&mut object, "status");
        }
        admission::default(spec, &mut object);
        admission::admit(self.store, &key, &object)?;
        admission::validate(spec, None, &object)?;
        if spec.plural == "pods" {
            admission::mount_account(&mut object, &self.ids.suffix());
        }
        if self.store.get(&key).is_some() {
            return Err(Refusal::already_exists(spec, &key.name));
        }
        if spec.plural == "jobs" {
            object["status"] = json!({});
        }
        if !options.manager.is_empty() && object["metadata"].get("managedFields").is_none() {
            apply::track(spec, None, &mut object, self.manager(options, &self.clock.seconds()));
        }
        Ok(self.put(key, object, options))
    }

    /// Replaces an object, or its status.
    pub fn update(&mut self, key: &Key, mut object: Value, options: &Options) -> Result<Value, Refusal> {
        let spec = key.spec();
        check_type(spec, &mut object)?;
        check_namespace(spec, &key.namespace, &mut object)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if name != key.name {
            let message = format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
            return Err(Refusal::bad_request(message));
        }
        let stored = self.object(key)?;
        self.replace(key, &stored, object, options)
    }

    /// Patches an object. Server-side apply creates it when it is not there.
    pub fn patch(&mut self, key: &Key, how: PatchKind, body: &Value, options: &Options) -> Result<Value, Refusal> {
        let spec = key.spec();
        if how == PatchKind::Apply {
            return self.apply(key, body, options);
        }
        let stored = self.object(key)?;
        let mut object = stored.value();
        match how {
            PatchKind::Json => patch::json_patch(&mut object, body)?,
            _ => patch::merge(&mut object, body),
        }
        if object["metadata"]["name"] != json!(key.name) {
            let cause = Cause::invalid("metadata.name", &object["metadata"]["name"], "field is immutable");
            return Err(Refusal::invalid(spec, &key.name, &[cause]));
        }
        self.replace(key, &stored, object, options)
    }

    fn apply(&mut self, key: &Key, body: &Value, options: &Options) -> Result<Value, Refusal> {
        let spec = key.spec();
        if options.manager.is_empty() {
            return Err(Refusal::no_field_manager());
        }
        let mut config = body.clone();
        if config["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        let now = self.clock.seconds();
        let manager = self.manager(options, &now);
        check_type(spec, &mut config)?;
        if let Some(stored) = self.store.get(key).cloned() {
            let live = stored.value();
            let mut merged = apply::apply(spec, &live, &config, manager, options.force)?;
            // Of a subresource only its own part is applied.
            if !options.subresource.is_empty() {
                let managed = merged["metadata"]["managedFields"].take();
                let status = merged["status"].take();
                merged = live;
                merged["status"] = status;
                merged["metadata"]["managedFields"] = managed;
            }
            let quiet = Options { manager: String::new(), ..options.clone() };
            return self.replace(key, &stored, merged, &quiet);
        }
        if !options.subresource.is_empty() {
            return Err(Refusal::not_found(spec, &key.name));
        }
        match config["metadata"]["name"].as_str() {
            Some(name) if name == key.name => {}
            None | Some("") => {
                let message = format!(
                    "the name of the object ({} based on URL) was undeterminable: name must be provided",
                    key.name
                );
                return Err(Refusal::bad_request(message));
            }
            Some(name) => {
                let message =
                    format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
                return Err(Refusal::bad_request(message));
            }
        }
        let mut object = json!({"metadata": {"name": key.name}});
        object = apply::apply(spec, &object, &config, manager, options.force)?;
        if let (Some(fields), Some(config)) = (object.as_object_mut(), config.as_object()) {
            for field in ["apiVersion", "kind"] {
                fields.insert(field.to_owned(), config[field].clone());
            }
        }
        self.create(key.kind, &key.namespace, object, options)
    }

    /// The rules of every change of a stored object.
    fn replace(&mut self, key: &Key, stored: &Object, mut object: Value, options: &Options) -> Result<Value, Refusal> {
        let spec = key.spec();
        let live = stored.value();
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if version.is_empty() && spec.is_custom() {
            let cause = Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            return Err(Refusal::invalid(spec, &key.name, &[cause]));
        }
        if !version.is_empty() && version != stored.revision.to_string() {
            return Err(Refusal::modified(spec, &key.name));
        }
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        if !uid.is_empty() && uid != stored.uid {
            let because =
                format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", stored.uid);
            return Err(Refusal::conflict(spec, &key.name, &because));
        }
        if !options.subresource.is_empty() {
            let status = object["status"].take();
            let managed = object["metadata"]["managedFields"].take();
            object = live.clone();
            object["status"] = status;
            keep(&mut object["metadata"], "managedFields", Some(managed));
        } else if has_status(spec) {
            keep(&mut object, "status", live.get("status").cloned());
        }
        for field in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "namespace",
            "resourceVersion",
        ] {
            keep(&mut object["metadata"], field, live["metadata"].get(field).cloned());
        }
        if spec.plural == "jobs" || spec.plural == "pods" {
            // Defaults of fields that the writer left out; its own identity stays.
            let status = object["status"].clone();
            if spec.plural == "jobs" {
                admission::default(spec, &mut object);
            }
            keep(&mut object, "status", Some(status));
        } else if matches!(spec.plural, "namespaces") {
            keep(&mut object, "spec", live.get("spec").cloned());
        }
        admission::validate(spec, Some(&live), &object)?;
        if has_generation(spec) && object.get("spec") != live.get("spec") {
            let generation = live["metadata"]["generation"].as_i64().unwrap_or(1);
            object["metadata"]["generation"] = json!(generation + 1);
        }
        if !options.manager.is_empty() {
            let now = self.clock.seconds();
            let manager = Manager { name: &options.manager, subresource: &options.subresource, now: &now };
            apply::track(spec, Some(&live), &mut object, manager);
        }
        if is_same(&live, &object) {
            return Ok(live);
        }
        if stored.is_deleting && is_free(spec, &object) && !options.dry_run {
            // The last finalizer went with this write.
            let last = self.store.put(key.clone(), object).value();
            self.store.remove(key);
            return Ok(last);
        }
        Ok(self.put(key.clone(), object, options))
    }

    /// Deletes an object, or marks it when something has to happen before.
    pub fn delete(&mut self, key: &Key, options: &DeleteOptions) -> Result<Deleted, Refusal> {
        let spec = key.spec();
        let stored = self.object(key)?;
        let mut object = stored.value();
        self.check_preconditions(key, &stored, options)?;
        if options.dry_run {
            return Ok(Deleted::Gone(object));
        }
        let propagation = options.propagation.unwrap_or(if spec.plural == "jobs" {
            // For callers from before 2016.
            Propagation::Orphan
        } else {
            Propagation::Background
        });
        let mut finalizers: Vec<Value> = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        finalizers.retain(|finalizer| finalizer != "orphan" && finalizer != "foregroundDeletion");
        let has_dependents = self.store.all().any(|(_, other)| other.owners.contains(&stored.uid));
        match propagation {
            Propagation::Foreground => finalizers.push(json!("foregroundDeletion")),
            Propagation::Orphan if has_dependents => finalizers.push(json!("orphan")),
            Propagation::Orphan | Propagation::Background => {}
        }
        let grace = grace(spec, &object, options.grace_seconds);
        if finalizers.is_empty() && grace == 0 && spec.plural != "namespaces" {
            return Ok(Deleted::Gone(self.store.remove(key).map_or(object, |last| last.value())));
        }
        self.mark(key, &mut object, finalizers, grace);
        Ok(Deleted::Going(object))
    }

    fn mark(&mut self, key: &Key, object: &mut Value, finalizers: Vec<Value>, grace: u64) {
        let before = object.clone();
        let metadata = &mut object["metadata"];
        if finalizers.is_empty() {
            remove(metadata, "finalizers");
        } else {
            metadata["finalizers"] = Value::Array(finalizers);
        }
        let known = metadata["deletionGracePeriodSeconds"].as_u64();
        if metadata.get("deletionTimestamp").is_none() || known.is_some_and(|known| grace < known) {
            let at = self.clock.now().saturating_add(std::time::Duration::from_secs(grace)).unwrap_or(self.clock.now());
            metadata["deletionTimestamp"] = json!(super::clock::seconds(at));
            metadata["deletionGracePeriodSeconds"] = json!(grace);
            if key.spec().plural == "pods" {
                metadata["generation"] = json!(metadata["generation"].as_i64().unwrap_or(1) + 1);
            }
        }
        if key.spec().plural == "namespaces" {
            object["status"]["phase"] = json!("Terminating");
        }
        if *object != before {
            *object = self.store.put(key.clone(), object.clone()).value();
        }
    }

    fn check_preconditions(&self, key: &Key, stored: &Object, options: &DeleteOptions) -> Result<(), Refusal> {
        let spec = key.spec();
        if let Some(uid) = options.uid.as_ref().filter(|uid| **uid != stored.uid) {
            let because = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been \
                 deleted and then recreated",
                stored.uid
            );
            return Err(Refusal::precondition(spec, &key.name, &because));
        }
        let version = stored.revision.to_string();
        if let Some(asked) = options.resource_version.as_ref().filter(|asked| **asked != version) {
            let because = format!(
                "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record \
                 ({version}). The object might have been modified"
            );
            return Err(Refusal::precondition(spec, &key.name, &because));
        }
        Ok(())
    }

    /// Changes an object as a controller of the demo does: no checks, no managed fields. Nothing happens when it is gone
    /// or has another identity.
    pub fn change(&mut self, key: &Key, uid: &str, how: impl FnOnce(&mut Value)) -> Option<Value> {
        let stored = self.store.get(key).filter(|stored| stored.uid == uid)?.clone();
        let live = stored.value();
        let mut object = live.clone();
        how(&mut object);
        if live == object {
            return Some(live);
        }
        let last = self.store.put(key.clone(), object.clone()).value();
        if stored.is_deleting && is_free(key.spec(), &object) {
            self.store.remove(key);
        }
        Some(last)
    }

    fn put(&mut self, key: Key, object: Value, options: &Options) -> Value {
        if options.dry_run {
            return object;
        }
        self.store.put(key, object).value()
    }

    fn name(&mut self, kind: &Kind, object: &mut Value) -> Result<String, Refusal> {
        let metadata = &mut object["metadata"];
        if let Some(name) = metadata["name"].as_str().filter(|name| !name.is_empty()) {
            return Ok(name.to_owned());
        }
        let Some(prefix) = metadata["generateName"].as_str().filter(|prefix| !prefix.is_empty()) else {
            let cause = Cause::required("metadata.name", "name or generateName is required");
            return Err(Refusal::invalid(kind, "", &[cause]));
        };
        let prefix: String = prefix.chars().take(58).collect();
        let name = format!("{prefix}{}", self.ids.suffix());
        metadata["name"] = json!(name);
        Ok(name)
    }

    fn manager<'m>(&self, options: &'m Options, now: &'m str) -> Manager<'m> {
        Manager { name: &options.manager, subresource: &options.subresource, now }
    }

    /// Tells of something that happened to an object.
    pub fn event(&mut self, of: &Key, note: &Note) {
        let Some(object) = self.store.get(of).map(|stored| stored.value()) else { return };
        let kind = of.spec();
        let namespace = if of.namespace.is_empty() { "default" } else { &of.namespace };
        let mut involved = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "name": of.name,
            "uid": object["metadata"]["uid"], "resourceVersion": object["metadata"]["resourceVersion"]});
        if !of.namespace.is_empty() {
            involved["namespace"] = json!(of.namespace);
        }
        if let Some(container) = note.container {
            involved["fieldPath"] = json!(format!("spec.containers{{{container}}}"));
        }
        let now = self.clock.seconds();
        if !note.action.is_empty() {
            // Written through the newer events API, which has no count and no source.
            let extra = json!({"action": note.action, "eventTime": self.clock.micros(), "firstTimestamp": null,
                "lastTimestamp": null, "source": {}, "reportingInstance": format!("{}-aicr", note.component)});
            self.new_event(namespace, of, involved, note, extra);
            return;
        }
        if self.count_again(namespace, &involved, note, &now) {
            return;
        }
        let mut source = json!({"component": note.component});
        if let Some(host) = note.host {
            source["host"] = json!(host);
        }
        let extra = json!({"count": 1, "eventTime": null, "firstTimestamp": now, "lastTimestamp": now, "source": source,
            "reportingInstance": note.host.unwrap_or_default()});
        self.new_event(namespace, of, involved, note, extra);
    }

    fn new_event(&mut self, namespace: &str, of: &Key, involved: Value, note: &Note, extra: Value) {
        let name = format!("{}.{}", of.name, self.ids.hex());
        let mut event = json!({"apiVersion": "v1", "kind": "Event", "involvedObject": involved, "reason": note.reason,
            "message": note.message, "type": if note.is_warning { "Warning" } else { "Normal" },
            "reportingComponent": note.component, "metadata": {"name": name, "namespace": namespace,
                "uid": self.ids.uid(), "creationTimestamp": self.clock.seconds()}});
        if let (Some(event), Value::Object(extra)) = (event.as_object_mut(), extra) {
            event.extend(extra);
        }
        self.store.put(Key::new(own("events"), namespace, &name), event);
    }

    /// Counts an event that was told before, as the kubelet's recorder does.
    fn count_again(&mut self, namespace: &str, involved: &Value, note: &Note, now: &str) -> bool {
        let known = self.store.range(own("events"), namespace, None).find_map(|(key, stored)| {
            let event = stored.value();
            let is_it = event["involvedObject"]["uid"] == involved["uid"]
                && event["reason"] == note.reason
                && event["message"] == note.message;
            is_it.then(|| (key.clone(), event))
        });
        let Some((key, mut event)) = known else { return false };
        event["count"] = json!(event["count"].as_u64().unwrap_or(1) + 1);
        event["lastTimestamp"] = json!(now);
        self.store.put(key, event);
        true
    }
}

/// One line of a story about an object.
#[derive(Clone, Debug, Default)]
pub struct Note<'n> {
    pub component: &'n str,
    pub host: Option<&'n str>,
    pub container: Option<&'n str>,
    /// Only of the scheduler's events.
    pub action: &'n str,
    pub reason: &'n str,
    pub message: &'n str,
    pub is_warning: bool,
}

/// Whether nothing holds a marked object back any more.
fn is_free(kind: &Kind, object: &Value) -> bool {
    let no_finalizers = object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty);
    let grace = object["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
    no_finalizers && (kind.plural != "pods" || grace == 0) && kind.plural != "namespaces"
}

/// Seconds that the containers of a pod get to stop; 0 for everything else, and where no container can run.
fn grace(kind: &Kind, object: &Value, asked: Option<u64>) -> u64 {
    if kind.plural != "pods" || object["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
        return 0;
    }
    if matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return 0;
    }
    asked.or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_u64()).unwrap_or(30)
}

fn is_same(live: &Value, object: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        for entry in object["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
            remove(entry, "time");
        }
        for field in ["apiVersion", "kind"] {
            remove(&mut object, field);
        }
        for empty in ["managedFields", "labels", "annotations"] {
            if object["metadata"].get(empty).is_some_and(Value::is_null) {
                remove(&mut object["metadata"], empty);
            }
        }
        object
    };
    bare(live) == bare(object)
}

fn remove(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}

fn keep(object: &mut Value, field: &str, value: Option<Value>) {
    match value {
        Some(value) if !value.is_null() => object[field] = value,
        _ => remove(object, field),
    }
}

/// Fills in the type of a body that does not say it, and refuses another one.
fn check_type(spec: &Kind, object: &mut Value) -> Result<(), Refusal> {
    let Value::Object(fields) = object else {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {object}",
            spec.kind
        )));
    };
    if !matches!(fields.get("metadata"), Some(Value::Object(_))) {
        fields.insert("metadata".to_owned(), Value::Object(Map::new()));
    }
    let version = spec.api_version();
    let said = |name: &str, default: &str| {
        fields.get(name).and_then(Value::as_str).filter(|t| !t.is_empty()).unwrap_or(default).to_owned()
    };
    let (found_version, found_kind) = (said("apiVersion", &version), said("kind", spec.kind));
    if found_kind != spec.kind {
        let short = found_version.rsplit('/').next().unwrap_or(&found_version);
        let internal = if spec.group.is_empty() { "core" } else { spec.group.split('.').next().unwrap_or_default() };
        let message = format!(
            "{found_kind} in version \"{short}\" cannot be handled as a {}: converting ({short}.{found_kind}) to \
             ({internal}.{}): unknown conversion",
            spec.kind, spec.kind
        );
        return Err(Refusal::bad_request(message));
    }
    if found_version != version {
        let message = format!(
            "the API version in the data ({found_version}) does not match the expected API version ({version})"
        );
        return Err(Refusal::bad_request(message));
    }
    fields.insert("apiVersion".to_owned(), json!(version));
    fields.insert("kind".to_owned(), json!(spec.kind));
    Ok(())
}

fn check_namespace(spec: &Kind, namespace: &str, object: &mut Value) -> Result<(), Refusal> {
    if !spec.namespaced {
        remove(&mut object["metadata"], "namespace");
        return Ok(());
    }
    match object["metadata"]["namespace"].as_str() {
        None | Some("") => object["metadata"]["namespace"] = json!(namespace),
        Some(found) if found == namespace => {}
        Some(_) => {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Refusal::bad_request(message));
        }
    }
    Ok(())
}
