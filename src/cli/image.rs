//! `aicr image`: the image that runs checks, made without a container engine.

use super::{Outcome, Printer, cluster, exit::Exit, global::Global, printer::Role};
use crate::{
    image::{Image, name::Name},
    ops::{self, run::IMAGE},
    text::thousands,
};
use std::path::PathBuf;

/// Build or push the image that runs checks, without a container engine.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the image as a tar that docker, containerd, kind and k3s load.
    ///
    /// The image holds one static binary as its entrypoint, and runs as a user that is not root. The same binary gives the
    /// same bytes.
    #[command(after_help = "Examples:\n  aicr image build -o check.tar\n  \
                            aicr image build -o check.tar --binary aicr-amd64 --binary aicr-arm64\n\n\
                            Then one of:\n  docker load -i check.tar\n  kind load image-archive check.tar\n  \
                            k3s ctr images import check.tar\n  ctr -n k8s.io images import check.tar")]
    Build(BuildArgs),
    /// Push the image to a registry.
    ///
    /// The login is the one that `auths` of docker's config.json has; credential helpers are not run.
    #[command(after_help = "Example: aicr image push registry.example.com/aicr/check:0.1.0")]
    Push(PushArgs),
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
    /// The tar to write; `-` for standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// A static Linux binary of aicr instead of the running one; one for each architecture (repeatable).
    #[arg(long = "binary", value_name = "FILE")]
    binaries: Vec<PathBuf>,
    /// The image's name, as --check-image of `aicr validate` names it.
    #[arg(long, value_name = "IMAGE", env = "AICR_CHECK_IMAGE", default_value = IMAGE, value_parser = Name::parse)]
    name: Name,
}

#[derive(Debug, clap::Args)]
struct PushArgs {
    /// The image's name with its registry.
    #[arg(value_name = "IMAGE", value_parser = Name::parse)]
    name: Name,
    /// A static Linux binary of aicr instead of the running one; one for each architecture (repeatable).
    #[arg(long = "binary", value_name = "FILE")]
    binaries: Vec<PathBuf>,
    /// Plain http, also to another machine than this one: the image and the login can be read on the way.
    #[arg(long)]
    insecure: bool,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    match &args.command {
        Command::Build(args) => build(args, printer),
        Command::Push(args) => push(args, global, printer),
    }
}

fn push(PushArgs { name, binaries, insecure }: &PushArgs, global: &Global, printer: &Printer) -> Outcome {
    let image = cluster::block_on(global, ops::image::push(name, binaries, *insecure))?;
    let said = format!("pushed {} for {}", image.name, platforms(&image));
    printer.note(printer.paint_note(Role::Quiet, &said));
    printer.note(printer.paint_note(Role::Quiet, &image.digest));
    Ok(Exit::Good)
}

fn platforms(image: &Image) -> String {
    let platforms: Vec<String> = image.architectures.iter().map(|arch| format!("linux/{}", arch.name())).collect();
    platforms.join(", ")
}

fn build(BuildArgs { output, binaries, name }: &BuildArgs, printer: &Printer) -> Outcome {
    let built = ops::image::build(name, binaries, output)?;
    let place = if output.as_os_str() == "-" { "standard output".into() } else { output.to_string_lossy() };
    let (name, platforms) = (&built.image.name, platforms(&built.image));
    let said = format!("wrote {name} for {platforms} to {place} ({} bytes)", thousands(built.bytes));
    printer.note(printer.paint_note(Role::Quiet, &said));
    printer.note(printer.paint_note(Role::Quiet, &built.image.digest));
    Ok(Exit::Good)
}
