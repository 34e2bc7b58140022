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
const PRODUCT: [&str; 8] = [
    "cloud.google.com/gke-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "karpenter.azure.com/sku-gpu-name",
    // CoreWeave, DigitalOcean and Alibaba Cloud.
    "gpu.nvidia.com/model",
    "gpu.nvidia.com/class",
    "doks.digitalocean.com/gpu-model",
    "aliyun.accelerator/nvidia_name",
];

/// Labels whose value is the number of GPUs.
const COUNT: [&str; 6] = [
    "cloud.google.com/gke-accelerator-count",
    "karpenter.k8s.aws/instance-gpu-count",
    "eks.amazonaws.com/instance-gpu-count",
    "karpenter.azure.com/sku-gpu-count",
    "gpu.nvidia.com/count",
    "aliyun.accelerator/nvidia_count",
];

/// Labels that hold the machine type.
const TYPE: [&str; 2] = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];

/// Beginning of a machine type (lower case; `*` is any digits and letters), its model as people write it, and the number
/// where all sizes have the same. A longer beginning comes before a shorter one. Other clouds have types that begin alike
/// (`g2-gpu-rtx4000a1-s`, `p3.2xlarge.8`), so a beginning is as long as its cloud allows.
const FAMILIES: [(&str, &str, Option<u64>); 84] = [
    ("p6e-gb200.", "GB200", None),
    ("p6e-gb300.", "GB300", None),
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
    ("g4ad.", "Radeon Pro V520", None),
    ("g6f.", "L4", None),
    ("gr6f.", "L4", None),
    ("g7e.", "RTX PRO 6000", None),
    ("a4x-maxgpu-", "GB300", Some(4)),
    ("a4x-", "GB200", Some(4)),
    ("a4-", "B200", Some(8)),
    ("a3-ultragpu-8g", "H200", Some(8)),
    ("a3-megagpu-8g", "H100", Some(8)),
    ("a3-edgegpu-8g", "H100", Some(8)),
    ("a3-highgpu-", "H100", None),
    ("a2-highgpu-", "A100", None),
    ("a2-megagpu-", "A100", None),
    ("a2-ultragpu-", "A100", None),
    ("g2-standard-", "L4", None),
    ("g2-custom-", "L4", None),
    ("g4-standard-", "RTX PRO 6000", None),
    ("standard_nd128isr_ndr_gb200_v6", "GB200", Some(4)),
    ("standard_nd128isr_gb300_v6", "GB300", Some(4)),
    ("standard_nd96isr_h200_v5", "H200", Some(8)),
    ("standard_nd96isr_h100_v5", "H100", Some(8)),
    ("standard_nd96is_flex_h100_v5", "H100", Some(8)),
    ("standard_nd96amsr_a100_v4", "A100", Some(8)),
    ("standard_nd96asr_v4", "A100", Some(8)),
    ("standard_nc40ads_h100_v5", "H100", Some(1)),
    ("standard_nc80adis_h100_v5", "H100", Some(2)),
    ("standard_ncc40ads_h100_v5", "H100", Some(1)),
    ("standard_nc24ads_a100_v4", "A100", Some(1)),
    ("standard_nc48ads_a100_v4", "A100", Some(2)),
    ("standard_nc96ads_a100_v4", "A100", Some(4)),
    ("standard_nd96isr_mi300x_v5", "MI300X", Some(8)),
    ("standard_nd40rs_v2", "V100", Some(8)),
    ("standard_nc64as_t4_v3", "T4", Some(4)),
    ("standard_nc*as_t4_v3", "T4", Some(1)),
    ("standard_nc6s_v3", "V100", Some(1)),
    ("standard_nc12s_v3", "V100", Some(2)),
    ("standard_nc24*s_v3", "V100", Some(4)),
    ("standard_nv*ads_a10_v5", "A10", None),
    ("bm.gpu.mi300x.8", "MI300X", Some(8)),
    ("bm.gpu.h100t.8", "H100", Some(8)),
    ("bm.gpu3.8", "V100", Some(8)),
    ("bm.gpu2.2", "P100", Some(2)),
    ("vm.gpu.a10.1", "A10", Some(1)),
    ("vm.gpu.a10.2", "A10", Some(2)),
    ("vm.gpu3.1", "V100", Some(1)),
    ("vm.gpu3.2", "V100", Some(2)),
    ("vm.gpu3.4", "V100", Some(4)),
    ("vm.gpu2.1", "P100", Some(1)),
    ("bm.gpu.gb200.4", "GB200", Some(4)),
    ("bm.gpu.gb200-v2.4", "GB200", Some(4)),
    ("bm.gpu.b300.8", "B300", Some(8)),
    ("bm.gpu.gb300.4", "GB300", Some(4)),
    ("bm.gpu.b200.8", "B200", Some(8)),
    ("bm.gpu.h200.8", "H200", Some(8)),
    ("bm.gpu.h100.8", "H100", Some(8)),
    ("bm.gpu.a100-v2.8", "A100", Some(8)),
    ("bm.gpu4.8", "A100", Some(8)),
    ("bm.gpu.l40s.4", "L40S", Some(4)),
    ("bm.gpu.a10.4", "A10", Some(4)),
    ("gpu-h100x1-", "H100", Some(1)),
    ("gpu-h100x8-", "H100", Some(8)),
    ("gpu-h200x1-", "H200", Some(1)),
    ("gpu-h200x8-", "H200", Some(8)),
    ("gpu-mi300x1-", "MI300X", Some(1)),
    ("gpu-mi300x8-", "MI300X", Some(8)),
    ("gpu-l40sx1-", "L40S", Some(1)),
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
    let (begin, model, count) = FAMILIES.into_iter().find(|(begin, ..)| begins(&kind, begin))?;
    // A size of AWS is one word; others have more behind a second dot.
    let is_of_aws = begin.ends_with('.') || begin.contains("xlarge");
    if is_of_aws && kind.matches('.').count() != 1 {
        return None;
    }
    Some((key, (begin, model, count.or_else(|| per_machine(&kind)))))
}

