//! Keys of a person's own: presets, then what the file binds.

use super::{Preferences, Problem};
use crate::{
    criteria::near_matches,
    text::did_you_mean,
    workbench::keymap::{self, Action, BINDINGS, Bound, Keymap},
};

/// A set of keys by name.
pub struct Preset {
    pub name: &'static str,
    /// Names of actions and their keys, instead of those of the table.
    pub keys: &'static [(&'static str, &'static [&'static str])],
}

/// What a preset does not name keeps the keys of the table.
pub static PRESETS: &[Preset] = &[
    Preset { name: "default", keys: &[] },
    Preset {
        name: "vim",
        keys: &[
            ("page-down", &["Ctrl-F", "PgDn"]),
            ("page-up", &["Ctrl-B", "PgUp"]),
            ("history-back", &["Ctrl-O", "Backspace"]),
            ("next-panel", &["Ctrl-W w", "Tab"]),
            ("previous-panel", &["Ctrl-W W", "Shift-Tab"]),
            ("fold-toggle", &["z a", "z o", "z c"]),
            ("copy", &["y y", "c"]),
            ("close", &["q", "Z Z", "Z Q"]),
            ("palette", &[":"]),
        ],
    },
    Preset {
        name: "emacs",
        keys: &[
            ("move-down", &["Ctrl-N", "Down"]),
            ("move-up", &["Ctrl-P", "Up"]),
            ("left", &["Ctrl-B", "Left"]),
            ("right", &["Ctrl-F", "Right"]),
            ("first", &["Alt-<", "Home"]),
            ("last", &["Alt->", "End"]),
            ("page-down", &["Ctrl-V", "PgDn"]),
            ("page-up", &["Alt-v", "PgUp"]),
            ("filter", &["Ctrl-S", "/"]),
            ("palette", &["Alt-x", ":"]),
            ("back", &["Ctrl-G", "Esc"]),
            ("close", &["q", "Ctrl-X k"]),
            ("next-panel", &["Ctrl-X o", "Tab"]),
            ("zoom-full", &["Ctrl-X 1", "z z"]),
            ("copy", &["Alt-w", "y"]),
            ("export", &["Ctrl-X Ctrl-S"]),
            ("field-left", &["Left", "Ctrl-B"]),
            ("field-right", &["Right", "Ctrl-F"]),
            ("erase-word", &["Ctrl-W", "Alt-Backspace"]),
        ],
    },
    Preset {
        name: "k9s",
        keys: &[
            ("copy", &["c"]),
            ("raw", &["y"]),
            ("details", &["d", "D"]),
            ("go-log", &["l", "g l"]),
            ("right", &["Right"]),
            ("sort", &["Shift-Right"]),
            ("sort-reverse", &["Shift-Left"]),
            ("follow", &["s", "f"]),
            ("refresh", &["Ctrl-R", "R"]),
            ("palette", &[":"]),
        ],
    },
    Preset {
        name: "arrows",
        keys: &[
            ("move-down", &["Down"]),
            ("move-up", &["Up"]),
            ("left", &["Left"]),
            ("right", &["Right"]),
            ("first", &["Home"]),
            ("last", &["End"]),
            ("page-down", &["PgDn"]),
            ("page-up", &["PgUp"]),
            ("panel-left", &["Ctrl-Left"]),
            ("panel-right", &["Ctrl-Right"]),
            ("panel-up", &["Ctrl-Up"]),
            ("panel-down", &["Ctrl-Down"]),
            ("filter", &["Ctrl-F", "/"]),
            ("help", &["F1", "?"]),
            ("palette", &["Ctrl-P", ":"]),
            ("next-answer", &["Tab", "Right"]),
            ("previous-answer", &["Shift-Tab", "Left"]),
        ],
    },
];

/// The key map of a preset; that of the table where there is none of that name.
pub(super) fn preset(name: &str) -> Keymap {
    let mut keys = Keymap::default();
    let preset = PRESETS.iter().find(|preset| preset.name == name);
    for (action, sequences) in preset.into_iter().flat_map(|preset| preset.keys) {
        if let Some(binding) = keymap::named(action) {
            // Names in presets are read by a test.
            let _ = keys.rebind(binding.action, sequences);
        }
    }
    keys
}

/// Binds what the file says, in its order: what a person binds wins over the table, and what is bound first over the rest.
pub(super) fn bind(read: &mut Preferences, shown: &str, bindings: Vec<(String, Vec<String>, usize)>) {
    let mut keys = preset(&read.preset.text);
    let mut problems = Vec::new();
    let mut orphans: Vec<(Action, String, Action, usize)> = Vec::new();
    for (name, sequences, line) in bindings {
        let mut problem = |said: String, hint: Option<String>| {
            problems.push(Problem { at: format!("{shown}:{line}"), line, said, hint });
        };
        let Some(binding) = keymap::named(&name) else {
            let near = near_matches(&name, BINDINGS.iter().map(|binding| binding.name));
            let hint = did_you_mean(&near).unwrap_or_else(|| "`aicr keys` lists the actions".to_owned());
            problem(format!("unknown action `{name}`"), Some(hint));
            continue;
        };
        if binding.action == Action::Interrupt && !sequences.iter().any(|keys| keys == "Ctrl-C") {
            problem("interrupt keeps Ctrl-C, so that there is always a way out".to_owned(), None);
            continue;
        }
        let texts: Vec<&str> = sequences.iter().map(String::as_str).collect();
        let Bound { lost, refused } = match keys.claim(binding.action, &texts) {
            Ok(bound) => bound,
            Err(error) => {
                problem(error.to_string(), None);
                continue;
            }
        };
        for (key, other) in refused {
            let other = keymap::binding(other).name;
            problem(format!("`{key}` is bound to {other} as well; {other} has it"), None);
        }
        orphans.extend(lost.into_iter().map(|(key, other)| (other, key, binding.action, line)));
        read.bound.push((binding.name, sequences.join(", "), line));
    }
    for (action, key, by, line) in orphans {
        // It has other keys, or was given some below.
        if !keys.keys(action).is_empty() || read.bound.iter().any(|(name, ..)| *name == keymap::binding(action).name) {
            continue;
        }
        let (name, by) = (keymap::binding(action).name, keymap::binding(by).name);
        let said = format!("{}: `{key}` is taken by {by}", keymap::unreachable(keymap::binding(action)));
        let hint = Some(format!("bind {name} to another key"));
        problems.push(Problem { at: format!("{shown}:{line}"), line, said, hint });
    }
    keys.set_conflicts(problems.iter().map(Problem::to_string).collect());
    read.keys = keys;
    read.problems.extend(problems);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_name_actions_and_keys_that_exist_and_have_no_conflicts() {
        for preset in PRESETS {
            for (action, sequences) in preset.keys {
                let binding = keymap::named(action);
                let binding = binding.unwrap_or_else(|| panic!("{}: {action}", preset.name));
                Keymap::default().rebind(binding.action, sequences).unwrap();
            }
            assert_eq!(super::preset(preset.name).problems(), Vec::<String>::new(), "{}", preset.name);
        }
        assert_ne!(preset("vim"), preset("emacs"));
    }

    #[test]
    fn every_action_of_the_table_keeps_a_key_in_every_preset() {
        for preset in PRESETS {
            for (binding, sequences) in super::preset(preset.name).rows() {
                assert!(!sequences.is_empty(), "{}: {}", preset.name, binding.name);
            }
        }
    }
}
