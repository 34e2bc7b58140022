//! The operating system of a node: `ID` and `VERSION_ID` as `/etc/os-release` has them, and the text for people.
//!
//! Node feature discovery reads the file itself. Without it there is only the text that the kubelet reports, the
//! `PRETTY_NAME`: what it says for certain is taken, and nothing is guessed. A missing version is unknown, never another.

use super::{
    fact::{Fact, Object, Source, Unknown},
    node::{Features, NodeReport},
    text::Text,
};

/// The operating system of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatingSystem {
    /// `PRETTY_NAME`: `Ubuntu 24.04.3 LTS`.
    pub image: Fact<Text>,
    /// `ID`: `ubuntu`, `rhcos`, `amzn`.
    pub id: Fact<Text>,
    /// `VERSION_ID`: `24.04`, `4.18`, `2023`.
    pub version: Fact<Text>,
    /// `linux` or `windows`.
    pub family: Fact<Text>,
}

const ID_LABEL: &str = "feature.node.kubernetes.io/system-os_release.ID";
const VERSION_LABEL: &str = "feature.node.kubernetes.io/system-os_release.VERSION_ID";

/// The operating system that a node reports.
pub fn of(report: &NodeReport, features: Option<&Features>) -> OperatingSystem {
    let info = &report.info;
    let (id, version) = info.os_image.as_deref().map(parse).unwrap_or_default();
    let fact = |label: &'static str, field: &'static str, parsed: Option<String>| {
        let found = features.and_then(|features| features.os_release.get(field)).map(|text| Text::from(text.as_str()));
        Fact::or(found, Source::of(Object::NodeFeature, "system.osrelease"), Unknown::NotReported)
            .or_else(|| Fact::or(report.labels.text(label).cloned(), Source::label(label), Unknown::NotLabeled))
            .or_else(|| Fact::or(parsed.map(Text::from), Source::node("status.nodeInfo.osImage"), Unknown::NotReported))
    };
    let image = Fact::or(info.os_image.clone(), Source::node("status.nodeInfo.osImage"), Unknown::NotReported);
    let family =
        Fact::or(info.operating_system.clone(), Source::node("status.nodeInfo.operatingSystem"), Unknown::NotReported)
            .or_else(|| {
                Fact::or(
                    report.labels.text("kubernetes.io/os").cloned(),
                    Source::label("kubernetes.io/os"),
                    Unknown::NotLabeled,
                )
            });
    OperatingSystem { image, id: fact(ID_LABEL, "ID", id), version: fact(VERSION_LABEL, "VERSION_ID", version), family }
}

/// How a distribution writes its version into the text for people, and what its `VERSION_ID` is then.
#[derive(Clone, Copy)]
enum Rule {
    /// As written: `9.5`.
    AsWritten,
    /// The first two numbers: a point release is not part of it.
    TwoNumbers,
    /// The first number: `2023` of `2023.9.20251105`.
    OneNumber,
    /// `418.94.202503102036-0` is 4.18.
    CoreOs,
    /// `15 SP6` is 15.6.
    ServicePack,
    /// The first number; of the second edition, `2.1903`, all of it.
    Alibaba,
    /// With its leading `v`, in brackets: `(v1.10.5)`.
    WithV,
    /// The text does not tell it.
    Silent,
}

