//! One kubeconfig, several clusters: choosing another context while the workbench is open.

use super::{
    desk::{Desk, contexts, earlier, run_half_way, snapshot},
    screens::golden,
};
use crate::sandbox::Sandbox;
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    ops::{
        self, Failure, Kind,
        demo::DemoOptions,
        session::Session,
        snapshots::{self, How},
    },
    workbench::{
        Look,
        effect::Effect,
        keymap::Action,
        model::Source,
        msg::Msg,
        panes::{CHECKS, Need, RowId},
    },
};

fn view(generation: u64) -> Msg {
    Msg::Live { generation, view: LiveView { inventory: Some(snapshot()), status: LiveStatus::Fresh } }
}

#[test]
fn the_picker_lists_contexts_and_enter_switches() {
    let mut desk = Desk::of_contexts(80, 24);
    desk.command("context");
    assert!(matches!(desk.left[..], [Effect::Contexts { pick: true }]), "{:?}", desk.left);
    desk.left.clear();
    desk.update(Msg::Contexts { pick: true, answer: Ok(contexts()) });
    golden("contexts-80x24", &desk.text());
    desk.type_text("us");
    desk.keys("Enter");
    let [Effect::SwitchContext(name)] = &desk.left[..] else { panic!("{:?}", desk.left) };
    assert_eq!(name, "production-us");
}

/// What is shown stays until there is something to show of the other cluster, and says so; then nothing of it stays.
#[test]
fn a_switch_keeps_the_old_view_until_the_new_cluster_is_read_and_nothing_of_it_after() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.command("diff cluster");
    desk.keys("1");
    desk.shows("worker-1");
    desk.command("context production-us");
    desk.left.clear();
    desk.update(Msg::Switched(Ok("production-us".into())));
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.shows("context production-us; lab is shown until it has been read");
    desk.shows("connecting production-us");
    let frame = desk.text();
    assert!(frame.contains("worker-1") && frame.contains("aicr · lab ·"), "{frame}");
    // What comes of the old watch is not heard, and nothing is done in a cluster that is not the one in view.
    for late in [view(generation - 1), Msg::Connected { generation: 1, context: "lab".into(), server: "s".into() }] {
        desk.update(late);
        assert_eq!(desk.text(), frame, "the old watch is not heard any more");
    }
    for (keys, command) in [("4 r", ""), ("1 e", ""), ("", "upgrade"), ("", "attach"), ("", "deploy bundle")] {
        desk.keys(keys);
        if !command.is_empty() {
            desk.command(command);
        }
        desk.left.retain(|effect| !matches!(effect, Effect::ListFiles(_)));
        assert!(desk.left.is_empty(), "{keys}{command}: {:?}", desk.left);
        desk.shows("not done: production-us is being read, and what is shown is of lab until then");
    }
    desk.keys("1");
    // The connection and the first answers are not yet something to show.
    let context = "production-us".to_owned();
    desk.update(Msg::Connected { generation, context, server: "https://192.0.2.7".into() });
    let status = LiveStatus::Syncing { done: 2, total: 9 };
    desk.update(Msg::Live { generation, view: LiveView { inventory: None, status } });
    desk.shows("reading production-us 2/9");
    desk.shows("aicr · lab ·");
    golden("switching-120x40", &desk.text());
    let mut other = aicr::inventory::Inventory::clone(&snapshot());
    other.nodes.retain(|node| &*node.name != "worker-1");
    let view = LiveView { inventory: Some(std::sync::Arc::new(other)), status: LiveStatus::Fresh };
    desk.update(Msg::Live { generation, view });
    let frame = desk.text();
    assert!(frame.contains("context production-us is shown now"), "{frame}");
    assert!(frame.contains("aicr · production-us ·"), "{frame}");
    assert!(!frame.contains("worker-1 ") && !frame.contains(" lab "), "{frame}");
    let compared = desk.state.model.diff.changes.answer().map(|(sides, _)| format!("{sides:?}"));
    let names = |name: &str| compared.as_ref().is_some_and(|sides| sides.contains(name));
    assert!(names("production-us") && !names("lab"), "compared again, with the new cluster: {compared:?}");
}

