//! What follows the numbers of a version: builds of vendors, and pre-releases.
//!
//! `v1.34.3-gke.1318000`, `v1.33.4+rke2r1`, `v1.33.5-eks-113cf36`, `6.8.0-1028-aws`, `1.34.0-rc.1`. Numbers order, words
//! must be the same, those behind the numbers included, and a hash has no order at all; what has no order is not compared,
//! instead of being cut off.

use semver::Prerelease;
use std::cmp::Ordering;

/// A piece between `-`, `+`, `.` and `_`.
#[derive(Debug, PartialEq, Eq)]
enum Token<'t> {
    Number(u64),
    /// A word with a number at its end: `rc1`, `k3s1`, `rke2r1`.
    Counted(&'t str, u64),
    Word(&'t str),
}

/// Words whose trailing number counts builds or pre-releases. Elsewhere letters and digits together may be a hash.
const COUNTED: [&str; 9] = ["k3s", "rke2r", "k0s", "rc", "alpha", "beta", "el", "fips", "patch"];

/// Words that come before the release itself.
const BEFORE_RELEASE: [&str; 5] = ["alpha", "beta", "rc", "pre", "dev"];

/// `>= 1.34.0-0`: the version with its pre-releases.
const LOWEST: &str = "-0";

/// Words whose next token is a hash, digits or not.
const HASHED: [&str; 1] = ["eks"];

/// Ends that say for which processors a build is, and nothing about its version.
const ARCHITECTURES: [&str; 4] = [".x86_64", ".aarch64", ".ppc64le", ".s390x"];

/// How two suffixes of otherwise equal versions order; `None` where they have no order.
///
/// Each begins with its separator and may be empty. A release without a suffix comes after its pre-releases; beside a
/// build of a vendor it has no order.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    if left == right {
        return Some(Ordering::Equal);
    }
    // As Helm writes it: the lowest pre-release, which comes before everything else of its version.
    match (left == LOWEST, right == LOWEST) {
        (true, _) => return Some(Ordering::Less),
        (_, true) => return Some(Ordering::Greater),
        _ => {}
    }
    match (left.is_empty(), right.is_empty()) {
        (true, false) => return is_before_release(right).then_some(Ordering::Greater),
        (false, true) => return is_before_release(left).then_some(Ordering::Less),
        _ => {}
    }
    // A build of a vendor is one of the release, which comes after its pre-releases.
    match (is_before_release(left), is_before_release(right)) {
        (true, false) => return Some(Ordering::Less),
        (false, true) => return Some(Ordering::Greater),
        _ => {}
    }
    // `rc10` without a dot is a word to semantic versioning, and would come before `rc2`.
    if let (Some(left), Some(right)) = (candidate(left), candidate(right))
        && [&left, &right].iter().all(|written| written.contains('.'))
        && left != right
    {
        return Some(left.cmp(&right));
    }
    let (mut left, mut right) = (tokens(without_architecture(left)), tokens(without_architecture(right)));
    let mut after_hashed = false;
    loop {
        let (one, other) = match (left.next(), right.next()) {
            (None, None) => return Some(Ordering::Equal),
            // `-570` and `-570.12`: as far as both say something they are the same.
            (None, Some(_)) | (Some(_), None) => return Some(Ordering::Equal),
            (Some(one), Some(other)) => (one, other),
        };
        if one == other {
            after_hashed = matches!(one, Token::Word(word) if HASHED.contains(&word));
            continue;
        }
        let order = match (one, other) {
            (Token::Number(one), Token::Number(other)) if !after_hashed => Some(one.cmp(&other)),
            (Token::Counted(word, one), Token::Counted(same, other)) if word == same => Some(one.cmp(&other)),
            _ => None,
        };
        // Vendors count each for itself: 1029 of one is not later than 1028 of another.
        return order.filter(|_| words(left).zip(words(right)).all(|(one, other)| one == other));
    }
}

/// What the tokens say but for their numbers.
fn words<'t>(tokens: impl Iterator<Item = Token<'t>>) -> impl Iterator<Item = &'t str> {
    tokens.filter_map(|token| match token {
        Token::Number(_) => None,
        Token::Counted(word, _) | Token::Word(word) => Some(word),
    })
}

fn without_architecture(suffix: &str) -> &str {
    ARCHITECTURES.into_iter().find_map(|end| suffix.strip_suffix(end)).unwrap_or(suffix)
}

pub(super) fn is_before_release(suffix: &str) -> bool {
    candidate(suffix).is_some()
}

