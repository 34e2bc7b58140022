//! What clouds say of a machine in labels and by its type: the GPU model and how many there are.
//!
//! Managed node groups have no GPU feature discovery at first; their clouds label the model, or the name of the machine
//! type stands for it. Types are listed by family; a family with several sizes tells the model and not the number.

use super::{
    fact::{Fact, Source, Unknown},
    text::{Labels, Text},
};
use crate::accelerators;

/// Labels whose value names the GPU, most telling first.
const PRODUCT: [&str; 4] = [
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "karpenter.azure.com/sku-gpu-name",
];

/// Labels whose value is the number of GPUs.
const COUNT: [&str; 4] = [
    "cloud.google.com/gke-accelerator-count",
    "karpenter.k8s.aws/instance-gpu-count",
    "eks.amazonaws.com/instance-gpu-count",
    "karpenter.azure.com/sku-gpu-count",
];

/// Labels that hold the machine type.
const TYPE: [&str; 2] = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];

/// Beginning of a machine type (lower case), its model as people write it, and the number where all sizes have the same.
const FAMILIES: [(&str, &str, Option<u64>); 46] = [
    ("p6e-gb200.", "GB200", None),
    ("p6-b300.", "B300", Some(8)),
    ("p6-b200.", "B200", Some(8)),
    ("p5.48xlarge", "H100", Some(8)),
    ("p5.4xlarge", "H100", Some(1)),
    ("p5e.", "H200", Some(8)),
    ("p5en.", "H200", Some(8)),
    ("p4d.", "A100", Some(8)),
    ("p4de.", "A100", Some(8)),
    ("p3.", "V100", None),
    ("p3dn.", "V100", Some(8)),
    ("g6e.", "L40S", None),
    ("g6.", "L4", None),
    ("gr6.", "L4", Some(1)),
    ("g5.", "A10G", None),
    ("g5g.", "T4G", None),
    ("g4dn.", "T4", None),
    ("a4x-", "GB200", Some(4)),
    ("a4-", "B200", Some(8)),
    ("a3-ultragpu-8g", "H200", Some(8)),
    ("a3-megagpu-8g", "H100", Some(8)),
    ("a3-edgegpu-8g", "H100", Some(8)),
    ("a3-highgpu-", "H100", None),
    ("a2-", "A100", None),
    ("g2-", "L4", None),
    ("standard_nd128isr_ndr_gb200_v6", "GB200", Some(4)),
    ("standard_nd128isr_gb300_v6", "GB300", Some(4)),
    ("standard_nd96isr_h200_v5", "H200", Some(8)),
    ("standard_nd96isr_h100_v5", "H100", Some(8)),
    ("standard_nd96amsr_a100_v4", "A100", Some(8)),
    ("standard_nd96asr_v4", "A100", Some(8)),
    ("standard_nc40ads_h100_v5", "H100", Some(1)),
    ("standard_nc80adis_h100_v5", "H100", Some(2)),
    ("standard_ncc40ads_h100_v5", "H100", Some(1)),
    ("standard_nc24ads_a100_v4", "A100", Some(1)),
    ("standard_nc48ads_a100_v4", "A100", Some(2)),
    ("standard_nc96ads_a100_v4", "A100", Some(4)),
    ("bm.gpu.gb200.4", "GB200", Some(4)),
    ("bm.gpu.gb300.4", "GB300", Some(4)),
    ("bm.gpu.b200.8", "B200", Some(8)),
    ("bm.gpu.h200.8", "H200", Some(8)),
    ("bm.gpu.h100.8", "H100", Some(8)),
    ("bm.gpu.a100-v2.8", "A100", Some(8)),
    ("bm.gpu4.8", "A100", Some(8)),
    ("bm.gpu.l40s.4", "L40S", Some(4)),
    ("bm.gpu.a10.4", "A10", Some(4)),
];

