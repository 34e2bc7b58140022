//! What a person can make go wrong in the demo cluster, and how they write it: `unschedulable=dra-support`, `slow=200ms`.

use crate::{criteria::near_matches, text::did_you_mean};
use std::{fmt, str::FromStr};

/// One thing to go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Pods of this check cannot be scheduled.
    Unschedulable { check: String },
    /// The image of this check cannot be pulled.
    ImagePull { check: String },
    /// This check fails: the thing it looks at is broken.
    CheckFails { check: String },
    /// Every answer takes this long.
    Slow { millis: u64 },
    /// Watches end after this many events.
    DroppedWatch { after: usize },
    /// The verb on the resource is forbidden (`list nodes`, `create jobs`).
    Forbidden { verb: String, resource: String },
}

/// Checks whose object of interest can be broken, and the file that breaks it.
pub const BREAKABLE: &[(&str, &str)] = &[
    ("accelerator-metrics", "damage/exporter-lacks-fields.yaml"),
    ("ai-service-metrics", "damage/metrics-adapter-unavailable.yaml"),
    ("check-nvidia-smi", "damage/gpu-without-device.yaml"),
    ("dra-support", "damage/dra-plugin-crashes.yaml"),
    ("expected-resources", "damage/nfd-worker-missing.yaml"),
    ("gang-scheduling", "damage/kai-binder-down.yaml"),
    ("gpu-operator-health", "damage/gpu-operator-not-ready.yaml"),
    ("gpu-operator-version", "damage/gpu-operator-old.yaml"),
    ("operator-health", "damage/gpu-operator-crashes.yaml"),
    ("platform-health", "damage/namespace-terminating.yaml"),
    ("pod-autoscaling", "damage/metrics-adapter-unavailable.yaml"),
    ("secure-accelerator-access", "damage/gpu-open-to-all.yaml"),
];

/// Names of the checks that can be made to fail.
pub fn breakable() -> impl Iterator<Item = &'static str> {
    BREAKABLE.iter().map(|(check, _)| *check)
}

const FORMS: &str = "unschedulable=CHECK, image-pull=CHECK, check-fails=CHECK, slow=200ms, dropped-watch=5, \
                     forbidden=VERB:RESOURCE";
const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Why a text is not a fault.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultError {
    /// No equals sign, or an unknown word before it.
    UnknownKind {
        text: String,
    },
    /// Nothing after the equals sign.
    NoValue {
        kind: String,
    },
    NotADuration {
        text: String,
    },
    NotACount {
        text: String,
    },
    /// Not `verb:resource`, or a verb that nothing has.
    NotAPermission {
        text: String,
    },
    /// The demo cannot break what this check looks at.
    NotBreakable {
        check: String,
    },
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultError::UnknownKind { text } => write!(f, "`{text}` is not a fault; write one of {FORMS}"),
            FaultError::NoValue { kind } => {
                write!(f, "missing value after `{kind}=`; write one of {FORMS}")
            }
            FaultError::NotADuration { text } => {
                write!(
                    f,
                    "`{text}` is not a duration; write milliseconds or seconds, for example `slow=200ms` or `slow=2s`"
                )
            }
            FaultError::NotACount { text } => {
                write!(f, "`{text}` is not a number of events; write for example `dropped-watch=5`")
            }
            FaultError::NotAPermission { text } => {
                let verbs = VERBS.join(", ");
                write!(
                    f,
                    "`{text}` is not a verb on a resource; write for example `forbidden=create:jobs`; verbs are {verbs}"
                )
            }
            FaultError::NotBreakable { check } => {
                let near = near_matches(check, breakable()).into_iter().map(|near| format!("`{near}`"));
                let near = did_you_mean(&near.collect::<Vec<_>>()).map_or_else(String::new, |near| format!("{near} "));
                let there = breakable().collect::<Vec<_>>().join(", ");
                write!(f, "the demo cannot break what `{check}` looks at; {near}there are: {there}")
            }
        }
    }
}

