//! `aicr bundle`: what a recipe becomes for the tool that deploys it.

use super::{
    Outcome, Printer, Stop, cluster,
    criteria_args::CriteriaArgs,
    exit::Exit,
    formats::{self, Format, Named},
    global::Global,
    input, misuse,
    printer::Role,
    table,
};
use crate::{
    bundle::{
        compare::{self, Change, There},
        deployer::{self, Deployer, FleetMode, Published, Settings},
        flags::{self, Dynamic, FlagError, Flags, Nodes, Override, Scheduling, Taint},
        info,
        plan::{BundlePlan, Options},
        supplied::{KUSTOMIZE, Placeholder, Supplied},
        values::Added,
        vendor::Vendored,
    },
    criteria::Dimension,
    ops::{
        self, Failure, Kind,
        artifact::{Access, Reference},
        place,
    },
    recipe::Recipe,
    report::escape,
    text, yaml,
};
use clap::builder::{StringValueParser, TypedValueParser};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Write what a recipe becomes for the tool that deploys it: charts, values, manifests, scripts, checksums.
///
/// The recipe comes from a file (-r), or is resolved for criteria or a snapshot as `aicr recipe` does it. --plan shows
/// everything that would be written, with the reason for each value, and writes nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: aicr bundle -r recipe.yaml -o bundle --system-node-selector role=system --storage-class gp3"
)]
pub struct Args {
    /// The recipe: a file, `-` for standard input, cm://NAMESPACE/NAME or a URL.
    #[arg(short, long, value_name = "PLACE")]
    recipe: Option<String>,
    /// A snapshot whose cluster the bundle is for, instead of a recipe.
    #[arg(short, long, value_name = "PLACE", conflicts_with = "recipe")]
    snapshot: Option<String>,
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// The folder to write, new or empty; or oci://HOST/PATH:TAG to push the bundle to a registry.
    #[arg(short, long, value_name = "PLACE", default_value = ".")]
    output: String,
    /// Replace the bundle that is in the folder, if it is complete and unchanged.
    #[arg(long)]
    replace: bool,
    /// Print what would be written and why, and write nothing.
    #[arg(long)]
    plan: bool,
    /// Print what the bundle in a folder would become, file by file, instead of the plan.
    #[arg(long, value_name = "DIR", requires = "plan", conflicts_with = "format")]
    against: Option<PathBuf>,
    /// The form of --plan.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS), default_value = "table", requires = "plan")]
    format: &'static Format<BundlePlan>,
    /// The tool that deploys the bundle; else helm, and with --against the tool of the bundle in that folder.
    #[arg(short, long, value_name = "NAME", value_parser = deployer())]
    deployer: Option<&'static dyn Deployer>,
    /// Deploy one release after the other, instead of those at the same time that do not need each other.
    #[arg(long)]
    serial: bool,
    #[command(flatten)]
    values: ValueArgs,
    #[command(flatten)]
    scheduling: SchedulingArgs,
    #[command(flatten)]
    dialect: DialectArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    lacking: LackingArgs,
}

/// What is set over the recipe.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Values")]
struct ValueArgs {
    /// A value to set over the recipe (repeatable): true and false, numbers as they print, else text. `\.` is a dot in a
    /// key; COMPONENT:enabled=false leaves a component out.
    #[arg(long = "set", value_name = "COMPONENT:PATH=VALUE", value_parser = parsed(Override::set))]
    set: Vec<Override>,
    /// The same with any JSON (repeatable): mappings are merged, null takes a key away. Wins over --set and --set-file.
    #[arg(long = "set-json", value_name = "COMPONENT:PATH=JSON", value_parser = parsed(Override::set_json))]
    set_json: Vec<Override>,
    /// The same from a JSON or YAML file of at most 1 MiB (repeatable). Wins over --set.
    #[arg(long = "set-file", value_name = "COMPONENT:PATH=FILE")]
    set_file: Vec<String>,
    /// A value to leave to the installation (repeatable): it goes to cluster-values.yaml, or where the deployer keeps such
    /// values.
    #[arg(long, value_name = "COMPONENT:PATH")]
    dynamic: Vec<Dynamic>,
}

