//! Runs effects and feeds their results back: signals, input, results and time in one loop.
//!
//! Everything pending is taken, then one frame is drawn if something shown may have changed; nothing happens while nothing
//! happens. The clock ticks only while a run's elapsed times are shown.

use super::{RunOptions, app::State, effect::Effect, msg::Msg, screenshot, view};
use crate::{
    catalog::Catalog,
    cluster::Connection,
    diff::{self},
    document::side::Side,
    inventory::Inventory,
    ops::{
        self, Failure, Kind,
        place::{self, Format, Place},
        validate::Prepared,
    },
    resolve::{Options, Resolution},
    term::{
        self,
        color::{self, When},
        input,
        screen::Screen,
    },
    validate::plan::PlanOptions,
};
use crossterm::event::EventStream;
use futures::StreamExt;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// Between two ticks of the clock, while it ticks.
const TICK: Duration = Duration::from_millis(500);
/// Between two frames that nobody asked for by a key.
const FRAME: Duration = Duration::from_millis(33);

/// The image that runs our checks where nobody names one.
const IMAGE: &str = concat!("aicr/check:", env!("CARGO_PKG_VERSION"));
const NAMESPACE: &str = "aicr-validation";

pub(super) async fn run(options: RunOptions) -> Result<(), Failure> {
    let level = options.look.color.unwrap_or_else(|| color::level(When::Auto, true, |name| std::env::var(name).ok()));
    let (width, height) = crossterm::terminal::size().map_err(|error| terminal_failure(&error))?;
    let mut state = State::new(&options, level, width, height)
        .map_err(|error| Failure::new(Kind::Usage, "choose the theme", error.to_string()))?;
    let guard = term::enter(options.mouse).map_err(|error| terminal_failure(&error))?;
    let (sender, mut results) = mpsc::channel(256);
    let mut worker = Worker::new(&options, sender);
    let mut terminal =
        Terminal { screen: Screen::new(io::stdout()), keys: Some(EventStream::new()), mouse: options.mouse };
    let ended = turn(&mut state, &mut worker, &mut terminal, &mut results).await;
    worker.finish(&mut results).await;
    drop(guard);
    ended
}

fn terminal_failure(error: &io::Error) -> Failure {
    Failure::new(Kind::Usage, "use the terminal", error.to_string())
        .hint("the workbench needs a terminal; every view has a command, see `aicr --help`")
}

/// The terminal while it is ours.
struct Terminal {
    screen: Screen<io::Stdout>,
    /// `None` while a foreign program reads the keys.
    keys: Option<EventStream>,
    mouse: bool,
}

async fn turn(
    state: &mut State,
    worker: &mut Worker,
    terminal: &mut Terminal,
    results: &mut mpsc::Receiver<Msg>,
) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(|error| terminal_failure(&error))?;
    state.model.now_ms = now_ms();
    let first = state.begin();
    perform(state, worker, terminal, first)?;
    draw(state, terminal)?;
    let mut last_frame = tokio::time::Instant::now();
    loop {
        let ticking = state.model.run.active;
        let mut urgent = true;
        let keys = terminal.keys.get_or_insert_with(EventStream::new);
        let msg = tokio::select! {
            biased;
            signal = signals.next() => Some(signal),
            event = keys.next() => match event {
                Some(Ok(event)) => input::from_event(event).map(Msg::Input),
                // The terminal is gone: there is nobody to draw for.
                Some(Err(_)) | None => Some(Msg::Terminate),
            },
            result = results.recv() => {
                urgent = false;
                result
            }
            () = tokio::time::sleep(TICK), if ticking => Some(Msg::Tick),
        };
        let Some(msg) = msg else { continue };
        let terminate = matches!(msg, Msg::Terminate);
        state.model.now_ms = now_ms();
        let effects = state.update(msg);
        perform(state, worker, terminal, effects)?;
        if !urgent {
            // Results come in bursts; a frame for each would only cost.
            let until = last_frame + FRAME;
            tokio::time::sleep_until(until).await;
        }
        while let Ok(msg) = results.try_recv() {
            let effects = state.update(msg);
            perform(state, worker, terminal, effects)?;
        }
        if terminate {
            return Err(Failure::new(
                Kind::Interrupted,
                "stay",
                "the process was told to end, or its terminal went away",
            ));
        }
        if state.quit {
            return Ok(());
        }
        if state.dirty {
            draw(state, terminal)?;
            last_frame = tokio::time::Instant::now();
        }
    }
}

