//! `aicr --demo` where there is no terminal: the whole pipeline as text.
//!
//! Everything goes to standard output, in order, because here the story is the data.

use super::{
    Outcome, Printer, cluster,
    criteria_args::CriteriaArgs,
    exit::Exit,
    global::Global,
    live::Live,
    printer::{Role, Stream},
    recipe, snapshot, validate,
};
use crate::{
    catalog::validator::Phase,
    criteria::Dimension,
    ops::validate::{self as run, Conduct},
    report::text,
    validate::{event::Verdict, plan::PlanOptions},
};
use std::time::Duration;

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
    cluster::block_on(async {
        let connection = cluster::connect(global).await?;
        heading(1, "What the cluster is", "snapshot -t table")?;
        let taken = validate::take(&connection, SNAPSHOT_LIMIT, printer).await?;
        printer.page(&format!("{}\n", snapshot::summary(&taken)))?;

        heading(2, "What it should be", "recipe --service kind --accelerator a100 -t table")?;
        let (wanted, name) = validate::resolve(&catalog, &taken, &CriteriaArgs::of(Dimension::Service, SERVICE))?;
        printer.page(&format!("{}\n", recipe::summary(&wanted)))?;

        heading(3, "Whether it is so", "validate --service kind --phase conformance")?;
        let options = PlanOptions {
            run_id: run::run_id(jiff::Timestamp::now())?,
            namespace: validate::NAMESPACE.to_owned(),
            phases: vec![Phase::Conformance],
            image: validate::IMAGE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..PlanOptions::default()
        };
        let prepared = run::prepare(&catalog, wanted, &name, taken, &options, Conduct::default())?;
        let mut live = Live::new(printer, Stream::Out, false);
        let report = validate::follow(&connection, &prepared, printer, |event| match live.line(event) {
            Some(line) => printer.page(&format!("{line}\n")),
            None => Ok(()),
        })
        .await?;

        printer.page(&format!("\n{}\n", printer.paint(Role::Heading, "4. The report")))?;
        printer.page(&format!("\n{}", text::render(&report)))?;
        printer.page("\nIn a terminal, `aicr --demo` opens all of this in the workbench.\n")?;
        Ok(Exit::from(report.verdict.unwrap_or(Verdict::Inconclusive)))
    })
}
