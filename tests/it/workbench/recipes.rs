//! Recipes compared, tried and traced to their files; snapshots compared.

use super::{
    desk::{Desk, compare, snapshot},
    screens::golden,
};
use aicr::{
    cluster::watch::{LiveStatus, LiveView},
    criteria::{Criteria, Dimension},
    document::header::Edition,
    inventory::{Fact, Inventory, release::ServerVersion},
    ops::{
        Failure, Kind,
        config::{Applied, Source, Used},
    },
    resolve::{Decision, Outcome},
    workbench::{
        Look, RunOptions, Screen,
        msg::{Msg, RecipeSlot},
        panes::{self, LADDER, RowId, STACK, VALUES},
        widgets::table::Identity,
    },
};
use std::sync::Arc;

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
    desk.shows("CAUSE / PATH");
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
    let text =
        aicr::recipe::format::to_yaml(&recipe, Edition::V1).unwrap().replace("version: v26.7.1", "version: v26.7.0");
    std::fs::write(&path, text).unwrap();
    desk.command(&format!("diff {}", path.display()));
    desk.shows("1 changed");
    desk.shows("v26.7.0");
    desk.keys("j");
    desk.shows("saved.yaml:");
    let rows = &desk.state.model.diff.changes.value.as_ref().unwrap().rows;
    assert!(!format!("{rows:?}").contains("left: Some((1, "), "the file has its first line too: {rows:?}");
    desk.command("diff cluster");
    desk.shows("v25.10.1");
    let bumped = aicr::snapshot::format::to_value(&snapshot(), Edition::V1).to_string().replace("v25.10.1", "v26.3.2");
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
    desk.shows("kept columns removed");
    assert!(desk.state.model.kept.is_empty());
    desk.keys("Esc K");
    desk.shows("nothing to save yet");
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
fn noise_is_hidden_and_counted() {
    let mut desk = Desk::live(120, 40);
    let mut noisy = Inventory::clone(&snapshot());
    noisy.about.taken_at = "2026-01-15T00:00:00Z".into();
    compare(&mut desk, ("a.yaml", snapshot()), ("b.yaml", Arc::new(noisy)));
    desk.keys("5");
    desk.shows("nothing differs");
    let text = desk.text();
    assert!(!text.lines().last().unwrap_or_default().contains("noise"), "nothing is noisy here:\n{text}");
}

/// A profile is one more criterion: chosen in what-if, marked in the tree, a layer of the ladder, a cause in Diff.
#[test]
fn a_profile_is_a_what_if_like_any_other() {
    let mut desk = Desk::live(200, 60);
    desk.command("recipe service=aks accelerator=h100 os=ubuntu");
    desk.shows("profile=gpuStack=azure-managed");
    desk.shows("gpuStack=azure-managed");
    desk.keys("i G");
    desk.shows("azure-managed (default) operator-managed");
    desk.keys("l");
    desk.shows("was azure-managed");
    desk.shows("changed by what-if");
    golden("profile-200x60", &desk.text());
    desk.keys("l");
    assert!(!desk.text().contains("was azure-managed"), "the values go round: {}", desk.text());
    desk.keys("l Enter");
    assert_eq!(desk.state.desk.screen, Screen::Diff);
    desk.shows("driver.enabled");
    desk.shows("gpuStack=operator-managed");
    // Other criteria do not offer it, and what nobody offers is not asked for.
    desk.keys("2 g g");
    desk.keys("l");
    let what_if = desk.state.model.what_if.as_ref().expect("it is open");
    assert_ne!(what_if.criteria.service.as_deref(), Some("aks"));
    assert_eq!(what_if.criteria.profile, None);
}

#[test]
fn an_owned_value_is_marked_and_its_ladder_begins_with_the_profile() {
    let mut desk = Desk::live(200, 60);
    desk.command("recipe service=aks accelerator=h100 os=ubuntu profile=gpuStack=operator-managed");
    desk.command("value components.gpu-operator.values.driver.enabled");
    let text = desk.text();
    assert!(text.contains("enabled (profile)"), "{text}");
    desk.shows("gpuStack=operator-managed  ");
    desk.command("recipe service=aks profile=own");
    desk.shows("`own` is not a profile");
}

