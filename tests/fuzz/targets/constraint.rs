//! Any path and expression (two lines) on a small snapshot: always a verdict.
#![no_main]

use aicr::{
    inventory::{Inventory, Item, Measurement, Record, Scalar, Subtype},
    snapshot,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let (Some(path), Some(expression)) = (lines.next(), lines.next()) else { return };
    let reading = lines.next().unwrap_or("v1.34.0").to_owned();
    let _ = aicr::constraint::judge("K8s.server.version", expression, &cluster(reading.clone()));
    let _ = aicr::constraint::judge(path, expression, &cluster(reading.clone()));
    // Over node sets, on labels as a stranger's file has them.
    let labels = [("cloud.google.com/gke-accelerator".to_owned(), Scalar::Text(format!("x|{reading}")))];
    let label = Subtype::of("label", labels.into());
    let measurements = vec![Measurement { kind: "NodeTopology".into(), subtypes: vec![label] }];
    let nodes = snapshot::inventory(Record { measurements, ..Record::default() });
    let _ = aicr::constraint::judge(snapshot::address::GPU_NODE_LABEL, expression, &nodes);
    // What is refused when it is loaded says what is wrong.
    if let Err(error) = snapshot::address::check(path) {
        assert!(!error.to_string().is_empty());
    }
});

fn cluster(reading: String) -> Inventory {
    let data = [("version".to_owned(), Scalar::Text(reading))];
    let item = Item { data: data.clone().into(), ..Item::default() };
    let server = Subtype { name: "server".into(), data: data.into(), items: vec![item], ..Subtype::default() };
    let measurements = vec![Measurement { kind: "K8s".into(), subtypes: vec![server] }];
    snapshot::inventory(Record { measurements, ..Record::default() })
}
