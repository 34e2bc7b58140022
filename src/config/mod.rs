//! Defaults for flags, in the reference's file: kind `AICRConfig`.
//!
//! In: a text. Out: every setting with its path, value and place, or everything that is wrong with the text. What a
//! setting does is for the verb whose flag it stands for; the file itself changes nothing.

mod fields;

pub use fields::{SHAPE, Section, paths, template};

use crate::{
    catalog::parse::duration_seconds,
    criteria::{Dimension, parse_value},
    document::{
        header::{self, HeaderError},
        shape::{self, Misfit, Problem as ShapeProblem},
    },
    recipe::configuration::{self, ConfigurationError},
    text::{did_you_mean, near_or_all},
    yaml::{Kind, Node, Position},
};
use sha2::{Digest, Sha256};

/// A configuration that was read and checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `metadata.name`; empty where it has none.
    pub name: String,
    /// What it sets, in the order of the text.
    pub settings: Vec<Setting>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// From below `spec`: `recipe.criteria.service`.
    pub path: String,
    /// The value as flags take it: one text, or one for each element of a list or entry of a mapping (`key=value`).
    pub values: Vec<String>,
    /// Whether it is a list or a mapping, so that none is a value too.
    pub is_list: bool,
    /// Where the value is.
    pub at: Position,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Where, when it has a place.
    pub at: Option<Position>,
    /// What.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Config {
    /// A setting by its path.
    pub fn get(&self, path: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.path == path)
    }
}

/// Reads a configuration, strictly. `legal` are the values of a dimension, where they are known.
///
/// # Errors
/// Everything that is wrong, in the order of the text; never empty.
pub fn read(text: &str, legal: impl Fn(Dimension) -> Option<Vec<String>>) -> Result<Config, Vec<Finding>> {
    let root = header::read(text, &header::CONFIG).map_err(|error| vec![of_header(&error)])?;
    if root.get("apiVersion").is_none_or(Node::is_null) {
        let expected = header::CONFIG.versions[0].name;
        let message = format!("missing `apiVersion: {expected}`");
        return Err(vec![Finding { at: Some(root.at), message, hint: None }]);
    }
    let mut findings: Vec<Finding> = shape::misfits(&root, &SHAPE).iter().map(of_misfit).collect();
    let spec = root.get("spec").filter(|spec| !spec.is_null());
    let mut settings = Vec::new();
    for entry in spec.into_iter().flat_map(Node::entries) {
        if let Some(section) = Section::ALL.into_iter().find(|section| section.name() == &*entry.key) {
            collect(&entry.key, &entry.value, &section.shape(), &mut settings);
        }
    }
    if !Section::ALL.iter().any(|section| spec.and_then(|spec| spec.get(section.name())).is_some()) {
        let names = Section::ALL.map(Section::name).join(", ");
        let at = Some(spec.map_or(root.at, |spec| spec.at));
        findings.push(Finding { at, message: format!("`spec` needs at least one section: {names}"), hint: None });
    }
    let name = root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Node::text).unwrap_or_default();
    let config = Config { name: name.to_owned(), settings };
    findings.extend(contradictions(&config));
    findings.extend(config.settings.iter().filter_map(|setting| wrong_value(setting, &legal)));
    findings.sort_by_key(|finding| finding.at);
    if findings.is_empty() { Ok(config) } else { Err(findings) }
}

fn of_header(error: &HeaderError) -> Finding {
    Finding { at: error.at(), message: crate::text::causes(error), hint: error.hint() }
}

fn of_misfit(misfit: &Misfit<'_>) -> Finding {
    let path = &misfit.path;
    let (message, hint) = match &misfit.problem {
        ShapeProblem::UnknownField { near } => (format!("unknown field `{path}`"), did_you_mean(near)),
        ShapeProblem::Type { expected, found } => (format!("`{path}` must be {expected}, found {found}"), None),
        ShapeProblem::Word { allowed, found, near } => {
            let hint = near_or_all(near, allowed.iter().copied());
            (format!("`{path}` cannot be `{found}`"), Some(hint))
        }
    };
    Finding { at: Some(misfit.at), message, hint }
}

