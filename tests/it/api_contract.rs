//! What callers may rely on, asked of the demo cluster and of a real API server by the same tests.
//!
//! Each behavior below runs against the demo in virtual time, and against real Kubernetes where `AICR_TEST_KUBECONFIG`
//! names a cluster (`tests/cluster/cluster up`); every run has a namespace of its own, which is deleted after it. Pods
//! run a few lines of shell: on the real cluster in busybox, in the demo by the small reader at the end of this file.

use aicr::{
    cluster::{self, Connection, releases::Revision},
    demo::{PodExit, PodRun, PodRunner},
    inventory::release::KeptIn,
    ops::{
        self,
        demo::DemoOptions,
        fault::Fault,
        run::previous::{self, Earlier},
    },
    validate::plan::{CHECK_LABEL, RUN_LABEL},
};
use futures::{AsyncBufReadExt, FutureExt, StreamExt, TryStreamExt};
use http::{Method, Request};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Api,
    api::{ListParams, LogParams, WatchEvent, WatchParams},
    core::Status,
};
use serde_json::{Value, json};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

/// For anything that a cluster does by itself.
const PATIENCE: Duration = Duration::from_secs(90);
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod demo {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    let world = super::World::demo(stringify!($name)).await;
                    super::$name(&world).await;
                }
            )*
        }
        mod real {
            $(
                #[tokio::test]
                #[ignore = "needs a real cluster: AICR_TEST_KUBECONFIG"]
                async fn $name() {
                    let world = super::World::real(stringify!($name)).await;
                    let outcome = super::AssertUnwindSafe(super::$name(&world));
                    let outcome = super::FutureExt::catch_unwind(outcome).await;
                    world.clean_up().await;
                    if let Err(panic) = outcome {
                        std::panic::resume_unwind(panic);
                    }
                }
            )*
        }
    };
}

contract!(
    a_container_gets_variables_and_files,
    a_container_that_fails_is_started_again,
    a_created_object_has_an_identity,
    a_deadline_ends_a_job_and_its_pod,
    a_dry_run_changes_nothing,
    a_failing_job_says_why,
    a_finalizer_holds_an_object,
    a_finished_job_goes_when_its_time_is_over,
    a_job_runs_to_completion,
    a_job_without_an_account_says_so,
    a_log_is_followed_from_anywhere,
    a_missing_config_map_blocks_the_start,
    a_missing_right_is_refused_until_it_is_given,
    a_namespace_is_furnished_and_emptied,
    a_pod_of_several_containers_runs_them_in_order,
    a_pod_that_fits_nowhere_says_so,
    a_running_pod_receives_a_signal_to_stop,
    a_stale_write_is_a_conflict,
    a_watch_sends_what_its_selector_matches,
    an_image_that_cannot_be_pulled_says_so,
    deletions_have_preconditions_and_selectors,
    discovery_names_what_is_served,
    helm_releases_contain_their_values,
    old_versions_are_expired,
    owners_take_their_dependents_along,
    pages_are_one_picture,
    patches_change_what_they_name,
    selectors_choose,
    server_side_apply_knows_owners,
    status_is_written_through_its_own_door,
    what_is_not_right_is_refused_with_a_reason,
);

/// A cluster and a namespace to work in.
struct World {
    connection: Connection,
    namespace: String,
    is_demo: bool,
}

impl World {
    async fn demo(test: &str) -> World {
        let options = DemoOptions {
            runner: Some(PodRunner(Arc::new(|run| Box::pin(shell(run))))),
            faults: vec![Fault::ImagePull { check: "unpullable".to_owned() }],
            start: Some("2026-06-12T10:41:07Z".parse().expect("a time")),
            ..DemoOptions::default()
        };
        let connection = ops::demo::to_demo(&ops::demo::start(&options).expect("a demo"));
        World::with(connection, test, true).await
    }

    async fn real(test: &str) -> World {
        World::with(super::collect::real_cluster().await, test, false).await
    }

    async fn with(connection: Connection, test: &str, is_demo: bool) -> World {
        let name: String = test.replace('_', "-").chars().take(40).collect();
        let world = World { connection, namespace: String::new(), is_demo };
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": format!("{name}-")}});
        let made = world.post("/api/v1/namespaces", namespace).await;
        let world = World { namespace: text(&made["metadata"]["name"]).to_owned(), ..world };
        // Pods need the account, which comes a moment later.
        world.wait(&world.core("serviceaccounts"), "default", |_| true).await;
        // Lists of ConfigMaps hold the certificate of the cluster, which a controller adds in its own time.
        world.wait(&world.core("configmaps"), "kube-root-ca.crt", |_| true).await;
        world
    }

    async fn clean_up(&self) {
        let options = json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        let _ = self.send(Method::DELETE, &self.core("pods"), JSON, options).await;
        let _ = self.send(Method::DELETE, &format!("/api/v1/namespaces/{}", self.namespace), JSON, json!({})).await;
    }

    /// Path of a core resource in the namespace.
    fn core(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }

