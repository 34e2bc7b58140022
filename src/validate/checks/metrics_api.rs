//! The metrics APIs, which an adapter serves behind the API server.
//!
//! A request for one that is down fails like any other; only its registration says whether the adapter is at fault.

use super::{
    Facts, Read, Rule,
    facts::{Findings, condition, text},
};

/// A version of a group that an adapter registers.
#[derive(Clone, Copy)]
pub struct MetricsApi(pub &'static str);

pub const CUSTOM: MetricsApi = MetricsApi("custom.metrics.k8s.io");
pub const EXTERNAL: MetricsApi = MetricsApi("external.metrics.k8s.io");

impl MetricsApi {
    /// What is served in it: discovery, which every account may read.
    pub fn discovery(self) -> Read {
        Read::Get(format!("/apis/{}/v1beta1", self.0))
    }

    pub fn registration(self) -> Read {
        Read::object("apiregistration.k8s.io/v1", "", "apiservices", &self.registered())
    }

    fn registered(self) -> String {
        format!("v1beta1.{}", self.0)
    }

    pub fn rule(self) -> Rule {
        Rule::get("apiregistration.k8s.io", "apiservices", vec![self.registered()])
    }

    /// Judges something read from it that was not found.
    pub fn judge(self, what: &str, read: &Read, facts: &Facts, findings: &mut Findings) {
        if facts.object(read).is_some() {
            return;
        }
        let registration = facts.object(&self.registration());
        let available = registration.filter(|found| condition(found, "Available") == Some(false));
        match available {
            Some(found) if facts.unread(read).is_some() => {
                let conditions = found.pointer("/status/conditions").and_then(|all| all.as_array());
                let unavailable = conditions.into_iter().flatten().find(|one| text(one, "/type") == "Available");
                let why = unavailable.map_or_else(String::new, |one| {
                    format!("{} {}", text(one, "/reason"), text(one, "/message")).trim().to_owned()
                });
                findings.problems.push(format!("{} is registered and not available ({why})", self.0));
            }
            _ => {
                let none = format!("{what} is not served: is prometheus-adapter set up for it?");
                findings.absent("metrics API", read, facts, &none);
            }
        }
    }
}
