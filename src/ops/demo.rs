//! Demo clusters: their world, what breaks in it, and our checks in their containers.
//!
//! The demo knows nothing of this crate; what it is told in its own terms is put together here.

use super::{
    Failure, Kind, check,
    fault::Fault,
    place::{self, Place},
};
use crate::{
    cluster::{
        ClusterError, ClusterErrorKind, Connection,
        services::{self, HttpAnswer, Services},
    },
    demo::{self, Demo, PodRunner, StartError, World, WorldError, WorldFault},
    inventory::Inventory,
    validate::plan::CHECK_LABEL,
    yaml::{self, Node, Position},
};
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// What the demo cluster should pretend.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    pub seed: u64,
    /// Objects in a file or on the web; those of the demo where absent.
    pub world: Option<Place>,
    pub faults: Vec<Fault>,
    /// What runs in containers; our checks where absent.
    pub runner: Option<PodRunner>,
    /// Time at which the cluster's clock starts; now when absent.
    pub start: Option<jiff::Timestamp>,
    /// The fleet: thousands of nodes besides those of the demo's own world.
    pub fleet: bool,
    /// How many nodes there are at least; the further ones are copies of the last. For measuring.
    pub nodes: Option<usize>,
}

/// Starts a demo cluster.
///
/// # Errors
/// A world that cannot be read (one on the web: [`start_anywhere`]), a fault that finds nothing to break, no runtime.
pub fn start(options: &DemoOptions) -> Result<Demo, Failure> {
    demo::start(&prepare(options)?).map_err(not_started)
}

/// The same, with a world from anywhere but the ConfigMaps of a cluster.
///
/// # Errors
/// As [`start`], and why there is no document on the web.
pub async fn start_anywhere(options: &DemoOptions) -> Result<(Demo, Unserved), Failure> {
    let world = match &options.world {
        Some(place @ Place::Web(url)) => {
            let text = place::fetch(url, "world").await.map_err(about_worlds)?;
            Some(Arc::new(parse_world(&text, &place.source())?))
        }
        _ => None,
    };
    let prepared = with_world(options, world)?;
    let unserved = prepared.world.unserved.clone().into_iter().collect();
    Ok((demo::start(&prepared).map_err(not_started)?, unserved))
}

/// How many objects of a world the demo does not serve, by `apiVersion kind`.
pub type Unserved = Vec<(String, usize)>;

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::NoRuntime => Failure::from_error(Kind::Internal, "start the demo cluster", error),
        StartError::NothingToPatch(_) => Failure::from_error(Kind::Usage, "break the demo cluster", error)
            .hint("`--fault check-fails` breaks the demo's own world; leave out --fault or --world"),
    }
}

/// The options in the terms of the demo, with its world read.
///
/// # Errors
/// A world that cannot be read.
pub fn prepare(options: &DemoOptions) -> Result<demo::Options, Failure> {
    with_world(options, None)
}

/// `read` is the world, if it was read already.
fn with_world(options: &DemoOptions, read: Option<Arc<World>>) -> Result<demo::Options, Failure> {
    let DemoOptions { seed, world, faults, runner, start, fleet, nodes } = options.clone();
    let world = match (read, &world) {
        (Some(world), _) => world,
        (None, Some(place)) => Arc::new(read_world(place)?),
        (None, None) if fleet => self::fleet()?,
        (None, None) => embedded()?,
    };
    let runner = runner.unwrap_or_else(|| PodRunner(Arc::new(|pod| Box::pin(check::in_demo(pod)))));
    let faults = faults.iter().map(in_its_terms).collect::<Result<_, _>>()?;
    Ok(demo::Options { seed, world, faults, runner: Some(runner), start, nodes })
}

/// The context of the fleet.
pub const FLEET: &str = "fleet";
/// Contexts of the demo: the small cluster and the fleet.
pub const CONTEXTS: [&str; 2] = ["demo", FLEET];

