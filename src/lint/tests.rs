//! The good catalog is clean; then one thing is broken at a time.

use super::*;
use crate::catalog::File;

const GOOD: [(&str, &str); 7] = [
    (
        "registry.yaml",
        "kind: ComponentRegistry\napiVersion: aicr.run/v1alpha2\ncomponents:\n  - name: nfd\n    healthCheck: {assertFile: checks/nfd/health-check.yaml}\n    helm: {defaultRepository: oci://x, defaultVersion: \"1.0\"}\n",
    ),
    (
        "overlays/base.yaml",
        "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {name: base}\nspec:\n  constraints: [{name: K8s.server.version, value: '>= 1.25'}]\n  componentRefs: [{name: nfd, valuesFile: components/nfd/values.yaml}]\n",
    ),
    (
        "overlays/eks.yaml",
        "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {name: eks}\nspec:\n  criteria: {service: eks}\n  mixins: [os-ubuntu]\n  validation: {conformance: {checks: [dra-support]}}\n",
    ),
    (
        "mixins/os-ubuntu.yaml",
        "kind: RecipeMixin\napiVersion: aicr.run/v1alpha2\nmetadata: {name: os-ubuntu}\nspec:\n  constraints: [{name: OS.release.ID, value: ubuntu}]\n",
    ),
    ("components/nfd/values.yaml", "a: 1\n"),
    (
        "checks/nfd/health-check.yaml",
        "kind: Test\nspec:\n  steps:\n    - name: a\n      try:\n        - assert: {resource: {}}\n",
    ),
    (
        "validators/catalog.yaml",
        "kind: ValidatorCatalog\napiVersion: validator.nvidia.com/v1alpha1\nvalidators: [{name: dra-support, phase: conformance, image: x}]\n",
    ),
];

