//! Phases and checks as a tree, stepping live; before a run, what the recipe selects.

use super::{log, prelude::*, stack};
use crate::{
    catalog::validator::Phase,
    report::words::{self, Tone, Word},
    resolve::Resolution,
    validate::{
        event::{CheckResult, ReadinessOutcome, State as CheckState, Status, Stop},
        pods::{Pod, Stand as PodStand},
    },
    workbench::{
        elsewhere::{RunOrigin, short},
        model::{Ahead, CheckView, ReadinessView, Run, Source},
        pod_view::PodView,
        widgets::{bar, table::text_columns},
    },
};

pub static PANE: Pane = Pane {
    name: "phases and checks",
    screen: Screen::Validate,
    place: Place::NONE.short(column(0, 62)).four(column(0, 76)).all(column(0, 76)),
    needs: &[Need::Run, Need::Recipe],
    hints: &[Action::Run, Action::Pause, Action::Cancel, Action::NextThing, Action::RunFailed, Action::GoLog],
    build,
    on: |view, action| match action {
        // Enter on a check is its log, also where there are pods to unfold.
        Action::Enter if view.row(&PANE)?.branch.is_some() && check_of(view).is_none() => Some(Step::Fold),
        // A readiness line has no log of its own.
        Action::Enter if check_of(view).is_some() => Some(Step::Log),
        Action::Enter => Some(Step::Focus(&log::PANE)),
        Action::Details => details(view),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let run = &view.model.run;
    let mut rows = Vec::new();
    // A run that begins says what it is about to run; one of another program may be of another recipe.
    let is_ours = !view.model.follows() && view.model.records.replay.is_none();
    if run.checks.is_empty() && run.readiness.is_empty() && (!run.active || is_ours) {
        match &view.model.recipe.value {
            Some(resolution) if run.active => planned(&mut rows, resolution, ""),
            Some(resolution) => planned(&mut rows, resolution, &runs_it(view)),
            None => {
                let says = stack::no_recipe(view);
                return content("validation".to_owned(), String::new(), Vec::new(), says);
            }
        }
    } else {
        readiness(&mut rows, run);
        let is_recorded =
            view.model.records.replay.is_some() || run.origin == RunOrigin::Record && view.model.follows();
        let is_live = run.active || is_recorded || view.model.follows();
        let has_ended = !run.active && (run.verdict.is_some() || run.failure.is_some());
        let is_ours = view.model.records.replay.is_none() && view.model.is_run_of_this_recipe();
        let recipe = view.model.recipe.value.as_deref().filter(|_| is_ours && has_ended);
        let meter = Meter::of(view);
        // Who decides whether a run goes on has to see what it would create.
        let of = |check: &CheckView| run.ahead.iter().find(|ahead| ahead.check == check.planned.name);
        let ahead = |check: &CheckView| of(check).filter(|_| run.paused.is_some());
        for phase in Phase::ALL {
            let others = recipe.map_or_else(Vec::new, |resolution| others(run, phase, resolution));
            phase_rows(&mut rows, run, phase, others.len(), view.model.run_now_ms());
            let ran = run.checks.iter().filter(|check| check.planned.phase == phase);
            let now_ms = view.model.run_now_ms();
            // What is kept of a run that has ended takes none of its time.
            let pods_now_ms = (is_live && run.verdict.is_none()).then_some(now_ms);
            let ran = ran.map(|check| {
                let row = check_row(check, is_live, now_ms, &meter, ahead(check));
                let pods = check.pods.iter().map(|pod| pod_row(&check.planned.name, pod, pods_now_ms));
                [vec![row], pods.collect()].concat()
            });
            let not_run = |name: &String| vec![not_run(name, "not run", &runs_it(view))];
            // Each with its pods.
            let mut checks: Vec<Vec<Row>> = ran.chain(others.into_iter().map(not_run)).collect();
            // A run groups its checks; where a check is listed does not change by that. Stable: what the recipe does not
            // know comes last, as it was run.
            let listed = view.model.recipe.value.as_deref().map_or(&[][..], |resolution| listed(resolution, phase));
            let place = |rows: &Vec<Row>| listed.iter().position(|name| name == rows[0].id.name());
            checks.sort_by_key(|rows| place(rows).unwrap_or(usize::MAX));
            rows.extend(checks.into_iter().flatten());
        }
    }
    // Its time is enough to tell it from others; the panel of the run has the whole id.
    let title = if run.id.is_empty() { "validation".to_owned() } else { format!("run {}", short(&run.id)) };
    let mut says = Vec::new();
    if let Some(failure) = &run.failure {
        says.push((
            Role::Fail,
            format!("✗ failed to {}: {}", text::clean(&failure.doing), text::clean(&failure.why())),
        ));
    }
    if rows.is_empty() {
        says.push(Blank::Empty.line("the recipe selects no checks"));
    }
    if run.id.is_empty() {
        let line = view.keys.command("attach");
        let elsewhere = view.model.elsewhere();
        says.extend(elsewhere.iter().map(|other| (Role::Run, format!("» {}; {line} follows it", other.sentence()))));
    }
    let mut note = counts(run, view.model.follows(), view.width.saturating_sub(text::width(&title) + AROUND));
    match (run.origin, view.model.follows()) {
        (RunOrigin::Cluster, true) => note = format!("ATTACHED  {note}"),
        (RunOrigin::Record, true) => note = format!("FOLLOWED  {note}"),
        (_, false) if run.left.is_some() && view.model.records.replay.is_none() => note = format!("LEFT  {note}"),
        (RunOrigin::Cluster | RunOrigin::Record, false) if run.verdict.is_none() && is_ours => {
            note = format!("NOT FOLLOWED  {note}");
        }
        _ => {}
    }
    if let Some(replay) = &view.model.records.replay {
        let state = if replay.playing { format!("{}x", replay.speed) } else { "paused".to_owned() };
        note = format!("REPLAY {state} {}/{}  {note}", replay.next, replay.record.events.len());
    }
    content(title, note, rows, says)
}

/// Columns of the edge of a panel between and beside its title and its note.
const AROUND: usize = 5;

/// `6 pass 1 fail 1 run`, or the verdict. What a paused run waits for comes first, and of the counts, which the rows say as
/// well, those that have room.
fn counts(run: &Run, is_followed: bool, room: usize) -> String {
    let running = run.checks.iter().filter(|check| check.result.is_none() && check.started_ms.is_some()).count();
    let mut parts = words::counts(run.checks.iter().filter_map(|check| check.result.as_ref()));
    if running > 0 {
        parts.push(format!("{running} run"));
    }
    if run.canceling {
        parts.push("canceling".to_owned());
    }
    if let Some(before) = &run.paused {
        parts.insert(0, format!("paused {before}"));
        while parts.len() > 1 && text::width(&parts.join("  ")) > room {
            parts.pop();
        }
        return parts.join("  ");
    }
    if let Some(verdict) = run.verdict {
        let sign = if parts.is_empty() { "" } else { ":" };
        parts.insert(0, format!("{}{sign}", Word::from(verdict)));
    } else if parts.is_empty() {
        let said = match (run.active, is_followed) {
            (true, _) => "starting",
            (_, true) => "nothing seen yet",
            _ => "not run",
        };
        parts.push(said.to_owned());
    }
    parts.join(" ")
}

fn planned(rows: &mut Vec<Row>, resolution: &Resolution, runs_it: &str) {
    let constraints = &resolution.recipe.constraints;
    rows.push(head(RowId::Readiness, "readiness", "waiting", text::count(constraints.len(), "constraint")));
    for constraint in constraints {
        rows.push(Row {
            depth: 1,
            marker: Some((Role::Muted, "◌")),
            ..Row::new(
                RowId::Constraint(constraint.name.clone()),
                vec![
                    constraint.name.as_str().into(),
                    Cell::new(Role::Muted, "waiting"),
                    Cell::new(Role::Muted, "-"),
                    Cell::text(&constraint.value),
                ],
            )
        });
    }
    let Some(validation) = &resolution.recipe.validation else { return };
    for phase in Phase::ALL {
        let Some(spec) = validation.phase(phase) else { continue };
        rows.push(head(RowId::Phase(phase), phase.name(), "waiting", text::count(spec.checks.len(), "check")));
        rows.extend(spec.checks.iter().map(|name| not_run(name, "waiting", runs_it)));
    }
}

/// A phase, or what comes before all phases, of which nothing ran.
fn head(id: RowId, name: &str, state: &str, counted: String) -> Row {
    let cells = vec![
        Cell::new(Role::Strong, name),
        Cell::new(Role::Muted, state),
        Cell::new(Role::Muted, "-"),
        Cell::new(Role::Muted, counted),
    ];
    Row { branch: Some(true), ..Row::new(id, cells) }
}

/// Whether a run can begin with what is shown.
pub(super) fn can_run(view: &View<'_>) -> bool {
    let model = view.model;
    !model.read_only && !model.cluster.source.is_saved() && model.why_no_checks().is_none()
}

/// What is said of a check that can be run, or that nothing is run here.
fn runs_it(view: &View<'_>) -> String {
    match (view.model.read_only, view.model.cluster.source) {
        (true, _) => "read-only".to_owned(),
        (_, Source::Saved) => "not run: a saved snapshot".to_owned(),
        (_, Source::Past) => "needs the live cluster".to_owned(),
        _ => format!("{} runs it", view.keys.key(Action::Run)),
    }
}

/// A check that did not run.
fn not_run(name: &str, state: &str, runs_it: &str) -> Row {
    let cells =
        vec![name.into(), Cell::new(Role::Muted, state), Cell::new(Role::Muted, "-"), Cell::new(Role::Muted, runs_it)];
    Row { depth: 1, marker: Some((Role::Muted, "◌")), ..Row::new(RowId::Check(name.to_owned()), cells) }
}

/// Checks of the recipe that are no part of the run, so that they can be run next.
fn others<'r>(run: &Run, phase: Phase, resolution: &'r Resolution) -> Vec<&'r String> {
    let is_other = |name: &&String| run.checks.iter().all(|check| check.planned.name != **name);
    listed(resolution, phase).iter().filter(is_other).collect()
}