impl DemoOptions {
    /// The context that these options are.
    pub fn context(&self) -> &'static str {
        CONTEXTS[usize::from(self.fleet)]
    }

    /// The same demo in another of its contexts; `None` for one that it does not have.
    pub fn in_context(&self, context: &str) -> Option<DemoOptions> {
        let fleet = CONTEXTS.iter().position(|known| *known == context)? == 1;
        Some(DemoOptions { fleet, ..self.clone() })
    }
}

/// A connection to a running demo cluster, as its caller.
pub fn to_demo(demo: &Demo) -> Connection {
    in_context(demo, CONTEXTS[0])
}

/// The same under the name of a context.
pub fn in_context(demo: &Demo, context: &str) -> Connection {
    Connection {
        client: demo.client(),
        context: context.to_owned(),
        server: "in this process".to_owned(),
        services: Arc::new(DemoServices(demo.clone())),
    }
}

/// The Services of a demo cluster.
struct DemoServices(Demo);

impl Services for DemoServices {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<HttpAnswer, ClusterError>> {
        let answer = self.0.http(url);
        let answer = answer.map(|answer| HttpAnswer { status: answer.status().as_u16(), body: answer.into_body() });
        let nothing = || {
            let found = "connection refused by the demo cluster".to_owned();
            services::failure(ClusterErrorKind::Unreachable, url, found)
        };
        Box::pin(std::future::ready(answer.ok_or_else(nothing)))
    }
}

/// The demo's own world, read once.
fn embedded() -> Result<Arc<World>, Failure> {
    static WORLD: LazyLock<Result<Arc<World>, Failure>> = LazyLock::new(|| {
        let mut documents = Vec::new();
        for (name, text) in demo::FILES {
            documents.extend(self::documents(text, name)?.into_iter().map(|document| (*name, document)));
        }
        let (values, places) = documents.into_iter().map(|(name, (value, at))| (value, (name, at))).unzip();
        let places: Vec<(&str, Position)> = places;
        World::new(values).map(Arc::new).map_err(|error| {
            let (name, at) = places[error.document];
            bad_world(&error, &format!("{name}:{at}"), |first| format!("{}:{}", places[first].0, places[first].1))
        })
    });
    WORLD.clone()
}

/// The demo's world as another cluster with thousands of nodes more, made once.
fn fleet() -> Result<Arc<World>, Failure> {
    static WORLD: LazyLock<Result<Arc<World>, Failure>> = LazyLock::new(|| {
        let mut world = World::clone(&*embedded()?);
        let made = |error| Failure::from_error(Kind::Internal, "make the fleet", StartError::NothingToPatch(error));
        for group in seeds("world/fleet.yaml", demo::FLEET)? {
            if !group["kind"].is_null() {
                world.patch(&group).map_err(made)?;
                continue;
            }
            let text = |key: &str| group[key].as_str().unwrap_or_default().to_owned();
            let count = usize::try_from(group["count"].as_u64().unwrap_or(0)).unwrap_or(0);
            world.add_nodes(&text("like"), &text("prefix"), count, &group["patch"]).map_err(made)?;
        }
        Ok(Arc::new(world))
    });
    WORLD.clone()
}

/// The entries of a list that is part of the program.
fn seeds(name: &str, text: &str) -> Result<Vec<Value>, Failure> {
    let documents = yaml::parse_all(text).map_err(|error| {
        Failure::from_error(Kind::Internal, READ_WORLD, error.problem).at(format!("{name}:{}", error.at))
    })?;
    Ok(documents.iter().flat_map(|document| document.items()).map(Node::to_value).collect())
}

