//! Hooks, argument parsing, exit code; nothing else.

fn main() {}
