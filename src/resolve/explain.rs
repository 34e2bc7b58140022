//! The ladder of one value: every layer that set, hid, appended or could have set it, top first.

use super::Resolution;
use crate::recipe::query::Selector;

/// The answer to "who set this?".
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// The concrete path (wildcards resolved).
    pub path: String,
    pub value: serde_json::Value,
    /// Top (winner) first.
    pub ladder: Vec<Rung>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Rung {
    /// Index into `Resolution::layers`.
    pub layer: usize,
    pub layer_name: String,
    /// `file:line:column`; empty where the layer does not speak.
    pub at: String,
    /// What it wrote; `None` where it does not set the value.
    pub value: Option<serde_json::Value>,
    /// Index of the layer that hides it.
    pub hidden_by: Option<usize>,
    /// Criteria that let the layer in.
    pub criteria: String,
}

/// One explanation per value that the selector names.
pub fn explain(resolution: &Resolution, selector: &Selector) -> Vec<Explanation> {
    let _ = (resolution, selector);
    todo!("core")
}
