//! One node: what its objects report, and what follows from that.
//!
//! In: a [`NodeReport`] (what is kept of the Node object) and the [`Evidence`] of other sources. Out: a [`Node`] of facts.
//! A function of values, so that a snapshot file that holds the reports leads to the same facts.

use super::{
    accelerator::{self, Accelerators, Registered},
    fact::{Fact, Source, Unknown},
    machine,
    os::{self, OperatingSystem},
    service,
    text::{Labels, Text},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// What a Node object says, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeReport {
    pub name: Text,
    pub labels: Labels,
    /// Keys of annotations that tell who installed the node.
    pub marks: Vec<Text>,
    pub taints: Vec<Taint>,
    pub conditions: Vec<Condition>,
    /// `None` where nothing says it: a file that does not tell.
    pub unschedulable: Option<bool>,
    pub provider_id: Option<Text>,
    /// What a scheduler that shares devices has written of them.
    pub registered: Option<Registered>,
    /// Accelerator resources only, sorted by name.
    pub capacity: Vec<(Text, u64)>,
    pub allocatable: Vec<(Text, u64)>,
    /// Huge pages of 2 MiB that are reserved.
    pub huge_pages: Option<u64>,
    pub info: NodeInfo,
}

/// `status.nodeInfo`; what the node does not say is absent, not empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInfo {
    pub os_image: Option<Text>,
    pub operating_system: Option<Text>,
    pub kernel: Option<Text>,
    pub kubelet: Option<Text>,
    pub runtime: Option<Text>,
    pub architecture: Option<Text>,
    pub boot_id: Option<Text>,
    pub machine_id: Option<Text>,
    pub system_uuid: Option<Text>,
}

/// A taint of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    pub key: Text,
    pub value: Text,
    pub effect: Text,
}

impl fmt::Display for Taint {
    /// `key=value:Effect`, or `key:Effect` without a value, as kubectl writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taint { key, value, effect } = self;
        if value.is_empty() { write!(f, "{key}:{effect}") } else { write!(f, "{key}={value}:{effect}") }
    }
}

/// A condition of a node: `Ready` is `True`, `False` or `Unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    pub kind: Text,
    pub status: Text,
    pub reason: Text,
}

/// What node feature discovery found on a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    pub node: String,
    /// PCI device ids of NVIDIA's display and 3D controllers, lower case, one per device; `None` where PCI devices were
    /// not looked at.
    pub gpus: Option<Vec<String>>,
    /// Names of loaded kernel modules; `None` where they were not looked at.
    pub modules: Option<Arc<BTreeSet<String>>>,
    /// `/etc/os-release` by field; empty where it was not looked at.
    pub os_release: Arc<BTreeMap<String, String>>,
}

/// One device that a Dynamic Resource Allocation driver offers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    pub node: String,
    pub driver: String,
    pub pool: String,
    pub name: String,
    /// Attributes as text, by name without their domain.
    pub attributes: BTreeMap<String, String>,
    pub memory_mib: Option<u64>,
    /// It takes from counters that other devices take from, too: not all of them can be had.
    pub shares_counters: bool,
}

/// What other objects say of a node.
#[derive(Clone, Debug)]
pub struct Evidence<'e> {
    pub features: Option<&'e Features>,
    pub devices: Vec<&'e Device>,
    /// What pods on the node hold, by resource name.
    pub held: Result<&'e BTreeMap<Text, u64>, Unknown>,
    /// Devices of the node that are allocated to claims, by driver.
    pub allocated: Result<&'e BTreeMap<String, u64>, Unknown>,
}

impl Default for Evidence<'_> {
    fn default() -> Self {
        Evidence {
            features: None,
            devices: Vec::new(),
            held: Err(Unknown::NotAsked),
            allocated: Err(Unknown::NotAsked),
        }
    }
}

/// Why no new pod is placed on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    NotReady,
    Cordoned,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Closed::NotReady => "the node is not ready",
            Closed::Cordoned => "the node is cordoned",
        })
    }
}

