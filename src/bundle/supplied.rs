//! Manifests from elsewhere: what belongs in the place of those that the catalog only names, whether a text is that, and what
//! Kustomize is asked to build.
//!
//! In: a placeholder of the catalog, and a text that somebody fetched or gave. Out: its objects. The digest is over the
//! data, so that comments and layout do not matter: every document as JSON with sorted keys, each on a line of its own.

use super::checksum::digest;
use crate::{
    recipe::ComponentRef,
    yaml::{self, YamlError},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Objects by the name of what they are for.
pub type Manifests = BTreeMap<String, Arc<[Value]>>;

/// What a bundle has from elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Supplied {
    /// For placeholders, by their path in the catalog.
    pub manifests: Manifests,
    /// Of Kustomize components, by their name.
    pub kustomized: Manifests,
}

/// The type of components that Kustomize builds.
pub const KUSTOMIZE: &str = "Kustomize";

/// A Kustomize component of which nothing can be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {what} `{found}` {problem}")]
pub struct KustomizationError {
    what: &'static str,
    found: String,
    problem: &'static str,
}

/// What Kustomize is asked for: `SOURCE//PATH?ref=TAG`, or a path on this machine.
///
/// # Errors
/// What a program would take for an option, or for another place than the recipe shows.
pub fn kustomization(component: &ComponentRef) -> Result<String, KustomizationError> {
    let ComponentRef { source, path, tag, .. } = component;
    let good = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let refused = |what, found: String, problem| Err(KustomizationError { what, found, problem });
    if let Some(place) = place_with_credentials(source) {
        // The recipe, and so its source, is a file of the bundle.
        return refused("source", place, "has credentials, which the bundle would show; use those of git");
    }
    let parts = [("source", source, "-_./:@~"), ("path", path, "-_./"), ("tag", tag, "-_./+")];
    for (what, found, more) in parts {
        let problem = match found {
            found if !good(found, more) => "has characters that are not allowed there",
            found if found.starts_with('-') => "would be taken for an option",
            found if found.split('/').any(|part| part == "..") => "leads out of its folder",
            _ => continue,
        };
        return refused(what, found.clone(), problem);
    }
    if source.is_empty() {
        return match path.starts_with('/') {
            true => refused("path", path.clone(), "begins with `/`"),
            false => Ok(path.clone()),
        };
    }
    let is_remote = ["https://", "ssh://", "git@"].iter().any(|begin| source.starts_with(begin));
    if !is_remote {
        return refused("source", source.clone(), "does not begin with https://, ssh:// or git@");
    }
    let at = if tag.is_empty() { String::new() } else { format!("?ref={tag}") };
    Ok(format!("{}//{}{at}", source.trim_end_matches('/'), path.trim_matches('/')))
}

/// The place of a URL that holds a password or a token, without them. `git@` of ssh is neither.
pub(super) fn place_with_credentials(source: &str) -> Option<String> {
    let (scheme, rest) = source.split_once("://")?;
    let (login, host) = rest.split('/').next()?.rsplit_once('@')?;
    (scheme != "ssh" || login.contains(':')).then(|| format!("{scheme}://…@{host}"))
}

/// A file of the catalog that says what belongs in its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placeholder {
    /// In the catalog.
    pub path: String,
    /// Where its owners publish it; unknown where nobody could say it.
    pub url: Option<String>,
    /// Of the documents in it.
    pub digest: Option<String>,
}

