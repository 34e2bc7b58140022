//! One integration crate; one module per topic.

mod api_contract;
mod bad_input;
mod catalog_equality;
mod checks;
mod cli;
mod collect;
mod conformance;
mod demo_api;
mod interruptions;
mod readme;
mod real_cluster;
mod report;
mod resolve;
mod sandbox;
mod themes;
mod tidy;
mod validate;
mod workbench;
mod workbench_pty;
