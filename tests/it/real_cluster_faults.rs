//! Every fault of docs/faults.md on real Kubernetes: what the check and the run say, and that nothing of the run remains.
//! Ignored unless asked for; needs `tests/cluster/cluster up` and nothing else.
//!
//! The check is a shell script in an image of the test cluster, which an external catalog brings.

use super::real_cluster::{Real, cluster_script, text, within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

const NAMESPACE: &str = "aicr-test-faults";
/// Its entry point is a shell (`cluster smi-image`).
const SHELL: &str = "nvcr.io/nvidia/cuda:13.0.0-base-ubuntu22.04";
const HANGS: &str = "echo begun; while :; do sleep 1; done";
/// Of a shell that is process 1 and has no handler: only SIGKILL ends it.
const HOLDS: &str = "trap '' TERM; echo begun; while :; do sleep 1; done";

/// What is there before the run.
enum Before {
    Nothing,
    /// The namespace, with this in it.
    Objects(&'static str),
    /// The same, with a policy on its pods that admission has heard of.
    Policy(&'static str),
    /// A label of the namespace.
    Label(&'static str),
    /// Pods that leave no room, or just enough for the check.
    Full {
        left_milli: u64,
    },
}

/// What happens once the output of the check has begun.
enum Meanwhile {
    Nothing,
    Kubectl(fn(&Real, &str)),
    /// Every connection of the run breaks; new ones are accepted.
    Cut,
    /// The same, and when a new one is accepted every version that the run knows has expired.
    Expired,
    /// The process of the run does not get the processor for so long, as on a laptop that sleeps.
    Asleep(Duration),
    /// The kubelet stops, and comes back when the run has ended.
    Silent,
    /// The API server is away for so long; for good.
    Away(Option<Duration>),
    /// What the credentials of the run were good for ends.
    Revoked(fn(&Real)),
}

struct Row {
    name: &'static str,
    image: &'static str,
    script: &'static str,
    before: Before,
    meanwhile: Meanwhile,
    flags: &'static [&'static str],
    /// Status, reason and exit code of the program.
    expected: (&'static str, &'static str, i32),
    says: &'static str,
    /// A clean-up has to remove what the run could not.
    stays: bool,
}

fn row(
    name: &'static str,
    script: &'static str,
    expected: (&'static str, &'static str, i32),
    says: &'static str,
) -> Row {
    Row {
        name,
        image: SHELL,
        script,
        before: Before::Nothing,
        meanwhile: Meanwhile::Nothing,
        flags: &[],
        expected,
        says,
        stays: false,
    }
}

fn drain(real: &Real, _: &str) {
    let pods = "--pod-selector=aicr.run/validator";
    real.kubectl_must(&["drain", "worker-1", pods, "--grace-period=1", "--timeout=60s"]);
}

fn preempt(real: &Real, _: &str) {
    apply(
        real,
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: aicr-test-high}\nvalue: 1000\n",
    );
    apply(
        real,
        "apiVersion: v1\nkind: Pod\nmetadata: {name: aicr-test-high, namespace: default}\nspec:\n  priorityClassName: aicr-test-high\n  \
         terminationGracePeriodSeconds: 0\n  containers: [{name: c, image: \"test/pause:1\", imagePullPolicy: IfNotPresent, \
         resources: {requests: {cpu: 20m}}}]\n",
    );
}

const QUOTA: &str = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, namespace: aicr-test-faults}\nspec: {hard: {pods: \"0\"}}\n";
const SMALL_DISK: &str = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: small, namespace: aicr-test-faults}\n\
    spec: {limits: [{type: Container, default: {ephemeral-storage: 1Mi}, defaultRequest: {ephemeral-storage: 1Mi}}]}\n";
const POLICY: &str = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: aicr-test-policy}\n\
    spec:\n  failurePolicy: Fail\n  matchConstraints:\n    resourceRules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [pods]}]\n  \
    validations: [{expression: \"false\", message: no pods today}]\n---\n\
    apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: aicr-test-policy}\n\
    spec:\n  policyName: aicr-test-policy\n  validationActions: [Deny]\n  \
    matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: aicr-test-faults}}}\n";
/// As a tool that injects secrets would.
const MUTATION: &str = "apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingAdmissionPolicy\nmetadata: {name: aicr-test-policy}\n\
    spec:\n  failurePolicy: Fail\n  reinvocationPolicy: Never\n  \
    matchConstraints:\n    resourceRules: [{apiGroups: [\"\"], apiVersions: [v1], operations: [CREATE], resources: [pods]}]\n  \
    mutations:\n  - patchType: JSONPatch\n    jsonPatch:\n      expression: >-\n        \
[JSONPatch{op: \"add\", path: \"/spec/containers/0/env/-\", value: Object.spec.containers.env{name: \"INJECTED\", valueFrom: \
    Object.spec.containers.env.valueFrom{secretKeyRef: Object.spec.containers.env.valueFrom.secretKeyRef{name: \
    \"aicr-test-missing\", key: \"token\"}}}}]\n---\n\
    apiVersion: admissionregistration.k8s.io/v1beta1\nkind: MutatingAdmissionPolicyBinding\nmetadata: {name: aicr-test-policy}\n\
    spec:\n  policyName: aicr-test-policy\n  \
    matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: aicr-test-faults}}}\n";

/// As docs/faults.md has them.
pub fn names() -> Vec<&'static str> {
    rows().iter().map(|row| row.name).collect()
}

fn rows() -> Vec<Row> {
    let kubectl = |meanwhile| Meanwhile::Kubectl(meanwhile);
    vec![
        row("pass", "echo looked", ("passed", "", 0), ""),
        row("fail", "echo no GPU >/dev/termination-log; exit 1", ("failed", "", 1), "no GPU"),
        row("skip with a reason", "echo no GPU node >/dev/termination-log; exit 2", ("skipped", "", 9), "no GPU node"),
        row("skip without a reason", "exit 2", ("other", "crashed", 9), "the check ended with exit code 2"),
        row(
            "panic",
            "echo panicked; exit 101",
            ("other", "crashed", 9),
            "the check ended with exit code 101 (Error) without a reason\nlast output: panicked",
        ),
        // Kubernetes makes one dollar sign of two.
        row(
            "SIGTERM",
            "sh -c 'kill -TERM $$$$'; exit $?",
            ("other", "crashed", 9),
            "the check ended with exit code 143",
        ),
        row(
            "SIGSEGV",
            "sh -c 'kill -SEGV $$$$'; exit $?",
            ("other", "crashed", 9),
            "the check ended with exit code 139",
        ),
        row(
            "out of memory",
            "a=xxxxxxxxxxxxxxxx; while :; do a=$a$a; done",
            ("other", "out-of-memory", 9),
            "out of memory: the container may use 256Mi",
        ),
        Row {
            before: Before::Objects(SMALL_DISK),
            flags: &["--check-timeout", "120s"],
            ..row(
                "evicted",
                "busybox seq 1000000; sleep 110",
                ("other", "disrupted", 9),
                "Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 1Mi",
            )
        },
        Row {
            before: Before::Full { left_milli: 60 },
            meanwhile: kubectl(preempt),
            flags: &["--check-timeout", "60s"],
            ..row(
                "preempted",
                HANGS,
                ("other", "disrupted", 9),
                "the pod was disrupted (PreemptionByScheduler): default-scheduler: preempting",
            )
        },
        Row {
            meanwhile: kubectl(drain),
            ..row(
                "node drained",
                HANGS,
                ("other", "disrupted", 9),
                "the pod was disrupted (EvictionByEvictionAPI): Eviction API: evicting",
            )
        },
        Row {
            meanwhile: Meanwhile::Silent,
            flags: &["--check-timeout", "75s"],
            stays: true,
            ..row(
                "node lost",
                HANGS,
                ("other", "node-lost", 9),
                "node worker-1 does not report; no verdict within 75 s; last state: running on ",
            )
        },
        Row {
            before: Before::Policy(MUTATION),
            ..row(
                "config error",
                HANGS,
                ("other", "config-error", 9),
                "the container cannot be started: CreateContainerConfigError: secret \"aicr-test-missing\" not found",
            )
        },
        Row {
            image: "registry.invalid/nobody/nothing:1",
            ..row(
                "image missing",
                "",
                ("other", "image-missing", 9),
                "the image registry.invalid/nobody/nothing:1 cannot be pulled: ErrImagePull: ",
            )
        },
        Row {
            image: "Not/A/Name:1",
            ..row(
                "image name invalid",
                "",
                ("other", "image-missing", 9),
                "the image Not/A/Name:1 cannot be pulled: InvalidImageName",
            )
        },
        Row {
            before: Before::Full { left_milli: 1 },
            ..row("unschedulable", HANGS, ("other", "unschedulable", 9), "the pod cannot be scheduled: 0/")
        },
        Row {
            before: Before::Objects(QUOTA),
            ..row("quota", HANGS, ("other", "pod-refused", 9), "the pod is refused: Error creating: pods ")
        },
        Row {
            before: Before::Policy(POLICY),
            ..row("admission denied", HANGS, ("other", "pod-refused", 9), "the pod is refused: Error creating: pods ")
        },
        // Pods of checks are what the restricted standard asks for.
        Row {
            before: Before::Label("pod-security.kubernetes.io/enforce=restricted"),
            ..row("PodSecurity restricted", "echo looked", ("passed", "", 0), "")
        },
        Row {
            image: "registry.invalid/nobody/nothing:1",
            flags: &["--check-timeout", "6s", "--patience", "10m"],
            ..row(
                "deadline while pulling",
                "",
                ("other", "out-of-time", 9),
                "no verdict within 6 s; last state: pull failing (",
            )
        },
        Row {
            flags: &["--check-timeout", "6s"],
            ..row(
                "deadline while running",
                HANGS,
                ("other", "out-of-time", 9),
                "no verdict within 6 s; last state: running on ",
            )
        },
        Row {
            flags: &["--check-timeout", "6s"],
            ..row(
                "check that ignores SIGTERM",
                HOLDS,
                ("other", "out-of-time", 9),
                "no verdict within 6 s; last state: running on ",
            )
        },
        Row {
            meanwhile: kubectl(|real, pod| {
                drop(real.kubectl(&["delete", "pod", pod, "-n", NAMESPACE, "--grace-period=1", "--wait=false"]))
            }),
            ..row(
                "pod deleted",
                HANGS,
                ("other", "pod-deleted", 9),
                "the pod was deleted by somebody else while running",
            )
        },
        Row {
            meanwhile: kubectl(|real, _| {
                drop(real.kubectl(&["delete", "jobs", "--all", "-n", NAMESPACE, "--wait=false"]))
            }),
            ..row(
                "Job deleted",
                HANGS,
                ("other", "job-deleted", 9),
                "the Job was deleted by somebody else while running",
            )
        },
        Row {
            meanwhile: kubectl(|real, _| drop(real.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]))),
            ..row(
                "namespace deleted",
                HANGS,
                ("other", "namespace-deleted", 9),
                "the namespace was deleted while running",
            )
        },
        Row {
            meanwhile: Meanwhile::Away(Some(Duration::from_secs(3))),
            ..row("API server restarted", "echo begun; sleep 8", ("passed", "", 0), "")
        },
        Row {
            meanwhile: Meanwhile::Cut,
            ..row("watch dropped", "echo begun; sleep 5; echo again", ("passed", "", 0), "")
        },
        Row { meanwhile: Meanwhile::Expired, ..row("410", "echo begun; sleep 5; echo again", ("passed", "", 0), "") },
        // Longer than its limit and what is waited beyond that; the Job's own limit is a minute longer.
        Row {
            meanwhile: Meanwhile::Asleep(Duration::from_secs(25)),
            flags: &["--check-timeout", "6s"],
            ..row("laptop asleep, terminal stopped", "echo begun; sleep 10; echo again", ("passed", "", 0), "")
        },
        Row {
            meanwhile: Meanwhile::Asleep(Duration::from_secs(25)),
            flags: &["--check-timeout", "10s"],
            ..row(
                "laptop asleep, check hangs",
                HANGS,
                ("other", "out-of-time", 9),
                "no verdict within 10 s; last state: running on ",
            )
        },
        Row {
            meanwhile: Meanwhile::Away(None),
            flags: &["--check-timeout", "10s"],
            stays: true,
            ..row(
                "API server gone for good",
                HANGS,
                ("other", "out-of-time", 9),
                "no verdict within 10 s; last state: running on ",
            )
        },
        Row {
            meanwhile: Meanwhile::Revoked(|real| {
                drop(real.kubectl(&["delete", "clusterrolebinding", "aicr-test-revoked"]))
            }),
            flags: &["--check-timeout", "15s"],
            stays: true,
            ..row("403 mid-run", HANGS, ("other", "out-of-time", 9), "no verdict within 15 s; last state: running on ")
        },
        Row {
            meanwhile: Meanwhile::Revoked(|real| {
                drop(real.kubectl(&["delete", "serviceaccount", "aicr-test-revoked", "-n", "default"]))
            }),
            flags: &["--check-timeout", "30s"],
            stays: true,
            ..row(
                "token expired",
                HANGS,
                ("other", "out-of-time", 9),
                "no verdict within 30 s; last state: running on ",
            )
        },
        row("log of 300,000 lines", "busybox seq 300000", ("passed", "", 0), ""),
        row("log without newline", "printf 'no end'", ("passed", "", 0), ""),
        row(
            "escape sequences, broken UTF-8",
            r"printf '\033[2J\377\376said\n'; printf '\033[31mred\377' >/dev/termination-log; exit 1",
            ("failed", "", 1),
            "",
        ),
    ]
}

