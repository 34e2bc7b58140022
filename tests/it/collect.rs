//! Collectors against a real API server. Skipped, with one line, where `AICR_TEST_KUBECONFIG` names none.

use aicr::{
    cluster::{self, Connection, Target},
    fingerprint,
    snapshot::{format, nodes},
};

/// The cluster to test on; `None`, told once per test, where there is none.
pub async fn real_cluster(test: &str) -> Option<Connection> {
    let Some(kubeconfig) = std::env::var_os("AICR_TEST_KUBECONFIG") else {
        println!("{test}: skipped, AICR_TEST_KUBECONFIG names no cluster (tests/cluster/cluster up)");
        return None;
    };
    let target = Target { kubeconfig: Some(kubeconfig.into()), ..Target::default() };
    Some(cluster::connect(&target).await.expect("the test cluster's kubeconfig"))
}

#[tokio::test]
async fn a_real_cluster_is_read_whole() {
    let Some(connection) = real_cluster("a_real_cluster_is_read_whole").await else { return };
    let snapshot = cluster::collect::snapshot(&connection, "2026-06-01T00:00:00Z").await.expect("a snapshot");

    let states = snapshot.subtype("K8s", "collection").expect("states of the sources");
    for source in ["version", "identity", "nodes", "pods", "workloads", "helm", "slices"] {
        assert_eq!(states.data[source].to_string(), "ok", "{source}: {:?}", states.context);
    }
    let version = snapshot.reading("K8s", "server", "version").map(ToString::to_string).unwrap_or_default();
    assert!(version.starts_with("v1."), "{version}");
    assert!(!snapshot.metadata["cluster-uid"].is_empty());
    let rows = nodes::rows(&snapshot);
    let worker = rows.iter().find(|row| row.name == "worker-1").expect("the real node");
    assert_eq!(worker.ready, Some(true));
    assert!(worker.kernel.is_some() && worker.kubelet.is_some(), "{worker:?}");
    assert_eq!(fingerprint::of(&snapshot).node_count.value, Some(rows.len() as u64));

    let text = aicr::yaml::to_string(&format::to_value(&snapshot));
    assert_eq!(format::read(&text).expect("our own file"), snapshot, "what is written reads back as it was");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_one_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let server = format!("http://{}", closed.expect("a port"));
    let text = format!(
        "{{current-context: x, clusters: [{{name: c, cluster: {{server: '{server}'}}}}], users: [{{name: u, user: {{}}}}], \
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]}}"
    );
    std::fs::write(&path, text).expect("a file");
    let target = Target { kubeconfig: Some(path), ..Target::default() };
    let connection = cluster::connect(&target).await.expect("a client without a request");
    let error = cluster::collect::snapshot(&connection, "").await.expect_err("nothing listens");
    assert_eq!(error.kind, cluster::ClusterErrorKind::Unreachable, "{error:?}");
    assert_eq!((error.doing.as_str(), error.at), ("list nodes", format!("x, {server}")));
}

#[tokio::test]
async fn a_snapshot_goes_to_a_config_map_and_back() {
    use aicr::ops::{Kind, snapshot as op};
    let Some(connection) = real_cluster("a_snapshot_goes_to_a_config_map_and_back").await else { return };
    let place = ("default", "aicr-test-round-trip");
    let now = "2026-06-01T00:00:00Z";
    let mut snapshot = op::take(&connection, now).await.expect("a snapshot");
    snapshot.measurements.retain(|measurement| measurement.kind == "K8s");

    for written in [op::Format::Yaml, op::Format::Json] {
        let text = op::text(&snapshot, written);
        op::write_config_map(&connection, place, ("Snapshot", written), &text, now).await.expect("written");
        let read = op::read_config_map(&connection, place.0, place.1).await.expect("read");
        assert_eq!(op::parse(&read, "cm").expect("a snapshot"), snapshot, "{written:?}");
    }
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(connection.client.clone(), place.0);
    api.delete(place.1, &kube::api::DeleteParams::default()).await.expect("removed");

    let missing = op::read_config_map(&connection, place.0, place.1).await.expect_err("it is gone");
    assert_eq!(missing.kind, Kind::NotFound);
    let nowhere = ("no-such-namespace", "x");
    let refused = op::write_config_map(&connection, nowhere, ("Snapshot", op::Format::Yaml), "x", now).await;
    assert!(refused.expect_err("no namespace").hint.is_some_and(|hint| hint.contains("create namespace")));
}
