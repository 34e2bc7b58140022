//! Checks against real parts of the test cluster, each made to pass and made to fail. Ignored unless asked for.
//!
//! Expects what `real_cluster` expects. Every test starts the parts that it needs (`tests/cluster/cluster` builds them the
//! first time) and removes them; tests/cluster/README.md says which they are and what stands in for the rest.

use crate::real_cluster::{IMAGE, Real, cluster_script, text};
use aicr::yaml;
use serde_json::{Value, json};

/// What a check said.
struct Said {
    status: String,
    message: String,
    /// The test of the CTRF report.
    test: Value,
    /// The events of the run, one JSON line each.
    events: Vec<Value>,
}

impl Said {
    #[track_caller]
    fn is(&self, status: &str, message: &str) {
        assert!(
            self.status == status && self.message.starts_with(message),
            "expected {status} `{message}`, found {} `{}`\n{:#}",
            self.status,
            self.message,
            self.test
        );
    }
}

/// The recipe of this cluster, with changes.
fn recipe(real: &Real, change: impl FnOnce(&mut Value)) -> String {
    let path = real.recipe();
    let text = std::fs::read_to_string(&path).expect("a recipe");
    let mut recipe = yaml::parse(&text).expect("YAML").to_value();
    change(&mut recipe);
    std::fs::write(&path, yaml::to_string(&recipe)).expect("a file");
    path
}

/// A component of the recipe as a deployer left it.
fn component(name: &str, namespace: &str) -> Value {
    json!({"name": name, "namespace": namespace, "type": "Helm", "source": "https://example.com/charts", "chart": name, "version": "1.0.0"})
}

/// A `--data` folder in which a check gets an environment.
fn with_env(real: &Real, check: &str, phase: &str, env: &[(&str, &str)]) -> String {
    let folder = real.path("data");
    std::fs::create_dir_all(folder.join("validators")).expect("a folder");
    let env: Vec<Value> = env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let image = format!("ghcr.io/nvidia/aicr-validators/{phase}:latest");
    let catalog = json!({"apiVersion": "validator.nvidia.com/v1alpha1", "kind": "ValidatorCatalog",
        "metadata": {"name": "test", "version": "1.0.0"},
        "validators": [{"name": check, "phase": phase, "description": check, "image": image, "timeout": "10m", "args": [check],
                        "env": env}]});
    std::fs::write(folder.join("validators/catalog.yaml"), yaml::to_string(&catalog)).expect("a file");
    folder.display().to_string()
}

/// Runs one check of a recipe as a Job; nothing of the run is left.
#[track_caller]
fn run(real: &Real, recipe: &str, check: &str, more: &[&str]) -> Said {
    let report = real.path("report.json").display().to_string();
    let mut args = vec!["validate", "--recipe", recipe, "--check", check, "--check-image", IMAGE, "--format", "events"];
    args.extend(more);
    let output = real.aicr(&args);
    let events: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{}", text(&output))))
        .collect();
    let planned = events.iter().find(|event| event["event"] == "planned");
    let id = planned.and_then(|event| event["run_id"].as_str()).unwrap_or_else(|| panic!("no run\n{}", text(&output)));
    // The report of the same run, from its record.
    let written = real.aicr(&["runs", "export", id, "-o", &report]);
    assert!(written.status.success(), "{}\n{}", text(&written), text(&output));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&report).expect("a report")).expect("JSON");
    let test = report["results"]["tests"][0].clone();
    assert_eq!(test["name"], check, "{report:#}\n{}", text(&output));
    assert_eq!(real.left_over(), "");
    let field = |key: &str| test[key].as_str().unwrap_or_default().to_owned();
    Said { status: field("status"), message: field("message"), test: test.clone(), events }
}

/// Parts of the cluster that are removed again, also where a test fails.
struct Parts<'r> {
    real: &'r Real,
    stop: Vec<Vec<&'static str>>,
}

