//! Keys by name: what the key map binds, what help prints and what scripts type.

use std::{fmt, str::FromStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A printable character; Shift is part of it.
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// One pressed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
    /// Only for keys that are no characters.
    pub shift: bool,
}

impl Key {
    pub const fn plain(code: Code) -> Key {
        Key { code, ctrl: false, alt: false, shift: false }
    }

    pub const fn char(c: char) -> Key {
        Key::plain(Code::Char(c))
    }

    pub const fn ctrl(c: char) -> Key {
        Key { code: Code::Char(c), ctrl: true, alt: false, shift: false }
    }
}

/// Names of the keys that are no characters, with how they are written.
const NAMED: [(Code, &str); 14] = [
    (Code::Enter, "Enter"),
    (Code::Esc, "Esc"),
    (Code::Tab, "Tab"),
    (Code::Backspace, "Backspace"),
    (Code::Delete, "Del"),
    (Code::Up, "Up"),
    (Code::Down, "Down"),
    (Code::Left, "Left"),
    (Code::Right, "Right"),
    (Code::Home, "Home"),
    (Code::End, "End"),
    (Code::PageUp, "PgUp"),
    (Code::PageDown, "PgDn"),
    (Code::Char(' '), "Space"),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if self.shift {
            f.write_str("Shift-")?;
        }
        if let Some((_, name)) = NAMED.iter().find(|(code, _)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(c) if self.ctrl => write!(f, "{}", c.to_uppercase()),
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "F{number}"),
            _ => Ok(()),
        }
    }
}

/// A key name that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey(pub String);

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a key; write `x`, `Ctrl-D`, `Enter`, `Shift-Tab` or `F1`", self.0)
    }
}

impl std::error::Error for UnknownKey {}

impl FromStr for Key {
    type Err = UnknownKey;

    fn from_str(text: &str) -> Result<Key, UnknownKey> {
        let mut key = Key::plain(Code::Esc);
        let mut rest = text;
        loop {
            let before = rest;
            for (prefix, flag) in [("Ctrl-", 0), ("Alt-", 1), ("Shift-", 2)] {
                // `Ctrl--` is the minus with Ctrl.
                if let Some(stripped) = rest.strip_prefix(prefix).filter(|stripped| !stripped.is_empty()) {
                    rest = stripped;
                    match flag {
                        0 => key.ctrl = true,
                        1 => key.alt = true,
                        _ => key.shift = true,
                    }
                }
            }
            if before == rest {
                break;
            }
        }
        let unknown = || UnknownKey(text.to_owned());
        let mut chars = rest.chars();
        key.code = match (NAMED.iter().find(|(_, name)| *name == rest), chars.next(), chars.as_str()) {
            (Some((code, _)), ..) => *code,
            (None, Some(c), "") if key.ctrl => Code::Char(c.to_ascii_lowercase()),
            (None, Some(c), "") => Code::Char(c),
            (None, Some('F'), number) => Code::F(number.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        };
        Ok(key)
    }
}

/// Keys of a sequence, separated by spaces: `g g`, `Ctrl-W h`.
///
/// # Errors
/// A name that is no key.
pub fn sequence(text: &str) -> Result<Vec<Key>, UnknownKey> {
    text.split(' ').filter(|name| !name.is_empty()).map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in ["j", "G", "Ctrl-D", "Ctrl-W", "Enter", "Shift-Tab", "F1", "PgDn", "Space", "?", "-", "Alt-x", "F"]
        {
            assert_eq!(name.parse::<Key>().unwrap().to_string(), name);
        }
        assert_eq!(sequence("Ctrl-W h").unwrap(), [Key::ctrl('w'), Key::char('h')]);
        for name in ["", "Hyper", "Fx", "Ctrl-Foo"] {
            assert!(name.parse::<Key>().is_err(), "{name}");
        }
    }
}
