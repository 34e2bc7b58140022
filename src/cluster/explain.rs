//! What an error below HTTP means: its kind, its words, and what to do.
//!
//! Causes are found by type. Nothing here reads words of an error, but the message of one TLS alert at a time.

use super::{
    ClusterErrorKind,
    answer::NotKubernetes,
    api_version::Mismatch,
    credentials::CredentialError,
    decode::proto::Malformed,
    dial::DialError,
    error::{SLOW_HINT, chain, refusal},
    exec::ExecError,
    proxy::ProxyName,
    read_only::{self, NotSent},
    retry,
    socks::SocksError,
    tls::{self, Refused},
    transport::{NoAnswer, PluginRefused},
};
use crate::text::json_problem;
use rustls::{AlertDescription, CertificateError, InvalidMessage, OtherError, PeerIncompatible, pki_types::UnixTime};
use std::{error::Error, io, time::Duration};

type Explained = (ClusterErrorKind, String, Option<String>);

fn explained(kind: ClusterErrorKind, text: impl Into<String>, hint: &str) -> Explained {
    (kind, text.into(), Some(hint.to_owned()))
}

/// An error on the way to the server or back.
pub(super) fn transport(error: &(dyn Error + 'static)) -> Explained {
    explain(error)
        .unwrap_or_else(|| explained(ClusterErrorKind::Unreachable, chain(error), "the connection was lost; try again"))
}

/// An error of any of our own types or of those that we know, somewhere in the chain.
pub(super) fn explain(error: &(dyn Error + 'static)) -> Option<Explained> {
    causes(error)
        .find_map(|cause| {
            if cause.is::<NoAnswer>() {
                return Some(explained(ClusterErrorKind::Timeout, cause.to_string(), SLOW_HINT));
            }
            if cause.is::<NotSent>() {
                return Some(explained(ClusterErrorKind::Forbidden, cause.to_string(), read_only::HINT));
            }
            if let Some(error) = cause.downcast_ref::<DialError>() {
                return Some(dial(error));
            }
            if let Some(error) = cause.downcast_ref::<CredentialError>() {
                return Some(credentials(error));
            }
            if let Some(PluginRefused { .. }) = cause.downcast_ref() {
                let hint =
                    "log in again with the tool that the plugin belongs to; is it the right account for this cluster?";
                return Some(explained(ClusterErrorKind::Unauthorized, cause.to_string(), hint));
            }
            if let Some(error) = cause.downcast_ref::<NotKubernetes>() {
                return Some(not_kubernetes(error));
            }
            if let Some(Mismatch::SameToken | Mismatch::TooManyPages(_)) = cause.downcast_ref() {
                return Some(explained(ClusterErrorKind::Protocol, cause.to_string(), ENDLESS_HINT));
            }
            if cause.is::<Mismatch>() {
                return Some(explained(ClusterErrorKind::Protocol, cause.to_string(), MISMATCH_HINT));
            }
            if let Some(error) = cause.downcast_ref::<Malformed>() {
                return Some(malformed(error));
            }
            if let Some(error) = cause.downcast_ref::<rustls::Error>() {
                return Some(tls_failure(error, words(error)));
            }
            if let Some(error) = cause.downcast_ref::<hyper::Error>()
                && (error.is_parse() || error.is_incomplete_message())
            {
                return Some(http(error));
            }
            None
        })
        .or_else(|| io_kind(error))
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<Explained> {
    let kind = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind).last()?;
    match kind {
        io::ErrorKind::TimedOut => {
            let hint = "the address does not answer; is a VPN or a tunnel down?";
            Some(explained(ClusterErrorKind::Timeout, chain(error), hint))
        }
        io::ErrorKind::ConnectionRefused => {
            let hint = "no server listens there; is the cluster running, and is the port right?";
            Some(explained(ClusterErrorKind::Unreachable, chain(error), hint))
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>()).map(http)
        }
        // Where TLS ends without its proper end, rustls refers to its documentation.
        kind if retry::is_ended(&kind.into()) => Some(closed()),
        _ => None,
    }
}

/// The server, or something on the way, ended a connection.
fn closed() -> Explained {
    let found = "the server closed the connection before its answer was complete";
    explained(
        ClusterErrorKind::Unreachable,
        found,
        "try again; is the server still running, and is it the port of an API server?",
    )
}

fn dial(error: &DialError) -> Explained {
    let text = chain(error);
    match error {
        DialError::Lookup { .. } => {
            let hint = "the server's name does not resolve; check the URL of the context, the network, the VPN";
            explained(ClusterErrorKind::Unreachable, text, hint)
        }
        DialError::Connect { source, .. } => io_kind(source.as_ref()).map_or_else(
            || {
                let hint = "the server cannot be reached over this network; is a VPN or a tunnel down?";
                explained(ClusterErrorKind::Unreachable, text.clone(), hint)
            },
            |(kind, _, hint)| (kind, text.clone(), hint),
        ),
        DialError::ConnectTimeout { .. } => {
            explained(ClusterErrorKind::Timeout, text, "the address does not answer; is a VPN or a tunnel down?")
        }
        DialError::Proxy { proxy, source } => {
            let (kind, inner, _) = dial(source);
            let hint = match **source {
                DialError::Tls { .. } => format!(
                    "is the proxy {proxy} right? Its certificate is judged like the server's: by the certificate-authority \
                     of the kubeconfig, or by this system where there is none"
                ),
                _ => format!("is the proxy {proxy} right? {}", directly(proxy)),
            };
            (kind, format!("{error}: {inner}"), Some(hint))
        }
        DialError::ProxyRefused { proxy, answer, .. } if answer.starts_with("407") => {
            explained(ClusterErrorKind::Unreachable, text, if proxy.has_login { LOGIN_REFUSED } else { LOGIN_MISSING })
        }
        DialError::ProxyFailed { source, .. } if let Some(hint) = source.downcast_ref().and_then(socks_login) => {
            explained(ClusterErrorKind::Unreachable, text, hint)
        }
        DialError::ProxyRefused { proxy, .. } | DialError::ProxyFailed { proxy, .. } => {
            let hint = format!("does the proxy allow this server and port? {}", directly(proxy));
            (ClusterErrorKind::Unreachable, text, Some(hint))
        }
        DialError::Tls { source, .. } => {
            let inner = causes(source).find_map(|cause| cause.downcast_ref::<rustls::Error>());
            match inner {
                Some(inner) => tls_failure(inner, format!("{error}: {}", words(inner))),
                None => {
                    let hint = "the server ended the connection in the TLS handshake; is it the port of an API server?";
                    explained(ClusterErrorKind::Unreachable, text, hint)
                }
            }
        }
        DialError::TlsTimeout { .. } => {
            explained(ClusterErrorKind::Timeout, text, "does a server with TLS listen there, and is the port right?")
        }
    }
}

pub(super) const LOGIN_MISSING: &str =
    "the proxy wants a login: write it into its URL, as http://user:password@host:port";
const LOGIN_REFUSED: &str =
    "the proxy did not accept the login of its URL; correct user and password, with special characters as %40";

/// What to do about a SOCKS proxy that wants another login.
fn socks_login(error: &SocksError) -> Option<&'static str> {
    match error {
        SocksError::LoginMissing => {
            Some("the proxy wants a login: write it into its URL, as socks5://user:password@host:port")
        }
        SocksError::LoginRefused | SocksError::LoginSize => Some(LOGIN_REFUSED),
        SocksError::Version { .. } => Some("is it a SOCKS5 proxy? One that speaks HTTP is written as http://host:port"),
        _ => None,
    }
}

