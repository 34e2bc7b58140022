//! Rows that change with the cluster are marked for a while, and nothing else is.

use super::{
    desk::{Desk, NOW, reconnecting, snapshot, snapshot_of},
    screens::{SIZES, all_golden},
};
use aicr::{
    cluster::watch::LiveStatus,
    inventory::{Fact, Inventory, Node, Source},
    ops::demo::DemoOptions,
    workbench::{
        Look,
        msg::Msg,
        panes::{COMPONENTS, NODES, Pane, SHAPES},
        screenshot,
        widgets::table::Identity,
    },
};
use std::sync::Arc;

/// The same cluster with some nodes changed.
fn with(inventory: &Inventory, change: impl Fn(&mut Node), places: impl IntoIterator<Item = usize>) -> Arc<Inventory> {
    let mut inventory = Inventory::clone(inventory);
    for place in places {
        let mut node = Node::clone(&inventory.nodes[place]);
        change(&mut node);
        inventory.nodes[place] = Arc::new(node);
    }
    Arc::new(inventory)
}

fn down(node: &mut Node) {
    node.ready = Fact::known(false, Source::node("status.conditions"));
}

fn kernel(node: &mut Node) {
    node.kernel = Fact::known("6.8.0-2000".into(), Source::node("status.nodeInfo"));
}

/// One node is not ready any more, two have another kernel, and a component is new.
fn later() -> Arc<Inventory> {
    let changed = with(&with(&snapshot(), down, [1]), kernel, [2, 3]);
    let mut changed = Inventory::clone(&changed);
    Arc::make_mut(&mut changed.images).insert("slinky".into(), "0.9.0".into());
    Arc::new(changed)
}

/// The names of the rows of a panel that are marked.
#[track_caller]
fn marked(desk: &mut Desk, pane: &'static Pane) -> Vec<String> {
    desk.frame();
    let table = desk.state.desk.table(pane);
    let rows = table.content.rows.iter().filter(|row| table.recent.contains(&row.id));
    rows.map(|row| row.id.name().to_owned()).collect()
}

fn names(inventory: &Inventory, places: impl IntoIterator<Item = usize>) -> Vec<String> {
    places.into_iter().map(|place| inventory.nodes[place].name.to_string()).collect()
}

/// A cluster in which rows of four panels have just changed.
pub fn news(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.frame();
    desk.view(LiveStatus::Fresh, Some(later()));
    desk
}

fn after(desk: &mut Desk, milliseconds: u64) {
    desk.state.model.now_ms = NOW + milliseconds;
    desk.update(Msg::Tick);
}

#[test]
fn rows_that_changed_are_marked_for_five_seconds_and_the_cursor_stays() {
    let mut desk = Desk::live(120, 40);
    desk.keys("j j");
    let before = desk.text();
    let cursor = desk.state.desk.table(&NODES).selected.clone();
    assert!(!before.contains('*'), "{before}");
    desk.view(LiveStatus::Fresh, Some(later()));
    assert_eq!(marked(&mut desk, &NODES), names(&snapshot(), [1, 2, 3]));
    assert_eq!(marked(&mut desk, &COMPONENTS), ["slinky"]);
    assert_eq!(desk.state.desk.table(&NODES).selected, cursor);
    let name = snapshot().nodes[1].name.clone();
    desk.shows(&format!("✗*{name}"));
    assert!(desk.state.moves_by_itself(), "a tick takes the marks away");
    after(&mut desk, 4_999);
    assert_eq!(marked(&mut desk, &NODES).len(), 3);
    after(&mut desk, 5_000);
    assert!(!desk.text().contains('*'), "{}", desk.text());
    // Messages have gone as well; nothing is left that a clock would have to tick for.
    after(&mut desk, 60_000);
    assert!(!desk.state.moves_by_itself());
}

#[test]
fn a_first_reading_a_recipe_and_other_criteria_mark_nothing() {
    let mut desk = Desk::new(120, 40, Look::default());
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    let mut part = Inventory::clone(&snapshot());
    part.nodes.truncate(2);
    desk.view(LiveStatus::Syncing { done: 1, total: 9 }, Some(Arc::new(part.clone())));
    assert!(!desk.text().contains('*'), "{}", desk.text());
    desk.view(LiveStatus::Syncing { done: 2, total: 9 }, Some(with(&part, down, [0])));
    assert!(!desk.text().contains('*'), "{}", desk.text());
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    assert!(!desk.text().contains('*'), "{}", desk.text());
    desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training");
    desk.keys("1");
    assert!(!desk.text().contains('*'), "{}", desk.text());
    desk.view(LiveStatus::Fresh, Some(with(&snapshot(), down, [0])));
    assert_eq!(marked(&mut desk, &NODES), names(&snapshot(), [0]));
}

#[test]
fn what_changed_while_another_screen_was_shown_is_marked_from_the_return_on() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.view(LiveStatus::Fresh, Some(later()));
    assert!(!desk.state.desk.is_passing(), "no clock ticks for what nobody sees");
    after(&mut desk, 60_000);
    desk.keys("1");
    assert_eq!(marked(&mut desk, &NODES), names(&snapshot(), [1, 2, 3]));
    after(&mut desk, 64_999);
    assert_eq!(marked(&mut desk, &NODES).len(), 3);
    after(&mut desk, 65_000);
    assert!(marked(&mut desk, &NODES).is_empty());
}

