//! Runs effects beside the loop; their answers come back as messages.

use crate::{
    catalog::Catalog,
    cluster::{Connection, PluginOutput, watch::LiveView},
    deploy::machine::Options,
    diff,
    document::{header::Edition, side::Side},
    inventory::Inventory,
    ops::{
        self, Failure, Kind, bundle,
        config::Applied,
        deploy,
        place::{self, Format, Place},
        run::{
            Control, EventLog, Invocation, Prepared, Reader, attach, live, previous,
            record::{self, RecordEnd},
        },
        session::Session,
        snapshots::{self, Limits, Recorder},
        storage,
        upgrade::{self, installed::Live},
    },
    resolve::Resolution,
    store::{self, catalog_dir::Sources, copy::PrivateCopy},
    term,
    validate::event::Event,
    workbench::{
        RunOptions,
        effect::Effect,
        live_checks::News,
        model::{UpgradeBasis, What},
        msg::{Log, Msg, Written},
        operations::{self, Key},
        overlay::Files,
    },
};
use std::{
    cell::Cell,
    collections::HashMap,
    path::Path,
    process::Stdio,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    runtime::Handle,
    sync::{mpsc, watch},
    task::{AbortHandle, JoinHandle},
    time::Instant,
};

/// Longest wait for a program that takes a text.
const COPYING: Duration = Duration::from_secs(3);
/// After that a patch is longer than it has to be.
const COMPARING: Duration = Duration::from_secs(5);

/// Whether a program has taken a text on its standard input.
async fn given(words: &[&str], text: &str) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take()
        && input.write_all(text.as_bytes()).await.is_err()
    {
        return false;
    }
    child.wait().await.is_ok_and(|status| status.success())
}

/// Runs effects; answers go into its channel.
pub(in crate::workbench) struct Worker {
    session: Session,
    sources: Sources,
    options: ops::run::RunOptions,
    configuration: Option<Arc<Applied>>,
    /// What is watched is kept as it changes.
    keeps: bool,
    writes_session: bool,
    answers: mpsc::Sender<Msg>,
    /// Where everything runs that is started here.
    runtime: Handle,
    watching: Option<JoinHandle<()>>,
    running: Option<Running>,
    following: Option<JoinHandle<()>>,
    evaluating: Option<JoinHandle<()>>,
    /// Work that can be given up, by its key.
    tasks: HashMap<Key, AbortHandle>,
    /// What was spawned for the effect that is being started.
    begun: Cell<Option<AbortHandle>>,
}

/// Runs what nobody waits for, after everything else that is ready: writing thousands of nodes takes a processor for half a
/// second, in which keys would be answered late.
///
/// Its blocking work stays on one thread, however seldom there is some: an allocator that has an arena for each thread gives
/// a new thread another one, and would keep the megabytes of a snapshot once in each of them.
fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    // Without a thread nothing is kept, as without a folder.
    term::in_background(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().on_thread_start(term::yield_to_all).thread_keep_alive(Duration::from_secs(86_400));
        if let Ok(runtime) = runtime.max_blocking_threads(1).build() {
            runtime.block_on(work);
        }
    });
}

impl Worker {
    pub(in crate::workbench) fn new(options: &RunOptions, answers: mpsc::Sender<Msg>, runtime: Handle) -> Worker {
        let said = answers.clone();
        // Called between two requests of the client, which must not wait for the screen.
        let output = PluginOutput::Lines(Arc::new(move |line| drop(said.try_send(Msg::PluginSaid(line)))));
        Worker {
            session: Session::new(options.target.clone().with_plugin_output(output)).reading_only(options.read_only),
            sources: options.catalog.clone(),
            options: options.run.clone(),
            configuration: options.configuration.clone(),
            keeps: options.keeps,
            writes_session: options.writes_session,
            answers,
            runtime,
            watching: None,
            running: None,
            following: None,
            evaluating: None,
            tasks: HashMap::new(),
            begun: Cell::new(None),
        }
    }

