//! Judges the certificate that a server shows: webpki first, then two rules that Go has and webpki has not.
//!
//! A server is also trusted when the certificate-authority is exactly the certificate that it shows (a pinned leaf), and
//! when a certificate that may sign others (`CA:TRUE`) serves and is signed by the authority, itself or through
//! intermediates that the server sends with it. Name, validity and purpose are checked all the same.

use super::{TlsError, provider};
use rustls::{
    CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime},
};
use std::{sync::Arc, time::Duration};
use webpki::EndEntityCert;
use x509_cert::{
    Certificate,
    der::{Decode, Encode, oid::db::rfc5280},
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
};

/// A certificate that was refused, in words: which one, by which rule.
#[derive(Debug, thiserror::Error)]
#[error("the server's certificate (subject {subject}, issued by {issuer}) {why}")]
pub struct Refused {
    pub subject: String,
    pub issuer: String,
    pub why: &'static str,
    /// What to do.
    pub hint: &'static str,
}

/// Trusts what these certificates vouch for.
#[derive(Debug)]
pub struct Authority {
    certificates: Vec<CertificateDer<'static>>,
    webpki: Arc<WebPkiServerVerifier>,
}

impl Authority {
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Authority, TlsError> {
        if certificates.is_empty() {
            return Err(TlsError::NoAuthority);
        }
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            roots.add(certificate.clone()).map_err(TlsError::Authority)?;
        }
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let webpki = webpki.map_err(|error| TlsError::Setup(rustls::Error::General(error.to_string())))?;
        Ok(Authority { certificates, webpki })
    }
}

impl ServerCertVerifier for Authority {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.webpki.verify_server_cert(shown, intermediates, name, ocsp, now) {
            Err(error) if is_of_issuer_or_role(&error) => self.as_go_does(shown, intermediates, name, now, error),
            answer => answer,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Nobody known signed it, or webpki refuses it because it may sign others.
fn is_of_issuer_or_role(error: &rustls::Error) -> bool {
    match error {
        // BadSignature: an authority of the same name, as a cluster has that was made again.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => true,
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
            other.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
        }
        _ => false,
    }
}

impl Authority {
    fn as_go_does(
        &self,
        shown: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
        refusal: rustls::Error,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let (Ok(parsed), Ok(end_entity)) = (Certificate::from_der(shown), EndEntityCert::try_from(shown)) else {
            return Err(refusal);
        };
        let is_pinned = self.certificates.iter().any(|certificate| certificate == shown);
        let is_ca =
            matches!(parsed.tbs_certificate().get_extension::<BasicConstraints>(), Ok(Some((_, basic))) if basic.ca);
        let refused = |why, hint| {
            Err(other(Refused {
                subject: shown_name(parsed.tbs_certificate().subject()),
                issuer: shown_name(parsed.tbs_certificate().issuer()),
                why,
                hint,
            }))
        };
        let mut chain =
            Chain { authorities: &self.certificates, intermediates, now, used: Vec::new(), left: SIGNATURES };
        let is_vouched_for = is_pinned || is_ca && chain.reaches_an_authority(&parsed, shown);
        if !is_vouched_for {
            return if is_ca
                && !matches!(
                    refusal,
                    rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)
                ) {
                refused(
                    "may sign other certificates (CA:TRUE) and is not signed by the certificate-authority, nor by what the server sends with it",
                    "give the server a certificate of its own, or name the certificate that it shows as certificate-authority",
                )
            } else {
                refused(
                    "is not signed by the certificate-authority of the kubeconfig",
                    "is it the right cluster? Its certificate-authority may have been renewed: fetch the kubeconfig again",
                )
            };
        }
        check_validity(&parsed, now)?;
        if !may_serve(&parsed) {
            return refused(
                "is not for servers (its extended key usage lacks serverAuth)",
                "the server needs another certificate",
            );
        }
        end_entity.verify_is_valid_for_subject_name(name).map_err(|_| {
            rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                expected: name.to_owned(),
                presented: end_entity.valid_dns_names().map(str::to_owned).collect(),
            })
        })?;
        Ok(ServerCertVerified::assertion())
    }
}

fn other(refused: Refused) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refused))))
}

/// RFC 4514, or `(empty)`.
fn shown_name(name: &x509_cert::name::Name) -> String {
    let text = name.to_string();
    if text.is_empty() { "(empty)".to_owned() } else { text }
}

