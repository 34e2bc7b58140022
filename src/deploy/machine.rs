//! The state machine of a deploy: what is done next, and what each release waits for.
//!
//! In: a plan, options, observations with their time. Out: tasks for whoever drives it, and events for whoever shows it.
//! It has no clock: time comes with every input, so that hours pass at once in a test.

use super::{
    event::{Body, Found, Outcome, Pending, State, Way},
    plan::DeployPlan,
    settle,
};
use crate::text;
use std::sync::Arc;

/// How a deploy is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Install or remove.
    pub way: Way,
    /// Go on after a failure with what does not need what has failed.
    pub best_effort: bool,
    /// Wait until objects are ready.
    pub wait: bool,
    /// Apply releases again that are there with the same content.
    pub again: bool,
    /// Tries after the first of a failure that is known to settle.
    pub retries: u32,
    /// Releases that are worked on at the same time.
    pub parallel: usize,
    /// Until a release has failed, instead of its own limit.
    pub timeout_seconds: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            way: Way::Install,
            best_effort: false,
            wait: true,
            again: false,
            retries: 5,
            parallel: 8,
            timeout_seconds: None,
        }
    }
}

/// What the machine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Start.
    Begin,
    /// Something was seen of a release.
    Observed(usize, Observation),
    /// Time went by.
    Tick,
    /// A person ends it.
    Cancel,
}

/// What was seen of a release.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// What the cluster has of it.
    Found(Found),
    /// The cluster did not say.
    Unreadable(String),
    /// Helm waits for these hooks.
    Hooks(Vec<Pending>),
    /// Helm has ended: well, or with the end of its output.
    Helm(Result<(), String>),
    /// Objects that are not ready; none where all are.
    Pending(Vec<Pending>),
    /// An object will not be ready.
    Never(Pending),
}

/// What the machine asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// To show and record.
    Report(Body),
    /// To do for a release.
    Do(usize, Task),
}

/// What is to be done for a release.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Read what the cluster has of it; the answer is `Found` or `Unreadable`.
    Look,
    /// Run Helm; `found` is what was there. The answer is `Helm`.
    Apply {
        /// What was there.
        found: Found,
        /// For Helm's own waiting.
        seconds: u64,
    },
    /// Run Helm to remove it; the answer is `Helm`.
    Remove {
        /// Whether its hooks run.
        hooks: bool,
        /// For Helm's own waiting.
        seconds: u64,
    },
    /// Watch its objects; the answers are `Pending` and `Never`.
    Await,
    /// End what is done for it. A Helm that runs is told to end, and still answers.
    Stop,
}

/// Seconds that Helm may take beyond its own limit before it is ended.
const GRACE_SECONDS: u64 = 120;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Waiting,
    Looking,
    /// Helm runs.
    Working,
    /// Helm was told to end.
    Stopping {
        because: Option<String>,
    },
    Pausing {
        until_ms: u64,
    },
    Awaiting {
        already: bool,
        pending: Vec<Pending>,
    },
    Over,
}

#[derive(Clone, Debug)]
struct One {
    step: Step,
    /// When it was begun, and when its step was.
    begun_ms: u64,
    since_ms: u64,
    found: Found,
    /// How often Helm has failed.
    tried: u32,
    /// What was reported last.
    state: Option<State>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Machine {
    plan: Arc<DeployPlan>,
    options: Options,
    releases: Vec<One>,
    canceled: bool,
    now_ms: u64,
    out: Vec<Output>,
}

impl Machine {
    /// A machine that has not begun.
    pub fn new(plan: Arc<DeployPlan>, options: Options) -> Machine {
        let one = One { step: Step::Waiting, begun_ms: 0, since_ms: 0, found: Found::Absent, tried: 0, state: None };
        let releases = vec![one; plan.releases.len()];
        Machine { plan, options, releases, canceled: false, now_ms: 0, out: Vec::new() }
    }

    /// Takes an input at a time, in milliseconds that do not go back.
    pub fn on(&mut self, now_ms: u64, input: Input) -> Vec<Output> {
        self.now_ms = now_ms;
        match input {
            Input::Begin => {}
            Input::Observed(at, observation) => self.observe(at, observation),
            Input::Tick => (0..self.releases.len()).for_each(|at| self.tick(at)),
            Input::Cancel => self.cancel(),
        }
        self.schedule();
        std::mem::take(&mut self.out)
    }

    /// Nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.releases.iter().all(|one| one.step == Step::Over)
    }

