//! Columns for people: left-aligned, two spaces apart, nothing cut; and the same cells for spreadsheets.

use crate::report::{csv, escape};
use unicode_width::UnicodeWidthStr;

/// Rows of equal length under a heading.
#[derive(Clone, Debug)]
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(heading: [&'static str; N], rows: &[[String; N]]) -> Table {
        Table { heading: heading.to_vec(), rows: rows.iter().map(|row| row.to_vec()).collect() }
    }

    /// For people; cells are escaped. The last column is not padded.
    pub fn text(&self) -> String {
        let escaped = |row: &Vec<String>| row.iter().map(|cell| escape::line(cell).into_owned()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = self.rows.iter().map(escaped).collect();
        let mut widths: Vec<usize> = self.heading.iter().map(|name| name.width()).collect();
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut text = String::new();
        let heading = self.heading.iter().map(|name| (*name).to_owned()).collect();
        for row in std::iter::once(heading).chain(rows) {
            let start = text.len();
            for (width, cell) in widths.iter().zip(&row) {
                text += cell;
                text.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
            }
            text.truncate(start + text[start..].trim_end().len());
            text.push('\n');
        }
        text
    }

    /// For spreadsheets: a line of names, then one for each row.
    pub fn csv(&self) -> String {
        let rows = self.rows.iter().map(csv::line);
        std::iter::once(csv::line(&self.heading)).chain(rows).collect()
    }
}

/// A table as text.
pub fn render<const N: usize>(heading: [&'static str; N], rows: &[[String; N]]) -> String {
    Table::new(heading, rows).text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_whatever_is_in_them() {
        let rows = [["a\u{1b}b".to_owned(), "1".to_owned()], ["日本".to_owned(), String::new()]];
        assert_eq!(render(["NAME", "N"], &rows), "NAME      N\na\\u{1b}b  1\n日本\n");
    }

    #[test]
    fn spreadsheets_get_the_same_cells() {
        let rows = [["a, b".to_owned(), "=1+1".to_owned()]];
        assert_eq!(Table::new(["NAME", "N"], &rows).csv(), "NAME,N\n\"a, b\",'=1+1\n");
    }
}
