//! All results of a run as one document.
//!
//! In: the events of a run. Out: a [`Report`], which `ctrf` and `junit` write for machines, `text` and `markdown` for people, `csv` for spreadsheets.

pub mod apart;
pub mod compare;
pub mod csv;
pub mod ctrf;
pub mod escape;
pub mod junit;
pub mod level;
pub mod lines;
pub mod markdown;
pub mod merged;
pub mod plan;
pub mod redact;
pub mod sarif;
pub mod text;
pub mod words;

use crate::{
    catalog::validator::Phase,
    deploy::{event::Body as Deploy, progress::Progress},
    validate::event::{Body, CheckResult, Event, PhaseStatus, PlannedCheck, ReadinessOutcome, Status, Verdict, Why},
};

/// What a report says of a run without a verdict.
pub const NOT_ENDED: &str = "the run has not ended, and has no verdict";

/// A form of a whole report.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// As a person writes it.
    pub name: &'static str,
    /// Of files in this form, without the dot.
    pub suffix: &'static str,
    pub render: fn(&Report) -> String,
}

/// Every form: the first is for programs, the second for people.
pub static FORMS: [Form; 6] = [
    Form { name: "ctrf", suffix: "json", render: ctrf::to_json },
    Form { name: "text", suffix: "txt", render: text::render },
    Form { name: "junit", suffix: "xml", render: junit::to_xml },
    Form { name: "markdown", suffix: "md", render: markdown::render },
    Form { name: "csv", suffix: "csv", render: csv::render },
    Form { name: "sarif", suffix: "sarif", render: sarif::of_run },
];

/// The form of that name.
pub fn form(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

/// One readiness constraint and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    pub name: String,
    pub expected: String,
    pub outcome: ReadinessOutcome,
    pub actual: Option<String>,
    pub reason: Option<String>,
    pub at_ms: u64,
}

impl Readiness {
    /// What was asked for, what was found, and why that is the verdict:
    /// `expected >= 6.8, found 5.15; 1 of 3 nodes; not on gpu-a (5.15); upgrade the kernel`.
    pub fn message(&self) -> String {
        let found = self.actual.as_deref().unwrap_or("nothing");
        let reason = self.reason.as_ref().map(|reason| format!("; {reason}")).unwrap_or_default();
        format!("expected {}, found {found}{reason}", self.expected)
    }
}

/// What a run has found out so far; complete once `verdict` is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub run_id: String,
    pub context: String,
    pub recipe: String,
    pub planned: Vec<PlannedCheck>,
    pub readiness: Vec<Readiness>,
    /// In the order in which checks ended.
    pub results: Vec<CheckResult>,
    /// Milliseconds since the epoch.
    pub start_ms: u64,
    pub stop_ms: u64,
    pub left: Vec<String>,
    pub verdict: Option<Verdict>,
    /// Where who ran it has left: the checks whose Jobs went on then.
    pub went_on: Option<Vec<String>>,
    /// Of a deploy, which has releases instead of checks.
    pub deploy: Option<Box<Progress>>,
}

impl Report {
    /// Takes one event.
    pub fn on(&mut self, event: &Event) {
        if self.start_ms == 0 {
            self.start_ms = event.observed_at_ms;
        }
        self.stop_ms = self.stop_ms.max(event.observed_at_ms);
        match &event.body {
            Body::Planned { run_id, context, recipe, checks, .. } => {
                self.run_id.clone_from(run_id);
                self.context.clone_from(context);
                self.recipe.clone_from(recipe);
                self.planned.clone_from(checks);
            }
            // The layer is of the screens: reports name the recipe.
            Body::Readiness { name, expected, outcome, actual, reason, set_by: _ } => self.readiness.push(Readiness {
                name: name.clone(),
                expected: expected.clone(),
                outcome: *outcome,
                actual: actual.clone(),
                reason: reason.clone(),
                at_ms: event.observed_at_ms,
            }),
            Body::Finished { result, .. } => self.results.push(result.clone()),
            Body::CleanedUp { left, .. } => self.left.clone_from(left),
            Body::Deploy(body) => {
                if let Deploy::Planned { run_id, bundle, context, .. } = body {
                    self.run_id.clone_from(run_id);
                    self.recipe.clone_from(bundle);
                    self.context.clone_from(context);
                }
                self.deploy.get_or_insert_default().on(event.observed_at_ms, body);
            }
            Body::Ended { verdict } => self.verdict = Some(*verdict),
            Body::Left { checks } => self.went_on = Some(checks.clone()),
            _ => {}
        }
    }