    fn jobs(&self) -> String {
        format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace)
    }

    async fn request(&self, request: Request<Vec<u8>>) -> Result<Value, Status> {
        match self.connection.client.request::<Value>(request).await {
            Ok(value) => Ok(value),
            Err(kube::Error::Api(status)) => Err(*status),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    async fn send(&self, method: Method, path: &str, media: &str, body: impl ToString) -> Result<Value, Status> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media)
            .header("user-agent", "contract/1");
        self.request(request.body(body.to_string().into_bytes()).expect("a request")).await
    }

    async fn get(&self, path: &str) -> Result<Value, Status> {
        self.request(Request::get(path).body(Vec::new()).expect("a request")).await
    }

    #[track_caller]
    fn post(&self, path: &str, object: Value) -> impl Future<Output = Value> {
        self.send(Method::POST, path, JSON, object).map(|answer| answer.expect("created"))
    }

    async fn config_map(&self, name: &str, labels: Value) -> Value {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}, "data": {"a": "1"}});
        self.post(&self.core("configmaps"), object).await
    }

    /// Lines of a watch, as they come.
    async fn watch(&self, path: &str, query: &str) -> impl futures::Stream<Item = Value> + Unpin + use<> {
        let uri = format!("{path}?watch=true&{query}");
        let request = Request::get(uri).body(Vec::new()).expect("a request");
        let body = self.connection.client.request_stream(request).await.expect("a watch");
        let lines = Box::pin(body).lines();
        Box::pin(lines.filter_map(async |line| serde_json::from_str(&line.ok()?).ok()))
    }

    /// The object as soon as it is as it should be.
    async fn wait(&self, path: &str, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let waiting = async {
            loop {
                let mut events = self.watch(path, &format!("fieldSelector=metadata.name%3D{name}")).await;
                while let Some(event) = events.next().await {
                    last = event["object"].clone();
                    if event["type"] != "DELETED" && is_so(&last) {
                        return last.clone();
                    }
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(object) => object,
            Err(_) => panic!("{path}/{name} never became so: {last}"),
        }
    }

    async fn wait_removed(&self, path: &str, name: &str) {
        let selector = format!("fieldSelector=metadata.name%3D{name}");
        let waiting = async {
            loop {
                let list = self.get(&format!("{path}?{selector}")).await.expect("a list");
                if names(&list).is_empty() {
                    return;
                }
                // From this version on, so that a deletion in between is not missed.
                let version = text(&list["metadata"]["resourceVersion"]);
                let mut events = self.watch(path, &format!("{selector}&resourceVersion={version}")).await;
                while events.next().await.is_some_and(|event| event["type"] != "DELETED") {}
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{path}/{name} stays"));
    }

    /// The event with this reason about an object.
    async fn event(&self, about: &Value, reason: &str) -> Value {
        self.event_saying(about, reason, "").await
    }

    /// The event with this reason about an object whose message begins like this.
    ///
    /// A kubelet can have more to say with the same reason: on a busy machine, a volume fails first because the kubelet
    /// has not yet asked for its config map.
    async fn event_saying(&self, about: &Value, reason: &str, beginning: &str) -> Value {
        let uid = text(&about["metadata"]["uid"]);
        let query = format!("fieldSelector=involvedObject.uid%3D{uid},reason%3D{reason}");
        let mut said = std::collections::BTreeSet::new();
        let waiting = async {
            loop {
                let mut events = self.watch(&self.core("events"), &query).await;
                while let Some(event) = events.next().await {
                    let object = &event["object"];
                    if text(&object["message"]).starts_with(beginning) {
                        return object.clone();
                    }
                    said.insert(text(&object["message"]).to_owned());
                }
            }
        };
        let event = tokio::time::timeout(PATIENCE, waiting).await;
        let name = &about["metadata"]["name"];
        event.unwrap_or_else(|_| panic!("no event `{reason}` about {name} says `{beginning}`; said: {said:?}"))
    }

    async fn job(&self, name: &str, script: &str, change: impl FnOnce(&mut Value)) -> Value {
        let container = json!({"name": "main", "image": "docker.io/test/pause:1", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/busybox", "sh", "-c", script]});
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0,
            "template": {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}}}});
        change(&mut job);
        self.post(&self.jobs(), job).await
    }

    /// The pod of a job, once it is as it should be.
    async fn pod(&self, job: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let path = self.core("pods");
        let query = format!("labelSelector=batch.kubernetes.io%2Fjob-name%3D{job}");
        let waiting = async {
            loop {
                let mut events = self.watch(&path, &query).await;
                while let Some(event) = events.next().await {
                    if event["type"] != "DELETED" && is_so(&event["object"]) {
                        return event["object"].clone();
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("no such pod of {job}"))
    }

    async fn finished(&self, job: &str) -> Value {
        self.wait(&self.jobs(), job, |job| condition(job, "Complete").is_some() || condition(job, "Failed").is_some())
            .await
    }

    async fn log(&self, pod: &Value, query: &str) -> String {
        let path = format!("{}/{}/log?{query}", self.core("pods"), text(&pod["metadata"]["name"]));
        self.connection
            .client
            .request_text(Request::get(path).body(Vec::new()).expect("a request"))
            .await
            .expect("a log")
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().into_iter().flatten().map(|item| text(&item["metadata"]["name"])).collect()
}

fn reasons(list: &Value) -> Vec<&str> {
    list["items"].as_array().into_iter().flatten().map(|item| text(&item["reason"])).collect()
}

fn waiting(pod: &Value) -> &str {
    text(&pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"])
}

#[track_caller]
fn refused(answer: Result<Value, Status>, code: u16, reason: &str, message: &str) -> Status {
    let status = match answer {
        Err(status) => status,
        Ok(done) => panic!("done instead of refused: {:.200}", done.to_string()),
    };
    assert_eq!((status.code, status.reason.as_str()), (code, reason), "{}", status.message);
    assert!(status.message.contains(message), "{}", status.message);
    status
}

// -- Objects ---------------------------------------------------------------------------------------------------------

async fn discovery_names_what_is_served(world: &World) {
    let version = world.connection.client.apiserver_version().await.expect("a version");
    assert!(version.git_version.starts_with("v1."), "{version:?}");
    let groups = world.connection.client.list_api_groups().await.expect("groups");
    let batch = groups.groups.iter().find(|group| group.name == "batch").expect("batch");
    assert_eq!(batch.preferred_version.as_ref().map(|version| version.group_version.as_str()), Some("batch/v1"));
    let served = world.connection.client.list_api_group_resources("batch/v1").await.expect("resources");
    let jobs = served.resources.iter().find(|resource| resource.name == "jobs").expect("jobs");
    assert_eq!((jobs.kind.as_str(), jobs.namespaced), ("Job", true));
    for verb in ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] {
        assert!(jobs.verbs.iter().any(|known| known == verb), "{verb}");
    }
    let core = world.connection.client.list_core_api_resources("v1").await.expect("resources");
    let log = core.resources.iter().find(|resource| resource.name == "pods/log").expect("pods/log");
    assert_eq!(log.verbs, ["get"]);
    for nowhere in ["/apis/none.example/v1", "/apis/batch/v9", "/none"] {
        assert_eq!(world.get(nowhere).await.expect_err("not served").code, 404, "{nowhere}");
    }
    let message = "the server could not find the requested resource";
    refused(world.get("/api/v1/nonsense").await, 404, "NotFound", message);
    refused(
        world.send(Method::POST, "/api/v1/nodes/x", JSON, json!({})).await,
        405,
        "MethodNotAllowed",
        "does not allow this method",
    );
}

async fn a_created_object_has_an_identity(world: &World) {
    let path = world.core("configmaps");
    let body =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}, "data": {"a": "1"}});
    let (one, two) = (world.post(&path, body.clone()).await, world.post(&path, body).await);
    let name = text(&one["metadata"]["name"]);
    assert!(name.starts_with("made-") && name.len() == 10, "{name}");
    for field in ["name", "uid", "resourceVersion"] {
        assert_ne!(one["metadata"][field], two["metadata"][field], "{field}");
    }
    assert_eq!(text(&one["metadata"]["uid"]).len(), 36);
    assert_eq!(text(&one["metadata"]["creationTimestamp"]).len(), "2026-01-01T00:00:00Z".len());
    assert_eq!((&one["metadata"]["namespace"], &one["data"]["a"]), (&json!(world.namespace), &json!("1")));
    assert_eq!(world.get(&format!("{path}/{name}")).await.expect("there"), one);

    let status = refused(
        world.send(Method::POST, &path, JSON, json!({"metadata": {"name": name}})).await,
        409,
        "AlreadyExists",
        &format!("configmaps \"{name}\" already exists"),
    );
    let details = status.details.expect("details");
    assert_eq!((details.name.as_str(), details.kind.as_str()), (name, "configmaps"));
}

async fn what_is_not_right_is_refused_with_a_reason(world: &World) {
    let path = world.core("configmaps");
    let create = |body: Value| world.send(Method::POST, &path, JSON, body);
    refused(
        create(json!({"metadata": {}})).await,
        422,
        "Invalid",
        "metadata.name: Required value: name or generateName is required",
    );
    let status = refused(
        create(json!({"metadata": {"name": "X_"}})).await,
        422,
        "Invalid",
        "ConfigMap \"X_\" is invalid: metadata.name: Invalid value: \"X_\"",
    );
    assert_eq!(status.details.expect("details").causes[0].field, "metadata.name");
    let other = json!({"metadata": {"name": "a", "namespace": "elsewhere"}});
    refused(
        create(other).await,
        400,
        "BadRequest",
        "the namespace of the provided object does not match the namespace sent on the request",
    );
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
    refused(create(pod).await, 400, "BadRequest", "Pod in version \"v1\" cannot be handled as a ConfigMap");
    refused(world.send(Method::POST, &path, JSON, "{nonsense").await, 400, "BadRequest", "");
    let versioned = json!({"metadata": {"name": "a", "resourceVersion": "1"}});
    refused(create(versioned).await, 500, "", "resourceVersion should not be set on objects to be created");
    let labeled = json!({"metadata": {"name": "a", "labels": {"l": "a b"}}});
    refused(create(labeled).await, 422, "Invalid", "metadata.labels: Invalid value: \"a b\"");
    let large = json!({"metadata": {"name": "a"}, "data": {"k": "x".repeat((1 << 20) + 1)}});
    refused(create(large).await, 422, "Invalid", "Too long: may not be more than 1048576 bytes");

    let nowhere = "/api/v1/namespaces/there-is-no-such-place/configmaps";
    refused(
        world.send(Method::POST, nowhere, JSON, json!({"metadata": {"name": "a"}})).await,
        404,
        "NotFound",
        "namespaces \"there-is-no-such-place\" not found",
    );
    refused(world.get(&format!("{path}/none")).await, 404, "NotFound", "configmaps \"none\" not found");
    refused(
        world.send(Method::DELETE, &format!("{path}/none"), JSON, json!({})).await,
        404,
        "NotFound",
        "configmaps \"none\" not found",
    );
    let job = json!({"metadata": {"name": "x"}, "spec": {"template": {"spec": {}}}});
    refused(
        world.send(Method::POST, &world.jobs(), JSON, job).await,
        422,
        "Invalid",
        "Job.batch \"x\" is invalid: [spec.template.spec.containers: Required value, spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"]",
    );
    let odd = Request::get(&path).header("accept", "application/vnd.none").body(Vec::new()).expect("a request");
    refused(world.request(odd).await, 406, "NotAcceptable", "application/json");
}

async fn a_stale_write_is_a_conflict(world: &World) {
    let made = world.config_map("one", json!({})).await;
    let path = format!("{}/one", world.core("configmaps"));
    let put = |object: &Value| world.send(Method::PUT, &path, JSON, object.clone());
    let mut changed = made.clone();
    changed["data"]["a"] = json!("2");
    let written = put(&changed).await.expect("written");
    assert_ne!(written["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    let message = "Operation cannot be fulfilled on configmaps \"one\": the object has been modified; please apply your changes to the latest version and try again";
    refused(put(&changed).await, 409, "Conflict", message);

    let same = put(&written).await.expect("nothing to write");
    assert_eq!(same["metadata"]["resourceVersion"], written["metadata"]["resourceVersion"]);
    let mut unconditional = made.clone();
    unconditional["metadata"] = json!({"name": "one"});
    let last = put(&unconditional).await.expect("without a version nothing is compared");
    assert_eq!((&last["data"]["a"], &last["metadata"]["uid"]), (&json!("1"), &made["metadata"]["uid"]));

    let mut other = last.clone();
    other["metadata"]["name"] = json!("two");
    refused(
        put(&other).await,
        400,
        "BadRequest",
        "the name of the object (two) does not match the name on the URL (one)",
    );
    let mut twin = last.clone();
    twin["metadata"]["uid"] = json!("00000000-0000-4000-8000-000000000000");
    refused(
        put(&twin).await,
        409,
        "Conflict",
        "Precondition failed: UID in precondition: 00000000-0000-4000-8000-000000000000",
    );
    let missing = format!("{}/none", world.core("configmaps"));
    let body = json!({"metadata": {"name": "none", "resourceVersion": "1"}});
    refused(world.send(Method::PUT, &missing, JSON, body).await, 404, "NotFound", "configmaps \"none\" not found");
}

async fn a_dry_run_changes_nothing(world: &World) {
    let path = world.core("configmaps");
    let made = world
        .send(Method::POST, &format!("{path}?dryRun=All"), JSON, json!({"metadata": {"name": "dry"}}))
        .await
        .expect("as if");
    assert!(!text(&made["metadata"]["uid"]).is_empty());
    refused(world.get(&format!("{path}/dry")).await, 404, "NotFound", "");
    let one = world.config_map("one", json!({})).await;
    let merged = world
        .send(Method::PATCH, &format!("{path}/one?dryRun=All"), MERGE, json!({"data": {"a": "2"}}))
        .await
        .expect("as if");
    assert_eq!(merged["data"]["a"], "2");
    world.send(Method::DELETE, &format!("{path}/one?dryRun=All"), JSON, "").await.expect("as if");
    assert_eq!(world.get(&format!("{path}/one")).await.expect("still there"), one);
}

async fn patches_change_what_they_name(world: &World) {
    world.config_map("one", json!({"keep": "1", "drop": "1"})).await;
    let path = format!("{}/one", world.core("configmaps"));
    let merge = json!({"metadata": {"labels": {"drop": null, "new": "1"}}, "data": {"b": "2"}});
    let merged = world.send(Method::PATCH, &path, MERGE, merge).await.expect("merged");
    assert_eq!(
        (&merged["metadata"]["labels"], &merged["data"]),
        (&json!({"keep": "1", "new": "1"}), &json!({"a": "1", "b": "2"}))
    );
    let stale = json!({"metadata": {"resourceVersion": "1"}});
    refused(world.send(Method::PATCH, &path, MERGE, stale).await, 409, "Conflict", "the object has been modified");

    let steps = json!([{"op": "remove", "path": "/data/a"}, {"op": "add", "path": "/data/c", "value": "3"}]);
    let patched = world.send(Method::PATCH, &path, "application/json-patch+json", steps).await.expect("patched");
    assert_eq!(patched["data"], json!({"b": "2", "c": "3"}));
    let misfit = json!([{"op": "replace", "path": "/data/none/x", "value": "1"}]);
    assert_eq!(
        world.send(Method::PATCH, &path, "application/json-patch+json", misfit).await.expect_err("no such field").code,
        422
    );
    refused(world.send(Method::PATCH, &path, "application/none", json!({})).await, 415, "UnsupportedMediaType", "");
    let missing = format!("{}/none", world.core("configmaps"));
    refused(world.send(Method::PATCH, &missing, MERGE, json!({})).await, 404, "NotFound", "");
}

async fn server_side_apply_knows_owners(world: &World) {
    let path = format!("{}/applied", world.core("configmaps"));
    let apply = |manager: &str, data: Value, labels: Value| {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied", "labels": labels}, "data": data});
        let uri = format!("{path}?fieldManager={manager}");
        async move { world.send(Method::PATCH, &uri, APPLY, body).await }
    };
    let made = apply("one", json!({"a": "1", "b": "1"}), json!({"l": "1", "m": "1"})).await.expect("created");
    let managed = &made["metadata"]["managedFields"][0];
    assert_eq!((&managed["manager"], &managed["operation"]), (&json!("one"), &json!("Apply")));
    assert_eq!(managed["fieldsV1"]["f:data"], json!({"f:a": {}, "f:b": {}}));

    apply("two", json!({"b": "1", "c": "1"}), json!({})).await.expect("the same value is shared");
    let rest = apply("one", json!({}), json!({"l": "1"})).await.expect("applied");
    assert_eq!((&rest["data"], &rest["metadata"]["labels"]), (&json!({"b": "1", "c": "1"}), &json!({"l": "1"})));
    let version = rest["metadata"]["resourceVersion"].clone();
    let again = apply("one", json!({}), json!({"l": "1"})).await.expect("applied");
    assert_eq!(again["metadata"]["resourceVersion"], version, "nothing changed");

    let status = refused(
        apply("one", json!({"c": "2"}), json!({"l": "1"})).await,
        409,
        "Conflict",
        "Apply failed with 1 conflict: conflict with \"two\": .data.c",
    );
    assert_eq!(status.details.expect("details").causes[0].field, ".data.c");
    let forced = apply("one&force=true", json!({"c": "2"}), json!({"l": "1"})).await.expect("forced");
    assert_eq!(forced["data"], json!({"b": "1", "c": "2"}));

    world
        .send(Method::PATCH, &format!("{path}?fieldManager=editor"), MERGE, json!({"data": {"b": "9"}}))
        .await
        .expect("edited");
    refused(
        apply("two", json!({"b": "1"}), json!({})).await,
        409,
        "Conflict",
        "conflict with \"editor\" using v1: .data.b",
    );
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}});
    refused(
        world.send(Method::PATCH, &path, APPLY, body).await,
        422,
        "Invalid",
        "fieldManager: Required value: is required for apply patch",
    );
}

