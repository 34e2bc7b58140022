//! The command line that a plan in the workbench names, given to a shell.

use super::sandbox::Sandbox;
use std::{path::Path, process::Command};

/// Rows of the question in a frame, without its border.
fn question(frame: &str) -> Vec<String> {
    let inside = |line: &str| Some(line.split('┃').rev().nth(1)?.trim_end().to_owned());
    let rows: Vec<String> = frame.lines().filter_map(inside).map(|row| row.trim_start().to_owned()).collect();
    let begin = rows.iter().position(|row| row.starts_with("cluster ")).unwrap_or_else(|| panic!("no plan: {frame}"));
    rows[begin..].to_vec()
}

/// The line, which a question breaks where it ends.
fn command_line(rows: &[String]) -> String {
    let begin = rows.iter().position(|row| row.starts_with("command ")).unwrap_or_else(|| panic!("no line: {rows:?}"));
    let parts: Vec<&str> = rows[begin..].iter().map(|row| row.trim()).take_while(|row| !row.is_empty()).collect();
    parts.join(" ").trim_start_matches("command").trim_start().to_owned()
}

/// What tells one plan from another: who is asked, for what, and which checks in which order.
fn told(lines: &[String]) -> Vec<String> {
    let starts = ["cluster ", "recipe ", "namespace ", "checks ", "stops "];
    let is_check = |line: &str| line.contains("at most ") && line.contains("then given up");
    let head = lines.iter().position(|line| line.trim().is_empty()).unwrap_or(lines.len());
    lines
        .iter()
        .enumerate()
        .filter(|(at, line)| *at < head && starts.iter().any(|start| line.starts_with(start)) || is_check(line))
        .map(|(_, line)| line)
        // The command line says of which it resolved that it did.
        .map(|line| line.replace("the recipe for ", "").split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Plans in the workbench by these keys, and with the line that it names there.
#[track_caller]
fn check(keys: &str, expected: &str) {
    let sandbox = Sandbox::new();
    sandbox.file("keys", &format!("wait\n{keys}\nwait\ndump plan\n"));
    let run = sandbox.aicr(&["--demo", "tui", "--script", "keys", "--size", "200x70", "--screen", "validate"]);
    assert_eq!(run.code, 0, "{}", run.transcript);
    let rows = question(&run.stdout);
    let line = command_line(&rows);
    assert_eq!(line, expected);
    let folder = Path::new(env!("CARGO_BIN_EXE_aicr")).parent().expect("a folder");
    let done = Command::new("/bin/sh")
        .args(["-c", &format!("{line} --plan")])
        .current_dir(sandbox.home())
        .env_clear()
        .env("HOME", sandbox.home())
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .output()
        .expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{line}\n{err}");
    let planned: Vec<String> = out.lines().map(str::to_owned).collect();
    let (shown, planned) = (told(&rows), told(&planned));
    assert!(shown.len() > 4 && planned.starts_with(&shown[..4]), "{line}\n{shown:#?}\n{planned:#?}");
    // The question may be longer than the screen.
    assert!(planned.starts_with(&shown), "{line}\n{shown:#?}\n{planned:#?}");
}

#[test]
fn the_command_line_in_a_plan_of_the_workbench_plans_the_same() {
    check("r", "aicr validate --demo --namespace aicr-validation");
}

#[test]
fn the_command_line_of_a_row_with_choices_plans_the_same() {
    check(
        "type :recipe service=kind accelerator=a100\nEnter\nwait\n4\ntype :skip dra-support\nEnter\ntype :step\nEnter\nG\nr",
        "aicr validate --demo --service kind --accelerator a100 --os any --intent any --platform any --nodes any \
         --namespace aicr-validation --check ai-service-metrics --skip-check dra-support --step=phases",
    );
}