    /// How it ended, once it is over.
    pub fn outcome(&self) -> Outcome {
        let done = |one: &One| one.state.as_ref().is_some_and(State::is_done);
        match self.releases.iter().all(done) {
            true => Outcome::Done,
            false if self.canceled => Outcome::Canceled,
            false => Outcome::Failed,
        }
    }

    /// Whether a release is as it was wanted.
    pub fn is_done(&self, at: usize) -> bool {
        self.releases[at].state.as_ref().is_some_and(State::is_done)
    }

    fn report(&mut self, at: usize, state: State) {
        if self.releases[at].state.as_ref() == Some(&state) {
            return;
        }
        self.releases[at].state = Some(state.clone());
        let release = self.plan.releases[at].name.clone();
        self.out.push(Output::Report(Body::State { release, state }));
    }

    fn go(&mut self, at: usize, step: Step) {
        self.releases[at].step = step;
        self.releases[at].since_ms = self.now_ms;
    }

    fn end(&mut self, at: usize, state: State) {
        self.go(at, Step::Over);
        self.report(at, state);
    }

    fn limit_seconds(&self, at: usize) -> u64 {
        self.options.timeout_seconds.unwrap_or(self.plan.releases[at].timeout_seconds)
    }

    fn tries(&self, at: usize) -> u32 {
        self.plan.releases[at].retries.map_or(self.options.retries, |most| most.min(self.options.retries))
    }

    /// Starts what can be, and gives up what cannot be any more.
    fn schedule(&mut self) {
        for at in 0..self.releases.len() {
            if self.releases[at].step != Step::Waiting {
                continue;
            }
            if let Some(because) = self.hopeless(at) {
                self.end(at, State::NotStarted { because });
                continue;
            }
            let needs = &self.plan.releases[at].needs;
            let behind = needs.iter().filter(|need| !self.is_done(**need));
            let behind: Vec<String> = behind.map(|need| self.plan.releases[*need].name.clone()).collect();
            let busy = self.releases.iter().filter(|one| !matches!(one.step, Step::Waiting | Step::Over)).count();
            if behind.is_empty() && busy < self.options.parallel.max(1) {
                self.releases[at].begun_ms = self.now_ms;
                self.look(at);
            } else {
                self.report(at, State::Waiting { behind });
            }
        }
    }

    /// Why a release will not be started.
    fn hopeless(&self, at: usize) -> Option<String> {
        if self.canceled {
            return Some("canceled before it was begun".to_owned());
        }
        let is_lost = |one: &One| one.step == Step::Over && !one.state.as_ref().is_some_and(State::is_done);
        let lost = |place: &usize| is_lost(&self.releases[*place]);
        let name = |place: usize| &self.plan.releases[place].name;
        if let Some(need) = self.plan.releases[at].needs.iter().find(|need| lost(need)) {
            let needs = if self.options.way == Way::Install { "needs" } else { "is needed by" };
            return Some(format!("it {needs} {}", name(*need)));
        }
        let failed = (0..self.releases.len()).find(lost).filter(|_| !self.options.best_effort)?;
        Some(format!("{} failed", name(failed)))
    }

    fn look(&mut self, at: usize) {
        self.go(at, Step::Looking);
        self.report(at, State::Looking);
        self.out.push(Output::Do(at, Task::Look));
    }

    fn observe(&mut self, at: usize, observation: Observation) {
        let step = self.releases[at].step.clone();
        match (step, observation) {
            (Step::Looking, Observation::Found(found)) => self.found(at, found),
            (Step::Looking, Observation::Unreadable(why)) => {
                self.end(at, State::Failed { reason: format!("cannot read the release: {why}"), pending: Vec::new() });
            }
            (Step::Working, Observation::Hooks(waiting)) => {
                let One { found, tried, .. } = self.releases[at].clone();
                self.report(at, State::Installing { found, tried, waiting });
            }
            (Step::Working, Observation::Helm(Ok(()))) => self.applied(at),
            (Step::Working, Observation::Helm(Err(output))) => self.helm_failed(at, &output),
            (Step::Stopping { because: Some(reason) }, Observation::Helm(_)) => {
                self.end(at, State::Failed { reason, pending: Vec::new() });
            }
            (Step::Stopping { because: None }, Observation::Helm(result)) => {
                let state = match (result, self.options.way) {
                    (Ok(()), Way::Install) => {
                        State::Ready { already: false, awaited: false, seconds: self.seconds(at) }
                    }
                    (Ok(()), Way::Remove) => State::Removed { already: false },
                    (Err(_), _) => State::Canceled,
                };
                self.end(at, state);
            }
            (Step::Awaiting { already, .. }, Observation::Pending(pending)) if pending.is_empty() => {
                self.out.push(Output::Do(at, Task::Stop));
                let seconds = self.seconds(at);
                self.end(at, State::Ready { already, awaited: true, seconds });
            }
            (Step::Awaiting { already, .. }, Observation::Pending(pending)) => {
                self.releases[at].step = Step::Awaiting { already, pending: pending.clone() };
                self.report(at, State::NotReady { pending });
            }
            (Step::Awaiting { .. }, Observation::Never(object)) => {
                self.out.push(Output::Do(at, Task::Stop));
                let reason = "an object will not be ready".to_owned();
                self.end(at, State::Failed { reason, pending: vec![object] });
            }
            // News of a step that is over.
            _ => {}
        }
    }

