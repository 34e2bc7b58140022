//! One deploy from its lock to its end: drives the machine, and is the only writer of the log.

use super::{
    Prepared, Tool, aftermath, awaiting, preflight, tool,
    work::{self, Site},
};
use crate::{
    cluster::{Connection, active_time::RunClock, helm_record, lease},
    deploy::{
        event::{Body as Deploy, Outcome, Way},
        machine::{Input, Machine, Observation, Output, Task},
        readiness,
    },
    inventory::release::KeptIn,
    ops::{
        Failure, Kind,
        connect::Target,
        run::{Request, Requests, Writer},
    },
    report::redact,
    validate::event::{Body, Severity, Verdict},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

const TICK: Duration = Duration::from_millis(500);

/// What tasks send.
pub(super) enum Arrival {
    Observed(usize, Observation),
    Line(usize, String),
    Notice(Severity, String),
    /// Somebody else has the lock.
    LockLost,
}

/// The log, with the time of a run.
pub(super) struct Reporter {
    log: Writer,
    clock: RunClock,
}

impl Reporter {
    pub(super) fn report(&mut self, body: Body) {
        match &body {
            Body::Deploy(Deploy::State { release, state }) => {
                tracing::info!(release, state = state.word(), "{}", state.details().join("; "));
            }
            Body::Deploy(Deploy::Planned { run_id, bundle, context, .. }) => {
                tracing::info!(run_id, bundle, context, "deploy started");
            }
            Body::Deploy(Deploy::Ended { outcome }) => tracing::info!(?outcome, "deploy ended"),
            Body::Notice { text, .. } => tracing::info!("{text}"),
            _ => {}
        }
        self.log.append(self.clock.now().observed_at_ms, body);
    }

    pub(super) fn notice(&mut self, severity: Severity, text: impl Into<String>) {
        self.report(Body::Notice { severity, text: text.into() });
    }

    fn end(&mut self, outcome: Outcome) -> Outcome {
        self.report(Body::Deploy(Deploy::Ended { outcome }));
        let verdict = match outcome {
            Outcome::Done => Verdict::Passed,
            Outcome::RestartWithheld => Verdict::Inconclusive,
            Outcome::Failed => Verdict::Failed,
            Outcome::Canceled => Verdict::Canceled,
        };
        self.report(Body::Ended { verdict });
        outcome
    }
}

/// Runs to the end. Events are appended to `log` as they happen, `Ended` is the last one.
///
/// `Request::Cancel` asks Helm to end, begins nothing else and gives the lock back. What is there stays, and the next run
/// continues from it.
///
/// # Errors
/// Nothing could begin: no Helm, another deploy has the lock, the cluster is not ready for the bundle. Nothing was changed then.
pub async fn run(
    connection: &Connection,
    target: &Target,
    prepared: &Prepared,
    log: Writer,
    mut requests: Requests,
) -> Result<Outcome, Failure> {
    let clock = RunClock::start();
    let mut reporter = Reporter { log, clock: clock.clone() };
    reporter.report(Body::Deploy(Deploy::Planned {
        run_id: prepared.run_id.clone(),
        bundle: prepared.name.clone(),
        context: connection.context.clone(),
        way: prepared.wish.options.way,
        releases: prepared.plan.planned(),
    }));
    let (sender, mut arrivals) = mpsc::unbounded_channel();
    let mut is_lock_wanted = false;
    let begun = tokio::select! {
        biased;
        () = canceled(&mut requests) => None,
        begun = begin(connection, target, prepared, &mut reporter, (&sender, &mut is_lock_wanted)) => Some(begun),
    };
    let (site, lock) = match begun {
        Some(Ok(begun)) => begun,
        Some(Err(failure)) => {
            reporter.notice(Severity::Error, failure.why());
            reporter.end(Outcome::Failed);
            return Err(failure);
        }
        None => {
            // It may have been taken by then; that of another stays.
            if is_lock_wanted {
                give_back(lease::of(connection, &prepared.run_id), &mut reporter).await;
            }
            return Ok(reporter.end(Outcome::Canceled));
        }
    };
    let site = Site { clock, ..site };
    let outcome = go(&site, prepared, (sender, &mut arrivals), &mut reporter, &mut requests).await;
    give_back(lock.into_lease(), &mut reporter).await;
    Ok(reporter.end(outcome))
}

async fn give_back(lock: lease::Lease, reporter: &mut Reporter) {
    if let Err(error) = lock.give_back().await {
        reporter.notice(Severity::Warn, format!("could not release the lock: {}", error.found));
    }
}

async fn canceled(requests: &mut Requests) {
    while requests.next().await != Request::Cancel {}
}

/// The lock while it is held: it is renewed from when it is taken until it is given back.
struct Held {
    lock: lease::Lease,
    _renewal: JoinSet<()>,
}

impl Held {
    fn new(lock: lease::Lease, sender: mpsc::UnboundedSender<Arrival>) -> Held {
        let mut renewal = JoinSet::new();
        renewal.spawn(renew(lock.clone(), sender));
        Held { lock, _renewal: renewal }
    }

    /// Ends the renewal.
    fn into_lease(self) -> lease::Lease {
        self.lock
    }
}

async fn renew(lock: lease::Lease, sender: mpsc::UnboundedSender<Arrival>) {
    loop {
        tokio::time::sleep(lease::RENEWAL).await;
        let arrival = match lock.renew().await {
            Ok(true) => continue,
            Ok(false) => Arrival::LockLost,
            Err(error) => Arrival::Notice(Severity::Warn, format!("the lock was not renewed: {}", error.found)),
        };
        let ends = matches!(arrival, Arrival::LockLost);
        if sender.send(arrival).is_err() || ends {
            return;
        }
    }
}

/// What has to be there before anything is changed.
async fn begin(
    connection: &Connection,
    target: &Target,
    prepared: &Prepared,
    reporter: &mut Reporter,
    (sender, is_lock_wanted): (&mpsc::UnboundedSender<Arrival>, &mut bool),
) -> Result<(Site, Held), Failure> {
    let (tool, shown) = tool(connection, target, prepared).await?;
    reporter.notice(Severity::Info, format!("with {shown}"));
    if let Some(changed) = &prepared.changed {
        reporter.notice(Severity::Warn, format!("the bundle is not as it was written: {changed}"));
    }
    let kept_in = helm_record::kept_in()?;
    let said = |holder: &str, limit: Duration| {
        let limit = limit.as_secs();
        reporter.notice(
            Severity::Info,
            format!("run {holder} holds the lock; it is taken over unless renewed within {limit} s"),
        );
    };
    *is_lock_wanted = true;
    let lock = Held::new(lease::take(connection, &prepared.run_id, said).await?, sender.clone());
    match ready(connection, prepared, (tool, kept_in), reporter).await {
        Ok(site) => Ok((site, lock)),
        Err(failure) => {
            give_back(lock.into_lease(), reporter).await;
            Err(failure)
        }
    }
}

/// What is looked at under the lock.
async fn ready(
    connection: &Connection,
    prepared: &Prepared,
    (tool, kept_in): (Tool, KeptIn),
    reporter: &mut Reporter,
) -> Result<Site, Failure> {
    let checked = match prepared.wish.options.way {
        Way::Install => preflight::install(connection, &prepared.plan).await,
        Way::Remove if prepared.wish.skip_preflight => Ok(preflight::Found::default()),
        Way::Remove => preflight::remove(connection, kept_in, &prepared.plan).await,
    };
    let found = checked?;
    found.warnings.iter().for_each(|text| reporter.notice(Severity::Warn, text));
    if !found.problems.is_empty() {
        let because = found.problems.join("; ");
        let failure = Failure::new(Kind::Unreachable, "begin", because).at(connection.at());
        return Err(failure.hint(found.hint));
    }
    let folder = work::Folder::with(&prepared.content.0)?;
    Ok(Site { connection: connection.clone(), tool, kept_in, folder: Arc::new(folder), clock: reporter.clock.clone() })
}

/// Everything between lock and end.
async fn go(
    site: &Site,
    prepared: &Prepared,
    (sender, arrivals): (mpsc::UnboundedSender<Arrival>, &mut mpsc::UnboundedReceiver<Arrival>),
    reporter: &mut Reporter,
    requests: &mut Requests,
) -> Outcome {
    let told = Told(sender.clone());
    let mut tasks = Tasks { site: site.clone(), prepared, sender, running: BTreeMap::new(), work: JoinSet::new() };
    let mut machine = Machine::new(prepared.plan.clone(), prepared.wish.options);
    let mut ticks = tokio::time::interval(TICK);
    let mut input = Input::Begin;
    loop {
        for output in machine.on(site.clock.now().active_ms, input) {
            match output {
                Output::Report(body) => reporter.report(Body::Deploy(body)),
                Output::Do(at, task) => tasks.start(at, task),
            }
        }
        if machine.is_over() {
            break;
        }
        input = loop {
            tokio::select! {
                biased;
                request = requests.next() => if request == Request::Cancel {
                    reporter.notice(Severity::Warn, "canceled: Helm is asked to end");
                    break Input::Cancel;
                },
                Some(arrival) = arrivals.recv() => match arrival {
                    Arrival::Observed(at, observation) => break Input::Observed(at, observation),
                    Arrival::Line(at, text) => {
                        let release = prepared.plan.releases[at].name.clone();
                        let text = redact::text(&text).into_owned();
                        reporter.report(Body::Deploy(Deploy::Log { release, text }));
                    }
                    Arrival::Notice(severity, text) => reporter.notice(severity, text),
                    Arrival::LockLost => {
                        reporter.notice(Severity::Error, LOST);
                        break Input::Cancel;
                    }
                },
                _ = ticks.tick() => break Input::Tick,
            }
        };
    }
    tasks.work.shutdown().await;
    let outcome = machine.outcome();
    let mut interruptions = Interruptions { requests, arrivals, reporter, told, is_lock_lost: false };
    match prepared.wish.options.way {
        Way::Remove if outcome != Outcome::Canceled => {
            let after = aftermath::namespaces(site, prepared, &mut interruptions).await;
            if outcome == Outcome::Done { after } else { outcome }
        }
        Way::Install if outcome == Outcome::Done && prepared.wish.options.wait => {
            aftermath::restart_dra(site, prepared, &mut interruptions).await
        }
        _ => outcome,
    }
}

const LOST: &str = "another deploy took over the lock; stopping";

/// What ends the work that comes after the machine, as it ends that of the machine; what arrives meanwhile is reported.
pub(super) struct Interruptions<'r> {
    requests: &'r mut Requests,
    arrivals: &'r mut mpsc::UnboundedReceiver<Arrival>,
    reporter: &'r mut Reporter,
    told: Told,
    is_lock_lost: bool,
}

