//! For verbs that talk to a cluster: one runtime, one connection, the time.
//!
//! Verbs that need no cluster never come here, so that they start without threads, sockets and timers.

use super::global::Global;
use crate::{
    catalog::parse,
    cluster::{Connection, PluginOutput},
    ops::{Failure, Kind, session::Session},
};
use std::{cell::OnceCell, fmt, rc::Rc, time::Duration};
use tokio::runtime::Runtime;

/// What a command has of its cluster: one runtime and one session, each made when it is first needed.
#[derive(Clone, Default)]
pub struct Cluster {
    runtime: Rc<OnceCell<Runtime>>,
    session: Rc<OnceCell<Session>>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// Runs `work` to its end on this thread. What it leaves behind, connections above all, is there for the next call.
///
/// # Errors
/// What `work` says; the system refuses timers or sockets.
pub fn block_on<T, E: From<Failure>>(global: &Global, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = match global.cluster.runtime.get() {
        Some(runtime) => runtime,
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| Failure::from_error(Kind::Internal, "start the runtime", error))?;
            global.cluster.runtime.get_or_init(|| runtime)
        }
    };
    runtime.block_on(work)
}

/// `work`, or a failure when it takes longer than a person wants to wait.
///
/// # Errors
/// What `work` says; `Timeout`.
pub async fn within<T, E: From<Failure>>(
    limit: Option<Duration>,
    (doing, at): (&str, &str),
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(limit) = limit else { return work.await };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let because = format!("not finished within {} s", limit.as_secs_f64());
        let hint = "is the cluster slow, or is a VPN or a tunnel down? Allow more with --timeout";
        Err(Failure::new(Kind::Timeout, doing, because).at(at).hint(hint).into())
    })
}

/// A duration as typed: `90s`, `5m`, `1h30m`, or bare seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = parse::duration_seconds(text.trim()).or_else(|| text.trim().parse().ok());
    let duration =
        seconds.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "write a duration as 90s, 5m or 1h30m".to_owned())
}

/// The session with the cluster that the options of every verb name; the same one each time.
///
/// # Errors
/// Options that contradict each other.
pub fn session(global: &Global) -> Result<&Session, Failure> {
    if let Some(session) = global.cluster.session.get() {
        return Ok(session);
    }
    let target = global.target()?.with_plugin_output(PluginOutput::Terminal);
    Ok(global.cluster.session.get_or_init(|| Session::new(target).reading_only(global.read_only_by().is_some())))
}

/// The connection of that session.
///
/// # Errors
/// As [`session`] and [`Session::connection`].
pub async fn connect(global: &Global) -> Result<Connection, Failure> {
    session(global)?.connection().await
}

/// SIGINT, SIGTERM and SIGHUP, from the moment this exists.
pub struct Interrupts {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl Interrupts {
    /// # Errors
    /// The system refuses to tell us of signals.
    #[cfg(unix)]
    pub fn new() -> Result<Interrupts, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).map_err(|error| Failure::from_error(Kind::Internal, "listen for signals", error));
        let kinds = (SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup());
        Ok(Interrupts { signals: [listen(kinds.0)?, listen(kinds.1)?, listen(kinds.2)?] })
    }

    #[cfg(not(unix))]
    pub fn new() -> Result<Interrupts, Failure> {
        Ok(Interrupts {})
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate, hangup] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until whoever reads standard output has gone away (`aicr diff --live @ --watch | head -1`), which a program that
/// has nothing to write would not notice; for ever where nobody goes, as of a file.
pub async fn reader_gone() {
    let (sender, gone) = tokio::sync::oneshot::channel();
    // A thread of its own, which the end of the program ends.
    std::thread::spawn(move || {
        if crate::term::reader::wait_until_gone() {
            // Nobody waits any more where this fails.
            let _ = sender.send(());
        }
    });
    if gone.await.is_ok() {
        return;
    }
    std::future::pending::<()>().await;
}

/// This moment in RFC 3339, UTC, whole seconds.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        for bad in ["", "0", "-1s", "soon", "1e300s", "NaN", "inf"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_a_timeout() {
        let never = std::future::pending::<Result<(), Failure>>();
        let failure = within(Some(Duration::from_secs(5)), ("read the cluster", "test"), never).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Timeout);
    }
}
