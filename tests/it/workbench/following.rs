//! Runs that this workbench does not run: found at the start, followed by their record or by their Jobs, and let go again.

use super::{
    desk::{Desk, NOW, list_records, recorded, run_half_way},
    screens::all_golden,
};
use aicr::{
    cluster::watch::LiveStatus,
    ops::{
        self,
        connect::Target,
        run::record::{Record, RecordEnd},
    },
    term::{input::Input, key},
    validate::event::{Body, Event, State as CheckState},
    workbench::{RunOptions, effect::Effect, keymap::Action, msg::Msg, panes::CHECKS},
};
use std::sync::Arc;

const NEWER: &str = "20260714-080000-00000000beefbeef";
const OLDER: &str = "20260714-073000-00000000c0ffee00";

#[test]
fn a_run_of_another_terminal_is_followed_to_its_end() {
    let mut desk = Desk::live(120, 40);
    let mut record = recorded("20260714-073000-00000000c0ffee00", true);
    let rest = record.events.split_off(record.events.len() - 4);
    record.stored.is_open = true;
    let name = record.stored.name.clone();
    list_records(&mut desk, &[record.clone()]);
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record.clone())) });
    let Some(Effect::FollowRun { generation, name: followed, from }) = desk.left.pop() else {
        panic!("{:?}", desk.left)
    };
    assert_eq!((&followed, from), (&name, record.events.len()));
    desk.shows("goes on in another terminal, and is followed here");
    desk.shows("x end following");
    desk.keys("x");
    desk.shows("paused and canceled there");
    desk.keys("Enter");
    // Another run was followed before; what still comes of it is dropped.
    let strange = rest.last().expect("the end").clone();
    desk.update(Msg::Followed { generation: generation - 1, event: strange.into() });
    assert!(!desk.text().contains("run ended"), "{}", desk.text());
    for event in rest {
        desk.update(Msg::Followed { generation, event: event.into() });
    }
    desk.shows("run ended: fail");
    desk.update(Msg::FollowEnded { generation, answer: Ok(RecordEnd::Ended) });
    desk.keys("x");
    desk.shows("no run is active");
}

