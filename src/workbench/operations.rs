//! Work in the background: what is under way, since when, and what came of it.
//!
//! In: each effect as it leaves and each answer as it comes. Out: a list for `:ops`. What can be canceled carries the answer that
//! it would have without a result, so that whoever waits for it waits no longer.

use super::{
    deploy::Target,
    effect::Effect,
    live_checks::News,
    msg::{Msg, RecipeSlot, SnapshotSlot, Written},
};
use crate::{
    deploy::event::Way,
    ops::{Failure, Kind},
};
use std::{collections::VecDeque, path::Path};

/// Ended work that is kept.
const KEPT: usize = 50;

/// What an answer is matched by: what kind of work it is of, and which of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub kind: &'static str,
    pub of: String,
}

fn key(kind: &'static str, of: impl ToString) -> Key {
    Key { kind, of: of.to_string() }
}

/// The kind of work that keeps a cluster in view.
pub const WATCH: &str = "watch";
/// Checks that are evaluated from here, again and again.
pub const EVALUATE: &str = "evaluate";
/// A run that goes on elsewhere.
pub const FOLLOW: &str = "follow";
pub const RUN: &str = "run";
pub const DEPLOY: &str = "deploy";

/// How work has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Failed(String),
    Canceled,
}

/// One piece of work.
#[derive(Clone, Debug)]
pub struct Operation {
    pub key: Key,
    /// Reads after "failed to".
    pub doing: String,
    pub began_ms: u64,
    /// When and how it ended.
    pub ended: Option<(u64, End)>,
    /// A person has canceled it, and it cleans up.
    canceling: bool,
    /// What it answers where it is canceled; `None` where it cannot be, or is asked about in a way of its own.
    refusal: Option<Box<Msg>>,
}

impl Operation {
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
    }

    /// For how long it runs, or ran.
    pub fn took_ms(&self, now_ms: u64) -> u64 {
        self.ended.as_ref().map_or(now_ms, |(at, _)| *at).saturating_sub(self.began_ms)
    }

    /// Whether a key ends it: at once, or after a question.
    pub fn can_be_canceled(&self) -> bool {
        self.can_be_abandoned() || self.is_running() && [RUN, DEPLOY, EVALUATE, FOLLOW].contains(&self.key.kind)
    }

    /// Whether it can simply be given up.
    pub fn can_be_abandoned(&self) -> bool {
        self.is_running() && self.refusal.is_some()
    }
}

/// All of it, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    list: VecDeque<Operation>,
}

impl Operations {
    /// Running work first, the newest first of either.
    pub fn rows(&self) -> Vec<&Operation> {
        let (running, ended): (Vec<&Operation>, Vec<&Operation>) =
            self.list.iter().rev().partition(|operation| operation.is_running());
        [running, ended].concat()
    }

    pub fn get(&self, key: &Key) -> Option<&Operation> {
        self.list.iter().rev().find(|operation| operation.key == *key)
    }

    /// Work of a kind is under way.
    pub fn runs(&self, kind: &'static str) -> bool {
        self.list.iter().any(|known| known.key.kind == kind && known.is_running())
    }

    pub fn is_any_running(&self) -> bool {
        self.list.iter().any(Operation::is_running)
    }

    /// An effect leaves.
    pub fn begin(&mut self, effect: &Effect, now_ms: u64) {
        // What goes on until something else takes its place has ended then.
        match effect {
            Effect::Watch { .. } | Effect::EndWatch => self.end_kind(WATCH, now_ms),
            Effect::Evaluate { .. } | Effect::EndEvaluation => self.end_kind(EVALUATE, now_ms),
            Effect::FollowRun { .. } | Effect::AttachRun { .. } | Effect::EndFollow => self.end_kind(FOLLOW, now_ms),
            Effect::CancelRun => {
                let runs = self.list.iter_mut().filter(|known| [RUN, DEPLOY].contains(&known.key.kind));
                runs.filter(|run| run.is_running()).for_each(|run| run.canceling = true);
            }
            _ => {}
        }
        let Some((key, doing, refusal)) = begun(effect) else { return };
        self.list.push_back(Operation {
            key,
            doing,
            began_ms: now_ms,
            ended: None,
            canceling: false,
            refusal: refusal.map(Box::new),
        });
    }

