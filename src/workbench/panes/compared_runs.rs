//! Two recorded runs on the Compare screen, where they were named: what [`run_changes`] shows.

use super::{prelude::*, run_changes};

pub static PANE: Pane = Pane {
    name: "compared runs",
    screen: Screen::Compare,
    place: Place::NONE.short(column(1, 0).on_focus()).four(column(1, 0).on_focus()).all(column(1, 0).on_focus()),
    presence: run_changes::PANE.presence,
    needs: run_changes::PANE.needs,
    hints: &[Action::MoveDown, Action::NextThing, Action::Enter, Action::NextPanel, Action::Copy],
    words: run_changes::PANE.words,
    build: run_changes::build,
    on: run_changes::on,
    ..Pane::BASE
};
