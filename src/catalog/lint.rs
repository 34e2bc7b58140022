//! (core)