/// Lints the good catalog with one thing replaced; expects these rules, and nothing else.
#[track_caller]
fn check(replace: &[(&str, &str, &str)], expected: &[&str]) {
    let mut files = Files::default();
    for (path, text) in GOOD {
        files.insert(path, File::new(0, path, text));
    }
    for (path, from, to) in replace {
        let old = files.get(path).map(|file| file.text.to_string()).unwrap_or_default();
        assert!(from.is_empty() || old.contains(from), "{path} has no {from}");
        let text = if from.is_empty() { (*to).to_owned() } else { old.replace(from, to) };
        files.insert(path, File::new(0, *path, text));
    }
    let found = lint(&files);
    let rules: Vec<String> =
        found.iter().map(|finding| format!("{}:{} {}", finding.file, finding.line, finding.rule)).collect();
    assert_eq!(rules, expected, "{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

const EKS: &str = "overlays/eks.yaml";

#[test]
fn the_good_catalog_is_clean() {
    check(&[], &[]);
}

#[test]
fn each_fault_is_found_at_its_place() {
    check(&[(EKS, "mixins:", "mixin: x\n  mixins:")], &["overlays/eks.yaml:6 unknown-field"]);
    check(&[(EKS, "v1alpha2", "v1")], &["overlays/eks.yaml:2 api-version"]);
    check(&[(EKS, "{service: eks}", "{service: EKS}")], &["overlays/eks.yaml:5 criteria-value"]);
    check(&[(EKS, "{service: eks}", "{service: ekss}")], &["overlays/eks.yaml:5 criteria-value"]);
    check(
        &[(EKS, "[os-ubuntu]", "[os-ubunto]")],
        &["mixins/os-ubuntu.yaml:1 unused-mixin", "overlays/eks.yaml:6 missing-mixin"],
    );
    check(&[(EKS, "dra-support", "dra-suport")], &["overlays/eks.yaml:7 unknown-check"]);
    check(&[(EKS, "conformance:", "deployment:")], &["overlays/eks.yaml:7 unknown-check"]);
    check(&[(EKS, "  criteria", "  base: missing\n  criteria")], &["overlays/eks.yaml:1 missing-parent"]);
    check(&[(EKS, "  criteria", "  base: eks\n  criteria")], &["overlays/eks.yaml:1 cycle"]);
    check(
        &[(EKS, "spec:", "spec:\n  constraints: [{name: K8s.server.version, value: '>= 1.20'}]")],
        &["overlays/eks.yaml:5 weakened-bound"],
    );
    check(
        &[(EKS, "spec:", "spec:\n  constraints: [{name: K8s.node.version, value: '>= 1.x'}]")],
        &["overlays/eks.yaml:5 constraint"],
    );
    check(
        &[(EKS, "spec:", "spec:\n  constraints: [{name: Kube.server, value: a}]")],
        &["overlays/eks.yaml:5 constraint"],
    );
    check(
        &[("overlays/base.yaml", "values.yaml", "value.yaml")],
        &["overlays/base.yaml:6 dangling-file", "overlays/eks.yaml:1 unreadable"],
    );
    check(&[("overlays/base.yaml", "name: nfd,", "name: nfd, version: '2.0',")], &["overlays/base.yaml:6 pin-differs"]);
    check(&[(EKS, "kind: RecipeMetadata", "kind: RecipeMetadata\nkind: x")], &["overlays/eks.yaml:2 unreadable"]);
    check(&[(EKS, "spec:", "---\nspec:")], &["overlays/eks.yaml:4 unreadable"]);
}

const CHECK: &str = "checks/nfd/health-check.yaml";

#[test]
fn health_checks_only_look() {
    check(&[(CHECK, "assert:", "script:")], &["checks/nfd/health-check.yaml:6 health-check"]);
    check(&[(CHECK, "      try:", "      cleanup: []\n      try:")], &["checks/nfd/health-check.yaml:5 health-check"]);
    let registry = "\n    healthCheck: {assertFile: checks/nfd/health-check.yaml}";
    check(&[("registry.yaml", registry, "")], &["registry.yaml:4 health-check"]);
    // The second document of a file is looked at as well.
    let second = "kind: Test\n---\nspec: {steps: [{try: [{script: rm}]}]}\n";
    check(&[(CHECK, "", second)], &["checks/nfd/health-check.yaml:3 health-check"]);
    check(&[("components/nfd/extra.yaml", "", "a: 1\n---\nb: 2\n")], &[]);
    check(&[("components/nfd/values.yaml", "a: 1", "a: 1\n---\nb: 2")], &["components/nfd/values.yaml:2 unreadable"]);
    check(&[("components/nfd/values.yaml", "a: 1", "[a]")], &["components/nfd/values.yaml:1 unreadable"]);
}

#[test]
fn recipes_of_accelerators_can_be_validated() {
    let h100 = |rest: &str| {
        format!(
            "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {{name: h100}}\nspec:\n  base: eks\n  criteria: {{service: eks, accelerator: h100}}\n{rest}"
        )
    };
    check(&[("overlays/h100.yaml", "", &h100(""))], &["overlays/h100.yaml:1 phases"]);
    let unbounded = h100("  validation: {deployment: {checks: [gpu-operator-version]}}\n");
    let known = (
        "validators/catalog.yaml",
        "image: x}]",
        "image: x}, {name: gpu-operator-version, phase: deployment, image: x}]",
    );
    check(&[known, ("overlays/h100.yaml", "", &unbounded)], &["overlays/h100.yaml:1 phases"]);
}

#[test]
fn operator_and_dra_driver_agree_about_the_driver() {
    let registry = (
        "registry.yaml",
        "  - name: nfd",
        "  - {name: gpu-operator, healthCheck: {assertFile: checks/nfd/health-check.yaml}}\n  - {name: nvidia-dra-driver-gpu, healthCheck: {assertFile: checks/nfd/health-check.yaml}}\n  - name: nfd",
    );
    let components = |installed: &str, looked_for: &str| {
        format!(
            "  componentRefs:\n  - {{name: gpu-operator, type: Helm, source: oci://x, version: '1', overrides: {{hostPaths: {{driverInstallDir: {installed}}}}}}}\n  - {{name: nvidia-dra-driver-gpu, type: Helm, source: oci://x, version: '1', overrides: {{nvidiaDriverRoot: {looked_for}}}}}\n  criteria:"
        )
    };
    check(&[registry, (EKS, "  criteria:", &components("/run/nvidia", "/run/nvidia"))], &[]);
    check(&[registry, (EKS, "  criteria:", &components("/run/nvidia", "/"))], &["overlays/eks.yaml:1 driver-root"]);
    check(&[registry, (EKS, "  criteria:", &components("/", "/"))], &["overlays/eks.yaml:1 driver-root"]);
}

#[test]
fn a_file_may_justify_a_finding_and_has_to_say_why() {
    let weak =
        |comment: &str| format!("spec:\n{comment}  constraints: [{{name: K8s.server.version, value: '>= 1.20'}}]");
    let justified = "  # lint: allow weakened-bound (older clusters are fine)\n  # and more words\n";
    check(&[(EKS, "spec:", &weak(justified))], &[]);
    check(
        &[(EKS, "spec:", &weak("  # lint: allow weakened-bound\n"))],
        &["overlays/eks.yaml:5 exemption", "overlays/eks.yaml:6 weakened-bound"],
    );
    check(&[(EKS, "spec:", "spec: # lint: allow cycle (there is none)")], &["overlays/eks.yaml:4 exemption"]);
    check(&[(EKS, "spec:", "spec: # lint: allow nothing (no such rule)")], &["overlays/eks.yaml:4 exemption"]);
}

/// A profile of the small catalog, with this value.
fn profile(value: &str) -> String {
    format!("spec:\n  profile: {{name: p, default: a, values: {{a: {{{value}}}}}}}")
}

#[test]
fn profiles_are_read_like_layers() {
    let with = |value: &str, expected: &[&str]| {
        let text = profile(value);
        check(&[(EKS, "v1alpha2", "v1beta2"), (EKS, "spec:", &text)], expected);
    };
    with("componentRefs: [{name: nfd, overrides: {a: 2}}]", &[]);
    with(
        "componentRefs: [{name: nfdd, overrides: {a: 2}}]",
        &["overlays/eks.yaml:1 unreadable", "overlays/eks.yaml:5 unregistered-component"],
    );
    with("constraints: [{name: K8s.node.version, value: '>= 1.x'}]", &["overlays/eks.yaml:5 constraint"]);
    with("readinessConstraints: [{name: K8s, value: '1'}]", &["overlays/eks.yaml:5 constraint"]);
    with("advertiser: me", &["overlays/eks.yaml:5 unreadable"]);
    check(&[(EKS, "spec:", &profile(""))], &["overlays/eks.yaml:5 api-version"]);
}

#[test]
fn registry_entries_are_looked_at() {
    const REGISTRY: &str = "registry.yaml";
    let entry = |more: &str| format!("  - name: nfd\n    {more}\n");
    let registry = |more: &str, expected: &[&str]| check(&[(REGISTRY, "  - name: nfd\n", &entry(more))], expected);
    registry("class: ops", &[]);
    registry("class: other", &["registry.yaml:5 component-class"]);
    registry("manifestFiles: [components/nfd/manifests/a.yaml]", &["registry.yaml:5 dangling-file"]);
    registry("upgrades: {file: components/nfd/upgrades.yaml}", &["registry.yaml:5 upgrade-record"]);
}

#[test]
fn overlays_are_compared_with_each_other() {
    let other = GOOD[2].1.replace("name: eks", "name: eks2");
    check(&[("overlays/eks2.yaml", "", &other)], &["overlays/eks2.yaml:1 same-criteria"]);
    let pinned = |name: &str, criteria: &str, version: &str| {
        format!(
            "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {{name: {name}}}\nspec:\n  criteria: {{{criteria}}}\n  componentRefs: [{{name: nfd, namespace: {version}}}]\n"
        )
    };
    check(
        &[
            ("overlays/h100.yaml", "", &pinned("h100", "accelerator: h100", "a")),
            ("overlays/training.yaml", "", &pinned("training", "intent: training", "b")),
        ],
        &["overlays/training.yaml:6 conflict"],
    );
}

/// An upgrade record of `nfd`, which the good catalog pins to 1.4.0 here; expects these rules where one thing is replaced.
#[track_caller]
fn check_record(from: &str, to: &str, expected: &[&str]) {
    const PINNED: &str = "helm: {defaultRepository: oci://x, defaultVersion: \"1.0\"}";
    const REGISTRY: &str = "helm: {defaultRepository: oci://x, defaultVersion: v1.4.0}\n    upgrades: {file: components/nfd/upgrades.yaml}";
    const RECORD: &str = "apiVersion: aicr.run/v1beta1\nkind: ComponentUpgrades\ncomponent: nfd\ntransitions:\n\
        - {from: <1.2.0, to: '>=1.2.0 <1.3.0', verdict: safe, verifiedBy: a run, summary: s}\n\
        - {from: <1.3.0, to: '>=1.3.0 <=1.4.0', verdict: safe, verifiedBy: a run, summary: s}\n\
        - from: <=1.4.0\n  to: '>1.4.0 <2.0.0'\n  verdict: blocked\n  summary: s\n  stepsByDeployer: [{steps: [{id: a, description: d}]}]\n";
    let (registry, record) = (REGISTRY.replace(from, to), RECORD.replace(from, to));
    assert!(from.is_empty() || registry != REGISTRY || record != RECORD, "nothing is replaced");
    check(&[("registry.yaml", PINNED, &registry), ("components/nfd/upgrades.yaml", "", &record)], expected);
}

#[test]
fn upgrade_records_lead_to_the_pin_without_holes_or_doubts() {
    const FILE: &str = "components/nfd/upgrades.yaml";
    let found = |line: u32, rule: &str| format!("{FILE}:{line} {rule}");
    check_record("", "", &[]);
    check_record("a run, summary: s", "a run, sumary: s", &[&found(5, "upgrade-record")]);
    check_record("component: nfd", "component: nfx", &[&found(3, "upgrade-record")]);
    check_record("kind: ComponentUpgrades", "kind: Other", &[&found(2, "upgrade-record")]);
    check_record("verdict: blocked", "verdict: unknown", &[&found(9, "upgrade-record")]);
    let unnamed = "\n    upgrades: {file: components/nfd/upgrades.yaml}";
    check_record(unnamed, "", &[&found(1, "upgrade-unnamed")]);
    check_record(
        "file: components",
        "file: component",
        &[&found(1, "upgrade-unnamed"), "registry.yaml:7 upgrade-record"],
    );
    check_record("v1.4.0", "'1.4'", &["registry.yaml:6 upgrade-pin"]);
    check_record("<=1.4.0', verdict: safe", "<1.5.0', verdict: safe", &[&found(6, "upgrade-above-pin")]);
    // The next patch release is the first that the range leaves out.
    check_record("<=1.4.0', verdict: safe", "<1.4.1', verdict: safe", &[]);
    // What the next transition starts from is known.
    check_record("<1.3.0', verdict", "<1.2.9', verdict", &[]);
    let upper = "<1.3.0', verdict: safe, verifiedBy: a run, summary: s}\n- {from: <1.3.0";
    let ends = |from: &str| format!("<1.2.5', verdict: safe, verifiedBy: a run, summary: s}}\n- {{from: {from}");
    check_record(upper, &ends("'>=1.2.7 <1.3.0'"), &[&found(6, "upgrade-hole")]);
    check_record(upper, &ends("<1.2.9"), &[&found(6, "upgrade-hole")]);
    check_record("<=1.4.0', verdict: safe", "<1.4.0', verdict: safe", &[&found(6, "upgrade-hole")]);
    check_record("v1.4.0", "v2.1.0", &[&found(7, "upgrade-hole")]);
    // Beyond the pin nothing has to be known yet.
    check_record(">1.4.0 <2.0.0", ">1.6.0 <2.0.0", &[]);
    check_record("from: <1.3.0, to: '>=1.3.0", "from: <1.1.0, to: '>=1.2.0", &[&found(6, "upgrade-overlap")]);
    check_record("from: <1.3.0, to: '>=1.3.0", "from: '>=1.2.0 <1.3.0', to: '>=1.3.0", &[]);
}

#[test]
fn every_rule_is_documented_once_and_can_be_found() {
    let sources = [
        include_str!("document.rs"),
        include_str!("health.rs"),
        include_str!("parents.rs"),
        include_str!("criteria.rs"),
        include_str!("mixins.rs"),
        include_str!("components.rs"),
        include_str!("constraints.rs"),
        include_str!("checks.rs"),
        include_str!("conflicts.rs"),
        include_str!("recipes.rs"),
        include_str!("exempt.rs"),
        include_str!("upgrades.rs"),
    ];
    let source = sources.concat();
    let mut names = std::collections::BTreeSet::new();
    for (name, text) in rules() {
        assert!(names.insert(name), "{name} is listed twice");
        let found = source.matches(&format!("\"{name}\"")).count() > 1 || name == exempt::RULE.0;
        assert!(found, "{name} is listed and never found");
        assert!(!text.is_empty());
    }
    assert_eq!(names.len(), 31);
}
