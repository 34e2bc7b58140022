//! What one session leaves and the next one begins with, without files.

use super::desk::{Desk, contexts, run_half_way, snapshot};
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    ops::{Failure, Kind, connect::Target, demo::DemoOptions},
    validate::event::Body,
    workbench::{
        Look, RunOptions, Screen,
        effect::Effect,
        export,
        msg::Msg,
        panes::{LOG, NODES, SHAPES},
        preferences::Preferences,
        session::Session,
    },
};

fn demo(session: Session, restores: bool) -> Desk {
    let target = Target::Demo(DemoOptions::default());
    let options = RunOptions { target, session, restores, ..RunOptions::default() };
    let mut desk = Desk::started(&options, 120, 40);
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk
}

#[test]
fn screen_selection_filter_order_and_documents_come_back() {
    let mut desk = demo(Session::default(), true);
    desk.command("node worker-2");
    desk.keys("s s");
    desk.command("recipe service=kind accelerator=h100");
    desk.command("value components.gpu-operator.values.driver.enabled");
    desk.command("diff cluster");
    desk.keys("2");
    desk.keys("/");
    desk.type_text("driver");
    desk.keys("Enter");
    let selected = desk.state.desk.table(&aicr::workbench::panes::VALUES).selected.clone();
    let session = Session::parse(&desk.state.session().text()).unwrap();

    let mut again = demo(session, true);
    assert_eq!(again.state.desk.screen, Screen::Recipe);
    again.shows("as in the last session: the Recipe screen, filter `driver` on resolved values");
    again.shows("accelerator=h100");
    again.shows("/driver");
    again.text();
    assert_eq!(again.state.desk.table(&aicr::workbench::panes::VALUES).selected, selected);
    again.keys("3");
    again.shows("changes: - service=kind accelerator=h100   + demo");
    again.keys("1");
    again.text();
    let nodes = again.state.desk.table(&aicr::workbench::panes::NODES);
    assert_eq!(nodes.row().map(|row| row.id.clone()), Some("worker-2".into()));
    assert_eq!((nodes.sort, nodes.sort_keys()), (Some((1, false)), &[("STATE".to_owned(), false)][..]));
    // What was typed is there for the palette and the filter.
    assert!(again.state.desk.history.iter().any(|line| line == "diff cluster"));
    assert_eq!(again.state.desk.filters, ["driver"]);
}

#[test]
fn columns_that_were_chosen_and_marks_come_back_and_are_said() {
    let mut desk = demo(Session::default(), true);
    desk.command("columns name runtime kernel");
    desk.keys("j Space j Space");
    desk.shows("2 marked");
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("g g Space");
    desk.shows("1 marked");
    let mut session = Session::parse(&desk.state.session().text()).unwrap();

    let mut again = demo(session.clone(), true);
    again.shows(
        "as in the last session: the Cluster screen, columns NAME RUNTIME KERNEL on nodes, marks on nodes, shapes",
    );
    again.state.desk.focus_on(&NODES);
    again.shows("2 marked");
    let frame = again.text();
    assert!(
        frame.contains("▪ instance-")
            && frame.contains("▪›worker-1")
            && frame.contains("RUNTIME")
            && !frame.contains("KUBELET"),
        "{frame}"
    );
    assert_eq!(again.state.desk.table(&SHAPES).marked_rows().count(), 1, "a shape is what its nodes have");
    again.keys("y");
    let Some(Effect::Copy(text)) = again.left.pop() else { panic!("{:?}", again.left) };
    assert!(text.starts_with("instance-") && text.ends_with("\nworker-1"), "{text}");

    // What there is no more is passed over: no row is marked, and a key is about the row under the cursor.
    let nodes = session.clusters.get_mut("demo").unwrap().panels.get_mut("cluster/nodes").unwrap();
    nodes.marks = vec!["name:removed".into(), "planet:earth".into()];
    nodes.columns = vec!["WEIGHT".into()];
    let mut later = demo(session, true);
    later.state.desk.focus_on(&NODES);
    let frame = later.text();
    assert!(!frame.contains("2 marked") && frame.contains("STATE"), "{frame}");
    assert_eq!(later.state.desk.table(&NODES).marked_rows().count(), 0);
    later.keys("y");
    let Some(Effect::Copy(text)) = later.left.pop() else { panic!("{:?}", later.left) };
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn marks_belong_to_the_cluster_whose_rows_they_are_on() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.keys("Space");
    assert_eq!(desk.state.desk.table(&NODES).marked_rows().count(), 1);
    desk.command("context production-us");
    desk.left.clear();
    desk.update(Msg::Switched(Ok("production-us".into())));
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let view = LiveView { inventory: Some(snapshot()), status: LiveStatus::Fresh };
    desk.update(Msg::Live { generation, view });
    desk.text();
    assert_eq!(desk.state.desk.table(&NODES).marked_rows().count(), 0);
    let session = desk.state.session();
    let marks = |cluster: &str| session.clusters[cluster].panels.get("cluster/nodes").map(|panel| panel.marks.len());
    assert_eq!((marks("lab"), marks("production-us")), (Some(1), None));
}

