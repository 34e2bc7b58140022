//! Two recorded runs, check by check: what became of each.

use super::{checks, prelude::*};
use crate::{
    report::compare::{Became, Row as Compared, Side},
    workbench::model::Model,
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
    hints: &[Action::MoveDown, Action::NextThing, Action::Swap, Action::Back, Action::Copy],
    build,
    ..Pane::BASE
};

/// The same on the Compare screen, for two runs that were named there.
pub static ON_COMPARE: Pane = Pane {
    name: "compared runs",
    screen: Screen::Compare,
    place: Place::NONE.short(column(1, 0).on_focus()).four(column(1, 0).on_focus()).all(column(1, 0).on_focus()),
    presence: PANE.presence,
    needs: PANE.needs,
    hints: &[Action::MoveDown, Action::NextThing, Action::NextPanel, Action::Copy],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let Some(compared) = &view.model.records.compared else {
        return Content { title: "two runs".to_owned(), ..Content::default() };
    };
    let differ = compared.rows.iter().filter(|row| row.became != Became::Same).count();
    let worse = compared.rows.iter().filter(|row| row.became == Became::Worse).count();
    let short = |id: &str| id.get(..15).unwrap_or(id).to_owned();
    Content {
        title: format!("A {}  B {}", short(&compared.left), short(&compared.right)),
        note: format!("{differ} of {} differ, {worse} worse", compared.rows.len()),
        columns: vec![
            Column::new("CHECK", 14, 26).name_like(),
            Column::new("BECAME", 6, 8),
            Column::new("A", 8, 16),
            Column::new("B", 8, 16),
            Column::new("WHY", 8, 12).grows().priority(1),
        ],
        rows: compared.rows.iter().map(row).collect(),
        says: if compared.rows.is_empty() { Blank::Empty.says("neither run has a check") } else { Vec::new() },
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

fn row(compared: &Compared) -> Row {
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
            let time = if side.run_ms == 0 { String::new() } else { format!(" {}", text::duration(side.run_ms)) };
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
