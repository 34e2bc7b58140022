//! What the caller must be allowed to do for a plan to run: to create its objects, to follow them, and to remove them.
//!
//! In: a plan. Out: every right that it takes, once. Whoever makes a role must hold what the role gives, unless they may
//! escalate.

use super::plan::ValidationPlan;
use serde_json::Value;
use std::{collections::BTreeSet, fmt};

/// A verb on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub verb: String,
    pub group: String,
    /// With its subresource: `pods/log`.
    pub resource: String,
    /// Empty for the whole cluster.
    pub namespace: String,
    /// One object; empty for all.
    pub name: String,
}

impl Right {
    fn of(verb: &str, (group, resource): (&str, &str), namespace: &str) -> Right {
        let [verb, group, resource, namespace] = [verb, group, resource, namespace].map(str::to_owned);
        Right { verb, group, resource, namespace, name: String::new() }
    }

    /// `jobs.batch`
    fn qualified(&self) -> String {
        match &*self.group {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }

    /// As a person can ask for it.
    pub fn command(&self) -> String {
        let place = if self.namespace.is_empty() { "-A".to_owned() } else { format!("-n {}", self.namespace) };
        format!("kubectl auth can-i {} {} {place}", self.verb, self.qualified())
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.qualified())?;
        match &*self.namespace {
            "" => write!(f, " in the whole cluster"),
            namespace => write!(f, " in namespace {namespace}"),
        }
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

/// Kinds that a run creates, with group, resource, and whether a run lists them in the whole cluster to find what is left.
const KINDS: [(&str, (&str, &str), bool); 8] = [
    ("ConfigMap", ("", "configmaps"), false),
    ("Job", ("batch", "jobs"), false),
    ("Pod", ("", "pods"), false),
    ("ServiceAccount", ("", "serviceaccounts"), false),
    ("Role", (RBAC, "roles"), true),
    ("RoleBinding", (RBAC, "rolebindings"), true),
    ("ClusterRole", (RBAC, "clusterroles"), true),
    ("ClusterRoleBinding", (RBAC, "clusterrolebindings"), true),
];

/// What a run takes, and what may stand for the rest of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    pub rights: BTreeSet<Right>,
    /// What the roles of the plan give, which their maker must hold.
    pub given: BTreeSet<Right>,
    /// Stands for `given`: the right to make roles that give more than one has.
    pub escalate: Option<Right>,
    /// Only where the namespace does not exist.
    pub namespace: Vec<Right>,
}

/// Every right that a plan takes; nothing where it creates nothing.
pub fn wanted(plan: &ValidationPlan) -> Wanted {
    let mut wanted = Wanted::default();
    if plan.shared.is_empty() {
        return wanted;
    }
    let own = plan.namespace.as_str();
    let objects = || plan.shared.iter().chain(plan.checks.iter().flat_map(|check| &check.objects));
    let namespace_of = |object: &Value| object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    for object in objects() {
        let Some((_, resource, _)) = KINDS.iter().find(|(kind, ..)| object["kind"] == *kind) else { continue };
        for verb in ["create", "patch", "delete"] {
            wanted.rights.insert(Right::of(verb, *resource, &namespace_of(object)));
        }
        for rule in object["rules"].as_array().into_iter().flatten() {
            wanted.given.extend(rights_of(rule, &namespace_of(object)));
        }
    }
    for (_, resource, everywhere) in KINDS {
        wanted.rights.insert(Right::of("list", resource, if everywhere { "" } else { own }));
    }
    for (verb, resource) in [
        ("watch", ("batch", "jobs")),
        ("watch", ("", "pods")),
        ("delete", ("", "pods")),
        ("get", ("", "pods/log")),
        ("list", ("", "events")),
        ("watch", ("", "events")),
    ] {
        wanted.rights.insert(Right::of(verb, resource, own));
    }
    let one = |verb| Right { name: own.to_owned(), ..Right::of(verb, ("", "namespaces"), "") };
    wanted.rights.insert(one("get"));
    wanted.namespace = ["create", "patch", "delete"].map(one).to_vec();
    wanted.escalate = (!wanted.given.is_empty()).then(|| Right::of("escalate", (RBAC, "clusterroles"), ""));
    wanted
}

fn rights_of(rule: &Value, namespace: &str) -> Vec<Right> {
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let names = match list(&rule["resourceNames"]) {
        names if names.is_empty() => vec![String::new()],
        names => names,
    };
    let mut rights = Vec::new();
    for verb in list(&rule["verbs"]) {
        for group in list(&rule["apiGroups"]) {
            for resource in list(&rule["resources"]) {
                rights.extend(
                    names
                        .iter()
                        .map(|name| Right { name: name.clone(), ..Right::of(&verb, (&group, &resource), namespace) }),
                );
            }
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::{beforehand::Beforehand, event::PlannedCheck, plan::CheckPlan};
    use serde_json::json;

    #[test]
    fn a_plan_takes_the_rights_on_its_objects_and_those_that_its_roles_give() {
        let in_run = |kind: &str| json!({"kind": kind, "metadata": {"namespace": "run", "name": "x"}});
        let mut role = json!({"kind": "Role", "metadata": {"namespace": "gpu", "name": "x"}});
        role["rules"] =
            json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"], "resourceNames": ["a"]}]);
        let check = PlannedCheck {
            name: "demo".into(),
            phase: crate::catalog::validator::Phase::Conformance,
            description: String::new(),
            image: "i".into(),
            timeout_seconds: 1,
            grace_seconds: 1,
            group: 1,
            way: crate::validate::event::Way::Job,
        };
        let plan = |objects: Vec<Value>, shared: Vec<Value>| ValidationPlan {
            run_id: "r".into(),
            namespace: "run".into(),
            shared,
            checks: vec![CheckPlan {
                check: check.clone(),
                job_name: "j".into(),
                objects,
                decided: None,
                read_only: true,
            }],
            notices: Vec::new(),
            found: Beforehand::default(),
        };
        let found = wanted(&plan(vec![role, in_run("Job")], vec![in_run("Namespace"), in_run("ConfigMap")]));
        let has = |verb: &str, resource, namespace| found.rights.contains(&Right::of(verb, resource, namespace));
        assert!(has("patch", ("batch", "jobs"), "run") && has("create", ("", "configmaps"), "run"));
        assert!(has("create", (RBAC, "roles"), "gpu") && has("list", (RBAC, "roles"), ""));
        assert!(has("get", ("", "pods/log"), "run") && !has("create", ("", "pods"), "run"));
        let given: Vec<String> = found.given.iter().map(ToString::to_string).collect();
        assert_eq!(given, ["get deployments.apps in namespace gpu"]);
        let right = Right::of("create", ("batch", "jobs"), "run");
        assert_eq!(right.command(), "kubectl auth can-i create jobs.batch -n run");
        assert_eq!(wanted(&plan(Vec::new(), Vec::new())), Wanted::default(), "nothing for what creates nothing");
    }
}