/// Checks that a recipe selects in a phase, in its order.
fn listed(resolution: &Resolution, phase: Phase) -> &[String] {
    let validation = resolution.recipe.validation.as_ref();
    validation.and_then(|validation| validation.phase(phase)).map_or(&[], |spec| &spec.checks)
}

fn readiness(rows: &mut Vec<Row>, run: &Run) {
    let met = run.readiness.iter().filter(|line| line.outcome == ReadinessOutcome::Pass).count();
    let failed = run.readiness.iter().any(|line| line.outcome == ReadinessOutcome::Fail);
    let unknown = run.readiness.iter().any(|line| line.outcome == ReadinessOutcome::Unknown);
    let counted = match (run.readiness.len(), run.verdict) {
        (0, _) if run.origin == RunOrigin::Cluster => "judged where it was started".to_owned(),
        (0, None) => "nothing judged yet".to_owned(),
        (0, Some(_)) => "no constraints".to_owned(),
        (all, _) => format!("{met} of {all} met"),
    };
    let (role, word) = match (run.readiness.is_empty(), failed, unknown) {
        (true, ..) if run.verdict.is_some() || run.origin == RunOrigin::Cluster => (Role::Muted, "-"),
        (true, ..) => (Role::Muted, "waiting"),
        (_, true, _) => (Role::Fail, Word::Fail.text()),
        (_, _, true) => (Role::Warn, Word::Unknown.text()),
        _ => (Role::Ok, Word::Pass.text()),
    };
    rows.push(Row {
        branch: Some(failed || unknown || run.readiness.len() <= 6),
        ..Row::new(
            RowId::Readiness,
            vec![
                Cell::new(Role::Strong, "readiness"),
                Cell::new(role, word),
                Cell::new(Role::Muted, ""),
                Cell::new(Role::Muted, counted),
            ],
        )
    });
    rows.extend(run.readiness.iter().map(readiness_row));
}

