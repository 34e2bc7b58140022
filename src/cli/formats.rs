//! The formats in which a verb writes its result: a row each, chosen with `--format` or by the name of the file.
//!
//! A verb has one list of rows. The first is the default; help, completion and the check of `--format` come from it.

use super::{Printer, Stop, cluster, global::Global, output::deliver, protect::YesArg, table::Table};
use crate::{
    ops::{
        Failure, Kind,
        place::{self, Document, Place},
    },
    recipe::format::json_text,
    yaml,
};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use std::fmt;

/// A row of a list that `--format` chooses from.
pub trait Named: Sync + 'static {
    /// As a person writes it.
    fn name(&self) -> &'static str;

    /// For the help; empty where the name says it.
    fn about(&self) -> &'static str {
        ""
    }
}

/// One format of a result.
pub struct Format<T: ?Sized + 'static> {
    pub name: &'static str,
    pub about: &'static str,
    /// Of files in this format, without the dot.
    pub suffix: &'static str,
    /// Its text is escaped and colored by `text`; any other text is escaped where a terminal reads it.
    pub laid_out: bool,
    pub text: fn(&T, &Printer) -> Result<String, Failure>,
}

impl<T: ?Sized> Format<T> {
    /// A row for programs, or for people without colors.
    pub const fn plain(
        name: &'static str,
        about: &'static str,
        text: fn(&T, &Printer) -> Result<String, Failure>,
    ) -> Format<T> {
        Format { name, about, suffix: name, laid_out: false, text }
    }

    /// A row for people, escaped and colored.
    pub const fn laid_out(
        name: &'static str,
        about: &'static str,
        text: fn(&T, &Printer) -> Result<String, Failure>,
    ) -> Format<T> {
        Format { name, about, suffix: "txt", laid_out: true, text }
    }

    /// A row for spreadsheets: the cells of a table, uncut.
    pub const fn csv(text: fn(&T, &Printer) -> Result<String, Failure>) -> Format<T> {
        Format::plain("csv", "For spreadsheets", text)
    }

    /// How a ConfigMap holds it; none for a format that is not a document.
    pub fn stored(&self) -> Option<place::Format> {
        place::Format::ALL.into_iter().find(|format| format.name() == self.name)
    }

    /// Writes a result to standard output or, whole or not at all, to a file.
    ///
    /// # Errors
    /// The result has no such form; as [`deliver`].
    pub fn deliver(&self, result: &T, place: &Place, printer: &Printer) -> Result<(), Stop> {
        let text = (self.text)(result, printer)?;
        match place {
            Place::Standard if self.laid_out => printer.page(&text),
            place => deliver(printer, place, &text),
        }
    }

    /// Writes a result to any place; a ConfigMap is labeled with the `kind` of the result.
    ///
    /// # Errors
    /// As [`Format::deliver`]; a format that is not a document for a ConfigMap; as [`YesArg::writes`] and [`place::write`].
    pub async fn store(
        &self,
        result: &T,
        kind: &'static str,
        (place, yes): (&Place, &YesArg),
        (global, printer): (&Global, &Printer),
    ) -> Result<(), Stop> {
        let Place::ConfigMap { .. } = place else { return self.deliver(result, place, printer) };
        let stored = self.stored().ok_or_else(|| not_stored(self.name, &kind.to_lowercase(), place))?;
        yes.writes(place, (global, printer)).await?;
        let text = (self.text)(result, printer)?;
        let document = Document { kind, format: stored, text: &text, now: &cluster::now() };
        place::write(place, &document, cluster::session(global)?).await?;
        printer.note(format!("wrote {place}"));
        Ok(())
    }

    /// The same for verbs that need no cluster for anything else.
    ///
    /// # Errors
    /// As [`Format::store`].
    pub fn send(
        &self,
        result: &T,
        kind: &'static str,
        (place, yes): (&Place, &YesArg),
        (global, printer): (&Global, &Printer),
    ) -> Result<(), Stop> {
        match place {
            Place::ConfigMap { .. } => {
                cluster::block_on(global, self.store(result, kind, (place, yes), (global, printer)))
            }
            place => self.deliver(result, place, printer),
        }
    }

    /// Writes a result to standard output.
    ///
    /// # Errors
    /// As [`Format::deliver`].
    pub fn print(&self, result: &T, printer: &Printer) -> Result<(), Stop> {
        self.deliver(result, &Place::Standard, printer)
    }
}

