//! Dialects: what the files of a bundle look like for the tool that deploys it. One file each, one row in [`ALL`].
//!
//! In: a [`Bundle`], which has decided everything. Out: files. What a dialect cannot say is refused, not left out.

mod argo;
mod argocd;
mod argocd_helm;
mod fleet;
mod flux;
mod helm;
mod helmfile;
mod terraform;

use super::{
    compare::There,
    flags::{DEPLOYER, Flags, ValuePath},
    plan::{Bundle, File, Options},
    release::{Chart, Release},
};
use crate::criteria::near_matches;
use serde_json::Value;

/// A dialect.
pub trait Deployer: Sync {
    /// As `--deployer` takes it and `bundle-info.yaml` names it.
    fn name(&self) -> &'static str;

    /// What messages call it.
    fn title(&self) -> &'static str {
        self.name()
    }

    /// For the help.
    fn about(&self) -> &'static str;

    /// The file that a person or tool begins with.
    fn entrypoint(&self) -> &'static str;

    /// Whether folders are called `007-gpu-operator`.
    fn is_numbered(&self) -> bool {
        true
    }

    /// Whether Argo CD applies the files.
    fn is_argo(&self) -> bool {
        false
    }

    /// Whether the bundle itself is a chart of Helm.
    fn is_chart(&self) -> bool {
        false
    }

    /// The folder of a release.
    fn folder(&self, release: &Release) -> String {
        if self.is_numbered() { release.folder() } else { release.name.clone() }
    }

    /// The file of this tool that deploys a release, in its folder.
    fn manifest(&self, _: &Release) -> Option<&'static str> {
        None
    }

    /// Whether a setting changes what the files say.
    fn takes(&self, setting: Setting) -> bool;

    /// What the URL of a repository begins with where this tool reads one.
    fn transports(&self) -> &'static [&'static str] {
        &[]
    }

    /// The repository that the files name, where they name one.
    fn repository<'s>(&self, _: &'s Settings) -> Option<&'s str> {
        None
    }

    /// What the files call the whole.
    fn app_name<'s>(&self, _: &'s Settings) -> Option<&'s str> {
        None
    }

    /// Refuses what the dialect cannot say.
    ///
    /// # Errors
    /// The first such thing.
    fn check(&self, bundle: &Bundle) -> Result<(), DeployerError>;

    /// The files besides those that every bundle has.
    fn files(&self, bundle: &Bundle) -> Vec<File>;

    /// How to deploy, remove and change a bundle in a folder, in Markdown.
    fn guide(&self, bundle: &Bundle) -> String;

    /// What to do next, one command or sentence each.
    fn steps(&self, folder: &str, settings: &Settings) -> Vec<String>;
}

/// The step that puts a folder where the files say that it is.
fn push(deployer: &dyn Deployer, folder: &str, settings: &Settings) -> String {
    match (&settings.repo, deployer.repository(settings)) {
        (None, Some(placeholder)) => format!(
            "push {folder} to a Git repository, branch main, with its URL in place of {placeholder} in the files (--repo \
             URL writes it)"
        ),
        (repo, _) => format!("push {folder} to {}, branch main", repo.as_deref().unwrap_or("your repository")),
    }
}

impl std::fmt::Debug for dyn Deployer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every dialect; the first is the default.
pub static ALL: &[&dyn Deployer] = &[
    &helm::Helm,
    &helmfile::Helmfile,
    &argocd::ArgoCd,
    &argocd_helm::ArgoCdHelm,
    &flux::Flux,
    &fleet::Fleet,
    &terraform::Terraform,
];

/// The names of all dialects, in order.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|deployer| deployer.name()).collect()
}

/// A dialect by name, as typed.
///
/// # Errors
/// Names that look alike, or all.
pub fn named(name: &str) -> Result<&'static dyn Deployer, DeployerError> {
    let wanted = name.trim().to_ascii_lowercase();
    ALL.iter().copied().find(|deployer| deployer.name() == wanted).ok_or_else(|| {
        let near = near_matches(&wanted, ALL.iter().map(|deployer| deployer.name()));
        DeployerError::Unknown { name: name.to_owned(), near }
    })
}

