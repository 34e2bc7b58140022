//! Snapshots in columns: what is only in A, only in B, or differs; the worst first.

use super::{changes, groups, prelude::*, reading};
use crate::{
    diff::{
        Change, ChangeKind,
        inventory::node_texts,
        node_path, replaced,
        severity::{Broken, Severity},
        shapes,
    },
    inventory::Inventory,
    ops::diff::Drift,
    text::listed,
    workbench::{contrast, model::CompareView, widgets::table::text_columns},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

pub static PANE: Pane = Pane {
    name: "differences",
    screen: Screen::Compare,
    place: Place::NONE.short(column(1, 0)).four(column(1, 0)).all(column(1, 0)),
    needs: &[Need::Compare, Need::Cluster, Need::Cursor(&groups::PANE)],
    hints: &[Action::MoveDown, Action::NextThing, Action::DiffView, Action::Noise, Action::CompareWith, Action::Swap],
    build,
    count: |view| {
        let (_, drift) = view.model.compare.changes.answer()?;
        let shown = drift.changes.iter().filter(|change| view.model.compare.noise.shows(change)).count();
        Some(format!("{}~", text::thousands(shown))).filter(|count| count != "0~")
    },
    on: |view, action| match action {
        Action::Enter if view.row(&PANE)?.branch.is_some() => Some(Step::Fold),
        Action::Enter => Some(Step::Focus(&reading::PANE)),
        Action::Copy => Some(Step::Copy(view.selected(&PANE)?.name().to_owned())),
        _ => None,
    },
    ..Pane::BASE
};

/// Columns from which on a title has room for names and times of both sides.
const ROOM: usize = 70;
/// Nodes that a row names.
const NODES: usize = 3;
/// Broken constraints that stand above the differences.
const BROKEN: usize = 3;

/// One row: a reading, what it is on each side and how much that matters.
struct Line<'l> {
    change: &'l Change,
    severity: Severity,
    /// Of a third snapshot, where there is one.
    third: Option<&'l Option<Value>>,
}

/// The change of a path, from A to B or else from A to C.
pub(super) fn change_at<'d>(drift: &'d Drift, path: &str) -> Option<&'d Change> {
    let of = |changes: &'d [Change]| changes.iter().find(|change| change.path == path);
    of(&drift.changes).or_else(|| of(drift.third.as_deref().unwrap_or_default()))
}

/// What a third snapshot says where A and B say this.
pub(super) fn third<'d>(drift: &'d Drift, change: &'d Change) -> &'d Option<Value> {
    let other = drift.third.iter().flatten().find(|other| other.path == change.path);
    other.map_or(&change.left, |other| &other.right)
}

/// Whether a constraint that no longer holds is about this path.
pub(super) fn concerns(broken: &Broken, path: &str) -> bool {
    match node_path::parse(path) {
        Some((node, _)) => broken.nodes.iter().any(|name| name == node),
        None => broken.constraint == path,
    }
}

