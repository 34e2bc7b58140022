//! One cluster or user of a kubeconfig: its node as typed fields, with kubectl's rules on what may go together.

use super::{Cluster, Content, Exec, IdToken, Impersonate, Interactive, KubeconfigError, Secret, User};
use crate::yaml::{Kind, Node};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, KubeconfigError>;

/// The fields of one entry; an error names the entry and the field.
pub(super) struct Fields<'k> {
    of: String,
    value: &'k Node,
    folder: &'k Path,
}

impl<'k> Fields<'k> {
    /// # Errors
    /// A value that has no fields: kubectl refuses it, and without its fields requests would go out as somebody else.
    pub(super) fn new(of: String, value: &'k Node, folder: &'k Path) -> Result<Fields<'k>> {
        if matches!(value.kind, Kind::Map(_) | Kind::Null) {
            return Ok(Fields { of, value, folder });
        }
        let problem = format!("expected a mapping (line {}), found {}", value.at.line, value.kind_name());
        Err(KubeconfigError::Field { entry: of, problem })
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

    fn within(&self, key: &str) -> Result<Option<Fields<'k>>> {
        self.node(key).map(|value| Fields::new(format!("{}, {key}", self.of), value, self.folder)).transpose()
    }

    /// The mappings of a list.
    fn each(&self, key: &str) -> Result<Vec<Fields<'k>>> {
        let Some(node) = self.node(key) else { return Ok(Vec::new()) };
        if !matches!(node.kind, Kind::List(_)) {
            return Err(self.wrong(key, node, "a list"));
        }
        node.items().iter().map(|item| Fields::new(format!("{}, {key}", self.of), item, self.folder)).collect()
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
        plugin_config: plugin_config(fields)?,
    };
    if cluster.insecure_skip_tls_verify && cluster.certificate_authority.is_some() {
        let problem = "`certificate-authority` and `insecure-skip-tls-verify: true` contradict each other";
        return Err(fields.error(problem));
    }
    Ok(cluster)
}

fn plugin_config(fields: &Fields<'_>) -> Result<Option<serde_json::Value>> {
    let named =
        |item: &Fields<'_>| item.value.get("name").and_then(Node::text) == Some("client.authentication.k8s.io/exec");
    let extension = fields.each("extensions")?.into_iter().find(named);
    Ok(extension.and_then(|item| item.value.get("extension").map(Node::to_value)))
}

pub(super) fn user(name: &str, fields: &Fields<'_>) -> Result<User> {
    let token = fields.text("token")?.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
    let (username, password) = (fields.text("username")?, fields.text("password")?);
    let login = if username.is_some() { "username" } else { "password" };
    if token.is_some() && (username.is_some() || password.is_some()) {
        return Err(fields.error(format!("both `token` and `{login}` are set; only one way to log in is allowed")));
    }
    let may_log_in = username.is_some()
        || ["tokenFile", "client-certificate", "client-certificate-data", "exec", "auth-provider"]
            .iter()
            .any(|key| fields.node(key).is_some());
    if password.is_some() && !may_log_in {
        return Err(fields.error("`password` is set, `username` is missing"));
    }
    let user = User {
        name: name.to_owned(),
        token: token.map(Secret),
        token_file: fields.path("tokenFile")?,
        basic: username.map(|name| (name, Secret(password.unwrap_or_default()))),
        id_token: None,
        client_certificate: fields.content("client-certificate")?,
        client_key: fields.content("client-key")?,
        impersonate: impersonate(fields)?,
        exec: fields.within("exec")?.map(|exec| plugin(&exec)).transpose()?,
    };
    match (&user.client_certificate, &user.client_key) {
        (Some(_), None) => return Err(fields.error("`client-certificate` is set, `client-key` is missing")),
        (None, Some(_)) => return Err(fields.error("`client-key` is set, `client-certificate` is missing")),
        _ => {}
    }
    match fields.within("auth-provider")? {
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
            // Like kubectl: a token or login of the user goes before that of the provider.
            if user.token.is_some() || user.token_file.is_some() || user.basic.is_some() {
                return Ok(user);
            }
            let config = provider.within("config")?.ok_or_else(|| provider.error("`config` is missing"))?;
            let token = config.text("id-token")?.ok_or_else(|| config.error("`id-token` is missing; log in again"))?;
            let may_be_renewed = config.text("refresh-token")?.is_some();
            let id_token = expiry(token.trim()).map(|expires| IdToken { expires, may_be_renewed });
            Ok(User { token: Some(Secret(token.trim().to_owned())), id_token, ..user })
        }
        "gcp" => {
            Err(provider.error("the gcp provider was removed from Kubernetes; use the plugin gke-gcloud-auth-plugin"))
        }
        "azure" => Err(provider.error("the azure provider was removed from Kubernetes; use the plugin kubelogin")),
        _ => Err(provider.error(format!("unknown provider `{name}`; use a credential plugin (`exec`) in its place"))),
    }
}

/// When a JSON web token expires; `None` where it does not say so, or is none.
fn expiry(token: &str) -> Option<jiff::Timestamp> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let seconds = claims["exp"].as_i64().or_else(|| claims["exp"].as_f64().map(|seconds| seconds as i64))?;
    jiff::Timestamp::from_second(seconds).ok()
}

fn impersonate(fields: &Fields<'_>) -> Result<Impersonate> {
    let mut extra = Vec::new();
    if let Some(of_user) = fields.within("as-user-extra")? {
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
    for variable in fields.each("env")? {
        let name = variable.text("name")?.ok_or_else(|| variable.error("`name` is missing"))?;
        env.push((name, variable.text("value")?.unwrap_or_default()));
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
