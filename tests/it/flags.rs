//! Every flag changes something: for each verb that asks no cluster, each flag that its help lists is given once, and the
//! answer (exit code, output, messages, files) must differ from the one without it, or there is a reason.

use crate::sandbox::Sandbox;
use std::collections::{BTreeMap, BTreeSet};

/// A flag, a line without it and what is added to that line.
type Row = (&'static str, &'static str, &'static str);

const EKS: &str = "--service eks --accelerator h100 --os ubuntu --intent training";
const SLURM: &str = "--service eks --accelerator h100 --os ubuntu --intent training --platform slurm";
const GKE: &str = "--service gke --accelerator h100 --os cos --intent inference";
const TCPXO: &str = "--service gke --accelerator h100 --os cos --intent training --platform kubeflow --lenient";
const NETWORKS: &str = "--gke-tcpxo-interfaces eth1=gpu-nic-1,eth2=gpu-nic-2,eth3=gpu-nic-3,eth4=gpu-nic-4,\
    eth5=gpu-nic-5,eth6=gpu-nic-6,eth7=gpu-nic-7,eth8=gpu-nic-8";

/// Flags of whatever chooses overlays.
const DIMENSIONS: &[Row] = &[
    ("--service", "", "--service eks"),
    ("--accelerator", "--service eks", "--accelerator h100"),
    ("--os", "--service eks --accelerator h100", "--os ubuntu"),
    ("--intent", "--service eks --accelerator h100", "--intent training"),
    ("--platform", EKS, "--platform slurm"),
    ("--nodes", "--service eks", "--nodes 8"),
    ("--criteria-strict", "--data own --service mine", "--criteria-strict"),
];

const SETTINGS: &[Row] = &[
    ("--slurm-accounting-mode", SLURM, "--slurm-accounting-mode customer-managed"),
    ("--runtime-inventory", GKE, "--runtime-inventory disabled"),
    ("--gke-tcpxo-interfaces", TCPXO, NETWORKS),
];

/// Flags of whatever resolves a recipe.
const RESOLVING: &[Row] = &[
    ("--snapshot", EKS, "--snapshot s.yaml"),
    ("--strict", "--snapshot s.yaml", "--strict"),
    ("--lenient", "--service eks --os talos", "--lenient"),
    ("--profile", "--service oke --os ol", "--profile gpuStack=operator-managed"),
    ("--set", EKS, "--set gpu-operator:driver.version=1"),
    ("--compat", "--service self-managed --accelerator h100", "--compat"),
    ("--inherit-from", "--service kind --accelerator a100", "--inherit-from old.yaml"),
];

/// Flags of a verb that are not in one of the lists above, and those lists.
struct Verb {
    /// The first words of every line.
    line: &'static str,
    own: &'static [Row],
    shared: &'static [&'static [Row]],
    /// Flags that need a cluster or a terminal, and which test has them.
    elsewhere: &'static [(&'static str, &'static str)],
}

const RUN: &str = "shapes a run of checks: `it validate`";

