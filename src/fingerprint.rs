//! Inventory → Fingerprint: each dimension with the reading that revealed it.
//!
//! The cluster is what its nodes are together. Where they agree that is the answer; where they do not, the largest group
//! is, the others are named, and a tie stays open. Nothing is guessed.

use crate::{
    accelerators,
    criteria::{Criteria, Dimension as Asked, built_in, normalize},
    inventory::{
        Fact, Inventory, Node, Record, Scalar, Text, machine, nodes_in_words, release::ServerVersion, service,
    },
    text::listed,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// One derived dimension: its value, the reading it came from, and why it is empty when it is.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Dimension<T> {
    pub value: Option<T>,
    pub source: Option<String>,
    pub note: Option<String>,
    /// Nodes that say something else, by what they say; empty where all agree.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dissent: BTreeMap<String, Vec<String>>,
    /// How many nodes the value is that of.
    #[serde(skip)]
    pub support: Support,
}

/// How many nodes stand behind a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Support {
    /// Nodes that say it.
    pub own: usize,
    /// Nodes that were asked.
    pub of: usize,
    /// Nodes of which it is not known.
    pub silent: Vec<String>,
}

/// The identity of a cluster.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Fingerprint {
    pub service: Dimension<String>,
    pub accelerator: Dimension<String>,
    pub gpu_model: Dimension<String>,
    pub os: Dimension<String>,
    pub os_version: Dimension<String>,
    pub k8s_version: Dimension<String>,
    pub region: Dimension<String>,
    pub node_count: Dimension<u64>,
    pub gpu_node_count: Dimension<u64>,
    /// One accelerator under several product names, in words: nodes share it in different ways.
    #[serde(skip)]
    pub products: Option<String>,
}

/// A recipe is for another cluster than this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    pub dimension: Asked,
    pub wanted: String,
    pub has: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Contradiction { dimension, wanted, has } = self;
        write!(f, "the recipe is for {}={wanted}, and the cluster has {has}", dimension.name())
    }
}

/// The fingerprint of a cluster.
pub fn of(inventory: &Inventory) -> Fingerprint {
    let os = os(inventory);
    let mut found = Fingerprint {
        service: service_of(inventory),
        accelerator: accelerator(inventory),
        gpu_model: gpu_model(inventory),
        os_version: os_version(inventory, &os),
        os,
        k8s_version: k8s_version(inventory),
        region: region(inventory),
        node_count: node_count(inventory),
        gpu_node_count: gpu_node_count(inventory),
        products: products(inventory),
    };
    if let Some(why) = accelerators_unread(inventory) {
        if found.accelerator.value.is_none() {
            found.accelerator.note.get_or_insert_with(|| why.clone());
        }
        // What was not read may have some, so none found is not none.
        found.gpu_node_count.value = found.gpu_node_count.value.filter(|count| *count > 0);
        found.gpu_node_count.note.get_or_insert(why);
    }
    if let Some(why) = inventory.no_nodes() {
        let open = [&mut found.service, &mut found.accelerator, &mut found.os, &mut found.region];
        for dimension in open.into_iter().filter(|dimension| dimension.value.is_none()) {
            dimension.note.get_or_insert_with(|| why.clone());
        }
        for count in [&mut found.node_count, &mut found.gpu_node_count] {
            count.note.get_or_insert_with(|| why.clone());
        }
    }
    found
}

/// Why not everything that tells of accelerators could be read.
fn accelerators_unread(inventory: &Inventory) -> Option<String> {
    ["slices", "features"].into_iter().find_map(|source| inventory.gap(source)).filter(|_| !inventory.nodes.is_empty())
}

fn products(inventory: &Inventory) -> Option<String> {
    let groups = inventory.groups();
    let group = groups.first().filter(|group| group.is_model)?;
    let mut by_product: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &group.nodes {
        if let Some(product) = node.accelerators.product.text() {
            *by_product.entry(product).or_default() += 1;
        }
    }
    // Products that differ in more than how they are shared are different machines, which shapes tell.
    let plain: BTreeSet<String> = by_product.keys().map(|product| accelerators::product(product)).collect();
    if by_product.len() < 2 || plain.len() > 1 {
        return None;
    }
    let names = by_product.into_iter().map(|(product, count)| format!("{product} on {}", nodes_in_words(count)));
    Some(format!("{} under several product names: {}", group.name, names.collect::<Vec<_>>().join(", ")))
}

