//! The workbench without a terminal: frames, keys and messages against the demo cluster's own data.

use aicr::{
    catalog::validator::Phase,
    cluster::{
        ClusterError, ClusterErrorKind,
        watch::{LiveStatus, LiveView},
    },
    criteria::Criteria,
    demo::DemoOptions,
    diff,
    ops::{self, connect::Target},
    resolve::Options,
    snapshot::Snapshot,
    term::{
        color::Level,
        input::Input,
        key::{self, Code, Key},
    },
    validate::event::{Body, CheckResult, Event, PlannedCheck, ReadinessOutcome, State as CheckState, Status, Verdict},
    workbench::{
        Look, RunOptions, Screen,
        app::State,
        effect::Effect,
        keymap,
        msg::{Msg, SnapshotSlot},
        screenshot, view,
    },
};
use ratatui::buffer::Buffer;
use std::sync::{Arc, OnceLock};

/// 2026-01-14 09:12:00 UTC.
const NOW: u64 = 1_768_381_920_000;
const SIZES: [(u16, u16); 5] = [(40, 10), (80, 24), (100, 30), (120, 40), (200, 60)];

/// What the demo cluster measures, once.
fn snapshot() -> Arc<Snapshot> {
    static SNAPSHOT: OnceLock<Arc<Snapshot>> = OnceLock::new();
    let take = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let target = Target::Demo(DemoOptions::default());
        let taken = runtime.block_on(async {
            let connection = ops::connect::connect(&target).await.unwrap();
            ops::snapshot::take(&connection, "2026-01-14T09:10:00Z").await.unwrap()
        });
        Arc::new(taken)
    };
    SNAPSHOT.get_or_init(take).clone()
}

/// A workbench whose effects are carried out at once, so that nothing depends on time.
struct Desk {
    state: State,
    /// Effects that only a driver can carry out.
    left: Vec<Effect>,
}

impl Desk {
    fn new(width: u16, height: u16, look: Look) -> Desk {
        let criteria =
            Criteria { service: Some("kind".into()), accelerator: Some("a100".into()), ..Criteria::default() };
        let options = RunOptions {
            target: Target::Demo(DemoOptions::default()),
            criteria: Some(criteria),
            look,
            ..RunOptions::default()
        };
        let level = options.look.color.unwrap_or(Level::True);
        let mut state = State::new(&options, level, width, height).unwrap();
        state.model.now_ms = NOW;
        let mut desk = Desk { state, left: Vec::new() };
        let first = desk.state.begin();
        desk.carry_out(first);
        desk.left.clear();
        desk
    }

    /// With the demo cluster in view.
    fn live(width: u16, height: u16) -> Desk {
        Desk::live_with(width, height, Look::default())
    }

    fn live_with(width: u16, height: u16, look: Look) -> Desk {
        let mut desk = Desk::new(width, height, look);
        desk.tell(Msg::Connected { generation: 1, context: "demo".into(), server: "demo".into() });
        desk.view(LiveStatus::Fresh, Some(snapshot()));
        desk
    }

    fn view(&mut self, status: LiveStatus, snapshot: Option<Arc<Snapshot>>) {
        let view = LiveView { snapshot, status, missing: Vec::new() };
        self.tell(Msg::Live { generation: 1, view });
    }

