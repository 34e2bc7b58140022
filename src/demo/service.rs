//! HTTP in front of the store: paths, verbs, media types, and who may ask.
//!
//! In: a request as `kube` or `kubectl` sends it, and who sends it. Out: the answer of an API server.

use super::{
    api::{DeleteOptions, Deleted, Options, PatchKind, Propagation},
    kinds::{self, ALL, Kind, KindId},
    list::{self, View},
    logs::{Log, LogQuery},
    media::{self, Form, Representation},
    rbac::{self, Ask, Caller},
    state::Cluster,
    status::Refusal,
    store::Key,
    watch,
};
use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture};
use http::{Method, Request, Response, StatusCode, header, request::Parts};
use http_body::Frame;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody, combinators::UnsyncBoxBody};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// What a body of an answer is; its error is that of a lost connection.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Of a request body, as the API server has it.
const BODY_LIMIT: usize = 3 << 20;

/// The API server as one caller meets it.
#[derive(Clone)]
pub struct Service {
    pub cluster: Arc<Cluster>,
    pub caller: Caller,
}

impl<B> tower::Service<Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Service { cluster, caller } = self.clone();
        Box::pin(async move {
            if let Some(millis) = cluster.faults.delay_millis() {
                tokio::time::sleep(Duration::from_millis(millis)).await;
            }
            let (parts, body) = request.into_parts();
            let accept = text_of(&parts, header::ACCEPT);
            let form = media::negotiate(accept, None, cluster.clock.now()).map_or(Form::Json, |one| one.form);
            let refusal = |refused: &Refusal| refusal(refused, form);
            if cluster.faults.is_down() {
                return Ok(refusal(&Refusal::unavailable()));
            }
            if cluster.faults.is_unauthorized() {
                return Ok(refusal(&Refusal::unauthorized()));
            }
            let body = match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) if error.is::<LengthLimitError>() => return Ok(refusal(&Refusal::too_large(BODY_LIMIT))),
                Err(error) => {
                    return Ok(refusal(&Refusal::bad_request(format!("the body could not be read: {error}"))));
                }
            };
            Ok(answer(cluster, &caller, &parts, &body).unwrap_or_else(|error| refusal(&error)))
        })
    }
}

/// A request, taken apart.
struct Asked<'r> {
    cluster: Arc<Cluster>,
    caller: Caller,
    parts: &'r Parts,
    body: &'r Bytes,
    query: Vec<(String, String)>,
    wanted: Representation,
}

/// What a path below a group version means.
struct Path {
    kind: KindId,
    namespace: String,
    name: String,
    /// Empty for the object itself.
    subresource: String,
}

fn answer(cluster: Arc<Cluster>, caller: &Caller, parts: &Parts, body: &Bytes) -> Result<Response<Body>, Refusal> {
    let caller = acting(&cluster, caller, parts)?;
    let query = parts.uri.query().map(pairs).unwrap_or_default();
    let segments: Vec<String> = parts.uri.path().split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let wanted = media::negotiate(text_of(parts, header::ACCEPT), kind_of(&segments), cluster.clock.now())?;
    let asked = Asked { cluster, caller, parts, body, query, wanted };
    match segments.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => asked.resource("", version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => asked.resource(group, version, rest),
        _ => asked.document(&segments),
    }
}

/// The kind that a path is about, where it is about one.
fn kind_of(segments: &[&str]) -> Option<&'static Kind> {
    let path = match segments {
        ["api", version, rest @ ..] => parse("", version, rest),
        ["apis", group, version, rest @ ..] => parse(group, version, rest),
        _ => return None,
    };
    path.ok().map(|path| &ALL[path.kind])
}

fn text_of(parts: &Parts, name: header::HeaderName) -> &str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Who a request is to be done as: whoever may do everything may act as somebody else.
fn acting(cluster: &Cluster, caller: &Caller, parts: &Parts) -> Result<Caller, Refusal> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let Some(user) = parts.headers.get("impersonate-user").map(text) else { return Ok(caller.clone()) };
    let ask = Ask { verb: "impersonate", group: "", resource: "users", namespace: "", name: &user };
    if !cluster.read(|store| rbac::allows(store, caller, ask)) {
        let mut refused = Refusal::may_not_path(&caller.user, "impersonate", &user);
        refused.code = 403;
        return Err(refused);
    }
    Ok(Caller::named(&user, parts.headers.get_all("impersonate-group").iter().map(text).collect()))
}

