//! TLS towards the API server: whom we trust, and which certificate we show.
//!
//! In: PEM text of a kubeconfig. Out: a client configuration for rustls. Servers are judged by webpki, then, where
//! that refuses, by the rules that Go has and webpki has not ([`verify`]).

mod p521;
mod verify;

pub use p521::provider;
pub use verify::{Refused, date};

use rustls::{
    ClientConfig, SignatureScheme,
    client::{ResolvesClientCert, Resumption, danger::ServerCertVerifier},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use std::sync::{Arc, PoisonError, RwLock};

/// Which servers are trusted.
pub enum Trust {
    /// Those that the certificates of the system vouch for.
    System,
    /// Those that these certificates vouch for, in PEM.
    Authority(Vec<u8>),
    /// All of them.
    Any,
}

/// TLS settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate-authority does not contain a certificate in PEM format")]
    NoAuthority,
    #[error("a certificate of the certificate-authority cannot be read")]
    Authority(#[source] rustls::Error),
    #[error("the certificates of this system cannot be read; name a certificate-authority in the kubeconfig")]
    System(#[source] rustls::Error),
    #[error("the client-certificate does not contain a certificate in PEM format")]
    NoCertificate,
    #[error("the client-key is encrypted; write it without a passphrase")]
    EncryptedKey,
    #[error("the client-key does not contain a private key in PEM format")]
    NoKey,
    #[error("the client-key cannot be used: RSA of 2048 to 4096 bits, P-256, P-384, P-521 and Ed25519 are supported")]
    Key(#[source] rustls::Error),
    #[error("the client-key does not belong to the client-certificate")]
    Mismatch,
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// The certificate that we show to servers; empty until one is set, and replaced when a plugin has a newer one.
#[derive(Debug, Default)]
pub struct Identity(RwLock<Option<Arc<CertifiedKey>>>);

impl Identity {
    /// Replaces the certificate and its key, both in PEM. True if the certificate is another one than before.
    ///
    /// # Errors
    /// PEM without a certificate or key, a key of an unknown kind, a key of another certificate.
    pub fn set(&self, certificate: &[u8], key: &[u8]) -> Result<bool, TlsError> {
        let identity = Arc::new(certified(certificate, key)?);
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = current.as_ref().is_none_or(|old| old.cert != identity.cert);
        *current = Some(identity);
        Ok(is_new)
    }

    fn current(&self) -> Option<Arc<CertifiedKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.current().filter(|identity| identity.key.choose_scheme(schemes).is_some())
    }

    fn has_certs(&self) -> bool {
        self.current().is_some()
    }
}

fn certified(certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(certificate);
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
        let text = String::from_utf8_lossy(key);
        let is_encrypted = text.contains("ENCRYPTED");
        if is_encrypted { TlsError::EncryptedKey } else { TlsError::NoKey }
    })?;
    let key = provider().key_provider.load_private_key(key).map_err(TlsError::Key)?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => Err(TlsError::Mismatch),
        _ => Ok(identity),
    }
}

/// The certificates of a PEM text; what is no certificate is passed over, as Go does, also a block without an end.
fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let starts = (0..pem.len()).filter(|at| pem[*at..].starts_with(BEGIN));
    let mut blocks: Vec<usize> = starts.chain([pem.len()]).collect();
    blocks.dedup();
    let block = |ends: &[usize]| CertificateDer::from_pem_slice(&pem[ends[0]..ends[1]]).ok();
    blocks.windows(2).filter_map(block).collect()
}

/// A client configuration for HTTP/1.1.
///
/// # Errors
/// An authority that cannot be read, a system without certificates.
pub fn client_config(trust: &Trust, identity: Arc<Identity>) -> Result<Arc<ClientConfig>, TlsError> {
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => Arc::new(rustls_platform_verifier::Verifier::new(provider()).map_err(TlsError::System)?),
        Trust::Authority(pem) => Arc::new(verify::Authority::new(certificates(pem))?),
        Trust::Any => Arc::new(verify::Anyone),
    };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(identity);
    // A resumed session is that of the certificate it began with, whatever a plugin has given since. Go does not either.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
