//! What the workbench knows: cluster, recipe, what-if, diff, run and comparison, each with its state.
//!
//! Only values; [`super::app`] changes them, panes read them. The last good value stays while a newer one is fetched or
//! after it could not be.

use super::{
    deploy::Deploy,
    elsewhere::{Following, RunOrigin},
    health::Validated,
    live_checks::LiveChecks,
    older::Older,
    pod_view::PodView,
    preferences::protect::Protected,
    widgets::text,
};
pub use super::{
    diff_view::DiffView,
    messages::{Message, Severity, Topic},
    slot::Slot,
};
use crate::{
    bundle::compare::There,
    catalog::{Catalog, validator::Phase},
    cluster::{
        Contexts, collect,
        watch::{LiveStatus, LiveView},
    },
    constraint,
    criteria::Criteria,
    diff::{Change, flips::Flip, noise::Shown as Noise},
    document::side,
    fingerprint::{self, Fingerprint},
    inventory::{
        InOrder, Inventory, Node, State as SourceState,
        shape::{Fleet, Grouping, Key, Shape},
    },
    ops::{
        Failure,
        config::Applied,
        diff::{Changes, Drift},
        run::{
            Chosen, Step,
            record::{Record, Summary},
        },
        snapshots::{self, Moment},
        upgrade::Report,
    },
    report::{
        self, compare as runs,
        lines::{Lines, Room},
    },
    resolve::{Outcome, Resolution},
    validate::{
        curve::Measured,
        event::{self, Body, CheckResult, Event, PlannedCheck, ReadinessOutcome, State as CheckState, Verdict},
        plan::PlanOptions,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::{Arc, LazyLock},
};

/// What a recipe is asked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub criteria: Criteria,
    /// A person stated them; else the cluster reveals them.
    pub is_stated: bool,
    /// Asked of a cluster that was still being read.
    pub is_so_far: bool,
}

/// The same of more of the cluster is the same question: its answer does not become stale while the next one is made.
impl PartialEq for Question {
    fn eq(&self, other: &Question) -> bool {
        (&self.criteria, self.is_stated) == (&other.criteria, other.is_stated)
    }
}

/// The two sides of a comparison, as titles name them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sides {
    pub left: String,
    pub right: String,
    /// Another one that the left is compared with as well.
    pub third: Option<String>,
    /// When each was taken, where its name does not say it.
    pub times: [String; 3],
}

impl Sides {
    /// The names of the sides, each with the time at which it was taken.
    pub fn with_times(&self) -> Sides {
        let [left, right, third] = &self.times;
        let with = |name: &str, at: &str| if at.is_empty() { name.to_owned() } else { format!("{name} {at}") };
        Sides {
            left: with(&self.left, left),
            right: with(&self.right, right),
            third: self.third.as_ref().map(|name| with(name, third)),
            times: Default::default(),
        }
    }
}

/// Where the shown snapshot comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Nothing yet.
    #[default]
    None,
    Live,
    Demo,
    /// A file.
    Saved,
    /// A kept snapshot of the cluster that is watched.
    Past,
}

impl Source {
    /// The word in the context line.
    pub fn word(self) -> &'static str {
        match self {
            Source::None => "NONE",
            Source::Live => "LIVE",
            Source::Demo => "DEMO",
            Source::Saved => "SNAP",
            Source::Past => "PAST",
        }
    }

    /// It does not change, and nothing can be asked of it.
    pub fn is_saved(self) -> bool {
        matches!(self, Source::Saved | Source::Past)
    }
}

/// The cluster, or the file that stands for one.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    pub source: Source,
    /// Context name or file name.
    pub name: String,
    /// The context of the connection, whatever is shown; empty before there is one.
    pub context: String,
    pub server: String,
    pub status: LiveStatus,
    /// When what is shown was last known to be as the cluster is.
    pub fresh_ms: u64,
    /// Since when the cluster is being read for the first time, or again after a lost connection.
    pub syncing_since_ms: Option<u64>,
    /// The snapshot holds what was read so far: sources have not answered yet.
    pub is_partial: bool,
    /// No connection at all: why.
    pub failure: Option<Failure>,
    /// The cluster of another context, while this one is shown until there is something to show of it.
    pub switching: Option<Switching>,
    /// Context and server of a cluster that has answered, while a file is still shown.
    pub arriving: Option<(String, String)>,
    /// The file that is being read to be shown.
    pub reading: Option<String>,
    /// What is shown stands still, because a person said so.
    pub paused: Option<Paused>,
    pub snapshot: Option<Arc<Inventory>>,
    /// Its nodes as they are listed.
    pub in_order: InOrder,
    /// The nodes by shape.
    pub fleet: Fleet,
    /// What made them, for the next time.
    pub grouping: Grouping,
    /// The shape whose nodes alone are listed.
    pub drilled: Option<Key>,
    /// What is known of the cluster as a whole.
    pub fingerprint: Fingerprint,
    pub generation: u64,
}