fn apply(real: &Real, manifest: &str) {
    let path = real.path("manifest.yaml");
    std::fs::write(&path, manifest).expect("a file");
    real.kubectl_must(&["apply", "-f", &path.display().to_string()]);
}

/// What rows leave to the next one, removed in any case.
struct Cleared<'r>(&'r Real);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        let real = self.0;
        real.kubectl(&[
            "delete",
            "pod",
            "aicr-test-high",
            "aicr-test-filler",
            "-n",
            "default",
            "--now",
            "--ignore-not-found",
        ]);
        let policies = "priorityclass/aicr-test-high,validatingadmissionpolicy/aicr-test-policy,validatingadmissionpolicybinding/aicr-test-policy,\
                        mutatingadmissionpolicy/aicr-test-policy,mutatingadmissionpolicybinding/aicr-test-policy,\
                        clusterrolebinding/aicr-test-revoked";
        for object in policies.split(',') {
            real.kubectl(&["delete", object, "--ignore-not-found"]);
        }
        real.kubectl(&["delete", "serviceaccount", "aicr-test-revoked", "-n", "default", "--ignore-not-found"]);
        real.kubectl(&["uncordon", "worker-1"]);
        real.kubectl(&["delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=60s"]);
    }
}

fn prepare(real: &Real, before: &Before) {
    match before {
        Before::Nothing => {}
        Before::Objects(manifest) => {
            real.kubectl_must(&["create", "namespace", NAMESPACE]);
            apply(real, manifest);
        }
        Before::Policy(manifest) => {
            real.kubectl_must(&["create", "namespace", NAMESPACE]);
            apply(real, manifest);
            let probe = [
                "run",
                "probe",
                "-n",
                NAMESPACE,
                "--image",
                "test/pause:1",
                "--env=A=B",
                "--dry-run=server",
                "-o",
                "yaml",
            ];
            within(Duration::from_secs(60), "the policy", || {
                let output = real.kubectl(&probe);
                !output.status.success() || text(&output).contains("aicr-test-missing")
            });
        }
        Before::Label(label) => {
            real.kubectl_must(&["create", "namespace", NAMESPACE]);
            real.kubectl_must(&["label", "namespace", NAMESPACE, label]);
        }
        Before::Full { left_milli } => {
            let milli = free_milli(real) - left_milli;
            apply(
                real,
                &format!(
                    "apiVersion: v1\nkind: Pod\nmetadata: {{name: aicr-test-filler, namespace: default}}\nspec:\n  nodeName: worker-1\n  \
                 terminationGracePeriodSeconds: 0\n  containers: [{{name: c, image: \"test/pause:1\", imagePullPolicy: IfNotPresent, \
                 resources: {{requests: {{cpu: {milli}m}}}}}}]\n"
                ),
            );
            real.kubectl_must(&[
                "wait",
                "--for=condition=Ready",
                "pod/aicr-test-filler",
                "-n",
                "default",
                "--timeout=60s",
            ]);
        }
    }
}

