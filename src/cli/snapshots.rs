//! `aicr snapshots`: the snapshots that are kept on this machine.

use super::{
    Outcome, Printer, cluster,
    exit::Exit,
    formats::{ListFormat, Listed},
    global::Global,
    input, misuse, output, snapshot,
    table::Table,
};
use crate::{
    ops::{
        self, Failure,
        place::{Format, Place},
        snapshots::{self, How, Limits, Moment, Shelf},
    },
    report::escape,
    text::{self, count},
};
use serde_json::{Value, json};
use std::time::Duration;

/// Keep, list, show, name, prune, import and export snapshots.
///
/// Equal contents are stored once. Every moment says what differs from the one before it of the same cluster. SNAPSHOT is
/// `@` for the newest, `@-1` for the one before it, a name, an id or the start of one, or a time for the last one until then; a
/// snapshot can be given like that wherever one is read, as in `aicr diff @-1 @`. Counts are within the cluster of --context (or
/// --demo), else within that of the newest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aicr snapshots save friday\n  aicr snapshot --watch\n  aicr snapshots list\n  \
                        aicr snapshots show @-1\n  aicr diff @friday cluster\n  aicr recipe --snapshot @")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Read the cluster and keep its snapshot.
    Save {
        /// A name to find it by.
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// List kept snapshots, the newest first.
    List {
        /// Of every cluster, also where --context or --demo names one.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        format: ListFormat,
    },
    /// Show what a snapshot says, and what had changed when it was taken.
    Show {
        /// The snapshot.
        #[arg(value_name = "SNAPSHOT", default_value = "@", allow_hyphen_values = true)]
        snapshot: String,
    },
    /// Give a snapshot a name, or take it away.
    Name {
        /// The snapshot.
        #[arg(value_name = "SNAPSHOT", allow_hyphen_values = true)]
        snapshot: String,
        /// The name.
        #[arg(value_name = "NAME", required_unless_present = "remove", conflicts_with = "remove")]
        name: Option<String>,
        /// Take the name away.
        #[arg(long)]
        remove: bool,
    },
    /// Remove snapshots without a name, the oldest first, but the newest of each cluster.
    Prune {
        /// How many of a cluster stay.
        #[arg(long, value_name = "COUNT", default_value_t = Limits::default().moments)]
        keep: usize,
        /// Remove those that were taken longer ago: 36h, 90m.
        #[arg(long, value_name = "DURATION", value_parser = cluster::duration)]
        older_than: Option<Duration>,
        /// How many MiB all of them may take.
        #[arg(long, value_name = "MIB", default_value_t = Limits::default().bytes >> 20)]
        max_size: u64,
        /// Only list what would be removed.
        #[arg(long)]
        dry_run: bool,
    },
    /// Keep snapshots that are in files, ConfigMaps or on the web.
    Import {
        /// Where they are.
        #[arg(value_name = "PLACE", required = true)]
        places: Vec<String>,
        /// A name to find it by; for one only.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Write a kept snapshot as a document.
    Export {
        /// The snapshot.
        #[arg(value_name = "SNAPSHOT", allow_hyphen_values = true)]
        snapshot: String,
        /// Where it goes: a file, or `-`.
        #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
        output: Place,
        /// In which form; the default goes by the file's name, else it is YAML.
        #[arg(short = 't', long, value_parser = ["yaml", "json"])]
        format: Option<String>,
        #[command(flatten)]
        written: output::EditionArg,
    },
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let folder = snapshots::folder()?;
    let target = global.target()?;
    let context = snapshots::context_of(&target);
    let context = context.as_deref();
    // What is only read may be of the demo's past.
    let shelf = || cluster::block_on(global, snapshots::shelf(&target));
    let find = |shelf: &Shelf, reference: &str| snapshots::find_in(&shelf.list()?, reference, context);
    match &args.verb {
        Verb::Save { name } => {
            let taken = cluster::block_on(global, async {
                let connection = cluster::connect(global).await?;
                ops::snapshot::take(&connection, &cluster::now()).await
            })?;
            let (moment, is_new) = snapshots::save(&folder, &taken, name.as_deref(), How::Saved)?;
            say_kept(&shelf()?.listed(moment), is_new, printer);
            snapshot::gaps(&taken).into_iter().for_each(|gap| printer.warn(gap));
        }
        Verb::List { all, format } => {
            let shelf = shelf()?;
            let mut moments = shelf.list()?;
            moments.retain(|moment| *all || context.is_none_or(|context| moment.context == context));
            let rows: Vec<[String; 7]> = moments.iter().rev().map(|moment| row(moment, shelf.size(moment))).collect();
            let heading = ["SNAPSHOT", "TAKEN", "CLUSTER", "NAME", "NODES", "CHANGES", "SIZE"];
            let value = moments.iter().rev().map(|moment| value(moment, shelf.size(moment))).collect();
            format.print(&Listed::new(Table::new(heading, &rows), value), printer)?;
            let kept = moments.iter().filter(|moment| !shelf.is_of_demo(moment)).count();
            let past = moments.len() - kept;
            let of_demo = if past > 0 { format!(", {past} of the demo's past") } else { String::new() };
            printer.note(format!("{} in {}{of_demo}", count(kept, "snapshot"), folder.display()));
        }
        Verb::Show { snapshot } => {
            let shelf = shelf()?;
            let moment = find(&shelf, snapshot)?;
            let read = shelf.open(&moment)?;
            printer.data(&format!("{}\n{}", page(&moment), snapshot::summary(&read)))?;
        }
        Verb::Name { snapshot, name, remove: _ } => {
            let moment = shelf()?.name(snapshot, name.as_deref(), context)?;
            printer.note(match &moment.name {
                Some(name) => format!("the snapshot of {} is now @{name}", moment.at),
                None => format!("the snapshot of {} is no longer named", moment.at),
            });
        }
        Verb::Prune { keep, older_than, max_size, dry_run } => {
            let since = older_than.map(before_now).transpose()?;
            let limits = Limits { moments: *keep, bytes: max_size << 20, since };
            if *dry_run {
                let beyond = snapshots::prunable(&folder, &limits)?;
                let listed = beyond.iter().map(|moment| (&*moment.id, &*moment.at));
                return would_remove(printer, listed, &count(beyond.len(), "snapshot"));
            }
            let removed = snapshots::prune(&folder, &limits)?;
            printer.note(format!("removed {}", count(removed.len(), "snapshot")));
        }
        Verb::Import { places, name } => {
            if name.is_some() && places.len() > 1 {
                let because = "a name is for one snapshot";
                return Err(misuse("import the snapshots", because, "import them one by one").into());
            }
            for place in places {
                let read = input::snapshot(place, global)?;
                let (moment, is_new) = snapshots::save(&folder, &read, name.as_deref(), How::Imported)?;
                say_kept(&shelf()?.listed(moment), is_new, printer);
            }
        }
        Verb::Export { snapshot, output, format, written } => {
            let shelf = shelf()?;
            let read = shelf.open(&find(&shelf, snapshot)?)?;
            let is_json = match (format.as_deref(), output) {
                (Some(format), _) => format == "json",
                (None, Place::File(path)) => path.extension().is_some_and(|suffix| suffix == "json"),
                (None, _) => false,
            };
            let format = if is_json { Format::Json } else { Format::Yaml };
            output::deliver(printer, output, &ops::snapshot::text(&read, format, written.edition))?;
        }
    }
    Ok(Exit::Good)
}

/// What a dry run of a removal lists: ids with their times, and how many there are.
pub(super) fn would_remove<'l>(
    printer: &Printer,
    listed: impl Iterator<Item = (&'l str, &'l str)>,
    what: &str,
) -> Outcome {
    let lines: String = listed.map(|(id, at)| format!("{id}  {at}\n")).collect();
    printer.data(&lines)?;
    printer.note(format!("would remove {what}"));
    Ok(Exit::Good)
}