    fn tell(&mut self, msg: Msg) {
        self.state.prepare();
        let effects = self.state.update(msg);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let answer = match effect {
                Effect::LoadCatalog { generation } => {
                    Msg::Catalog { generation, answer: ops::recipe::load_catalog(&[]) }
                }
                Effect::Resolve { slot, generation, catalog, query, snapshot } => {
                    let answer = ops::recipe::resolve(&catalog, &query, snapshot.as_deref(), Options::default());
                    Msg::Resolved { slot, generation, answer: answer.map(|resolved| Arc::new(resolved.resolution)) }
                }
                Effect::WhatIfChanges { generation, left, right } => {
                    let changes = diff::recipe::compare(&(&*left).into(), &(&*right).into());
                    Msg::WhatIfChanges { generation, answer: Ok(Arc::new(changes)) }
                }
                Effect::CompareRecipes { generation, recipe, versus, swapped } => {
                    let changes = ops::diff::changes(&(&*recipe).into(), &versus, swapped);
                    Msg::RecipesCompared { generation, answer: Ok(Arc::new(changes)) }
                }
                Effect::ReadRecipe { generation, catalog, path } => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let read = ops::diff::read_recipe(&catalog, &path.to_string_lossy(), &text);
                    let answer = read.map(|(side, _)| Arc::new(side));
                    Msg::RecipeRead { generation, answer }
                }
                Effect::CompareSnapshots { generation, left, right } => {
                    let changes = diff::snapshot::compare(&left, &right);
                    Msg::SnapshotsCompared { generation, answer: Ok(Arc::new(changes)) }
                }
                other => {
                    self.left.push(other);
                    continue;
                }
            };
            self.tell(answer);
        }
    }

    /// Presses keys as they are named, separated by spaces.
    fn keys(&mut self, names: &str) {
        for key in key::sequence(names).unwrap() {
            self.tell(Msg::Input(Input::Key(key)));
        }
    }

    fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.tell(Msg::Input(Input::Key(Key::plain(Code::Char(c)))));
        }
    }

    fn command(&mut self, line: &str) {
        self.keys(":");
        self.type_text(line);
        self.keys("Enter");
    }

    fn frame(&mut self) -> Buffer {
        self.state.prepare();
        view::frame(&self.state).0
    }

    fn text(&mut self) -> String {
        screenshot::symbols(&self.frame())
    }

    #[track_caller]
    fn shows(&mut self, expected: &str) {
        let text = self.text();
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }

    fn run(&mut self, at: u64, body: Body) {
        self.state.model.now_ms = NOW + at;
        self.tell(Msg::Run(Event { at_ms: NOW + at, body }));
    }
}

fn planned(name: &str, phase: Phase) -> PlannedCheck {
    PlannedCheck {
        name: name.into(),
        phase,
        description: format!("Proves that {name} holds"),
        image: "aicr/check:0.1.0".into(),
        timeout_seconds: 300,
    }
}

/// A run in the middle: one check passed, one failed, one runs, one cannot be scheduled.
fn run_half_way(desk: &mut Desk) {
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
    };
    desk.run(
        0,
        Body::Planned {
            run_id: "20260114-091200-00c0ffee00c0ffee".into(),
            namespace: "aicr-validation".into(),
            context: "demo".into(),
            recipe: "service=kind accelerator=a100".into(),
            checks,
        },
    );
    desk.run(
        10,
        Body::Readiness {
            name: "K8s.server.version".into(),
            expected: ">= 1.34".into(),
            outcome: ReadinessOutcome::Pass,
            actual: Some("v1.34.0".into()),
            reason: None,
        },
    );
    desk.run(20, Body::PhaseStarted { phase: Phase::Deployment });
    for (check, at) in [("operator-health", 30), ("gpu-operator-version", 40)] {
        desk.run(at, Body::State { check: check.into(), state: CheckState::Creating });
        desk.run(at + 5, Body::State { check: check.into(), state: CheckState::Running { node: "worker-1".into() } });
    }
    for text in
        ["reads pods of namespace gpu-operator", "1 of 1 pods is ready", "\u{1b}[31mred\u{1b}[0m and \u{202e}backwards"]
    {
        desk.run(100, Body::Log { check: "operator-health".into(), text: text.into() });
    }
    let passed = result("operator-health", Phase::Deployment, Status::Passed, "");
    desk.run(3130, Body::Finished { check: "operator-health".into(), result: passed });
    let failed =
        result("gpu-operator-version", Phase::Deployment, Status::Failed, "v25.10.1 does not satisfy >= v26.3.0");
    desk.run(3200, Body::Finished { check: "gpu-operator-version".into(), result: failed });
    desk.run(3300, Body::PhaseStarted { phase: Phase::Conformance });
    desk.run(3310, Body::State { check: "dra-support".into(), state: CheckState::Running { node: "worker-2".into() } });
    desk.run(3400, Body::Log { check: "dra-support".into(), text: "looks for resource slices".into() });
    let message = "0/5 nodes are available: 5 Insufficient nvidia.com/gpu".to_owned();
    desk.run(3500, Body::State { check: "accelerator-metrics".into(), state: CheckState::Unscheduled { message } });
    desk.state.model.now_ms = NOW + 31_000;
    desk.state.model.run.active = true;
    desk.tell(Msg::Tick);
}

