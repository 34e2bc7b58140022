//! Compare two snapshots, two recipes, or a recipe with what a cluster runs.

use super::{
    Failure, Kind,
    recipe::{catalog_failure, resolve_failure},
};
use crate::{
    bundle,
    catalog::{Catalog, parse::Document},
    cluster::{
        Connection,
        releases::{self, Revision},
    },
    diff::{
        self, Change, ChangeKind, causes,
        effects::{self, Effect},
        noise::{self, Rule, Shown},
        observed::{Contents, Observed},
        severity::{self, Broken, Grades, Severity},
        text::{self, Row},
    },
    document::{
        side::Side,
        traced::{Layer, LayerKind, Origin, Traced, Wrote},
    },
    inventory::{Inventory, release::Release},
    recipe::{Recipe, format},
    resolve::{self, Options},
    yaml::Position,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// What aligning two texts may take; then the rest of them is shown as it is.
const ALIGNING: Duration = Duration::from_secs(5);

/// Differences with what is needed to show them.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What was compared, as named by a person.
    pub left: String,
    pub right: String,
    /// Noise included; it is marked.
    pub changes: Vec<Change>,
    /// What could not be compared, one line each.
    pub notes: Vec<String>,
    /// Of two snapshots: constraints that held on the left and do not on the right.
    pub broken: Vec<Broken>,
    /// How much each change matters, in their order; empty where nothing graded them.
    pub severities: Vec<Severity>,
    /// Of two recipes: what the changes come to.
    pub effects: Vec<Effect>,
}

impl Comparison {
    fn new(left: &str, right: &str, changes: Vec<Change>, notes: Vec<String>) -> Comparison {
        let (left, right) = (left.to_owned(), right.to_owned());
        Comparison { left, right, changes, notes, broken: Vec::new(), severities: Vec::new(), effects: Vec::new() }
    }

    /// Changes that are shown: without what the rules on noise hide.
    pub fn shown<'c>(&'c self, shown: &'c Shown) -> impl Iterator<Item = &'c Change> {
        self.graded(shown).map(|(change, _)| change)
    }

    /// The same, each with its severity.
    pub fn graded<'c>(&'c self, shown: &'c Shown) -> impl Iterator<Item = (&'c Change, Severity)> {
        let severity = |at: usize| self.severities.get(at).copied().unwrap_or(Severity::Info);
        let all = self.changes.iter().enumerate().map(move |(at, change)| (change, severity(at)));
        all.filter(move |(change, _)| shown.shows(change))
    }

    /// How many changes each rule on noise hides.
    pub fn hidden(&self, shown: &Shown) -> Vec<(&'static Rule, usize)> {
        noise::hidden(&self.changes, shown)
    }

    /// The reference's drift document: sources, changes, summary; ours is `notCompared`, where there is such a thing.
    ///
    /// Moves count as modified. How much the rules on noise hide stands in the summary.
    pub fn to_value(&self, shown: &Shown) -> Value {
        let kind = |change: &Change| match change.kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Modified | ChangeKind::Moved => "modified",
        };
        let changes: Vec<Value> = self
            .graded(shown)
            .map(|(change, severity)| {
                let mut value = json!({"kind": kind(change), "severity": severity.word(), "path": change.path});
                for (key, side) in [("baseline", &change.left), ("target", &change.right)] {
                    if let Some(side) = side {
                        value[key] = side.as_str().map_or_else(|| side.clone(), Value::from);
                    }
                }
                if !change.cause.is_empty() {
                    value["cause"] = change.cause.as_str().into();
                }
                if let Some(why) = noise::why(change) {
                    value["noise"] = why.into();
                }
                value
            })
            .collect();
        let count = |kind: &str| changes.iter().filter(|change| change["kind"] == kind).count();
        let summary = json!({
            "added": count("added"), "removed": count("removed"), "modified": count("modified"), "total": changes.len(),
            "hidden": self.changes.iter().filter(|change| !shown.shows(change)).count(),
        });
        let mut value =
            json!({"baselineSource": self.left, "targetSource": self.right, "changes": changes, "summary": summary});
        if !self.broken.is_empty() {
            let broken = |broken: &Broken| {
                let Broken { constraint, expected, before, after, nodes } = broken;
                json!({"constraint": constraint, "expected": expected, "baseline": before, "target": after, "nodes": nodes})
            };
            value["brokenConstraints"] = self.broken.iter().map(broken).collect();
        }
        if !self.effects.is_empty() {
            value["effects"] = self.effects.iter().map(Effect::to_value).collect();
        }
        if !self.notes.is_empty() {
            value["notCompared"] = json!(self.notes);
        }
        value
    }
}

/// A constraint by its path and expression.
pub type Rules = Vec<(String, String)>;

/// The constraints of a recipe.
pub fn rules(recipe: &Recipe) -> Rules {
    recipe.constraints.iter().map(|constraint| (constraint.name.clone(), constraint.value.clone())).collect()
}