    /// Whether an answer is of work that was canceled, so that nobody waits for it.
    pub fn is_canceled(&self, msg: &Msg) -> bool {
        let of = |key: Key| self.get(&key).is_some_and(|known| matches!(known.ended, Some((_, End::Canceled))));
        answered(msg).is_some_and(|(key, _)| of(key))
    }

    /// An answer has come.
    pub fn take(&mut self, msg: &Msg, now_ms: u64) {
        if let Msg::RunEnded { run_id, answer } = msg {
            return self.run_ended(run_id, answer.as_ref().err(), now_ms);
        }
        let Some((key, failed)) = answered(msg) else { return };
        if let Msg::Written { answer: Ok(Written::WouldReplace(_)), .. } = msg {
            return self.end(&key, End::Failed("not written: there is a file of that name".to_owned()), now_ms);
        }
        let end = failed.map_or(End::Done, |failure| match failure.kind {
            Kind::Interrupted => End::Canceled,
            _ => End::Failed(failure.why().lines().next().unwrap_or_default().to_owned()),
        });
        self.end(&key, end, now_ms);
    }

    fn end_kind(&mut self, kind: &'static str, now_ms: u64) {
        let running = self.list.iter().find(|known| known.key.kind == kind && known.is_running());
        if let Some(key) = running.map(|known| known.key.clone()) {
            self.end(&key, End::Done, now_ms);
        }
    }

    fn end(&mut self, key: &Key, end: End, now_ms: u64) {
        let Some(at) = self.list.iter().position(|known| known.key == *key && known.is_running()) else { return };
        let Some(mut operation) = self.list.remove(at) else { return };
        (operation.ended, operation.refusal) = (Some((now_ms, end)), None);
        // Of what is done again and again, the newest is worth a line.
        self.list.retain(|known| known.is_running() || known.doing != operation.doing);
        self.list.push_back(operation);
        let over = self.list.iter().filter(|known| !known.is_running()).count().saturating_sub(KEPT);
        for _ in 0..over {
            if let Some(oldest) = self.list.iter().position(|known| !known.is_running()) {
                self.list.remove(oldest);
            }
        }
    }

    /// The answer of work that is given up; `None` where it cannot be.
    pub fn refuse(&self, key: &Key) -> Option<Msg> {
        self.list.iter().find(|known| known.key == *key && known.is_running())?.refusal.as_deref().cloned()
    }
}

fn named(doing: &str, path: &Path) -> String {
    format!("{doing} {}", path.display())
}

fn recipe(slot: RecipeSlot) -> (&'static str, &'static str) {
    match slot {
        RecipeSlot::Current => ("recipe", "resolve the recipe"),
        RecipeSlot::WhatIf => ("what-if", "resolve the what-if"),
        RecipeSlot::Kept => ("kept", "resolve a kept what-if"),
        RecipeSlot::Other => ("other", "resolve the recipe to compare with"),
    }
}

fn snapshot(slot: SnapshotSlot) -> &'static str {
    match slot {
        SnapshotSlot::Cluster => "snapshot",
        SnapshotSlot::A => "snapshot-a",
        SnapshotSlot::B => "snapshot-b",
        SnapshotSlot::C => "snapshot-c",
    }
}

type Begun = (Key, String, Option<Msg>);

