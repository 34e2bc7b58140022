//! Asks nodes themselves for what the API server does not know: one short Job without rights on each, its answer in its log.
//!
//! In: a snapshot that says which nodes there are. Out: what each said, or why it did not; nothing that was created stays. The
//! Jobs have no service account token and no rights at all, so the rights that this needs are those of the person: to create
//! Jobs and to read logs of pods in one namespace.

use super::{Failure, Kind, cleanup, namespace, run};
use crate::{
    cluster::{ClusterError, ClusterErrorKind, Connection, changes, collect::list},
    inventory::{Inventory, Node, shape::Key},
    snapshot::agent::{
        self, NodeFacts, NodeResult, lines,
        plan::{self, Mounts, Options},
        read::{self, Files},
    },
    validate::plan::{NAME_LABEL, NAMESPACE_LABEL, RUN_LABEL},
};
use futures::StreamExt;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// How nodes are asked.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    pub namespace: String,
    /// The image that holds this program.
    pub image: String,
    pub pull_secrets: Vec<String>,
    /// One node of each shape stands for the others.
    pub per_shape: bool,
    /// Nodes at a time.
    pub parallel: usize,
    /// How long one node may take.
    pub timeout: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// By node.
    pub results: Vec<NodeResult>,
    /// Objects that could not be removed.
    pub left: Vec<String>,
    /// Somebody said to stop before all were asked.
    pub is_interrupted: bool,
}

/// Between two looks at a pod.
const LOOK: Duration = Duration::from_millis(400);
/// Between two looks at the events of a pod that waits: a file that is not on the node is waited for in vain.
const LOOK_AT_EVENTS: Duration = Duration::from_secs(2);
/// How long a node waits for the same thing before that is told.
const TOLD_AFTER: Duration = Duration::from_secs(5);

