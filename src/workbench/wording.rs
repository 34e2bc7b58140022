//! Failures in the words of the workbench.
//!
//! In: a failure whose sentences name options as the command line does, `--os cos`. Out: the same with what a person writes or
//! does here: `os=cos` behind a command. An option that has no counterpart here is quoted as part of a command line, because
//! that is where it can be given. Text in backticks is quoted already and stays.

use crate::{
    criteria::Dimension,
    ops::Failure,
    recipe::configuration::{INVENTORY_MODES, SLURM_MODES},
    settings,
};
use std::borrow::Cow;

/// Phrases that say something else here than on the command line, longest first.
const PHRASES: [(&str, &str); 6] = [
    ("; --lenient resolves without what is not honored", ""),
    (", or resolve with --lenient, without what is not honored", ""),
    ("--lenient resolves without what is not honored", "leave out a criterion that is not honored"),
    (", or --snapshot", ", or open a snapshot"),
    ("--output", "path"),
    ("--context", "the command `context`"),
];

/// The verb of an option that only the command line has. Others belong to all verbs.
const VERBS: [(&str, &str); 17] = [
    ("accelerated-node-selector", "bundle"),
    ("allow-changed", "deploy"),
    ("api-version", "recipe"),
    ("app-name", "bundle"),
    ("delete-pvcs", "deploy"),
    ("deployer", "bundle"),
    ("dynamic", "bundle"),
    ("helm", "deploy"),
    ("in-process", "validate"),
    ("no-cluster", "validate"),
    ("phase", "validate"),
    ("plan", "validate"),
    ("repo", "bundle"),
    ("set", "bundle"),
    ("set-file", "bundle"),
    ("set-json", "bundle"),
    ("skip-preflight", "deploy"),
];

/// The failure as it is said here.
pub fn here(failure: Failure) -> Failure {
    let why = failure.why();
    let said = in_words(&why);
    let doing = in_words(&failure.doing).into_owned();
    let hint = failure.hint.as_deref().map(|hint| in_words(hint).into_owned());
    let hint = hint.filter(|hint| !hint.is_empty());
    if said == why {
        return Failure { doing, hint, ..failure };
    }
    // Its source has the words of the command line.
    Failure { doing, hint, because: said.into_owned(), cause: None, ..failure }
}

/// A sentence without options of the command line, but for those that are quoted as part of one.
pub fn in_words(text: &str) -> Cow<'_, str> {
    if !text.contains("--") {
        return text.into();
    }
    let mut said = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at > 0 {
            said.push('`');
        }
        match at % 2 {
            0 => said += &plain(part),
            _ => said += part,
        }
    }
    said.into()
}

/// The same of what is not quoted.
fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for (option, here) in PHRASES {
        if let Some(at) = text.find(option)
            && !text[at + option.len()..].starts_with(is_of_name)
        {
            text.replace_range(at..at + option.len(), here);
        }
    }
    let mut said = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("--") {
        let (before, option) = rest.split_at(at);
        said += before;
        let name = option[2..].split(|c| !is_of_name(c)).next().unwrap_or_default();
        let is_option = name.starts_with(|c: char| c.is_ascii_lowercase()) && !before.ends_with(is_of_name);
        let length = match is_option {
            false => {
                said += "--";
                2
            }
            true => {
                let (written, length) = option_here(name, &option[2 + name.len()..]);
                said += &written;
                2 + name.len() + length
            }
        };
        rest = &option[length..];
    }
    said + rest
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// An option as it is written here, and how much of what is behind it that takes.
fn option_here(name: &str, behind: &str) -> (String, usize) {
    let is_criterion = name == "profile"
        || settings::FLAGS.contains(&name)
        || Dimension::ALL.iter().any(|dimension| dimension.name() == name);
    match VERBS.iter().find(|(known, _)| *known == name) {
        _ if is_criterion => match value(behind) {
            Some(value) => (format!("{name}={value}"), 1 + value.len()),
            None => (name.to_owned(), 0),
        },
        Some((_, verb)) => (format!("`aicr {verb} --{name}`"), 0),
        None => (format!("`aicr --{name}`"), 0),
    }
}