    /// The report of a run that goes on, as far as it is: checks that have not ended are in it, or it would look like a pass.
    #[must_use]
    pub fn so_far(&self) -> Report {
        let mut report = self.clone();
        if report.verdict.is_none() {
            let said = |_: &str| "the run is in progress: this check has no verdict yet".to_owned();
            report.complete(report.stop_ms, Why::NotEnded, said);
        }
        report
    }

    /// Ends a report that got no further: checks without a result have none.
    pub fn abandon(&mut self, at_ms: u64) {
        self.complete(at_ms, Why::Canceled, |_| "the run was interrupted before the check ended".to_owned());
        self.stop_ms = self.stop_ms.max(at_ms);
        self.verdict = Some(Verdict::Canceled);
    }

    /// Ends the report of a run that was left: what became of its Jobs is known to the cluster.
    pub fn end_as_left(&mut self) {
        let going = self.went_on.clone().unwrap_or_default();
        let said = |check: &str| match going.iter().any(|known| known == check) {
            true => "its Job went on when the run was left".to_owned(),
            false => "the run was left before the check had a result".to_owned(),
        };
        self.complete(self.stop_ms, Why::Left, said);
        self.verdict = Some(verdict(&self.results));
    }

    /// Gives every planned check a result.
    fn complete(&mut self, at_ms: u64, why: Why, reason: impl Fn(&str) -> String) {
        for planned in &self.planned {
            if self.results.iter().any(|result| result.name == planned.name) {
                continue;
            }
            self.results.push(CheckResult {
                name: planned.name.clone(),
                phase: planned.phase,
                status: Status::Other,
                message: reason(&planned.name),
                exit_code: None,
                node: None,
                image: planned.image.clone(),
                total_ms: 0,
                run_ms: 0,
                start_ms: at_ms,
                stop_ms: at_ms,
                stdout: Vec::new(),
                why: Some(why),
                way: planned.way,
            });
        }
    }

    /// Results in the order of the plan; those of checks that were not planned last.
    pub fn in_order(&self) -> Vec<&CheckResult> {
        let rank = |result: &&CheckResult| {
            self.planned.iter().position(|planned| planned.name == result.name).unwrap_or(self.planned.len())
        };
        let mut results: Vec<&CheckResult> = self.results.iter().collect();
        results.sort_by_key(rank);
        results
    }
}

/// Status of a phase from the results of its checks.
pub fn phase_status(phase: Phase, results: &[CheckResult]) -> PhaseStatus {
    let of_phase = || results.iter().filter(|result| result.phase == phase);
    let any = |status: Status| of_phase().any(|result| result.status == status);
    if any(Status::Failed) {
        PhaseStatus::Failed
    } else if any(Status::Other) {
        PhaseStatus::Other
    } else if any(Status::Passed) {
        PhaseStatus::Passed
    } else {
        PhaseStatus::Skipped
    }
}

/// The verdict of a run whose checks all ended.
pub fn verdict(results: &[CheckResult]) -> Verdict {
    let any = |status: Status| results.iter().any(|result| result.status == status);
    if any(Status::Failed) {
        Verdict::Failed
    } else if any(Status::Other) {
        Verdict::Inconclusive
    } else if any(Status::Passed) {
        Verdict::Passed
    } else {
        Verdict::Skipped
    }
}
