//! Documents from every place that a person may name: the web, ConfigMaps, files; and one session for all of them.

use crate::sandbox::{Run, Sandbox, server, status};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

const A100: [&str; 4] = ["--service", "kind", "--accelerator", "a100"];

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A recipe, and a web server that has it at `/recipe.yaml`.
fn recipe_server(sandbox: &Sandbox) -> (String, SocketAddr) {
    let recipe = sandbox.aicr(&[&["recipe"], &A100[..]].concat()).stdout;
    let snapshot = sandbox.aicr(&["--demo", "snapshot"]).stdout;
    let page = ok(&recipe);
    let address = server(move |path| match path.split('?').next() {
        Some("/recipe.yaml") => Some(page.clone()),
        Some("/login") => Some("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<title>Sign in</title>".to_owned()),
        Some("/world.yaml") => Some(ok("{apiVersion: v1, kind: Node, metadata: {name: from-the-web}}")),
        Some("/snapshot.yaml") => Some(ok(&snapshot)),
        _ => Some(status(404, "Not Found", "nothing here")),
    });
    (recipe, address)
}

#[test]
fn a_recipe_is_read_over_http_like_the_file() {
    let sandbox = Sandbox::new();
    let (recipe, address) = recipe_server(&sandbox);
    sandbox.file("recipe.yaml", &recipe);
    let from_web = format!("http://{address}/recipe.yaml");
    let done = sandbox.aicr(&["diff", "--baseline", "recipe.yaml", "--target", &from_web, "-t", "table"]);
    assert_eq!((done.code, done.stdout.as_str()), (0, "NO CHANGES\n"), "{}", done.transcript);
}

#[test]
fn what_the_web_answers_instead_has_its_exit_code_and_a_hint() {
    let sandbox = Sandbox::new();
    let (_, address) = recipe_server(&sandbox);
    let of = |url: &str| sandbox.aicr(&["diff", "--baseline", url, "--target", "service=kind"]);
    for (url, code, because) in [
        (format!("http://{address}/gone"), 3, "the server answered HTTP 404 Not Found"),
        (format!("http://{address}/login"), 2, "the answer is an HTML page with the title `Sign in`"),
        ("http://127.0.0.1:1/x.yaml".to_owned(), 6, "cannot connect to 127.0.0.1:1"),
        ("http://jane:s3cr3t@127.0.0.1:1/x.yaml?sig=s3cr3t".to_owned(), 2, "the URL has a login in it"),
    ] {
        let done = of(&url);
        assert_eq!(done.code, code, "{}", done.transcript);
        assert!(done.stderr.contains(because) && done.stderr.contains("hint: "), "{}", done.transcript);
        assert!(!done.stderr.contains("s3cr3t"), "{}", done.transcript);
    }
}

#[test]
fn a_query_with_a_token_is_not_in_the_result() {
    let sandbox = Sandbox::new();
    let (_, address) = recipe_server(&sandbox);
    let url = format!("http://{address}/recipe.yaml?sig=s3cr3t");
    let done = sandbox.aicr(&["diff", "--baseline", &url, "--target", "service=kind,accelerator=h100"]);
    assert_eq!(done.code, 0, "{}", done.transcript);
    assert!(done.stdout.contains("/recipe.yaml?…") && !done.transcript.contains("s3cr3t\n"), "{}", done.transcript);
    assert!(!done.stdout.contains("s3cr3t") && !done.stderr.contains("s3cr3t"), "{}", done.transcript);
}

#[test]
fn every_verb_reads_a_snapshot_from_the_web() {
    let sandbox = Sandbox::new();
    let (_, address) = recipe_server(&sandbox);
    let url = format!("http://{address}/snapshot.yaml");
    let local = sandbox.home().join("snapshot.yaml");
    assert_eq!(sandbox.aicr(&["diff", "--baseline", &url, "--target", &url, "-t", "table"]).stdout, "NO CHANGES\n");
    let fetched = sandbox.aicr(&["--demo", "snapshot"]).stdout;
    std::fs::write(&local, fetched).unwrap();
    for verb in [&["recipe"][..], &["query", "--selector", "criteria"], &["catalog", "list"]] {
        let of = |place: &str| sandbox.aicr(&[verb, &["--snapshot", place]].concat());
        let (web, file) = (of(&url), of(&local.to_string_lossy()));
        assert_eq!((web.code, &web.stdout), (0, &file.stdout), "{}", web.transcript);
        assert!(!web.stdout.is_empty());
    }
}

#[test]
fn a_world_of_the_demo_is_read_from_the_web() {
    let sandbox = Sandbox::new();
    let (_, address) = recipe_server(&sandbox);
    let done = sandbox.aicr(&["--demo", "--world", &format!("http://{address}/world.yaml"), "snapshot", "-t", "table"]);
    assert_eq!(done.code, 0, "{}", done.transcript);
    assert!(done.stdout.contains("from-the-web"), "{}", done.transcript);
}

