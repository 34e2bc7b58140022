//! A validation from its question to its end.

use super::{
    desk::{Desk, run_half_way, snapshot},
    screens::golden,
};
use aicr::{
    inventory::Inventory,
    ops,
    validate::event::{Body, Verdict},
    workbench::{effect::Effect, msg::Msg},
};
use std::sync::Arc;

#[test]
fn a_run_needs_a_yes() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4 r");
    let plan = desk.left.pop();
    let Some(Effect::Plan { generation, catalog, recipe, .. }) = plan else { panic!("{plan:?}") };
    let mut options = ops::run::RunOptions::default();
    options.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
    options.plan.image = "aicr/check:0.1.0".into();
    let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
    let prepared = ops::run::prepare(&catalog, recipe, "recipe", snapshot, &options);
    let prepared = Arc::new(prepared.unwrap());
    desk.update(Msg::Planned { generation, answer: Ok(prepared.clone()) });
    golden("question-80x24", &desk.text());
    desk.keys("Enter");
    assert!(desk.left.is_empty(), "Enter on the question cancels: {:?}", desk.left);
    desk.update(Msg::Planned { generation, answer: Ok(prepared) });
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::Run(_))));
    desk.shows("starting");
}

#[test]
fn a_run_steps_live_and_its_end_is_reported() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.shows("1 pass 1 fail");
    desk.shows("unscheduled");
    desk.keys("g g ]");
    desk.shows("v25.10.1 does not satisfy >= v26.3.0");
    desk.keys("x");
    desk.shows("cancel the run?");
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::CancelRun)));
    desk.run(40_000, Body::CleanedUp { removed: 9, left: Vec::new() });
    desk.run(40_001, Body::Ended { verdict: Verdict::Canceled });
    desk.shows("run ended: canceled");
    desk.keys("g g");
    desk.shows("9 objects removed, nothing left");
}

#[test]
fn what_checks_print_cannot_steer_the_terminal() {
    let mut desk = Desk::live(160, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.command("filter operator-health");
    desk.keys("j j");
    desk.shows("\\u{1b}[31mred\\u{1b}[0m and \\u{202e}backwards");
}

#[test]
fn leaving_a_run_asks() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("q");
    assert!(!desk.state.quit);
    desk.shows("Leaving cancels it");
    desk.keys("Esc q y");
    assert!(matches!(desk.left.pop(), Some(Effect::Copy(_))), "y only copies");
    desk.keys("Tab Enter");
    assert!(desk.state.quit && matches!(desk.left[..], [Effect::CancelRun]));
}

#[test]
fn answers_to_requests_that_a_newer_one_replaced_are_dropped() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4 r");
    let Some(Effect::Plan { generation: first, .. }) = desk.left.pop() else { panic!("no plan") };
    desk.keys("r");
    let Some(Effect::Plan { generation: second, .. }) = desk.left.pop() else { panic!("no plan") };
    let refused = || Err(ops::Failure::new(ops::Kind::Internal, "plan", "for the test"));
    desk.update(Msg::Planned { generation: first, answer: refused() });
    assert!(desk.state.desk.overlay.is_none(), "the first plan opens nothing");
    desk.update(Msg::Planned { generation: second, answer: refused() });
    assert!(desk.state.desk.overlay.is_some());
    desk.keys("Esc");

    desk.command("open old.yaml");
    let Some(Effect::ReadSnapshot { slot, generation, .. }) = desk.left.pop() else { panic!("no read") };
    desk.command("live");
    let late = Msg::Snapshot { slot, generation, name: "old.yaml".into(), answer: Ok(snapshot()) };
    desk.update(late);
    assert!(!desk.text().contains("old.yaml"), "the live cluster was asked for last:\n{}", desk.text());
}
