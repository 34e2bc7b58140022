//! Questions with more than two answers: by keys, by the mouse, at every width.

use super::{
    desk::{Desk, run_half_way, snapshot, snapshot_of},
    screens::all_golden,
};
use aicr::{
    catalog::validator::Phase,
    inventory::Inventory,
    ops::{self, demo::DemoOptions},
    term::input::Input,
    validate::event::{Body, CheckResult, Verdict, Way},
    workbench::{
        Look,
        effect::Effect,
        msg::Msg,
        overlay::{Kind, Overlay},
        question::{Answer, Question},
    },
};
use std::sync::Arc;

const LABELS: [&str; 3] = ["stay", "cancel the run", "cancel and leave"];

/// A run half way, and a question about it.
fn asked(width: u16, height: u16) -> Desk {
    let mut desk = Desk::live(width, height);
    desk.keys("4");
    run_half_way(&mut desk);
    let [stay, cancel, leave] = LABELS;
    let answers = vec![Answer::no(stay), Answer::to(cancel, Question::CancelRun), Answer::to(leave, Question::Quit)];
    let lines = ["The run is still going on.".to_owned()];
    desk.state.desk.overlay = Some(Overlay::question_of(Question::Quit, "leave?", &lines, answers));
    desk.left.clear();
    desk
}

fn chosen(desk: &Desk) -> Option<usize> {
    match desk.state.desk.overlay.as_ref()?.kind {
        Kind::Question { chosen, .. } => Some(chosen),
        _ => None,
    }
}

/// The state that an answer leads to: whether the run is being canceled, and whether the workbench is left.
fn came_to(desk: &Desk) -> (bool, bool) {
    assert_eq!(chosen(desk), None, "the question is answered");
    let canceled = desk.left.iter().any(|effect| matches!(effect, Effect::CancelRun));
    (canceled, desk.state.quit)
}

#[test]
fn keys_go_through_three_answers_in_both_directions_and_each_leads_to_its_own() {
    for (keys, expected) in [
        ("", 0),
        ("Tab", 1),
        ("Tab Tab", 2),
        ("Tab Tab Tab", 0),
        ("Shift-Tab", 2),
        ("Right Right", 2),
        ("l", 1),
        ("Left", 2),
        ("h h", 1),
        ("l h", 0),
    ] {
        let mut desk = asked(80, 24);
        desk.keys(keys);
        assert_eq!(chosen(&desk), Some(expected), "{keys}");
        desk.shows(&format!("[ {} ]", LABELS[expected]));
        desk.keys("Enter");
        assert_eq!(came_to(&desk), [(false, false), (true, false), (true, true)][expected], "{keys}");
    }
}

#[test]
fn no_is_no_whatever_is_chosen() {
    for (keys, no) in [("Tab", "n"), ("Tab Tab", "n"), ("Tab", "Esc"), ("Tab Tab", "q")] {
        let mut desk = asked(80, 24);
        desk.keys(keys);
        desk.keys(no);
        assert_eq!(came_to(&desk), (false, false), "{keys} {no}");
    }
}

/// Where a text is on the screen.
fn place(desk: &mut Desk, label: &str) -> (u16, u16) {
    let text = desk.text();
    let found = text.lines().enumerate().find_map(|(row, line)| Some((line.split_once(label)?.0, row)));
    let (before, row) = found.unwrap_or_else(|| panic!("`{label}` is not in\n{text}"));
    (before.chars().count() as u16, row as u16)
}

/// The first click on an answer chooses it, the second one gives it.
#[test]
fn answers_are_clicked_where_they_are_at_every_width() {
    for (width, height) in [(120, 40), (80, 24), (46, 16), (24, 14)] {
        for (index, expected) in [(1, (true, false)), (2, (true, true)), (0, (false, false))] {
            let mut desk = asked(width, height);
            if index == 0 {
                desk.keys("Tab");
            }
            let (column, row) = place(&mut desk, LABELS[index]);
            let click = Msg::Input(Input::Click { column, row });
            desk.update(click.clone());
            assert_eq!((chosen(&desk), desk.state.quit), (Some(index), false), "{width}x{height}");
            desk.update(click);
            assert_eq!(came_to(&desk), expected, "{width}x{height} {}", LABELS[index]);
        }
        // The text, the border and what is behind the question are no answers.
        let mut desk = asked(width, height);
        let (column, row) = place(&mut desk, "leave?");
        for (column, row) in [(column, row), (column, row + 1), (0, 2), (width - 1, height - 3)] {
            desk.update(Msg::Input(Input::Click { column, row }));
            assert_eq!(chosen(&desk), Some(0), "{width}x{height} at {column}, {row}");
        }
    }
}

/// A run half way on a cluster that does not end with the workbench.
fn running(width: u16, height: u16) -> Desk {
    let mut desk = Desk::of_contexts(width, height);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.left.clear();
    desk
}

#[test]
fn leaving_a_run_says_what_each_answer_means() {
    let mut frames = Vec::new();
    for (width, height) in [(40, 10), (80, 24), (120, 40)] {
        let mut desk = running(width, height);
        // Nobody else runs what was chosen to run here.
        for check in &mut desk.state.model.run.checks {
            if check.planned.name == "accelerator-metrics" {
                check.planned.way = Way::InProcess;
            }
        }
        desk.keys("q");
        frames.push((format!("leave-{width}x{height}"), desk.text()));
        desk.keys("Tab");
        frames.push((format!("leave-jobs-{width}x{height}"), desk.text()));
    }
    all_golden(frames);
}

