//! The `GPU` measurement of one node, without an agent.
//!
//! Sources in the order in which they are believed: PCI devices of node feature discovery, labels of GPU feature
//! discovery, devices of a DRA driver, what the device plugin offers. Each answers what it can; the first that knows the
//! GPUs names `detection-source`.

use super::{features::Features, slices::Device};
use crate::{
    accelerators,
    cluster::prune::Node,
    snapshot::{Measurement, Reading, Subtype},
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that sources said of one node.
pub struct Seen<'f> {
    pub node: &'f Node,
    pub features: Option<&'f Features>,
    pub devices: Vec<&'f Device>,
}

impl Seen<'_> {
    fn label(&self, key: &str) -> Option<&str> {
        self.node.row.labels.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.devices.iter().find_map(|device| device.attributes.get(name)).map(String::as_str)
    }

    fn dra_gpus(&self) -> usize {
        self.devices.iter().filter(|device| device.attributes.get("type").is_none_or(|kind| kind == "gpu")).count()
    }

    /// Count and the source that gave it; `None` when no source looked for GPUs.
    fn count(&self) -> Option<(u64, &'static str)> {
        if let Some(gpus) = self.features.and_then(|features| features.gpus.as_ref()) {
            return Some((gpus.len() as u64, "nodefeature"));
        }
        if let Some(count) = self.label("nvidia.com/gpu.count").and_then(|text| text.parse().ok()) {
            return Some((count, "gfd"));
        }
        if self.dra_gpus() > 0 {
            return Some((self.dra_gpus() as u64, "dra"));
        }
        let replicas = self.label("nvidia.com/gpu.replicas").and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
        self.node.row.gpu_capacity.map(|capacity| (capacity / replicas.max(1), "capacity"))
    }

    fn product(&self) -> Option<&str> {
        self.label("nvidia.com/gpu.product").or_else(|| self.attribute("productName"))
    }

    fn model(&self) -> Option<&'static str> {
        let ids = self.features.and_then(|features| features.gpus.as_ref());
        let models: BTreeSet<&'static str> =
            ids.into_iter().flatten().filter_map(|id| accelerators::by_pci(id)).map(|known| known.name).collect();
        match models.len() {
            0 => self.product().and_then(accelerators::by_product).map(|known| known.name),
            1 => models.first().copied(),
            _ => None,
        }
    }

    fn driver(&self) -> Option<&str> {
        self.node.row.gpu_driver.as_deref().or_else(|| self.attribute("driverVersion"))
    }

    fn driver_is_loaded(&self) -> bool {
        // Driver version and DRA devices are published only by what has talked to a working driver.
        self.features.is_some_and(|features| features.modules.contains("nvidia")) || self.driver().is_some()
    }

    fn cuda(&self) -> Option<String> {
        let full = self.label("nvidia.com/cuda.runtime-version.full").or_else(|| self.attribute("cudaDriverVersion"));
        full.map(str::to_owned).or_else(|| {
            let part = |name: &str| self.label(&format!("nvidia.com/cuda.runtime.{name}"));
            Some(format!("{}.{}", part("major")?, part("minor")?))
        })
    }

    /// Whether any source says that the node has a GPU.
    pub fn has_gpu(&self) -> bool {
        let present = ["nvidia.com/gpu.present", "feature.node.kubernetes.io/pci-10de.present"];
        self.count().is_some_and(|(count, _)| count > 0)
            || self.product().is_some()
            || present.into_iter().any(|key| self.label(key) == Some("true"))
    }
}

