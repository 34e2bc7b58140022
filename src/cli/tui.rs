//! `aicr tui` and `aicr` alone on a terminal: the workbench; with `--script`, its frames without a terminal.

use super::{
    Outcome, Printer, Stop,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    input, misuse,
    run_args::RunArgs,
};
use crate::{
    criteria::Criteria,
    ops::{Failure, Kind, place::Place},
    store::changes::Watch,
    term::{self, color::When},
    workbench::{
        self, Closed, Look, RunOptions, Screen,
        preferences::{
            ASCII, COLOR, LINEAR, Origin, Preferences, READ_ONLY, RESTORE, START_SCREEN, THEME,
            file::{self, Chosen},
        },
        recording::Recording,
        script::{self, Frame},
        theme::Themes,
    },
};
use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;

/// Open the workbench: cluster, recipe, diff, validation and comparison on five screens.
///
/// `aicr` without a verb does the same on a terminal, and takes these options, but no files. With --script keys come from a
/// file, and frames are printed.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Saved snapshots (files, cm://NAMESPACE/NAME, URLs, or kept ones like @friday): one is shown instead of a cluster, two or
    /// three are compared.
    #[arg(value_name = "SNAPSHOT", num_args = 0..=3)]
    snapshots: Vec<PathBuf>,
    #[command(flatten)]
    criteria: super::criteria_args::CriteriaArgs,
    /// Keep namespaces, charts, manifests and, where they are known, names of objects of what is installed: a recipe, a
    /// folder with a bundle, or the word `cluster`.
    #[arg(long, value_name = "PLACE")]
    inherit_from: Option<String>,
    /// The screen to start with: cluster, recipe, diff, validate or compare.
    #[arg(long, value_name = "NAME", value_parser = screen)]
    screen: Option<Screen>,
    /// What to go to at first, as the palette takes it (repeatable): `value PATH`, `node NAME`, `diff cluster`, `filter WORDS`;
    /// `:link` copies such a command line.
    #[arg(long, value_name = "LINE")]
    go: Vec<String>,
    /// The theme: auto (dark or light, as the terminal's background is), dark, light, high-contrast, catppuccin, gruvbox, ansi16, mono,
    /// or one of your own; AICR_THEME says the same.
    #[arg(long, value_name = "NAME")]
    theme: Option<String>,
    /// An older name of --color, whose `always` means `true`.
    #[arg(long, value_name = "WHEN", value_parser = super::global::color())]
    colors: Option<When>,
    /// Only ASCII characters.
    #[arg(long)]
    ascii: bool,
    /// Lines and prompts instead of a full screen, for screen readers; TERM=dumb does the same. Standard input may be a pipe.
    #[arg(long, conflicts_with = "script")]
    linear: bool,
    /// Start without restoring the last session.
    #[arg(long)]
    fresh: bool,
    /// Repair a terminal that a killed program has left without a cursor, without echo or with the reports of a mouse, and end.
    #[arg(long, exclusive = true)]
    reset_terminal: bool,
    /// Keep no snapshots of the cluster as it changes: see `aicr snapshots`.
    #[arg(long)]
    no_keep: bool,
    #[command(flatten)]
    run: RunArgs,
    /// Read keys from this file, `-` for standard input, and print frames instead of opening a screen.
    ///
    /// One line each: keys as `aicr keys` names them (`j`, `Ctrl-D`, `gd`), `type TEXT`, `size 120x40`, `wait` until
    /// nothing is being read or worked out, `wait-run` until the run (or the evaluation of the checks that only read) has
    /// ended, `pause SECONDS` for a recording, `dump NAME` for a frame. Empty lines and lines that begin with `#` are skipped.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The size of frames.
    #[arg(long, value_name = "COLUMNSxROWS", default_value = "120x40", value_parser = size)]
    size: (u16, u16),
    /// What to print: text (the default) or svg.
    #[arg(long, value_parser = formats::parser(DUMPS))]
    dump: Option<&'static Format<Frame>>,
    /// Write each frame that the script dumps to this folder, by its name, instead of printing the last one; the folder is
    /// created where it is missing.
    #[arg(long, value_name = "DIR", requires = "script")]
    frames: Option<PathBuf>,
    /// Keep every frame of the script with its time in this file: an asciicast (.cast) or an animated picture (.svg).
    #[arg(long, value_name = "FILE", requires = "script")]
    record: Option<PathBuf>,
}

