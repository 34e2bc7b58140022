//! What the cluster has installed beside what the recipe wants: verdicts, steps, objects, and what cannot be known.

use super::{
    desk::{Desk, snapshot, snapshot_of},
    screens::golden,
};
use crate::sandbox::Sandbox;
use aicr::{
    cluster::watch::LiveStatus,
    ops::{self, demo::DemoOptions, fault::Fault, upgrade::Report},
    store::catalog_dir::Sources,
    workbench::{
        Look,
        effect::Effect,
        keymap::Action,
        msg::{Msg, SnapshotSlot},
    },
};
use std::sync::Arc;

const REGISTRY: &str = "\
kind: ComponentRegistry
apiVersion: aicr.run/v1beta1
components:
- name: gpu-operator
  upgrades: {file: components/gpu-operator/upgrades.yaml}
  nodeScheduling:
    system: {nodeSelectorPaths: [operator.nodeSelector], tolerationPaths: [operator.tolerations]}
    accelerated: {nodeSelectorPaths: [daemonsets.nodeSelector], tolerationPaths: [daemonsets.tolerations]}
  helm: {defaultRepository: https://x, defaultChart: nvidia/gpu-operator, defaultVersion: v26.3.2, defaultNamespace: gpu-operator}
- name: nvsentinel
  upgrades: {file: components/nvsentinel/upgrades.yaml}
  helm: {defaultRepository: oci://x, defaultChart: nvsentinel, defaultVersion: v1.9.0, defaultNamespace: nvsentinel}
- name: nodewright-operator
  upgrades: {file: components/nodewright-operator/upgrades.yaml}
  helm: {defaultRepository: oci://x, defaultChart: nodewright, defaultVersion: v0.17.1, defaultNamespace: skyhook}
";

const GPU_OPERATOR: &str = "\
transitions:
- from: <26.0.0
  to: '>=26.0.0 <27.0.0'
  verdict: manual
  summary: the operator owns a new version of the kind ClusterPolicy
  precondition: no node is being drained
  affectedResources: [{group: nvidia.com, kinds: [ClusterPolicy, NVIDIADriver]}]
  stepsByDeployer:
  - deployers: [helm, helmfile]
    steps:
    - {id: update-crds, description: apply the CRDs of the new chart, reason: Helm does not upgrade CRDs}
    - {id: upgrade, description: helm upgrade gpu-operator}
  - steps: [{id: sync, description: sync the application}]
";

const NVSENTINEL: &str = "\
transitions: [{from: <1.4.0, to: '>=1.4.0 <2.0.0', verdict: safe, verifiedBy: a run, summary: new checks}]
";

const NODEWRIGHT: &str = "\
transitions:
- from: <0.16.0
  to: '>=0.16.0 <1.0.0'
  verdict: blocked
  summary: the operator was renamed
  stepsByDeployer: [{steps: [{id: uninstall, description: uninstall skyhook-operator first}]}]
";

/// The catalog, with upgrade records of three components.
fn recorded() -> Sources {
    static FOLDER: std::sync::OnceLock<Sandbox> = std::sync::OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = Sandbox::new();
        folder.file("data/registry.yaml", REGISTRY);
        let records = [("gpu-operator", GPU_OPERATOR), ("nvsentinel", NVSENTINEL), ("nodewright-operator", NODEWRIGHT)];
        for (component, transitions) in records {
            let head = "apiVersion: aicr.run/v1beta1\nkind: ComponentUpgrades\ncomponent:";
            let text = format!("{head} {component}\n{transitions}");
            folder.file(&format!("data/components/{component}/upgrades.yaml"), &text);
        }
        folder
    });
    Sources { data: vec![folder.home().join("data")], ..Sources::default() }
}

/// Reads another catalog, as a refresh does.
fn read(desk: &mut Desk, sources: &Sources) {
    let generation = desk.state.model.catalog.start();
    desk.update(Msg::Catalog { generation, answer: ops::recipe::load_catalog(sources) });
}

pub fn upgrades(width: u16, height: u16, look: Look) -> Desk {
    let mut desk = Desk::live_with(width, height, look);
    desk.keys("g u j j");
    desk
}

/// The demo with permissions taken away.
fn without(permissions: &[&str]) -> Desk {
    let faults = permissions.iter().map(|it| format!("forbidden={it}").parse::<Fault>().unwrap()).collect();
    let demo = DemoOptions { faults, ..DemoOptions::default() };
    let mut desk = Desk::live(200, 60);
    desk.view(LiveStatus::Fresh, Some(snapshot_of(demo.clone())));
    desk.demo = demo;
    read(&mut desk, &recorded());
    desk.keys("g u");
    desk
}

fn report(desk: &Desk) -> Arc<Report> {
    desk.state.model.upgrade.report.value.clone().expect("a report")
}

#[test]
fn upgrades_are_reached_by_key_and_palette_and_left_by_escape() {
    let mut desk = Desk::live(120, 40);
    desk.keys("g u");
    desk.shows("demo with the recipe for service=kind");
    desk.keys("Tab");
    desk.shows("COMPONENT");
    desk.keys("Esc Esc");
    desk.shows("not asked: this screen compares");
    desk.keys("1");
    desk.command("upgrade flux");
    desk.shows("steps for flux");
    desk.command("upgrade make");
    desk.shows("unknown deployer `make`");
    desk.command("diff cluster");
    desk.shows("not compared");
    desk.keys("1");
    desk.act(Action::Palette);
    desk.type_text("go-upgrade");
    desk.keys("Enter");
    desk.shows("demo with the recipe for");
    desk.keys("Y");
    desk.shows("upgrade check");
    // In the order of the JSON, which begins with the sides.
    desk.shows("1  from: cluster");
    desk.shows("deployer: flux");
}

#[test]
fn the_view_and_the_command_line_say_the_same() {
    let mut desk = Desk::live(120, 40);
    desk.command("upgrade helm");
    let sandbox = Sandbox::new();
    let recipe = sandbox.aicr(&["recipe", "--service", "kind", "--accelerator", "a100", "-o", "recipe.yaml"]);
    assert_eq!(recipe.code, 0, "{}", recipe.transcript);
    let verb = ["--demo", "upgrade-check", "--from", "cluster", "--to", "recipe.yaml", "-d", "helm", "-t", "json"];
    let told: serde_json::Value = serde_json::from_str(&sandbox.aicr(&verb).stdout).unwrap();
    let shown = serde_json::to_value(&*report(&desk)).unwrap();
    for part in ["components", "summary", "atRisk", "source", "deployer"] {
        assert_eq!(shown[part], told[part], "{part}");
    }
    assert!(shown["components"].as_array().is_some_and(|rows| !rows.is_empty()), "{shown}");
}

#[test]
fn what_may_not_be_read_is_forbidden_or_unknown_and_never_an_answer() {
    let mut desk = without(&["list:secrets"]);
    assert!(desk.state.model.upgrade.report.value.is_none());
    golden("upgrades-forbidden-200x60", &desk.text());
    desk.shows("forbidden to read the Helm releases");

    let mut desk = without(&["get:secrets", "list:clusterpolicies"]);
    desk.shows("values not compared");
    desk.shows("names not compared");
    desk.shows("failed to get secret");
    desk.command("filter gpu-operator");
    desk.shows("ClusterPolicy (nvidia.com): unknown:");
    desk.shows("NVIDIADriver (nvidia.com): the cluster does not have this kind");
    golden("upgrades-unknown-200x60", &desk.text());
}

#[test]
fn a_saved_snapshot_is_checked_without_a_cluster_and_says_what_it_lacks() {
    let mut desk = Desk::live(200, 60);
    read(&mut desk, &recorded());
    desk.update(Msg::Snapshot {
        slot: SnapshotSlot::Cluster,
        generation: 1,
        name: "saved.yaml".into(),
        answer: Ok(snapshot()),
    });
    desk.keys("g u");
    desk.keys("G");
    desk.shows("compared: saved.yaml with the recipe for service=kind accelerator=a100");
    desk.shows("a saved snapshot does not show the deployer");
    desk.command("filter gpu-operator");
    desk.shows("ClusterPolicy (nvidia.com): not looked for: a saved snapshot does not have these objects");
    desk.shows("not compared: a saved snapshot does not have the content of Helm's records");
}

#[test]
fn it_is_checked_again_only_when_what_decides_it_changes() {
    let mut desk = Desk::live(120, 40);
    let checks = |desk: &Desk| desk.state.model.upgrade.report.generation;
    desk.view(LiveStatus::Fresh, Some(Arc::new((*snapshot()).clone())));
    assert_eq!(checks(&desk), 0, "nobody has asked for it");
    desk.keys("g u");
    assert_eq!(checks(&desk), 1);
    desk.view(LiveStatus::Fresh, Some(Arc::new((*snapshot()).clone())));
    desk.keys("1 g u");
    assert_eq!(checks(&desk), 1, "nodes do not decide it");
    let bumped = aicr::snapshot::format::to_value(&snapshot(), aicr::document::header::Edition::V1);
    let bumped = bumped.to_string().replace("v25.10.1", "v26.0.0");
    desk.view(LiveStatus::Fresh, Some(Arc::new(aicr::snapshot::format::read(&bumped).unwrap())));
    assert_eq!(checks(&desk), 2, "a release has changed");
    desk.keys("R");
    assert_eq!(checks(&desk), 3, "a person has asked for everything again");
    desk.keys("g u");
    assert!(desk.left.iter().all(|effect| !matches!(effect, Effect::CheckUpgrade { .. })), "all are carried out");
}

#[test]
fn the_driver_asks_the_cluster() {
    let sandbox = Sandbox::new();
    sandbox.file("keys", "wait\ng u\nwait\n");
    let criteria = ["--service", "kind", "--accelerator", "a100"];
    let look = ["--size", "120x40", "--script", "keys"];
    let run = sandbox.aicr(&[&["--demo", "tui"], &criteria[..], &look].concat());
    assert_eq!(run.code, 0, "{}", run.transcript);
    for expected in ["need attention, checked ", "gpu-operator           v25.10.1", "steps for helm"] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.transcript);
    }
}
