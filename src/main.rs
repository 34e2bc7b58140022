//! Hooks, argument parsing, exit code; nothing else.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "arguments of the process begin here")]
fn main() -> ExitCode {
    // Only panics reach these hooks: failures that a person can cause are `ops::Failure` and printed by the CLI itself.
    if let Err(error) = color_eyre::install() {
        eprintln!("warning: failed to install the panic report: {error}");
    }
    aicr::cli::main(std::env::args_os())
}
