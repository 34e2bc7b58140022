//! `aicr undeploy`: removes what `aicr deploy` or `deploy.sh` installed from a bundle.

use super::{
    Outcome, Printer,
    deploy::{self, Common},
    global::Global,
};
use crate::{
    deploy::{event::Way, machine::Options},
    ops::deploy::Wish,
};

/// Uninstall the releases of a bundle in the opposite order, and remove the namespaces that deploying it has made.
///
/// CRDs that charts bring in a folder of their own stay, with their objects: Helm never removes those. Exit codes: 0 removed,
/// 1 something is left, 130 interrupted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  aicr undeploy bundle --dry-run\n  aicr undeploy bundle --yes")]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Leave the namespaces that deploying has made.
    #[arg(long)]
    keep_namespaces: bool,
    /// Delete the volume claims in those namespaces too, with their data, where no other release is left.
    #[arg(long)]
    delete_pvcs: bool,
    /// Do not look for objects that nothing would finish once their operator is gone.
    #[arg(long)]
    skip_preflight: bool,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    let options = Options { way: Way::Remove, ..Options::default() };
    let wish = Wish {
        keep_namespaces: args.keep_namespaces,
        delete_pvcs: args.delete_pvcs,
        skip_preflight: args.skip_preflight,
        ..args.common.wish(options)
    };
    deploy::start(&args.common, wish, global, printer)
}
