//! The checks of the recipe that only read, evaluated over the workbench's own connection.

use super::{checks, prelude::*};
use crate::{
    report::words,
    validate::{checks::WAITING, event::Status},
    workbench::{
        live_checks::NEEDS_A_CLUSTER,
        live_checks::{LiveCheck, LiveChecks, Now},
        model::{Source, clock},
    },
};

pub static PANE: Pane = Pane {
    name: "health",
    screen: Screen::Cluster,
    place: Place::NONE
        .short(column(1, 0).row(1).part(1, 2).on_focus())
        .four(column(1, 0).row(1).part(11, 20).on_focus())
        .all(column(1, 0).row(1).part(7, 20).at_most(14)),
    // Before anybody asked, its room is for the nodes.
    presence: |model, focus| match model.live.asked || *focus == PANE {
        true => Presence::Shown,
        false => Presence::Hidden,
    },
    jump: Some(Action::GoHealth),
    needs: &[Need::LiveChecks, Need::Recipe, Need::Time],
    hints: &[Action::Evaluate, Action::MoveDown, Action::Enter, Action::NextThing, Action::Copy],
    words: &[(Action::Enter, "details")],
    build,
    on: |view, action| match action {
        Action::Enter | Action::Details => details(view),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let live = &view.model.live;
    let rows: Vec<Row> = live.checks.iter().map(row).collect();
    let mut says = Vec::new();
    match &live.failure {
        Some(failure) if rows.is_empty() => says = failed(view, failure),
        Some(failure) => says.push((Role::Fail, format!("✗ not evaluated again: {}", text::clean(&failure.why())))),
        None if rows.is_empty() => says = nothing(view),
        None if view.model.cluster.source == Source::Past => {
            says.push((Role::Warn, "! of the cluster as it is now, not of the moment that is shown".to_owned()));
        }
        None => {}
    }
    Content {
        title: "health".to_owned(),
        note: note(live, view.width),
        columns: vec![
            Column::new("CHECK", 14, 28).name_like(),
            Column::new("VERDICT", 7, 10),
            Column::new("AT (UTC)", 8, 8).priority(2),
            Column::new("REASON", 12, 24).grows().priority(1),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

/// Why there is no check to show.
fn nothing(view: &View<'_>) -> Vec<(Role, String)> {
    let model = view.model;
    let key = view.keys.key(Action::Evaluate);
    if model.cluster.source == Source::Saved {
        return Blank::Empty.says(NEEDS_A_CLUSTER);
    }
    match &model.live {
        LiveChecks { is_evaluating: true, .. } => Blank::Loading.says("evaluating the checks …"),
        LiveChecks { asked: true, ended: Some(_), .. } => {
            Blank::Empty.says("every check of the recipe needs a run; none only reads")
        }
        _ => {
            let of = if model.recipe.value.is_some() { "recipe" } else { "catalog" };
            Blank::NotAsked.says(format!(
                "{key} evaluates the checks of the {of} that only read, from here and with your rights; nothing is created"
            ))
        }
    }
}

/// `5 pass, 1 fail, 09:12:00, again 09:17; 7 more need a run`, as far as a title has room.
fn note(live: &LiveChecks, width: usize) -> String {
    if live.checks.is_empty() {
        return String::new();
    }
    // What waits had another verdict at most, and is not counted with it.
    let (waiting, known): (Vec<&LiveCheck>, Vec<&LiveCheck>) = live.checks.iter().partition(|check| waits(check));
    let waiting = waiting.len();
    let verdicts = known.into_iter().filter_map(|check| check.verdict.as_ref());
    let mut counts = words::counts(verdicts.map(|(result, _)| result));
    if waiting > 0 {
        counts.push(format!("{waiting} waiting"));
    }
    match (live.is_evaluating, live.ended) {
        (true, _) if waiting > 0 => {}
        (true, _) => counts.push("evaluating …".to_owned()),
        (false, Some((ended_ms, _))) if !live.asked => counts.push(format!("{}, not again", clock(ended_ms))),
        (false, Some((ended_ms, next_ms))) => counts.push(format!("{}, again {}", clock(ended_ms), short(next_ms))),
        (false, None) => counts.push("not evaluated".to_owned()),
    }
    let others = match live.others.len() {
        0 => String::new(),
        1 => "; 1 more needs a run".to_owned(),
        number => format!("; {number} more need a run"),
    };
    let counts = counts.join(", ");
    let title = text::width("health") + 8;
    let has_room = text::width(&counts) + text::width(&others) + title <= width;
    if has_room { counts + &others } else { counts }
}

fn waits(check: &LiveCheck) -> bool {
    matches!(check.now, Some(Now::WaitingFor(_)))
}

/// Hours and minutes.
fn short(at_ms: u64) -> String {
    let at = clock(at_ms);
    at.get(..5).unwrap_or(&at).to_owned()
}

fn row(check: &LiveCheck) -> Row {
    let known = check.verdict.as_ref();
    let at = known.map_or_else(|| "-".to_owned(), |(_, at_ms)| clock(*at_ms));
    let (role, glyph, word) = match known {
        Some((result, _)) => checks::verdict(result),
        None => (Role::Muted, "◌", "-"),
    };
    let (glyph, reason) = match (&check.now, known) {
        (Some(Now::WaitingFor(what)), _) => {
            ((Role::Run, "»"), Cell::new(Role::Run, format!("{WAITING}{}", first_line(what))))
        }
        (Some(Now::Running), None) => ((Role::Run, "»"), Cell::new(Role::Muted, "running")),
        (Some(Now::Queued), None) => ((Role::Muted, "◌"), Cell::new(Role::Muted, "queued")),
        (_, Some((result, _))) if result.message.is_empty() => {
            ((role, glyph), Cell::new(Role::Muted, &check.planned.description))
        }
        (_, Some((result, _))) => ((role, glyph), Cell::text(first_line(&result.message))),
        (None, None) => ((Role::Muted, "◌"), Cell::new(Role::Muted, "not evaluated")),
    };
    // The verdict before it no longer holds.
    let verdict = if waits(check) { Role::Muted } else { role };
    Row {
        marker: Some(glyph),
        matters: known.is_some_and(|(result, _)| matches!(result.status, Status::Failed | Status::Other)),
        ..Row::new(
            RowId::Check(check.planned.name.clone()),
            vec![check.planned.name.as_str().into(), Cell::new(verdict, word), Cell::new(Role::Muted, at), reason],
        )
    }
}

fn first_line(said: &str) -> &str {
    said.lines().next().unwrap_or_default()
}

/// The verdict of the selected check with its evidence, and which way it was reached.
fn details(view: &View<'_>) -> Option<Step> {
    let RowId::Check(name) = view.selected(&PANE)? else { return None };
    let check = view.model.live.checks.iter().find(|check| check.planned.name == *name)?;
    let mut lines = vec![check.planned.description.clone(), String::new()];
    if let Some(Now::WaitingFor(what)) = &check.now {
        lines.extend([format!("now {WAITING}{what}"), String::new()]);
    }
    match &check.verdict {
        Some((result, at_ms)) => {
            let (_, _, word) = checks::verdict(result);
            lines.push(format!("{word} at {} UTC, in this process and with your rights", clock(*at_ms)));
            lines.extend(result.message.lines().map(str::to_owned));
            lines.push(String::new());
            lines.extend(result.stdout.iter().cloned());
        }
        None => lines.push("no verdict yet".to_owned()),
    }
    Some(Step::Prose { title: format!("check {name}"), body: lines.join("\n") })
}
