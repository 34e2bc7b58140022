//! `aicr diff --live BASELINE --watch`: what begins and ends to differ, as the cluster changes.

use super::{
    Outcome, Printer, Stop, cluster,
    diff::{self, Args},
    global::Global,
    input,
    printer::Role,
};
use crate::{
    cluster::watch::{self, LiveStatus},
    diff::{Change, severity::Severity},
    inventory::Inventory,
    ops::{self, Failure, diff::Rules},
    report::escape,
    text::count,
};
use serde_json::json;
use std::collections::BTreeMap;

/// One line: a reading that differs from the baseline now, or does not any more.
struct Event<'e> {
    at: &'e str,
    change: &'e Change,
    severity: Severity,
    differs: bool,
}

pub fn watch(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let (baseline, _) = args.sides()?;
    let before = input::snapshot(baseline, global)?;
    let rules = args.rules(global, printer)?;
    let is_json = match args.form() {
        Some("json") => true,
        None | Some("table") => false,
        Some(_) => {
            return Err(super::misuse(
                "watch",
                "changes are printed as lines of text or JSON",
                "leave out --format, or use `-t json`",
            )
            .into());
        }
    };
    cluster::block_on(global, async {
        let connection = cluster::connect(global).await?;
        let mut interrupts = cluster::Interrupts::new()?;
        printer.note(format!("comparing {} with {} until interrupted", connection.context, input::shown(baseline)));
        let mut views = watch::start(connection);
        let mut told = Told { baseline: &before, rules: &rules, differ: BTreeMap::new() };
        let mut lost = false;
        let mut gone = std::pin::pin!(cluster::reader_gone());
        loop {
            let view = views.borrow_and_update().clone();
            match (&view.status, &view.inventory) {
                (LiveStatus::Fresh, Some(now)) => {
                    if std::mem::take(&mut lost) {
                        printer.note("connected again");
                    }
                    told.take(now, args, |event| printer.page(&line(&event, is_json, printer)))?;
                }
                (LiveStatus::Failed { error }, None) => return Err(Failure::from(error.clone()).into()),
                (LiveStatus::Reconnecting { error, .. }, _) if !std::mem::replace(&mut lost, true) => {
                    printer.warn(format!("the connection is lost; what was printed may be old: {}", error.found));
                }
                _ => {}
            }
            tokio::select! {
                changed = views.changed() => if changed.is_err() { break },
                () = interrupts.next() => break,
                () = &mut gone => return Err(Stop::ClosedPipe),
            }
        }
        printer
            .note(printer.paint_note(Role::Quiet, &format!("{} at the end", count(told.differ.len(), "difference"))));
        Ok::<_, Stop>(args.exit(!told.differ.is_empty()))
    })
}

/// What was printed last.
struct Told<'t> {
    baseline: &'t Inventory,
    rules: &'t Rules,
    differ: BTreeMap<String, (Change, Severity)>,
}

impl Told<'_> {
    /// Prints what differs now and did not, or otherwise, and what does not any more.
    fn take(
        &mut self,
        now: &Inventory,
        args: &Args,
        mut print: impl FnMut(Event<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let noise = args.shown_noise();
        let compared = ops::diff::snapshots("", self.baseline, "", now, self.rules);
        let differ: BTreeMap<String, (Change, Severity)> = compared
            .graded(&noise)
            .map(|(change, severity)| (change.path.clone(), (change.clone(), severity)))
            .collect();
        let at = &cluster::now();
        for (change, severity) in compared.graded(&noise) {
            let known = self.differ.get(&change.path);
            if known.is_none_or(|(known, graded)| (known, *graded) != (change, severity)) {
                print(Event { at, change, severity, differs: true })?;
            }
        }
        for (path, (change, severity)) in &self.differ {
            if !differ.contains_key(path) {
                print(Event { at, change, severity: *severity, differs: false })?;
            }
        }
        self.differ = differ;
        Ok(())
    }
}

fn line(event: &Event<'_>, is_json: bool, printer: &Printer) -> String {
    let Event { at, change, severity, differs } = event;
    if is_json {
        let value = json!({
            "at": at, "differs": differs, "severity": severity.word(), "path": change.path,
            "baseline": change.left, "target": if *differs { change.right.clone() } else { change.left.clone() },
        });
        return format!("{value}\n");
    }
    let time = at.get(11..19).unwrap_or(at);
    if !differs {
        return printer.paint(Role::Quiet, &format!("{time}  as before  {}\n", escape::line(&change.path)));
    }
    let side = |value| escape::line(&diff::side(value)).into_owned();
    let (sign, path) = (change.kind.sign(), escape::line(&change.path));
    let sides = match is_of_whole_node(change) {
        true => String::new(),
        false => format!(": {} -> {}", side(&change.left), side(&change.right)),
    };
    format!("{time}  {:<9}  {sign} {path}{sides}\n", severity.word())
}

/// A node that came or went: its readings would fill the screen.
fn is_of_whole_node(change: &Change) -> bool {
    [&change.left, &change.right].into_iter().flatten().any(serde_json::Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::{self, Evidence, NodeReport};
    use clap::Parser;
    use std::sync::Arc;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn cluster(zone: &str) -> Inventory {
        let labels = [("zone", zone)].into_iter().collect();
        let node = node::of(&NodeReport { name: "a".into(), labels, ..NodeReport::default() }, &Evidence::default());
        Inventory { nodes: vec![Arc::new(node)], ..Inventory::default() }
    }

    #[test]
    fn what_begins_and_ends_to_differ_is_told_once() {
        let args = Line::parse_from(["diff", "--live", "x", "--watch"]).args;
        let (baseline, rules) = (cluster("a"), Rules::new());
        let mut told = Told { baseline: &baseline, rules: &rules, differ: BTreeMap::new() };
        let mut seen = Vec::new();
        for zone in ["a", "b", "b", "c", "a", "a"] {
            let print = |event: Event<'_>| {
                let right = event.change.right.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
                seen.push(format!("{zone}: {} {} {}", event.differs, event.change.path, right));
                Ok(())
            };
            told.take(&cluster(zone), &args, print).expect("it is printed");
        }
        let zone = "node[a].label.zone";
        let expected = [format!("b: true {zone} b"), format!("c: true {zone} c"), format!("a: false {zone} c")];
        assert_eq!(seen, expected);
    }
}
