//! Check whether what is installed may be replaced by what a recipe wants.

use super::{
    Failure, Kind, diff,
    place::{self, Place},
    recipe::catalog_failure,
};
use crate::{
    bundle,
    catalog::{
        Catalog,
        upgrades::{DEPLOYERS, Upgrades},
    },
    cluster::{Connection, applications, objects_at_risk},
    diff::{
        Change,
        observed::{chart_name, take},
        recipe::compare,
    },
    document::side::Side,
    inventory::{Fact, Inventory, release::Release},
    recipe::{Recipe, format},
    upgrade::{
        identity::{self, ObjectNames},
        report::{self, AffectedKind, Component, Row},
    },
    yaml,
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Component as Part, Path, PathBuf},
};

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
    /// Why object names are not compared.
    pub names_skipped: Option<String>,
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
    })
}

/// What this catalog resolves for the criteria of another side, with the object names that its values give.
pub fn from_resolution(name: &str, resolution: &crate::resolve::Resolution) -> Source {
    Source {
        name: name.to_owned(),
        components: components(&resolution.recipe),
        recipe: resolution.recipe.clone(),
        side: Some(resolution.into()),
        deployer: None,
        names_skipped: None,
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
    let info = folder.join("bundle-info.yaml");
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
    source.names_skipped = None;
    for release in info["layout"]["releases"].as_array().into_iter().flatten() {
        let (Some(component), Some(path)) = (release["component"].as_str(), release["path"].as_str()) else { continue };
        let names = names_of_release(folder, path, &at)?;
        if let Some(known) = source.components.iter_mut().find(|known| known.name == component) {
            known.object_names.get_or_insert_default().extend(names);
        }
    }
    Ok(source)
}

/// The object names in the values file of a release; empty where it has none.
fn names_of_release(folder: &Path, path: &str, at: &str) -> Result<ObjectNames, Failure> {
    let relative = PathBuf::from(path);
    if !relative.components().all(|part| matches!(part, Part::Normal(_))) {
        let because = format!("`{path}` is outside the bundle");
        return Err(Failure::new(Kind::Usage, "read the bundle information", because).at(at.to_owned()));
    }
    let values = folder.join(relative).join("values.yaml");
    if !values.is_file() {
        return Ok(ObjectNames::new());
    }
    let shown = values.display().to_string();
    let text = place::read_local(&Place::File(values), "values")?;
    let values = yaml::parse(&text).map_err(|error| {
        Failure::from_error(Kind::Usage, "read the values", error.clone()).at(format!("{shown}:{}", error.at))
    })?;
    Ok(identity::object_names(&values.to_value()))
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

/// The components of a target that a cluster runs, with the versions that are installed.
///
/// # Errors
/// Releases or Applications that may not be read: nothing of them is taken for not installed.
pub async fn installed(
    connection: &Connection,
    inventory: &Inventory,
    target: &Source,
    deployer: &str,
) -> Result<(Vec<Component>, ClusterSource), Failure> {
    let mut source = ClusterSource { context: connection.context.clone(), ..ClusterSource::default() };
    let mut releases = if deployer.starts_with("argocd") {
        let found = applications::all(connection).await?.unwrap_or_default();
        source.argo = Some(ArgoCounts {
            applications: found.total,
            unreadable: found.unversioned,
            remote: found.remote,
            unattributed: 0,
        });
        let release = |synced: applications::Synced| Release {
            name: synced.application,
            namespace: Some(synced.namespace),
            chart: Some(chart_name(&synced.chart).to_owned()),
            version: Some(synced.version).filter(|version| !version.is_empty()),
            ..Release::default()
        };
        found.synced.into_iter().map(release).collect()
    } else {
        let all = match &inventory.releases {
            Fact::Known(releases) => releases.value.clone(),
            Fact::Unknown(why) => {
                let failure = Failure::new(Kind::Forbidden, "read the Helm releases", why.to_string());
                return Err(failure.at(connection.at()).hint("listing secrets and workloads needs the right to"));
            }
        };
        let is_gone = |release: &Release| {
            release.status.as_deref().is_some_and(|status| ["uninstalled", "uninstalling"].contains(&status))
        };
        source.helm = Some(HelmCounts {
            records: all.len(),
            uninstalled: all.iter().filter(|release| is_gone(release)).count(),
            ..HelmCounts::default()
        });
        all.into_iter().filter(|release| !is_gone(release)).collect::<Vec<_>>()
    };
    let mut components = Vec::new();
    for wanted in &target.components {
        let Some(used) = &wanted.used else { continue };
        let Some(release) = take(&mut releases, &wanted.name, chart_name(&used.chart), &used.namespace) else {
            continue;
        };
        source.matched += 1;
        let version = release.version.unwrap_or_default();
        if version.is_empty()
            && let Some(helm) = &mut source.helm
        {
            helm.unreadable += 1;
        }
        components.push(Component { name: wanted.name.clone(), version, used: None, object_names: None });
    }
    match (&mut source.helm, &mut source.argo) {
        (Some(helm), _) => helm.unattributed = releases.len(),
        (None, Some(argo)) => argo.unattributed = releases.len(),
        (None, None) => {}
    }
    Ok((components, source))
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
        let kind = |affected: &AffectedKind| ScannedKind { of: affected.clone(), present: None, examined: None };
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
    /// `None` where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examined: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    #[serde(flatten)]
    pub of: AffectedKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    pub name: String,
}

/// Looks in a cluster for objects at risk.
///
/// # Errors
/// A list that is forbidden or fails.
pub async fn scan(connection: &Connection, affected: &[AffectedKind]) -> Result<AtRisk, Failure> {
    let mut found = AtRisk { scanned: true, reason: None, kinds: Vec::new(), findings: Vec::new() };
    for kind in affected {
        let examined = objects_at_risk::examine(connection, &kind.group, &kind.kind).await?;
        let (present, count) = (Some(examined.present), Some(examined.examined));
        found.kinds.push(ScannedKind { of: kind.clone(), present, examined: count });
        let finding = |(namespace, name)| Finding { of: kind.clone(), namespace, name };
        found.findings.extend(examined.unmanaged.into_iter().map(finding));
    }
    Ok(found)
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
    pub values_skipped: Option<&'static str>,
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
    Cluster(&'c [Component], ClusterSource),
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
        From::Cluster(..) => None,
    };
    let (name, installed, source, side, names_skipped) = match from {
        From::Document(source) => {
            (source.name.clone(), &*source.components, None, source.side.as_ref(), source.names_skipped.clone())
        }
        From::Cluster(components, source) => {
            let skipped = "a cluster shows the versions of releases only".to_owned();
            ("cluster".to_owned(), components, Some(source), None, Some(skipped))
        }
    };
    let mut wanted = to.components.clone();
    if names_skipped.is_none() {
        for component in &mut wanted {
            component.object_names = Some(names_in_bundle(catalog, to, component)?);
        }
    }
    let compared = report::compare(installed, &wanted, |name| records.get(name), deployer).map_err(|error| {
        let hint = match made_for {
            Some(deployer) => format!("add --deployer; the bundle was made for `{deployer}`"),
            None => format!("add --deployer; there are {}", DEPLOYERS.join(", ")),
        };
        Failure::from_error(Kind::Usage, "check the upgrade", error).hint(hint)
    })?;
    let failing = compared.rows.iter().filter(|row| row.fails_run).count();
    let names_compared = compared.names_compared && names_skipped.is_none();
    let report = Report {
        from: name,
        to: to.name.clone(),
        deployer: deployer.map(str::to_owned),
        source,
        summary: Summary { components: compared.rows.len(), failing },
        aicr: value_changes(side, to.side.as_ref(), &compared.rows),
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

/// Changed values of the components that change.
fn value_changes(from: Option<&Side>, to: Option<&Side>, rows: &[Row]) -> Extra {
    let (Some(from), Some(to)) = (from, to) else {
        let skipped = "the values of one side are not known";
        return Extra { values_skipped: Some(skipped), ..Extra::default() };
    };
    let mut extra = Extra::default();
    for change in compare(from, to) {
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
