//! Paths of the API server with their queries: the one place that knows how a value is written into a URL.
//!
//! In: a path and pairs of names and values. Out: `path?name=value&name=value`, every value percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::{Display, Write};

/// All but letters, digits and `-._~`.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one part of a path or one value of a query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// A path and its query.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestPath(String);

impl RequestPath {
    /// `path` is used as it is: its parts are names of resources, or encoded already.
    pub fn new(path: impl Into<String>) -> RequestPath {
        RequestPath(path.into())
    }

    /// Adds a pair to the query.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> RequestPath {
        let separator = if self.0.contains('?') { '&' } else { '?' };
        let value = value.to_string();
        // Writing into a String does not fail.
        let _ = write!(self.0, "{separator}{name}={}", utf8_percent_encode(&value, VALUE));
        self
    }

    /// Adds a pair unless its value is empty.
    #[must_use]
    pub fn with_some(self, name: &str, value: &str) -> RequestPath {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], expected: &str) {
        let path =
            pairs.iter().fold(RequestPath::new("/api/v1/pods"), |path, (name, value)| path.with_some(name, value));
        assert_eq!(path.as_str(), expected);
    }

    #[test]
    fn values_cannot_break_out_of_their_pair() {
        check(&[], "/api/v1/pods");
        check(&[("limit", "500")], "/api/v1/pods?limit=500");
        check(
            &[("labelSelector", "a=b,c in (d)"), ("continue", "")],
            "/api/v1/pods?labelSelector=a%3Db%2Cc%20in%20%28d%29",
        );
        check(&[("a", "x&watch=1#"), ("b", "é~_.-")], "/api/v1/pods?a=x%26watch%3D1%23&b=%C3%A9~_.-");
    }

    #[test]
    fn what_is_encoded_is_what_the_server_decodes() {
        let all: String = (1..=0x2FF).filter_map(char::from_u32).collect();
        let path = RequestPath::new("/x").with("q", &all);
        let (_, value) = path.as_str().split_once("?q=").expect("a query");
        assert!(value.parse::<http::Uri>().is_ok() || http::Uri::try_from(path.as_str()).is_ok());
        assert_eq!(percent_encoding::percent_decode_str(value).decode_utf8().expect("UTF-8"), all);
    }
}