fn found<T>(value: Option<T>, source: &str) -> Dimension<T> {
    let source = value.is_some().then(|| source.to_owned());
    Dimension { value, source, note: None, dissent: BTreeMap::new(), support: Support::default() }
}

/// What nodes say of one thing.
#[derive(Default)]
struct Votes<'i> {
    by_value: BTreeMap<String, Group<'i>>,
    silent: Vec<&'i Node>,
}

/// Nodes that say the same.
#[derive(Default)]
struct Group<'i> {
    nodes: Vec<&'i Node>,
    /// Nodes that a file counts and does not name.
    unnamed: usize,
    source: String,
}

impl Group<'_> {
    fn size(&self) -> usize {
        self.nodes.len() + self.unnamed
    }

    fn names(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.name.to_string()).collect()
    }
}

impl<'i> Votes<'i> {
    fn of(nodes: impl IntoIterator<Item = &'i Node>, vote: impl Fn(&'i Node) -> Option<(String, String)>) -> Votes<'i> {
        let mut votes = Votes::default();
        for node in nodes {
            match vote(node) {
                Some((value, source)) => {
                    let new = || Group { source, ..Group::default() };
                    votes.by_value.entry(value).or_insert_with(new).nodes.push(node);
                }
                None => votes.silent.push(node),
            }
        }
        votes
    }

    /// The value of the largest group, with the others as dissent. A tie has no value, and neither has a group whose value
    /// recipes cannot be resolved for. `torn` is the note where nodes differ.
    fn most(self, torn: &str, legal: impl Fn(&str) -> bool) -> Dimension<String> {
        let most = self.by_value.values().map(Group::size).max().unwrap_or(0);
        let first: Vec<&String> =
            self.by_value.iter().filter(|(_, group)| group.size() == most).map(|(value, _)| value).collect();
        let others = |chosen: Option<&str>| -> BTreeMap<String, Vec<String>> {
            let other = self.by_value.iter().filter(|(value, _)| chosen != Some(value.as_str()));
            other.map(|(value, group)| (value.clone(), group.names())).collect()
        };
        let of = self.by_value.values().map(Group::size).sum::<usize>() + self.silent.len();
        let silent = self.silent.iter().map(|node| node.name.to_string()).collect();
        let note = |dissent: &BTreeMap<String, Vec<String>>| (!dissent.is_empty()).then(|| torn.to_owned());
        match first.as_slice() {
            [value] if legal(value) => {
                let dissent = others(Some(value));
                let source = Some(self.by_value[*value].source.clone());
                let support = Support { own: most, of, silent };
                Dimension { value: Some((*value).clone()), source, note: note(&dissent), dissent, support }
            }
            _ => {
                let dissent = others(None);
                let support = Support { own: 0, of, silent };
                Dimension { note: note(&dissent), dissent, support, ..Dimension::default() }
            }
        }
    }
}

/// A reading of the source node as a reference file has it: what its agent measured, not what labels say.
fn recorded(inventory: &Inventory, kind: &str, subtype: &str, key: &str) -> Option<String> {
    let text = inventory.record.as_ref()?.reading(kind, subtype, key)?.to_string();
    (!text.is_empty() && text != "<nil>").then_some(text)
}

fn vote(fact: &Fact<Text>) -> Option<(String, String)> {
    let Fact::Known(reading) = fact else { return None };
    Some((reading.value.to_string(), dotted(&reading.source.to_string())))
}

/// A source in the reference's spelling: `nodeTopology.label.nvidia.com/gpu.product`.
fn dotted(source: &str) -> String {
    match source.split_once(' ') {
        Some(("label", key)) => format!("nodeTopology.label.{key}"),
        Some(("snapshot", path)) => {
            path.split_once('.').map_or_else(|| path.to_owned(), |(kind, rest)| format!("{}.{rest}", lower(kind)))
        }
        Some((object, field)) => format!("{object}.{field}"),
        None => source.to_owned(),
    }
}

fn lower(kind: &str) -> String {
    kind.to_lowercase()
}