fn build(view: &View<'_>) -> Content {
    let compare = &view.model.compare;
    let Some((sides, drift)) = compare.changes.answer() else {
        return content(false, (String::new(), String::new()), Vec::new(), nothing(view));
    };
    let group = view.selected(&groups::PANE).and_then(RowId::named);
    let in_group = |path: &str| group.is_none_or(|group| groups::group_of(path) == group);
    let others: HashMap<&str, &Change> =
        drift.third.iter().flatten().map(|change| (change.path.as_str(), change)).collect();
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (change, severity) in drift.changes.iter().zip(&drift.severities) {
        if compare.noise.shows(change) && in_group(&change.path) {
            let value = others.get(change.path.as_str()).map_or(&change.left, |other| &other.right);
            lines.push(Line { change, severity: *severity, third: drift.third.as_ref().map(|_| value) });
        }
    }
    // What only the third one says otherwise.
    let known: BTreeSet<&str> = drift.changes.iter().map(|change| change.path.as_str()).collect();
    let only_third = drift.third.iter().flatten().filter(|change| !known.contains(change.path.as_str()));
    for change in only_third.filter(|change| compare.noise.shows(change) && in_group(&change.path)) {
        lines.push(Line { change, severity: Severity::Info, third: Some(&change.right) });
    }
    let count = lines.len();
    let has_third = drift.third.is_some();
    let rows = match compare.view {
        CompareView::Reading => lines.iter().map(|line| row(line, &line.change.path, 0, &known)).collect(),
        CompareView::Identity => by_identity(view, &lines, &known),
        CompareView::Shape => by_shape(view, &lines, &known),
    };
    let hidden = drift.changes.iter().filter(|change| !compare.noise.shows(change)).count();
    let noisy = match hidden {
        0 => String::new(),
        hidden => format!(", {} noisy hidden ({})", text::thousands(hidden), view.keys.key(Action::Noise)),
    };
    let differ = format!("{} differ", text::thousands(count));
    let mut note = format!("{differ}, {}{noisy}", compare.view.word());
    // Of three sides the last one is cut first, so times go before it.
    let timed = sides.with_times().title();
    let room = if has_third { text::width(&timed) + text::width(&note) + 4 } else { ROOM };
    let title = match view.width >= room {
        true => timed,
        false => sides.title_in(view.width.saturating_sub(text::width(&differ) + text::width(&noisy) + 4)),
    };
    // How the differences are listed is seen; what the sides are is not.
    if text::width(&title) + text::width(&note) + 4 > view.width {
        note = format!("{differ}{noisy}");
    }
    let mut says = match rows.is_empty() {
        true => Blank::Empty.says("✓ nothing differs"),
        false => Vec::new(),
    };
    says.extend(drift.broken.iter().take(BROKEN).map(|broken| (Role::Fail, format!("✗ breaks {}", broken.words()))));
    let more = drift.broken.len().saturating_sub(BROKEN);
    says.extend((more > 0).then(|| (Role::Fail, format!("✗ and {more} more constraints"))));
    let ordered = compare.view == CompareView::Identity;
    match is_narrow(view) {
        true => below_each_other(view, content(has_third, (title, note), rows, says)),
        false => Content { ordered, ..content(has_third, (title, note), rows, says) },
    }
}

/// Columns inside a panel that has the whole width of a frame of 100 columns.
const BESIDE: usize = 98;

/// Whether sides have no room beside each other. In a frame with a line for the criteria there are panels beside this one.
fn is_narrow(view: &View<'_>) -> bool {
    view.width < BESIDE && !view.names_criteria
}

/// Lines that a value takes at most.
const LINES: usize = 2;

/// One list: of each difference the sides below each other, each with its letter. What has no room goes on below.
fn below_each_other(view: &View<'_>, content: Content) -> Content {
    let names = if content.columns.len() > 3 { "A, B, C" } else { "A, B" };
    let columns = vec![Column::new("READING", 12, 32).name_like(), Column::new(names, 12, 24).grows()];
    let lettered = |row: &Row| -> Vec<Cell> {
        let sides = ["A", "B", "C"].into_iter().zip(&row.cells[1..]);
        sides.map(|(letter, side)| Cell::new(Role::Muted, format!("{letter}  ")).with(side)).collect()
    };
    let is_difference = |row: &Row| row.cells.len() > 2;
    // As wide as columns are for the longest of each.
    let mut table = super::Table::default();
    let longest = |row: &Row| {
        let side = lettered(row).into_iter().max_by_key(Cell::width).unwrap_or_default();
        Row { cells: vec![row.cells[0].clone(), side].into(), ..row.clone() }
    };
    let rows = content.rows.iter().filter(|row| is_difference(row)).map(longest).collect();
    table.set(Content { columns: columns.clone(), rows, headers: true, ..Content::default() });
    let widths = table.widths(u16::try_from(text_columns(view.width)).unwrap_or(u16::MAX));
    let [name_room, side_room] = [0, 1].map(|at| usize::from(widths.get(at).copied().unwrap_or(0)).max(1));
    let mut rows = Vec::with_capacity(2 * content.rows.len());
    for (index, row) in content.rows.into_iter().enumerate() {
        if !is_difference(&row) {
            rows.push(row);
            continue;
        }
        let indent = usize::from(row.depth) * 2;
        let mut names = row.cells[0].lines(name_room.saturating_sub(indent).max(1)).into_iter();
        let sides = lettered(&row).into_iter().flat_map(|side| {
            let mut lines = side.lines(side_room);
            let over = lines.split_off(lines.len().min(LINES));
            if let Some(last) = lines.last_mut() {
                *last = over.iter().fold(std::mem::take(last), |line, more| {
                    line.and(Role::Muted, format!(" {}", more.plain().trim()))
                });
            }
            lines
        });
        let lines: Vec<Cell> = sides.collect();
        for part in 0..lines.len().max(names.len()) {
            let name = names.next().unwrap_or_default();
            let cells = std::sync::Arc::new(vec![name, lines.get(part).cloned().unwrap_or_default()]);
            rows.push(match part {
                0 => Row { cells, ..row.clone() },
                _ => {
                    Row { cells, continues: true, depth: row.depth, ..Row::new(RowId::Piece(index, part), Vec::new()) }
                }
            });
        }
    }
    Content { columns, rows, ordered: true, whole_rows: true, ..content }
}