    pub(in crate::workbench) fn start(&mut self, effect: Effect) {
        let runtime = self.runtime.clone();
        let _entered = runtime.enter();
        let key = operations::key_of(&effect);
        self.begun.set(None);
        match effect {
            Effect::Watch { generation } => self.watch(generation),
            Effect::EndWatch => end(&mut self.watching),
            Effect::EndFollow => end(&mut self.following),
            Effect::Contexts { pick } => {
                let session = self.session.clone();
                self.compute(
                    "read the kubeconfig",
                    move || session.contexts(),
                    move |answer| Msg::Contexts { pick, answer },
                );
            }
            Effect::SwitchContext(context) => {
                let session = self.session.clone();
                self.compute("switch the context", move || session.switch(&context).map(|()| context), Msg::Switched);
            }
            Effect::LoadCatalog { generation } => {
                let sources = self.sources.clone();
                self.compute(
                    "read the catalog",
                    move || ops::recipe::load_catalog(&sources),
                    move |answer| Msg::Catalog { generation, answer },
                );
            }
            Effect::ReadSnapshot { slot, generation, path } => {
                let place = place_of(&path);
                let name = place.to_string().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
                let session = self.session.clone();
                self.compute(
                    "read the snapshot",
                    move || read_snapshot(&session, &place),
                    move |answer| Msg::Snapshot { slot, generation, name: name.clone(), answer: answer.map(Arc::new) },
                );
            }
            Effect::Resolve { slot, generation, catalog, query, snapshot, basis } => {
                let session = self.session.clone();
                self.compute(
                    "resolve the recipe",
                    move || {
                        let on = (&session, snapshot.as_deref());
                        let resolving = ops::inherit::resolve(&catalog, &query, on, &basis);
                        Handle::current().block_on(resolving).map(Arc::new)
                    },
                    move |answer| Msg::Resolved { slot, generation, answer },
                );
            }
            Effect::WhatIfChanges { generation, left, right } => self.compute(
                "compare the recipes",
                move || Ok(Arc::new(diff::recipe::compare(&(&*left).into(), &(&*right).into()))),
                move |answer| Msg::WhatIfChanges { generation, answer },
            ),
            Effect::ReadRecipe { generation, catalog, left, path } => {
                let session = self.session.clone();
                let read = move || {
                    let read = |text: &str| read_recipe(&session, &catalog, text).map(Arc::new);
                    Ok((left.as_deref().map(read).transpose()?, read(&path)?))
                };
                self.compute("read the recipe", read, move |answer| {
                    let (left, answer) =
                        answer.map_or_else(|failure| (None, Err(failure)), |(left, side)| (left, Ok(side)));
                    Msg::RecipeRead { generation, left, answer }
                });
            }
            Effect::CompareRecipes { generation, recipe, versus, swapped } => self.compute(
                "compare the recipes",
                move || Ok(Arc::new(ops::diff::changes(&recipe.side(), &versus, swapped))),
                move |answer| Msg::RecipesCompared { generation, answer },
            ),
            Effect::CompareSnapshots { generation, left, right, third, rules } => self.compute(
                "compare the snapshots",
                move || Ok(Arc::new(ops::diff::drift(&left, &right, third.as_deref(), &rules))),
                move |answer| Msg::SnapshotsCompared { generation, answer },
            ),
            Effect::ListMoments { generation } => {
                let target = self.session.target();
                self.compute(
                    "list the kept snapshots",
                    move || Handle::current().block_on(snapshots::shelf(&target))?.list().map(Arc::new),
                    move |answer| Msg::MomentsListed { generation, answer },
                );
            }
            Effect::OpenMoment { generation, moment } => {
                let (target, opened) = (self.session.target(), moment.clone());
                self.compute(
                    "read the kept snapshot",
                    move || Handle::current().block_on(snapshots::shelf(&target))?.open(&opened).map(Arc::new),
                    move |answer| Msg::MomentOpened { generation, moment: moment.clone(), answer },
                );
            }
            Effect::CheckUpgrade { generation, basis, name, is_saved } => {
                self.check_upgrade(generation, basis, name, is_saved);
            }
            Effect::Plan { generation, catalog, recipe, what } => self.plan(generation, catalog, recipe, what),
            Effect::Run(prepared) => self.run(prepared),
            Effect::ReadBundle { generation, folder } => self.compute(
                "read the bundle",
                move || bundle::there(&folder).map(Arc::new),
                move |answer| Msg::BundleRead { generation, answer },
            ),
            Effect::Evaluate { generation, catalog, recipe } => self.evaluate(generation, catalog, recipe),
            Effect::Abandon(key) => {
                if let Some(task) = self.tasks.remove(&key) {
                    task.abort();
                }
            }
            Effect::EndEvaluation => end(&mut self.evaluating),
            Effect::PlanDeploy { generation, target } => {
                let wish = deploy::Wish {
                    options: Options { way: target.way, ..Options::default() },
                    record: self.options.record,
                    ..deploy::Wish::default()
                };
                self.compute(
                    "read the bundle",
                    move || deploy::prepare(&target.folder, wish).map(Arc::new),
                    move |answer| Msg::DeployPlanned { generation, answer },
                );
            }
            Effect::Deploy(prepared) => self.deploy(prepared),
            Effect::CancelRun => {
                if let Some(running) = &self.running {
                    running.control.cancel();
                }
            }
            Effect::LeaveRun => {
                if let Some(running) = &mut self.running {
                    running.leave();
                }
            }
            Effect::Steer(request) => {
                if let Some(running) = &self.running {
                    running.control.ask(request);
                }
            }
            Effect::Save { write, snapshot, missing, path, replace } => self.compute(
                "write the snapshot",
                move || {
                    let place = Place::File(path.clone());
                    if !replace && place.is_taken() {
                        let effect = Effect::Save { write, snapshot, missing, path, replace: true };
                        return Ok(Written::WouldReplace(Box::new(effect)));
                    }
                    let text = ops::snapshot::text(&snapshot, form_of(&path), Edition::default());
                    place::write_local(&place, &text)?;
                    let wrote = format!("wrote the snapshot: {}", place.whole());
                    Ok(match missing[..] {
                        [] => Written::Whole(wrote),
                        _ => Written::InPart(format!("{wrote}, which is partial: {}", missing.join("; "))),
                    })
                },
                move |answer| Msg::Written { write, answer },
            ),
            Effect::KeepSession { write, session, said } => {
                let writes = self.writes_session;
                self.compute(
                    "save the session",
                    move || match writes {
                        true => super::keep(*session).map(|()| Written::Whole(said)),
                        false => Ok(Written::Whole(format!("{said} (until the end of this session)"))),
                    },
                    move |answer| Msg::Written { write, answer },
                );
            }
            Effect::ListFiles(folder) => self.compute(
                "list the files",
                move || Ok(Files { names: place::names(&folder), folder }),
                |answer| answer.map_or_else(Msg::Failed, Msg::Files),
            ),
            Effect::SaveText { write, what, text, path, replace } => self.compute(
                "write the file",
                move || {
                    let place = Place::File(path.clone());
                    if !replace && place.is_taken() {
                        let effect = Effect::SaveText { write, what, text, path, replace: true };
                        return Ok(Written::WouldReplace(Box::new(effect)));
                    }
                    place::write_local(&place, &text)
                        .map(|()| Written::Whole(format!("wrote the {what}: {}", place.whole())))
                },
                move |answer| Msg::Written { write, answer },
            ),
            Effect::ListRuns { generation } => {
                let target = self.session.target();
                self.compute(
                    "list the records of runs",
                    move || record::shelf(&target).list().map(Arc::new),
                    move |answer| Msg::RunsListed { generation, answer },
                );
            }
            Effect::OpenRun { generation, name, compare } => {
                let target = self.session.target();
                self.compute(
                    "read the record of a run",
                    move || record::shelf(&target).open(&name).map(Arc::new),
                    move |answer| Msg::RunOpened { generation, compare, answer },
                );
            }
            Effect::CompareRuns { generation, left, right } => {
                let shelf = record::shelf(&self.session.target());
                self.compute(
                    "compare two runs",
                    move || Ok(Arc::new([shelf.open(&left)?, shelf.open(&right)?])),
                    move |answer| Msg::RunsCompared { generation, answer },
                );
            }
            Effect::ReadOlder { generation, run, check, number } => {
                let (shelf, of) = (record::shelf(&self.session.target()), (run.clone(), check.clone()));
                self.compute(
                    "read the record of a run",
                    move || shelf.output(&of.0, &of.1, number).map(Arc::new),
                    move |answer| Msg::OlderRead { generation, run, check, number, answer },
                );
            }
            Effect::ReadOutput { generation, run, check } => {
                let (shelf, of) = (record::shelf(&self.session.target()), (run.clone(), check.clone()));
                self.compute(
                    "read the record of a run",
                    move || shelf.whole_output(&of.0, &of.1).map(Arc::new),
                    move |answer| Msg::OutputRead { generation, run, check, answer },
                );
            }
            Effect::ReadPrevious { generation, namespace, run_id, check } => {
                self.read_previous(generation, (namespace, run_id), check)
            }
            Effect::FollowRun { generation, name, from } => self.follow(generation, name, from),
            Effect::FindRuns { generation, namespace, is_asked_for } => {
                self.find_runs(generation, namespace, is_asked_for);
            }
            Effect::AttachRun { generation, name, namespace } => self.attach(generation, name, namespace),
            Effect::ReadLog => self.compute(
                "read the log",
                || Ok(Log { lines: store::log::recent(), file: store::log::path().map(Path::to_owned) }),
                |answer| answer.map_or_else(Msg::Failed, Msg::Log),
            ),
            Effect::ReadStorage => self.compute(
                "look at the folder for state",
                || Ok(storage::items()),
                |answer| answer.map_or_else(Msg::Failed, Msg::Storage),
            ),
            Effect::Copy(_)
            | Effect::CopyByTerminal(_)
            | Effect::Edit { .. }
            | Effect::EditCopy { .. }
            | Effect::Page(_)
            | Effect::Export { .. }
            | Effect::Prefer { .. }
            | Effect::Redraw
            | Effect::Suspend => {}
        }
        if let (Some(key), Some(task)) = (key, self.begun.take()) {
            self.tasks.retain(|_, task| !task.is_finished());
            self.tasks.insert(key, task);
        }
    }