impl std::error::Error for FaultError {}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Fault, FaultError> {
        let unknown = || FaultError::UnknownKind { text: text.to_owned() };
        let (kind, value) = text.split_once('=').ok_or_else(unknown)?;
        let kinds = ["unschedulable", "image-pull", "check-fails", "slow", "dropped-watch", "forbidden"];
        if !kinds.contains(&kind) {
            return Err(unknown());
        }
        if value.is_empty() {
            return Err(FaultError::NoValue { kind: kind.to_owned() });
        }
        let check = value.to_owned();
        match kind {
            "unschedulable" => Ok(Fault::Unschedulable { check }),
            "image-pull" => Ok(Fault::ImagePull { check }),
            "check-fails" if BREAKABLE.iter().any(|(check, _)| *check == value) => Ok(Fault::CheckFails { check }),
            "check-fails" => Err(FaultError::NotBreakable { check }),
            "slow" => millis(value).map(|millis| Fault::Slow { millis }),
            "dropped-watch" => {
                let after = value.parse().map_err(|_| FaultError::NotACount { text: value.to_owned() })?;
                Ok(Fault::DroppedWatch { after })
            }
            _ => {
                let bad = || FaultError::NotAPermission { text: value.to_owned() };
                let (verb, resource) = value.split_once(':').ok_or_else(bad)?;
                if !VERBS.contains(&verb) || resource.is_empty() {
                    return Err(bad());
                }
                Ok(Fault::Forbidden { verb: verb.to_owned(), resource: resource.to_owned() })
            }
        }
    }
}

fn millis(text: &str) -> Result<u64, FaultError> {
    let bad = || FaultError::NotADuration { text: text.to_owned() };
    let (digits, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => (digits, 1),
        (None, Some(digits)) => (digits, 1_000),
        (None, None) => (text, 1),
    };
    digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(bad)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unschedulable { check } => write!(f, "unschedulable={check}"),
            Fault::ImagePull { check } => write!(f, "image-pull={check}"),
            Fault::CheckFails { check } => write!(f, "check-fails={check}"),
            Fault::Slow { millis } => write!(f, "slow={millis}ms"),
            Fault::DroppedWatch { after } => write!(f, "dropped-watch={after}"),
            Fault::Forbidden { verb, resource } => write!(f, "forbidden={verb}:{resource}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_written_as_it_is_read() {
        for text in [
            "unschedulable=dra-support",
            "image-pull=dra-support",
            "check-fails=gpu-operator-health",
            "slow=200ms",
            "dropped-watch=5",
            "forbidden=get:pods/log",
        ] {
            assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("slow=2s".parse(), Ok(Fault::Slow { millis: 2_000 }));
        assert_eq!("slow=250".parse(), Ok(Fault::Slow { millis: 250 }));
    }

    #[track_caller]
    fn check(text: &str, says: &str) {
        let error = text.parse::<Fault>().expect_err("not a fault").to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn a_bad_fault_says_what_would_be_one() {
        check("nonsense", "`nonsense` is not a fault; write one of unschedulable=CHECK");
        check("quake=9", "`quake=9` is not a fault");
        check("image-pull=", "missing value after `image-pull=`");
        check("slow=fast", "write milliseconds or seconds");
        check("slow=99999999999999999999s", "is not a duration");
        check("dropped-watch=some", "is not a number of events");
        check("forbidden=jobs", "write for example `forbidden=create:jobs`");
        check("forbidden=eat:jobs", "is not a verb on a resource");
        check("check-fails=cluster-autoscaling", "looks at; there are: accelerator-metrics, ai-service-metrics");
        let near =
            "cannot break what `gpu-operator-helth` looks at; did you mean `gpu-operator-health`? there are: acc";
        check("check-fails=gpu-operator-helth", near);
    }
}
