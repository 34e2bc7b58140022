//! Manifests that a bundle brings beside charts: templates of the catalog, rendered now.
//!
//! In: catalog, component, its values. Out: the objects of every file, without the Helm hooks that order them in other
//! places (folders and levels do that here). What is written for Helm is escaped, because Helm renders it again.

use super::{
    checksum::digest,
    flags::ValuePath,
    supplied::{Placeholder, Supplied},
    template::{self, TemplateError},
};
use crate::{
    catalog::Catalog,
    recipe::ComponentRef,
    yaml::{self, YamlError},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One file of manifests.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// In the catalog; of one that bundling makes, a path of its own.
    pub source: String,
    /// The objects; empty where the file renders to nothing.
    pub objects: Vec<Value>,
    /// The file only stands for another one, which is not there.
    pub placeholder: Option<Placeholder>,
}

impl Manifest {
    /// The name of the file in a chart.
    pub fn file_name(&self) -> &str {
        self.source.rsplit('/').next().unwrap_or(&self.source)
    }

    /// The objects as a template of a chart.
    pub fn template(&self) -> String {
        let documents: Vec<String> = self.objects.iter().map(yaml::to_string).collect();
        // Helm would take these for actions of its own.
        documents.join("---\n").replace("{{", "{{ \"{{\" }}")
    }

    /// Whether one of the objects is this namespace.
    pub fn creates_namespace(&self, name: &str) -> bool {
        self.objects.iter().any(|object| is_namespace(object, name))
    }
}

/// Whether an object is the namespace of this name.
pub fn is_namespace(object: &Value, name: &str) -> bool {
    object["kind"] == "Namespace" && object["apiVersion"] == "v1" && object["metadata"]["name"] == name
}

/// Why there are no manifests.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ManifestError {
    /// A file that the recipe names.
    #[error("the catalog has no `{path}`, which `{component}` names")]
    Missing {
        /// The component.
        component: String,
        /// The path.
        path: String,
    },
    /// A template that cannot be rendered.
    #[error("cannot render `{path}`: {error}")]
    Template {
        /// The path.
        path: String,
        /// What is wrong.
        error: TemplateError,
    },
    /// What was rendered is not YAML.
    #[error("`{path}` does not render to YAML: {error}")]
    Yaml {
        /// The path.
        path: String,
        /// What is wrong.
        error: YamlError,
    },
    /// A document that is not an object.
    #[error("`{path}` renders to something that is not a Kubernetes object: it has no `{field}`")]
    NotAnObject {
        /// The path.
        path: String,
        /// What it lacks.
        field: &'static str,
    },
    /// A file that Helm does not take for a template.
    #[error("`{component}` has a manifest called `{name}`, which Helm would not install: {why}")]
    Unrendered {
        /// The component.
        component: String,
        /// The name.
        name: String,
        /// What Helm takes it for.
        why: &'static str,
    },
    /// A value that is left to the installation decides what is in a manifest.
    #[error("`{component}: {path}` cannot be dynamic: `{manifest}` is rendered with it now")]
    Dynamic {
        /// The component.
        component: String,
        /// The value.
        path: String,
        /// The file.
        manifest: String,
    },
    /// Two files of one name.
    #[error("`{component}` has two manifests called `{name}`")]
    SameName {
        /// The component.
        component: String,
        /// The name.
        name: String,
    },
    /// A namespace that is not the component's.
    #[error("`{path}` creates the namespace `{found}`, but `{component}` is installed in `{expected}`")]
    OtherNamespace {
        /// The path.
        path: String,
        /// The component.
        component: String,
        /// What the object is called.
        found: String,
        /// The component's namespace.
        expected: String,
    },
}

