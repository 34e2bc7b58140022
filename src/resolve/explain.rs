//! The ladder of one value: every layer that set, hid, appended or could have set it, top first.

use super::Resolution;
use crate::document::{
    selector::{QueryError, Selector, find},
    traced::{LayerKind, Origin, Traced, TracedValue, Wrote},
};

/// The answer to "who set this?".
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Explanation {
    /// The concrete path (wildcards resolved).
    pub path: String,
    pub value: serde_json::Value,
    /// Top first: the winner, then every other layer that spoke or could have, by its place in the stack; files of values,
    /// which lie below all layers, last.
    pub ladder: Vec<Rung>,
}

/// One layer's part in a value.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Rung {
    /// Index into `Resolution::layers`.
    pub layer: usize,
    pub layer_name: String,
    /// `file:line:column`; empty where the layer does not speak.
    pub at: String,
    /// What it wrote; `None` where it does not set the value.
    pub value: Option<serde_json::Value>,
    /// Index of the layer that hides it.
    pub hidden_by: Option<usize>,
    /// Criteria that let the layer in.
    pub criteria: String,
}

/// One explanation per value that the selector names; a mapping is explained leaf by leaf. A value that a layer took
/// away is explained as null.
///
/// # Errors
/// The selector does not name a value.
pub fn explain(resolution: &Resolution, selector: &Selector) -> Result<Vec<Explanation>, QueryError> {
    let mut explanations = Vec::new();
    let found = find(&resolution.document, selector).or_else(|error| {
        // A removed value is still explained: by the layer that removed it.
        let taken = removed(resolution, selector);
        if taken.is_empty() { Err(error) } else { Ok(taken) }
    })?;
    for (path, value) in found {
        leaves(&path.to_string(), value, &mut |path, value| {
            explanations.push(Explanation { path, value: value.to_value(), ladder: ladder(resolution, value) });
        });
    }
    Ok(explanations)
}

/// Values at or below a path that a layer removed.
fn removed<'r>(resolution: &'r Resolution, selector: &Selector) -> Vec<(Selector, &'r Traced)> {
    let below = |path: &Selector| path.segments.starts_with(&selector.segments);
    resolution.removed.iter().filter(|(path, _)| below(path)).map(|(path, value)| (path.clone(), value)).collect()
}

/// Calls `visit` for every scalar, list and empty mapping below a value, in document order.
fn leaves(path: &str, value: &Traced, visit: &mut impl FnMut(String, &Traced)) {
    match &value.value {
        TracedValue::Map(entries) if !entries.is_empty() => {
            for (key, child) in entries {
                let segment = crate::document::selector::Segment::Key(key.to_string());
                let path = if path.is_empty() { segment.to_string() } else { format!("{path}.{segment}") };
                leaves(&path, child, visit);
            }
        }
        // A list that layers built together has no origin of its own: its elements have.
        TracedValue::List(items) if value.history.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(&format!("{path}[{index}]"), item, visit);
            }
        }
        _ => visit(path.to_owned(), value),
    }
}

/// The ladder of one value.
pub fn ladder(resolution: &Resolution, value: &Traced) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for origin in value.history.iter().rev() {
        let hidden_by = rungs.first().map(|winner| winner.layer);
        rungs.push(rung(resolution, origin.layer, Some(origin), hidden_by));
    }
    let spoke: Vec<usize> = rungs.iter().map(|rung| rung.layer).collect();
    let silent = (0..resolution.layers.len()).rev().filter(|layer| {
        let kind = resolution.layers[*layer].kind;
        matches!(kind, LayerKind::Base | LayerKind::Overlay | LayerKind::Mixin) && !spoke.contains(layer)
    });
    rungs.extend(silent.map(|layer| rung(resolution, layer, None, None)));
    let is_file = |layer: usize| resolution.layers[layer].kind == LayerKind::ValuesFile;
    if let Some((_, others)) = rungs.split_first_mut().filter(|(winner, _)| winner.value.is_some()) {
        others.sort_by_key(|rung| (is_file(rung.layer), std::cmp::Reverse(rung.layer)));
    }
    rungs
}

fn rung(resolution: &Resolution, layer: usize, origin: Option<&Origin>, hidden_by: Option<usize>) -> Rung {
    let known = &resolution.layers[layer];
    let at = match origin {
        Some(origin) if origin.at.line > 0 => format!("{}:{}", origin.file, origin.at),
        Some(origin) => origin.file.to_string(),
        None => String::new(),
    };
    let value = origin.map(|origin| match &origin.wrote {
        Wrote::Set(value) => value.clone(),
        Wrote::Appended => serde_json::Value::from("(states it again)"),
        Wrote::Removed => serde_json::Value::Null,
    });
    Rung { layer, layer_name: known.name.clone(), at, value, hidden_by, criteria: known.criteria.clone() }
}