fn draw(state: &mut State, terminal: &mut Terminal) -> Result<(), Failure> {
    state.prepare();
    let (frame, cursor) = view::frame(state);
    state.dirty = false;
    terminal.screen.draw(frame, cursor).map_err(|error| terminal_failure(&error))
}

/// What the terminal itself has to do; everything else goes to the worker.
fn perform(
    state: &mut State,
    worker: &mut Worker,
    terminal: &mut Terminal,
    effects: Vec<Effect>,
) -> Result<(), Failure> {
    for effect in effects {
        match effect {
            Effect::Redraw => terminal.screen.forget(),
            // The reader of keys stays: woken now, it could swallow the first key after the stop.
            Effect::Suspend => match term::suspend(terminal.mouse).map_err(|error| terminal_failure(&error))? {
                term::Suspended::Resumed => resumed(state, terminal),
                term::Suspended::NoShell => state.say(super::model::Severity::Info, "there is no shell to go back to"),
            },
            Effect::Edit { path, line } => edit(state, terminal, &path, line)?,
            Effect::Copy(text) => copy(state, terminal, &text)?,
            Effect::Export(path) => export(state, &path),
            other => worker.start(other),
        }
    }
    Ok(())
}

/// Back from the shell or a foreign program: the size may have changed, the screen is unknown.
fn resumed(state: &mut State, terminal: &mut Terminal) {
    terminal.screen.forget();
    if let Ok((width, height)) = crossterm::terminal::size() {
        state.update(Msg::Input(input::Input::Resize { width, height }));
    }
    state.dirty = true;
}

