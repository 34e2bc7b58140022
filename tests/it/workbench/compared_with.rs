//! What the Compare screen compares A with: it is named by what it is, and what cannot change is not said to.

use super::{
    desk::{Desk, compare, later, snapshot},
    screens::golden,
};
use aicr::{
    cluster::watch::LiveStatus,
    inventory::Inventory,
    ops::snapshots::{self, How},
    workbench::{
        Look,
        effect::Effect,
        msg::{Msg, SnapshotSlot},
    },
};
use std::sync::Arc;

/// A cluster that has changed since its one kept snapshot.
fn desk(width: u16, height: u16) -> Desk {
    let mut desk = Desk::new(width, height, Look::default());
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Inventory::clone(&snapshot());
    kept.about.taken_at = "2026-01-05T08:00:00Z".to_owned();
    snapshots::save(folder.path(), &kept, Some("monday"), How::Recorded).unwrap();
    desk.kept = Some(folder);
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    desk.view(LiveStatus::Fresh, Some(later()));
    desk.keys("T T");
    desk
}

/// Answers what a file is read for.
fn read(desk: &mut Desk, name: &str, answer: Arc<Inventory>) {
    let Some(Effect::ReadSnapshot { slot, generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::Snapshot { slot, generation, name: name.into(), answer: Ok(answer) });
}

fn open(desk: &mut Desk, name: &str, answer: Arc<Inventory>) {
    desk.command(&format!("open {name}"));
    read(desk, name, answer);
}

fn differing(desk: &Desk) -> usize {
    desk.state.model.compare.changes.value.as_ref().map_or(0, |drift| drift.changes.len())
}

#[test]
fn a_shown_moment_is_compared_with_the_cluster_behind_it() {
    let mut desk = desk(120, 40);
    desk.command("past @monday");
    desk.keys("5 =");
    desk.shows("kept as A; Compare (5) shows what differs in demo (now)");
    desk.shows("A demo 2026-01-05T08:00:00Z   B demo (now)");
    let all = differing(&desk);
    assert!(all > 0, "{}", desk.text());
    // The same as from the command, and as after the moment.
    let mut kept = Inventory::clone(&snapshot());
    kept.about.taken_at = "2026-01-05T08:00:00Z".to_owned();
    desk.command("compare @monday");
    read(&mut desk, "@monday (2026-01-05T08:00:00Z)", Arc::new(kept));
    assert_eq!(differing(&desk), all);
    desk.shows("B demo (now)");
    desk.command("past now");
    assert_eq!(differing(&desk), all);
    // What comes of the cluster while the moment is shown is compared at once.
    desk.command("past @monday");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    assert_eq!(differing(&desk), 0, "{:?}", desk.state.model.compare.changes.value);
}

#[test]
fn a_file_is_compared_with_what_is_opened_next_and_not_with_itself() {
    let mut desk = Desk::live(120, 40);
    open(&mut desk, "before.yaml", snapshot());
    desk.keys("5 =");
    desk.shows("kept as A, and a file does not change: `:open OTHER.yaml` shows what it is compared with");
    desk.shows("A is before.yaml 2026-01-14T09:10:00Z, and there is nothing yet to");
    for untrue in ["(now)", "nothing differs", "from now on", "as it changes"] {
        assert!(!desk.text().contains(untrue), "{untrue}: {}", desk.text());
    }
    golden("compare-file-alone-120x40", &desk.text());
    // There are no two sides to change places, and A is not put in the place of what is missing.
    desk.keys("X");
    desk.shows("nothing is compared with A yet");
    assert!(desk.state.model.compare.b.is_none());
    open(&mut desk, "after.yaml", later());
    desk.keys("5");
    desk.shows("B after.yaml");
    assert!(differing(&desk) > 0 && !desk.text().contains("(now)"), "{}", desk.text());
}

#[test]
fn an_empty_comparison_over_a_file_promises_no_changes() {
    let mut desk = Desk::live(120, 40);
    open(&mut desk, "before.yaml", snapshot());
    desk.keys("5");
    desk.shows("= keeps the shown file as A");
    assert!(!desk.text().contains("as it changes"), "{}", desk.text());
}

#[test]
fn sides_that_are_swapped_keep_what_they_are() {
    let mut desk = desk(160, 45);
    desk.command("past @monday");
    desk.keys("5 = X");
    desk.shows("A demo (kept)");
    desk.shows("B demo 2026-01-05T08:00:00Z");
}

/// Nothing of two kept snapshots is fresh, and nothing of them is the cluster's.
#[test]
fn the_first_line_says_that_kept_snapshots_are_compared() {
    let mut desk = Desk::live(120, 40);
    compare(&mut desk, ("one", snapshot()), ("two", later()));
    desk.keys("5");
    let first = |desk: &mut Desk| desk.text().lines().next().unwrap_or_default().trim_end().to_owned();
    assert!(first(&mut desk).ends_with("SNAP A and B"), "{}", first(&mut desk));
    desk.update(Msg::Snapshot { slot: SnapshotSlot::C, generation: 0, name: "three".into(), answer: Ok(snapshot()) });
    assert!(first(&mut desk).ends_with("SNAP A, B and C"), "{}", first(&mut desk));
    // Other screens show the cluster.
    desk.keys("1");
    assert!(first(&mut desk).ends_with("DEMO fresh"), "{}", first(&mut desk));
    desk.keys("=");
    desk.keys("5");
    assert!(first(&mut desk).ends_with("DEMO fresh"), "{}", first(&mut desk));
}

/// What is compared with the cluster as it is now is not of the moment that other screens show.
#[test]
fn the_first_line_over_a_moment_is_about_what_is_compared() {
    let mut desk = desk(120, 40);
    let first = |desk: &mut Desk| desk.text().lines().next().unwrap_or_default().trim_end().to_owned();
    desk.command("past @monday");
    assert!(first(&mut desk).ends_with("PAST 2026-01-05 08:00"), "{}", first(&mut desk));
    desk.keys("5");
    assert!(first(&mut desk).ends_with("PAST 2026-01-05 08:00"), "nothing is compared yet: {}", first(&mut desk));
    desk.keys("=");
    desk.shows("A demo 2026-01-05T08:00:00Z   B demo (now)");
    assert!(first(&mut desk).ends_with("DEMO fresh"), "{}", first(&mut desk));
    golden("compare-over-moment-120x40", &desk.text());
    desk.keys("1");
    assert!(first(&mut desk).ends_with("PAST 2026-01-05 08:00"), "{}", first(&mut desk));
}

/// One that was opened is a file that was opened, too, and is listed once.
#[test]
fn a_kept_snapshot_that_was_opened_completes_once() {
    let mut desk = desk(120, 40);
    desk.command("compare @monday");
    read(&mut desk, "@monday", snapshot());
    for line in ["compare @", "source @"] {
        desk.keys(":");
        desk.type_text(line);
        let text = desk.text();
        assert_eq!(text.matches(&format!("{line}monday")).count(), 1, "{text}");
        desk.keys("Esc");
    }
}
