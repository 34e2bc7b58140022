//! Typed settings of a recipe: what they may say, and whether a recipe that carries them agrees with itself.
//!
//! In: the words that a person typed or a file has. Out: the canonical setting, or why it is none.

use super::{ComponentRef, Configuration, Gke, SelectedProfile, TcpxoInterface};
use crate::{
    criteria::{Criteria, Dimension, near_or_all},
    settings::{INTERFACES_FLAG, INVENTORY_FLAG, SLURM_FLAG},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Who brings the database of Slurm's accounting.
pub const SLURM_MODES: [&str; 3] = ["disabled", "customer-managed", "aicr-provided"];

/// Whether the inventory of what runs is deployed.
pub const INVENTORY_MODES: [&str; 2] = ["enabled", "disabled"];

/// Network interfaces of a GKE machine with eight GPUs, `eth1` to `eth8`.
const INTERFACES: usize = 8;

/// The component that gets the interfaces, and the key in its overrides.
pub const TRAINER: (&str, &str) = ("kubeflow-trainer", "tcpxoInterfaces");

/// The component without which a recipe has no use for the interfaces.
pub const TRANSPORT: &str = "gke-nccl-tcpxo";

/// The manifest that lists the interfaces.
pub const RUNTIME: &str = "components/kubeflow-trainer/manifests/torch-distributed-tcpxo-cluster-training-runtime.yaml";

/// Slurm itself.
pub const SLURM: &str = "slinky-slurm";

/// What brings the database of Slurm's accounting, where the recipe brings it.
pub const DATABASE: [&str; 3] = ["mariadb-operator-crds", "mariadb-operator", "slurm-accounting-mariadb"];

/// The component that takes the inventory of what runs.
pub const INVENTORY: &str = "k8s-aibom";

/// How Slurm reaches a database that the recipe brings; the database's side of it follows.
const CONNECTION: [&str; 6] = [
    "accounting.storageConfig.database",
    "accounting.storageConfig.host",
    "accounting.storageConfig.passwordKeyRef.key",
    "accounting.storageConfig.passwordKeyRef.name",
    "accounting.storageConfig.port",
    "accounting.storageConfig.username",
];

const CONNECTED: [&str; 14] = [
    "databases",
    "fullnameOverride",
    "grants",
    "mariadb.cleanupPolicy",
    "mariadb.database",
    "mariadb.passwordSecretKeyRef.generate",
    "mariadb.passwordSecretKeyRef.key",
    "mariadb.passwordSecretKeyRef.name",
    "mariadb.rootPasswordSecretKeyRef.generate",
    "mariadb.rootPasswordSecretKeyRef.key",
    "mariadb.rootPasswordSecretKeyRef.name",
    "mariadb.username",
    "namespaceOverride",
    "users",
];

/// A typed setting that was decided: what it writes into components, and which of their values are its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The flag with its value: `slurm-accounting-mode=disabled`.
    pub name: String,
    /// Below `configuration`.
    pub field: &'static str,
    /// Component, dotted path in its overrides, value.
    pub writes: Vec<(&'static str, &'static str, Value)>,
    /// Component and dotted path.
    pub owns: Vec<(&'static str, &'static str)>,
}

impl Configuration {
    /// The settings that were decided, in the order in which they are applied.
    pub fn decided(&self) -> Vec<Decided> {
        let Configuration { slurm, runtime_inventory, gke } = self;
        let mut decided = Vec::new();
        if let Some(inventory) = runtime_inventory {
            decided.push(Decided {
                name: format!("{INVENTORY_FLAG}={}", inventory.mode),
                field: "runtimeInventory.mode",
                writes: vec![(INVENTORY, "install", (inventory.mode == INVENTORY_MODES[0]).into())],
                owns: vec![(INVENTORY, "enabled"), (INVENTORY, "install")],
            });
        }
        if let Some(slurm) = slurm {
            let mode = &slurm.accounting.mode;
            let (is_on, is_ours) = (mode != SLURM_MODES[0], mode == SLURM_MODES[2]);
            let mut writes = vec![(SLURM, "accounting.enabled", is_on.into())];
            writes.extend(DATABASE.map(|component| (component, "install", is_ours.into())));
            let mut owns = vec![(SLURM, "accounting.enabled"), (SLURM, "enabled")];
            owns.extend(DATABASE.iter().flat_map(|component| [(*component, "enabled"), (*component, "install")]));
            if is_ours {
                owns.extend(CONNECTION.map(|path| (SLURM, path)));
                owns.extend(CONNECTED.map(|path| (DATABASE[2], path)));
            }
            let name = format!("{SLURM_FLAG}={mode}");
            decided.push(Decided { name, field: "slurm.accounting.mode", writes, owns });
        }
        if let Some(gke) = gke {
            decided.push(Decided {
                name: INTERFACES_FLAG.to_owned(),
                field: "gke.tcpxoInterfaces",
                writes: vec![(TRAINER.0, TRAINER.1, override_of(&gke.tcpxo_interfaces))],
                owns: vec![TRAINER],
            });
        }
        decided
    }

