//! `aicr demo`: the demo cluster on a loopback port, for kubectl and other programs.

use super::{
    Outcome, Printer, Stop, cluster,
    exit::Exit,
    global::Global,
    output::{self, deliver},
};
use crate::{
    demo::serve,
    ops::{Failure, Kind, demo, place::Place},
};

/// Serve the demo cluster on a loopback port until interrupted, with a kubeconfig for other programs.
///
/// Anyone who can reach the port on this machine has full access to the demo and to nothing else. --fault and --world work
/// here too: --world serves a recording of another cluster, with its times moved so that it was taken just now.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: aicr demo -o demo.kubeconfig & kubectl --kubeconfig demo.kubeconfig get nodes")]
pub struct Args {
    /// The port; 0 for any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the kubeconfig goes: a file, or `-` for standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = output::place)]
    output: Place,
}

pub fn run(args: &Args, global: &Global, printer: &Printer) -> Outcome {
    cluster::block_on(global, async {
        let (demo, unserved) = demo::start_anywhere(&global.demo_options()).await?;
        for (kind, count) in unserved {
            printer.warn(format!("{count} of kind {kind} left out: the demo cluster does not serve this kind"));
        }
        let (listener, address) = bind(args.port).await?;
        // Before the file is there, so that whoever waits for the file finds the server.
        let mut interrupts = cluster::Interrupts::new()?;
        deliver(printer, &args.output, &serve::kubeconfig(address))?;
        printer.note(format!("the demo cluster listens at http://{address}; end it with Ctrl-C"));
        tokio::select! {
            () = demo.serve(listener) => {}
            () = interrupts.next() => {}
        }
        Ok::<Exit, Stop>(Exit::Good)
    })
}

async fn bind(port: u16) -> Result<(tokio::net::TcpListener, std::net::SocketAddr), Failure> {
    let listener = serve::listen(port).await.map_err(|error| refused(port, error))?;
    let address = listener.local_addr().map_err(|error| refused(port, error))?;
    Ok((listener, address))
}

fn refused(port: u16, error: std::io::Error) -> Failure {
    Failure::from_error(Kind::Usage, format!("listen on port {port}"), error)
        .hint("leave out --port to get any free one")
}
