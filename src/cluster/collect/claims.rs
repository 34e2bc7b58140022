//! Devices that Dynamic Resource Allocation gave to claims.
//!
//! A device of a driver is in no pod's resource list; what holds it is an allocated ResourceClaim.

use super::{Collector, Update, slices::served};
use crate::cluster::{ClusterError, Connection};
use serde::Deserialize;
use std::collections::HashSet;

const NAME: &str = "claims";
pub const COLLECTOR: Collector = Collector {
    name: NAME,
    needs: "list resourceclaims.resource.k8s.io",
    concerns_nodes: true,
    unread: None,
    read: |connection| Box::pin(read(connection)),
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    allocation: Option<Allocation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Allocation {
    devices: Devices,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Devices {
    results: Option<Vec<Allocated>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Allocated {
    driver: String,
    pool: String,
    device: String,
    /// Looks at a device without taking it.
    admin_access: Option<bool>,
}

async fn read(connection: &Connection) -> Result<Update, ClusterError> {
    let claims = served(connection, "resourceclaims", |claim: Object| claim).await?;
    let allocations = allocations(claims);
    Ok(Box::new(move |parts| parts.allocations = allocations))
}

/// Driver, pool and name of every allocated device; a device that several claims share is allocated once.
fn allocations(claims: Vec<Object>) -> HashSet<(String, String, String)> {
    let allocated = claims.into_iter().filter_map(|claim| claim.status.allocation?.devices.results).flatten();
    allocated
        .filter(|allocated| allocated.admin_access != Some(true))
        .map(|Allocated { driver, pool, device, .. }| (driver, pool, device))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_device_counts_once_and_one_that_is_only_looked_at_not_at_all() {
        let claim = |results: serde_json::Value| -> Object {
            serde_json::from_value(json!({"status": {"allocation": {"devices": {"results": results}}}}))
                .expect("a claim")
        };
        let device = |name: &str| json!({"driver": "gpu.nvidia.com", "pool": "n", "device": name});
        let mut looked_at = device("gpu-1");
        looked_at["adminAccess"] = json!(true);
        let pending: Object = serde_json::from_value(json!({"status": {}})).expect("a claim");
        let found =
            allocations(vec![claim(json!([device("gpu-0")])), claim(json!([device("gpu-0"), looked_at])), pending]);
        assert_eq!(found.len(), 1);
    }
}