#[test]
fn a_run_that_somebody_else_started_on_the_cluster_is_attached_to() {
    let mut desk = Desk::live(200, 60);
    desk.command("attach");
    let Some(Effect::FindRuns { generation, namespace: None, is_asked_for: true }) = desk.left.pop() else {
        panic!("{:?}", desk.left)
    };
    let found = |runs: &[&str]| Msg::RunsFound {
        generation,
        namespace: "aicr-validation".into(),
        is_asked_for: true,
        answer: Ok(runs.iter().map(|run| (*run).to_owned()).collect()),
    };
    desk.update(found(&[]));
    desk.shows("no run has a Job in namespace aicr-validation");
    // Of several, a person chooses.
    let [newer, older] = [NEWER, OLDER];
    desk.update(found(&[newer, older]));
    desk.shows("2 runs in namespace aicr-validation; Enter follows one");
    desk.shows("2026-07-14 07:30:00  in cluster");
    desk.keys("G Enter");
    let Some(Effect::AttachRun { generation, name, namespace }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!((&*name, &*namespace), (older, "aicr-validation"));
    desk.shows("goes on in the cluster, and is followed here");
    // The first check is known at first, the second when its Job comes.
    let events = recorded(older, true).events;
    let Body::Planned { checks, .. } = events[0].body.clone() else { panic!("{:?}", events[0]) };
    let planned = |known: usize| Event {
        body: match events[0].body.clone() {
            Body::Planned { run_id, namespace, context, .. } => Body::Planned {
                run_id,
                namespace,
                context,
                recipe: String::new(),
                criteria: String::new(),
                checks: checks[..known].to_vec(),
            },
            other => other,
        },
        ..events[0].clone()
    };
    let follow = |desk: &mut Desk, event: &Event| {
        desk.update(Msg::Followed { generation, event: event.clone().into() });
    };
    follow(&mut desk, &planned(1));
    events[1..]
        .iter()
        .take_while(|event| !matches!(event.body, Body::Finished { .. }))
        .for_each(|event| follow(&mut desk, event));
    let rest = events.iter().skip_while(|event| !matches!(event.body, Body::Finished { .. }));
    follow(&mut desk, rest.clone().next().expect("a result"));
    desk.shows("1 pass");
    follow(&mut desk, &planned(checks.len()));
    desk.shows("1 pass");
    rest.skip(1).for_each(|event| follow(&mut desk, event));
    desk.shows("4 pass 1 fail");
    desk.update(Msg::FollowEnded { generation, answer: Ok(RecordEnd::Ended) });
    // By its name, in a namespace.
    desk.command("attach c0ffee00 checks");
    let Some(Effect::FindRuns { generation, namespace, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(namespace.as_deref(), Some("checks"));
    desk.update(Msg::RunsFound {
        generation,
        namespace: "checks".into(),
        is_asked_for: true,
        answer: Ok(vec![older.into(), newer.into()]),
    });
    assert!(matches!(desk.left.pop(), Some(Effect::AttachRun { .. })), "{:?}", desk.left);
}

/// Asks for the runs of the cluster, and answers.
fn attach(desk: &mut Desk, answer: Result<Vec<String>, ops::Failure>) {
    desk.command("attach");
    let Some(Effect::FindRuns { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunsFound { generation, namespace: "aicr-validation".into(), is_asked_for: true, answer });
}

/// What was found at the start without anybody having asked.
fn seen(runs: &[&str]) -> Msg {
    Msg::RunsFound {
        generation: 1,
        namespace: "aicr-validation".into(),
        is_asked_for: false,
        answer: Ok(runs.iter().map(|run| (*run).to_owned()).collect()),
    }
}

/// A record whose program goes on, was killed, or has left.
fn unfinished(id: &str) -> Record {
    let mut record = recorded(id, true);
    record
        .events
        .retain(|event| !matches!(event.body, Body::Finished { .. } | Body::CleanedUp { .. } | Body::Ended { .. }));
    record
}

fn left(id: &str) -> Record {
    let mut record = unfinished(id);
    let last = record.events.last().expect("events").clone();
    record.events.push(Event { body: Body::Left { checks: vec!["dra-support".into()] }, ..last });
    record
}

/// Records as the list has them, with nothing but what was written.
fn list_as_written(desk: &mut Desk, records: &[Record]) {
    let mut summaries = Vec::new();
    for record in records {
        let mut report = aicr::report::Report::default();
        record.events.iter().for_each(|event| report.on(event));
        summaries.push(ops::run::record::Summary {
            stored: record.stored.clone(),
            facts: record.facts.clone(),
            report,
        });
    }
    desk.listed = Arc::new(summaries);
    let generation = desk.state.model.records.list.start();
    desk.update(Msg::RunsListed { generation, answer: Ok(desk.listed.clone()) });
}

fn attaches(desk: &Desk) -> Option<(&str, &str)> {
    desk.left.iter().rev().find_map(|effect| match effect {
        Effect::AttachRun { name, namespace, .. } => Some((name.as_str(), namespace.as_str())),
        _ => None,
    })
}

/// Once, and again for nobody: reading everything anew looks for no runs.
#[test]
fn runs_of_others_are_looked_for_once_at_the_start_of_a_session_with_a_cluster() {
    let connected = |generation| Msg::Connected { generation, context: "lab".into(), server: "lab".into() };
    let looks = |state: &mut aicr::workbench::app::State, generation| {
        let effects = state.update(connected(generation));
        effects.iter().any(|effect| matches!(effect, Effect::FindRuns { namespace: None, is_asked_for: false, .. }))
    };
    let options = RunOptions { target: Target::default(), ..RunOptions::default() };
    let mut desk = Desk::started(&options, 80, 24);
    assert!(looks(&mut desk.state, 1) && !looks(&mut desk.state, 1));
    desk.act(Action::Refresh);
    let generation = desk.state.model.cluster.generation;
    assert!(!looks(&mut desk.state, generation));
    let mut desk = Desk::started(&RunOptions { read_only: true, ..options.clone() }, 80, 24);
    assert!(looks(&mut desk.state, 1), "it only reads");
    let mut desk = Desk::started(&RunOptions { snapshots: vec!["a.yaml".into()], ..options }, 80, 24);
    let generation = desk.state.model.cluster.generation;
    assert!(!looks(&mut desk.state, generation), "a file was asked for");
}

#[test]
fn the_only_run_of_others_is_followed_at_the_start_and_nobody_is_moved() {
    for is_read_only in [false, true] {
        let mut desk = Desk::of_contexts(120, 40);
        desk.state.model.read_only = is_read_only;
        desk.update(seen(&[OLDER]));
        assert_eq!(attaches(&desk), Some((OLDER, "aicr-validation")));
        desk.shows("run 20260714-073000, started elsewhere, has Jobs; followed on Validate (4)");
        desk.shows("» following a run");
        desk.shows("[1 Cluster]");
        desk.keys("4");
        desk.shows("ATTACHED  nothing seen yet");
    }
}

#[test]
fn several_runs_of_others_are_told_and_listed() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.update(seen(&[NEWER, OLDER]));
    assert_eq!(attaches(&desk), None);
    desk.shows("2 runs have Jobs in aicr-validation; `:attach` lists them");
    desk.keys("4");
    desk.shows("» run 20260714-080000 has Jobs in aicr-validation, started elsewhere;");
    desk.shows("» run 20260714-073000 has Jobs in aicr-validation, started elsewhere;");
    desk.shows("`:attach` follows it");
    desk.keys("g r");
    desk.shows("2026-07-14 07:30:00  in cluster");
}

/// What a person looks at, or has asked for, stays.
#[test]
fn nothing_is_followed_by_itself_beside_what_was_asked_for() {
    let only_told = |mut desk: Desk, why: &str| {
        desk.left.clear();
        desk.update(seen(&[OLDER]));
        assert_eq!(attaches(&desk), None, "{why}");
        desk.shows("run 20260714-073000, started elsewhere, has Jobs; `:attach` follows it");
    };
    let mut running = Desk::of_contexts(160, 40);
    run_half_way(&mut running);
    only_told(running, "a run is active");
    let mut replaying = Desk::of_contexts(160, 40);
    let record = recorded(NEWER, true);
    list_records(&mut replaying, std::slice::from_ref(&record));
    replaying.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = replaying.left.pop() else { panic!("{:?}", replaying.left) };
    replaying.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record)) });
    only_told(replaying, "a record is shown");
    let options = RunOptions { go: vec!["value driver.enabled".into()], ..RunOptions::default() };
    let mut asked = Desk::started(&options, 160, 40);
    asked.update(Msg::Connected { generation: 1, context: "lab".into(), server: "lab".into() });
    asked.view(LiveStatus::Fresh, Some(super::desk::snapshot()));
    only_told(asked, "something else was asked for");
}