/// Settings of single dialects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub repo: Option<String>,
    pub app_name: Option<String>,
    pub flux_namespace: Option<String>,
    pub flux_oci_source: Option<String>,
    pub argo: Argo,
    pub fleet_mode: Option<FleetMode>,
    pub terraform: Terraform,
    /// Where the bundle is pushed, if it is.
    pub published: Option<Published>,
}

/// An artifact of an OCI registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// `oci://HOST/PATH`.
    pub url: String,
    pub tag: String,
}

impl Published {
    /// The last part of the path, which is the name of what is there, and what is above it.
    pub fn parts(&self) -> (&str, &str) {
        let (above, name) = self.url.rsplit_once('/').unwrap_or_default();
        (name, above)
    }
}

impl Settings {
    /// What the tool reads of the repository.
    pub fn revision(&self) -> &str {
        match (&self.repo, &self.published) {
            (None, Some(published)) => &published.tag,
            _ => "main",
        }
    }

    /// The repository as the files name it, where they name one.
    fn repository_or<'s>(&'s self, placeholder: &'s str) -> &'s str {
        let published = self.published.as_ref().map(|published| &*published.url);
        self.repo.as_deref().or(published).unwrap_or(placeholder)
    }
}

/// `--set deployer:KEY=VALUE`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Argo {
    pub name_prefix: String,
    pub destination_server: Option<String>,
    pub project: Option<String>,
    pub cascade_delete: bool,
}

/// How Rancher Fleet is told what to deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetMode {
    /// A repository with a folder for each release.
    GitRepo,
    /// An object for each release, with its values.
    HelmOp,
}

impl FleetMode {
    pub const ALL: [FleetMode; 2] = [FleetMode::GitRepo, FleetMode::HelmOp];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            FleetMode::GitRepo => "gitrepo",
            FleetMode::HelmOp => "helmop",
        }
    }
}

/// What a Terraform configuration is besides a whole one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terraform {
    /// A module that another configuration calls: the provider is that one's.
    pub child_module: bool,
    /// Releases are replaced when the cluster is.
    pub cluster_rollover: bool,
}

/// The dialect of a bundle: the chosen one, in the form that its settings ask for.
pub fn formed(deployer: &'static dyn Deployer, settings: &Settings) -> &'static dyn Deployer {
    match settings.fleet_mode {
        Some(FleetMode::HelmOp) if deployer.takes(Setting::FleetMode) => &fleet::HelmOps,
        _ => deployer,
    }
}

/// The dialect that a bundle says it is in, and its form where there are several; none for one that is not known.
pub fn of(there: &There) -> Option<(&'static dyn Deployer, Option<FleetMode>)> {
    let deployer = named(there.deployer.as_deref()?).ok()?;
    let is_form = |mode: &FleetMode| {
        let settings = Settings { fleet_mode: Some(*mode), ..Settings::default() };
        Some(formed(deployer, &settings).entrypoint()) == there.entrypoint.as_deref()
    };
    let mode = FleetMode::ALL.into_iter().filter(|_| deployer.takes(Setting::FleetMode)).find(is_form);
    Some((deployer, mode))
}

/// A setting that some dialects have no use for; there it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    Repo,
    AppName,
    ReadinessHooks,
    Serial,
    Dynamic,
    FluxNamespace,
    FluxOciSource,
    FleetMode,
    TerraformChildModule,
    TerraformClusterRollover,
    /// `--set deployer:KEY=VALUE`.
    Argo,
}

impl Setting {
    pub const ALL: [Setting; 11] = [
        Setting::Repo,
        Setting::AppName,
        Setting::ReadinessHooks,
        Setting::Serial,
        Setting::Dynamic,
        Setting::FluxNamespace,
        Setting::FluxOciSource,
        Setting::FleetMode,
        Setting::TerraformChildModule,
        Setting::TerraformClusterRollover,
        Setting::Argo,
    ];

