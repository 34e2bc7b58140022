//! What a person asks for: service, accelerator, OS, intent, platform, nodes; `any` where they did not say.

use crate::{accelerators, settings::Configuration, text::did_you_mean};
use std::{borrow::Cow, fmt, sync::LazyLock};

/// The dimensions of a query, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    Service,
    Accelerator,
    Os,
    Intent,
    Platform,
    Nodes,
}

impl Dimension {
    pub const ALL: [Dimension; 6] = [
        Dimension::Service,
        Dimension::Accelerator,
        Dimension::Os,
        Dimension::Intent,
        Dimension::Platform,
        Dimension::Nodes,
    ];

    /// The name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Service => "service",
            Dimension::Accelerator => "accelerator",
            Dimension::Os => "os",
            Dimension::Intent => "intent",
            Dimension::Platform => "platform",
            Dimension::Nodes => "nodes",
        }
    }
}

/// A query, or what an overlay applies to. `None` (and nodes 0) is `any`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Criteria {
    pub service: Option<String>,
    pub accelerator: Option<String>,
    pub os: Option<String>,
    pub intent: Option<String>,
    pub platform: Option<String>,
    pub nodes: u32,
    /// Which value of the profile that the matching overlays declare; `None` for its default. Only people choose: overlays
    /// and clusters never do, and it does not make a query more specific.
    pub profile: Option<ProfileChoice>,
    /// Typed settings that a person decided; those of a recipe are its own field. Boxed, for most criteria have none.
    pub configuration: Box<Configuration>,
}

impl Criteria {
    /// The stated value of a dimension as text; `None` when it is open.
    pub fn get(&self, dimension: Dimension) -> Option<String> {
        self.stated(dimension).map(Cow::into_owned)
    }

    /// As [`Criteria::get`], without a copy: a catalog may have thousands of overlays to look at.
    pub fn stated(&self, dimension: Dimension) -> Option<Cow<'_, str>> {
        let text = match dimension {
            Dimension::Service => &self.service,
            Dimension::Accelerator => &self.accelerator,
            Dimension::Os => &self.os,
            Dimension::Intent => &self.intent,
            Dimension::Platform => &self.platform,
            Dimension::Nodes => return (self.nodes > 0).then(|| self.nodes.to_string().into()),
        };
        text.as_deref().map(Cow::Borrowed)
    }

    /// States a dimension as given (already normalized), or opens it with `None`. Nodes that are no number open it.
    pub fn set(&mut self, dimension: Dimension, value: Option<String>) {
        match dimension {
            Dimension::Service => self.service = value,
            Dimension::Accelerator => self.accelerator = value,
            Dimension::Os => self.os = value,
            Dimension::Intent => self.intent = value,
            Dimension::Platform => self.platform = value,
            Dimension::Nodes => self.nodes = value.and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }

    /// Number of stated dimensions, 0 to 6.
    pub fn specificity(&self) -> usize {
        Dimension::ALL.into_iter().filter(|dimension| self.stated(*dimension).is_some()).count()
    }
}

impl fmt::Display for Criteria {
    /// `service=eks accelerator=h100`, or `any`; a chosen profile and settings last: `profile=gpuStack=operator-managed
    /// runtime-inventory=enabled`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stated = |dimension: Dimension| Some(format!("{}={}", dimension.name(), self.stated(dimension)?));
        let mut words: Vec<String> = Dimension::ALL.into_iter().filter_map(stated).collect();
        words.extend(self.profile.as_ref().map(|profile| format!("profile={profile}")));
        if !self.configuration.is_empty() {
            words.push(self.configuration.to_string());
        }
        if words.is_empty() { f.write_str("any") } else { f.write_str(&words.join(" ")) }
    }
}

/// A profile and one of its values, as a person names them: `gpuStack=operator-managed`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileChoice {
    pub name: String,
    pub value: String,
}

impl fmt::Display for ProfileChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// A text that is not `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a profile: expected NAME=VALUE with letters, digits, `.`, `_` and `-`")]
pub struct NotAProfile(pub String);

impl std::str::FromStr for ProfileChoice {
    type Err = NotAProfile;

    fn from_str(text: &str) -> Result<ProfileChoice, NotAProfile> {
        let parts: Option<(&str, &str)> = text.split_once('=');
        let legal = parts.filter(|(name, value)| is_identifier(name) && is_identifier(value));
        let choice = legal.map(|(name, value)| ProfileChoice { name: name.to_owned(), value: value.to_owned() });
        choice.ok_or_else(|| NotAProfile(text.to_owned()))
    }
}

