//! Which node a pod goes to, and why none will do, in the words of the default scheduler.

use super::{
    kinds::own,
    selectors,
    store::{Key, Store},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a pod can go.
#[derive(Clone, Debug, PartialEq)]
pub enum Fit {
    Node(String),
    /// The message of the condition.
    Nowhere(String),
}

/// The scheduler of pods in groups.
pub const KAI: &str = "kai-scheduler";

/// The same as [`fit`] for a pod of its group: one that KAI scheduler is to start fits when as many pods of its group as the
/// group needs are there and each of them fits.
pub fn fit_in_group(store: &Store, pod: &Value, pretend_full: bool) -> Fit {
    let own_fit = fit(store, pod, pretend_full);
    if pod["spec"]["schedulerName"] != KAI {
        return own_fit;
    }
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let group = |pod: &Value| pod["metadata"]["annotations"]["pod-group-name"].as_str().map(str::to_owned);
    // KAI's pod-grouper gives a pod that something owns to a group of its topmost owner, which needs one pod.
    let is_owned = pod["metadata"]["ownerReferences"].as_array().is_some_and(|owners| !owners.is_empty());
    let Some(name) = group(pod).filter(|_| !is_owned) else { return own_fit };
    let needed = store
        .get(&Key::new(own("podgroups"), namespace, &name))
        .and_then(|group| group.value()["spec"]["minMember"].as_u64())
        .unwrap_or(1);
    let members = store.range(own("pods"), namespace, None).map(|(_, pod)| pod.value());
    let members: Vec<Value> = members.filter(|member| group(member).as_ref() == Some(&name)).collect();
    let has_place = |member: &&Value| {
        member["spec"]["nodeName"].is_string() || matches!(fit(store, member, pretend_full), Fit::Node(_))
    };
    let placed = members.iter().filter(has_place).count() as u64;
    if placed >= needed {
        return own_fit;
    }
    Fit::Nowhere(format!("pod group {name} needs {needed} pods, and {placed} of them fit"))
}

/// The claims of a pod with a free device for each on a node; `None` where there is none, or no such claim.
///
/// A class is taken to mean the driver of its name; expressions are not evaluated.
pub fn devices(store: &Store, pod: &Value, node: &str) -> Option<Vec<(Key, Value)>> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let taken: Vec<Value> = store
        .range(own("resourceclaims"), "", None)
        .flat_map(|(_, claim)| {
            claim.value()["status"]["allocation"]["devices"]["results"].as_array().cloned().unwrap_or_default()
        })
        .collect();
    let mut free: Vec<Value> = Vec::new();
    for (_, slice) in store.range(own("resourceslices"), "", None) {
        let slice = slice.value();
        let spec = &slice["spec"];
        for device in spec["devices"].as_array().into_iter().flatten().filter(|_| spec["nodeName"] == node) {
            let device =
                serde_json::json!({"driver": spec["driver"], "pool": spec["pool"]["name"], "device": device["name"]});
            let is_taken =
                |other: &Value| ["driver", "pool", "device"].iter().all(|field| other[field] == device[field]);
            if !taken.iter().any(is_taken) {
                free.push(device);
            }
        }
    }
    let mut found = Vec::new();
    for reference in pod["spec"]["resourceClaims"].as_array().into_iter().flatten() {
        let key = Key::new(own("resourceclaims"), namespace, reference["resourceClaimName"].as_str()?);
        let claim = store.get(&key)?.value();
        let request = &claim["spec"]["devices"]["requests"][0];
        let class = &request["exactly"]["deviceClassName"];
        let at = free.iter().position(|device| device["driver"] == *class)?;
        let mut device = free.swap_remove(at);
        device["request"] = request["name"].clone();
        found.push((key, device));
    }
    Some(found)
}

