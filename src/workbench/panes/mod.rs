//! The panels: one file each, listed in [`ALL`] in the order in which Tab visits them.
//!
//! A pane's file holds all that it is: where it stands at which size, what it reads, the rows that it makes of the model,
//! and what a key does on the row under the cursor. It changes nothing: an action is answered with a [`Step`], which
//! [`super::app`] takes. Moving, folding, filtering and painting are the table's work.

mod bundle;
mod cause;
mod changes;
mod check;
mod checks;
mod compared_runs;
mod components;
mod constraints;
mod deploy;
mod groups;
mod health;
mod heat;
mod identity;
mod ladder;
mod log;
mod moments;
mod node;
mod nodes;
mod phases;
mod reading;
mod readings;
mod recipe_components;
mod run_changes;
mod runs;
mod shapes;
mod sides;
mod stack;
mod upgrade;
mod upgrades;
mod values;
mod what_if;

use super::{
    Screen,
    keymap::{Action, Keymap},
    layout::{Place, Presence},
    log_options::{LogOptions, Part},
    merge::Merge,
    model::{Model, With},
    theme::Role,
    times::Times,
    widgets::{
        rows,
        table::{self, Cell, Column, Identity},
        text,
    },
    wording,
};
use crate::{
    catalog::{component::Component, validator::Phase},
    cluster::watch::LiveStatus,
    criteria::{Criteria, Dimension, ProfileChoice},
    diff::inventory::node_text,
    inventory::{Node, Text, shape::Key, tally::Tally},
    ops::Failure,
    term::link::Target,
};
use std::{any::Any, fmt, sync::Arc};

pub use bundle::PANE as BUNDLE;
pub use cause::PANE as CHANGE;
pub use changes::PANE as CHANGES;
pub use check::PANE as CHECK;
pub use checks::PANE as CHECKS;
pub use compared_runs::PANE as COMPARED_RUNS;
pub use components::PANE as COMPONENTS;
pub(super) use components::standing;
pub use deploy::PANE as DEPLOY;
pub use health::PANE as HEALTH;
pub use heat::PANE as HEAT;
pub use ladder::PANE as LADDER;
pub use log::PANE as LOG;
pub(super) use log::{
    clock as log_clock, line_under_cursor, lines_of as lines_of_log, older_of as older_of_log, row_at as log_row_at,
    row_of as log_row_of, sources_of as sources_of_log,
};
pub use moments::{NOW, PANE as MOMENTS};
pub use node::PANE as NODE;
pub use nodes::PANE as NODES;
pub use readings::PANE as READINGS;
pub use recipe_components::PANE as RECIPE_COMPONENTS;
pub use run_changes::PANE as RUN_CHANGES;
pub use runs::PANE as RUNS;
pub use shapes::PANE as SHAPES;
pub use sides::{PANE as SIDES, ids_of as ids_of_text_row, row_of as text_row_of};
pub use stack::PANE as STACK;
pub use upgrades::PANE as UPGRADES;
pub use values::PANE as VALUES;
pub use what_if::PANE as WHAT_IF;

/// What every pane needs.
mod prelude {
    pub(super) use super::{
        Blank, Content, Live, Need, Pane, Row, RowId, Step, View, counted, failed, file_of, line, number, or_dash,
        page_of, pairs, prose, readiness, stale,
    };
    pub(super) use crate::workbench::{
        Screen,
        keymap::Action,
        layout::{Place, Presence, column, strip},
        theme::Role,
        widgets::{
            table::{Cell, Column, Identity},
            text,
        },
    };
}