fn begins(kind: &str, begin: &str) -> bool {
    match begin.split_once('*') {
        None => kind.starts_with(begin),
        Some((begin, end)) => kind.strip_prefix(begin).is_some_and(|rest| {
            let at = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            (0..=at).any(|at| rest.is_char_boundary(at) && rest[at..].starts_with(end))
        }),
    }
}

/// The number at the end of a machine type of Google's `a` families: `a3-highgpu-2g`.
fn per_machine(kind: &str) -> Option<u64> {
    let size = kind.strip_prefix(['a'])?.rsplit('-').next()?;
    size.strip_suffix('g')?.parse().ok()
}

/// The maker that a product text of a cloud tells by its model, where it is not the one whose models clouds name alone.
pub fn maker(product: &str) -> Option<&'static str> {
    let product = product.to_ascii_lowercase();
    ["radeon", "mi300x", "mi325x", "instinct"].iter().any(|name| product.contains(name)).then_some("amd")
}

/// Whether a product text names an accelerator of the catalog.
pub fn model(text: &str) -> Option<&'static str> {
    accelerators::by_product(text).filter(|row| row.in_criteria()).map(|row| row.name)
}

/// What a product text is counted under: its model in the catalog, so that products of one model are one; else the product.
pub fn model_or_product(text: &str) -> String {
    model(text).map_or_else(|| accelerators::product(text), str::to_owned)
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
        let coreweave = [("gpu.nvidia.com/model", "H100_NVLINK_80GB"), ("gpu.nvidia.com/count", "8")];
        check(&coreweave, "8 x H100_NVLINK_80GB label gpu.nvidia.com/model");
        check(&[("doks.digitalocean.com/gpu-model", "h100")], "? x h100 label doks.digitalocean.com/gpu-model");
        check(
            &[("aliyun.accelerator/nvidia_name", "NVIDIA-A10")],
            "? x NVIDIA-A10 label aliyun.accelerator/nvidia_name",
        );
    }

    #[test]
    fn sizes_that_name_their_number_are_counted() {
        check(
            &[("node.kubernetes.io/instance-type", "a3-highgpu-2g")],
            "2 x H100 label node.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "a2-megagpu-16g")],
            "16 x A100 label node.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "Standard_NC16as_T4_v3")],
            "1 x T4 label node.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "Standard_NC24rs_v3")],
            "4 x V100 label node.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "a4x-maxgpu-4g-metal")],
            "4 x GB300 label node.kubernetes.io/instance-type",
        );
        check(
            &[("node.kubernetes.io/instance-type", "Standard_NC24ads_A100_v4")],
            "1 x A100 label node.kubernetes.io/instance-type",
        );
        check(&[("node.kubernetes.io/instance-type", "Standard_NC4_something")], "? x ? ");
        check(&[("node.kubernetes.io/instance-type", "g6f.large")], "? x L4 label node.kubernetes.io/instance-type");
    }

    #[test]
    fn a_family_is_not_taken_for_one_with_a_longer_name() {
        let kind = |kind: &str| {
            product(&[("node.kubernetes.io/instance-type", kind)].into_iter().collect()).text().map(str::to_owned)
        };
        assert_eq!(kind("p5en.48xlarge").as_deref(), Some("H200"));
        assert_eq!(kind("p4de.24xlarge").as_deref(), Some("A100"));
        assert_eq!(kind("g5g.xlarge").as_deref(), Some("T4G"));
        for other in ["a2dedicated", "a2-120", "g2-gpu-rtx4000a1-s", "g6.10xlarge.7", "p3.2xlarge.8"] {
            assert_eq!(kind(other), None, "{other}");
        }
        assert_eq!(kind("a2-highgpu-1g").as_deref(), Some("A100"));
        assert_eq!(kind("g2-standard-4").as_deref(), Some("L4"));
        assert_eq!(kind("BM.GPU.GB200-v2.4").as_deref(), Some("GB200"));
        assert_eq!(kind("Standard_ND96is_flex_H100_v5").as_deref(), Some("H100"));
        assert_eq!(kind("gpu-h100x8-640gb").as_deref(), Some("H100"));
    }
}