#[test]
fn fresh_keeps_what_was_typed_and_nothing_else() {
    let mut desk = demo(Session::default(), true);
    desk.command("theme light");
    desk.keys("4");
    let session = desk.state.session();
    let again = demo(session, false);
    assert_eq!(again.state.desk.screen, Screen::Cluster);
    assert_eq!(again.state.desk.history, ["theme light"]);
}

#[test]
fn a_screen_that_is_asked_for_wins_and_a_person_at_work_is_not_moved() {
    let mut desk = demo(Session::default(), true);
    desk.keys("4");
    let session = desk.state.session();
    let target = Target::Demo(DemoOptions::default());
    let options = RunOptions {
        target,
        session: session.clone(),
        restores: true,
        screen: Some(Screen::Diff),
        ..RunOptions::default()
    };
    assert_eq!(Desk::started(&options, 80, 24).state.desk.screen, Screen::Diff);
    // Contexts are known late, and somebody has begun to work.
    let mut clusters = session;
    let place = clusters.clusters["demo"].clone();
    clusters.clusters.insert("lab".into(), place);
    let options = RunOptions { session: clusters, restores: true, ..RunOptions::default() };
    for (touched, expected) in [(false, Screen::Validate), (true, Screen::Cluster)] {
        let mut desk = Desk::started(&options, 80, 24);
        if touched {
            desk.keys("j");
        }
        desk.update(Msg::Contexts { pick: false, answer: Ok(contexts()) });
        assert_eq!(desk.state.desk.screen, expected);
    }
}