/// How a server is reached without a proxy.
fn directly(proxy: &ProxyName) -> &'static str {
    match proxy.of_kubeconfig {
        true => "For a server that is reached directly, remove proxy-url from the kubeconfig",
        false => "A server that is reached directly can be added to NO_PROXY",
    }
}

/// What rustls says; for a certificate that we refused, our own words, which rustls shows only for debugging.
fn words(error: &rustls::Error) -> String {
    match error {
        error if serves_as_authority(error) => {
            "the server's certificate may sign other certificates (CA:TRUE), which this system's verifier refuses"
                .to_owned()
        }
        rustls::Error::InvalidCertificate(error) => certificate_words(error),
        other => other.to_string(),
    }
}

/// rustls writes times as seconds since 1970, and names as its types.
fn certificate_words(error: &CertificateError) -> String {
    let date = |time: UnixTime| tls::date(Duration::from_secs(time.as_secs()));
    match error {
        CertificateError::Other(OtherError(other)) => other.to_string(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the server's certificate expired on {}", date(*not_after))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the server's certificate is not valid before {}", date(*not_before))
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("the server's certificate is for {names}, not for {}", expected.to_str())
        }
        other => rustls::Error::InvalidCertificate(other.clone()).to_string(),
    }
}

/// The name in `DnsName("k8s.test")` or `IpAddress(10.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// The verifier of this system has no name for it but webpki's.
fn serves_as_authority(error: &rustls::Error) -> bool {
    matches!(error, rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other)))
        if other.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity))
}

