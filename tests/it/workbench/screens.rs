//! Golden frames: one test per screen that shows all its sizes, so that no mismatch hides another.

use super::{
    deploy,
    desk::{Desk, NOW, compare, later, list_records, planned, recorded, run_half_way, snapshot},
    live_checks, upgrades,
};

use crate::sandbox::Sandbox;
use aicr::{
    bundle::{compare::There, plan::Options},
    catalog::validator::Phase,
    document::header::Edition,
    inventory::Inventory,
    ops::{self, run::record, snapshot::Format, storage::Item},
    store::{log::Line, storage::Held},
    term::{self, input::Input},
    validate::{
        curve::Measured,
        event::{Body, State as CheckState, Stop},
    },
    workbench::{
        Look, Screen,
        effect::Effect,
        keymap,
        msg::{Log, Msg},
        overlay::Kind,
        screenshot,
    },
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};
use tracing::Level;

pub const SIZES: [(u16, u16); 5] = [(40, 10), (80, 24), (100, 30), (120, 40), (200, 60)];
/// Of each screen once: higher than wide, the largest of one panel, and larger than most.
const ONCE: [(u16, u16); 3] = [(60, 40), (79, 23), (300, 80)];
const SCREENS: [&str; 5] = ["cluster", "recipe", "diff", "validate", "compare"];

/// A screen in a state that is worth looking at, at a size.
type Make = fn(u16, u16, Look) -> Desk;

pub const STATES: [(&str, Make); 31] = [
    ("cluster", cluster),
    ("recipe", recipe),
    ("what-if", what_if),
    ("bundle", bundle),
    ("bundle-against", bundle_against),
    ("bundle-dialects", bundle_dialects),
    ("diff", diff),
    ("sides", sides),
    ("observed", observed),
    ("upgrades", upgrades::upgrades),
    ("validate", validate),
    ("planning", planning),
    ("pending", pending),
    ("stepping", stepping),
    ("replaying", replaying),
    ("comparing", comparing),
    ("past-runs", past_runs),
    ("past-failure", past_failure),
    ("past-compared", past_compared),
    ("curve", curve),
    ("compare", compared),
    ("compare-runs", compared_runs),
    ("deploy-plan", deploy::plan),
    ("deploy-running", deploy::running),
    ("deploy-failing", deploy::failing),
    ("deploy-done", deploy::done),
    ("unreachable", unreachable),
    ("unasked", unasked),
    ("help", help),
    ("palette", palette),
    ("health", live_checks::health),
];

fn cluster(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("j");
    desk
}

fn recipe(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.command("value components.gpu-operator.values.driver.enabled");
    desk
}

fn what_if(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("2 i l");
    desk
}

fn bundle(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("g b j");
    desk
}

/// The bundle that the recipe of the desk becomes, as it is on disk.
fn on_disk(desk: &Desk, deployer: &str) -> There {
    let (catalog, resolution) = (&desk.state.model.catalog.value, &desk.state.model.recipe.value);
    let tool = env!("CARGO_PKG_VERSION").to_owned();
    let options = Options { tool, ..crate::bundle::options(deployer) };
    let plan = ops::bundle::plan(catalog.as_ref().unwrap(), &resolution.as_ref().unwrap().recipe, options).unwrap();
    let files = plan.files.iter().map(|file| (file.path.clone(), Some(file.bytes.to_vec()))).collect();
    let entrypoint = Some(plan.bundle.options.deployer.entrypoint().to_owned());
    There { files, deployer: Some(deployer.to_owned()), entrypoint }
}

/// Answers that a bundle was read.
fn bundle_is(desk: &mut Desk, answer: Result<There, ops::Failure>) {
    let Some(Effect::ReadBundle { generation, .. }) = desk.left.pop() else { panic!("nothing is read") };
    desk.update(Msg::BundleRead { generation, answer: answer.map(Into::into) });
}