/// Finds a node for a pod. `pretend_full` lets no node have room.
///
/// Filters are affinity, taints, cordons and resources; of the nodes that are left, those that the pod prefers come
/// first, then those whose pods ask for the least CPU, then by name.
pub fn fit(store: &Store, pod: &Value, pretend_full: bool) -> Fit {
    let used = Used::of(store);
    let mut best: Option<(i64, u64, String)> = None;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut count, mut is_helpless) = (0, 0);
    for (key, stored) in store.range(own("nodes"), "", None) {
        let node = stored.value();
        count += 1;
        let reason = refuses(pod, &node, used.on(&key.name), pretend_full);
        let reason = reason.or_else(|| {
            let claims = devices(store, pod, &key.name).is_none();
            claims.then(|| "cannot allocate all claims".to_owned())
        });
        match reason {
            None => {
                let rank = (-preference(pod, &node), used.on(&key.name).amount("cpu"), key.name.clone());
                if best.as_ref().is_none_or(|known| rank < *known) {
                    best = Some(rank);
                }
            }
            Some(reason) => {
                // Nobody who is thrown out changes a label or a taint.
                is_helpless += usize::from(!reason.starts_with("Insufficient"));
                *reasons.entry(reason).or_default() += 1;
            }
        }
    }
    match best {
        Some((.., name)) => Fit::Node(name),
        None => Fit::Nowhere(message(count, &reasons, is_helpless)),
    }
}

fn message(count: usize, reasons: &BTreeMap<String, usize>, is_helpless: usize) -> String {
    let parts: Vec<String> = reasons.iter().map(|(reason, nodes)| format!("{nodes} {reason}")).collect();
    let mut preemption = Vec::new();
    if count > is_helpless {
        preemption.push(format!("{} No preemption victims found for incoming pod", count - is_helpless));
    }
    if is_helpless > 0 {
        preemption.push(format!("{is_helpless} Preemption is not helpful for scheduling"));
    }
    format!(
        "0/{count} nodes are available: {}. no new claims to deallocate, preemption: 0/{count} nodes are available: {}.",
        parts.join(", "),
        preemption.join(", ")
    )
}

/// Why a node cannot take a pod.
fn refuses(pod: &Value, node: &Value, used: &Share, pretend_full: bool) -> Option<String> {
    let spec = &pod["spec"];
    if !selects(spec, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
    }
    if node["spec"]["unschedulable"] == true {
        return Some("node(s) were unschedulable".to_owned());
    }
    for taint in node["spec"]["taints"].as_array().into_iter().flatten() {
        let is_hard = taint["effect"] != "PreferNoSchedule";
        if is_hard && !tolerates(spec, taint) {
            let text = |field: &str| taint[field].as_str().unwrap_or_default().to_owned();
            return Some(format!("node(s) had untolerated taint {{{}: {}}}", text("key"), text("value")));
        }
    }
    let wanted = Share::of(spec);
    let free = &node["status"]["allocatable"];
    let lacks = |name: &str| {
        let allowed = free[name].as_str().map_or(0, quantity);
        used.amount(name) + wanted.amount(name) > allowed && wanted.amount(name) > 0
    };
    if pretend_full {
        return Some("Insufficient cpu".to_owned());
    }
    let short = wanted.amounts.keys().find(|name| lacks(name));
    short.map(|name| format!("Insufficient {name}"))
}

fn selects(spec: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let mut selector = spec["nodeSelector"].as_object().into_iter().flatten();
    let required =
        &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    selector.all(|(key, value)| labels[key] == *value)
        && required.as_array().is_none_or(|terms| terms.iter().any(|term| selectors::node_term_matches(term, node)))
}

