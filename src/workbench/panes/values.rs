//! The resolved document as a tree in source order, with who set each value.

use super::{ladder, prelude::*, stack};
use crate::{
    criteria::{Criteria, Dimension},
    diff::{Change, ChangeKind},
    document::{
        selector::{self, Segment},
        traced::{LayerKind, Origin, Traced, TracedValue, Wrote},
    },
    resolve::Resolution,
    workbench::{contrast, model::KEPT},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

pub static PANE: Pane = Pane {
    name: "resolved values",
    screen: Screen::Recipe,
    place: Place::NONE.short(column(1, 0)).four(column(1, 0)).all(column(1, 0)),
    needs: &[Need::Recipe, Need::WhatIf, Need::Look],
    hints: &[Action::MoveDown, Action::Right, Action::GoDefinition, Action::WhatIf, Action::NextThing, Action::Blame],
    build,
    on: |view, action| match action {
        Action::Enter if view.row(&PANE)?.branch.is_some() => Some(Step::Fold),
        Action::Enter => Some(Step::Focus(&ladder::PANE)),
        Action::Copy => Some(Step::Copy(path_of(view)?.to_owned())),
        Action::GoDefinition => Some(definition(view, path_of(view)?)),
        _ => None,
    },
    ..Pane::BASE
};

fn build(view: &View<'_>) -> Content {
    let Some(resolution) = &view.model.recipe.value else {
        return Content { title: "resolved values".to_owned(), says: stack::no_recipe(view), ..Content::default() };
    };
    let changes = view.model.what_if.as_ref().and_then(|what_if| what_if.changes.value.as_ref());
    let changed: HashMap<&str, &Change> =
        changes.into_iter().flat_map(|list| list.iter().map(|change| (&*change.path, change))).collect();
    let owned = owned(resolution);
    let mut tree = Tree { resolution, owned, changed, what_if: changes.is_some(), rows: Vec::new(), values: 0 };
    let kept = || view.model.kept.iter().map(|kept| kept.value().map(|resolution| &resolution.document));
    if let TracedValue::Map(entries) = &resolution.document.value {
        let mut entries: Vec<_> = entries.iter().collect();
        // What a person came for stands first; what the resolver says about itself last.
        entries.sort_by_key(|(key, _)| FIRST.iter().position(|first| *first == &**key).unwrap_or(FIRST.len()));
        for (key, child) in entries {
            let others: Vec<Option<&Traced>> = kept().map(|document| document?.get(key)).collect();
            tree.add(Segment::Key(key.to_string()).to_string(), key, child, &others, 0);
        }
    }
    let mut columns = vec![Column::new("NAME", 18, 32).name_like(), Column::new("VALUE", 12, 24).grows()];
    columns.extend(KEPT_NAMES.iter().take(view.model.kept.len()).map(|name| Column::new(name, 8, 22)));
    if view.blame {
        columns.push(Column::new("SET BY", 16, 44).list_like());
    }
    let mut note = match changes {
        Some(changes) => {
            // What comes has no row to be shown in.
            let new = changes.iter().filter(|change| change.kind == ChangeKind::Added).count();
            let new = if new > 0 { format!(", {new} of them new") } else { String::new() };
            format!("{} changed by what-if{new}", changes.len())
        }
        None => text::count(tree.values, "value"),
    };
    for (name, kept) in KEPT_NAMES.iter().zip(&view.model.kept) {
        let more = kept.value().map_or(0, |kept| missing(Some(&resolution.document), &kept.document));
        let more = if more > 0 { format!(" +{more}") } else { String::new() };
        let old = if kept.resolution.failure.is_some() { " (from before the cluster changed)" } else { "" };
        note += &format!("  {name} {}{more}{old}", differing(view.model.criteria(), &kept.criteria));
    }
    Content {
        title: match view.names_criteria {
            true => "resolved values".to_owned(),
            false => format!("values for {}", view.model.criteria()),
        },
        note,
        columns,
        rows: tree.rows,
        says: stale(view).into_iter().collect(),
        headers: true,
        ordered: true,
        ..Content::default()
    }
}

/// Sections in the order of interest; others follow in source order.
const FIRST: [&str; 4] = ["components", "constraints", "validation", "deploymentOrder"];

/// What the columns of kept what-ifs are called.
const KEPT_NAMES: [&str; KEPT] = ["A", "B", "C"];

/// The criteria that differ from the current ones.
fn differing(now: &Criteria, kept: &Criteria) -> String {
    let differ = Dimension::ALL.into_iter().filter(|dimension| now.get(*dimension) != kept.get(*dimension));
    let word = |dimension: Dimension| kept.get(dimension).unwrap_or_else(|| "any".to_owned());
    let mut words: Vec<String> = differ.map(|dimension| format!("{}={}", dimension.name(), word(dimension))).collect();
    if now.profile != kept.profile {
        words.push(kept.profile.as_ref().map_or_else(|| "default profile".to_owned(), ToString::to_string));
    }
    if now.configuration != kept.configuration {
        let decided = kept.configuration.to_string();
        words.push(if decided.is_empty() { "no settings".to_owned() } else { decided });
    }
    words.join(" ")
}

/// Values of another document that this one has no row for.
fn missing(here: Option<&Traced>, other: &Traced) -> usize {
    match &other.value {
        TracedValue::Map(entries) if !entries.is_empty() => {
            entries.iter().map(|(key, child)| missing(here.and_then(|here| here.get(key)), child)).sum()
        }
        TracedValue::List(items) => {
            let item = |index, item: &Traced| usize::from(here.is_none_or(|here| element(here, item, index).is_none()));
            items.iter().enumerate().map(|(index, child)| item(index, child)).sum()
        }
        _ => usize::from(here.is_none()),
    }
}

/// The element of a list that stands for one of another list: by name, else by place.
fn element<'r>(list: &'r Traced, other: &Traced, index: usize) -> Option<&'r Traced> {
    let TracedValue::List(items) = &list.value else { return None };
    match list_name(other) {
        Some(name) => items.iter().find(|item| list_name(item) == Some(name)),
        None => items.get(index),
    }
}

