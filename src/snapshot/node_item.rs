//! One node as an item of the subtype `NodeTopology.nodes`, and back.
//!
//! The item holds what objects reported, from which the facts follow as they did when it was written, and beside it the
//! facts themselves for people and for what cannot be derived again (devices of a driver, node features).

use crate::inventory::{
    Fact, Item, Labels, Node, Object, Scalar, Source, Text, Texts, Unknown,
    accelerator::{Pool, Sharing},
    node::{self, Condition, Evidence, Features, NodeInfo, NodeReport, Taint},
};
use std::{borrow::Cow, collections::BTreeMap};

/// `Ready=True:KubeletReady`.
fn condition_text(condition: &Condition) -> String {
    format!("{}={}:{}", condition.kind, condition.status, condition.reason)
}

fn condition(text: &str, texts: &mut Texts) -> Option<Condition> {
    let (kind, rest) = text.split_once('=')?;
    let (status, reason) = rest.split_once(':').unwrap_or((rest, ""));
    Some(Condition { kind: texts.get(kind), status: texts.get(status), reason: texts.get(reason) })
}

/// Reads `key=value:Effect` or `key:Effect`.
pub(super) fn taint(text: &str, texts: &mut Texts) -> Option<Taint> {
    let (rest, effect) = text.rsplit_once(':')?;
    let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
    Some(Taint { key: texts.get(key), value: texts.get(value), effect: texts.get(effect) })
}

/// The item of a node. Labels are in a subtype of their own.
pub(super) fn write(node: &Node) -> Item {
    let mut item = Item::default();
    let Item { context, data } = &mut item;
    let mut text = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            context.insert(key.to_owned(), value);
        }
    };
    let mut fact = |key: &str, fact: &Fact<Text>| text(key, fact.text().map(str::to_owned));
    let gpus = &node.accelerators;
    for (key, value) in [
        ("providerID", &node.provider_id),
        ("osImage", &node.os.image),
        ("operatingSystem", &node.os.family),
        ("osID", &node.os.id),
        ("osVersion", &node.os.version),
        ("kernel", &node.kernel),
        ("kubelet", &node.kubelet),
        ("runtime", &node.runtime),
        ("architecture", &node.architecture),
        ("bootID", &node.boot_id),
        ("machineID", &node.machine_id),
        ("systemUUID", &node.system_uuid),
        ("service", &node.service),
        ("gpuVendor", &gpus.vendor),
        ("gpuProduct", &gpus.product),
        ("gpuModel", &gpus.model),
        ("gpuDriver", &gpus.driver),
        ("gpuCUDA", &gpus.cuda),
        ("gpuArchitecture", &gpus.architecture),
        ("gpuFabric", &gpus.fabric),
    ] {
        fact(key, value);
    }
    text("name", Some(node.name.to_string()));
    text("virtual", node.virtual_mark.as_deref().map(str::to_owned));
    let joined = |list: Vec<String>| Some(list.join(","));
    text("roles", joined(node.roles.iter().map(|role| role.to_string()).collect()));
    text("taints", joined(node.taints.iter().map(ToString::to_string).collect()));
    text("conditions", joined(node.conditions.iter().map(condition_text).collect()));
    // What cannot be derived from the rest again says where it came from.
    for (key, source) in [
        ("gpuCount.from", gpus.count.source()),
        ("gpuProduct.from", gpus.product.source()),
        ("gpuModel.from", gpus.model.source()),
        ("gpuDriver.from", gpus.driver.source()),
        ("gpuCUDA.from", gpus.cuda.source()),
        ("gpuMemory.from", gpus.memory_mib.source()),
        ("service.from", node.service.source()),
        ("osID.from", node.os.id.source()),
    ] {
        text(key, source.filter(|source| !is_derivable(source)).map(ToString::to_string));
    }
    // Why something is not known cannot be told from what is not there.
    for (key, unknown) in [
        ("service.unknown", node.service.unknown()),
        ("gpuModel.unknown", gpus.model.unknown()),
        ("gpuCount.unknown", gpus.count.unknown()),
    ] {
        if let Some(Unknown::Unclear(why)) = unknown {
            text(key, Some(why.clone().into_owned()));
        }
    }
    let mut put = |key: String, value: Option<Scalar>| {
        if let Some(value) = value {
            data.insert(key, value);
        }
    };
    put("ready".into(), node.ready.get().map(Scalar::Bool));
    put("schedulable".into(), node.schedulable.get().map(Scalar::Bool));
    put("huge-pages-2mi".into(), node.huge_pages.get().map(Scalar::count));
    put("gpu-present".into(), gpus.present.get().map(Scalar::Bool));
    put("gpu-count".into(), gpus.count.get().map(Scalar::count));
    put("gpu-memory-mib".into(), gpus.memory_mib.get().map(Scalar::count));
    put("driver-loaded".into(), gpus.driver_loaded.get().map(Scalar::Bool));
    // Labels say how devices are shared, unless a scheduler of its own shares them.
    if gpus.count.source().is_some_and(|source| source.object == Object::Annotation) {
        put("gpu-replicas".into(), gpus.sharing.as_ref().and_then(|sharing| sharing.replicas).map(Scalar::count));
    }
    for resource in &gpus.resources {
        put(format!("capacity.{}", resource.name), Some(Scalar::count(resource.capacity)));
        put(format!("allocatable.{}", resource.name), resource.allocatable.map(Scalar::count));
        put(format!("held.{}", resource.name), resource.held.get().map(Scalar::count));
    }
    for pool in &gpus.pools {
        put(format!("devices.{}", pool.driver), Some(Scalar::count(pool.devices)));
        put(format!("held-devices.{}", pool.driver), pool.held.get().map(Scalar::count));
    }
    item
}

