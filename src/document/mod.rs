//! Values that know who wrote them, how to name a place in them, and one document among others.
//!
//! `traced` is the value with its history, `selector` names places in it, `side` is a document with its layers as
//! comparisons take it.

pub mod selector;
pub mod side;
pub mod traced;
