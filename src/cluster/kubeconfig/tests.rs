//! Kubeconfigs as text in, one context as a line out.

use super::*;

/// Merges files `0`, `1`, … of folders `/0`, `/1`, …, and reads one context; the answer as one line.
#[track_caller]
fn check(files: &[&str], context: Option<&str>, expected: &str) {
    assert_eq!(line(files, context), expected);
}

fn read(files: &[&[u8]], context: Option<&str>) -> Result<Effective, KubeconfigError> {
    let mut all = Kubeconfig::default();
    for (index, bytes) in files.iter().enumerate() {
        all.add(Path::new(&format!("/{index}/config")), bytes)?;
    }
    all.effective(context)
}

fn line(files: &[&str], context: Option<&str>) -> String {
    let files: Vec<&[u8]> = files.iter().map(|file| file.as_bytes()).collect();
    match read(&files, context) {
        Ok(found) => {
            let Effective { context, cluster, user, .. } = found;
            let authority = cluster.certificate_authority.map_or(String::new(), |content| format!(" {content:?}"));
            let token = user.token.map_or(String::new(), |token| format!(" token {}", token.0));
            format!("{context}: {} {}{authority}{token}", cluster.server, user.name)
        }
        Err(error) => crate::text::causes(&error),
    }
}

const DEV: &str = "{clusters: [{name: dev, cluster: {server: 'https://dev:6443', certificate-authority: pki/ca.crt}}], \
                   users: [{name: jane, user: {token: ' abc '}}], \
                   contexts: [{name: dev, context: {cluster: dev, user: jane, namespace: ml}}], current-context: dev}";

#[test]
fn a_context_is_read_with_paths_from_its_own_file() {
    check(&[DEV], None, "dev: https://dev:6443 jane File(/0/pki/ca.crt) token abc");
    check(&["", DEV], None, "dev: https://dev:6443 jane File(/1/pki/ca.crt) token abc");
    assert_eq!(read(&[DEV.as_bytes()], None).unwrap().namespace.as_deref(), Some("ml"));
}

#[test]
fn the_first_file_wins_by_name_and_by_current_context() {
    let other = DEV
        .replace("https://dev", "https://other")
        .replace("abc", "xyz")
        .replace("current-context: dev", "current-context: no");
    check(&[DEV, &other], None, "dev: https://dev:6443 jane File(/0/pki/ca.crt) token abc");
    check(
        &["{current-context: '', kind: Config, apiVersion: v1}", DEV],
        None,
        "dev: https://dev:6443 jane File(/1/pki/ca.crt) token abc",
    );
    check(
        &["{current-context: ~}", "", "# nothing\n", DEV],
        None,
        "dev: https://dev:6443 jane File(/3/pki/ca.crt) token abc",
    );
    check(&["{current-context: lost}", DEV], None, "context `lost` does not exist; known: dev");
    check(&["{users: [{name: jane}]}", DEV], None, "dev: https://dev:6443 jane File(/1/pki/ca.crt)");
}

#[test]
fn contexts_that_cannot_be_used_say_why() {
    check(&[""], None, "current-context is not set; no file defines a context");
    check(&["contexts: [{name: a}, {name: b}]"], None, "current-context is not set; known: a, b");
    check(&["contexts: [{name: a}]"], Some("c"), "context `c` does not exist; known: a");
    check(
        &["contexts: [{name: a, context: {cluster: x}}]"],
        Some("a"),
        "context `a` refers to cluster `x`, which no file defines",
    );
    let of = |cluster: &str, user: &str| {
        format!(
            "{{clusters: [{{name: c, cluster: {cluster}}}], users: [{{name: u, user: {user}}}], contexts: [{{name: x, context: {{cluster: c, user: u}}}}]}}"
        )
    };
    let cases = [
        ("{}", "{}", "cluster `c`: `server` is missing"),
        ("{server: [a]}", "{}", "cluster `c`: `server` (line 1) is a list, not text"),
        (
            "{server: a, insecure-skip-tls-verify: perhaps}",
            "{}",
            "cluster `c`: `insecure-skip-tls-verify` (line 1) is a string, not a boolean",
        ),
        (
            "{server: a, certificate-authority-data: '%%'}",
            "{}",
            "cluster `c`: `certificate-authority-data` is not base64: Invalid symbol 37, offset 0.",
        ),
        (
            "{server: a, certificate-authority: b, insecure-skip-tls-verify: true}",
            "{}",
            "cluster `c`: `certificate-authority` and `insecure-skip-tls-verify: true` contradict each other",
        ),
        (
            "{server: a}",
            "{token: x, username: y, password: z}",
            "user `u`: both `token` and `username` are set; only one way to log in is allowed",
        ),
        ("{server: a}", "{client-certificate: x}", "user `u`: `client-certificate` is set, `client-key` is missing"),
        ("{server: a}", "{as-groups: [x]}", "user `u`: `as-uid`, `as-groups` and `as-user-extra` need `as`"),
        ("{server: a}", "{exec: {}}", "user `u`, exec: `command` is missing"),
        (
            "{server: a}",
            "{exec: {command: x, interactiveMode: Sometimes}}",
            "user `u`, exec: `interactiveMode: Sometimes` is unknown; expected Never, IfAvailable or Always",
        ),
        (
            "{server: a}",
            "{auth-provider: {name: gcp}}",
            "user `u`, auth-provider: the gcp provider was removed from Kubernetes; use the plugin gke-gcloud-auth-plugin",
        ),
    ];
    for (cluster, user, expected) in cases {
        check(&[&of(cluster, user)], Some("x"), expected);
    }
}

