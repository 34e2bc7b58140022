//! Judges the head of an answer, before anybody reads its body as Kubernetes'.
//!
//! In: an answer as it came. Out: the same answer, or the error of one that no API server gives: a page for people, a
//! redirection, a body in an encoding that was not asked for. A refusal that is not a `Status` becomes one here, so that its
//! code and words are the same for whoever asked: gateways and load balancers have words of their own.

use super::web;
use bytes::Bytes;
use http::{
    Method, Response, StatusCode, Uri,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, TRANSFER_ENCODING},
};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::time::Duration;

/// An answer whose body is as it came, or made here.
pub type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// An answer that no API server gives: a page for people, a redirection, an encoding.
#[derive(Debug, thiserror::Error)]
#[error("HTTP {status}: {found}")]
pub struct NotKubernetes {
    pub status: u16,
    pub found: String,
}

/// Bytes of a page that are searched for its title.
const BEGINNING: usize = 64 << 10;
/// Bytes of a refusal that are read: it may quote an object, which is as large as the server stores.
const REFUSAL: usize = 3 << 20;
/// Until they are there.
const LIMIT: Duration = Duration::from_secs(30);
/// Characters of a refusal in words that we do not know.
const WORDS: usize = 300;

fn header(answer: &Response<Incoming>, name: HeaderName) -> &str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Where an answer sends to, if that is on the same server: the only place where our credentials belong.
pub fn moved_within(server: &Uri, from: &Uri, answer: &Response<Incoming>) -> Option<Uri> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = header(answer, LOCATION).trim();
    let to = web::destination(from, location).ok().filter(|_| !location.is_empty())?;
    let port = |uri: &Uri| uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    let host = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    let is_same = to.scheme() == server.scheme() && host(&to) == host(server) && port(&to) == port(server);
    is_same.then_some(to)
}

/// Refuses what no API server answers, and reads refusals.
///
/// # Errors
/// [`NotKubernetes`].
pub async fn checked(answer: Response<Incoming>, method: &Method, uri: &Uri) -> Result<Answer, NotKubernetes> {
    let status = answer.status();
    let not_kubernetes = |found| Err(NotKubernetes { status: status.as_u16(), found });
    if status.is_redirection() {
        let location = answer.headers().get(LOCATION).map_or(&[][..], |value| value.as_bytes());
        return not_kubernetes(match &*String::from_utf8_lossy(location) {
            "" => "a redirect without a location".to_owned(),
            place => format!("a redirection to {}", web::shown(place).trim_end_matches("?…")),
        });
    }
    let encoding = header(&answer, CONTENT_ENCODING).trim();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return not_kubernetes(format!("the answer is encoded as `{encoding}`, which was not asked for"));
    }
    if header(&answer, CONTENT_TYPE).starts_with("text/html") {
        let page = beginning(answer.into_body(), BEGINNING).await;
        return not_kubernetes(match title(&String::from_utf8_lossy(&page)) {
            Some(title) => format!("an HTML page with the title `{title}`"),
            None => "an HTML page".to_owned(),
        });
    }
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || header(&answer, CONTENT_TYPE).contains("protobuf") {
        return Ok(answer.map(Either::Left));
    }
    let (mut parts, body) = answer.into_parts();
    let bytes = beginning(body, REFUSAL).await;
    let bytes = match as_status(status, &bytes) {
        None => bytes,
        Some(made) => {
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            made.to_string().into_bytes()
        }
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let bytes = with_request(bytes, &format!("{method} {path}"), parts.headers.get(AUDIT_ID));
    // Of the body as it came.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(TRANSFER_ENCODING);
    Ok(Response::from_parts(parts, Either::Right(Full::new(bytes.into()))))
}

/// What an API server calls a request in its audit log.
const AUDIT_ID: &str = "audit-id";
/// The reason of the cause that [`with_request`] adds.
pub(super) const REQUEST: &str = "aicr/request";

/// A `Status` with the request that it answers, and what the server calls that, as one more of its causes: nothing else of an
/// answer reaches whoever asked.
fn with_request(body: Vec<u8>, request: &str, id: Option<&HeaderValue>) -> Vec<u8> {
    let Ok(Value::Object(mut said)) = serde_json::from_slice::<Value>(&body) else { return body };
    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
    let details = said.entry("details").or_insert_with(|| json!({}));
    if !details.is_object() {
        *details = json!({});
    }
    if !details["causes"].is_array() {
        details["causes"] = json!([]);
    }
    if let Some(causes) = details["causes"].as_array_mut() {
        causes.push(json!({"reason": REQUEST, "message": request, "field": id}));
    }
    Value::Object(said).to_string().into_bytes()
}

