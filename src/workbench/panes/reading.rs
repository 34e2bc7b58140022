//! One difference of two snapshots in full.

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
    id: PaneId::Reading,
    screen: Screen::Compare,
    name: "difference",
    needs: &[Need::Compare, Need::Cursor(PaneId::Readings), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::Swap, Action::ZoomFull],
    build,
};

fn build(state: &State) -> Content {
    let selected = state.table(PaneId::Readings).row().map(|row| row.key.clone());
    let changes = state.data.compare.changes.value.as_ref();
    let change = changes.zip(selected).and_then(|(all, path)| all.iter().find(|change| change.path == path));
    let Some(change) = change else {
        return Content {
            says: vec![(Role::Muted, "the selected difference is shown here".to_owned())],
            ..prose("difference", Vec::new())
        };
    };
    let width = state.width_of(PaneId::Reading).saturating_sub(5);
    let (a, b) = state.compare_names();
    let mut rows = Vec::new();
    if let Some(noise) = change.noise {
        rows.push(Row::new("noise", vec![Cell::new(Role::Muted, format!("changes by itself: {noise}"))]));
    }
    for (side, name, role, value) in [("A", a, Role::Remove, &change.left), ("B", b, Role::Add, &change.right)] {
        rows.push(Row::new(side, vec![Cell::new(Role::Muted, format!("{side}  {name}"))]));
        let written = match value {
            None => "(not there)".to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => crate::yaml::to_string(other),
        };
        let role = if value.is_some() { role } else { Role::Muted };
        let lines = written.lines().flat_map(|line| text::wrap(&text::clean(line), width));
        for (index, line) in lines.enumerate() {
            rows.push(Row::new(format!("{side} {index}"), vec![Cell::new(role, format!("   {line}"))]));
        }
    }
    prose(change.path.as_str(), rows)
}
