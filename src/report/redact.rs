//! Credentials in text that is kept: they become `[redacted]`.
//!
//! In: a line of a log or an argument of the command line. Out: the same with values that follow the name of a credential
//! (`token: x`, `"password":"x"`), with what follows `Bearer` and `Basic`, with JSON web tokens, and with user names and
//! passwords of URLs replaced. It knows shapes, not secrets: a token that stands alone is only found when it is a JWT.

use std::borrow::Cow;

const REDACTED: &str = "[redacted]";

/// Ends of names whose value is a credential, in lower case.
const NAMES: [&str; 12] = [
    "authorization",
    "cookie",
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "key-data",
    "keydata",
    "key_data",
    "api-key",
    "apikey",
];

/// Whether the value of a field or option with this name is a credential.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

/// The text without credentials.
pub fn text(text: &str) -> Cow<'_, str> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    // Lower case in ASCII only keeps every position.
    let lower = text.to_ascii_lowercase();
    for scheme in ["bearer ", "basic "] {
        for (at, _) in lower.match_indices(scheme) {
            let start = at + scheme.len();
            found.push((start, start + value_end(&text[start..], false)));
        }
    }
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            if let Some(start) = value_start(&text[at + name.len()..]).map(|skipped| at + name.len() + skipped) {
                let whole_line = matches!(name, "authorization" | "cookie");
                found.push((start, start + value_end(&text[start..], whole_line)));
            }
        }
    }
    for (at, _) in text.match_indices("eyJ") {
        let end = at + value_end(&text[at..], false);
        if text[at..end].matches('.').count() >= 2 {
            found.push((at, end));
        }
    }
    for (at, _) in text.match_indices("://") {
        let start = at + 3;
        let authority = text[start..].split(['/', '?', '#', ' ', '"', '\'', '\n']).next().unwrap_or_default();
        if let Some((login, _)) = authority.rsplit_once('@') {
            found.push((start, start + login.len()));
        }
    }
    found.retain(|(start, end)| start < end);
    if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(without(text, found)) }
}

/// Bytes from the end of a name to its value; `None` where nothing is assigned to it.
fn value_start(rest: &str) -> Option<usize> {
    let between = |letter: char| matches!(letter, ' ' | '"' | '\'' | '\\');
    let after_name = rest.trim_start_matches(between);
    let value = after_name.strip_prefix([':', '='])?.trim_start_matches(between);
    let value = value.strip_prefix("Some(").unwrap_or(value).trim_start_matches(between);
    Some(rest.len() - value.len())
}

/// Bytes of a value: to the next quote, bracket, comma or blank, or to the end of the line.
fn value_end(value: &str, whole_line: bool) -> usize {
    let ends = |letter: char| {
        matches!(letter, '"' | '\'' | '\\' | '\n' | '\r')
            || !whole_line && (letter.is_whitespace() || matches!(letter, ',' | ';' | '}' | ')' | ']' | '&'))
    };
    value.find(ends).unwrap_or(value.len())
}

fn without(text: &str, mut found: Vec<(usize, usize)>) -> String {
    found.sort_unstable();
    let (mut shown, mut from) = (String::with_capacity(text.len()), 0);
    for (start, end) in found {
        if start >= from {
            shown.push_str(&text[from..start]);
            shown.push_str(REDACTED);
        }
        from = from.max(end);
    }
    shown + &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str) {
        assert_eq!(text(before), after);
    }

    #[test]
    fn credentials_are_found_by_their_name() {
        check("user: {token: s3cr3t, name: x}", "user: {token: [redacted], name: x}");
        check(r#"{"id-token":"s3cr3t","a":1}"#, r#"{"id-token":"[redacted]","a":1}"#);
        check(r#""{\"password\":\"s3cr3t\"}""#, r#""{\"password\":\"[redacted]\"}""#);
        check(
            "AuthInfo { password: Some(\"s3cr3t\"), tokenFile: None }",
            "AuthInfo { password: Some(\"[redacted]\"), tokenFile: None }",
        );
        check("--token=s3cr3t --namespace x", "--token=[redacted] --namespace x");
        check("client-key-data: LS0t\nnext: 1", "client-key-data: [redacted]\nnext: 1");
    }

    #[test]
    fn headers_are_found_whole() {
        check("Authorization: Bearer s3cr3t", "Authorization: [redacted]");
        check(r#"{"authorization": "Basic dTpw", "host": "x"}"#, r#"{"authorization": "[redacted]", "host": "x"}"#);
        check("sent Bearer s3cr3t to x", "sent Bearer [redacted] to x");
        check("set-cookie: a=b; c=d", "set-cookie: [redacted]");
    }

    #[test]
    fn tokens_and_logins_are_found_by_their_shape() {
        check("got eyJhbGciOi.eyJzdWIi.c2lnbg for x", "got [redacted] for x");
        check("https://user:pa@ss@proxy:3128/x", "https://[redacted]@proxy:3128/x");
    }

    #[test]
    fn text_without_credentials_is_not_copied() {
        for plain in
            ["GET /api/v1/namespaces/x/secrets/y?limit=5", "tokens are read", "eyJust a word", "größer: 日本語"]
        {
            assert!(matches!(text(plain), Cow::Borrowed(same) if same == plain), "{plain}: {}", text(plain));
        }
    }

    #[test]
    fn names_of_fields_are_judged_by_their_end() {
        assert!(is_secret_name("X-Auth-Token") && is_secret_name("clientKeyData") && is_secret_name("authorization"));
        assert!(!is_secret_name("message") && !is_secret_name("token.length"));
    }
}
