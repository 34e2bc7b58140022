//! The time bar and the Compare screen: kept snapshots, where a thing changed, two and three of them beside each other.

use super::{
    desk::{Desk, compare, list_records, recorded, run_half_way, snapshot, snapshot_of},
    screens::{SIZES, all_golden, golden},
};
use crate::sandbox::Sandbox;
use aicr::{
    cluster::watch::LiveStatus,
    inventory::{Fact, Inventory, Node, Source},
    ops::{
        Failure, Kind,
        demo::DemoOptions,
        snapshots::{self, How},
    },
    workbench::{
        Look,
        effect::Effect,
        keymap::Action,
        model::With,
        msg::{Msg, SnapshotSlot},
        panes::{NODES, READINGS},
        screenshot,
    },
};
use std::sync::Arc;

/// The demo's cluster at a time, with a kernel on one of its nodes.
fn cluster(at: &str, kernel: Option<(&str, &str)>) -> Arc<Inventory> {
    let mut inventory = Inventory::clone(&snapshot());
    inventory.about.taken_at = at.to_owned();
    if let Some((name, kernel)) = kernel {
        let nodes = inventory.nodes.iter().map(|node| match &*node.name == name {
            true => Arc::new(Node {
                kernel: Fact::known(kernel.into(), Source::node("status.nodeInfo.kernelVersion")),
                ..Node::clone(node)
            }),
            false => Arc::clone(node),
        });
        inventory.nodes = nodes.collect();
    }
    Arc::new(inventory)
}

/// A desk with four kept snapshots: worker-2 had another kernel at the second, worker-3 since the third.
fn desk(width: u16, height: u16) -> Desk {
    let mut desk = Desk::new(width, height, Look::default());
    let folder = tempfile::tempdir().unwrap();
    for (at, kernel, name) in [
        ("2026-01-05T08:00:00Z", None, Some("monday")),
        ("2026-01-06T14:30:00Z", Some(("worker-2", "6.12.60")), None),
        ("2026-01-08T09:15:00Z", Some(("worker-3", "6.12.60")), None),
        ("2026-01-10T22:00:00Z", Some(("worker-3", "6.12.60")), Some("friday")),
    ] {
        snapshots::save(folder.path(), &cluster(at, kernel), name, How::Recorded).unwrap();
    }
    desk.kept = Some(folder);
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    desk.view(LiveStatus::Fresh, Some(cluster("2026-01-12T10:00:00Z", Some(("worker-3", "6.12.60")))));
    // Reads the list, as the start does where there is a folder for state.
    desk.keys("T T");
    desk
}

#[test]
fn brackets_go_to_the_moments_at_which_the_selected_node_changed() {
    let mut desk = desk(120, 40);
    desk.command("node worker-3");
    desk.keys("T");
    desk.shows("time: now");
    desk.shows("[ and ] go to the moments at which node worker-3 changed");
    desk.keys("[");
    desk.shows("PAST 2026-01-08 09:15");
    desk.shows("time: PAST 2026-01-08 09:15");
    desk.keys("[");
    desk.shows("worker-3 did not change before this");
    desk.keys("]");
    // Later snapshots are kept: only this node is the same in them.
    desk.shows("worker-3 did not change after that, as far as is kept; this is now");
    desk.shows("DEMO fresh");
    desk.command("node worker-2");
    desk.keys("[ [");
    desk.shows("PAST 2026-01-06 14:30");
    desk.shows("6.12.60");
    desk.keys("<");
    desk.shows("PAST 2026-01-05 08:00");
    desk.keys("Esc");
    desk.shows("DEMO fresh");
    assert!(!desk.text().contains('*'), "nothing has changed meanwhile: {}", desk.text());
}

