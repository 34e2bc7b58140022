//! The accelerators of one node, by all sources that speak of them.
//!
//! What is built in, what is offered to pods and what pods hold are three things. Eight GPUs may be offered as 56 MIG
//! devices or as 400 time slices, by a device plugin under several resource names or by a Dynamic Resource Allocation
//! driver. A number of GPUs is stated only where a source counts GPUs.

pub mod resource;

use super::{
    fact::{Fact, Object, Source, Unknown},
    machine,
    node::{Device, Evidence, Features, NodeReport},
    text::{Labels, Text},
};
use crate::accelerators;
use std::{borrow::Cow, collections::BTreeMap};

/// Everything that is known of the accelerators of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accelerators {
    /// Whether the node has any; false only where something looked and found none.
    pub present: Fact<bool>,
    pub vendor: Fact<Text>,
    /// The product as its source writes it.
    pub product: Fact<Text>,
    /// The model under its catalog name.
    pub model: Fact<Text>,
    /// Physical devices.
    pub count: Fact<u64>,
    /// Per physical device.
    pub memory_mib: Fact<u64>,
    pub driver: Fact<Text>,
    pub cuda: Fact<Text>,
    pub architecture: Fact<Text>,
    pub driver_loaded: Fact<bool>,
    /// `single` or `mixed`; `none` is left out.
    pub mig: Option<Mig>,
    pub sharing: Option<Sharing>,
    /// What a device plugin offers, by resource name.
    pub resources: Vec<Resource>,
    /// What Dynamic Resource Allocation drivers offer, by driver.
    pub pools: Vec<Pool>,
    /// The NVLink domain that the node belongs to.
    pub fabric: Fact<Text>,
}

/// Multi-Instance GPU: how devices are partitioned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mig {
    pub strategy: Text,
    /// Number of devices by profile: `1g.10gb` → 56.
    pub profiles: BTreeMap<Text, u64>,
}

/// One device offered to several pods at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// `time-slicing` or `mps`; empty where nothing says which.
    pub strategy: Text,
    /// Per device; `None` where it is not known.
    pub replicas: Option<u64>,
}

/// One extended resource of a device plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`.
    pub name: Text,
    pub capacity: u64,
    pub allocatable: Option<u64>,
    /// What pods that have not ended hold of it.
    pub held: Fact<u64>,
}

/// The devices of one Dynamic Resource Allocation driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    pub driver: Text,
    pub devices: u64,
    /// Devices that are allocated to claims.
    pub held: Fact<u64>,
}

impl Resource {
    /// What is still to be had; `None` where holders could not be counted.
    pub fn free(&self) -> Option<u64> {
        Some(self.allocatable?.saturating_sub(self.held.get()?))
    }
}

/// Vendor by the domain of its resource names and labels.
const VENDORS: [(&str, &str); 6] = [
    ("nvidia.com/", "nvidia"),
    ("amd.com/", "amd"),
    ("gpu.intel.com/", "intel"),
    ("habana.ai/", "intel"),
    ("aws.amazon.com/neuron", "aws"),
    ("google.com/tpu", "google"),
];

const PRODUCT: &str = "nvidia.com/gpu.product";
const COUNT: &str = "nvidia.com/gpu.count";
const REPLICAS: &str = "nvidia.com/gpu.replicas";
const MIG_STRATEGY: &str = "nvidia.com/mig.strategy";
const SHARING: &str = "nvidia.com/gpu.sharing-strategy";
/// NVIDIA's PCI vendor id, and AMD's.
const PCI_VENDOR: &str = "10de";
const PCI_AMD: &str = "1002";
/// What Google Kubernetes Engine says of devices that pods share, and of those that are partitioned.
const GKE_SHARING: &str = "cloud.google.com/gke-gpu-sharing-strategy";
const GKE_CLIENTS: &str = "cloud.google.com/gke-max-shared-clients-per-gpu";
const GKE_PARTITION: &str = "cloud.google.com/gke-gpu-partition-size";
/// Labels by which managed services say that a node has NVIDIA's GPUs, with their value.
const MANAGED: [(&str, &str); 3] =
    [("accelerator", "nvidia"), ("kubernetes.azure.com/accelerator", "nvidia"), ("cloud.google.com/gke-gpu", "true")];

/// The annotation in which HAMi's device plugin lists the devices of a node; the plugin offers each of them several times as
/// `nvidia.com/gpu`.
pub const REGISTER: &str = "hami.io/node-nvidia-register";

/// Devices of a node as [`REGISTER`] lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub devices: u64,
    /// Pods that may share one device.
    pub replicas: u64,
    /// Of one device.
    pub memory_mib: u64,
    pub product: Text,
}