const VERBS: &[Verb] = &[
    Verb {
        line: "recipe",
        own: &[
            ("--output", EKS, "--output out.yaml"),
            ("--format", EKS, "--format json"),
            ("--api-version", EKS, "--api-version v1alpha2"),
        ],
        shared: &[DIMENSIONS, SETTINGS, RESOLVING],
        elsewhere: &[],
    },
    Verb {
        line: "query",
        own: &[
            ("--selector", EKS, "--selector components.gpu-operator"),
            ("--format", "--service kind --accelerator a100 criteria", "--format json"),
        ],
        shared: &[],
        elsewhere: &[],
    },
    Verb { line: "query .", own: &[], shared: &[DIMENSIONS, SETTINGS, RESOLVING], elsewhere: &[] },
    Verb {
        line: "explain",
        own: &[
            ("--all", "--service eks components.gpu-operator", "--all"),
            ("--format", "--service eks criteria", "--format json"),
        ],
        shared: &[],
        elsewhere: &[],
    },
    Verb {
        line: "recipe list",
        own: &[
            ("--profile", "", "--profile gpuStack=oci-managed"),
            ("--no-health", "--service kind", "--no-health"),
            ("--format", "--service kind", "--format json"),
        ],
        shared: &[DIMENSIONS],
        elsewhere: &[],
    },
    Verb {
        line: "catalog list",
        own: &[
            ("--profile", "", "--profile gpuStack=oci-managed"),
            ("--snapshot", "--service kind", "--snapshot s.yaml"),
            ("--format", "--service kind", "--format json"),
        ],
        shared: &[DIMENSIONS],
        elsewhere: &[],
    },
    Verb {
        line: "diff",
        own: &[
            ("--baseline", "--target old.yaml", "--baseline new.yaml"),
            ("--target", "--baseline new.yaml", "--target old.yaml"),
            ("--fail-on-drift", "new.yaml old.yaml", "--fail-on-drift"),
            ("--compat", "s.yaml later.yaml", "--compat"),
            ("--output", "new.yaml old.yaml", "--output out.json"),
            ("--format", "new.yaml old.yaml", "--format json"),
        ],
        shared: &[],
        elsewhere: &[
            ("--values", "reads Helm's records: `it cli`"),
            ("--all", "shows what always changes: `it cli`"),
            ("--compat-exit-codes", "changes the exit code of a difference: `it records`"),
        ],
    },
    Verb {
        line: "convert",
        own: &[
            ("--output", "old.yaml", "--output converted"),
            ("--in-place", "third.yaml", "--in-place"),
            ("--api-version", "new.yaml", "--api-version v1alpha2"),
        ],
        shared: &[],
        elsewhere: &[],
    },
    Verb {
        line: "upgrade-check",
        own: &[
            ("--from", "--to new.yaml", "--from older.yaml"),
            ("--to", "--from older.yaml --deployer helm", "--to old.yaml"),
            ("--deployer", "--from older.yaml --to new.yaml", "--deployer helm"),
            ("--fail-on-error", "--from older.yaml --to new.yaml --deployer helm", "--fail-on-error=false"),
            ("--output", "--from older.yaml --to new.yaml --deployer helm", "--output out.txt"),
            ("--format", "--from older.yaml --to new.yaml --deployer helm", "--format json"),
        ],
        shared: &[],
        elsewhere: &[("--scan-cluster", "asks a cluster: `it upgrade`")],
    },
    Verb {
        line: "tui s.yaml --script keys",
        own: &[
            ("--script", "--screen recipe", "--script other"),
            ("--inherit-from", "--screen recipe --service kind --accelerator a100", "--inherit-from old.yaml"),
            ("--screen", "", "--screen recipe"),
            ("--theme", "--dump svg --colors true", "--theme light"),
            ("--colors", "--dump svg", "--colors 16"),
            ("--ascii", "", "--ascii"),
            ("--size", "", "--size 80x24"),
            ("--dump", "", "--dump svg"),
            ("--frames", "", "--frames frames"),
        ],
        shared: &[],
        elsewhere: &[
            ("--fresh", "workbench_pty.rs: a_session_is_restored_and_fresh_begins_anew"),
            ("--linear", "workbench_linear.rs"),
            ("--namespace", RUN),
            ("--image", RUN),
            ("--image-pull-secret", RUN),
            ("--node-selector", RUN),
            ("--toleration", RUN),
            ("--patience", RUN),
            ("--check-timeout", RUN),
            ("--check-image", RUN),
            ("--in-process", RUN),
            ("--no-record", RUN),
            ("--skip-check", RUN),
            ("--step", RUN),
        ],
    },
    Verb {
        line: "tui s.yaml --script keys --screen recipe --size 200x60",
        own: &[
            ("--service", "", "--service kind"),
            ("--accelerator", "--service eks", "--accelerator h100"),
            ("--os", "--service eks --accelerator h100 --intent training", "--os ubuntu"),
            ("--intent", "--service eks --accelerator h100 --os ubuntu", "--intent training"),
            ("--platform", EKS, "--platform slurm"),
            ("--nodes", EKS, "--nodes 8"),
            ("--profile", "--service oke --os ol", "--profile gpuStack=operator-managed"),
            ("--criteria-strict", "--data own --service mine", "--criteria-strict"),
            ("--slurm-accounting-mode", SLURM, "--slurm-accounting-mode customer-managed"),
            ("--runtime-inventory", GKE, "--runtime-inventory disabled"),
            (
                "--gke-tcpxo-interfaces",
                "--service gke --accelerator h100 --os cos --intent training --platform kubeflow",
                NETWORKS,
            ),
        ],
        shared: &[],
        elsewhere: &[],
    },
];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let must = |line: &str| {
        let run = sandbox.aicr(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 0, "{}", run.transcript);
    };
    must("--demo snapshot -o s.yaml");
    must("recipe --service kind --accelerator a100 -o new.yaml");
    let new = std::fs::read_to_string(sandbox.home().join("new.yaml")).unwrap();
    let old = new.replace("namespace: gpu-operator", "namespace: gpu-old").replace("aicr.run/v1", "aicr.run/v1alpha2");
    sandbox.file("old.yaml", &old);
    sandbox.file("third.yaml", &old);
    sandbox.file("older.yaml", &old.replace("version: v0.19.0", "version: v0.17.1"));
    let taken = std::fs::read_to_string(sandbox.home().join("s.yaml")).unwrap();
    let later = taken.replace("timestamp: ", "timestamp: '2031-01-01T00:00:00Z' # ");
    sandbox.file("later.yaml", &later);
    sandbox.file(
        "own/overlays/mine.yaml",
        "kind: RecipeMetadata\napiVersion: aicr.run/v1beta1\nmetadata: {name: mine}\nspec: {criteria: {service: mine}}\n",
    );
    sandbox.file("keys", "dump start\n");
    sandbox.file("other", "keys 3\ndump start\n");
    sandbox
}