pub(super) fn nothing(view: &View<'_>) -> Vec<(Role, String)> {
    let compare = &view.model.compare;
    if let Some(failure) = &compare.changes.failure {
        return failed(view, failure);
    }
    if compare.changes.loading {
        return Blank::Loading.says("comparing …");
    }
    let keys = view.keys;
    let open = keys.command("open OTHER.yaml");
    if let Some(a) = compare.a.as_ref().filter(|_| view.model.compares_with_itself()) {
        let name = text::clean(&a.name);
        return vec![
            Blank::NotAsked.line(format!("A is {name}, and there is nothing yet to compare it with")),
            (Role::Muted, format!("{open} shows what it is compared with")),
        ];
    }
    let becomes = match view.model.cluster_now() {
        Some(_) if view.model.cluster.source.is_saved() => {
            "the shown moment as A; B is the cluster as it is now".to_owned()
        }
        None if view.model.cluster.source.is_saved() => format!("the shown file as A; {open} shows what B is"),
        _ => "the cluster as it is now as A; B is the cluster as it changes".to_owned(),
    };
    vec![
        Blank::NotAsked.line("this screen compares two or three snapshots"),
        (Role::Muted, format!("{} keeps {becomes}", keys.key(Action::CompareWith))),
        (
            Role::Muted,
            format!(
                "{} compares a file with the cluster, {} two kept snapshots",
                keys.command("compare before.yaml"),
                keys.command("compare @-1 @")
            ),
        ),
        (
            Role::Muted,
            "on the command line: aicr snapshot -o before.yaml; aicr snapshot -o after.yaml; \
             aicr diff before.yaml after.yaml"
                .to_owned(),
        ),
    ]
}

fn side(value: &Option<Value>, role: Role) -> Cell {
    said(value.as_ref().map(contrast::shown), role)
}

fn said(value: Option<String>, role: Role) -> Cell {
    match value {
        Some(value) => Cell::new(role, value),
        None => Cell::new(Role::Muted, "-"),
    }
}

/// What stands before a reading that matters more than others.
fn grade(severity: Severity) -> Cell {
    match severity {
        Severity::Critical => Cell::new(Role::Fail, "✗ "),
        Severity::Warning => Cell::new(Role::Warn, "! "),
        Severity::Info => Cell::default(),
    }
}

