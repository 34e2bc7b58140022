//! The state of the workbench and its one function: a message in, effects out.
//!
//! Nothing here waits, reads a file or asks a clock; the driver does, and its answers come back as messages.

use super::{
    RunOptions, Screen,
    desk::Desk,
    effect::Effect,
    model::{self, Model, Question, Setup, Severity, Side, Source, With},
    msg::{Msg, RecipeSlot, SnapshotSlot},
    operations::{Operations, WATCH},
    overlay::Overlay,
    panes::{self, CHANGES, NODES, Need, SHAPES},
    theme::ThemeError,
    waiting,
    widgets::text,
};
use crate::{
    catalog::Catalog,
    cluster::watch::{LiveStatus, LiveView},
    criteria::{Criteria, Query, StatedBy},
    inventory::Inventory,
    ops::{
        self, Failure,
        connect::Target,
        inherit::{Basis, Wanted},
        run::Prepared,
    },
    term::{color::Level, input::Input},
};
use asked::Asked;
use history::History;
use keeping::Keeping;
use std::sync::Arc;

mod act;
mod asked;
mod beside;
mod bundle;
mod clock;
mod command;
mod comparing;
mod connected;
mod context;
pub(in crate::workbench) mod copy;
mod deploy;
mod filters;
mod following;
mod history;
mod input;
mod keeping;
mod leaving;
mod link;
mod live_checks;
mod log;
mod log_export;
mod log_options;
mod marks;
mod operations;
mod outcome;
mod pause;
mod plan;
mod preferences;
mod prepare;
mod recall;
mod replay;
mod reread;
mod runs;
mod saving;
mod source;
mod switching;
mod time;
mod unable;

pub(super) use filters::SIGN;
pub(super) use source::LIVE;
pub(super) use unable::Unable;

/// What is known, how it is looked at, and what is under way.
#[derive(Clone, Debug)]
pub struct State {
    pub model: Model,
    pub desk: Desk,
    /// Works whose answers are on their way.
    pub in_flight: usize,
    /// When Ctrl-C was pressed last.
    interrupted_ms: u64,
    /// The next frame differs from the last one.
    pub dirty: bool,
    pub quit: bool,
    asked: Asked,
    behind: Behind,
    /// The catalog has constraints on the state of nodes.
    reads_state: bool,
    /// A run that waits for an answer to its question, and the context that it was planned for.
    prepared: Option<(Arc<Prepared>, String)>,
    /// What would replace a file, and waits for an answer to its question.
    overwrites: Option<Effect>,
    /// Preferences that could not be used, to be said at the start.
    notices: Vec<String>,
    /// What the target is called before it is connected.
    start: Start,
    keeping: Keeping,
    /// What opens again what the last session had open.
    restored: Vec<Effect>,
    /// What has been begun already, beside what the message itself leads to.
    begun: Vec<Effect>,
    /// Snapshots that are being read, for the list of recent files.
    reading: Vec<(SnapshotSlot, u64, String)>,
    /// Work in the background.
    pub operations: Operations,
    /// Where a person has been, by screen.
    history: [History; 5],
}

/// What the cluster has changed under while it was worked out: it is worked out once more when that is done, so that a
/// cluster that changes all the time is followed by one piece of work after the other, and not by a heap of them.
#[derive(Clone, Copy, Debug, Default)]
struct Behind {
    recipes: bool,
    comparison: bool,
}

/// What was asked for at the start.
#[derive(Clone, Debug, Default)]
struct Start {
    demo: bool,
    snapshots: Vec<std::path::PathBuf>,
    /// What is done when cluster and recipe are there.
    go: Vec<String>,
    /// Runs of others are still to be looked for, and to be told of.
    looks: bool,
    tells: bool,
    /// The only one is followed: nothing else was asked for.
    follows: bool,
}

/// What the command line chose for the runs.
fn setup(options: &ops::run::RunOptions) -> Setup {
    let plan = &options.plan;
    Setup { step: options.step, skip: plan.skip.clone(), in_process: plan.in_process, plan: plan.clone().into() }
}

