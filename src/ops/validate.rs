//! Run a validation: readiness, Jobs, events, report, clean-up.
//!
//! One task owns the machines of all checks; watches, log followers and creations send it what they see, in one channel.
//! Whatever happens, what the run created is removed, and what could not be is named.

use super::{Failure, Kind, cleanup};
use crate::{
    catalog::{Catalog, validator::Phase},
    cluster::{ClusterError, ClusterErrorKind, Connection, job},
    constraint::{self, Verdict as Judged},
    inventory::Inventory,
    recipe::Recipe,
    report::{self, Report},
    resolve::hydrate,
    snapshot::format,
    validate::{
        event::{Body, CheckResult, Event, ReadinessOutcome, Severity, Status, Verdict},
        gpu::{self, Policy},
        input::Input,
        plan::{self, CHECK_LABEL, CheckPlan, PlanOptions, RUN_LABEL, ValidationPlan},
        run::{CONTAINER, GRACE_MS, Machine, Observation, Output},
    },
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, VecDeque},
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

/// Checks that only read, at the same time.
const PARALLEL: usize = 4;
const TICK: Duration = Duration::from_millis(500);
/// For requests under way when a course ends.
const SETTLE_LIMIT: Duration = Duration::from_secs(2);
/// For a namespace that is being removed to be gone.
const NAMESPACE_LIMIT: Duration = Duration::from_secs(60);

/// A validation that was prepared and not started.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub plan: ValidationPlan,
    pub snapshot: Inventory,
    pub recipe: Recipe,
    /// What messages and reports call the recipe.
    pub recipe_name: String,
    pub conduct: Conduct,
}

/// How a run goes on when something does not pass.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// After a phase that did not pass, later phases are skipped.
    pub fail_fast: bool,
    /// Readiness constraints that cannot be evaluated do not stop the run.
    pub allow_unknown: bool,
    /// Touch no cluster: every selected check is skipped as planned.
    pub no_cluster: bool,
    /// Leave what was created.
    pub keep: bool,
    /// Leave a namespace that the run made: a report is to be written there.
    pub keep_namespace: bool,
    /// How long a pod may be unschedulable, refused or without its image before its check is given up.
    pub patience: Duration,
}

impl Default for Conduct {
    fn default() -> Conduct {
        Conduct {
            fail_fast: false,
            allow_unknown: false,
            no_cluster: false,
            keep: false,
            keep_namespace: false,
            patience: Duration::from_millis(GRACE_MS),
        }
    }
}

/// Plans a run; touches no cluster.
///
/// # Errors
/// Check names that nobody knows, values that contradict each other, documents too large for a ConfigMap.
pub fn prepare(
    catalog: &Catalog,
    recipe: Recipe,
    recipe_name: &str,
    snapshot: Inventory,
    options: &PlanOptions,
    conduct: Conduct,
) -> Result<Prepared, Failure> {
    let doing = "plan the validation";
    let policy = gpu_policy(catalog, &recipe)?;
    let input = Input::of(&recipe, policy);
    let validators = catalog.validators().map_err(super::recipe::catalog_failure)?;
    let text = crate::yaml::to_string(&format::to_value(&snapshot));
    let plan = plan::plan(&recipe, &input, &text, &validators, options).map_err(|error| {
        let failure = Failure::new(Kind::Usage, doing, error.to_string()).at(recipe_name);
        Failure { hint: error.hint(), ..failure }
    })?;
    Ok(Prepared { plan, snapshot, recipe, recipe_name: recipe_name.to_owned(), conduct })
}

/// The GPU allocation policy that the recipe's values amount to; unspecified where the recipe has neither component.
fn gpu_policy(catalog: &Catalog, recipe: &Recipe) -> Result<Policy, Failure> {
    let component = |name: &str| recipe.components.iter().find(|known| known.name == name && known.is_enabled());
    let (driver, operator) =
        (component("nvidia-dra-driver-gpu"), component("gpu-operator").or_else(|| component("gpu-operator-ocp")));
    if driver.is_none() && operator.is_none() {
        return Ok(Policy::Unspecified);
    }
    let values = |component: Option<&crate::recipe::ComponentRef>| match component {
        Some(component) => hydrate::plain(catalog, component).map(Some),
        None => Ok(None),
    };
    let doing = "decide how the recipe hands out GPUs";
    let failed = |error: crate::resolve::ResolveError| Failure::new(Kind::Usage, doing, error.to_string());
    let (driver, operator) = (values(driver).map_err(failed)?, values(operator).map_err(failed)?);
    gpu::policy(driver.as_ref(), operator.as_ref()).map_err(|error| {
        Failure::new(Kind::Usage, doing, error.to_string())
            .hint("look with `aicr explain components.nvidia-dra-driver-gpu.values` and the same of gpu-operator")
    })
}

