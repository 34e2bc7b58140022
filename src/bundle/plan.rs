//! Recipe and flags → every file of a bundle, with its bytes.
//!
//! In: catalog, recipe, options. Out: a [`BundlePlan`] that leaves nothing to decide: components in order with their values
//! and the reason for each, releases, files, notes. The same input makes the same bytes; nothing of the machine, the time
//! or the target is in them.

use super::{
    checksum,
    deployer::{self, Deployer, DeployerError, Settings},
    flags::{Flags, ValuePath},
    info,
    manifest::{self, ManifestError},
    note::{self, About, Note},
    order::{self, OrderError},
    readme,
    release::{Chart, Release, Role},
    settle::{self, Cut, SettleError, Settled},
    supplied::{KUSTOMIZE, Placeholder, Supplied, place_with_credentials},
    upgrading,
    values::{self, BundleError, BundleValues},
    vendor::{self, Vendored, Wanted},
};
use crate::{
    catalog::{Catalog, CatalogError, component::Component as Entry},
    document::header::{Edition, NoSuchForm},
    recipe::{
        ComponentRef, Recipe,
        configuration::{DATABASE, SLURM_MODES},
        format,
        locks::{self, Locked, Locks},
    },
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What decides a bundle besides catalog and recipe.
pub struct Options {
    pub flags: Flags,
    pub deployer: &'static dyn Deployer,
    pub settings: Settings,
    /// One release after the other.
    pub serial: bool,
    pub readiness_hooks: bool,
    /// Of this program, as files name it.
    pub tool: String,
    /// Charts to put into the bundle; none where they are fetched when it is installed.
    pub vendored: Option<Vendored>,
    /// Manifests that are neither in the catalog nor in a chart.
    pub supplied: Supplied,
}

/// A component of a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub used: ComponentRef,
    pub level: usize,
    /// Positions in the order of deployment of what it depends on.
    pub needs: Vec<usize>,
    pub values: BundleValues,
    /// What is left to the installation.
    pub dynamic: Vec<ValuePath>,
    /// The name in overrides at the installation.
    pub alias: Option<String>,
}

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Below the bundle, with `/`.
    pub path: String,
    pub bytes: Arc<[u8]>,
    /// Permissions, as the reference gives them.
    pub mode: u32,
}

impl File {
    pub fn text(path: impl Into<String>, text: impl Into<String>) -> File {
        File { path: path.into(), bytes: text.into().into_bytes().into(), mode: 0o600 }
    }

    /// A part of a chart, which whoever packs it must be able to read.
    pub fn chart(path: impl Into<String>, text: impl Into<String>) -> File {
        File { mode: 0o644, ..File::text(path, text) }
    }

    pub fn script(path: impl Into<String>, text: impl Into<String>) -> File {
        File { mode: 0o755, ..File::text(path, text) }
    }

    /// What is in it, for reading.
    pub fn shown(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.bytes.len())
    }
}

/// What is deployed, before a dialect makes files of it.
pub struct Bundle {
    /// After its switches were thrown; without what is disabled.
    pub recipe: Recipe,
    /// In the order of deployment.
    pub components: Vec<Component>,
    /// In the order of deployment.
    pub releases: Vec<Release>,
    pub notes: Vec<Note>,
    pub options: Options,
}

impl Bundle {
    /// The component of a release.
    pub fn component(&self, release: &Release) -> &Component {
        &self.components[release.component]
    }

    /// Manifests that the catalog only names and that are not here, by their path in it.
    pub fn placeholders(&self) -> Vec<&Placeholder> {
        let manifests = self.releases.iter().flat_map(|release| match &release.chart {
            Chart::Local { manifests } => manifests.as_slice(),
            _ => &[],
        });
        let mut found: Vec<&Placeholder> = manifests.filter_map(|manifest| manifest.placeholder.as_ref()).collect();
        found.sort();
        found.dedup();
        found
    }

    /// How many levels there are.
    pub fn levels(&self) -> usize {
        self.releases.iter().map(|release| release.level + 1).max().unwrap_or(0)
    }
}