    /// As it is typed.
    pub fn flag(self) -> &'static str {
        match self {
            Setting::Repo => "--repo",
            Setting::AppName => "--app-name",
            Setting::ReadinessHooks => "--readiness-hooks",
            Setting::Serial => "--serial",
            Setting::Dynamic => "--dynamic",
            Setting::FluxNamespace => "--flux-namespace",
            Setting::FluxOciSource => "--flux-oci-source-name",
            Setting::FleetMode => "--fleet-mode",
            Setting::TerraformChildModule => "--terraform-child-module",
            Setting::TerraformClusterRollover => "--terraform-cluster-rollover",
            Setting::Argo => "--set deployer:KEY=VALUE",
        }
    }

    /// The dialects that have a use for it.
    pub fn dialects(self) -> impl Iterator<Item = &'static dyn Deployer> {
        ALL.iter().copied().filter(move |deployer| deployer.takes(self))
    }

    fn is_given(self, options: &Options) -> bool {
        let Settings { repo, app_name, flux_namespace, flux_oci_source, argo, fleet_mode, terraform, published: _ } =
            &options.settings;
        match self {
            Setting::Repo => repo.is_some(),
            Setting::AppName => app_name.is_some(),
            Setting::ReadinessHooks => options.readiness_hooks,
            Setting::Serial => options.serial,
            Setting::Dynamic => !options.flags.dynamic.is_empty(),
            Setting::FluxNamespace => flux_namespace.is_some(),
            Setting::FluxOciSource => flux_oci_source.is_some(),
            Setting::FleetMode => fleet_mode.is_some(),
            Setting::TerraformChildModule => terraform.child_module,
            Setting::TerraformClusterRollover => terraform.cluster_rollover,
            Setting::Argo => *argo != Argo::default(),
        }
    }
}

/// Refuses what the dialect of a bundle has no use for or cannot say.
///
/// # Errors
/// The first such thing.
pub fn check(bundle: &Bundle) -> Result<(), DeployerError> {
    let (options, deployer) = (&bundle.options, bundle.options.deployer);
    let mut useless = Setting::ALL.into_iter().filter(|setting| setting.is_given(options) && !deployer.takes(*setting));
    if let Some(setting) = useless.next() {
        return Err(DeployerError::Flag { flag: setting.flag().to_owned(), setting, deployer: deployer.title() });
    }
    if let Some(repo) = &options.settings.repo {
        check_repository(deployer, repo)?;
    }
    deployer.check(bundle)
}

/// Whether a repository is one that the dialect's tool reads, without a login that would be in the files.
fn check_repository(deployer: &dyn Deployer, url: &str) -> Result<(), DeployerError> {
    let wrong = |found: &str, problem: &str| {
        let (what, problem) = ("--repo".to_owned(), problem.to_owned());
        Err(DeployerError::Value { what, found: found.to_owned(), problem })
    };
    if url.trim().is_empty() {
        return wrong(url, "it is empty");
    }
    // What is before an `@` may be a password, wherever it begins.
    let shown = if url.contains('@') { "…" } else { url };
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong(shown, "it has a space or a control character");
    }
    let transports = deployer.transports();
    let Some((transport, rest)) =
        transports.iter().find_map(|transport| Some((*transport, url.strip_prefix(transport)?)))
    else {
        return wrong(
            shown,
            &format!("{} reads repositories that begin with {}", deployer.name(), transports.join(", ")),
        );
    };
    if rest.contains(['?', '#']) {
        return wrong(&format!("{transport}…"), "it has a `?` or a `#`, behind which a token may be");
    }
    let (host, path) = match transport {
        "git@" => rest.split_once(':').unwrap_or((rest, "")),
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    let (login, host) = host.rsplit_once('@').map_or((None, host), |(login, host)| (Some(login), host));
    let is_user = |login: &str| transport == "ssh://" && !login.contains(':');
    if login.is_some_and(|login| !is_user(login)) {
        let problem =
            "it has a login, which everyone who reads the bundle would see; the tool has its credentials in a Secret";
        return wrong(&format!("{transport}…@{host}/{path}"), problem);
    }
    if host.is_empty() || path.trim_matches('/').is_empty() {
        return wrong(url, "it is not a URL with a host and a path");
    }
    Ok(())
}