/// Where pods run and what on.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Scheduling and storage")]
struct SchedulingArgs {
    /// A label of the nodes for controllers (repeatable).
    #[arg(long, value_name = "KEY=VALUE", value_parser = parsed(flags::selector))]
    system_node_selector: Vec<(String, String)>,
    /// A taint that controllers tolerate (repeatable): KEY=VALUE:EFFECT, KEY:EFFECT or *; else they tolerate all.
    #[arg(long, value_name = "TAINT", value_parser = parsed(flags::toleration))]
    system_node_toleration: Vec<Value>,
    /// A label of the nodes with GPUs (repeatable).
    #[arg(long, value_name = "KEY=VALUE", value_parser = parsed(flags::selector))]
    accelerated_node_selector: Vec<(String, String)>,
    /// A taint of the nodes with GPUs that their pods tolerate (repeatable); else they tolerate all.
    #[arg(long, value_name = "TAINT", value_parser = parsed(flags::toleration))]
    accelerated_node_toleration: Vec<Value>,
    /// A label by which pods of the DRA driver leave a node before its driver is changed; without it that is not done.
    #[arg(long, value_name = "KEY", value_parser = parsed(flags::label_key))]
    dra_eviction_node_label: Option<String>,
    /// The taint that keeps workloads off a node until it is tuned: KEY=VALUE:EFFECT.
    #[arg(long, value_name = "TAINT")]
    workload_gate: Option<Taint>,
    /// A label of the workloads that tuning must not interrupt (repeatable).
    #[arg(long, value_name = "KEY=VALUE", value_parser = parsed(flags::selector))]
    workload_selector: Vec<(String, String)>,
    /// The storage class of volumes.
    #[arg(long, value_name = "NAME", value_parser = class())]
    storage_class: Option<String>,
    /// The storage class of volumes that several nodes mount.
    #[arg(long, value_name = "NAME", value_parser = class())]
    shared_storage_class: Option<String>,
}

/// What single deployers need.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Deployers")]
struct DialectArgs {
    /// The repository that the bundle is pushed to, as Argo CD and Flux are to read it.
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// The name of the parent application of Argo CD.
    #[arg(long, value_name = "NAME")]
    app_name: Option<String>,
    /// Behind a component that has a readiness test, hold back what comes next until it holds.
    #[arg(long)]
    readiness_hooks: bool,
    /// The namespace of Flux objects; else flux-system.
    #[arg(long, value_name = "NAME")]
    flux_namespace: Option<String>,
    /// How Rancher Fleet gets the bundle: a Git repository with a folder for each release (the default), or a HelmOp for each release, for
    /// bundles whose charts are all in repositories.
    #[arg(long, value_name = "MODE", value_parser = fleet_mode())]
    fleet_mode: Option<FleetMode>,
    /// Write a Terraform module that another configuration calls, without a provider and without variables to reach a
    /// cluster.
    #[arg(long)]
    terraform_child_module: bool,
    /// Replace every Terraform release when the variable cluster_endpoint changes.
    #[arg(long)]
    terraform_cluster_rollover: bool,
    /// The OCIRepository of Flux that reads a bundle that is pushed; else aicr-bundle.
    #[arg(long, value_name = "NAME")]
    flux_oci_source_name: Option<String>,
}

/// Charts and registries.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Charts and registries")]
struct RegistryArgs {
    /// Put the charts of the components into the bundle, so that it is deployed without their repositories.
    #[arg(long)]
    vendor_charts: bool,
    /// Download the manifests that the catalog only names, such as CRDs of the Gateway API; what has another digest than the
    /// catalog says is refused.
    #[arg(long)]
    fetch_manifests: bool,
    /// A file for a manifest that the catalog only names (repeatable), with the same digest; the plan's notes name them.
    #[arg(long = "manifest", value_name = "NAME=FILE")]
    manifests: Vec<String>,
    /// Write the name and digest of a bundle that is pushed to a file.
    #[arg(long, value_name = "FILE")]
    image_refs: Option<PathBuf>,
    /// Plain http to registries, also to another machine than this one: the bundle and the login can be read on the way.
    #[arg(long)]
    plain_http: bool,
    /// Any certificate of a registry or repository: nobody vouches for what comes from there.
    #[arg(long)]
    insecure_tls: bool,
}

