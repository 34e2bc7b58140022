//! Whether the objects of a release are ready, and what each waits for.
//!
//! In: the manifest of a release, objects as the API server has them, pods and events of their namespaces. Out: for each
//! object that is not ready the true reason: which pod, and what the scheduler or the kubelet says. A Job that has failed
//! is never ready; everything else may become so.

use super::event::Pending;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

/// An object that is awaited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Awaited {
    /// What it is.
    pub kind: Kind,
    /// Empty for one of the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.namespace {
            "" => write!(f, "{:?} {}", self.kind, self.name),
            namespace => write!(f, "{:?} {namespace}/{}", self.kind, self.name),
        }
    }
}

/// Kinds that are awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of Kubernetes")]
pub enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
    CustomResourceDefinition,
    APIService,
    ValidatingWebhookConfiguration,
    MutatingWebhookConfiguration,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 8] = [
        Kind::Deployment,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::Job,
        Kind::CustomResourceDefinition,
        Kind::APIService,
        Kind::ValidatingWebhookConfiguration,
        Kind::MutatingWebhookConfiguration,
    ];

    /// Whether it is in a namespace.
    pub fn is_namespaced(self) -> bool {
        matches!(self, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Job)
    }

    /// Whether it is a configuration of webhooks.
    pub fn is_webhook(self) -> bool {
        matches!(self, Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration)
    }

    /// API and plural.
    pub fn resource(self) -> (&'static str, &'static str) {
        match self {
            Kind::Deployment => ("/apis/apps/v1", "deployments"),
            Kind::StatefulSet => ("/apis/apps/v1", "statefulsets"),
            Kind::DaemonSet => ("/apis/apps/v1", "daemonsets"),
            Kind::Job => ("/apis/batch/v1", "jobs"),
            Kind::CustomResourceDefinition => ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions"),
            Kind::APIService => ("/apis/apiregistration.k8s.io/v1", "apiservices"),
            Kind::ValidatingWebhookConfiguration => {
                ("/apis/admissionregistration.k8s.io/v1", "validatingwebhookconfigurations")
            }
            Kind::MutatingWebhookConfiguration => {
                ("/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations")
            }
        }
    }
}

/// What is awaited of the objects of a release in this namespace, each once.
pub fn awaited(manifest: &[Value], namespace: &str) -> Vec<Awaited> {
    let of = |object: &Value| {
        let kind = *Kind::ALL.iter().find(|kind| object["kind"] == format!("{kind:?}"))?;
        let own = object["metadata"]["namespace"].as_str().filter(|own| !own.is_empty());
        let namespace = if kind.is_namespaced() { own.unwrap_or(namespace) } else { "" };
        Some(Awaited { kind, namespace: namespace.to_owned(), name: object["metadata"]["name"].as_str()?.to_owned() })
    };
    manifest.iter().filter_map(of).collect::<BTreeSet<_>>().into_iter().collect()
}

/// How an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgment {
    /// It is ready.
    Ready,
    /// It is not, and this is why.
    NotYet(String),
    /// It will not be.
    Never(String),
}

/// How an object is by its own status; `None` is one that does not exist.
pub fn judge(kind: Kind, object: Option<&Value>) -> Judgment {
    let Some(object) = object else { return Judgment::NotYet("it does not exist".to_owned()) };
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = |value: &Value, otherwise: u64| value.as_u64().unwrap_or(otherwise);
    let not_yet = |words: String| Judgment::NotYet(words);
    if matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
        && number(&status["observedGeneration"], 0) < number(&object["metadata"]["generation"], 0)
    {
        return not_yet("its controller has not observed it yet".to_owned());
    }
    match kind {
        Kind::Deployment => {
            let (want, have) = (number(&spec["replicas"], 1), number(&status["availableReplicas"], 0));
            let updated = number(&status["updatedReplicas"], 0);
            match (updated < want, have < want) {
                (_, true) => not_yet(format!("{have} of {want} available")),
                (true, false) => not_yet(format!("{updated} of {want} updated")),
                _ => Judgment::Ready,
            }
        }
        Kind::StatefulSet => {
            let (want, have) = (number(&spec["replicas"], 1), number(&status["readyReplicas"], 0));
            if have < want { not_yet(format!("{have} of {want} ready")) } else { Judgment::Ready }
        }
        Kind::DaemonSet => {
            let (want, have) = (number(&status["desiredNumberScheduled"], 0), number(&status["numberAvailable"], 0));
            if have < want { not_yet(format!("available on {have} of {want} nodes")) } else { Judgment::Ready }
        }
        Kind::Job => {
            let (want, have) = (number(&spec["completions"], 1), number(&status["succeeded"], 0));
            match condition(object, "Failed") {
                Some(failed) if failed["status"] == "True" => {
                    Judgment::Never(format!("it has failed: {}", words(failed)))
                }
                _ if have < want => {
                    not_yet(format!("{have} of {want} completed, {} failed", number(&status["failed"], 0)))
                }
                _ => Judgment::Ready,
            }
        }
        Kind::CustomResourceDefinition => settled(object, "Established", "it is not established"),
        Kind::APIService => settled(object, "Available", "it is not available"),
        // Whether their services answer is not in them.
        Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => Judgment::Ready,
    }
}