impl Registered {
    /// Reads the annotation: devices that end with colons, each with its id, the number of pods that may share it, MiB, cores in
    /// percent and product, separated by commas; or a JSON list of the same. `None` for anything else.
    pub fn parse(text: &str) -> Option<Registered> {
        let devices: Vec<(u64, u64, String)> = if text.trim_start().starts_with('[') {
            let list: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
            let device = |it: &serde_json::Value| {
                Some((it["count"].as_u64()?, it["devmem"].as_u64()?, it["type"].as_str()?.to_owned()))
            };
            list.iter().map(device).collect::<Option<_>>()?
        } else {
            let device = |it: &str| {
                let mut fields = it.split(',').skip(1);
                let (count, memory) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
                Some((count, memory, fields.nth(1)?.to_owned()))
            };
            text.split(':').filter(|it| !it.trim().is_empty()).map(device).collect::<Option<_>>()?
        };
        let (replicas, memory_mib, product) = devices.first()?.clone();
        Some(Registered { devices: devices.len() as u64, replicas, memory_mib, product: product.as_str().into() })
    }

    const fn source() -> Source {
        Source::of(Object::Annotation, REGISTER)
    }
}

/// How many pods one device is offered to, as labels say.
fn replicas(labels: &Labels) -> Option<u64> {
    labels.number(REPLICAS).or_else(|| labels.number(GKE_CLIENTS)).filter(|replicas| *replicas > 1)
}

/// The accelerators of a node.
pub fn of(report: &NodeReport, evidence: &Evidence<'_>) -> Accelerators {
    if let Some(mark) = report.virtual_mark() {
        // What a virtual node advertises is a quota; there is no machine behind it.
        let quota = || Unknown::Unclear(Cow::Owned(format!("a virtual node ({mark}): its numbers are quotas")));
        return Accelerators {
            present: Fact::Unknown(quota()),
            count: Fact::Unknown(quota()),
            resources: resources(report, evidence),
            ..Accelerators::default()
        };
    }
    let labels = &report.labels;
    let resources = resources(report, evidence);
    let registered = report.registered.as_ref();
    let by_register = || Fact::or(registered.map(|it| it.product.clone()), Registered::source(), Unknown::NotLabeled);
    let product = product(labels, evidence).or_else(by_register).or_else(|| offered_model(&resources));
    let mixed = mixed(&resources, evidence);
    let mig = mig(labels, evidence, product.text(), &resources);
    let unclear = |why: &String| Unknown::Unclear(Cow::Owned(why.clone()));
    let mut count = count(report, evidence, product.text(), &resources);
    let driver = driver(labels, evidence);
    let mut model = model(labels, evidence.features, &product);
    let mut vendor = vendor(labels, &resources, &product, evidence);
    match &mixed {
        Some(Mixed::Vendors(why)) => {
            (count, model) = (Fact::Unknown(unclear(why)), Fact::Unknown(unclear(why)));
            vendor = Fact::Unknown(unclear(why));
        }
        Some(Mixed::Models(why)) => model = Fact::Unknown(unclear(why)),
        None => {}
    }
    Accelerators {
        present: present(labels, evidence, &product, &count, &resources),
        vendor,
        model,
        memory_mib: memory(labels, evidence, product.text())
            .or_else(|| Fact::or(registered.map(|it| it.memory_mib), Registered::source(), Unknown::NotLabeled)),
        driver_loaded: driver_loaded(evidence.features, &driver),
        cuda: cuda(labels, evidence),
        architecture: attribute(evidence, "architecture").or_else(|| label(labels, "nvidia.com/gpu.family")),
        sharing: sharing(labels, &resources, &count, mig.is_some()).or_else(|| {
            let replicas = registered.map(|it| it.replicas).filter(|replicas| *replicas > 1)?;
            Some(Sharing { strategy: Text::default(), replicas: Some(replicas) })
        }),
        pools: pools(evidence),
        fabric: label(labels, "nvidia.com/gpu.clique")
            .or_else(|| label(labels, "network.topology.nvidia.com/accelerator")),
        product,
        count,
        driver,
        mig,
        resources,
    }
}

fn label(labels: &Labels, key: &'static str) -> Fact<Text> {
    Fact::or(labels.text(key).cloned(), Source::label(key), Unknown::NotLabeled)
}

fn attribute(evidence: &Evidence<'_>, name: &'static str) -> Fact<Text> {
    let found =
        evidence.devices.iter().find_map(|device| device.attributes.get(name)).map(|text| Text::from(text.as_str()));
    Fact::or(found, Source::of(Object::ResourceSlice, name), Unknown::NotReported)
}

