//! Which checks share one log, and how their lines are told apart.
//!
//! A person marks checks or takes those of a phase or of the whole run; the log then shows the lines of all of them by time.
//! It is kept apart from the run, so that another moment of a replay, or the next run, is looked at in the same way.

use super::{
    model::{CheckView, Run},
    theme::Role,
    widgets::text,
};
use crate::catalog::validator::Phase;
use std::collections::BTreeSet;

/// What one log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that a person marked.
    Marked,
    Phase(Phase),
    /// All of the run.
    All,
}

/// The checks that share one log; without a choice, each has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    pub which: Option<Which>,
    /// Names of checks: those that were marked when it was chosen.
    pub marked: BTreeSet<String>,
}

impl Merge {
    /// The checks of a choice, each with its place in the run.
    pub fn checks<'r>(&self, which: Which, run: &'r Run) -> Vec<(usize, &'r CheckView)> {
        let is_meant = |check: &CheckView| match which {
            Which::Marked => self.marked.contains(&check.planned.name),
            Which::Phase(phase) => check.planned.phase == phase,
            Which::All => true,
        };
        run.checks.iter().enumerate().filter(|(_, check)| is_meant(check)).collect()
    }

    /// The checks that share the log now; empty where each has its own.
    pub fn of<'r>(&self, run: &'r Run) -> Vec<(usize, &'r CheckView)> {
        self.which.map_or_else(Vec::new, |which| self.checks(which, run))
    }

    /// What is chosen after this one, with the phase that the cursor is on: marked checks or the phase, then the whole run, then
    /// each check for itself. The whole run is passed over where it would show the same checks again.
    pub fn next(&self, phase: Option<Phase>, run: &Run) -> Option<Which> {
        let choices = [Some(Which::Marked), phase.map(Which::Phase)];
        let first = choices.into_iter().flatten().find(|which| !self.checks(*which, run).is_empty());
        match self.which {
            None => first.or(Some(Which::All)),
            Some(Which::All) => None,
            // The cursor is on another phase now, or checks were marked.
            Some(which) if first.is_some_and(|first| first != which) => first,
            Some(which) => (self.checks(which, run).len() < run.checks.len()).then_some(Which::All),
        }
    }

    /// As a title names it.
    pub fn title(&self, which: Which, run: &Run) -> String {
        let count = text::count(self.checks(which, run).len(), "check");
        match which {
            Which::Marked => format!("{count}, marked"),
            Which::Phase(phase) => format!("{}, {count}", phase.name()),
            Which::All => format!("run, {count}"),
        }
    }
}

/// The letter of a check in a log of several, by its place in the run: A to Z, then AA.
pub fn letter(place: usize) -> String {
    let last = char::from(b'A' + u8::try_from(place % 26).unwrap_or_default());
    match place / 26 {
        0 => last.to_string(),
        before => format!("{}{last}", letter(before - 1)),
    }
}

/// The color of a check in a log of several: neighbors differ, and the letter says the same without color.
pub fn role(place: usize) -> Role {
    Role::layer(place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_behind_the_alphabet() {
        assert_eq!([0, 1, 25, 26, 27, 701, 702].map(letter), ["A", "B", "Z", "AA", "AB", "ZZ", "AAA"]);
    }
}