/// Whether a reading can be had again from the labels and the reported fields of the item.
fn is_derivable(source: &Source) -> bool {
    matches!(source.object, Object::Label | Object::Node)
}

/// What an item does not hold itself.
pub(super) struct NodeContext<'b> {
    pub labels: Labels,
    /// Why numbers of held devices are missing, where they are.
    pub unheld: &'b Unknown,
}

/// The node of an item; `None` without a name.
pub(super) fn read(item: &Item, context: NodeContext<'_>, texts: &mut Texts) -> Option<Node> {
    let name = item.context.get("name")?;
    let text = |key: &str, texts: &mut Texts| item.context.get(key).map(|text| texts.get(text));
    let list = |key: &str| item.context.get(key).into_iter().flat_map(|text| text.split(','));
    let flag = |key: &str| match item.data.get(key) {
        Some(Scalar::Bool(value)) => Some(*value),
        _ => None,
    };
    let count = |key: &str| item.data.get(key).and_then(Scalar::as_count);
    let resources = |prefix: &str, texts: &mut Texts| -> Vec<(Text, u64)> {
        let found = item.data.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?, value.as_count()?)));
        found.map(|(name, count)| (texts.get(name), count)).collect()
    };
    let held: BTreeMap<Text, u64> = resources("held.", texts).into_iter().collect();
    let mut conditions: Vec<Condition> = list("conditions").filter_map(|text| condition(text, texts)).collect();
    if let (true, Some(ready)) = (conditions.is_empty(), flag("ready")) {
        let status = texts.get(if ready { "True" } else { "False" });
        conditions.push(Condition { kind: texts.get("Ready"), status, reason: texts.get("") });
    }
    let report = NodeReport {
        name: Text::from(name.as_str()),
        labels: context.labels,
        marks: Vec::new(),
        registered: None,
        taints: list("taints").filter_map(|text| taint(text, texts)).collect(),
        conditions,
        unschedulable: flag("schedulable").map(|schedulable| !schedulable),
        provider_id: text("providerID", texts),
        capacity: resources("capacity.", texts),
        allocatable: resources("allocatable.", texts),
        huge_pages: count("huge-pages-2mi"),
        info: NodeInfo {
            os_image: text("osImage", texts),
            operating_system: text("operatingSystem", texts),
            kernel: text("kernel", texts),
            kubelet: text("kubelet", texts),
            runtime: text("runtime", texts),
            architecture: text("architecture", texts),
            boot_id: text("bootID", texts),
            machine_id: text("machineID", texts),
            system_uuid: text("systemUUID", texts),
        },
    };
    let held = if held.is_empty() { Err(context.unheld.clone()) } else { Ok(&held) };
    let found_none = Features { gpus: Some(Vec::new()), ..Features::default() };
    // That a machine has no device is a finding too, and nothing else in the item says it.
    let looked = flag("gpu-present") == Some(false);
    let evidence = Evidence { features: looked.then_some(&found_none), held, ..Evidence::default() };
    let mut node = node::of(&report, &evidence);
    let from = |key: &str| source(item.context.get(key).map(String::as_str));
    let mut fill = |fact: &mut Fact<Text>, key: &str| {
        if let Some(value) = item.context.get(key)
            && (fact.text() != Some(value) || item.context.contains_key(&format!("{key}.from")))
        {
            *fact = Fact::known(texts.get(value), from(&format!("{key}.from")));
        }
    };
    fill(&mut node.service, "service");
    fill(&mut node.os.id, "osID");
    fill(&mut node.os.version, "osVersion");
    let gpus = &mut node.accelerators;
    fill(&mut gpus.vendor, "gpuVendor");
    fill(&mut gpus.product, "gpuProduct");
    fill(&mut gpus.model, "gpuModel");
    fill(&mut gpus.driver, "gpuDriver");
    fill(&mut gpus.cuda, "gpuCUDA");
    fill(&mut gpus.architecture, "gpuArchitecture");
    fill(&mut gpus.fabric, "gpuFabric");
    let number = |fact: &mut Fact<u64>, value: Option<u64>, key: &str| {
        if value.is_some() && (fact.get() != value || item.context.contains_key(key)) {
            *fact = Fact::or(value, from(key), Unknown::NotAsked);
        }
    };
    number(&mut gpus.count, count("gpu-count"), "gpuCount.from");
    number(&mut gpus.memory_mib, count("gpu-memory-mib"), "gpuMemory.from");
    if let Some(replicas) = count("gpu-replicas") {
        gpus.sharing = Some(Sharing { strategy: Text::default(), replicas: Some(replicas) });
    }
    let unclear = |key: &str| Some(Unknown::Unclear(Cow::Owned(item.context.get(key)?.clone())));
    for (fact, key) in [(&mut node.service, "service.unknown"), (&mut gpus.model, "gpuModel.unknown")] {
        if let Some(unknown) = unclear(key) {
            *fact = Fact::Unknown(unknown);
        }
    }
    if let Some(unknown) = unclear("gpuCount.unknown") {
        gpus.count = Fact::Unknown(unknown);
    }
    if let Fact::Known(count) = &gpus.count {
        gpus.present = Fact::known(count.value > 0, count.source.clone());
    }
    for (fact, key) in [(&mut gpus.present, "gpu-present"), (&mut gpus.driver_loaded, "driver-loaded")] {
        if let Some(value) = flag(key).filter(|value| fact.get() != Some(*value)) {
            *fact = Fact::known(value, from(""));
        }
    }
    let pools = item.data.iter().filter_map(|(key, value)| Some((key.strip_prefix("devices.")?, value.as_count()?)));
    gpus.pools = pools
        .map(|(driver, devices)| Pool {
            driver: driver.into(),
            devices,
            held: Fact::or(
                count(&format!("held-devices.{driver}")),
                Source::of(Object::ResourceClaim, "status.allocation.devices.results"),
                context.unheld.clone(),
            ),
        })
        .collect();
    Some(node)
}