    /// Spawns the work of an effect, which can be given up.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.begun.set(Some(tokio::spawn(work).abort_handle()));
    }

    /// Gives a text to the first of these programs that takes it.
    pub(super) fn copy(&self, text: String, programs: Vec<&'static [&'static str]>) {
        let answers = self.answers.clone();
        self.runtime.spawn(async move {
            let mut by = None;
            for words in programs {
                // A program that holds the clipboard goes on in the background, so its end is not far.
                if let Ok(true) = tokio::time::timeout(COPYING, given(words, &text)).await {
                    by = words.first().copied();
                    break;
                }
            }
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(Msg::Copied { text, by }).await;
        });
    }

    /// What a person has changed in a private copy, which ends here.
    pub(super) fn look_at(&self, copy: PrivateCopy) {
        let _entered = self.runtime.enter();
        let name = copy.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (of, at) = (name.clone(), copy.path().display().to_string());
        self.compute(
            "read the copy",
            move || {
                let failed = |error| Failure::from_error(Kind::Usage, "read what the editor has written", error).at(at);
                let changed = copy.changed().map_err(failed)?;
                Ok(changed.map(|text| diff::text::patch(&of, copy.text(), &text, COMPARING)))
            },
            move |answer| Msg::Edited { name, answer },
        );
    }

    /// Computes on a thread of its own, so that neither keys nor frames wait; a panic becomes a failure.
    fn compute<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
        answer: impl FnOnce(Result<T, Failure>) -> Msg + Send + 'static,
    ) {
        let answers = self.answers.clone();
        self.spawn(async move {
            let result = match tokio::task::spawn_blocking(work).await {
                Ok(result) => result,
                Err(error) => Err(Failure::new(Kind::Internal, doing, format!("the worker stopped: {error}"))),
            };
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(answer(result)).await;
        });
    }

    fn watch(&mut self, generation: u64) {
        end(&mut self.watching);
        let (session, answers) = (self.session.clone(), self.answers.clone());
        // A demo is the same every time.
        let keeps = self.keeps && !session.target().is_demo();
        self.watching = Some(tokio::spawn(async move {
            let connection = match session.connection().await {
                Ok(connection) => connection,
                Err(failure) => {
                    let _ = answers.send(Msg::ConnectFailed { generation, failure }).await;
                    return;
                }
            };
            let (context, server) = (connection.context.clone(), connection.server.clone());
            let _ = answers.send(Msg::Connected { generation, context, server }).await;
            let views = crate::cluster::watch::start(connection);
            let mut kept = None;
            if keeps && let Ok(folder) = snapshots::folder() {
                let told = answers.clone();
                let recorder = Recorder::new(folder, Limits::default());
                let (to_keep, to_record) = watch::channel(LiveView::default());
                kept = Some(to_keep);
                in_background(snapshots::record(to_record, recorder, snapshots::PAUSE, move |moment| {
                    // One that finds no room is seen with the next one; only a workbench that ended ends it.
                    let sent = told.try_send(Msg::Kept(moment.map(Box::new)));
                    !matches!(sent, Err(mpsc::error::TrySendError::Closed(_)))
                }));
            }
            forward(views, kept, generation, answers).await;
        }));
    }

    fn follow(&mut self, generation: u64, name: String, from: usize) {
        end(&mut self.following);
        let answers = self.answers.clone();
        self.following = Some(tokio::spawn(async move {
            let (events, mut event) = mpsc::unbounded_channel();
            let reading = async move {
                let folder = record::folder()?;
                let mut seen = 0;
                record::follow(&folder, &name, |event| {
                    seen += 1;
                    seen <= from || events.send(event).is_ok()
                })
                .await
            };
            let showing = async {
                while let Some(event) = event.recv().await {
                    if answers.send(Msg::Followed { generation, event: event.into() }).await.is_err() {
                        return;
                    }
                }
            };
            let (answer, ()) = tokio::join!(reading, showing);
            // The workbench has ended when nobody takes it.
            let _ = answers.send(Msg::FollowEnded { generation, answer }).await;
        }));
    }

    fn find_runs(&self, generation: u64, namespace: Option<String>, is_asked_for: bool) {
        let (answers, session) = (self.answers.clone(), self.session.clone());
        let namespace = namespace.unwrap_or_else(|| self.options.plan.namespace.clone());
        self.spawn(async move {
            let answer = async { attach::runs(&session.connection().await?, &namespace).await }.await;
            if let (false, Err(failure)) = (is_asked_for, &answer) {
                let why = failure.why();
                tracing::info!(namespace, "not looked for runs of others: {why}");
            }
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(Msg::RunsFound { generation, namespace, is_asked_for, answer }).await;
        });
    }

    fn read_previous(&self, generation: u64, (namespace, run_id): (String, String), check: String) {
        let (answers, session) = (self.answers.clone(), self.session.clone());
        self.spawn(async move {
            let answer = async { previous::of(&session.connection().await?, &namespace, &run_id, &check).await }.await;
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(Msg::PreviousRead { generation, check, answer }).await;
        });
    }

    /// Follows a run by what is seen of it on the cluster.
    fn attach(&mut self, generation: u64, name: String, namespace: String) {
        end(&mut self.following);
        let (answers, session) = (self.answers.clone(), self.session.clone());
        self.following = Some(tokio::spawn(async move {
            let answer = match session.connection().await {
                Ok(connection) => {
                    let (writer, events) = attach::log();
                    let showing =
                        show(events, answers.clone(), |event| Msg::Followed { generation, event: event.into() });
                    // The end is sent after the last event.
                    tokio::join!(attach::attach(&connection, &namespace, &name, writer), showing).0
                }
                Err(failure) => Err(failure),
            };
            // The workbench has ended when nobody takes it.
            let _ = answers.send(Msg::FollowEnded { generation, answer: answer.map(|_| RecordEnd::Ended) }).await;
        }));
    }

    fn check_upgrade(&self, generation: u64, basis: UpgradeBasis, name: String, is_saved: bool) {
        let (answers, session) = (self.answers.clone(), self.session.clone());
        self.spawn(async move {
            let connection = if is_saved { Ok(None) } else { session.connection().await.map(Some) };
            let answer = match connection {
                Ok(connection) => {
                    let UpgradeBasis { catalog, recipe, snapshot, deployer } = &basis;
                    let live = Live { connection: connection.as_ref(), name: &name, inventory: snapshot };
                    upgrade::to_resolution(catalog, live, recipe, deployer.as_deref()).await.map(Arc::new)
                }
                Err(failure) => Err(failure),
            };
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(Msg::UpgradeChecked { generation, answer }).await;
        });
    }

    /// Takes a snapshot and plans a run on it; the live view may be a moment behind.
    fn plan(&self, generation: u64, catalog: Arc<Catalog>, recipe: Arc<Resolution>, what: What) {
        let mut said = Invocation {
            target: self.session.target(),
            catalog: self.sources.clone(),
            recipe: what.recipe.clone(),
            context: String::new(),
        };
        let (options, configuration) = (chosen(self.options.clone(), what), self.configuration.clone());
        let (answers, session) = (self.answers.clone(), self.session.clone());
        self.spawn(async move {
            let planning = async {
                let connection = session.connection().await?;
                said.context.clone_from(&connection.context);
                let mut prepared = plan_on(&connection, &catalog, &recipe, (options, configuration)).await?;
                prepared.command = said.line(&prepared.options);
                Ok(Arc::new(prepared))
            };
            let answer = planning.await;
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(Msg::Planned { generation, answer }).await;
        });
    }

    fn run(&mut self, prepared: Arc<Prepared>) {
        let (control, requests) = ops::run::control();
        let (answers, session) = (self.answers.clone(), self.session.clone());
        let (abandoned, not_waited_for) = (ops::run::abandoned(&prepared), ops::run::not_waited_for(&prepared));
        let (run_id, last_words) = (prepared.plan.run_id.clone(), Arc::new(OnceLock::new()));
        let says = last_words.clone();
        let task = tokio::spawn(async move {
            let connection = match session.connection().await {
                Ok(connection) => connection,
                Err(failure) => {
                    let _ = answers.send(Msg::RunEnded { run_id, answer: Err(failure) }).await;
                    return;
                }
            };
            let (writer, log) = EventLog::new();
            let reading = tokio::spawn(show(log.reader(), answers.clone(), Msg::Run));
            let (recorded, warned) = (prepared.clone(), answers.clone());
            let (context, records) = (connection.context.clone(), log.reader());
            let recording = tokio::spawn(async move {
                if !recorded.options.record {
                    return;
                }
                let kept = match record::folder() {
                    Ok(folder) => record::record(folder, &recorded, &context, records).await.map(drop),
                    Err(failure) => Err(failure),
                };
                if let Err(failure) = kept {
                    // The workbench has ended when nobody takes it.
                    let _ = warned.send(Msg::NotRecorded(failure)).await;
                }
            });
            drop(log);
            let report = ops::run::run(&connection, &prepared, writer, requests).await;
            if let Some(checks) = report.went_on {
                let _ = says.set(ops::run::left_words(&prepared, &connection.context, &checks));
            }
            let _ = recording.await;
            // The end is sent after the last event.
            let _ = reading.await;
            let _ = answers.send(Msg::RunEnded { run_id, answer: Ok(()) }).await;
        });
        self.running = Some(Running {
            task,
            control,
            abandoned,
            not_waited_for: Some(not_waited_for),
            leaves_jobs: false,
            last_words,
        });
    }

    /// Evaluates the checks that only read, again and again until it is aborted.
    fn evaluate(&mut self, generation: u64, catalog: Arc<Catalog>, recipe: Option<Arc<Resolution>>) {
        end(&mut self.evaluating);
        let (answers, session, options) = (self.answers.clone(), self.session.clone(), self.options.clone());
        self.evaluating = Some(tokio::spawn(async move {
            let tell = |news| answers.send(Msg::Evaluated { generation, news });
            let recipe = recipe.as_ref().map(|resolution| &resolution.recipe);
            let live = match live::checks(&catalog, recipe, &options) {
                Ok(live) => live,
                // The workbench has ended when nobody takes the answer; also below.
                Err(failure) => return drop(tell(News::Failed(failure)).await),
            };
            let connection = match session.connection().await {
                Ok(connection) => connection,
                Err(failure) => return drop(tell(News::Failed(failure)).await),
            };
            if tell(News::Others(live.others.clone())).await.is_err() {
                return;
            }
            loop {
                let began = Instant::now();
                let (writer, log) = EventLog::new();
                let showing = show(log.reader(), answers.clone(), |event| Msg::Evaluated {
                    generation,
                    news: News::Event(event.into()),
                });
                drop(log);
                tokio::join!(live::evaluate(&connection, &live, writer), showing);
                let pause = live::pause(began.elapsed());
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                if tell(News::Ended { pause_ms }).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
        }));
    }

    fn deploy(&mut self, prepared: Arc<deploy::Prepared>) {
        let (control, requests) = ops::run::control();
        let (answers, session) = (self.answers.clone(), self.session.clone());
        let abandoned = deploy::abandoned(&prepared);
        let task = tokio::spawn(async move {
            let run_id = prepared.run_id.clone();
            let connection = match session.connection().await {
                Ok(connection) => connection,
                Err(failure) => {
                    let _ = answers.send(Msg::RunEnded { run_id, answer: Err(failure) }).await;
                    return;
                }
            };
            let (writer, log) = EventLog::new();
            let reading = show(log.reader(), answers.clone(), Msg::Run);
            let records = log.reader();
            drop(log);
            let recording = async {
                if !prepared.wish.record {
                    return;
                }
                if let Err(failure) = record::of_deploy(&prepared, &connection.context, records).await {
                    // The workbench has ended when nobody takes it.
                    let _ = answers.send(Msg::NotRecorded(failure)).await;
                }
            };
            let target = session.target();
            let running = deploy::run(&connection, &target, &prepared, writer, requests);
            // The end is sent after the last event.
            let (ended, (), ()) = tokio::join!(running, reading, recording);
            let _ = answers.send(Msg::RunEnded { run_id, answer: ended.map(drop) }).await;
        });
        self.running = Some(Running {
            task,
            control,
            abandoned,
            not_waited_for: None,
            leaves_jobs: false,
            last_words: Arc::default(),
        });
    }

    /// Ends the watch and cancels a run that has not ended, unless its Jobs are left to the cluster; the run to wait for, while
    /// it cleans up or what it asked for last is answered.
    pub(in crate::workbench) fn wind_down(&mut self) -> Option<&mut Running> {
        [&mut self.watching, &mut self.following, &mut self.evaluating].into_iter().for_each(end);
        let running = self.running.as_mut().filter(|running| !running.task.is_finished())?;
        if !running.leaves_jobs {
            running.control.cancel();
        }
        Some(running)
    }

    /// What is to be said when the workbench has closed.
    pub(in crate::workbench) fn last_words(&self) -> Vec<String> {
        self.running.as_ref().and_then(|running| running.last_words.get()).cloned().unwrap_or_default()
    }

    /// The run that has not ended.
    pub(super) fn running(&mut self) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| !running.task.is_finished())
    }

    /// Winds down and waits to the end.
    pub(in crate::workbench) async fn finish(&mut self, results: &mut mpsc::Receiver<Msg>) {
        let Some(running) = self.wind_down() else { return };
        loop {
            tokio::select! {
                () = running.ended() => return,
                // Not read by anybody any more, but the run waits for its last one to be taken.
                _ = results.recv() => {}
            }
        }
    }
}