/// Another snapshot of the cluster, later: a driver was updated, a node is gone.
fn later() -> Arc<Snapshot> {
    let mut later = Snapshot::clone(&snapshot());
    for measurement in &mut later.measurements {
        for subtype in &mut measurement.subtypes {
            if subtype.name == "nodes" {
                subtype.items.retain(|item| item.context.get("name").is_none_or(|name| name != "worker-3"));
            }
            if subtype.name == "image" {
                subtype.data.insert("gpu-operator".into(), aicr::snapshot::Reading::Text("v26.3.2".into()));
                subtype.data.insert("slinky".into(), aicr::snapshot::Reading::Text("0.9.0".into()));
            }
        }
    }
    Arc::new(later)
}

/// One desk per screen, in a state that is worth looking at.
fn screens(width: u16, height: u16, look: Look) -> Vec<(&'static str, Desk)> {
    let desk = || Desk::live_with(width, height, look.clone());
    let mut cluster = desk();
    cluster.keys("j");
    let mut recipe = desk();
    recipe.command("value components.gpu-operator.values.driver.enabled");
    let mut what_if = desk();
    what_if.keys("2 i l");
    let mut diff = desk();
    diff.command("diff service=eks accelerator=h100 os=ubuntu intent=training");
    let mut sides = desk();
    sides.command("diff service=kind accelerator=a100 nodes=8");
    sides.command("diff service=eks accelerator=a100");
    sides.keys("| ] ] ]");
    let mut observed = desk();
    observed.command("diff cluster");
    observed.keys("j");
    let mut validate = desk();
    validate.keys("4");
    run_half_way(&mut validate);
    validate.keys("g g ]");
    let mut compare = desk();
    let saved = |slot, name: &str, snapshot| Msg::Snapshot { slot, name: name.into(), answer: Ok(snapshot) };
    compare.tell(saved(SnapshotSlot::A, "before.yaml", snapshot()));
    compare.tell(saved(SnapshotSlot::B, "after.yaml", later()));
    compare.keys("5 j");
    vec![
        ("cluster", cluster),
        ("recipe", recipe),
        ("what-if", what_if),
        ("diff", diff),
        ("sides", sides),
        ("observed", observed),
        ("validate", validate),
        ("compare", compare),
    ]
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden/workbench");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn screens_at_their_sizes() {
    for (width, height) in SIZES {
        for (name, mut desk) in screens(width, height, Look::default()) {
            let frame = desk.frame();
            golden(&format!("{name}-{width}x{height}"), &screenshot::symbols(&frame));
            if (width, height) == (80, 24) {
                golden(&format!("{name}-{width}x{height}-styles"), &screenshot::styles(&frame, &desk.state.desk.theme));
            }
        }
    }
}

#[test]
fn without_colour_every_frame_says_the_same() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mono = Look { color: Some(Level::None), ..Look::default() };
        let colour = screens(width, height, Look::default());
        for ((name, mut dark), (_, mut mono)) in colour.into_iter().zip(screens(width, height, mono)) {
            assert_eq!(dark.text(), mono.text(), "{name}");
        }
    }
}

