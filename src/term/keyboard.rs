//! The bytes that a terminal sends, read by whoever waits for them.
//!
//! In: what the terminal has sent. Out: [`Heard`], in order: what a person did, and what the terminal answers. Nothing here waits: [`open`] gives a file that an event loop
//! watches. crossterm reads on a thread of its own; on a busy machine each thread that has to be woken between a key and
//! its frame is milliseconds late.

use super::{
    answers::{self, Reading},
    input::{self, Heard, PASTE_LIMIT},
};
use std::{collections::VecDeque, fs::File};
use terminput::Event;

const ESC: u8 = 0x1b;
/// The end of a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Bytes to inputs. What a sequence still lacks is waited for; what is no sequence is left out.
#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
    /// What is held is a key, unless an answer goes on from it.
    is_undecided: bool,
}

impl Decoder {
    /// Takes what was read at once: an Esc at its end is the key, an Esc before its end begins a sequence. While answers are
    /// `awaited`, one at its end may begin one of them, until [`Decoder::decide`] says that nothing has followed.
    pub fn take(&mut self, bytes: &[u8], awaited: bool, heard: &mut VecDeque<Heard>) {
        for (at, byte) in bytes.iter().enumerate() {
            // A key and then another one: no answer goes on so.
            if self.is_undecided && !answers::goes_on(&self.held, *byte) {
                self.decide(heard);
            }
            self.is_undecided = false;
            if byte.is_ascii() && self.held.first().is_some_and(|first| *first != ESC) {
                // A letter in another encoding takes no key with it.
                self.held.clear();
            }
            self.held.push(*byte);
            let is_last = at + 1 == bytes.len();
            match answers::read(&self.held) {
                Reading::Answer(answer) => {
                    self.held.clear();
                    heard.push_back(Heard::Answer(answer));
                }
                Reading::Begun => {}
                Reading::Either if !is_last => {}
                Reading::Either if awaited => self.is_undecided = true,
                Reading::Broken => {
                    // What was begun is lost with the rest of it; a key after it is not.
                    self.held.clear();
                    self.held.push(*byte);
                    self.parse(is_last, heard);
                }
                Reading::Keys if self.held.starts_with(&[ESC, b']']) && self.held.len() > 2 => {
                    let held = std::mem::take(&mut self.held);
                    self.held.extend_from_slice(&held[..2]);
                    self.parse(false, heard);
                    for (index, byte) in held.iter().enumerate().skip(2) {
                        self.held.push(*byte);
                        self.parse(is_last && index + 1 == held.len(), heard);
                    }
                }
                Reading::Either | Reading::Keys => self.parse(is_last, heard),
            }
        }
    }

    /// Whether what was read last is a key, should nothing follow it soon.
    pub fn is_undecided(&self) -> bool {
        self.is_undecided
    }

    /// Nothing has followed: it is a key.
    pub fn decide(&mut self, heard: &mut VecDeque<Heard>) {
        if std::mem::take(&mut self.is_undecided) {
            self.parse(true, heard);
        }
    }

    /// The held bytes as keys and the like.
    fn parse(&mut self, is_last: bool, heard: &mut VecDeque<Heard>) {
        if self.held == [ESC, ESC] {
            // The first one began nothing.
            self.held.pop();
            let esc = input::from_event(Event::Key(terminput::KeyCode::Esc.into()));
            heard.extend(esc.map(Heard::Input));
        }
        if self.held == [ESC] && !is_last {
            return;
        }
        match Event::parse_from(&self.held) {
            Ok(None) => self.forget_what_is_too_long(),
            Ok(Some(event)) => {
                self.held.clear();
                heard.extend(input::from_event(event).map(Heard::Input));
            }
            Err(_) => self.held.clear(),
        }
    }

    /// Only a paste has no limit of its own, and only its beginning is kept.
    fn forget_what_is_too_long(&mut self) {
        if self.held.len() > 2 * PASTE_LIMIT {
            self.held.drain(PASTE_LIMIT + PASTE_END.len()..self.held.len() - PASTE_END.len());
        }
    }
}