/// A cluster of another context, of which nothing is shown yet.
#[derive(Clone, Debug, Default)]
pub struct Switching {
    /// Of its context.
    pub name: String,
    pub server: String,
    pub status: LiveStatus,
    /// No connection at all: why.
    pub failure: Option<Failure>,
}

/// What has come while the view of a cluster stands still.
#[derive(Clone, Debug, Default)]
pub struct Paused {
    /// The newest one, to be shown afterwards.
    pub newest: Option<LiveView>,
    /// How many there were with another inventory.
    pub updates: usize,
}

impl Paused {
    /// Takes what has come; `shown` is the inventory that stands still.
    pub fn take(&mut self, view: LiveView, shown: Option<&Arc<Inventory>>) {
        let newest = self.newest.take().and_then(|newest| newest.inventory);
        let known = newest.or_else(|| shown.cloned());
        let is_other = match (&known, &view.inventory) {
            (Some(known), Some(new)) => !Arc::ptr_eq(known, new),
            (None, new) => new.is_some(),
            (_, None) => false,
        };
        self.updates += usize::from(is_other);
        self.newest = Some(LiveView { inventory: view.inventory.or(known), ..view });
    }

    /// `paused`, `paused, 3 updates`.
    pub fn words(&self) -> String {
        match self.updates {
            0 => "paused".to_owned(),
            updates => format!("paused, {}", text::count(updates, "update")),
        }
    }
}

impl Cluster {
    /// Takes a new inventory; says whether it reads like the one before: [`Inventory::reads_like`].
    pub fn show(&mut self, snapshot: Arc<Inventory>) -> bool {
        let reads_alike = self.snapshot.as_ref().is_some_and(|known| known.reads_like(&snapshot));
        self.in_order.update(&snapshot.nodes);
        self.grouping.update(&mut self.fleet, self.in_order.nodes());
        // It follows from readings alone.
        if !reads_alike {
            self.fingerprint = fingerprint::of(&snapshot);
        }
        self.snapshot = Some(snapshot);
        reads_alike
    }

    /// What is shown is called by the cluster that has answered, where one has.
    pub(super) fn arrived(&mut self) {
        if let Some((context, server)) = self.arriving.take() {
            (self.name, self.server) = (context, server);
        }
    }

    /// No watch has said anything yet: what an older one said is over.
    pub(super) fn is_asked_anew(&mut self) {
        (self.status, self.syncing_since_ms) = (LiveStatus::Connecting, None);
    }

    /// A watch says how it stands, with or without a snapshot. A connection that is lost reads nothing more.
    pub(super) fn stands(&mut self, status: LiveStatus, with_snapshot: bool, now_ms: u64) {
        if [&self.status, &status].contains(&&LiveStatus::Fresh) {
            self.fresh_ms = now_ms;
        }
        self.syncing_since_ms = match status {
            LiveStatus::Connecting | LiveStatus::Syncing { .. } => self.syncing_since_ms.or(Some(now_ms)),
            LiveStatus::Fresh | LiveStatus::Failed { .. } | LiveStatus::Reconnecting { .. } => None,
        };
        self.is_partial = match status {
            LiveStatus::Connecting | LiveStatus::Syncing { .. } => self.is_partial || with_snapshot,
            LiveStatus::Fresh | LiveStatus::Failed { .. } => false,
            LiveStatus::Reconnecting { .. } => self.is_partial,
        };
        self.status = status;
    }

