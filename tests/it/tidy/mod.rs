//! What ARCHITECTURE.md says is absent, is absent.

mod causes;
mod language;
mod layers;
mod names;
mod places;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

#[test]
fn every_source_file_says_what_it_is_for_and_stays_readable() {
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} has no header", file.display());
        let lines = text.lines().count();
        assert!(lines <= 1000, "{} has {lines} lines: a second reason to change has moved in", file.display());
        assert!(!text.contains("todo!("), "{} has a hole", file.display());
    }
}

/// One place writes and reads what a comparison calls a node.
#[test]
fn paths_of_nodes_are_written_in_one_file() {
    for file in sources(&root().join("src")).into_iter().filter(|file| !file.ends_with("diff/node_path.rs")) {
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!program.contains("\"node["), "{} writes or reads a path of a node itself", file.display());
    }
}

#[test]
fn the_map_fits_two_screens() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= 100, "ARCHITECTURE.md has {} lines", text.lines().count());
    for module in modules().top() {
        let shown = [format!("`src/{module}/`"), format!("`src/{module}.rs`")];
        assert!(shown.iter().any(|name| text.contains(name)), "ARCHITECTURE.md does not mention {module}");
    }
}

#[test]
fn nothing_in_the_tree_knows_one_machine() {
    let homes = [" /root/", "\"/root/", "=/root/", "/home/", "/Users/"];
    for file in files(&root()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        // Catalog files speak of the nodes of a cluster, where such folders are facts.
        if file.ends_with("tests/it/tidy/mod.rs") || file.starts_with(root().join("catalog")) {
            continue;
        }
        // Where every node of GKE has its programs.
        let text = text.replace("/home/kubernetes/bin/", "");
        for home in homes {
            assert!(!text.contains(home), "{} names a folder of one machine ({home})", file.display());
        }
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    assert!(lock.lines().filter(|line| line.starts_with("source = ")).all(|line| line == public));
    // About 20 of these are for certificates on P-521, which ring lacks; as many are rcgen's, for tests, half of them never built.
    // Two read the bytes of a terminal, three run commands in pods.
    assert!(lock.matches("[[package]]").count() <= 361, "the lock file grows");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Rust files at or below a path, sorted.
fn sources(path: &Path) -> Vec<PathBuf> {
    let mut files = files(path);
    files.retain(|file| file.extension().is_some_and(|suffix| suffix == "rs"));
    assert!(!files.is_empty(), "{} is gone", path.display());
    files
}

/// Files at or below a path, sorted; links and what builds leave are passed over.
fn files(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if path.is_symlink() || ["target", ".git"].contains(&name.as_str()) {
        return Vec::new();
    }
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().flat_map(|path| files(path)).collect()
}

/// What every module of the crate names; read once.
fn modules() -> &'static names::Modules {
    static MODULES: LazyLock<names::Modules> =
        LazyLock::new(|| names::Modules::read(&root().join("src"), &dependencies()));
    &MODULES
}

/// Crates that the manifest lists, as code writes them.
fn dependencies() -> Vec<String> {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let mut tables = vec![&manifest["dependencies"]];
    if let Some(toml::Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(|target| target.get("dependencies")));
    }
    let names = tables.into_iter().filter_map(toml::Value::as_table).flat_map(|table| table.keys());
    names.map(|name| name.replace('-', "_")).collect()
}
