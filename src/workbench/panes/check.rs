//! The selected check or constraint in full: what it proves, where it runs, why it ended as it did.

use super::{Need, Pane, PaneId, pairs, prose};
use crate::{
    validate::event::Severity,
    workbench::{
        Screen,
        app::State,
        data::{CheckView, Run},
        keymap::Action,
        theme::Role,
        widgets::{
            table::{Cell, Content, Row},
            text,
        },
    },
};

pub(super) static PANE: Pane = Pane {
    id: PaneId::Check,
    screen: Screen::Validate,
    name: "check",
    needs: &[Need::Run, Need::Recipe, Need::Cursor(PaneId::Checks), Need::Look],
    hints: &[Action::MoveDown, Action::Copy, Action::Details, Action::ZoomFull],
    build,
};

fn build(state: &State) -> Content {
    let run = &state.data.run;
    let width = state.width_of(PaneId::Check).saturating_sub(2);
    let name = super::check_of(state);
    if let Some(check) = name.and_then(|name| run.check(name)) {
        return prose(format!("check {}", check.planned.name), check_rows(check, state.now_ms, width));
    }
    if let Some(name) = name {
        let validators = state.data.catalog.value.as_ref().and_then(|catalog| catalog.validators().ok());
        let validator = validators.and_then(|all| all.into_iter().find(|validator| validator.name == name));
        let mut rows = Vec::new();
        if let Some(validator) = validator {
            wrapped(&mut rows, "about", Role::Text, &validator.description, width);
            let limit = text::duration(validator.timeout_seconds * 1000);
            pairs(
                &mut rows,
                "",
                &[
                    ("phase", validator.phase.name().into()),
                    ("image", validator.image.as_str().into()),
                    ("limit", limit.into()),
                ],
            );
        }
        return Content {
            says: vec![(Role::Muted, "r lists what a run would create".to_owned())],
            ..prose(format!("check {name}"), rows)
        };
    }
    prose("run", run_rows(run, width))
}

fn wrapped(rows: &mut Vec<Row>, key: &str, role: Role, said: &str, width: usize) {
    let lines = said.lines().flat_map(|line| text::wrap(&text::clean(line), width));
    rows.extend(lines.enumerate().map(|(index, line)| Row::new(format!("{key} {index}"), vec![Cell::new(role, line)])));
}

fn check_rows(check: &CheckView, now_ms: u64, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    match &check.result {
        Some(result) => {
            let (role, glyph, word) = super::checks::verdict(result.status);
            let time = format!("{} in all, {} running", text::duration(result.total_ms), text::duration(result.run_ms));
            rows.push(Row::new(
                "verdict",
                vec![Cell::new(role, format!("{glyph} {word}")).and(Role::Muted, format!("  {time}"))],
            ));
            if !result.message.is_empty() {
                wrapped(&mut rows, "message", Role::Text, &result.message, width);
            }
        }
        None => {
            let since = check.started_ms.map_or(String::new(), |at| text::duration(now_ms.saturating_sub(at)));
            rows.push(Row::new(
                "state",
                vec![Cell::new(Role::Run, check.state.word()).and(Role::Muted, format!("  {since}"))],
            ));
            let detail = check.state.detail();
            if !detail.is_empty() {
                wrapped(&mut rows, "detail", Role::Text, &detail, width);
            }
        }
    }
    let node = check.result.as_ref().and_then(|result| result.node.clone());
    let exit = check.result.as_ref().and_then(|result| result.exit_code);
    pairs(
        &mut rows,
        "",
        &[
            ("phase", check.planned.phase.name().into()),
            ("node", super::or_dash(node)),
            ("exit code", super::or_dash(exit)),
            ("limit", text::duration(check.planned.timeout_seconds * 1000).into()),
            ("image", check.planned.image.as_str().into()),
        ],
    );
    if !check.planned.description.is_empty() {
        rows.push(Row::new("gap", vec![Cell::default()]));
        wrapped(&mut rows, "about", Role::Muted, &check.planned.description, width);
    }
    rows
}

fn run_rows(run: &Run, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(verdict) = run.verdict {
        let took = text::duration(run.last_ms.saturating_sub(run.started_ms));
        let (role, _, word) = super::checks::verdict(verdict);
        rows.push(Row::new("verdict", vec![Cell::new(role, word).and(Role::Muted, format!("  in {took}"))]));
    } else {
        rows.push(Row::new(
            "verdict",
            vec![Cell::new(Role::Muted, if run.active { "running" } else { "not run yet" })],
        ));
    }
    if !run.namespace.is_empty() {
        pairs(&mut rows, "", &[("run id", run.id.as_str().into()), ("namespace", run.namespace.as_str().into())]);
    }
    if let Some((removed, left)) = &run.cleaned {
        let said = if left.is_empty() {
            Cell::new(Role::Ok, format!("{} removed, nothing left", text::count(*removed, "object")))
        } else {
            Cell::new(Role::Warn, format!("left behind: {}", left.join(", ")))
        };
        pairs(&mut rows, "", &[("clean-up", said)]);
    }
    for (index, (severity, said)) in run.notices.iter().enumerate() {
        let role = match severity {
            Severity::Info => Role::Muted,
            Severity::Warn => Role::Warn,
            Severity::Error => Role::Fail,
        };
        wrapped(&mut rows, &format!("notice {index}"), role, said, width);
    }
    rows
}
