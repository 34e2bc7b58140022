//! Flags of the reference that shape the pod it reads a cluster with. We deploy none, so they are taken and told apart.
//!
//! A script that was written for the reference keeps working, and its author learns what no longer matters.

use super::Printer;

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
    #[arg(long, hide = true)]
    no_cleanup: bool,
}

impl AgentArgs {
    /// Says which of them were given.
    pub fn warn(&self, printer: &Printer) {
        let AgentArgs { job_name, service_account_name, runtime_class, requests, limits, privileged } = self;
        warn(
            printer,
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
    /// Says which of them were given.
    pub fn warn(&self, printer: &Printer) {
        let PodArgs { namespace, image, image_pull_secrets, node_selector, tolerations, no_cleanup } = self;
        warn(
            printer,
            &[
                ("--namespace", namespace.is_some()),
                ("--image", image.is_some()),
                ("--image-pull-secret", !image_pull_secrets.is_empty()),
                ("--node-selector", !node_selector.is_empty()),
                ("--toleration", !tolerations.is_empty()),
                ("--no-cleanup", *no_cleanup),
            ],
        );
    }
}

fn warn(printer: &Printer, flags: &[(&str, bool)]) {
    let given: Vec<&str> = flags.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if !given.is_empty() {
        printer
            .warn(format!("ignored: {} (a snapshot is read from the API server; no pod is created)", given.join(", ")));
    }
}
