//! Check whether what is installed may be replaced by what a recipe wants.

pub mod installed;
mod names;

use super::{
    Failure, Kind, diff,
    place::{self, Place},
    recipe::catalog_failure,
};
use crate::{
    bundle::{self, deployer},
    catalog::{Catalog, upgrades::Upgrades},
    cluster::{Connection, objects_at_risk},
    diff::{Change, recipe::compare},
    document::side::Side,
    recipe::{Recipe, format},
    resolve::Resolution,
    upgrade::{
        identity::{self, ObjectNames},
        report::{self, AffectedKind, Component, Row},
    },
    yaml,
};
use installed::{Found, Installed, Live};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// One side of an upgrade, read from a document.
#[derive(Clone, Debug)]
pub struct Source {
    /// As a person named it.
    pub name: String,
    pub recipe: Recipe,
    /// The enabled components, in deployment order.
    pub components: Vec<Component>,
    /// Its values with their layers; `None` where this catalog lacks a values file that it names.
    side: Option<Side>,
    /// Of a bundle.
    pub deployer: Option<String>,
    /// Why object names are not known.
    pub names_skipped: Option<String>,
    /// The files of a bundle that have them, by component.
    pub names_files: BTreeMap<String, String>,
}

/// A recipe that was read; `at` names it in failures.
///
/// # Errors
/// Not a recipe.
pub fn from_recipe(catalog: &Catalog, at: &str, text: &str) -> Result<Source, Failure> {
    let recipe = format::read(text).map_err(|error| {
        let place = error.at().map_or(String::new(), |at| format!(":{at}"));
        let hint = error.hint();
        Failure::from_error(Kind::Usage, "read the recipe", error).at(format!("{at}{place}")).hint(hint)
    })?;
    let side = diff::read_recipe(catalog, at, text).ok().map(|(side, _)| side);
    Ok(Source {
        name: at.to_owned(),
        components: components(&recipe),
        recipe,
        side,
        deployer: None,
        names_skipped: Some("object names are known only of a bundle with `bundle-info.yaml`".to_owned()),
        names_files: BTreeMap::new(),
    })
}

/// What this catalog resolves for the criteria of another side, with the object names that its values give.
pub fn from_resolution(name: &str, resolution: &Resolution) -> Source {
    Source {
        name: name.to_owned(),
        components: components(&resolution.recipe),
        recipe: resolution.recipe.clone(),
        side: Some(resolution.into()),
        deployer: None,
        names_skipped: None,
        names_files: BTreeMap::new(),
    }
}

/// A folder that a bundle was written to.
///
/// # Errors
/// No `recipe.yaml` in it; a `bundle-info.yaml` that is not one, or that names a file outside the bundle.
pub fn from_bundle(catalog: &Catalog, folder: &Path) -> Result<Source, Failure> {
    let path = folder.join("recipe.yaml");
    if !path.is_file() {
        let because = "it is a folder without `recipe.yaml`, so it is neither a recipe nor a bundle";
        let hint = "bundles of other deployers than helm have that file since v0.22; give the recipe file instead";
        return Err(Failure::new(Kind::NotFound, "read the bundle", because)
            .at(folder.display().to_string())
            .hint(hint));
    }
    let text = place::read_local(&Place::File(path.clone()), "recipe")?;
    let mut source = from_recipe(catalog, &path.display().to_string(), &text)?;
    source.name = folder.display().to_string();
    let info = folder.join(crate::bundle::info::FILE);
    if !info.is_file() {
        source.names_skipped = Some("the bundle has no `bundle-info.yaml`".to_owned());
        return Ok(source);
    }
    let at = info.display().to_string();
    let text = place::read_local(&Place::File(info), "bundle information")?;
    let document = yaml::parse(&text).map_err(|error| {
        Failure::from_error(Kind::Usage, "read the bundle information", error.clone()).at(format!("{at}:{}", error.at))
    })?;
    let info = document.to_value();
    source.deployer = info["build"]["deployer"].as_str().map(str::to_owned);
    for release in info["layout"]["releases"].as_array().into_iter().flatten() {
        let Some(component) = release["component"].as_str() else { continue };
        let names = names::of_release(folder, release, &at)?;
        // A component has further releases for its manifests; what it is called is in its own.
        let is_own = release["name"] == component;
        if let (Some(known), Some((names, file))) =
            (source.components.iter_mut().find(|known| known.name == component && is_own), names)
        {
            known.object_names = Some(names);
            source.names_files.insert(component.to_owned(), file.display().to_string());
        }
    }
    let unknown = source.components.iter().filter(|component| component.object_names.is_none());
    let unknown: Vec<&str> = unknown.map(|component| &*component.name).collect();
    source.names_skipped =
        (!unknown.is_empty()).then(|| format!("the bundle does not have the values of {}", unknown.join(", ")));
    Ok(source)
}

