//! One difference of two snapshots in full.

use super::{prelude::*, readings};

pub static PANE: Pane = Pane {
    name: "difference",
    screen: Screen::Compare,
    place: Place::NONE.detail(8).stays_small().short(strip(8).part(1, 2).at_most(8)).four(strip(9)).all(strip(10)),
    needs: &[Need::Compare, Need::Cursor(&readings::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::Swap, Action::ZoomFull],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let selected = view.selected(&readings::PANE).and_then(RowId::named);
    let changes = view.model.compare.changes.value.as_ref();
    let change = changes.zip(selected).and_then(|(all, path)| all.iter().find(|change| change.path == path));
    let Some(change) = change else {
        return Content {
            says: vec![(Role::Muted, "the selected difference is shown here".to_owned())],
            ..prose("difference", Vec::new())
        };
    };
    let width = view.width.saturating_sub(5);
    let (a, b) = view.model.compare_names();
    let mut rows = Vec::new();
    if let Some(noise) = change.noise {
        line(&mut rows, Cell::new(Role::Muted, format!("changes by itself: {noise}")));
    }
    for (side, name, role, value) in [("A", a, Role::Remove, &change.left), ("B", b, Role::Add, &change.right)] {
        line(&mut rows, Cell::new(Role::Muted, format!("{side}  {name}")));
        let written = match value {
            None => "(not there)".to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => crate::yaml::to_string(other),
        };
        let role = if value.is_some() { role } else { Role::Muted };
        let lines = written.lines().flat_map(|line| text::wrap(&text::clean(line), width));
        for part in lines {
            line(&mut rows, Cell::new(role, format!("   {part}")));
        }
    }
    prose(change.path.as_str(), rows)
}
