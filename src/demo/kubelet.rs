//! The life of a Pod: scheduled, its image pulled, its containers run, ended or stopped.
//!
//! Conditions, container states and events come in the order and with the words of the scheduler and the kubelet of
//! Kubernetes 1.34. How long a step takes depends on the seed and on the pod's name alone.

use super::{
    PodExit,
    api::{DeleteOptions, Note},
    clock::{between, chance},
    containers::{self, Obstacle},
    kinds::own,
    logs::Log,
    scheduler::{self, Fit},
    state::Cluster,
    store::Key,
};
use futures::future::join_all;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

const SCHEDULER: &str = "default-scheduler";
const KAI: &str = scheduler::KAI;
/// Before an unschedulable pod is tried again without a reason.
const RESCHEDULE: Duration = Duration::from_secs(300);
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// Of a container that is asked to stop.
const STOPPING: Duration = Duration::from_millis(150);

/// One pod on its way.
struct Pod {
    cluster: Arc<Cluster>,
    key: Key,
    uid: String,
}

/// The pod is gone, or is another one.
struct Gone;

/// `InternalIP` of a node; empty where it has none.
fn address(node: &Value) -> String {
    let address = list(&node["status"]["addresses"]).find(|address| address["type"] == "InternalIP");
    address.map(|address| text(&address["address"]).to_owned()).unwrap_or_default()
}

/// Lives until the pod has ended or is gone.
pub async fn live(cluster: Arc<Cluster>, key: Key, uid: String) {
    let pod = Pod { cluster, key, uid };
    let stopped = tokio::select! {
        // A pod that is told to go does not finish what it does.
        biased;
        () = pod.stopped() => true,
        _ = pod.run() => false,
    };
    if stopped {
        pod.stop().await;
        return;
    }
    // What ended by itself may still be held by a grace period that was set before.
    pod.stopped().await;
    pod.stop().await;
}

impl Pod {
    fn value(&self) -> Result<Value, Gone> {
        self.cluster.object(&self.key, &self.uid).ok_or(Gone)
    }

    fn change(&self, how: impl FnOnce(&mut Value)) -> Result<Value, Gone> {
        self.cluster.write(|tx| tx.change(&self.key, &self.uid, how)).ok_or(Gone)
    }

    fn note(&self, note: &Note) {
        self.cluster.write(|tx| tx.event(&self.key, note));
    }

    async fn pause(&self, low: u64, high: u64, step: &str) {
        tokio::time::sleep(between(self.cluster.seed, low, high, &[step, &self.key.name])).await;
    }