/// The products of the devices of drivers, each once.
fn product_names(evidence: &Evidence<'_>) -> Fact<Text> {
    let mut names: Vec<&str> = Vec::new();
    for name in evidence.devices.iter().filter_map(|device| device.attributes.get("productName")) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let text = (!names.is_empty()).then(|| Text::from(names.join(" + ").as_str()));
    Fact::or(text, Source::of(Object::ResourceSlice, "productName"), Unknown::NotReported)
}

fn resources(report: &NodeReport, evidence: &Evidence<'_>) -> Vec<Resource> {
    let held = |name: &str| match &evidence.held {
        Ok(held) => {
            Fact::known(held.get(name).copied().unwrap_or(0), Source::of(Object::Pods, "spec.containers.resources"))
        }
        Err(unknown) => Fact::Unknown(unknown.clone()),
    };
    let allocatable =
        |name: &str| report.allocatable.iter().find(|(known, _)| **known == *name).map(|(_, count)| *count);
    report
        .capacity
        .iter()
        .map(|(name, capacity)| Resource {
            name: name.clone(),
            capacity: *capacity,
            allocatable: allocatable(name),
            held: held(name),
        })
        .collect()
}

fn product(labels: &Labels, evidence: &Evidence<'_>) -> Fact<Text> {
    label(labels, PRODUCT)
        .or_else(|| product_names(evidence))
        .or_else(|| machine::product(labels))
        .or_else(|| label(labels, "amd.com/gpu.product-name"))
        .or_else(|| label(labels, "gpu.intel.com/product"))
}

/// The model that a resource is named after: `a100` of `nvidia.com/a100`; all of them, where there are several.
fn offered_model(resources: &[Resource]) -> Fact<Text> {
    let named: Vec<&str> = offered_names(resources).collect();
    let text = (!named.is_empty()).then(|| Text::from(named.join(" + ").as_str()));
    Fact::or(text, Source::node("status.capacity"), Unknown::NotLabeled)
}

/// Models that resources are named after.
fn offered_names(resources: &[Resource]) -> impl Iterator<Item = &str> {
    resources.iter().filter(|resource| resource.capacity > 0).filter_map(|it| resource::model_of(&it.name))
}

/// Why one word does not do for the devices of a machine.
enum Mixed {
    Vendors(String),
    Models(String),
}

/// Devices of several vendors or models in one machine, as drivers and device plugins offer them.
fn mixed(resources: &[Resource], evidence: &Evidence<'_>) -> Option<Mixed> {
    let counts = |counts: BTreeMap<&str, u64>| {
        counts.into_iter().map(|(name, count)| format!("{count} of {name}")).collect::<Vec<_>>().join(" and ")
    };
    let whole = || evidence.devices.iter().filter(|device| is_whole_device(device));
    let mut vendors: BTreeMap<&str, u64> = BTreeMap::new();
    for resource in resources.iter().filter(|resource| resource.capacity > 0) {
        if let Some(vendor) = vendor_of(&resource.name) {
            *vendors.entry(vendor).or_default() += resource.capacity;
        }
    }
    for device in whole() {
        let vendor = of_driver(&device.driver).unwrap_or_default();
        // One vendor may offer the same devices in both ways.
        if !vendors.contains_key(vendor) || resources.iter().all(|resource| resource.capacity == 0) {
            *vendors.entry(vendor).or_default() += 1;
        }
    }
    if vendors.len() > 1 {
        return Some(Mixed::Vendors(format!("devices of several vendors in one machine: {}", counts(vendors))));
    }
    let mut models: BTreeMap<String, u64> = BTreeMap::new();
    for name in whole().filter_map(|device| device.attributes.get("productName")) {
        *models.entry(machine::model_or_product(name)).or_default() += 1;
    }
    if models.is_empty() {
        for resource in resources.iter().filter(|resource| resource.capacity > 0 && resource::is_whole(&resource.name))
        {
            if let Some(name) = resource::model_of(&resource.name) {
                *models.entry(machine::model_or_product(name)).or_default() += resource.capacity;
            }
        }
    }
    let named = models.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    (models.len() > 1).then(|| Mixed::Models(format!("several models in one machine: {}", counts(named))))
}

