//! Arguments of commands as a shell reads them: a name with a space is `'a b'`, `"a b"` or `a\ b`.
//!
//! In: what follows the word of a command. Out: its words, each with its place, and the same as one; or where a quote begins
//! that does not end. The other way around, a name as it is typed.

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Without their quotes.
    pub words: Vec<Word>,
    /// All of it without quotes, with the spaces between words: one name, for a command that takes one.
    pub whole: String,
    /// A quote that does not end, or a backslash that nothing follows.
    pub unended: Option<Unended>,
    /// A space at the end: what is typed next is another word.
    pub is_ended: bool,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Where it begins, in bytes.
    pub at: usize,
    pub text: String,
}

/// Where it is, in bytes, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unended {
    pub at: usize,
    pub sign: char,
}

impl Unended {
    /// What is missing, at a place of a line that the arguments follow.
    pub fn words(self, before: usize) -> String {
        let column = before + self.at + 1;
        match self.sign {
            '\\' => format!("missing character after `\\` at column {column}"),
            sign => format!("missing closing {sign} for the one at column {column}"),
        }
    }
}

impl Arguments {
    /// The texts of the words.
    pub fn texts(&self) -> Vec<&str> {
        self.words.iter().map(|word| word.text.as_str()).collect()
    }
}

/// Reads arguments; what does not end is read to the end.
pub fn read(line: &str) -> Arguments {
    let mut arguments = Arguments::default();
    let mut quote: Option<Unended> = None;
    let mut word: Option<Word> = None;
    let mut letters = line.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        if quote.is_none() && c.is_whitespace() {
            arguments.words.extend(word.take());
            arguments.whole.push(c);
            continue;
        }
        let word = word.get_or_insert_with(|| Word { at, text: String::new() });
        let letter = match (quote, c) {
            (Some(begun), c) if c == begun.sign => {
                quote = None;
                continue;
            }
            (None, '\'' | '"') => {
                quote = Some(Unended { at, sign: c });
                continue;
            }
            // Between double quotes, what ends them and itself.
            (Some(Unended { sign: '"', .. }), '\\') => {
                letters.next_if(|(_, c)| ['"', '\\'].contains(c)).map_or(c, |(_, c)| c)
            }
            (None, '\\') => match letters.next() {
                Some((_, c)) => c,
                None => {
                    arguments.unended = Some(Unended { at, sign: c });
                    continue;
                }
            },
            (_, c) => c,
        };
        word.text.push(letter);
        arguments.whole.push(letter);
    }
    arguments.is_ended = word.is_none();
    arguments.words.extend(word);
    arguments.unended = arguments.unended.or(quote);
    arguments
}

/// A name as it is typed: what has a meaning of its own has a backslash before it.
pub fn typed(name: &str) -> String {
    let mut typed = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_whitespace() || ['\'', '"', '\\'].contains(&c) {
            typed.push('\\');
        }
        typed.push(c);
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, words: &[&str], whole: &str) {
        let read = read(line);
        assert_eq!((read.texts(), read.whole.as_str(), read.unended), (words.to_vec(), whole, None), "{line}");
    }

    #[test]
    fn words_are_those_of_a_shell() {
        check("", &[], "");
        check("a.yaml  b.yaml", &["a.yaml", "b.yaml"], "a.yaml  b.yaml");
        check("'my file.yaml' b", &["my file.yaml", "b"], "my file.yaml b");
        check(r"my\ file.yaml", &["my file.yaml"], "my file.yaml");
        check(r#""my \"own\" \d" ''"#, &[r#"my "own" \d"#, ""], r#"my "own" \d "#);
        check(r"'a\'b", &[r"a\b"], r"a\b");
        check("it\\'s", &["it's"], "it's");
        assert_eq!(read("a  'b c' d").words.iter().map(|word| word.at).collect::<Vec<_>>(), [0, 3, 9]);
        assert!(read("a ").is_ended && read("").is_ended && !read("a").is_ended && !read("'a ").is_ended);
    }

    #[test]
    fn what_does_not_end_is_read_and_named_with_its_place() {
        let of = |line: &str| read(line).unended.map(|unended| unended.words("diff ".len()));
        assert_eq!(of("a 'my file").as_deref(), Some("missing closing ' for the one at column 8"));
        assert_eq!(of(r#"a "my 'file"#).as_deref(), Some("missing closing \" for the one at column 8"));
        assert_eq!(of(r"a\").as_deref(), Some(r"missing character after `\` at column 7"));
        assert_eq!(read("a 'my file").texts(), ["a", "my file"]);
    }

    #[test]
    fn a_name_is_read_as_it_was() {
        for name in ["plain.yaml", "my file.yaml", r#"it's "mine"\"#, "日本 語"] {
            let read = read(&typed(name));
            assert_eq!((read.texts(), read.whole.as_str()), (vec![name], name));
        }
        assert_eq!(typed("a b's"), r"a\ b\'s");
    }
}