/// The manifests of these files.
///
/// # Errors
/// A file that is missing or cannot be rendered, or that shows a value which is left to the installation; objects that are
/// none, files of one name.
pub fn render(
    catalog: &Catalog,
    component: &ComponentRef,
    files: &[String],
    (values, dynamic): (&Value, &[ValuePath]),
    supplied: &Supplied,
) -> Result<Vec<Manifest>, ManifestError> {
    let object = object(component, values);
    let mut names = BTreeSet::new();
    files
        .iter()
        .map(|path| {
            let missing = || ManifestError::Missing { component: component.name.clone(), path: path.clone() };
            let text = catalog.text(path).ok_or_else(missing)?;
            let mut manifest = Manifest { source: path.clone(), objects: Vec::new(), placeholder: None };
            match supplied.manifests.get(path) {
                // What others publish is not a template of ours.
                Some(objects) => manifest.objects = without_hooks(objects),
                None => {
                    let (rendered, reads) = template::render(text, &object)
                        .map_err(|error| ManifestError::Template { path: path.clone(), error })?;
                    let above = ["Values".to_owned(), component.name.clone()];
                    let is_read = |dynamic: &&ValuePath| {
                        let path = [&above[..], &dynamic.0].concat();
                        reads.iter().any(|read| read.depends_on(&path))
                    };
                    if let Some(dynamic) = dynamic.iter().find(is_read) {
                        return Err(ManifestError::Dynamic {
                            component: component.name.clone(),
                            path: dynamic.to_string(),
                            manifest: path.clone(),
                        });
                    }
                    manifest.objects = objects(path, &rendered)?;
                    let is_empty = manifest.objects.is_empty();
                    manifest.placeholder = if is_empty { Placeholder::of(path, text) } else { None };
                }
            }
            if let Some(why) = unrendered(manifest.file_name()) {
                let name = manifest.file_name().to_owned();
                return Err(ManifestError::Unrendered { component: component.name.clone(), name, why });
            }
            if !names.insert(manifest.file_name().to_owned()) {
                let name = manifest.file_name().to_owned();
                return Err(ManifestError::SameName { component: component.name.clone(), name });
            }
            Ok(manifest)
        })
        .collect()
}

/// Why Helm passes over a file among the templates of a chart.
fn unrendered(name: &str) -> Option<&'static str> {
    match name {
        _ if name.starts_with('_') => Some("a name that begins with `_` is that of a file of helpers"),
        _ if name.starts_with('.') => Some("a name that begins with `.` is left out of a chart"),
        _ if name.ends_with("NOTES.txt") => Some("it is a text for whoever installs the chart"),
        _ => None,
    }
}

/// That a namespace of a pre-manifest is the component's own.
///
/// # Errors
/// The first that is not.
pub fn check_namespaces(component: &ComponentRef, manifests: &[Manifest]) -> Result<(), ManifestError> {
    for manifest in manifests {
        let namespaces = manifest.objects.iter().filter(|object| object["kind"] == "Namespace");
        for namespace in namespaces {
            let found = namespace["metadata"]["name"].as_str().unwrap_or_default();
            if found != component.namespace {
                return Err(ManifestError::OtherNamespace {
                    path: manifest.source.clone(),
                    component: component.name.clone(),
                    found: found.to_owned(),
                    expected: component.namespace.clone(),
                });
            }
        }
    }
    Ok(())
}

/// What a template may ask for.
fn object(component: &ComponentRef, values: &Value) -> Value {
    let chart = if component.chart.is_empty() { &component.name } else { &component.chart };
    let version = component.version.strip_prefix('v').unwrap_or(&component.version);
    json!({
        "Values": Map::from_iter([(component.name.clone(), values.clone())]),
        "Release": {"Namespace": component.namespace, "Service": "Helm"},
        "Chart": {"Name": chart, "Version": if version.is_empty() { "0.1.0" } else { version }},
    })
}

fn objects(path: &str, text: &str) -> Result<Vec<Value>, ManifestError> {
    let documents = yaml::parse_all(text).map_err(|error| ManifestError::Yaml { path: path.to_owned(), error })?;
    let mut objects = Vec::new();
    for document in documents.iter().filter(|document| !document.is_null()) {
        let mut object = document.to_value();
        for field in ["apiVersion", "kind"] {
            if !object.get(field).is_some_and(Value::is_string) {
                return Err(ManifestError::NotAnObject { path: path.to_owned(), field });
            }
        }
        strip_hooks(&mut object);
        objects.push(object);
    }
    Ok(objects)
}

/// What Kustomize has built of a component.
pub fn kustomized(objects: &[Value]) -> Manifest {
    let source = "aicr/kustomize/manifest.yaml".to_owned();
    Manifest { source, objects: without_hooks(objects), placeholder: None }
}

fn without_hooks(objects: &[Value]) -> Vec<Value> {
    let mut objects = objects.to_vec();
    objects.iter_mut().for_each(strip_hooks);
    objects
}

const HOOK: &str = "helm.sh/hook";
/// Phases that only say when; those that clean up stay.
const ORDERING: [&str; 10] = [
    "pre-install",
    "post-install",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "crd-install",
    "test",
    "test-success",
    "test-failure",
];

fn strip_hooks(object: &mut Value) {
    let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") else { return };
    let Some(Value::String(hook)) = annotations.get(HOOK) else { return };
    let kept: Vec<&str> = hook.split(',').map(str::trim).filter(|phase| !ORDERING.contains(phase)).collect();
    if !kept.is_empty() {
        let kept = kept.join(",");
        annotations.insert(HOOK.to_owned(), kept.into());
        return;
    }
    for key in [HOOK, "helm.sh/hook-weight", "helm.sh/hook-delete-policy"] {
        annotations.remove(key);
    }
}