impl<'r> Parts<'r> {
    fn start(real: &'r Real, parts: &[&'static str]) -> Parts<'r> {
        for part in parts {
            cluster_script(real, &[part]);
        }
        Parts {
            real,
            stop: parts.iter().map(|part| vec![*part, if *part == "kwok" { "stop" } else { "delete" }]).collect(),
        }
    }
}

impl Drop for Parts<'_> {
    fn drop(&mut self) {
        for part in &self.stop {
            cluster_script(self.real, part);
        }
    }
}

/// A node without a machine whose kubelet KWOK plays. It has GPUs and no processor, so that no container that is to run
/// for real is scheduled there.
struct FakeNode<'r>(&'r Real, String);

impl<'r> FakeNode<'r> {
    fn new(real: &'r Real, name: &str, labels: &[(&str, &str)], extended: &[(&str, &str)]) -> FakeNode<'r> {
        let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}}});
        for (key, value) in labels {
            node["metadata"]["labels"][key] = (*value).into();
        }
        let mut resources = json!({"cpu": "0", "memory": "0", "pods": "20"});
        for (key, value) in extended {
            resources[key] = (*value).into();
        }
        node["status"] = json!({"capacity": resources, "allocatable": resources});
        let file = real.path(&format!("{name}.json"));
        std::fs::write(&file, node.to_string()).expect("a file");
        real.kubectl_must(&["create", "-f", &file.display().to_string()]);
        let fake = FakeNode(real, name.to_owned());
        real.kubectl_must(&["wait", "--for=condition=Ready", &format!("node/{name}"), "--timeout=60s"]);
        fake
    }
}

impl Drop for FakeNode<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["delete", "node", &self.1, "--wait=false"]);
    }
}