const SLURM: &str = "recipe service=eks accelerator=h100 os=ubuntu intent=training platform=slurm";

/// A typed setting is one more criterion, as a profile is.
#[test]
fn a_typed_setting_is_a_what_if_like_any_other() {
    let mut desk = Desk::live(200, 60);
    desk.command(SLURM);
    desk.shows("slurm-accounting-mode=disabled");
    desk.keys("i g g j j j j j j");
    desk.shows("disabled (default) customer-managed aicr-provided");
    desk.keys("l");
    desk.shows("was disabled");
    desk.shows("changed by what-if");
    golden("setting-200x60", &desk.text());
    desk.keys("h h");
    let what_if = desk.state.model.what_if.as_ref().expect("it is open");
    assert_eq!(what_if.criteria.configuration.mode("slurm-accounting-mode"), Some("aicr-provided"), "they go round");
    desk.keys("K");
    desk.shows("slurm-accounting-mode=aicr-provided");
    desk.keys("Enter");
    assert_eq!(desk.state.desk.screen, Screen::Diff);
    desk.shows("slurm-accounting-mode=aicr-provided");
    desk.shows("mariadb-operator");
    // Other criteria do not offer it, and what nobody offers is not asked for.
    desk.keys("2 g g j j j j l");
    let what_if = desk.state.model.what_if.as_ref().expect("it is open");
    assert_ne!(what_if.criteria.platform.as_deref(), Some("slurm"));
    assert!(what_if.criteria.configuration.is_empty());
}

#[test]
fn settings_are_words_of_the_recipe_command() {
    let mut desk = Desk::live(200, 60);
    desk.command(&format!("{SLURM} slurm-accounting-mode=Customer-Managed"));
    desk.shows("slurm-accounting-mode=customer-managed");
    desk.command(&format!("{SLURM} slurm-accounting-mode=none"));
    desk.shows("unknown mode of slurm accounting `none`");
    // A setting alone is for the cluster that is there.
    desk.command("recipe runtime-inventory=enabled");
    desk.shows("nodes=5 runtime-inventory=enabled: runtime-inventory=enabled is for service=gke");
    desk.command("recipe");
    desk.shows("the recipe follows the cluster");
    assert_eq!(desk.state.model.stated, None);

    let gke = "recipe service=gke accelerator=h100 os=cos intent=training platform=kubeflow";
    let networks: Vec<String> = (1..=8).map(|number| format!("eth{number}=lab-gpu-nic-{number}")).collect();
    desk.command(&format!("{gke} gke-tcpxo-interfaces={}", networks.join(",")));
    desk.shows("gke-tcpxo-interfaces=given");
    desk.keys("i G");
    desk.shows("gke-tcpxo-interfaces=eth1=NETWORK");
    desk.keys("l");
    desk.shows("only their owner knows the networks");
    desk.keys("k l");
    let what_if = desk.state.model.what_if.as_ref().expect("it is open");
    assert_eq!(what_if.criteria.configuration.mode("runtime-inventory"), Some("enabled"), "as is comes first");
    assert!(what_if.criteria.configuration.gke.is_some(), "what was given stays");
}

/// What `recipe --inherit-from` does, the workbench does for every recipe that it shows.
#[test]
fn what_is_installed_keeps_its_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.yaml");
    let mut desk = Desk::live(200, 60);
    let recipe = desk.state.model.recipe.value.clone().unwrap().recipe.clone();
    let text = aicr::recipe::format::to_yaml(&recipe, Edition::V1).unwrap();
    std::fs::write(&path, text.replace("namespace: gpu-operator", "namespace: gpu-old")).unwrap();
    desk.command(&format!("inherit {}", path.display()));
    desk.shows("the recipe keeps 1 field of");
    desk.shows("names of objects stay those of the new recipe");
    desk.shows("inherits from ");
    desk.command("value components.gpu-operator.namespace");
    desk.shows("gpu-old");
    desk.shows("inherit-from");
    desk.command("inherit");
    desk.shows("the recipe keeps nothing of an earlier installation");
    desk.command("value components.gpu-operator.namespace");
    assert!(!desk.text().contains("gpu-old"), "{}", desk.text());
    desk.command("inherit cluster");
    desk.shows("of cluster demo");
    desk.command("inherit /nowhere");
    desk.shows("it does not exist");
}

