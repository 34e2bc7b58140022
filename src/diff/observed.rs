//! A recipe and what a cluster runs.
//!
//! In: a recipe, a snapshot and, where somebody asked for them, the values of its Helm releases. Out: two sides cut down
//! to what the cluster shows (chart, version, namespace and values of each component, constraints against readings), and a
//! line for everything that it does not show. What cannot be observed is not a difference.

use crate::{
    constraint::{self, Verdict},
    document::{
        side::Side,
        traced::{Layer, LayerKind, Origin, Traced, TracedValue, Wrote},
    },
    inventory::{
        Fact, Inventory,
        release::{Content, Release},
    },
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

type Entries = Vec<(Arc<str>, Traced)>;

/// Releases with their content, by namespace and name; `None` where nobody asked for it.
pub type Contents = Option<BTreeMap<(String, String), Content>>;

/// What a cluster of that name runs, next to what a recipe wants.
pub fn sides(recipe: &Side, inventory: &Inventory, contents: &Contents, cluster: &str) -> Observed {
    let mut layers = recipe.layers.clone();
    let layer = ClusterLayer { index: layers.len(), cluster: cluster.into() };
    layers.push(Layer::new(LayerKind::Cluster, cluster, "", ""));
    let mut notes = Vec::new();
    let (wanted_components, running_components) = components(recipe, inventory, contents, &layer, &mut notes);
    let (wanted_constraints, running_constraints) = constraints(recipe, inventory, &layer, &mut notes);
    let side = |constraints: Vec<Traced>, mut components: Entries| {
        // An empty mapping would be something that differs from nothing.
        components.retain(|(_, component)| component.value != TracedValue::Map(Vec::new()));
        let list = Traced { value: TracedValue::List(constraints), history: Vec::new() };
        let mut entries: Entries = vec![("constraints".into(), list)];
        entries.extend((!components.is_empty()).then(|| ("components".into(), map(components))));
        Side { document: map(entries), layers: layers.clone(), criteria: None }
    };
    let wanted = side(wanted_constraints, wanted_components);
    let running = side(running_constraints, running_components);
    Observed { wanted, running, notes }
}

/// The cluster as a layer: the origin of each value that it shows.
struct ClusterLayer {
    index: usize,
    cluster: Arc<str>,
}

impl ClusterLayer {
    /// A value under its key; one that is a secret by its name is not shown.
    fn value(&self, key: &str, value: &Value) -> Traced {
        let lower = key.to_lowercase();
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                map(entries.iter().map(|(key, value)| (Arc::from(key.as_str()), self.value(key, value))).collect())
            }
            Value::String(_) if SECRET.iter().any(|word| lower.contains(word)) => self.text("(hidden)"),
            other => {
                let wrote = Wrote::Set(other.clone());
                let origin = Origin { layer: self.index, file: self.cluster.clone(), at: Position::NONE, wrote };
                Traced { history: vec![origin], ..Traced::from_value(other) }
            }
        }
    }

    fn text(&self, text: &str) -> Traced {
        self.value("", &Value::from(text))
    }
}

fn map(entries: Entries) -> Traced {
    Traced { value: TracedValue::Map(entries), history: Vec::new() }
}

