//! Snapshots that are kept: saved, recorded when something changes, named, found, pruned, taken in and given out.
//!
//! In: a cluster as it is, or a document. Out: moments, each with what differs from the moment before it of the same cluster;
//! and the snapshot of a moment, wherever a snapshot document is asked for: `@friday`, `@`, `@-1`.

use super::{Failure, Kind, connect::Target};
use crate::{
    cluster::watch::{LiveStatus, LiveView},
    diff::{
        self, Change,
        inventory::{Baseline, NodeBaseline},
        node_path,
        noise::Shown,
    },
    document::header::Edition,
    inventory::Inventory,
    snapshot::{self as form},
    store::{
        folders,
        snapshots::{self as store, Lock},
    },
    text,
    yaml::stream::Serialized,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    borrow::{Borrow, Cow},
    collections::{BTreeSet, HashMap},
    io::{self, BufRead as _},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::watch;

mod shelf;

pub use shelf::{Shelf, kept, shelf};
pub use store::Moment;

/// The time that stands in a content for that of each of its moments.
const NO_TIME: &str = "0001-01-01T00:00:00Z";
/// Changes of a moment that are kept in words.
const WORDS: usize = 20;

/// The folder of kept snapshots.
///
/// # Errors
/// Nothing names a folder for state.
pub fn folder() -> Result<PathBuf, Failure> {
    let state = folders::state().ok_or_else(|| {
        Failure::new(Kind::NotFound, "find the kept snapshots", "no state directory is known")
            .hint("set AICR_STATE_DIR")
    })?;
    Ok(state.path.join(store::FOLDER))
}

/// How a snapshot came into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Saved,
    Recorded,
    Imported,
}

impl How {
    fn word(self) -> &'static str {
        match self {
            How::Saved => "saved",
            How::Recorded => "recorded",
            How::Imported => "imported",
        }
    }
}

fn failed(folder: &Path, doing: &str) -> impl Fn(io::Error) -> Failure {
    let (at, doing) = (folder.display().to_string(), doing.to_owned());
    move |error| {
        let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Usage } else { Kind::Internal };
        Failure::from_error(kind, doing.clone(), error).at(&at)
    }
}

/// Every moment, the oldest first.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Moment>, Failure> {
    store::list(folder).map_err(failed(folder, "list the kept snapshots"))
}

/// Bytes of the content of a moment, which it may share with others.
pub fn size(folder: &Path, moment: &Moment) -> u64 {
    store::size(folder, &moment.digest)
}

/// Which cluster a snapshot is of: its UID, else the context that it was taken in.
pub fn cluster_of(snapshot: &Inventory) -> &str {
    snapshot.about.cluster_uid.as_deref().unwrap_or(&snapshot.about.context)
}

/// Keeps a snapshot, under a name if it has one; the moment, and whether its content is new.
///
/// # Errors
/// A name that is not one or is taken; the folder cannot be written.
pub fn save(folder: &Path, snapshot: &Inventory, name: Option<&str>, how: How) -> Result<(Moment, bool), Failure> {
    save_after(None, folder, snapshot, name, how)
}

/// As [`save`], where the differences to the moment of an id are known.
fn save_after(
    since: Option<(&str, &[Change])>,
    folder: &Path,
    snapshot: &Inventory,
    name: Option<&str>,
    how: How,
) -> Result<(Moment, bool), Failure> {
    let doing = "keep the snapshot";
    let lock = store::lock(folder).map_err(failed(folder, doing))?;
    let known = list(folder)?;
    if let Some(name) = name {
        check_name(name, &known, None)?;
    }
    let written = store::keep(folder, &lock, |sink| write_without_time(snapshot, sink));
    let (digest, is_new) = written.map_err(failed(folder, doing))?;
    let at = match snapshot.about.taken_at.as_str() {
        "" => NO_TIME.to_owned(),
        at => at.to_owned(),
    };
    let mut moment = moment_of(snapshot, &at, &digest, how);
    let before = known.iter().find(|known| known.id == moment.id);
    moment.name = name.map(str::to_owned).or(before.and_then(|known| known.name.clone()));
    let previous =
        known.iter().rfind(|known| known.cluster == moment.cluster && known.id != moment.id && known.at <= moment.at);
    match (previous, since) {
        (Some(previous), Some((id, changes))) if previous.id == id => {
            moment.since = Some(previous.id.clone());
            describe(&mut moment, changes);
        }
        (Some(previous), _) => relate(folder, &mut moment, previous, snapshot),
        (None, _) => {}
    }
    let is_newest = !known.iter().any(|known| known.cluster == moment.cluster && known.at > moment.at);
    if is_newest {
        let write = |sink: &mut dyn io::Write| write_baseline(&moment, snapshot, sink);
        store::put_baseline(folder, &lock, &moment.cluster, write).map_err(failed(folder, doing))?;
    }
    store::put(folder, &lock, &moment).map_err(failed(folder, doing))?;
    // One that was taken in between two others is what the later one is to be compared with.
    relink(folder, &lock, &moment.cluster)?;
    Ok((moment, is_new))
}

