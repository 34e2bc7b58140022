//! Documents whose values know who wrote them.
//!
//! `header` reads what a document says it is (which kinds and versions there are is one table), `shape` and `schema` say
//! which fields it has, `convert` moves it between versions; `traced` is the value with its history, `selector` names
//! places in it, `location` a place in a file; `flatten` is a document by paths, `side` a document with its layers, and
//! `compare` says what differs between two of them.

pub mod compare;
pub mod convert;
pub mod flatten;
pub mod header;
pub mod location;
pub mod schema;
pub mod selector;
pub mod shape;
pub mod side;
pub mod traced;
