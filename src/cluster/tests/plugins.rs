//! Credential plugins: scripts that print credentials, other things, or nothing.

use super::*;
use crate::cluster::{
    ClusterErrorKind::Unauthorized,
    exec::{ExecError, Plugin},
    kubeconfig::{Cluster, Exec},
};
use rustls::pki_types::pem::PemObject;
use std::time::Duration;

const V1: &str = "client.authentication.k8s.io/v1";

/// A plugin that runs this shell script.
fn script(script: &str, output: PluginOutput) -> Plugin {
    let exec = Exec {
        api_version: V1.to_owned(),
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), script.to_owned()],
        provide_cluster_info: true,
        ..Exec::default()
    };
    let cluster = Cluster { server: "https://k8s.test".to_owned(), ..Cluster::default() };
    Plugin::new(exec, &cluster, Some(b"PEM"), output).expect("a plugin")
}

/// Prints an ExecCredential whose token counts the runs in `folder`; `expires` is appended to its status.
fn counting(folder: &Path, expires: &str) -> String {
    format!(
        "echo run >> '{0}/runs'; n=$(wc -l < '{0}/runs' | tr -d ' '); \
         printf '{{\"kind\": \"ExecCredential\", \"apiVersion\": \"{V1}\", \"status\": {{\"token\": \"t%s\"{expires}}}}}' $n",
        folder.display()
    )
}

fn runs(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("runs")).map_or(0, |text| text.lines().count())
}

#[tokio::test]
async fn a_plugin_runs_once_however_many_ask() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = script(&counting(folder.path(), ""), PluginOutput::Kept);
    let (one, two) = tokio::join!(plugin.credential(None), plugin.credential(None));
    assert_eq!((one.unwrap().0, two.unwrap().0, runs(folder.path())), (1, 1, 1));
}

#[tokio::test]
async fn a_plugin_runs_again_when_its_credentials_expire_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let past = ", \"expirationTimestamp\": \"2001-02-03T04:05:06Z\"";
    let plugin = script(&counting(folder.path(), past), PluginOutput::Kept);
    plugin.credential(None).await.unwrap();
    plugin.credential(None).await.unwrap();
    assert_eq!(runs(folder.path()), 2);

    let folder = tempfile::tempdir().unwrap();
    let plugin =
        script(&counting(folder.path(), ", \"expirationTimestamp\": \"2999-02-03T04:05:06Z\""), PluginOutput::Kept);
    let (number, _) = plugin.credential(None).await.unwrap();
    let (newer, credential) = plugin.credential(Some(number)).await.unwrap();
    assert_eq!((credential.token.map(|token| token.0), runs(folder.path())), (Some("t2".to_owned()), 2));
    // Refused again at once: not a third login.
    assert_eq!((plugin.credential(Some(newer)).await.unwrap().0, runs(folder.path())), (newer, 2));
}

#[tokio::test]
async fn a_server_that_refuses_is_asked_again_once_with_new_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let login = folder.path().join("login");
    std::fs::write(&login, format!("#!/bin/sh\n{}\n", counting(folder.path(), ""))).unwrap();
    let user =
        format!("{{exec: {{apiVersion: {V1}, command: sh, args: ['{}'], interactiveMode: Never}}}}", login.display());
    let refused = "HTTP/1.1 401 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let (address, log) =
        server(move |head| if head.contains("Bearer t2") { VERSION.to_owned() } else { refused.to_owned() }).await;
    let cluster = format!("{{server: 'http://{address}'}}");
    assert_eq!(ask(&cluster, &user, &[]).await.expect("an answer"), "034");
    assert_eq!((runs(folder.path()), lines(&log).len()), (2, 2));

    let (address, log) = server(move |_| refused.to_owned()).await;
    let error = ask(&format!("{{server: 'http://{address}'}}"), &user, &[]).await.expect_err("never accepted");
    assert_eq!((error.kind, lines(&log).len()), (Unauthorized, 2));
    assert_eq!(error.found, "the server answered 401 to new credentials of the plugin `sh`");
}