/// The machine type, as the cloud names it.
pub fn kind(labels: &Labels) -> Fact<Text> {
    first(labels, &TYPE)
}

/// The GPU that the cloud says is in the machine.
pub fn product(labels: &Labels) -> Fact<Text> {
    first(labels, &PRODUCT).or_else(|| match family(labels) {
        Some((key, (_, model, _))) => Fact::known(Text::from(model), Source::label(key)),
        None => Fact::Unknown(Unknown::NotLabeled),
    })
}

/// How many GPUs the cloud says are in the machine.
pub fn count(labels: &Labels) -> Fact<u64> {
    let labeled = COUNT.into_iter().find_map(|key| Some(Fact::known(labels.number(key)?, Source::label(key))));
    let by_type = || {
        let (key, (_, _, count)) = family(labels)?;
        Some(Fact::known(count?, Source::label(key)))
    };
    labeled.or_else(by_type).unwrap_or(Fact::Unknown(Unknown::NotLabeled))
}

fn first(labels: &Labels, keys: &'static [&'static str]) -> Fact<Text> {
    keys.iter()
        .find_map(|key| Some(Fact::known(labels.text(key)?.clone(), Source::label(key))))
        .unwrap_or(Fact::Unknown(Unknown::NotLabeled))
}

type Family = (&'static str, &'static str, Option<u64>);

/// The row of the machine type, and the label that holds it.
fn family(labels: &Labels) -> Option<(&'static str, Family)> {
    let (key, kind) = TYPE.into_iter().find_map(|key| Some((key, labels.text(key)?.to_ascii_lowercase())))?;
    FAMILIES.into_iter().find(|(begin, ..)| kind.starts_with(begin)).map(|family| (key, family))
}

/// Whether a product text names an accelerator of the catalog.
pub fn model(text: &str) -> Option<&'static str> {
    accelerators::by_product(text).filter(|row| row.in_criteria()).map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(labels: &[(&str, &str)], expected: &str) {
        let labels: Labels = labels.iter().copied().collect();
        let product = product(&labels);
        let count = count(&labels).get().map_or("?".to_owned(), |count| count.to_string());
        let source = product.source().map(ToString::to_string).unwrap_or_default();
        assert_eq!(format!("{count} x {} {source}", product.text().unwrap_or("?")), expected);
    }

    #[test]
    fn clouds_name_the_gpu_by_label_or_by_machine_type() {
        check(
            &[("cloud.google.com/gke-accelerator", "nvidia-tesla-a100")],
            "? x nvidia-tesla-a100 label cloud.google.com/gke-accelerator",
        );
        let eks = [("eks.amazonaws.com/instance-gpu-name", "l40s"), ("eks.amazonaws.com/instance-gpu-count", "4")];
        check(&eks, "4 x l40s label eks.amazonaws.com/instance-gpu-name");
        check(
            &[("node.kubernetes.io/instance-type", "p4d.24xlarge")],
            "8 x A100 label node.kubernetes.io/instance-type",
        );
        check(
            &[("beta.kubernetes.io/instance-type", "Standard_ND96isr_H200_v5")],
            "8 x H200 label beta.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "BM.GPU.H100.8")],
            "8 x H100 label node.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "g6e.12xlarge")],
            "? x L40S label node.kubernetes.io/instance-type",
        );
        check(&[("node.kubernetes.io/instance-type", "m5.large")], "? x ? ");
    }

    #[test]
    fn a_family_is_not_taken_for_one_with_a_longer_name() {
        let kind = |kind: &str| {
            product(&[("node.kubernetes.io/instance-type", kind)].into_iter().collect()).text().map(str::to_owned)
        };
        assert_eq!(kind("p5en.48xlarge").as_deref(), Some("H200"));
        assert_eq!(kind("p4de.24xlarge").as_deref(), Some("A100"));
        assert_eq!(kind("g5g.xlarge").as_deref(), Some("T4G"));
        assert_eq!(kind("a2dedicated"), None);
    }
}
