//! Flags of the reference that shape the pod it reads a cluster with. We deploy none, so they are taken and told apart.
//!
//! A script that was written for the reference keeps working, and its author learns what no longer matters.

use super::Printer;
use crate::{
    fingerprint,
    inventory::Inventory,
    ops::{Failure, Kind},
};
use clap::{ArgAction, builder::FalseyValueParser};

/// Honored: what the reference asks of its pod is asked of the snapshot.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GpuArg {
    /// Fail where no node has a GPU.
    #[arg(long, value_name = "BOOL", env = "AICR_REQUIRE_GPU", hide_env_values = true, default_value = "false",
          action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true,
          hide_default_value = true, hide_possible_values = true, value_parser = FalseyValueParser::new())]
    require_gpu: bool,
}

impl GpuArg {
    /// Whether a snapshot has what was asked for.
    ///
    /// # Errors
    /// `NotFound` where no node has a GPU, and where nothing says whether one has.
    pub fn check(&self, snapshot: &Inventory, at: &str) -> Result<(), Failure> {
        if !self.require_gpu || snapshot.accelerated().next().is_some() {
            return Ok(());
        }
        let (because, hint) = match fingerprint::of(snapshot).gpu_node_count.value {
            Some(0) => ("no node has one", "is this the right cluster? Else leave out --require-gpu"),
            Some(_) => return Ok(()),
            None => (
                "nothing in the cluster says whether a node has one",
                "install a GPU operator, or leave out --require-gpu",
            ),
        };
        Err(Failure::new(Kind::NotFound, "find a GPU, as --require-gpu asks", because).at(at).hint(hint))
    }
}

/// Taken, and without effect.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AgentArgs {
    #[arg(long, hide = true)]
    job_name: Option<String>,
    #[arg(long, hide = true)]
    service_account_name: Option<String>,
    #[arg(long, hide = true)]
    runtime_class: Option<String>,
    #[arg(long, hide = true)]
    requests: Option<String>,
    #[arg(long, hide = true)]
    limits: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    privileged: Option<bool>,
}

/// More of them, which only `snapshot` leaves without effect.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PodArgs {
    #[arg(short, long, hide = true)]
    namespace: Option<String>,
    #[arg(long, hide = true)]
    image: Option<String>,
    #[arg(long = "image-pull-secret", hide = true)]
    image_pull_secrets: Vec<String>,
    #[arg(long = "node-selector", hide = true)]
    node_selector: Vec<String>,
    #[arg(long = "toleration", hide = true)]
    tolerations: Vec<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_cleanup: Option<bool>,
    #[arg(long, hide = true)]
    os: Option<String>,
    #[arg(long, hide = true)]
    max_nodes_per_entry: Option<String>,
    #[arg(long, hide = true)]
    cluster_config: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    discover_network: Option<bool>,
}

const NO_POD: &str = "a snapshot is read from the API server; no pod is created";
const EVERY_NODE: &str = "a snapshot names every node";
const NO_NETWORK: &str = "the API server does not reveal the network between nodes, so NetworkTopology stays unknown";

impl AgentArgs {
    /// Says which of them were given.
    pub fn warn(&self, printer: &Printer) {
        let AgentArgs { job_name, service_account_name, runtime_class, requests, limits, privileged } = self;
        warn(
            printer,
            NO_POD,
            &[
                ("--job-name", job_name.is_some()),
                ("--service-account-name", service_account_name.is_some()),
                ("--runtime-class", runtime_class.is_some()),
                ("--requests", requests.is_some()),
                ("--limits", limits.is_some()),
                ("--privileged", privileged.is_some()),
            ],
        );
    }
}

impl PodArgs {
    /// Those that have an effect where nodes are asked: the namespace, the image and its secrets.
    pub fn of_nodes(&self) -> (Option<&str>, Option<&str>, &[String]) {
        (self.namespace.as_deref(), self.image.as_deref(), &self.image_pull_secrets)
    }

    /// Says which of them were given; `asks` nodes with some of them.
    pub fn warn(&self, printer: &Printer, asks: bool) {
        let PodArgs { namespace, image, image_pull_secrets, node_selector, tolerations, .. } = self;
        let PodArgs { no_cleanup, os, max_nodes_per_entry, cluster_config, discover_network, .. } = self;
        warn(
            printer,
            NO_POD,
            &[
                ("--namespace", namespace.is_some() && !asks),
                ("--image", image.is_some() && !asks),
                ("--image-pull-secret", !image_pull_secrets.is_empty() && !asks),
                ("--node-selector", !node_selector.is_empty()),
                ("--toleration", !tolerations.is_empty()),
                ("--no-cleanup", no_cleanup.is_some()),
                ("--os", os.is_some()),
            ],
        );
        warn(printer, EVERY_NODE, &[("--max-nodes-per-entry", max_nodes_per_entry.is_some())]);
        warn(
            printer,
            NO_NETWORK,
            &[("--cluster-config", cluster_config.is_some()), ("--discover-network", discover_network.is_some())],
        );
    }
}

/// Variables of the reference that shape its pod, and why they change nothing here. `AICR_NAMESPACE` is not among them: it
/// is the namespace of checks.
const VARIABLES: &[(&str, &[&str])] = &[
    (NO_POD, &["AICR_IMAGE", "AICR_OS", "AICR_REQUESTS", "AICR_LIMITS", "AICR_RUNTIME_CLASS", "AICR_AGENT_MODE"]),
    (EVERY_NODE, &["AICR_MAX_NODES_PER_ENTRY"]),
    (NO_NETWORK, &["AICR_CLUSTER_CONFIG_PATH", "AICR_DISCOVER_NETWORK"]),
];

/// Says which variables of the reference are set and without effect.
pub fn warn_environment(printer: &Printer, variable: impl Fn(&str) -> Option<String>) {
    let is_set = |name: &str| variable(name).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
    for (because, names) in VARIABLES {
        let set: Vec<(&str, bool)> = names.iter().map(|name| (*name, is_set(name))).collect();
        warn(printer, because, &set);
    }
}

fn warn(printer: &Printer, because: &str, flags: &[(&str, bool)]) {
    let given: Vec<&str> = flags.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if !given.is_empty() {
        printer.warn(format!("ignored: {} ({because})", given.join(", ")));
    }
}