/// The value of an option, as opposed to the next word of the sentence: one that can be nothing else, or the last word.
fn value(behind: &str) -> Option<&str> {
    let rest = behind.strip_prefix(' ')?;
    let word = rest.split([' ', ',', ';']).next().filter(|word| !word.is_empty())?;
    let is_mode = INVENTORY_MODES.contains(&word) || SLURM_MODES.contains(&word);
    let is_last = !rest[word.len()..].starts_with(' ');
    // The eight networks of a machine are one value.
    let many = || rest.split(' ').next().unwrap_or(word);
    if word.contains('=') { Some(many()) } else { (is_mode || is_last).then_some(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        criteria::{ProfileChoice, StatedBy},
        ops::{Kind, place},
        recipe::{ConfigurationError, Locked},
        resolve::{Coverage, LeftOut, ResolveError, profile::ProfileError},
    };

    #[test]
    fn options_are_said_as_they_are_written_here() {
        for (flags, words) in [
            ("add --os cos", "add os=cos"),
            ("add one of --os cos, --os ubuntu", "add one of os=cos, os=ubuntu"),
            ("--runtime-inventory enabled is for service=gke", "runtime-inventory=enabled is for service=gke"),
            ("--slurm-accounting-mode is for a component", "slurm-accounting-mode is for a component"),
            ("choose --profile gpuStack=own, gpuStack=x", "choose profile=gpuStack=own, gpuStack=x"),
            ("add --gke-tcpxo-interfaces eth1=N,…,eth8=N", "add gke-tcpxo-interfaces=eth1=N,…,eth8=N"),
            ("leave out --profile, or state more", "leave out profile, or state more"),
            ("create it first, or choose another --output", "create it first, or choose another path"),
            ("name a file with --kubeconfig", "name a file with `aicr --kubeconfig`"),
            ("use --skip-preflight", "use `aicr deploy --skip-preflight`"),
            ("choose one with --context", "choose one with the command `context`"),
            ("--lenient resolves without what is not honored", "leave out a criterion that is not honored"),
            ("nearest: a; --lenient resolves without what is not honored", "nearest: a"),
            ("`aicr recipe --os cos` resolves it", "`aicr recipe --os cos` resolves it"),
            ("two -- dashes and a--b", "two -- dashes and a--b"),
            ("no options", "no options"),
        ] {
            assert_eq!(in_words(flags), words);
        }
    }

    /// Outside of what is quoted.
    #[track_caller]
    fn names_no_option(failure: Failure) {
        let shown = here(failure).to_string();
        let plain: String = shown.split('`').step_by(2).collect();
        assert!(!plain.contains("--"), "{shown}");
        let quoted = shown.split('`').skip(1).step_by(2).filter(|text| text.contains("--"));
        quoted.for_each(|text| assert!(text.starts_with("aicr "), "{shown}"));
    }

    #[test]
    fn why_there_is_no_recipe_names_no_option() {
        let text = || "x".to_owned();
        let choice = || ProfileChoice { name: text(), value: text() };
        let coverage = |nearest: &[&str], excluded: bool| {
            let nearest: Vec<String> = nearest.iter().map(|text| (*text).to_owned()).collect();
            let excluded = excluded.then(|| LeftOut { overlay: text(), because: text() }).into_iter().collect();
            let (honored_by, completions) = (None, Vec::new());
            let (dimension, by) = (Dimension::Os, StatedBy::Flag);
            Coverage { dimension, value: text(), by, honored_by, completions, nearest, excluded }
        };
        let what = "--gke-tcpxo-interfaces";
        let not_honored = |missing| ResolveError::NotHonored { criteria: Box::default(), missing: vec![missing] };
        for error in [
            ResolveError::NoCriteria,
            ResolveError::OsRequired { service: text(), accelerator: None, valid: vec!["cos".into(), "ubuntu".into()] },
            not_honored(coverage(&[], false)),
            not_honored(coverage(&["service=eks"], false)),
            not_honored(coverage(&[], true)),
            ProfileError::Undeclared(choice()).into(),
            ProfileError::Refuted {
                choice: choice(),
                constraint: text(),
                expected: text(),
                actual: text(),
                others: vec![text()],
            }
            .into(),
            ProfileError::Locked(Locked::Switch {
                component: text(),
                owner: "the profile x".into(),
                flag: "--set-json",
            })
            .into(),
            ConfigurationError::NotFor { what: "--runtime-inventory enabled", wanted: "service=gke", found: text() }
                .into(),
            ConfigurationError::NoComponent { what, component: "x" }.into(),
            ConfigurationError::InterfacesNeeded.into(),
        ] {
            let hint = error.hint();
            names_no_option(Failure { hint, ..Failure::from_error(Kind::Usage, "resolve a recipe", error) });
        }
    }

    #[test]
    fn why_nothing_is_written_names_no_option() {
        use std::io::ErrorKind as K;
        for kind in [
            K::NotFound,
            K::IsADirectory,
            K::NotADirectory,
            K::PermissionDenied,
            K::ReadOnlyFilesystem,
            K::AlreadyExists,
            K::StorageFull,
            K::QuotaExceeded,
            K::Other,
        ] {
            names_no_option(place::unwritable("/nosuchdir/a.yaml", kind.into()));
            names_no_option(place::unprintable(kind.into()));
        }
    }

    #[test]
    fn a_failure_without_options_keeps_its_source() {
        let error = std::io::Error::other("the disk is full");
        let failure = Failure::from_error(Kind::Internal, "write x", error).hint("choose another --output");
        let here = here(failure.clone());
        assert_eq!((here.because, here.hint.as_deref()), (failure.because.clone(), Some("choose another path")));
        assert!(here.cause.is_some());
    }
}
