//! The selected check or constraint in full: what it proves, where it runs, why it ended as it did.

use super::{checks, prelude::*};
use crate::{
    validate::event::Severity,
    workbench::model::{CheckView, Run},
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
    let width = view.width.saturating_sub(2);
    let name = checks::check_of(view);
    if let Some(check) = name.and_then(|name| run.check(name)) {
        return prose(format!("check {}", check.planned.name), check_rows(check, view.model.now_ms, width));
    }
    if let Some(name) = name {
        let validators = view.model.catalog.value.as_ref().and_then(|catalog| catalog.validators().ok());
        let validator = validators.and_then(|all| all.into_iter().find(|validator| validator.name == name));
        let mut rows = Vec::new();
        if let Some(validator) = validator {
            wrapped(&mut rows, Role::Text, &validator.description, width);
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
            says: vec![(Role::Muted, format!("{} lists what a run would create", view.keys.key(Action::Run)))],
            ..prose(format!("check {name}"), rows)
        };
    }
    prose("run", run_rows(run, width))
}

fn wrapped(rows: &mut Vec<Row>, role: Role, said: &str, width: usize) {
    for part in said.lines().flat_map(|line| text::wrap(&text::clean(line), width)) {
        line(rows, Cell::new(role, part));
    }
}

fn check_rows(check: &CheckView, now_ms: u64, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    match &check.result {
        Some(result) => {
            let (role, glyph, word) = checks::verdict(result.status);
            let time = format!("{} in all, {} running", text::duration(result.total_ms), text::duration(result.run_ms));
            line(&mut rows, Cell::new(role, format!("{glyph} {word}")).and(Role::Muted, format!("  {time}")));
            if !result.message.is_empty() {
                wrapped(&mut rows, Role::Text, &result.message, width);
            }
        }
        None => {
            let since = check.started_ms.map_or(String::new(), |at| text::duration(now_ms.saturating_sub(at)));
            line(&mut rows, Cell::new(Role::Run, check.state.word()).and(Role::Muted, format!("  {since}")));
            let detail = check.state.detail();
            if !detail.is_empty() {
                wrapped(&mut rows, Role::Text, &detail, width);
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
            ("node", or_dash(node)),
            ("exit code", or_dash(exit)),
            ("limit", text::duration(check.planned.timeout_seconds * 1000).into()),
            ("image", check.planned.image.as_str().into()),
        ],
    );
    if !check.planned.description.is_empty() {
        line(&mut rows, Cell::default());
        wrapped(&mut rows, Role::Muted, &check.planned.description, width);
    }
    rows
}

fn run_rows(run: &Run, width: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(verdict) = run.verdict {
        let took = text::duration(run.last_ms.saturating_sub(run.started_ms));
        let (role, _, word) = checks::verdict(verdict);
        line(&mut rows, Cell::new(role, word).and(Role::Muted, format!("  in {took}")));
    } else {
        line(&mut rows, Cell::new(Role::Muted, if run.active { "running" } else { "not run yet" }));
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
