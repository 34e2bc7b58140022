//! One integration crate; one module per topic.

mod conformance;
