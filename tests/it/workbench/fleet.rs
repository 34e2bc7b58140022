//! The Cluster screen of fleets: mixed, in MIG mode, unlabeled, forbidden, from five to five thousand nodes; one test per
//! screen that shows all its sizes.

use super::{
    desk::{Desk, NOW, compare, snapshot_of},
    screens::{SIZES, all_golden},
};
use crate::sandbox::Sandbox;
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    inventory::{Fact, Inventory, Node, Source, Text},
    ops::{demo::DemoOptions, fault::Fault, place::Place},
    term::key,
    workbench::{
        Look, Screen,
        effect::Effect,
        msg::Msg,
        panes::{HEAT, NODE, NODES, READINGS, SHAPES},
        screenshot,
        widgets::table::Identity,
    },
};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, OnceLock},
};

/// What is measured of the world of that name in `tests/worlds`.
fn world(name: &str, faults: &[&str]) -> Arc<Inventory> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds").join(name);
    let faults = faults.iter().map(|fault| fault.parse::<Fault>().unwrap()).collect();
    snapshot_of(DemoOptions { world: Some(Place::File(path)), faults, ..DemoOptions::default() })
}

/// Ten nodes of which hardly two are alike.
fn mixed() -> Arc<Inventory> {
    static MIXED: OnceLock<Arc<Inventory>> = OnceLock::new();
    MIXED.get_or_init(|| world("mixed.yaml", &[])).clone()
}

fn without(permission: &str) -> Arc<Inventory> {
    world("mixed.yaml", &[&format!("forbidden={permission}")])
}

/// A node of the mixed world under another name.
fn copy(of: &str, name: String) -> Node {
    Node { name: name.into(), ..Node::clone(mixed().node(of).unwrap()) }
}

fn fleet(mut nodes: Vec<Node>) -> Arc<Inventory> {
    nodes.sort_by(|left, right| left.name.cmp(&right.name));
    Arc::new(Inventory { nodes: nodes.into_iter().map(Arc::new).collect(), ..Inventory::clone(&mixed()) })
}

fn node_says(text: &str) -> Fact<Text> {
    Fact::known(text.into(), Source::node("status.nodeInfo"))
}

/// 4,500 machines with H100 of which eight have an older driver and twelve are not ready, one with A100, 499 without.
fn five_thousand() -> Arc<Inventory> {
    static LARGE: OnceLock<Arc<Inventory>> = OnceLock::new();
    let build = || {
        let mut nodes: Vec<Node> = (0..4500).map(|n| copy("h100-1", format!("gpu-{n:04}"))).collect();
        for node in &mut nodes[700..708] {
            node.accelerators.driver = node_says("550.163.01");
        }
        for node in &mut nodes[2000..2012] {
            (node.ready, node.conditions) = (Fact::known(false, Source::node("status.conditions")), Vec::new());
        }
        nodes.push(Node { kernel: node_says("6.8.0-1021-aws"), ..copy("a100-mig", "old-0001".to_owned()) });
        nodes.extend((0..499).map(|n| copy("system-1", format!("system-{n:03}"))));
        fleet(nodes)
    };
    LARGE.get_or_init(build).clone()
}

/// Nineteen shapes: eighteen nodes that differ from forty in one thing each.
fn nineteen() -> Arc<Inventory> {
    let mut nodes: Vec<Node> = (0..40).map(|n| copy("h100-1", format!("gpu-{n:02}"))).collect();
    for n in 0..18_usize {
        let mut node = copy("h100-1", format!("odd-{n:02}"));
        let version = n / 6;
        match n % 6 {
            0 => node.kernel = node_says(&format!("6.8.0-{}-aws", 1018 + version)),
            1 => node.kubelet = node_says(&format!("v1.32.{version}-eks-99d6cc0")),
            2 => node.accelerators.driver = node_says(&format!("570.{}.01", 86 + version)),
            3 => node.os.image = node_says(&format!("Ubuntu 22.04.{version} LTS")),
            4 => node.runtime = node_says(&format!("containerd://1.7.{version}")),
            _ => node.instance_type = node_says(["p5e.48xlarge", "p5.4xlarge", "p5en.48xlarge"][version]),
        }
        nodes.push(node);
    }
    fleet(nodes)
}