fn service_of(inventory: &Inventory) -> Dimension<String> {
    let machines = inventory.nodes.iter().map(|node| &**node).filter(|node| node.virtual_mark.is_none());
    let votes = Votes::of(machines, |node| {
        let (value, source) = vote(&node.service)?;
        let source = if source == "node.spec.providerID" { "k8s.node.provider".to_owned() } else { source };
        Some((value, source))
    });
    let by_nodes = votes.most("multi-service", |_| true);
    let version = inventory.server.value().map(|server| &*server.git_version).unwrap_or_default();
    let by_server = service::of_version(version);
    // The cloud that machines are in says who runs Kubernetes there only where the server is not somebody else's.
    if let Some(service) = by_server.filter(|service| service::is_distribution(service))
        && by_nodes.source.as_deref() == Some("k8s.node.provider")
        && by_nodes.value.as_deref() != Some(service)
    {
        return found(Some(service.to_owned()), "k8s.server.version");
    }
    // A managed service does not show its control plane as nodes: who runs it runs Kubernetes there.
    if by_nodes.source.as_deref() == Some("k8s.node.provider")
        && let Some(node) = inventory.nodes.iter().find(|node| is_own_control_plane(node))
    {
        let (name, cloud) = (&node.name, node.cloud.text().unwrap_or_default());
        let note =
            format!("node {name} on {cloud} runs a control plane, so it is not the managed service of that cloud");
        return Dimension { note: Some(note), ..Dimension::default() };
    }
    if by_nodes.value.is_some() || by_nodes.note.is_some() {
        return by_nodes;
    }
    let unclear = inventory.nodes.iter().find_map(|node| match node.service.unknown() {
        Some(unclear @ crate::inventory::Unknown::Unclear(_)) => Some(unclear.to_string()),
        _ => None,
    });
    if let Some(note) = unclear {
        return Dimension { note: Some(note), ..Dimension::default() };
    }
    // A file that names no node has the provider alone.
    if let Some(provider) = recorded(inventory, "K8s", "node", "provider") {
        return found(Some(service::of_provider(&provider)), "k8s.node.provider");
    }
    found(by_server.map(str::to_owned), "k8s.server.version")
}

/// Whether a node of a cloud with a managed service runs a control plane.
fn is_own_control_plane(node: &Node) -> bool {
    node.is_control_plane() && node.cloud.text().is_some_and(|cloud| service::CLOUDS.contains(&cloud))
}

fn is_legal_accelerator(name: &str) -> bool {
    built_in(Asked::Accelerator).contains(&name)
}

fn accelerator(inventory: &Inventory) -> Dimension<String> {
    let mut votes = Votes::of(inventory.accelerated(), |node| {
        let accelerators = &node.accelerators;
        match (vote(&accelerators.model), vote(&accelerators.product)) {
            (Some(model), _) => Some(model),
            // A product that is not in the catalog is an answer too.
            (None, Some((product, source))) => Some((accelerators::product(&product), source)),
            (None, None) => None,
        }
    });
    for (product, count) in &inventory.unnamed_accelerated {
        let model = machine::model_or_product(product);
        let source = || "nodeTopology.label.nvidia.com/gpu.product".to_owned();
        let new = || Group { source: source(), ..Group::default() };
        votes.by_value.entry(model).or_insert_with(new).unnamed += usize::try_from(*count).unwrap_or(usize::MAX);
    }
    let mut dimension = votes.most("multi-gpu", is_legal_accelerator);
    if dimension.value.is_none() && dimension.dissent.len() == 1 {
        dimension.note = Some("unknown-sku".to_owned());
    }
    if dimension.value.is_none() && dimension.note.is_none() {
        // A file that names no node may still have the model of the one that was measured.
        match recorded(inventory, "GPU", "hardware", "model") {
            Some(model) if is_legal_accelerator(&model) => return found(Some(model), "gpu.hardware.model"),
            Some(_) => dimension.note = Some("unknown-sku".to_owned()),
            None if !dimension.support.silent.is_empty() => dimension.note = Some("unknown-sku".to_owned()),
            None => {}
        }
    }
    dimension
}

fn gpu_model(inventory: &Inventory) -> Dimension<String> {
    let measured = recorded(inventory, "GPU", "hardware", "model");
    let of_source = || inventory.source_node().and_then(|node| node.accelerators.model.text()).map(str::to_owned);
    found(measured.or_else(of_source), "gpu.hardware.model")
}

/// The name in criteria of an `ID` of os-release.
fn os_name(id: &str) -> Option<String> {
    let name = match &*id.trim().to_lowercase() {
        "ubuntu" => "ubuntu",
        "rhel" | "redhat" | "redhatenterpriselinux" => "rhel",
        "cos" => "cos",
        "amazonlinux" | "amzn" | "amazon" | "al2" | "al2023" => "amazonlinux",
        "ol" => "ol",
        "rocky" => "rocky",
        "sles" => "sles",
        "talos" => "talos",
        _ => return None,
    };
    Some(name.to_owned())
}

fn unknown_os(id: &str) -> String {
    format!("`{id}` is not a value that recipes can be resolved for")
}

