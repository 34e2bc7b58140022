//! What is in the demo when it starts: five nodes of a kind cluster, one of them with an A100, and its operators.
//!
//! The facts are those of a real cluster whose snapshot is public. Tables say what there is; functions below make the
//! objects of an API server from them. A fault that breaks a check breaks here what that check looks at.

use super::{
    clock::{Ids, chance, seconds},
    faults::Faults,
    kinds::{self, own},
    nodes, rbac,
    store::{Key, Store},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

pub const SERVER_VERSION: &str = "v1.34.0";
/// Before the demo starts, the cluster was made.
const AGE: Duration = Duration::from_secs(10 * 24 * 3_600);
/// Resource version at which the cluster begins; a number as of a cluster that has lived for days.
const FIRST_REVISION: u64 = 812_000;

/// `GET /version`.
pub fn version() -> Value {
    json!({"major": "1", "minor": "34", "emulationMajor": "1", "emulationMinor": "34", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "33", "gitVersion": SERVER_VERSION, "gitCommit": "f28b4c9efbca5c5c0af716d9f2d5702667ee8a45",
        "gitTreeState": "clean", "buildDate": "2025-08-27T10:09:04Z", "goVersion": "go1.24.6", "compiler": "gc",
        "platform": "linux/arm64"})
}

/// What runs, as a table; its first lines say what the columns are.
const WORKLOADS: &str = include_str!("workloads.txt");

/// One line of [`WORKLOADS`].
struct Workload {
    namespace: &'static str,
    name: &'static str,
    /// `deployment`, `statefulset` or `daemonset`.
    kind: &'static str,
    on: Vec<&'static str>,
    /// `app.kubernetes.io/name`; none for what kind itself brings.
    component: Option<&'static str>,
    chart: Option<&'static str>,
    release: Option<&'static str>,
    /// Names and images.
    containers: Vec<(&'static str, &'static str)>,
}

/// # Panics
/// When a line of the table has too few words: a mistake in this crate.
fn workloads() -> impl Iterator<Item = Workload> {
    let lines = WORKLOADS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [namespace, name, place, component, chart, release, containers @ ..] = words.as_slice() else {
            panic!("`{line}` is no line of workloads.txt");
        };
        let stated = |word: &&'static str| Some(*word).filter(|word| *word != "-");
        let (kind, place) = place.split_once('@').unwrap_or((place, "0"));
        let on = match place {
            "every" => nodes::NAMES.to_vec(),
            "gpu" => vec![nodes::GPU_NODE],
            index => vec![nodes::NAMES[index.parse::<usize>().unwrap_or_default()]],
        };
        Workload {
            namespace,
            name,
            kind,
            on,
            component: stated(component),
            chart: stated(chart),
            release: stated(release),
            containers: containers.iter().filter_map(|text| text.split_once('=')).collect(),
        }
    })
}

/// Pods that the kubelet of the control plane starts by itself.
const STATIC_PODS: &[(&str, &str)] = &[
    ("etcd", "registry.k8s.io/etcd:3.6.4-0"),
    ("kube-apiserver", "registry.k8s.io/kube-apiserver:v1.34.0"),
    ("kube-controller-manager", "registry.k8s.io/kube-controller-manager:v1.34.0"),
    ("kube-scheduler", "registry.k8s.io/kube-scheduler:v1.34.0"),
];

/// Helm releases: namespace, name, chart.
const RELEASES: &[(&str, &str, &str)] = &[
    ("cert-manager", "cert-manager", "cert-manager-v1.20.2"),
    ("gpu-operator", "gpu-operator", "gpu-operator-v25.10.1"),
    ("kai-scheduler", "kai-scheduler", "kai-scheduler-v0.14.1"),
    ("monitoring", "k8s-ephemeral-storage-metrics", "k8s-ephemeral-storage-metrics-1.19.2"),
    ("monitoring", "kube-prometheus-stack", "kube-prometheus-stack-84.4.0"),
    ("monitoring", "prometheus-adapter", "prometheus-adapter-5.3.0"),
    ("monitoring", "prometheus-operator-crds", "prometheus-operator-crds-28.0.1"),
    ("node-feature-discovery", "nfd", "node-feature-discovery-0.18.3"),
    ("nvidia-dra-driver", "nvidia-dra-driver-gpu", "nvidia-dra-driver-gpu-25.12.0"),
    ("nvidia-network-operator", "network-operator", "network-operator-26.1.1"),
    ("nvsentinel", "nvsentinel", "nvsentinel-v1.3.0"),
    ("skyhook", "nodewright-operator", "skyhook-operator-v0.15.1"),
];