/// How many critical pods GKE allows in a namespace of its own making.
const CRITICAL_PODS: u64 = 32;

/// The quota without which GKE refuses critical pods outside `kube-system`: room for every node.
pub fn critical_pods_quota(component: &ComponentRef, nodes: u64) -> Manifest {
    let pods = CRITICAL_PODS.max(CRITICAL_PODS.saturating_mul(nodes));
    let quota = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "aicr-gke-critical-pods", "namespace": component.namespace},
        "spec": {
            "hard": {"pods": pods.to_string()},
            "scopeSelector": {"matchExpressions": [{
                "operator": "In",
                "scopeName": "PriorityClass",
                "values": ["system-node-critical", "system-cluster-critical"],
            }]},
        },
    });
    let source = "aicr/synthesized/gke-critical-pods-quota.yaml".to_owned();
    Manifest { source, objects: vec![quota], placeholder: None }
}

/// The gate behind a component: a Job that asks until what the component's test asserts holds.
///
/// It may read the kinds that the test names and nothing else. The Job is called after everything that it gates: one that is
/// complete says nothing about another version or other values, and the template of a Job cannot be changed.
pub fn readiness_gate(component: &ComponentRef, values: &Value, test: &str, image: &str, is_argo: bool) -> Manifest {
    let name = |suffix: &str| format!("{}-readiness{suffix}", component.name);
    let namespace = &component.namespace;
    let labels = json!({"app.kubernetes.io/managed-by": "aicr", "app.kubernetes.io/component": component.name});
    let mut groups: BTreeSet<String> = BTreeSet::new();
    if let Ok(documents) = yaml::parse_all(test) {
        documents.iter().for_each(|document| asserted_groups(&document.to_value(), &mut groups));
    }
    let subject = json!([{"kind": "ServiceAccount", "name": name(""), "namespace": namespace}]);
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name("")});
    let mut job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name("-gate"), "namespace": namespace, "labels": labels},
        "spec": {
            "activeDeadlineSeconds": 93 * 60,
            "backoffLimit": 6,
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": name(""),
                    "restartPolicy": "Never",
                    "containers": [{
                        "name": "gate",
                        "image": image,
                        "args": [
                            "--test-file=/bundle/readiness.yaml", "--check-timeout=2m0s", "--poll-interval=10s",
                            "--stability-window=30s", "--max-wait=1h30m0s",
                        ],
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "capabilities": {"drop": ["ALL"]},
                            "runAsNonRoot": true,
                        },
                        "volumeMounts": [{"name": "bundle", "mountPath": "/bundle", "readOnly": true}],
                    }],
                    "volumes": [{"name": "bundle", "configMap": {"name": name("-bundle")}}],
                },
            },
        },
    });
    if is_argo {
        job["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-options": "Replace=true"});
    }
    let ComponentRef { source, chart, version, manifest_files, pre_manifest_files, .. } = component;
    let gated = json!([source, chart, version, manifest_files, pre_manifest_files, values, test, job]);
    job["metadata"]["name"] = gate_name(&component.name, &digest(gated.to_string().as_bytes())).into();
    let objects = vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
               "metadata": {"name": name(""), "namespace": namespace, "labels": labels}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
               "metadata": {"name": name(""), "labels": labels},
               "rules": [{"apiGroups": groups, "resources": ["*"], "verbs": ["get", "list", "watch"]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
               "metadata": {"name": name(""), "labels": labels}, "roleRef": role, "subjects": subject}),
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"name": name("-bundle"), "namespace": namespace, "labels": labels},
               "data": {"readiness.yaml": test}}),
        job,
    ];
    Manifest { source: "aicr/synthesized/readiness-gate.yaml".to_owned(), objects, placeholder: None }
}

/// The name of a Job, which is a label of its pods too: at most 63 characters.
fn gate_name(component: &str, digest: &str) -> String {
    let end = format!("-readiness-gate-{}", &digest[..8]);
    let kept = component.len().min(63 - end.len());
    format!("{}{end}", &component[..kept])
}

