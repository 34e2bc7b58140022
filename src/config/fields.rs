//! The fields of a configuration, in the reference's order, and a file that has them all.

use crate::{
    criteria::Dimension,
    document::{
        schema::CONFIGURATION,
        shape::Shape::{self, Count, Fields, Flag, List, Map, Text, Word},
    },
};

const TEXTS: Shape = List(&Text);
const FORMAT: Shape = Word(&["yaml", "json", "table"]);

/// A configuration.
pub const SHAPE: Shape = Fields(&[
    ("kind", Text),
    ("apiVersion", Text),
    ("metadata", Fields(&[("name", Text), ("labels", Map(&Text)), ("annotations", Map(&Text))])),
    (
        "spec",
        Fields(&[
            ("snapshot", SNAPSHOT),
            ("recipe", RECIPE),
            ("bundle", BUNDLE),
            ("validate", VALIDATE),
            ("verify", VERIFY),
        ]),
    ),
]);

const SNAPSHOT: Shape = Fields(&[
    ("output", Fields(&[("path", Text), ("format", FORMAT), ("template", Text)])),
    (
        "agent",
        Fields(&[
            ("namespace", Text),
            ("image", Text),
            ("imagePullSecrets", TEXTS),
            ("jobName", Text),
            ("serviceAccountName", Text),
            ("nodeSelector", Map(&Text)),
            ("tolerations", TEXTS),
            ("requireGpu", Flag),
            ("runtimeClassName", Text),
            ("os", Text),
            ("requests", Text),
            ("limits", Text),
        ]),
    ),
    ("execution", Fields(&[("timeout", Text), ("noCleanup", Flag), ("privileged", Flag), ("maxNodesPerEntry", Count)])),
]);

const RECIPE: Shape = Fields(&[
    (
        "criteria",
        Fields(&[
            ("service", Text),
            ("accelerator", Text),
            ("intent", Text),
            ("os", Text),
            ("platform", Text),
            ("nodes", Count),
        ]),
    ),
    ("input", Fields(&[("snapshot", Text)])),
    ("profile", Text),
    ("configuration", CONFIGURATION),
    ("output", Fields(&[("path", Text), ("format", FORMAT)])),
    ("data", Text),
    ("criteriaStrict", Flag),
]);

const BUNDLE: Shape = Fields(&[
    ("input", Fields(&[("recipe", Text)])),
    ("output", Fields(&[("target", Text), ("imageRefs", Text)])),
    (
        "deployment",
        Fields(&[
            ("deployer", Text),
            ("repo", Text),
            ("set", TEXTS),
            ("dynamic", TEXTS),
            ("vendorCharts", Flag),
            ("appName", Text),
        ]),
    ),
    (
        "scheduling",
        Fields(&[
            ("systemNodeSelector", Map(&Text)),
            ("systemNodeTolerations", TEXTS),
            ("acceleratedNodeSelector", Map(&Text)),
            ("acceleratedNodeTolerations", TEXTS),
            ("draEvictionNodeLabel", Text),
            ("workloadGate", Text),
            ("workloadSelector", Map(&Text)),
            ("nodes", Count),
            ("storageClass", Text),
            ("sharedStorageClass", Text),
        ]),
    ),
    (
        "attestation",
        Fields(&[
            ("enabled", Flag),
            ("certificateIdentityRegexp", Text),
            ("oidcDeviceFlow", Flag),
            ("fulcioURL", Text),
            ("rekorURL", Text),
            ("signingKey", Text),
        ]),
    ),
    ("registry", Fields(&[("insecureTLS", Flag), ("plainHTTP", Flag)])),
]);

const VALIDATE: Shape = Fields(&[
    ("input", Fields(&[("recipe", Text), ("snapshot", Text)])),
    (
        "agent",
        Fields(&[
            ("namespace", Text),
            ("image", Text),
            ("imagePullSecrets", TEXTS),
            ("jobName", Text),
            ("serviceAccountName", Text),
            ("nodeSelector", Map(&Text)),
            ("tolerations", TEXTS),
            ("requireGpu", Flag),
        ]),
    ),
    (
        "execution",
        Fields(&[
            ("phases", List(&Word(&["deployment", "performance", "conformance", "all"]))),
            ("skipChecks", TEXTS),
            ("failOnError", Flag),
            ("failFast", Flag),
            ("noCluster", Flag),
            ("noCleanup", Flag),
            ("timeout", Text),
        ]),
    ),
    (
        "evidence",
        Fields(&[
            ("cncf", Fields(&[("dir", Text), ("cncfSubmission", Flag), ("features", TEXTS)])),
            (
                "attestation",
                Fields(&[("out", Text), ("bom", Text), ("push", Text), ("plainHTTP", Flag), ("insecureTLS", Flag)]),
            ),
        ]),
    ),
]);

