//! The one table of words for verdicts: report, live lines, panes and help all say them.
//!
//! In: a status, an outcome or a verdict. Out: its [`Word`], with what it means and how it is to be taken; colors and signs
//! are chosen where it is shown. Machine formats (CTRF, events) have names of their own.

use crate::{
    catalog::validator::Phase,
    validate::event::{CheckResult, PhaseStatus, ReadinessOutcome, Status, Verdict, Why},
};
use std::fmt;

/// What was decided about a check, a phase, a readiness constraint or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Pass,
    Fail,
    NotReady,
    NoVerdict,
    Unknown,
    Warning,
    Skipped,
    Canceled,
}

/// How a word is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Bad,
    /// Neither: somebody has to look.
    Open,
    /// Nothing was decided, and nobody has to look: there was nothing to measure, or a person wanted no more.
    Quiet,
}

impl Word {
    /// In the order in which they are counted and explained.
    pub const ALL: [Word; 8] = [
        Word::Pass,
        Word::Fail,
        Word::NotReady,
        Word::NoVerdict,
        Word::Unknown,
        Word::Warning,
        Word::Skipped,
        Word::Canceled,
    ];

    pub const fn text(self) -> &'static str {
        match self {
            Word::Pass => "pass",
            Word::Fail => "fail",
            Word::NotReady => "not ready",
            Word::NoVerdict => "no verdict",
            Word::Unknown => "unknown",
            Word::Warning => "warning",
            Word::Skipped => "skipped",
            Word::Canceled => "canceled",
        }
    }

    /// One sentence for help.
    pub const fn meaning(self) -> &'static str {
        match self {
            Word::Pass => "measured, and as it should be",
            Word::Fail => "measured, and not as it should be",
            Word::NotReady => "a readiness constraint does not hold, so no Job was created",
            Word::NoVerdict => "the check ended without a result: crash, time limit, eviction, missing image",
            Word::Unknown => "the cluster does not reveal what a constraint asks about",
            Word::Warning => "a constraint of severity warning does not hold; the run goes on",
            Word::Skipped => "nothing to measure",
            Word::Canceled => "stopped by the user before there was a result",
        }
    }

    pub const fn tone(self) -> Tone {
        match self {
            Word::Pass => Tone::Good,
            Word::Fail | Word::NotReady => Tone::Bad,
            Word::NoVerdict | Word::Unknown | Word::Warning => Tone::Open,
            Word::Skipped | Word::Canceled => Tone::Quiet,
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl From<Status> for Word {
    fn from(status: Status) -> Word {
        match status {
            Status::Passed => Word::Pass,
            Status::Failed => Word::Fail,
            Status::Skipped => Word::Skipped,
            Status::Other => Word::NoVerdict,
        }
    }
}

impl From<&CheckResult> for Word {
    fn from(result: &CheckResult) -> Word {
        match (result.status, result.why) {
            (Status::Other, Some(Why::Canceled | Why::NotStarted)) => Word::Canceled,
            (status, _) => status.into(),
        }
    }
}

/// The word for a phase by the results of its checks: canceled where nothing else kept it from a verdict.
pub fn of_phase(phase: Phase, results: &[CheckResult]) -> Word {
    let open = || results.iter().filter(|result| result.phase == phase && result.status == Status::Other);
    match super::phase_status(phase, results) {
        PhaseStatus::Other if open().all(|result| Word::from(result) == Word::Canceled) => Word::Canceled,
        status => status.into(),
    }
}

impl From<PhaseStatus> for Word {
    fn from(status: PhaseStatus) -> Word {
        match status {
            PhaseStatus::Passed => Word::Pass,
            PhaseStatus::Failed => Word::Fail,
            PhaseStatus::Skipped => Word::Skipped,
            PhaseStatus::Other => Word::NoVerdict,
        }
    }
}

impl From<ReadinessOutcome> for Word {
    fn from(outcome: ReadinessOutcome) -> Word {
        match outcome {
            ReadinessOutcome::Pass => Word::Pass,
            ReadinessOutcome::Fail => Word::Fail,
            ReadinessOutcome::Unknown => Word::Unknown,
            ReadinessOutcome::Warning => Word::Warning,
        }
    }
}

impl From<Verdict> for Word {
    fn from(verdict: Verdict) -> Word {
        match verdict {
            Verdict::Passed => Word::Pass,
            Verdict::NotReady => Word::NotReady,
            Verdict::Failed => Word::Fail,
            Verdict::Inconclusive => Word::NoVerdict,
            Verdict::Skipped => Word::Skipped,
            Verdict::Canceled => Word::Canceled,
        }
    }
}

/// How often each word occurs, in the order of [`Word::ALL`], for example `6 pass`, `1 fail`; words that do not occur are
/// left out.
pub fn counts(words: impl IntoIterator<Item = impl Into<Word>>) -> Vec<String> {
    let words: Vec<Word> = words.into_iter().map(Into::into).collect();
    let counted = Word::ALL.into_iter().map(|word| (word, words.iter().filter(|other| **other == word).count()));
    counted.filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}")).collect()
}

/// What came of the checks of a run, for its last line: `6 pass, 1 fail`. Says so where none of them was run, so that it does
/// not read like a result.
pub fn summary(results: &[CheckResult]) -> String {
    let was_run =
        |result: &CheckResult| result.status != Status::Skipped || result.exit_code.is_some() || result.run_ms > 0;
    let mut said = vec![counts(results).join(", ")];
    said.retain(|counts| !counts.is_empty());
    said.extend((!results.iter().any(was_run)).then(|| "no check was run".to_owned()));
    said.join("; ")
}

/// What goes on of a run that was left: the Jobs of these checks.
pub fn went_on(checks: &[String]) -> String {
    match checks {
        [] => "none of its Jobs goes on".to_owned(),
        checks => format!("Jobs of these checks go on: {}", checks.join(", ")),
    }
}

/// The table that help shows.
pub fn table() -> String {
    let rows = Word::ALL.map(|word| format!("  {word:<10}  {}\n", word.meaning()));
    format!("Verdicts:\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_unique_and_has_an_explanation() {
        for (index, word) in Word::ALL.into_iter().enumerate() {
            let others = || Word::ALL.into_iter().skip(index + 1);
            assert!(others().all(|other| other.text() != word.text() && other.meaning() != word.meaning()), "{word}");
        }
    }

    #[test]
    fn what_a_person_canceled_asks_nobody_to_look() {
        assert_eq!(Word::from(Verdict::Canceled).tone(), Tone::Quiet);
        assert_eq!(Word::from(Verdict::Canceled).tone(), Word::Skipped.tone());
        assert_eq!(Word::from(Verdict::Inconclusive).tone(), Tone::Open);
    }

    #[test]
    fn counts_name_only_what_occurs() {
        let statuses = [Status::Other, Status::Passed, Status::Failed, Status::Passed];
        assert_eq!(counts(statuses), ["2 pass", "1 fail", "1 no verdict"]);
        assert!(counts([Word::Pass; 0]).is_empty());
    }
}
