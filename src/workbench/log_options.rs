//! Which lines of a log are shown: from when on, how much they matter, what wrote them, and how many lines around each.
//!
//! Kept apart from the run, so that another moment of a replay, or the next run, is looked at in the same way.

use super::{keymap::Action, times::Times, widgets::text};
use crate::{catalog::parse::duration_seconds, report::level::LogLevel};
use std::collections::BTreeSet;

/// Most lines around a line that is meant.
pub const MOST_AROUND: usize = 50;

/// What of a log is written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The lines that the panel shows.
    Seen,
    /// Those that filter and options mean, of all lines.
    Meant,
    /// Every line.
    All,
}

/// Nothing is left out.
pub static ALL: LogOptions = LogOptions { since_ms: None, level: None, sources: BTreeSet::new(), around: 0 };

/// What is left of a log; by default, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Lines that arrived then or later, in milliseconds since the epoch.
    pub since_ms: Option<u64>,
    /// Lines of this level and of those that matter more.
    pub level: Option<LogLevel>,
    /// What wrote them, as the column of sources has it; empty for all.
    pub sources: BTreeSet<String>,
    /// Lines around each that the filter, the level or the sources mean.
    pub around: usize,
}

impl LogOptions {
    /// Single lines are left out, not only those before a time.
    pub fn selects(&self) -> bool {
        self.level.is_some() || !self.sources.is_empty()
    }

    /// What a title says of them; empty where all lines are shown.
    pub fn words(&self) -> Vec<String> {
        let since = self.since_ms.map(|at_ms| format!("since {}", moment(at_ms)));
        let level = self.level.map(|level| format!("level {}", word(level)));
        let sources = match self.sources.len() {
            0 => None,
            1 => self.sources.first().map(|source| format!("of {source}")),
            many => Some(format!("of {many} sources")),
        };
        since.into_iter().chain(level).chain(sources).collect()
    }
}

/// A level as a person types it.
pub fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

/// All of them, those that matter least first.
pub const LEVELS: [LogLevel; 4] = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];

/// The level of a word.
pub fn level(name: &str) -> Option<LogLevel> {
    LEVELS.into_iter().find(|level| word(*level) == name)
}

/// Time of day in UTC, to the second.
pub fn moment(at_ms: u64) -> String {
    super::model::clock(at_ms)
}

/// When lines begin: so long before the newest one (`5m`), at a time of its day (`09:12`, `09:12:30`; of the day before where that
/// is later), or at a time with its date (`2026-01-14T09:12:00Z`).
pub fn since(typed: &str, newest_ms: u64) -> Option<u64> {
    if let Some(seconds) = duration_seconds(typed) {
        // A log is not older than its run: more than all of it is all of it.
        return Some(newest_ms.saturating_sub((seconds * 1000.0) as u64));
    }
    if let Ok(at) = typed.parse::<jiff::Timestamp>() {
        return u64::try_from(at.as_millisecond()).ok();
    }
    let parts: Vec<u64> = typed.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes] => (hours, minutes, 0),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    const DAY: u64 = 86_400_000;
    let at_ms = newest_ms - newest_ms % DAY + ((hours * 60 + minutes) * 60 + seconds) * 1000;
    Some(if at_ms > newest_ms { at_ms.saturating_sub(DAY) } else { at_ms })
}

/// One thing that can be chosen of a log, for the list of them.
pub struct Offer {
    pub name: &'static str,
    pub now: String,
    pub choices: String,
    pub does: Does,
}

/// What choosing it does.
pub enum Does {
    Act(Action),
    /// The command is gone on with.
    Take(&'static str),
    Run(&'static str),
}

/// All that can be chosen, with what it is now; `sources` are those of the shown log.
pub fn offers(options: &LogOptions, log: &str, times: Times, sources: &[String]) -> Vec<Offer> {
    let all = || "all".to_owned();
    let offer = |name, now, choices: String, does| Offer { name, now, choices, does };
    let chosen = match options.sources.is_empty() {
        true => all(),
        false => options.sources.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    let levels = LEVELS.map(word).join(", ");
    vec![
        offer(
            "lines of",
            log.to_owned(),
            "one check, a phase, the marked checks, the run".to_owned(),
            Does::Act(Action::Merge),
        ),
        offer(
            "since",
            options.since_ms.map_or_else(all, moment),
            "5m before the newest line, 09:12, a full date".to_owned(),
            Does::Take("since "),
        ),
        offer("level", options.level.map_or_else(all, |level| word(level).to_owned()), levels, Does::Take("level ")),
        offer("sources", chosen, sources.join(", "), Does::Take("sources ")),
        offer(
            "around",
            text::count(options.around, "line"),
            "0 to 50 lines of context around each match".to_owned(),
            Does::Take("around "),
        ),
        offer("times", times.word().to_owned(), Times::WORDS.join(", "), Does::Act(Action::Timestamps)),
        offer(
            "previous",
            "-".to_owned(),
            "the output of containers from before a restart".to_owned(),
            Does::Run("previous"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_begin_with_is_a_duration_or_a_moment() {
        // 2026-01-14 09:12:31 UTC.
        let newest = 1_768_381_951_000;
        let check = |typed: &str, expected: Option<&str>| {
            assert_eq!(since(typed, newest).map(moment).as_deref(), expected, "{typed}");
        };
        check("5m", Some("09:07:31"));
        check("1h30m", Some("07:42:31"));
        check("09:12", Some("09:12:00"));
        check("09:12:30", Some("09:12:30"));
        check("2026-01-14T09:10:05Z", Some("09:10:05"));
        check("24:00", None);
        check("9", None);
        check("yesterday", None);
        check("", None);
        assert_eq!(since("23:00", newest), Some(newest - 36_751_000), "of the day before");
        assert_eq!(since("9999999h", newest), Some(0), "all of it");
    }

    #[test]
    fn a_title_names_what_is_left_out() {
        let sources = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(LogOptions::default().words(), [""; 0]);
        let options =
            LogOptions { since_ms: Some(1_768_381_951_000), level: Some(LogLevel::Warn), ..Default::default() };
        assert_eq!(options.words(), ["since 09:12:31", "level warn"]);
        let options = LogOptions { sources: sources(&["worker-0"]), ..Default::default() };
        assert_eq!(options.words(), ["of worker-0"]);
        let options = LogOptions { sources: sources(&["worker-0", "worker-1"]), around: 3, ..Default::default() };
        assert_eq!(options.words(), ["of 2 sources"]);
    }
}
