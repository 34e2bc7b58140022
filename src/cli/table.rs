//! Columns for people: left-aligned, two spaces apart, nothing cut.

use crate::report::escape;
use unicode_width::UnicodeWidthStr;

/// Rows of equal length under a heading; cells are escaped. The last column is not padded.
pub fn render<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| escape::line(cell).into())).collect();
    let mut widths = heading.map(UnicodeWidthStr::width);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for row in std::iter::once(heading.map(str::to_owned)).chain(rows) {
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

#[cfg(test)]
mod tests {
    #[test]
    fn columns_align_whatever_is_in_them() {
        let rows = [["a\u{1b}b".to_owned(), "1".to_owned()], ["日本".to_owned(), String::new()]];
        assert_eq!(super::render(["NAME", "N"], &rows), "NAME      N\na\\u{1b}b  1\n日本\n");
    }
}