/// A moment that is compared with nothing yet.
fn moment_of(snapshot: &Inventory, at: &str, digest: &str, how: How) -> Moment {
    let short: String = digest.trim_start_matches("sha256:").chars().take(8).collect();
    Moment {
        moment: store::FORM.to_owned(),
        id: format!("{}-{short}", compact(at)),
        at: at.to_owned(),
        cluster: cluster_of(snapshot).to_owned(),
        context: snapshot.about.context.clone(),
        digest: digest.to_owned(),
        how: how.word().to_owned(),
        nodes: snapshot.nodes.len(),
        ..Moment::default()
    }
}

/// `20260114-091000` of `2026-01-14T09:10:00Z`.
fn compact(at: &str) -> String {
    let digits: String = at.chars().filter(char::is_ascii_digit).take(14).collect();
    let (day, time) = digits.split_at(digits.len().min(8));
    format!("{day}-{time:0<6}")
}

/// Says in a moment what differs from the one before it.
fn relate(folder: &Path, moment: &mut Moment, previous: &Moment, snapshot: &Inventory) {
    moment.since = Some(previous.id.clone());
    let changes = match previous.digest == moment.digest {
        true => Vec::new(),
        false => match changes_since(folder, previous, snapshot) {
            Ok(changes) => changes,
            // One that cannot be read any more must not keep all later ones from being kept.
            Err(_) => {
                not_compared(moment, previous);
                return;
            }
        },
    };
    describe(moment, &changes);
}

fn not_compared(moment: &mut Moment, previous: &Moment) {
    (moment.things, moment.changes) = Default::default();
    moment.words = vec![format!("not compared: the snapshot {} cannot be read", previous.id)];
}

fn describe(moment: &mut Moment, changes: &[Change]) {
    let thing = |change: &Change| node_path::node_of(&change.path).map_or(change.path.clone(), node_path::whole);
    moment.things = changes.iter().map(thing).collect::<BTreeSet<_>>().into_iter().map(Arc::from).collect();
    moment.changes = changes.len();
    moment.words = changes.iter().take(WORDS).map(words).collect();
}

/// A change in one line: `~ node[gpu-7].kernel: 6.8.0-1018-aws -> 6.8.0-1021-aws`.
pub fn words(change: &Change) -> String {
    let side = |value: &Option<Value>| match value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.lines().next().unwrap_or("\"\"").to_owned(),
        Some(_) => "…".to_owned(),
    };
    let sign = change.kind.sign();
    match (&change.left, &change.right) {
        (None, Some(Value::Object(_))) | (Some(Value::Object(_)), None) => format!("{sign} {}", change.path),
        _ if diff::replaced::is_one(change) => format!("{sign} {}: {}", change.path, change.cause),
        (left, right) => format!("{sign} {}: {} -> {}", change.path, side(left), side(right)),
    }
}

/// The path in [`words`], with what follows it.
pub fn path_of(words: &str) -> Option<&str> {
    words.split_once(' ').map(|(_, path)| path)
}

/// Differences without noise.
pub fn what_matters(left: &Inventory, right: &Inventory) -> Vec<Change> {
    without_noise(diff::inventory::compare(left, right))
}

fn without_noise(mut changes: Vec<Change>) -> Vec<Change> {
    let shown = Shown::default();
    changes.retain(|change| shown.shows(change));
    changes
}

/// What matters of the differences between a kept snapshot and this one.
///
/// # Errors
/// As [`open`], where the baseline of the cluster is of another moment or cannot be read.
fn changes_since(folder: &Path, moment: &Moment, snapshot: &Inventory) -> Result<Vec<Change>, Failure> {
    match changes_since_baseline(folder, moment, snapshot) {
        Some(changes) => Ok(without_noise(changes)),
        None => Ok(what_matters(&open(folder, moment)?, snapshot)),
    }
}

/// The first line of a baseline; a line for each node follows.
#[derive(Serialize, Deserialize)]
struct Head<'h> {
    form: Cow<'h, str>,
    /// The moment that it is of.
    moment: Cow<'h, str>,
    baseline: Baseline,
}