fn readiness_row(line: &ReadinessView) -> Row {
    let (role, glyph, word) = verdict(line.outcome);
    let actual = line.actual.as_deref().or(line.reason.as_deref()).unwrap_or("-");
    let sign = match line.outcome {
        ReadinessOutcome::Fail | ReadinessOutcome::Warning => "does not meet",
        ReadinessOutcome::Pass | ReadinessOutcome::Unknown => "meets",
    };
    let why = line.reason.as_deref().filter(|_| line.actual.is_some());
    let why = why.map(|why| format!("; {}", why.replace('\n', "; "))).unwrap_or_default();
    let result = match line.outcome {
        ReadinessOutcome::Unknown => Cell::new(Role::Muted, actual),
        _ => Cell::new(role, actual).and(Role::Muted, format!(" {sign} {}{why}", line.expected)),
    };
    let result = match &line.set_by {
        Some(layer) => result.and_where_room(Role::Muted, format!("  set by {layer}")),
        None => result,
    };
    Row {
        depth: 1,
        marker: Some((role, glyph)),
        matters: line.outcome == ReadinessOutcome::Fail,
        ..Row::new(
            RowId::Constraint(line.name.clone()),
            vec![line.name.as_str().into(), Cell::new(role, word), Cell::default(), result],
        )
    }
}

