//! As whom requests are sent: a token, a login, a plugin's credentials, and whom they act for.
//!
//! In: the user of a context. Out: headers for one request. A token file is read for every request, so that a rotated
//! token is used at once; when it cannot be read the last one is sent again, as client-go does.

use super::{
    exec::{ExecError, Plugin},
    kubeconfig::{Impersonate, Secret},
    tls::{Identity, TlsError},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// Credentials that cannot be had or sent.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("the {0} has characters that no HTTP header can carry")]
    Header(&'static str),
    #[error("the token file {} cannot be read", .path.display())]
    TokenFile {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the token file {} is empty", .0.display())]
    EmptyTokenFile(PathBuf),
    #[error("the id-token of the auth-provider oidc expired on {at}")]
    IdTokenExpired {
        at: jiff::Timestamp,
        /// kubectl can get another one.
        may_be_renewed: bool,
    },
    #[error(transparent)]
    Plugin(#[from] ExecError),
    #[error("the client certificate of the credential plugin cannot be used")]
    PluginCertificate(#[source] TlsError),
}

/// Where the credentials of a user come from.
pub enum Credentials {
    None,
    Fixed(HeaderValue),
    File { path: PathBuf, last: Mutex<Option<HeaderValue>> },
    Plugin(Box<Plugin>),
}

/// What goes with one request.
pub struct Sent {
    pub header: Option<HeaderValue>,
    /// Of the plugin's credentials.
    pub number: Option<u64>,
    /// The client certificate is another one than before.
    pub has_new_certificate: bool,
}

impl Credentials {
    /// `Authorization: Bearer`.
    ///
    /// # Errors
    /// A token with line breaks or control characters in it.
    pub fn bearer(token: &Secret) -> Result<Credentials, CredentialError> {
        bearer(&token.0).map(Credentials::Fixed)
    }

    /// `Authorization: Basic`.
    ///
    /// # Errors
    /// None in practice: base64 is always a header value.
    pub fn basic(user: &str, password: &Secret) -> Result<Credentials, CredentialError> {
        let login = format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.0)));
        sensitive(&login, "username and password").map(Credentials::Fixed)
    }

    /// The token in a file, or `otherwise` while the file cannot be read.
    ///
    /// # Errors
    /// As [`Credentials::bearer`], for `otherwise`.
    pub fn file(path: PathBuf, otherwise: Option<&Secret>) -> Result<Credentials, CredentialError> {
        let last = otherwise.map(|token| bearer(&token.0)).transpose()?;
        Ok(Credentials::File { path, last: Mutex::new(last) })
    }

    /// What the next request carries. `refused` is the number of credentials that the server did not accept.
    ///
    /// # Errors
    /// A token file that never could be read; whatever a plugin can fail with.
    pub async fn current(&self, refused: Option<u64>, identity: &Identity) -> Result<Sent, CredentialError> {
        let mut sent = Sent { header: None, number: None, has_new_certificate: false };
        match self {
            Credentials::None => {}
            Credentials::Fixed(header) => sent.header = Some(header.clone()),
            Credentials::File { path, last } => sent.header = Some(from_file(path, last).await?),
            Credentials::Plugin(plugin) => {
                let (number, credential) = plugin.credential(refused).await?;
                sent.number = Some(number);
                sent.header = credential.token.map(|token| bearer(&token.0)).transpose()?;
                if let Some((certificate, key)) = credential.certificate {
                    let set = identity.set(certificate.as_bytes(), key.0.as_bytes());
                    sent.has_new_certificate = set.map_err(CredentialError::PluginCertificate)?;
                }
            }
        }
        Ok(sent)
    }
}

async fn from_file(path: &PathBuf, last: &Mutex<Option<HeaderValue>>) -> Result<HeaderValue, CredentialError> {
    let read = match tokio::fs::read_to_string(path).await {
        Ok(text) if text.trim().is_empty() => Err(CredentialError::EmptyTokenFile(path.clone())),
        Ok(text) => bearer(&text),
        Err(source) => Err(CredentialError::TokenFile { path: path.clone(), source }),
    };
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    match read {
        Ok(header) => Ok(last.insert(header).clone()),
        Err(error) => last.clone().ok_or(error),
    }
}

fn bearer(token: &str) -> Result<HeaderValue, CredentialError> {
    sensitive(&format!("Bearer {}", token.trim()), "token")
}

fn sensitive(text: &str, what: &'static str) -> Result<HeaderValue, CredentialError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| CredentialError::Header(what))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Bytes of the key of an extra that a header name cannot carry.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'!').remove(b'*');

/// The headers by which requests act for another user.
///
/// # Errors
/// Names that no header can carry.
pub fn impersonation(as_whom: &Impersonate) -> Result<HeaderMap, CredentialError> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| CredentialError::Header("name to impersonate"));
    let mut headers = HeaderMap::new();
    if let Some(user) = &as_whom.user {
        headers.insert("impersonate-user", value(user)?);
    }
    if let Some(uid) = &as_whom.uid {
        headers.insert("impersonate-uid", value(uid)?);
    }
    for group in &as_whom.groups {
        headers.append("impersonate-group", value(group)?);
    }
    for (key, values) in &as_whom.extra {
        let key = utf8_percent_encode(&key.to_ascii_lowercase(), KEY).to_string();
        let name = HeaderName::try_from(format!("impersonate-extra-{key}"));
        let name = name.map_err(|_| CredentialError::Header("extra to impersonate"))?;
        for text in values {
            headers.append(name.clone(), value(text)?);
        }
    }
    Ok(headers)
}