/// Asks the nodes with accelerators, else those that rules concern, and adds what they say to the snapshot. `say` gets a line
/// for each step. What was created is removed in any case, also when `stop` is there first.
///
/// # Errors
/// Nothing may be created in the namespace. A node that does not answer is no error.
pub async fn ask(
    connection: &Connection,
    snapshot: &mut Inventory,
    options: &AgentOptions,
    stop: impl Future<Output = ()>,
    mut say: impl FnMut(String),
) -> Result<Answers, Failure> {
    let nodes = chosen(snapshot, options.per_shape);
    let mut results: Vec<NodeResult> = Vec::new();
    let mut wanted = Vec::new();
    for (node, alike) in nodes {
        match node.ready.get() {
            Some(true) => wanted.push((node.name.to_string(), alike)),
            _ => results.push(NodeResult {
                node: node.name.to_string(),
                alike,
                said: Err("the node is not ready".to_owned()),
            }),
        }
    }
    let namespace = &options.namespace;
    let run_id = run::run_id(jiff::Timestamp::now())?;
    let mut planned = Options {
        run_id: run_id.clone(),
        namespace: namespace.clone(),
        labels: labels(Some(&run_id), namespace),
        image: options.image.clone(),
        pull_secrets: options.pull_secrets.clone(),
        timeout_seconds: options.timeout.as_secs().max(1),
        mounts: Mounts::All,
        attempt: 0,
    };
    let count = wanted.len();
    // Asked after the work, which may be given up at any time.
    let made_namespace = OnceLock::new();
    let (told, mut waits) = mpsc::unbounded_channel();
    let work = async {
        let mut last = String::new();
        let object = plan::namespace(namespace, &labels(None, namespace));
        let made = namespace::make(
            connection,
            &object,
            || false,
            |line| {
                if line != last {
                    last.clone_from(&line);
                    say(line);
                }
            },
        );
        let made = made.await?;
        made_namespace.get_or_init(|| made);
        if let Some((node, _)) = wanted.first()
            && let Some(why) = refuses_mounts(connection, node, &planned).await?
        {
            say(format!("files of nodes cannot be mounted in namespace {namespace}: {why}"));
            planned.mounts = Mounts::None;
        }
        let (planned, told) = (&planned, &told);
        let jobs = wanted.iter().enumerate().map(|(number, (node, alike))| async move {
            // The one who listens goes with those who tell.
            let waits = |why: &str| drop(told.send(format!("{node}: {why}")));
            let said = one(connection, node, number, planned, options.timeout, waits).await;
            NodeResult { node: node.clone(), alike: *alike, said }
        });
        // Collected first: a stream over the closure itself could not be sent between threads.
        let jobs: Vec<_> = jobs.collect();
        let mut answers = futures::stream::iter(jobs).buffer_unordered(options.parallel.max(1));
        let mut done = 0;
        loop {
            tokio::select! {
                biased;
                Some(line) = waits.recv() => say(line),
                result = answers.next() => {
                    let Some(result) = result else { break };
                    done += 1;
                    say(format!("{done}/{count} {}: {}", result.node, words(&result.said)));
                    results.push(result);
                }
            }
        }
        Ok::<_, Failure>(())
    };
    let worked = tokio::select! {
        worked = work => Some(worked),
        () = stop => None,
    };
    let cleaned = cleanup::of_run(connection, namespace, &run_id).await;
    let is_ours = match (made_namespace.into_inner(), &worked) {
        (Some(made), _) => made,
        // It may have been made while somebody interrupted.
        (None, None) => namespace::is_of_runs(connection, namespace).await,
        (None, Some(_)) => false,
    };
    let namespace_left = if is_ours { cleanup::of_namespace(connection, namespace).await } else { None };
    let is_interrupted = worked.is_none();
    if let Some(Err(failure)) = worked {
        // No Job was created by then, so nothing else is left.
        let Some(left) = namespace_left else { return Err(failure) };
        let left = format!("clean-up incomplete: {left}; remove it with `kubectl delete namespace {namespace}`");
        let hint = failure.hint.as_ref().map_or_else(|| left.clone(), |hint| format!("{hint}; {left}"));
        return Err(failure.hint(hint));
    }
    let mut left = cleaned.left;
    left.extend(namespace_left);
    for (node, alike) in wanted {
        if !results.iter().any(|result| result.node == node) {
            results.push(NodeResult { node, alike, said: Err("interrupted before it answered".to_owned()) });
        }
    }
    results.sort_by(|one, other| one.node.cmp(&other.node));
    agent::put(snapshot, &results, |path| crate::diff::noise::rule(path).is_some());
    Ok(Answers { results, left, is_interrupted })
}

fn labels(run_id: Option<&str>, namespace: &str) -> Value {
    let (name, ours) = NAME_LABEL;
    let mut labels =
        json!({name: ours, "app.kubernetes.io/component": "agent", "app.kubernetes.io/managed-by": "aicr"});
    if let Some(run_id) = run_id {
        labels[RUN_LABEL] = run_id.into();
        labels[NAMESPACE_LABEL] = namespace.into();
    }
    labels
}

/// `ok`, or what is missing.
pub fn words(said: &Result<NodeFacts, String>) -> String {
    match said {
        Err(why) => format!("no answer: {why}"),
        Ok(facts) => {
            let readings: usize = facts.tables.values().map(BTreeMap::len).sum();
            let unread: Vec<&str> = facts.unread.keys().map(String::as_str).collect();
            match unread.is_empty() {
                true => format!("{readings} readings"),
                false => format!("{readings} readings, without {}", unread.join(", ")),
            }
        }
    }
}

/// The nodes to ask, each with how many it stands for besides itself.
fn chosen(snapshot: &Inventory, per_shape: bool) -> Vec<(&Node, usize)> {
    let accelerated: Vec<&Node> = snapshot.accelerated().collect();
    let nodes = if accelerated.is_empty() { snapshot.concerned() } else { accelerated };
    if !per_shape {
        return nodes.into_iter().map(|node| (node, 0)).collect();
    }
    let mut shapes: Vec<(Key, &Node, usize)> = Vec::new();
    for node in nodes {
        let key = Key::of(node);
        match shapes.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, first, alike)) => {
                *alike += 1;
                // One that can answer stands for those that cannot.
                if first.ready.get() != Some(true) && node.ready.get() == Some(true) {
                    *first = node;
                }
            }
            None => shapes.push((key, node, 0)),
        }
    }
    shapes.into_iter().map(|(_, node, alike)| (node, alike)).collect()
}

