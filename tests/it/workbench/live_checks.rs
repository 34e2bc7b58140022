//! The checks that only read, evaluated from the workbench on demo clusters.

use super::desk::{Desk, NOW};
use aicr::{
    catalog::Catalog,
    ops::{
        self,
        connect::Target,
        demo::DemoOptions,
        fault::Fault,
        run::{EventLog, RunOptions, live},
    },
    recipe::Recipe,
    resolve::Resolution,
    validate::event::{Body, Event, State as CheckState},
    workbench::{Look, effect::Effect, live_checks::News, msg::Msg, panes::HEALTH},
};
use std::sync::{Arc, OnceLock};

/// The time between two evaluations in these tests, in milliseconds.
const PAUSE: u64 = 300_000;

/// One evaluation on a demo cluster with these faults: the checks for a run, and everything that happened. Its time is
/// virtual, so that patience costs none.
fn evaluated(faults: Vec<Fault>, catalog: &Catalog, recipe: Option<&Recipe>) -> (Vec<String>, Vec<Event>) {
    let live = live::checks(catalog, recipe, &RunOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let events = runtime.block_on(async {
        let target = Target::Demo(DemoOptions { faults, ..DemoOptions::default() });
        let connection = ops::connect::connect(&target).await.unwrap();
        let (writer, log) = EventLog::new();
        live::evaluate(&connection, &live, writer).await;
        let mut reader = log.reader();
        std::iter::from_fn(|| reader.ready()).map(|event| Event::clone(&event)).collect()
    });
    (live.others, events)
}

/// Presses the key; what it asks for.
fn asked(desk: &mut Desk) -> (u64, Arc<Catalog>, Option<Arc<Resolution>>) {
    desk.keys("e");
    let Some(Effect::Evaluate { generation, catalog, recipe }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    (generation, catalog, recipe)
}

/// Tells the desk what came of an evaluation, as if all of it had happened at a time.
fn tell(desk: &mut Desk, generation: u64, at_ms: u64, events: impl IntoIterator<Item = Event>) {
    desk.state.model.now_ms = at_ms;
    for event in events {
        let event = Event { observed_at_ms: at_ms, ..event };
        desk.update(Msg::Evaluated { generation, news: News::Event(event.into()) });
    }
}

fn end(desk: &mut Desk, generation: u64) {
    desk.update(Msg::Evaluated { generation, news: News::Ended { pause_ms: PAUSE } });
}

fn fails(check: &str) -> Fault {
    Fault::CheckFails { check: check.into() }
}

fn forbidden(verb: &str, resource: &str) -> Fault {
    Fault::Forbidden { verb: verb.into(), resource: resource.into() }
}

fn result<'e>(events: &'e [Event], name: &str) -> &'e aicr::validate::event::CheckResult {
    let mut results = events.iter().filter_map(|event| match &event.body {
        Body::Finished { check, result } if check == name => Some(result),
        _ => None,
    });
    results.next_back().unwrap_or_else(|| panic!("{name} has no result: {events:#?}"))
}

/// A good evaluation, and then one that is not over: something is broken, something may not be read, something is waited for.
pub fn health(width: u16, height: u16, look: Look) -> Desk {
    static EVENTS: OnceLock<(Vec<String>, Vec<Event>, Vec<Event>)> = OnceLock::new();
    let mut desk = Desk::live_with(width, height, look);
    let (generation, catalog, recipe) = asked(&mut desk);
    let (others, good, bad) = EVENTS.get_or_init(|| {
        let recipe = recipe.as_ref().map(|resolution| &resolution.recipe);
        let (others, good) = evaluated(Vec::new(), &catalog, recipe);
        let faults = vec![fails("gpu-operator-health"), fails("gpu-operator-version"), forbidden("list", "services")];
        let (_, mut bad) = evaluated(faults, &catalog, recipe);
        let waits =
            |event: &Event| matches!(&event.body, Body::Finished { check, .. } if check == "gpu-operator-health");
        let place = bad.iter().position(waits).unwrap();
        bad.truncate(place);
        (others, good, bad)
    });
    desk.update(Msg::Evaluated { generation, news: News::Others(others.clone()) });
    tell(&mut desk, generation, NOW, good.clone());
    end(&mut desk, generation);
    tell(&mut desk, generation, NOW + PAUSE, bad.clone());
    desk
}

#[test]
fn checks_that_only_read_are_evaluated_when_somebody_asks_and_then_by_themselves() {
    let mut desk = Desk::live(200, 60);
    assert!(!desk.text().contains("health ─"), "its room is for the nodes: {}", desk.text());
    desk.keys("g h");
    desk.shows("not asked: e evaluates the checks of the recipe that only read");
    desk.keys("g n");
    let before = desk.state.in_flight;
    let (generation, catalog, recipe) = asked(&mut desk);
    assert_eq!(desk.state.desk.focused(), &HEALTH);
    desk.shows("loading: evaluating the checks");
    let (others, events) = evaluated(Vec::new(), &catalog, recipe.as_ref().map(|resolution| &resolution.recipe));
    assert_eq!(others, ["check-nvidia-smi"], "it creates pods");
    desk.update(Msg::Evaluated { generation, news: News::Others(others) });
    tell(&mut desk, generation, NOW, events.clone());
    end(&mut desk, generation);
    desk.shows("8 pass, 09:12:00, again 09:17; 1 more needs a run");
    // What comes of an evaluation that was ended is dropped.
    tell(&mut desk, generation - 1, NOW + PAUSE, events.clone());
    assert!(!desk.text().contains("09:17:00"), "{}", desk.text());
    tell(&mut desk, generation, NOW + PAUSE, events);
    desk.shows("8 pass, evaluating …; 1 more needs a run");
    end(&mut desk, generation);
    desk.shows("8 pass, 09:17:00, again 09:22");
    // Nothing of it changes a cluster, and nobody waits for it.
    assert_eq!(desk.state.in_flight, before);
}