fn condition<'o>(object: &'o Value, r#type: &str) -> Option<&'o Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == r#type)
}

/// Reason and message of a condition.
fn words(condition: &Value) -> String {
    let text = |key: &str| condition[key].as_str().unwrap_or_default();
    match (text("reason"), text("message")) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

fn settled(object: &Value, r#type: &str, otherwise: &str) -> Judgment {
    match condition(object, r#type) {
        Some(condition) if condition["status"] == "True" => Judgment::Ready,
        Some(condition) if !words(condition).is_empty() => {
            Judgment::NotYet(format!("{otherwise} ({})", words(condition)))
        }
        _ => Judgment::NotYet(otherwise.to_owned()),
    }
}

/// The services that the webhooks of a configuration call, as namespace and name.
pub fn webhook_services(configuration: &Value) -> Vec<(String, String)> {
    let webhooks = configuration["webhooks"].as_array().into_iter().flatten();
    let service = |webhook: &Value| {
        let service = &webhook["clientConfig"]["service"];
        Some((service["namespace"].as_str()?.to_owned(), service["name"].as_str()?.to_owned()))
    };
    webhooks.filter_map(service).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether one of these EndpointSlices of a service has an address that is ready.
pub fn has_endpoint(slices: &[Value]) -> bool {
    let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
    let mut ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false);
    ready.any(|endpoint| endpoint["addresses"].as_array().is_some_and(|addresses| !addresses.is_empty()))
}

/// Pods and events around workloads, so that those of one are found without a look at those of all others.
#[derive(Default)]
pub struct Around<'v> {
    /// By namespace, and one label with its value.
    pods: HashMap<(&'v str, &'v str, &'v str), Vec<&'v Value>>,
    /// By the uid of what they are about.
    by_uid: HashMap<&'v str, Vec<&'v Value>>,
    /// By namespace and name of what they are about.
    by_name: BTreeMap<(&'v str, &'v str), Vec<&'v Value>>,
}

impl<'v> Around<'v> {
    /// Pods that are being deleted are left out: they say nothing about what comes.
    pub fn new(pods: impl IntoIterator<Item = &'v Value>, events: impl IntoIterator<Item = &'v Value>) -> Around<'v> {
        let mut around = Around::default();
        for pod in pods {
            let metadata = &pod["metadata"];
            if !metadata["deletionTimestamp"].is_null() {
                continue;
            }
            let namespace = metadata["namespace"].as_str().unwrap_or_default();
            for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
                let at = (namespace, key.as_str(), value.as_str().unwrap_or_default());
                around.pods.entry(at).or_default().push(pod);
            }
        }
        for event in events {
            let about = &event["involvedObject"];
            let word = |key: &str| about[key].as_str().unwrap_or_default();
            around.by_uid.entry(word("uid")).or_default().push(event);
            around.by_name.entry((word("namespace"), word("name"))).or_default().push(event);
        }
        around
    }

    /// The pods with these labels.
    fn pods_of<'s>(&'s self, namespace: &'s str, labels: &'s Map<String, Value>) -> Vec<&'s Value> {
        // The label that the fewest pods have; whoever has all has that one too.
        let with = |(key, value): (&'s String, &'s Value)| -> &'s [&'s Value] {
            let at = (namespace, key.as_str(), value.as_str().unwrap_or_default());
            self.pods.get(&at).map_or(&[][..], Vec::as_slice)
        };
        let fewest = labels.iter().map(with).min_by_key(|pods| pods.len()).unwrap_or_default();
        let has_all = |pod: &&&Value| labels.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
        fewest.iter().filter(has_all).copied().collect()
    }

    fn events_of<'s>(&'s self, uid: &'s str) -> &'s [&'s Value] {
        self.by_uid.get(uid).map_or(&[], Vec::as_slice)
    }

    /// Events about an object, and about those that are called like it with a dash and more behind: a ReplicaSet is called
    /// like its Deployment, with a hash.
    fn events_named<'s>(&'s self, namespace: &'s str, name: &'s str) -> impl Iterator<Item = &'s Value> {
        let alike = self.by_name.range((namespace, name)..);
        let alike = alike.take_while(move |((place, found), _)| *place == namespace && found.starts_with(name));
        let is_meant = move |found: &str| {
            found.strip_prefix(name).is_some_and(|behind| behind.is_empty() || behind.starts_with('-'))
        };
        alike.filter(move |((_, found), _)| is_meant(found)).flat_map(|(_, events)| events.iter().copied())
    }
}

