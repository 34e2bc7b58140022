//! Judges the certificate that a server shows: webpki first, then the rules that Go has and webpki has not.
//!
//! An authority signs nothing for us while it is out of its time, or if it says that it may not sign: webpki takes whatever it
//! is told to trust. A wildcard may stand below a name of one label, as in `*.example`.
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
    Certificate, Version,
    der::{Decode, Encode, oid::db::rfc5280},
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, name::GeneralName},
};

/// A certificate that was refused, in words: which one, by which rule.
#[derive(Debug, thiserror::Error)]
#[error("the server's certificate (subject {subject}, issued by {issuer}) {why}")]
pub struct Refused {
    pub subject: String,
    pub issuer: String,
    pub why: String,
    /// What to do.
    pub hint: &'static str,
}

/// Trusts what these certificates vouch for.
#[derive(Debug)]
pub struct Authority {
    /// Every one that can be read, for a server that shows one of them itself.
    certificates: Vec<CertificateDer<'static>>,
    /// Those of them that may sign others.
    signers: Vec<Signer>,
    /// Of all signers; `None` without one.
    webpki: Option<Arc<WebPkiServerVerifier>>,
}

#[derive(Clone, Debug)]
struct Signer {
    der: CertificateDer<'static>,
    /// `None` where our parser is stricter than webpki's, which has read it.
    certificate: Option<Certificate>,
}

impl Signer {
    fn is_in_time(&self, now: UnixTime) -> bool {
        self.certificate.as_ref().is_none_or(|certificate| check_validity(certificate, now).is_ok())
    }
}

impl Authority {
    /// Certificates that cannot be read are passed over, as Go does.
    ///
    /// # Errors
    /// None that can be read.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Authority, TlsError> {
        let mut readable = Vec::new();
        let mut unreadable = None;
        for certificate in certificates {
            match RootCertStore::empty().add(certificate.clone()) {
                Ok(()) => readable.push(certificate),
                Err(error) => unreadable = unreadable.or(Some(error)),
            }
        }
        if readable.is_empty() {
            return Err(unreadable.map_or(TlsError::NoAuthority, TlsError::Authority));
        }
        if let Some(error) = unreadable {
            tracing::warn!("a certificate of the certificate-authority is passed over: {error}");
        }
        let signer =
            |der: &CertificateDer<'static>| Signer { der: der.clone(), certificate: Certificate::from_der(der).ok() };
        // What our parser cannot read, others may: then webpki alone decides.
        let may_sign = |signer: &Signer| {
            let readable = signer.certificate.as_ref().filter(|it| has_readable_extensions(it));
            readable.is_none_or(|it| signs_by_go(it) && may_serve(it))
        };
        let signers: Vec<Signer> = readable.iter().map(signer).filter(may_sign).collect();
        let webpki = webpki_of(&signers).map_err(TlsError::Setup)?;
        Ok(Authority { certificates: readable, signers, webpki })
    }
}

/// Judges by these signers; `None` without one.
fn webpki_of(signers: &[Signer]) -> Result<Option<Arc<WebPkiServerVerifier>>, rustls::Error> {
    if signers.is_empty() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for signer in signers {
        roots.add(signer.der.clone())?;
    }
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    webpki.map(Some).map_err(|error| rustls::Error::General(error.to_string()))
}

/// Whether what a certificate says of its uses can be read.
fn has_readable_extensions(certificate: &Certificate) -> bool {
    let certificate = certificate.tbs_certificate();
    certificate.get_extension::<BasicConstraints>().is_ok()
        && certificate.get_extension::<KeyUsage>().is_ok()
        && certificate.get_extension::<ExtendedKeyUsage>().is_ok()
}

/// Whether Go lets a certificate that is trusted sign others: not if it says that it may not, nor if it could say so
/// (version 3) and does not say that it may.
fn signs_by_go(certificate: &Certificate) -> bool {
    let certificate = certificate.tbs_certificate();
    let is_authority = match certificate.get_extension::<BasicConstraints>() {
        Ok(Some((_, basic))) => basic.ca,
        Ok(None) => certificate.version() != Version::V3,
        Err(_) => false,
    };
    let may_sign = match certificate.get_extension::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
        Err(_) => false,
    };
    is_authority && may_sign
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
        let in_time: Vec<Signer> = self.signers.iter().filter(|signer| signer.is_in_time(now)).cloned().collect();
        let webpki = if in_time.len() == self.signers.len() { self.webpki.clone() } else { webpki_of(&in_time)? };
        let unknown = || Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
        let answer =
            webpki.map_or_else(unknown, |webpki| webpki.verify_server_cert(shown, intermediates, name, ocsp, now));
        match answer {
            Err(error) if is_of_issuer_or_role(&error) => {
                self.as_go_does(&in_time, (shown, intermediates), name, now, error)
            }
            // The name is judged last.
            Err(error) if is_of_name(&error) && has_name(shown, name) => Ok(ServerCertVerified::assertion()),
            answer => answer,
        }
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

