//! What a recipe becomes for the tools that deploy it: a plan first, then files in one of several dialects.
//!
//! `flags` are what a person sets over the recipe, `settle` says whose they are, `values` applies them, `order` says what
//! comes first, `manifest` renders what is not a chart (`supplied` is what the catalog only names), `plan` puts it together, `deployer` writes a dialect. `checksum`
//! closes the bundle.

pub mod checksum;
pub mod compare;
pub mod deployer;
pub mod flags;
pub mod info;
pub mod manifest;
pub mod note;
pub mod order;
pub mod plan;
mod readme;
pub mod release;
pub mod settle;
pub mod signature;
pub mod supplied;
pub mod tar;
mod template;
mod upgrading;
pub mod values;
pub mod vendor;
