//! Starts the command line; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    aicr::cli::main(std::env::args_os())
}
