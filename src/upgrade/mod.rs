//! May the versions that are installed be replaced by those that a recipe wants?
//!
//! In: the components of two sides and the upgrade records of a catalog. Out: a [`report::Report`] with a verdict, a
//! reason and what to do for each component that changes. Nothing is changed, and only `safe` passes: what nobody has
//! recorded is unknown.

pub mod boundary;
pub mod identity;
pub mod inherit;
pub mod report;

/// What becomes of one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Somebody has done it, and nothing is to be done by hand.
    Safe,
    /// Somebody has done it, with steps to be taken by hand.
    Manual,
    /// It must not be done, or not in one step.
    Blocked,
    /// Nobody has recorded anything about it.
    Unknown,
    /// The versions have no order.
    Unversioned,
}

impl Verdict {
    pub const ALL: [Verdict; 5] =
        [Verdict::Safe, Verdict::Manual, Verdict::Blocked, Verdict::Unknown, Verdict::Unversioned];

    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Safe => "safe",
            Verdict::Manual => "manual",
            Verdict::Blocked => "blocked",
            Verdict::Unknown => "unknown",
            Verdict::Unversioned => "unversioned",
        }
    }
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Recorded,
    RecordBlocks,
    NotComparable,
    Downgrade,
    NoRecord,
    BeyondRecordCeiling,
    NoBoundaryCrossed,
    UndefinedOrigin,
    MultipleBoundaries,
    IdentityChanged,
}

impl Reason {
    pub const ALL: [Reason; 10] = [
        Reason::Recorded,
        Reason::RecordBlocks,
        Reason::NotComparable,
        Reason::Downgrade,
        Reason::NoRecord,
        Reason::BeyondRecordCeiling,
        Reason::NoBoundaryCrossed,
        Reason::UndefinedOrigin,
        Reason::MultipleBoundaries,
        Reason::IdentityChanged,
    ];

    /// As reports write it.
    pub fn code(self) -> &'static str {
        match self {
            Reason::Recorded => "recorded",
            Reason::RecordBlocks => "record-blocks",
            Reason::NotComparable => "not-comparable",
            Reason::Downgrade => "downgrade",
            Reason::NoRecord => "no-record",
            Reason::BeyondRecordCeiling => "beyond-record-ceiling",
            Reason::NoBoundaryCrossed => "no-boundary-crossed",
            Reason::UndefinedOrigin => "undefined-origin",
            Reason::MultipleBoundaries => "multiple-boundaries",
            Reason::IdentityChanged => "identity-changed",
        }
    }

    /// A sentence for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Reason::Recorded => "the upgrade record describes this upgrade",
            Reason::RecordBlocks => "the upgrade record blocks a release on the way",
            Reason::NotComparable => "at least one of the versions is not a whole SemVer version",
            Reason::Downgrade => "the target is older than what is installed, and records describe upgrades only",
            Reason::NoRecord => "no upgrade record exists for this component",
            Reason::BeyondRecordCeiling => "the target is newer than every release that the record knows",
            Reason::NoBoundaryCrossed => "a record exists, and none of its boundaries lies between the two versions",
            Reason::UndefinedOrigin => "the record does not cover an upgrade from the installed version",
            Reason::MultipleBoundaries => "several recorded boundaries lie between the two versions: upgrade in steps",
            Reason::IdentityChanged => "the component would be installed under another name or in another place",
        }
    }
}