/// What is told depends on the records of this machine, in whichever order they come.
#[test]
fn a_run_is_told_by_what_its_record_says() {
    let told = |record: Record, comes_first: bool| {
        let mut desk = Desk::of_contexts(160, 40);
        // The records are being read.
        desk.state.model.records.list.start();
        if comes_first {
            list_as_written(&mut desk, std::slice::from_ref(&record));
        }
        desk.left.clear();
        desk.update(seen(&[OLDER]));
        if !comes_first {
            assert!(desk.left.is_empty(), "{:?}", desk.left);
            list_as_written(&mut desk, std::slice::from_ref(&record));
        }
        desk
    };
    for comes_first in [true, false] {
        let mut by_its_program = told(left(OLDER), comes_first);
        assert_eq!(attaches(&by_its_program), Some((OLDER, "aicr-validation")));
        by_its_program.shows("run 20260714-073000, left by its program, has Jobs; followed on Validate (4)");
        let mut killed = told(unfinished(OLDER), comes_first);
        assert_eq!(attaches(&killed), Some((OLDER, "aicr-validation")));
        killed.shows("run 20260714-073000, interrupted, has Jobs; followed on Validate (4)");
        // Of a run that has ended, nothing goes on: its Jobs were kept.
        let mut kept = told(recorded(OLDER, true), comes_first);
        assert!(kept.left.is_empty(), "{:?}", kept.left);
        assert!(!kept.text().contains("has Jobs"), "{}", kept.text());
    }
}

