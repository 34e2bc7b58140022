//! Upgrade records: what is known about moving a component from one release to another.
//!
//! The file of a component's record is named by its registry entry. It is read strictly: a record that says something else
//! than it seems to is worse than none.

use super::{Catalog, CatalogError, CatalogProblem, parse::Document};
use crate::{
    constraint::release::{RangeProblem, ReleaseRange},
    document::{
        header,
        location::Location,
        shape::{Problem, Shape, misfits},
    },
    yaml::{Node, Position},
};
use std::collections::BTreeSet;

/// Deployers that a record must give steps for; others have those of the group that names none.
pub const DEPLOYERS: [&str; 5] = ["argocd", "argocd-helm", "flux", "helm", "helmfile"];

/// What an author can say about a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recorded {
    Safe,
    Manual,
    Blocked,
}

impl Recorded {
    const WORDS: [(&'static str, Recorded); 3] =
        [("safe", Recorded::Safe), ("manual", Recorded::Manual), ("blocked", Recorded::Blocked)];
}

/// The record of one component.
#[derive(Clone, Debug, PartialEq)]
pub struct Upgrades {
    pub component: String,
    /// As written.
    pub transitions: Vec<Transition>,
    pub replaces: Option<Replaces>,
}

/// What is known about crossing one boundary.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub from: ReleaseRange,
    pub to: ReleaseRange,
    pub verdict: Recorded,
    pub verified_by: String,
    pub summary: String,
    pub precondition: String,
    /// None where the record does not say.
    pub reversible: Option<bool>,
    pub reversible_notes: String,
    /// Where to read more.
    pub references: Vec<String>,
    pub affected: Vec<AffectedGroup>,
    pub steps: Vec<StepGroup>,
    pub at: Location,
}

/// Kinds of one API group whose objects the upgrade touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedGroup {
    /// Empty for the core API.
    pub group: String,
    pub kinds: Vec<String>,
}

/// Steps for some deployers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepGroup {
    /// Empty for all that no other group names.
    pub deployers: Vec<String>,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Step {
    pub id: String,
    pub description: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// This component takes the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Replaces {
    pub component: String,
    pub verdict: Recorded,
    pub verified_by: String,
    pub summary: String,
    pub steps: Vec<StepGroup>,
}

/// The steps for a deployer: of the group that names it, else of the group that names none.
pub fn steps<'s>(groups: &'s [StepGroup], deployer: &str) -> &'s [Step] {
    let named = groups.iter().find(|group| group.deployers.iter().any(|name| name == deployer));
    let rest = || groups.iter().find(|group| group.deployers.is_empty());
    named.or_else(rest).map_or(&[], |group| &group.steps)
}

const STEPS: Shape = Shape::List(&Shape::Fields(&[
    ("deployers", Shape::List(&Shape::Word(&DEPLOYERS))),
    (
        "steps",
        Shape::List(&Shape::Fields(&[("id", Shape::Text), ("description", Shape::Text), ("reason", Shape::Text)])),
    ),
]));

const VERDICT: Shape = Shape::Word(&["safe", "manual", "blocked"]);

const TRANSITION: Shape = Shape::Fields(&[
    ("from", Shape::Text),
    ("to", Shape::Text),
    ("verdict", VERDICT),
    ("verifiedBy", Shape::Text),
    ("summary", Shape::Text),
    ("precondition", Shape::Text),
    ("reversible", Shape::Flag),
    ("reversibleNotes", Shape::Text),
    ("affectedResources", Shape::List(&Shape::Fields(&[("group", Shape::Text), ("kinds", Shape::List(&Shape::Text))]))),
    ("stepsByDeployer", STEPS),
    (
        "hooks",
        Shape::List(&Shape::Fields(&[("file", Shape::Text), ("phase", Shape::Word(&["pre-upgrade", "post-upgrade"]))])),
    ),
    ("references", Shape::List(&Shape::Text)),
]);

const RECORD: Shape = Shape::Fields(&[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Word(&["ComponentUpgrades"])),
    ("component", Shape::Text),
    ("transitions", Shape::List(&TRANSITION)),
    (
        "replaces",
        Shape::Fields(&[
            ("component", Shape::Text),
            ("verdict", VERDICT),
            ("verifiedBy", Shape::Text),
            ("summary", Shape::Text),
            ("stepsByDeployer", STEPS),
        ]),
    ),
]);

