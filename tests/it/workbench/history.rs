//! Views of a screen are gone back to, and returned from.

use super::desk::{Desk, snapshot};
use aicr::workbench::{
    Screen,
    keymap::Action,
    model::Severity,
    panes::{CHECKS, LOG, NODE, NODES, Pane, SHAPES, VALUES},
    widgets::table::Identity,
};

#[track_caller]
fn at(desk: &Desk, pane: &'static Pane) {
    assert_eq!(desk.state.desk.focused(), pane);
}

/// The node under the cursor.
fn node(desk: &mut Desk) -> String {
    desk.frame();
    desk.state.desk.table(&NODES).row().map(|row| row.id.name().to_owned()).unwrap_or_default()
}

#[test]
fn backspace_goes_back_through_panels_and_forward_returns() {
    let mut desk = Desk::live(120, 40);
    desk.keys("Tab");
    at(&desk, &NODE);
    desk.keys("Tab");
    at(&desk, &SHAPES);
    desk.keys("Backspace");
    at(&desk, &NODE);
    desk.keys("Backspace");
    at(&desk, &NODES);
    desk.keys("Backspace");
    at(&desk, &NODES);
    desk.shows("this screen has no view before this one; - goes to the screen before");
    desk.command("forward");
    at(&desk, &NODE);
    desk.command("forward");
    at(&desk, &SHAPES);
    desk.command("forward");
    desk.shows("this screen has no view after this one");
    // What is looked at instead ends the way forward.
    desk.keys("Backspace Backspace");
    desk.state.desk.focus_on(&NODES);
    desk.keys("Tab Backspace Tab");
    desk.command("forward");
    desk.shows("this screen has no view after this one");
}

#[test]
fn rows_that_were_jumped_to_are_views_and_those_that_were_moved_to_are_not() {
    let names: Vec<String> = snapshot().nodes.iter().map(|node| node.name.to_string()).collect();
    let mut desk = Desk::live(120, 40);
    desk.command(&format!("node {}", names[3]));
    desk.keys("k");
    desk.command(&format!("node {}", names[0]));
    assert_eq!(node(&mut desk), names[0]);
    desk.keys("j Backspace");
    assert_eq!(node(&mut desk), names[2], "where the cursor was moved to last");
    desk.command("forward");
    assert_eq!(node(&mut desk), names[1], "from where one went back");
    desk.command("5");
    assert_eq!(node(&mut desk), names[4]);
    desk.keys("Backspace");
    assert_eq!(node(&mut desk), names[1]);
}

#[test]
fn the_nodes_of_one_shape_are_a_view() {
    let mut desk = Desk::live(120, 40);
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("j k Enter");
    at(&desk, &NODES);
    assert!(desk.state.model.cluster.drilled.is_some());
    desk.keys("Backspace");
    at(&desk, &SHAPES);
    assert!(desk.state.model.cluster.drilled.is_none());
    desk.command("forward");
    at(&desk, &NODES);
    assert!(desk.state.model.cluster.drilled.is_some());
    desk.shows(" of 5: ");
}

#[test]
fn each_screen_has_its_own_views() {
    let mut desk = Desk::live(120, 40);
    desk.keys("Tab 2 Tab 4 g l");
    at(&desk, &LOG);
    desk.keys("Backspace");
    at(&desk, &CHECKS);
    desk.keys("2 Backspace");
    at(&desk, &VALUES);
    desk.keys("1 Backspace");
    at(&desk, &NODES);
    assert_eq!(desk.state.desk.screen, Screen::Cluster);
    desk.act(Action::PreviousView);
    assert_eq!(desk.state.desk.screen, Screen::Recipe, "the screen before is no matter of views");
}

#[test]
fn panels_that_are_gone_are_passed_over() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 Tab i Esc");
    desk.keys("i i");
    at(&desk, &VALUES);
    desk.keys("Backspace");
    let now = desk.state.desk.focused();
    assert!(now != &aicr::workbench::panes::WHAT_IF, "what-if is closed");
    desk.text();
}

/// What was said on one screen is not read as if it was said of the next one; a failure waits for its answer.
#[test]
fn a_message_goes_with_its_screen_and_a_failure_stays() {
    let mut desk = Desk::live(120, 40);
    desk.state.model.say(Severity::Info, "said of the nodes");
    desk.keys("j");
    desk.shows("said of the nodes");
    desk.keys("2");
    assert!(!desk.text().contains("said of the nodes"), "{}", desk.text());
    assert!(desk.state.model.messages.iter().any(|message| message.text == "said of the nodes"), "it is in the list");
    // What the change of the screen itself comes to is said there.
    desk.command("compare");
    assert_eq!(desk.state.desk.screen, Screen::Compare);
    desk.shows("compares a file with the cluster");
    desk.state.model.say(Severity::Fail, "failed to read the file");
    desk.keys("1");
    desk.shows("failed to read the file");
}
