//! The recorded runs that are part of the demo.
//!
//! In: records as this program wrote them on the demo cluster, and the time. Out: the same with all their times moved, so that
//! each is as old as the demo says.

use super::record::{self, Record};
use crate::{
    demo::RUNS,
    ops::{connect::Target, demo::present},
    store::records::Stored,
    validate::event::Body,
};
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Those of a cluster, the oldest first; none but of the small demo cluster.
pub(super) fn of(target: &Target) -> Vec<Record> {
    let Target::Demo(options) = target else { return Vec::new() };
    if options.fleet || options.world.is_some() {
        return Vec::new();
    }
    let now = present(options);
    RUNS.iter().filter_map(|(hours, text)| moved(text, now - SignedDuration::from_hours(*hours))).collect()
}

/// A record as if its run had begun at another time; `None` for a text that is not the record of a run.
pub fn moved(text: &str, start: Timestamp) -> Option<Record> {
    let written = parse(text)?;
    let began_ms = written.events.first()?.observed_at_ms;
    let (id, taken_at) = (run_id(&written)?, &written.facts.snapshot_taken_at);
    let hex = id.rsplit('-').next()?;
    let name = format!("{}-{hex}", start.strftime("%Y%m%d-%H%M%S"));
    let mut text = text.replace(id, &name);
    if !taken_at.is_empty() {
        text = text.replace(taken_at, &start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    let mut record = parse(&text)?;
    let by_ms = start.as_millisecond() - i64::try_from(began_ms).ok()?;
    let move_time = |at_ms: &mut u64| *at_ms = at_ms.saturating_add_signed(by_ms);
    for event in &mut record.events {
        move_time(&mut event.observed_at_ms);
        if let Body::Finished { result, .. } = &mut event.body {
            // One that never began has no times.
            [&mut result.start_ms, &mut result.stop_ms].into_iter().filter(|at_ms| **at_ms > 0).for_each(move_time);
        }
    }
    record.stored = Stored { name, path: PathBuf::new(), bytes: text.len().try_into().unwrap_or(0), is_open: false };
    Some(record)
}

fn parse(text: &str) -> Option<Record> {
    record::parse(Stored { name: String::new(), path: PathBuf::new(), bytes: 0, is_open: false }, text)
}

fn run_id(record: &Record) -> Option<&str> {
    record.events.iter().find_map(|event| match &event.body {
        Body::Planned { run_id, .. } => Some(run_id.as_str()),
        _ => None,
    })
}
