//! A deploy: releases by level, what each does and waits for, and what Helm printed; before it, the plan of a bundle.

use super::{checks, prelude::*};
use crate::{
    deploy::{
        event::{Found, State},
        progress::Release,
    },
    validate::event::Severity,
};

pub static PANE: Pane = Pane {
    name: "deploy",
    screen: Screen::Validate,
    // Nothing of the checks is needed beside it.
    presence: |_, focus| if *focus == PANE { Presence::Alone } else { Presence::Hidden },
    jump: Some(Action::GoDeploy),
    needs: &[Need::Deploy, Need::Look],
    hints: &[Action::MoveDown, Action::Run, Action::Cancel, Action::Enter, Action::Copy, Action::Back],
    build,
    on: |view, action| {
        let row = view.row(&PANE);
        match (action, row) {
            (Action::Run, _) => Some(Step::AskDeploy),
            (Action::Cancel, _) => Some(Step::AskCancelDeploy),
            (Action::Back, _) => Some(Step::Focus(&checks::PANE)),
            (Action::Enter, Some(row)) if row.branch.is_some() => Some(Step::Fold),
            (Action::Enter | Action::Details, Some(row)) => read(view, row.id.named()?),
            (Action::Copy, Some(row)) => Some(Step::Copy(release_of(row.id.named()?).to_owned())),
            _ => None,
        }
    },
    ..Pane::BASE
};

/// Between the name of a release and the number of what it waits for, in the identity of a row.
const OF: char = ' ';

fn release_of(name: &str) -> &str {
    name.split(OF).next().unwrap_or(name)
}

fn build(view: &View<'_>) -> Content {
    let deploy = &view.model.deploy;
    if !deploy.is_shown() {
        let says = match &deploy.plan.failure {
            Some(failure) => failed(view, failure),
            None if deploy.plan.loading => Blank::Loading.says("reading the bundle …"),
            None => {
                let line = view.keys.command("deploy FOLDER");
                let [runs, back] = [Action::GoRuns, Action::Back].map(|action| view.keys.key(action));
                let mut says = Blank::NotAsked.says(format!("{line} plans a bundle and changes nothing"));
                let more = format!("{runs} lists what was recorded, deploys too; {back} goes to the checks");
                says.push((Role::Muted, more));
                says
            }
        };
        return content("deploy".to_owned(), String::new(), Vec::new(), says);
    }
    let progress = &deploy.progress;
    let is_roomy = whole_width(&progress.releases, deploy.started_ms > 0) <= view.width.saturating_sub(EDGES);
    let mut rows = Vec::new();
    let levels = progress.releases.iter().map(|release| release.planned.level + 1).max().unwrap_or(0);
    for level in 0..levels {
        let of_level = || progress.releases.iter().filter(move |release| release.planned.level == level);
        let done = of_level().filter(|release| release.state.as_ref().is_some_and(State::is_done)).count();
        let releases = text::count(of_level().count(), "release");
        let head = if deploy.started_ms == 0 { releases } else { format!("{done} of {releases}") };
        let cell = Cell::new(Role::Heading, format!("level {level}: {head}"));
        rows.push(Row { branch: Some(true), ..Row::new(RowId::Line("level", level), vec![cell]) });
        for release in of_level() {
            let now_ms = view.model.now_ms.max(deploy.last_ms);
            rows.extend(rows_of(release, now_ms, deploy.active, (view.width, is_roomy)));
        }
    }
    if !deploy.notices.is_empty() {
        let cell = Cell::new(Role::Heading, text::count(deploy.notices.len(), "notice"));
        rows.push(Row { branch: Some(true), ..Row::new(RowId::Line("notices", 0), vec![cell]) });
    }
    for (at, (severity, words)) in deploy.notices.iter().enumerate() {
        let role = match severity {
            Severity::Info => Role::Muted,
            Severity::Warn => Role::Warn,
            Severity::Error => Role::Fail,
        };
        for (piece, line) in text::wrap(&text::clean(words), view.width.saturating_sub(8)).into_iter().enumerate() {
            rows.push(Row { depth: 1, ..Row::new(RowId::Piece(at, piece), vec![Cell::new(role, line)]) });
        }
    }
    let title = format!("{} {} {} {}", progress.way.verb(), progress.bundle, progress.way.to(), progress.context);
    let mut content = content(title, note(view), rows, Vec::new());
    if deploy.started_ms == 0 {
        content.columns[TIME] = Column::new("", 0, 0);
    }
    content
}

/// The column that says how long a state lasts, or what it took.
const TIME: usize = 2;
/// Columns of a frame, its marks and the space at its end.
const EDGES: usize = 4;

/// Columns in which no value of a release is cut.
fn whole_width(releases: &[Release], is_started: bool) -> usize {
    let widest = |width: fn(&Release) -> usize| releases.iter().map(width).max().unwrap_or(0) + 2;
    let times = if is_started { 9 } else { 0 };
    widest(|release| text::width(&release.planned.name) + 2)
        + widest(|release| word(release).len())
        + times
        + widest(|release| text::width(&release.planned.namespace))
        + widest(|release| text::width(&release.planned.chart))
        + widest(|release| text::width(&details(release).0))
}

fn word(release: &Release) -> &'static str {
    release.state.as_ref().map_or("planned", State::word)
}

