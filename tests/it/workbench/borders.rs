//! Borders that are moved by the mouse and by keys, and where they stay.

use super::{desk::Desk, screens::golden};
use aicr::{
    cluster::watch::LiveStatus,
    ops::{connect::Target, demo::DemoOptions},
    term::input::Input,
    workbench::{
        Look, RunOptions,
        keymap::Action,
        layout::Border,
        msg::Msg,
        panes::{COMPONENTS, NODE, NODES, Pane, SHAPES},
        session::Session,
    },
};
use ratatui::layout::Rect;

fn area(desk: &mut Desk, pane: &'static Pane) -> Rect {
    desk.frame();
    desk.state.desk.layout.panel(pane).unwrap_or_else(|| panic!("{pane:?} is not shown"))
}

fn mouse(desk: &mut Desk, input: Input) {
    desk.update(Msg::Input(input));
}

/// From a place to another, by way of a third.
fn drag(desk: &mut Desk, from: (u16, u16), to: (u16, u16)) {
    mouse(desk, Input::Click { column: from.0, row: from.1 });
    let way = (u16::midpoint(from.0, to.0), u16::midpoint(from.1, to.1));
    for (column, row) in [way, to] {
        mouse(desk, Input::Drag { column, row });
    }
    mouse(desk, Input::Release);
}

#[test]
fn borders_follow_the_pointer() {
    let mut desk = Desk::live(120, 40);
    let before = area(&mut desk, &SHAPES);
    // Either cell of the border is taken, and it stays under the pointer.
    for (grab, to) in [(before.right() - 1, 65), (66, 40)] {
        drag(&mut desk, (grab, 6), (to, 9));
        let (shapes, nodes) = (area(&mut desk, &SHAPES), area(&mut desk, &NODES));
        assert_eq!(shapes.right(), nodes.x);
        assert!([shapes.right() - 1, nodes.x].contains(&to), "{shapes:?} for {to}");
    }
    desk.shows("borders stay where they are put; Ctrl-W = puts them back");
    // Beyond the end it stops, and comes back with the pointer.
    let edge = area(&mut desk, &SHAPES).right() - 1;
    mouse(&mut desk, Input::Click { column: edge, row: 6 });
    mouse(&mut desk, Input::Drag { column: 0, row: 6 });
    assert_eq!(area(&mut desk, &SHAPES).width, 20);
    mouse(&mut desk, Input::Drag { column: 30, row: 6 });
    assert_eq!(area(&mut desk, &SHAPES).right() - 1, 30);
    mouse(&mut desk, Input::Release);
    // What is not held does not move.
    mouse(&mut desk, Input::Drag { column: 60, row: 6 });
    assert_eq!(area(&mut desk, &SHAPES).right() - 1, 30);

    let components = area(&mut desk, &COMPONENTS);
    drag(&mut desk, (5, components.y), (5, components.y + 3));
    assert_eq!(area(&mut desk, &COMPONENTS).y, components.y + 3);
    assert_eq!(desk.state.desk.focused(), &COMPONENTS, "a click on a title still gives the focus");
    golden("borders-120x40", &desk.text());
    desk.act(Action::PanelsAsBefore);
    assert_eq!(area(&mut desk, &SHAPES), before);
}

#[test]
fn a_click_on_a_border_chooses_no_row() {
    let mut desk = Desk::live(120, 40);
    desk.keys("j j");
    let nodes = area(&mut desk, &NODES);
    for (column, row) in [(nodes.right() - 1, nodes.y + 2), (nodes.x, nodes.y + 2), (nodes.x + 9, nodes.bottom() - 1)] {
        mouse(&mut desk, Input::Click { column, row });
        mouse(&mut desk, Input::Release);
        assert_eq!(desk.state.desk.table(&NODES).cursor, 2);
    }
}

#[test]
fn borders_are_moved_by_keys() {
    let mut desk = Desk::live(120, 40);
    let nodes = area(&mut desk, &NODES);
    desk.keys("Ctrl-W >");
    assert_eq!(area(&mut desk, &NODES).width, nodes.width + 4, "the last column grows to the left");
    desk.keys("Ctrl-W < Ctrl-W <");
    assert_eq!(area(&mut desk, &NODES).width, nodes.width - 4);
    let mut desk = Desk::live(80, 24);
    let (nodes, node) = (area(&mut desk, &NODES), area(&mut desk, &NODE));
    desk.keys("Ctrl-W +");
    assert_eq!(area(&mut desk, &NODES).height, nodes.height + 2);
    assert_eq!(area(&mut desk, &NODE).height, node.height - 2);
    desk.state.desk.focus_on(&NODE);
    desk.keys("Ctrl-W +");
    assert_eq!(area(&mut desk, &NODE).height, node.height);
    for _ in 0..30 {
        desk.keys("Ctrl-W -");
    }
    assert_eq!(area(&mut desk, &NODE).height, 4);
    desk.shows("the border is at its end");
    desk.keys("Ctrl-W +");
    assert_eq!(area(&mut desk, &NODE).height, 6, "no step is lost beyond the end");
    desk.keys("z z Ctrl-W >");
    desk.shows("this panel has no such border here");
}

#[test]
fn borders_of_small_frames_move_and_each_size_has_its_own() {
    let mut desk = Desk::live(80, 24);
    let node = area(&mut desk, &NODE);
    drag(&mut desk, (10, node.y), (10, node.y - 3));
    assert_eq!(area(&mut desk, &NODE).height, node.height + 3);
    desk.update(Msg::Input(Input::Resize { width: 120, height: 40 }));
    let large = area(&mut desk, &NODE);
    assert_eq!(large, area(&mut Desk::live(120, 40), &NODE));
    desk.update(Msg::Input(Input::Resize { width: 80, height: 24 }));
    assert_eq!(area(&mut desk, &NODE).height, node.height + 3);
}

#[test]
fn moved_borders_are_there_in_the_next_session() {
    let start = |session: Session| {
        let target = Target::Demo(DemoOptions::default());
        let options = RunOptions { target, session, restores: true, look: Look::default(), ..RunOptions::default() };
        let mut desk = Desk::started(&options, 120, 40);
        desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
        desk.view(LiveStatus::Fresh, Some(super::desk::snapshot()));
        desk
    };
    let mut desk = start(Session::default());
    area(&mut desk, &SHAPES);
    desk.keys("Ctrl-W > Ctrl-W > Ctrl-W +");
    let panels = [&SHAPES, &NODES, &NODE].map(|pane| area(&mut desk, pane));
    let session = desk.state.session();
    let kept = &session.clusters["demo"].borders;
    assert_eq!(
        kept.iter().map(|(path, by)| (path.as_str(), *by)).collect::<Vec<_>>(),
        [("cluster/four/column-0", -8), ("cluster/four/row-1-0", 2),]
    );
    let mut again = start(Session::parse(&session.text()).unwrap());
    assert_eq!([&SHAPES, &NODES, &NODE].map(|pane| area(&mut again, pane)), panels);
}

#[test]
fn names_of_borders_are_read_as_they_are_written() {
    for border in [Border::Detail, Border::Strip, Border::Column(2), Border::Row(1, 3)] {
        assert_eq!(Border::named(&border.name()), Some(border));
    }
    for name in ["", "column", "column-x", "row-1", "left"] {
        assert_eq!(Border::named(name), None, "{name}");
    }
}
