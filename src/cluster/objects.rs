//! The objects of a run on a cluster: create, find, delete, and prove that nothing is left.

use super::{
    ClusterError, ClusterErrorKind, Connection,
    active_time::{self, RunClock},
    collect::list,
    kinds::ServedKind,
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

/// Where the objects of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// In the namespace of the run.
    Run,
    /// In namespaces that checks look at, so that their rights end there.
    Any,
    Cluster,
}

/// A kind that a run may create.
struct ResourceKind {
    kind: &'static str,
    /// `/apis/batch/v1`.
    api: &'static str,
    plural: &'static str,
    scope: Scope,
}

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// What a run may create, in the order in which it is deleted: what works first, what it needs after. Pods come before
/// their Jobs, whose deletion would give them their whole grace period; the kubelet does not shorten that afterwards.
const KINDS: [ResourceKind; 8] = [
    ResourceKind { kind: "Pod", api: "/api/v1", plural: "pods", scope: Scope::Run },
    ResourceKind { kind: "Job", api: "/apis/batch/v1", plural: "jobs", scope: Scope::Run },
    ResourceKind { kind: "ClusterRoleBinding", api: RBAC, plural: "clusterrolebindings", scope: Scope::Cluster },
    ResourceKind { kind: "ClusterRole", api: RBAC, plural: "clusterroles", scope: Scope::Cluster },
    ResourceKind { kind: "RoleBinding", api: RBAC, plural: "rolebindings", scope: Scope::Any },
    ResourceKind { kind: "Role", api: RBAC, plural: "roles", scope: Scope::Any },
    ResourceKind { kind: "ServiceAccount", api: "/api/v1", plural: "serviceaccounts", scope: Scope::Run },
    ResourceKind { kind: "ConfigMap", api: "/api/v1", plural: "configmaps", scope: Scope::Run },
];

/// For a container to end by itself when it is told to.
const POD_GRACE_SECONDS: u64 = 2;
/// Requests under way at a time when objects are deleted.
const DELETIONS: usize = 16;

pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `Job aicr-validation/aicr-dra-support-1`, for messages.
pub fn title(object: &Value) -> String {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    match text(object, "/metadata/namespace") {
        "" => format!("{kind} {name}"),
        namespace => format!("{kind} {namespace}/{name}"),
    }
}

fn collection(kind: &str, namespace: &str) -> Option<String> {
    if kind == "Namespace" {
        return Some("/api/v1/namespaces".to_owned());
    }
    let ResourceKind { api, plural, scope, .. } = KINDS.iter().find(|known| known.kind == kind)?;
    Some(match scope {
        Scope::Cluster => format!("{api}/{plural}"),
        Scope::Run | Scope::Any => format!("{api}/namespaces/{namespace}/{plural}"),
    })
}

/// The answer of one call, within 30 s.
///
/// Every call here may be repeated: applying and deleting twice is the same as once. A call that failed while this process
/// was paused says nothing about the server, so it is made again.
pub(super) async fn send(
    connection: &Connection,
    doing: &str,
    at: &str,
    request: Result<http::Request<Vec<u8>>, http::Error>,
) -> Result<Value, ClusterError> {
    const LIMIT: Duration = Duration::from_secs(30);
    let at = format!("{}, {at}", connection.at());
    let failed = |error: kube::Error| ClusterError::from_kube(doing, &at, &error);
    let request = request.map_err(|error| failed(kube::Error::HttpError(error)))?;
    let clock = RunClock::start();
    loop {
        let pauses = clock.pauses();
        let answer = active_time::timeout(LIMIT, connection.client.request(request.clone())).await;
        clock.now();
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => failed(error),
            Err(active_time::Elapsed) => ClusterError::timeout(doing, &at, LIMIT.as_secs()),
        };
        let may_pass = matches!(error.kind, ClusterErrorKind::Unreachable | ClusterErrorKind::Timeout);
        if !may_pass || !pauses.has_changed().unwrap_or(false) {
            return Err(error);
        }
    }
}