/// The model by PCI id, which no configuration can change; else by the product text.
fn model(labels: &Labels, features: Option<&Features>, product: &Fact<Text>) -> Fact<Text> {
    let ids = features.and_then(|features| features.gpus.as_deref()).unwrap_or_default();
    let found: Vec<PciLabel> = if ids.is_empty() { pci_labels(labels).collect() } else { Vec::new() };
    let labeled = found.iter().filter_map(|label| label.device.as_deref());
    let by_id = ids.iter().map(String::as_str).chain(labeled);
    let mut models: Vec<String> = by_id
        .map(|id| accelerators::by_pci(id).map_or_else(|| format!("{PCI_VENDOR}:{id}"), |row| row.name.to_owned()))
        .collect();
    models.sort_unstable();
    models.dedup();
    // An id that is not in the table says nothing of its own.
    if let [only] = models.as_slice()
        && only.starts_with(PCI_VENDOR)
    {
        models.clear();
    }
    match models.as_slice() {
        [model] => {
            let source = match found.iter().find(|label| label.device.is_some()) {
                Some(label) => Source { object: Object::Label, field: Cow::Owned(label.key.clone()) },
                None => Source::of(Object::NodeFeature, "pci.device"),
            };
            return Fact::known(Text::from(model.as_str()), source);
        }
        [] => {}
        several => {
            let why = format!("several models in one machine: {}", several.join(", "));
            return Fact::Unknown(Unknown::Unclear(Cow::Owned(why)));
        }
    }
    match product {
        Fact::Unknown(unknown) => Fact::Unknown(unknown.clone()),
        Fact::Known(reading) => match machine::model(&reading.value) {
            Some(model) => Fact::known(Text::from(model), reading.source.clone()),
            None => Fact::Unknown(Unknown::Unclear(Cow::Owned(format!(
                "`{}` is not a model of the catalog",
                reading.value
            )))),
        },
    }
}

/// The MIG profile at the end of a product text: `NVIDIA-A100-SXM4-80GB-MIG-1g.10gb`.
///
/// What the text ends with where devices are shared too is not part of the profile.
fn profile_of(product: &str) -> Option<&str> {
    product.split_once("-MIG-").map(|(_, profile)| profile.strip_suffix("-SHARED").unwrap_or(profile))
}

/// Whether a GPU of the machine would be on its PCI bus: those of WSL2 and of a Jetson are not.
fn is_on_bus(report: &NodeReport) -> bool {
    report.info.kernel.as_deref().is_none_or(|kernel| !(kernel.contains("WSL") || kernel.contains("tegra")))
}

fn count(report: &NodeReport, evidence: &Evidence<'_>, product: Option<&str>, resources: &[Resource]) -> Fact<u64> {
    let labels = &report.labels;
    let by_pci = evidence.features.and_then(|features| features.gpus.as_ref());
    let looked = |gpus: &Vec<String>| Fact::known(gpus.len() as u64, Source::of(Object::NodeFeature, "pci.device"));
    if let Some(gpus) = by_pci.filter(|gpus| !gpus.is_empty()) {
        return looked(gpus);
    }
    let sliced = product.and_then(profile_of).is_some();
    // A label that says none beside a product or devices that are offered is older than they are.
    let is_there = product.is_some() || resources.iter().any(|resource| resource.capacity > 0);
    if !sliced && let Some(count) = labels.number(COUNT).filter(|count| *count > 0 || !is_there) {
        return Fact::known(count, Source::label(COUNT));
    }
    if let Some(registered) = &report.registered {
        return Fact::known(registered.devices, Registered::source());
    }
    let dra = gpus_of(&evidence.devices);
    if dra > 0 {
        return Fact::known(dra, Source::of(Object::ResourceSlice, "devices"));
    }
    if let by_cloud @ Fact::Known(_) = machine::count(labels) {
        return by_cloud;
    }
    let offers = |is: &dyn Fn(&str) -> bool| resources.iter().any(|it| it.capacity > 0 && is(&it.name));
    let why = if sliced {
        "nvidia.com/gpu.count counts MIG devices"
    } else if offers(&|name| name.starts_with("nvidia.com/mig-")) || labels.get(GKE_PARTITION).is_some() {
        "only MIG devices are offered"
    } else if offers(&|name| name.ends_with(".shared")) {
        "only replicas of shared GPUs are offered"
    } else if offers(&resource::is_share) && !offers(&resource::is_whole) {
        "only parts of GPUs are offered"
    } else {
        let offered = offered(labels, resources);
        // That no device of this vendor is on the bus is zero only where nothing else speaks of one.
        return match by_pci {
            Some(none) if !offered.is_known() && product.is_none() && is_on_bus(report) => looked(none),
            _ => offered,
        };
    };
    Fact::Unknown(Unknown::Unclear(Cow::Borrowed(why)))
}

/// Whole devices that a device plugin offers, each of which may be offered several times.
fn offered(labels: &Labels, resources: &[Resource]) -> Fact<u64> {
    let whole =
        resources.iter().filter(|resource| resource::is_whole(&resource.name)).map(|resource| resource.capacity);
    match whole.sum::<u64>() {
        0 => Fact::Unknown(Unknown::NotLabeled),
        offered => match replicas(labels).unwrap_or(1) {
            replicas if replicas > offered => {
                let why = format!("{REPLICAS} says {replicas}, more than the {offered} that are offered");
                Fact::Unknown(Unknown::Unclear(Cow::Owned(why)))
            }
            replicas => Fact::known(offered / replicas, Source::node("status.capacity")),
        },
    }
}