/// How a phase stands.
pub(super) struct Stand {
    pub role: Role,
    pub word: String,
    /// When the first of its checks began.
    pub began_ms: Option<u64>,
    /// When the last of its checks ended; `None` while one has not.
    pub ended_ms: Option<u64>,
    pub done: Vec<CheckResult>,
}

impl Stand {
    /// Of a phase with these checks, of which there is at least one.
    pub fn of(run: &Run, phase: Phase, checks: &[&CheckView]) -> Stand {
        let done: Vec<CheckResult> = checks.iter().filter_map(|check| check.result.clone()).collect();
        let all_ended = done.len() == checks.len();
        let stopped = run.paused.as_ref().is_some_and(|stop| *stop == Stop::Phase { phase });
        let began_ms = checks.iter().filter_map(|check| check.started_ms).min();
        // Who attached to a run has not seen its phases begin.
        let is_running = run.running == Some(phase) || run.origin == RunOrigin::Cluster && began_ms.is_some();
        let (role, word) = match (all_ended, is_running) {
            (true, _) => {
                let (role, _, word) = verdict(words::of_phase(phase, &done));
                (role, word.to_owned())
            }
            _ if stopped => (Role::Warn, "paused".to_owned()),
            (_, true) => (Role::Run, format!("{} of {}", done.len(), checks.len())),
            _ => (Role::Muted, "waiting".to_owned()),
        };
        let ended_ms = if all_ended { done.iter().map(|result| result.stop_ms).max() } else { None };
        Stand { role, word, began_ms, ended_ms, done }
    }
}

/// A phase with what ran of it, and how many checks of it did not.
fn phase_rows(rows: &mut Vec<Row>, run: &Run, phase: Phase, others: usize, now_ms: u64) {
    let checks: Vec<&CheckView> = run.checks.iter().filter(|check| check.planned.phase == phase).collect();
    if checks.is_empty() {
        if others > 0 {
            rows.push(head(RowId::Phase(phase), phase.name(), "not run", text::count(others, "check")));
        }
        return;
    }
    let Stand { role, word, began_ms, ended_ms, done } = Stand::of(run, phase, &checks);
    // Checks that run at the same time take their time once.
    let until = ended_ms.or(began_ms.map(|_| now_ms));
    let spent = began_ms.zip(until).map_or(0, |(began, until)| until.saturating_sub(began));
    let counted = if done.is_empty() { text::count(checks.len(), "check") } else { words::counts(&done).join(", ") };
    let counted = if others > 0 { format!("{counted}, {others} not run") } else { counted };
    rows.push(Row {
        branch: Some(true),
        ..Row::new(
            RowId::Phase(phase),
            vec![
                Cell::new(Role::Strong, phase.name()),
                Cell::new(role, word),
                Cell::new(Role::Muted, if spent > 0 { text::duration(spent) } else { "-".to_owned() }),
                Cell::new(Role::Muted, counted),
            ],
        )
    });
}

