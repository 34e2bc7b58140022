//! The accelerators of one node, by all sources that speak of them.
//!
//! What is built in, what is offered to pods and what pods hold are three things. Eight GPUs may be offered as 56 MIG
//! devices or as 400 time slices, by a device plugin under several resource names or by a Dynamic Resource Allocation
//! driver. A number of GPUs is stated only where a source counts GPUs.

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

/// Whether a resource name stands for accelerators: not `nvidia.com/hostdev` or other devices of the same vendors.
///
/// A device plugin may be told to offer GPUs under another name (`nvidia.com/a100`), and those of virtual machines have the
/// name of the PCI database (`nvidia.com/GH100_H100_SXM5_80GB`): what names a model of the table is one.
pub fn is_resource(name: &str) -> bool {
    let nvidia = name.strip_prefix("nvidia.com/").is_some_and(|rest| {
        rest == "gpu"
            || rest == "pgpu"
            || ["gpu.", "mig-", "gpu-"].iter().any(|begin| rest.starts_with(begin))
            || is_model(rest)
    });
    nvidia
        || name == "amd.com/gpu"
        || name.starts_with("gpu.intel.com/")
        || name == "habana.ai/gaudi"
        || name.starts_with("aws.amazon.com/neuron")
        || name == "google.com/tpu"
}

/// Whether the name of a resource, without its domain and sharing, is that of a GPU model.
fn is_model(name: &str) -> bool {
    let name = name.strip_suffix(".shared").unwrap_or(name);
    accelerators::by_product(name).is_some() && !name.to_ascii_uppercase().contains("NVSWITCH")
}

/// Whether a resource stands for whole devices, each of which may be offered several times.
fn is_whole(name: &str) -> bool {
    ["nvidia.com/gpu", "nvidia.com/pgpu", "amd.com/gpu", "habana.ai/gaudi", "google.com/tpu"].contains(&name)
        || name.strip_prefix("nvidia.com/").is_some_and(|rest| is_model(rest) && !rest.ends_with(".shared"))
}

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
    let mig = mig(labels, evidence, product.text(), &resources);
    let count = count(report, evidence, product.text(), &resources);
    let driver = driver(labels, evidence);
    let model = model(labels, evidence.features, &product);
    let vendor = vendor(labels, &resources, &product, evidence);
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
        .or_else(|| attribute(evidence, "productName"))
        .or_else(|| machine::product(labels))
        .or_else(|| label(labels, "amd.com/gpu.product-name"))
        .or_else(|| label(labels, "gpu.intel.com/product"))
}

/// The model that a resource is named after: `a100` of `nvidia.com/a100`.
fn offered_model(resources: &[Resource]) -> Fact<Text> {
    let named = resources.iter().filter(|resource| resource.capacity > 0).find_map(|resource| {
        let name = resource.name.strip_prefix("nvidia.com/").filter(|rest| is_model(rest))?;
        Some(Text::from(name.strip_suffix(".shared").unwrap_or(name)))
    });
    Fact::or(named, Source::node("status.capacity"), Unknown::NotLabeled)
}

