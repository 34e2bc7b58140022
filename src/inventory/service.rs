//! Which Kubernetes service a node belongs to, by all evidence.
//!
//! A provider id names the cloud that the machine is in, not who runs Kubernetes there: OpenShift, k3s, RKE2 and kops
//! run on AWS too. So what a distribution leaves on its nodes comes first, then the marks of managed services, then the
//! provider id. A machine in a cloud that shows the marks of a self-managed installation has no managed service.

use super::{
    fact::{Fact, Source, Unknown},
    node::NodeReport,
    text::Text,
};
use std::borrow::Cow;

/// The service of a provider id, as the reference reads it: `aws:///eu-west-1a/i-0` is `eks`, a scheme that is not in
/// the table speaks for itself.
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

/// The service of a provider id; `None` for one that is the id of a machine alone.
fn of_cloud(id: &str) -> Option<String> {
    let id = id.trim();
    // Alibaba Cloud writes the region and the instance.
    let is_alibaba = id.split_once(".i-").is_some_and(|(region, _)| region.contains('-') && !region.contains('/'));
    let is_word = id.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    match of_provider(id) {
        _ if is_alibaba => Some("ack".to_owned()),
        // The managed Kubernetes of Nebius has a name of its own in criteria.
        service if service == "nebius" => Some("mk8s".to_owned()),
        service => (id.contains("://") || id.starts_with("ocid1.") || is_word).then_some(service),
    }
}

/// The cloud or host of a provider id: its scheme.
pub fn cloud(id: &str) -> Option<String> {
    if id.trim().starts_with("ocid1.") {
        return Some("oci".to_owned());
    }
    let (scheme, _) = id.trim().split_once("://")?;
    (!scheme.is_empty()).then(|| scheme.to_lowercase())
}

/// Beginnings of label keys that a distribution puts on its nodes, whatever machine they are.
const DISTRIBUTIONS: [(&str, &str); 7] = [
    ("node.openshift.io/os_id", "ocp"),
    ("machineconfiguration.openshift.io/", "ocp"),
    ("vcluster.loft.sh/", "vcluster"),
    ("plan.upgrade.cattle.io/rke2", "rke2"),
    ("k3s.io/", "k3s"),
    ("node.k0sproject.io/", "k0s"),
    ("microk8s.io/", "microk8s"),
];

/// Parts of a kubelet or server version that name who built it.
const VERSIONS: [(&str, &str); 6] =
    [("+rke2", "rke2"), ("+k3s", "k3s"), ("+k0s", "k0s"), ("-eks-", "eks"), ("-gke.", "gke"), ("-tke.", "tke")];

/// Beginnings of label keys that managed services put on their nodes.
const MANAGED: [(&str, &str); 10] = [
    ("eks.amazonaws.com/", "eks"),
    ("alpha.eksctl.io/", "eks"),
    ("cloud.google.com/gke-nodepool", "gke"),
    ("cloud.google.com/gke-os-distribution", "gke"),
    ("kubernetes.azure.com/cluster", "aks"),
    ("kubernetes.azure.com/agentpool", "aks"),
    ("oke.oraclecloud.com/", "oke"),
    ("oci.oraclecloud.com/", "oke"),
    ("lke.linode.com/pool-id", "lke"),
    ("doks.digitalocean.com/", "doks"),
];

/// Beginnings of keys of labels and annotations that an installation leaves which no cloud manages.
const SELF_MANAGED: [(&str, &str); 3] =
    [("kops.k8s.io/", "kops"), ("kubeadm.alpha.kubernetes.io/", "kubeadm"), ("worker.gardener.cloud/", "Gardener")];

/// Systems that no managed service of a cloud runs.
const OWN_SYSTEMS: [(&str, &str); 2] = [("Talos", "Talos"), ("Garden Linux", "Gardener")];

/// Clouds with a managed service, which a provider id alone is taken for.
pub const CLOUDS: [&str; 4] = ["aws", "gce", "azure", "oci"];

