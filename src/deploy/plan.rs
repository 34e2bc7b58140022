//! What a deploy will do, from the files of a bundle.
//!
//! In: every file of a folder that `aicr bundle` wrote for Helm. Out: the releases in order with the exact graph of what
//! needs what. `bundle-info.yaml` names the releases, `recipe.yaml` the dependencies of components, and the folder of a
//! release its chart. What cannot be used as a name, a path or a URL is refused: a folder may have been edited.

use super::{event::Planned, mark};
use crate::{
    bundle::{
        info::FILE as INFO,
        manifest,
        release::{self, Role},
    },
    text,
    yaml::{self, YamlError},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The files of a bundle, by their paths below its folder.
pub type Files = BTreeMap<String, Vec<u8>>;

const RECIPE: &str = "recipe.yaml";

/// Everything that will be done, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeployPlan {
    /// Every release comes after those that it needs.
    pub releases: Vec<Release>,
}

/// One release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// As Helm calls it.
    pub name: String,
    /// The component that it belongs to.
    pub component: String,
    /// Where it is installed.
    pub namespace: String,
    /// Its folder in the bundle.
    pub folder: String,
    /// Where its chart is.
    pub chart: Chart,
    /// Files with values, the strongest last.
    pub values: Vec<String>,
    /// Manifests that its folder holds.
    pub manifests: Vec<String>,
    /// Positions of releases that come before it.
    pub needs: Vec<usize>,
    /// The longest way to a release that needs nothing.
    pub level: usize,
    /// What marks it as made from these files.
    pub mark: String,
    /// Until it has failed.
    pub timeout_seconds: u64,
    /// How often it may be tried again at most.
    pub retries: Option<u32>,
    /// Whether its workloads are awaited.
    pub is_awaited: bool,
    /// Its chart creates the namespace itself.
    pub owns_namespace: bool,
    /// An upgrade must apply the CRDs of its chart.
    pub owns_crds: bool,
}

/// Where a chart is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chart {
    /// In the folder of the release.
    Local,
    /// Somewhere else.
    Remote {
        /// As Helm takes it: a name, or an `oci://` reference.
        chart: String,
        /// The repository; empty for an `oci://` reference.
        repo: String,
        /// The version.
        version: String,
    },
}

impl Release {
    /// Chart and version, in words.
    pub fn shown(&self) -> String {
        match (&self.chart, &*self.manifests) {
            (Chart::Remote { chart, version, .. }, _) => {
                format!("{} {version}", chart.rsplit('/').next().unwrap_or(chart))
            }
            (Chart::Local, []) => "a chart in the bundle".to_owned(),
            (Chart::Local, manifests) => format!("{} in the bundle", text::count(manifests.len(), "manifest")),
        }
    }
}

/// Why a bundle cannot be deployed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A file that every bundle has.
    #[error("the bundle has no `{0}`")]
    Missing(String),
    /// A file that cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Yaml {
        /// The path.
        path: String,
        /// What is wrong.
        error: YamlError,
    },
    /// A file that is not text.
    #[error("`{0}` is not text")]
    NotText(String),
    /// A bundle for another tool.
    #[error("the bundle is for `{0}`, which deploys it itself")]
    OtherDeployer(String),
    /// Something that is not as it must be.
    #[error("`{path}`: {what} `{found}` {problem}")]
    Field {
        /// The file.
        path: String,
        /// Of what.
        what: &'static str,
        /// What it says.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A release that comes before what it needs.
    #[error("`{release}` needs `{needed}`, which `bundle-info.yaml` lists after it")]
    Order {
        /// The release.
        release: String,
        /// The component.
        needed: String,
    },
    /// A component that is not in the bundle.
    #[error("the bundle has no component `{name}`; it has {}", known.join(", "))]
    UnknownComponent {
        /// As asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

impl PlanError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let words = match self {
            PlanError::OtherDeployer(_) => "bundle the recipe for Helm: aicr bundle -r recipe.yaml -d helm -o bundle",
            PlanError::UnknownComponent { name, known } => {
                let near = crate::criteria::near_matches(name, known.iter().map(String::as_str));
                return text::did_you_mean(&near);
            }
            _ => "write the bundle again with `aicr bundle`",
        };
        Some(words.to_owned())
    }
}

