//! A plan for people, before anything happens: what will be created, with which rights, in which order, for how long.
//!
//! In: a [`ValidationPlan`] and how it will be run. Out: lines; those that end in a colon are headings. Command line and
//! workbench show the same ones.

use crate::{
    catalog::validator::Phase,
    text::{count, seconds},
    validate::{
        beforehand::ImageFound,
        event::Way,
        plan::{CheckPlan, PARALLEL, ValidationPlan, cleanup_command},
    },
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a plan does not know of itself.
#[derive(Clone, Debug)]
pub struct About<'a> {
    pub cluster: &'a str,
    pub recipe: &'a str,
    pub criteria: &'a str,
    /// Seconds that a pod may be unschedulable, refused or without its image.
    pub patience_seconds: u64,
    /// Where the run stops by itself, in words; empty where it does not.
    pub stops: &'a str,
    /// Nothing is removed at the end.
    pub keeps: bool,
    /// The command line that does the same; empty where it was given on one.
    pub command: &'a str,
}

/// The plan as lines, unescaped.
pub fn lines(plan: &ValidationPlan, about: &About<'_>) -> Vec<String> {
    let mut lines = vec![format!("cluster    {}", about.cluster), format!("recipe     {}", about.recipe)];
    if about.criteria != about.recipe && !about.criteria.is_empty() {
        lines.push(format!("criteria   {}", about.criteria));
    }
    lines.push(format!("namespace  {}", plan.namespace));
    lines.push(format!("run id     {}", plan.run_id));
    let running: Vec<&CheckPlan> = plan.checks.iter().filter(|check| check.decided.is_none()).collect();
    // Of each group: the longest limit, and how many checks there are.
    let mut at_most: BTreeMap<usize, (u64, usize)> = BTreeMap::new();
    for check in &running {
        let (longest, checks) = at_most.entry(check.check.group).or_default();
        *longest = (*longest).max(check.check.timeout_seconds + check.check.grace_seconds);
        *checks += 1;
    }
    let rounds = |checks: usize| u64::try_from(checks.div_ceil(PARALLEL)).unwrap_or(u64::MAX);
    let at_most = at_most.values().map(|(longest, checks)| longest.saturating_mul(rounds(*checks))).sum();
    lines.push(format!(
        "checks     {} to run, {} decided beforehand; at most {} in all",
        running.len(),
        plan.checks.len() - running.len(),
        seconds(at_most)
    ));
    if !about.stops.is_empty() {
        lines.push(format!("stops      {}", about.stops));
    }
    if !about.command.is_empty() {
        lines.push(format!("command    {}", about.command));
    }
    warnings(&mut lines, plan);
    let mut group = 0;
    for check in &plan.checks {
        if check.check.group != group {
            group = check.check.group;
            lines.push(String::new());
            lines.push(heading(plan, check));
        }
        of_check(&mut lines, check);
        let skip = plan.found.skips.iter().find(|(name, _)| *name == check.check.name);
        lines.extend(skip.map(|(_, reason)| format!("    will be skipped as the cluster is now: {reason}")));
    }
    if plan.checks.is_empty() {
        lines.extend([String::new(), "the recipe selects no check".to_owned()]);
    }
    closing(&mut lines, plan, about);
    lines
}

/// What speaks against the run, and what cannot be known.
fn warnings(lines: &mut Vec<String>, plan: &ValidationPlan) {
    let found = &plan.found;
    let mut said: Vec<String> = plan.notices.clone();
    said.extend(found.images.iter().filter_map(ImageFound::doubt));
    said.extend(found.missing.iter().map(|right| format!("you may not {right}; check with: {}", right.command())));
    said.extend(found.leftovers.iter().map(|left| {
        let objects = count(left.objects, "object");
        let (id, clean) = (&left.run_id, cleanup_command(&plan.namespace, &left.run_id));
        format!("run {id} has {objects} here: it is still running, or it was killed and `{clean}` removes them")
    }));
    said.extend(found.gaps.iter().cloned());
    if !said.is_empty() {
        lines.push(String::new());
        lines.extend(said.into_iter().map(|said| format!("! {said}")));
    }
}

