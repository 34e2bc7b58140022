//! What a recipe is asked for: flags shared by `recipe`, `query`, `explain` and `catalog list`.

use super::{Printer, cluster, global::Global, input};
use crate::{
    catalog::Catalog,
    constraint::Verdict,
    criteria::{Dimension, ProfileChoice, Query, Setting, StatedBy, normalize_july},
    diff::lost::Lost,
    document::traced::LayerKind,
    fingerprint::{self, Fingerprint},
    inventory::Inventory,
    ops,
    ops::{Failure, Kind},
    ops::{recipe::Resolved, upgrade::installed::Live},
    recipe::{Accounting, Configuration, Gke, RuntimeInventory, Slurm, configuration},
    resolve::{self, CoverageRule, LeftOut, Options, Relaxed, Resolution},
    settings::{INTERFACES_FLAG as TCPXO, INVENTORY_FLAG as INVENTORY, SLURM_FLAG as SLURM},
    snapshot,
};
use clap::{Arg, ArgAction, ArgMatches, Command};

/// The six dimensions as typed; one flag for each of [`Dimension::ALL`].
#[derive(Clone, Debug, Default)]
pub struct CriteriaArgs {
    /// In the order of the dimensions.
    stated: Vec<(Dimension, String)>,
    profile: Option<ProfileChoice>,
    slurm_mode: Option<String>,
    inventory_mode: Option<String>,
    interfaces: Option<Vec<String>>,
    /// Those that a configuration states.
    configured: Vec<Dimension>,
    criteria_strict: bool,
}

/// Names of the flags that are not dimensions.
const STRICT: &str = "criteria-strict";
const PROFILE: &str = "profile";

/// The flags of typed settings.
fn settings() -> [Arg; 3] {
    let flag = |name: &'static str| Arg::new(name).long(name).help_heading("Criteria");
    [
        flag(SLURM)
            .value_name("MODE")
            .value_parser(configuration::SLURM_MODES)
            .ignore_case(true)
            .help("Who brings the database of Slurm's accounting; without it there is none"),
        flag(INVENTORY)
            .value_name("MODE")
            .value_parser(configuration::INVENTORY_MODES)
            .help("Whether the inventory of what runs is deployed; else as the recipe has it"),
        flag(TCPXO)
            .value_name("ethN=NETWORK")
            .value_delimiter(',')
            .help("The eight GPU networks of a GKE machine: eth1=NETWORK,…,eth8=NETWORK"),
    ]
}

/// What the flag of a dimension is for.
fn help(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Service => "The Kubernetes service: eks, gke, aks, oke, kind, …",
        Dimension::Accelerator => "The GPU: h100, gb200, a100, …",
        Dimension::Os => "The nodes' operating system: ubuntu, cos, ol, …",
        Dimension::Intent => "What the cluster is for: training, inference",
        Dimension::Platform => "What runs on top: kubeflow, slurm, dynamo, …",
        Dimension::Nodes => "How many nodes",
    }
}

fn flag(dimension: Dimension) -> Arg {
    let flag = Arg::new(dimension.name())
        .long(dimension.name())
        .help(help(dimension))
        .help_heading("Criteria")
        .value_name("NAME");
    match dimension {
        Dimension::Accelerator => flag.visible_alias("gpu"),
        Dimension::Nodes => flag.value_name("NUMBER").overrides_with(dimension.name()).allow_hyphen_values(true),
        _ => flag,
    }
}

/// The dimensions and a profile alone, for lists of overlays: typed settings belong to a recipe.
#[derive(Clone, Debug, Default)]
pub struct DimensionArgs(pub CriteriaArgs);

impl clap::Args for DimensionArgs {
    fn augment_args(command: Command) -> Command {
        let profile = |profile: Arg| profile.help("Only overlays whose recipes have a choice of this profile value");
        CriteriaArgs::without_settings(command).mut_arg(PROFILE, profile)
    }

    fn augment_args_for_update(command: Command) -> Command {
        DimensionArgs::augment_args(command)
    }
}