/// Services: namespace, name, port, target, `app.kubernetes.io/name`.
const SERVICES: &[(&str, &str, u16, u16, &str)] = &[
    ("default", "kubernetes", 443, 6443, "kubernetes"),
    ("kube-system", "kube-dns", 53, 53, "kube-dns"),
    ("cert-manager", "cert-manager-webhook", 443, 10250, "webhook"),
    ("gpu-operator", "gpu-operator", 8080, 8080, "gpu-operator"),
    ("gpu-operator", "nvidia-dcgm-exporter", 9400, 9400, "nvidia-dcgm-exporter"),
    ("monitoring", "kube-prometheus-alertmanager", 9093, 9093, "alertmanager"),
    ("monitoring", "kube-prometheus-operator", 443, 10250, "kube-prometheus-stack-prometheus-operator"),
    ("monitoring", "kube-prometheus-prometheus", 9090, 9090, "prometheus"),
    ("monitoring", "kube-state-metrics", 8080, 8080, "kube-state-metrics"),
    ("monitoring", "prometheus-adapter", 443, 6443, "prometheus-adapter"),
    ("monitoring", "prometheus-node-exporter", 9100, 9100, "prometheus-node-exporter"),
];

/// A workload on the way to its object.
struct Made {
    namespace: &'static str,
    metadata: Value,
    spec: Value,
    /// Of its pods.
    labels: Value,
}

struct Builder<'b> {
    store: Store,
    ids: Ids,
    seed: u64,
    made: String,
    faults: &'b Faults,
}

/// Everything, as it was before the first request.
///
/// `nodes` adds further GPU nodes until there are so many, for measuring.
pub fn build(seed: u64, now: Timestamp, faults: &Faults, nodes: Option<usize>) -> Store {
    let made = seconds(now.checked_sub(AGE).unwrap_or(now));
    let ids = Ids::new(chance(seed, &["world"]));
    let mut world = Builder { store: Store::new(FIRST_REVISION), ids, seed, made, faults };
    world.namespaces();
    for node in nodes::all(now, nodes.unwrap_or_default()) {
        world.add("nodes", "", node);
    }
    world.roles();
    world.static_pods();
    for workload in workloads() {
        world.workload(&workload);
    }
    world.services();
    world.releases();
    world.definitions();
    world.gpu_operator();
    world.monitoring();
    world.devices();
    for features in nodes::features() {
        world.add("nodefeatures", "node-feature-discovery", features);
    }
    world.small_things();
    world.store
}