/// A run id: UTC time and 16 random hex digits.
///
/// # Errors
/// The system has no randomness to give.
pub fn run_id(now: jiff::Timestamp) -> Result<String, Failure> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(Kind::Internal, "make a run id", error.to_string()))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{hex}", now.strftime("%Y%m%d-%H%M%S")))
}

/// The time of a run: the system's when it began, and from then on a clock that nobody sets.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began_ms: u64,
    began: tokio::time::Instant,
}

impl Clock {
    fn start() -> Clock {
        let began_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0);
        Clock { began_ms, began: tokio::time::Instant::now() }
    }

    /// Milliseconds since the epoch.
    fn now_ms(self) -> u64 {
        self.began_ms + u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Runs to the end. Events go to `events` as they happen, the last one is `Ended`; the report holds the same.
///
/// Setting `cancel` to true ends running checks at once, removes what was created, and still returns the report.
///
/// # Errors
/// The shared objects cannot be created; what was created until then is removed.
pub async fn run(
    connection: &Connection,
    prepared: &Prepared,
    events: mpsc::Sender<Event>,
    cancel: watch::Receiver<bool>,
) -> Result<Report, Failure> {
    let mut teller = Teller { events, report: Report::default(), noticed: BTreeSet::new(), clock: Clock::start() };
    let checks = prepared.plan.checks.iter().map(|check| check.check.clone()).collect();
    let planned = Body::Planned {
        run_id: prepared.plan.run_id.clone(),
        namespace: prepared.plan.namespace.clone(),
        context: connection.context.clone(),
        recipe: prepared.recipe_name.clone(),
        checks,
    };
    teller.tell(planned).await;
    for notice in &prepared.plan.notices {
        teller.notice(Severity::Warn, notice.clone()).await;
    }
    if !ready(prepared, &mut teller).await {
        return Ok(teller.end(Verdict::NotReady).await);
    }
    if prepared.conduct.no_cluster {
        for check in &prepared.plan.checks {
            teller.skip(check, "planned: --no-cluster creates nothing").await;
        }
        return Ok(teller.end(Verdict::Skipped).await);
    }
    if prepared.plan.checks.iter().all(|check| check.objects.is_empty()) {
        for check in &prepared.plan.checks {
            teller.cannot_run(check).await;
        }
        let verdict = report::verdict(&teller.report.results);
        return Ok(teller.end(verdict).await);
    }
    execute(connection, prepared, teller, cancel).await
}

/// Judges the recipe's constraints on the snapshot, one event each.
async fn ready(prepared: &Prepared, teller: &mut Teller) -> bool {
    let mut ready = true;
    for constraint in &prepared.recipe.constraints {
        let (outcome, actual, reason) = match constraint::judge(&constraint.name, &constraint.value, &prepared.snapshot)
        {
            Judged::Pass { actual, nodes: _ } => (ReadinessOutcome::Pass, Some(actual), None),
            Judged::Fail { actual, nodes } => (ReadinessOutcome::Fail, Some(actual), nodes.map(|nodes| nodes.words())),
            Judged::Unknown { actual, reason, .. } => (ReadinessOutcome::Unknown, actual, Some(reason)),
        };
        ready &= match outcome {
            ReadinessOutcome::Pass => true,
            ReadinessOutcome::Fail => false,
            ReadinessOutcome::Unknown => prepared.conduct.allow_unknown,
        };
        let (name, expected) = (constraint.name.clone(), constraint.value.clone());
        teller.tell(Body::Readiness { name, expected, outcome, actual, reason }).await;
    }
    ready
}

/// Tells events and keeps the report.
struct Teller {
    events: mpsc::Sender<Event>,
    report: Report,
    /// Notices that need no repetition.
    noticed: BTreeSet<String>,
    clock: Clock,
}

impl Teller {
    async fn tell(&mut self, body: Body) {
        let event = Event { at_ms: self.clock.now_ms(), body };
        self.report.on(&event);
        // A reader that went away does not stop the run.
        let _ = self.events.send(event).await;
    }

    async fn notice(&mut self, severity: Severity, text: String) {
        self.tell(Body::Notice { severity, text }).await;
    }

    async fn once(&mut self, severity: Severity, text: String) {
        if self.noticed.insert(text.clone()) {
            self.notice(severity, text).await;
        }
    }

    async fn end(mut self, verdict: Verdict) -> Report {
        self.tell(Body::Ended { verdict }).await;
        self.report
    }

    async fn skip(&mut self, check: &CheckPlan, reason: &str) {
        self.conclude(check, Status::Skipped, reason).await;
    }

    async fn cannot_run(&mut self, check: &CheckPlan) {
        let reason = check.cannot_run.clone().unwrap_or_default();
        self.conclude(check, Status::Other, &reason).await;
    }

    /// A result without a Job.
    async fn conclude(&mut self, check: &CheckPlan, status: Status, reason: &str) {
        let at_ms = self.clock.now_ms();
        let result = CheckResult {
            name: check.check.name.clone(),
            phase: check.check.phase,
            status,
            message: reason.to_owned(),
            exit_code: None,
            node: None,
            image: check.check.image.clone(),
            total_ms: 0,
            run_ms: 0,
            start_ms: at_ms,
            stop_ms: at_ms,
            stdout: Vec::new(),
        };
        self.tell(Body::Finished { check: check.check.name.clone(), result }).await;
    }
}

/// What reaches the task that owns the machines.
enum Seen {
    Job(Result<job::Change, ClusterError>),
    Pod(Result<job::Change, ClusterError>),
    Event(Result<job::Change, ClusterError>),
    Log { check: String, line: Option<String> },
    CreateFailed { check: String, error: ClusterError },
}

async fn execute(
    connection: &Connection,
    prepared: &Prepared,
    mut teller: Teller,
    mut cancel: watch::Receiver<bool>,
) -> Result<Report, Failure> {
    let plan = &prepared.plan;
    let shared = match create_shared(connection, plan, &mut teller).await {
        Ok(shared) => shared,
        Err(error) => {
            let outcome = cleanup::of_run(connection, &plan.namespace, &plan.run_id).await;
            teller.tell(Body::CleanedUp { removed: outcome.removed, left: outcome.left }).await;
            teller.end(Verdict::Inconclusive).await;
            return Err(error.into());
        }
    };
    let (sender, mut seen) = mpsc::channel(256);
    let watches = Watches::start(connection, plan, &sender);
    let mut cancelled = false;
    let mut stopped = false;
    let mut phases: Vec<Phase> = Vec::new();
    for check in &plan.checks {
        if !phases.contains(&check.check.phase) {
            phases.push(check.check.phase);
        }
    }
    for phase in phases {
        let checks: Vec<&CheckPlan> = plan.checks.iter().filter(|check| check.check.phase == phase).collect();
        if cancelled || stopped {
            let reason = if cancelled {
                "the run was cancelled before it started"
            } else {
                "skipped due to previous phase failure"
            };
            for check in checks {
                let status = if cancelled { Status::Other } else { Status::Skipped };
                teller.conclude(check, status, reason).await;
            }
            continue;
        }
        teller.tell(Body::PhaseStarted { phase }).await;
        let mut course = Course {
            connection,
            plan,
            owner: &shared.owner,
            patience: prepared.conduct.patience,
            keep: prepared.conduct.keep,
            sender: &sender,
            machines: Vec::new(),
            creating: JoinSet::new(),
            following: JoinSet::new(),
            halted: Arc::default(),
        };
        cancelled = course.run(checks, &mut seen, &mut cancel, &mut teller).await;
        let status = report::phase_status(phase, &teller.report.results);
        teller.tell(Body::PhaseFinished { phase, status }).await;
        use crate::validate::event::PhaseStatus::{Failed, Other};
        stopped = prepared.conduct.fail_fast && matches!(status, Failed | Other);
    }
    watches.stop();
    drop(seen);
    if prepared.conduct.keep {
        let text =
            format!("kept everything of run {}; remove it with `aicr cleanup --run-id {}`", plan.run_id, plan.run_id);
        teller.notice(Severity::Warn, text).await;
    } else {
        let mut outcome = cleanup::of_run(connection, &plan.namespace, &plan.run_id).await;
        if shared.made_namespace && !prepared.conduct.keep_namespace {
            outcome.left.extend(cleanup::of_namespace(connection, &plan.namespace).await);
        }
        teller.tell(Body::CleanedUp { removed: outcome.removed, left: outcome.left }).await;
    }
    let verdict = if cancelled { Verdict::Cancelled } else { report::verdict(&teller.report.results) };
    Ok(teller.end(verdict).await)
}

/// What all checks share, as it was created.
struct Shared {
    made_namespace: bool,
    /// The run's first ConfigMap, which owns the other objects of the namespace.
    owner: Value,
}

async fn create_shared(
    connection: &Connection,
    plan: &ValidationPlan,
    teller: &mut Teller,
) -> Result<Shared, ClusterError> {
    let mut shared = Shared { made_namespace: false, owner: Value::Null };
    for object in &plan.shared {
        if object["kind"] == "Namespace" {
            shared.made_namespace = make_namespace(connection, object, teller).await?;
            continue;
        }
        let created = job::apply(connection, &owned(object, &shared.owner)).await?;
        if shared.owner.is_null() {
            shared.owner = created;
        }
    }
    Ok(shared)
}

/// Makes the namespace unless it exists: an existing one is not ours to label. One that is on its way out, perhaps left
/// by the run before this one, is waited for.
async fn make_namespace(connection: &Connection, object: &Value, teller: &mut Teller) -> Result<bool, ClusterError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let deadline = tokio::time::Instant::now() + NAMESPACE_LIMIT;
    while let Some(found) = job::find(connection, "Namespace", "", name).await? {
        if found["status"]["phase"] != "Terminating" || tokio::time::Instant::now() >= deadline {
            return Ok(false);
        }
        teller.once(Severity::Info, format!("waiting for namespace {name}, which is being removed")).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    job::apply(connection, object).await?;
    Ok(true)
}

/// The object with the run's first ConfigMap as owner, so that deleting that one deletes all. Owners own within their
/// namespace only.
fn owned(object: &Value, owner: &Value) -> Value {
    let mut object = object.clone();
    if !owner.is_null() && object["metadata"]["namespace"] == owner["metadata"]["namespace"] {
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        }]);
    }
    object
}