/// Every pane, by screen; the first of a screen has the focus at first.
pub static ALL: &[&Pane] = &[
    &nodes::PANE,
    &node::PANE,
    &shapes::PANE,
    &identity::PANE,
    &components::PANE,
    &constraints::PANE,
    &health::PANE,
    &heat::PANE,
    &moments::PANE,
    &values::PANE,
    &ladder::PANE,
    &stack::PANE,
    &recipe_components::PANE,
    &what_if::PANE,
    &bundle::PANE,
    &changes::PANE,
    &cause::PANE,
    &sides::PANE,
    &upgrades::PANE,
    &upgrade::PANE,
    &checks::PANE,
    &log::PANE,
    &check::PANE,
    &runs::PANE,
    &run_changes::PANE,
    &phases::PANE,
    &deploy::PANE,
    &readings::PANE,
    &reading::PANE,
    &groups::PANE,
    &compared_runs::PANE,
];

/// One panel. Two are equal when they are the same static.
pub struct Pane {
    /// In palette and help.
    pub name: &'static str,
    pub screen: Screen,
    pub place: Place,
    /// Whether it is there, for a model and a focus.
    pub presence: fn(&Model, &Pane) -> Presence,
    /// A key that goes to this pane from anywhere.
    pub jump: Option<Action>,
    /// It is built again only when one of these changed.
    pub needs: &'static [Need],
    /// Whether rows that change with the cluster are marked.
    pub live: Live,
    /// For the hint line, ordered by use.
    pub hints: &'static [Action],
    /// What is said of it where there is only room for its name: how much is in it, with the sign of what it counts.
    pub count: fn(&View<'_>) -> Option<String>,
    /// What an action is called in that line, where it means something else here than elsewhere.
    pub words: &'static [(Action, &'static str)],
    /// The cursor stays on the last row as rows arrive, until it is moved.
    pub follows: bool,
    /// Its lines are wrapped where its columns are wide.
    pub wraps: bool,
    pub build: fn(&View<'_>) -> Content,
    /// What an action does here; `None` leaves it to the program.
    pub on: fn(&View<'_>, Action) -> Option<Step>,
}

impl Pane {
    /// What most panes do not say.
    const BASE: Pane = Pane {
        name: "",
        screen: Screen::Cluster,
        place: Place::NONE,
        presence: |_, _| Presence::Shown,
        jump: None,
        needs: &[],
        live: Live::No,
        hints: &[],
        count: |_| None,
        words: &[],
        follows: false,
        wraps: false,
        build: |_| prose("", Vec::new()),
        on: |_, _| None,
    };

    /// Whether what is in it follows from the cluster that is shown, or from the recipe for it.
    pub fn is_of_cluster(&self, model: &Model) -> bool {
        let reads = |needs: &[Need]| self.needs.iter().any(|need| needs.contains(need));
        match self.screen {
            Screen::Cluster => reads(&[Need::Cluster]),
            Screen::Recipe => reads(&[Need::Recipe]),
            Screen::Diff => reads(&[Need::Recipe, Need::Diff, Need::Upgrade]),
            // The checks of a run are those of its plan.
            Screen::Validate => *self == CHECKS && model.run.checks.is_empty() && !model.run.active,
            Screen::Compare => reads(&[Need::Compare]) && model.compare.b.is_none(),
        }
    }

    /// What an action is called here.
    pub fn word(&self, action: Action) -> Option<&'static str> {
        self.words.iter().find(|(known, _)| *known == action).map(|(_, word)| *word)
    }
}

impl PartialEq for Pane {
    fn eq(&self, other: &Pane) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Pane {}

impl std::hash::Hash for Pane {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Pane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.screen, self.name)
    }
}

/// What the rows of a pane follow from, where those that change with a watched cluster are marked in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// Nothing is marked.
    No,
    Cluster,
    /// The recipe as well: for other criteria they are other rows.
    Recipe,
}

/// Whether a pane shows upgrades.
pub fn shows_upgrades(pane: &Pane) -> bool {
    upgrades::is_upgrade(pane)
}

