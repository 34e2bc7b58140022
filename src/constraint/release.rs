//! Releases of components as upgrade records order them, and ranges of releases.
//!
//! A release is a whole SemVer version with an optional `v`. That is stricter than the versions of constraints: what a
//! record says about 1.2.0 must not be taken for 1.2.

use semver::Version;
use std::{cmp::Ordering, fmt};

/// One release.
#[derive(Clone, Debug)]
pub struct Release(Version);

impl Release {
    /// Reads `v1.2.3`, `1.2.3-alpha.4` or `1.2.3+build`; `None` for anything with fewer parts.
    pub fn parse(text: &str) -> Option<Release> {
        let text = text.trim();
        Version::parse(text.strip_prefix('v').unwrap_or(text)).ok().map(Release)
    }

    /// Major, minor and patch.
    pub fn parts(&self) -> [u64; 3] {
        [self.0.major, self.0.minor, self.0.patch]
    }

    /// Behind the `-`; empty for a release proper.
    pub fn pre_release(&self) -> &str {
        &self.0.pre
    }
}

/// Pre-releases come before their release; build metadata does not count.
impl Ord for Release {
    fn cmp(&self, other: &Release) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl PartialOrd for Release {
    fn partial_cmp(&self, other: &Release) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Release) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Release {}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub release: Release,
    pub inclusive: bool,
}

/// Releases between two bounds, each of which may be missing; never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRange {
    /// As written.
    pub text: String,
    pub lower: Option<Bound>,
    pub upper: Option<Bound>,
}

/// Why a text is not a range of releases.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeProblem {
    /// No clause at all.
    #[error("it is empty")]
    Empty,
    /// `^1.2.3`, `1.x`, `>=1.2`.
    #[error(
        "`{0}` is not an operator (`<`, `<=`, `>`, `>=`, `=`) directly followed by a whole version such as `1.2.3`"
    )]
    Clause(String),
    /// `1.2.3+build`.
    #[error("`{0}` has build metadata, which has no order")]
    Build(String),
    /// `>=1.2.0 >1.3.0`.
    #[error("it has more than one {0} bound")]
    Twice(&'static str),
    /// `1.2.3 <2.0.0`.
    #[error("an exact version cannot have other clauses")]
    NotAlone,
    /// `>=2.0.0 <1.0.0`.
    #[error("no release is in it")]
    Nothing,
}

impl ReleaseRange {
    /// Reads clauses that all have to hold, separated by spaces, commas or tabs.
    ///
    /// # Errors
    /// Wildcards, `||`, `^`, `~`, versions with fewer than three parts, contradictory or repeated bounds.
    pub fn parse(text: &str) -> Result<ReleaseRange, RangeProblem> {
        let mut range = ReleaseRange { text: text.trim().to_owned(), lower: None, upper: None };
        let clauses: Vec<&str> = text.split([' ', ',', '\t', '\n']).filter(|clause| !clause.is_empty()).collect();
        let mut exact = false;
        for clause in &clauses {
            let operator = ["<=", ">=", "<", ">", "="].into_iter().find(|operator| clause.starts_with(operator));
            let operand = clause.strip_prefix(operator.unwrap_or_default()).unwrap_or(clause);
            let release = Release::parse(operand).ok_or_else(|| RangeProblem::Clause((*clause).to_owned()))?;
            if !release.0.build.is_empty() {
                return Err(RangeProblem::Build((*clause).to_owned()));
            }
            let bound = |inclusive| Some(Bound { release: release.clone(), inclusive });
            let (side, name, bound) = match operator {
                Some("<") => (&mut range.upper, "upper", bound(false)),
                Some("<=") => (&mut range.upper, "upper", bound(true)),
                Some(">") => (&mut range.lower, "lower", bound(false)),
                Some(">=") => (&mut range.lower, "lower", bound(true)),
                _ => {
                    exact = true;
                    range.lower = bound(true);
                    range.upper = bound(true);
                    continue;
                }
            };
            if side.is_some() {
                return Err(if exact { RangeProblem::NotAlone } else { RangeProblem::Twice(name) });
            }
            *side = bound;
        }
        if exact && clauses.len() > 1 {
            return Err(RangeProblem::NotAlone);
        }
        match (&range.lower, &range.upper) {
            (None, None) => Err(RangeProblem::Empty),
            (Some(lower), Some(upper)) => match lower.release.cmp(&upper.release) {
                Ordering::Less => Ok(range),
                Ordering::Equal if lower.inclusive && upper.inclusive => Ok(range),
                _ => Err(RangeProblem::Nothing),
            },
            _ => Ok(range),
        }
    }