fn preference(pod: &Value, node: &Value) -> i64 {
    let preferred = &pod["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
    let terms = preferred.as_array().into_iter().flatten();
    let matching = terms.filter(|term| selectors::node_term_matches(&term["preference"], node));
    matching.map(|term| term["weight"].as_i64().unwrap_or(0)).sum()
}

fn tolerates(spec: &Value, taint: &Value) -> bool {
    let is_any = |value: Option<&Value>| value.is_none_or(|value| value.as_str().is_none_or(str::is_empty));
    spec["tolerations"].as_array().into_iter().flatten().any(|toleration| {
        let is_key = is_any(toleration.get("key")) || toleration["key"] == taint["key"];
        let is_effect = is_any(toleration.get("effect")) || toleration["effect"] == taint["effect"];
        let same = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_value = toleration["operator"] == "Exists" || same(toleration.get("value")) == same(taint.get("value"));
        is_key && is_effect && is_value
    })
}

/// Resources, in thousandths.
#[derive(Clone, Debug, Default)]
struct Share {
    amounts: BTreeMap<String, u64>,
}

impl Share {
    /// What a pod asks for.
    fn of(spec: &Value) -> Share {
        let mut share = Share::default();
        for container in spec["containers"].as_array().into_iter().flatten() {
            for (name, amount) in container["resources"]["requests"].as_object().into_iter().flatten() {
                let amount = amount.as_str().map_or_else(|| amount.as_u64().unwrap_or(0) * 1_000, quantity);
                *share.amounts.entry(name.clone()).or_default() += amount;
            }
        }
        share
    }

    fn amount(&self, name: &str) -> u64 {
        self.amounts.get(name).copied().unwrap_or(0)
    }
}

/// What pods hold, by node.
struct Used(BTreeMap<String, Share>);

impl Used {
    fn of(store: &Store) -> Used {
        let mut used: BTreeMap<String, Share> = BTreeMap::new();
        for (_, stored) in store.range(own("pods"), "", None) {
            let pod = stored.value();
            let is_over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
            let Some(node) = pod["spec"]["nodeName"].as_str().filter(|_| !is_over) else { continue };
            let share = used.entry(node.to_owned()).or_default();
            for (name, amount) in Share::of(&pod["spec"]).amounts {
                *share.amounts.entry(name).or_default() += amount;
            }
        }
        Used(used)
    }

    fn on(&self, node: &str) -> &Share {
        static NOTHING: Share = Share { amounts: BTreeMap::new() };
        self.0.get(node).unwrap_or(&NOTHING)
    }
}

/// A quantity in thousandths: `500m` is 500, `1` is 1000. What is none is 0.
fn quantity(text: &str) -> u64 {
    const UNITS: [(&str, u64); 9] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("", 1),
    ];
    if let Some(thousandths) = text.strip_suffix('m') {
        return thousandths.parse().unwrap_or(0);
    }
    let unit = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
    unit.and_then(|(number, factor)| Some((number.parse::<f64>().ok()? * 1_000.0) as u64 * factor)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    const GPU_NODE: &str = "instance-20260602-102458";

    use super::*;
    use crate::demo::world;
    use serde_json::json;

    #[track_caller]
    fn check(spec: Value, expected: &str) {
        let store = world::tests::store();
        let fit = match fit(&store, &json!({"spec": spec}), false) {
            Fit::Node(name) => name,
            Fit::Nowhere(message) => message,
        };
        assert_eq!(fit, expected);
    }

    #[test]
    fn a_pod_goes_where_it_wants_and_fits() {
        check(json!({"nodeSelector": {"nvidia.com/gpu.present": "true"}}), GPU_NODE);
        check(json!({"containers": [{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]}), GPU_NODE);
        let avoid = json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference":
            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-2"]}]}}]}});
        check(json!({"affinity": avoid}), "worker-2");
    }

    #[test]
    fn a_pod_that_fits_nowhere_learns_why() {
        check(
            json!({"nodeSelector": {"a": "b"}}),
            "0/5 nodes are available: 5 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, \
             preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
        );
        check(
            json!({"containers": [{"resources": {"requests": {"nvidia.com/gpu": "2"}}}]}),
            "0/5 nodes are available: 5 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/5 nodes \
             are available: 5 No preemption victims found for incoming pod.",
        );
    }

    #[test]
    fn quantities_are_read_in_thousandths() {
        let cases = [("1", 1_000), ("250m", 250), ("1Gi", 1_000 << 30), ("1.5", 1_500), ("2k", 2_000_000), ("x", 0)];
        for (text, expected) in cases {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }

    #[test]
    fn taints_are_tolerated_by_key_effect_and_value() {
        let taint = json!({"key": "gpu", "value": "yes", "effect": "NoSchedule"});
        let with = |toleration: Value| tolerates(&json!({"tolerations": [toleration]}), &taint);
        assert!(with(json!({"operator": "Exists"})));
        assert!(with(json!({"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"})));
        assert!(!with(json!({"key": "gpu", "value": "no"})));
        assert!(!with(json!({"key": "gpu", "operator": "Exists", "effect": "NoExecute"})));
    }
}