/// Sends the stand-in of the DCGM exporter to nodes with that label.
fn exporter(real: &Real, present: &str) {
    let namespace = ["-n", "gpu-operator"];
    let selector = json!({"spec": {"template": {"spec": {"nodeSelector": {"nvidia.com/gpu.present": present}}}}});
    let patch = ["patch", "daemonset", "nvidia-dcgm-exporter", "--type=merge", "-p", &selector.to_string()];
    real.kubectl_must(&[&namespace[..], &patch].concat());
    let followed = ["rollout", "status", "daemonset/nvidia-dcgm-exporter", "--timeout=60s"];
    real.kubectl_must(&[&namespace[..], &followed].concat());
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn metrics_come_from_prometheus_and_an_autoscaler_follows_them() {
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["monitoring"]);
    let recipe = recipe(&real, |recipe| {
        recipe["validation"]["conformance"]["checks"] = json!(["ai-service-metrics", "pod-autoscaling"]);
        let components = recipe["componentRefs"].as_array_mut().expect("components");
        components.retain(|component| {
            component["name"] != "kube-prometheus-stack" && component["name"] != "prometheus-adapter"
        });
        components
            .extend(["kube-prometheus-stack", "prometheus-adapter"].map(|name| component(name, "real-monitoring")));
    });
    let said = run(&real, &recipe, "ai-service-metrics", &[]);
    said.is("passed", "");
    let evidence = said.test["stdout"].to_string();
    assert!(evidence.contains("series: 1") && evidence.contains("gpu_utilization"), "{evidence}");
    let said = run(&real, &recipe, "pod-autoscaling", &[]);
    said.is("passed", "");
    let evidence = said.test["stdout"].to_string();
    assert!(evidence.contains("dcgm_gpu_power_usage: 43200m"), "{evidence}");
    assert!(evidence.contains("scaled from 1 replica to more and back"), "{evidence}");

    // Both wait for a first value as long as they may.
    let briefly = ["--check-timeout", "30s"];
    exporter(&real, "nowhere");
    let without = ["ai-service-metrics", "pod-autoscaling"].map(|check| run(&real, &recipe, check, &briefly));
    exporter(&real, "true");
    without[0].is("failed", "Prometheus has no series of DCGM_FI_DEV_GPU_UTIL yet");
    without[1].is("failed", "metrics API: external metric dcgm_gpu_power_usage is not served");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn checks_of_stand_ins_pass_and_fail_when_these_are_broken() {
    let real = Real::cluster();
    cluster_script(&real, &["smi-image"]);
    let constraints = |operator: &str, driver: &str| {
        json!([{"name": "Deployment.gpu-operator.version", "value": operator},
               {"name": "Deployment.gpu-driver.version", "value": driver}])
    };
    let checks = json!({"deployment": ["operator-health", "gpu-operator-version", "check-nvidia-smi", "expected-resources"],
        "conformance": ["accelerator-metrics", "ai-service-metrics", "platform-health"]});
    let well = |recipe: &mut Value| {
        for phase in ["deployment", "conformance"] {
            recipe["validation"][phase]["checks"] = checks[phase].clone();
        }
        recipe["validation"]["deployment"]["constraints"] = constraints(">= v24.6.0", ">= 570");
    };
    let path = recipe(&real, well);
    for check in ["operator-health", "gpu-operator-version", "check-nvidia-smi"] {
        run(&real, &path, check, &[]).is("passed", "");
    }
    // Most components of the recipe are not here.
    run(&real, &path, "expected-resources", &[]).is("failed", "cert-manager: ");

    let operator = ["-n", "gpu-operator", "scale", "deployment/gpu-operator", "--replicas"];
    real.kubectl_must(&[&operator[..], &["0"]].concat());
    let gone = ["-n", "gpu-operator", "wait", "--for=delete", "pod", "-l", "app=gpu-operator", "--timeout=60s"];
    real.kubectl_must(&gone);
    let down = run(&real, &path, "operator-health", &[]);
    real.kubectl_must(&[&operator[..], &["1"]].concat());
    down.is("failed", "no pod with label app=gpu-operator in namespace gpu-operator");

    exporter(&real, "nowhere");
    let absent = run(&real, &path, "accelerator-metrics", &[]);
    exporter(&real, "true");
    absent.is("failed", "node worker-1: no pod of the DCGM exporter runs there");

    let path = recipe(&real, |recipe| {
        well(recipe);
        recipe["validation"]["deployment"]["constraints"] = constraints(">= v99.0.0", ">= 999");
        for component in recipe["componentRefs"].as_array_mut().expect("components") {
            match component["name"].as_str() {
                Some("kube-prometheus-stack") => component["namespace"] = "default".into(),
                Some("cert-manager") => component["namespace"] = "aicr-test-absent".into(),
                _ => {}
            }
        }
    });
    for (check, why) in [
        ("gpu-operator-version", "the GPU operator is v25.10.1, expected >= v99.0.0"),
        ("check-nvidia-smi", "node worker-1: driver 580.105.08, expected >= 999"),
        ("ai-service-metrics", "namespace default: no Service of Prometheus with port 9090"),
        ("platform-health", "namespace aicr-test-absent: not found"),
    ] {
        run(&real, &path, check, &[]).is("failed", why);
    }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn robust_controller_meets_the_webhook_of_kubeflow_trainer() {
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["kubeflow"]);
    let recipe = recipe(&real, |recipe| {
        recipe["componentRefs"].as_array_mut().expect("components").push(component("kubeflow-trainer", "kubeflow"));
        recipe["validation"]["conformance"]["checks"] = json!(["robust-controller"]);
    });
    let said = run(&real, &recipe, "robust-controller", &[]);
    said.is("passed", "");
    let evidence = said.test["stdout"].to_string();
    assert!(evidence.contains("refused, as it should be: admission webhook"), "{evidence}");

    let scale = |replicas: &str| {
        let deployment = "deployment/kubeflow-trainer-controller-manager";
        real.kubectl_must(&["-n", "kubeflow", "scale", deployment, "--replicas", replicas]);
        real.kubectl_must(&["-n", "kubeflow", "rollout", "status", deployment, "--timeout=60s"]);
    };
    scale("0");
    let said = run(&real, &recipe, "robust-controller", &[]);
    said.is("failed", "Deployment kubeflow/kubeflow-trainer-controller-manager: 0/0 replicas available");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_claimed_gpu_is_seen_by_the_container_that_claimed_it_and_by_no_other() {
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["dra"]);
    let recipe = recipe(&real, |recipe| {
        recipe["validation"]["conformance"]["checks"] = json!(["dra-support", "secure-accelerator-access"]);
        for component in recipe["componentRefs"].as_array_mut().expect("components") {
            // The recipe's policy: GPUs are handed out through claims.
            match component["name"].as_str() {
                Some("nvidia-dra-driver-gpu") => {
                    component["overrides"]["resources"]["gpus"]["enabled"] = true.into();
                    component["overrides"]["gpuResourcesEnabledOverride"] = true.into();
                }
                Some("gpu-operator") => component["overrides"]["devicePlugin"]["enabled"] = false.into(),
                _ => {}
            }
        }
    });
    let state = |state: &str| cluster_script(&real, &["dra", state]);
    let allocated = |said: &Said| {
        let lines = said.test["stdout"].to_string();
        assert!(lines.contains("ResourceClaim status") && lines.contains("GPU devices: 1, expected 1"), "{lines}");
    };
    for check in ["dra-support", "secure-accelerator-access"] {
        state("well");
        let said = run(&real, &recipe, check, &[]);
        said.is("passed", "");
        allocated(&said);
        assert_eq!(real.kubectl_must(&["get", "resourceclaims", "-A", "-o", "name"]), "");
    }
    state("none");
    let said = run(&real, &recipe, "dra-support", &[]);
    said.is("failed", "the container with one GPU does not see exactly one: GPU devices: 0, expected 1");
    state("open");
    let said = run(&real, &recipe, "secure-accelerator-access", &[]);
    said.is("failed", "the container with one GPU does not see exactly one: GPU devices: 2, expected 1");
    assert!(said.message.contains("a container without a GPU sees devices of one"), "{}", said.message);
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn karpenter_adds_a_node_for_a_pod_that_needs_a_gpu() {
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["kwok", "karpenter"]);
    let recipe = recipe(&real, |recipe| {
        recipe["validation"]["conformance"]["checks"] = json!(["cluster-autoscaling"]);
    });
    let said = run(&real, &recipe, "cluster-autoscaling", &[]);
    said.is("passed", "");
    let evidence = said.test["stdout"].to_string();
    assert!(evidence.contains("NodePool gpu: 0 nodes before, 1 after"), "{evidence}");
    // The empty node goes again.
    real.kubectl_must(&["wait", "--for=delete", "node", "-l", "karpenter.sh/nodepool=gpu", "--timeout=90s"]);

    real.kubectl_must(&["patch", "nodepool", "gpu", "--type=merge", "-p", r#"{"spec":{"limits":null}}"#]);
    run(&real, &recipe, "cluster-autoscaling", &[]).is("failed", "no NodePool has a limit for nvidia.com/gpu");
    real.kubectl_must(&["-n", "karpenter", "scale", "deployment/karpenter", "--replicas", "0"]);
    run(&real, &recipe, "cluster-autoscaling", &[]).is("failed", "Karpenter is not available: 0/0 replicas");
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn nccl_all_reduce_runs_as_a_train_job_and_its_rows_become_a_curve() {
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["kwok", "kubeflow"]);
    for speed in ["380", "90"] {
        cluster_script(&real, &["nccl-image", speed]);
    }
    let labels =
        [("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"), ("node.kubernetes.io/instance-type", "p5.48xlarge")];
    let resources = [("nvidia.com/gpu", "8"), ("vpc.amazonaws.com/efa", "32")];
    let _nodes = ["aicr-test-h100-1", "aicr-test-h100-2"].map(|name| FakeNode::new(&real, name, &labels, &resources));
    let recipe = recipe(&real, |recipe| {
        (recipe["criteria"]["service"], recipe["criteria"]["accelerator"]) = ("eks".into(), "h100".into());
        recipe["validation"]["performance"] = json!({"checks": ["nccl-all-reduce-bw"],
            "constraints": [{"name": "nccl-all-reduce-bw", "value": ">= 300"}]});
    });
    let over = |image: &str| {
        let data = with_env(&real, "nccl-all-reduce-bw", "performance", &[("AICR_NCCL_RUNTIME_IMAGE", image)]);
        run(&real, &recipe, "nccl-all-reduce-bw", &["--data", &data])
    };
    let said = over("test/nccl:380");
    said.is("passed", "");
    let curve = said.test["extra"]["curve"].as_array().expect("a curve");
    assert_eq!(curve.len(), 25, "{curve:?}");
    assert_eq!((&curve[0]["bytes"], &curve[24]["bytes"]), (&json!(1024), &json!(17_179_869_184_u64)));
    // Rows come while the benchmark runs, before its result.
    let place = |wanted: &dyn Fn(&Value) -> bool| said.events.iter().position(wanted).expect("such an event");
    let rows: Vec<&Value> = said.events.iter().filter(|event| event["event"] == "measured").collect();
    assert_eq!(rows.len(), 25);
    assert!(rows[0]["observed_at"].as_str() < rows[24]["observed_at"].as_str(), "{rows:?}");
    assert!(place(&|event| event["event"] == "measured") < place(&|event| event["event"] == "finished"));

    over("test/nccl:90").is("failed", "89.98 GB/s at 17179869184 bytes, expected >= 300");
    of_recipe(&real);
}

/// The same over the runtime that a recipe brings, for a cloud that this program knows no platform of.
fn of_recipe(real: &Real) {
    let name = "nccl-all-reduce-bw";
    let data = with_env(real, name, "performance", &[]);
    let folder = std::path::Path::new(&data).join("validators/performance/testdata/h100/lke");
    std::fs::create_dir_all(&folder).expect("a folder");
    let tolerations = json!([{"operator": "Exists"}]);
    let launcher = json!({"restartPolicy": "Never", "tolerations": tolerations, "containers": [{"name": "node", "image": "test/nccl:380",
        "command": ["/bin/sh", "-c", "mpirun -np ${GPU_COUNT} ${TEST_TYPE} -b ${MIN_MESSAGE_SIZE} -e ${MAX_MESSAGE_SIZE}"]}]});
    let worker = json!({"tolerations": tolerations, "nodeSelector": {"node.kubernetes.io/instance-type": "p5.48xlarge"},
        "containers": [{"name": "node", "image": "test/nccl:380", "command": ["/bin/sh", "-c", "sleep 600"],
            "resources": {"limits": {"nvidia.com/gpu": "${GPU_COUNT_PER_NODE}"}}}]});
    let job = |name: &str, labels: Value, pod: &Value| {
        json!({"name": name, "replicas": 1, "template": {"metadata": {"labels": labels},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}}}})
    };
    let runtime = json!({"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainingRuntime", "metadata": {"name": "theirs"},
        "spec": {"mlPolicy": {"numNodes": "WORKERS", "mpi": {"numProcPerNode": "GPUS", "mpiImplementation": "OpenMPI",
                "sshAuthMountPath": "/tmp/mpi-keys", "runLauncherAsNode": false}},
            "template": {"spec": {"network": {"enableDNSHostnames": true, "publishNotReadyAddresses": true},
                "successPolicy": {"operator": "All", "targetReplicatedJobs": ["launcher"]},
                "replicatedJobs": [job("launcher", json!({}), &launcher),
                    job("node", json!({"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}), &worker)]}}}});
    // Numbers, which JSON cannot hold as variables.
    let text = yaml::to_string(&runtime).replace("WORKERS", "${WORKER_COUNT}").replace("GPUS", "${GPU_COUNT_PER_NODE}");
    std::fs::write(folder.join("runtime.yaml"), text).expect("a file");
    let recipe = recipe(real, |recipe| {
        (recipe["criteria"]["service"], recipe["criteria"]["accelerator"]) = ("lke".into(), "h100".into());
        recipe["validation"]["performance"] = json!({"checks": [name], "constraints": [
            {"name": name, "value": ">= 300"}, {"name": "nccl-benchmark-runtime-ref", "value": "h100/lke"}]});
    });
    let said = run(real, &recipe, name, &["--data", &data]);
    said.is("passed", "");
    assert_eq!(said.test["extra"]["runtimeSource"], "recipe-supplied-runtime");
}

/// The files that the pre-flight of the benchmark reads, by the mounts that it has, on a node without a GPU.
#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_probe_says_which_file_its_node_lacks() {
    let real = Real::cluster();
    let name = "aicr-test-host-file";
    for (probe, folder, said) in [
        ("grdma-override", "/proc/driver/", "/proc/driver/nvidia/params is not there"),
        ("tcpxo-profile", "/tmp/", "/home/kubernetes/bin/nvidia/lib64/nccl-env-profile.sh is not there"),
    ] {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"restartPolicy": "Never",
            "automountServiceAccountToken": false, "tolerations": [{"operator": "Exists"}],
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "host", "hostPath": {"path": folder}}],
            "containers": [{"name": "look", "image": IMAGE, "imagePullPolicy": "Never", "args": [format!("--probe=host={probe}")],
                "volumeMounts": [{"name": "host", "mountPath": "/host", "readOnly": true}]}]}});
        let file = real.path("pod.json");
        std::fs::write(&file, pod.to_string()).expect("a file");
        real.kubectl_must(&["create", "-f", &file.display().to_string()]);
        let ended =
            real.kubectl(&["wait", "--for=jsonpath={.status.phase}=Failed", &format!("pod/{name}"), "--timeout=60s"]);
        let log = real.kubectl(&["logs", name]);
        let code = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
        let code = real.kubectl(&["get", "pod", name, "-o", code]);
        real.kubectl_must(&["delete", "pod", name, "--wait=true", "--timeout=60s"]);
        assert!(ended.status.success(), "{}", text(&ended));
        assert_eq!(String::from_utf8_lossy(&log.stdout).trim(), said);
        assert_eq!(String::from_utf8_lossy(&code.stdout), "1");
    }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn kai_scheduler_starts_a_gang_together_and_not_in_part() {
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["kai"]);
    let recipe = recipe(&real, |recipe| {
        let components = recipe["componentRefs"].as_array_mut().expect("components");
        components.retain(|known| known["name"] != "kai-scheduler");
        components.push(component("kai-scheduler", "kai-scheduler"));
        recipe["validation"]["conformance"]["checks"] = json!(["gang-scheduling"]);
    });
    let said = run(&real, &recipe, "gang-scheduling", &[]);
    said.is("passed", "");
    let scale = |name: &str, replicas: &str| {
        real.kubectl_must(&["-n", "kai-scheduler", "scale", &format!("deployment/{name}"), "--replicas", replicas]);
    };
    scale("kai-operator", "0");
    run(&real, &recipe, "gang-scheduling", &[])
        .is("failed", "Deployment kai-scheduler/kai-operator: 0/0 replicas available");
    scale("kai-operator", "1");
    real.kubectl_must(&[
        "-n",
        "kai-scheduler",
        "wait",
        "--for=condition=Available",
        "deployment/kai-operator",
        "--timeout=120s",
    ]);
}

/// Applies objects, and gives them a status: there is no controller that would.
fn with_status(real: &Real, objects: &[(Value, Option<Value>)]) {
    for (object, status) in objects {
        let file = real.path("object.json");
        std::fs::write(&file, object.to_string()).expect("a file");
        real.kubectl_must(&["apply", "-f", &file.display().to_string()]);
        if let Some(status) = status {
            let named = |field: &str| object["metadata"][field].as_str().unwrap_or("default").to_owned();
            let kind = object["kind"].as_str().expect("a kind").to_lowercase();
            set_status(real, &namespaced(&named("namespace"), &kind, &named("name")), status);
        }
    }
}

fn namespaced(namespace: &str, kind: &str, name: &str) -> [String; 4] {
    ["-n", namespace, kind, name].map(str::to_owned)
}

fn set_status(real: &Real, object: &[String; 4], status: &Value) {
    let [dash, namespace, kind, name] = object.each_ref().map(String::as_str);
    let patch = json!({"status": status}).to_string();
    real.kubectl_must(&[dash, namespace, "patch", kind, name, "--subresource=status", "--type=merge", "-p", &patch]);
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"conditions": [{"type": kind, "status": status, "reason": "Test", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
}

/// A namespace of its own, removed in any case.
struct Namespace<'r>(&'r Real, &'static str);

impl<'r> Namespace<'r> {
    fn new(real: &'r Real, name: &'static str) -> Namespace<'r> {
        real.kubectl_must(&["create", "namespace", name]);
        Namespace(real, name)
    }
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        self.0.kubectl(&["delete", "namespace", self.1, "--timeout=60s"]);
    }
}

/// A pod that sleeps and is ready.
fn pod(namespace: &str, name: &str, label: (&str, &str)) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {}},
        "spec": {"terminationGracePeriodSeconds": 0,
                 "containers": [{"name": "c", "image": "test/pause:1", "imagePullPolicy": "IfNotPresent"}]}});
    pod["metadata"]["labels"][label.0] = label.1.into();
    pod
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn inference_gateway_reads_the_kinds_of_the_gateway_api_and_endpoints_of_a_real_service() {
    const NAMESPACE: &str = "real-gateway";
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["gateway"]);
    let _namespace = Namespace::new(&real, NAMESPACE);
    let api = "gateway.networking.k8s.io/v1";
    let class = json!({"apiVersion": api, "kind": "GatewayClass", "metadata": {"name": "agentgateway"},
        "spec": {"controllerName": "agentgateway.dev/agentgateway"}});
    let gateway = json!({"apiVersion": api, "kind": "Gateway", "metadata": {"name": "inference-gateway", "namespace": NAMESPACE},
        "spec": {"gatewayClassName": "agentgateway", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "inference-gateway", "namespace": NAMESPACE},
        "spec": {"selector": {"app": "gateway"}, "ports": [{"port": 80}]}});
    with_status(
        &real,
        &[
            (class, Some(condition("Accepted", "True"))),
            (gateway, Some(condition("Programmed", "True"))),
            (service, None),
            (pod(NAMESPACE, "gateway", ("app", "gateway")), None),
        ],
    );
    real.kubectl_must(&["-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/gateway", "--timeout=60s"]);
    let slice = ["-n", NAMESPACE, "wait", "endpointslice", "-l", "kubernetes.io/service-name=inference-gateway"];
    real.kubectl_must(
        &[&slice[..], &["--for=jsonpath={.endpoints[0].conditions.ready}=true", "--timeout=60s"]].concat(),
    );
    let recipe = recipe(&real, |recipe| {
        recipe["componentRefs"].as_array_mut().expect("components").push(component("agentgateway", NAMESPACE));
        recipe["validation"]["conformance"]["checks"] = json!(["inference-gateway"]);
    });
    let said = run(&real, &recipe, "inference-gateway", &[]);
    said.is("passed", "");
    let evidence = said.test["stdout"].to_string();
    assert!(evidence.contains("ready endpoints: 1"), "{evidence}");

    let gateway = namespaced(NAMESPACE, "gateway", "inference-gateway");
    set_status(&real, &gateway, &condition("Programmed", "False"));
    let said = run(&real, &recipe, "inference-gateway", &[]);
    said.is("failed", "Gateway real-gateway/inference-gateway: not Programmed");
    set_status(&real, &gateway, &condition("Programmed", "True"));
    real.kubectl_must(&["-n", NAMESPACE, "delete", "pod", "gateway"]);
    let said = run(&real, &recipe, "inference-gateway", &[]);
    said.is("failed", "namespace real-gateway: no ready endpoint of the inference gateway");
}