    /// How old what is shown is, where it does not follow the cluster: the connection is lost, or being made again.
    pub fn age_ms(&self, now_ms: u64) -> Option<u64> {
        let is_followed = self.status == LiveStatus::Fresh && self.failure.is_none() && self.switching.is_none();
        let is_whole = self.snapshot.is_some() && !self.is_partial && self.reading.is_none();
        (is_whole && !self.source.is_saved() && !is_followed).then(|| now_ms.saturating_sub(self.fresh_ms))
    }

    /// Whether what is shown is the cluster as far as it has been read.
    pub fn is_so_far(&self) -> bool {
        self.is_partial && self.snapshot.is_some() && !self.source.is_saved()
    }

    /// What could not be read, in a few words each: `forbidden: list pods`.
    pub fn gaps(&self) -> Vec<String> {
        let sources = self.snapshot.iter().flat_map(|snapshot| &snapshot.sources);
        sources.filter_map(|source| source.state.brief()).collect()
    }

    /// The same as sentences, each with what the cluster answered and what to do about it.
    pub fn unread(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for state in self.snapshot.iter().flat_map(|snapshot| &snapshot.sources).map(|source| &source.state) {
            let (Some(brief), Some(reason)) = (state.brief(), state.reason()) else { continue };
            let needs = brief.split_once(": ").map_or("", |(_, needs)| needs);
            lines.extend([brief.clone(), format!("  {}", text::clean(reason))]);
            if let (SourceState::Forbidden(_), false) = (state, needs.is_empty()) {
                lines.push(format!("  ask for the right to {needs}; check with: kubectl auth can-i {needs}"));
            }
        }
        lines
    }

    /// What the snapshot lacks: sources that have not answered yet, and those that could not be read.
    pub fn missing(&self) -> Vec<String> {
        let answered = |name: &str| self.snapshot.iter().any(|snapshot| snapshot.source(name).is_some());
        let waiting = collect::ALL.iter().map(|source| source.name).filter(|name| !answered(name));
        let waiting: Vec<&str> = if self.is_so_far() { waiting.collect() } else { Vec::new() };
        let unread = (!waiting.is_empty()).then(|| format!("not read yet: {}", waiting.join(", ")));
        unread.into_iter().chain(self.gaps()).collect()
    }

    /// The shape whose nodes alone are listed, and its nodes; there may be none of it any more.
    pub fn drilled(&self) -> Option<(&Key, Option<&Shape>)> {
        let key = self.drilled.as_ref()?;
        Some((key, self.fleet.shape(key)))
    }

    /// The nodes that are listed: those of one shape, or all.
    pub fn listed(&self) -> &[Arc<Node>] {
        match self.drilled() {
            Some((_, shape)) => shape.map_or(&[], |shape| &shape.nodes),
            None => self.nodes(),
        }
    }

    /// The nodes of the shown cluster, as a person counts them; empty while nothing is shown.
    pub fn nodes(&self) -> &[Arc<Node>] {
        if self.snapshot.is_some() { self.in_order.nodes() } else { &[] }
    }
}

/// A constraint on the cluster: one of the recipe, or the one for which an overlay was left out of it.
#[derive(Clone, Debug)]
pub struct Rule {
    pub name: String,
    pub expected: String,
    pub verdict: constraint::Verdict,
    /// Index of the layer that set it; `None` where that was left out.
    pub layer: Option<usize>,
    /// The layer, or the overlay.
    pub set_by: String,
    /// Whether the author says that a cluster may go on without it.
    pub is_warning: bool,
    /// What to do where it does not hold; empty where the author does not say.
    pub remediation: String,
}

/// The constraints of a recipe, and those for which overlays were left out of it.
pub fn rules(resolution: &Resolution, snapshot: Option<&Inventory>) -> Vec<Rule> {
    let kept = resolution.constraints.iter().map(|judged| Rule {
        name: judged.name.clone(),
        expected: judged.expected.clone(),
        verdict: judged.verdict.clone(),
        layer: Some(judged.layer),
        set_by: resolution.layers.get(judged.layer).map(|layer| layer.name.clone()).unwrap_or_default(),
        is_warning: judged.is_warning,
        remediation: judged.remediation.clone(),
    });
    let mut rules: Vec<Rule> = kept.collect();
    for decision in &resolution.decisions {
        let (Outcome::Excluded { constraint: name, expected, .. }, Some(snapshot)) = (&decision.outcome, snapshot)
        else {
            continue;
        };
        if rules.iter().any(|rule| rule.name == *name && rule.expected == *expected) {
            continue;
        }
        rules.push(Rule {
            name: name.clone(),
            expected: expected.clone(),
            verdict: constraint::judge(name, expected, snapshot),
            layer: None,
            set_by: decision.overlay.clone(),
            is_warning: false,
            remediation: String::new(),
        });
    }
    rules
}

