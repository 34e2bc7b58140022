//! Why an action, or a command, cannot be done now: in the words that pressing its key says.
//!
//! Whoever does an action asks here first, and so does the palette; so both say the same.

use super::State;
use crate::workbench::{
    Screen,
    elsewhere::RunOrigin,
    keymap::Action,
    live_checks::NEEDS_A_CLUSTER,
    model::{Severity, Source},
    panes::{DEPLOY, LOG, Pane},
    widgets::text::clean,
};

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unable {
    pub severity: Severity,
    pub said: String,
}

impl Unable {
    pub(super) fn info(said: impl Into<String>) -> Option<Unable> {
        Some(Unable { severity: Severity::Info, said: said.into() })
    }

    fn warn(said: impl Into<String>) -> Option<Unable> {
        Some(Unable { severity: Severity::Warn, said: said.into() })
    }
}

impl State {
    /// Says why an action cannot be done now; whether it cannot.
    pub(super) fn says_unable(&mut self, action: Action) -> bool {
        self.say_unable(self.unable(action))
    }

    pub(super) fn say_unable(&mut self, unable: Option<Unable>) -> bool {
        let Some(Unable { severity, said }) = unable else { return false };
        self.say(severity, said);
        true
    }

    /// Why an action cannot be done on the screen and the panel that are shown.
    pub fn unable(&self, action: Action) -> Option<Unable> {
        let (model, pane) = (&self.model, self.desk.focused());
        let key = |action| self.desk.keys.key(action);
        let is_deploy = pane == &DEPLOY;
        match action {
            Action::Run if is_deploy => self.unable_to_deploy(),
            Action::Run => self.unable_to_run(),
            Action::Cancel if is_deploy => match model.deploy.active {
                true => None,
                false => Unable::info("no deploy is active"),
            },
            Action::Cancel if !model.run.active && !model.follows() => self.not_active(),
            Action::Pause if self.desk.screen == Screen::Validate => match &model.records.replay {
                None if !model.run.active => self.not_active(),
                _ => None,
            },
            Action::Pause => self.unable_to_pause_the_view(),
            Action::StepOn | Action::StepBack => self.unable_to_step(),
            // What is open can be closed.
            Action::TimeBar if !model.time.open => self.stays().and_then(|stays| Unable::info(stays.said)),
            Action::RunFailed if model.run.checks.is_empty() => Unable::info("no run to repeat"),
            Action::RunFailed if model.run.failed().next().is_none() => Unable::info("no check failed"),
            Action::RunFailed => self.unable_to_run(),
            Action::Merge | Action::LogOptions if model.run.checks.is_empty() => Unable::info(format!(
                "no run is shown, so there are no logs: {} runs checks, {} lists runs",
                key(Action::Run),
                key(Action::GoRuns)
            )),
            Action::Evaluate if self.unable_while_switching().is_some() => self.unable_while_switching(),
            Action::Evaluate if model.cluster.source == Source::Saved => Unable::info(NEEDS_A_CLUSTER),
            Action::Evaluate if model.catalog.value.is_none() => Unable::info("the catalog is not read yet"),
            Action::Adopt if !self.has_other_criteria() => {
                Unable::info(format!("nothing to adopt: {} changes criteria first", key(Action::WhatIf)))
            }
            Action::KeepColumn if !self.has_other_criteria() && model.kept.is_empty() => Unable::info(format!(
                "nothing to save yet: {} opens what-if, {} and {} change a criterion",
                key(Action::WhatIf),
                key(Action::Left),
                key(Action::Right)
            )),
            Action::CompareWith if self.keeps_snapshot() && model.cluster.snapshot.is_none() => {
                Unable::info("no snapshot to save yet")
            }
            Action::Swap | Action::DiffView if self.desk.screen == Screen::Diff && model.diff.with.is_none() => {
                Unable::info(format!("nothing is compared yet: {} compares the recipe", key(Action::CompareWith)))
            }
            Action::Swap | Action::DiffView if self.desk.screen == Screen::Compare && model.compare.a.is_none() => {
                Unable::info(format!("nothing is compared yet: {} keeps this snapshot as A", key(Action::CompareWith)))
            }
            Action::Noise if self.desk.screen == Screen::Diff => {
                Unable::info("recipes have no readings that change by themselves, so nothing is hidden here")
            }
            Action::Swap if self.desk.screen == Screen::Compare && !self.has_two_sides() => {
                let line = self.desk.keys.command("open OTHER.yaml");
                Unable::info(format!(
                    "nothing is compared with A yet, so no sides can change places: {line} opens another"
                ))
            }
            Action::Raw => match self.desk.screen {
                Screen::Cluster | Screen::Compare if model.cluster.snapshot.is_none() => {
                    Unable::info("no snapshot yet")
                }
                Screen::Recipe | Screen::Diff | Screen::Validate if model.recipe.value.is_none() => {
                    Unable::info("no recipe yet")
                }
                _ => None,
            },
            Action::Sort | Action::SortReverse if self.keeps_order(pane) => Unable::info("this panel keeps its order"),
            Action::MarkRow | Action::MarkRange | Action::MarkDown | Action::MarkUp
                if self.has_no_rows_to_mark(pane) =>
            {
                Unable::info("this panel has no rows to mark")
            }
            Action::Copy | Action::CopyRow if self.desk.table(pane).row().is_none() => {
                Unable::info("nothing is selected")
            }
            _ => None,
        }
    }

