//! One integration crate; one module per topic.

#![expect(clippy::disallowed_methods, reason = "tests read files, start programs and look at clocks")]

mod api_contract;
mod bad_input;
mod bundle;
mod bundle_helm;
mod bundle_input;
mod bundle_oci;
mod bundle_scripts;
mod catalog_equality;
mod checks;
mod checks_demo;
mod cli;
mod collect;
mod compatibility;
mod config;
mod conformance;
mod convert;
mod demo_api;
mod deploy;
mod docs;
mod documents;
mod faults;
mod flags;
mod forms;
mod image;
mod interruptions;
mod log;
mod pictures;
mod preferences;
mod profiles;
mod readme;
mod real_checks;
mod real_cluster;
mod real_cluster_bundle;
mod real_cluster_deploy;
mod real_cluster_faults;
mod real_cluster_upgrade;
mod records;
#[cfg(unix)]
mod release;
mod report;
mod resolve;
mod sandbox;
mod settings;
mod snapshots;
mod steering;
mod themes;
mod tidy;
mod upgrade;
mod validate;
mod vectors;
mod workbench;
mod workbench_jobs;
mod workbench_linear;
mod workbench_pty;