fn os(inventory: &Inventory) -> Dimension<String> {
    // The agent read the file itself; with our own items every node is known.
    let votes = Votes::of(inventory.concerned(), |node| {
        let id = node.os.id.text()?;
        Some((os_name(id).unwrap_or_else(|| id.to_owned()), "os.release".to_owned()))
    });
    let mut dimension = votes.most("multi-os", |id| os_name(id).is_some());
    // They agree, on something that is no value of criteria.
    if dimension.value.is_none() && dimension.dissent.len() == 1 {
        dimension.note = dimension.dissent.keys().next().map(|id| unknown_os(id));
    }
    if dimension.value.is_none() && dimension.note.is_none() {
        match recorded(inventory, "OS", "release", "ID") {
            Some(id) if os_name(&id).is_some() => return found(os_name(&id), "os.release"),
            Some(id) => dimension.note = Some(unknown_os(&id)),
            None => {}
        }
    }
    dimension
}

fn os_version(inventory: &Inventory, os: &Dimension<String>) -> Dimension<String> {
    let Some(os) = &os.value else { return Dimension::default() };
    let same =
        inventory.concerned().into_iter().filter(|node| node.os.id.text().and_then(os_name).as_ref() == Some(os));
    let dimension = Votes::of(same, |node| Some((node.os.version.text()?.to_owned(), "os.release".to_owned())))
        .most("multi-version", |_| true);
    if dimension.value.is_none() && dimension.note.is_none() {
        return found(recorded(inventory, "OS", "release", "VERSION_ID"), "os.release");
    }
    dimension
}

fn k8s_version(inventory: &Inventory) -> Dimension<String> {
    let version = inventory.server.value().map(|ServerVersion { git_version, .. }| git_version);
    found(version.map(|version| version.strip_prefix('v').unwrap_or(version).to_owned()), "k8s.server.version")
}

fn region(inventory: &Inventory) -> Dimension<String> {
    let votes = Votes::of(inventory.nodes.iter().map(|node| &**node), |node| vote(&node.region));
    // A cluster in several regions is in none of them.
    let dimension = votes.most("multi-region", |_| true);
    if dimension.dissent.is_empty() { dimension } else { Dimension { value: None, source: None, ..dimension } }
}

fn node_count(inventory: &Inventory) -> Dimension<u64> {
    let recorded = inventory.record.as_ref().and_then(|record| record.reading("NodeTopology", "summary", "node-count"));
    let count = match recorded {
        Some(scalar) => scalar.as_count(),
        None => Some(inventory.nodes.len() as u64),
    };
    found(count.filter(|count| *count > 0), "nodeTopology.summary.node-count")
}

/// Nodes whose accelerator is known by product or model, as the reference counts them; the note has the others.
fn gpu_node_count(inventory: &Inventory) -> Dimension<u64> {
    let is_known = |node: &&Node| node.accelerators.product.is_known() || node.accelerators.model.is_known();
    let unnamed: u64 = inventory.unnamed_accelerated.values().sum();
    let count = inventory.accelerated().filter(is_known).count() as u64 + unnamed;
    let unknown = inventory.accelerated().filter(|node| !is_known(node)).count();
    let first = inventory.accelerated().find(is_known);
    let source = first.and_then(|node| node.accelerators.product.source().or(node.accelerators.present.source()));
    let source = source.map(|source| dotted(&source.to_string()));
    // None were found only where something looked for them.
    let looked = || inventory.nodes.iter().any(|node| node.accelerators.present.get() == Some(false));
    let note = match unknown {
        0 if count == 0 && !looked() && !inventory.nodes.is_empty() => {
            Some("no node says that it has GPUs, and nothing has looked for them".to_owned())
        }
        0 => None,
        unknown => Some(format!("{} more with accelerators of unknown product", nodes_in_words(unknown))),
    };
    Dimension { value: (count > 0 || looked()).then_some(count), source, note, ..Dimension::default() }
}

impl Fingerprint {
    /// What may be asked of the catalog for this cluster; intent and platform stay open.
    pub fn criteria(&self) -> Criteria {
        let value = |dimension, found: &Dimension<String>| {
            found.value.as_deref().and_then(|text| normalize(dimension, text)).filter(|text| {
                // The reference drops what is no legal value of its own lists.
                built_in(dimension).contains(&text.as_str())
            })
        };
        Criteria {
            service: value(Asked::Service, &self.service),
            accelerator: value(Asked::Accelerator, &self.accelerator),
            os: value(Asked::Os, &self.os),
            nodes: self.node_count.value.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
            ..Criteria::default()
        }
    }