    /// Why a command cannot be done now, whatever its arguments are.
    pub fn unable_command(&self, word: &str) -> Option<Unable> {
        let model = &self.model;
        match word {
            "merge" | "since" | "level" | "sources" | "around" => self.unable(Action::Merge),
            "previous" => self.unable_to_read_previous(),
            "patch" if self.desk.edited.is_none() => {
                let edit = self.desk.keys.command("edit");
                Unable::info(format!("no copy was changed in an editor in this session; {edit} opens one"))
            }
            "report" if model.run.report.planned.is_empty() => Unable::info("no run is shown"),
            "save-report" if model.run.report.planned.is_empty() => {
                Unable::info("no run is shown, so there is no report to save")
            }
            "retry" => self.unable_to_run(),
            "speed" if model.records.replay.is_none() => Unable::info("no recorded run is shown"),
            "attach" | "upgrade" | "deploy" | "undeploy" if self.unable_while_switching().is_some() => {
                self.unable_while_switching()
            }
            "attach" if model.cluster.source == Source::Saved => {
                Unable::info("a snapshot has no runs: show a live cluster first")
            }
            "deploy" | "undeploy" if model.deploy.active => self.deploy_is_active(),
            _ => None,
        }
    }

    /// What is compared is the cluster as it is now: on its own screen, and where nothing is compared yet.
    fn keeps_snapshot(&self) -> bool {
        self.desk.screen == Screen::Cluster || (self.desk.screen == Screen::Compare && self.model.compare.a.is_none())
    }

    fn has_other_criteria(&self) -> bool {
        self.model.what_if.as_ref().is_some_and(|what_if| what_if.criteria != *self.model.criteria())
    }

    fn keeps_order(&self, pane: &'static Pane) -> bool {
        let content = &self.desk.table(pane).content;
        content.ordered || content.columns.is_empty()
    }

    fn has_no_rows_to_mark(&self, pane: &'static Pane) -> bool {
        let table = self.desk.table(pane);
        pane != &LOG && (table.content.prose || table.row().is_none())
    }

    fn not_active(&self) -> Option<Unable> {
        Unable::info(match (self.model.follows(), self.model.run.origin) {
            (true, RunOrigin::Cluster) => "this run goes on in the cluster; whoever started it can pause and cancel it",
            (true, RunOrigin::Own | RunOrigin::Record) => {
                "this run goes on in another terminal, and is paused and canceled there"
            }
            (false, _) => "no run is active",
        })
    }

