//! The live lines of a validation: one line each time something changes.
//!
//! In: events. Out: a line for each that says something new, with the time since the run began. Made for people and
//! for logs of CI: nothing is redrawn, and every line says its word without its color.

use super::printer::{Printer, Role, Stream};
use crate::{
    deploy::event::{Body as Deploy, Outcome, State as Release, Way},
    report::{
        escape,
        words::{Word, went_on},
    },
    text::{color, count},
    validate::event::{Body, Event, ReadinessOutcome, Severity},
};

/// What was shown so far, as far as the next line depends on it.
pub struct Live {
    printer: Printer,
    stream: Stream,
    start_ms: Option<u64>,
    /// Width of the longest check name.
    width: usize,
    logs: bool,
    /// What is planned was said: of a run of somebody else, more becomes known as it goes on.
    is_planned: bool,
    way: Way,
}

impl Live {
    /// Lines for a stream; with `logs`, every line of output of every check as well.
    pub fn new(printer: Printer, stream: Stream, logs: bool) -> Live {
        Live { printer, stream, start_ms: None, width: 0, logs, is_planned: false, way: Way::Install }
    }

    /// The line for an event, if it has one.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        let start = *self.start_ms.get_or_insert(event.observed_at_ms);
        let seconds = event.observed_at_ms.saturating_sub(start) as f64 / 1e3;
        if let Body::Deploy(Deploy::Planned { releases, way, .. }) = &event.body {
            self.way = *way;
            self.width = releases.iter().map(|release| release.name.len()).max().unwrap_or(0);
        }
        if let Body::Planned { checks, .. } = &event.body {
            self.width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
            if std::mem::replace(&mut self.is_planned, true) {
                return None;
            }
        }
        let (subject, role, word, detail) = self.words(&event.body)?;
        let word = self.printer.paint_for(self.stream, role, &format!("{word:<12}"));
        let line = format!(
            "{seconds:7.1} s  {:<width$}  {word}  {}",
            escape::line(&subject),
            escape::line(&detail),
            width = self.width
        );
        Some(line.trim_end().to_owned())
    }

    /// Subject, role and word of its state, detail.
    fn words(&self, body: &Body) -> Option<(String, Role, &'static str, String)> {
        let line = match body {
            Body::Planned { run_id, namespace, context, checks, .. } => {
                let detail = format!("{} in namespace {namespace} of {context}", count(checks.len(), "check"));
                (format!("run {run_id}"), Role::Heading, "planned", detail)
            }
            Body::Readiness { name, expected, outcome, actual, reason, set_by } => {
                let word = Word::from(*outcome);
                let found = actual.as_ref().map(|actual| format!("found {actual}"));
                let why = reason.as_ref().map(|why| why.replace('\n', "; "));
                // Who has to do something wants to know where the rule is.
                let is_met = *outcome == ReadinessOutcome::Pass;
                let set_by = set_by.as_ref().filter(|_| !is_met).map(|layer| format!("set by {layer}"));
                let said: Vec<String> = found.into_iter().chain(why).chain(set_by).collect();
                let said = if said.is_empty() { "found nothing".to_owned() } else { said.join("; ") };
                let detail = format!("{expected}, {said}");
                (name.clone(), word.tone().into(), word.text(), detail)
            }
            Body::Deploy(body) => return self.of_deploy(body),
            Body::PhaseStarted { phase } => (phase.name().to_owned(), Role::Heading, "phase", String::new()),
            Body::Paused { before } => (String::new(), Role::Heading, "paused", before.to_string()),
            Body::Resumed => (String::new(), Role::Quiet, "going on", String::new()),
            Body::State { check, state } => (check.clone(), Role::Quiet, state.word(), state.detail()),
            Body::Log { check, text, source } if self.logs && source.is_empty() => {
                (check.clone(), Role::Quiet, "|", color::plain(text).into_owned())
            }
            Body::Log { check, text, source } if self.logs => {
                (check.clone(), Role::Quiet, "|", format!("[{source}] {}", color::plain(text)))
            }
            // The state of its check says what there is to say.
            Body::Log { .. } | Body::Pod { .. } => return None,
            // In the logs, the row has its line already.
            Body::Measured { .. } if self.logs => return None,
            Body::Measured { check, row } => (check.clone(), Role::Quiet, "measured", row.to_string()),
            Body::Finished { check, result } => {
                let word = Word::from(result);
                let first = result.message.lines().next().unwrap_or_default();
                (check.clone(), word.tone().into(), word.text(), first.to_owned())
            }
            Body::PhaseFinished { phase, status } => {
                let word = Word::from(*status);
                (phase.name().to_owned(), word.tone().into(), word.text(), String::new())
            }
            Body::Notice { severity, text } => {
                let (role, word) = match severity {
                    Severity::Info => (Role::Quiet, "note"),
                    Severity::Warn => (Role::Warning, "warning"),
                    Severity::Error => (Role::Bad, "error"),
                };
                (String::new(), role, word, text.clone())
            }
            Body::CleanedUp { removed, left } if left.is_empty() => {
                (String::new(), Role::Quiet, "cleaned up", count(*removed, "object"))
            }
            Body::CleanedUp { removed, left } => {
                let detail = format!(
                    "clean-up removed {}; left: {}; run `aicr cleanup`",
                    count(*removed, "object"),
                    left.join(", ")
                );
                (String::new(), Role::Bad, "incomplete", detail)
            }
            Body::Ended { verdict } => {
                let word = Word::from(*verdict);
                (String::new(), word.tone().into(), "ended", word.text().to_owned())
            }
            Body::Left { checks } => (String::new(), Role::Warning, "left", went_on(checks)),
        };
        Some(line)
    }

    fn of_deploy(&self, body: &Deploy) -> Option<(String, Role, &'static str, String)> {
        Some(match body {
            Deploy::Planned { run_id, bundle, context, way, releases } => {
                let detail = format!("{} of {bundle} {} {context}", count(releases.len(), "release"), way.to());
                (format!("run {run_id}"), Role::Heading, "planned", detail)
            }
            Deploy::State { release, state } => {
                let role = match state {
                    _ if state.is_done() => Role::Good,
                    Release::Failed { .. } | Release::NotStarted { .. } => Role::Bad,
                    Release::Retrying { .. } | Release::Canceled => Role::Warning,
                    _ => Role::Quiet,
                };
                (release.clone(), role, state.word(), state.details().join("; "))
            }
            Deploy::Log { release, text } if self.logs => {
                (release.clone(), Role::Quiet, "|", color::plain(text).into_owned())
            }
            Deploy::Log { .. } => return None,
            Deploy::Ended { outcome } => {
                let role = if *outcome == Outcome::Done { Role::Good } else { Role::Bad };
                (String::new(), role, self.way.command(), outcome.word().to_owned())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        term::color::{Level, When},
        validate::event::State,
    };

    #[test]
    fn a_line_has_time_state_and_reason_and_is_escaped() {
        let printer = Printer::new(When::Exactly(Level::None), false);
        let mut live = Live::new(printer, Stream::Err, false);
        let mut at =
            |at_ms: u64, body: Body| live.line(&Event { seq: 0, observed_at_ms: at_ms, stated_at_ms: None, body });
        let state = State::Unscheduled { message: "0/5 nodes\u{1b}[2J".into() };
        assert_eq!(
            at(1000, Body::PhaseStarted { phase: crate::catalog::validator::Phase::Conformance }).unwrap(),
            "    0.0 s  conformance  phase"
        );
        assert_eq!(
            at(2500, Body::State { check: "dra".into(), state }).unwrap(),
            "    1.5 s  dra  unscheduled   0/5 nodes\\u{1b}[2J"
        );
        assert_eq!(at(2600, Body::Log { check: "dra".into(), text: "x".into(), source: String::new() }), None);
    }
}
