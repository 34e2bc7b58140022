//! The checks of one phase on their way.

use super::{
    Prepared, Request, Step,
    create::{self, Shared, owned},
    dispatcher::{NOT_STARTED, Steering},
    inner::{self, Inner},
    inputs::{Arrival, Arrivals, Input, Inputs, Source},
    reporter::Reporter,
};
use crate::{
    catalog::validator::Phase,
    cluster::{
        Connection,
        active_time::{self, RunClock},
        logs,
        object_watch::{Change, Observed},
        objects,
    },
    validate::{
        checks,
        curve::Measured,
        event::{Body, Moment, Severity, State, Status, Stop, Way, Why},
        input::Input as CheckInput,
        machine::{CONTAINER, Machine, Observation, Output},
        plan::{CHECK_LABEL, CheckPlan, PARALLEL},
    },
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// The reason of a check that a person canceled before it started.
const DROPPED: &str = "canceled before it started";
/// For requests under way when a phase ends.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
/// For those under way when a person leaves: what has been begun is there then, or known to be refused.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

/// A check that was started and has no result.
struct OnItsWay<'r> {
    check: &'r CheckPlan,
    machine: Machine,
    /// Tells the creator of its objects to stop, and to delete a Job that comes too late.
    given_up: Arc<AtomicBool>,
    /// Tells the reader of its output that no more of it is written.
    container_ended: watch::Sender<bool>,
}

pub(super) struct PhaseRun<'r> {
    connection: &'r Connection,
    prepared: &'r Prepared,
    shared: &'r Shared,
    clock: &'r RunClock,
    arrivals: &'r Arrivals,
    machines: Vec<OnItsWay<'r>>,
    /// Creations and deletions under way; they end with the phase, so that nothing appears after its clean-up.
    requests: JoinSet<()>,
    /// Readers of output; dropped with the phase.
    followers: JoinSet<()>,
    inner: Inner,
    /// What checks in this process know of the recipe.
    input: Arc<CheckInput>,
}

