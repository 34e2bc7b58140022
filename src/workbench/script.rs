//! The workbench without a terminal: keys from a text, frames out of it. Golden frames, pictures and `aicr tui --script`.
//!
//! A script has one key or command per line: a key name (`j`, `Ctrl-D`, `gd` or `g d`), `type TEXT`, `size 120x40`, `wait` until no
//! answer is on its way, `wait-run` until the run (or the evaluation of the checks that only read) has ended, `dump NAME`,
//! `pause SECONDS` for who looks at a recording. Blank lines and lines with `#` are skipped.

use super::{
    RunOptions,
    app::State,
    driver::{self, Worker},
    effect::Effect,
    model::Severity,
    msg::Msg,
    recording::Recording,
    screenshot,
    theme::Theme,
    view,
};
use crate::{
    ops::{Failure, Kind},
    term::{
        color::Level,
        input::Input,
        key::{Code, Key},
    },
};
use ratatui::buffer::Buffer;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

/// A frame that a script asked for.
#[derive(Clone, Debug)]
pub struct Frame {
    pub name: String,
    pub buffer: Buffer,
    pub theme: Theme,
}

impl Frame {
    pub fn text(&self) -> String {
        screenshot::symbols(&self.buffer)
    }

    pub fn svg(&self) -> String {
        screenshot::svg(&self.buffer, &self.theme, &format!("aicr workbench, {}", self.name))
    }

    pub fn styles(&self) -> String {
        screenshot::styles(&self.buffer, &self.theme)
    }
}

/// What a script came to.
#[derive(Clone, Debug)]
pub struct Played {
    /// Those that it asked for, and the last one as `end`.
    pub frames: Vec<Frame>,
    /// Every frame, if that was asked for.
    pub recording: Option<Recording>,
    /// What a person has to know of a run that the script has left.
    pub last_words: Vec<String>,
}

/// Longest wait for answers; a cluster that is not there ends earlier with its own failure.
const WAIT: Duration = Duration::from_secs(60);
/// Longest wait for a run.
const WAIT_RUN: Duration = Duration::from_secs(900);

/// Plays a script on a screen of so many cells; with `record`, every frame is kept.
///
/// # Errors
/// A line that cannot be read, a wait that takes too long, an unknown theme.
pub async fn play(
    options: &RunOptions,
    script: &str,
    (width, height): (u16, u16),
    record: bool,
) -> Result<Played, Failure> {
    let level = options.look.color.unwrap_or(Level::True);
    let state = State::new(options, level, width, height)
        .map_err(|error| Failure::new(Kind::Usage, "choose the theme", error.to_string()))?;
    let (sender, results) = mpsc::channel(256);
    let recording = record.then(|| (Instant::now(), Recording::default()));
    let mut player = Player {
        state,
        worker: Worker::new(options, sender, tokio::runtime::Handle::current()),
        results,
        frames: Vec::new(),
        recording,
    };
    player.state.model.now_ms = driver::now_ms();
    let first = player.state.begin();
    player.start(first);
    player.wait().await?;
    for (index, line) in script.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        player.line(line).await.map_err(|failure| failure.at(format!("line {}", index + 1)))?;
        if player.state.quit {
            break;
        }
    }
    player.wait().await?;
    player.dump("end");
    player.worker.finish(&mut player.results).await;
    let (recording, last_words) = (player.recording.map(|(_, recording)| recording), player.worker.last_words());
    Ok(Played { frames: player.frames, recording, last_words })
}

struct Player {
    state: State,
    worker: Worker,
    results: mpsc::Receiver<Msg>,
    frames: Vec<Frame>,
    /// When it began, and what it holds.
    recording: Option<(Instant, Recording)>,
}

