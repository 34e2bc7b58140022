//! Which readings a constraint can name: the addresses of the reference's catalog of readings, and ours.
//!
//! In: a path as a file has it. Out: whether any snapshot can have such a reading, and if not, the word that is wrong
//! with the known one next to it. So a typo is found when a file is loaded and not when it is evaluated on a cluster.
//!
//! A new collector adds its subtype to [`KINDS`].

use crate::{criteria::near_matches, text::near_or_all};
use std::fmt;

/// Keys of a table of readings.
#[derive(Clone, Copy, Debug)]
enum Keys {
    /// Any: names of images, labels, kernel parameters.
    Open,
    /// These.
    Of(&'static [&'static str]),
    /// The subtype has no such table.
    None,
}

/// A table of readings: its name, its keys, and the keys of its items.
type Subtype = (&'static str, Keys, Keys);

/// Subtypes of a measurement.
enum Subtypes {
    Of(&'static [Subtype]),
    /// Any subtype with any key; the last dot ends the subtype, which may hold dots.
    Any,
}

/// A path that needs no subtype in the file: what it says is worked out over the nodes.
pub const GPU_NODE_LABEL: &str = "NodeTopology.gpu-nodes.label";

use Keys::{None as Nothing, Of, Open};

const OPERATOR: Keys = Of(&["collection-state", "api-available", "api-version"]);

/// Every measurement type, in the order in which they are written.
static KINDS: [(&str, Subtypes); 6] = [
    (
        "K8s",
        Subtypes::Of(&[
            ("server", Of(&["version", "platform", "goVersion"]), Nothing),
            (
                "node",
                Of(&[
                    "source-node",
                    "provider",
                    "provider-id",
                    "container-runtime-id",
                    "container-runtime-name",
                    "container-runtime-version",
                    "kubelet-version",
                    "kernel-version",
                    "operating-system",
                    "os-image",
                    // Ours; and the first name of `source-node`.
                    "service",
                    "node-name",
                ]),
                Nothing,
            ),
            ("image", Open, Nothing),
            ("policy", Open, Nothing),
            ("aks-gpu-pools", Of(&["gpu-pool-count", "gpu-pools", "gpu-driver"]), Nothing),
            ("gke-gpu-pools", Of(&["gpu-pool-count", "gpu-pools", "gpu-driver-installation"]), Nothing),
            ("oke-addons", Of(&["addon-count", "nvidia-gpu-plugin"]), Nothing),
            ("oke-legacy-plugin", Of(&["nvidia-gpu-device-plugin", "daemonset"]), Nothing),
            (
                "slinky-slurm",
                Of(&[
                    "api-available",
                    "api-version",
                    "collection-state",
                    "controller-count",
                    "detected",
                    "nodeset-count",
                    "loginset-count",
                    "restapi-count",
                    "accounting-count",
                ]),
                Of(&[
                    "cluster-name",
                    "external",
                    "accounting-ref-present",
                    "partition-enabled",
                    "id",
                    "kind",
                    "namespace",
                    "name",
                    "api-version",
                    "controller-id",
                ]),
            ),
            ("mariadb-operator", OPERATOR, Nothing),
            ("percona-server-mongodb", OPERATOR, Nothing),
            ("default-storage-class", Of(&["collection-state", "default-count", "default-classes"]), Nothing),
            // Ours.
            ("helm", Open, Open),
            ("workloads", Nothing, Open),
            ("collection", Open, Nothing),
        ]),
    ),
    (
        "GPU",
        Subtypes::Of(&[
            ("hardware", Of(&["gpu-present", "gpu-count", "driver-loaded", "detection-source", "model"]), Nothing),
            // Early releases, and ours.
            ("smi", Open, Nothing),
        ]),
    ),
    (
        "OS",
        Subtypes::Of(&[
            ("release", Open, Nothing),
            ("sysctl", Open, Nothing),
            ("grub", Open, Nothing),
            ("kmod", Open, Nothing),
            ("extensions", Open, Nothing),
        ]),
    ),
    ("SystemD", Subtypes::Any),
    (
        "NodeTopology",
        Subtypes::Of(&[
            ("summary", Of(&["node-count", "taint-count", "label-count"]), Nothing),
            ("label", Open, Open),
            ("taint", Open, Open),
            // Ours.
            ("nodes", Nothing, Open),
            ("agent", Nothing, Open),
            ("modules", Nothing, Open),
            ("os-release", Nothing, Open),
        ]),
    ),
    (
        "NetworkTopology",
        Subtypes::Of(&[
            ("identity", Of(&["pf-count", "rail-count"]), Nothing),
            ("capabilities", Of(&["sriov", "rdma", "ib"]), Nothing),
            (
                "pfs",
                Nothing,
                Of(&[
                    "pciAddress",
                    "deviceID",
                    "psid",
                    "partNumber",
                    "rdmaDevice",
                    "networkInterface",
                    "model",
                    "connectedGPU",
                    "gpuProximity",
                    "rail",
                    "numaNode",
                    "traffic",
                ]),
            ),
            ("kernel-modules", Open, Nothing),
        ]),
    ),
];

/// A path that no snapshot can have a reading for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    /// The path as written.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Not of the form `Type.subtype.key` or `Type.subtype[item].key`: what is missing.
    Form(&'static str),
    /// A word that is not known at its place, with what it is and those that look alike.
    Word {
        /// `measurement type`, `subtype of K8s`, `key of K8s.server`.
        what: String,
        /// As written.
        found: String,
        /// Known words that look alike, else all of them where they are few.
        near: Vec<String>,
        /// All known words.
        known: Vec<&'static str>,
    },
    /// Descriptive texts of a subtype are not addressable.
    Context,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.problem {
            Problem::Form(missing) => write!(f, "`{path}` is not a measurement path: {missing}"),
            Problem::Word { what, found, .. } => write!(f, "`{path}` names no reading: unknown {what} `{found}`"),
            Problem::Context => write!(f, "`{path}` names a context, which constraints cannot use"),
        }
    }
}

impl std::error::Error for AddressError {}

impl AddressError {
    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            Problem::Form(_) => Some("write Type.subtype.key, for example K8s.server.version".to_owned()),
            Problem::Word { near, known, .. } => {
                (!near.is_empty() || !known.is_empty()).then(|| near_or_all(near, known.iter().copied()))
            }
            Problem::Context => None,
        }
    }
}