/// A run under way.
pub(in crate::workbench) struct Running {
    task: JoinHandle<()>,
    control: Control,
    /// What a person has to know who does not wait for its end.
    abandoned: Failure,
    /// The same once its Jobs are left to the cluster; `None` for what has none.
    not_waited_for: Option<Failure>,
    /// Its Jobs are left to the cluster.
    leaves_jobs: bool,
    /// What a person has to know of a run that was left.
    last_words: Arc<OnceLock<Vec<String>>>,
}

impl Running {
    /// Waits until the run has ended and cleaned up.
    pub(super) async fn ended(&mut self) {
        if !self.task.is_finished() {
            // A panic of the run ends it as well.
            let _ = (&mut self.task).await;
        }
    }

    /// Its Jobs go on without this program.
    fn leave(&mut self) {
        let Some(not_waited_for) = self.not_waited_for.take() else { return };
        (self.abandoned, self.leaves_jobs) = (not_waited_for, true);
        self.control.leave();
    }

    pub(super) fn leaves_jobs(&self) -> bool {
        self.leaves_jobs
    }

    /// What a person has to know who does not wait for the end.
    pub(super) fn abandoned(&self) -> Failure {
        self.abandoned.clone()
    }
}

/// Ends what goes on until it is ended.
fn end(task: &mut Option<JoinHandle<()>>) {
    if let Some(task) = task.take() {
        task.abort();
    }
}