/// Every size of one screen, each with its own golden file.
#[track_caller]
fn every_size(name: &str, snapshot: &Arc<Inventory>, prepare: impl Fn(&mut Desk)) {
    let frame = |(width, height): (u16, u16)| {
        let mut desk = Desk::showing(Arc::clone(snapshot), width, height, Look::default());
        prepare(&mut desk);
        (format!("{name}-{width}x{height}"), screenshot::symbols(&desk.frame()))
    };
    all_golden(SIZES.map(frame));
}

#[test]
fn a_mixed_fleet() {
    every_size("fleet-mixed", &mixed(), |_| {});
}

#[test]
fn the_shapes_of_a_mixed_fleet() {
    every_size("fleet-shapes", &mixed(), |desk| desk.state.desk.focus_on(&SHAPES));
}

#[test]
fn a_node_in_mig_mode() {
    every_size("fleet-mig", &mixed(), |desk| desk.command("node a100-mig"));
}

#[test]
fn a_node_with_unlabeled_gpus() {
    every_size("fleet-unlabeled", &mixed(), |desk| desk.command("node rack-7"));
}

#[test]
fn five_thousand_nodes() {
    every_size("fleet-5000", &five_thousand(), |_| {});
}

/// As a cloud names its machines: what tells them apart is in the middle.
fn named(before: &str, after: &str) -> Arc<Inventory> {
    fleet((1..30).map(|n| copy("h100-1", format!("{before}{}-{}{after}", n % 3, n * 7))).collect())
}

#[test]
fn names_of_machines_say_their_domain_once() {
    let domain = ".us-west-2.compute.internal";
    let fleet = named("ip-10-16-20", domain);
    every_size("fleet-names", &fleet, |_| {});
    let mut desk = Desk::showing(Arc::clone(&fleet), 120, 40, Look::default());
    desk.state.desk.focus_on(&NODES);
    desk.shows("NAME ….us-");
    desk.shows("ip-10-16-200-147  ");
    // What is looked for and copied is the whole name.
    desk.keys("/ w e s t - 2 . c o m p Enter y");
    desk.shows("0 hidden, 29 matches");
    let Some(Effect::Copy(copied)) = desk.left.pop() else { panic!("{:?}", desk.left) };
    assert!(copied.ends_with(domain), "{copied}");
    // Where there is room for it, a name is whole.
    let mut wide = Desk::showing(fleet, 300, 60, Look::default());
    wide.state.desk.focus_on(&NODES);
    wide.keys("z z");
    wide.shows("ip-10-16-201-133.us-west-2.compute.internal  ready");
    assert!(!wide.text().contains("NAME …"), "{}", wide.text());
}

#[test]
fn names_of_machines_say_their_pool_once_where_they_have_no_room() {
    let mut desk = Desk::showing(named("gke-prod-eu-h100-80gb-pool-7f3c", ""), 80, 24, Look::default());
    desk.shows("NAME gke-");
    desk.shows("7f3c0-105  ");
}

#[test]
fn nineteen_shapes() {
    every_size("fleet-19-shapes", &nineteen(), |desk| desk.state.desk.focus_on(&SHAPES));
}

#[test]
fn the_nodes_of_one_shape() {
    every_size("fleet-one-shape", &five_thousand(), |desk| {
        desk.state.desk.focus_on(&SHAPES);
        desk.keys("g g Enter");
    });
}

#[test]
fn nodes_that_may_not_be_listed() {
    every_size("fleet-forbidden-nodes", &without("list:nodes"), |_| {});
}

#[test]
fn pods_that_may_not_be_listed() {
    every_size("fleet-forbidden-pods", &without("list:pods"), |desk| desk.command("node a100-mig"));
}

#[test]
fn rules_of_the_recipe_on_each_shape() {
    every_size("fleet-rules", &mixed(), |desk| {
        desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training");
        desk.keys("1");
        desk.state.desk.focus_on(&SHAPES);
    });
}

