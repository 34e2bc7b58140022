//! What only a cloud provider says of its GPU node pools, from what its own program prints.
//!
//! In: the text of `az aks nodepool list`, `gcloud container node-pools list` or `oci ce cluster list-addons`, as JSON.
//! Out: a subtype of `K8s` that takes the place of one of the same name.

use crate::inventory::{Inventory, Measurement, Scalar, Subtype};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// A provider's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// `az aks nodepool list -o json`
    AksGpuPools,
    /// `gcloud container node-pools list --format json`
    GkeGpuPools,
    /// `oci ce cluster list-addons`
    OkeAddons,
}

/// A text that is not the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// Not JSON; the parser's words.
    #[error("it is not JSON: {0}")]
    Json(String),
    /// Of another shape: what was expected.
    #[error("expected {0}")]
    Shape(&'static str),
    /// A pool or an add-on of another shape.
    #[error("entry {index} of the list: {problem}")]
    Entry {
        /// From 1.
        index: usize,
        /// What was expected.
        problem: &'static str,
    },
}

impl Dump {
    /// Every one.
    pub const ALL: [Dump; 3] = [Dump::AksGpuPools, Dump::GkeGpuPools, Dump::OkeAddons];

    /// The subtype of its readings, and the name of its flag.
    pub fn name(self) -> &'static str {
        match self {
            Dump::AksGpuPools => "aks-gpu-pools",
            Dump::GkeGpuPools => "gke-gpu-pools",
            Dump::OkeAddons => "oke-addons",
        }
    }

    /// The command that prints it.
    pub fn command(self) -> &'static str {
        match self {
            Dump::AksGpuPools => "az aks nodepool list --resource-group GROUP --cluster-name NAME -o json",
            Dump::GkeGpuPools => "gcloud container node-pools list --cluster NAME --format json",
            Dump::OkeAddons => "oci ce cluster list-addons --cluster-id ID",
        }
    }
}

/// The readings in a provider's list.
///
/// # Errors
/// Every [`DumpError`].
pub fn read(dump: Dump, text: &str) -> Result<Subtype, DumpError> {
    let document: Value = serde_json::from_str(text).map_err(|error| DumpError::Json(error.to_string()))?;
    let data = match dump {
        Dump::AksGpuPools => pools(&document, "gpu-driver", |pool| Ok(is_aks_gpu_pool(pool)?.then(|| aks_mode(pool))))?,
        Dump::GkeGpuPools => pools(&document, "gpu-driver-installation", |pool| Ok(gke_mode(pool)))?,
        Dump::OkeAddons => addons(&document)?,
    };
    Ok(Subtype::of(dump.name(), data))
}

/// Puts a subtype into an inventory, in place of one of the same name.
pub fn put(inventory: &mut Inventory, subtype: Subtype) {
    let measurements = match &mut inventory.record {
        Some(record) => &mut Arc::make_mut(record).measurements,
        None => &mut inventory.readings,
    };
    let index = measurements.iter().position(|measurement| measurement.kind == "K8s").unwrap_or_else(|| {
        measurements.push(Measurement { kind: "K8s".to_owned(), subtypes: Vec::new() });
        measurements.len() - 1
    });
    let subtypes = &mut measurements[index].subtypes;
    subtypes.retain(|known| known.name != subtype.name);
    subtypes.push(subtype);
}

/// Readings of a list of pools; `mode` is `None` for a pool without GPUs.
fn pools(
    document: &Value,
    key: &str,
    mode: impl Fn(&Value) -> Result<Option<String>, &'static str>,
) -> Result<BTreeMap<String, Scalar>, DumpError> {
    let pools = document.as_array().ok_or(DumpError::Shape("a list of node pools"))?;
    let mut named = Vec::new();
    for (index, pool) in pools.iter().enumerate() {
        let failed = |problem| DumpError::Entry { index: index + 1, problem };
        let name = pool["name"].as_str().filter(|name| !name.is_empty()).ok_or(failed("it has no name"))?;
        if let Some(mode) = mode(pool).map_err(failed)? {
            named.push((name, mode));
        }
    }
    named.sort();
    let listed: Vec<String> = named.iter().map(|(name, mode)| format!("{name}={mode}")).collect();
    let mut data = BTreeMap::from([
        ("gpu-pool-count".to_owned(), Scalar::count(named.len() as u64)),
        ("gpu-pools".to_owned(), Scalar::Text(listed.join(","))),
    ]);
    if let Some(mode) = common(named.into_iter().map(|(_, mode)| mode)) {
        data.insert(key.to_owned(), Scalar::Text(mode));
    }
    Ok(data)
}