    fn seconds(&self, at: usize) -> u64 {
        (self.now_ms - self.releases[at].begun_ms) / 1000
    }

    fn found(&mut self, at: usize, found: Found) {
        self.releases[at].found = found.clone();
        match (self.options.way, &found) {
            (Way::Remove, Found::Absent) => self.end(at, State::Removed { already: true }),
            (Way::Remove, _) => {
                self.go(at, Step::Working);
                self.report(at, State::Removing);
                let seconds = self.limit_seconds(at);
                self.out.push(Output::Do(at, Task::Remove { hooks: self.releases[at].tried == 0, seconds }));
            }
            (Way::Install, Found::Same) if !self.options.again || self.releases[at].tried > 0 => {
                self.await_it(at, true)
            }
            (Way::Install, _) => {
                self.go(at, Step::Working);
                let tried = self.releases[at].tried;
                self.report(at, State::Installing { found: found.clone(), tried, waiting: Vec::new() });
                self.out.push(Output::Do(at, Task::Apply { found, seconds: self.limit_seconds(at) }));
            }
        }
    }

    fn applied(&mut self, at: usize) {
        match self.options.way {
            Way::Remove => self.end(at, State::Removed { already: false }),
            Way::Install => self.await_it(at, false),
        }
    }

    fn await_it(&mut self, at: usize, already: bool) {
        if self.options.wait && self.plan.releases[at].is_awaited {
            self.go(at, Step::Awaiting { already, pending: Vec::new() });
            self.out.push(Output::Do(at, Task::Await));
        } else {
            let seconds = self.seconds(at);
            self.end(at, State::Ready { already, awaited: false, seconds });
        }
    }

    fn helm_failed(&mut self, at: usize, output: &str) {
        self.releases[at].tried += 1;
        let tried = self.releases[at].tried;
        let said = last_words(output);
        // Hooks that fail must not keep a release in the cluster.
        if self.options.way == Way::Remove && tried == 1 {
            return self.look(at);
        }
        match settle::reason(output).filter(|_| tried <= self.tries(at) && self.options.way == Way::Install) {
            Some(reason) => {
                let in_seconds = settle::pause_seconds(tried);
                self.go(at, Step::Pausing { until_ms: self.now_ms + in_seconds * 1000 });
                self.report(at, State::Retrying { reason: reason.to_owned(), said, tried, in_seconds });
            }
            None => {
                let times =
                    if tried > 1 { format!(" (after {})", text::count(tried as usize, "try")) } else { String::new() };
                self.end(at, State::Failed { reason: format!("Helm: {said}{times}"), pending: Vec::new() });
            }
        }
    }

    fn tick(&mut self, at: usize) {
        let since_ms = self.releases[at].since_ms;
        let limit = self.limit_seconds(at);
        let is_after = |seconds: u64| self.now_ms >= since_ms + seconds * 1000;
        match self.releases[at].step.clone() {
            Step::Pausing { until_ms } if self.now_ms >= until_ms => self.look(at),
            Step::Awaiting { pending, .. } if is_after(limit) => {
                self.out.push(Output::Do(at, Task::Stop));
                self.end(at, State::Failed { reason: format!("not ready after {limit} s"), pending });
            }
            Step::Working if is_after(limit + GRACE_SECONDS) => {
                self.out.push(Output::Do(at, Task::Stop));
                let because = Some(format!("Helm did not end within {} s", limit + GRACE_SECONDS));
                self.go(at, Step::Stopping { because });
            }
            _ => {}
        }
    }