static DUMPS: &[Format<Frame>] = &[
    Format { suffix: "txt", ..Format::plain("text", "", |frame, _| Ok(frame.text())) },
    Format::plain("svg", "", |frame, _| Ok(frame.svg())),
];

/// Shorter than a person notices.
const LAST_WORK: Duration = Duration::from_millis(100);

static RECORDINGS: &[Format<Recording>] = &[
    Format::plain("cast", "", |recording, _| {
        recording.cast().map_err(|error| Failure::from_error(Kind::Internal, "draw the recording", error))
    }),
    Format::plain("svg", "", |recording, _| Ok(recording.svg())),
];

/// A terminal without a screen.
fn is_dumb() -> bool {
    std::env::var("TERM").as_deref() == Ok("dumb")
}

fn screen(text: &str) -> Result<Screen, String> {
    Screen::named(text).ok_or_else(|| "there are cluster, recipe, diff, validate and compare".to_owned())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    script::size(text).ok_or_else(|| "write columns and rows, for example 120x40".to_owned())
}

/// Lines are read by programs too, and these go away.
fn stopped(failure: Failure) -> Stop {
    let cause = failure.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::BrokenPipe) => Stop::ClosedPipe,
        _ => failure.into(),
    }
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if args.reset_terminal {
        term::reset().map_err(Stop::output)?;
        return Ok(Exit::Good);
    }
    if global.no_tui && args.script.is_none() {
        let because = "`aicr tui` opens the workbench, and --no-tui forbids that";
        let hint = "leave out --no-tui, print frames with --script FILE, or use the verb that prints what you look for";
        return Err(misuse("open the workbench", because, hint).into());
    }
    let (options, is_linear) = args.options(global)?;
    let Some(path) = &args.script else {
        let runtime = runtime()?;
        let Closed { outcome, last_words } = match is_linear {
            true => runtime.block_on(workbench::run_linear(options, is_dumb())),
            false => workbench::run(options, runtime.handle()),
        };
        // A file that is still being read does not keep a person here; all else ends before the process does.
        runtime.shutdown_timeout(LAST_WORK);
        term::end();
        say_last(&last_words, printer);
        return outcome.map(|()| Exit::Good).map_err(stopped);
    };
    let script = input::text("script", &path.to_string_lossy(), global)?;
    let record = args.record.as_deref().map(recorder).transpose()?;
    let played = runtime()?.block_on(script::play(&options, &script, args.size, record.is_some()))?;
    say_last(&played.last_words, printer);
    let frames = played.frames;
    if let (Some((format, place)), Some(recording)) = (record, &played.recording) {
        format.deliver(recording, &place, printer)?;
    }
    let dump = formats::choose(args.dump, DUMPS, &Place::Standard);
    match &args.frames {
        Some(folder) => {
            let hint = "choose another folder with --frames, or ask for the right to write there";
            std::fs::create_dir_all(folder).map_err(|error| {
                let doing = "create the folder for frames";
                Failure::from_error(Kind::Usage, doing, error).at(folder.display().to_string()).hint(hint)
            })?;
            for frame in &frames {
                let place = Place::File(folder.join(format!("{}.{}", frame.name, dump.suffix)));
                dump.deliver(frame, &place, printer).map_err(|stop| match stop {
                    Stop::Failed(failure) => failure.hint(hint).into(),
                    stop => stop,
                })?;
            }
        }
        None => {
            if let Some(last) = frames.last() {
                dump.print(last, printer)?;
            }
        }
    }
    Ok(Exit::Good)
}

/// What goes on of a run that was left, and what to do about it.
fn say_last(words: &[String], printer: &Printer) {
    let Some((what, commands)) = words.split_first() else { return };
    printer.warn(what);
    commands.iter().for_each(|command| printer.note(command));
}

/// The format that the name of a file asks for.
fn recorder(file: &Path) -> Result<(&'static Format<Recording>, Place), Failure> {
    let suffix = file.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
    let format = RECORDINGS.iter().find(|format| format.suffix == suffix).ok_or_else(|| {
        let because = format!("the name of a recording ends in .cast or .svg, and `{}` does not", file.display());
        Failure::new(Kind::Usage, "choose the format of the recording", because)
    })?;
    Ok((format, Place::File(file.to_owned())))
}

impl Args {
    /// Snapshots are shown, and not a cluster.
    pub(super) fn opens_files(&self) -> bool {
        !self.snapshots.is_empty()
    }

