//! Lines that a person types on a terminal that hands over each key, where one key can be answered without Enter.
//!
//! In: bytes. Out: what shows them, and lines. What a terminal otherwise does itself (it shows a line, and takes its last
//! character back) is done here; one that showed nothing before, such as a shell within an editor, is shown nothing.

use rustix::termios::{self, InputModes, LocalModes, OptionalActions, OutputModes, Termios};
use std::io;

/// Lets the terminal of standard input take lines again, show them, and turn its keys into signals. Does nothing where there
/// is none.
pub fn take_lines() {
    let input = io::stdin();
    let Ok(mut modes) = termios::tcgetattr(&input) else { return };
    modes.local_modes |=
        LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ISIG | LocalModes::IEXTEN;
    modes.input_modes |= InputModes::ICRNL | InputModes::IXON | InputModes::BRKINT;
    modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    // A terminal that is gone needs no repair.
    let _ = termios::tcsetattr(&input, OptionalActions::Now, &modes);
}

/// A line as it is typed.
#[derive(Debug, Default)]
pub struct Typed {
    line: Vec<u8>,
    /// Within an escape sequence, which no key of a line is.
    escape: bool,
}

/// What a byte came to.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Shown in answer to it.
    Show(Vec<u8>),
    Line(String),
    /// The end of what is typed.
    End,
}

impl Typed {
    /// What a byte comes to.
    pub fn take(&mut self, byte: u8) -> Step {
        if self.escape {
            // Sequences end with a letter or `~`; `[` and `O` begin them.
            self.escape = !(byte.is_ascii_alphabetic() && byte != b'O' || byte == b'~');
            return Step::Show(Vec::new());
        }
        match byte {
            b'\n' | b'\r' => Step::Line(self.end()),
            // Ctrl-D.
            0x04 if self.line.is_empty() => Step::End,
            0x08 | 0x7f => Step::Show(self.back(1)),
            // Ctrl-U.
            0x15 => Step::Show(self.back(usize::MAX)),
            0x1b => {
                self.escape = true;
                Step::Show(Vec::new())
            }
            byte if byte < b' ' => Step::Show(Vec::new()),
            byte => {
                self.line.push(byte);
                Step::Show(vec![byte])
            }
        }
    }

    /// What was typed since the last line.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Takes the line, though nobody has ended it.
    pub fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned()
    }

    /// Takes so many characters back; what takes them off the terminal.
    fn back(&mut self, most: usize) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.line).into_owned();
        let kept = text.chars().count().saturating_sub(most);
        let taken = text.chars().count() - kept;
        self.line = text.chars().take(kept).collect::<String>().into_bytes();
        b"\x08 \x08".repeat(taken)
    }
}

/// The terminal at standard input hands over each byte while this lives.
#[derive(Debug)]
#[must_use = "the terminal is as before when this is dropped"]
pub struct Bytewise {
    before: Termios,
}

impl Bytewise {
    /// Changes the modes of the terminal. Interrupts stay signals.
    ///
    /// # Errors
    /// Standard input is not a terminal.
    pub fn new() -> io::Result<Bytewise> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut modes = before.clone();
        modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
        Ok(Bytewise { before })
    }

    /// Whether the terminal shows what is typed.
    pub fn shows(&self) -> bool {
        self.before.local_modes.contains(LocalModes::ECHO)
    }
}

impl Drop for Bytewise {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Step) {
        let mut typed = Typed::default();
        let last = bytes.iter().map(|byte| typed.take(*byte)).last();
        assert_eq!(last, Some(expected), "{typed:?}");
    }

    #[test]
    fn a_line_is_what_was_not_taken_back() {
        let line = |text: &str| Step::Line(text.to_owned());
        check(b"list\n", line("list"));
        check(b"lost\x7f\x7f\x7fist\r", line("list"));
        check("gpü\x7f\n".as_bytes(), line("gp"));
        check(b"open\x15list\n", line("list"));
        check(b"li\x1b[D\x1bOA\x1b[3~st\n", line("list"));
        check(b"\x7f\n", line(""));
        check(b"x\x04\n", line("x"));
        check(b"\x04", Step::End);
        check("ü\x7f".as_bytes(), Step::Show(b"\x08 \x08".to_vec()));
    }
}
