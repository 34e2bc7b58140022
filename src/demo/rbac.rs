//! Who may do what: roles and bindings in the store, read as the API server reads them.
//!
//! Members of `system:masters` may do everything. A right that is missing is refused in the words of the API server, and
//! so is one that a fault of the demo takes away.

use super::{
    faults::Faults,
    kinds::{Kind, own},
    status::Refusal,
    store::{Key, Store},
};
use serde_json::{Value, json};

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    pub user: String,
    pub groups: Vec<String>,
}

const EVERYBODY: &str = "system:authenticated";

impl Caller {
    /// The person who looks at the demo.
    pub fn admin() -> Caller {
        let groups = vec!["kubeadm:cluster-admins".to_owned(), "system:masters".to_owned(), EVERYBODY.to_owned()];
        Caller { user: "kubernetes-admin".to_owned(), groups }
    }

    pub fn service_account(namespace: &str, name: &str) -> Caller {
        Caller::named(&format!("system:serviceaccount:{namespace}:{name}"), Vec::new())
    }

    /// A user by name; a service account belongs to the groups of all and of its namespace's accounts.
    pub fn named(user: &str, mut groups: Vec<String>) -> Caller {
        if let Some(namespace) = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split(':').next()) {
            groups.push("system:serviceaccounts".to_owned());
            groups.push(format!("system:serviceaccounts:{namespace}"));
        }
        groups.push(EVERYBODY.to_owned());
        Caller { user: user.to_owned(), groups }
    }

    fn is_subject(&self, subject: &Value, binding_namespace: &str) -> bool {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => name == self.user,
            Some("Group") => self.groups.iter().any(|group| group == name),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or(binding_namespace);
                self.user == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub verb: &'a str,
    pub group: &'a str,
    /// With its subresource: `pods/log`.
    pub resource: &'a str,
    /// Empty for the whole cluster.
    pub namespace: &'a str,
    pub name: &'a str,
}

/// Whether roles allow it.
pub fn allows(store: &Store, caller: &Caller, ask: Ask) -> bool {
    caller.groups.iter().any(|group| group == "system:masters")
        || rules(store, caller, ask.namespace).iter().any(|rule| rule_allows(rule, ask))
}

/// Refuses what neither roles nor faults let pass.
///
/// # Errors
/// 403.
pub fn check(store: &Store, faults: &Faults, caller: &Caller, kind: &Kind, ask: Ask) -> Result<(), Refusal> {
    if !faults.forbids(ask.verb, ask.resource) && allows(store, caller, ask) {
        return Ok(());
    }
    Err(Refusal::may_not(&caller.user, ask.verb, ask.resource, kind, ask.namespace, ask.name))
}

/// Paths that are no resources: `/version`, discovery, health.
///
/// # Errors
/// 403.
pub fn check_path(store: &Store, caller: &Caller, verb: &str, path: &str) -> Result<(), Refusal> {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == pattern,
    };
    let is_allowed = caller.groups.iter().any(|group| group == "system:masters")
        || rules(store, caller, "")
            .iter()
            .any(|rule| has(&rule["verbs"], verb) && texts(&rule["nonResourceURLs"]).any(matches));
    if is_allowed { Ok(()) } else { Err(Refusal::may_not_path(&caller.user, verb, path)) }
}

/// Rules that hold for a caller in a namespace (empty: in the whole cluster).
pub fn rules(store: &Store, caller: &Caller, namespace: &str) -> Vec<Value> {
    let mut rules = Vec::new();
    let mut collect = |plural: &str, of: &str| {
        for (key, stored) in store.range(own(plural), of, None) {
            let binding = stored.value();
            let subjects = binding["subjects"].as_array().into_iter().flatten();
            if subjects.into_iter().any(|subject| caller.is_subject(subject, &key.namespace)) {
                rules.extend(rules_of(store, &binding["roleRef"], &key.namespace));
            }
        }
    };
    collect("clusterrolebindings", "");
    if !namespace.is_empty() {
        collect("rolebindings", namespace);
    }
    rules
}

