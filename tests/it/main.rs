//! One integration crate; one module per topic.

mod collect;
mod conformance;
