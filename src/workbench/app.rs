//! The state of the workbench and its one function: a message in, effects out.
//!
//! Nothing here waits, reads a file or asks a clock; the driver does, and its answers come back as messages.

use super::{
    RunOptions, Screen,
    data::{Data, Side, Source, With},
    effect::Effect,
    keymap::{self, Action, Found},
    layout::{self, Layout, Zoom},
    msg::{Msg, RecipeSlot, SnapshotSlot},
    overlay::{Field, Overlay},
    panes::{self, Need, PaneId},
    theme::{self, Role, Theme, ThemeError},
    widgets::{table::Table, text},
};
use crate::{
    cluster::watch::{LiveStatus, LiveView},
    criteria::{Query, StatedBy},
    fingerprint,
    ops::{Failure, diff::Versus, validate::Prepared},
    term::{color::Level, key::Key},
};
use std::{collections::VecDeque, sync::Arc};

mod act;
mod command;
mod input;
mod plan;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info,
    Ok,
    Warn,
    Fail,
}

impl Severity {
    pub fn mark(self) -> (Role, &'static str) {
        match self {
            Severity::Info => (Role::Muted, "·"),
            Severity::Ok => (Role::Ok, "✓"),
            Severity::Warn => (Role::Warn, "!"),
            Severity::Fail => (Role::Fail, "✗"),
        }
    }
}

/// Something that was said, with the time of day in UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub severity: Severity,
    pub text: String,
    pub at: String,
    pub failure: Option<Failure>,
}

/// Messages that are kept.
const HISTORY: usize = 500;

/// Everything that is shown, and how.
#[derive(Clone, Debug)]
pub struct State {
    pub data: Data,
    pub theme: Theme,
    pub level: Level,
    pub ascii: bool,
    pub width: u16,
    pub height: u16,
    pub layout: Layout,
    pub screen: Screen,
    pub previous: Screen,
    focus: [PaneId; 5],
    pub zoom: Zoom,
    tables: Vec<Table>,
    stale: [bool; PaneId::COUNT],
    /// Keys of a sequence that is not whole yet.
    pub typed: Vec<Key>,
    /// The field of the filter, while it is being typed.
    pub filter: Option<Field>,
    pub overlay: Option<Overlay>,
    pub messages: VecDeque<Message>,
    pub blame: bool,
    pub timestamps: bool,
    pub hints: bool,
    /// Milliseconds since the epoch, as the driver last told.
    pub now_ms: u64,
    /// Works whose answers are on their way.
    pub in_flight: usize,
    /// When Ctrl-C was pressed last.
    interrupted_ms: u64,
    /// The next frame differs from the last one.
    pub dirty: bool,
    pub quit: bool,
    /// A run that waits for an answer to its question.
    prepared: Option<Arc<Prepared>>,
    /// What the target is called before it is connected.
    start: Start,
}

/// What was asked for at the start.
#[derive(Clone, Debug, Default)]
struct Start {
    demo: bool,
    snapshots: Vec<std::path::PathBuf>,
}

impl State {
    /// The state before the first message, at a size.
    ///
    /// # Errors
    /// The theme is unknown.
    pub fn new(options: &RunOptions, level: Level, width: u16, height: u16) -> Result<State, ThemeError> {
        let theme = theme::load(options.look.theme.as_deref().unwrap_or("dark"), level)?;
        let first = |screen| panes::of_screen(screen)[0];
        let screen = options.screen.unwrap_or(Screen::Cluster);
        let focus = Screen::ALL.map(first);
        let shape = layout::Shape {
            width,
            height,
            screen,
            focus: focus[screen.index()],
            zoom: Zoom::Normal,
            what_if: false,
            text: false,
            hints: true,
        };
        let mut state = State {
            data: Data { stated: options.criteria.clone(), ..Data::default() },
            theme,
            level,
            ascii: options.look.ascii,
            width,
            height,
            layout: layout::layout(shape),
            screen,
            previous: screen,
            focus,
            zoom: Zoom::Normal,
            tables: vec![Table::default(); PaneId::COUNT],
            stale: [true; PaneId::COUNT],
            typed: Vec::new(),
            filter: None,
            overlay: None,
            messages: VecDeque::new(),
            blame: true,
            timestamps: true,
            hints: true,
            now_ms: 0,
            in_flight: 0,
            interrupted_ms: 0,
            dirty: true,
            quit: false,
            prepared: None,
            start: Start { demo: options.target.is_demo(), snapshots: options.snapshots.clone() },
        };
        state.tables[PaneId::Log.index()].follow = true;
        Ok(state)
    }