/// What a pane reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Cluster,
    Recipe,
    /// A bundle on disk that is compared with the recipe's plan.
    Bundle,
    WhatIf,
    Diff,
    Upgrade,
    Run,
    /// Checks that are evaluated from here.
    LiveChecks,
    /// Recorded runs, and two of them beside each other.
    Runs,
    Deploy,
    Compare,
    /// Kept snapshots, and which of them is shown.
    Time,
    /// The row under the cursor of another pane.
    Cursor(&'static Pane),
    /// Its own width or a switch such as blame or timestamps.
    Look,
}

/// What a pane asks of the program when a key is pressed on its row.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Focus(&'static Pane),
    /// Put the cursor of a pane on a row.
    Select(&'static Pane, RowId),
    /// List the nodes of one shape only.
    Drill(Key),
    /// Fold or unfold the row under the cursor.
    Fold,
    /// Open a file of the catalog at a line.
    Source {
        file: String,
        line: u32,
    },
    /// A text to read over the screen.
    Text {
        title: String,
        body: String,
    },
    /// Sentences to read over the screen: they go on below from the beginning.
    Prose {
        title: String,
        body: String,
    },
    Copy(String),
    Say(String),
    /// Compare the recipe with something else.
    Diff(With),
    /// Resolve the recipe for the criteria of what-if.
    Adopt(Criteria),
    /// Compare the recipe with the one of an overlay's criteria.
    DiffOverlay(String),
    /// Change one criterion of what-if.
    Criterion(Dimension, Option<String>),
    /// Choose a profile value in what-if; `None` for the default.
    Profile(Option<ProfileChoice>),
    /// Decide a typed setting in what-if, by its flag; `None` leaves it to the recipe.
    Setting(&'static str, Option<&'static str>),
    CloseWhatIf,
    /// Show a recorded run.
    OpenRun(String),
    /// Follow a run of the cluster that is listed.
    AttachRun(String),
    /// Compare a recorded run with the shown one.
    CompareRun(String),
    /// Ask before the shown bundle is deployed.
    AskDeploy,
    /// Ask before the deploy is canceled.
    AskCancelDeploy,
    /// Ask what the mark of a line of a check's output is called, or take its mark away.
    Mark(String, usize),
    /// The log of one check alone.
    Log,
    /// Open or close the unchanged lines of two texts that begin with a row.
    OpenFold(usize),
    /// Put the cursor of the log on a line, by its number.
    Line(usize),
    /// Show a kept snapshot by its id; an empty one for the cluster as it is.
    ShowMoment(String),
    /// Compare the cluster with a kept snapshot.
    CompareMoment(String),
    /// Switch a rule on noise.
    SwitchNoise(&'static str),
}

/// What a row is about: its identity within its pane, and what actions on it speak of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowId {
    /// A line of a text or a heading: its section and its place there.
    Line(&'static str, usize),
    /// A piece of a wrapped line.
    Piece(usize, usize),
    /// A line of output: its check by its place in the run, its number there, and which part of it where it is wrapped.
    Output {
        check: usize,
        line: usize,
        part: usize,
    },
    /// A thing with a name that is unique in the pane: a node, a component, a path. Shared: rows are copied often.
    Name(Text),
    Shape(Key),
    /// A layer that is part of the recipe.
    Layer(String),
    /// An overlay that did not apply.
    Overlay(String),
    /// A layer of the ladder, from the top.
    Rung(usize),
    Criterion(Dimension),
    Profile,
    /// A typed setting, by its flag.
    Setting(&'static str),
    Readiness,
    Constraint(String),
    /// What causes changes, or a component among them.
    Cause(String),
    Phase(Phase),
    Check(String),
    /// A pod of a check.
    Pod {
        check: String,
        pod: String,
    },
}

impl RowId {
    /// What is written down of it, to find the row in another session; `None` for what is only a place.
    pub(super) fn mark(&self) -> Option<String> {
        Some(match self {
            RowId::Name(name) => format!("name:{name}"),
            RowId::Shape(key) => format!("shape:{}", serde_json::json!(key.values())),
            RowId::Layer(name) => format!("layer:{name}"),
            RowId::Overlay(name) => format!("overlay:{name}"),
            RowId::Criterion(dimension) => format!("criterion:{}", dimension.name()),
            RowId::Constraint(name) => format!("constraint:{name}"),
            RowId::Cause(name) => format!("cause:{name}"),
            RowId::Phase(phase) => format!("phase:{}", phase.name()),
            RowId::Check(name) => format!("check:{name}"),
            _ => return None,
        })
    }

    /// The row that was written down; `None` for what this program has no rows of.
    pub(super) fn of_mark(mark: &str) -> Option<RowId> {
        let (kind, name) = mark.split_once(':')?;
        let owned = || name.to_owned();
        Some(match kind {
            "name" => RowId::from(name),
            "shape" => RowId::Shape(Key::from_values(serde_json::from_str::<Vec<String>>(name).ok()?)?),
            "layer" => RowId::Layer(owned()),
            "overlay" => RowId::Overlay(owned()),
            "criterion" => RowId::Criterion(Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)?),
            "constraint" => RowId::Constraint(owned()),
            "cause" => RowId::Cause(owned()),
            "phase" => RowId::Phase(Phase::ALL.into_iter().find(|phase| phase.name() == name)?),
            "check" => RowId::Check(owned()),
            _ => return None,
        })
    }

    /// The check that it is, or that its pod is of.
    pub(super) fn check(&self) -> Option<&String> {
        match self {
            RowId::Check(name) | RowId::Pod { check: name, .. } => Some(name),
            _ => None,
        }
    }

    /// The name of a thing that has one of its own.
    pub(super) fn named(&self) -> Option<&str> {
        match self {
            RowId::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// Readings of a node that a filter finds by their names; labels have names of their own.
const OF_NODES: [&str; 8] =
    ["providerID", "service", "conditions", "taints", "gpu-product", "gpu-count", "gpu-driver", "gpu-division"];

impl Identity for RowId {
    fn name(&self) -> &str {
        match self {
            RowId::Name(name) => name,
            RowId::Layer(name)
            | RowId::Overlay(name)
            | RowId::Constraint(name)
            | RowId::Check(name)
            | RowId::Pod { pod: name, .. } => name,
            _ => "",
        }
    }

    /// Of a node: a label by its key, or what a comparison calls a reading of it.
    fn reading(of: &dyn Any, name: &str) -> Option<String> {
        let node = of.downcast_ref::<Node>()?;
        let label = node.labels.get(name).map(|value| value.to_string());
        label.or_else(|| OF_NODES.contains(&name).then(|| node_text(node, name)).flatten())
    }
}

impl From<&str> for RowId {
    fn from(name: &str) -> RowId {
        RowId::Name(name.into())
    }
}

impl From<&String> for RowId {
    fn from(name: &String) -> RowId {
        RowId::Name(name.as_str().into())
    }
}

impl From<&Text> for RowId {
    fn from(name: &Text) -> RowId {
        RowId::Name(Text::clone(name))
    }
}

impl From<String> for RowId {
    fn from(name: String) -> RowId {
        RowId::Name(name.into())
    }
}

pub type Row = table::Row<RowId>;
pub type Content = table::Content<RowId>;
pub type Table = table::Table<RowId>;

/// The tables of all panes: what each shows, and where the person is in it.
#[derive(Clone, Debug)]
pub struct Tables(Vec<Table>);

impl Default for Tables {
    fn default() -> Tables {
        let table = |pane: &&Pane| {
            let mut table = Table::default();
            table.follow = pane.follows;
            table
        };
        Tables(ALL.iter().map(table).collect())
    }
}

impl Tables {
    pub fn get(&self, pane: &Pane) -> &Table {
        &self.0[index(pane)]
    }

    pub fn get_mut(&mut self, pane: &Pane) -> &mut Table {
        &mut self.0[index(pane)]
    }
}

impl Pane {
    /// What tells it apart in what is written down: `cluster/nodes`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.screen.name().to_lowercase(), self.name)
    }
}

/// The place of a pane in [`ALL`].
pub fn index(pane: &Pane) -> usize {
    // Only listed panes are reachable; a test walks them.
    ALL.iter().position(|known| *known == pane).unwrap_or_default()
}

/// The panes of a screen, in Tab order.
pub fn of_screen(screen: Screen) -> impl DoubleEndedIterator<Item = &'static Pane> + Clone {
    ALL.iter().copied().filter(move |pane| pane.screen == screen)
}

/// The pane that a key goes to from anywhere.
pub fn with_jump(action: Action) -> &'static Pane {
    // Each such action has one; else it is the first pane.
    ALL.iter().copied().find(|pane| pane.jump == Some(action)).unwrap_or(ALL[0])
}

/// The pane that has the focus at first and lists what matters on its screen.
pub fn main_of(screen: Screen) -> &'static Pane {
    of_screen(screen).next().unwrap_or(ALL[0])
}

