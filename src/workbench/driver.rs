//! Runs effects and feeds their results back: signals, keys, results and time in one loop.
//!
//! The loop never waits for anything else: work is done by the `worker`, a foreign program (the editor) runs beside it, bytes
//! are written by the `Wire`, and leaving while a run cleans up is a state of the loop like any other. Everything pending is taken, then one frame is drawn
//! if something shown may have changed; nothing happens while nothing happens.

mod keys;
mod pace;
mod signals;
mod worker;

use super::{
    Closed, RunOptions,
    app::State,
    effect::Effect,
    export::{self as document, Form},
    msg::Msg,
    painted::Painted,
    preferences::{
        self, Preferences, SLOW, THEME,
        again::Again,
        file::{self, Chosen},
    },
    screenshot,
    session::{self, Session},
    theme::Themes,
    view,
};
use crate::{
    ops::{
        Failure, Kind,
        place::{self, Place},
    },
    store::{copy::PrivateCopy, folders, own},
    term::{
        self,
        clipboard::{self, Way},
        color::{self, When},
        input::{Heard, Input},
        key::Key,
        link::{Link, Links},
        probe::{self, Change, Probe, Terminals},
        screen::Screen,
        wire::Wire,
    },
};
use futures::future::BoxFuture;
use keys::Keys;
use pace::{Due, Pace};
pub(super) use signals::{Signal, Signals};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tokio::{
    io::AsyncWriteExt,
    runtime::Handle,
    sync::{Notify, mpsc},
    time::Instant,
};
pub(super) use worker::Worker;

/// Runs on the thread that calls it, which reads the keys and draws; work is done on `workers`.
pub(super) async fn run(options: RunOptions, workers: Handle) -> Closed {
    open(options, workers).await.unwrap_or_else(Closed::from)
}

async fn open(options: RunOptions, workers: Handle) -> Result<Closed, Failure> {
    let level = options.look.color.unwrap_or_else(|| color::level(When::Auto, true, |name| std::env::var(name).ok()));
    let (width, height) = crossterm::terminal::size().map_err(|error| terminal_failure(&error))?;
    let mut state = State::new(&options, level, width, height)
        .map_err(|error| Failure::new(Kind::Usage, "choose the theme", error.to_string()))?;
    let written = Arc::new(Notify::new());
    let writes = written.clone();
    let (guard, wire) =
        term::enter(options.mouse, move || writes.notify_one()).map_err(|error| terminal_failure(&error))?;
    let (keys, mut screen) = (Keys::new(), Screen::new(wire));
    let variable = |name: &str| std::env::var(name).ok();
    let probe = Probe::new(probe::asks(variable).min(keys.understands()), variable);
    let first = probe.first(terminals().get(&probe::name(variable)));
    if let Some(background) = first.background {
        state.update(Msg::Background(background));
    }
    if first.extras.contains(&term::Extra::Frames) {
        term::turn_on(term::Extra::Frames);
        screen.synchronized = true;
    }
    let (sender, results) = mpsc::channel(256);
    let mut driver = Driver {
        state,
        clipboard: options.clipboard,
        links: options.links,
        probe,
        asked: None,
        worker: Worker::new(&options, sender, workers),
        painted: Painted::default(),
        terminal: Terminal { screen, written, keys: Some(keys), mouse: options.mouse, lost: false },
        results,
        signals: Signals::new(&Signal::ALL).map_err(|error| terminal_failure(&error))?,
        pace: Pace::new(),
        sent: None,
        editor: None,
        refused: Vec::new(),
        saved: options.saved.clone().unwrap_or_default(),
        leaving: None,
    };
    // Before the first frame: a terminal that shows a part of a question shows it below that.
    driver.ask()?;
    let keeps = options.writes_session;
    let closed = driver.run(keeps).await;
    drop(guard);
    Ok(closed)
}

fn terminal_failure(error: &io::Error) -> Failure {
    Failure::new(Kind::Usage, "use the terminal", error.to_string())
        .hint("the workbench needs a terminal; every view has a command, see `aicr --help`")
}