/// A configuration never decides what is shown without being named there.
#[test]
fn a_configuration_is_named_on_screen_until_it_decides_nothing() {
    let config = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nmetadata: {name: lab}\nspec: {recipe: {criteria: {service: eks}}}\n";
    let config = aicr::config::read(config, |_| None).unwrap();
    let used = vec![Used { setting: config.get("recipe.criteria.service").unwrap().clone(), flag: "service" }];
    let source = Source { shown: "lab.yaml".into(), digest: "sha256:0".into(), config };
    let criteria = Criteria { service: Some("eks".into()), ..Criteria::default() };
    let options = RunOptions {
        criteria: Some(criteria),
        configuration: Some(Arc::new(Applied { source, used })),
        look: Look::default(),
        ..RunOptions::default()
    };
    let mut desk = Desk::started(&options, 120, 40);
    desk.shows("the configuration lab.yaml sets --service");
    desk.shows("(stated, configuration lab.yaml)");
    let stamped =
        |desk: &Desk| desk.state.model.recipe.value.as_ref().unwrap().recipe.extra.get("configuration").cloned();
    assert_eq!(stamped(&desk).unwrap()["source"], "lab.yaml", "the recipe names it too");
    desk.command("recipe service=kind accelerator=a100");
    desk.shows("(stated)");
    assert_eq!(stamped(&desk), None, "nothing of it is left");
}

/// What each recipe on the screens judges Kubernetes as: the current one, what-if, and the first column.
fn judged(desk: &Desk) -> [String; 3] {
    let model = &desk.state.model;
    let what_if = model.what_if.as_ref().and_then(|what_if| what_if.resolution.value.as_deref());
    let recipes = [model.recipe.value.as_deref(), what_if, model.kept[0].value()];
    recipes.map(|resolution| {
        let mut judged = resolution.expect("a recipe").constraints.iter();
        let kubernetes = judged.find(|judged| judged.name == "K8s.server.version").expect("every recipe asks for it");
        kubernetes.verdict.actual().unwrap_or_default().to_owned()
    })
}

/// The demo cluster with another version of Kubernetes.
fn upgraded(version: &str) -> Arc<Inventory> {
    let mut inventory = Inventory::clone(&snapshot());
    let Fact::Known(reading) = &mut inventory.server else { panic!("the demo tells its version") };
    reading.value = ServerVersion { git_version: version.into(), ..reading.value.clone() };
    Arc::new(inventory)
}

#[test]
fn what_stands_beside_the_recipe_follows_the_cluster() {
    let mut desk = Desk::live(200, 60);
    desk.keys("2 i l K Enter");
    assert_eq!(desk.state.desk.screen, Screen::Diff);
    let before = desk.state.model.diff.other.value.clone().expect("the other recipe");
    desk.view(LiveStatus::Fresh, Some(upgraded("v1.36.9")));
    assert_eq!(judged(&desk), ["v1.36.9"; 3]);
    let after = desk.state.model.diff.other.value.clone().expect("the other recipe");
    assert!(!Arc::ptr_eq(&before, &after), "the other side of Diff is resolved again");
    assert!(!desk.state.model.diff.changes.loading, "and compared again");
}