/// A bundle on disk in which somebody turned a value and left a file, and which lacks one.
fn bundle_against(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.command("bundle site/bundle");
    let mut there = on_disk(&desk, "helm");
    let values = there.files.get_mut("001-cert-manager/values.yaml").unwrap().as_mut().unwrap();
    *values = String::from_utf8(values.clone()).unwrap().replace("enabled: true", "enabled: false").into_bytes();
    there.files.insert("notes.txt".to_owned(), Some(b"ours".to_vec()));
    there.files.remove("deploy.sh");
    bundle_is(&mut desk, Ok(there));
    desk.keys("j");
    desk
}

fn bundle_dialects(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("g b G k k k k Enter");
    desk
}

fn diff(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.command("diff service=eks accelerator=h100 os=ubuntu intent=training");
    desk
}

fn sides(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.command("diff service=kind accelerator=a100 nodes=8");
    desk.command("diff service=eks accelerator=a100 os=ubuntu");
    desk.keys("| ] ] ]");
    desk
}

/// No connection: why, and what to do.
fn unreachable(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::new(width, height, look);
    let why = "Connection refused (os error 111)";
    let failure = ops::Failure::new(ops::Kind::Unreachable, "connect to https://192.0.2.1:6443", why);
    desk.update(Msg::ConnectFailed { generation: 1, failure: failure.hint("check that the cluster runs") });
    desk
}

/// Nobody has said what to compare.
fn unasked(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("5");
    desk
}

fn help(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("2 ?");
    desk
}

fn palette(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys(":");
    desk.type_text("recipe service=ek");
    desk
}

fn observed(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.command("diff cluster");
    desk.keys("j");
    desk
}

fn validate(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("4");
    run_half_way(&mut desk);
    desk.keys("g g ]");
    desk
}

/// What a run would create, before it does.
fn planning(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("4 r");
    let Some(Effect::Plan { generation, catalog, recipe, what }) = desk.left.pop() else { panic!("no plan") };
    let mut options = ops::run::RunOptions::default();
    options.plan.run_id = "20260114-091200-00c0ffee00c0ffee".into();
    options.plan.image = "aicr/check:0.1.0".into();
    let (recipe, snapshot) = (recipe.recipe.clone(), Inventory::clone(&snapshot()));
    let mut prepared =
        ops::run::prepare(&catalog, recipe, "service=kind accelerator=a100", snapshot, &options).unwrap();
    let target = ops::connect::Target::Demo(Default::default());
    let said = ops::run::Invocation { target, recipe: what.recipe, ..Default::default() };
    prepared.command = said.line(&options);
    desk.update(Msg::Planned { generation, answer: Ok(prepared.into()) });
    desk
}

/// Nothing has run, and the cursor is on a check.
fn pending(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("4 G");
    desk
}

fn stepping(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("4");
    desk.state.model.run.follows = true;
    run_half_way(&mut desk);
    desk.run(32_000, Body::Paused { before: Stop::Check { check: "ai-service-metrics".into() } });
    desk
}

fn replaying(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    let runs =
        [recorded("20260114-091200-00c0ffee00c0ffee", false), recorded("20260113-080000-00000000000000aa", true)];
    list_records(&mut desk, &runs);
    desk.keys("4 g r Enter");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("nothing opened") };
    let [newer, _] = runs;
    desk.update(Msg::RunOpened { generation, compare: false, answer: Ok(newer.into()) });
    desk.keys("< < <");
    desk
}

fn comparing(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = replaying(width, height, look);
    desk.keys("> > > g r G =");
    let Some(Effect::OpenRun { generation, .. }) = desk.left.pop() else { panic!("nothing opened") };
    let older = recorded("20260113-080000-00000000000000aa", true);
    desk.update(Msg::RunOpened { generation, compare: true, answer: Ok(older.into()) });
    desk
}

/// The runs of the demo's past.
fn past_runs(width: u16, height: u16, look: Look) -> Desk {
    Desk::live_with_past(width, height, look)
}

/// The one that failed, on the check that did.
fn past_failure(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = past_runs(width, height, look);
    desk.keys("Enter g g ]");
    desk
}

/// The one that failed beside the good one.
fn past_compared(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = past_failure(width, height, look);
    desk.keys("g r G =");
    desk
}

