//! Text that fits: escaping, width by grapheme, cutting.

pub use crate::report::escape::line as clean;
pub use crate::text::{duration, seconds, thousands};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A tab in the text of a log or a file, as wide as it is shown there; everywhere else it is escaped.
pub fn without_tabs(text: &str) -> Cow<'_, str> {
    if text.contains('\t') { Cow::Owned(text.replace('\t', "  ")) } else { Cow::Borrowed(text) }
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { UnicodeWidthStr::width(text) }
}

/// Where a text that is too long loses its part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// Prose.
    #[default]
    End,
    /// Names: both ends carry meaning.
    Middle,
    /// Names of machines: what comes before the domain tells them apart.
    Host,
    /// Entries between commas, or behind a colon: one alone is a name; of several the end goes, because without the middle the start of one
    /// and the end of another would read as one entry.
    List,
}

/// The text in at most `columns`, with an ellipsis where something was cut.
pub fn fit(text: &str, columns: usize, cut: Cut) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    match (columns, cut) {
        (0, _) => Cow::Borrowed(""),
        (1, _) => Cow::Borrowed("…"),
        (_, Cut::List) if text.contains(", ") || text.contains(": ") => fit(text, columns, Cut::End),
        (_, Cut::List) => fit(text, columns, Cut::Middle),
        (_, Cut::End) => Cow::Owned(format!("{}…", head(text, columns - 1))),
        (_, Cut::Host) if host(text).is_some_and(|host| width(host) < columns) => fit(text, columns, Cut::End),
        (_, Cut::Middle | Cut::Host) => {
            let back = (columns - 1) / 2;
            Cow::Owned(format!("{}…{}", head(text, columns - 1 - back), tail(text, back)))
        }
    }
}

/// A sentence that fits: what gives first is the middle of the longest path in it, because its end is what tells files
/// apart and the words around it say what became of it.
pub fn fit_sentence(text: &str, columns: usize) -> Cow<'_, str> {
    let over = width(text).saturating_sub(columns);
    let is_path = |word: &&str| word.contains('/') || word.contains('\\');
    let path = text.split(' ').filter(is_path).max_by_key(|word| width(word));
    match path {
        Some(path) if over > 0 && width(path) >= over + PATH => {
            let short = fit_path(path, width(path) - over);
            Cow::Owned(text.replacen(path, &short, 1))
        }
        // The sentence is too long for all of it: what it says at last goes, but not the file.
        Some(path) if over > 0 && columns > 2 * PATH => {
            let at = text.find(path).unwrap_or_default();
            let before = fit(&text[..at], columns / 2, Cut::End);
            let short = fit_path(path, (columns / 2).max(PATH));
            let start = format!("{before}{short}{}", &text[at + path.len()..]);
            Cow::Owned(fit(&start, columns, Cut::End).into_owned())
        }
        _ => fit(text, columns, Cut::End),
    }
}

/// A path that fits: with the whole name of its file where that has room.
fn fit_path(path: &str, columns: usize) -> Cow<'_, str> {
    let name = path.rfind(['/', '\\']).map_or(path, |at| &path[at..]);
    if width(path) <= columns || width(name) + 4 > columns {
        return fit(path, columns, Cut::Middle);
    }
    Cow::Owned(format!("{}…{name}", head(path, columns - 1 - width(name))))
}

/// Columns in which the end of a path still says which file it is.
const PATH: usize = 20;

/// What comes before the domain.
fn host(text: &str) -> Option<&str> {
    text.split_once('.').map(|(host, _)| host)
}

/// Whether each character is one column and stands alone, so that no table of Unicode has to be asked: printable ASCII, lines
/// and blocks, and our own glyphs. Nearly all of a frame is.
pub fn is_plain(text: &str) -> bool {
    let is_glyph = |c: char| {
        matches!(c, '\u{2500}'..='\u{259f}' | '✓' | '✗' | '»' | '⊘' | '◌' | '…' | '▸' | '▾' | '›' | '▪')
            || matches!(c, '→' | '←' | '↑' | '↓' | '·' | '—' | '–' | '≥' | '×')
    };
    text.chars().all(|c| matches!(c, ' '..='~') || is_glyph(c))
}