impl<'r> PhaseRun<'r> {
    pub(super) fn new(
        connection: &'r Connection,
        prepared: &'r Prepared,
        shared: &'r Shared,
        clock: &'r RunClock,
        arrivals: &'r Arrivals,
    ) -> PhaseRun<'r> {
        PhaseRun {
            connection,
            prepared,
            shared,
            clock,
            arrivals,
            machines: Vec::new(),
            requests: JoinSet::new(),
            followers: JoinSet::new(),
            inner: Inner::default(),
            input: prepared.input.clone(),
        }
    }

    /// Runs until every check has a result.
    pub(super) async fn run(
        mut self,
        phase: Phase,
        checks: Vec<&'r CheckPlan>,
        steering: &mut Steering,
        inputs: &mut Inputs,
        reporter: &mut Reporter,
    ) {
        // Without what all checks share, only those of this process can run.
        let refused = self.shared.refused.as_deref();
        let cannot_run = |check: &&CheckPlan| refused.is_some() && check.check.way == Way::Job;
        let (decided, waiting): (Vec<_>, Vec<_>) =
            checks.into_iter().partition(|check| check.decided.is_some() || cannot_run(check));
        let begin = |reporter: &mut Reporter| {
            reporter.report(Body::PhaseStarted { phase });
            for check in &decided {
                match (&check.decided, refused) {
                    (None, Some(refused)) => reporter.conclude(check, Status::Other, Why::CreateRefused, refused),
                    _ => reporter.decided(check),
                }
            }
        };
        let mut waiting: VecDeque<&CheckPlan> = waiting.into();
        let mut begun = false;
        // A check that a person has let go after a stop before it.
        let mut released = false;
        if steering.step == Step::Phases && !waiting.is_empty() {
            steering.stop(Stop::Phase { phase }, reporter);
        }
        loop {
            while !steering.paused {
                if !begun {
                    begun = true;
                    begin(reporter);
                }
                let next = waiting.front().copied().filter(|next| self.has_room(next, steering.step));
                let Some(check) = next else { break };
                if steering.step == Step::Checks && !released && !steering.dropped.contains(&check.check.name) {
                    steering.stop(Stop::Check { check: check.check.name.clone() }, reporter);
                    break;
                }
                released = false;
                waiting.pop_front();
                match steering.dropped.contains(&check.check.name) {
                    true => reporter.conclude(check, Status::Other, Why::NotStarted, DROPPED),
                    false => self.start(check, reporter),
                }
            }
            if waiting.is_empty() && self.machines.is_empty() && begun {
                self.settle().await;
                return;
            }
            match inputs.next().await {
                Input::Request(Request::Cancel) => {
                    steering.canceled = true;
                    steering.resume(true, reporter);
                    if !begun {
                        begun = true;
                        begin(reporter);
                    }
                    for check in waiting.drain(..) {
                        reporter.conclude(check, Status::Other, Why::NotStarted, NOT_STARTED);
                    }
                    self.observe_all(self.clock.now(), &Observation::Cancel, reporter);
                }
                Input::Request(Request::Leave) if steering.canceled => {}
                Input::Request(Request::Leave) => {
                    steering.left = Some(self.leave(inputs, reporter).await);
                    return;
                }
                Input::Request(Request::CancelCheck(name)) => {
                    self.observe(self.clock.now(), &name, Observation::Cancel, reporter);
                    if let Some(place) = waiting.iter().position(|check| check.check.name == name) {
                        if let Some(check) = waiting.remove(place) {
                            reporter.conclude(check, Status::Other, Why::NotStarted, DROPPED);
                        }
                    } else {
                        // Perhaps one of a later phase.
                        steering.dropped.insert(name);
                    }
                }
                Input::Request(Request::Pause) => steering.stop(Stop::Asked, reporter),
                Input::Request(Request::Continue { to_end }) => {
                    released = steering.paused;
                    steering.resume(to_end, reporter);
                }
                Input::Arrived(observed) => self.take(observed, reporter),
                Input::Paused(paused) => {
                    let text = format!(
                        "this process was paused for {} s; the time does not count against any limit",
                        paused.as_secs()
                    );
                    reporter.notice(Severity::Info, text);
                }
                Input::Tick(now) => self.observe_all(now, &Observation::Tick, reporter),
            }
        }
    }

    /// Lets requests that are under way come to their end: one that is given up may still create its object after the
    /// clean-up.
    async fn settle(&mut self) {
        let settled = async { while self.requests.join_next().await.is_some() {} };
        if active_time::timeout(SETTLE_LIMIT, settled).await.is_err() {
            self.requests.shutdown().await;
        }
    }

    /// Lets requests that are under way come to their end and takes what is seen meanwhile; the checks whose Jobs go on then.
    async fn leave(mut self, inputs: &mut Inputs, reporter: &mut Reporter) -> Vec<String> {
        let settled = async {
            loop {
                tokio::select! {
                    biased;
                    // What a request came to has arrived before it is over.
                    input = inputs.next() => if let Input::Arrived(observed) = input {
                        self.take(observed, reporter);
                    },
                    request = self.requests.join_next() => if request.is_none() {
                        return;
                    },
                }
            }
        };
        // One that is still under way then may create its Job or not: it counts as there, so that it is looked for.
        let _ = active_time::timeout(LEAVE_LIMIT, settled).await;
        let jobs = self.machines.iter().filter(|going| going.check.check.way == Way::Job);
        jobs.map(|going| going.check.check.name.clone()).collect()
    }

    /// Checks that only read run at the same time; any other runs alone, and each does where a person steps.
    fn has_room(&self, next: &CheckPlan, step: Step) -> bool {
        let all_read = self.machines.iter().all(|going| going.check.read_only);
        let together = next.read_only && all_read && step != Step::Checks && self.machines.len() < PARALLEL;
        self.machines.is_empty() || together
    }

    fn start(&mut self, check: &'r CheckPlan, reporter: &mut Reporter) {
        let name = check.check.name.clone();
        let patience_ms = u64::try_from(self.prepared.options.patience.as_millis()).unwrap_or(u64::MAX);
        let machine = Machine::new(check.check.clone(), patience_ms, self.clock.now());
        let given_up: Arc<AtomicBool> = Arc::default();
        let container_ended = watch::Sender::new(false);
        self.machines.push(OnItsWay { check, machine, given_up: given_up.clone(), container_ended });
        if check.check.way == Way::InProcess {
            return self.start_here(check, reporter);
        }
        reporter.report(Body::State { check: name.clone(), state: State::Creating });
        let objects: Vec<Value> = check.objects.iter().map(|object| owned(object, &self.shared.owner)).collect();
        let (connection, clock) = (self.connection.clone(), self.clock.clone());
        let (arrivals, keeps) = (self.arrivals.clone(), self.prepared.options.keep);
        self.requests.spawn(async move {
            if let Err(error) = create::of_check(&connection, &objects, &given_up, keeps).await {
                let what = Arrival::CreateFailed { check: name, error };
                // The run has ended where nothing takes arrivals any more.
                let _ = arrivals.send(Observed { at: clock.now(), what }).await;
            }
        });
    }

    /// Runs a check in this process: the same code that runs in a pod, over the connection of the run.
    fn start_here(&mut self, check: &'r CheckPlan, reporter: &mut Reporter) {
        let name = check.check.name.clone();
        self.observe(self.clock.now(), &name, Observation::Started, reporter);
        let Some(code) = checks::find(&name) else { return };
        let (connection, clock, arrivals) = (self.connection.clone(), self.clock.clone(), self.arrivals.clone());
        let input = self.input.clone();
        let limit = Duration::from_secs(check.check.timeout_seconds);
        self.followers.spawn(async move {
            let (lines, mut line) = mpsc::unbounded_channel();
            // One that only reads leaves nothing behind: it is dropped where it has to stop.
            let never = std::future::pending();
            let say = move |said| drop(lines.send(said));
            let running = crate::ops::check::run(&connection, code, &input, limit, never, say);
            let (passing, stamps, of) = (arrivals.clone(), clock.clone(), name.clone());
            let pass = async move {
                while let Some(said) = line.recv().await {
                    let what = Arrival::Log { check: of.clone(), line: Some(said) };
                    if passing.send(Observed { at: stamps.now(), what }).await.is_err() {
                        return;
                    }
                }
            };
            // The end comes after all lines: the last sender goes with the check.
            let (exit, ()) = tokio::join!(running, pass);
            let what = Arrival::Exited { check: name, code: exit.code, message: exit.termination_message };
            // The run has ended where nothing takes arrivals any more.
            let _ = arrivals.send(Observed { at: clock.now(), what }).await;
        });
    }

    fn take(&mut self, observed: Observed<Arrival>, reporter: &mut Reporter) {
        let Observed { at, what } = observed;
        match what {
            Arrival::Object(_, Change::Lost(error)) => {
                reporter.notice_once(Severity::Warn, format!("watch interrupted, trying again: {error}"));
            }
            Arrival::Object(_, Change::Listed { .. }) => {}
            Arrival::Object(Source::Jobs, Change::Applied(job)) => {
                self.observe_labeled(at, &job.clone(), [Observation::Job(job)], reporter);
            }
            Arrival::Object(Source::Jobs, Change::Deleted(job)) => {
                self.observe_labeled(at, &job, [Observation::JobGone], reporter);
            }
            Arrival::Object(Source::Pods, Change::Applied(pod)) => {
                reporter.pod(at.observed_at_ms, &pod, false, |check| self.goes_on(check));
                self.see_inner(&pod, reporter);
                self.observe_labeled(at, &pod.clone(), [Observation::Pod(pod)], reporter);
            }
            // The last state of a pod comes with its deletion.
            Arrival::Object(Source::Pods, Change::Deleted(pod)) => {
                reporter.pod(at.observed_at_ms, &pod, true, |check| self.goes_on(check));
                self.observe_labeled(at, &pod.clone(), [Observation::Pod(pod), Observation::PodGone], reporter);
            }
            Arrival::Object(Source::Events, Change::Applied(event)) => {
                let about = event["involvedObject"]["name"].as_str().unwrap_or_default();
                let check = self.machines.iter().find(|going| about.starts_with(&going.check.job_name));
                if let Some(name) = check.map(|going| going.check.check.name.clone()) {
                    self.observe(at, &name, Observation::Event(event), reporter);
                }
            }
            Arrival::Object(Source::Events, Change::Deleted(_)) => {}
            Arrival::Log { check, line } => {
                self.observe(at, &check, line.map_or(Observation::LogEnd, Observation::Log), reporter);
            }
            // Of a check that has ended, nothing more is told.
            Arrival::Inner(inner::Line { check, source, text }) if self.goes_on(&check) => {
                reporter.observed(at.observed_at_ms, Body::Log { check, text, source });
            }
            Arrival::Inner(_) => {}
            Arrival::Exited { check, code, message } => {
                self.observe(at, &check, Observation::Exited { code, message }, reporter);
            }
            Arrival::Namespace { check, is_ending } => {
                self.observe(at, &check, Observation::Namespace { is_ending }, reporter);
            }
            Arrival::CreateFailed { check, error } => {
                self.observe(at, &check, Observation::CreateFailed(create::words(&error)), reporter);
            }
        }
    }

    fn goes_on(&self, check: &str) -> bool {
        self.machines.iter().any(|going| going.check.check.name == check)
    }

    /// Follows what a workload writes whose check has not ended.
    fn see_inner(&mut self, pod: &Value, reporter: &mut Reporter) {
        let Some(check) = inner::made_by(pod).filter(|check| self.goes_on(check)) else { return };
        let on = (self.connection, self.clock);
        if !self.inner.see(pod, on, self.arrivals, Arrival::Inner) {
            reporter.notice_once(Severity::Info, inner::too_many(&self.prepared.plan.namespace, check));
        }
    }

    /// Observations of the check that an object is labeled with.
    fn observe_labeled(
        &mut self,
        at: Moment,
        object: &Value,
        observations: impl IntoIterator<Item = Observation>,
        reporter: &mut Reporter,
    ) {
        let check = object["metadata"]["labels"][CHECK_LABEL].as_str().unwrap_or_default();
        for observation in observations {
            self.observe(at, check, observation, reporter);
        }
    }

    fn observe_all(&mut self, at: Moment, observation: &Observation, reporter: &mut Reporter) {
        let names: Vec<String> = self.machines.iter().map(|going| going.check.check.name.clone()).collect();
        for name in names {
            self.observe(at, &name, observation.clone(), reporter);
        }
    }

    fn observe(&mut self, at: Moment, name: &str, observation: Observation, reporter: &mut Reporter) {
        let Some(index) = self.machines.iter().position(|going| going.check.check.name == name) else { return };
        let OnItsWay { check, machine, given_up, container_ended } = &mut self.machines[index];
        let outputs = machine.on(at, observation);
        if machine.is_ending() {
            container_ended.send_if_modified(|ended| !std::mem::replace(ended, true));
        }
        let (job_name, pod_name) = (check.job_name.clone(), machine.pod_name().map(str::to_owned));
        if machine.is_finished() {
            given_up.store(true, Ordering::SeqCst);
            self.machines.remove(index);
        }
        for output in outputs {
            match output {
                Output::State(state) => {
                    reporter.observed(at.observed_at_ms, Body::State { check: name.to_owned(), state });
                }
                Output::Log(text) => {
                    let row = Measured::of_line(&text);
                    reporter
                        .observed(at.observed_at_ms, Body::Log { check: name.to_owned(), text, source: String::new() });
                    if let Some(row) = row {
                        reporter.observed(at.observed_at_ms, Body::Measured { check: name.to_owned(), row });
                    }
                }
                Output::Finished(result) => {
                    // Given up, not ended: it must not go on next to what comes after it.
                    let is_job = result.way == Way::Job;
                    if is_job && result.exit_code.is_none() && !self.prepared.options.keep {
                        self.stop(job_name.clone(), pod_name.clone());
                    }
                    let body = Body::Finished { check: name.to_owned(), result: *result };
                    reporter.observed(at.observed_at_ms, body);
                }
                Output::FollowLog { pod } => self.follow(name, pod),
                Output::LookAtNamespace => self.look_at_namespace(name),
            }
        }
    }

    fn look_at_namespace(&mut self, name: &str) {
        let (connection, namespace) = (self.connection.clone(), self.prepared.plan.namespace.clone());
        let (arrivals, clock, check) = (self.arrivals.clone(), self.clock.clone(), name.to_owned());
        self.followers.spawn(async move {
            // Without an answer nothing is known of the namespace, and something smaller is the reason.
            let is_ending = match objects::find(&connection, "Namespace", "", &namespace).await {
                Ok(Some(found)) => found["status"]["phase"] == "Terminating",
                Ok(None) => true,
                Err(_) => return,
            };
            let _ = arrivals.send(Observed { at: clock.now(), what: Arrival::Namespace { check, is_ending } }).await;
        });
    }

    fn stop(&mut self, job_name: String, pod_name: Option<String>) {
        let (connection, namespace) = (self.connection.clone(), self.prepared.plan.namespace.clone());
        self.requests.spawn(async move {
            // What cannot be deleted now is named by the clean-up.
            if let Some(pod_name) = pod_name {
                let _ = objects::delete(&connection, "Pod", &namespace, &pod_name).await;
            }
            let _ = objects::delete(&connection, "Job", &namespace, &job_name).await;
        });
    }

    fn follow(&mut self, name: &str, pod: String) {
        // One that has its result needs no end of its output.
        let of_check = self.machines.iter().find(|going| going.check.check.name == name);
        let Some(ended) = of_check.map(|going| going.container_ended.subscribe()) else { return };
        let (lines, mut line) = mpsc::channel(64);
        let output = logs::Output {
            namespace: self.prepared.plan.namespace.clone(),
            pod,
            container: CONTAINER.to_owned(),
            followed_since_ms: 0,
        };
        self.followers.spawn(logs::follow(self.connection.clone(), output, self.clock.clone(), ended, lines));
        let (arrivals, check) = (self.arrivals.clone(), name.to_owned());
        self.followers.spawn(async move {
            while let Some(Observed { at, what }) = line.recv().await {
                let what = Arrival::Log { check: check.clone(), line: what };
                if arrivals.send(Observed { at, what }).await.is_err() {
                    return;
                }
            }
        });
    }
}
