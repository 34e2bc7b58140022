//! What is before each line of a log: when it was written, or how long after something else.

use super::panes::log_clock;

/// Which time that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// The time of day in UTC.
    #[default]
    Time,
    Date,
    /// Since the phase of the check began.
    Relative,
    /// Since the line before it.
    Delta,
    Off,
}

impl Times {
    const ALL: [Times; 5] = [Times::Time, Times::Date, Times::Relative, Times::Delta, Times::Off];
    /// Its names, in the order of [`Times::next`].
    pub const WORDS: &[&str] = &["time", "date", "relative", "delta", "off"];

    /// The one of a name; the time of day where there is none.
    pub fn named(name: &str) -> Times {
        let named = Times::ALL.into_iter().find(|times| times.word() == name);
        named.unwrap_or_default()
    }

    pub fn word(self) -> &'static str {
        Times::WORDS[self as usize]
    }

    pub fn next(self) -> Times {
        Times::ALL[(self as usize + 1) % Times::ALL.len()]
    }

    /// Columns that the longest one takes.
    pub fn columns(self) -> u16 {
        match self {
            Times::Time => 12,
            Times::Relative => 13,
            Times::Date => 23,
            Times::Delta => 10,
            Times::Off => 0,
        }
    }

    /// What is said of a line: of its own time, of when its phase began and of when the line before it was written.
    pub fn of(self, at_ms: u64, phase_ms: u64, before_ms: Option<u64>) -> String {
        match self {
            Times::Time => log_clock(at_ms),
            Times::Date => {
                let at = jiff::Timestamp::from_millisecond(i64::try_from(at_ms).unwrap_or(0)).unwrap_or_default();
                format!("{} {}", at.strftime("%Y-%m-%d"), log_clock(at_ms))
            }
            Times::Relative => format!("{:>13}", span(at_ms, phase_ms)),
            Times::Delta => format!("{:>10}", before_ms.map_or_else(String::new, |before| span(at_ms, before))),
            Times::Off => String::new(),
        }
    }
}

/// `+12.345`, `+1:02.345`, `-0.120`.
fn span(at_ms: u64, from_ms: u64) -> String {
    let (sign, ms) = if at_ms < from_ms { ('-', from_ms - at_ms) } else { ('+', at_ms - from_ms) };
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let ms = ms % 1000;
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}.{ms:03}"),
        (0, minutes) => format!("{sign}{minutes}:{seconds:02}.{ms:03}"),
        (hours, minutes) => format!("{sign}{hours}:{minutes:02}:{seconds:02}.{ms:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_says_what_it_is_of_and_fits_its_columns() {
        let check = |times: Times, at, phase, before, expected: &str| {
            let said = times.of(at, phase, before);
            assert_eq!(said.trim_start(), expected, "{}", times.word());
            assert!(said.len() <= usize::from(times.columns()), "{said}");
        };
        let at = 1_768_382_001_234;
        check(Times::Time, at, 0, None, "09:13:21.234");
        check(Times::Date, at, 0, None, "2026-01-14 09:13:21.234");
        check(Times::Relative, at, at - 62_345, None, "+1:02.345");
        check(Times::Relative, at, at - 3_600_000 * 11 - 5, None, "+11:00:00.005");
        check(Times::Relative, at, at + 120, None, "-0.120");
        check(Times::Delta, at, 0, Some(at - 13), "+0.013");
        check(Times::Delta, at, 0, None, "");
        check(Times::Off, at, 0, Some(at), "");
    }

    #[test]
    fn the_next_one_comes_round_and_names_are_read_back() {
        let mut times = Times::default();
        for word in Times::WORDS {
            assert_eq!((times.word(), Times::named(word)), (*word, times));
            times = times.next();
        }
        assert_eq!(times, Times::default());
    }
}
