//! How long a program takes for a key, and who had the processors in that time.
//!
//! In: a program on a screen and one that only repeats each key, in turns. Out: for each key the time from its press to the
//! bytes that show the cursor elsewhere, with what the system counted meanwhile. Nothing is left out of the times: what was
//! waited for is told apart when they are shown.

use super::{
    process::{self, Times},
    screen::{Looks, Screen},
};
use std::time::{Duration, Instant};

/// Between two keys to the same program, half of it before the one to the program that repeats it: a person who looks at
/// each line.
const KEYS_APART: Duration = Duration::from_millis(150);
/// So many of the slowest are named.
const NAMED: usize = 8;

/// One key of the program.
struct Key {
    /// Since the first one of these.
    at: Duration,
    /// From the press to the bytes.
    time: Duration,
    /// `None` where the system counts no threads.
    counted: Option<Counted>,
}

/// What the system counted from just before a press to just after its bytes were read.
#[derive(Clone, Copy)]
struct Counted {
    /// The thread of the program that takes keys and draws.
    program: Times,
    /// The reader of its screen, which is part of this bench.
    reader: Times,
    /// Time of all processors that the host of this machine gave to others.
    stolen: Duration,
}

impl Counted {
    fn now(screen: &Screen) -> Option<Counted> {
        let program = process::times(&process::first_thread(screen.pid()))?;
        Some(Counted { program, reader: screen.reader()?, stolen: process::stolen()? })
    }

    fn since(self, before: Counted) -> Counted {
        let times = |after: Times, before: Times| Times {
            ran: after.ran.saturating_sub(before.ran),
            waited: after.waited.saturating_sub(before.waited),
        };
        Counted {
            program: times(self.program, before.program),
            reader: times(self.reader, before.reader),
            stolen: self.stolen.saturating_sub(before.stolen),
        }
    }
}

/// The keys of one measurement.
#[derive(Default)]
pub struct Keys {
    keys: Vec<Key>,
    /// Milliseconds that a program took that only repeats them, a moment after each.
    repeated: Vec<f64>,
}

impl Keys {
    /// Presses so many keys and reports the slowest.
    pub fn press(
        count: usize,
        screen: &mut Screen,
        looks: Looks,
        repeater: &mut Screen,
        repeater_looks: Looks,
        what: &str,
    ) -> Result<Keys, String> {
        let (mut measured, begun) = (Keys::default(), Instant::now());
        for key in ["j", "k"].iter().cycle().take(count) {
            let (at, before) = (begun.elapsed(), Counted::now(screen));
            let time = screen.answer(key, looks)?;
            let counted = Counted::now(screen).zip(before).map(|(after, before)| after.since(before));
            measured.keys.push(Key { at, time, counted });
            screen.rest(KEYS_APART / 2);
            measured.repeated.push(milliseconds(repeater.answer(key, repeater_looks)?));
            screen.rest(KEYS_APART / 2);
        }
        measured.report(what);
        Ok(measured)
    }

    fn report(&self, what: &str) {
        let mut slowest: Vec<&Key> = self.keys.iter().collect();
        slowest.sort_by_key(|key| std::cmp::Reverse(key.time));
        eprintln!("slowest keys {what}, of {}:", self.keys.len());
        for key in slowest.into_iter().take(NAMED) {
            let counted = match key.counted {
                None => "nothing is counted here".to_owned(),
                Some(Counted { program, reader, stolen }) => format!(
                    "the program ran {:.1} and waited {:.1}, the reader waited {:.1}, the host took {:.0}",
                    milliseconds(program.ran),
                    milliseconds(program.waited),
                    milliseconds(reader.waited),
                    milliseconds(stolen)
                ),
            };
            eprintln!("  {:.1} ms at {:.1} s: {counted}", milliseconds(key.time), key.at.as_secs_f64());
        }
        let mut repeated = self.repeated.clone();
        repeated.sort_by(|a, b| b.total_cmp(a));
        let repeated: Vec<String> = repeated.iter().take(NAMED).map(|time| format!("{time:.1}")).collect();
        eprintln!("  repeated, the slowest: {} ms", repeated.join(", "));
    }

    /// Milliseconds of all keys.
    pub fn times(&self) -> Vec<f64> {
        self.keys.iter().map(|key| milliseconds(key.time)).collect()
    }

    /// Without the time in which the program or the reader was ready and others had the processors, and without the keys
    /// amid which the host took one away. Empty where the system counts neither.
    ///
    /// What the kernel itself waits for when it moves bytes through a terminal is still in it.
    /// A little too short now and then: what was waited for between the bytes and the look at the counts is taken off too.
    pub fn undisturbed(&self) -> Vec<f64> {
        let counted = self.keys.iter().filter_map(|key| key.counted.map(|counted| (key.time, counted)));
        counted
            .filter(|(_, counted)| counted.stolen.is_zero())
            .map(|(time, counted)| milliseconds(time.saturating_sub(counted.program.waited + counted.reader.waited)))
            .collect()
    }

    /// Of how many keys it is known who had the processors, and amid how many of them the host took one away.
    pub fn stolen(&self) -> Option<(usize, usize)> {
        let counted: Vec<Counted> = self.keys.iter().filter_map(|key| key.counted).collect();
        let stolen = counted.iter().filter(|counted| !counted.stolen.is_zero()).count();
        (!counted.is_empty()).then_some((stolen, counted.len()))
    }

    /// Milliseconds of the program that repeats them.
    pub fn repeated(&self) -> &[f64] {
        &self.repeated
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
