//! Use cases, one file each: the only place where core and edges meet.

pub mod agent;
pub mod artifact;
pub mod bundle;
pub mod catalog;
pub mod check;
pub mod cleanup;
pub mod config;
pub mod connect;
pub mod convert;
pub mod demo;
pub mod deploy;
pub mod diff;
pub mod failure;
pub mod fault;
pub mod image;
pub mod inherit;
pub mod kustomize;
mod namespace;
pub mod place;
pub mod recipe;
pub mod run;
pub mod session;
pub mod snapshot;
pub mod snapshots;
pub mod storage;
pub mod upgrade;

pub use failure::{Failure, Kind};