/// The source that a file names, else the file itself.
fn source(text: Option<&str>) -> Source {
    const OBJECTS: [Object; 8] = [
        Object::Label,
        Object::Annotation,
        Object::Node,
        Object::NodeFeature,
        Object::ResourceSlice,
        Object::Pods,
        Object::ResourceClaim,
        Object::Server,
    ];
    let named = text.and_then(|text| {
        let (name, field) = text.split_once(' ')?;
        let object = OBJECTS.into_iter().find(|object| object.name() == name)?;
        Some(Source { object, field: Cow::Owned(field.to_owned()) })
    });
    named.unwrap_or(Source::of(Object::Snapshot, "NodeTopology.nodes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::Device;

    #[test]
    fn a_node_survives_its_item() {
        let gpu = Device {
            node: "n".into(),
            driver: "gpu.nvidia.com".into(),
            pool: "n".into(),
            name: "gpu-0".into(),
            attributes: BTreeMap::from([("productName".to_owned(), "NVIDIA GB200".to_owned())]),
            memory_mib: Some(189_471),
            shares_counters: false,
        };
        let text = |text: &str| Some(Text::from(text));
        let labels: Labels =
            [("node-role.kubernetes.io/worker", ""), ("kubernetes.io/arch", "arm64")].into_iter().collect();
        let report = NodeReport {
            name: "n".into(),
            labels: labels.clone(),
            taints: vec![Taint { key: "a".into(), value: "b".into(), effect: "NoSchedule".into() }],
            conditions: vec![Condition {
                kind: "Ready".into(),
                status: "False".into(),
                reason: "KubeletNotReady".into(),
            }],
            unschedulable: Some(true),
            provider_id: text("aws:///z/i"),
            capacity: vec![("nvidia.com/mig-1g.10gb".into(), 7)],
            allocatable: vec![("nvidia.com/mig-1g.10gb".into(), 6)],
            huge_pages: Some(4),
            info: NodeInfo {
                os_image: text("Ubuntu 24.04.3 LTS"),
                operating_system: text("linux"),
                kernel: text("6.8.0"),
                kubelet: text("v1.34.1"),
                runtime: text("containerd://2.1.5"),
                architecture: text("arm64"),
                boot_id: text("b"),
                machine_id: text("m"),
                system_uuid: text("s"),
            },
            ..NodeReport::default()
        };
        let held = BTreeMap::from([(Text::from("nvidia.com/mig-1g.10gb"), 2)]);
        let evidence = Evidence { devices: vec![&gpu], held: Ok(&held), ..Evidence::default() };
        let node = node::of(&report, &evidence);
        let unheld = Unknown::NotAsked;
        let again =
            read(&write(&node), NodeContext { labels, unheld: &unheld }, &mut Texts::default()).expect("it has a name");
        assert_eq!(again, node);
    }

    #[test]
    fn the_source_of_a_fact_survives_although_labels_say_the_same() {
        let labels: Labels =
            [("nvidia.com/gpu.product", "NVIDIA-H200"), ("nvidia.com/gpu.count", "1")].into_iter().collect();
        let report = NodeReport { name: "n".into(), labels: labels.clone(), ..NodeReport::default() };
        let features = Features { gpus: Some(vec!["2335".into()]), ..Features::default() };
        let node = node::of(&report, &Evidence { features: Some(&features), ..Evidence::default() });
        let context = NodeContext { labels, unheld: &Unknown::NotAsked };
        let again = read(&write(&node), context, &mut Texts::default()).expect("it has a name").accelerators;
        let sources = |gpus: &crate::inventory::accelerator::Accelerators| {
            [gpus.model.source(), gpus.count.source()].map(|source| source.map(ToString::to_string))
        };
        assert_eq!(sources(&again), sources(&node.accelerators));
        assert_eq!(sources(&again)[0].as_deref(), Some("nodefeature pci.device"));
    }

    #[test]
    fn why_a_service_is_not_known_survives() {
        let report = NodeReport {
            name: "n".into(),
            provider_id: Some("aws:///z/i".into()),
            marks: vec!["kubeadm.alpha.kubernetes.io/cri-socket".into()],
            ..NodeReport::default()
        };
        let node = node::of(&report, &Evidence::default());
        let context = NodeContext { labels: Labels::default(), unheld: &Unknown::NotAsked };
        let again = read(&write(&node), context, &mut Texts::default()).expect("it has a name");
        assert!(
            matches!(&again.service, Fact::Unknown(Unknown::Unclear(why)) if why.contains("kubeadm")),
            "{:?}",
            again.service
        );
        assert_eq!(again.service, node.service);
    }

    #[test]
    fn that_a_machine_has_no_device_survives_and_unknown_stays_unknown() {
        let read_again = |features: Option<&Features>| {
            let report = NodeReport { name: "n".into(), ..NodeReport::default() };
            let node = node::of(&report, &Evidence { features, ..Evidence::default() });
            let context = NodeContext { labels: Labels::default(), unheld: &Unknown::NotAsked };
            read(&write(&node), context, &mut Texts::default()).expect("it has a name").accelerators
        };
        let none = Features { gpus: Some(Vec::new()), ..Features::default() };
        assert_eq!(
            (read_again(Some(&none)).count.get(), read_again(Some(&none)).present.get()),
            (Some(0), Some(false))
        );
        assert_eq!((read_again(None).count.get(), read_again(None).present.get()), (None, None));
    }
}
