//! A recipe beside what a cluster runs.
//!
//! In: a recipe and a snapshot. Out: two sides cut down to what a snapshot shows (chart, version and namespace of each
//! component, constraints against readings), and a line for everything that it does not show. What cannot be seen is no
//! difference. Values are not compared: they stand in the content of Helm's secrets, which a snapshot does not hold.

use super::side::Side;
use crate::{
    constraint::{self, Verdict},
    resolve::provenance::{Layer, LayerKind, Origin, Traced, TracedValue, Wrote},
    snapshot::Snapshot,
    yaml::Position,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Both sides, and what could not be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    pub wanted: Side,
    pub running: Side,
    /// One line each.
    pub notes: Vec<String>,
}

/// What a snapshot tells of one Helm release.
#[derive(Clone, Debug, Default)]
struct Release {
    chart: Option<String>,
    version: Option<String>,
    namespace: Option<String>,
    status: Option<String>,
}

type Entries = Vec<(Arc<str>, Traced)>;

/// What a cluster of that name runs beside what a recipe wants.
pub fn sides(recipe: &Side, snapshot: &Snapshot, cluster: &str) -> Observed {
    let mut layers = recipe.layers.clone();
    let seen = Seen { layer: layers.len(), cluster: cluster.into() };
    layers.push(Layer::new(LayerKind::Cluster, cluster, "", ""));
    let mut notes = Vec::new();
    let (wanted_components, running_components) = components(recipe, snapshot, &seen, &mut notes);
    let (wanted_constraints, running_constraints) = constraints(recipe, snapshot, &seen, &mut notes);
    let side = |constraints: Vec<Traced>, components: Entries| {
        let list = Traced { value: TracedValue::List(constraints), history: Vec::new() };
        let document = map(vec![("constraints".into(), list), ("components".into(), map(components))]);
        Side { document, layers: layers.clone() }
    };
    let wanted = side(wanted_constraints, wanted_components);
    let running = side(running_constraints, running_components);
    Observed { wanted, running, notes }
}

/// The cluster as an author.
struct Seen {
    layer: usize,
    cluster: Arc<str>,
}

impl Seen {
    fn text(&self, text: &str) -> Traced {
        let value = Value::from(text);
        let wrote = Wrote::Set(value.clone());
        let origin = Origin { layer: self.layer, file: self.cluster.clone(), at: Position::NONE, wrote };
        Traced { value: TracedValue::Scalar(value), history: vec![origin] }
    }
}

fn map(entries: Entries) -> Traced {
    Traced { value: TracedValue::Map(entries), history: Vec::new() }
}