/// What a pane may read: the model, and where the person is.
#[derive(Clone, Copy, Debug)]
pub struct View<'s> {
    pub model: &'s Model,
    pub tables: &'s Tables,
    /// For sentences that name a key.
    pub keys: &'s Keymap,
    /// The pane that reads.
    pub pane: &'static Pane,
    /// The pane that takes the keys.
    pub focus: &'static Pane,
    /// Columns inside it.
    pub width: usize,
    /// Lines inside it.
    pub height: usize,
    /// The frame has a line for the criteria, so that titles need not name them.
    pub names_criteria: bool,
    /// The column that says who set a value is shown.
    pub blame: bool,
    /// What is before each line of a log.
    pub times: Times,
    /// The log that was followed last, and how many lines it had then.
    pub followed: Option<&'s (String, usize)>,
    /// The checks that share one log.
    pub merge: &'s Merge,
    /// Which lines of it are shown.
    pub log_options: &'s LogOptions,
    /// It is written to a file.
    pub written: Option<Part>,
    /// How far something is, is said in words: for who reads lines, or has only ASCII.
    pub in_words: bool,
}

impl<'s> View<'s> {
    /// The pane's own table.
    pub fn table(&self) -> &'s Table {
        self.tables.get(self.pane)
    }

    /// One row for each value; those that stand in the pane already, with the same columns, are not made again. For
    /// [`Content::rows`] and [`Content::changed`].
    pub fn rows_of<T: Send + Sync + 'static>(
        &self,
        columns: &[Column],
        values: &[Arc<T>],
        make: impl Fn(&T) -> Row,
    ) -> (Vec<Row>, Option<table::Placed<RowId>>) {
        rows::rows_of(&self.table().content, columns, values, make)
    }

    /// The row under the cursor of a pane.
    pub fn row(&self, pane: &Pane) -> Option<&'s Row> {
        self.tables.get(pane).row()
    }

    /// What the row under the cursor of a pane is about.
    pub fn selected(&self, pane: &Pane) -> Option<&'s RowId> {
        self.row(pane).map(|row| &row.id)
    }
}