const BASELINE: &str = "aicr.run/baseline-v2";

fn write_baseline(moment: &Moment, snapshot: &Inventory, mut sink: &mut dyn io::Write) -> io::Result<()> {
    let head = Head { form: BASELINE.into(), moment: moment.id.as_str().into(), baseline: Baseline::of(snapshot) };
    serde_json::to_writer(&mut sink, &head)?;
    sink.write_all(b"\n")?;
    for node in NodeBaseline::all(snapshot) {
        serde_json::to_writer(&mut sink, &node)?;
        sink.write_all(b"\n")?;
    }
    Ok(())
}

/// All differences to the baseline of a cluster, if it is of this moment and can be read to its end.
///
/// Nodes are read one by one: all of them at once would take more memory than the cluster that is shown.
fn changes_since_baseline(folder: &Path, moment: &Moment, snapshot: &Inventory) -> Option<Vec<Change>> {
    let mut lines = store::baseline(folder, &moment.cluster).ok()?.lines();
    let Head { form, moment: of, baseline } = serde_json::from_str(&lines.next()?.ok()?).ok()?;
    if form != BASELINE || of != moment.id {
        return None;
    }
    let mut read = 0;
    let nodes = lines.map_while(|line| serde_json::from_str::<NodeBaseline>(&line.ok()?).ok()).inspect(|_| read += 1);
    let mut nodes = nodes.fuse();
    let changes = diff::inventory::compare_kept(&baseline, nodes.by_ref(), snapshot);
    // Where one side has no nodes, none was compared.
    nodes.by_ref().for_each(drop);
    drop(nodes);
    (read == baseline.nodes).then_some(changes)
}

/// Compares again what has another moment before it than it was compared with.
fn relink(folder: &Path, lock: &Lock, cluster: &str) -> Result<(), Failure> {
    let moments: Vec<Moment> = list(folder)?.into_iter().filter(|moment| moment.cluster == cluster).collect();
    for (index, moment) in moments.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| &moments[before]);
        if moment.since.as_deref() == previous.map(|previous| previous.id.as_str()) {
            continue;
        }
        let mut moment = moment.clone();
        match previous {
            Some(previous) => {
                // What cannot be read stays as it was written.
                let Ok(snapshot) = open(folder, &moment) else { continue };
                relate(folder, &mut moment, previous, &snapshot);
            }
            None => (moment.since, moment.things, moment.changes, moment.words) = Default::default(),
        }
        store::put(folder, lock, &moment).map_err(failed(folder, "write the moment"))?;
    }
    Ok(())
}

/// Writes the document, with a time that is the same for all.
fn write_without_time(snapshot: &Inventory, sink: &mut dyn io::Write) -> io::Result<()> {
    let mut timeless = snapshot.clone();
    timeless.about.taken_at = NO_TIME.to_owned();
    if let Some(record) = &mut timeless.record {
        let record = Arc::make_mut(record);
        record.metadata.insert("timestamp".to_owned(), NO_TIME.to_owned());
    }
    write_document(&timeless, sink)
}

/// Writes the document. Its keys are texts, so it can be JSON.
fn write_document(snapshot: &Inventory, sink: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer(sink, &Serialized::from(form::stream(snapshot, Edition::default()))).map_err(io::Error::from)
}

/// The document of a moment, as JSON.
///
/// # Errors
/// The content cannot be read, or was changed.
pub fn text(folder: &Path, moment: &Moment) -> Result<String, Failure> {
    let content = store::content(folder, &moment.digest).map_err(|error| {
        Failure::from_error(Kind::Internal, "read the kept snapshot", error)
            .at(format!("{} in {}", moment.id, folder.display()))
            .hint("`aicr snapshots list` names the others")
    })?;
    // What was checked against its digest is what was written, which is UTF-8.
    let mut text =
        String::from_utf8(content).unwrap_or_else(|invalid| String::from_utf8_lossy(invalid.as_bytes()).into_owned());
    // Its own time, in the one place where a time of ours stands.
    let ours = format!("\"{NO_TIME}\"");
    if let Some(at) = text.find(&ours) {
        text.replace_range(at..at + ours.len(), &format!("\"{}\"", moment.at));
    }
    Ok(text)
}

/// The snapshot of a moment.
///
/// # Errors
/// As [`text`].
pub fn open(folder: &Path, moment: &Moment) -> Result<Inventory, Failure> {
    form::format::read(&text(folder, moment)?).map_err(|error| {
        Failure::from_error(Kind::Internal, "read the kept snapshot", error)
            .at(format!("{} in {}", moment.id, folder.display()))
            .hint("it may have been written by a newer version of aicr")
    })
}