#[test]
fn a_cluster_that_changes_while_recipes_are_resolved_is_followed_when_the_last_of_them_is_there() {
    let mut desk = Desk::live(200, 60);
    desk.keys("2 i l K");
    let live = |version: &str| Msg::Live {
        generation: 1,
        view: LiveView { inventory: Some(upgraded(version)), status: LiveStatus::Fresh },
    };
    let first = desk.state.update(live("v1.36.1"));
    assert_eq!(first.len(), 3, "{first:?}");
    assert_eq!(desk.state.update(live("v1.36.2")).len(), 0, "later");
    let mut first = first.into_iter();
    desk.carry_out(first.by_ref().take(2).collect());
    assert_ne!(judged(&desk)[2], "v1.36.2", "one is still on its way");
    desk.carry_out(first.collect());
    assert_eq!(judged(&desk), ["v1.36.2"; 3]);
}

#[test]
fn what_if_without_a_recipe_any_more_shows_no_changes_of_before() {
    let mut desk = Desk::live(200, 60);
    desk.keys("2 i l K");
    desk.shows("changed by what-if");
    let model = &desk.state.model;
    let failure = Failure::new(Kind::Usage, "resolve the recipe", "nothing fits");
    let (what_if, kept) = (model.what_if.as_ref().expect("open"), &model.kept[0]);
    let (what_if, kept) = (what_if.resolution.generation, kept.resolution.generation);
    for (slot, generation) in [(RecipeSlot::WhatIf, what_if), (RecipeSlot::Kept, kept)] {
        desk.update(Msg::Resolved { slot, generation, answer: Err(failure.clone()) });
    }
    desk.shows("no recipe for these criteria");
    desk.shows("(from before the cluster changed)");
    assert!(!desk.text().contains("changed by what-if"), "{}", desk.text());
}

/// The ladder says what constraints and the cluster say of the value.
#[test]
fn the_ladder_names_the_constraint_on_a_component_and_what_its_release_runs() {
    let mut desk = Desk::live(200, 60);
    desk.command("value components.gpu-operator.version");
    desk.shows("constraint  Deployment.gpu-operator.version");
    desk.shows("cluster  release gpu-operator in gpu-operator:");
    golden("ladder-standing-200x60", &desk.text());
    desk.command("value constraints[name=K8s.server.version].value");
    desk.shows("constraint  K8s.server.version >=");
    desk.shows("✓ met by v1.3");
    desk.command("value components.cert-manager.namespace");
    let text = desk.text();
    assert!(!text.contains("constraint  "), "no constraint is on it: {text}");
}

#[test]
fn values_are_filtered_by_their_layer_and_defaults_have_a_glyph() {
    let mut desk = Desk::live(200, 60);
    desk.keys("2");
    desk.command("filter layer:0");
    desk.state.prepare();
    let table = desk.state.desk.table(&VALUES);
    let leaves: Vec<&panes::Row> =
        table.visible.iter().map(|at| &table.content.rows[*at]).filter(|row| row.branch.is_none()).collect();
    assert!(!leaves.is_empty(), "the registry fills in values");
    for row in &leaves {
        let set_by = row.cells.last().expect("a cell").plain().into_owned();
        assert!(set_by.starts_with("0 "), "{}", row.plain());
        let marker = row.marker.map(|(_, glyph)| glyph);
        let expected = if set_by.contains("registry") { Some("·") } else { marker };
        assert_eq!(marker, expected, "{}", row.plain());
    }
    assert!(leaves.iter().any(|row| row.marker.is_some_and(|(_, glyph)| glyph == "·")), "none is a default");
}