/// What all say, `Mixed` where they differ; `None` of nothing.
fn common(mut modes: impl Iterator<Item = String>) -> Option<String> {
    let first = modes.next()?;
    Some(if modes.all(|mode| mode == first) { first } else { "Mixed".to_owned() })
}

fn is_aks_gpu_pool(pool: &Value) -> Result<bool, &'static str> {
    let size = pool["vmSize"].as_str().ok_or("it has no vmSize")?.to_ascii_lowercase();
    let is_gpu = ["standard_nc", "standard_nd", "standard_nv"].iter().any(|family| size.starts_with(family));
    // Those of AMD.
    let is_other = ["_mi300x", "_mi325x", "_v620", "_v710"].iter().any(|model| size.contains(model));
    Ok(is_gpu && !is_other)
}

fn aks_mode(pool: &Value) -> String {
    let profile = &pool["gpuProfile"];
    if profile.is_null() {
        return "Install".to_owned();
    }
    let managed = profile.get("nvidia").filter(|nvidia| !nvidia.is_null());
    if managed.is_some_and(|nvidia| nvidia["managementMode"].as_str() != Some("Unmanaged")) {
        return "Managed".to_owned();
    }
    profile["driver"].as_str().filter(|driver| !driver.is_empty()).unwrap_or("Unknown").to_owned()
}

fn gke_mode(pool: &Value) -> Option<String> {
    let accelerators = pool["config"]["accelerators"].as_array()?;
    let mode = |accelerator: &Value| {
        let version = accelerator["gpuDriverInstallationConfig"]["gpuDriverVersion"].as_str().unwrap_or_default();
        match version {
            "INSTALLATION_DISABLED" => "Disabled".to_owned(),
            "" | "GPU_DRIVER_VERSION_UNSPECIFIED" | "DEFAULT" | "LATEST" => "Installed".to_owned(),
            other => other.to_owned(),
        }
    };
    common(accelerators.iter().map(mode))
}