/// Says which watch a change comes from.
type Wrap = fn(Result<job::Change, ClusterError>) -> Seen;

/// The three watches of a run.
struct Watches(Vec<tokio::task::JoinHandle<()>>);

impl Watches {
    fn start(connection: &Connection, plan: &ValidationPlan, sender: &mpsc::Sender<Seen>) -> Watches {
        let namespace = &plan.namespace;
        let of_run = format!("{RUN_LABEL}={}", plan.run_id);
        let wanted: [(String, &str, Wrap); 3] = [
            (format!("/apis/batch/v1/namespaces/{namespace}/jobs"), &of_run, Seen::Job),
            (format!("/api/v1/namespaces/{namespace}/pods"), &of_run, Seen::Pod),
            (format!("/api/v1/namespaces/{namespace}/events"), "", Seen::Event),
        ];
        let mut tasks = Vec::new();
        for (path, selector, wrap) in wanted {
            let (changes, mut changed) = mpsc::channel(64);
            tasks.push(tokio::spawn(job::watch(connection.clone(), path, selector.to_owned(), changes)));
            let sender = sender.clone();
            tasks.push(tokio::spawn(async move {
                while let Some(change) = changed.recv().await {
                    if sender.send(wrap(change)).await.is_err() {
                        return;
                    }
                }
            }));
        }
        Watches(tasks)
    }

