//! Bytes on their way to the terminal, written by a thread of their own.
//!
//! A terminal may stop taking bytes: output stopped from its own side, a connection that stalls, a multiplexer that is
//! suspended. Only the writing thread waits for it then. Who draws asks [`Wire::is_idle`] first, so at most one frame is on
//! its way, and the frame after a stop is the newest one and not a backlog.

use std::{
    fs::File,
    io::{self, Write},
    sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// What is on its way to the process's terminal. Static, because leaving it on a panic has nothing else to ask.
static PENDING: Pending =
    Pending { state: Mutex::new(State { writer: None, writes: 0, failed: None }), written: Condvar::new() };

struct Pending {
    state: Mutex<State>,
    written: Condvar,
}

struct State {
    /// To the writing thread, once there is one.
    writer: Option<mpsc::Sender<Vec<u8>>>,
    /// Handed over and not written yet.
    writes: usize,
    /// The first failure; nothing is written after it.
    failed: Option<io::ErrorKind>,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands bytes to the writing thread, without waiting for it.
    fn hand_over(&self, bytes: Vec<u8>) -> io::Result<()> {
        let mut state = self.state();
        if let Some(kind) = state.failed {
            return Err(kind.into());
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
        thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            for bytes in queue {
                PENDING.done(out.write_all(&bytes).and_then(|()| out.flush()));
                written();
            }
        })?;
        PENDING.state().writer = Some(writer);
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

#[cfg(windows)]
fn stdout() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}