impl Interruptions<'_> {
    /// The output of some work, which says by `Told` what is to be known; none where it is to end before.
    pub(super) async fn or<T, W: Future<Output = T>>(&mut self, work: impl FnOnce(Told) -> W) -> Option<T> {
        if self.is_lock_lost {
            return None;
        }
        let mut work = std::pin::pin!(work(self.told.clone()));
        let done = loop {
            tokio::select! {
                biased;
                () = canceled(self.requests) => return None,
                Some(arrival) = self.arrivals.recv() => {
                    self.take(arrival);
                    if self.is_lock_lost {
                        return None;
                    }
                }
                done = &mut work => break done,
            }
        };
        while let Ok(arrival) = self.arrivals.try_recv() {
            self.take(arrival);
        }
        Some(done)
    }

    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::LockLost => {
                self.is_lock_lost = true;
                self.notice(Severity::Error, LOST);
            }
            Arrival::Notice(severity, text) => self.notice(severity, text),
            // Of tasks that have ended.
            Arrival::Observed(..) | Arrival::Line(..) => {}
        }
    }

    pub(super) fn notice(&mut self, severity: Severity, text: impl Into<String>) {
        self.reporter.notice(severity, text);
    }
}

/// What is done for releases.
struct Tasks<'p> {
    site: Site,
    prepared: &'p Prepared,
    sender: mpsc::UnboundedSender<Arrival>,
    running: BTreeMap<usize, Running>,
    work: JoinSet<()>,
}

