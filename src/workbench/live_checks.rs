//! The checks that only read, as they are evaluated over the workbench's own connection: what each came to and when, and what
//! it waits for.
//!
//! In: the events of evaluations, one after the other. A verdict stays until the next one of the same recipe; nothing that was
//! not evaluated has one.

use crate::{
    catalog::Catalog,
    ops::Failure,
    recipe::Recipe,
    resolve::Resolution,
    validate::{
        checks::WAITING,
        event::{Body, CheckResult, Event, PlannedCheck, State},
    },
};
use std::sync::Arc;

/// Why there is nothing to evaluate of a snapshot.
pub const NEEDS_A_CLUSTER: &str = "checks need a live cluster, and this is a snapshot; `:live` goes back";

/// What the evaluations came to.
#[derive(Clone, Debug, Default)]
pub struct LiveChecks {
    /// A person asked for it: from then on they are evaluated again by themselves.
    pub asked: bool,
    /// What comes of older ones is dropped.
    pub generation: u64,
    /// In the order of the plan; empty before the first evaluation has begun.
    pub checks: Vec<LiveCheck>,
    /// Checks of the recipe that only a run can judge.
    pub others: Vec<String>,
    pub is_evaluating: bool,
    /// When the newest evaluation ended, and when the next one begins.
    pub ended: Option<(u64, u64)>,
    pub failure: Option<Failure>,
    basis: Option<Basis>,
}

/// What the checks are of.
#[derive(Clone, Debug)]
struct Basis {
    catalog: Arc<Catalog>,
    recipe: Option<Arc<Resolution>>,
}

impl Basis {
    /// A recipe is resolved again with every change of any node that it could follow from.
    fn is_same(&self, other: &Basis) -> bool {
        Arc::ptr_eq(&self.catalog, &other.catalog) && self.recipe() == other.recipe()
    }

    fn recipe(&self) -> Option<&Recipe> {
        self.recipe.as_ref().map(|resolution| &resolution.recipe)
    }
}

/// One check.
#[derive(Clone, Debug)]
pub struct LiveCheck {
    pub planned: PlannedCheck,
    /// The newest verdict, and when it was reached, in milliseconds since the epoch.
    pub verdict: Option<(CheckResult, u64)>,
    /// What it does now; `None` while it is not evaluated.
    pub now: Option<Now>,
}

/// A check on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Now {
    Queued,
    Running,
    WaitingFor(String),
}

/// What comes of evaluations.
#[derive(Clone, Debug)]
pub enum News {
    /// Which checks there are besides those that are evaluated.
    Others(Vec<String>),
    Event(Box<Event>),
    /// All were evaluated; the next time is in so many milliseconds.
    Ended {
        pause_ms: u64,
    },
    Failed(Failure),
}

impl LiveChecks {
    /// Begins with a catalog and a recipe; what is known of another recipe says nothing of this one. The number of what is
    /// begun, `None` where the same is evaluated already and nobody has asked for it again.
    pub fn begin(&mut self, catalog: &Arc<Catalog>, recipe: Option<&Arc<Resolution>>, again: bool) -> Option<u64> {
        let basis = Basis { catalog: catalog.clone(), recipe: recipe.cloned() };
        let is_same = self.basis.as_ref().is_some_and(|known| known.is_same(&basis));
        if is_same && !again {
            return None;
        }
        if !is_same {
            self.checks.clear();
            self.others.clear();
            self.ended = None;
        }
        (self.asked, self.is_evaluating, self.failure, self.basis) = (true, true, None, Some(basis));
        self.generation += 1;
        Some(self.generation)
    }

    /// Forgets everything, but for that a person asked for it.
    pub fn forget(&mut self) {
        *self = LiveChecks { asked: self.asked, generation: self.generation + 1, ..LiveChecks::default() };
    }

    /// Nothing is evaluated any more; what was reached stays. What is on its way is dropped.
    pub fn stop(&mut self) {
        (self.asked, self.is_evaluating, self.basis) = (false, false, None);
        self.generation += 1;
        self.ended = self.ended.map(|(ended, _)| (ended, ended));
        self.checks.iter_mut().for_each(|check| check.now = None);
    }

    pub fn take(&mut self, news: News, now_ms: u64) {
        match news {
            News::Others(others) => self.others = others,
            News::Event(event) => self.fold(*event),
            News::Ended { pause_ms } => {
                self.is_evaluating = false;
                self.ended = Some((now_ms, now_ms.saturating_add(pause_ms)));
                self.checks.iter_mut().for_each(|check| check.now = None);
            }
            News::Failed(failure) => {
                (self.is_evaluating, self.failure) = (false, Some(failure));
                self.checks.iter_mut().for_each(|check| check.now = None);
            }
        }
    }

    fn fold(&mut self, event: Event) {
        let at_ms = event.observed_at_ms;
        match event.body {
            Body::Planned { checks, .. } => {
                // Also the second evaluation and those after it begin with this.
                self.is_evaluating = true;
                let mut known = std::mem::take(&mut self.checks);
                let begun = |planned: PlannedCheck| {
                    let before = known.iter_mut().find(|check| check.planned.name == planned.name);
                    LiveCheck {
                        verdict: before.and_then(|check| check.verdict.take()),
                        planned,
                        now: Some(Now::Queued),
                    }
                };
                self.checks = checks.into_iter().map(begun).collect();
            }
            Body::State { check, state: State::Running { .. } } => self.set(&check, Now::Running),
            Body::Log { check, text, .. } => {
                if let Some(what) = text.strip_prefix(WAITING) {
                    self.set(&check, Now::WaitingFor(what.to_owned()));
                }
            }
            Body::Finished { check, result } => {
                if let Some(check) = self.check_mut(&check) {
                    (check.verdict, check.now) = (Some((result, at_ms)), None);
                }
            }
            _ => {}
        }
    }

    fn set(&mut self, name: &str, now: Now) {
        if let Some(check) = self.check_mut(name) {
            check.now = Some(now);
        }
    }

    fn check_mut(&mut self, name: &str) -> Option<&mut LiveCheck> {
        self.checks.iter_mut().find(|check| check.planned.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_is_not_on_its_way_any_more_and_what_was_reached_stays() {
        let ended = Some((60_000, 120_000));
        let mut live = LiveChecks { asked: true, is_evaluating: true, generation: 4, ended, ..LiveChecks::default() };
        live.stop();
        assert!(!live.asked && !live.is_evaluating);
        assert_eq!((live.generation, live.ended), (5, Some((60_000, 60_000))), "late news are of an older one");
    }
}
