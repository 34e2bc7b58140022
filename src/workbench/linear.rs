//! The workbench as lines and prompts, for screen readers and terminals without a screen.
//!
//! The same state, panes and commands as on a screen; what a pane shows is read as numbered lines, and what changes is said
//! as one line each. Nothing is drawn over, no cursor is moved, no frame has borders. A pipe can give the lines, too: each is
//! answered before the next one is read.

mod said;

pub use said::Said;

use super::{
    Closed, RunOptions, Screen,
    app::State,
    driver::{self, Reason, Signal, Signals, Worker},
    effect::Effect,
    keymap::{self, Action, BINDINGS},
    layout::Zoom,
    msg::Msg,
    overlay::{COMMANDS, Choice, Field, Kind, Overlay},
    panes::{self, Pane, RowId},
    view,
    widgets::table::{Content, Identity, Row, Table},
};
#[cfg(unix)]
use crate::term::lines::{Bytewise, Step, Typed};
use crate::{
    ops::{Failure, Kind as FailureKind, place::unprintable},
    term::{color::Level, input::Input, key::Key},
    text::{count, plural},
};
use std::{
    cell::Cell,
    io::{self, IsTerminal, Write},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines, Stdin},
    sync::mpsc,
};

/// Columns and rows of the frame that is never drawn: panes cut nothing in it.
const FRAME: (u16, u16) = (250, 80);
/// Rows that `list` reads at once.
const PAGE: usize = 20;
/// Lines of a text that are read at once.
const TEXT: usize = 100;
/// Between two lines of progress while nothing else is said.
const PROGRESS: Duration = Duration::from_secs(5);

/// What can be typed besides the commands of the palette and the names of actions.
pub const WORDS: &[(&str, &str)] = &[
    ("screens", "list the screens"),
    ("screen NAME", "go to a screen"),
    ("panels", "list the panels of this screen"),
    ("panel NAME", "go to a panel, by its name or number"),
    ("list [NUMBER]", "read the rows of this panel, from a number on"),
    ("more", "read on"),
    ("NUMBER", "select a row and read all of it; after a question, choose that answer"),
    ("open", "go into the selected row, as Enter does on a screen"),
    ("back", "go back, as Esc does on a screen"),
    ("filter [TEXT]", "keep the rows that match; without a text, all"),
    ("complete [TEXT]", "list how a command can go on, to choose one by its number"),
    ("reload", "read everything again, and retry what failed"),
    ("where", "say where you are"),
    ("wait", "wait until the run, the deploy, or the evaluation of the checks that only read, has ended"),
    ("commands", "list the commands of the palette"),
    ("actions", "list what can be done here by name"),
    ("quit", "leave"),
];

/// Where lines come from.
enum Source {
    Lines(Lines<BufReader<Stdin>>),
    #[cfg(unix)]
    Keys(Keys),
}

impl Source {
    /// Keys where they can be had.
    fn new(by_keys: bool) -> Source {
        #[cfg(unix)]
        if by_keys && let Ok(keys) = Keys::new() {
            return Source::Keys(keys);
        }
        let _ = by_keys;
        Source::Lines(BufReader::new(tokio::io::stdin()).lines())
    }

    fn is_keys(&self) -> bool {
        !matches!(self, Source::Lines(_))
    }

    async fn next(&mut self) -> io::Result<Option<String>> {
        match self {
            Source::Lines(lines) => lines.next_line().await,
            #[cfg(unix)]
            Source::Keys(keys) => keys.next_line().await,
        }
    }
}

/// What leaves where it is all that was typed.
#[cfg(unix)]
const LEAVE: &[u8] = b"q";
/// How long it may be the beginning of a line that is sent as a whole.
#[cfg(unix)]
const ALONE: Duration = Duration::from_millis(100);

/// A terminal that hands over each key.
#[cfg(unix)]
struct Keys {
    input: Stdin,
    modes: Bytewise,
    typed: Typed,
}

#[cfg(unix)]
impl Keys {
    fn new() -> io::Result<Keys> {
        Ok(Keys { modes: Bytewise::new()?, input: tokio::io::stdin(), typed: Typed::default() })
    }