/// What is known of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub name: Text,
    /// What says that no machine stands behind the node; `None` for a real one.
    pub virtual_mark: Option<Text>,
    pub labels: Labels,
    /// Sorted.
    pub taints: Vec<Taint>,
    pub conditions: Vec<Condition>,
    pub roles: Vec<Text>,
    pub ready: Fact<bool>,
    pub schedulable: Fact<bool>,
    pub provider_id: Fact<Text>,
    /// `aws`, `gce`, `azure`, `kind`: the scheme of the provider id.
    pub cloud: Fact<Text>,
    /// The Kubernetes service that the node belongs to.
    pub service: Fact<Text>,
    pub instance_type: Fact<Text>,
    pub region: Fact<Text>,
    pub zone: Fact<Text>,
    pub machine_id: Fact<Text>,
    pub system_uuid: Fact<Text>,
    pub boot_id: Fact<Text>,
    pub os: OperatingSystem,
    pub kernel: Fact<Text>,
    pub kubelet: Fact<Text>,
    pub runtime: Fact<Text>,
    pub architecture: Fact<Text>,
    pub huge_pages: Fact<u64>,
    /// Loaded kernel modules, where node feature discovery tells them.
    pub modules: Fact<Arc<BTreeSet<String>>>,
    /// `/etc/os-release`, where node feature discovery tells it.
    pub os_release: Fact<Arc<BTreeMap<String, String>>>,
    pub accelerators: Accelerators,
}

const REGION: &str = "topology.kubernetes.io/region";
const ZONE: &str = "topology.kubernetes.io/zone";

/// Taints of nodes that stand for another cluster or a service.
const VIRTUAL_TAINTS: [&str; 2] = ["virtual-kubelet.io/", "virtual-node.liqo.io/"];

impl NodeReport {
    /// What says that no machine stands behind the node.
    pub fn virtual_mark(&self) -> Option<String> {
        let of_kind = |key: &str| {
            self.labels
                .get(key)
                .filter(|value| ["virtual-kubelet", "virtual-node"].contains(&&***value))
                .map(|value| format!("label {key}={value}"))
        };
        let tainted = || {
            let is_virtual = |key: &str| VIRTUAL_TAINTS.iter().any(|begin| key.starts_with(begin));
            let taint = self.taints.iter().find(|taint| is_virtual(&taint.key))?;
            Some(format!("taint {}", taint.key))
        };
        let labeled = || {
            self.labels.below("virtual-kubelet.io/").next().map(|(rest, _)| format!("label virtual-kubelet.io/{rest}"))
        };
        let versioned = || {
            let kubelet = self.info.kubelet.as_deref()?;
            kubelet.contains("-vk-").then(|| format!("kubelet {kubelet}"))
        };
        let of_kinds = || ["type", "kubernetes.io/role", "liqo.io/type"].into_iter().find_map(of_kind);
        of_kinds().or_else(tainted).or_else(labeled).or_else(versioned)
    }
}