impl Catalog {
    /// The record of a component; `None` for one whose registry entry names no file.
    ///
    /// # Errors
    /// A file that does not exist or is not a record of this component: never taken for no record.
    pub fn upgrades(&self, component: &str) -> Result<Option<Upgrades>, CatalogError> {
        let Some(entry) = self.registry.components.get(component) else { return Ok(None) };
        let named = entry.node.get("upgrades").and_then(|upgrades| upgrades.get("file"));
        let Some(path) = named.and_then(Node::text) else { return Ok(None) };
        let file = self.files.get(path).ok_or_else(|| CatalogError {
            at: Location::new(&entry.file, named.map_or(entry.at, |node| node.at)),
            problem: CatalogProblem::MissingField {
                owner: format!("the registry entry `{component}`"),
                field: "an existing file in `upgrades.file`",
            },
        })?;
        read(&Document::parse(&file.shown, &file.text)?, component).map(Some)
    }
}

/// What is wrong with an upgrade record.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecordProblem {
    /// A record that says nothing.
    #[error("the record has neither transitions nor `replaces`")]
    Nothing,
    /// The record of another component.
    #[error("the record is for `{found}`, and the registry entry is `{expected}`")]
    OtherComponent { expected: String, found: String },
    /// A range that is not one.
    #[error("`{field}: {text}` is not a range of releases: {problem}")]
    Range { field: &'static str, text: String, problem: RangeProblem },
    /// A transition whose two sides are not one behind the other.
    #[error("`from: {from}` must end below `to: {to}`")]
    Order { from: String, to: String },
    /// A bound that the rules need.
    #[error("`{field}: {text}` needs {bound}")]
    Bound { field: &'static str, text: String, bound: &'static str },
    /// Nobody says who tried a safe transition.
    #[error("a safe transition needs `verifiedBy`")]
    Unverified,
    /// Steps that nobody has to take.
    #[error("a safe transition cannot have steps")]
    SafeWithSteps,
    /// A deployer whose users would not know what to do.
    #[error("no steps for {0}")]
    Uncovered(String),
    /// A deployer with two lists of steps.
    #[error("more than one group of steps for {0}")]
    CoveredTwice(String),
    /// A group that says nothing.
    #[error("a group of steps needs {0}")]
    EmptyGroup(&'static str),
    /// Two steps of one id in one group.
    #[error("duplicate step `{0}`")]
    DuplicateStep(String),
    /// A claim without its conditions.
    #[error("`reversible: true` needs `reversibleNotes`")]
    Reversible,
}

/// Reads the record of a component.
///
/// # Errors
/// An unknown key, a value of the wrong type, a broken rule of the format; each with its place.
pub fn read(document: &Document, component: &str) -> Result<Upgrades, CatalogError> {
    let Document { root, .. } = document;
    let fail = |at: Position, problem: RecordProblem| document.error(at, CatalogProblem::Record(problem.into()));
    document.header(&header::UPGRADES)?;
    for field in ["kind", "apiVersion"] {
        require(document, root, field)?;
    }
    if let Some(misfit) = misfits(root, &RECORD).into_iter().next() {
        let field = misfit.path.to_string();
        let problem = match misfit.problem {
            Problem::UnknownField { near } => CatalogProblem::UnknownKey { field, near },
            Problem::Type { expected, found } => CatalogProblem::Type { field, expected, found },
            Problem::Word { allowed, found, .. } => CatalogProblem::Word { field, allowed, found },
        };
        return Err(document.error(misfit.at, problem));
    }
    let found = document.text(root, "component")?;
    if found != component {
        let at = root.get("component").map_or(root.at, |node| node.at);
        return Err(fail(at, RecordProblem::OtherComponent { expected: component.to_owned(), found }));
    }
    let items = document.list(root, "transitions")?.unwrap_or(&[]);
    let transitions = items.iter().map(|item| transition(document, item)).collect::<Result<Vec<_>, _>>()?;
    let replaces = document.field(root, "replaces").map(|node| replaces(document, node)).transpose()?;
    if transitions.is_empty() && replaces.is_none() {
        return Err(fail(root.at, RecordProblem::Nothing));
    }
    Ok(Upgrades { component: found, transitions, replaces })
}

/// A text field that has to be there.
fn require(document: &Document, node: &Node, field: &'static str) -> Result<String, CatalogError> {
    let text = document.text(node, field)?;
    if text.is_empty() {
        let owner = "an upgrade record".to_owned();
        let field = match field {
            "from" => "`from`",
            "to" => "`to`",
            "verdict" => "`verdict`",
            "summary" => "`summary`",
            "component" => "`component`",
            "kind" => "`kind`",
            _ => "`apiVersion`",
        };
        return Err(document.error(node.at, CatalogProblem::MissingField { owner, field }));
    }
    Ok(text)
}

fn transition(document: &Document, node: &Node) -> Result<Transition, CatalogError> {
    let fail = |field: &str, problem: RecordProblem| {
        let at = node.get(field).map_or(node.at, |value| value.at);
        document.error(at, CatalogProblem::Record(problem.into()))
    };
    let range = |field: &'static str| {
        let text = require(document, node, field)?;
        ReleaseRange::parse(&text).map_err(|problem| fail(field, RecordProblem::Range { field, text, problem }))
    };
    let (from, to) = (range("from")?, range("to")?);
    if from.upper.is_none() {
        let problem = RecordProblem::Bound { field: "from", text: from.text, bound: "an upper bound" };
        return Err(fail("from", problem));
    }
    if to.lower.is_none() || to.upper.is_none() {
        let bound = "a lower and an upper bound, or one exact version";
        return Err(fail("to", RecordProblem::Bound { field: "to", text: to.text, bound }));
    }
    if !from.ends_before(&to) {
        return Err(fail("from", RecordProblem::Order { from: from.text, to: to.text }));
    }
    let verdict = verdict(document, node)?;
    let (verified_by, steps) = (document.text(node, "verifiedBy")?, groups(document, node, verdict)?);
    if verdict == Recorded::Safe && verified_by.is_empty() {
        return Err(fail("verdict", RecordProblem::Unverified));
    }
    if document.flag(node, "reversible")? && document.text(node, "reversibleNotes")?.is_empty() {
        return Err(fail("reversible", RecordProblem::Reversible));
    }
    let affected =
        document.list(node, "affectedResources")?.unwrap_or(&[]).iter().map(|item| {
            Ok(AffectedGroup { group: document.text(item, "group")?, kinds: document.texts(item, "kinds")? })
        });
    Ok(Transition {
        from,
        to,
        verdict,
        verified_by,
        summary: require(document, node, "summary")?,
        precondition: document.text(node, "precondition")?,
        reversible: match node.get("reversible") {
            Some(_) => Some(document.flag(node, "reversible")?),
            None => None,
        },
        reversible_notes: document.text(node, "reversibleNotes")?,
        references: document.texts(node, "references")?,
        affected: affected.collect::<Result<_, CatalogError>>()?,
        steps,
        at: document.location(node.at),
    })
}