/// Gives each view of a cluster to the workbench and to whoever keeps it.
///
/// The channel of the watch is held here alone: when this is ended the watch ends, whoever keeps its last view.
async fn forward(
    mut views: watch::Receiver<LiveView>,
    kept: Option<watch::Sender<LiveView>>,
    generation: u64,
    answers: mpsc::Sender<Msg>,
) {
    loop {
        let view = views.borrow_and_update().clone();
        if let Some(kept) = &kept {
            kept.send_replace(view.clone());
        }
        if answers.send(Msg::Live { generation, view }).await.is_err() || views.changed().await.is_err() {
            return;
        }
    }
}

/// The form that the name of a file asks for.
fn form_of(path: &Path) -> Format {
    match path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("json")) {
        true => Format::Json,
        false => Format::Yaml,
    }
}

async fn plan_on(
    connection: &Connection,
    catalog: &Catalog,
    recipe: &Resolution,
    (options, configuration): (ops::run::RunOptions, Option<Arc<Applied>>),
) -> Result<Prepared, Failure> {
    let now = jiff::Timestamp::now();
    let snapshot = ops::snapshot::take(connection, &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).await?;
    let (recipe, set_by) = (recipe.recipe.clone(), recipe.constraint_layers());
    let name = recipe.criteria.to_string();
    let name = configuration.map_or(name.clone(), |applied| applied.named(&name));
    let mut prepared = ops::run::prepare(catalog, recipe, &name, snapshot, &options)?;
    prepared.set_by = set_by;
    ops::run::look(connection, &mut prepared).await;
    Ok(prepared)
}