/// Another set of criteria, beside the current one.
#[derive(Clone, Debug, Default)]
pub struct WhatIf {
    pub criteria: Criteria,
    pub resolution: Slot<Resolution, Criteria>,
    pub changes: Slot<Vec<Change>, Criteria>,
    /// Constraints that differ, and how the cluster meets them.
    pub flips: Vec<Flip>,
}

/// A what-if that stays as a column beside the resolved values.
#[derive(Clone, Debug)]
pub struct Kept {
    pub criteria: Criteria,
    pub resolution: Slot<Resolution>,
}

impl Kept {
    /// What was resolved last; where the newest attempt failed, that is for an earlier state of the cluster.
    pub fn value(&self) -> Option<&Resolution> {
        self.resolution.value.as_deref()
    }
}

/// Columns that can be kept; the oldest makes room.
pub const KEPT: usize = 3;

/// What the recipe is put beside.
#[derive(Clone, Debug, PartialEq)]
pub enum With {
    Criteria(Criteria),
    File(PathBuf),
    /// What the shown cluster runs.
    Cluster,
    /// Nothing: these two are put beside each other, files or criteria.
    Each(String, String),
    /// Nothing: a recipe is put beside what the shown cluster runs.
    OnCluster(String),
}

impl With {
    pub fn describe(&self) -> String {
        match self {
            With::Criteria(criteria) => criteria.to_string(),
            With::File(path) => path.display().to_string(),
            With::Cluster => "the cluster".to_owned(),
            With::Each(left, right) => format!("{left} and {right}"),
            With::OnCluster(left) => format!("{left} and the cluster"),
        }
    }
}

/// The recipe beside another one, or beside a cluster.
#[derive(Clone, Debug)]
pub struct Diff {
    /// `None` until somebody asks.
    pub with: Option<With>,
    /// What is at the left instead of the recipe.
    pub left: Option<Arc<side::Side>>,
    /// The other recipe.
    pub other: Slot<side::Side>,
    pub changes: Slot<Changes, Sides>,
    pub view: DiffView,
    /// Unchanged lines around changes.
    pub context: usize,
    /// The other side is at the left.
    pub swapped: bool,
    /// Unchanged lines that are shown all the same, by the first row of each run of them.
    pub opened: BTreeSet<usize>,
}

impl Default for Diff {
    fn default() -> Diff {
        Diff {
            with: None,
            left: None,
            other: Slot::default(),
            changes: Slot::default(),
            view: DiffView::default(),
            context: 3,
            swapped: false,
            opened: BTreeSet::new(),
        }
    }
}

/// What the cluster has installed beside what the recipe wants.
#[derive(Clone, Debug, Default)]
pub struct Upgrade {
    /// Somebody looked at it, so it is checked again when what it is made of changes.
    pub asked: bool,
    /// As a person named it; else the one that the cluster shows.
    pub deployer: Option<String>,
    pub report: Slot<Report>,
    /// What the newest report is made of, or is being made of.
    pub basis: Option<UpgradeBasis>,
    /// Time of day of the report.
    pub checked_at: String,
}

/// Everything that decides a report, but for the objects of the cluster.
#[derive(Clone, Debug)]
pub struct UpgradeBasis {
    pub catalog: Arc<Catalog>,
    pub recipe: Arc<Resolution>,
    pub snapshot: Arc<Inventory>,
    pub deployer: Option<String>,
}

impl UpgradeBasis {
    /// Whether a report on one is a report on the other. A snapshot comes with every change of any node.
    pub fn is_same(&self, other: &UpgradeBasis) -> bool {
        let same_snapshot = Arc::ptr_eq(&self.snapshot, &other.snapshot)
            || (self.snapshot.releases == other.snapshot.releases
                && self.snapshot.gap("helm") == other.snapshot.gap("helm"));
        let same_recipe =
            Arc::ptr_eq(&self.recipe, &other.recipe) || self.recipe.recipe.components == other.recipe.recipe.components;
        Arc::ptr_eq(&self.catalog, &other.catalog) && same_recipe && same_snapshot && self.deployer == other.deployer
    }
}

