//! The time bar: kept snapshots of the watched cluster on a line, and what had changed at each.

use super::prelude::*;
use crate::{
    ops::snapshots::Moment,
    workbench::{
        model::Source,
        time_line::{Shown, letters, marks, when},
        widgets::table,
    },
};

pub static PANE: Pane = Pane {
    name: "time",
    screen: Screen::Cluster,
    // Where two panes are shown it is one of them: what is selected is read for it, and for no more than that.
    place: Place::NONE.detail(9).short(strip(7)).four(strip(9)).all(strip(11)),
    presence: |model, _| if model.time.open { Presence::Shown } else { Presence::Hidden },
    needs: &[Need::Time, Need::Look],
    hints: &[
        Action::MoveDown,
        Action::Enter,
        Action::PreviousThing,
        Action::NextThing,
        Action::CompareWith,
        Action::TimeBar,
    ],
    words: &[(Action::Enter, "show"), (Action::TimeBar, "close")],
    build,
    on: |view, action| {
        let id = || view.selected(&PANE).map(|row| row.name().to_owned());
        match action {
            Action::Enter => id().map(|id| Step::ShowMoment(if id == NOW { String::new() } else { id })),
            Action::CompareWith => id().filter(|id| id != NOW).map(Step::CompareMoment),
            Action::Copy => id().map(|id| Step::Copy(format!("@{id}"))),
            _ => None,
        }
    },
    ..Pane::BASE
};

/// The row of the cluster as it is.
pub const NOW: &str = "now";

fn build(view: &View<'_>) -> Content {
    let time = &view.model.time;
    let moments = view.model.moments();
    let past = time.past.as_ref().map(|past| &past.moment);
    let shown = past.map(|moment| moment.id.as_str());
    let says = match (&time.moments.failure, moments.is_empty()) {
        (Some(failure), true) => failed(view, failure),
        (None, true) if time.moments.loading => Blank::Loading.says("reading the kept snapshots …"),
        (_, true) => {
            let mut says = Blank::Empty.says("no snapshot of this cluster is kept yet");
            says.push((
                Role::Muted,
                "one is kept whenever something that matters changes, and by: aicr snapshots save NAME".to_owned(),
            ));
            says
        }
        (_, false) => {
            vec![(Role::Text, marks(&moments, Shown::of(past), table::text_columns(view.width).saturating_sub(1)))]
        }
    };
    let mut rows = Vec::new();
    if !moments.is_empty() {
        let (role, glyph) = if shown.is_none() { (Role::Strong, "»") } else { (Role::Text, " ") };
        let live = time.past.as_ref().map_or(view.model.cluster.source, |past| past.source);
        let word = if live == Source::None { "" } else { live.word() };
        let cells = vec![Cell::new(role, "now"), Cell::new(Role::Muted, word), Cell::default(), Cell::default()];
        rows.push(Row { marker: Some((Role::Run, glyph)), ..Row::new(NOW, cells) });
    }
    let letters = letters(&moments);
    rows.extend(moments.iter().rev().map(|moment| row(moment, shown, letters)));
    let position = shown.and_then(|id| moments.iter().position(|moment| moment.id == id));
    let [before, next] = [Action::PreviousThing, Action::NextThing].map(|action| view.keys.key(action));
    let count = text::count(moments.len(), "snapshot");
    let position = position.map_or_else(|| count.clone(), |at| format!("{} of {count}", at + 1));
    // What the keys do from another panel is not in its hints.
    let has_room = view.width >= 70 && !moments.is_empty() && *view.focus != PANE;
    let keys = if has_room { format!("{before} {next} where it changed, ") } else { String::new() };
    Content {
        title: match &time.past {
            Some(past) => format!("time: PAST {}", when(&past.moment.at, letters)),
            None => "time: now".to_owned(),
        },
        note: format!("{keys}{position}"),
        columns: vec![
            Column::new("TAKEN", 16, 19),
            Column::new("NAME", 8, 18).priority(2),
            Column::new("CHANGES", 7, 7).right().priority(1),
            Column::new("WHAT", 20, 60).grows(),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

fn row(moment: &Moment, shown: Option<&str>, letters: usize) -> Row {
    let is_shown = shown == Some(&moment.id);
    let changes = match (&moment.since, moment.changes) {
        (None, _) => Cell::new(Role::Muted, "-"),
        (Some(_), 0) => Cell::new(Role::Muted, "0"),
        (Some(_), changes) => Cell::new(Role::Change, text::thousands(changes)),
    };
    let name = moment.name.as_ref().map_or_else(Cell::default, |name| Cell::text(format!("@{name}")));
    let what = match (&moment.since, moment.words.is_empty()) {
        (None, _) => Cell::new(Role::Muted, "the first"),
        (Some(_), true) => Cell::new(Role::Muted, "as before"),
        (Some(_), false) => Cell::text(moment.words.join("; ")),
    };
    let role = if is_shown { Role::Strong } else { Role::Text };
    Row {
        marker: is_shown.then_some((Role::Run, "»")),
        matters: moment.changes > 0,
        ..Row::new(&moment.id, vec![Cell::new(role, when(&moment.at, letters)), name, changes, what])
    }
}
