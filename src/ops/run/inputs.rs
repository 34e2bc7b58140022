//! Everything that reaches the dispatcher, in the order in which it is handled: requests, what was observed, time.
//!
//! Time comes last. A tick that is due waits for what has arrived before it, and after a pause of the process for the
//! watches to have read what happened meanwhile: nothing is given up on old news.

use super::{Request, Requests, inner};
use crate::{
    cluster::{
        ClusterError, Connection,
        active_time::{Pauses, RunClock},
        object_watch::{self, Change, Observed, Scope},
    },
    validate::{
        event::Moment,
        plan::{RUN_LABEL, ValidationPlan},
    },
};
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Interval, MissedTickBehavior},
};

const TICK: Duration = Duration::from_millis(500);
/// Milliseconds that watches may take to catch up after a pause; after that, time counts again.
const CATCH_UP_LIMIT_MS: u64 = 30_000;
/// What may wait for the dispatcher, which itself never waits for anything else.
const WAITING: usize = 1024;

/// The three watches of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Jobs,
    Pods,
    Events,
}

const SOURCES: [Source; 3] = [Source::Jobs, Source::Pods, Source::Events];

/// What a task saw.
#[derive(Debug)]
pub(super) enum Arrival {
    Object(Source, Change),
    Log {
        check: String,
        line: Option<String>,
    },
    /// A line of a workload that a check created.
    Inner(inner::Line),
    CreateFailed {
        check: String,
        error: ClusterError,
    },
    /// A check in this process has ended.
    Exited {
        check: String,
        code: i32,
        message: String,
    },
    /// What was found when something of this check disappeared.
    Namespace {
        check: String,
        is_ending: bool,
    },
}

pub(super) type Arrivals = mpsc::Sender<Observed<Arrival>>;

/// What the dispatcher handles next.
#[derive(Debug)]
pub(super) enum Input {
    Request(Request),
    Arrived(Observed<Arrival>),
    /// The process did not run for this long.
    Paused(Duration),
    Tick(Moment),
}

pub(super) struct Inputs {
    requests: Requests,
    arrivals: mpsc::Receiver<Observed<Arrival>>,
    clock: RunClock,
    ticks: Interval,
    /// Arrivals to handle before the tick that is due.
    before_tick: Option<usize>,
    pauses: watch::Receiver<Pauses>,
    known: Pauses,
    catching_up: Option<CatchingUp>,
    /// What is watched.
    sources: &'static [Source],
    /// Dropped with the inputs.
    _watches: JoinSet<()>,
}

/// Watches that have not read what happened during a pause.
struct CatchingUp {
    since: Moment,
    behind: BTreeSet<Source>,
}

impl Inputs {
    /// Begins to watch the objects of a run.
    pub(super) fn start(
        connection: &Connection,
        plan: &ValidationPlan,
        clock: &RunClock,
        requests: Requests,
    ) -> (Inputs, Arrivals) {
        let (sender, arrivals) = mpsc::channel(WAITING);
        let mut watches = JoinSet::new();
        // A run that creates nothing has nothing to watch, and may have no right to.
        let sources: &[Source] = if plan.shared.is_empty() { &[] } else { &SOURCES };
        for source in sources.iter().copied() {
            let (changes, mut changed) = mpsc::channel(WAITING);
            watches.spawn(object_watch::watch(connection.clone(), scope(source, plan), clock.clone(), changes));
            let sender: Arrivals = sender.clone();
            watches.spawn(async move {
                while let Some(Observed { at, what }) = changed.recv().await {
                    if sender.send(Observed { at, what: Arrival::Object(source, what) }).await.is_err() {
                        return;
                    }
                }
            });
        }
        let mut inputs = Inputs::new(requests, arrivals, clock);
        (inputs.sources, inputs._watches) = (sources, watches);
        (inputs, sender)
    }