#[test]
fn nothing_is_written_to_the_web() {
    let sandbox = Sandbox::new();
    let (_, address) = recipe_server(&sandbox);
    let url = format!("http://{address}/new.yaml");
    for verb in [&["--demo", "snapshot"][..], &["recipe", "--service", "kind"]] {
        let done = sandbox.aicr(&[verb, &["-o", &url]].concat());
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{}", done.transcript);
        assert!(done.stderr.contains("read from the web, not written to it"), "{}", done.transcript);
    }
}

/// A web server with TLS for 127.0.0.1, and the certificate of its authority.
fn tls_server(name: &str, answer: String) -> (SocketAddr, String) {
    tls_server_that_is(name, IsCa::NoCa, answer)
}

fn tls_server_that_is(name: &str, is_ca: IsCa, answer: String) -> (SocketAddr, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let (issuer, key) = (Issuer::new(params, key), KeyPair::generate().unwrap());
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    leaf.is_ca = is_ca;
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem();
    let chain = vec![CertificateDer::from_pem_slice(leaf.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut byte = [0];
            let mut head = Vec::new();
            // A client that does not trust us ends the handshake.
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (address, authority)
}

#[test]
fn a_recipe_is_read_over_https_from_a_server_that_this_system_trusts() {
    let sandbox = Sandbox::new();
    let recipe = sandbox.aicr(&[&["recipe"], &A100[..]].concat()).stdout;
    sandbox.file("recipe.yaml", &recipe);
    let (address, authority) = tls_server("ours", ok(&recipe));
    let (_, stranger) = tls_server("a stranger", String::new());
    let url = format!("https://{address}/recipe.yaml");
    let arguments = ["diff", "--baseline", &url, "--target", "recipe.yaml", "-t", "table"];
    let trusting = |authority: &str| -> Run {
        let file = sandbox.file("authority.pem", authority);
        let output = sandbox.command(&arguments).env("SSL_CERT_FILE", file).output().unwrap();
        sandbox.run(&arguments, output)
    };
    let done = trusting(&authority);
    assert_eq!((done.code, done.stdout.as_str()), (0, "NO CHANGES\n"), "{}", done.transcript);
    let refused = trusting(&stranger);
    assert_eq!(refused.code, 6, "{}", refused.transcript);
    for part in ["no TLS connection to 127.0.0.1:", "UnknownIssuer", "SSL_CERT_FILE"] {
        assert!(refused.stderr.contains(part), "{}", refused.transcript);
    }
}

#[cfg(unix)]
#[test]
fn two_documents_of_one_command_are_read_over_one_connection() {
    let sandbox = Sandbox::new();
    let recipe = sandbox.aicr(&[&["recipe"], &A100[..]].concat()).stdout;
    let map = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "ns"},
        "data": {"snapshot.yaml": recipe, "format": "yaml"},
    });
    let body = map.to_string();
    let address = server(move |_| {
        let length = body.len();
        Some(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    });
    // A login for each connection would be a second window of a browser.
    let login = sandbox.file(
        "login",
        "echo run >> runs; printf '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \
         \"status\": {\"token\": \"t\"}}'",
    );
    let kubeconfig = sandbox.kubeconfig(&format!("http://{address}"));
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}'], interactiveMode: Never}}",
        login.display()
    );
    let text = std::fs::read_to_string(&kubeconfig).unwrap().replace("user: {}", &format!("user: {{{exec}}}"));
    std::fs::write(&kubeconfig, text).unwrap();
    let mut command = sandbox.command(&["diff", "--baseline", "cm://ns/x", "--target", "cm://ns/y", "-t", "table"]);
    let done = sandbox.run(&["diff"], command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap());
    assert_eq!((done.code, done.stdout.as_str()), (0, "NO CHANGES\n"), "{}", done.transcript);
    assert_eq!(std::fs::read_to_string(sandbox.home().join("runs")).unwrap(), "run\n");
}

/// kubectl connects there. We cannot, where the authority is one of the system's: that is decided by its own verifier.
#[test]
fn a_server_that_may_sign_others_under_an_authority_of_the_system_is_refused_with_what_to_do() {
    let sandbox = Sandbox::new();
    let (address, authority) = tls_server_that_is("ours", IsCa::Ca(BasicConstraints::Unconstrained), String::new());
    let file = sandbox.file("authority.pem", &authority);
    sandbox.kubeconfig(&format!("https://{address}"));
    let output = sandbox.command(&["snapshot"]).env("SSL_CERT_FILE", file).output().unwrap();
    let done = sandbox.run(&["snapshot"], output);
    assert_eq!(done.code, 6, "{}", done.transcript);
    for part in ["may sign other certificates (CA:TRUE)", "certificate-authority of the kubeconfig"] {
        assert!(done.stderr.contains(part), "{}", done.transcript);
    }
}
