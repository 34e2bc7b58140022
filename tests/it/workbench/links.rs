//! Links: what leads where, and that no text of a cluster is an address.

use super::desk::{Desk, snapshot};
use aicr::{
    inventory::Inventory,
    ops,
    store::catalog_dir::Sources,
    term::link::{Address, Link, Links, Target, When},
    workbench::{Look, keymap::Action, msg::Msg},
};
use std::sync::Arc;

/// Links of the frame with the text that they lie on.
fn links(desk: &mut Desk) -> Vec<(String, Target)> {
    desk.state.prepare();
    let (links, _) = desk.painted.paint(&desk.state);
    let frame = &desk.painted.frame;
    let text = |Link { area, target }: Link| {
        let cells = area.positions().map(|at| frame[at].symbol());
        (cells.collect::<String>().trim().to_owned(), target)
    };
    links.into_iter().map(text).collect()
}

fn target(links: &[(String, Target)], text: &str) -> Option<Target> {
    links.iter().find(|(known, _)| known == text).map(|(_, target)| target.clone())
}

#[test]
fn a_component_leads_to_its_documentation() {
    let page = Target::Web("https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/".into());
    let mut desk = Desk::live(120, 40);
    assert_eq!(target(&links(&mut desk), "gpu-operator"), Some(page.clone()));
    desk.keys("2");
    let shown = links(&mut desk);
    assert_eq!(target(&shown, "gpu-operator"), Some(page));
    assert_eq!(target(&shown, "cert-manager"), Some(Target::Web("https://cert-manager.io/docs/".into())));
    // Nothing below a popup is a link.
    desk.act(Action::Help);
    assert_eq!(links(&mut desk), []);
}

#[test]
fn every_component_of_the_catalog_has_documentation_and_others_lead_to_their_chart() {
    let catalog = ops::recipe::load_catalog(&Sources::default()).unwrap();
    for (name, component) in &catalog.registry.components {
        assert!(component.documentation().is_some_and(|page| page.starts_with("https://")), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let registry = include_str!("../../../catalog/registry.yaml");
    let without = registry.replace("    documentation: https://cert-manager.io/docs/\n", "");
    assert_ne!(without, registry);
    std::fs::write(folder.path().join("registry.yaml"), without).unwrap();
    let mut desk = Desk::live(120, 40);
    let sources = Sources { data: vec![folder.path().into()], ..Sources::default() };
    let generation = desk.state.model.catalog.start();
    desk.update(Msg::Catalog { generation, answer: ops::recipe::load_catalog(&sources) });
    desk.keys("2");
    assert_eq!(target(&links(&mut desk), "cert-manager"), Some(Target::Web("https://charts.jetstack.io".into())));
}

#[test]
fn a_layer_leads_to_its_file_where_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let overlays = folder.path().join("overlays");
    std::fs::create_dir_all(&overlays).unwrap();
    let kind = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/overlays/kind.yaml");
    std::fs::copy(kind, overlays.join("kind.yaml")).unwrap();
    let mut desk = Desk::live(200, 60);
    desk.command("value components.gpu-operator.values.driver.enabled");
    let files = |links: Vec<(String, Target)>| {
        let is_file = |(text, target): (String, Target)| match target {
            Target::File(path) => Some((text, path)),
            Target::Web(_) => None,
        };
        links.into_iter().filter_map(is_file).collect::<Vec<_>>()
    };
    assert_eq!(files(links(&mut desk)), [], "what is built in is no file");
    let sources = Sources { data: vec![folder.path().to_owned()], ..Sources::default() };
    let generation = desk.state.model.catalog.start();
    desk.update(Msg::Catalog { generation, answer: ops::recipe::load_catalog(&sources) });
    let found = files(links(&mut desk));
    assert!(!found.is_empty() && found.iter().all(|(_, path)| *path == overlays.join("kind.yaml")), "{found:?}");
    assert!(found.iter().any(|(text, _)| text.starts_with("kind")), "{found:?}");
    assert!(found.iter().any(|(text, _)| text.ends_with(":15")), "{found:?}");
    let everywhere = Links::of(When::On, |_| None);
    let address = everywhere.address(&Target::File(overlays.join("kind.yaml"))).map(|address| address.to_string());
    assert!(address.is_some_and(|address| address.starts_with("file:///") && address.ends_with("/kind.yaml")));
}

#[test]
fn no_text_of_a_cluster_is_an_address() {
    let hostile = "\u{1b}]8;;https://evil.example/\u{1b}\\click\u{7}";
    let mut inventory = Inventory::clone(&snapshot());
    let images = Arc::make_mut(&mut inventory.images);
    images.insert(hostile.into(), hostile.into());
    images.insert("https://evil.example/".into(), "https://evil.example/".into());
    images.insert("gpu-operator".into(), hostile.into());
    let mut desk = Desk::showing(Arc::new(inventory), 200, 60, Look::default());
    let everywhere = Links::of(When::On, |_| None);
    for screen in ["1", "2", "3", "4", "5"] {
        desk.keys(screen);
        for (text, target) in links(&mut desk) {
            let address = everywhere.address(&target).map(|address: Address| address.to_string()).unwrap_or_default();
            assert!(!text.contains('\u{1b}') && !address.contains("evil.example"), "{text:?}: {address}");
        }
    }
}
