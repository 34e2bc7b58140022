//! The time bar: kept snapshots of the watched cluster, shown instead of it, and where the selected thing changed.

use super::State;
use crate::{
    diff::{node_path, noise},
    inventory::Inventory,
    ops::{
        Failure,
        snapshots::{self, Moment},
    },
    workbench::{
        Screen,
        effect::Effect,
        keymap::Action,
        model::{Past, Severity, Source},
        msg::SnapshotSlot,
        overlay::Overlay,
        panes::{MOMENTS, NODE, NODES, NOW, Need, Pane, RowId, SHAPES},
        widgets::text,
    },
};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// What the cursor is on, as moments name what changed.
enum Thing {
    /// Any of these nodes.
    Nodes(BTreeSet<String>),
    /// Moments do not tell it from others.
    Anything,
}

impl Thing {
    fn changed_in(&self, moment: &Moment) -> bool {
        match self {
            Thing::Anything => moment.changes > 0,
            Thing::Nodes(_) => moment.things.iter().any(|thing| self.is_of(thing)),
        }
    }

    /// Whether a path is of one of the nodes.
    fn is_of(&self, path: &str) -> bool {
        match self {
            Thing::Anything => false,
            Thing::Nodes(nodes) => node_path::node_of(path).is_some_and(|node| nodes.contains(node)),
        }
    }

    fn words(&self) -> String {
        match self {
            Thing::Anything => "something".to_owned(),
            Thing::Nodes(nodes) => match nodes.first() {
                Some(node) if nodes.len() == 1 => text::clean(node).into_owned(),
                _ => format!("one of {}", text::count(nodes.len(), "node")),
            },
        }
    }
}

impl State {
    pub(super) fn list_moments(&mut self) -> Effect {
        self.desk.mark(Need::Time);
        Effect::ListMoments { generation: self.model.time.moments.start() }
    }

    /// What keys do on the Cluster screen while there is a time bar.
    pub(super) fn act_on_time(&mut self, pane: &'static Pane, action: Action) -> Option<Vec<Effect>> {
        if self.desk.screen == Screen::Compare && [Action::StepOn, Action::StepBack].contains(&action) {
            return Some(self.step_third(action == Action::StepOn));
        }
        if self.desk.screen != Screen::Cluster {
            return None;
        }
        let is_open = self.model.time.open;
        match action {
            Action::TimeBar => Some(self.toggle_time_bar()),
            Action::StepOn | Action::StepBack => Some(self.step_time(action == Action::StepOn, &Thing::Anything, true)),
            Action::NextThing | Action::PreviousThing if is_open => {
                let thing = self.thing(pane);
                Some(self.step_time(action == Action::NextThing, &thing, false))
            }
            _ => None,
        }
    }

    /// C is the next or the previous kept snapshot of its cluster.
    fn step_third(&mut self, forward: bool) -> Vec<Effect> {
        if self.says_unable(Action::StepOn) {
            return Vec::new();
        }
        let (Some(side), Some(moments)) = (&self.model.compare.c, &self.model.time.moments.value) else {
            return Vec::new();
        };
        let (cluster, at) = (snapshots::cluster_of(&side.snapshot), &side.snapshot.about.taken_at);
        let mut of_cluster = moments.iter().filter(|moment| moment.cluster == cluster);
        let found = match forward {
            true => of_cluster.find(|moment| moment.at > *at),
            false => of_cluster.rfind(|moment| moment.at < *at),
        };
        let Some(moment) = found else {
            let way = if forward { "later" } else { "earlier" };
            self.say(Severity::Info, format!("nothing {way} of this cluster is kept"));
            return Vec::new();
        };
        let name = moment.name.as_ref().unwrap_or(&moment.id);
        let place = PathBuf::from(format!("@{name}"));
        let said = format!("C is the snapshot of {}", shown_time(&moment.at));
        self.say(Severity::Info, said);
        vec![self.read(SnapshotSlot::C, place)]
    }

