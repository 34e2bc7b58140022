//! The file of preferences on the command line, and what `--read-only` does there.

use crate::sandbox::{Sandbox, golden};

const FILE: &str =
    "theme = \"light\"\nmouse = false\nstart-screen = \"validate\"\n\n[keys]\npreset = \"emacs\"\nrun = \"Ctrl-T\"\n";

fn sandbox(file: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file(".config/aicr/config.toml", file);
    sandbox
}

#[test]
fn each_value_says_where_it_was_set() {
    golden("preferences_default", &Sandbox::new().aicr(&["preferences"]).transcript);
    golden("preferences_set", &sandbox(FILE).aicr(&["preferences"]).transcript);
    let json = sandbox(FILE).aicr(&["preferences", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let run = rows.as_array().unwrap().iter().find(|row| row["name"] == "keys.run").unwrap();
    assert_eq!(run["value"], "Ctrl-T");
    assert!(run["from"].as_str().unwrap().ends_with("config.toml:7"), "{run}");
}

#[test]
fn a_variable_wins_over_the_file_and_says_so() {
    let sandbox = sandbox(FILE);
    let output = sandbox.command(&["preferences"]).env("AICR_THEME", "mono").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line.split_whitespace().eq(["theme", "mono", "AICR_THEME"])), "{text}");
}

#[test]
fn wrong_lines_are_listed_and_end_with_the_code_of_a_bad_file() {
    let wrong = "them = \"dark\"\nclipboard = \"osc\"\ntheme = \"dusk\"\n[keys]\nmove-dwn = \"x\"\n";
    golden("preferences_wrong", &sandbox(wrong).aicr(&["preferences", "check"]).transcript);
    golden("preferences_not_toml", &sandbox("theme = \"dark\n").aicr(&["preferences", "check"]).transcript);
    assert_eq!(sandbox(FILE).aicr(&["preferences", "check"]).code, 0);
    assert_eq!(Sandbox::new().aicr(&["preferences", "check"]).code, 0);
}

#[test]
fn init_writes_a_file_that_says_nothing_and_asks_before_it_replaces_one() {
    let sandbox = Sandbox::new();
    golden("preferences_init", &sandbox.aicr(&["preferences", "init", "-o", "-"]).transcript);
    assert_eq!(sandbox.aicr(&["preferences", "init"]).code, 0);
    let as_json = sandbox.aicr(&["preferences", "-t", "json"]);
    assert!(as_json.code == 0 && as_json.stdout.starts_with(['[', '{']), "{}", as_json.transcript);
    let checked = sandbox.aicr(&["preferences", "check"]);
    assert!(checked.stderr.contains("has no problems"), "{}", checked.transcript);
    let again = sandbox.aicr(&["preferences", "init"]);
    assert_eq!(again.code, 2, "{}", again.transcript);
    assert_eq!(sandbox.aicr(&["preferences", "init", "--force"]).code, 0);
}

#[test]
fn themes_of_a_person_are_listed_with_what_is_wrong_with_them() {
    let sandbox = Sandbox::new();
    sandbox.file(".config/aicr/themes/mine.toml", "name = \"mine\"\nmode = \"light\"\ninherits = \"light\"\n");
    sandbox.file(".config/aicr/themes/typo.toml", "name = \"typo\"\nmode = \"dark\"\n[roles]\ntxt = \"#000000\"\n");
    sandbox.file(".config/aicr/themes/broken.toml", "name: broken\n");
    let run = sandbox.aicr(&["preferences", "themes"]);
    let text = run.stdout;
    let line =
        |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}")).to_owned();
    assert!(line("mine").ends_with("light"), "{text}");
    assert!(line("typo").ends_with("dark") && line("broken").ends_with(" -"), "{text}");
    let said: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(said.len(), 2, "{}", run.transcript);
    assert!(said[0].contains("theme `broken`: line 1: ") && said[0].ends_with("; it cannot be used"), "{said:?}");
    assert!(said[1].ends_with("theme `typo`: unknown role `txt`; did you mean text?"), "{said:?}");
    assert!(line("high-contrast").ends_with("dark"), "{text}");
}

#[test]
fn a_theme_that_cannot_be_used_keeps_nothing_from_starting() {
    let sandbox = Sandbox::new();
    sandbox.file(".config/aicr/config.toml", "theme = \"mine\"\n");
    sandbox.file(".config/aicr/themes/mine.toml", "name: mine\n");
    let lines = sandbox.aicr_with(&["--demo", "tui", "--linear"], "quit\n");
    assert_eq!(lines.code, 0, "{}", lines.transcript);
    let said = "theme `mine`: line 1: ";
    assert!(lines.stdout.contains(said) && lines.stdout.contains("; the default is used"), "{}", lines.transcript);
    let asked = sandbox.aicr(&["--demo", "tui", "--linear", "--theme", "mine"]);
    assert_eq!(asked.code, 2, "what is asked for is not replaced in silence: {}", asked.transcript);
    sandbox.file(".config/aicr/themes/mine.toml", "name = \"mine\"\nmode = \"light\"\ninherits = \"light\"\n");
    let script = sandbox.file("keys", "wait\n").display().to_string();
    let frames = sandbox.aicr(&["--demo", "tui", "--theme", "mine", "--script", &script]);
    assert_eq!(frames.code, 0, "a theme of a person's own is read for a script as well: {}", frames.transcript);
}