/// The terminal while it is ours.
struct Terminal {
    screen: Screen<Wire>,
    /// Something handed over was written.
    written: Arc<Notify>,
    /// `None` while a foreign program reads the keys.
    keys: Option<Keys>,
    mouse: bool,
    /// It went away; what has to be finished is finished without it.
    lost: bool,
}

impl Terminal {
    /// The next input; never where keys are not ours to read.
    async fn input(&mut self) -> io::Result<Heard> {
        match &mut self.keys {
            Some(keys) if !self.lost => keys.next().await,
            _ => std::future::pending().await,
        }
    }
}

/// A foreign program that has the terminal.
struct Editor {
    program: String,
    ended: BoxFuture<'static, io::Result<ExitStatus>>,
    /// What it shows, where that is not a file of the person.
    copy: Option<PrivateCopy>,
}

/// What a foreign program gets besides its arguments.
enum Given {
    Nothing,
    /// On its standard input.
    Input(String),
    /// The file among its arguments, which goes when the program ends.
    Copy(PrivateCopy),
}

/// Why the workbench ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A person asked for it.
    Quit,
    Signal(&'static str),
    TerminalClosed,
}

impl Reason {
    pub(super) fn outcome(self) -> Result<(), Failure> {
        let because = match self {
            Reason::Quit => return Ok(()),
            Reason::Signal(name) => format!("terminated by {name}"),
            Reason::TerminalClosed => "the terminal was closed".to_owned(),
        };
        Err(Failure::new(Kind::Interrupted, "keep the workbench open", because))
    }
}

/// What wakes the loop.
enum Wake {
    Signal(Signal),
    Heard(Heard),
    /// The time for answers of the terminal is over.
    Unanswered,
    TerminalClosed,
    EditorEnded(io::Result<ExitStatus>),
    Due(Due),
    /// No key waits, and the cluster has changed panes that are not built yet.
    Behind,
    /// The terminal took what it was given.
    Written,
    Msg(Msg),
    /// Files of preferences were written.
    Preferences,
    /// Leaving, and the run has cleaned up.
    CleanedUp,
}

struct Driver {
    state: State,
    clipboard: clipboard::Choice,
    links: Links,
    /// What the terminal was asked, and since when its answers are waited for.
    probe: Probe,
    asked: Option<Instant>,
    worker: Worker,
    /// The frame that was drawn last.
    painted: Painted,
    terminal: Terminal,
    results: mpsc::Receiver<Msg>,
    signals: Signals,
    pace: Pace,
    /// When the frame was handed over that the terminal has not taken yet.
    sent: Option<Instant>,
    editor: Option<Editor>,
    /// What of the file of preferences was refused last.
    refused: Vec<String>,
    /// Files of preferences were written.
    saved: Arc<Notify>,
    /// Why, while a run cleans up.
    leaving: Option<Reason>,
}

impl Driver {
    /// Runs until the end, and then writes down what the next session begins with.
    async fn run(mut self, keeps: bool) -> Closed {
        let ended = self.until_the_end().await;
        self.take_last_answers().await;
        let kept = if keeps { keep(self.state.session()) } else { Ok(()) };
        // What made it end is more important.
        Closed { outcome: ended.and(kept), last_words: self.worker.last_words() }
    }