    fn toggle_time_bar(&mut self) -> Vec<Effect> {
        let time = &mut self.model.time;
        time.open = !time.open;
        self.desk.mark(Need::Time);
        if !time.open {
            if self.desk.focused() == &MOMENTS {
                self.desk.focus_on(&NODES);
            }
            return self.return_to_now();
        }
        // Where there is no room for it beside the others, it is the panel that is shown.
        self.desk.prepare(&self.model);
        if self.desk.layout.panel(&MOMENTS).is_none() {
            self.desk.focus_on(&MOMENTS);
        }
        if self.model.time.moments.value.is_some() && self.model.moments().is_empty() {
            // The panel says so, and how there will be some.
            return vec![self.list_moments()];
        }
        let what = self.thing(self.desk.focused()).words();
        let [before, next] = [Action::PreviousThing, Action::NextThing].map(|action| self.desk.keys.key(action));
        self.say(Severity::Info, format!("{before} and {next} go to the moments at which {what} changed"));
        vec![self.list_moments()]
    }

    fn thing(&self, pane: &'static Pane) -> Thing {
        let named = |pane: &'static Pane| self.desk.table(pane).row().and_then(|row| row.id.named().map(str::to_owned));
        if pane == &NODES || pane == &NODE {
            return named(&NODES).map_or(Thing::Anything, |node| Thing::Nodes([node].into()));
        }
        if pane == &SHAPES
            && let Some(RowId::Shape(key)) = self.desk.table(&SHAPES).row().map(|row| &row.id)
        {
            let nodes = self.model.cluster.fleet.shape(key).map_or(&[][..], |shape| &shape.nodes);
            return Thing::Nodes(nodes.iter().map(|node| node.name.to_string()).collect());
        }
        Thing::Anything
    }

    /// Goes to the nearest moment at which a thing changed, or to the nearest at all; after the last one is now.
    fn step_time(&mut self, forward: bool, thing: &Thing, every: bool) -> Vec<Effect> {
        if self.says_unable(Action::StepOn) {
            return Vec::new();
        }
        let moments = self.model.moments();
        let shown = self.model.time.past.as_ref().map(|past| past.moment.id.as_str());
        let at = shown.and_then(|id| moments.iter().position(|moment| moment.id == id)).unwrap_or(moments.len());
        let fits = |moment: &&&Moment| every || thing.changed_in(moment);
        let found = match forward {
            true => moments.get(at + 1..).into_iter().flatten().find(fits),
            false => moments[..at].iter().rfind(fits),
        };
        let (found, is_past) = (found.map(|moment| Moment::clone(moment)), shown.is_some());
        match (found, forward) {
            (Some(moment), _) => self.open_moment(moment),
            (None, true) if is_past => {
                let said = match every {
                    true => "nothing later is kept; this is now".to_owned(),
                    false => format!("{} did not change after that, as far as is kept; this is now", thing.words()),
                };
                self.say(Severity::Info, said);
                self.return_to_now()
            }
            (None, true) => {
                self.say(Severity::Info, "this is now");
                Vec::new()
            }
            (None, false) => {
                let said = match every {
                    true => "nothing earlier is kept".to_owned(),
                    false => format!("{} did not change before this, as far as is kept", thing.words()),
                };
                self.say(Severity::Info, said);
                Vec::new()
            }
        }
    }

    pub(super) fn show_moment(&mut self, id: &str) -> Vec<Effect> {
        let moment = self.model.moments().into_iter().find(|moment| moment.id == id).cloned();
        moment.map_or_else(Vec::new, |moment| self.open_moment(moment))
    }

    fn open_moment(&mut self, moment: Moment) -> Vec<Effect> {
        self.asked.moment += 1;
        vec![Effect::OpenMoment { generation: self.asked.moment, moment: Box::new(moment) }]
    }

    /// `:past @friday`, `:past now`.
    pub(super) fn past_command(&mut self, rest: &str) -> Vec<Effect> {
        self.desk.show(Screen::Cluster);
        if rest == "now" {
            return self.return_to_now();
        }
        self.model.time.open = true;
        self.desk.mark(Need::Time);
        if rest.is_empty() {
            self.desk.focus_on(&MOMENTS);
            return vec![self.list_moments()];
        }
        let found = snapshots::find_in(&self.model.moments(), rest, None);
        self.good(found).map_or_else(Vec::new, |moment| self.open_moment(moment))
    }

