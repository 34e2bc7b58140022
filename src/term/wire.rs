//! Bytes on their way to the terminal: written at once where it takes them, else by a thread of their own.
//!
//! A terminal may stop taking bytes: output stopped from its own side, a connection that stalls, a multiplexer that is
//! suspended. Only the writing thread waits for it then; while it takes them, no thread has to be woken for a frame. Who draws asks [`Wire::is_idle`] first, so at most one frame is on
//! its way, and the frame after a stop is the newest one and not a backlog.

use std::{
    fs::File,
    io::{self, Write},
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// What is on its way to the process's terminal. Static, because leaving it on a panic has nothing else to ask.
static PENDING: Pending = Pending {
    state: Mutex::new(State { writer: None, thread: None, quick: None, writes: 0, failed: None }),
    written: Condvar::new(),
};

struct Pending {
    state: Mutex<State>,
    written: Condvar,
}

struct State {
    /// To the writing thread, once there is one.
    writer: Option<mpsc::Sender<Vec<u8>>>,
    thread: Option<thread::JoinHandle<()>>,
    /// The terminal by a handle that never waits, where the system gives one.
    quick: Option<File>,
    /// Handed over and not written yet.
    writes: usize,
    /// The first failure; nothing is written after it.
    failed: Option<io::ErrorKind>,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the terminal takes at once, and hands the rest to the writing thread, without waiting for it.
    fn hand_over(&self, mut bytes: Vec<u8>) -> io::Result<()> {
        let mut state = self.state();
        if let Some(kind) = state.failed {
            return Err(kind.into());
        }
        // Behind what is on its way already, everything waits its turn.
        if state.writes == 0
            && let Some(quick) = &mut state.quick
        {
            let taken = write_some(quick, &bytes)?;
            if taken == bytes.len() {
                return Ok(());
            }
            bytes.drain(..taken);
        }
        let writer = state.writer.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        writer.send(bytes).map_err(|_| io::ErrorKind::BrokenPipe)?;
        state.writes += 1;
        Ok(())
    }

    fn done(&self, outcome: io::Result<()>) {
        let mut state = self.state();
        state.writes -= 1;
        state.failed = state.failed.or(outcome.err().map(|error| error.kind()));
        self.written.notify_all();
    }
}

/// Writes until all is written or the terminal would have to be waited for: how many bytes it took.
fn write_some(out: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match out.write(&bytes[taken..]) {
            Ok(0) => break,
            Ok(count) => taken += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

/// Hands bytes over behind everything that is on its way.
///
/// # Errors
/// An earlier write failed, or there is no way yet.
pub(super) fn send(bytes: Vec<u8>) -> io::Result<()> {
    PENDING.hand_over(bytes)
}

/// Writes the last bytes behind everything that is on its way, and waits for them no longer than the limit.
pub(super) fn finish(bytes: Vec<u8>, limit: Duration) {
    let end = Instant::now() + limit;
    if PENDING.hand_over(bytes).is_err() {
        return;
    }
    let mut state = PENDING.state();
    while state.writes > 0 {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        state = PENDING.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Ends the writing thread and closes its handles, unless the terminal still holds it up.
pub(super) fn end() {
    let mut state = PENDING.state();
    (state.writer, state.quick) = (None, None);
    let thread = state.thread.take().filter(|_| state.writes == 0);
    drop(state);
    if let Some(thread) = thread {
        // A panic of it was reported when it happened.
        let _ = thread.join();
    }
}

/// Collects bytes and hands them over at each flush.
#[derive(Debug)]
pub struct Wire {
    collected: Vec<u8>,
}

impl Wire {
    /// A way to standard output; `written` is called on the writing thread after each write.
    ///
    /// # Errors
    /// The system gives no second handle or no thread.
    pub fn to_stdout(written: impl Fn() + Send + 'static) -> io::Result<Wire> {
        let mut out = stdout()?;
        let (writer, queue) = mpsc::channel::<Vec<u8>>();
        let thread = thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            for bytes in queue {
                PENDING.done(out.write_all(&bytes).and_then(|()| out.flush()));
                written();
            }
        })?;
        let mut state = PENDING.state();
        (state.writer, state.thread, state.quick) = (Some(writer), Some(thread), quick());
        drop(state);
        Ok(Wire { collected: Vec::new() })
    }

    /// Everything that was handed over is written.
    pub fn is_idle(&self) -> bool {
        PENDING.state().writes == 0
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.collected.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Hands over what was collected, without waiting for it.
    ///
    /// # Errors
    /// An earlier write failed.
    fn flush(&mut self) -> io::Result<()> {
        PENDING.hand_over(std::mem::take(&mut self.collected))
    }
}

/// A handle without the lock of `io::stdout`: a write that waits for ever must not keep it from the way out.
#[cfg(unix)]
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// The terminal opened again, because not to wait is a property of what is open, which others have open too.
#[cfg(unix)]
fn quick() -> Option<File> {
    use rustix::fs::OFlags;
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::OpenOptionsExt};
    let name = rustix::termios::ttyname(io::stdout(), Vec::new()).ok()?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    File::options().write(true).custom_flags(flags.cast_signed()).open(OsStr::from_bytes(name.as_bytes())).ok()
}

#[cfg(not(unix))]
fn quick() -> Option<File> {
    None
}

#[cfg(windows)]
fn stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes three bytes at a time, so many times, then would have to be waited for.
    struct Slow {
        takes: usize,
        taken: Vec<u8>,
        end: io::ErrorKind,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.takes == 0 {
                return Err(self.end.into());
            }
            self.takes -= 1;
            let count = bytes.len().min(3);
            self.taken.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_the_terminal_takes_at_once_is_written_and_the_rest_is_left() {
        let mut out = Slow { takes: 2, taken: Vec::new(), end: io::ErrorKind::WouldBlock };
        assert_eq!(write_some(&mut out, b"eight by").unwrap(), 6);
        assert_eq!(out.taken, b"eight ");
        out.takes = 9;
        assert_eq!(write_some(&mut out, b"by").unwrap(), 2);
        let mut gone = Slow { takes: 0, taken: Vec::new(), end: io::ErrorKind::BrokenPipe };
        assert_eq!(write_some(&mut gone, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