/// The pre-release that a suffix is, which semantic versioning orders: `-rc.1`, `-beta.0+build`.
fn candidate(suffix: &str) -> Option<Prerelease> {
    // What a vendor adds behind another `-` would be a part of the last identifier, and change its place.
    let written = suffix.strip_prefix('-')?.split(['+', '-']).next()?;
    let word = written.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    BEFORE_RELEASE.contains(&word).then(|| Prerelease::new(written).ok())?
}

fn tokens(suffix: &str) -> impl Iterator<Item = Token<'_>> {
    suffix.split(['-', '+', '.', '_']).filter(|piece| !piece.is_empty()).map(token)
}

fn token(piece: &str) -> Token<'_> {
    if let Ok(number) = piece.parse() {
        return Token::Number(number);
    }
    let digits = piece.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (word, number) = piece.split_at(piece.len() - digits);
    match number.parse() {
        Ok(number) if COUNTED.contains(&word) => Token::Counted(word, number),
        _ => Token::Word(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expected: Option<Ordering>) {
        assert_eq!(compare(left, right), expected, "{left} {right}");
        assert_eq!(compare(right, left), expected.map(Ordering::reverse), "{right} {left}");
    }

    #[test]
    fn builds_of_one_vendor_order_by_their_numbers() {
        check("-gke.1000000", "-gke.1318000", Some(Ordering::Less));
        check("+k3s1", "+k3s2", Some(Ordering::Less));
        check("+rke2r10", "+rke2r2", Some(Ordering::Greater));
        check("+k0s.0", "+k0s.1", Some(Ordering::Less));
        check("+vmware.1-tkg.1", "+vmware.1-tkg.4", Some(Ordering::Less));
        check("-1028-aws", "-1031-aws", Some(Ordering::Less));
        check("-570.12.1.el9_6.x86_64", "-570.22.1.el9_6.x86_64", Some(Ordering::Less));
        check("-570.12.1.el9_6.x86_64", "-570", Some(Ordering::Equal));
        check("-rc.1", "-rc.2", Some(Ordering::Less));
        check("-rc.2", "-rc.10", Some(Ordering::Less));
        check("-beta.3", "-rc.1", Some(Ordering::Less));
        check("-rc1", "-rc2", Some(Ordering::Less));
        check("-rc.1+k3s1", "-rc.1+k3s2", Some(Ordering::Less));
        check("-rc.1-gke.5", "-rc.2-gke.1", Some(Ordering::Less));
    }

    #[test]
    fn words_behind_numbers_must_be_the_same() {
        check("-1029-gcp", "-1028-aws", None);
        check("-45-generic", "-1028-aws", None);
        check("-45-generic", "-1028-lowlatency", None);
        check("-129.201.amzn2023.x86_64", "-223.885.amzn2.x86_64", None);
        check("+k3s2-acme", "+k3s1-other", None);
        check("-45-generic", "-48-generic-64k", Some(Ordering::Less));
        check("-570.12.1.el9_6.x86_64", "-570.22.1.el9_8.x86_64", Some(Ordering::Less));
    }

    #[test]
    fn an_expression_without_a_vendor_is_about_every_vendor() {
        check("-1029-gcp", "-1028", Some(Ordering::Greater));
        check("-45-generic", "-45", Some(Ordering::Equal));
    }

    #[test]
    fn an_architecture_is_not_a_vendor() {
        check("-570.12.1.el9_6.x86_64", "-570.22.1.el9_6.aarch64", Some(Ordering::Less));
        check("-570.12.1.el9_6.x86_64", "-570.12.1.el9_6.aarch64", Some(Ordering::Equal));
    }

    #[test]
    fn a_hash_another_vendor_and_a_missing_build_have_no_order() {
        check("-eks-113cf36", "-eks-3025e55", None);
        check("-eks-1134536", "-eks-3025155", None);
        check("-gke.1", "+k3s1", None);
        check("", "-gke.1", None);
        check("-1028-aws", "-1028-gcp", None);
        check("-3-deadbeef", "-3-cafe0000", None);
    }

    #[test]
    fn a_release_comes_after_its_candidates() {
        check("", "-rc.1", Some(Ordering::Greater));
        check("-beta.0", "", Some(Ordering::Less));
        check("", "", Some(Ordering::Equal));
        check("+k3s1", "-rc.1", Some(Ordering::Greater));
        check("-gke.100", "-0", Some(Ordering::Greater));
        check("-rc.1", "-0", Some(Ordering::Greater));
    }
}