/// `text` is the whole message.
fn tls_failure(error: &rustls::Error, text: String) -> Explained {
    let unreachable = |hint: &str| explained(ClusterErrorKind::Unreachable, text.clone(), hint);
    match error {
        error if serves_as_authority(error) => unreachable(
            "name the authority that signed it as certificate-authority of the kubeconfig: it is accepted there",
        ),
        rustls::Error::InvalidCertificate(error) => unreachable(certificate(error)),
        rustls::Error::AlertReceived(alert) => alerted(*alert, text),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            unreachable("the server answers without TLS; is the port right, or must the server URL start with http://?")
        }
        rustls::Error::InvalidMessage(_) => {
            unreachable("the answer is not valid TLS; is this the port of an API server?")
        }
        rustls::Error::PeerIncompatible(
            PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
        ) => unreachable(
            "the server and aicr do not share a signature scheme; aicr supports RSA, ECDSA on P-256, P-384 and P-521, and Ed25519",
        ),
        rustls::Error::PeerIncompatible(_) => {
            unreachable("the server and aicr do not share a TLS version or cipher; aicr supports TLS 1.2 and 1.3")
        }
        _ => unreachable("the TLS connection failed; try again, and compare with `kubectl get --raw /readyz`"),
    }
}

fn certificate(error: &CertificateError) -> &'static str {
    use CertificateError as Of;
    match error {
        Of::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "the certificate names no host as subjectAltName, and a common name (CN) does not count; the server needs another certificate"
        }
        Of::NotValidForName | Of::NotValidForNameContext { .. } => {
            "the certificate is for other names; correct the server URL or tls-server-name of the kubeconfig"
        }
        Of::Expired | Of::ExpiredContext { .. } => {
            "the server's certificate has expired; whoever runs the server must renew it; is this machine's clock right?"
        }
        Of::NotValidYet | Of::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; is this machine's clock right?"
        }
        Of::UnknownIssuer => {
            "the server's certificate is not signed by a trusted certificate-authority; set the right one in the kubeconfig"
        }
        Of::UnsupportedSignatureAlgorithmContext { .. }
        | Of::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the key or signature of a certificate is of a kind that is not supported: RSA from 2048 bits, P-256, P-384, P-521 and Ed25519 with SHA-2 are"
        }
        Of::InvalidPurpose | Of::InvalidPurposeContext { .. } => {
            "the certificate is not for servers (extended key usage); the server needs another one"
        }
        Of::Other(OtherError(other)) => other.downcast_ref::<Refused>().map_or(
            "the server's certificate breaks a rule of X.509; whoever runs the server must make another one",
            |refused| refused.hint,
        ),
        _ => "the server's certificate cannot be used; whoever runs the server must make another one",
    }
}

/// A server that ends the connection with an alert is, with few exceptions, one that wants another client certificate.
fn alerted(alert: AlertDescription, text: String) -> Explained {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => {
            let hint = "the server requires a client certificate; set client-certificate of this context's user in the kubeconfig";
            explained(ClusterErrorKind::Unauthorized, text, hint)
        }
        Alert::CertificateExpired
        | Alert::BadCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateUnknown
        | Alert::UnsupportedCertificate
        | Alert::UnknownCA
        | Alert::AccessDenied
        | Alert::DecryptError => {
            let hint =
                "the server does not accept the client certificate of this context; it may have expired: log in again";
            explained(ClusterErrorKind::Unauthorized, text, hint)
        }
        Alert::UnrecognisedName => {
            let hint =
                "the server does not serve this name; correct the server URL or tls-server-name in the kubeconfig";
            explained(ClusterErrorKind::Unreachable, text, hint)
        }
        Alert::ProtocolVersion | Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            let hint = "the server and aicr do not share a TLS version, cipher or signature scheme; aicr supports TLS 1.2 and 1.3";
            explained(ClusterErrorKind::Unreachable, text, hint)
        }
        _ => explained(ClusterErrorKind::Unreachable, text, "the server ended the TLS connection; see its log"),
    }
}

fn http(error: &hyper::Error) -> Explained {
    if error.is_incomplete_message() {
        return closed();
    }
    let found = format!("the answer is not HTTP: {}", chain(error));
    let hint = "is this the URL of an API server? A server with TLS needs https:// in its URL";
    explained(ClusterErrorKind::Protocol, found, hint)
}

fn credentials(error: &CredentialError) -> Explained {
    let hint = match error {
        CredentialError::Header(_) => "correct the user of this context in the kubeconfig".to_owned(),
        CredentialError::TokenFile { .. } | CredentialError::EmptyTokenFile(_) => {
            "correct tokenFile in the kubeconfig, or log in again".to_owned()
        }
        CredentialError::IdTokenExpired { may_be_renewed: true, .. } => {
            "run `kubectl get nodes` once, which renews it, or log in again".to_owned()
        }
        CredentialError::IdTokenExpired { .. } => {
            "log in again with the tool that wrote it into the kubeconfig".to_owned()
        }
        CredentialError::PluginCertificate(_) => "log in again with the tool that the plugin belongs to".to_owned(),
        CredentialError::Plugin(error) => plugin(error),
    };
    (ClusterErrorKind::Unauthorized, chain(error), Some(hint))
}

