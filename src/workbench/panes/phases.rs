//! The phases of a run by time: when each began and ended, and its part of the run. Only where a screen has room to spare.

use super::{checks::Stand, prelude::*};
use crate::{
    catalog::validator::Phase,
    workbench::{
        model::{CheckView, clock},
        widgets::table::text_columns,
    },
};

pub static PANE: Pane = Pane {
    name: "phases",
    screen: Screen::Validate,
    place: Place::NONE.all(strip(7)),
    presence: |model, _| match model.run.checks.iter().any(|check| check.started_ms.is_some()) {
        true => Presence::InPlace,
        false => Presence::Hidden,
    },
    needs: &[Need::Run, Need::Look],
    hints: &[Action::MoveDown, Action::Copy],
    build,
    ..Pane::BASE
};

/// Columns of the names and times, with what is between them and the bar.
const BEFORE: usize = 66;

fn build(view: &View<'_>) -> Content {
    let run = &view.model.run;
    let now_ms = view.model.run_now_ms();
    let phases: Vec<(Phase, Stand)> = Phase::ALL
        .into_iter()
        .filter_map(|phase| {
            let checks: Vec<&CheckView> = run.checks.iter().filter(|check| check.planned.phase == phase).collect();
            (!checks.is_empty()).then(|| (phase, Stand::of(run, phase, &checks)))
        })
        .collect();
    let began = phases.iter().filter_map(|(_, stand)| stand.began_ms).min().unwrap_or(run.started_ms);
    let until = |stand: &Stand| stand.ended_ms.or(stand.began_ms.map(|_| now_ms));
    let ended = phases.iter().filter_map(|(_, stand)| until(stand)).max().unwrap_or(began);
    let room = text_columns(view.width).saturating_sub(BEFORE);
    let row = |(phase, stand): &(Phase, Stand)| {
        let stamp = |at: Option<u64>| at.map_or("-".to_owned(), clock);
        let is_running = stand.began_ms.is_some() && stand.ended_ms.is_none();
        let took = stand.began_ms.zip(until(stand)).map(|(began, until)| until.saturating_sub(began));
        let part = stand.began_ms.zip(until(stand)).map_or(String::new(), |part| span(part, (began, ended), room));
        Row {
            marker: is_running.then_some((Role::Run, "»")),
            ..Row::new(
                RowId::Phase(*phase),
                vec![
                    Cell::new(Role::Strong, phase.name()),
                    Cell::new(stand.role, &stand.word),
                    Cell::new(Role::Muted, stamp(stand.began_ms)),
                    Cell::new(Role::Muted, stamp(stand.ended_ms)),
                    Cell::new(Role::Muted, took.map_or("-".to_owned(), crate::text::duration)),
                    Cell::new(stand.role, part),
                ],
            )
        }
    };
    Content {
        title: "phases".to_owned(),
        note: format!("{} in all", crate::text::duration(ended.saturating_sub(began))),
        rows: phases.iter().map(row).collect(),
        columns: vec![
            Column::new("PHASE", 12, 12),
            Column::new("STATE", 12, 12),
            Column::new("BEGAN", 8, 8),
            Column::new("ENDED", 8, 8),
            Column::new("TIME", 10, 10).right(),
            Column::new("", 10, 10).grows(),
        ],
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

/// The part of a time that something took, as a bar over all of it; what took no time to speak of has a cell all the same.
fn span((from, to): (u64, u64), (begin, end): (u64, u64), cells: usize) -> String {
    let whole = end.saturating_sub(begin).max(1);
    let place = |at: u64| usize::try_from(at.saturating_sub(begin) * cells as u64 / whole).unwrap_or(cells).min(cells);
    let from = place(from).min(cells.saturating_sub(1));
    let to = place(to).max(from + 1).min(cells);
    format!("{}{}{}", "░".repeat(from), "█".repeat(to - from), "░".repeat(cells - to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_time_is_that_part_of_the_bar() {
        assert_eq!(span((0, 100), (0, 100), 10), "██████████");
        assert_eq!(span((20, 50), (0, 100), 10), "░░███░░░░░");
        assert_eq!(span((100, 100), (0, 100), 4), "░░░█", "what took no time");
        assert_eq!(span((7, 7), (7, 7), 3), "█░░", "a run that has just begun");
        assert_eq!(span((5, 9), (0, 10), 0), "", "no room");
    }
}
