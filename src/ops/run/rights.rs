//! Asks the API server what the caller may do, before anything is created.

use super::Prepared;
use crate::{
    cluster::{ClusterError, Connection, changes, objects},
    ops::{Failure, Kind},
    validate::rights::{self, Right},
};
use futures::StreamExt;
use serde_json::json;

/// Questions at a time.
const QUESTIONS: usize = 16;
/// Rights that a message names.
const NAMED: usize = 4;
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Completes a plan by what the caller may not do of it. What cannot be asked is a gap of the plan and stops nothing: the
/// server refuses later what it refuses.
pub async fn ask_rights(connection: &Connection, prepared: &mut Prepared) {
    match missing(connection, prepared).await {
        Ok(missing) => prepared.plan.found.missing = missing,
        Err(error) => {
            prepared.plan.found.gaps.push(format!("whether you may do all this is unknown: {}", error.found));
        }
    }
}

/// Why a plan is not begun; `None` where the caller may do all of it, as far as is known.
pub fn refused(prepared: &Prepared) -> Option<Failure> {
    let missing = &prepared.plan.found.missing;
    let first = missing.first()?;
    let mut rights: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
    if missing.len() > NAMED {
        rights.push(format!("and {} more, which --plan lists", missing.len() - NAMED));
    }
    let because = format!("you may not {}; nothing was created", rights.join(", "));
    let hint = format!(
        "request these rights, check with: {}; --in-process runs the checks that only read with the rights that you have",
        first.command()
    );
    Some(Failure::new(Kind::Forbidden, "start the validation", because).at(prepared.plan.namespace.clone()).hint(hint))
}

async fn missing(connection: &Connection, prepared: &Prepared) -> Result<Vec<Right>, ClusterError> {
    let mut wanted = rights::wanted(&prepared.plan);
    if wanted.rights.is_empty() {
        return Ok(Vec::new());
    }
    let namespace = &prepared.plan.namespace;
    let exists = objects::find(connection, "Namespace", "", namespace).await;
    if matches!(exists, Ok(None)) {
        wanted.rights.extend(wanted.namespace);
    }
    if let Some(escalate) = wanted.escalate
        && !may(connection, &escalate).await?
    {
        wanted.rights.extend(wanted.given);
    }
    let rights: Vec<Right> = wanted.rights.into_iter().collect();
    // Collected first: a stream over the closure itself could not be sent between threads.
    let questions: Vec<_> = rights.iter().map(|right| may(connection, right)).collect();
    let answers: Vec<_> = futures::stream::iter(questions).buffered(QUESTIONS).collect().await;
    let mut missing = Vec::new();
    for (right, answer) in rights.into_iter().zip(answers) {
        if !answer? {
            missing.push(right);
        }
    }
    Ok(missing)
}

async fn may(connection: &Connection, right: &Right) -> Result<bool, ClusterError> {
    let Right { verb, group, resource, namespace, name } = right;
    let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {
        "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "subresource": part,
            "namespace": namespace, "name": name}}});
    let answer = changes::create(connection, REVIEWS, &review, false).await?;
    Ok(answer["status"]["allowed"] == true)
}