#[test]
fn ascii_frames_are_ascii_and_keep_the_focus_visible() {
    for (name, mut desk) in screens(80, 24, Look { ascii: true, ..Look::default() }) {
        let text = desk.text();
        assert!(text.is_ascii(), "{name}:\n{text}");
        assert!(text.contains("#=="), "{name}: no heavy border\n{text}");
        golden(&format!("{name}-80x24-ascii"), &text);
    }
}

#[test]
fn overlays_look_as_they_should() {
    let mut desk = Desk::live(80, 24);
    desk.keys("2 ?");
    golden("help-80x24", &desk.text());
    desk.keys("Esc :");
    desk.type_text("comp");
    golden("palette-80x24", &desk.text());
    desk.keys("Esc g");
    golden("popup-80x24", &desk.text());
}

#[test]
fn any_size_draws_and_keeps_the_context_line() {
    let mut desks = screens(80, 24, Look::default());
    let widths = (1..=45).chain([59, 60, 71, 72, 79, 80, 99, 100, 119, 120, 150, 199, 200, 250]);
    for (turn, width) in widths.enumerate() {
        for height in (1..=12).chain([15, 23, 24, 30, 39, 40, 47, 59, 60, 90]) {
            let index = (turn + usize::from(height)) % desks.len();
            let (name, desk) = &mut desks[index];
            desk.tell(Msg::Input(Input::Resize { width, height }));
            let frame = desk.frame();
            assert_eq!((frame.area.width, frame.area.height), (width, height));
            let first = screenshot::symbols(&frame);
            let first = first.lines().next().unwrap_or_default();
            assert!(width < 6 || first.contains("DEMO"), "{name} at {width}x{height}: {first}");
            for cell in frame.content() {
                assert!(!cell.symbol().chars().any(char::is_control), "{name} at {width}x{height}");
            }
        }
    }
}

#[test]
fn random_keys_do_no_harm() {
    let mut names: Vec<String> = keymap::BINDINGS
        .iter()
        .flat_map(|binding| binding.keys.iter().map(|keys| keys.to_string()))
        .filter(|keys| !["q", "Ctrl-C"].contains(&keys.as_str()))
        .collect();
    names.extend(["a", "Z", "Space", "Backspace", "Ctrl-W"].map(str::to_owned));
    let mut seed: u64 = 20_260_114;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for (_, mut desk) in screens(100, 30, Look::default()) {
        for _ in 0..400 {
            let keys = names[random(names.len())].clone();
            desk.keys(&keys);
            if random(20) == 0 {
                let (width, height) = (u16::try_from(random(220) + 1).unwrap(), u16::try_from(random(70) + 1).unwrap());
                desk.tell(Msg::Input(Input::Resize { width, height }));
            }
            let focused = desk.state.desk.focused();
            desk.frame();
            let layout = &desk.state.desk.layout;
            assert!(layout.panels.is_empty() || layout.panel(focused).is_some(), "{keys}: {focused:?} is not shown");
            desk.left.clear();
        }
        assert!(!desk.state.quit);
    }
}

#[test]
fn a_lost_connection_keeps_the_last_good_data() {
    let mut desk = Desk::live(120, 40);
    let error = ClusterError {
        kind: ClusterErrorKind::Unreachable,
        doing: "watch nodes".into(),
        at: "demo".into(),
        found: "connection refused".into(),
        hint: None,
    };
    desk.view(LiveStatus::Reconnecting { attempt: 3, next_seconds: 4, error }, Some(snapshot()));
    desk.shows("RECONNECTING 3 (next 4s)");
    desk.shows("worker-2");
    desk.view(LiveStatus::Fresh, Some(snapshot()));
    desk.shows("DEMO fresh");
}

