//! One upgrade in full: the verdict with its reason, where the component is, steps, objects at risk, changed values.

use super::{prelude::*, upgrades};
use crate::{
    diff::Change,
    document::selector::Segment,
    ops::upgrade::Report,
    upgrade::{Verdict, report::Row as Upgraded},
    workbench::contrast,
};

pub static PANE: Pane = Pane {
    name: "upgrade",
    screen: Screen::Diff,
    place: Place::NONE
        .detail(12)
        .short(column(0, 0).row(1).part(1, 2))
        .four(column(0, 0).row(1).part(11, 20))
        .all(column(1, 0)),
    presence: |_, focus| if upgrades::is_upgrade(focus) { Presence::Shown } else { Presence::Hidden },
    needs: &[Need::Upgrade, Need::Cursor(&upgrades::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::Back, Action::Copy, Action::ZoomFull],
    build,
    on: |_, action| (action == Action::Back).then_some(Step::Focus(&upgrades::PANE)),
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let selected = view.selected(&upgrades::PANE);
    let report = view.model.upgrade.report.value.as_deref();
    if let (Some(report), Some(RowId::Line(upgrades::NOTES, _))) = (report, selected) {
        let mut page = Page::new(view.width);
        for (what, why) in upgrades::notes(view, report) {
            page.item(Role::Text, "", &format!("{what}: {why}"));
        }
        return prose("about this check", page.rows);
    }
    let name = selected.and_then(RowId::named);
    let upgraded = report.zip(name).and_then(|(report, name)| {
        let row = report.components.iter().find(|row| row.component == name)?;
        Some((report, row))
    });
    match upgraded {
        Some((report, row)) => Content {
            note: row.verdict.map_or(String::new(), |verdict| verdict.name().to_owned()),
            ..prose(format!("upgrade {}", row.component), page(report, row, view.width))
        },
        None => Content { says: Blank::Empty.says("no upgrade is selected"), ..prose("upgrade", Vec::new()) },
    }
}

/// Lines of a text that is as wide as the panel.
struct Page {
    rows: Vec<Row>,
    width: usize,
}

impl Page {
    fn new(width: usize) -> Page {
        Page { rows: Vec::new(), width: width.saturating_sub(3) }
    }

    fn heading(&mut self, text: &str) {
        line(&mut self.rows, Cell::default());
        line(&mut self.rows, Cell::new(Role::Heading, text));
    }

    fn text(&mut self, role: Role, text: &str) {
        for part in text::wrap(&text::clean(text.trim()), self.width) {
            line(&mut self.rows, Cell::new(role, part));
        }
    }

    /// A piece of a list; its further lines are indented.
    fn item(&mut self, role: Role, mark: &str, text: &str) {
        let indent = " ".repeat(text::width(mark));
        let parts = text::wrap(&text::clean(text.trim()), self.width.saturating_sub(indent.len()));
        for (index, part) in parts.into_iter().enumerate() {
            let mark = if index == 0 { mark } else { &indent };
            line(&mut self.rows, Cell::new(role, format!("{mark}{part}")));
        }
    }
}

fn page(report: &Report, row: &Upgraded, width: usize) -> Vec<Row> {
    let mut page = Page::new(width);
    let (role, _) = upgrades::mark(row);
    let verdict = row.verdict.map_or(String::new(), |verdict| format!("{}: ", verdict.name()));
    let why = if row.explanation.is_empty() { &row.notes } else { &row.explanation };
    page.text(role, &format!("{verdict}{why}"));
    let mut facts = versions(row);
    if let Some(found) = report.aicr.releases.get(&row.component) {
        let status = if found.status.is_empty() { String::new() } else { format!(", {}", found.status) };
        facts += &format!("; release {} in namespace {}{status}", found.release, found.namespace);
    }
    page.text(Role::Text, &facts);
    if !row.explanation.is_empty() && !row.notes.is_empty() {
        page.text(Role::Muted, &row.notes);
    }
    for (heading, text) in [("what changes", &row.summary), ("before", &row.precondition)] {
        if !text.is_empty() {
            page.heading(heading);
            page.text(Role::Text, text);
        }
    }
    if !row.identity_changes.is_empty() {
        page.heading("moves");
    }
    for change in &row.identity_changes {
        let or_none = |text: &str| if text.is_empty() { "(none)".to_owned() } else { text.to_owned() };
        let text = format!("{} from {} to {}", change.field, or_none(&change.from), or_none(&change.to));
        page.item(Role::Change, "~ ", &text);
    }
    if !row.steps.is_empty() {
        page.heading(&format!("steps for {}", report.deployer.as_deref().unwrap_or("every deployer")));
    }
    for (index, step) in row.steps.iter().enumerate() {
        let why = if step.reason.is_empty() { String::new() } else { format!(" ({})", step.reason.trim()) };
        page.item(Role::Text, &format!("{}. ", index + 1), &format!("{}: {}{why}", step.id, step.description.trim()));
    }
    objects(&mut page, report, row);
    values(&mut page, report, row);
    page.rows
}

fn versions(row: &Upgraded) -> String {
    match (&*row.from, &*row.to) {
        ("", "") => "neither version is known".to_owned(),
        ("", to) if row.verdict.is_none() => format!("not installed, {to} wanted"),
        ("", to) => format!("installed version unknown, {to} wanted"),
        (from, "") if row.verdict.is_none() => format!("{from} installed, not wanted"),
        (from, "") => format!("{from} installed, wanted version unknown"),
        (from, to) if from == to => format!("{from} installed and wanted"),
        (from, to) => format!("{from} installed, {to} wanted"),
    }
}

/// Objects of the kinds that this upgrade touches.
fn objects(page: &mut Page, report: &Report, row: &Upgraded) {
    let touches = |components: &[String]| components.contains(&row.component);
    let kinds: Vec<_> = report.at_risk.kinds.iter().filter(|kind| touches(&kind.of.components)).collect();
    if kinds.is_empty() {
        return;
    }
    page.heading("objects that the upgrade touches");
    for kind in kinds {
        let group = if kind.of.group.is_empty() { "core" } else { &kind.of.group };
        let findings: Vec<_> = report
            .at_risk
            .findings
            .iter()
            .filter(|finding| (&finding.of.group, &finding.of.kind) == (&kind.of.group, &kind.of.kind))
            .collect();
        let (role, looked) = match (&kind.failure, kind.present, kind.examined) {
            (Some(failure), ..) => (Role::Warn, format!("unknown: {}", failure.why())),
            (None, Some(false), _) => (Role::Text, "the cluster does not have this kind".to_owned()),
            (None, Some(true), Some(examined)) => {
                let role = if findings.is_empty() { Role::Text } else { Role::Warn };
                let found =
                    format!("{} here, {} managed by no deployer", text::count(examined, "object"), findings.len());
                (role, found)
            }
            _ => (Role::Warn, format!("not looked for: {}", report.at_risk.reason.unwrap_or("not scanned"))),
        };
        page.item(role, "", &format!("{} ({group}): {looked}", kind.of.kind));
        for finding in findings {
            let namespace =
                if finding.namespace.is_empty() { String::new() } else { format!("{}/", finding.namespace) };
            page.item(Role::Warn, "  ! ", &format!("{namespace}{}", finding.name));
        }
    }
}

fn values(page: &mut Page, report: &Report, row: &Upgraded) {
    let changes = report.aicr.value_changes.get(&row.component);
    let is_compared = row.verdict.is_some_and(|verdict| verdict != Verdict::Unversioned || changes.is_some());
    if !is_compared {
        return;
    }
    match (changes, &report.aicr.values_skipped) {
        (Some(changes), _) => {
            page.heading(&format!("{} changed", text::count(changes.len(), "value")));
            changes.iter().for_each(|change| value(page, row, change));
        }
        (None, Some(skipped)) => {
            page.heading("values");
            page.text(Role::Warn, &format!("not compared: {skipped}"));
        }
        (None, None) => {
            page.heading("values");
            page.text(Role::Text, "no value changes");
        }
    }
}

fn value(page: &mut Page, row: &Upgraded, change: &Change) {
    let prefix = format!("components.{}.values.", Segment::Key(row.component.clone()));
    let path = change.path.strip_prefix(&prefix).unwrap_or(&change.path);
    let sides = contrast::sides(change.left.as_ref(), change.right.as_ref());
    let [left, right] = sides.map(|side| side.unwrap_or_else(|| "(not set)".to_owned()));
    page.item(Role::Change, "~ ", &format!("{path} from {left} to {right}"));
}
