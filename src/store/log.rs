//! The log: what this program and its client of Kubernetes did, in a file of the state folder, the newest lines in memory.
//!
//! In: `tracing` events and spans, a filter. Out: one line for each event, as text or JSON, without credentials
//! ([`redact`]) and without control characters. The file is opened with the first line, so that a program that has nothing
//! to say leaves no trace. A log that cannot be written is given up; it never stops the program.

use crate::report::{escape, redact};
use serde_json::{Map, Value, json};
use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Mutex, OnceLock, PoisonError},
};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    filter::{ParseError, Targets},
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

/// The file's name in the state folder; the one before it has `.1` at its end.
pub const FILE: &str = "aicr.log";
/// The size at which a file becomes the older one, in bytes.
pub const LARGEST: u64 = 4 << 20;
/// The longest line that is kept, in bytes; a server's answer may be megabytes.
const LONGEST: usize = 4 << 10;
/// Lines in memory.
const RECENT: usize = 1000;

/// Which events are kept, as `AICR_LOG` says it: `debug`, or `aicr=debug,kube_client=info`.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Targets);

impl Default for Filter {
    /// What we do, and what others warn of.
    fn default() -> Filter {
        Filter(Targets::new().with_default(LevelFilter::WARN).with_target("aicr", LevelFilter::INFO))
    }
}

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("it is not a filter; write off, error, warn, info, debug or trace, or aicr=debug,kube_client=info")]
pub struct BadFilter(#[source] ParseError);

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Filter, BadFilter> {
        text.parse().map(Filter).map_err(BadFilter)
    }
}

/// How and where the log is written.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub filter: Filter,
    /// One JSON object for each line of the file.
    pub json: bool,
    /// The folder of the file; without one, lines are only kept in memory.
    pub folder: Option<PathBuf>,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    pub level: Level,
    /// The module that says it.
    pub target: String,
    /// Message, fields and spans; escaped, without credentials.
    pub text: String,
}

static NEWEST: Mutex<VecDeque<Line>> = Mutex::new(VecDeque::new());
static PATH: OnceLock<PathBuf> = OnceLock::new();

/// Begins to log. Does nothing when a log was begun before.
pub fn start(options: Options) {
    if let Some(folder) = &options.folder {
        PATH.get_or_init(|| folder.join(FILE));
    }
    let writer = Writer { json: options.json, file: Mutex::new(LogFile::new(options.folder, LARGEST)) };
    let subscriber = tracing_subscriber::registry().with(options.filter.0).with(writer);
    // Only tests begin twice, in one process; the first log is then as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The newest lines, oldest first, at most 1,000.
pub fn recent() -> Vec<Line> {
    NEWEST.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
}

/// Where lines are written, if they are.
pub fn path() -> Option<&'static Path> {
    PATH.get().map(PathBuf::as_path)
}

/// Our client of Kubernetes, which logs answers that it cannot read whole: a Secret among them, at the level of a warning.
const KUBE: &str = "kube_client";

/// What is said of such an answer; `None` for any other message. The words of its error quote the answer, too.
fn without_answer(message: &str) -> Option<String> {
    let unreadable = |(answer, error): (&str, &str)| {
        let (_, place) = error.rsplit_once("line: ")?;
        let (line, column) = place.trim_end_matches(')').split_once(", column: ")?;
        let number = |text: &str| text.parse::<usize>().ok();
        let (line, column) = (number(line)?, number(column)?);
        Some(format!("an answer of {} bytes cannot be read (line {line}, column {column})", answer.len()))
    };
    let refused = |rest: &str| format!("Unsuccessful data error parse: an answer of {} bytes", rest.len());
    match message.strip_prefix("Unsuccessful data error parse: ") {
        Some(rest) => Some(refused(rest)),
        None if message.ends_with("(reconstruct)") => Some("Unsuccessful: not a Status".to_owned()),
        None => message.rsplit_once(", Error(").and_then(unreadable),
    }
}

struct Writer {
    json: bool,
    file: Mutex<LogFile>,
}