/// Letters, digits, `.`, `_` and `-`.
pub fn is_identifier(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !text.is_empty() && text.bytes().all(legal)
}

/// Who stated a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatedBy {
    /// A person: a flag, or the workbench.
    Flag,
    /// A configuration file or the environment.
    Configuration,
    /// A cluster, as a snapshot shows it.
    Snapshot,
    /// A recipe that was resolved before.
    RecipeFile,
}

/// A value, and who stated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated<T> {
    /// What was stated.
    pub value: T,
    /// By whom.
    pub by: StatedBy,
}

/// A value that a person sets over the recipe: `gpu-operator:driver.version=580.1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub component: String,
    /// Keys from the top of the component's values.
    pub path: Vec<String>,
    pub value: serde_json::Value,
}

/// A text that is not `COMPONENT:PATH=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a setting: expected COMPONENT:PATH=VALUE, for example gpu-operator:driver.version=580.1")]
pub struct NotASetting(pub String);

impl std::str::FromStr for Setting {
    type Err = NotASetting;

    /// Values are read as Helm's `--set` reads them: booleans, whole numbers, null, else text. `\\.` is a dot in a key.
    fn from_str(text: &str) -> Result<Setting, NotASetting> {
        let wrong = || NotASetting(text.to_owned());
        let (component, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (path, value) = rest.split_once('=').ok_or_else(wrong)?;
        let mut keys = vec![String::new()];
        let mut characters = path.chars();
        while let Some(character) = characters.next() {
            match (character, keys.last_mut()) {
                ('.', _) => keys.push(String::new()),
                ('\\', Some(key)) => key.extend(characters.next()),
                (other, Some(key)) => key.push(other),
                (_, None) => {}
            }
        }
        if component.is_empty() || keys.iter().any(String::is_empty) {
            return Err(wrong());
        }
        let whole = || value.parse::<i64>().ok().filter(|number| number.to_string() == value);
        let value = match value {
            "true" | "false" => (value == "true").into(),
            "null" => serde_json::Value::Null,
            _ => whole().map_or_else(|| value.into(), Into::into),
        };
        Ok(Setting { component: component.to_owned(), path: keys, value })
    }
}

/// Criteria as asked for: each stated dimension with who stated it, and what is set over the recipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    criteria: Criteria,
    settings: Vec<Setting>,
    /// In the order of [`Dimension::ALL`]; read only for dimensions that are stated.
    by: [Option<StatedBy>; Dimension::ALL.len()],
}

impl Query {
    /// Criteria that one source states.
    pub fn of(criteria: Criteria, by: StatedBy) -> Query {
        Query { criteria, by: [Some(by); Dimension::ALL.len()], ..Query::default() }
    }

    /// The values alone.
    pub fn criteria(&self) -> &Criteria {
        &self.criteria
    }

    /// A stated dimension; `None` when it is open.
    pub fn get(&self, dimension: Dimension) -> Option<Stated<Cow<'_, str>>> {
        let (value, by) = (self.criteria.stated(dimension)?, self.by[dimension as usize]?);
        Some(Stated { value, by })
    }

    /// States a dimension over what was stated before, as given (already normalized), or opens it with `None`.
    pub fn state(&mut self, dimension: Dimension, value: Option<String>, by: StatedBy) {
        self.criteria.set(dimension, value);
        self.by[dimension as usize] = Some(by);
    }

    /// What is set over the recipe, in order.
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Sets values over the recipe, behind those that are set already.
    pub fn set(&mut self, settings: impl IntoIterator<Item = Setting>) {
        self.settings.extend(settings);
    }

    /// Typed settings of the recipe.
    pub fn configuration(&self) -> &Configuration {
        &self.criteria.configuration
    }

    /// Decides typed settings; those that are absent are left to the recipe.
    pub fn configure(&mut self, configuration: Configuration) {
        *self.criteria.configuration = configuration;
    }

    /// Chooses a value of a profile, or its default with `None`.
    pub fn choose(&mut self, profile: Option<ProfileChoice>) {
        self.criteria.profile = profile;
    }

    /// The same with other criteria: what differs was stated by `by`, the rest by whom it was before.
    pub fn changed(&self, criteria: &Criteria, by: StatedBy) -> Query {
        let mut changed = self.clone();
        for dimension in Dimension::ALL {
            if criteria.stated(dimension) != self.criteria.stated(dimension) {
                changed.state(dimension, criteria.get(dimension), by);
            }
        }
        changed.choose(criteria.profile.clone());
        changed.configure((*criteria.configuration).clone());
        changed
    }
}

impl From<&Query> for Query {
    fn from(query: &Query) -> Query {
        query.clone()
    }
}

