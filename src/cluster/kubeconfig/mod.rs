//! Kubeconfig files, merged and read as kubectl does.
//!
//! In: the bytes of the files, in the order of `KUBECONFIG`. Out: the contexts by name and, for one of them, the server
//! and the user with every path resolved. No file but those given is read, no environment and no clock.
//!
//! The first file to name a cluster, user or context wins, and so does the first that names a current context; an empty
//! `current-context` names none. Only the entries of the chosen context are read: what is odd elsewhere does no harm.

mod entry;

use crate::yaml::{self, Kind, Node};
use entry::Fields;
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

/// Why kubeconfigs give no cluster to connect to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KubeconfigError {
    #[error("{0}")]
    Encoding(String),
    #[error(transparent)]
    Syntax(#[from] yaml::YamlError),
    #[error("{0}")]
    NotAKubeconfig(String),
    #[error("duplicate name `{name}` in {list}")]
    DuplicateName { list: &'static str, name: String },
    #[error("current-context is not set; {}", list(.known))]
    NoCurrentContext { known: Vec<String> },
    #[error("context `{name}` does not exist; {}", list(.known))]
    UnknownContext { name: String, known: Vec<String> },
    #[error("context `{context}` refers to cluster `{cluster}`, which no file defines")]
    UnknownCluster { context: String, cluster: String },
    /// A field that the context needs and that cannot be used: `user admin: token: …`.
    #[error("{entry}: {problem}")]
    Field { entry: String, problem: String },
    #[error("{entry}: `{key}` is not base64")]
    NotBase64 {
        entry: String,
        key: String,
        #[source]
        source: base64::DecodeError,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no file defines a context".to_owned() } else { format!("known: {}", names.join(", ")) }
}

/// Every cluster, user and context of the files, by name.
#[derive(Clone, Debug, Default)]
pub struct Kubeconfig {
    current: Option<String>,
    contexts: BTreeMap<String, Entry>,
    clusters: BTreeMap<String, Entry>,
    users: BTreeMap<String, Entry>,
    warnings: Vec<String>,
    has_more: bool,
}

/// The value of one named entry, and the folder from which its paths count.
#[derive(Clone, Debug)]
struct Entry {
    value: Node,
    folder: PathBuf,
}

/// What one context means: where, and as whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effective {
    pub context: String,
    /// Of the context; `None` where it names none.
    pub namespace: Option<String>,
    pub cluster: Cluster,
    pub user: User,
}

/// The server of a context.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// As written; a scheme may be missing.
    pub server: String,
    pub certificate_authority: Option<Content>,
    pub insecure_skip_tls_verify: bool,
    pub tls_server_name: Option<String>,
    pub proxy_url: Option<String>,
    /// The extension that credential plugins are given.
    pub plugin_config: Option<serde_json::Value>,
}

/// Bytes that are in the kubeconfig, or in a file that it names.
#[derive(Clone, PartialEq)]
pub enum Content {
    Inline(Vec<u8>),
    File(PathBuf),
}

impl std::fmt::Debug for Content {
    /// Inline content may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Content::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Content::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// Text that no message and no `Debug` may show.
#[derive(Clone, Default, PartialEq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The user of a context. All empty: requests are sent without credentials.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    pub name: String,
    /// Without white space around it.
    pub token: Option<Secret>,
    pub token_file: Option<PathBuf>,
    pub basic: Option<(String, Secret)>,
    pub client_certificate: Option<Content>,
    pub client_key: Option<Content>,
    pub impersonate: Impersonate,
    pub exec: Option<Exec>,
    /// What is known of `token`, where the auth-provider oidc has it.
    pub id_token: Option<IdToken>,
}

/// When a token of OpenID Connect ends, as it says itself.
#[derive(Clone, Debug, PartialEq)]
pub struct IdToken {
    pub expires: jiff::Timestamp,
    /// The kubeconfig has a refresh-token, with which kubectl gets another one.
    pub may_be_renewed: bool,
}

impl IdToken {
    /// Like kubectl: one that is about to expire is not sent any more.
    pub fn is_expired(&self, now: jiff::Timestamp) -> bool {
        now + std::time::Duration::from_secs(10) >= self.expires
    }
}

/// Whom requests are sent as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Impersonate {
    pub user: Option<String>,
    pub uid: Option<String>,
    pub groups: Vec<String>,
    pub extra: Vec<(String, Vec<String>)>,
}

/// A credential plugin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exec {
    pub api_version: String,
    /// Absolute if the file has a relative path; a bare name is looked for on PATH.
    pub command: String,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub install_hint: Option<String>,
    pub interactive: Interactive,
    pub provide_cluster_info: bool,
}

/// Whether a credential plugin may ask at the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interactive {
    Never,
    #[default]
    IfAvailable,
    Always,
}

