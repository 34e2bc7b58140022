//! The writer of updates: this program once more, as a process of its own, because kubelets are on other machines.
//!
//! A process and not a thread, and in a session of its own: a Linux that groups sessions (`sched_autogroup_enabled`) shares
//! processors between them first, and the priority of a thread counts only within its own. As a thread of the bench it would
//! take processors from the program that is measured, as one that is its equal, and hold up the reader of the screen.

use super::server::{NICENESS, Server};
use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// The word before the kubeconfig, the nodes and the rate, that makes this program the writer.
pub const VERB: &str = "write-updates";
/// Between two reports of how many updates the server took.
const REPORT: Duration = Duration::from_millis(100);

/// A writer that runs; killed when dropped.
pub struct Writer {
    child: Child,
    done: Arc<AtomicU64>,
}

impl Writer {
    pub fn start(server: &Server, nodes: usize, rate: u32) -> Result<Writer, String> {
        let program = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
        let mut child = Command::new(program)
            .arg(VERB)
            .arg(&server.kubeconfig)
            .args([nodes.to_string(), rate.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the writer of updates: {error}"))?;
        let done = Arc::new(AtomicU64::new(0));
        let (reports, count) = (child.stdout.take().ok_or("the writer has no output")?, Arc::clone(&done));
        std::thread::spawn(move || {
            for number in BufReader::new(reports).lines().map_while(|line| line.ok()?.parse().ok()) {
                count.store(number, Ordering::Relaxed);
            }
        });
        Ok(Writer { child, done })
    }

    /// Updates that the server took until now.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Whether it ended by itself, which only an error makes it do.
    pub fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets it finish the updates that are under way. It has printed its own error when this returns one.
    pub fn end(mut self) -> Result<(), String> {
        drop(self.child.stdin.take());
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the writer of updates ended with {status}")) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes updates until the input ends, which it does with the bench too, and reports their number.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [kubeconfig, nodes, rate] = arguments else {
        return Err(format!("`{VERB}` needs a kubeconfig, a number of nodes and a rate"));
    };
    let nodes: usize = nodes.parse().map_err(|_| format!("`{nodes}` is not a number of nodes"))?;
    let rate: u32 = rate.parse().map_err(|_| format!("`{rate}` is not a number of updates a second"))?;
    lower_priority();
    let server = Server::running(Path::new(kubeconfig))?;
    let (done, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let stop = Arc::clone(&end);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stop.store(true, Ordering::Relaxed);
    });
    let (count, over) = (Arc::clone(&done), Arc::clone(&end));
    std::thread::spawn(move || {
        while !over.load(Ordering::Relaxed) && writeln!(std::io::stdout(), "{}", count.load(Ordering::Relaxed)).is_ok()
        {
            std::thread::sleep(REPORT);
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(server.storm(nodes, rate, &done, &end))
}

/// Of a session of its own and of this process. Refused, or on another system, it runs as everything else does.
fn lower_priority() {
    #[cfg(unix)]
    {
        let _ = rustix::process::setsid();
        let _ = rustix::process::setpriority_process(None, NICENESS);
        let _ = std::fs::write("/proc/self/autogroup", NICENESS.to_string());
    }
}
