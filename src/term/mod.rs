//! The edge to the terminal: enter and leave, one write per frame, the decision about color, keys.
//!
//! In: what crossterm reports. Out: [`input::Input`] and whole frames. Leaving is idempotent and happens on every way
//! out: the guard's drop, a panic (`cli::crash`), signals (the workbench's driver) and before a foreign program gets the
//! terminal.

pub mod answers;
pub mod background;
pub mod clipboard;
pub mod color;
pub mod damage;
pub mod input;
pub mod key;
pub mod keyboard;
#[cfg(unix)]
pub mod lines;
pub mod link;
pub mod probe;
pub mod reader;
pub mod screen;
pub mod wire;

use crossterm::{cursor, event, execute, terminal};
use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread::{self, ThreadId},
    time::Duration,
};
use wire::Wire;

/// Whether the terminal is in our modes. Static, because the panic hook has nothing else to ask.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// The extras that are on. Static for the same reason.
static EXTRAS: AtomicU8 = AtomicU8::new(0);
/// How long the way out waits for a terminal that takes no bytes.
const LEAVING: Duration = Duration::from_secs(1);
/// The thread that draws; a panic elsewhere must not tear the screen down under it.
static DRAWS: Mutex<Option<ThreadId>> = Mutex::new(None);

/// What only some terminals can do: on where it was reported, and off again whenever we leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Frames are shown whole (synchronized output).
    Frames,
    /// A character is as wide as we count it, whatever it is made of.
    Clusters,
    /// The terminal reports when it becomes dark or light.
    Schemes,
    /// Esc and chords with Ctrl and Alt have codes of their own. Nothing else of that protocol is asked for.
    Keyboard,
}

impl Extra {
    pub const ALL: [Extra; 4] = [Extra::Frames, Extra::Clusters, Extra::Schemes, Extra::Keyboard];

    /// The number of the private mode, where it is one.
    pub fn mode(self) -> Option<u16> {
        match self {
            Extra::Frames => Some(2026),
            Extra::Clusters => Some(2027),
            Extra::Schemes => Some(2031),
            Extra::Keyboard => None,
        }
    }

    /// As it is written down.
    pub fn word(self) -> &'static str {
        match self {
            Extra::Frames => "synchronized-output",
            Extra::Clusters => "grapheme-clusters",
            Extra::Schemes => "color-scheme",
            Extra::Keyboard => "keyboard",
        }
    }

    /// Frames are put into it one by one.
    fn on(self) -> &'static [u8] {
        match self {
            Extra::Frames => b"",
            Extra::Clusters => b"\x1b[?2027h",
            Extra::Schemes => b"\x1b[?2031h",
            Extra::Keyboard => b"\x1b[>1u",
        }
    }

    fn off(self) -> &'static [u8] {
        match self {
            Extra::Frames => b"\x1b[?2026l",
            Extra::Clusters => b"\x1b[?2027l",
            Extra::Schemes => b"\x1b[?2031l",
            Extra::Keyboard => b"\x1b[<u",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What turns an extra on; nothing where it is on already or the terminal is not ours.
pub fn turn_on(extra: Extra) -> &'static [u8] {
    if !ENTERED.load(Ordering::SeqCst) || EXTRAS.fetch_or(extra.bit(), Ordering::SeqCst) & extra.bit() != 0 {
        return b"";
    }
    extra.on()
}

/// What turns these off, the last one first.
fn turning_off(extras: u8) -> Vec<u8> {
    let on = Extra::ALL.into_iter().rev().filter(|extra| extras & extra.bit() != 0);
    on.flat_map(Extra::off).copied().collect()
}

