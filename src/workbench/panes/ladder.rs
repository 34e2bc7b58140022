//! Who set the selected value: every layer that spoke or could have, winner first.

use super::{Table, prelude::*, values};
use crate::{
    constraint::Verdict,
    diff::standing::{self, Standing},
    document::traced::{Traced, TracedValue},
    resolve::explain::{self, Rung},
    workbench::{
        contrast,
        excerpt::{self, Excerpt},
        widgets::table::text_columns,
    },
};
use std::collections::BTreeMap;

pub static PANE: Pane = Pane {
    name: "ladder",
    screen: Screen::Recipe,
    place: Place::NONE
        .detail(9)
        .short(column(1, 0).row(1).part(1, 2).at_most(9))
        .four(column(1, 0).row(1).lines(13))
        .all(column(2, 64)),
    needs: &[Need::Cluster, Need::Recipe, Need::WhatIf, Need::Cursor(&values::PANE), Need::Look],
    hints: &[Action::MoveDown, Action::GoDefinition, Action::Copy, Action::ZoomFull],
    build,
    on: |view, action| match action {
        Action::Enter | Action::GoDefinition => Some(definition(view)),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let path = values::path_of(view);
    let found = view
        .model
        .recipe
        .value
        .as_ref()
        .zip(path)
        .and_then(|(resolution, path)| Some((resolution, path, values::traced_at(resolution, path)?)));
    let Some((resolution, path, traced)) = found else {
        return Content {
            title: "ladder: who set this value".to_owned(),
            says: Blank::Empty.says("no value is selected"),
            ..Content::default()
        };
    };
    let rungs = explain::ladder(resolution, traced);
    let spoke = rungs.iter().filter(|rung| rung.value.is_some()).count();
    let mut parts = BTreeMap::new();
    if spoke == 0 {
        count_parts(traced, &mut parts);
    }
    let is_wide = view.table().wide;
    let mut rows: Vec<Row> = Vec::new();
    for (place, rung) in rungs.iter().enumerate() {
        let wins = place == 0 && rung.value.is_some();
        let role = if rung.value.is_some() { Role::layer(rung.layer) } else { Role::Muted };
        let value = match &rung.value {
            Some(value) => Cell::new(if wins { Role::Strong } else { Role::Text }, contrast::shown(value)),
            None => match parts.get(&rung.layer) {
                Some(count) => Cell::new(Role::Text, format!("(sets {})", text::count(*count, "value"))),
                None => Cell::new(Role::Muted, "(not set)"),
            },
        };
        let note = match (wins, rung.hidden_by) {
            (true, _) => Cell::new(Role::Ok, "wins"),
            (_, Some(by)) => Cell::new(Role::Muted, format!("hidden by {}", values::sign(resolution, by))),
            _ => Cell::default(),
        };
        // Where a layer wrote nothing, what let it in is all that there is to say.
        let criteria = || Cell::new(Role::Muted, &rung.criteria);
        let at = match &rung.value {
            None if !is_wide => criteria(),
            _ => Cell::new(Role::Muted, place_of(&rung.at)).leading_to(file_of(view, parts_of(&rung.at).0)),
        };
        rows.push(Row {
            marker: wins.then_some((Role::Run, "»")),
            ..Row::new(
                RowId::Rung(place),
                vec![
                    Cell::new(role, values::sign(resolution, rung.layer)),
                    Cell::new(role, values::short(&rung.layer_name)),
                    value,
                    note,
                    at,
                    if rung.criteria.is_empty() { Cell::new(Role::Muted, "-") } else { criteria() },
                ],
            )
        });
    }
    let mut says: Vec<(Role, String)> = stale(view).into_iter().collect();
    says.extend(what_if(view, path));
    if spoke > 0 {
        says.extend(sentence(&rungs));
    } else if !parts.is_empty() {
        let several = if parts.len() == 1 { "one layer" } else { "several layers" };
        says.push((Role::Muted, format!("{several} built this; go in to see who set which part")));
    }
    says.extend(merged(traced, |parent| values::traced_at(resolution, parent), path));
    let snapshot = view.model.cluster.snapshot.as_deref();
    says.extend(standing_lines(&standing::of(&resolution.document, snapshot, path)));
    let mut content = Content {
        title: format!("ladder {path}"),
        note: if spoke > 0 { format!("{spoke} of {}", rungs.len()) } else { String::new() },
        columns: vec![
            // Not to the right: lines that go on begin at the left.
            Column::new("#", 2, 2),
            Column::new("LAYER", 12, 20).name_like(),
            Column::new("VALUE", 8, 10).grows(),
            Column::new("", 11, 11),
            Column::new(if is_wide { WRITTEN } else { WRITTEN_OR_FOR }, 16, 60).name_like().priority(1),
            Column::new("CRITERIA", 8, 40).wide().priority(3),
        ],
        rows,
        says,
        headers: true,
        ordered: true,
        ..Content::default()
    };
    let columns = text_columns(view.width);
    let said: usize = content.says.iter().map(|(_, said)| text::wrap(&text::clean(said), columns).len()).sum();
    // One line is that of the headers.
    let mut left = view.height.saturating_sub(said + 1 + content.rows.len());
    if !is_wide {
        go_on(view, &mut content, &rungs, &mut left);
    }
    if spoke > 0 {
        content.rows.extend(source_rows(view, traced, columns, left));
    }
    content
}

/// The columns of what a layer wrote where; without a column of their own, criteria are there where it wrote nothing.
const WRITTEN: &str = "WRITTEN AT";
const WRITTEN_OR_FOR: &str = "WRITTEN AT / FOR";
/// The place of that column.
const AT: usize = 4;

/// What has no room in its row has a line of its own below it while there are lines: first what would be cut, then the criteria of
/// layers that wrote something.
fn go_on(view: &View<'_>, content: &mut Content, rungs: &[Rung], left: &mut usize) {
    let columns = text_columns(view.width);
    let mut table = Table::default();
    table.set(content.clone());
    let widths = table.widths(u16::try_from(columns).unwrap_or(u16::MAX));
    let room = |row: &Row| usize::from(table.reach(row, AT, &table.widths_of_row(row, &widths)));
    let is_cut: Vec<bool> = content.rows.iter().map(|row| row.cells[AT].width() > room(row)).collect();
    let mut take = |wanted: bool| {
        let takes = wanted && *left > 0;
        *left -= usize::from(takes);
        takes
    };
    let moved: Vec<bool> = is_cut.into_iter().map(&mut take).collect();
    let has_criteria = |rung: &Rung| rung.value.is_some() && !rung.criteria.is_empty();
    let named: Vec<bool> = rungs.iter().map(|rung| take(has_criteria(rung))).collect();
    let rows = std::mem::take(&mut content.rows);
    let below = |place: usize, part: usize, cell: Cell| Row {
        continues: true,
        ..Row::new(RowId::Piece(place, part), vec![Cell::text(INDENT).with(&cell)])
    };
    for (place, row) in rows.into_iter().enumerate() {
        let mut cells = row.cells.to_vec();
        let at = moved[place].then(|| std::mem::take(&mut cells[AT]));
        content.rows.push(Row { cells: cells.into(), ..row });
        content.rows.extend(at.map(|at| {
            let row = below(place, 1, at);
            let target = file_of(view, parts_of(&rungs[place].at).0);
            let cells = row.cells.iter().map(|cell| cell.clone().leading_to(target.clone())).collect::<Vec<_>>();
            Row { cells: cells.into(), ..row }
        }));
        content.rows.extend(named[place].then(|| below(place, 2, Cell::new(Role::Muted, &rungs[place].criteria))));
    }
}

/// Before what goes on below its layer.
const INDENT: &str = "    ";

/// What the value would be with the criteria of what-if, and by which layer; nothing where it would be the same.
fn what_if(view: &View<'_>, path: &str) -> Option<(Role, String)> {
    let what_if = view.model.what_if.as_ref()?;
    let then = what_if.resolution.value.as_ref().filter(|_| !what_if.changes.loading)?;
    what_if.changes.value.as_ref()?.iter().find(|change| change.path == path)?;
    let said = match values::traced_at(then, path) {
        Some(traced) => sentence(&explain::ladder(then, traced))
            .map_or_else(|| contrast::shown(&traced.to_value()), |(_, said)| said),
        None => "not set".to_owned(),
    };
    Some((Role::Change, format!("what-if  {said}")))
}

/// Why the value is what it is: `false, because kind (service=kind) at overlays/kind.yaml:15 hides true of …`.
fn sentence(rungs: &[Rung]) -> Option<(Role, String)> {
    let (winner, rest) = rungs.split_first()?;
    let shown = |rung: &Rung| rung.value.as_ref().map(contrast::shown);
    let named = |rung: &Rung| {
        let place = place_of(&rung.at);
        let criteria = if rung.criteria.is_empty() { String::new() } else { format!(" ({})", rung.criteria) };
        // A file of values is called by its place.
        match place.starts_with(&rung.layer_name) {
            true => place,
            false if place.is_empty() => format!("{}{criteria}", rung.layer_name),
            false => format!("{}{criteria} at {place}", rung.layer_name),
        }
    };
    let hidden: Vec<String> =
        rest.iter().filter_map(|rung| Some(format!("{} of {}", shown(rung)?, named(rung)))).collect();
    let value = match &winner.value {
        Some(serde_json::Value::Null) => "removed".to_owned(),
        _ => shown(winner)?,
    };
    let over = if hidden.is_empty() { String::new() } else { format!(" hides {}", hidden.join(" and ")) };
    let because = if hidden.is_empty() { "set by" } else { "because" };
    Some((Role::Text, format!("{value}, {because} {}{over}", named(winner))))
}

/// How the layers came together in a list: in the selected one, or in the one that the selected value is an entry of.
fn merged<'t>(traced: &'t Traced, at: impl Fn(&str) -> Option<&'t Traced>, path: &str) -> Option<(Role, String)> {
    let (list, what) = match (&traced.value, path.rfind('[')) {
        (TracedValue::List(_), _) => (traced, "list"),
        // A path below an entry is of the entry, not of the list.
        (_, Some(from)) if path.ends_with(']') => (at(&path[..from])?, "entry of a list"),
        _ => return None,
    };
    let TracedValue::List(items) = &list.value else { return None };
    let is_named = || items.iter().all(|item| item.get("name").is_some()) && !items.is_empty();
    let how = match list.history.last() {
        Some(_) if list.history.len() > 1 => "that replaced those of lower layers",
        Some(_) => "of one layer; a higher one would replace it",
        None if is_named() => "merged by name",
        None => "that layers append to",
    };
    Some((Role::Muted, format!("{what} {how}")))
}