/// Two recorded runs that were named, with the cursor on what became worse.
fn compared_runs(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    let [good, bad] = ["20260113-080000-00000000000000aa", "20260114-091200-00c0ffee00c0ffee"];
    desk.command(&format!("compare {good} {bad}"));
    let Some(Effect::CompareRuns { generation, .. }) = desk.left.pop() else { panic!("nothing compared") };
    let records = [recorded(good, true), recorded(bad, false)];
    desk.update(Msg::RunsCompared { generation, answer: Ok(records.into()) });
    desk.keys("]");
    desk
}

/// NCCL all-reduce in its last sizes: the rows of a run on 16 H100.
fn curve(width: u16, height: u16, look: Look) -> Desk {
    const NAME: &str = "nccl-all-reduce-bw";
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("4");
    let (recipe, criteria) = ("service=eks accelerator=h100".to_owned(), "service=eks accelerator=h100".to_owned());
    let (run_id, namespace) = ("20260114-091200-00c0ffee00c0ffee".to_owned(), "aicr-validation".to_owned());
    let checks = vec![planned(NAME, Phase::Performance)];
    desk.run(0, Body::Planned { run_id, namespace, context: "demo".into(), recipe, criteria, checks });
    desk.run(20, Body::PhaseStarted { phase: Phase::Performance });
    desk.run(40, Body::State { check: NAME.into(), state: CheckState::Running { node: "worker-1".into() } });
    for step in 0..22 {
        let bytes = 1024_u64 << step;
        // Latency first, then the bandwidth of the links.
        let gb_per_s = 368.0 * bytes as f64 / (bytes as f64 + 40_000_000.0);
        let row = Measured { bytes, gb_per_s: (gb_per_s * 100.0).round() / 100.0 };
        desk.run(1000 + step * 500, Body::Log { check: NAME.into(), text: row.line(), source: String::new() });
        desk.run(1000 + step * 500, Body::Measured { check: NAME.into(), row });
    }
    desk.state.model.run.active = true;
    desk.state.model.now_ms = NOW + 13_000;
    desk.update(Msg::Tick);
    desk.keys("G Tab Tab");
    desk
}

fn compared(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    compare(&mut desk, ("before.yaml", snapshot()), ("after.yaml", later()));
    desk.keys("5 j");
    desk
}

pub fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../golden/workbench");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// Compares every frame, each with its own golden file; the differences are in the output, all names in the failure.
#[track_caller]
pub fn all_golden(frames: impl IntoIterator<Item = (String, String)>) {
    let differ = |(name, text): &(String, String)| catch_unwind(AssertUnwindSafe(|| golden(name, text))).is_err();
    let names: Vec<String> = frames.into_iter().filter(differ).map(|(name, _)| name).collect();
    assert!(names.is_empty(), "these frames differ: {}", names.join(", "));
}

#[track_caller]
fn every_size(state: &str) {
    let (name, make) = STATES.iter().find(|(name, _)| *name == state).unwrap();
    let mut frames = Vec::new();
    let once = ONCE.into_iter().filter(|_| SCREENS.contains(name));
    for (width, height) in SIZES.into_iter().chain(once) {
        let mut desk = make(width, height, Look::default());
        let frame = desk.frame();
        frames.push((format!("{name}-{width}x{height}"), screenshot::symbols(&frame)));
        if (width, height) == (80, 24) {
            let styles = screenshot::styles(&frame, &desk.state.desk.theme);
            frames.push((format!("{name}-{width}x{height}-styles"), styles));
        }
    }
    let mut ascii = make(80, 24, Look { ascii: true, ..Look::default() });
    frames.push((format!("{name}-80x24-ascii"), ascii.text()));
    all_golden(frames);
}