/// Why a dialect cannot be used so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployerError {
    #[error("unknown deployer `{name}`")]
    Unknown { name: String, near: Vec<String> },
    #[error("{flag} has no meaning for the deployer `{deployer}`")]
    Flag { flag: String, setting: Setting, deployer: &'static str },
    #[error("unknown setting `deployer:{key}`")]
    Setting { key: String, near: Vec<String> },
    #[error("{what} cannot be `{found}`: {problem}")]
    Value { what: String, found: String, problem: String },
    #[error("`{component}` {what}, which {deployer} cannot deploy")]
    Component { component: String, what: &'static str, deployer: &'static str, instead: &'static str },
    #[error("the name `{name}` of a child application {problem}")]
    ChildName { name: String, problem: String },
}

impl DeployerError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let all = || ALL.iter().map(|deployer| deployer.name()).collect::<Vec<_>>().join(", ");
        match self {
            DeployerError::Unknown { near, .. } => {
                Some(crate::text::did_you_mean(near).unwrap_or_else(|| format!("there are {}", all())))
            }
            DeployerError::Flag { setting, .. } => {
                let names: Vec<&str> = setting.dialects().map(|deployer| deployer.name()).collect();
                let otherwise =
                    if *setting == Setting::Dynamic { "set the value now with --set" } else { "leave it out" };
                Some(format!("{otherwise}, or choose a --deployer that has a use for it: {}", names.join(", ")))
            }
            DeployerError::Setting { near, .. } => {
                Some(crate::text::did_you_mean(near).unwrap_or_else(|| format!("there are {}", SETTINGS.join(", "))))
            }
            DeployerError::Value { .. } => None,
            DeployerError::Component { instead, .. } => Some((*instead).to_owned()),
            DeployerError::ChildName { .. } => Some("choose another --set deployer:namePrefix=…".to_owned()),
        }
    }
}

const SETTINGS: [&str; 4] = ["namePrefix", "destinationServer", "project", "cascadeDelete"];

/// The settings among the flags, for a dialect.
///
/// # Errors
/// One for a dialect that has none, an unknown one, a value that would not do.
pub fn settings(flags: &Flags, deployer: &dyn Deployer) -> Result<Argo, DeployerError> {
    let mut argo = Argo::default();
    for given in flags.overrides.iter().filter(|given| given.component == DEPLOYER) {
        let key = given.path.to_string();
        if !deployer.takes(Setting::Argo) {
            let flag = format!("`deployer:{key}`");
            return Err(DeployerError::Flag { flag, setting: Setting::Argo, deployer: deployer.name() });
        }
        let text = match &given.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let wrong = |problem: &str| DeployerError::Value {
            what: format!("`deployer:{key}`"),
            found: text.clone(),
            problem: problem.to_owned(),
        };
        match &*key {
            "namePrefix" => {
                let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                if !text.chars().all(good) || text.starts_with('-') {
                    return Err(wrong("it has lower-case letters, digits and `-` only"));
                }
                argo.name_prefix = text;
            }
            "destinationServer" => {
                let host = text.strip_prefix("https://").unwrap_or_default();
                let good = |c: char| c.is_ascii_alphanumeric() || "-._:[]/".contains(c);
                if host.is_empty() || !host.chars().all(good) {
                    return Err(wrong("it is a URL that begins with https:// and holds no login"));
                }
                argo.destination_server = Some(text);
            }
            "project" if is_subdomain(&text) => argo.project = Some(text),
            "project" => return Err(wrong("it is not a DNS subdomain")),
            "cascadeDelete" => {
                argo.cascade_delete = match &*text {
                    "true" | "1" | "t" | "T" | "TRUE" | "True" => true,
                    "false" | "0" | "f" | "F" | "FALSE" | "False" => false,
                    _ => return Err(wrong("it is true or false")),
                }
            }
            _ => {
                let near = near_matches(&key, SETTINGS.into_iter());
                return Err(DeployerError::Setting { key, near });
            }
        }
    }
    Ok(argo)
}

/// Kinds of Kubernetes itself that are in no namespace, as far as manifests have them.
const UNBOUND: [&str; 13] = [
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "DeviceClass",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
];

/// That a release whose chart creates its namespace can be installed in another one: every object says where it is.
fn check_homes(bundle: &Bundle) -> Result<(), DeployerError> {
    let is_unsaid = |object: &Value| {
        let is_bound = !object["kind"].as_str().is_some_and(|kind| UNBOUND.contains(&kind));
        is_bound && object["metadata"]["namespace"].as_str().is_none_or(str::is_empty)
    };
    let unsaid = |release: &&Release| match &release.chart {
        Chart::Local { manifests } if release.owns_namespace => {
            manifests.iter().any(|manifest| manifest.objects.iter().any(is_unsaid))
        }
        _ => false,
    };
    let Some(release) = bundle.releases.iter().find(unsaid) else { return Ok(()) };
    Err(DeployerError::Component {
        component: release.name.clone(),
        what: "creates its own namespace and has objects without one",
        deployer: bundle.options.deployer.title(),
        instead: "write `namespace` into the metadata of its manifests, or use --deployer helm",
    })
}

