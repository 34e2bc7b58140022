//! The time bar: kept snapshots of the watched cluster, shown instead of it on every screen, and where the selected thing changed.

use super::{State, Unable};
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
        model::{Past, Severity, Source, With},
        msg::SnapshotSlot,
        overlay::Overlay,
        panes::{self, MOMENTS, NODE, NODES, NOW, Need, Pane, RowId, SHAPES},
        time_line::Shown,
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
                // One may be called as this program is.
                Some(node) if nodes.len() == 1 => format!("node {}", text::clean(node)),
                _ => format!("one of {}", text::count(nodes.len(), "node")),
            },
        }
    }
}

/// Why a screen is the same at every moment.
pub struct Stays {
    /// In a few words.
    pub brief: &'static str,
    pub said: String,
}

impl State {
    /// Why what the screen shows does not change with time.
    pub(in crate::workbench) fn stays(&self) -> Option<Stays> {
        const ELSEWHERE: &str = "the other screens show other moments";
        let model = &self.model;
        let stays = |brief, said| Some(Stays { brief, said });
        match (self.desk.screen, &model.diff.with) {
            (Screen::Diff, Some(With::Each(..))) if !panes::shows_upgrades(self.desk.focused()) => stays(
                "the same at every moment",
                "two recipes are compared, which are the same at every moment of the cluster".to_owned(),
            ),
            (Screen::Validate, _) if model.deploy.active => {
                stays("a deploy is of now", format!("a deploy is active, on the cluster as it is now; {ELSEWHERE}"))
            }
            (Screen::Validate, _) if model.run.active || model.follows() => {
                stays("a run is of now", format!("a run is active, on the cluster as it is now; {ELSEWHERE}"))
            }
            (Screen::Validate, _) if self.steps_run() => {
                let [back, on] = [Action::StepBack, Action::StepOn].map(|action| self.desk.keys.key(action));
                let said = format!("a recorded run stays as it was; {back} and {on} step through it, and {ELSEWHERE}");
                stays("a recorded run stays as it was", said)
            }
            (Screen::Validate, _) if !model.run.checks.is_empty() => {
                stays("this run stays as it was", format!("the run that is shown stays as it was; {ELSEWHERE}"))
            }
            _ => None,
        }
    }

    /// A step is one through the recorded run that is shown.
    pub(super) fn steps_run(&self) -> bool {
        self.desk.screen == Screen::Validate && self.model.records.replay.is_some()
    }

    /// A step is one of what A is compared with, as C.
    pub(in crate::workbench) fn steps_third(&self) -> bool {
        self.desk.screen == Screen::Compare && self.model.compare.a.is_some()
    }

    /// A step shows another moment, and the frame has a line that says which.
    pub(in crate::workbench) fn steps_in_time(&self) -> bool {
        self.desk.layout.time.is_some() && !self.steps_run() && self.unable(Action::StepOn).is_none()
    }

    /// The moments that steps on this screen go through.
    pub(in crate::workbench) fn stepped_moments(&self) -> Vec<&Moment> {
        if self.steps_third() { self.model.third_moments() } else { self.model.moments() }
    }