/// A whole bundle.
pub struct BundlePlan {
    pub bundle: Bundle,
    /// Sorted by path.
    pub files: Vec<File>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A flag.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// Values of a component.
    #[error(transparent)]
    Values(#[from] BundleError),
    /// Manifests of a component.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A value that a profile or a setting owns.
    #[error(transparent)]
    Locked(#[from] Locked),
    /// An upgrade record of the catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// What the dialect cannot say.
    #[error(transparent)]
    Deployer(#[from] DeployerError),
    /// A rule of the registry that must hold.
    #[error("`{component}`: {message} ({rule} of the registry)")]
    Rule {
        /// The component.
        component: String,
        /// What the registry calls it.
        rule: String,
        /// What it says.
        message: String,
    },
    /// The recipe in its own format.
    #[error(transparent)]
    Recipe(#[from] NoSuchForm),
    /// A name that Kubernetes, a shell or a URL would take for something else.
    #[error("the {what} of `{component}` cannot be used: `{found}` {problem}")]
    Name {
        /// Of what.
        what: &'static str,
        /// Whose.
        component: String,
        /// What it is.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two components of one name, or one that is called as a release of another.
    #[error("two releases would be called `{0}`")]
    SameRelease(String),
    /// Two files that would be one.
    #[error("two files of the bundle would be called `{0}`")]
    SamePath(String),
    /// A component that was to be built before.
    #[error("`{0}` is a Kustomize component, and was not built")]
    Kustomize(String),
    /// Folders have three digits.
    #[error("{count} releases do not fit into the numbered folders of `{deployer}`, which end at {LARGEST}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The dialect.
        deployer: &'static str,
    },
    /// A selector without which pods would be anywhere.
    #[error("`{component}` needs {flag}: its pods must not run on other nodes")]
    SelectorNeeded {
        /// The component.
        component: String,
        /// What to give.
        flag: &'static str,
    },
    /// Ranges of the gateway's load balancer.
    #[error("`agentgateway: allowedSourceRanges` must be a list of networks like 192.0.2.0/24, found {0}")]
    SourceRanges(String),
    /// A database would be installed where one is, or may be.
    #[error("the recipe brings MariaDB for Slurm's accounting, and {0}")]
    Database(&'static str),
    /// A chart that was to be put into the bundle and was not fetched.
    #[error("the chart of `{0}` was not fetched")]
    NotFetched(String),
    /// More than one component hands out GPUs.
    #[error("the values contradict each other: {}", .0.join("; "))]
    Advertisers(Vec<String>),
}

/// The last number of a folder.
const LARGEST: usize = 999;

impl PlanError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let words = match self {
            PlanError::Settle(error) => return error.hint(),
            PlanError::Values(BundleError::Resolve(error)) => return error.hint(),
            PlanError::Locked(locked) => locked.hint(),
            PlanError::Deployer(error) => return error.hint(),
            PlanError::Name { .. } => "correct the recipe, or resolve it again with `aicr recipe`",
            PlanError::Kustomize(_) => "`aicr bundle` builds it with the kustomize or kubectl of this machine",
            PlanError::TooMany { .. } => "use --deployer flux, which does not number its folders",
            PlanError::SelectorNeeded { .. } => {
                "name the nodes, or leave the component out with --set NAME:enabled=false"
            }
            PlanError::SourceRanges(_) => "give the ranges with --set-json 'agentgateway:allowedSourceRanges=[\"…\"]'",
            PlanError::Database(_) => {
                "take the snapshot again with rights to list MariaDB's resources, or resolve the recipe with \
                 --slurm-accounting-mode customer-managed"
            }
            PlanError::SamePath(_) => "rename one of the manifests in the catalog or in the recipe",
            PlanError::Order(_) => "resolve the recipe again with `aicr recipe`",
            PlanError::Manifest(ManifestError::Dynamic { .. }) => "set it now, with --set",
            PlanError::Manifest(ManifestError::Missing { .. }) => {
                "the recipe was made with another catalog: give it with --catalog or --data"
            }
            _ => return None,
        };
        Some(words.to_owned())
    }
}

/// Everything that a bundle is.
///
/// # Errors
/// The first thing that would make the bundle fail, or differ from what was asked for.
pub fn plan(catalog: &Catalog, recipe: &Recipe, options: Options) -> Result<BundlePlan, PlanError> {
    let (mut kept, settled) = settle::settle(catalog, recipe, &options.flags)?;
    let dependencies = order::dependencies(&kept, recipe);
    for (component, names) in kept.components.iter_mut().zip(dependencies) {
        component.dependency_refs = names;
    }
    let places = order::order(&kept)?;
    kept.deployment_order = places.iter().map(|place| kept.components[place.component].name.clone()).collect();
    let mut notes: Vec<Note> = database(&kept)?.into_iter().collect();
    let mut components = Vec::with_capacity(places.len());
    let unset = Settled::default();
    let locks = Locks::of(recipe);
    for place in places {
        let used = &kept.components[place.component];
        check_names(used)?;
        let entry = catalog.registry.components.get(&used.name);
        let values = values::with(catalog, &kept, used, &settled)?;
        if let Some(locks) = &locks {
            let before = values::with(catalog, recipe, used, &unset)?;
            locks.check_values(&used.name, &before.values, &values.values)?;
        }
        check_values(used, entry, &values, &settled)?;
        notes.extend(note::of_values(used, entry, &values, &settled));
        notes.extend(note::of_registry((used, &values.values), entry, &kept, &options.flags)?);
        components.push(Component {
            used: used.clone(),
            level: place.level,
            needs: place.needs,
            values,
            dynamic: settled.dynamic(&used.name).cloned().collect(),
            alias: entry.and_then(|entry| entry.value_override_keys.first().cloned()),
        });
    }
    check_advertisers(&kept, &components)?;
    notes.extend(note::of_flags(catalog, &kept, &components, &options.flags.scheduling));
    let mut bundle = Bundle { recipe: kept, components, releases: Vec::new(), notes, options };
    bundle.releases = releases(catalog, &mut bundle)?;
    for release in &bundle.releases {
        if let Chart::Vendored { name, archive, .. } = &release.chart
            && !archive.is_compared
        {
            let (component, about) = (release.name.clone(), About::NotCompared { chart: name.clone() });
            bundle.notes.push(Note { component, about });
        }
    }
    if bundle.options.readiness_hooks && !bundle.releases.iter().any(|release| release.role == Role::Readiness) {
        bundle.notes.push(Note::no_effect("--readiness-hooks", "no component has a readiness test"));
    }
    let dialect = bundle.options.deployer;
    if dialect.is_numbered() && bundle.releases.len() > LARGEST {
        return Err(PlanError::TooMany { count: bundle.releases.len(), deployer: dialect.name() });
    }
    deployer::check(&bundle)?;
    let mut files = dialect.files(&bundle);
    let recipe_yaml = format::to_yaml(&bundle.recipe, Edition::V1)?;
    files.push(File::text(info::FILE, info::text(&bundle, &recipe_yaml)));
    files.push(File::text("recipe.yaml", recipe_yaml));
    let upgrading = upgrading::text(catalog, &bundle)?;
    files.extend(vendor::provenance(&bundle).map(|text| File::text("provenance.yaml", text)));
    files.push(File::text("README.md", readme::text(&bundle, upgrading.is_some())));
    files.extend(upgrading.map(|text| File::text("UPGRADING.md", text)));
    files.sort_by(|left, right| left.path.cmp(&right.path));
    if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return Err(PlanError::SamePath(pair[0].path.clone()));
    }
    let sums = checksum::text(&files);
    files.push(File::text(checksum::FILE, sums));
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(BundlePlan { bundle, files })
}

/// What the snapshot said of MariaDB, where the recipe brings one: two operators would fight over the same objects.
fn database(recipe: &Recipe) -> Result<Option<Note>, PlanError> {
    let mode = recipe.configuration.slurm.as_ref().map(|slurm| slurm.accounting.mode.as_str());
    if mode != SLURM_MODES.last().copied() {
        return Ok(None);
    }
    let note = |about| Ok(Some(Note { component: DATABASE[1].to_owned(), about }));
    match recipe.states.mariadb_operator_state.as_deref() {
        Some("absent") => Ok(None),
        Some("api-detected") => note(About::DatabaseKnown),
        None => note(About::DatabaseNotLookedAt),
        Some("crs-detected") => Err(PlanError::Database("the cluster has databases of a MariaDB operator already")),
        Some(_) => Err(PlanError::Database("the snapshot could not tell whether the cluster has a MariaDB operator")),
    }
}

/// A name of a release that Helm, folders and scripts take: a DNS label.
fn is_label(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(good) && !text.starts_with('-') && !text.ends_with('-')
}

/// What Helm allows a release to be called, with the longest suffix.
const LONGEST_NAME: usize = 53 - "-readiness".len();

fn check_names(used: &ComponentRef) -> Result<(), PlanError> {
    let refused = |what, found: &str, problem| {
        Err(PlanError::Name { what, component: used.name.clone(), found: found.to_owned(), problem })
    };
    if !is_label(&used.name) {
        return refused("name", &used.name, "is not a DNS label: lower-case letters, digits and `-`");
    }
    if used.name.len() > LONGEST_NAME {
        return refused("name", &used.name, "is longer than 43 characters");
    }
    if used.namespace.is_empty() {
        return refused("namespace", &used.namespace, "is empty");
    }
    if !is_label(&used.namespace) || used.namespace.len() > 63 {
        return refused("namespace", &used.namespace, "is not a DNS label: lower-case letters, digits and `-`");
    }
    // What Kustomize builds was looked at before it was built.
    if used.r#type == KUSTOMIZE {
        return Ok(());
    }
    let plain = |text: &str, more: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c)) && !text.starts_with('-')
    };
    let chart = used.chart.rsplit('/').next().unwrap_or_default();
    if !plain(&used.chart, "-_./") || used.chart.contains("..") || (!used.source.is_empty() && chart.is_empty()) {
        return refused("chart", &used.chart, "is not the name of a chart");
    }
    if !plain(&used.version, "-_.+") {
        return refused("version", &used.version, "is not a version");
    }
    if let Some(place) = place_with_credentials(&used.source) {
        // The recipe, and so its source, is a file of the bundle.
        return refused("source", &place, "has credentials, which the bundle would show");
    }
    let scheme = ["https://", "http://", "oci://"].iter().find_map(|scheme| used.source.strip_prefix(scheme));
    let is_url = scheme.is_some_and(|rest| !rest.is_empty() && plain(rest, "-_./:~%")) || used.source.is_empty();
    if !is_url {
        return refused("source", &used.source, "is not a URL that begins with https:// or oci://");
    }
    if used.source.is_empty() && used.manifest_files.is_empty() {
        return refused("chart", "", "is missing, and there are no manifests");
    }
    Ok(())
}