/// Two snapshots: readings, and nodes by name; the worst first: what breaks one of the constraints, then trouble.
pub fn snapshots(left_name: &str, left: &Inventory, right_name: &str, right: &Inventory, rules: &Rules) -> Comparison {
    let Drift { changes, severities, broken, third: _ } = drift(left, right, None, rules);
    Comparison { severities, broken, ..Comparison::new(left_name, right_name, changes, Vec::new()) }
}

/// What differs between snapshots, and how much that matters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// From the first to the second, the worst first, else in order.
    pub changes: Vec<Change>,
    /// Of each change.
    pub severities: Vec<Severity>,
    pub broken: Vec<Broken>,
    /// From the first to a third one.
    pub third: Option<Vec<Change>>,
}

/// Compares two snapshots, and the first with a third one.
pub fn drift(left: &Inventory, right: &Inventory, third: Option<&Inventory>, rules: &Rules) -> Drift {
    let rules = rules.iter().map(|(path, expression)| (path.as_str(), expression.as_str()));
    let broken = severity::broken(rules, left, right);
    let grades = Grades::new(&broken);
    let mut graded: Vec<(Severity, Change)> =
        diff::inventory::compare(left, right).into_iter().map(|change| (grades.of(&change), change)).collect();
    graded.sort_by_key(|(severity, _)| *severity);
    let (severities, changes) = graded.into_iter().unzip();
    let third = third.map(|third| diff::inventory::compare(left, third));
    Drift { changes, severities, broken, third }
}

/// Two snapshots as the reference compares them: every reading, no noise, nodes as label entries.
pub fn readings(left_name: &str, left: &Inventory, right_name: &str, right: &Inventory) -> Comparison {
    Comparison::new(left_name, right_name, diff::inventory::compare_readings(left, right), Vec::new())
}

/// The recipe of criteria, whatever the cluster is.
///
/// # Errors
/// Values that the catalog does not have; they resolve to no recipe.
pub fn of_criteria(catalog: &Catalog, text: &str) -> Result<Side, Failure> {
    let query = super::recipe::criteria_of_text(catalog, text)?;
    Ok((&super::recipe::resolve(catalog, &query, None, Options::default())?.resolution).into())
}

/// A recipe that was read from a file; each of its values belongs to the layer that would write it now, or to its line.
///
/// # Errors
/// No recipe; a values file that the catalog lacks.
pub fn read_recipe(catalog: &Catalog, name: &str, text: &str) -> Result<(Side, Recipe), Failure> {
    let recipe = format::read(text).map_err(|error| {
        let (place, hint) = (error.at().map_or(String::new(), |at| format!(":{at}")), error.hint());
        Failure::from_error(Kind::Usage, "read the recipe", error).at(format!("{name}{place}")).hint(hint)
    })?;
    let document = Document::parse(&Arc::from(name), text).map_err(catalog_failure)?;
    // Criteria that this catalog does not know only cost the names of layers.
    let known = resolve::resolve(catalog, recipe.query(), None, Options::LENIENT).ok();
    let (document, layers) = resolve::file::document(catalog, &document, &recipe, known.as_ref())
        .map_err(|error| resolve_failure(format!("read the values of the recipe `{name}`"), error))?;
    Ok((Side { document, layers, criteria: Some(recipe.criteria.clone()) }, recipe))
}

/// A recipe with what bundling adds to its values, which is what a cluster gets; the additions are the layer `bundle`'s.
///
/// # Errors
/// A values file that the catalog lacks; values without room for an addition.
pub fn bundled(mut side: Side, catalog: &Catalog, recipe: &Recipe) -> Result<Side, Failure> {
    let layer = side.layers.len();
    side.layers.push(Layer::new(LayerKind::Derived, "bundle", "", ""));
    for component in recipe.components.iter().filter(|component| component.is_enabled()) {
        let bundled = bundle::values::of(catalog, recipe, component).map_err(|error| {
            let doing = format!("work out the values of `{}`", component.name);
            Failure::from_error(Kind::Usage, doing, error)
        })?;
        for added in bundled.added {
            let above = ["components", &component.name, "values"].map(str::to_owned);
            let path: Vec<String> = above.into_iter().chain(added.path).collect();
            let wrote = Wrote::Set(added.value.clone());
            let origin = Origin { layer, file: "".into(), at: Position::NONE, wrote };
            side.document.put(&path, Traced { history: vec![origin], ..Traced::from_value(&added.value) });
        }
    }
    Ok(side)
}

/// What a recipe is compared with.
#[derive(Clone, Debug)]
pub enum Versus {
    Recipe(Arc<Side>),
    /// What a cluster of that name ran when the snapshot was taken.
    Cluster {
        name: String,
        snapshot: Arc<Inventory>,
        contents: Arc<Contents>,
    },
}

/// A recipe beside another one or a cluster, as values and as text; `swapped` puts the recipe at the right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub changes: Vec<Change>,
    /// The lines on which each of the changes begins, left and right.
    pub lines: Vec<[Option<usize>; 2]>,
    pub rows: Vec<Row>,
    /// The rows are not aligned to the end: that would have taken too long.
    pub is_coarse: bool,
    /// What could not be compared, one line each.
    pub notes: Vec<String>,
    /// Of two recipes: what the changes come to.
    pub effects: Vec<Effect>,
    /// Of two recipes: causes that follow from one criterion, and what became of it.
    pub criteria: BTreeMap<String, String>,
}