/// The context that `@-1` counts in, where the command line names one.
pub fn context_of(target: &Target) -> Option<String> {
    match target {
        Target::Demo(options) => Some(options.context().to_owned()),
        Target::Cluster(target) => target.context.clone(),
    }
}

/// The moment that a person means: its name, its id or the start of it, `` for the newest, `-1` for the one before that, or
/// a time for the last one until then.
///
/// What is counted, is counted among the moments of one cluster: the one of `context`, else that of the newest moment.
///
/// # Errors
/// `NotFound`; more than one is meant.
pub fn find_in<M: Borrow<Moment>>(moments: &[M], reference: &str, context: Option<&str>) -> Result<Moment, Failure> {
    let moments: Vec<&Moment> = moments.iter().map(Borrow::borrow).collect();
    let doing = "find the kept snapshot";
    let reference = reference.trim_start_matches('@');
    let missing = |because: String| {
        Err(Failure::new(Kind::NotFound, doing, because)
            .hint("`aicr snapshots list` lists them, `aicr snapshots save` adds one"))
    };
    if let Some(named) = moments.iter().find(|moment| moment.name.as_deref() == Some(reference)) {
        return Ok(Moment::clone(named));
    }
    let newest = match context {
        Some(context) => moments.iter().rfind(|moment| moment.context == context),
        None => moments.last(),
    };
    let cluster = newest.map(|newest| &newest.cluster);
    let of_cluster = || moments.iter().copied().filter(|moment| Some(&moment.cluster) == cluster);
    if let Some(back) = counted(reference) {
        let all: Vec<&Moment> = of_cluster().collect();
        let found = all.len().checked_sub(back + 1).map(|at| all[at].clone());
        let of = context.map_or(String::new(), |context| format!(" of context `{context}`"));
        return found.map_or_else(
            || {
                let kept = text::count(all.len(), "snapshot");
                missing(format!("{kept}{of} kept, too few for `@{reference}`"))
            },
            Ok,
        );
    }
    // A whole id is that of one moment, also where others begin with it.
    let fits = |moment: &&Moment| moment.id.starts_with(reference);
    let matching: Vec<&Moment> = match moments.iter().find(|moment| moment.id == reference) {
        Some(whole) => vec![whole],
        None => moments.iter().copied().filter(fits).collect(),
    };
    match matching[..] {
        [one] => return Ok(one.clone()),
        [_, _, ..] => {
            let because = format!("`@{reference}` is the start of {} ids", matching.len());
            return Err(Failure::new(Kind::Usage, doing, because).hint("`aicr snapshots list` shows whole ids"));
        }
        [] => {}
    }
    if is_time(reference) {
        let until = of_cluster().rfind(|moment| moment.at.as_str() <= reference || moment.at.starts_with(reference));
        return until
            .map_or_else(|| missing(format!("no snapshot was taken until {reference}")), |one| Ok(one.clone()));
    }
    missing(format!("unknown kept snapshot `{reference}`"))
}

/// How many moments before the newest one.
fn counted(reference: &str) -> Option<usize> {
    match reference.strip_prefix('-') {
        Some(back) => back.parse().ok(),
        None => reference.is_empty().then_some(0),
    }
}

/// `2026-01-14`, with or without a time of day.
fn is_time(text: &str) -> bool {
    let parts: Vec<&str> = text.get(..10).unwrap_or_default().split('-').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What is written for the cluster as it is now where a kept snapshot can be named.
const RESERVED: [&str; 3] = ["now", "live", "cluster"];

/// What can be a name: nothing that `@` gives another meaning.
fn check_name(name: &str, known: &[Moment], own: Option<&str>) -> Result<(), Failure> {
    let refused = |because: String, hint: &str| Err(Failure::new(Kind::Usage, "name the snapshot", because).hint(hint));
    let good = |letter: char| letter.is_alphanumeric() || "._-".contains(letter);
    let is_plain = name.starts_with(char::is_alphabetic) && name.chars().all(good);
    if !is_plain {
        return refused(
            format!("`{name}` cannot be a name"),
            "begin with a letter; use letters, digits, `.`, `_` and `-`",
        );
    }
    if RESERVED.contains(&name) {
        return refused(format!("`{name}` means the cluster as it is now"), "choose another name");
    }
    let taken = known.iter().find(|moment| moment.name.as_deref() == Some(name) && Some(moment.id.as_str()) != own);
    match taken {
        Some(moment) => refused(
            format!("`{name}` is the name of the snapshot of {}", moment.at),
            "choose another name, or take that one away with `aicr snapshots name REF --remove`",
        ),
        None => Ok(()),
    }
}

/// How much is kept. What has a name always is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Moments of one cluster.
    pub moments: usize,
    /// Bytes of all contents.
    pub bytes: u64,
    /// Nothing that was taken before, in RFC 3339.
    pub since: Option<String>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { moments: 200, bytes: 256 << 20, since: None }
    }
}