/// What the text begins with, `ID`, and how the version is written. A longer beginning comes before a shorter one.
const DISTRIBUTIONS: [(&str, &str, Rule); 41] = [
    ("Ubuntu Core", "ubuntu-core", Rule::OneNumber),
    ("Ubuntu", "ubuntu", Rule::TwoNumbers),
    ("Debian GNU/Linux", "debian", Rule::OneNumber),
    ("Red Hat Enterprise Linux CoreOS", "rhcos", Rule::CoreOs),
    ("Red Hat Enterprise Linux", "rhel", Rule::AsWritten),
    ("CentOS Stream CoreOS", "scos", Rule::CoreOs),
    ("CentOS Stream", "centos", Rule::AsWritten),
    ("CentOS Linux", "centos", Rule::OneNumber),
    ("Fedora CoreOS", "fedora", Rule::OneNumber),
    ("Fedora Linux", "fedora", Rule::OneNumber),
    ("Amazon Linux", "amzn", Rule::OneNumber),
    ("Container-Optimized OS", "cos", Rule::Silent),
    ("Oracle Linux", "ol", Rule::AsWritten),
    ("Rocky Linux", "rocky", Rule::AsWritten),
    ("AlmaLinux", "almalinux", Rule::AsWritten),
    ("Microsoft Azure Linux", "azurelinux", Rule::AsWritten),
    ("Azure Linux", "azurelinux", Rule::AsWritten),
    ("CBL-Mariner", "mariner", Rule::Silent),
    ("Common Base Linux Mariner", "mariner", Rule::Silent),
    ("Bottlerocket", "bottlerocket", Rule::AsWritten),
    ("SUSE Linux Enterprise Micro", "sle-micro", Rule::AsWritten),
    ("SUSE Linux Enterprise", "sles", Rule::ServicePack),
    ("SUSE Linux Micro", "sl-micro", Rule::AsWritten),
    ("SLE Micro", "sle-micro", Rule::AsWritten),
    ("openSUSE Leap Micro", "opensuse-leap-micro", Rule::AsWritten),
    ("openSUSE Leap", "opensuse-leap", Rule::AsWritten),
    ("Talos", "talos", Rule::WithV),
    ("Flatcar Container Linux", "flatcar", Rule::AsWritten),
    ("NixOS", "nixos", Rule::TwoNumbers),
    ("openSUSE Tumbleweed", "opensuse-tumbleweed", Rule::Silent),
    ("VMware Photon OS/Linux", "photon", Rule::Silent),
    ("Alpine Linux", "alpine", Rule::AsWritten),
    ("openEuler", "openEuler", Rule::AsWritten),
    ("Alibaba Cloud Linux", "alinux", Rule::Alibaba),
    ("Anolis OS", "anolis", Rule::AsWritten),
    ("TencentOS Server", "tencentos", Rule::AsWritten),
    ("Garden Linux", "gardenlinux", Rule::AsWritten),
    ("Raspbian GNU/Linux", "raspbian", Rule::OneNumber),
    ("Buildroot", "buildroot", Rule::AsWritten),
    ("Arch Linux", "arch", Rule::Silent),
    ("Wolfi", "wolfi", Rule::Silent),
];

