//! Flags that shape a run of checks: the same for `aicr validate` and for the workbench.

use super::cluster;
use crate::{
    config,
    ops::run::{IMAGE, NAMESPACE, RunOptions},
};
use std::time::Duration;

#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// The namespace of the Jobs.
    #[arg(short, long, env = "AICR_NAMESPACE", default_value = NAMESPACE)]
    pub namespace: String,
    /// The image that runs the checks: this program, statically linked.
    #[arg(long, env = "AICR_VALIDATOR_IMAGE", default_value = IMAGE)]
    image: String,
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
        }
    }
}

impl RunArgs {
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
        options.patience = self.patience;
        options
    }
}

fn from_environment() -> RunOptions {
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