    pub(super) fn deploy_is_active(&self) -> Option<Unable> {
        Unable::info(format!("a deploy is active; {} cancels it", self.desk.keys.key(Action::Cancel)))
    }

    pub(super) fn is_read_only(&self) -> Option<Unable> {
        let by = self.model.read_only_by.as_deref().unwrap_or("--read-only");
        Unable::warn(format!("read-only: this would change the cluster; start without {by} to do it"))
    }

    /// Why what was planned for a context is not begun: the session is on another one.
    pub(super) fn is_for_another(&self, context: &str) -> Option<Unable> {
        let now = &self.model.cluster.context;
        match now == context {
            true => None,
            false => Unable::warn(format!("not done: planned for `{}`, and this is `{}`", clean(context), clean(now))),
        }
    }

    /// Why nothing is run on the cluster now, whatever is planned.
    pub(super) fn unable_to_begin_run(&self) -> Option<Unable> {
        let model = &self.model;
        let key = self.desk.keys.key(Action::Cancel);
        if model.read_only {
            return self.is_read_only();
        }
        if let Some(unable) = self.unable_while_switching() {
            return Some(unable);
        }
        if model.deploy.active {
            return Unable::info("a deploy is active; checks can run when it has ended");
        }
        if model.run.active {
            return Unable::info(format!("a run is active; {key} cancels it"));
        }
        if model.cluster.source.is_saved() {
            let line = self.desk.keys.command("live");
            return Unable::info(format!("a saved snapshot cannot run Jobs; {line} goes back to the cluster"));
        }
        None
    }

    pub(super) fn unable_to_run(&self) -> Option<Unable> {
        if let Some(unable) = self.unable_to_begin_run() {
            return Some(unable);
        }
        let model = &self.model;
        match (&model.catalog.value, &model.recipe.value, &model.cluster.snapshot) {
            // Nobody can want the Jobs of a recipe that is not the one they asked for.
            (_, Some(_), _) if model.recipe.is_stale() => {
                let shown = model.criteria();
                Unable::warn(format!("not run: the recipe is STALE, for {shown}; the one asked for has not resolved"))
            }
            // It would be the one that some of the nodes reveal; what a person stated stands.
            (_, Some(_), _) if model.is_so_far() && !model.is_stated() => {
                Unable::warn("not run: the cluster is still being read, and the recipe is the one so far")
            }
            (Some(_), Some(_), Some(_)) => model.why_no_checks().and_then(Unable::info),
            (_, None, _) => Unable::info("no recipe to validate yet"),
            _ => Unable::info("no cluster to validate yet"),
        }
    }

    pub(super) fn unable_to_deploy(&self) -> Option<Unable> {
        let model = &self.model;
        if model.deploy.active {
            return self.deploy_is_active();
        }
        if model.run.active {
            let key = self.desk.keys.key(Action::Cancel);
            return Unable::info(format!("a run of checks is active; {key} on Validate cancels it"));
        }
        if model.cluster.source.is_saved() {
            let line = self.desk.keys.command("live");
            return Unable::info(format!("a saved snapshot takes no releases; {line} goes back to the cluster"));
        }
        if model.read_only {
            return self.is_read_only();
        }
        if let Some(unable) = self.unable_while_switching() {
            return Some(unable);
        }
        // Which cluster would be changed has to be known before anybody is asked.
        if model.cluster.context.is_empty() || self.asked.context.is_some() {
            return Unable::info("no cluster is connected yet");
        }
        match model.deploy.plan.asked() {
            Some(_) => None,
            None => {
                let line = self.desk.keys.command("deploy FOLDER");
                Unable::info(format!("no bundle is shown; {line} plans one"))
            }
        }
    }

    /// Whether there is something else than A to compare it with.
    fn has_two_sides(&self) -> bool {
        self.model.compared_with().is_some() && !self.model.compares_with_itself()
    }
}