/// A DNS label, as a namespace is one.
fn is_label(text: &str) -> bool {
    is_subdomain(text) && !text.contains('.') && text.len() <= 63
}

/// A DNS subdomain.
pub fn is_subdomain(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label =
        |part: &str| !part.is_empty() && part.bytes().all(good) && !part.starts_with('-') && !part.ends_with('-');
    text.len() <= 253 && text.split('.').all(label)
}

/// What every chart in a bundle says it is.
fn chart_yaml(bundle: &Bundle, release: &Release, description: &str) -> String {
    crate::yaml::to_string(&chart_value(bundle, release, description))
}

fn chart_value(bundle: &Bundle, release: &Release, description: &str) -> Value {
    let payload = &bundle.component(release).used.version;
    let payload = if payload.is_empty() { &bundle.options.tool } else { payload };
    serde_json::json!({
        "apiVersion": "v2",
        "name": release.name,
        "description": description,
        "type": "application",
        "version": bundle.options.tool,
        "appVersion": payload,
        "annotations": {"aicr.run/component-version": payload, "aicr.run/generated-by": "aicr"},
    })
}

/// What begins a file of values.
const GENERATED: &str = "# Generated by AICR\n---\n";

/// A file of values as the reference writes it: nothing but its head for an empty mapping.
fn values_file(values: &Value) -> String {
    match values.as_object().is_some_and(|entries| entries.is_empty()) || values.is_null() {
        true => GENERATED.to_owned(),
        false => format!("{GENERATED}{}", crate::yaml::to_string(values)),
    }
}

/// The file of what is left to the installation.
fn dynamic_file(release: &Release) -> String {
    values_file(&release.dynamic) + &unset_lines(&release.unset)
}

/// Comments that name what nobody has given a value: a key without one would take away the chart's default.
fn unset_lines(unset: &[ValuePath]) -> String {
    unset.iter().map(|path| format!("# {path}: the chart's default, until a value is written here\n")).collect()
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::flags::Override;

    #[test]
    fn names_are_unique_and_every_dialect_is_described() {
        let names: std::collections::BTreeSet<&str> = ALL.iter().map(|deployer| deployer.name()).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|deployer| !deployer.about().is_empty() && !deployer.entrypoint().is_empty()));
        assert!(named(" HELM ").is_ok_and(|deployer| deployer.name() == "helm"));
        let error = named("hlem").map(|_| ()).expect_err("unknown");
        assert_eq!(error.hint().as_deref(), Some("did you mean helm?"));
    }

    #[test]
    fn a_bundle_is_in_the_form_whose_first_file_it_has() {
        let of = |deployer: &str, entrypoint: &str| {
            let (deployer, entrypoint) = (Some(deployer.to_owned()), Some(entrypoint.to_owned()));
            super::of(&There { deployer, entrypoint, ..There::default() })
                .map(|(deployer, mode)| (deployer.name(), mode))
        };
        assert_eq!(of("flux", "kustomization.yaml"), Some(("flux", None)));
        assert_eq!(of("fleet", "gitrepo.yaml"), Some(("fleet", Some(FleetMode::GitRepo))));
        assert_eq!(of("fleet", "helmops.yaml"), Some(("fleet", Some(FleetMode::HelmOp))));
        assert_eq!(of("chef", "x"), None);
        assert_eq!(super::of(&There::default()).map(|_| ()), None);
    }

    #[test]
    fn settings_belong_to_argo() {
        let flags =
            Flags { overrides: vec![Override::set("deployer:project=x").expect("it reads")], ..Flags::default() };
        let error = settings(&flags, &helm::Helm).expect_err("helm has no projects");
        assert_eq!(error.to_string(), "`deployer:project` has no meaning for the deployer `helm`");
    }

    #[test]
    fn a_word_of_a_shell_cannot_be_left() {
        assert_eq!(quoted("a'; rm -rf $(x)"), "'a'\\''; rm -rf $(x)'");
    }
}