impl From<&Criteria> for Query {
    /// Criteria that a person states.
    fn from(criteria: &Criteria) -> Query {
        Query::of(criteria.clone(), StatedBy::Flag)
    }
}

static ACCELERATORS: LazyLock<Vec<&'static str>> = LazyLock::new(|| accelerators::names().collect());

/// Values that are legal whatever the catalog; empty for nodes.
pub fn built_in(dimension: Dimension) -> &'static [&'static str] {
    match dimension {
        Dimension::Service => {
            &["aks", "bcm", "eks", "generic", "gke", "k0s", "kind", "lke", "metal3", "mk8s", "ocp", "oke", "rke2"]
        }
        Dimension::Accelerator => &ACCELERATORS,
        Dimension::Os => &["amazonlinux", "cos", "ol", "rhel", "rocky", "sles", "talos", "ubuntu"],
        Dimension::Intent => &["inference", "training"],
        Dimension::Platform => &["dynamo", "kubeflow", "kueue", "nim", "runai", "slurm"],
        Dimension::Nodes => &[],
    }
}

/// A stated value in the catalog's spelling: trimmed, lower case, aliases resolved; `None` for `any` and empty.
pub fn normalize(dimension: Dimension, text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    match (dimension, &*text) {
        (_, "" | "any") => None,
        (Dimension::Service, alias) if SELF_MANAGED.contains(&alias) => Some("generic".to_owned()),
        (Dimension::Service, "openshift") => Some("ocp".to_owned()),
        (Dimension::Os, "al2" | "al2023") => Some("amazonlinux".to_owned()),
        _ => Some(text),
    }
}

/// Other names of the service `generic`: a cluster that somebody set up on their own.
const SELF_MANAGED: [&str; 3] = ["self-managed", "self", "vanilla"];

/// As [`normalize`], by the rules of July 2026: what is `generic` today was `any` then.
pub fn normalize_july(dimension: Dimension, text: &str) -> Option<String> {
    let was_any = dimension == Dimension::Service && SELF_MANAGED.contains(&&*text.trim().to_lowercase());
    if was_any { None } else { normalize(dimension, text) }
}

/// A value that the catalog does not know, with the legal ones and those that look alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", match dimension {
    Dimension::Nodes => format!("`{value}` is not a number of nodes"),
    // The reference's words: its scripts look for them.
    _ => format!("invalid {} type: `{value}`", dimension.name()),
})]
pub struct UnknownValue {
    /// Whose value.
    pub dimension: Dimension,
    /// As typed, normalized.
    pub value: String,
    /// Legal values that look alike.
    pub near: Vec<String>,
    /// All legal values.
    pub legal: Vec<String>,
}

impl UnknownValue {
    /// What to do: the near matches, else all legal values.
    pub fn hint(&self) -> String {
        match did_you_mean(&self.near) {
            Some(question) => format!("{question} Legal values: {}", self.legal.join(", ")),
            None => format!("legal values: {}", self.legal.join(", ")),
        }
    }
}

/// Reads what a person typed for a dimension against the legal values of a catalog.
///
/// # Errors
/// A value that is none of them; for nodes, what is no whole number.
pub fn parse_value(dimension: Dimension, text: &str, legal: &[String]) -> Result<Option<String>, UnknownValue> {
    let Some(value) = normalize(dimension, text) else { return Ok(None) };
    if dimension == Dimension::Nodes {
        let read = value.parse::<u32>().map(|nodes| (nodes > 0).then(|| nodes.to_string()));
        return read.map_err(|_| UnknownValue {
            dimension,
            value,
            near: Vec::new(),
            legal: vec!["a whole number from 0".to_owned()],
        });
    }
    if legal.contains(&value) {
        return Ok(Some(value));
    }
    let near = near_matches(&value, legal.iter().map(String::as_str));
    Err(UnknownValue { dimension, value, near, legal: legal.to_vec() })
}

/// Up to three candidates within two edits or sharing a prefix of the text, of those the closest.
pub fn near_matches<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut near: Vec<(usize, &str)> = candidates
        .map(|candidate| (edit_distance(text, candidate), candidate))
        .filter(|(distance, candidate)| {
            let limit = if text.len() < 4 { 1 } else { 2 };
            *distance <= limit || (text.len() >= 2 && (candidate.starts_with(text) || text.starts_with(*candidate)))
        })
        .collect();
    near.sort();
    let closest = near.first().map_or(0, |(distance, _)| *distance);
    near.into_iter()
        .take_while(|(distance, _)| *distance == closest)
        .take(3)
        .map(|(_, candidate)| candidate.to_owned())
        .collect()
}