    /// How to start it, and whether as lines.
    fn options(&self, global: &Global) -> Result<(RunOptions, bool), Failure> {
        let is_terminal = self.script.is_none();
        // Frames of a script are the same on every machine; what a person has forbidden holds for it all the same.
        let read = file::read();
        let preferences = if is_terminal { read } else { Preferences::default().forbidding_as(&read) };
        // A theme of a person's own is read where they ask for it.
        let themes = if is_terminal || self.theme.is_some() { file::themes() } else { Themes::default() };
        let preferences = self.flags(preferences, global);
        let (session, unusable) = if is_terminal { workbench::last_session() } else { Default::default() };
        let is_linear = is_terminal && (preferences.is_on(&LINEAR) || is_dumb());
        let mut chosen = Chosen::of(&preferences);
        let mut notices: Vec<String> = preferences.problems.iter().map(ToString::to_string).chain(unusable).collect();
        notices.extend(chosen.without_broken_theme(&preferences, &themes));
        let options = RunOptions {
            session,
            // What a program reads from us does not depend on where a person was.
            restores: is_terminal && std::io::IsTerminal::is_terminal(&std::io::stdin()) && preferences.is_on(&RESTORE),
            writes_session: is_terminal,
            target: global.target()?,
            catalog: global.sources(),
            snapshots: self.snapshots.clone(),
            criteria: self.stated(global)?,
            configuration: global.applied.clone(),
            inherit: self.inherit_from.clone(),
            screen: preferences.screen(),
            look: Look { theme: chosen.theme, themes, color: chosen.color, ascii: chosen.ascii },
            keys: chosen.keys,
            mouse: chosen.mouse,
            clipboard: chosen.clipboard,
            links: chosen.links,
            read_only: chosen.read_only,
            read_only_by: chosen.read_only_by,
            notices,
            saved: (is_terminal && !is_linear).then(saved),
            preferences: Some(Box::new(preferences)),
            go: self.go.clone(),
            keeps: !self.no_keep,
            run: self.run.options(),
        };
        Ok((options, is_linear))
    }

    /// What the command line says wins over the file and the environment.
    fn flags(&self, preferences: Preferences, global: &Global) -> Preferences {
        let said = |is: bool, word: &str| is.then(|| word.to_owned());
        // The variable sets the flag as well, and is what was set.
        let by_variable = matches!(preferences.value(&READ_ONLY).origin, Origin::Variable(_));
        let color = (global.color != When::Auto).then(|| word_of(global.color));
        let color =
            self.colors.map(|when| if when == When::Always { "true".to_owned() } else { word_of(when) }).or(color);
        preferences
            .with_flag(&THEME, self.theme.clone())
            .with_flag(&COLOR, color)
            .with_flag(&ASCII, said(self.ascii, "on"))
            .with_flag(&READ_ONLY, said(global.read_only && !by_variable, "true"))
            .with_flag(&RESTORE, said(self.fresh, "false"))
            .with_flag(&LINEAR, said(self.linear, "true"))
            .with_flag(&START_SCREEN, self.screen.map(|screen| screen.name().to_lowercase()))
    }

    fn stated(&self, global: &Global) -> Result<Option<Criteria>, Failure> {
        if self.criteria.is_empty() {
            return Ok(None);
        }
        let catalog = global.catalog()?;
        self.criteria.query(&catalog, None).map(|query| Some(query.criteria().clone()))
    }
}

/// As it is written.
fn word_of(when: When) -> String {
    When::WORDS.iter().find(|(_, known, _)| *known == when).map_or("auto", |(word, ..)| word).to_owned()
}

/// Notified whenever preferences or themes are written, from a thread that only waits for it and ends with the process.
fn saved() -> Arc<Notify> {
    let notify = Arc::new(Notify::new());
    let told = notify.clone();
    if let Some(watch) = Watch::of(&file::folders()) {
        let wait = move || {
            while watch.wait() {
                told.notify_one();
            }
        };
        // Without one they are looked at when the terminal gets the focus.
        let _ = std::thread::Builder::new().name("preferences".to_owned()).stack_size(64 * 1024).spawn(wait);
    }
    notify
}

/// One thread beside the one that draws, which yields to it: building snapshots must not delay a key.
///
/// One, because the allocator has an arena for each thread and what is freed in one is not used in another: with two that take
/// turns at reading nodes, each keeps room for nearly all of them.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().on_thread_start(term::yield_to_others).build();
    runtime.map_err(|error| Failure::from_error(Kind::Internal, "start the runtime", error))
}
