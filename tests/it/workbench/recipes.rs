//! Recipes compared, tried and traced to their files; snapshots compared.

use super::{
    desk::{Desk, compare, snapshot},
    screens::golden,
};
use aicr::{cluster::watch::LiveStatus, document::header::Edition, inventory::Inventory, workbench::Screen};
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
    let text =
        aicr::recipe::format::to_yaml(&recipe, Edition::V1).unwrap().replace("version: v26.7.1", "version: v26.7.0");
    std::fs::write(&path, text).unwrap();
    desk.command(&format!("diff {}", path.display()));
    desk.shows("1 changed");
    desk.shows("v26.7.0");
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
}

/// A profile is one more criterion: chosen in what-if, marked in the tree, a layer of the ladder, a cause in Diff.
#[test]
fn a_profile_is_a_what_if_like_any_other() {
    let mut desk = Desk::live(200, 60);
    desk.command("recipe service=aks accelerator=h100 os=ubuntu");
    desk.shows("profile=gpuStack=azure-managed");
    desk.shows("gpuStack=azure-managed (pro…");
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
    desk.shows("gpuStack=o…r-managed  true       wins");
    desk.command("recipe service=aks profile=own");
    desk.shows("`own` is not a profile");
}
