//! Documents whose values know who wrote them.
//!
//! `header` reads what a document says it is, `traced` is the value with its history, `selector` names places in it,
//! `location` a place in a file; `side` is a document with its layers as comparisons take it.

pub mod header;
pub mod location;
pub mod selector;
pub mod side;
pub mod traced;
