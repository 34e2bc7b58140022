//! What happens to an object between the request and the store: defaults, validation, admission.
//!
//! Only for the types whose behavior the demo stands for: Jobs, Pods, Namespaces, bindings. Everything else is stored
//! after the checks that all objects share.

use super::{
    kinds::{Kind, own},
    status::{Cause, Refusal},
    store::{Key, Store},
};
use serde_json::{Map, Value, json};

/// Data of one ConfigMap or Secret.
const DATA_LIMIT: usize = 1 << 20;

/// Fills in what the API server fills in. `uid` and names are set already.
pub fn default(kind: &Kind, object: &mut Value) {
    match kind.plural {
        "jobs" => default_job(object),
        "pods" => default_pod(object),
        "namespaces" => {
            let name = object["metadata"]["name"].clone();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            object["spec"] = json!({"finalizers": ["kubernetes"]});
            object["status"] = json!({"phase": "Active"});
        }
        "secrets" => missing(object, "type", json!("Opaque")),
        "clusterrolebindings" | "rolebindings" => {
            missing(&mut object["roleRef"], "apiGroup", json!("rbac.authorization.k8s.io"));
            for subject in object["subjects"].as_array_mut().into_iter().flatten() {
                if subject["kind"] != "ServiceAccount" {
                    missing(subject, "apiGroup", json!("rbac.authorization.k8s.io"));
                }
            }
        }
        _ => {}
    }
}

fn missing(object: &mut Value, field: &str, value: Value) {
    if object.get(field).is_none_or(Value::is_null) {
        object[field] = value;
    }
}

fn default_job(job: &mut Value) {
    let uid = job["metadata"]["uid"].clone();
    let name = job["metadata"]["name"].clone();
    let spec = &mut job["spec"];
    for (field, value) in [
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("completions", json!(1)),
        ("manualSelector", json!(false)),
        ("parallelism", json!(1)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
        ("suspend", json!(false)),
    ] {
        missing(spec, field, value);
    }
    spec["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    let labels = &mut spec["template"]["metadata"]["labels"];
    for (label, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        labels[label] = value.clone();
    }
    let labels = labels.clone();
    default_pod_spec(&mut spec["template"]["spec"]);
    // A Job without labels gets those of its pods.
    if job["metadata"]["labels"].as_object().is_none_or(Map::is_empty) {
        job["metadata"]["labels"] = labels;
    }
}

fn default_pod(pod: &mut Value) {
    missing(&mut pod["spec"], "restartPolicy", json!("Always"));
    missing(&mut pod["spec"], "enableServiceLinks", json!(true));
    default_pod_spec(&mut pod["spec"]);
    let spec = &mut pod["spec"];
    missing(spec, "serviceAccountName", json!("default"));
    let account = spec["serviceAccountName"].clone();
    missing(spec, "serviceAccount", account);
    missing(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
    missing(spec, "priority", json!(0));
    let mut tolerations = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_tolerated = tolerations.iter().any(|one| {
            let is_key = one.get("key").is_none_or(|found| found == key);
            is_key && one.get("effect").is_none_or(|effect| effect == "NoExecute")
        });
        if !is_tolerated {
            tolerations
                .push(json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300}));
        }
    }
    spec["tolerations"] = json!(tolerations);
    let class = quality(&pod["spec"]);
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
}

fn default_pod_spec(spec: &mut Value) {
    for (field, value) in [
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
    ] {
        missing(spec, field, value);
    }
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        missing(spec, "serviceAccount", account);
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            default_container(container);
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for source in ["configMap", "secret", "projected"] {
            if let Some(source) = volume.get_mut(source) {
                missing(source, "defaultMode", json!(420));
            }
        }
    }
}