/// Names and values of an event or a span; the message has the name `message`.
#[derive(Clone, Debug, Default)]
struct Fields {
    pairs: Vec<(&'static str, String)>,
    /// Messages may hold answers of the API server.
    holds_answers: bool,
}

impl Fields {
    fn put(&mut self, field: &Field, value: &str) {
        let answer = if self.holds_answers { without_answer(value) } else { None };
        let value = answer.as_deref().unwrap_or(value);
        let value = if redact::is_secret_name(field.name()) { "[redacted]".into() } else { redact::text(value) };
        let mut value = value.into_owned();
        if value.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
            value.truncate(end);
            value.push('…');
        }
        self.pairs.retain(|(name, _)| *name != field.name());
        self.pairs.push((field.name(), value));
    }

    /// `name=value` for all but the message.
    fn pairs(&self) -> String {
        let pairs = self.pairs.iter().filter(|(name, _)| *name != "message");
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    fn message(&self) -> &str {
        self.pairs.iter().find(|(name, _)| *name == "message").map_or("", |(_, value)| value)
    }

    fn to_value(&self) -> Map<String, Value> {
        let pairs = self.pairs.iter().filter(|(name, _)| *name != "message");
        pairs.map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Writer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields { holds_answers: event.metadata().target().starts_with(KUBE), pairs: Vec::new() };
        event.record(&mut fields);
        let mut spans = Vec::new();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            let fields = span.extensions().get::<Fields>().cloned().unwrap_or_default();
            spans.push((span.name(), fields));
        }
        self.write(event.metadata().level(), event.metadata().target(), &fields, &spans);
    }
}

impl Writer {
    fn write(&self, level: &Level, target: &str, fields: &Fields, spans: &[(&str, Fields)]) {
        let now = jiff::Timestamp::now();
        let text = text(fields, spans);
        let mut line = match self.json {
            true => json_line(&now, level, target, fields, spans),
            false => format!("{} {level:>5} {target}: {text}", now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")),
        };
        line.push('\n');
        // Nobody can be told of a log that cannot be written.
        let _ = self.file.lock().unwrap_or_else(PoisonError::into_inner).append(line.as_bytes());
        let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.len() == RECENT {
            newest.pop_front();
        }
        newest.push_back(Line { at_ms: now.as_millisecond(), level: *level, target: target.to_owned(), text });
    }
}

/// Message, fields, then the spans from the outermost: `no answer attempt=2 in request{verb=GET}`.
fn text(fields: &Fields, spans: &[(&str, Fields)]) -> String {
    let mut text = fields.message().to_owned();
    let pairs = fields.pairs();
    if !pairs.is_empty() {
        let _ = write!(text, " {pairs}");
    }
    for (name, fields) in spans {
        let _ = write!(text, " in {name}{{{}}}", fields.pairs());
    }
    escape::line(&text).into_owned()
}

fn json_line(now: &jiff::Timestamp, level: &Level, target: &str, fields: &Fields, spans: &[(&str, Fields)]) -> String {
    let spans: Vec<Value> =
        spans.iter().map(|(name, fields)| json!({ "name": name, "fields": fields.to_value() })).collect();
    json!({
        "time": now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "level": level.as_str().to_ascii_lowercase(),
        "target": target,
        "message": fields.message(),
        "fields": fields.to_value(),
        "spans": spans,
    })
    .to_string()
}

/// A file that is replaced when it grows too large; at most two files are kept.
struct LogFile {
    folder: Option<PathBuf>,
    largest: u64,
    open: Option<(fs::File, u64)>,
}

impl LogFile {
    fn new(folder: Option<PathBuf>, largest: u64) -> LogFile {
        LogFile { folder, largest, open: None }
    }

    /// Appends one line in one write, so that lines of several processes do not mix.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(FILE);
        let (mut file, mut size) = match self.open.take() {
            Some(opened) => opened,
            None => open(folder, &path)?,
        };
        if size > 0 && size + line.len() as u64 > self.largest {
            drop(file);
            fs::rename(&path, folder.join(format!("{FILE}.1")))?;
            (file, size) = open(folder, &path)?;
        }
        file.write_all(line)?;
        self.open = Some((file, size + line.len() as u64));
        Ok(())
    }
}

