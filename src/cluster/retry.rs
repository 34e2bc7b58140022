//! Which requests are sent again, and after how long: the rules of client-go, in a smaller number.
//!
//! In: the method of a request and what became of it. Out: how long to wait before it is sent again, or nothing. No request
//! is sent and no time is spent here.
//!
//! A server that says when to come back (`Retry-After` in seconds, with 429 or 5xx) is asked again then; without that word
//! nothing is repeated. A connection that is lost before an answer is there is opened again for a GET, which changes nothing.

use super::dial::DialError;
use http::{HeaderMap, Method, StatusCode, header::RETRY_AFTER};
use std::{error::Error, io, time::Duration};

/// What a server may ask for is a number of any size, and is added to times: a day is longer than anybody waits.
const LONGEST: u64 = 86_400;
/// Times that a server may ask for patience in one request, as in client-go.
const BUSY: u32 = 10;
/// Waits after connections that were lost. A server that closes every connection is reported after less than two seconds.
const LOST: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(500), Duration::from_secs(1)];

/// The attempts at one request so far.
#[derive(Debug, Default)]
pub struct Attempts {
    busy: u32,
    lost: usize,
}

impl Attempts {
    /// After an answer: how long to wait for another try.
    ///
    /// 429 refuses before anything is done. After 5xx something may have been done, which only an idempotent request may repeat.
    pub fn answered(&mut self, method: &Method, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        let is_refused = status == StatusCode::TOO_MANY_REQUESTS;
        if !(is_refused || status.is_server_error() && method.is_idempotent()) || self.busy == BUSY {
            return None;
        }
        let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        self.busy += 1;
        // An answer with 0 would be asked for ten times within a moment.
        Some(Duration::from_secs(seconds.min(LONGEST)).max(LOST[0]))
    }

    /// After no answer: how long to wait for another try.
    pub fn failed(&mut self, method: &Method, error: &(dyn Error + 'static)) -> Option<Duration> {
        if method != Method::GET || !is_lost(error) {
            return None;
        }
        let wait = LOST.get(self.lost).copied();
        self.lost += 1;
        wait
    }
}

/// Whether a connection ended that had been opened, or that was at its TLS handshake.
fn is_lost(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(dial) = error.downcast_ref::<DialError>() {
            return matches!(dial, DialError::Tls { source, .. } if is_ended(source));
        }
        if error
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_incomplete_message() || error.is_canceled())
            || error.downcast_ref::<io::Error>().is_some_and(is_ended)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Whether the other side ended a connection.
pub fn is_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds until the request is sent again, for an answer with this `Retry-After`.
    fn after(method: Method, code: u16, retry_after: &str) -> Option<f64> {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert(RETRY_AFTER, retry_after.parse().expect("a header"));
        }
        let status = StatusCode::from_u16(code).expect("a status");
        Attempts::default().answered(&method, status, &headers).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn only_a_server_that_names_a_time_is_asked_again() {
        for (method, code, retry_after, expected) in [
            (Method::GET, 429, "1", Some(1.0)),
            (Method::GET, 503, "3", Some(3.0)),
            (Method::GET, 500, "1", Some(1.0)),
            (Method::GET, 429, "0", Some(0.2)),
            (Method::GET, 503, "", None),
            (Method::GET, 429, "", None),
            (Method::GET, 429, "Fri, 27 Nov 2026 21:00:00 GMT", None),
            (Method::GET, 429, "-1", None),
            (Method::GET, 429, "18446744073709551615", Some(86_400.0)),
            (Method::GET, 403, "1", None),
            (Method::GET, 200, "1", None),
            (Method::POST, 429, "1", Some(1.0)),
            (Method::POST, 503, "1", None),
            (Method::PATCH, 503, "1", None),
            (Method::DELETE, 503, "1", Some(1.0)),
        ] {
            assert_eq!(after(method.clone(), code, retry_after), expected, "{method} {code} {retry_after}");
        }
    }

    #[test]
    fn patience_ends_after_ten_answers() {
        let mut attempts = Attempts::default();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static("1"))]);
        let waits = (0..20).filter_map(|_| attempts.answered(&Method::GET, StatusCode::TOO_MANY_REQUESTS, &headers));
        assert_eq!(waits.count(), 10);
    }

    #[test]
    fn a_lost_connection_is_opened_again_for_a_get_a_few_times() {
        let lost = io::Error::from(io::ErrorKind::ConnectionReset);
        let mut attempts = Attempts::default();
        assert_eq!(std::iter::from_fn(|| attempts.failed(&Method::GET, &lost)).count(), LOST.len());
        assert_eq!(Attempts::default().failed(&Method::POST, &lost), None);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(Attempts::default().failed(&Method::GET, &refused), None);
        let to = || "k8s.test:443".to_owned();
        let cut = DialError::Tls { to: to(), source: io::Error::from(io::ErrorKind::UnexpectedEof) };
        assert_eq!(Attempts::default().failed(&Method::GET, &cut), Some(LOST[0]));
        let lookup = DialError::Lookup { to: to(), source: io::Error::from(io::ErrorKind::UnexpectedEof) };
        assert_eq!(Attempts::default().failed(&Method::GET, &lookup), None);
    }
}
