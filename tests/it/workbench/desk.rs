//! A workbench without a terminal: its effects are carried out at once, against the demo cluster's own data.

use aicr::{
    catalog::validator::Phase,
    cluster::{
        ClusterError, ClusterErrorKind, Contexts,
        watch::{LiveStatus, LiveView},
    },
    criteria::Criteria,
    diff,
    inventory::Inventory,
    ops::{
        self,
        connect::Target,
        demo::DemoOptions,
        run::{
            previous::Earlier,
            record::{self, Facts, Record, Shelf, Summary},
        },
        session::Session,
        snapshots,
        upgrade::{self, Report, installed::Live},
    },
    store::records::Stored,
    term::{
        color::Level,
        input::Input,
        key::{self, Code, Key},
    },
    validate::event::{
        Body, CheckResult, Event, PlannedCheck, ReadinessOutcome, State as CheckState, Status, Verdict, Way, Why,
    },
    workbench::{
        Look, RunOptions,
        app::State,
        effect::Effect,
        keymap::Action,
        model::UpgradeBasis,
        msg::{Msg, SnapshotSlot},
        painted::Painted,
        preferences::file::Chosen,
        screenshot,
    },
};
use ratatui::buffer::Buffer;
use std::sync::{Arc, OnceLock};

/// A watch that lost its connection and waits for its next attempt.
pub fn reconnecting(attempt: u32, next_seconds: u64) -> LiveStatus {
    let error = ClusterError {
        kind: ClusterErrorKind::Unreachable,
        doing: "watch nodes".into(),
        at: "demo".into(),
        found: "connection refused".into(),
        hint: None,
        cause: None,
    };
    LiveStatus::Reconnecting { attempt, next_seconds, error }
}

/// 2026-01-14 09:12:00 UTC.
pub const NOW: u64 = 1_768_381_920_000;

/// What the demo cluster measures, once.
pub fn snapshot() -> Arc<Inventory> {
    static SNAPSHOT: OnceLock<Arc<Inventory>> = OnceLock::new();
    SNAPSHOT.get_or_init(|| snapshot_of(DemoOptions::default())).clone()
}

/// What a demo cluster measures.
pub fn snapshot_of(demo: DemoOptions) -> Arc<Inventory> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let target = Target::Demo(demo);
    let taken = runtime.block_on(async {
        let connection = ops::connect::connect(&target).await.unwrap();
        ops::snapshot::take(&connection, "2026-01-14T09:10:00Z").await.unwrap()
    });
    Arc::new(taken)
}

/// A workbench whose effects are carried out at once, so that nothing depends on time.
pub struct Desk {
    pub state: State,
    /// The frame that was looked at last: each one is painted over it, as on a terminal.
    pub painted: Painted,
    /// Effects that only a driver can carry out.
    pub left: Vec<Effect>,
    /// The cluster that is asked where something asks one.
    pub demo: DemoOptions,
    /// Where snapshots are kept; nowhere at first.
    pub kept: Option<tempfile::TempDir>,
    /// The records of runs; none at first.
    pub runs: Option<Shelf>,
    /// What a list of them is where there are none.
    pub listed: Arc<Vec<Summary>>,
}

/// What a check of upgrades finds in a demo cluster.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(work)
}

fn check_upgrade(demo: &DemoOptions, basis: &UpgradeBasis, name: &str, is_saved: bool) -> Result<Report, ops::Failure> {
    block_on(async {
        let connection = match is_saved {
            true => None,
            false => Some(ops::connect::connect(&Target::Demo(demo.clone())).await?),
        };
        let UpgradeBasis { catalog, recipe, snapshot, deployer } = basis;
        let live = Live { connection: connection.as_ref(), name, inventory: snapshot };
        upgrade::to_resolution(catalog, live, recipe, deployer.as_deref()).await
    })
}

impl Desk {
    pub fn new(width: u16, height: u16, look: Look) -> Desk {
        Desk::of(Target::Demo(DemoOptions::default()), width, height, look)
    }

