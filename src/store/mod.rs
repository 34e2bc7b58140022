//! The edge to files: catalogs in, documents in and out, our own folder and the log in it.

pub mod bundle_dir;
pub mod catalog_dir;
pub mod changes;
pub mod copy;
pub mod embedded;
pub mod folders;
pub mod log;
pub mod own;
pub mod read;
pub mod records;
pub mod snapshots;
pub mod storage;
pub mod tree;
pub mod write;
