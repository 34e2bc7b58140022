//! Servers with certificates of each kind, good and bad.

use super::*;
use crate::cluster::{
    ClusterErrorKind::{NoConfig, Unauthorized, Unreachable},
    tls,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

pub(super) fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("names")
}

pub(super) fn ca() -> (Issuer<'static, KeyPair>, String) {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "test authority");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    (Issuer::new(params, key), certificate)
}

pub(super) fn signed(params: &CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Pair {
    let key = KeyPair::generate().expect("a key");
    Pair { certificate: params.signed_by(&key, issuer).expect("a certificate").pem(), key: key.serialize_pem() }
}

fn self_signed(params: &CertificateParams) -> Pair {
    let key = KeyPair::generate().expect("a key");
    Pair { certificate: params.self_signed(&key).expect("a certificate").pem(), key: key.serialize_pem() }
}

/// Made with OpenSSL, because rcgen has no P-521 without aws-lc: self-signed with SHA-256, for 127.0.0.1, until 2126.
fn p521() -> Pair {
    Pair { certificate: include_str!("p521.crt").to_owned(), key: include_str!("p521.key").to_owned() }
}

/// An API server with TLS; with `clients` it requires a client certificate signed by that authority.
pub(super) async fn tls_server(pair: &Pair, clients: Option<&str>) -> SocketAddr {
    tls_server_that_answers(pair, clients, VERSION.to_owned()).await
}

/// The same, with another answer. The server shows every certificate of `pair`.
pub(super) async fn tls_server_that_answers(pair: &Pair, clients: Option<&str>, answer: String) -> SocketAddr {
    let acceptor = acceptor(pair, clients);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let Some(_) = head(&mut stream).await else { return };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

/// Requires a client certificate, and answers by which it is; the certificates are kept in their order.
pub(super) async fn tls_server_that_judges(
    pair: &Pair,
    clients: &str,
    answer: impl Fn(&CertificateDer<'static>) -> String + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<CertificateDer<'static>>>>) {
    let acceptor = acceptor(pair, Some(clients));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shown = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&shown);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
            seen.lock().unwrap().push(certificate.clone());
            // Several requests may come over one connection.
            while head(&mut stream).await.is_some() {
                let _ = stream.write_all(answer(&certificate).as_bytes()).await;
                let _ = stream.flush().await;
            }
        }
    });
    (address, shown)
}

