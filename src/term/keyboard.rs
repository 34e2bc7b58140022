//! The bytes that a terminal sends, read by whoever waits for them.
//!
//! In: what the terminal has sent. Out: [`Input`], in order. Nothing here waits: [`open`] gives a file that an event loop
//! watches. crossterm reads on a thread of its own; on a busy machine each thread that has to be woken between a key and
//! its frame is milliseconds late.

use super::input::{self, Input, PASTE_LIMIT};
use std::{collections::VecDeque, fs::File};
use terminput::Event;

const ESC: u8 = 0x1b;
/// The end of a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Bytes to inputs. What a sequence still lacks is waited for; what is no sequence is left out.
#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
}

impl Decoder {
    /// Takes what was read at once: an Esc at its end is the key, an Esc before its end begins a sequence.
    pub fn take(&mut self, bytes: &[u8], inputs: &mut VecDeque<Input>) {
        for (at, byte) in bytes.iter().enumerate() {
            if byte.is_ascii() && self.held.first().is_some_and(|first| *first != ESC) {
                // A letter in another encoding takes no key with it.
                self.held.clear();
            }
            self.held.push(*byte);
            if self.held == [ESC, ESC] {
                // The first one began nothing.
                self.held.pop();
                inputs.extend(input::from_event(Event::Key(terminput::KeyCode::Esc.into())));
            }
            if self.held == [ESC] && at + 1 < bytes.len() {
                continue;
            }
            match Event::parse_from(&self.held) {
                Ok(None) => self.forget_what_is_too_long(),
                Ok(Some(event)) => {
                    self.held.clear();
                    inputs.extend(input::from_event(event));
                }
                Err(_) => self.held.clear(),
            }
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
    use crate::term::key::Key;
    use proptest::prelude::*;

    fn inputs<'b>(reads: impl IntoIterator<Item = &'b [u8]>) -> Vec<Input> {
        let (mut decoder, mut inputs) = (Decoder::default(), VecDeque::new());
        for bytes in reads {
            decoder.take(bytes, &mut inputs);
        }
        inputs.into()
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
        decoder.take(b"\x1b[200~", &mut inputs);
        let mut most = 0;
        for _ in 0..2000 {
            decoder.take("\u{e9}".repeat(2048).as_bytes(), &mut inputs);
            most = most.max(decoder.held.capacity());
        }
        decoder.take(b"\x1b[201~j", &mut inputs);
        let [Input::Paste(text), Input::Key(key)] = inputs.make_contiguous() else { panic!("{inputs:?}") };
        assert!(text.starts_with('é') && text.len() > PASTE_LIMIT - 16 && text.len() <= PASTE_LIMIT, "{}", text.len());
        assert_eq!(*key, Key::char('j'));
        assert!(most < 8 * PASTE_LIMIT, "{most} bytes for a paste of 8 MB");
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
