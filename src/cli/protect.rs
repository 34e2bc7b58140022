//! Contexts that the preferences protect: a person types the name, or the command line has it.

use super::{Printer, cluster, global::Global};
use crate::{
    ops::{Failure, Kind, place::Place},
    report::escape,
    workbench::preferences::{PROTECT, file, protect::Protected},
};
use std::{
    cell::Cell,
    io::{self, IsTerminal},
};

/// `--yes=CONTEXT` of the verbs that ask for nothing else before they change a cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct YesArg {
    /// The name of the context, where it is protected (`protect` in the preferences) and there is no terminal to type it at.
    #[arg(long, value_name = "CONTEXT", require_equals = true)]
    yes: Option<String>,
    /// It was asked for in this command, and is not asked for again.
    #[arg(skip)]
    is_allowed: Cell<bool>,
}

impl YesArg {
    /// As [`allow`], once for a command.
    ///
    /// # Errors
    /// As [`allow`].
    pub fn allow(&self, context: &str, doing: &str, printer: &Printer) -> Result<(), Failure> {
        if !self.is_allowed.get() {
            allow(context, self.yes.as_deref(), doing, printer)?;
            self.is_allowed.set(true);
        }
        Ok(())
    }

    /// The same where something is written: a ConfigMap is an object of the cluster, a file is not.
    ///
    /// # Errors
    /// As [`allow`]; there is no connection.
    pub async fn writes(&self, place: &Place, (global, printer): (&Global, &Printer)) -> Result<(), Failure> {
        let Place::ConfigMap { .. } = place else { return Ok(()) };
        let connection = cluster::connect(global).await?;
        self.allow(&connection.context, &format!("write {place}"), printer)
    }
}

/// Nothing where the context is not protected, or its name was given; else it is asked for at the terminal. Whether it was
/// protected.
///
/// # Errors
/// It was not given, or there is no terminal to ask at; another name was given, whether it is protected or not; what is
/// protected is not known, because the preferences cannot be read.
pub fn allow(context: &str, given: Option<&str>, doing: &str, printer: &Printer) -> Result<bool, Failure> {
    let shown = escape::line(context).into_owned();
    let refused = |because: String| {
        let hint = format!("add --yes={shown} to confirm, or type the name at a terminal");
        Failure::new(Kind::Usage, doing, because).at(shown.clone()).hint(hint)
    };
    match given.filter(|name| !name.is_empty()) {
        Some(name) if name == context => return Ok(true),
        Some(name) => return Err(refused(format!("--yes names `{}`, another context", escape::line(name)))),
        None => {}
    }
    let preferences = file::read();
    if let Some(problem) = preferences.problems.iter().find(|problem| problem.is_with(&PROTECT)) {
        let because = format!("which contexts are protected is not known: {}", escape::line(&problem.to_string()));
        let hint = format!("correct the preferences, or add --yes={shown} to confirm");
        return Err(Failure::new(Kind::Usage, doing, because).at(shown).hint(hint));
    }
    if !Protected::of(preferences.text(&PROTECT)).holds(context) {
        return Ok(false);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused("the context is protected, and there is no terminal to type its name at".to_owned()));
    }
    printer.note(format!("{shown} is protected; type its name to {doing}:"));
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.map_err(|error| Failure::from_error(Kind::Usage, "read the answer", error))?;
    match answer.trim() == context {
        true => Ok(true),
        false => Err(refused("the context is protected, and another name was typed".to_owned())),
    }
}