    fn stop(self) {
        self.0.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

/// The checks of one phase on their way.
struct Course<'r> {
    connection: &'r Connection,
    plan: &'r ValidationPlan,
    owner: &'r Value,
    patience: Duration,
    /// Leave Jobs as they are.
    keep: bool,
    sender: &'r mpsc::Sender<Seen>,
    machines: Vec<(&'r CheckPlan, Machine)>,
    /// Creations and deletions under way; they end with the course, so that nothing appears behind its clean-up.
    creating: JoinSet<()>,
    /// Readers of output; dropped with the course.
    following: JoinSet<()>,
    /// Tells creations to make no further object.
    halted: Arc<AtomicBool>,
}

impl<'r> Course<'r> {
    /// Runs until every check has a result; says whether the run was cancelled.
    async fn run(
        &mut self,
        checks: Vec<&'r CheckPlan>,
        seen: &mut mpsc::Receiver<Seen>,
        cancel: &mut watch::Receiver<bool>,
        teller: &mut Teller,
    ) -> bool {
        let mut waiting: VecDeque<&CheckPlan> = checks.into();
        let mut ticks = tokio::time::interval(TICK);
        let mut cancelled = *cancel.borrow();
        let mut cancellable = true;
        loop {
            while !cancelled && self.has_room(waiting.front().copied()) {
                let Some(check) = waiting.pop_front() else { break };
                self.start(check, teller).await;
            }
            if cancelled {
                for check in waiting.drain(..) {
                    teller.conclude(check, Status::Other, "the run was cancelled before it started").await;
                }
                self.each(Observation::Cancel, teller).await;
            }
            if waiting.is_empty() && self.machines.is_empty() {
                self.settle().await;
                return cancelled;
            }
            tokio::select! {
                changed = cancel.changed(), if cancellable => match changed {
                    Ok(()) => cancelled = *cancel.borrow(),
                    // Nobody can cancel any more.
                    Err(_) => cancellable = false,
                },
                Some(seen) = seen.recv() => self.take(seen, teller).await,
                _ = ticks.tick() => self.each(Observation::Tick, teller).await,
            }
        }
    }

    /// Lets requests that are under way come to their end: one that is given up may still create its object, behind the
    /// back of the clean-up.
    async fn settle(&mut self) {
        self.halted.store(true, Ordering::Relaxed);
        let settled = async { while self.creating.join_next().await.is_some() {} };
        if tokio::time::timeout(SETTLE_LIMIT, settled).await.is_err() {
            self.creating.shutdown().await;
        }
    }

    /// Checks that only read run beside each other; any other runs alone.
    fn has_room(&self, next: Option<&CheckPlan>) -> bool {
        let Some(next) = next else { return false };
        let all_read = self.machines.iter().all(|(check, _)| check.read_only);
        self.machines.is_empty() || (next.read_only && all_read && self.machines.len() < PARALLEL)
    }

    async fn start(&mut self, check: &'r CheckPlan, teller: &mut Teller) {
        if check.cannot_run.is_some() {
            teller.cannot_run(check).await;
            return;
        }
        let name = check.check.name.clone();
        let grace_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        let machine = Machine::new(check.check.clone(), grace_ms, teller.clock.now_ms());
        self.machines.push((check, machine));
        teller.tell(Body::State { check: name.clone(), state: crate::validate::event::State::Creating }).await;
        let objects: Vec<Value> = check.objects.iter().map(|object| owned(object, self.owner)).collect();
        let (connection, sender, halted) = (self.connection.clone(), self.sender.clone(), self.halted.clone());
        self.creating.spawn(async move {
            if let Err(error) = create(&connection, &objects, &halted).await {
                let _ = sender.send(Seen::CreateFailed { check: name, error }).await;
            }
        });
    }

    async fn take(&mut self, seen: Seen, teller: &mut Teller) {
        match seen {
            Seen::Job(Ok(job::Change::Applied(object))) => self.of_label(object, Observation::Job, teller).await,
            Seen::Job(Ok(job::Change::Deleted(object))) => {
                self.of_label(object, |_| Observation::JobGone, teller).await
            }
            Seen::Pod(Ok(job::Change::Applied(object))) => self.of_label(object, Observation::Pod, teller).await,
            Seen::Pod(Ok(job::Change::Deleted(object))) => {
                // The last words of a pod come with its deletion.
                self.of_label(object.clone(), Observation::Pod, teller).await;
                self.of_label(object, |_| Observation::PodGone, teller).await
            }
            Seen::Event(Ok(job::Change::Applied(event))) => {
                let about = event["involvedObject"]["name"].as_str().unwrap_or_default();
                let check = self.machines.iter().find(|(check, _)| about.starts_with(&check.job_name));
                if let Some(name) = check.map(|(check, _)| check.check.name.clone()) {
                    self.observe(&name, Observation::Event(event), teller).await;
                }
            }
            Seen::Event(Ok(job::Change::Deleted(_))) => {}
            Seen::Job(Err(error)) | Seen::Pod(Err(error)) | Seen::Event(Err(error)) => {
                teller.once(Severity::Warn, format!("watching again after: {error}")).await;
            }
            Seen::Log { check, line } => {
                let observation = line.map_or(Observation::LogEnd, Observation::Log);
                self.observe(&check, observation, teller).await;
            }
            Seen::CreateFailed { check, error } => {
                let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                let message = format!("failed to {}: {}{hint}", error.doing, error.found);
                self.observe(&check, Observation::CreateFailed(message), teller).await;
            }
        }
    }

    async fn of_label(&mut self, object: Value, observation: impl Fn(Value) -> Observation, teller: &mut Teller) {
        let check = object["metadata"]["labels"][CHECK_LABEL].as_str().unwrap_or_default().to_owned();
        self.observe(&check, observation(object), teller).await;
    }

    async fn each(&mut self, observation: Observation, teller: &mut Teller) {
        let names: Vec<String> = self.machines.iter().map(|(check, _)| check.check.name.clone()).collect();
        for name in names {
            self.observe(&name, observation.clone(), teller).await;
        }
    }

    async fn observe(&mut self, name: &str, observation: Observation, teller: &mut Teller) {
        let Some(index) = self.machines.iter().position(|(check, _)| check.check.name == name) else { return };
        let outputs = self.machines[index].1.on(teller.clock.now_ms(), observation);
        let job_name = self.machines[index].0.job_name.clone();
        let pod_name = self.machines[index].1.pod_name().map(str::to_owned);
        if self.machines[index].1.is_finished() {
            self.machines.remove(index);
        }
        for output in outputs {
            match output {
                Output::State(state) => teller.tell(Body::State { check: name.to_owned(), state }).await,
                Output::Log(text) => teller.tell(Body::Log { check: name.to_owned(), text }).await,
                Output::Finished(result) => {
                    // Given up, not ended: it must not go on beside what comes next.
                    if result.exit_code.is_none() && !self.keep {
                        self.stop(job_name.clone(), pod_name.clone());
                    }
                    teller.tell(Body::Finished { check: name.to_owned(), result: *result }).await;
                }
                Output::FollowLog { pod } => self.follow(name, pod),
            }
        }
    }

    fn stop(&mut self, job_name: String, pod_name: Option<String>) {
        let (connection, namespace) = (self.connection.clone(), self.plan.namespace.clone());
        self.creating.spawn(async move {
            // What cannot be deleted now is named by the clean-up.
            if let Some(pod_name) = pod_name {
                let _ = job::delete(&connection, "Pod", &namespace, &pod_name).await;
            }
            let _ = job::delete(&connection, "Job", &namespace, &job_name).await;
        });
    }

    fn follow(&mut self, name: &str, pod: String) {
        let (lines, mut line) = mpsc::channel(64);
        let (connection, namespace) = (self.connection.clone(), self.plan.namespace.clone());
        self.following.spawn(job::follow_log(connection, namespace, pod, CONTAINER, lines));
        let (sender, check) = (self.sender.clone(), name.to_owned());
        self.following.spawn(async move {
            while let Some(line) = line.recv().await {
                if sender.send(Seen::Log { check: check.clone(), line }).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Creates objects in order until told to stop.
async fn create(connection: &Connection, objects: &[Value], halted: &AtomicBool) -> Result<(), ClusterError> {
    for object in objects {
        if halted.load(Ordering::Relaxed) {
            return Ok(());
        }
        match job::apply(connection, object).await {
            // There is no such namespace to have rights in; that is for the check to find out and to judge.
            Err(error) if error.kind == ClusterErrorKind::NotFound && is_right(object) => {}
            created => drop(created?),
        }
    }
    Ok(())
}

fn is_right(object: &Value) -> bool {
    object["kind"] == "Role" || object["kind"] == "RoleBinding"
}
