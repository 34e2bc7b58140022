//! Which errors are answered by a success that comes after them.
//!
//! An error stays in the message line until a person has answered it. One that the same action has put right since is not
//! true any more, and goes by itself; what was said of anything else stays.

use super::State;
use crate::{
    cluster::watch::LiveStatus,
    workbench::{
        model::Topic,
        msg::{Msg, RecipeSlot},
    },
};

impl State {
    /// What a message is the end of, and whether it went well; `None` for what is no end, and for answers that come too late.
    pub(super) fn outcome(&self, msg: &Msg) -> Option<(Topic, bool)> {
        let asked = &self.asked;
        let is = |newest: u64, of: &u64| newest == *of;
        match msg {
            Msg::Connected { generation, .. } => {
                is(self.model.cluster.generation, generation).then_some((Topic::Cluster, true))
            }
            Msg::ConnectFailed { generation, .. } => {
                is(self.model.cluster.generation, generation).then_some((Topic::Cluster, false))
            }
            Msg::Live { generation, view } => {
                let is_fresh = view.status == LiveStatus::Fresh && is(self.model.cluster.generation, generation);
                is_fresh.then_some((Topic::Cluster, true))
            }
            Msg::Contexts { answer, .. } => Some((Topic::Contexts, answer.is_ok())),
            Msg::Switched(answer) => Some((Topic::Switch, answer.is_ok())),
            Msg::Catalog { generation, answer } => {
                is(self.model.catalog.generation, generation).then_some((Topic::Catalog, answer.is_ok()))
            }
            Msg::Snapshot { slot, generation, answer, .. } => {
                (asked.of(*slot) == *generation).then_some((Topic::Snapshot(*slot), answer.is_ok()))
            }
            Msg::Resolved { slot, generation, answer } => {
                let newest = match slot {
                    RecipeSlot::Current => self.model.recipe.generation,
                    RecipeSlot::Other => self.model.diff.other.generation,
                    // These say why in their panels.
                    RecipeSlot::WhatIf | RecipeSlot::Kept => return None,
                };
                is(newest, generation).then_some((Topic::Recipe(*slot), answer.is_ok()))
            }
            Msg::RecipeRead { generation, answer, .. } => {
                let newest = self.model.diff.other.generation;
                is(newest, generation).then_some((Topic::Recipe(RecipeSlot::Other), answer.is_ok()))
            }
            Msg::MomentOpened { generation, answer, .. } => {
                is(asked.moment, generation).then_some((Topic::Moment, answer.is_ok()))
            }
            Msg::Kept(answer) => Some((Topic::Keeping, answer.is_ok())),
            Msg::Planned { generation, answer } => is(asked.plan, generation).then_some((Topic::Plan, answer.is_ok())),
            Msg::RunOpened { generation, answer, .. } => {
                is(asked.run, generation).then_some((Topic::Record, answer.is_ok()))
            }
            Msg::RunsCompared { generation, answer } => {
                is(asked.run, generation).then_some((Topic::Record, answer.is_ok()))
            }
            Msg::RunsFound { generation, is_asked_for: true, answer, .. } => {
                is(asked.run, generation).then_some((Topic::Runs, answer.is_ok()))
            }
            Msg::BundleRead { generation, answer } => {
                is(self.model.bundle.generation, generation).then_some((Topic::Bundle, answer.is_ok()))
            }
            Msg::DeployPlanned { generation, answer } => {
                is(self.model.deploy.plan.generation, generation).then_some((Topic::DeployPlan, answer.is_ok()))
            }
            _ => None,
        }
    }
}