/// A snapshot with the name it is shown under.
#[derive(Clone, Debug)]
pub struct Side {
    pub name: String,
    pub snapshot: Arc<Inventory>,
}

#[derive(Clone, Debug, Default)]
pub struct Compare {
    pub a: Option<Side>,
    /// `None` where nothing else was opened: then it is [`Model::compared_with`].
    pub b: Option<Side>,
    /// A third one, which A is compared with as well.
    pub c: Option<Side>,
    pub changes: Slot<Drift, Sides>,
    /// Which readings that change by themselves are shown.
    pub noise: Noise,
    pub view: CompareView,
    /// Equal readings of a node around those that differ.
    pub context: usize,
}

/// How the Compare screen lists differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareView {
    /// One row each.
    #[default]
    Reading,
    /// Below the node or the measurement that they are of.
    Identity,
    /// Once for all nodes of a shape that changed alike.
    Shape,
}

impl CompareView {
    pub fn next(self) -> CompareView {
        match self {
            CompareView::Reading => CompareView::Identity,
            CompareView::Identity => CompareView::Shape,
            CompareView::Shape => CompareView::Reading,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            CompareView::Reading => "by reading",
            CompareView::Identity => "by identity",
            CompareView::Shape => "by shape",
        }
    }
}

/// Kept snapshots of the watched cluster, and which of them is shown instead of it.
#[derive(Clone, Debug, Default)]
pub struct TimeBar {
    /// It is shown.
    pub open: bool,
    /// Of every cluster, the oldest first.
    pub moments: Slot<Vec<Moment>>,
    pub past: Option<Past>,
}

/// A kept snapshot that is shown, and what is shown again after it.
#[derive(Clone, Debug)]
pub struct Past {
    pub moment: Moment,
    pub now: Option<Arc<Inventory>>,
    pub source: Source,
    /// What was said of it.
    pub said: String,
}

impl Model {
    /// Kept snapshots of the shown cluster, the oldest first.
    pub fn moments(&self) -> Vec<&Moment> {
        let past = self.time.past.as_ref().map(|past| past.moment.cluster.as_str());
        self.moments_of(past.or(self.cluster.snapshot.as_deref().map(snapshots::cluster_of)).unwrap_or_default())
    }

    /// Those of a cluster.
    pub fn moments_of(&self, cluster: &str) -> Vec<&Moment> {
        let all = self.time.moments.value.as_deref().map_or(&[][..], Vec::as_slice);
        all.iter().filter(|moment| moment.cluster == cluster).collect()
    }
}

#[derive(Clone, Debug)]
pub struct CheckView {
    pub planned: PlannedCheck,
    pub state: CheckState,
    /// First event that was more than waiting.
    pub started_ms: Option<u64>,
    /// The node that it was placed on, as soon as that is known.
    pub node: Option<String>,
    pub result: Option<CheckResult>,
    /// Its own first, then those that it created, as they came.
    pub pods: Vec<PodView>,
    pub log: Lines,
    /// Lines that a person marked, by their numbers, each with what they called it; empty where they did not.
    pub marks: BTreeMap<usize, String>,
    /// What a benchmark has measured so far.
    pub curve: Vec<Measured>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReadinessView {
    pub name: String,
    pub expected: String,
    pub outcome: ReadinessOutcome,
    pub actual: Option<String>,
    pub reason: Option<String>,
    /// The layer of the recipe that set it, where the run says it.
    pub set_by: Option<String>,
}

/// How the next runs are to go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    pub step: Step,
    pub skip: Vec<String>,
    pub in_process: bool,
    /// What else a run is planned with: it decides which image runs a check.
    pub plan: Arc<PlanOptions>,
}

/// What a run is asked to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct What {
    /// Empty for all.
    pub phases: Vec<Phase>,
    /// Empty for all.
    pub only: Vec<String>,
    /// Instead of what the catalog says.
    pub timeout_seconds: Option<u64>,
    pub setup: Setup,
    /// How the recipe was chosen.
    pub recipe: Chosen,
}