fn edit(state: &mut State, terminal: &mut Terminal, path: &Path, line: u32) -> Result<(), Failure> {
    let editor = std::env::var("EDITOR").or_else(|_| std::env::var("VISUAL")).unwrap_or_else(|_| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi").to_owned();
    terminal.keys = None;
    // Time for the dropped reader to let go of the terminal, so that the editor gets every key.
    let _ = crossterm::event::poll(Duration::from_millis(30));
    term::leave();
    let status = std::process::Command::new(&program).args(words).arg(format!("+{line}")).arg(path).status();
    term::resume(terminal.mouse).map_err(|error| terminal_failure(&error))?;
    resumed(state, terminal);
    if let Err(error) = status {
        state.say_failure(
            Failure::new(Kind::Usage, format!("run the editor `{program}`"), error.to_string()).hint("set EDITOR"),
        );
    }
    Ok(())
}

fn copy(state: &mut State, terminal: &mut Terminal, text: &str) -> Result<(), Failure> {
    let in_tmux = std::env::var_os("TMUX").is_some();
    match term::clipboard_sequence(text, in_tmux) {
        Some(sequence) => {
            terminal.screen.write(&sequence).map_err(|error| terminal_failure(&error))?;
            let shown = super::widgets::text::fit(text.lines().next().unwrap_or_default(), 48, Default::default());
            let shown = super::widgets::text::clean(&shown).into_owned();
            state.say(super::model::Severity::Ok, format!("copied `{shown}` ({} bytes, OSC 52)", text.len()));
        }
        None => state.say(super::model::Severity::Warn, "too long for the clipboard of a terminal; use a file"),
    }
    Ok(())
}

fn export(state: &mut State, path: &Path) {
    state.prepare();
    let (frame, _) = view::frame(state);
    let svg = screenshot::svg(&frame, &state.desk.theme, &format!("aicr workbench, {}", state.desk.screen.name()));
    match place::write_local(&Place::File(path.to_owned()), &svg) {
        Ok(()) => state.say(super::model::Severity::Ok, format!("wrote {}", path.display())),
        Err(failure) => state.say_failure(failure),
    }
}

/// Signals that end or stop us.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(unix)]
    stop: tokio::signal::unix::Signal,
    /// After a stop, the reader of keys reports a new size only with the next key.
    #[cfg(unix)]
    size: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            size: signal(SignalKind::window_change())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Msg {
        tokio::select! {
            _ = self.terminate.recv() => Msg::Terminate,
            _ = self.hangup.recv() => Msg::Terminate,
            _ = self.stop.recv() => Msg::Suspend,
            _ = self.size.recv() => {
                let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
                Msg::Input(input::Input::Resize { width, height })
            }
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Msg {
        std::future::pending().await
    }
}

/// Runs effects; answers go into its channel.
pub(super) struct Worker {
    target: ops::connect::Target,
    data: Vec<PathBuf>,
    image: String,
    namespace: String,
    answers: mpsc::Sender<Msg>,
    /// The connection of the newest watch.
    connection: Arc<tokio::sync::Mutex<Option<Connection>>>,
    watching: Option<JoinHandle<()>>,
    running: Option<JoinHandle<()>>,
    cancel: Option<watch::Sender<bool>>,
}

impl Worker {
    pub(super) fn new(options: &RunOptions, answers: mpsc::Sender<Msg>) -> Worker {
        Worker {
            target: options.target.clone(),
            data: options.data.clone(),
            image: options.image.clone().unwrap_or_else(|| IMAGE.to_owned()),
            namespace: options.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
            answers,
            connection: Arc::default(),
            watching: None,
            running: None,
            cancel: None,
        }
    }

    pub(super) fn start(&mut self, effect: Effect) {
        match effect {
            Effect::Watch { generation } => self.watch(generation),
            Effect::LoadCatalog { generation } => {
                let data = self.data.clone();
                self.compute(
                    "read the catalog",
                    move || ops::recipe::load_catalog(&data),
                    move |answer| Msg::Catalog { generation, answer },
                );
            }
            Effect::ReadSnapshot { slot, path } => {
                let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                self.compute(
                    "read the snapshot",
                    move || read_snapshot(&path),
                    move |answer| Msg::Snapshot { slot, name: name.clone(), answer: answer.map(Arc::new) },
                );
            }
            Effect::Resolve { slot, generation, catalog, query, snapshot } => self.compute(
                "resolve the recipe",
                move || {
                    ops::recipe::resolve(&catalog, &query, snapshot.as_deref(), Options::default())
                        .map(|resolved| Arc::new(resolved.resolution))
                },
                move |answer| Msg::Resolved { slot, generation, answer },
            ),
            Effect::WhatIfChanges { generation, left, right } => self.compute(
                "compare the recipes",
                move || Ok(Arc::new(diff::recipe::compare(&(&*left).into(), &(&*right).into()))),
                move |answer| Msg::WhatIfChanges { generation, answer },
            ),
            Effect::ReadRecipe { generation, catalog, path } => self.compute(
                "read the recipe",
                move || read_recipe(&catalog, &path).map(Arc::new),
                move |answer| Msg::RecipeRead { generation, answer },
            ),
            Effect::CompareRecipes { generation, recipe, versus, swapped } => self.compute(
                "compare the recipes",
                move || Ok(Arc::new(ops::diff::changes(&(&*recipe).into(), &versus, swapped))),
                move |answer| Msg::RecipesCompared { generation, answer },
            ),
            Effect::CompareSnapshots { generation, left, right } => self.compute(
                "compare the snapshots",
                move || Ok(Arc::new(diff::inventory::compare(&left, &right))),
                move |answer| Msg::SnapshotsCompared { generation, answer },
            ),
            Effect::Plan { catalog, recipe } => self.plan(catalog, recipe),
            Effect::Run(prepared) => self.run(prepared),
            Effect::CancelRun => {
                if let Some(cancel) = &self.cancel {
                    // Nobody listens any more when the run has just ended.
                    let _ = cancel.send(true);
                }
            }
            Effect::Save { snapshot, path } => {
                let said = format!("wrote {}", path.display());
                self.compute(
                    "write the snapshot",
                    move || {
                        let text = ops::snapshot::text(&snapshot, Format::Yaml);
                        place::write_local(&Place::File(path), &text).map(|()| said.clone())
                    },
                    |answer| answer.map_or_else(Msg::Failed, Msg::Done),
                );
            }
            Effect::Copy(_)
            | Effect::Edit { .. }
            | Effect::Export(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Quit => {}
        }
    }

    /// Computes on a thread of its own, so that neither keys nor frames wait; a panic becomes a failure.
    fn compute<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
        answer: impl FnOnce(Result<T, Failure>) -> Msg + Send + 'static,
    ) {
        let answers = self.answers.clone();
        tokio::spawn(async move {
            let result = match tokio::task::spawn_blocking(work).await {
                Ok(result) => result,
                Err(error) => Err(Failure::new(Kind::Internal, doing, format!("the worker stopped: {error}"))),
            };
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(answer(result)).await;
        });
    }

    fn watch(&mut self, generation: u64) {
        if let Some(old) = self.watching.take() {
            old.abort();
        }
        let (target, answers, shared) = (self.target.clone(), self.answers.clone(), self.connection.clone());
        self.watching = Some(tokio::spawn(async move {
            let known = shared.lock().await.clone();
            let connected = match known {
                Some(connection) => Ok(connection),
                None => ops::connect::connect(&target).await,
            };
            let connection = match connected {
                Ok(connection) => connection,
                Err(failure) => {
                    let _ = answers.send(Msg::ConnectFailed { generation, failure }).await;
                    return;
                }
            };
            *shared.lock().await = Some(connection.clone());
            let (context, server) = (connection.context.clone(), connection.server.clone());
            let _ = answers.send(Msg::Connected { generation, context, server }).await;
            let mut views = crate::cluster::watch::start(connection);
            loop {
                let view = views.borrow_and_update().clone();
                if answers.send(Msg::Live { generation, view }).await.is_err() || views.changed().await.is_err() {
                    return;
                }
            }
        }));
    }

    /// Takes a snapshot and plans a run on it; the live view may be a moment behind.
    fn plan(&self, catalog: Arc<Catalog>, recipe: Arc<Resolution>) {
        let options = PlanOptions {
            namespace: self.namespace.clone(),
            image: self.image.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..PlanOptions::default()
        };
        let (answers, shared) = (self.answers.clone(), self.connection.clone());
        tokio::spawn(async move {
            let connection = shared.lock().await.clone();
            let answer = match connection {
                Some(connection) => plan_on(&connection, &catalog, &recipe, options).await.map(Arc::new),
                None => Err(Failure::new(Kind::Unreachable, "plan the validation", "there is no connection")),
            };
            // The workbench has ended when nobody takes the answer.
            let _ = answers.send(Msg::Planned(answer)).await;
        });
    }

    fn run(&mut self, prepared: Arc<Prepared>) {
        let (cancel, cancelled) = watch::channel(false);
        self.cancel = Some(cancel);
        let (answers, shared) = (self.answers.clone(), self.connection.clone());
        self.running = Some(tokio::spawn(async move {
            let connection = shared.lock().await.clone();
            let Some(connection) = connection else {
                let failure = Failure::new(Kind::Unreachable, "run the validation", "there is no connection");
                let _ = answers.send(Msg::RunEnded(Err(failure))).await;
                return;
            };
            let (events, mut seen) = mpsc::channel(256);
            let told = answers.clone();
            let teller = tokio::spawn(async move {
                while let Some(event) = seen.recv().await {
                    if told.send(Msg::Run(event)).await.is_err() {
                        // The run goes on to clean up; its events have no reader any more.
                        seen.close();
                    }
                }
            });
            let ended = ops::validate::run(&connection, &prepared, events, cancelled).await.map(|_| ());
            let _ = teller.await;
            let _ = answers.send(Msg::RunEnded(ended)).await;
        }));
    }

    /// Ends the watch, and waits until a run that is being cancelled has cleaned up.
    pub(super) async fn finish(&mut self, results: &mut mpsc::Receiver<Msg>) {
        if let Some(watching) = self.watching.take() {
            watching.abort();
        }
        if let Some(cancel) = &self.cancel {
            let _ = cancel.send(true);
        }
        if let Some(mut running) = self.running.take() {
            loop {
                tokio::select! {
                    _ = &mut running => return,
                    _ = results.recv() => {}
                }
            }
        }
    }
}

async fn plan_on(
    connection: &Connection,
    catalog: &Catalog,
    recipe: &Resolution,
    options: PlanOptions,
) -> Result<Prepared, Failure> {
    let now = jiff::Timestamp::now();
    let snapshot = ops::snapshot::take(connection, &now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).await?;
    let options = PlanOptions { run_id: ops::validate::run_id(now)?, ..options };
    let recipe = recipe.recipe.clone();
    let name = recipe.criteria.to_string();
    ops::validate::prepare(catalog, recipe, &name, snapshot, &options, Default::default())
}

fn read_snapshot(path: &Path) -> Result<Inventory, Failure> {
    let text = place::read_local(&Place::File(path.to_owned()), "snapshot")?;
    ops::snapshot::parse(&text, &path.display().to_string())
}

fn read_recipe(catalog: &Catalog, path: &Path) -> Result<Side, Failure> {
    let text = place::read_local(&Place::File(path.to_owned()), "recipe")?;
    ops::diff::read_recipe(catalog, &path.display().to_string(), &text).map(|(side, _)| side)
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}