    /// With a kubeconfig that has three contexts; the demo's data are the cluster of the first.
    pub fn of_contexts(width: u16, height: u16) -> Desk {
        let mut desk = Desk::of(Target::default(), width, height, Look::default());
        desk.update(Msg::Contexts { pick: false, answer: Ok(contexts()) });
        desk.update(Msg::Connected { generation: 1, context: "lab".into(), server: "https://192.0.2.1".into() });
        desk.view(LiveStatus::Fresh, Some(snapshot()));
        desk
    }

    /// A cluster in view, with the recipe for what it reveals of itself.
    pub fn showing(snapshot: Arc<Inventory>, width: u16, height: u16, look: Look) -> Desk {
        let mut desk = Desk::asking(None, Target::default(), width, height, look);
        desk.update(Msg::Connected { generation: 1, context: "fleet".into(), server: "https://192.0.2.1".into() });
        desk.view(LiveStatus::Fresh, Some(snapshot));
        desk
    }

    fn of(target: Target, width: u16, height: u16, look: Look) -> Desk {
        let criteria =
            Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
        Desk::asking(Some(criteria), target, width, height, look)
    }

    fn asking(criteria: Option<Criteria>, target: Target, width: u16, height: u16, look: Look) -> Desk {
        Desk::started(&RunOptions { target, criteria, look, ..RunOptions::default() }, width, height)
    }

    /// Started with these options, before anything of the cluster is known.
    pub fn started(options: &RunOptions, width: u16, height: u16) -> Desk {
        let level = options.look.color.unwrap_or(Level::True);
        let mut state = State::new(options, level, width, height).unwrap();
        state.model.now_ms = NOW;
        let mut desk = Desk {
            state,
            painted: Painted::default(),
            left: Vec::new(),
            demo: DemoOptions::default(),
            kept: None,
            runs: None,
            listed: Arc::default(),
        };
        let first = desk.state.begin();
        desk.carry_out(first);
        desk.left.clear();
        desk
    }

    /// With the demo cluster in view.
    pub fn live(width: u16, height: u16) -> Desk {
        Desk::live_with(width, height, Look::default())
    }