/// Creates or updates an object by server-side apply as manager `aicr`; returns it as the server holds it.
///
/// # Errors
/// What the server refuses, with the object's kind, namespace and name.
pub async fn apply(connection: &Connection, object: &Value) -> Result<Value, ClusterError> {
    let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
    let verb_on = format!("patch {}s", kind.to_lowercase());
    let Some(path) = collection(kind, text(object, "/metadata/namespace")) else {
        return Err(ClusterError {
            kind: ClusterErrorKind::Protocol,
            doing: verb_on,
            at: title(object),
            found: "a kind that runs do not create".to_owned(),
            hint: None,
            cause: None,
        });
    };
    let request = http::Request::patch(format!("{path}/{name}?fieldManager=aicr&force=true"))
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(object.to_string().into_bytes());
    send(connection, &verb_on, &title(object), request).await
}

/// Sets an annotation of an object that is there.
///
/// # Errors
/// What the server refuses; there is no such object.
pub async fn annotate(
    connection: &Connection,
    object: &Value,
    annotation: &str,
    text: &str,
) -> Result<(), ClusterError> {
    let (kind, namespace) = (self::text(object, "/kind"), self::text(object, "/metadata/namespace"));
    let Some(path) = collection(kind, namespace) else { return Ok(()) };
    let body = json!({"metadata": {"annotations": {annotation: text}}});
    let request = http::Request::patch(format!("{path}/{}", self::text(object, "/metadata/name")))
        .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
        .body(body.to_string().into_bytes());
    send(connection, &format!("patch {}s", kind.to_lowercase()), &title(object), request).await.map(drop)
}

