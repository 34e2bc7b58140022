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
    let (path, made) = (docs().join("reference.md"), reference());
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        fs::write(&path, &made).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "docs/reference.md is old: INSTA_UPDATE=always cargo test --test it docs rewrites it");
}
