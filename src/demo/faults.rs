//! What can be made to go wrong in a demo cluster.

use serde_json::Value;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// One thing to go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Pods with this label do not fit on any node.
    Unschedulable { label: (String, String) },
    /// Images of pods with this label cannot be pulled.
    ImagePull { label: (String, String) },
    /// Containers of pods with this label cannot be made: the message.
    ConfigError { label: (String, String), message: String },
    /// Pods with this label are refused on admission: by a quota, a webhook, Pod Security. What the server says of them.
    Denied { label: (String, String), message: String },
    /// The server is not there.
    Down,
    /// The server takes no credentials any more.
    Unauthorized,
    /// The world is not as it should be: merge patches of its documents.
    Damage { patches: Vec<Value> },
    /// Every answer takes this long.
    Slow { millis: u64 },
    /// Watches end after this many events.
    DroppedWatch { after: usize },
    /// The verb on the resource is forbidden (`list nodes`, `get pods/log`).
    Forbidden { verb: String, resource: String },
}

/// All faults of a cluster, asked by those who are to fail. They may come and go while it runs.
#[derive(Debug, Default)]
pub struct Faults(RwLock<Vec<Fault>>);

impl Faults {
    pub fn new(faults: Vec<Fault>) -> Faults {
        Faults(RwLock::new(faults))
    }

    pub fn set(&self, faults: Vec<Fault>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    fn now(&self) -> RwLockReadGuard<'_, Vec<Fault>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_unschedulable(&self, pod: &Value) -> bool {
        self.now().iter().any(|fault| matches!(fault, Fault::Unschedulable { label } if has(pod, label)))
    }

    pub fn cannot_pull(&self, pod: &Value) -> bool {
        self.now().iter().any(|fault| matches!(fault, Fault::ImagePull { label } if has(pod, label)))
    }

    /// Why the containers of a pod cannot be made.
    pub fn config_error(&self, pod: &Value) -> Option<String> {
        self.now().iter().find_map(|fault| match fault {
            Fault::ConfigError { label, message } if has(pod, label) => Some(message.clone()),
            _ => None,
        })
    }

    /// Why a pod is refused.
    pub fn denial(&self, pod: &Value) -> Option<String> {
        self.now().iter().find_map(|fault| match fault {
            Fault::Denied { label, message } if has(pod, label) => Some(message.clone()),
            _ => None,
        })
    }

    pub fn is_down(&self) -> bool {
        self.now().contains(&Fault::Down)
    }

    pub fn is_unauthorized(&self) -> bool {
        self.now().contains(&Fault::Unauthorized)
    }

    pub fn delay_millis(&self) -> Option<u64> {
        self.now().iter().find_map(|fault| if let Fault::Slow { millis } = fault { Some(*millis) } else { None })
    }

    pub fn watch_ends_after(&self) -> Option<usize> {
        self.now().iter().find_map(|fault| if let Fault::DroppedWatch { after } = fault { Some(*after) } else { None })
    }

    /// `resource` is with its subresource: `pods/log`.
    pub fn forbids(&self, verb: &str, resource: &str) -> bool {
        let is = |fault: &Fault| matches!(fault, Fault::Forbidden { verb: of, resource: on } if of == verb && on == resource);
        self.now().iter().any(is)
    }
}

fn has(pod: &Value, (key, value): &(String, String)) -> bool {
    pod["metadata"]["labels"][key] == value.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fault_finds_its_pods_by_their_label() {
        let faults = Faults::new(vec![Fault::ImagePull { label: ("app".to_owned(), "a".to_owned()) }]);
        let pod = |app: &str| json!({"metadata": {"labels": {"app": app}}});
        assert!(faults.cannot_pull(&pod("a")) && !faults.cannot_pull(&pod("b")) && !faults.cannot_pull(&json!({})));
        assert!(!faults.is_unschedulable(&pod("a")));
    }
}