/// Whether the name of a rule is meant as a path: it begins with a measurement type.
pub fn is_path(name: &str) -> bool {
    let kind = name.split('.').next().unwrap_or_default();
    name.contains('.') && KINDS.iter().any(|(known, _)| *known == kind)
}

/// Checks that a snapshot can have the reading that a path names.
///
/// # Errors
/// The first word that is not known.
pub fn check(path: &str) -> Result<(), AddressError> {
    problem(path).map_or(Ok(()), |problem| Err(AddressError { path: path.to_owned(), problem }))
}

fn problem(path: &str) -> Option<Problem> {
    if path == GPU_NODE_LABEL {
        return None;
    }
    let Some((kind, rest)) = path.split_once('.') else { return Some(Problem::Form("it has no dot")) };
    let Some((_, subtypes)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        let known = KINDS.iter().map(|(known, _)| *known).collect();
        return Some(word("measurement type".to_owned(), kind, known));
    };
    let Subtypes::Of(subtypes) = subtypes else {
        return match rest.rsplit_once('.') {
            Some((subtype, key)) if !(subtype.is_empty() || key.is_empty()) => None,
            _ => Some(Problem::Form("expected a unit and a property after the type")),
        };
    };
    let Some(end) = rest.find(['.', '[']) else { return Some(Problem::Form("it has no key")) };
    let (name, rest) = rest.split_at(end);
    let Some((_, data, items)) = subtypes.iter().find(|(known, _, _)| *known == name) else {
        let known = subtypes.iter().map(|(known, _, _)| *known).collect();
        return Some(word(format!("subtype of {kind}"), name, known));
    };
    let Some(inner) = rest.strip_prefix('[') else {
        let key = &rest[1..];
        return match key {
            "" => Some(Problem::Form("it has no key")),
            key if key == "context" || key.starts_with("context.") => Some(Problem::Context),
            key => known(&format!("{kind}.{name}"), "key", key, *data),
        };
    };
    let Some((choice, key)) = inner.split_once(']') else { return Some(Problem::Form("the bracket is not closed")) };
    let Some(key) = key.strip_prefix('.').filter(|key| !key.is_empty()) else {
        return Some(Problem::Form("no `.key` follows the bracket"));
    };
    let of = format!("items of {kind}.{name}");
    match choice.split_once('=') {
        Some((predicate, value)) if !(predicate.is_empty() || value.is_empty()) => {
            known(&of, "key", predicate, *items).or_else(|| known(&of, "key", key, *items))
        }
        None if choice.parse::<usize>().is_ok() => known(&of, "key", key, *items),
        _ => Some(Problem::Form("the bracket holds neither an index nor `key=value`")),
    }
}

