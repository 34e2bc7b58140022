//! When to draw and when to tick.
//!
//! One interval ticks for as long as the workbench runs; what happens meanwhile does not begin it again. Frames that follow
//! from keys are drawn at once, frames that follow from results at most every 33 ms; over a slow link, every 200 ms.

use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Between two ticks of the clock, while it ticks.
const TICK: Duration = Duration::from_millis(500);
/// Between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);

/// The same over a slow link.
const SLOW_FRAME: Duration = Duration::from_millis(200);
/// A terminal that takes longer to take a frame is behind a slow link.
const SLOW: Duration = Duration::from_millis(50);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Frame,
    Tick,
}

pub(super) struct Pace {
    ticks: Interval,
    last_frame: Instant,
    /// A key asked for the next frame.
    urgent: bool,
    /// What a person says of the link; `None` leaves it to what is measured.
    stated: Option<bool>,
    /// The last frame took long to be taken.
    is_slow: bool,
}

impl Pace {
    pub(super) fn new() -> Pace {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Pace { ticks, last_frame: Instant::now(), urgent: false, stated: None, is_slow: false }
    }

    /// `on`, `off`, or `auto` for what is measured.
    pub(super) fn prefer(&mut self, slow: &str) {
        self.stated = match slow {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
    }

    /// How long the terminal has taken to take a frame.
    pub(super) fn took(&mut self, time: Duration) {
        self.is_slow = time > SLOW;
    }

    /// The next frame does not wait.
    pub(super) fn hurry(&mut self) {
        self.urgent = true;
    }

    /// A key asked for the next frame.
    pub(super) fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self) {
        (self.last_frame, self.urgent) = (Instant::now(), false);
    }

    /// The next frame, where something changed, or the next tick, where time is shown.
    pub(super) async fn next(&mut self, changed: bool, ticking: bool) -> Due {
        let frame = self.last_frame + if self.stated.unwrap_or(self.is_slow) { SLOW_FRAME } else { FRAME };
        // Not by a timer that is due now: that one rings with the next millisecond, and on another thread.
        if changed && (self.urgent || Instant::now() >= frame) {
            return Due::Frame;
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(frame), if changed => Due::Frame,
            _ = self.ticks.tick(), if ticking => Due::Tick,
            else => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    /// What is due in two seconds in which a result arrives every so many milliseconds.
    async fn with_results_every(milliseconds: u64) -> (usize, usize) {
        let mut pace = Pace::new();
        let mut results = tokio::time::interval(Duration::from_millis(milliseconds));
        let end = Instant::now() + Duration::from_millis(1990);
        let (mut frames, mut ticks, mut changed) = (0, 0, false);
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(end) => return (frames, ticks),
                _ = results.tick() => changed = true,
                due = pace.next(changed, true) => match due {
                    Due::Tick => ticks += 1,
                    Due::Frame => {
                        frames += 1;
                        changed = false;
                        pace.drawn();
                    }
                },
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn results_neither_stop_the_clock_nor_get_a_frame_each() {
        let (frames, ticks) = with_results_every(250).await;
        assert_eq!((frames, ticks), (8, 4), "a live view every 250 ms");
        let (frames, ticks) = with_results_every(1).await;
        assert_eq!(ticks, 4, "a flood of output");
        assert!((55..=61).contains(&frames), "{frames} frames in two seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_link_gets_five_frames_a_second_and_keys_do_not_wait_there_either() {
        let mut pace = Pace::new();
        let mut check = async |change: &dyn Fn(&mut Pace), expected: Duration| {
            change(&mut pace);
            pace.drawn();
            let began = Instant::now();
            assert_eq!(pace.next(true, false).await, Due::Frame);
            // A timer rings with the next millisecond.
            assert!(began.elapsed().abs_diff(expected) <= Duration::from_millis(1), "{:?}", began.elapsed());
        };
        check(&|pace| pace.took(Duration::from_millis(20)), FRAME).await;
        check(&|pace| pace.took(Duration::from_millis(60)), SLOW_FRAME).await;
        check(&|pace| pace.prefer("off"), FRAME).await;
        check(&|pace| pace.prefer("on"), SLOW_FRAME).await;
        check(&|pace| pace.prefer("auto"), SLOW_FRAME).await;
        check(&|pace| pace.took(Duration::from_millis(1)), FRAME).await;
        pace.prefer("on");
        pace.drawn();
        pace.hurry();
        assert_eq!(pace.next(true, false).now_or_never(), Some(Due::Frame));
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_after_a_key_does_not_wait() {
        let mut pace = Pace::new();
        pace.drawn();
        let began = Instant::now();
        assert_eq!(pace.next(true, false).now_or_never(), None, "one that no key asked for");
        pace.hurry();
        assert_eq!(pace.next(true, false).now_or_never(), Some(Due::Frame), "without waiting for a timer");
        assert_eq!(began.elapsed(), Duration::ZERO);
        tokio::time::advance(FRAME).await;
        pace.drawn();
        tokio::time::advance(FRAME).await;
        assert_eq!(pace.next(true, false).now_or_never(), Some(Due::Frame), "as late as one more was due");
    }
}