/// What is short enough for a column, and reasons, which have whole lines.
fn details(release: &Release) -> (String, Vec<String>) {
    let Release { planned, state, .. } = release;
    let details = match state {
        None if planned.needs.is_empty() => Vec::new(),
        None => vec![format!("behind {}", planned.needs.join(", "))],
        // How long it took has a column.
        Some(State::Ready { already: false, .. }) => Vec::new(),
        Some(state) => state.details(),
    };
    let details: Vec<String> = details.iter().map(|detail| text::clean(detail).into_owned()).collect();
    match state {
        None | Some(State::Waiting { .. } | State::Ready { .. }) => (details.join("; "), Vec::new()),
        Some(_) => (String::new(), details),
    }
}

fn note(view: &View<'_>) -> String {
    let deploy = &view.model.deploy;
    let progress = &deploy.progress;
    match progress.outcome {
        _ if deploy.canceling => format!("canceling  {}", progress.summary()),
        Some(outcome) => format!("{}  {}", outcome.word(), progress.summary()),
        None if deploy.active => progress.summary(),
        None if deploy.started_ms > 0 => format!("no end was recorded  {}", progress.summary()),
        None => format!("planned: {} starts it, after a question", view.keys.key(Action::Run)),
    }
}

/// How a state is shown.
fn look(state: Option<&State>) -> (Role, &'static str) {
    match state {
        None | Some(State::Waiting { .. }) => (Role::Muted, "◌"),
        Some(State::Ready { .. } | State::Removed { .. }) => (Role::Ok, "✓"),
        Some(State::Failed { .. }) => (Role::Fail, "✗"),
        Some(State::NotStarted { .. } | State::Canceled) => (Role::Warn, "!"),
        Some(State::Retrying { .. }) => (Role::Warn, "»"),
        Some(State::Looking | State::Installing { .. } | State::NotReady { .. } | State::Removing) => (Role::Run, "»"),
    }
}

/// A release, and below it what it waits for and why. What is short goes below too, before anything is cut for it.
fn rows_of(release: &Release, now_ms: u64, moves: bool, (width, is_roomy): (usize, bool)) -> Vec<Row> {
    let Release { planned, state, since_ms, .. } = release;
    let (role, glyph) = look(state.as_ref());
    let is_moving = moves && state.as_ref().is_some_and(|state| !state.is_over());
    let seconds = now_ms.saturating_sub(*since_ms) / 1000;
    let time = match state {
        Some(State::Ready { already: false, seconds, .. }) => format!("{seconds} s"),
        _ if is_moving && *since_ms > 0 => format!("{seconds} s"),
        _ => String::new(),
    };
    let (mut short, mut reasons) = details(release);
    if !is_roomy && !short.is_empty() {
        reasons.insert(0, std::mem::take(&mut short));
    }
    let row = Row {
        depth: 1,
        marker: Some((role, glyph)),
        matters: matches!(state, Some(State::Failed { .. } | State::NotStarted { .. })),
        ..Row::new(
            &planned.name,
            vec![
                Cell::new(Role::Text, &planned.name),
                Cell::new(role, word(release)),
                Cell::new(Role::Muted, time),
                Cell::new(Role::Muted, &planned.namespace),
                Cell::new(Role::Muted, &planned.chart),
                Cell::new(Role::Muted, short),
            ],
        )
    };
    let role = match state {
        Some(State::Failed { .. }) => Role::Fail,
        None | Some(State::Waiting { .. } | State::Ready { .. }) => Role::Muted,
        Some(_) => Role::Text,
    };
    let lines = reasons.iter().flat_map(|reason| text::wrap(reason, width.saturating_sub(10)));
    let more = lines.enumerate().map(|(at, line)| Row {
        depth: 2,
        ..Row::new(format!("{}{OF}{at}", planned.name), vec![Cell::new(role, line)])
    });
    [row].into_iter().chain(more).collect()
}

/// A release in full, with what Helm printed.
fn read(view: &View<'_>, name: &str) -> Option<Step> {
    let name = release_of(name);
    let release = view.model.deploy.progress.releases.iter().find(|release| release.planned.name == name)?;
    let Release { planned, state, log, .. } = release;
    let word = word(release);
    let needs = if planned.needs.is_empty() { "nothing".to_owned() } else { planned.needs.join(", ") };
    let mut body = format!(
        "state      {word}\nchart      {}\nnamespace  {}\ncomponent  {}\nbehind     {needs}\n",
        planned.chart, planned.namespace, planned.component,
    );
    if let Some(State::Installing { found: Found::Half { status }, .. }) = state {
        body += &format!("found      {status}: an earlier run was interrupted\n");
    }
    for detail in state.as_ref().map(State::details).unwrap_or_default() {
        body += &format!("           {}\n", text::clean(&detail));
    }
    body += "\nHelm:\n";
    if log.is_empty() {
        body += "  it has printed nothing\n";
    }
    for line in log {
        body += &format!("  {}\n", text::clean(line));
    }
    Some(Step::Text { title: planned.name.clone(), body })
}

fn content(title: String, note: String, rows: Vec<Row>, says: Vec<(Role, String)>) -> Content {
    Content {
        title,
        note,
        columns: vec![
            Column::new("RELEASE", 14, 34).name_like(),
            Column::new("STATE", 9, 11),
            Column::new("TIME", 4, 7).priority(2),
            Column::new("NAMESPACE", 8, 24).priority(4),
            Column::new("CHART", 7, 32).priority(3),
            Column::new("", 13, 40).grows().priority(1),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}