/// Every value below a section, as texts.
fn collect(path: &str, node: &Node, shape: &shape::Shape, settings: &mut Vec<Setting>) {
    let mut set = |values: Vec<String>, is_list: bool| {
        settings.push(Setting { path: path.to_owned(), values, is_list, at: node.at });
    };
    match (shape, &node.kind) {
        (_, Kind::Null) => {}
        (shape::Shape::Fields(fields), Kind::Map(entries)) => {
            for entry in entries.iter() {
                if let Some((_, shape)) = fields.iter().find(|(name, _)| *name == &*entry.key) {
                    collect(&format!("{path}.{}", entry.key), &entry.value, shape, settings);
                }
            }
        }
        (shape::Shape::Map(_), Kind::Map(entries)) => {
            let pairs = entries.iter().map(|entry| format!("{}={}", entry.key, entry.value.text().unwrap_or_default()));
            set(pairs.collect(), true);
        }
        (shape::Shape::List(_), Kind::List(items)) => set(items.iter().map(item).collect(), true),
        (shape::Shape::Flag, _) => set(node.as_bool().map(|flag| flag.to_string()).into_iter().collect(), false),
        (_, _) => set(node.text().map(str::to_owned).into_iter().collect(), false),
    }
}

/// An element of a list; one interface of a network is `name=network`, as its flag has it.
fn item(node: &Node) -> String {
    let field = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
    match node.text() {
        Some(text) => text.to_owned(),
        None => format!("{}={}", field("interfaceName"), field("network")),
    }
}

/// `sha256:…` of a text, by which answers name a configuration.
pub fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Settings that exclude each other.
fn contradictions(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let criterion = config.settings.iter().find(|setting| setting.path.starts_with("recipe.criteria."));
    if let (Some(criterion), Some(snapshot)) = (criterion, config.get("recipe.input.snapshot")) {
        let message = format!(
            "`spec.recipe.input.snapshot` and `spec.recipe.criteria` exclude each other; the criteria start on line {}",
            criterion.at.line
        );
        let hint = Some("keep one of them, and give the other as flags".to_owned());
        findings.push(Finding { at: Some(snapshot.at), message, hint });
    }
    if let (Some(written), Some(read)) = (config.get("recipe.output.path"), config.get("bundle.input.recipe")) {
        let clean = |setting: &Setting| {
            let text = setting.values.concat();
            text.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect::<Vec<_>>()
        };
        if clean(written) != clean(read) {
            let message = format!(
                "`spec.bundle.input.recipe` must be the file that `spec.recipe.output.path` names on line {}",
                written.at.line
            );
            findings.push(Finding { at: Some(read.at), message, hint: None });
        }
    }
    findings
}

/// What is wrong with a value beyond its type.
fn wrong_value(setting: &Setting, legal: &impl Fn(Dimension) -> Option<Vec<String>>) -> Option<Finding> {
    let finding = |message: String, hint: Option<String>| Some(Finding { at: Some(setting.at), message, hint });
    let value = setting.values.first().map(String::as_str).unwrap_or_default();
    if let Some(name) = setting.path.strip_prefix("recipe.criteria.") {
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)?;
        let error = parse_value(dimension, value, &legal(dimension)?).err()?;
        return finding(format!("`spec.{}`: {error}", setting.path), Some(error.hint()));
    }
    let typed = |error: ConfigurationError| finding(format!("`spec.{}`: {error}", setting.path), error.hint());
    match &*setting.path {
        "recipe.configuration.slurm.accounting.mode" => return typed(configuration::slurm_mode(value).err()?),
        "recipe.configuration.runtimeInventory.mode" => return typed(configuration::inventory_mode(value).err()?),
        "recipe.configuration.gke.tcpxoInterfaces" if !setting.values.is_empty() => {
            return typed(configuration::interfaces(setting.values.iter().map(String::as_str)).err()?);
        }
        _ => {}
    }
    match setting.path.rsplit('.').next().unwrap_or_default() {
        "timeout" if duration_seconds(value).is_none_or(|seconds| seconds <= 0.0) => finding(
            format!("`spec.{}` is not a duration: `{value}`", setting.path),
            Some("write 90s, 5m or 1h30m".to_owned()),
        ),
        "profile" if value.split('=').filter(|side| !side.is_empty()).count() != 2 => {
            finding(format!("`spec.{}` is not of the form name=value: `{value}`", setting.path), None)
        }
        "tolerations" | "systemNodeTolerations" | "acceleratedNodeTolerations" => {
            let bad = setting.values.iter().find(|text| !is_toleration(text))?;
            let hint = Some(TOLERATION.to_owned());
            finding(format!("`spec.{}` has `{bad}`, which is not a toleration", setting.path), hint)
        }
        _ => None,
    }
}