/// `hardware`, and `smi` where a driver was seen.
pub fn measure(seen: &Seen) -> Measurement {
    let mut subtypes = Vec::new();
    let (count, source) = seen.count().unwrap_or((u64::from(seen.has_gpu()), "labels"));
    let mut hardware = BTreeMap::from([
        ("gpu-present".to_owned(), Reading::Bool(seen.has_gpu())),
        ("gpu-count".to_owned(), number(count)),
        ("driver-loaded".to_owned(), Reading::Bool(seen.driver_is_loaded())),
        ("detection-source".to_owned(), Reading::Text(source.to_owned())),
    ]);
    put(&mut hardware, "model", seen.model());
    subtypes.push(Subtype { name: "hardware".to_owned(), data: hardware, ..Subtype::default() });

    let mut smi = BTreeMap::new();
    put(&mut smi, "driver", seen.driver());
    put(&mut smi, "cuda-version", seen.cuda());
    put(&mut smi, "gpu.model", seen.product());
    put(&mut smi, "gpu.product-architecture", seen.attribute("architecture").or(seen.label("nvidia.com/gpu.family")));
    put(&mut smi, "gpu.addressing-mode", seen.attribute("addressingMode"));
    if let Some(mebibytes) = seen.node.row.gpu_memory_mib {
        smi.insert("gpu.memory-mib".to_owned(), number(mebibytes));
    }
    if !smi.is_empty() {
        smi.insert("gpu-count".to_owned(), number(count));
        subtypes.push(Subtype { name: "smi".to_owned(), data: smi, ..Subtype::default() });
    }
    Measurement { kind: "GPU".to_owned(), subtypes }
}

pub fn put(data: &mut BTreeMap<String, Reading>, key: &str, value: Option<impl Into<String>>) {
    if let Some(value) = value {
        data.insert(key.to_owned(), Reading::Text(value.into()));
    }
}

pub fn number(value: u64) -> Reading {
    i64::try_from(value).map_or(Reading::UInt(value), Reading::Int)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::nodes::NodeRow;

    /// The readings of a node with these labels and PCI ids, one `key=value` after the other.
    #[track_caller]
    fn check(labels: &[(&str, &str)], pci: Option<&[&str]>, capacity: Option<u64>, expected: &str) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut row = NodeRow { labels, ..NodeRow::default() };
        crate::snapshot::nodes::from_labels(&mut row);
        row.gpu_capacity = capacity;
        let node = Node { row, ..Node::default() };
        let features = pci
            .map(|ids| Features { gpus: Some(ids.iter().map(|id| (*id).to_owned()).collect()), ..Features::default() });
        let measured = measure(&Seen { node: &node, features: features.as_ref(), devices: Vec::new() });
        let line: Vec<String> = measured
            .subtypes
            .iter()
            .flat_map(|subtype| subtype.data.iter().map(|(key, value)| format!("{}.{key}={value}", subtype.name)))
            .collect();
        assert_eq!(line.join(" "), expected);
    }

    #[test]
    fn a_node_without_any_mark_has_no_gpu() {
        let expected = "hardware.detection-source=labels hardware.driver-loaded=false hardware.gpu-count=0 hardware.gpu-present=false";
        check(&[], None, None, expected);
    }

    #[test]
    fn labels_of_gpu_feature_discovery_tell_model_driver_and_memory() {
        check(
            &[
                ("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB"),
                ("nvidia.com/gpu.count", "1"),
                ("nvidia.com/gpu.memory", "40960"),
                ("nvidia.com/cuda.driver-version.full", "580.105.08"),
                ("nvidia.com/cuda.runtime.major", "13"),
                ("nvidia.com/cuda.runtime.minor", "0"),
            ],
            None,
            Some(1),
            "hardware.detection-source=gfd hardware.driver-loaded=true hardware.gpu-count=1 hardware.gpu-present=true \
             hardware.model=a100 smi.cuda-version=13.0 smi.driver=580.105.08 smi.gpu-count=1 smi.gpu.memory-mib=40960 \
             smi.gpu.model=NVIDIA-A100-SXM4-40GB",
        );
    }

    #[test]
    fn pci_devices_are_believed_first_and_mixed_models_named_by_none() {
        check(
            &[],
            Some(&["20b0", "2330"]),
            Some(7),
            "hardware.detection-source=nodefeature hardware.driver-loaded=false hardware.gpu-count=2 hardware.gpu-present=true",
        );
    }

    #[test]
    fn shared_gpus_are_counted_once() {
        check(
            &[("nvidia.com/gpu.replicas", "4")],
            None,
            Some(8),
            "hardware.detection-source=capacity hardware.driver-loaded=false hardware.gpu-count=2 hardware.gpu-present=true",
        );
    }
}