impl Changes {
    /// The row of text at which a change begins.
    pub fn row_of(&self, path: &str) -> Option<usize> {
        let at = self.changes.iter().position(|change| change.path == path)?;
        let [left, right] = *self.lines.get(at)?;
        let is_there = |row: &Row| match row {
            Row::Same { left: one, right: other, .. } => Some(*one) == left || Some(*other) == right,
            Row::Changed { left: one, right: other } => {
                let is = |line: Option<usize>, part: &Option<(usize, diff::text::Parts)>| {
                    part.as_ref().is_some_and(|(number, _)| Some(*number) == line)
                };
                is(left, one) || is(right, other)
            }
        };
        let changed = self.rows.iter().position(|row| matches!(row, Row::Changed { .. }) && is_there(row));
        changed.or_else(|| self.rows.iter().position(is_there))
    }

    /// The change that a row of text is part of: the last one that begins at it or before it.
    pub fn change_at(&self, row: usize) -> Option<&Change> {
        let number = |part: &Option<(usize, diff::text::Parts)>| part.as_ref().map(|(number, _)| *number);
        let here = match self.rows.get(row)? {
            Row::Same { left, right, .. } => [Some(*left), Some(*right)],
            Row::Changed { left, right } => [number(left), number(right)],
        };
        let begins = |lines: &[Option<usize>; 2]| {
            let before = |side: usize| lines[side].filter(|line| here[side].is_some_and(|here| *line <= here));
            before(0).max(before(1))
        };
        let known = self.lines.iter().zip(&self.changes).filter_map(|(lines, change)| Some((begins(lines)?, change)));
        known.max_by_key(|(line, _)| *line).map(|(_, change)| change)
    }
}

/// Compares with rows of text for a screen.
pub fn changes(recipe: &Side, versus: &Versus, swapped: bool) -> Changes {
    let compare = |left: &Side, right: &Side, notes: Vec<String>| {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let text = |side: &Side| crate::yaml::to_string(&side.document.to_value());
        let (left_text, right_text) = (text(left), text(right));
        let began = Instant::now();
        let limit = text::Limit { duration: ALIGNING, is_over: &|| began.elapsed() >= ALIGNING };
        let text::Aligned { rows, is_coarse } = text::within(&left_text, &right_text, Some(limit));
        let changes = diff::recipe::compare(left, right);
        let lines = |text: &str| diff::text::lines_of(text, changes.iter().map(|change| &*change.path));
        let lines = lines(&left_text).into_iter().zip(lines(&right_text)).map(|(left, right)| [left, right]).collect();
        Changes { changes, lines, rows, is_coarse, notes, ..Changes::default() }
    };
    match versus {
        Versus::Recipe(other) => {
            let compared = compare(recipe, other, Vec::new());
            let (left, right) = if swapped { (&**other, recipe) } else { (recipe, &**other) };
            let effects = effects::of(left, right, &compared.changes);
            let criteria = causes::criteria(left, right, &compared.changes);
            Changes { effects, criteria, ..compared }
        }
        Versus::Cluster { name, snapshot, contents } => {
            let Observed { wanted, running, notes } = diff::observed::sides(recipe, snapshot, contents, name);
            compare(&wanted, &running, notes)
        }
    }
}

/// Two recipes, each change with the layers that caused it.
pub fn recipes(left_name: &str, left: &Side, right_name: &str, right: &Side) -> Comparison {
    let changes = diff::recipe::compare(left, right);
    let effects = effects::of(left, right, &changes);
    Comparison { effects, ..Comparison::new(left_name, right_name, changes, Vec::new()) }
}

/// What the Helm releases of a snapshot were installed with, from their secrets.
///
/// # Errors
/// A secret that may not be read, or holds no release.
pub async fn contents(connection: &Connection, snapshot: &Inventory) -> Result<Contents, Failure> {
    let revision = |release: &Release| {
        let revision = release.revision?.to_string();
        Some(Revision {
            namespace: release.namespace.clone()?,
            name: release.name.clone(),
            revision,
            kept_in: release.kept_in,
        })
    };
    let known = snapshot.releases.value().into_iter().flatten().filter_map(revision).collect();
    Ok(Some(releases::contents(connection, known).await?))
}

/// A cluster: what a comparison calls it, and what was read of it.
pub struct Running<'c> {
    pub name: &'c str,
    pub snapshot: &'c Inventory,
    pub contents: &'c Contents,
}

/// A recipe and what a cluster runs; `swapped` puts the cluster at the left.
pub fn cluster(recipe_name: &str, recipe: &Side, running: &Running<'_>, swapped: bool) -> Comparison {
    let Running { name: cluster, snapshot, contents } = running;
    let Observed { wanted, running, notes } = diff::observed::sides(recipe, snapshot, contents, cluster);
    if swapped {
        return Comparison::new(cluster, recipe_name, diff::recipe::compare(&running, &wanted), notes);
    }
    Comparison::new(recipe_name, cluster, diff::recipe::compare(&wanted, &running), notes)
}
