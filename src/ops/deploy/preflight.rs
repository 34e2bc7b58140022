//! What would fail later, said before anything is changed.

use super::work;
use crate::{
    cluster::{ClusterError, Connection, helm_record, raw},
    deploy::{plan::DeployPlan, readiness},
    inventory::release::KeptIn,
};
use serde_json::Value;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) problems: Vec<String>,
    pub(super) hint: &'static str,
    pub(super) warnings: Vec<String>,
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// Namespaces that are being deleted, webhooks without their service, API services that do not answer.
///
/// # Errors
/// Something that cannot be read.
pub(super) async fn install(connection: &Connection, plan: &DeployPlan) -> Result<Found, ClusterError> {
    let mut found = Found { hint: "remove the cause, then deploy again", ..Found::default() };
    for namespace in plan.namespaces() {
        let there = raw::get(connection, &format!("/api/v1/namespaces/{namespace}")).await?;
        if there.is_some_and(|there| there["status"]["phase"] == "Terminating") {
            found.problems.push(format!("namespace {namespace} is being deleted"));
        }
    }
    for kind in [readiness::Kind::ValidatingWebhookConfiguration, readiness::Kind::MutatingWebhookConfiguration] {
        let (api, plural) = kind.resource();
        for configuration in raw::list(connection, &format!("{api}/{plural}"), "").await? {
            for (namespace, service) in readiness::webhook_services(&configuration) {
                if !plan.namespaces().contains(&&*namespace) {
                    continue;
                }
                let path = format!("/api/v1/namespaces/{namespace}/services/{service}");
                if raw::get(connection, &path).await?.is_none() {
                    found.problems.push(format!(
                        "{kind:?} {} calls the service {namespace}/{service}, which does not exist; it would refuse what is installed",
                        name(&configuration)
                    ));
                }
            }
        }
    }
    // Whoever may not list these may still deploy.
    let services = raw::list(connection, "/apis/apiregistration.k8s.io/v1/apiservices", "").await.unwrap_or_default();
    for service in services {
        if let readiness::Judgment::NotYet(why) = readiness::judge(readiness::Kind::APIService, Some(&service))
            && service["status"]["conditions"].is_array()
        {
            found.warnings.push(format!("the API service {}: {why}", name(&service)));
        }
    }
    Ok(found)
}

/// Objects of a release's own kinds that would stay: nothing takes their finalizers away once their operator is gone.
///
/// # Errors
/// Something that cannot be read.
pub(super) async fn remove(connection: &Connection, kept_in: KeptIn, plan: &DeployPlan) -> Result<Found, ClusterError> {
    let hint = "delete those objects first, or use --skip-preflight";
    let mut found = Found { hint, ..Found::default() };
    for release in &plan.releases {
        let record = helm_record::newest(connection, kept_in, &release.namespace, &release.name).await?;
        let Some(record) = record else { continue };
        for crd in work::objects(&record.manifest) {
            let spec = &crd["spec"];
            let (Some(group), Some(plural)) = (spec["group"].as_str(), spec["names"]["plural"].as_str()) else {
                continue;
            };
            let versions = spec["versions"].as_array().into_iter().flatten();
            let Some(version) = versions.into_iter().find(|version| version["served"] == true) else { continue };
            let version = version["name"].as_str().unwrap_or_default();
            for object in raw::list(connection, &format!("/apis/{group}/{version}/{plural}"), "").await? {
                if object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty()) {
                    let place =
                        object["metadata"]["namespace"].as_str().map_or(String::new(), |place| format!("{place}/"));
                    let kind = spec["names"]["kind"].as_str().unwrap_or(plural);
                    found.problems.push(format!(
                        "{kind} {place}{} has a finalizer that only {} removes",
                        name(&object),
                        release.name
                    ));
                }
            }
        }
    }
    Ok(found)
}
