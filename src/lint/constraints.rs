//! Constraints of layers: can they be evaluated, and do children keep the bounds of their parents.

use super::{Family, Findings};
use crate::{
    catalog::{Catalog, overlay::Overlay, parse::Document},
    constraint::{
        node_set,
        parse::{Operator, expressions, version},
    },
    resolve::select,
    snapshot::address::GPU_NODE_LABEL,
    yaml::Node,
};

pub(super) const FAMILY: Family = Family::Catalog {
    // A path that names no reading keeps the catalog from being loaded, and is told under the same name.
    rules: &[("constraint", "a constraint that can never be evaluated")],
    look: |catalog, findings| {
        super::layers(catalog).for_each(|(document, spec)| layer(document, &spec.constraints, findings));
        for value in
            super::overlays(catalog).flat_map(|overlay| &overlay.body().profile).flat_map(|profile| &profile.values)
        {
            layer(&value.document, &value.constraints, findings);
            layer(&value.document, &value.readiness, findings);
        }
    },
};

pub(super) const BOUNDS: Family = Family::Overlay {
    rules: &[("weakened-bound", "a lower bound that is below that of an overlay it builds on")],
    look: weakened,
};

fn layer(document: &Document, constraints: &[Node], findings: &mut Findings) {
    for node in constraints {
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
        let at = node.get("value").map_or(node.at, |value| value.at);
        if text("name") == GPU_NODE_LABEL {
            if let Err(reason) = node_set::parse(text("value")) {
                findings.error("constraint", document, at, format!("`{}`: {reason}", text("value")));
            }
            continue;
        }
        let clauses = match expressions(text("value")) {
            Err(error) => {
                findings.error("constraint", document, at, error.to_string());
                continue;
            }
            Ok(clauses) => clauses,
        };
        for clause in clauses {
            if clause.operator.is_ordering() {
                if let Err(error) = version(&clause.operand) {
                    findings.error("constraint", document, at, error.to_string()).hint =
                        Some("write one to three numbers, for example `>= 1.32.4`".to_owned());
                }
            } else if clause.operand.starts_with(['~', '=', '^']) {
                let message = format!("`{}` is compared as text: unknown operator", text("value"));
                findings.warn("constraint", document, at, message);
            }
        }
    }
}

/// A child's lower bound under that of the nearest ancestor that sets one.
fn weakened(catalog: &Catalog, overlay: &Overlay, findings: &mut Findings) {
    let Ok(chain) = select::chain(catalog, overlay) else { return };
    let bound = |node: &Node| {
        let clauses = expressions(node.get("value")?.text()?).ok()?;
        let lower = clauses.iter().find(|clause| clause.operator == Operator::AtLeast)?;
        version(&lower.operand).ok()
    };
    let name = |node: &Node| node.get("name").and_then(Node::text).unwrap_or_default().to_owned();
    for own in &overlay.body().spec.constraints {
        let Some(ours) = bound(own) else { continue };
        let above = chain.iter().rev().skip(1).copied().chain([&catalog.base]);
        let found = above
            .flat_map(|ancestor| ancestor.body().spec.constraints.iter().map(move |node| (ancestor, node)))
            .find(|(_, node)| name(node) == name(own));
        let Some((ancestor, theirs)) = found.and_then(|(ancestor, node)| Some((ancestor, bound(node)?))) else {
            continue;
        };
        if ours.parts < theirs.parts {
            let message = format!(
                "`{}` asks for less ({}) than `{}`, which it builds on",
                name(own),
                own.get("value").and_then(Node::text).unwrap_or_default(),
                ancestor.name
            );
            let at = own.get("value").map_or(own.at, |value| value.at);
            findings.warn("weakened-bound", &overlay.body().document, at, message);
        }
    }
}
