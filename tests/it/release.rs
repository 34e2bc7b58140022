//! What a person installs: the archive of a release, the plugin manifest, and what the binary carries inside.

use crate::sandbox::Sandbox;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

fn script(arguments: &[&str], folder: &Path) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/release");
    Command::new("bash").arg(script).args(arguments).env("HOME", folder).output().unwrap()
}

/// A program that runs the one under test; packing its hundreds of megabytes would prove nothing more.
fn program(folder: &Path) -> String {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_aicr"))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn an_archive_has_all_that_is_installed_and_its_checksum_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (out, again) = (folder.path().join("out"), folder.path().join("again"));
    let binary = program(folder.path());
    let target = "x86_64-unknown-linux-musl";
    for out in [&out, &again] {
        let made =
            script(&["--binary", &binary, "--target", target, "--out", &out.display().to_string()], folder.path());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("aicr-{version}-{target}");
    let archive = out.join(format!("{name}.tar.gz"));
    assert_eq!(
        fs::read(&archive).unwrap(),
        fs::read(again.join(format!("{name}.tar.gz"))).unwrap(),
        "not reproducible"
    );
    let listed = Command::new("tar").arg("-tzf").arg(&archive).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for file in [
        "aicr",
        "kubectl-aicr",
        "LICENSE",
        "README.md",
        "completions/aicr.bash",
        "completions/_aicr",
        "completions/aicr.fish",
        "man/man1/aicr.1",
    ] {
        assert!(listed.lines().any(|line| line == format!("{name}/{file}")), "{file} is not in\n{listed}");
    }
    // A page for each verb that help lists.
    let help = Sandbox::new().aicr(&["-h"]).stdout;
    let listed_verbs = help.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    // A long sentence goes on in a line of its own.
    let verbs = listed_verbs.filter(|line| !line.starts_with("   "));
    let verbs: Vec<&str> =
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    for verb in verbs {
        assert!(listed.contains(&format!("man/man1/aicr-{verb}.1")), "{verb} has no page in\n{listed}");
    }
    let checked = Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(&out).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    // The manifest names the archive by the same sum.
    let manifest = fs::read_to_string(out.join("krew-aicr.yaml")).unwrap();
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap();
    let sum = sums.split_whitespace().next().unwrap();
    assert!(manifest.contains(&format!("sha256: {sum}")) && manifest.contains("arch: amd64"), "{manifest}");
    let formula = fs::read_to_string(out.join("aicr.rb")).unwrap();
    let of_intel = format!(
        "  on_intel do\n    url \"https://example.com/aicr/releases/v{version}/{name}.tar.gz\"\n    sha256 \"{sum}\"\n"
    );
    assert!(formula.contains(&of_intel) && !formula.contains("on_arm"), "{formula}");
    // What it installs is in the archive.
    for file in formula.split('"').filter(|word| word.starts_with("completions/") || *word == "aicr") {
        assert!(listed.lines().any(|line| line == format!("{name}/{file}")), "{file} is not in\n{listed}");
    }
}

#[test]
fn the_plugin_runs_under_the_name_that_kubectl_looks_for() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-aicr");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_aicr"), &plugin).unwrap();
    let ran =
        Command::new(&plugin).args(["--demo", "snapshot"]).env_clear().env("HOME", folder.path()).output().unwrap();
    assert!(ran.status.success() && String::from_utf8_lossy(&ran.stdout).contains("kind: Snapshot"));
}

#[test]
fn wrong_flags_of_the_script_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, said) in [(&["--binary", "x"][..], "--binary needs --target"), (&["--frobnicate"], "unknown flag")]
    {
        let ran = script(arguments, folder.path());
        assert_eq!(ran.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ran.stderr).contains(said));
    }
}

/// A binary that `cargo install` has put somewhere has no files beside it.
#[test]
fn a_binary_alone_has_its_catalog_and_its_themes() {
    let sandbox = Sandbox::new();
    let alone = sandbox.home().join("bin/aicr");
    fs::create_dir_all(alone.parent().unwrap()).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_aicr"), &alone).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&alone);
        command.args(arguments).current_dir(sandbox.home()).env_clear().env("HOME", sandbox.home());
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    };
    assert!(run(&["recipe", "--service", "kind", "--accelerator", "a100"]).contains("gpu-operator"));
    let themes = run(&["preferences", "themes"]);
    let embedded = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/themes")).unwrap().count();
    assert_eq!(themes.lines().count(), embedded + 1, "{themes}");
}
