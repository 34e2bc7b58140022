//! Runs that were recorded on this machine, the newest first; Enter opens one.

use super::{checks, prelude::*};
use crate::{
    ops::run::record::{self, Summary},
    report::words::{self, Word},
    workbench::elsewhere::{Elsewhere, Known},
};

pub static PANE: Pane = Pane {
    name: "runs",
    screen: Screen::Validate,
    place: Place::NONE
        .short(column(0, 62).on_focus())
        .four(column(0, 76).row(1).lines(9))
        .all(column(0, 76).row(1).lines(12)),
    jump: Some(Action::GoRuns),
    needs: &[Need::Runs, Need::Recipe, Need::Look],
    hints: &[Action::MoveDown, Action::Enter, Action::CompareWith, Action::Details, Action::Copy],
    build,
    count: |view| Some(text::thousands(view.model.records.list.value.as_ref()?.len())).filter(|count| count != "0"),
    on: |view, action| {
        let name = || view.selected(&PANE).map(|row| row.name().to_owned());
        match action {
            Action::Enter if name().is_some_and(|name| in_cluster(view).any(|other| other.run == name)) => {
                name().map(Step::AttachRun)
            }
            Action::Enter => name().map(Step::OpenRun),
            Action::CompareWith => name().map(Step::CompareRun),
            Action::Copy => name().map(Step::Copy),
            Action::Details => plan(view),
            _ => None,
        }
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let list = &view.model.records.list;
    let all = list.value.as_deref().map_or(&[][..], Vec::as_slice);
    let shown = view.model.run.id.as_str();
    let in_cluster: Vec<Elsewhere<'_>> = in_cluster(view).collect();
    let is_there = |summary: &&Summary| in_cluster.iter().any(|other| other.run == summary.stored.name);
    let recorded = all.iter().filter(|summary| !is_there(summary)).map(|summary| row(summary, shown));
    let rows: Vec<Row> = in_cluster.iter().map(|other| running(other, view)).chain(recorded).collect();
    let says = match (&list.failure, list.loading) {
        _ if !rows.is_empty() => Vec::new(),
        (Some(failure), _) => failed(view, failure),
        (None, true) => Blank::Loading.says("reading the records …"),
        (None, false) => {
            let records = match checks::can_run(view) {
                true => format!("; {} records one", view.keys.key(Action::Run)),
                false => String::new(),
            };
            Blank::Empty.says(format!("no run has been recorded on this machine{records}"))
        }
    };
    Content {
        title: "runs".to_owned(),
        note: text::count(all.len(), "record"),
        columns: vec![
            Column::new("STARTED", 19, 19),
            Column::new("VERDICT", 8, 11),
            Column::new("CHECKS", 8, 22).grows(),
            Column::new("CLUSTER", 4, 12).priority(1).name_like(),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

/// Runs that were found on the cluster, where it says more of them than a record on this machine.
fn in_cluster<'s>(view: &View<'s>) -> impl Iterator<Item = Elsewhere<'s>> + use<'s> {
    view.model.elsewhere().into_iter().filter(|other| other.known != Known::Recorded)
}

/// A run that this workbench does not run; of it, its Jobs are known.
fn running(other: &Elsewhere<'_>, view: &View<'_>) -> Row {
    let Elsewhere { run, namespace, known } = *other;
    let said = match known {
        Known::Nothing => format!("Jobs in {namespace}"),
        known => known.words().to_owned(),
    };
    let started = record::began(run).map_or(String::new(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    let name = if run == view.model.run.id { Role::Strong } else { Role::Text };
    Row {
        marker: Some((Role::Run, "»")),
        ..Row::new(
            RowId::from(run),
            vec![
                Cell::new(name, started),
                Cell::new(Role::Run, "in cluster"),
                Cell::new(Role::Muted, said),
                Cell::new(Role::Muted, &view.model.cluster.name),
            ],
        )
    }
}

fn row(summary: &Summary, shown: &str) -> Row {
    let report = &summary.report;
    let (role, glyph, word) = match (summary.verdict(), summary.stored.is_open) {
        (Some(verdict), _) => checks::verdict(verdict),
        (None, _) if summary.is_left() => (Role::Warn, "!", "left"),
        (None, true) => (Role::Run, "»", "running"),
        (None, false) => (Role::Warn, "!", "interrupted"),
    };
    let started = crate::workbench::model::date_and_time(report.start_ms);
    let counted = match &report.deploy {
        Some(deploy) => deploy.summary(),
        None => words::counts(&report.results).join(", "),
    };
    let name = if summary.stored.name == shown { Role::Strong } else { Role::Text };
    Row {
        marker: Some((role, glyph)),
        matters: summary.verdict().is_some_and(|verdict| Word::from(verdict) != Word::Pass),
        ..Row::new(
            RowId::from(&summary.stored.name),
            vec![
                Cell::new(name, started),
                Cell::new(role, word),
                Cell::text(if counted.is_empty() { "-" } else { &counted }),
                Cell::new(Role::Muted, &summary.facts.cluster),
            ],
        )
    }
}

/// The plan that was made before a run.
fn plan(view: &View<'_>) -> Option<Step> {
    let name = view.selected(&PANE)?.name();
    let all = view.model.records.list.value.as_ref()?;
    let summary = all.iter().find(|summary| summary.stored.name == name)?;
    Some(Step::Text { title: format!("plan of run {name}"), body: summary.facts.plan.join("\n") })
}
