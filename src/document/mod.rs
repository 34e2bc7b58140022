//! Documents whose values know who wrote them.
//!
//! `header` reads what a document says it is, `traced` is the value with its history, `selector` names places in it,
//! `location` a place in a file; `flatten` is a document by paths, `side` a document with its layers, and `compare` says
//! what differs between two of them.

pub mod compare;
pub mod flatten;
pub mod header;
pub mod location;
pub mod selector;
pub mod side;
pub mod traced;
