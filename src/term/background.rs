//! Whether the terminal's background is dark or light, as a variable or a terminal says it.
//!
//! A terminal answers when it likes, between the keys of a person. Where its bytes are read by crossterm, which takes an answer
//! for keys, a [`Listener`] takes it out of these, and gives back whatever is none.

use super::key::{Code, Key};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

impl Background {
    pub fn word(self) -> &'static str {
        match self {
            Background::Dark => "dark",
            Background::Light => "light",
        }
    }
}

/// What `COLORFGBG` says, as `foreground;background` or with a word between them; `None` where it says nothing.
pub fn of_variable(text: &str) -> Option<Background> {
    let (_, background) = text.rsplit_once(';')?;
    match background.parse::<u8>().ok()? {
        7 | 9..=15 => Some(Background::Light),
        0..=6 | 8 => Some(Background::Dark),
        _ => None,
    }
}

/// `rgb:d6d6/dddd/e6e6`: one to four digits for each of red, green and blue.
pub(super) fn of_color(text: &str) -> Option<Background> {
    let channels = text.strip_prefix("rgba:").or_else(|| text.strip_prefix("rgb:"))?;
    let parts: Option<Vec<f64>> = channels
        .split('/')
        .map(|digits| {
            let most = 16_f64.powi(i32::try_from(digits.len()).ok()?) - 1.0;
            let value = u32::from_str_radix(digits, 16).ok().filter(|_| (1..=4).contains(&digits.len()))?;
            Some(f64::from(value) / most)
        })
        .collect();
    let [red, green, blue] = *parts?.get(..3)? else { return None };
    let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    Some(if luminance > 0.5 { Background::Light } else { Background::Dark })
}

/// What a key turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Keys of a person, in their order.
    Keys(Vec<Key>),
    /// A part of the answer.
    Part,
    /// The answer; `None` where it cannot be understood.
    Answer(Option<Background>),
}

/// Takes the answer out of the keys. A reader of keys sees it as `Alt-]`, characters, and `Ctrl-G` or `Alt-\` at the end.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    held: Vec<Key>,
}

/// Longer ones are no answer.
const LONGEST: usize = 40;
const START: &str = "11;rgb";

impl Listener {
    pub fn hear(&mut self, key: Key) -> Heard {
        let begins = key == Key { alt: true, ..Key::char(']') };
        if self.held.is_empty() && !begins {
            return Heard::Keys(vec![key]);
        }
        let ends = key == Key::ctrl('g') || key == Key { alt: true, ..Key::char('\\') };
        if ends && !self.held.is_empty() {
            let text = self.text();
            self.held.clear();
            return Heard::Answer(text.strip_prefix("11;").and_then(of_color));
        }
        self.held.push(key);
        if begins && self.held.len() == 1 || self.is_possible(key) {
            return Heard::Part;
        }
        Heard::Keys(std::mem::take(&mut self.held))
    }

    /// Keys that are held back when the answer does not go on.
    pub fn give_back(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.held)
    }

    fn text(&self) -> String {
        let letter = |key: &Key| match key.code {
            Code::Char(letter) => letter,
            _ => ' ',
        };
        self.held.iter().skip(1).map(letter).collect()
    }

    fn is_possible(&self, key: Key) -> bool {
        let is_letter = matches!(key.code, Code::Char(_)) && !key.ctrl && !key.alt;
        let text = self.text();
        let rest = text.strip_prefix(START);
        let is_color =
            |rest: &str| rest.trim_start_matches('a').chars().all(|c| c.is_ascii_hexdigit() || ":/".contains(c));
        is_letter && self.held.len() <= LONGEST && (START.starts_with(&text) || rest.is_some_and(is_color))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As crossterm reads bytes: ESC and a character are that character with Alt.
    fn keys(bytes: &str) -> Vec<Key> {
        let mut keys = Vec::new();
        let mut alt = false;
        for letter in bytes.chars() {
            match letter {
                '\x1b' => alt = true,
                '\x07' => keys.push(Key { alt: std::mem::take(&mut alt), ..Key::ctrl('g') }),
                letter => keys.push(Key { alt: std::mem::take(&mut alt), ..Key::char(letter) }),
            }
        }
        keys
    }

    #[track_caller]
    fn check(bytes: &str, passed: &str, answers: &[Option<Background>]) {
        let mut listener = Listener::default();
        let (mut typed, mut heard) = (Vec::new(), Vec::new());
        for key in keys(bytes) {
            match listener.hear(key) {
                Heard::Keys(keys) => typed.extend(keys),
                Heard::Part => {}
                Heard::Answer(answer) => heard.push(answer),
            }
        }
        typed.extend(listener.give_back());
        assert_eq!((typed, heard), (keys(passed), answers.to_vec()), "{bytes:?}");
    }

    #[test]
    fn an_answer_is_taken_out_of_the_keys_around_it() {
        check("j\x1b]11;rgb:ffff/ffff/ffff\x07k", "jk", &[Some(Background::Light)]);
        check("\x1b]11;rgb:1212/1616/1c1c\x1b\\", "", &[Some(Background::Dark)]);
        check("\x1b]11;rgb:fF/Fb/f8\x07", "", &[Some(Background::Light)]);
        check("\x1b]11;rgba:0000/0000/0000/ffff\x07", "", &[Some(Background::Dark)]);
        check("\x1b]11;rgb:zz\x07", "\x1b]11;rgb:zz\x07", &[]);
    }

    #[test]
    fn what_only_begins_like_an_answer_is_given_back() {
        check("\x1b]j", "\x1b]j", &[]);
        check("\x1b]11j", "\x1b]11j", &[]);
        check("\x1b]", "\x1b]", &[]);
        check("\x07q", "\x07q", &[]);
    }

    #[test]
    fn colorfgbg_names_the_background_last() {
        for (text, expected) in [
            ("15;0", Some(Background::Dark)),
            ("0;15", Some(Background::Light)),
            ("0;default;7", Some(Background::Light)),
            ("7;8", Some(Background::Dark)),
            ("default;default", None),
            ("", None),
        ] {
            assert_eq!(of_variable(text), expected, "{text}");
        }
    }
}