fn check_values(
    used: &ComponentRef,
    entry: Option<&Entry>,
    values: &BundleValues,
    settled: &Settled,
) -> Result<(), PlanError> {
    let Some(entry) = entry else { return Ok(()) };
    for (group, flag) in [("system", "--system-node-selector"), ("accelerated", "--accelerated-node-selector")] {
        let says = |key: &str| {
            let group = entry.node.get("nodeScheduling").and_then(|node| node.get(group));
            group.and_then(|node| node.get(key)).and_then(|node| node.as_bool()) == Some(true)
        };
        let is_stored = values.added.iter().any(|added| added.rule == values::Rule::StorageClass);
        if !(says("requireNodeSelector") || is_stored && says("requireNodeSelectorIfStorageClassSet")) {
            continue;
        }
        let missing = values::paths(entry, &["nodeScheduling", group, "nodeSelectorPaths"]).any(|path| {
            let path = values::split(path);
            let found = values.values.as_object().and_then(|values| values::lookup(values, &path));
            let is_set = found.and_then(Value::as_object).is_some_and(|labels| !labels.is_empty());
            !is_set && !settled.is_dynamic(&used.name, &path)
        });
        if missing {
            return Err(PlanError::SelectorNeeded { component: used.name.clone(), flag });
        }
    }
    if used.name == "agentgateway"
        && let Some(ranges) = values.values.get("allowedSourceRanges")
    {
        let is_network = |range: &Value| {
            let network = range.as_str().and_then(|text| text.parse::<ipnet::IpNet>().ok());
            network.is_some_and(|network| network.trunc() == network)
        };
        if !ranges.as_array().is_some_and(|ranges| ranges.iter().all(is_network)) {
            return Err(PlanError::SourceRanges(ranges.to_string()));
        }
    }
    Ok(())
}