    /// Which of them the screen shows.
    pub(in crate::workbench) fn shown_in_time(&self) -> Shown<'_> {
        let model = &self.model;
        match (self.steps_third(), &model.compare.c, model.third_moment()) {
            (false, ..) => Shown::of(model.time.past.as_ref().map(|past| &past.moment)),
            (true, _, Some(moment)) => Shown::Moment(&moment.id),
            (true, None, None) if model.saved_sides().is_none() => Shown::Now,
            (true, ..) => Shown::Other,
        }
    }

    /// Why no step can be done on this screen, but that there is no moment in that direction.
    pub(super) fn unable_to_step(&self) -> Option<Unable> {
        if self.steps_run() {
            return None;
        }
        if let Some(stays) = self.stays() {
            return Unable::info(stays.said);
        }
        match &self.model.time.moments.value {
            None => Unable::info("the kept snapshots are not read yet"),
            Some(_) if self.stepped_moments().is_empty() => Unable::info("no snapshot of this cluster is kept yet"),
            Some(_) => None,
        }
    }

    pub(super) fn list_moments(&mut self) -> Effect {
        self.desk.mark(Need::Time);
        Effect::ListMoments { generation: self.model.time.moments.start() }
    }

    /// What keys do in time.
    pub(super) fn act_on_time(&mut self, pane: &'static Pane, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::TimeBar => Some(self.toggle_time_bar()),
            Action::StepOn | Action::StepBack if self.steps_run() => None,
            Action::StepOn | Action::StepBack if self.steps_third() => Some(self.step_third(action == Action::StepOn)),
            Action::StepOn | Action::StepBack => Some(self.step_time(action == Action::StepOn, &Thing::Anything, true)),
            // Other screens have changes, failures and differences of their own.
            Action::NextThing | Action::PreviousThing
                if self.model.time.open && self.desk.screen == Screen::Cluster =>
            {
                let thing = self.thing(pane);
                Some(self.step_time(action == Action::NextThing, &thing, false))
            }
            _ => None,
        }
    }

    /// C is the next or the previous kept snapshot of its cluster; where there is no C yet, it begins with the newest one, and
    /// ends behind that where B is the cluster as it is now.
    fn step_third(&mut self, forward: bool) -> Vec<Effect> {
        if self.says_unable(Action::StepOn) {
            return Vec::new();
        }
        let moments = self.model.third_moments();
        let at = self.model.compare.c.as_ref().map(|side| side.snapshot.about.taken_at.as_str());
        let found = match (at, forward) {
            (Some(at), true) => moments.iter().find(|moment| *moment.at > *at),
            (Some(at), false) => moments.iter().rfind(|moment| *moment.at < *at),
            (None, true) => None,
            (None, false) => moments.last(),
        };
        if let Some(moment) = found {
            let name = moment.name.as_ref().unwrap_or(&moment.id);
            let place = PathBuf::from(format!("@{name}"));
            let said = format!("C is the snapshot of {}", shown_time(&moment.at));
            self.say(Severity::Info, said);
            return vec![self.read(SnapshotSlot::C, place)];
        }
        let is_with_now = self.model.compare.b.is_none() && self.model.cluster_now().is_some();
        let back = self.desk.keys.key(Action::StepBack);
        let said = match (self.model.compare.c.is_some(), forward) {
            (true, true) if is_with_now => {
                // One that is still being read was asked for before.
                *self.asked.snapshot(SnapshotSlot::C) += 1;
                self.model.compare.c = None;
                self.say(Severity::Info, "nothing later is kept; A is compared with the cluster as it is now");
                return self.compare_snapshots();
            }
            (false, _) => format!("no third snapshot is compared; {back} begins with the newest one that is kept"),
            (true, true) => "nothing later of this cluster is kept".to_owned(),
            (true, false) => "nothing earlier of this cluster is kept".to_owned(),
        };
        self.say(Severity::Info, said);
        Vec::new()
    }

    fn toggle_time_bar(&mut self) -> Vec<Effect> {
        if self.says_unable(Action::TimeBar) {
            return Vec::new();
        }
        let time = &mut self.model.time;
        time.open = !time.open;
        self.desk.mark(Need::Time);
        if !time.open {
            self.desk.leave(&MOMENTS);
            return self.return_to_now();
        }
        if self.desk.screen == Screen::Cluster {
            // Where there is no room for it beside the others, it is the panel that is shown.
            self.desk.prepare(&self.model);
            if self.desk.layout.panel(&MOMENTS).is_none() {
                self.desk.focus_on(&MOMENTS);
            }
        }
        if self.model.time.moments.value.is_some() && self.stepped_moments().is_empty() {
            // The bar says so.
            return vec![self.list_moments()];
        }
        let key = |action| self.desk.keys.key(action);
        let said = if self.desk.screen == Screen::Cluster {
            let what = self.thing(self.desk.focused()).words();
            let [before, next] = [Action::PreviousThing, Action::NextThing].map(key);
            format!("{before} and {next} go to the moments at which {what} changed")
        } else {
            let [before, next] = [Action::StepBack, Action::StepOn].map(key);
            match self.steps_third() {
                true => format!("{before} and {next} compare A with the kept snapshots, one after the other, as C"),
                false => {
                    format!("{before} and {next} show the cluster as it was in the kept snapshots, on every screen")
                }
            }
        };
        self.say(Severity::Info, said);
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
