//! `--config`: settings of a configuration as the defaults of flags.
//!
//! A setting becomes the default value of the flag that it stands for, so that a flag and an environment variable win over
//! it without a rule of their own. What was taken from the file is named in the answer (`ops::config::Applied`); settings
//! of a verb that have no flag here are said to be without effect.

use super::{Printer, cluster, global::Global, printer::Role};
use crate::{
    config::{Config, Section, Setting},
    ops::{
        Failure,
        config::{self, Applied, Source, Used},
        place::Place,
    },
};
use clap::{ArgMatches, Command, parser::ValueSource};
use std::sync::Arc;

/// What a setting stands for.
pub struct Row {
    /// From below `spec`.
    pub path: &'static str,
    /// The flag, without its dashes.
    pub flag: &'static str,
}

const fn row(path: &'static str, flag: &'static str) -> Row {
    Row { path, flag }
}

/// Every setting that has a flag. A flag that a verb does not have is not set there.
pub static ROWS: &[Row] = &[
    row("snapshot.output.path", "output"),
    row("snapshot.output.format", "format"),
    row("snapshot.agent.requireGpu", "require-gpu"),
    row("snapshot.execution.timeout", "timeout"),
    row("snapshot.execution.maxNodesPerEntry", "max-nodes-per-entry"),
    row("recipe.criteria.service", "service"),
    row("recipe.criteria.accelerator", "accelerator"),
    row("recipe.criteria.intent", "intent"),
    row("recipe.criteria.os", "os"),
    row("recipe.criteria.platform", "platform"),
    row("recipe.criteria.nodes", "nodes"),
    row("recipe.input.snapshot", "snapshot"),
    row("recipe.profile", "profile"),
    row("recipe.configuration.slurm.accounting.mode", "slurm-accounting-mode"),
    row("recipe.configuration.runtimeInventory.mode", "runtime-inventory"),
    row("recipe.configuration.gke.tcpxoInterfaces", "gke-tcpxo-interfaces"),
    row("recipe.output.path", "output"),
    row("recipe.output.format", "format"),
    row("recipe.data", "data"),
    row("recipe.criteriaStrict", "criteria-strict"),
    row("validate.input.recipe", "recipe"),
    row("validate.input.snapshot", "snapshot"),
    row("validate.agent.namespace", "namespace"),
    row("validate.agent.imagePullSecrets", "image-pull-secret"),
    row("validate.agent.nodeSelector", "node-selector"),
    row("validate.agent.tolerations", "toleration"),
    row("validate.agent.requireGpu", "require-gpu"),
    row("validate.execution.phases", "phase"),
    row("validate.execution.skipChecks", "skip-check"),
    row("validate.execution.failOnError", "fail-on-error"),
    row("validate.execution.failFast", "fail-fast"),
    row("validate.execution.noCluster", "no-cluster"),
    row("validate.execution.noCleanup", "no-cleanup"),
    row("validate.execution.timeout", "timeout"),
    row("bundle.input.recipe", "recipe"),
    row("bundle.output.target", "output"),
    row("bundle.output.imageRefs", "image-refs"),
    row("bundle.deployment.deployer", "deployer"),
    row("bundle.deployment.repo", "repo"),
    row("bundle.deployment.set", "set"),
    row("bundle.deployment.dynamic", "dynamic"),
    row("bundle.deployment.vendorCharts", "vendor-charts"),
    row("bundle.deployment.appName", "app-name"),
    row("bundle.scheduling.systemNodeSelector", "system-node-selector"),
    row("bundle.scheduling.systemNodeTolerations", "system-node-toleration"),
    row("bundle.scheduling.acceleratedNodeSelector", "accelerated-node-selector"),
    row("bundle.scheduling.acceleratedNodeTolerations", "accelerated-node-toleration"),
    row("bundle.scheduling.draEvictionNodeLabel", "dra-eviction-node-label"),
    row("bundle.scheduling.workloadGate", "workload-gate"),
    row("bundle.scheduling.workloadSelector", "workload-selector"),
    row("bundle.scheduling.nodes", "nodes"),
    row("bundle.scheduling.storageClass", "storage-class"),
    row("bundle.scheduling.sharedStorageClass", "shared-storage-class"),
    row("bundle.attestation.enabled", "attest"),
    row("bundle.attestation.certificateIdentityRegexp", "certificate-identity-regexp"),
    row("bundle.attestation.oidcDeviceFlow", "oidc-device-flow"),
    row("bundle.attestation.fulcioURL", "fulcio-url"),
    row("bundle.attestation.rekorURL", "rekor-url"),
    row("bundle.attestation.signingKey", "signing-key"),
    row("bundle.registry.insecureTLS", "insecure-tls"),
    row("bundle.registry.plainHTTP", "plain-http"),
    row("verify.policy.minTrustLevel", "min-trust-level"),
    row("verify.policy.requireCreator", "require-creator"),
    row("verify.policy.cliVersionConstraint", "cli-version-constraint"),
    row("verify.trust.certificateIdentityRegexp", "certificate-identity-regexp"),
    row("verify.trust.key", "key"),
    row("verify.trust.trustRoot", "trust-root"),
];