    /// The next line, or what leaves as soon as it is typed; `None` at the end. What was typed so far is kept where the caller
    /// stops waiting.
    async fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            let mut byte = [0];
            let read = self.input.read(&mut byte);
            let count = match self.typed.line() == LEAVE {
                false => read.await?,
                true => match tokio::time::timeout(ALONE, read).await {
                    Ok(count) => count?,
                    Err(_) => {
                        self.show(b"\n")?;
                        return Ok(Some(self.typed.end()));
                    }
                },
            };
            if count == 0 {
                return Ok(None);
            }
            match self.typed.take(byte[0]) {
                Step::Show(bytes) => self.show(&bytes)?,
                Step::Line(line) => {
                    self.show(b"\n")?;
                    return Ok(Some(line));
                }
                Step::End => return Ok(None),
            }
        }
    }

    fn show(&self, bytes: &[u8]) -> io::Result<()> {
        if !self.modes.shows() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush())
    }
}

/// `by_keys` where a person did not ask for lines: what a screen would show at first is read to them, and the key that leaves
/// it leaves, without Enter.
pub(super) async fn run(options: RunOptions, by_keys: bool) -> Closed {
    read(options, by_keys).await.unwrap_or_else(Closed::from)
}

async fn read(options: RunOptions, by_keys: bool) -> Result<Closed, Failure> {
    let mut state = State::new(&options, Level::None, FRAME.0, FRAME.1)
        .map_err(|error| Failure::new(FailureKind::Usage, "choose the theme", error.to_string()))?;
    // What is taught has to be what can be typed.
    state.desk.keys = state.desk.keys.by_name();
    state.desk.is_lines = true;
    let (sender, results) = mpsc::channel(256);
    let mut reader = Reader {
        state,
        worker: Worker::new(&options, sender, tokio::runtime::Handle::current()),
        results,
        lines: Source::new(by_keys),
        interrupts: interrupts(),
        ending: Signals::new(&[Signal::Terminate, Signal::Hangup])
            .map_err(|error| Failure::from_error(FailureKind::Internal, "listen to signals", error))?,
        said: Said::default(),
        has_overlay: false,
        prompted: Cell::new(false),
        answered: Cell::new(false),
        said_place: Cell::new(false),
        next: 0,
        text: Vec::new(),
    };
    let ended = reader.run().await;
    reader.worker.finish(&mut reader.results).await;
    let kept = if options.writes_session { driver::keep(reader.state.session()) } else { Ok(()) };
    Ok(Closed { outcome: ended.and(kept), last_words: reader.worker.last_words() })
}

/// What a person was told of the screen.
struct Shown {
    here: (Screen, &'static Pane),
    place: String,
    row: Option<String>,
}

/// What wakes the loop.
enum Wake {
    Line(io::Result<Option<String>>),
    Msg(Msg),
    Interrupt,
    Ending(Signal),
    Progress,
}

struct Reader {
    state: State,
    worker: Worker,
    results: mpsc::Receiver<Msg>,
    lines: Source,
    interrupts: mpsc::Receiver<()>,
    /// Signals that end the program: first it gives the terminal back, and a run cleans up.
    ending: Signals,
    said: Said,
    /// A popup was read already.
    has_overlay: bool,
    /// The newest thing on the screen is a prompt that was not answered.
    prompted: Cell<bool>,
    /// Something was said since the last line was typed.
    answered: Cell<bool>,
    /// Where the person is was the answer.
    said_place: Cell<bool>,
    /// Where `more` goes on in the panel.
    next: usize,
    /// Where `more` goes on in a text: what was not read yet.
    text: Vec<String>,
}

/// Every interrupt of the process: one that comes while an answer is handled waits for the next look.
fn interrupts() -> mpsc::Receiver<()> {
    let (sender, interrupts) = mpsc::channel(8);
    tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {} });
    interrupts
}