#[test]
fn an_entry_of_the_wrong_shape_is_refused_where_it_is_used() {
    let of = |context: &str, cluster: &str, user: &str| {
        format!(
            "{{clusters: [{{name: c, cluster: {cluster}}}], users: [{{name: u, user: {user}}}], contexts: [{{name: x, context: {context}}}]}}"
        )
    };
    let (context, cluster) = ("{cluster: c, user: u}", "{server: a}");
    for (context, cluster, user, expected) in [
        ("[c, u]", cluster, "{}", "context `x`: expected a mapping (line 1), found a list"),
        (context, "'https://a'", "{}", "cluster `c`: expected a mapping (line 1), found a string"),
        (context, cluster, "s3cr3t", "user `u`: expected a mapping (line 1), found a string"),
        (context, cluster, "[{token: s3cr3t}]", "user `u`: expected a mapping (line 1), found a list"),
        (context, cluster, "{exec: aws}", "user `u`, exec: expected a mapping (line 1), found a string"),
        (
            context,
            cluster,
            "{exec: {command: x, env: {A: b}}}",
            "user `u`, exec: `env` (line 1) is a mapping, not a list",
        ),
        (
            context,
            cluster,
            "{exec: {command: x, env: [a]}}",
            "user `u`, exec, env: expected a mapping (line 1), found a string",
        ),
        (context, cluster, "{exec: {command: x, env: [{value: b}]}}", "user `u`, exec, env: `name` is missing"),
        (
            context,
            cluster,
            "{as: a, as-user-extra: [k]}",
            "user `u`, as-user-extra: expected a mapping (line 1), found a list",
        ),
        (
            context,
            cluster,
            "{as: a, as-user-extra: {k: v}}",
            "user `u`, as-user-extra: `k` (line 1) is a string, not a list",
        ),
        (
            context,
            cluster,
            "{auth-provider: oidc}",
            "user `u`, auth-provider: expected a mapping (line 1), found a string",
        ),
        (context, cluster, "{password: s3cr3t}", "user `u`: `password` is set, `username` is missing"),
        (
            context,
            cluster,
            "{token: t, password: s3cr3t}",
            "user `u`: both `token` and `password` are set; only one way to log in is allowed",
        ),
    ] {
        check(&[&of(context, cluster, user)], Some("x"), expected);
    }
    check(&[&of(context, cluster, "{tokenFile: t, password: p}")], Some("x"), "x: a u");
    check(&[&of(context, cluster, "{exec: ~, as-user-extra: ~, auth-provider: ~}")], Some("x"), "x: a u");
}

#[test]
fn of_keys_that_are_there_twice_the_last_one_is_used_with_a_warning() {
    let mut kubeconfig = Kubeconfig::default();
    let text = DEV.replace("{token: ' abc '}", "{token: s3cr3t,\n token: xyz}");
    kubeconfig.add(Path::new("/0/config"), text.as_bytes()).unwrap();
    kubeconfig.add(Path::new("/1/config"), b"current-context: a\nkind: Config\ncurrent-context: b\n").unwrap();
    let found = kubeconfig.effective(None).unwrap();
    assert_eq!(found.user.token, Some(Secret("xyz".to_owned())));
    assert_eq!(
        kubeconfig.warnings(),
        [
            "/0/config: duplicate key `token`, first defined on line 1 (line 2, column 2); the last one is used, as kubectl does",
            "/1/config: duplicate key `current-context`, first defined on line 1 (line 3, column 1); the last one is used, as kubectl does",
        ]
    );
}

