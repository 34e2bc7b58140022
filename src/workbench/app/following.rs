//! Runs that somebody else runs: looked for at the start, followed by their record or by their Jobs, and let go again.
//!
//! What is followed is shown as a run of our own is, and nothing of it can be canceled here but the following.

use super::State;
use crate::{
    ops::{
        Failure,
        run::{
            attach,
            record::{Record, RecordEnd},
        },
    },
    validate::{event::Event, plan::cleanup_command},
    workbench::{
        Screen,
        effect::Effect,
        elsewhere::{Following, Known, RunOrigin, short},
        keymap::Action,
        model::{InCluster, Run, Severity},
        overlay::Overlay,
        panes::{CHECKS, Need, RUNS},
        question::Question,
        widgets::text,
    },
};

impl State {
    // -- at the start ------------------------------------------------------------------------------------------------

    /// Once, as soon as there is a connection: whether runs that this workbench does not run have Jobs on the cluster.
    pub(super) fn look_for_runs(&mut self) -> Vec<Effect> {
        match std::mem::take(&mut self.start.looks) {
            true => {
                let generation = self.model.cluster.generation;
                vec![Effect::FindRuns { generation, namespace: None, is_asked_for: false }]
            }
            false => Vec::new(),
        }
    }

    /// What was found without anybody having asked; where it could not be looked for, the log says why.
    fn runs_seen(&mut self, generation: u64, namespace: String, answer: Result<Vec<String>, Failure>) -> Vec<Effect> {
        let Ok(runs) = answer else { return Vec::new() };
        if generation != self.model.cluster.generation || runs.is_empty() {
            return Vec::new();
        }
        self.model.records.in_cluster = Some(InCluster { namespace, runs });
        self.desk.mark(Need::Runs);
        self.desk.mark(Need::Run);
        self.start.tells = true;
        self.tell_of_runs()
    }

    /// Says which runs were seen, and follows the only one, where nothing else is shown or was asked for. What a run is called
    /// depends on the records of this machine, which may come later.
    pub(super) fn tell_of_runs(&mut self) -> Vec<Effect> {
        if self.model.records.list.loading || !std::mem::take(&mut self.start.tells) {
            return Vec::new();
        }
        let found = self.model.elsewhere();
        let [one] = found[..] else {
            let namespace = found.first().map(|first| first.namespace.to_owned());
            if let Some(namespace) = namespace {
                let (runs, line) = (text::count(found.len(), "run"), self.desk.keys.command("attach"));
                self.say(Severity::Info, format!("{runs} have Jobs in {namespace}; {line} lists them"));
            }
            return Vec::new();
        };
        let (words, run, namespace, known) = (one.words(), one.run.to_owned(), one.namespace.to_owned(), one.known);
        let (run_shown, records) = (&self.model.run, &self.model.records);
        let is_free = run_shown.id.is_empty() && records.replay.is_none() && !self.model.deploy.active;
        if !is_free || self.model.follows() || !self.start.follows {
            let line = self.desk.keys.command("attach");
            self.say(Severity::Info, format!("{words}; {line} follows it"));
            return Vec::new();
        }
        let screen = self.on_validate();
        self.say(Severity::Info, format!("{words}; followed{screen}"));
        if known == Known::Recorded {
            let effects = self.open_run(run, false);
            self.asked.quietly = Some(self.asked.run);
            return effects;
        }
        self.attach_run(run, namespace, false)
    }

    /// Where what is followed is seen, for who is not there.
    fn on_validate(&self) -> String {
        match self.desk.screen {
            Screen::Validate => " here".to_owned(),
            _ => format!(" on Validate ({})", self.desk.keys.key(Action::ScreenValidate)),
        }
    }

    // -- by their records --------------------------------------------------------------------------------------------

    /// Shows a run that another program goes on with, up to its end.
    pub(super) fn follow_record(&mut self, record: &Record, is_asked_for: bool) -> Vec<Effect> {
        let name = record.stored.name.clone();
        let generation = self.show_followed(&name, RunOrigin::Record, is_asked_for);
        record.events.iter().for_each(|event| self.model.run.fold(event.clone()));
        self.follow_run();
        if is_asked_for {
            let said = format!("run {name} goes on in another terminal, and is followed here; it is canceled there");
            self.say(Severity::Info, said);
        }
        vec![Effect::FollowRun { generation, name, from: record.events.len() }]
    }

    // -- by their Jobs -----------------------------------------------------------------------------------------------

    /// `:attach [RUN] [NAMESPACE]`: a run that somebody else started on the cluster.
    pub(super) fn attach_command(&mut self, words: &str) -> Vec<Effect> {
        if self.say_unable(self.unable_command("attach")) {
            return Vec::new();
        }
        if self.refuses_another_run() {
            return Vec::new();
        }
        let mut words = words.split_whitespace().map(str::to_owned);
        self.asked.attach = words.next();
        self.asked.run += 1;
        vec![Effect::FindRuns { generation: self.asked.run, namespace: words.next(), is_asked_for: true }]
    }

