//! What is shown instead of something else ends what kept the other in view, and nothing is called what it is not.

use super::{
    desk::{Desk, list_records, recorded, run_half_way, snapshot},
    screens::golden,
};
use aicr::{
    cluster::{
        ClusterError, ClusterErrorKind,
        watch::{LiveStatus, LiveView},
    },
    ops::{Failure, Kind},
    workbench::{
        effect::Effect,
        keymap::Action,
        model::Source,
        msg::{Msg, SnapshotSlot, Written},
        overlay::Kind as Over,
    },
};
use std::sync::Arc;

/// Opens a file in place of the cluster.
fn open(desk: &mut Desk, name: &str) {
    desk.command(&format!("open {name}"));
    let Some(Effect::ReadSnapshot { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let answer = Ok(snapshot());
    desk.update(Msg::Snapshot { slot: SnapshotSlot::Cluster, generation, name: name.into(), answer });
}

/// Whether a snapshot or a text is being written.
fn writes(desk: &Desk) -> bool {
    desk.left.iter().any(|effect| matches!(effect, Effect::Save { .. } | Effect::SaveText { .. }))
}

/// The line of `:ops` that has these words.
fn operation(desk: &mut Desk, words: &str) -> String {
    let text = desk.text();
    text.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_file_that_is_opened_ends_the_watch_and_live_begins_another() {
    let mut desk = Desk::live(120, 40);
    open(&mut desk, "friday.yaml");
    assert!(desk.left.iter().any(|effect| matches!(effect, Effect::EndWatch)), "{:?}", desk.left);
    desk.command("ops");
    let line = operation(&mut desk, "watch the cluster");
    assert!(line.contains("done"), "{line}");
    desk.keys("Esc");
    desk.left.clear();
    open(&mut desk, "monday.yaml");
    assert!(!desk.left.iter().any(|effect| matches!(effect, Effect::EndWatch)), "nothing is watched: {:?}", desk.left);
    desk.act(Action::Refresh);
    desk.shows("reading the catalog and all lists again; `:open FILE` reads a snapshot again");
    desk.command("live");
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.command("ops");
    let line = operation(&mut desk, "watch the cluster");
    assert!(line.contains("running"), "{line}");
    desk.keys("Esc");

    // The cluster has answered, and nothing of it is known yet: the file is still what is shown.
    desk.update(Msg::Connected { generation, context: "demo".into(), server: "demo".into() });
    desk.shows("reading demo; monday.yaml is shown until then");
    let view = |status, inventory| Msg::Live { generation, view: LiveView { status, inventory } };
    desk.update(view(LiveStatus::Syncing { done: 0, total: 9 }, None));
    let cluster = &desk.state.model.cluster;
    assert_eq!((cluster.source, cluster.name.as_str()), (Source::Saved, "monday.yaml"));
    desk.shows("SNAP 2026-01-14");
    desk.update(view(LiveStatus::Fresh, Some(snapshot())));
    let cluster = &desk.state.model.cluster;
    assert_eq!((cluster.source, cluster.name.as_str()), (Source::Demo, "demo"));
    desk.shows("DEMO fresh");
}

#[test]
fn a_cluster_that_nothing_can_be_read_of_is_said_while_a_file_stays() {
    let mut desk = Desk::live(120, 40);
    open(&mut desk, "friday.yaml");
    desk.command("live");
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::Connected { generation, context: "demo".into(), server: "demo".into() });
    let error = ClusterError {
        kind: ClusterErrorKind::Forbidden,
        doing: "list nodes".into(),
        at: "demo".into(),
        found: "not allowed".into(),
        hint: None,
        cause: None,
    };
    let view = LiveView { status: LiveStatus::Failed { error }, inventory: None };
    desk.update(Msg::Live { generation, view });
    desk.shows("failed to list nodes");
    desk.shows("SNAP 2026-01-14");
}

#[test]
fn a_record_that_is_opened_ends_what_was_followed() {
    let mut desk = Desk::live(120, 40);
    let mut going = recorded("20260714-073000-00000000c0ffee00", true);
    going.events.truncate(going.events.len() - 4);
    going.stored.is_open = true;
    let ended = recorded("20260714-080000-00000000beefbeef", true);
    list_records(&mut desk, &[ended.clone(), going.clone()]);
    let show = |desk: &mut Desk, keys: &str, record| {
        desk.keys(keys);
        let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        desk.left.clear();
        desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record)) });
    };
    show(&mut desk, "4 g r G Enter", going);
    assert!(matches!(desk.left[..], [Effect::FollowRun { .. }]), "{:?}", desk.left);
    desk.command("ops");
    let line = operation(&mut desk, "follow run 20260714-073000");
    assert!(line.contains("running"), "{line}");
    desk.keys("Esc");
    show(&mut desk, "4 g r g g Enter", ended);
    assert!(matches!(desk.left[..], [Effect::EndFollow]), "{:?}", desk.left);
    desk.command("ops");
    let line = operation(&mut desk, "follow run 20260714-073000");
    assert!(line.contains("done") && !line.contains("checks"), "{line}");
}

