//! `aicr cleanup`: remove what validations left behind.

use super::{Outcome, Printer, cluster, exit::Exit, global::Global, protect::YesArg};
use crate::{
    cluster::objects::Unlisted,
    ops::{cleanup, run::NAMESPACE},
    text::count,
};
use std::collections::BTreeMap;

/// Remove what killed validations left: Jobs, pods, ConfigMaps, accounts and roles, and what checks created themselves, of
/// every kind, found by their labels.
///
/// A validation that still runs loses its Jobs as well; name the dead run with --run-id to spare it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The namespace of the Jobs.
    #[arg(short, long, env = "AICR_NAMESPACE", default_value = NAMESPACE)]
    namespace: String,
    /// Only this run.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Only list what would be removed.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    yes: YesArg,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    cluster::block_on(global, async {
        let connection = cluster::connect(global).await?;
        if args.dry_run {
            let found = cleanup::look(&connection, &args.namespace).await?;
            let wanted =
                found.objects.iter().filter(|object| args.run_id.as_ref().is_none_or(|run| *run == object.run_id));
            let lines: Vec<String> = wanted.map(|object| format!("{object}\n")).collect();
            printer.data(&lines.concat())?;
            printer.note(format!("{} would be removed", count(lines.len(), "object")));
            gaps(printer, &found.unlisted);
            return Ok(Exit::Good);
        }
        args.yes.allow(&connection.context, "clean up", printer)?;
        let outcome = cleanup::sweep(&connection, &args.namespace, args.run_id.as_deref()).await?;
        printer.note(format!("removed {}", count(outcome.removed, "object")));
        gaps(printer, &outcome.unlisted);
        Ok(Exit::Good)
    })
}

/// A kind that may not be listed is not one without objects.
fn gaps(printer: &Printer, unlisted: &[Unlisted]) {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for unlisted in unlisted {
        by_reason.entry(&unlisted.why).or_default().push(&unlisted.resource);
    }
    for (why, kinds) in by_reason {
        let of = if kinds.len() == 1 { "this kind" } else { "these kinds" };
        printer.warn(format!("what is left of {of} is unknown: {} ({why})", kinds.join(", ")));
    }
}
