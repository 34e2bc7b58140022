//! Signals that end, stop or resize the workbench.

use std::io;

/// A signal, as far as the workbench acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
    Hangup,
    /// SIGTSTP from outside.
    Stop,
    /// After a stop, the reader of keys reports a new size only with the next key.
    Size,
}

#[cfg(unix)]
pub(super) struct Signals([(Signal, tokio::signal::unix::Signal); 5]);

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        Ok(Signals([
            (Signal::Interrupt, signal(SignalKind::interrupt())?),
            (Signal::Terminate, signal(SignalKind::terminate())?),
            (Signal::Hangup, signal(SignalKind::hangup())?),
            (Signal::Stop, signal(stop)?),
            (Signal::Size, signal(SignalKind::window_change())?),
        ]))
    }

    pub(super) async fn next(&mut self) -> Signal {
        let [a, b, c, d, e] = &mut self.0;
        tokio::select! {
            _ = a.1.recv() => a.0,
            _ = b.1.recv() => b.0,
            _ = c.1.recv() => c.0,
            _ = d.1.recv() => d.0,
            _ = e.1.recv() => e.0,
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Signals> {
        Ok(Signals)
    }

    pub(super) async fn next(&mut self) -> Signal {
        std::future::pending().await
    }
}
