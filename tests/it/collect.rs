//! Collectors against a real API server, which `AICR_TEST_KUBECONFIG` names; ignored unless asked for.

use aicr::{
    cluster::{self, Connection, Target},
    document::header::Edition,
    fingerprint,
    ops::session::Session,
    snapshot::{self, format},
};

/// The cluster to test on.
///
/// # Panics
/// Where there is none: tests that need it are ignored, and whoever asks for them has one.
pub async fn real_cluster() -> Connection {
    cluster::connect(&real_target()).await.expect("the test cluster's kubeconfig")
}

fn real_target() -> Target {
    let kubeconfig = std::env::var_os("AICR_TEST_KUBECONFIG");
    let kubeconfig = kubeconfig.expect("AICR_TEST_KUBECONFIG names a cluster (tests/cluster/cluster up)");
    Target { kubeconfig: Some(kubeconfig.into()), ..Target::default() }
}

#[tokio::test]
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
async fn a_real_cluster_is_read_whole() {
    let connection = real_cluster().await;
    let snapshot = cluster::collect::snapshot(&connection, "2026-06-01T00:00:00Z").await.expect("a snapshot");

    let record = snapshot::record(&snapshot);
    let states = record.subtype("K8s", "collection").expect("states of the sources");
    for source in ["version", "identity", "nodes", "pods", "workloads", "helm", "slices"] {
        assert_eq!(states.data[source].to_string(), "ok", "{source}: {:?}", states.context);
    }
    let version = record.reading("K8s", "server", "version").map(ToString::to_string).unwrap_or_default();
    assert!(version.starts_with("v1."), "{version}");
    assert!(snapshot.about.cluster_uid.is_some());
    let worker = snapshot.node("worker-1").expect("the real node");
    assert_eq!(worker.ready.get(), Some(true));
    assert!(worker.kernel.is_known() && worker.kubelet.is_known(), "{worker:?}");
    assert_eq!(fingerprint::of(&snapshot).node_count.value, Some(snapshot.nodes.len() as u64));

    let text = aicr::yaml::to_string(&format::to_value(&snapshot, Edition::V1));
    let again = format::read(&text).expect("our own file");
    assert_eq!(
        format::to_value(&again, Edition::V1),
        format::to_value(&snapshot, Edition::V1),
        "what is written reads back as it was"
    );
    let names = |nodes: &[std::sync::Arc<aicr::inventory::Node>]| -> Vec<_> {
        nodes.iter().map(|node| node.name.clone()).collect()
    };
    assert_eq!(names(&again.nodes), names(&snapshot.nodes));
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
#[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
async fn a_snapshot_goes_to_a_config_map_and_back() {
    round_trip(Session::new(aicr::ops::connect::Target::Cluster(real_target()))).await;
}

#[tokio::test]
async fn a_snapshot_goes_to_a_config_map_of_the_demo_and_back() {
    round_trip(Session::new(aicr::ops::connect::Target::Demo(Default::default()))).await;
}

async fn round_trip(session: Session) {
    use aicr::ops::{
        Kind,
        place::{self, Document, Format, Place},
        snapshot as op,
    };
    let connection = session.connection().await.expect("a connection");
    let place = Place::parse("cm://default/aicr-test-round-trip").expect("a place");
    let now = "2026-06-01T00:00:00Z";
    let taken = op::take(&connection, now).await.expect("a snapshot");
    // A ConfigMap has no room for thousands of nodes.
    let mut record = snapshot::record(&taken).into_owned();
    record.measurements.retain(|measurement| measurement.kind == "K8s");
    let snapshot = snapshot::inventory(record);

    for format in [Format::Yaml, Format::Json] {
        let text = op::text(&snapshot, format, Edition::V1);
        let document = Document { kind: "Snapshot", format, text: &text, now };
        place::write(&place, &document, &session).await.expect("written");
        let read = place::read(&place, "snapshot", &session).await.expect("read");
        assert_eq!(op::parse(&read, "cm").expect("a snapshot"), snapshot, "{format:?}");
    }
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(connection.client.clone(), "default");
    api.delete("aicr-test-round-trip", &kube::api::DeleteParams::default()).await.expect("removed");

    let missing = place::read(&place, "snapshot", &session).await.expect_err("it is removed");
    assert_eq!(missing.kind, Kind::NotFound);
    let nowhere = Place::parse("cm://no-such-namespace/x").expect("a place");
    let document = Document { kind: "Snapshot", format: Format::Yaml, text: "x", now };
    let refused = place::write(&nowhere, &document, &session).await;
    assert!(refused.expect_err("no namespace").hint.is_some_and(|hint| hint.contains("create namespace")));
}

/// Serves an API server's answers for `nodes` nodes of 26 kB and nothing else, over plain HTTP on a loopback port.
fn large_cluster(nodes: usize) -> std::net::SocketAddr {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                let mut line = String::new();
                let _ = reader.read_line(&mut line);
                let mut header = String::new();
                while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
                    header.clear();
                }
                let url = line.split(' ').nth(1).unwrap_or_default();
                let (status, body) = answer(url, nodes);
                let head =
                    format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(body.as_bytes()));
            });
        }
    });
    address
}