fn rules_of(store: &Store, reference: &Value, namespace: &str) -> Vec<Value> {
    let name = reference["name"].as_str().unwrap_or_default();
    let key = match reference["kind"].as_str() {
        Some("Role") => Key::new(own("roles"), namespace, name),
        _ => Key::new(own("clusterroles"), "", name),
    };
    let role = store.get(&key).map(|stored| stored.value()).unwrap_or_default();
    role["rules"].as_array().cloned().unwrap_or_default()
}

fn rule_allows(rule: &Value, ask: Ask) -> bool {
    let names = &rule["resourceNames"];
    let is_named = names.as_array().is_none_or(Vec::is_empty) || texts(names).any(|name| name == ask.name);
    let subresource = ask.resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
    let is_resource = texts(&rule["resources"])
        .any(|found| found == "*" || found == ask.resource || subresource.as_deref() == Some(found));
    has(&rule["verbs"], ask.verb) && has(&rule["apiGroups"], ask.group) && is_resource && is_named
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn has(list: &Value, text: &str) -> bool {
    texts(list).any(|found| found == "*" || found == text)
}

/// Answers `SelfSubjectAccessReview` and its relatives: the body with a status.
///
/// # Errors
/// 400 when neither a resource nor a path is asked for.
pub fn review(store: &Store, faults: &Faults, caller: &Caller, kind: &Kind, mut body: Value) -> Result<Value, Refusal> {
    body["apiVersion"] = json!(kind.api_version());
    body["kind"] = json!(kind.kind);
    let about = match kind.plural {
        "subjectaccessreviews" => {
            let groups = texts(&body["spec"]["groups"]).map(str::to_owned).collect();
            Caller::named(body["spec"]["user"].as_str().unwrap_or_default(), groups)
        }
        _ => caller.clone(),
    };
    body["status"] = match kind.plural {
        "selfsubjectreviews" => json!({"userInfo": {"username": about.user, "groups": about.groups}}),
        "selfsubjectrulesreviews" => {
            let namespace = body["spec"]["namespace"].as_str().unwrap_or_default();
            rules_status(store, &about, namespace)
        }
        _ => access_status(store, faults, &about, &body["spec"])?,
    };
    if body.get("metadata").is_none_or(Value::is_null) {
        body["metadata"] = json!({});
    }
    Ok(body)
}

fn access_status(store: &Store, faults: &Faults, caller: &Caller, spec: &Value) -> Result<Value, Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(asked) = spec.get("nonResourceAttributes").filter(|asked| asked.is_object()) {
        let allowed = check_path(store, caller, &text(&asked["verb"]), &text(&asked["path"])).is_ok();
        return Ok(json!({"allowed": allowed}));
    }
    let Some(asked) = spec.get("resourceAttributes").filter(|asked| asked.is_object()) else {
        return Err(Refusal::bad_request(
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        ));
    };
    let (verb, group, namespace) = (text(&asked["verb"]), text(&asked["group"]), text(&asked["namespace"]));
    let (mut resource, subresource, name) =
        (text(&asked["resource"]), text(&asked["subresource"]), text(&asked["name"]));
    if !subresource.is_empty() {
        resource = format!("{resource}/{subresource}");
    }
    let ask = Ask { verb: &verb, group: &group, resource: &resource, namespace: &namespace, name: &name };
    let allowed = !faults.forbids(&verb, &resource) && allows(store, caller, ask);
    Ok(json!({"allowed": allowed}))
}

