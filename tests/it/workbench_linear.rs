//! The workbench as lines: a pipe gives the commands, or a person at a real terminal does.

use crate::sandbox::Sandbox;

/// What is answered to lines.
fn lines(arguments: &[&str], typed: &str) -> String {
    let sandbox = Sandbox::new();
    let arguments: Vec<&str> = ["--demo", "tui", "--linear"].iter().chain(arguments).copied().collect();
    let run = sandbox.aicr_with(&arguments, typed);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(!run.stdout.contains('\x1b'), "{}", run.stdout);
    run.stdout
}

#[track_caller]
fn in_order(text: &str, expected: &[&str]) {
    let mut rest = text;
    for part in expected {
        let at = rest.find(part).unwrap_or_else(|| panic!("`{part}` does not come in its turn in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn rows_are_listed_chosen_by_number_and_opened() {
    let text = lines(&[], "list\n2\nfilter worker\nlist\nfilter\npanel components\nlist\nscreens\nwhere\nquit\n");
    in_order(
        &text,
        &[
            "cluster: demo, DEMO, fresh",
            "Cluster: nodes",
            "Cluster, nodes> ",
            "1. ",
            "row 2",
            "NAME: ",
            "hidden by worker",
            "1. worker",
            "no filter",
            "Cluster: components",
            "1. ",
            "2. Recipe: what the cluster should run",
            "Cluster: components",
        ],
    );
}

#[test]
fn a_recipe_its_ladder_and_its_document_are_read() {
    let typed = "recipe service=kind accelerator=a100\nvalue components.gpu-operator.values.driver.enabled\npanel ladder\n\
                 list\nraw\nmore\nscreen diff\ndiff cluster\nlist\nquit\n";
    let text = lines(&[], typed);
    in_order(
        &text,
        &[
            "Recipe: ",
            "Recipe: ladder components.gpu-operator.values.driver.enabled",
            "because kind (service=kind) at overlays/kind.yaml:15 hides",
            "1. ",
            "recipe",
            "apiVersion:",
            "more lines; `more` reads on",
            "Diff",
            "1. ",
        ],
    );
}

#[test]
fn a_run_is_asked_for_followed_and_counted() {
    let typed = "recipe service=kind accelerator=a100\nscreen validate\nrun\n1\nrun\n2\nwait\nlist\nquit\n";
    let text = lines(&[], typed);
    in_order(
        &text,
        &[
            "run ",
            "1: Cancel",
            "2: Run",
            "1: Cancel",
            "2: Run",
            "has started",
            ": running",
            ": pass",
            "the run has ended: ",
        ],
    );
}

#[test]
fn unknown_words_and_read_only_are_answered() {
    let text = lines(&["--read-only", "--screen", "validate"], "frobnicate\nrun\n99\nhelp\nactions\nquit\n");
    in_order(
        &text,
        &[
            "Validate, phases and checks, read-only> ",
            "unknown command `frobnicate`; `help` lists what can be typed",
            "read-only: this would change the cluster",
            "there are ",
            "list [NUMBER]: read the rows",
            "move-down: one row down",
        ],
    );
    // No box, no bar, no sign that a reader cannot say.
    let odd: String = text.chars().filter(|sign| !sign.is_ascii()).collect();
    assert_eq!(odd, "", "{text}");
}

#[test]
fn the_end_of_the_lines_leaves() {
    assert!(lines(&[], "where\n").ends_with("> "));
}