/// The plan of a bundle.
///
/// # Errors
/// The first thing that is not as `aicr bundle` writes it.
pub fn plan(files: &Files) -> Result<DeployPlan, PlanError> {
    let info = document(files, INFO)?;
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let deployer = info.pointer("/build/deployer").and_then(Value::as_str).unwrap_or_default();
    if deployer != "helm" {
        return Err(PlanError::OtherDeployer(deployer.to_owned()));
    }
    let serial = info.pointer("/build/settings/serial") == Some(&Value::Bool(true));
    let dependencies = dependencies(&document(files, RECIPE)?);
    let entries = info.pointer("/layout/releases").and_then(Value::as_array).cloned().unwrap_or_default();
    let components: BTreeSet<String> = entries.iter().map(|entry| word(entry, "component")).collect();
    let mut releases: Vec<Release> = Vec::with_capacity(entries.len());
    for entry in &entries {
        let [name, component, namespace, folder] =
            ["name", "component", "namespace", "path"].map(|key| word(entry, key));
        check_label("the release", &name)?;
        check_label("the namespace", &namespace)?;
        check_folder(&folder)?;
        if releases.iter().any(|known| known.name == name) {
            return Err(field(INFO, "the release", &name, "is listed twice"));
        }
        let last_of = |component: &str| releases.iter().rposition(|known| known.component == component);
        let mut needs: Vec<usize> = match (serial, last_of(&component)) {
            (true, _) => releases.len().checked_sub(1).into_iter().collect(),
            (false, Some(before)) => vec![before],
            (false, None) => {
                let mut needs = Vec::new();
                for needed in dependencies.get(&component).into_iter().flatten() {
                    match last_of(needed) {
                        Some(before) => needs.push(before),
                        None if components.contains(needed) && *needed != component => {
                            return Err(PlanError::Order { release: name, needed: needed.clone() });
                        }
                        // One that was left out of the bundle is taken to be there.
                        None => {}
                    }
                }
                needs
            }
        };
        needs.sort_unstable();
        needs.dedup();
        releases.push(release(files, (name, component, namespace, folder), needs)?);
        level(&mut releases);
    }
    if releases.is_empty() {
        return Err(PlanError::Missing("layout.releases in bundle-info.yaml".to_owned()));
    }
    Ok(DeployPlan { releases })
}

/// Sets the level of the last release from those of what it needs.
fn level(releases: &mut [Release]) {
    let Some((last, before)) = releases.split_last_mut() else { return };
    last.level = last.needs.iter().map(|need| before[*need].level + 1).max().unwrap_or(0);
}

impl DeployPlan {
    /// Only the releases of these components; all where none is named. What they need is taken to be there.
    ///
    /// # Errors
    /// A component that the bundle does not have.
    pub fn only(self, components: &[String]) -> Result<DeployPlan, PlanError> {
        if components.is_empty() {
            return Ok(self);
        }
        let mut known: Vec<String> = Vec::new();
        for release in &self.releases {
            if !known.contains(&release.component) {
                known.push(release.component.clone());
            }
        }
        if let Some(name) = components.iter().find(|name| !known.contains(name)) {
            return Err(PlanError::UnknownComponent { name: name.clone(), known });
        }
        let mut places: BTreeMap<usize, usize> = BTreeMap::new();
        let mut releases: Vec<Release> = Vec::new();
        for (at, mut release) in self.releases.into_iter().enumerate() {
            if components.contains(&release.component) {
                release.needs = release.needs.iter().filter_map(|need| places.get(need).copied()).collect();
                places.insert(at, releases.len());
                releases.push(release);
                level(&mut releases);
            }
        }
        Ok(DeployPlan { releases })
    }

    /// One release after the other.
    #[must_use]
    pub fn one_by_one(mut self) -> DeployPlan {
        for at in 0..self.releases.len() {
            self.releases[at].needs = at.checked_sub(1).into_iter().collect();
            self.releases[at].level = at;
        }
        self
    }

