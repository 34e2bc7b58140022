//! What a terminal answers to our questions, and what it reports by itself, told apart from keys.
//!
//! In: the bytes since an Esc. Out: an [`Answer`], that more bytes are needed, or that this is no answer. It waits for nothing and
//! knows no time: bytes of an answer come late and in pieces, and keys between two answers.

use super::background::{self, Background};

/// What a terminal said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Whether it knows a private mode, by number (DECRPM).
    Mode { mode: u16, is_known: bool },
    /// It can report keys without two meanings.
    Keyboard,
    /// Its color scheme, asked for or changed (DSR 997).
    Scheme(Background),
    /// The color of its background (OSC 11); `None` where that cannot be understood.
    Color(Option<Background>),
    /// What it is (DA1): the answer to the last question.
    Attributes,
    /// An answer to nothing that we have asked.
    Other,
}

/// What bytes that begin with an Esc are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// No answer, from the first byte on.
    Keys,
    /// The beginning of an answer and of no key.
    Begun,
    /// A key, unless it goes on as an answer.
    Either,
    Answer(Answer),
    /// An answer that its last byte does not belong to.
    Broken,
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// Longer ones are broken: no answer of a terminal is so long.
const LONGEST: usize = 256;

/// Reads the bytes since an Esc, of which all but the last one were begun before.
pub fn read(held: &[u8]) -> Reading {
    match held {
        [ESC] | [ESC, b']'] => Reading::Either,
        [ESC, b'[', b'?', rest @ ..] => sequence(rest),
        [ESC, b']', rest @ ..] => command(rest),
        _ => Reading::Keys,
    }
}

/// Whether a byte may follow what is held as a part of an answer, or of a sequence like it.
pub fn goes_on(held: &[u8], byte: u8) -> bool {
    match held {
        [ESC] => matches!(byte, b'[' | b']'),
        [ESC, b']'] => byte.is_ascii_digit(),
        _ => true,
    }
}

