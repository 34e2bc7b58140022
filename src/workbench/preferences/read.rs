//! Text of the file and the environment to values; what is wrong is listed with its line.

use super::{ALL, KEYS, Origin, Preference, Preferences, Problem, Value, Values, keys};
use crate::criteria::near_or_all;
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// How it is said that nothing of the file counts.
pub(super) const NO_TOML: &str = "invalid TOML";

pub(super) fn read(file: Option<(&str, &str)>, variable: &dyn Fn(&str) -> Option<String>) -> Preferences {
    let default = |preference: &&Preference| Value { text: preference.default.to_owned(), origin: Origin::Default };
    let mut read = Preferences {
        file: file.map(|(shown, _)| shown.into()),
        values: ALL.iter().map(default).collect(),
        preset: Value { text: "default".to_owned(), origin: Origin::Default },
        keys: super::Keymap::default(),
        bound: Vec::new(),
        problems: Vec::new(),
    };
    if let Some((shown, text)) = file {
        of_text(&mut read, shown, text);
        read.problems.sort_by_key(|problem| problem.line);
    }
    for preference in ALL {
        let Some(name) = preference.variable else { continue };
        let Some(text) = variable(name).filter(|text| !text.is_empty()) else { continue };
        match legal(preference, &text) {
            Ok(text) => *read.value_mut(preference) = Value { text, origin: Origin::Variable(name) },
            Err((said, hint)) => read.problems.push(Problem { at: name.to_owned(), line: 0, said, hint }),
        }
    }
    read
}

/// Lines of a text from 1, for byte offsets.
struct Place<'t> {
    shown: &'t str,
    text: &'t str,
}

impl Place<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let end = span.start.min(self.text.len());
        self.text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn problem(&self, span: &Range<usize>, said: String, hint: Option<String>) -> Problem {
        let line = self.line(span);
        Problem { at: format!("{}:{line}", self.shown), line, said, hint }
    }
}

fn of_text(read: &mut Preferences, shown: &str, text: &str) {
    let place = Place { shown, text };
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            let span = error.span().unwrap_or_default();
            let said = format!("{NO_TOML}: {}; all preferences keep their defaults", error.message());
            read.problems.push(place.problem(&span, said, None));
            return;
        }
    };
    for (key, value) in &table {
        let name: &str = key.get_ref();
        if name == KEYS {
            match value.get_ref() {
                DeValue::Table(table) => of_keys(read, &place, table),
                _ => {
                    let said = format!("`{KEYS}` must be a table");
                    read.problems.push(place.problem(&value.span(), said, Some(format!("write [{KEYS}]"))));
                }
            }
            continue;
        }
        let Some(preference) = ALL.iter().copied().find(|preference| preference.name == name) else {
            let names = ALL.iter().map(|preference| preference.name).chain([KEYS]);
            let hint = near_or_all(name, names);
            read.problems.push(place.problem(&key.span(), format!("unknown preference `{name}`"), Some(hint)));
            continue;
        };
        let text = match preference.values {
            Values::Patterns => sequences(value).map(|patterns| patterns.join(",")),
            _ => written(value.get_ref()),
        };
        match text.map(|text| legal(preference, &text)) {
            Some(Ok(text)) => {
                *read.value_mut(preference) = Value { text, origin: Origin::File(place.line(&value.span())) };
            }
            Some(Err((said, hint))) => read.problems.push(place.problem(&value.span(), said, hint)),
            None => {
                let what = match preference.values {
                    Values::Patterns => "a list of texts",
                    _ => "a string, a number or a boolean",
                };
                let said = format!("`{name}` must be {what}");
                read.problems.push(place.problem(&value.span(), said, None));
            }
        }
    }
}