/// Which constraints speak about the value, whether the cluster meets them, and what runs in its place.
fn standing_lines(standing: &Standing) -> Vec<(Role, String)> {
    let nodes = |verdict: &Verdict| verdict.nodes().map_or_else(String::new, |nodes| format!(", {}", nodes.words()));
    let rule = |rule: &standing::Rule| {
        let of = rule.phase.as_ref().map_or_else(String::new, |phase| format!(" ({phase})"));
        let (role, said) = match &rule.verdict {
            Verdict::Pass { actual, .. } => (Role::Ok, format!("✓ met by {actual}")),
            Verdict::Fail { actual, .. } => (Role::Fail, format!("✗ not met by {actual}")),
            Verdict::Unknown { reason, .. } => (Role::Muted, format!("not known: {reason}")),
        };
        let spread = if matches!(rule.verdict, Verdict::Unknown { .. }) { String::new() } else { nodes(&rule.verdict) };
        (role, format!("constraint  {} {}{of}  {said}{spread}", rule.name, rule.expected))
    };
    let running = |running: &standing::Running| {
        let (role, said) = match &running.verdict {
            Verdict::Pass { actual, .. } => (Role::Ok, format!("✓ {actual}, the same")),
            Verdict::Fail { actual, .. } => (Role::Change, format!("~ {actual}, which differs")),
            Verdict::Unknown { actual, reason, .. } => (Role::Muted, actual.clone().unwrap_or_else(|| reason.clone())),
        };
        (role, format!("cluster  {}: {said}{}", running.place, nodes(&running.verdict)))
    };
    standing.rules.iter().map(rule).chain(standing.running.iter().map(running)).collect()
}