async fn status_is_written_through_its_own_door(world: &World) {
    let path = world.core("persistentvolumeclaims");
    let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}});
    let claim = json!({"metadata": {"name": "c"}, "spec": spec, "status": {"capacity": {"storage": "9Gi"}}});
    let made = world.post(&path, claim).await;
    assert_eq!(made["status"].get("capacity"), None, "a status that came with the object is not kept");
    let patch = json!({"metadata": {"labels": {"l": "1"}}, "status": {"capacity": {"storage": "5Gi"}}});
    let after = world.send(Method::PATCH, &format!("{path}/c/status"), MERGE, patch.clone()).await.expect("patched");
    assert_eq!(after["status"]["capacity"]["storage"], "5Gi");
    let after = world
        .send(Method::PATCH, &format!("{path}/c"), MERGE, json!({"status": {"capacity": {"storage": "7Gi"}}}))
        .await
        .expect("patched");
    assert_eq!(after["status"]["capacity"]["storage"], "5Gi", "not through the main door");
    refused(
        world.get(&format!("{}/x/status", world.core("configmaps"))).await,
        404,
        "NotFound",
        "could not find the requested resource",
    );
}

// -- Lists and watches -----------------------------------------------------------------------------------------------

async fn pages_are_one_picture(world: &World) {
    for name in ["a", "b", "c", "d", "e"] {
        world.config_map(name, json!({"page": "1"})).await;
    }
    let path = world.core("configmaps");
    let api: Api<ConfigMap> = Api::namespaced(world.connection.client.clone(), &world.namespace);
    let first = api.list(&ListParams::default().limit(2)).await.expect("a page");
    let shown = |list: &kube::core::ObjectList<ConfigMap>| {
        list.items.iter().filter_map(|item| item.metadata.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&first), ["a", "b"]);
    // Every namespace holds the certificate of the cluster.
    assert_eq!(first.metadata.remaining_item_count, Some(4));
    let token = first.metadata.continue_.clone().expect("a token");
    world.send(Method::DELETE, &format!("{path}/c"), JSON, json!({})).await.expect("deleted");
    world.config_map("bb", json!({})).await;
    let second = api.list(&ListParams::default().limit(10).continue_token(&token)).await.expect("a page");
    assert_eq!(shown(&second), ["c", "d", "e", "kube-root-ca.crt"], "as it was when the list began");
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    assert_eq!(second.metadata.continue_.filter(|token| !token.is_empty()), None);

    let selected = world.get(&format!("{path}?limit=1&labelSelector=page%3D1")).await.expect("a page");
    assert_eq!((names(&selected), selected["metadata"].get("remainingItemCount")), (vec!["a"], None));
    refused(world.get(&format!("{path}?limit=1&continue=abc")).await, 400, "BadRequest", "invalid continue token");
    refused(world.get(&format!("{path}?resourceVersion=abc")).await, 400, "BadRequest", "invalid resource version");
    let bare = Request::get(&path)
        .header("accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
        .body(Vec::new());
    let bare = world.request(bare.expect("a request")).await.expect("metadata");
    assert_eq!((bare["kind"].as_str(), bare["items"][0].get("data")), (Some("PartialObjectMetadataList"), None));
    assert_eq!(bare["items"][0]["metadata"]["labels"]["page"], "1");
    let table = Request::get(&path)
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
        .body(Vec::new());
    let table = world.request(table.expect("a request")).await.expect("a table");
    let headings: Vec<&str> =
        table["columnDefinitions"].as_array().into_iter().flatten().map(|column| text(&column["name"])).collect();
    assert_eq!((text(&table["kind"]), headings), ("Table", vec!["Name", "Data", "Age"]));
    let row = &table["rows"][0];
    assert_eq!(
        (&row["cells"][0], &row["cells"][1], text(&row["object"]["kind"])),
        (&json!("a"), &json!(1), "PartialObjectMetadata")
    );
}

async fn selectors_choose(world: &World) {
    world.config_map("web", json!({"app": "web", "tier": "1"})).await;
    world.config_map("db", json!({"app": "db"})).await;
    world.config_map("bare", json!({})).await;
    let path = world.core("configmaps");
    for (selector, expected) in [
        ("app", "db web"),
        ("!app", "bare kube-root-ca.crt"),
        ("app%3Dweb", "web"),
        ("app%3D%3Dweb%2Ctier%3D1", "web"),
        ("app!%3Dweb", "bare db kube-root-ca.crt"),
        ("app+in+(web%2Cdb)%2C!tier", "db"),
        ("app+notin+(web)%2Capp", "db"),
        ("tier%3E0", "web"),
    ] {
        let list = world.get(&format!("{path}?labelSelector={selector}")).await.expect("a list");
        assert_eq!(names(&list).join(" "), expected, "{selector}");
    }
    let list = world.get(&format!("{path}?fieldSelector=metadata.name%3Ddb")).await.expect("a list");
    assert_eq!(names(&list), ["db"]);
    let list = world
        .get(&format!("{path}?fieldSelector=metadata.name!%3Ddb%2Cmetadata.namespace%3D{}", world.namespace))
        .await
        .expect("a list");
    assert_eq!(names(&list), ["bare", "kube-root-ca.crt", "web"]);
    refused(
        world.get(&format!("{path}?labelSelector=a%3D%3D%3Db")).await,
        400,
        "BadRequest",
        "unable to parse requirement: found '=', expected: identifier",
    );
    refused(
        world.get(&format!("{}?fieldSelector=spec.foo%3Db", world.core("pods"))).await,
        400,
        "BadRequest",
        "field label not supported: spec.foo",
    );
}

async fn a_watch_sends_what_its_selector_matches(world: &World) {
    world.config_map("before", json!({"seen": "yes"})).await;
    let path = world.core("configmaps");
    let api: Api<ConfigMap> = Api::namespaced(world.connection.client.clone(), &world.namespace);
    let from = api.list(&ListParams::default()).await.expect("a list").metadata.resource_version.expect("a version");
    let parameters = WatchParams::default().labels("seen=yes").timeout(20);
    let mut events = Box::pin(api.watch(&parameters, &from).await.expect("a watch"));

    world.config_map("one", json!({"seen": "yes"})).await;
    world.config_map("unseen", json!({})).await;
    let patch = async |name: &str, patch: Value| {
        world.send(Method::PATCH, &format!("{path}/{name}"), MERGE, patch).await.expect("patched")
    };
    patch("one", json!({"data": {"a": "2"}})).await;
    patch("one", json!({"metadata": {"labels": {"seen": "no"}}})).await;
    patch("one", json!({"metadata": {"labels": {"seen": "yes"}}})).await;
    world.send(Method::DELETE, &format!("{path}/one"), JSON, json!({})).await.expect("deleted");
    let mut told = Vec::new();
    let mut version = 0;
    while told.len() < 5 {
        let event = tokio::time::timeout(PATIENCE, events.try_next())
            .await
            .expect("in time")
            .expect("no error")
            .expect("an event");
        let (what, object) = match event {
            WatchEvent::Added(object) => ("added", object),
            WatchEvent::Modified(object) => ("modified", object),
            WatchEvent::Deleted(object) => ("deleted", object),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => panic!("{status:?}"),
        };
        assert_eq!(object.metadata.name.as_deref(), Some("one"));
        let next: u64 = object.metadata.resource_version.and_then(|text| text.parse().ok()).expect("a number");
        assert!(next > version, "versions grow");
        version = next;
        told.push(what);
    }
    assert_eq!(told, ["added", "modified", "deleted", "added", "deleted"]);

    // Without a version a watch begins with what is there, and bookmarks tell how far it is.
    let events =
        world.watch(&path, "allowWatchBookmarks=true&timeoutSeconds=4&fieldSelector=metadata.name%3Dbefore").await;
    let events: Vec<Value> = events.collect().await;
    let kinds: Vec<&str> = events.iter().map(|event| text(&event["type"])).collect();
    assert_eq!(kinds[..2], ["ADDED", "BOOKMARK"]);
    assert!(kinds[2..].iter().all(|kind| *kind == "BOOKMARK"), "{kinds:?}");
    assert_eq!(events[0]["object"]["kind"], "ConfigMap");
    let (seen, marked) = (&events[0]["object"]["metadata"], &events[1]["object"]["metadata"]);
    let number = |metadata: &Value| text(&metadata["resourceVersion"]).parse::<u64>().expect("a number");
    assert!(number(marked) >= number(seen) && marked.get("name").is_none(), "{marked}");

    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=2&fieldSelector=metadata.name%3Dbefore";
    let events: Vec<Value> = world.watch(&path, query).await.collect().await;
    assert_eq!(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

/// A secret as Helm writes it; no Helm wrote this one.
async fn helm_releases_contain_their_values(world: &World) {
    let release = json!({"name": "x", "config": {"a": {"b": 2}},
        "chart": {"metadata": {"name": "chart", "version": "1.2.3"}, "values": {"a": {"c": 3}}}});
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut zip, release.to_string().as_bytes()).unwrap();
    let encoded = |bytes: Vec<u8>| text(&serde_json::to_value(k8s_openapi::ByteString(bytes)).unwrap()).to_owned();
    let once = encoded(zip.finish().unwrap());
    let packed = encoded(once.clone().into_bytes());
    let labels = json!({"owner": "helm", "name": "x", "version": "3", "status": "deployed"});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": "sh.helm.release.v1.x.v3", "labels": labels}, "data": {"release": packed}});
    world.post(&world.core("secrets"), secret).await;
    let snapshot = ops::snapshot::take(&world.connection, "2026-06-12T10:41:07Z").await.unwrap();
    let release = snapshot.releases.value().into_iter().flatten().find(|release| release.name == "x");
    let namespace = release.and_then(|release| release.namespace.as_deref());
    assert_eq!(namespace, Some(world.namespace.as_str()), "the snapshot names the release");
    let (namespace, kept_in) = (world.namespace.clone(), KeptIn::Secret);
    let revision = Revision { namespace, name: "x".to_owned(), revision: "3".to_owned(), kept_in };
    let contents = cluster::releases::contents(&world.connection, vec![revision.clone()]).await.unwrap();
    let content = &contents[&(world.namespace.clone(), "x".to_owned())].clone();
    assert_eq!((content.chart.as_deref(), content.version.as_deref()), (Some("chart"), Some("1.2.3")));
    assert_eq!((&content.config, &content.defaults), (&json!({"a": {"b": 2}}), &json!({"a": {"c": 3}})));
    // With `HELM_DRIVER=configmap` the same is in a ConfigMap, encoded once.
    let labels = json!({"owner": "helm", "name": "y", "version": "1", "status": "deployed"});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "sh.helm.release.v1.y.v1", "labels": labels}, "data": {"release": once}});
    world.post(&world.core("configmaps"), map).await;
    let snapshot = ops::snapshot::take(&world.connection, "2026-06-12T10:41:07Z").await.unwrap();
    let release = snapshot.releases.value().into_iter().flatten().find(|release| release.name == "y").unwrap();
    assert_eq!(release.kept_in, KeptIn::ConfigMap);
    let (namespace, kept_in) = (world.namespace.clone(), KeptIn::ConfigMap);
    let other = Revision { namespace, name: "y".to_owned(), revision: "1".to_owned(), kept_in };
    let contents = cluster::releases::contents(&world.connection, vec![other]).await.unwrap();
    assert_eq!(&contents[&(world.namespace.clone(), "y".to_owned())], content);
    let gone = Revision { revision: "4".to_owned(), ..revision };
    let error = cluster::releases::contents(&world.connection, vec![gone]).await.unwrap_err();
    assert_eq!(error.kind, cluster::ClusterErrorKind::NotFound, "{error}");
}