impl State {
    /// The state before the first message, at a size.
    ///
    /// # Errors
    /// The theme is unknown.
    pub fn new(options: &RunOptions, level: Level, width: u16, height: u16) -> Result<State, ThemeError> {
        let look = (&options.look, &options.keys);
        let mut desk = Desk::new(look, options.screen.unwrap_or(Screen::Cluster), level, (width, height))?;
        let cluster = match &options.target {
            _ if !options.snapshots.is_empty() => None,
            Target::Demo(_) => Some("demo".to_owned()),
            Target::Cluster(target) => target.context.clone(),
        };
        let session = options.session.clone();
        desk.history.clone_from(&session.commands);
        desk.filters.clone_from(&session.filters);
        desk.saved_filters.clone_from(&session.saved_filters);
        desk.prefer(options.preferences.as_deref().cloned().unwrap_or_default());
        Ok(State {
            keeping: Keeping::new(session, options.restores, cluster, options.screen.is_some()),
            restored: Vec::new(),
            begun: Vec::new(),
            reading: Vec::new(),
            history: Default::default(),
            operations: Operations::default(),
            model: Model {
                stated: options.criteria.clone(),
                configuration: options.configuration.clone(),
                inherit: options.inherit.clone(),
                setup: setup(&options.run),
                records: model::Records { are_not_kept: !options.run.record, ..Default::default() },
                read_only: options.read_only,
                read_only_by: options.read_only_by.clone(),
                protected: desk.preferences.protected(),
                ..Model::default()
            },
            desk,
            in_flight: 0,
            interrupted_ms: 0,
            dirty: true,
            quit: false,
            asked: Asked::default(),
            behind: Behind::default(),
            reads_state: false,
            prepared: None,
            overwrites: None,
            notices: options.notices.clone(),
            start: Start {
                demo: options.target.is_demo(),
                snapshots: options.snapshots.clone(),
                go: options.go.clone(),
                looks: options.snapshots.is_empty(),
                tells: false,
                follows: options.go.is_empty(),
            },
        })
    }

    /// What to do first: the catalog, and the cluster or the files.
    pub fn begin(&mut self) -> Vec<Effect> {
        if let Some(applied) = &self.model.configuration {
            let sentence = applied.sentence();
            self.say(Severity::Info, sentence);
        }
        self.say_notices();
        let mut effects = vec![Effect::LoadCatalog { generation: self.model.catalog.start() }];
        effects.push(Effect::Contexts { pick: false });
        effects.push(self.list_runs());
        effects.push(self.list_moments());
        match &self.start.snapshots.clone()[..] {
            [] => effects.push(self.watch()),
            [one] => effects.push(self.read(SnapshotSlot::Cluster, one.clone())),
            [a, b, rest @ ..] => {
                effects.extend(rest.first().map(|c| self.read(SnapshotSlot::C, c.clone())));
                effects.push(self.read(SnapshotSlot::A, a.clone()));
                effects.push(self.read(SnapshotSlot::B, b.clone()));
                // The newer one is what the other screens speak of.
                effects.push(self.read(SnapshotSlot::Cluster, b.clone()));
                self.desk.screen = Screen::Compare;
            }
        }
        self.restore();
        self.sent(effects)
    }