#[test]
fn each_answer_about_a_run_leads_to_its_own_and_the_first_one_stays() {
    let answered = |keys: &str| {
        let mut desk = running(80, 24);
        desk.keys("q");
        desk.keys(keys);
        let asked = |wanted: fn(&Effect) -> bool| desk.left.iter().any(wanted);
        let leaves = asked(|effect| matches!(effect, Effect::LeaveRun));
        (asked(|effect| matches!(effect, Effect::CancelRun)), leaves, desk.state.quit)
    };
    for stays in ["Enter", "n", "Esc", "Tab n", "Tab Tab n"] {
        assert_eq!(answered(stays), (false, false, false), "{stays}");
    }
    assert_eq!(answered("Tab Enter"), (false, true, true), "it is not canceled");
    assert_eq!(answered("Tab Tab Enter"), (true, false, true));
}

/// What it says is so when it is answered, whatever has ended since it was asked.
#[test]
fn the_question_on_leaving_follows_the_run() {
    let mut desk = running(120, 40);
    desk.keys("q Tab");
    desk.shows("They go on and end by themselves: dra-support, accelerator-metrics.");
    let result =
        desk.state.model.run.check("operator-health").and_then(|check| check.result.clone()).expect("it has ended");
    let end = |desk: &mut Desk, check: &str| {
        let result = CheckResult { name: check.into(), phase: Phase::Conformance, ..result.clone() };
        desk.run(32_000, Body::Finished { check: check.into(), result });
    };
    end(&mut desk, "dra-support");
    desk.shows("They go on and end by themselves: accelerator-metrics.");
    assert_eq!(chosen(&desk), Some(1), "the answer that was chosen means the same");
    end(&mut desk, "accelerator-metrics");
    desk.shows("Leaving cancels it and removes what it created.");
    assert!(!desk.text().contains("leave the Jobs"), "{}", desk.text());
    assert_eq!(chosen(&desk), Some(0), "another answer is in the place of the one that was chosen");
}

/// Jobs that cannot be left are not offered to be.
#[test]
fn a_run_without_a_job_that_could_go_on_has_two_answers() {
    let only_two = |mut desk: Desk, why: &str| {
        desk.keys("q");
        assert!(!desk.text().contains("leave the Jobs"), "{why}: {}", desk.text());
        desk.shows("Leaving cancels it and removes what it created.");
        desk.keys("Tab Enter");
        let canceled = desk.left.iter().any(|effect| matches!(effect, Effect::CancelRun));
        assert!(desk.state.quit && canceled, "{why}");
    };
    let mut demo = Desk::live(80, 24);
    demo.keys("4");
    run_half_way(&mut demo);
    only_two(demo, "a demo cluster ends with the program");
    let mut canceling = running(80, 24);
    canceling.state.model.run.canceling = true;
    only_two(canceling, "it is being removed");
    let mut here = running(80, 24);
    here.state.model.run.checks.iter_mut().for_each(|check| check.planned.way = Way::InProcess);
    only_two(here, "nothing runs in a pod");
}

/// What ends while the question is open is not asked about any more.
#[test]
fn the_question_goes_with_the_run() {
    let mut desk = running(80, 24);
    desk.keys("q Tab");
    desk.run(40_000, Body::Ended { verdict: Verdict::Failed });
    assert_eq!(chosen(&desk), None, "{}", desk.text());
    assert!(!desk.state.quit);
}

/// Criteria that nothing reveals select no check: a record of nothing would count as a validation.
#[test]
fn a_run_of_nothing_is_not_offered() {
    let faults = vec!["forbidden=list:nodes".parse().unwrap()];
    let snapshot = snapshot_of(DemoOptions { faults, ..DemoOptions::default() });
    let mut desk = Desk::showing(snapshot, 120, 40, Look::default());
    desk.keys("4 r");
    desk.shows("no check: the criteria are unknown, because nodes cannot be listed");
    assert!(desk.left.is_empty() && desk.state.desk.overlay.is_none(), "{:?}", desk.left);
}

#[test]
fn a_plan_of_which_nothing_runs_is_read_and_not_answered() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4 r");
    let Some(Effect::Plan { generation, catalog, recipe, .. }) = desk.left.pop() else { panic!("{:?}", desk.left) };
    let mut options = ops::run::RunOptions::default();
    options.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
    options.plan.only = vec!["dra-support".into()];
    options.plan.skip = vec!["dra-support".into()];
    let snapshot = Inventory::clone(&snapshot());
    let prepared = ops::run::prepare(&catalog, recipe.recipe.clone(), "recipe", snapshot, &options).unwrap();
    desk.update(Msg::Planned { generation, answer: Ok(Arc::new(prepared)) });
    desk.shows("nothing to run");
    desk.shows("named in skipChecks");
    assert!(!desk.text().contains("[ cancel ]"), "{}", desk.text());
    desk.keys("Tab Enter");
    assert!(desk.left.is_empty() && !desk.state.model.run.active, "{:?}", desk.left);
}