/// Each of several writes ends with its own answer, and what is no write ends none.
#[test]
fn a_write_is_ended_by_its_own_answer_only() {
    let mut desk = Desk::live(120, 40);
    desk.command("save friday.yaml");
    desk.command("save monday.yaml");
    let writes = desk.left.iter().filter_map(|effect| match effect {
        Effect::Save { write, .. } => Some(*write),
        _ => None,
    });
    let [friday, monday] = writes.collect::<Vec<_>>()[..] else { panic!("two are written") };
    assert_ne!(friday, monday);
    desk.command("ops");
    // Completion could not list a folder.
    desk.update(Msg::Failed(Failure::new(Kind::Internal, "list the files", "the worker stopped")));
    for name in ["friday", "monday"] {
        let line = operation(&mut desk, name);
        assert!(line.contains("running"), "{line}");
    }
    let failure = Failure::new(Kind::Internal, "write the output", "no space left on device");
    desk.update(Msg::Written { write: monday, answer: Err(failure) });
    assert!(operation(&mut desk, "snapshot friday").contains("running"), "{}", desk.text());
    assert!(operation(&mut desk, "snapshot monday").contains("failed"), "{}", desk.text());
    let wrote = Written::Whole("wrote the snapshot: /tmp/friday.yaml".into());
    desk.update(Msg::Written { write: friday, answer: Ok(wrote) });
    assert!(operation(&mut desk, "snapshot friday").contains("done"), "{}", desk.text());
}

/// A key that does nothing to the selected row is not offered for it.
#[test]
fn only_work_that_can_be_canceled_offers_it() {
    let mut desk = Desk::live(120, 40);
    desk.command("bundle nothing");
    let Some(Effect::ReadBundle { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.command("ops");
    let offers = |desk: &mut Desk| desk.text().lines().last().is_some_and(|line| line.contains("x cancel"));
    assert!(desk.state.desk.overlay.as_ref().is_some_and(|overlay| overlay.kind == Over::Operations));
    let mut seen = Vec::new();
    for _ in 0..desk.state.operations.rows().len() {
        let text = desk.text();
        let row = text.lines().find(|line| line.contains('›')).unwrap_or_else(|| panic!("{text}")).to_owned();
        let is_offered = offers(&mut desk);
        assert_eq!(is_offered, row.contains("running") && row.contains("read the bundle"), "{row}\n{text}");
        seen.push(is_offered);
        desk.keys("j");
    }
    assert!(seen.contains(&true) && seen.contains(&false), "{seen:?}");
    desk.keys("g g");
    let failure = Failure::new(Kind::NotFound, "read the bundle", "there is no such folder");
    desk.update(Msg::BundleRead { generation, answer: Err(failure) });
    for _ in 0..desk.state.operations.rows().len() {
        assert!(!offers(&mut desk), "{}", desk.text());
        desk.keys("j");
    }
}

/// A name that says something else than a snapshot gets none.
#[test]
fn a_snapshot_is_written_under_the_name_of_one() {
    let mut desk = Desk::live(120, 40);
    for (name, says) in [
        (
            "run.txt",
            "not written: a snapshot has no suffix `.txt`, but .yaml, .yml, .json; `:save-report run.txt` does",
        ),
        ("gpu.log", "`:save-log gpu.log` does"),
        ("view.svg", "`:export view.svg` does"),
        ("cm://lab/friday", "not written: `cm://lab/friday` is not a file"),
    ] {
        desk.command(&format!("save {name}"));
        desk.shows(says);
        assert!(!writes(&desk), "{name}");
    }
    for (screen, name) in
        [("1", "prod-1.34"), ("1", "friday"), ("1", "friday.json"), ("4", "friday.json"), ("4", "friday.yml")]
    {
        desk.keys(screen);
        desk.command(&format!("save {name}"));
        assert!(matches!(desk.left.pop(), Some(Effect::Save { replace: false, .. })), "{name}");
    }
    // Beside a run, a file of this suffix may be meant for its report.
    run_half_way(&mut desk);
    desk.keys("4");
    desk.command("save run.json");
    assert!(!writes(&desk), "{}", desk.text());
    desk.shows("write the snapshot?");
    desk.shows("`:save-report run.json` writes the report of the run that is shown.");
    golden("save-question-120x40", &desk.text());
    desk.keys("Enter");
    assert!(!writes(&desk) && desk.state.desk.overlay.is_none(), "{}", desk.text());
    desk.command("save run.json");
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::Save { replace: false, .. })), "{:?}", desk.left);
    desk.command("save-report cm://lab/run.json");
    desk.shows("not written: `cm://lab/run.json` is not a file, and the workbench writes to files");
    assert!(!writes(&desk), "{}", desk.text());
}
