//! Records of runs: written by a reader of the log, listed, read back, followed and pruned.
//!
//! The first line of a record holds facts about the run (what wrote it, cluster, recipe, the plan in words); every other line
//! is an event. What a killed program did not write is missing, and nothing else.

use super::{Prepared, Reader, past};
use crate::{
    ops::{Failure, Kind, connect::Target, deploy},
    report::{Report, lines::Lines as OutputLines},
    store::{
        folders,
        records::{self, Lines, Recorder, Stored},
    },
    text,
    validate::event::{Body, Event, Verdict},
};
use jiff::{Span, Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Borrow,
    cmp::Reverse,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// What is kept when nobody prunes.
pub const LIMITS: Limits = Limits { bytes: 1 << 30, days: 30, few: 20 };
/// The version of the form of records.
const FORM: &str = "aicr.run/record-v1";
/// Between two looks at a record that another program writes.
const LOOK: Duration = Duration::from_millis(200);

/// What is known of a run before its first event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub record: String,
    /// Of the program that ran it.
    pub version: String,
    pub cluster: String,
    /// Of a deploy, what was deployed: `deploy of bundle`.
    pub recipe: String,
    pub criteria: String,
    /// When the snapshot was taken that readiness was judged on.
    pub snapshot_taken_at: String,
    /// The plan in words.
    pub plan: Vec<String>,
}

/// How many records of ended runs stay when another one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of all records.
    pub bytes: u64,
    /// Since a run began.
    pub days: i64,
    /// So many of the newest are kept however old they are.
    pub few: usize,
}

impl Limits {
    /// `1.1 GB, 30 days; the newest 20 however old`.
    pub fn words(self) -> String {
        format!(
            "{}, {}; the newest {} however old",
            text::size(self.bytes),
            text::count(usize::try_from(self.days).unwrap_or(0), "day"),
            self.few
        )
    }

    /// Those of these records, the newest first, that are beyond. What is not named as a run is was put there by a person,
    /// and stays.
    fn beyond(self, stored: &[Stored], today: DateTime) -> Vec<&Stored> {
        let oldest = today.saturating_sub(Span::new().days(self.days));
        let mut bytes = 0_u64;
        let mut beyond = Vec::new();
        let ended = stored.iter().filter(|stored| !stored.is_open && is_id(&stored.name));
        for (index, stored) in ended.enumerate() {
            bytes = bytes.saturating_add(stored.bytes);
            let is_old = index >= self.few && began(&stored.name).is_some_and(|at| at < oldest);
            // The last run is there however large it was.
            if is_old || (bytes > self.bytes && index > 0) {
                beyond.push(stored);
            }
        }
        beyond
    }
}

/// One run in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub stored: Stored,
    pub facts: Facts,
    /// Without output: what was planned, how it ended.
    pub report: Report,
}

/// How a record that was followed has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEnd {
    /// With the run.
    Ended,
    /// Who ran it has left.
    Left,
    /// Its program did not see the end of the run, or whoever follows it wants no more.
    Interrupted,
}

impl Summary {
    /// How it stands: a verdict; else it goes on, was left, or its program did not see its end.
    pub fn verdict(&self) -> Option<Verdict> {
        self.report.verdict
    }

    /// Who ran it has left.
    pub fn is_left(&self) -> bool {
        self.report.went_on.is_some()
    }
}

/// A whole record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub stored: Stored,
    pub facts: Facts,
    pub events: Vec<Event>,
}

impl Record {
    pub fn report(&self) -> Report {
        let mut report = Report::default();
        self.events.iter().for_each(|event| report.on(event));
        match report.verdict {
            Some(_) => report,
            None if report.went_on.is_some() => {
                report.end_as_left();
                report
            }
            None if self.stored.is_open => report.so_far(),
            // A run whose program is gone: what it had not reached is in the report, or the report would look like a pass.
            None => {
                report.abandon(report.stop_ms);
                report
            }
        }
    }

    /// As a list has it.
    fn summary(&self) -> Summary {
        summary(self.stored.clone(), self.facts.clone(), self.events.iter())
    }

    /// The lines of its file.
    pub fn lines(&self) -> String {
        self.events.iter().fold(line(&self.facts), |lines, event| lines + &line(event))
    }
}