fn check_row(check: &CheckView, active: bool, now_ms: u64, meter: &Meter, ahead: Option<&Ahead>) -> Row {
    let (role, glyph, word, time, result) = match &check.result {
        Some(result) => {
            let (role, glyph, word) = verdict(result);
            let message = if result.message.is_empty() { check.planned.description.as_str() } else { &result.message };
            let said = if result.status == Status::Passed { Role::Muted } else { Role::Text };
            (role, glyph, word, text::duration(result.total_ms), Cell::new(said, first_line(message)))
        }
        None => {
            let waiting = check.state == CheckState::Queued;
            let trouble = matches!(
                check.state,
                CheckState::PodRefused { .. }
                    | CheckState::Unscheduled { .. }
                    | CheckState::PullFailing { .. }
                    | CheckState::ConfigError { .. }
            );
            let (role, glyph) = match (waiting, trouble) {
                (true, _) => (Role::Muted, "◌"),
                (_, true) => (Role::Warn, "!"),
                _ => (Role::Run, "»"),
            };
            let time = match check.started_ms {
                Some(started) if active => text::duration(now_ms.saturating_sub(started)),
                _ => "-".to_owned(),
            };
            let would = ahead.filter(|_| waiting);
            let detail = would.map_or_else(|| check.state.detail(), |ahead| ahead.brief.clone());
            let last = if trouble { None } else { last_words(check) };
            let said = last.as_deref().unwrap_or(&detail);
            let said_role = if trouble { Role::Warn } else { Role::Muted };
            let said = Cell::new(said_role, first_line(said));
            let spent = check.started_ms.filter(|_| active).map(|started| now_ms.saturating_sub(started));
            let said = match spent {
                Some(spent_ms) => meter.before(said, (spent_ms, check.planned.timeout_seconds), trouble),
                None => said,
            };
            (role, glyph, check.state.word(), time, said)
        }
    };
    Row {
        depth: 1,
        branch: (!check.pods.is_empty()).then_some(false),
        marker: Some((role, glyph)),
        // What a person canceled asks for nothing.
        matters: check
            .result
            .as_ref()
            .is_some_and(|result| matches!(Word::from(result).tone(), Tone::Bad | Tone::Open)),
        ..Row::new(
            RowId::Check(check.planned.name.clone()),
            vec![check.planned.name.as_str().into(), Cell::new(role, word), Cell::new(Role::Muted, time), result],
        )
    }
}

/// A pod of a check: which attempt it is, where it runs, how it ended. Time goes on in it until `now_ms`, where it does.
fn pod_row(check: &str, view: &PodView, now_ms: Option<u64>) -> Row {
    let pod = &view.pod;
    let (role, glyph) = match pod.stand {
        PodStand::Pending => (Role::Muted, "◌"),
        PodStand::Running => (Role::Run, "»"),
        PodStand::Succeeded => (Role::Ok, "✓"),
        PodStand::Failed => (Role::Fail, "✗"),
        PodStand::Stopping | PodStand::Gone => (Role::Skip, "⊘"),
    };
    let until = view.ended_ms.or(now_ms.filter(|_| !pod.stand.has_ended()));
    let spent = view.began_ms.zip(until).map(|(began, until)| text::duration(until.saturating_sub(began)));
    let words = pod_words(pod);
    let cells = vec![
        Cell::text(&pod.name),
        Cell::new(role, pod.stand.word()),
        Cell::new(Role::Muted, spent.unwrap_or_else(|| "-".to_owned())),
        Cell::new(Role::Muted, words.join("  ")),
    ];
    let id = RowId::Pod { check: check.to_owned(), pod: pod.name.clone() };
    Row { depth: 2, marker: Some((role, glyph)), ..Row::new(id, cells) }
}