/// What pods of the one real node have not asked for, in thousandths of a core.
fn free_milli(real: &Real) -> u64 {
    let milli = |text: &str| match text.strip_suffix('m') {
        Some(milli) => milli.parse::<u64>().expect("a number"),
        None => text.parse::<u64>().expect("whole cores") * 1000,
    };
    let all = milli(&real.kubectl_must(&["get", "node", "worker-1", "-o", "jsonpath={.status.allocatable.cpu}"]));
    let asked = real.kubectl_must(&[
        "get",
        "pods",
        "-A",
        "--field-selector",
        "spec.nodeName=worker-1",
        "-o",
        "jsonpath={range .items[*].spec.containers[*]}{.resources.requests.cpu}{\"\\n\"}{end}",
    ]);
    all - asked.lines().filter(|line| !line.is_empty()).map(milli).sum::<u64>()
}

/// A catalog with the check of a row, and a recipe that asks for it and for nothing else.
fn documents(real: &Real, row: &Row) -> (PathBuf, PathBuf) {
    let folder = real.path("catalog");
    std::fs::create_dir_all(folder.join("validators")).expect("a folder");
    let (script, image) = (serde_json::json!(row.script), row.image);
    let validators = format!(
        "apiVersion: validator.nvidia.com/v1alpha1\nkind: ValidatorCatalog\nmetadata: {{name: faults, version: \"1\"}}\nvalidators:\n  \
         - {{name: fault, phase: conformance, description: A fault, image: \"{image}\", timeout: 5m, args: [\"-c\", {script}], env: []}}\n"
    );
    std::fs::write(folder.join("validators/catalog.yaml"), validators).expect("a file");
    let registry = "apiVersion: aicr.run/v1alpha2\nkind: ComponentRegistry\ncomponents: []\n";
    std::fs::write(folder.join("registry.yaml"), registry).expect("a file");
    let recipe = real.path("recipe.yaml");
    let document = "apiVersion: aicr.run/v1alpha2\nkind: RecipeResult\nmetadata: {version: v1}\ncriteria: {service: kind}\n\
                    componentRefs: []\nvalidation: {conformance: {checks: [fault]}}\n";
    std::fs::write(&recipe, document).expect("a file");
    (folder, recipe)
}

