//! What must hold on every node before the benchmark of NCCL starts there, looked at by a short pod on each node.
//!
//! Without it the benchmark would run for its whole time and then report a number that says nothing of the network. The
//! pods read one file of their node and need no GPU. None of this was run on a node with a GPU: the verdicts over the files
//! are tested, and pods that find no such file were run on Kubernetes.

use super::{
    Answer, Block, Change, Ending, Facts, Outcome, Read, Step,
    facts::name,
    probe::{self, HostFile, Probe, Progress},
};
use crate::{text::plural, validate::input::Input};
use serde_json::{Value, json};

/// Seconds for the pods of all nodes to end.
const LIMIT: u64 = 180;
/// How many pods run at the same time.
const AT_ONCE: usize = 16;
/// The first driver branch that orders PCI devices right by itself.
const WITHOUT_OVERRIDE: u64 = 595;
/// Where GPU Feature Discovery tells the driver's branch; the second is its older name.
const BRANCH: [&str; 2] = ["nvidia.com/cuda.driver-version.major", "nvidia.com/cuda.driver.major"];

/// The start of the pods' names.
pub const STEM: &str = "nccl-node";

/// Those of the nodes on which the file matters; `Err` where that depends on a driver that a node does not tell.
fn asked<'n>(file: HostFile, nodes: &[&'n Value]) -> Result<Vec<&'n Value>, Step> {
    if file == HostFile::TcpxoProfile {
        return Ok(nodes.to_vec());
    }
    let branch = |node: &Value| -> Option<u64> {
        BRANCH.iter().find_map(|label| node["metadata"]["labels"][*label].as_str()?.parse().ok())
    };
    let silent: Vec<&str> = nodes.iter().filter(|node| branch(node).is_none()).map(|node| name(node)).collect();
    if !silent.is_empty() {
        return Err(Ending::fail(
            format!(
                "{} {} no driver branch in `{}`, and whether the driver needs NVreg_GrdmaPciTopoCheckOverride=1 depends on it: {}",
                silent.len(),
                if silent.len() == 1 { "node has" } else { "nodes have" },
                BRANCH[0],
                silent.join(", ")
            ),
            Vec::new(),
        ));
    }
    Ok(nodes.iter().filter(|node| branch(node) < Some(WITHOUT_OVERRIDE)).copied().collect())
}

fn pod(input: &Input, check: &str, file: HostFile, node: &str, index: usize) -> Change {
    let mut container = probe::container(input, "look", Probe::Host(file));
    container["volumeMounts"] = json!([{"name": "host", "mountPath": file.folder_in_pod(), "readOnly": true}]);
    let mut pod = probe::pod(input, check, &probe::object_name(input, &format!("{STEM}-{index}")), vec![container]);
    // Where the folder is missing the pod does not start; without a type, the folder would be made on the node.
    pod["spec"]["volumes"] =
        json!([{"name": "host", "hostPath": {"path": file.folder_on_node(), "type": "Directory"}}]);
    pod["spec"]["affinity"] = probe::on_nodes(&[node]);
    Change::create("pods", pod)
}

/// Looks at all nodes; `Err` is what has to be done first, or the end of the check.
pub fn look(
    input: &Input,
    check: &str,
    file: HostFile,
    nodes: &[&Value],
    facts: &Facts,
    elapsed: u64,
) -> Result<(), Step> {
    let nodes = asked(file, nodes)?;
    let all: Vec<(&str, Change)> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| (name(node), pod(input, check, file, name(node), index)))
        .collect();
    let log = |pod: &Change| Read::Log {
        namespace: input.place.namespace.clone(),
        pod: pod.path().rsplit('/').next().unwrap_or_default().to_owned(),
        container: "look".to_owned(),
    };
    let (mut missing, mut unknown) = (Vec::new(), Vec::new());
    for some in all.chunks(AT_ONCE) {
        let changes: Vec<Change> = some.iter().map(|(_, change)| change.clone()).collect();
        let unmade = facts.unmade(&changes);
        if !unmade.is_empty() {
            // One node that is not well is enough; and what is created when the time is up is not waited for.
            if elapsed == u64::MAX || !missing.is_empty() || !unknown.is_empty() {
                let left = all.len() - all.iter().filter(|(_, pod)| facts.change(pod).is_some()).count();
                unknown.push(format!("{left} {} not looked at", plural(left, "node")));
                break;
            }
            return Err(Step::Change(unmade));
        }
        let created = |change: &Change| matches!(facts.change(change), Some(Answer::Found(_)));
        let reads: Vec<Read> =
            changes.iter().filter(|change| created(change)).map(|change| Read::Get(change.path())).collect();
        let unread = facts.missing(&reads);
        if !unread.is_empty() {
            return Err(Step::Read(unread));
        }
        let began = changes.iter().filter_map(|change| facts.changed_at(change)).max().unwrap_or(0);
        let waiting: Vec<Read> = reads
            .into_iter()
            .filter(|read| matches!(facts.object(read).map(probe::progress), Some(Progress::Waiting(_))))
            .collect();
        if !waiting.is_empty() && elapsed.saturating_sub(began) < LIMIT {
            let waiting_for = format!("{} on {} {}", file.about(), waiting.len(), plural(waiting.len(), "node"));
            return Err(Step::Again { after: 2, reads: waiting, waiting_for });
        }
        // A pod that succeeded has said all.
        let failed = |change: &&Change| {
            matches!(facts.object(&Read::Get(change.path())).map(probe::progress), Some(Progress::Failed(_)))
        };
        let logs: Vec<Read> = changes.iter().filter(failed).map(log).collect();
        let unread = facts.missing(&logs);
        if !unread.is_empty() {
            return Err(Step::Read(unread));
        }
        for (node, change) in some {
            let read = Read::Get(change.path());
            match facts.object(&read).map(probe::progress) {
                Some(Progress::Succeeded) => {}
                Some(Progress::Failed(ended)) => {
                    let said = match facts.get(&log(change)) {
                        Some(Answer::Log(log)) => log.lines().last().unwrap_or_default().to_owned(),
                        _ => String::new(),
                    };
                    // Another container, an exit code of something else, or words that are not ours say nothing of the node.
                    let is_ours = |one: &probe::Ended| one.container == "look" && one.code == probe::NOT_AS_EXPECTED;
                    let looked = ended.iter().all(is_ours) && said.starts_with(file.folder_on_node());
                    let list = if looked { &mut missing } else { &mut unknown };
                    list.push(format!("node {node}: {}", if said.is_empty() { probe::ended(&ended) } else { said }));
                }
                Some(other) => {
                    let waited = probe::waited(LIMIT, elapsed);
                    let why = other.no_verdict("the pod that looks at it", &waited).unwrap_or_default();
                    unknown.push(format!("node {node}: {why}"));
                }
                None => {
                    let trouble = facts.change(change).and_then(Answer::trouble).map(str::to_owned);
                    let why = trouble.unwrap_or_else(|| facts.unread_or(&read, "its pod is gone"));
                    unknown.push(format!("node {node}: {why}"));
                }
            }
        }
    }
    let lines = [missing.clone(), unknown.clone()].concat();
    let evidence = vec![Block::new("Nodes before the benchmark", lines)];
    match (missing.is_empty(), unknown.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(Ending::with(Outcome::Fail(missing), evidence)),
        (true, false) => Err(Ending::with(Outcome::NoVerdict(unknown), evidence)),
    }
}
