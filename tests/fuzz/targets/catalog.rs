//! Any text as an overlay with a profile, and (behind a line `---8<---`) as an external one at the same path: a catalog or
//! an error at a line; and what resolves is a recipe that is read again.
#![no_main]

use aicr::{
    catalog::{Catalog, File, Files},
    criteria::Criteria,
    document::header::Edition,
    recipe::format,
    resolve::{Options, resolve},
};
use libfuzzer_sys::fuzz_target;

const REGISTRY: &str = "kind: ComponentRegistry\ncomponents:\n- {name: a, displayName: A, helm: {defaultRepository: 'https://x', defaultChart: x/a, defaultVersion: v1}}\n- {name: b, displayName: B, helm: {defaultRepository: 'https://x', defaultChart: x/b, defaultVersion: v1}}\n";
const BASE: &str = "kind: RecipeMetadata\nmetadata: {name: base}\nspec: {componentRefs: [{name: a, type: Helm}, {name: b, type: Helm, dependencyRefs: [a]}]}\n";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.split("---8<---\n");
    let mut files = Files::default();
    let mut insert = |path: &str, source: usize, text: &str| {
        files.insert(path, File { text: text.to_owned().into(), source, shown: path.into() });
    };
    insert("registry.yaml", 0, REGISTRY);
    insert("overlays/base.yaml", 0, BASE);
    for (source, part) in parts.by_ref().take(3).enumerate() {
        insert("overlays/x.yaml", source, part);
    }
    let catalog = match Catalog::new(files) {
        Ok(catalog) => catalog,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for overlay in catalog.overlays.values() {
        let mut asked = vec![overlay.criteria.clone().unwrap_or_default()];
        for value in overlay.profile.iter().flat_map(|profile| &profile.values) {
            let profile = overlay.profile.as_ref().and_then(|profile| format!("{}={}", profile.name, value.name).parse().ok());
            asked.push(Criteria { profile, ..asked[0].clone() });
        }
        for criteria in asked {
            let Ok(resolution) = resolve(&catalog, &criteria, None, Options::LENIENT) else { continue };
            let Ok(written) = format::to_yaml(&resolution.recipe, Edition::V1) else { continue };
            let again = format::read(&written).expect("what is resolved is read");
            assert_eq!(Ok(written), format::to_yaml(&again, Edition::V1));
        }
    }
});
