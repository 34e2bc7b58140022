//! Tells the tests whether the reference's data is here: libtest cannot skip a test while it runs, and a test that returns
//! early would be reported as passed.

#![expect(clippy::disallowed_methods, reason = "a build script looks for files and at the environment")]

use std::path::PathBuf;

fn main() {
    let root = std::env::var_os("AICR_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    println!("cargo:rustc-check-cfg=cfg(reference_data)");
    // Only what exists is watched: for a path that does not, cargo would build the crate again each time.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=AICR_SHARED");
    let data = root.join("conformance/recipe-cases.jsonl.gz");
    if data.exists() {
        println!("cargo:rerun-if-changed={}", data.display());
        println!("cargo:rustc-cfg=reference_data");
    }
}