/// Paths that the profile of the recipe owns: nobody may change these.
fn owned(resolution: &Resolution) -> HashSet<String> {
    let selected = resolution.recipe.selected_profile.iter();
    let paths = selected.flat_map(|selected| &selected.owned_paths).flat_map(|(component, paths)| {
        paths.iter().map(move |path| ["components", component, "values"].into_iter().chain(path.split('.')))
    });
    let selector = |keys: &mut dyn Iterator<Item = &str>| {
        keys.map(|key| Segment::Key(key.to_owned()).to_string()).collect::<Vec<_>>().join(".")
    };
    paths.map(|mut keys| selector(&mut keys)).collect()
}

struct Tree<'r> {
    resolution: &'r Resolution,
    owned: HashSet<String>,
    changed: HashMap<&'r str, &'r Change>,
    what_if: bool,
    rows: Vec<Row>,
    values: usize,
}

impl Tree<'_> {
    /// `kept` is the same value in each saved what-if. Returns for each whether anything in here differs.
    fn add(&mut self, path: String, name: &str, traced: &Traced, kept: &[Option<&Traced>], depth: u16) -> Vec<bool> {
        let at = self.rows.len();
        let open = depth == 0 && FIRST[..3].contains(&name);
        let (value, branch) = match &traced.value {
            TracedValue::Scalar(value) => {
                self.values += 1;
                (Cell::text(scalar(value)), None)
            }
            TracedValue::List(items) if items.is_empty() => (Cell::new(Role::Muted, "[]"), None),
            TracedValue::Map(entries) if entries.is_empty() => (Cell::new(Role::Muted, "{}"), None),
            TracedValue::List(items) => (Cell::new(Role::Muted, text::count(items.len(), "item")), Some(open)),
            TracedValue::Map(entries) => {
                (Cell::new(Role::Muted, text::count_of(entries.len(), "entry", "entries")), Some(open))
            }
        };
        let locked = self.owned.contains(&path);
        let name_role = if branch.is_some() && depth < 2 { Role::Strong } else { Role::Text };
        let named = Cell::new(name_role, name);
        // A cell of several parts is cut at its end, so there is a second part only where it says something.
        let named = if locked { named.and(Role::Muted, " (profile)") } else { named };
        self.rows.push(Row { depth, branch, ..Row::new(&path, vec![named, value, Cell::default()]) });
        let mut differ: Vec<bool> = kept
            .iter()
            .map(|other| other.is_none_or(|other| branch.is_none() && other.to_value() != traced.to_value()))
            .collect();
        let below = |differ: &mut Vec<bool>, child: Vec<bool>| {
            differ.iter_mut().zip(child).for_each(|(differ, child)| *differ |= child);
        };
        match &traced.value {
            TracedValue::Map(entries) => {
                for (key, child) in entries {
                    let segment = Segment::Key(key.to_string());
                    let kept: Vec<_> = kept.iter().map(|other| other.and_then(|other| other.get(key))).collect();
                    let child = self.add(format!("{path}.{segment}"), key, child, &kept, depth + 1);
                    below(&mut differ, child);
                }
            }
            TracedValue::List(items) => {
                // As the diff names elements, so that what-if changes meet their rows.
                let named = items.iter().all(|item| list_name(item).is_some());
                for (index, item) in items.iter().enumerate() {
                    let segment = match list_name(item) {
                        Some(name) if named => format!("[name={name}]"),
                        _ => format!("[{index}]"),
                    };
                    let name = list_name(item).map_or_else(|| format!("[{index}]"), |name| format!("[{index}] {name}"));
                    let kept: Vec<_> =
                        kept.iter().map(|other| other.and_then(|other| element(other, item, index))).collect();
                    let child = self.add(format!("{path}{segment}"), &name, item, &kept, depth + 1);
                    below(&mut differ, child);
                }
            }
            TracedValue::Scalar(_) => {}
        }
        let change = self.changed.get(path.as_str());
        let changed_here = change.is_some();
        let changed_below = branch.is_some() && self.rows[at + 1..].iter().any(|row| row.matters);
        let row = &mut self.rows[at];
        let cells = Arc::make_mut(&mut row.cells);
        cells.pop();
        if let (Some(change), Some(value)) = (change, cells.last_mut()) {
            let [_, then] = contrast::sides(change.left.as_ref(), change.right.as_ref());
            let then = then.unwrap_or_else(|| "not set".to_owned());
            *value = std::mem::take(value).becoming(Role::Change, then);
        }
        cells.extend(kept.iter().zip(&differ).map(|(other, differs)| kept_cell(*other, *differs)));
        cells.push(set_by(self.resolution, traced));
        if is_changed(traced) {
            row.also = Some(OVERRIDDEN.into());
        }
        if self.what_if {
            row.matters = changed_here;
            row.marker =
                (changed_here || changed_below).then_some((Role::Change, if changed_here { "~" } else { "·" }));
        } else if branch.is_none() {
            let hides = is_changed(traced);
            row.matters = hides;
            row.marker = match traced.history.last().map(|origin| &origin.wrote) {
                Some(Wrote::Removed) => Some((Role::Remove, "-")),
                Some(Wrote::Appended) => Some((Role::Add, "+")),
                _ if hides => Some((Role::Change, "~")),
                // What the registry fills in where no layer says anything.
                _ if is_default(self.resolution, traced) => Some((Role::Muted, "·")),
                _ => None,
            };
        }
        differ
    }
}