fn known(of: &str, what: &str, found: &str, keys: Keys) -> Option<Problem> {
    match keys {
        Open => None,
        Of(keys) if keys.contains(&found) => None,
        Of(keys) => Some(word(format!("{what} of {of}"), found, keys.to_vec())),
        Nothing => Some(word(format!("{what} of {of}"), found, Vec::new())),
    }
}

fn word(what: String, found: &str, known: Vec<&'static str>) -> Problem {
    let near = near_matches(found, known.iter().copied());
    Problem::Word { what, found: found.to_owned(), near, known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Result<(), (&str, Option<&str>)>) {
        let found = super::check(path).map_err(|error| (error.to_string(), error.hint()));
        let found = found.as_ref().map_err(|(text, hint)| (text.as_str(), hint.as_deref()));
        assert_eq!(found.copied(), expected, "{path}");
    }

    #[test]
    fn types_are_those_of_the_file_in_its_order() {
        assert_eq!(KINDS.each_ref().map(|(kind, _)| *kind), super::super::path::TYPES);
    }

    #[test]
    fn known_readings_are_addressable() {
        for path in [
            "K8s.server.version",
            "K8s.image.nvcr.io/nvidia/driver",
            "K8s.policy.driver.enabled",
            "OS.sysctl./proc/sys/kernel/osrelease",
            "SystemD.containerd.service.ActiveState",
            "NodeTopology.label.topology.kubernetes.io/zone",
            "NodeTopology.gpu-nodes.label",
            "NetworkTopology.pfs[rail=0].model",
            "NetworkTopology.pfs[0].numaNode",
            "K8s.slinky-slurm[id=controller/slurm/slinky].cluster-name",
            "K8s.aks-gpu-pools.gpu-driver",
        ] {
            check(path, Ok(()));
        }
    }

    #[test]
    fn a_wrong_word_is_named_with_the_one_next_to_it() {
        let unknown = |path: &str, what: &str, hint: &str| {
            check(path, Err((&format!("`{path}` names no reading: unknown {what}"), Some(hint))));
        };
        unknown("K8s.server.verison", "key of K8s.server `verison`", "did you mean version?");
        unknown("K8s.sever.version", "subtype of K8s `sever`", "did you mean server?");
        unknown("K8S.server.version", "measurement type `K8S`", "did you mean K8s?");
        unknown(
            "GPU.hardware.memory",
            "key of GPU.hardware `memory`",
            "there are: gpu-present, gpu-count, driver-loaded, detection-source, model",
        );
        unknown(
            "NetworkTopology.pfs[rial=0].model",
            "key of items of NetworkTopology.pfs `rial`",
            "did you mean rail?",
        );
        unknown("NetworkTopology.pfs[0].modle", "key of items of NetworkTopology.pfs `modle`", "did you mean model?");
    }

    #[test]
    fn what_is_not_a_path_says_why() {
        let form = Some("write Type.subtype.key, for example K8s.server.version");
        check("version", Err(("`version` is not a measurement path: it has no dot", form)));
        check("K8s.server", Err(("`K8s.server` is not a measurement path: it has no key", form)));
        check("K8s.server.", Err(("`K8s.server.` is not a measurement path: it has no key", form)));
        let path = "SystemD.containerd";
        check(
            path,
            Err((&format!("`{path}` is not a measurement path: expected a unit and a property after the type"), form)),
        );
        check(
            "K8s.image.context.x",
            Err(("`K8s.image.context.x` names a context, which constraints cannot use", None)),
        );
        check(
            "K8s.slinky-slurm[id].name",
            Err((
                "`K8s.slinky-slurm[id].name` is not a measurement path: the bracket holds neither an index nor `key=value`",
                form,
            )),
        );
        assert!(is_path("K8s.x") && !is_path("throughput") && !is_path("nccl.all-reduce"));
    }
}