#[test]
fn what_changed_while_the_connection_was_lost_is_marked_on_return() {
    let mut desk = Desk::live(120, 40);
    desk.view(reconnecting(1, 2), None);
    desk.view(LiveStatus::Fresh, Some(later()));
    assert_eq!(marked(&mut desk, &NODES), names(&snapshot(), [1, 2, 3]));
    // Somebody reads everything again instead of waiting: the parts that come first say nothing, the whole does.
    let mut desk = Desk::live(120, 40);
    desk.view(reconnecting(1, 2), None);
    desk.keys("R");
    let generation = desk.state.model.cluster.generation;
    let mut read = |status, inventory: Arc<Inventory>| {
        let view = aicr::cluster::watch::LiveView { inventory: Some(inventory), status };
        desk.update(Msg::Live { generation, view });
        marked(&mut desk, &NODES)
    };
    let mut part = Inventory::clone(&later());
    part.nodes.truncate(2);
    assert!(read(LiveStatus::Syncing { done: 1, total: 9 }, Arc::new(part)).is_empty());
    assert_eq!(read(LiveStatus::Fresh, later()), names(&snapshot(), [1, 2, 3]));
}

#[test]
fn a_node_that_is_new_is_marked_and_one_that_is_only_listed_again_is_not() {
    let larger = snapshot_of(DemoOptions { nodes: Some(7), ..DemoOptions::default() });
    let mut desk = Desk::live(120, 40);
    desk.frame();
    desk.view(LiveStatus::Fresh, Some(larger.clone()));
    let known = names(&snapshot(), 0..5);
    let added = marked(&mut desk, &NODES);
    assert_eq!(added.iter().filter(|name| !known.contains(name)).count(), 2, "{added:?}");
    after(&mut desk, 5_000);
    // The nodes of one shape, then all of them again.
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("g g Enter");
    assert!(marked(&mut desk, &NODES).is_empty());
    desk.keys("Esc");
    assert!(marked(&mut desk, &NODES).is_empty());
    // One that changes while its shape is listed is.
    desk.keys("Enter");
    desk.frame();
    let (place, _) = (0..7)
        .map(|place| (place, larger.nodes[place].name.to_string()))
        .find(|(_, name)| desk.state.desk.table(&NODES).content.rows.iter().any(|row| row.id.name() == *name))
        .unwrap();
    desk.view(LiveStatus::Fresh, Some(with(&larger, |node| node.kubelet = Fact::default(), [place])));
    desk.keys("Esc");
    assert!(!marked(&mut desk, &SHAPES).is_empty() || !marked(&mut desk, &NODES).is_empty());
}

#[test]
fn five_thousand_nodes_with_five_hundred_changes_a_second_hold_what_changed_and_no_more() {
    let mut fleet = Inventory::clone(&snapshot());
    let nodes = (0..5000).map(|at| {
        let name = format!("gpu-{at:04}");
        Arc::new(Node { name: name.as_str().into(), ..Node::clone(&snapshot().nodes[at % 5]) })
    });
    fleet.nodes = nodes.collect();
    let mut desk = Desk::showing(Arc::new(fleet.clone()), 200, 60, Look::default());
    desk.frame();
    let mut fleet = Arc::new(fleet);
    // Ten seconds, four views in each.
    for view in 0..40_usize {
        desk.state.model.now_ms = NOW + 250 * view as u64;
        let places = (0..125).map(|at| (view * 125 + at) % 5000);
        fleet = with(&fleet, down, places);
        let rows: Vec<_> = desk.state.desk.table(&NODES).content.rows.iter().map(|row| row.cells.clone()).collect();
        desk.view(LiveStatus::Fresh, Some(fleet.clone()));
        desk.frame();
        let table = desk.state.desk.table(&NODES);
        let made = table.content.rows.iter().zip(&rows).filter(|(row, before)| !Arc::ptr_eq(&row.cells, before));
        assert_eq!(made.count(), 125, "rows that did not change are the same ones");
        assert!(table.recent.len() <= 20 * 125, "{} in view {view}", table.recent.len());
    }
    assert_eq!(desk.state.desk.table(&NODES).recent.len(), 20 * 125);
    after(&mut desk, 60_000);
    desk.frame();
    assert!(desk.state.desk.table(&NODES).recent.is_empty());
}

/// On a row without a glyph of its own, beside one, and on the row of the cursor; in ASCII, and without color.
#[test]
fn marks_look_as_they_should() {
    let mut frames = Vec::new();
    for (width, height) in SIZES {
        frames.push((format!("news-{width}x{height}"), news(width, height, Look::default()).text()));
    }
    let mut desk = news(80, 24, Look::default());
    frames.push(("news-80x24-styles".to_owned(), screenshot::styles(&desk.frame(), &desk.state.desk.theme)));
    let mut desk = Desk::live_with(80, 24, Look { ascii: true, ..Look::default() });
    desk.keys("j");
    desk.view(LiveStatus::Fresh, Some(later()));
    frames.push(("news-80x24-ascii".to_owned(), desk.text()));
    all_golden(frames);
}