/// Flags of the reference that are answered instead of honored.
#[derive(Debug, clap::Args)]
struct LackingArgs {
    #[arg(long, hide = true)]
    split: bool,
    #[arg(long, hide = true)]
    attest: bool,
    #[arg(long, hide = true)]
    certificate_identity_regexp: Option<String>,
    #[arg(long, hide = true)]
    identity_token: Option<String>,
    #[arg(long, hide = true)]
    oidc_device_flow: bool,
    #[arg(long, hide = true)]
    fulcio_url: Option<String>,
    #[arg(long, hide = true)]
    rekor_url: Option<String>,
    #[arg(long, hide = true)]
    signing_config: Option<String>,
    #[arg(long, hide = true)]
    signing_key: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    tlog_upload: Option<bool>,
    #[arg(long, alias = "assume-yes", hide = true)]
    yes: bool,
}

impl Named for dyn Deployer {
    fn name(&self) -> &'static str {
        Deployer::name(self)
    }
}

fn parsed<T: Clone + Send + Sync + 'static>(
    read: fn(&str) -> Result<T, FlagError>,
) -> impl TypedValueParser<Value = T> {
    StringValueParser::new().try_map(move |text| read(&text))
}

fn deployer() -> impl TypedValueParser<Value = &'static dyn Deployer> {
    let words = deployer::ALL
        .iter()
        .map(|deployer| clap::builder::PossibleValue::new(Deployer::name(*deployer)).help(deployer.about()));
    Words(words.collect())
}

/// The names of deployers, which are read in any case and with blanks around them.
#[derive(Clone)]
struct Words(Vec<clap::builder::PossibleValue>);

impl TypedValueParser for Words {
    type Value = &'static dyn Deployer;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let trimmed = value.to_string_lossy().trim().to_ascii_lowercase();
        deployer::named(&trimmed).or_else(|_| {
            let parser = clap::builder::PossibleValuesParser::new(self.0.clone());
            // It is none of them, so this says which there are.
            parser.parse_ref(command, argument, value).map(|_| deployer::ALL[0])
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}

fn fleet_mode() -> impl TypedValueParser<Value = FleetMode> {
    let names = FleetMode::ALL.map(FleetMode::name);
    clap::builder::PossibleValuesParser::new(names).map(|name| {
        let mode = FleetMode::ALL.into_iter().find(|mode| mode.name() == name);
        mode.unwrap_or(FleetMode::GitRepo)
    })
}

fn class() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().try_map(|text| match deployer::is_subdomain(text.trim()) {
        true => Ok(text.trim().to_owned()),
        false => Err("the name of a storage class has lower-case letters, digits, `-` and `.` only".to_owned()),
    })
}

static FORMATS: &[Format<BundlePlan>] = &[
    Format::laid_out("table", "For reading; no program should parse it", |plan, _| Ok(shown(plan))),
    Format::plain("yaml", "", |plan, _| Ok(yaml::to_string(&as_value(plan)))),
    Format::plain("json", "", |plan, _| Ok(crate::recipe::format::json_text(&as_value(plan)))),
];

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    args.lacking.refuse()?;
    let folder = Path::new(&args.output);
    let artifact = args.output.contains("://").then(|| Reference::parse(&args.output)).transpose()?;
    args.useless(artifact.is_some())?;
    match &artifact {
        Some(artifact) if artifact.is_pinned() => {
            return Err(misuse("push the bundle", "a digest is known once it is pushed", "name a tag").into());
        }
        None if !args.plan => ops::bundle::probe(folder, args.replace)?,
        _ => {}
    }
    if let Some(file) = args.registry.image_refs.as_ref().filter(|_| !args.plan) {
        // Before anything is pushed.
        place::probe(&place::Place::File(file.clone()))?;
    }
    let catalog = global.catalog()?;
    let recipe = recipe(args, global, printer)?;
    let published = artifact.as_ref().map(|to| Published { url: to.url(), tag: to.tag().to_owned() });
    // Once, because a file of --set-file may be a pipe.
    let flags = flags(args)?;
    let plan =
        |fetched: &Fetched| ops::bundle::plan(&catalog, &recipe, options(args, &flags, published.clone(), fetched)?);
    let there = args.against.as_deref().map(ops::bundle::there).transpose()?;
    let like = there.as_ref().map(|there| dialect_of(args, there, printer)).transpose()?.flatten();
    let mut fetched = Fetched { like, ..Fetched::default() };
    if recipe.components.iter().any(|component| component.r#type == KUSTOMIZE) {
        let built = ops::kustomize::build(&catalog, &recipe, &flags, Path::new("."));
        fetched.supplied.kustomized = cluster::block_on(global, built)?;
    }
    let mut planned = plan(&fetched)?;
    if fetch(args, &planned, &mut fetched, global)? {
        planned = plan(&fetched)?;
    }
    let (plan, access) = (planned, args.registry.access());
    let warnings = plan.bundle.notes.iter().filter(|note| note.is_warning());
    warnings.for_each(|note| printer.warn(note));
    let deployer = plan.bundle.options.deployer;
    // Not every tool reads a bundle from the registry that it is pushed to.
    let unsaid = Settings::default();
    let placeholder = deployer.repository(&unsaid);
    if placeholder.is_some() && deployer.repository(&plan.bundle.options.settings) == placeholder {
        printer.warn("no --repo was given, so the files name a placeholder; correct it before you push them");
    }
    if let Some(there) = there {
        return changes(&compare::files(&plan, &there.files), printer);
    }
    if args.plan {
        args.format.print(&plan, printer)?;
        return Ok(Exit::Good);
    }
    if let Some(to) = &artifact {
        return push(args, (&plan, to), access, global, printer);
    }
    ops::bundle::write(folder, &plan, args.replace)?;
    let bytes: usize = plan.files.iter().map(|file| file.bytes.len()).sum();
    let quiet = |line: &str| printer.note(printer.paint_note(Role::Quiet, line));
    quiet(&format!("bundled {} for {}", info::summary(&plan.bundle), Deployer::name(deployer)));
    let mut page = format!(
        "{} files, {} bytes in {}\n\nTo deploy:\n",
        plan.files.len(),
        text::thousands(bytes),
        escape::line(&args.output)
    );
    for (index, step) in
        deployer.steps(&text::shell_word(&args.output), &plan.bundle.options.settings).iter().enumerate()
    {
        page += &format!("  {}. {}\n", index + 1, escape::line(step));
    }
    printer.page(&page)?;
    Ok(Exit::Good)
}