/// What an object that is not ready waits for: its own words, and those of the first of its pods that says why.
pub fn pending(awaited: &Awaited, words: &str, object: Option<&Value>, around: &Around<'_>) -> Pending {
    let why = object.and_then(|object| reason(awaited, object, around));
    let why = why.map_or_else(|| words.to_owned(), |why| format!("{words}; {why}"));
    Pending { object: awaited.to_string(), why }
}

/// What holds up a workload.
fn reason(awaited: &Awaited, workload: &Value, around: &Around<'_>) -> Option<String> {
    let wanted = workload["spec"]["selector"]["matchLabels"].as_object()?;
    let own = around.pods_of(&awaited.namespace, wanted);
    if own.is_empty() {
        let about = around.events_named(&awaited.namespace, &awaited.name);
        return newest(about.filter(|event| event["reason"] == "FailedCreate")).map(|text| format!("no pod: {text}"));
    }
    let why = |pod: &&Value| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let events = around.events_of(pod["metadata"]["uid"].as_str().unwrap_or_default());
        pod_reason(pod, events).map(|(rank, why)| (rank, format!("pod {name}: {why}")))
    };
    own.iter().filter_map(why).min_by_key(|(rank, _)| *rank).map(|(_, why)| why)
}

/// The message of the newest of these events.
fn newest<'e>(events: impl Iterator<Item = &'e Value>) -> Option<String> {
    let time = |event: &Value| {
        let texts = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
        texts.iter().find_map(|at| event.pointer(at)?.as_str()).unwrap_or_default().to_owned()
    };
    let event = events.max_by_key(|event| time(event))?;
    Some(event["message"].as_str().unwrap_or_default().trim().to_owned())
}

