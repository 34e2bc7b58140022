//! Whose images run the checks of the catalog: this program's, or those that the reference publishes.
//!
//! An image of the reference is run under the reference's contract: its check's name as the argument, snapshot and validation
//! input as files, every right on the cluster. What is not known of an image is refused, not guessed.

use super::checks::Rule;
use crate::catalog::validator::Validator;
use std::{fmt, str::FromStr};

/// The release of the reference whose catalog of checks this program has.
pub const RELEASE: &str = "v1.0.0";

/// Checks of which it is not known which published image has them.
const UNKNOWN: [&str; 1] = ["gke-gpu-nic-topology"];

/// What the images of the catalog are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Validators {
    /// This program stands for them.
    #[default]
    Own,
    /// The reference's, with this tag.
    Reference { tag: String },
}

impl Validators {
    /// The tag of the reference's images; `None` where this program stands for them.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Validators::Own => None,
            Validators::Reference { tag } => Some(tag),
        }
    }

    /// Why a check of the catalog cannot be run by an image of the reference.
    pub fn obstacle(&self, validator: &Validator) -> Option<String> {
        self.tag().filter(|_| UNKNOWN.contains(&&*validator.name))?;
        Some("it is not known which published image of the reference has this check".to_owned())
    }

    /// What a person should know who runs them.
    pub fn notice(&self) -> Option<String> {
        let tag = self.tag()?;
        Some(format!(
            "the reference's images {tag} run with every right on the cluster, as their contract asks; what they create carries no \
             label of this run, so that the clean-up does not find what they leave, for example namespace gang-scheduling-test"
        ))
    }
}

/// What the contract of the reference's images asks for.
pub fn rules() -> Vec<Rule> {
    vec![Rule::to(&["*"], "*", "*")]
}

impl fmt::Display for Validators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Validators::Own => f.write_str("own"),
            Validators::Reference { tag } => write!(f, "reference={tag}"),
        }
    }
}

impl FromStr for Validators {
    type Err = String;

    fn from_str(text: &str) -> Result<Validators, String> {
        let (whose, tag) = text.split_once('=').map_or((text, None), |(whose, tag)| (whose, Some(tag)));
        match (whose, tag) {
            ("own", None) => Ok(Validators::Own),
            ("reference", None) => Ok(Validators::Reference { tag: RELEASE.to_owned() }),
            ("reference", Some("latest")) => Err(format!(
                "`latest` may be another image in each run; name a release, for example reference={RELEASE}"
            )),
            ("reference", Some(tag)) if is_tag(tag) => Ok(Validators::Reference { tag: tag.to_owned() }),
            ("reference", Some(tag)) => {
                Err(format!("`{tag}` is not a tag that the three images share; write for example reference={RELEASE}"))
            }
            _ => Err(format!("`{text}` is not known; write own, reference or reference=TAG")),
        }
    }
}

/// As registries take them. A digest is of one image, and there are three.
fn is_tag(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_letter) && !text.starts_with(['.', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_and_what_moves_is_refused() {
        let read = |text: &str| text.parse::<Validators>();
        for text in ["own", "reference=v1.0.0", "reference=sha-0123abc"] {
            assert_eq!(read(text).map(|validators| validators.to_string()).as_deref(), Ok(text));
        }
        assert_eq!(read("reference").map(|validators| validators.to_string()), Ok(format!("reference={RELEASE}")));
        assert!(read("reference=latest").unwrap_err().contains("name a release"));
        for text in ["reference=", "reference=sha256:00ff", "reference=a/b"] {
            assert!(read(text).unwrap_err().contains("is not a tag that the three images share"), "{text}");
        }
        assert!(read("theirs").unwrap_err().contains("write own, reference or reference=TAG"));
    }
}