fn row(line: &Line<'_>, shown: &str, depth: u16, known: &BTreeSet<&str>) -> Row {
    let Line { change, severity, third } = line;
    let quiet = change.noise.is_some();
    let role = |role| if quiet { Role::Muted } else { role };
    // B is as A where only C differs.
    let is_same = !known.contains(change.path.as_str());
    let right = if is_same { &change.left } else { &change.right };
    let (marker, matters) = if is_same { (None, true) } else { (Some(changes::mark(change.kind)), !quiet) };
    let name = grade(*severity).and(role(Role::Text), shown);
    // Which node it took the place of, and how that is known.
    let name = match replaced::is_one(change) {
        true => name.and(Role::Muted, format!("  {}", change.cause)),
        false => name,
    };
    let [left, right] = contrast::sides(change.left.as_ref(), right.as_ref());
    let right = said(right, role(if is_same { Role::Text } else { Role::Add }));
    let mut cells = vec![name, said(left, role(Role::Remove)), right];
    cells.extend(third.map(|value| side(value, role(if *value == change.left { Role::Text } else { Role::Add }))));
    Row { marker, matters, depth, ..Row::new(&change.path, cells) }
}

/// Below what they are of: a node with what is built into it, or a measurement.
fn by_identity(view: &View<'_>, lines: &[Line<'_>], known: &BTreeSet<&str>) -> Vec<Row> {
    let mut owners: Vec<(String, Vec<&Line<'_>>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let owner = match node_path::parse(&line.change.path) {
            Some((node, _)) => node.to_owned(),
            None => groups::group_of(&line.change.path),
        };
        let at = *places.entry(owner.clone()).or_insert_with(|| {
            owners.push((owner, Vec::new()));
            owners.len() - 1
        });
        owners[at].1.push(line);
    }
    let mut rows = Vec::new();
    for (owner, lines) in owners {
        let of_node = node_path::parse(&lines[0].change.path);
        // A node that came or went is a row of its own.
        if let ([line], Some((_, ""))) = (&lines[..], of_node) {
            rows.push(row(line, &format!("node {owner}"), 0, known));
            continue;
        }
        let worst = lines.iter().map(|line| line.severity).min().unwrap_or(Severity::Info);
        let name = if of_node.is_some() { format!("node {owner}") } else { owner.clone() };
        let cell = grade(worst)
            .and(Role::Strong, name)
            .and(Role::Muted, format!("  {}", text::count(lines.len(), "difference")));
        rows.push(Row { branch: Some(true), ..Row::new(RowId::Cause(owner.clone()), vec![cell]) });
        match of_node.is_some().then(|| around(view, &owner, &lines)).flatten() {
            Some(all) => rows.extend(all.into_iter().map(|part| match part {
                Part::Differs(line) => {
                    let key = node_path::parse(&line.change.path).map_or("", |(_, key)| key);
                    row(line, key, 1, known)
                }
                Part::Same(key, value) => same_row(&owner, &key, &value, view),
            })),
            None => rows.extend(lines.into_iter().map(|line| {
                let path = line.change.path.as_str();
                let key = match node_path::parse(path) {
                    Some((_, key)) => key,
                    None => path.strip_prefix(owner.as_str()).map_or(path, |rest| rest.trim_start_matches('.')),
                };
                row(line, key, 1, known)
            })),
        }
    }
    rows
}

enum Part<'l> {
    Differs(&'l Line<'l>),
    Same(String, String),
}

/// Readings of a node that differ, with as many equal ones around them as the view asks for.
fn around<'l>(view: &View<'_>, name: &str, lines: &[&'l Line<'l>]) -> Option<Vec<Part<'l>>> {
    let compare = &view.model.compare;
    let texts = |snapshot: &Inventory| snapshot.node(name).map(|node| node_texts(node));
    let before = compare.a.as_ref().and_then(|side| texts(&side.snapshot)).filter(|_| compare.context > 0)?;
    let by_key: BTreeMap<&str, &&Line<'_>> =
        lines.iter().filter_map(|line| node_path::parse(&line.change.path).map(|(_, key)| (key, line))).collect();
    let keys: Vec<&str> =
        before.keys().map(String::as_str).chain(by_key.keys().copied()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut near = vec![false; keys.len()];
    for (at, key) in keys.iter().enumerate() {
        if by_key.contains_key(key) {
            let end = (at + compare.context + 1).min(keys.len());
            near[at.saturating_sub(compare.context)..end].fill(true);
        }
    }
    let part = |(key, _): (&str, bool)| match by_key.get(key) {
        Some(line) => Part::Differs(line),
        None => Part::Same(key.to_owned(), before.get(key).cloned().unwrap_or_default()),
    };
    Some(keys.into_iter().zip(near).filter(|(_, near)| *near).map(part).collect())
}

