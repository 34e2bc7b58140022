//! How long to wait before the next attempt: doubling, with jitter, up to a cap.

use std::time::Duration;

/// The waits between attempts at one thing.
#[derive(Clone, Debug)]
pub struct Backoff {
    shortest: Duration,
    longest: Duration,
    /// Attempts that failed since the last success.
    attempt: u32,
}

impl Backoff {
    pub fn new(shortest: Duration, longest: Duration) -> Backoff {
        Backoff { shortest, longest, attempt: 0 }
    }

    /// Attempts that failed since the last success.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// An attempt failed: how long to wait before the next.
    #[must_use = "the next attempt has to wait that long"]
    pub fn failed(&mut self) -> Duration {
        self.attempt = self.attempt.saturating_add(1);
        self.wait(chance())
    }

    /// An attempt succeeded; the next failure begins with the shortest wait.
    pub fn succeeded(&mut self) {
        self.attempt = 0;
    }

    /// Up to a fifth more or less than doubled, so that many clients do not come back at the same moment.
    fn wait(&self, chance: u32) -> Duration {
        let doubled = self.shortest.saturating_mul(2_u32.saturating_pow(self.attempt.saturating_sub(1).min(16)));
        let share = 0.8 + 0.4 * (f64::from(chance) / f64::from(u32::MAX));
        doubled.min(self.longest).mul_f64(share).clamp(self.shortest, self.longest)
    }
}

/// Without randomness, the middle.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_with_jitter_up_to_the_cap_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let mut waits = |chance: u32| -> Vec<f64> {
            backoff.succeeded();
            (0..7)
                .map(|_| {
                    let _ = backoff.failed();
                    backoff.wait(chance).as_secs_f64()
                })
                .collect()
        };
        let rounded = |waits: Vec<f64>| waits.into_iter().map(|wait| (wait * 10.0).round() / 10.0).collect::<Vec<_>>();
        assert_eq!(rounded(waits(u32::MAX / 2)), [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(rounded(waits(0)), [1.0, 1.6, 3.2, 6.4, 12.8, 24.0, 24.0]);
        assert_eq!(rounded(waits(u32::MAX)), [1.2, 2.4, 4.8, 9.6, 19.2, 30.0, 30.0]);
    }
}
