//! The selected check or constraint in full: what it proves, where it runs, why it ended as it did.

use super::{checks, prelude::*};
use crate::{
    report::words,
    validate::{
        event::{Severity, State, Way},
        plan::image_of,
    },
    workbench::{
        elsewhere::RunOrigin,
        model::{CheckView, Model, ReadinessView},
        pod_view::PodView,
        widgets::{curve, table::text_columns},
    },
};

pub static PANE: Pane = Pane {
    name: "check",
    screen: Screen::Validate,
    place: Place::NONE.short(column(1, 0).on_focus()).four(column(1, 0).lines(12)).all(column(2, 50)),
    needs: &[Need::Run, Need::Recipe, Need::Cursor(&checks::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::Details, Action::ZoomFull],
    build,
    on: |view, action| if action == Action::Details { checks::details(view) } else { None },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let run = &view.model.run;
    let width = text_columns(view.width);
    if let Some((check, pod)) = checks::pod_of(view) {
        return prose(format!("pod {}", pod.pod.name), pod_rows(check, pod, width));
    }
    let name = checks::check_of(view);
    if let Some(check) = name.and_then(|name| run.check(name)) {
        return prose(format!("check {}", check.planned.name), check_rows(check, view.model, width));
    }
    if let Some(name) = name {
        let validators = view.model.catalog.value.as_ref().and_then(|catalog| catalog.validators().ok());
        let validator = validators.as_ref().and_then(|all| all.iter().find(|validator| validator.name == name));
        let mut rows = Vec::new();
        if let Some(validator) = validator {
            wrapped(&mut rows, Role::Text, &validator.description, width);
            let limit = text::seconds(validator.timeout_seconds);
            pairs(
                &mut rows,
                "",
                [
                    ("phase", validator.phase.name().into()),
                    ("image", image_of(validator, &view.model.setup.plan).into()),
                    ("limit", limit.into()),
                ],
            );
        }
        return Content {
            says: match view.model.read_only || view.model.cluster.source.is_saved() {
                true => Vec::new(),
                false => vec![(Role::Muted, format!("{} lists what a run would create", view.keys.key(Action::Run)))],
            },
            ..prose(format!("check {name}"), rows)
        };
    }
    if let Some(RowId::Constraint(name)) = view.selected(&checks::PANE)
        && let Some(readiness) = run.readiness.iter().find(|readiness| readiness.name == *name)
    {
        return prose(format!("constraint {name}"), readiness_rows(readiness, width));
    }
    prose("run", run_rows(view, width))
}

/// How a pod stands and why comes first, in full; then the rest of what is known of it.
fn pod_rows(check: &CheckView, view: &PodView, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let facts = checks::pod_facts(check, view);
    let mut rest = Vec::new();
    for (name, value) in facts {
        match name {
            "state" => {
                let (word, of) = value.split_once(", ").unwrap_or((&value, ""));
                line(&mut rows, Cell::new(Role::Strong, word).and(Role::Muted, format!("  {of}")));
            }
            "reason" => wrapped(&mut rows, Role::Text, &value, width),
            _ => rest.push((name, Cell::text(value))),
        }
    }
    pairs(&mut rows, "", rest);
    rows
}

fn wrapped(rows: &mut Vec<Row>, role: Role, said: &str, width: usize) {
    for part in said.lines().flat_map(|line| text::wrap(&text::clean(line), width)) {
        line(rows, Cell::new(role, part));
    }
}

fn check_rows(check: &CheckView, model: &Model, width: usize) -> Vec<Row> {
    let now_ms = model.run_now_ms();
    let mut rows = Vec::new();
    match &check.result {
        Some(result) => {
            let (role, glyph, word) = checks::verdict(result);
            let time = format!("{} in all, {} running", text::duration(result.total_ms), text::duration(result.run_ms));
            line(&mut rows, Cell::new(role, format!("{glyph} {word}")).and(Role::Muted, format!("  {time}")));
            if !result.message.is_empty() {
                wrapped(&mut rows, Role::Text, &result.message, width);
            }
        }
        None => {
            // Who attached to it has not seen it begin.
            let began_ms = check.started_ms.filter(|_| model.run.origin != RunOrigin::Cluster);
            let since = began_ms.map_or(String::new(), |at| text::duration(now_ms.saturating_sub(at)));
            line(&mut rows, Cell::new(Role::Run, check.state.word()).and(Role::Muted, format!("  {since}")));
            let detail = check.state.detail();
            if !detail.is_empty() {
                wrapped(&mut rows, Role::Text, &detail, width);
            }
        }
    }
    // What a benchmark measures comes before how it is run.
    if let Some(fastest) = curve::fastest(&check.curve) {
        line(&mut rows, Cell::new(Role::Heading, "bus bandwidth by message size"));
        line(&mut rows, Cell::new(Role::Strong, fastest));
        // Narrower than the text: a bar that is wrapped says something else.
        for (label, bar) in curve::lines(&check.curve, width.saturating_sub(1)) {
            line(&mut rows, Cell::text(label).and(Role::Run, bar));
        }
        line(&mut rows, Cell::default());
    }
    let node = check.result.as_ref().and_then(|result| result.node.clone());
    // In this process there is none: what is said instead is below.
    let node = node.or_else(|| check.node.clone().filter(|_| check.planned.way == Way::Job));
    let node = match (node, check.planned.way, &check.result) {
        (None, Way::Job, None) if is_to_be_placed(check, model) => Cell::new(Role::Muted, "not scheduled yet"),
        (node, ..) => or_dash(node),
    };
    let way = match check.planned.way {
        Way::Job => "in a pod",
        Way::InProcess => "in this process",
    };
    let limit = match check.planned.grace_seconds {
        0 => text::seconds(check.planned.timeout_seconds),
        grace => {
            let [limit, grace] = [check.planned.timeout_seconds, grace].map(text::seconds);
            format!("{limit}, given up after {grace} more")
        }
    };
    let exit = check.result.as_ref().and_then(|result| result.exit_code);
    pairs(
        &mut rows,
        "",
        [
            ("phase", check.planned.phase.name().into()),
            ("node", node),
            ("exit code", or_dash(exit)),
            ("limit", limit.into()),
            ("runs", way.into()),
            ("image", check.planned.image.as_str().into()),
        ],
    );
    if !check.planned.description.is_empty() {
        line(&mut rows, Cell::default());
        wrapped(&mut rows, Role::Muted, &check.planned.description, width);
    }
    rows
}

/// Whether a node is still to be found for the pod of a check. A run that has broken off finds none, and a pod that is further
/// has one, even where who joined the run later has not seen which.
fn is_to_be_placed(check: &CheckView, model: &Model) -> bool {
    let goes_on = model.run.active || model.follows();
    let is_before = match check.state {
        State::Queued
        | State::Creating
        | State::PodRefused { .. }
        | State::Unscheduled { .. }
        | State::Gated { .. } => true,
        State::Scheduled { .. }
        | State::Preparing { .. }
        | State::Pulling { .. }
        | State::Pulled { .. }
        | State::PullFailing { .. }
        | State::ConfigError { .. }
        | State::Running { .. }
        | State::Stopping { .. } => false,
    };
    goes_on && is_before
}

/// The rule, what was found and where, and who set it.
fn readiness_rows(readiness: &ReadinessView, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let (role, glyph, word) = checks::verdict(readiness.outcome);
    line(&mut rows, Cell::new(role, format!("{glyph} {word}")));
    if let Some(reason) = &readiness.reason {
        wrapped(&mut rows, Role::Text, reason, width);
    }
    pairs(
        &mut rows,
        "",
        [
            ("rule", readiness.expected.as_str().into()),
            ("found", or_dash(readiness.actual.clone())),
            ("read at", readiness.name.as_str().into()),
            ("set by", or_dash(readiness.set_by.clone())),
        ],
    );
    if readiness.set_by.is_none() {
        let said = "The recipe of this run does not say which layer set the rule.";
        wrapped(&mut rows, Role::Muted, said, width);
    }
    rows
}

/// What begins a run, where one can begin.
fn not_asked(view: &View<'_>) -> String {
    let [runs, records] = [Action::Run, Action::GoRuns].map(|action| view.keys.key(action));
    let said = match checks::can_run(view) {
        true => format!("{runs} runs the checks"),
        false => format!("{records} lists the runs on record"),
    };
    Blank::NotAsked.line(said).1
}

fn run_rows(view: &View<'_>, width: usize) -> Vec<Row> {
    let model = view.model;
    let Model { run, records, .. } = model;
    let mut rows = Vec::new();
    if let Some(verdict) = run.verdict {
        let took = text::duration(run.last_ms.saturating_sub(run.started_ms));
        let (role, _, word) = checks::verdict(verdict);
        line(&mut rows, Cell::new(role, word).and(Role::Muted, format!("  in {took}")));
    } else {
        let said = match (&records.replay, run.origin) {
            (Some(replay), _) => {
                format!("recorded; {} of {} events are shown", replay.next, replay.record.events.len())
            }
            _ if run.active => "running".to_owned(),
            _ if run.left.is_some() => String::new(),
            (_, RunOrigin::Own) => not_asked(view),
            _ if !model.follows() => "not followed any more; it had no verdict then".to_owned(),
            (_, RunOrigin::Record) => "goes on in another terminal, and is canceled there".to_owned(),
            (_, RunOrigin::Cluster) => "goes on in the cluster, and is canceled by whoever started it".to_owned(),
        };
        // That it was left is said below.
        wrapped(&mut rows, Role::Muted, &said, width);
    }
    if !run.namespace.is_empty() {
        wrapped(&mut rows, Role::Muted, &format!("run {} in namespace {}", run.id, run.namespace), width);
    }
    if !run.recipe.is_empty() {
        wrapped(&mut rows, Role::Muted, &format!("recipe {}", run.recipe), width);
    }
    if let Some(before) = &run.paused {
        wrapped(&mut rows, Role::Warn, &format!("paused {before}: no further check starts"), width);
    }
    if let Some(checks) = &run.left {
        wrapped(&mut rows, Role::Warn, &format!("left by its program; {}", words::went_on(checks)), width);
    }
    if let Some((removed, left)) = &run.cleaned {
        let (role, said) = if left.is_empty() {
            (Role::Ok, format!("{} removed, nothing left", text::count(*removed, "object")))
        } else {
            (Role::Warn, format!("left behind: {}", left.join(", ")))
        };
        wrapped(&mut rows, role, &said, width);
    }
    for (severity, said) in &run.notices {
        let role = match severity {
            Severity::Info => Role::Muted,
            Severity::Warn => Role::Warn,
            Severity::Error => Role::Fail,
        };
        wrapped(&mut rows, role, said, width);
    }
    rows
}
