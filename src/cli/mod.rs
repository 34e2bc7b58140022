//! The command line: parse, call one op, render. (cli)
