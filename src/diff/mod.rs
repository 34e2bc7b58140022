//! What differs between two documents, and why.
//!
//! Structural first: maps align by key, lists by identity (`name`, `component`, `path`) or else as a whole. The order of
//! keys never counts. Volatile readings are marked as noise, not dropped.

pub mod beside;
pub mod causes;
pub mod effects;
pub mod flips;
pub mod inventory;
pub mod lost;
pub mod node_path;
pub mod noise;
pub mod observed;
pub mod patch;
pub mod recipe;
pub mod replaced;
pub mod severity;
pub mod shapes;
pub mod standing;
pub mod text;

pub use crate::document::compare::{Change, ChangeKind};