/// `2. conformance, 4 at the same time:`
fn heading(plan: &ValidationPlan, first: &CheckPlan) -> String {
    let of_group = plan.checks.iter().filter(|check| check.check.group == first.check.group && check.decided.is_none());
    let together = match of_group.count() {
        0 => "nothing to run".to_owned(),
        1 => "alone".to_owned(),
        many => format!("{} at the same time", many.min(PARALLEL)),
    };
    format!("{}. {}, {together}:", first.check.group, first.check.phase.name())
}

fn of_check(lines: &mut Vec<String>, check: &CheckPlan) {
    let name = &check.check.name;
    if let Some(decided) = &check.decided {
        let word = super::words::Word::from(decided.status);
        return lines.push(format!("  {name}  {word}: {}", decided.reason));
    }
    let (limit, grace) = (seconds(check.check.timeout_seconds), check.check.grace_seconds);
    lines.push(format!("  {name}  at most {limit}, then given up after {grace} s"));
    if check.check.way == Way::InProcess {
        return lines.push("    in this process, with your rights; creates nothing".to_owned());
    }
    lines.push(format!("    image {}", check.check.image));
    lines.push(format!("    creates {}", kinds(&check.objects)));
    lines.extend(rights(&check.objects).into_iter().map(|right| format!("    may {right}")));
}

/// `1 Job, 2 Roles`
fn kinds(objects: &[Value]) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *kinds.entry(object["kind"].as_str().unwrap_or("object")).or_default() += 1;
    }
    kinds.into_iter().map(|(kind, number)| count(number, kind)).collect::<Vec<_>>().join(", ")
}

/// What one check would create and how long it may take, in one line: for who decides whether it is to run.
pub fn brief(check: &CheckPlan) -> String {
    if let Some(decided) = &check.decided {
        return format!("{}: {}", super::words::Word::from(decided.status), decided.reason);
    }
    let limit = seconds(check.check.timeout_seconds);
    match check.check.way {
        Way::InProcess => format!("at most {limit}, in this process; creates nothing"),
        _ => format!("at most {limit}; creates {}", kinds(&check.objects)),
    }
}

/// The plan of one phase, as lines.
pub fn of_phase(plan: &ValidationPlan, phase: Phase) -> Vec<String> {
    let mut lines = Vec::new();
    let mut group = None;
    for check in plan.checks.iter().filter(|check| check.check.phase == phase) {
        if group.replace(check.check.group) != Some(check.check.group) {
            lines.push(heading(plan, check));
        }
        of_check(&mut lines, check);
    }
    lines
}

fn closing(lines: &mut Vec<String>, plan: &ValidationPlan, about: &About<'_>) {
    if plan.shared.is_empty() {
        return lines.extend([String::new(), "Nothing is created.".to_owned()]);
    }
    lines.extend([String::new(), "for all checks:".to_owned()]);
    lines.extend(plan.shared.iter().map(|object| format!("  {}", named(object))));
    lines.extend(plan.found.images.iter().map(|found| format!("  image {}: {}", found.image, found.source())));
    let patience = about.patience_seconds;
    lines.push(format!("  a pod that is refused, unschedulable or without its image is given up after {patience} s"));
    lines.push(String::new());
    lines.push(match about.keeps {
        true => format!("Everything stays; `{}` removes it.", cleanup_command(&plan.namespace, &plan.run_id)),
        false => "Everything is removed at the end.".to_owned(),
    });
}

fn named(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = object["metadata"]["namespace"].as_str().map_or(String::new(), |name| format!("{name}/"));
    format!("{} {namespace}{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

/// Rules of the roles, one line each: `get, list pods`.
fn rights(objects: &[Value]) -> Vec<String> {
    let list = |value: &Value| {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    for object in objects {
        let place = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("in namespace {namespace}"),
            None => "in the whole cluster".to_owned(),
        };
        for rule in object["rules"].as_array().into_iter().flatten() {
            let what = if rule["nonResourceURLs"].is_array() { &rule["nonResourceURLs"] } else { &rule["resources"] };
            let named = match list(&rule["resourceNames"]) {
                names if names.is_empty() => names,
                names => format!(" named {names}"),
            };
            let right = format!("{} {}{named} {place}", list(&rule["verbs"]), list(what));
            if !lines.contains(&right) {
                lines.push(right);
            }
        }
    }
    lines
}
