//! One change in full: both values and who caused it.

use super::{Need, Pane, PaneId, prose};
use crate::workbench::{
    Screen,
    app::State,
    keymap::Action,
    theme::Role,
    widgets::{
        table::{Cell, Content, Row},
        text,
    },
};

pub(super) static PANE: Pane = Pane {
    id: PaneId::Cause,
    screen: Screen::Diff,
    name: "change",
    needs: &[Need::Diff, Need::Cursor(PaneId::Changes), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::ZoomFull],
    build,
};

fn build(state: &State) -> Content {
    let selected = state.table(PaneId::Changes).row().map(|row| row.key.clone());
    let changes = state.data.diff.changes.value.as_ref();
    let width = state.width_of(PaneId::Cause);
    if let Some(note) = changes.zip(selected.as_ref()).and_then(|(all, key)| all.notes.iter().find(|note| *note == key))
    {
        let lines = text::wrap(&text::clean(note), width.saturating_sub(1)).into_iter().enumerate();
        return prose("not compared", lines.map(|(at, line)| Row::new(at.to_string(), vec![line.into()])).collect());
    }
    let change = changes.zip(selected).and_then(|(all, path)| all.changes.iter().find(|change| change.path == path));
    let Some(change) = change else {
        return Content {
            says: vec![(Role::Muted, "the selected change is shown here".to_owned())],
            ..prose("change", Vec::new())
        };
    };
    let mut rows = Vec::new();
    if !change.cause.is_empty() {
        rows.push(Row::new("cause", vec![Cell::new(Role::Muted, "cause  ").and(Role::Text, &change.cause)]));
    }
    for (name, glyph, role, value) in
        [("left", "- ", Role::Remove, &change.left), ("right", "+ ", Role::Add, &change.right)]
    {
        let Some(value) = value else {
            rows.push(Row::new(name, vec![Cell::new(Role::Muted, format!("{glyph}(not there)"))]));
            continue;
        };
        let written = match value {
            serde_json::Value::String(text) => text.clone(),
            other => crate::yaml::to_string(other),
        };
        let lines = written.lines().flat_map(|line| text::wrap(&text::clean(line), width.saturating_sub(3)));
        for (index, line) in lines.enumerate() {
            let glyph = if index == 0 { glyph } else { "  " };
            rows.push(Row::new(format!("{name} {index}"), vec![Cell::new(role, format!("{glyph}{line}"))]));
        }
    }
    prose(format!("change {}", change.path), rows)
}
