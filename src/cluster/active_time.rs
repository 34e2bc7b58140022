//! Time that counts only while this process runs.
//!
//! A process that was stopped (SIGSTOP, Ctrl-Z), starved, or put to sleep with its laptop must not blame the server for the
//! time that it was away. Waits here are counted in slices: however late a slice is noticed, it counts as one slice, and a
//! slice that was much too long counts as none. After a pause there is therefore always at least one slice left, in which
//! what arrived meanwhile is read before anything is given up.

use crate::validate::event::Moment;
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};

/// Between two looks at the clock.
const SLICE: Duration = Duration::from_millis(500);
/// A slice that took this much longer was no slice: the process did not run.
const TOLERANCE: Duration = Duration::from_millis(1500);

/// The limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

/// Sleeps for an active time.
pub async fn sleep(limit: Duration) {
    let mut left = limit;
    while !left.is_zero() {
        let slice = left.min(SLICE);
        let began = Instant::now();
        tokio::time::sleep(slice).await;
        if began.elapsed() < slice + TOLERANCE {
            left -= slice;
        }
    }
}

/// The output of a future, unless it takes longer than an active time.
///
/// # Errors
/// The limit passed first; the future is dropped.
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = sleep(limit) => Err(Elapsed),
    }
}

/// The clock of a run: what time it is, and how much of it this process was there for.
#[derive(Clone, Debug)]
pub struct RunClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began_ms: u64,
    began: Instant,
    /// Time that the machine slept since it was booted; it is missing in the monotonic clock.
    slept: fn() -> Duration,
    beats: Mutex<Beats>,
    pauses: watch::Sender<Pauses>,
}

#[derive(Debug)]
struct Beats {
    last: Instant,
    slept_before: Duration,
    slept_last: Duration,
    paused: Duration,
}

/// How often and for how long a run was paused so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    pub count: u64,
    pub total: Duration,
}

impl RunClock {
    /// A clock that begins now. Made within a runtime, it notices pauses as long as it exists.
    pub fn start() -> RunClock {
        RunClock::with_sleep(slept)
    }

    fn with_sleep(slept: fn() -> Duration) -> RunClock {
        let began_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
        let (began, slept_now) = (Instant::now(), slept());
        let beats = Beats { last: began, slept_before: slept_now, slept_last: slept_now, paused: Duration::ZERO };
        let (pauses, _) = watch::channel(Pauses::default());
        let shared = Arc::new(Shared { began_ms, began, slept, beats: Mutex::new(beats), pauses });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(beat(Arc::downgrade(&shared)));
        }
        RunClock(shared)
    }

    /// This moment: the system's time when the run began, and what has passed since, whatever is done to the system's clock.
    pub fn now(&self) -> Moment {
        let Shared { began_ms, began, slept, beats, pauses } = &*self.0;
        let mut beats = beats.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, slept) = (Instant::now(), slept());
        let gap = now.saturating_duration_since(beats.last);
        let asleep = slept.saturating_sub(beats.slept_last);
        // A gap counts as one slice; time asleep was never in the monotonic clock.
        let stopped = if gap > SLICE + TOLERANCE { gap - SLICE } else { Duration::ZERO };
        let missed = stopped + if asleep > TOLERANCE { asleep } else { Duration::ZERO };
        (beats.last, beats.slept_last) = (now, slept);
        beats.paused += stopped;
        let elapsed = now.saturating_duration_since(*began);
        let moment = Moment {
            observed_at_ms: began_ms + milliseconds(elapsed + slept.saturating_sub(beats.slept_before)),
            active_ms: milliseconds(elapsed.saturating_sub(beats.paused)),
        };
        drop(beats);
        if !missed.is_zero() {
            pauses.send_modify(|pauses| {
                pauses.count += 1;
                pauses.total += missed;
            });
        }
        moment
    }

    /// The pauses noticed so far, and each further one.
    pub fn pauses(&self) -> watch::Receiver<Pauses> {
        self.0.pauses.subscribe()
    }
}

/// Looks at the clock often enough to tell a pause from a wait, as long as somebody has it.
async fn beat(clock: Weak<Shared>) {
    let mut beats = tokio::time::interval(SLICE);
    beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        beats.tick().await;
        match clock.upgrade() {
            Some(shared) => RunClock(shared).now(),
            None => return,
        };
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How long the machine has been asleep since it was booted.
#[cfg(target_os = "linux")]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let read = |clock| {
        let time = clock_gettime(clock);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    // The monotonic clock second: the other way around, the time between the two readings would look like sleep.
    let since_boot = read(ClockId::Boottime);
    since_boot.saturating_sub(read(ClockId::Monotonic))
}

/// Elsewhere sleep looks like time in which the process did not run, or like none at all.
#[cfg(not(target_os = "linux"))]
fn slept() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[tokio::test(start_paused = true)]
    async fn an_active_limit_is_reached_on_time() {
        let began = Instant::now();
        let never = std::future::pending::<()>();
        assert_eq!(timeout(Duration::from_millis(2750), never).await, Err(Elapsed));
        assert_eq!(began.elapsed(), Duration::from_millis(2750));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_does_not_use_up_a_limit() {
        let (sender, answer) = tokio::sync::oneshot::channel();
        let waiting = tokio::spawn(timeout(Duration::from_secs(30), answer));
        tokio::time::sleep(Duration::from_secs(29)).await;
        // The process stops for an hour; the answer arrives meanwhile and is read a moment after the limit has passed.
        tokio::time::advance(Duration::from_secs(3600)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        sender.send("answer").expect("somebody still waits");
        assert_eq!(waiting.await.expect("no panic"), Ok(Ok("answer")));
    }

    #[tokio::test(start_paused = true)]
    async fn the_run_clock_tells_active_time_from_time() {
        let clock = RunClock::with_sleep(|| Duration::ZERO);
        let pauses = clock.pauses();
        let start = clock.now();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!((clock.now().active_ms, pauses.borrow().count), (10_000, 0), "no pause");
        tokio::time::advance(Duration::from_secs(60)).await;
        let after = clock.now();
        assert_eq!(after.observed_at_ms - start.observed_at_ms, 70_000, "the time is what it is");
        assert_eq!(after.active_ms, 10_500, "of the pause, one slice counts");
        assert_eq!(*pauses.borrow(), Pauses { count: 1, total: Duration::from_millis(59_500) });
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_of_the_machine_is_a_pause_that_the_monotonic_clock_does_not_have() {
        static SLEPT: AtomicU64 = AtomicU64::new(7);
        let clock = RunClock::with_sleep(|| Duration::from_secs(SLEPT.load(Ordering::Relaxed)));
        let start = clock.now();
        SLEPT.store(3607, Ordering::Relaxed);
        let after = clock.now();
        assert_eq!(after.observed_at_ms - start.observed_at_ms, 3_600_000);
        assert_eq!(after.active_ms, start.active_ms);
        assert_eq!(*clock.pauses().borrow(), Pauses { count: 1, total: Duration::from_secs(3600) });
    }
}