    /// Whether Slurm keeps accounts.
    pub fn has_accounting(&self) -> bool {
        self.slurm.as_ref().is_some_and(|slurm| slurm.accounting.mode != SLURM_MODES[0])
    }
}

/// A setting that is not one, or not one of this recipe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// A mode that does not exist.
    #[error("unknown {what} `{found}`")]
    Mode {
        /// `mode of slurm accounting`.
        what: &'static str,
        /// As written.
        found: String,
        /// Modes that there are.
        known: &'static [&'static str],
    },
    /// Interfaces that no machine has.
    #[error("the TCPXO interfaces are wrong: {0}")]
    Interfaces(String),
    /// A setting on a recipe that it is not for.
    #[error("{what} is for {wanted} only, and the recipe is for {found}")]
    NotFor {
        /// The setting.
        what: &'static str,
        /// Criteria.
        wanted: &'static str,
        /// The recipe's.
        found: String,
    },
    /// The setting says one thing and the values another.
    #[error("`configuration.{field}` and the override `{path}` of {component} differ")]
    Differs {
        /// Below `configuration`.
        field: &'static str,
        /// Whose override.
        component: &'static str,
        /// Its dotted path.
        path: &'static str,
    },
    /// A setting for a component that the recipe does not have.
    #[error("{what} is for the component `{component}`, which is not in the recipe")]
    NoComponent {
        /// The setting.
        what: &'static str,
        /// The component, or a manifest of it.
        component: &'static str,
    },
    /// The recipe turns off what the setting turns on.
    #[error("the recipe turns `{INVENTORY}` off, so the runtime inventory cannot be enabled")]
    Declined,
    /// A recipe that is of no use without the interfaces.
    #[error("the recipe needs the TCPXO interfaces of its machines, which only their owner knows")]
    InterfacesNeeded,
    /// A profile and a setting that both own a value.
    #[error("the setting {setting} and the profile {profile} both own `{component}: {path}`")]
    Shared {
        /// The flag with its value.
        setting: String,
        /// Name and value.
        profile: String,
        /// Whose value.
        component: &'static str,
        /// Its dotted path.
        path: &'static str,
    },
    /// A health check that cannot be told to look at the accounting.
    #[error("Slurm accounting needs a health check of `{SLURM}` with a list of steps")]
    NoHealthCheck,
}

impl ConfigurationError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConfigurationError::Mode { found, known, .. } => Some(near_or_all(found, known.iter().copied())),
            ConfigurationError::Interfaces(_) => Some("write eth1=NETWORK,…,eth8=NETWORK".to_owned()),
            ConfigurationError::InterfacesNeeded => {
                Some("add --gke-tcpxo-interfaces eth1=NETWORK,…,eth8=NETWORK".to_owned())
            }
            ConfigurationError::NotFor { .. }
            | ConfigurationError::NoComponent { .. }
            | ConfigurationError::Declined
            | ConfigurationError::Shared { .. } => Some("leave the setting out".to_owned()),
            ConfigurationError::Differs { .. } => {
                Some("resolve the recipe again with the setting that is meant".to_owned())
            }
            ConfigurationError::NoHealthCheck => None,
        }
    }
}

/// A mode of Slurm's accounting in any case, as it is written.
///
/// # Errors
/// An unknown mode.
pub fn slurm_mode(text: &str) -> Result<&'static str, ConfigurationError> {
    let (what, known) = ("mode of slurm accounting", &SLURM_MODES);
    let mode = known.iter().find(|mode| mode.eq_ignore_ascii_case(text.trim()));
    mode.copied().ok_or_else(|| ConfigurationError::Mode { what, found: text.to_owned(), known })
}

/// A mode of the runtime inventory, exactly as it is written.
///
/// # Errors
/// An unknown mode.
pub fn inventory_mode(text: &str) -> Result<&'static str, ConfigurationError> {
    let (what, known) = ("mode of the runtime inventory", &INVENTORY_MODES);
    let mode = known.iter().find(|mode| **mode == text);
    mode.copied().ok_or_else(|| ConfigurationError::Mode { what, found: text.to_owned(), known })
}

/// Interfaces as a flag has them, `eth1=network` each, checked.
///
/// # Errors
/// As [`check_interfaces`]; an element without `=`.
pub fn interfaces<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<TcpxoInterface>, ConfigurationError> {
    let read = |text: &'t str| match text.split_once('=') {
        Some((name, network)) => {
            Ok(TcpxoInterface { interface_name: name.trim().to_owned(), network: network.trim().to_owned() })
        }
        None => Err(ConfigurationError::Interfaces(format!("`{text}` has no `=`"))),
    };
    let interfaces = texts.map(read).collect::<Result<Vec<_>, _>>()?;
    check_interfaces(&interfaces)?;
    Ok(interfaces)
}