/// The page on a component: its documentation, else where its chart comes from. Both are written in the catalog or the
/// recipe; no text of a cluster leads anywhere.
fn page_of(view: &View<'_>, name: &str) -> Option<Target> {
    let entry = view.model.catalog.value.as_ref().and_then(|catalog| catalog.registry.components.get(name));
    let in_recipe = || {
        let recipe = &view.model.recipe.value.as_ref()?.recipe;
        recipe.components.iter().find(|component| component.name == name)
    };
    let documentation = entry.and_then(Component::documentation);
    let page = documentation.or_else(|| in_recipe().map(|component| component.source.as_str()))?;
    Some(Target::Web(page.into()))
}

/// A file of the catalog, as layers call it, where it is one of this machine.
fn file_of(view: &View<'_>, file: &str) -> Option<Target> {
    let files = &view.model.catalog.value.as_ref()?.files;
    let (_, found) = files.iter().find(|(path, known)| *known.shown == *file || **path == *file)?;
    let is_embedded = found.source == 0 && files.replaced_by.is_none();
    (!is_embedded).then(|| Target::File(found.shown.as_ref().into()))
}

/// One more line of a text.
fn line(rows: &mut Vec<Row>, cell: Cell) {
    rows.push(Row::new(RowId::Line("", rows.len()), vec![cell]));
}