fn default_container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or(image);
    let floats = !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    missing(container, "imagePullPolicy", json!(if floats { "Always" } else { "IfNotPresent" }));
    missing(container, "resources", json!({}));
    missing(container, "terminationMessagePath", json!("/dev/termination-log"));
    missing(container, "terminationMessagePolicy", json!("File"));
    if let Some(resources) = container["resources"].as_object_mut()
        && let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned()
    {
        let requests = resources.entry("requests").or_insert_with(|| json!({}));
        for (name, limit) in limits {
            missing(requests, &name, limit);
        }
    }
    for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            missing(field, "apiVersion", json!("v1"));
        }
    }
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        missing(port, "protocol", json!("TCP"));
    }
}

/// Quality of service class.
fn quality(spec: &Value) -> &'static str {
    let containers = || spec["containers"].as_array().into_iter().flatten();
    let of = |container: &Value, list: &str, name: &str| container["resources"][list].get(name).cloned();
    let is_set = |container: &Value| {
        ["cpu", "memory"]
            .iter()
            .any(|name| of(container, "requests", name).is_some() || of(container, "limits", name).is_some())
    };
    let is_guaranteed = |container: &Value| {
        ["cpu", "memory"].iter().all(|name| {
            of(container, "limits", name).is_some_and(|limit| of(container, "requests", name) == Some(limit))
        })
    };
    if containers().all(is_guaranteed) {
        "Guaranteed"
    } else if containers().any(is_set) {
        "Burstable"
    } else {
        "BestEffort"
    }
}

/// Refuses an object that the API server would not store.
///
/// # Errors
/// 422 with every field that is not right.
pub fn validate(kind: &Kind, before: Option<&Value>, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut causes = Vec::new();
    if before.is_none() {
        validate_name(kind, name, &mut causes);
    }
    validate_labels(&object["metadata"]["labels"], &mut causes);
    match kind.plural {
        "jobs" => validate_job(before, object, &mut causes),
        "pods" => validate_pod(before, object, &mut causes),
        "configmaps" | "secrets" => {
            let values = object["data"].as_object().into_iter().flatten();
            if values.map(|(_, value)| value.as_str().map_or(0, str::len)).sum::<usize>() > DATA_LIMIT {
                causes.push(Cause {
                    reason: "FieldValueTooLong",
                    field: if kind.plural == "secrets" { "data".to_owned() } else { "[]".to_owned() },
                    message: format!("Too long: may not be more than {DATA_LIMIT} bytes"),
                });
            }
        }
        "clusterrolebindings" | "rolebindings"
            if before.is_some_and(|before| before["roleRef"] != object["roleRef"]) =>
        {
            causes.push(Cause::invalid("roleRef", &object["roleRef"], "cannot change roleRef"));
        }
        _ => {}
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(kind, name, &causes)) }
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
    must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const DNS_LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
    and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn is_label(text: &str) -> bool {
    let ends = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.bytes().all(|c| ends(c) || c == b'-')
        && text.bytes().next().is_some_and(ends)
        && text.bytes().next_back().is_some_and(ends)
}

fn validate_name(kind: &Kind, name: &str, causes: &mut Vec<Cause>) {
    let value = json!(name);
    if kind.group == "rbac.authorization.k8s.io" {
        // Names of roles are path segments: `system:node`.
        if name.contains(['/', '%']) || matches!(name, "." | "..") {
            causes.push(Cause::invalid("metadata.name", &value, "may not contain '/'"));
        }
    } else if kind.plural == "namespaces" {
        if !is_label(name) || name.len() > 63 {
            causes.push(Cause::invalid("metadata.name", &value, DNS_LABEL));
        }
    } else if name.len() > 253 || !name.split('.').all(is_label) {
        causes.push(Cause::invalid("metadata.name", &value, SUBDOMAIN));
    }
}

