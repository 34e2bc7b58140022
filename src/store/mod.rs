//! The edge to files: catalogs in, documents in and out, platform folders.

pub mod catalog_dir;
pub mod embedded;
pub mod read;
pub mod state_dir;
pub mod write;
