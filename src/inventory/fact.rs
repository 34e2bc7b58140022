//! A fact with the place where it was read, or the reason why it is not known.

use super::text::Text;
use std::{borrow::Cow, fmt};

/// What is known of one property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    Known(Reading<T>),
    Unknown(Unknown),
}

/// A value and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<T> {
    pub value: T,
    pub source: Source,
}

/// The object that said it, and the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub object: Object,
    pub field: Cow<'static, str>,
}

/// What kind of object a reading comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A label of the Node.
    Label,
    /// An annotation of the Node.
    Annotation,
    /// Another field of the Node.
    Node,
    /// A NodeFeature object of node feature discovery.
    NodeFeature,
    /// A ResourceSlice of a Dynamic Resource Allocation driver.
    ResourceSlice,
    /// The sum over the pods of the node.
    Pods,
    /// ResourceClaims.
    ResourceClaim,
    /// The API server itself.
    Server,
    /// A snapshot file that does not say where it had it from.
    Snapshot,
}

impl Object {
    const NAMES: [(Object, &'static str); 9] = [
        (Object::Label, "label"),
        (Object::Annotation, "annotation"),
        (Object::Node, "node"),
        (Object::NodeFeature, "nodefeature"),
        (Object::ResourceSlice, "resourceslice"),
        (Object::Pods, "pods"),
        (Object::ResourceClaim, "resourceclaim"),
        (Object::Server, "server"),
        (Object::Snapshot, "snapshot"),
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        Object::NAMES.into_iter().find(|(object, _)| *object == self).map_or("", |(_, name)| name)
    }
}

impl Source {
    /// A field that the program names.
    pub const fn of(object: Object, field: &'static str) -> Source {
        Source { object, field: Cow::Borrowed(field) }
    }

    /// A label of the node.
    pub const fn label(key: &'static str) -> Source {
        Source::of(Object::Label, key)
    }

    /// A field of the Node object.
    pub const fn node(field: &'static str) -> Source {
        Source::of(Object::Node, field)
    }
}

impl fmt::Display for Source {
    /// `label nvidia.com/gpu.product`, `node status.capacity`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object.name(), self.field)
    }
}

/// Why a fact is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// The object that would say it does not.
    NotReported,
    /// No label says it.
    NotLabeled,
    /// The cluster does not serve the resource: the operator that brings it is not installed.
    NotInstalled(&'static str),
    /// The permission that is missing: `list pods`.
    Forbidden(Text),
    /// The source could not be read: why.
    Failed(Text),
    /// Nothing looked for it: a file without it.
    NotAsked,
    /// Something is known, and it does not answer the question: why.
    Unclear(Cow<'static, str>),
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unknown::NotReported => f.write_str("not reported"),
            Unknown::NotLabeled => f.write_str("not labeled"),
            Unknown::NotInstalled(what) => write!(f, "{what} not installed"),
            Unknown::Forbidden(needs) => write!(f, "forbidden: {needs}"),
            Unknown::Failed(why) => write!(f, "could not be read: {why}"),
            Unknown::NotAsked => f.write_str("not measured"),
            Unknown::Unclear(why) => f.write_str(why),
        }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Fact<T> {
        Fact::Unknown(Unknown::NotAsked)
    }
}

impl<T> Fact<T> {
    /// A value with its source.
    pub fn known(value: T, source: Source) -> Fact<T> {
        Fact::Known(Reading { value, source })
    }

    /// A value where there is one, else not known for the given reason.
    pub fn or(value: Option<T>, source: Source, unknown: Unknown) -> Fact<T> {
        match value {
            Some(value) => Fact::known(value, source),
            None => Fact::Unknown(unknown),
        }
    }

    /// The value, where it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Fact::Known(reading) => Some(&reading.value),
            Fact::Unknown(_) => None,
        }
    }

    /// Where it was read, where it is known.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Fact::Known(reading) => Some(&reading.source),
            Fact::Unknown(_) => None,
        }
    }

    /// Why it is not known.
    pub fn unknown(&self) -> Option<&Unknown> {
        match self {
            Fact::Known(_) => None,
            Fact::Unknown(unknown) => Some(unknown),
        }
    }

    /// Whether there is a value.
    pub fn is_known(&self) -> bool {
        matches!(self, Fact::Known(_))
    }

    /// This fact, or another that is tried where this one is not known. The reason of the first stays.
    #[must_use]
    pub fn or_else(self, other: impl FnOnce() -> Fact<T>) -> Fact<T> {
        match self {
            Fact::Known(_) => self,
            Fact::Unknown(_) => match other() {
                known @ Fact::Known(_) => known,
                Fact::Unknown(_) => self,
            },
        }
    }

    /// The same fact with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Fact::Known(Reading { value, source }) => Fact::known(change(value), source),
            Fact::Unknown(unknown) => Fact::Unknown(unknown),
        }
    }
}

impl<T: Copy> Fact<T> {
    /// The value, where it is known.
    pub fn get(&self) -> Option<T> {
        self.value().copied()
    }
}

impl Fact<Text> {
    /// The text, where it is known.
    pub fn text(&self) -> Option<&str> {
        self.value().map(|text| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_the_first_unknown_stays() {
        let forbidden: Fact<u64> = Fact::Unknown(Unknown::Forbidden("list pods".into()));
        let tried = forbidden.clone().or_else(|| Fact::Unknown(Unknown::NotLabeled));
        assert_eq!(tried, forbidden);
        let known = forbidden.or_else(|| Fact::known(3, Source::label("x")));
        assert_eq!((known.get(), known.source().map(ToString::to_string).as_deref()), (Some(3), Some("label x")));
    }
}
