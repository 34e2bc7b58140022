//! What a recipe is asked for: flags shared by `recipe`, `query`, `explain` and `catalog list`.

use super::{Printer, global::Global, input, misuse};
use crate::{
    catalog::Catalog,
    criteria::{Criteria, Dimension},
    fingerprint, ops,
    ops::Failure,
    resolve::{Coverage, Options, Resolution, lost::Lost},
};

/// The six dimensions as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Criteria")]
pub struct CriteriaArgs {
    /// The Kubernetes service: eks, gke, aks, oke, kind, …
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The GPU: h100, gb200, a100, …
    #[arg(long, visible_alias = "gpu", value_name = "NAME")]
    accelerator: Option<String>,
    /// The nodes' operating system: ubuntu, cos, ol, …
    #[arg(long, value_name = "NAME")]
    os: Option<String>,
    /// What the cluster is for: training, inference.
    #[arg(long, value_name = "NAME")]
    intent: Option<String>,
    /// What runs on top: kubeflow, slurm, dynamo, …
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,
    /// How many nodes.
    #[arg(long, value_name = "NUMBER", overrides_with = "nodes", allow_hyphen_values = true)]
    nodes: Option<String>,
    /// Accept only values that the embedded catalog knows, not those that --data adds.
    #[arg(long)]
    criteria_strict: bool,
}

/// Everything that decides a recipe.
#[derive(Clone, Debug, clap::Args)]
pub struct QueryArgs {
    #[command(flatten)]
    criteria: CriteriaArgs,
    /// A snapshot whose cluster the recipe is for; criteria given beside it win (a file,
    /// `-` for standard input, or cm://NAMESPACE/NAME).
    #[arg(short, long, value_name = "PLACE")]
    snapshot: Option<String>,
    /// Fail where no overlay honors a stated criterion.
    #[arg(long)]
    strict: bool,
    /// Answer as the reference does where we differ on purpose.
    #[arg(long)]
    compat: bool,
}

impl CriteriaArgs {
    /// One stated value, the rest open.
    pub fn of(dimension: Dimension, value: &str) -> CriteriaArgs {
        let value = Some(value.to_owned());
        let open = CriteriaArgs::default();
        match dimension {
            Dimension::Service => CriteriaArgs { service: value, ..open },
            Dimension::Accelerator => CriteriaArgs { accelerator: value, ..open },
            Dimension::Os => CriteriaArgs { os: value, ..open },
            Dimension::Intent => CriteriaArgs { intent: value, ..open },
            Dimension::Platform => CriteriaArgs { platform: value, ..open },
            Dimension::Nodes => CriteriaArgs { nodes: value, ..open },
        }
    }

    /// The criteria, over those of `start`.
    ///
    /// # Errors
    /// A value that nobody knows, with near matches.
    pub fn criteria(&self, catalog: &Catalog, start: Criteria) -> Result<Criteria, Failure> {
        ops::recipe::criteria(catalog, start, &self.stated(), self.criteria_strict)
    }

    /// What was stated, in the order of the dimensions.
    pub fn stated(&self) -> Vec<(Dimension, String)> {
        [
            (Dimension::Service, &self.service),
            (Dimension::Accelerator, &self.accelerator),
            (Dimension::Os, &self.os),
            (Dimension::Intent, &self.intent),
            (Dimension::Platform, &self.platform),
            (Dimension::Nodes, &self.nodes),
        ]
        .into_iter()
        .filter_map(|(dimension, text)| text.clone().map(|text| (dimension, text)))
        .collect()
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
        let start = snapshot.as_ref().map(|snapshot| fingerprint::of(snapshot).criteria()).unwrap_or_default();
        let criteria = self.criteria.criteria(&catalog, start)?;
        let options = Options { compat: self.compat, strict: self.strict };
        let resolution = ops::recipe::resolve(&catalog, &criteria, snapshot.as_ref(), options)?;
        printer.debug(|| format!("resolved {criteria}"));
        warn(&resolution, printer);
        Ok(resolution)
    }
}

/// Whether a text is criteria: words `NAME=VALUE` with the name of a dimension.
pub fn is_criteria(text: &str) -> bool {
    let named = |word: &str| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name == "gpu" || Dimension::ALL.iter().any(|dimension| dimension.name() == name))
    };
    text.split([',', ' ']).find(|word| !word.is_empty()).is_some_and(named)
}

/// Resolves criteria written as `service=kind,accelerator=a100`; blanks separate as well as commas do.
///
/// # Errors
/// A word that is no criterion; why there is no recipe.
pub fn resolve_text(catalog: &Catalog, text: &str) -> Result<Resolution, Failure> {
    let names = Dimension::ALL.map(Dimension::name).join(", ");
    let stated = text
        .split([',', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let known = word.split_once('=').and_then(|(name, value)| {
                let name = if name == "gpu" { "accelerator" } else { name };
                Some((Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)?, value.to_owned()))
            });
            known.ok_or_else(|| {
                let because = format!("`{word}` is no criterion");
                misuse("read the criteria", &because, &format!("write NAME=VALUE with one of {names}")).at(text)
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let criteria = ops::recipe::criteria(catalog, Criteria::default(), &stated, false)?;
    ops::recipe::resolve(catalog, &criteria, None, Options::default())
}

/// What a person who trusts the recipe must not overlook.
fn warn(resolution: &Resolution, printer: &Printer) {
    // Overlays hardly ever speak of the number of nodes, and every snapshot states it: not worth a word each time.
    let silent = |entry: &&Coverage| entry.honored_by.is_none() && entry.dimension != Dimension::Nodes;
    for entry in resolution.coverage.iter().filter(silent) {
        let nearest = match &*entry.completions {
            [] => String::new(),
            completions => format!("; nearest that are supported: {}", completions.join("; ")),
        };
        let (name, value) = (entry.dimension.name(), &entry.value);
        printer.warn(format!("no overlay honors {name}={value}, so it changes nothing{nearest}"));
    }
    for excluded in &resolution.recipe.excluded_overlays {
        printer.warn(format!("the overlay `{}` was left out: {}", excluded.name, excluded.reason));
    }
    for warning in &resolution.recipe.constraint_warnings {
        let actual = warning.actual.as_deref().unwrap_or("nothing");
        let (name, expected) = (&warning.constraint, &warning.expected);
        printer.warn(format!("overlay `{}`: {name} must be {expected}, found {actual}", warning.overlay));
    }
    if !resolution.lost.is_empty() {
        let components: Vec<&str> = resolution.lost.iter().filter_map(Lost::component).collect();
        let values = resolution.lost.len() - components.len();
        let without = if components.is_empty() { String::new() } else { format!("{} and ", components.join(", ")) };
        printer.warn(format!("without them the recipe lacks {without}{values} values, listed under `aicr.lost`"));
    }
}