/// What a line answers and leaves; the line itself is not part of it.
fn answer(line: &str, home: &Sandbox) -> String {
    let run = home.aicr(&line.split_whitespace().collect::<Vec<_>>());
    let files: BTreeSet<String> = std::fs::read_dir(home.home())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            format!("{:?} {}", entry.file_name(), text.len())
        })
        .collect();
    format!("{} {} {} {files:?}", run.code, run.stdout, run.stderr)
}

/// The flags that a verb lists in its help, without those of every verb.
fn listed(verb: &str, home: &Sandbox) -> BTreeSet<String> {
    let words: Vec<&str> = verb.split(' ').chain(["--help"]).collect();
    let run = home.aicr(&words);
    let own = run.stdout.split("Options of every verb:").next().unwrap_or_default().to_owned();
    let flag = |line: &str| {
        let line = line.trim_start();
        let line = line.split_once(", --").map_or(line.to_owned(), |(_, long)| format!("--{long}"));
        line.starts_with("--").then(|| line.split([' ', '[', '=']).next().unwrap_or_default().to_owned())
    };
    own.lines().filter_map(flag).filter(|flag| flag != "--help").collect()
}

#[test]
fn every_flag_changes_an_answer_or_has_its_test_elsewhere() {
    let home = sandbox();
    let mut covered: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut dead = Vec::new();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for Verb { line, own, shared, elsewhere } in VERBS {
        let name = match *line {
            "recipe list" | "catalog list" => *line,
            line => line.split(' ').next().unwrap_or_default(),
        };
        let flags = covered.entry(name.to_owned()).or_default();
        flags.extend(elsewhere.iter().map(|(flag, _)| (*flag).to_owned()));
        for (flag, without, with) in own.iter().chain(shared.iter().copied().flatten()) {
            flags.insert((*flag).to_owned());
            let before = format!("{line} {without}");
            let first = known.entry(before.clone()).or_insert_with(|| answer(&before, &home)).clone();
            let after = format!("{before} {with}");
            if first == answer(&after, &home) {
                dead.push(format!("{flag}: `aicr {after}` answers as `aicr {before}` does"));
            }
            // What was written or replaced is as it was for the next one.
            for path in ["out.yaml", "out.json", "out.txt"] {
                let _ = std::fs::remove_file(home.home().join(path));
            }
        }
    }
    assert_eq!(dead, [""; 0], "{}", dead.join("\n"));
    // `explain` takes what `query` takes, by the same code.
    let query = covered["query"].clone();
    covered.entry("explain".to_owned()).or_default().extend(query);
    for (verb, flags) in &covered {
        let missing: Vec<String> = listed(verb, &home).difference(flags).cloned().collect();
        assert_eq!(missing, [""; 0], "flags of `aicr {verb}` that nothing here gives");
    }
}