#[test]
fn a_cluster_that_cannot_be_reached_leaves_the_old_view_which_grows_old() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.command("context production-us");
    desk.left.clear();
    desk.update(Msg::Switched(Ok("production-us".into())));
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let failure = Failure::new(Kind::Unreachable, "connect to the cluster", "connection refused");
    desk.update(Msg::ConnectFailed { generation, failure });
    desk.shows("not connected: production-us");
    desk.shows("connection refused");
    desk.shows("worker-1");
    desk.state.model.now_ms += 15_000;
    desk.state.desk.refresh();
    desk.shows("15 s old");
    // R tries again; another context can be chosen.
    desk.keys("R");
    assert!(desk.left.iter().any(|effect| matches!(effect, Effect::Watch { .. })), "{:?}", desk.left);
    desk.left.clear();
    desk.command("context lab");
    assert!(matches!(desk.left[..], [Effect::SwitchContext(_)]), "{:?}", desk.left);
}

/// The session is with the next cluster already: what is installed there is nothing that a recipe for the one in view keeps.
#[test]
fn a_recipe_keeps_nothing_of_the_cluster_that_is_being_switched_to() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.command("context production-us");
    desk.update(Msg::Switched(Ok("production-us".into())));
    let before = desk.state.model.recipe.value.clone().expect("a recipe for the cluster in view");
    desk.command("inherit cluster");
    desk.shows("production-us is being read");
    let after = desk.state.model.recipe.value.clone().expect("it stays");
    assert!(std::sync::Arc::ptr_eq(&before, &after), "another recipe: {:?}", after.recipe.extra);
}

/// However late it comes: a list of runs, a kept moment, the output of containers.
#[test]
fn what_was_asked_of_one_cluster_is_not_heard_after_a_switch_to_another() {
    let mut desk = Desk::of_contexts(120, 40);
    let folder = tempfile::tempdir().unwrap();
    snapshots::save(folder.path(), &snapshot(), None, How::Recorded).unwrap();
    desk.kept = Some(folder);
    desk.keys("T T");
    let late_moment = desk.state.update(Msg::Act(Action::StepBack));
    assert!(matches!(late_moment[..], [Effect::OpenMoment { .. }]), "{late_moment:?}");
    desk.keys("4");
    run_half_way(&mut desk);
    desk.state.desk.focus_on(&CHECKS);
    desk.state.prepare();
    assert!(desk.state.desk.table_mut(&CHECKS).select(&RowId::Check("dra-support".into())));
    desk.state.desk.mark(Need::Cursor(&CHECKS));
    desk.command("previous");
    let Some(Effect::ReadPrevious { generation: previous, check, .. }) = desk.left.pop() else {
        panic!("{:?}", desk.left)
    };
    let run_id = desk.state.model.run.id.clone();
    desk.update(Msg::RunEnded { run_id, answer: Ok(()) });
    let attach = |desk: &mut Desk| {
        desk.command("attach");
        match desk.left.pop() {
            Some(Effect::FindRuns { generation, .. }) => generation,
            other => panic!("{other:?}"),
        }
    };
    let found = |generation| Msg::RunsFound {
        generation,
        namespace: "aicr-validation".into(),
        is_asked_for: true,
        answer: Ok(vec!["20260714-080000-00000000beefbeef".into(), "20260714-073000-00000000c0ffee00".into()]),
    };
    let listed = attach(&mut desk);
    desk.update(found(listed));
    assert!(desk.state.model.records.in_cluster.is_some());
    let asked = attach(&mut desk);

    desk.update(Msg::Switched(Ok("production-us".into())));
    assert!(desk.state.model.records.in_cluster.is_none(), "runs of lab could be followed in production-us");
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let context = "production-us".to_owned();
    desk.update(Msg::Connected { generation, context, server: "https://192.0.2.7".into() });
    desk.update(view(generation));
    desk.shows("context production-us is shown now");
    desk.update(found(asked));
    assert!(desk.state.model.records.in_cluster.is_none());
    desk.update(Msg::PreviousRead { generation: previous, check, answer: Ok(vec![earlier()]) });
    assert!(!desk.text().contains("device 0 is gone"), "{}", desk.text());
    desk.carry_out(late_moment);
    let source = desk.state.model.cluster.source;
    assert_eq!(source, Source::Live, "{}", desk.text());
}

