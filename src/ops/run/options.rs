//! How a run is made: one place for the command line and the workbench.

use super::Step;
use crate::validate::{machine::GRACE_MS, plan::PlanOptions};
use std::time::Duration;

/// The image that runs the checks where no other is named: this program, in this version.
pub const IMAGE: &str = concat!("aicr/check:", env!("CARGO_PKG_VERSION"));

/// The namespace of the Jobs where no other is named.
pub const NAMESPACE: &str = "aicr-validation";

/// What to run, with what, and how to go on when something does not pass.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What the plan is made of. Without a run id, `prepare` makes one.
    pub plan: PlanOptions,
    /// After a phase that did not pass, later phases are skipped.
    pub fail_fast: bool,
    /// Readiness constraints that cannot be evaluated do not stop the run.
    pub allow_unknown: bool,
    /// Leave what was created.
    pub keep: bool,
    /// Leave a namespace that the run made: a report is to be written there.
    pub keep_namespace: bool,
    /// How long a pod may be unschedulable, refused or without its image before its check is given up.
    pub patience: Duration,
    /// Where the run stops until somebody says to go on.
    pub step: Step,
    /// Whoever starts the run keeps a record of it.
    pub record: bool,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        let plan = PlanOptions {
            namespace: NAMESPACE.to_owned(),
            image: IMAGE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("AICR_COMMIT").map(str::to_owned),
            ..PlanOptions::default()
        };
        RunOptions {
            plan,
            fail_fast: false,
            allow_unknown: false,
            keep: false,
            keep_namespace: false,
            patience: Duration::from_millis(GRACE_MS),
            step: Step::None,
            record: true,
        }
    }
}

impl RunOptions {
    /// The defaults, with what the environment says; flags come on top.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> RunOptions {
        let stated = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut options = RunOptions::default();
        let plan = &mut options.plan;
        plan.image_tag = stated("AICR_VALIDATOR_IMAGE_TAG");
        plan.image_registry = stated("AICR_VALIDATOR_IMAGE_REGISTRY");
        if let Some(image) = stated("AICR_CHECK_IMAGE") {
            plan.image = image;
        }
        if let Some(namespace) = stated("AICR_NAMESPACE") {
            plan.namespace = namespace;
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_fills_what_it_names_and_nothing_else() {
        let variables = [
            ("AICR_NAMESPACE", "checks"),
            ("AICR_CHECK_IMAGE", ""),
            // The reference's capture agent runs from it, never a check.
            ("AICR_VALIDATOR_IMAGE", "ghcr.io/nvidia/aicr:v1"),
            ("AICR_VALIDATOR_IMAGE_TAG", "v9"),
            ("AICR_VALIDATOR_IMAGE_REGISTRY", "example.org"),
        ];
        let options = RunOptions::from_environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let PlanOptions { namespace, image, image_tag, image_registry, version, .. } = options.plan;
        assert_eq!((&*namespace, &*image), ("checks", IMAGE));
        assert_eq!((image_tag.as_deref(), image_registry.as_deref()), (Some("v9"), Some("example.org")));
        assert_eq!(version, env!("CARGO_PKG_VERSION"));
    }
}