/// What a filter finds values by that hide one of a lower layer.
const OVERRIDDEN: &str = "overridden";

/// Whether a layer made it something else than a lower one did: what is said again is no change.
fn is_changed(traced: &Traced) -> bool {
    let Some((last, lower)) = traced.history.split_last() else { return false };
    match &last.wrote {
        Wrote::Set(value) => lower.iter().any(|origin| !matches!(&origin.wrote, Wrote::Set(other) if other == value)),
        Wrote::Appended | Wrote::Removed => !lower.is_empty(),
    }
}

/// Whether nobody but the registry said anything.
fn is_default(resolution: &Resolution, traced: &Traced) -> bool {
    let layer = traced.history.last().and_then(|origin| resolution.layers.get(origin.layer));
    layer.is_some_and(|layer| layer.kind == LayerKind::RegistryDefault)
}

/// What a kept recipe has in the place of a value: nothing is said where it is the same.
fn kept_cell(other: Option<&Traced>, differs: bool) -> Cell {
    match other.map(|other| &other.value) {
        _ if !differs => Cell::default(),
        None => Cell::new(Role::Remove, "-"),
        Some(TracedValue::Scalar(value)) => Cell::new(Role::Change, scalar(value)),
        Some(TracedValue::List(items)) if items.is_empty() => Cell::new(Role::Change, "[]"),
        Some(TracedValue::Map(entries)) if entries.is_empty() => Cell::new(Role::Change, "{}"),
        Some(_) => Cell::new(Role::Change, "~"),
    }
}