/// The small cluster as it was during the last week: the time, a name, and what was there.
///
/// # Errors
/// What is part of the program is wrong.
pub async fn week(options: &DemoOptions) -> Result<Vec<(String, Option<String>, Inventory)>, Failure> {
    let now = present(options);
    let mut week = Vec::new();
    for seed in seeds("world/week.yaml", demo::WEEK)? {
        let start =
            now.checked_sub(jiff::SignedDuration::from_hours(seed["hours"].as_i64().unwrap_or(0))).unwrap_or(now);
        let patches = seed["patches"].as_array().cloned().unwrap_or_default();
        let mut then = prepare(&DemoOptions { start: Some(start), faults: Vec::new(), ..options.clone() })?;
        then.faults = vec![demo::Fault::Damage { patches }];
        let running = demo::start(&then).map_err(not_started)?;
        let at = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let taken = super::snapshot::take(&to_demo(&running), &at).await?;
        week.push((at, seed["name"].as_str().map(str::to_owned), taken));
    }
    Ok(week)
}

/// The time that the past of the demo is told from: the start that was asked for, else midnight, UTC, so that ids that one
/// command prints are known to the next. It stays the same while the program runs.
pub(super) fn present(options: &DemoOptions) -> jiff::Timestamp {
    static MIDNIGHT: std::sync::LazyLock<jiff::Timestamp> = std::sync::LazyLock::new(|| {
        let now = jiff::Timestamp::now().as_second();
        jiff::Timestamp::from_second(now - now % (24 * 60 * 60)).expect("a time before now")
    });
    options.start.unwrap_or(*MIDNIGHT)
}

fn read_world(place: &Place) -> Result<World, Failure> {
    parse_world(&place::read_local(place, "world").map_err(about_worlds)?, &place.source())
}

/// A world is recorded by another program than other documents.
fn about_worlds(failure: Failure) -> Failure {
    if failure.kind == Kind::NotFound { failure.hint(RECORD) } else { failure }
}

/// Documents of YAML or JSON, or a list of objects as `kubectl get -o yaml` prints it.
fn parse_world(text: &str, file: &str) -> Result<World, Failure> {
    let (values, places): (Vec<Value>, Vec<Position>) = documents(text, file)?.into_iter().unzip();
    if values.is_empty() {
        return Err(Failure::new(Kind::Usage, READ_WORLD, "it contains no objects").at(file).hint(RECORD));
    }
    World::new(values).map_err(|error| {
        bad_world(&error, &format!("{file}:{}", places[error.document]), |first| format!("{file}:{}", places[first]))
    })
}

const READ_WORLD: &str = "read the world";
const RECORD: &str = "record one with `kubectl get nodes,namespaces,pods,deployments -A -o yaml`";

fn bad_world(error: &WorldError, at: &str, place: impl Fn(usize) -> String) -> Failure {
    let because = match error.fault {
        WorldFault::Duplicate { first } => format!("duplicate object, first defined at {}", place(first)),
        _ => error.fault.to_string(),
    };
    Failure::new(Kind::Usage, READ_WORLD, because).at(at).hint(RECORD)
}

/// The documents of a text, lists taken apart, each with its place.
fn documents(text: &str, file: &str) -> Result<Vec<(Value, Position)>, Failure> {
    let documents = yaml::parse_all(text).map_err(|error| {
        let at = format!("{file}:{}", error.at);
        Failure::from_error(Kind::Usage, READ_WORLD, error.problem).at(at)
    })?;
    let mut found = Vec::new();
    documents.iter().filter(|document| !document.is_null()).for_each(|document| take_apart(document, &mut found));
    Ok(found)
}

fn take_apart(document: &Node, into: &mut Vec<(Value, Position)>) {
    let text = |key: &str| document.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    let Some(items) = document.get("items").filter(|_| text("kind").ends_with("List")) else {
        into.push((document.to_value(), document.at));
        return;
    };
    for item in items.items() {
        let mut value = item.to_value();
        // The items of a list of one kind, as the API server sends it, do not repeat their kind.
        if text("kind") != "List"
            && let Some(fields) = value.as_object_mut()
        {
            fields.entry("apiVersion").or_insert_with(|| text("apiVersion").into());
            fields.entry("kind").or_insert_with(|| text("kind").trim_end_matches("List").into());
        }
        into.push((value, item.at));
    }
}

