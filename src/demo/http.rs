//! What Services answer to a GET: the pages of the world, and queries of a Prometheus over the pages that it scrapes.
//!
//! A Service that is not in the store does not answer, and neither does another port of one that is.

use super::{kinds::own, state::Cluster, store::Key};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The pages of one Service.
#[derive(Clone, Debug)]
pub struct Pages {
    namespace: String,
    service: String,
    port: u64,
    /// By path.
    paths: BTreeMap<String, String>,
    /// Labels that a Prometheus adds to what it reads at `/metrics`; `None` where it does not read.
    scraped_as: Option<Map<String, Value>>,
    /// Whether it is a Prometheus.
    scrapes: bool,
}

impl Pages {
    /// From a document of kind `Pages`; what it lacks is empty.
    pub fn new(document: &Value) -> Pages {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let paths = document["paths"].as_object().into_iter().flatten();
        Pages {
            namespace: text(&document["metadata"]["namespace"]),
            service: text(&document["metadata"]["name"]),
            port: document["port"].as_u64().unwrap_or(80),
            paths: paths.map(|(path, body)| (path.clone(), text(body))).collect(),
            scraped_as: document["scrapedAs"].as_object().cloned(),
            scrapes: document["scrapes"] == true,
        }
    }
}

/// The answer to a GET; `None` where nothing listens.
pub fn get(cluster: &Cluster, url: &str) -> Option<Response<String>> {
    let uri: http::Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let port = u64::from(uri.port_u16().unwrap_or(80));
    if let Ok(address) = uri.host()?.parse::<std::net::IpAddr>() {
        return of_pod(cluster, &address.to_string(), port, uri.path());
    }
    let mut host = uri.host()?.split('.');
    let (name, namespace) = (host.next()?, host.next()?);
    if !matches!(host.collect::<Vec<_>>().as_slice(), [] | ["svc"] | ["svc", "cluster", "local"]) {
        return None;
    }
    let pages = find(cluster, namespace, name, port)?;
    match pages.paths.get(uri.path()) {
        Some(body) => Some(Response::new(body.clone())),
        None if pages.scrapes && uri.path() == "/api/v1/query" => Some(query(cluster, &uri)),
        None => Some(with(StatusCode::NOT_FOUND, "404 page not found\n".to_owned())),
    }
}

/// What a running pod answers: the page of the Service that selects it.
fn of_pod(cluster: &Cluster, address: &str, port: u64, path: &str) -> Option<Response<String>> {
    let (namespace, labels) = cluster.read(|store| {
        let mut pods = store.range(own("pods"), "", None).map(|(key, pod)| (key.namespace.clone(), pod.value()));
        let (namespace, pod) =
            pods.find(|(_, pod)| pod["status"]["podIP"] == address && pod["status"]["phase"] == "Running")?;
        Some((namespace, pod["metadata"]["labels"].clone()))
    })?;
    let selects = |pages: &&Pages| {
        let service = cluster.get(&Key::new(own("services"), &pages.namespace, &pages.service)).unwrap_or_default();
        let mut selector = service["spec"]["selector"].as_object().into_iter().flatten().peekable();
        pages.namespace == namespace
            && pages.port == port
            && selector.peek().is_some()
            && selector.all(|(key, value)| labels[key] == *value)
    };
    let pages = cluster.pages.iter().find(selects)?;
    Some(match pages.paths.get(path) {
        Some(body) => Response::new(body.clone()),
        None => with(StatusCode::NOT_FOUND, "404 page not found\n".to_owned()),
    })
}

/// What an API of metrics answers about one of them: a page whose path has `*` for the namespace.
pub fn metric(cluster: &Cluster, group: &str, path: &str) -> Option<Value> {
    let mut apis = cluster
        .read(|store| store.range(own("apiservices"), "", None).map(|(_, object)| object.value()).collect::<Vec<_>>());
    apis.retain(|api| api["spec"]["group"] == group && api["spec"]["service"].is_object());
    let mut conditions = apis.first()?["status"]["conditions"].as_array().into_iter().flatten();
    if conditions.any(|condition| condition["type"] == "Available" && condition["status"] == "False") {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    if let Some(namespace) = parts.iter().position(|part| *part == "namespaces").and_then(|at| parts.get_mut(at + 1)) {
        *namespace = "*";
    }
    aggregated(cluster, &apis[0]["spec"]["service"], &parts.join("/"))
}

/// What an aggregated API answers; `None` where nobody answers for it.
pub fn aggregated(cluster: &Cluster, service: &Value, path: &str) -> Option<Value> {
    let text = |name: &str| service[name].as_str().unwrap_or_default();
    let pages = find(cluster, text("namespace"), text("name"), service["port"].as_u64().unwrap_or(443))?;
    serde_json::from_str(pages.paths.get(path)?).ok()
}

fn find<'c>(cluster: &'c Cluster, namespace: &str, name: &str, port: u64) -> Option<&'c Pages> {
    let service = cluster.get(&Key::new(own("services"), namespace, name)).ok()?;
    service["spec"]["ports"].as_array()?.iter().find(|one| one["port"] == port)?;
    cluster.pages.iter().find(|pages| pages.namespace == namespace && pages.service == name && pages.port == port)
}

fn with(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

/// An instant query for the name of a metric.
fn query(cluster: &Cluster, uri: &http::Uri) -> Response<String> {
    let mut parameters = uri.query().unwrap_or_default().split('&');
    let query = parameters.find_map(|part| part.strip_prefix("query=")).unwrap_or_default();
    if query.is_empty() {
        let body = json!({"status": "error", "errorType": "bad_data",
            "error": "invalid parameter \"query\": unknown position: parse error: no expression found in input"});
        return with(StatusCode::BAD_REQUEST, body.to_string());
    }
    let now = cluster.clock.now().as_millisecond() as f64 / 1_000.0;
    let mut series = Vec::new();
    for pages in &cluster.pages {
        let (Some(labels), Some(body)) = (&pages.scraped_as, pages.paths.get("/metrics")) else { continue };
        for (mut metric, value) in body.lines().filter_map(|line| sample(line, query)) {
            metric.extend(labels.clone());
            metric.insert("__name__".to_owned(), json!(query));
            series.push(json!({"metric": metric, "value": [now, value]}));
        }
    }
    Response::new(json!({"status": "success", "data": {"resultType": "vector", "result": series}}).to_string())
}

/// Labels and value of a line of metrics, where it is about `name`: `name{a="b",c="d"} 1`.
fn sample(line: &str, name: &str) -> Option<(Map<String, Value>, String)> {
    let rest = line.strip_prefix(name)?;
    let (labels, value) = match rest.strip_prefix('{') {
        Some(inside) => inside.rsplit_once("} ")?,
        None => ("", rest.strip_prefix(' ')?),
    };
    let pairs = labels.split("\",").filter(|pair| !pair.is_empty());
    let labels = pairs.filter_map(|pair| {
        let (label, value) = pair.trim_end_matches('"').split_once("=\"")?;
        Some((label.to_owned(), json!(value)))
    });
    Some((labels.collect(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_and_without_labels() {
        let (labels, value) = sample("up{job=\"a, b\",host=\"c\"} 1", "up").expect("a sample");
        assert_eq!((Value::Object(labels), value.as_str()), (json!({"job": "a, b", "host": "c"}), "1"));
        assert_eq!(sample("up 0", "up"), Some((Map::new(), "0".to_owned())));
        assert_eq!(sample("up_and_away 1", "up"), None);
        assert_eq!(sample("# TYPE up gauge", "up"), None);
    }
}
