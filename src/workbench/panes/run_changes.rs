//! Two recorded runs, check by check: what became of each.

use super::{checks, prelude::*};
use crate::{
    report::compare::{Became, Row as Compared, Side},
    workbench::{elsewhere::short, model::Model},
};

pub static PANE: Pane = Pane {
    name: "two runs",
    screen: Screen::Validate,
    place: Place::NONE.short(column(1, 0).on_focus()).four(column(1, 0).row(1).on_focus()).all(column(1, 0).on_focus()),
    presence: |model: &Model, _| match model.records.compared {
        Some(_) => Presence::Shown,
        None => Presence::Hidden,
    },
    needs: &[Need::Runs, Need::Look],
    hints: &[Action::MoveDown, Action::NextThing, Action::Enter, Action::Back, Action::Copy],
    words: &[(Action::Enter, "details")],
    build,
    on,
    ..Pane::BASE
};

/// What both runs say of the selected check, in full.
pub(super) fn on(view: &View<'_>, action: Action) -> Option<Step> {
    if !matches!(action, Action::Enter | Action::Details) {
        return None;
    }
    let (title, lines) = of_selected(view, view.pane)?;
    Some(Step::Prose { title, body: lines.join("\n") })
}

/// What became of the check under the cursor of a pane, and what both runs say of it.
pub(super) fn of_selected(view: &View<'_>, pane: &Pane) -> Option<(String, Vec<String>)> {
    let RowId::Check(name) = view.selected(pane)? else { return None };
    let compared = view.model.records.compared.as_ref()?;
    let row = compared.rows.iter().find(|row| row.check == *name)?;
    let mut lines = Vec::new();
    for (letter, run, side) in [("A", &compared.left, &row.left), ("B", &compared.right, &row.right)] {
        let said = match side {
            None => "not in this run".to_owned(),
            Some(side) if side.run_ms == 0 => side.word.text().to_owned(),
            Some(side) => format!("{} in {}", side.word, text::duration(side.run_ms)),
        };
        lines.push(format!("{letter} {run}: {said}"));
        lines.extend(side.iter().flat_map(|side| side.message.lines()).map(|said| format!("  {said}")));
    }
    Some((format!("{name}: {}", row.became.word()), lines))
}

pub(super) fn build(view: &View<'_>) -> Content {
    let Some(compared) = &view.model.records.compared else {
        return Content { title: "two runs".to_owned(), ..Content::default() };
    };
    let differ = compared.rows.iter().filter(|row| row.became != Became::Same).count();
    let worse = compared.rows.iter().filter(|row| row.became == Became::Worse).count();
    Content {
        title: format!("A {}  B {}", short(&compared.left), short(&compared.right)),
        note: format!("{differ} of {} differ, {worse} worse", compared.rows.len()),
        columns: vec![
            Column::new("CHECK", 11, 26).name_like(),
            Column::new("BECAME", 6, 8),
            Column::new("A", 8, 16),
            Column::new("B", 8, 16),
            Column::new("WHY", 8, 12).grows().priority(1),
        ],
        rows: compared.rows.iter().map(|compared| row(compared, view.width >= TIMES)).collect(),
        says: if compared.rows.is_empty() { Blank::Empty.says("neither run has a check") } else { Vec::new() },
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

/// Columns from which on both sides have room for how long they took.
const TIMES: usize = 56;

fn row(compared: &Compared, with_times: bool) -> Row {
    let (role, glyph) = match compared.became {
        Became::Same => (Role::Muted, " "),
        Became::Better => (Role::Ok, "✓"),
        Became::Worse => (Role::Fail, "✗"),
        Became::Other | Became::Added | Became::Removed => (Role::Warn, "!"),
    };
    let side = |side: &Option<Side>| match side {
        None => Cell::new(Role::Muted, "-"),
        Some(side) => {
            let (role, _, word) = checks::verdict(side.word);
            let time = if side.run_ms == 0 || !with_times {
                String::new()
            } else {
                format!(" {}", text::duration(side.run_ms))
            };
            Cell::new(role, word).and(Role::Muted, time)
        }
    };
    let said = [&compared.right, &compared.left].into_iter().flatten().map(|side| side.message.as_str());
    let why = said.into_iter().find(|said| !said.is_empty()).and_then(|said| said.lines().next()).unwrap_or_default();
    Row {
        marker: Some((role, glyph)),
        matters: compared.became != Became::Same,
        ..Row::new(
            RowId::Check(compared.check.clone()),
            vec![
                compared.check.as_str().into(),
                Cell::new(role, compared.became.word()),
                side(&compared.left),
                side(&compared.right),
                Cell::text(why),
            ],
        )
    }
}