macro_rules! every_size_of {
    ($($test:ident: $state:literal,)*) => { $(#[test] fn $test() { every_size($state); })* };
}

every_size_of! {
    the_cluster_screen: "cluster",
    the_cluster_screen_with_checks_that_are_evaluated_live: "health",
    the_recipe_screen: "recipe",
    the_recipe_screen_with_what_if: "what-if",
    the_bundle_of_the_recipe: "bundle",
    the_bundle_beside_one_on_disk: "bundle-against",
    the_bundle_in_two_dialects: "bundle-dialects",
    the_diff_screen_of_two_recipes: "diff",
    the_diff_screen_side_by_side: "sides",
    the_diff_screen_with_the_cluster: "observed",
    the_upgrades_of_the_cluster: "upgrades",
    the_validate_screen_in_a_run: "validate",
    the_validate_screen_with_a_plan: "planning",
    the_validate_screen_before_a_run: "pending",
    the_validate_screen_of_a_run_that_stopped: "stepping",
    the_validate_screen_of_a_recorded_run: "replaying",
    the_validate_screen_with_two_runs: "comparing",
    the_runs_of_the_demo: "past-runs",
    the_failed_run_of_the_demo: "past-failure",
    the_failed_run_of_the_demo_beside_the_good_one: "past-compared",
    the_validate_screen_with_the_curve_of_a_benchmark: "curve",
    the_compare_screen: "compare",
    the_compare_screen_with_two_runs: "compare-runs",
    the_deploy_view_with_a_plan: "deploy-plan",
    the_deploy_view_in_a_deploy: "deploy-running",
    the_deploy_view_of_a_deploy_that_failed: "deploy-failing",
    the_deploy_view_of_a_deploy_that_is_done: "deploy-done",
    the_cluster_screen_without_a_cluster: "unreachable",
    the_compare_screen_before_anything_is_compared: "unasked",
    the_help: "help",
    the_palette: "palette",
}

#[test]
fn a_bundle_is_read_release_by_release_and_left_by_escape() {
    let mut desk = Desk::live(120, 40);
    desk.keys("g b");
    desk.shows("bundle for helm");
    desk.keys("j Enter");
    desk.shows("what bundling adds to the values of the recipe");
    // The same recipe in another dialect.
    desk.keys("Esc G k Enter");
    desk.shows("helm and terraform side by side");
    desk.shows("  install.sh                          values.yaml");
    desk.keys("Esc G k k k k k k k k Enter");
    desk.shows("001-cert-manager/");
    desk.keys("Esc Esc");
    desk.shows("overlay stack");
}

#[test]
fn a_bundle_on_disk_is_compared_file_by_file_in_its_own_dialect() {
    let mut desk = bundle_against(120, 40, Look::default());
    desk.shows("3 files of the helm bundle in site/bundle would change");
    desk.keys("Enter");
    desk.shows("- line 14      enabled: false");
    desk.keys("Esc j Enter");
    desk.shows("new deploy.sh");
    desk.keys("Esc j Enter");
    desk.shows("the plan does not have this file");
    desk.keys("Esc");
    // Its files are those of another tool, and so are those of the plan that it is compared with.
    desk.command("bundle site/flux");
    desk.shows("reading site/flux");
    let there = on_disk(&desk, "flux");
    bundle_is(&mut desk, Ok(there));
    desk.shows("no file of the flux bundle in site/flux would change");
    desk.command("bundle nothing");
    let because = ops::Failure::new(ops::Kind::NotFound, "read the bundle", "there is no such folder");
    bundle_is(&mut desk, Err(because));
    desk.shows("not compared with nothing: there is no such folder");
    desk.command("bundle");
    assert!(!desk.text().contains("not compared"));
}

#[test]
fn without_color_every_frame_says_the_same() {
    for (name, make) in STATES {
        for (width, height) in [(80, 24), (120, 40)] {
            let mono = Look { color: Some(term::color::Level::None), ..Look::default() };
            assert_eq!(make(width, height, Look::default()).text(), make(width, height, mono).text(), "{name}");
        }
    }
}

#[test]
fn ascii_frames_are_ascii_and_keep_the_focus_visible() {
    for (name, make) in STATES {
        let text = make(80, 24, Look { ascii: true, ..Look::default() }).text();
        assert!(text.is_ascii(), "{name}:\n{text}");
        assert!(text.contains("#=="), "{name}: no heavy border\n{text}");
    }
}

#[test]
fn overlays_look_as_they_should() {
    let mut desk = Desk::live(80, 24);
    desk.keys("2 ?");
    let mut frames = vec![("help-80x24".to_owned(), desk.text())];
    desk.keys("Esc :");
    desk.type_text("comp");
    frames.push(("palette-typed-80x24".to_owned(), desk.text()));
    desk.keys("Esc g");
    frames.push(("popup-80x24".to_owned(), desk.text()));
    all_golden(frames);
}

#[test]
fn messages_come_before_the_log_of_the_program() {
    let line = |at_ms, level, target: &str, text: &str| Line { at_ms, level, target: target.into(), text: text.into() };
    let at = i64::try_from(NOW).unwrap();
    let mut lines = vec![
        line(at - 61_000, Level::INFO, "aicr::cluster::connection", "connected context=demo"),
        line(at - 1500, Level::WARN, "aicr::cluster::watch", "the list of pods ended early \u{1b}[2J\u{202e}attempt=2"),
        line(at - 1000, Level::ERROR, "kube_client", "HTTP 403 verb=GET path=/api/v1/nodes"),
    ];
    let log = |lines: &[Line]| Msg::Log(Log { lines: lines.to_vec(), file: Some("/state/aicr/aicr.log".into()) });
    let mut desk = Desk::live(80, 24);
    desk.keys("Z");
    desk.command("messages");
    assert!(matches!(desk.left[..], [Effect::ReadLog]), "{:?}", desk.left);
    desk.update(log(&lines));
    golden("messages-80x24", &desk.text());
    desk.keys("G Enter");
    desk.shows("connected context=demo");
    assert!(!desk.text().contains("HTTP 403"), "one line of the log in full");
    lines.splice(0..0, (0..200).map(|turn| line(at - 70_000 + turn, Level::INFO, "aicr", &format!("line {turn}."))));
    desk.keys("Esc");
    desk.update(log(&lines));
    assert!(!desk.text().contains("line 0."));
    desk.keys("G");
    desk.shows("line 0.");
}

#[test]
fn what_is_kept_is_said_with_its_limits() {
    let item = |what, path: &str, held: Result<Held, ops::Failure>, limit: &str, removal| {
        let (path, limit) = (PathBuf::from("/state/aicr").join(path), limit.to_owned());
        Item { what, path, held, limit, removal }
    };
    let mut desk = Desk::live(80, 24);
    desk.command("storage");
    assert!(matches!(desk.left[..], [Effect::ReadStorage]), "{:?}", desk.left);
    desk.update(Msg::Storage(vec![
        item(
            "runs",
            "runs",
            Ok(Held { files: 12, bytes: 4_200_000 }),
            &record::LIMITS.words(),
            "removed by `aicr runs prune`",
        ),
        item(
            "snapshots",
            "snapshots",
            Err(ops::Failure::new(ops::Kind::Internal, "look at what is kept", "Permission denied")),
            "200 of each cluster",
            "removed by `aicr snapshots prune`",
        ),
        item("session", "session.json", Ok(Held::default()), "1 file", "`aicr --fresh` begins a new one"),
    ]));
    golden("storage-80x24", &desk.text());
    desk.update(Msg::Storage(Vec::new()));
    desk.shows("set AICR_STATE_DIR");
}

/// Terminal control (ANSI, OSC, C1, DEL), reordered, invisible and tagged text; short, for tables cut long cells.
const HOSTILE: [(&str, &str); 6] = [
    ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
    ("c\u{1b}]52;c;eA==\u{7}d", r"c\u{1b}]52;c;eA==\u{7}d"),
    ("e\u{9b}31m\u{7f}f\tg\rh", r"e\u{9b}31m\u{7f}f\tg\rh"),
    ("i\u{202e}j\u{2066}k\u{200f}l", r"i\u{202e}j\u{2066}k\u{200f}l"),
    ("m\u{200b}n\u{200d}o", r"m\u{200b}n\u{200d}o"),
    ("p\u{feff}q\u{e0041}r", r"p\u{feff}q\u{e0041}r"),
];

#[test]
fn hostile_text_is_shown_alike_on_the_command_line_and_in_a_pane() {
    let mut later = Inventory::clone(&snapshot());
    for (text, _) in HOSTILE {
        std::sync::Arc::make_mut(&mut later.images).insert(format!("image-{}", &text[..1]), text.into());
    }
    let sandbox = Sandbox::new();
    sandbox.file("before.yaml", &ops::snapshot::text(&snapshot(), Format::Yaml, Edition::V1));
    let after = ops::snapshot::text(&later, Format::Yaml, Edition::V1);
    sandbox.file("after.yaml", &after);
    let printed = sandbox.aicr(&["diff", "-b", "before.yaml", "--target", "after.yaml", "-t", "table"]).stdout;
    let mut desk = Desk::live(200, 60);
    let read = ops::snapshot::parse(&after, "after.yaml").unwrap();
    compare(&mut desk, ("before.yaml", snapshot()), ("after\u{1b}[2J.yaml", read.into()));
    desk.keys("5");
    let frame = desk.text();
    for (text, shown) in HOSTILE {
        assert!(printed.contains(shown) && frame.contains(shown), "{shown}:\n{printed}\n{frame}");
        assert!(!printed.contains(text) && !frame.contains(text), "{shown}:\n{printed}\n{frame}");
    }
    assert!(frame.contains(r"after\u{1b}[2J.yaml"), "{frame}");
}

/// A terminal that is being made smaller says for a moment that it has lines and no columns.
#[test]
fn a_frame_without_columns_or_without_lines_draws_nothing() {
    let mut desk = Desk::live(80, 24);
    for (width, height) in [(0, 100), (100, 0), (0, 0), (0, 1), (80, 24)] {
        desk.update(Msg::Input(Input::Resize { width, height }));
        assert_eq!(desk.frame().area, ratatui::layout::Rect::new(0, 0, width, height));
    }
    desk.shows("worker-3");
}

#[test]
fn any_size_draws_and_keeps_the_context_line() {
    let mut desks: Vec<_> = STATES.iter().map(|(name, make)| (name, make(80, 24, Look::default()))).collect();
    let widths = (1..=45).chain([59, 60, 71, 72, 79, 80, 99, 100, 119, 120, 150, 199, 200, 250]);
    for (turn, width) in widths.enumerate() {
        for height in (1..=12).chain([15, 23, 24, 30, 39, 40, 47, 59, 60, 90]) {
            let index = (turn + usize::from(height)) % desks.len();
            let (name, desk) = &mut desks[index];
            desk.update(Msg::Input(Input::Resize { width, height }));
            let frame = desk.frame();
            assert_eq!((frame.area.width, frame.area.height), (width, height));
            let first = screenshot::symbols(&frame);
            let first = first.lines().next().unwrap_or_default();
            let source = match desk.state.model.records.replay.is_some() {
                true => "REC",
                false if desk.state.desk.screen == Screen::Compare && desk.state.model.saved_sides().is_some() => {
                    "SNAP"
                }
                false => "DEMO",
            };
            assert!(width < 6 || first.contains(source), "{name} at {width}x{height}: {first}");
            for cell in frame.content() {
                assert!(!cell.symbol().chars().any(char::is_control), "{name} at {width}x{height}");
            }
        }
    }
}

/// The next number of a sequence that is the same for the same seed.
pub fn random_below(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % below
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
    let mut random = |below: usize| random_below(&mut seed, below);
    for (_, make) in STATES {
        let mut desk = make(100, 30, Look::default());
        for _ in 0..400 {
            let keys = names[random(names.len())].clone();
            let kind = desk.state.desk.overlay.as_ref().map(|overlay| overlay.kind.clone());
            desk.keys(&keys);
            if desk.state.quit {
                // The palette has a word for leaving, and nothing else leaves.
                assert!(keys == "Enter" && kind == Some(Kind::Palette), "{keys} leaves from {kind:?}");
                break;
            }
            if random(20) == 0 {
                let (width, height) = (u16::try_from(random(220) + 1).unwrap(), u16::try_from(random(70) + 1).unwrap());
                desk.update(Msg::Input(Input::Resize { width, height }));
            }
            let focused = desk.state.desk.focused();
            desk.frame();
            let layout = &desk.state.desk.layout;
            assert!(layout.panels.is_empty() || layout.panel(focused).is_some(), "{keys}: {focused:?} is not shown");
            desk.left.clear();
        }
    }
}