async fn old_versions_are_expired(world: &World) {
    let path = world.core("configmaps");
    let answer = world.get(&format!("{path}?resourceVersion=1&resourceVersionMatch=Exact")).await;
    if answer.is_ok() && !world.is_demo {
        println!("old_versions_are_expired: skipped, the cluster is too young to have been compacted (five minutes)");
        return;
    }
    refused(answer, 410, "Expired", "The resourceVersion for the provided list is too old.");
    // Events have no cache in front of them, so that the watch meets the compacted store.
    let events: Vec<Value> =
        world.watch(&world.core("events"), "resourceVersion=1&timeoutSeconds=5").await.collect().await;
    let [error] = events.as_slice() else { panic!("one event: {events:?}") };
    assert_eq!(
        (text(&error["type"]), &error["object"]["code"], text(&error["object"]["reason"])),
        ("ERROR", &json!(410), "Expired")
    );
    assert!(text(&error["object"]["message"]).contains("too old"), "{error}");
}

// -- Deletion --------------------------------------------------------------------------------------------------------

async fn deletions_have_preconditions_and_selectors(world: &World) {
    let path = world.core("configmaps");
    let one = world.config_map("one", json!({"gone": "1"})).await;
    for name in ["two", "three"] {
        world.config_map(name, json!({"gone": "1"})).await;
    }
    world.config_map("stays", json!({})).await;
    let wrong = json!({"preconditions": {"uid": "abc"}});
    refused(
        world.send(Method::DELETE, &format!("{path}/one"), JSON, wrong).await,
        409,
        "Conflict",
        "the UID in the precondition (abc) does not match the UID in record",
    );
    let right = json!({"preconditions": {"uid": one["metadata"]["uid"]}});
    let done = world.send(Method::DELETE, &format!("{path}/one"), JSON, right).await.expect("deleted");
    assert_eq!((&done["status"], &done["details"]["uid"]), (&json!("Success"), &one["metadata"]["uid"]));
    let list =
        world.send(Method::DELETE, &format!("{path}?labelSelector=gone"), JSON, json!({})).await.expect("deleted");
    assert_eq!(names(&list), ["three", "two"]);
    assert_eq!(names(&world.get(&path).await.expect("a list")), ["kube-root-ca.crt", "stays"]);
}

