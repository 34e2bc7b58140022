//! What is wrong, or looks wrong, in a catalog: every finding with its place and what to do.
//!
//! In: the files of a catalog. Out: [`Finding`]s, sorted by place. Loading a catalog stops at its first error; this reads
//! on. Rules are functions listed in [`RULES`]; what only shows in resolved recipes is found by resolving every overlay.

mod exempt;
mod recipes;

use crate::{
    catalog::{
        Catalog, CatalogError, CatalogProblem, File, Files,
        overlay::{BASE, Overlay},
        parse::Document,
    },
    constraint::parse::{Operator, expression, version},
    criteria::{Criteria, Dimension, built_in, near_matches, normalize},
    resolve::select,
    snapshot::path::TYPES,
    text::causes,
    yaml::{Entry, Kind, Node, Position},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Some query fails, or gives something else than the file says.
    Error,
    /// Works, and is probably not meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Finding {
    /// File as messages call it.
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub severity: Severity,
    /// Name of the rule, for filters.
    pub rule: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.severity == Severity::Error { "error" } else { "warning" };
        write!(f, "{}:{}:{}: {severity}[{}]: {}", self.file, self.line, self.column, self.rule, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The rules by name, with what they look for; documentation and SARIF are made from this table.
pub const RULES: [(&str, &str); 24] = [
    ("unreadable", "a document that cannot be loaded"),
    ("unknown-field", "a field that no reader knows, usually a typing error"),
    ("kind", "a document of no kind, or of another one than its folder holds"),
    ("api-version", "an apiVersion that readers of recipes refuse"),
    ("duplicate-name", "a name that two documents or two entries share"),
    ("missing-parent", "an overlay that builds on one that does not exist"),
    ("cycle", "overlays that build on each other in a circle"),
    ("depth", "a chain of more than ten overlays"),
    ("criteria-value", "a criteria value that is unknown, or not written as queries are compared"),
    ("no-criteria", "an overlay that no query and no other overlay reaches"),
    ("same-criteria", "two overlays with the same criteria"),
    ("missing-mixin", "a mixin that does not exist"),
    ("unused-mixin", "a mixin that no overlay names"),
    ("dangling-file", "a file that is named and not there"),
    ("unregistered-component", "a component that the registry does not know"),
    ("constraint", "a constraint that can never be evaluated"),
    ("weakened-bound", "a lower bound that is below that of an overlay it builds on"),
    ("pin-differs", "a version pin that differs from the registry's default"),
    ("unknown-check", "a check that the validator catalog does not have in that phase"),
    ("conflict", "overlays of equal specificity that set one field differently, so that the alphabet decides"),
    ("health-check", "a component without a health check, or a check that does more than look"),
    (
        "phases",
        "an accelerator's recipe without deployment and conformance checks, or a version check without its bound",
    ),
    ("driver-root", "GPU operator and DRA driver that disagree about where the driver is installed"),
    ("exemption", "a `# lint: allow` comment without a reason, or one that nothing needs"),
];

/// Findings of a catalog, sorted by file and line.
pub fn lint(files: &Files) -> Vec<Finding> {
    let mut findings = Findings::default();
    for (path, file) in files.iter() {
        if path.ends_with(".yaml") && !path.contains("/manifests/") {
            document(path, file, &mut findings);
        }
    }
    match Catalog::new(files.clone()) {
        Err(error) => findings.of_error("unreadable", &error),
        Ok(catalog) => {
            let validators = catalog.validators();
            if let Err(error) = &validators {
                findings.of_error("unreadable", error);
            }
            let phases: BTreeMap<String, &'static str> = validators
                .unwrap_or_default()
                .into_iter()
                .map(|validator| (validator.name, validator.phase.name()))
                .collect();
            for overlay in catalog.overlays.values().chain([&catalog.base]) {
                structure(&catalog, overlay, &mut findings);
                content(
                    &catalog,
                    &overlay.document,
                    &overlay.spec.components,
                    &overlay.spec.constraints,
                    &mut findings,
                );
                checks(overlay, &phases, &mut findings);
                weakened(&catalog, overlay, &mut findings);
            }
            for mixin in catalog.mixins.values() {
                content(&catalog, &mixin.document, &mixin.spec.components, &mixin.spec.constraints, &mut findings);
                let used =
                    catalog.overlays.values().any(|overlay| overlay.mixins.iter().any(|(name, _)| *name == mixin.name));
                if !used {
                    let message = format!("no overlay uses the mixin `{}`", mixin.name);
                    findings.warn("unused-mixin", &mixin.document, mixin.document.root.at, message);
                }
            }
            registry(&catalog, &mut findings);
            same_criteria(&catalog, &mut findings);
            conflicts(&catalog, &mut findings);
            recipes::lint(&catalog, &mut findings);
        }
    }
    let mut findings = findings.0;
    findings.sort();
    findings.dedup();
    exempt::apply(files, findings)
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        rule: &'static str,
        document: &Document,
        at: Position,
        message: String,
    ) -> &mut Finding {
        let file = document.shown.to_string();
        self.0.push(Finding { file, line: at.line, column: at.column, severity, rule, message, hint: None });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn error(&mut self, rule: &'static str, document: &Document, at: Position, message: String) -> &mut Finding {
        self.add(Severity::Error, rule, document, at, message)
    }

    fn warn(&mut self, rule: &'static str, document: &Document, at: Position, message: String) -> &mut Finding {
        self.add(Severity::Warning, rule, document, at, message)
    }

    fn of_error(&mut self, rule: &'static str, error: &CatalogError) {
        let (file, message, hint) = (error.at.file.to_string(), causes(error), error.problem.hint());
        let Position { line, column } = error.at.at.unwrap_or(Position { line: 1, column: 1 });
        self.0.push(Finding { file, line, column, severity: Severity::Error, rule, message, hint });
    }
}

/// Fields by the kind of mapping that holds them. `*` at the end: free below.
const FIELDS: [(&str, &[&str]); 9] = [
    ("overlay", &["kind", "apiVersion", "metadata", "spec"]),
    ("metadata", &["name"]),
    ("spec", &["base", "criteria", "mixins", "constraints", "componentRefs", "validation"]),
    ("criteria", &["service", "accelerator", "os", "intent", "platform", "nodes"]),
    ("constraint", &["name", "value", "severity", "remediation", "unit"]),
    (
        "componentRef",
        &[
            "name",
            "namespace",
            "chart",
            "type",
            "source",
            "version",
            "tag",
            "valuesFile",
            "overrides",
            "patches",
            "dependencyRefs",
            "manifestFiles",
            "preManifestFiles",
            "path",
            "cleanup",
            "expectedResources",
            "healthCheckAsserts",
            "healthCheckSkip",
        ],
    ),
    ("validation", &["readiness", "deployment", "performance", "conformance"]),
    ("phase", &["timeout", "constraints", "checks", "nodeSelection", "infrastructure"]),
    (
        "registry entry",
        &[
            "name",
            "displayName",
            "valueOverrideKeys",
            "helm",
            "kustomize",
            "nodeScheduling",
            "podScheduling",
            "storageClassPaths",
            "validations",
            "healthCheck",
            "gkeCriticalPriority",
            "hasSelfRefCRDs",
            "manifestsUseChartCRDs",
            "testTier",
        ],
    ),
];

fn document(path: &str, file: &File, findings: &mut Findings) {
    let document = match Document::parse(&file.shown, &file.text) {
        Ok(document) => document,
        Err(error) => return findings.of_error("unreadable", &error),
    };
    let root = &document.root;
    let kind = root.get("kind").and_then(Node::text).unwrap_or_default();
    let (folder, _) = path.split_once('/').unwrap_or(("", path));
    let wanted = match folder {
        "components" => return values(path, &document, findings),
        "checks" => return health_check(&document, findings),
        "mixins" => "RecipeMixin",
        "validators" => "ValidatorCatalog",
        "" if path == "registry.yaml" => "ComponentRegistry",
        _ => "RecipeMetadata",
    };
    if kind != wanted {
        let message = format!("expected `kind: {wanted}`, found {}", if kind.is_empty() { "none" } else { kind });
        findings.error("kind", &document, root.at, message);
    }
    let version = root.get("apiVersion").and_then(Node::text).unwrap_or_default();
    let wanted_version =
        if wanted == "ValidatorCatalog" { "validator.nvidia.com/v1alpha1" } else { "aicr.run/v1alpha2" };
    if version != wanted_version {
        let at = root.get("apiVersion").map_or(root.at, |node| node.at);
        findings.warn("api-version", &document, at, format!("expected `{wanted_version}`, found `{version}`"));
    }
    match wanted {
        "RecipeMetadata" | "RecipeMixin" => overlay_fields(&document, findings),
        "ComponentRegistry" => {
            for entry in root.get("components").map_or(&[][..], Node::items) {
                fields("registry entry", entry, &document, findings);
            }
        }
        _ => {}
    }
}

/// Values files are mappings; other files of a component are read when bundles are made.
fn values(path: &str, document: &Document, findings: &mut Findings) {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_map = matches!(document.root.kind, Kind::Map(_) | Kind::Null);
    if name.starts_with("values") && !is_map {
        let message = format!("a values file must be a mapping, found {}", document.root.kind_name());
        findings.error("unreadable", document, document.root.at, message);
    }
}

/// A health check may only look: `assert` and `error`.
fn health_check(document: &Document, findings: &mut Findings) {
    let spec = document.root.get("spec");
    let steps = spec.and_then(|spec| spec.get("steps")).map_or(&[][..], Node::items);
    for step in steps {
        let other = |entry: &&Entry| !["name", "description", "try"].contains(&&*entry.key);
        for entry in step.entries().iter().filter(other) {
            let message = format!("a step of a health check has `{}`", entry.key);
            findings.error("health-check", document, entry.key_at, message);
        }
        let operations = step.get("try").map_or(&[][..], Node::items).iter().flat_map(Node::entries);
        for entry in operations.filter(|entry| !["assert", "error"].contains(&&*entry.key)) {
            let message = format!("a health check may only `assert` and `error`, found `{}`", entry.key);
            findings.error("health-check", document, entry.key_at, message);
        }
    }
}

fn overlay_fields(document: &Document, findings: &mut Findings) {
    let root = &document.root;
    fields("overlay", root, document, findings);
    let within = |key: &str| root.get("spec").and_then(|spec| spec.get(key));
    for (what, node) in [
        ("metadata", root.get("metadata")),
        ("spec", root.get("spec")),
        ("criteria", within("criteria")),
        ("validation", within("validation")),
    ] {
        node.into_iter().for_each(|node| fields(what, node, document, findings));
    }
    let items = |key: &str| within(key).map_or(&[][..], Node::items);
    items("constraints").iter().for_each(|node| fields("constraint", node, document, findings));
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for node in items("componentRefs") {
        fields("componentRef", node, document, findings);
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        if let Some(line) = seen.insert(name, node.at.line) {
            let message = format!("the component `{name}` stands twice, first in line {line}");
            findings.warn("duplicate-name", document, node.at, message);
        }
    }
    for phase in within("validation").map_or(&[][..], Node::entries) {
        fields("phase", &phase.value, document, findings);
        let constraints = phase.value.get("constraints").map_or(&[][..], Node::items);
        constraints.iter().for_each(|node| fields("constraint", node, document, findings));
    }
}

fn fields(what: &'static str, node: &Node, document: &Document, findings: &mut Findings) {
    let Some((_, known)) = FIELDS.iter().find(|(name, _)| *name == what) else { return };
    let unknown = |entry: &&Entry| !known.contains(&&*entry.key);
    for entry in node.entries().iter().filter(unknown) {
        let near = near_matches(&entry.key, known.iter().copied());
        let found =
            findings.error("unknown-field", document, entry.key_at, format!("a {what} has no field `{}`", entry.key));
        found.hint = (!near.is_empty()).then(|| format!("did you mean `{}`?", near.join("` or `")));
    }
}

/// Parents, cycles, criteria, mixins.
fn structure(catalog: &Catalog, overlay: &Overlay, findings: &mut Findings) {
    let document = &overlay.document;
    if overlay.name == BASE {
        return;
    }
    match select::chain(catalog, overlay) {
        Err(error) => {
            let rule = match error.problem {
                CatalogProblem::Circle(_) => "cycle",
                _ => "missing-parent",
            };
            findings.of_error(rule, &error);
        }
        Ok(chain) if chain.len() > 9 => {
            let message = format!(
                "the chain of `{}` has {} overlays, with the base {}",
                overlay.name,
                chain.len(),
                chain.len() + 1
            );
            findings.warn("depth", document, document.root.at, message);
        }
        Ok(_) => {}
    }
    let inherited = catalog.overlays.values().any(|other| other.parent.as_deref() == Some(&*overlay.name));
    if overlay.criteria.is_none() && !inherited {
        let message = format!("the overlay `{}` has no criteria and nobody builds on it", overlay.name);
        findings.error("no-criteria", document, document.root.at, message).hint =
            Some("add `spec.criteria`".to_owned());
    }
    let written = document.root.get("spec").and_then(|spec| spec.get("criteria")).map_or(&[][..], Node::entries);
    for entry in written {
        let Some(dimension) = Dimension::ALL.into_iter().find(|dimension| dimension.name() == &*entry.key) else {
            continue;
        };
        let text = entry.value.text().unwrap_or_default();
        let Some(value) = normalize(dimension, text).filter(|_| dimension != Dimension::Nodes) else { continue };
        if value != text {
            let message = format!(
                "`{text}` is compared as `{value}` here and verbatim by the reference, which then never matches"
            );
            findings.error("criteria-value", document, entry.value.at, message).hint = Some(format!("write `{value}`"));
        } else if !built_in(dimension).contains(&&*value) {
            let near = near_matches(&value, built_in(dimension).iter().copied());
            let found = findings.warn(
                "criteria-value",
                document,
                entry.value.at,
                format!("`{value}` is a new {}", dimension.name()),
            );
            found.hint = (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
        }
    }
    for (name, at) in &overlay.mixins {
        if !catalog.mixins.contains_key(name) {
            let near = near_matches(name, catalog.mixins.keys().map(String::as_str));
            let found = findings.error("missing-mixin", document, *at, format!("the mixin `{name}` does not exist"));
            found.hint = (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
        }
    }
}

/// Components and constraints of a layer.
fn content(catalog: &Catalog, document: &Document, components: &[Node], constraints: &[Node], findings: &mut Findings) {
    for node in components {
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
        let name = text("name");
        let Some(entry) = catalog.registry.components.get(name) else {
            let near = near_matches(name, catalog.registry.components.keys().map(String::as_str));
            let message = format!("the registry has no component `{name}`");
            findings.error("unregistered-component", document, node.at, message).hint =
                (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
            continue;
        };
        for key in ["valuesFile", "manifestFiles", "preManifestFiles"] {
            let Some(value) = node.get(key) else { continue };
            let named = value.items().iter().chain([value]).filter_map(|node| Some((node.text()?, node.at)));
            for (path, at) in named.filter(|(path, _)| catalog.text(path).is_none()) {
                findings.error(
                    "dangling-file",
                    document,
                    at,
                    format!("`{key}` names `{path}`, which is not in the catalog"),
                );
            }
        }
        let (group, key) =
            if entry.kind() == "Helm" { ("helm", "defaultVersion") } else { ("kustomize", "defaultTag") };
        let default = entry.default(group, key).and_then(Node::text).unwrap_or_default();
        if let Some(pin) = node.get("version").filter(|pin| !default.is_empty() && pin.text() != Some(default)) {
            let message = format!(
                "`{name}` is pinned to {}, the registry's default is {default}",
                pin.text().unwrap_or_default()
            );
            findings.warn("pin-differs", document, pin.at, message);
        }
    }
    for node in constraints {
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
        let kind = text("name").split('.').next().unwrap_or_default();
        if !TYPES.contains(&kind) || text("name").split('.').count() < 3 {
            let message = format!(
                "`{}` is no measurement path: Type.subtype.key, with a type of {}",
                text("name"),
                TYPES.join(", ")
            );
            findings.error("constraint", document, node.at, message);
        }
        let at = node.get("value").map_or(node.at, |value| value.at);
        match expression(text("value")) {
            Err(error) => {
                findings.error("constraint", document, at, error.to_string());
            }
            Ok(parsed) if !matches!(parsed.operator, Operator::Exactly | Operator::Equal | Operator::NotEqual) => {
                if let Err(error) = version(&parsed.operand) {
                    findings.error("constraint", document, at, error.to_string()).hint =
                        Some("write one to three numbers, for example `>= 1.32.4`".to_owned());
                }
            }
            Ok(parsed) if parsed.operand.starts_with(['~', '=', '^']) => {
                let message = format!("`{}` is compared as a text: there is no such operator", text("value"));
                findings.warn("constraint", document, at, message);
            }
            Ok(_) => {}
        }
    }
}

fn checks(overlay: &Overlay, phases: &BTreeMap<String, &'static str>, findings: &mut Findings) {
    for phase in overlay.spec.validation.as_ref().map_or(&[][..], Node::entries) {
        for check in phase.value.get("checks").map_or(&[][..], Node::items) {
            let name = check.text().unwrap_or_default();
            let problem = match phases.get(name) {
                Some(belongs) if *belongs == &*phase.key => continue,
                Some(belongs) => format!("`{name}` is a {belongs} check"),
                None => format!("no validator is called `{name}`"),
            };
            let near = near_matches(name, phases.keys().map(String::as_str));
            let found = findings.error("unknown-check", &overlay.document, check.at, problem);
            found.hint = (!near.is_empty() && !phases.contains_key(name))
                .then(|| format!("did you mean {}?", near.join(" or ")));
        }
    }
}

/// A child's lower bound under that of the nearest ancestor that sets one.
fn weakened(catalog: &Catalog, overlay: &Overlay, findings: &mut Findings) {
    let Ok(chain) = select::chain(catalog, overlay) else { return };
    let bound = |node: &Node| {
        let parsed = expression(node.get("value")?.text()?).ok()?;
        (parsed.operator == Operator::AtLeast).then(|| version(&parsed.operand).ok())?
    };
    let name = |node: &Node| node.get("name").and_then(Node::text).unwrap_or_default().to_owned();
    for own in &overlay.spec.constraints {
        let Some(ours) = bound(own) else { continue };
        let above = chain.iter().rev().skip(1).copied().chain([&catalog.base]);
        let found = above
            .flat_map(|ancestor| ancestor.spec.constraints.iter().map(move |node| (ancestor, node)))
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
            findings.warn("weakened-bound", &overlay.document, at, message);
        }
    }
}

fn registry(catalog: &Catalog, findings: &mut Findings) {
    for entry in catalog.registry.components.values() {
        if entry.assert_file.is_empty() {
            let document = Document { shown: entry.file.clone(), root: entry.node.clone() };
            let message = format!("the component `{}` has no health check", entry.name);
            findings.warn("health-check", &document, entry.at, message);
        }
        if !entry.assert_file.is_empty() && catalog.text(&entry.assert_file).is_none() {
            let document = Document { shown: entry.file.clone(), root: entry.node.clone() };
            let message = format!("the health check `{}` is not in the catalog", entry.assert_file);
            findings.error("dangling-file", &document, entry.at, message);
        }
    }
}

fn same_criteria(catalog: &Catalog, findings: &mut Findings) {
    let mut seen: BTreeMap<String, &Overlay> = BTreeMap::new();
    for overlay in catalog.overlays.values() {
        let Some(criteria) = &overlay.criteria else { continue };
        match seen.get(&criteria.to_string()) {
            Some(first) => {
                let message = format!("`{}` and `{}` have the same criteria ({criteria})", first.name, overlay.name);
                findings.warn("same-criteria", &overlay.document, overlay.document.root.at, message);
            }
            None => {
                seen.insert(criteria.to_string(), overlay);
            }
        }
    }
}

/// Pairs that one query can select together, with equal rank, and that disagree about a field.
fn conflicts(catalog: &Catalog, findings: &mut Findings) {
    let overlays: Vec<(&Overlay, &Criteria)> =
        catalog.overlays.values().filter_map(|overlay| Some((overlay, overlay.criteria.as_ref()?))).collect();
    let related = |left: &Overlay, right: &Overlay| {
        let builds_on = |child: &Overlay, parent: &Overlay| {
            select::chain(catalog, child).is_ok_and(|chain| chain.iter().any(|known| known.name == parent.name))
        };
        builds_on(left, right) || builds_on(right, left)
    };
    for (index, (left, asked)) in overlays.iter().enumerate() {
        for (right, other) in &overlays[index + 1..] {
            let compatible = Dimension::ALL.into_iter().all(|dimension| {
                let (asked, other) = (asked.get(dimension), other.get(dimension));
                asked.is_none() || other.is_none() || asked == other
            });
            if !compatible || asked.specificity() != other.specificity() || related(left, right) {
                continue;
            }
            let (ours, theirs) = (settings(left), settings(right));
            for (field, (value, at)) in &theirs {
                if let Some((mine, _)) = ours.get(field).filter(|(mine, _)| mine != value) {
                    let message = format!(
                        "`{}` and `{}` can apply together and set {field} to {mine} and {value}; the later name wins",
                        left.name, right.name
                    );
                    findings.warn("conflict", &right.document, *at, message);
                }
            }
        }
    }
}

/// Scalars that an overlay sets on components, by path.
fn settings(overlay: &Overlay) -> BTreeMap<String, (Value, Position)> {
    fn add(path: &str, node: &Node, settings: &mut BTreeMap<String, (Value, Position)>) {
        match node.entries() {
            [] => {
                settings.insert(path.to_owned(), (node.to_value(), node.at));
            }
            entries => entries.iter().for_each(|entry| add(&format!("{path}.{}", entry.key), &entry.value, settings)),
        }
    }
    let mut found = BTreeMap::new();
    for node in &overlay.spec.components {
        let name = node.get("name").and_then(Node::text).unwrap_or_default();
        for key in ["namespace", "chart", "source", "version", "valuesFile", "overrides"] {
            node.get(key).into_iter().for_each(|value| add(&format!("{name}.{key}"), value, &mut found));
        }
    }
    found
}

/// Findings as SARIF 2.1.0, for code hosts that show them beside the lines.
pub fn to_sarif(findings: &[Finding]) -> Value {
    let rules = RULES.iter().map(|(name, text)| json!({"id": name, "shortDescription": {"text": text}}));
    let results = findings.iter().map(|finding| {
        let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        json!({
            "ruleId": finding.rule,
            "level": if finding.severity == Severity::Error { "error" } else { "warning" },
            "message": {"text": format!("{}{hint}", finding.message)},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": finding.file},
                "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)},
            }}],
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "aicr", "version": env!("CARGO_PKG_VERSION"), "rules": rules.collect::<Vec<_>>()}},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 7] = [
        (
            "registry.yaml",
            "kind: ComponentRegistry\napiVersion: aicr.run/v1alpha2\ncomponents:\n  - name: nfd\n    healthCheck: {assertFile: checks/nfd/health-check.yaml}\n    helm: {defaultRepository: oci://x, defaultVersion: \"1.0\"}\n",
        ),
        (
            "overlays/base.yaml",
            "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {name: base}\nspec:\n  constraints: [{name: K8s.server.version, value: '>= 1.25'}]\n  componentRefs: [{name: nfd, valuesFile: components/nfd/values.yaml}]\n",
        ),
        (
            "overlays/eks.yaml",
            "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {name: eks}\nspec:\n  criteria: {service: eks}\n  mixins: [os-ubuntu]\n  validation: {conformance: {checks: [dra-support]}}\n",
        ),
        (
            "mixins/os-ubuntu.yaml",
            "kind: RecipeMixin\napiVersion: aicr.run/v1alpha2\nmetadata: {name: os-ubuntu}\nspec:\n  constraints: [{name: OS.release.ID, value: ubuntu}]\n",
        ),
        ("components/nfd/values.yaml", "a: 1\n"),
        (
            "checks/nfd/health-check.yaml",
            "kind: Test\nspec:\n  steps:\n    - name: a\n      try:\n        - assert: {resource: {}}\n",
        ),
        (
            "validators/catalog.yaml",
            "kind: ValidatorCatalog\napiVersion: validator.nvidia.com/v1alpha1\nvalidators: [{name: dra-support, phase: conformance, image: x}]\n",
        ),
    ];

    /// Lints the good catalog with one thing replaced; expects these rules, and nothing else.
    #[track_caller]
    fn check(replace: &[(&str, &str, &str)], expected: &[&str]) {
        let mut files = Files::default();
        for (path, text) in GOOD {
            files.insert(path, File { text: text.into(), source: 0, shown: path.into() });
        }
        for (path, from, to) in replace {
            let old = files.get(path).map(|file| file.text.to_string()).unwrap_or_default();
            assert!(from.is_empty() || old.contains(from), "{path} has no {from}");
            let text = if from.is_empty() { (*to).to_owned() } else { old.replace(from, to) };
            files.insert(path, File { text: text.into(), source: 0, shown: (*path).into() });
        }
        let found = lint(&files);
        let rules: Vec<String> =
            found.iter().map(|finding| format!("{}:{} {}", finding.file, finding.line, finding.rule)).collect();
        assert_eq!(rules, expected, "{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }

    const EKS: &str = "overlays/eks.yaml";

    #[test]
    fn the_good_catalog_is_clean() {
        check(&[], &[]);
    }

    #[test]
    fn each_fault_is_found_where_it_stands() {
        check(&[(EKS, "mixins:", "mixin: x\n  mixins:")], &["overlays/eks.yaml:6 unknown-field"]);
        check(&[(EKS, "v1alpha2", "v1")], &["overlays/eks.yaml:2 api-version"]);
        check(&[(EKS, "{service: eks}", "{service: EKS}")], &["overlays/eks.yaml:5 criteria-value"]);
        check(&[(EKS, "{service: eks}", "{service: ekss}")], &["overlays/eks.yaml:5 criteria-value"]);
        check(
            &[(EKS, "[os-ubuntu]", "[os-ubunto]")],
            &["mixins/os-ubuntu.yaml:1 unused-mixin", "overlays/eks.yaml:6 missing-mixin"],
        );
        check(&[(EKS, "dra-support", "dra-suport")], &["overlays/eks.yaml:7 unknown-check"]);
        check(&[(EKS, "conformance:", "deployment:")], &["overlays/eks.yaml:7 unknown-check"]);
        check(&[(EKS, "  criteria", "  base: missing\n  criteria")], &["overlays/eks.yaml:1 missing-parent"]);
        check(&[(EKS, "  criteria", "  base: eks\n  criteria")], &["overlays/eks.yaml:1 cycle"]);
        check(
            &[(EKS, "spec:", "spec:\n  constraints: [{name: K8s.server.version, value: '>= 1.20'}]")],
            &["overlays/eks.yaml:5 weakened-bound"],
        );
        check(
            &[(EKS, "spec:", "spec:\n  constraints: [{name: K8s.server.version, value: '>= 1.x'}]")],
            &["overlays/eks.yaml:5 constraint"],
        );
        check(
            &[(EKS, "spec:", "spec:\n  constraints: [{name: Kube.server, value: a}]")],
            &["overlays/eks.yaml:5 constraint"],
        );
        check(
            &[("overlays/base.yaml", "values.yaml", "value.yaml")],
            &["overlays/base.yaml:6 dangling-file", "overlays/eks.yaml:1 unreadable"],
        );
        check(
            &[("overlays/base.yaml", "name: nfd,", "name: nfd, version: '2.0',")],
            &["overlays/base.yaml:6 pin-differs"],
        );
        check(&[(EKS, "kind: RecipeMetadata", "kind: RecipeMetadata\nkind: x")], &["overlays/eks.yaml:2 unreadable"]);
        check(&[(EKS, "spec:", "---\nspec:")], &["overlays/eks.yaml:4 unreadable"]);
    }

    const CHECK: &str = "checks/nfd/health-check.yaml";

    #[test]
    fn health_checks_only_look() {
        check(&[(CHECK, "assert:", "script:")], &["checks/nfd/health-check.yaml:6 health-check"]);
        check(
            &[(CHECK, "      try:", "      cleanup: []\n      try:")],
            &["checks/nfd/health-check.yaml:5 health-check"],
        );
        let registry = "\n    healthCheck: {assertFile: checks/nfd/health-check.yaml}";
        check(&[("registry.yaml", registry, "")], &["registry.yaml:4 health-check"]);
        check(&[("components/nfd/values.yaml", "a: 1", "[a]")], &["components/nfd/values.yaml:1 unreadable"]);
    }

    #[test]
    fn recipes_of_accelerators_can_be_validated() {
        let h100 = |rest: &str| {
            format!(
                "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {{name: h100}}\nspec:\n  base: eks\n  criteria: {{service: eks, accelerator: h100}}\n{rest}"
            )
        };
        check(&[("overlays/h100.yaml", "", &h100(""))], &["overlays/h100.yaml:1 phases"]);
        let unbounded = h100("  validation: {deployment: {checks: [gpu-operator-version]}}\n");
        let known = (
            "validators/catalog.yaml",
            "image: x}]",
            "image: x}, {name: gpu-operator-version, phase: deployment, image: x}]",
        );
        check(&[known, ("overlays/h100.yaml", "", &unbounded)], &["overlays/h100.yaml:1 phases"]);
    }

    #[test]
    fn operator_and_dra_driver_agree_about_the_driver() {
        let registry = (
            "registry.yaml",
            "  - name: nfd",
            "  - {name: gpu-operator, healthCheck: {assertFile: checks/nfd/health-check.yaml}}\n  - {name: nvidia-dra-driver-gpu, healthCheck: {assertFile: checks/nfd/health-check.yaml}}\n  - name: nfd",
        );
        let components = |installed: &str, looked_for: &str| {
            format!(
                "  componentRefs:\n  - {{name: gpu-operator, type: Helm, source: oci://x, version: '1', overrides: {{hostPaths: {{driverInstallDir: {installed}}}}}}}\n  - {{name: nvidia-dra-driver-gpu, type: Helm, source: oci://x, version: '1', overrides: {{nvidiaDriverRoot: {looked_for}}}}}\n  criteria:"
            )
        };
        check(&[registry, (EKS, "  criteria:", &components("/run/nvidia", "/run/nvidia"))], &[]);
        check(&[registry, (EKS, "  criteria:", &components("/run/nvidia", "/"))], &["overlays/eks.yaml:1 driver-root"]);
        check(&[registry, (EKS, "  criteria:", &components("/", "/"))], &["overlays/eks.yaml:1 driver-root"]);
    }

    #[test]
    fn a_file_may_justify_a_finding_and_has_to_say_why() {
        let weak =
            |comment: &str| format!("spec:\n{comment}  constraints: [{{name: K8s.server.version, value: '>= 1.20'}}]");
        let justified = "  # lint: allow weakened-bound (older clusters are fine)\n  # and more words\n";
        check(&[(EKS, "spec:", &weak(justified))], &[]);
        check(
            &[(EKS, "spec:", &weak("  # lint: allow weakened-bound\n"))],
            &["overlays/eks.yaml:5 exemption", "overlays/eks.yaml:6 weakened-bound"],
        );
        check(&[(EKS, "spec:", "spec: # lint: allow cycle (there is none)")], &["overlays/eks.yaml:4 exemption"]);
        check(&[(EKS, "spec:", "spec: # lint: allow nothing (no such rule)")], &["overlays/eks.yaml:4 exemption"]);
    }

    #[test]
    fn overlays_that_stand_beside_each_other_are_compared() {
        let other = GOOD[2].1.replace("name: eks", "name: eks2");
        check(&[("overlays/eks2.yaml", "", &other)], &["overlays/eks2.yaml:1 same-criteria"]);
        let pinned = |name: &str, criteria: &str, version: &str| {
            format!(
                "kind: RecipeMetadata\napiVersion: aicr.run/v1alpha2\nmetadata: {{name: {name}}}\nspec:\n  criteria: {{{criteria}}}\n  componentRefs: [{{name: nfd, namespace: {version}}}]\n"
            )
        };
        check(
            &[
                ("overlays/h100.yaml", "", &pinned("h100", "accelerator: h100", "a")),
                ("overlays/training.yaml", "", &pinned("training", "intent: training", "b")),
            ],
            &["overlays/training.yaml:6 conflict"],
        );
    }

    #[test]
    fn every_rule_that_is_used_is_documented() {
        let source = [include_str!("mod.rs"), include_str!("recipes.rs"), include_str!("exempt.rs")].concat();
        for (name, text) in RULES {
            assert!(source.matches(&format!("\"{name}\"")).count() > 1, "{name} is listed and never found");
            assert!(!text.is_empty());
        }
    }
}