fn components(
    recipe: &Side,
    inventory: &Inventory,
    contents: &Contents,
    layer: &ClusterLayer,
    notes: &mut Vec<String>,
) -> (Entries, Entries) {
    let mut releases = match &inventory.releases {
        Fact::Known(releases) => releases.value.clone(),
        Fact::Unknown(why) => {
            let why = inventory.gap("helm").unwrap_or_else(|| why.to_string());
            notes.push(format!("components: Helm releases are unknown: {why}"));
            return (Vec::new(), Vec::new());
        }
    };
    let enabled: Vec<&str> = match recipe.document.get("deploymentOrder").map(|order| &order.value) {
        Some(TracedValue::List(names)) => names.iter().filter_map(Traced::as_text).collect(),
        _ => Vec::new(),
    };
    let all = match recipe.document.get("components").map(|components| &components.value) {
        Some(TracedValue::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    for release in &mut releases {
        if let Some(content) = content_of(contents, release) {
            release.chart = content.chart.clone().or(release.chart.take());
            release.version = content.version.clone().or(release.version.take());
        }
    }
    if contents.is_none() {
        notes.push(
            "values: the content of Helm's secrets was not read (`aicr diff recipe.yaml cluster --values` does)"
                .to_owned(),
        );
    }
    let (mut wanted, mut running) = (Vec::new(), Vec::new());
    for (name, component) in all {
        let text = |key: &str| component.get(key).and_then(Traced::as_text).unwrap_or_default();
        let release = take(&mut releases, name, chart_name(text("chart")), text("namespace"));
        if !enabled.contains(&&**name) {
            if let Some(release) = release {
                running.push((name.clone(), map(entries(&release, layer))));
            }
            continue;
        }
        let Some(release) = release else {
            if text("type") != "Helm" || text("source").is_empty() {
                notes.push(format!("component {name}: its workloads do not carry the labels of a Helm release"));
                continue;
            }
            // Without Helm's records a release shows only by labels of its workloads, which not every chart sets.
            if let Some(gap) = inventory.gap("helm") {
                notes.push(format!("component {name}: not known whether it is installed: {gap}"));
                continue;
            }
            // One line says that it is not there.
            let shown =
                ["version", "chart"].into_iter().find_map(|key| Some((Arc::from(key), component.get(key)?.clone())));
            wanted.push((name.clone(), map(shown.into_iter().collect())));
            continue;
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (key, found) in fields(&release) {
            let want = component.get(key).filter(|value| value.as_text() != Some(""));
            match (want, found) {
                (Some(want), Some(found)) => {
                    let same = same(key, want.as_text().unwrap_or_default(), found);
                    ours.push((Arc::from(key), want.clone()));
                    theirs.push((Arc::from(key), if same { want.clone() } else { layer.text(found) }));
                }
                (Some(_), None) => notes.push(format!("component {name}: running {key} unknown")),
                (None, Some(found)) if key == "status" && found != "deployed" => {
                    theirs.push((Arc::from(key), layer.text(found)));
                }
                _ => {}
            }
        }
        if let Some(content) = content_of(contents, &release) {
            let (want, found) = values(component.get("values"), content, layer);
            ours.extend((!want.is_empty()).then(|| ("values".into(), map(want))));
            theirs.extend((!found.is_empty()).then(|| ("values".into(), map(found))));
        }
        wanted.push((name.clone(), map(ours)));
        running.push((name.clone(), map(theirs)));
    }
    if !releases.is_empty() {
        let names: Vec<&str> = releases.iter().map(|release| release.name.as_str()).collect();
        notes.push(format!("releases that do not belong to a component of this recipe: {}", names.join(", ")));
    }
    (wanted, running)
}

/// The values of a component and those of its release.
fn values(wanted: Option<&Traced>, content: &Content, layer: &ClusterLayer) -> (Entries, Entries) {
    // The switch is the resolver's, and no tool agrees with another on whether it reaches Helm.
    let is_switch = |key: &str| key == "enabled";
    let wanted = match wanted.map(|values| &values.value) {
        Some(TracedValue::Map(entries)) => entries.iter().filter(|(key, _)| !is_switch(key)).cloned().collect(),
        _ => Vec::new(),
    };
    let (ours, mut theirs) = compare_values(&wanted, &content.config, &content.defaults, layer);
    theirs.retain(|(key, _)| !is_switch(key));
    (ours, theirs)
}

/// Wanted values and those in effect; values given beyond them come last, unless it is the default.
fn compare_values(
    wanted: &[(Arc<str>, Traced)],
    config: &Value,
    defaults: &Value,
    layer: &ClusterLayer,
) -> (Entries, Entries) {
    let (mut ours, mut theirs): (Entries, Entries) = (Vec::new(), Vec::new());
    for (key, child) in wanted {
        let (given, default) = (config.get(&**key), defaults.get(&**key));
        let found = given.or(default).filter(|found| !found.is_null());
        if let TracedValue::Map(entries) = &child.value
            && found.is_none_or(Value::is_object)
        {
            // Helm merges mappings, so an empty one changes nothing.
            let (want, found) =
                compare_values(entries, given.unwrap_or(&Value::Null), default.unwrap_or(&Value::Null), layer);
            ours.extend((!want.is_empty()).then(|| (key.clone(), map(want))));
            theirs.extend((!found.is_empty()).then(|| (key.clone(), map(found))));
            continue;
        }
        let want = child.to_value();
        ours.push((key.clone(), child.clone()));
        match found {
            Some(found) if *found != want => theirs.push((key.clone(), layer.value(key, found))),
            None if !want.is_null() => {}
            _ => theirs.push((key.clone(), child.clone())),
        }
    }
    let known = |key: &str| wanted.iter().any(|(name, _)| &**name == key);
    for (key, value) in config.as_object().into_iter().flatten() {
        if !known(key) && !value.is_null() && defaults.get(key) != Some(value) {
            theirs.push((Arc::from(key.as_str()), layer.value(key, value)));
        }
    }
    (ours, theirs)
}

/// Words in the name of a value that nobody should read off a screen.
const SECRET: [&str; 5] = ["password", "secret", "token", "credential", "apikey"];

/// Versions are the same with and without a leading `v`, charts by the last part of their path.
pub fn same(key: &str, wanted: &str, found: &str) -> bool {
    let plain = |version: &str| version.strip_prefix('v').unwrap_or(version).to_owned();
    match key {
        "version" => plain(wanted) == plain(found),
        "chart" => chart_name(wanted) == chart_name(found),
        _ => wanted == found,
    }
}

pub fn chart_name(chart: &str) -> &str {
    chart.rsplit('/').next().unwrap_or(chart)
}

/// The release of a component of a recipe, where each component in its turn has taken its own.
pub fn release_of(recipe: &Traced, inventory: &Inventory, component: &str) -> Option<Release> {
    let mut releases = inventory.releases.value()?.clone();
    let Some(TracedValue::Map(all)) = recipe.get("components").map(|components| &components.value) else { return None };
    for (name, part) in all {
        let text = |key: &str| part.get(key).and_then(Traced::as_text).unwrap_or_default();
        let release = take(&mut releases, name, chart_name(text("chart")), text("namespace"));
        if **name == *component {
            return release;
        }
    }
    None
}

fn content_of<'c>(contents: &'c Contents, release: &Release) -> Option<&'c Content> {
    contents.as_ref()?.get(&(release.namespace.clone()?, release.name.clone()))
}

/// What a release says of a field of its component.
pub fn field<'r>(release: &'r Release, key: &str) -> Option<&'r str> {
    fields(release).into_iter().find(|(known, _)| *known == key).and_then(|(_, found)| found)
}