    async fn until_the_end(&mut self) -> Result<(), Failure> {
        self.state.model.now_ms = now_ms();
        self.pace.prefer(self.state.desk.preferences.text(&SLOW));
        let first = self.state.begin();
        self.perform(first)?;
        self.draw()?;
        loop {
            let wake = self.wake().await;
            self.state.model.now_ms = now_ms();
            let reason = match wake {
                Wake::CleanedUp => return self.leaving.unwrap_or(Reason::Quit).outcome(),
                Wake::Due(Due::Frame) => {
                    self.draw()?;
                    None
                }
                Wake::Behind => {
                    self.state.prepare_next();
                    None
                }
                Wake::Written => {
                    if self.terminal.screen.out().is_idle()
                        && let Some(sent) = self.sent.take()
                    {
                        self.pace.took(sent.elapsed());
                    }
                    None
                }
                Wake::Due(Due::Tick) => self.update(Msg::Tick)?,
                Wake::Msg(msg) => self.update(msg)?,
                Wake::Preferences => {
                    self.read_preferences()?;
                    None
                }
                Wake::EditorEnded(status) => {
                    self.edited(status)?;
                    None
                }
                Wake::TerminalClosed => {
                    self.terminal.lost = true;
                    Some(Reason::TerminalClosed)
                }
                Wake::Heard(Heard::Input(input)) => {
                    self.pace.hurry();
                    if input == Input::Focus(true) {
                        self.read_preferences()?;
                    }
                    self.input(input)?
                }
                Wake::Heard(Heard::Answer(answer)) => {
                    let changes = self.probe.take(answer);
                    self.changed(changes)?;
                    None
                }
                Wake::Unanswered => {
                    self.asked = None;
                    let changes = self.probe.over();
                    self.changed(changes)?;
                    None
                }
                Wake::Signal(signal) => self.signal(signal)?,
            };
            if let Some(reason) = reason
                && let Some(outcome) = self.leave(reason)
            {
                return outcome;
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let Driver { state, worker, terminal, results, signals, pace, editor, leaving, saved, asked, .. } = self;
        // A terminal that has not taken the last frame gets the newest one afterwards.
        let idle = terminal.screen.out().is_idle();
        let changed = state.dirty && editor.is_none() && !terminal.lost && idle;
        let behind = state.is_behind() && editor.is_none() && !terminal.lost;
        let written = terminal.written.clone();
        let ticking = state.moves_by_itself();
        let edited = async {
            match editor {
                Some(editor) => (&mut editor.ended).await,
                None => std::future::pending().await,
            }
        };
        let cleaned_up = async {
            match (leaving, worker.running()) {
                (None, _) => std::future::pending().await,
                (Some(_), Some(running)) => running.ended().await,
                (Some(_), None) => {}
            }
        };
        let unanswered = async {
            match asked {
                Some(asked) => tokio::time::sleep_until(*asked + probe::BUDGET).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signals.next() => Wake::Signal(signal),
            heard = terminal.input() => heard.map_or(Wake::TerminalClosed, Wake::Heard),
            () = unanswered => Wake::Unanswered,
            status = edited => Wake::EditorEnded(status),
            () = written.notified(), if !idle => Wake::Written,
            // A key is noticed only by who waits for a moment.
            () = tokio::task::yield_now(), if behind => Wake::Behind,
            due = pace.next(changed, ticking) => Wake::Due(due),
            Some(msg) = results.recv() => Wake::Msg(msg),
            () = saved.notified() => Wake::Preferences,
            () = cleaned_up => Wake::CleanedUp,
        }
    }

    /// Tells the state, and runs what follows; why to leave, where that is what follows.
    fn update(&mut self, msg: Msg) -> Result<Option<Reason>, Failure> {
        let effects = self.state.update(msg);
        self.perform(effects)?;
        Ok((self.state.quit && self.leaving.is_none()).then_some(Reason::Quit))
    }

    /// Asks the terminal what it can do; nothing waits for its answers.
    fn ask(&mut self) -> Result<(), Failure> {
        let questions = self.probe.ask();
        if questions.is_empty() {
            return Ok(());
        }
        if let Some(keys) = &mut self.terminal.keys {
            keys.expect_answers();
        }
        self.asked = Some(Instant::now());
        self.terminal.screen.write(questions).map_err(|error| terminal_failure(&error))
    }

    /// What the terminal has said of itself comes to count.
    fn changed(&mut self, changes: Vec<Change>) -> Result<(), Failure> {
        if !self.probe.is_pending() {
            self.asked = None;
        }
        for change in changes {
            match change {
                Change::Background(background) => {
                    self.update(Msg::Background(background))?;
                }
                Change::TurnOn(extra) => {
                    self.terminal.screen.synchronized |= extra == term::Extra::Frames;
                    let bytes = term::turn_on(extra);
                    if !bytes.is_empty() {
                        self.terminal.screen.write(bytes).map_err(|error| terminal_failure(&error))?;
                    }
                }
                Change::Unsynchronized => self.terminal.screen.synchronized = false,
                Change::Keep(known) => term::in_background(move || {
                    let name = probe::name(|name| std::env::var(name).ok());
                    let (before, path) = (terminals(), terminals_file());
                    if let Some(path) = path.filter(|_| before.get(&name) != Some(&known)) {
                        // It is asked again at every start; nobody has to know that it could not be kept.
                        let _ = own::keep(&path, &before.with(&name, known).text());
                    }
                }),
            }
        }
        Ok(())
    }

    /// Takes answers that are still on their way, so that the shell does not get them as keys.
    async fn take_last_answers(&mut self) {
        let Some(asked) = self.asked.filter(|_| !self.terminal.lost) else { return };
        let probe = &mut self.probe;
        let terminal = &mut self.terminal;
        let answers = async {
            while probe.is_pending() {
                match terminal.input().await {
                    Ok(Heard::Answer(answer)) => drop(probe.take(answer)),
                    Ok(Heard::Input(_)) => {}
                    Err(_) => break,
                }
            }
        };
        // One that does not answer is not waited for.
        let _ = tokio::time::timeout_at(asked + probe::BUDGET, answers).await;
    }

    fn input(&mut self, input: Input) -> Result<Option<Reason>, Failure> {
        match (self.leaving, &input) {
            (None, _) | (Some(_), Input::Resize { .. }) => {
                // Keys that come together each act on what the one before them has made, drawn or not.
                if self.state.dirty {
                    self.state.prepare_for_key();
                }
                self.update(Msg::Input(input))
            }
            (Some(reason), Input::Key(key)) if *key == Key::ctrl('c') => Ok(Some(reason)),
            (Some(_), _) => Ok(None),
        }
    }

    /// Takes what the file of preferences says now, or says why not; nothing where it says the same as before.
    fn read_preferences(&mut self) -> Result<(), Failure> {
        let counts = &self.state.desk.preferences;
        let fresh = file::read().with_flags_of(counts);
        let themes = file::themes();
        let chosen = Chosen::of(&fresh);
        let mut again = fresh.since(counts);
        // A theme is wrong where it is named.
        let level = chosen.level();
        let named = chosen.theme.as_deref().map(|name| themes.load(name, level));
        if let (Again::Changed(_) | Again::Same, Some(Err(error))) = (&again, &named)
            && (fresh.theme() != counts.theme() || themes != self.state.desk.themes)
        {
            again = Again::Refused(vec![format!("{}: {error}", fresh.origin(fresh.value(&THEME)))]);
        }
        if let (Again::Same, true) = (&again, themes != self.state.desk.themes) {
            again = Again::Changed(vec![preferences::THEMES]);
        }
        match again {
            Again::Same => self.refused.clear(),
            Again::Refused(wrong) if wrong == self.refused => {}
            Again::Refused(wrong) => {
                self.refused.clone_from(&wrong);
                self.update(Msg::PreferencesRefused(wrong))?;
            }
            Again::Changed(changed) => {
                self.refused.clear();
                self.prefer(chosen, fresh, themes, changed)?;
            }
        }
        Ok(())
    }

    /// Lets preferences count: what the terminal has to do with them, and the rest.
    fn prefer(
        &mut self,
        chosen: Chosen,
        preferences: Preferences,
        themes: Themes,
        changed: Vec<&'static str>,
    ) -> Result<(), Failure> {
        (self.clipboard, self.links) = (chosen.clipboard, chosen.links);
        self.pace.prefer(preferences.text(&SLOW));
        if chosen.mouse != self.terminal.mouse {
            self.terminal.mouse = chosen.mouse;
            // A foreign program that has the terminal now leaves it to us as we want it.
            if self.editor.is_none() {
                let bytes = term::mouse_sequence(chosen.mouse);
                self.terminal.screen.write(bytes).map_err(|error| terminal_failure(&error))?;
            }
        }
        let (chosen, preferences) = (Box::new(chosen), Box::new(preferences));
        self.update(Msg::Preferences { chosen, preferences, themes, changed }).map(drop)
    }

    fn signal(&mut self, signal: Signal) -> Result<Option<Reason>, Failure> {
        match signal {
            // A person who interrupts the editor does not mean us.
            Signal::Interrupt if self.editor.is_some() => Ok(None),
            Signal::Interrupt => self.input(Input::Key(Key::ctrl('c'))),
            Signal::Terminate => Ok(Some(Reason::Signal("SIGTERM"))),
            Signal::Hangup => {
                // Its own end of the terminal's going away: what is being cleaned up is cleaned up.
                self.terminal.lost = true;
                Ok(Some(Reason::Signal("SIGHUP")).filter(|_| self.leaving.is_none()))
            }
            // The editor has stopped itself, and the shell waits for all of us.
            Signal::Stop if self.editor.is_some() => {
                term::stop().map_err(|error| terminal_failure(&error))?;
                Ok(None)
            }
            Signal::Stop => self.update(Msg::Suspend),
            Signal::Size => {
                let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
                self.update(Msg::Input(Input::Resize { width, height }))
            }
        }
    }

    /// Begins to leave; the outcome where nothing has to be waited for: no run is active, or a person does not want to wait.
    fn leave(&mut self, reason: Reason) -> Option<Result<(), Failure>> {
        if self.leaving.is_some() {
            let abandoned = self.worker.running().map(|running| running.abandoned());
            return Some(abandoned.map_or_else(|| reason.outcome(), Err));
        }
        let Some(running) = self.worker.wind_down() else { return Some(reason.outcome()) };
        let leaves_jobs = running.leaves_jobs();
        // The editor goes with us.
        if self.editor.take().is_some() {
            self.terminal.lost |= term::resume(self.terminal.mouse).is_err();
            self.resumed();
        }
        self.leaving = Some(reason);
        self.state.show_leaving(leaves_jobs);
        self.pace.hurry();
        None
    }

    fn draw(&mut self) -> Result<(), Failure> {
        if self.pace.is_urgent() {
            self.state.prepare_for_key()
        } else {
            self.state.prepare()
        }
        let (links, caret) = self.painted.paint(&self.state);
        self.state.dirty = false;
        let shown = self.links;
        let address = |link: Link| Some((link.area, shown.address(&link.target)?));
        let links = links.into_iter().filter_map(address).collect();
        let Painted { frame, damage, .. } = &self.painted;
        let drawn = self.terminal.screen.draw_linked(frame, damage, links, caret);
        self.pace.drawn();
        self.sent = Some(Instant::now());
        match drawn {
            Err(_) if self.leaving.is_some() => self.terminal.lost = true,
            drawn => drawn.map_err(|error| terminal_failure(&error))?,
        }
        Ok(())
    }

    /// What the terminal itself has to do; everything else goes to the worker.
    fn perform(&mut self, effects: Vec<Effect>) -> Result<(), Failure> {
        for effect in effects {
            match effect {
                Effect::Redraw => self.terminal.screen.forget(),
                // The reader of keys stays: woken now, it could swallow the first key after the stop.
                Effect::Suspend => {
                    match term::suspend(self.terminal.mouse).map_err(|error| terminal_failure(&error))? {
                        term::Suspended::Resumed => {
                            self.ask()?;
                            self.resumed();
                        }
                        term::Suspended::NoShell => {
                            self.state.say(super::model::Severity::Info, "not started from a shell with job control");
                        }
                    }
                }
                Effect::Edit { path, line } => self.edit(&path, line, Given::Nothing)?,
                Effect::EditCopy { name, text, line } => self.edit_copy(&name, text, line)?,
                Effect::Page(text) => self.page(text)?,
                Effect::Copy(text) => self.copy(text)?,
                Effect::CopyByTerminal(text) => self.copy_by_terminal(&text)?,
                Effect::Export { path, replace } => export(&mut self.state, path, replace),
                Effect::Prefer { preferences, changed } => {
                    let (chosen, themes) = (Chosen::of(&preferences), self.state.desk.themes.clone());
                    self.prefer(chosen, *preferences, themes, vec![changed])?;
                }
                other => self.worker.start(other),
            }
        }
        Ok(())
    }

    /// Back from the shell or a foreign program: the size may have changed, the screen is unknown.
    fn resumed(&mut self) {
        self.terminal.screen.forget();
        if let Ok((width, height)) = crossterm::terminal::size() {
            self.state.update(Msg::Input(Input::Resize { width, height }));
        }
        self.state.dirty = true;
        self.pace.hurry();
    }

    /// Opens a file in the editor.
    fn edit(&mut self, path: &Path, line: u32, given: Given) -> Result<(), Failure> {
        let editor = std::env::var("EDITOR").or_else(|_| std::env::var("VISUAL")).unwrap_or_else(|_| "vi".to_owned());
        let arguments = [format!("+{line}").into(), path.as_os_str().to_owned()];
        self.hand_over((&editor, "vi"), &arguments, given)
    }

    /// Opens a private copy of a text in the editor.
    fn edit_copy(&mut self, name: &str, text: String, line: u32) -> Result<(), Failure> {
        match PrivateCopy::new(name, text) {
            Ok(copy) => {
                let path = copy.path().to_owned();
                self.edit(&path, line, Given::Copy(copy))?;
            }
            Err(error) => {
                let failure = Failure::from_error(Kind::Usage, format!("write a private copy of {name}"), error);
                let place = std::env::temp_dir().display().to_string();
                self.state.say_failure(failure.at(place).hint("set TMPDIR to a folder that can be written to"));
            }
        }
        Ok(())
    }

    /// Shows a text in the pager, which reads its keys from the terminal itself.
    fn page(&mut self, text: String) -> Result<(), Failure> {
        let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
        self.hand_over((pager.as_deref().unwrap_or("less"), "less"), &[], Given::Input(text))
    }

    /// Gives the terminal to a foreign program. The loop goes on without it: results are taken, a run is fed.
    fn hand_over(
        &mut self,
        (line, otherwise): (&str, &str),
        arguments: &[OsString],
        given: Given,
    ) -> Result<(), Failure> {
        let (input, copy) = match given {
            Given::Nothing => (None, None),
            Given::Input(text) => (Some(text), None),
            Given::Copy(copy) => (None, Some(copy)),
        };
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or(otherwise).to_owned();
        if let Some(keys) = self.terminal.keys.take() {
            keys.let_go();
        }
        term::leave();
        let mut command = tokio::process::Command::new(&program);
        command.args(words).args(arguments).kill_on_drop(true);
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        match command.spawn() {
            Ok(mut child) => {
                if let (Some(mut to), Some(text)) = (child.stdin.take(), input) {
                    // A pager that is left before its end does not take all of it.
                    tokio::spawn(async move { drop(to.write_all(text.as_bytes()).await) });
                }
                let ended = Box::pin(async move { child.wait().await });
                self.editor = Some(Editor { program, ended, copy });
                Ok(())
            }
            Err(error) => {
                self.editor = Some(Editor { program, ended: Box::pin(std::future::pending()), copy: None });
                self.edited(Err(error))
            }
        }
    }

    /// Takes the terminal back from the editor.
    fn edited(&mut self, status: io::Result<ExitStatus>) -> Result<(), Failure> {
        let Some(editor) = self.editor.take() else { return Ok(()) };
        term::resume(self.terminal.mouse).map_err(|error| terminal_failure(&error))?;
        self.terminal.keys = Some(Keys::new());
        self.ask()?;
        self.resumed();
        if let Err(error) = status {
            let doing = format!("run `{}`", editor.program);
            self.state.say_failure(Failure::new(Kind::Usage, doing, error.to_string()).hint("set EDITOR or PAGER"));
        } else if let Some(copy) = editor.copy {
            self.worker.look_at(copy);
        }
        Ok(())
    }

    fn copy(&mut self, text: String) -> Result<(), Failure> {
        let mut programs = Vec::new();
        let mut by_terminal = false;
        for way in clipboard::ways(self.clipboard, |name| std::env::var(name).ok()) {
            match way {
                Way::Program(words) => programs.push(words),
                Way::Terminal => by_terminal = true,
            }
        }
        match (programs.is_empty(), by_terminal) {
            (true, true) => return self.copy_by_terminal(&text),
            (true, false) if self.clipboard == clipboard::Choice::Off => {
                self.state.say(super::model::Severity::Warn, "not copied: the preference `clipboard` is off");
            }
            (true, false) => {
                let said = "not copied: no clipboard program found; the preference `clipboard` can be osc52";
                self.state.say(super::model::Severity::Warn, said);
            }
            (false, _) => self.worker.copy(text, programs),
        }
        Ok(())
    }

    fn copy_by_terminal(&mut self, text: &str) -> Result<(), Failure> {
        if self.clipboard == clipboard::Choice::Native {
            self.state.say(super::model::Severity::Warn, "not copied: no program for the clipboard has taken the text");
            return Ok(());
        }
        let in_tmux = std::env::var_os("TMUX").is_some();
        match term::clipboard_sequence(text, in_tmux) {
            Some(sequence) => {
                self.terminal.screen.write(&sequence).map_err(|error| terminal_failure(&error))?;
                self.state.say_copied(text, "OSC 52");
            }
            None => {
                self.state.say(super::model::Severity::Warn, "too long for the clipboard of a terminal; use a file");
            }
        }
        Ok(())
    }
}

/// Lets preferences count, without a terminal.
pub(super) fn prefer(state: &mut State, preferences: Box<Preferences>, changed: &'static str) -> Vec<Effect> {
    let (chosen, themes) = (Box::new(Chosen::of(&preferences)), state.desk.themes.clone());
    state.update(Msg::Preferences { chosen, preferences, themes, changed: vec![changed] })
}

pub(super) fn export(state: &mut State, path: PathBuf, replace: bool) {
    let Some(form) = Form::of(&path) else {
        let forms = Form::ALL.map(|form| format!(".{}", form.suffix())).join(", ");
        let said = format!("not written: the name {} must end in one of {forms}", path.display());
        return state.say(super::model::Severity::Warn, said);
    };
    let place = Place::File(path.clone());
    if !replace && place.is_taken() {
        state.ask_overwrite(Effect::Export { path, replace: true });
        return;
    }
    state.prepare();
    let (frame, _) = view::frame(state);
    let text = match form {
        Form::Text => screenshot::symbols(&frame),
        Form::Markdown | Form::Json | Form::Yaml | Form::Csv => document::document(state, form),
        Form::Svg => {
            screenshot::svg(&frame, &state.desk.theme, &format!("aicr workbench, {}", state.desk.screen.name()))
        }
    };
    match place::write_local(&place, &text) {
        Ok(()) => state.say(super::model::Severity::Ok, format!("wrote {}", place.whole())),
        Err(failure) => state.say_failure(failure),
    }
}

/// Writes what the next session begins with over what others have written meanwhile.
pub(super) fn keep(session: Session) -> Result<(), Failure> {
    let Some(folder) = folders::state() else { return Ok(()) };
    let path = folder.path.join(session::FILE);
    let whole = |file: &str| match Place::parse(file) {
        Ok(place @ Place::File(_)) if place.is_taken() => place.whole(),
        _ => file.to_owned(),
    };
    let stored = own::text(&path).ok().flatten().and_then(|text| Session::parse(&text).ok()).unwrap_or_default();
    own::keep(&path, &session.with_files(whole).over(stored).text()).map_err(|error| {
        let hint = "set AICR_STATE_DIR to a folder that can be written to";
        Failure::from_error(Kind::Usage, "save the session", error).at(path.display().to_string()).hint(hint)
    })
}

/// What earlier sessions left, and what is to be said of it; a file that cannot be used is moved aside.
pub(super) fn last_session() -> (Session, Option<String>) {
    let Some(path) = folders::state().map(|folder| folder.path.join(session::FILE)) else { return Default::default() };
    let because = match own::text(&path) {
        Ok(None) => return Default::default(),
        Ok(Some(text)) => match Session::parse(&text) {
            Ok(session) => return (session, None),
            Err(because) => because,
        },
        Err(error) => crate::text::causes(&error),
    };
    let aside = match own::move_aside(&path) {
        Ok(aside) => format!("it is {} now", aside.display()),
        Err(error) => format!("it cannot be moved: {error}"),
    };
    (Session::default(), Some(format!("the last session cannot be restored: {because}; {aside}")))
}

/// Where it is kept what terminals can do.
fn terminals_file() -> Option<PathBuf> {
    folders::cache().map(|folder| folder.path.join(folders::TERMINALS))
}

/// What terminals have said of themselves at earlier starts.
fn terminals() -> Terminals {
    let text = terminals_file().and_then(|path| own::text(&path).ok().flatten());
    text.map_or_else(Terminals::default, |text| Terminals::parse(&text))
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}
