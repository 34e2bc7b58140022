//! What a command line of the reference may ask for and this program does not have: one sentence each.
//!
//! clap would answer with the word of ours that looks nearest (`verify`: "a similar subcommand exists: 'query'"), which
//! sends people the wrong way.

use super::misuse;
use crate::ops::Failure;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// A word of the reference, what is said about it, and what to do instead.
struct Lacking {
    word: &'static str,
    because: &'static str,
    hint: &'static str,
}

const fn row(word: &'static str, because: &'static str, hint: &'static str) -> Lacking {
    Lacking { word, because, hint }
}

const SIGNED: &str = "use the reference's aicr for signatures";

static VERBS: &[Lacking] = &[
    row("evidence", "this version does not write, sign or verify evidence", SIGNED),
    row(
        "mirror",
        "this version does not list the images and charts of a mirror",
        "`aicr recipe -t table` lists the charts with their versions and sources",
    ),
    row("trust", "this version does not verify signatures, so it keeps no trusted root", SIGNED),
    row("skill", "this version has no skill for coding agents", "`aicr --help` and `aicr man` describe every command"),
    row(
        "verify-catalog",
        "the catalog of this program is not signed",
        "`aicr catalog digest` prints the digest over every catalog file, and every recipe carries it",
    ),
    row("sign-catalog", "this version does not sign catalogs", "`aicr catalog digest` prints the digest to sign"),
    row("version", "the version is an option, not a command", "run `aicr --version`"),
];

const NO_EVIDENCE: &str = "this version does not write or sign evidence";
const REPORT: &str = "`aicr validate -o FILE` writes the CTRF report; the reference's aicr makes evidence";

static FLAGS: &[Lacking] = &[
    row(
        "--template",
        "this version does not fill in Go templates",
        "write the snapshot in YAML format (-t yaml), and fill in the template with another program",
    ),
    row(
        "--add-roles-to-service-account",
        "a snapshot is read with the rights of the kubeconfig, so there is no account to give roles to",
        "leave it out",
    ),
    row("--emit-attestation", NO_EVIDENCE, REPORT),
    row("--full", NO_EVIDENCE, REPORT),
    row("--bom", NO_EVIDENCE, REPORT),
    row("--push", NO_EVIDENCE, REPORT),
    row("--no-sign", NO_EVIDENCE, REPORT),
    row("--plain-http", NO_EVIDENCE, REPORT),
    row("--insecure-tls", NO_EVIDENCE, REPORT),
    row("--identity-token", NO_EVIDENCE, REPORT),
    row("--oidc-device-flow", NO_EVIDENCE, REPORT),
    row("--assume-yes", NO_EVIDENCE, REPORT),
    row("--allow-mutable-validator-tags", NO_EVIDENCE, REPORT),
    row("--cncf-submission", NO_EVIDENCE, REPORT),
    row("--feature", NO_EVIDENCE, REPORT),
];

/// The failure for a complaint of clap about a word of the reference; none for any other.
pub fn answer(error: &clap::Error) -> Option<Failure> {
    let (kind, known) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, VERBS),
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, FLAGS),
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(kind) else { return None };
    let Lacking { word, because, hint } = known.iter().find(|lacking| lacking.word == word)?;
    let doing = match kind {
        ContextKind::InvalidArg => format!("honor {word}"),
        _ => format!("run `{word}`"),
    };
    Some(misuse(&doing, because, hint))
}

/// What clap says, in the words that scripts written for the reference look for.
pub fn in_known_words(error: &clap::Error, text: String) -> String {
    let text = text.replace("cannot be used multiple times", "can only be specified once");
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) if argument.starts_with("--phase") => {
            text.replacen("invalid value '", "invalid phase '", 1)
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word that this program learns leaves the table.
    #[test]
    fn no_word_of_the_table_is_known_to_the_command_line() {
        let mut command = crate::cli::command();
        command.build();
        let verbs: Vec<&str> =
            command.get_subcommands().flat_map(clap::Command::get_name_and_visible_aliases).collect();
        assert!(VERBS.iter().all(|lacking| !verbs.contains(&lacking.word)));
        for verb in ["snapshot", "validate"] {
            let verb = command.find_subcommand(verb).expect("a verb");
            for flag in FLAGS.iter().map(|lacking| lacking.word.trim_start_matches('-')) {
                assert!(verb.get_arguments().all(|known| known.get_long() != Some(flag)), "--{flag}");
            }
        }
    }
}
