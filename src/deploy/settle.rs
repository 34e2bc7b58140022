//! Failures of Helm that pass by themselves: webhooks and kinds that are new, an API server that is busy.
//!
//! Only these are tried again. The texts are those of `deploy.sh`.

/// What Helm prints, in lower case, and what it means.
const KNOWN: [(&str, &str); 16] = [
    ("failed calling webhook", "a webhook does not answer yet"),
    ("no endpoints available", "a service has no endpoints yet"),
    ("no matches for kind", "a kind is not known to the cluster yet"),
    ("connection refused", "a connection was refused"),
    ("connection reset", "a connection was lost"),
    ("i/o timeout", "a connection timed out"),
    ("tls handshake timeout", "a connection timed out"),
    ("too many requests", "the API server asks for fewer requests"),
    ("etcdserver", "the API server's store is busy"),
    ("currently unable to handle", "an API service is not available yet"),
    ("certificate signed by unknown authority", "a webhook has no certificate yet"),
    ("the object has been modified", "another program has changed an object at the same time"),
    ("timed out waiting for the condition", "a hook was not done in time"),
    ("context deadline exceeded", "it was not done in time"),
    ("another operation (install/upgrade/rollback) is in progress", "another Helm works on the release"),
    ("server is currently unable", "the API server is not available"),
];

/// Why a failure with this output will probably not be one next time; `None` for any other failure.
pub fn reason(output: &str) -> Option<&'static str> {
    let output = output.to_ascii_lowercase();
    KNOWN.iter().find(|(text, _)| output.contains(text)).map(|(_, reason)| *reason)
}

/// Seconds before a try; `tried` is how often it has failed.
pub fn pause_seconds(tried: u32) -> u64 {
    (5 * u64::from(tried) * u64::from(tried)).min(120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_failures_settle() {
        let webhook = "Error: Internal error occurred: failed calling webhook \"x\": no endpoints available";
        assert_eq!(reason(webhook), Some("a webhook does not answer yet"));
        assert_eq!(reason("Error: chart \"x\" version \"9\" not found"), None);
        assert_eq!(reason(""), None);
    }

    #[test]
    fn pauses_grow_up_to_two_minutes() {
        assert_eq!([1, 2, 3, 4, 5, 9].map(pause_seconds), [5, 20, 45, 80, 120, 120]);
    }
}