#[test]
fn a_context_that_is_not_there_changes_nothing() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.command("context lba");
    desk.update(Msg::Switched(Err(Failure::new(Kind::Usage, "switch the context", "context `lba` does not exist"))));
    desk.shows("failed to switch the context: context `lba` does not exist");
    desk.shows("worker-1");
    desk.left.clear();
    desk.command("context lab");
    assert!(matches!(desk.left[..], [Effect::SwitchContext(_)]), "another one can be chosen: {:?}", desk.left);
}

#[test]
fn a_run_and_a_plan_stay_with_their_cluster() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.keys("4 r");
    let Some(Effect::Plan { generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    desk.command("context production-us");
    desk.keys("r");
    desk.shows("the context is being switched");
    desk.update(Msg::Planned { generation, answer: Err(Failure::new(Kind::Internal, "plan", "of the old cluster")) });
    assert!(!desk.text().contains("of the old cluster"), "{}", desk.text());
    desk.left.clear();
    desk.command("context lab");
    desk.shows("still switching to `production-us`");
    desk.update(Msg::Switched(Ok("production-us".into())));

    let mut desk = Desk::of_contexts(120, 40);
    run_half_way(&mut desk);
    desk.command("context production-us");
    desk.shows("a run is active on this cluster");
    assert!(desk.left.is_empty(), "{:?}", desk.left);
}

/// The fleet is a cluster of its own, with what is kept and recorded of it, and the demo is left for it and come back to.
#[test]
fn the_fleet_is_a_context_of_the_demo() {
    let mut desk = Desk::live_with_past(120, 40, Look::default());
    desk.command("context");
    assert!(matches!(desk.left[..], [Effect::Contexts { pick: true }]), "{:?}", desk.left);
    desk.left.clear();
    desk.command("context fleet");
    assert!(matches!(&desk.left[..], [Effect::SwitchContext(name)] if name == "fleet"), "{:?}", desk.left);
    desk.left.clear();
    desk.runs = None;
    desk.update(Msg::Switched(Ok("fleet".into())));
    assert_eq!(desk.state.model.records.list.value.as_ref().map(|runs| runs.len()), Some(0), "of the small cluster");
    desk.shows("context fleet; demo is shown until it has been read");
    let generation = desk.state.model.cluster.generation;
    desk.update(Msg::Connected { generation, context: "fleet".into(), server: "demo".into() });
    let view = LiveView { inventory: Some(snapshot()), status: LiveStatus::Fresh };
    desk.update(Msg::Live { generation, view });
    desk.shows("context fleet is shown now");
    desk.shows("DEMO fresh");
    assert!(desk.state.link().starts_with("aicr --demo --context fleet tui"), "{}", desk.state.link());
}

/// A recording is one cluster.
#[test]
fn the_contexts_of_the_demo_are_those_of_its_world() {
    let contexts = |options: DemoOptions| Session::new(ops::connect::Target::Demo(options)).contexts().unwrap();
    let own = contexts(DemoOptions::default());
    assert_eq!((own.names, own.current.as_deref()), (vec!["demo".to_owned(), "fleet".into()], Some("demo")));
    let world = Some(ops::place::Place::File("world.yaml".into()));
    assert_eq!(contexts(DemoOptions { world, ..DemoOptions::default() }).names, ["demo"]);
}

/// One command for everything that can be looked at, by what its argument names.
#[test]
fn one_command_shows_every_source() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.keys(":");
    desk.type_text("source ");
    for offered in ["source live", "source lab", "source production-us"] {
        desk.shows(offered);
    }
    desk.keys("Esc");
    let mut asked = |line: &str| {
        desk.left.clear();
        desk.command(line);
        // What helps to type is not what was asked for.
        desk.left.retain(|effect| !matches!(effect, Effect::ListFiles(_)));
        std::mem::take(&mut desk.left)
    };
    let effects = asked("source production-us");
    assert!(matches!(&effects[..], [Effect::SwitchContext(name)] if name == "production-us"), "{effects:?}");
    for run in ["20260714-073000-00000000c0ffee00", "last", "run.jsonl"] {
        let effects = asked(&format!("source {run}"));
        assert!(matches!(&effects[..], [Effect::OpenRun { name, compare: false, .. }] if name == run), "{effects:?}");
    }
    // A file that is called like a context is named with its folder.
    for file in ["before.yaml", "./lab"] {
        let effects = asked(&format!("source {file}"));
        let [Effect::ReadSnapshot { path, .. }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(path.to_str(), Some(file));
    }
    let effects = asked("source live");
    assert!(matches!(effects[..], [Effect::Watch { .. }]), "{effects:?}");
    let effects = asked("source @-1");
    assert!(effects.is_empty(), "{effects:?}");
    desk.shows("no snapshot");
}

/// Three contexts for servers that are not there; the second one's user has a plugin that says something.
const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: a, cluster: {server: "http://127.0.0.1:1"}}
users:
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: sh
      args: ["-c", 'printf "open \033[2Jhttps://login.example\n" >&2; echo "{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"t\"}}"']
      interactiveMode: IfAvailable