fn fields(release: &Release) -> [(&'static str, Option<&str>); 4] {
    [
        ("namespace", release.namespace.as_deref()),
        ("chart", release.chart.as_deref()),
        ("version", release.version.as_deref()),
        ("status", release.status.as_deref()),
    ]
}

fn entries(release: &Release, layer: &ClusterLayer) -> Entries {
    let known = fields(release).into_iter().filter_map(|(key, text)| Some((Arc::from(key), layer.text(text?))));
    known.collect()
}

/// The release of a component: the one of its name, else the only one of its chart; of several the one in its namespace.
pub fn take(releases: &mut Vec<Release>, name: &str, chart: &str, namespace: &str) -> Option<Release> {
    let named = |release: &Release| release.name == name;
    let of_chart = |release: &Release| !chart.is_empty() && release.chart.as_deref() == Some(chart);
    // Flux puts the namespace before the name.
    let named_by_flux = |release: &Release| {
        let of = release.namespace.as_deref().and_then(|namespace| release.name.strip_prefix(namespace));
        of.and_then(|rest| rest.strip_prefix('-')) == Some(name)
    };
    let here = |release: &Release| release.namespace.as_deref() == Some(namespace);
    let indices = |fits: &dyn Fn(&Release) -> bool| -> Vec<usize> {
        releases.iter().enumerate().filter(|(_, release)| fits(release)).map(|(index, _)| index).collect()
    };
    let pick = |found: Vec<usize>| match found[..] {
        [only] => Some(only),
        _ => found.into_iter().find(|index| here(&releases[*index])),
    };
    let index = match indices(&named)[..] {
        [] => pick(indices(&named_by_flux)).or_else(|| pick(indices(&of_chart))),
        [first, ..] => pick(indices(&named)).or(Some(first)),
    };
    index.map(|index| releases.remove(index))
}

/// Constraints that fail, with the reading in the place of the expression; those that hold are equal.
fn constraints(
    recipe: &Side,
    inventory: &Inventory,
    layer: &ClusterLayer,
    notes: &mut Vec<String>,
) -> (Vec<Traced>, Vec<Traced>) {
    let items = match recipe.document.get("constraints").map(|constraints| &constraints.value) {
        Some(TracedValue::List(items)) => items.as_slice(),
        _ => &[],
    };
    let (mut wanted, mut running) = (Vec::new(), Vec::new());
    for item in items {
        let (Some(name), Some(value)) = (item.get("name"), item.get("value")) else { continue };
        let path = name.as_text().unwrap_or_default();
        let found = match constraint::judge(path, value.as_text().unwrap_or_default(), inventory) {
            Verdict::Pass { .. } => value.clone(),
            Verdict::Fail { actual, .. } => layer.text(&actual),
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
        check_values(helm, Some(BTreeMap::new()), expected);
    }

    #[track_caller]
    fn check_values(helm: &str, contents: Contents, expected: &[&str]) {
        let document = Traced::from_value(&serde_json::from_str(RECIPE).expect("the recipe is JSON"));
        let recipe = Side { document, layers: Vec::new(), criteria: None };
        let snapshot = format!(
            "kind: Snapshot\napiVersion: aicr.run/v1alpha2\nmeasurements:\n- type: K8s\n  subtypes:\n  \
             - {{subtype: server, data: {{version: v1.31.2}}}}\n{helm}"
        );
        let snapshot = crate::snapshot::format::read(&snapshot).expect("the snapshot can be read");
        let observed = sides(&recipe, &snapshot, &contents, "prod");
        let text = |value: &Option<Value>| value.as_ref().map_or(json!("-"), Clone::clone).to_string().replace('"', "");
        let told = compare(&observed.wanted, &observed.running)
            .into_iter()
            .map(|change| format!("{}: {} -> {}", change.path, text(&change.left), text(&change.right)));
        let told: Vec<String> = told.chain(observed.notes).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn versions_namespaces_and_failed_constraints_differ_and_the_rest_is_noted() {
        let helm = "  - subtype: helm\n    data: {nfd.chart: node-feature-discovery, nfd.version: v0.18.3, \
                    nfd.namespace: nfd, nfd.status: failed, operator.chart: gpu-operator, operator.version: v25.10.1, \
                    operator.namespace: gpu-operator, off.version: 1.0.0, other.chart: other}\n";
        check(
            helm,
            &[
                "constraints[name=K8s.server.version].value: >= 1.32 -> v1.31.2",
                "components.certs.version: v1.20.2 -> -",
                "components.gpu-operator.namespace: gpu -> gpu-operator",
                "components.gpu-operator.version: v26.3.2 -> v25.10.1",
                "components.nfd.status: - -> failed",
                "components.off.version: - -> 1.0.0",
                "component local: its workloads do not carry the labels of a Helm release",
                "releases that do not belong to a component of this recipe: other",
                "constraint OS.release.ID: the snapshot has no OS measurement",
            ],
        );
    }

    #[test]
    fn every_component_is_one_line_where_none_is_installed() {
        let looked = "  - subtype: collection\n    data: {helm: ok, workloads: ok}\n";
        check(
            looked,
            &[
                "constraints[name=K8s.server.version].value: >= 1.32 -> v1.31.2",
                "components.certs.version: v1.20.2 -> -",
                "components.gpu-operator.version: v26.3.2 -> -",
                "components.nfd.version: 0.18.3 -> -",
                "component local: its workloads do not carry the labels of a Helm release",
                "constraint OS.release.ID: the snapshot has no OS measurement",
            ],
        );
    }

    #[test]
    fn what_nobody_was_allowed_to_look_at_is_not_missing() {
        let forbidden = "  - subtype: collection\n    data: {helm: forbidden, workloads: ok}\n    \
                         context: {helm: 'list secrets: secrets is forbidden'}\n";
        let unknown =
            |name: &str| format!("component {name}: not known whether it is installed: forbidden: list secrets");
        let [nfd, operator, certs] = ["nfd", "gpu-operator", "certs"].map(unknown);
        let local = "component local: its workloads do not carry the labels of a Helm release";
        let version = "constraints[name=K8s.server.version].value: >= 1.32 -> v1.31.2";
        let os = "constraint OS.release.ID: the snapshot has no OS measurement";
        check(forbidden, &[version, &certs, &operator, local, &nfd, os]);
        let both = forbidden.replace("workloads: ok", "workloads: forbidden");
        let helm = "components: Helm releases are unknown: forbidden: list secrets";
        check(&both, &[version, helm, os]);
    }

    #[test]
    fn a_snapshot_that_never_looked_for_releases_says_nothing_of_components() {
        check(
            "",
            &[
                "constraints[name=K8s.server.version].value: >= 1.32 -> v1.31.2",
                "components: Helm releases are unknown: not measured",
                "constraint OS.release.ID: the snapshot has no OS measurement",
            ],
        );
    }

    #[test]
    fn values_are_those_in_effect_and_secrets_stay_hidden() {
        let content = Content {
            namespace: None,
            chart: Some("cert-manager".into()),
            version: Some("v1.20.2".into()),
            config: json!({"a": 2, "same": {"x": true}, "admin": {"password": "hunter2"}, "given": [1], "default": 5}),
            defaults: json!({"by_chart": "yes", "default": 5, "deep": {"d": 1, "other": 2}}),
            component_version: None,
        };
        let recipe = json!({"deploymentOrder": ["certs"], "components": {"certs": {
            "type": "Helm", "source": "https://x", "chart": "cert-manager", "version": "v1.20.2",
            "values": {"enabled": true, "a": 1, "same": {"x": true}, "by_chart": "yes", "deep": {"d": 3}, "none": null,
                "lacks": "it", "empty": {}}}}});
        let recipe = Side { document: Traced::from_value(&recipe), layers: Vec::new(), criteria: None };
        let snapshot = "kind: Snapshot\napiVersion: aicr.run/v1alpha2\nmeasurements:\n- type: K8s\n  subtypes:\n  \
                        - {subtype: helm, data: {certs.status: deployed, certs.namespace: certs}}\n";
        let snapshot = crate::snapshot::format::read(snapshot).expect("the snapshot can be read");
        let contents = Some(BTreeMap::from([(("certs".to_owned(), "certs".to_owned()), content)]));
        let observed = sides(&recipe, &snapshot, &contents, "prod");
        let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
        let told: Vec<String> = compare(&observed.wanted, &observed.running)
            .into_iter()
            .map(|change| format!("{}: {} -> {}", &change.path[24..], text(&change.left), text(&change.right)))
            .collect();
        assert_eq!(
            told,
            [
                "a: 1 -> 2",
                "deep.d: 3 -> 1",
                "lacks: \"it\" -> -",
                "admin.password: - -> \"(hidden)\"",
                "given: - -> [1]",
            ]
        );
        assert_eq!(observed.notes, [""; 0]);
    }
}