impl Asked<'_> {
    fn param(&self, name: &str) -> Option<String> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn flag(&self, name: &str) -> bool {
        self.param(name).is_some_and(|text| text == "true" || text == "1")
    }

    fn header(&self, name: header::HeaderName) -> &str {
        text_of(self.parts, name)
    }

    /// An object, in the representation that was asked for.
    fn reply(&self, status: StatusCode, object: &Value) -> Result<Response<Body>, Refusal> {
        Ok(whole(status, self.wanted.form, self.wanted.form.write(object)?))
    }

    /// Discovery, version, health.
    fn document(&self, segments: &[&str]) -> Result<Response<Body>, Refusal> {
        let path = self.parts.uri.path();
        let verb = if self.parts.method == Method::GET { "get" } else { "post" };
        self.cluster.read(|store| rbac::check_path(store, &self.caller, verb, path))?;
        if self.parts.method != Method::GET && self.parts.method != Method::HEAD {
            return Err(Refusal::method_not_allowed());
        }
        let document = match segments {
            ["version"] => self.cluster.version.clone(),
            ["healthz" | "livez" | "readyz"] => return Ok(text(StatusCode::OK, "ok")),
            ["api"] => {
                json!({"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"], "serverAddressByClientCIDRs": [
                {"clientCIDR": "0.0.0.0/0", "serverAddress": "demo"}]})
            }
            ["apis"] => kinds::groups(&self.group_versions()),
            ["api", version] => kinds::resources("", version, self.cluster.kinds()).unwrap_or_default(),
            ["apis", group] => match kinds::group(group, &self.group_versions()) {
                Some(mut document) => {
                    document["kind"] = json!("APIGroup");
                    document["apiVersion"] = json!("v1");
                    document
                }
                None => Value::Null,
            },
            ["apis", group, version] => match kinds::resources(group, version, self.cluster.kinds()) {
                Some(document) => document,
                None => self.aggregated(group, version)?,
            },
            _ => Value::Null,
        };
        if document.is_null() {
            return Ok(text(StatusCode::NOT_FOUND, "404 page not found\n"));
        }
        match (self.wanted.form, document["kind"].as_str()) {
            (Form::Protobuf, Some(_)) => self.reply(StatusCode::OK, &document),
            _ => Ok(whole(StatusCode::OK, Form::Json, document.to_string())),
        }
    }

    /// Services that answer for a group and version of their own: what an APIService with a Service says.
    fn aggregations(&self) -> Vec<Value> {
        let objects = self.cluster.read(|store| {
            store.range(kinds::own("apiservices"), "", None).map(|(_, object)| object.value()).collect::<Vec<_>>()
        });
        objects.into_iter().filter(|object| object["spec"]["service"].is_object()).collect()
    }

    fn group_versions(&self) -> Vec<(String, String)> {
        let mut known = kinds::group_versions(self.cluster.kinds());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for one in self.aggregations() {
            let one = (text(&one["spec"]["group"]), text(&one["spec"]["version"]));
            if !known.contains(&one) {
                known.push(one);
            }
        }
        known
    }

    /// The resources of an aggregated API: 503 while it is not available, null where there is none.
    fn aggregated(&self, group: &str, version: &str) -> Result<Value, Refusal> {
        let mut all = self.aggregations().into_iter();
        let Some(api) = all.find(|api| api["spec"]["group"] == group && api["spec"]["version"] == version) else {
            return Ok(Value::Null);
        };
        let mut conditions = api["status"]["conditions"].as_array().into_iter().flatten();
        if conditions.any(|condition| condition["type"] == "Available" && condition["status"] == "False") {
            return Err(Refusal::unavailable());
        }
        let path = format!("/apis/{group}/{version}");
        super::http::aggregated(&self.cluster, &api["spec"]["service"], &path).ok_or_else(Refusal::unavailable)
    }

    /// A metric of an aggregated API: `namespaces/x/metric`.
    fn metric(&self, group: &str, rest: &[&str]) -> Result<Response<Body>, Refusal> {
        let not_found = || text(StatusCode::NOT_FOUND, "404 page not found\n");
        let (["namespaces", namespace, metric], "GET") = (rest, self.parts.method.as_str()) else {
            return Ok(not_found());
        };
        let ask = Ask { verb: "list", group, resource: metric, namespace, name: "" };
        if !self.cluster.read(|store| rbac::allows(store, &self.caller, ask)) {
            let mut refused = Refusal::may_not_path(&self.caller.user, "list", self.parts.uri.path());
            refused.code = 403;
            return Err(refused);
        }
        match super::http::metric(&self.cluster, group, self.parts.uri.path()) {
            Some(answer) => Ok(whole(StatusCode::OK, Form::Json, answer.to_string())),
            None => Ok(not_found()),
        }
    }

    fn resource(&self, group: &str, version: &str, rest: &[&str]) -> Result<Response<Body>, Refusal> {
        if !self.cluster.kinds().any(|kind| kind.group == group && kind.version == version) {
            return self.metric(group, rest);
        }
        let path = parse(group, version, rest)?;
        if !self.cluster.kinds().any(|kind| std::ptr::eq(kind, &ALL[path.kind])) {
            return Err(Refusal::no_such_resource());
        }
        let verb = self.verb(&path)?;
        self.authorize(&path, verb)?;
        let key = Key::new(path.kind, &path.namespace, &path.name);
        match (verb, path.subresource.as_str()) {
            ("get", "log") => self.log(&key),
            ("get", _) => {
                let object = self.cluster.get(&key)?;
                self.reply(StatusCode::OK, &self.wanted.view.of(key.spec(), &object))
            }
            ("list", _) => self.list(&path),
            ("watch", _) => self.watch(&path),
            ("create", _) => self.create(&path),
            ("update", _) => {
                let (object, options) = (self.object(key.spec())?, self.options(&path)?);
                let stored = self.cluster.write(|tx| tx.update(&key, object, &options))?;
                self.reply(StatusCode::OK, &stored)
            }
            ("patch", _) => self.patch(&path, &key),
            ("delete", _) => self.delete(&key),
            _ => self.delete_collection(&path),
        }
    }

    /// The verb of a request, as roles name it.
    fn verb(&self, path: &Path) -> Result<&'static str, Refusal> {
        let spec = &ALL[path.kind];
        let is_named = !path.name.is_empty();
        let verb = match (self.parts.method.as_str(), is_named) {
            ("GET" | "HEAD", true) if self.flag("watch") => "watch",
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) if self.flag("watch") => "watch",
            ("GET" | "HEAD", false) => "list",
            ("POST", false) => "create",
            ("PUT", true) => "update",
            ("PATCH", true) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) if spec.plural != "namespaces" => "deletecollection",
            _ => return Err(Refusal::method_not_allowed()),
        };
        let is_written = !matches!(verb, "get" | "list" | "watch");
        let needs_place = spec.namespaced && path.namespace.is_empty() && is_written;
        let is_wrong = match path.subresource.as_str() {
            "" => false,
            "log" => verb != "get",
            _ => !matches!(verb, "get" | "update" | "patch"),
        };
        if needs_place || is_wrong || spec.review && verb != "create" {
            return Err(Refusal::method_not_allowed());
        }
        Ok(verb)
    }

    fn authorize(&self, path: &Path, verb: &str) -> Result<(), Refusal> {
        let spec = &ALL[path.kind];
        let resource = match path.subresource.as_str() {
            "" => spec.plural.to_owned(),
            subresource => format!("{}/{subresource}", spec.plural),
        };
        // The namespace of a Namespace is itself.
        let namespace = if spec.plural == "namespaces" { &path.name } else { &path.namespace };
        let ask = Ask { verb, group: spec.group, resource: &resource, namespace, name: &path.name };
        let Cluster { faults, .. } = &*self.cluster;
        self.cluster.read(|store| {
            rbac::check(store, faults, &self.caller, spec, ask)?;
            // Server-side apply may create.
            let key = Key::new(path.kind, &path.namespace, &path.name);
            if verb == "patch" && self.patch_kind().ok() == Some(PatchKind::Apply) && store.get(&key).is_none() {
                rbac::check(store, faults, &self.caller, spec, Ask { verb: "create", ..ask })?;
            }
            Ok(())
        })
    }

    fn list(&self, path: &Path) -> Result<Response<Body>, Refusal> {
        let query = list::Query::parse(&ALL[path.kind], |name| self.param(name))?;
        let body = self.cluster.read(|store| list::list(store, path.kind, &path.namespace, &query, self.wanted))?;
        Ok(whole(StatusCode::OK, self.wanted.form, body))
    }

    fn watch(&self, path: &Path) -> Result<Response<Body>, Refusal> {
        let mut fields = self.param("fieldSelector").unwrap_or_default();
        if !path.name.is_empty() {
            fields = format!("metadata.name={}", path.name);
        }
        let with_name = |name: &str| if name == "fieldSelector" { Some(fields.clone()) } else { self.param(name) };
        let query = watch::Query::parse(&ALL[path.kind], with_name)?;
        let events = watch::start(Arc::clone(&self.cluster), path.kind, path.namespace.clone(), query, self.wanted);
        let body = StreamBody::new(events.map(|piece| piece.map(Frame::data)));
        Ok(respond(StatusCode::OK, self.wanted.form.watch_media(), BodyExt::boxed_unsync(body)))
    }

    fn create(&self, path: &Path) -> Result<Response<Body>, Refusal> {
        let spec = &ALL[path.kind];
        let object = self.object(spec)?;
        if spec.review {
            let Cluster { faults, .. } = &*self.cluster;
            let reviewed = self.cluster.read(|store| rbac::review(store, faults, &self.caller, spec, object))?;
            return self.reply(StatusCode::CREATED, &reviewed);
        }
        let options = self.options(path)?;
        let stored = self.cluster.write(|tx| tx.create(path.kind, &path.namespace, object, &options))?;
        self.reply(StatusCode::CREATED, &stored)
    }

    fn patch(&self, path: &Path, key: &Key) -> Result<Response<Body>, Refusal> {
        let how = self.patch_kind()?;
        let mut options = self.options(path)?;
        if how == PatchKind::Apply {
            options.manager = self.param("fieldManager").unwrap_or_default();
        }
        let body = match how {
            // A configuration may be YAML; what our clients send is JSON, which is YAML too.
            PatchKind::Apply => self.object(key.spec())?,
            _ => serde_json::from_slice(self.body)
                .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?,
        };
        let is_new = self.cluster.read(|store| store.get(key).is_none());
        let stored = self.cluster.write(|tx| tx.patch(key, how, &body, &options))?;
        let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        self.reply(status, &stored)
    }

    fn patch_kind(&self) -> Result<PatchKind, Refusal> {
        match self.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim() {
            "application/merge-patch+json" => Ok(PatchKind::Merge),
            "application/json-patch+json" => Ok(PatchKind::Json),
            "application/apply-patch+yaml" => Ok(PatchKind::Apply),
            _ => Err(Refusal::unsupported_media_type(
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
        }
    }

    fn delete(&self, key: &Key) -> Result<Response<Body>, Refusal> {
        let spec = key.spec();
        let options = self.delete_options(spec)?;
        let deleted = self.cluster.write(|tx| tx.delete(key, &options))?;
        let returns_object = matches!(
            spec.plural,
            "pods" | "services" | "serviceaccounts" | "persistentvolumeclaims" | "resourcequotas"
        );
        let body = match deleted {
            Deleted::Going(object) => object,
            Deleted::Gone(object) if returns_object => object,
            Deleted::Gone(object) => {
                let mut details = json!({"name": key.name, "kind": spec.plural, "uid": object["metadata"]["uid"]});
                if !spec.group.is_empty() {
                    details["group"] = json!(spec.group);
                }
                json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
            }
        };
        self.reply(StatusCode::OK, &body)
    }

    fn delete_collection(&self, path: &Path) -> Result<Response<Body>, Refusal> {
        let query = list::Query::parse(&ALL[path.kind], |name| self.param(name))?;
        let options = self.delete_options(&ALL[path.kind])?;
        let wanted = Representation { view: View::Whole, ..self.wanted };
        let body = self.cluster.write(|tx| {
            let body = list::list(tx.store, path.kind, &path.namespace, &query, wanted)?;
            for key in list::keys(tx.store, path.kind, &path.namespace, &query) {
                tx.delete(&key, &options)?;
            }
            Ok::<Vec<u8>, Refusal>(body)
        })?;
        Ok(whole(StatusCode::OK, wanted.form, body))
    }

    /// Options of a deletion: from the body, or from the query when there is no body.
    fn delete_options(&self, kind: &Kind) -> Result<DeleteOptions, Refusal> {
        let body = if self.body.is_empty() {
            let number = self.param("gracePeriodSeconds").and_then(|text| text.parse::<u64>().ok());
            json!({"propagationPolicy": self.param("propagationPolicy"), "gracePeriodSeconds": number,
                "dryRun": self.param("dryRun").into_iter().collect::<Vec<_>>()})
        } else {
            self.object(kind)?
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let propagation = match (text(&body["propagationPolicy"]).as_deref(), body["orphanDependents"].as_bool()) {
            (Some("Foreground"), _) => Some(Propagation::Foreground),
            (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
            (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
            (None, None) => None,
            (Some(other), _) => return Err(Refusal::bad_request(format!("invalid propagationPolicy {other:?}"))),
        };
        Ok(DeleteOptions {
            propagation,
            grace_seconds: body["gracePeriodSeconds"].as_u64(),
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            dry_run: body["dryRun"].as_array().is_some_and(|list| !list.is_empty()),
        })
    }

    fn log(&self, key: &Key) -> Result<Response<Body>, Refusal> {
        let pod = self.cluster.get(key)?;
        let query = LogQuery::parse(|name| self.param(name), self.cluster.clock.now())?;
        if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
            return Ok(respond(StatusCode::NO_CONTENT, "text/plain", empty()));
        }
        let container = self.container(key, &pod)?;
        let status = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
        let status = status.into_iter().find(|status| status["name"] == json!(container));
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        if self.param("previous").is_some_and(|wanted| wanted == "true" || wanted == "1") {
            let has_ended = status.is_some_and(|status| status.pointer("/lastState/terminated").is_some());
            let log = self.cluster.logs.before(uid, &container).filter(|_| has_ended).ok_or_else(|| {
                let name = &key.name;
                Refusal::bad_request(format!(
                    "previous terminated container \"{container}\" in pod \"{name}\" not found"
                ))
            })?;
            return Ok(written(log, query));
        }
        if let Some(waiting) = status.and_then(|status| status["state"].get("waiting")) {
            let reason = waiting["reason"].as_str().unwrap_or_default();
            let what = match reason {
                "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image".to_owned(),
                reason => reason.to_owned(),
            };
            let message = format!("container \"{container}\" in pod \"{}\" is waiting to start: {what}", key.name);
            return Err(Refusal::bad_request(message));
        }
        Ok(written(self.cluster.logs.of(uid, &container), query))
    }

    /// The container whose log is wanted; a pod with one need not be asked for it.
    fn container(&self, key: &Key, pod: &Value) -> Result<String, Refusal> {
        let names = |list: &str| -> Vec<&str> {
            let specs = pod["spec"][list].as_array().into_iter().flatten();
            specs.filter_map(|container| container["name"].as_str()).collect()
        };
        let (main, init) = (names("containers"), names("initContainers"));
        match (self.param("container"), main.as_slice()) {
            (Some(asked), _) if main.contains(&asked.as_str()) || init.contains(&asked.as_str()) => Ok(asked),
            (Some(asked), _) => {
                Err(Refusal::bad_request(format!("container {asked} is not valid for pod {}", key.name)))
            }
            (None, [one]) => Ok((*one).to_owned()),
            (None, _) => Err(Refusal::bad_request(format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                key.name,
                [init, main].concat().join(" ")
            ))),
        }
    }

    /// The body as an object.
    fn object(&self, kind: &Kind) -> Result<Value, Refusal> {
        media::read(self.header(header::CONTENT_TYPE), self.body, kind)
    }

    fn options(&self, path: &Path) -> Result<Options, Refusal> {
        let agent = self.header(header::USER_AGENT).split('/').next().unwrap_or_default();
        let agent = if agent.is_empty() { "unknown" } else { agent };
        Ok(Options {
            manager: self.param("fieldManager").filter(|name| !name.is_empty()).unwrap_or_else(|| agent.to_owned()),
            force: self.flag("force"),
            dry_run: match self.param("dryRun").as_deref() {
                None | Some("") => false,
                Some("All") => true,
                Some(other) => return Err(Refusal::bad_request(format!("invalid dryRun value {other:?}"))),
            },
            subresource: path.subresource.clone(),
        })
    }
}

/// `[namespaces/{ns}/]{plural}[/{name}[/{subresource}]]`.
fn parse(group: &str, version: &str, rest: &[&str]) -> Result<Path, Refusal> {
    let find = |plural: &str| kinds::find(group, version, plural).ok_or_else(Refusal::no_such_resource);
    let (namespace, rest) = match rest {
        // A Namespace has subresources too.
        ["namespaces", namespace, plural, below @ ..] if *plural != "status" => {
            (*namespace, [&[*plural], below].concat())
        }
        rest => ("", rest.to_vec()),
    };
    let (kind, name, subresource) = match rest.as_slice() {
        [plural] => (find(plural)?, "", ""),
        [plural, name] => (find(plural)?, *name, ""),
        [plural, name, subresource] => (find(plural)?, *name, *subresource),
        _ => return Err(Refusal::no_such_resource()),
    };
    let spec = &ALL[kind];
    let is_misplaced = !namespace.is_empty() && !spec.namespaced
        || namespace.is_empty() && spec.namespaced && !name.is_empty()
        || !subresource.is_empty() && !spec.subresources.contains(&subresource);
    if is_misplaced {
        return Err(Refusal::no_such_resource());
    }
    Ok(Path { kind, namespace: namespace.to_owned(), name: name.to_owned(), subresource: subresource.to_owned() })
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(&value.replace('+', " ")))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Undoes percent-encoding; what is not UTF-8 is replaced.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn empty() -> Body {
    full(Bytes::new())
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// A log as the body of an answer.
fn written(log: Arc<Log>, query: LogQuery) -> Response<Body> {
    let pieces = log.stream(query).map(|piece| Ok(Frame::data(piece)));
    respond(StatusCode::OK, "text/plain", BodyExt::boxed_unsync(StreamBody::new(pieces)))
}

fn respond(status: StatusCode, media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(media));
    response
}

fn whole(status: StatusCode, form: Form, body: impl Into<Bytes>) -> Response<Body> {
    respond(status, form.media(), full(body.into()))
}

fn text(status: StatusCode, body: &'static str) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", full(Bytes::from_static(body.as_bytes())))
}

/// A refusal as an answer.
fn refusal(refusal: &Refusal, form: Form) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = refusal.to_value();
    match form.write(&body) {
        Ok(bytes) => whole(status, form, bytes),
        Err(_) => whole(status, Form::Json, body.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_with_and_without_a_namespace() {
        let path = |rest: &[&str]| {
            parse("", "v1", rest).map(|path| (ALL[path.kind].plural, path.namespace, path.name, path.subresource))
        };
        let of = |plural, namespace: &str, name: &str, sub: &str| {
            Ok((plural, namespace.to_owned(), name.to_owned(), sub.to_owned()))
        };
        assert_eq!(path(&["pods"]), of("pods", "", "", ""));
        assert_eq!(path(&["namespaces", "n", "pods", "p", "log"]), of("pods", "n", "p", "log"));
        assert_eq!(path(&["namespaces", "n"]), of("namespaces", "", "n", ""));
        assert_eq!(path(&["namespaces", "n", "status"]), of("namespaces", "", "n", "status"));
        for wrong in [&["nonsense"][..], &["namespaces", "n", "nodes"], &["pods", "p"], &["nodes", "n", "log"]] {
            assert_eq!(path(wrong), Err(Refusal::no_such_resource()), "{wrong:?}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        assert_eq!(
            pairs("labelSelector=a%3Db%2Cc+in+(d)&watch=1"),
            [("labelSelector".to_owned(), "a=b,c in (d)".to_owned()), ("watch".to_owned(), "1".to_owned())]
        );
        assert_eq!(decoded("100%"), "100%");
    }
}