#[test]
fn before_there_is_a_cluster_every_screen_says_what_is_missing() {
    let mut desk = Desk::new(80, 24, Look::default());
    desk.shows("connecting");
    desk.view(LiveStatus::Syncing { done: 2, total: 9 }, None);
    desk.shows("syncing, 2 of 9 sources read");
    desk.keys("3");
    desk.shows("nothing to compare yet");
    desk.keys("5");
    desk.shows("nothing to compare yet");
    desk.keys("4 r");
    desk.shows("there is no cluster to validate yet");
}

#[test]
fn the_cursor_stays_with_its_node_and_says_when_it_is_gone() {
    let mut desk = Desk::live(120, 40);
    desk.keys("G");
    desk.shows("node worker-3");
    desk.view(LiveStatus::Fresh, Some(later()));
    let rows = aicr::snapshot::nodes::rows(&later());
    if rows.iter().any(|row| row.name == "worker-3") {
        return; // its labels keep it in the list
    }
    desk.shows("worker-3 is gone");
}

#[test]
fn filters_keep_matches_and_count_the_rest() {
    let mut desk = Desk::live(120, 40);
    desk.keys("/");
    desk.type_text("worker");
    desk.shows("2 hidden");
    desk.keys("Enter");
    desk.shows("/worker  2 hidden");
    desk.keys("Esc");
    desk.shows("nodes 5");
    desk.shows("instance-");
}

#[test]
fn what_if_shows_changes_and_enter_takes_them_to_diff() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 i");
    desk.shows("h l change a value");
    desk.keys("l");
    desk.shows("was kind");
    desk.shows("changed by what-if");
    desk.keys("Enter");
    assert_eq!(desk.state.desk.screen, Screen::Diff);
    desk.shows("PATH");
    let before = desk.text();
    desk.keys("X");
    assert_ne!(before, desk.text(), "swapping changes what is left and right");
}

#[test]
fn a_saved_recipe_is_compared_line_by_line_and_the_cluster_again_with_every_view() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.yaml");
    let mut desk = Desk::live(200, 60);
    let recipe = desk.state.model.recipe.value.clone().unwrap().recipe.clone();
    let text = aicr::recipe::format::to_yaml(&recipe).replace("version: v26.3.2", "version: v26.3.1");
    std::fs::write(&path, text).unwrap();
    desk.command(&format!("diff {}", path.display()));
    desk.shows("1 changed");
    desk.shows("v26.3.1");
    desk.shows("saved.yaml:");
    let rows = &desk.state.model.diff.changes.value.as_ref().unwrap().rows;
    assert!(!format!("{rows:?}").contains("left: Some((1, "), "the file has its first line too: {rows:?}");
    desk.command("diff cluster");
    desk.shows("v25.10.1");
    let bumped = aicr::snapshot::format::to_value(&snapshot()).to_string().replace("v25.10.1", "v26.3.2");
    desk.view(LiveStatus::Fresh, Some(Arc::new(aicr::snapshot::format::read(&bumped).unwrap())));
    let text = desk.text();
    assert!(!text.contains("v25.10.1"), "{text}");
}

#[test]
fn what_ifs_are_kept_as_columns_until_they_are_dropped() {
    let mut desk = Desk::live(200, 60);
    desk.keys("2 i l K");
    let first = desk.state.model.kept[0].criteria.clone();
    desk.keys("l K");
    assert_eq!(desk.state.model.kept.len(), 2);
    desk.keys("K");
    assert_eq!(desk.state.model.kept.len(), 2, "the same is kept once");
    desk.command("value components.gpu-operator.values.driver");
    golden("kept-200x60", &desk.text());
    let service = first.service.unwrap();
    desk.shows(&format!("A service={service}"));
    desk.keys("i i K");
    desk.shows("the kept columns are gone");
    assert!(desk.state.model.kept.is_empty());
    desk.keys("Esc K");
    desk.shows("nothing to keep yet");
}

#[test]
fn a_value_leads_to_the_line_that_set_it() {
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.version");
    desk.shows("ladder components.gpu-operator.version");
    desk.keys("g d");
    desk.shows(".yaml:");
    desk.keys("Esc");
    desk.shows("ladder components.gpu-operator.version");
}