/// Runs that were recorded on this machine, and what is shown of them.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// The newest first.
    pub list: Slot<Vec<Summary>>,
    /// The shown run is one of them.
    pub replay: Option<Replay>,
    pub compared: Option<RunsCompared>,
    /// The shown run is one that goes on in another program.
    pub following: Option<Following>,
    /// Runs that have Jobs in a namespace of the cluster, as they were found last.
    pub in_cluster: Option<InCluster>,
    /// Lines of a log that memory has no more, where a person went back to them.
    pub older: Option<Older>,
    /// The runs of this workbench are not recorded: what memory has no more is gone.
    pub are_not_kept: bool,
}

/// Runs that somebody started on the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCluster {
    pub namespace: String,
    /// The newest first.
    pub runs: Vec<String>,
}

/// A recorded run, as far as it is shown.
#[derive(Clone, Debug)]
pub struct Replay {
    pub record: Arc<Record>,
    /// Events that are shown.
    pub next: usize,
    /// The time in the run, in milliseconds since the epoch.
    pub clock_ms: u64,
    /// When it was set last.
    pub tick_ms: u64,
    pub speed: u32,
    pub playing: bool,
    /// Lines that a person marked, by their checks: also those that are not shown yet.
    pub marks: BTreeMap<String, BTreeMap<usize, String>>,
}

/// Two runs by their ids, and what became of their checks.
#[derive(Clone, Debug, PartialEq)]
pub struct RunsCompared {
    pub left: String,
    pub right: String,
    pub rows: Vec<runs::Row>,
}

/// What one check of a run would create, as it was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    pub check: String,
    pub phase: Phase,
    pub brief: String,
    pub objects: usize,
}

/// A validation run, folded from its events.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub id: String,
    pub origin: RunOrigin,
    pub namespace: String,
    pub started_ms: u64,
    /// Time of the newest event.
    pub last_ms: u64,
    pub readiness: Vec<ReadinessView>,
    pub checks: Vec<CheckView>,
    pub running: Option<Phase>,
    /// Why no further check starts, until somebody says to go on.
    pub paused: Option<event::Stop>,
    /// What checks would create, of a run that was planned here.
    pub ahead: Vec<Ahead>,
    pub recipe: String,
    pub criteria: String,
    pub notices: Vec<(event::Severity, String)>,
    pub cleaned: Option<(usize, Vec<String>)>,
    /// Who ran it has left, and these checks have Jobs that went on.
    pub left: Option<Vec<String>>,
    pub verdict: Option<Verdict>,
    /// Started here and not ended yet.
    pub active: bool,
    pub canceling: bool,
    /// The same as a report.
    pub report: report::Report,
    /// The cursor goes to the check that runs.
    pub follows: bool,
    pub failure: Option<Failure>,
    /// What the output of all checks may take.
    pub log_room: Room,
}

impl Run {
    /// Results of checks that failed or gave no verdict.
    pub fn failed(&self) -> impl Iterator<Item = &CheckResult> {
        let results = self.checks.iter().filter_map(|check| check.result.as_ref());
        results.filter(|result| matches!(result.status, event::Status::Failed | event::Status::Other))
    }

    /// When the first check of a phase began; the run, where none has.
    pub fn phase_began_ms(&self, phase: Phase) -> u64 {
        #[cfg(test)]
        ASKED.with(|asked| asked.set(asked.get() + 1));
        let of_phase = self.checks.iter().filter(|check| check.planned.phase == phase);
        of_phase.filter_map(|check| check.started_ms).min().unwrap_or(self.started_ms)
    }