    /// In what a recipe is for another cluster: `the recipe is for accelerator=h100, and the cluster has a100`. What is open or
    /// not known on either side differs in nothing, nor does what some of the nodes are.
    pub fn contradictions(&self, recipe: &Criteria) -> Vec<Contradiction> {
        let own = self.criteria();
        let dimensions =
            [(Asked::Service, &self.service), (Asked::Accelerator, &self.accelerator), (Asked::Os, &self.os)];
        let contradiction = |(dimension, found): (Asked, &Dimension<String>)| {
            let (wanted, has) = (recipe.get(dimension)?, own.get(dimension)?);
            let on_some = found.dissent.keys().any(|other| normalize(dimension, other).as_ref() == Some(&wanted));
            let differs = wanted != has && !on_some;
            differs.then_some(Contradiction { dimension, wanted, has })
        };
        dimensions.into_iter().filter_map(contradiction).collect()
    }

    /// What a recipe for this cluster would not tell: values that are not legal criteria, nodes that differ, and
    /// dimensions that are open although something is known. One line each with its dimension, in their order.
    pub fn drops(&self) -> Vec<(Asked, String)> {
        let criteria = self.criteria();
        let dimensions = [
            ("service", Asked::Service, &self.service),
            ("accelerator", Asked::Accelerator, &self.accelerator),
            ("os", Asked::Os, &self.os),
        ];
        let mut lines = Vec::new();
        lines.extend(self.products.as_ref().map(|products| (Asked::Accelerator, products.clone())));
        for (name, dimension, found) in dimensions {
            let kept = criteria.get(dimension);
            if let (Some(value), None) = (&found.value, &kept) {
                lines.push((
                    dimension,
                    format!("{name} `{value}` is not a value that recipes can be resolved for; it stays open"),
                ));
            }
            let groups: Vec<String> = found
                .dissent
                .iter()
                .map(|(value, nodes)| format!("{value} on {} ({})", nodes_in_words(nodes.len()), listed(nodes, LISTED)))
                .collect();
            let Support { own, of, silent } = &found.support;
            // One node that tells does not speak for those that do not.
            let silent_on = || format!("{} ({})", nodes_in_words(silent.len()), listed(silent, LISTED));
            match (&kept, groups.as_slice()) {
                (_, []) => {}
                (Some(value), _) => {
                    let most = if own * 2 > *of {
                        "most nodes".to_owned()
                    } else {
                        format!("the largest group, {own} of {}", nodes_in_words(*of))
                    };
                    let mut line = format!("{name}={value} is that of {most}; not of all: {}", groups.join(", "));
                    if !silent.is_empty() {
                        line = format!("{line}; not known on {}", silent_on());
                    }
                    lines.push((dimension, line));
                }
                (None, [only]) => lines.push((
                    dimension,
                    format!("{name} stays open: {only} is not a value that recipes can be resolved for"),
                )),
                (None, _) => lines.push((
                    dimension,
                    format!("{name} stays open, because the nodes have several: {}", groups.join(", ")),
                )),
            }
            match &kept {
                _ if silent.is_empty() => {}
                Some(value) if groups.is_empty() => {
                    let line = format!(
                        "{name}={value} is known from {} of {}; not known on {}",
                        of - silent.len(),
                        nodes_in_words(*of),
                        silent_on()
                    );
                    lines.push((dimension, line));
                }
                None if dimension == Asked::Accelerator && groups.is_empty() => {
                    lines.push((dimension, format!("{name} stays open: not known on {}", silent_on())));
                }
                _ => {}
            }
            if found.value.is_none()
                && found.dissent.is_empty()
                && (silent.is_empty() || dimension != Asked::Accelerator)
                && let Some(note) = &found.note
            {
                lines.push((dimension, format!("{name} stays open: {note}")));
            }
        }
        lines
    }
}

/// Names of nodes that a sentence lists before it says how many more there are.
pub const LISTED: usize = 3;

