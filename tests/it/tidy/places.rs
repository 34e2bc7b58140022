//! ARCHITECTURE.md, "Where a new thing goes", walked: for one member of each kind, every file that names it.
//!
//! `cargo test --test it places -- --nocapture` prints them.

use super::{modules, root, sources};
use std::{collections::BTreeSet, fs};

/// One kind of the table and a member that exists.
struct Kind {
    /// As the first column has it.
    name: &'static str,
    /// The file that the member has for itself; none where it is a row of the registry.
    own: Option<&'static str>,
    registry: &'static str,
    /// A module or a variant, by its path.
    paths: &'static [&'static str],
    /// A text literal.
    literal: Option<&'static str>,
}

const KINDS: &[Kind] = &[
    Kind {
        name: "overlay, mixin, component",
        own: Some("catalog/overlays/h100-eks-training.yaml"),
        registry: "",
        paths: &[],
        literal: Some("h100-eks-training"),
    },
    Kind { name: "accelerator", own: None, registry: "src/accelerators.rs", paths: &[], literal: Some("gb200") },
    Kind {
        name: "collector",
        own: Some("src/cluster/collect/policy.rs"),
        registry: "src/cluster/collect/mod.rs",
        paths: &["crate::cluster::collect::policy"],
        literal: None,
    },
    Kind {
        name: "check",
        own: Some("src/validate/checks/platform_health.rs"),
        registry: "src/validate/checks/mod.rs",
        paths: &["crate::validate::checks::platform_health"],
        literal: Some("platform-health"),
    },
    Kind {
        name: "verb",
        own: Some("src/cli/completions.rs"),
        registry: "src/cli/mod.rs",
        paths: &["crate::cli::completions", "crate::cli::Command::Completions"],
        literal: None,
    },
    Kind {
        name: "pane",
        own: Some("src/workbench/panes/constraints.rs"),
        registry: "src/workbench/panes/mod.rs",
        paths: &["crate::workbench::panes::constraints", "crate::workbench::panes::PaneId::Constraints"],
        literal: None,
    },
    Kind {
        name: "deployer",
        own: Some("src/bundle/deployer/helmfile.rs"),
        registry: "src/bundle/deployer/mod.rs",
        paths: &["crate::bundle::deployer::helmfile"],
        literal: None,
    },
    Kind {
        name: "output format",
        own: Some("src/report/junit.rs"),
        registry: "src/report/mod.rs",
        paths: &["crate::report::junit"],
        literal: Some("junit"),
    },
    Kind {
        name: "key",
        own: None,
        registry: "src/workbench/keymap.rs",
        paths: &["crate::workbench::keymap::Action::Export"],
        literal: None,
    },
    Kind {
        name: "theme",
        own: Some("themes/high-contrast.toml"),
        registry: "",
        paths: &[],
        literal: Some("high-contrast"),
    },
];

#[test]
fn a_new_thing_touches_no_more_files_than_the_table_says() {
    let table = table();
    let mut wrong = Vec::new();
    for kind in KINDS {
        let Some(stated) = table.iter().find(|(name, _)| name == kind.name).map(|(_, files)| *files) else {
            wrong.push(format!("ARCHITECTURE.md has no row `{}`", kind.name));
            continue;
        };
        let files = naming(kind);
        println!("{}: {}", kind.name, files.iter().map(String::as_str).collect::<Vec<_>>().join(" "));
        if files.len() > stated {
            wrong.push(format!("{}: the table says {stated} files, but {files:?} name one", kind.name));
        }
    }
    let unwalked = table.iter().filter(|(name, _)| !KINDS.iter().any(|kind| kind.name == name));
    wrong.extend(unwalked.map(|(name, _)| format!("row `{name}` is not walked")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files that somebody would touch who adds one: its own, the registry, and every other that names the member.
fn naming(kind: &Kind) -> BTreeSet<String> {
    let known = kind.own.into_iter().chain(Some(kind.registry).filter(|file| !file.is_empty()));
    let mut files: BTreeSet<String> = known.map(str::to_owned).collect();
    for file in &files {
        assert!(root().join(file).exists(), "{file}, the example of `{}`, does not exist", kind.name);
    }
    for name in modules().names() {
        let path = name.path.join("::");
        let is_named = |member: &&str| path == **member || path.starts_with(&format!("{member}::"));
        if kind.paths.iter().any(is_named) {
            files.insert(name.file.clone());
        }
    }
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let quoted = kind.literal.map(|literal| format!("\"{literal}\""));
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        if quoted.is_some_and(|quoted| code.lines().filter(is_code).any(|line| line.contains(&quoted))) {
            files.insert(file.strip_prefix(root()).unwrap().to_string_lossy().into_owned());
        }
    }
    files
}

/// Kind and number of files of each row.
fn table() -> Vec<(String, usize)> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let section = text.split("## Where a new thing goes").nth(1).expect("the section");
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    let number = |row: &[String]| row.last().and_then(|cell| cell.parse().ok());
    rows.iter().map(|row| (row[0].clone(), number(row).unwrap_or_else(|| panic!("{row:?} has no number")))).collect()
}
