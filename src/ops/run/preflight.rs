//! Looks at the cluster before a run, for its plan. What cannot be read is a gap of the plan and stops nothing.

use super::{Prepared, ask_rights};
use crate::{
    cluster::{Connection, collect::list},
    ops::cleanup,
    validate::{
        beforehand::{Beforehand, ImageFound, Leftover},
        checks,
        event::Way,
        plan::PARALLEL,
    },
};
use futures::StreamExt;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes that are asked for the images they have: enough to know, and no burden where there are thousands.
const NODES: usize = 50;

/// Completes a plan by what the cluster says.
pub async fn look(connection: &Connection, prepared: &mut Prepared) {
    let plan = &prepared.plan;
    let mut found = Beforehand { skips: skips(connection, prepared).await, ..Beforehand::default() };
    if plan.checks.iter().all(|check| check.objects.is_empty()) {
        prepared.plan.found = found;
        return;
    }
    match cleanup::leftovers(connection, &plan.namespace).await {
        Ok(objects) => {
            let mut runs: BTreeMap<String, usize> = BTreeMap::new();
            for object in objects {
                *runs.entry(object.run_id).or_default() += 1;
            }
            found.leftovers = runs.into_iter().map(|(run_id, objects)| Leftover { run_id, objects }).collect();
        }
        Err(failure) => found.gaps.push(format!("what earlier runs left is unknown: {}", failure.why())),
    }
    let path = format!("/api/v1/nodes?limit={NODES}");
    match list::get::<Value>(connection, "list nodes", &path).await {
        Ok(nodes) => found.images = images(prepared, &nodes),
        Err(error) => found.gaps.push(format!("which images the nodes have is unknown: {}", error.found)),
    }
    prepared.plan.found = found;
    ask_rights(connection, prepared).await;
}

/// Checks that will be skipped as the cluster is now: they are asked themselves, with the caller's rights.
async fn skips(connection: &Connection, prepared: &Prepared) -> Vec<(String, String)> {
    let runs = prepared.plan.checks.iter().filter(|check| check.decided.is_none());
    let ours =
        runs.filter(|check| check.check.way == Way::InProcess || check.check.image == prepared.options.plan.image);
    let asked = ours.filter_map(|check| Some((check.check.name.clone(), checks::find(&check.check.name)?)));
    // Collected first: a stream over the closure itself could not be sent between threads.
    let foreseen: Vec<_> = asked
        .map(|(name, check)| async move {
            Some((name, crate::ops::check::foresee(connection, check, &prepared.input).await?))
        })
        .collect();
    futures::stream::iter(foreseen).buffered(PARALLEL).filter_map(std::future::ready).collect().await
}

/// The images of the plan, each with the nodes that have it.
fn images(prepared: &Prepared, nodes: &Value) -> Vec<ImageFound> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let nodes = array(&nodes["items"]);
    let jobs = prepared.plan.checks.iter().filter(|check| !check.objects.is_empty() && check.check.way == Way::Job);
    let wanted: BTreeSet<&str> = jobs.map(|check| check.check.image.as_str()).collect();
    let has = |node: &Value, image: &str| {
        let images = array(&node["status"]["images"]);
        let names: Vec<String> = images
            .iter()
            .flat_map(|image| array(&image["names"]))
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        ImageFound::is_among(image, names.iter().map(String::as_str))
    };
    let found = wanted.into_iter().map(|image| ImageFound {
        image: image.to_owned(),
        on: nodes.iter().filter(|node| has(node, image)).count(),
        of: nodes.len(),
    });
    found.collect()
}