fn components(recipe: &Side, snapshot: &Snapshot, seen: &Seen, notes: &mut Vec<String>) -> (Entries, Entries) {
    let Some(mut releases) = releases(snapshot) else {
        notes.push("components: the snapshot tells nothing of Helm releases (K8s.helm)".to_owned());
        return (Vec::new(), Vec::new());
    };
    let enabled: Vec<&str> = match recipe.document.get("deploymentOrder").map(|order| &order.value) {
        Some(TracedValue::List(names)) => names.iter().filter_map(Traced::as_text).collect(),
        _ => Vec::new(),
    };
    let all = match recipe.document.get("components").map(|components| &components.value) {
        Some(TracedValue::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    let (mut wanted, mut running) = (Vec::new(), Vec::new());
    for (name, component) in all {
        let text = |key: &str| component.get(key).and_then(Traced::as_text).unwrap_or_default();
        let release = take(&mut releases, name, chart_name(text("chart")), text("namespace"));
        if !enabled.contains(&&**name) {
            if let Some(release) = release {
                running.push((name.clone(), map(release.entries(seen))));
            }
            continue;
        }
        let Some(release) = release else {
            if text("type") != "Helm" || text("source").is_empty() {
                notes.push(format!("component {name}: what it deploys carries no mark of a Helm release"));
                continue;
            }
            let shown = ["chart", "version"].into_iter().filter_map(|key| Some((key, component.get(key)?.clone())));
            wanted.push((name.clone(), map(shown.map(|(key, value)| (Arc::from(key), value)).collect())));
            continue;
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (key, found) in release.fields() {
            let want = component.get(key).filter(|value| value.as_text() != Some(""));
            match (want, found) {
                (Some(want), Some(found)) => {
                    let same = same(key, want.as_text().unwrap_or_default(), found);
                    ours.push((Arc::from(key), want.clone()));
                    theirs.push((Arc::from(key), if same { want.clone() } else { seen.text(found) }));
                }
                (Some(_), None) => notes.push(format!("component {name}: nothing in the cluster tells its {key}")),
                (None, Some(found)) if key == "status" && found != "deployed" => {
                    theirs.push((Arc::from(key), seen.text(found)));
                }
                _ => {}
            }
        }
        wanted.push((name.clone(), map(ours)));
        running.push((name.clone(), map(theirs)));
    }
    if !releases.is_empty() {
        let names: Vec<&str> = releases.keys().map(String::as_str).collect();
        notes.push(format!("releases that are of no component of this recipe: {}", names.join(", ")));
    }
    (wanted, running)
}

/// Versions are the same with and without a leading `v`, charts by the last part of their path.
fn same(key: &str, wanted: &str, found: &str) -> bool {
    let plain = |version: &str| version.strip_prefix('v').unwrap_or(version).to_owned();
    match key {
        "version" => plain(wanted) == plain(found),
        "chart" => chart_name(wanted) == chart_name(found),
        _ => wanted == found,
    }
}

fn chart_name(chart: &str) -> &str {
    chart.rsplit('/').next().unwrap_or(chart)
}

impl Release {
    fn fields(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("namespace", self.namespace.as_deref()),
            ("chart", self.chart.as_deref()),
            ("version", self.version.as_deref()),
            ("status", self.status.as_deref()),
        ]
    }

    fn entries(&self, seen: &Seen) -> Entries {
        let told = self.fields().into_iter().filter_map(|(key, text)| Some((Arc::from(key), seen.text(text?))));
        told.collect()
    }
}

/// Releases by name; `None` where the snapshot was taken without looking for any.
fn releases(snapshot: &Snapshot) -> Option<BTreeMap<String, Release>> {
    let read = |source: &str| {
        let state = snapshot.reading("K8s", "collection", source).map(ToString::to_string);
        state.is_some_and(|state| state.starts_with("ok"))
    };
    let Some(told) = snapshot.subtype("K8s", "helm") else {
        // Without releases the subtype is left out.
        return (read("helm") || read("workloads")).then(BTreeMap::new);
    };
    let mut releases: BTreeMap<String, Release> = BTreeMap::new();
    for (key, reading) in &told.data {
        // A release's name may hold dots, the part behind the last one may not.
        let Some((name, part)) = key.rsplit_once('.') else { continue };
        let release = releases.entry(name.to_owned()).or_default();
        let text = Some(reading.to_string());
        match part {
            "chart" => release.chart = text,
            "version" => release.version = text,
            "namespace" => release.namespace = text,
            "status" => release.status = text,
            _ => {}
        }
    }
    Some(releases)
}

/// The release of a component: the one of its name, else the only one of its chart, or the one in its namespace.
fn take(releases: &mut BTreeMap<String, Release>, name: &str, chart: &str, namespace: &str) -> Option<Release> {
    if let Some(release) = releases.remove(name) {
        return Some(release);
    }
    let of_chart = |release: &Release| !chart.is_empty() && release.chart.as_deref() == Some(chart);
    let found: Vec<&String> = releases.iter().filter(|(_, release)| of_chart(release)).map(|(name, _)| name).collect();
    let here = |name: &&&String| releases[name.as_str()].namespace.as_deref() == Some(namespace);
    let found = match &found[..] {
        [only] => Some((*only).clone()),
        several => several.iter().find(here).map(|name| (*name).clone()),
    };
    found.and_then(|name| releases.remove(&name))
}

/// Constraints that fail, with the reading in the place of the expression; those that hold are equal.
fn constraints(recipe: &Side, snapshot: &Snapshot, seen: &Seen, notes: &mut Vec<String>) -> (Vec<Traced>, Vec<Traced>) {
    let items = match recipe.document.get("constraints").map(|constraints| &constraints.value) {
        Some(TracedValue::List(items)) => items.as_slice(),
        _ => &[],
    };
    let (mut wanted, mut running) = (Vec::new(), Vec::new());
    for item in items {
        let (Some(name), Some(value)) = (item.get("name"), item.get("value")) else { continue };
        let path = name.as_text().unwrap_or_default();
        let found = match constraint::judge(path, value.as_text().unwrap_or_default(), snapshot) {
            Verdict::Pass { .. } => value.clone(),
            Verdict::Fail { actual } => seen.text(&actual),
            Verdict::Unknown { reason, .. } => {
                notes.push(format!("constraint {path}: {reason}"));
                continue;
            }
        };
        let rule = |value: Traced| map(vec![("name".into(), name.clone()), ("value".into(), value)]);
        wanted.push(rule(value.clone()));
        running.push(rule(found));
    }
    (wanted, running)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::recipe::compare;
    use serde_json::json;

    const RECIPE: &str = r#"{"deploymentOrder": ["nfd", "gpu-operator", "certs", "local"],
        "constraints": [{"name": "K8s.server.version", "value": ">= 1.32"}, {"name": "OS.release.ID", "value": "ubuntu"}],
        "components": {
            "nfd": {"type": "Helm", "source": "https://x", "chart": "node-feature-discovery", "version": "0.18.3", "namespace": "nfd"},
            "gpu-operator": {"type": "Helm", "source": "https://x", "chart": "gpu-operator", "version": "v26.3.2", "namespace": "gpu"},
            "certs": {"type": "Helm", "source": "https://x", "chart": "cert-manager", "version": "v1.20.2"},
            "local": {"type": "Helm", "source": "", "namespace": "x"},
            "off": {"type": "Helm", "source": "https://x", "chart": "off", "version": "1.0.0"}}}"#;

    /// Changes as `path: left -> right`, then the notes.
    #[track_caller]
    fn check(helm: &str, expected: &[&str]) {
        let document = Traced::from_value(&serde_json::from_str(RECIPE).expect("the recipe is JSON"));
        let recipe = Side { document, layers: Vec::new() };
        let snapshot = format!(
            "kind: Snapshot\napiVersion: aicr.run/v1alpha2\nmeasurements:\n- type: K8s\n  subtypes:\n  \
             - {{subtype: server, data: {{version: v1.31.2}}}}\n{helm}"
        );
        let snapshot = crate::snapshot::format::read(&snapshot).expect("the snapshot can be read");
        let observed = sides(&recipe, &snapshot, "prod");
        let text = |value: &Option<Value>| value.as_ref().map_or(json!("-"), Clone::clone).to_string().replace('"', "");
        let told = compare(&observed.wanted, &observed.running)
            .into_iter()
            .map(|change| format!("{}: {} -> {}", change.path, text(&change.left), text(&change.right)));
        let told: Vec<String> = told.chain(observed.notes).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn versions_namespaces_and_failed_constraints_differ_and_the_rest_is_told() {
        let helm = "  - subtype: helm\n    data: {nfd.chart: node-feature-discovery, nfd.version: v0.18.3, \
                    nfd.namespace: nfd, nfd.status: failed, operator.chart: gpu-operator, operator.version: v25.10.1, \
                    operator.namespace: gpu-operator, off.version: 1.0.0, other.chart: other}\n";
        check(
            helm,
            &[
                "constraints[name=K8s.server.version].value: >= 1.32 -> v1.31.2",
                "components.certs.chart: cert-manager -> -",
                "components.certs.version: v1.20.2 -> -",
                "components.gpu-operator.namespace: gpu -> gpu-operator",
                "components.gpu-operator.version: v26.3.2 -> v25.10.1",
                "components.nfd.status: - -> failed",
                "components.off.version: - -> 1.0.0",
                "component local: what it deploys carries no mark of a Helm release",
                "releases that are of no component of this recipe: other",
                "constraint OS.release.ID: the snapshot has no OS measurement",
            ],
        );
    }

    #[test]
    fn a_snapshot_that_never_looked_for_releases_says_nothing_of_components() {
        check(
            "",
            &[
                "constraints[name=K8s.server.version].value: >= 1.32 -> v1.31.2",
                "components: the snapshot tells nothing of Helm releases (K8s.helm)",
                "constraint OS.release.ID: the snapshot has no OS measurement",
            ],
        );
    }
}