/// What [`prune`] would remove.
///
/// # Errors
/// The folder cannot be read.
pub fn prunable(folder: &Path, limits: &Limits) -> Result<Vec<Moment>, Failure> {
    let moments = list(folder)?;
    let beyond = beyond(&moments, limits, |digest| store::size(folder, digest));
    Ok(moments.iter().filter(|moment| beyond.contains(moment.id.as_str())).cloned().collect())
}

/// Removes moments that are beyond the limits, the oldest first; what was removed. The newest of a cluster stays.
///
/// # Errors
/// The folder cannot be read or written.
pub fn prune(folder: &Path, limits: &Limits) -> Result<Vec<Moment>, Failure> {
    let doing = "remove kept snapshots";
    let lock = store::lock(folder).map_err(failed(folder, doing))?;
    let moments = list(folder)?;
    let removed = beyond(&moments, limits, |digest| store::size(folder, digest));
    for id in &removed {
        store::remove(folder, &lock, id).map_err(failed(folder, doing))?;
    }
    store::sweep(folder, &lock).map_err(failed(folder, doing))?;
    let gone: Vec<Moment> = moments.iter().filter(|moment| removed.contains(moment.id.as_str())).cloned().collect();
    let clusters: BTreeSet<&str> = gone.iter().map(|moment| moment.cluster.as_str()).collect();
    for cluster in clusters {
        relink(folder, &lock, cluster)?;
    }
    Ok(gone)
}

/// The ids of those of these moments, the oldest first, that are beyond the limits. `size` says how many bytes a content takes,
/// and is asked once for each.
fn beyond<'m>(moments: &'m [Moment], limits: &Limits, size: impl Fn(&str) -> u64) -> BTreeSet<&'m str> {
    let newest: HashMap<&str, &str> = moments.iter().map(|moment| (&*moment.cluster, &*moment.id)).collect();
    let mut left: HashMap<&str, usize> = HashMap::new();
    for moment in moments {
        *left.entry(&moment.cluster).or_default() += 1;
    }
    let may_go: Vec<&Moment> =
        moments.iter().filter(|moment| moment.name.is_none() && newest[&*moment.cluster] != moment.id).collect();
    let mut removed: BTreeSet<&str> = BTreeSet::new();
    for moment in &may_go {
        let left = left.entry(&moment.cluster).or_default();
        let is_old = limits.since.as_ref().is_some_and(|since| moment.at < *since);
        if *left > limits.moments || is_old {
            *left -= 1;
            removed.insert(&moment.id);
        }
    }
    let mut contents: HashMap<&str, (u64, usize)> = HashMap::new();
    for moment in moments.iter().filter(|moment| !removed.contains(&*moment.id)) {
        contents.entry(&moment.digest).or_insert_with(|| (size(&moment.digest), 0)).1 += 1;
    }
    let mut bytes: u64 = contents.values().map(|(bytes, _)| bytes).sum();
    for moment in may_go {
        if bytes <= limits.bytes {
            break;
        }
        if removed.insert(&moment.id)
            && let Some((of_content, holders)) = contents.get_mut(&*moment.digest)
        {
            *holders -= 1;
            bytes -= if *holders == 0 { *of_content } else { 0 };
        }
    }
    removed
}

/// Keeps a cluster's snapshots as it changes: one at first, then one whenever something that matters differs from the last.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    limits: Limits,
    /// What was looked at last, while others hold it.
    seen: Weak<Inventory>,
}

impl Recorder {
    pub fn new(folder: PathBuf, limits: Limits) -> Recorder {
        Recorder { folder, limits, seen: Weak::new() }
    }

