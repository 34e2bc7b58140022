//! `aicr convert`: documents of the reference from one edition of its formats to another.

use super::{
    Outcome, Printer, cluster,
    exit::Exit,
    global::Global,
    misuse,
    output::{self, EditionArg},
    printer::Role,
    protect::YesArg,
};
use crate::{
    ops::{
        convert::{self, Work},
        place::Place,
    },
    text::{count, plural},
};
use std::path::PathBuf;

/// Convert snapshots, recipes, catalogs and configurations to another version of the formats.
///
/// Only the header changes: comments, order and unknown fields stay. A document that the version has no form for is
/// refused, and then nothing is written. With -o DIR, a folder is written whole: files that are no documents of aicr are
/// copied.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aicr convert snapshot.yaml > snapshot-v1.yaml\n  \
                        aicr convert my-catalog -o my-catalog-v1\n  \
                        aicr convert recipe.yaml -o old --api-version v1alpha2\n  \
                        aicr convert cm://default/aicr-snapshot --in-place")]
pub struct Args {
    /// What to convert: files, folders, `-` for standard input, cm://NAMESPACE/NAME.
    #[arg(required = true, value_name = "FILE", value_parser = output::place)]
    files: Vec<Place>,
    /// A folder to write to; without it, one document goes to standard output.
    #[arg(short, long, value_name = "DIR", conflicts_with = "in_place")]
    output: Option<PathBuf>,
    /// Replace the files and ConfigMaps that were given.
    #[arg(long)]
    in_place: bool,
    #[command(flatten)]
    written: EditionArg,
    #[command(flatten)]
    yes: YesArg,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if args.files.iter().filter(|place| **place == Place::Standard).count() > usize::from(!args.in_place) {
        let because = "standard input can be read once, and not replaced";
        return Err(misuse("convert the documents", because, "give files").into());
    }
    cluster::block_on(global, async {
        let session = cluster::session(global)?;
        let work = convert::prepare(&args.files, args.written.edition, session).await?;
        if let Some(folder) = &args.output {
            let written = work.write_to(folder)?;
            note(printer, &format!("wrote {} to {}", count(written, "file"), folder.display()));
        } else if args.in_place {
            for place in work.replaced() {
                args.yes.writes(place, (global, printer)).await?;
            }
            let written = work.write_in_place(&cluster::now(), session).await?;
            note(printer, &format!("replaced {}", count(written, "document")));
        } else {
            printer.data(&work.text()?)?;
        }
        report(&work, printer);
        Ok(Exit::Good)
    })
}

fn note(printer: &Printer, text: &str) {
    printer.note(printer.paint_note(Role::Quiet, text));
}

/// What happened, by kind and version; and what did not.
fn report(work: &Work, printer: &Printer) {
    for (converted, times) in &work.counts {
        let (kind, to) = (converted.kind, converted.to);
        note(
            printer,
            &match converted.from {
                Some(from) if converted.is_same() => format!("{times} {kind}: {from} already"),
                Some(from) => format!("{times} {kind}: {from} is now {to}"),
                None => format!("{times} {kind}: no version before, {to} now"),
            },
        );
    }
    if work.others > 0 {
        let are = if work.others == 1 {
            "is not a document of aicr and stays as it is"
        } else {
            "are not documents of aicr and stay as they are"
        };
        note(printer, &format!("{} {are}", count(work.others, "file")));
    }
    if !work.passed_over.is_empty() {
        let listed: Vec<String> = work.passed_over.iter().take(5).map(|path| path.display().to_string()).collect();
        let more = work.passed_over.len() - listed.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let paths = plural(work.passed_over.len(), "path");
        printer.warn(format!("hidden {paths} and links were left out: {}{more}", listed.join(", ")));
    }
}
