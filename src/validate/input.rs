//! The document that every check is given: the parts of a recipe that checks need.

use super::gpu::Policy;
use crate::{
    catalog::validator::Phase,
    criteria::{Criteria, Dimension, normalize},
    recipe::{ComponentRef, Constraint, Recipe, Validation},
    yaml,
};
use serde_json::{Value, json};

/// What a check knows of the recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    pub version: String,
    pub config: Validation,
    pub components: Vec<ComponentRef>,
    pub criteria: Criteria,
    pub constraints: Vec<Constraint>,
    pub gpu_policy: Policy,
    /// The text of the runtime that the recipe brings for the benchmark of NCCL; empty where it brings none.
    pub nccl_runtime: String,
    /// Where the check runs. Not in the document: a pod learns it from its environment.
    pub place: Place,
}

/// Where a check runs, and what the pods that it creates are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The namespace of the run.
    pub namespace: String,
    pub run_id: String,
    /// The image that holds this program.
    pub image: String,
    pub pull_policy: String,
    pub pull_secrets: Vec<String>,
    /// Images that the catalog's `env` puts in the place of public ones; empty for those.
    pub cuda_image: String,
    pub nccl_image: String,
    /// Which network of EKS the benchmark is to use, `efa` or `roce`; empty for EFA.
    pub nccl_fabric: String,
    pub aiperf_image: String,
    /// Name and UID of the pod that the check runs in, which owns what the check creates.
    pub pod: Option<(String, String)>,
}

impl Place {
    /// What the `env` of the catalog says, by the names of its variables.
    pub fn said(&mut self, variable: impl Fn(&str) -> Option<String>) {
        let text = |name: &str| variable(name).unwrap_or_default();
        self.cuda_image = text("AICR_CUDA_IMAGE");
        self.nccl_image = text("AICR_NCCL_RUNTIME_IMAGE");
        self.nccl_fabric = text("AICR_NCCL_FABRIC");
        self.aiperf_image = text("AICR_AIPERF_IMAGE");
    }

    /// The last eight characters of a run id, which are random: they keep names short and apart.
    pub fn suffix(&self) -> &str {
        &self.run_id[self.run_id.len().saturating_sub(8)..]
    }
}

impl Input {
    /// From a recipe.
    pub fn of(recipe: &Recipe, gpu_policy: Policy) -> Input {
        Input {
            version: recipe.version.clone(),
            config: recipe.validation.clone().unwrap_or_default(),
            components: recipe.components.clone(),
            criteria: recipe.criteria.clone(),
            constraints: recipe.constraints.clone(),
            gpu_policy,
            nccl_runtime: String::new(),
            place: Place::default(),
        }
    }

    /// An enabled component by name.
    pub fn enabled(&self, name: &str) -> Option<&ComponentRef> {
        self.components.iter().find(|component| component.name == name && component.is_enabled())
    }

    /// The namespace of an enabled component, or `default` where the recipe does not say.
    pub fn namespace(&self, component: &str, default: &str) -> String {
        let named = self.enabled(component).map(|component| component.namespace.clone());
        named.filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| default.to_owned())
    }

    /// The expression of a phase constraint.
    pub fn phase_constraint(&self, phase: Phase, name: &str) -> Option<&str> {
        let constraints = &self.config.phase(phase)?.constraints;
        constraints.iter().find(|constraint| constraint.name == name).map(|constraint| constraint.value.as_str())
    }

    /// The mounted document.
    pub fn to_value(&self) -> Value {
        let Input { version, config, components, criteria, constraints, gpu_policy, nccl_runtime, place: _ } = self;
        let mut stated = json!({ "nodes": criteria.nodes });
        for dimension in Dimension::ALL.into_iter().filter(|dimension| *dimension != Dimension::Nodes) {
            stated[dimension.name()] = criteria.get(dimension).unwrap_or_else(|| "any".to_owned()).into();
        }
        let mut value = json!({
            "apiVersion": "validator.nvidia.com/v1alpha1", "kind": "ValidationInput", "config": config,
            "componentRefs": components, "criteria": stated, "constraints": constraints,
            "gpuAllocationPolicy": gpu_policy.name(),
        });
        if !version.is_empty() {
            value["metadata"] = json!({ "version": version });
        }
        if !nccl_runtime.is_empty() {
            value["ncclRuntime"] = nccl_runtime.as_str().into();
        }
        value
    }

    /// Reads the mounted document.
    ///
    /// # Errors
    /// What is no such document, in words.
    pub fn read(text: &str) -> Result<Input, String> {
        let root = yaml::parse(text).map_err(|error| error.to_string())?.to_value();
        if root["kind"] != "ValidationInput" {
            return Err(format!("expected `kind: ValidationInput`, found {}", root["kind"]));
        }
        let mut criteria = Criteria::default();
        for dimension in Dimension::ALL {
            let text = match &root["criteria"][dimension.name()] {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => continue,
            };
            criteria.set(dimension, normalize(dimension, &text));
        }
        let policy = root["gpuAllocationPolicy"].as_str().unwrap_or(Policy::Unspecified.name());
        Ok(Input {
            version: root["metadata"]["version"].as_str().unwrap_or_default().to_owned(),
            config: part(&root, "config")?,
            components: part(&root, "componentRefs")?,
            criteria,
            constraints: part(&root, "constraints")?,
            nccl_runtime: part(&root, "ncclRuntime")?,
            gpu_policy: Policy::of(policy).ok_or_else(|| format!("`{policy}` is not a GPU allocation policy"))?,
            place: Place::default(),
        })
    }
}

fn part<T: serde::de::DeserializeOwned + Default>(root: &Value, key: &str) -> Result<T, String> {
    match &root[key] {
        Value::Null => Ok(T::default()),
        value => serde_json::from_value(value.clone()).map_err(|error| format!("`{key}`: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mounted_reads_back() {
        let component = ComponentRef {
            name: "gpu-operator".into(),
            namespace: "gpu".into(),
            r#type: "Helm".into(),
            version: "1.10".into(),
            ..ComponentRef::default()
        };
        let criteria = Criteria { service: Some("kind".into()), nodes: 5, ..Criteria::default() };
        let input = Input {
            components: vec![component],
            criteria,
            gpu_policy: Policy::DevicePlugin,
            nccl_runtime: "kind: a\n".into(),
            ..Input::default()
        };
        assert_eq!(Input::read(&yaml::to_string(&input.to_value())), Ok(input.clone()));
        assert_eq!(input.namespace("gpu-operator", "x"), "gpu");
        assert_eq!(input.namespace("other", "x"), "x");
        assert!(Input::read("kind: Pod").unwrap_err().contains("found \"Pod\""));
    }
}