    fn cancel(&mut self) {
        self.canceled = true;
        for at in 0..self.releases.len() {
            match self.releases[at].step {
                Step::Working => {
                    self.out.push(Output::Do(at, Task::Stop));
                    self.go(at, Step::Stopping { because: None });
                }
                Step::Looking | Step::Awaiting { .. } => {
                    self.out.push(Output::Do(at, Task::Stop));
                    self.end(at, State::Canceled);
                }
                Step::Pausing { .. } => self.end(at, State::Canceled),
                Step::Waiting | Step::Stopping { .. } | Step::Over => {}
            }
        }
    }
}

/// The lines of an output that say what went wrong; Helm writes that last.
fn last_words(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let telling = |line: &&&str| !line.starts_with("WARNING") && !line.starts_with("level=WARN");
    let told: Vec<&str> = lines.iter().filter(telling).copied().collect();
    let from = told.iter().rposition(|line| line.starts_with("Error")).unwrap_or(told.len().saturating_sub(3));
    match told[from..].join(" ") {
        said if said.is_empty() => "it failed and printed nothing".to_owned(),
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::plan, *};

    /// a; b and c need a; d needs both.
    const DIAMOND: [(&str, &[&str]); 4] = [("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])];

    struct Run {
        machine: Machine,
        plan: Arc<DeployPlan>,
        now_ms: u64,
    }

    impl Run {
        fn new(options: Options) -> Run {
            let plan = plan::plan(&plan::tests::files(&DIAMOND)).unwrap();
            let plan = Arc::new(if options.way == Way::Remove { plan.reversed() } else { plan });
            Run { machine: Machine::new(plan.clone(), options), plan, now_ms: 0 }
        }

        /// Inputs in words; what comes out in words.
        fn on(&mut self, input: Input) -> String {
            let outputs = self.machine.on(self.now_ms, input);
            let shown = outputs.into_iter().map(|output| match output {
                Output::Do(at, task) => {
                    let task = match task {
                        Task::Apply { .. } => "apply",
                        Task::Look => "look",
                        Task::Await => "await",
                        Task::Stop => "stop",
                        Task::Remove { hooks: true, .. } => "remove",
                        Task::Remove { hooks: false, .. } => "remove without hooks",
                    };
                    format!("do {} {task}", self.plan.releases[at].name)
                }
                Output::Report(Body::State { release, state }) => {
                    format!("{release} {} {}", state.word(), state.details().join(" / ")).trim().to_owned()
                }
                Output::Report(other) => format!("{other:?}"),
            });
            shown.collect::<Vec<_>>().join(", ")
        }

        fn see(&mut self, name: &str, observation: Observation) -> String {
            let at = self.plan.releases.iter().position(|release| release.name == name).unwrap();
            self.on(Input::Observed(at, observation))
        }

        fn after(&mut self, seconds: u64) -> String {
            self.now_ms += seconds * 1000;
            self.on(Input::Tick)
        }

        /// A release from nothing to ready.
        fn install(&mut self, name: &str) -> String {
            self.see(name, Observation::Found(Found::Absent));
            self.see(name, Observation::Helm(Ok(())));
            self.see(name, Observation::Pending(Vec::new()))
        }
    }

    fn failed(output: &str) -> Observation {
        Observation::Helm(Err(output.to_owned()))
    }

    fn pending(why: &str) -> Vec<Pending> {
        vec![Pending { object: "Deployment ns/x".to_owned(), why: why.to_owned() }]
    }

    #[test]
    fn releases_follow_the_graph_and_those_of_a_level_go_together() {
        let mut run = Run::new(Options::default());
        let begun = run.on(Input::Begin);
        assert_eq!(begun, "a looking, do a look, b waiting for a, c waiting for a, d waiting for b, c");
        assert_eq!(run.see("a", Observation::Found(Found::Absent)), "a installing, do a apply");
        run.now_ms = 7000;
        assert_eq!(run.see("a", Observation::Helm(Ok(()))), "do a await");
        let waits = run.see("a", Observation::Pending(pending("0 of 1 available; pod x-1: Unschedulable")));
        assert_eq!(waits, "a not ready Deployment ns/x: 0 of 1 available; pod x-1: Unschedulable");
        // The same again is no news.
        assert_eq!(run.see("a", Observation::Pending(pending("0 of 1 available; pod x-1: Unschedulable"))), "");
        run.now_ms = 9500;
        let ready = run.see("a", Observation::Pending(Vec::new()));
        assert_eq!(ready, "do a stop, a ready after 9 s, b looking, do b look, c looking, do c look");
        assert_eq!(run.install("c"), "do c stop, c ready after 0 s, d waiting for b");
        assert_eq!(run.install("b"), "do b stop, b ready after 0 s, d looking, do d look");
        assert!(!run.machine.is_over());
        run.install("d");
        assert_eq!((run.machine.is_over(), run.machine.outcome()), (true, Outcome::Done));
    }

    #[test]
    fn what_is_there_already_is_only_awaited_unless_it_is_to_be_applied_again() {
        let mut run = Run::new(Options::default());
        run.on(Input::Begin);
        assert_eq!(run.see("a", Observation::Found(Found::Same)), "do a await");
        let ready = run.see("a", Observation::Pending(Vec::new()));
        assert!(ready.starts_with("do a stop, a ready already there"), "{ready}");
        let half = run.see("b", Observation::Found(Found::Half { status: "pending-install".to_owned() }));
        assert_eq!(half, "b continuing an earlier run left it pending-install, do b apply");
        let mut run = Run::new(Options { again: true, wait: false, ..Options::default() });
        run.on(Input::Begin);
        assert_eq!(run.see("a", Observation::Found(Found::Same)), "a upgrading, do a apply");
        let ready = run.see("a", Observation::Helm(Ok(())));
        assert!(ready.starts_with("a installed after 0 s, b looking"), "{ready}");
    }

    #[test]
    fn only_what_is_known_to_settle_is_tried_again_with_growing_pauses() {
        let mut run = Run::new(Options { retries: 2, ..Options::default() });
        run.on(Input::Begin);
        run.see("a", Observation::Found(Found::Absent));
        let webhook = "Error: failed calling webhook \"x\": no endpoints";
        let expected = "a retrying a webhook does not answer yet; try 2 in 5 s / Error: failed calling webhook \"x\": no endpoints";
        assert_eq!(run.see("a", failed(webhook)), expected);
        assert_eq!(run.after(4), "");
        assert_eq!(run.after(1), "a looking, do a look");
        assert_eq!(run.see("a", Observation::Found(Found::Other)), "a upgrading try 2, do a apply");
        assert!(run.see("a", failed(webhook)).contains("try 3 in 20 s"));
        run.after(20);
        run.see("a", Observation::Found(Found::Other));
        let given_up = run.see("a", failed(webhook));
        assert!(
            given_up.starts_with(&format!("a failed Helm: {webhook} (after 3 tries), b not started it needs a")),
            "{given_up}"
        );
        let mut run = Run::new(Options::default());
        run.on(Input::Begin);
        run.see("a", Observation::Found(Found::Absent));
        let lost = run.see("a", failed("WARNING: x\nError: chart \"a\" not found\n"));
        assert!(lost.starts_with("a failed Helm: Error: chart \"a\" not found, b not started"), "{lost}");
        assert_eq!((run.machine.is_over(), run.machine.outcome()), (true, Outcome::Failed));
    }

    #[test]
    fn after_a_failure_what_runs_ends_and_nothing_else_begins_unless_best_effort() {
        for (best_effort, expected) in [(false, "d not started it needs b"), (true, "d not started it needs b")] {
            let mut run = Run::new(Options { best_effort, ..Options::default() });
            run.on(Input::Begin);
            run.install("a");
            run.see("b", Observation::Found(Found::Absent));
            let lost = run.see("b", failed("Error: x"));
            assert_eq!(lost, format!("b failed Helm: Error: x, {expected}"));
            assert!(!run.machine.is_over(), "c goes on");
            run.install("c");
            assert_eq!((run.machine.is_over(), run.machine.outcome()), (true, Outcome::Failed));
        }
        // One at a time, c is not begun when b fails, or is with best effort.
        for (best_effort, expected) in [(false, "c not started b failed"), (true, "c looking, do c look")] {
            let mut run = Run::new(Options { best_effort, parallel: 1, ..Options::default() });
            run.on(Input::Begin);
            run.install("a");
            run.see("b", Observation::Found(Found::Absent));
            let lost = run.see("b", failed("Error: x"));
            assert!(lost.contains(expected), "{lost}");
        }
    }

    #[test]
    fn a_release_that_is_not_ready_in_time_fails_with_what_it_waited_for() {
        let mut run = Run::new(Options { timeout_seconds: Some(60), ..Options::default() });
        run.on(Input::Begin);
        run.see("a", Observation::Found(Found::Absent));
        run.now_ms = 50_000;
        run.see("a", Observation::Helm(Ok(())));
        run.see("a", Observation::Pending(pending("0 of 1 available")));
        assert_eq!(run.after(59), "");
        let failed = run.after(1);
        assert!(
            failed.starts_with("do a stop, a failed not ready after 60 s / Deployment ns/x: 0 of 1 available"),
            "{failed}"
        );
        // Helm that does not end is ended.
        let mut run = Run::new(Options { timeout_seconds: Some(60), ..Options::default() });
        run.on(Input::Begin);
        run.see("a", Observation::Found(Found::Absent));
        assert_eq!(run.after(60 + GRACE_SECONDS), "do a stop");
        assert!(run.see("a", failed_by_signal()).starts_with("a failed Helm did not end within 180 s"));
        // And a Job that has failed is not waited for.
        let mut run = Run::new(Options::default());
        run.on(Input::Begin);
        run.see("a", Observation::Found(Found::Same));
        let never = run.see("a", Observation::Never(pending("it has failed: BackoffLimitExceeded").remove(0)));
        assert!(
            never.starts_with("do a stop, a failed an object will not be ready / Deployment ns/x: it has failed"),
            "{never}"
        );
    }

    fn failed_by_signal() -> Observation {
        failed("terminated by SIGTERM")
    }

    #[test]
    fn canceling_lets_helm_end_and_begins_nothing() {
        let mut run = Run::new(Options::default());
        run.on(Input::Begin);
        run.install("a");
        run.see("b", Observation::Found(Found::Absent));
        let canceled = run.on(Input::Cancel);
        let expected = "do b stop, do c stop, c canceled a later run continues from here, d not started canceled before it was begun";
        assert_eq!(canceled, expected);
        assert!(!run.machine.is_over(), "Helm has not ended");
        assert_eq!(run.see("b", failed_by_signal()), "b canceled a later run continues from here");
        assert_eq!((run.machine.is_over(), run.machine.outcome()), (true, Outcome::Canceled));
        // Helm may have been done all the same.
        let mut run = Run::new(Options::default());
        run.on(Input::Begin);
        run.see("a", Observation::Found(Found::Absent));
        run.on(Input::Cancel);
        assert_eq!(run.see("a", Observation::Helm(Ok(()))), "a installed after 0 s");
        assert_eq!(run.machine.outcome(), Outcome::Canceled);
    }

    #[test]
    fn removing_goes_backwards_and_tries_once_more_without_hooks() {
        let mut run = Run::new(Options { way: Way::Remove, ..Options::default() });
        assert_eq!(run.on(Input::Begin), "d looking, do d look, c waiting for d, b waiting for d, a waiting for c, b");
        assert_eq!(run.see("d", Observation::Found(Found::Same)), "d removing, do d remove");
        assert_eq!(run.see("d", failed("Error: hook failed")), "d looking, do d look");
        assert_eq!(run.see("d", Observation::Found(Found::Other)), "d removing, do d remove without hooks");
        let removed = run.see("d", Observation::Helm(Ok(())));
        assert_eq!(removed, "d removed, c looking, do c look, b looking, do b look");
        assert_eq!(run.see("c", Observation::Found(Found::Absent)), "c not there, a waiting for b");
        run.see("b", Observation::Found(Found::Other));
        run.see("b", failed("Error: x"));
        run.see("b", Observation::Found(Found::Other));
        let lost = run.see("b", failed("Error: x"));
        assert_eq!(lost, "b failed Helm: Error: x (after 2 tries), a not started it is needed by b");
    }

    #[test]
    fn no_more_releases_are_worked_on_than_allowed() {
        let components: Vec<String> = (0..20).map(|at| format!("c{at}")).collect();
        let components: Vec<(&str, &[&str])> = components.iter().map(|name| (&**name, &[] as &[&str])).collect();
        let plan = Arc::new(plan::plan(&plan::tests::files(&components)).unwrap());
        let mut machine = Machine::new(plan, Options { parallel: 3, ..Options::default() });
        let begun = machine.on(0, Input::Begin);
        let tasks = begun.iter().filter(|output| matches!(output, Output::Do(_, Task::Look)));
        assert_eq!(tasks.count(), 3);
    }
}
