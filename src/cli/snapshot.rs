//! `aicr snapshot`: what a cluster is, read from its API server.

use super::{
    Outcome, Printer, Stop,
    agent_args::{self, AgentArgs, GpuArg, PodArgs},
    cluster,
    dump_args::DumpArgs,
    exit::Exit,
    formats::{self, Format},
    global::Global,
    output::{self, EditionArg},
    printer::Role,
    protect::YesArg,
    run_args, table,
};
use crate::{
    cluster::Connection,
    document::header::Edition,
    fingerprint::{self, Dimension, Fingerprint},
    inventory::{Fact, Inventory, Node, Text, nodes_in_words},
    ops::{
        Failure,
        agent::{self, AgentOptions},
        place::Place,
        snapshot,
        snapshots::{self, Limits, Moment, Recorder},
    },
    report::escape,
    snapshot::provider,
    text::{count, listed, thousands},
};
use std::{fmt::Display, mem::ManuallyDrop, time::Duration};

/// A snapshot, and the version of the formats in which it is written.
struct Written {
    snapshot: Inventory,
    edition: Edition,
}

static FORMATS: &[Format<Written>] = &[
    Format::plain("yaml", "", |taken, _| Ok(snapshot::text(&taken.snapshot, snapshot::Format::Yaml, taken.edition))),
    Format::plain("json", "", |taken, _| Ok(snapshot::text(&taken.snapshot, snapshot::Format::Json, taken.edition))),
    Format::plain("table", "For reading; no program should parse it", |taken, _| Ok(summary(&taken.snapshot))),
];

/// Read a cluster: version, nodes, operating systems, GPUs, labels and taints, images, operators.
///
/// Nothing is deployed and nothing is written to the cluster, unless --output names a ConfigMap or --agent asks nodes. What a source does not let
/// us read is noted in the snapshot under K8s.collection.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write: a file, `-` for standard output, or cm://NAMESPACE/NAME.
    #[arg(short, long, value_name = "PLACE", default_value = "-", value_parser = output::place)]
    output: Place,
    /// In which form; the default goes by the file's name, else it is YAML.
    #[arg(short = 't', long, value_parser = formats::parser(FORMATS))]
    format: Option<&'static Format<Written>>,
    #[command(flatten)]
    written: EditionArg,
    /// Go on until interrupted, and keep a snapshot whenever something that matters has changed: see `aicr snapshots`. Nothing
    /// is written to --output.
    #[arg(long, conflicts_with_all = ["output", "format", "edition", "agent"])]
    watch: bool,
    /// How long the whole reading may take.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = cluster::duration)]
    timeout: Duration,
    /// Ask nodes with GPUs themselves for what the API server does not know: kernel modules and parameters, boot parameters, PCI,
    /// systemd, nvidia-smi where it is there. One short Job without any rights on each; all are removed.
    #[arg(long)]
    agent: bool,
    #[command(flatten)]
    nodes: NodesArgs,
    #[command(flatten)]
    gpu: GpuArg,
    #[command(flatten)]
    dumps: DumpArgs,
    #[command(flatten)]
    reference: AgentArgs,
    #[command(flatten)]
    pod: PodArgs,
    #[command(flatten)]
    yes: YesArg,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    if args.watch {
        return watch(global, printer);
    }
    cluster::block_on(global, async {
        let format = formats::choose(args.format, FORMATS, &args.output);
        args.reference.warn(printer);
        args.pod.warn(printer, args.agent);
        agent_args::warn_environment(printer, |name| std::env::var(name).ok());
        output::probe(&args.output)?;
        let dumps = args.dumps.read()?;
        let connection = cluster::connect(global).await?;
        // Before anything is read, which may take a while.
        if args.agent {
            args.yes.allow(&connection.context, "create a Job on nodes", printer)?;
        }
        args.yes.writes(&args.output, (global, printer)).await?;
        printer.debug(|| format!("reading {}", connection.at()));
        let now = cluster::now();
        let taking = snapshot::take(&connection, &now);
        let mut taken = cluster::within(Some(args.timeout), ("read the cluster", &connection.at()), taking).await?;
        let mut is_interrupted = false;
        if args.agent {
            is_interrupted = ask_nodes(args, &connection, &mut taken, printer).await?;
        }
        dumps.into_iter().for_each(|dump| provider::put(&mut taken, dump));
        printer.debug(|| format!("read {} nodes", taken.nodes.len()));
        // The process ends after this, and the system is quicker to free thousands of nodes than we are.
        let written = ManuallyDrop::new(Written { snapshot: taken, edition: args.written.edition });
        let taken = &written.snapshot;
        args.gpu.check(taken, &connection.at())?;
        match (format.stored(), &args.output) {
            (Some(stored), Place::File(path)) => {
                snapshot::write(taken, stored, written.edition, path)?;
                printer.note(format!("wrote {}", args.output));
            }
            (Some(stored), Place::Standard) => {
                printer.stream(|sink| snapshot::stream(taken, stored, written.edition, sink))?;
            }
            (_, place) => format.store(&written, "Snapshot", (place, &args.yes), (global, printer)).await?,
        }
        printer.note(printer.paint_note(Role::Quiet, &done(taken, &connection.context)));
        for gap in gaps(taken) {
            printer.warn(gap);
        }
        Ok(if is_interrupted { Exit::Interrupted } else { Exit::Good })
    })
}

