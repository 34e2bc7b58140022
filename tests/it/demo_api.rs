//! The demo cluster as the rest of the crate meets it.

use aicr::{
    cluster::{self, demo::DemoOptions},
    fingerprint,
    snapshot::format,
};

fn options() -> DemoOptions {
    DemoOptions { start: Some("2026-06-12T10:41:07Z".parse().expect("a time")), ..DemoOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_the_demo_is_that_of_the_cluster_it_stands_for() {
    let connection = cluster::demo::connect(&options()).expect("a demo");
    let snapshot = cluster::collect::snapshot(&connection, "2026-06-12T10:41:07Z").await.expect("a snapshot");
    let states = snapshot.subtype("K8s", "collection").expect("states of the sources");
    for (source, state) in &states.data {
        assert_eq!(state.to_string(), "ok", "{source}: {:?}", states.context);
    }
    let seen = fingerprint::of(&snapshot);
    assert_eq!(seen.accelerator.value.as_deref(), Some("a100"));
    assert_eq!(seen.node_count.value, Some(5));

    let shared = std::env::var("AICR_SHARED").unwrap_or_else(|_| format!("{}/../shared", env!("CARGO_MANIFEST_DIR")));
    let path = std::path::Path::new(&shared).join("conformance/snapshots/kind-a100.yaml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("a_snapshot_of_the_demo…: not compared, {} is not there", path.display());
        return;
    };
    let reference = fingerprint::of(&format::read(&text).expect("the reference's snapshot"));
    let values = |one: &fingerprint::Fingerprint| {
        (
            one.accelerator.value.clone(),
            one.gpu_model.value.clone(),
            one.gpu_node_count.value,
            one.k8s_version.value.clone(),
            one.node_count.value,
            one.os.value.clone(),
            one.service.value.clone(),
        )
    };
    assert_eq!(values(&seen), values(&reference));
}
