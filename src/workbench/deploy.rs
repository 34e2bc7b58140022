//! What the workbench knows of a deploy: the bundle that is planned, and the deploy of it that runs or has ended.

use super::model::Slot;
use crate::{
    deploy::{
        event::{State, Way},
        progress::{Progress, Release},
    },
    ops::deploy::Prepared,
    validate::event::{Body, Event, Severity},
};
use std::path::PathBuf;

/// Which bundle, and what is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub folder: PathBuf,
    pub way: Way,
    /// The context of the connection that it was planned for; empty before there is one.
    pub context: String,
}

impl Target {
    /// What is said of the cluster that would be changed.
    pub fn cluster(&self) -> &str {
        if self.context.is_empty() { "the cluster" } else { &self.context }
    }
}

/// A deploy.
#[derive(Clone, Debug, Default)]
pub struct Deploy {
    /// The plan of a bundle.
    pub plan: Slot<Prepared, Target>,
    /// A plan that is on its way is to be confirmed.
    pub asks: bool,
    /// What its events tell; a plan that has not begun is in it too.
    pub progress: Progress,
    pub notices: Vec<(Severity, String)>,
    /// Started here and not ended yet.
    pub active: bool,
    pub canceling: bool,
    pub started_ms: u64,
    pub last_ms: u64,
}

impl Deploy {
    /// Takes an event of the stream.
    pub fn fold(&mut self, event: &Event) {
        self.last_ms = self.last_ms.max(event.observed_at_ms);
        match &event.body {
            Body::Deploy(body) => {
                if self.started_ms == 0 {
                    self.started_ms = event.observed_at_ms;
                }
                self.progress.on(event.observed_at_ms, body);
            }
            Body::Notice { severity, text } => self.notices.push((*severity, text.clone())),
            _ => {}
        }
    }

    /// Shows a plan that has not begun.
    pub fn show(&mut self, prepared: &Prepared, context: &str) {
        let releases = prepared.plan.planned();
        let release = |planned| Release { planned, state: None, since_ms: 0, log: Default::default() };
        self.progress = Progress {
            run_id: prepared.run_id.clone(),
            bundle: prepared.name.clone(),
            context: context.to_owned(),
            way: prepared.wish.options.way,
            releases: releases.into_iter().map(release).collect(),
            outcome: None,
        };
        self.notices.clear();
        (self.started_ms, self.last_ms) = (0, 0);
    }

    /// Something of it is shown.
    pub fn is_shown(&self) -> bool {
        !self.progress.releases.is_empty()
    }

    /// Releases in a state that says what they do now.
    pub fn moving(&self) -> impl Iterator<Item = &Release> {
        let is_moving = |release: &&Release| {
            let state = release.state.as_ref();
            state.is_some_and(|state| !state.is_over() && !matches!(state, State::Waiting { .. }))
        };
        self.progress.releases.iter().filter(is_moving)
    }
}