/// The first bytes of a body; fewer where it ends or stops coming.
async fn beginning(mut body: Incoming, most: usize) -> Vec<u8> {
    let (mut bytes, end) = (Vec::new(), tokio::time::Instant::now() + LIMIT);
    while bytes.len() < most {
        let Ok(Some(Ok(frame))) = tokio::time::timeout_at(end, body.frame()).await else { break };
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    bytes
}

/// The `Status` of a refusal that is none, or that lacks its code. `None` where it is one, or where it is plain text, which
/// our client of Kubernetes takes as the message.
fn as_status(status: StatusCode, body: &[u8]) -> Option<Value> {
    let made = |message: &str, reason: &str| {
        let code = status.as_u16();
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code})
    };
    if body.iter().all(u8::is_ascii_whitespace) {
        return Some(made("", ""));
    }
    let said: Value = serde_json::from_slice(body).ok()?;
    let text = |key: &str| said[key].as_str().unwrap_or_default();
    if said["kind"] != "Status" {
        return Some(made(&words(&said), ""));
    }
    let is_whole = said["code"].as_u64().is_some_and(|code| code > 0);
    (!is_whole).then(|| made(text("message"), text("reason")))
}

/// What a refusal says, in the fields that gateways use for it; else all of it.
fn words(said: &Value) -> String {
    const PLACES: [&str; 8] = [
        "/message",
        "/error/message",
        "/error",
        "/errors/0/message",
        "/errors/0",
        "/error_description",
        "/detail",
        "/title",
    ];
    let all = PLACES.iter().find_map(|place| said.pointer(place)?.as_str().filter(|text| !text.trim().is_empty()));
    let all = all.map_or_else(|| said.to_string(), |text| text.trim().to_owned());
    match all.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", &all[..end]),
        None => all,
    }
}

/// The title of a page, on one line of at most 100 characters.
pub(super) fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find('<')?;
    let words: Vec<&str> = page[start..end].split_whitespace().collect();
    let title: String = words.join(" ").chars().take(100).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a refusal with this body says; `as it came` where nothing is changed.
    #[track_caller]
    fn check(body: &str, expected: &str) {
        let made = as_status(StatusCode::FORBIDDEN, body.as_bytes());
        let said = made
            .map_or("as it came".to_owned(), |made| format!("{}: {}", made["code"], made["message"].as_str().unwrap()));
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn refusals_of_gateways_keep_their_code_and_words() {
        check("", "403: ");
        check("RBAC: access denied", "as it came");
        check(r#"{"error": "denied by zero trust"}"#, "403: denied by zero trust");
        check(r#"{"error": {"code": 7, "message": "no access"}}"#, "403: no access");
        check(r#"{"errors": [{"message": "no"}]}"#, "403: no");
        check(r#"{"type": "error", "status": "401", "message": "must authenticate"}"#, "403: must authenticate");
        check(r#"{"error": 1}"#, r#"403: {"error":1}"#);
        check(r#"["no"]"#, r#"403: ["no"]"#);
        check(&json!({"message": "é".repeat(400)}).to_string(), &format!("403: {}…", "é".repeat(300)));
    }

    #[test]
    fn a_refusal_has_the_request_that_it_answers() {
        let id = HeaderValue::from_static("c0ffee");
        for (body, causes) in [
            (r#"{"kind": "Status", "code": 403}"#, 1),
            (r#"{"kind": "Status", "code": 403, "details": null}"#, 1),
            (r#"{"kind": "Status", "code": 422, "details": {"causes": [{"reason": "FieldValueInvalid"}]}}"#, 2),
        ] {
            let said = with_request(body.as_bytes().to_vec(), "GET /api/v1/nodes?limit=500", Some(&id));
            let status: kube::core::Status = serde_json::from_slice(&said).unwrap();
            let all = status.details.unwrap().causes;
            assert_eq!(all.len(), causes, "{body}");
            let last = all.last().unwrap();
            assert_eq!((&*last.message, &*last.field), ("GET /api/v1/nodes?limit=500", "c0ffee"), "{body}");
        }
        assert_eq!(with_request(b"RBAC: access denied".to_vec(), "GET /", None), b"RBAC: access denied");
    }

    #[test]
    fn a_status_is_changed_only_where_it_lacks_its_code() {
        check(r#"{"kind": "Status", "code": 403, "message": "no"}"#, "as it came");
        check(r#"{"kind": "Status", "message": "no"}"#, "403: no");
        check(r#"{"kind": "Status", "code": "403", "message": "no"}"#, "403: no");
    }
}