/// One object by kind, namespace and name; `None` when it does not exist.
///
/// # Errors
/// Any other answer of the server.
pub async fn find(
    connection: &Connection,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<Value>, ClusterError> {
    let Some(path) = collection(kind, namespace) else { return Ok(None) };
    let request = http::Request::get(format!("{path}/{name}")).body(Vec::new());
    match send(connection, &format!("get {}s", kind.to_lowercase()), name, request).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes an object; one that does not exist is fine.
///
/// # Errors
/// What the server refuses.
pub async fn delete(connection: &Connection, kind: &str, namespace: &str, name: &str) -> Result<(), ClusterError> {
    let Some(path) = collection(kind, namespace) else { return Ok(()) };
    let at = if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") };
    delete_at(connection, kind, &format!("{path}/{name}"), &at, grace_of(kind)).await
}

/// A pod's own grace period would only delay what is not needed any more.
fn grace_of(kind: &str) -> u64 {
    if kind == "Pod" { POD_GRACE_SECONDS } else { 0 }
}

async fn delete_at(connection: &Connection, kind: &str, path: &str, at: &str, grace: u64) -> Result<(), ClusterError> {
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "gracePeriodSeconds": grace,
    });
    let request = http::Request::delete(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(options.to_string().into_bytes());
    match send(connection, &format!("delete {}s", kind.to_lowercase()), at, request).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// An object of a run, as far as clean-up needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub run_id: String,
    /// The API path of all objects beside it.
    collection: String,
    /// A pod of which no container runs, nor will run again.
    has_ended: bool,
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{} {}", self.kind, self.name),
            namespace => write!(f, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

impl ObjectRef {
    fn of(object: &Value, kind: &str, collection: &str) -> ObjectRef {
        ObjectRef {
            kind: kind.to_owned(),
            namespace: text(object, "/metadata/namespace").to_owned(),
            name: text(object, "/metadata/name").to_owned(),
            run_id: text(object, "/metadata/labels/aicr.run~1run-id").to_owned(),
            collection: collection.to_owned(),
            has_ended: kind == "Pod" && has_ended(object),
        }
    }

    /// It may make pods again as long as it is there. A Job does not, once its pod has failed.
    fn makes_pods(&self) -> bool {
        KINDS.iter().all(|known| known.kind != self.kind)
    }
}

/// Whether every container of a pod has ended, injected ones included, and none is started again.
fn has_ended(pod: &Value) -> bool {
    let of = |pointer: &str| pod.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let statuses = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let statuses: Vec<&Value> = statuses.iter().flat_map(|key| of(&format!("/status/{key}"))).collect();
    let containers = ["containers", "initContainers", "ephemeralContainers"];
    let containers: usize = containers.iter().map(|key| of(&format!("/spec/{key}")).len()).sum();
    let have_ended = statuses.iter().all(|status| status.pointer("/state/terminated").is_some());
    text(pod, "/spec/restartPolicy") == "Never" && containers > 0 && statuses.len() == containers && have_ended
}

/// Everything that a label selector names among what runs create, in the order in which to delete it.
///
/// A namespace that does not exist holds nothing.
///
/// # Errors
/// A list that is refused: then it is unknown whether something is left.
pub async fn list_labeled(
    connection: &Connection,
    namespace: &str,
    selector: &str,
) -> Result<Vec<ObjectRef>, ClusterError> {
    let lists: Vec<_> = KINDS.iter().map(|resource| list_kind(connection, resource, namespace, selector)).collect();
    Ok(futures::future::try_join_all(lists).await?.concat())
}

/// The same of one kind: who may not list the others can ask for it.
///
/// # Errors
/// As [`list_labeled`].
pub async fn list_labeled_of(
    kind: &str,
    connection: &Connection,
    namespace: &str,
    selector: &str,
) -> Result<Vec<ObjectRef>, ClusterError> {
    match KINDS.iter().find(|known| known.kind == kind) {
        Some(resource) => list_kind(connection, resource, namespace, selector).await,
        None => Ok(Vec::new()),
    }
}

async fn list_kind(
    connection: &Connection,
    resource: &ResourceKind,
    namespace: &str,
    selector: &str,
) -> Result<Vec<ObjectRef>, ClusterError> {
    let ResourceKind { kind, api, plural, scope } = *resource;
    let path = match scope {
        Scope::Run => format!("{api}/namespaces/{namespace}/{plural}"),
        Scope::Any | Scope::Cluster => format!("{api}/{plural}"),
    };
    let object_ref = |object: Value| {
        let namespace = text(&object, "/metadata/namespace");
        let collection = collection(kind, namespace).unwrap_or_default();
        ObjectRef::of(&object, kind, &collection)
    };
    let doing = format!("list {plural}");
    match list::labeled(connection, &doing, &path, selector, object_ref).await {
        Ok(listed) => Ok(listed.items),
        Err(error) if error.kind == ClusterErrorKind::NotFound && scope == Scope::Run => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Objects of a namespace that are of none of the kinds of [`list_labeled`]: what a check creates itself, claims and
/// Deployments, TrainJobs and what belongs to them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Others {
    pub objects: Vec<ObjectRef>,
    /// Kinds of which it is unknown whether there are some.
    pub unlisted: Vec<Unlisted>,
}

/// A kind that could not be listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Unlisted {
    /// `resourceclaims.resource.k8s.io`, or the group whose kinds are not known.
    pub resource: String,
    pub why: String,
}

impl std::fmt::Display for Unlisted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown: list {}: {}", self.resource, self.why)
    }
}

/// Lists at a time.
const LISTS: usize = 16;

/// Which kinds a cluster has besides those of [`list_labeled`].
#[derive(Clone, Debug)]
pub struct OtherKinds {
    kinds: Vec<ServedKind>,
    /// Groups whose kinds are not known.
    unknown: Vec<Unlisted>,
}

/// Which other kinds there are.
///
/// # Errors
/// The server does not say.
pub async fn other_kinds(connection: &Connection) -> Result<OtherKinds, ClusterError> {
    let (mut kinds, failed) = super::kinds::served(connection).await?;
    let is_own = |kind: &ServedKind| KINDS.iter().any(|known| known.api == kind.api && known.plural == kind.plural);
    // Events are no objects of a run, and carry no labels.
    kinds.retain(|kind| !is_own(kind) && kind.plural != "events");
    let unknown = failed.into_iter().map(|error| Unlisted { resource: error.doing, why: error.found }).collect();
    Ok(OtherKinds { kinds, unknown })
}

/// Everything else of a namespace that a label selector names, whatever its kind.
pub async fn list_others(connection: &Connection, kinds: &OtherKinds, namespace: &str, selector: &str) -> Others {
    let mut others = Others { objects: Vec::new(), unlisted: kinds.unknown.clone() };
    // Collected first: a stream over the closure itself could not be sent between threads.
    let lists: Vec<_> = kinds.kinds.iter().map(|kind| list_served(connection, kind, namespace, selector)).collect();
    let lists: Vec<_> = futures::stream::iter(lists).buffered(LISTS).collect().await;
    for list in lists {
        match list {
            Ok(objects) => others.objects.extend(objects),
            Err(unlisted) => others.unlisted.push(unlisted),
        }
    }
    others
}

async fn list_served(
    connection: &Connection,
    kind: &ServedKind,
    namespace: &str,
    selector: &str,
) -> Result<Vec<ObjectRef>, Unlisted> {
    let ServedKind { kind, api, plural, resource } = kind;
    let path = format!("{api}/namespaces/{namespace}/{plural}");
    let object_ref = |object: Value| ObjectRef::of(&object, kind, &path);
    match list::metadata(connection, &format!("list {resource}"), &path, selector, object_ref).await {
        Ok(listed) => Ok(listed.items),
        // The definition of the kind was removed since.
        Err(error) if error.kind == ClusterErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Unlisted { resource: resource.clone(), why: error.found }),
    }
}

