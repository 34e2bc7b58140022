//! Read a configuration from a file or the web, and say which values of an answer come from it.

use super::{Failure, Kind, place::Place, session::Session};
use crate::{
    config::{self, Config, Finding, Setting},
    criteria::{self, Dimension},
    document::location::Location,
    recipe::Recipe,
    text::count,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest configuration that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// A configuration, and where it is from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file or address as messages call it.
    pub shown: Arc<str>,
    /// `sha256:…` of its text.
    pub digest: String,
    pub config: Config,
}

/// A setting that stands for a flag of a verb.
#[derive(Clone, Debug)]
pub struct Used {
    pub setting: Setting,
    /// Without the dashes.
    pub flag: &'static str,
}

/// The settings of a configuration that an answer depends on.
#[derive(Clone, Debug)]
pub struct Applied {
    pub source: Source,
    pub used: Vec<Used>,
}

/// Reads and checks a configuration. With `external` catalogs, which values criteria can have is found out later.
///
/// # Errors
/// A place that is not a file or on the web, whatever cannot be read, and everything that is wrong with it: the first
/// with its place, the others counted.
pub async fn read(place: &Place, external: bool, session: &Session) -> Result<Source, Failure> {
    let shown: Arc<str> = place.source().into();
    let text = text(place, session).await?;
    let config = config::read(&text, legal(external)).map_err(|findings| failure(&shown, &findings))?;
    Ok(Source { shown, digest: config::digest(&text), config })
}

/// Everything that is wrong with a configuration, as `file:line:column: message`; empty for a good one.
///
/// # Errors
/// Whatever cannot be read.
pub async fn check(place: &Place, external: bool, session: &Session) -> Result<Vec<(Location, Finding)>, Failure> {
    let shown: Arc<str> = place.source().into();
    let text = text(place, session).await?;
    let findings = config::read(&text, legal(external)).err().unwrap_or_default();
    Ok(findings.into_iter().map(|finding| (Location { file: shown.clone(), at: finding.at }, finding)).collect())
}

async fn text(place: &Place, session: &Session) -> Result<String, Failure> {
    let refused = |because: &str| {
        let hint = "give a file, or an address that begins with http:// or https://";
        Err(Failure::new(Kind::Usage, "read the configuration", because).at(place.to_string()).hint(hint))
    };
    if matches!(place, Place::ConfigMap { .. }) {
        return refused("a configuration is not read from a ConfigMap");
    }
    let text = super::place::read(place, "configuration", session).await.map_err(|failure| match failure.kind {
        Kind::NotFound => failure.hint("write one with `aicr config init -o FILE`, or correct the path"),
        _ => failure,
    })?;
    if text.len() > LARGEST {
        return refused("it is larger than 1 MiB");
    }
    Ok(text)
}

/// Which values a dimension can have; open where a catalog may add some.
fn legal(external: bool) -> impl Fn(Dimension) -> Option<Vec<String>> {
    move |dimension| {
        let built_in = criteria::built_in(dimension).iter().map(|value| value.to_string());
        (!external || dimension == Dimension::Nodes).then(|| built_in.collect())
    }
}

fn failure(shown: &Arc<str>, findings: &[Finding]) -> Failure {
    let doing = "read the configuration";
    let Some(first) = findings.first() else { return Failure::new(Kind::Usage, doing, "it cannot be read") };
    let more = match findings.len() {
        1 => String::new(),
        several => format!(" ({}; `aicr config check` lists them)", count(several, "problem")),
    };
    let at = Location { file: shown.clone(), at: first.at };
    let failure = Failure::new(Kind::Usage, doing, format!("{}{more}", first.message)).at(at.to_string());
    Failure { hint: first.hint.clone(), ..failure }
}

impl Applied {
    /// Settings that decide what an answer says, rather than where and how it is written.
    fn deciding(&self) -> impl Iterator<Item = &Used> {
        const HOW: [&str; 4] = ["output", "format", "timeout", "no-cleanup"];
        self.used.iter().filter(|used| !HOW.contains(&used.flag))
    }

    /// What it was used for: `the configuration lab.yaml sets --service, --profile`.
    pub fn sentence(&self) -> String {
        match &*self.used {
            [] => format!("the configuration {} sets nothing here", self.source.shown),
            used => {
                let flags: Vec<String> = used.iter().map(|used| format!("--{}", used.flag)).collect();
                format!("the configuration {} sets {}", self.source.shown, flags.join(", "))
            }
        }
    }

    /// The same without the settings of the recipe's criteria, which something else states now.
    pub fn without_criteria(&self) -> Applied {
        const CRITERIA: [&str; 3] = ["recipe.criteria.", "recipe.profile", "recipe.configuration."];
        let is_other = |used: &&Used| !CRITERIA.iter().any(|path| used.setting.path.starts_with(path));
        Applied { used: self.used.iter().filter(is_other).cloned().collect(), ..self.clone() }
    }

    /// What a report calls the recipe: with the configuration, where that decided anything.
    pub fn named(&self, recipe: &str) -> String {
        match self.deciding().next() {
            Some(_) => format!("{recipe}, with the configuration {} ({})", self.source.shown, self.short_digest()),
            None => recipe.to_owned(),
        }
    }

    fn short_digest(&self) -> &str {
        self.source.digest.get(..19).unwrap_or(&self.source.digest)
    }

    /// Names the configuration in what a recipe carries, with the values that it decided.
    pub fn stamp(&self, recipe: &mut Recipe) {
        let values: serde_json::Map<String, Value> = self
            .deciding()
            .map(|Used { setting, .. }| {
                let value = match (&*setting.values, setting.is_list) {
                    ([one], false) => json!(one),
                    (values, _) => json!(values),
                };
                (format!("spec.{}", setting.path), value)
            })
            .collect();
        if values.is_empty() {
            return;
        }
        let configuration = json!({
            "source": &*self.source.shown, "name": self.source.config.name, "digest": self.source.digest, "values": values,
        });
        match &mut recipe.extra {
            Value::Object(extra) => {
                extra.insert("configuration".to_owned(), configuration);
            }
            extra => *extra = json!({ "configuration": configuration }),
        }
    }
}