#[test]
fn a_check_that_fails_live_says_why_and_which_way_it_came_to_it() {
    let mut desk = Desk::live(160, 40);
    let (generation, catalog, recipe) = asked(&mut desk);
    let recipe = recipe.as_ref().map(|resolution| &resolution.recipe);
    let (_, events) = evaluated(vec![fails("platform-health"), fails("gpu-operator-health")], &catalog, recipe);
    let waits = |event: &Event| matches!(&event.body, Body::Log { check, text, .. } if check == "gpu-operator-health" && text.starts_with("waiting for: "));
    let place = events.iter().position(waits).expect("it waits before it fails");
    tell(&mut desk, generation, NOW, events[..=place].to_vec());
    desk.shows("waiting for: ");
    tell(&mut desk, generation, NOW + 60_000, events[place + 1..].to_vec());
    end(&mut desk, generation);
    assert!(!desk.text().contains("waiting for: "), "{}", desk.text());
    let why = result(&events, "platform-health").message.lines().next().unwrap().to_owned();
    desk.shows(&why[..30]);
    desk.keys("g h g g ]");
    let row = desk.state.desk.table(&HEALTH).row().map(|row| row.plain()).unwrap_or_default();
    assert!(row.contains("fail"), "{row}");
    desk.keys("Enter");
    desk.shows("fail at 09:13:00 UTC, in this process and with your rights");
}

#[test]
fn what_may_not_be_read_is_never_a_pass_and_names_verb_and_resource() {
    let mut desk = Desk::live(160, 40);
    let (_, catalog, recipe) = asked(&mut desk);
    let recipe = recipe.as_ref().map(|resolution| &resolution.recipe);
    let everything = ["pods", "services", "namespaces", "deployments", "daemonsets", "nodes", "clusterpolicies"]
        .iter()
        .flat_map(|resource| [forbidden("get", resource), forbidden("list", resource)]);
    let (_, events) = evaluated(everything.collect(), &catalog, recipe);
    for name in ["operator-health", "platform-health", "gpu-operator-health", "accelerator-metrics"] {
        let result = result(&events, name);
        assert_eq!(result.status, aicr::validate::event::Status::Other, "{result:?}");
        assert!(result.message.contains("could not list ") || result.message.contains("could not get "), "{result:?}");
    }
    let passed = events.iter().filter(|event| {
        matches!(&event.body, Body::Finished { result, .. } if result.status == aicr::validate::event::Status::Passed)
    });
    assert_eq!(passed.count(), 0);
}

#[test]
fn without_a_recipe_checks_run_in_this_process_and_those_of_its_components_are_skipped() {
    let catalog = ops::recipe::load_catalog(&Default::default()).unwrap();
    let (others, events) = evaluated(Vec::new(), &catalog, None);
    assert!(others.contains(&"check-nvidia-smi".to_owned()), "{others:?}");
    for name in ["expected-resources", "platform-health"] {
        let result = result(&events, name);
        assert_eq!(result.status, aicr::validate::event::Status::Skipped, "{result:?}");
    }
    let running: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            Body::State { check, state: CheckState::Running { node } } => Some((check.as_str(), node.as_str())),
            _ => None,
        })
        .collect();
    assert!(!running.is_empty() && running.iter().all(|(_, node)| *node == "this process"), "{running:?}");
}

#[test]
fn what_was_evaluated_is_forgotten_with_its_recipe_and_its_cluster() {
    let mut desk = health(200, 60, Look::default());
    desk.shows("waiting for: ");
    desk.left.clear();
    desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training");
    desk.keys("1");
    let asked = |desk: &mut Desk| {
        desk.left.retain(|effect| !matches!(effect, Effect::ListFiles(_)));
        std::mem::take(&mut desk.left)
    };
    let first = asked(&mut desk);
    assert!(matches!(first[..], [Effect::Evaluate { recipe: Some(_), .. }]), "{first:?}");
    desk.shows("loading: evaluating the checks");
    // The same recipe again, for another view of the same cluster: nothing begins anew.
    desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training");
    assert!(asked(&mut desk).is_empty());
    desk.command("open saved.yaml");
    let Some(Effect::ReadSnapshot { slot, generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let answer = Ok(super::desk::snapshot());
    desk.update(Msg::Snapshot { slot, generation, name: "saved.yaml".into(), answer });
    let last = asked(&mut desk);
    assert!(matches!(last[..], [Effect::EndEvaluation, Effect::EndWatch]), "{last:?}");
    desk.keys("1 e");
    desk.shows("checks need a live cluster, and this is a snapshot");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
}
