//! Preferences that a person sets while the workbench runs; they count until it ends.

use super::{ALL, Origin, Preference, Preferences, Value, Values, again::AT_THE_START, read};
use crate::{criteria::near_or_all, workbench::theme::Themes};

/// Why a preference was not set.
#[derive(Clone, Debug)]
pub enum Refused {
    Unknown {
        name: String,
        hint: String,
    },
    /// A slip must not lift it.
    InTheFile(&'static str),
    /// It only decides how to start.
    AtTheStart(&'static str),
    Value {
        said: String,
        hint: Option<String>,
    },
    /// It has other values than on and off, and none was given.
    NoValue(&'static Preference),
}

/// What a person wrote: `hints off`, `wrap`, `nowrap`.
pub fn parse(text: &str) -> Result<(&'static Preference, String), Refused> {
    let (name, value) = text.split_once(' ').map_or((text, ""), |(name, value)| (name, value.trim()));
    let known = |name: &str| ALL.iter().copied().find(|preference| preference.name == name);
    let turned_off = || name.strip_prefix("no").and_then(known).filter(|preference| preference.is_switch());
    let (preference, value) = match (known(name), turned_off()) {
        (Some(preference), _) if value.is_empty() && preference.is_switch() => (preference, "on"),
        (Some(preference), _) => (preference, value),
        (None, Some(preference)) if value.is_empty() => (preference, "off"),
        (None, _) => {
            let hint = near_or_all(name, ALL.iter().map(|preference| preference.name));
            return Err(Refused::Unknown { name: name.to_owned(), hint });
        }
    };
    if AT_THE_START.iter().any(|other| other.name == preference.name) {
        return Err(Refused::AtTheStart(preference.name));
    }
    if preference.values == Values::Patterns {
        return Err(Refused::InTheFile(preference.name));
    }
    if value.is_empty() {
        return Err(Refused::NoValue(preference));
    }
    read::legal(preference, value)
        .map(|value| (preference, value))
        .map_err(|(said, hint)| Refused::Value { said, hint })
}

/// A value as a person says it.
pub fn spoken<'t>(preference: &Preference, text: &'t str) -> &'t str {
    match (preference.values, text) {
        (Values::Switch, "true") => "on",
        (Values::Switch, "false") => "off",
        (Values::Patterns, "") => "none",
        (_, text) => text,
    }
}

impl Preference {
    /// It is on or off.
    pub fn is_switch(&self) -> bool {
        match self.values {
            Values::Switch => true,
            Values::Words(words) => words.contains(&"on") && words.contains(&"off"),
            Values::Theme | Values::Patterns => false,
        }
    }

    /// Its values as a person says them.
    pub fn choices(&self, themes: &Themes) -> Vec<String> {
        match self.values {
            Values::Switch => vec!["on".to_owned(), "off".to_owned()],
            Values::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Values::Patterns => Vec::new(),
            Values::Theme => [vec!["auto".to_owned()], themes.names()].concat(),
        }
    }
}

impl Preferences {
    /// A person has set it: until the workbench ends it wins over flags, variables and the file.
    pub fn set(&mut self, preference: &'static Preference, text: String) {
        *self.value_mut(preference) = Value { text, origin: Origin::Session };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, &str), &str>) {
        let said = parse(text).map(|(preference, value)| (preference.name, value));
        match (&said, expected) {
            (Ok((name, value)), Ok(expected)) => assert_eq!((*name, value.as_str()), expected, "{text}"),
            (Err(refused), Err(expected)) => assert!(format!("{refused:?}").contains(expected), "{text}: {refused:?}"),
            _ => panic!("{text}: {said:?}"),
        }
    }

    #[test]
    fn switches_are_set_by_name_by_no_and_by_value_and_others_need_a_value() {
        check("hints off", Ok(("hints", "false")));
        check("wrap", Ok(("wrap", "true")));
        check("nowrap", Ok(("wrap", "false")));
        check("nomouse", Ok(("mouse", "false")));
        check("slow", Ok(("slow", "on")));
        check("noascii", Ok(("ascii", "off")));
        check("times delta", Ok(("times", "delta")));
        check("times", Err("NoValue"));
        check("notimes", Err("Unknown"));
        check("hint off", Err("did you mean hints?"));
        check("times soon", Err("`times` cannot be `soon`"));
        check("linear on", Err("AtTheStart"));
        check("protect none", Err("InTheFile"));
    }
}
