//! The command line that does the same as a run that was chosen elsewhere: whole, and quoted for a shell.
//!
//! In: which cluster and recipe were chosen, and how the run is made. Out: one line. It leaves nothing to variables of the
//! environment and to a configuration: where it is pasted later, both may be others.

use super::{IMAGE, RunOptions, Step};
use crate::{
    cluster,
    criteria::{Criteria, Dimension},
    ops::{connect::Target, demo::DemoOptions},
    store::catalog_dir::Sources,
    text::shell_word,
    validate::{plan::PlanOptions, reference::Validators},
};

/// What a run is about.
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    pub target: Target,
    /// The context that is connected to.
    pub context: String,
    pub catalog: Sources,
    pub recipe: Chosen,
}

/// How the recipe was chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// As a person stated them; without a dimension, the cluster decides all of them.
    pub criteria: Criteria,
    /// Whose namespaces and charts it keeps.
    pub inherit: Option<String>,
}

/// The context of who runs in a pod of the cluster, which has no kubeconfig.
const IN_CLUSTER: &str = "in-cluster";

impl Invocation {
    /// The line.
    pub fn line(&self, options: &RunOptions) -> String {
        let (variables, flags) = of_run(options);
        let (to, mut criteria) = (self.everywhere(), Words::default());
        criteria.criteria(&self.recipe.criteria);
        let aicr = |verb: &str, words: &[&Words]| {
            let words = words.iter().flat_map(|words| &words.0).map(|word| quoted(word));
            ["aicr".to_owned(), verb.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
        };
        let set = variables.iter().map(|(name, value)| format!("{name}={} ", shell_word(value))).collect::<String>();
        let Some(place) = &self.recipe.inherit else {
            return format!("{set}{}", aicr("validate", &[&to, &criteria, &flags]));
        };
        // `validate` itself keeps nothing of what is installed.
        let (mut from, mut made) = (Words::default(), Words::default());
        from.flag("snapshot", "-");
        from.flag("inherit-from", place);
        made.flag("recipe", "-");
        let [snapshot, recipe] = [aicr("snapshot", &[&to]), aicr("recipe", &[&to, &from, &criteria])];
        format!("{snapshot} | {recipe} | {set}{}", aicr("validate", &[&to, &made, &flags]))
    }

    /// What every verb takes: the cluster and the catalog.
    fn everywhere(&self) -> Words {
        let mut words = Words::default();
        match &self.target {
            Target::Demo(options) => {
                words.switch("demo");
                let DemoOptions { faults, world, .. } = options;
                if options.fleet {
                    words.flag("context", options.context());
                }
                faults.iter().for_each(|fault| words.flag("fault", fault));
                world.iter().for_each(|world| words.flag("world", world));
            }
            Target::Cluster(cluster::Target { kubeconfig, context, .. }) => {
                kubeconfig.iter().for_each(|file| words.flag("kubeconfig", file.display()));
                let connected = Some(&self.context).filter(|name| !name.is_empty() && *name != IN_CLUSTER);
                context.iter().chain(connected).take(1).for_each(|name| words.flag("context", name));
            }
        }
        let Sources { catalog, data } = &self.catalog;
        catalog.iter().for_each(|folder| words.flag("catalog", folder.display()));
        data.iter().for_each(|folder| words.flag("data", folder.display()));
        words
    }
}

/// As a shell takes it; of `--name=value`, the value alone may need quotes.
fn quoted(word: &str) -> String {
    match word.split_once('=') {
        Some((name, value)) if name.starts_with("--") => format!("{name}={}", shell_word(value)),
        _ => shell_word(word),
    }
}

/// Variables that have no flag, and the flags.
fn of_run(options: &RunOptions) -> (Vec<(&'static str, String)>, Words) {
    let RunOptions { plan, fail_fast, allow_unknown, keep, patience, step, record, keep_namespace: _ } = options;
    let PlanOptions {
        namespace,
        phases,
        only,
        skip,
        in_process,
        validators,
        image,
        image_tag,
        image_registry,
        pull_secrets,
        timeout_seconds,
        node_selector,
        tolerations,
        // Each run has an id of its own, and this program is what it is.
        run_id: _,
        version: _,
        commit: _,
    } = plan;
    let mut words = Words::default();
    words.flag("namespace", namespace);
    phases.iter().for_each(|phase| words.flag("phase", phase.name()));
    only.iter().for_each(|check| words.flag("check", check));
    skip.iter().for_each(|check| words.flag("skip-check", check));
    timeout_seconds.iter().for_each(|seconds| words.flag("check-timeout", format!("{seconds}s")));
    match step {
        Step::None => {}
        Step::Phases => words.switch("step=phases"),
        Step::Checks => words.switch("step=checks"),
    }
    if *image != IMAGE {
        words.flag("check-image", image);
    }
    if *validators != Validators::Own {
        words.flag("validators", validators);
    }
    pull_secrets.iter().for_each(|secret| words.flag("image-pull-secret", secret));
    node_selector.iter().for_each(|(key, value)| words.flag("node-selector", format!("{key}={value}")));
    tolerations.iter().for_each(|toleration| words.flag("toleration", toleration));
    if *patience != RunOptions::default().patience {
        words.flag("patience", format!("{}s", patience.as_secs_f64()));
    }
    let switches = [
        (*in_process, "in-process"),
        (*fail_fast, "fail-fast"),
        (*allow_unknown, "allow-unknown"),
        (*keep, "no-cleanup"),
        (!*record, "no-record"),
    ];
    switches.into_iter().filter(|(on, _)| *on).for_each(|(_, name)| words.switch(name));
    let variables = [("AICR_VALIDATOR_IMAGE_TAG", image_tag), ("AICR_VALIDATOR_IMAGE_REGISTRY", image_registry)];
    let variables = variables.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    (variables, words)
}

/// Words of a command line, not quoted yet.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn switch(&mut self, name: &str) {
        self.0.push(format!("--{name}"));
    }

    fn flag(&mut self, name: &str, value: impl ToString) {
        let value = value.to_string();
        // One that begins like a flag would be taken for one.
        match value.starts_with('-') && value != "-" {
            true => self.0.push(format!("--{name}={value}")),
            false => self.0.extend([format!("--{name}"), value]),
        }
    }

    /// An open dimension is stated too: the command line would take it from the cluster.
    fn criteria(&mut self, criteria: &Criteria) {
        if criteria.specificity() > 0 {
            for dimension in Dimension::ALL {
                let value = criteria.get(dimension);
                self.flag(dimension.name(), value.as_deref().unwrap_or("any"));
            }
        }
        criteria.profile.iter().for_each(|profile| self.flag("profile", profile));
        let settings = criteria.configuration.to_string();
        self.0.extend(settings.split_whitespace().map(|word| format!("--{word}")));
    }
}
