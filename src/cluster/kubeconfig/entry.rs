//! One cluster or user of a kubeconfig: its node as typed fields, with kubectl's rules on what may go together.

use super::{Cluster, Content, Exec, Impersonate, Interactive, KubeconfigError, Secret, User};
use crate::yaml::{Kind, Node};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, KubeconfigError>;

/// The fields of one entry; an error names the entry and the field.
pub(super) struct Fields<'k> {
    of: String,
    value: &'k Node,
    folder: &'k Path,
}

impl<'k> Fields<'k> {
    pub(super) fn new(of: String, value: &'k Node, folder: &'k Path) -> Fields<'k> {
        Fields { of, value, folder }
    }

    fn error(&self, problem: impl Into<String>) -> KubeconfigError {
        KubeconfigError::Field { entry: self.of.clone(), problem: problem.into() }
    }

    fn wrong(&self, key: &str, node: &Node, expected: &str) -> KubeconfigError {
        self.error(format!("`{key}` (line {}) is {}, not {expected}", node.at.line, node.kind_name()))
    }

    fn node(&self, key: &str) -> Option<&'k Node> {
        self.value.get(key).filter(|node| !node.is_null())
    }

    fn within(&self, key: &str) -> Option<Fields<'k>> {
        self.node(key).map(|value| Fields { of: format!("{}, {key}", self.of), value, folder: self.folder })
    }

    /// A field that is text by type; `None` where it is missing or empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>> {
        let Some(node) = self.node(key) else { return Ok(None) };
        let text = node.text().ok_or_else(|| self.wrong(key, node, "text"))?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn bool(&self, key: &str) -> Result<bool> {
        let Some(node) = self.node(key) else { return Ok(false) };
        node.as_bool().ok_or_else(|| self.wrong(key, node, "a boolean"))
    }

    fn texts(&self, key: &str) -> Result<Vec<String>> {
        let Some(node) = self.node(key) else { return Ok(Vec::new()) };
        if !matches!(node.kind, Kind::List(_)) {
            return Err(self.wrong(key, node, "a list"));
        }
        let text = |item: &Node| item.text().map(str::to_owned).ok_or_else(|| self.wrong(key, item, "text"));
        node.items().iter().map(text).collect()
    }

    /// A relative path counts from the folder of the file that names it.
    fn path(&self, key: &str) -> Result<Option<PathBuf>> {
        Ok(self.text(key)?.map(|path| self.folder.join(path)))
    }

    /// `KEY-data` in base64, else the file of `KEY`.
    fn content(&self, key: &str) -> Result<Option<Content>> {
        let data_key = format!("{key}-data");
        if let Some(data) = self.text(&data_key)? {
            // Go's decoder passes over line breaks; a block scalar has them.
            let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let entry = self.of.clone();
            let bytes =
                STANDARD.decode(&data).map_err(|source| KubeconfigError::NotBase64 { entry, key: data_key, source })?;
            return Ok(Some(Content::Inline(bytes)));
        }
        Ok(self.path(key)?.map(Content::File))
    }
}

pub(super) fn cluster(fields: &Fields<'_>) -> Result<Cluster> {
    let cluster = Cluster {
        server: fields.text("server")?.ok_or_else(|| fields.error("`server` is missing"))?,
        certificate_authority: fields.content("certificate-authority")?,
        insecure_skip_tls_verify: fields.bool("insecure-skip-tls-verify")?,
        tls_server_name: fields.text("tls-server-name")?,
        proxy_url: fields.text("proxy-url")?,
        plugin_config: plugin_config(fields),
    };
    if cluster.insecure_skip_tls_verify && cluster.certificate_authority.is_some() {
        let problem = "`certificate-authority` and `insecure-skip-tls-verify: true` contradict each other";
        return Err(fields.error(problem));
    }
    Ok(cluster)
}

fn plugin_config(fields: &Fields<'_>) -> Option<serde_json::Value> {
    let named = |item: &&Node| item.get("name").and_then(Node::text) == Some("client.authentication.k8s.io/exec");
    Some(fields.node("extensions")?.items().iter().find(named)?.get("extension")?.to_value())
}