/// How a toleration is written.
pub const TOLERATION: &str =
    "write KEY=VALUE:EFFECT, KEY:EFFECT or *; effects: NoSchedule, PreferNoSchedule, NoExecute";

/// What the reference takes: `*` for everything, else a key, perhaps a value, and an effect.
pub fn is_toleration(text: &str) -> bool {
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    let is_one = |(key, effect): (&str, &str)| {
        let key = key.split_once('=').map_or(key, |(key, _)| key);
        !key.is_empty() && effects.contains(&effect)
    };
    text == "*" || text.split_once(':').is_some_and(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "kind: AICRConfig\napiVersion: aicr.run/v1beta1\nmetadata: {name: mine}\n";

    fn read(text: &str) -> Result<Config, Vec<Finding>> {
        let legal = |dimension: Dimension| match dimension {
            Dimension::Accelerator => ["a100", "h100"],
            _ => ["eks", "kind"],
        };
        super::read(text, |dimension| Some(legal(dimension).map(str::to_owned).to_vec()))
    }

    #[track_caller]
    fn refused(text: &str, expected: &[&str]) {
        let findings = read(text).unwrap_err();
        let shown = findings.iter().map(|finding| {
            let at = finding.at.map(|at| format!("{at}: ")).unwrap_or_default();
            let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{at}{}{hint}", finding.message)
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn settings_are_values_of_flags_with_their_place() {
        let config = read(&format!(
            "{HEAD}spec:\n  recipe:\n    criteria: {{service: eks, nodes: 8}}\n    criteriaStrict: yes\n    data: mine\n  validate:\n    agent:\n      nodeSelector: {{a.io/b: c}}\n      tolerations: []\n    execution: {{phases: [deployment, performance], timeout: 1h}}\n"
        ))
        .unwrap();
        let shown: Vec<String> = config
            .settings
            .iter()
            .map(|Setting { path, values, at, .. }| format!("{path}={} @{at}", values.join("+")))
            .collect();
        assert_eq!(
            shown,
            [
                "recipe.criteria.service=eks @6:25",
                "recipe.criteria.nodes=8 @6:37",
                "recipe.criteriaStrict=true @7:21",
                "recipe.data=mine @8:11",
                "validate.agent.nodeSelector=a.io/b=c @11:21",
                "validate.agent.tolerations= @12:20",
                "validate.execution.phases=deployment+performance @13:25",
                "validate.execution.timeout=1h @13:61",
            ]
        );
        assert_eq!((config.name.as_str(), config.settings[5].is_list), ("mine", true));
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_its_place() {
        refused(
            &format!(
                "{HEAD}spec:\n  recpe: {{}}\n  recipe:\n    criteria: {{servce: eks, accelerator: h10O}}\n    output: {{format: yml}}\n  snapshot: {{execution: {{timeout: soon}}, agent: {{tolerations: [a, '*']}}}}\n"
            ),
            &[
                "5:3: unknown field `spec.recpe` (did you mean recipe?)",
                "7:16: unknown field `spec.recipe.criteria.servce` (did you mean service?)",
                "7:42: `spec.recipe.criteria.accelerator`: invalid accelerator type: `h10o` (did you mean h100? Legal values: a100, h100)",
                "8:22: `spec.recipe.output.format` cannot be `yml` (did you mean yaml?)",
                "9:35: `spec.snapshot.execution.timeout` is not a duration: `soon` (write 90s, 5m or 1h30m)",
                "9:63: `spec.snapshot.agent.tolerations` has `a`, which is not a toleration (write KEY=VALUE:EFFECT, KEY:EFFECT or *; effects: NoSchedule, PreferNoSchedule, NoExecute)",
            ],
        );
        refused("kind: AICRConfig\nspec: {recipe: {}}\n", &["1:1: missing `apiVersion: aicr.run/v1beta1`"]);
        refused(
            &format!("{HEAD}spec: {{}}\n"),
            &["4:7: `spec` needs at least one section: snapshot, recipe, bundle, validate, verify"],
        );
        refused("kind: Snapshot\n", &["expected `kind: AICRConfig`, found `kind: Snapshot`"]);
        refused(
            &format!("{HEAD}spec: {{recipe: {{}}}}\n---\na: 1\n"),
            &[
                "5:1: a second document starts on line 5; expected one document (keep one document: split the file at `---`, or remove what follows it)",
            ],
        );
        refused(
            &format!("{HEAD}spec: {{recipe: {{criteria: [], data: {{}}}}}}\n"),
            &[
                "4:27: `spec.recipe.criteria` must be a mapping, found a list",
                "4:37: `spec.recipe.data` must be a string, found a mapping",
            ],
        );
    }

    #[test]
    fn typed_settings_are_checked_as_recipes_check_them() {
        refused(
            &format!(
                "{HEAD}spec:\n  recipe:\n    configuration:\n      slurm: {{accounting: {{mode: of}}}}\n      runtimeInventory: {{mode: on}}\n      gke: {{tcpxoInterfaces: [{{interfaceName: eth1, network: a-gpu-nic}}]}}\n"
            ),
            &[
                "7:34: `spec.recipe.configuration.slurm.accounting.mode`: unknown mode of slurm accounting `of` (there are: disabled, customer-managed, aicr-provided)",
                "8:32: `spec.recipe.configuration.runtimeInventory.mode`: unknown mode of the runtime inventory `on` (there are: enabled, disabled)",
                "9:30: `spec.recipe.configuration.gke.tcpxoInterfaces`: the TCPXO interfaces are wrong: expected 8, found 1 (write eth1=NETWORK,…,eth8=NETWORK)",
            ],
        );
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused() {
        refused(
            &format!(
                "{HEAD}spec:\n  recipe:\n    criteria: {{service: eks}}\n    input: {{snapshot: s.yaml}}\n    output: {{path: ./r.yaml}}\n  bundle: {{input: {{recipe: r.yml}}}}\n"
            ),
            &[
                "7:23: `spec.recipe.input.snapshot` and `spec.recipe.criteria` exclude each other; the criteria start on line 6 (keep one of them, and give the other as flags)",
                "9:28: `spec.bundle.input.recipe` must be the file that `spec.recipe.output.path` names on line 8",
            ],
        );
        let same = "{recipe: {output: {path: ./r.yaml}}, bundle: {input: {recipe: r.yaml}}}";
        assert!(read(&format!("{HEAD}spec: {same}\n")).is_ok());
    }

    #[test]
    fn the_template_is_a_configuration() {
        assert_eq!(read(&template()).map(|config| config.settings.len()), Ok(5));
        // Every field of the shape is in it, so that it cannot fall behind.
        for section in Section::ALL {
            for path in fields::paths(section) {
                let key = path.rsplit('.').next().unwrap_or_default();
                assert!(template().contains(&format!("{key}:")), "{path}");
            }
        }
        // And with the comments taken away it is one too, apart from what excludes each other.
        let whole: String = template()
            .lines()
            .filter(|line| !line.starts_with("# Defaults"))
            .map(|line| line.replacen("#", " ", 1) + "\n")
            .collect();
        let findings = read(&whole).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:#?}\n{whole}");
        assert!(findings[0].message.contains("exclude each other"), "{whole}");
    }
}
