//! What a container is started with: its environment, its files, its program.

use super::{
    Demo, PodExit, PodRun,
    kinds::own,
    logs::Log,
    rbac::Caller,
    state::Cluster,
    store::{Key, Store},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Of the first lines that a container writes, so that people can read along.
const LINE_PAUSE: Duration = Duration::from_millis(45);
const PACED_LINES: usize = 20;
/// A container lives at least so long: what is over in a millisecond was never seen to run.
const SHORTEST_LIFE: Duration = Duration::from_millis(900);
const TERMINATION_BYTES: usize = 4096;
/// Of a log that stands in for a termination message.
const FALLBACK_LINES: usize = 80;
const FALLBACK_BYTES: usize = 2048;

/// Why a container cannot be started yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// A volume has no content: `FailedMount`.
    Mount { volume: String, message: String },
    /// A variable has none: `CreateContainerConfigError`.
    Config { message: String },
}

/// Checks the volumes of a pod.
///
/// # Errors
/// The first ConfigMap or Secret that is not there and not optional.
pub fn volumes(store: &Store, pod: &Value) -> Result<(), Obstacle> {
    let namespace = text(&pod["metadata"]["namespace"]);
    for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
        for (field, plural, noun, name) in
            [("configMap", "configmaps", "configmap", "name"), ("secret", "secrets", "secret", "secretName")]
        {
            let Some(source) = volume.get(field).filter(|source| source["optional"] != true) else { continue };
            let object = text(&source[name]);
            if store.get(&Key::new(own(plural), namespace, object)).is_none() {
                let volume = text(&volume["name"]).to_owned();
                let message =
                    format!("MountVolume.SetUp failed for volume \"{volume}\" : {noun} \"{object}\" not found");
                return Err(Obstacle::Mount { volume, message });
            }
        }
    }
    Ok(())
}

/// Everything that a container of a pod gets.
///
/// # Errors
/// A variable that refers to what is not there.
pub fn prepare(
    cluster: &Arc<Cluster>,
    pod: &Value,
    container: &Value,
    log: mpsc::UnboundedSender<String>,
) -> Result<PodRun, Obstacle> {
    let namespace = text(&pod["metadata"]["namespace"]);
    let (env, files, node) = cluster.read(|store| {
        let env = environment(store, pod, container)?;
        let node = store.get(&Key::new(own("nodes"), "", text(&pod["spec"]["nodeName"])));
        Ok((env, files(store, pod, container), node.map(|node| node.value()).unwrap_or_default()))
    })?;
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let words = |field: &str| -> Vec<String> {
        let list = container[field].as_array().into_iter().flatten();
        list.map(|word| expand(text(word), &env)).collect()
    };
    let caller = Caller::service_account(namespace, text(&pod["spec"]["serviceAccountName"]));
    Ok(PodRun {
        image: text(&container["image"]).to_owned(),
        command: words("command"),
        args: words("args"),
        demo: Demo { cluster: Arc::clone(cluster), caller, namespace: namespace.to_owned() },
        env,
        files,
        devices: devices(container, &node),
        node_labels: labels.map(|(key, value)| (key.clone(), text(value).to_owned())).collect(),
        log,
    })
}

/// A node may say that its container runtime gives `all` GPUs to every container, or `none` to any.
const DEVICES: &str = "demo/devices";