/// Where the records of runs are read from: those of this machine, and where the demo is looked at those of its past.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// A machine may have no folder for state.
    folder: Result<PathBuf, Failure>,
    demo: Vec<Record>,
}

/// That of a cluster.
pub fn shelf(target: &Target) -> Shelf {
    Shelf { folder: folder(), demo: past::of(target) }
}

impl Shelf {
    /// Without what is recorded on this machine.
    #[must_use]
    pub fn without_own(self) -> Shelf {
        let none = Failure::new(Kind::NotFound, "find the records of runs", "only those of the demo are looked at");
        Shelf { folder: Err(none), ..self }
    }

    /// How many runs are part of the demo.
    pub fn of_demo(&self) -> usize {
        self.demo.len()
    }

    /// The folder; `None` where there is none, and the demo has runs all the same.
    fn own(&self) -> Result<Option<&Path>, Failure> {
        match &self.folder {
            Ok(folder) => Ok(Some(folder)),
            Err(_) if !self.demo.is_empty() => Ok(None),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// Every run, the newest first.
    ///
    /// # Errors
    /// The folder or a file cannot be read.
    pub fn list(&self) -> Result<Vec<Summary>, Failure> {
        let mut all = self.own()?.map_or_else(|| Ok(Vec::new()), list)?;
        all.extend(self.demo.iter().map(Record::summary));
        // An id has the second in which a run was planned, and runs of one second differ by chance alone.
        let start = |run: &Summary| match run.report.start_ms {
            0 => began(&run.stored.name).map_or(0, in_milliseconds),
            start => start,
        };
        all.sort_by_cached_key(|run| Reverse((start(run), run.stored.name.clone())));
        Ok(all)
    }

    /// The record of a run by what a person calls it: its id, a part of it that no other has, `last`, or a file.
    ///
    /// # Errors
    /// `NotFound`; more than one run is meant; the file cannot be read.
    pub fn open(&self, name: &str) -> Result<Record, Failure> {
        if let Some(stored) = of_file(name) {
            return read(stored);
        }
        let folder = self.own()?;
        let mut all = folder.map_or_else(|| Ok(Vec::new()), stored)?;
        all.extend(self.demo.iter().map(|record| record.stored.clone()));
        all.sort_by(|one, other| other.name.cmp(&one.name));
        let past = |stored: &Stored| self.demo.iter().find(|record| record.stored == *stored);
        // The demo's runs are as old in every program, so that only the end of their ids stays.
        let same = |record: &&Record| is_id(name) && name.rsplit('-').next() == record.stored.name.rsplit('-').next();
        let name = self.demo.iter().find(same).map_or(name, |record| &record.stored.name);
        let chosen = choose(&all, name, |stored| past(stored).is_some() || read(stored.clone()).is_ok());
        let chosen = chosen.map_err(|failure| match folder {
            Some(folder) => failure.at(folder.display().to_string()),
            None => failure,
        })?;
        past(chosen).map_or_else(|| read(chosen.clone()), |record| Ok(record.clone()))
    }
}

/// What lines around one that was asked for may take, and how many come before it.
const STRETCH: usize = 16 << 20;
const BEFORE: usize = 100_000;

/// Collects the output of a check around one of its lines.
struct Around {
    lines: OutputLines,
    /// Lines of the check that were passed.
    passed: usize,
    number: usize,
    /// Bytes of those after it.
    after: usize,
}

impl Around {
    /// All of it.
    fn whole() -> Around {
        Around { lines: OutputLines::within(usize::MAX), passed: 0, number: usize::MAX, after: 0 }
    }

    fn new(number: usize) -> Around {
        let lines = OutputLines::from(number.saturating_sub(BEFORE), STRETCH);
        Around { lines, passed: 0, number, after: 0 }
    }

    /// Whether the next line is too far ahead to be read.
    fn skips(&mut self) -> bool {
        let skips = self.passed < self.lines.dropped();
        self.passed += usize::from(skips);
        skips
    }

    /// Takes the next line; whether more are wanted.
    fn take(&mut self, event: &Event) -> bool {
        if let Body::Log { text, source, .. } = &event.body {
            self.lines.push_of(event.stated_at_ms.unwrap_or(event.observed_at_ms), source, text);
            if self.passed > self.number {
                self.after += text.len() + size_of::<u64>() * 2;
            }
            self.passed += 1;
        }
        self.after < STRETCH / 2
    }
}

impl Shelf {
    /// The output of a check of a recorded run, around the line of a number: where memory has not all of it.
    ///
    /// # Errors
    /// As [`Shelf::open`]; the record has no such line.
    pub fn output(&self, run: &str, check: &str, number: usize) -> Result<OutputLines, Failure> {
        let mut around = Around::new(number);
        self.read_output(run, check, &mut around)?;
        let lines = around.lines;
        if (lines.dropped()..lines.end()).contains(&number) {
            return Ok(lines);
        }
        let found = format!("the record of run {run} has no line {} of {check}", number + 1);
        Err(Failure::new(Kind::NotFound, "read the record", found))
    }

    /// The whole output of a check of a recorded run.
    ///
    /// # Errors
    /// As [`Shelf::open`].
    pub fn whole_output(&self, run: &str, check: &str) -> Result<OutputLines, Failure> {
        let mut whole = Around::whole();
        self.read_output(run, check, &mut whole)?;
        Ok(whole.lines)
    }

    fn read_output(&self, run: &str, check: &str, around: &mut Around) -> Result<(), Failure> {
        let is_of_check = |event: &&Event| matches!(&event.body, Body::Log { check: of, .. } if of == check);
        if let Some(record) = self.demo.iter().find(|record| record.stored.name == run) {
            for event in record.events.iter().filter(is_of_check) {
                if !around.skips() && !around.take(event) {
                    break;
                }
            }
        } else {
            let stored = match self.own()? {
                Some(folder) => find(folder, run)?,
                None => return Err(Failure::new(Kind::NotFound, "read the record", format!("unknown run `{run}`"))),
            };
            // Of lines that are passed over nothing is read but whose they are: quotes in their text are escaped.
            let of_check = format!("\"check\":{}", serde_json::to_string(check).unwrap_or_default());
            let reading = records::each_line(&stored.path, |line| {
                if !is_output(line) || !line.contains(&of_check) || around.skips() {
                    return true;
                }
                event(line).as_ref().filter(is_of_check).is_none_or(|event| around.take(event))
            });
            let at = stored.path.display().to_string();
            reading.map_err(|error| Failure::from_error(Kind::Internal, "read the record", error).at(at))?;
        }
        Ok(())
    }
}

/// The folder of records.
///
/// # Errors
/// Nothing names a folder for state.
pub fn folder() -> Result<PathBuf, Failure> {
    let state = folders::state().ok_or_else(|| {
        Failure::new(Kind::NotFound, "find the records of runs", "no state directory is known")
            .hint("set AICR_STATE_DIR")
    })?;
    Ok(state.path.join(records::FOLDER))
}

/// Records a run from its log until the log is complete; the file, where it could be written.
///
/// # Errors
/// What the system says; the run itself goes on.
pub async fn record(folder: PathBuf, prepared: &Prepared, cluster: &str, log: Reader) -> Result<PathBuf, Failure> {
    let facts = Facts {
        record: FORM.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cluster: cluster.to_owned(),
        recipe: prepared.recipe_name.clone(),
        criteria: prepared.recipe.criteria.to_string(),
        snapshot_taken_at: prepared.snapshot.about.taken_at.to_string(),
        plan: prepared.lines(cluster),
    };
    keep(folder, &prepared.plan.run_id, &facts, log).await
}

/// Records a deploy from its log until the log is complete; the file, where it could be written.
///
/// # Errors
/// What the system says; the deploy itself goes on.
pub async fn of_deploy(prepared: &deploy::Prepared, cluster: &str, log: Reader) -> Result<PathBuf, Failure> {
    let facts = Facts {
        record: FORM.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cluster: cluster.to_owned(),
        recipe: format!("{} of {}", prepared.wish.options.way.noun(), prepared.name),
        plan: prepared.lines(cluster),
        ..Facts::default()
    };
    keep(folder()?, &prepared.run_id, &facts, log).await
}

async fn keep(folder: PathBuf, run_id: &str, facts: &Facts, mut log: Reader) -> Result<PathBuf, Failure> {
    let failed = |error: io::Error| {
        Failure::from_error(Kind::Internal, "record the run", error).at(folder.display().to_string())
    };
    let mut recorder = Recorder::create(&folder, run_id).map_err(failed)?;
    // A record that cannot be removed is no reason against the next one.
    if let Err(error) = remove_old(&folder, Timestamp::now().to_zoned(TimeZone::UTC).datetime()) {
        tracing::warn!(%error, "old records of runs stay");
    }
    recorder.append(&line(facts)).map_err(failed)?;
    while let Some(event) = log.next().await {
        let mut lines = line(&*event);
        // What has come meanwhile goes along, so that a flood of output is few writes.
        while let Some(event) = log.ready() {
            lines += &line(&*event);
        }
        recorder.append(&lines).map_err(failed)?;
    }
    Ok(recorder.path.clone())
}

/// Removes records beyond the limits, as each run does when it begins.
fn remove_old(folder: &Path, today: DateTime) -> io::Result<()> {
    let stored = records::list(folder)?;
    for beyond in LIMITS.beyond(&stored, today) {
        records::remove(beyond)?;
        tracing::info!(run = beyond.name, bytes = beyond.bytes, "removed the record of an old run");
    }
    Ok(())
}

fn line<T: Serialize>(value: &T) -> String {
    // Texts, numbers and lists: nothing in it can fail to serialize.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

/// Every record of a folder, the newest first. A file that is no record is left out.
fn list(folder: &Path) -> Result<Vec<Summary>, Failure> {
    let failed = |error: io::Error| {
        Failure::from_error(Kind::Internal, "list the records of runs", error).at(folder.display().to_string())
    };
    let mut summaries = Vec::new();
    for stored in records::list(folder).map_err(failed)? {
        let text = Lines::open(&stored.path).and_then(|mut lines| lines.read()).map_err(failed)?;
        let mut lines = text.lines();
        let Some(facts) = lines.next().and_then(facts) else { continue };
        // Output is most of a record, and a list does not show it.
        summaries.push(summary(stored, facts, lines.filter(|line| !is_output(line)).filter_map(event)));
    }
    Ok(summaries)
}

fn summary<E: Borrow<Event>>(stored: Stored, facts: Facts, events: impl Iterator<Item = E>) -> Summary {
    let mut report = Report::default();
    events.for_each(|event| report.on(event.borrow()));
    report.results.iter_mut().for_each(|result| result.stdout = Vec::new());
    Summary { stored, facts, report }
}

/// Output of a check or of Helm.
fn is_output(line: &str) -> bool {
    line.contains("\"event\":\"log\"") || line.contains("\"deploy\":\"log\"")
}

/// The files of a folder, the newest first.
fn stored(folder: &Path) -> Result<Vec<Stored>, Failure> {
    records::list(folder).map_err(|error| {
        Failure::from_error(Kind::Internal, "find the record of a run", error).at(folder.display().to_string())
    })
}

/// A record that is named by its file.
fn of_file(name: &str) -> Option<Stored> {
    let path = Path::new(name);
    if !name.ends_with(".jsonl") || !path.is_file() {
        return None;
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Some(Stored { name: stem, path: path.to_owned(), bytes: 0, is_open: records::is_open(path) })
}

fn find(folder: &Path, name: &str) -> Result<Stored, Failure> {
    if let Some(stored) = of_file(name) {
        return Ok(stored);
    }
    let all = stored(folder)?;
    let chosen = choose(&all, name, |stored| read(stored.clone()).is_ok());
    chosen.cloned().map_err(|failure| failure.at(folder.display().to_string()))
}

/// The one that a person means.
fn choose<'s>(all: &'s [Stored], name: &str, can_be_read: impl Fn(&Stored) -> bool) -> Result<&'s Stored, Failure> {
    let doing = "find the record of a run";
    let hint = "`aicr runs list` lists the runs that were recorded";
    let matching: Vec<&Stored> = match name {
        // A program that was killed before its first line leaves a file without a run.
        "last" => all.iter().find(|stored| can_be_read(stored)).or(all.first()).into_iter().collect(),
        name => all.iter().filter(|stored| stored.name.contains(name)).collect(),
    };
    match matching[..] {
        [one] => Ok(one),
        [] => Err(Failure::new(Kind::NotFound, doing, format!("unknown run `{name}`")).hint(hint)),
        [..] => {
            let many = matching.len();
            Err(Failure::new(Kind::Usage, doing, format!("`{name}` is part of the ids of {many} runs")).hint(hint))
        }
    }
}

/// Whether a name can only be that of a run: an id as this program makes them, or a record's file.
fn is_name(name: &str) -> bool {
    is_id(name) || name == "last" || of_file(name).is_some()
}

/// Whether two names are those of runs: where one of them can only be that, the other may be a part of an id.
pub fn are_names(left: &str, right: &str) -> bool {
    let may_be = |name: &str| {
        is_name(name) || name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    (is_name(left) || is_name(right)) && may_be(left) && may_be(right)
}

/// Whether a name is an id of a run, as this program makes them.
pub fn is_id(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts[..], [date, time, hex] if date.len() == 8 && digits(date) && time.len() == 6 && digits(time)
        && hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn read(stored: Stored) -> Result<Record, Failure> {
    let at = stored.path.display().to_string();
    let failed = |error: io::Error| Failure::from_error(Kind::Internal, "read the record", error).at(&at);
    let text = Lines::open(&stored.path).and_then(|mut lines| lines.read()).map_err(failed)?;
    parse(stored, &text).ok_or_else(|| {
        let because = "its first line has no facts of a run";
        Failure::new(Kind::Usage, "read the record", because).at(&at).hint("is it a record of `aicr`?")
    })
}

/// The record that the lines of a file are; `None` without facts of a run in the first one.
pub fn parse(stored: Stored, text: &str) -> Option<Record> {
    let mut lines = text.lines();
    let facts = lines.next().and_then(facts)?;
    Some(Record { stored, facts, events: lines.filter_map(event).collect() })
}

fn facts(line: &str) -> Option<Facts> {
    serde_json::from_str(line).ok().filter(|facts: &Facts| facts.record.starts_with("aicr.run/record-"))
}

/// An event; one of a newer program that this one does not know is passed over.
fn event(line: &str) -> Option<Event> {
    serde_json::from_str(line).ok()
}

/// Follows a record that another program writes, from its first event to its last.
///
/// # Errors
/// As [`Shelf::open`].
pub async fn follow(folder: &Path, name: &str, mut on: impl FnMut(Event) -> bool) -> Result<RecordEnd, Failure> {
    let stored = find(folder, name)?;
    let at = stored.path.display().to_string();
    let failed = |error: io::Error| Failure::from_error(Kind::Internal, "read the record", error).at(&at);
    let mut lines = Lines::open(&stored.path).map_err(failed)?;
    loop {
        // Asked before the last look: what is written between the two is read.
        let goes_on = records::is_open(&stored.path);
        for event in lines.read().map_err(failed)?.lines().filter_map(event) {
            let end = match event.body {
                Body::Ended { .. } => Some(RecordEnd::Ended),
                Body::Left { .. } => Some(RecordEnd::Left),
                _ => None,
            };
            let wants_more = on(event);
            if let Some(end) = end.or((!wants_more).then_some(RecordEnd::Interrupted)) {
                return Ok(end);
            }
        }
        if !goes_on {
            return Ok(RecordEnd::Interrupted);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What [`prune`] would remove.
///
/// # Errors
/// As [`Shelf::list`].
pub fn prunable(folder: &Path, keep: usize) -> Result<Vec<Stored>, Failure> {
    let stored = records::list(folder).map_err(|error| unremoved(folder, error))?;
    Ok(stored.into_iter().filter(|stored| !stored.is_open).skip(keep).collect())
}

/// Removes records but the newest `keep` of those that have ended; what was removed.
///
/// # Errors
/// As [`Shelf::list`]; a file that cannot be removed.
pub fn prune(folder: &Path, keep: usize) -> Result<Vec<Stored>, Failure> {
    let beyond = prunable(folder, keep)?;
    for stored in &beyond {
        records::remove(stored).map_err(|error| unremoved(folder, error))?;
    }
    Ok(beyond)
}

fn unremoved(folder: &Path, error: io::Error) -> Failure {
    Failure::from_error(Kind::Internal, "remove records", error).at(folder.display().to_string())
}

/// Since the epoch.
fn in_milliseconds(utc: DateTime) -> u64 {
    let at = utc.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_millisecond());
    u64::try_from(at).unwrap_or(0)
}

/// When a run began, in UTC, as its id says it; `None` where that says no time.
pub fn began(id: &str) -> Option<DateTime> {
    DateTime::strptime("%Y%m%d-%H%M%S", id.get(..15)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str, bytes: u64, is_open: bool) -> Stored {
        Stored { name: name.to_owned(), path: format!("{name}.jsonl").into(), bytes, is_open }
    }

    #[test]
    fn old_and_large_records_go_but_the_newest_open_ones_and_what_a_person_put_there() {
        let run = |day: u32| format!("202601{day:02}-091200-00c0ffee00c0ffee");
        let today = began(&run(31)).expect("a time");
        let limits = Limits { bytes: 100, days: 10, few: 2 };
        let beyond = |all: &[Stored]| -> Vec<String> {
            limits.beyond(all, today).iter().map(|stored| stored.name.clone()).collect()
        };
        let old = [stored(&run(20), 1, false), stored(&run(19), 1, false), stored(&run(18), 1, false)];
        assert_eq!(beyond(&old), [run(18)], "the two newest stay however old they are");
        let young = [stored(&run(30), 1, false), stored(&run(29), 1, false), stored(&run(21), 1, false)];
        assert!(beyond(&young).is_empty(), "ten days are not more than ten days");
        let large = [stored(&run(30), 101, false), stored(&run(29), 1, false)];
        assert_eq!(beyond(&large), [run(29)], "the last run stays however large it is");
        let others = [stored("kept-by-me", 1, false), stored(&run(30), 1, true), stored(&run(2), 1, true)];
        assert!(beyond(&[&old[..2], &others[..]].concat()).is_empty());
    }

    #[test]
    fn a_run_removes_old_records_when_it_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |number: u32| format!("20250101-{number:06}-00c0ffee00c0ffee");
        for number in 0..25 {
            drop(Recorder::create(folder.path(), &of(number)).expect("a record"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (writer, log) = super::super::EventLog::new();
        drop(writer);
        let kept = runtime.block_on(keep(folder.path().into(), &of(25), &Facts::default(), log.reader()));
        assert_eq!(kept.expect("it is recorded"), folder.path().join(format!("{}.jsonl", of(25))));
        let left: Vec<String> = records::list(folder.path()).expect("a list").into_iter().map(|run| run.name).collect();
        assert_eq!(left, (5..=25).rev().map(of).collect::<Vec<_>>());
    }

    /// The lines of a check among those of another, as a file and as a record of the demo.
    #[test]
    fn the_output_of_a_check_is_read_around_a_line_from_a_file_and_from_memory() {
        const LINES: usize = 150_000;
        let folder = tempfile::tempdir().expect("a folder");
        let mut recorder = Recorder::create(folder.path(), "20260114-091200-00c0ffee00c0ffee").expect("a record");
        let event = |at: usize, check: &str, text: &str| Event {
            seq: at as u64,
            observed_at_ms: at as u64,
            stated_at_ms: None,
            body: Body::Log { check: check.into(), text: text.into(), source: String::new() },
        };
        let mut events = Vec::new();
        for at in 0..LINES {
            events.push(event(at, "dra-support", &format!("line {at}")));
            if at % 1000 == 0 {
                events.push(event(at, "other", r#"quotes "check":"dra-support" of another"#));
            }
        }
        let mut text = line(&Facts { record: FORM.to_owned(), ..Facts::default() });
        events.iter().for_each(|event| text += &line(event));
        recorder.append(&text).expect("it is written");
        let stored = Stored {
            name: "20260115-091200-00c0ffee00c0ffee".into(),
            path: "none.jsonl".into(),
            bytes: 0,
            is_open: false,
        };
        let demo = vec![Record { stored, facts: Facts::default(), events }];
        let shelf = Shelf { folder: Ok(folder.path().to_owned()), demo };
        for run in ["20260114-091200-00c0ffee00c0ffee", "20260115-091200-00c0ffee00c0ffee"] {
            let lines = shelf.output(run, "dra-support", 120_000).expect("it has them");
            assert_eq!((lines.dropped(), lines.end()), (120_000 - BEFORE, LINES), "{run}");
            assert_eq!(lines.get(120_000), Some((120_000, "line 120000")));
            let first = shelf.output(run, "dra-support", 0).expect("it has them");
            assert_eq!(first.get(0), Some((0, "line 0")));
            let missing = shelf.output(run, "dra-support", LINES).expect_err("there is none").to_string();
            assert!(missing.contains("has no line 150001 of dra-support"), "{missing}");
        }
        assert!(shelf.output("20260116", "dra-support", 0).is_err(), "no such run");
    }
}