#[test]
fn a_run_needs_a_yes() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4 r");
    let plan = desk.left.pop();
    let Some(Effect::Plan { catalog, recipe }) = plan else { panic!("{plan:?}") };
    let options = aicr::validate::plan::PlanOptions {
        run_id: "20260114-091200-00c0ffee00c0ffee".into(),
        namespace: "aicr-validation".into(),
        image: "aicr/check:0.1.0".into(),
        version: "0.1.0".into(),
        ..Default::default()
    };
    let prepared = ops::validate::prepare(
        &catalog,
        recipe.recipe.clone(),
        "recipe",
        Snapshot::clone(&snapshot()),
        &options,
        Default::default(),
    );
    let prepared = Arc::new(prepared.unwrap());
    desk.tell(Msg::Planned(Ok(prepared.clone())));
    golden("question-80x24", &desk.text());
    desk.keys("Enter");
    assert!(desk.left.is_empty(), "Enter on the question cancels: {:?}", desk.left);
    desk.tell(Msg::Planned(Ok(prepared)));
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::Run(_))));
    desk.shows("starting");
}

#[test]
fn a_run_steps_live_and_its_end_is_said() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.shows("1 pass 1 fail");
    desk.shows("unscheduled");
    desk.keys("g g ]");
    desk.shows("v25.10.1 does not satisfy >= v26.3.0");
    desk.keys("x");
    desk.shows("cancel the run?");
    desk.keys("Tab Enter");
    assert!(matches!(desk.left.pop(), Some(Effect::CancelRun)));
    desk.run(40_000, Body::CleanedUp { removed: 9, left: Vec::new() });
    desk.run(40_001, Body::Ended { verdict: Verdict::Cancelled });
    desk.shows("run ended: canceled");
    desk.keys("g g");
    desk.shows("9 objects removed, nothing left");
}

#[test]
fn what_checks_print_cannot_steer_the_terminal() {
    let mut desk = Desk::live(120, 40);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.command("filter operator-health");
    desk.keys("j j");
    desk.shows("^[[31mred^[[0m and <U+202E>backwards");
}

#[test]
fn noise_is_hidden_and_counted() {
    let mut desk = Desk::live(120, 40);
    let mut noisy = Snapshot::clone(&snapshot());
    noisy.metadata.insert("timestamp".into(), "2026-01-15T00:00:00Z".into());
    let saved = |slot, name: &str, snapshot| Msg::Snapshot { slot, name: name.into(), answer: Ok(snapshot) };
    desk.tell(saved(SnapshotSlot::A, "a.yaml", snapshot()));
    desk.tell(saved(SnapshotSlot::B, "b.yaml", Arc::new(noisy)));
    desk.keys("5");
    desk.shows("nothing differs");
}

#[test]
fn q_leaves_and_escape_does_not() {
    let mut desk = Desk::live(80, 24);
    desk.keys("Esc Esc Esc");
    assert!(!desk.state.quit);
    desk.shows("this is the top; q leaves");
    desk.keys("Ctrl-C");
    assert!(!desk.state.quit);
    desk.keys("q");
    assert!(desk.state.quit);
}

#[test]
fn leaving_a_run_asks() {
    let mut desk = Desk::live(80, 24);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("q");
    assert!(!desk.state.quit);
    desk.shows("Leaving cancels it");
    desk.keys("Esc q y");
    assert!(desk.state.quit && matches!(desk.left[..], [Effect::CancelRun, Effect::Quit]));
}

#[test]
fn unknown_words_are_answered() {
    let mut desk = Desk::live(80, 24);
    desk.keys("Z");
    desk.shows("`Z` does nothing here");
    desk.keys("r");
    desk.shows("acts on Validate");
    desk.command("recipe service=eksx");
    desk.shows("failed to read --service");
    desk.keys("D");
    desk.shows("did you mean eks");
}
