//! One integration crate; one module per topic.

mod bad_input;
mod cli;
mod conformance;
mod sandbox;