fn plugin(error: &ExecError) -> String {
    match error {
        ExecError::ApiVersion { .. } => "write the apiVersion that the plugin's own documentation names".to_owned(),
        ExecError::Missing { install_hint: Some(hint), .. } => hint.trim().to_owned(),
        ExecError::Missing { command, .. } => format!("install `{command}`, or correct the kubeconfig or PATH"),
        ExecError::Interpreter { interpreter, .. } => {
            format!("install `{interpreter}`, or correct the first line of the plugin")
        }
        ExecError::Start { .. } => "is it an executable file for this machine?".to_owned(),
        ExecError::NeedsTerminal { .. } => {
            "log in with `kubectl get nodes` in another terminal, or use a command of aicr at a terminal".to_owned()
        }
        ExecError::Timeout { .. } => "log in with kubectl first, then try again".to_owned(),
        ExecError::Failed { command, .. } => {
            format!("run `{command}` by hand to see what it says; you may have to log in again")
        }
        ExecError::Output { .. } | ExecError::Read { .. } => {
            "run the plugin by hand to see what it prints; you may have to log in again".to_owned()
        }
    }
}

fn not_kubernetes(error: &NotKubernetes) -> Explained {
    if error.status == 407 {
        return explained(ClusterErrorKind::Unreachable, error.to_string(), LOGIN_MISSING);
    }
    let hint = "is this the URL of an API server? A login page, proxy or load balancer answers in its place";
    let kind = match refusal("", error.status, "", "").0 {
        // Of something that is not an API server, "not found" says nothing about an object.
        ClusterErrorKind::NotFound | ClusterErrorKind::Conflict | ClusterErrorKind::Rejected => {
            ClusterErrorKind::Protocol
        }
        kind => kind,
    };
    explained(kind, error.to_string(), hint)
}

/// A body that is not the JSON that was asked for.
pub(super) fn body(error: &serde_json::Error) -> Explained {
    let hint = STRANGE_HINT;
    if error.is_eof() && (error.line(), error.column()) == (1, 0) {
        return explained(ClusterErrorKind::Protocol, "the answer is empty", hint);
    }
    if error.is_eof() {
        let found = format!("the answer ends in the middle (line {}, column {})", error.line(), error.column());
        return explained(ClusterErrorKind::Unreachable, found, CUT_HINT);
    }
    let found = format!("the answer is not what Kubernetes sends: {}", json_problem(error));
    explained(ClusterErrorKind::Protocol, found, hint)
}

const MISMATCH_HINT: &str =
    "see what the server serves with `kubectl version` and `kubectl api-versions`; it may need another version of aicr";
const ENDLESS_HINT: &str =
    "that is a defect of the server or of a proxy in front of it; compare with `kubectl get --chunk-size=500`";
const STRANGE_HINT: &str = "is this the URL of a Kubernetes API server? A proxy may answer in its place";
const CUT_HINT: &str = "the connection was cut, by the server or on the way; try again";

/// An answer in protobuf that cannot be read.
fn malformed(error: &Malformed) -> Explained {
    match error {
        Malformed::Truncated => explained(ClusterErrorKind::Unreachable, "the answer ends in the middle", CUT_HINT),
        error => {
            let found = format!("the answer is not what Kubernetes sends: {error}");
            explained(ClusterErrorKind::Protocol, found, STRANGE_HINT)
        }
    }
}

/// An error and everything under it. `io::Error` shows what it wraps as its own source's source, so it is opened here.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = match this.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => this.source(),
        };
        Some(this)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stalled_server_is_a_timeout_and_a_closed_port_is_not() {
        assert_eq!(transport(&NoAnswer).0, ClusterErrorKind::Timeout);
        let (kind, _, hint) = transport(&io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(kind, ClusterErrorKind::Unreachable);
        assert!(hint.is_some_and(|hint| hint.contains("no server listens there")));
    }

    #[test]
    fn a_body_failure_is_classified() {
        let of = |text: &str| body(&serde_json::from_str::<Vec<u8>>(text).unwrap_err());
        assert_eq!(of("").1, "the answer is empty");
        assert_eq!(of("[1, 2").0, ClusterErrorKind::Unreachable);
        assert!(of("[1, 2").1.starts_with("the answer ends in the middle"));
        assert_eq!(of("<html>").0, ClusterErrorKind::Protocol);
        assert_eq!(of("{}").0, ClusterErrorKind::Protocol);
        let found = body(&serde_json::from_str::<super::super::api_version::Types>("5").unwrap_err()).1;
        assert_eq!(
            found,
            "the answer is not what Kubernetes sends: invalid type: integer `5`, expected an object at line 1 column 1"
        );
    }
}