/// The facts of a node.
pub fn of(report: &NodeReport, evidence: &Evidence<'_>) -> Node {
    let NodeReport { name, labels, marks: _, taints, conditions, unschedulable, provider_id, huge_pages, info, .. } =
        report;
    let reported =
        |text: &Option<Text>, field: &'static str| Fact::or(text.clone(), Source::node(field), Unknown::NotReported);
    let labeled = |key: &'static str| Fact::or(labels.text(key).cloned(), Source::label(key), Unknown::NotLabeled);
    let ready =
        conditions.iter().find(|condition| &*condition.kind == "Ready").map(|condition| &*condition.status == "True");
    let cloud = provider_id.as_deref().and_then(service::cloud).map(Text::from);
    let modules = evidence.features.and_then(|features| features.modules.clone());
    let os_release =
        evidence.features.map(|features| Arc::clone(&features.os_release)).filter(|fields| !fields.is_empty());
    let feature = |field: &'static str| Source::of(super::fact::Object::NodeFeature, field);
    Node {
        name: name.clone(),
        virtual_mark: report.virtual_mark().map(Text::from),
        labels: labels.clone(),
        taints: taints.clone(),
        conditions: conditions.clone(),
        roles: labels.below("node-role.kubernetes.io/").map(|(role, _)| Text::from(role)).collect(),
        ready: Fact::or(ready, Source::node("status.conditions"), Unknown::NotReported),
        schedulable: Fact::or(unschedulable.map(|off| !off), Source::node("spec.unschedulable"), Unknown::NotReported),
        provider_id: reported(provider_id, "spec.providerID"),
        cloud: Fact::or(cloud, Source::node("spec.providerID"), Unknown::NotReported),
        service: service::of(report),
        instance_type: machine::kind(labels),
        region: labeled(REGION).or_else(|| labeled("failure-domain.beta.kubernetes.io/region")),
        zone: labeled(ZONE).or_else(|| labeled("failure-domain.beta.kubernetes.io/zone")),
        machine_id: reported(&info.machine_id, "status.nodeInfo.machineID"),
        system_uuid: reported(&info.system_uuid, "status.nodeInfo.systemUUID"),
        boot_id: reported(&info.boot_id, "status.nodeInfo.bootID"),
        os: os::of(report, evidence.features),
        kernel: reported(&info.kernel, "status.nodeInfo.kernelVersion")
            .or_else(|| labeled("feature.node.kubernetes.io/kernel-version.full")),
        kubelet: reported(&info.kubelet, "status.nodeInfo.kubeletVersion"),
        runtime: reported(&info.runtime, "status.nodeInfo.containerRuntimeVersion"),
        architecture: reported(&info.architecture, "status.nodeInfo.architecture")
            .or_else(|| labeled("kubernetes.io/arch")),
        huge_pages: Fact::or(*huge_pages, Source::node("status.capacity hugepages-2Mi"), Unknown::NotReported),
        modules: Fact::or(modules, feature("kernel.loadedmodule"), Unknown::NotReported),
        os_release: Fact::or(os_release, feature("system.osrelease"), Unknown::NotReported),
        accelerators: accelerator::of(report, evidence),
    }
}

impl Node {
    /// Whether the node runs the control plane.
    pub fn is_control_plane(&self) -> bool {
        self.roles.iter().any(|role| &**role == "control-plane" || &**role == "master")
    }

    /// Whether a machine with Linux stands behind the node: the only ones that recipes are made for.
    pub fn is_linux_machine(&self) -> bool {
        self.virtual_mark.is_none() && self.os.family.text() != Some("windows")
    }

    /// Whether both are the same but for their state: readiness, conditions, taints, what pods hold. These are what changes
    /// by itself all the time; of readings only the items of `NodeTopology` tell them.
    pub fn reads_like(&self, other: &Node) -> bool {
        // Every field is named, so that nobody forgets a new one.
        let Node {
            name,
            virtual_mark,
            labels,
            taints: _,
            conditions: _,
            roles,
            ready: _,
            schedulable: _,
            provider_id,
            cloud,
            service,
            instance_type,
            region,
            zone,
            machine_id,
            system_uuid,
            boot_id,
            os,
            kernel,
            kubelet,
            runtime,
            architecture,
            huge_pages,
            modules,
            os_release,
            accelerators,
        } = other;
        (&self.name, &self.virtual_mark, &self.roles) == (name, virtual_mark, roles)
            && (&self.provider_id, &self.cloud, &self.service) == (provider_id, cloud, service)
            && (&self.instance_type, &self.region, &self.zone) == (instance_type, region, zone)
            && (&self.machine_id, &self.system_uuid, &self.boot_id) == (machine_id, system_uuid, boot_id)
            && (&self.os, &self.kernel, &self.kubelet, &self.runtime) == (os, kernel, kubelet, runtime)
            && (&self.architecture, &self.huge_pages) == (architecture, huge_pages)
            && (&self.modules, &self.os_release) == (modules, os_release)
            && self.accelerators.reads_like(accelerators)
            && self.labels == *labels
    }