/// Constraints that a what-if flips are counted, and each says how the cluster meets it before and after.
#[test]
fn a_what_if_lists_constraints_that_differ_and_how_they_are_met() {
    let frame = |width, height| {
        let mut old = Inventory::clone(&snapshot());
        // Enough for eks, and not for its training overlay.
        let server = ServerVersion {
            git_version: "v1.32.2".into(),
            platform: "linux/amd64".into(),
            go_version: "go1.24".into(),
        };
        old.server = Fact::known(server, aicr::inventory::Source::of(aicr::inventory::Object::Server, "version"));
        let mut desk = Desk::showing(old.into(), width, height, Look::default());
        desk.command("recipe service=kind accelerator=h100 intent=training");
        desk.keys("i");
        while desk.state.model.what_if.as_ref().unwrap().criteria.service.as_deref() != Some("eks") {
            desk.keys("l");
        }
        desk
    };
    let mut desk = frame(200, 60);
    desk.keys("G");
    golden("what-if-flips-200x60", &desk.text());
    desk.shows("1 constraint flips");
    desk.shows("K8s.server.version  >= 1.32.4  ✗ not met by v1.32.2, so overlay h100-eks-training is left out");
    // They are of these criteria and go with them.
    desk.keys("Esc");
    assert!(!desk.text().contains("flips"), "{}", desk.text());
    let mut desk = frame(80, 24);
    desk.keys("G");
    golden("what-if-flips-80x24", &desk.text());
}

#[test]
fn overridden_values_are_filtered_and_a_list_says_how_it_was_merged() {
    let mut desk = Desk::live(200, 60);
    desk.keys("2");
    desk.command("filter overridden");
    desk.state.prepare();
    let table = desk.state.desk.table(&VALUES);
    let leaves: Vec<&panes::Row> =
        table.visible.iter().map(|at| &table.content.rows[*at]).filter(|row| row.branch.is_none()).collect();
    assert!(!leaves.is_empty() && leaves.iter().all(|row| row.marker.is_some_and(|(_, glyph)| "~-+".contains(glyph))));
    // Also while the glyphs are those of a what-if.
    let shown = leaves.len();
    desk.keys("i l");
    desk.state.prepare();
    let table = desk.state.desk.table(&VALUES);
    let still = table.visible.iter().filter(|at| table.content.rows[**at].branch.is_none()).count();
    assert_eq!(still, shown);
    desk.keys("Esc");
    desk.command("value constraints");
    desk.shows("list merged by name");
    desk.command("value constraints[name=K8s.server.version]");
    desk.shows("entry of a list merged by name");
    desk.command("value constraints[name=K8s.server.version].value");
    assert!(!desk.text().contains("list merged"), "{}", desk.text());
}

/// What is cut in the list is said in full by `D`, and what a release waits for is not cut for the name of its chart.
#[test]
fn reasons_are_read_in_full() {
    let mut desk = Desk::live(120, 40);
    desk.keys("g b");
    let text = desk.text();
    let row = text.lines().find(|line| line.contains("┃    kube-prometheus-stack ")).unwrap_or_default();
    assert!(row.contains("prometheus-operator-crds"), "{text}");
    let mut desk = Desk::live(120, 40);
    let recipe = desk.state.model.recipe.value.clone().unwrap();
    let widest = |decision: &&Decision| decision.outcome.to_string().len();
    let left_out = |decision: &&Decision| !matches!(decision.outcome, Outcome::Applied | Outcome::Ancestor { .. });
    let decision = recipe.decisions.iter().filter(left_out).max_by_key(widest).unwrap();
    desk.keys("2");
    desk.state.desk.focus_on(&STACK);
    desk.keys("z R");
    assert!(desk.state.desk.table_mut(&STACK).select(&RowId::Overlay(decision.overlay.to_string())));
    desk.keys("D");
    let overlay = desk.state.desk.overlay.as_ref().expect("a text");
    assert!(overlay.copy.contains(&decision.outcome.to_string()), "{}", overlay.copy);
}

/// The row of a changed value says what it would become, and its ladder why.
#[test]
fn a_what_if_says_what_a_value_would_become_and_by_which_layer() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.command("value components.gpu-operator.values.driver.enabled");
        desk.keys("i l");
        desk.shows("changed by what-if");
        desk.shows("false → true");
        golden(&format!("what-if-values-{width}x{height}"), &desk.text());
        desk.state.desk.focus_on(&LADDER);
        // Where what-if has its place, the ladder is a step away.
        if desk.state.desk.layout.panel(&LADDER).is_none() {
            desk.keys("z z");
        }
        desk.shows("what-if  true, set by");
    }
}