/// The work that an effect is, and what it answers where it is canceled. Without a rest that stands for all others: whoever adds
/// an effect decides this.
fn begun(effect: &Effect) -> Option<Begun> {
    let canceled = |doing: &str| Failure::new(Kind::Interrupted, doing, "canceled");
    // Work that can be given up: its answer is made of the failure that says so.
    macro_rules! work {
        ($kind:expr, $of:expr, $doing:expr, |$failure:ident| $msg:expr) => {{
            let doing: String = $doing.into();
            let $failure = canceled(&doing);
            Some((key($kind, $of), doing, Some($msg)))
        }};
    }
    let kept = |kind, of: &dyn ToString, doing: String| Some((key(kind, of.to_string()), doing, None));
    match effect {
        Effect::Watch { generation } => kept(WATCH, generation, "watch the cluster".to_owned()),
        Effect::Evaluate { generation, .. } => {
            kept(EVALUATE, generation, "evaluate the checks that only read".to_owned())
        }
        Effect::FollowRun { generation, name, .. } => kept(FOLLOW, generation, format!("follow run {name}")),
        Effect::AttachRun { generation, name, .. } => {
            kept(FOLLOW, generation, format!("follow run {name} of the cluster"))
        }
        Effect::Run(prepared) => kept(RUN, &prepared.plan.run_id, format!("run {}", prepared.plan.run_id)),
        Effect::Deploy(prepared) => {
            let doing = match prepared.wish.options.way {
                Way::Install => "deploy",
                Way::Remove => "undeploy",
            };
            kept(DEPLOY, &prepared.run_id, format!("{doing} {}", prepared.name))
        }
        Effect::Contexts { .. } => kept("contexts", &"", "read the kubeconfig".to_owned()),
        Effect::SwitchContext(name) => kept("context", &"", format!("switch to context {name}")),
        Effect::Save { write, path, .. } => kept("write", write, named("write the snapshot", path)),
        Effect::SaveText { write, what, path, .. } => kept("write", write, named(&format!("write the {what}"), path)),
        Effect::KeepSession { write, .. } => kept("write", write, "save the session".to_owned()),
        Effect::LoadCatalog { generation } => work!("catalog", generation, "read the catalog", |failure| {
            Msg::Catalog { generation: *generation, answer: Err(failure) }
        }),
        Effect::ReadSnapshot { slot, generation, path } => {
            work!(snapshot(*slot), generation, named("read the snapshot", path), |failure| Msg::Snapshot {
                slot: *slot,
                generation: *generation,
                name: String::new(),
                answer: Err(failure)
            })
        }
        Effect::Resolve { slot, generation, .. } => {
            let (kind, doing) = recipe(*slot);
            work!(kind, generation, doing, |failure| Msg::Resolved {
                slot: *slot,
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::WhatIfChanges { generation, .. } => {
            work!("what-if-changes", generation, "compare the what-if", |failure| Msg::WhatIfChanges {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::ReadRecipe { generation, path, .. } => {
            work!("read-recipe", generation, format!("read the recipe {path}"), |failure| Msg::RecipeRead {
                generation: *generation,
                left: None,
                answer: Err(failure)
            })
        }
        Effect::CompareRecipes { generation, .. } => {
            work!("compare-recipes", generation, "compare the recipes", |failure| Msg::RecipesCompared {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::CompareSnapshots { generation, .. } => {
            work!("compare-snapshots", generation, "compare the snapshots", |failure| Msg::SnapshotsCompared {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::CheckUpgrade { generation, .. } => work!("upgrade", generation, "check the upgrade", |failure| {
            Msg::UpgradeChecked { generation: *generation, answer: Err(failure) }
        }),
        Effect::ListMoments { generation } => {
            work!("moments", generation, "list the kept snapshots", |failure| Msg::MomentsListed {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::OpenMoment { generation, moment } => {
            work!("moment", generation, format!("read the kept snapshot of {}", moment.at), |failure| {
                Msg::MomentOpened { generation: *generation, moment: moment.clone(), answer: Err(failure) }
            })
        }
        Effect::Plan { generation, .. } => work!("plan", generation, "plan a run", |failure| Msg::Planned {
            generation: *generation,
            answer: Err(failure)
        }),
        Effect::ReadBundle { generation, folder } => {
            work!("bundle", generation, named("read the bundle", folder), |failure| Msg::BundleRead {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::PlanDeploy { generation, target: Target { folder, .. } } => {
            work!("plan-deploy", generation, named("plan the deploy of", folder), |failure| Msg::DeployPlanned {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::CompareRuns { generation, left, right } => {
            work!("runs", generation, format!("compare runs {left} and {right}"), |failure| Msg::RunsCompared {
                generation: *generation,
                answer: Err(failure)
            })
        }
        // Nobody has asked for it.
        Effect::FindRuns { is_asked_for: false, .. } => None,
        Effect::FindRuns { generation, .. } => {
            work!("find-runs", generation, "find the runs of the cluster", |failure| Msg::RunsFound {
                generation: *generation,
                namespace: String::new(),
                is_asked_for: true,
                answer: Err(failure)
            })
        }
        Effect::ListRuns { generation } => {
            work!("list-runs", generation, "list the records of runs", |failure| Msg::RunsListed {
                generation: *generation,
                answer: Err(failure)
            })
        }
        Effect::OpenRun { generation, name, compare } => {
            work!("open-run", generation, format!("read the record of run {name}"), |failure| Msg::RunOpened {
                generation: *generation,
                compare: *compare,
                answer: Err(failure)
            })
        }
        Effect::ReadOlder { generation, run, check, number } => {
            work!("older", generation, format!("read older lines of {check}"), |failure| Msg::OlderRead {
                generation: *generation,
                run: run.clone(),
                check: check.clone(),
                number: *number,
                answer: Err(failure)
            })
        }
        Effect::ReadOutput { generation, run, check } => {
            work!("output", generation, format!("read all lines of {check}"), |failure| Msg::OutputRead {
                generation: *generation,
                run: run.clone(),
                check: check.clone(),
                answer: Err(failure)
            })
        }
        Effect::ReadPrevious { generation, namespace: _, run_id: _, check } => {
            work!("previous", generation, format!("read earlier containers of {check}"), |failure| Msg::PreviousRead {
                generation: *generation,
                check: check.clone(),
                answer: Err(failure)
            })
        }
        // Nobody waits for them: they only help to type.
        Effect::ListFiles(_) | Effect::ReadLog | Effect::ReadStorage => None,
        Effect::EndEvaluation
        | Effect::EndWatch
        | Effect::EndFollow
        | Effect::CancelRun
        | Effect::LeaveRun
        | Effect::Steer(_)
        | Effect::Abandon(_)
        | Effect::Copy(_)
        | Effect::CopyByTerminal(_)
        | Effect::Edit { .. }
        | Effect::EditCopy { .. }
        | Effect::Page(_)
        | Effect::Export { .. }
        | Effect::Prefer { .. }
        | Effect::Redraw
        | Effect::Suspend => None,
    }
}

/// The key of the work that an effect is.
pub fn key_of(effect: &Effect) -> Option<Key> {
    begun(effect).map(|(key, ..)| key)
}

/// The work that a message answers, and why it has failed.
fn answered(msg: &Msg) -> Option<(Key, Option<&Failure>)> {
    macro_rules! of {
        ($kind:expr, $of:expr, $answer:expr) => {
            Some((key($kind, $of), $answer.as_ref().err()))
        };
    }
    match msg {
        Msg::Contexts { answer, .. } => of!("contexts", "", answer),
        Msg::Switched(answer) => of!("context", "", answer),
        Msg::Catalog { generation, answer } => of!("catalog", generation, answer),
        Msg::Snapshot { slot, generation, answer, .. } => of!(snapshot(*slot), generation, answer),
        Msg::Resolved { slot, generation, answer } => of!(recipe(*slot).0, generation, answer),
        Msg::WhatIfChanges { generation, answer } => of!("what-if-changes", generation, answer),
        Msg::RecipeRead { generation, answer, .. } => of!("read-recipe", generation, answer),
        Msg::RecipesCompared { generation, answer } => of!("compare-recipes", generation, answer),
        Msg::UpgradeChecked { generation, answer } => of!("upgrade", generation, answer),
        Msg::SnapshotsCompared { generation, answer } => of!("compare-snapshots", generation, answer),
        Msg::MomentsListed { generation, answer } => of!("moments", generation, answer),
        Msg::MomentOpened { generation, answer, .. } => of!("moment", generation, answer),
        Msg::Planned { generation, answer } => of!("plan", generation, answer),
        Msg::BundleRead { generation, answer } => of!("bundle", generation, answer),
        Msg::DeployPlanned { generation, answer } => of!("plan-deploy", generation, answer),
        Msg::RunsListed { generation, answer } => of!("list-runs", generation, answer),
        Msg::RunOpened { generation, answer, .. } => of!("open-run", generation, answer),
        Msg::RunsCompared { generation, answer } => of!("runs", generation, answer),
        Msg::RunsFound { is_asked_for: false, .. } => None,
        Msg::RunsFound { generation, answer, .. } => of!("find-runs", generation, answer),
        Msg::OlderRead { generation, answer, .. } => of!("older", generation, answer),
        Msg::OutputRead { generation, answer, .. } => of!("output", generation, answer),
        Msg::PreviousRead { generation, answer, .. } => of!("previous", generation, answer),
        Msg::FollowEnded { generation, answer } => of!(FOLLOW, generation, answer),
        Msg::Written { write, answer } => of!("write", write, answer),
        Msg::Evaluated { generation, news: News::Failed(failure) } => Some((key(EVALUATE, generation), Some(failure))),
        Msg::ConnectFailed { generation, failure } => Some((key(WATCH, generation), Some(failure))),
        _ => None,
    }
}

impl Operations {
    /// A run or a deploy has ended.
    fn run_ended(&mut self, run_id: &str, failed: Option<&Failure>, now_ms: u64) {
        for key in [RUN, DEPLOY].map(|kind| key(kind, run_id)) {
            let is_canceled = self.get(&key).is_some_and(|run| run.canceling);
            let done = if is_canceled { End::Canceled } else { End::Done };
            self.end(&key, failed.map_or(done, |failure| End::Failed(failure.why())), now_ms);
        }
    }

    /// The evaluation is ended.
    pub fn cancel_kind(&mut self, kind: &'static str, now_ms: u64) {
        let running = self.list.iter().find(|known| known.key.kind == kind && known.is_running());
        if let Some(key) = running.map(|known| known.key.clone()) {
            self.end(&key, End::Canceled, now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn an_answer_ends_its_work_and_of_what_is_done_again_the_newest_stays() {
        let mut operations = Operations::default();
        for turn in 1..=3 {
            operations.begin(&Effect::ListRuns { generation: turn }, turn * 10);
            operations.take(&Msg::RunsListed { generation: turn, answer: Ok(Arc::default()) }, turn * 10 + 5);
        }
        operations.begin(&Effect::ListMoments { generation: 7 }, 100);
        let rows = operations.rows();
        let shown: Vec<(&str, bool, u64)> =
            rows.iter().map(|row| (row.doing.as_str(), row.is_running(), row.took_ms(120))).collect();
        assert_eq!(shown, [("list the kept snapshots", true, 20), ("list the records of runs", false, 5)]);
    }

    #[test]
    fn what_is_canceled_answers_at_once_and_what_comes_later_is_known_as_late() {
        let mut operations = Operations::default();
        operations.begin(&Effect::ListRuns { generation: 1 }, 0);
        let key = key("list-runs", 1);
        let refusal = operations.refuse(&key).unwrap();
        let late = Msg::RunsListed { generation: 1, answer: Ok(Arc::default()) };
        assert!(!operations.is_canceled(&late));
        operations.take(&refusal, 3);
        assert_eq!(operations.get(&key).unwrap().ended, Some((3, End::Canceled)));
        assert!(operations.is_canceled(&late) && operations.refuse(&key).is_none());
    }

    #[test]
    fn a_watch_ends_when_another_one_begins_and_cannot_be_given_up() {
        let mut operations = Operations::default();
        operations.begin(&Effect::Watch { generation: 1 }, 0);
        assert!(!operations.rows()[0].can_be_abandoned());
        operations.begin(&Effect::Watch { generation: 2 }, 9);
        let running: Vec<bool> = operations.rows().iter().map(|row| row.is_running()).collect();
        assert_eq!(running, [true, false]);
    }
}