    /// Looks at a cluster as it is now; the moment, if it was worth one.
    ///
    /// # Errors
    /// As [`save`] and [`prune`].
    pub fn look(&mut self, snapshot: &Arc<Inventory>) -> Result<Option<Moment>, Failure> {
        if self.seen.ptr_eq(&Arc::downgrade(snapshot)) {
            return Ok(None);
        }
        let cluster = cluster_of(snapshot);
        let newest = list(&self.folder)?.into_iter().rfind(|moment| moment.cluster == cluster);
        // One that cannot be read any more is as good as none.
        let since = newest.and_then(|newest| {
            let changes = changes_since(&self.folder, &newest, snapshot).ok()?;
            Some((newest.id, changes))
        });
        let kept = match &since {
            Some((_, changes)) if changes.is_empty() => None,
            _ => {
                let since = since.as_ref().map(|(id, changes)| (id.as_str(), changes.as_slice()));
                let (moment, _) = save_after(since, &self.folder, snapshot, None, How::Recorded)?;
                prune(&self.folder, &self.limits)?;
                Some(moment)
            }
        };
        self.seen = Arc::downgrade(snapshot);
        Ok(kept)
    }
}

/// Between two looks of a recorder at a cluster that changes: while thousands of nodes are upgraded, not each of them is worth
/// a moment.
pub const PAUSE: Duration = Duration::from_secs(30);

