//! The reference's snapshot file: a rendering of the inventory, and the way back.
//!
//! The file holds measurements, these subtypes, these scalar readings by key; node readings exist for one node only. What
//! we add travels in places that the reference carries along unread: the subtype `nodes` of `NodeTopology` has one item
//! per node, the subtype `collection` of `K8s` says for each source whether it could be read. A file that was read is
//! kept as it is, so that writing it again loses nothing.

pub mod address;
pub mod agent;
pub mod format;
pub mod labels;
mod node_item;
mod node_readings;
pub mod path;
pub mod provider;
mod record;
mod stream;
mod topology;

pub use record::{inventory, record, record_but_nodes};
pub use stream::stream;