/// Exactly `eth1` to `eth8`, each once and in any order, each with a GPU network of its own.
///
/// # Errors
/// The first that is wrong.
pub fn check_interfaces(interfaces: &[TcpxoInterface]) -> Result<(), ConfigurationError> {
    let wrong = |what: String| Err(ConfigurationError::Interfaces(what));
    let (mut names, mut networks) = (BTreeSet::new(), BTreeSet::new());
    for TcpxoInterface { interface_name, network } in interfaces {
        let number = interface_name.strip_prefix("eth").and_then(|number| number.parse::<usize>().ok());
        let is_interface =
            number.is_some_and(|number| (1..=INTERFACES).contains(&number)) && interface_name.len() == "eth1".len();
        if !is_interface {
            return wrong(format!("`{interface_name}` is not one of eth1 to eth{INTERFACES}"));
        }
        if !names.insert(interface_name) {
            return wrong(format!("`{interface_name}` is there twice"));
        }
        if !is_network(network) {
            return wrong(format!("`{network}` is not the name of a GPU network (it has `gpu-nic` in it)"));
        }
        if !networks.insert(network) {
            return wrong(format!("the network `{network}` is there twice"));
        }
    }
    match names.len() {
        INTERFACES => Ok(()),
        few => wrong(format!("expected {INTERFACES}, found {few}")),
    }
}

/// Interfaces as some machine may have them, to see whether a recipe is sound; no recipe for a cluster has them.
pub fn with_any_interfaces() -> Configuration {
    let any = |number| TcpxoInterface { interface_name: format!("eth{number}"), network: format!("gpu-nic-{number}") };
    Configuration {
        gke: Some(Gke { tcpxo_interfaces: (1..=INTERFACES).map(any).collect() }),
        ..Configuration::default()
    }
}

/// `^[a-z]([-a-z0-9]*[a-z0-9])?$`, at most 41 characters, of a GPU network.
fn is_network(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-');
    (1..=41).contains(&name.len()) && is_name && name.bytes().all(good) && name.contains("gpu-nic")
}

/// Which recipe criteria are for, whatever was decided of it.
pub fn recipe_of(criteria: &Criteria) -> String {
    Criteria { configuration: Box::default(), ..criteria.clone() }.to_string()
}

/// Whether the settings of a recipe are settings, and of a recipe that can have them.
///
/// # Errors
/// The first that is wrong.
pub fn check_criteria(configuration: &Configuration, criteria: &Criteria) -> Result<(), ConfigurationError> {
    let Configuration { slurm, runtime_inventory, gke } = configuration;
    let found = || recipe_of(criteria);
    if let Some(slurm) = slurm {
        slurm_mode(&slurm.accounting.mode)?;
        if criteria.platform.as_deref() != Some("slurm") {
            let (what, wanted) = ("`configuration.slurm`", "platform=slurm");
            return Err(ConfigurationError::NotFor { what, wanted, found: found() });
        }
    }
    if let Some(inventory) = runtime_inventory {
        inventory_mode(&inventory.mode)?;
    }
    let Some(gke) = gke else { return Ok(()) };
    check_interfaces(&gke.tcpxo_interfaces)?;
    if !is_for_interfaces(criteria) {
        let (what, wanted) = ("`configuration.gke.tcpxoInterfaces`", "service=gke accelerator=h100 platform=kubeflow");
        return Err(ConfigurationError::NotFor { what, wanted, found: found() });
    }
    Ok(())
}

/// Whether machines of these criteria have the interfaces, and jobs that use them.
pub fn is_for_interfaces(criteria: &Criteria) -> bool {
    let is = |dimension: Dimension, value: &str| criteria.stated(dimension).as_deref() == Some(value);
    is(Dimension::Service, "gke") && is(Dimension::Accelerator, "h100") && is(Dimension::Platform, "kubeflow")
}

/// Whether the settings of a recipe are its own, and agree with its values and its profile.
///
/// # Errors
/// The first that is wrong.
pub fn check(
    configuration: &Configuration,
    criteria: &Criteria,
    components: &[ComponentRef],
    profile: Option<&SelectedProfile>,
) -> Result<(), ConfigurationError> {
    check_criteria(configuration, criteria)?;
    for decided in configuration.decided() {
        for (component, path, value) in &decided.writes {
            let known = components.iter().find(|known| known.name == *component);
            let written = known.and_then(|known| {
                let mut keys = path.split('.');
                let top = known.overrides.get(keys.next()?)?;
                keys.try_fold(top, |value, key| value.get(key))
            });
            if written.is_some_and(|written| written != value) {
                return Err(ConfigurationError::Differs { field: decided.field, component, path });
            }
        }
        check_disjoint(&decided, profile)?;
    }
    Ok(())
}