    pub fn live_with(width: u16, height: u16, look: Look) -> Desk {
        let mut desk = Desk::new(width, height, look);
        desk.update(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
        desk.view(LiveStatus::Fresh, Some(snapshot()));
        desk
    }

    /// With the runs of the demo's past.
    pub fn live_with_past(width: u16, height: u16, look: Look) -> Desk {
        let mut desk = Desk::live_with(width, height, look);
        let start = jiff::Timestamp::from_millisecond(NOW.cast_signed()).ok();
        let demo = Target::Demo(DemoOptions { start, ..DemoOptions::default() });
        desk.runs = Some(record::shelf(&demo).without_own());
        desk.command("runs");
        desk
    }

    pub fn view(&mut self, status: LiveStatus, snapshot: Option<Arc<Inventory>>) {
        let view = LiveView { inventory: snapshot, status };
        self.update(Msg::Live { generation: 1, view });
    }

    pub fn update(&mut self, msg: Msg) {
        self.state.prepare();
        let effects = self.state.update(msg);
        self.carry_out(effects);
    }

    pub fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let answer = match effect {
                Effect::LoadCatalog { generation } => {
                    Msg::Catalog { generation, answer: ops::recipe::load_catalog(&Default::default()) }
                }
                Effect::Resolve { slot, generation, catalog, query, snapshot, basis } => {
                    let session = Session::new(Target::Demo(self.demo.clone()));
                    let on = (&session, snapshot.as_deref());
                    let answer = block_on(ops::inherit::resolve(&catalog, &query, on, &basis));
                    Msg::Resolved { slot, generation, answer: answer.map(Arc::new) }
                }
                Effect::WhatIfChanges { generation, left, right } => {
                    let changes = diff::recipe::compare(&(&*left).into(), &(&*right).into());
                    Msg::WhatIfChanges { generation, answer: Ok(Arc::new(changes)) }
                }
                Effect::CompareRecipes { generation, recipe, versus, swapped } => {
                    let changes = ops::diff::changes(&recipe.side(), &versus, swapped);
                    Msg::RecipesCompared { generation, answer: Ok(Arc::new(changes)) }
                }
                Effect::ReadRecipe { generation, catalog, left, path } => {
                    let read = |text: &str| {
                        if ops::recipe::is_criteria_text(text) {
                            return ops::diff::of_criteria(&catalog, text).map(Arc::new);
                        }
                        let read = std::fs::read_to_string(text);
                        read.map_err(|error| {
                            ops::Failure::new(ops::Kind::NotFound, "read the recipe", error.to_string())
                        })
                        .and_then(|written| ops::diff::read_recipe(&catalog, text, &written))
                        .map(|(side, _)| Arc::new(side))
                    };
                    let answer = left.map(|left| read(&left)).transpose().and_then(|left| Ok((left, read(&path)?)));
                    match answer {
                        Ok((left, side)) => Msg::RecipeRead { generation, left, answer: Ok(side) },
                        Err(failure) => Msg::RecipeRead { generation, left: None, answer: Err(failure) },
                    }
                }
                Effect::CheckUpgrade { generation, basis, name, is_saved } => {
                    let answer = check_upgrade(&self.demo, &basis, &name, is_saved);
                    Msg::UpgradeChecked { generation, answer: answer.map(Arc::new) }
                }
                Effect::CompareSnapshots { generation, left, right, third, rules } => {
                    let drift = ops::diff::drift(&left, &right, third.as_deref(), &rules);
                    Msg::SnapshotsCompared { generation, answer: Ok(Arc::new(drift)) }
                }
                Effect::ListMoments { generation } => {
                    let kept =
                        self.kept.as_ref().map_or_else(|| Ok(Vec::new()), |folder| snapshots::list(folder.path()));
                    Msg::MomentsListed { generation, answer: kept.map(Arc::new) }
                }
                Effect::OpenMoment { generation, moment } => {
                    let folder = self.kept.as_ref().expect("a moment is kept somewhere").path();
                    let answer = snapshots::open(folder, &moment).map(Arc::new);
                    Msg::MomentOpened { generation, moment, answer }
                }
                // The records of a machine are none of a test's business: there are those that it has listed.
                Effect::ListRuns { generation } => {
                    let answer = self.runs.as_ref().map(|shelf| shelf.list().map(Arc::new));
                    Msg::RunsListed { generation, answer: answer.unwrap_or_else(|| Ok(self.listed.clone())) }
                }
                Effect::OpenRun { generation, name, compare } if self.runs.is_some() => {
                    let answer = self.runs.as_ref().expect("records").open(&name);
                    Msg::RunOpened { generation, compare, answer: answer.map(Arc::new) }
                }
                // Nobody else runs anything on the demo cluster.
                Effect::FindRuns { generation, is_asked_for: false, .. } => Msg::RunsFound {
                    generation,
                    namespace: "aicr-validation".into(),
                    is_asked_for: false,
                    answer: Ok(Vec::new()),
                },
                Effect::Prefer { preferences, changed } => Msg::Preferences {
                    chosen: Box::new(Chosen::of(&preferences)),
                    preferences,
                    themes: self.state.desk.themes.clone(),
                    changed: vec![changed],
                },
                other => {
                    self.left.push(other);
                    continue;
                }
            };
            self.update(answer);
        }
    }

    /// Presses keys as they are named, separated by spaces.
    pub fn keys(&mut self, names: &str) {
        for key in key::sequence(names).unwrap() {
            self.update(Msg::Input(Input::Key(key)));
        }
    }

    /// A key that comes before the panels of a change of the cluster are built, and the frame that answers it.
    pub fn key_amid(&mut self, key: Key) {
        self.state.prepare_for_key();
        let effects = self.state.update(Msg::Input(Input::Key(key)));
        self.carry_out(effects);
        self.state.prepare_for_key();
        self.painted.paint(&self.state);
    }

    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.update(Msg::Input(Input::Key(Key::plain(Code::Char(c)))));
        }
    }

    /// Presses whatever key is bound to an action.
    pub fn act(&mut self, action: Action) {
        let (_, sequences) = self.state.desk.keys.rows().find(|(binding, _)| binding.action == action).unwrap();
        for key in sequences[0].clone() {
            self.update(Msg::Input(Input::Key(key)));
        }
    }

    pub fn command(&mut self, line: &str) {
        self.keys(":");
        self.type_text(line);
        self.keys("Enter");
    }

    pub fn frame(&mut self) -> Buffer {
        self.state.prepare();
        self.painted.paint(&self.state);
        self.painted.frame.clone()
    }

    pub fn text(&mut self) -> String {
        screenshot::symbols(&self.frame())
    }

    #[track_caller]
    pub fn shows(&mut self, expected: &str) {
        let text = self.text();
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }

    pub fn run(&mut self, at: u64, body: Body) {
        self.state.model.now_ms = NOW + at;
        self.update(Msg::Run(Event { seq: 0, observed_at_ms: NOW + at, stated_at_ms: None, body }));
    }
}

