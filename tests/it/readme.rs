//! The README's tour and the how-to pages, command by command.
//!
//! In a `console` block, a line that starts with `$ ` is run; the lines below it must appear in its output, in order. `…`
//! stands for anything within a line. Commands run in one folder, one after the other.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Commands of a page with the lines that are expected of them.
fn tour(page: &str) -> Vec<(String, Vec<String>)> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("a page");
    let mut steps: Vec<(String, Vec<String>)> = Vec::new();
    let mut within = false;
    for line in readme.lines() {
        match line {
            "```console" => within = true,
            "```" => within = false,
            line if within => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push((command.to_owned(), Vec::new())),
                (None, Some((_, expected))) => expected.push(line.to_owned()),
                (None, None) => panic!("output without a command: {line}"),
            },
            _ => {}
        }
    }
    steps
}

/// Whether a line holds the pieces of a pattern in order: from its start unless that is `…`, to its end unless that is.
fn matches(line: &str, pattern: &str) -> bool {
    let pieces: Vec<&str> = pattern.split('…').collect();
    let mut rest = line;
    for (index, piece) in pieces.iter().enumerate() {
        match rest.find(piece) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + piece.len()..],
            _ => return false,
        }
    }
    pattern.ends_with('…') || rest.is_empty()
}

fn run(command: &str, folder: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_aicr"));
    let path = std::env::join_paths(
        binary
            .parent()
            .map(Path::to_path_buf)
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        // Folders of the person who runs the test are not for what pages keep.
        .env_clear()
        .env("PATH", path.expect("a search path"))
        .env("HOME", folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_tour_prints_what_the_readme_shows() {
    prints_what_is_shown("README.md", 8);
}

#[test]
fn the_page_on_deploys_prints_what_it_shows() {
    prints_what_is_shown("docs/deploy.md", 5);
}

#[track_caller]
pub fn prints_what_is_shown(page: &str, least: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let steps = tour(page);
    assert!(steps.len() > least, "{page} has {} commands", steps.len());
    for (command, expected) in steps {
        let output = run(&command, folder.path());
        let mut lines = output.lines();
        for wanted in &expected {
            assert!(
                lines.any(|line| matches(line, wanted) || matches(line.trim_start(), wanted)),
                "`{command}` does not print (in this order):\n{wanted}\nbut:\n{output}"
            );
        }
    }
}

#[test]
fn the_readme_opens_with_the_two_commands() {
    let readme = include_str!("../../README.md");
    let first: Vec<&str> = readme.lines().take(4).map(|line| line.split('#').next().unwrap_or(line).trim()).collect();
    assert_eq!(first, ["```sh", "cargo run -- --demo", "cargo test", "```"]);
}

#[test]
fn patterns_match_what_differs() {
    assert!(matches("  1.2s  dra-support  pass  ok", "…dra-support  pass…"));
    assert!(matches("a100", "a100") && !matches("a100 x", "a100") && !matches("x a100", "a100"));
}
