//! What has changed since it was said last, as lines: messages, the cluster, checks, releases of a deploy.

use crate::{
    report::words::{self, Word},
    validate::event::State as CheckState,
    workbench::{app::State, model::Severity, view},
};
use std::collections::BTreeMap;

/// What was said already, so that only changes are.
#[derive(Debug, Default)]
pub struct Said {
    /// Messages, by their number from the beginning.
    newest: Option<(u64, String)>,
    source: String,
    checks: BTreeMap<String, String>,
    is_active: bool,
    /// What each release of a deploy does, by its name.
    releases: BTreeMap<String, String>,
    is_deploying: bool,
}

impl Said {
    /// The lines that say what has changed; each is said once.
    pub fn news(&mut self, state: &State) -> Vec<String> {
        let mut lines = Vec::new();
        let model = &state.model;
        let seen = self.newest.take();
        let place = |(at, text): &(u64, String)| {
            model.messages.iter().rposition(|message| message.at_ms == *at && message.text == *text)
        };
        let from = seen.as_ref().and_then(place).map_or(0, |at| at + 1);
        for message in model.messages.iter().skip(from) {
            let word = match message.severity {
                Severity::Info | Severity::Ok => "",
                Severity::Warn => "warning: ",
                Severity::Fail if message.text.starts_with("failed ") => "",
                Severity::Fail => "failed: ",
            };
            lines.push(format!("{word}{}", message.text));
        }
        self.newest = model.messages.back().map(|message| (message.at_ms, message.text.clone()));
        let source = view::source_words(state);
        if source != self.source && model.is_settled() {
            lines.push(format!("cluster: {source}"));
            self.source = source;
        }
        let run = &model.run;
        for check in &run.checks {
            let name = &check.planned.name;
            let said = match &check.result {
                Some(result) => {
                    let why = if result.message.is_empty() { String::new() } else { format!(": {}", result.message) };
                    format!("{name}: {}{why}", Word::from(result))
                }
                None if check.state == CheckState::Queued => continue,
                None => format!("{name}: {}", check.state.word()),
            };
            if self.checks.get(name) != Some(&said) {
                lines.push(said.lines().next().unwrap_or_default().to_owned());
                self.checks.insert(name.clone(), said);
            }
        }
        if self.is_active && !run.active {
            let results = run.checks.iter().filter_map(|check| check.result.as_ref());
            let counts = words::counts(results);
            lines.push(format!("the run has ended: {}", counts.join(", ")));
        }
        if run.active && !self.is_active {
            lines.push(format!("run {} has started", run.id));
            self.checks.clear();
        }
        self.is_active = run.active;
        let deploy = &state.model.deploy;
        for release in &deploy.progress.releases {
            let Some(state) = &release.state else { continue };
            let name = &release.planned.name;
            let details = state.details();
            let why = if details.is_empty() { String::new() } else { format!(": {}", details.join("; ")) };
            let said = format!("{name}: {}{why}", state.word());
            if self.releases.get(name) != Some(&said) {
                lines.push(said.clone());
                self.releases.insert(name.clone(), said);
            }
        }
        let (way, bundle) = (deploy.progress.way, &deploy.progress.bundle);
        match (self.is_deploying, deploy.active) {
            (false, true) => {
                self.releases.clear();
                lines.insert(0, format!("{} {bundle} has started", way.verb()));
            }
            (true, false) => {
                let word = deploy.progress.outcome.map_or("no end was recorded", |outcome| outcome.word());
                lines.push(format!("{} {bundle} has ended: {word}, {}", way.verb(), deploy.progress.summary()));
            }
            _ => {}
        }
        self.is_deploying = deploy.active;
        lines
    }
}
