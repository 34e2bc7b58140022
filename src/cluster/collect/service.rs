//! Which managed service a node belongs to.
//!
//! What the provider id says is taken as the reference takes it. Without one, marks on the nodes and in the server's
//! version allow a guess; it is kept apart, so that nothing which was guessed passes for a reading.

use crate::snapshot::nodes::NodeRow;

/// The service of a provider id: `aws:///eu-west-1a/i-0` is `eks`, any other scheme speaks for itself.
pub fn of_provider(id: &str) -> String {
    let id = id.trim();
    if id.starts_with("ocid1.") {
        return "oke".to_owned();
    }
    let scheme = id.split_once("://").map_or(id, |(scheme, _)| scheme).trim().to_lowercase();
    let known = match scheme.as_str() {
        "aws" => "eks",
        "gce" => "gke",
        "azure" => "aks",
        "oci" => "oke",
        "linode" => "lke",
        _ => return scheme,
    };
    known.to_owned()
}

/// Label prefixes that a service puts on its nodes.
const LABELS: [(&str, &str); 7] = [
    ("eks.amazonaws.com/", "eks"),
    ("alpha.eksctl.io/", "eks"),
    ("cloud.google.com/gke-nodepool", "gke"),
    ("kubernetes.azure.com/cluster", "aks"),
    ("oke.oraclecloud.com/", "oke"),
    ("lke.linode.com/pool-id", "lke"),
    ("node.openshift.io/os_id", "ocp"),
];

/// Parts of a server version that its builder adds.
const VERSIONS: [(&str, &str); 4] = [("-eks-", "eks"), ("-gke.", "gke"), ("+rke2", "rke2"), ("+k3s", "k3s")];

/// A guess and what it rests on, for a cluster whose nodes have no provider id.
pub fn guess(row: &NodeRow, server_version: &str) -> Option<(&'static str, String)> {
    for (prefix, service) in LABELS {
        if let Some(label) = row.labels.keys().find(|label| label.starts_with(prefix)) {
            return Some((service, format!("node label {label}")));
        }
    }
    if let Some((part, service)) = VERSIONS.into_iter().find(|(part, _)| server_version.contains(part)) {
        return Some((service, format!("`{part}` in the server version")));
    }
    let kernel = row.kernel.as_deref().unwrap_or_default();
    kernel.ends_with("linuxkit").then(|| ("kind", "the kernel of Docker Desktop".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_ids_are_read_as_the_reference_does() {
        let cases = [
            ("aws:///us-east-1a/i-0", "eks"),
            ("gce://p/z/n", "gke"),
            ("azure:///subscriptions/x", "aks"),
            ("ocid1.instance.oc1", "oke"),
            ("linode://1", "lke"),
            ("KIND://docker/kind/node", "kind"),
            ("Bare-Metal", "bare-metal"),
        ];
        for (id, service) in cases {
            assert_eq!(of_provider(id), service, "{id}");
        }
    }

    #[test]
    fn marks_allow_a_guess_that_says_what_it_rests_on() {
        let mut row = NodeRow::default();
        assert_eq!(guess(&row, "v1.34.0"), None);
        assert_eq!(guess(&row, "v1.33.5-gke.100").map(|(service, _)| service), Some("gke"));
        row.labels.insert("eks.amazonaws.com/nodegroup".to_owned(), "g".to_owned());
        assert_eq!(guess(&row, ""), Some(("eks", "node label eks.amazonaws.com/nodegroup".to_owned())));
    }
}