    /// Why no new pod is placed on it; `None` also where nothing says so.
    pub fn closed(&self) -> Option<Closed> {
        match (self.ready.get(), self.schedulable.get()) {
            (Some(false), _) => Some(Closed::NotReady),
            (_, Some(false)) => Some(Closed::Cordoned),
            _ => None,
        }
    }

    /// Devices that a pod can still be given, over all that are offered, as [`Accelerators::free`] counts them: none on a node
    /// where no pod can be placed.
    pub fn free(&self) -> Option<(Option<u64>, u64)> {
        let (free, all) = self.accelerators.free()?;
        Some((if self.closed().is_some() { Some(0) } else { free }, all))
    }

    /// Conditions that are not as they should be: `Ready` that is not true, any other that is true.
    pub fn troubles(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| {
            let good = if &*condition.kind == "Ready" { "True" } else { "False" };
            &*condition.status != good
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_name_the_field_they_come_from() {
        let report = NodeReport {
            name: "n".into(),
            labels: [("node-role.kubernetes.io/worker", ""), (ZONE, "a")].into_iter().collect(),
            provider_id: Some("aws:///z/i-1".into()),
            conditions: vec![Condition { kind: "Ready".into(), status: "Unknown".into(), reason: "".into() }],
            ..NodeReport::default()
        };
        let node = of(&report, &Evidence::default());
        assert_eq!(node.ready.get(), Some(false), "a node that nothing is heard of is not ready");
        assert_eq!(node.zone.source().map(ToString::to_string).as_deref(), Some("label topology.kubernetes.io/zone"));
        assert_eq!(
            (node.cloud.text(), node.roles.len(), node.kubelet.unknown()),
            (Some("aws"), 1, Some(&Unknown::NotReported))
        );
        assert_eq!(node.schedulable.get(), None);
    }

    #[test]
    fn a_node_whose_state_changed_reads_like_before_and_one_with_another_kernel_does_not() {
        let report = NodeReport {
            name: "n".into(),
            labels: [("nvidia.com/gpu.product", "NVIDIA-H100")].into_iter().collect(),
            capacity: vec![("nvidia.com/gpu".into(), 8)],
            ..NodeReport::default()
        };
        let (none, some) = (BTreeMap::new(), BTreeMap::from([("nvidia.com/gpu".into(), 8)]));
        let evidence = |held| Evidence { held: Ok(held), ..Evidence::default() };
        let before = of(&report, &evidence(&none));
        let condition = Condition { kind: "Ready".into(), status: "False".into(), reason: "KubeletNotReady".into() };
        let taint = Taint { key: "node.kubernetes.io/not-ready".into(), ..Taint::default() };
        let down = NodeReport {
            conditions: vec![condition],
            taints: vec![taint],
            unschedulable: Some(true),
            ..report.clone()
        };
        let after = of(&down, &evidence(&some));
        assert!(before != after && before.reads_like(&after));
        let check = |changed: NodeReport| assert!(!before.reads_like(&of(&changed, &evidence(&none))), "{changed:?}");
        check(NodeReport { info: NodeInfo { kernel: Some("6.9".into()), ..NodeInfo::default() }, ..report.clone() });
        check(NodeReport {
            labels: [("nvidia.com/gpu.product", "NVIDIA-A100")].into_iter().collect(),
            ..report.clone()
        });
        check(NodeReport { capacity: vec![("nvidia.com/gpu".into(), 4)], ..report });
    }

    #[test]
    fn a_node_that_stands_for_another_cluster_is_no_machine() {
        let mark = |labels: &[(&str, &str)]| {
            NodeReport { labels: labels.iter().copied().collect(), ..NodeReport::default() }.virtual_mark()
        };
        assert_eq!(mark(&[("liqo.io/type", "virtual-node")]).as_deref(), Some("label liqo.io/type=virtual-node"));
        assert_eq!(mark(&[("type", "virtual-kubelet")]).as_deref(), Some("label type=virtual-kubelet"));
        assert_eq!(mark(&[("type", "kwok")]), None, "who plays a machine on purpose wants it taken for one");
    }
}