contexts:
- {name: one, context: {cluster: a}}
- {name: two, context: {cluster: a, user: plugin}}
"#;

#[test]
fn the_program_switches_and_shows_what_a_plugin_says() {
    let sandbox = Sandbox::new();
    sandbox.file(".kube/config", KUBECONFIG);
    let path = std::env::var("PATH").unwrap_or_default();
    let play = |script: &str| {
        sandbox.file("script", script);
        let arguments = ["tui", "--script", "script", "--size", "110x30"];
        let output = sandbox.command(&arguments).env("PATH", &path).output().unwrap();
        sandbox.run(&arguments, output).stdout
    };
    let unknown = play(":\ntype context three\nEnter\nD\n");
    assert!(unknown.contains("context `three` does not exist; known: one, two"), "{unknown}");
    let switched = play(":\ntype context two\nEnter\n:\ntype messages\nEnter\n");
    assert!(switched.contains("context two"), "{switched}");
    assert!(switched.contains(r"credential plugin: open \u{1b}[2Jhttps://login.example"), "{switched}");
    assert!(switched.lines().nth(1).is_some_and(|line| line.contains("two")), "{switched}");
}

/// A cluster that answers and lets nothing be read says why, and what is refused meanwhile says that, too.
#[test]
fn a_cluster_that_nothing_can_be_read_of_is_no_view_and_says_why() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.keys("1");
    desk.command("context production-us");
    desk.left.clear();
    desk.update(Msg::Switched(Ok("production-us".into())));
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let error =
        aicr::cluster::ClusterError::new(aicr::cluster::ClusterErrorKind::Forbidden, "list nodes", "production-us")
            .found("nodes is forbidden");
    let view = LiveView { status: LiveStatus::Failed { error }, inventory: None };
    desk.update(Msg::Live { generation, view });
    desk.shows("nodes is forbidden");
    desk.command("attach");
    desk.shows("not done: nothing of production-us can be read, and what is shown is of lab");
}
