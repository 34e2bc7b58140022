//! One change in full: both values and who caused it.

use super::{changes, prelude::*, upgrades};

pub static PANE: Pane = Pane {
    name: "change",
    screen: Screen::Diff,
    place: Place::NONE.detail(8).short(strip(8).part(1, 2).at_most(8)).four(strip(10)).all(strip(12)),
    presence: upgrades::unless_shown,
    needs: &[Need::Diff, Need::Cursor(&changes::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::ZoomFull],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let selected = view.selected(&changes::PANE);
    let changes = view.model.diff.changes.value.as_ref();
    if let (Some(all), Some(RowId::Line(changes::NOTES, at))) = (changes, selected)
        && let Some(note) = all.notes.get(*at)
    {
        let mut rows = Vec::new();
        line(&mut rows, Cell::text(note));
        return prose("not compared", rows);
    }
    let path = selected.and_then(RowId::named);
    let change = changes.zip(path).and_then(|(all, path)| all.changes.iter().find(|change| change.path == path));
    let Some(change) = change else {
        if let Some(RowId::Cause(cause)) = selected {
            let next = view.keys.key(Action::NextThing);
            let said = format!("a group is selected; {next} goes to the next change");
            return Content { says: Blank::Empty.says(said), ..prose(format!("changes: {cause}"), Vec::new()) };
        }
        return Content { says: Blank::Empty.says("no change is selected"), ..prose("change", Vec::new()) };
    };
    let mut rows = Vec::new();
    if !change.cause.is_empty() {
        line(&mut rows, Cell::new(Role::Muted, "cause  ").and(Role::Text, &change.cause));
    }
    for (glyph, role, value) in [("- ", Role::Remove, &change.left), ("+ ", Role::Add, &change.right)] {
        let Some(value) = value else {
            line(&mut rows, Cell::new(Role::Muted, format!("{glyph}(not there)")));
            continue;
        };
        let written = match value {
            serde_json::Value::String(text) => text.clone(),
            other => crate::yaml::to_string(other),
        };
        for (index, part) in written.lines().enumerate() {
            let glyph = if index == 0 { glyph } else { "  " };
            line(&mut rows, Cell::new(role, glyph).and(role, part));
        }
    }
    prose(format!("change {}", change.path), rows)
}
