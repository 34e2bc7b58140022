//! Typed settings of a recipe, as a person decides them and a recipe records them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Who brings the database of Slurm's accounting, as a flag and as a word among criteria.
pub const SLURM_FLAG: &str = "slurm-accounting-mode";

/// Whether the inventory of what runs is deployed.
pub const INVENTORY_FLAG: &str = "runtime-inventory";

/// The GPU networks of a GKE machine.
pub const INTERFACES_FLAG: &str = "gke-tcpxo-interfaces";

/// The three of them.
pub const FLAGS: [&str; 3] = [SLURM_FLAG, INVENTORY_FLAG, INTERFACES_FLAG];

/// Typed settings of a recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Configuration {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slurm: Option<Slurm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_inventory: Option<RuntimeInventory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gke: Option<Gke>,
}

impl Configuration {
    /// Whether nothing was decided.
    pub fn is_empty(&self) -> bool {
        *self == Configuration::default()
    }
}

impl Configuration {
    /// What a setting with modes was decided to be, by its flag; `None` where nobody decided.
    pub fn mode(&self, flag: &str) -> Option<&str> {
        match flag {
            SLURM_FLAG => self.slurm.as_ref().map(|slurm| slurm.accounting.mode.as_str()),
            INVENTORY_FLAG => self.runtime_inventory.as_ref().map(|inventory| inventory.mode.as_str()),
            _ => None,
        }
    }

    /// Decides a setting with modes, or leaves it to the recipe with `None`.
    pub fn set_mode(&mut self, flag: &str, mode: Option<&str>) {
        let mode = mode.map(str::to_owned);
        match flag {
            SLURM_FLAG => self.slurm = mode.map(|mode| Slurm { accounting: Accounting { mode } }),
            INVENTORY_FLAG => self.runtime_inventory = mode.map(|mode| RuntimeInventory { mode }),
            _ => {}
        }
    }

    /// Leaves those to the recipe that are not among these flags.
    pub fn keep(&mut self, flags: &[&str]) {
        for flag in FLAGS.into_iter().filter(|flag| !flags.contains(flag)) {
            match flag {
                INTERFACES_FLAG => self.gke = None,
                flag => self.set_mode(flag, None),
            }
        }
    }
}

impl fmt::Display for Configuration {
    /// As words among criteria: `slurm-accounting-mode=disabled`; empty where nothing was decided.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Configuration { slurm, runtime_inventory, gke } = self;
        let mut words = Vec::new();
        words.extend(slurm.as_ref().map(|slurm| format!("{SLURM_FLAG}={}", slurm.accounting.mode)));
        words.extend(runtime_inventory.as_ref().map(|inventory| format!("{INVENTORY_FLAG}={}", inventory.mode)));
        words.extend(gke.as_ref().map(|gke| {
            let one = |one: &TcpxoInterface| format!("{}={}", one.interface_name, one.network);
            format!("{INTERFACES_FLAG}={}", gke.tcpxo_interfaces.iter().map(one).collect::<Vec<_>>().join(","))
        }));
        f.write_str(&words.join(" "))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Slurm {
    pub accounting: Accounting,
}

/// `disabled`, `customer-managed` or `aicr-provided`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounting {
    pub mode: String,
}

/// `enabled` or `disabled`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RuntimeInventory {
    pub mode: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gke {
    pub tcpxo_interfaces: Vec<TcpxoInterface>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpxoInterface {
    pub interface_name: String,
    pub network: String,
}
