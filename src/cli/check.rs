//! `aicr check`: one check, as the container of a validation Job runs it.

use super::{Outcome, Printer, Stop, cluster, exit::Exit, global::Global};
use crate::{ops, validate::checks::Probe};

/// Run one check inside the cluster; validation Jobs do this.
///
/// Reads AICR_VALIDATION_PATH, prints evidence, writes /dev/termination-log. Exit codes are those of the container
/// contract: 0 passed, 1 failed, 2 skipped, anything else no verdict.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The check's name, for example dra-support.
    #[arg(value_name = "NAME", required_unless_present_any = ["probe", "node"])]
    name: Option<String>,

    /// What a pod that a check created does: devices=COUNT, hold=SECONDS.
    #[arg(long, value_name = "PROBE", hide = true, conflicts_with = "name")]
    probe: Option<Probe>,

    /// Print what the node says that this pod runs on; the Jobs of `aicr snapshot --agent` do this.
    #[arg(long, hide = true, conflicts_with_all = ["name", "probe"])]
    node: bool,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if args.node {
        let lines: String = ops::agent::in_pod().into_iter().map(|line| line + "\n").collect();
        return printer.data(&lines).map(|()| Exit::Good);
    }
    let checked: Result<(i32, Result<(), Stop>), Stop> = cluster::block_on(global, async {
        let mut said = Ok(());
        let say = |line: String| {
            if said.is_ok() {
                said = printer.data(&format!("{line}\n"));
            }
        };
        let code = match args.probe {
            Some(probe) => ops::check::probe_in_pod(probe, say).await,
            None => ops::check::in_pod(&global.target()?, args.name.as_deref().unwrap_or_default(), say).await?,
        };
        Ok((code, said))
    });
    match checked {
        Ok((code, said)) => {
            said?;
            Ok(match code {
                0 => Exit::Good,
                1 => Exit::Verdict,
                // The contract's "skipped" has the number that elsewhere means bad usage.
                2 => Exit::Usage,
                _ => Exit::Internal,
            })
        }
        // No failure of ours may look like a skipped or failed check.
        Err(Stop::Failed(failure)) => {
            printer.failure(&failure);
            Ok(Exit::Internal)
        }
        Err(stop) => Err(stop),
    }
}