/// Physical GPUs among the devices of a DRA driver: a MIG device names the GPU that it is a part of.
fn gpus_of(devices: &[&Device]) -> u64 {
    let whole = devices.iter().filter(|device| is_whole_device(device)).count();
    let mut parents: Vec<&str> =
        devices.iter().filter_map(|device| device.attributes.get("parentUUID")).map(String::as_str).collect();
    parents.sort_unstable();
    parents.dedup();
    let known =
        |uuid: &&&str| devices.iter().any(|device| device.attributes.get("uuid").is_some_and(|own| own == **uuid));
    (whole + parents.iter().filter(|uuid| !known(uuid)).count()) as u64
}

fn present(
    labels: &Labels,
    evidence: &Evidence<'_>,
    product: &Fact<Text>,
    count: &Fact<u64>,
    resources: &[Resource],
) -> Fact<bool> {
    if let Fact::Known(reading) = count {
        return Fact::known(reading.value > 0, reading.source.clone());
    }
    if let Some(source) = product.source() {
        return Fact::known(true, source.clone());
    }
    if resources.iter().any(|resource| resource.capacity > 0) {
        return Fact::known(true, Source::node("status.capacity"));
    }
    if !evidence.devices.is_empty() {
        return Fact::known(true, Source::of(Object::ResourceSlice, "devices"));
    }
    for key in ["nvidia.com/gpu.present", "amd.com/gpu.present"] {
        match labels.get(key).map(|value| &**value) {
            Some("true") => return Fact::known(true, Source::label(key)),
            Some("false") => return Fact::known(false, Source::label(key)),
            _ => {}
        }
    }
    if let Some(key) = managed(labels) {
        return Fact::known(true, Source::label(key));
    }
    match pci_labels(labels).next() {
        Some(label) => Fact::known(true, Source { object: Object::Label, field: Cow::Owned(label.key) }),
        None => Fact::Unknown(Unknown::NotLabeled),
    }
}

/// The label by which a managed service says that the node has NVIDIA's GPUs.
fn managed(labels: &Labels) -> Option<&'static str> {
    MANAGED.into_iter().find(|(key, value)| labels.get(key).is_some_and(|own| **own == **value)).map(|(key, _)| key)
}

/// A label of node feature discovery that says that a GPU is plugged in.
struct PciLabel {
    key: String,
    vendor: &'static str,
    /// Its id, where the label has it.
    device: Option<String>,
}

/// Labels with the vendor alone (`pci-10de.present`), with the device (`pci-10de_2330.present`) or with the class before
/// both, where only display and 3D controllers and processing accelerators count. The parts are always in this order.
fn pci_labels(labels: &Labels) -> impl Iterator<Item = PciLabel> + '_ {
    const PREFIX: &str = "feature.node.kubernetes.io/pci-";
    const VENDORS: [(&str, &str); 2] = [(PCI_VENDOR, "nvidia"), (PCI_AMD, "amd")];
    let known = |id: &str| VENDORS.into_iter().find(|(own, _)| *own == id).map(|(_, vendor)| vendor);
    labels.below(PREFIX).filter(|(_, value)| ***value == *"true").filter_map(move |(rest, _)| {
        let parts: Vec<&str> = rest.strip_suffix(".present")?.split('_').collect();
        let (vendor, device) = match parts.as_slice() {
            // A vendor alone may make other things too.
            [id] => (known(id).filter(|_| *id == PCI_VENDOR)?, None),
            [id, device] if *id == PCI_VENDOR => ("nvidia", Some(*device)),
            [class, id, more @ ..] if matches!(*class, "0300" | "0302" | "0380" | "1200") => {
                // A display controller of AMD is in many processors.
                let vendor = known(id).filter(|vendor| *vendor == "nvidia" || *class != "0300")?;
                (vendor, more.first().copied())
            }
            _ => return None,
        };
        Some(PciLabel { key: format!("{PREFIX}{rest}"), vendor, device: device.map(str::to_owned) })
    })
}

/// The vendor in whose domain a resource or a label is.
fn vendor_of(name: &str) -> Option<&'static str> {
    VENDORS.into_iter().find(|(domain, _)| name.starts_with(domain)).map(|(_, vendor)| vendor)
}