/// Why a text is not what a placeholder stands for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SuppliedError {
    #[error("it is not YAML")]
    Yaml(#[source] YamlError),
    #[error("it has no object in it")]
    Empty,
    #[error("document {0} is not a Kubernetes object: it has no `{1}`")]
    NotAnObject(usize, &'static str),
    #[error("its {documents} documents have the digest {found}, and the catalog expects {expected}")]
    Digest { documents: usize, found: String, expected: String },
}

impl Placeholder {
    /// What a file of the catalog stands for; `None` for one that is there itself.
    pub fn of(path: &str, text: &str) -> Option<Placeholder> {
        let comments = || text.lines().filter_map(|line| line.strip_prefix("# "));
        let marked =
            |mark: &str| comments().find_map(|line| line.strip_prefix(mark)).map(|rest| rest.trim().to_owned());
        let url = marked("fetch:");
        if url.is_none() && marked("missing:").is_none() {
            return None;
        }
        Some(Placeholder { path: path.to_owned(), url, digest: marked("documents-sha256:") })
    }

    /// The name of its file.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The objects of a text, where they are those that belong here.
    ///
    /// # Errors
    /// Another digest than the catalog expects; text that is not Kubernetes objects.
    pub fn accept(&self, text: &str) -> Result<Arc<[Value]>, SuppliedError> {
        let objects = objects(text)?;
        let found = digest(objects.iter().map(|object| format!("{object}\n")).collect::<String>().as_bytes());
        match &self.digest {
            Some(expected) if *expected != found => {
                Err(SuppliedError::Digest { documents: objects.len(), found, expected: expected.clone() })
            }
            _ => Ok(objects.into()),
        }
    }
}

/// The objects of a text; at least one.
///
/// # Errors
/// What is not Kubernetes objects.
pub fn objects(text: &str) -> Result<Vec<Value>, SuppliedError> {
    let documents = yaml::parse_all(text).map_err(SuppliedError::Yaml)?;
    let objects: Vec<Value> =
        documents.iter().filter(|document| !document.is_null()).map(|document| document.to_value()).collect();
    if objects.is_empty() {
        return Err(SuppliedError::Empty);
    }
    for (index, object) in objects.iter().enumerate() {
        let lacks = |field: &&str| !object.get(*field).is_some_and(Value::is_string);
        if let Some(field) = ["apiVersion", "kind"].into_iter().find(lacks) {
            return Err(SuppliedError::NotAnObject(index + 1, field));
        }
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# a comment\nkind: B\napiVersion: v1\n---\n---\nkind: C\napiVersion: v1\ndata: {b: 'ü', a: [1]}\n";
    /// As `sha256sum` says it of the two lines.
    const DIGEST: &str = "297ccf705643d37b5a0321411a1944d048fb9d76de087adcb91d7e072be3193c";

    fn placeholder(digest: &str) -> Placeholder {
        let text = format!("# fetch: https://example.org/x.yaml\n# documents: 2\n# documents-sha256: {digest}\n");
        Placeholder::of("components/a/manifests/x.yaml", &text).expect("a placeholder")
    }

    #[test]
    fn a_placeholder_says_where_its_file_is() {
        let found = placeholder("abc");
        assert_eq!((found.name(), found.url.as_deref()), ("x.yaml", Some("https://example.org/x.yaml")));
        assert_eq!(found.digest.as_deref(), Some("abc"));
        let gap = Placeholder::of("x", "# TLSRoute\n# missing: nobody knows\n").expect("a placeholder");
        assert_eq!((gap.url, gap.digest), (None, None));
        assert_eq!(Placeholder::of("x", "# a manifest\nkind: A\n"), None);
    }

    #[test]
    fn only_the_documents_of_the_digest_are_taken_whatever_their_layout() {
        let objects = placeholder(DIGEST).accept(TEXT).expect("it is that");
        assert_eq!((objects.len(), &objects[1]["kind"]), (2, &Value::from("C")));
        assert!(placeholder(DIGEST).accept(&TEXT.replace("# a comment", "# another")).is_ok());
        let other = placeholder(DIGEST).accept(&TEXT.replace("[1]", "[2]"));
        assert!(matches!(other, Err(SuppliedError::Digest { documents: 2, .. })), "{other:?}");
        // Nothing is expected of what nobody knows.
        assert!(Placeholder { digest: None, ..placeholder("") }.accept(TEXT).is_ok());
    }

    #[test]
    fn kustomize_is_asked_for_a_tag_of_a_source_or_a_folder() {
        let asked = |source: &str, path: &str, tag: &str| {
            let (source, path, tag) = (source.to_owned(), path.to_owned(), tag.to_owned());
            kustomization(&ComponentRef { source, path, tag, ..ComponentRef::default() })
                .map_err(|error| error.to_string())
        };
        let source = "https://github.com/a/b";
        assert_eq!(asked(source, "deploy/base", "v1.2"), Ok(format!("{source}//deploy/base?ref=v1.2")));
        assert_eq!(asked("git@example.org:a/b", "x/", ""), Ok("git@example.org:a/b//x".to_owned()));
        assert_eq!(asked("ssh://git@host/a/b", "x", ""), Ok("ssh://git@host/a/b//x".to_owned()));
        assert_eq!(asked("", "overlays/x", ""), Ok("overlays/x".to_owned()));
        for (source, path, tag, words) in [
            ("", "../x", "", "its path `../x` leads out of its folder"),
            ("", "/etc", "", "its path `/etc` begins with `/`"),
            ("", "--enable-exec", "", "its path `--enable-exec` would be taken for an option"),
            ("ftp://x", "y", "", "its source `ftp://x` does not begin with https://, ssh:// or git@"),
            (
                "https://bot:ghp%5Fx@github.com/a/b",
                "x",
                "",
                "its source `https://…@github.com` has credentials, which the bundle would show; use those of git",
            ),
            (
                "ssh://bot:x@host:22/a/b",
                "x",
                "",
                "its source `ssh://…@host:22` has credentials, which the bundle would show; use those of git",
            ),
            (source, "x?ref=y", "", "its path `x?ref=y` has characters that are not allowed there"),
            (source, "x", "v1&y", "its tag `v1&y` has characters that are not allowed there"),
        ] {
            assert_eq!(asked(source, path, tag), Err(words.to_owned()));
        }
    }

    #[test]
    fn what_is_not_kubernetes_objects_is_refused() {
        let words = |text: &str| placeholder("x").accept(text).expect_err("refused").to_string();
        assert_eq!(words("# nothing\n"), "it has no object in it");
        assert_eq!(
            words("kind: A\napiVersion: v1\n---\nkind: A\n"),
            "document 2 is not a Kubernetes object: it has no `apiVersion`"
        );
        assert_eq!(words("a: ["), "it is not YAML");
    }
}