/// Every event of a run as a message, until it ends or the workbench does.
async fn show(mut events: Reader, answers: mpsc::Sender<Msg>, msg: impl Fn(Event) -> Msg) {
    while let Some(event) = events.next().await {
        if answers.send(msg(Event::clone(&event))).await.is_err() {
            return;
        }
    }
}

/// The options of the command line with what was chosen since.
fn chosen(mut options: ops::run::RunOptions, what: What) -> ops::run::RunOptions {
    let What { phases, only, timeout_seconds, setup, recipe: _ } = what;
    let plan = &mut options.plan;
    (plan.phases, plan.only) = (phases, only);
    plan.timeout_seconds = timeout_seconds.or(plan.timeout_seconds);
    (plan.skip, plan.in_process, options.step) = (setup.skip, setup.in_process, setup.step);
    options
}

/// The place that a person named; standard input is the terminal here, so `-` is a file.
fn place_of(path: &Path) -> Place {
    match Place::parse(&path.to_string_lossy()) {
        Ok(place @ (Place::ConfigMap { .. } | Place::Web(_) | Place::Kept(_))) => place,
        _ => Place::File(path.to_owned()),
    }
}

/// For the threads that may block, on which `compute` works.
fn read(session: &Session, place: &Place, what: &str) -> Result<String, Failure> {
    Handle::current().block_on(place::read(place, what, session))
}

