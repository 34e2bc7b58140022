//! Text that others wrote, made safe to show: what moves a cursor, hides or reorders letters becomes visible.
//!
//! In: any text (labels, logs, events, error messages of a server). Out: the same text with control characters and
//! bidirectional controls written as `\u{1b}`. It shortens nothing and judges nothing else: letters of every script
//! stay as they are.

use std::borrow::Cow;

/// For one line: line ends and tabs become visible as well.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hidden(c) || matches!(c, '\n' | '\t'))
}

/// For a block of text: line ends and tabs stay.
pub fn block(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_hidden(c) && !matches!(c, '\n' | '\t'))
}

fn escape(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !hidden(c) => shown.push(c),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            _ => shown.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and the marks that change the direction of text.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_becomes_visible() {
        assert_eq!(line("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(line("a\r\nb\tc"), "a\\r\\nb\\tc");
        assert_eq!(line("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(line("user\u{202e}nimda"), "user\\u{202e}nimda");
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(block("a: 1\n\tb\u{7}\r\n"), "a: 1\n\tb\\u{7}\\r\n");
    }

    #[test]
    fn plain_text_of_every_script_is_not_copied() {
        for text in ["plain", "größer", "日本語", "עברית", "👩‍🚀"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
    }
}
