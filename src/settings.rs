//! Typed settings of a recipe, as a person decides them and a recipe records them.

use serde::{Deserialize, Serialize};

/// Typed settings of a recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slurm {
    pub accounting: Accounting,
}

/// `disabled`, `customer-managed` or `aicr-provided`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounting {
    pub mode: String,
}

/// `enabled` or `disabled`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuntimeInventory {
    pub mode: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gke {
    pub tcpxo_interfaces: Vec<TcpxoInterface>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpxoInterface {
    pub interface_name: String,
    pub network: String,
}
