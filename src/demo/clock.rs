//! Time and chance of a demo cluster: both are the same for the same seed.
//!
//! Time is that of the runtime, so that a paused runtime has a paused cluster. Chance is only what names and identifiers
//! are made of, and how long a step takes; it never decides what happens.

use jiff::Timestamp;
use std::{hash::Hasher, time::Duration};

/// Wall-clock time that advances with the runtime's.
pub struct Clock {
    base: Timestamp,
    start: tokio::time::Instant,
}

impl Clock {
    pub fn new(base: Timestamp) -> Clock {
        Clock { base, start: tokio::time::Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        self.base.saturating_add(self.start.elapsed()).unwrap_or(self.base)
    }

    /// As `metadata` and most of `status` have it: `2026-06-12T10:41:07Z`.
    pub fn seconds(&self) -> String {
        seconds(self.now())
    }

    /// As `eventTime` has it, with six digits.
    pub fn micros(&self) -> String {
        format!("{:.6}", self.now())
    }
}

pub fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A stream of identifiers.
pub struct Ids(u64);

impl Ids {
    pub fn new(seed: u64) -> Ids {
        Ids(seed)
    }

    /// SplitMix64: one addition and a mix; good enough for names, and the same everywhere.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A UUID of version 4.
    pub fn uid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// Five characters after a `generateName`, from the alphabet of the API server: no vowels, no bad words.
    pub fn suffix(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        let mut bits = self.next();
        let mut text = String::with_capacity(5);
        for _ in 0..5 {
            text.push(char::from(LETTERS[(bits % LETTERS.len() as u64) as usize]));
            bits /= LETTERS.len() as u64;
        }
        text
    }

    /// Hexadecimal digits after the name of an Event.
    pub fn hex(&mut self) -> String {
        format!("{:016x}", self.next())
    }
}

/// A number that depends on the seed and on these texts alone, so that it does not matter who asks first.
pub fn chance(seed: u64, of: &[&str]) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325 ^ mix(seed));
    for text in of {
        hash.write(text.as_bytes());
        hash.write(&[0]);
    }
    mix(hash.finish())
}

/// A duration between two bounds, in milliseconds, by [`chance`].
pub fn between(seed: u64, low: u64, high: u64, of: &[&str]) -> Duration {
    Duration::from_millis(low + chance(seed, of) % (high - low).max(1))
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a: the standard hasher of maps is allowed to differ between releases.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_repeat_with_their_seed() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        let uid = one.uid();
        assert_eq!(uid, two.uid());
        assert_ne!(uid, one.uid());
        assert_eq!((uid.len(), &uid[14..15]), (36, "4"));
        assert_eq!(one.suffix().len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn time_is_that_of_the_runtime() {
        let clock = Clock::new(Timestamp::UNIX_EPOCH);
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(clock.seconds(), "1970-01-01T00:00:01Z");
        assert_eq!(clock.micros(), "1970-01-01T00:00:01.500000Z");
    }

    #[test]
    fn a_step_takes_the_same_time_for_the_same_object() {
        assert_eq!(between(1, 10, 20, &["pull", "x"]), between(1, 10, 20, &["pull", "x"]));
        assert!((10..20).contains(&(between(3, 10, 20, &["y"]).as_millis() as u64)));
    }
}