fn replaces(document: &Document, node: &Node) -> Result<Replaces, CatalogError> {
    let verdict = verdict(document, node)?;
    let verified_by = document.text(node, "verifiedBy")?;
    if verdict == Recorded::Safe && verified_by.is_empty() {
        return Err(document.error(node.at, CatalogProblem::Record(RecordProblem::Unverified.into())));
    }
    Ok(Replaces {
        component: require(document, node, "component")?,
        verdict,
        verified_by,
        summary: require(document, node, "summary")?,
        steps: groups(document, node, verdict)?,
    })
}

fn verdict(document: &Document, node: &Node) -> Result<Recorded, CatalogError> {
    let word = require(document, node, "verdict")?;
    // The shape has refused every other word.
    Ok(Recorded::WORDS.iter().find(|(name, _)| *name == word).map_or(Recorded::Blocked, |(_, verdict)| *verdict))
}

/// The groups of steps: none for what is safe, one for every deployer otherwise.
fn groups(document: &Document, node: &Node, verdict: Recorded) -> Result<Vec<StepGroup>, CatalogError> {
    let fail = |at: Position, problem: RecordProblem| document.error(at, CatalogProblem::Record(problem.into()));
    let items = document.list(node, "stepsByDeployer")?.unwrap_or(&[]);
    if verdict == Recorded::Safe {
        return match items.first() {
            Some(item) => Err(fail(item.at, RecordProblem::SafeWithSteps)),
            None => Ok(Vec::new()),
        };
    }
    let mut groups: Vec<StepGroup> = Vec::new();
    let mut covered = BTreeSet::new();
    for item in items {
        let deployers = document.texts(item, "deployers")?;
        if item.get("deployers").is_some() && deployers.is_empty() {
            return Err(fail(item.at, RecordProblem::EmptyGroup("a deployer in `deployers`, or no such field")));
        }
        if deployers.is_empty() && groups.iter().any(|group| group.deployers.is_empty()) {
            return Err(fail(
                item.at,
                RecordProblem::CoveredTwice("the deployers without a group of their own".into()),
            ));
        }
        if let Some(twice) = deployers.iter().find(|deployer| !covered.insert((*deployer).clone())) {
            return Err(fail(item.at, RecordProblem::CoveredTwice(format!("`{twice}`"))));
        }
        let mut steps: Vec<Step> = Vec::new();
        for step in document.list(item, "steps")?.unwrap_or(&[]) {
            let text = |field: &str| document.text(step, field);
            let read = Step { id: text("id")?, description: text("description")?, reason: text("reason")? };
            if read.id.is_empty() || read.description.is_empty() {
                return Err(fail(step.at, RecordProblem::EmptyGroup("an `id` and a `description` for every step")));
            }
            if steps.iter().any(|known| known.id == read.id) {
                return Err(fail(step.at, RecordProblem::DuplicateStep(read.id)));
            }
            steps.push(read);
        }
        if steps.is_empty() {
            return Err(fail(item.at, RecordProblem::EmptyGroup("at least one step")));
        }
        groups.push(StepGroup { deployers, steps });
    }
    let missing: Vec<String> = DEPLOYERS
        .iter()
        .filter(|deployer| steps(&groups, deployer).is_empty())
        .map(|deployer| format!("`{deployer}`"))
        .collect();
    if missing.is_empty() { Ok(groups) } else { Err(fail(node.at, RecordProblem::Uncovered(missing.join(", ")))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
apiVersion: aicr.run/v1beta1
kind: ComponentUpgrades
component: x
transitions:
- from: '<1.2.0'
  to: '>=1.2.0 <2.0.0'
  verdict: safe
  verifiedBy: a run
  summary: a patch
- from: '>=1.2.0 <2.0.0'
  to: '>=2.0.0 <2.1.0'
  verdict: manual
  summary: a rename
  affectedResources: [{group: x.io, kinds: [X]}]
  stepsByDeployer:
  - deployers: [helm, helmfile]
    steps: [{id: a, description: do a}]
  - steps: [{id: b, description: do b, reason: because}]
";

    fn parse(text: &str) -> Result<Upgrades, CatalogError> {
        read(&Document::parse(&"upgrades.yaml".into(), text)?, "x")
    }

    /// The good record with one text in the place of another is refused, at a line, with a reason.
    #[track_caller]
    fn refused(text: &str, instead: &str, line: u32, reason: &str) {
        assert!(GOOD.contains(text), "{text}");
        let error = parse(&GOOD.replacen(text, instead, 1)).expect_err("a refusal");
        let at = error.at.at.map(|at| at.line);
        assert!(at == Some(line) && error.to_string().contains(reason), "{}: {error}", error.at);
    }

    #[test]
    fn a_good_record_is_read() {
        let record = parse(GOOD).unwrap();
        assert_eq!(record.transitions.len(), 2);
        let manual = &record.transitions[1];
        assert_eq!(steps(&manual.steps, "helm")[0].id, "a");
        assert_eq!(steps(&manual.steps, "flux")[0].id, "b");
        assert_eq!(manual.at.to_string(), "upgrades.yaml:10:3");
    }

    #[test]
    fn each_broken_rule_is_refused_at_its_place() {
        refused("component: x", "component: y", 3, "the record is for `y`");
        refused("verdict: safe", "verdict: unknown", 7, "safe, manual, blocked");
        refused("verdict: safe", "verdict: safe\n  reversible: true", 8, "reversibleNotes");
        refused("  verifiedBy: a run\n", "", 7, "verifiedBy");
        refused("summary: a patch", "sumary: a patch", 9, "sumary");
        refused("to: '>=1.2.0 <2.0.0'", "to: '>=1.2.0'", 6, "an upper bound");
        refused("from: '<1.2.0'", "from: '>=1.0.0'", 5, "an upper bound");
        refused("from: '<1.2.0'", "from: '<1.3.0'", 5, "must end below");
        refused("from: '<1.2.0'", "from: '^1.2'", 5, "is not a range of releases");
        refused(
            "  - steps: [{id: b, description: do b, reason: because}]\n",
            "",
            10,
            "`argocd`, `argocd-helm`, `flux`",
        );
        refused("[helm, helmfile]", "[]", 16, "or no such field");
        refused("[helm, helmfile]", "[helm, helm]", 16, "more than one group of steps for `helm`");
        refused("{id: a, description: do a}", "{id: a}", 17, "a `description`");
        refused("verdict: manual\n", "verdict: safe\n  verifiedBy: y\n", 17, "cannot have steps");
        refused("apiVersion: aicr.run/v1beta1\n", "", 1, "apiVersion");
    }

    #[test]
    fn a_record_that_says_nothing_is_refused() {
        let (head, _) = GOOD.split_once("transitions").unwrap();
        assert!(parse(head).unwrap_err().to_string().contains("neither transitions nor"));
    }
}
