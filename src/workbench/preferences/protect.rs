//! Contexts that are protected: before objects are created or removed in one, a person types its name.
//!
//! In: patterns as the preference has them, and the name of a context. `*` is for any text, `?` for one character.

/// Patterns of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected(Vec<String>);

impl Protected {
    /// Of patterns with commas between them.
    pub fn of(text: &str) -> Protected {
        Protected(text.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect())
    }

    pub fn holds(&self, context: &str) -> bool {
        self.0.iter().any(|pattern| fits(pattern, context))
    }
}

/// Whether a name is one that a pattern is for.
fn fits(pattern: &str, name: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => name.is_empty(),
        // Any text, also none.
        Some('*') => {
            let rest = letters.as_str();
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| fits(rest, &name[at..]))
        }
        Some(letter) => {
            let mut named = name.chars();
            named.next().is_some_and(|first| letter == '?' || first == letter) && fits(letters.as_str(), named.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_protected_by_patterns() {
        let protected = Protected::of("prod-*, *-live, lab?");
        for name in ["prod-eu", "prod-", "eu-live", "lab1"] {
            assert!(protected.holds(name), "{name}");
        }
        for name in ["prod", "production", "live", "lab", "lab12", "my-prod-eu", ""] {
            assert!(!protected.holds(name), "{name}");
        }
        assert!(!Protected::of("").holds("") && !Protected::of(" , ").holds("x") && Protected::of("*").holds("x"));
    }
}
