//! The `OS` measurement of one node, without an agent.
//!
//! The distribution comes from node feature discovery, else from its labels, else from the text that the kubelet reports.

use super::gpu::{Seen, number, put};
use crate::snapshot::{Measurement, Reading, Subtype};
use std::collections::BTreeMap;

/// `sysctl`, `kmod` and `release`, each where something is known; `extensions` on Talos.
pub fn measure(seen: &Seen) -> Measurement {
    let parts = [
        ("sysctl", sysctl(seen)),
        ("kmod", modules(seen)),
        ("release", release(seen)),
        ("extensions", extensions(seen)),
    ];
    let subtype =
        |(name, data): (&str, BTreeMap<String, Reading>)| Subtype { name: name.to_owned(), data, ..Subtype::default() };
    Measurement {
        kind: "OS".to_owned(),
        subtypes: parts.into_iter().filter(|(_, data)| !data.is_empty()).map(subtype).collect(),
    }
}

fn sysctl(seen: &Seen) -> BTreeMap<String, Reading> {
    let node = seen.node;
    let mut data = BTreeMap::new();
    put(&mut data, "/proc/sys/kernel/osrelease", node.row.kernel.clone());
    put(&mut data, "/proc/sys/kernel/random/boot_id", Some(node.boot_id.clone()).filter(|id| !id.is_empty()));
    put(&mut data, "/proc/sys/kernel/hostname", node.row.labels.get("kubernetes.io/hostname").cloned());
    put(&mut data, "/proc/sys/vm/nr_hugepages", node.huge_pages.map(|pages| number(pages).to_string()));
    data
}

fn modules(seen: &Seen) -> BTreeMap<String, Reading> {
    let names = seen.features.into_iter().flat_map(|features| features.modules.iter());
    names.map(|name| (name.clone(), Reading::Bool(true))).collect()
}

fn extensions(seen: &Seen) -> BTreeMap<String, Reading> {
    let labels = seen.node.row.labels.iter();
    labels
        .filter_map(|(key, value)| {
            Some((key.strip_prefix("extensions.talos.dev/")?.to_owned(), Reading::Text(value.clone())))
        })
        .collect()
}

fn release(seen: &Seen) -> BTreeMap<String, Reading> {
    let found = seen.features.map(|features| &features.os_release).filter(|fields| !fields.is_empty());
    if let Some(fields) = found {
        return fields.iter().map(|(key, value)| (key.clone(), Reading::Text(value.clone()))).collect();
    }
    let image = seen.node.row.os_image.as_deref();
    let (mut id, mut version) = image.map(parse_image).unwrap_or_default();
    let label =
        |field: &str| seen.node.row.labels.get(&format!("feature.node.kubernetes.io/system-os_release.{field}"));
    id = label("ID").cloned().or(id);
    version = label("VERSION_ID").cloned().or(version);
    let mut data = BTreeMap::new();
    put(&mut data, "ID", id);
    put(&mut data, "VERSION_ID", version);
    put(&mut data, "PRETTY_NAME", image);
    data
}

/// `ID` and `VERSION_ID` of the pretty name that a kubelet reports; nothing for names that are not known.
fn parse_image(image: &str) -> (Option<String>, Option<String>) {
    const NAMES: [(&str, &str); 12] = [
        ("Ubuntu", "ubuntu"),
        ("Debian", "debian"),
        ("Red Hat Enterprise Linux CoreOS", "rhcos"),
        ("Red Hat Enterprise Linux", "rhel"),
        ("Amazon Linux", "amzn"),
        ("Container-Optimized OS", "cos"),
        ("Oracle Linux", "ol"),
        ("Rocky Linux", "rocky"),
        ("Azure Linux", "azurelinux"),
        ("Bottlerocket", "bottlerocket"),
        ("SUSE Linux Enterprise Server", "sles"),
        ("Talos", "talos"),
    ];
    let Some((name, id)) = NAMES.into_iter().find(|(name, _)| image.starts_with(name)) else { return (None, None) };
    let number = image[name.len()..]
        .split(|c: char| c.is_whitespace() || c == '(' || c == ')')
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    // Ubuntu's point release is no part of its VERSION_ID: 24.04.3 is 24.04.
    let number = match (id, number) {
        ("ubuntu", Some(number)) => Some(number.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")),
        (_, number) => number.map(str::to_owned),
    };
    (Some(id.to_owned()), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_names_give_id_and_version() {
        let cases = [
            ("Ubuntu 24.04.3 LTS", "ubuntu", "24.04"),
            ("Debian GNU/Linux 12 (bookworm)", "debian", "12"),
            ("Amazon Linux 2023.9.20251105", "amzn", "2023.9.20251105"),
            ("Talos (v1.9.4)", "talos", "1.9.4"),
            ("Red Hat Enterprise Linux 9.4 (Plow)", "rhel", "9.4"),
        ];
        for (image, id, version) in cases {
            assert_eq!(parse_image(image), (Some(id.to_owned()), Some(version.to_owned())), "{image}");
        }
        assert_eq!(parse_image("Somebody's Linux 1"), (None, None));
        assert_eq!(parse_image("Container-Optimized OS from Google"), (Some("cos".to_owned()), None));
    }
}
