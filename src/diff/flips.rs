//! Constraints that another recipe would add, drop or change, and how each is met by the cluster before and after.
//!
//! In: both recipes as sides, and what was measured. Out: constraints that differ, those that would be met otherwise first. What
//! was not measured is unknown on either side, and so no flip.

use super::effects::{self, Became, Effect, Subject};
use crate::{
    constraint::{self, Verdict},
    document::side::Side,
    inventory::Inventory,
};

/// A constraint that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    pub effect: Effect,
    /// As the cluster meets it on the left; `None` where it is only on the right, or nothing was measured.
    pub before: Option<Verdict>,
    pub after: Option<Verdict>,
    /// The overlay that is left out of the right side because of it.
    pub left_out: Option<String>,
}

/// Whether it is met, as far as that is known.
fn is_met(verdict: Option<&Verdict>) -> Option<bool> {
    match verdict? {
        Verdict::Pass { .. } => Some(true),
        Verdict::Fail { .. } => Some(false),
        Verdict::Unknown { .. } => None,
    }
}

impl Flip {
    /// It is met now and would not be, or the other way around; one that comes and is not met flips too.
    pub fn is_flipped(&self) -> bool {
        let [before, after] = [&self.before, &self.after].map(|verdict| is_met(verdict.as_ref()));
        match (before, after) {
            (Some(before), Some(after)) => before != after,
            (None, Some(after)) => self.before.is_none() && !after,
            (Some(before), None) => self.after.is_none() && !before,
            (None, None) => false,
        }
    }
}

/// A constraint that is not met, so that an overlay is left out of the right side and was not left out of the left one.
pub fn left_out(overlay: &str, name: &str, expected: &str, verdict: Verdict) -> Flip {
    let effect = Effect {
        subject: Subject::Constraint,
        name: name.to_owned(),
        phase: None,
        became: Became::Added,
        left: None,
        right: Some(expected.to_owned()),
        path: None,
    };
    Flip { effect, before: None, after: Some(verdict), left_out: Some(overlay.to_owned()) }
}

/// Constraints that differ between two recipes, those that flip first.
pub fn of(left: &Side, right: &Side, snapshot: Option<&Inventory>) -> Vec<Flip> {
    let judge = |name: &str, expected: &Option<String>| {
        // What a run measures has no place in a snapshot.
        let expected = expected.as_ref().filter(|_| name.contains('.'));
        expected.zip(snapshot).map(|(expected, snapshot)| constraint::judge(name, expected, snapshot))
    };
    let effects = effects::of(left, right, &[]).into_iter().filter(|effect| effect.subject == Subject::Constraint);
    let mut flips: Vec<Flip> = effects
        .map(|effect| {
            let (before, after) = (judge(&effect.name, &effect.left), judge(&effect.name, &effect.right));
            Flip { effect, before, after, left_out: None }
        })
        .collect();
    flips.sort_by_key(|flip| !flip.is_flipped());
    flips
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::traced::Traced,
        inventory::{Fact, Object, Source, release::ServerVersion},
    };
    use serde_json::json;

    fn side(rules: &[(&str, &str)]) -> Side {
        let rules: Vec<_> = rules.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        Side { document: Traced::from_value(&json!({"constraints": rules})), layers: Vec::new(), criteria: None }
    }

    fn measured() -> Inventory {
        let server = ServerVersion {
            git_version: "v1.34.0".into(),
            platform: "linux/amd64".into(),
            go_version: "go1.24".into(),
        };
        Inventory { server: Fact::known(server, Source::of(Object::Server, "version")), ..Inventory::default() }
    }

    #[track_caller]
    fn check(left: &[(&str, &str)], right: &[(&str, &str)], expected: &[(&str, bool)]) {
        let measured = measured();
        let flips = of(&side(left), &side(right), Some(&measured));
        let found: Vec<(String, bool)> = flips.iter().map(|flip| (flip.effect.head(), flip.is_flipped())).collect();
        let expected: Vec<(String, bool)> = expected.iter().map(|(head, flips)| ((*head).to_owned(), *flips)).collect();
        assert_eq!(found, expected);
    }

    const VERSION: &str = "K8s.server.version";

    #[test]
    fn a_constraint_flips_where_it_is_met_otherwise() {
        check(&[(VERSION, ">= 1.30")], &[(VERSION, ">= 1.32")], &[("constraint K8s.server.version stricter", false)]);
        check(&[(VERSION, ">= 1.30")], &[(VERSION, ">= 1.35")], &[("constraint K8s.server.version stricter", true)]);
        check(&[(VERSION, ">= 1.35")], &[(VERSION, ">= 1.30")], &[("constraint K8s.server.version looser", true)]);
        check(&[], &[(VERSION, ">= 1.35")], &[("constraint K8s.server.version added", true)]);
        check(&[], &[(VERSION, ">= 1.30")], &[("constraint K8s.server.version added", false)]);
        check(&[(VERSION, ">= 1.35")], &[], &[("constraint K8s.server.version removed", true)]);
        check(&[(VERSION, ">= 1.35")], &[(VERSION, ">= 1.35")], &[]);
    }

    #[test]
    fn what_was_not_measured_does_not_flip_and_what_flips_is_first() {
        check(
            &[("OS.release.ID", "ubuntu"), (VERSION, ">= 1.30")],
            &[("OS.release.ID", "rhel"), (VERSION, ">= 1.35")],
            &[("constraint K8s.server.version stricter", true), ("constraint OS.release.ID changed", false)],
        );
        assert!(of(&side(&[]), &side(&[(VERSION, ">= 1.35")]), None).iter().all(|flip| !flip.is_flipped()));
    }
}
