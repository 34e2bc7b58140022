//! The checks that only read, evaluated over the workbench's own connection.

use super::State;
use crate::workbench::{
    effect::Effect,
    keymap::Action,
    live_checks::News,
    model::Source,
    panes::{HEALTH, Need},
};

impl State {
    /// e: evaluates them now, and from now on by themselves.
    pub(super) fn evaluate(&mut self) -> Vec<Effect> {
        self.desk.focus_on(&HEALTH);
        if self.says_unable(Action::Evaluate) {
            return Vec::new();
        }
        self.evaluation(true)
    }

    /// The same after something has changed, where a person asked for it before.
    pub(super) fn evaluate_changed(&mut self) -> Vec<Effect> {
        if self.model.live.asked { self.evaluation(false) } else { Vec::new() }
    }

    fn evaluation(&mut self, again: bool) -> Vec<Effect> {
        if self.unable_while_switching().is_some() {
            return Vec::new();
        }
        let model = &mut self.model;
        let Some(catalog) = &model.catalog.value else { return Vec::new() };
        if model.cluster.source == Source::Saved {
            return Vec::new();
        }
        // One that is being resolved comes by itself.
        let recipe = model.recipe.value.as_ref();
        let Some(generation) = model.live.begin(catalog, recipe, again) else { return Vec::new() };
        let (catalog, recipe) = (catalog.clone(), recipe.cloned());
        self.desk.mark(Need::LiveChecks);
        vec![Effect::Evaluate { generation, catalog, recipe }]
    }

    /// Another cluster is shown: nothing that is known of the old one holds.
    pub(super) fn forget_evaluated(&mut self) -> Option<Effect> {
        self.model.live.forget();
        self.desk.mark(Need::LiveChecks);
        self.model.live.asked.then_some(Effect::EndEvaluation)
    }

    pub(super) fn evaluated(&mut self, generation: u64, news: News) {
        if generation != self.model.live.generation {
            return;
        }
        self.model.live.take(news, self.model.now_ms);
        self.desk.mark(Need::LiveChecks);
    }
}