fn vendor(labels: &Labels, resources: &[Resource], product: &Fact<Text>, evidence: &Evidence<'_>) -> Fact<Text> {
    if let Some(vendor) =
        resources.iter().filter(|resource| resource.capacity > 0).find_map(|resource| vendor_of(&resource.name))
    {
        return Fact::known(vendor.into(), Source::node("status.capacity"));
    }
    if let Some(maker) = labels.text("karpenter.k8s.aws/instance-gpu-manufacturer") {
        return Fact::known(maker.clone(), Source::label("karpenter.k8s.aws/instance-gpu-manufacturer"));
    }
    if let Some(source) = product.source() {
        let vendor = if source.object == Object::Label { vendor_of(&source.field) } else { None };
        let of_driver = || evidence.devices.first().and_then(|device| of_driver(&device.driver));
        let named = || product.text().and_then(machine::maker);
        // Clouds name the models of this vendor without their maker.
        let vendor = vendor.or_else(of_driver).or_else(named).unwrap_or("nvidia");
        return Fact::known(vendor.into(), source.clone());
    }
    if evidence.features.and_then(|features| features.gpus.as_ref()).is_some_and(|gpus| !gpus.is_empty()) {
        return Fact::known("nvidia".into(), Source::of(Object::NodeFeature, "pci.device"));
    }
    if let Some(vendor) = evidence.devices.first().and_then(|device| of_driver(&device.driver)) {
        return Fact::known(vendor.into(), Source::of(Object::ResourceSlice, "driver"));
    }
    if let Some(key) = managed(labels) {
        return Fact::known("nvidia".into(), Source::label(key));
    }
    match pci_labels(labels).next() {
        Some(label) => Fact::known(label.vendor.into(), Source { object: Object::Label, field: Cow::Owned(label.key) }),
        None => Fact::Unknown(Unknown::NotLabeled),
    }
}

/// Drivers of Dynamic Resource Allocation whose devices are accelerators, and their vendor.
pub const DRIVERS: [(&str, &str); 4] =
    [("gpu.nvidia.com", "nvidia"), ("gpu.amd.com", "amd"), ("gpu.intel.com", "intel"), ("gaudi.intel.com", "intel")];

fn of_driver(driver: &str) -> Option<&'static str> {
    DRIVERS.into_iter().find(|(own, _)| *own == driver).map(|(_, vendor)| vendor)
}

fn memory(labels: &Labels, evidence: &Evidence<'_>, product: Option<&str>) -> Fact<u64> {
    // With strategy `single` the label is the memory of a MIG device.
    if product.and_then(profile_of).is_none()
        && let Some(memory) = labels.number("nvidia.com/gpu.memory")
    {
        return Fact::known(memory, Source::label("nvidia.com/gpu.memory"));
    }
    let whole = evidence.devices.iter().filter(|device| is_whole_device(device));
    let memory = whole.filter_map(|device| device.memory_mib).next();
    Fact::or(memory, Source::of(Object::ResourceSlice, "capacity.memory"), Unknown::NotLabeled)
}

fn driver(labels: &Labels, evidence: &Evidence<'_>) -> Fact<Text> {
    const FULL: &str = "nvidia.com/cuda.driver-version.full";
    label(labels, FULL)
        .or_else(|| {
            let part = |name: &str| labels.text(&format!("nvidia.com/cuda.driver.{name}"));
            let (Some(major), Some(minor)) = (part("major"), part("minor")) else {
                return Fact::Unknown(Unknown::NotLabeled);
            };
            let text = [Some(major), Some(minor), part("rev")].into_iter().flatten().map(|part| &**part);
            Fact::known(text.collect::<Vec<_>>().join(".").into(), Source::label("nvidia.com/cuda.driver.major"))
        })
        .or_else(|| attribute(evidence, "driverVersion"))
}

fn driver_loaded(features: Option<&Features>, driver: &Fact<Text>) -> Fact<bool> {
    // A version is published only by what has talked to a working driver.
    if let Some(source) = driver.source() {
        return Fact::known(true, source.clone());
    }
    match features.and_then(|features| features.modules.as_ref()) {
        Some(modules) => {
            Fact::known(modules.contains("nvidia"), Source::of(Object::NodeFeature, "kernel.loadedmodule"))
        }
        None => Fact::Unknown(Unknown::NotReported),
    }
}

fn cuda(labels: &Labels, evidence: &Evidence<'_>) -> Fact<Text> {
    label(labels, "nvidia.com/cuda.runtime-version.full").or_else(|| attribute(evidence, "cudaDriverVersion")).or_else(
        || {
            let part = |name: &str| labels.text(&format!("nvidia.com/cuda.runtime.{name}"));
            let text = part("major").zip(part("minor")).map(|(major, minor)| format!("{major}.{minor}").into());
            Fact::or(text, Source::label("nvidia.com/cuda.runtime.major"), Unknown::NotLabeled)
        },
    )
}