/// The section of the lines that set the value.
const SOURCE: &str = "source";

/// The lines that set the value, as they are written, in as many lines as are left; the winner first.
fn source_rows(view: &View<'_>, traced: &Traced, columns: usize, left: usize) -> Vec<Row> {
    let Some(catalog) = &view.model.catalog.value else { return Vec::new() };
    let origins = traced.history.iter().rev().enumerate();
    let (places, excerpts): (Vec<usize>, Vec<Excerpt<'_>>) =
        origins.filter_map(|(place, origin)| Some((place, Excerpt::of(catalog, origin, relative)?))).unzip();
    // One line parts them from the layers.
    let parts = excerpt::shown(&excerpts, left.saturating_sub(1), columns);
    let row = |place: usize, cell| Row::new(RowId::Line(SOURCE, place), vec![cell]);
    let mut rows = Vec::new();
    for (place, part) in places.into_iter().zip(parts) {
        if rows.is_empty() {
            rows.push(Row { continues: true, ..Row::new(RowId::Piece(usize::MAX, 0), vec![Cell::default()]) });
        }
        for (line, cell) in part.into_iter().enumerate() {
            rows.push(match line {
                0 => row(place, cell),
                _ => Row { continues: true, ..Row::new(RowId::Piece(SOURCES + place, line), vec![cell]) },
            });
        }
    }
    rows
}

/// Pieces of sources are counted from here, those of layers from 0.
const SOURCES: usize = 1 << 20;

/// A file without the folder that all of them are in.
fn relative(file: &str) -> &str {
    file.strip_prefix("catalog/").unwrap_or(file)
}

/// File and line of `catalog/overlays/kind.yaml:15:27`: the column is what an editor needs, not a person.
fn parts_of(at: &str) -> (&str, Option<&str>) {
    let mut parts = at.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let is_number = |text: Option<&str>| text.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match file.filter(|_| is_number(column) && is_number(line)) {
        Some(file) => (file, line),
        None => (at, None),
    }
}

/// `overlays/kind.yaml:15` of `catalog/overlays/kind.yaml:15:27`.
fn place_of(at: &str) -> String {
    match parts_of(at) {
        (file, Some(line)) => format!("{}:{line}", relative(file)),
        (file, None) => relative(file).to_owned(),
    }
}

/// How many values of a group each layer has set.
fn count_parts(traced: &Traced, parts: &mut BTreeMap<usize, usize>) {
    if let Some(origin) = traced.history.last() {
        *parts.entry(origin.layer).or_default() += 1;
        return;
    }
    match &traced.value {
        TracedValue::Map(entries) => entries.iter().for_each(|(_, child)| count_parts(child, parts)),
        TracedValue::List(items) => items.iter().for_each(|item| count_parts(item, parts)),
        TracedValue::Scalar(_) => {}
    }
}

/// The line that the layer under the cursor wrote.
fn definition(view: &View<'_>) -> Step {
    let origin = || {
        let resolution = view.model.recipe.value.as_ref()?;
        let traced = values::traced_at(resolution, values::path_of(view)?)?;
        let place = match view.selected(&PANE)? {
            RowId::Line(SOURCE, place) => return traced.history.iter().rev().nth(*place),
            RowId::Piece(place, _) if *place >= SOURCES => return traced.history.iter().rev().nth(place - SOURCES),
            // What a layer has no room for has a line of its own below it.
            RowId::Rung(place) | RowId::Piece(place, _) => place,
            _ => return None,
        };
        let rungs = explain::ladder(resolution, traced);
        let rung = rungs.get(*place).filter(|rung| rung.value.is_some())?;
        traced.history.iter().rev().find(|origin| origin.layer == rung.layer)
    };
    origin().map_or_else(|| Step::Say("this layer does not set the value".to_owned()), values::source)
}
