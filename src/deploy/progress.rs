//! A deploy as far as its events tell: what screens, lists and reports show.

use super::event::{Body, Outcome, Planned, State, Way};
use crate::text::{self, color};
use std::collections::VecDeque;

/// Lines of Helm that are kept for each release.
const LINES: usize = 500;

/// What is known of a deploy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// The id of the run.
    pub run_id: String,
    /// The folder of the bundle.
    pub bundle: String,
    /// The cluster.
    pub context: String,
    /// Install or remove.
    pub way: Way,
    /// In the order of the plan.
    pub releases: Vec<Release>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// What is known of a release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// What was planned.
    pub planned: Planned,
    /// What it does; `None` before the first word of it.
    pub state: Option<State>,
    /// When that began, in milliseconds since the epoch.
    pub since_ms: u64,
    /// The newest lines that Helm printed.
    pub log: VecDeque<String>,
}

impl Progress {
    /// Takes an event.
    pub fn on(&mut self, at_ms: u64, body: &Body) {
        match body {
            Body::Planned { run_id, bundle, context, way, releases } => {
                let release = |planned: &Planned| Release {
                    planned: planned.clone(),
                    state: None,
                    since_ms: at_ms,
                    log: VecDeque::new(),
                };
                *self = Progress {
                    run_id: run_id.clone(),
                    bundle: bundle.clone(),
                    context: context.clone(),
                    way: *way,
                    releases: releases.iter().map(release).collect(),
                    outcome: None,
                };
            }
            Body::State { release, state } => {
                if let Some(known) = self.find(release) {
                    // Another reason for the same wait is not a new wait.
                    if known.state.as_ref().map(State::word) != Some(state.word()) {
                        known.since_ms = at_ms;
                    }
                    known.state = Some(state.clone());
                }
            }
            Body::Log { release, text } => {
                if let Some(known) = self.find(release) {
                    if known.log.len() == LINES {
                        known.log.pop_front();
                    }
                    known.log.push_back(color::plain(text).into_owned());
                }
            }
            Body::Ended { outcome } => self.outcome = Some(*outcome),
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Release> {
        self.releases.iter_mut().find(|known| known.planned.name == name)
    }

    /// How many releases are as they were wanted.
    pub fn done(&self) -> usize {
        self.releases.iter().filter(|release| release.state.as_ref().is_some_and(State::is_done)).count()
    }

    /// `11 of 12 releases installed`.
    pub fn summary(&self) -> String {
        format!("{} of {} {}", self.done(), text::count(self.releases.len(), "release"), self.way.done())
    }

    /// The report for people: a line for each release, with what it waited for or why it failed.
    pub fn text(&self) -> String {
        let mut text = format!("{} of {} {} {}\n", self.way.noun(), self.bundle, self.way.to(), self.context);
        let width = self.releases.iter().map(|release| release.planned.name.len()).max().unwrap_or(0);
        for Release { planned, state, .. } in &self.releases {
            let word = state.as_ref().map_or("unknown", State::word);
            let details = state.as_ref().map(State::details).unwrap_or_default();
            let mut details = details.iter();
            let first = details.next().cloned().unwrap_or_default();
            let line = format!("  {:<width$}  {word:<11}  {first}", planned.name);
            text += line.trim_end();
            text.push('\n');
            for detail in details {
                text += &format!("  {:<width$}  {:<11}  {detail}\n", "", "");
            }
        }
        let ended = self.outcome.map_or("no end was recorded", Outcome::word);
        text + &format!("{}: {ended}\n", self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::event::Pending;

    #[test]
    fn a_report_names_every_release_and_why_it_failed() {
        let planned = |name: &str| Planned { name: name.to_owned(), ..Planned::default() };
        let mut progress = Progress::default();
        let state = |release: &str, state: State| Body::State { release: release.to_owned(), state };
        let pending = Pending { object: "Deployment x/b".to_owned(), why: "0 of 1 available".to_owned() };
        let events = [
            Body::Planned {
                run_id: "1".to_owned(),
                bundle: "bundle".to_owned(),
                context: "demo".to_owned(),
                way: Way::Install,
                releases: vec![planned("a"), planned("bb")],
            },
            state("a", State::Ready { already: false, awaited: true, seconds: 3 }),
            state("bb", State::Failed { reason: "not ready after 60 s".to_owned(), pending: vec![pending] }),
            Body::Ended { outcome: Outcome::Failed },
        ];
        events.iter().for_each(|body| progress.on(1, body));
        let expected = "deploy of bundle to demo\n  a   ready        after 3 s\n  bb  failed       not ready after 60 s\n                   \
                        Deployment x/b: 0 of 1 available\n1 of 2 releases installed: failed\n";
        assert_eq!(progress.text(), expected);
        for body in events {
            let text = serde_json::to_string(&body).unwrap();
            assert_eq!(serde_json::from_str::<Body>(&text).unwrap(), body, "{text}");
        }
    }
}