fn rules_status(store: &Store, caller: &Caller, namespace: &str) -> Value {
    let mut rules = rules(store, caller, namespace);
    if caller.groups.iter().any(|group| group == "system:masters") {
        rules.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        rules.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    let (paths, resources): (Vec<Value>, Vec<Value>) =
        rules.into_iter().partition(|rule| rule.get("nonResourceURLs").is_some());
    json!({"incomplete": false, "nonResourceRules": paths, "resourceRules": resources})
}

/// Roles and bindings that every cluster has, as far as somebody may meet them here.
pub fn built_in() -> Vec<(&'static str, &'static str, Value)> {
    let discovery = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ];
    let reviews = json!([{"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        "verbs": ["create"]}, {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]}]);
    let read = ["get", "list", "watch"];
    let core = [
        "configmaps",
        "endpoints",
        "events",
        "limitranges",
        "namespaces",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "pods/status",
        "replicationcontrollers",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ];
    let view = json!([{"apiGroups": [""], "resources": core, "verbs": read}, {"apiGroups": ["apps"], "resources": ["controllerrevisions",
        "daemonsets", "deployments", "replicasets", "statefulsets"], "verbs": read}, {"apiGroups": ["batch"], "resources": ["cronjobs",
        "jobs", "jobs/status"], "verbs": read}]);
    let all =
        json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]);
    let bind = |role: &str, group: &str| {
        json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}]})
    };
    vec![
        ("clusterroles", "cluster-admin", json!({"rules": all})),
        ("clusterroles", "view", json!({"rules": view})),
        ("clusterroles", "system:basic-user", json!({"rules": reviews})),
        ("clusterroles", "system:discovery", json!({"rules": [{"nonResourceURLs": discovery, "verbs": ["get"]}]})),
        ("clusterrolebindings", "cluster-admin", bind("cluster-admin", "system:masters")),
        ("clusterrolebindings", "kubeadm:cluster-admins", bind("cluster-admin", "kubeadm:cluster-admins")),
        ("clusterrolebindings", "system:basic-user", bind("system:basic-user", EVERYBODY)),
        ("clusterrolebindings", "system:discovery", bind("system:discovery", EVERYBODY)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::ALL;

    fn store() -> Store {
        let mut store = Store::new(0);
        let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| json!({"apiGroups": groups, "resources": resources, "verbs": verbs});
        for (plural, name, body) in built_in() {
            store.seed(Key::new(own(plural), "", name), body);
        }
        store.seed(
            Key::new(own("roles"), "n", "r"),
            json!({"rules": [rule(&[""], &["pods", "*/log"], &["get", "list"]),
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["one"], "verbs": ["get"]}]}),
        );
        store.seed(
            Key::new(own("rolebindings"), "n", "b"),
            json!({"roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "a"}]}),
        );
        store
    }

    #[track_caller]
    fn check_access(verb: &str, resource: &str, namespace: &str, name: &str, expected: bool) {
        let ask = Ask { verb, group: "", resource, namespace, name };
        assert_eq!(allows(&store(), &Caller::service_account("n", "a"), ask), expected);
    }

    #[test]
    fn a_binding_gives_its_role_in_its_namespace_alone() {
        check_access("list", "pods", "n", "", true);
        check_access("get", "pods/log", "n", "x", true);
        check_access("list", "pods", "other", "", false);
        check_access("list", "pods", "", "", false);
        check_access("delete", "pods", "n", "x", false);
        check_access("get", "configmaps", "n", "one", true);
        check_access("get", "configmaps", "n", "two", false);
        let stranger = Caller::service_account("n", "b");
        let ask = Ask { verb: "list", group: "", resource: "pods", namespace: "n", name: "" };
        assert!(!allows(&store(), &stranger, ask));
    }

    #[test]
    fn a_missing_right_is_refused_in_the_words_of_the_api_server() {
        let caller = Caller::service_account("n", "b");
        let ask = Ask { verb: "create", group: "batch", resource: "jobs", namespace: "n", name: "" };
        let refusal = check(&store(), &Faults::default(), &caller, &ALL[own("jobs")], ask).expect_err("forbidden");
        assert_eq!(
            refusal.message(),
            "jobs.batch is forbidden: User \"system:serviceaccount:n:b\" cannot create resource \"jobs\" in API group \
             \"batch\" in the namespace \"n\""
        );
        assert!(check_path(&store(), &caller, "get", "/version").is_ok());
        assert!(check_path(&store(), &caller, "get", "/metrics").is_err());
    }
}
