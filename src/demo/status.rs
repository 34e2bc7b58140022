//! Refusals, in the words, reasons and codes of the API server.

use super::kinds::Kind;
use serde_json::{Value, json};

/// Why a request was not done; becomes a `Status` object.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub code: u16,
    reason: &'static str,
    message: String,
    details: Option<Value>,
}

/// One field that was not right.
pub struct Cause {
    pub reason: &'static str,
    pub field: String,
    pub message: String,
}

impl Cause {
    pub fn required(field: &str, detail: &str) -> Cause {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Cause { reason: "FieldValueRequired", field: field.to_owned(), message }
    }

    pub fn invalid(field: &str, value: &Value, detail: &str) -> Cause {
        Cause {
            reason: "FieldValueInvalid",
            field: field.to_owned(),
            message: format!("Invalid value: {value}: {detail}"),
        }
    }

    fn to_value(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: impl Into<String>, details: Option<Value>) -> Refusal {
        Refusal { code, reason, message: message.into(), details }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn not_found(kind: &Kind, name: &str) -> Refusal {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", kind.qualified()), Some(details(kind, name)))
    }

    /// No such path below a group version that is served.
    pub fn no_such_resource() -> Refusal {
        Self::new(404, "NotFound", "the server could not find the requested resource", Some(json!({})))
    }

    pub fn already_exists(kind: &Kind, name: &str) -> Refusal {
        let message = format!("{} \"{name}\" already exists", kind.qualified());
        Self::new(409, "AlreadyExists", message, Some(details(kind, name)))
    }

    pub fn conflict(kind: &Kind, name: &str, because: &str) -> Refusal {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {because}", kind.qualified());
        Self::new(409, "Conflict", message, Some(details(kind, name)))
    }

    /// A precondition of a deletion; the API server names the kind here, not the resource.
    pub fn precondition(kind: &Kind, name: &str, because: &str) -> Refusal {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {because}", kind.kind);
        Self::new(409, "Conflict", message, Some(json!({"name": name, "kind": kind.kind})))
    }

    pub fn modified(kind: &Kind, name: &str) -> Refusal {
        let because = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, because)
    }

    /// Fields that others own, each with its owner.
    pub fn apply_conflict(conflicts: &[(String, String)]) -> Refusal {
        let cause = |owner: &str| format!("conflict with {owner}");
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(owner, field)| json!({"reason": "FieldManagerConflict", "message": cause(owner), "field": field}))
            .collect();
        let said = match conflicts {
            [(owner, field)] => format!("1 conflict: {}: {field}", cause(owner)),
            many => {
                let mut said = format!("{} conflicts: ", many.len());
                let mut last = "";
                for (owner, field) in many {
                    if owner != last {
                        said.push_str(&format!("conflicts with {owner}:\n"));
                        last = owner;
                    }
                    said.push_str(&format!("- {field}\n"));
                }
                said.trim_end().to_owned()
            }
        };
        Self::new(409, "Conflict", format!("Apply failed with {said}"), Some(json!({"causes": causes})))
    }

    /// What the API server answers where it forgot to give its error a reason.
    pub fn internal(message: impl Into<String>) -> Refusal {
        Self::new(500, "", message, None)
    }

    pub fn bad_request(message: impl Into<String>) -> Refusal {
        Self::new(400, "BadRequest", message, None)
    }

    /// Understood, but it cannot be done to this object.
    pub fn unprocessable(message: impl Into<String>) -> Refusal {
        Self::new(422, "Invalid", message, None)
    }

    pub fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Refusal {
        let of = if kind.group.is_empty() { kind.kind.to_owned() } else { format!("{}.{}", kind.kind, kind.group) };
        let mut details = json!({"kind": kind.kind, "causes": causes.iter().map(Cause::to_value).collect::<Vec<_>>()});
        if !name.is_empty() {
            details["name"] = json!(name);
        }
        if !kind.group.is_empty() {
            details["group"] = json!(kind.group);
        }
        Self::new(422, "Invalid", format!("{of} \"{name}\" is invalid: {}", said(causes)), Some(details))
    }

    pub fn no_field_manager() -> Refusal {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {}", said(std::slice::from_ref(&cause)));
        let details = json!({"group": "meta.k8s.io", "kind": "PatchOptions", "causes": [cause.to_value()]});
        Self::new(422, "Invalid", message, Some(details))
    }

    /// Refused by an admission plugin, in its words.
    /// By a webhook.
    pub fn denied(message: &str) -> Refusal {
        Self::new(403, "Forbidden", message, None)
    }

    pub fn forbidden(kind: &Kind, name: &str, because: &str) -> Refusal {
        let message = format!("{} \"{name}\" is forbidden: {because}", kind.qualified());
        Self::new(403, "Forbidden", message, Some(details(kind, name)))
    }

    pub fn namespace_terminating(kind: &Kind, name: &str, namespace: &str) -> Refusal {
        let because = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut refusal = Self::forbidden(kind, name, &because);
        if let Some(details) = &mut refusal.details {
            details["causes"] = json!([{"reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace"}]);
        }
        refusal
    }

    /// Refused by the authorizer.
    pub fn may_not(user: &str, verb: &str, resource: &str, kind: &Kind, namespace: &str, name: &str) -> Refusal {
        let object = if name.is_empty() { kind.qualified() } else { format!("{} \"{name}\"", kind.qualified()) };
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{namespace}\"")
        };
        let message = format!(
            "{object} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {place}",
            kind.group
        );
        Self::new(403, "Forbidden", message, Some(details(kind, name)))
    }

    pub fn may_not_path(user: &str, verb: &str, path: &str) -> Refusal {
        let message = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
        Self::new(403, "Forbidden", message, Some(json!({})))
    }

    pub fn too_large(limit: usize) -> Refusal {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(413, "RequestEntityTooLarge", message, Some(json!({})))
    }

    pub fn method_not_allowed() -> Refusal {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub fn not_acceptable(has_binary: bool) -> Refusal {
        let json = "406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch";
        let binary = ", application/vnd.kubernetes.protobuf, application/vnd.kubernetes.protobuf;stream=watch";
        let message = format!("{json}{}", if has_binary { binary } else { "" });
        Self::new(406, "NotAcceptable", message, Some(json!({})))
    }

    pub fn unsupported_media_type(accepted: &str) -> Refusal {
        let message =
            format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        Self::new(415, "UnsupportedMediaType", message, Some(json!({})))
    }

    pub fn expired(of: &str) -> Refusal {
        Self::new(410, "Expired", format!("The resourceVersion for the provided {of} is too old."), None)
    }

    pub fn continue_expired() -> Refusal {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new \
                       list without the continue parameter.";
        Self::new(410, "Expired", message, None)
    }

    pub fn too_large_version(asked: u64, current: u64) -> Refusal {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let details = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1});
        Self::new(504, "Timeout", format!("Timeout: {message}"), Some(details))
    }

    pub fn unauthorized() -> Refusal {
        Self::new(401, "Unauthorized", "Unauthorized", None)
    }

    pub fn unavailable() -> Refusal {
        let message = "the server is currently unable to handle the request";
        Self::new(503, "ServiceUnavailable", message, Some(json!({})))
    }

    pub fn to_value(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code});
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

fn said(causes: &[Cause]) -> String {
    let lines: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    match lines.as_slice() {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

fn details(kind: &Kind, name: &str) -> Value {
    let mut details = json!({"kind": kind.plural});
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    details
}