    /// Takes a message; the effects are for the driver to run.
    pub fn update(&mut self, msg: Msg) -> Vec<Effect> {
        // Nobody waits for it any more.
        if self.operations.is_canceled(&msg) {
            return Vec::new();
        }
        self.operations.take(&msg, self.model.now_ms);
        self.dirty = true;
        let before = msg.is_of_a_person().then(|| (self.seen(), self.desk.screen));
        let outcome = self.outcome(&msg);
        self.model.begin(outcome);
        let mut effects = match msg {
            Msg::Input(input) => {
                if !matches!(input, Input::Resize { .. } | Input::Focus(_)) {
                    self.keeping.touch();
                    self.desk.touched_ms = self.model.now_ms;
                }
                self.input(input)
            }
            Msg::Act(action) if self.desk.overlay.is_some() => self.act_on_overlay(action),
            Msg::Act(action) => self.act(action),
            Msg::Command(line) => self.command(&line),
            Msg::Tick => {
                self.replay_tick();
                self.desk.mark(Need::Run);
                self.reread_runs(false)
            }
            Msg::Connected { generation, context, server } => {
                if generation != self.model.cluster.generation {
                    return Vec::new();
                }
                self.connected(context, server);
                self.look_for_runs()
            }
            Msg::ConnectFailed { generation, failure } => {
                if generation == self.model.cluster.generation {
                    self.not_connected(failure);
                }
                Vec::new()
            }
            Msg::Contexts { pick, answer } => {
                self.answered();
                self.contexts(pick, answer);
                Vec::new()
            }
            Msg::Switched(answer) => {
                self.answered();
                self.switched(answer)
            }
            Msg::PluginSaid(line) => {
                self.say(Severity::Info, format!("credential plugin: {line}"));
                Vec::new()
            }
            Msg::Live { generation, view } => self.live(generation, view),
            Msg::Catalog { generation, answer } => {
                self.answered();
                let failure = answer.as_ref().err().cloned();
                self.model.catalog.finish(generation, answer);
                self.desk.mark(Need::Recipe);
                match failure {
                    Some(failure) => {
                        self.say_failure(failure);
                        Vec::new()
                    }
                    None => {
                        self.reads_state = self.model.catalog.value.as_deref().is_some_and(ops::recipe::reads_state);
                        self.restore_documents();
                        self.resolve()
                    }
                }
            }
            Msg::Snapshot { slot, generation, name, answer } => {
                self.answered();
                match answer {
                    _ if generation != *self.asked.snapshot(slot) => Vec::new(),
                    Ok(snapshot) => {
                        let read = self.reading.iter().find(|(of, number, _)| (*of, *number) == (slot, generation));
                        if let Some((.., path)) = read {
                            self.keeping.opened(&path.clone());
                        }
                        self.reading.retain(|(of, ..)| *of != slot);
                        self.opened(slot, Side { name, snapshot })
                    }
                    Err(failure) => {
                        if slot == SnapshotSlot::Cluster {
                            let cluster = &mut self.model.cluster;
                            cluster.reading = None;
                            if cluster.snapshot.is_none() {
                                cluster.failure = Some(failure.clone());
                            }
                            self.desk.mark(Need::Cluster);
                        } else {
                            self.keeping.failed("compare");
                        }
                        self.say_failure(failure);
                        Vec::new()
                    }
                }
            }
            Msg::Resolved { slot, generation, answer } => self.resolved(slot, generation, answer),
            Msg::RecipeRead { generation, left, answer } => {
                self.answered();
                self.other_side(generation, left, answer)
            }
            Msg::WhatIfChanges { generation, answer } => {
                self.answered();
                self.what_if_compared(generation, answer);
                Vec::new()
            }
            Msg::RecipesCompared { generation, answer } => {
                self.answered();
                let diff = &mut self.model.diff;
                let before = diff.changes.value.clone();
                diff.changes.finish(generation, answer);
                let rows =
                    |changes: &Option<Arc<ops::diff::Changes>>| changes.as_ref().map(|changes| changes.rows.clone());
                if rows(&before) != rows(&diff.changes.value) {
                    diff.opened.clear();
                }
                self.desk.mark(Need::Diff);
                Vec::new()
            }
            Msg::UpgradeChecked { generation, answer } => {
                self.answered();
                let now_ms = self.model.now_ms;
                let upgrade = &mut self.model.upgrade;
                if upgrade.report.finish(generation, answer) && upgrade.report.failure.is_none() {
                    upgrade.checked_at = model::clock(now_ms);
                }
                self.desk.mark(Need::Upgrade);
                Vec::new()
            }
            Msg::SnapshotsCompared { generation, answer } => {
                self.answered();
                let is_newest = self.model.compare.changes.finish(generation, answer);
                self.desk.mark(Need::Compare);
                if is_newest && self.behind.comparison { self.compare_snapshots() } else { Vec::new() }
            }
            Msg::MomentsListed { generation, answer } => {
                self.answered();
                self.model.time.moments.finish(generation, answer);
                self.desk.mark(Need::Time);
                Vec::new()
            }
            Msg::MomentOpened { generation, moment, answer } => {
                self.answered();
                self.moment_opened(generation, *moment, answer)
            }
            Msg::Kept(Ok(_)) => vec![self.list_moments()],
            Msg::Kept(Err(failure)) => {
                self.say_failure(failure);
                Vec::new()
            }
            Msg::Planned { generation, answer } => {
                self.answered();
                self.planned(generation, answer);
                Vec::new()
            }
            Msg::Run(event) if self.model.deploy.active => {
                self.deploy_event(&event);
                Vec::new()
            }
            Msg::Run(event) => {
                self.run_event(event);
                Vec::new()
            }
            Msg::BundleRead { generation, answer } => {
                self.answered();
                self.bundle_read(generation, answer);
                Vec::new()
            }
            Msg::Evaluated { generation, news } => {
                self.evaluated(generation, news);
                Vec::new()
            }
            Msg::DeployPlanned { generation, answer } => {
                self.answered();
                self.deploy_planned(generation, answer);
                Vec::new()
            }
            Msg::RunsListed { generation, answer } => {
                self.answered();
                self.runs_listed(generation, answer)
            }
            Msg::RunOpened { generation, compare, answer } => {
                self.answered();
                self.run_opened(generation, compare, answer)
            }
            Msg::OlderRead { generation, run, check, number, answer } => {
                self.answered();
                self.older_read(generation, (run, check), number, answer)
            }
            Msg::OutputRead { generation, run, check, answer } => {
                self.answered();
                self.output_read(generation, (run, check), answer)
            }
            Msg::PreviousRead { generation, check, answer } => {
                self.answered();
                self.previous_read(generation, &check, answer);
                Vec::new()
            }
            Msg::RunsCompared { generation, answer } => {
                self.answered();
                self.runs_compared(generation, answer);
                Vec::new()
            }
            Msg::Followed { generation, event } => {
                self.followed(generation, *event);
                Vec::new()
            }
            Msg::FollowEnded { generation, answer } => self.follow_ended(generation, answer),
            Msg::RunsFound { generation, namespace, is_asked_for, answer } => {
                self.answered();
                self.runs_found((generation, is_asked_for), namespace, answer)
            }
            Msg::RunEnded { run_id, answer } => {
                self.answered();
                self.run_ended(&run_id, answer)
            }
            Msg::Copied { text, by: None } => vec![Effect::CopyByTerminal(text)],
            Msg::Copied { text, by: Some(by) } => {
                self.say_copied(&text, by);
                Vec::new()
            }
            Msg::Edited { name, answer } => self.edited(name, answer),
            Msg::Written { answer, .. } => {
                self.answered();
                self.written(answer);
                Vec::new()
            }
            Msg::Failed(failure) => {
                self.answered();
                self.say_failure(failure);
                Vec::new()
            }
            Msg::NotRecorded(failure) => {
                self.model.records.are_not_kept = true;
                self.desk.mark(Need::Run);
                self.say_failure(failure);
                Vec::new()
            }
            Msg::Files(files) => {
                self.answered();
                self.files(files);
                Vec::new()
            }
            Msg::Log(log) => {
                self.answered();
                self.desk.overlay = Some(Overlay::messages(&self.model.messages, &log));
                Vec::new()
            }
            Msg::Storage(items) => {
                self.answered();
                self.desk.overlay = Some(Overlay::storage(&items));
                Vec::new()
            }
            Msg::Preferences { chosen, preferences, themes, changed } => {
                self.take_preferences(*chosen, *preferences, themes, &changed);
                Vec::new()
            }
            Msg::PreferencesRefused(wrong) => {
                self.refuse_preferences(wrong);
                Vec::new()
            }
            Msg::Background(background) => {
                self.background(background);
                Vec::new()
            }
            Msg::Suspend => vec![Effect::Suspend],
            Msg::Terminate => {
                self.quit = true;
                Vec::new()
            }
        };
        if let Some((before, screen)) = before {
            self.remember(before);
            if screen != self.desk.screen {
                self.model.screen_changed();
                effects.extend(self.reread_runs(self.desk.screen == Screen::Validate));
            }
        }
        self.model.topic = None;
        waiting::note(&mut self.model);
        effects.append(&mut self.restored);
        let mut effects = self.sent(effects);
        effects.append(&mut self.begun);
        effects.extend(self.go_there());
        effects
    }