async fn a_finalizer_holds_an_object(world: &World) {
    let path = world.core("configmaps");
    let body = json!({"metadata": {"name": "held", "finalizers": ["test.example/hold"]}});
    world.post(&path, body).await;
    let marked = world.send(Method::DELETE, &format!("{path}/held"), JSON, json!({})).await.expect("marked");
    assert!(!text(&marked["metadata"]["deletionTimestamp"]).is_empty());
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
    assert!(world.get(&format!("{path}/held")).await.is_ok());
    world
        .send(Method::PATCH, &format!("{path}/held"), MERGE, json!({"metadata": {"finalizers": null}}))
        .await
        .expect("released");
    world.wait_removed(&path, "held").await;
}

async fn owners_take_their_dependents_along(world: &World) {
    let path = world.core("configmaps");
    let owned = async |owner: &Value, name: &str, extra: Value| {
        let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": true});
        let mut metadata = json!({"name": name, "ownerReferences": [reference]});
        if let Some(finalizers) = extra.get("finalizers") {
            metadata["finalizers"] = finalizers.clone();
        }
        world.post(&path, json!({"metadata": metadata})).await
    };
    let delete = async |name: &str, policy: &str| {
        let path = format!("{path}/{name}");
        world.send(Method::DELETE, &path, JSON, json!({"propagationPolicy": policy})).await
    };

    let owner = world.config_map("background", json!({})).await;
    owned(&owner, "background-child", json!({})).await;
    delete("background", "Background").await.expect("deleted");
    world.wait_removed(&path, "background-child").await;

    let owner = world.config_map("foreground", json!({})).await;
    owned(&owner, "foreground-child", json!({"finalizers": ["test.example/hold"]})).await;
    let marked = delete("foreground", "Foreground").await.expect("marked");
    assert_eq!(marked["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    world.wait(&path, "foreground-child", |child| child["metadata"].get("deletionTimestamp").is_some()).await;
    assert!(world.get(&format!("{path}/foreground")).await.is_ok(), "the owner waits for its child");
    world
        .send(Method::PATCH, &format!("{path}/foreground-child"), MERGE, json!({"metadata": {"finalizers": null}}))
        .await
        .expect("released");
    world.wait_removed(&path, "foreground").await;

    let owner = world.config_map("orphan", json!({})).await;
    owned(&owner, "orphan-child", json!({})).await;
    delete("orphan", "Orphan").await.expect("deleted");
    world.wait_removed(&path, "orphan").await;
    let child = world.get(&format!("{path}/orphan-child")).await.expect("still there");
    assert_eq!(child["metadata"]["ownerReferences"].as_array().map_or(0, Vec::len), 0);
}

async fn a_namespace_is_furnished_and_emptied(world: &World) {
    let body = json!({"metadata": {"generateName": "short-lived-"}});
    let made = world.post("/api/v1/namespaces", body).await;
    let name = text(&made["metadata"]["name"]).to_owned();
    assert_eq!(made["metadata"]["labels"]["kubernetes.io/metadata.name"], name.as_str());
    assert_eq!(made["status"]["phase"], "Active");
    let inside = World { connection: world.connection.clone(), namespace: name.clone(), is_demo: world.is_demo };
    inside.wait(&inside.core("serviceaccounts"), "default", |_| true).await;
    inside.wait(&inside.core("configmaps"), "kube-root-ca.crt", |_| true).await;
    let held = json!({"metadata": {"name": "held", "finalizers": ["test.example/hold"]}});
    inside.post(&inside.core("configmaps"), held).await;

    let path = format!("/api/v1/namespaces/{name}");
    let going = world.send(Method::DELETE, &path, JSON, json!({})).await.expect("going");
    assert_eq!(going["status"]["phase"], "Terminating");
    let answer =
        world.send(Method::POST, &inside.core("configmaps"), JSON, json!({"metadata": {"name": "late"}})).await;
    refused(
        answer,
        403,
        "Forbidden",
        &format!("unable to create new content in namespace {name} because it is being terminated"),
    );
    inside.wait(&inside.core("configmaps"), "held", |held| held["metadata"].get("deletionTimestamp").is_some()).await;
    assert!(world.get(&path).await.is_ok(), "it waits for its content");
    let free = json!({"metadata": {"finalizers": null}});
    world.send(Method::PATCH, &format!("{}/held", inside.core("configmaps")), MERGE, free).await.expect("released");
    world.wait_removed("/api/v1/namespaces", &name).await;
}

// -- Rights ----------------------------------------------------------------------------------------------------------

async fn a_missing_right_is_refused_until_it_is_given(world: &World) {
    let user = format!("system:serviceaccount:{}:reader", world.namespace);
    world.post(&world.core("serviceaccounts"), json!({"metadata": {"name": "reader"}})).await;
    let acting = async |method: Method, path: &str, body: Value| {
        let request =
            Request::builder().method(method).uri(path).header("content-type", JSON).header("impersonate-user", &user);
        world.request(request.body(body.to_string().into_bytes()).expect("a request")).await
    };
    let get = async |path: &str| acting(Method::GET, path, json!({})).await;
    let place = format!("in API group \"\" in the namespace \"{}\"", world.namespace);
    let pods = world.core("pods");
    let status = refused(
        get(&pods).await,
        403,
        "Forbidden",
        &format!("pods is forbidden: User \"{user}\" cannot list resource \"pods\" {place}"),
    );
    assert_eq!(status.details.expect("details").kind, "pods");
    refused(
        get("/api/v1/nodes/x").await,
        403,
        "Forbidden",
        &format!(
            "nodes \"x\" is forbidden: User \"{user}\" cannot get resource \"nodes\" in API group \"\" at the cluster scope"
        ),
    );
    refused(
        get(&format!("{pods}/x/log")).await,
        403,
        "Forbidden",
        &format!("pods \"x\" is forbidden: User \"{user}\" cannot get resource \"pods/log\" {place}"),
    );
    refused(
        get("/nowhere").await,
        403,
        "Forbidden",
        &format!("forbidden: User \"{user}\" cannot get path \"/nowhere\""),
    );
    refused(
        acting(Method::POST, &world.jobs(), json!({})).await,
        403,
        "Forbidden",
        &format!(
            "jobs.batch is forbidden: User \"{user}\" cannot create resource \"jobs\" in API group \"batch\" in the namespace"
        ),
    );
    get("/version").await.expect("everybody may ask for the version");
    let can = async |verb: &str, resource: &str| {
        let asked = json!({"namespace": world.namespace, "verb": verb, "resource": resource});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": asked}});
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        acting(Method::POST, path, review).await.expect("a review")["status"]["allowed"].clone()
    };
    assert_eq!(can("list", "pods").await, false);

    let rbac = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}", world.namespace);
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["get"]}]);
    world.post(&format!("{rbac}/roles"), json!({"metadata": {"name": "reader"}, "rules": rules})).await;
    let binding = json!({"metadata": {"name": "reader"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": world.namespace}]});
    world.post(&format!("{rbac}/rolebindings"), binding).await;
    // The authorizer learns of it a moment later.
    let allowed = async {
        while get(&pods).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, allowed).await.expect("the right is given");
    assert_eq!((can("list", "pods").await, can("delete", "pods").await), (json!(true), json!(false)));
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": world.namespace}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let known = acting(Method::POST, path, review).await.expect("a review");
    let mut rules = known["status"]["resourceRules"].as_array().into_iter().flatten();
    assert!(
        rules.any(|rule| rule["resources"] == json!(["pods"]) && rule["verbs"] == json!(["get", "list"])),
        "{known}"
    );
    refused(acting(Method::DELETE, &format!("{pods}/x"), json!({})).await, 403, "Forbidden", "cannot delete resource");
    refused(get(&format!("{}/mine", world.core("configmaps"))).await, 404, "NotFound", "");
    refused(get(&format!("{}/other", world.core("configmaps"))).await, 403, "Forbidden", "");
    refused(get("/api/v1/pods").await, 403, "Forbidden", "at the cluster scope");
    let change = json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "other"}});
    refused(
        world.send(Method::PATCH, &format!("{rbac}/rolebindings/reader"), MERGE, change).await,
        422,
        "Invalid",
        "cannot change roleRef",
    );
}