/// `--agent`: what nodes say goes into the snapshot; whether somebody interrupted it. What was created is removed either way.
async fn ask_nodes(
    args: &Args,
    connection: &Connection,
    taken: &mut Inventory,
    printer: &Printer,
) -> Result<bool, Failure> {
    if let Some(failure) = agent::nothing_to_ask(taken) {
        return Err(failure);
    }
    let (namespace, image, secrets) = args.pod.of_nodes();
    let defaults = run_args::from_environment().plan;
    let options = AgentOptions {
        namespace: namespace.map_or(defaults.namespace, str::to_owned),
        image: image.map_or(defaults.image, str::to_owned),
        pull_secrets: secrets.to_vec(),
        per_shape: args.nodes.agent_per == "shape",
        parallel: args.nodes.agent_parallel,
        timeout: args.nodes.agent_timeout,
    };
    let mut interrupts = cluster::Interrupts::new()?;
    let say = |line: String| printer.note(printer.paint_note(Role::Quiet, &format!("agent: {}", escape::line(&line))));
    let answers = agent::ask(connection, taken, &options, interrupts.next(), say).await?;
    for result in &answers.results {
        match &result.said {
            Err(why) => printer.warn(format!("node {} gave no answer: {}", result.node, escape::line(why))),
            Ok(facts) => {
                for (what, why) in &facts.unread {
                    printer.debug(|| format!("node {}: {what} was not read: {}", result.node, escape::line(why)));
                }
            }
        }
    }
    if !answers.left.is_empty() {
        let left = answers.left.join(", ");
        printer.warn(format!("clean-up incomplete: {left}; run `aicr cleanup --namespace {}`", options.namespace));
    }
    Ok(answers.is_interrupted)
}

/// How nodes are asked.
#[derive(Debug, clap::Args)]
struct NodesArgs {
    /// With --agent: ask each node, or one of each shape for all that are like it.
    #[arg(long, value_name = "WHAT", default_value = "node", value_parser = ["node", "shape"], requires = "agent")]
    agent_per: String,
    /// With --agent: how many nodes at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 8, requires = "agent")]
    agent_parallel: usize,
    /// With --agent: how long one node may take.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = cluster::duration, requires = "agent")]
    agent_timeout: Duration,
}

/// `--watch`: a moment for each change that matters.
fn watch(global: &Global, printer: &Printer) -> Outcome {
    let folder = snapshots::folder()?;
    cluster::block_on(global, async {
        let connection = cluster::connect(global).await?;
        let mut interrupts = cluster::Interrupts::new()?;
        printer.note(format!(
            "watching {} until interrupted; snapshots go to {}",
            connection.context,
            folder.display()
        ));
        let views = crate::cluster::watch::start(connection);
        let shelf = snapshots::shelf(&global.target()?).await?;
        let (mut broken, mut kept) = (None, 0);
        let shown = |moment: Result<Moment, Failure>| {
            match moment {
                Ok(moment) => {
                    kept += 1;
                    broken = printer.page(&super::snapshots::page(&shelf.listed(moment))).err();
                }
                Err(failure) => printer.failure(&failure),
            }
            broken.is_none()
        };
        let recorder = Recorder::new(folder, Limits::default());
        tokio::select! {
            () = snapshots::record(views, recorder, snapshots::PAUSE, shown) => {}
            () = interrupts.next() => {}
            () = cluster::reader_gone() => return Err(Stop::ClosedPipe),
        }
        if let Some(stop) = broken {
            return Err(stop);
        }
        printer.note(format!("kept {}", count(kept, "snapshot")));
        Ok(Exit::Good)
    })
}

