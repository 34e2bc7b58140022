//! The workbench as lines: a pipe gives the commands, or a person at a real terminal does.

use crate::sandbox::Sandbox;
use std::{io::Write, process::Stdio};

/// What is answered to lines.
fn lines(arguments: &[&str], typed: &str) -> String {
    let sandbox = Sandbox::new();
    let arguments: Vec<&str> = ["--demo", "tui", "--linear"].iter().chain(arguments).copied().collect();
    let run = sandbox.aicr_with(&arguments, typed);
    assert_eq!(run.code, 0, "{}", run.transcript);
    assert!(!run.stdout.contains('\x1b'), "{}", run.stdout);
    run.stdout
}

/// As `aicr` alone opens the workbench, it takes its options.
#[test]
fn options_of_the_workbench_need_no_verb() {
    let run = Sandbox::new().aicr_with(&["--demo", "--linear", "--fresh", "--screen", "recipe"], "where\nquit\n");
    assert_eq!(run.code, 0, "{}", run.transcript);
    in_order(&run.stdout, &["aicr in lines", "Recipe, resolved values> "]);
    let run = Sandbox::new().aicr(&["--demo", "--fresh", "keys"]);
    assert!(run.code == 2 && run.stderr.contains("unexpected argument '--fresh'"), "{}", run.transcript);
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
fn a_value_that_is_almost_there_is_named() {
    let text = lines(&[], "value components.gpu-operator.values.driver.enabeld\nquit\n");
    in_order(&text, &["is not in resolved values; did you mean components.gpu-operator.values.driver.enabled?"]);
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
            "1: cancel",
            "2: run",
            "1: cancel",
            "2: run",
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

/// What a screen says by where its cursor is.
#[test]
fn what_a_key_selects_or_unfolds_is_read() {
    let typed =
        "recipe service=kind accelerator=a100\npanel resolved values\nright\nmove-down\nleft\nleft\nlast\nquit\n";
    in_order(
        &lines(&[], typed),
        &[
            "Recipe: resolved values",
            "row 2 of ",
            "row 3 of ",
            "row 1 of 23: ",
            "open",
            "row 1 of 11: ",
            "folded",
            "row 11 of 11: ",
        ],
    );
}

#[test]
fn commands_are_completed_and_everything_is_read_again() {
    let text = lines(&["--fault", "forbidden=list:pods"], "complete recipe service=ki\nreload\nsave part.yaml\nquit\n");
    let expected = [
        "palette",
        "recipe service=kind",
        "read again: demo, DEMO, forbidden: list pods",
        "warning: wrote ",
        "part.yaml, which is partial: forbidden: list pods",
    ];
    in_order(&text, &expected);
}

#[test]
fn the_end_of_the_lines_leaves() {
    assert!(lines(&[], "where\n").ends_with("> "));
}

#[test]
fn a_saved_filter_is_there_in_the_next_session() {
    let sandbox = Sandbox::new();
    let lines = |typed: &str| {
        let run = sandbox.aicr_with(&["--demo", "tui", "--linear"], typed);
        assert_eq!(run.code, 0, "{}", run.transcript);
        run.stdout
    };
    in_order(&lines("filter worker\nsave-filter workers\nquit\n"), &["2 hidden by worker", "saved @workers: worker"]);
    let text = lines("filters\nfilter @workers\ndelete-filter workers\nfilters\nquit\n");
    let expected =
        ["filter @workers", "2 hidden by worker", "deleted @workers: worker", "no filter is saved; `save-filter NAME`"];
    in_order(&text, &expected);
    in_order(&lines("filters\nquit\n"), &["no filter is saved"]);
}

/// An answer is read when it is there, and every line has one.
#[test]
fn what_a_command_comes_to_is_read() {
    let typed = "node worker-2\ncompare @last-week @yesterday\nswap\nback\nquit\n";
    let text = lines(&[], typed);
    let expected = [
        "row 4 of 5: worker-2, STATE ready",
        "Compare: A @last-week ",
        " differ, by reading",
        "Compare: A @yesterday ",
        "nothing has changed",
        "Compare, differences> ",
    ];
    in_order(&text, &expected);
}

/// What is taught has to be what can be typed; what is drawn is not read.
#[test]
fn lines_teach_names_and_read_no_pictures() {
    let typed = "screen compare\nlist\nscreen cluster\ntime-bar\npanel time\nlist\nquit\n";
    let text = lines(&[], typed);
    in_order(&text, &["`compare-with` keeps the cluster as it is now as A", "`compare before.yaml` compares a file"]);
    assert!(!text.contains("[ and ]") && !text.contains(",,,,"), "{text}");
    in_order(&text, &["Cluster: time: now", "1. now", "2. "]);
}

/// What a program reads does not depend on where the session before it ended.
#[test]
fn commands_from_a_pipe_begin_at_the_beginning() {
    let sandbox = Sandbox::new();
    let run = |typed: &str| {
        let run = sandbox.aicr_with(&["--demo", "tui", "--linear"], typed);
        assert_eq!(run.code, 0, "{}", run.transcript);
        run.stdout
    };
    let first = run("panel components\nquit\n");
    assert!(first.contains("Cluster: components"), "{first}");
    run("recipe service=eks accelerator=gb200\nscreen validate\nquit\n");
    assert_eq!(run("panel components\nquit\n"), first);
}

#[test]
fn read_only_says_who_has_asked_for_it() {
    let sandbox = Sandbox::new();
    sandbox.file("config/config.toml", "\nread-only = true\n");
    let refused = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let arguments = [&["--demo"], arguments, &["tui", "--linear", "--screen", "validate"]].concat();
        let mut command = sandbox.command(&arguments);
        command.env(
            "AICR_CONFIG_DIR",
            sandbox.home().join(if variable == Some(("FILE", "")) { "config" } else { "none" }),
        );
        command.envs(variable.filter(|(name, _)| *name != "FILE"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"run\nquit\n").unwrap();
        let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let line = text.lines().find(|line| line.contains("read-only: ")).unwrap_or_else(|| panic!("{text}"));
        line.split_once("start without ").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    };
    assert_eq!(refused(&["--read-only"], None), "--read-only to do it");
    assert_eq!(refused(&[], Some(("AICR_READ_ONLY", "1"))), "AICR_READ_ONLY to do it");
    let by_file = refused(&[], Some(("FILE", "")));
    assert!(by_file.starts_with("`read-only` at ") && by_file.ends_with("config.toml:2 to do it"), "{by_file}");
}