// -- Jobs and pods ---------------------------------------------------------------------------------------------------

async fn a_job_runs_to_completion(world: &World) {
    let made = world
        .job("good", "echo one; sleep 4; echo two", |job| job["spec"]["ttlSecondsAfterFinished"] = json!(300))
        .await;
    let labels = &made["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["batch.kubernetes.io/job-name"], "good");
    assert_eq!(labels["batch.kubernetes.io/controller-uid"], made["metadata"]["uid"]);
    assert_eq!(
        (&made["spec"]["completions"], &made["spec"]["parallelism"], &made["spec"]["suspend"]),
        (&json!(1), &json!(1), &json!(false))
    );

    let running = world.pod("good", |pod| pod["status"]["phase"] == "Running").await;
    let pod_name = text(&running["metadata"]["name"]);
    assert!(pod_name.starts_with("good-") && pod_name.len() == 10, "{pod_name}");
    let owner = &running["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["uid"], &owner["controller"], &owner["kind"]),
        (&made["metadata"]["uid"], &json!(true), &json!("Job"))
    );
    for kind in ["PodScheduled", "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"] {
        assert!(condition(&running, kind).is_some(), "{kind}");
    }
    let status = &running["status"]["containerStatuses"][0];
    assert!(status["state"]["running"].get("startedAt").is_some(), "{status}");
    assert_eq!((&status["ready"], &status["started"], &status["name"]), (&json!(true), &json!(true), &json!("main")));
    assert!(!text(&running["status"]["podIP"]).is_empty() && !text(&running["spec"]["nodeName"]).is_empty());
    let active = world.wait(&world.jobs(), "good", |job| job["status"]["ready"] == 1).await;
    assert_eq!((&active["status"]["active"], active["status"].get("succeeded")), (&json!(1), None));

    let done = world.finished("good").await;
    let conditions: Vec<&str> =
        done["status"]["conditions"].as_array().into_iter().flatten().map(|c| text(&c["type"])).collect();
    assert_eq!(conditions, ["SuccessCriteriaMet", "Complete"]);
    let complete = condition(&done, "Complete").expect("complete");
    assert_eq!(
        (text(&complete["reason"]), text(&complete["message"])),
        ("CompletionsReached", "Reached expected number of succeeded pods")
    );
    assert_eq!(
        (&done["status"]["succeeded"], done["status"].get("active"), done["status"].get("failed")),
        (&json!(1), None, None)
    );
    assert!(!text(&done["status"]["completionTime"]).is_empty() && !text(&done["status"]["startTime"]).is_empty());

    let pod = world
        .wait(&world.core("pods"), pod_name, |pod| {
            pod["status"]["phase"] == "Succeeded" && pod["metadata"].get("finalizers").is_none()
        })
        .await;
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((&ended["exitCode"], text(&ended["reason"]), ended.get("message")), (&json!(0), "Completed", None));
    assert!(text(&ended["finishedAt"]) >= text(&ended["startedAt"]) && !text(&ended["startedAt"]).is_empty());
    assert_eq!(world.log(&pod, "").await, "one\ntwo\n");

    for reason in ["Scheduled", "Pulled", "Created", "Started"] {
        world.event(&pod, reason).await;
    }
    let scheduled = world.event(&pod, "Scheduled").await;
    assert_eq!(
        text(&scheduled["message"]),
        format!("Successfully assigned {}/{pod_name} to {}", world.namespace, text(&pod["spec"]["nodeName"]))
    );
    assert_eq!(
        (text(&scheduled["reportingComponent"]), &scheduled["lastTimestamp"]),
        ("default-scheduler", &Value::Null)
    );
    let started = world.event(&pod, "Started").await;
    assert_eq!(
        (text(&started["source"]["component"]), text(&started["involvedObject"]["fieldPath"])),
        ("kubelet", "spec.containers{main}")
    );
    assert_eq!(
        (text(&started["message"]), text(&started["type"]), &started["count"]),
        ("Started container main", "Normal", &json!(1))
    );
    assert_eq!(text(&world.event(&made, "SuccessfulCreate").await["message"]), format!("Created pod: {pod_name}"));
    assert_eq!(text(&world.event(&made, "Completed").await["message"]), "Job completed");
}

async fn a_failing_job_says_why(world: &World) {
    let made = world.job("bad", "echo here; echo because > /dev/termination-log; exit 3", |_| {}).await;
    let done = world.finished("bad").await;
    let conditions: Vec<&str> =
        done["status"]["conditions"].as_array().into_iter().flatten().map(|c| text(&c["type"])).collect();
    assert_eq!(conditions, ["FailureTarget", "Failed"]);
    let failed = condition(&done, "Failed").expect("failed");
    assert_eq!(
        (text(&failed["reason"]), text(&failed["message"])),
        ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
    );
    assert_eq!((&done["status"]["failed"], done["status"].get("completionTime")), (&json!(1), None));
    let pod = world.pod("bad", |pod| pod["status"]["phase"] == "Failed").await;
    let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!(
        (&ended["exitCode"], text(&ended["reason"]), text(&ended["message"]).trim_end()),
        (&json!(3), "Error", "because")
    );
    assert_eq!(world.log(&pod, "container=main").await, "here\n");
    let event = world.event(&made, "BackoffLimitExceeded").await;
    assert_eq!(text(&event["type"]), "Warning");
}

async fn a_deadline_ends_a_job_and_its_pod(world: &World) {
    let made = world.job("late", "echo begun; sleep 300", |job| job["spec"]["activeDeadlineSeconds"] = json!(4)).await;
    let pod = world.pod("late", |pod| pod["status"]["phase"] == "Running").await;
    let target = world.wait(&world.jobs(), "late", |job| condition(job, "FailureTarget").is_some()).await;
    let reason = condition(&target, "FailureTarget").expect("a sign");
    assert_eq!(
        (text(&reason["reason"]), text(&reason["message"])),
        ("DeadlineExceeded", "Job was active longer than specified deadline")
    );
    let done = world.finished("late").await;
    assert_eq!(text(&condition(&done, "Failed").expect("failed")["reason"]), "DeadlineExceeded");
    assert_eq!((&done["status"]["failed"], done["status"].get("active")), (&json!(1), None));
    world.wait_removed(&world.core("pods"), text(&pod["metadata"]["name"])).await;
    world.event(&pod, "Killing").await;
    let deleted = world.event(&made, "SuccessfulDelete").await;
    assert_eq!(text(&deleted["message"]), format!("Deleted pod: {}", text(&pod["metadata"]["name"])));
    assert_eq!(text(&world.event(&made, "DeadlineExceeded").await["type"]), "Warning");
}

async fn a_finished_job_goes_when_its_time_is_over(world: &World) {
    world.job("brief", "echo x", |job| job["spec"]["ttlSecondsAfterFinished"] = json!(1)).await;
    world.wait_removed(&world.jobs(), "brief").await;
    let left = world.get(&format!("{}?labelSelector=job-name%3Dbrief", world.core("pods"))).await.expect("a list");
    assert_eq!(names(&left), Vec::<&str>::new(), "its pod went first");

    // Who does not say how dependents are to go leaves pods of Jobs behind, as in the first versions of the API.
    world.job("kept", "echo x", |_| {}).await;
    let pod = world
        .pod("kept", |pod| pod["status"]["phase"] == "Succeeded" && pod["metadata"].get("finalizers").is_none())
        .await;
    world.send(Method::DELETE, &format!("{}/kept", world.jobs()), JSON, json!({})).await.expect("deleted");
    world.wait_removed(&world.jobs(), "kept").await;
    let pod =
        world.get(&format!("{}/{}", world.core("pods"), text(&pod["metadata"]["name"]))).await.expect("still there");
    assert_eq!(pod["metadata"]["ownerReferences"].as_array().map_or(0, Vec::len), 0);

    world.job("dropped", "sleep 300", |_| {}).await;
    let pod = world.pod("dropped", |pod| pod["status"]["phase"] == "Running").await;
    let background = json!({"propagationPolicy": "Background"});
    world.send(Method::DELETE, &format!("{}/dropped", world.jobs()), JSON, background).await.expect("deleted");
    world.wait_removed(&world.core("pods"), text(&pod["metadata"]["name"])).await;
}

async fn a_pod_that_fits_nowhere_says_so(world: &World) {
    world
        .job("homeless", "echo x", |job| {
            job["spec"]["template"]["spec"]["nodeSelector"] = json!({"no.example/such": "node"})
        })
        .await;
    let pod = world.pod("homeless", |pod| pod["status"]["conditions"][0]["status"] == "False").await;
    let scheduled = &pod["status"]["conditions"][0];
    assert_eq!((text(&scheduled["type"]), text(&scheduled["reason"])), ("PodScheduled", "Unschedulable"));
    let message = text(&scheduled["message"]);
    assert!(message.starts_with("0/") && message.contains(" nodes are available: "), "{message}");
    assert!(message.contains("node(s) didn't match Pod's node affinity/selector"), "{message}");
    assert!(message.contains("Preemption is not helpful for scheduling."), "{message}");
    assert_eq!((&pod["status"]["phase"], pod["spec"].get("nodeName")), (&json!("Pending"), None));
    let event = world.event(&pod, "FailedScheduling").await;
    assert_eq!((text(&event["message"]), text(&event["type"])), (message, "Warning"));
    let name = text(&pod["metadata"]["name"]);
    assert_eq!(world.log(&pod, "").await, "", "nobody has a log of it");
    world.send(Method::DELETE, &format!("{}/{name}", world.core("pods")), JSON, json!({})).await.expect("deleted");
    world.wait_removed(&world.core("pods"), name).await;
}

async fn an_image_that_cannot_be_pulled_says_so(world: &World) {
    world
        .job("unpullable", "echo x", |job| {
            let template = &mut job["spec"]["template"];
            template["metadata"] = json!({"labels": {"aicr.run/validator": "unpullable"}});
            template["spec"]["containers"][0]["image"] = json!("registry.invalid/none:1");
        })
        .await;
    let pod = world.pod("unpullable", |pod| waiting(pod) == "ErrImagePull").await;
    let state = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    assert!(text(&state["message"]).contains("registry.invalid/none:1"), "{state}");
    world.pod("unpullable", |pod| waiting(pod) == "ImagePullBackOff").await;
    assert_eq!(text(&world.event(&pod, "Pulling").await["message"]), "Pulling image \"registry.invalid/none:1\"");
    world.event_saying(&pod, "Failed", "Failed to pull image \"registry.invalid/none:1\": ").await;
    assert_eq!(
        text(&world.event(&pod, "BackOff").await["message"]),
        "Back-off pulling image \"registry.invalid/none:1\""
    );
    let log = world.get(&format!("{}/{}/log", world.core("pods"), text(&pod["metadata"]["name"]))).await;
    refused(log, 400, "BadRequest", "is waiting to start: trying and failing to pull image");
}

async fn a_missing_config_map_blocks_the_start(world: &World) {
    world
        .job("mounting", "cat /data/key; sleep 1", |job| {
            let spec = &mut job["spec"]["template"]["spec"];
            spec["volumes"] = json!([{"name": "data", "configMap": {"name": "later"}}]);
            spec["containers"][0]["volumeMounts"] = json!([{"name": "data", "mountPath": "/data"}]);
        })
        .await;
    let pod = world.pod("mounting", |pod| waiting(pod) == "ContainerCreating").await;
    let missing = "MountVolume.SetUp failed for volume \"data\" : configmap \"later\" not found";
    let event = world.event_saying(&pod, "FailedMount", missing).await;
    assert_eq!(text(&event["message"]), missing);
    assert_eq!((text(&event["type"]), event["involvedObject"].get("fieldPath")), ("Warning", None));
    let data = json!({"metadata": {"name": "later"}, "data": {"key": "content\n"}});
    world.post(&world.core("configmaps"), data).await;
    world.finished("mounting").await;
    assert_eq!(world.log(&pod, "").await, "content\n");
}

async fn a_job_without_an_account_says_so(world: &World) {
    let made = world
        .job("nobody", "echo x", |job| job["spec"]["template"]["spec"]["serviceAccountName"] = json!("none"))
        .await;
    let event = world.event(&made, "FailedCreate").await;
    let expected = format!(
        "Error creating: pods \"nobody-\" is forbidden: error looking up service account {}/none: serviceaccount \"none\" not found",
        world.namespace
    );
    assert_eq!((text(&event["message"]), text(&event["type"])), (expected.as_str(), "Warning"));
    let pods = world.get(&world.core("pods")).await.expect("a list");
    assert_eq!(names(&pods), Vec::<&str>::new());
    world.post(&world.core("serviceaccounts"), json!({"metadata": {"name": "none"}})).await;
    world.finished("nobody").await;
}

async fn a_container_gets_variables_and_files(world: &World) {
    let data = json!({"metadata": {"name": "given"}, "data": {"a.txt": "file a\n", "b.txt": "file b\n"}});
    world.post(&world.core("configmaps"), data).await;
    world
        .job("given", "echo $PLAIN $PLACE $LABEL $FROM; cat /data/a.txt; cat /one", |job| {
            let template = &mut job["spec"]["template"];
            template["metadata"] = json!({"labels": {"who": "me"}});
            template["spec"]["volumes"] = json!([{"name": "data", "configMap": {"name": "given"}}]);
            let container = &mut template["spec"]["containers"][0];
            container["env"] = json!([{"name": "PLAIN", "value": "plain"},
                {"name": "PLACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['who']"}}},
                {"name": "FROM", "valueFrom": {"configMapKeyRef": {"name": "given", "key": "none", "optional": true}}}]);
            container["volumeMounts"] = json!([{"name": "data", "mountPath": "/data", "readOnly": true},
                {"name": "data", "mountPath": "/one", "subPath": "b.txt"}]);
        })
        .await;
    world.finished("given").await;
    let pod = world.pod("given", |_| true).await;
    assert_eq!(world.log(&pod, "").await, format!("plain {} me\nfile a\nfile b\n", world.namespace));
}