/// Why a pod is not ready, and how much that matters: lower is worse. `None` for one that is ready or has ended well.
fn pod_reason(pod: &Value, events: &[&Value]) -> Option<(u8, String)> {
    if condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True") || pod["status"]["phase"] == "Succeeded" {
        return None;
    }
    let event = |reasons: &[&str]| {
        newest(events.iter().copied().filter(|event| reasons.iter().any(|reason| event["reason"] == *reason)))
    };
    if let Some(scheduled) = condition(pod, "PodScheduled").filter(|scheduled| scheduled["status"] == "False") {
        return Some((0, words(scheduled)));
    }
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let statuses = statuses.iter().flat_map(|list| pod["status"][list].as_array().into_iter().flatten());
    let statuses: Vec<&Value> = statuses.collect();
    for status in &statuses {
        let container = status["name"].as_str().unwrap_or_default();
        let waiting = &status["state"]["waiting"];
        match waiting["reason"].as_str().unwrap_or_default() {
            "" | "PodInitializing" | "ContainerCreating" => {}
            "CrashLoopBackOff" => {
                let last = &status["lastState"]["terminated"];
                let code = last["exitCode"].as_i64().map_or(String::new(), |code| format!(", last exit code {code}"));
                let ended = last["reason"].as_str().map_or(String::new(), |reason| format!(" ({reason})"));
                return Some((1, format!("container {container} crashes again and again{code}{ended}")));
            }
            _ => return Some((1, format!("container {container}: {}", words(waiting)))),
        }
    }
    if let Some(text) = event(&["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedPreStopHook"]) {
        let creating = statuses.iter().any(|status| status["state"]["waiting"]["reason"] == "ContainerCreating");
        if creating || statuses.is_empty() {
            return Some((2, text));
        }
    }
    for status in &statuses {
        let container = status["name"].as_str().unwrap_or_default();
        let ended = &status["state"]["terminated"];
        if let Some(code) = ended["exitCode"].as_i64().filter(|code| *code != 0) {
            return Some((2, format!("container {container} ended with exit code {code}")));
        }
    }
    if pod["status"]["phase"] == "Pending" {
        let pulling = event(&["Pulling"]).filter(|_| event(&["Started"]).is_none());
        return Some((4, pulling.unwrap_or_else(|| "its containers are being created".to_owned())));
    }
    let unready = statuses.iter().find(|status| status["ready"] == false && !status["state"]["running"].is_null());
    let container = unready.and_then(|status| status["name"].as_str()).unwrap_or_default();
    match (event(&["Unhealthy"]), unready) {
        (Some(text), _) => Some((3, text)),
        (None, Some(_)) => Some((4, format!("container {container} runs and is not ready yet"))),
        (None, None) => Some((4, "it is not ready yet".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> Value {
        json!({"metadata": {"name": "web", "namespace": "x", "generation": 2},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}},
            "status": {"observedGeneration": 2, "availableReplicas": 1, "updatedReplicas": 2}})
    }

    fn web() -> Awaited {
        Awaited { kind: Kind::Deployment, namespace: "x".to_owned(), name: "web".to_owned() }
    }

    fn pod(status: Value) -> Value {
        json!({"metadata": {"name": "web-1", "namespace": "x", "uid": "u1", "labels": {"app": "web", "more": "1"}}, "status": status})
    }

    #[track_caller]
    fn check(pods: &[Value], events: &[Value], expected: &str) {
        let deployment = deployment();
        let Judgment::NotYet(words) = judge(Kind::Deployment, Some(&deployment)) else { panic!("it is ready") };
        let found = pending(&web(), &words, Some(&deployment), &Around::new(pods, events));
        assert_eq!(found.to_string(), format!("Deployment x/web: 1 of 2 available{expected}"));
    }

    #[test]
    fn what_is_awaited_is_found_in_a_manifest_with_its_namespace() {
        let object = |kind: &str, name: &str, namespace: Value| json!({"kind": kind, "metadata": {"name": name, "namespace": namespace}});
        let manifest = [
            object("Deployment", "a", Value::Null),
            object("DaemonSet", "b", "other".into()),
            object("ConfigMap", "c", Value::Null),
            object("CustomResourceDefinition", "d", Value::Null),
            object("Deployment", "a", Value::Null),
        ];
        let shown: Vec<String> = awaited(&manifest, "own").iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["Deployment own/a", "DaemonSet other/b", "CustomResourceDefinition d"]);
    }

    #[test]
    fn each_kind_is_judged_by_its_own_status() {
        let check = |kind: Kind, object: Value, expected: Judgment| assert_eq!(judge(kind, Some(&object)), expected);
        let not = |words: &str| Judgment::NotYet(words.to_owned());
        let mut ready = deployment();
        ready["status"]["availableReplicas"] = 2.into();
        check(Kind::Deployment, ready.clone(), Judgment::Ready);
        ready["metadata"]["generation"] = 3.into();
        check(Kind::Deployment, ready, not("its controller has not observed it yet"));
        check(Kind::StatefulSet, json!({"status": {}}), not("0 of 1 ready"));
        let daemons = json!({"status": {"desiredNumberScheduled": 3, "numberAvailable": 1}});
        check(Kind::DaemonSet, daemons, not("available on 1 of 3 nodes"));
        // No node is meant: nothing to wait for.
        check(Kind::DaemonSet, json!({"status": {"desiredNumberScheduled": 0}}), Judgment::Ready);
        check(Kind::Job, json!({"status": {"failed": 2}}), not("0 of 1 completed, 2 failed"));
        let failed =
            json!({"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}});
        check(Kind::Job, failed, Judgment::Never("it has failed: BackoffLimitExceeded".to_owned()));
        check(Kind::CustomResourceDefinition, json!({}), not("it is not established"));
        let established = json!({"status": {"conditions": [{"type": "Established", "status": "True"}]}});
        check(Kind::CustomResourceDefinition, established, Judgment::Ready);
        assert_eq!(judge(Kind::Job, None), not("it does not exist"));
    }

    #[test]
    fn a_pod_that_cannot_be_scheduled_or_pulled_says_so() {
        let unscheduled = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/3 nodes are available"}]});
        let pulling = json!({"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting":
            {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}}}]});
        check(
            &[pod(pulling.clone())],
            &[],
            "; pod web-1: container main: ImagePullBackOff: Back-off pulling image \"x\"",
        );
        // The worst of several is named.
        let pods = [pod(pulling), pod(unscheduled)];
        check(&pods, &[], "; pod web-1: Unschedulable: 0/3 nodes are available");
    }

    #[test]
    fn events_say_what_a_status_does_not() {
        let creating = json!({"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting":
            {"reason": "ContainerCreating"}}}]});
        let event = |reason: &str, message: &str, time: &str| {
            json!({"reason": reason, "message": message, "lastTimestamp": time, "involvedObject":
                {"uid": "u1", "name": "web-1", "namespace": "x"}})
        };
        let events = [
            event("FailedMount", "secret \"a\" not found", "2026-01-01T00:00:02Z"),
            event("FailedMount", "secret \"b\" not found", "2026-01-01T00:00:01Z"),
        ];
        check(&[pod(creating.clone())], &events, "; pod web-1: secret \"a\" not found");
        check(&[pod(creating)], &[], "; pod web-1: its containers are being created");
        let running = json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": false, "state": {"running": {}}}]});
        check(&[pod(running.clone())], &[], "; pod web-1: container main runs and is not ready yet");
        let probe = [event("Unhealthy", "Readiness probe failed: 503", "2026-01-01T00:00:01Z")];
        check(&[pod(running)], &probe, "; pod web-1: Readiness probe failed: 503");
    }

    #[test]
    fn a_workload_without_pods_says_why_they_are_refused() {
        let refused = json!({"reason": "FailedCreate", "message": "exceeded quota", "involvedObject":
            {"name": "web-5d4f", "namespace": "x"}});
        check(&[], &[refused], "; no pod: exceeded quota");
        check(&[], &[], "");
    }

    #[test]
    fn pods_and_events_of_others_say_nothing() {
        let unscheduled =
            json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
        let mut other = pod(unscheduled);
        other["metadata"]["labels"]["app"] = "other".into();
        let mut elsewhere = other.clone();
        elsewhere["metadata"]["labels"]["app"] = "web".into();
        elsewhere["metadata"]["namespace"] = "y".into();
        let mut leaving = other.clone();
        leaving["metadata"]["labels"]["app"] = "web".into();
        leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let refused = |namespace: &str, name: &str| json!({"reason": "FailedCreate", "message": name, "involvedObject": {"name": name, "namespace": namespace}});
        let events = [refused("y", "web-1"), refused("x", "webs-1"), refused("x", "we"), refused("x", "web.x")];
        check(&[other.clone(), elsewhere.clone(), leaving.clone()], &events, "");
        check(&[other, elsewhere, leaving], &[refused("x", "web")], "; no pod: web");
    }

    #[test]
    fn a_crash_is_told_with_its_exit_code() {
        let crash = json!({"phase": "Running", "containerStatuses": [{"name": "main", "state": {"waiting":
            {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]});
        check(
            &[pod(crash)],
            &[],
            "; pod web-1: container main crashes again and again, last exit code 137 (OOMKilled)",
        );
    }

    #[test]
    fn a_webhook_is_ready_with_an_endpoint_of_its_service() {
        let webhook = json!({"webhooks": [
            {"clientConfig": {"service": {"namespace": "n", "name": "s"}}},
            {"clientConfig": {"service": {"namespace": "n", "name": "s"}}},
            {"clientConfig": {"url": "https://elsewhere"}}]});
        assert_eq!(webhook_services(&webhook), [("n".to_owned(), "s".to_owned())]);
        let slice = |ready: bool| json!({"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}]});
        assert!(has_endpoint(&[slice(false), slice(true)]));
        assert!(!has_endpoint(&[slice(false)]) && !has_endpoint(&[]));
    }
}