/// Whether a setting and a profile own different values.
///
/// # Errors
/// The first value that both own.
pub fn check_disjoint(decided: &Decided, profile: Option<&SelectedProfile>) -> Result<(), ConfigurationError> {
    let Some(profile) = profile else { return Ok(()) };
    let is_shared = |(component, path): &&(&'static str, &'static str)| {
        let owned = profile.owned_paths.get(*component);
        owned.into_iter().flatten().any(|owned| super::locks::intersects(owned, path))
    };
    match decided.owns.iter().find(is_shared) {
        None => Ok(()),
        Some((component, path)) => {
            let (setting, profile) = (decided.name.clone(), profile.choice().to_string());
            Err(ConfigurationError::Shared { setting, profile, component, path })
        }
    }
}

/// The interfaces as the component takes them.
fn override_of(interfaces: &[TcpxoInterface]) -> Value {
    interfaces.iter().map(|one| json!({"interfaceName": one.interface_name, "network": one.network})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eight(change: impl Fn(usize, &mut TcpxoInterface)) -> Vec<TcpxoInterface> {
        let one = |number: usize| {
            let mut one =
                TcpxoInterface { interface_name: format!("eth{number}"), network: format!("lab-gpu-nic-{number}") };
            change(number, &mut one);
            one
        };
        (1..=8).map(one).collect()
    }

    #[track_caller]
    fn refused(change: impl Fn(usize, &mut TcpxoInterface), part: &str) {
        let error = check_interfaces(&eight(change)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn modes_are_read_as_the_reference_reads_them() {
        assert_eq!(slurm_mode("AICR-Provided"), Ok("aicr-provided"));
        assert_eq!(inventory_mode("enabled"), Ok("enabled"));
        let error = inventory_mode("Enabled").unwrap_err();
        assert_eq!(error.to_string(), "unknown mode of the runtime inventory `Enabled`");
        assert_eq!(slurm_mode("disable").unwrap_err().hint().as_deref(), Some("did you mean disabled?"));
    }

    #[test]
    fn interfaces_are_eight_with_a_network_each() {
        assert_eq!(check_interfaces(&eight(|_, _| {})), Ok(()));
        let rename = |number: usize, name: &'static str| {
            move |index: usize, one: &mut TcpxoInterface| {
                if index == number {
                    one.interface_name = name.to_owned();
                }
            }
        };
        refused(rename(8, "eth9"), "`eth9` is not one of eth1 to eth8");
        refused(rename(8, "eth08"), "`eth08` is not one of eth1 to eth8");
        refused(rename(8, "eth1"), "`eth1` is there twice");
        let network = |network: &'static str| {
            move |index: usize, one: &mut TcpxoInterface| {
                if index == 2 {
                    one.network = network.to_owned();
                }
            }
        };
        refused(network("default"), "`default` is not the name of a GPU network");
        refused(network("Gpu-nic"), "is not the name of a GPU network");
        refused(network("gpu-nic-"), "is not the name of a GPU network");
        refused(network("lab-gpu-nic-1"), "the network `lab-gpu-nic-1` is there twice");
        let few = interfaces("eth2=b-gpu-nic,eth1=a-gpu-nic".split(',')).unwrap_err();
        assert_eq!(few.to_string(), "the TCPXO interfaces are wrong: expected 8, found 2");
        assert!(interfaces("eth1".split(',')).unwrap_err().to_string().contains("`eth1` has no `=`"));
    }

    #[test]
    fn settings_belong_to_their_recipes() {
        let read = |text: &str| crate::recipe::format::read(text).map(drop).map_err(|error| error.to_string());
        let recipe = |configuration: &str, criteria: &str| {
            format!(
                "kind: RecipeResult\napiVersion: aicr.run/v1beta2\nconfiguration: {configuration}\ncriteria: {{{criteria}}}\n\
                 componentRefs: []\ndeploymentOrder: []\n"
            )
        };
        let slurm = |mode: &str| format!("{{slurm: {{accounting: {{mode: {mode}}}}}}}");
        assert_eq!(read(&recipe(&slurm("disabled"), "platform: slurm")), Ok(()));
        let wrong = read(&recipe(&slurm("off"), "platform: slurm")).unwrap_err();
        assert_eq!(wrong, "unknown mode of slurm accounting `off` (line 3, column 16)");
        let elsewhere = read(&recipe(&slurm("disabled"), "service: eks")).unwrap_err();
        assert!(elsewhere.contains("is for platform=slurm only, and the recipe is for service=eks"), "{elsewhere}");
    }
}