impl Builder<'_> {
    /// Stores an object under the name it has, with identity and age.
    fn add(&mut self, plural: &str, namespace: &str, mut object: Value) -> Value {
        let kind = own(plural);
        let metadata = &mut object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default().to_owned();
        if !namespace.is_empty() {
            metadata["namespace"] = json!(namespace);
        }
        metadata["uid"] = json!(self.ids.uid());
        if metadata.get("creationTimestamp").is_none() {
            metadata["creationTimestamp"] = json!(self.made);
        }
        self.store.seed(Key::new(kind, namespace, &name), object.clone());
        object
    }

    fn namespaces(&mut self) {
        let mut names = vec!["default", "kube-node-lease", "kube-public", "kube-system", "local-path-storage"];
        for (namespace, ..) in RELEASES {
            if !names.contains(namespace) {
                names.push(namespace);
            }
        }
        for name in names {
            let mut object = json!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
            if name == "nvsentinel" && self.faults.breaks("platform-health") {
                object["metadata"]["deletionTimestamp"] = json!(self.made);
                object["status"] = json!({"phase": "Terminating", "conditions": [{"type": "NamespaceFinalizersRemaining",
                    "status": "True", "reason": "SomeFinalizersRemain", "lastTransitionTime": self.made,
                    "message": "Some content in the namespace has finalizers remaining: nvsentinel.nvidia.com/cleanup in 1 resource instances"}]});
            }
            self.add("namespaces", "", object);
            self.add("serviceaccounts", name, json!({"metadata": {"name": "default"}}));
            self.add("configmaps", name, root_certificate());
        }
    }

    fn roles(&mut self) {
        for (plural, name, mut body) in rbac::built_in() {
            body["metadata"] = json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}});
            self.add(plural, "", body);
        }
    }

    fn static_pods(&mut self) {
        let node = Key::new(own("nodes"), "", nodes::CONTROL_PLANE);
        let uid = self.store.get(&node).map(|stored| stored.uid.clone());
        let owner = json!({"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": uid, "controller": true});
        for (name, image) in STATIC_PODS {
            let labels = json!({"component": name, "tier": "control-plane"});
            self.pod(
                "kube-system",
                &format!("{name}-{}", nodes::CONTROL_PLANE),
                &labels,
                &owner,
                nodes::CONTROL_PLANE,
                &[(name, image)],
            );
        }
    }

    fn workload(&mut self, workload: &Workload) {
        let Workload { namespace, name, kind, on, component, chart, release, containers } = workload;
        let mut labels = json!({"app": name});
        let mut metadata = json!({"name": name});
        if let Some(component) = component {
            labels["app.kubernetes.io/name"] = json!(component);
        }
        if let (Some(chart), Some(release)) = (chart, release) {
            labels["app.kubernetes.io/instance"] = json!(release);
            labels["helm.sh/chart"] = json!(chart);
            metadata["annotations"] =
                json!({"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": namespace});
        }
        metadata["labels"] = labels.clone();
        if chart.is_some() {
            metadata["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        }
        let containers: Vec<Value> =
            containers.iter().map(|(name, image)| json!({"name": name, "image": image})).collect();
        let made = Made {
            namespace,
            metadata,
            spec: json!({"selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}}),
            labels,
        };
        match *kind {
            "deployment" => self.deployment(made, on[0], workload),
            "statefulset" => self.stateful_set(made, on[0], workload),
            _ => self.daemon_set(made, on, workload),
        }
    }

    fn stateful_set(&mut self, made: Made, node: &str, workload: &Workload) {
        let Made { namespace, metadata, mut spec, labels } = made;
        spec["replicas"] = json!(1);
        spec["serviceName"] = json!(workload.name);
        let status = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "currentReplicas": 1,
            "updatedReplicas": 1, "observedGeneration": 1});
        let set = self.add("statefulsets", namespace, json!({"metadata": metadata, "spec": spec, "status": status}));
        let owner = owner("apps/v1", "StatefulSet", &set);
        self.pod(namespace, &format!("{}-0", workload.name), &labels, &owner, node, &workload.containers);
    }

    fn deployment(&mut self, made: Made, node: &str, workload: &Workload) {
        let Made { namespace, metadata, mut spec, mut labels } = made;
        let name = workload.name;
        let hash = format!("{:010x}", chance(self.seed, &["template", namespace, name]) & 0xff_ffff_ffff);
        let condition = |kind: &str, reason: &str| {
            json!({"type": kind, "status": "True", "reason": reason, "lastTransitionTime": self.made,
                "lastUpdateTime": self.made})
        };
        let mut status = json!({"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1});
        spec["replicas"] = json!(1);
        let mut set = json!({"metadata": {"name": format!("{name}-{hash}")}, "spec": spec, "status": status});
        spec["strategy"] = json!({"type": "RollingUpdate"});
        status["updatedReplicas"] = json!(1);
        status["conditions"] = json!([
            condition("Progressing", "NewReplicaSetAvailable"),
            condition("Available", "MinimumReplicasAvailable")
        ]);
        let deployment =
            self.add("deployments", namespace, json!({"metadata": metadata, "spec": spec, "status": status}));
        labels["pod-template-hash"] = json!(hash);
        set["metadata"]["labels"] = labels.clone();
        set["metadata"]["ownerReferences"] = json!([owner("apps/v1", "Deployment", &deployment)]);
        let set = self.add("replicasets", namespace, set);
        let pod = format!("{name}-{hash}-{}", self.ids.suffix());
        self.pod(namespace, &pod, &labels, &owner("apps/v1", "ReplicaSet", &set), node, &workload.containers);
    }

    fn daemon_set(&mut self, made: Made, on: &[&str], workload: &Workload) {
        let Made { namespace, metadata, mut spec, labels } = made;
        let name = workload.name;
        let is_broken = name == "nvidia-dra-driver-gpu-kubelet-plugin" && self.faults.breaks("dra-support");
        let ready = if is_broken { 0 } else { on.len() };
        let mut status = json!({"currentNumberScheduled": on.len(), "desiredNumberScheduled": on.len(),
            "numberAvailable": ready, "numberReady": ready, "numberMisscheduled": 0,
            "updatedNumberScheduled": on.len(), "observedGeneration": 1});
        if is_broken {
            status["numberUnavailable"] = json!(on.len());
        }
        spec["updateStrategy"] = json!({"type": "RollingUpdate"});
        if on == [nodes::GPU_NODE] {
            spec["template"]["spec"]["nodeSelector"] = json!({"nvidia.com/gpu.present": "true"});
        }
        let set = self.add("daemonsets", namespace, json!({"metadata": metadata, "spec": spec, "status": status}));
        for node in on {
            let pod = format!("{name}-{}", self.ids.suffix());
            let owner = owner("apps/v1", "DaemonSet", &set);
            self.pod(namespace, &pod, &labels, &owner, node, &workload.containers);
            if is_broken {
                self.crash(namespace, &pod);
            }
        }
    }

    fn pod(
        &mut self,
        namespace: &str,
        name: &str,
        labels: &Value,
        owner: &Value,
        node: &str,
        containers: &[(&str, &str)],
    ) {
        let started = self.made.clone();
        let statuses: Vec<Value> = containers
            .iter()
            .map(|(container, image)| {
                let digest = |what: &str| format!("{:016x}", chance(0, &[what, image])).repeat(4);
                json!({"name": container, "image": image, "imageID": format!("sha256:{}", digest("image")), "ready": true,
                    "restartCount": 0, "started": true, "lastState": {}, "state": {"running": {"startedAt": started}},
                    "containerID": format!("containerd://{}", digest(name))})
            })
            .collect();
        let condition =
            |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": started});
        let conditions: Vec<Value> =
            ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
                .into_iter()
                .map(condition)
                .collect();
        let ip = format!(
            "10.244.{}.{}",
            nodes::NAMES.iter().position(|name| *name == node).unwrap_or(0),
            2 + chance(0, &[name]) % 250
        );
        let host = nodes::address(node);
        // The control plane takes most of its node, so that little else is put there.
        let cpu = if owner["kind"] == "Node" { "250m" } else { "50m" };
        let containers: Vec<Value> = containers
            .iter()
            .map(|(container, image)| {
                json!({"name": container, "image": image, "imagePullPolicy": "IfNotPresent",
                    "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}, "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File"})
            })
            .collect();
        let object = json!({"metadata": {"name": name, "labels": labels, "ownerReferences": [owner], "generation": 1},
            "spec": {"nodeName": node, "containers": containers, "restartPolicy": "Always", "serviceAccountName": "default",
                "serviceAccount": "default", "schedulerName": "default-scheduler", "dnsPolicy": "ClusterFirst",
                "terminationGracePeriodSeconds": 30, "securityContext": {},
                "tolerations": [{"operator": "Exists"}]},
            "status": {"phase": "Running", "qosClass": "Burstable", "hostIP": host, "hostIPs": [{"ip": host}], "podIP": ip,
                "podIPs": [{"ip": ip}], "startTime": started, "conditions": conditions, "containerStatuses": statuses}});
        self.add("pods", namespace, object);
    }

    /// A pod whose container does not stay up.
    fn crash(&mut self, namespace: &str, name: &str) {
        let key = Key::new(own("pods"), namespace, name);
        let Some(mut pod) = self.store.get(&key).map(|stored| stored.value()) else { return };
        for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
            if matches!(condition["type"].as_str(), Some("Ready" | "ContainersReady")) {
                condition["status"] = json!("False");
                condition["reason"] = json!("ContainersNotReady");
            }
        }
        for status in pod["status"]["containerStatuses"].as_array_mut().into_iter().flatten() {
            status["ready"] = json!(false);
            status["started"] = json!(false);
            status["restartCount"] = json!(7);
            status["state"] = json!({"waiting": {"reason": "CrashLoopBackOff",
                "message": format!("back-off 5m0s restarting failed container={} pod={name}_{namespace}", status["name"].as_str().unwrap_or_default())}});
            status["lastState"] = json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": self.made, "finishedAt": self.made}});
        }
        self.store.seed(key, pod);
    }

    fn services(&mut self) {
        for (index, (namespace, name, port, target, component)) in SERVICES.iter().enumerate() {
            let mut labels = json!({"app.kubernetes.io/name": component});
            if *component == "prometheus" {
                labels["self-monitor"] = json!("true");
            }
            let address =
                if *name == "kubernetes" { "10.96.0.1".to_owned() } else { format!("10.96.{}.10", 10 + index) };
            let spec = json!({"type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
                "selector": {"app.kubernetes.io/name": component},
                "ports": [{"name": "http", "port": port, "protocol": "TCP", "targetPort": target}]});
            self.add(
                "services",
                namespace,
                json!({"metadata": {"name": name, "labels": labels}, "spec": spec,
                "status": {"loadBalancer": {}}}),
            );
        }
    }

    fn releases(&mut self) {
        for (namespace, release, chart) in RELEASES {
            let name = format!("sh.helm.release.v1.{release}.v1");
            let labels = json!({"name": release, "owner": "helm", "status": "deployed", "version": "1", "modifiedAt": "1781173200"});
            let content = super::helm::release(namespace, release, chart, &super::values::of(release));
            self.add(
                "secrets",
                namespace,
                json!({"metadata": {"name": name, "labels": labels}, "type": "helm.sh/release.v1",
                "data": {"release": content}}),
            );
        }
    }

    /// A definition for every custom resource of the table.
    fn definitions(&mut self) {
        for kind in kinds::ALL.iter().filter(|kind| kind.is_custom()) {
            let name = format!("{}.{}", kind.plural, kind.group);
            let names = json!({"plural": kind.plural, "singular": kind.singular, "kind": kind.kind, "listKind": format!("{}List", kind.kind)});
            let condition = |name: &str, reason: &str| json!({"type": name, "status": "True", "reason": reason, "lastTransitionTime": self.made});
            let spec = json!({"group": kind.group, "scope": if kind.namespaced { "Namespaced" } else { "Cluster" }, "names": names,
                "conversion": {"strategy": "None"}, "versions": [{"name": kind.version, "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]});
            let status = json!({"acceptedNames": names, "storedVersions": [kind.version],
                "conditions": [condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted")]});
            self.add(
                "customresourcedefinitions",
                "",
                json!({"metadata": {"name": name}, "spec": spec, "status": status}),
            );
        }
    }

    fn gpu_operator(&mut self) {
        let is_broken = self.faults.breaks("gpu-operator-health");
        let condition = |kind: &str, is_true: bool, reason: &str, message: &str| {
            json!({"type": kind, "status": if is_true { "True" } else { "False" }, "reason": reason, "message": message,
                "lastTransitionTime": self.made})
        };
        let status = if is_broken {
            json!({"state": "notReady", "namespace": "gpu-operator", "conditions": [
                condition("Ready", false, "Error", ""),
                condition("Error", true, "OperandNotReady", "ClusterPolicy is not ready, states not ready: [state-operator-validation]")]})
        } else {
            json!({"state": "ready", "namespace": "gpu-operator", "conditions": [
                condition("Ready", true, "Reconciled", "ClusterPolicy is ready as all resources have been successfully reconciled"),
                condition("Error", false, "Ready", "")]})
        };
        self.add(
            "clusterpolicies",
            "",
            json!({"metadata": {"name": "cluster-policy", "generation": 1,
            "labels": {"app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": "gpu-operator-v25.10.1"}},
            "spec": nodes::cluster_policy(), "status": status}),
        );
    }

    fn monitoring(&mut self) {
        let available = json!({"availableReplicas": 1, "replicas": 1, "updatedReplicas": 1, "unavailableReplicas": 0, "paused": false,
            "conditions": [{"type": "Available", "status": "True", "reason": "", "lastTransitionTime": self.made, "observedGeneration": 1},
                {"type": "Reconciled", "status": "True", "reason": "", "lastTransitionTime": self.made, "observedGeneration": 1}]});
        for (plural, name) in
            [("prometheuses", "kube-prometheus-prometheus"), ("alertmanagers", "kube-prometheus-alertmanager")]
        {
            self.add(
                plural,
                "monitoring",
                json!({"metadata": {"name": name, "generation": 1}, "spec": {"replicas": 1}, "status": available}),
            );
        }
        self.add(
            "servicemonitors",
            "gpu-operator",
            json!({"metadata": {"name": "nvidia-dcgm-exporter", "generation": 1},
            "spec": {"selector": {"matchLabels": {"app.kubernetes.io/name": "nvidia-dcgm-exporter"}},
                "endpoints": [{"port": "http", "interval": "30s", "honorLabels": true}]}}),
        );
        let is_broken = self.faults.breaks("ai-service-metrics");
        let (status, reason, message) = if is_broken {
            (
                "False",
                "MissingEndpoints",
                "endpoints for service/prometheus-adapter in \"monitoring\" have no addresses with port name \"https\"",
            )
        } else {
            ("True", "Passed", "all checks passed")
        };
        self.add(
            "apiservices",
            "",
            json!({"metadata": {"name": "v1beta1.custom.metrics.k8s.io"}, "spec": {"group": "custom.metrics.k8s.io",
            "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": true,
            "service": {"namespace": "monitoring", "name": "prometheus-adapter", "port": 443}},
            "status": {"conditions": [{"type": "Available", "status": status, "reason": reason, "message": message,
                "lastTransitionTime": self.made}]}}),
        );
    }

    /// What the DRA driver published: no GPUs, which stay with the device plugin, but the channels of compute domains.
    fn devices(&mut self) {
        for (name, expression) in [
            (
                "gpu.nvidia.com",
                "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'",
            ),
            (
                "mig.nvidia.com",
                "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'mig'",
            ),
            (
                "compute-domain-daemon.nvidia.com",
                "device.driver == 'compute-domain.nvidia.com' && device.attributes['compute-domain.nvidia.com'].type == 'daemon'",
            ),
            (
                "compute-domain-default-channel.nvidia.com",
                "device.driver == 'compute-domain.nvidia.com' && device.attributes['compute-domain.nvidia.com'].type == 'channel'",
            ),
        ] {
            self.add(
                "deviceclasses",
                "",
                json!({"metadata": {"name": name}, "spec": {"selectors": [{"cel": {"expression": expression}}]}}),
            );
        }
        let node = nodes::GPU_NODE;
        let devices = json!([{"name": "channel-0", "attributes": {"type": {"string": "channel"}, "id": {"int": 0}}},
            {"name": "daemon-0", "attributes": {"type": {"string": "daemon"}, "id": {"int": 0}}}]);
        let name = format!("{node}-compute-domain.nvidia.com-{}", self.ids.suffix());
        self.add(
            "resourceslices",
            "",
            json!({"metadata": {"name": name}, "spec": {"driver": "compute-domain.nvidia.com", "nodeName": node,
            "pool": {"name": node, "generation": 1, "resourceSliceCount": 1}, "devices": devices}}),
        );
    }

    fn small_things(&mut self) {
        self.add("runtimeclasses", "", json!({"metadata": {"name": "nvidia"}, "handler": "nvidia"}));
        self.add("storageclasses", "", json!({"metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "rancher.io/local-path", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer"}));
        for (name, value) in [("system-cluster-critical", 2_000_000_000_u64), ("system-node-critical", 2_000_001_000)] {
            self.add(
                "priorityclasses",
                "",
                json!({"metadata": {"name": name}, "value": value, "preemptionPolicy": "PreemptLowerPriority"}),
            );
        }
        for (name, parent) in [("default-parent-queue", None), ("default-queue", Some("default-parent-queue"))] {
            let unlimited = json!({"quota": -1, "limit": -1, "overQuotaWeight": 1});
            let mut spec = json!({"resources": {"cpu": unlimited, "gpu": unlimited, "memory": unlimited}});
            if let Some(parent) = parent {
                spec["parentQueue"] = json!(parent);
            }
            self.add("queues", "", json!({"metadata": {"name": name, "generation": 1}, "spec": spec}));
        }
    }
}

/// The ConfigMap that every namespace gets.
pub fn root_certificate() -> Value {
    json!({"metadata": {"name": "kube-root-ca.crt", "annotations": {"kubernetes.io/description":
        "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal \
         service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."}},
        "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nthe demo cluster speaks no TLS\n-----END CERTIFICATE-----\n"}})
}

fn owner(api_version: &str, kind: &str, object: &Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "name": object["metadata"]["name"], "uid": object["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_builds_the_same_cluster() {
        let now = Timestamp::UNIX_EPOCH;
        let dump = |seed| {
            let store = build(seed, now, &Faults::default(), None);
            store.all().map(|(_, object)| String::from_utf8_lossy(object.json()).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(dump(1), dump(1));
        assert_ne!(dump(1), dump(2));
    }

    #[test]
    fn every_owner_and_every_account_of_a_pod_is_there() {
        let store = build(0, Timestamp::UNIX_EPOCH, &Faults::default(), None);
        let uids: Vec<&str> = store.all().map(|(_, object)| object.uid.as_str()).collect();
        for (key, object) in store.range(own("pods"), "", None) {
            let pod = object.value();
            assert!(object.owners.iter().all(|uid| uids.contains(&uid.as_str())), "{key:?}");
            let node = Key::new(own("nodes"), "", pod["spec"]["nodeName"].as_str().unwrap_or_default());
            assert!(store.get(&node).is_some(), "{key:?}");
            assert!(store.get(&Key::new(own("namespaces"), "", &key.namespace)).is_some(), "{key:?}");
        }
    }
}