/// After `ESC [ ?`: numbers, and a letter that says what they are. No key begins so.
fn sequence(rest: &[u8]) -> Reading {
    let Some((last, numbers)) = rest.split_last() else { return Reading::Begun };
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
    let (numbers, mark) = match numbers.split_last() {
        Some((b'$', numbers)) => (numbers, true),
        _ => (numbers, false),
    };
    let numbers = numbers.split(|byte| *byte == b';').map(number).collect::<Vec<_>>();
    match (last, mark, &numbers[..]) {
        (byte, false, _) if is_number(byte) || *byte == b'$' => {
            if rest.len() > LONGEST {
                Reading::Broken
            } else {
                Reading::Begun
            }
        }
        (b'y', true, [Some(mode), Some(state)]) => {
            // 0 is a mode that it does not know, 4 one that cannot be set.
            Reading::Answer(Answer::Mode { mode: *mode, is_known: (1..=3).contains(state) })
        }
        (b'y', true, _) => Reading::Answer(Answer::Other),
        (b'u', false, [Some(_)]) => Reading::Answer(Answer::Keyboard),
        (b'c', false, _) => Reading::Answer(Answer::Attributes),
        (b'n', false, [Some(997), Some(1)]) => Reading::Answer(Answer::Scheme(Background::Dark)),
        (b'n', false, [Some(997), Some(2)]) => Reading::Answer(Answer::Scheme(Background::Light)),
        (b'n' | b'u', false, _) => Reading::Answer(Answer::Other),
        _ => Reading::Broken,
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// After `ESC ]`: a number, a text, and an end. A person may have pressed Alt-] before.
fn command(rest: &[u8]) -> Reading {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || rest.get(digits).is_some_and(|byte| *byte != b';') {
        return Reading::Keys;
    }
    let ended = rest.strip_suffix(&[BEL][..]).or_else(|| rest.strip_suffix(&b"\x1b\\"[..]));
    let Some(whole) = ended else {
        let is_begun = |byte: &u8| !byte.is_ascii_control() && byte.is_ascii();
        return match rest.split_last() {
            Some((&ESC, text)) if text.iter().all(is_begun) => Reading::Begun,
            _ if rest.iter().all(is_begun) && rest.len() <= LONGEST => Reading::Begun,
            _ => Reading::Broken,
        };
    };
    let color = std::str::from_utf8(whole).ok().and_then(|text| text.strip_prefix("11;"));
    Reading::Answer(color.map_or(Answer::Other, |color| Answer::Color(background::of_color(color))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers in a text of a terminal, read byte by byte; everything of it has to be one.
    #[track_caller]
    fn check(terminal: &str, says: &str, expected: &[Answer]) {
        let (mut held, mut answers) = (Vec::new(), Vec::new());
        for byte in says.bytes() {
            held.push(byte);
            match read(&held) {
                Reading::Answer(answer) => {
                    answers.push(answer);
                    held.clear();
                }
                Reading::Begun | Reading::Either => {}
                // Most keys begin so as well.
                Reading::Keys if held == b"\x1b[" => {}
                other => panic!("{terminal}: {other:?} at {:?} of {says:?}", String::from_utf8_lossy(&held)),
            }
        }
        assert!(held.is_empty(), "{terminal}: {held:?} is left");
        assert_eq!(answers, expected, "{terminal}");
    }

    const fn mode(mode: u16, is_known: bool) -> Answer {
        Answer::Mode { mode, is_known }
    }

    /// What they answer to the questions of `probe`, in the order of these.
    #[test]
    fn answers_of_real_terminals_are_understood() {
        use Answer::{Attributes, Color, Keyboard, Scheme};
        use Background::{Dark, Light};
        check(
            "xterm",
            "\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[?2026;0$y\x1b[?2027;0$y\x1b[?2031;0$y\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c",
            &[Color(Some(Light)), mode(2026, false), mode(2027, false), mode(2031, false), Attributes],
        );
        check(
            "kitty",
            "\x1b[?997;1n\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?2026;2$y\x1b[?2027;0$y\x1b[?2031;2$y\x1b[?0u\x1b[?62;52;c",
            &[
                Scheme(Dark),
                Color(Some(Dark)),
                mode(2026, true),
                mode(2027, false),
                mode(2031, true),
                Keyboard,
                Attributes,
            ],
        );
        check(
            "Ghostty",
            "\x1b[?997;2n\x1b]11;rgb:fa/f4/ed\x07\x1b[?2026;2$y\x1b[?2027;1$y\x1b[?2031;2$y\x1b[?0u\x1b[?62;22c",
            &[
                Scheme(Light),
                Color(Some(Light)),
                mode(2026, true),
                mode(2027, true),
                mode(2031, true),
                Keyboard,
                Attributes,
            ],
        );
        check(
            "iTerm2",
            "\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?2026;2$y\x1b[?2027;0$y\x1b[?2031;0$y\x1b[?0u\x1b[?64;1;2;4;6;17;18;21;22c",
            &[Color(Some(Dark)), mode(2026, true), mode(2027, false), mode(2031, false), Keyboard, Attributes],
        );
        check(
            "Windows Terminal",
            "\x1b]11;rgb:0c0c/0c0c/0c0c\x1b\\\x1b[?2026;2$y\x1b[?2027;3$y\x1b[?2031;0$y\x1b[?61;4;6;7;14;21;22;23;24;28;32;42c",
            &[Color(Some(Dark)), mode(2026, true), mode(2027, true), mode(2031, false), Attributes],
        );
        check("tmux 3.4", "\x1b]11;rgb:1212/1616/1c1c\x1b\\\x1b[?1;2;4c", &[Color(Some(Dark)), Attributes]);
        check(
            "tmux 3.6",
            "\x1b[?997;1n\x1b]11;rgb:1212/1616/1c1c\x1b\\\x1b[?2031;2$y\x1b[?1;2;4c",
            &[Scheme(Dark), Color(Some(Dark)), mode(2031, true), Attributes],
        );
        check("screen", "\x1b[?1;2c", &[Attributes]);
        check("Linux console", "", &[]);
    }

    #[test]
    fn what_nobody_asked_for_is_an_answer_and_no_keys() {
        check("another color", "\x1b]10;rgb:0000/0000/0000\x1b\\", &[Answer::Other]);
        check("a color in words", "\x1b]11;white\x07", &[Answer::Color(None)]);
        check("a mode without a state", "\x1b[?2026$y", &[Answer::Other]);
        check("a mode that cannot be set", "\x1b[?2027;4$y", &[mode(2027, false)]);
        check("no scheme", "\x1b[?997;3n", &[Answer::Other]);
        check("a printer", "\x1b[?13n", &[Answer::Other]);
    }

    #[test]
    fn keys_are_none_and_what_is_cut_short_gives_its_last_byte_back() {
        for keys in ["\x1b[", "\x1b[A", "\x1bx", "\x1b]j", "\x1b]1j", "\x1b]11j", "\x1bP", "\x1bO"] {
            assert_eq!(read(keys.as_bytes()), Reading::Keys, "{keys:?}");
        }
        for broken in ["\x1b[?6q", "\x1b[?2026;2$q", "\x1b[?\r", "\x1b[?6\x1b", "\x1b]11;rgb\r", "\x1b]11;rgb\x1bx"] {
            assert_eq!(read(broken.as_bytes()), Reading::Broken, "{broken:?}");
        }
        let endless = format!("\x1b]11;{}", "f".repeat(LONGEST));
        assert_eq!(read(endless.as_bytes()), Reading::Broken);
        assert_eq!((read(b"\x1b"), read(b"\x1b]")), (Reading::Either, Reading::Either));
    }
}
