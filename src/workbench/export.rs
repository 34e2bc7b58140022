//! The focused panel as a document: all of its rows that folds and filter leave, uncut.

use super::{
    app::State,
    panes::RowId,
    widgets::table::{Row, Table},
};
use crate::report::markdown;
use serde_json::{Map, Value, json};

/// What is shown, for the head of a document.
fn about(state: &State) -> Vec<(&'static str, String)> {
    let desk = &state.desk;
    let table = desk.table(desk.focused());
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

fn rows(table: &Table<RowId>) -> impl Iterator<Item = &Row<RowId>> {
    table.visible.iter().map(|index| &table.content.rows[*index])
}

/// Names of the columns; those without one are called by their place.
fn columns(table: &Table<RowId>) -> Vec<String> {
    let name = |(at, column): (usize, &super::widgets::table::Column)| match column.name {
        "" => format!("column {}", at + 1),
        name => name.to_owned(),
    };
    table.content.columns.iter().enumerate().map(name).collect()
}

/// A table of Markdown, or a block of text where the panel is one.
pub fn markdown(state: &State) -> String {
    let table = state.desk.table(state.desk.focused());
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
    let columns = columns(table);
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

/// The same as JSON; cells by the names of their columns, with the depth of a tree.
pub fn json(state: &State) -> String {
    let table = state.desk.table(state.desk.focused());
    let columns = columns(table);
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
    crate::recipe::format::json_text(&Value::Object(document))
}