/// The service that a node belongs to, and what says so.
pub fn of(report: &NodeReport) -> Fact<Text> {
    let labels = &report.labels;
    let labeled = |prefix: &str| labels.below(prefix).next().map(|(rest, _)| format!("{prefix}{rest}"));
    let by_label = |rows: &[(&str, &'static str)]| {
        rows.iter().find_map(|(prefix, service)| Some(label(service, labeled(prefix)?)))
    };
    let provider = report.provider_id.as_deref();
    by_label(&DISTRIBUTIONS)
        .or_else(|| runtime(report))
        .or_else(|| kubelet(report))
        .or_else(|| by_label(&MANAGED))
        .or_else(|| {
            // A provider id of the machine's cloud, and the marks of an installer: nobody's managed service.
            let cloud = provider.and_then(cloud).filter(|cloud| CLOUDS.contains(&cloud.as_str()))?;
            let mark =
                |prefix: &str| labeled(prefix).is_some() || report.marks.iter().any(|mark| mark.starts_with(prefix));
            let runs = |system: &str| report.info.os_image.as_deref().is_some_and(|image| image.starts_with(system));
            let by_mark = SELF_MANAGED.into_iter().find(|(prefix, _)| mark(prefix));
            let (_, name) = by_mark.or_else(|| OWN_SYSTEMS.into_iter().find(|(system, _)| runs(system)))?;
            let why = format!("installed by {name} on {cloud}, so it is not the managed service of that cloud");
            Some(Fact::Unknown(Unknown::Unclear(Cow::Owned(why))))
        })
        .or_else(|| {
            let id = provider.filter(|id| !id.trim().is_empty())?;
            Some(match of_cloud(id) {
                Some(service) => Fact::known(Text::from(service), Source::node("spec.providerID")),
                None => Fact::Unknown(Unknown::Unclear(Cow::Owned(format!("the provider id `{id}` names no cloud")))),
            })
        })
        .or_else(|| {
            // Several kinds of cluster run in Docker Desktop, so its kernel is a hint and not a reading. vind (vCluster in
            // Docker) leaves no mark of its own: its nodes have neither a provider id nor a label of vCluster.
            let docker = report.info.kernel.as_deref()?.ends_with("linuxkit");
            docker.then(|| Fact::Unknown(Unknown::Unclear("the kernel of Docker Desktop suggests kind or vind".into())))
        })
        .unwrap_or(Fact::Unknown(Unknown::NotReported))
}

/// Whether a service is a distribution that runs on machines of any cloud.
pub fn is_distribution(service: &str) -> bool {
    ["k3s", "rke2", "k0s"].contains(&service)
}

/// The service that a server version names, for a cluster whose nodes say nothing.
pub fn of_version(version: &str) -> Option<&'static str> {
    VERSIONS.into_iter().find(|(part, _)| version.contains(part)).map(|(_, service)| service)
}

fn label(service: &str, key: String) -> Fact<Text> {
    Fact::known(Text::from(service), Source { object: super::fact::Object::Label, field: Cow::Owned(key) })
}

/// CRI-O in a build of OpenShift.
fn runtime(report: &NodeReport) -> Option<Fact<Text>> {
    let runtime = report.info.runtime.as_deref()?;
    let is_openshift = runtime.starts_with("cri-o://") && runtime.contains(".rhaos");
    is_openshift.then(|| Fact::known(Text::from("ocp"), Source::node("status.nodeInfo.containerRuntimeVersion")))
}

