//! Which version of which API an answer is of, held against what was asked for.
//!
//! In: the path of a request, and `apiVersion` and `kind` of its answer. Out: nothing, or what was asked and what was
//! found. An answer that says neither is taken for what was asked, as long as it has the form of it: what is not a list
//! must not be read as an empty one.

use serde::Deserialize;

/// What an object says that it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Types {
    pub api_version: String,
    pub kind: String,
}

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("asked for the API version `{asked}`, and the server answered with {found}")]
    Version { asked: String, found: String },
    #[error("asked for a list, and the server answered with {found}")]
    NotAList { found: String },
}

/// The API version that a path asks for: `v1`, `apps/v1`; `None` where the path is not that of objects.
fn asked(path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["api", version, _, ..] => Some(version.to_owned()),
        ["apis", group, version, _, ..] => Some(format!("{group}/{version}")),
        _ => None,
    }
}

impl Types {
    fn words(&self) -> String {
        match (self.kind.as_str(), self.api_version.as_str()) {
            ("", "") => "an object without a kind".to_owned(),
            ("", version) => format!("an object of `{version}`"),
            (kind, "") => format!("the kind `{kind}`"),
            (kind, version) => format!("the kind `{kind}` of `{version}`"),
        }
    }

    /// Whether an object may be the answer to a request.
    ///
    /// # Errors
    /// It says that it is of another version.
    pub fn check(&self, path: &str) -> Result<(), Mismatch> {
        match asked(path) {
            // Lists of metadata have the version of metadata; a refusal has the version of refusals.
            Some(asked)
                if !self.api_version.is_empty()
                    && self.api_version != asked
                    && !self.api_version.starts_with("meta.k8s.io/") =>
            {
                Err(Mismatch::Version { asked, found: self.words() })
            }
            _ => Ok(()),
        }
    }

    /// Whether it may be the list that was asked for; `has_items` where it has some, were it none.
    ///
    /// # Errors
    /// As [`Types::check`], or it is not a list.
    pub fn check_list(&self, path: &str, has_items: bool) -> Result<(), Mismatch> {
        self.check(path)?;
        let is_list = if self.kind.is_empty() { has_items } else { self.kind.ends_with("List") };
        if is_list { Ok(()) } else { Err(Mismatch::NotAList { found: self.words() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, api_version: &str, kind: &str, expected: &str) {
        let types = Types { api_version: api_version.to_owned(), kind: kind.to_owned() };
        let found = types.check_list(path, false).map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        assert_eq!(found, expected);
    }

    #[test]
    fn an_answer_is_held_against_what_was_asked() {
        check("/api/v1/nodes?limit=1", "v1", "NodeList", "ok");
        check("/apis/apps/v1/deployments", "apps/v1", "DeploymentList", "ok");
        check("/api/v1/secrets", "meta.k8s.io/v1", "PartialObjectMetadataList", "ok");
        check("/api/v1/nodes", "", "NodeList", "ok");
        check(
            "/api/v1/nodes",
            "v2",
            "NodeList",
            "asked for the API version `v1`, and the server answered with the kind `NodeList` of `v2`",
        );
        check(
            "/apis/apps/v1/deployments",
            "v1",
            "",
            "asked for the API version `apps/v1`, and the server answered with an object of `v1`",
        );
        check(
            "/api/v1/nodes",
            "v1",
            "Status",
            "asked for a list, and the server answered with the kind `Status` of `v1`",
        );
        check("/api/v1/nodes", "", "", "asked for a list, and the server answered with an object without a kind");
    }

    #[test]
    fn a_path_without_objects_asks_for_no_version() {
        for path in ["/version", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/livez?verbose"] {
            assert_eq!(asked(path), None, "{path}");
        }
    }
}