fn done(snapshot: &Inventory, context: &str) -> String {
    let criteria = fingerprint::of(snapshot).criteria();
    match snapshot.no_nodes() {
        Some(gap) => format!("read {context} without its nodes ({gap}): {criteria}"),
        None => format!("read {} of {context}: {criteria}", nodes_in_words(snapshot.nodes.len())),
    }
}

/// Sources that could not be read, one line each.
pub fn gaps(snapshot: &Inventory) -> Vec<String> {
    let gap = |(source, reason): (&str, &str)| format!("the source `{source}` is missing in this snapshot: {reason}");
    snapshot.gaps().map(gap).collect()
}

/// Names of nodes that differ which a row lists before it says how many more there are.
const DIFFER: usize = 10;

/// The fingerprint with what revealed it, the nodes that say something else, then all nodes.
pub fn summary(snapshot: &Inventory) -> String {
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
    } = fingerprint::of(snapshot);
    let facts = [
        fact("service", &service),
        fact("kubernetes", &k8s_version),
        fact("accelerator", &accelerator),
        fact("gpu model", &gpu_model),
        fact("os", &os),
        fact("os version", &os_version),
        fact("region", &region),
        fact("nodes", &node_count),
        gpu_nodes(&gpu_node_count, snapshot),
    ];
    let texts = [
        ("service", &service),
        ("accelerator", &accelerator),
        ("os", &os),
        ("os version", &os_version),
        ("region", &region),
    ];
    let differ: Vec<[String; 3]> = texts
        .iter()
        .flat_map(|(name, dimension)| dimension.dissent.iter().map(move |(value, nodes)| (name, value, nodes)))
        .map(|(name, value, nodes)| [(*name).to_owned(), value.clone(), listed(nodes, DIFFER)])
        .collect();
    let differ = match differ.is_empty() {
        true => String::new(),
        false => format!("{}\n", table::render(["DIFFERS", "VALUE", "NODES"], &differ)),
    };
    let rows: Vec<[String; 8]> = snapshot.nodes.iter().map(|node| row(node)).collect();
    let heading = ["NODE", "STATE", "GPUS", "SHARING", "KUBELET", "OS", "KERNEL", "TAINTS"];
    format!("{}\n{differ}{}", table::render(["FACT", "VALUE", "FROM"], &facts), table::render(heading, &rows))
}

fn row(node: &Node) -> [String; 8] {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let word = |fact: &Fact<Text>| or_dash(fact.text().unwrap_or_default());
    let state = match node.ready.get() {
        Some(true) => "ready",
        Some(false) => "not ready",
        None => "unknown",
    };
    let state = if node.schedulable.get() == Some(false) { format!("{state}, cordoned") } else { state.to_owned() };
    let taints: Vec<String> = node.taints.iter().map(ToString::to_string).collect();
    [
        node.name.to_string(),
        state,
        or_dash(&node.accelerators.words().unwrap_or_default()),
        or_dash(&node.accelerators.division()),
        word(&node.kubelet),
        word(&node.os.image),
        word(&node.kernel),
        or_dash(&taints.join(", ")),
    ]
}

/// How many nodes have accelerators: those whose product is known, and apart from them those of which no more is known.
fn gpu_nodes(count: &Dimension<u64>, snapshot: &Inventory) -> [String; 3] {
    let is_known = |node: &&Node| node.accelerators.product.is_known() || node.accelerators.model.is_known();
    let unknown = snapshot.accelerated().filter(|node| !is_known(node)).count();
    let value = match (count.value, unknown) {
        (None, 0) => "unknown".to_owned(),
        (Some(known), 0) => known.to_string(),
        (None | Some(0), unknown) => format!("{} of unknown product", thousands(unknown)),
        (Some(known), unknown) => format!("{known}, and {} more of unknown product", thousands(unknown)),
    };
    // The note is why some are not counted; it is said already where those are known.
    let note = count.note.as_ref().filter(|_| unknown == 0);
    let from: Vec<&str> = count.source.iter().chain(note).map(String::as_str).collect();
    ["gpu nodes".to_owned(), value, from.join("; ")]
}

fn fact<T: Display>(name: &str, dimension: &Dimension<T>) -> [String; 3] {
    let value = dimension.value.as_ref().map_or("unknown".to_owned(), ToString::to_string);
    let source = dimension.source.as_ref().or(dimension.note.as_ref()).cloned().unwrap_or_default();
    [name.to_owned(), value, source]
}