    /// Whether a release is below every one in the range.
    pub fn is_above(&self, release: &Release) -> bool {
        self.lower.as_ref().is_some_and(|Bound { release: floor, inclusive }| match release.cmp(floor) {
            Ordering::Less => true,
            Ordering::Equal => !inclusive,
            Ordering::Greater => false,
        })
    }

    /// Whether a release is above every one in the range.
    pub fn is_below(&self, release: &Release) -> bool {
        self.upper.as_ref().is_some_and(|Bound { release: ceiling, inclusive }| match release.cmp(ceiling) {
            Ordering::Less => false,
            Ordering::Equal => !inclusive,
            Ordering::Greater => true,
        })
    }

    /// Whether a release is in the range.
    pub fn contains(&self, release: &Release) -> bool {
        !self.is_above(release) && !self.is_below(release)
    }

    /// Whether every release of this range is below every one of the other.
    pub fn ends_before(&self, other: &ReleaseRange) -> bool {
        match (&self.upper, &other.lower) {
            (Some(upper), Some(lower)) => match upper.release.cmp(&lower.release) {
                Ordering::Less => true,
                Ordering::Equal => !(upper.inclusive && lower.inclusive),
                Ordering::Greater => false,
            },
            _ => false,
        }
    }

    /// Whether a release could be in both.
    pub fn overlaps(&self, other: &ReleaseRange) -> bool {
        !self.ends_before(other) && !other.ends_before(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> ReleaseRange {
        ReleaseRange::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    fn release(text: &str) -> Release {
        Release::parse(text).unwrap()
    }

    #[test]
    fn bounds_are_read_with_and_without_a_v() {
        assert!(range(">=1.2.0 <2.0.0").contains(&release("v1.9.9")));
        assert!(range(">=v1.2.0,<2.0.0").contains(&release("1.2.0")));
        assert!(!range(">=1.2.0 <2.0.0").contains(&release("2.0.0")));
        assert!(range("1.5.1").contains(&release("1.5.1")) && !range("=1.5.1").contains(&release("1.5.2")));
        assert!(range("<0.1.0-alpha.12").contains(&release("0.1.0-alpha.8")));
        assert!(range("<=0.19.0").contains(&release("v0.19.0-rc.1")));
    }

    #[test]
    fn what_the_grammar_does_not_have_is_refused_with_its_clause() {
        for (text, part) in [
            ("", "empty"),
            ("1.2", "`1.2`"),
            ("^1.2.3", "`^1.2.3`"),
            ("1.2.x", "`1.2.x`"),
            (">= 1.2.3", "`>=`"),
            ("1.2.3 || 1.3.0", "`||`"),
            ("1.2.3+b", "build metadata"),
            (">=1.0.0 >2.0.0", "more than one lower"),
            ("1.0.0 <2.0.0", "exact"),
            (">=2.0.0 <2.0.0", "no release"),
        ] {
            let problem = ReleaseRange::parse(text).unwrap_err().to_string();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn ranges_know_their_order() {
        assert!(range("<1.2.0").ends_before(&range(">=1.2.0 <2.0.0")));
        assert!(!range("<=1.2.0").ends_before(&range(">=1.2.0")));
        assert!(range(">=1.0.0 <1.3.0").overlaps(&range(">=1.2.0 <2.0.0")));
        assert!(range(">1.2.0").is_above(&release("1.2.0")) && !range(">=1.2.0").is_above(&release("1.2.0")));
    }
}