fn mig(labels: &Labels, evidence: &Evidence<'_>, product: Option<&str>, resources: &[Resource]) -> Option<Mig> {
    let mut profiles: BTreeMap<Text, u64> = BTreeMap::new();
    let replicas = replicas(labels).unwrap_or(1);
    for resource in resources {
        if let Some(profile) = resource.name.strip_prefix("nvidia.com/mig-").filter(|_| resource.capacity > 0) {
            // A shared device is offered several times under a name of its own.
            match profile.strip_suffix(".shared") {
                Some(profile) => {
                    let replicas = replicas_of(labels, profile).unwrap_or(replicas);
                    *profiles.entry(profile.into()).or_default() += resource.capacity / replicas;
                }
                None => *profiles.entry(profile.into()).or_default() += resource.capacity,
            }
        }
    }
    let partition = labels.get(GKE_PARTITION).map(|size| &**size);
    let sliced = product.and_then(profile_of).or(partition);
    if let Some(profile) = sliced {
        // Labels count devices, a plugin what it offers of them.
        let offered = || {
            let whole = resources.iter().filter(|it| ["nvidia.com/gpu", "nvidia.com/gpu.shared"].contains(&&*it.name));
            whole.map(|it| it.capacity / replicas).sum::<u64>()
        };
        let labeled = labels.number(COUNT).filter(|_| partition.is_none());
        let count = labeled.unwrap_or_else(offered);
        if count > 0 {
            profiles.insert(profile.into(), count);
        }
    }
    for device in &evidence.devices {
        if let Some(profile) = device.attributes.get("profile").filter(|_| profiles_are_of(device)) {
            *profiles.entry(profile.as_str().into()).or_default() += 1;
        }
    }
    let strategy = labels.text(MIG_STRATEGY).filter(|strategy| &***strategy != "none" && !profiles.is_empty());
    let fallback = if sliced.is_some() { "single" } else { "mixed" };
    (!profiles.is_empty()).then(|| Mig { strategy: strategy.cloned().unwrap_or_else(|| fallback.into()), profiles })
}

/// How many pods each MIG device of a profile is offered to, where profiles are resources of their own.
fn replicas_of(labels: &Labels, profile: &str) -> Option<u64> {
    labels.number(&format!("nvidia.com/mig-{profile}.replicas")).filter(|replicas| *replicas > 1)
}

/// Whether a device of a driver is a MIG device that is there: of a GPU that can be partitioned, the driver lists all that could
/// be made of it, each of which takes from the same counters.
fn profiles_are_of(device: &Device) -> bool {
    device.attributes.get("type").is_some_and(|kind| kind == "mig") && !device.shares_counters
}

/// Whether a device of a driver is a GPU, under the name that its vendor has for that.
fn is_whole_device(device: &Device) -> bool {
    device.attributes.get("type").is_none_or(|kind| ["gpu", "amdgpu"].contains(&kind.as_str()))
}

fn sharing(labels: &Labels, resources: &[Resource], count: &Fact<u64>, partitioned: bool) -> Option<Sharing> {
    let said = || labels.text(SHARING).filter(|strategy| &***strategy != "none").cloned();
    // The word of one cloud for what everyone else calls time slicing.
    let by_cloud = || {
        let strategy = labels.text(GKE_SHARING)?;
        Some(if &**strategy == "time-sharing" { Text::from("time-slicing") } else { strategy.clone() })
    };
    let strategy = said().or_else(by_cloud);
    let of_profile = || {
        let shared = resources.iter().filter_map(|it| it.name.strip_prefix("nvidia.com/mig-")?.strip_suffix(".shared"));
        shared.filter_map(|profile| replicas_of(labels, profile)).next()
    };
    let labeled = replicas(labels).or_else(of_profile);
    let renamed = resources.iter().find(|resource| resource.name.ends_with(".shared") && resource.capacity > 0);
    let suffix = labels.text(PRODUCT).is_some_and(|product| product.ends_with("-SHARED"));
    if strategy.is_none() && labeled.is_none() && renamed.is_none() && !suffix {
        return None;
    }
    // The resource's own number is what is offered; a label may be older than it. Of partitions it says nothing.
    let by_resource = renamed
        .zip(count.get())
        .filter(|(_, count)| *count > 0 && !partitioned)
        .map(|(resource, count)| resource.capacity / count);
    Some(Sharing { strategy: strategy.unwrap_or_default(), replicas: by_resource.or(labeled) })
}