/// A run, and its events as they come.
struct Running {
    child: Child,
    events: Receiver<String>,
}

impl Running {
    /// The first event that is as asked, of those that are still to come.
    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            let line = self.events.recv_timeout(limit.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|error| panic!("{what}: {error}"));
            let event: Value = serde_json::from_str(&line).expect("an event");
            if is(&event) {
                return event;
            }
        }
    }

    fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(id, signal).expect("a signal");
    }

    /// Waits for it to say that another interrupt ends it at once: two signals in a row may arrive as one.
    #[track_caller]
    fn is_warned(&mut self) {
        let mut told = String::new();
        let stderr = self.child.stderr.as_mut().expect("a pipe");
        let mut byte = [0];
        while !told.contains("once more to stop at once") {
            let count = std::io::Read::read(stderr, &mut byte).expect("text");
            assert!(count > 0, "it ended: {told}");
            told.push(char::from(byte[0]));
        }
    }

    /// The exit code, and what it said on standard error since.
    #[track_caller]
    fn end(mut self) -> (Option<i32>, String) {
        within(Duration::from_secs(60), "the end of the run", || self.child.try_wait().expect("a child").is_some());
        let mut told = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        std::io::Read::read_to_string(&mut stderr, &mut told).expect("text");
        (self.child.wait().expect("a child").code(), told)
    }
}