async fn a_pod_of_several_containers_runs_them_in_order(world: &World) {
    world
        .job("several", "echo main; sleep 1", |job| {
            let spec = &mut job["spec"]["template"]["spec"];
            let mut other = spec["containers"][0].clone();
            other["name"] = json!("other");
            other["command"][3] = json!("echo other; exit 2");
            let mut first = other.clone();
            first["name"] = json!("first");
            first["command"][3] = json!("echo first");
            spec["initContainers"] = json!([first]);
            spec["containers"].as_array_mut().expect("a list").push(other);
        })
        .await;
    let pod = world.pod("several", |pod| pod["status"]["phase"] == "Failed").await;
    let code = |list: &str, at: usize| pod["status"][list][at]["state"]["terminated"]["exitCode"].clone();
    assert_eq!((code("initContainerStatuses", 0), code("containerStatuses", 0)), (json!(0), json!(0)));
    assert_eq!(code("containerStatuses", 1), 2, "one that fails is enough");
    assert!(condition(&pod, "Initialized").is_some());
    for name in ["main", "other", "first"] {
        assert_eq!(world.log(&pod, &format!("container={name}")).await, format!("{name}\n"));
    }
    let name = text(&pod["metadata"]["name"]);
    let message = format!("a container name must be specified for pod {name}, choose one of: [first main other]");
    refused(world.get(&format!("{}/{name}/log", world.core("pods"))).await, 400, "BadRequest", &message);
}