fn validate_labels(labels: &Value, causes: &mut Vec<Cause>) {
    for (_, value) in labels.as_object().into_iter().flatten() {
        let Some(text) = value.as_str() else { continue };
        let ends = |c: Option<u8>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        let is_inside = |c: u8| c.is_ascii_alphanumeric() || b"-_.".contains(&c);
        if text.len() > 63 {
            causes.push(Cause::invalid("metadata.labels", value, "must be no more than 63 characters"));
        } else if !(ends(text.bytes().next()) && ends(text.bytes().next_back()) && text.bytes().all(is_inside)) {
            causes.push(Cause::invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
}

fn validate_job(before: Option<&Value>, job: &Value, causes: &mut Vec<Cause>) {
    let template = &job["spec"]["template"];
    if before.is_some_and(|before| before["spec"]["template"]["spec"] != template["spec"]) {
        causes.push(Cause::invalid("spec.template", &json!("…"), "field is immutable"));
    }
    validate_containers("spec.template.spec", &template["spec"], causes);
    match template["spec"]["restartPolicy"].as_str() {
        Some("Never" | "OnFailure") => {}
        None | Some("") => {
            let detail = "valid values: \"OnFailure\", \"Never\"";
            causes.push(Cause::required("spec.template.spec.restartPolicy", detail));
        }
        Some(_) => causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: "spec.template.spec.restartPolicy".to_owned(),
            message: format!(
                "Unsupported value: {}: supported values: \"OnFailure\", \"Never\"",
                template["spec"]["restartPolicy"]
            ),
        }),
    }
}

fn validate_pod(before: Option<&Value>, pod: &Value, causes: &mut Vec<Cause>) {
    if before.is_none() {
        validate_containers("spec", &pod["spec"], causes);
        return;
    }
    // Of a pod's spec only images, deadlines, tolerations and gates may change.
    let fixed = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        for list in ["containers", "initContainers"] {
            for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        for field in
            ["activeDeadlineSeconds", "tolerations", "schedulingGates", "terminationGracePeriodSeconds", "nodeName"]
        {
            spec[field] = Value::Null;
        }
        spec
    };
    if before.map(fixed) != Some(fixed(pod)) {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            field: "spec".to_owned(),
            message: "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                      existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                      previously negative)"
                .to_owned(),
        });
    }
}

fn validate_containers(at: &str, spec: &Value, causes: &mut Vec<Cause>) {
    let Some(containers) = spec["containers"].as_array().filter(|containers| !containers.is_empty()) else {
        causes.push(Cause::required(&format!("{at}.containers"), ""));
        return;
    };
    for (index, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if container[field].as_str().is_none_or(str::is_empty) {
                causes.push(Cause::required(&format!("{at}.containers[{index}].{field}"), ""));
            }
        }
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            let is_there =
                spec["volumes"].as_array().into_iter().flatten().any(|volume| volume["name"] == mount["name"]);
            if !is_there {
                causes.push(Cause {
                    reason: "FieldValueNotFound",
                    field: format!("{at}.containers[{index}].volumeMounts[0].name"),
                    message: format!("Not found: {}", mount["name"]),
                });
            }
        }
    }
}

/// Refuses what depends on other objects: the namespace must be there, and the account of a pod.
///
/// # Errors
/// 404 for a namespace that is not there; 403 for one that goes, and for an account that is not there.
pub fn admit(store: &Store, key: &Key, object: &Value) -> Result<(), Refusal> {
    let kind = key.spec();
    if !kind.namespaced {
        return Ok(());
    }
    let namespaces = own("namespaces");
    match store.get(&Key::new(namespaces, "", &key.namespace)) {
        None => return Err(Refusal::not_found(&super::kinds::ALL[namespaces], &key.namespace)),
        Some(namespace) if namespace.is_deleting => {
            return Err(Refusal::namespace_terminating(kind, &key.name, &key.namespace));
        }
        Some(_) => {}
    }
    if kind.plural == "trainjobs" {
        trainer_webhook(store, key, object)?;
    }
    if kind.plural == "pods" {
        let account = object["spec"]["serviceAccountName"].as_str().unwrap_or_default();
        if store.get(&Key::new(own("serviceaccounts"), &key.namespace, account)).is_none() {
            let because = format!(
                "error looking up service account {}/{account}: serviceaccount \"{account}\" not found",
                key.namespace
            );
            // The plugin runs before a generated name is known.
            let name = object["metadata"]["generateName"].as_str().unwrap_or(&key.name);
            return Err(Refusal::forbidden(kind, name, &because));
        }
    }
    Ok(())
}

