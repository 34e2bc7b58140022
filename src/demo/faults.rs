//! What can be made to go wrong in the demo, and how a person writes it: `unschedulable=dra-support`, `slow=200ms`.

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

/// Checks whose object of interest the demo knows how to break.
pub const BREAKABLE: &[&str] =
    &["accelerator-metrics", "ai-service-metrics", "dra-support", "gpu-operator-health", "platform-health"];

const FORMS: &str = "unschedulable=CHECK, image-pull=CHECK, check-fails=CHECK, slow=200ms, dropped-watch=5, \
                     forbidden=VERB:RESOURCE";
const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Why a text is no fault.
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
    /// A duration that is none.
    NoDuration {
        text: String,
    },
    NoCount {
        text: String,
    },
    /// Not `verb:resource`, or a verb that nothing has.
    NoPermission {
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
            FaultError::UnknownKind { text } => write!(f, "`{text}` is no fault; write one of {FORMS}"),
            FaultError::NoValue { kind } => {
                write!(f, "`{kind}=` says nothing after the equals sign; write one of {FORMS}")
            }
            FaultError::NoDuration { text } => {
                write!(
                    f,
                    "`{text}` is no duration; write milliseconds or seconds, for example `slow=200ms` or `slow=2s`"
                )
            }
            FaultError::NoCount { text } => {
                write!(f, "`{text}` is no number of events; write for example `dropped-watch=5`")
            }
            FaultError::NoPermission { text } => {
                let verbs = VERBS.join(", ");
                write!(
                    f,
                    "`{text}` is no verb on a resource; write for example `forbidden=create:jobs`; verbs are {verbs}"
                )
            }
            FaultError::NotBreakable { check } => {
                write!(f, "the demo cannot break what `{check}` looks at, only {}", BREAKABLE.join(", "))
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
            "check-fails" if BREAKABLE.contains(&value) => Ok(Fault::CheckFails { check }),
            "check-fails" => Err(FaultError::NotBreakable { check }),
            "slow" => millis(value).map(|millis| Fault::Slow { millis }),
            "dropped-watch" => {
                let after = value.parse().map_err(|_| FaultError::NoCount { text: value.to_owned() })?;
                Ok(Fault::DroppedWatch { after })
            }
            _ => {
                let bad = || FaultError::NoPermission { text: value.to_owned() };
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
    let bad = || FaultError::NoDuration { text: text.to_owned() };
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

/// All faults of a cluster, asked by those who are to fail.
#[derive(Clone, Debug, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn is_unschedulable(&self, check: &str) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::Unschedulable { check: of } if of == check))
    }

    pub fn cannot_pull(&self, check: &str) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::ImagePull { check: of } if of == check))
    }

    pub fn breaks(&self, check: &str) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::CheckFails { check: of } if of == check))
    }

    pub fn delay_millis(&self) -> Option<u64> {
        self.0.iter().find_map(|fault| if let Fault::Slow { millis } = fault { Some(*millis) } else { None })
    }

    pub fn watch_ends_after(&self) -> Option<usize> {
        self.0.iter().find_map(|fault| if let Fault::DroppedWatch { after } = fault { Some(*after) } else { None })
    }

    /// `resource` is with its subresource: `pods/log`.
    pub fn forbids(&self, verb: &str, resource: &str) -> bool {
        self.0
            .iter()
            .any(|fault| matches!(fault, Fault::Forbidden { verb: of, resource: on } if of == verb && on == resource))
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
        let error = text.parse::<Fault>().expect_err("no fault").to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn what_is_no_fault_says_what_would_be_one() {
        check("nonsense", "`nonsense` is no fault; write one of unschedulable=CHECK");
        check("quake=9", "`quake=9` is no fault");
        check("image-pull=", "says nothing after the equals sign");
        check("slow=fast", "write milliseconds or seconds");
        check("slow=99999999999999999999s", "is no duration");
        check("dropped-watch=some", "is no number of events");
        check("forbidden=jobs", "write for example `forbidden=create:jobs`");
        check("forbidden=eat:jobs", "is no verb on a resource");
        check("check-fails=gang-scheduling", "only accelerator-metrics, ai-service-metrics");
    }
}