/// Why a pod with files of the node is not admitted; `None` where it is.
async fn refuses_mounts(connection: &Connection, node: &str, planned: &Options) -> Result<Option<String>, Failure> {
    let pods = format!("/api/v1/namespaces/{}/pods", planned.namespace);
    match changes::create(connection, &pods, &plan::trial(node, planned), true).await {
        Ok(_) => Ok(None),
        Err(error) if error.kind == ClusterErrorKind::Forbidden => {
            Ok(Some(error.found.lines().next().unwrap_or_default().to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks one node: with its files, and without those that it does not have. `waits` is told what it waits for.
async fn one(
    connection: &Connection,
    node: &str,
    number: usize,
    planned: &Options,
    limit: Duration,
    waits: impl Fn(&str),
) -> Result<NodeFacts, String> {
    let mut planned = planned.clone();
    let deadline = Instant::now() + limit;
    loop {
        let job = plan::job(node, number, &planned);
        let name = plan::name(number, &planned);
        let jobs = format!("/apis/batch/v1/namespaces/{}/jobs", planned.namespace);
        changes::create(connection, &jobs, &job, false).await.map_err(|error| in_words(&error))?;
        let mut last = None;
        let ending = end(connection, &name, &planned.namespace, &mut last, &waits);
        let ended = tokio::time::timeout_at(deadline, ending).await.unwrap_or_else(|_| {
            let after = format!("timed out after {} s", limit.as_secs());
            Err(Obstacle::Other(
                last.map_or(after.clone(), |Waiting { why, .. }| format!("{after}; last state: {why}")),
            ))
        });
        let said = match &ended {
            Ok(pod) => {
                let log = changes::log(connection, &planned.namespace, pod, plan::CONTAINER).await;
                log.map_err(|error| in_words(&error)).and_then(|log| lines::read(&log))
            }
            Err(Obstacle::Other(why) | Obstacle::Mount(why)) => Err(why.clone()),
        };
        // Whatever is left of it goes with the clean-up of the whole.
        let _ = changes::delete(connection, &format!("{jobs}/{name}")).await;
        match (ended, planned.mounts.fewer()) {
            (Err(Obstacle::Mount(_)), Some(fewer)) => planned.mounts = fewer,
            _ => return said,
        }
        planned.attempt += 1;
    }
}

/// What a snapshot says of a node that could not be asked: data there, not a failure that somebody handles.
fn in_words(error: &ClusterError) -> String {
    format!("failed to {}: {}", error.doing, error.found)
}

enum Obstacle {
    /// The node does not have a file that was to be mounted.
    Mount(String),
    Other(String),
}

/// What a node waits for.
struct Waiting {
    why: String,
    since: Instant,
}

/// Waits for the end of a Job's pod; its name. What it waits for is in `last`, also where nobody waits any longer, and is told
/// where it takes a while.
async fn end(
    connection: &Connection,
    job: &str,
    namespace: &str,
    last: &mut Option<Waiting>,
    tell: impl Fn(&str),
) -> Result<String, Obstacle> {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let selector = format!("batch.kubernetes.io/job-name={job}");
    let (mut looked, mut told) = (Instant::now(), BTreeSet::new());
    loop {
        let pods = list::labeled(connection, "list pods", &path, &selector, |pod: Value| pod).await;
        let pods = pods.map_err(|error| Obstacle::Other(in_words(&error)))?.items;
        let text =
            |pod: &Value, pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let why = match pods.first() {
            None => "its Job has not created a pod".to_owned(),
            Some(pod) => match text(pod, "/status/phase").as_str() {
                "Succeeded" => return Ok(text(pod, "/metadata/name")),
                "Failed" => {
                    let state = pod.pointer("/status/containerStatuses/0/state/terminated");
                    let ran = state.is_some();
                    let why = [text(pod, "/status/reason"), text(pod, "/status/message")].join(": ");
                    return if ran {
                        Ok(text(pod, "/metadata/name"))
                    } else {
                        Err(Obstacle::Other(format!("its pod failed ({why})")))
                    };
                }
                _ => hurdle(pod),
            },
        };
        match last {
            Some(waiting) if waiting.why == why => {
                if waiting.since.elapsed() >= TOLD_AFTER && told.insert(why.clone()) {
                    tell(&why);
                }
            }
            _ => *last = Some(Waiting { why, since: Instant::now() }),
        }
        let creates = |pod: &&Value| text(pod, WAITS) == "ContainerCreating";
        if let Some(pod) = pods.first().filter(creates)
            && looked.elapsed() >= LOOK_AT_EVENTS
        {
            looked = Instant::now();
            if let Some(why) = missing_file(connection, namespace, &text(pod, "/metadata/name")).await {
                return Err(Obstacle::Mount(why));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Where a container says why it is not running.
const WAITS: &str = "/status/containerStatuses/0/state/waiting/reason";

/// What keeps a pod from its end, as its container says.
fn hurdle(pod: &Value) -> String {
    let Some(waiting) = pod.pointer("/status/containerStatuses/0/state/waiting") else {
        return match pod.pointer("/status/containerStatuses/0/state/running") {
            Some(_) => "its container is running".to_owned(),
            None => "its pod has not been started by the kubelet".to_owned(),
        };
    };
    let reason = waiting["reason"].as_str().unwrap_or_default();
    let message = waiting["message"].as_str().unwrap_or_default();
    match message.is_empty() {
        true => format!("its container is waiting ({reason})"),
        false => format!("its container is waiting ({reason}): {message}"),
    }
}

/// The event that says that a file to be mounted is not on the node.
async fn missing_file(connection: &Connection, namespace: &str, pod: &str) -> Option<String> {
    let path = format!("/api/v1/namespaces/{namespace}/events");
    let events = list::labeled(connection, "list events", &path, "", |event: Value| event).await.ok()?;
    events.items.into_iter().find_map(|event| {
        let is_of_pod = event["involvedObject"]["name"] == pod;
        let message = event["message"].as_str().filter(|message| message.contains("hostPath type check failed"))?;
        is_of_pod.then(|| message.to_owned())
    })
}

/// What a node says, read in a pod on it: the lines for its log.
pub fn in_pod() -> Vec<String> {
    lines::write(&read::read(&NodeFiles))
}

/// What a node of the demo says, where there are no files: they are made of its labels.
pub(super) fn in_demo(labels: &BTreeMap<String, String>, env: &BTreeMap<String, String>) -> Vec<String> {
    let label = |name: &str| labels.get(name).map_or("", String::as_str);
    let kernel = label("feature.node.kubernetes.io/kernel-version.full");
    let mut files = BTreeMap::from([
        ("/proc/cmdline", format!("BOOT_IMAGE=/boot/vmlinuz-{kernel} root=/dev/sda1 ro quiet")),
        ("/proc/sys/kernel/osrelease", kernel.to_owned()),
        ("/proc/sys/kernel/random/boot_id", format!("{:032x}", kernel.len())),
        ("/proc/sys/vm/max_map_count", "262144".to_owned()),
        ("/proc/sys/vm/swappiness", "60".to_owned()),
        ("/sys/bus/pci/devices/0000:00:1f.0/vendor", "0x1d0f".to_owned()),
        ("/sys/bus/pci/devices/0000:00:1f.0/class", "0x020000".to_owned()),
    ]);
    let mut modules = vec!["overlay", "br_netfilter"];
    if !label("nvidia.com/gpu.product").is_empty() {
        modules.extend(["nvidia", "nvidia_uvm"]);
        let device = if label("nvidia.com/gpu.product").contains("A100") { "0x20b0" } else { "0x2330" };
        files.insert("/sys/bus/pci/devices/0000:00:1e.0/vendor", "0x10de".to_owned());
        files.insert("/sys/bus/pci/devices/0000:00:1e.0/class", "0x030200".to_owned());
        files.insert("/sys/bus/pci/devices/0000:00:1e.0/device", device.to_owned());
        let element = |name: &str, text: &str| format!("<{name}>{text}</{name}>");
        let said = [
            element("driver_version", label("nvidia.com/cuda.driver-version.full")),
            element("cuda_version", label("nvidia.com/cuda.runtime-version.full")),
            "<gpu id=\"00000000:00:1E.0\">".to_owned(),
            element("product_name", label("nvidia.com/gpu.product")),
            element("persistence_mode", "Enabled"),
        ];
        files.insert(STAND_IN_SMI, said.concat());
    }
    files.insert("/proc/modules", modules.iter().map(|name| format!("{name} 1 0 - Live 0x0\n")).collect());
    let mounted: Vec<&str> = env.get(plan::MOUNTED).map_or("", String::as_str).split(',').collect();
    if mounted.contains(&"release") {
        let (id, version) = (
            label("feature.node.kubernetes.io/system-os_release.ID"),
            label("feature.node.kubernetes.io/system-os_release.VERSION_ID"),
        );
        files.insert("/host/etc/os-release", format!("ID={id}\nVERSION_ID=\"{version}\"\n"));
    }
    if mounted.contains(&"units") {
        files.insert("/host/run/systemd/units/invocation:containerd.service", String::new());
        files.insert("/host/run/systemd/units/invocation:kubelet.service", String::new());
    }
    lines::write(&read::read(&StandIn(files)))
}

/// Where a stand-in keeps what nvidia-smi would print.
const STAND_IN_SMI: &str = "nvidia-smi";

/// Files by path; folders are theirs.
struct StandIn(BTreeMap<&'static str, String>);

impl Files for StandIn {
    fn text(&self, path: &str) -> Result<String, String> {
        self.0.get(path).cloned().ok_or_else(|| "not there".to_owned())
    }

    fn names(&self, folder: &str, _links: bool) -> Result<Vec<String>, String> {
        let below = self.0.keys().filter_map(|path| path.strip_prefix(folder));
        let name = |rest: &str| rest.split_once('/').map_or(rest.to_owned(), |(name, _)| format!("{name}/"));
        let names: BTreeSet<String> = below.map(name).collect();
        if names.is_empty() { Err("not there".to_owned()) } else { Ok(names.into_iter().collect()) }
    }

    fn nvidia_smi(&self, _arguments: &[&str]) -> Option<Result<String, String>> {
        self.0.get(STAND_IN_SMI).cloned().map(Ok)
    }
}

/// The files that this process sees.
struct NodeFiles;

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "not there".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

impl Files for NodeFiles {
    fn text(&self, path: &str) -> Result<String, String> {
        let bytes = fs::read(path).map_err(|error| why(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
        read::limited(text)
    }

    fn names(&self, folder: &str, links: bool) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| why(&error))? {
            let entry = entry.map_err(|error| why(&error))?;
            let kind = entry.file_type().map_err(|error| why(&error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if kind.is_dir() {
                names.push(format!("{name}/"));
            } else if links || !kind.is_symlink() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn nvidia_smi(&self, arguments: &[&str]) -> Option<Result<String, String>> {
        let program =
            ["/usr/bin/nvidia-smi", "/usr/local/bin/nvidia-smi"].into_iter().find(|path| Path::new(path).exists())?;
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
        Some(match output {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => Err(format!("nvidia-smi ended with {}", output.status)),
            Err(error) => Err(format!("nvidia-smi: {error}")),
        })
    }
}

/// Where nothing may be created: said before anything is.
pub fn nothing_to_ask(snapshot: &Inventory) -> Option<Failure> {
    let is_empty = chosen(snapshot, false).is_empty();
    is_empty.then(|| {
        Failure::new(Kind::NotFound, "ask nodes", "the snapshot has no node to ask").hint("may nodes be listed?")
    })
}