fn check_advertisers(recipe: &Recipe, components: &[Component]) -> Result<(), PlanError> {
    let Some(profile) = &recipe.selected_profile else { return Ok(()) };
    let deciding = components.iter().filter(|component| locks::decides_advertiser(&component.used.name));
    let values: BTreeMap<String, Value> =
        deciding.map(|component| (component.used.name.clone(), component.values.values.clone())).collect();
    let problems = locks::advertisers(profile.advertiser.is_some(), &values);
    if problems.is_empty() { Ok(()) } else { Err(PlanError::Advertisers(problems)) }
}

/// The releases of every component, in order.
fn releases(catalog: &Catalog, bundle: &mut Bundle) -> Result<Vec<Release>, PlanError> {
    let mut releases: Vec<Release> = Vec::new();
    // Of each component, the release that is there last.
    let mut terminal: Vec<usize> = Vec::with_capacity(bundle.components.len());
    let (serial, hooks) = (bundle.options.serial, bundle.options.readiness_hooks);
    for (index, component) in bundle.components.iter().enumerate() {
        let used = &component.used;
        let entry = catalog.registry.components.get(&used.name);
        let says = |key: &str| entry.and_then(|entry| entry.node.get(key)?.as_bool()) == Some(true);
        let Cut { fixed, dynamic, unset } = settle::cut(component.values.values.clone(), &component.dynamic);
        bundle.notes.extend(unset.iter().map(|path| note::of_unset(used, path)));
        let (fixed, dynamic) = (Arc::new(fixed), Arc::new(dynamic));
        let empty = Arc::new(Value::Object(Map::new()));
        let parts = parts(catalog, component, &bundle.recipe, &bundle.options, hooks)?;
        let mut needs: Vec<usize> = component.needs.iter().map(|need| terminal[*need]).collect();
        for (role, chart) in parts {
            if let Chart::Local { manifests } = &chart {
                bundle.notes.extend(manifests.iter().filter_map(|manifest| note::of_placeholder(used, manifest)));
            }
            if serial {
                needs = releases.len().checked_sub(1).into_iter().collect();
            }
            needs.sort_unstable();
            needs.dedup();
            let number = releases.len();
            let level = needs.iter().map(|need| releases[*need].level + 1).max().unwrap_or(0);
            let is_rendered = matches!(chart, Chart::Local { .. });
            let owns = match &chart {
                Chart::Local { manifests } => {
                    manifests.iter().any(|manifest| manifest.creates_namespace(&used.namespace))
                }
                _ => false,
            };
            releases.push(Release {
                name: format!("{}{}", used.name, role.suffix()),
                component: index,
                role,
                namespace: used.namespace.clone(),
                number: number + 1,
                owns_crds: role == Role::Primary && says("ownsCRDs") && !matches!(chart, Chart::Local { .. }),
                is_unchecked: match role {
                    Role::Post => says("manifestsUseChartCRDs"),
                    Role::Primary => says("hasSelfRefCRDs"),
                    _ => false,
                },
                values: below(&chart, if role == Role::Readiness { &empty } else { &fixed }),
                // Manifests in the bundle are rendered, whatever is set later.
                dynamic: if is_rendered { empty.clone() } else { below(&chart, &dynamic) },
                unset: if is_rendered { Vec::new() } else { unset_below(&chart, &unset) },
                chart,
                level,
                needs: std::mem::take(&mut needs),
                owns_namespace: owns,
            });
            needs = vec![number];
        }
        terminal.push(releases.len().saturating_sub(1));
    }
    let mut names = BTreeSet::new();
    match releases.iter().find(|release| !names.insert(&*release.name)) {
        Some(twice) => Err(PlanError::SameRelease(twice.name.clone())),
        None => Ok(releases),
    }
}