/// `exit 1`, what it waits for or why it ended, `attempt 2`, where it runs, as far as that is known: what is wrong comes first.
fn pod_words(pod: &Pod) -> Vec<String> {
    let restarts = match pod.restarts {
        0 => None,
        1 => Some("restarted once".to_owned()),
        times => Some(format!("restarted {times} times")),
    };
    let parts = [
        pod.exit_code.map(|code| format!("exit {code}")),
        Some(text::clean(&pod.reason).into_owned()).filter(|reason| !reason.is_empty()),
        Some(format!("attempt {}", pod.attempt)),
        pod.node.as_ref().map(|node| text::clean(node).into_owned()),
        restarts,
    ];
    parts.into_iter().flatten().collect()
}

/// The pod under the cursor.
pub(super) fn pod_of<'s>(view: &View<'s>) -> Option<(&'s CheckView, &'s PodView)> {
    let RowId::Pod { check, pod } = view.selected(&PANE)? else { return None };
    let check = view.model.run.check(check)?;
    Some((check, check.pods.iter().find(|known| known.pod.name == *pod)?))
}

/// How far a check is into the time that it may take, in front of what it says.
struct Meter {
    /// Columns that a result has.
    room: usize,
    /// In words instead of a bar.
    in_words: bool,
}

/// Cells of the bar where there is much room and where there is some.
const BAR: usize = 8;
const SHORT_BAR: usize = 4;
/// Columns of what a check says that stay beside a bar.
const SAID: usize = 15;

impl Meter {
    fn of(view: &View<'_>) -> Meter {
        let run = &view.model.run;
        let names =
            run.checks.iter().map(|check| &check.planned.name).chain(run.readiness.iter().map(|line| &line.name));
        // A name is indented by its place in the tree.
        let names = names.map(|name| text::width(name) + 2).max().unwrap_or_default().min(usize::from(NAME));
        let columns = names + usize::from(STATE) + usize::from(TIME);
        Meter { room: text_columns(view.width).saturating_sub(columns + 3 * 2), in_words: view.in_words }
    }

    /// What a check says is cut for its bar, but not the reason why it does not run.
    fn before(&self, said: Cell, (spent_ms, limit_seconds): (u64, u64), is_trouble: bool) -> Cell {
        let limit_ms = limit_seconds.saturating_mul(1000);
        if limit_ms == 0 {
            return said;
        }
        if self.in_words {
            let limit = format!("of {}", text::seconds(limit_seconds));
            let gap = if said.width() == 0 { "" } else { "  " };
            return Cell::new(Role::Muted, format!("{limit}{gap}")).with(&said);
        }
        let needs = if is_trouble { said.width() } else { said.width().min(SAID) };
        let fits = |cells: usize, said: usize| cells + 2 + said <= self.room;
        let cells = match (fits(BAR, said.width()), fits(SHORT_BAR, needs)) {
            (true, _) => BAR,
            (_, true) => SHORT_BAR,
            _ => return said,
        };
        // Thousandths are finer than any bar.
        let done = usize::try_from(spent_ms.saturating_mul(1000) / limit_ms).unwrap_or(1000).min(1000);
        let role = if done * 4 >= 3000 { Role::Warn } else { Role::Run };
        Cell::new(role, format!("{}  ", bar::cells((done, 1000), cells))).with(&said)
    }
}

/// Lines of which the last one that says something is looked for.
const LOOKED_AT: usize = 20;

/// What a check has written last, in words. A line of brackets alone says nothing.
fn last_words(check: &CheckView) -> Option<String> {
    let (first, end) = (check.log.dropped(), check.log.end());
    let lines = (first..end).rev().take(LOOKED_AT).filter_map(|number| check.log.get(number));
    let mut said = lines.filter(|(_, line)| line.chars().any(char::is_alphanumeric)).map(|(_, line)| log::said(line));
    said.find(|said| !said.is_empty())
}