/// Its record has more of it than its Jobs.
#[test]
fn a_run_of_another_terminal_is_followed_by_its_record_at_the_start() {
    let mut record = unfinished(OLDER);
    record.stored.is_open = true;
    let mut desk = Desk::of_contexts(160, 40);
    list_as_written(&mut desk, std::slice::from_ref(&record));
    desk.left.clear();
    desk.update(seen(&[OLDER]));
    desk.shows("run 20260714-073000, started in another terminal, has Jobs; followed on Validate (4)");
    let Some(Effect::OpenRun { generation, name, compare: false }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(name, OLDER);
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record.clone())) });
    assert!(matches!(desk.left.pop(), Some(Effect::FollowRun { .. })), "{:?}", desk.left);
    desk.shows("[1 Cluster]");
    desk.keys("4");
    desk.shows("FOLLOWED");
    // One that has ended meanwhile is not opened: nobody has asked for its record.
    let mut desk = Desk::of_contexts(160, 40);
    list_as_written(&mut desk, std::slice::from_ref(&record));
    desk.left.clear();
    desk.update(seen(&[OLDER]));
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(recorded(OLDER, true))) });
    assert!(desk.left.is_empty() && desk.state.model.run.id.is_empty(), "{:?}", desk.left);
}

#[test]
fn where_nobody_may_look_for_runs_nothing_is_said() {
    let mut desk = Desk::of_contexts(120, 40);
    let said = desk.state.model.messages.len();
    let refused = ops::Failure::new(ops::Kind::Forbidden, "list jobs", "jobs.batch is forbidden");
    desk.update(Msg::RunsFound {
        generation: 1,
        namespace: "aicr-validation".into(),
        is_asked_for: false,
        answer: Err(refused.clone()),
    });
    assert_eq!(desk.state.model.messages.len(), said);
    // Who asks is told.
    attach(&mut desk, Err(refused));
    desk.shows("jobs.batch is forbidden");
}

/// The cluster of another context has other runs.
#[test]
fn runs_that_were_seen_on_another_cluster_are_not_told() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.command("context production-us");
    desk.update(Msg::Switched(Ok("production-us".into())));
    desk.left.clear();
    desk.update(seen(&[OLDER]));
    assert!(desk.left.is_empty() && !desk.text().contains("has Jobs"), "{}", desk.text());
}

#[test]
fn runs_complete_the_command_that_follows_one() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.update(seen(&[NEWER, OLDER]));
    desk.keys(":");
    desk.type_text("attach ");
    desk.shows(&format!("attach {NEWER}"));
    desk.shows(&format!("attach {OLDER}"));
    desk.type_text("beef");
    desk.keys("Down Enter");
    let Some(Effect::FindRuns { generation, is_asked_for: true, .. }) = desk.left.pop() else {
        panic!("{:?}", desk.left)
    };
    desk.update(Msg::RunsFound {
        generation,
        namespace: "aicr-validation".into(),
        is_asked_for: true,
        answer: Ok(vec![NEWER.into(), OLDER.into()]),
    });
    assert_eq!(attaches(&desk), Some((NEWER, "aicr-validation")));
}

