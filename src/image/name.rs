//! The name of an image: registry, path and tag.

use crate::validate::beforehand::full_name;
use thiserror::Error;

/// A name with a registry and a tag, as containerd keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    full: String,
    tag: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not the name of an image: write [REGISTRY/]PATH[:TAG] in lower case, for example aicr/check:1.0")]
pub struct NameError(String);

impl Name {
    /// Reads a name as typed; without a registry it is one of docker.io, without a tag the tag is `latest`.
    ///
    /// # Errors
    /// What no registry takes.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        let (path, tag) = match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (text, "latest"),
        };
        let full = full_name(path);
        let (registry, path) = full.split_once('/').unwrap_or_default();
        if !is_registry(registry) || !path.split('/').all(is_part) || !is_tag(tag) {
            return Err(NameError(text.to_owned()));
        }
        Ok(Name { tag: full.len() + 1, full: format!("{full}:{tag}") })
    }

    pub fn full(&self) -> &str {
        &self.full
    }

    /// The host that has it, as images name it.
    pub fn registry(&self) -> &str {
        self.full.split_once('/').map_or("", |(registry, _)| registry)
    }

    /// Its path there, without the tag.
    pub fn repository(&self) -> &str {
        self.full[..self.tag - 1].split_once('/').map_or("", |(_, path)| path)
    }

    pub fn tag(&self) -> &str {
        &self.full[self.tag..]
    }
}

fn is_registry(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

fn is_part(text: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = text.as_bytes();
    let is_inner = |byte: &u8| is_end(Some(byte)) || b"._-".contains(byte);
    is_end(bytes.first()) && is_end(bytes.last()) && bytes.iter().all(is_inner)
}

fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = text.bytes();
    text.len() <= 128 && bytes.next().is_some_and(is_word) && bytes.all(|byte| is_word(byte) || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gets_the_registry_and_the_tag_that_it_means() {
        let full = |text| Name::parse(text).map(|name| (name.full().to_owned(), name.tag().to_owned()));
        for (text, expected, tag) in [
            ("aicr/check:0.1.0", "docker.io/aicr/check:0.1.0", "0.1.0"),
            ("check", "docker.io/library/check:latest", "latest"),
            ("localhost:5001/aicr/check", "localhost:5001/aicr/check:latest", "latest"),
            ("registry.example.com/a/b-c:v1", "registry.example.com/a/b-c:v1", "v1"),
        ] {
            assert_eq!(full(text), Ok((expected.to_owned(), tag.to_owned())));
        }
    }

    #[test]
    fn what_no_registry_takes_is_refused() {
        for text in ["", "A/b", "a/b:", "a//b", "a/b:x y", "a/b@sha256:0", "a/-b", "a/b:-x", "a/é"] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
    }
}