struct Running {
    stop: watch::Sender<bool>,
    task: tokio::task::AbortHandle,
    /// Helm is asked to end and answers; everything else is dropped.
    is_helm: bool,
}

impl Tasks<'_> {
    fn start(&mut self, at: usize, task: Task) {
        if task == Task::Stop {
            match self.running.get(&at) {
                Some(running) if running.is_helm => drop(running.stop.send(true)),
                Some(running) => running.task.abort(),
                None => {}
            }
            return;
        }
        let (stop, stopped) = watch::channel(false);
        let is_helm = matches!(task, Task::Apply { .. } | Task::Remove { .. });
        let release = self.prepared.plan.releases[at].clone();
        let (site, sender) = (self.site.clone(), self.sender.clone());
        let abort = self.work.spawn(async move {
            let told = Told(sender);
            let observation = match task {
                Task::Look => match work::look(&site.connection, site.kept_in, &release).await {
                    Ok((found, _)) => Observation::Found(found),
                    Err(error) => Observation::Unreadable(error.found),
                },
                Task::Apply { found, seconds } => {
                    let mut stopped = stopped;
                    let (lines, hooks) = (told.clone(), told.clone());
                    let line = move |text| lines.tell(Arrival::Line(at, text));
                    let applying = work::apply(&site, &release, (&found, seconds), &mut stopped, line);
                    let hooks = work::watch_hooks(&site, &release, move |waiting| {
                        hooks.tell(Arrival::Observed(at, Observation::Hooks(waiting)));
                    });
                    tokio::select! {
                        applied = applying => Observation::Helm(without_credentials(applied)),
                        () = hooks => Observation::Helm(Err("nothing is watched any more".to_owned())),
                    }
                }
                Task::Remove { hooks, seconds } => {
                    let mut stopped = stopped;
                    let lines = told.clone();
                    let line = move |text| lines.tell(Arrival::Line(at, text));
                    let removed = work::remove(&site, &release, (hooks, seconds), &mut stopped, line).await;
                    Observation::Helm(without_credentials(removed))
                }
                Task::Await => {
                    match work::look(&site.connection, site.kept_in, &release).await {
                        Ok((_, record)) => {
                            let manifest = record.map(|record| work::objects(&record.manifest)).unwrap_or_default();
                            let awaited = readiness::awaited(&manifest, &release.namespace);
                            let said = |observation| told.tell(Arrival::Observed(at, observation));
                            awaiting::until_ready(&site.connection, &site.clock, awaited, said).await;
                        }
                        Err(error) => {
                            let object = format!("release {}", release.name);
                            let never = crate::deploy::event::Pending { object, why: error.found };
                            told.tell(Arrival::Observed(at, Observation::Never(never)));
                        }
                    }
                    return;
                }
                Task::Stop => return,
            };
            told.tell(Arrival::Observed(at, observation));
        });
        self.running.insert(at, Running { stop, task: abort, is_helm });
    }
}

/// What Helm says is shown and recorded.
fn without_credentials(ended: Result<(), String>) -> Result<(), String> {
    ended.map_err(|said| redact::text(&said).into_owned())
}

/// Sends; a deploy that has ended takes no notice.
#[derive(Clone)]
pub(super) struct Told(mpsc::UnboundedSender<Arrival>);

impl Told {
    pub(super) fn notice(&self, severity: Severity, text: impl Into<String>) {
        self.tell(Arrival::Notice(severity, text.into()));
    }

    fn tell(&self, arrival: Arrival) {
        let _ = self.0.send(arrival);
    }
}
