//! gke-gpu-nic-networks: the cluster has a network for each GPU NIC, as GPUDirect-TCPXO needs them.

use super::{
    Answer, Block, Check, Ending, Facts, Read, Rule, Step,
    facts::{condition, name, text},
};
use crate::validate::input::Input;
use serde_json::Value;

pub struct GkeGpuNicNetworks;

pub const COMPONENT: &str = "gke-nccl-tcpxo";
/// GPU NICs of an A3 machine.
pub const NICS: usize = 8;

impl Check for GkeGpuNicNetworks {
    fn name(&self) -> &'static str {
        "gke-gpu-nic-networks"
    }

    fn about(&self) -> &'static str {
        "The networks that the recipe names for eth1 to eth8, or any eight with `gpu-nic` in their names, exist as Network \
         objects of GKE and are Ready; it does not send anything over them."
    }

    fn rules(&self, _input: &Input) -> Vec<Rule> {
        vec![Rule::list("networking.gke.io", &["networks"])]
    }

    fn next(&self, input: &Input, facts: &Facts, _elapsed: u64) -> Step {
        if input.enabled(COMPONENT).is_none() {
            return Ending::skip(format!("the recipe has no enabled {COMPONENT}"));
        }
        let read = networks();
        let found = match facts.get(&read) {
            None => return Step::Read(vec![read]),
            Some(Answer::Items(items)) => items,
            Some(Answer::NotFound) => {
                return Ending::fail(
                    "networking.gke.io is not served: is multi-networking enabled on the cluster?",
                    Vec::new(),
                );
            }
            Some(_) => {
                let none = format!("could not {read}: no answer");
                return Ending::no_verdict(facts.unread_or(&read, none), Vec::new());
            }
        };
        let wanted: Vec<String> = interfaces(input).into_iter().map(|(_, network)| network).collect();
        let networks: Vec<&Value> = found
            .iter()
            .filter(|network| match wanted.as_slice() {
                [] => name(network).contains("gpu-nic"),
                wanted => wanted.iter().any(|wanted| wanted == name(network)),
            })
            .collect();
        let mut problems: Vec<String> = wanted
            .iter()
            .filter(|wanted| !networks.iter().any(|network| name(network) == *wanted))
            .map(|wanted| format!("Network {wanted}: not found"))
            .collect();
        if wanted.is_empty() && networks.len() < NICS {
            problems.push(format!("{} networks for GPU NICs, expected {NICS}", networks.len()));
        }
        let is_unready = |network: &&&Value| condition(network, "Ready") == Some(false);
        problems
            .extend(networks.iter().filter(is_unready).map(|network| format!("Network {}: not Ready", name(network))));
        let lines =
            networks.iter().map(|network| format!("{}  {}", name(network), text(network, "/spec/type"))).collect();
        let block = Block::new("GPU NIC networks", lines).equivalent("kubectl get networks.networking.gke.io");
        Ending::of(problems, vec![block])
    }
}

/// All networks of the cluster.
pub fn networks() -> Read {
    Read::list("networking.gke.io/v1", "", "networks", "").keeping(&["spec", "status.conditions"])
}

/// The interfaces that the recipe names with their networks; empty where it does not.
pub fn interfaces(input: &Input) -> Vec<(String, String)> {
    let trainer = input.enabled("kubeflow-trainer");
    let interfaces = trainer.and_then(|component| component.overrides.get("tcpxoInterfaces")).and_then(Value::as_array);
    let pair =
        |interface: &Value| (text(interface, "/interfaceName").to_owned(), text(interface, "/network").to_owned());
    interfaces.into_iter().flatten().map(pair).collect()
}