fn kubelet(report: &NodeReport) -> Option<Fact<Text>> {
    let service = of_version(report.info.kubelet.as_deref()?)?;
    // Some clouds publish their builds, and people run them on other machines.
    let home = [("eks", "aws"), ("gke", "gce")].into_iter().find(|(own, _)| *own == service).map(|(_, cloud)| cloud);
    let at = report.provider_id.as_deref().and_then(cloud);
    if home.zip(at).is_some_and(|(home, at)| home != at) {
        return None;
    }
    Some(Fact::known(Text::from(service), Source::node("status.nodeInfo.kubeletVersion")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::node::NodeInfo;

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

    #[track_caller]
    fn check(provider: &str, labels: &[&str], kubelet: &str, runtime: &str, expected: &str) {
        let text = |text: &str| (!text.is_empty()).then(|| Text::from(text));
        let report = NodeReport {
            provider_id: text(provider),
            labels: labels.iter().map(|key| (*key, "x")).collect(),
            info: NodeInfo { kubelet: text(kubelet), runtime: text(runtime), ..NodeInfo::default() },
            ..NodeReport::default()
        };
        let found = of(&report);
        let shown = match &found {
            Fact::Known(reading) => format!("{} by {}", reading.value, reading.source),
            Fact::Unknown(unknown) => unknown.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_distribution_is_not_taken_for_the_cloud_that_it_runs_in() {
        let ocp = "ocp by label machineconfiguration.openshift.io/x";
        check("azure:///subscriptions/1", &["machineconfiguration.openshift.io/x"], "v1.31.6", "", ocp);
        let crio = "cri-o://1.31.6-3.rhaos4.18.gitb0c4d5f.el9";
        check("gce://p/z/n", &[], "v1.31.6", crio, "ocp by node status.nodeInfo.containerRuntimeVersion");
        check("aws:///z/i", &[], "v1.33.4+k3s1", "", "k3s by node status.nodeInfo.kubeletVersion");
        check("aws:///z/i", &[], "v1.33.4+rke2r1", "", "rke2 by node status.nodeInfo.kubeletVersion");
        check("k3s://n", &[], "v1.33.4+k3s1", "", "k3s by node status.nodeInfo.kubeletVersion");
        check("", &["vcluster.loft.sh/fake-node"], "v1.33.4", "", "vcluster by label vcluster.loft.sh/fake-node");
    }

    #[test]
    fn managed_marks_come_before_the_provider_id_and_installers_rule_it_out() {
        check(
            "aws:///z/i",
            &["eks.amazonaws.com/nodegroup"],
            "v1.33.4",
            "",
            "eks by label eks.amazonaws.com/nodegroup",
        );
        check("aws:///z/i", &[], "v1.33.4", "", "eks by node spec.providerID");
        let why = "installed by kops on aws, so it is not the managed service of that cloud";
        check("aws:///z/i", &["kops.k8s.io/instancegroup"], "v1.33.4", "", why);
        check("", &[], "v1.33.5-gke.100", "", "gke by node status.nodeInfo.kubeletVersion");
        let talos = NodeReport {
            provider_id: Some("aws:///z/i".into()),
            info: NodeInfo { os_image: Some("Talos (v1.10.5)".into()), ..NodeInfo::default() },
            ..NodeReport::default()
        };
        let why = "installed by Talos on aws, so it is not the managed service of that cloud";
        assert_eq!(of(&talos).unknown().map(ToString::to_string).as_deref(), Some(why));
        let why = "installed by Gardener on gce, so it is not the managed service of that cloud";
        check("gce://p/z/n", &["worker.gardener.cloud/pool"], "v1.33.1", "", why);
        check("vsphere://4217", &[], "v1.33.1-eks-1-33-7", "", "vsphere by node spec.providerID");
        check("cn-hangzhou.i-bp1aaaa", &[], "v1.33.3-aliyun.1", "", "ack by node spec.providerID");
        let uuid = "6f3b1c2a-0000-4000-8000-000000000001";
        check(uuid, &[], "v1.31.4", "", &format!("the provider id `{uuid}` names no cloud"));
        check("Bare-Metal", &[], "v1.31.4", "", "bare-metal by node spec.providerID");
        check("nebius://computeinstance-e00", &[], "v1.31.4", "", "mk8s by node spec.providerID");
        let rancher = "k3s by node status.nodeInfo.kubeletVersion";
        check("", &["rke.cattle.io/machine"], "v1.33.4+k3s1", "", rancher);
        check("", &[], "", "", "not reported");
    }
}