#[test]
fn a_binary_token_is_decoded() {
    check(
        &[&DEV.replace("' abc '", "!!binary aGVsbG8=")],
        None,
        "dev: https://dev:6443 jane File(/0/pki/ca.crt) token hello",
    );
}

#[test]
fn utf16_without_a_byte_order_mark_is_named() {
    let units = |bytes: fn(u16) -> [u8; 2]| DEV.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    for bytes in [units(u16::to_le_bytes), units(u16::to_be_bytes)] {
        assert_eq!(read(&[&bytes], None).unwrap_err().to_string(), "UTF-16 text without a byte order mark");
    }
}

#[test]
fn what_is_odd_in_other_entries_does_no_harm() {
    let odd = "{clusters: [{name: bad, cluster: {server: [1]}}, {name: worse}, {cluster: {server: x}}, 7], \
               users: [{name: bad, user: {exec: 7, token: {}, client-key-data: '%'}}], unknown: {a: 1}, \
               contexts: [{name: bad, context: []}, {name: unused, context: {cluster: nowhere}}], preferences: []}";
    check(&[odd, DEV], None, "dev: https://dev:6443 jane File(/1/pki/ca.crt) token abc");
}

#[test]
fn a_file_of_another_shape_is_refused() {
    check(&["- a\n- b\n"], None, "expected a mapping, found a list");
    check(&["hello"], None, "expected a mapping, found a string");
    check(&["clusters: {a: b}"], None, "expected a list in `clusters` (line 1), found a mapping");
    check(&["users: [{name: u}, {name: u}]"], None, "duplicate name `u` in users");
    check(&["kind: Pod\napiVersion: v1\n"], None, "expected `kind: Config` of v1, found Pod of v1");
}

#[test]
fn data_wins_over_its_file_and_line_breaks_in_it_are_passed_over() {
    let file = DEV.replace(
        "certificate-authority: pki/ca.crt",
        "certificate-authority: pki/ca.crt, certificate-authority-data: \"aGVs\\n bG8=\"",
    );
    check(&[&file], None, "dev: https://dev:6443 jane Inline(5 bytes) token abc");
}

fn utf16(text: &str, mark: [u8; 2], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect()
}

#[test]
fn files_with_a_byte_order_mark_are_read_and_broken_ones_refused() {
    let le = utf16(DEV, [0xFF, 0xFE], u16::to_le_bytes);
    let be = utf16(DEV, [0xFE, 0xFF], u16::to_be_bytes);
    for bytes in [le.clone(), be.clone(), [b"\xEF\xBB\xBF", DEV.as_bytes()].concat()] {
        assert_eq!(read(&[&bytes], None).map(|found| found.context), Ok("dev".to_owned()));
    }
    for (mut bytes, name) in [(le, "UTF-16 LE"), (be, "UTF-16 BE")] {
        bytes.push(b'\n');
        let error = read(&[&bytes], None).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name} text with an odd number of bytes")), "{error}");
        bytes.pop();
        let half = [0xD8, 0xD8];
        bytes.splice(4..6, half);
        assert_eq!(read(&[&bytes], None).unwrap_err().to_string(), format!("not valid {name} text"));
    }
    for length in 0..4 {
        let _ = read(&[&[0xFF, 0xFE, 0, 0][..length]], None);
    }
    assert_eq!(read(&[b"a: \xFF"], None).unwrap_err().to_string(), "not UTF-8 text: byte 4 cannot be decoded");
}

#[test]
fn a_plugin_keeps_bare_names_for_path_and_resolves_relative_ones() {
    let of = |command: &str| {
        let user =
            format!("{{exec: {{apiVersion: v, command: {command}, args: [1, b], env: [{{name: A, value: 2}}]}}}}");
        let file = DEV.replace("{token: ' abc '}", &user);
        read(&[file.as_bytes()], None).unwrap().user.exec.unwrap()
    };
    assert_eq!(of("aws").command, "aws");
    assert_eq!(of("./bin/login").command, "/0/./bin/login");
    assert_eq!(of("/usr/bin/login").command, "/usr/bin/login");
    assert_eq!(
        (of("x").args, of("x").env),
        (vec!["1".to_owned(), "b".to_owned()], vec![("A".to_owned(), "2".to_owned())])
    );
}

#[test]
fn secrets_are_not_in_debug_output() {
    let found = read(
        &[DEV
            .replace(
                "{token: ' abc '}",
                "{username: u, password: hunter2, client-key-data: c2VjcmV0, client-certificate: x}",
            )
            .as_bytes()],
        None,
    );
    let text = format!("{found:?}");
    assert!(!text.contains("hunter2") && !text.contains("c2VjcmV0") && !text.contains("secret"), "{text}");
}
