//! Text that others wrote, made safe to show: what moves a cursor, hides or reorders letters becomes visible.
//!
//! In: any text (labels, logs, events, error messages of a server). Out: the same text with control characters, marks that
//! change the direction of text and characters without a shape written as `\u{1b}`. It is the one rule of the command line,
//! the log and the workbench. It shortens nothing and judges nothing else: letters of every script stay as they are.

use std::borrow::Cow;

/// For one line: line ends and tabs become visible as well.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// For a block of text: line ends and tabs stay.
pub fn block(text: &str) -> Cow<'_, str> {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Every frame and every line comes here, and nearly all of them are plain.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut escaped: Option<String> = None;
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        let hidden = (is_hidden(c) || is_joiner(c) && !joins(before)) && !stays(c);
        before = c;
        if hidden {
            let escaped = escaped.get_or_insert_with(|| text[..at].to_owned());
            match c {
                '\n' => escaped.push_str("\\n"),
                '\t' => escaped.push_str("\\t"),
                '\r' => escaped.push_str("\\r"),
                _ => escaped.extend(c.escape_unicode()),
            }
        } else if let Some(escaped) = &mut escaped {
            escaped.push(c);
        }
    }
    escaped.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What a terminal obeys (C0, DEL, C1), what reorders text, and what has no shape of its own: fillers, separators, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Whether a joiner after this character can mean something: emoji and the scripts from Hebrew on have letters that join;
/// after Latin, Greek or Cyrillic ones, or a second time, a joiner only hides.
fn joins(before: char) -> bool {
    before >= '\u{590}' && !is_joiner(before)
}

/// A JSON document in which no terminal finds anything to obey: what JSON lets stand of control characters is escaped. It
/// says the same as before.
pub fn json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for letter in document.chars() {
        match letter {
            '\n' => out.push(letter),
            letter if letter.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_becomes_visible() {
        assert_eq!(line("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(line("a\r\nb\tc"), "a\\r\\nb\\tc");
        assert_eq!(line("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(line("\u{1b}]52;c;eA==\u{7}x\u{7f}"), "\\u{1b}]52;c;eA==\\u{7}x\\u{7f}");
        assert_eq!(line("user\u{202e}nimda"), "user\\u{202e}nimda");
    }

    #[test]
    fn what_has_no_shape_becomes_visible() {
        assert_eq!(line("gpu\u{200b}-node\u{feff}"), "gpu\\u{200b}-node\\u{feff}");
        assert_eq!(line("so\u{ad}ft \u{2063}\u{3164}"), "so\\u{ad}ft \\u{2063}\\u{3164}");
        assert_eq!(line("tag\u{e0041}\u{e007f}"), "tag\\u{e0041}\\u{e007f}");
        assert_eq!(line("ad\u{200d}min \u{200c}x"), "ad\\u{200d}min \\u{200c}x");
        assert_eq!(line("👩\u{200d}\u{200d}🚀"), "👩\u{200d}\\u{200d}🚀");
    }

    #[test]
    fn a_block_keeps_its_lines() {
        assert_eq!(block("a: 1\n\tb\u{7}\r\n"), "a: 1\n\tb\\u{7}\\r\n");
    }

    #[test]
    fn escaping_twice_changes_nothing() {
        let once = line("\u{1b}[31m\u{202e}\tx\u{200d}").into_owned();
        assert_eq!(line(&once), once);
    }

    #[test]
    fn plain_text_of_every_script_is_not_copied() {
        for text in ["plain", "größer", "日本語", "עברית", "می\u{200c}خواهم", "क्\u{200d}ष", "👩‍🚀", "❤️‍🔥"]
        {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