/// Records a live view as it changes, until it ends or `on` says to stop. What could not be kept does not end it.
pub async fn record(
    mut views: watch::Receiver<LiveView>,
    recorder: Recorder,
    pause: Duration,
    mut on: impl FnMut(Result<Moment, Failure>) -> bool,
) {
    let mut recorder = Some(recorder);
    loop {
        let view = views.borrow_and_update().clone();
        let mut wait = Duration::ZERO;
        // Only what was read whole: while sources are still read, their readings would seem to come.
        if let (LiveStatus::Fresh, Some(snapshot)) = (view.status, view.inventory) {
            let Some(mut looking) = recorder.take() else { return };
            // Comparing and writing thousands of nodes takes a while.
            let looked = tokio::task::spawn_blocking(move || {
                let looked = looking.look(&snapshot);
                (looking, looked)
            });
            let Ok((back, looked)) = looked.await else { return };
            recorder = Some(back);
            let goes_on = match looked {
                Ok(Some(moment)) => on(Ok(moment)),
                Ok(None) => true,
                Err(failure) => on(Err(failure)),
            };
            if !goes_on {
                return;
            }
            wait = pause;
        }
        tokio::time::sleep(wait).await;
        if views.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        About,
        node::{self, Evidence, NodeReport},
    };

    /// A cluster at a time, with a node for each pair of a name and a zone.
    fn cluster(at: &str, nodes: &[(&str, &str)]) -> Arc<Inventory> {
        let node = |(name, zone): &(&str, &str)| {
            let labels = [("zone", *zone), ("kubernetes.io/hostname", *name)].into_iter().collect();
            Arc::new(node::of(
                &NodeReport { name: (*name).into(), labels, ..NodeReport::default() },
                &Evidence::default(),
            ))
        };
        let about = About {
            taken_at: at.into(),
            context: "test".into(),
            cluster_uid: Some("uid-1".into()),
            ..About::default()
        };
        Arc::new(Inventory { about, nodes: nodes.iter().map(node).collect(), ..Inventory::default() })
    }

    const A: &[(&str, &str)] = &[("gpu-1", "a"), ("gpu-2", "a")];
    const B: &[(&str, &str)] = &[("gpu-1", "a"), ("gpu-2", "b")];

    fn store() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("snapshots");
        (folder, path)
    }

    #[test]
    fn a_moment_says_what_changed_since_the_one_before() {
        let (_kept, folder) = store();
        let save = |snapshot: &Inventory, name| save(&folder, snapshot, name, How::Saved).expect("it is kept");
        let (first, is_new) = save(&cluster("2026-01-14T09:00:00Z", A), None);
        assert!(is_new && first.since.is_none() && first.things.is_empty());
        let (second, is_new) = save(&cluster("2026-01-14T10:00:00Z", A), None);
        assert!(!is_new, "identical content is kept once");
        assert_eq!((second.since.as_deref(), second.changes), (Some(first.id.as_str()), 0));
        let (third, _) = save(&cluster("2026-01-14T11:00:00Z", B), Some("moved"));
        assert_eq!(third.words, ["~ node[gpu-2].label.zone: a -> b"]);
        assert_eq!(third.things, ["node[gpu-2]".into()]);
        let read = open(&folder, &third).expect("it is read");
        assert_eq!(read.about.taken_at, "2026-01-14T11:00:00Z");
        assert!(what_matters(&cluster("x", B), &read).is_empty());
    }

    #[test]
    fn one_that_is_taken_in_between_is_what_the_later_one_is_compared_with() {
        let (_kept, folder) = store();
        let save = |snapshot: &Inventory, how| save(&folder, snapshot, None, how).expect("it is kept").0;
        save(&cluster("2026-01-14T09:00:00Z", A), How::Saved);
        let last = save(&cluster("2026-01-14T11:00:00Z", B), How::Saved);
        assert_eq!(last.changes, 1);
        save(&cluster("2026-01-14T10:00:00Z", B), How::Imported);
        let counts =
            |folder: &Path| list(folder).expect("a list").iter().map(|moment| moment.changes).collect::<Vec<_>>();
        assert_eq!(counts(&folder), [0, 1, 0]);
        prune(&folder, &Limits { moments: 2, ..Limits::default() }).expect("it is pruned");
        assert_eq!(counts(&folder), [0, 0], "what the first one differs from is gone");
    }

    #[test]
    fn moments_are_found_by_name_count_id_and_time() {
        let (_kept, folder) = store();
        let save = |at: &str, nodes, name| save(&folder, &cluster(at, nodes), name, How::Saved).expect("it is kept").0;
        let ids = [
            save("2026-01-14T09:00:00Z", A, None).id,
            save("2026-01-15T09:00:00Z", B, Some("friday")).id,
            save("2026-01-16T09:00:00Z", A, None).id,
        ];
        let found = |reference: &str| {
            let all = list(&folder).expect("a list");
            find_in(&all, reference, Some("test")).map(|moment| moment.id).map_err(|failure| failure.because)
        };
        for (reference, at) in [("@", 2), ("@-1", 1), ("@-2", 0), ("@friday", 1), ("@2026-01-15", 1), ("@20260114", 0)]
        {
            assert_eq!(found(reference).as_ref(), Ok(&ids[at]), "{reference}");
        }
        assert_eq!(found("@2026-01-15T08:00:00Z").as_ref(), Ok(&ids[0]));
        assert_eq!(found("@-3"), Err("3 snapshots of context `test` kept, too few for `@-3`".to_owned()));
        assert_eq!(found("@202601"), Err("`@202601` is the start of 3 ids".to_owned()));
        assert_eq!(found("@monday"), Err("unknown kept snapshot `monday`".to_owned()));
        let named = |id: &str| Moment { id: id.to_owned(), ..Moment::default() };
        let whole = find_in(&[named("2026-a"), named("2026-ab")], "2026-a", None).expect("one is called that");
        assert_eq!(whole.id, "2026-a", "a whole id is no start");
        let name = |name| shelf::of(&folder).name("@", Some(name), None).map_err(|failure| failure.because);
        assert_eq!(name("friday").expect_err("taken"), "`friday` is the name of the snapshot of 2026-01-15T09:00:00Z");
        assert!(name("-1").is_err(), "a count is not a name");
        for reserved in ["now", "live", "cluster"] {
            let because = format!("`{reserved}` means the cluster as it is now");
            assert_eq!(name(reserved).expect_err("`:past now` is no moment"), because);
        }
        assert_eq!(name("sunday").expect("a name").id, ids[2]);
    }

    #[test]
    fn names_the_newest_and_shared_content_survive_pruning() {
        let (_kept, folder) = store();
        for hour in 0..8 {
            let nodes = if hour % 2 == 0 { A } else { B };
            let name = (hour == 1).then_some("kept");
            save(&folder, &cluster(&format!("2026-01-14T{hour:02}:00:00Z"), nodes), name, How::Saved)
                .expect("it is kept");
        }
        let removed = prune(&folder, &Limits { moments: 200, bytes: 0, since: None }).expect("it is pruned");
        assert_eq!(removed.len(), 6);
        let left: Vec<String> = list(&folder).expect("a list").into_iter().map(|moment| moment.at).collect();
        assert_eq!(left, ["2026-01-14T01:00:00Z", "2026-01-14T07:00:00Z"]);
        assert!(list(&folder).expect("a list").iter().all(|moment| open(&folder, moment).is_ok()));
    }

    #[test]
    fn what_watches_keeps_only_what_matters() {
        let (_kept, folder) = store();
        let mut recorder = Recorder::new(folder.clone(), Limits::default());
        let look =
            |recorder: &mut Recorder, snapshot: &Arc<Inventory>| recorder.look(snapshot).expect("a look").is_some();
        assert!(look(&mut recorder, &cluster("2026-01-14T09:00:00Z", A)), "the first is kept");
        for minute in 1..30 {
            assert!(!look(&mut recorder, &cluster(&format!("2026-01-14T09:{minute:02}:00Z"), A)), "an idle cluster");
        }
        assert!(look(&mut recorder, &cluster("2026-01-14T09:40:00Z", B)));
        // Another program goes on where this one ended.
        let mut next = Recorder::new(folder.clone(), Limits::default());
        assert!(!look(&mut next, &cluster("2026-01-14T10:00:00Z", B)));
        assert_eq!(list(&folder).expect("a list").len(), 2);
    }

    #[test]
    fn pruning_asks_once_for_the_size_of_each_content() {
        let moment = |number: usize| Moment {
            id: format!("{number:04}"),
            at: format!("2026-01-14T{number:04}"),
            cluster: format!("uid-{}", number % 3),
            digest: format!("digest-{}", number % 50),
            name: (number == 7).then(|| "seven".to_owned()),
            ..Moment::default()
        };
        let moments: Vec<Moment> = (0..300).map(moment).collect();
        let asked = std::cell::Cell::new(0);
        let size = |_: &str| {
            asked.set(asked.get() + 1);
            10
        };
        let removed = |limits: Limits| beyond(&moments, &limits, size).into_iter().collect::<Vec<_>>();
        // Each content is that of six moments: it goes with the last of them.
        let room = Limits { moments: 300, bytes: 480, since: None };
        let gone = removed(room);
        assert_eq!((gone.len(), gone.last().copied(), asked.get()), (251, Some("0251"), 50));
        let none = Limits { moments: 300, bytes: 0, since: None };
        assert_eq!(removed(none).len(), 296, "the named one and the newest of each cluster stay");
        let few = Limits { moments: 2, bytes: u64::MAX, since: None };
        assert_eq!(removed(few).len(), 294);
        let old = Limits { moments: 300, bytes: u64::MAX, since: Some("2026-01-14T0010".to_owned()) };
        assert_eq!(removed(old).len(), 9);
    }

    #[test]
    fn what_was_kept_of_the_newest_moment_is_enough_to_say_what_changed() {
        let (_folder, store) = store();
        let mut recorder = Recorder::new(store.clone(), Limits::default());
        assert!(recorder.look(&cluster("2026-01-14T09:00:00Z", A)).unwrap().is_some());
        // The content is not read: it can be unreadable.
        for entry in std::fs::read_dir(store.join("contents")).unwrap() {
            std::fs::write(entry.unwrap().path(), "").unwrap();
        }
        let mut recorder = Recorder::new(store.clone(), Limits::default());
        assert!(recorder.look(&cluster("2026-01-14T09:01:00Z", A)).unwrap().is_none(), "nothing changed");
        let moment = recorder.look(&cluster("2026-01-14T09:02:00Z", B)).unwrap().expect("a change");
        assert_eq!((moment.things, moment.changes), (vec!["node[gpu-2]".into()], 1));
        assert_eq!(moment.words, ["~ node[gpu-2].label.zone: a -> b"]);
        // One that is broken in the middle says nothing; the content is read instead.
        let baselines = store.join("baselines");
        let path = std::fs::read_dir(&baselines).unwrap().next().unwrap().unwrap().path();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(recorder.look(&cluster("2026-01-14T09:03:00Z", B)).unwrap().is_none(), "as in the content");
        let lock = store::lock(&store).unwrap();
        for moment in list(&store).unwrap() {
            store::remove(&store, &lock, &moment.id).unwrap();
        }
        store::sweep(&store, &lock).unwrap();
        assert_eq!(std::fs::read_dir(&baselines).unwrap().count(), 0, "it goes with the last moment");
    }

    #[tokio::test(start_paused = true)]
    async fn a_view_that_is_not_read_whole_is_not_recorded() {
        let (_kept, folder) = store();
        let (sender, views) = watch::channel(LiveView::default());
        let (told, mut moments) = tokio::sync::mpsc::unbounded_channel();
        let recorder = Recorder::new(folder, Limits::default());
        let recording = tokio::spawn(record(views, recorder, PAUSE, move |moment| {
            told.send(moment.expect("it is kept").at).is_ok()
        }));
        let show =
            |status, at: &str, nodes| sender.send_replace(LiveView { status, inventory: Some(cluster(at, nodes)) });
        show(LiveStatus::Syncing { done: 1, total: 9 }, "2026-01-14T09:00:00Z", &A[..1]);
        tokio::task::yield_now().await;
        show(LiveStatus::Fresh, "2026-01-14T09:00:01Z", A);
        assert_eq!(moments.recv().await.as_deref(), Some("2026-01-14T09:00:01Z"));
        show(LiveStatus::Fresh, "2026-01-14T09:00:02Z", A);
        show(LiveStatus::Fresh, "2026-01-14T09:00:03Z", B);
        assert_eq!(moments.recv().await.as_deref(), Some("2026-01-14T09:00:03Z"));
        drop(sender);
        recording.await.expect("it ends with the view");
    }
}
