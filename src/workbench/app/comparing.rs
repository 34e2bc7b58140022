//! What is compared anew when one of its sides has changed: recipes, what-ifs, snapshots, the upgrade.

use super::State;
use crate::{
    diff::{Change, flips},
    ops::{Failure, diff::Versus},
    workbench::{
        effect::{Baseline, Effect},
        model::{Model, Rule, UpgradeBasis, With, rules},
        panes::Need,
    },
};
use std::sync::Arc;

impl State {
    /// What a what-if would change is known; so are the constraints that it would flip.
    pub(super) fn what_if_compared(&mut self, generation: u64, answer: Result<Arc<Vec<Change>>, Failure>) {
        let Model { what_if, recipe, cluster, .. } = &mut self.model;
        if let Some(what_if) = what_if
            && what_if.changes.finish(generation, answer)
        {
            let sides = recipe.value.as_deref().zip(what_if.resolution.value.as_deref());
            let snapshot = cluster.snapshot.as_deref();
            what_if.flips = sides.map_or_else(Vec::new, |(now, then)| {
                let is_left_out = |rule: &Rule| rule.layer.is_none();
                let before = rules(now, snapshot);
                let is_new =
                    |rule: &Rule| !before.iter().any(|known| is_left_out(known) && known.set_by == rule.set_by);
                let left_out = rules(then, snapshot).into_iter().filter(|rule| is_left_out(rule) && is_new(rule));
                let left_out =
                    left_out.map(|rule| flips::left_out(&rule.set_by, &rule.name, &rule.expected, rule.verdict));
                left_out.chain(flips::of(&now.into(), &then.into(), snapshot)).collect()
            });
        }
        self.desk.mark(Need::WhatIf);
    }

    pub(super) fn compare_what_if(&mut self) -> Vec<Effect> {
        let current = self.model.recipe.value.clone();
        let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
        // Recipes for two states of the cluster differ in more than their criteria.
        if self.model.recipe.loading || what_if.resolution.loading || what_if.resolution.failure.is_some() {
            return Vec::new();
        }
        let (Some(left), Some((criteria, right))) = (current, what_if.resolution.answer()) else { return Vec::new() };
        let (criteria, right) = (criteria.clone(), right.clone());
        vec![Effect::WhatIfChanges { generation: what_if.changes.ask(criteria), left, right }]
    }

    /// What the Diff screen shows is read: the right side, and the left one where that is not the shown recipe.
    pub(super) fn read_recipe(&self, generation: u64, left: Option<String>, path: String) -> Vec<Effect> {
        let catalog = self.model.catalog.value.clone();
        catalog.map(|catalog| Effect::ReadRecipe { generation, catalog, left, path }).into_iter().collect()
    }

    pub(super) fn compare_recipes(&mut self) -> Vec<Effect> {
        let Model { recipe, diff, cluster, .. } = &self.model;
        let other = &diff.other;
        if other.loading || other.failure.is_some() {
            return Vec::new();
        }
        let shown = || recipe.value.clone().filter(|_| !recipe.loading).map(Baseline::Recipe);
        let cluster = || {
            let (name, snapshot) = (cluster.name.clone(), cluster.snapshot.clone()?);
            Some(Versus::Cluster { name, snapshot, contents: Arc::default() })
        };
        let read = other.value.clone();
        let (recipe, versus) = match &diff.with {
            None => (None, None),
            Some(With::Cluster) => (shown(), cluster()),
            Some(With::Criteria(_) | With::File(_)) => (shown(), read.map(Versus::Recipe)),
            Some(With::Each(..)) => (diff.left.clone().map(Baseline::Read), read.map(Versus::Recipe)),
            Some(With::OnCluster(_)) => (read.map(Baseline::Read), cluster()),
        };
        let (Some(recipe), Some(versus)) = (recipe, versus) else { return Vec::new() };
        self.desk.mark(Need::Diff);
        let (swapped, sides) = (self.model.diff.swapped, self.model.diff_sides());
        vec![Effect::CompareRecipes { generation: self.model.diff.changes.ask(sides), recipe, versus, swapped }]
    }

    /// Checks the upgrade, where somebody looks at it and what decides it has changed.
    pub(super) fn check_upgrade(&mut self) -> Vec<Effect> {
        // The session is with another cluster than the snapshot is of.
        if self.model.cluster.switching.is_some() {
            return Vec::new();
        }
        let Model { catalog, recipe, cluster, upgrade, .. } = &mut self.model;
        let known = (catalog.value.clone(), recipe.value.clone(), cluster.snapshot.clone());
        let (true, (Some(catalog), Some(recipe), Some(snapshot))) = (upgrade.asked, known) else { return Vec::new() };
        let basis = UpgradeBasis { catalog, recipe, snapshot, deployer: upgrade.deployer.clone() };
        if upgrade.basis.as_ref().is_some_and(|known| known.is_same(&basis)) {
            return Vec::new();
        }
        upgrade.basis = Some(basis.clone());
        self.desk.mark(Need::Upgrade);
        let (name, is_saved) = (cluster.name.clone(), cluster.source.is_saved());
        vec![Effect::CheckUpgrade { generation: upgrade.report.start(), basis, name, is_saved }]
    }

    /// What A is compared with has changed, where nobody chose it: they are compared again, after what is compared now.
    pub(super) fn compare_with_now(&mut self) -> Vec<Effect> {
        if self.model.compare.b.is_some() {
            return Vec::new();
        }
        if self.model.compare.changes.loading {
            self.behind.comparison = true;
            return Vec::new();
        }
        self.compare_snapshots()
    }

    pub(super) fn compare_snapshots(&mut self) -> Vec<Effect> {
        self.desk.mark(Need::Compare);
        if self.model.compares_with_itself() {
            self.model.compare.changes.clear();
            return Vec::new();
        }
        let (Some(a), Some(right)) = (&self.model.compare.a, self.model.compared_with()) else { return Vec::new() };
        let right = right.snapshot;
        let left = a.snapshot.clone();
        let third = self.model.compare.c.as_ref().map(|side| side.snapshot.clone());
        let rules = self.model.rules.iter().map(|rule| (rule.name.clone(), rule.expected.clone())).collect();
        self.behind.comparison = false;
        let sides = self.model.compare_sides();
        vec![Effect::CompareSnapshots { generation: self.model.compare.changes.ask(sides), left, right, third, rules }]
    }
}