/// Role, glyph and word of a verdict.
pub(super) fn verdict(word: impl Into<Word>) -> (Role, &'static str, &'static str) {
    let word = word.into();
    let (role, glyph) = match word.tone() {
        Tone::Good => (Role::Ok, "✓"),
        Tone::Bad => (Role::Fail, "✗"),
        Tone::Open => (Role::Warn, "!"),
        Tone::Quiet => (Role::Skip, "⊘"),
    };
    (role, glyph, word.text())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}

/// The name of the check under the cursor, or of that whose pod is.
pub(super) fn check_of<'s>(view: &View<'s>) -> Option<&'s str> {
    view.selected(&PANE)?.check().map(String::as_str)
}

/// The selected check or pod as text, with what it wrote.
pub(super) fn details(view: &View<'_>) -> Option<Step> {
    match pod_of(view) {
        Some((check, pod)) => Some(details_of_pod(check, pod)),
        None => details_of(view.model.run.check(check_of(view)?)?),
    }
}

/// Lines of a pod that its details have: as many as a report keeps of a check.
const PRINTED: usize = 1000;

/// What is known of a pod, then its last lines.
fn details_of_pod(check: &CheckView, view: &PodView) -> Step {
    let facts = pod_facts(check, view);
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut body: String = facts.iter().map(|(name, value)| format!("{name:<widest$}  {value}\n")).collect();
    let lines = (check.log.dropped()..check.log.end()).rev().filter(|number| view.pod.wrote(check.log.source(*number)));
    let mut lines: Vec<&str> = lines.filter_map(|number| Some(check.log.get(number)?.1)).take(PRINTED).collect();
    lines.reverse();
    body += match lines.is_empty() {
        true => "\nno output of this pod was read",
        false => "\n",
    };
    Step::Prose { title: format!("pod {}", view.pod.name), body: body + &lines.join("\n") }
}

/// What is known of a pod, the reason first: who looks at one that does not run wants that. What it has not is not said.
pub(super) fn pod_facts(check: &CheckView, view: &PodView) -> Vec<(&'static str, String)> {
    let pod = &view.pod;
    let of = if pod.is_workload { "created by the check" } else { "runs the check" };
    let at = |ms: Option<u64>| ms.map(log::clock);
    let image = Some(&check.planned.image).filter(|image| !pod.is_workload && !image.is_empty());
    let facts = [
        ("state", Some(format!("{}, {of}", pod.stand.word()))),
        ("reason", Some(text::clean(&pod.reason).into_owned()).filter(|reason| !reason.is_empty())),
        ("exit code", pod.exit_code.map(|code| code.to_string())),
        ("node", pod.node.as_ref().map(|node| text::clean(node).into_owned())),
        ("attempt", Some(pod.attempt.to_string())),
        ("restarts", Some(pod.restarts.to_string()).filter(|_| pod.restarts > 0)),
        ("began", at(view.began_ms)),
        ("ended", at(view.ended_ms)),
        ("check", Some(check.planned.name.clone())),
        ("Job", pod.job.clone()),
        ("image", image.cloned()),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The result of a check as text, with what it wrote.
pub(super) fn details_of(check: &CheckView) -> Option<Step> {
    let result = check.result.as_ref()?;
    let (_, _, word) = verdict(result);
    let body = format!("{}: {word}\n{}\n{}", result.name, result.message, result.stdout.join("\n"));
    Some(Step::Prose { title: format!("check {}", result.name), body })
}

/// Columns of the longest word that a check, a phase or readiness can have for its state.
const STATE: u16 = 12;
/// Columns of the longest time below a minute; minutes are few, and would leave the room of most results empty.
const TIME: u16 = 6;
/// Columns that a name takes where there is room.
const NAME: u16 = 28;

fn content(title: String, note: String, rows: Vec<Row>, says: Vec<(Role, String)>) -> Content {
    Content {
        title,
        note,
        columns: vec![
            Column::new("PHASE / CHECK", 16, NAME).name_like(),
            Column::new("STATE", 6, STATE).steady(STATE),
            Column::new("TIME", TIME, 11).steady(TIME).right().priority(2),
            Column::new("RESULT", 8, 12).grows().priority(1),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}