impl Kubeconfig {
    /// Adds one file. What earlier files named stays as it is.
    ///
    /// # Errors
    /// Text in no known encoding, YAML that cannot be read, lists that are not lists, a name twice in one list.
    pub fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<(), KubeconfigError> {
        let text = decode(bytes)?;
        // Like kubectl: what follows the first document is not read.
        let (root, duplicates) = yaml::first_of_last_keys(&text)?;
        if !matches!(root.kind, Kind::Map(_) | Kind::Null) {
            return Err(KubeconfigError::NotAKubeconfig(format!("expected a mapping, found {}", root.kind_name())));
        }
        let said = |key: &str| root.get(key).and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
        if let (Some(version), Some(kind)) = (said("apiVersion"), said("kind"))
            && (version.as_str(), kind.as_str()) != ("v1", "Config")
        {
            return Err(KubeconfigError::NotAKubeconfig(format!(
                "expected `kind: Config` of v1, found {kind} of {version}"
            )));
        }
        // Like kubectl, which reads YAML as Go reads JSON.
        let file = path.display();
        let warn = |error| format!("{file}: {error}; the last one is used, as kubectl does");
        self.warnings.extend(duplicates.into_iter().map(warn));
        self.has_more |= ["preferences", "extensions"].iter().any(|key| root.get(key).is_some_and(holds_something));
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        add_entries(&mut self.clusters, &root, ("clusters", "cluster"), &folder)?;
        add_entries(&mut self.users, &root, ("users", "user"), &folder)?;
        add_entries(&mut self.contexts, &root, ("contexts", "context"), &folder)?;
        if self.current.is_none() {
            self.current = said("current-context");
        }
        Ok(())
    }

    /// What is odd in the files and does not keep them from being used.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether the files say nothing, as kubectl sees it.
    pub fn is_empty(&self) -> bool {
        let Kubeconfig { current, contexts, clusters, users, warnings: _, has_more } = self;
        current.is_none() && contexts.is_empty() && clusters.is_empty() && users.is_empty() && !has_more
    }

    /// Names of all contexts, sorted.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        self.contexts.keys().map(String::as_str)
    }

    /// The current context, if a file names one.
    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// The context of that name, else the current one.
    ///
    /// # Errors
    /// No such context, no such cluster, a field of its entries that cannot be used.
    pub fn effective(&self, context: Option<&str>) -> Result<Effective, KubeconfigError> {
        let known = || self.contexts().map(str::to_owned).collect();
        let name = context.filter(|name| !name.is_empty()).or(self.current());
        let name = name.ok_or_else(|| KubeconfigError::NoCurrentContext { known: known() })?;
        let entry = self
            .contexts
            .get(name)
            .ok_or_else(|| KubeconfigError::UnknownContext { name: name.to_owned(), known: known() })?;
        let context = Fields::new(format!("context `{name}`"), &entry.value, &entry.folder)?;
        let cluster = context.text("cluster")?.unwrap_or_default();
        let user = context.text("user")?.unwrap_or_default();
        let entry = self
            .clusters
            .get(&cluster)
            .ok_or_else(|| KubeconfigError::UnknownCluster { context: name.to_owned(), cluster: cluster.clone() })?;
        Ok(Effective {
            context: name.to_owned(),
            namespace: context.text("namespace")?,
            cluster: entry::cluster(&Fields::new(format!("cluster `{cluster}`"), &entry.value, &entry.folder)?)?,
            // Like kubectl: a user that nobody defines sends no credentials.
            user: match self.users.get(&user) {
                Some(entry) => {
                    entry::user(&user, &Fields::new(format!("user `{user}`"), &entry.value, &entry.folder)?)?
                }
                None => User { name: user, ..User::default() },
            },
        })
    }
}

/// Whether a node is more than empty.
fn holds_something(node: &Node) -> bool {
    match &node.kind {
        Kind::Null | Kind::Bool(false, _) => false,
        Kind::Map(entries) => entries.iter().any(|entry| holds_something(&entry.value)),
        Kind::List(items) => !items.is_empty(),
        _ => true,
    }
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark, which PowerShell writes.
fn decode(bytes: &[u8]) -> Result<String, KubeconfigError> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16, name: &str| {
        let pairs = rest.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            let found =
                format!("{name} text with an odd number of bytes ({}): another program appended to it", rest.len());
            return Err(KubeconfigError::Encoding(found));
        }
        let units: Vec<u16> = pairs.map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| KubeconfigError::Encoding(format!("not valid {name} text")))
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes, "UTF-16 LE"),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes, "UTF-16 BE"),
        // Letters of the first line have a zero byte before or after them; no text in UTF-8 begins so.
        [0, first, ..] | [first, 0, ..] if *first != 0 => {
            let found = "UTF-16 text without a byte order mark";
            Err(KubeconfigError::Encoding(found.to_owned()))
        }
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => match std::str::from_utf8(rest) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let found = format!("not UTF-8 text: byte {} cannot be decoded", error.valid_up_to() + 1);
                Err(KubeconfigError::Encoding(found))
            }
        },
    }
}

/// Adds the entries of one list (`clusters`, of which each has a `name` and a `cluster`).
fn add_entries(
    all: &mut BTreeMap<String, Entry>,
    root: &Node,
    (list, field): (&'static str, &str),
    folder: &Path,
) -> Result<(), KubeconfigError> {
    let Some(node) = root.get(list).filter(|node| !node.is_null()) else { return Ok(()) };
    if !matches!(node.kind, Kind::List(_)) {
        let found = format!("expected a list in `{list}` (line {}), found {}", node.at.line, node.kind_name());
        return Err(KubeconfigError::NotAKubeconfig(found));
    }
    let mut of_this_file = HashSet::new();
    for item in node.items() {
        // Without a name nothing can refer to it.
        let Some(name) = item.get("name").and_then(Node::text).map(str::to_owned) else { continue };
        if !of_this_file.insert(name.clone()) {
            return Err(KubeconfigError::DuplicateName { list, name });
        }
        let value = item.get(field).cloned().unwrap_or(Node { at: item.at, kind: Kind::Null });
        all.entry(name).or_insert(Entry { value, folder: folder.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
