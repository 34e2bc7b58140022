//! The writer of updates: this program once more, as a process of its own, because kubelets are on other machines.
//!
//! A process and not a thread, and in a session of its own: a Linux that groups sessions (`sched_autogroup_enabled`) shares
//! processors between them first, and the priority of a thread counts only within its own. As a thread of the bench it would
//! take processors from the program that is measured, as one that is its equal, and hold up the reader of the screen.
//!
//! It does not ask the API server as kubelets do: that needs 8 ms of a processor for one update, so that two processors come
//! to 200 a second and have nothing left for what is measured. `tests/cluster/node-writer` writes to etcd instead.

use super::{
    node,
    process::{self, Processors},
    server::Server,
};
use std::{
    io::{BufRead, BufReader, BufWriter, Read, Write},
    num::NonZero,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The word that makes this program the writer, before the nodes, the rate and the command of what writes to etcd.
pub const VERB: &str = "write-updates";
/// Between two reports of how many updates etcd took.
const REPORT: Duration = Duration::from_millis(100);

/// A writer that runs; killed when dropped.
pub struct Writer {
    child: Child,
    done: Arc<AtomicU64>,
}

impl Writer {
    pub fn start(server: &Server, nodes: usize, rate: u32) -> Result<Writer, String> {
        let program = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
        let mut child = process::behind(program)
            .arg(VERB)
            .args([nodes.to_string(), rate.to_string()])
            .args(server.node_writer()?)
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

    /// Updates that etcd took until now.
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

/// Writes updates until the input ends, which it does with the bench too, and reports how many were taken.
pub fn run(arguments: &[String]) -> Result<(), String> {
    let [nodes, rate, program, to @ ..] = arguments else {
        return Err(format!("`{VERB}` needs a number of nodes, a rate and the command of what writes to etcd"));
    };
    let nodes: NonZero<usize> = nodes.parse().map_err(|_| format!("`{nodes}` is not a number of nodes above zero"))?;
    let rate: NonZero<u32> = rate.parse().map_err(|_| format!("`{rate}` is not a number of updates above zero"))?;
    process::own_session();
    process::place(std::process::id(), Processors::ButFirst);
    let etcd = Command::new(program).args(to).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut etcd = etcd.map_err(|error| format!("{program}: {error}"))?;
    let (input, output) = etcd.stdin.take().zip(etcd.stdout.take()).ok_or("what writes to etcd has no pipes")?;
    let (taken, end) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (stop, count, counted) = (Arc::clone(&end), Arc::clone(&taken), Arc::clone(&taken));
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stop.store(true, Ordering::Relaxed);
    });
    // One byte for each update that was taken.
    let counting = std::thread::spawn(move || {
        let (mut output, mut bytes) = (output, [0; 256]);
        while let Ok(more @ 1..) = output.read(&mut bytes) {
            count.fetch_add(more as u64, Ordering::Relaxed);
        }
    });
    std::thread::spawn(move || {
        while writeln!(std::io::stdout(), "{}", counted.load(Ordering::Relaxed)).is_ok() {
            std::thread::sleep(REPORT);
        }
    });
    let sent = send(input, nodes.get(), rate.get(), &end);
    let status = etcd.wait().map_err(|error| format!("{program}: {error}"))?;
    let _ = counting.join();
    // It has printed its own error, and the pipe that broke is only a consequence of it.
    if !status.success() {
        return Err(format!("{program} ended with {status} after {} updates", taken.load(Ordering::Relaxed)));
    }
    sent.map_err(|error| format!("{program} takes no updates: {error}"))
}

/// Sends updates of node after node at a steady rate until told to end. Where they are not taken as fast, the rate is lower:
/// what is late is not made up for.
fn send(input: impl Write, nodes: usize, rate: u32, end: &AtomicBool) -> std::io::Result<()> {
    let (mut input, period) = (BufWriter::new(input), Duration::from_secs(1) / rate);
    let mut next = Instant::now();
    for update in 0_u64.. {
        if end.load(Ordering::Relaxed) {
            break;
        }
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next = (next + period).max(Instant::now());
        // From the last to the first: rows at the top of a screen are as often hit as those at its end.
        let index = nodes - 1 - update as usize % nodes;
        for piece in [node::name(index).into_bytes(), node::status_after(index, update / nodes as u64 + 1)] {
            input.write_all(&(piece.len() as u32).to_be_bytes())?;
            input.write_all(&piece)?;
        }
        input.flush()?;
    }
    Ok(())
}