fn answer(url: &str, nodes: usize) -> (u16, String) {
    if !url.starts_with("/api/v1/nodes?") {
        return (404, r#"{"kind":"Status","code":404,"reason":"NotFound","message":"not found"}"#.to_owned());
    }
    let first: usize = url.split("continue=").nth(1).and_then(|token| token.parse().ok()).unwrap_or(0);
    let ballast = "x".repeat(23_000);
    let items: Vec<String> = (first..nodes.min(first + 500))
        .map(|index| {
            let labels: Vec<String> = (0..40).map(|label| format!(r#""example.com/label-{label}":"value-{label}""#)).collect();
            format!(
                r#"{{"metadata":{{"name":"node-{index}","annotations":{{"ballast":"{ballast}"}},"labels":{{{}}}}},"status":{{"capacity":{{"nvidia.com/gpu":"8"}}}}}}"#,
                labels.join(",")
            )
        })
        .collect();
    let next = if first + 500 < nodes { format!("{}", first + 500) } else { String::new() };
    let items = items.join(",");
    (200, format!(r#"{{"metadata":{{"resourceVersion":"1","continue":"{next}"}},"items":[{items}]}}"#))
}

/// Most memory that a process had, in MiB; as the kernel counts it while it lives.
#[cfg(target_os = "linux")]
fn peak_mebibytes(child: &mut std::process::Child) -> u64 {
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kibibytes.unwrap_or(0) / 1024);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn thousands_of_large_nodes_cost_tens_of_megabytes() {
    // 5,000 in the figures of the README; fewer here, because an unoptimised parser is slow.
    let nodes = std::env::var("AICR_TEST_NODES").ok().and_then(|text| text.parse().ok()).unwrap_or(1500);
    // What the program takes for itself differs from build to build, so it is measured, too.
    let (itself, peak) = (peak_of_snapshot(1), peak_of_snapshot(nodes));
    let budget = 15 + nodes as u64 * 12 / 1024;
    assert!(peak - itself < budget, "peak {peak} MiB, {itself} MiB with one node, budget {budget} MiB more");
}

/// Most memory that `aicr snapshot` had for a cluster of so many nodes, in MiB.
#[cfg(target_os = "linux")]
fn peak_of_snapshot(nodes: usize) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let server = format!("http://{}", large_cluster(nodes));
    let text = format!(
        "{{current-context: x, clusters: [{{name: c, cluster: {{server: '{server}'}}}}], users: [{{name: u, user: {{}}}}], \
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]}}"
    );
    std::fs::write(&path, text).expect("a file");
    let out = folder.path().join("snapshot.yaml");
    let begun = std::time::Instant::now();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_aicr"))
        .args(["snapshot", "-o"])
        .arg(&out)
        .arg("--kubeconfig")
        .arg(&path)
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary runs");
    let peak = peak_mebibytes(&mut child);
    let took = begun.elapsed();
    let size = std::fs::metadata(&out).expect("a snapshot").len() >> 10;
    println!("{nodes} nodes of 26 kB: {took:.1?}, peak {peak} MiB, file {size} KiB");
    let read = format::read(&std::fs::read_to_string(&out).expect("a file")).expect("a snapshot");
    assert_eq!(read.nodes.len(), nodes);
    peak
}