impl clap::FromArgMatches for DimensionArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<DimensionArgs, clap::Error> {
        Ok(DimensionArgs(CriteriaArgs::read(matches)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = DimensionArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

impl CriteriaArgs {
    fn without_settings(command: Command) -> Command {
        let strict = Arg::new(STRICT)
            .long(STRICT)
            .action(ArgAction::SetTrue)
            .env("AICR_CRITERIA_STRICT")
            .hide_env_values(true)
            .value_parser(clap::builder::FalseyValueParser::new())
            .help("Accept only values that the catalog itself knows, not those that --data adds")
            .help_heading("Criteria");
        let profile = Arg::new(PROFILE)
            .long(PROFILE)
            .value_name("NAME=VALUE")
            .value_parser(clap::value_parser!(ProfileChoice))
            .help("Which value of the profile that the overlays for these criteria declare; else its default")
            .help_heading("Criteria");
        command.args(Dimension::ALL.map(flag)).args([profile, strict])
    }

    /// Everything but the settings, whose flags a command may lack.
    fn read(matches: &ArgMatches) -> CriteriaArgs {
        let typed = |dimension: Dimension| Some((dimension, matches.get_one::<String>(dimension.name())?.clone()));
        let stated = Dimension::ALL.into_iter().filter_map(typed).collect();
        let profile = matches.get_one(PROFILE).cloned();
        // Only a configuration gives them a default.
        let is_default = |dimension: &Dimension| {
            matches.value_source(dimension.name()) == Some(clap::parser::ValueSource::DefaultValue)
        };
        let configured = Dimension::ALL.into_iter().filter(is_default).collect();
        let criteria_strict = matches.get_flag(STRICT);
        CriteriaArgs { stated, profile, configured, criteria_strict, ..CriteriaArgs::default() }
    }
}

impl clap::Args for CriteriaArgs {
    fn augment_args(command: Command) -> Command {
        CriteriaArgs::without_settings(command).args(settings())
    }

    fn augment_args_for_update(command: Command) -> Command {
        CriteriaArgs::augment_args(command)
    }
}

impl clap::FromArgMatches for CriteriaArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<CriteriaArgs, clap::Error> {
        let mode = |name: &str| matches.get_one::<String>(name).cloned();
        Ok(CriteriaArgs {
            slurm_mode: mode(SLURM),
            inventory_mode: mode(INVENTORY),
            interfaces: matches.get_many(TCPXO).map(|texts| texts.cloned().collect()),
            ..CriteriaArgs::read(matches)
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = CriteriaArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Everything that decides a recipe.
#[derive(Clone, Debug, clap::Args)]
pub struct QueryArgs {
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// A snapshot whose cluster the recipe is for; criteria given with it win (a file,
    /// `-` for standard input, cm://NAMESPACE/NAME or a URL).
    #[arg(short, long, value_name = "PLACE")]
    snapshot: Option<String>,
    /// Fail where no overlay honors a criterion, even one that only the snapshot states.
    #[arg(long, conflicts_with = "lenient")]
    strict: bool,
    /// A value to set over the recipe, as a what-if (repeatable).
    #[arg(long = "set", value_name = "COMPONENT:PATH=VALUE")]
    settings: Vec<Setting>,
    /// Resolve even where no overlay honors a stated criterion, or the snapshot does not confirm the profile, with a
    /// warning.
    #[arg(long)]
    lenient: bool,
    /// Answer as the reference's release of July 2026 does where today's answers differ: criteria that no overlay honors
    /// change nothing, `self-managed` is `any`, an overlay that a snapshot excludes takes its whole chain along.
    #[arg(long)]
    compat: bool,
    /// Keep namespaces, charts, manifests and, where they are known, names of objects of what is installed: a recipe, a
    /// folder with a bundle, or the word `cluster` (a folder of that name is ./cluster). Versions and values are new.
    #[arg(long, value_name = "PLACE", conflicts_with = "compat")]
    inherit_from: Option<String>,
}

impl CriteriaArgs {
    /// One stated value, the rest open.
    pub fn of(dimension: Dimension, value: &str) -> CriteriaArgs {
        CriteriaArgs { stated: vec![(dimension, value.to_owned())], ..CriteriaArgs::default() }
    }

    /// The criteria, over those that a snapshot states.
    ///
    /// # Errors
    /// A value that the catalog does not know, with near matches.
    pub fn query(&self, catalog: &Catalog, snapshot: Option<&Inventory>) -> Result<Query, Failure> {
        self.over(catalog, &snapshot.map(fingerprint::of).unwrap_or_default())
    }

    /// The criteria, over those that a fingerprint states.
    ///
    /// # Errors
    /// As [`CriteriaArgs::query`].
    fn over(&self, catalog: &Catalog, found: &Fingerprint) -> Result<Query, Failure> {
        self.on(catalog, Query::of(found.criteria(), StatedBy::Snapshot))
    }

    /// The criteria, over those that are stated already.
    ///
    /// # Errors
    /// As [`CriteriaArgs::query`].
    pub(super) fn on(&self, catalog: &Catalog, start: Query) -> Result<Query, Failure> {
        let mut query = ops::recipe::criteria(catalog, start, &self.stated, self.criteria_strict)?;
        query.choose(self.profile.clone());
        query.configure(self.configuration()?);
        for dimension in &self.configured {
            if let Some(stated) = query.get(*dimension) {
                let value = stated.value.into_owned();
                query.state(*dimension, Some(value), StatedBy::Configuration);
            }
        }
        Ok(query)
    }

    /// The typed settings.
    ///
    /// # Errors
    /// Interfaces that no machine has.
    fn configuration(&self) -> Result<Configuration, Failure> {
        let interfaces = self.interfaces.as_ref().map(|texts| {
            configuration::interfaces(texts.iter().map(String::as_str)).map_err(|error| {
                let hint = error.hint();
                let failure = Failure::from_error(Kind::Usage, format!("read --{TCPXO}"), error);
                Failure { hint, ..failure }
            })
        });
        let slurm = |mode: &String| Slurm { accounting: Accounting { mode: mode.clone() } };
        Ok(Configuration {
            slurm: self.slurm_mode.as_ref().map(slurm),
            runtime_inventory: self.inventory_mode.clone().map(|mode| RuntimeInventory { mode }),
            gke: interfaces.transpose()?.map(|tcpxo_interfaces| Gke { tcpxo_interfaces }),
        })
    }

    /// The same, with values that meant `any` in July 2026 as `any`.
    fn of_july(&self) -> CriteriaArgs {
        let any = |(dimension, text): &(Dimension, String)| {
            let read = normalize_july(*dimension, text);
            (*dimension, read.map_or_else(|| "any".to_owned(), |_| text.clone()))
        };
        CriteriaArgs { stated: self.stated.iter().map(any).collect(), ..self.clone() }
    }

    /// Whether nothing was stated, chosen or decided.
    pub fn is_empty(&self) -> bool {
        let CriteriaArgs { stated, profile, slurm_mode, inventory_mode, interfaces, .. } = self;
        stated.is_empty()
            && profile.is_none()
            && slurm_mode.is_none()
            && inventory_mode.is_none()
            && interfaces.is_none()
    }

    /// What was stated, in the order of the dimensions.
    pub fn stated(&self) -> &[(Dimension, String)] {
        &self.stated
    }
}

impl CriteriaArgs {
    /// Resolves these criteria, over those of a snapshot, and warns of what the recipe does not honor.
    ///
    /// # Errors
    /// As [`QueryArgs::resolve`].
    pub fn resolve(&self, snapshot: Option<&str>, global: &Global, printer: &Printer) -> Result<Resolution, Failure> {
        let query = QueryArgs {
            criteria: self.clone(),
            snapshot: snapshot.map(str::to_owned),
            strict: false,
            settings: Vec::new(),
            lenient: false,
            compat: false,
            inherit_from: None,
        };
        query.resolve(global, printer)
    }
}

impl QueryArgs {
    /// Resolves what these arguments ask for and warns of what the recipe does not honor.
    ///
    /// # Errors
    /// Snapshot, catalog or criteria that cannot be read; why there is no recipe.
    pub fn resolve(&self, global: &Global, printer: &Printer) -> Result<Resolution, Failure> {
        let snapshot = self.snapshot.as_deref().map(|source| input::snapshot(source, global)).transpose()?;
        let catalog = global.catalog()?;
        printer.debug(|| format!("read the catalog: {} files", catalog.files.len()));
        let of = |snapshot: &Inventory| match self.compat {
            true => fingerprint::of_reference(snapshot, &snapshot::record(snapshot)),
            false => fingerprint::of(snapshot),
        };
        let found = snapshot.as_ref().map(of).unwrap_or_default();
        let criteria = if self.compat { &self.criteria.of_july() } else { &self.criteria };
        let mut query = criteria.over(&catalog, &found)?;
        query.set(self.settings.iter().cloned());
        if snapshot.as_ref().is_some_and(|snapshot| snapshot::record(snapshot).measurements.is_empty()) {
            printer.warn("the snapshot has no measurements, so it cannot describe a cluster");
        }
        // What a person stated stands, whatever the nodes say.
        let stated = |dimension| self.criteria.stated().iter().any(|(known, _)| *known == dimension);
        for (_, dropped) in found.drops().iter().filter(|(dimension, _)| !stated(*dimension)) {
            printer.warn(dropped);
        }
        let rule = match (self.strict, self.lenient) {
            (true, _) => CoverageRule::Strict,
            (_, true) => CoverageRule::Lenient,
            _ => CoverageRule::Enforced,
        };
        let options = Options { compat: self.compat, rule };
        let mut resolved = ops::recipe::resolve(&catalog, &query, snapshot.as_ref(), options)?;
        if let Some(place) = &self.inherit_from {
            inherit(place, &catalog, &mut resolved, (global, printer))?;
        }
        printer.debug(|| format!("resolved {}", query.criteria()));
        // A person may plan for nodes that are yet to come.
        for contradiction in found.contradictions(query.criteria()) {
            printer.warn(contradiction);
        }
        warn(&resolved, printer);
        let mut resolution = resolved.resolution;
        if let Some(applied) = global.applied() {
            applied.stamp(&mut resolution.recipe);
        }
        Ok(resolution)
    }
}

/// Keeps what identifies the objects of an earlier installation.
fn inherit(
    place: &str,
    catalog: &Catalog,
    resolved: &mut Resolved,
    (global, printer): (&Global, &Printer),
) -> Result<(), Failure> {
    let found = if place == "cluster" {
        cluster::block_on(global, async {
            let connection = cluster::connect(global).await?;
            let inventory = ops::snapshot::take(&connection, &cluster::now()).await?;
            let live = Live { connection: Some(&connection), name: &connection.context, inventory: &inventory };
            ops::inherit::from_cluster(catalog, live, resolved).await
        })?
    } else {
        ops::inherit::from_place(catalog, place, resolved)?
    };
    if let Some(why) = &found.unknown {
        printer.warn(format!("names of objects stay those of the new recipe: {why}"));
    }
    ops::inherit::keep(resolved, &found);
    Ok(())
}

/// That no overlay of a recipe is for `what`, and whether there would have been one.
fn not_honored(what: &str, excluded: &[LeftOut]) -> String {
    let excluded: Vec<&str> = excluded.iter().map(|left_out| left_out.overlay.as_str()).collect();
    match &*excluded {
        [] => format!("no overlay honors {what}"),
        excluded => format!("{what} is honored only by overlays that were left out ({})", excluded.join(", ")),
    }
}

/// What a person who trusts the recipe must not overlook.
fn warn(Resolved { resolution, lost }: &Resolved, printer: &Printer) {
    for Relaxed { dimension, value, excluded } in &resolution.relaxed {
        let name = dimension.name();
        let honored = not_honored(&format!("{name}={value} of the snapshot"), excluded);
        printer.warn(format!("{honored}, so the recipe is for any {name}"));
    }
    for entry in resolution.coverage.iter().filter(|entry| entry.is_missing()) {
        let nearest = match &*entry.nearest {
            _ if !entry.excluded.is_empty() => String::new(),
            [] => String::new(),
            nearest => format!("; nearest that are supported: {}", nearest.join("; ")),
        };
        let (name, value) = (entry.dimension.name(), &entry.value);
        let honored = not_honored(&format!("{name}={value}"), &entry.excluded);
        printer.warn(format!("{honored}, so it changes nothing{nearest}"));
    }
    for judged in resolution.constraints.iter().filter(|judged| !matches!(judged.verdict, Verdict::Pass { .. })) {
        let layer = resolution.layers.get(judged.layer).filter(|layer| layer.kind == LayerKind::Profile);
        if let Some(layer) = layer {
            let actual = judged.verdict.actual().unwrap_or("nothing");
            let (name, expected) = (&judged.name, &judged.expected);
            printer.warn(format!("profile {}: {name} must be {expected}, found {actual}", layer.name));
        }
    }
    if let Some(note) = resolution.driver {
        printer.warn(note);
    }
    if resolve::configuration::lacks_interfaces(&resolution.recipe) {
        printer.warn(format!("the recipe lacks the networks of its machines, which --{TCPXO} gives"));
    }
    for excluded in &resolution.recipe.excluded_overlays {
        printer.warn(format!("the overlay `{}` was left out: {}", excluded.name, excluded.reason));
    }
    for warning in &resolution.recipe.constraint_warnings {
        let actual = warning.actual.as_deref().unwrap_or("nothing");
        let (name, expected) = (&warning.constraint, &warning.expected);
        // The reason ends with the nodes, where the constraint is one on nodes.
        let found = format!("expected {}, got {actual}", expected.trim());
        let nodes = warning.reason.split_once(&found).map_or("", |(_, nodes)| nodes);
        printer.warn(format!("overlay `{}`: {name} must be {expected}, found {actual}{nodes}", warning.overlay));
    }
    if !lost.is_empty() {
        let components: Vec<&str> = lost.iter().filter_map(Lost::component).collect();
        let values = lost.len() - components.len();
        let without = if components.is_empty() { String::new() } else { format!("{} and ", components.join(", ")) };
        printer.warn(format!("without them the recipe lacks {without}{values} values, listed under `aicr.lost`"));
    }
}
