//! Every flag changes something: for each verb that asks no cluster, each flag that its help lists is given once, and the
//! answer (exit code, output, messages, files) must differ from the one without it, or there is a reason.

use crate::sandbox::Sandbox;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// A flag, a line without it and what is added to that line.
type Row = (&'static str, &'static str, &'static str);

const EKS: &str = "--service eks --accelerator h100 --os ubuntu --intent training";
const KIND: &str = "-r new.yaml";
const SLURM: &str = "--service eks --accelerator h100 --os ubuntu --intent training --platform slurm";
const GKE: &str = "--service gke --accelerator h100 --os cos --intent inference";
/// With the nodes that some components ask for.
const PLACED_SLURM: &str = "--service eks --accelerator h100 --os ubuntu --intent training --platform slurm \
    --system-node-selector a=b --accelerated-node-selector a=b";
const PLACED_TCPXO: &str = "--service gke --accelerator h100 --os cos --intent training --platform kubeflow \
    --system-node-selector a=b --accelerated-node-selector a=b";
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
        elsewhere: &[("--yes", "names a protected context: `it preferences`")],
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
            ("--yes", "names a protected context: `it preferences`"),
            ("--values", "reads Helm's records: `it cli`"),
            ("--all", "shows what always changes: `it cli`"),
            ("--noise", "shows what one rule hides: `it snapshots`"),
            ("--recipe", "grades changes by its constraints: `it snapshots`"),
            ("--by", "one row for the nodes of a shape: `it snapshots`"),
            ("--live", "asks a cluster: `it snapshots`"),
            ("--watch", "asks a cluster until interrupted: `it snapshots`"),
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
        elsewhere: &[("--yes", "names a protected context: `it preferences`")],
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
        line: "bundle --plan --format json",
        own: &[
            ("--recipe", "", "--recipe new.yaml"),
            ("--snapshot", "--service kind --accelerator a100", "--snapshot s.yaml"),
            ("--deployer", KIND, "--deployer flux"),
            ("--serial", KIND, "--serial"),
            ("--set", KIND, "--set cert-manager:x=1"),
            ("--set-json", KIND, "--set-json cert-manager:x=[1]"),
            ("--set-file", KIND, "--set-file cert-manager:x=value.yaml"),
            ("--dynamic", KIND, "--dynamic cert-manager:crds.enabled"),
            ("--system-node-selector", KIND, "--system-node-selector a=b"),
            ("--system-node-toleration", KIND, "--system-node-toleration k:NoSchedule"),
            ("--accelerated-node-selector", KIND, "--accelerated-node-selector a=b"),
            ("--accelerated-node-toleration", KIND, "--accelerated-node-toleration k:NoSchedule"),
            ("--dra-eviction-node-label", KIND, "--dra-eviction-node-label role"),
            ("--workload-gate", KIND, "--workload-gate k:NoSchedule"),
            ("--workload-selector", EKS, "--workload-selector a=b"),
            ("--storage-class", KIND, "--storage-class fast"),
            ("--shared-storage-class", PLACED_SLURM, "--shared-storage-class fast"),
            ("--slurm-accounting-mode", PLACED_SLURM, "--slurm-accounting-mode customer-managed"),
            ("--runtime-inventory", GKE, "--runtime-inventory disabled"),
            ("--gke-tcpxo-interfaces", PLACED_TCPXO, NETWORKS),
            ("--nodes", KIND, "--nodes 8"),
            ("--repo", "-r new.yaml --deployer flux", "--repo https://example.org/a.git"),
            ("--app-name", "-r new.yaml --deployer argocd", "--app-name mine"),
            ("--readiness-hooks", KIND, "--readiness-hooks"),
            ("--flux-namespace", "-r new.yaml --deployer flux", "--flux-namespace mine"),
        ],
        shared: &[DIMENSIONS],
        elsewhere: &[],
    },
    Verb {
        line: "bundle",
        own: &[
            ("--output", KIND, "--output out"),
            ("--replace", "-r new.yaml --output made", "--replace"),
            ("--plan", "-r new.yaml --output out", "--plan"),
            ("--format", "-r new.yaml --plan", "--format json"),
            ("--against", "-r new.yaml --plan", "--against made"),
            (
                "--flux-oci-source-name",
                "-r new.yaml --plan -t json -d flux -o oci://r.test/b:1.0.0",
                "--flux-oci-source-name mine",
            ),
            ("--profile", "--service oke --os ol --plan", "--profile gpuStack=operator-managed"),
        ],
        shared: &[],
        elsewhere: &[
            ("--vendor-charts", "asks repositories: `it bundle_oci`"),
            ("--fetch-manifests", "asks the web: `it bundle_oci`"),
            ("--manifest", "needs a recipe with manifests that are only named: `it bundle_oci`"),
            ("--fleet-mode", "of one deployer: `it bundle_input`"),
            ("--terraform-child-module", "of one deployer: `it bundle_input`"),
            ("--terraform-cluster-rollover", "of one deployer: `it bundle_input`"),
            ("--image-refs", "asks a registry: `it bundle_oci`"),
            ("--plain-http", "asks a registry: `it bundle_oci`"),
            ("--insecure-tls", "asks a registry: `it bundle_oci`"),
        ],
    },
    Verb {
        line: "verify signed",
        own: &[
            ("--min-trust-level", "", "--min-trust-level unknown"),
            ("--require-creator", "", "--require-creator a"),
            ("--cli-version-constraint", "", "--cli-version-constraint 1"),
            ("--format", "", "--format json"),
            ("--key", "", "--key cosign.pub"),
            ("--insecure-ignore-tlog", "--key cosign.pub", "--insecure-ignore-tlog"),
            ("--trust-root", "--key cosign.pub", "--trust-root nothing.json"),
        ],
        shared: &[],
        elsewhere: &[
            ("--plain-http", "asks a registry: `it bundle_oci`"),
            ("--insecure-tls", "asks a registry: `it bundle_oci`"),
        ],
    },
    Verb {
        line: "--demo snapshot",
        own: &[
            ("--output", "", "--output out.yaml"),
            ("--format", "", "--format json"),
            ("--api-version", "", "--api-version v1alpha2"),
        ],
        shared: &[],
        elsewhere: &[
            ("--yes", "names a protected context: `it preferences`"),
            ("--timeout", "needs a slow server: `it collect`"),
            ("--watch", "goes on until interrupted: `it snapshots`"),
            ("--agent", "asks nodes: `it snapshots`, `it real_cluster_agent`"),
            ("--agent-per", "needs several nodes of a shape: `it snapshots`"),
            ("--agent-parallel", "changes how long it takes"),
            ("--agent-timeout", "needs a node that does not answer: `it real_cluster_agent`"),
            ("--require-gpu", "needs a cluster without GPUs: `it compatibility`"),
            ("--aks-gpu-pools", "a dump of a provider: `it profiles`"),
            ("--gke-gpu-pools", "a dump of a provider: `it profiles`"),
            ("--oke-addons", "a dump of a provider: `it profiles`"),
        ],
    },
    Verb {
        line: "--demo validate --plan",
        own: &[
            ("--phase", "-r new.yaml", "--phase conformance"),
            ("--check", "-r new.yaml", "--check platform-health"),
            ("--skip-check", "-r new.yaml", "--skip-check platform-health"),
            ("--namespace", "-r new.yaml", "--namespace other"),
            ("--check-image", "-r new.yaml", "--check-image x:1"),
            ("--patience", "-r new.yaml", "--patience 1s"),
            ("--check-timeout", "-r new.yaml", "--check-timeout 1s"),
            ("--in-process", "-r new.yaml", "--in-process"),
            ("--validators", "-r new.yaml", "--validators reference"),
            ("--step", "-r new.yaml", "--step"),
            ("--no-cleanup", "-r new.yaml", "--no-cleanup"),
            ("--service", "", "--service eks"),
            ("--accelerator", "--service eks", "--accelerator h100"),
            ("--os", "--service eks", "--os talos"),
            ("--intent", "--service eks --accelerator h100", "--intent training"),
            ("--platform", EKS, "--platform slurm"),
            ("--nodes", "--service eks", "--nodes 8"),
            ("--criteria-strict", "--data own --service mine", "--criteria-strict"),
            ("--slurm-accounting-mode", SLURM, "--slurm-accounting-mode customer-managed"),
            ("--runtime-inventory", GKE, "--runtime-inventory disabled"),
            (
                "--gke-tcpxo-interfaces",
                "--service gke --accelerator h100 --os cos --intent training --platform kubeflow",
                NETWORKS,
            ),
            ("--profile", "--service oke --os ol", "--profile gpuStack=operator-managed"),
        ],
        shared: &[],
        elsewhere: &[
            ("--fail-fast", RUN),
            ("--image-pull-secret", RUN),
            ("--logs", RUN),
            ("--no-record", RUN),
            ("--node-selector", RUN),
            ("--toleration", RUN),
            ("--require-gpu", "needs a cluster without GPUs: `it compatibility`"),
            ("--timeout", "needs a slow server: `it collect`"),
            ("--aks-gpu-pools", "a dump of a provider: `it profiles`"),
            ("--gke-gpu-pools", "a dump of a provider: `it profiles`"),
            ("--oke-addons", "a dump of a provider: `it profiles`"),
        ],
    },
    Verb {
        line: "validate --no-cluster",
        own: &[
            ("--recipe", "-s s.yaml", "--recipe impossible.yaml"),
            ("--snapshot", "-r new.yaml", "--snapshot s.yaml"),
            ("--output", "-r impossible.yaml -s s.yaml", "--output out.json"),
            ("--format", "-r impossible.yaml -s s.yaml", "--format junit"),
            ("--plan", "-r impossible.yaml -s s.yaml", "--plan"),
            ("--step-summary", "-r impossible.yaml -s s.yaml", "--step-summary out.txt"),
            ("--evidence-dir", "-r impossible.yaml -s s.yaml", "--evidence-dir out"),
            ("--compat-exit-codes", "-r impossible.yaml -s s.yaml", "--compat-exit-codes"),
        ],
        shared: &[],
        elsewhere: &[
            ("--yes", "names a protected context: `it preferences`"),
            ("--no-cluster", "is in the line of the others here"),
            ("--fail-on-error", "a failed check, which needs a run: `it records`"),
            ("--allow-unknown", "a check without a verdict, which needs a run: `it records`"),
        ],
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
            ("--reset-terminal", "workbench_pty.rs: a_terminal_is_repaired_on_request"),
            ("--no-keep", "a script keeps nothing of a demo; what keeps is `ops::snapshots::record`"),
            ("--record", "workbench::recording"),
            ("--go", "workbench::ease"),
            ("--namespace", RUN),
            ("--image", RUN),
            ("--image-pull-secret", RUN),
            ("--node-selector", RUN),
            ("--toleration", RUN),
            ("--patience", RUN),
            ("--check-timeout", RUN),
            ("--check-image", RUN),
            ("--in-process", RUN),
            ("--validators", RUN),
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
    sandbox.file("impossible.yaml", &new.replace(">= 1.32", ">= 99.0"));
    sandbox.file("value.yaml", "a: 1\n");
    must("bundle -r new.yaml -o made");
    must("bundle -r new.yaml -o signed");
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
    sandbox.file("cosign.pub", &pair.public_key_pem());
    sandbox.file("signed/attestation/bundle-attestation.sigstore.json", &signed(&pair, &sandbox));
    sandbox.file("keys", "dump start\n");
    sandbox.file("other", "keys 3\ndump start\n");
    sandbox
}