#[test]
fn an_action_without_a_key_is_named_but_where_it_was_meant() {
    let sandbox = Sandbox::new();
    sandbox.file(".config/aicr/config.toml", "[keys]\nfilter = \"none\"\n");
    let meant = sandbox.aicr(&["keys", "--check"]);
    assert_eq!((meant.code, meant.stderr.as_str()), (0, ""), "{}", meant.transcript);
    sandbox.file(".config/aicr/config.toml", "[keys]\nswap = \"/\"\n");
    let taken = sandbox.aicr(&["keys", "--check"]);
    assert_eq!(taken.code, 2, "{}", taken.transcript);
    assert_eq!(taken.stderr.matches("filter: unreachable: no key").count(), 1, "{}", taken.transcript);
    assert!(!taken.stderr.contains("multiplexers"), "{}", taken.transcript);
}

#[test]
fn the_keys_that_count_are_printed() {
    let sandbox = sandbox(FILE);
    let own = sandbox.aicr(&["keys"]).stdout;
    let line = |text: &str, name: &str| {
        let has = |line: &&str| line.contains(&format!("  {name}  "));
        text.lines().find(has).unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(line(&own, "run").trim_start().starts_with("Ctrl-T"), "{own}");
    assert!(line(&own, "move-down").trim_start().starts_with("Ctrl-N, Down"), "{own}");
    let default = sandbox.aicr(&["keys", "--default"]).stdout;
    assert!(line(&default, "move-down").trim_start().starts_with("j, Down"), "{default}");
}

#[test]
fn read_only_verbs_read_and_do_not_write() {
    let sandbox = Sandbox::new();
    let read = sandbox.aicr(&["--demo", "--read-only", "snapshot", "-o", "snapshot.yaml"]);
    assert_eq!(read.code, 0, "{}", read.transcript);
    for verb in [
        &["--demo", "--read-only", "validate", "--service", "kind", "--accelerator", "a100"][..],
        &["--demo", "--read-only", "snapshot", "-o", "cm://default/kept"],
    ] {
        let refused = sandbox.aicr(verb);
        assert_ne!(refused.code, 0, "{}", refused.transcript);
        assert!(refused.transcript.contains("read-only"), "{}", refused.transcript);
    }
    // A hint names a way that is left, not the flag that was given.
    let validate = ["--demo", "--read-only", "validate", "--service", "kind", "--accelerator", "a100"];
    assert!(sandbox.aicr(&validate).transcript.contains("`--in-process` runs checks that only read"));
    let in_process = sandbox.aicr(&[&validate[..], &["--in-process"]].concat());
    assert!(!in_process.transcript.contains("`--in-process`"), "{}", in_process.transcript);
    let skip =
        in_process.transcript.split('`').find(|part| part.starts_with("--skip-check ")).expect("what can be left out");
    let names = skip.split_once(' ').map(|(_, names)| names).unwrap();
    let passed = sandbox.aicr(&[&validate[..], &["--in-process", "--skip-check", names]].concat());
    assert!(!passed.transcript.contains("no Job was created"), "{}", passed.transcript);
    let output =
        sandbox.command(&["--demo", "snapshot", "-o", "cm://default/kept"]).env("AICR_READ_ONLY", "1").output();
    assert!(!output.unwrap().status.success());
}

/// The preference holds for verbs as the flag does, and so does one that cannot be read; the variable is stronger.
#[test]
fn a_read_only_preference_holds_for_every_verb() {
    for (text, by) in [("read-only = true\n", "`read-only` at "), ("read-only = \"yes\"\n", "read-only")] {
        let sandbox = sandbox(text);
        let verbs = [
            &["--demo", "validate", "--service", "kind", "--accelerator", "a100", "--check", "operator-health"][..],
            &["--demo", "snapshot", "-o", "cm://default/kept"],
        ];
        for verb in verbs {
            let refused = sandbox.aicr(verb);
            assert!(refused.code != 0 && refused.transcript.contains("read-only"), "{verb:?}: {}", refused.transcript);
        }
        let validate = sandbox.aicr(verbs[0]).transcript;
        assert!(
            validate.contains(&format!("start without {}", if by.starts_with('`') { by } else { "" })),
            "{validate}"
        );
        assert!(sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]).code == 0);
        // The workbench, too.
        sandbox.file("script", "wait\ndump view\n");
        let shown = sandbox.aicr(&["--demo", "tui", "--script", "script"]);
        assert!(shown.stdout.contains("read-only  DEMO"), "{}", shown.transcript);
        let output = sandbox
            .command(&["--demo", "snapshot", "-o", "cm://default/kept"])
            .env("AICR_READ_ONLY", "0")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// Which contexts are protected is not known, so that in the workbench each of them is.
#[test]
fn the_workbench_protects_every_context_where_it_is_not_known_which() {
    for (text, is_protected) in [("protect = [\"lab\"]\n", false), ("protect = 7\n", true)] {
        let sandbox = sandbox(text);
        sandbox.file("script", "wait\n4\nr\nwait\ndump question\n");
        let start = ["--demo", "tui", "--service", "kind", "--accelerator", "a100", "--script", "script"];
        let shown = sandbox.aicr(&start);
        assert!(shown.stdout.contains("run 9 checks"), "{}", shown.transcript);
        assert_eq!(shown.stdout.contains("is protected: type its name"), is_protected, "{}", shown.transcript);
    }
}

#[test]
fn a_protected_context_is_changed_only_where_its_name_is_given() {
    let sandbox = sandbox("protect = [\"de*\"]\n");
    for verb in [
        &["--demo", "cleanup"][..],
        &["--demo", "validate", "--service", "kind", "--accelerator", "a100", "--check", "operator-health"],
    ] {
        let refused = sandbox.aicr(verb);
        assert_eq!(refused.code, 2, "{}", refused.transcript);
        for said in ["the context is protected, and there is no terminal to type its name at", "--yes=demo"] {
            assert!(refused.transcript.contains(said), "{}", refused.transcript);
        }
        let other = sandbox.aicr(&[verb, &["--yes=lab"]].concat());
        assert!(other.code == 2 && other.transcript.contains("--yes names `lab`"), "{}", other.transcript);
        let named = sandbox.aicr(&[verb, &["--yes=demo"]].concat());
        assert!(!named.transcript.contains("is protected"), "{}", named.transcript);
    }
    // What only looks is not asked about.
    let looked = sandbox.aicr(&["--demo", "cleanup", "--dry-run"]);
    assert_eq!(looked.code, 0, "{}", looked.transcript);
}

/// A Job on a node and a ConfigMap are objects of the cluster as well; a file is not.
#[test]
fn a_document_and_an_agent_ask_in_a_protected_context_before_they_create_objects() {
    let sandbox = sandbox("protect = [\"de*\"]\n");
    let written = sandbox.aicr(&["--demo", "snapshot", "-o", "snapshot.yaml"]);
    assert_eq!(written.code, 0, "{}", written.transcript);
    let recipe = ["recipe", "--service", "kind", "--accelerator", "a100"];
    let written = sandbox.aicr(&[&recipe[..], &["-o", "recipe.yaml"]].concat());
    assert_eq!(written.code, 0, "{}", written.transcript);
    let place = ["-o", "cm://default/kept"];
    let no_cluster = ["validate", "--no-cluster", "-r", "recipe.yaml", "-s", "snapshot.yaml"];
    for (verb, doing) in [
        (&["snapshot"][..], "write cm://default/kept"),
        (&recipe, "write cm://default/kept"),
        (&["diff", "snapshot.yaml", "recipe.yaml", "-t", "json"], "write cm://default/kept"),
        (&no_cluster, "write cm://default/kept"),
    ] {
        let line = [&["--demo"][..], verb, &place].concat();
        let refused = sandbox.aicr(&line);
        assert_eq!(refused.code, 2, "{}", refused.transcript);
        for said in [doing, "the context is protected, and there is no terminal to type its name at", "--yes=demo"] {
            assert!(refused.transcript.contains(said), "{said}: {}", refused.transcript);
        }
        let named = sandbox.aicr(&[&line[..], &["--yes=demo"]].concat());
        assert!(named.transcript.contains("wrote cm://default/kept"), "{}", named.transcript);
        assert!(!named.transcript.contains("is protected"), "{}", named.transcript);
    }
    let agent = ["--demo", "snapshot", "--agent", "-o", "asked.yaml"];
    let refused = sandbox.aicr(&agent);
    assert!(refused.code == 2 && refused.transcript.contains("create a Job on nodes"), "{}", refused.transcript);
    assert!(!sandbox.home().join("asked.yaml").exists(), "{}", refused.transcript);
    let named = sandbox.aicr(&[&agent[..], &["--yes=demo"]].concat());
    assert!(!named.transcript.contains("is protected"), "{}", named.transcript);
}

/// Who protects a context does so against slips, and a slip in the preferences is one.
#[test]
fn nothing_is_changed_where_what_is_protected_is_not_known_or_another_context_was_named() {
    for broken in ["protect = [\"de*\"]\nmouse = \n", "protect = 7\n"] {
        let sandbox = sandbox(broken);
        let refused = sandbox.aicr(&["--demo", "cleanup"]);
        assert_eq!(refused.code, 2, "{}", refused.transcript);
        assert!(refused.transcript.contains("which contexts are protected is not known"), "{}", refused.transcript);
        let named = sandbox.aicr(&["--demo", "cleanup", "--yes=demo"]);
        assert_eq!(named.code, 0, "{}", named.transcript);
    }
    let other = sandbox("").aicr(&["--demo", "cleanup", "--yes=lab"]);
    assert!(other.code == 2 && other.transcript.contains("--yes names `lab`, another context"), "{}", other.transcript);
}