/// The charts of one component, in order.
fn parts(
    catalog: &Catalog,
    component: &Component,
    recipe: &Recipe,
    options: &Options,
    hooks: bool,
) -> Result<Vec<(Role, Chart)>, PlanError> {
    let (used, values) = (&component.used, &component.values.values);
    let mut parts = Vec::new();
    let given = (values, &*component.dynamic);
    let mut before = manifest::render(catalog, used, &used.pre_manifest_files, given, &options.supplied)?;
    manifest::check_namespaces(used, &before)?;
    let is_critical =
        catalog.registry.components.get(&used.name).and_then(|entry| entry.node.get("gkeCriticalPriority"));
    if recipe.criteria.service == Some("gke".into()) && is_critical.and_then(|node| node.as_bool()) == Some(true) {
        let nodes = u64::from(recipe.criteria.nodes).max(options.flags.scheduling.nodes);
        before.push(manifest::critical_pods_quota(used, nodes));
    }
    if !before.is_empty() {
        parts.push((Role::Pre, Chart::Local { manifests: before }));
    }
    let (chart, beside) = match used.r#type == KUSTOMIZE {
        true => {
            let built = options.supplied.kustomized.get(&used.name);
            let built = built.ok_or_else(|| PlanError::Kustomize(used.name.clone()))?;
            (None, vec![manifest::kustomized(built)])
        }
        false => {
            let beside = manifest::render(catalog, used, &used.manifest_files, given, &options.supplied)?;
            (chart(used, options.vendored.as_ref())?, beside)
        }
    };
    match chart {
        None => parts.push((Role::Primary, Chart::Local { manifests: beside })),
        Some(chart) => {
            parts.push((Role::Primary, chart));
            if !used.manifest_files.is_empty() {
                parts.push((Role::Post, Chart::Local { manifests: beside }));
            }
        }
    }
    let test = catalog.text(&format!("components/{}/readiness.yaml", used.name));
    if let (true, Some(test)) = (hooks, test) {
        let image = format!("ghcr.io/nvidia/aicr-gate:{}", gate_tag(catalog));
        let gate = manifest::readiness_gate(used, values, test, &image, options.deployer.is_argo());
        parts.push((Role::Readiness, Chart::Local { manifests: vec![gate] }));
    }
    Ok(parts)
}