    pub(super) fn moment_opened(
        &mut self,
        generation: u64,
        moment: Moment,
        answer: Result<Arc<Inventory>, Failure>,
    ) -> Vec<Effect> {
        if generation != self.asked.moment {
            return Vec::new();
        }
        let Some(snapshot) = self.good(answer) else { return Vec::new() };
        let (now, source) = match self.model.time.past.take() {
            Some(past) => (past.now, past.source),
            None => (self.model.cluster.snapshot.clone(), self.model.cluster.source),
        };
        // A moment stands still by itself; what came during a pause is what to go back to.
        let paused = self.model.cluster.paused.take();
        let now = paused.and_then(|paused| paused.newest?.inventory).or(now);
        // What is selected comes before what else had changed.
        let thing = self.thing(self.desk.focused());
        let is_selected = |words: &&String| snapshots::path_of(words).is_some_and(|path| thing.is_of(path));
        let at = shown_time(&moment.at);
        let said = match (moment.words.iter().find(is_selected).or(moment.words.first()), moment.changes) {
            (None, _) if moment.since.is_none() => format!("{at}: the first one that is kept"),
            (None, _) => format!("{at}: as the snapshot before it"),
            (Some(words), 0 | 1) => format!("{at}: {}", text::clean(words)),
            (Some(words), changes) => format!("{at}: {}, and {} more", text::clean(words), changes - 1),
        };
        self.say(Severity::Info, said.clone());
        let row = RowId::from(&moment.id);
        self.model.time.past = Some(Past { moment, now, source, said });
        self.model.cluster.source = Source::Past;
        self.show_cluster(snapshot);
        self.keep_in_view(&row);
        for need in [Need::Cluster, Need::Time] {
            self.desk.mark(need);
        }
        let mut effects = self.resolve();
        effects.extend(self.compare_with_now());
        effects
    }

    /// Shows the cluster as it is; nothing where it is shown already.
    pub(super) fn return_to_now(&mut self) -> Vec<Effect> {
        // A moment that is still being read was asked for before.
        self.asked.moment += 1;
        let Some(Past { now, source, said, .. }) = self.model.time.past.take() else { return Vec::new() };
        // What was said of the moment.
        self.model.unsay(&said);
        self.model.cluster.source = source;
        if source != Source::Saved {
            self.model.cluster.arrived();
        }
        match now {
            Some(now) => drop(self.show_cluster(now)),
            None => self.model.cluster.snapshot = None,
        }
        self.keep_in_view(&RowId::from(NOW));
        for need in [Need::Cluster, Need::Time] {
            self.desk.mark(need);
        }
        let mut effects = self.resolve();
        effects.extend(self.compare_with_now());
        effects
    }

    /// The cursor of the time bar is on what is shown, so that it is in view.
    fn keep_in_view(&mut self, row: &RowId) {
        if !self.model.time.open {
            return;
        }
        // Its rows are made before the cursor can go to one.
        self.desk.prepare(&self.model);
        self.desk.table_mut(&MOMENTS).select(row);
        self.desk.mark(Need::Cursor(&MOMENTS));
    }

    /// A is the kept snapshot, B the cluster as it changes.
    pub(super) fn compare_moment(&mut self, id: &str) -> Vec<Effect> {
        (self.model.compare.b, self.model.compare.c) = (None, None);
        self.desk.show(Screen::Compare);
        vec![self.read(SnapshotSlot::A, PathBuf::from(format!("@{id}")))]
    }

    /// Switches a rule on noise, or lists them.
    pub(super) fn noise_command(&mut self, rule: &str) {
        let shown = &mut self.model.compare.noise;
        if rule.is_empty() {
            let line = |rule: &noise::Rule| {
                let state = if shown.holds(rule) { "hidden" } else { "shown" };
                format!("{:<10} {state:<7} {}\n", rule.name, rule.why)
            };
            let body: String = noise::RULES.iter().map(line).collect();
            self.desk.overlay = Some(Overlay::text("rules on noise", &body, 1));
            return;
        }
        let said = match shown.switch(rule) {
            Some(true) => (Severity::Info, format!("hidden by rule {rule}")),
            Some(false) => (Severity::Info, format!("shown in spite of rule {rule}")),
            None => (Severity::Warn, format!("unknown rule `{rule}`; {} lists them", self.desk.keys.command("noise"))),
        };
        self.desk.mark(Need::Compare);
        self.say(said.0, said.1);
    }
}

/// `2026-01-14 09:10` of a time in RFC 3339.
fn shown_time(at: &str) -> String {
    at.get(..16).unwrap_or(at).replace('T', " ")
}
