//! Entries of `validators/catalog.yaml`: which image runs which check, in which phase, for how long.

use super::{
    CatalogError, CatalogProblem,
    parse::{Document, duration_seconds},
};
pub use crate::recipe::Phase;
use crate::{document::header, yaml::Node};
use std::collections::BTreeMap;

/// What a check gets when its entry names no timeout.
pub const DEFAULT_TIMEOUT_SECONDS: u64 = 300;

/// One validator: a check, as the catalog declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Validator {
    pub name: String,
    pub phase: Phase,
    pub description: String,
    /// As written; `validate::plan` resolves tags and registries.
    pub image: String,
    pub timeout_seconds: u64,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// `(cpu, memory)` when the entry gives both.
    pub resources: Option<(String, String)>,
    pub dependency_affinity: Vec<DependencyAffinity>,
    /// Its image changes nothing on the cluster, so that it may run together with others that only read. Checks of this
    /// program say so by their rights, whatever the entry says.
    pub read_only: bool,
}

/// Attraction of a check's pod to pods of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyAffinity {
    pub component: String,
    pub pod_labels: BTreeMap<String, String>,
    pub required: bool,
    pub topology_key: String,
}

/// Reads `validators/catalog.yaml` over what lower catalogs say: same name replaces the whole entry in its place.
///
/// # Errors
/// A missing or duplicate name, one that cannot be part of an object name, an unknown phase, a missing image, an
/// unreadable timeout, an incomplete affinity.
pub fn read(validators: &mut Vec<Validator>, document: &Document) -> Result<(), CatalogError> {
    document.header(&header::VALIDATORS)?;
    let mut seen = BTreeMap::new();
    for node in document.list(&document.root, "validators")?.unwrap_or(&[]) {
        let validator = read_one(document, node)?;
        if let Some(first) = seen.insert(validator.name.clone(), node.at) {
            let problem = CatalogProblem::DuplicateEntry { what: "validator", name: validator.name, first };
            return Err(document.error(node.at, problem));
        }
        match validators.iter_mut().find(|known| known.name == validator.name) {
            Some(known) => *known = validator,
            None => validators.push(validator),
        }
    }
    Ok(())
}

fn read_one(document: &Document, node: &Node) -> Result<Validator, CatalogError> {
    let name = document.text(node, "name")?;
    let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // `aicr-<name>-<8 hex>` has to fit the 63 characters of a label.
    if name.is_empty() || name.len() > 49 || !name.chars().all(label) || name.starts_with('-') || name.ends_with('-') {
        let what = "the name of a validator".to_owned();
        let expected = "1 to 49 lower-case letters, digits and inner `-`";
        return Err(document.error(node.at, CatalogProblem::Value { what, expected, found: name }));
    }
    let phase = match &*document.text(node, "phase")? {
        "deployment" => Phase::Deployment,
        "conformance" => Phase::Conformance,
        "performance" => Phase::Performance,
        other => {
            let what = format!("the phase of `{name}`");
            let (expected, found) = ("deployment, conformance or performance", other.to_owned());
            return Err(document.error(node.at, CatalogProblem::Value { what, expected, found }));
        }
    };
    let image = document.text(node, "image")?;
    if image.is_empty() {
        let owner = format!("the validator `{name}`");
        return Err(document.error(node.at, CatalogProblem::MissingField { owner, field: "`image`" }));
    }
    let timeout = document.text(node, "timeout")?;
    let timeout_seconds = match &*timeout {
        "" | "0" => DEFAULT_TIMEOUT_SECONDS,
        text => match duration_seconds(text) {
            Some(seconds) if seconds >= 1.0 => seconds as u64,
            Some(_) => DEFAULT_TIMEOUT_SECONDS,
            None => {
                let what = format!("the timeout of `{name}`");
                let (expected, found) = ("a duration such as 90s or 1h30m", text.to_owned());
                return Err(document.error(node.at, CatalogProblem::Value { what, expected, found }));
            }
        },
    };
    let mut env = Vec::new();
    for item in document.list(node, "env")?.unwrap_or(&[]) {
        env.push((document.text(item, "name")?, document.text(item, "value")?));
    }
    let resources = match document.field(node, "resources") {
        Some(resources) => Some((document.text(resources, "cpu")?, document.text(resources, "memory")?)),
        None => None,
    };
    let mut dependency_affinity = Vec::new();
    for item in document.list(node, "dependencyAffinity")?.unwrap_or(&[]) {
        let component = document.text(item, "componentRef")?;
        let pod_labels = document.text_map(item, "podLabelSelector")?;
        if component.is_empty() || pod_labels.is_empty() {
            let owner = format!("a dependencyAffinity of `{name}`");
            let field = "`componentRef` and `podLabelSelector`";
            return Err(document.error(item.at, CatalogProblem::MissingField { owner, field }));
        }
        let topology_key = document.text(item, "topologyKey")?;
        dependency_affinity.push(DependencyAffinity {
            component,
            pod_labels,
            required: document.text(item, "requirement")? == "required",
            topology_key: if topology_key.is_empty() { "kubernetes.io/hostname".to_owned() } else { topology_key },
        });
    }
    Ok(Validator {
        phase,
        description: document.text(node, "description")?,
        image,
        timeout_seconds,
        args: document.texts(node, "args")?,
        env,
        resources: resources.filter(|(cpu, memory)| !cpu.is_empty() && !memory.is_empty()),
        dependency_affinity,
        read_only: document.flag(node, "readOnly")?,
        name,
    })
}