/// A desk that is attached to a run half way, and the number of that.
fn attached(width: u16, height: u16) -> (Desk, u64) {
    let mut desk = Desk::of_contexts(width, height);
    desk.update(seen(&[OLDER]));
    let Some(Effect::AttachRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    for event in unfinished(OLDER).events {
        // What was before somebody attached is not seen.
        let is_seen = !matches!(event.body, Body::Readiness { .. } | Body::PhaseStarted { .. });
        if is_seen {
            desk.update(Msg::Followed { generation, event: event.into() });
        }
    }
    desk.keys("4");
    desk.left.clear();
    (desk, generation)
}

#[test]
fn an_attached_run_is_marked_and_nothing_is_said_that_was_not_seen() {
    let mut frames = Vec::new();
    for (width, height) in [(80, 24), (120, 40)] {
        let (mut desk, _) = attached(width, height);
        desk.keys("g g");
        frames.push((format!("attached-{width}x{height}"), desk.text()));
        desk.keys("x");
        frames.push((format!("attached-end-{width}x{height}"), desk.text()));
    }
    all_golden(frames);
}

#[test]
fn nothing_of_an_attached_run_is_canceled_but_the_following() {
    let (mut desk, generation) = attached(120, 40);
    desk.keys("p");
    desk.shows("whoever started it can pause and cancel it");
    desk.keys("x");
    desk.shows("end following the run?");
    desk.keys("Enter");
    assert!(desk.left.is_empty() && desk.state.model.follows(), "{:?}", desk.left);
    desk.keys("x Tab Enter");
    assert!(matches!(desk.left[..], [Effect::EndFollow]), "{:?}", desk.left);
    desk.shows("run 20260714-073000 is not followed any more; `:attach` follows it again");
    desk.shows("NOT FOLLOWED");
    // What comes late of it changes nothing.
    let late = recorded(OLDER, true).events.into_iter().find(|event| matches!(event.body, Body::Finished { .. }));
    desk.update(Msg::Followed { generation, event: late.expect("a result").into() });
    assert!(desk.state.model.run.checks.iter().all(|check| check.result.is_none()));
    desk.keys("x");
    desk.shows("no run is active");
    // From the list of operations as well.
    let (mut desk, _) = attached(120, 40);
    desk.command("ops");
    desk.shows("follow run 20260714-073000-00000000c0ffee00 of the cluster");
    desk.keys("x");
    desk.shows("end following the run?");
    desk.keys("Tab Enter");
    assert!(matches!(desk.left[..], [Effect::EndFollow]), "{:?}", desk.left);
}

/// The question goes when there is nothing to end any more.
#[test]
fn the_question_whether_to_end_following_closes_with_the_run() {
    let (mut desk, generation) = attached(120, 40);
    desk.keys("x");
    desk.update(Msg::FollowEnded { generation, answer: Ok(RecordEnd::Ended) });
    assert!(desk.state.desk.overlay.is_none(), "{}", desk.text());
}

/// What is on its way of the first time is in the record that is read the second time.
#[test]
fn a_followed_run_that_is_opened_again_counts_no_line_twice() {
    let mut desk = Desk::live(120, 40);
    let mut record = unfinished(OLDER);
    record.stored.is_open = true;
    list_as_written(&mut desk, std::slice::from_ref(&record));
    let open = |desk: &mut Desk, record: &Record| {
        desk.keys("4 g r Enter");
        let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record.clone())) });
        let Some(Effect::FollowRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
        generation
    };
    let lines = |desk: &Desk| desk.state.model.run.check("dra-support").map(|check| check.log.end());
    let first = open(&mut desk, &record);
    let before = lines(&desk).expect("the check is known");
    let body = Body::Log { check: "dra-support".into(), text: "a line".into(), source: String::new() };
    let line = Event { body, ..record.events.last().expect("events").clone() };
    // It is written, and read again before what was sent of it has arrived.
    record.events.push(line.clone());
    let second = open(&mut desk, &record);
    assert_eq!(lines(&desk), Some(before + 1));
    desk.update(Msg::Followed { generation: first, event: line.clone().into() });
    assert_eq!(lines(&desk), Some(before + 1), "it came a second time");
    // Nor is the end of the first time that of the second.
    desk.update(Msg::FollowEnded { generation: first, answer: Ok(RecordEnd::Interrupted) });
    assert!(desk.state.model.follows() && !desk.text().contains("was interrupted"), "{}", desk.text());
    desk.update(Msg::Followed { generation: second, event: line.into() });
    assert_eq!(lines(&desk), Some(before + 2), "what is new is taken");
}

#[test]
fn a_run_that_is_left_while_its_record_is_followed_says_how_to_go_on() {
    let mut desk = Desk::live(120, 40);
    let mut record = unfinished(OLDER);
    record.stored.is_open = true;
    list_as_written(&mut desk, std::slice::from_ref(&record));
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(Arc::new(record)) });
    let Some(Effect::FollowRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let last = left(OLDER).events.pop().expect("events");
    desk.update(Msg::Followed { generation, event: last.into() });
    desk.update(Msg::FollowEnded { generation, answer: Ok(RecordEnd::Left) });
    desk.shows("LEFT  4 run");
    desk.shows("was left: its Jobs go on, and `:attach` follows them");
    desk.keys("g g");
    desk.shows("left by its program; Jobs of these");
    assert_eq!(desk.state.desk.focused(), &CHECKS);
}