/// Our terminal modes; they end when this is dropped.
#[derive(Debug)]
#[must_use = "the terminal is left when the guard is dropped"]
pub struct Guard(());

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// Enters raw mode, the alternate screen, bracketed paste, focus reports and, if asked, mouse reports.
///
/// Everything written from now on goes through the [`Wire`]; `written` is called on its thread after each write.
///
/// # Errors
/// Standard output is not a terminal, or the system gives no thread.
pub fn enter(mouse: bool, written: impl Fn() + Send + 'static) -> io::Result<(Guard, Wire)> {
    let wire = Wire::to_stdout(written)?;
    *DRAWS.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
    resume(mouse)?;
    let guard = Guard(());
    panic_on_request();
    Ok((guard, wire))
}

/// Enters our modes again after [`leave`], as on the way back from a suspension or an editor.
///
/// # Errors
/// The terminal is gone.
pub fn resume(mouse: bool) -> io::Result<()> {
    // Color is decided by `color::level`; the library would read NO_COLOR on its own and drop bold colors silently.
    crossterm::style::force_color_output(true);
    terminal::enable_raw_mode()?;
    ENTERED.store(true, Ordering::SeqCst);
    let mut bytes = Vec::new();
    execute!(
        bytes,
        terminal::EnterAlternateScreen,
        event::EnableBracketedPaste,
        event::EnableFocusChange,
        cursor::Hide
    )?;
    if mouse {
        bytes.extend_from_slice(mouse_sequence(true));
    }
    wire::send(bytes)
}

/// What turns reports of the mouse on and off: buttons, moves with a button and the wheel, in SGR form.
pub fn mouse_sequence(on: bool) -> &'static [u8] {
    if on { b"\x1b[?1000h\x1b[?1002h\x1b[?1006h" } else { b"\x1b[?1006l\x1b[?1002l\x1b[?1000l" }
}

/// Gives the terminal back as it was. Does nothing when we are not in it, so every path may call it.
///
/// A terminal that takes no bytes gets its modes back and keeps our screen: waiting for it would keep the process.
pub fn leave() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let extras = EXTRAS.swap(0, Ordering::SeqCst);
    wire::finish(leaving(extras), LEAVING);
    let _ = terminal::disable_raw_mode();
}

/// What ends every mode that we use, and these extras. They come first: some of them are of the screen that is left.
fn leaving(extras: u8) -> Vec<u8> {
    let mut bytes = [&turning_off(extras)[..], mouse_sequence(false), b"\x1b[0m"].concat();
    // Errors are of no use here: the terminal may be gone, and there is nobody to tell.
    let _ = execute!(
        bytes,
        event::DisableFocusChange,
        event::DisableBracketedPaste,
        terminal::LeaveAlternateScreen,
        cursor::Show
    );
    bytes
}

/// Repairs a terminal that a killed program has left in our modes: they end, and the terminal takes lines and shows them again.
///
/// # Errors
/// Standard output takes no bytes.
pub fn reset() -> io::Result<()> {
    let mut out = io::stdout().lock();
    // Which ones were on is not known; where none is asked for, none was.
    let is_asked = probe::asks(|name| std::env::var(name).ok()) > probe::Asks::Nothing;
    io::Write::write_all(&mut out, &leaving(if is_asked { u8::MAX } else { 0 }))?;
    io::Write::flush(&mut out)?;
    #[cfg(unix)]
    lines::take_lines();
    Ok(())
}

/// Ends what [`leave`] keeps, for a process that is about to end and does not enter the terminal again.
///
/// Who started us takes a closed terminal for the end of the process. So as few threads as possible are left that the
/// system has to end between the two.
pub fn end() {
    wire::end();
}

/// Gives the terminal back before the message of a panic on this thread. False when another thread draws: a message would
/// tear its screen, and the screen is still in use.
pub fn leave_for_message() -> bool {
    let draws = *DRAWS.lock().unwrap_or_else(PoisonError::into_inner);
    if draws == Some(thread::current().id()) || !ENTERED.load(Ordering::SeqCst) {
        leave();
        return true;
    }
    false
}

