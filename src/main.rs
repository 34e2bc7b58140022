//! Starts the command line; nothing else.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "arguments of the process begin here")]
fn main() -> ExitCode {
    aicr::cli::main(std::env::args_os())
}