impl Reader {
    async fn run(&mut self) -> Result<(), Failure> {
        self.state.desk.zoom = Zoom::Full;
        self.update_with(|state| state.begin())?;
        let leave = if self.lines.is_keys() { "q" } else { "quit" };
        self.say(&format!(
            "aicr in lines; `help` lists what can be typed, `list` reads the rows of a panel, `{leave}` leaves"
        ))?;
        self.settle().await?;
        self.say(&self.place())?;
        if self.lines.is_keys() {
            self.list()?;
        }
        loop {
            if self.state.quit {
                return Ok(());
            }
            self.prompt()?;
            let wake = self.wake().await;
            match wake {
                Wake::Line(Ok(Some(line))) => {
                    // A person's own Enter has ended the line of the prompt.
                    self.prompted.set(!io::stdin().is_terminal());
                    self.answered.set(false);
                    let before = self.shown();
                    self.line(line.trim()).await?;
                    self.settle().await?;
                    self.say_change(&before)?;
                }
                // Whoever gave the lines has gone.
                Wake::Line(Ok(None) | Err(_)) => return Ok(()),
                Wake::Msg(msg) => self.update(msg)?,
                Wake::Interrupt => self.update(Msg::Input(Input::Key(Key::ctrl('c'))))?,
                Wake::Ending(signal) => return ended_by(signal),
                Wake::Progress => self.progress()?,
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let is_active = self.state.model.run.active || self.state.model.deploy.active;
        tokio::select! {
            biased;
            Some(msg) = self.results.recv() => Wake::Msg(msg),
            Some(()) = self.interrupts.recv() => Wake::Interrupt,
            signal = self.ending.next() => Wake::Ending(signal),
            line = self.lines.next() => Wake::Line(line),
            () = tokio::time::sleep(PROGRESS), if is_active => Wake::Progress,
        }
    }

    /// Until what was asked for is answered; a run goes on meanwhile.
    async fn settle(&mut self) -> Result<(), Failure> {
        while !self.state.quit {
            let run = usize::from(self.state.model.run.active) + usize::from(self.state.model.deploy.active);
            if self.state.in_flight <= run && self.state.model.is_settled() {
                return Ok(());
            }
            tokio::select! {
                Some(msg) = self.results.recv() => self.update(msg)?,
                Some(()) = self.interrupts.recv() => self.update(Msg::Input(Input::Key(Key::ctrl('c'))))?,
                signal = self.ending.next() => return ended_by(signal),
            }
        }
        Ok(())
    }

    async fn until_the_run_ends(&mut self) -> Result<(), Failure> {
        while (self.state.model.is_running() || self.state.model.deploy.active) && !self.state.quit {
            tokio::select! {
                Some(msg) = self.results.recv() => self.update(msg)?,
                Some(()) = self.interrupts.recv() => self.update(Msg::Input(Input::Key(Key::ctrl('c'))))?,
                signal = self.ending.next() => return ended_by(signal),
                () = tokio::time::sleep(PROGRESS) => self.progress()?,
            }
        }
        Ok(())
    }

    // -- changes -----------------------------------------------------------------------------------------------------

    fn update(&mut self, msg: Msg) -> Result<(), Failure> {
        self.update_with(|state| state.update(msg))
    }

    fn update_with(&mut self, change: impl FnOnce(&mut State) -> Vec<Effect>) -> Result<(), Failure> {
        self.state.model.now_ms = driver::now_ms();
        self.state.prepare();
        let effects = change(&mut self.state);
        self.state.prepare();
        self.announce()?;
        for effect in effects {
            match effect {
                // A reader has its own way to copy what it reads.
                Effect::Copy(text) | Effect::CopyByTerminal(text) => self.say(&format!("to copy: {text}"))?,
                Effect::Edit { path, line } => self.say(&format!("written at {}:{line}", path.display()))?,
                // It is read as it is; there is no program to hand the terminal to.
                Effect::EditCopy { text, .. } => {
                    self.text = text.lines().map(str::to_owned).collect();
                    self.more()?;
                }
                Effect::Export { path, replace } => {
                    driver::export(&mut self.state, path, replace);
                    self.announce()?;
                }
                Effect::Page(text) => {
                    self.text = text.lines().map(str::to_owned).collect();
                    self.more()?;
                }
                Effect::Prefer { preferences, changed } => {
                    driver::prefer(&mut self.state, preferences, changed);
                    self.announce()?;
                }
                Effect::Redraw | Effect::Suspend => {}
                other => self.worker.start(other),
            }
        }
        Ok(())
    }

    /// Says what has changed.
    fn announce(&mut self) -> Result<(), Failure> {
        for line in self.said.news(&self.state) {
            self.say(&line)?;
        }
        let had_overlay = std::mem::replace(&mut self.has_overlay, self.state.desk.overlay.is_some());
        // Reading it changes what `more` goes on with, which is beside it.
        if let Some(overlay) = self.state.desk.overlay.take_if(|_| !had_overlay) {
            let read = self.read_overlay(&overlay);
            self.state.desk.overlay = Some(overlay);
            read?;
        }
        Ok(())
    }

    fn progress(&mut self) -> Result<(), Failure> {
        if self.state.model.deploy.active {
            return self.say(&self.state.model.deploy.progress.summary());
        }
        let run = &self.state.model.run;
        let going = run.checks.iter().filter(|check| check.result.is_none() && check.started_ms.is_some());
        let names: Vec<&str> = going.map(|check| check.planned.name.as_str()).collect();
        let done = run.checks.iter().filter(|check| check.result.is_some()).count();
        let doing = if names.is_empty() { "nothing at the moment".to_owned() } else { names.join(", ") };
        self.say(&format!("{done} of {} checks done; running: {doing}", run.checks.len()))
    }

    // -- what is typed -----------------------------------------------------------------------------------------------

    async fn line(&mut self, line: &str) -> Result<(), Failure> {
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        if let Ok(number) = line.parse::<usize>() {
            return self.choose(number);
        }
        match (word, rest) {
            ("", _) | ("where", "") => return self.say_place(),
            ("more", "") => return self.more(),
            ("help" | "?", "") => return self.help(),
            _ => {}
        }
        // A name that was asked for.
        if let Some(overlay) = &mut self.state.desk.overlay
            && let Kind::Confirm { name, .. } = &overlay.kind
            && name == line
        {
            overlay.field = Some(Field::with(line));
            self.has_overlay = false;
            return self.act(Action::Enter);
        }
        // What was read is left by the next command.
        self.state.desk.overlay = None;
        self.has_overlay = false;
        match (word, rest) {
            ("screens", "") => self.say_all(
                Screen::ALL
                    .iter()
                    .map(|screen| format!("{}. {}: {}", screen.index() + 1, screen.name(), screen.about())),
            ),
            ("screen", name) => self.screen(name),
            ("panels", "") => {
                let names = self.state.desk.present(&self.state.model);
                let focused = self.state.desk.focused();
                self.say_all(names.into_iter().enumerate().map(|(at, pane)| {
                    format!("{}. {}{}", at + 1, pane.name, if pane == focused { ", here" } else { "" })
                }))
            }
            ("panel", name) => self.panel(name),
            ("list", from) => {
                self.next = from.parse::<usize>().map_or(0, |from| from.saturating_sub(1));
                self.list()
            }
            ("reload" | "R", "") => {
                self.act(Action::Refresh)?;
                self.settle().await?;
                let gaps = self.state.model.cluster.gaps();
                let source = view::source_words(&self.state);
                // One is in the words already.
                let lacks = if gaps.len() > 1 { format!("; not read: {}", gaps.join("; ")) } else { String::new() };
                self.say(&format!("read again: {source}{lacks}"))
            }
            ("complete", text) => self.update_with(|state| {
                state.offer(text);
                Vec::new()
            }),
            ("open", "") => self.act(Action::Enter),
            ("back", "") => self.act(Action::Back),
            ("quit" | "q" | "exit", "") => self.command("quit"),
            ("wait", "") => self.until_the_run_ends().await,
            ("commands", "") => {
                self.say_all(COMMANDS.iter().map(|(word, arguments, help)| format!("{word} {arguments}: {help}")))
            }
            ("actions", "") => {
                let screen = self.state.desk.screen;
                let here = BINDINGS.iter().filter(|binding| binding.acts_on(screen));
                self.say_all(here.map(|binding| format!("{}: {}", binding.name, binding.help)))
            }
            ("filter", text) => {
                match text {
                    "" => {
                        let pane = self.state.desk.focused();
                        self.state.desk.table_mut(pane).unfilter();
                        self.state.desk.mark(panes::Need::Cursor(pane));
                    }
                    text => self.command(&format!("filter {text}"))?,
                }
                self.next = 0;
                self.said_place.set(true);
                let table = self.state.desk.table(self.state.desk.focused());
                let said = match (&table.misread, table.filter.is_empty()) {
                    (Some(misread), _) => format!("invalid filter: {}", misread.why),
                    (None, true) => format!("{}, no filter", count(table.visible.len(), "row")),
                    (None, false) => {
                        format!("{}, {} hidden by {}", count(table.visible.len(), "row"), table.hidden, table.filter)
                    }
                };
                self.say(&said)
            }
            // What comes of it is said when it has come.
            _ if COMMANDS.iter().any(|(known, ..)| *known == word) => self.command(line),
            _ => match keymap::named(line) {
                Some(binding) if binding.acts_on(self.state.desk.screen) => self.act(binding.action),
                Some(binding) => {
                    self.say(&format!("{} does nothing on {}", binding.name, self.state.desk.screen.name()))
                }
                None => self.say(&format!("unknown command `{word}`; `help` lists what can be typed")),
            },
        }
    }

    fn here(&self) -> (Screen, &'static Pane) {
        (self.state.desk.screen, self.state.desk.focused())
    }

    fn act(&mut self, action: Action) -> Result<(), Failure> {
        self.update(Msg::Act(action))?;
        self.state.desk.zoom = Zoom::Full;
        self.state.prepare();
        Ok(())
    }

    fn shown(&self) -> Shown {
        Shown { here: self.here(), place: self.place(), row: self.selected() }
    }

    /// What a screen shows of an answer: where one is now, what its title says, where the cursor went.
    fn say_change(&mut self, before: &Shown) -> Result<(), Failure> {
        if self.state.quit {
            return Ok(());
        }
        self.state.desk.zoom = Zoom::Full;
        self.state.prepare();
        let now = self.shown();
        if self.state.desk.overlay.is_none() && !self.said_place.replace(false) {
            if now.here != before.here {
                self.next = 0;
            }
            if now.place != before.place {
                self.say(&now.place)?;
            }
            if now.row != before.row {
                self.say_all(now.row)?;
            }
        }
        if self.answered.get() { Ok(()) } else { self.say("nothing has changed") }
    }

    /// The selected row with its number, of how many; `None` in a text.
    fn selected(&self) -> Option<String> {
        let table = self.state.desk.table(self.state.desk.focused());
        let row = table.row().filter(|_| !table.content.prose)?;
        Some(format!("row {} of {}: {}", table.cursor + 1, table.visible.len(), brief(table, row)))
    }

    fn command(&mut self, line: &str) -> Result<(), Failure> {
        self.update(Msg::Command(line.to_owned()))?;
        self.state.desk.zoom = Zoom::Full;
        self.state.prepare();
        Ok(())
    }

    fn screen(&mut self, name: &str) -> Result<(), Failure> {
        let numbered = || Screen::ALL.into_iter().find(|screen| name.parse() == Ok(screen.index() + 1));
        let Some(screen) = Screen::named(name).or_else(numbered) else {
            return self.say("there are cluster, recipe, diff, validate and compare");
        };
        self.state.desk.show(screen);
        self.arrive()
    }

    fn panel(&mut self, name: &str) -> Result<(), Failure> {
        let present = self.state.desk.present(&self.state.model);
        let by_number = name.parse::<usize>().ok().and_then(|number| present.get(number.checked_sub(1)?)).copied();
        let Some(pane) = by_number.or_else(|| present.iter().copied().find(|pane| pane.name == name)) else {
            let names: Vec<&str> = present.iter().map(|pane| pane.name).collect();
            return self.say(&format!("there are {}", names.join(", ")));
        };
        self.state.desk.focus_on(pane);
        self.arrive()
    }

    fn arrive(&mut self) -> Result<(), Failure> {
        self.state.desk.zoom = Zoom::Full;
        self.next = 0;
        self.state.prepare();
        self.say_place()
    }

    /// A number: an answer to a question, a row of a popup, or a row of the panel.
    fn choose(&mut self, number: usize) -> Result<(), Failure> {
        let Some(place) = number.checked_sub(1) else { return self.say("rows are numbered from 1") };
        match self.state.desk.overlay.as_mut() {
            Some(Overlay { kind: Kind::Question { chosen, answers, .. }, .. }) => {
                let count = answers.len();
                if place >= count {
                    let said = (1..count).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
                    return self.say(&format!("answer {said} or {count}"));
                }
                *chosen = place;
                self.has_overlay = false;
                return self.update(Msg::Act(Action::Enter));
            }
            Some(overlay) if matches!(overlay.kind, Kind::Palette | Kind::Recall(_) | Kind::Help | Kind::Messages) => {
                overlay.table.move_to(place);
                self.has_overlay = false;
                return self.update(Msg::Act(Action::Enter));
            }
            _ => {}
        }
        let pane = self.state.desk.focused();
        let rows = self.state.desk.table(pane).visible.len();
        if place >= rows {
            let verb = if rows == 1 { "is" } else { "are" };
            return self.say(&format!("there {verb} {}", count(rows, "row")));
        }
        self.state.desk.table_mut(pane).move_to(place);
        self.state.desk.mark(panes::Need::Cursor(pane));
        self.state.prepare();
        let table = self.state.desk.table(pane);
        let Some(row) = table.row() else { return Ok(()) };
        self.said_place.set(true);
        let mut lines = vec![format!("row {number}")];
        lines.extend(whole(&table.content, row));
        self.say_all(lines)
    }

    fn help(&mut self) -> Result<(), Failure> {
        let pane = self.state.desk.focused();
        let hints = pane.hints.iter().map(|action| keymap::binding(*action));
        let here: Vec<String> = hints.map(|binding| format!("{}: {}", binding.name, binding.help)).collect();
        self.say_all(
            WORDS
                .iter()
                .map(|(word, help)| format!("{word}: {help}"))
                .chain([format!("what is done most often in {}, by name:", pane.name)])
                .chain(here),
        )
    }

    // -- reading -----------------------------------------------------------------------------------------------------

    /// Where the person is: screen, panel, rows, what is said above them.
    fn say_place(&self) -> Result<(), Failure> {
        self.said_place.set(true);
        self.say(&self.place())
    }

    fn place(&self) -> String {
        let desk = &self.state.desk;
        let table = desk.table(desk.focused());
        let note = if table.content.note.is_empty() { String::new() } else { format!(", {}", table.content.note) };
        let filter = if table.filter.is_empty() { String::new() } else { format!(", filter {}", table.filter) };
        let rows = table.visible.len();
        format!("{}: {}{note}{filter}: {}", desk.screen.name(), table.content.title, count(rows, "row"))
    }

    fn list(&mut self) -> Result<(), Failure> {
        let table = self.state.desk.table(self.state.desk.focused());
        let mut lines: Vec<String> = Vec::new();
        // The time bar draws its moments, which are the rows.
        let is_drawn = self.state.desk.focused() == &panes::MOMENTS && !table.visible.is_empty();
        if self.next == 0 && !is_drawn {
            lines.extend(table.content.says.iter().map(|(_, line)| line.clone()));
        }
        let rows = table.visible.len();
        let end = (self.next + PAGE).min(rows);
        for place in self.next.min(end)..end {
            let row = &table.content.rows[table.visible[place]];
            let text = brief(table, row);
            lines.push(if table.content.prose { text } else { format!("{}. {text}", place + 1) });
        }
        if end < rows {
            lines.push(format!("{} more {}; `more` reads on", rows - end, plural(rows - end, "row")));
        } else if lines.is_empty() {
            lines.push("no rows".to_owned());
        }
        self.next = end;
        self.say_all(lines)
    }

    fn more(&mut self) -> Result<(), Failure> {
        if self.text.is_empty() {
            return self.list();
        }
        let rest = self.text.split_off(self.text.len().min(TEXT));
        let mut lines = std::mem::replace(&mut self.text, rest);
        if !self.text.is_empty() {
            lines.push(format!("{} more lines; `more` reads on", self.text.len()));
        }
        self.say_all(lines)
    }

    fn read_overlay(&mut self, overlay: &Overlay) -> Result<(), Failure> {
        let content = &overlay.table.content;
        self.say(&content.title.clone())?;
        match &overlay.kind {
            Kind::Text => {
                self.text = overlay.copy.lines().map(str::to_owned).collect();
                self.more()
            }
            Kind::Question { answers, .. } => {
                self.say_all(overlay.copy.lines().map(str::to_owned).collect::<Vec<_>>())?;
                self.say_all(answers.iter().enumerate().map(|(at, answer)| format!("{}: {}", at + 1, answer.label)))
            }
            Kind::Confirm { .. } => self.say_all(overlay.copy.lines().map(str::to_owned).collect::<Vec<_>>()),
            Kind::Palette | Kind::Recall(_) | Kind::Messages | Kind::Operations | Kind::Preferences | Kind::Help => {
                let rows = overlay.table.visible.iter().map(|index| &content.rows[*index]);
                let lines: Vec<String> = rows
                    .enumerate()
                    .take(PAGE * 2)
                    .map(|(at, row): (usize, &Row<Choice>)| format!("{}. {}", at + 1, row.plain().trim()))
                    .collect();
                self.say_all(lines)
            }
        }
    }

    // -- saying ------------------------------------------------------------------------------------------------------

    fn say_all(&mut self, lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
        lines.into_iter().try_for_each(|line| self.say(&line))
    }

    fn say(&self, line: &str) -> Result<(), Failure> {
        let line = crate::report::escape::line(line);
        self.answered.set(true);
        let mut out = io::stdout().lock();
        let ends = if self.prompted.replace(false) { "\n" } else { "" };
        writeln!(out, "{ends}{}", plain(&line)).map_err(unprintable)
    }

    fn prompt(&self) -> Result<(), Failure> {
        if self.prompted.replace(true) {
            return Ok(());
        }
        let (screen, pane) = self.here();
        let read_only = if self.state.model.read_only { ", read-only" } else { "" };
        let mut out = io::stdout().lock();
        write!(out, "{}, {}{read_only}> ", screen.name(), pane.name).and_then(|()| out.flush()).map_err(unprintable)
    }
}

fn ended_by(signal: Signal) -> Result<(), Failure> {
    Reason::Signal(if signal == Signal::Hangup { "SIGHUP" } else { "SIGTERM" }).outcome()
}

/// Signs as a reader can say them.
fn plain(line: &str) -> String {
    let word = |sign: char| match sign {
        '✓' => "pass",
        '✗' => "fail",
        '»' => "running",
        '→' => "to",
        '…' => "...",
        '·' | '│' => ",",
        '▸' => "folded",
        '▾' => "open",
        _ => "",
    };
    let mut text = String::with_capacity(line.len());
    for sign in line.chars() {
        match word(sign) {
            "" => text.push(sign),
            word => text.push_str(word),
        }
    }
    text.trim_end().to_owned()
}

/// A row in one line: its name, then what the columns with a heading say.
fn brief(table: &Table<RowId>, row: &Row<RowId>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (at, cell) in row.cells.iter().enumerate() {
        let text = cell.plain();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let name = table.content.columns.get(at).map_or("", |column| column.name);
        parts.push(if parts.is_empty() || name.is_empty() { text.to_owned() } else { format!("{name} {text}") });
    }
    let mut line = parts.join(", ");
    if row.depth > 0 {
        line = format!("level {}: {line}", row.depth + 1);
    }
    if row.branch.is_some() {
        line.push_str(if table.is_open(row) { ", open" } else { ", folded" });
    }
    if row.matters {
        line.push_str(", to note");
    }
    line
}

/// A row in full, a line for each column that says something.
fn whole<I: Identity>(content: &Content<I>, row: &Row<I>) -> Vec<String> {
    let line = |(at, text): (usize, String)| match content.columns.get(at).map_or("", |column| column.name) {
        "" => text,
        name => format!("{name}: {text}"),
    };
    let texts = row.cells.iter().map(|cell| cell.plain().trim().to_owned()).enumerate();
    texts.filter(|(_, text)| !text.is_empty()).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::widgets::table::{Cell, Column};

    #[test]
    fn a_row_is_read_with_the_names_of_its_columns() {
        let columns = vec![Column::new("NAME", 4, 8), Column::new("STATE", 4, 8), Column::new("", 1, 1)];
        let cells = ["worker", "ready", ""].map(Cell::text).to_vec();
        let row = Row { depth: 1, branch: Some(true), ..Row::new(RowId::from("worker"), cells) };
        let mut table = Table::default();
        table.set(Content { columns, rows: vec![row.clone()], ..Content::default() });
        assert_eq!(brief(&table, &row), "level 2: worker, STATE ready, open");
        assert_eq!(whole(&table.content, &row), ["NAME: worker", "STATE: ready"]);
    }

    #[test]
    fn signs_become_words() {
        assert_eq!(plain("✓ 4 → 5 · name…"), "pass 4 to 5 , name...");
    }
}