/// The GPUs that a container asks for, by the device plugin or by claims of one GPU each, as device files.
fn devices(container: &Value, node: &Value) -> Vec<String> {
    let resources = &container["resources"];
    let count = |value: &Value| text(value).parse::<usize>().unwrap_or(0);
    let asked = count(&resources["limits"]["nvidia.com/gpu"]) + resources["claims"].as_array().map_or(0, Vec::len);
    let gpus = match text(&node["metadata"]["annotations"][DEVICES]) {
        "all" => count(&node["status"]["capacity"]["nvidia.com/gpu"]).max(1),
        "none" => 0,
        _ => asked,
    };
    let mut names: Vec<String> = (0..gpus).map(|index| format!("nvidia{index}")).collect();
    if gpus > 0 {
        names.extend(["nvidiactl", "nvidia-uvm"].map(str::to_owned));
    }
    names
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn environment(store: &Store, pod: &Value, container: &Value) -> Result<BTreeMap<String, String>, Obstacle> {
    let namespace = text(&pod["metadata"]["namespace"]);
    let mut env = BTreeMap::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let object = Key::new(own("configmaps"), namespace, text(&source["configMapRef"]["name"]));
        let data = store.get(&object).map(|stored| stored.value()).unwrap_or_default();
        for (key, value) in data["data"].as_object().into_iter().flatten() {
            env.insert(format!("{}{key}", text(&source["prefix"])), text(value).to_owned());
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let value = match variable.get("valueFrom") {
            None => Some(expand(text(&variable["value"]), &env)),
            Some(from) => referred(store, pod, namespace, from)?,
        };
        if let Some(value) = value {
            env.insert(text(&variable["name"]).to_owned(), value);
        }
    }
    Ok(env)
}

/// The value of a variable that is taken from elsewhere; `None` for an optional one that is not there.
fn referred(store: &Store, pod: &Value, namespace: &str, from: &Value) -> Result<Option<String>, Obstacle> {
    if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
        return Ok(Some(downward(pod, path)));
    }
    for (field, plural, noun) in [("configMapKeyRef", "configmaps", "configmap"), ("secretKeyRef", "secrets", "secret")]
    {
        let Some(reference) = from.get(field) else { continue };
        let (name, key) = (text(&reference["name"]), text(&reference["key"]));
        let object = store.get(&Key::new(own(plural), namespace, name)).map(|stored| stored.value());
        let message = match &object {
            None => format!("{noun} \"{name}\" not found"),
            Some(_) => format!(
                "couldn't find key {key} in {} {namespace}/{name}",
                if noun == "secret" { "Secret" } else { "ConfigMap" }
            ),
        };
        return match object.and_then(|object| object["data"][key].as_str().map(str::to_owned)) {
            Some(value) => Ok(Some(value)),
            None if reference["optional"] == true => Ok(None),
            None => Err(Obstacle::Config { message }),
        };
    }
    Ok(None)
}

/// A field of the pod itself: `metadata.namespace`, `metadata.labels['x']`, `status.podIP`.
fn downward(pod: &Value, path: &str) -> String {
    let (path, key) = path.split_once("['").map_or((path, None), |(path, key)| (path, key.strip_suffix("']")));
    let value = path.split('.').fold(pod, |at, part| &at[part]);
    text(key.map_or(value, |key| &value[key])).to_owned()
}

/// `$(NAME)` of a variable that is known; `$$(NAME)` stands for the text itself.
fn expand(template: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find("$") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
            continue;
        }
        let name = rest.strip_prefix("$(").and_then(|inner| inner.split_once(')'));
        match name.and_then(|(name, after)| Some((env.get(name)?, after))) {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// Keys of mounted ConfigMaps, by absolute path.
fn files(store: &Store, pod: &Value, container: &Value) -> BTreeMap<String, String> {
    let namespace = text(&pod["metadata"]["namespace"]);
    let mut files = BTreeMap::new();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let mut volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        let Some(source) =
            volumes.find(|volume| volume["name"] == mount["name"]).and_then(|volume| volume.get("configMap"))
        else {
            continue;
        };
        let stored = store.get(&Key::new(own("configmaps"), namespace, text(&source["name"])));
        let object = stored.map(|stored| stored.value()).unwrap_or_default();
        let items = source["items"].as_array();
        for (key, value) in object["data"].as_object().into_iter().flatten() {
            let name = match items {
                None => key.as_str(),
                Some(items) => match items.iter().find(|item| item["key"] == json_text(key)) {
                    Some(item) => text(&item["path"]),
                    None => continue,
                },
            };
            let folder = text(&mount["mountPath"]).trim_end_matches('/');
            let path = match mount["subPath"].as_str() {
                None => format!("{folder}/{name}"),
                Some(part) if part == name => folder.to_owned(),
                Some(_) => continue,
            };
            files.insert(path, text(value).to_owned());
        }
    }
    files
}

