//! The focused panel as a document: all of its rows that folds and filter leave, uncut. The frame itself is a picture or text.

use super::{
    app::State,
    log_options::Part,
    panes::{self, RowId},
    widgets::table::{Row, Table},
};
use crate::report::{csv as comma, markdown};
use serde_json::{Map, Value, json};
use std::{borrow::Cow, collections::HashSet, path::Path};

/// What a view is written as, by the end of the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Svg,
    Text,
    Markdown,
    Json,
    Yaml,
    Csv,
}

impl Form {
    pub const ALL: [Form; 6] = [Form::Svg, Form::Text, Form::Markdown, Form::Json, Form::Yaml, Form::Csv];

    pub fn suffix(self) -> &'static str {
        match self {
            Form::Svg => "svg",
            Form::Text => "txt",
            Form::Markdown => "md",
            Form::Json => "json",
            Form::Yaml => "yaml",
            Form::Csv => "csv",
        }
    }

    /// It holds the rows of the panel, not the frame.
    pub fn is_document(self) -> bool {
        !matches!(self, Form::Svg | Form::Text)
    }

    /// The form that a name asks for; a picture where it says nothing, `None` where it says something else.
    pub fn of(path: &Path) -> Option<Form> {
        match path.extension() {
            None => Some(Form::Svg),
            Some(suffix) if suffix.eq_ignore_ascii_case("yml") => Some(Form::Yaml),
            Some(suffix) => Form::ALL.into_iter().find(|form| suffix.eq_ignore_ascii_case(form.suffix())),
        }
    }
}

/// What is shown, for the head of a document.
fn about(state: &State) -> Vec<(&'static str, String)> {
    let (desk, table) = (&state.desk, &*focused(state));
    let source = super::view::source_words(state);
    let words = [
        ("screen", desk.screen.name().to_owned()),
        ("panel", desk.focused().name.to_owned()),
        ("title", table.content.title.clone()),
        ("note", table.content.note.clone()),
        ("filter", table.filter.clone()),
        ("source", source),
    ];
    words.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// The focused panel. Its texts are lines as they are, and not as they are wrapped to the panel.
fn focused(state: &State) -> Cow<'_, Table<RowId>> {
    let pane = state.desk.focused();
    match pane.wraps {
        true => {
            let mut table = state.desk.unwrapped(pane, &state.model);
            if state.desk.writes == Some(Part::Seen) {
                let seen = seen(state, pane);
                table.visible.retain(|index| seen.contains(&line(&table.content.rows[*index].id)));
            }
            Cow::Owned(table)
        }
        false => Cow::Borrowed(state.desk.table(pane)),
    }
}

/// What the rows that a panel has room for are of.
fn seen(state: &State, pane: &'static panes::Pane) -> HashSet<RowId> {
    let table = state.desk.table(pane);
    let height = state.desk.layout.panel(pane).map_or(0, |area| state.desk.layout.inner(area).height);
    let places = table.visible[table.window(height)].iter();
    places.map(|index| line(&table.content.rows[*index].id)).collect()
}

/// The line that a row is of, whichever part of it that is.
fn line(row: &RowId) -> RowId {
    match row {
        RowId::Output { check, line, .. } => RowId::Output { check: *check, line: *line, part: 0 },
        other => other.clone(),
    }
}

fn rows(table: &Table<RowId>) -> impl Iterator<Item = &Row<RowId>> {
    table.visible.iter().map(|index| &table.content.rows[*index])
}

/// Names of the columns; those without one are called by their place. A log has no headings.
fn columns(state: &State, table: &Table<RowId>) -> Vec<String> {
    let is_log = *state.desk.focused() == panes::LOG;
    let last = table.content.columns.len().saturating_sub(1);
    let name = |(at, column): (usize, &super::widgets::table::Column)| match column.name {
        "" if is_log && at == 0 => "time".to_owned(),
        "" if is_log && at == last => "text".to_owned(),
        "" if is_log => "check".to_owned(),
        name if is_log => name.to_lowercase(),
        "" => format!("column {}", at + 1),
        name => name.to_owned(),
    };
    table.content.columns.iter().enumerate().map(name).collect()
}

/// The panel in a form of those that are documents.
pub fn document(state: &State, form: Form) -> String {
    match form {
        Form::Json => json(state),
        Form::Yaml => yaml(state),
        Form::Csv => csv(state),
        Form::Markdown | Form::Svg | Form::Text => markdown(state),
    }
}