/// Lines of the focused panel as the frame shows them, without its border and the cursor.
fn lines(desk: &mut Desk) -> Vec<String> {
    let frame = desk.text();
    let focused = frame.lines().filter_map(|line| line.split('┃').nth(1));
    focused.skip(1).map(|line| line.replace('›', " ").trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn shapes_that_differ_look_different_at_every_size() {
    for (width, height) in SIZES {
        let mut desk = Desk::showing(nineteen(), width, height, Look::default());
        desk.state.desk.focus_on(&SHAPES);
        let mut seen = BTreeSet::new();
        for _ in 0..19 {
            seen.extend(lines(&mut desk));
            desk.keys("j");
        }
        assert_eq!(seen.len(), 19, "{width}x{height}: {seen:#?}");
    }
}

#[test]
fn a_fleet_is_drawn_node_by_node_outliers_first_then_what_is_in_trouble() {
    every_size("fleet-heat", &five_thousand(), |desk| desk.state.desk.focus_on(&HEAT));
    let mut desk = Desk::showing(five_thousand(), 200, 60, Look::default());
    desk.state.desk.focus_on(&HEAT);
    let rows = |desk: &mut Desk| -> Vec<String> {
        desk.frame();
        desk.state.desk.table(&HEAT).content.rows.iter().map(|row| row.cells[1].plain().into_owned()).collect()
    };
    let all = rows(&mut desk).concat();
    assert_eq!(all.chars().count(), 5000, "one cell for each node");
    // Eight with an older driver, and the one with A100; thousands of others would be above them.
    let first = format!("{}{}█", "▌".repeat(9), "✗".repeat(12));
    assert!(all.starts_with(&first), "{}", all.chars().take(60).collect::<String>());
    assert_eq!(all.matches('▌').count(), 9);
    desk.keys("g g Enter");
    desk.shows("nodes 8 of 5,000");
    desk.state.desk.focus_on(&HEAT);
    desk.keys("g g j j Enter");
    desk.shows("nodes 4,492 of 5,000");
}

/// What is left of the line has room for what was left out first.
#[test]
fn the_first_line_of_a_fleet_uses_its_room() {
    let mut desk = Desk::showing(five_thousand(), 80, 24, Look::default());
    let text = desk.text();
    let line = text.lines().nth(1).unwrap_or_default();
    for said in ["12 of 5,000 nodes not ready", "1 of 2 constraints FAIL"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    let mut desk = Desk::showing(mixed(), 80, 24, Look::default());
    let text = desk.text();
    assert!(text.contains("1 of 2 constraints FAIL · unvalidated"), "{text}");
    // How many more there are is not said by a sign.
    let mut desk = Desk::showing(five_thousand(), 120, 40, Look::default());
    desk.shows("0 GPUs known to be free");
    assert!(!desk.text().contains("+ GPUs"), "{}", desk.text());
}

/// A state is asked for by its whole name: `NOTREADY` has `ready` in it and means the opposite.
#[test]
fn nodes_that_are_not_ready_are_not_those_that_are() {
    let mut desk = Desk::showing(five_thousand(), 120, 40, Look::default());
    desk.state.desk.focus_on(&NODES);
    let mut matching = |filter: &str| {
        desk.command(&format!("filter {filter}"));
        desk.state.prepare();
        desk.state.desk.table(&NODES).matching
    };
    for filter in ["!ready", "state!=ready", "!state=ready", "state=notready", "NOTREADY", "gpu=h100 !ready"] {
        assert_eq!(matching(filter), 12, "{filter}");
    }
    for filter in ["ready", "state=ready", "state:ready", "!notready"] {
        assert_eq!(matching(filter), 4988, "{filter}");
    }
    assert_eq!(matching("state=not"), 0, "a part of a state is none");
    assert_eq!(matching("!ready | name=old"), 13);
}

#[test]
fn rows_are_sorted_by_several_columns_and_columns_are_chosen() {
    let mut desk = Desk::showing(five_thousand(), 200, 60, Look::default());
    desk.state.desk.focus_on(&NODES);
    desk.command("sort driver -name");
    desk.frame();
    let table = desk.state.desk.table(&NODES);
    let names: Vec<&str> = table.visible.iter().map(|index| table.content.rows[*index].id.name()).collect();
    let old = names.iter().position(|name| *name == "gpu-0707").unwrap();
    assert_eq!(
        names[old..old + 8],
        ["0707", "0706", "0705", "0704", "0703", "0702", "0701", "0700"].map(|n| format!("gpu-{n}"))
    );
    desk.shows("DRIVER↑1");
    desk.command("columns name kernel runtime");
    desk.shows("RUNTIME");
    assert!(!desk.text().contains("SHARING"));
    desk.command("columns");
    desk.shows("SHARING");
    desk.command("sort nothing");
    desk.shows("unknown column `nothing`; there are name, state, gpu");
}

/// Columns come and go with what is listed, and rows with the cluster; the order that a person asked for stays.
/// While somebody moves, rows change their places at most once a second; when nobody does, at once.
#[test]
fn rows_wait_with_their_new_order_while_somebody_moves_in_them() {
    let kernel = |version: [&str; 3]| {
        let node = |at: usize| Node { kernel: node_says(version[at]), ..copy("h100-1", format!("gpu-{at}")) };
        fleet((0..3).map(node).collect())
    };
    let mut desk = Desk::showing(kernel(["1", "2", "3"]), 200, 60, Look::default());
    desk.command("sort kernel");
    let order = |desk: &mut Desk| -> String {
        desk.frame();
        let table = desk.state.desk.table(&NODES);
        table.visible.iter().map(|index| table.content.rows[*index].id.name()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(order(&mut desk), "gpu-0 gpu-1 gpu-2");
    let at = |desk: &mut Desk, milliseconds| desk.state.model.now_ms = NOW + milliseconds;
    at(&mut desk, 10_000);
    desk.view(LiveStatus::Fresh, Some(kernel(["5", "2", "3"])));
    assert_eq!(order(&mut desk), "gpu-1 gpu-2 gpu-0", "nobody moves");
    at(&mut desk, 10_100);
    desk.keys("j");
    desk.view(LiveStatus::Fresh, Some(kernel(["5", "9", "3"])));
    assert_eq!(order(&mut desk), "gpu-1 gpu-2 gpu-0");
    let selected = desk.state.desk.table(&NODES).selected.clone();
    assert!(desk.state.moves_by_itself(), "a clock ticks for the order that is due");
    at(&mut desk, 10_999);
    desk.update(Msg::Tick);
    assert_eq!(order(&mut desk), "gpu-1 gpu-2 gpu-0");
    at(&mut desk, 11_000);
    desk.keys("k");
    assert_eq!(order(&mut desk), "gpu-2 gpu-0 gpu-1", "once a second also while somebody moves");
    assert_eq!(desk.state.desk.table(&NODES).selected, selected, "the cursor stays on its node");
    // What a person asks for is done at once.
    desk.keys("S");
    assert_eq!(order(&mut desk), "gpu-1 gpu-0 gpu-2");
}

#[test]
fn an_order_by_several_columns_stays_with_its_columns() {
    let mut desk = Desk::showing(mixed(), 200, 60, Look::default());
    let names = |desk: &mut Desk| -> Vec<String> {
        desk.frame();
        let table = desk.state.desk.table(&NODES);
        table.visible.iter().map(|index| table.content.rows[*index].id.name().to_owned()).collect()
    };
    desk.command("sort sharing -driver name");
    desk.shows("sorted by sharing -driver name");
    desk.shows("━ by sharing, driver ↓, name  ");
    let all = names(&mut desk);
    desk.shows("SHARING↑1");
    // The same facts again, and in another order.
    let mut nodes: Vec<Node> = mixed().nodes.iter().map(|node| Node::clone(node)).collect();
    nodes.reverse();
    desk.view(LiveStatus::Fresh, Some(fleet(nodes)));
    assert_eq!(names(&mut desk), all);
    // A shape without shared GPUs has no such column: the other two count, and all three again afterwards.
    desk.command("sort sharing name");
    let all = names(&mut desk);
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("g g");
    let whole = |desk: &mut Desk| !desk.state.desk.table(&NODES).content.columns.iter().any(|c| c.name == "SHARING");
    for _ in 0..9 {
        desk.keys("Enter");
        desk.frame();
        if whole(&mut desk) {
            break;
        }
        desk.keys("Esc j");
    }
    assert!(whole(&mut desk), "{}", desk.text());
    desk.shows("NAME↑");
    let mut sorted = names(&mut desk);
    sorted.sort();
    assert_eq!(names(&mut desk), sorted);
    desk.keys("Esc");
    assert_eq!(names(&mut desk), all);
    // Turned around, the columns keep their order among each other.
    desk.state.desk.focus_on(&NODES);
    desk.keys("S");
    desk.shows("sorted by SHARING, descending, then by NAME, ascending");
    desk.shows("SHARING↓1");
}

#[test]
fn enter_on_a_shape_lists_its_nodes_only() {
    let mut desk = Desk::showing(five_thousand(), 120, 40, Look::default());
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("g g Enter");
    let names = |desk: &mut Desk| -> Vec<String> {
        desk.frame();
        desk.state.desk.table(&NODES).content.rows.iter().map(|row| row.id.name().to_owned()).collect()
    };
    assert_eq!(names(&mut desk), (700..708).map(|n| format!("gpu-{n:04}")).collect::<Vec<_>>());
    desk.shows("nodes 8 of 5,000: 8x H100-80GB-HBM3, driver 550.163.01");
    desk.shows("constraints on these nodes");
    desk.shows("node gpu-0700");
    desk.keys("Esc");
    assert_eq!((names(&mut desk).len(), desk.state.desk.focused()), (5000, &SHAPES));
    desk.keys("g g Enter");
    desk.command("node system-007");
    assert_eq!(names(&mut desk).len(), 5000, "a node of another shape is shown among all");
    desk.shows("node system-007");
}

#[test]
fn the_nodes_of_a_shape_stay_its_nodes_while_they_change() {
    let mut desk = Desk::showing(five_thousand(), 120, 40, Look::default());
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("g g Enter");
    let mut nodes: Vec<Node> = five_thousand().nodes.iter().map(|node| Node::clone(node)).collect();
    nodes.retain(|node| !["gpu-0700", "old-0001"].contains(&&*node.name));
    let changed = fleet(nodes.clone());
    desk.view(LiveStatus::Fresh, Some(changed));
    desk.shows("nodes 7 of 4,998");
    for node in &mut nodes[700..708] {
        node.accelerators.driver = node_says("570.172.08");
    }
    desk.view(LiveStatus::Fresh, Some(fleet(nodes)));
    desk.shows("no node is like this any more; Esc lists all");
}

#[test]
fn a_fleet_that_one_panel_cannot_show_begins_with_its_shapes() {
    let focused = |snapshot: Arc<Inventory>, width, height| {
        Desk::showing(snapshot, width, height, Look::default()).state.desk.focused()
    };
    assert_eq!(focused(five_thousand(), 80, 24), &SHAPES);
    assert_eq!(focused(mixed(), 40, 10), &SHAPES);
    // The nodes of the demo are a step away from fitting.
    assert_eq!(focused(super::desk::snapshot(), 40, 10), &NODES);
    assert_eq!(focused(mixed(), 80, 25), &NODES);
    assert_eq!(focused(five_thousand(), 200, 60), &NODES, "shapes are beside it");
    let alike = fleet((0..300).map(|n| copy("h100-1", format!("gpu-{n:03}"))).collect());
    assert_eq!(focused(alike, 80, 24), &NODES);
}

#[test]
fn what_is_forbidden_is_named_on_every_screen() {
    for (permission, words) in [("list:nodes", "list nodes"), ("list:pods", "list pods")] {
        let snapshot = without(permission);
        for (width, height) in SIZES {
            let mut desk = Desk::showing(Arc::clone(&snapshot), width, height, Look::default());
            for (screen, key) in Screen::ALL.into_iter().zip(["1", "2", "3", "4", "5"]) {
                desk.keys(key);
                let frame = desk.text();
                let said = frame.lines().any(|line| line.contains("forbidden") && line.contains(words));
                assert!(said, "{screen:?} at {width}x{height}:\n{frame}");
            }
        }
    }
}

#[test]
fn what_could_not_be_listed_is_not_counted() {
    let mut desk = Desk::showing(without("list:nodes"), 200, 60, Look::default());
    let frame = desk.text();
    for untrue in ["nodes 0", "shapes 0", "0 nodes", "empty"] {
        assert!(!frame.contains(untrue), "{untrue}:\n{frame}");
    }
    let mut desk = Desk::showing(without("list:pods"), 120, 40, Look::default());
    desk.command("node h100-1");
    desk.shows("?/8");
    desk.shows("held unknown");
}

#[test]
fn a_side_that_could_not_be_read_has_lost_nothing() {
    let mut desk = Desk::showing(mixed(), 200, 60, Look::default());
    compare(&mut desk, ("before.yaml", mixed()), ("after.yaml", without("list:nodes")));
    desk.keys("5");
    desk.shows("1 differ");
    desk.shows("K8s.collection.nodes");
    desk.shows("forbidden: list nodes");
}

#[test]
fn nodes_that_say_otherwise_are_named_with_what_the_recipe_leaves_out() {
    let mut desk = Desk::showing(mixed(), 200, 60, Look::default());
    desk.shows(
        "accelerator=h100 is that of most nodes; not of all: a100 on 1 node (a100-mig), l40s on 1 node (l40s-shared)",
    );
    desk.shows("os=ubuntu is that of most nodes; not of all: rhel on 1 node (a100-mig)");
    // What a person stated stands; the nodes that differ are named all the same.
    desk.command("recipe service=eks accelerator=h100 os=ubuntu intent=training");
    desk.keys("1");
    desk.shows("a100 on a100-mig");
    desk.shows("OS.release.ID ubuntu: 7 of 8 nodes; not on a100-mig (rhel)  so without overlay eks-ubuntu");
}

#[test]
fn the_file_of_a_cluster_says_what_was_forbidden_and_counts_nothing() {
    let sandbox = Sandbox::new();
    let file = sandbox.aicr(&["--demo", "--fault", "forbidden=list:nodes", "snapshot"]);
    for expected in ["note: 'forbidden: list nodes'\n    value: null", "nodes: forbidden", "nodes: 'list nodes: "] {
        assert!(file.stdout.contains(expected), "{expected}:\n{}", file.stdout);
    }
    assert!(!file.stdout.contains("node-count"), "{}", file.stdout);
    assert!(file.stderr.contains("read demo without its nodes (forbidden: list nodes): any"), "{}", file.stderr);
}

/// A constraint that is only a warning is no failure, and what its author says to do about it is on the screen.
#[test]
fn severity_and_remediation_of_a_constraint_are_shown() {
    let sandbox = Sandbox::new();
    let home = sandbox.home();
    std::fs::create_dir_all(home.join("own/overlays")).unwrap();
    // The base is never left out, so what it asks for is judged where it does not hold, too.
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/overlays/base.yaml");
    let base = std::fs::read_to_string(base).unwrap();
    let rule = "  constraints: [{name: K8s.server.platform, value: linux/s390x, severity: warning, remediation: add such nodes}, ";
    let (base, asked) = (base.replacen("  constraints: [", rule, 1), base);
    assert_ne!(base, asked);
    std::fs::write(home.join("own/overlays/base.yaml"), base).unwrap();
    std::fs::write(home.join("keys"), "wait\n").unwrap();
    let arguments = ["--demo", "--data", "own", "tui", "--service", "kind", "--size", "200x60", "--script", "keys"];
    let run = sandbox.aicr(&arguments);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let rule = run.stdout.lines().find(|line| line.contains("linux/s390x")).unwrap_or_else(|| panic!("{}", run.stdout));
    assert!(rule.contains("!›") || rule.contains("! "), "{rule}");
    assert!(run.stdout.contains("remedy: add such nodes"), "{}", run.stdout);
    assert!(run.stdout.contains("1 warned") && !run.stdout.contains("FAIL"), "{}", run.stdout);
}

/// Where something could not be read, that is what `D` shows, whether or not a message was said of it.
#[test]
fn details_of_a_panel_that_may_not_be_read_say_what_is_missing_and_what_to_ask_for() {
    for (permission, needs) in [("list:nodes", "list nodes"), ("list:pods", "list pods")] {
        let mut desk = Desk::showing(without(permission), 120, 40, Look::default());
        desk.keys("1 g n D");
        let text = desk.text();
        assert!(text.contains("forbidden") && text.contains(&format!("kubectl auth can-i {needs}")), "{text}");
        assert!(!text.contains("nothing failed"), "{text}");
    }
    let mut desk = Desk::live(120, 40);
    desk.keys("D");
    desk.shows("nothing failed");
}

/// Nothing follows from nodes that cannot be read, and no key is offered that would show nothing of them.
#[test]
fn what_follows_from_nodes_that_cannot_be_listed_is_not_said_to_be_from_the_cluster() {
    let faults = vec!["forbidden=list:nodes".parse::<Fault>().unwrap()];
    let demo = snapshot_of(DemoOptions { faults, ..DemoOptions::default() });
    for (width, height) in [(120, 40), (200, 60)] {
        let mut desk = Desk::showing(demo.clone(), width, height, Look::default());
        desk.keys("1 g n");
        desk.shows("no criteria  (forbidden: list nodes)");
        let text = desk.text();
        assert!(!text.contains("from the cluster"), "{text}");
        let hint = text.lines().last().unwrap_or_default();
        assert!(!hint.contains("Enter in"), "{hint}");
    }
}

/// A key that comes between a change of the cluster and its frame is answered with the rows that were shown before; the
/// change is there when every panel is built, as if no key had come.
#[test]
fn a_key_does_not_wait_for_what_the_cluster_has_changed() {
    let before = fleet((1..=12).map(|n| copy("h100-1", format!("gpu-{n}"))).collect());
    let mut after = Inventory::clone(&before);
    Arc::make_mut(&mut after.nodes[2]).schedulable = Fact::known(false, Source::node("spec.unschedulable"));
    let changed = after.nodes[2].name.to_string();
    let after = Arc::new(after);
    let opened = || {
        let mut desk = Desk::showing(before.clone(), 200, 60, Look::default());
        desk.state.desk.focus_on(&NODES);
        desk.frame();
        desk
    };
    let live = || LiveView { inventory: Some(after.clone()), status: LiveStatus::Fresh };
    let cordoned = |desk: &Desk| {
        let rows = &desk.state.desk.table(&NODES).content.rows;
        let row = rows.iter().find(|row| row.id.name() == changed).unwrap();
        row.cells[1].plain() == "cordoned"
    };
    let selected = |desk: &Desk| desk.state.desk.table(&NODES).selected.clone().unwrap();
    let down = key::sequence("j").unwrap()[0];

    let mut desk = opened();
    let first = selected(&desk);
    desk.update(Msg::Live { generation: 1, view: live() });
    assert!(desk.state.is_behind());
    desk.key_amid(down);
    assert_ne!(selected(&desk), first, "the cursor moved");
    assert!(!cordoned(&desk) && desk.state.is_behind(), "nothing was built for the key");
    // As the driver does when that frame is drawn.
    desk.state.dirty = false;
    desk.state.prepare_next();
    assert!(cordoned(&desk) && desk.state.is_behind(), "one panel was built, and there are more");
    assert!(desk.state.dirty, "a frame that shows it is still to come");
    while desk.state.is_behind() {
        desk.state.prepare_next();
    }
    let stepwise = desk.text();

    let mut desk = opened();
    desk.update(Msg::Live { generation: 1, view: live() });
    desk.frame();
    assert!(cordoned(&desk) && !desk.state.is_behind());
    desk.keys("j");
    assert_eq!(desk.text(), stepwise);
}

/// Lines that read alike on the node before are taken from there: going from node to node shows what looking at each of them
/// alone does, wrapped and whole.
#[test]
fn details_of_a_node_do_not_depend_on_the_node_before() {
    for width in [80, 200] {
        let opened = || Desk::showing(mixed(), width, 60, Look::default());
        let shown = |desk: &mut Desk, name: &str| {
            desk.command(&format!("node {name}"));
            desk.state.desk.focus_on(&NODE);
            desk.frame();
            desk.state.desk.table(&NODE).content.clone()
        };
        let mut walking = opened();
        let names: Vec<String> = mixed().nodes.iter().map(|node| node.name.to_string()).collect();
        let mut titles = BTreeSet::new();
        // Forth and back, so that each of them is seen behind two others.
        for name in names.iter().chain(names.iter().rev()) {
            let (behind, alone) = (shown(&mut walking, name), shown(&mut opened(), name));
            let differing = behind.rows.iter().zip(&alone.rows).find(|(behind, alone)| behind != alone);
            assert_eq!(differing, None, "{name} at {width}");
            assert!(behind == alone, "{name} at {width}: {} and {} lines", behind.rows.len(), alone.rows.len());
            titles.insert(behind.title);
        }
        assert_eq!(titles.len(), names.len(), "{titles:?}");
    }
}

/// What a virtual node may be asked for is no device that is free.
#[test]
fn the_quota_of_a_virtual_node_is_said_apart_from_devices() {
    let nodes = ["h100-1", "virtual-1"].map(|name| copy(name, name.to_owned()));
    let mut desk = Desk::showing(fleet(nodes.to_vec()), 200, 60, Look::default());
    desk.shows("8 GPUs free; virtual nodes: quota of 100");
    let text = desk.text();
    let line = text.lines().find(|line| line.contains("virtual-1")).unwrap_or_else(|| panic!("{text}")).to_owned();
    assert!(line.contains("quota of 100") && !line.contains("/100"), "{line}");
    desk.command("node virtual-1");
    desk.shows("quota of 100, ");
    let mut desk = Desk::showing(fleet(vec![nodes[1].clone()]), 200, 60, Look::default());
    desk.shows("no GPUs; virtual nodes: quota of 100");
    assert!(!desk.text().contains("100 free"), "{}", desk.text());
}

/// Before anybody sorts a column, in a panel of one shape, in completions and among differences.
#[test]
fn nodes_are_listed_as_a_person_counts_them() {
    let of = |of: &str| fleet((1..=12).map(|n| copy(of, format!("gpu-{n}"))).collect());
    let mut desk = Desk::showing(of("h100-1"), 120, 40, Look::default());
    let rows = |desk: &mut Desk, pane| {
        desk.state.prepare();
        let rows = &desk.state.desk.table(pane).content.rows;
        rows.iter().map(|row| row.id.name().to_owned()).collect::<Vec<_>>()
    };
    let counted: Vec<String> = (1..=12).map(|n| format!("gpu-{n}")).collect();
    assert_eq!(rows(&mut desk, &NODES), counted);
    // One that changed stays in its place.
    let mut changed = Inventory::clone(&of("h100-1"));
    let at = changed.nodes.iter().position(|node| &*node.name == "gpu-10").unwrap();
    Arc::make_mut(&mut changed.nodes[at]).schedulable = Fact::known(false, Source::node("spec.unschedulable"));
    desk.view(LiveStatus::Fresh, Some(changed.into()));
    assert_eq!(rows(&mut desk, &NODES), counted);
    desk.state.desk.focus_on(&SHAPES);
    desk.keys("Enter");
    desk.shows("nodes 12 of 12: 8x H100");
    assert_eq!(rows(&mut desk, &NODES), counted);
    desk.keys("Esc :");
    desk.type_text("node gpu-1");
    let text = desk.text();
    let [one, ten, eleven] = ["gpu-1 ", "gpu-10", "gpu-11"].map(|name| text.find(&format!("node {name}")));
    assert!(one < ten && ten < eleven && one.is_some(), "{text}");
    desk.keys("Esc");
    compare(&mut desk, ("before", of("h100-1")), ("after", of("a100-mig")));
    desk.keys("5");
    let mut named: Vec<String> = rows(&mut desk, &READINGS)
        .iter()
        .filter_map(|path| Some(path.strip_prefix("node[")?.split(']').next()?.to_owned()))
        .collect();
    named.dedup();
    assert_eq!(named[..12], counted, "{}", desk.text());
}