    /// Takes one event of the stream.
    pub fn fold(&mut self, event: Event) {
        let at_ms = event.observed_at_ms;
        let happened_ms = event.stated_at_ms.unwrap_or(at_ms);
        self.report.on(&event);
        self.last_ms = self.last_ms.max(at_ms);
        match event.body {
            Body::Planned { run_id, namespace, checks, context: _, recipe, criteria } => {
                (self.recipe, self.criteria) = (recipe, criteria);
                self.id = run_id;
                self.namespace = namespace;
                let mut known = std::mem::take(&mut self.checks);
                if known.is_empty() {
                    self.started_ms = at_ms;
                }
                let view = |planned: PlannedCheck| {
                    let place = known.iter().position(|check| check.planned.name == planned.name);
                    place.map(|place| known.swap_remove(place)).unwrap_or_else(|| CheckView::new(planned))
                };
                self.checks = checks.into_iter().map(view).collect();
            }
            Body::Readiness { name, expected, outcome, actual, reason, set_by } => {
                self.readiness.push(ReadinessView { name, expected, outcome, actual, reason, set_by });
            }
            // The Deploy view has them.
            Body::Deploy(_) => {}
            Body::PhaseStarted { phase } => self.running = Some(phase),
            Body::Paused { before } => self.paused = Some(before),
            Body::Resumed => self.paused = None,
            Body::State { check, state } => {
                if let Some(view) = self.check_mut(&check) {
                    if view.started_ms.is_none() && state != CheckState::Queued {
                        view.started_ms = Some(happened_ms);
                    }
                    if let CheckState::Scheduled { node } | CheckState::Running { node } = &state {
                        view.node = Some(node.clone());
                    }
                    view.state = state;
                }
            }
            Body::Pod { check, pod } => {
                let is_seen_begin = self.origin != RunOrigin::Cluster;
                if let Some(view) = self.check_mut(&check) {
                    PodView::take(&mut view.pods, pod, happened_ms, is_seen_begin);
                }
            }
            Body::Log { check, text, source } => {
                if let Some(view) = self.check_mut(&check) {
                    view.log.push_of(happened_ms, &source, &text);
                    self.log_room.make(self.checks.iter_mut().map(|check| &mut check.log));
                }
            }
            Body::Measured { check, row } => {
                if let Some(view) = self.check_mut(&check) {
                    view.curve.push(row);
                }
            }
            Body::Finished { check, result } => {
                if let Some(view) = self.check_mut(&check) {
                    PodView::judge(&mut view.pods, &result);
                    view.result = Some(result);
                }
            }
            Body::PhaseFinished { .. } => self.running = None,
            Body::Notice { severity, text } => self.notices.push((severity, text)),
            Body::CleanedUp { removed, left } => {
                self.checks.iter_mut().for_each(|check| PodView::remove(&mut check.pods, &left, at_ms));
                self.cleaned = Some((removed, left));
            }
            Body::Ended { verdict } => {
                self.verdict = Some(verdict);
                self.active = false;
            }
            Body::Left { checks } => {
                self.left = Some(checks);
                self.active = false;
            }
        }
    }

    /// Marks a line of a check's output; without a label, takes its mark away. Whether it was marked before.
    pub fn mark(&mut self, check: &str, line: usize, label: Option<String>) -> bool {
        let Some(view) = self.check_mut(check) else { return false };
        let before = view.marks.remove(&line);
        view.marks.extend(label.map(|label| (line, label)));
        before.is_some()
    }

    pub fn check(&self, name: &str) -> Option<&CheckView> {
        self.checks.iter().find(|check| check.planned.name == name)
    }

    fn check_mut(&mut self, name: &str) -> Option<&mut CheckView> {
        self.checks.iter_mut().find(|check| check.planned.name == name)
    }
}

impl CheckView {
    fn new(planned: PlannedCheck) -> CheckView {
        CheckView {
            planned,
            state: CheckState::Queued,
            started_ms: None,
            node: None,
            result: None,
            pods: Vec::new(),
            log: Lines::default(),
            marks: BTreeMap::new(),
            curve: Vec::new(),
        }
    }
}

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Nothing that would change a cluster is done.
    pub read_only: bool,
    /// Where that was set.
    pub read_only_by: Option<String>,
    /// Contexts whose name is typed before anything is changed there.
    pub protected: Protected,
    pub cluster: Cluster,
    /// Those that the kubeconfig has, as it was read last.
    pub contexts: Contexts,
    pub catalog: Slot<Catalog>,
    /// Criteria that a person stated; else the fingerprint's.
    pub stated: Option<Criteria>,
    /// What was taken from a configuration and still holds.
    pub configuration: Option<Arc<Applied>>,
    /// Whose namespaces, charts and names recipes keep.
    pub inherit: Option<String>,
    /// What came of it was said.
    pub inherit_said: bool,
    pub recipe: Slot<Resolution, Question>,
    /// The bundle on disk that the recipe's plan is compared with, by its folder.
    pub bundle: Slot<There, PathBuf>,
    /// The constraints of the recipe on the cluster.
    pub rules: Vec<Rule>,
    pub what_if: Option<WhatIf>,
    /// What was tried when what-if was closed and not reverted: it begins with that the next time.
    pub tried: Option<Criteria>,
    /// Oldest first.
    pub kept: Vec<Kept>,
    pub diff: Diff,
    pub upgrade: Upgrade,
    pub run: Run,
    /// What runs came to, the newest last.
    pub validated: Vec<Validated>,
    pub deploy: Deploy,
    pub live: LiveChecks,
    pub setup: Setup,
    pub records: Records,
    pub compare: Compare,
    pub time: TimeBar,
    /// Oldest first.
    pub messages: VecDeque<Message>,
    /// Counts what is done: what is said together was said in the same turn.
    pub turn: u64,
    /// What is being done now: errors that come of it are about this.
    pub topic: Option<Topic>,
    /// Milliseconds since the epoch, as the driver last said.
    pub now_ms: u64,
}