impl<T: ?Sized> fmt::Debug for Format<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

impl<T: ?Sized> Named for Format<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }
}

/// Why a format that is not a document is not written to a ConfigMap. `what` would be written.
pub fn not_stored(format: &str, what: &str, place: &Place) -> Failure {
    let because = format!("`--format {format}` cannot be written to a ConfigMap");
    let hint = format!("leave out --format {format}");
    Failure::new(Kind::Usage, format!("write the {what}"), because).at(place.to_string()).hint(hint)
}

/// A list for people, and the same for programs.
pub struct Listed {
    pub table: Table,
    /// Where the list is laid out otherwise than as a table.
    pub text: Option<String>,
    pub value: Value,
}

impl Listed {
    pub fn new(table: Table, value: Value) -> Listed {
        Listed { table, text: None, value }
    }
}

/// Formats of lists.
pub static LISTED: &[Format<Listed>] = &[
    Format::plain("table", "For reading; no program should parse it", |listed, _| {
        Ok(listed.text.clone().unwrap_or_else(|| listed.table.text()))
    }),
    Format::plain("yaml", "", |listed, _| Ok(yaml::to_string(&listed.value))),
    Format::plain("json", "", |listed, _| Ok(json_text(&listed.value))),
    Format::csv(|listed, _| Ok(listed.table.csv())),
];

/// `--format` of a verb that lists something.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct ListFormat {
    /// What to print: table (the default), yaml, json or csv.
    #[arg(short = 't', long, value_parser = parser(LISTED))]
    format: Option<&'static Format<Listed>>,
}

impl ListFormat {
    /// Writes a list to standard output.
    ///
    /// # Errors
    /// As [`Format::deliver`].
    pub fn print(self, listed: &Listed, printer: &Printer) -> Result<(), Stop> {
        self.format.unwrap_or(&LISTED[0]).print(listed, printer)
    }
}

/// `--format` as a value of clap.
pub fn parser<F: Named>(all: &'static [F]) -> impl TypedValueParser<Value = &'static F> {
    let values = all.iter().map(|format| {
        let value = PossibleValue::new(format.name());
        if format.about().is_empty() { value } else { value.help(format.about()) }
    });
    // Only names of the list come through.
    let find = move |name: String| all.iter().find(|format| format.name() == name).unwrap_or(&all[0]);
    PossibleValuesParser::new(values).map(find)
}

/// What was asked for, else what the file's name says, else the first.
pub fn choose<T: ?Sized>(
    asked: Option<&'static Format<T>>,
    all: &'static [Format<T>],
    place: &Place,
) -> &'static Format<T> {
    let named = || {
        let Place::File(path) = place else { return None };
        let suffix = path.extension()?;
        all.iter().find(|format| suffix.eq_ignore_ascii_case(format.suffix))
    };
    asked.or_else(named).unwrap_or(&all[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    static FORMATS: &[Format<str>] = &[
        Format::plain("yaml", "", |text, _| Ok(text.to_owned())),
        Format::plain("json", "", |text, _| Ok(format!("{text:?}"))),
        Format::laid_out("table", "", |text, _| Ok(text.to_owned())),
    ];

    #[test]
    fn a_file_name_says_its_form_unless_a_person_does() {
        let of = |asked: Option<usize>, place: &Place| choose(asked.map(|index| &FORMATS[index]), FORMATS, place).name;
        let json = Place::File("x.JSON".into());
        assert_eq!(of(None, &json), "json");
        assert_eq!(of(Some(0), &json), "yaml");
        assert_eq!(of(None, &Place::File("x.unknown".into())), "yaml");
        assert_eq!(of(None, &Place::Standard), "yaml");
    }

    #[test]
    fn an_unknown_form_is_refused_with_those_there_are() {
        let command =
            clap::Command::new("x").arg(clap::Arg::new("format").long("format").value_parser(parser(FORMATS)));
        let read = |name: &str| command.clone().try_get_matches_from(["x", "--format", name]);
        assert_eq!(read("json").unwrap().get_one::<&'static Format<str>>("format").unwrap().name, "json");
        let refused = read("xml").unwrap_err().to_string();
        assert!(refused.contains("yaml, json, table"), "{refused}");
    }
}