/// The fingerprint that the reference derives from the same file: the readings of its one node and the label entries.
///
/// For `--compat` only: it takes the cloud of a machine for its service and several products of one model for several.
pub fn of_reference(inventory: &Inventory, record: &Record) -> Fingerprint {
    let text = |kind: &str, subtype: &str, key: &str| match record.reading(kind, subtype, key) {
        Some(Scalar::Text(text)) if !text.is_empty() && text != "<nil>" => Some(text.clone()),
        _ => None,
    };
    let os = text("OS", "release", "ID").and_then(|id| os_name(&id));
    let node_count = record.reading("NodeTopology", "summary", "node-count").and_then(Scalar::as_count);
    let gpu_model = text("GPU", "hardware", "model");
    let products: BTreeSet<&Text> =
        inventory.nodes.iter().filter_map(|node| node.labels.get("nvidia.com/gpu.product")).collect();
    let labeled = |key: &str| inventory.nodes.iter().filter(|node| node.labels.get(key).is_some()).count() as u64;
    let legal = |model: &str| built_in(Asked::Accelerator).contains(&model);
    let mut accelerator = Dimension::default();
    match products.iter().collect::<Vec<_>>()[..] {
        [] => {}
        [product] => match machine::model(product) {
            Some(model) => accelerator = found(Some(model.to_owned()), "nodeTopology.label.nvidia.com/gpu.product"),
            None => accelerator.note = Some("unknown-sku".to_owned()),
        },
        _ => accelerator.note = Some("multi-gpu".to_owned()),
    }
    if accelerator.value.is_none() && accelerator.note.as_deref() != Some("multi-gpu") {
        match &gpu_model {
            Some(model) if legal(model) => accelerator = found(Some(model.clone()), "gpu.hardware.model"),
            Some(_) => accelerator.note = Some("unknown-sku".to_owned()),
            None => {}
        }
    }
    let gpu_nodes = labeled("nvidia.com/gpu.product") + inventory.unnamed_accelerated.values().sum::<u64>();
    Fingerprint {
        service: found(text("K8s", "node", "provider").map(|id| service::of_provider(&id)), "k8s.node.provider"),
        accelerator,
        gpu_model: found(gpu_model, "gpu.hardware.model"),
        os_version: found(os.as_ref().and_then(|_| text("OS", "release", "VERSION_ID")), "os.release"),
        os: found(os, "os.release"),
        k8s_version: k8s_version(inventory),
        region: region(inventory),
        node_count: found(node_count.filter(|count| *count > 0), "nodeTopology.summary.node-count"),
        gpu_node_count: found((!products.is_empty()).then_some(gpu_nodes), "nodeTopology.label.nvidia.com/gpu.product"),
        products: None,
    }
}

/// The fingerprint block of the snapshot file, in the reference's shape.
pub fn to_value(fingerprint: &Fingerprint) -> Value {
    let Fingerprint {
        service,
        accelerator,
        gpu_model,
        os,
        os_version,
        k8s_version,
        region,
        node_count,
        gpu_node_count,
        products: _,
    } = fingerprint;
    let text = |dimension: &Dimension<String>| block(dimension, dimension.value.clone().unwrap_or_default().into());
    // The reference writes 0 for what it does not know; with a reason beside it there is no number.
    let count = |dimension: &Dimension<u64>| {
        let unknown = if dimension.note.is_some() { Value::Null } else { 0.into() };
        block(dimension, dimension.value.map_or(unknown, Value::from))
    };
    let mut value = json!({
        "service": text(service), "accelerator": text(accelerator), "os": text(os), "k8sVersion": text(k8s_version),
        "nodeCount": count(node_count), "gpuNodeCount": count(gpu_node_count),
    });
    if let Some(version) = &os_version.value {
        value["os"]["version"] = version.as_str().into();
    }
    for (key, dimension) in [("gpuModel", gpu_model), ("region", region)] {
        if dimension.value.is_some() || dimension.note.is_some() {
            value[key] = text(dimension);
        }
    }
    value
}