    /// The opposite order, for removing: what needed a release comes before it.
    #[must_use]
    pub fn reversed(mut self) -> DeployPlan {
        let count = self.releases.len();
        let mut needs = vec![Vec::new(); count];
        for (at, release) in self.releases.iter().enumerate() {
            for need in &release.needs {
                needs[count - 1 - need].push(count - 1 - at);
            }
        }
        self.releases.reverse();
        for (at, mut needs) in needs.into_iter().enumerate() {
            needs.sort_unstable();
            let level = needs.iter().map(|need| self.releases[*need].level + 1).max();
            self.releases[at].needs = needs;
            self.releases[at].level = level.unwrap_or(0);
        }
        self
    }

    /// How many levels there are.
    pub fn levels(&self) -> usize {
        self.releases.iter().map(|release| release.level + 1).max().unwrap_or(0)
    }

    /// The releases as events name them.
    pub fn planned(&self) -> Vec<Planned> {
        let planned = |release: &Release| Planned {
            name: release.name.clone(),
            component: release.component.clone(),
            namespace: release.namespace.clone(),
            chart: release.shown(),
            level: release.level,
            needs: release.needs.iter().map(|need| self.releases[*need].name.clone()).collect(),
        };
        self.releases.iter().map(planned).collect()
    }

    /// The namespaces, each once, in order.
    pub fn namespaces(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for release in &self.releases {
            if !names.contains(&&*release.namespace) {
                names.push(&release.namespace);
            }
        }
        names
    }
}

fn field(path: &str, what: &'static str, found: &str, problem: &'static str) -> PlanError {
    PlanError::Field { path: path.to_owned(), what, found: found.to_owned(), problem }
}

fn check_label(what: &'static str, name: &str) -> Result<(), PlanError> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = !name.is_empty() && name.len() <= 63 && name.bytes().all(good) && !name.starts_with('-');
    match is_label && !name.ends_with('-') {
        true => Ok(()),
        false => Err(field(INFO, what, name, "is not a DNS label: lower-case letters, digits and `-`")),
    }
}

fn check_folder(folder: &str) -> Result<(), PlanError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !folder.is_empty() && folder.chars().all(good) && !folder.starts_with('-') {
        true => Ok(()),
        false => Err(field(INFO, "the folder", folder, "is not a folder of the bundle")),
    }
}

fn document(files: &Files, path: &str) -> Result<Value, PlanError> {
    let text = read(files, path)?.ok_or_else(|| PlanError::Missing(path.to_owned()))?;
    let parsed = yaml::parse(text).map_err(|error| PlanError::Yaml { path: path.to_owned(), error })?;
    Ok(parsed.to_value())
}

fn read<'f>(files: &'f Files, path: &str) -> Result<Option<&'f str>, PlanError> {
    let Some(bytes) = files.get(path) else { return Ok(None) };
    std::str::from_utf8(bytes).map(Some).map_err(|_| PlanError::NotText(path.to_owned()))
}

