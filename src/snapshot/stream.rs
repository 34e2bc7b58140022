//! The snapshot file as a stream: the same document as `format::to_value`, of which only a piece is in memory at a time.

use super::{format, record, topology};
use crate::{
    document::header::{self, Edition},
    fingerprint,
    inventory::{Inventory, Measurement},
    yaml::stream::Stream,
};
use serde_json::json;

/// The document with its fingerprint; `yaml::write` or a serializer writes it.
pub fn stream(inventory: &Inventory, edition: Edition) -> Stream<'_> {
    // What was read from a file is in memory anyhow.
    if inventory.record.is_some() {
        return Stream::Whole(format::to_value(inventory, edition));
    }
    let mut measurements = record::measurements_with(inventory, Vec::new());
    measurements.sort_by_key(|measurement| format::rank(&measurement.kind));
    let measurements = measurements.into_iter().map(|measurement| {
        let Measurement { kind, subtypes } = measurement;
        let is_of_nodes = kind == topology::KIND && inventory.source_node().is_some();
        let of_nodes = if is_of_nodes { topology::streams(&inventory.nodes) } else { Vec::new() };
        let of_cluster = subtypes.into_iter().map(|subtype| Stream::Whole(format::subtype_value(&subtype)));
        let subtypes: Vec<Stream<'_>> = of_nodes.into_iter().chain(of_cluster).collect();
        let mut fields = Vec::new();
        if !subtypes.is_empty() {
            fields.push(("subtypes".into(), Stream::list(subtypes)));
        }
        fields.push(("type".into(), Stream::Whole(kind.into())));
        Stream::map(fields)
    });
    let whole = |value| Stream::Whole(value);
    Stream::map([
        ("apiVersion".into(), whole(format::api_version(edition).into())),
        ("fingerprint".into(), whole(fingerprint::to_value(&fingerprint::of(inventory)))),
        ("kind".into(), whole(header::SNAPSHOT.kind.into())),
        ("measurements".into(), Stream::list(measurements)),
        ("metadata".into(), whole(json!(record::metadata(inventory)))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::{
            Item, Scalar, Subtype, Text,
            node::{self, Evidence, NodeReport, Taint},
        },
        yaml::{self, stream::Serialized},
    };
    use std::{collections::BTreeMap, sync::Arc};

    #[track_caller]
    fn check(inventory: &Inventory) {
        check_edition(inventory, Edition::V1);
        check_edition(inventory, Edition::default());
    }

    #[track_caller]
    fn check_edition(inventory: &Inventory, edition: Edition) {
        let whole = format::to_value(inventory, edition);
        let mut text = String::new();
        yaml::write(&mut text, stream(inventory, edition)).expect("a text takes everything");
        assert_eq!(text, yaml::to_string(&whole));
        let written = |value: &dyn erased::Pretty| value.pretty();
        assert_eq!(written(&Serialized::from(stream(inventory, edition))), written(&whole));
    }

    mod erased {
        pub trait Pretty {
            fn pretty(&self) -> String;
        }

        impl<T: serde::Serialize> Pretty for T {
            fn pretty(&self) -> String {
                serde_json::to_string_pretty(self).expect("keys are texts")
            }
        }
    }

    fn cluster(nodes: usize) -> Inventory {
        let node = |index: usize| {
            let name = format!("gpu-{index:04}");
            let long = format!("example.com/{}", "x".repeat(120));
            let labels = [
                ("kubernetes.io/hostname", name.as_str()),
                ("nvidia.com/gpu.product", if index.is_multiple_of(3) { "NVIDIA-H100" } else { "NVIDIA-A100" }),
                // Two entries that read alike in the first form.
                ("a", if index.is_multiple_of(2) { "b" } else { "c" }),
                ("a.b", "1"),
                ("empty", ""),
                (long.as_str(), "on"),
            ];
            let taint = Taint { key: "nvidia.com/gpu".into(), value: "".into(), effect: "NoSchedule".into() };
            let report = NodeReport {
                name: Text::from(&*name),
                labels: labels.into_iter().collect(),
                taints: if index.is_multiple_of(2) { vec![taint] } else { Vec::new() },
                capacity: vec![("nvidia.com/gpu".into(), 8)],
                ..NodeReport::default()
            };
            Arc::new(node::of(&report, &Evidence::default()))
        };
        Inventory { nodes: (0..nodes).map(node).collect(), ..Inventory::default() }
    }

    #[test]
    fn a_stream_is_the_same_text_as_the_whole_document() {
        for nodes in [0, 1, 2, 7, 300] {
            check(&cluster(nodes));
        }
    }

    #[test]
    fn readings_of_collectors_and_files_are_in_the_stream() {
        let item = Item { context: BTreeMap::from([("k".into(), "v\nw".into())]), data: BTreeMap::new() };
        let subtype = |name: &str| Subtype { items: vec![item.clone()], ..Subtype::of(name, BTreeMap::new()) };
        let measurement =
            |kind: &str| Measurement { kind: kind.into(), subtypes: vec![subtype("one"), subtype("two")] };
        let mut inventory = cluster(3);
        inventory.readings = vec![measurement("NodeTopology"), measurement("K8s"), measurement("NetworkTopology")];
        inventory.policy = BTreeMap::from([("driver.version".into(), "580".into())]);
        check(&inventory);
        check(&Inventory { nodes: Vec::new(), ..inventory.clone() });
        let count = BTreeMap::from([("rail".into(), Scalar::count(0))]);
        inventory.readings.push(Measurement { kind: "SystemD".into(), subtypes: vec![Subtype::of("x", count)] });
        let file = yaml::to_string(&format::to_value(&inventory, Edition::V1));
        check(&format::read(&file).expect("our own file"));
    }
}