    /// Until the pod is marked for deletion, or gone.
    async fn stopped(&self) {
        let mut wakes = self.cluster.revisions();
        loop {
            wakes.borrow_and_update();
            let is_there = self
                .cluster
                .read(|store| store.get(&self.key).is_some_and(|stored| stored.uid == self.uid && !stored.is_deleting));
            if !is_there || wakes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends containers that still run, then lets the object go.
    async fn stop(&self) {
        let Ok(value) = self.value() else { return };
        let node = text(&value["spec"]["nodeName"]).to_owned();
        for name in running(&value) {
            self.note(&Note {
                component: "kubelet",
                host: Some(&node),
                container: Some(&name),
                reason: "Killing",
                message: &format!("Stopping container {name}"),
                ..Note::default()
            });
        }
        let grace = value["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30);
        tokio::time::sleep(STOPPING.min(Duration::from_secs(grace))).await;
        let now = self.cluster.clock.seconds();
        let code = if grace == 0 { 137 } else { 143 };
        let ended = self.change(|pod| {
            for name in running(pod) {
                self.cluster.logs.of(&self.uid, &name).close();
                let exit = PodExit { code, termination_message: String::new() };
                set_state(pod, &name, terminated(pod, &name, &exit, &now));
            }
            if !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
                pod["status"]["phase"] = json!("Failed");
                unready(pod, "PodFailed", "", &now);
            }
        });
        if ended.is_ok() {
            let options =
                DeleteOptions { grace_seconds: Some(0), uid: Some(self.uid.clone()), ..DeleteOptions::default() };
            // Somebody may have deleted it with force in between.
            let _ = self.cluster.write(|tx| tx.delete(&self.key, &options));
        }
    }

    async fn run(&self) -> Result<(), Gone> {
        let pod = self.value()?;
        if pod["status"]["phase"] != "Pending" {
            return Ok(());
        }
        if text(&pod["spec"]["nodeName"]).is_empty() {
            self.schedule(&pod).await?;
        }
        self.pause(40, 90, "accept").await;
        let pod = self.accept()?;
        self.mount(&pod).await?;
        self.pause(180, 320, "sandbox").await;
        self.sandbox()?;
        for container in list(&pod["spec"]["initContainers"]) {
            if self.container(container, true).await?.code != 0 {
                return self.finish(false);
            }
        }
        let now = self.cluster.clock.seconds();
        self.change(|pod| condition(pod, "Initialized", true, "", "", &now))?;
        let every = list(&pod["spec"]["containers"]).map(|container| self.container(container, false));
        let mut succeeded = true;
        for exit in join_all(every).await {
            succeeded &= exit?.code == 0;
        }
        self.finish(succeeded)
    }

    /// Waits for a node, and tells why there is none.
    async fn schedule(&self, pod: &Value) -> Result<(), Gone> {
        let is_ours = matches!(pod["spec"]["schedulerName"].as_str(), None | Some(SCHEDULER | KAI));
        if !is_ours || list(&pod["spec"]["schedulingGates"]).next().is_some() {
            // Another scheduler would have to come.
            return std::future::pending().await;
        }
        self.pause(80, 160, "schedule").await;
        let pretend_full = self.cluster.faults.is_unschedulable(pod);
        let mut wakes = self.cluster.revisions();
        let mut told = String::new();
        loop {
            wakes.borrow_and_update();
            let pod = self.value()?;
            match self.cluster.read(|store| scheduler::fit_in_group(store, &pod, pretend_full)) {
                Fit::Node(node) => return self.bind(&node),
                Fit::Nowhere(message) if message != told => {
                    let now = self.cluster.clock.seconds();
                    self.change(|pod| condition(pod, "PodScheduled", false, "Unschedulable", &message, &now))?;
                    self.note(&Note {
                        component: SCHEDULER,
                        action: "Scheduling",
                        reason: "FailedScheduling",
                        message: &message,
                        is_warning: true,
                        ..Note::default()
                    });
                    told = message;
                }
                Fit::Nowhere(_) => {}
            }
            // A pod that ended, a node that came: every write may have made room, but not many at once.
            let _ = tokio::time::timeout(RESCHEDULE, wakes.changed()).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn bind(&self, node: &str) -> Result<(), Gone> {
        let now = self.cluster.clock.seconds();
        let pod = self.change(|pod| {
            pod["spec"]["nodeName"] = json!(node);
            condition(pod, "PodScheduled", true, "", "", &now);
        })?;
        self.cluster.write(|tx| {
            for (claim, device) in scheduler::devices(tx.store, &pod, node).unwrap_or_default() {
                let uid = tx.store.get(&claim).map(|claim| claim.uid.clone()).unwrap_or_default();
                tx.change(&claim, &uid, |claim| {
                    claim["status"] = json!({"allocation": {"devices": {"results": [device]}}, "reservedFor": [
                        {"resource": "pods", "name": self.key.name, "uid": self.uid}]});
                });
            }
        });
        let message = format!("Successfully assigned {}/{} to {node}", self.key.namespace, self.key.name);
        self.note(&Note {
            component: SCHEDULER,
            action: "Binding",
            reason: "Scheduled",
            message: &message,
            ..Note::default()
        });
        Ok(())
    }

    /// The kubelet knows the pod: its containers are being made.
    fn accept(&self) -> Result<Value, Gone> {
        let now = self.cluster.clock.seconds();
        let node = self.value()?["spec"]["nodeName"].as_str().map(|name| Key::new(own("nodes"), "", name));
        let host = node.and_then(|node| self.cluster.get(&node).ok()).map(|node| address(&node)).unwrap_or_default();
        self.change(|pod| {
            let has_init = list(&pod["spec"]["initContainers"]).next().is_some();
            let names: Vec<String> =
                list(&pod["spec"]["containers"]).map(|one| text(&one["name"]).to_owned()).collect();
            let waiting = format!("containers with unready status: [{}]", names.join(" "));
            condition(pod, "PodReadyToStartContainers", false, "", "", &now);
            let (is_initialized, reason) = if has_init { (false, "ContainersNotInitialized") } else { (true, "") };
            condition(pod, "Initialized", is_initialized, reason, "", &now);
            unready(pod, "ContainersNotReady", &waiting, &now);
            condition(pod, "PodScheduled", true, "", "", &now);
            let creating = if has_init { "PodInitializing" } else { "ContainerCreating" };
            for (specs, statuses) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")]
            {
                let entries: Vec<Value> = list(&pod["spec"][specs]).map(|spec| status_of(spec, creating)).collect();
                if !entries.is_empty() {
                    pod["status"][statuses] = Value::Array(entries);
                }
            }
            let status = &mut pod["status"];
            status["hostIP"] = json!(host);
            status["hostIPs"] = json!([{"ip": host}]);
            status["startTime"] = json!(now);
        })
    }

    /// Waits until every volume has its content.
    async fn mount(&self, pod: &Value) -> Result<(), Gone> {
        let mut pause = Duration::from_millis(500);
        let node = text(&pod["spec"]["nodeName"]);
        while let Err(Obstacle::Mount { message, .. }) = self.cluster.read(|store| containers::volumes(store, pod)) {
            self.value()?;
            self.note(&Note {
                component: "kubelet",
                host: Some(node),
                reason: "FailedMount",
                message: &message,
                is_warning: true,
                ..Note::default()
            });
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(122));
        }
        Ok(())
    }

    fn sandbox(&self) -> Result<(), Gone> {
        let now = self.cluster.clock.seconds();
        let place = chance(self.cluster.seed, &["address", &self.uid]);
        let ip = format!("10.244.{}.{}", place % 5, 2 + place / 5 % 250);
        self.change(|pod| {
            condition(pod, "PodReadyToStartContainers", true, "", "", &now);
            pod["status"]["podIP"] = json!(ip);
            pod["status"]["podIPs"] = json!([{"ip": ip}]);
        })?;
        Ok(())
    }

    /// One container from its image to its end, again and again where its pod wants that.
    async fn container(&self, spec: &Value, is_init: bool) -> Result<PodExit, Gone> {
        let mut pause = FIRST_BACKOFF;
        let mut restarts = 0;
        loop {
            self.pull(spec).await?;
            let exit = self.start(spec, restarts).await?;
            let again = match self.value()?["spec"]["restartPolicy"].as_str() {
                Some("Never") => false,
                Some("OnFailure") => exit.code != 0,
                _ => !is_init || exit.code != 0,
            };
            if !again {
                return Ok(exit);
            }
            // The first time at once, then with growing patience.
            if restarts > 0 {
                self.back_off(spec, pause)?;
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_BACKOFF);
            }
            restarts += 1;
        }
    }

    fn back_off(&self, spec: &Value, pause: Duration) -> Result<(), Gone> {
        let name = text(&spec["name"]);
        let place = format!("{}_{}({})", self.key.name, self.key.namespace, self.uid);
        let seconds = pause.as_secs();
        let message = format!("back-off {seconds}s restarting failed container={name} pod={place}");
        self.change(|pod| {
            if let Some(status) = find_status(pod, name) {
                status["lastState"] = status["state"].take();
            }
            set_state(pod, name, json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}}));
        })?;
        self.told(spec, "BackOff", &format!("Back-off restarting failed container {name} in pod {place}"), true)
    }

    fn told(&self, spec: &Value, reason: &str, message: &str, is_warning: bool) -> Result<(), Gone> {
        let pod = self.value()?;
        self.note(&Note {
            component: "kubelet",
            host: Some(text(&pod["spec"]["nodeName"])),
            container: Some(text(&spec["name"])),
            reason,
            message,
            is_warning,
            ..Note::default()
        });
        Ok(())
    }

    /// Gets the image, or tries until the pod is gone.
    async fn pull(&self, spec: &Value) -> Result<(), Gone> {
        let image = text(&spec["image"]);
        let pod = self.value()?;
        let node = text(&pod["spec"]["nodeName"]);
        let policy = text(&spec["imagePullPolicy"]);
        if self.cluster.faults.cannot_pull(&pod) {
            return self.pull_in_vain(spec).await;
        }
        if policy != "Always" && self.cluster.has_image(node, image) {
            return self.told(
                spec,
                "Pulled",
                &format!("Container image \"{image}\" already present on machine"),
                false,
            );
        }
        self.told(spec, "Pulling", &format!("Pulling image \"{image}\""), false)?;
        let began = tokio::time::Instant::now();
        let (low, high) = if self.cluster.has_image(node, image) { (60, 120) } else { (500, 900) };
        self.pause(low, high, "pull").await;
        self.cluster.keep_image(node, image);
        let millis = began.elapsed().as_millis();
        let bytes = 18_000_000 + chance(0, &["size", image]) % 9_000_000;
        let message = format!(
            "Successfully pulled image \"{image}\" in {millis}ms ({millis}ms including waiting). Image size: {bytes} bytes."
        );
        self.told(spec, "Pulled", &message, false)
    }

    async fn pull_in_vain(&self, spec: &Value) -> Result<(), Gone> {
        let (image, name) = (text(&spec["image"]), text(&spec["name"]));
        let why = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
        );
        let waiting = |reason: &str, message: &str| {
            self.change(|pod| set_state(pod, name, json!({"waiting": {"reason": reason, "message": message}})))
        };
        let back_off = format!("Back-off pulling image \"{image}\"");
        let mut pause = FIRST_BACKOFF;
        loop {
            self.told(spec, "Pulling", &format!("Pulling image \"{image}\""), false)?;
            self.pause(250, 450, "pull").await;
            self.told(spec, "Failed", &format!("Failed to pull image \"{image}\": {why}"), true)?;
            self.told(spec, "Failed", "Error: ErrImagePull", true)?;
            waiting("ErrImagePull", &why)?;
            self.pause(600, 900, "give up").await;
            self.told(spec, "BackOff", &back_off, false)?;
            self.told(spec, "Failed", "Error: ImagePullBackOff", true)?;
            waiting("ImagePullBackOff", &format!("{back_off}: ErrImagePull: {why}"))?;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_BACKOFF);
        }
    }

    /// Starts the container and waits for its end.
    async fn start(&self, spec: &Value, restarts: u64) -> Result<PodExit, Gone> {
        let name = text(&spec["name"]);
        let (run, lines) = loop {
            let (log, lines) = mpsc::unbounded_channel();
            let pod = self.value()?;
            let broken = self.cluster.faults.config_error(&pod).map(|message| Obstacle::Config { message });
            match broken.map_or_else(|| containers::prepare(&self.cluster, &pod, spec, log), Err) {
                Ok(run) => break (run, lines),
                Err(Obstacle::Config { message } | Obstacle::Mount { message, .. }) => {
                    self.told(spec, "Failed", &format!("Error: {message}"), true)?;
                    let state = json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}});
                    self.change(|pod| set_state(pod, name, state))?;
                    tokio::time::sleep(FIRST_BACKOFF).await;
                }
            }
        };
        self.pause(40, 90, "create").await;
        self.told(spec, "Created", &format!("Created container: {name}"), false)?;
        self.pause(40, 90, "start").await;
        let logs = &self.cluster.logs;
        let log = if restarts > 0 { logs.restart(&self.uid, name) } else { logs.of(&self.uid, name) };
        let now = self.cluster.clock.seconds();
        let image_id = format!("sha256:{}", digest(&["image", text(&spec["image"])]));
        let container_id = format!("containerd://{}", digest(&["container", &self.uid, name]));
        self.change(|pod| {
            if let Some(status) = find_status(pod, name).filter(|status| status["state"].get("terminated").is_some()) {
                status["lastState"] = status["state"].take();
            }
            set_state(pod, name, json!({"running": {"startedAt": now}}));
            if let Some(status) = find_status(pod, name) {
                status["restartCount"] = json!(restarts);
                status["ready"] = json!(true);
                status["started"] = json!(true);
                status["imageID"] = json!(image_id);
                status["containerID"] = json!(container_id);
                status["resources"] = spec["resources"].clone();
            }
            let is_running = list(&pod["status"]["containerStatuses"]).all(|status| status["ready"] == true);
            if is_running {
                pod["status"]["phase"] = json!("Running");
                condition(pod, "Ready", true, "", "", &now);
                condition(pod, "ContainersReady", true, "", "", &now);
            }
        })?;
        self.told(spec, "Started", &format!("Started container {name}"), false)?;
        let exit = containers::run(&self.cluster, run, lines, &log).await;
        self.ended(spec, exit, &log)
    }

    fn ended(&self, spec: &Value, mut exit: PodExit, log: &Log) -> Result<PodExit, Gone> {
        let name = text(&spec["name"]);
        let wants_log = spec["terminationMessagePolicy"] == "FallbackToLogsOnError";
        if wants_log && exit.code != 0 && exit.termination_message.is_empty() {
            exit.termination_message = containers::last_words(log);
        }
        log.close();
        let now = self.cluster.clock.seconds();
        self.change(|pod| set_state(pod, name, terminated(pod, name, &exit, &now)))?;
        Ok(exit)
    }

    fn finish(&self, succeeded: bool) -> Result<(), Gone> {
        let now = self.cluster.clock.seconds();
        self.change(|pod| {
            let (phase, reason) = if succeeded { ("Succeeded", "PodCompleted") } else { ("Failed", "PodFailed") };
            pod["status"]["phase"] = json!(phase);
            condition(pod, "PodReadyToStartContainers", false, "", "", &now);
            unready(pod, reason, "", &now);
        })?;
        Ok(())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn digest(of: &[&str]) -> String {
    format!("{:016x}", chance(0, of)).repeat(4)
}

fn find_mut<'v>(list: &'v mut Value, field: &str, value: &str) -> Option<&'v mut Value> {
    list.as_array_mut()?.iter_mut().find(|item| item[field] == value)
}

