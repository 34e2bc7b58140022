//! Questions with more than two answers: by keys, by the mouse, at every width.

use super::desk::{Desk, run_half_way};
use aicr::{
    term::input::Input,
    workbench::{
        effect::Effect,
        msg::Msg,
        overlay::{Kind, Overlay},
        question::{Answer, Question},
    },
};

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
