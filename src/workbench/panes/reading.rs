//! One difference of two snapshots in full, or of two runs where those are looked at.

use super::{compared_runs, prelude::*, readings, run_changes};
use crate::diff::{noise, replaced};

pub static PANE: Pane = Pane {
    name: "difference",
    screen: Screen::Compare,
    place: Place::NONE.detail(8).stays_small().short(strip(8).part(1, 2).at_most(8)).four(strip(9)).all(strip(10)),
    needs: &[Need::Compare, Need::Runs, Need::Cursor(&readings::PANE), Need::Cursor(&compared_runs::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::Swap, Action::ZoomFull],
    build,
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    if view.focus == &compared_runs::PANE
        && let Some((title, said)) = run_changes::of_selected(view, &compared_runs::PANE)
    {
        let mut rows = Vec::new();
        said.into_iter().for_each(|said| line(&mut rows, Cell::text(text::clean(&said))));
        return prose(title, rows);
    }
    let selected = view.selected(&readings::PANE).and_then(RowId::named);
    let answer = view.model.compare.changes.answer();
    let change =
        answer.zip(selected).and_then(|((sides, drift), path)| Some((sides, drift, readings::change_at(drift, path)?)));
    let Some((sides, drift, change)) = change else {
        return Content { says: Blank::Empty.says("no difference is selected"), ..prose("difference", Vec::new()) };
    };
    let mut rows = Vec::new();
    for broken in drift.broken.iter().filter(|broken| readings::concerns(broken, &change.path)) {
        line(&mut rows, Cell::new(Role::Fail, format!("✗ breaks {}", broken.words())));
    }
    if replaced::is_one(change) {
        line(&mut rows, Cell::new(Role::Muted, format!("{}: what differs", change.cause)));
    }
    if let Some(noise) = noise::why(change) {
        line(&mut rows, Cell::new(Role::Muted, format!("changes by itself: {noise}")));
    }
    let sides = &sides.with_times();
    let third = sides.third.as_ref().map(|name| ("C", name, Role::Add, readings::third(drift, change)));
    let both = [("A", &sides.left, Role::Remove, &change.left), ("B", &sides.right, Role::Add, &change.right)];
    for (side, name, role, value) in both.into_iter().chain(third) {
        line(&mut rows, Cell::new(Role::Muted, format!("{side}  {name}")));
        let written = match value {
            None => "(not there)".to_owned(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => crate::yaml::to_string(other),
        };
        let role = if value.is_some() { role } else { Role::Muted };
        for part in written.lines() {
            line(&mut rows, Cell::new(role, "   ").and(role, part));
        }
    }
    prose(change.path.as_str(), rows)
}