    fn new(requests: Requests, arrivals: mpsc::Receiver<Observed<Arrival>>, clock: &RunClock) -> Inputs {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let pauses = clock.pauses();
        let known = *pauses.borrow();
        Inputs {
            requests,
            arrivals,
            clock: clock.clone(),
            ticks,
            before_tick: None,
            pauses,
            known,
            catching_up: None,
            sources: &SOURCES,
            _watches: JoinSet::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Input {
        loop {
            let now = self.clock.now();
            if let Some(paused) = self.paused(now) {
                return Input::Paused(paused);
            }
            if self.before_tick == Some(0) {
                self.before_tick = None;
                if self.caught_up(now) {
                    return Input::Tick(now);
                }
            }
            tokio::select! {
                biased;
                request = self.requests.next() => return Input::Request(request),
                // Due, not handled: what has arrived until now comes first, and only that, so that a flood of output
                // cannot keep time from passing.
                _ = self.ticks.tick(), if self.before_tick.is_none() => self.before_tick = Some(self.arrivals.len()),
                Some(observed) = self.arrivals.recv() => {
                    self.before_tick = self.before_tick.map(|count| count.saturating_sub(1));
                    match observed.what {
                        Arrival::Object(source, Change::Listed { pauses }) => self.listed(source, pauses),
                        _ => return Input::Arrived(observed),
                    }
                }
            }
        }
    }

    fn paused(&mut self, now: Moment) -> Option<Duration> {
        let pauses = *self.pauses.borrow_and_update();
        if pauses.count == self.known.count {
            return None;
        }
        let paused = pauses.total.saturating_sub(self.known.total);
        self.known = pauses;
        self.catching_up = Some(CatchingUp { since: now, behind: self.sources.iter().copied().collect() });
        Some(paused)
    }

    fn listed(&mut self, source: Source, pauses: u64) {
        if let Some(catching_up) = &mut self.catching_up
            && pauses >= self.known.count
        {
            catching_up.behind.remove(&source);
        }
    }

    fn caught_up(&mut self, now: Moment) -> bool {
        let still_behind = self.catching_up.as_ref().is_some_and(|catching_up| {
            !catching_up.behind.is_empty() && now.since(catching_up.since) < CATCH_UP_LIMIT_MS
        });
        if !still_behind {
            self.catching_up = None;
        }
        !still_behind
    }
}

fn scope(source: Source, plan: &ValidationPlan) -> Scope {
    let namespace = &plan.namespace;
    let of_run = format!("{RUN_LABEL}={}", plan.run_id);
    match source {
        Source::Jobs => Scope { path: format!("/apis/batch/v1/namespaces/{namespace}/jobs"), selector: of_run },
        Source::Pods => Scope { path: format!("/api/v1/namespaces/{namespace}/pods"), selector: of_run },
        Source::Events => Scope { path: format!("/api/v1/namespaces/{namespace}/events"), selector: String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::{super::control, *};

    fn log(at: Moment, text: &str) -> Observed<Arrival> {
        Observed { at, what: Arrival::Log { check: "demo".into(), line: Some(text.into()) } }
    }

    fn name(input: &Input) -> String {
        match input {
            Input::Request(request) => format!("{request:?}"),
            Input::Arrived(Observed { what: Arrival::Log { line, .. }, .. }) => line.clone().unwrap_or_default(),
            Input::Arrived(other) => format!("{other:?}"),
            Input::Paused(duration) => format!("paused {} s", duration.as_secs()),
            Input::Tick(_) => "tick".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_arrived_comes_before_time_and_a_flood_does_not_stop_time() {
        let (clock, (control, requests)) = (RunClock::start(), control());
        let (sender, arrivals) = mpsc::channel(WAITING);
        let mut inputs = Inputs::new(requests, arrivals, &clock);
        for text in ["one", "two", "three"] {
            sender.send(log(clock.now(), text)).await.unwrap();
        }
        control.cancel();
        let mut seen = Vec::new();
        for count in 0..7 {
            seen.push(name(&inputs.next().await));
            // Output that never pauses: one more line for each that is handled.
            sender.send(log(clock.now(), &format!("flood {count}"))).await.unwrap();
        }
        assert_eq!(seen, ["Cancel", "one", "two", "three", "flood 0", "tick", "flood 1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_no_tick_comes_before_every_watch_has_read_what_happened() {
        let (clock, (_control, requests)) = (RunClock::start(), control());
        let (sender, arrivals) = mpsc::channel(WAITING);
        let mut inputs = Inputs::new(requests, arrivals, &clock);
        assert_eq!(name(&inputs.next().await), "tick");
        tokio::time::advance(Duration::from_secs(40)).await;
        let listed = |source| Observed { at: clock.now(), what: Arrival::Object(source, Change::Listed { pauses: 1 }) };
        assert_eq!(name(&inputs.next().await), "paused 39 s");
        for source in [Source::Jobs, Source::Pods] {
            sender.send(listed(source)).await.unwrap();
        }
        let waited = tokio::time::timeout(Duration::from_secs(5), inputs.next()).await;
        assert!(waited.is_err(), "the events have not been read: {waited:?}");
        sender.send(log(clock.now(), "news")).await.unwrap();
        sender.send(listed(Source::Events)).await.unwrap();
        assert_eq!(name(&inputs.next().await), "news");
        assert_eq!(name(&inputs.next().await), "tick");
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_does_not_catch_up_holds_time_for_a_while_only() {
        let (clock, (_control, requests)) = (RunClock::start(), control());
        let (_sender, arrivals) = mpsc::channel(WAITING);
        let mut inputs = Inputs::new(requests, arrivals, &clock);
        assert_eq!(name(&inputs.next().await), "tick");
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(name(&inputs.next().await), "paused 39 s");
        let paused = clock.now();
        assert_eq!(name(&inputs.next().await), "tick");
        let waited = clock.now().since(paused);
        assert!((CATCH_UP_LIMIT_MS..CATCH_UP_LIMIT_MS + 1000).contains(&waited), "{waited} ms");
    }
}