/// API groups of the resources that a test asserts.
fn asserted_groups(value: &Value, groups: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            if let Some(version) = entries.get("resource").and_then(|resource| resource["apiVersion"].as_str()) {
                groups.insert(version.split_once('/').map_or("", |(group, _)| group).to_owned());
            }
            entries.values().for_each(|child| asserted_groups(child, groups));
        }
        Value::Array(items) => items.iter().for_each(|item| asserted_groups(item, groups)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordering_hooks_go_and_cleaning_ones_stay() {
        let text = "apiVersion: v1\nkind: A\nmetadata: {name: x, annotations: {helm.sh/hook: 'post-install, pre-upgrade', \
                    helm.sh/hook-weight: '3', helm.sh/hook-delete-policy: before-hook-creation, other: kept}}\n---\n\
                    apiVersion: v1\nkind: B\nmetadata: {annotations: {helm.sh/hook: 'post-install,pre-delete'}}\n---\n";
        let read = objects("x.yaml", text).expect("two objects");
        assert_eq!(read[0]["metadata"]["annotations"], json!({"other": "kept"}));
        assert_eq!(read[1]["metadata"]["annotations"], json!({"helm.sh/hook": "pre-delete"}));
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn a_namespace_is_created_by_the_object_of_that_name_only() {
        let with = |text: &str| {
            let objects = objects("x.yaml", text).expect("objects");
            Manifest { source: "a/b.yaml".into(), objects, placeholder: None }.creates_namespace("own")
        };
        assert!(with("apiVersion: v1\nkind: Namespace\nmetadata: {name: own}\n"));
        assert!(!with("apiVersion: v1\nkind: Namespace\nmetadata: {name: elsewhere}\n"));
        assert!(!with("apiVersion: x/v1\nkind: Namespace\nmetadata: {name: own}\n"));
        assert!(!with("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n"));
    }

    #[test]
    fn a_file_that_helm_passes_over_is_known() {
        for name in ["_x.yaml", ".x.yaml", "NOTES.txt", "myNOTES.txt"] {
            assert!(unrendered(name).is_some(), "{name}");
        }
        for name in ["x.yaml", "x_y.yml", "NOTES.yaml"] {
            assert_eq!(unrendered(name), None, "{name}");
        }
    }

    #[test]
    fn what_helm_would_render_again_is_escaped() {
        let objects = vec![json!({"apiVersion": "v1", "kind": "A", "data": "{{ .x }}"})];
        let manifest = Manifest { source: "a/b.yaml".into(), objects, placeholder: None };
        assert_eq!(manifest.file_name(), "b.yaml");
        assert_eq!(manifest.template(), "apiVersion: v1\ndata: '{{ \"{{\" }} .x }}'\nkind: A\n");
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        assert!(matches!(objects("x", "a: 1\n"), Err(ManifestError::NotAnObject { field: "apiVersion", .. })));
        assert!(matches!(objects("x", "- 1\n"), Err(ManifestError::NotAnObject { .. })));
        assert!(matches!(objects("x", "a: [\n"), Err(ManifestError::Yaml { .. })));
        assert_eq!(objects("x", "# nothing\n---\n"), Ok(Vec::new()));
    }

    /// A Job that is complete says nothing about what came after it.
    #[test]
    fn a_gate_of_something_else_is_another_job() {
        let name = |component: &ComponentRef, values: Value, test: &str, image: &str| {
            let gate = readiness_gate(component, &values, test, image, false);
            let job = gate.objects.into_iter().find(|object| object["kind"] == "Job").expect("a Job");
            job["metadata"]["name"].as_str().expect("a name").to_owned()
        };
        let component = |name: &str, version: &str| ComponentRef {
            name: name.to_owned(),
            namespace: "n".to_owned(),
            version: version.to_owned(),
            ..ComponentRef::default()
        };
        let one = component("c", "1");
        let first = name(&one, json!({}), "a: 1", "i:1");
        assert_eq!(first, name(&one, json!({}), "a: 1", "i:1"));
        assert!(first.starts_with("c-readiness-gate-"), "{first}");
        let others = [
            name(&component("c", "2"), json!({}), "a: 1", "i:1"),
            name(&one, json!({"x": 1}), "a: 1", "i:1"),
            name(&one, json!({}), "a: 2", "i:1"),
            name(&one, json!({}), "a: 1", "i:2"),
        ];
        assert_eq!(others.iter().chain([&first]).collect::<BTreeSet<_>>().len(), 5, "{first} {others:?}");
        let long = "x".repeat(42);
        let [left, right] = ["y", "z"].map(|end| name(&component(&(long.clone() + end), "1"), json!({}), "", "i"));
        assert!(left != right && left.len() == 63 && right.len() == 63, "{left} {right}");
    }

    #[test]
    fn a_gate_reads_what_its_test_asserts() {
        let test = "spec:\n  steps:\n    - try:\n        - assert: {resource: {apiVersion: nvidia.com/v1, kind: ClusterPolicy}}\n";
        let component =
            ComponentRef { name: "gpu-operator".into(), namespace: "gpu".into(), ..ComponentRef::default() };
        let gate = readiness_gate(&component, &json!({}), test, "image:1", true);
        assert_eq!(gate.objects[1]["rules"][0]["apiGroups"], json!(["nvidia.com"]));
        assert_eq!(gate.objects[4]["spec"]["template"]["spec"]["serviceAccountName"], "gpu-operator-readiness");
    }
}
