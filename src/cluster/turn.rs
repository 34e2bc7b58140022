//! Long work in short turns: between its pieces, whoever waits for the processor gets it.
//!
//! Linux lets a thread that has just begun go on for some time, whatever is woken meanwhile and of whatever priority, and
//! looks again at its next tick: 4 ms where it ticks 250 times a second. That long would a key wait behind the nodes that are
//! being read, or the program that shows what was drawn.

use std::time::Duration;
use tokio::time::Instant;

/// Shorter than a person or a terminal notices; long enough that giving way costs nothing beside it.
const LENGTH: Duration = Duration::from_micros(500);

/// The turn of whoever works.
#[derive(Debug)]
pub struct Turn {
    begun: Instant,
}

impl Default for Turn {
    fn default() -> Turn {
        Turn { begun: Instant::now() }
    }
}

impl Turn {
    /// Called after each piece: lets others go first when the turn has been long enough.
    pub fn piece_done(&mut self) {
        if self.begun.elapsed() >= LENGTH {
            std::thread::yield_now();
            *self = Turn::default();
        }
    }
}