/// Lines of a detail panel: `name  value`, values aligned.
fn pairs<'n>(rows: &mut Vec<Row>, section: &'static str, entries: impl IntoIterator<Item = (&'n str, Cell)>) {
    if !section.is_empty() {
        if !rows.is_empty() {
            line(rows, Cell::default());
        }
        line(rows, Cell::new(Role::Heading, section));
    }
    for (name, value) in entries {
        line(rows, Cell::new(Role::Muted, format!("{name:<12} ")).before(value));
    }
}

/// Nodes that are not ready, for a title; those of which nothing says it are told apart.
fn readiness(tally: &Tally) -> Vec<String> {
    let mut parts = Vec::new();
    if tally.not_ready > 0 {
        parts.push(format!("{} not ready", text::thousands(number(tally.not_ready))));
    }
    if tally.readiness_unknown > 0 {
        parts.push(format!("{} of unknown readiness", text::thousands(number(tally.readiness_unknown))));
    }
    parts
}

/// A count as a number of things in memory.
pub(in crate::workbench) fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// How many there are; what could not be counted is not 0.
fn counted(view: &View<'_>, count: usize) -> String {
    let snapshot = view.model.cluster.snapshot.as_ref();
    match snapshot.map(|snapshot| snapshot.no_nodes()) {
        Some(None) => text::thousands(count),
        _ => "-".to_owned(),
    }
}

/// A panel of text lines.
fn prose(title: impl Into<String>, rows: Vec<Row>) -> Content {
    Content {
        title: title.into(),
        columns: vec![Column::new("", 1, 1).grows()],
        rows,
        prose: true,
        ordered: true,
        ..Content::default()
    }
}

/// What was not measured is `-`, never 0.
fn or_dash(value: Option<impl ToString>) -> Cell {
    match value {
        Some(value) => Cell::text(value.to_string()),
        None => Cell::new(Role::Muted, "-"),
    }
}

/// Why a panel has nothing to show. Each has its word, and the first line of such a panel begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// It was asked for, and there is none.
    Empty,
    /// It is on its way.
    Loading,
    /// Nobody has asked for it.
    NotAsked,
    Forbidden,
    Failed,
}

impl Blank {
    pub const ALL: [Blank; 5] = [Blank::Empty, Blank::Loading, Blank::NotAsked, Blank::Forbidden, Blank::Failed];

    /// As the line begins.
    pub fn word(self) -> &'static str {
        match self {
            Blank::Empty => "empty",
            Blank::Loading => "loading",
            Blank::NotAsked => "not asked",
            Blank::Forbidden => "✗ forbidden",
            Blank::Failed => "✗ failed",
        }
    }

    fn role(self) -> Role {
        match self {
            Blank::Empty => Role::Muted,
            Blank::Loading => Role::Run,
            Blank::NotAsked => Role::Text,
            Blank::Forbidden | Blank::Failed => Role::Fail,
        }
    }

    /// `empty: the recipe has no constraints`.
    pub(in crate::workbench) fn line(self, said: impl fmt::Display) -> (Role, String) {
        (self.role(), format!("{}: {said}", self.word()))
    }

    fn says(self, said: impl fmt::Display) -> Vec<(Role, String)> {
        vec![self.line(said)]
    }
}