#[test]
fn a_criterion_that_no_overlay_honors_is_said_at_once() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 i");
    let mut said = 0;
    // Every service there is, one after the other.
    for _ in 0..12 {
        desk.keys("l");
        let what_if = desk.state.model.what_if.as_ref().unwrap();
        let Some(then) = &what_if.resolution.value else { continue };
        let Some(service) = what_if.criteria.service.clone() else { continue };
        let is_changed = what_if.criteria != *desk.state.model.criteria();
        let lacks = then.coverage.iter().any(|entry| entry.dimension == Dimension::Service && entry.is_missing());
        let line = format!("! no overlay honors service={service}");
        assert_eq!(desk.text().contains(&line), is_changed && lacks, "{service}: {}", desk.text());
        said += usize::from(is_changed && lacks);
    }
    assert!(said > 0, "every service has an overlay, so that nothing is tested");
}

/// What wins, what is hidden by which layer and what let each layer in are there in larger frames too.
#[test]
fn the_ladder_has_more_where_there_is_more_room() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.command("value components.gpu-operator.values.driver.enabled");
        for shown in ["wins", "service=kind", "overlays/kind.yaml:15"] {
            desk.shows(shown);
        }
        // In the smallest of them the last layer is below the others.
        desk.state.desk.focus_on(&LADDER);
        desk.keys("G");
        desk.shows("hidden by 4");
    }
    let mut desk = Desk::live(200, 60);
    desk.command("value components.gpu-operator.values.driver.enabled");
    // Also of a layer that does not set it.
    let text = desk.text();
    let after = text.split("ladder components").nth(1).unwrap_or_default();
    assert!(after.contains("accelerator=a100"), "{text}");
    golden("ladder-criteria-200x60", &text);
    // The line with the criteria of a layer belongs to the layer.
    desk.state.desk.focus_on(&LADDER);
    desk.keys("j Enter");
    assert!(!desk.text().contains("does not set the value"), "{}", desk.text());
}

/// No path of a file is cut while there are lines below, and what let a layer in is said without `w`.
#[test]
fn a_ladder_of_120_columns_cuts_no_place_and_names_the_criteria_of_each_layer() {
    let mut desk = Desk::live(120, 40);
    desk.command("value components.gpu-operator.values.driver.enabled");
    let text = desk.text();
    let panel = text.split("ladder components").nth(1).unwrap_or_default();
    let rows = panel.split("WRITTEN AT").nth(1).unwrap_or_default();
    for whole in
        ["overlays/kind.yaml:15", "components/gpu-operator/values.yaml:104", "service=kind", "accelerator=a100"]
    {
        assert!(rows.contains(whole), "{whole} is not in\n{text}");
    }
    // `w` gives criteria a column, so that they are not twice.
    desk.state.desk.focus_on(&LADDER);
    desk.keys("w z z");
    desk.shows("CRITERIA");
    assert_eq!(
        desk.text().matches("accelerator=a100").count(),
        2,
        "once, and in the line of the criteria: {}",
        desk.text()
    );
}

/// The lines around the one that set a value say what it is of: a comment above it, most often.
#[test]
fn the_ladder_shows_the_lines_around_each_source_where_it_has_room() {
    let mut desk = Desk::live(200, 60);
    desk.command("value components.gpu-operator.values.driver.enabled");
    for line in ["14  # The node is a container", "15  driver: {enabled: false", "16  toolkit: {enabled: false}"] {
        desk.shows(line);
    }
    desk.shows("103  version: \"580.173.02\"");
    desk.shows("105  kernelModuleType: auto");
    // From each of its lines one goes to the file.
    desk.state.desk.focus_on(&LADDER);
    for keys in ["G g d", "k g d", "k k g d"] {
        desk.keys(keys);
        desk.shows("components/gpu-operator/values.yaml:104");
        desk.keys("Esc");
    }
}

