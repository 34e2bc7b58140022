//! Flags that shape a run of checks: the same for `aicr validate` and for the workbench.

use super::{Printer, cluster};
use crate::{
    config,
    ops::run::{IMAGE, NAMESPACE, RunOptions, Step},
    validate::reference::Validators,
};
use std::time::Duration;

#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// The namespace of the Jobs.
    #[arg(short, long, env = "AICR_NAMESPACE", default_value = NAMESPACE)]
    pub namespace: String,
    /// The image that runs the checks: this program, statically linked; `aicr image build` writes it.
    #[arg(long = "check-image", value_name = "IMAGE", env = "AICR_CHECK_IMAGE", default_value = IMAGE)]
    image: String,
    /// Of the reference: the image of its capture agent, which is not deployed here.
    #[arg(long = "image", value_name = "IMAGE", hide = true)]
    agent_image: Option<String>,
    /// A secret to pull images with (repeatable).
    #[arg(long = "image-pull-secret", value_name = "NAME")]
    image_pull_secrets: Vec<String>,
    /// Nodes for the workloads of checks (repeatable).
    #[arg(long = "node-selector", value_name = "KEY=VALUE", value_parser = key_value)]
    node_selector: Vec<(String, String)>,
    /// A toleration for the workloads of checks: KEY=VALUE:EFFECT, KEY:EFFECT or * (repeatable).
    #[arg(long = "toleration", value_name = "TOLERATION", value_parser = toleration)]
    tolerations: Vec<String>,
    /// How long a pod may be unschedulable, refused or without its image before its check is given up.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = cluster::duration)]
    patience: Duration,
    /// How long each check may take, instead of what the catalog says.
    #[arg(long, value_name = "DURATION", value_parser = cluster::duration)]
    check_timeout: Option<Duration>,
    /// A check that is not to run; it is reported as skipped (repeatable, or several with commas).
    #[arg(long = "skip-check", value_name = "NAME", value_delimiter = ',')]
    skip_checks: Vec<String>,
    /// Whose images run the checks of the catalog: `own`, this program in --check-image; `reference`, those that NVIDIA publishes, in
    /// the release whose catalog this is; `reference=TAG`, in another. Those run with every right on the cluster.
    #[arg(long, value_name = "WHOSE", default_value = "own")]
    validators: Validators,
    /// Run checks that only read in this process, over its own connection and with your rights, instead of in pods.
    #[arg(long)]
    in_process: bool,
    /// Stop before each phase (or before each check) until told to go on.
    #[arg(long, value_enum, value_name = "WHERE", num_args = 0..=1, default_missing_value = "phases", require_equals = true)]
    step: Option<StepArg>,
    /// Keep no record of the run; see `aicr runs`.
    #[arg(long)]
    no_record: bool,
}

/// Where `--step` stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum StepArg {
    Phases,
    Checks,
}

impl Default for RunArgs {
    fn default() -> RunArgs {
        let RunOptions { plan, patience, .. } = from_environment();
        RunArgs {
            namespace: plan.namespace,
            image: plan.image,
            image_pull_secrets: Vec::new(),
            node_selector: Vec::new(),
            tolerations: Vec::new(),
            patience,
            check_timeout: None,
            agent_image: None,
            skip_checks: Vec::new(),
            validators: Validators::Own,
            in_process: false,
            step: None,
            no_record: false,
        }
    }
}

impl RunArgs {
    /// Says which flags of the reference have no effect.
    pub fn warn(&self, printer: &Printer) {
        if self.agent_image.is_some() {
            printer.warn("ignored: --image (the reference's capture agent is not deployed; --check-image names the image of the checks)");
        }
    }

    /// What the environment says, with these flags on top.
    pub fn options(&self) -> RunOptions {
        let mut options = from_environment();
        let plan = &mut options.plan;
        plan.namespace.clone_from(&self.namespace);
        plan.image.clone_from(&self.image);
        plan.pull_secrets.clone_from(&self.image_pull_secrets);
        plan.node_selector = self.node_selector.iter().cloned().collect();
        plan.tolerations.clone_from(&self.tolerations);
        plan.timeout_seconds = self.check_timeout.map(|limit| limit.as_secs().max(1));
        plan.skip.clone_from(&self.skip_checks);
        plan.in_process = self.in_process;
        plan.validators.clone_from(&self.validators);
        options.record = !self.no_record;
        options.step = match self.step {
            None => Step::None,
            Some(StepArg::Phases) => Step::Phases,
            Some(StepArg::Checks) => Step::Checks,
        };
        options.patience = self.patience;
        options
    }
}

/// What the environment says where no flag does; the one place where it is asked.
pub(super) fn from_environment() -> RunOptions {
    RunOptions::from_environment(|name| std::env::var(name).ok())
}

fn toleration(text: &str) -> Result<String, String> {
    if config::is_toleration(text) { Ok(text.to_owned()) } else { Err(config::TOLERATION.to_owned()) }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}