/// `ID` and `VERSION_ID` of the text that a kubelet reports; neither for a text that is not in the table.
fn parse(image: &str) -> (Option<String>, Option<String>) {
    let image = image.trim();
    let begins =
        |name: &str| image.strip_prefix(name).filter(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let found = DISTRIBUTIONS.into_iter().find_map(|(name, id, rule)| Some((id, rule, begins(name)?)));
    let Some((id, rule, rest)) = found else { return (None, None) };
    let mut words = rest.split(|c: char| c.is_whitespace() || c == '(' || c == ')').filter(|word| !word.is_empty());
    let is_number = |word: &&str| word.strip_prefix('v').unwrap_or(word).starts_with(|c: char| c.is_ascii_digit());
    let Some(number) = words.find(is_number) else {
        return (Some(id.to_owned()), None);
    };
    let bare = number.strip_prefix('v').unwrap_or(number);
    if let (Rule::CoreOs, "rhcos", Some(version)) = (rule, id, rhel(bare)) {
        return (Some("rhel".to_owned()), Some(version));
    }
    let first = |count: usize| bare.split('.').take(count).collect::<Vec<_>>().join(".");
    let version = match rule {
        Rule::AsWritten => Some(bare.to_owned()),
        // An interim text like `24.04-beta` is not a version id.
        Rule::TwoNumbers => Some(first(2)).filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.')),
        Rule::OneNumber => Some(first(1)),
        Rule::Alibaba => Some(if bare.starts_with("2.") { bare.to_owned() } else { first(1) }),
        Rule::WithV => Some(format!("v{bare}")),
        Rule::CoreOs => core_os(bare),
        Rule::ServicePack => Some(match words.next().and_then(|word| word.strip_prefix("SP")) {
            Some(pack) => format!("{bare}.{pack}"),
            None => bare.to_owned(),
        }),
        Rule::Silent => None,
    };
    (Some(id.to_owned()), version)
}

/// `9.6.20250523-0` → `9.6`. Since OpenShift 4.19 the system is built on an image of RHEL and has that one's os-release: driver
/// images for it are tagged `rhel9.6`, where they were `rhcos4.18`.
fn rhel(build: &str) -> Option<String> {
    let mut parts = build.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let is_short = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    (is_short(major) && is_short(minor)).then(|| format!("{major}.{minor}"))
}

/// `418.94.202503102036-0` → `4.18`: the first part holds the OpenShift version without its dot.
fn core_os(build: &str) -> Option<String> {
    let release = build.split('.').next().filter(|release| release.len() >= 3)?;
    release.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("{}.{}", &release[..1], &release[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, id: &str, version: &str) {
        let (found, number) = parse(image);
        let shown = format!("{} {}", found.unwrap_or_default(), number.unwrap_or_default());
        assert_eq!(shown, format!("{id} {version}"), "{image}");
    }

    #[test]
    fn version_ids_are_those_of_os_release() {
        check("Ubuntu 22.04.4 LTS", "ubuntu", "22.04");
        check("Ubuntu Noble Numbat (development branch)", "ubuntu", "");
        check("Ubuntu Core 22", "ubuntu-core", "22");
        check("Debian GNU/Linux 11 (bullseye)", "debian", "11");
        check("Amazon Linux 2023.6.20250203", "amzn", "2023");
        check("Amazon Linux 2", "amzn", "2");
        check("Red Hat Enterprise Linux 9.4 (Plow)", "rhel", "9.4");
        check("Red Hat Enterprise Linux CoreOS 416.94.202407231231-0 (Plow)", "rhcos", "4.16");
        check("Red Hat Enterprise Linux CoreOS 9.6.20250523-0 (Plow)", "rhel", "9.6");
        check("CentOS Stream CoreOS 419.9.202503102036-0", "scos", "4.19");
        check("SUSE Linux Enterprise Server 15 SP5", "sles", "15.5");
        check("SUSE Linux Enterprise Server 15", "sles", "15");
        check("Talos (v1.9.4)", "talos", "v1.9.4");
        check("Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)", "flatcar", "3975.2.2");
        check("Bottlerocket OS 1.20.5 (aws-k8s-1.30)", "bottlerocket", "1.20.5");
        check("Azure Linux 3.0", "azurelinux", "3.0");
        check("AlmaLinux 9.5 (Teal Serval)", "almalinux", "9.5");
        check("openSUSE Leap 15.6", "opensuse-leap", "15.6");
        check("Oracle Linux Server 9.5", "ol", "9.5");
        check("SUSE Linux Enterprise Micro 5.5", "sle-micro", "5.5");
        check("openEuler 22.03 (LTS-SP4)", "openEuler", "22.03");
        check("Alibaba Cloud Linux 3.2104 U10 (OpenAnolis Edition)", "alinux", "3");
        check("Alibaba Cloud Linux (Aliyun Linux) 2.1903 LTS (Hunting Beagle)", "alinux", "2.1903");
        check("openSUSE Leap Micro 6.0", "opensuse-leap-micro", "6.0");
        check("VMware Photon OS/Linux", "photon", "");
        check("Alpine Linux v3.20", "alpine", "3.20");
    }

    #[test]
    fn what_the_text_does_not_state_is_unknown() {
        check("Container-Optimized OS from Google", "cos", "");
        check("Windows Server 2022 Datacenter", "", "");
        check("Ubuntuish 1.0", "", "");
        check("", "", "");
    }
}