async fn a_container_that_fails_is_started_again(world: &World) {
    let container = json!({"name": "main", "image": "docker.io/test/pause:1", "command": ["/bin/busybox", "sh", "-c", "echo tried; exit 4"]});
    let labels = json!({RUN_LABEL: world.namespace, CHECK_LABEL: "gang-scheduling"});
    let pod = json!({"metadata": {"name": "again", "labels": labels}, "spec": {"restartPolicy": "OnFailure", "terminationGracePeriodSeconds": 1,
        "containers": [container]}});
    let made = world.post(&world.core("pods"), pod).await;
    let pod = world.wait(&world.core("pods"), "again", |pod| waiting(pod) == "CrashLoopBackOff").await;
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!((&status["restartCount"], &status["ready"]), (&json!(1), &json!(false)));
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 4);
    let message = text(&status["state"]["waiting"]["message"]);
    let place = format!("pod=again_{}({})", world.namespace, text(&made["metadata"]["uid"]));
    assert_eq!(message, format!("back-off 10s restarting failed container=main {place}"));
    assert_eq!(pod["status"]["phase"], "Running");
    let told = world.event(&made, "BackOff").await;
    assert_eq!(
        text(&told["message"]),
        format!(
            "Back-off restarting failed container main in pod again_{}({})",
            world.namespace,
            text(&made["metadata"]["uid"])
        )
    );
    assert_eq!(text(&told["type"]), "Warning");
    // What it wrote before is kept by the kubelet, and read for the check that it is of.
    assert_eq!(world.log(&pod, "previous=true").await, "tried\n");
    let earlier = previous::of(&world.connection, &world.namespace, &world.namespace, "gang-scheduling")
        .await
        .expect("it is read");
    let [Earlier { pod, container, end, text: said, .. }] = &earlier[..] else { panic!("{earlier:?}") };
    assert_eq!((pod.as_str(), container.as_str(), said.as_str()), ("again", "main", "tried\n"));
    assert_eq!(end, "Error, exit code 4");
    let of_another = previous::of(&world.connection, &world.namespace, &world.namespace, "dra-support").await;
    assert_eq!(of_another.expect("none is one"), []);
    let elsewhere = previous::of(&world.connection, "default", &world.namespace, "gang-scheduling").await;
    assert_eq!(elsewhere.expect("pods are listed"), [], "the pods of a run are in its namespace");
    world.job("once", "echo done", |_| {}).await;
    let once = world.pod("once", |pod| pod["status"]["phase"] == "Succeeded").await;
    let path = format!("{}/{}/log?previous=true", world.core("pods"), text(&once["metadata"]["name"]));
    let name = text(&once["metadata"]["name"]);
    refused(
        world.get(&path).await,
        400,
        "BadRequest",
        &format!("previous terminated container \"main\" in pod \"{name}\" not found"),
    );
}

async fn a_log_is_followed_from_anywhere(world: &World) {
    world.job("talker", "echo one; sleep 2; echo two; sleep 2; echo three", |_| {}).await;
    let pod = world.pod("talker", |pod| pod["status"]["phase"] == "Running").await;
    let name = text(&pod["metadata"]["name"]);
    let api: Api<Pod> = Api::namespaced(world.connection.client.clone(), &world.namespace);
    let follow =
        LogParams { follow: true, timestamps: true, container: Some("main".to_owned()), ..LogParams::default() };
    let lines: Vec<String> =
        api.log_stream(name, &follow).await.expect("a log").lines().try_collect().await.expect("whole");
    let said: Vec<&str> = lines.iter().filter_map(|line| line.split_once(' ')).map(|(_, said)| said).collect();
    assert_eq!(said, ["one", "two", "three"], "followed to its end");
    let times: Vec<jiff::Timestamp> = lines.iter().filter_map(|line| line.split_once(' ')?.0.parse().ok()).collect();
    assert!(times.len() == 3 && times.is_sorted(), "{lines:?}");

    let since = times[1].to_string().replace(':', "%3A");
    assert!(world.log(&pod, &format!("sinceTime={since}")).await.ends_with("two\nthree\n"));
    assert!(!world.log(&pod, &format!("sinceTime={since}")).await.contains("one"));
    assert_eq!(world.log(&pod, "tailLines=1").await, "three\n");
    assert_eq!(world.log(&pod, "limitBytes=6").await, "one\ntw");
    let path = format!("{}/{name}/log", world.core("pods"));
    refused(
        world.get(&format!("{path}?container=none")).await,
        400,
        "BadRequest",
        &format!("container none is not valid for pod {name}"),
    );
    refused(world.get(&format!("{}/none/log", world.core("pods"))).await, 404, "NotFound", "pods \"none\" not found");
}

async fn a_running_pod_receives_a_signal_to_stop(world: &World) {
    let container =
        json!({"name": "main", "image": "docker.io/test/pause:1", "command": ["/bin/busybox", "sleep", "300"]});
    let pod = json!({"metadata": {"name": "alone"}, "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2,
        "containers": [container]}});
    let path = world.core("pods");
    let made = world.post(&path, pod).await;
    assert_eq!((&made["status"]["phase"], &made["spec"]["serviceAccountName"]), (&json!("Pending"), &json!("default")));
    assert_eq!(
        (&made["spec"]["schedulerName"], &made["status"]["qosClass"]),
        (&json!("default-scheduler"), &json!("BestEffort"))
    );
    world.wait(&path, "alone", |pod| pod["status"]["phase"] == "Running").await;
    let going = world.send(Method::DELETE, &format!("{path}/alone"), JSON, json!({})).await.expect("going");
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 2);
    assert!(!text(&going["metadata"]["deletionTimestamp"]).is_empty());
    assert_eq!(text(&world.event(&made, "Killing").await["message"]), "Stopping container main");
    world.wait_removed(&path, "alone").await;
    let about = format!("{}?fieldSelector=involvedObject.name%3Dalone", world.core("events"));
    let told = world.get(&about).await.expect("events");
    assert!(reasons(&told).contains(&"Scheduled"), "{:?}", reasons(&told));
}

// -- The shell of the demo -------------------------------------------------------------------------------------------

/// Reads the few commands that the pods above use: `echo`, `cat`, `sleep`, `exit`, and writing to the termination log.
async fn shell(run: PodRun) -> PodExit {
    let script = match run.command.as_slice() {
        [_, shell, flag, script] if shell == "sh" && flag == "-c" => script.clone(),
        [_, rest @ ..] => rest.join(" "),
        [] => String::new(),
    };
    let mut exit = PodExit { code: 0, termination_message: String::new() };
    for command in script.split("; ") {
        let words: Vec<String> =
            command.split(' ').map(|word| expanded(word, &run)).filter(|word| !word.is_empty()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["echo", said @ .., ">", "/dev/termination-log"] => exit.termination_message = said.join(" "),
            ["echo", said @ ..] => run.log.send(said.join(" ")).expect("somebody listens"),
            ["cat", path] => run.log.send(run.files[*path].trim_end().to_owned()).expect("somebody listens"),
            ["sleep", seconds] => tokio::time::sleep(Duration::from_secs(seconds.parse().expect("a number"))).await,
            ["exit", code] => exit.code = code.parse().expect("a number"),
            other => panic!("no such command: {other:?}"),
        }
    }
    exit
}

fn expanded(word: &str, run: &PodRun) -> String {
    match word.strip_prefix('$') {
        Some(name) => run.env.get(name).cloned().unwrap_or_default(),
        None => word.to_owned(),
    }
}
