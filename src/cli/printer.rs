//! Standard output, standard error and color.
//!
//! Data goes to standard output and nothing else does. What is shown on a terminal is escaped; what goes to a file or a
//! pipe is left as it is, because the next program wants the bytes. Color only repeats what a word says already.

use super::Stop;
use crate::{
    ops::Failure,
    report::{escape, words::Tone},
    term::color::{self, Level, When},
};
use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Instant,
};

/// What a word is, for its color.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Good,
    Bad,
    Warning,
    Quiet,
    Heading,
}

impl Role {
    fn code(self) -> &'static str {
        match self {
            Role::Good => "32",
            Role::Bad => "1;31",
            Role::Warning => "33",
            Role::Quiet => "2",
            Role::Heading => "1",
        }
    }
}

impl From<Tone> for Role {
    fn from(tone: Tone) -> Role {
        match tone {
            Tone::Good => Role::Good,
            Tone::Bad => Role::Bad,
            Tone::Open => Role::Warning,
            Tone::Quiet => Role::Quiet,
        }
    }
}

/// Which of the two outputs a colored word is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// Where words go.
#[derive(Clone, Debug)]
pub struct Printer {
    out_is_terminal: bool,
    out_color: bool,
    err_color: bool,
    debug: Option<Instant>,
}

impl Printer {
    pub fn new(color: When, debug: bool) -> Printer {
        let colored = |is_terminal| color::level(color, is_terminal, |name| std::env::var(name).ok()) > Level::None;
        let out_is_terminal = io::stdout().is_terminal();
        Printer {
            out_is_terminal,
            out_color: colored(out_is_terminal),
            err_color: colored(io::stderr().is_terminal()),
            debug: debug.then(Instant::now),
        }
    }

    /// A document, to standard output, byte for byte; escaped where a terminal would read it.
    ///
    /// # Errors
    /// The reader went away, or the write failed.
    pub fn data(&self, text: &str) -> Result<(), Stop> {
        let shown = if self.out_is_terminal { escape::block(text) } else { Cow::Borrowed(text) };
        self.emit(shown.as_bytes())
    }

    /// As [`Printer::data`], with a text that is made while it is written.
    ///
    /// # Errors
    /// As [`Printer::data`].
    pub fn stream(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Stop> {
        if self.out_is_terminal {
            let mut bytes = Vec::new();
            write(&mut bytes).map_err(Stop::output)?;
            return self.data(&String::from_utf8_lossy(&bytes));
        }
        let mut out = io::stdout().lock();
        write(&mut out).and_then(|()| out.flush()).map_err(Stop::output)
    }

    /// Text that this program laid out, with colors from [`Printer::paint`]; its foreign parts are escaped already.
    ///
    /// # Errors
    /// As [`Printer::data`].
    pub fn page(&self, text: &str) -> Result<(), Stop> {
        self.emit(text.as_bytes())
    }

    fn emit(&self, bytes: &[u8]) -> Result<(), Stop> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Stop::output)
    }

    /// Whether standard output is read by a person.
    pub fn is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// A word for standard output in the color of its role.
    pub fn paint(&self, role: Role, text: &str) -> String {
        self.paint_for(Stream::Out, role, text)
    }

    /// The same for standard error.
    pub fn paint_note(&self, role: Role, text: &str) -> String {
        self.paint_for(Stream::Err, role, text)
    }

    /// The same for either.
    pub fn paint_for(&self, stream: Stream, role: Role, text: &str) -> String {
        let color = if stream == Stream::Out { self.out_color } else { self.err_color };
        if color { format!("\u{1b}[{}m{text}\u{1b}[0m", role.code()) } else { text.to_owned() }
    }

    /// Whether what goes to standard error has color.
    pub fn colors_notes(&self) -> bool {
        self.err_color
    }

    /// One line of progress on standard error.
    pub fn note(&self, text: impl Display) {
        complain(&text.to_string());
    }

    /// Something that a person should know, though the work went on.
    pub fn warn(&self, text: impl Display) {
        let text = text.to_string();
        complain(&format!("{} {}", self.paint_note(Role::Warning, "warning:"), escape::block(&text)));
    }

    /// What was done and when, with `--debug`.
    pub fn debug(&self, text: impl FnOnce() -> String) {
        if let Some(start) = self.debug {
            let millis = start.elapsed().as_secs_f64() * 1e3;
            complain(&format!("{} {millis:8.2} ms  {}", self.paint_note(Role::Quiet, "debug:"), escape::line(&text())));
        }
    }

    /// Why there is no result: what, where, because of what (the whole chain), hint; one line each.
    pub fn failure(&self, failure: &Failure) {
        let Failure { kind: _, doing, at, because: _, hint, cause: _ } = failure;
        let mut text = format!("{} failed to {}", self.paint_note(Role::Bad, "error:"), escape::line(doing));
        if let Some(at) = at {
            text += &format!("\n  at {}", escape::line(at));
        }
        text += &format!("\n  because: {}", escape::line(&failure.reasons().join(": ")));
        if let Some(hint) = hint {
            text += &format!("\n{} {}", self.paint_note(Role::Good, "hint:"), escape::line(hint));
        }
        complain(&text);
    }
}

/// Standard error may be closed; there is then nobody left to tell.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