/// A list has both words, and Enter on what is on the cluster goes there.
#[test]
fn a_run_that_was_left_is_one_row_and_is_attached_to() {
    let mut desk = Desk::of_contexts(160, 40);
    list_as_written(&mut desk, &[left(NEWER), left(OLDER)]);
    desk.state.model.run.id = "another".into();
    desk.update(seen(&[OLDER]));
    desk.keys("4 g r");
    desk.shows("2026-07-14 07:30:00  in cluster  left by its program");
    let rows = desk.text().lines().filter(|line| line.contains("2026-")).count();
    assert_eq!(rows, 2, "{}", desk.text());
    desk.shows("left  ");
    desk.keys("g g Enter");
    assert_eq!(attaches(&desk), Some((OLDER, "aicr-validation")));
}

/// Who attaches late sees when lines were written and since when checks run, and not when they looked.
#[test]
fn what_happened_before_somebody_attached_has_its_own_times() {
    let mut desk = Desk::live(200, 60);
    attach(&mut desk, Ok(vec![OLDER.to_owned()]));
    let Some(Effect::AttachRun { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let planned = recorded(OLDER, true).events[0].clone();
    let follow = |desk: &mut Desk, ago_ms: u64, body: Body| {
        let stated_at_ms = Some(NOW - ago_ms);
        let event = Event { seq: 0, observed_at_ms: NOW, stated_at_ms, body };
        desk.update(Msg::Followed { generation, event: event.into() });
    };
    desk.update(Msg::Followed { generation, event: Event { observed_at_ms: NOW, ..planned }.into() });
    let check = || "operator-health".to_owned();
    let state = CheckState::Running { node: "worker-1".into() };
    follow(&mut desk, 125_000, Body::State { check: check(), state });
    for (ago_ms, text) in [(120_000, "reads pods"), (60_000, "1 of 1 pods is ready")] {
        follow(&mut desk, ago_ms, Body::Log { check: check(), text: text.into(), source: String::new() });
    }
    desk.keys("4 g g j j");
    desk.shows("2 min 5 s");
    desk.keys("g l");
    desk.shows("09:10:00.000  reads pods");
    desk.shows("09:11:00.000  1 of 1 pods is ready");
}

/// Another program goes on with its run: its row is read again while that is so, and the records where they are looked at.
#[test]
fn records_of_other_programs_are_read_again_until_they_have_an_end() {
    let mut desk = Desk::live(120, 40);
    let mut record = unfinished(NEWER);
    record.stored.is_open = true;
    let lists = |desk: &mut Desk, msg: Msg| {
        let effects = desk.state.update(msg);
        effects.iter().any(|effect| matches!(effect, Effect::ListRuns { .. }))
    };
    let key = |name: &str| Msg::Input(Input::Key(key::sequence(name).unwrap()[0]));
    list_as_written(&mut desk, std::slice::from_ref(&record));
    let read_ms = desk.state.model.now_ms;
    assert!(desk.state.moves_by_itself(), "time goes on for it");
    assert!(!lists(&mut desk, Msg::Tick), "it was read just now");
    desk.state.model.now_ms = read_ms + 5_000;
    assert!(lists(&mut desk, Msg::Tick));
    assert!(!lists(&mut desk, Msg::Tick), "one reading at a time");
    // Its program was killed, or it has its end: nothing is read any more by itself, and nothing ticks for it.
    record.stored.is_open = false;
    list_as_written(&mut desk, std::slice::from_ref(&record));
    desk.state.model.now_ms = read_ms + 20_000;
    assert!(!lists(&mut desk, Msg::Tick) && !desk.state.moves_by_itself());
    // Who goes to the runs looks at what there is now.
    assert!(lists(&mut desk, key("4")));
    list_as_written(&mut desk, std::slice::from_ref(&record));
    assert!(!lists(&mut desk, key("g")));
    assert!(lists(&mut desk, key("r")), "g r");
}