fn find_status<'v>(pod: &'v mut Value, container: &str) -> Option<&'v mut Value> {
    let is_init = list(&pod["status"]["initContainerStatuses"]).any(|status| status["name"] == container);
    let statuses = if is_init { "initContainerStatuses" } else { "containerStatuses" };
    find_mut(&mut pod["status"][statuses], "name", container)
}

fn set_state(pod: &mut Value, container: &str, state: Value) {
    if let Some(status) = find_status(pod, container) {
        if state.get("running").is_none() {
            status["ready"] = json!(false);
            status["started"] = json!(false);
        }
        status["state"] = state;
    }
}

/// Names of containers that run.
fn running(pod: &Value) -> Vec<String> {
    let statuses =
        ["initContainerStatuses", "containerStatuses"].into_iter().flat_map(|field| list(&pod["status"][field]));
    let runs = statuses.filter(|status| status["state"].get("running").is_some());
    runs.map(|status| text(&status["name"]).to_owned()).collect()
}

fn terminated(pod: &Value, container: &str, exit: &PodExit, now: &str) -> Value {
    let statuses =
        ["initContainerStatuses", "containerStatuses"].into_iter().flat_map(|field| list(&pod["status"][field]));
    let status = statuses.into_iter().find(|status| status["name"] == container).cloned().unwrap_or_default();
    let mut state = json!({"exitCode": exit.code, "reason": if exit.code == 0 { "Completed" } else { "Error" },
        "startedAt": status["state"]["running"]["startedAt"], "finishedAt": now, "containerID": status["containerID"]});
    if !exit.termination_message.is_empty() {
        state["message"] = json!(exit.termination_message);
    }
    json!({"terminated": state})
}

fn status_of(spec: &Value, reason: &str) -> Value {
    json!({"name": spec["name"], "image": spec["image"], "imageID": "", "ready": false, "started": false,
        "restartCount": 0, "lastState": {}, "state": {"waiting": {"reason": reason}}})
}

fn unready(pod: &mut Value, reason: &str, message: &str, now: &str) {
    condition(pod, "Ready", false, reason, message, now);
    condition(pod, "ContainersReady", false, reason, message, now);
}

/// Sets a condition; its transition time changes only with its status.
fn condition(pod: &mut Value, kind: &str, is_true: bool, reason: &str, message: &str, now: &str) {
    let status = if is_true { "True" } else { "False" };
    let generation = pod["metadata"]["generation"].clone();
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    let known = find_mut(&mut pod["status"]["conditions"], "type", kind);
    let since = match &known {
        Some(known) if known["status"] == status => known["lastTransitionTime"].clone(),
        _ => json!(now),
    };
    let mut condition = json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since,
        "observedGeneration": generation});
    for (field, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[field] = json!(text);
        }
    }
    match known {
        Some(known) => *known = condition,
        None => {
            if let Some(conditions) = pod["status"]["conditions"].as_array_mut() {
                conditions.push(condition);
            }
        }
    }
}
