//! What ARCHITECTURE.md says is absent, is absent.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Modules that are functions from values to values.
const CORE: [&str; 12] = [
    "yaml",
    "snapshot",
    "fingerprint.rs",
    "criteria.rs",
    "catalog",
    "constraint",
    "resolve",
    "recipe",
    "diff",
    "bundle",
    "validate",
    "report",
];

/// What only edges and consumers may name: the world, and everything above the core. Threads that end before their function
/// does are no world: they change how long it takes, not what it says.
const WORLD: [&str; 19] = [
    "kube::",
    "k8s_openapi",
    "tokio",
    "ratatui",
    "crossterm",
    "std::fs",
    "std::env",
    "std::io",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant",
    "Timestamp::now",
    "println!",
    "print!(",
    "crate::cluster",
    "crate::store",
    "crate::ops",
    "crate::term",
];

#[test]
fn the_core_knows_no_world() {
    for module in CORE {
        for file in sources(&root().join("src").join(module)) {
            let code = code(&file);
            for word in WORLD.iter().chain(&["crate::cli", "crate::workbench"]) {
                assert!(!code.contains(word), "{} names `{word}`", file.display());
            }
        }
    }
}

#[test]
fn layers_look_down_only() {
    let above: [(&str, &[&str]); 6] = [
        ("cluster", &["crate::store", "crate::ops", "crate::term", "crate::cli", "crate::workbench"]),
        (
            "store",
            &["crate::cluster", "crate::ops", "crate::term", "crate::cli", "crate::workbench", "tokio", "kube::"],
        ),
        ("term", &["crate::cluster", "crate::store", "crate::ops", "crate::cli", "crate::workbench", "kube::"]),
        ("ops", &["crate::term", "crate::cli", "crate::workbench", "ratatui", "crossterm", "clap"]),
        ("workbench", &["crate::cli", "clap", "kube::", "k8s_openapi"]),
        ("cli", &["kube::", "k8s_openapi", "serde_yaml"]),
    ];
    for (module, forbidden) in above {
        for file in sources(&root().join("src").join(module)) {
            let code = code(&file);
            for word in forbidden {
                assert!(!code.contains(word), "{} names `{word}`", file.display());
            }
        }
    }
}

#[test]
fn a_dependency_that_may_be_swapped_is_named_in_one_place() {
    for (dependency, home) in [
        ("serde_yaml", "src/yaml/read.rs"),
        ("similar::", "src/diff/text.rs"),
        ("include_dir", "src/store/embedded.rs"),
    ] {
        for file in sources(&root().join("src")) {
            let named = code(&file).contains(dependency);
            assert!(!named || file.ends_with(home), "{} names `{dependency}`, whose place is {home}", file.display());
        }
    }
}

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

#[test]
fn the_map_fits_two_screens() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= 100, "ARCHITECTURE.md has {} lines", text.lines().count());
    for module in CORE.iter().chain(&["cluster", "store", "term", "ops", "cli", "workbench"]) {
        assert!(text.contains(module), "ARCHITECTURE.md does not mention {module}");
    }
}

#[test]
fn nothing_in_the_tree_knows_one_machine() {
    let homes = [" /root/", "\"/root/", "=/root/", "/home/", "/Users/"];
    for file in files(&root()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        // Catalog files speak of the nodes of a cluster, where such folders are facts.
        if file.ends_with("tests/it/tidy.rs") || file.starts_with(root().join("catalog")) {
            continue;
        }
        for home in homes {
            assert!(!text.contains(home), "{} names a folder of one machine ({home})", file.display());
        }
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    assert!(lock.lines().filter(|line| line.starts_with("source = ")).all(|line| line == public));
    assert!(lock.matches("[[package]]").count() <= 330, "the lock file grows");
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

/// A file's code: without comments, and without the tests at its end, which may read and print.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}