/// What tells a list element apart, where it has a name.
fn list_name(item: &Traced) -> Option<&str> {
    item.get("name").and_then(Traced::as_text)
}

fn scalar(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.lines().next().map_or(String::new(), |first| {
            if text.lines().count() > 1 { format!("{first} …") } else { first.to_owned() }
        }),
        other => other.to_string(),
    }
}

fn set_by(resolution: &Resolution, traced: &Traced) -> Cell {
    let layer = |index: usize| resolution.layers.get(index);
    if let Some(origin) = traced.history.last() {
        let name = layer(origin.layer).map_or("", |layer| layer.name.as_str());
        return Cell::new(Role::layer(origin.layer), format!("{} {}", sign(resolution, origin.layer), short(name)));
    }
    let mut layers = BTreeSet::new();
    collect(traced, &mut layers);
    match layers.len() {
        0 => Cell::new(Role::Muted, "computed"),
        1 => {
            let index = layers.first().copied().unwrap_or_default();
            let name = layer(index).map_or("", |layer| layer.name.as_str());
            Cell::new(Role::layer(index), format!("{} {}", sign(resolution, index), short(name)))
        }
        _ => {
            let mut list: Vec<String> = layers.iter().map(|layer| sign(resolution, *layer)).collect();
            // Files of values are one layer of the stack, however many there are.
            list.dedup();
            Cell::new(Role::Muted, format!("mixed: {}", list.join(" ")))
        }
    }
}

/// What a layer is called by in a narrow column: its place in the stack, or `v` for files of values, which all others lie
/// on.
pub(super) fn sign(resolution: &Resolution, layer: usize) -> String {
    match resolution.layers.get(layer).map(|layer| layer.kind) {
        Some(LayerKind::ValuesFile) => "v".to_owned(),
        _ => layer.to_string(),
    }
}

/// Files of values are called by their own name: the row says of which component they are, and the ladder where.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("components/").and_then(|path| path.rsplit('/').next()).unwrap_or(name)
}

fn collect(traced: &Traced, layers: &mut BTreeSet<usize>) {
    if let Some(origin) = traced.history.last() {
        layers.insert(origin.layer);
    }
    match &traced.value {
        TracedValue::Map(entries) => entries.iter().for_each(|(_, child)| collect(child, layers)),
        TracedValue::List(items) => items.iter().for_each(|item| collect(item, layers)),
        TracedValue::Scalar(_) => {}
    }
}

/// The selector under the cursor.
pub(super) fn path_of<'s>(view: &View<'s>) -> Option<&'s str> {
    view.selected(&PANE)?.named()
}

/// The line that set the value at a path.
pub(super) fn definition(view: &View<'_>, path: &str) -> Step {
    let resolution = view.model.recipe.value.as_ref();
    let origin = resolution.and_then(|resolution| traced_at(resolution, path)?.origin());
    origin.map_or_else(|| Step::Say("computed by the resolver, not set in a file".to_owned()), source)
}

/// The file and line where a layer wrote.
pub(super) fn source(origin: &Origin) -> Step {
    Step::Source { file: origin.file.to_string(), line: origin.at.line }
}

/// The value that a row's path names.
pub(super) fn traced_at<'r>(resolution: &'r Resolution, path: &str) -> Option<&'r Traced> {
    at(&resolution.document, path)
}

/// The value of a document that a path names.
pub(super) fn at<'r>(document: &'r Traced, path: &str) -> Option<&'r Traced> {
    let selector = selector::parse(path).ok()?;
    selector::find(document, &selector).ok()?.pop().map(|(_, traced)| traced)
}