/// A fault in the words of the demo, which knows pods and objects, not checks.
fn in_its_terms(fault: &Fault) -> Result<demo::Fault, Failure> {
    let label = |check: &String| (CHECK_LABEL.to_owned(), check.clone());
    Ok(match fault {
        Fault::Unschedulable { check } => demo::Fault::Unschedulable { label: label(check) },
        Fault::ImagePull { check } => demo::Fault::ImagePull { label: label(check) },
        Fault::CheckFails { check } => demo::Fault::Damage { patches: damage(check)? },
        Fault::Slow { millis } => demo::Fault::Slow { millis: *millis },
        Fault::DroppedWatch { after } => demo::Fault::DroppedWatch { after: *after },
        Fault::Forbidden { verb, resource } => {
            demo::Fault::Forbidden { verb: verb.clone(), resource: resource.clone() }
        }
    })
}

/// Patches that break what a check looks at.
fn damage(check: &str) -> Result<Vec<Value>, Failure> {
    let file = super::fault::BREAKABLE.iter().find(|(known, _)| *known == check).map(|(_, file)| *file);
    let known = demo::DAMAGE.iter().find(|(name, _)| Some(*name) == file);
    let (name, text) =
        known.ok_or_else(|| Failure::new(Kind::Usage, "break the demo cluster", format!("unknown check `{check}`")))?;
    Ok(documents(text, name)?.into_iter().map(|(patch, _)| patch).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, at: &str, because: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("world.yaml");
        std::fs::write(&path, text).expect("a file");
        let failure = read_world(&Place::File(path.clone())).expect_err("not a world");
        let place = failure.at.as_deref().and_then(|at| at.split_once("world.yaml")).map(|(_, place)| place);
        assert_eq!((failure.kind, place, failure.because.as_str()), (Kind::Usage, Some(at), because));
    }

    #[test]
    fn a_bad_world_is_one_error_with_its_place() {
        check("", "", "it contains no objects");
        check("a: [", ":1:4", "unclosed bracket '['");
        check("kind: Node\n---\n- a\n", ":1:1", "not a Kubernetes object: `apiVersion` is missing or not a string");
        let node = "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n";
        check(&format!("{node}---\n- a\n"), ":5:1", "not a Kubernetes object: `apiVersion` is missing or not a string");
        let list = format!(
            "kind: List\nitems:\n- {}\n- {{apiVersion: v1, kind: Node}}\n",
            "{apiVersion: v1, kind: Node, metadata: {name: b}}"
        );
        check(&list, ":4:3", "not a Kubernetes object: `metadata.name` is missing or not a string");
    }

    #[test]
    fn a_duplicate_names_both_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("world.yaml");
        let node = "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n";
        std::fs::write(&path, format!("{node}---\n{node}")).expect("a file");
        let failure = read_world(&Place::File(path.clone())).expect_err("twice");
        assert!(
            failure.because.starts_with("duplicate object, first defined at ")
                && failure.because.ends_with("world.yaml:1:1")
        );
        assert!(failure.at.is_some_and(|at| at.ends_with("world.yaml:5:1")));
    }

    #[test]
    fn items_of_a_list_of_one_kind_have_that_kind() {
        let list = "{apiVersion: v1, kind: NodeList, items: [{metadata: {name: a}}]}";
        let found = documents(list, "x").expect("a list");
        assert_eq!((&found[0].0["kind"], &found[0].0["apiVersion"]), (&"Node".into(), &"v1".into()));
    }

    #[test]
    fn every_breakable_check_has_its_damage() {
        for (check, _) in super::super::fault::BREAKABLE {
            assert!(damage(check).is_ok_and(|patches| !patches.is_empty()), "{check}");
        }
    }
}