/// The enabled components, in deployment order.
fn components(recipe: &Recipe) -> Vec<Component> {
    let place = |name: &str| recipe.deployment_order.iter().position(|deployed| deployed == name);
    let mut enabled: Vec<_> = recipe.components.iter().filter(|component| component.is_enabled()).collect();
    enabled.sort_by_key(|component| place(&component.name).unwrap_or(usize::MAX));
    enabled.into_iter().map(Component::of).collect()
}

/// What was read of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClusterSource {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubeconfig: String,
    pub context: String,
    /// Components of the target that were found.
    pub matched: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm: Option<HelmCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub argo: Option<ArgoCounts>,
}

/// Helm releases by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HelmCounts {
    pub records: usize,
    pub unattributed: usize,
    pub unreadable: usize,
    pub uninstalled: usize,
    pub stamped_unmatched: usize,
}

/// Argo CD Applications by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArgoCounts {
    pub applications: usize,
    pub unattributed: usize,
    pub unreadable: usize,
    #[serde(skip_serializing_if = "is_zero")]
    pub remote: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Objects that an upgrade touches and that no deployer manages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AtRisk {
    pub scanned: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    pub kinds: Vec<ScannedKind>,
    pub findings: Vec<Finding>,
}

impl AtRisk {
    /// Nothing was looked at, and why.
    pub fn not_scanned(affected: &[AffectedKind], reason: &'static str) -> AtRisk {
        let kind = |affected: &AffectedKind| ScannedKind {
            of: affected.clone(),
            present: None,
            examined: None,
            failure: None,
        };
        AtRisk {
            scanned: false,
            reason: Some(reason),
            kinds: affected.iter().map(kind).collect(),
            findings: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScannedKind {
    #[serde(flatten)]
    pub of: AffectedKind,
    /// `None` where it was not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examined: Option<usize>,
    /// Why it could not be looked at.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    #[serde(flatten)]
    pub of: AffectedKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub name: String,
}

/// Looks in a cluster for objects at risk. A kind that cannot be looked at has its failure, and the others are still
/// looked at.
pub async fn scan(connection: &Connection, affected: &[AffectedKind]) -> AtRisk {
    let mut found = AtRisk { scanned: true, reason: None, kinds: Vec::new(), findings: Vec::new() };
    for kind in affected {
        let scanned = ScannedKind { of: kind.clone(), present: None, examined: None, failure: None };
        found.kinds.push(match objects_at_risk::examine(connection, &kind.group, &kind.kind).await {
            Ok(examined) => {
                let finding = |(namespace, name)| Finding { of: kind.clone(), namespace, name };
                found.findings.extend(examined.unmanaged.into_iter().map(finding));
                ScannedKind { present: Some(examined.present), examined: Some(examined.examined), ..scanned }
            }
            Err(error) => ScannedKind { failure: Some(error.into()), ..scanned },
        });
    }
    found
}

/// The report of a check. The first fields are the reference's, in its order; `aicr` is ours.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub from: String,
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ClusterSource>,
    pub components: Vec<Row>,
    pub summary: Summary,
    pub at_risk: AtRisk,
    pub object_names_compared: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_names_skipped: Option<String>,
    pub aicr: Extra,
}

impl Report {
    /// A component needs attention, or a release that a bundle has installed belongs to none.
    pub fn needs_attention(&self) -> bool {
        let helm = self.source.as_ref().and_then(|source| source.helm.as_ref());
        self.summary.failing > 0 || helm.is_some_and(|helm| helm.stamped_unmatched > 0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub components: usize,
    pub failing: usize,
}

/// What the reference's report does not have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extra {
    /// Values that change with the version, by component; a component without changes is left out.
    pub value_changes: BTreeMap<String, Vec<Change>>,
    /// Why a side's values are not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_skipped: Option<String>,
    /// Where the components of a cluster were found, by component.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub releases: BTreeMap<String, Found>,
    /// How the deployer is known, where no one named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployer_because: Option<&'static str>,
}

/// One check, ready to be judged.
pub struct Check<'c> {
    pub catalog: &'c Catalog,
    pub from: From<'c>,
    pub to: &'c Source,
    pub deployer: Option<&'c str>,
}

/// What is installed.
pub enum From<'c> {
    Document(&'c Source),
    Cluster(&'c Installed),
}

/// Checks a cluster, or the snapshot of one; without a deployer, for the one that the cluster shows.
///
/// # Errors
/// As [`installed::installed`] and [`judge`]. What may not be scanned is in the report.
pub async fn cluster(
    catalog: &Catalog,
    live: Live<'_>,
    to: &Source,
    deployer: Option<&str>,
    scan_objects: bool,
) -> Result<Report, Failure> {
    let (deployer, because) = match deployer {
        Some(deployer) => (deployer, None),
        None => {
            let (deployer, because) = installed::deployer(live, to).await;
            (deployer, Some(because))
        }
    };
    let installed = installed::installed(catalog, live, to, deployer).await?;
    let from = From::Cluster(&installed);
    let (mut report, affected) = judge(Check { catalog, from, to, deployer: Some(deployer) })?;
    report.aicr.deployer_because = because;
    report.at_risk = match live.connection {
        Some(connection) if scan_objects => scan(connection, &affected).await,
        Some(_) => AtRisk::not_scanned(&affected, "the at-risk scan was explicitly turned off"),
        None => AtRisk::not_scanned(&affected, "a saved snapshot does not have these objects"),
    };
    Ok(report)
}

/// Checks whether what a cluster has installed can be upgraded to a recipe of this catalog, objects at risk included.
///
/// # Errors
/// As [`cluster`].
pub async fn to_resolution(
    catalog: &Catalog,
    live: Live<'_>,
    recipe: &Resolution,
    deployer: Option<&str>,
) -> Result<Report, Failure> {
    let target = from_resolution(&recipe.recipe.criteria.to_string(), recipe);
    cluster(catalog, live, &target, deployer, true).await
}

/// Judges every component that changes; the kinds at risk are not scanned yet.
///
/// # Errors
/// Steps without a deployer; a broken upgrade record.
pub fn judge(check: Check<'_>) -> Result<(Report, Vec<AffectedKind>), Failure> {
    let Check { catalog, from, to, deployer } = check;
    let mut records: BTreeMap<&str, Upgrades> = BTreeMap::new();
    for component in &to.components {
        if let Some(record) = catalog.upgrades(&component.name).map_err(catalog_failure)? {
            records.insert(&component.name, record);
        }
    }
    let made_for = match &from {
        From::Document(source) => source.deployer.clone(),
        From::Cluster(_) => None,
    };
    let (name, installed, source, names_skipped) = match &from {
        From::Document(source) => (source.name.clone(), &source.components, None, source.names_skipped.clone()),
        From::Cluster(installed) => {
            let Installed { components, source, skipped, .. } = installed;
            ("cluster".to_owned(), components, Some(source.clone()), skipped.clone())
        }
    };
    let mut wanted = to.components.clone();
    if installed.iter().any(|component| component.object_names.is_some()) {
        for component in &mut wanted {
            component.object_names = Some(names_in_bundle(catalog, to, component)?);
        }
    }
    let compared = report::compare(installed, &wanted, |name| records.get(name), deployer).map_err(|error| {
        let hint = match made_for {
            Some(deployer) => format!("add --deployer; the bundle was made for `{deployer}`"),
            None => format!("add --deployer; there are {}", deployer::names().join(", ")),
        };
        Failure::from_error(Kind::Usage, "check the upgrade", error).hint(hint)
    })?;
    let failing = compared.rows.iter().filter(|row| row.fails_run).count();
    let names_compared = compared.names_compared && names_skipped.is_none();
    let aicr = extra(&from, to, &compared.rows);
    let report = Report {
        from: name,
        to: to.name.clone(),
        deployer: deployer.map(str::to_owned),
        source,
        summary: Summary { components: compared.rows.len(), failing },
        aicr,
        components: compared.rows,
        at_risk: AtRisk::not_scanned(&compared.affected, "no cluster access requested"),
        object_names_compared: names_compared,
        object_names_skipped: names_skipped.filter(|_| !names_compared),
    };
    Ok((report, compared.affected))
}

/// The object names of a component as a bundle of this recipe would have them.
fn names_in_bundle(catalog: &Catalog, to: &Source, component: &Component) -> Result<ObjectNames, Failure> {
    let Some(used) = &component.used else { return Ok(ObjectNames::new()) };
    let values = bundle::values::of(catalog, &to.recipe, used).map_err(|error| {
        Failure::from_error(Kind::Usage, format!("work out the values of `{}`", component.name), error)
    })?;
    Ok(identity::object_names(&values.values))
}

/// Changed values of the components that change, and where they are.
fn extra(from: &From<'_>, to: &Source, rows: &[Row]) -> Extra {
    let mut extra = Extra::default();
    let changes = match from {
        From::Document(from) => match (&from.side, &to.side) {
            (Some(from), Some(to)) => compare(from, to),
            _ => {
                extra.values_skipped = Some("the catalog does not have a values file of one side".to_owned());
                return extra;
            }
        },
        From::Cluster(installed) => {
            extra.releases.clone_from(&installed.found);
            extra.values_skipped.clone_from(&installed.skipped);
            installed.observed.as_ref().map_or_else(Vec::new, |it| compare(&it.running, &it.wanted))
        }
    };
    for change in changes {
        let of = |row: &&Row| change.path.starts_with(&format!("components.{}.values.", quoted(&row.component)));
        if let Some(row) = rows.iter().filter(|row| row.verdict.is_some()).find(of) {
            extra.value_changes.entry(row.component.clone()).or_default().push(change);
        }
    }
    extra
}

/// A component's name as a segment of a path.
fn quoted(name: &str) -> String {
    crate::document::selector::Segment::Key(name.to_owned()).to_string()
}