/// What a panel that shows the recipe says above it while it is not the one that was asked for last.
fn stale(view: &View<'_>) -> Option<(Role, String)> {
    let recipe = &view.model.recipe;
    let (shown, _) = recipe.answer().filter(|_| recipe.is_stale())?;
    let asked = recipe.asked().filter(|asked| *asked != shown);
    let asked = asked.map_or_else(|| "this recipe".to_owned(), |asked| asked.criteria.to_string());
    let said = match &recipe.failure {
        Some(failure) => {
            let why = failure.why();
            let why = text::clean(why.lines().next().unwrap_or_default()).into_owned();
            format!("! STALE: for {}; {asked} does not resolve: {why}", shown.criteria)
        }
        None => format!("! STALE: for {}; {asked} is being resolved", shown.criteria),
    };
    Some((Role::Warn, said))
}

/// What a panel of the cluster says while there is no snapshot.
fn no_cluster(view: &View<'_>) -> Vec<(Role, String)> {
    let cluster = &view.model.cluster;
    if let Some(failure) = &cluster.failure {
        return failed(view, failure);
    }
    if let Some(file) = cluster.reading.as_ref().filter(|_| cluster.snapshot.is_none()) {
        return Blank::Loading.says(format!("reading {} …", text::clean(file)));
    }
    if let Some(reason) = cluster.snapshot.as_ref().and_then(|snapshot| snapshot.source("nodes")?.reason()) {
        return unread(
            view,
            &cluster.snapshot.as_ref().and_then(|snapshot| snapshot.no_nodes()).unwrap_or_default(),
            reason,
        );
    }
    match &cluster.status {
        _ if cluster.source.is_saved() => Blank::Empty.says("the snapshot has none"),
        LiveStatus::Connecting => Blank::Loading.says("connecting …"),
        LiveStatus::Syncing { done, total } => Blank::Loading.says(format!("{done} of {total} sources read")),
        LiveStatus::Fresh => {
            Blank::Empty.says(format!("the cluster has none; {} reads it again", view.keys.key(Action::Refresh)))
        }
        LiveStatus::Reconnecting { attempt, next_seconds, error } => vec![
            Blank::Loading.line(format!("reconnecting, attempt {attempt}, next in {next_seconds} s")),
            (Role::Muted, text::clean(&error.found).into_owned()),
        ],
        LiveStatus::Failed { error } => failed(view, &Failure::from(error.clone())),
    }
}

/// A source that could not be read, in a panel that shows nothing else: what, why, what to do.
fn unread(view: &View<'_>, brief: &str, reason: &str) -> Vec<(Role, String)> {
    let (word, needs) = brief.split_once(": ").unwrap_or((brief, ""));
    let state = if word == "forbidden" { Blank::Forbidden } else { Blank::Failed };
    let what = if needs.is_empty() { brief } else { needs };
    let answer = reason.strip_prefix(needs).map_or(reason, |rest| rest.trim_start_matches(": "));
    let hint = match word {
        "forbidden" => format!("ask for the right to {needs}; check with: kubectl auth can-i {needs}"),
        _ => format!("{} tries again", view.keys.key(Action::Refresh)),
    };
    vec![
        state.line(text::clean(what)),
        (Role::Text, text::clean(answer).into_owned()),
        (Role::Muted, text::clean(&hint).into_owned()),
    ]
}

/// Whether a panel that shows no rows begins so because something failed.
pub(super) fn is_failure(line: &str) -> bool {
    [Blank::Forbidden, Blank::Failed].iter().any(|state| line.starts_with(state.word()))
}

