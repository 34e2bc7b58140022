//! `aicr --demo` where there is no terminal: the whole pipeline as text.
//!
//! Everything goes to standard output, in order, because here the story is the data.

use super::{
    Outcome, Printer, cluster,
    criteria_args::CriteriaArgs,
    exit::Exit,
    follow::follow,
    global::Global,
    live::Live,
    printer::{Role, Stream},
    recipe,
    run_args::RunArgs,
    snapshot, validate,
};
use crate::{
    catalog::validator::Phase,
    criteria::Dimension,
    ops::run,
    report::text,
    validate::event::{Event, Verdict},
};
use std::{sync::Arc, time::Duration};

/// What nodes do not reveal when a person joined them by hand, as those of the demo.
const SERVICE: &str = "kind";

/// Far more than the demo needs, unless a fault makes it slow.
const SNAPSHOT_LIMIT: Duration = Duration::from_secs(60);

/// Snapshot, recipe, readiness, checks with live lines, report; ends with the run's verdict.
pub fn tour(global: &Global, printer: &Printer) -> Outcome {
    let catalog = global.catalog()?;
    let heading = |number: usize, title: &str, verb: &str| {
        let title = printer.paint(Role::Heading, &format!("{number}. {title}"));
        printer.page(&format!("{title}   (aicr --demo {verb})\n\n"))
    };
    cluster::block_on(global, async {
        let connection = cluster::connect(global).await?;
        heading(1, "What the cluster is", "snapshot -t table")?;
        let taken = validate::take(&connection, SNAPSHOT_LIMIT, printer).await?;
        printer.page(&format!("{}\n", snapshot::summary(&taken)))?;

        heading(2, "What it should be", "recipe --service kind --accelerator a100 -t table")?;
        let (wanted, name) = validate::resolve(&catalog, &taken, &CriteriaArgs::of(Dimension::Service, SERVICE))?;
        let wanted = wanted.recipe;
        printer.page(&format!("{}\n", recipe::summary(&wanted)))?;

        heading(3, "Whether it is so", "validate --service kind --phase conformance")?;
        let mut options = RunArgs::default().options();
        options.plan.phases = vec![Phase::Conformance];
        let prepared = Arc::new(run::prepare(&catalog, wanted, &name, taken, &options)?);
        let (mut live, lines) = (Live::new(printer.clone(), Stream::Out, false), printer.clone());
        let show = move |event: &Event| live.line(event).map_or(Ok(()), |line| lines.page(&format!("{line}\n")));
        let report = follow(Some(&connection), &prepared, printer, true, show).await?.report;

        printer.page(&format!("\n{}\n", printer.paint(Role::Heading, "4. The report")))?;
        printer.page(&format!("\n{}", text::render(&report)))?;
        printer.page("\nIn a terminal, `aicr --demo` opens all of this in the workbench.\n")?;
        Ok(Exit::from(report.verdict.unwrap_or(Verdict::Inconclusive)))
    })
}