/// A value as flags take it.
fn written(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(on) => Some(on.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// The value as it is kept, or what is wrong with it and what to write instead.
pub(super) fn legal(preference: &Preference, text: &str) -> Result<String, (String, Option<String>)> {
    let name = preference.name;
    let refused =
        |words: &[&str]| Err((format!("`{name}` cannot be `{text}`"), Some(near_or_all(text, words.iter().copied()))));
    match preference.values {
        Values::Theme | Values::Patterns => Ok(text.to_owned()),
        Values::Switch => match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok("true".to_owned()),
            "false" | "off" | "no" | "0" => Ok("false".to_owned()),
            _ => refused(&["true", "false"]),
        },
        Values::Words(words) if words.contains(&text) => Ok(text.to_owned()),
        // A switch where words say more than on and off.
        Values::Words(words) if words.contains(&"on") && ["true", "false"].contains(&text) => {
            Ok(if text == "true" { "on" } else { "off" }.to_owned())
        }
        Values::Words(words) => refused(words),
    }
}

fn of_keys(read: &mut Preferences, place: &Place<'_>, table: &DeTable<'_>) {
    let mut bindings = Vec::new();
    for (key, value) in table {
        let name: &str = key.get_ref();
        if name == "preset" {
            let text = written(value.get_ref()).unwrap_or_default();
            match keys::PRESETS.iter().any(|preset| preset.name == text) {
                true => read.preset = Value { text, origin: Origin::File(place.line(&value.span())) },
                false => {
                    let hint = near_or_all(&text, keys::PRESETS.iter().map(|preset| preset.name));
                    let said = format!("unknown preset `{text}`");
                    read.problems.push(place.problem(&value.span(), said, Some(hint)));
                }
            }
            continue;
        }
        if value.get_ref().is_table() {
            let said =
                format!("keys are bound for every screen on which an action acts, so `[keys.{name}]` is not read");
            let hint = Some("bind actions in [keys]; `aicr keys` says where each acts".to_owned());
            read.problems.push(place.problem(&value.span(), said, hint));
            continue;
        }
        match sequences(value) {
            Some(sequences) => bindings.push((name.to_owned(), sequences, place.line(&key.span()))),
            None => {
                let said = format!("the keys of `{name}` must be a text or a list of texts");
                let hint = Some("write for example \"Ctrl-N\", [\"j\", \"Down\"] or \"none\"".to_owned());
                read.problems.push(place.problem(&value.span(), said, hint));
            }
        }
    }
    bindings.sort_by_key(|(.., line)| *line);
    keys::bind(read, place.shown, bindings);
}

fn sequences(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    match value.get_ref() {
        DeValue::String(text) if text.trim() == "none" => Some(Vec::new()),
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Array(list) => list
            .iter()
            .map(|text| match text.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ASCII, COLOR, MOUSE, PROTECT};
    use super::*;
    use crate::workbench::keymap::Action;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) -> Preferences {
        let read = Preferences::read(Some(("config.toml", text)), &|_| None);
        let said: Vec<String> = read.problems.iter().map(Problem::to_string).collect();
        assert_eq!(said, expected);
        read
    }

    #[test]
    fn an_unknown_name_is_answered_with_its_line_and_the_near_one() {
        check("\n\nthem = \"dark\"\n", &["config.toml:3: unknown preference `them`; did you mean theme?"]);
        check("[keys]\nmove-dwn = \"x\"\n", &["config.toml:2: unknown action `move-dwn`; did you mean move-down?"]);
        check(
            "[keys.recipe]\nswap = \"x\"\n",
            &[
                "config.toml:1: keys are bound for every screen on which an action acts, so `[keys.recipe]` is not read; \
               bind actions in [keys]; `aicr keys` says where each acts",
            ],
        );
        check("[keys]\npreset = \"vin\"\n", &["config.toml:2: unknown preset `vin`; did you mean vim?"]);
        check("ascii = \"onn\"", &["config.toml:1: `ascii` cannot be `onn`; did you mean on?"]);
        check("mouse = [1]", &["config.toml:1: `mouse` must be a string, a number or a boolean"]);
        check(
            "[keys]\nhelp = \"Hyper-x\"",
            &["config.toml:2: `Hyper-x` is not a key; write `x`, `Ctrl-D`, `Enter`, `Shift-Tab` or `F1`"],
        );
    }

    #[test]
    fn what_is_right_counts_beside_what_is_wrong() {
        let read = check(
            "mouse = false\nfoo = 1\ncolor = 256\nascii = true\n",
            &[
                "config.toml:2: unknown preference `foo`; there are: theme, color, ascii, mouse, read-only, protect, start-screen, \
             restore, linear, clipboard, links, hints, wrap, times, slow, keys",
            ],
        );
        assert_eq!((read.text(&MOUSE), read.text(&COLOR), read.text(&ASCII)), ("false", "256", "on"));
    }

    #[test]
    fn a_text_that_is_not_toml_is_one_problem_with_its_line() {
        let read = Preferences::read(Some(("config.toml", "mouse = false\ntheme = \"dark\nmouse = 1\n")), &|_| None);
        assert_eq!(read.problems.len(), 1);
        assert_eq!(read.problems[0].at, "config.toml:2");
        assert_eq!(read.text(&MOUSE), "true");
    }

    #[test]
    fn contexts_are_protected_by_a_list_or_by_a_variable() {
        let read = check("protect = [\"prod-*\", \"lab\"]\n", &[]);
        assert_eq!(read.text(&PROTECT), "prod-*,lab");
        check("protect = 7\n", &["config.toml:1: `protect` must be a list of texts"]);
        let variable = |name: &str| (name == "AICR_PROTECT").then(|| "eu".to_owned());
        assert_eq!(Preferences::read(None, &variable).text(&PROTECT), "eu");
    }

    #[test]
    fn a_bad_variable_leaves_what_the_file_says() {
        let variable = |name: &str| (name == "AICR_MOUSE").then(|| "perhaps".to_owned());
        let read = Preferences::read(Some(("config.toml", "mouse = false")), &variable);
        assert_eq!(read.problems[0].to_string(), "AICR_MOUSE: `mouse` cannot be `perhaps`; there are: true, false");
        assert_eq!(read.text(&MOUSE), "false");
    }

    #[test]
    fn a_bound_key_is_taken_from_whoever_had_it_and_that_is_said() {
        let read = check(
            "[keys]\nrun = \"t\"\n",
            &["config.toml:2: timestamps: unreachable: no key: `t` is taken by run; bind timestamps to another key"],
        );
        assert_eq!(read.keys.keys(Action::Run), "t");
        assert_eq!(read.keys.keys(Action::Timestamps), "");
        assert_eq!(read.keys.conflicts().len(), 1);
        // On different screens both may have it.
        check("[keys]\nrun = \"i\"\n", &[]);
        check("[keys]\nrun = [\"t\", \"r\"]\ntimestamps = \"Z\"\n", &[]);
        let read = check("[keys]\nexport = \"none\"\n", &[]);
        assert_eq!(read.keys.keys(Action::Export), "");
    }

    #[test]
    fn two_bindings_of_the_file_that_meet_are_a_conflict() {
        let read = check(
            "[keys]\nrun = \"Z\"\ntimestamps = \"Z\"\n",
            &["config.toml:3: `Z` is bound to run as well; run has it"],
        );
        assert_eq!(read.keys.keys(Action::Run), "Z");
    }

    #[test]
    fn ctrl_c_cannot_be_taken() {
        check(
            "[keys]\ninterrupt = \"none\"\n",
            &["config.toml:2: interrupt keeps Ctrl-C, so that there is always a way out"],
        );
    }
}