/// Of the kubeconfig that [`Desk::of_contexts`] has.
pub fn contexts() -> Contexts {
    let names = ["lab", "production-eu", "production-us"].map(str::to_owned);
    Contexts { names: names.to_vec(), current: Some("lab".into()) }
}

pub fn planned(name: &str, phase: Phase) -> PlannedCheck {
    PlannedCheck {
        name: name.into(),
        phase,
        description: format!("Proves that {name} holds"),
        image: "aicr/check:0.1.0".into(),
        timeout_seconds: 300,
        grace_seconds: 5,
        group: 1,
        way: Way::Job,
    }
}

/// A run in the middle: one check passed, one failed, one runs, one cannot be scheduled.
pub fn run_half_way(desk: &mut Desk) {
    for (at, body) in half_way() {
        desk.run(at, body);
    }
    desk.state.model.now_ms = NOW + 31_000;
    desk.state.model.run.active = true;
    desk.update(Msg::Tick);
}

/// Its events, with milliseconds since its start.
fn half_way() -> Vec<(u64, Body)> {
    let mut events = Vec::new();
    let checks = vec![
        planned("operator-health", Phase::Deployment),
        planned("gpu-operator-version", Phase::Deployment),
        planned("dra-support", Phase::Conformance),
        planned("accelerator-metrics", Phase::Conformance),
        planned("ai-service-metrics", Phase::Conformance),
    ];
    let result = |name: &str, phase, status, message: &str| CheckResult {
        name: name.into(),
        phase,
        status,
        message: message.into(),
        exit_code: Some(i32::from(status == Status::Failed)),
        node: Some("worker-1".into()),
        image: "aicr/check:0.1.0".into(),
        total_ms: 3100,
        run_ms: 900,
        start_ms: NOW,
        stop_ms: NOW + 3100,
        stdout: vec!["looked".into()],
        why: None,
        way: Way::Job,
    };
    events.push((
        0,
        Body::Planned {
            run_id: "20260114-091200-00c0ffee00c0ffee".into(),
            namespace: "aicr-validation".into(),
            context: "demo".into(),
            recipe: "service=kind accelerator=a100".into(),
            criteria: "service=kind accelerator=a100".into(),
            checks,
        },
    ));
    events.push((
        10,
        Body::Readiness {
            name: "K8s.server.version".into(),
            expected: ">= 1.34".into(),
            outcome: ReadinessOutcome::Pass,
            actual: Some("v1.34.0".into()),
            reason: None,
            set_by: Some("base".into()),
        },
    ));
    events.push((20, Body::PhaseStarted { phase: Phase::Deployment }));
    for (check, at) in [("operator-health", 30), ("gpu-operator-version", 40)] {
        events.push((at, Body::State { check: check.into(), state: CheckState::Creating }));
        events.push((
            at + 5,
            Body::State { check: check.into(), state: CheckState::Running { node: "worker-1".into() } },
        ));
    }
    for text in
        ["reads pods of namespace gpu-operator", "1 of 1 pods is ready", "\u{1b}[31mred\u{1b}[0m and \u{202e}backwards"]
    {
        events.push((100, Body::Log { check: "operator-health".into(), text: text.into(), source: String::new() }));
    }
    let passed = result("operator-health", Phase::Deployment, Status::Passed, "");
    events.push((3130, Body::Finished { check: "operator-health".into(), result: passed }));
    let failed =
        result("gpu-operator-version", Phase::Deployment, Status::Failed, "v25.10.1 does not satisfy >= v26.3.0");
    events.push((3200, Body::Finished { check: "gpu-operator-version".into(), result: failed }));
    events.push((3300, Body::PhaseStarted { phase: Phase::Conformance }));
    events.push((
        3310,
        Body::State { check: "dra-support".into(), state: CheckState::Running { node: "worker-2".into() } },
    ));
    events.push((
        3400,
        Body::Log { check: "dra-support".into(), text: "looks for resource slices".into(), source: String::new() },
    ));
    let message = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu".to_owned();
    events
        .push((3500, Body::State { check: "accelerator-metrics".into(), state: CheckState::Unscheduled { message } }));
    events
}

