//! How sentences are written: American spelling everywhere, and no private vocabulary where a person reads.

use super::{files, root, sources};
use proc_macro2::{TokenStream, TokenTree};
use std::fs;

/// Beginnings of words as they are not written here.
const BRITISH: [&str; 9] =
    ["judgem", "labell", "neighbou", "behaviou", "colou", "honou", "cancell", "catalogu", "favou"];

/// Words of other libraries.
const ALLOWED: [&str; 3] = ["cancellation", "cancellable", "CancellationToken"];

/// Words that say nothing to whoever has not written this program.
const PRIVATE: [&str; 6] = ["anew", "nobody", "beside", "stands", "thereof", "told"];

#[test]
fn spelling_is_american() {
    let mut wrong = Vec::new();
    for file in files(&root()) {
        let is_text = file
            .extension()
            .is_some_and(|suffix| ["rs", "md", "toml", "yaml", "snap"].iter().any(|known| suffix == *known));
        if !is_text || file.ends_with("tests/it/tidy/language.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = british(line) {
                wrong.push(format!("{}:{}: {word}", file.strip_prefix(root()).unwrap().display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first word of a line that is not spelled as here.
fn british(line: &str) -> Option<&str> {
    let words = line.split(|letter: char| !letter.is_ascii_alphabetic());
    let lower = |word: &str| word.to_ascii_lowercase();
    words
        .filter(|word| !ALLOWED.iter().any(|allowed| lower(word).starts_with(&lower(allowed))))
        .find(|word| BRITISH.iter().any(|start| lower(word).contains(start)))
}

#[test]
fn sentences_for_people_have_no_private_words() {
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for literal in literals(text.split("#[cfg(test)]").next().unwrap_or_default()) {
            if let Some(word) = private(&literal) {
                wrong.push(format!("{}: `{word}` in {literal}", file.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    for page in
        ["README.md", "docs/deploy.md", "docs/explanation.md", "docs/faults.md", "docs/how-to.md", "docs/tutorial.md"]
    {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for (number, line) in text.lines().enumerate() {
            wrong.extend(private(line).map(|word| format!("{page}:{}: `{word}`", number + 1)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn private(literal: &str) -> Option<&str> {
    let mut words = literal.split(|letter: char| !letter.is_ascii_alphabetic());
    words.find(|word| PRIVATE.contains(word))
}

/// The text literals of a file, those in macros too; doc comments are not among them.
fn literals(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect();
    let mut found = Vec::new();
    collect(code.parse().unwrap_or_default(), &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect(group.stream(), found),
            TokenTree::Literal(literal) if literal.to_string().contains('"') => found.push(literal.to_string()),
            _ => {}
        }
    }
}

#[test]
fn both_rules_find_what_they_look_for() {
    assert_eq!(british("let unlabelled = 1;"), Some("unlabelled"));
    assert_eq!(british("a CancellationToken of tokio_util"), None);
    let found = literals("fn f() {\n    // \"anew\"\n    say!(\"it {} anew\", 1);\n}\n");
    assert_eq!(found, ["\"it {} anew\""]);
    assert_eq!(private(&found[0]), Some("anew"));
}