/// A signature over the bundle `signed` that no log has.
fn signed(pair: &rcgen::KeyPair, home: &Sandbox) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let list = std::fs::read(home.home().join("signed/checksums.txt")).unwrap();
    let signature = BASE64_STANDARD.encode(rcgen::SigningKey::sign(pair, &list).expect("a signature"));
    serde_json::json!({"messageSignature": {"signature": signature}}).to_string()
}

/// What a line answers and leaves; the line itself is not part of it, nor is what no two runs have alike.
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
    let answer = format!("{} {} {} {files:?}", run.code, run.stdout, run.stderr);
    VARIES.replace_all(&answer, "…").into_owned()
}

/// Identities of runs, times, and how long something took.
static VARIES: LazyLock<regex::Regex> = LazyLock::new(|| {
    let run = r"\d{8}-\d{6}-[0-9a-f]{16}";
    let time = r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)?";
    regex::Regex::new(&format!(r"{run}|{time}|\d{{13}}| +\d+\.\d+ ?s|\b[0-9]+ ?ms")).expect("a pattern")
});

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
            line => line.trim_start_matches("--demo ").split(' ').next().unwrap_or_default(),
        };
        let flags = covered.entry(name.to_owned()).or_default();
        flags.extend(elsewhere.iter().map(|(flag, _)| (*flag).to_owned()));
        for (flag, without, with) in own.iter().chain(shared.iter().copied().flatten()) {
            flags.insert((*flag).to_owned());
            let before = format!("{line} {without}");
            let first = known.entry(before.clone()).or_insert_with(|| answer(&before, &home)).clone();
            let _ = std::fs::remove_dir_all(home.home().join("out"));
            let after = format!("{before} {with}");
            if first == answer(&after, &home) {
                dead.push(format!("{flag}: `aicr {after}` answers as `aicr {before}` does"));
            }
            // What was written or replaced is as it was for the next one.
            for path in ["out.yaml", "out.json", "out.txt"] {
                let _ = std::fs::remove_file(home.home().join(path));
            }
            let _ = std::fs::remove_dir_all(home.home().join("out"));
        }
    }
    assert_eq!(dead, [""; 0], "{}", dead.join("\n"));
    // What varies by itself would prove nothing.
    for line in ["--demo snapshot", "validate --no-cluster -r impossible.yaml -s s.yaml", "bundle --plan -r new.yaml"] {
        assert_eq!(answer(line, &home), answer(line, &home));
    }
    // `explain` takes what `query` takes, by the same code.
    let query = covered["query"].clone();
    covered.entry("explain".to_owned()).or_default().extend(query);
    for (verb, flags) in &covered {
        let missing: Vec<String> = listed(verb, &home).difference(flags).cloned().collect();
        assert_eq!(missing, [""; 0], "flags of `aicr {verb}` that nothing here gives");
    }
}