/// The longest start of at most `columns`.
pub fn head(text: &str, columns: usize) -> &str {
    // No character takes more columns than bytes.
    if text.len() <= columns {
        return text;
    }
    if is_plain(text) {
        return text.char_indices().nth(columns).map_or(text, |(at, _)| &text[..at]);
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The longest end of at most `columns`.
pub fn tail(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > columns {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// What is left after skipping `columns`; a wide character that the edge cuts through is skipped whole.
pub fn skip(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if used >= columns {
            return &text[at..];
        }
        used += width(grapheme);
    }
    ""
}

/// Lines of at most `columns`, broken at spaces where that is possible, and within a command in backticks only where it is
/// longer than a line; at least one line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let (mut lines, mut line) = (Vec::new(), String::new());
    let end = |line: &mut String, lines: &mut Vec<String>| {
        if !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        line.clear();
    };
    // The last one comes next; each is broken where it is too long for a line of its own.
    let mut pieces: Vec<(&str, Piece)> = vec![(text, Piece::Text)];
    while let Some((piece, kind)) = pieces.pop() {
        let alone = piece.trim_start();
        if width(&line) + width(piece) <= columns {
            line.push_str(piece);
        } else if width(alone) <= columns && !matches!(kind, Piece::Text) {
            end(&mut line, &mut lines);
            line.push_str(alone);
        } else {
            let (parts, of) = match kind {
                Piece::Text => (words(piece, true), Piece::Command),
                Piece::Command => (words(piece, false), Piece::Word),
                Piece::Word => (piece.split_word_bounds().collect(), Piece::Part),
                Piece::Part => {
                    end(&mut line, &mut lines);
                    let mut rest = alone;
                    while width(rest) > columns {
                        let first = head(rest, columns);
                        // A character wider than the whole line cannot be shown.
                        if first.is_empty() {
                            rest = "";
                            break;
                        }
                        lines.push(first.to_owned());
                        rest = &rest[first.len()..];
                    }
                    line.push_str(rest);
                    continue;
                }
            };
            pieces.extend(parts.into_iter().rev().map(|part| (part, of)));
        }
    }
    end(&mut line, &mut lines);
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// What a text is broken into.
#[derive(Clone, Copy)]
enum Piece {
    Text,
    /// A word, or several in backticks.
    Command,
    Word,
    /// Of a word that is longer than a line.
    Part,
}

/// Words and the spaces between them, in order; with `commands`, what is in backticks is one word.
fn words(text: &str, commands: bool) -> Vec<&str> {
    let (mut words, mut start, mut was_space, mut inside) = (Vec::new(), 0, None, false);
    for (at, c) in text.char_indices() {
        if commands && c == '`' {
            inside = !inside && text[at + 1..].contains('`');
        }
        let is_space = c.is_whitespace() && !inside;
        if was_space.is_some_and(|was_space| was_space != is_space) {
            words.push(&text[start..at]);
            start = at;
        }
        was_space = Some(is_space);
    }
    words.push(&text[start..]);
    words
}

/// `1 node`, `5 nodes`.
pub fn count(number: usize, noun: &str) -> String {
    count_of(number, noun, &format!("{noun}s"))
}

/// As [`count`], for a plural of its own: `2 entries`.
pub fn count_of(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_keeps_the_end_of_its_path() {
        let long = "wrote /data/somebody/projects/cluster/snapshots/production-eu/friday.yaml";
        assert_eq!(fit_sentence(long, 80), long);
        let short = fit_sentence(long, 40);
        assert!(width(&short) <= 40 && short.starts_with("wrote /data/"), "{short}");
        assert!(short.ends_with("friday.yaml"), "{short}");
        let failed = format!("failed to {}: No such file or directory (os error 2)", long.replace("wrote", "read"));
        for columns in [50, 60, 76, 100] {
            let short = fit_sentence(&failed, columns);
            assert!(width(&short) <= columns && short.contains("friday.yaml"), "{columns}: {short}");
        }
        assert_eq!(fit_sentence("one or two words", 9), "one or t…");
    }

    #[test]
    fn machines_keep_what_tells_them_apart() {
        let name = "ip-10-16-201-107.us-west-2.compute.internal";
        assert_eq!(fit(name, 20, Cut::Host), "ip-10-16-201-107.us…");
        assert_eq!(fit(name, 17, Cut::Host), "ip-10-16-201-107…");
        assert_eq!(fit("gke-prod-a100-pool-1-7f3c2e-xk9d", 16, Cut::Host), "gke-prod…2e-xk9d");
    }

    #[test]
    fn names_keep_both_ends_and_prose_its_start() {
        assert_eq!(fit("h100-eks-ubuntu-training", 11, Cut::Middle), "h100-…ining");
        assert_eq!(fit("h100-eks-ubuntu-training", 11, Cut::End), "h100-eks-u…");
        assert_eq!(fit("short", 11, Cut::Middle), "short");
        // Not `driver …fbb135`: that is no driver.
        assert_eq!(fit("driver 550.163.01, kubelet v1.33.1-eks-1fbb135", 14, Cut::List), "driver 550.16…");
        assert_eq!(fit("mixed: 0 1 4 v", 10, Cut::List), "mixed: 0 …");
        assert_eq!(fit("kernel 6.8.0-1018…", 15, Cut::List), "kernel …0-1018…");
        assert_eq!(fit("no taints, arch arm64", 21, Cut::List), "no taints, arch arm64");
        assert_eq!(fit("日本語日本語", 5, Cut::End), "日本…");
        for columns in 0..9 {
            assert!(width(&fit("日a本b語c", columns, Cut::Middle)) <= columns);
        }
    }

    #[test]
    fn wrapping_keeps_every_word_and_the_width() {
        let text = "the quick brown fox jumps over averyverylongword";
        let lines = wrap(text, 10);
        assert!(lines.iter().all(|line| width(line) <= 10), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("日", 1), [""]);
    }

    #[test]
    fn wrapping_breaks_a_command_only_where_it_is_longer_than_a_line() {
        assert_eq!(wrap("run aicr validate --node-selector a=b", 20), ["run aicr validate", "--node-selector a=b"]);
        assert_eq!(wrap("then `aicr recipe -o FILE` writes", 24), ["then", "`aicr recipe -o FILE`", "writes"]);
        assert_eq!(wrap("`aicr recipe -o FILE`", 14), ["`aicr recipe", "-o FILE`"]);
        assert_eq!(wrap("it`s one tick", 8), ["it`s one", "tick"]);
        assert_eq!(wrap("https://a.example/b-c-d", 10).concat(), "https://a.example/b-c-d");
    }

    #[test]
    fn skipping_and_counting() {
        assert_eq!(skip("abcdef", 2), "cdef");
        assert_eq!(skip("日本", 1), "本");
        assert_eq!(skip("ab", 9), "");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(count(1, "node"), "1 node");
        assert_eq!(count(2, "node"), "2 nodes");
        assert_eq!(count_of(0, "entry", "entries"), "0 entries");
    }
}