impl Drop for Running {
    /// A test that failed half-way must not leave a run to the next one.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A way to the API server whose connections can be cut.
struct Passage {
    kubeconfig: PathBuf,
    open: Arc<Mutex<Vec<TcpStream>>>,
    closed: Arc<AtomicBool>,
}

impl Passage {
    fn open(real: &Real) -> Passage {
        let config = real.kubectl_must(&["config", "view", "--raw", "--flatten", "-o", "json"]);
        let mut config: Value = serde_json::from_str(&config).expect("JSON");
        let server = config["clusters"][0]["cluster"]["server"].as_str().expect("a server");
        let server = server.trim_start_matches("https://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let closed: Arc<AtomicBool> = Arc::default();
        let (held, is_closed) = (open.clone(), closed.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&server) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                held.lock().expect("a lock").push(near);
            }
        });
        // The server's certificate is good for this address too.
        config["clusters"][0]["cluster"]["server"] = format!("https://{address}").into();
        let kubeconfig = real.path("passage.conf");
        std::fs::write(&kubeconfig, config.to_string()).expect("a file");
        Passage { kubeconfig, open, closed }
    }

    fn cut(&self) {
        let open = std::mem::take(&mut *self.open.lock().expect("a lock"));
        assert!(!open.is_empty(), "the run uses this way");
        for connection in open {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Nothing gets through until what the run has seen last has expired.
    fn expire(&self, real: &Real) {
        self.closed.store(true, Ordering::SeqCst);
        self.cut();
        // Later than anything that a watch of the run was told.
        let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
        let list: Value = serde_json::from_str(&real.kubectl_must(&["get", "--raw", &pods])).expect("JSON");
        let last_seen = list["metadata"]["resourceVersion"].as_str().expect("a version");
        for verb in ["create", "delete"] {
            real.kubectl_must(&[verb, "configmap", "aicr-test-later", "-n", "default"]);
        }
        cluster_script(real, &["compact"]);
        // What it keeps in memory of the past would serve for long.
        cluster_script(real, &["apiserver", "stop"]);
        cluster_script(real, &["apiserver", "start"]);
        let watch = format!("{pods}?watch=1&timeoutSeconds=1&resourceVersion={last_seen}");
        let answer = text(&real.kubectl(&["get", "--raw", &watch]));
        assert!(answer.contains("\"code\":410") || answer.contains("too old resource version"), "{answer}");
        self.closed.store(false, Ordering::SeqCst);
    }
}

fn start(real: &Real, row: &Row, kubeconfig: &Path) -> Running {
    let (catalog, recipe) = documents(real, row);
    let [catalog, recipe] = [catalog, recipe].map(|path| path.display().to_string());
    let mut args = vec![
        "validate",
        "--recipe",
        &recipe,
        "--data",
        &catalog,
        "--namespace",
        NAMESPACE,
        "--allow-unknown",
        "--format",
        "events",
    ];
    if !row.flags.contains(&"--patience") {
        args.extend(["--patience", "5s"]);
    }
    args.extend(row.flags);
    let mut child =
        real.command(kubeconfig, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (sender, events) = channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    Running { child, events }
}

fn check(real: &Real, row: &Row) -> Result<(), String> {
    let _cleared = Cleared(real);
    prepare(real, &row.before);
    let passage = Passage::open(real);
    let kubeconfig = match row.meanwhile {
        Meanwhile::Cut | Meanwhile::Expired => passage.kubeconfig.clone(),
        Meanwhile::Revoked(_) => {
            let path = real.user("aicr-test-revoked", &[]);
            real.kubectl_must(&[
                "create",
                "clusterrolebinding",
                "aicr-test-revoked",
                "--clusterrole",
                "cluster-admin",
                "--serviceaccount",
                "default:aicr-test-revoked",
            ]);
            path
        }
        _ => real.kubeconfig.clone(),
    };
    let mut running = start(real, row, &kubeconfig);
    let (mut seen, mut begun, mut away) = (Vec::new(), false, false);
    let limit = Instant::now() + Duration::from_secs(180);
    while let Ok(line) = running.events.recv_timeout(limit.saturating_duration_since(Instant::now())) {
        let event: Value = serde_json::from_str(&line).expect("an event");
        if !begun && event["event"] == "log" {
            begun = true;
            let pod =
                || real.kubectl_must(&["get", "pods", "-n", NAMESPACE, "-o", "jsonpath={.items[0].metadata.name}"]);
            match &row.meanwhile {
                Meanwhile::Nothing => {}
                Meanwhile::Kubectl(happens) => happens(real, &pod()),
                Meanwhile::Revoked(revoke) => revoke(real),
                Meanwhile::Cut => passage.cut(),
                Meanwhile::Expired => passage.expire(real),
                Meanwhile::Asleep(long) => {
                    running.signal(Signal::STOP);
                    std::thread::sleep(*long);
                    running.signal(Signal::CONT);
                }
                Meanwhile::Silent => cluster_script(real, &["kubelet", "stop"]),
                Meanwhile::Away(long) => {
                    cluster_script(real, &["apiserver", "stop"]);
                    match long {
                        Some(long) => {
                            std::thread::sleep(*long);
                            cluster_script(real, &["apiserver", "start"]);
                        }
                        None => away = true,
                    }
                }
            }
        }
        seen.push(event);
    }
    let code = running.child.wait().expect("a child").code();
    if away {
        cluster_script(real, &["apiserver", "start"]);
    }
    if matches!(row.meanwhile, Meanwhile::Silent) {
        cluster_script(real, &["kubelet", "start"]);
    }
    let mut told = String::new();
    std::io::Read::read_to_string(&mut running.child.stderr.take().expect("a pipe"), &mut told).expect("text");
    let mut problems = Vec::new();
    let finished = seen.iter().find(|event| event["event"] == "finished").map(|event| &event["result"]);
    let field = |name: &str| finished.and_then(|result| result[name].as_str()).unwrap_or_default().to_owned();
    let (status, why, message) = (field("status"), field("why"), field("message"));
    let (expected_status, expected_why, expected_code) = row.expected;
    if (&*status, &*why, code) != (expected_status, expected_why, Some(expected_code)) {
        problems.push(format!("expected {:?}, got ({status}, {why}, {code:?}): {message}\n{told}", row.expected));
    } else if !message.starts_with(row.says) {
        problems.push(format!("expected `{}…`, got `{message}`", row.says));
    }
    let lines = seen.iter().filter(|event| event["event"] == "log").count();
    match row.name {
        "log of 300,000 lines" if lines != 300_000 => problems.push(format!("{lines} lines")),
        "log without newline" if !seen.iter().any(|event| event["text"] == "no end") => {
            problems.push("the line is lost".into())
        }
        "watch dropped" | "410" | "laptop asleep, terminal stopped"
            if !seen.iter().any(|event| event["text"] == "again") =>
        {
            problems.push("output after the cut is lost".into())
        }
        "laptop asleep, terminal stopped" | "laptop asleep, check hangs"
            if !seen.iter().any(|event| {
                event["event"] == "notice" && event["text"].as_str().is_some_and(|text| text.contains("was paused for"))
            }) =>
        {
            problems.push(format!("the pause is not reported: {told}"))
        }
        "escape sequences, broken UTF-8" if told.contains('\u{1b}') => {
            problems.push(format!("a terminal would obey: {told:?}"))
        }
        _ => {}
    }
    if row.stays {
        if !seen.iter().any(|event| {
            event["event"] == "cleaned-up" && event["left"].as_array().is_some_and(|left| !left.is_empty())
        }) {
            problems.push("the report does not say what may be left".into());
        }
        // A kubelet that was without its API server takes its time to end what it runs.
        let begun = Instant::now();
        while !real.aicr(&["cleanup", "--namespace", NAMESPACE]).status.success() {
            assert!(begun.elapsed() < Duration::from_secs(180), "the clean-up does not come to its end");
        }
    }
    // The garbage collector takes what a deleted owner left.
    let begun = Instant::now();
    while !real.left_over().is_empty() {
        if begun.elapsed() > Duration::from_secs(20) {
            problems.push(format!("left behind: {}", real.left_over()));
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{}: {}", row.name, problems.join("; "))) }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn every_fault_has_its_reason_and_leaves_nothing() {
    let real = Real::cluster();
    cluster_script(&real, &["smi-image"]);
    let only = std::env::var("AICR_TEST_FAULT").unwrap_or_default();
    let mut failed = Vec::new();
    for row in rows().iter().filter(|row| row.name.contains(&only)) {
        let begun = Instant::now();
        let result = check(&real, row);
        println!(
            "{:>5.1} s  {}  {}",
            begun.elapsed().as_secs_f64(),
            if result.is_ok() { "ok  " } else { "FAIL" },
            row.name
        );
        if let Err(problem) = &result {
            println!("{problem}");
        }
        failed.extend(result.err());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn two_runs_in_one_namespace_do_not_meet_and_the_last_removes_it() {
    let real = Real::cluster();
    cluster_script(&real, &["smi-image"]);
    let _cleared = Cleared(&real);
    let row = row("two runs in one namespace", "echo looked; sleep 1", ("passed", "", 0), "");
    let runs: Vec<Running> = (0..2).map(|_| start(&real, &row, &real.kubeconfig)).collect();
    for run in runs {
        let (code, told) = run.end();
        assert_eq!(code, Some(0), "{told}");
    }
    assert_eq!(real.left_over(), "");
    let namespace = real.kubectl(&["get", "namespace", NAMESPACE, "-o", "jsonpath={.status.phase}"]);
    let phase = String::from_utf8_lossy(&namespace.stdout).into_owned();
    assert!(phase.is_empty() || phase == "Terminating", "the namespace stays: {phase}");
}

type IsReached = fn(&Value) -> bool;

/// From the plan to the end of the check, in the order of the run.
const STAGES: [(&str, IsReached); 5] = [
    ("planned", |event| event["event"] == "planned"),
    ("creating", |event| event["state"]["state"] == "creating"),
    ("running", |event| event["state"]["state"] == "running"),
    ("output", |event| event["event"] == "log"),
    ("ended", |event| event["event"] == "finished"),
];

/// A run that has come to a stage, and its id.
fn run_to(real: &Real, stage: &str, is_reached: IsReached) -> (Running, String) {
    let script = if stage == "ended" { "echo looked" } else { HANGS };
    let row = row("a stage", script, ("", "", 0), "");
    let running = start(real, &row, &real.kubeconfig);
    let planned = running.until("planned", |event| event["event"] == "planned");
    if stage != "planned" {
        running.until(stage, is_reached);
    }
    (running, planned["run_id"].as_str().expect("an id").to_owned())
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn a_run_that_is_killed_at_any_stage_is_swept() {
    let real = Real::cluster();
    cluster_script(&real, &["smi-image"]);
    let _cleared = Cleared(&real);
    for (stage, is_reached) in STAGES {
        let (mut running, _) = run_to(&real, stage, is_reached);
        running.child.kill().expect("killed");
        running.child.wait().expect("a child");
        let swept = real.aicr(&["cleanup", "--namespace", NAMESPACE]);
        assert!(swept.status.success(), "{stage}: {}", text(&swept));
        assert_eq!(real.left_over(), "", "{stage}");
    }
}

#[test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
fn an_interrupt_ends_a_run_at_any_stage_and_a_second_one_ends_it_at_once() {
    let real = Real::cluster();
    cluster_script(&real, &["smi-image"]);
    let _cleared = Cleared(&real);
    // A check that has its verdict keeps it.
    let expected = |stage: &str| if stage == "ended" { ("passed", 0) } else { ("other", 130) };
    let status = |id: &str| {
        let output = real.aicr(&["runs", "export", id]);
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
        report["results"]["tests"][0]["status"].as_str().expect("a status").to_owned()
    };
    for (stage, is_reached) in STAGES {
        let (running, id) = run_to(&real, stage, is_reached);
        running.interrupt();
        let (code, told) = running.end();
        assert_eq!((&*status(&id), code), (expected(stage).0, Some(expected(stage).1)), "{stage}: {told}");
        assert_eq!(real.left_over(), "", "{stage}");
    }
    for (stage, is_reached) in STAGES {
        let (mut running, id) = run_to(&real, stage, is_reached);
        running.interrupt();
        running.is_warned();
        running.interrupt();
        let (code, told) = running.end();
        assert_eq!((&*status(&id), code), (expected(stage).0, Some(130)), "{stage}: {told}");
        let swept = real.aicr(&["cleanup", "--namespace", NAMESPACE]);
        assert!(swept.status.success(), "{stage}: {}", text(&swept));
        assert_eq!(real.left_over(), "", "{stage}");
    }
}
