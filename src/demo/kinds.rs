//! The resources that the demo serves, as a table; discovery documents are made from it.
//!
//! One version of each. Kinds of custom resources are listed like the others, and are served where the world has their
//! definition or an object of them; creating a definition later does not make the demo serve it.

use serde_json::{Value, json};

/// Place in [`ALL`].
pub type KindId = usize;

/// One resource.
#[derive(Debug)]
pub struct Kind {
    pub group: &'static str,
    pub version: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub kind: &'static str,
    pub namespaced: bool,
    short: &'static [&'static str],
    pub subresources: &'static [&'static str],
    /// Not stored: only a POST is answered.
    pub review: bool,
}

const STATUS: &[&str] = &["status"];

const fn in_namespace(
    group_version: (&'static str, &'static str),
    names: (&'static str, &'static str, &'static str),
) -> Kind {
    let (group, version) = group_version;
    let (plural, singular, kind) = names;
    Kind { group, version, plural, singular, kind, namespaced: true, short: &[], subresources: &[], review: false }
}

const fn cluster_wide(
    group_version: (&'static str, &'static str),
    names: (&'static str, &'static str, &'static str),
) -> Kind {
    Kind { namespaced: false, ..in_namespace(group_version, names) }
}

const fn review(
    group_version: (&'static str, &'static str),
    names: (&'static str, &'static str, &'static str),
) -> Kind {
    Kind { review: true, ..cluster_wide(group_version, names) }
}

impl Kind {
    const fn short(self, short: &'static [&'static str]) -> Kind {
        Kind { short, ..self }
    }

    const fn with(self, subresources: &'static [&'static str]) -> Kind {
        Kind { subresources, ..self }
    }

    /// `v1`, `batch/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As messages name it: `pods`, `jobs.batch`.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// Whether a definition in the store made it, rather than the API server itself.
    pub fn is_custom(&self) -> bool {
        self.group.contains('.') && !self.group.ends_with(".k8s.io") || self.group == "nfd.k8s-sigs.io"
    }
}

const CORE: (&str, &str) = ("", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const BATCH: (&str, &str) = ("batch", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const STORAGE: (&str, &str) = ("storage.k8s.io", "v1");
const NETWORK: (&str, &str) = ("networking.k8s.io", "v1");
const ADMISSION: (&str, &str) = ("admissionregistration.k8s.io", "v1");
const DRA: (&str, &str) = ("resource.k8s.io", "v1");
const ACCESS: (&str, &str) = ("authorization.k8s.io", "v1");
const MONITORING: (&str, &str) = ("monitoring.coreos.com", "v1");
const CERTS: (&str, &str) = ("cert-manager.io", "v1");
const TRAINER: (&str, &str) = ("trainer.kubeflow.org", "v1alpha1");
const NFD: (&str, &str) = ("nfd.k8s-sigs.io", "v1alpha1");

/// Everything that is served.
pub static ALL: &[Kind] = &[
    in_namespace(CORE, ("configmaps", "configmap", "ConfigMap")).short(&["cm"]),
    in_namespace(CORE, ("endpoints", "endpoints", "Endpoints")).short(&["ep"]),
    in_namespace(CORE, ("events", "event", "Event")).short(&["ev"]),
    in_namespace(CORE, ("limitranges", "limitrange", "LimitRange")).short(&["limits"]),
    cluster_wide(CORE, ("namespaces", "namespace", "Namespace")).short(&["ns"]).with(STATUS),
    cluster_wide(CORE, ("nodes", "node", "Node")).short(&["no"]).with(STATUS),
    in_namespace(CORE, ("persistentvolumeclaims", "persistentvolumeclaim", "PersistentVolumeClaim"))
        .short(&["pvc"])
        .with(STATUS),
    cluster_wide(CORE, ("persistentvolumes", "persistentvolume", "PersistentVolume")).short(&["pv"]).with(STATUS),
    in_namespace(CORE, ("pods", "pod", "Pod")).short(&["po"]).with(&["log", "status"]),
    in_namespace(CORE, ("replicationcontrollers", "replicationcontroller", "ReplicationController"))
        .short(&["rc"])
        .with(STATUS),
    in_namespace(CORE, ("resourcequotas", "resourcequota", "ResourceQuota")).short(&["quota"]).with(STATUS),
    in_namespace(CORE, ("secrets", "secret", "Secret")),
    in_namespace(CORE, ("serviceaccounts", "serviceaccount", "ServiceAccount")).short(&["sa"]),
    in_namespace(CORE, ("services", "service", "Service")).short(&["svc"]).with(STATUS),
    in_namespace(APPS, ("controllerrevisions", "controllerrevision", "ControllerRevision")),
    in_namespace(APPS, ("daemonsets", "daemonset", "DaemonSet")).short(&["ds"]).with(STATUS),
    in_namespace(APPS, ("deployments", "deployment", "Deployment")).short(&["deploy"]).with(STATUS),
    in_namespace(APPS, ("replicasets", "replicaset", "ReplicaSet")).short(&["rs"]).with(STATUS),
    in_namespace(APPS, ("statefulsets", "statefulset", "StatefulSet")).short(&["sts"]).with(STATUS),
    in_namespace(BATCH, ("cronjobs", "cronjob", "CronJob")).short(&["cj"]).with(STATUS),
    in_namespace(BATCH, ("jobs", "job", "Job")).with(STATUS),
    cluster_wide(RBAC, ("clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding")),
    cluster_wide(RBAC, ("clusterroles", "clusterrole", "ClusterRole")),
    in_namespace(RBAC, ("rolebindings", "rolebinding", "RoleBinding")),
    in_namespace(RBAC, ("roles", "role", "Role")),
    cluster_wide(STORAGE, ("csidrivers", "csidriver", "CSIDriver")),
    cluster_wide(STORAGE, ("storageclasses", "storageclass", "StorageClass")).short(&["sc"]),
    cluster_wide(NETWORK, ("ingressclasses", "ingressclass", "IngressClass")),
    in_namespace(NETWORK, ("ingresses", "ingress", "Ingress")).short(&["ing"]).with(STATUS),
    in_namespace(NETWORK, ("networkpolicies", "networkpolicy", "NetworkPolicy")).short(&["netpol"]),
    cluster_wide(
        ADMISSION,
        ("mutatingwebhookconfigurations", "mutatingwebhookconfiguration", "MutatingWebhookConfiguration"),
    ),
    cluster_wide(
        ADMISSION,
        ("validatingwebhookconfigurations", "validatingwebhookconfiguration", "ValidatingWebhookConfiguration"),
    ),
    cluster_wide(
        ("apiextensions.k8s.io", "v1"),
        ("customresourcedefinitions", "customresourcedefinition", "CustomResourceDefinition"),
    )
    .short(&["crd", "crds"])
    .with(STATUS),
    cluster_wide(("apiregistration.k8s.io", "v1"), ("apiservices", "apiservice", "APIService")).with(STATUS),
    in_namespace(
        ("autoscaling", "v2"),
        ("horizontalpodautoscalers", "horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    )
    .short(&["hpa"])
    .with(STATUS),
    in_namespace(("coordination.k8s.io", "v1"), ("leases", "lease", "Lease")),
    in_namespace(("discovery.k8s.io", "v1"), ("endpointslices", "endpointslice", "EndpointSlice")),
    cluster_wide(("node.k8s.io", "v1"), ("runtimeclasses", "runtimeclass", "RuntimeClass")),
    in_namespace(("policy", "v1"), ("poddisruptionbudgets", "poddisruptionbudget", "PodDisruptionBudget"))
        .short(&["pdb"])
        .with(STATUS),
    cluster_wide(("scheduling.k8s.io", "v1"), ("priorityclasses", "priorityclass", "PriorityClass")).short(&["pc"]),
    cluster_wide(DRA, ("deviceclasses", "deviceclass", "DeviceClass")),
    in_namespace(DRA, ("resourceclaims", "resourceclaim", "ResourceClaim")).with(STATUS),
    in_namespace(DRA, ("resourceclaimtemplates", "resourceclaimtemplate", "ResourceClaimTemplate")),
    cluster_wide(DRA, ("resourceslices", "resourceslice", "ResourceSlice")),
    review(("authentication.k8s.io", "v1"), ("selfsubjectreviews", "selfsubjectreview", "SelfSubjectReview")),
    review(ACCESS, ("selfsubjectaccessreviews", "selfsubjectaccessreview", "SelfSubjectAccessReview")),
    review(ACCESS, ("selfsubjectrulesreviews", "selfsubjectrulesreview", "SelfSubjectRulesReview")),
    review(ACCESS, ("subjectaccessreviews", "subjectaccessreview", "SubjectAccessReview")),
    // Of the operators.
    cluster_wide(("nvidia.com", "v1"), ("clusterpolicies", "clusterpolicy", "ClusterPolicy")).with(STATUS),
    cluster_wide(("nvidia.com", "v1alpha1"), ("nvidiadrivers", "nvidiadriver", "NVIDIADriver")).with(STATUS),
    in_namespace(NFD, ("nodefeatures", "nodefeature", "NodeFeature")),
    cluster_wide(NFD, ("nodefeaturegroups", "nodefeaturegroup", "NodeFeatureGroup")),
    cluster_wide(NFD, ("nodefeaturerules", "nodefeaturerule", "NodeFeatureRule")),
    in_namespace(CERTS, ("certificaterequests", "certificaterequest", "CertificateRequest")).with(STATUS),
    in_namespace(CERTS, ("certificates", "certificate", "Certificate")).with(STATUS),
    cluster_wide(CERTS, ("clusterissuers", "clusterissuer", "ClusterIssuer")).with(STATUS),
    in_namespace(CERTS, ("issuers", "issuer", "Issuer")).with(STATUS),
    in_namespace(MONITORING, ("alertmanagers", "alertmanager", "Alertmanager")).with(STATUS),
    in_namespace(MONITORING, ("podmonitors", "podmonitor", "PodMonitor")),
    in_namespace(MONITORING, ("probes", "probe", "Probe")),
    in_namespace(MONITORING, ("prometheuses", "prometheus", "Prometheus")).with(STATUS),
    in_namespace(MONITORING, ("prometheusrules", "prometheusrule", "PrometheusRule")),
    in_namespace(MONITORING, ("servicemonitors", "servicemonitor", "ServiceMonitor")),
    in_namespace(MONITORING, ("thanosrulers", "thanosruler", "ThanosRuler")).with(STATUS),
    in_namespace(
        ("monitoring.coreos.com", "v1alpha1"),
        ("alertmanagerconfigs", "alertmanagerconfig", "AlertmanagerConfig"),
    ),
    cluster_wide(("mellanox.com", "v1alpha1"), ("nicclusterpolicies", "nicclusterpolicy", "NicClusterPolicy"))
        .with(STATUS),
    in_namespace(("resource.nvidia.com", "v1beta1"), ("computedomains", "computedomain", "ComputeDomain")).with(STATUS),
    cluster_wide(("scheduling.run.ai", "v2"), ("queues", "queue", "Queue")).with(STATUS),
    in_namespace(("scheduling.run.ai", "v2alpha2"), ("podgroups", "podgroup", "PodGroup")).with(STATUS),
    in_namespace(TRAINER, ("trainjobs", "trainjob", "TrainJob")).with(STATUS),
    in_namespace(TRAINER, ("trainingruntimes", "trainingruntime", "TrainingRuntime")),
    cluster_wide(TRAINER, ("clustertrainingruntimes", "clustertrainingruntime", "ClusterTrainingRuntime")),
    cluster_wide(("nodewright.nvidia.com", "v1alpha1"), ("nodewrights", "nodewright", "NodeWright")).with(STATUS),
    cluster_wide(("skyhook.nvidia.com", "v1alpha1"), ("skyhooks", "skyhook", "Skyhook")).with(STATUS),
];

/// The resource of a path; `None` where it is not served.
pub fn find(group: &str, version: &str, plural: &str) -> Option<KindId> {
    ALL.iter().position(|kind| kind.group == group && kind.version == version && kind.plural == plural)
}

/// A resource that the demo itself speaks of.
///
/// # Panics
/// When the table above lacks it: a mistake in this crate.
pub fn own(plural: &str) -> KindId {
    ALL.iter()
        .position(|kind| kind.plural == plural)
        .unwrap_or_else(|| panic!("`{plural}` is not in the table of kinds"))
}

/// The resource of an object; `None` where it is not known.
pub fn of_object(api_version: &str, kind: &str) -> Option<KindId> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ALL.iter().position(|one| one.group == group && one.version == version && one.kind == kind)
}

/// Groups and versions, in the order in which they are listed; the core group has no name and is not among them.
pub fn group_versions(served: impl Iterator<Item = &'static Kind>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for kind in served.filter(|kind| !kind.group.is_empty()) {
        let one = (kind.group.to_owned(), kind.version.to_owned());
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// `/apis`.
pub fn groups(group_versions: &[(String, String)]) -> Value {
    let mut names: Vec<&str> = Vec::new();
    for (group, _) in group_versions {
        if !names.contains(&group.as_str()) {
            names.push(group);
        }
    }
    let groups: Vec<Value> = names.into_iter().filter_map(|name| group(name, group_versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/{group}`, without its kind; `None` where nothing of the group is served.
pub fn group(name: &str, group_versions: &[(String, String)]) -> Option<Value> {
    let of_group = group_versions.iter().filter(|(group, _)| group == name);
    let versions: Vec<Value> =
        of_group.map(|(_, version)| json!({"groupVersion": format!("{name}/{version}"), "version": version})).collect();
    let preferred = versions.first()?;
    Some(json!({"name": name, "versions": versions, "preferredVersion": preferred}))
}

/// `/api/v1` and `/apis/{group}/{version}`; `None` where it is not served.
pub fn resources(group: &str, version: &str, served: impl Iterator<Item = &'static Kind>) -> Option<Value> {
    let mut listed = Vec::new();
    for kind in served.filter(|kind| kind.group == group && kind.version == version) {
        let verbs: &[&str] = if kind.review {
            &["create"]
        } else {
            &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        };
        let mut entry = json!({"name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": verbs});
        if !kind.short.is_empty() {
            entry["shortNames"] = json!(kind.short);
        }
        if matches!(
            kind.plural,
            "pods" | "services" | "deployments" | "daemonsets" | "replicasets" | "statefulsets" | "jobs" | "cronjobs"
        ) {
            entry["categories"] = json!(["all"]);
        }
        listed.push(entry);
        for subresource in kind.subresources {
            let verbs: &[&str] = if *subresource == "log" { &["get"] } else { &["get", "patch", "update"] };
            listed.push(json!({"name": format!("{}/{subresource}", kind.plural), "singularName": "",
                "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs}));
        }
    }
    if listed.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_listed_once_and_found_by_path() {
        for (id, kind) in ALL.iter().enumerate() {
            assert_eq!(find(kind.group, kind.version, kind.plural), Some(id), "{}", kind.plural);
        }
    }

    #[test]
    fn discovery_names_what_the_table_has() {
        let batch = resources("batch", "v1", ALL.iter()).expect("batch");
        let names: Vec<&str> =
            batch["resources"].as_array().into_iter().flatten().filter_map(|r| r["name"].as_str()).collect();
        assert_eq!(names, ["cronjobs", "cronjobs/status", "jobs", "jobs/status"]);
        let served = group_versions(ALL.iter());
        assert_eq!(group("nvidia.com", &served).expect("a group")["versions"].as_array().map(Vec::len), Some(2));
        assert_eq!((resources("batch", "v2", ALL.iter()), group("none", &served)), (None, None));
    }
}
