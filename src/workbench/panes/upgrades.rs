//! What the cluster has installed beside what the recipe wants, with a verdict for each component that changes.

use super::{changes, no_cluster, prelude::*, stack, upgrade};
use crate::{
    ops::upgrade::Report,
    upgrade::{
        Reason, Verdict,
        report::{ChangeKind, Row as Change},
    },
    workbench::model::{Model, Upgrade},
};

pub static PANE: Pane = Pane {
    name: "upgrades",
    screen: Screen::Diff,
    place: Place::NONE.short(column(0, 0)).four(column(0, 0)).all(column(0, 96)),
    presence: |_, focus| if is_upgrade(focus) { Presence::Shown } else { Presence::Hidden },
    needs: &[Need::Cluster, Need::Recipe, Need::Upgrade],
    hints: &[Action::MoveDown, Action::NextThing, Action::Enter, Action::Raw, Action::Refresh, Action::Filter],
    build,
    on: |view, action| match action {
        Action::Enter => Some(Step::Focus(&upgrade::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.named()?.to_owned())),
        Action::Back => Some(Step::Focus(&changes::PANE)),
        _ => None,
    },
    ..Pane::BASE
};

/// Whether a pane is one of the two that show upgrades, which have the screen to themselves.
pub(super) fn is_upgrade(pane: &Pane) -> bool {
    *pane == PANE || *pane == upgrade::PANE
}

/// For the other panes of the screen.
pub(super) fn unless_shown(_: &Model, focus: &Pane) -> Presence {
    if is_upgrade(focus) { Presence::Hidden } else { Presence::Shown }
}

/// The section of what is said of all of them.
pub(super) const NOTES: &str = "notes";

/// Glyph and role of what becomes of a component.
pub(super) fn mark(change: &Change) -> (Role, &'static str) {
    match (change.verdict, change.change) {
        (Some(Verdict::Safe), _) => (Role::Ok, "✓"),
        (Some(Verdict::Manual), _) => (Role::Warn, "!"),
        (Some(Verdict::Blocked), _) => (Role::Fail, "✗"),
        (Some(Verdict::Unknown | Verdict::Unversioned), _) => (Role::Warn, "?"),
        (None, ChangeKind::Removed) => (Role::Muted, "-"),
        (None, _) => (Role::Add, "+"),
    }
}

fn build(view: &View<'_>) -> Content {
    let Upgrade { report, checked_at, .. } = &view.model.upgrade;
    let Some(known) = report.value.as_deref() else {
        return content(Vec::new(), String::new(), nothing(view));
    };
    let mut rows: Vec<Row> = known.components.iter().map(row).collect();
    let line = |(at, (what, why)): (usize, (String, String))| {
        Row::new(RowId::Line(NOTES, at), vec![Cell::new(Role::Muted, format!("{what}: {why}"))])
    };
    rows.extend(notes(view, known).into_iter().enumerate().map(line));
    let failing = known.summary.failing;
    let attention = if failing == 1 { "needs" } else { "need" };
    let when = if report.loading { "checking …".to_owned() } else { format!("checked {checked_at}") };
    let count = text::count(known.summary.components, "change");
    content(rows, format!("{count}, {failing} {attention} attention, {when}"), Vec::new())
}

/// Why there is nothing to show.
fn nothing(view: &View<'_>) -> Vec<(Role, String)> {
    let model = view.model;
    if model.recipe.value.is_none() {
        return stack::no_recipe(view);
    }
    if model.cluster.snapshot.is_none() {
        return no_cluster(view);
    }
    match &model.upgrade.report.failure {
        Some(failure) => failed(view, failure),
        None => Blank::Loading.says("checking upgrades …"),
    }
}

/// What holds for all of them, each with what it is about: what was compared, where the deployer comes from, what is unknown.
pub(super) fn notes(view: &View<'_>, report: &Report) -> Vec<(String, String)> {
    let mut notes = Vec::new();
    let mut note = |what: String, why: String| notes.push((what, why));
    if let Some(failure) = &view.model.upgrade.report.failure {
        note("not checked again".to_owned(), format!("failed to {}: {}", failure.doing, failure.why()));
    }
    let cluster = &view.model.cluster.name;
    let same = if report.components.is_empty() { "; nothing changes" } else { "" };
    note("compared".to_owned(), format!("{cluster} with the recipe for {}{same}", report.to));
    if let Some(deployer) = &report.deployer {
        let other = view.keys.command("upgrade NAME");
        let because = report.aicr.deployer_because.map_or(String::new(), |because| format!("{because}; "));
        note(format!("steps for {deployer}"), format!("{because}{other} chooses another deployer"));
    }
    if let Some(skipped) = &report.object_names_skipped {
        note("names not compared".to_owned(), skipped.clone());
    }
    if let Some(skipped) = &report.aicr.values_skipped {
        note("values not compared".to_owned(), skipped.clone());
    }
    let helm = report.source.as_ref().and_then(|source| source.helm.as_ref());
    if let Some(unmatched) = helm.map(|helm| helm.stamped_unmatched).filter(|unmatched| *unmatched > 0) {
        let releases = text::count(unmatched, "release");
        note("not in this recipe".to_owned(), format!("{releases} that a bundle has installed"));
    }
    notes
}

fn row(change: &Change) -> Row {
    let (role, glyph) = mark(change);
    let version = |version: &str| or_dash(Some(version).filter(|version| !version.is_empty()));
    let summary = if change.reason == Some(Reason::Recorded) { &*change.summary } else { "" };
    let why = [summary, &change.explanation, &change.notes].into_iter().find(|text| !text.is_empty());
    let why = why.map_or("", |text| text.lines().next().unwrap_or_default());
    Row {
        marker: Some((role, glyph)),
        matters: change.fails_run,
        ..Row::new(
            &change.component,
            vec![
                Cell::text(&change.component),
                version(&change.from),
                version(&change.to),
                Cell::new(role, change.verdict.map_or("-", Verdict::name)),
                Cell::new(Role::Muted, why),
            ],
        )
    }
}

fn content(rows: Vec<Row>, note: String, says: Vec<(Role, String)>) -> Content {
    Content {
        title: "upgrades".to_owned(),
        note,
        columns: vec![
            Column::new("COMPONENT", 14, 26).grows().name_like(),
            Column::new("INSTALLED", 9, 12).side().priority(2),
            Column::new("WANTED", 8, 12).side().priority(1),
            Column::new("VERDICT", 11, 11),
            Column::new("WHY", 16, 60).grows().priority(3),
        ],
        says,
        rows,
        headers: true,
        ..Content::default()
    }
}