fn check_validity(certificate: &Certificate, now: UnixTime) -> Result<(), rustls::Error> {
    let validity = certificate.tbs_certificate().validity();
    let time = |duration: Duration| UnixTime::since_unix_epoch(duration);
    let (not_before, not_after) =
        (time(validity.not_before.to_unix_duration()), time(validity.not_after.to_unix_duration()));
    let error = if now < not_before {
        CertificateError::NotValidYetContext { time: now, not_before }
    } else if now > not_after {
        CertificateError::ExpiredContext { time: now, not_after }
    } else {
        return Ok(());
    };
    Err(rustls::Error::InvalidCertificate(error))
}

/// Without the extension a certificate is for anything.
fn may_serve(certificate: &Certificate) -> bool {
    match certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>() {
        Ok(None) => true,
        Ok(Some((_, usage))) => {
            usage.0.contains(&rfc5280::ID_KP_SERVER_AUTH) || usage.0.contains(&rfc5280::ANY_EXTENDED_KEY_USAGE)
        }
        Err(_) => false,
    }
}

/// Certificates between a server's and an authority, at most.
const INTERMEDIATES: usize = 6;
/// Signatures that are checked for one server, at most: certificates of the same names could make the search endless.
const SIGNATURES: usize = 64;

/// The search for a way from a certificate to an authority.
struct Chain<'c> {
    authorities: &'c [CertificateDer<'static>],
    /// As the server sent them, in any order.
    intermediates: &'c [CertificateDer<'c>],
    now: UnixTime,
    /// Those between the server's certificate and the one that is looked at.
    used: Vec<usize>,
    /// Signatures that may still be checked.
    left: usize,
}

impl Chain<'_> {
    fn reaches_an_authority(&mut self, certificate: &Certificate, der: &CertificateDer<'_>) -> bool {
        let authorities = self.authorities;
        if authorities.iter().any(|authority| self.left > 0 && self.is_signed(certificate, der, authority)) {
            return true;
        }
        if self.used.len() == INTERMEDIATES {
            return false;
        }
        let intermediates = self.intermediates;
        for (index, issuer) in intermediates.iter().enumerate() {
            let Ok(parsed) = Certificate::from_der(issuer) else { continue };
            let is_usable = !self.used.contains(&index)
                && may_sign(&parsed, self.used.len())
                && may_serve(&parsed)
                && check_validity(&parsed, self.now).is_ok();
            if !is_usable || self.left == 0 || !self.is_signed(certificate, der, issuer) {
                continue;
            }
            self.used.push(index);
            if self.reaches_an_authority(&parsed, issuer) {
                return true;
            }
            self.used.pop();
        }
        false
    }

    fn is_signed(&mut self, certificate: &Certificate, der: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
        self.left = self.left.saturating_sub(1);
        is_signed_by(certificate, der, issuer)
    }
}

/// Whether a certificate is one of an authority, for a chain with so many intermediates below it.
fn may_sign(certificate: &Certificate, below: usize) -> bool {
    let certificate = certificate.tbs_certificate();
    let is_authority = matches!(
        certificate.get_extension::<BasicConstraints>(),
        Ok(Some((_, basic))) if basic.ca && basic.path_len_constraint.is_none_or(|most| below <= usize::from(most))
    );
    let may_sign = match certificate.get_extension::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
        Err(_) => false,
    };
    is_authority && may_sign
}

/// The issuer's name is the authority's, the signature is its key's, and it has no name constraints that would have to be
/// followed.
fn is_signed_by(certificate: &Certificate, der: &CertificateDer<'_>, authority: &CertificateDer<'_>) -> bool {
    let check = || {
        let anchor = webpki::anchor_from_trusted_cert(authority).ok()?;
        let issuer = EndEntityCert::try_from(authority).ok()?;
        let named = Certificate::from_der(authority).ok()?;
        let is_named = named.tbs_certificate().subject() == certificate.tbs_certificate().issuer();
        if anchor.name_constraints.is_some() || !is_named {
            return None;
        }
        let signed = signed_part(der)?;
        let algorithm = certificate.signature_algorithm().to_der().ok()?;
        let signature = certificate.signature().as_bytes()?;
        let fits = |candidate: &&&dyn SignatureVerificationAlgorithm| {
            algorithm.ends_with(candidate.signature_alg_id().as_ref())
        };
        let all = provider().signature_verification_algorithms.all;
        all.iter().filter(fits).find(|candidate| issuer.verify_signature(**candidate, signed, signature).is_ok())
    };
    check().is_some()
}

/// The bytes that a certificate's signature is about: the first element of its sequence, as it came.
fn signed_part<'d>(der: &'d CertificateDer<'_>) -> Option<&'d [u8]> {
    use x509_cert::der::{Header, Reader, SliceReader};
    let mut reader = SliceReader::new(der).ok()?;
    Header::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()
}

/// Trusts every server (`insecure-skip-tls-verify`); that it has the key of its certificate is checked all the same.
#[derive(Debug)]
pub struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