/// The same run as a record that has its end: what was on its way was canceled, or passed.
pub fn recorded(id: &str, passes: bool) -> Record {
    let mut events = half_way();
    let mut at = 31_000;
    for (name, phase) in [
        ("dra-support", Phase::Conformance),
        ("accelerator-metrics", Phase::Conformance),
        ("ai-service-metrics", Phase::Conformance),
    ] {
        at += 100;
        let (status, why) = if passes { (Status::Passed, None) } else { (Status::Other, Some(Why::Canceled)) };
        let message = if passes { String::new() } else { "canceled while running on worker-2".to_owned() };
        let result = CheckResult {
            name: name.into(),
            phase,
            status,
            message,
            exit_code: passes.then_some(0),
            node: Some("worker-2".into()),
            image: "aicr/check:0.1.0".into(),
            total_ms: 27_700,
            run_ms: 24_000,
            start_ms: NOW + 3310,
            stop_ms: NOW + at,
            stdout: Vec::new(),
            why,
            way: Way::Job,
        };
        events.push((at, Body::Finished { check: name.into(), result }));
    }
    events.push((at + 100, Body::CleanedUp { removed: 9, left: Vec::new() }));
    events.push((at + 101, Body::Ended { verdict: if passes { Verdict::Failed } else { Verdict::Canceled } }));
    if let Some((_, Body::Planned { run_id, .. })) = events.first_mut() {
        *run_id = id.to_owned();
    }
    let event = |(seq, (at, body)): (usize, (u64, Body))| Event {
        seq: seq as u64,
        observed_at_ms: NOW + at,
        stated_at_ms: None,
        body,
    };
    let stored = Stored { name: id.to_owned(), path: format!("{id}.jsonl").into(), bytes: 4096, is_open: false };
    let facts = Facts { cluster: "demo".into(), recipe: "service=kind".into(), ..Facts::default() };
    Record { stored, facts, events: events.into_iter().enumerate().map(event).collect() }
}

/// Records in the list of the Validate screen.
pub fn list_records(desk: &mut Desk, records: &[Record]) {
    let summary = |record: &Record| Summary {
        stored: record.stored.clone(),
        facts: record.facts.clone(),
        report: record.report(),
    };
    desk.listed = Arc::new(records.iter().map(summary).collect());
    let generation = desk.state.model.records.list.start();
    desk.update(Msg::RunsListed { generation, answer: Ok(desk.listed.clone()) });
}

/// Another snapshot of the cluster, later: a driver was updated, a node is gone.
pub fn later() -> Arc<Inventory> {
    let mut later = Inventory::clone(&snapshot());
    later.nodes.retain(|node| &*node.name != "worker-3");
    let images = Arc::make_mut(&mut later.images);
    images.insert("gpu-operator".into(), "v26.3.2".into());
    images.insert("slinky".into(), "0.9.0".into());
    Arc::new(later)
}

/// Both sides of the Compare screen.
pub fn compare(desk: &mut Desk, a: (&str, Arc<Inventory>), b: (&str, Arc<Inventory>)) {
    for (slot, (name, snapshot)) in [(SnapshotSlot::A, a), (SnapshotSlot::B, b)] {
        desk.update(Msg::Snapshot { slot, generation: 0, name: name.into(), answer: Ok(snapshot) });
    }
}

/// What a container of worker-1 wrote before it was restarted.
pub fn earlier() -> Earlier {
    Earlier {
        namespace: "aicr-validation".into(),
        pod: "worker-1".into(),
        container: "cuda".into(),
        restarts: 2,
        end: "Error, exit code 4".into(),
        text: "tries device 0\ndevice 0 is gone\n".into(),
    }
}