/// A table of Markdown, or a block of text where the panel is one.
pub fn markdown(state: &State) -> String {
    let table = &*focused(state);
    let mut text = format!("# {}\n\n", markdown::cell(&table.content.title));
    for (name, said) in about(state).into_iter().filter(|(name, _)| *name != "title") {
        text.push_str(&format!("- {name}: {}\n", markdown::cell(&said)));
    }
    for (_, line) in &table.content.says {
        text.push_str(&format!("\n{}\n", markdown::cell(line)));
    }
    text.push('\n');
    if table.content.prose {
        let lines: Vec<String> = rows(table).map(|row| row.plain()).collect();
        text.push_str(&markdown::fenced(&lines.join("\n")));
        return text;
    }
    let columns = columns(state, table);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(columns.iter().map(|name| markdown::cell(name)).collect()));
    text.push_str(&line(columns.iter().map(|_| "---".to_owned()).collect()));
    for row in rows(table) {
        let mut cells: Vec<String> = row.cells.iter().map(|cell| markdown::cell(cell.plain().trim())).collect();
        cells.resize(columns.len(), String::new());
        if let Some(first) = cells.first_mut().filter(|_| row.depth > 0) {
            *first = format!("{}{first}", "&nbsp;&nbsp;".repeat(usize::from(row.depth)));
        }
        text.push_str(&line(cells));
    }
    text
}

/// The same as JSON.
pub fn json(state: &State) -> String {
    crate::recipe::format::json_text(&value(state))
}

/// The same as YAML.
pub fn yaml(state: &State) -> String {
    crate::yaml::in_order(&value(state))
}

/// Cells by the names of their columns, with the depth of a tree.
fn value(state: &State) -> Value {
    let table = &*focused(state);
    let columns = columns(state, table);
    let row = |row: &Row<RowId>| {
        let cells = columns.iter().zip(row.cells.iter());
        let mut cells: Map<String, Value> =
            cells.map(|(name, cell)| (name.clone(), json!(cell.plain().trim()))).collect();
        if row.depth > 0 || row.branch.is_some() {
            cells.insert("depth".to_owned(), json!(row.depth));
        }
        Value::Object(cells)
    };
    let mut document: Map<String, Value> =
        about(state).into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect();
    let says: Vec<&str> = table.content.says.iter().map(|(_, line)| line.as_str()).collect();
    if !says.is_empty() {
        document.insert("says".to_owned(), json!(says));
    }
    document.insert("rows".to_owned(), rows(table).map(row).collect());
    Value::Object(document)
}

/// The same as comma-separated values: a line of names, then a line for each row; a tree has its depth in front.
pub fn csv(state: &State) -> String {
    let table = &*focused(state);
    if table.content.prose {
        let lines = rows(table).map(|row| comma::line([row.plain()]));
        return [comma::line(["TEXT"])].into_iter().chain(lines).collect();
    }
    let columns = columns(state, table);
    let is_tree = table.content.rows.iter().any(|row| row.depth > 0 || row.branch.is_some());
    let depth = |text: String| is_tree.then_some(text).into_iter();
    let head = comma::line(depth("DEPTH".to_owned()).chain(columns.iter().cloned()));
    let row = |row: &Row<RowId>| {
        let mut cells: Vec<String> = row.cells.iter().map(|cell| cell.plain().into_owned()).collect();
        cells.resize(columns.len(), String::new());
        comma::line(depth(row.depth.to_string()).chain(cells))
    };
    [head].into_iter().chain(rows(table).map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_the_form() {
        for (name, expected) in [
            ("view.CSV", Some(Form::Csv)),
            ("view.svg", Some(Form::Svg)),
            ("view", Some(Form::Svg)),
            ("view.yml", Some(Form::Yaml)),
            ("view.html", None),
            ("a.b/view.md", Some(Form::Markdown)),
        ] {
            assert_eq!(Form::of(Path::new(name)), expected, "{name}");
        }
        let (_, _, help) = crate::workbench::overlay::COMMANDS.iter().find(|(word, ..)| *word == "export").unwrap();
        assert!(Form::ALL.iter().all(|form| help.contains(&format!(".{}", form.suffix()))), "{help}");
    }
}