/// Programs that answer as Slurm's would, in a container that has nothing but busybox; `down` in /tmp makes a job fail.
const SLURM: &str = r#"mkdir -p /tmp/bin
say() { printf '#!/bin/sh\n%s\n' "$2" >/tmp/bin/$1; chmod +x /tmp/bin/$1; }
say scontrol 'echo "Slurmctld(primary) at slurm is UP"'
say sinfo 'echo "gpu-0 idle"'
say hostname 'cat /etc/hostname'
say timeout 'shift; exec "$@"'
>/dev/nvidia0
say srun '[ ! -e /tmp/down ] || { echo "srun: error: Node failure on gpu-0" >&2; exit 1; }
while case "$1" in -*) true ;; *) false ;; esac; do shift; done; exec "$@"'
sleep 900"#;

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn slinky_slurm_reads_real_kinds_and_runs_commands_in_a_login_pod() {
    const NAMESPACE: &str = "real-slurm";
    let real = Real::cluster();
    let _parts = Parts::start(&real, &["slinky"]);
    let _namespace = Namespace::new(&real, NAMESPACE);
    let api = "slinky.slurm.net/v1beta1";
    let controller = json!({"name": "slurm", "namespace": NAMESPACE});
    let nodes = json!({"apiVersion": api, "kind": "NodeSet", "metadata": {"name": "gpu", "namespace": NAMESPACE},
        "spec": {"controllerRef": controller, "replicas": 2}});
    let login = json!({"apiVersion": api, "kind": "LoginSet", "metadata": {"name": "login", "namespace": NAMESPACE},
        "spec": {"controllerRef": controller, "sssdConfRef": {"name": "sssd", "key": "sssd.conf"}}});
    let available =
        |count: u32| json!({"replicas": 2, "availableReplicas": count, "nodeSetHash": "1", "selector": "a=b"});
    let mut shell = pod(NAMESPACE, "login", ("role", "login"));
    shell["spec"]["containers"][0] = json!({"name": "login", "image": "test/pause:1", "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", SLURM], "env": [{"name": "PATH", "value": "/tmp/bin:/bin"}],
        "readinessProbe": {"exec": {"command": ["ls", "/tmp/bin/srun"]}, "periodSeconds": 1}});
    with_status(
        &real,
        &[(nodes, Some(available(2))), (login, Some(json!({"replicas": 1, "selector": "role=login"}))), (shell, None)],
    );
    real.kubectl_must(&["-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/login", "--timeout=60s"]);
    let recipe = recipe(&real, |recipe| {
        recipe["componentRefs"].as_array_mut().expect("components").push(component("slinky-slurm", NAMESPACE));
        recipe["validation"]["conformance"]["checks"] =
            json!(["slinky-slurm-health", "slinky-slurm-gpu-access", "slinky-slurm-imex-channel"]);
    });
    run(&real, &recipe, "slinky-slurm-health", &[]).is("passed", "");
    // Its jobs all run in the same container, so that one without a GPU sees that of the others.
    run(&real, &recipe, "slinky-slurm-gpu-access", &[])
        .is("failed", "Job without a GPU: the job can open /dev/nvidia0, expected 0 of the GPUs");
    real.kubectl_must(&["-n", NAMESPACE, "exec", "login", "--", "mkdir", "/tmp/down"]);
    run(&real, &recipe, "slinky-slurm-health", &[])
        .is("failed", "Slurm job: exit code 1: srun: error: Node failure on gpu-0");

    set_status(&real, &namespaced(NAMESPACE, "nodeset", "gpu"), &available(1));
    run(&real, &recipe, "slinky-slurm-health", &[]).is("failed", "NodeSet real-slurm/gpu: 1/2 available");
    let imex = run(&real, &recipe, "slinky-slurm-imex-channel", &[]);
    imex.is("failed", "NodeSet real-slurm/gpu: 1/2 available");
    assert!(imex.message.contains("ResourceClaimTemplate slinky-slurm-imex-channels"), "{}", imex.message);
}
