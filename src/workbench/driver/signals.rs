//! Signals that end, stop or resize the workbench.

use std::io;
#[cfg(unix)]
use std::task::Poll;

/// A signal, as far as the workbench acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::workbench) enum Signal {
    Interrupt,
    Terminate,
    Hangup,
    /// SIGTSTP from outside.
    Stop,
    /// After a stop, the reader of keys reports a new size only with the next key.
    Size,
}

impl Signal {
    /// All that a screen acts on.
    pub(super) const ALL: [Signal; 5] =
        [Signal::Interrupt, Signal::Terminate, Signal::Hangup, Signal::Stop, Signal::Size];

    #[cfg(unix)]
    fn kind(self) -> tokio::signal::unix::SignalKind {
        use tokio::signal::unix::SignalKind;
        match self {
            Signal::Interrupt => SignalKind::interrupt(),
            Signal::Terminate => SignalKind::terminate(),
            Signal::Hangup => SignalKind::hangup(),
            Signal::Stop => SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()),
            Signal::Size => SignalKind::window_change(),
        }
    }
}

#[cfg(unix)]
pub(in crate::workbench) struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    /// Takes these from now on; all others do what the system does with them.
    pub(in crate::workbench) fn new(wanted: &[Signal]) -> io::Result<Signals> {
        let listen = |signal: &Signal| Ok((*signal, tokio::signal::unix::signal(signal.kind())?));
        wanted.iter().map(listen).collect::<io::Result<_>>().map(Signals)
    }

    /// The next one; of several, the one that stands first among those that were wanted.
    pub(in crate::workbench) async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            let ready =
                self.0.iter_mut().find_map(|(name, signal)| signal.poll_recv(context).is_ready().then_some(*name));
            ready.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

#[cfg(not(unix))]
pub(in crate::workbench) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(in crate::workbench) fn new(_: &[Signal]) -> io::Result<Signals> {
        Ok(Signals)
    }

    pub(in crate::workbench) async fn next(&mut self) -> Signal {
        std::future::pending().await
    }
}