fn block<T>(dimension: &Dimension<T>, value: Value) -> Value {
    let mut block = json!({ "value": value });
    for (key, text) in [("source", &dimension.source), ("note", &dimension.note)] {
        if let Some(text) = text {
            block[key] = text.as_str().into();
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        SourceState, State,
        node::{self, Evidence, NodeInfo, NodeReport},
    };
    use std::sync::Arc;

    /// Nodes by name, labels and OS image.
    type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], &'r str);

    fn cluster(rows: &[Row<'_>]) -> Inventory {
        let node = |(name, labels, image): &Row<'_>| {
            let report = NodeReport {
                name: (*name).into(),
                labels: labels.iter().copied().collect(),
                info: NodeInfo { os_image: (!image.is_empty()).then(|| (*image).into()), ..NodeInfo::default() },
                ..NodeReport::default()
            };
            Arc::new(node::of(&report, &Evidence::default()))
        };
        Inventory { nodes: rows.iter().map(node).collect(), ..Inventory::default() }
    }

    const PRODUCT: &str = "nvidia.com/gpu.product";

    fn dropped(found: &Fingerprint) -> Vec<String> {
        found.drops().into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_recipe_for_other_hardware_contradicts_the_cluster() {
        let h100 = ("a", &[(PRODUCT, "NVIDIA-H100-80GB-HBM3")][..], "Ubuntu 24.04.3 LTS");
        let other = ("b", &[(PRODUCT, "NVIDIA-A100-SXM4-80GB")][..], "Ubuntu 24.04.3 LTS");
        let more = ("c", h100.1, h100.2);
        let asked = |criteria: &[(Asked, &str)], rows: &[Row<'_>]| {
            let mut recipe = Criteria::default();
            criteria.iter().for_each(|(dimension, value)| recipe.set(*dimension, Some((*value).to_owned())));
            of(&cluster(rows)).contradictions(&recipe).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let a100 = [(Asked::Accelerator, "a100"), (Asked::Service, "eks"), (Asked::Os, "ubuntu")];
        assert_eq!(asked(&a100, &[h100]), ["the recipe is for accelerator=a100, and the cluster has h100"]);
        assert_eq!(asked(&a100, &[h100, more, other]), [""; 0], "one of its nodes is such");
        assert_eq!(asked(&[(Asked::Accelerator, "h100")], &[h100]), [""; 0]);
        assert_eq!(asked(&[], &[h100]), [""; 0]);
        assert_eq!(asked(&[(Asked::Os, "cos")], &[h100]), ["the recipe is for os=cos, and the cluster has ubuntu"]);
    }

    #[test]
    fn one_model_under_several_products_is_one_accelerator() {
        let (plain, shared, sliced) =
            ([(PRODUCT, "NVIDIA-B200")], [(PRODUCT, "NVIDIA-B200-SHARED")], [(PRODUCT, "NVIDIA-B200-MIG-1g.23gb")]);
        let found = of(&cluster(&[("a", &plain, ""), ("b", &shared, ""), ("c", &sliced, "")]));
        assert_eq!((found.accelerator.value.as_deref(), found.accelerator.note.as_deref()), (Some("b200"), None));
        assert_eq!(found.gpu_node_count.value, Some(3));
        let findings = "b200 under several product names: NVIDIA-B200 on 1 node, NVIDIA-B200-MIG-1g.23gb on 1 node, \
                    NVIDIA-B200-SHARED on 1 node";
        assert_eq!(dropped(&found), [findings]);
    }

    #[test]
    fn most_nodes_decide_and_the_others_are_named() {
        let (h200, l40s, t4) = ([(PRODUCT, "NVIDIA-H200")], [(PRODUCT, "NVIDIA-L40S")], [(PRODUCT, "Tesla-T4")]);
        let mixed = cluster(&[("a", &h200, ""), ("b", &h200, ""), ("c", &l40s, ""), ("d", &t4, "")]);
        let found = of(&mixed);
        assert_eq!(
            (found.accelerator.value.as_deref(), found.accelerator.note.as_deref()),
            (Some("h200"), Some("multi-gpu"))
        );
        let findings = "accelerator=h200 is that of the largest group, 2 of 4 nodes; not of all: TESLA T4 on 1 node (d), l40s on 1 node (c)";
        assert_eq!(dropped(&found), [findings]);
        let findings =
            "accelerator stays open, because the nodes have several: TESLA T4 on 2 nodes (d, e), h200 on 1 node (a)";
        let few = of(&cluster(&[("a", &h200, ""), ("d", &t4, ""), ("e", &t4, "")]));
        assert_eq!((few.accelerator.value.as_deref(), dropped(&few)), (None, vec![findings.to_owned()]));
        let largest = of(&cluster(&[
            ("a", &h200, ""),
            ("b", &h200, ""),
            ("c", &l40s, ""),
            ("d", &t4, ""),
            ("e", &[(PRODUCT, "Tesla-V100")], ""),
        ]));
        assert!(
            dropped(&largest)[0]
                .starts_with("accelerator=h200 is that of the largest group, 2 of 5 nodes; not of all: ")
        );
        let tie = of(&cluster(&[("a", &h200, ""), ("c", &l40s, "")]));
        assert_eq!(tie.accelerator.value, None);
        let findings = "accelerator stays open, because the nodes have several: h200 on 1 node (a), l40s on 1 node (c)";
        assert_eq!(dropped(&tie), [findings]);
        let unknown = of(&cluster(&[("d", &t4, "")]));
        assert_eq!((unknown.accelerator.value, unknown.accelerator.note.as_deref()), (None, Some("unknown-sku")));
    }

    #[test]
    fn an_unknown_service_is_reported() {
        let microk8s = [("microk8s.io/cluster", "true")];
        let found = of(&cluster(&[("a", &microk8s, "Debian GNU/Linux 12 (bookworm)")]));
        assert_eq!(found.service.value.as_deref(), Some("microk8s"));
        let service = "service `microk8s` is not a value that recipes can be resolved for; it stays open";
        let os = "os stays open: debian on 1 node (a) is not a value that recipes can be resolved for";
        assert_eq!(dropped(&found), [service, os]);
    }

    #[test]
    fn nodes_that_do_not_tell_are_named() {
        let present = [("nvidia.com/gpu.present", "true")];
        let image = "Ubuntu 24.04.3 LTS";
        let h200 = [(PRODUCT, "NVIDIA-H200")];
        let rows: [Row<'_>; 3] = [("a", &h200, image), ("b", &present, "Unheard-of OS 1"), ("c", &present, image)];
        let found = of(&cluster(&rows));
        assert_eq!((found.accelerator.value.as_deref(), found.os.value.as_deref()), (Some("h200"), Some("ubuntu")));
        let lines = [
            "accelerator=h200 is known from 1 of 3 nodes; not known on 2 nodes (b, c)",
            "os=ubuntu is known from 2 of 3 nodes; not known on 1 node (b)",
        ];
        assert_eq!(dropped(&found), lines);
    }

    #[test]
    fn a_source_that_could_not_be_read_leaves_no_zero() {
        let sources = vec![SourceState {
            name: "slices".into(),
            state: State::Forbidden("list resourceslices.resource.k8s.io: not allowed".into()),
        }];
        let looked = node::Features { gpus: Some(Vec::new()), ..node::Features::default() };
        let report = NodeReport { name: "a".into(), ..NodeReport::default() };
        let node = node::of(&report, &Evidence { features: Some(&looked), ..Evidence::default() });
        let with = |sources| of(&Inventory { nodes: vec![Arc::new(node.clone())], sources, ..Inventory::default() });
        assert_eq!(with(Vec::new()).gpu_node_count.value, Some(0));
        let found = with(sources);
        let why = Some("forbidden: list resourceslices.resource.k8s.io");
        assert_eq!((found.gpu_node_count.value, found.gpu_node_count.note.as_deref()), (None, why));
        assert_eq!(found.accelerator.note.as_deref(), why);
    }

    #[test]
    fn a_server_of_a_distribution_outweighs_the_cloud_of_its_machines() {
        let report = NodeReport { name: "a".into(), provider_id: Some("aws:///z/i".into()), ..NodeReport::default() };
        let nodes = vec![Arc::new(node::of(&report, &Evidence::default()))];
        let version =
            |version: &str| ServerVersion { git_version: version.into(), platform: "".into(), go_version: "".into() };
        let server = |text: &str| {
            Fact::known(version(text), crate::inventory::Source::of(crate::inventory::Object::Server, "gitVersion"))
        };
        let service = |text: &str| {
            of(&Inventory { nodes: nodes.clone(), server: server(text), ..Inventory::default() }).service.value
        };
        assert_eq!(service("v1.33.4+k3s1").as_deref(), Some("k3s"));
        assert_eq!(service("v1.33.4").as_deref(), Some("eks"));
    }

    #[test]
    fn nodes_that_may_not_be_listed_are_neither_none_nor_zero() {
        let state = State::Forbidden("list nodes: nodes is forbidden".into());
        let sources = vec![SourceState { name: "nodes".into(), state }];
        let found = of(&Inventory { sources, ..Inventory::default() });
        let open = |name: &str| format!("{name} stays open: forbidden: list nodes");
        assert_eq!(dropped(&found), ["service", "accelerator", "os"].map(open));
        let written = to_value(&found);
        for key in ["nodeCount", "gpuNodeCount"] {
            assert_eq!(written[key], json!({"value": null, "note": "forbidden: list nodes"}), "{key}");
        }
    }

    #[test]
    fn a_cluster_in_two_regions_is_in_none() {
        let (one, two) = ([("topology.kubernetes.io/region", "a")], [("topology.kubernetes.io/region", "b")]);
        let found = of(&cluster(&[("x", &one, ""), ("y", &one, ""), ("z", &two, "")]));
        assert_eq!((found.region.value, found.region.note.as_deref()), (None, Some("multi-region")));
    }
}