/// Panics where a test asks for it with `AICR_TEST_PANIC`; nothing in a released program.
fn panic_on_request() {
    #[cfg(debug_assertions)]
    if std::env::var_os("AICR_TEST_PANIC").is_some_and(|place| place == "terminal") {
        panic!("a test asked for this panic");
    }
}

/// Lets other threads go before the one that calls this, where both are ready and the system knows such a thing.
pub fn yield_to_others() {
    set_niceness(5);
}

/// As [`yield_to_others`], and before those that yield to others.
pub fn yield_to_all() {
    set_niceness(19);
}

/// Does something on a thread that yields to all others; not at all where the system has no thread to give.
pub fn in_background(work: impl FnOnce() + Send + 'static) {
    let run = move || {
        yield_to_all();
        work();
    };
    let _ = std::thread::Builder::new().name("aicr-background".to_owned()).spawn(run);
}

fn set_niceness(value: i32) {
    // On Linux only, where it is about one thread; elsewhere it would be about the process. Refused, all stays as it is.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, value);
    #[cfg(not(target_os = "linux"))]
    let _ = value;
}

/// What a suspension came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspended {
    /// We were stopped and are back.
    Resumed,
    /// There is no shell to go back to.
    NoShell,
}

/// Leaves the terminal, stops our process group until somebody continues it, and enters again.
///
/// # Errors
/// The terminal is gone after the stop.
pub fn suspend(mouse: bool) -> io::Result<Suspended> {
    #[cfg(unix)]
    {
        use rustix::process;
        if process::getsid(None).ok() == Some(process::getpid()) {
            return Ok(Suspended::NoShell);
        }
        leave();
        stop()?;
        resume(mouse)?;
        Ok(Suspended::Resumed)
    }
    #[cfg(not(unix))]
    {
        let _ = mouse;
        Ok(Suspended::NoShell)
    }
}

/// Stops our process group until somebody continues it; the terminal is not ours at that time.
///
/// # Errors
/// The system refuses.
pub fn stop() -> io::Result<()> {
    // SIGSTOP, not SIGTSTP: the handler for an outer SIGTSTP is ours and would swallow it.
    #[cfg(unix)]
    rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
    Ok(())
}

/// The escape sequence that puts text on the terminal's clipboard (OSC 52), wrapped for tmux where we are inside one.
///
/// `None` above 74,994 encoded bytes, which terminals cut.
pub fn clipboard_sequence(text: &str, in_tmux: bool) -> Option<Vec<u8>> {
    let encoded = base64(text.as_bytes());
    if encoded.len() > 74_994 {
        return None;
    }
    let sequence = format!("\x1b]52;c;{encoded}\x07");
    let wrapped = if in_tmux { format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")) } else { sequence };
    Some(wrapped.into_bytes())
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { digit as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_text_is_encoded_as_rfc_4648_says() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn too_much_for_a_clipboard_is_refused_and_tmux_gets_its_wrapper() {
        assert_eq!(clipboard_sequence(&"x".repeat(60_000), false), None);
        let wrapped = clipboard_sequence("hi", true).unwrap();
        assert!(wrapped.starts_with(b"\x1bPtmux;\x1b\x1b]52;c;aGk="));
    }

    #[test]
    fn extras_end_with_the_last_one_first_and_only_those_that_are_on() {
        assert_eq!(turning_off(0), b"");
        let some = Extra::Schemes.bit() | Extra::Keyboard.bit();
        assert_eq!(turning_off(some), b"\x1b[<u\x1b[?2031l");
        assert_eq!(turning_off(u8::MAX), b"\x1b[<u\x1b[?2031l\x1b[?2027l\x1b[?2026l");
        assert_eq!(turn_on(Extra::Schemes), b"", "the terminal is not ours");
    }

    #[test]
    fn leaving_without_entering_does_nothing() {
        leave();
        leave();
        assert!(!ENTERED.load(Ordering::SeqCst));
    }
}
