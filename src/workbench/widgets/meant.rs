//! What somebody may have meant whose filter leaves no row: the name of a column is no text in it.

use super::table::{Identity, Table};

impl<I: Identity> Table<I> {
    /// `gpu is a column: gpu!=none, gpu=a100`, where no row is left and a word of the filter is the name of a column.
    pub fn column_meant(&self) -> Option<String> {
        if !self.is_filtered() || self.matching > 0 {
            return None;
        }
        let mut words = self.filter.split(' ').filter(|word| !word.is_empty());
        let (at, word) = words.find_map(|word| {
            let is_it = |name: &str| name.eq_ignore_ascii_case(word);
            Some((self.content.columns.iter().position(|column| is_it(column.name))?, word))
        })?;
        let name = word.to_lowercase();
        let shown = || self.content.rows.iter().filter_map(|row| row.cells.get(at)).map(|cell| cell.plain());
        let absent = ["none", "-"].into_iter().find(|absent| shown().any(|shown| shown.trim() == *absent));
        let some = shown().find_map(|shown| {
            let mut parts = shown.split(|c: char| !c.is_ascii_alphanumeric());
            parts.find(|part| part.len() > 2 && *part != "none").map(str::to_lowercase)
        });
        let examples: Vec<String> =
            [absent.map(|absent| format!("{name}!={absent}")), some.map(|some| format!("{name}={some}"))]
                .into_iter()
                .flatten()
                .collect();
        Some(match examples.is_empty() {
            true => format!("{name} is a column: {name}=TEXT"),
            false => format!("{name} is a column: {}", examples.join(", ")),
        })
    }
}