const VERIFY: Shape = Fields(&[
    ("policy", Fields(&[("minTrustLevel", Text), ("requireCreator", Text), ("cliVersionConstraint", Text)])),
    ("trust", Fields(&[("certificateIdentityRegexp", Text), ("key", Text), ("trustRoot", Text)])),
]);

/// A part of the file that belongs to one verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Snapshot,
    Recipe,
    Bundle,
    Validate,
    Verify,
}

impl Section {
    /// In the order of the file.
    pub const ALL: [Section; 5] =
        [Section::Snapshot, Section::Recipe, Section::Bundle, Section::Validate, Section::Verify];

    /// The key below `spec`.
    pub fn name(self) -> &'static str {
        match self {
            Section::Snapshot => "snapshot",
            Section::Recipe => "recipe",
            Section::Bundle => "bundle",
            Section::Validate => "validate",
            Section::Verify => "verify",
        }
    }

    /// What is below it.
    pub fn shape(self) -> Shape {
        match self {
            Section::Snapshot => SNAPSHOT,
            Section::Recipe => RECIPE,
            Section::Bundle => BUNDLE,
            Section::Validate => VALIDATE,
            Section::Verify => VERIFY,
        }
    }
}

/// Paths of every value of a section, from its name.
pub fn paths(section: Section) -> Vec<String> {
    fn below(path: &str, shape: &Shape, paths: &mut Vec<String>) {
        match shape {
            Fields(fields) => fields.iter().for_each(|(name, shape)| below(&format!("{path}.{name}"), shape, paths)),
            _ => paths.push(path.to_owned()),
        }
    }
    let mut paths = Vec::new();
    below(section.name(), &section.shape(), &mut paths);
    paths
}

/// A configuration with every field, of which only criteria are set; the others are comments.
pub fn template() -> String {
    let mut text = format!(
        "# Defaults for flags: `aicr recipe --config FILE`. A flag and an environment variable win over the file.\n\
         apiVersion: {}\nkind: AICRConfig\nmetadata:\n  name: my-cluster\nspec:\n",
        crate::document::header::CONFIG.versions[0].name
    );
    for section in Section::ALL {
        let is_set = section == Section::Recipe;
        text += &format!("{} {}:\n", if is_set { ' ' } else { '#' }, section.name());
        fields(&mut text, &section.shape(), 2, if is_set { "" } else { section.name() });
    }
    text
}

/// One level of fields; the criteria are the only ones without `#`.
fn fields(text: &mut String, shape: &Shape, depth: usize, within: &str) {
    let Fields(all) = shape else { return };
    for (name, shape) in *all {
        let is_set = within.is_empty() && *name == "criteria" || within == "criteria" && *name != "nodes";
        let indent = if is_set { "  ".repeat(depth) } else { format!("#{}", " ".repeat(2 * depth - 1)) };
        *text += &format!("{indent}{name}:{}\n", example(name, within, shape));
        let within = if within.is_empty() {
            name
        } else if within == "criteria" {
            "criteria"
        } else {
            within
        };
        fields(text, shape, depth + 1, within);
    }
}

/// A value that the field can have.
fn example(name: &str, within: &str, shape: &Shape) -> &'static str {
    match (name, shape) {
        (_, Fields(_)) => "",
        (_, Count) => " 0",
        (_, _) if Dimension::ALL.iter().any(|dimension| dimension.name() == name) && within == "criteria" => " any",
        ("timeout", _) => " 5m",
        ("profile", _) => " gpuStack=azure-managed",
        ("mode", _) => " disabled",
        ("format", _) => " yaml",
        ("phases", _) => " [all]",
        // What holds without the setting.
        ("failOnError" | "privileged", _) => " true",
        (_, Flag) => " false",
        (_, List(_)) => " []",
        (_, Map(_)) => " {}",
        (_, _) => " \"\"",
    }
}
