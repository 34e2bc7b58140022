//! What Services of the demo answer to a GET: the DCGM exporter, Prometheus, the metrics adapter.
//!
//! A Service that is not in the store does not answer, and neither does another port of one that is.

use super::{kinds::own, nodes, state::Cluster, store::Key};
use http::{Response, StatusCode};
use serde_json::{Value, json};

const UUID: &str = "GPU-4f1c7a52-3d8e-9b06-c1a4-7e5d2f8b6a90";
const EXPORTER: &str = "nvidia-dcgm-exporter";
/// Metric, help, value on an idle A100.
const METRICS: &[(&str, &str, &str)] = &[
    ("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", "210"),
    ("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).", "1215"),
    ("DCGM_FI_DEV_MEMORY_TEMP", "Memory temperature (in C).", "33"),
    ("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", "34"),
    ("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", "43.257000"),
    ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "Total number of PCIe retries.", "0"),
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", "0"),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", "0"),
    ("DCGM_FI_DEV_ENC_UTIL", "Encoder utilization (in %).", "0"),
    ("DCGM_FI_DEV_DEC_UTIL", "Decoder utilization (in %).", "0"),
    ("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", "0"),
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", "40326"),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", "0"),
    ("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "Total number of NVLink bandwidth counters for all lanes.", "0"),
];
/// What an exporter lacks whose configuration lists too few fields.
const LACKING: &[&str] = &["DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_POWER_USAGE"];

/// The answer to a GET; `None` where nothing listens.
pub fn get(cluster: &Cluster, url: &str) -> Option<Response<String>> {
    let uri: http::Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let mut host = uri.host()?.split('.');
    let (name, namespace) = (host.next()?, host.next()?);
    if !matches!(host.collect::<Vec<_>>().as_slice(), [] | ["svc"] | ["svc", "cluster", "local"]) {
        return None;
    }
    let service = cluster.get(&Key::new(own("services"), namespace, name)).ok()?;
    let port = u64::from(uri.port_u16().unwrap_or(80));
    let has_port = service["spec"]["ports"].as_array()?.iter().any(|one| one["port"] == port);
    match (has_port, service["metadata"]["labels"]["app.kubernetes.io/name"].as_str()) {
        (true, Some(EXPORTER)) => Some(exporter(cluster, uri.path())),
        (true, Some("prometheus")) => Some(prometheus(cluster, &uri)),
        _ => None,
    }
}

fn found(body: String) -> Response<String> {
    Response::new(body)
}

fn with(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn not_found() -> Response<String> {
    with(StatusCode::NOT_FOUND, "404 page not found\n".to_owned())
}

fn offered(cluster: &Cluster) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    let is_broken = cluster.faults.breaks("accelerator-metrics");
    METRICS.iter().filter(move |(name, ..)| !(is_broken && LACKING.contains(name)))
}

fn exporter(cluster: &Cluster, path: &str) -> Response<String> {
    if path != "/metrics" {
        return not_found();
    }
    let mut body = String::new();
    for (name, help, value) in offered(cluster) {
        let kind = if name.ends_with("COUNTER") { "counter" } else { "gauge" };
        body.push_str(&format!(
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{{{}}} {value}\n",
            exporter_labels()
        ));
    }
    found(body)
}

fn exporter_labels() -> String {
    format!(
        "gpu=\"0\",UUID=\"{UUID}\",pci_bus_id=\"00000000:00:04.0\",device=\"nvidia0\",modelName=\"NVIDIA A100-SXM4-40GB\",\
         Hostname=\"{}\",DCGM_FI_DRIVER_VERSION=\"580.159.03\"",
        nodes::GPU_NODE
    )
}

fn prometheus(cluster: &Cluster, uri: &http::Uri) -> Response<String> {
    match uri.path() {
        "/-/healthy" => return found("Prometheus Server is Healthy.\n".to_owned()),
        "/-/ready" => return found("Prometheus Server is Ready.\n".to_owned()),
        "/api/v1/query" => {}
        _ => return not_found(),
    }
    let query =
        uri.query().unwrap_or_default().split('&').find_map(|part| part.strip_prefix("query=")).unwrap_or_default();
    if query.is_empty() {
        let body = json!({"status": "error", "errorType": "bad_data",
            "error": "invalid parameter \"query\": unknown position: parse error: no expression found in input"});
        return with(StatusCode::BAD_REQUEST, body.to_string());
    }
    let series: Vec<Value> =
        offered(cluster).filter(|(name, ..)| *name == query).map(|one| series(cluster, one)).collect();
    found(json!({"status": "success", "data": {"resultType": "vector", "result": series}}).to_string())
}

fn series(cluster: &Cluster, (name, _, value): &(&str, &str, &str)) -> Value {
    let metric = json!({"__name__": name, "gpu": "0", "UUID": UUID, "pci_bus_id": "00000000:00:04.0", "device": "nvidia0",
        "modelName": "NVIDIA A100-SXM4-40GB", "Hostname": nodes::GPU_NODE, "DCGM_FI_DRIVER_VERSION": "580.159.03",
        "job": EXPORTER, "namespace": "gpu-operator", "service": EXPORTER, "endpoint": "http"});
    json!({"metric": metric, "value": [cluster.clock.now().as_millisecond() as f64 / 1_000.0, value]})
}

/// Resources of the metrics adapter's API.
pub fn custom_metrics() -> Vec<Value> {
    let of = |scope: &str, name: &str| {
        json!({"name": format!("{scope}/{name}"), "singularName": "", "namespaced": scope != "namespaces", "kind": "MetricValueList",
            "verbs": ["get"]})
    };
    [
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "DCGM_FI_DEV_POWER_USAGE",
        "gpu_utilization",
    ]
    .into_iter()
    .flat_map(|name| [of("namespaces", name), of("pods", name)])
    .collect()
}