fn read_snapshot(session: &Session, place: &Place) -> Result<Inventory, Failure> {
    ops::snapshot::parse(&read(session, place, "snapshot")?, &place.to_string())
}

/// The recipe of a file, or of criteria.
fn read_recipe(session: &Session, catalog: &Catalog, text: &str) -> Result<Side, Failure> {
    if ops::recipe::is_criteria_text(text) {
        return ops::diff::of_criteria(catalog, text);
    }
    let place = place_of(Path::new(text));
    let text = read(session, &place, "recipe")?;
    ops::diff::read_recipe(catalog, &place.to_string(), &text).map(|(side, _)| side)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On one thread nothing of the first has begun when it is given up.
    #[tokio::test]
    async fn work_that_is_given_up_answers_nothing() {
        let (sender, mut answers) = mpsc::channel(8);
        let mut worker = Worker::new(&RunOptions::default(), sender, Handle::current());
        let read = |generation| Effect::ReadBundle { generation, folder: "there/is/none".into() };
        let key = operations::key_of(&read(1)).expect("it is work");
        worker.start(read(1));
        worker.start(Effect::Abandon(key));
        worker.start(read(2));
        let Some(Msg::BundleRead { generation, .. }) = answers.recv().await else { panic!("a bundle is read") };
        assert_eq!(generation, 2);
    }

    /// Whoever keeps what was seen must not keep the connection open.
    #[tokio::test]
    async fn a_watch_that_is_ended_lets_go_of_the_cluster_although_its_views_are_kept() {
        let (cluster, views) = watch::channel(LiveView::default());
        let (to_keep, mut keeper) = watch::channel(LiveView::default());
        let (sender, mut answers) = mpsc::channel(8);
        let mut worker = Worker::new(&RunOptions::default(), sender.clone(), Handle::current());
        worker.watching = Some(tokio::spawn(forward(views, Some(to_keep), 7, sender)));
        assert!(matches!(answers.recv().await, Some(Msg::Live { generation: 7, .. })));
        assert!(keeper.changed().await.is_ok() && !cluster.is_closed());
        worker.start(Effect::EndWatch);
        cluster.closed().await;
        assert!(keeper.changed().await.is_err(), "nothing more comes to be kept");
    }

    #[tokio::test]
    async fn a_run_that_is_not_followed_any_more_answers_nothing() {
        let (sender, mut answers) = mpsc::channel(8);
        let mut worker = Worker::new(&RunOptions::default(), sender, Handle::current());
        worker.start(Effect::FollowRun { generation: 1, name: "there-is-none".into(), from: 0 });
        worker.start(Effect::EndFollow);
        worker.start(Effect::ReadBundle { generation: 1, folder: "there/is/none".into() });
        assert!(matches!(answers.recv().await, Some(Msg::BundleRead { .. })));
    }

    #[test]
    fn a_snapshot_is_written_in_the_form_that_its_name_asks_for() {
        for (name, form) in [("a.json", Format::Json), ("a.JSON", Format::Json), ("a.yaml", Format::Yaml)] {
            assert_eq!(form_of(Path::new(name)), form, "{name}");
        }
    }
}
