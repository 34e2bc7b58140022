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
pub fn is_resource(name: &str) -> bool {
    let nvidia = name.strip_prefix("nvidia.com/").is_some_and(|rest| {
        rest == "gpu" || rest.starts_with("gpu.") || rest.starts_with("mig-") || rest.starts_with("gpu-")
    });
    nvidia
        || name == "amd.com/gpu"
        || name.starts_with("gpu.intel.com/")
        || name == "habana.ai/gaudi"
        || name.starts_with("aws.amazon.com/neuron")
        || name == "google.com/tpu"
}

const PRODUCT: &str = "nvidia.com/gpu.product";
const COUNT: &str = "nvidia.com/gpu.count";
const REPLICAS: &str = "nvidia.com/gpu.replicas";
const MIG_STRATEGY: &str = "nvidia.com/mig.strategy";
const SHARING: &str = "nvidia.com/gpu.sharing-strategy";
/// NVIDIA's PCI vendor id, and the classes of display and 3D controllers.
const PCI_VENDOR: &str = "10de";

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
    let product = product(labels, evidence);
    let mig = mig(labels, product.text(), &resources);
    let count = count(labels, evidence, product.text(), &resources);
    let driver = driver(labels, evidence);
    let model = model(evidence.features, &product);
    let vendor = vendor(labels, &resources, &product, evidence);
    Accelerators {
        present: present(labels, evidence, &product, &count, &resources),
        vendor,
        model,
        memory_mib: memory(labels, evidence, product.text()),
        driver_loaded: driver_loaded(evidence.features, &driver),
        cuda: cuda(labels, evidence),
        architecture: attribute(evidence, "architecture").or_else(|| label(labels, "nvidia.com/gpu.family")),
        sharing: sharing(labels, &resources, &count),
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

/// The model by PCI id, which no configuration can change; else by the product text.
fn model(features: Option<&Features>, product: &Fact<Text>) -> Fact<Text> {
    let ids = features.and_then(|features| features.gpus.as_deref()).unwrap_or_default();
    let mut models: Vec<&'static str> =
        ids.iter().filter_map(|id| accelerators::by_pci(id)).map(|row| row.name).collect();
    models.sort_unstable();
    models.dedup();
    match models.as_slice() {
        [model] => return Fact::known(Text::from(*model), Source::of(Object::NodeFeature, "pci.device")),
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
fn profile_of(product: &str) -> Option<&str> {
    product.split_once("-MIG-").map(|(_, profile)| profile)
}

fn count(labels: &Labels, evidence: &Evidence<'_>, product: Option<&str>, resources: &[Resource]) -> Fact<u64> {
    if let Some(gpus) = evidence.features.and_then(|features| features.gpus.as_ref()) {
        return Fact::known(gpus.len() as u64, Source::of(Object::NodeFeature, "pci.device"));
    }
    let sliced = product.and_then(profile_of).is_some();
    if !sliced && let Some(count) = labels.number(COUNT) {
        return Fact::known(count, Source::label(COUNT));
    }
    let dra = gpus_of(&evidence.devices);
    if dra > 0 {
        return Fact::known(dra, Source::of(Object::ResourceSlice, "devices"));
    }
    if let by_cloud @ Fact::Known(_) = machine::count(labels) {
        return by_cloud;
    }
    let why = if sliced {
        "nvidia.com/gpu.count counts MIG devices"
    } else if resources.iter().any(|resource| resource.name.ends_with(".shared") && resource.capacity > 0) {
        "only replicas of shared GPUs are offered"
    } else if resources.iter().any(|resource| resource.name.starts_with("nvidia.com/mig-") && resource.capacity > 0) {
        "only MIG devices are offered"
    } else {
        return offered(labels, resources);
    };
    Fact::Unknown(Unknown::Unclear(Cow::Borrowed(why)))
}

/// Whole devices that a device plugin offers, each of which may be offered several times.
fn offered(labels: &Labels, resources: &[Resource]) -> Fact<u64> {
    let whole = ["nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi", "google.com/tpu"];
    let found = resources.iter().find(|resource| whole.contains(&&*resource.name) && resource.capacity > 0);
    let replicas = labels.number(REPLICAS).unwrap_or(1).max(1);
    match found {
        Some(resource) => Fact::known(resource.capacity / replicas, Source::node("status.capacity")),
        None => Fact::Unknown(Unknown::NotLabeled),
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
    match pci_label(labels) {
        Some(key) => Fact::known(true, Source { object: Object::Label, field: Cow::Owned(key) }),
        None => Fact::Unknown(Unknown::NotLabeled),
    }
}

/// A label of node feature discovery that says that a GPU is plugged in: by vendor alone (`pci-10de.present`), or by
/// class and vendor, with or without the device, where only display and 3D controllers count.
fn pci_label(labels: &Labels) -> Option<String> {
    const PREFIX: &str = "feature.node.kubernetes.io/pci-";
    let is_gpu = |name: &str| {
        let parts: Vec<&str> = name.split('_').collect();
        match parts.as_slice() {
            [vendor] => *vendor == PCI_VENDOR,
            [class, vendor, ..] => matches!(*class, "0300" | "0302") && [PCI_VENDOR, "1002"].contains(vendor),
            [] => false,
        }
    };
    let found = labels
        .below(PREFIX)
        .find(|(rest, value)| ***value == *"true" && rest.strip_suffix(".present").is_some_and(is_gpu));
    found.map(|(rest, _)| format!("{PREFIX}{rest}"))
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
        // Clouds name the models of this vendor without their maker.
        return Fact::known(vendor.unwrap_or("nvidia").into(), source.clone());
    }
    if evidence.features.and_then(|features| features.gpus.as_ref()).is_some_and(|gpus| !gpus.is_empty()) {
        return Fact::known("nvidia".into(), Source::of(Object::NodeFeature, "pci.device"));
    }
    match pci_label(labels) {
        Some(key) => {
            let vendor = if key.contains("_1002") { "amd" } else { "nvidia" };
            Fact::known(vendor.into(), Source { object: Object::Label, field: Cow::Owned(key) })
        }
        None => Fact::Unknown(Unknown::NotLabeled),
    }
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

fn mig(labels: &Labels, product: Option<&str>, resources: &[Resource]) -> Option<Mig> {
    let mut profiles: BTreeMap<Text, u64> = BTreeMap::new();
    for resource in resources {
        if let Some(profile) = resource.name.strip_prefix("nvidia.com/mig-").filter(|_| resource.capacity > 0) {
            profiles.insert(profile.into(), resource.capacity);
        }
    }
    let sliced = product.and_then(profile_of);
    if let Some(profile) = sliced {
        let offered =
            resources.iter().find(|resource| &*resource.name == "nvidia.com/gpu").map(|resource| resource.capacity);
        profiles.insert(profile.into(), offered.or_else(|| labels.number(COUNT)).unwrap_or(0));
    }
    let strategy = labels.text(MIG_STRATEGY).filter(|strategy| &***strategy != "none" && !profiles.is_empty());
    let fallback = if sliced.is_some() { "single" } else { "mixed" };
    (!profiles.is_empty()).then(|| Mig { strategy: strategy.cloned().unwrap_or_else(|| fallback.into()), profiles })
}

fn sharing(labels: &Labels, resources: &[Resource], count: &Fact<u64>) -> Option<Sharing> {
    let strategy = labels.text(SHARING).filter(|strategy| &***strategy != "none").cloned();
    let labeled = labels.number(REPLICAS).filter(|replicas| *replicas > 1);
    let renamed = resources.iter().find(|resource| resource.name.ends_with(".shared") && resource.capacity > 0);
    let suffix = labels.text(PRODUCT).is_some_and(|product| product.ends_with("-SHARED"));
    if strategy.is_none() && labeled.is_none() && renamed.is_none() && !suffix {
        return None;
    }
    // The resource's own number is what is offered; a label may be older than it.
    let by_resource =
        renamed.zip(count.get()).filter(|(_, count)| *count > 0).map(|(resource, count)| resource.capacity / count);
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
        let what = profile_of(what).map_or(what, |profile| what.trim_end_matches(profile).trim_end_matches("-MIG-"));
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