/// A failure in a panel: what failed, why, what to do, where more is.
fn failed(view: &View<'_>, failure: &Failure) -> Vec<(Role, String)> {
    let failure = &wording::here(failure.clone());
    let state = if failure.kind == crate::ops::Kind::Forbidden { Blank::Forbidden } else { Blank::Failed };
    let mut lines = vec![
        (state.role(), format!("{} to {}", state.word(), text::clean(&failure.doing))),
        (Role::Text, text::clean(&failure.why()).into_owned()),
    ];
    if let Some(hint) = &failure.hint {
        lines.push((Role::Muted, text::clean(hint).into_owned()));
    }
    let (again, all) = (view.keys.key(Action::Refresh), view.keys.key(Action::Details));
    lines.push((Role::Muted, format!("{again} tries again, {all} shows everything")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::layout::{self, Border, Candidate, Class, Moved, Shape, Zoom};
    use ratatui::layout::Rect;

    #[test]
    fn each_file_of_this_folder_is_one_listed_pane() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workbench/panes");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(files.filter(|name| name != "mod.rs").count(), ALL.len());
        for (place, pane) in ALL.iter().enumerate() {
            assert_eq!(index(pane), place, "{pane:?} is listed twice");
            assert!(!pane.name.is_empty() && !pane.needs.is_empty(), "{pane:?}");
            assert!(!pane.hints.is_empty() && pane.hints.len() <= 6, "{pane:?}");
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written_down() {
        let key = Key::of(&Node { name: "gpu-1".into(), ..Node::default() });
        let mut rows = vec![
            RowId::Name("a:b".into()),
            RowId::Shape(key),
            RowId::Layer("base".into()),
            RowId::Overlay("eks".into()),
            RowId::Constraint("K8s.server.version".into()),
            RowId::Cause("eks".into()),
            RowId::Check("dra-support".into()),
        ];
        rows.extend(Dimension::ALL.map(RowId::Criterion));
        rows.extend(Phase::ALL.map(RowId::Phase));
        for row in rows {
            let mark = row.mark().unwrap();
            assert_eq!(RowId::of_mark(&mark), Some(row), "{mark}");
        }
        for foreign in ["", "name", "planet:earth", "shape:[\"h100\"]", "phase:readying"] {
            assert_eq!(RowId::of_mark(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn every_size_gives_panels_inside_and_apart() {
        for width in 1..=250 {
            for height in 1..=90 {
                for screen in Screen::ALL {
                    for (zoom, time) in [(Zoom::Normal, false), (Zoom::Normal, true), (Zoom::Half, true)] {
                        check(Shape { width, height, focus: main_of(screen), zoom, hints: true, time });
                    }
                }
            }
        }
    }

    #[track_caller]
    fn check(shape: Shape<&'static Pane>) {
        let borders =
            [Border::Detail, Border::Strip, Border::Column(0), Border::Column(1), Border::Row(0, 0), Border::Row(1, 0)];
        let far = |by: i32| borders.into_iter().map(|border| (border, by)).collect::<Moved>();
        for (hidden, moved) in
            [(None, Moved::new()), (Some(Presence::Hidden), Moved::new()), (None, far(300)), (None, far(-300))]
        {
            let presence = |pane: &Pane| hidden.filter(|_| *pane == what_if::PANE).unwrap_or(Presence::Shown);
            let panes: Vec<_> = of_screen(shape.focus.screen)
                .map(|pane| Candidate { id: pane, place: pane.place, presence: presence(pane) })
                .collect();
            let layout = layout::layout(shape, &panes, &moved);
            let frame = Rect::new(0, 0, shape.width, shape.height);
            let mut areas: Vec<Rect> = layout.panels.iter().map(|(_, area)| *area).collect();
            areas.push(layout.top);
            let lines = [layout.health, layout.context, layout.time, layout.message, layout.hint];
            areas.extend(lines.into_iter().flatten());
            for (index, area) in areas.iter().enumerate() {
                assert_eq!(frame.intersection(*area), *area, "{shape:?}");
                for other in &areas[index + 1..] {
                    assert!(area.intersection(*other).is_empty(), "{shape:?}: {area:?} and {other:?}");
                }
            }
            assert!(layout.class == Class::Nothing || layout.panel(shape.focus).is_some(), "{shape:?}: no focus");
        }
    }
}
