//! Nothing that a person can do in a read-only workbench changes a cluster.

use super::desk::{Desk, run_half_way, snapshot};
use aicr::{
    cluster::watch::LiveStatus,
    criteria::Criteria,
    ops::{
        self,
        connect::Target,
        demo::DemoOptions,
        run::{Prepared, RunOptions as Runs},
    },
    workbench::{
        Look, RunOptions, Screen,
        effect::Effect,
        keymap::{Action, BINDINGS, Popup, Scope},
        msg::Msg,
        overlay::{COMMANDS, Kind},
    },
};
use std::sync::{Arc, OnceLock};

fn desk(read_only: bool) -> Desk {
    let criteria = Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
    let target = Target::Demo(DemoOptions::default());
    let options = RunOptions { target, criteria: Some(criteria), read_only, ..RunOptions::default() };
    let mut desk = Desk::started(&options, 120, 40);
    desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk
}

/// What a plan of the whole recipe comes to.
fn prepared(desk: &Desk) -> Arc<Prepared> {
    static PREPARED: OnceLock<Arc<Prepared>> = OnceLock::new();
    let model = &desk.state.model;
    let make = || {
        let (catalog, recipe) = (model.catalog.value.as_ref().unwrap(), model.recipe.value.as_ref().unwrap());
        let (recipe, snapshot) = (recipe.recipe.clone(), (*snapshot()).clone());
        Arc::new(ops::run::prepare(catalog, recipe, "a recipe", snapshot, &Runs::default()).unwrap())
    };
    PREPARED.get_or_init(make).clone()
}

/// Does what the driver would do with a plan, and answers every question with yes.
fn follow_up(desk: &mut Desk, reached: &mut Vec<Effect>) {
    for _ in 0..3 {
        for effect in std::mem::take(&mut desk.left) {
            if let Effect::Plan { generation, .. } = &effect {
                let answer = Ok(prepared(desk));
                desk.update(Msg::Planned { generation: *generation, answer });
            }
            reached.push(effect);
        }
        let asks = |desk: &Desk| {
            desk.state.desk.overlay.as_ref().is_some_and(|overlay| matches!(overlay.kind, Kind::Question { .. }))
        };
        if asks(desk) {
            desk.act(Action::NextAnswer);
            desk.act(Action::Enter);
        }
    }
    reached.append(&mut desk.left);
    // A moment of the past has no run, so the next step begins at the present again.
    desk.update(Msg::Command("past now".to_owned()));
    desk.left.clear();
    desk.state.desk.overlay = None;
    desk.state.desk.filter = None;
}

/// Every action of every screen and every command of the palette, with every question answered with yes.
fn walk(read_only: bool, prepare: fn(&mut Desk)) -> Vec<Effect> {
    let mut reached = Vec::new();
    for screen in Screen::ALL {
        let mut desk = desk(read_only);
        prepare(&mut desk);
        desk.keys(&(screen.index() + 1).to_string());
        let main = desk.state.desk.focused();
        for binding in BINDINGS.iter().filter(|binding| binding.acts_on(screen)) {
            // An action before may have led to another panel, which has its own meaning for the key.
            desk.state.desk.focus_on(main);
            desk.act(binding.action);
            follow_up(&mut desk, &mut reached);
        }
        for (word, arguments, _) in COMMANDS {
            for argument in ["", "cluster", "all", "service=kind accelerator=a100", "out.yaml", "1"] {
                desk.state.desk.show(screen);
                desk.update(Msg::Command(format!("{word} {argument}").trim().to_owned()));
                follow_up(&mut desk, &mut reached);
                if arguments.is_empty() {
                    break;
                }
            }
        }
    }
    reached
}

#[test]
fn no_key_and_no_command_of_a_read_only_workbench_changes_a_cluster() {
    for prepare in [(|_| {}) as fn(&mut Desk), run_half_way] {
        let reached = walk(true, prepare);
        let changing: Vec<&Effect> = reached.iter().filter(|effect| effect.changes_cluster()).collect();
        assert!(changing.is_empty(), "{changing:?}");
        // Files are fine.
        assert!(reached.iter().any(|effect| matches!(effect, Effect::Save { .. } | Effect::Export { .. })));
    }
}

/// The walk reaches what it looks for where nothing forbids it; else the test above says nothing.
#[test]
fn the_same_walk_reaches_a_run_where_writing_is_allowed() {
    let reached = walk(false, |_| {});
    assert!(reached.iter().any(Effect::changes_cluster));
}

/// A plan that was on its way, and its question answered with yes.
#[test]
fn a_late_plan_runs_nothing_and_says_why() {
    let mut desk = desk(true);
    let prepared = prepared(&desk);
    desk.update(Msg::Planned { generation: 0, answer: Ok(prepared) });
    desk.act(Action::NextAnswer);
    desk.act(Action::Enter);
    assert!(!desk.left.iter().any(Effect::changes_cluster) && !desk.state.model.run.active);
    desk.shows("read-only: this would change the cluster; start without --read-only to do it");
}

#[test]
fn the_frame_says_that_it_is_read_only_at_every_size() {
    for (columns, rows, mark) in [(200, 60, "read-only"), (80, 24, "read-only"), (40, 10, "RO ")] {
        let mut desk = desk(true);
        desk.update(Msg::Input(aicr::term::input::Input::Resize { width: columns, height: rows }));
        let first = desk.text().lines().next().unwrap().to_owned();
        assert!(first.contains(mark), "{first}");
    }
    let mut writing = Desk::new(80, 24, Look::default());
    assert!(!writing.text().contains("read-only"));
}

/// Questions are in popups only, so the walk meets all of them.
#[test]
fn popups_have_no_action_that_runs_something() {
    let acts =
        BINDINGS.iter().filter(|binding| matches!(binding.scope, Scope::In(popups) if popups.contains(&Popup::List)));
    for binding in acts {
        let mut desk = desk(true);
        desk.keys("?");
        desk.act(binding.action);
        assert!(!desk.left.iter().any(Effect::changes_cluster), "{}", binding.name);
    }
}

/// What cannot be done is not offered as if it could: hints leave it out, help and palette say why.
#[test]
fn a_read_only_workbench_does_not_offer_what_it_refuses() {
    let mut desk = desk(true);
    desk.keys("4 G");
    let frame = desk.text();
    for offered in ["r run", "F failed", "r runs it", "r lists what a run would create"] {
        assert!(!frame.contains(offered), "{offered}:\n{frame}");
    }
    desk.keys("?");
    desk.type_text("run the selected");
    desk.shows("lists first what will be created (not now: read-only)");
    desk.keys("Esc :");
    desk.type_text("run");
    desk.shows("not now: read-only");
    desk.keys("Esc");
    let mut writing = self::desk(false);
    writing.keys("4 G");
    writing.shows("r run");
    writing.keys(":");
    writing.type_text("run");
    assert!(!writing.text().contains("not now: read-only"), "{}", writing.text());
}