    /// What leaves: with a mark where nothing may change a cluster, nothing that would.
    fn sent(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if let Some(unable) = self.unable_while_switching().filter(|_| effects.iter().any(Effect::changes_cluster)) {
            effects.retain(|effect| !effect.changes_cluster());
            self.say_unable(Some(unable));
        }
        if self.model.read_only && effects.iter().any(Effect::changes_cluster) {
            effects.retain(|effect| !effect.changes_cluster());
            self.say_read_only();
        }
        for write in effects.iter_mut().filter_map(Effect::write_mut) {
            self.asked.write += 1;
            *write = self.asked.write;
        }
        effects.iter().for_each(|effect| self.operations.begin(effect, self.model.now_ms));
        self.in_flight += effects.iter().filter(|effect| effect.is_work()).count();
        effects
    }

    fn answered(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    // -- the cluster -------------------------------------------------------------------------------------------------

    /// Connects again; what was shown stays until the new view has data.
    fn watch(&mut self) -> Effect {
        // A file that is still being read was asked for before.
        self.asked.cluster += 1;
        let now_ms = self.model.now_ms;
        let cluster = &mut self.model.cluster;
        cluster.paused = None;
        cluster.generation += 1;
        if cluster.status == LiveStatus::Fresh && cluster.failure.is_none() {
            cluster.fresh_ms = now_ms;
        }
        (cluster.failure, cluster.reading) = (None, None);
        cluster.arriving = None;
        if let Some(switching) = &mut cluster.switching {
            (switching.status, switching.failure) = (LiveStatus::Connecting, None);
        } else if matches!(cluster.status, LiveStatus::Syncing { .. }) {
            cluster.is_asked_anew();
        }
        if cluster.snapshot.is_none() {
            cluster.source = if self.start.demo { Source::Demo } else { Source::Live };
        }
        Effect::Watch { generation: cluster.generation }
    }

    fn read(&mut self, slot: SnapshotSlot, path: std::path::PathBuf) -> Effect {
        let generation = self.asked.snapshot(slot);
        *generation += 1;
        let generation = *generation;
        self.reading.retain(|(of, ..)| *of != slot);
        self.reading.push((slot, generation, path.display().to_string()));
        if slot == SnapshotSlot::Cluster {
            self.model.cluster.reading = Some(path.display().to_string());
            self.desk.mark(Need::Cluster);
        }
        Effect::ReadSnapshot { slot, generation, path }
    }

    fn live(&mut self, generation: u64, view: LiveView) -> Vec<Effect> {
        if generation != self.model.cluster.generation {
            return Vec::new();
        }
        self.desk.mark_behind(Need::Cluster);
        self.desk.mark_behind(Need::Time);
        let mut effects = Vec::new();
        if let Some(switching) = &mut self.model.cluster.switching {
            if view.inventory.is_none() {
                let failed = match &view.status {
                    LiveStatus::Failed { error } if switching.failure.is_none() => Some(Failure::from(error.clone())),
                    _ => None,
                };
                switching.status = view.status;
                // Why nothing can be read of it, once.
                if let Some(failure) = failed {
                    switching.failure = Some(failure.clone());
                    self.say_failure(failure);
                }
                return Vec::new();
            }
            effects = self.switch_view();
        }
        effects.extend(self.live_view(view));
        effects
    }

    fn live_view(&mut self, view: LiveView) -> Vec<Effect> {
        let cluster = &mut self.model.cluster;
        if let Some(paused) = &mut cluster.paused {
            // A lost connection is known at once.
            cluster.status = view.status.clone();
            paused.take(view, cluster.snapshot.as_ref());
            return Vec::new();
        }
        if self.model.time.past.is_none() && !self.arrives(&view) {
            return Vec::new();
        }
        let cluster = &mut self.model.cluster;
        let was_partial = cluster.is_partial;
        cluster.stands(view.status, view.inventory.is_some(), self.model.now_ms);
        if self.model.time.past.is_some() {
            // What is shown stands still; what comes is for later.
            return self.arrives_later(view.inventory);
        }
        // What was said of a part of the cluster is said again of all of it, whether or not it came out otherwise.
        let is_whole_now = was_partial && !cluster.is_partial;
        match view.inventory {
            Some(snapshot) if !cluster.snapshot.as_ref().is_some_and(|known| Arc::ptr_eq(known, &snapshot)) => {
                let reads_alike = self.show_cluster(snapshot);
                let mut effects = match reads_alike && !self.reads_state && !is_whole_now {
                    // Nothing that a recipe follows from has changed.
                    true => Vec::new(),
                    false if self.is_resolving() => {
                        self.behind.recipes = true;
                        Vec::new()
                    }
                    false => self.resolve(),
                };
                effects.extend(self.compare_with_now());
                effects
            }
            _ if is_whole_now && self.is_resolving() => {
                self.behind.recipes = true;
                Vec::new()
            }
            _ if is_whole_now => self.resolve(),
            _ => Vec::new(),
        }
    }

    /// Shows what is known of the cluster now, and says what could not be read when that changes.
    ///
    /// Whether all that recipes follow from is as before.
    fn show_cluster(&mut self, snapshot: Arc<Inventory>) -> bool {
        let cluster = &mut self.model.cluster;
        let (first, before) = (cluster.snapshot.is_none(), cluster.gaps());
        let reads_alike = cluster.show(snapshot);
        let gaps = cluster.gaps();
        if gaps != before && !gaps.is_empty() {
            self.say(Severity::Warn, gaps.join("; "));
        }
        if first {
            self.start_with_shapes();
        }
        reads_alike
    }

    /// Nodes that differ and that are pages of a panel are begun with by their shapes.
    fn start_with_shapes(&mut self) {
        let desk = &mut self.desk;
        let Some(area) = desk.layout.panel(&NODES) else { return };
        // What a step or two bring into view is a list that can be read.
        let rows = usize::from(desk.layout.inner(area).height.saturating_sub(1));
        let fits = self.model.cluster.nodes().len() <= 2 * rows;
        let are_alike = self.model.cluster.fleet.shapes.len() < 2;
        if !fits && !are_alike && desk.focused() == &NODES && desk.layout.panel(&SHAPES).is_none() {
            desk.focus_on(&SHAPES);
        }
    }

    fn opened(&mut self, slot: SnapshotSlot, side: Side) -> Vec<Effect> {
        match slot {
            SnapshotSlot::Cluster => {
                // A plan, a question or a moment that is on its way was about what is shown no more.
                self.forget_planned();
                self.asked.moment += 1;
                self.model.time.past = None;
                let cluster = &mut self.model.cluster;
                // An older watch speaks of another cluster, and the session may be with another one already.
                cluster.generation += 1;
                let left = cluster.switching.take().map(|switching| self.leave_cluster(switching.name));
                let cluster = &mut self.model.cluster;
                cluster.paused = None;
                cluster.is_asked_anew();
                (cluster.source, cluster.failure, cluster.reading) = (Source::Saved, None, None);
                (cluster.is_partial, cluster.arriving) = (false, None);
                cluster.name = side.name;
                cluster.server = String::new();
                self.show_cluster(side.snapshot);
                self.desk.mark(Need::Cluster);
                let mut effects: Vec<Effect> = self.forget_evaluated().into_iter().collect();
                effects.extend(left.into_iter().flatten());
                effects.extend(self.operations.runs(WATCH).then_some(Effect::EndWatch));
                effects.extend(self.resolve());
                effects.extend(self.compare_with_now());
                effects
            }
            SnapshotSlot::A => {
                self.model.compare.a = Some(side);
                self.compare_snapshots()
            }
            SnapshotSlot::B => {
                self.model.compare.b = Some(side);
                self.compare_snapshots()
            }
            SnapshotSlot::C => {
                self.model.compare.c = Some(side);
                self.compare_snapshots()
            }
        }
    }

    // -- recipes -----------------------------------------------------------------------------------------------------

    /// Resolves the current recipe and those beside it: for the catalog, the criteria and the cluster as they are now.
    pub(super) fn resolve(&mut self) -> Vec<Effect> {
        self.behind.recipes = false;
        let mut effects = self.resolve_current();
        effects.extend(self.resolve_what_if());
        effects.extend(self.resolve_kept());
        if matches!(self.model.diff.with, Some(With::Criteria(_))) {
            effects.extend(self.resolve_other());
        }
        effects
    }

    /// Whether a recipe that follows from the cluster is being resolved.
    fn is_resolving(&self) -> bool {
        let Model { recipe, what_if, kept, diff, .. } = &self.model;
        recipe.loading
            || what_if.as_ref().is_some_and(|what_if| what_if.resolution.loading)
            || kept.iter().any(|kept| kept.resolution.loading)
            || diff.other.loading && matches!(diff.with, Some(With::Criteria(_)))
    }

    /// Resolves once more what the cluster has changed under.
    fn catch_up(&mut self) -> Vec<Effect> {
        if self.behind.recipes && !self.is_resolving() { self.resolve() } else { Vec::new() }
    }

    /// Resolves the current recipe: for the stated criteria, else for what the cluster reveals.
    fn resolve_current(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.model.catalog.value.clone() else { return Vec::new() };
        let Some(query) = self.query() else { return Vec::new() };
        self.desk.mark(Need::Recipe);
        let is_stated = self.model.is_stated();
        let is_so_far = self.model.cluster.is_so_far();
        let question = Question { criteria: query.criteria().clone(), is_stated, is_so_far };
        let generation = self.model.recipe.ask(question);
        vec![self.resolve_as(RecipeSlot::Current, generation, (catalog, query))]
    }

    /// The work of resolving; the shown recipe is the one that names its configuration.
    fn resolve_as(&self, slot: RecipeSlot, generation: u64, (catalog, query): (Arc<Catalog>, Query)) -> Effect {
        let Model { cluster, inherit, configuration, .. } = &self.model;
        let inherit = inherit.as_ref().map(|place| Wanted {
            place: place.clone(),
            cluster: cluster.name.clone(),
            is_saved: cluster.source.is_saved(),
            refused: self.unable_while_switching().map(|unable| unable.said),
        });
        let configuration = configuration.clone().filter(|_| slot == RecipeSlot::Current);
        let (snapshot, basis) = (cluster.snapshot.clone(), Box::new(Basis { inherit, configuration }));
        Effect::Resolve { slot, generation, catalog, query, snapshot, basis }
    }

    /// What is asked for; `None` where there is nothing to go by yet.
    fn query(&self) -> Option<Query> {
        match (&self.model.stated, &self.model.cluster.snapshot) {
            (Some(criteria), _) if self.model.is_stated() => Some(criteria.into()),
            (stated, Some(_)) => {
                let found = Query::of(self.model.cluster.fingerprint.criteria(), StatedBy::Snapshot);
                // A profile or a setting alone is chosen for the cluster that is there.
                let chosen = stated.as_ref().map(|criteria| Criteria {
                    profile: criteria.profile.clone(),
                    configuration: criteria.configuration.clone(),
                    ..found.criteria().clone()
                });
                Some(chosen.map_or_else(|| found.clone(), |criteria| found.changed(&criteria, StatedBy::Flag)))
            }
            (_, None) => None,
        }
    }

    /// Resolves what-if anew after a toggle.
    fn resolve_what_if(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.model.catalog.value.clone() else { return Vec::new() };
        let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
        let criteria = what_if.criteria.clone();
        let query = self.query().unwrap_or_default().changed(&criteria, StatedBy::Flag);
        self.stale_what_if();
        let is_current = criteria == *self.model.criteria();
        let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
        if is_current {
            what_if.resolution.clear();
            what_if.changes.clear();
            return Vec::new();
        }
        let generation = what_if.resolution.ask(criteria);
        vec![self.resolve_as(RecipeSlot::WhatIf, generation, (catalog, query))]
    }

    /// Resolves the what-ifs that stay as columns.
    fn resolve_kept(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.model.catalog.value.clone() else { return Vec::new() };
        let query = self.query().unwrap_or_default();
        let mut asked = Vec::new();
        for kept in &mut self.model.kept {
            // One count for all: columns come and go, and an answer must find its own.
            self.asked.kept += 1;
            let generation = self.asked.kept;
            (kept.resolution.generation, kept.resolution.loading) = (generation, true);
            asked.push((generation, query.changed(&kept.criteria, StatedBy::Flag)));
        }
        let resolve = |(generation, query)| self.resolve_as(RecipeSlot::Kept, generation, (catalog.clone(), query));
        asked.into_iter().map(resolve).collect()
    }

    fn stale_what_if(&mut self) {
        self.desk.mark(Need::WhatIf);
    }

    /// Puts the recipe beside something else on the Diff screen.
    fn compare_recipe_with(&mut self, with: With) -> Vec<Effect> {
        let diff = &mut self.model.diff;
        // What was compared before says nothing of this, and neither does its order.
        diff.other.clear();
        diff.changes.clear();
        (diff.left, diff.with, diff.swapped) = (None, Some(with), false);
        if panes::shows_upgrades(self.desk.focused_on(Screen::Diff)) {
            self.desk.focus_on(&CHANGES);
        }
        self.desk.show(Screen::Diff);
        self.resolve_other()
    }

    /// Resolves or reads the other side of the Diff screen.
    fn resolve_other(&mut self) -> Vec<Effect> {
        let Some(catalog) = self.model.catalog.value.clone() else { return Vec::new() };
        let Some(with) = self.model.diff.with.clone() else { return Vec::new() };
        self.desk.mark(Need::Diff);
        let generation = self.model.diff.other.start();
        match with {
            With::Criteria(criteria) => {
                vec![self.resolve_as(RecipeSlot::Other, generation, (catalog, (&criteria).into()))]
            }
            With::File(path) => self.read_recipe(generation, None, path.display().to_string()),
            With::Each(left, path) => self.read_recipe(generation, Some(left), path),
            With::OnCluster(path) => self.read_recipe(generation, None, path),
            With::Cluster => {
                let other = &mut self.model.diff.other;
                (other.loading, other.failure) = (false, None);
                self.compare_recipes()
            }
        }
    }

    /// The other side of the Diff screen has come.
    fn other_side(
        &mut self,
        generation: u64,
        left: Option<Arc<crate::document::side::Side>>,
        answer: Result<Arc<crate::document::side::Side>, Failure>,
    ) -> Vec<Effect> {
        let failed = answer.as_ref().err().cloned();
        if !self.model.diff.other.finish(generation, answer) {
            return Vec::new();
        }
        self.model.diff.left = left;
        self.desk.mark(Need::Diff);
        let mut effects = self.catch_up();
        match failed {
            Some(failure) => {
                // What was compared before says nothing of the cluster as it is now.
                self.model.diff.changes.clear();
                self.say_failure(failure);
            }
            None => effects.extend(self.compare_recipes()),
        }
        effects
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
                if !self.model.recipe.finish(generation, answer) {
                    return Vec::new();
                }
                self.desk.mark(Need::Recipe);
                let mut effects = self.catch_up();
                match failed {
                    Some(failure) => self.say_failure(failure),
                    None => {
                        self.say_inherited();
                        let model = &mut self.model;
                        let resolution = model.recipe.value.as_deref();
                        model.rules = resolution
                            .map(|resolution| model::rules(resolution, model.cluster.snapshot.as_deref()))
                            .unwrap_or_default();
                        effects.extend(self.compare_recipes());
                        effects.extend(self.compare_what_if());
                        effects.extend(self.check_upgrade());
                        effects.extend(self.evaluate_changed());
                    }
                }
                effects
            }
            RecipeSlot::WhatIf => {
                let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
                if !what_if.resolution.finish(generation, answer) {
                    return Vec::new();
                }
                if failed.is_some() {
                    what_if.changes.clear();
                }
                self.desk.mark(Need::WhatIf);
                let mut effects = self.catch_up();
                if failed.is_none() {
                    effects.extend(self.compare_what_if());
                }
                effects
            }
            RecipeSlot::Kept => {
                let kept = self.model.kept.iter_mut().find(|kept| kept.resolution.generation == generation);
                if !kept.is_some_and(|kept| kept.resolution.finish(generation, answer)) {
                    return Vec::new();
                }
                self.desk.mark(Need::WhatIf);
                self.catch_up()
            }
            RecipeSlot::Other => self.other_side(generation, None, answer.map(|other| Arc::new((&*other).into()))),
        }
    }

    /// How much of an earlier installation the recipe keeps, once after it was asked for.
    fn say_inherited(&mut self) {
        let Model { recipe, inherit_said, .. } = &mut self.model;
        let inherited = recipe.value.as_ref().and_then(|resolution| resolution.recipe.extra.get("inherited"));
        let Some(inherited) = inherited.filter(|_| !std::mem::replace(inherit_said, true)) else { return };
        let kept = inherited["kept"].as_array().map_or(0, Vec::len);
        let from = inherited["from"].as_str().unwrap_or_default();
        let (severity, unknown) = match inherited["namesUnknown"].as_str() {
            Some(why) => (Severity::Warn, format!("; names of objects stay those of the new recipe: {why}")),
            None => (Severity::Ok, String::new()),
        };
        let line = format!("the recipe keeps {} of {from}{unknown}", text::count(kept, "field"));
        self.say(severity, line);
    }

    /// What was copied, how much of it, and by which way.
    pub(super) fn say_copied(&mut self, text: &str, by: &str) {
        let shown = text::fit(text.lines().next().unwrap_or_default(), 48, Default::default());
        let shown = text::clean(&shown).into_owned();
        self.say(Severity::Ok, format!("copied `{shown}` ({} bytes, {by})", text.len()));
    }

    /// Why something was not done.
    pub(super) fn say_read_only(&mut self) {
        self.say_unable(self.is_read_only());
    }

    // -- talking -----------------------------------------------------------------------------------------------------

    pub fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.model.say(severity, text);
    }

    pub fn say_failure(&mut self, failure: Failure) {
        self.model.say_failure(failure);
    }

    /// The answer; a failure is said.
    fn good<T>(&mut self, answer: Result<T, Failure>) -> Option<T> {
        answer.map_err(|failure| self.say_failure(failure)).ok()
    }
}