/// Opens the terminal of standard input again, because not to wait is a property of what is open, which others have open
/// too; the one that controls us where standard input is none.
///
/// `None` where the system has no such thing or refuses; crossterm's reader is for that. On Linux only, where it was tried:
/// elsewhere not every terminal can be watched by what an event loop asks.
pub fn open() -> Option<File> {
    #[cfg(target_os = "linux")]
    {
        use rustix::{fs::OFlags, termios};
        use std::{ffi::OsStr, io, os::unix::ffi::OsStrExt, os::unix::fs::OpenOptionsExt};
        let input = io::stdin();
        let name = match termios::isatty(&input) {
            true => termios::ttyname(&input, Vec::new()).ok()?,
            false => c"/dev/tty".to_owned(),
        };
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let path = OsStr::from_bytes(name.as_bytes());
        File::options().read(true).custom_flags(flags.cast_signed()).open(path).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::{answers::Answer, input::Input, key::Key};
    use proptest::prelude::*;

    /// What was heard in the end, and what a person did of it.
    fn heard<'b>(reads: impl IntoIterator<Item = &'b [u8]>, awaited: bool) -> (Vec<Heard>, Vec<Input>) {
        let (mut decoder, mut heard) = (Decoder::default(), VecDeque::new());
        for bytes in reads {
            decoder.take(bytes, awaited, &mut heard);
        }
        decoder.decide(&mut heard);
        let input = |heard: &Heard| match heard {
            Heard::Input(input) => Some(input.clone()),
            Heard::Answer(_) => None,
        };
        let inputs = heard.iter().filter_map(input).collect();
        (heard.into(), inputs)
    }

    fn inputs<'b>(reads: impl IntoIterator<Item = &'b [u8]>) -> Vec<Input> {
        heard(reads, false).1
    }

    /// Keys as they are named, other inputs as they are.
    fn words(reads: &[&str]) -> String {
        let word = |input: &Input| match input {
            Input::Key(key) => key.to_string(),
            other => format!("{other:?}"),
        };
        inputs(reads.iter().map(|read| read.as_bytes())).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sequences_and_characters_become_inputs() {
        for (reads, expected) in [
            (&["jG é€"][..], "j G Space é €"),
            (&["\x1b[A\x1bOB\x1b[1;5C\x1b[5~\x1b[3~\x1b[15~\x1b[Z"], "Up Down Ctrl-Right PgUp Del F5 Shift-Tab"),
            (&["\x03\t\r\x7f\x1bx"], "Ctrl-C Tab Enter Backspace Alt-x"),
            (&["\x1b[I\x1b[O"], "Focus(true) Focus(false)"),
            (
                &["\x1b[<0;5;3M\x1b[<0;5;3m\x1b[<65;1;1M"],
                "Click { column: 4, row: 2 } Release Wheel { column: 0, row: 0, lines: 3 }",
            ),
            (&["\x1b[200~a\x1b[Ab\x1b[201~q"], "Paste(\"a\\u{1b}[Ab\") q"),
        ] {
            assert_eq!(words(reads), expected, "{reads:?}");
        }
    }

    #[test]
    fn escape_is_a_key_where_nothing_follows_it() {
        assert_eq!(words(&["\x1b"]), "Esc");
        assert_eq!(words(&["\x1b", "j"]), "Esc j");
        assert_eq!(words(&["\x1b\x1b"]), "Esc Esc");
        assert_eq!(words(&["\x1b\x1b[A"]), "Esc Up");
        assert_eq!(words(&["\x1b[", "A"]), "Up", "a sequence that comes in two parts");
        assert_eq!(words(&["\x1b[1;", "5", "C"]), "Ctrl-Right");
    }

    #[test]
    fn what_is_no_sequence_hides_nothing_that_follows() {
        // An answer to a question that nobody asked, an unknown sequence, a letter in another encoding.
        for junk in [&b"\x1b[?1;2c"[..], b"\x1b[1;2y", b"\x1b[9999999999~", b"\xe9", b"\xff\xfe", b"\xe9\x1b[A"] {
            assert_eq!(inputs([junk, b"j"]).last(), Some(&Input::Key(Key::char('j'))), "{junk:?}");
        }
    }

    #[test]
    fn a_paste_of_any_size_is_held_in_little_room() {
        let (mut decoder, mut inputs) = (Decoder::default(), VecDeque::new());
        decoder.take(b"\x1b[200~", false, &mut inputs);
        let mut most = 0;
        for _ in 0..2000 {
            decoder.take("\u{e9}".repeat(2048).as_bytes(), false, &mut inputs);
            most = most.max(decoder.held.capacity());
        }
        decoder.take(b"\x1b[201~j", false, &mut inputs);
        let [Heard::Input(Input::Paste(text)), Heard::Input(Input::Key(key))] = inputs.make_contiguous() else {
            panic!("{inputs:?}")
        };
        assert!(text.starts_with('é') && text.len() > PASTE_LIMIT - 16 && text.len() <= PASTE_LIMIT, "{}", text.len());
        assert_eq!(*key, Key::char('j'));
        assert!(most < 8 * PASTE_LIMIT, "{most} bytes for a paste of 8 MB");
    }

    /// What a terminal answers to everything that is asked.
    const ANSWERS: &str =
        "\x1b[?997;2n\x1b]11;rgb:ffff/fbfb/f0f0\x1b\\\x1b[?2026;2$y\x1b[?2027;0$y\x1b[?2031;2$y\x1b[?0u\x1b[?62;52;c";

    #[test]
    fn answers_come_in_pieces_between_keys_and_none_of_their_bytes_is_one() {
        let key = |c| Heard::Input(Input::Key(Key::char(c)));
        for at in 0..=ANSWERS.len() {
            let (left, right) = ANSWERS.split_at(at);
            let (all, keys) = heard([&b"j"[..], left.as_bytes(), right.as_bytes(), &b"k"[..]], true);
            assert_eq!(keys, [Input::Key(Key::char('j')), Input::Key(Key::char('k'))], "cut at {at}");
            let answers = all.iter().filter(|heard| matches!(heard, Heard::Answer(_))).count();
            assert_eq!((answers, all.last()), (7, Some(&key('k'))), "cut at {at}");
        }
        let bytes: Vec<[u8; 1]> = ANSWERS.bytes().map(|byte| [byte]).collect();
        assert_eq!(heard(bytes.iter().map(|byte| &byte[..]), true).1, []);
        // Late ones are none either, cut anywhere but behind an Esc.
        let (all, keys) = heard([&b"j"[..], &ANSWERS.as_bytes()[..20], &ANSWERS.as_bytes()[20..]], false);
        assert_eq!((all.contains(&Heard::Answer(Answer::Attributes)), all.len(), keys.len()), (true, 8, 1));
    }

    #[test]
    fn keys_that_an_answer_could_begin_with_are_kept_while_answers_are_awaited() {
        let words = |reads: &[&str]| {
            let inputs = heard(reads.iter().map(|read| read.as_bytes()), true).1;
            let word = |input: &Input| match input {
                Input::Key(key) => key.to_string(),
                other => format!("{other:?}"),
            };
            inputs.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        for (reads, expected) in [
            (&["\x1b"][..], "Esc"),
            (&["\x1b", "j"], "Esc j"),
            (&["\x1b", "\x1b", "j"], "Esc Esc j"),
            (&["\x1bj"], "Alt-j"),
            (&["\x1b", "[A"], "Up"),
            (&["\x1b]"], "Alt-]"),
            (&["\x1b]", "j"], "Alt-] j"),
            (&["\x1b]11j"], "Alt-] 1 1 j"),
            (&["\x1b]é"], "Alt-] é"),
            // What is cut short takes no key with it.
            (&["\x1b[?2026", "q"], "q"),
            (&["\x1b]11;rgb:12", "\r"], "Enter"),
            (&["\x1b[?2026;2$y\x1b", "q"], "Esc q"),
        ] {
            assert_eq!(words(reads), expected, "{reads:?}");
        }
    }

    #[test]
    fn keys_with_codes_of_their_own_mean_the_same() {
        for (reads, expected) in [
            (&["\x1b[27u"][..], "Esc"),
            (&["\x1b[99;5u\x1b[112;5u"], "Ctrl-C Ctrl-P"),
            (&["\x1b[120;3u"], "Alt-x"),
            (&["\x1b[57414u\x1b[57420u\x1b[57419u"], "Enter Down Up"),
            (&["\x1b[57421u\x1b[57423u"], "PgUp Home"),
            (&["\r\t\x7f\x1b[A"], "Enter Tab Backspace Up"),
        ] {
            assert_eq!(words(reads), expected, "{reads:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_and_a_paste_comes_back_whole(bytes: Vec<u8>, text in "[a-zé€ \\n]{0,40}") {
            let _ = inputs([&bytes[..]]);
            let pasted = format!("\x1b[200~{text}\x1b[201~");
            for at in (0..=pasted.len()).filter(|at| *at != 1) {
                let (left, right) = pasted.as_bytes().split_at(at);
                prop_assert_eq!(inputs([left, right]), vec![Input::Paste(text.clone())]);
            }
        }
    }
}