/// What to write instead of a text: the near ones of those that there are, else all of them.
pub fn near_or_all<'a>(text: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    crate::text::near_or_all(&near_matches(text, known.clone()), known)
}

/// Insertions, deletions, replacements and swaps of neighbors that turn one text into the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_becomes_what_catalogs_write() {
        let read = |dimension, text| normalize(dimension, text);
        assert_eq!(read(Dimension::Service, " EKS "), Some("eks".into()));
        assert_eq!(read(Dimension::Service, "OpenShift"), Some("ocp".into()));
        assert_eq!(read(Dimension::Service, "self-managed"), Some("generic".into()));
        assert_eq!(normalize_july(Dimension::Service, " Vanilla"), None);
        assert_eq!(normalize_july(Dimension::Service, "OpenShift"), Some("ocp".into()));
        assert_eq!(read(Dimension::Os, "al2023"), Some("amazonlinux".into()));
        assert_eq!(read(Dimension::Intent, "any"), None);
    }

    #[test]
    fn each_value_remembers_who_stated_it() {
        let seen = Criteria { service: Some("eks".into()), os: Some("ubuntu".into()), nodes: 4, ..Criteria::default() };
        let mut query = Query::of(seen, StatedBy::Snapshot);
        query.state(Dimension::Os, Some("rhel".into()), StatedBy::Configuration);
        query.state(Dimension::Service, None, StatedBy::Flag);
        let who = |query: &Query| {
            Dimension::ALL.map(|dimension| query.get(dimension).map(|stated| (stated.value.into_owned(), stated.by)))
        };
        let rhel = Some(("rhel".to_owned(), StatedBy::Configuration));
        let four = Some(("4".to_owned(), StatedBy::Snapshot));
        assert_eq!(who(&query), [None, None, rhel.clone(), None, None, four]);
        // The same number again is not a change.
        let edited = Criteria { platform: Some("slurm".into()), ..query.criteria().clone() };
        let changed = who(&query.changed(&edited, StatedBy::Flag));
        let slurm = Some(("slurm".to_owned(), StatedBy::Flag));
        assert_eq!(changed[2..5], [rhel, None, slurm]);
        assert_eq!(changed[5].as_ref().map(|(_, by)| *by), Some(StatedBy::Snapshot));
    }

    #[test]
    fn a_profile_is_one_name_and_one_value() {
        let legal = [("gpuStack=a", true), ("a=b=c", false), ("a", false), ("=b", false), ("a= b", false)];
        for (text, legal) in legal {
            assert_eq!(
                text.parse::<ProfileChoice>().map(|choice| choice.to_string()).ok().as_deref() == Some(text),
                legal
            );
        }
        let profile = "gpuStack=a".parse().ok();
        let criteria = Criteria { service: Some("aks".into()), profile, ..Criteria::default() };
        assert_eq!((criteria.to_string().as_str(), criteria.specificity()), ("service=aks profile=gpuStack=a", 1));
    }

    #[test]
    fn settings_are_read_as_helm_reads_them() {
        let read = |text: &str| text.parse::<Setting>().ok().map(|it| (it.component, it.path.join("/"), it.value));
        let expected = |path: &str, value: serde_json::Value| Some(("nfd".to_owned(), path.to_owned(), value));
        assert_eq!(read("nfd:a.b=true"), expected("a/b", true.into()));
        assert_eq!(read("nfd:a\\.b.c=0"), expected("a.b/c", 0.into()));
        assert_eq!(read("nfd:a=007"), expected("a", "007".into()));
        assert_eq!(read("nfd:a=1.5"), expected("a", "1.5".into()));
        assert_eq!(read("nfd:a=null"), expected("a", serde_json::Value::Null));
        assert_eq!(read("nfd:a=x=y:z"), expected("a", "x=y:z".into()));
        for text in ["nfd", "nfd:a", ":a=1", "nfd:=1", "nfd:a..b=1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn unknown_values_name_what_looks_alike() {
        let legal: Vec<String> = built_in(Dimension::Accelerator).iter().map(|value| value.to_string()).collect();
        let error = parse_value(Dimension::Accelerator, "h10O", &legal).unwrap_err();
        assert_eq!(error.near, ["h100"]);
        let error = parse_value(Dimension::Accelerator, "gh200", &legal).unwrap_err();
        assert_eq!(error.near, ["gb200", "h200"]);
        assert_eq!(parse_value(Dimension::Nodes, "8", &[]), Ok(Some("8".into())));
        assert!(parse_value(Dimension::Nodes, "-1", &[]).is_err());
    }
}
