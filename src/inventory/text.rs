//! Texts that many objects share, kept once.
//!
//! Five thousand nodes carry the same label keys and mostly the same values; as texts of their own they would be the
//! largest part of what is kept of a cluster.

use std::{borrow::Borrow, collections::HashSet, sync::Arc};

/// A text that is cheap to share.
pub type Text = Arc<str>;

/// Whether two texts have the same characters. Of [`Texts`] they are mostly the same text, which is seen without reading it;
/// `==` reads both.
pub fn is_same(left: &Text, right: &Text) -> bool {
    Arc::ptr_eq(left, right) || left == right
}

/// Gives the same [`Text`] for the same characters.
#[derive(Debug, Default)]
pub struct Texts {
    known: HashSet<Text>,
    /// Once there are so many, those that nobody holds are forgotten.
    prune_at: usize,
}

/// Fewer texts are not worth looking through.
const FEW: usize = 1024;

impl Texts {
    /// The shared text with these characters.
    pub fn get(&mut self, text: &str) -> Text {
        if let Some(known) = self.known.get(text) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.prune_at.max(FEW) {
            self.prune();
        }
        let new: Text = Arc::from(text);
        self.known.insert(Arc::clone(&new));
        new
    }

    /// Forgets texts that only this table still holds.
    pub fn prune(&mut self) {
        self.known.retain(|text| Arc::strong_count(text) > 1);
        self.prune_at = 2 * self.known.len();
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// The labels of one object, sorted by key; each key once. Cheap to share.
#[derive(Clone, Debug, Default, Eq)]
pub struct Labels(Arc<[(Text, Text)]>);

// Derived, it would read the seventy labels of two nodes of which the state alone differs.
impl PartialEq for Labels {
    fn eq(&self, other: &Labels) -> bool {
        let alike = |((key, value), (other_key, other_value)): (&(Text, Text), &(Text, Text))| {
            is_same(key, other_key) && is_same(value, other_value)
        };
        Arc::ptr_eq(&self.0, &other.0) || self.len() == other.len() && self.0.iter().zip(&*other.0).all(alike)
    }
}

impl Labels {
    /// The value of a key; an empty value is a value.
    pub fn get(&self, key: &str) -> Option<&Text> {
        let index = self.0.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        Some(&self.0[index].1)
    }

    /// The value of a key that has one which is not empty.
    pub fn text(&self, key: &str) -> Option<&Text> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// A value that is a whole number.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Text)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Labels whose key begins with `prefix`: the rest of the key, and the value.
    pub fn below<'l>(&'l self, prefix: &str) -> impl Iterator<Item = (&'l str, &'l Text)> {
        let start = self.0.partition_point(|(key, _)| (**key) < *prefix);
        let length = prefix.len();
        let prefix = prefix.to_owned();
        self.0[start..]
            .iter()
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(move |(key, value)| (&key[length..], value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Borrow<str> + Into<Text>, V: Into<Text>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(labels: I) -> Labels {
        let mut list: Vec<(Text, Text)> = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        // The last of two equal keys wins, as in a map.
        list.reverse();
        list.sort_by(|left, right| left.0.cmp(&right.0));
        list.dedup_by(|next, kept| next.0 == kept.0);
        Labels(list.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_by_key_and_by_prefix() {
        let labels: Labels =
            [("b.io/x", "1"), ("a", ""), ("b.io/y", "2"), ("c", "3"), ("c", "4")].into_iter().collect();
        assert_eq!(
            (labels.get("a").map(|v| &**v), labels.text("a"), labels.number("b.io/y")),
            (Some(""), None, Some(2))
        );
        assert_eq!(
            labels.below("b.io/").map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
            ["x=1", "y=2"]
        );
        assert_eq!((labels.get("c").map(|v| &**v), labels.len()), (Some("4"), 4));
        assert_eq!(labels.get("b.io/"), None);
    }

    #[test]
    fn texts_that_come_and_go_do_not_pile_up() {
        let mut texts = Texts::default();
        let held: Vec<Text> = (0..FEW).map(|n| texts.get(&n.to_string())).collect();
        for n in 0..100 * FEW {
            texts.get(&format!("once {n}"));
        }
        assert!(texts.len() <= 2 * FEW, "{}", texts.len());
        assert!(held.iter().all(|text| Arc::ptr_eq(text, &texts.get(text))), "what is held stays");
    }

    #[test]
    fn equal_texts_are_one_and_unused_ones_can_go() {
        let mut texts = Texts::default();
        let (one, two) = (texts.get("amd64"), texts.get("amd64"));
        assert!(Arc::ptr_eq(&one, &two));
        drop(texts.get("gone"));
        texts.prune();
        assert_eq!(texts.len(), 1);
    }
}