/// The tag of the reference's gate: the release whose catalog this is.
fn gate_tag(catalog: &Catalog) -> String {
    let release = catalog.edition.as_ref().map_or("1.0", |edition| &edition.release);
    let parts = release.split('.').count();
    format!("v{release}{}", ".0".repeat(3_usize.saturating_sub(parts)))
}

/// Values as the chart takes them: one inside ours has them below its name.
fn below(chart: &Chart, values: &Arc<Value>) -> Arc<Value> {
    match chart {
        Chart::Vendored { name, .. } if values.as_object().is_some_and(|entries| !entries.is_empty()) => {
            Arc::new(Value::Object(Map::from_iter([(name.clone(), Value::clone(values))])))
        }
        _ => values.clone(),
    }
}

fn unset_below(chart: &Chart, unset: &[ValuePath]) -> Vec<ValuePath> {
    let above = match chart {
        Chart::Vendored { name, .. } => std::slice::from_ref(name),
        _ => &[],
    };
    unset.iter().map(|path| ValuePath([above, &path.0].concat())).collect()
}

fn chart(used: &ComponentRef, vendored: Option<&Vendored>) -> Result<Option<Chart>, PlanError> {
    let source = used.source.trim_end_matches('/');
    if source.is_empty() {
        return Ok(None);
    }
    let name = used.chart.rsplit('/').next().unwrap_or(&used.chart);
    let name = if name.is_empty() { used.name.clone() } else { name.to_owned() };
    let (url, version) = (source.to_owned(), used.version.clone());
    if let Some(vendored) = vendored {
        let wanted = Wanted { name, url, version };
        let archive = vendored.get(&wanted).cloned().ok_or_else(|| PlanError::NotFetched(used.name.clone()))?;
        let Wanted { name, url, version } = wanted;
        return Ok(Some(Chart::Vendored { name, url, version, archive }));
    }
    Ok(Some(match source.starts_with("oci://") {
        true => Chart::Oci { name, url, version },
        false => Chart::Repository { name, url, version },
    }))
}