impl Model {
    /// The time that elapsed times of the shown run count to.
    pub fn run_now_ms(&self) -> u64 {
        self.records.replay.as_ref().map_or(self.now_ms, |replay| replay.clock_ms)
    }

    /// The shown run moves by itself.
    pub fn run_moves(&self) -> bool {
        self.run.active
            || self.deploy.active
            || self.follows()
            || self.records.replay.as_ref().is_some_and(|replay| replay.playing)
    }

    /// Whether a person stated a dimension: a profile or a setting alone is chosen for the cluster that is there.
    pub fn is_stated(&self) -> bool {
        self.stated.as_ref().is_some_and(|criteria| criteria.specificity() > 0)
    }

    /// The criteria of the shown recipe; of the one that was asked for where none is shown.
    pub fn criteria(&self) -> &Criteria {
        static NONE: LazyLock<Criteria> = LazyLock::new(Criteria::default);
        let answered = self.recipe.answer().map(|(question, _)| question);
        answered.or(self.recipe.asked()).map_or(&NONE, |question| &question.criteria)
    }

    /// What the sides of the Diff screen are called, of a comparison that begins now.
    pub(super) fn diff_sides(&self) -> Sides {
        let recipe = || self.criteria().to_string();
        let (current, other) = match &self.diff.with {
            None => (recipe(), "-".to_owned()),
            Some(With::Criteria(criteria)) => (recipe(), criteria.to_string()),
            Some(With::File(path)) => (recipe(), path.display().to_string()),
            Some(With::Cluster) => (recipe(), self.cluster.name.clone()),
            Some(With::Each(left, right)) => (left.clone(), right.clone()),
            Some(With::OnCluster(left)) => (left.clone(), self.cluster.name.clone()),
        };
        let (left, right) = if self.diff.swapped { (other, current) } else { (current, other) };
        Sides { left, right, ..Sides::default() }
    }

    /// A run, or an evaluation of the checks that only read.
    pub fn is_running(&self) -> bool {
        self.run.active || self.live.is_evaluating
    }

    /// What follows from the cluster follows from a part of it: it is still being read, or was when the recipe was made.
    pub fn is_so_far(&self) -> bool {
        self.cluster.is_so_far() || self.recipe.answer().is_some_and(|(question, _)| question.is_so_far)
    }

    /// The cluster is shown, or it is known why not.
    pub fn is_settled(&self) -> bool {
        let cluster = &self.cluster;
        if let Some(switching) = &cluster.switching {
            let is_lost = matches!(switching.status, LiveStatus::Reconnecting { .. } | LiveStatus::Failed { .. });
            return is_lost || switching.failure.is_some();
        }
        cluster.source.is_saved()
            || cluster.failure.is_some()
            || matches!(cluster.status, LiveStatus::Fresh | LiveStatus::Reconnecting { .. } | LiveStatus::Failed { .. })
    }
}

/// The day in UTC: `20260114`.
pub(super) fn date(now_ms: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(now_ms).unwrap_or(0)).unwrap_or_default();
    at.strftime("%Y%m%d").to_string()
}

/// Day and time of day in UTC.
pub(super) fn date_and_time(now_ms: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(now_ms).unwrap_or(0)).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Time of day in UTC.
pub(super) fn clock(now_ms: u64) -> String {
    let seconds = now_ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
thread_local! {
    /// How often it was asked when a phase began: of each of the thousands of lines of a log, once is enough.
    pub(crate) static ASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
