//! Options of every verb: which cluster, which catalog, how to speak.

use super::{cluster::Cluster, output};
use crate::{
    catalog::Catalog,
    cluster,
    ops::{self, Failure, Kind, config::Applied, connect::Target, demo::DemoOptions, fault::Fault, place::Place},
    store::{catalog_dir::Sources, folders, log},
    term::color::When,
    workbench::preferences::file,
};
use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use std::{path::PathBuf, sync::Arc};

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct Global {
    /// Use the embedded demo cluster instead of a real one.
    #[arg(long, global = true)]
    pub demo: bool,

    /// Something to go wrong in the demo cluster (repeatable): unschedulable=CHECK, image-pull=CHECK,
    /// check-fails=CHECK, slow=MILLIS, dropped-watch=EVENTS, forbidden=VERB:RESOURCE.
    #[arg(long = "fault", global = true, value_name = "FAULT")]
    pub faults: Vec<Fault>,

    /// A recording for the demo cluster to serve, as `kubectl get nodes,pods,… -A -o yaml` prints it: a file, a URL, or `-`
    /// for standard input.
    #[arg(long, global = true, value_name = "PLACE", value_parser = world())]
    pub world: Option<Place>,

    /// The kubeconfig file; else KUBECONFIG, ~/.kube/config or the pod's own account.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig; else its current one. The demo has demo and fleet (5,000 nodes).
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,

    /// A catalog folder to use instead of the embedded catalog.
    #[arg(long, global = true, env = "AICR_CATALOG", hide_env_values = true, value_name = "DIR",
          value_parser = clap::builder::NonEmptyStringValueParser::new().map(PathBuf::from))]
    pub catalog: Option<PathBuf>,

    /// A catalog folder to layer over the catalog (repeatable, later ones win).
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Vec<PathBuf>,

    /// Defaults for flags: a configuration (kind AICRConfig) from a file or URL; see `aicr config`.
    #[arg(long, global = true, value_name = "PLACE", value_parser = output::place)]
    pub config: Option<Place>,

    /// Refuse everything that would change a cluster.
    #[arg(long, global = true, env = "AICR_READ_ONLY", value_parser = clap::builder::FalseyValueParser::new(),
          hide_env_values = true)]
    pub read_only: bool,

    /// Never open the workbench, also on a terminal: without a verb, print help and exit 2 (with --demo, the tour).
    #[arg(long, global = true)]
    pub no_tui: bool,

    /// When to use color.
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN", value_parser = color())]
    pub color: When,

    /// Say on standard error what is done and how long it took.
    #[arg(long, global = true, env = "AICR_DEBUG", value_parser = clap::builder::FalseyValueParser::new(),
          hide_env_values = true)]
    pub debug: bool,

    /// What the log keeps (see `aicr paths`): off, error, warn, info, debug, trace, or aicr=debug,kube_client=info.
    #[arg(long, global = true, env = "AICR_LOG", hide_env_values = true, value_name = "FILTER")]
    pub log: Option<log::Filter>,

    /// Write the log as JSON lines.
    #[arg(long, global = true, env = "AICR_LOG_JSON", value_parser = clap::builder::FalseyValueParser::new(),
          hide_env_values = true)]
    pub log_json: bool,

    /// What all of the command share.
    #[arg(skip)]
    pub cluster: Cluster,

    /// What was taken from the configuration.
    #[arg(skip)]
    pub(super) applied: Option<Arc<Applied>>,
}

/// `--color` as a value of clap.
pub fn color() -> impl TypedValueParser<Value = When> {
    let words = When::WORDS.map(|(word, _, help)| PossibleValue::new(word).help(help));
    PossibleValuesParser::new(words).try_map(|word| word.parse::<When>())
}

/// `--world` as a value of clap.
fn world() -> impl TypedValueParser<Value = Place> {
    StringValueParser::new().try_map(|text| match output::place(&text)? {
        Place::ConfigMap { .. } => Err("a world is read from a file, a URL or standard input".to_owned()),
        place => Ok(place),
    })
}

impl Global {
    /// What forbids to change a cluster: the flag, its variable or the preference; `None` where nothing does.
    pub fn read_only_by(&self) -> Option<String> {
        if self.read_only {
            return Some("--read-only (AICR_READ_ONLY)".to_owned());
        }
        file::read().read_only_by()
    }

    /// The cluster that these options mean.
    ///
    /// # Errors
    /// The demo and a real cluster at once; faults without the demo.
    pub fn target(&self) -> Result<Target, Failure> {
        let contradiction =
            |because: &str, hint: &str| Err(Failure::new(Kind::Usage, "choose the cluster", because).hint(hint));
        if self.demo && self.kubeconfig.is_some() {
            let because = "--demo replaces the cluster, so --kubeconfig has no effect";
            return contradiction(because, "leave out one or the other");
        }
        let demo = match &self.context {
            None => Some(self.demo_options()),
            Some(context) => self.demo_options().in_context(context),
        };
        let Some(demo) = demo.or_else(|| (!self.demo).then(DemoOptions::default)) else {
            let because = "the demo cluster has the contexts demo and fleet only";
            return contradiction(because, "choose one of them, or leave out --demo");
        };
        if !self.demo && !self.faults.is_empty() {
            return contradiction("only the demo cluster has faults on request", "add --demo, or leave out --fault");
        }
        if !self.demo && self.world.is_some() {
            return contradiction("only the demo cluster serves a recording", "add --demo, or leave out --world");
        }
        if self.demo {
            return Ok(Target::Demo(demo));
        }
        let (kubeconfig, context) = (self.kubeconfig.clone(), self.context.clone());
        Ok(Target::Cluster(cluster::Target { kubeconfig, context, ..cluster::Target::default() }))
    }

    /// The demo cluster that these options mean.
    pub fn demo_options(&self) -> DemoOptions {
        DemoOptions { faults: self.faults.clone(), world: self.world.clone(), ..DemoOptions::default() }
    }

    /// Begins to log as these options say.
    pub fn start_log(&self) {
        let folder = folders::state().map(|folder| folder.path);
        log::start(log::Options { filter: self.log.clone().unwrap_or_default(), json: self.log_json, folder });
    }

    /// Whether values of criteria may be known that the embedded catalog does not have.
    pub fn has_own_catalog(&self) -> bool {
        self.catalog.is_some() || !self.data.is_empty()
    }

    /// The folders of the catalog that these options mean.
    pub fn sources(&self) -> Sources {
        Sources { catalog: self.catalog.clone(), data: self.data.clone() }
    }

    /// The catalog that these options mean.
    ///
    /// # Errors
    /// A folder or document that cannot be read.
    pub fn catalog(&self) -> Result<Arc<Catalog>, Failure> {
        ops::recipe::load_catalog(&self.sources())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        let context = Some("x".to_owned());
        assert!(Global { demo: true, context, ..Global::default() }.target().is_err());
        assert!(Global { world: Some(Place::File("x".into())), ..Global::default() }.target().is_err());
        assert!(Global { faults: vec![Fault::Slow { millis: 1 }], ..Global::default() }.target().is_err());
        assert!(Global { demo: true, ..Global::default() }.target().is_ok_and(|target| target.is_demo()));
    }
}
