//! The Cluster screen through time: before it is there, lost, changed, filtered.

use super::desk::{Desk, snapshot, snapshot_of};
use aicr::{
    cluster::{ClusterError, ClusterErrorKind, watch::LiveStatus},
    ops::demo::DemoOptions,
    workbench::{Look, panes::NODES, widgets::table::Identity},
};

#[test]
fn a_lost_connection_keeps_the_last_good_data() {
    let mut desk = Desk::live(120, 40);
    let error = ClusterError {
        kind: ClusterErrorKind::Unreachable,
        doing: "watch nodes".into(),
        at: "demo".into(),
        found: "connection refused".into(),
        hint: None,
        cause: None,
    };
    desk.view(LiveStatus::Reconnecting { attempt: 3, next_seconds: 4, error }, Some(snapshot()));
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
    desk.shows("syncing, 2 of 9 sources read");
    desk.keys("3");
    desk.shows("nothing to compare yet");
    desk.keys("5");
    desk.shows("nothing to compare yet");
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
    desk.shows("/worker  2 hidden");
    desk.keys("Esc");
    desk.shows("nodes 5");
    desk.shows("instance-");
}