#[test]
fn what_comes_while_the_past_is_shown_is_shown_after_it() {
    let mut desk = desk(120, 40);
    desk.command("past @monday");
    desk.shows("PAST 2026-01-05 08:00");
    let later = snapshot_of(DemoOptions { nodes: Some(6), ..DemoOptions::default() });
    desk.view(LiveStatus::Fresh, Some(later));
    desk.shows("nodes 5");
    desk.keys("4 r");
    desk.shows("[4 Validate]");
    assert!(desk.left.is_empty(), "nothing is asked of the past: {:?}", desk.left);
    desk.keys("1");
    assert!(!desk.text().contains('*'), "the past is no news: {}", desk.text());
    desk.command("past now");
    desk.shows("nodes 6");
    desk.shows("DEMO fresh");
    // The new node, and the one whose kernel is another now.
    let marked = |name: &str| desk.state.desk.table(&NODES).recent.contains(&name.into());
    assert!(marked("worker-3") && !marked("worker-2"));
    let table = desk.state.desk.table(&NODES);
    assert_eq!(table.content.rows.iter().filter(|row| table.recent.contains(&row.id)).count(), 2);
}

/// A link to a kept moment opens that moment, and one to a comparison the same one.
#[test]
fn links_lead_to_kept_moments_and_to_comparisons() {
    let mut desk = desk(120, 40);
    desk.command("past @monday");
    desk.command("link");
    let Some(Effect::Copy(link)) = desk.left.last() else { panic!("{:?}", desk.left) };
    let moment = link.split(' ').find(|word| word.starts_with('@')).unwrap_or_else(|| panic!("{link}")).to_owned();
    assert!(moment.starts_with("@20260105-080000-"), "{link}");
    assert!(link.starts_with(&format!("aicr --demo tui {moment} ")), "{link}");
    desk.command("compare 'my a.yaml' b.yaml");
    desk.keys("5");
    desk.command("link");
    let Some(Effect::Copy(link)) = desk.left.last() else { panic!("{:?}", desk.left) };
    assert!(link.ends_with(r#"--screen compare --go 'compare '\''my a.yaml'\'' b.yaml'"#), "{link}");
    // The demo has a kept snapshot of that name.
    let sandbox = Sandbox::new();
    sandbox.file("script", "wait\ndump view\n");
    let run = sandbox.aicr(&["--demo", "tui", "@before-the-drift", "--screen", "cluster", "--script", "script"]);
    assert!(
        run.stdout.contains("SNAP") && run.stdout.contains("instance-20260602-102458"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let go = ["--screen", "compare", "--go", "compare @before-the-drift @yesterday", "--script", "script"];
    let run = sandbox.aicr(&[&["--demo", "tui"][..], &go].concat());
    assert!(
        run.stdout.contains("A @before-the-drift") && run.stdout.contains("B @yesterday"),
        "{}{}",
        run.stdout,
        run.stderr
    );
}

#[test]
fn without_kept_snapshots_the_bar_says_how_there_will_be_some() {
    let mut desk = Desk::live(120, 40);
    desk.keys("T");
    desk.shows("empty: no snapshot of this cluster is kept yet");
    assert!(!desk.text().contains("go to the moments"), "there is none to go to:\n{}", desk.text());
    desk.keys("<");
    desk.shows("no snapshot of this cluster is kept yet");
    desk.keys("T");
    assert!(!desk.text().contains("time: now"));
}

#[test]
fn the_time_bar_at_every_size() {
    let frame = |(width, height): (u16, u16)| {
        let mut desk = desk(width, height);
        desk.command("node worker-3");
        desk.keys("T [");
        (format!("time-{width}x{height}"), screenshot::symbols(&desk.frame()))
    };
    all_golden(SIZES.map(frame));
}

/// With 80 columns the bar, what is selected and what had changed are seen together; the smallest frame shows the bar alone.
#[test]
fn the_time_bar_is_used_in_small_frames() {
    let mut desk = desk(80, 24);
    desk.command("node worker-3");
    desk.keys("T");
    for shown in ["›worker-3", "time: now", "[ ] where it changed, 4 snapshots", "»now", "2026-01-10 22:00"] {
        desk.shows(shown);
    }
    desk.keys("[");
    desk.shows("time: PAST 2026-01-08 09:15");
    // The node itself takes the place of the list, and the bar stays.
    desk.keys("Tab");
    desk.shows("┏ node worker-3");
    desk.shows("time: PAST 2026-01-08 09:15");
    desk.act(Action::TimeBar);
    assert!(!desk.text().contains("time: "), "{}", desk.text());
    desk.shows("┏ node worker-3");

    let mut desk = self::desk(40, 10);
    desk.keys("T");
    desk.shows("time: now");
    desk.keys("j Enter");
    desk.shows("PAST 2026-01-10");
    desk.keys("T");
    desk.shows("nodes 5");
}

/// What could not be read is read again by the key that says so.
#[test]
fn refresh_reads_the_kept_snapshots_again() {
    let mut desk = desk(120, 40);
    desk.keys("T");
    let moments = &mut desk.state.model.time.moments;
    moments.value = None;
    let generation = moments.start();
    let failure = Failure::new(Kind::Usage, "list the kept snapshots", "permission denied");
    desk.update(Msg::MomentsListed { generation, answer: Err(failure) });
    desk.shows("R tries again");
    desk.keys("R");
    desk.shows("4 snapshots");
}

#[test]
fn three_snapshots_have_three_columns() {
    let mut desk = desk(200, 60);
    let at = |kernel| cluster("2026-01-05T08:00:00Z", kernel);
    compare(&mut desk, ("one", at(None)), ("two", at(Some(("worker-2", "6.12.60")))));
    let third = at(Some(("worker-3", "6.12.61")));
    desk.update(Msg::Snapshot { slot: SnapshotSlot::C, generation: 0, name: "three".into(), answer: Ok(third) });
    desk.keys("5");
    desk.shows("A one 2026-01-05 08:00   B two 2026-01-05 08:00   C three");
    desk.shows("2 differ, by reading");
    let row = |desk: &mut Desk, what: &str| {
        let text = desk.text();
        text.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let second = row(&mut desk, "node[worker-2].kernel");
    assert_eq!((second.matches("6.12.60").count(), second.matches("6.12.54-linuxkit").count()), (1, 2), "{second}");
    let third = row(&mut desk, "node[worker-3].kernel");
    assert_eq!((third.matches("6.12.61").count(), third.matches("6.12.54-linuxkit").count()), (1, 2), "{third}");
    golden("compare-three-200x60", &desk.text());
}

/// Names that begin alike say that once where they have no room.
#[test]
fn three_long_names_are_told_apart_in_a_narrow_frame() {
    let mut desk = desk(80, 24);
    let at = |kernel| cluster("2026-01-05T08:00:00Z", kernel);
    let name = |day: u32| format!("production-eu-west-gpu-cluster-2026-01-{day:02}.yaml");
    compare(&mut desk, (&name(5), at(None)), (&name(6), at(Some(("worker-2", "6.12.60")))));
    let third = at(Some(("worker-3", "6.12.61")));
    desk.update(Msg::Snapshot { slot: SnapshotSlot::C, generation: 0, name: name(7), answer: Ok(third) });
    desk.keys("5");
    desk.shows("production-eu-west-gpu-cluster-2026-01-*.yaml  A 05   B 06   C 07");
    golden("compare-three-long-80x24", &desk.text());
    desk.update(Msg::Input(aicr::term::input::Input::Resize { width: 60, height: 40 }));
    desk.shows("*.yaml  A 05   B 06   C 07");
}

#[test]
fn by_shape_each_of_three_columns_says_its_own_snapshot() {
    let mut desk = desk(200, 60);
    let at = |kernel| cluster("2026-01-05T08:00:00Z", kernel);
    compare(&mut desk, ("one", at(None)), ("two", at(Some(("worker-2", "6.12.60")))));
    let third = at(Some(("worker-3", "6.12.61")));
    desk.update(Msg::Snapshot { slot: SnapshotSlot::C, generation: 0, name: "three".into(), answer: Ok(third) });
    desk.keys("5 | |");
    desk.shows("by shape");
    let cells = |desk: &Desk, node: &str| -> Vec<String> {
        let table = desk.state.desk.table(&READINGS);
        let row = table.content.rows.iter().find(|row| row.plain().contains(node)).expect("a row of the node");
        row.cells[1..].iter().map(|cell| cell.plain().into_owned()).collect()
    };
    let old = "6.12.54-linuxkit";
    assert_eq!(cells(&desk, "(worker-2)"), [old, "6.12.60", old]);
    assert_eq!(cells(&desk, "(worker-3)"), [old, old, "6.12.61"], "B is as A where only C differs");
    golden("compare-three-by-shape-200x60", &desk.text());
}

#[test]
fn the_third_snapshot_is_stepped_through_the_kept_ones() {
    let mut desk = desk(200, 60);
    let at = |at: &str| cluster(at, None);
    compare(&mut desk, ("one", at("2026-01-01T08:00:00Z")), ("two", at("2026-01-02T08:00:00Z")));
    let answer = Ok(at("2026-01-06T14:30:00Z"));
    desk.update(Msg::Snapshot { slot: SnapshotSlot::C, generation: 0, name: "three".into(), answer });
    desk.keys("5");
    let mut read = |keys: &str| {
        desk.keys(keys);
        match desk.left.pop() {
            Some(Effect::ReadSnapshot { slot: SnapshotSlot::C, path, .. }) => path.display().to_string(),
            other => panic!("{keys}: {other:?}"),
        }
    };
    assert_eq!(read("<"), "@monday");
    assert!(read(">").starts_with("@20260108-091500-"), "the nearest one after it");
    desk.shows("C is the snapshot of 2026-01-08 09:15");
}

/// Without a third one, steps begin at the newest moment and end where B is the cluster as it is.
#[test]
fn a_comparison_with_the_cluster_is_stepped_through_what_is_kept_and_back() {
    let mut desk = desk(120, 40);
    desk.keys("5 = >");
    desk.shows("no third snapshot is compared; < begins with the newest one that is kept");
    let read = |desk: &mut Desk, at: &str, kernel| {
        let Some(Effect::ReadSnapshot { slot: SnapshotSlot::C, generation, path }) = desk.left.pop() else {
            panic!("{:?}", desk.left)
        };
        let name = path.display().to_string();
        let answer = Ok(cluster(at, kernel));
        desk.update(Msg::Snapshot { slot: SnapshotSlot::C, generation, name: name.clone(), answer });
        name
    };
    desk.keys("<");
    assert_eq!(read(&mut desk, "2026-01-10T22:00:00Z", Some(("worker-3", "6.12.60"))), "@friday");
    desk.shows(" C 2026-01-10 22:00 ");
    desk.shows("4 of 4  < > step");
    desk.keys("<");
    assert!(read(&mut desk, "2026-01-08T09:15:00Z", Some(("worker-3", "6.12.60"))).starts_with("@20260108-091500-"));
    desk.shows("3 of 4  < > step");
    desk.keys("> >");
    assert_eq!(read(&mut desk, "2026-01-10T22:00:00Z", Some(("worker-3", "6.12.60"))), "@friday");
    desk.keys(">");
    desk.shows("nothing later is kept; A is compared with the cluster as it is now");
    assert!(desk.state.model.compare.c.is_none() && !desk.text().contains("4 of 4"), "{}", desk.text());
}

/// One line says it on each of them, and steps lead from each back to now.
#[test]
fn every_screen_is_stepped_through_the_kept_snapshots() {
    for (screen, digit) in ["Cluster", "Recipe", "Diff", "Validate", "Compare"].into_iter().zip('1'..) {
        let mut desk = desk(120, 40);
        desk.keys(&format!("{digit} <"));
        desk.shows(&format!("{digit} {screen}]"));
        desk.shows(" PAST 2026-01-10 22:00 @friday  ");
        desk.shows(" now  4 of 4  < > step");
        desk.shows("< earlier  > later");
        desk.keys("<");
        desk.shows(" PAST 2026-01-08 09:15  ");
        desk.keys("> >");
        desk.shows("DEMO fresh");
        assert!(!desk.text().contains("< > step"), "{screen}: {}", desk.text());
        desk.keys("T");
        let opened = if digit == '1' { "time: now" } else { "»now  4 snapshots  < > step  T closes" };
        desk.shows(opened);
        desk.keys("< T");
        desk.shows("DEMO fresh");
        assert!(!desk.text().contains("T closes") && !desk.text().contains("time: "), "{screen}: {}", desk.text());
        // As Esc does, where there is nothing else to go back from.
        desk.keys("< Esc");
        desk.shows("DEMO fresh");
    }
}

/// A cluster that had no GPUs in its first snapshot, and another server in its second.
fn grown(width: u16, height: u16) -> Desk {
    let mut desk = Desk::showing(snapshot(), width, height, Look::default());
    let folder = tempfile::tempdir().unwrap();
    let mut without = Inventory::clone(&cluster("2026-01-05T08:00:00Z", None));
    without.nodes.retain(|node| node.accelerators.resources.is_empty());
    let mut old = Inventory::clone(&cluster("2026-01-06T08:00:00Z", None));
    let mut server = old.server.value().cloned().unwrap();
    server.git_version = "v1.29.0".into();
    old.server = Fact::known(server, Source::node("version"));
    for kept in [without, old] {
        snapshots::save(folder.path(), &kept, None, How::Recorded).unwrap();
    }
    desk.kept = Some(folder);
    desk.keys("R");
    desk
}

#[test]
fn recipe_and_constraints_are_those_of_the_moment_that_is_shown() {
    let mut desk = grown(120, 40);
    desk.update(Msg::Connected { generation: 2, context: "fleet".into(), server: "https://192.0.2.1".into() });
    desk.keys("2");
    desk.shows("accelerator=a100");
    desk.keys("< <");
    desk.shows("PAST 2026-01-05 08:00");
    assert!(!desk.text().contains("accelerator=a100"), "{}", desk.text());
    desk.keys(">");
    desk.shows("accelerator=a100");
    desk.shows("1 of 1 constraint FAIL");
    desk.command("past now");
    desk.shows("[2 Recipe]");
    desk.shows("1 constraint met");
}

#[test]
fn a_screen_that_does_not_change_with_time_says_so() {
    let mut desk = desk(120, 40);
    run_half_way(&mut desk);
    desk.keys("4 <");
    desk.shows("a run is active, on the cluster as it is now; the other screens show other moments");
    desk.state.model.messages.clear();
    desk.keys("T");
    desk.shows("a run is active, on the cluster as it is now");
    desk.shows("DEMO fresh");
    // What was opened elsewhere is seen here, and can be closed.
    desk.keys("2 T < 4");
    desk.shows("PAST 2026-01-10 22:00 @friday");
    desk.shows("4 of 4  a run is of now");
    desk.keys("T");
    assert!(!desk.text().contains("a run is of now"), "{}", desk.text());

    let mut desk = self::desk(120, 40);
    let record = recorded("20260113-080000-00aa00aa00aa00aa", true);
    list_records(&mut desk, std::slice::from_ref(&record));
    desk.keys("4 g r Enter");
    desk.update(Msg::RunOpened { generation: 1, compare: false, answer: Ok(Arc::new(record)) });
    let shown = desk.state.model.records.replay.as_ref().unwrap().next;
    desk.keys("T");
    desk.shows("a recorded run stays as it was; < and > step through it, and the other screens show other moments");
    desk.keys("<");
    assert!(desk.state.model.records.replay.as_ref().unwrap().next < shown);
    assert!(desk.state.model.time.past.is_none());

    let mut desk = self::desk(120, 40);
    desk.state.model.diff.with = Some(With::Each("one.yaml".into(), "two.yaml".into()));
    desk.keys("3 <");
    desk.shows("two recipes are compared, which are the same at every moment of the cluster");
}

/// The bar that is open on another screen, at the sizes that screens have.
#[test]
fn the_time_line_on_other_screens() {
    let mut frames = Vec::new();
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        for (screen, keys) in [("recipe", "2"), ("diff", "3"), ("validate", "4"), ("compare", "5")] {
            let mut desk = desk(width, height);
            if screen == "diff" {
                desk.command("diff cluster");
            }
            desk.keys(&format!("{keys} T < <"));
            frames.push((format!("time-{screen}-{width}x{height}"), desk.text()));
        }
    }
    let mut ascii = Desk::live_with(80, 24, Look { ascii: true, ..Look::default() });
    ascii.keys("2 T");
    ascii.shows("now: no snapshot of this cluster is kept yet");
    all_golden(frames);
}

#[test]
fn help_names_the_keys_of_time_on_every_screen() {
    for digit in '1'..='5' {
        let mut desk = Desk::live(120, 40);
        desk.keys(&format!("{digit} ?"));
        desk.type_text("kept snapshot");
        for shown in ["T ", "> ", "< "] {
            desk.shows(shown);
        }
        desk.shows("the next kept snapshot of this cluster");
    }
}

#[test]
fn the_shown_moment_stays_in_view_and_what_was_said_of_it_ends_with_it() {
    let mut desk = desk(120, 40);
    desk.keys("T < < < <");
    desk.shows("PAST 2026-01-05 08:00");
    desk.shows("»›2026-01-05 08:00  @monday");
    desk.shows("2026-01-05 08:00: the first one that is kept");
    desk.command("past now");
    desk.shows("DEMO fresh");
    assert!(!desk.text().contains("the first one that is kept"), "{}", desk.text());
    desk.shows("»›now");
}

#[test]
fn differences_are_listed_by_reading_identity_with_context_and_shape() {
    let mut desk = desk(120, 40);
    let mut after = Inventory::clone(&cluster("x", None));
    let change = |node: &Arc<Node>| {
        let kernel = Fact::known("6.12.60".into(), Source::node("status.nodeInfo.kernelVersion"));
        Arc::new(Node { kernel, ..Node::clone(node) })
    };
    after.nodes = after.nodes.iter().map(change).collect();
    compare(&mut desk, ("one", snapshot()), ("two", Arc::new(after)));
    desk.keys("5");
    desk.shows("node[worker-2].kernel");
    desk.keys("|");
    desk.shows("by identity");
    desk.shows("node worker-2  1 difference");
    assert!(!desk.text().contains("kubelet"));
    desk.keys("}");
    desk.shows("kubelet");
    golden("compare-identity-120x40", &desk.text());
    desk.keys("|");
    desk.shows("by shape");
    desk.shows("kernel  4 nodes of no accelerators");
    golden("compare-shape-120x40", &desk.text());
}

#[test]
fn what_breaks_a_constraint_of_the_recipe_is_first() {
    let mut desk = desk(160, 45);
    let mut after = Inventory::clone(&cluster("x", Some(("worker-1", "6.12.60"))));
    let mut server = after.server.value().cloned().unwrap();
    server.git_version = "v1.29.0".into();
    after.server = Fact::known(server, Source::node("version"));
    compare(&mut desk, ("one", snapshot()), ("two", Arc::new(after)));
    desk.keys("5");
    desk.shows("✗ breaks K8s.server.version");
    let text = desk.text();
    let at = |what: &str| text.lines().position(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}\n{text}"));
    assert!(at("✗ K8s.server.version") < at("node[worker-1].kernel"), "{text}");
}

#[test]
fn a_rule_on_noise_is_seen_and_switched() {
    let mut desk = desk(160, 45);
    let mut after = Inventory::clone(&cluster("x", None));
    let held = |node: &Arc<Node>| {
        let mut node = Node::clone(node);
        for resource in &mut node.accelerators.resources {
            resource.held = Fact::known(resource.held.get().unwrap_or(0) + 1, Source::node("pods"));
        }
        Arc::new(node)
    };
    after.nodes = after.nodes.iter().map(held).collect();
    compare(&mut desk, ("one", snapshot()), ("two", Arc::new(after)));
    desk.keys("5");
    desk.shows("hidden: use");
    desk.shows("1 noisy hidden (.)");
    desk.command("noise use");
    desk.shows("held.nvidia.com/gpu");
    desk.shows("shown: use");
    desk.command("noise use");
    assert!(!desk.text().contains("held.nvidia.com/gpu"));
    desk.command("noise");
    desk.shows("rules on noise");
    desk.shows("changes at every boot");
    assert_eq!(desk.state.desk.table(&NODES).filter, "");
}

/// Times of snapshots that were taken within a minute have seconds, and only those.
#[test]
fn snapshots_of_the_same_minute_are_told_apart_by_seconds() {
    let mut desk = desk(120, 40);
    desk.keys("T");
    desk.shows("2026-01-08 09:15 ");
    let folder = desk.kept.take().unwrap();
    let soon = cluster("2026-01-10T22:00:40Z", Some(("worker-2", "6.12.61")));
    snapshots::save(folder.path(), &soon, None, How::Recorded).unwrap();
    desk.kept = Some(folder);
    desk.keys("T T");
    desk.shows("2026-01-10 22:00:00");
    desk.shows("2026-01-10 22:00:40");

    let mut desk = Desk::live(120, 40);
    let (a, b) =
        (cluster("2026-01-10T22:00:00Z", None), cluster("2026-01-10T22:00:40Z", Some(("worker-2", "6.12.61"))));
    compare(&mut desk, ("one.yaml", a.clone()), ("two.yaml", b));
    desk.keys("5");
    desk.shows("A one.yaml 2026-01-10 22:00:00   B two.yaml 2026-01-10 22:00:40");
    compare(&mut desk, ("one.yaml", a), ("two.yaml", cluster("2026-01-10T22:01:00Z", Some(("worker-2", "6.12.61")))));
    desk.shows("A one.yaml 2026-01-10 22:00   B two.yaml 2026-01-10 22:01 ");
}

/// The last verdict up to the moment that is shown, with its day: a run of today says nothing of last week.
#[test]
fn over_a_past_moment_the_first_line_tells_what_had_been_validated_by_then() {
    const DAY_MS: u64 = 86_400_000;
    let mut desk = desk(200, 60);
    let criteria = desk.state.model.criteria().to_string();
    let ran = |id: &str, passes: bool, days: u64| {
        let mut record = recorded(id, passes);
        record.facts.criteria.clone_from(&criteria);
        record.events.iter_mut().for_each(|event| event.observed_at_ms -= days * DAY_MS);
        record
    };
    let records = [ran("20260114-091200-00c0ffee00c0ffee", false, 0), ran("20260107-091200-00c0ffee00c0ffee", true, 7)];
    list_records(&mut desk, &records);
    desk.shows(": canceled");
    desk.command("past @friday");
    desk.shows("validated 2026-01-07: fail");
    assert!(!desk.text().contains("canceled"), "{}", desk.text());
    desk.command("past @monday");
    desk.shows("not validated");
    assert!(!desk.text().contains("2026-01-07"), "{}", desk.text());
    desk.command("past now");
    desk.shows(": canceled");
}

/// Each check says so, in words and not by a state that will never change.
#[test]
fn checks_over_a_past_moment_say_that_they_need_the_live_cluster() {
    let mut desk = desk(120, 40);
    desk.keys("4");
    desk.shows("r runs it");
    desk.command("past @friday");
    desk.shows("needs the live cluster ");
    assert!(!desk.text().contains("kept moment"), "{}", desk.text());
}