/// The dialect of a bundle that the plan is compared with, where no other one was asked for.
fn dialect_of(args: &Args, there: &There, printer: &Printer) -> Result<Option<Form>, Failure> {
    let found = deployer::of(there);
    match (args.deployer, found) {
        (None, None) => {
            let because = "its bundle-info.yaml names no deployer that this version knows";
            Err(misuse("compare with the bundle", because, "name the tool with --deployer"))
        }
        (None, found) => Ok(found),
        (Some(typed), Some((found, _))) if Deployer::name(typed) != Deployer::name(found) => {
            let (typed, found) = (Deployer::name(typed), Deployer::name(found));
            printer.warn(format!("the bundle there is for {found}, and is compared with one for {typed}"));
            Ok(None)
        }
        (Some(_), _) => Ok(None),
    }
}

/// What the plan would change in a bundle that is there, with the lines of each file.
fn changes(changes: &[Change<'_>], printer: &Printer) -> Outcome {
    if changes.is_empty() {
        printer.page("no file would change\n")?;
        return Ok(Exit::Good);
    }
    let mut page = String::new();
    for change in changes {
        page += &format!("{} {}\n", change.word(), escape::line(change.path()));
        match ops::bundle::lines(change) {
            Err(binary) => page += &format!("  {binary}\n"),
            Ok(lines) => {
                for ops::bundle::Line { sign, text, .. } in lines {
                    let role = if sign == '-' { Role::Bad } else { Role::Good };
                    page += &format!("  {}\n", printer.paint(role, &format!("{sign} {}", escape::line(&text))));
                }
            }
        }
    }
    printer.page(&page)?;
    Ok(Exit::Good)
}

fn push(
    args: &Args,
    (plan, to): (&BundlePlan, &Reference),
    access: Access,
    global: &Global,
    printer: &Printer,
) -> Outcome {
    let digest = cluster::block_on(global, ops::artifact::push(plan, to, access))?;
    let pinned = format!("{}@{digest}", to.url());
    let summary = info::summary(&plan.bundle);
    let name = Deployer::name(plan.bundle.options.deployer);
    let said = format!("bundled {summary} for {name}, pushed to {}:{}", to.url(), to.tag());
    printer.note(printer.paint_note(Role::Quiet, &said));
    // It is pushed, whatever becomes of the file.
    printer.page(&format!("{pinned}\n"))?;
    if let Some(file) = &args.registry.image_refs {
        let reference = pinned.trim_start_matches("oci://");
        ops::bundle::write_private(file, &format!("{reference}\n"))?;
    }
    Ok(Exit::Good)
}

impl Args {
    /// Refuses what has no effect with this output.
    fn useless(&self, is_artifact: bool) -> Result<(), Failure> {
        let registry = &self.registry;
        let fetches = is_artifact || registry.vendor_charts;
        let given = [
            (
                "--image-refs",
                registry.image_refs.is_some() && !is_artifact,
                "only a bundle that is pushed has a digest",
            ),
            ("--plain-http", registry.plain_http && !fetches, "no registry is asked"),
            (
                "--insecure-tls",
                registry.insecure_tls && !(fetches || registry.fetch_manifests),
                "no registry and no repository is asked",
            ),
            ("--replace", self.replace && is_artifact, "a tag is replaced in any case"),
        ];
        let useless = given.into_iter().find(|(_, is_useless, _)| *is_useless);
        useless.map_or(Ok(()), |(flag, _, because)| {
            Err(misuse(&format!("honor {flag}"), because, "leave it out, or see --output and --vendor-charts"))
        })
    }
}

impl RegistryArgs {
    fn access(&self) -> Access {
        Access { plain_http: self.plain_http, insecure_tls: self.insecure_tls }
    }
}

fn recipe(args: &Args, global: &Global, printer: &Printer) -> Result<Recipe, Stop> {
    // The number of nodes is for the bundle as well, and says nothing about which recipe.
    let stated = args.criteria.stated().iter().find(|(dimension, _)| *dimension != Dimension::Nodes);
    match (&args.recipe, stated) {
        (Some(_), Some((dimension, _))) => {
            let because = format!("--recipe and --{} exclude each other", dimension.name());
            Err(misuse("choose the recipe", &because, "give a recipe, or criteria to resolve one").into())
        }
        (Some(source), None) => Ok(input::recipe(source, global, printer)?),
        (None, None) if args.snapshot.is_none() => {
            let because = "neither a recipe nor criteria were given";
            Err(misuse("choose the recipe", because, "give -r FILE, --service and the like, or -s SNAPSHOT").into())
        }
        (None, _) => Ok(args.criteria.resolve(args.snapshot.as_deref(), global, printer)?.recipe),
    }
}

/// A dialect, and its form where it has several.
type Form = (&'static dyn Deployer, Option<FleetMode>);

/// What a bundle has from elsewhere.
#[derive(Default)]
struct Fetched {
    /// The dialect of the bundle that it is compared with.
    like: Option<Form>,
    charts: Option<Vendored>,
    supplied: Supplied,
}

/// Fetches what a plan lacks and a person wants in it; whether that is something.
fn fetch(args: &Args, plan: &BundlePlan, fetched: &mut Fetched, global: &Global) -> Result<bool, Stop> {
    let (registry, access) = (&args.registry, args.registry.access());
    let lacking: Vec<Placeholder> = plan.bundle.placeholders().into_iter().cloned().collect();
    let mut manifests = ops::artifact::given(&lacking, &registry.manifests)?;
    let wanted: Vec<Placeholder> =
        lacking.into_iter().filter(|placeholder| !manifests.contains_key(&placeholder.path)).collect();
    if registry.fetch_manifests && !wanted.is_empty() {
        manifests.extend(cluster::block_on(global, ops::artifact::manifests(&wanted, access))?);
    }
    if registry.vendor_charts {
        let charts = ops::artifact::charts(ops::bundle::wanted(plan), access);
        fetched.charts = Some(cluster::block_on(global, charts)?);
    }
    fetched.supplied.manifests = manifests;
    Ok(fetched.charts.is_some() || !fetched.supplied.manifests.is_empty())
}

/// Everything that is set over the recipe, with the files of --set-file read.
fn flags(args: &Args) -> Result<Flags, Failure> {
    let ValueArgs { set, set_json, set_file, dynamic } = &args.values;
    let mut overrides = set.clone();
    for text in set_file {
        overrides.push(from_file(text)?);
    }
    overrides.extend(set_json.iter().cloned());
    let scheduling = &args.scheduling;
    let map = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    Ok(Flags {
        overrides,
        dynamic: dynamic.clone(),
        scheduling: Scheduling {
            system: Nodes {
                selector: map(&scheduling.system_node_selector),
                tolerations: scheduling.system_node_toleration.clone(),
            },
            accelerated: Nodes {
                selector: map(&scheduling.accelerated_node_selector),
                tolerations: scheduling.accelerated_node_toleration.clone(),
            },
            workload_gate: scheduling.workload_gate.clone(),
            workload_selector: map(&scheduling.workload_selector),
            nodes: nodes(args)?,
            storage_class: scheduling.storage_class.clone(),
            shared_storage_class: scheduling.shared_storage_class.clone(),
            dra_eviction_node_label: scheduling.dra_eviction_node_label.clone(),
        },
    })
}

fn options(args: &Args, flags: &Flags, published: Option<Published>, fetched: &Fetched) -> Result<Options, Failure> {
    let (chosen, like) = match (args.deployer, fetched.like) {
        (Some(typed), _) => (typed, None),
        (None, Some(form)) => form,
        (None, None) => (deployer::ALL[0], None),
    };
    let argo = deployer::settings(flags, chosen).map_err(ops::bundle::unsuited)?;
    let dialect = &args.dialect;
    let settings = Settings {
        repo: dialect.repo.clone(),
        app_name: dialect.app_name.clone(),
        flux_namespace: dialect.flux_namespace.clone(),
        flux_oci_source: dialect.flux_oci_source_name.clone(),
        argo,
        fleet_mode: dialect.fleet_mode.or(like),
        terraform: deployer::Terraform {
            child_module: dialect.terraform_child_module,
            cluster_rollover: dialect.terraform_cluster_rollover,
        },
        published,
    };
    Ok(Options {
        flags: flags.clone(),
        deployer: deployer::formed(chosen, &settings),
        settings,
        serial: args.serial,
        readiness_hooks: dialect.readiness_hooks,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        vendored: fetched.charts.clone(),
        supplied: fetched.supplied.clone(),
    })
}

/// `--nodes`, which is a criterion too where a recipe is resolved.
fn nodes(args: &Args) -> Result<u64, Failure> {
    let stated = args.criteria.stated().iter().find(|(dimension, _)| *dimension == Dimension::Nodes);
    let Some((_, text)) = stated else { return Ok(0) };
    text.trim()
        .parse()
        .map_err(|_| misuse("read --nodes", &format!("`{text}` is not a number of nodes"), "write a number"))
}

/// Bytes of a file for `--set-file`.
const VALUE_FILE: usize = 1 << 20;

fn from_file(text: &str) -> Result<Override, Failure> {
    let refused = |error: FlagError| Failure::from_error(Kind::Usage, "read --set-file", error);
    let (_, _, file) = Override::file(text).map_err(refused)?;
    let content = place::read_local(&place::Place::File(file.clone().into()), "value")?;
    if content.len() > VALUE_FILE {
        return Err(misuse("read --set-file", "the file has more than 1 MiB", "set single values with --set").at(file));
    }
    // YAML reads it as null, and null takes a key away.
    let is_blank = |line: &str| matches!(line.trim(), "" | "---" | "...") || line.trim_start().starts_with('#');
    if content.lines().all(is_blank) {
        return Err(misuse("read --set-file", "the file is empty", "write a value; `null` takes the key away").at(file));
    }
    let value = yaml::parse(&content).map_err(|error| {
        Failure::from_error(Kind::Usage, "read --set-file", error.clone()).at(format!("{file}:{}", error.at))
    })?;
    Override::set_file(text, value.to_value()).map_err(refused)
}

impl LackingArgs {
    /// Says why not.
    fn refuse(&self) -> Result<(), Failure> {
        let LackingArgs { attest, certificate_identity_regexp, identity_token, oidc_device_flow, fulcio_url, .. } =
            self;
        let LackingArgs { rekor_url, signing_config, signing_key, tlog_upload, yes, .. } = self;
        let signing = (
            "signing bundles is not available yet",
            "sign checksums.txt with cosign, or use the reference's aicr --attest",
        );
        let split = (
            "the form of split.yaml, which says what is core and what is operations, is not public",
            "make two bundles, and leave the components of the other one out with --set COMPONENT:enabled=false",
        );
        let given = [
            ("--split", self.split, split),
            ("--attest", *attest, signing),
            ("--certificate-identity-regexp", certificate_identity_regexp.is_some(), signing),
            ("--identity-token", identity_token.is_some(), signing),
            ("--oidc-device-flow", *oidc_device_flow, signing),
            ("--fulcio-url", fulcio_url.is_some(), signing),
            ("--rekor-url", rekor_url.is_some(), signing),
            ("--signing-config", signing_config.is_some(), signing),
            ("--signing-key", signing_key.is_some(), signing),
            ("--tlog-upload", tlog_upload.is_some(), signing),
            ("--yes", *yes, signing),
        ];
        match given.into_iter().find(|(_, is_given, _)| *is_given) {
            None => Ok(()),
            Some((flag, _, (because, hint))) => Err(misuse(&format!("honor {flag}"), because, hint)),
        }
    }
}

/// The plan for reading: levels, releases, values with their reasons, files.
fn shown(plan: &BundlePlan) -> String {
    let bundle = &plan.bundle;
    let order: Vec<[String; 6]> = bundle
        .releases
        .iter()
        .map(|release| {
            let needs: Vec<&str> = release.needs.iter().map(|need| &*bundle.releases[*need].name).collect();
            let (chart, version) = match release.chart.upstream() {
                Some((name, _, version)) => (name.to_owned(), version.to_owned()),
                None => (release.chart.to_string(), "in the bundle".to_owned()),
            };
            [
                release.level.to_string(),
                release.name.clone(),
                chart,
                version,
                release.namespace.clone(),
                needs.join(", "),
            ]
        })
        .collect();
    let mut text = table::render(["LEVEL", "RELEASE", "CHART", "VERSION", "NAMESPACE", "BEHIND"], &order);
    let added: Vec<[String; 4]> = bundle
        .components
        .iter()
        .flat_map(|component| {
            component.values.added.iter().map(|Added { path, value, rule }| {
                [component.used.name.clone(), flags::path_text(path), value.to_string(), rule.why().to_owned()]
            })
        })
        .collect();
    text += &format!("\n{}", table::render(["COMPONENT", "VALUE OVER THE RECIPE", "IS", "BECAUSE"], &added));
    let files: Vec<[String; 2]> =
        plan.files.iter().map(|file| [text::thousands(file.bytes.len()), file.path.clone()]).collect();
    text += &format!("\n{}", table::render(["BYTES", "FILE"], &files));
    for note in bundle.notes.iter().filter(|note| !note.is_warning()) {
        text += &format!("\nnote: {}", escape::line(&note.to_string()));
    }
    text
}

/// The plan for programs.
fn as_value(plan: &BundlePlan) -> Value {
    let bundle = &plan.bundle;
    let releases = bundle.releases.iter().map(|release| {
        let chart = release
            .chart
            .upstream()
            .map(|(name, url, version)| json!({"name": name, "repository": url, "version": version}));
        json!({
            "name": release.name,
            "component": bundle.component(release).used.name,
            "namespace": release.namespace,
            "level": release.level,
            "needs": release.needs.iter().map(|need| bundle.releases[*need].name.clone()).collect::<Vec<_>>(),
            "chart": chart,
            "path": bundle.options.deployer.folder(release),
            "timeoutSeconds": release.timeout(),
            "awaited": release.is_awaited(),
            "values": *release.values,
            "dynamicValues": *release.dynamic,
        })
    });
    let added = bundle.components.iter().map(|component| {
        let steps = component.values.added.iter().map(|added| {
            json!({"path": flags::path_text(&added.path), "value": added.value, "rule": added.rule, "because": added.rule.why()})
        });
        (component.used.name.clone(), steps.collect::<Vec<_>>())
    });
    json!({
        "deployer": Deployer::name(bundle.options.deployer),
        "entrypoint": bundle.options.deployer.entrypoint(),
        "releases": releases.collect::<Vec<_>>(),
        "added": added.collect::<BTreeMap<_, _>>(),
        "files": plan.files.iter().map(|file| json!({
            "path": file.path, "bytes": file.bytes.len(), "mode": format!("{:04o}", file.mode),
            "sha256": crate::bundle::checksum::digest(&file.bytes),
        })).collect::<Vec<_>>(),
        "notes": bundle.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