/// What each component depends on.
fn dependencies(recipe: &Value) -> BTreeMap<String, Vec<String>> {
    let components = recipe.get("componentRefs").and_then(Value::as_array).into_iter().flatten();
    let texts = |value: Option<&Value>| -> Vec<String> {
        let entries = value.and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    components
        .filter_map(|component| {
            let name = component.get("name")?.as_str()?;
            Some((name.to_owned(), texts(component.get("dependencyRefs"))))
        })
        .collect()
}

fn release(
    files: &Files,
    (name, component, namespace, folder): (String, String, String, String),
    needs: Vec<usize>,
) -> Result<Release, PlanError> {
    let base = format!("{folder}/");
    let own: Vec<(&str, &[u8])> = files
        .range(base.clone()..)
        .take_while(|(path, _)| path.starts_with(&base))
        .map(|(path, bytes)| (&path[base.len()..], bytes.as_slice()))
        .collect();
    let has = |path: &str| own.iter().any(|(known, _)| *known == path);
    let at = |path: &str| format!("{base}{path}");
    // A chart that was vendored is in the folder, next to where it came from.
    let chart = match (has("Chart.yaml"), has("upstream.env")) {
        (true, _) => Chart::Local,
        (false, true) => upstream(&at("upstream.env"), read(files, &at("upstream.env"))?.unwrap_or_default())?,
        (false, false) => return Err(PlanError::Missing(at("Chart.yaml"))),
    };
    let manifests: Vec<String> = own
        .iter()
        .filter_map(|(path, _)| path.strip_prefix("templates/"))
        .filter(|path| path.ends_with(".yaml") || path.ends_with(".yml"))
        .map(str::to_owned)
        .collect();
    let mut owns_namespace = false;
    for manifest in &manifests {
        let text = read(files, &at(&format!("templates/{manifest}")))?.unwrap_or_default();
        owns_namespace |= creates_namespace(text, &namespace);
    }
    let role = Role::ALL.into_iter().find(|role| name == format!("{component}{}", role.suffix()));
    let limits = release::limits(&name, role.unwrap_or(Role::Primary));
    let values = ["values.yaml", "cluster-values.yaml"].into_iter().filter(|file| has(file));
    Ok(Release {
        mark: mark::of(&own),
        values: values.map(str::to_owned).collect(),
        owns_crds: has("apply-crds.sh"),
        chart,
        manifests,
        needs,
        level: 0,
        timeout_seconds: limits.timeout_seconds.into(),
        retries: limits.retries,
        is_awaited: limits.is_awaited,
        owns_namespace,
        name,
        component,
        namespace,
        folder,
    })
}

/// Whether a template makes the namespace. Text of a chart that is not rendered may not be YAML; then it does not.
fn creates_namespace(text: &str, namespace: &str) -> bool {
    let Ok(documents) = yaml::parse_all(text) else { return false };
    documents.iter().map(yaml::Node::to_value).any(|object| manifest::is_namespace(&object, namespace))
}

/// `CHART='…'`, `REPO='…'`, `VERSION='…'`.
fn upstream(path: &str, text: &str) -> Result<Chart, PlanError> {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let value = line.unwrap_or_default().trim();
        let value = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
        value.to_owned()
    };
    let [chart, repo, version] = ["CHART", "REPO", "VERSION"].map(value);
    let plain = |text: &str, more: &str| {
        !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if chart.is_empty() || !plain(&chart, "-_./:") || chart.contains("..") {
        return Err(field(path, "the chart", &chart, "is not the name of a chart"));
    }
    if !plain(&version, "-_.+") {
        return Err(field(path, "the version", &version, "is not a version"));
    }
    // No `@`: credentials belong into the configuration of Helm, not on a command line.
    let is_url = ["https://", "http://"].iter().any(|scheme| repo.starts_with(scheme)) && plain(&repo, "-_./:~%");
    if !repo.is_empty() && !is_url {
        let shown = repo.rsplit_once('@').map_or(repo.clone(), |(_, host)| format!("…@{host}"));
        return Err(field(
            path,
            "the repository",
            &shown,
            "is not a URL without credentials that begins with https://",
        ));
    }
    if repo.is_empty() && !chart.starts_with("oci://") {
        return Err(field(path, "the chart", &chart, "has no repository"));
    }
    Ok(Chart::Remote { chart, repo, version })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A bundle with these components: name and what it needs.
    pub(crate) fn files(components: &[(&str, &[&str])]) -> Files {
        let mut files = Files::new();
        let (mut releases, mut refs) = (String::new(), String::new());
        for (at, (name, needs)) in components.iter().enumerate() {
            let folder = format!("{:03}-{name}", at + 1);
            let component = name.strip_suffix("-post").unwrap_or(name);
            releases +=
                &format!("    - {{name: {name}, component: {component}, namespace: ns-{component}, path: {folder}}}\n");
            if component == *name {
                refs += &format!("  - {{name: {name}, dependencyRefs: [{}]}}\n", needs.join(", "));
            }
            files.insert(format!("{folder}/values.yaml"), b"{}\n".to_vec());
            files.insert(format!("{folder}/cluster-values.yaml"), b"{}\n".to_vec());
            let upstream = format!("CHART='{name}'\nREPO='https://charts.example.com'\nVERSION='1.2.3'\n");
            files.insert(format!("{folder}/upstream.env"), upstream.into_bytes());
        }
        let info = format!(
            "build: {{deployer: helm, settings: {{serial: false}}}}\nmetadata: {{version: 1.0.0}}\nlayout:\n  releases:\n{releases}"
        );
        files.insert(INFO.to_owned(), info.into_bytes());
        files.insert(RECIPE.to_owned(), format!("componentRefs:\n{refs}").into_bytes());
        files
    }

    fn graph(plan: &DeployPlan) -> String {
        let line = |planned: Planned| format!("{} {} <{}>", planned.level, planned.name, planned.needs.join(" "));
        plan.planned().into_iter().map(line).collect::<Vec<_>>().join(", ")
    }

    const DIAMOND: [(&str, &[&str]); 5] =
        [("a", &[]), ("b", &["a"]), ("b-post", &[]), ("c", &["a"]), ("d", &["b", "c", "left-out"])];

    #[test]
    fn releases_need_the_last_release_of_what_their_component_depends_on() {
        let plan = plan(&files(&DIAMOND)).unwrap();
        assert_eq!(graph(&plan), "0 a <>, 1 b <a>, 2 b-post <b>, 1 c <a>, 3 d <b-post c>");
        assert_eq!((plan.levels(), plan.namespaces().len()), (4, 4));
    }

    #[test]
    fn a_vendored_chart_is_installed_from_the_bundle() {
        let mut files = files(&[("a", &[])]);
        files.insert("001-a/Chart.yaml".to_owned(), b"name: a\n".to_vec());
        assert_eq!(plan(&files).unwrap().releases[0].chart, Chart::Local);
    }

    #[test]
    fn one_by_one_is_a_chain_and_removing_goes_backwards() {
        let plan = plan(&files(&DIAMOND)).unwrap();
        assert_eq!(graph(&plan.clone().one_by_one()), "0 a <>, 1 b <a>, 2 b-post <b>, 3 c <b-post>, 4 d <c>");
        assert_eq!(graph(&plan.reversed()), "0 d <>, 1 c <d>, 1 b-post <d>, 2 b <b-post>, 3 a <c b>");
    }

    #[test]
    fn a_part_of_a_bundle_takes_what_it_needs_to_be_there() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            plan(&files(&DIAMOND)).unwrap().only(&names)
        };
        assert_eq!(graph(&of(&["b", "d"]).unwrap()), "0 b <>, 1 b-post <b>, 2 d <b-post>");
        let error = of(&["x"]).unwrap_err();
        assert_eq!(error.to_string(), "the bundle has no component `x`; it has a, b, c, d");
    }

    #[test]
    fn what_was_edited_into_something_else_is_refused() {
        let check = |path: &str, from: &str, to: &str, expected: &str| {
            let mut files = files(&[("a", &[]), ("b", &["a"])]);
            let text = String::from_utf8(files[path].clone()).unwrap();
            assert!(text.contains(from), "{text}");
            files.insert(path.to_owned(), text.replace(from, to).into_bytes());
            assert_eq!(plan(&files).unwrap_err().to_string(), expected);
        };
        let label = "is not a DNS label: lower-case letters, digits and `-`";
        check(INFO, "name: a,", "name: '-x',", &format!("`bundle-info.yaml`: the release `-x` {label}"));
        check(INFO, "ns-b", "'$(id)'", &format!("`bundle-info.yaml`: the namespace `$(id)` {label}"));
        check(
            INFO,
            "path: 002-b",
            "path: ../etc",
            "`bundle-info.yaml`: the folder `../etc` is not a folder of the bundle",
        );
        check(INFO, "deployer: helm", "deployer: argocd", "the bundle is for `argocd`, which deploys it itself");
        let env = "001-a/upstream.env";
        check(
            env,
            "'a'",
            "'--post-renderer=x'",
            "`001-a/upstream.env`: the chart `--post-renderer=x` is not the name of a chart",
        );
        let url =
            "`001-a/upstream.env`: the repository `…@x` is not a URL without credentials that begins with https://";
        check(env, "https://charts.example.com", "https://me:secret@x", url);
        check(
            RECIPE,
            "{name: a, dependencyRefs: []}",
            "{name: a, dependencyRefs: [b]}",
            "`a` needs `b`, which `bundle-info.yaml` lists after it",
        );
    }
}
