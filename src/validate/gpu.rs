//! How whole GPUs are handed out, decided from the values of the DRA driver and the GPU operator before any Job runs.

use serde_json::Value;
use std::fmt;

/// The policy that checks hold the cluster to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The device plugin advertises `nvidia.com/gpu`.
    DevicePlugin,
    /// ResourceClaims of the DRA driver.
    ResourceClaim,
    /// No recipe context: checks follow what they find.
    #[default]
    Unspecified,
}

impl Policy {
    pub fn name(self) -> &'static str {
        match self {
            Policy::DevicePlugin => "device-plugin-extended-resource",
            Policy::ResourceClaim => "dra-resource-claim",
            Policy::Unspecified => "unspecified",
        }
    }

    /// The policy of that name; an unknown name is `None`.
    pub fn of(name: &str) -> Option<Policy> {
        [Policy::DevicePlugin, Policy::ResourceClaim, Policy::Unspecified]
            .into_iter()
            .find(|policy| policy.name() == name)
    }
}

/// Values that contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// The driver is enabled and it is not set whether it advertises GPUs.
    NotPinned,
    NotBoolean,
    /// `resources.gpus.enabled` without `gpuResourcesEnabledOverride`, which the chart refuses.
    OverrideMissing,
    DualAdvertisement,
    InertOverride,
    NoAdvertiser,
    /// The cloud advertises GPUs, and the device plugin would too.
    ProviderToo,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PolicyError::NotPinned => "`nvidia-dra-driver-gpu` is enabled, but its `resources.gpus.enabled` is not set",
            PolicyError::NotBoolean => "a value that decides who advertises GPUs is neither true nor false",
            PolicyError::OverrideMissing => "`resources.gpus.enabled` also needs `gpuResourcesEnabledOverride: true`",
            PolicyError::DualAdvertisement => "the DRA driver and the device plugin would both advertise whole GPUs",
            PolicyError::InertOverride => "`gpuResourcesEnabledOverride` is set, but `resources.gpus.enabled` is false",
            PolicyError::ProviderToo => "the cloud and the device plugin would both advertise whole GPUs",
            PolicyError::NoAdvertiser => "neither the DRA driver nor the device plugin advertises whole GPUs",
        })
    }
}

impl std::error::Error for PolicyError {}

/// Decides from hydrated values; `None` for a component that is absent or disabled. `external`: the recipe's profile says
/// that the cloud's own device plugin advertises the GPUs.
///
/// # Errors
/// Values that contradict each other.
pub fn policy(dra_driver: Option<&Value>, gpu_operator: Option<&Value>, external: bool) -> Result<Policy, PolicyError> {
    let flag = |values: Option<&Value>, path: &str| match values.and_then(|values| values.pointer(path)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(PolicyError::NotBoolean),
    };
    let device_plugin = match gpu_operator {
        None => false,
        Some(values) => flag(Some(values), "/devicePlugin/enabled")?.unwrap_or(true),
    };
    let claims = match dra_driver {
        None => false,
        Some(values) => flag(Some(values), "/resources/gpus/enabled")?.ok_or(PolicyError::NotPinned)?,
    };
    let forced = flag(dra_driver, "/gpuResourcesEnabledOverride")?.unwrap_or(false);
    if external && device_plugin {
        return Err(PolicyError::ProviderToo);
    }
    match (claims, forced, device_plugin || external) {
        (false, false, true) => Ok(Policy::DevicePlugin),
        (true, true, false) => Ok(Policy::ResourceClaim),
        (true, false, _) => Err(PolicyError::OverrideMissing),
        (true, true, true) => Err(PolicyError::DualAdvertisement),
        (false, true, true) => Err(PolicyError::InertOverride),
        (false, _, false) => Err(PolicyError::NoAdvertiser),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_row_of_the_table() {
        let dra = |gpus: Value, forced: Value| json!({"resources": {"gpus": {"enabled": gpus}}, "gpuResourcesEnabledOverride": forced});
        let operator = |enabled: bool| json!({"devicePlugin": {"enabled": enabled}});
        let decide = |dra: Option<&Value>, operator: Option<&Value>| policy(dra, operator, false);
        let clouds = |operator: Value| policy(Some(&dra(json!(false), Value::Null)), Some(&operator), true);
        assert_eq!(clouds(operator(false)), Ok(Policy::DevicePlugin));
        assert_eq!(clouds(json!({})), Err(PolicyError::ProviderToo));
        let null = Value::Null;
        assert_eq!(decide(None, Some(&json!({}))), Ok(Policy::DevicePlugin));
        assert_eq!(decide(Some(&dra(json!(false), null.clone())), Some(&operator(true))), Ok(Policy::DevicePlugin));
        assert_eq!(decide(Some(&dra(json!(true), json!(true))), Some(&operator(false))), Ok(Policy::ResourceClaim));
        assert_eq!(decide(Some(&json!({})), Some(&operator(true))), Err(PolicyError::NotPinned));
        assert_eq!(decide(Some(&dra(json!(true), null.clone())), None), Err(PolicyError::OverrideMissing));
        assert_eq!(
            decide(Some(&dra(json!(true), json!(true))), Some(&operator(true))),
            Err(PolicyError::DualAdvertisement)
        );
        assert_eq!(
            decide(Some(&dra(json!(false), json!(true))), Some(&operator(true))),
            Err(PolicyError::InertOverride)
        );
        assert_eq!(decide(None, None), Err(PolicyError::NoAdvertiser));
        assert_eq!(decide(Some(&dra(json!("yes"), null)), Some(&operator(true))), Err(PolicyError::NotBoolean));
    }
}