pub(super) fn acceptor(pair: &Pair, clients: Option<&str>) -> tokio_rustls::TlsAcceptor {
    let builder = ServerConfig::builder_with_provider(tls::provider()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = CertificateDer::pem_slice_iter(pair.certificate.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    Arc::new(builder.with_single_cert(chain, key).unwrap()).into()
}

pub(super) fn data(pem: &str) -> String {
    STANDARD.encode(pem)
}

/// Asks a server that shows `pair`, trusting `authority`; `more` fields of the cluster.
async fn trusting(pair: &Pair, authority: &str, more: &str) -> Result<String, ClusterError> {
    let address = tls_server(pair, None).await;
    let cluster = format!("{{server: 'https://{address}', certificate-authority-data: {}{more}}}", data(authority));
    ask(&cluster, "{}", &[]).await
}

/// As whom: a client certificate.
async fn showing(identity: &Pair, clients: &str) -> Result<String, ClusterError> {
    let (issuer, authority) = ca();
    let address = tls_server(&signed(&params(&["127.0.0.1"]), &issuer), Some(clients)).await;
    let cluster = format!("{{server: 'https://{address}', certificate-authority-data: {}}}", data(&authority));
    let user = format!(
        "{{client-certificate-data: {}, client-key-data: {}}}",
        data(&identity.certificate),
        data(&identity.key)
    );
    ask(&cluster, &user, &[]).await
}

#[tokio::test]
async fn a_server_is_trusted_by_its_authority_or_when_it_is_pinned_itself() {
    let (issuer, authority) = ca();
    let leaf = signed(&params(&["127.0.0.1"]), &issuer);
    let mut may_sign = params(&["127.0.0.1"]);
    may_sign.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let serving_ca = signed(&may_sign, &issuer);
    let alone = self_signed(&may_sign);
    for (pair, trusted) in [
        (&leaf, &authority),
        (&leaf, &leaf.certificate),
        (&serving_ca, &authority),
        (&serving_ca, &serving_ca.certificate),
        (&alone, &alone.certificate),
        (&p521(), &p521().certificate),
    ] {
        assert_eq!(trusting(pair, trusted, "").await.expect("trusted"), "034");
    }
}

#[tokio::test]
async fn a_refused_server_says_by_which_rule() {
    let (issuer, authority) = ca();
    let (_, stranger) = ca();
    let leaf = signed(&params(&["127.0.0.1"]), &issuer);
    let mut may_sign = params(&["127.0.0.1"]);
    may_sign.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let mut old = params(&["127.0.0.1"]);
    (old.not_before, old.not_after) = (rcgen::date_time_ymd(2001, 1, 1), rcgen::date_time_ymd(2002, 1, 1));
    let mut future = params(&["127.0.0.1"]);
    (future.not_before, future.not_after) = (rcgen::date_time_ymd(2900, 1, 1), rcgen::date_time_ymd(2902, 1, 1));
    let mut clients_only = params(&["127.0.0.1"]);
    clients_only.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (elsewhere, old_pinned) = (self_signed(&params(&["k8s.test"])), signed(&old, &issuer));
    let pinned_client = signed(&clients_only, &issuer);
    let cases = [
        (leaf, stranger.clone(), "is it the right cluster?"),
        (signed(&may_sign, &issuer), stranger, "a certificate of its own"),
        (elsewhere.clone(), elsewhere.certificate, "tls-server-name"),
        (signed(&old, &issuer), authority.clone(), "has expired"),
        (old_pinned.clone(), old_pinned.certificate, "has expired"),
        (signed(&future, &issuer), authority.clone(), "not valid yet"),
        (signed(&clients_only, &issuer), authority, "extended key usage"),
        (pinned_client.clone(), pinned_client.certificate, "extended key usage"),
    ];
    for (number, (pair, trusted, hint)) in cases.into_iter().enumerate() {
        let error = trusting(&pair, &trusted, "").await.expect_err("refused");
        assert_eq!(error.kind, Unreachable, "{number}: {error}");
        assert!(!error.found.contains('{') && !error.found.contains("Other"), "{number}: {error}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{number}: {error} {:?}", error.hint);
    }
}

#[tokio::test]
async fn one_certificate_that_cannot_be_read_does_not_spoil_a_bundle() {
    let (issuer, authority) = ca();
    let leaf = signed(&params(&["127.0.0.1"]), &issuer);
    let junk = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let endless = "-----BEGIN CERTIFICATE-----\nMIIB\n";
    for bundle in [
        format!("{endless}{authority}"),
        format!("{junk}{authority}"),
        format!("{authority}{junk}"),
        format!("{broken}{authority}{junk}"),
    ] {
        assert_eq!(trusting(&leaf, &bundle, "").await.expect("trusted"), "034");
    }
    let error = trusting(&leaf, junk, "").await.expect_err("none is left");
    assert_eq!(error.kind, NoConfig);
    assert!(error.found.starts_with("a certificate of the certificate-authority cannot be read"), "{error}");
}

#[tokio::test]
async fn an_authority_signs_nothing_when_it_expired_or_is_none() {
    let (good, authority) = ca();
    let expired = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let (old, old_pem) = intermediate("old", &good, expired);
    let (leaf, leaf_pem) = intermediate("leaf", &good, |params| params.is_ca = IsCa::NoCa);
    let (clients, clients_pem) = intermediate("clients", &good, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    for (issuer, pem, found) in [
        (
            &old,
            &old_pem,
            "certificate-authority of the kubeconfig (subject CN=old), which expired on 2002-01-01T00:00:00Z",
        ),
        (&leaf, &leaf_pem, "(subject CN=leaf), which is not an authority for servers"),
        (&clients, &clients_pem, "(subject CN=clients), which is not an authority for servers"),
    ] {
        let pair = signed(&params(&["127.0.0.1"]), issuer);
        let error = trusting(&pair, pem, "").await.expect_err(found);
        assert!(error.found.contains(found) && error.hint.is_some(), "{error:?}");
        // Beside one that is valid it changes nothing.
        assert!(trusting(&signed(&params(&["127.0.0.1"]), &good), &format!("{pem}{authority}"), "").await.is_ok());
        assert!(trusting(&pair, &format!("{pem}{authority}"), "").await.is_err(), "the server does not send {found}");
    }
}

#[tokio::test]
async fn names_are_judged_by_gos_rule_and_reported_in_words() {
    let (issuer, authority) = ca();
    let wild = signed(&params(&["*.example"]), &issuer);
    assert!(trusting(&wild, &authority, ", tls-server-name: a.example").await.is_ok());
    assert!(trusting(&wild, &wild.certificate, ", tls-server-name: a.example").await.is_ok(), "pinned");
    let error = trusting(&wild, &authority, ", tls-server-name: a.b.example").await.expect_err("two labels");
    assert!(error.found.ends_with("the server's certificate is for *.example, not for a.b.example"), "{error}");
    let error =
        trusting(&signed(&params(&["k8s.test", "10.0.0.1"]), &issuer), &authority, "").await.expect_err("names");
    assert!(error.found.ends_with("the server's certificate is for k8s.test, 10.0.0.1, not for 127.0.0.1"), "{error}");
    let mut by_common_name = params(&[]);
    by_common_name.distinguished_name.push(rcgen::DnType::CommonName, "127.0.0.1");
    let error = trusting(&signed(&by_common_name, &issuer), &authority, "").await.expect_err("no names");
    assert!(error.found.ends_with("the server's certificate is for no name, not for 127.0.0.1"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("a common name (CN) does not count")));
}

#[tokio::test]
async fn times_of_certificates_are_dates() {
    let (issuer, authority) = ca();
    let mut old = params(&["127.0.0.1"]);
    (old.not_before, old.not_after) = (rcgen::date_time_ymd(2001, 1, 1), rcgen::date_time_ymd(2002, 1, 1));
    let mut future = params(&["127.0.0.1"]);
    (future.not_before, future.not_after) = (rcgen::date_time_ymd(2900, 1, 1), rcgen::date_time_ymd(2902, 1, 1));
    for (params, found) in [
        (old, "the server's certificate expired on 2002-01-01T00:00:00Z"),
        (future, "the server's certificate is not valid before 2900-01-01T00:00:00Z"),
    ] {
        let error = trusting(&signed(&params, &issuer), &authority, "").await.expect_err(found);
        assert!(error.found.ends_with(found), "{error}");
    }
}

/// An authority below another one, and its certificate.
fn intermediate(
    name: &str,
    above: &Issuer<'_, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> (Issuer<'static, KeyPair>, String) {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, above).expect("a certificate").pem();
    (Issuer::new(params, key), certificate)
}

/// A server's certificate that may sign others, with what the server sends after it.
fn serving_ca(issuer: &Issuer<'_, KeyPair>, chain: &[&String]) -> Pair {
    let mut may_sign = params(&["127.0.0.1"]);
    may_sign.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pair = signed(&may_sign, issuer);
    let chain: String = chain.iter().map(|certificate| certificate.as_str()).collect();
    Pair { certificate: pair.certificate + &chain, key: pair.key }
}

#[tokio::test]
async fn a_server_that_may_sign_others_is_trusted_through_intermediates_as_go_does() {
    let (root, authority) = ca();
    let (one, one_pem) = intermediate("one", &root, |_| ());
    let (two, two_pem) = intermediate("two", &one, |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let (_, stranger) = ca();
    for pair in [
        serving_ca(&one, &[&one_pem]),
        serving_ca(&two, &[&two_pem, &one_pem]),
        serving_ca(&two, &[&stranger, &one_pem, &two_pem]),
    ] {
        assert_eq!(trusting(&pair, &authority, "").await.expect("trusted"), "034");
    }
    // One that is trusted itself needs no root.
    assert!(trusting(&serving_ca(&two, &[&two_pem]), &one_pem, "").await.is_ok());
}

#[tokio::test]
async fn a_broken_chain_to_a_server_that_may_sign_others_is_refused_with_its_reason() {
    let (root, authority) = ca();
    let (one, one_pem) = intermediate("one", &root, |_| ());
    let (two, two_pem) = intermediate("two", &one, |_| ());
    let no_more = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let (short, short_pem) = intermediate("short", &root, no_more);
    let (below_short, below_short_pem) = intermediate("below", &short, |_| ());
    let (old, old_pem) = intermediate("old", &root, |params| params.not_after = rcgen::date_time_ymd(2002, 1, 1));
    let (leaf, leaf_pem) = intermediate("leaf", &root, |params| params.is_ca = IsCa::ExplicitNoCa);
    let (crl, crl_pem) = intermediate("crl", &root, |params| params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign]);
    let (clients, clients_pem) = intermediate("clients", &root, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (named, named_pem) = intermediate("named", &root, |params| {
        let permitted_subtrees = vec![rcgen::GeneralSubtree::DnsName("other.test".to_owned())];
        params.name_constraints = Some(rcgen::NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    });
    // Another key under the same name.
    let (impostor, _) = intermediate("one", &root, |_| ());
    for (what, pair) in [
        ("one is missing", serving_ca(&two, &[&two_pem])),
        ("two below a limit of none", serving_ca(&below_short, &[&below_short_pem, &short_pem])),
        ("expired", serving_ca(&old, &[&old_pem])),
        ("not an authority", serving_ca(&leaf, &[&leaf_pem])),
        ("may not sign certificates", serving_ca(&crl, &[&crl_pem])),
        ("not for servers", serving_ca(&clients, &[&clients_pem])),
        ("for other names", serving_ca(&named, &[&named_pem])),
        ("signed by another key", serving_ca(&impostor, &[&one_pem])),
    ] {
        let error = trusting(&pair, &authority, "").await.expect_err(what);
        assert_eq!(error.kind, Unreachable, "{what}: {error}");
        let words = "may sign other certificates (CA:TRUE) and is not signed by the certificate-authority, nor by what";
        assert!(error.found.contains(words), "{what}: {error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("a certificate of its own")), "{what}");
    }
}

#[tokio::test]
async fn many_intermediates_of_one_name_do_not_make_the_search_endless() {
    let (root, authority) = ca();
    let many: Vec<String> = (0..60).map(|_| intermediate("same", &root, |_| ()).1).collect();
    let (last, _) = intermediate("same", &root, |_| ());
    let pair = serving_ca(&last, &many.iter().collect::<Vec<_>>());
    let begun = std::time::Instant::now();
    assert!(trusting(&pair, &authority, "").await.is_err());
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn tls_server_name_is_checked_in_place_of_the_host() {
    let (issuer, authority) = ca();
    let leaf = signed(&params(&["k8s.test"]), &issuer);
    assert!(trusting(&leaf, &authority, ", tls-server-name: k8s.test").await.is_ok());
    assert!(trusting(&leaf, &authority, "").await.is_err());
    let of_address = signed(&params(&["fd00::1"]), &issuer);
    for name in ["fd00::1", "[fd00::1]"] {
        assert!(trusting(&of_address, &authority, &format!(", tls-server-name: '{name}'")).await.is_ok(), "{name}");
    }
    let address = tls_server(&leaf, None).await;
    let cluster = format!("{{server: 'https://{address}', insecure-skip-tls-verify: true}}");
    assert!(ask(&cluster, "{}", &[]).await.is_ok());
}

#[tokio::test]
async fn client_certificates_of_every_supported_curve_are_shown() {
    let (issuer, authority) = ca();
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = params(&["jane"]).signed_by(&key, &issuer).unwrap().pem();
        let identity = Pair { certificate, key: key.serialize_pem() };
        assert!(showing(&identity, &authority).await.is_ok(), "{algorithm:?}");
    }
    let sec1 = Pair { key: include_str!("p521.sec1.key").to_owned(), ..p521() };
    for identity in [p521(), sec1] {
        showing(&identity, &p521().certificate).await.expect("P-521");
    }
}

#[tokio::test]
async fn a_rejected_client_certificate_is_named_in_the_hint() {
    let (issuer, authority) = ca();
    let (other, _) = ca();
    let error = showing(&signed(&params(&["jane"]), &other), &authority).await.expect_err("another authority");
    assert_eq!(error.kind, Unauthorized, "{error}");
    let address = tls_server(&signed(&params(&["127.0.0.1"]), &issuer), Some(&authority)).await;
    let cluster = format!("{{server: 'https://{address}', certificate-authority-data: {}}}", data(&authority));
    let error = ask(&cluster, "{}", &[]).await.expect_err("no client certificate");
    assert_eq!(error.kind, Unauthorized, "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("requires a client certificate")));
}

#[tokio::test]
async fn keys_and_authorities_that_cannot_be_used_say_why() {
    let (issuer, authority) = ca();
    let (jane, john) = (signed(&params(&["jane"]), &issuer), signed(&params(&["john"]), &issuer));
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let with_key = |key: &str| Pair { certificate: jane.certificate.clone(), key: key.to_owned() };
    for (identity, found) in [
        (with_key(&john.key), "the client-key does not belong to the client-certificate"),
        (with_key(locked), "the client-key is encrypted; write it without a passphrase"),
        (with_key("nothing"), "the client-key does not contain a private key in PEM format"),
        (
            Pair { certificate: String::new() + "x", key: john.key.clone() },
            "the client-certificate does not contain a certificate in PEM format",
        ),
    ] {
        let error = showing(&identity, &authority).await.expect_err(found);
        assert_eq!((error.kind, error.found.as_str()), (NoConfig, found));
    }
    let error = ask("{server: 'https://127.0.0.1:1', certificate-authority-data: aGVsbG8=}", "{}", &[])
        .await
        .expect_err("no PEM");
    assert_eq!(error.found, "the certificate-authority does not contain a certificate in PEM format");
}

#[tokio::test]
async fn a_mix_up_of_http_and_https_is_named_in_the_hint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read_u8().await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = ask(&format!("{{server: 'https://{plain}', insecure-skip-tls-verify: true}}"), "{}", &[])
        .await
        .expect_err("no TLS");
    assert!(error.hint.clone().is_some_and(|hint| hint.contains("http://")), "{error} {:?}", error.hint);
    let (issuer, _) = ca();
    let encrypted = tls_server(&signed(&params(&["127.0.0.1"]), &issuer), None).await;
    let error = ask(&format!("{{server: 'http://{encrypted}'}}"), "{}", &[]).await.expect_err("TLS");
    assert!(
        error.hint.clone().is_some_and(|hint| hint.contains("https://") || hint.contains("API server")),
        "{error} {:?}",
        error.hint
    );
}