/// The model by PCI id, which no configuration can change; else by the product text.
fn model(labels: &Labels, features: Option<&Features>, product: &Fact<Text>) -> Fact<Text> {
    let ids = features.and_then(|features| features.gpus.as_deref()).unwrap_or_default();
    let found: Vec<PciLabel> = if ids.is_empty() { pci_labels(labels).collect() } else { Vec::new() };
    let labeled = found.iter().filter_map(|label| label.device.as_deref());
    let by_id = ids.iter().map(String::as_str).chain(labeled);
    let mut models: Vec<&'static str> = by_id.filter_map(accelerators::by_pci).map(|row| row.name).collect();
    models.sort_unstable();
    models.dedup();
    match models.as_slice() {
        [model] => {
            let source = match found.iter().find(|label| label.device.is_some()) {
                Some(label) => Source { object: Object::Label, field: Cow::Owned(label.key.clone()) },
                None => Source::of(Object::NodeFeature, "pci.device"),
            };
            return Fact::known(Text::from(*model), source);
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
    if !sliced && let Some(count) = labels.number(COUNT) {
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
    let whole = resources.iter().filter(|resource| is_whole(&resource.name)).map(|resource| resource.capacity);
    match whole.sum::<u64>() {
        0 => Fact::Unknown(Unknown::NotLabeled),
        offered => Fact::known(offered / replicas(labels).unwrap_or(1), Source::node("status.capacity")),
    }
}

/// Physical GPUs among the devices of a DRA driver: a MIG device names the GPU that it is a part of.
fn gpus_of(devices: &[&Device]) -> u64 {
    let whole = devices.iter().filter(|device| device.attributes.get("type").is_none_or(|kind| kind == "gpu")).count();
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

fn vendor(labels: &Labels, resources: &[Resource], product: &Fact<Text>, evidence: &Evidence<'_>) -> Fact<Text> {
    let of = |name: &str| VENDORS.into_iter().find(|(domain, _)| name.starts_with(domain)).map(|(_, vendor)| vendor);
    if let Some(vendor) =
        resources.iter().filter(|resource| resource.capacity > 0).find_map(|resource| of(&resource.name))
    {
        return Fact::known(vendor.into(), Source::node("status.capacity"));
    }
    if let Some(maker) = labels.text("karpenter.k8s.aws/instance-gpu-manufacturer") {
        return Fact::known(maker.clone(), Source::label("karpenter.k8s.aws/instance-gpu-manufacturer"));
    }
    if let Some(source) = product.source() {
        let vendor = if source.object == Object::Label { of(&source.field) } else { None };
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
    let whole = evidence.devices.iter().filter(|device| device.attributes.get("type").is_none_or(|kind| kind == "gpu"));
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

/// Whether a device of a driver is a MIG device.
fn profiles_are_of(device: &Device) -> bool {
    device.attributes.get("type").is_some_and(|kind| kind == "mig")
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
    let mut by_driver: BTreeMap<&str, u64> = BTreeMap::new();
    for device in &evidence.devices {
        *by_driver.entry(&device.driver).or_default() += 1;
    }
    let held = |driver: &str| match &evidence.allocated {
        Ok(allocated) => Fact::known(
            allocated.get(driver).copied().unwrap_or(0),
            Source::of(Object::ResourceClaim, "status.allocation.devices.results"),
        ),
        Err(unknown) => Fact::Unknown(unknown.clone()),
    };
    by_driver.into_iter().map(|(driver, devices)| Pool { driver: driver.into(), devices, held: held(driver) }).collect()
}

impl Accelerators {
    /// Whether both are the same but for what pods and claims hold.
    pub fn reads_like(&self, other: &Accelerators) -> bool {
        let offered = |list: &[Resource]| -> Vec<(Text, u64, Option<u64>)> {
            list.iter().map(|it| (it.name.clone(), it.capacity, it.allocatable)).collect()
        };
        let pooled =
            |list: &[Pool]| -> Vec<(Text, u64)> { list.iter().map(|it| (it.driver.clone(), it.devices)).collect() };
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
            && offered(&self.resources) == offered(resources)
            && pooled(&self.pools) == pooled(pools)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::NodeReport;

    /// A node with labels, resources in capacity and PCI ids, in words.
    #[track_caller]
    fn check(labels: &[(&str, &str)], capacity: &[(&str, u64)], pci: Option<&[&str]>, expected: &str) {
        let resources: Vec<(Text, u64)> = capacity.iter().map(|(name, count)| (Text::from(*name), *count)).collect();
        let report = NodeReport {
            labels: labels.iter().copied().collect(),
            capacity: resources.clone(),
            allocatable: resources,
            ..NodeReport::default()
        };
        let features = pci
            .map(|ids| Features { gpus: Some(ids.iter().map(|id| (*id).to_owned()).collect()), ..Features::default() });
        let held = BTreeMap::new();
        let evidence = Evidence { features: features.as_ref(), held: Ok(&held), ..Evidence::default() };
        let found = of(&report, &evidence);
        let count = match &found.count {
            Fact::Known(reading) => format!("{} ({})", reading.value, reading.source),
            Fact::Unknown(unknown) => format!("? ({unknown})"),
        };
        let line = [found.model.text().unwrap_or("?").to_owned(), count, found.division()];
        assert_eq!(line.join(" | ").trim_end_matches([' ', '|']), expected);
    }

    #[test]
    fn what_a_scheduler_offers_several_times_is_one_device() {
        let report = |text: &str| NodeReport {
            capacity: vec![("nvidia.com/gpu".into(), 20)],
            allocatable: vec![("nvidia.com/gpu".into(), 20)],
            registered: Registered::parse(text),
            ..NodeReport::default()
        };
        let entry = "GPU-1,10,81920,100,NVIDIA-NVIDIA H100 80GB HBM3,0,true:GPU-2,10,81920,100,NVIDIA-NVIDIA H100 80GB HBM3,1,true:";
        let json = r#"[{"id":"GPU-1","count":10,"devmem":81920,"devcore":100,"type":"NVIDIA H100 80GB HBM3","health":true},
            {"id":"GPU-2","count":10,"devmem":81920,"devcore":100,"type":"NVIDIA H100 80GB HBM3","health":true}]"#;
        for text in [entry, json] {
            let found = of(&report(text), &Evidence::default());
            assert_eq!(
                (found.count.get(), found.memory_mib.get(), found.model.text()),
                (Some(2), Some(81920), Some("h100"))
            );
            assert_eq!(found.division(), "shared x10");
        }
        for text in ["", ":", "GPU-1,10", "[{}]", "[", "GPU-1,x,1,1,A:"] {
            assert_eq!(Registered::parse(text), None, "{text}");
        }
    }

    const H100: (&str, &str) = ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3");

    #[test]
    fn a_mig_device_is_not_a_gpu() {
        check(
            &[H100, ("nvidia.com/gpu.count", "4"), ("nvidia.com/mig.strategy", "mixed")],
            &[("nvidia.com/gpu", 1), ("nvidia.com/mig-2g.20gb", 9)],
            None,
            "h100 | 4 (label nvidia.com/gpu.count) | MIG 9 x 2g.20gb",
        );
        let sliced = ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb");
        let labels = [sliced, ("nvidia.com/gpu.count", "16"), ("nvidia.com/mig.strategy", "single")];
        let offered = [("nvidia.com/gpu", 16)];
        check(&labels, &offered, None, "h100 | ? (nvidia.com/gpu.count counts MIG devices) | MIG 16 x 3g.40gb");
        let pci = ["2330"; 8];
        check(&labels, &offered, Some(&pci), "h100 | 8 (nodefeature pci.device) | MIG 16 x 3g.40gb");
        check(&[], &[("nvidia.com/mig-1g.5gb", 7)], None, "? | ? (only MIG devices are offered) | MIG 7 x 1g.5gb");
    }

    #[test]
    fn a_replica_is_not_a_gpu() {
        let shared = [("nvidia.com/gpu", 0), ("nvidia.com/gpu.shared", 32)];
        check(
            &[H100, ("nvidia.com/gpu.count", "8")],
            &shared,
            None,
            "h100 | 8 (label nvidia.com/gpu.count) | shared x4",
        );
        check(&[], &shared, None, "? | ? (only replicas of shared GPUs are offered) | shared");
        let sliced = [("nvidia.com/gpu.replicas", "4"), ("nvidia.com/gpu.sharing-strategy", "time-slicing")];
        check(&sliced, &[("nvidia.com/gpu", 8)], None, "? | 2 (node status.capacity) | time-slicing x4");
    }

    #[test]
    fn a_shared_mig_device_is_neither_a_gpu_nor_several_mig_devices() {
        let shared = ("nvidia.com/gpu.replicas", "4");
        let single = ("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED");
        check(
            &[single, ("nvidia.com/gpu.count", "7"), shared],
            &[("nvidia.com/gpu", 28)],
            None,
            "h100 | ? (nvidia.com/gpu.count counts MIG devices) | MIG 7 x 1g.10gb, shared x4",
        );
        check(
            &[H100, ("nvidia.com/gpu.count", "8"), shared],
            &[("nvidia.com/mig-1g.10gb.shared", 224)],
            None,
            "h100 | 8 (label nvidia.com/gpu.count) | MIG 56 x 1g.10gb, shared x4",
        );
        check(
            &[H100, ("nvidia.com/gpu.count", "8"), ("nvidia.com/mig-1g.10gb.replicas", "2")],
            &[("nvidia.com/mig-1g.10gb.shared", 112)],
            None,
            "h100 | 8 (label nvidia.com/gpu.count) | MIG 56 x 1g.10gb, shared x2",
        );
    }

    #[test]
    fn google_labels_say_how_devices_are_divided() {
        let h100 = ("cloud.google.com/gke-accelerator", "nvidia-h100-80gb");
        let sharing = [
            h100,
            ("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"),
            ("cloud.google.com/gke-max-shared-clients-per-gpu", "4"),
        ];
        check(&sharing, &[("nvidia.com/gpu", 32)], None, "h100 | 8 (node status.capacity) | time-slicing x4");
        let parted = [
            ("cloud.google.com/gke-accelerator", "nvidia-tesla-a100"),
            ("cloud.google.com/gke-gpu-partition-size", "1g.5gb"),
        ];
        check(&parted, &[("nvidia.com/gpu", 7)], None, "a100 | ? (only MIG devices are offered) | MIG 7 x 1g.5gb");
    }

    #[test]
    fn a_device_of_another_bus_or_vendor_is_not_a_measured_zero() {
        let gfd = [("nvidia.com/gpu.product", "Orin"), ("nvidia.com/gpu.count", "1")];
        check(&gfd, &[("nvidia.com/gpu", 1)], Some(&[]), "? | 1 (label nvidia.com/gpu.count)");
        check(&[], &[("amd.com/gpu", 8)], Some(&[]), "? | 8 (node status.capacity)");
        let wsl = NodeReport {
            info: super::super::node::NodeInfo {
                kernel: Some("5.15.167.4-microsoft-standard-WSL2".into()),
                ..Default::default()
            },
            ..NodeReport::default()
        };
        let none = Features { gpus: Some(Vec::new()), ..Features::default() };
        let found = of(&wsl, &Evidence { features: Some(&none), ..Evidence::default() });
        assert_eq!((found.count.get(), found.present.get()), (None, None));
    }

    #[test]
    fn resources_under_other_names_are_offered_gpus() {
        for name in ["nvidia.com/gpu", "nvidia.com/a100", "nvidia.com/GH100_H100_SXM5_80GB", "nvidia.com/mig-1g.5gb"] {
            assert!(is_resource(name), "{name}");
        }
        for name in ["nvidia.com/hostdev", "nvidia.com/GH100_H100_NVSWITCH", "nvidia.com/resibp0", "rdma/ib"] {
            assert!(!is_resource(name), "{name}");
        }
        check(&[], &[("nvidia.com/a100", 8)], None, "a100 | 8 (node status.capacity)");
    }

    #[test]
    fn labels_of_pci_devices_and_managed_services_say_what_is_there() {
        let device = [("feature.node.kubernetes.io/pci-10de_2330.present", "true")];
        check(&device, &[], None, "h100 | ? (not labeled)");
        let class = [("feature.node.kubernetes.io/pci-0302_10de_2330.present", "true")];
        check(&class, &[], None, "h100 | ? (not labeled)");
        let of_labels = |labels: &[(&str, &str)]| {
            let report = NodeReport { labels: labels.iter().copied().collect(), ..NodeReport::default() };
            let found = of(&report, &Evidence::default());
            (found.present.get(), found.vendor.text().map(str::to_owned))
        };
        let nvidia = (Some(true), Some("nvidia".to_owned()));
        assert_eq!(of_labels(&[("accelerator", "nvidia")]), nvidia);
        assert_eq!(of_labels(&[("kubernetes.azure.com/accelerator", "nvidia")]), nvidia);
        assert_eq!(of_labels(&[("cloud.google.com/gke-gpu", "true")]), nvidia);
        assert_eq!(of_labels(&[("accelerator", "none")]), (None, None));
        let amd = (Some(true), Some("amd".to_owned()));
        assert_eq!(of_labels(&[("feature.node.kubernetes.io/pci-1200_1002.present", "true")]), amd);
        assert_eq!(of_labels(&[("feature.node.kubernetes.io/pci-0300_1002.present", "true")]), (None, None));
        assert_eq!(of_labels(&[("node.kubernetes.io/instance-type", "Standard_ND96isr_MI300X_v5")]), amd);
    }

    #[test]
    fn without_an_operator_clouds_and_pci_labels_say_that_a_gpu_is_there() {
        let eks = [("node.kubernetes.io/instance-type", "p5.48xlarge")];
        check(&eks, &[], None, "h100 | 8 (label node.kubernetes.io/instance-type)");
        let present = |labels: &[(&str, &str)]| {
            let report = NodeReport { labels: labels.iter().copied().collect(), ..NodeReport::default() };
            of(&report, &Evidence::default()).present.get()
        };
        assert_eq!(present(&[("feature.node.kubernetes.io/pci-0302_10de.present", "true")]), Some(true));
        assert_eq!(present(&[("feature.node.kubernetes.io/pci-0300_10de_2684.present", "true")]), Some(true));
        assert_eq!(present(&[("feature.node.kubernetes.io/pci-0680_10de.present", "true")]), None);
        assert_eq!(present(&[("feature.node.kubernetes.io/pci-0200_15b3.present", "true")]), None);
        assert_eq!(present(&[]), None, "nothing looked, so nothing is known");
    }

    #[test]
    fn zero_is_reported_only_where_it_was_counted() {
        check(&[], &[], Some(&[]), "? | 0 (nodefeature pci.device)");
        check(&[], &[("nvidia.com/gpu", 0)], None, "? | ? (not labeled)");
        check(&[], &[], None, "? | ? (not labeled)");
    }

    #[test]
    fn devices_of_a_driver_are_counted_as_gpus_once() {
        let device = |name: &str, attributes: &[(&str, &str)]| Device {
            name: name.into(),
            driver: "gpu.nvidia.com".into(),
            attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ..Device::default()
        };
        let devices = [
            device("gpu-0", &[("type", "gpu"), ("uuid", "A"), ("productName", "NVIDIA GB300")]),
            device("gpu-1-mig-0", &[("type", "mig"), ("parentUUID", "B")]),
            device("gpu-1-mig-1", &[("type", "mig"), ("parentUUID", "B")]),
            device("gpu-0-mig-0", &[("type", "mig"), ("parentUUID", "A")]),
        ];
        let allocated = BTreeMap::from([("gpu.nvidia.com".to_owned(), 3)]);
        let evidence = Evidence { devices: devices.iter().collect(), allocated: Ok(&allocated), ..Evidence::default() };
        let found = of(&NodeReport::default(), &evidence);
        assert_eq!((found.count.get(), found.model.text(), found.free()), (Some(2), Some("gb300"), Some((Some(1), 4))));
        let part = |name: &str| device(name, &[("type", "mig"), ("parentUUID", "A"), ("profile", "1g.10gb")]);
        let parts = [part("a"), part("b")];
        let found = of(&NodeReport::default(), &Evidence { devices: parts.iter().collect(), ..Evidence::default() });
        assert_eq!((found.count.get(), &*found.division()), (Some(1), "MIG 2 x 1g.10gb"));
    }

    #[test]
    fn a_virtual_node_offers_a_quota_and_has_no_hardware() {
        let report = NodeReport {
            labels: [("type", "virtual-kubelet")].into_iter().collect(),
            capacity: vec![("nvidia.com/gpu".into(), 100)],
            ..NodeReport::default()
        };
        let found = of(&report, &Evidence::default());
        assert_eq!((found.count.get(), found.has_any()), (None, false));
    }

    #[test]
    fn several_models_in_one_machine_are_named() {
        check(&[], &[], Some(&["20b2", "233b"]), "? | 2 (nodefeature pci.device)");
        let features = Features { gpus: Some(vec!["20b2".into(), "233b".into()]), ..Features::default() };
        let evidence = Evidence { features: Some(&features), ..Evidence::default() };
        let unknown = of(&NodeReport::default(), &evidence).model.unknown().map(ToString::to_string);
        assert_eq!(unknown.as_deref(), Some("several models in one machine: a100, h200"));
    }
}