fn open(folder: &Path, path: &Path) -> io::Result<(fs::File, u64)> {
    fs::create_dir_all(folder)?;
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    // Names of a cluster are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_full_becomes_the_older_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = LogFile::new(Some(dir.path().join("state")), 10);
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            file.append(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(dir.path().join("state").join(name)).unwrap();
        assert_eq!((read("aicr.log.1"), read(FILE)), ("three\n".to_owned(), "four\nfive\n".to_owned()));
        assert_eq!(fs::read_dir(dir.path().join("state")).unwrap().count(), 2);
    }

    #[test]
    fn an_empty_log_does_not_leave_a_file() {
        let dir = tempfile::tempdir().unwrap();
        drop(LogFile::new(Some(dir.path().join("state")), 10));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    /// The line of one event, and the same as JSON.
    fn logged_line(say: impl Fn()) -> (String, Value) {
        let (text, json) = logged(say);
        let after_time = text.split_once(' ').unwrap().1.trim_end().to_owned();
        (after_time, serde_json::from_str(&json).unwrap())
    }

    /// The log of some events as text and as JSON.
    fn logged(say: impl Fn()) -> (String, String) {
        let lines = [false, true].map(|json| {
            let dir = tempfile::tempdir().unwrap();
            let writer = Writer { json, file: Mutex::new(LogFile::new(Some(dir.path().into()), LARGEST)) };
            let subscriber = tracing_subscriber::registry().with(writer);
            tracing::subscriber::with_default(subscriber, &say);
            fs::read_to_string(dir.path().join(FILE)).unwrap()
        });
        lines.into()
    }

    #[test]
    fn an_event_is_one_line_with_its_fields_and_spans() {
        let (text, json) = logged_line(|| {
            let _span = tracing::info_span!("request", verb = "GET", path = "/api").entered();
            tracing::warn!(attempt = 2, "no answer\n\u{1b}[2J");
        });
        assert_eq!(
            text,
            " WARN aicr::store::log::tests: no answer\\n\\u{1b}[2J attempt=2 in request{verb=GET path=/api}"
        );
        assert_eq!((&json["level"], &json["fields"]["attempt"]), (&json!("warn"), &json!("2")));
        assert_eq!(json["spans"][0], json!({"name": "request", "fields": {"verb": "GET", "path": "/api"}}));
    }

    #[test]
    fn credentials_are_not_written() {
        let (text, json) = logged_line(|| {
            let _span = tracing::info_span!("request", authorization = "Bearer s3cr3t").entered();
            tracing::warn!(token = "s3cr3t", headers = ?[("authorization", "Bearer s3cr3t")], "sent Bearer s3cr3t");
        });
        assert!(!text.contains("s3cr3t") && !json.to_string().contains("s3cr3t"), "{text}\n{json}");
        assert!(text.contains("token=[redacted]"), "{text}");
    }

    #[test]
    fn answers_of_the_server_are_not_written_whatever_is_in_them() {
        let secret = r#"{"kind":"Secret","data":{"tls.key":"czNjcjN0","x":"a, Error(b)"#;
        let error = serde_json::from_str::<u8>("\n \"s3cr3t\"").unwrap_err();
        let (text, json) = logged(|| {
            tracing::warn!(target: "kube_client::client", "{}, {:?}", secret, error);
            tracing::debug!(target: "kube_client::client", "Unsuccessful data error parse: {}", "s3cr3t");
            tracing::debug!(target: "kube_client::client", "Unsuccessful: {:?} (reconstruct)", "s3cr3t");
            tracing::info!(target: "kube_client::client", "other words, Error(x)");
        });
        assert!(!text.contains("s3cr3t") && !text.contains("czNj") && !json.contains("s3cr3t"), "{text}\n{json}");
        let words = format!("an answer of {} bytes cannot be read (line 2, column 9)", secret.len());
        assert!(text.contains(&words) && text.contains("other words, Error(x)"), "{text}");
    }

    #[test]
    fn a_filter_is_read_and_a_bad_one_is_answered_with_the_words() {
        assert_eq!("warn,aicr=info".parse::<Filter>().unwrap(), Filter::default());
        let error = "aicr=loud".parse::<Filter>().unwrap_err();
        assert!(error.to_string().contains("off, error, warn"), "{error}");
        assert!(std::error::Error::source(&error).is_some_and(|source| source.is::<ParseError>()));
    }
}