#[test]
fn each_context_has_a_place_of_its_own_and_the_palette_offers_the_last_one_first() {
    let mut desk = Desk::of_contexts(120, 40);
    desk.keys("2");
    desk.command("context production-us");
    desk.left.clear();
    desk.update(Msg::Switched(Ok("production-us".into())));
    // A place belongs to the cluster that is shown, and the other one is shown when it has been read.
    let Some(Effect::Watch { generation }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let view = LiveView { inventory: Some(snapshot()), status: LiveStatus::Fresh };
    desk.update(Msg::Live { generation, view });
    desk.keys("5");
    let session = desk.state.session();
    assert_eq!(session.contexts, ["production-us", "lab"]);
    assert_eq!((&*session.clusters["lab"].screen, &*session.clusters["production-us"].screen), ("Recipe", "Compare"));

    let options = RunOptions { session, restores: true, ..RunOptions::default() };
    let mut again = Desk::started(&options, 120, 40);
    again.update(Msg::Contexts { pick: false, answer: Ok(contexts()) });
    assert_eq!(again.state.desk.screen, Screen::Recipe);
    again.command("context production-us");
    let switch =
        again.left.iter().any(|effect| matches!(effect, Effect::SwitchContext(name) if name == "production-us"));
    assert!(switch, "{:?}", again.left);
    again.update(Msg::Switched(Ok("production-us".into())));
    assert_eq!(again.state.desk.screen, Screen::Compare);
    let view = LiveView { inventory: Some(snapshot()), status: LiveStatus::Fresh };
    again.update(Msg::Live { generation: 2, view });
    again.update(Msg::Contexts { pick: true, answer: Ok(contexts()) });
    let text = again.text();
    let place = |name: &str| text.find(&format!("context {name}")).unwrap_or_else(|| panic!("{name}:\n{text}"));
    assert!(place("production-us") < place("lab") && place("lab") < place("production-eu"), "{text}");
}

#[test]
fn a_filter_with_a_name_is_saved_completed_applied_and_deleted() {
    let mut desk = demo(Session::default(), true);
    desk.command("filters");
    desk.shows("no filter is saved; `:save-filter NAME` saves the one of this panel");
    desk.command("save-filter workers");
    desk.shows("this panel has no filter: / sets one, or `:save-filter workers WORDS` saves words");
    desk.keys("/");
    desk.type_text("worker");
    desk.keys("Enter");
    desk.command("save-filter workers");
    let Some(Effect::KeepSession { session, said, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(said, "saved @workers: worker");
    desk.command("save-filter down !ready");
    desk.command("save-filter workers worker-2");
    let Some(Effect::KeepSession { said, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert_eq!(said, "saved @workers: worker-2; it was: worker");

    // Another session offers it with what it means, and takes it in the palette, in the field and in a list.
    let mut again = demo(*session, false);
    again.keys(":");
    again.type_text("filter @w");
    again.shows("filter @workers");
    again.keys("Tab Enter");
    again.shows("/worker  ");
    assert_eq!(again.state.desk.table(&NODES).visible.len(), 3);
    again.keys("Esc /");
    again.type_text("@workers");
    again.keys("Enter");
    assert_eq!((&*again.state.desk.table(&NODES).filter, again.state.desk.table(&NODES).visible.len()), ("worker", 3));
    again.keys("Esc");
    again.command("filters");
    again.shows("filter @workers");
    again.keys("Down Enter");
    assert_eq!(again.state.desk.table(&NODES).filter, "worker");
    again.command("filter @worker");
    again.shows("unknown filter `@worker`; did you mean workers?");
    again.command("filter @x");
    again.shows("unknown filter `@x`; `:filters` lists them");
    again.command("delete-filter workers");
    let Some(Effect::KeepSession { session, said, .. }) = again.left.pop() else { panic!("{:?}", again.left) };
    assert_eq!((said.as_str(), session.saved_filters.is_empty()), ("deleted @workers: worker", true));
}

#[test]
fn a_filter_that_cannot_be_understood_is_not_saved() {
    let mut desk = demo(Session::default(), true);
    desk.command("save-filter bad re:(");
    desk.shows("not saved: invalid filter: ");
    assert!(desk.left.iter().all(|effect| !matches!(effect, Effect::KeepSession { .. })), "{:?}", desk.left);
}

#[test]
fn keys_that_could_not_be_bound_are_said_at_the_start_and_in_the_help() {
    let file = "[keys]\nrun = \"Z\"\ntimestamps = \"Z\"\nmove-down = \"J\"\n";
    let read = Preferences::read(Some(("config.toml", file)), &|_| None);
    let notices = read.problems.iter().map(ToString::to_string).collect();
    let target = Target::Demo(DemoOptions::default());
    let options = RunOptions { target, keys: read.keys, notices, look: Look::default(), ..RunOptions::default() };
    let mut desk = Desk::started(&options, 120, 40);
    desk.shows("config.toml:3: `Z` is bound to run as well; run has it");
    desk.keys("?");
    desk.shows("keys that could not be bound");
    desk.shows("config.toml:3: `Z` is bound to run as well");
    desk.keys("Esc");
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.text();
    desk.keys("J J");
    assert_eq!(desk.state.desk.table(&aicr::workbench::panes::NODES).cursor, 2);
    desk.keys("j");
    desk.shows("`j` is not bound here");
}

/// However a log is wrapped on the screen, a line of it is a line.
#[test]
fn a_wrapped_log_is_written_line_by_line() {
    let mut desk = Desk::live(80, 24);
    run_half_way(&mut desk);
    let long = "waiting for the policy of the cluster to become ready on every node that it selects ".repeat(3);
    desk.run(3_900, Body::Log { check: "dra-support".into(), text: long.trim().into(), source: String::new() });
    desk.keys("4 j j j j j j g l w");
    assert!(desk.state.desk.table(&LOG).wide, "it is wrapped");
    desk.text();
    let table = desk.state.desk.table(&LOG);
    let json: serde_json::Value = serde_json::from_str(&export::json(&desk.state)).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert!(rows.len() < table.content.rows.len(), "the screen has more: {json}");
    let written: Vec<&serde_json::Value> = rows.iter().filter(|row| row["text"] == long.trim()).collect();
    assert_eq!(written.len(), 1, "{json}");
    assert_eq!(written[0]["time"], "09:12:03.900", "{json}");
    assert!(export::csv(&desk.state).starts_with("time,"), "{}", export::csv(&desk.state));
}

#[test]
fn a_panel_is_written_whole_as_markdown_json_yaml_and_csv() {
    let mut desk = demo(Session::default(), true);
    desk.keys("/");
    desk.type_text("worker");
    desk.keys("Enter");
    desk.text();
    let markdown = export::markdown(&desk.state);
    let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 5, "a head, its line and three nodes:\n{markdown}");
    assert!(rows[0].starts_with("| NAME | STATE |") && rows[2].starts_with("| worker-1 | ready |"), "{markdown}");
    assert!(markdown.contains("- source: demo, DEMO, fresh") && markdown.contains("- filter: worker"), "{markdown}");
    // What a narrow frame cuts or hides is there.
    assert!(rows[2].contains("6.12.54-linuxkit") && rows[2].contains("containerd://2.1.5"), "{markdown}");

    let json: serde_json::Value = serde_json::from_str(&export::json(&desk.state)).unwrap();
    assert_eq!((&json["screen"], &json["panel"]), (&"Cluster".into(), &"nodes".into()));
    assert_eq!(json["rows"].as_array().unwrap().len(), 3);
    assert_eq!(json["rows"][1]["NAME"], "worker-2");
    assert_eq!(json["rows"][1]["KERNEL"], "6.12.54-linuxkit");
    let yaml = export::yaml(&desk.state);
    assert!(yaml.starts_with("filter: worker\n") && yaml.contains("\nrows:\n"), "{yaml}");
    assert_eq!(aicr::yaml::parse(&yaml).unwrap().to_value(), json, "{yaml}");

    let csv = export::csv(&desk.state);
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("NAME,STATE,GPU,FREE,"), "{csv}");
    assert!(lines.len() == 4 && lines[2].starts_with("worker-2,ready,none,-,"), "{csv}");
    assert!(lines[2].contains("6.12.54-linuxkit"), "{csv}");

    desk.command("recipe service=kind accelerator=a100");
    desk.text();
    let csv = export::csv(&desk.state);
    assert!(csv.starts_with("DEPTH,") && csv.lines().any(|line| line.starts_with("1,")), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&export::json(&desk.state)).unwrap();
    assert_eq!(json["rows"][1]["depth"], 1, "a tree keeps its depth");
    // What is text stays text: no pipe, no tag, no link of a stranger.
    assert!(!export::markdown(&desk.state).contains("<"));
}

#[test]
fn what_cannot_be_compared_is_named_and_not_asked_for_again() {
    let mut desk = demo(Session::default(), true);
    desk.command("compare missing.yaml");
    let Some(Effect::ReadSnapshot { slot, generation, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let kept = |desk: &mut Desk| desk.state.session().text().matches("missing.yaml").count();
    let before = kept(&mut desk);
    let failure = Failure::new(Kind::NotFound, "read the snapshot", "no such file").at("/far/away/missing.yaml");
    desk.update(Msg::Snapshot { slot, generation, name: "missing.yaml".into(), answer: Err(failure) });
    desk.shows("failed to read the snapshot /far/away/missing.yaml: no such file");
    assert_eq!(kept(&mut desk), before - 1, "only the history of commands has it: {}", desk.state.session().text());
}

#[test]
fn the_cluster_is_named_among_what_is_compared() {
    let mut desk = Desk::live(120, 40);
    for (line, files) in [
        ("compare a.yaml cluster", &["a.yaml"][..]),
        ("compare cluster a.yaml", &["a.yaml"]),
        ("compare a.yaml b.yaml cluster", &["a.yaml", "b.yaml"]),
        ("compare a.yaml cluster b.yaml", &["a.yaml", "b.yaml"]),
    ] {
        desk.left.clear();
        desk.command(line);
        let read: Vec<String> = desk
            .left
            .iter()
            .filter_map(|effect| match effect {
                Effect::ReadSnapshot { path, .. } => Some(path.display().to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(read, files, "{line}");
    }
}