    /// What to do first: the catalog, and the cluster or the files.
    pub fn begin(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::LoadCatalog { generation: self.data.catalog.start() }];
        match &self.start.snapshots.clone()[..] {
            [] => effects.push(self.watch()),
            [one] => effects.push(Effect::ReadSnapshot { slot: SnapshotSlot::Cluster, path: one.clone() }),
            [a, b, ..] => {
                effects.push(Effect::ReadSnapshot { slot: SnapshotSlot::A, path: a.clone() });
                effects.push(Effect::ReadSnapshot { slot: SnapshotSlot::B, path: b.clone() });
                // The newer one is what the other screens speak of.
                effects.push(Effect::ReadSnapshot { slot: SnapshotSlot::Cluster, path: b.clone() });
                self.screen = Screen::Compare;
            }
        }
        self.sent(effects)
    }

    /// Takes a message; the effects are for the driver to run.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        self.dirty = true;
        let effects = match msg {
            Msg::Input(input) => self.input(input),
            Msg::Tick => {
                self.mark(Need::Run);
                Vec::new()
            }
            Msg::Connected { generation, context, server } => {
                if generation == self.data.cluster.generation {
                    let cluster = &mut self.data.cluster;
                    cluster.source = if self.start.demo { Source::Demo } else { Source::Live };
                    (cluster.name, cluster.server, cluster.failure) = (context, server, None);
                    self.mark(Need::Cluster);
                }
                Vec::new()
            }
            Msg::ConnectFailed { generation, failure } => {
                if generation == self.data.cluster.generation {
                    self.data.cluster.failure = Some(failure.clone());
                    self.mark(Need::Cluster);
                    self.say_failure(failure);
                }
                Vec::new()
            }
            Msg::Live { generation, view } => self.live(generation, view),
            Msg::Catalog { generation, answer } => {
                self.answered();
                let failure = answer.as_ref().err().cloned();
                self.data.catalog.finish(generation, answer);
                self.mark(Need::Recipe);
                match failure {
                    Some(failure) => {
                        self.say_failure(failure);
                        Vec::new()
                    }
                    None => self.resolve(),
                }
            }
            Msg::Snapshot { slot, name, answer } => {
                self.answered();
                match answer {
                    Ok(snapshot) => self.opened(slot, Side { name, snapshot }),
                    Err(failure) => {
                        if slot == SnapshotSlot::Cluster && self.data.cluster.snapshot.is_none() {
                            self.data.cluster.failure = Some(failure.clone());
                            self.mark(Need::Cluster);
                        }
                        self.say_failure(failure);
                        Vec::new()
                    }
                }
            }
            Msg::Resolved { slot, generation, answer } => self.resolved(slot, generation, answer),
            Msg::RecipeRead { generation, answer } => {
                self.answered();
                self.other_side(generation, answer)
            }
            Msg::WhatIfChanges { generation, answer } => {
                self.answered();
                if let Some(what_if) = &mut self.data.what_if {
                    what_if.changes.finish(generation, answer);
                }
                self.mark(Need::WhatIf);
                Vec::new()
            }
            Msg::RecipesCompared { generation, answer } => {
                self.answered();
                self.data.diff.changes.finish(generation, answer);
                self.mark(Need::Diff);
                Vec::new()
            }
            Msg::SnapshotsCompared { generation, answer } => {
                self.answered();
                self.data.compare.changes.finish(generation, answer);
                self.mark(Need::Compare);
                Vec::new()
            }
            Msg::Planned(answer) => {
                self.answered();
                self.planned(answer);
                Vec::new()
            }
            Msg::Run(event) => {
                self.run_event(event);
                Vec::new()
            }
            Msg::RunEnded(answer) => {
                self.answered();
                self.data.run.active = false;
                self.data.run.cancelling = false;
                if let Err(failure) = answer {
                    self.data.run.failure = Some(failure.clone());
                    self.say_failure(failure);
                }
                self.mark(Need::Run);
                Vec::new()
            }
            Msg::Done(said) => {
                self.say(Severity::Ok, said);
                Vec::new()
            }
            Msg::Failed(failure) => {
                self.say_failure(failure);
                Vec::new()
            }
            Msg::Suspend => vec![Effect::Suspend],
            Msg::Terminate => {
                self.quit = true;
                vec![Effect::Quit]
            }
        };
        self.sent(effects)
    }

    fn sent(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        self.in_flight += effects.iter().filter(|effect| effect.is_work()).count();
        effects
    }

    fn answered(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// The cluster is shown, or it is known why not.
    pub fn is_settled(&self) -> bool {
        let cluster = &self.data.cluster;
        cluster.source == Source::Saved
            || cluster.failure.is_some()
            || matches!(cluster.status, LiveStatus::Fresh | LiveStatus::Reconnecting { .. } | LiveStatus::Failed { .. })
    }

    // -- the cluster -------------------------------------------------------------------------------------------------

    /// Connects anew; what was shown stays until the new view has data.
    fn watch(&mut self) -> Effect {
        let cluster = &mut self.data.cluster;
        cluster.generation += 1;
        cluster.failure = None;
        if cluster.snapshot.is_none() {
            cluster.source = if self.start.demo { Source::Demo } else { Source::Live };
        }
        Effect::Watch { generation: cluster.generation }
    }

    fn live(&mut self, generation: u64, view: LiveView) -> Vec<Effect> {
        if generation != self.data.cluster.generation {
            return Vec::new();
        }
        self.mark(Need::Cluster);
        let cluster = &mut self.data.cluster;
        cluster.source = if self.start.demo { Source::Demo } else { Source::Live };
        cluster.status = view.status;
        cluster.missing = view.missing;
        match view.snapshot {
            Some(snapshot) if !cluster.snapshot.as_ref().is_some_and(|known| Arc::ptr_eq(known, &snapshot)) => {
                cluster.show(snapshot);
                let mut effects = self.resolve();
                effects.extend(self.compare_snapshots());
                effects
            }
            _ => Vec::new(),
        }
    }

    fn opened(&mut self, slot: SnapshotSlot, side: Side) -> Vec<Effect> {
        match slot {
            SnapshotSlot::Cluster => {
                let cluster = &mut self.data.cluster;
                // An older watch speaks of another cluster.
                cluster.generation += 1;
                (cluster.source, cluster.failure) = (Source::Saved, None);
                cluster.name = side.name;
                cluster.server = String::new();
                cluster.missing = Vec::new();
                cluster.show(side.snapshot);
                self.mark(Need::Cluster);
                self.resolve()
            }
            SnapshotSlot::A => {
                self.data.compare.a = Some(side);
                self.compare_snapshots()
            }
            SnapshotSlot::B => {
                self.data.compare.b = Some(side);
                self.compare_snapshots()
            }
        }
    }

    // -- recipes -----------------------------------------------------------------------------------------------------

    /// Resolves the current recipe: for the stated criteria, else for what the cluster reveals.
    pub(super) fn resolve(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.data.catalog.value.clone() else { return Vec::new() };
        let snapshot = self.data.cluster.snapshot.clone();
        let Some(query) = self.query() else { return Vec::new() };
        self.data.criteria = query.criteria().clone();
        self.mark(Need::Recipe);
        let generation = self.data.recipe.start();
        vec![Effect::Resolve { slot: RecipeSlot::Current, generation, catalog, query, snapshot }]
    }

    /// What is asked for; `None` where there is nothing to go by yet.
    fn query(&self) -> Option<Query> {
        match (&self.data.stated, &self.data.cluster.snapshot) {
            (Some(criteria), _) => Some(criteria.into()),
            (None, Some(snapshot)) => Some(Query::of(fingerprint::of(snapshot).criteria(), StatedBy::Snapshot)),
            (None, None) => None,
        }
    }

    /// Resolves what-if anew after a toggle.
    fn resolve_what_if(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.data.catalog.value.clone() else { return Vec::new() };
        let snapshot = self.data.cluster.snapshot.clone();
        let Some(what_if) = &mut self.data.what_if else { return Vec::new() };
        let criteria = what_if.criteria.clone();
        let query = self.query().unwrap_or_default().changed(&criteria, StatedBy::Flag);
        self.stale_what_if();
        let Some(what_if) = &mut self.data.what_if else { return Vec::new() };
        if criteria == self.data.criteria {
            what_if.resolution.clear();
            what_if.changes.clear();
            return Vec::new();
        }
        let generation = what_if.resolution.start();
        vec![Effect::Resolve { slot: RecipeSlot::WhatIf, generation, catalog, query, snapshot }]
    }

    fn stale_what_if(&mut self) {
        self.mark(Need::WhatIf);
    }

    /// Puts the recipe beside something else on the Diff screen.
    fn compare_recipe_with(&mut self, with: With) -> Vec<Effect> {
        let diff = &mut self.data.diff;
        // What was compared before says nothing of this.
        (diff.other.value, diff.changes.value, diff.changes.failure) = (None, None, None);
        diff.with = Some(with);
        self.show(Screen::Diff);
        self.resolve_other()
    }

    /// Resolves or reads the other side of the Diff screen.
    fn resolve_other(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.data.catalog.value.clone() else { return Vec::new() };
        let Some(with) = self.data.diff.with.clone() else { return Vec::new() };
        let snapshot = self.data.cluster.snapshot.clone();
        self.mark(Need::Diff);
        let generation = self.data.diff.other.start();
        match with {
            With::Criteria(criteria) => {
                vec![Effect::Resolve {
                    slot: RecipeSlot::Other,
                    generation,
                    catalog,
                    query: (&criteria).into(),
                    snapshot,
                }]
            }
            With::File(path) => vec![Effect::ReadRecipe { generation, catalog, path }],
            With::Cluster => {
                let other = &mut self.data.diff.other;
                (other.loading, other.failure) = (false, None);
                self.compare_recipes()
            }
        }
    }

    /// The other side of the Diff screen has come.
    fn other_side(
        &mut self,
        generation: u64,
        answer: Result<Arc<crate::document::side::Side>, Failure>,
    ) -> Vec<Effect> {
        let failed = answer.as_ref().err().cloned();
        if !self.data.diff.other.finish(generation, answer) {
            return Vec::new();
        }
        self.mark(Need::Diff);
        match failed {
            Some(failure) => {
                self.say_failure(failure);
                Vec::new()
            }
            None => self.compare_recipes(),
        }
    }

    fn resolved(
        &mut self,
        slot: RecipeSlot,
        generation: u64,
        answer: Result<Arc<crate::resolve::Resolution>, Failure>,
    ) -> Vec<Effect> {
        self.answered();
        let failed = answer.as_ref().err().cloned();
        match slot {
            RecipeSlot::Current => {
                if !self.data.recipe.finish(generation, answer) {
                    return Vec::new();
                }
                self.mark(Need::Recipe);
                if let Some(failure) = failed {
                    self.say_failure(failure);
                    return Vec::new();
                }
                let mut effects = self.compare_recipes();
                effects.extend(self.compare_what_if());
                effects
            }
            RecipeSlot::WhatIf => {
                let Some(what_if) = &mut self.data.what_if else { return Vec::new() };
                if !what_if.resolution.finish(generation, answer) {
                    return Vec::new();
                }
                self.mark(Need::WhatIf);
                if failed.is_some() { Vec::new() } else { self.compare_what_if() }
            }
            RecipeSlot::Other => self.other_side(generation, answer.map(|other| Arc::new((&*other).into()))),
        }
    }

    fn compare_what_if(&mut self) -> Vec<Effect> {
        let current = self.data.recipe.value.clone();
        let Some(what_if) = &mut self.data.what_if else { return Vec::new() };
        let (Some(left), Some(right)) = (current, what_if.resolution.value.clone()) else { return Vec::new() };
        vec![Effect::WhatIfChanges { generation: what_if.changes.start(), left, right }]
    }

    fn compare_recipes(&mut self) -> Vec<Effect> {
        let Some(recipe) = self.data.recipe.value.clone() else { return Vec::new() };
        let versus = match (&self.data.diff.with, &self.data.diff.other.value, &self.data.cluster.snapshot) {
            (Some(With::Cluster), _, Some(snapshot)) => Versus::Cluster {
                name: self.data.cluster.name.clone(),
                snapshot: snapshot.clone(),
                contents: Arc::default(),
            },
            (Some(With::Criteria(_) | With::File(_)), Some(other), _) => Versus::Recipe(other.clone()),
            _ => return Vec::new(),
        };
        self.mark(Need::Diff);
        let swapped = self.data.diff.swapped;
        vec![Effect::CompareRecipes { generation: self.data.diff.changes.start(), recipe, versus, swapped }]
    }

    fn compare_snapshots(&mut self) -> Vec<Effect> {
        let Some(a) = &self.data.compare.a else { return Vec::new() };
        let right = match &self.data.compare.b {
            Some(b) => Some(b.snapshot.clone()),
            None => self.data.cluster.snapshot.clone(),
        };
        let Some(right) = right else { return Vec::new() };
        let left = a.snapshot.clone();
        self.mark(Need::Compare);
        vec![Effect::CompareSnapshots { generation: self.data.compare.changes.start(), left, right }]
    }

    /// Names of the sides of the Diff screen.
    pub fn diff_names(&self) -> (String, String) {
        let current = self.data.criteria.to_string();
        let other = match &self.data.diff.with {
            None => "-".to_owned(),
            Some(With::Criteria(criteria)) => criteria.to_string(),
            Some(With::File(path)) => path.display().to_string(),
            Some(With::Cluster) => self.data.cluster.name.clone(),
        };
        if self.data.diff.swapped { (other, current) } else { (current, other) }
    }

    /// Names of the sides of the Compare screen.
    pub fn compare_names(&self) -> (String, String) {
        let compare = &self.data.compare;
        let name = |side: &Option<Side>| side.as_ref().map(|side| side.name.clone());
        let a = name(&compare.a).unwrap_or_else(|| "-".to_owned());
        let b = name(&compare.b).unwrap_or_else(|| format!("{} (now)", self.data.cluster.name));
        (a, if compare.a.is_some() { b } else { "-".to_owned() })
    }

    // -- panels ------------------------------------------------------------------------------------------------------

    pub fn focused(&self) -> PaneId {
        self.focus[self.screen.index()]
    }

    pub fn table(&self, pane: PaneId) -> &Table {
        &self.tables[pane.index()]
    }

    fn table_mut(&mut self, pane: PaneId) -> &mut Table {
        &mut self.tables[pane.index()]
    }

    /// Columns inside a panel, as it is laid out now.
    pub fn width_of(&self, pane: PaneId) -> usize {
        let area = self.layout.panel(pane).map(|area| self.layout.inner(area));
        usize::from(area.map_or(self.width, |area| area.width))
    }

    /// Panes that read this have to be built again.
    fn mark(&mut self, need: Need) {
        for pane in panes::ALL {
            if pane.needs.contains(&need) {
                self.stale[pane.id.index()] = true;
            }
        }
    }

    /// Lays out, builds what is stale and shown, and scrolls; to be called before a frame is drawn.
    pub fn prepare(&mut self) {
        let layout = layout::layout(self.shape());
        if layout.panels != self.layout.panels {
            self.mark(Need::Look);
        }
        self.layout = layout;
        // Details read the cursor of their master, so masters come first; the slice has them in that order, and a second
        // round catches what the first one moved.
        for _ in 0..2 {
            for pane in panes::ALL {
                self.build(pane.id);
            }
        }
        for (pane, area) in self.layout.panels.clone() {
            let height = self.layout.inner(area).height;
            self.table_mut(pane).scroll(height);
        }
    }

    fn build(&mut self, pane: PaneId) {
        let shown = self.layout.panel(pane).is_some();
        let read = panes::ALL
            .iter()
            .any(|other| other.needs.contains(&Need::Cursor(pane)) && self.layout.panel(other.id).is_some());
        if !self.stale[pane.index()] || !(shown || read) {
            return;
        }
        self.stale[pane.index()] = false;
        let content = (pane.pane().build)(self);
        let before = self.table(pane).selected.clone();
        let had_rows = !self.table(pane).content.rows.is_empty();
        let found = self.table_mut(pane).set(content);
        if self.table(pane).selected != before {
            self.mark(Need::Cursor(pane));
        }
        if !found && had_rows && pane.pane().needs.contains(&Need::Cluster) {
            let gone = before.unwrap_or_default();
            self.say(Severity::Info, format!("{} is gone; the nearest one is selected", text::clean(&gone)));
        }
    }

    fn shape(&self) -> layout::Shape {
        layout::Shape {
            width: self.width,
            height: self.height,
            screen: self.screen,
            focus: self.focused(),
            zoom: self.zoom,
            what_if: self.data.what_if.is_some(),
            text: self.data.diff.view != super::data::DiffView::Changes,
            hints: self.hints,
        }
    }

    fn focus_on(&mut self, pane: PaneId) {
        let screen = pane.pane().screen;
        self.show(screen);
        if self.focus[screen.index()] != pane {
            self.focus[screen.index()] = pane;
            self.stale[pane.index()] = true;
        }
    }

    fn show(&mut self, screen: Screen) {
        if self.screen != screen {
            self.previous = self.screen;
            self.screen = screen;
            self.zoom = Zoom::Normal;
        }
        for pane in panes::of_screen(screen) {
            self.stale[pane.index()] = true;
        }
    }

    // -- talking -----------------------------------------------------------------------------------------------------

    pub fn say(&mut self, severity: Severity, said: impl Into<String>) {
        self.push(Message { severity, text: said.into(), at: clock(self.now_ms), failure: None });
    }

    pub fn say_failure(&mut self, failure: Failure) {
        let because = text::clean(failure.because.lines().next().unwrap_or_default()).into_owned();
        let text = format!("failed to {}: {because}", text::clean(&failure.doing));
        self.push(Message { severity: Severity::Fail, text, at: clock(self.now_ms), failure: Some(failure) });
    }

    fn push(&mut self, message: Message) {
        self.messages.push_back(message);
        if self.messages.len() > HISTORY {
            self.messages.pop_front();
        }
    }

    /// Keys that continue what was typed, for the popup.
    pub fn continuations(&self) -> Vec<(Key, Action)> {
        match keymap::find(&self.typed, self.screen) {
            Found::Prefix(next) if !self.typed.is_empty() => next,
            _ => Vec::new(),
        }
    }
}

/// Time of day in UTC.
fn clock(now_ms: u64) -> String {
    let seconds = now_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