fn addons(document: &Value) -> Result<BTreeMap<String, Scalar>, DumpError> {
    let addons = document["data"].as_array().ok_or(DumpError::Shape("a mapping with the list `data`"))?;
    let mut plugin = "absent".to_owned();
    for (index, addon) in addons.iter().enumerate() {
        let failed = |problem| DumpError::Entry { index: index + 1, problem };
        let name = addon["name"].as_str().ok_or(failed("it has no name"))?;
        if name.eq_ignore_ascii_case("NvidiaGpuPlugin") {
            let state = addon["lifecycle-state"].as_str().ok_or(failed("it has no lifecycle-state"))?;
            plugin = match state {
                "ACTIVE" => "installed".to_owned(),
                other => format!("addon-{}", other.to_lowercase()),
            };
        }
    }
    Ok(BTreeMap::from([
        ("addon-count".to_owned(), Scalar::count(addons.len() as u64)),
        ("nvidia-gpu-plugin".to_owned(), Scalar::Text(plugin)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dump: Dump, text: &str, expected: Result<&str, &str>) {
        let read = read(dump, text).map_err(|error| error.to_string()).map(|subtype| {
            subtype.data.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(read.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn aks_pools_say_who_installs_the_driver() {
        let pool =
            |name: &str, size: &str, profile: &str| format!(r#"{{"name": "{name}", "vmSize": "{size}"{profile}}}"#);
        let read = |pools: &[String], expected: &str| {
            check(Dump::AksGpuPools, &format!("[{}]", pools.join(",")), Ok(expected))
        };
        let h100 = "Standard_ND96isr_H100_v5";
        let (system, amd) = (pool("sys", "Standard_D4s_v5", ""), pool("amd", "Standard_ND96isr_MI300X_v5", ""));
        read(&[system.clone(), amd], "gpu-pool-count=0 gpu-pools=");
        let installs = pool("gpu", h100, "");
        read(&[system, installs.clone()], "gpu-driver=Install gpu-pool-count=1 gpu-pools=gpu=Install");
        let none = pool("a", "standard_nc24ads_a100_v4", r#", "gpuProfile": {"driver": "None"}"#);
        read(&[installs, none.clone()], "gpu-driver=Mixed gpu-pool-count=2 gpu-pools=a=None,gpu=Install");
        for (profile, mode) in [
            (r#"{"driver": "Install", "nvidia": {"managementMode": "Managed"}}"#, "Managed"),
            (r#"{"driver": "None", "nvidia": {}}"#, "Managed"),
            (r#"{"driver": "None", "nvidia": {"managementMode": "Unmanaged"}}"#, "None"),
            (r#"{"driver": "Other"}"#, "Other"),
            ("null", "Install"),
        ] {
            let pool = pool("a", h100, &format!(r#", "gpuProfile": {profile}"#));
            read(&[pool], &format!("gpu-driver={mode} gpu-pool-count=1 gpu-pools=a={mode}"));
        }
        check(Dump::AksGpuPools, "{}", Err("expected a list of node pools"));
        check(Dump::AksGpuPools, r#"[{"name": "a"}]"#, Err("entry 1 of the list: it has no vmSize"));
    }

    #[test]
    fn gke_pools_say_whether_a_driver_is_installed() {
        let pool = |name: &str, accelerators: &str| {
            format!(r#"{{"name": "{name}", "config": {{"accelerators": [{accelerators}]}}}}"#)
        };
        let version =
            |version: &str| format!(r#"{{"gpuDriverInstallationConfig": {{"gpuDriverVersion": "{version}"}}}}"#);
        let read = |pools: &[String], expected: &str| {
            check(Dump::GkeGpuPools, &format!("[{}]", pools.join(",")), Ok(expected))
        };
        read(&[r#"{"name": "cpu", "config": {}}"#.to_owned(), pool("none", "")], "gpu-pool-count=0 gpu-pools=");
        let off = pool("b", &version("INSTALLATION_DISABLED"));
        read(std::slice::from_ref(&off), "gpu-driver-installation=Disabled gpu-pool-count=1 gpu-pools=b=Disabled");
        read(
            &[off, pool("a", "{}")],
            "gpu-driver-installation=Mixed gpu-pool-count=2 gpu-pools=a=Installed,b=Disabled",
        );
        let both = pool("a", &[version("LATEST"), version("INSTALLATION_DISABLED")].join(","));
        read(&[both], "gpu-driver-installation=Mixed gpu-pool-count=1 gpu-pools=a=Mixed");
        check(Dump::GkeGpuPools, "null", Err("expected a list of node pools"));
    }

    #[test]
    fn oke_add_ons_say_whether_the_plugin_is_installed() {
        let read =
            |data: &str, expected: &str| check(Dump::OkeAddons, &format!(r#"{{"data": [{data}]}}"#), Ok(expected));
        read("", "addon-count=0 nvidia-gpu-plugin=absent");
        let plugin = |state: &str| format!(r#"{{"name": "NvidiaGPUPlugin", "lifecycle-state": "{state}"}}"#);
        read(&plugin("ACTIVE"), "addon-count=1 nvidia-gpu-plugin=installed");
        read(&plugin("DELETING"), "addon-count=1 nvidia-gpu-plugin=addon-deleting");
        check(Dump::OkeAddons, "{}", Err("expected a mapping with the list `data`"));
        assert!(matches!(super::read(Dump::OkeAddons, "{"), Err(DumpError::Json(_))));
    }

    #[test]
    fn a_dump_takes_the_place_of_an_older_one() {
        let text =
            "kind: Snapshot\nmeasurements: [{type: K8s, subtypes: [{subtype: oke-addons, data: {addon-count: 9}}]}]\n";
        let from_file = super::super::format::read(text).unwrap();
        for mut inventory in [Inventory::default(), from_file] {
            put(&mut inventory, super::read(Dump::OkeAddons, r#"{"data": []}"#).unwrap());
            let found = |key: &str| super::super::path::find(&format!("K8s.oke-addons.{key}"), &inventory);
            assert_eq!(found("addon-count"), Ok("0".to_owned()));
            assert_eq!(found("nvidia-gpu-plugin"), Ok("absent".to_owned()));
        }
    }
}