    pub(super) fn runs_found(
        &mut self,
        (generation, is_asked_for): (u64, bool),
        namespace: String,
        answer: Result<Vec<String>, Failure>,
    ) -> Vec<Effect> {
        if !is_asked_for {
            return self.runs_seen(generation, namespace, answer);
        }
        if generation != self.asked.run {
            return Vec::new();
        }
        let Some(runs) = self.good(answer) else { return Vec::new() };
        self.model.records.in_cluster = Some(InCluster { namespace: namespace.clone(), runs: runs.clone() });
        self.desk.mark(Need::Runs);
        self.desk.mark(Need::Run);
        let wanted = self.asked.attach.take();
        if wanted.is_none() && runs.len() > 1 {
            self.desk.focus_on(&RUNS);
            let (runs, key) = (text::count(runs.len(), "run"), self.desk.keys.key(Action::Enter));
            self.say(Severity::Info, format!("{runs} in namespace {namespace}; {key} follows one"));
            return Vec::new();
        }
        let chosen = attach::choose(&runs, wanted.as_deref().unwrap_or("last"), &namespace).cloned();
        self.good(chosen).map_or_else(Vec::new, |run| self.attach_run(run, namespace, true))
    }

    /// Enter on a run of the cluster.
    pub(super) fn attach_listed(&mut self, name: String) -> Vec<Effect> {
        let Some(found) = &self.model.records.in_cluster else { return Vec::new() };
        let namespace = found.namespace.clone();
        self.attach_run(name, namespace, true)
    }

    fn attach_run(&mut self, name: String, namespace: String, is_asked_for: bool) -> Vec<Effect> {
        if self.say_unable(self.unable_while_switching()) || self.refuses_another_run() {
            return Vec::new();
        }
        // A record that is on its way was asked for before.
        self.asked.run += 1;
        let generation = self.show_followed(&name, RunOrigin::Cluster, is_asked_for);
        if is_asked_for {
            let said =
                format!("run {name} goes on in the cluster, and is followed here; whoever started it can cancel it");
            self.say(Severity::Info, said);
        }
        vec![Effect::AttachRun { generation, name, namespace }]
    }

    // -- while they are followed -------------------------------------------------------------------------------------

    /// Makes room for a run that another program goes on with; who has not asked for it stays where they are.
    fn show_followed(&mut self, name: &str, origin: RunOrigin, is_asked_for: bool) -> u64 {
        self.asked.follow += 1;
        let generation = self.asked.follow;
        self.model.records.replay = None;
        self.model.records.following = Some(Following { name: name.to_owned(), generation });
        self.model.run = Run { follows: true, id: name.to_owned(), origin, ..Run::default() };
        self.desk.mark(Need::Run);
        self.desk.mark(Need::Runs);
        if is_asked_for {
            self.desk.focus_on(&CHECKS);
        }
        generation
    }

    fn is_followed(&self, generation: u64) -> bool {
        self.model.records.following.as_ref().is_some_and(|following| following.generation == generation)
    }

    pub(super) fn followed(&mut self, generation: u64, event: Event) {
        if self.is_followed(generation) {
            self.run_event(event);
        }
    }

    pub(super) fn follow_ended(&mut self, generation: u64, answer: Result<RecordEnd, Failure>) -> Vec<Effect> {
        if !self.is_followed(generation) {
            return Vec::new();
        }
        let Some(Following { name, .. }) = self.model.records.following.take() else { return Vec::new() };
        self.close_settled();
        self.desk.mark(Need::Run);
        match answer {
            Ok(RecordEnd::Ended) => {}
            Ok(RecordEnd::Left) => {
                let line = self.desk.keys.command("attach");
                self.say(Severity::Warn, format!("run {name} was left: its Jobs go on, and {line} follows them"));
            }
            Ok(RecordEnd::Interrupted) => {
                let clean = cleanup_command(&self.model.run.namespace, &name);
                let said = format!(
                    "run {name} was interrupted: its program did not see its end; `{clean}` removes what it left"
                );
                self.say(Severity::Warn, said);
            }
            Err(failure) => self.say_failure(failure),
        }
        vec![self.list_runs()]
    }

    /// Another run than the one that is followed is shown.
    pub(super) fn end_follow(&mut self) -> Option<Effect> {
        self.model.records.following.take().map(|_| Effect::EndFollow)
    }

    /// Asks before a run is not followed any more: nothing else of it can be ended here.
    pub(super) fn ask_end_follow(&mut self) {
        let Some(Following { name, .. }) = &self.model.records.following else { return };
        let who = match self.model.run.origin {
            RunOrigin::Cluster => "It goes on in the cluster, and whoever started it can cancel it.",
            RunOrigin::Own | RunOrigin::Record => "It goes on in another terminal, and is paused and canceled there.",
        };
        let lines = vec![format!("Run {name} is only followed here."), who.to_owned()];
        let choices = ["keep following", "end following"];
        self.desk.overlay = Some(Overlay::question(Question::EndFollow, "end following the run?", &lines, choices));
    }

    /// The run goes on, and what was seen of it stays.
    pub(super) fn stop_following(&mut self) -> Vec<Effect> {
        let Some(Following { name, .. }) = self.model.records.following.clone() else { return Vec::new() };
        let again = match self.model.run.origin {
            RunOrigin::Cluster => self.desk.keys.command("attach"),
            RunOrigin::Own | RunOrigin::Record => self.desk.keys.key(Action::GoRuns),
        };
        self.desk.mark(Need::Run);
        self.desk.mark(Need::Runs);
        self.say(Severity::Info, format!("run {} is not followed any more; {again} follows it again", short(&name)));
        self.end_follow().into_iter().collect()
    }

    /// While a run of ours is active, no other is shown.
    pub(super) fn refuses_another_run(&mut self) -> bool {
        if self.model.run.active {
            let key = self.desk.keys.key(Action::Cancel);
            self.say(
                Severity::Info,
                format!("a run is active; when it has ended, or {key} cancels it, others can be shown"),
            );
        }
        self.model.run.active
    }
}
