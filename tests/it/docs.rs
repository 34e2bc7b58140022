//! The pages of `docs/`: every command runs, the reference is made from the program.

use crate::{readme, sandbox::Sandbox};
use aicr::workbench::{keymap::Keymap, linear, overlay::COMMANDS, preferences};
use std::{fs, path::PathBuf};

fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs")
}

#[test]
fn every_command_of_the_pages_prints_what_they_show() {
    for (page, least) in [("tutorial.md", 6), ("how-to.md", 9), ("explanation.md", 1)] {
        readme::prints_what_is_shown(&format!("docs/{page}"), least);
        // Anything else in a block would not be run.
        let text = fs::read_to_string(docs().join(page)).unwrap();
        let other = text.lines().find(|line| line.starts_with("```") && !["```", "```console"].contains(line));
        assert_eq!(other, None, "{page}");
    }
}

/// What the workbench promises names its tests, and each of them is one.
#[test]
fn every_test_that_the_page_on_the_interface_names_exists() {
    fn sources(folder: &std::path::Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    for folder in ["src", "tests/it"] {
        sources(&root.join(folder), &mut all);
    }
    let page = fs::read_to_string(docs().join("interface.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() > 20, "{page}");
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [part, state, shown, missing] = cells[..] else { panic!("four cells: {row}") };
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        assert!(!part.is_empty() && !named.is_empty(), "{row}");
        match state {
            "measured" => continue,
            "done" | "mostly" => assert!(state == "done" || !missing.is_empty(), "what is missing? {row}"),
            other => panic!("{other} is not a state: {row}"),
        }
        for name in named {
            let is_test = all.split("#[test]").chain(all.split("#[tokio::test")).skip(1).any(|after| {
                let after = after.split("fn ").nth(1).unwrap_or_default();
                after.strip_prefix(name).is_some_and(|rest| rest.starts_with('('))
            });
            assert!(is_test, "no test is called `{name}`: {row}");
        }
    }
}

/// Everything that has a name in the workbench.
fn reference() -> String {
    let mut text = String::from(
        "# Reference\n\nMade from the program by a test; `INSTA_UPDATE=always cargo test --test it docs` rewrites it. \
         Verbs and\ntheir flags: `aicr VERB --help`, or the manual pages.\n",
    );
    let help = Sandbox::new().aicr(&["-h"]).stdout;
    let verbs = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    text.push_str(&format!("\n## Verbs\n\n```text\n{verbs}\n```\n"));
    text.push_str(&format!("\n## Keys\n\n{}", Keymap::default().markdown()));
    let cell = |text: &str| text.replace('|', "\\|");
    let row = |word: &str, help: &str| format!("| `{}` | {} |\n", cell(word), cell(help));
    text.push_str("\n## Commands of the palette\n\n| command | what it does |\n| --- | --- |\n");
    for (word, arguments, help) in COMMANDS {
        text.push_str(&row(format!("{word} {arguments}").trim(), help));
    }
    text.push_str("\n## Words of `--linear`\n\nBesides the commands of the palette and the names of actions.\n\n");
    text.push_str("| word | what it does |\n| --- | --- |\n");
    for (word, help) in linear::WORDS {
        text.push_str(&row(word, help));
    }
    text.push_str(&format!("\n## Preferences\n\n```toml\n{}```\n", preferences::template()));
    text
}

#[test]
fn the_reference_is_what_the_program_says() {
    is_current("reference.md", &reference());
}

#[test]
fn the_schema_of_preferences_is_what_the_program_says() {
    let printed = Sandbox::new().aicr(&["preferences", "schema"]);
    assert_eq!(printed.code, 0, "{}", printed.transcript);
    is_current("config.schema.json", &printed.stdout);
}

#[track_caller]
fn is_current(page: &str, made: &str) {
    let path = docs().join(page);
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, made).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "docs/{page} is old: INSTA_UPDATE=always cargo test --test it docs rewrites it");
}