/// A login that prints the client certificate `<run>.pem` of its folder with the key `<run>.key`.
fn certificate_login(folder: &Path) -> String {
    let login = folder.join("login");
    let text = format!(
        "cd '{}'\necho run >> runs\nn=$(wc -l < runs | tr -d ' ')\n\
         one_line() {{ while IFS= read -r line; do printf '%s\\\\n' \"$line\"; done < \"$1\"; }}\n\
         printf '{{\"kind\": \"ExecCredential\", \"apiVersion\": \"{V1}\", \"status\": {{'\n\
         printf '\"clientCertificateData\": \"%s\", \"clientKeyData\": \"%s\"}}}}' \"$(one_line $n.pem)\" \"$(one_line $n.key)\"\n",
        folder.display()
    );
    std::fs::write(&login, text).unwrap();
    format!("{{exec: {{apiVersion: {V1}, command: sh, args: ['{}'], interactiveMode: Never}}}}", login.display())
}

#[tokio::test]
async fn a_client_certificate_of_a_plugin_is_shown_and_replaced_when_the_server_refuses_it() {
    let (issuer, authority) = tls::ca();
    let folder = tempfile::tempdir().unwrap();
    let jane = [1, 2].map(|run| {
        let pair = tls::signed(&tls::params(&["jane"]), &issuer);
        std::fs::write(folder.path().join(format!("{run}.pem")), &pair.certificate).unwrap();
        std::fs::write(folder.path().join(format!("{run}.key")), &pair.key).unwrap();
        pair
    });
    let user = certificate_login(folder.path());
    let server = tls::signed(&tls::params(&["127.0.0.1"]), &issuer);
    let cluster =
        |address| format!("{{server: 'https://{address}', certificate-authority-data: {}}}", tls::data(&authority));
    let address = tls::tls_server(&server, Some(&authority)).await;
    assert_eq!(ask(&cluster(address), &user, &[]).await.expect("an answer"), "034");
    assert_eq!(runs(folder.path()), 1);

    std::fs::remove_file(folder.path().join("runs")).unwrap();
    let refused = "HTTP/1.1 401 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let second = rustls::pki_types::CertificateDer::from_pem_slice(jane[1].certificate.as_bytes()).unwrap();
    let (address, shown) = tls::tls_server_that_judges(&server, &authority, move |certificate| {
        if *certificate == second { VERSION.to_owned() } else { refused.to_owned() }
    })
    .await;
    assert_eq!(ask(&cluster(address), &user, &[]).await.expect("an answer"), "034");
    assert_eq!((runs(folder.path()), shown.lock().unwrap().len()), (2, 2), "a new connection for the new certificate");
}

