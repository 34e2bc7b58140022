//! The fields of the reference's documents, in its order.
//!
//! Documents of the extended versions (`v1beta2`) are read strictly against these; of the others, what is not here is
//! kept and written again.

use super::shape::Shape::{self, Any, Count, Fields, Flag, List, Map, Text};

/// What the severity of a constraint may be, in any case; one without a severity is an error.
pub const SEVERITIES: [&str; 5] = ["error", "warning", "warn", "info", "informational"];

/// Whether a severity is one of [`SEVERITIES`], or none.
pub fn is_severity(text: &str) -> bool {
    text.is_empty() || SEVERITIES.iter().any(|known| known.eq_ignore_ascii_case(text))
}

const TEXTS: Shape = List(&Text);

const CRITERIA: Shape = Fields(&[
    ("service", Text),
    ("accelerator", Text),
    ("intent", Text),
    ("os", Text),
    ("platform", Text),
    ("nodes", Count),
]);

const CONSTRAINTS: Shape =
    List(&Fields(&[("name", Text), ("value", Text), ("severity", Text), ("remediation", Text), ("unit", Text)]));

const COMPONENT_REFS: Shape = List(&Fields(&[
    ("name", Text),
    ("namespace", Text),
    ("chart", Text),
    ("type", Text),
    ("source", Text),
    ("version", Text),
    ("tag", Text),
    ("valuesFile", Text),
    ("overrides", Any),
    ("patches", TEXTS),
    ("dependencyRefs", TEXTS),
    ("manifestFiles", TEXTS),
    ("preManifestFiles", TEXTS),
    ("path", Text),
    ("cleanup", Flag),
    ("expectedResources", List(&Fields(&[("kind", Text), ("name", Text), ("namespace", Text)]))),
    ("healthCheckAsserts", Text),
    ("healthCheckSkip", Flag),
]));

const PHASE: Shape = Fields(&[
    ("timeout", Text),
    ("constraints", CONSTRAINTS),
    ("checks", TEXTS),
    ("nodeSelection", Fields(&[("selector", Map(&Text)), ("maxNodes", Any), ("excludeNodes", TEXTS)])),
    ("infrastructure", Text),
]);

const VALIDATION: Shape =
    Fields(&[("readiness", PHASE), ("deployment", PHASE), ("performance", PHASE), ("conformance", PHASE)]);

/// Settings of a recipe that change more than values: `configuration`.
pub const CONFIGURATION: Shape = Fields(&[
    ("slurm", Fields(&[("accounting", Fields(&[("mode", Text)]))])),
    ("runtimeInventory", Fields(&[("mode", Text)])),
    ("gke", Fields(&[("tcpxoInterfaces", List(&Fields(&[("interfaceName", Text), ("network", Text)])))])),
]);

/// `RecipeResult`.
pub const RECIPE: Shape = Fields(&[
    ("kind", Text),
    ("apiVersion", Text),
    (
        "metadata",
        Fields(&[
            ("version", Text),
            ("appliedOverlays", TEXTS),
            // Names in files of older versions, objects since.
            ("excludedOverlays", List(&Any)),
            (
                "constraintWarnings",
                List(&Fields(&[
                    ("overlay", Text),
                    ("constraint", Text),
                    ("expected", Text),
                    ("actual", Text),
                    ("reason", Text),
                ])),
            ),
            (
                "selectedProfile",
                Fields(&[("name", Text), ("value", Text), ("advertiser", Text), ("ownedPaths", Map(&TEXTS))]),
            ),
            ("gpuDriverState", Text),
            ("mariaDBOperatorState", Text),
            ("defaultStorageClassState", Text),
            ("perconaOperatorState", Text),
        ]),
    ),
    ("criteria", CRITERIA),
    ("configuration", CONFIGURATION),
    ("constraints", CONSTRAINTS),
    ("componentRefs", COMPONENT_REFS),
    ("deploymentOrder", TEXTS),
    ("validation", VALIDATION),
]);

/// `RecipeMetadata`: an overlay.
pub const OVERLAY: Shape = Fields(&[
    ("kind", Text),
    ("apiVersion", Text),
    ("metadata", Fields(&[("name", Text)])),
    (
        "spec",
        Fields(&[
            ("base", Text),
            ("criteria", CRITERIA),
            ("mixins", TEXTS),
            ("constraints", CONSTRAINTS),
            ("componentRefs", COMPONENT_REFS),
            (
                "profile",
                Fields(&[
                    ("name", Text),
                    ("description", Text),
                    ("default", Text),
                    (
                        "values",
                        Map(&Fields(&[
                            ("advertiser", Text),
                            ("constraints", CONSTRAINTS),
                            ("readinessConstraints", CONSTRAINTS),
                            ("componentRefs", COMPONENT_REFS),
                        ])),
                    ),
                ]),
            ),
            ("validation", VALIDATION),
        ]),
    ),
]);

/// `Snapshot`, down to the tables of readings.
pub const SNAPSHOT: Shape = Fields(&[
    ("kind", Text),
    ("apiVersion", Text),
    ("metadata", Any),
    ("fingerprint", Any),
    (
        "measurements",
        List(&Fields(&[
            ("type", Text),
            (
                "subtypes",
                List(&Fields(&[
                    ("subtype", Text),
                    ("context", Any),
                    ("data", Any),
                    ("items", List(&Fields(&[("context", Any), ("data", Any)]))),
                ])),
            ),
        ])),
    ),
]);
