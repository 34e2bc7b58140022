//! What follows from a cluster that is still being read says so, everywhere, until everything has been read.

use super::{
    desk::{Desk, later, snapshot},
    screens::SIZES,
};
use aicr::{
    cluster::{ClusterError, ClusterErrorKind, watch::LiveStatus},
    inventory::Inventory,
    ops::connect::Target,
    term::input::Input,
    workbench::{
        RunOptions, Screen,
        effect::Effect,
        msg::{Msg, Written},
        panes,
    },
};
use std::sync::Arc;

/// The first nodes of a list that is still coming, before any other source has answered.
fn first_nodes() -> Arc<Inventory> {
    let mut part = Inventory::clone(&snapshot());
    part.nodes.truncate(2);
    part.sources.clear();
    part.images = Arc::default();
    Arc::new(part)
}

fn syncing(width: u16, height: u16) -> Desk {
    let options = RunOptions { target: Target::default(), ..RunOptions::default() };
    let mut desk = Desk::started(&options, width, height);
    desk.update(Msg::Connected { generation: 1, context: "fleet".into(), server: "https://192.0.2.1".into() });
    desk.view(LiveStatus::Syncing { done: 1, total: 9 }, Some(first_nodes()));
    desk
}

#[test]
fn what_follows_from_a_part_of_the_cluster_says_so() {
    let mut desk = syncing(200, 60);
    let health = |desk: &mut Desk| desk.text().lines().nth(1).unwrap_or_default().to_owned();
    let line = health(&mut desk);
    for said in ["2 nodes so far", "free so far", "differ so far", "met so far"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    desk.shows("(from the cluster so far)");
    desk.shows("applied so far");
    // Every panel that holds something of the cluster or of the recipe for it.
    for pane in panes::ALL.iter().filter(|pane| matches!(pane.screen, Screen::Cluster | Screen::Recipe)) {
        desk.state.desk.focus_on(pane);
        let text = desk.text();
        let table = desk.state.desk.table(pane);
        if table.content.rows.is_empty() || !pane.is_of_cluster(&desk.state.model) {
            continue;
        }
        let title = format!(" {} ", table.content.title);
        let top = text.lines().find(|line| line.contains(&title)).unwrap_or_else(|| panic!("{title}\n{text}"));
        let after = top.split(&title).nth(1).unwrap_or_default();
        let own = after.split(['┓', '┐']).next().unwrap_or_default();
        assert!(own.contains("so far"), "{pane:?}: {own}");
    }
    // At every size the line of words, or the criteria beside the tabs.
    for (width, height) in SIZES {
        desk.update(Msg::Input(Input::Resize { width, height }));
        desk.shows("2 nodes so far");
    }
}

#[test]
fn the_title_says_how_far_a_cluster_has_been_read_how_fast_and_for_how_long_still() {
    let mut desk = syncing(120, 40);
    assert!(!desk.text().contains("kinds"), "what takes no time is not counted: {}", desk.text());
    desk.state.model.now_ms += 6_000;
    desk.view(LiveStatus::Syncing { done: 3, total: 9 }, None);
    desk.keys("z z");
    desk.shows("3/9 kinds ██░░░░░░ 30/min, about 12 s left");
    assert!(desk.state.moves_by_itself(), "time passes in it");
    // In a narrow panel the numbers alone: a bar that is cut would be another one.
    desk.update(Msg::Input(Input::Resize { width: 50, height: 24 }));
    desk.shows("3/9 kinds");
    assert!(!desk.text().contains('█'), "{}", desk.text());
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    assert!(!desk.text().contains("kinds"), "{}", desk.text());
}

#[test]
fn nothing_is_so_far_when_everything_has_been_read() {
    // The same again, as a whole; and other nodes than those that came first.
    for whole in [first_nodes(), later()] {
        let mut desk = syncing(200, 60);
        desk.keys("2");
        desk.shows("so far");
        desk.view(LiveStatus::Fresh, Some(whole));
        for screen in 1..=5 {
            desk.keys(&screen.to_string());
            assert!(!desk.text().contains("so far"), "{}", desk.text());
        }
    }
    // The last answer may bring no snapshot of its own.
    let mut desk = syncing(200, 60);
    desk.view(LiveStatus::Fresh, None);
    assert!(!desk.text().contains("so far"), "{}", desk.text());
}

/// A connection that is lost in the middle reads nothing more: what is shown stays a part.
#[test]
fn a_lost_connection_does_not_make_a_part_whole() {
    let mut desk = syncing(120, 40);
    let error = ClusterError {
        kind: ClusterErrorKind::Unreachable,
        doing: "list pods".into(),
        at: String::new(),
        found: "connection refused".into(),
        hint: None,
        cause: None,
    };
    desk.view(LiveStatus::Reconnecting { attempt: 1, next_seconds: 2, error }, None);
    desk.shows("2 nodes so far");
}

/// A file of a part is written, and it is said to be one.
#[test]
fn a_part_of_the_cluster_is_saved_as_one() {
    let mut desk = syncing(120, 40);
    desk.command("save part.yaml");
    let Some(Effect::Save { missing, .. }) = desk.left.pop() else { panic!("nothing is saved") };
    let [missing] = &missing[..] else { panic!("{missing:?}") };
    assert!(missing.starts_with("not read yet: ") && missing.contains("nodes, pods"), "{missing}");
    let answer = Ok(Written::InPart(format!("wrote the snapshot: part.yaml, which is partial: {missing}")));
    desk.update(Msg::Written { write: 1, answer });
    desk.shows("! wrote the snapshot: part.yaml, which is partial: not read yet: ");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.command("save whole.yaml");
    let Some(Effect::Save { missing, .. }) = desk.left.pop() else { panic!("nothing is saved") };
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_run_and_a_comparison_do_not_take_a_part_for_the_whole() {
    let mut desk = syncing(120, 40);
    desk.keys("4 r");
    desk.shows("not run: the cluster is still being read");
    assert!(!desk.left.iter().any(|effect| matches!(effect, Effect::Plan { .. })), "{:?}", desk.left);
    desk.keys("1 =");
    desk.shows("kept as A is what was read so far");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.keys("5");
    desk.shows("so far");
}