#[test]
fn layers_of_a_ladder_are_in_the_order_of_the_stack() {
    let mut desk = Desk::live(120, 40);
    let layers = |desk: &mut Desk, path: &str| -> Vec<String> {
        desk.command(&format!("value {path}"));
        desk.state.prepare();
        let rows = &desk.state.desk.table(&LADDER).content.rows;
        let rows = rows.iter().filter(|row| !row.continues);
        rows.map(|row| row.cells[0].plain().into_owned()).collect()
    };
    assert_eq!(layers(&mut desk, "components.gpu-operator.name"), ["4", "3", "2", "1"]);
    assert_eq!(layers(&mut desk, "components.gpu-operator.values.driver.enabled"), ["4", "3", "2", "1", "v"]);
    // Each leads to its own line.
    desk.state.desk.focus_on(&LADDER);
    desk.keys("G g d");
    desk.shows("components/gpu-operator/values.yaml:");
}

#[test]
fn a_value_that_a_layer_only_repeats_is_no_change() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2");
    desk.state.prepare();
    let rows = &desk.state.desk.table(&VALUES).content.rows;
    let row = |path: &str| rows.iter().find(|row| row.id.name() == path).unwrap_or_else(|| panic!("{path}"));
    assert!(!row("components.gpu-operator.name").matters, "base says the same");
    assert!(row("components.gpu-operator.values.driver.enabled").matters, "base says otherwise");
}

/// What was tried is not lost by the key that opened it; Esc is the key that reverts.
#[test]
fn what_if_goes_on_with_what_was_tried_when_it_was_closed_by_its_own_key() {
    let mut desk = Desk::live(120, 40);
    desk.keys("2 i l");
    let tried = desk.state.model.what_if.as_ref().unwrap().criteria.clone();
    assert_ne!(tried, *desk.state.model.criteria());
    desk.keys("i");
    assert!(desk.state.model.what_if.is_none());
    desk.shows(&format!("what-if closed; i goes on with {tried}"));
    desk.keys("i");
    assert_eq!(desk.state.model.what_if.as_ref().unwrap().criteria, tried);
    desk.shows("changed by what-if");
    desk.keys("Esc i");
    let criteria = desk.state.model.what_if.as_ref().map(|what_if| what_if.criteria.clone());
    assert_eq!(criteria.as_ref(), Some(desk.state.model.criteria()), "reverted is reverted");
}

/// The line that set a value is read with those before and after it.
#[test]
fn a_line_that_is_gone_to_is_seen_with_what_is_around_it() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.command("value components.gpu-operator.values.driver.kernelModuleType");
        desk.keys("g d");
        let text = desk.text();
        let at = |words: &str| text.lines().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{text}"));
        let [top, target] = [at("values.yaml:105"), at("kernelModuleType: auto")];
        // A file is not scrolled past its end.
        let lines = usize::from(height) - 6;
        let (line, all) = (105, 125);
        assert!(text.contains("125 lines"), "{text}");
        assert_eq!(target - top - 1, (lines / 3).max((line - 1_usize).saturating_sub(all - lines)), "{text}");
    }
}

#[test]
fn the_next_warning_of_a_bundle_is_unfolded_and_read() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut desk = Desk::live(width, height);
        desk.keys("g b ]");
        let table = desk.state.desk.table(&panes::BUNDLE);
        let row = table.row().unwrap_or_else(|| panic!("no row")).plain();
        assert!(table.row().is_some_and(|row| row.id == RowId::from("note 0")), "{row}");
        let words: String = row.chars().filter(|c| !c.is_whitespace()).collect();
        let shown: String = desk.text().chars().filter(|c| !c.is_whitespace()).collect();
        assert!(words.len() > 20 && shown.contains(&words), "{row} is not in\n{}", desk.text());
        assert!(!desk.text().lines().any(|line| line.contains(&row) && line.contains('…')), "{}", desk.text());
        golden(&format!("bundle-notes-{width}x{height}"), &desk.text());
    }
}