/// Flags that are taken for scripts of the reference and do nothing: no pod is deployed to read a cluster.
const WITHOUT_EFFECT: &[(&str, &str)] = &[("snapshot", "namespace"), ("snapshot", "image")];

/// The verbs that a section is for; the first is the one that it is named after.
pub fn verbs(section: Section) -> &'static [&'static str] {
    match section {
        Section::Snapshot => &["snapshot"],
        Section::Recipe => &["recipe", "query", "explain", "tui"],
        Section::Validate => &["validate", "tui"],
        Section::Bundle => &["bundle"],
        Section::Verify => &["verify"],
    }
}

/// The sections of a verb: the workbench resolves and validates.
fn sections(verb: &str) -> Vec<Section> {
    Section::ALL.into_iter().filter(|section| verbs(*section).contains(&verb)).collect()
}

/// The argument that a setting stands for in a verb: its id, and whether it belongs to every verb.
pub fn argument<'c>(command: &'c Command, verb: &str, path: &str) -> Option<(&'static Row, &'c clap::Arg)> {
    let row = ROWS.iter().find(|row| row.path == path)?;
    // Other verbs than `recipe` print a value and no recipe.
    if WITHOUT_EFFECT.contains(&(verb, row.flag)) || path.starts_with("recipe.output.") && verb != "recipe" {
        return None;
    }
    let own = command.find_subcommand(verb)?.get_arguments().find(|argument| argument.get_long() == Some(row.flag));
    let shared = || command.get_arguments().find(|argument| argument.get_long() == Some(row.flag));
    Some((row, own.or_else(shared)?))
}

/// Reads the configuration that a command line names.
///
/// # Errors
/// As [`config::read`].
pub fn read(place: &Place, global: &Global) -> Result<Source, Failure> {
    let session = cluster::session(global)?;
    cluster::block_on(global, config::read(place, global.has_own_catalog(), session))
}

/// The command line with the settings of a configuration as defaults of the flags of a verb.
pub fn with_defaults(command: Command, verb: &str, config: &Config) -> Command {
    let mut changed = command.clone();
    for setting in settings(verb, config) {
        let Some((_, argument)) = argument(&command, verb, &setting.path) else { continue };
        let (id, values) = (argument.get_id().clone(), setting.values.clone());
        let is_shared = argument.is_global_set();
        let set = move |argument: clap::Arg| argument.default_values(values);
        changed = match is_shared {
            true => changed.mut_arg(id, set),
            false => changed.mut_subcommand(verb, |verb| verb.mut_arg(id, set)),
        };
    }
    changed
}

/// The settings of the section of a verb that have a value.
fn settings<'s>(verb: &str, config: &'s Config) -> impl Iterator<Item = &'s Setting> {
    let sections: Vec<String> = sections(verb).iter().map(|section| format!("{}.", section.name())).collect();
    config.settings.iter().filter(move |setting| {
        let is_own = sections.iter().any(|section| setting.path.starts_with(section.as_str()));
        // An empty text is an unset flag.
        is_own && (setting.values.iter().any(|value| !value.is_empty()))
    })
}

/// What was taken from a configuration, and says so: what was, what was not, and what something else wins over.
pub fn applied(source: Source, command: &Command, matches: &ArgMatches, printer: &Printer) -> Applied {
    let (verb, own) = matches.subcommand().unwrap_or(("", matches));
    let mut used = Vec::new();
    for setting in settings(verb, &source.config) {
        let at = format!("{}:{}", source.shown, setting.at);
        let Some((row, argument)) = argument(command, verb, &setting.path) else {
            printer.warn(format!("{at}: `spec.{}` has no effect here", setting.path));
            continue;
        };
        let by = match own.value_source(argument.get_id().as_str()) {
            Some(ValueSource::CommandLine) => format!("--{}", row.flag),
            Some(ValueSource::EnvVariable) => {
                argument.get_env().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
            }
            _ => {
                used.push(Used { setting: setting.clone(), flag: row.flag });
                continue;
            }
        };
        let line = format!("{by} wins over `spec.{}` at {at}", setting.path);
        printer.note(printer.paint_note(Role::Quiet, &line));
    }
    let applied = Applied { source, used };
    let line = match &*sections(verb) {
        [] => {
            let shown = &applied.source.shown;
            format!("the configuration {shown} has no section for `aicr {verb}` and changes nothing")
        }
        _ => applied.sentence(),
    };
    printer.note(printer.paint_note(Role::Quiet, &line));
    applied
}

impl Global {
    /// The configuration that this command was given, once it was applied.
    pub fn applied(&self) -> Option<&Applied> {
        self.applied.as_deref()
    }

    /// Keeps what was taken from the configuration, for answers to name.
    pub fn apply(&mut self, applied: Applied) {
        self.applied = Some(Arc::new(applied));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_field_of_the_configuration() {
        for row in ROWS {
            let section = Section::ALL.into_iter().find(|section| row.path.starts_with(section.name()));
            let known = section.map(crate::config::paths).unwrap_or_default();
            // The mode of a list of interfaces is a list, and a field by itself.
            assert!(known.iter().any(|path| path == row.path), "{}", row.path);
        }
    }
}