fn json_text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// Runs a container to its end. What it writes goes to the log as it comes, the first lines no faster than one can read.
///
/// Dropping the future kills the container.
pub async fn run(cluster: &Cluster, run: PodRun, mut lines: mpsc::UnboundedReceiver<String>, log: &Log) -> PodExit {
    let began = tokio::time::Instant::now();
    let program = Program::start(cluster, run);
    let mut count = 0;
    // The channel ends when the program has dropped its end of it.
    while let Some(text) = lines.recv().await {
        for line in text.split('\n') {
            log.push(cluster.clock.now(), line.to_owned());
        }
        count += 1;
        if count < PACED_LINES {
            tokio::time::sleep(LINE_PAUSE).await;
        }
    }
    let exit = program.exit().await;
    tokio::time::sleep_until(began + SHORTEST_LIFE).await;
    exit
}

/// A program on its own task, so that its panic is its own; aborted when nobody waits any more.
struct Program(tokio::task::JoinHandle<PodExit>);

impl Program {
    fn start(cluster: &Cluster, run: PodRun) -> Program {
        let Some(runner) = cluster.runner.clone() else {
            return Program(tokio::spawn(async move {
                let program = run.command.first().or(run.args.first()).unwrap_or(&run.image);
                // Nobody reads a log whose pod is gone.
                let _ = run.log.send(format!("exec {program}: the demo cluster has no such program"));
                PodExit { code: 127, termination_message: String::new() }
            }));
        };
        Program(tokio::spawn(async move { (runner.0)(run).await }))
    }

    async fn exit(mut self) -> PodExit {
        match (&mut self.0).await {
            Ok(exit) => PodExit { termination_message: cut(&exit.termination_message, TERMINATION_BYTES), ..exit },
            // What a Rust program exits with after a panic.
            Err(_) => PodExit { code: 101, termination_message: String::new() },
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn cut(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text[..end].to_owned()
}

/// The end of a log, for a container that wants it to stand in for a message it did not write.
pub fn last_words(log: &Log) -> String {
    let mut text = String::new();
    for line in log.tail(FALLBACK_LINES) {
        text.push_str(&line);
        text.push('\n');
    }
    let from = (text.len().saturating_sub(FALLBACK_BYTES)..=text.len()).find(|from| text.is_char_boundary(*from));
    text[from.unwrap_or(0)..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn store() -> Store {
        let mut store = Store::new(0);
        let data = json!({"metadata": {"name": "c"}, "data": {"a.yaml": "A", "b.yaml": "B"}});
        store.seed(Key::new(own("configmaps"), "n", "c"), data);
        store
    }

    fn pod(container: Value, volume: Value) -> (Value, Value) {
        let pod = json!({"metadata": {"namespace": "n", "name": "p", "labels": {"l": "1"}}, "status": {"podIP": "10.0.0.1"},
            "spec": {"volumes": [volume], "containers": [container]}});
        let container = pod["spec"]["containers"][0].clone();
        (pod, container)
    }

    #[test]
    fn variables_come_from_values_fields_and_config_maps() {
        let (pod, container) = pod(
            json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(C)-$$(A)"},
                {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['l']"}}},
                {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a.yaml"}}}]}),
            json!({}),
        );
        let env = environment(&store(), &pod, &container).expect("an environment");
        let line: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(line.join(" "), "A=1 B=1-$(C)-$(A) K=A L=1 NS=n");
    }

    #[test]
    fn a_missing_container_gives_the_error_of_the_kubelet() {
        let missing = json!({"name": "d", "configMap": {"name": "gone"}});
        let (pod, container) =
            pod(json!({"env": [{"name": "K", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "z"}}}]}), missing);
        let message = "MountVolume.SetUp failed for volume \"d\" : configmap \"gone\" not found".to_owned();
        assert_eq!(volumes(&store(), &pod), Err(Obstacle::Mount { volume: "d".to_owned(), message }));
        let message = "couldn't find key z in ConfigMap n/c".to_owned();
        assert_eq!(environment(&store(), &pod, &container), Err(Obstacle::Config { message }));
    }

    #[test]
    fn mounted_keys_are_files() {
        let mount = |extra: Value| {
            let mut mount = json!({"name": "v", "mountPath": "/data/"});
            if let (Some(mount), Value::Object(extra)) = (mount.as_object_mut(), extra) {
                mount.extend(extra);
            }
            let (pod, container) =
                pod(json!({"volumeMounts": [mount]}), json!({"name": "v", "configMap": {"name": "c"}}));
            files(&store(), &pod, &container).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(mount(json!({})), ["/data/a.yaml", "/data/b.yaml"]);
        assert_eq!(mount(json!({"subPath": "a.yaml"})), ["/data"]);
    }
}
