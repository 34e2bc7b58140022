//! Every check against a cluster of values: good as it stands, then with one thing broken at a time.

use aicr::{
    recipe::{ComponentRef, ExpectedResource},
    validate::{
        checks::{self, Answer, Ending, Facts, Outcome, Read, Step},
        gpu::Policy,
        input::Input,
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What can be read, by API path or URL.
struct World {
    input: Input,
    objects: BTreeMap<String, Value>,
    pages: BTreeMap<String, (u16, String)>,
    /// Paths that are refused.
    forbidden: Vec<String>,
}

const OPERATOR: &str = "/apis/apps/v1/namespaces/gpu-operator/deployments/gpu-operator";
const OPERATOR_POD: &str = "/api/v1/namespaces/gpu-operator/pods/gpu-operator-1";
const EXPORTER: &str = "/apis/apps/v1/namespaces/gpu-operator/daemonsets/nvidia-dcgm-exporter";
const POLICY: &str = "/apis/nvidia.com/v1/clusterpolicies/cluster-policy";
const CONTROLLER: &str = "/apis/apps/v1/namespaces/nvidia-dra-driver/deployments/nvidia-dra-driver-gpu-controller";
const PLUGIN: &str = "/apis/apps/v1/namespaces/nvidia-dra-driver/daemonsets/nvidia-dra-driver-gpu-kubelet-plugin";
const DRA: &str = "/apis/resource.k8s.io/v1";
const CLASS: &str = "/apis/resource.k8s.io/v1/deviceclasses/gpu.nvidia.com";
const SLICE: &str = "/apis/resource.k8s.io/v1/resourceslices/gpu";
const NODE: &str = "/api/v1/nodes/worker";
const PROMETHEUS: &str = "/api/v1/namespaces/monitoring/services/kube-prometheus-prometheus";
const QUERY: &str = "http://kube-prometheus-prometheus.monitoring.svc:9090/api/v1/query?query=DCGM_FI_DEV_GPU_UTIL";
const METRICS: &str = "http://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics";
const CUSTOM: &str = "/apis/custom.metrics.k8s.io/v1beta1";

/// A cluster of which every check thinks well.
fn good() -> World {
    let deployment = |labels: Value| {
        json!({"metadata": {"labels": labels}, "spec": {"replicas": 1, "template": {"spec": {"containers": [
            {"image": "nvcr.io/nvidia/gpu-operator:v25.10.1"}]}}}, "status": {"availableReplicas": 1}})
    };
    let daemon_set = json!({"status": {"desiredNumberScheduled": 1, "numberReady": 1}});
    let namespace = json!({"status": {"phase": "Active"}});
    let objects = [
        (OPERATOR, deployment(json!({"app.kubernetes.io/name": "gpu-operator"}))),
        (
            OPERATOR_POD,
            json!({"metadata": {"labels": {"app": "gpu-operator"}}, "status": {"phase": "Running",
                   "conditions": [{"type": "Ready", "status": "True"}]}}),
        ),
        (EXPORTER, daemon_set.clone()),
        (POLICY, json!({"status": {"state": "ready"}})),
        (CONTROLLER, deployment(json!({}))),
        (PLUGIN, daemon_set),
        (DRA, json!({"kind": "APIResourceList"})),
        (CLASS, json!({})),
        (SLICE, slice("gpu.nvidia.com", "worker", 1, 1)),
        (
            NODE,
            json!({"status": {"allocatable": {"nvidia.com/gpu": "8"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
        ),
        (
            PROMETHEUS,
            json!({"metadata": {"labels": {"app.kubernetes.io/name": "prometheus"}}, "spec": {"ports": [{"port": 9090}]}}),
        ),
        (CUSTOM, json!({"resources": [{"name": "pods/gpu_utilization"}]})),
        ("/api/v1/namespaces/gpu-operator", namespace.clone()),
        ("/api/v1/namespaces/nvidia-dra-driver", namespace.clone()),
        ("/api/v1/namespaces/monitoring", namespace),
    ];
    let required = ["GPU_UTIL", "FB_USED", "GPU_TEMP", "POWER_USAGE"];
    let metrics: Vec<String> = required.iter().map(|name| format!("DCGM_FI_DEV_{name}{{gpu=\"0\"}} 1\n")).collect();
    let series = json!({"data": {"result": [{"value": [0, "1"]}]}}).to_string();
    let component = |name: &str, namespace: &str| ComponentRef {
        name: name.into(),
        namespace: namespace.into(),
        ..ComponentRef::default()
    };
    let components = vec![
        component("gpu-operator", "gpu-operator"),
        component("nvidia-dra-driver-gpu", "nvidia-dra-driver"),
        component("kube-prometheus-stack", "monitoring"),
    ];
    World {
        input: Input { components, gpu_policy: Policy::DevicePlugin, ..Input::default() },
        objects: objects.into_iter().map(|(path, object)| (path.to_owned(), named(path, object))).collect(),
        pages: [(METRICS.to_owned(), (200, metrics.concat())), (QUERY.to_owned(), (200, series))].into(),
        forbidden: Vec::new(),
    }
}

/// The object under the name that its path ends in.
fn named(path: &str, mut object: Value) -> Value {
    object["metadata"]["name"] = path.rsplit('/').next().unwrap_or_default().into();
    object
}

fn slice(driver: &str, node: &str, generation: u64, of: u64) -> Value {
    json!({"spec": {"driver": driver, "nodeName": node, "devices": [{"name": "gpu-0", "attributes": {"much": {"string": "more"}}}],
                    "pool": {"name": node, "generation": generation, "resourceSliceCount": of}}})
}

impl World {
    fn answer(&self, read: &Read) -> Answer {
        match read {
            Read::Get(path) | Read::List { path, .. } if self.forbidden.contains(path) => {
                Answer::Forbidden(format!("{path} is forbidden"))
            }
            Read::Get(path) => self.objects.get(path).map_or(Answer::NotFound, |object| Answer::Found(object.clone())),
            Read::List { path, labels, keep } => {
                let in_path =
                    |known: &str| known.strip_prefix(path.as_str()).is_some_and(|rest| rest.rfind('/') == Some(0));
                let selected = |object: &Value| {
                    labels.split(',').filter(|label| !label.is_empty()).all(|label| {
                        let (key, value) = label.split_once('=').expect("key=value");
                        object["metadata"]["labels"][key] == value
                    })
                };
                let found = self.objects.iter().filter(|(known, object)| in_path(known) && selected(object));
                Answer::Items(found.map(|(_, object)| checks::kept(object, keep)).collect())
            }
            Read::Http(url) => match self.pages.get(url) {
                Some((status, body)) => Answer::Http { status: *status, body: body.clone() },
                None => Answer::Failed("connection refused".to_owned()),
            },
        }
    }

    /// Runs a check to its end; waits take no time.
    #[track_caller]
    fn run(&self, name: &str) -> Ending {
        let check = checks::find(name).expect("a check of that name");
        let (mut facts, mut elapsed) = (Facts::default(), 0);
        for _ in 0..100 {
            let reads = match check.next(&self.input, &facts, elapsed) {
                Step::Read(reads) => reads,
                Step::Again { after, reads, .. } => {
                    elapsed += after;
                    reads
                }
                Step::End(ending) => return ending,
            };
            for read in reads {
                let answer = self.answer(&read);
                facts.0.insert(read, answer);
            }
        }
        panic!("{name} does not end");
    }

    /// The verdict in one line.
    #[track_caller]
    fn verdict(&self, name: &str) -> String {
        match self.run(name).outcome {
            Outcome::Pass => "pass".to_owned(),
            Outcome::Fail(problems) => format!("FAIL {}", problems.join("; ")),
            Outcome::Skip(reason) => format!("skip {reason}"),
        }
    }

    fn without(mut self, path: &str) -> World {
        assert!(self.objects.remove(path).is_some() || self.pages.remove(path).is_some(), "{path}");
        self
    }

    /// The object with another value at a JSON pointer.
    fn with(mut self, path: &str, pointer: &str, value: Value) -> World {
        let object = self.objects.get_mut(path).expect("an object");
        *object.pointer_mut(pointer).unwrap_or_else(|| panic!("{path} has no {pointer}")) = value;
        self
    }

    fn and(mut self, path: &str, object: Value) -> World {
        self.objects.insert(path.to_owned(), named(path, object));
        self
    }

    fn forbidding(mut self, path: &str) -> World {
        self.forbidden.push(path.to_owned());
        self
    }

    fn policy(mut self, policy: Policy) -> World {
        self.input.gpu_policy = policy;
        self
    }

    fn disabling(mut self, component: &str) -> World {
        let found = self.input.components.iter_mut().find(|known| known.name == component).expect("a component");
        found.overrides = serde_json::from_value(json!({"enabled": false})).expect("overrides");
        self
    }
}

#[track_caller]
fn check(world: World, name: &str, expected: &str) {
    let verdict = world.verdict(name);
    assert!(verdict.starts_with(expected), "{name}: expected `{expected}`, found `{verdict}`");
}

#[test]
fn a_good_cluster_passes_with_evidence() {
    for check in checks::ALL {
        let world = good();
        let verdict = world.verdict(check.name());
        // The recipe of this test sets no version to hold the operator to.
        let expected = if check.name() == "gpu-operator-version" { "skip the recipe sets no" } else { "pass" };
        assert!(verdict.starts_with(expected), "{}: {verdict}", check.name());
        let evidence = world.run(check.name()).evidence;
        assert!(!evidence.is_empty() && evidence.iter().all(|block| !block.label.is_empty()), "{}", check.name());
    }
}

#[test]
fn a_check_needs_no_right_that_it_does_not_declare() {
    for check in checks::ALL {
        let world = good();
        let rules = check.rules(&world.input);
        let mut facts = Facts::default();
        while let Step::Read(reads) = check.next(&world.input, &facts, 0) {
            for read in reads {
                let allowed = match &read {
                    // Discovery is open to every account; Services are no API resources.
                    Read::Get(path)
                        if [DRA, CUSTOM].contains(&path.as_str())
                            || path.ends_with("k8s.io/v1beta1")
                            || path.ends_with("v1beta2") =>
                    {
                        true
                    }
                    Read::Http(_) => true,
                    Read::Get(path) => {
                        let (collection, name) = path.rsplit_once('/').expect("a path");
                        rules.iter().any(|rule| {
                            rule.verbs.contains(&"get")
                                && rule.names.iter().any(|known| known == name)
                                && rule.namespace == read.namespace().unwrap_or_default()
                                && rule.resources.iter().any(|resource| collection.ends_with(resource))
                        })
                    }
                    Read::List { path, .. } => rules.iter().any(|rule| {
                        rule.verbs.contains(&"list")
                            && rule.namespace == read.namespace().unwrap_or_default()
                            && rule.resources.iter().any(|resource| path.ends_with(resource))
                    }),
                };
                assert!(allowed, "{} reads {read:?}, its rules are {rules:?}", check.name());
                let answer = world.answer(&read);
                facts.0.insert(read, answer);
            }
        }
    }
}

#[test]
fn gpu_operator_health_wants_operator_policy_and_exporter() {
    let name = "gpu-operator-health";
    check(good().without(OPERATOR), name, "FAIL namespace gpu-operator: no Deployment of the GPU operator");
    check(
        good().with(OPERATOR, "/status/availableReplicas", json!(0)),
        name,
        "FAIL Deployment gpu-operator/gpu-operator: 0/1 replicas available",
    );
    check(good().with(POLICY, "/status/state", json!("notReady")), name, "FAIL ClusterPolicy cluster-policy: notReady");
    check(good().without(POLICY), name, "FAIL ClusterPolicy cluster-policy: not found");
    check(
        good().with(EXPORTER, "/status/numberReady", json!(0)),
        name,
        "FAIL DaemonSet gpu-operator/nvidia-dcgm-exporter: no ready pod",
    );
    check(
        good().forbidding("/apis/apps/v1/namespaces/gpu-operator/deployments"),
        name,
        "FAIL namespace gpu-operator: /apis/apps/v1/namespaces/gpu-operator/deployments is forbidden",
    );
}

#[test]
fn the_namespace_of_the_recipe_is_looked_at() {
    let mut world = good();
    world.input.components[0].namespace = "privileged-gpu".into();
    check(world, "gpu-operator-health", "FAIL namespace privileged-gpu: no Deployment");
}

#[test]
fn operator_health_wants_a_pod_that_is_ready() {
    let name = "operator-health";
    check(good().without(OPERATOR_POD), name, "FAIL no pod with label app=gpu-operator in namespace gpu-operator");
    let crashing = good().with(OPERATOR_POD, "/status/conditions/0/status", json!("False"));
    check(crashing, name, "FAIL none of 1 GPU operator pods is Running and Ready");
}

#[test]
fn gpu_operator_version_is_held_to_the_recipe() {
    let world = |expression: &str| {
        let mut world = good();
        let validation = json!({"deployment": {"constraints": [
            {"name": "Deployment.gpu-operator.version", "value": expression}]}});
        world.input.config = serde_json::from_value(validation).expect("a validation");
        world
    };
    let name = "gpu-operator-version";
    check(world(">= v24.6.0"), name, "pass");
    check(world(">= v26.1.0"), name, "FAIL the GPU operator is v25.10.1, expected >= v26.1.0");
    check(world(">= soon"), name, "FAIL `Deployment.gpu-operator.version` `>= soon` cannot be evaluated");
    let digest = json!("nvcr.io/nvidia/gpu-operator@sha256:00");
    let nameless = world(">= v24.6.0").with(OPERATOR, "/spec/template/spec/containers/0/image", digest);
    check(nameless, name, "FAIL Deployment gpu-operator/gpu-operator does not carry its version");
}

#[test]
fn platform_health_looks_at_namespaces_and_at_what_the_recipe_expects() {
    let name = "platform-health";
    check(good().without("/api/v1/namespaces/monitoring"), name, "FAIL namespace monitoring: not found");
    check(
        good().with("/api/v1/namespaces/monitoring", "/status/phase", json!("Terminating")),
        name,
        "FAIL namespace monitoring: Terminating",
    );
    check(good().without("/api/v1/namespaces/monitoring").disabling("kube-prometheus-stack"), name, "pass");
    let expecting = |kind: &str, resource: &str| {
        let mut world = good();
        world.input.components[0].expected_resources =
            vec![ExpectedResource { kind: kind.into(), namespace: "gpu-operator".into(), name: resource.into() }];
        world
    };
    check(expecting("Deployment", "gpu-operator"), name, "pass");
    check(expecting("Deployment", "absent"), name, "FAIL Deployment gpu-operator/absent: not found");
    check(
        expecting("DaemonSet", "nvidia-dcgm-exporter").with(EXPORTER, "/status/numberReady", json!(0)),
        name,
        "FAIL DaemonSet gpu-operator/nvidia-dcgm-exporter: 0/1 ready",
    );
    check(expecting("Pod", "x"), name, "FAIL Pod gpu-operator/x: unsupported kind");
}

#[test]
fn dra_support_wants_api_driver_and_devices() {
    let name = "dra-support";
    check(good().without(CONTROLLER), name, "FAIL no available controller Deployment");
    check(good().with(PLUGIN, "/status/numberReady", json!(0)), name, "FAIL no ready kubelet plugin DaemonSet");
    check(good().without(SLICE), name, "FAIL no ResourceSlice of an NVIDIA driver offers a usable device");
    check(good().without(DRA), name, "FAIL resource.k8s.io is not served");
    check(good().disabling("nvidia-dra-driver-gpu"), name, "skip the recipe has no enabled nvidia-dra-driver-gpu");
    let mut standalone = good().without(CONTROLLER).without(PLUGIN);
    standalone.input.components.clear();
    check(standalone, name, "skip no recipe asks for nvidia-dra-driver-gpu");
    let mut standalone = good();
    standalone.input.components.clear();
    check(standalone, name, "pass");
}

#[test]
fn only_devices_that_can_be_handed_out_count() {
    let name = "dra-support";
    let no_device = "FAIL no ResourceSlice of an NVIDIA driver offers a usable device";
    let tainted = json!([{"name": "gpu-0", "taints": [{"key": "broken", "effect": "NoSchedule"}]}]);
    check(good().with(SLICE, "/spec/devices", tainted), name, no_device);
    check(good().with(SLICE, "/spec/driver", json!("gpu.example.com")), name, no_device);
    check(good().with(SLICE, "/spec/pool/resourceSliceCount", json!(2)), name, no_device);
    check(good().with(NODE, "/status/conditions/0/status", json!("False")), name, no_device);
    let newer = "/apis/resource.k8s.io/v1/resourceslices/gpu-2";
    // The newer generation is complete and empty; the older one no longer counts.
    let replaced = good().and(newer, slice("gpu.nvidia.com", "worker", 2, 1)).with(newer, "/spec/devices", json!([]));
    check(replaced, name, no_device);
    let domain = good().with(SLICE, "/spec/driver", json!("compute-domain.nvidia.com"));
    check(domain, name, "pass");
}

#[test]
fn the_allocation_policy_must_be_backed() {
    let name = "dra-support";
    let no_plugin = || good().with(NODE, "/status/allocatable", json!({}));
    check(no_plugin(), name, "FAIL the recipe hands out GPUs through the device plugin, but no ready node");
    check(no_plugin().policy(Policy::ResourceClaim), name, "pass");
    check(
        good().policy(Policy::ResourceClaim).without(CLASS),
        name,
        "FAIL the recipe hands out GPUs through ResourceClaims, but no usable device of gpu.nvidia.com",
    );
    check(good().policy(Policy::Unspecified), name, "pass");
    let told = |policy| {
        let ending = good().policy(policy).run(name);
        ending.evidence.last().map(|block| block.lines.join(" ")).unwrap_or_default()
    };
    assert_eq!(told(Policy::DevicePlugin), "does not apply: the recipe hands out GPUs through the device plugin");
    assert_eq!(told(Policy::ResourceClaim), "not done: this version does not allocate a device");
}

#[test]
fn accelerator_metrics_wants_samples() {
    let name = "accelerator-metrics";
    check(
        good().without(METRICS),
        name,
        "FAIL http://nvidia-dcgm-exporter.gpu-operator.svc:9400/metrics: connection refused",
    );
    let mut world = good();
    world.pages.insert(METRICS.into(), (200, "DCGM_FI_DEV_GPU_UTIL{} 1\n".into()));
    check(world, name, "FAIL metrics missing: DCGM_FI_DEV_FB_USED, DCGM_FI_DEV_GPU_TEMP, DCGM_FI_DEV_POWER_USAGE");
}

#[test]
fn ai_service_metrics_wants_series_and_the_custom_api() {
    let name = "ai-service-metrics";
    check(good().disabling("kube-prometheus-stack"), name, "FAIL the recipe has no enabled kube-prometheus-stack");
    check(good().without(PROMETHEUS), name, "FAIL namespace monitoring: no Service of Prometheus with port 9090");
    check(good().without(CUSTOM), name, "FAIL custom.metrics.k8s.io is not served: is prometheus-adapter installed?");
    let page = |status, body: &str| {
        let mut world = good();
        world.pages.insert(QUERY.into(), (status, body.into()));
        world
    };
    check(page(200, r#"{"data":{"result":[]}}"#), name, "FAIL Prometheus has no series of DCGM_FI_DEV_GPU_UTIL yet");
    check(page(503, ""), name, "FAIL http://kube-prometheus-prometheus.monitoring.svc:9090");
    check(page(200, "<html>"), name, "FAIL http://kube-prometheus-prometheus.monitoring.svc:9090");
    let labeled = good().with(PROMETHEUS, "/metadata/labels", json!({"self-monitor": "true"}));
    check(labeled, name, "pass");
}
