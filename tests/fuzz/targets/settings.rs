//! Any text as the flags of typed settings and profiles (three lines: component, path, value), then a recipe with either:
//! what is locked is refused in each way, restating it is not, and nothing of it panics.
#![no_main]

use aicr::{
    criteria::{ProfileChoice, Setting},
    recipe::{Locks, configuration, format, locks::Input},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<&str> = text.splitn(4, '\n').collect();
    let line = |index: usize| lines.get(index).copied().unwrap_or_default();
    let (component, path, value) = (line(0), line(1), line(2));
    let _ = component.parse::<ProfileChoice>().map(|choice| assert_eq!(choice.to_string(), component));
    let _ = component.parse::<Setting>();
    let _ = configuration::inventory_mode(component).map(|mode| assert_eq!(mode, component));
    if let Ok(mode) = configuration::slurm_mode(component) {
        assert_eq!(configuration::slurm_mode(mode), Ok(mode), "what is written is read");
    }
    if let Ok(interfaces) = configuration::interfaces(component.split(',')) {
        assert_eq!(interfaces.len(), 8);
    }
    let Ok(recipe) = format::read(line(3)) else { return };
    let Some(locks) = Locks::of(&recipe) else { return };
    let value = serde_json::from_str(value).unwrap_or(Value::Null);
    let _ = locks.check_values(component, &value, &value).map_err(|_| panic!("the same values are refused"));
    for known in &recipe.components {
        let before = Value::Object(known.overrides.clone());
        let _ = locks.check_values(&known.name, &before, &value);
        for locked in locks.paths(&known.name) {
            assert!(locks.check_dynamic(&known.name, locked).is_err(), "`{locked}` is locked");
            assert!(locks.touches(&known.name, locked));
        }
        assert_eq!(locks.touches(&known.name, path), locks.check_dynamic(&known.name, path).is_err());
        for input in [Input::Set, Input::SetJson, Input::SetFile] {
            if let Err(refused) = locks.check_input(input, &known.name, path) {
                assert!(path == "enabled" && input != Input::Set && !refused.hint().is_empty());
            }
        }
    }
    let names = recipe.components.iter().map(|known| known.name.as_str());
    assert_eq!(locks.check_subset(names), Ok(()), "nothing is left out");
});