/// Kubeflow Trainer's webhook, where it is registered: a TrainJob needs the runtime that it names.
fn trainer_webhook(store: &Store, key: &Key, job: &Value) -> Result<(), Refusal> {
    let name = "validator.trainer.kubeflow.org";
    if store.get(&Key::new(own("validatingwebhookconfigurations"), "", name)).is_none() {
        return Ok(());
    }
    let runtime = job["spec"]["runtimeRef"]["name"].as_str().unwrap_or_default();
    let known = store.get(&Key::new(own("trainingruntimes"), &key.namespace, runtime)).is_some()
        || store.get(&Key::new(own("clustertrainingruntimes"), "", runtime)).is_some();
    if known {
        return Ok(());
    }
    Err(Refusal::denied(&format!(
        "admission webhook \"validator.trainjob.trainer.kubeflow.org\" denied the request: spec.RuntimeRef: Invalid value: \
         \"{runtime}\": trainingRuntime.trainer.kubeflow.org \"{runtime}\" not found: specified trainingRuntime must be created \
         before the TrainJob is created"
    )))
}

/// The volume and mounts of the account's token, which every pod gets.
pub fn mount_account(pod: &mut Value, suffix: &str) {
    if pod["spec"]["automountServiceAccountToken"] == false {
        return;
    }
    let name = format!("kube-api-access-{suffix}");
    let mount = json!({"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": name, "readOnly": true});
    for list in ["containers", "initContainers"] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            push(container, "volumeMounts", mount.clone());
        }
    }
    let volume = json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]}}]}});
    push(&mut pod["spec"], "volumes", volume);
}

fn push(object: &mut Value, list: &str, item: Value) {
    match object.get_mut(list).and_then(Value::as_array_mut) {
        Some(items) => items.push(item),
        None => object[list] = json!([item]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::ALL;

    #[track_caller]
    fn refused(plural: &str, object: Value, message: &str) {
        let refusal = validate(&ALL[own(plural)], None, &object).expect_err("not valid");
        assert_eq!((refusal.code, refusal.message()), (422, message));
    }

    #[test]
    fn a_job_needs_containers_and_a_restart_policy() {
        refused(
            "jobs",
            json!({"metadata": {"name": "x"}, "spec": {"template": {"spec": {}}}}),
            "Job.batch \"x\" is invalid: [spec.template.spec.containers: Required value, \
             spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"]",
        );
    }

    #[test]
    fn names_and_labels_are_checked() {
        let message = format!("ConfigMap \"X_\" is invalid: metadata.name: Invalid value: \"X_\": {SUBDOMAIN}");
        refused("configmaps", json!({"metadata": {"name": "X_"}}), &message);
        let message = format!("ConfigMap \"x\" is invalid: metadata.labels: Invalid value: \"a b\": {LABEL_VALUE}");
        refused("configmaps", json!({"metadata": {"name": "x", "labels": {"l": "a b"}}}), &message);
        let large = "x".repeat(DATA_LIMIT + 1);
        let message = "ConfigMap \"x\" is invalid: []: Too long: may not be more than 1048576 bytes";
        refused("configmaps", json!({"metadata": {"name": "x"}, "data": {"k": large}}), message);
    }

    #[test]
    fn a_container_gets_the_defaults_of_its_image_and_limits() {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [
            {"name": "a", "image": "r:5000/x", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}});
        default(&ALL[own("pods")], &mut pod);
        let container = &pod["spec"]["containers"][0];
        assert_eq!(
            (container["imagePullPolicy"].as_str(), &container["resources"]["requests"]["cpu"]),
            (Some("Always"), &json!("1"))
        );
        assert_eq!(pod["status"]["qosClass"], "Guaranteed");
        assert_eq!(pod["spec"]["tolerations"].as_array().map(Vec::len), Some(2));
    }
}