pub(super) fn user(name: &str, fields: &Fields<'_>) -> Result<User> {
    let token = fields.text("token")?.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    let username = fields.text("username")?;
    if token.is_some() && username.is_some() {
        return Err(fields.error("both `token` and `username` are set; only one way to log in is allowed"));
    }
    let user = User {
        name: name.to_owned(),
        token: token.map(Secret),
        token_file: fields.path("tokenFile")?,
        basic: match username {
            Some(name) => Some((name, Secret(fields.text("password")?.unwrap_or_default()))),
            None => None,
        },
        client_certificate: fields.content("client-certificate")?,
        client_key: fields.content("client-key")?,
        impersonate: impersonate(fields)?,
        exec: fields.within("exec").map(|exec| plugin(&exec)).transpose()?,
    };
    match (&user.client_certificate, &user.client_key) {
        (Some(_), None) => return Err(fields.error("`client-certificate` is set, `client-key` is missing")),
        (None, Some(_)) => return Err(fields.error("`client-key` is set, `client-certificate` is missing")),
        _ => {}
    }
    match fields.within("auth-provider") {
        Some(provider) => with_provider(user, &provider),
        None => Ok(user),
    }
}

/// The providers that client-go once had built in: only the token of `oidc` can be used as it is.
fn with_provider(user: User, provider: &Fields<'_>) -> Result<User> {
    if user.exec.is_some() {
        return Err(provider.error("`exec` and `auth-provider` cannot be used together"));
    }
    let name = provider.text("name")?.unwrap_or_default();
    match name.as_str() {
        "oidc" => {
            let config = provider.within("config").ok_or_else(|| provider.error("`config` is missing"))?;
            let token = config.text("id-token")?.ok_or_else(|| config.error("`id-token` is missing; log in again"))?;
            Ok(User { token: Some(Secret(token.trim().to_owned())), ..user })
        }
        "gcp" => {
            Err(provider.error("the gcp provider was removed from Kubernetes; use the plugin gke-gcloud-auth-plugin"))
        }
        "azure" => Err(provider.error("the azure provider was removed from Kubernetes; use the plugin kubelogin")),
        _ => Err(provider.error(format!("unknown provider `{name}`; use a credential plugin (`exec`) in its place"))),
    }
}

fn impersonate(fields: &Fields<'_>) -> Result<Impersonate> {
    let mut extra = Vec::new();
    if let Some(of_user) = fields.within("as-user-extra") {
        for entry in of_user.value.entries() {
            extra.push((entry.key.to_string(), of_user.texts(&entry.key)?));
        }
    }
    let impersonate = Impersonate {
        user: fields.text("as")?,
        uid: fields.text("as-uid")?,
        groups: fields.texts("as-groups")?,
        extra,
    };
    let more = impersonate.uid.is_some() || !impersonate.groups.is_empty() || !impersonate.extra.is_empty();
    if impersonate.user.is_none() && more {
        return Err(fields.error("`as-uid`, `as-groups` and `as-user-extra` need `as`"));
    }
    Ok(impersonate)
}

fn plugin(fields: &Fields<'_>) -> Result<Exec> {
    let command = fields.text("command")?.ok_or_else(|| fields.error("`command` is missing"))?;
    let mut env = Vec::new();
    for item in fields.node("env").map_or(&[][..], Node::items) {
        let part = |key| item.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        env.push((part("name"), part("value")));
    }
    Ok(Exec {
        api_version: fields.text("apiVersion")?.unwrap_or_default(),
        // A bare name is for PATH; a relative path counts from the file.
        command: if command.contains(std::path::MAIN_SEPARATOR) {
            fields.folder.join(&command).to_string_lossy().into_owned()
        } else {
            command
        },
        args: fields.texts("args")?,
        env,
        install_hint: fields.text("installHint")?,
        interactive: match fields.text("interactiveMode")?.as_deref() {
            None | Some("IfAvailable") => Interactive::IfAvailable,
            Some("Never") => Interactive::Never,
            Some("Always") => Interactive::Always,
            Some(other) => {
                let expected = "expected Never, IfAvailable or Always";
                return Err(fields.error(format!("`interactiveMode: {other}` is unknown; {expected}")));
            }
        },
        provide_cluster_info: fields.bool("provideClusterInfo")?,
    })
}