fn same_row(node: &str, key: &str, value: &str, view: &View<'_>) -> Row {
    let sides = if view.model.compare.c.is_some() { 3 } else { 2 };
    let quiet = |text: &str| Cell::new(Role::Muted, text);
    let cells = [quiet(key)].into_iter().chain((0..sides).map(|_| quiet(value))).collect();
    Row { depth: 1, ..Row::new(RowId::Constraint(format!("{node} {key}")), cells) }
}

/// Once for all nodes of a shape that changed alike.
fn by_shape(view: &View<'_>, lines: &[Line<'_>], known: &BTreeSet<&str>) -> Vec<Row> {
    let compare = &view.model.compare;
    let right = view.model.compared_with().map(|side| side.snapshot);
    let (Some(left), Some(right)) = (compare.a.as_ref().map(|side| &side.snapshot), right) else { return Vec::new() };
    // Nodes changed alike where all three snapshots say the same of them.
    let graded = lines.iter().map(|line| {
        let differs = known.contains(line.change.path.as_str());
        // Of a node that came or went, that it is there.
        let is_whole = node_path::parse(&line.change.path).is_some_and(|(_, key)| key.is_empty());
        let third = line.third.map(|value| if is_whole { there(value.is_some()) } else { value });
        (line.change, line.severity, (differs, third))
    });
    shapes::by_shape_and(graded, (left, &right))
        .into_iter()
        .map(|group| {
            let of = match group.nodes.len() {
                0 => String::new(),
                count => {
                    format!("  {} of {} ({})", text::count(count, "node"), group.shape, listed(&group.nodes, NODES))
                }
            };
            let path = match group.nodes.first() {
                Some(node) if group.key == "node" => node_path::whole(node),
                Some(node) => node_path::reading(node, &group.key),
                None => group.key.clone(),
            };
            // B is as A where only C differs.
            let (differs, third) = group.other;
            let (right, role) = if differs { (&group.right, Role::Add) } else { (&group.left, Role::Text) };
            let is_whole = third.is_some() && group.key == "node";
            let (left, right) = match is_whole {
                true => (there(group.kind != ChangeKind::Added), there(differs == (group.kind == ChangeKind::Added))),
                false => (&group.left, right),
            };
            let mut cells = vec![
                grade(group.severity).and(Role::Text, &group.key).and(Role::Muted, of),
                side(left, Role::Remove),
                side(right, role),
            ];
            cells.extend(third.map(|value| side(value, if value == left { Role::Text } else { Role::Add })));
            let marker = differs.then(|| changes::mark(group.kind));
            Row { marker, matters: true, ..Row::new(path, cells) }
        })
        .collect()
}

/// What a column says of a node as a whole.
fn there(is_there: bool) -> &'static Option<Value> {
    static SIDES: LazyLock<[Option<Value>; 2]> = LazyLock::new(|| [None, Some("there".into())]);
    &SIDES[usize::from(is_there)]
}

fn content(has_third: bool, (title, note): (String, String), rows: Vec<Row>, says: Vec<(Role, String)>) -> Content {
    let title = if title.is_empty() { "differences".to_owned() } else { title };
    let mut columns = vec![
        Column::new("READING", 16, 40).grows().name_like(),
        Column::new("A", 10, 34).list_like().side(),
        Column::new("B", 10, 34).list_like().side(),
    ];
    if has_third {
        columns.push(Column::new("C", 10, 34).list_like().side());
    }
    Content { title, note, columns, says, rows, headers: true, ..Content::default() }
}