impl Player {
    async fn line(&mut self, line: &str) -> Result<(), Failure> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "type" => rest.chars().for_each(|c| self.press(Key::plain(Code::Char(c)))),
            "size" => {
                let (width, height) = size(rest).ok_or_else(|| {
                    Failure::new(Kind::Usage, "play the script", format!("`{rest}` is not a size; write 120x40"))
                })?;
                self.update(Msg::Input(Input::Resize { width, height }));
            }
            "pause" => {
                let seconds = rest.parse().ok().filter(|seconds| (0.0..=60.0).contains(seconds)).ok_or_else(|| {
                    let because =
                        format!("`{rest}` is not a pause; write seconds from 0 to 60, for example `pause 1.5`");
                    Failure::new(Kind::Usage, "play the script", because)
                })?;
                self.pause(Duration::from_secs_f64(seconds)).await;
            }
            "wait" => self.wait().await?,
            "wait-run" => self.wait_run().await?,
            "dump" => {
                self.wait().await?;
                self.dump(rest);
            }
            _ => {
                let keys = self
                    .state
                    .desk
                    .keys
                    .read(line)
                    .map_err(|error| Failure::new(Kind::Usage, "play the script", error.to_string()))?;
                keys.into_iter().for_each(|key| self.press(key));
                self.wait().await?;
            }
        }
        Ok(())
    }

    fn press(&mut self, key: Key) {
        self.state.prepare();
        self.update(Msg::Input(Input::Key(key)));
    }

    fn update(&mut self, msg: Msg) {
        self.state.model.now_ms = driver::now_ms();
        let effects = self.state.update(msg);
        self.state.prepare();
        if let Some((begun, recording)) = &mut self.recording {
            recording.show(begun.elapsed(), &view::frame(&self.state).0, &self.state.desk.theme);
        }
        self.start(effects);
    }

    /// Follows what happens for so long.
    async fn pause(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while let Ok(Some(msg)) = timeout_at(end, self.results.recv()).await {
            self.update(msg);
        }
    }

    fn start(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Prefer { preferences, changed } => {
                    driver::prefer(&mut self.state, preferences, changed);
                }
                Effect::Export { path, replace } => driver::export(&mut self.state, path, replace),
                // What only a terminal or a desk has.
                Effect::Copy(text) | Effect::CopyByTerminal(text) => {
                    let first = text.lines().next().unwrap_or_default().to_owned();
                    self.state.say(Severity::Info, format!("a script has no clipboard; to copy: {first}"));
                }
                Effect::Edit { .. } | Effect::EditCopy { .. } => {
                    self.state.say(Severity::Info, "a script opens no editor")
                }
                Effect::Page(_) => self.state.say(Severity::Info, "a script opens no pager"),
                other => self.worker.start(other),
            }
        }
    }

    /// Until nothing is on its way and the cluster is shown, or could not be.
    async fn wait(&mut self) -> Result<(), Failure> {
        self.until(WAIT, |state| state.in_flight <= usize::from(state.model.run.active) && state.model.is_settled())
            .await
    }

    async fn wait_run(&mut self) -> Result<(), Failure> {
        self.until(WAIT_RUN, |state| !state.model.is_running()).await
    }

    async fn until(&mut self, limit: Duration, done: impl Fn(&State) -> bool) -> Result<(), Failure> {
        let waiting = async {
            while !done(&self.state) {
                let Some(msg) = self.results.recv().await else { return };
                self.update(msg);
            }
        };
        timeout(limit, waiting).await.map_err(|_| {
            Failure::new(Kind::Timeout, "play the script", format!("nothing settled within {} s", limit.as_secs()))
        })
    }

    fn dump(&mut self, name: &str) {
        self.state.prepare();
        let (buffer, _) = view::frame(&self.state);
        self.frames.push(Frame { name: name.to_owned(), buffer, theme: self.state.desk.theme.clone() });
    }
}

/// `120x40`.
pub fn size(text: &str) -> Option<(u16, u16)> {
    let (width, height) = text.split_once('x')?;
    Some((width.parse().ok().filter(|width| *width > 0)?, height.parse().ok().filter(|height| *height > 0)?))
}
