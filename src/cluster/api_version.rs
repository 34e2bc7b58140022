//! Which version of which API an answer is of, held against what was asked for.
//!
//! In: the path of a request, and `apiVersion` and `kind` of its answer. Out: nothing, or what was asked and what was
//! found. An answer that says neither is taken for what was asked, as long as it has the form of it: what is not a list
//! must not be read as an empty one, nor a list of something else.

use crate::text::plural;
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
    #[error("asked for `{asked}`, and the server answered with {found}")]
    Kind { asked: String, found: String },
    #[error("the answer has no `gitVersion`; the server answered with {found}")]
    NotAVersion { found: String },
    #[error("the server gave the same `continue` token twice, so its list has no end")]
    SameToken,
    #[error("the server gave {0} pages and says that its list goes on, so it may have no end")]
    TooManyPages(usize),
}

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'p> {
    group: &'p str,
    version: &'p str,
    /// `nodes`; empty for a part of an object, like its log or scale.
    resource: &'p str,
}

impl<'p> Asked<'p> {
    /// `None` where the path is not that of objects.
    fn of(path: &'p str) -> Option<Asked<'p>> {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let (group, version, rest) = match &parts[..] {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let resource = match rest {
            [] => return None,
            ["namespaces", _, "status" | "finalize"] => "",
            ["namespaces", _, resource] | ["namespaces", _, resource, _] | [resource] | [resource, _] => *resource,
            _ => "",
        };
        Some(Asked { group, version, resource })
    }

    /// `v1`, `apps/v1`.
    fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether objects of a kind may be what is asked for.
    ///
    /// Kubernetes' own kinds are called like their resources; what others define may be called anything, and metrics of
    /// nodes are called nodes.
    fn fits(&self, kind: &str) -> bool {
        let own = !self.group.contains('.') || self.group.ends_with(".k8s.io");
        if self.resource.is_empty() || !own || self.group.ends_with("metrics.k8s.io") {
            return true;
        }
        // `List` is a list of anything.
        ["", "PartialObjectMetadata"].contains(&kind)
            || self.resource == kind.to_ascii_lowercase()
            || self.resource == plural(2, &kind.to_ascii_lowercase())
    }
}

impl Types {
    /// In words: ``the kind `PodList` of `v1` ``.
    pub fn words(&self) -> String {
        match (self.kind.as_str(), self.api_version.as_str()) {
            ("", "") => "an object without a kind".to_owned(),
            ("", version) => format!("an object of `{version}`"),
            (kind, "") => format!("the kind `{kind}`"),
            (kind, version) => format!("the kind `{kind}` of `{version}`"),
        }
    }

    /// Whether an object, or a list, may be the answer to a request.
    ///
    /// # Errors
    /// It says that it is of another version or kind.
    pub fn check(&self, path: &str) -> Result<(), Mismatch> {
        let Some(asked) = Asked::of(path) else { return Ok(()) };
        self.check_version(&asked)?;
        self.check_kind(&asked)
    }

    fn check_version(&self, asked: &Asked<'_>) -> Result<(), Mismatch> {
        let version = asked.api_version();
        // Lists of metadata have the version of metadata; a refusal has the version of refusals.
        let is_of_metadata = self.api_version.starts_with("meta.k8s.io/");
        if self.api_version.is_empty() || self.api_version == version || is_of_metadata {
            return Ok(());
        }
        Err(Mismatch::Version { asked: version, found: self.words() })
    }

    fn check_kind(&self, asked: &Asked<'_>) -> Result<(), Mismatch> {
        let of_items = self.kind.strip_suffix("List");
        if self.kind.is_empty() || asked.fits(&self.kind) || of_items.is_some_and(|kind| asked.fits(kind)) {
            return Ok(());
        }
        Err(Mismatch::Kind { asked: asked.resource.to_owned(), found: self.words() })
    }

    /// Whether it may be the list that was asked for; `has_items` where it has some, were it none.
    ///
    /// # Errors
    /// As [`Types::check`], or it is not a list: of what was asked for.
    pub fn check_list(&self, path: &str, has_items: bool) -> Result<(), Mismatch> {
        let asked = Asked::of(path);
        asked.as_ref().map_or(Ok(()), |asked| self.check_version(asked))?;
        let is_list = if self.kind.is_empty() { has_items } else { self.kind.ends_with("List") };
        if !is_list {
            return Err(Mismatch::NotAList { found: self.words() });
        }
        asked.map_or(Ok(()), |asked| self.check_kind(&asked))
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
    fn a_list_of_something_else_is_not_an_empty_list_of_what_was_asked() {
        let pods = "asked for `nodes`, and the server answered with the kind `PodList` of `v1`";
        check("/api/v1/nodes?limit=100", "v1", "PodList", pods);
        check("/api/v1/nodes", "", "PodList", "asked for `nodes`, and the server answered with the kind `PodList`");
        let jobs = "asked for `pods`, and the server answered with the kind `JobList` of `v1`";
        check("/api/v1/namespaces/a/pods", "v1", "JobList", jobs);
        for (path, version, kind) in [
            ("/api/v1/namespaces/a/pods", "v1", "PodList"),
            ("/api/v1/namespaces", "v1", "NamespaceList"),
            ("/api/v1/endpoints", "v1", "EndpointsList"),
            ("/api/v1/nodes", "v1", "List"),
            ("/apis/storage.k8s.io/v1/storageclasses", "storage.k8s.io/v1", "StorageClassList"),
            ("/apis/networking.k8s.io/v1/networkpolicies", "networking.k8s.io/v1", "NetworkPolicyList"),
            ("/apis/resource.k8s.io/v1/resourceslices", "resource.k8s.io/v1", "ResourceSliceList"),
            ("/apis/gateway.networking.k8s.io/v1/gateways", "gateway.networking.k8s.io/v1", "GatewayList"),
            ("/apis/metrics.k8s.io/v1beta1/nodes", "metrics.k8s.io/v1beta1", "NodeMetricsList"),
            ("/apis/example.com/v1/mice", "example.com/v1", "MouseList"),
        ] {
            check(path, version, kind, "ok");
        }
    }

    #[test]
    fn an_object_of_another_kind_is_not_what_was_asked() {
        let found = |path: &str, kind: &str| {
            let types = Types { api_version: "v1".to_owned(), kind: kind.to_owned() };
            types.check(path).map_or_else(|error| error.to_string(), |()| "ok".to_owned())
        };
        let namespace = "/api/v1/namespaces/kube-system";
        let other = "asked for `namespaces`, and the server answered with the kind `Status` of `v1`";
        assert_eq!(found(namespace, "Status"), other);
        assert_eq!(found(namespace, "Namespace"), "ok");
        // A list may be asked for as an object, and a part of an object has a kind of its own.
        assert_eq!(found("/api/v1/nodes?limit=50", "NodeList"), "ok");
        assert_eq!(found("/api/v1/namespaces/a/pods/b/eviction", "Eviction"), "ok");
    }

    #[test]
    fn a_path_without_objects_asks_for_no_version() {
        for path in ["/version", "/api", "/api/v1", "/apis/apps", "/apis/apps/v1", "/livez?verbose"] {
            assert_eq!(Asked::of(path), None, "{path}");
        }
    }
}