fn is_of_name(error: &rustls::Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(error, rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }))
}

/// Whether a certificate is for a DNS name by Go's rule: letter case and a final dot do not matter, and `*` stands for the
/// first label, whatever comes after it.
fn has_name(shown: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let (ServerName::DnsName(name), Ok(parsed)) = (name, Certificate::from_der(shown)) else { return false };
    let Ok(Some((_, names))) = parsed.tbs_certificate().get_extension::<SubjectAltName>() else { return false };
    names
        .0
        .iter()
        .any(|of| matches!(of, GeneralName::DnsName(pattern) if matches_pattern(pattern.as_str(), name.as_ref())))
}

fn matches_pattern(pattern: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (labels, of_host): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), host.split('.').collect());
    let fits = |(index, (label, of_host)): (usize, (&&str, &&str))| {
        index == 0 && *label == "*" || !label.is_empty() && label.eq_ignore_ascii_case(of_host)
    };
    labels.len() == of_host.len() && labels.iter().zip(&of_host).enumerate().all(fits)
}

impl Authority {
    /// `signers` are in their time.
    fn as_go_does(
        &self,
        signers: &[Signer],
        (shown, intermediates): (&CertificateDer<'_>, &[CertificateDer<'_>]),
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
        let refused = |why: &str, hint| {
            Err(other(Refused {
                subject: shown_name(parsed.tbs_certificate().subject()),
                issuer: shown_name(parsed.tbs_certificate().issuer()),
                why: why.to_owned(),
                hint,
            }))
        };
        let reaches = |authorities: Vec<&CertificateDer<'static>>| {
            let mut chain = Chain { authorities, intermediates, now, used: Vec::new(), left: SIGNATURES };
            chain.reaches_an_authority(&parsed, shown)
        };
        let is_vouched_for = is_pinned || is_ca && reaches(signers.iter().map(|signer| &signer.der).collect());
        if !is_vouched_for {
            let excluded = |der: &&CertificateDer<'static>| signers.iter().all(|signer| signer.der != **der);
            let unfit = self.certificates.iter().filter(excluded).find(|der| reaches(vec![der]));
            if let Some((why, hint)) = unfit.and_then(|der| unfitness(der, now)) {
                return refused(&why, hint);
            }
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
                "the certificate is not for servers (extended key usage); the server needs another one",
            );
        }
        if end_entity.verify_is_valid_for_subject_name(name).is_err() && !has_name(shown, name) {
            return Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                expected: name.to_owned(),
                presented: end_entity.valid_dns_names().map(str::to_owned).collect(),
            }));
        }
        Ok(ServerCertVerified::assertion())
    }
}

/// Why a certificate of the kubeconfig does not count as the authority of one that it signed.
fn unfitness(authority: &CertificateDer<'static>, now: UnixTime) -> Option<(String, &'static str)> {
    let authority = Certificate::from_der(authority).ok()?;
    let subject = shown_name(authority.tbs_certificate().subject());
    let validity = authority.tbs_certificate().validity();
    let signed_by = format!("is signed by the certificate-authority of the kubeconfig (subject {subject}), which");
    Some(match check_validity(&authority, now) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. })) => (
            format!("{signed_by} expired on {}", date(validity.not_after.to_unix_duration())),
            "fetch the kubeconfig again: its certificate-authority may have been renewed; is this machine's clock right?",
        ),
        Err(_) => (
            format!("{signed_by} is not valid before {}", date(validity.not_before.to_unix_duration())),
            "is this machine's clock right?",
        ),
        Ok(()) => (
            format!("{signed_by} is not an authority for servers (CA:FALSE, or a usage without signing)"),
            "name the authority that signed it as certificate-authority, or the certificate that the server shows",
        ),
    })
}

/// A time as people read it, in UTC.
pub fn date(since_epoch: Duration) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("{seconds} s after 1970"), |time| time.to_string())
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
    authorities: Vec<&'c CertificateDer<'static>>,
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
        let authorities = self.authorities.clone();
        if authorities.into_iter().any(|authority| self.left > 0 && self.is_signed(certificate, der, authority)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_by_gos_rule() {
        for (pattern, host, fits) in [
            ("*.example", "a.example", true),
            ("*.example", "a.b.example", false),
            ("*.example", "example", false),
            ("*.Example", "A.example.", true),
            ("a.*", "a.b", false),
            ("a*.example", "ab.example", false),
            ("my_host", "my_host", true),
            (".example", ".example", false),
        ] {
            assert_eq!(matches_pattern(pattern, host), fits, "{pattern} {host}");
        }
    }
}
