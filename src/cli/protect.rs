//! Contexts that the preferences protect: a person types the name, or the command line has it.

use super::Printer;
use crate::{
    ops::{Failure, Kind},
    report::escape,
    workbench::preferences::{PROTECT, file, protect::Protected},
};
use std::io::{self, IsTerminal};

/// Whether a context is protected.
pub fn is_protected(context: &str) -> bool {
    Protected::of(file::read().text(&PROTECT)).holds(context)
}

/// Nothing where the context is not protected, or its name was given; else it is asked for at the terminal.
///
/// # Errors
/// It was not given, or another one was, or there is no terminal to ask at.
pub fn allow(context: &str, given: Option<&str>, doing: &str, printer: &Printer) -> Result<(), Failure> {
    if !is_protected(context) {
        return Ok(());
    }
    let shown = escape::line(context).into_owned();
    let refused = |because: String| {
        let hint = format!("add --yes={shown} where that is meant, or type the name at a terminal");
        Failure::new(Kind::Usage, doing, because).at(shown.clone()).hint(hint)
    };
    match given.filter(|name| !name.is_empty()) {
        Some(name) if name == context => return Ok(()),
        Some(name) => {
            return Err(refused(format!("the context is protected, and --yes names `{}`", escape::line(name))));
        }
        None => {}
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused("the context is protected, and there is no terminal to type its name at".to_owned()));
    }
    printer.note(format!("{shown} is protected; type its name to {doing}:"));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::from_error(Kind::Usage, "read the answer", error))?;
    match answer.trim() == context {
        true => Ok(()),
        false => Err(refused("the context is protected, and another name was typed".to_owned())),
    }
}
