//! Typed settings of a recipe: what they may say, and whether a recipe that carries them agrees with itself.
//!
//! In: the words that a person typed or a file has. Out: the canonical setting, or why it is none.

use super::{ComponentRef, Configuration, TcpxoInterface};
use crate::{
    criteria::{Criteria, Dimension, near_matches},
    text::did_you_mean,
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
const TRAINER: (&str, &str) = ("kubeflow-trainer", "tcpxoInterfaces");

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
    #[error("`configuration.gke.tcpxoInterfaces` and the override `{}` of {} differ", TRAINER.1, TRAINER.0)]
    Differs,
}

impl ConfigurationError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConfigurationError::Mode { found, known, .. } => {
                let near = did_you_mean(&near_matches(found, known.iter().copied()));
                near.or_else(|| Some(format!("there are: {}", known.join(", "))))
            }
            ConfigurationError::Interfaces(_) => Some("write eth1=NETWORK,…,eth8=NETWORK".to_owned()),
            ConfigurationError::NotFor { .. } => Some("leave the setting out".to_owned()),
            ConfigurationError::Differs => {
                Some("resolve the recipe again with the interfaces that are meant".to_owned())
            }
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

/// `^[a-z]([-a-z0-9]*[a-z0-9])?$`, at most 41 characters, of a GPU network.
fn is_network(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-');
    (1..=41).contains(&name.len()) && is_name && name.bytes().all(good) && name.contains("gpu-nic")
}

/// Whether the settings of a recipe are settings, of a recipe that can have them, and agree with its values.
///
/// # Errors
/// The first that is wrong.
pub fn check(
    configuration: &Configuration,
    criteria: &Criteria,
    components: &[ComponentRef],
) -> Result<(), ConfigurationError> {
    let Configuration { slurm, runtime_inventory, gke } = configuration;
    let is = |dimension: Dimension, value: &str| criteria.get(dimension).as_deref() == Some(value);
    let found = || criteria.to_string();
    if let Some(slurm) = slurm {
        slurm_mode(&slurm.accounting.mode)?;
        if !is(Dimension::Platform, "slurm") {
            let (what, wanted) = ("`configuration.slurm`", "platform=slurm");
            return Err(ConfigurationError::NotFor { what, wanted, found: found() });
        }
    }
    if let Some(inventory) = runtime_inventory {
        inventory_mode(&inventory.mode)?;
    }
    let Some(gke) = gke else { return Ok(()) };
    check_interfaces(&gke.tcpxo_interfaces)?;
    let wanted = [(Dimension::Service, "gke"), (Dimension::Accelerator, "h100"), (Dimension::Platform, "kubeflow")];
    if !wanted.iter().all(|(dimension, value)| is(*dimension, value)) {
        let (what, wanted) = ("`configuration.gke.tcpxoInterfaces`", "service=gke accelerator=h100 platform=kubeflow");
        return Err(ConfigurationError::NotFor { what, wanted, found: found() });
    }
    let written = components.iter().find(|one| one.name == TRAINER.0).and_then(|one| one.overrides.get(TRAINER.1));
    let differs = written.is_some_and(|written| *written != override_of(&gke.tcpxo_interfaces));
    if differs { Err(ConfigurationError::Differs) } else { Ok(()) }
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
