//! What can be made to go wrong in a demo cluster.

use serde_json::Value;

/// One thing to go wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Pods with this label do not fit on any node.
    Unschedulable { label: (String, String) },
    /// Images of pods with this label cannot be pulled.
    ImagePull { label: (String, String) },
    /// The world is not as it should be: merge patches of its documents.
    Damage { patches: Vec<Value> },
    /// Every answer takes this long.
    Slow { millis: u64 },
    /// Watches end after this many events.
    DroppedWatch { after: usize },
    /// The verb on the resource is forbidden (`list nodes`, `get pods/log`).
    Forbidden { verb: String, resource: String },
}

/// All faults of a cluster, asked by those who are to fail.
#[derive(Clone, Debug, Default)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn is_unschedulable(&self, pod: &Value) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::Unschedulable { label } if has(pod, label)))
    }

    pub fn cannot_pull(&self, pod: &Value) -> bool {
        self.0.iter().any(|fault| matches!(fault, Fault::ImagePull { label } if has(pod, label)))
    }

    pub fn patches(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().flat_map(|fault| if let Fault::Damage { patches } = fault { patches.as_slice() } else { &[] })
    }

    pub fn delay_millis(&self) -> Option<u64> {
        self.0.iter().find_map(|fault| if let Fault::Slow { millis } = fault { Some(*millis) } else { None })
    }

    pub fn watch_ends_after(&self) -> Option<usize> {
        self.0.iter().find_map(|fault| if let Fault::DroppedWatch { after } = fault { Some(*after) } else { None })
    }

    /// `resource` is with its subresource: `pods/log`.
    pub fn forbids(&self, verb: &str, resource: &str) -> bool {
        self.0
            .iter()
            .any(|fault| matches!(fault, Fault::Forbidden { verb: of, resource: on } if of == verb && on == resource))
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
        let faults = Faults(vec![Fault::ImagePull { label: ("app".to_owned(), "a".to_owned()) }]);
        let pod = |app: &str| json!({"metadata": {"labels": {"app": app}}});
        assert!(faults.cannot_pull(&pod("a")) && !faults.cannot_pull(&pod("b")) && !faults.cannot_pull(&json!({})));
        assert!(!faults.is_unschedulable(&pod("a")));
    }
}
