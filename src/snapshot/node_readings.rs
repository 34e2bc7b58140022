//! The readings that the reference takes on one node: `K8s.node`, `GPU.*` and `OS.*`, from the facts of any node.

use crate::inventory::{Fact, Node, Object, Scalar, Text, service};
use std::collections::BTreeMap;

type Data = BTreeMap<String, Scalar>;

/// Measurement type, subtype, and what a node tells of it.
type Table = (&'static str, &'static str, fn(&Node) -> Data);

/// Every subtype that describes one node, in the order of the file.
pub(super) const ALL: [Table; 7] = [
    ("K8s", "node", kubernetes),
    ("GPU", "hardware", hardware),
    ("GPU", "smi", smi),
    ("OS", "sysctl", sysctl),
    ("OS", "kmod", modules),
    ("OS", "release", release),
    ("OS", "extensions", extensions),
];

/// Whether readings of this subtype belong to a node, rather than to the cluster.
pub(super) fn is_of_node(kind: &str, subtype: &str) -> bool {
    matches!(kind, "GPU" | "OS" | "SystemD") || (kind, subtype) == ("K8s", "node")
}

/// One reading of one node; `None` where the facts of the node do not hold it.
pub fn reading(node: &Node, kind: &str, subtype: &str, key: &str) -> Option<Scalar> {
    if (kind, subtype) == ("OS", "kmod") {
        // A list of what is loaded says of every module whether it is.
        return node.modules.value().map(|names| Scalar::Bool(names.contains(key)));
    }
    let (_, _, read) = ALL.into_iter().find(|(own, name, _)| (*own, *name) == (kind, subtype))?;
    read(node).remove(key)
}

fn put(data: &mut Data, key: &str, value: Option<impl Into<String>>) {
    if let Some(value) = value {
        data.insert(key.to_owned(), Scalar::Text(value.into()));
    }
}

fn kubernetes(node: &Node) -> Data {
    let mut data = Data::new();
    put(&mut data, "source-node", Some(&*node.name));
    put(&mut data, "provider-id", node.provider_id.text());
    put(&mut data, "provider", node.provider_id.text().map(service::of_provider));
    put(&mut data, "container-runtime-id", node.runtime.text());
    if let Some((name, version)) = node.runtime.text().and_then(|runtime| runtime.split_once("://")) {
        put(&mut data, "container-runtime-name", Some(name));
        put(&mut data, "container-runtime-version", Some(version));
    }
    put(&mut data, "kubelet-version", node.kubelet.text());
    put(&mut data, "kernel-version", node.kernel.text());
    put(&mut data, "operating-system", node.os.family.text());
    put(&mut data, "os-image", node.os.image.text());
    data
}

fn hardware(node: &Node) -> Data {
    let gpus = &node.accelerators;
    let mut data = Data::new();
    if let Some(present) = gpus.present.get() {
        data.insert("gpu-present".to_owned(), Scalar::Bool(present));
    }
    if let Some(count) = gpus.count.get() {
        data.insert("gpu-count".to_owned(), Scalar::count(count));
    }
    if let Some(loaded) = gpus.driver_loaded.get() {
        data.insert("driver-loaded".to_owned(), Scalar::Bool(loaded));
    }
    let detected = gpus.count.source().or(gpus.present.source()).map(|source| match (source.object, &*source.field) {
        (Object::NodeFeature, _) => "nodefeature",
        (Object::ResourceSlice, _) => "dra",
        (Object::Label, field) if field.starts_with("nvidia.com/") => "gfd",
        (Object::Label, _) => "labels",
        (Object::Node, _) => "capacity",
        _ => "snapshot",
    });
    put(&mut data, "detection-source", detected);
    put(&mut data, "model", gpus.model.text());
    data
}

fn smi(node: &Node) -> Data {
    let gpus = &node.accelerators;
    let mut data = Data::new();
    put(&mut data, "driver", gpus.driver.text());
    put(&mut data, "cuda-version", gpus.cuda.text());
    put(&mut data, "gpu.model", gpus.product.text());
    put(&mut data, "gpu.product-architecture", gpus.architecture.text());
    if let Some(memory) = gpus.memory_mib.get() {
        data.insert("gpu.memory-mib".to_owned(), Scalar::count(memory));
    }
    if let Some(count) = gpus.count.get().filter(|_| !data.is_empty()) {
        data.insert("gpu-count".to_owned(), Scalar::count(count));
    }
    data
}

fn sysctl(node: &Node) -> Data {
    let mut data = Data::new();
    put(&mut data, "/proc/sys/kernel/osrelease", node.kernel.text());
    put(&mut data, "/proc/sys/kernel/random/boot_id", node.boot_id.text());
    put(&mut data, "/proc/sys/kernel/hostname", node.labels.get("kubernetes.io/hostname").map(|name| &**name));
    put(&mut data, "/proc/sys/vm/nr_hugepages", node.huge_pages.get().map(|pages| pages.to_string()));
    data
}

fn modules(node: &Node) -> Data {
    let names = node.modules.value().into_iter().flat_map(|names| names.iter());
    names.map(|name| (name.clone(), Scalar::Bool(true))).collect()
}

fn release(node: &Node) -> Data {
    let mut data: Data = match node.os_release.value() {
        Some(fields) => fields.iter().map(|(key, value)| (key.clone(), Scalar::Text(value.clone()))).collect(),
        None => Data::new(),
    };
    let mut add = |key: &str, fact: &Fact<Text>| {
        if !data.contains_key(key) {
            put(&mut data, key, fact.text());
        }
    };
    add("ID", &node.os.id);
    add("VERSION_ID", &node.os.version);
    add("PRETTY_NAME", &node.os.image);
    data
}

fn extensions(node: &Node) -> Data {
    let found = node.labels.below("extensions.talos.dev/");
    found.map(|(name, version)| (name.to_owned(), Scalar::Text(version.to_string()))).collect()
}
