//! The file with every preference at its default, explained.

use super::{ALL, Preference, Values, keys::PRESETS};
use crate::workbench::keymap::BINDINGS;

/// A text to begin with: everything is a comment, so that later defaults count until a line is uncommented.
pub fn template() -> String {
    let mut text = String::from(
        "# Preferences of the aicr workbench. Every line that begins with `#` and a name is a default: remove the `#` to\n\
         # change it. `aicr preferences` prints what counts and where it was set, `aicr preferences check` what is wrong.\n\
         # Editors that take a JSON schema have one in `aicr preferences schema`.\n",
    );
    for preference in ALL {
        text.push_str(&format!("\n# {}.\n", sentence(preference.help)));
        text.push_str(&format!("# {}\n", legal(preference)));
        text.push_str(&format!("#{} = {}\n", preference.name, quoted(preference)));
    }
    let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    text.push_str(&format!(
        "\n# Keys: the name of an action and its key, a list of keys, or \"none\". A sequence has spaces: \"g d\".\n\
         # `aicr keys` lists all actions with their keys.\n[keys]\n# Keys to start from: {}.\n#preset = \"{}\"\n",
        presets.join(", "),
        presets[0]
    ));
    for binding in BINDINGS.iter().take(4) {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("{key:?}")).collect();
        text.push_str(&format!("#{} = [{}]\n", binding.name, keys.join(", ")));
    }
    text
}

/// With a capital, without a full stop.
pub(super) fn sentence(help: &str) -> String {
    let mut letters = help.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn legal(preference: &Preference) -> String {
    let values = match preference.values {
        Values::Switch => "true or false".to_owned(),
        Values::Words(words) => words.join(", "),
        Values::Theme => "auto, a theme of `aicr preferences themes`".to_owned(),
        Values::Patterns => "names of contexts with * and ?, for example [\"prod-*\"]".to_owned(),
    };
    let over: Vec<&str> = preference.flag.into_iter().chain(preference.variable).collect();
    let over = if over.is_empty() { String::new() } else { format!("; {} wins", over.join(" or ")) };
    format!("Values: {values}{over}.")
}

fn quoted(preference: &Preference) -> String {
    match preference.values {
        Values::Switch => preference.default.to_owned(),
        Values::Patterns => "[]".to_owned(),
        _ => format!("{:?}", preference.default),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::preferences::{Origin, Preferences};

    #[test]
    fn the_file_changes_nothing_and_uncommented_it_says_the_defaults() {
        let commented = template();
        let read = Preferences::read(Some(("config.toml", &commented)), &|_| None);
        assert_eq!(read.problems, []);
        assert!(ALL.iter().all(|preference| read.value(preference).origin == Origin::Default));
        // Without the `#` of settings everything is there, with the same values.
        let names: Vec<&str> = ALL.iter().map(|preference| preference.name).collect();
        let open = |line: &str| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
            _ => line.to_owned(),
        };
        let open: Vec<String> = commented.lines().map(open).collect();
        let read = Preferences::read(Some(("config.toml", &open.join("\n"))), &|_| None);
        assert_eq!(read.problems, []);
        for (name, preference) in names.iter().zip(ALL) {
            let value = read.value(preference);
            assert!(matches!(value.origin, Origin::File(_)), "{name} is not in the file");
            assert_eq!(value.text, preference.default, "{name}");
        }
    }
}