async fn delete_ref(connection: &Connection, object: &ObjectRef) -> Option<String> {
    let ObjectRef { kind, name, collection, has_ended, .. } = object;
    // Nothing of it runs that could end by itself: without a grace period it does not wait for the kubelet, which says a second
    // after the end of the containers that the pod has ended.
    let grace = if *has_ended { 0 } else { grace_of(kind) };
    let deleted = delete_at(connection, kind, &format!("{collection}/{name}"), &object.to_string(), grace).await;
    deleted.err().map(|error| format!("{object} ({})", error.found))
}

/// Deletes objects, what makes pods first and pods next, several at a time; what was refused comes back with the reason.
pub async fn delete_all(connection: &Connection, objects: &[ObjectRef]) -> Vec<String> {
    let (makers, rest): (Vec<&ObjectRef>, Vec<&ObjectRef>) = objects.iter().partition(|object| object.makes_pods());
    let (pods, others): (Vec<&ObjectRef>, Vec<&ObjectRef>) = rest.into_iter().partition(|object| object.kind == "Pod");
    let mut refused = Vec::new();
    for objects in [makers, pods, others] {
        // Collected first: a stream over the closure itself could not be sent between threads.
        let deletions: Vec<_> = objects.into_iter().map(|object| delete_ref(connection, object)).collect();
        let done: Vec<Option<String>> = futures::stream::iter(deletions).buffered(DELETIONS).collect().await;
        refused.extend(done.into_iter().flatten());
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_has_ended_with_its_last_container() {
        let ended = json!({"state": {"terminated": {"exitCode": 0}}});
        let running = json!({"state": {"running": {}}});
        let pod = |restart: &str, sidecars: usize, statuses: &[&Value]| {
            let injected = vec![json!({"restartPolicy": "Always"}); sidecars];
            json!({"spec": {"restartPolicy": restart, "containers": [{"name": "validator"}], "initContainers": injected},
                "status": {"containerStatuses": &statuses[..statuses.len().min(1)],
                    "initContainerStatuses": &statuses[statuses.len().min(1)..]}})
        };
        assert!(has_ended(&pod("Never", 0, &[&ended])));
        assert!(has_ended(&pod("Never", 1, &[&ended, &ended])));
        assert!(!has_ended(&pod("Never", 1, &[&ended, &running])), "an injected container goes on");
        assert!(!has_ended(&pod("Never", 1, &[&ended])), "nothing is known of the injected container");
        assert!(!has_ended(&pod("Never", 0, &[])) && !has_ended(&json!({})), "nothing is known");
        assert!(!has_ended(&pod("OnFailure", 0, &[&ended])), "it may be started again");
    }
}
