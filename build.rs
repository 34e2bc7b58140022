//! Puts the catalog and the themes into the program, documents of the catalog also as trees, so that a start does not
//! parse them; and tells the tests whether the reference's data is here: libtest cannot skip a test while it runs, and a
//! test that returns early would be reported as passed.

#![expect(clippy::disallowed_methods, reason = "a build script looks for files and at the environment")]

#[path = "src/catalog/paths.rs"]
mod paths;
#[path = "src/yaml/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the same parser as in the program, of which this needs a part")]
mod yaml;

use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    for watched in ["build.rs", "src/yaml", "src/catalog/paths.rs", "catalog", "themes"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    embed_catalog(&out)?;
    embed_themes(&out)?;
    find_reference_data();
    Ok(())
}

/// Writes what `store::embedded` includes: the files of the catalog by path, each with the place of its path in
/// `catalog.paths` and of its tree in `catalog.packed`, and the digest of all.
///
/// A start reads all paths and trees, and no text. A path as a literal of its own would stand beside the text in the
/// program, and whoever reads it would pull all texts into memory.
fn embed_catalog(out: &Path) -> io::Result<()> {
    let (mut table, mut paths, mut packed, mut digest) = (String::new(), String::new(), Vec::new(), Sha256::new());
    for path in list("catalog")?.into_iter().filter(|path| paths::is_catalog_file(path)) {
        let text = fs::read_to_string(Path::new("catalog").join(&path))?;
        let (begin, path_begin) = (packed.len(), paths.len());
        // A document that cannot be parsed is told at its place by whoever reads it.
        if is_read_at_start(&path)
            && let Ok(tree) = yaml::parse(&text)
        {
            packed.append(&mut yaml::packed::pack(&tree));
        }
        paths.push_str(&path);
        let (source, end) = (include("catalog", &path), packed.len());
        let _ = writeln!(table, "({path_begin}..{}, {source}, {begin}..{end}),", paths.len());
        paths::add_to_digest(&path, &text, |bytes| digest.update(bytes));
    }
    let digest = digest.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    fs::write(out.join("catalog.packed"), packed)?;
    fs::write(out.join("catalog.paths"), paths)?;
    fs::write(out.join("catalog.rs"), format!("(\"sha256:{digest}\", &[\n{table}])\n"))
}

/// Whether resolving may read the document: not what is only applied to a cluster.
fn is_read_at_start(path: &str) -> bool {
    path.ends_with(".yaml") && !path.starts_with("checks/") && !path.contains("/manifests/")
}

/// Writes names and texts of the themes.
fn embed_themes(out: &Path) -> io::Result<()> {
    let mut table = String::new();
    for path in list("themes")? {
        if let Some(name) = path.strip_suffix(".toml") {
            let _ = writeln!(table, "({name:?}, {}),", include("themes", &path));
        }
    }
    fs::write(out.join("themes.rs"), format!("&[\n{table}]\n"))
}

fn include(folder: &str, path: &str) -> String {
    format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{folder}/{path}\"))")
}

/// The files of a folder, sorted by path.
fn list(folder: &str) -> io::Result<Vec<String>> {
    fn walk(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            match entry.file_type()?.is_dir() {
                true => walk(&entry.path(), &path, paths)?,
                false => paths.push(path),
            }
        }
        Ok(())
    }
    let mut paths = Vec::new();
    walk(Path::new(folder), "", &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn find_reference_data() {
    let root = std::env::var_os("AICR_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    println!("cargo:rustc-check-cfg=cfg(reference_data)");
    // Only what exists is watched: for a path that does not, cargo would build the crate again each time.
    println!("cargo:rerun-if-env-changed=AICR_SHARED");
    let data = root.join("conformance/recipe-cases.jsonl.gz");
    if data.exists() {
        println!("cargo:rerun-if-changed={}", data.display());
        println!("cargo:rustc-cfg=reference_data");
    }
}
