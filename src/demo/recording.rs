//! What a recording of a cluster says about the moment at which it was taken.

use super::clock::seconds;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

/// Fields that a cluster sets when something happens: the newest of them is when the recording was taken.
const PAST: &[&str] =
    &["creationTimestamp", "lastHeartbeatTime", "lastTransitionTime", "renewTime", "lastTimestamp", "time"];

/// Moves all times so that the newest thing that happened happened at `start`.
///
/// Only fields whose names say that they are a time are read: a label or the data of a ConfigMap is left as it is.
pub fn move_to(documents: &mut [Value], start: Timestamp) {
    let mut newest = None;
    documents.iter_mut().for_each(|document| {
        each_time(document, &mut |name, text| {
            if PAST.contains(&name) {
                newest = newest.max(text.parse::<Timestamp>().ok());
            }
        });
    });
    // In whole seconds, which is how most of them are written.
    let Some(by) = newest.map(|newest| start.as_second() - newest.as_second()).filter(|by| *by != 0) else { return };
    documents.iter_mut().for_each(|document| {
        each_time(document, &mut |_, text| {
            let moved =
                text.parse::<Timestamp>().ok().and_then(|at| at.checked_add(Span::new().try_seconds(by).ok()?).ok());
            if let Some(moved) = moved {
                *text = if text.contains('.') { format!("{moved:.6}") } else { seconds(moved) };
            }
        });
    });
}

fn each_time(value: &mut Value, tell: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| match field {
            Value::String(text) if is_time(name) => tell(name, text),
            _ => each_time(field, tell),
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| each_time(item, tell)),
        _ => {}
    }
}

fn is_time(name: &str) -> bool {
    let ends = ["Time", "Timestamp", "At", "notBefore", "notAfter"];
    name == "time" || ends.iter().any(|end| name.ends_with(end))
}

/// `GET /version` where a recording does not tell it. A kubelet is never newer than its API server, so that the newest is
/// the least that the server can be; the rest is not known.
pub fn version(objects: &[Value]) -> Value {
    let nodes = objects.iter().filter(|object| object["kind"] == "Node");
    let version = |node: &Value| node["status"]["nodeInfo"]["kubeletVersion"].as_str().map(str::to_owned);
    let numbers = |text: &String| -> Vec<u64> {
        let parts = text.trim_start_matches('v').split(['.', '-', '+']);
        parts.map_while(|part| part.parse().ok()).collect()
    };
    let git = nodes.filter_map(version).max_by_key(numbers).unwrap_or_default();
    let part = |place: usize| numbers(&git).get(place).map(u64::to_string).unwrap_or_default();
    json!({"major": part(0), "minor": part(1), "gitVersion": git, "gitCommit": "", "gitTreeState": "", "buildDate": "",
        "goVersion": "", "compiler": "", "platform": ""})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_together_and_text_that_looks_like_one_stays() {
        let mut documents = vec![
            json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {"notAfter": "2036-01-01T00:00:00Z"}}),
            json!({"metadata": {"creationTimestamp": "2026-01-02T00:00:00Z"}, "eventTime": "2026-01-01T12:00:00.250000Z",
                "data": {"made": "2026-01-01T00:00:00Z"}}),
        ];
        move_to(&mut documents, "2026-06-12T10:00:00.5Z".parse().expect("a time"));
        assert_eq!(documents[0]["metadata"]["creationTimestamp"], "2026-06-11T10:00:00Z");
        assert_eq!(documents[0]["status"]["notAfter"], "2036-06-10T10:00:00Z");
        assert_eq!(documents[1]["metadata"]["creationTimestamp"], "2026-06-12T10:00:00Z");
        assert_eq!(documents[1]["eventTime"], "2026-06-11T22:00:00.250000Z");
        assert_eq!(documents[1]["data"]["made"], "2026-01-01T00:00:00Z");
    }

    #[test]
    fn the_newest_kubelet_tells_the_least_version_of_the_server() {
        let node = |version: &str| json!({"kind": "Node", "status": {"nodeInfo": {"kubeletVersion": version}}});
        let found = version(&[node("v1.9.3"), node("v1.33.2-gke.100"), node("v1.33.1")]);
        assert_eq!((&found["gitVersion"], &found["minor"]), (&json!("v1.33.2-gke.100"), &json!("33")));
        assert_eq!(version(&[])["gitVersion"], "");
    }
}
