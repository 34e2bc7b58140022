//! The Cluster screen through time: before it is there, lost, changed, filtered.

use super::desk::{Desk, reconnecting, snapshot, snapshot_of};
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    inventory::{Fact, Inventory, Node, Source},
    ops::demo::DemoOptions,
    workbench::{Look, effect::Effect, msg::Msg, panes::NODES, widgets::table::Identity},
};
use std::sync::Arc;

#[test]
fn a_lost_connection_keeps_the_last_good_data() {
    let mut desk = Desk::live(120, 40);
    desk.view(reconnecting(3, 4), Some(snapshot()));
    desk.shows("RECONNECTING 3 (next 4s)");
    desk.shows("worker-2");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.shows("DEMO fresh");
}

#[test]
fn before_there_is_a_cluster_every_screen_says_what_is_missing() {
    let mut desk = Desk::new(80, 24, Look::default());
    desk.shows("connecting");
    desk.view(LiveStatus::Syncing { done: 2, total: 9 }, None);
    desk.shows("loading: 2 of 9 sources read");
    desk.keys("3");
    desk.shows("not asked: this screen compares");
    desk.keys("5");
    desk.shows("not asked: this screen compares");
    desk.keys("4 r");
    desk.shows("no cluster to validate yet");
}

#[test]
fn the_cursor_stays_with_its_node_and_says_when_it_was_removed() {
    let larger = snapshot_of(DemoOptions { nodes: Some(7), ..DemoOptions::default() });
    let mut desk = Desk::live(120, 40);
    desk.keys("G");
    desk.shows("node worker-3");
    let names = |desk: &mut Desk| -> Vec<String> {
        desk.frame();
        desk.state.desk.table(&NODES).content.rows.iter().map(|row| row.id.name().to_owned()).collect()
    };
    let before = names(&mut desk);
    desk.view(LiveStatus::Fresh, Some(larger));
    desk.shows("node worker-3");
    let added = names(&mut desk).into_iter().find(|name| !before.contains(name)).expect("the larger cluster has more");
    desk.command(&format!("node {added}"));
    desk.shows(&format!("node {added}"));
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.shows(&format!("{added} was removed; the nearest row is selected"));
    assert_eq!(names(&mut desk), before);
}

#[test]
fn filters_keep_matches_and_count_the_rest() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("worker");
    desk.shows("2 hidden");
    desk.keys("Enter");
    desk.shows("2 hidden, 3 matches  /worker");
    desk.keys("Esc");
    desk.shows("nodes 5");
    desk.shows("instance-");
}

/// The demo cluster with one node changed.
fn changed(change: impl FnOnce(&mut Node)) -> Arc<Inventory> {
    let mut inventory = Inventory::clone(&snapshot());
    let mut node = Node::clone(&inventory.nodes[0]);
    change(&mut node);
    inventory.nodes[0] = Arc::new(node);
    Arc::new(inventory)
}

/// What a new view leads to: how many recipes are resolved.
fn resolved(desk: &mut Desk, inventory: Arc<Inventory>) -> (usize, Vec<Effect>) {
    let view = LiveView { inventory: Some(inventory), status: LiveStatus::Fresh };
    let effects = desk.state.update(Msg::Live { generation: 1, view });
    (effects.iter().filter(|effect| matches!(effect, Effect::Resolve { .. })).count(), effects)
}

#[test]
fn a_node_whose_state_changes_is_shown_and_leaves_the_recipe_as_it_is() {
    let mut desk = Desk::live(120, 40);
    let down = || changed(|node| node.ready = Fact::known(false, Source::node("status.conditions")));
    let (count, _) = resolved(&mut desk, down());
    assert_eq!(count, 0);
    desk.shows("NOTREADY");
    let kernel = |version: &str| changed(|node| node.kernel = Fact::known(version.into(), Source::node("kernel")));
    let (count, first) = resolved(&mut desk, kernel("9.9.1"));
    assert_eq!(count, 1, "a reading that rules may be about");
    // What changes while that is worked out is one more piece of work, not one for each change.
    assert_eq!(resolved(&mut desk, kernel("9.9.2")).0, 0);
    assert_eq!(resolved(&mut desk, kernel("9.9.3")).0, 0);
    let Some(Effect::Resolve { slot, generation, .. }) = first.into_iter().next() else { panic!("just counted") };
    let answer = Ok(desk.state.model.recipe.value.clone().expect("a recipe"));
    let next = desk.state.update(Msg::Resolved { slot, generation, answer });
    let snapshots = next.iter().filter_map(|effect| match effect {
        Effect::Resolve { snapshot, .. } => snapshot.as_ref().and_then(|it| it.nodes[0].kernel.text()),
        _ => None,
    });
    assert_eq!(snapshots.collect::<Vec<_>>(), ["9.9.3"], "with the newest");
    assert!(desk.state.model.recipe.loading);
}

/// The list says of a node what the line above counts of it.
#[test]
fn devices_of_a_node_that_takes_no_pods_are_not_free_and_the_node_says_why() {
    let mut desk = Desk::live(120, 40);
    let gpus = snapshot().nodes.iter().position(|node| node.free().is_some()).expect("a node with GPUs");
    let name = snapshot().nodes[gpus].name.to_string();
    let state = |field: &'static str, change: fn(&mut Node) -> &mut Fact<bool>| {
        let mut inventory = Inventory::clone(&snapshot());
        let mut node = Node::clone(&inventory.nodes[gpus]);
        *change(&mut node) = Fact::known(false, Source::node(field));
        inventory.nodes[gpus] = Arc::new(node);
        Arc::new(inventory)
    };
    desk.command(&format!("node {name}"));
    let row = |desk: &mut Desk| {
        let text = desk.text();
        text.lines().find(|line| line.contains(&name) && line.contains("/1")).unwrap_or_default().to_owned()
    };
    assert!(row(&mut desk).contains("1/1"), "{}", desk.text());
    for (inventory, why) in [
        (state("status.conditions", |node| &mut node.ready), "0 of 1: the node is not ready"),
        (state("spec.unschedulable", |node| &mut node.schedulable), "0 of 1: the node is cordoned"),
    ] {
        desk.view(LiveStatus::Fresh, Some(inventory));
        assert!(row(&mut desk).contains("0/1"), "{}", desk.text());
        desk.shows("0 of 1 GPU free");
        desk.shows(why);
    }
}