#[tokio::test]
async fn a_client_certificate_of_a_plugin_that_cannot_be_used_says_why() {
    let (issuer, _) = tls::ca();
    let folder = tempfile::tempdir().unwrap();
    let (jane, john) = (tls::signed(&tls::params(&["jane"]), &issuer), tls::signed(&tls::params(&["john"]), &issuer));
    std::fs::write(folder.path().join("1.pem"), &jane.certificate).unwrap();
    std::fs::write(folder.path().join("1.key"), &john.key).unwrap();
    let user = certificate_login(folder.path());
    let error = ask("{server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true}", &user, &[]).await;
    let error = error.expect_err("the key of another certificate");
    assert_eq!(error.kind, Unauthorized);
    let found = "the client certificate of the credential plugin cannot be used: \
                 the client-key does not belong to the client-certificate";
    assert_eq!(error.found, found);
    assert!(!format!("{error:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn words_pass_as_they_come_and_a_failure_repeats_them() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let output = PluginOutput::Lines(Arc::new(move |line| drop(sender.send(line))));
    // The script waits until the test has read its line.
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let plugin = script(
        &format!("echo 'open the page, code WXYZ' >&2; while [ ! -e '{}' ]; do sleep 0.05; done; exit 3", go.display()),
        output,
    );
    let (answer, ()) = tokio::join!(plugin.credential(None), async {
        assert_eq!(receiver.recv().await.as_deref(), Some("open the page, code WXYZ"));
        std::fs::write(&go, "").unwrap();
    });
    let text = answer.expect_err("exit 3").to_string();
    assert_eq!(text, "the credential plugin `sh` ended with exit status: 3: open the page, code WXYZ");
}

#[tokio::test]
async fn a_plugin_receives_its_cluster() {
    let print = format!(
        "printf '{{\"kind\": \"ExecCredential\", \"apiVersion\": \"{V1}\", \"status\": {{\"token\": \"%s\"}}}}' \"$(printf '%s' \"$KUBERNETES_EXEC_INFO\" | base64 | tr -d '\\n')\""
    );
    let (_, credential) = script(&print, PluginOutput::Kept).credential(None).await.unwrap();
    let info = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, credential.token.unwrap().0).unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    let cluster = serde_json::json!({"server": "https://k8s.test", "certificate-authority-data": "UEVN"});
    assert_eq!(info["spec"], serde_json::json!({"interactive": false, "cluster": cluster}));
    assert_eq!((info["kind"].as_str(), info["apiVersion"].as_str()), (Some("ExecCredential"), Some(V1)));
}

#[tokio::test]
async fn other_output_is_refused_and_never_repeated() {
    let cases = [
        ("", "it printed nothing"),
        ("echo token: secret", "its output has no kind"),
        ("echo secret", "its output is not an object of JSON or YAML"),
        ("echo '{\"secret'", "its output is not such a JSON object (line 2, column 0)"),
        ("echo '\"secret: x: y'", "its output is neither JSON nor YAML (line 1, column 1)"),
        ("echo '[\"secret\"]'", "its output is not an object of JSON or YAML"),
        (
            "echo '[\"ExecCredential\", \"client.authentication.k8s.io/v1\", {\"token\": \"secret\"}]'",
            "its output is not an object of JSON or YAML",
        ),
        (
            "echo '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": [null, \"secret\"]}'",
            "its output is not an object of JSON or YAML",
        ),
        ("echo '{\"kind\": \"Secret\"}'", "its output has the kind `Secret`"),
        (
            "echo '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1beta1\"}'",
            "the kubeconfig asks for client.authentication.k8s.io/v1, its output has `client.authentication.k8s.io/v1beta1`",
        ),
        (
            "echo '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\"}'",
            "its output has no status; does it need a terminal?",
        ),
        (
            "echo '{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"\"}}'",
            "neither a token nor a client certificate is in it",
        ),
    ];
    for (text, problem) in cases {
        let error = script(text, PluginOutput::Kept).credential(None).await.expect_err(text).to_string();
        assert_eq!(error, format!("the credential plugin `sh` did not print an ExecCredential: {problem}"), "{text}");
    }
}

#[tokio::test]
async fn output_in_yaml_or_after_a_byte_order_mark_is_read_as_kubectl_does() {
    for text in [
        format!("printf 'apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: t1\n'"),
        format!(
            "printf '\\357\\273\\277{{\"kind\": \"ExecCredential\", \"apiVersion\": \"{V1}\", \"status\": {{\"token\": \"t1\"}}}}'"
        ),
    ] {
        let (_, credential) = script(&text, PluginOutput::Kept).credential(None).await.expect("credentials");
        assert_eq!(credential.token.map(|token| token.0).as_deref(), Some("t1"), "{text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_path_of_a_plugins_env_is_for_the_plugin_and_not_for_finding_it() {
    let print = format!(
        "printf '{{\"kind\": \"ExecCredential\", \"apiVersion\": \"{V1}\", \"status\": {{\"token\": \"%s\"}}}}' \"$PATH\""
    );
    let exec = Exec {
        api_version: V1.to_owned(),
        command: "sh".to_owned(),
        args: vec!["-c".to_owned(), print],
        env: vec![("PATH".to_owned(), "/nowhere".to_owned())],
        ..Exec::default()
    };
    let plugin = Plugin::new(exec, &Cluster::default(), None, PluginOutput::Kept).expect("a plugin");
    let (_, credential) = plugin.credential(None).await.expect("credentials");
    assert_eq!(credential.token.map(|token| token.0).as_deref(), Some("/nowhere"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_script_without_its_interpreter_is_not_called_missing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let login = folder.path().join("login");
    std::fs::write(&login, "#! /no/such/python3 -u\nprint()\n").unwrap();
    std::fs::set_permissions(&login, PermissionsExt::from_mode(0o755)).unwrap();
    let user = format!("{{exec: {{apiVersion: {V1}, command: '{}', interactiveMode: Never}}}}", login.display());
    let error = ask("{server: 'http://127.0.0.1:1'}", &user, &[]).await.expect_err("no interpreter");
    let found =
        format!("the credential plugin {} is a script for `/no/such/python3`, which was not found", login.display());
    assert_eq!((error.kind, error.found), (Unauthorized, found));
    assert!(error.hint.is_some_and(|hint| hint.starts_with("install `/no/such/python3`")));
}

#[tokio::test]
async fn a_plugin_is_not_run_where_the_kubeconfig_has_a_client_certificate() {
    let (issuer, authority) = tls::ca();
    let jane = tls::signed(&tls::params(&["jane"]), &issuer);
    let address = tls::tls_server(&tls::signed(&tls::params(&["127.0.0.1"]), &issuer), Some(&authority)).await;
    let cluster = format!("{{server: 'https://{address}', certificate-authority-data: {}}}", tls::data(&authority));
    let user = format!(
        "{{client-certificate-data: {}, client-key-data: {}, exec: {{apiVersion: {V1}, command: aicr-no-such-plugin}}}}",
        tls::data(&jane.certificate),
        tls::data(&jane.key)
    );
    assert_eq!(ask(&cluster, &user, &[]).await.expect("an answer"), "034");
}

#[tokio::test]
async fn a_plugin_that_is_missing_shows_the_hint_for_its_installation() {
    let user = format!("{{exec: {{apiVersion: {V1}, command: aicr-no-such-plugin, installHint: 'brew install it'}}}}");
    let error = ask("{server: 'http://127.0.0.1:1'}", &user, &[]).await.expect_err("no plugin");
    assert_eq!((error.kind, error.hint.as_deref()), (Unauthorized, Some("brew install it")));
    let user = format!("{{exec: {{apiVersion: {V1}, command: sh, interactiveMode: Always}}}}");
    let error = ask("{server: 'http://127.0.0.1:1'}", &user, &[]).await.expect_err("no terminal");
    assert_eq!(error.found, "the credential plugin `sh` needs a terminal (interactiveMode: Always)");
    let user = "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: sh}}";
    assert!(
        ask("{server: 'http://127.0.0.1:1'}", user, &[]).await.is_err_and(|error| error.found.contains("v1alpha1"))
    );
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_left_of_a_plugin_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let plugin = script(&format!("sleep 600 & echo $! > '{}'; wait", pid.display()), PluginOutput::Kept);
    let child = async {
        loop {
            if let Some(pid) = std::fs::read_to_string(&pid).ok().and_then(|text| text.trim().parse::<i32>().ok()) {
                return rustix::process::Pid::from_raw(pid).expect("a process");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let child = tokio::select! {
        answer = plugin.credential(None) => panic!("it ended: {answer:?}"),
        child = child => child,
    };
    let is_running = || {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero())).unwrap_or_default();
        state.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
    };
    tokio::time::timeout(Duration::from_secs(10), async {
        while is_running() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the child of the plugin is dead");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_takes_too_long_is_given_up() {
    let plugin = script("echo 'still waiting' >&2; sleep 600", PluginOutput::Kept);
    let error = plugin.credential(None).await.expect_err("30 s");
    assert!(matches!(error, ExecError::Timeout { .. }), "{error}");
}