fn pools(evidence: &Evidence<'_>) -> Vec<Pool> {
    let has_whole = |driver: &str| evidence.devices.iter().any(|it| it.driver == driver && is_whole_device(it));
    let mut by_driver: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    for device in &evidence.devices {
        let kind = device.attributes.get("type").map(String::as_str);
        let (devices, overlap) = by_driver.entry(&device.driver).or_default();
        // The same GPU a second time, for virtual machines; and what could be made of one.
        match kind {
            Some("vfio") if has_whole(&device.driver) => continue,
            Some("mig") if device.shares_counters => *overlap = true,
            _ => *devices += 1,
        }
    }
    let held = |driver: &str| match &evidence.allocated {
        Ok(allocated) => Fact::known(
            allocated.get(driver).copied().unwrap_or(0),
            Source::of(Object::ResourceClaim, "status.allocation.devices.results"),
        ),
        Err(unknown) => Fact::Unknown(unknown.clone()),
    };
    by_driver
        .into_iter()
        .map(|(driver, (devices, overlap))| Pool {
            driver: driver.into(),
            devices,
            held: match overlap {
                true => Fact::Unknown(Unknown::Unclear("claims may hold parts of devices".into())),
                false => held(driver),
            },
        })
        .collect()
}

impl Accelerators {
    /// Whether both are the same but for what pods and claims hold.
    pub fn reads_like(&self, other: &Accelerators) -> bool {
        let offered = |it: &Resource, other: &Resource| {
            (&it.name, it.capacity, it.allocatable) == (&other.name, other.capacity, other.allocatable)
        };
        let pooled = |it: &Pool, other: &Pool| (&it.driver, it.devices) == (&other.driver, other.devices);
        // Every field is named, so that nobody forgets a new one.
        let Accelerators {
            present,
            vendor,
            product,
            model,
            count,
            memory_mib,
            driver,
            cuda,
            architecture,
            driver_loaded,
            mig,
            sharing,
            resources,
            pools,
            fabric,
        } = other;
        (&self.present, &self.vendor, &self.product, &self.model) == (present, vendor, product, model)
            && (&self.count, &self.memory_mib, &self.driver, &self.cuda) == (count, memory_mib, driver, cuda)
            && (&self.architecture, &self.driver_loaded) == (architecture, driver_loaded)
            && (&self.mig, &self.sharing, &self.fabric) == (mig, sharing, fabric)
            && alike(&self.resources, resources, offered)
            && alike(&self.pools, pools, pooled)
    }

    /// Whether the node is known to have accelerators.
    pub fn has_any(&self) -> bool {
        self.present.get() == Some(true)
    }

    /// Devices in words: `8 x NVIDIA-H100-80GB-HBM3`, `GB200` where the number is not known, `nvidia (unlabeled)` where
    /// nothing names the product; `None` without any.
    pub fn words(&self) -> Option<String> {
        if !self.has_any() {
            return None;
        }
        let unlabeled = || format!("{} (unlabeled)", self.vendor.text().unwrap_or("accelerator"));
        let what = &*self.product.text().map_or_else(unlabeled, str::to_owned);
        let what = what.split_once("-MIG-").map_or(what, |(product, _)| product);
        Some(match self.count.get() {
            Some(count) => format!("{count} x {what}"),
            None => what.to_owned(),
        })
    }

    /// How devices are divided among pods, in words: `56 x 1g.10gb`, `shared x50`; empty for whole devices.
    pub fn division(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if let Some(mig) = &self.mig {
            let profiles = mig.profiles.iter().map(|(profile, count)| format!("{count} x {profile}"));
            parts.push(format!("MIG {}", profiles.collect::<Vec<_>>().join(" + ")));
        }
        if let Some(sharing) = &self.sharing {
            let what = if sharing.strategy.is_empty() { "shared" } else { &sharing.strategy };
            parts.push(sharing.replicas.map_or_else(|| what.to_owned(), |replicas| format!("{what} x{replicas}")));
        }
        parts.join(", ")
    }

    /// Free and allocatable devices over all that is offered; `None` where nothing is offered, a free number of `None`
    /// where holders could not be counted.
    pub fn free(&self) -> Option<(Option<u64>, u64)> {
        let offered = self.resources.iter().filter(|resource| resource.capacity > 0);
        let by_plugin = offered.map(|resource| (resource.free(), resource.allocatable.unwrap_or(resource.capacity)));
        let by_driver =
            self.pools.iter().map(|pool| (pool.held.get().map(|held| pool.devices.saturating_sub(held)), pool.devices));
        by_plugin
            .chain(by_driver)
            .reduce(|(free, all), (next, count)| (free.zip(next).map(|(a, b)| a + b), all + count))
    }
}

/// Whether two lists have items in pairs that are alike.
fn alike<T>(left: &[T], right: &[T], are_alike: impl Fn(&T, &T) -> bool) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| are_alike(left, right))
}

#[cfg(test)]
mod tests;
