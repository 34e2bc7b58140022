//! A question over the screen: what it is about, its answers, and where they are drawn.
//!
//! The first answer is the one that does no harm: it has the focus, and leads to nothing. Answers stand beside each other, in as
//! many lines as that takes, so that every one of them is seen at every width.

use super::{log_options::Part, widgets::text};
use ratatui::layout::{Position, Rect};

/// What a question is about, and what an answer to it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Run,
    CancelRun,
    /// One check of a run that goes on.
    CancelCheck(String),
    /// Install or remove the planned bundle.
    Deploy,
    CancelDeploy,
    /// Write over a file that is there.
    Overwrite,
    /// Write these lines of a log.
    WriteLog(Part),
    /// Leave although a run is active, which is canceled.
    Quit,
    /// Leave, and leave the Jobs of the run to the cluster.
    Leave,
    /// Follow a run of somebody else no more.
    EndFollow,
}

/// One of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub label: &'static str,
    /// `None` for one that changes nothing.
    pub leads: Option<Question>,
}

impl Answer {
    /// The one that does no harm.
    pub fn no(label: &'static str) -> Answer {
        Answer { label, leads: None }
    }

    pub fn to(label: &'static str, question: Question) -> Answer {
        Answer { label, leads: Some(question) }
    }

    /// As it is drawn, with the focus or without, equally wide.
    pub fn shown(&self, is_chosen: bool) -> String {
        let label = self.label;
        if is_chosen { format!("[ {label} ]") } else { format!("  {label}  ") }
    }

    fn width(&self) -> u16 {
        u16::try_from(text::width(&self.shown(false))).unwrap_or(u16::MAX)
    }
}

/// The answer that a step leads to, from the last to the first and back.
pub fn step(chosen: usize, count: usize, forward: bool) -> usize {
    let by = if forward { 1 } else { count.saturating_sub(1) };
    (chosen + by) % count.max(1)
}

/// Lines that answers take in so many columns.
pub fn lines(answers: &[Answer], columns: u16) -> u16 {
    flow(answers, columns).last().map_or(0, |(_, line)| line + 1)
}

/// Where each answer is, in the inside of a popup: above its last line, with the line of the chosen one in view where there is no
/// room for all. `None` for one that is out of view.
pub fn places(answers: &[Answer], chosen: usize, inside: Rect) -> Vec<Option<Rect>> {
    let flow = flow(answers, inside.width);
    let count = flow.last().map_or(0, |(_, line)| line + 1);
    let room = inside.height.min(count);
    let line_of_chosen = flow.get(chosen).map_or(0, |(_, line)| *line);
    let first = line_of_chosen.saturating_sub(room.saturating_sub(1));
    let top = inside.bottom() - room;
    let place = |(answer, (at, line)): (&Answer, &(u16, u16))| {
        let line = line.checked_sub(first).filter(|line| *line < room)?;
        let width = answer.width().min(inside.width.saturating_sub(*at));
        Some(Rect { x: inside.x + at, y: top + line, width, height: 1 })
    };
    answers.iter().zip(&flow).map(place).collect()
}

/// The answer at a place.
pub fn at(places: &[Option<Rect>], position: Position) -> Option<usize> {
    places.iter().position(|place| place.is_some_and(|place| place.contains(position)))
}

/// Column and line of each answer.
fn flow(answers: &[Answer], columns: u16) -> Vec<(u16, u16)> {
    const MARGIN: u16 = 1;
    let (mut next, mut line) = (MARGIN, 0);
    let place = |answer: &Answer| {
        if next > MARGIN && next.saturating_add(answer.width()) > columns {
            (next, line) = (MARGIN, line + 1);
        }
        let at = next;
        next = next.saturating_add(answer.width()).saturating_add(1);
        (at, line)
    };
    answers.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<Answer> {
        let [stay, leave, cancel] = ["stay", "leave the Jobs", "cancel and leave"];
        vec![Answer::no(stay), Answer::to(leave, Question::Quit), Answer::to(cancel, Question::CancelRun)]
    }

    #[test]
    fn a_step_goes_around_in_both_directions() {
        let walk = |count: usize, forward: bool| -> Vec<usize> {
            let walked = std::iter::successors(Some(0), |chosen| Some(step(*chosen, count, forward)));
            walked.take(count + 2).collect()
        };
        assert_eq!(walk(3, true), [0, 1, 2, 0, 1]);
        assert_eq!(walk(3, false), [0, 2, 1, 0, 2]);
        assert_eq!((walk(2, true), walk(2, false)), (vec![0, 1, 0, 1], vec![0, 1, 0, 1]));
    }

    #[test]
    fn answers_that_do_not_fit_beside_each_other_go_on_below() {
        let answers = three();
        for (columns, expected) in [(74, 1), (49, 1), (48, 2), (28, 2), (27, 3), (12, 3)] {
            assert_eq!(lines(&answers, columns), expected, "{columns} columns");
        }
    }

    /// Whatever has the focus is seen, whole where that is possible, and a click finds each that is.
    #[test]
    fn the_chosen_answer_is_in_view_at_every_size_and_no_two_meet() {
        let answers = three();
        for (width, height, chosen) in
            (8..80).flat_map(|width| (1..6).flat_map(move |height| (0..3).map(move |chosen| (width, height, chosen))))
        {
            let inside = Rect::new(3, 2, width, height);
            let places = places(&answers, chosen, inside);
            let shown: Vec<Rect> = places.iter().flatten().copied().collect();
            assert!(places[chosen].is_some(), "{inside} {chosen}");
            assert!(shown.iter().all(|place| inside.contains(place.as_position()) && place.right() <= inside.right()));
            for (index, place) in places.iter().enumerate() {
                let Some(place) = place else { continue };
                assert_eq!(at(&places, place.as_position()), Some(index), "{inside}");
            }
            if height >= 3 {
                assert_eq!(shown.len(), 3, "{inside}");
            }
        }
    }
}