fn say_kept(moment: &Moment, is_new: bool, printer: &Printer) {
    let name = moment.name.as_ref().map_or(String::new(), |name| format!(" as @{name}"));
    let content = if is_new { "" } else { "; an equal one was there, so it takes no room" };
    printer.note(format!("kept {}{name}: {}{content}", moment.id, changes(moment)));
}

/// `3 changes`, of the moment before it.
fn changes(moment: &Moment) -> String {
    match &moment.since {
        None => "none of its cluster was kept before".to_owned(),
        Some(_) => format!("{} since the previous snapshot", count(moment.changes, "change")),
    }
}

fn row(moment: &Moment, bytes: Option<u64>) -> [String; 7] {
    let taken = moment.at.replace('T', " ").trim_end_matches('Z').to_owned();
    let changes = moment.since.as_ref().map_or("-".to_owned(), |_| moment.changes.to_string());
    let name = moment.name.as_ref().map_or("-".to_owned(), |name| format!("@{name}"));
    let context = escape::line(&moment.context).to_string();
    [
        moment.id.clone(),
        taken,
        context,
        name,
        moment.nodes.to_string(),
        changes,
        bytes.map_or("-".to_owned(), text::size),
    ]
}

/// The same for programs.
fn value(moment: &Moment, bytes: Option<u64>) -> Value {
    let changes = moment.since.as_ref().map(|_| moment.changes);
    let Moment { id, at, cluster, context, name, how, nodes, since, .. } = moment;
    json!({
        "id": id, "taken": at, "cluster": cluster, "context": context, "name": name, "how": how, "nodes": nodes,
        "since": since, "changes": changes, "bytes": bytes,
    })
}

/// A moment with what had changed.
pub(super) fn page(moment: &Moment) -> String {
    let name = moment.name.as_ref().map_or(String::new(), |name| format!("  @{name}"));
    let mut lines = vec![
        format!("{}{name}  {} on {}  {}", moment.id, moment.how, escape::line(&moment.context), moment.at),
        changes(moment),
    ];
    lines.extend(moment.words.iter().map(|words| format!("  {}", escape::line(words))));
    let more = moment.changes.saturating_sub(moment.words.len());
    lines.extend((more > 0).then(|| format!("  … and {more} more; `aicr diff` shows all")));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// The time that long ago, in RFC 3339.
fn before_now(age: Duration) -> Result<String, Failure> {
    let age = jiff::SignedDuration::try_from(age).ok();
    let at = age.and_then(|age| jiff::Timestamp::now().checked_sub(age).ok());
    let at = at.ok_or_else(|| misuse("remove kept snapshots", "the duration is too long", "write a shorter one"))?;
    Ok(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
