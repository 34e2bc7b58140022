//! What node feature discovery found on each node: PCI devices, loaded modules, the distribution.
//!
//! Objects of its workers carry the label of their node. Of the PCI devices only NVIDIA's display and 3D controllers are
//! kept; module lists that nodes share are kept once.

use super::{Collector, Update, list};
use crate::{
    cluster::{
        ClusterError, ClusterErrorKind, Connection,
        decode::{self, Meta},
    },
    inventory::node::Features,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const NAME: &str = "features";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list nodefeatures.nfd.k8s-sigs.io",
    concerns_nodes: true,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Deserialize)]
struct Object {
    metadata: Meta,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    features: Found,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    #[serde(deserialize_with = "decode::nullable")]
    flags: BTreeMap<String, Flags>,
    #[serde(deserialize_with = "decode::nullable")]
    attributes: BTreeMap<String, Attributes>,
    #[serde(deserialize_with = "decode::nullable")]
    instances: BTreeMap<String, Instances>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Flags {
    #[serde(deserialize_with = "decode::nullable")]
    elements: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    #[serde(deserialize_with = "decode::nullable")]
    elements: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Instances {
    #[serde(deserialize_with = "decode::nullable")]
    elements: Vec<Instance>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Instance {
    #[serde(deserialize_with = "decode::nullable")]
    attributes: BTreeMap<String, String>,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let mut modules = BTreeSet::new();
    let doing = "list nodefeatures.nfd.k8s-sigs.io";
    let path = "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeatures";
    let listed = match list::all(connection, doing, path, |object| features(object, &mut modules)).await {
        Err(error) if error.kind == ClusterErrorKind::NotFound => {
            let path = "/apis/nfd.openshift.io/v1alpha1/nodefeatures";
            list::all(connection, doing, path, |object| features(object, &mut modules)).await?
        }
        answer => answer?,
    };
    let features = listed.items.into_iter().flatten().map(|features| (features.node.clone(), features)).collect();
    Ok(Box::new(move |parts| parts.features = features))
}

/// `None` for an object that some other program wrote for a node: it names labels, not what the node has.
fn features(object: Object, modules: &mut BTreeSet<Arc<BTreeSet<String>>>) -> Option<Features> {
    let Object { metadata, spec: Spec { features: mut found } } = object;
    let node = metadata.labels.get("nfd.node.kubernetes.io/node-name").cloned().unwrap_or(metadata.name);
    let loaded = found
        .flags
        .remove("kernel.loadedmodule")
        .map(|flags| -> BTreeSet<String> { flags.elements.into_keys().collect() });
    let gpus = found.instances.remove("pci.device").and_then(|pci| gpus(&pci.elements));
    let os_release = found.attributes.remove("system.osrelease").unwrap_or_default().elements;
    if gpus.is_none() && loaded.is_none() && os_release.is_empty() {
        return None;
    }
    let loaded = loaded.map(|loaded| match modules.get(&loaded) {
        Some(known) => Arc::clone(known),
        None => {
            let new = Arc::new(loaded);
            modules.insert(Arc::clone(&new));
            new
        }
    });
    Some(Features { node, gpus, modules: loaded, os_release: Arc::new(os_release) })
}

/// The device ids of NVIDIA's display (0300) and 3D controllers (0302). None where there are none and accelerators of
/// another maker are there: then the node is not one without.
fn gpus(instances: &[Instance]) -> Option<Vec<String>> {
    let of = |instance: &Instance, key: &str| {
        let text = instance.attributes.get(key).map(|text| text.trim_start_matches("0x").to_ascii_lowercase());
        text.unwrap_or_default()
    };
    let is_ours = |instance: &&Instance| of(instance, "vendor") == "10de";
    let ours = instances.iter().filter(is_ours).filter(|it| matches!(&*of(it, "class"), "0300" | "0302"));
    let ids: Vec<String> = ours.map(|instance| of(instance, "device")).collect();
    // A plain display controller is in every server.
    let accelerates = |instance: &Instance| matches!(&*of(instance, "class"), "0302" | "0380" | "1200");
    let others = instances.iter().any(|instance| !is_ours(&instance) && accelerates(instance));
    (!ids.is_empty() || !others).then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_worker_object_reveals_gpus_modules_and_distribution() {
        let object: Object = serde_json::from_value(json!({
            "metadata": {"name": "x", "labels": {"nfd.node.kubernetes.io/node-name": "gpu-1"}},
            "spec": {"features": {
                "flags": {"kernel.loadedmodule": {"elements": {"nvidia": {}, "overlay": {}}}},
                "attributes": {"system.osrelease": {"elements": {"ID": "ubuntu"}}},
                "instances": {"pci.device": {"elements": [
                    {"attributes": {"class": "0302", "vendor": "10de", "device": "20B0"}},
                    {"attributes": {"class": "0680", "vendor": "10de", "device": "1af1"}},
                    {"attributes": {"class": "0200", "vendor": "15b3", "device": "101e"}}]}}}}
        }))
        .expect("an object");
        let kept = features(object, &mut BTreeSet::new()).expect("features");
        assert_eq!((kept.node.as_str(), kept.gpus), ("gpu-1", Some(vec!["20b0".to_owned()])));
        assert!(kept.modules.is_some_and(|modules| modules.contains("nvidia")));
        assert_eq!(kept.os_release["ID"], "ubuntu");
    }

    #[test]
    fn accelerators_of_another_maker_are_not_none() {
        let instance = |class: &str, vendor: &str| Instance {
            attributes: [("class", class), ("vendor", vendor), ("device", "1")]
                .map(|(key, text)| (key.to_owned(), text.to_owned()))
                .into(),
        };
        let (ours, bmc, amd) = (instance("0302", "10de"), instance("0300", "1a03"), instance("1200", "0x1002"));
        assert_eq!(gpus(&[bmc]), Some(vec![]));
        assert_eq!(gpus(std::slice::from_ref(&amd)), None);
        assert_eq!(gpus(&[ours, amd]), Some(vec!["1".to_owned()]));
    }

    #[test]
    fn labels_that_others_want_are_no_finding() {
        let object = serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": {"labels": {"a": "b"}}}));
        assert_eq!(features(object.expect("an object"), &mut BTreeSet::new()), None);
    }
}
