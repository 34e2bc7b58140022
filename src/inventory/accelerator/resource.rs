//! Names of extended resources: which of them stand for accelerators, for whole ones, and for a model.

use crate::accelerators;

/// Whether a resource name stands for accelerators: not `nvidia.com/hostdev` or other devices of the same vendors.
///
/// A device plugin may be told to offer GPUs under another name (`nvidia.com/a100`), and those of virtual machines have the
/// name of the PCI database (`nvidia.com/GH100_H100_SXM5_80GB`): what names a model of the table is one.
pub fn is_resource(name: &str) -> bool {
    let nvidia = name.strip_prefix("nvidia.com/").is_some_and(|rest| {
        rest == "gpu"
            || rest == "pgpu"
            || ["gpu.", "mig-", "gpu-"].iter().any(|begin| rest.starts_with(begin))
            || is_model(rest)
    });
    nvidia
        || name == "amd.com/gpu"
        || name.strip_prefix("amd.com/").is_some_and(is_partition)
        || name.starts_with("gpu.intel.com/")
        || name == "habana.ai/gaudi"
        || name.starts_with("aws.amazon.com/neuron")
        || name == "google.com/tpu"
}

/// Whether the name of a resource, without its domain and sharing, is that of a GPU model: one of the table, or what the PCI
/// database and drivers of virtual GPUs call a device: `TU104GL_TESLA_T4`, `GRID_T4-4Q`.
fn is_model(name: &str) -> bool {
    let name = name.strip_suffix(".shared").unwrap_or(name).to_ascii_uppercase();
    // Other devices that such a chip brings along.
    let is_other = ["NVSWITCH", "AUDIO", "USB", "SERIAL", "BRIDGE"].iter().any(|part| name.contains(part));
    let has_chip = || {
        let (chip, rest) = name.split_once('_').unwrap_or_default();
        let (letters, number) = chip.split_at_checked(2).unwrap_or_default();
        let is_number = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        !rest.is_empty()
            && (letters.starts_with('G') || ["TU", "AD"].contains(&letters))
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && is_number(number.trim_end_matches(|c: char| c.is_ascii_uppercase()))
    };
    !is_other && (accelerators::by_product(&name).is_some() || has_chip() || is_virtual_gpu(&name))
}

/// A virtual GPU: a share of a device, with its memory and its kind at the end of its name.
fn is_virtual_gpu(name: &str) -> bool {
    let profile = name.rsplit('-').next().unwrap_or_default();
    let memory = profile.strip_suffix(['Q', 'C', 'B', 'A']).unwrap_or_default();
    let is_gpu = || name.starts_with("NVIDIA_") || accelerators::by_product(name).is_some();
    name.starts_with("GRID_") || name.contains('-') && memory.parse::<u64>().is_ok() && is_gpu()
}

/// Whether a resource is a virtual GPU, or a part of a device of AMD.
pub fn is_share(name: &str) -> bool {
    let virtual_one = name.strip_prefix("nvidia.com/").is_some_and(|rest| is_virtual_gpu(&rest.to_ascii_uppercase()));
    virtual_one || name.strip_prefix("amd.com/").is_some_and(is_partition)
}

/// A part of a device of AMD: how it is computed on, and how its memory is divided.
fn is_partition(name: &str) -> bool {
    let (compute, memory) = name.split_once('_').unwrap_or((name, "nps1"));
    ["spx", "dpx", "tpx", "qpx", "cpx"].contains(&compute) && memory.starts_with("nps")
}

/// Whether a resource stands for whole devices, each of which may be offered several times.
pub fn is_whole(name: &str) -> bool {
    ["nvidia.com/gpu", "nvidia.com/pgpu", "amd.com/gpu", "habana.ai/gaudi", "google.com/tpu"].contains(&name)
        || model_of(name)
            .is_some_and(|model| !name.ends_with(".shared") && !is_virtual_gpu(&model.to_ascii_uppercase()))
}

/// The model that a resource of NVIDIA is named after: `a100` of `nvidia.com/a100.shared`.
pub fn model_of(name: &str) -> Option<&str> {
    let model = name.strip_prefix("nvidia.com/").filter(|rest| is_model(rest))?;
    Some(model.strip_suffix(".shared").unwrap_or(model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_under_other_names_are_offered_gpus() {
        for name in ["nvidia.com/gpu", "nvidia.com/a100", "nvidia.com/GH100_H100_SXM5_80GB", "nvidia.com/mig-1g.5gb"] {
            assert!(is_resource(name), "{name}");
        }
        for name in ["nvidia.com/hostdev", "nvidia.com/GH100_H100_NVSWITCH", "nvidia.com/resibp0", "rdma/ib"] {
            assert!(!is_resource(name), "{name}");
        }
    }

    #[test]
    fn models_that_are_not_in_the_catalog_are_offered_too() {
        for name in
            ["nvidia.com/TU104GL_TESLA_T4", "nvidia.com/AD102GL_L40S", "nvidia.com/GRID_A100-4C", "amd.com/cpx_nps4"]
        {
            assert!(is_resource(name), "{name}");
        }
        for name in ["nvidia.com/GA102_HIGH_DEFINITION_AUDIO_CONTROLLER", "nvidia.com/nic-1a", "amd.com/nic"] {
            assert!(!is_resource(name), "{name}");
        }
    }
}
