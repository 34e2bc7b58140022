//! What the system says about a process, from /proc: so Linux only.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Linux counts the time of processes in hundredths of a second, whatever the kernel's own clock does.
const TICK: Duration = Duration::from_millis(10);

/// Memory that a process holds now, in MiB.
pub fn resident_mib(pid: u32) -> Option<f64> {
    memory_mib(pid, "VmRSS:")
}

fn memory_mib(pid: u32, field: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse::<f64>().ok().filter(|kib| *kib > 0.0).map(|kib| kib / 1024.0)
}

/// How long the thread that a process began with has been ready and not let run since then: others had the processors.
pub fn waited(pid: u32) -> Option<Duration> {
    let times = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/schedstat")).ok()?;
    times.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Processor time that a process has used since it began.
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold spaces; user and system time are the 14th and 15th of all fields.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// Wall time of a whole process with its output read, and the most memory that it held, in MiB.
///
/// Memory is looked at every millisecond: what the last millisecond added is not in it.
pub fn run(command: &[String], environment: &[(&str, PathBuf)]) -> Result<(Duration, f64), String> {
    let begun = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let (mut output, mut errors) = (child.stdout.take(), child.stderr.take());
    let reader = std::thread::spawn(move || output.as_mut().map(|output| output.read_to_end(&mut Vec::new())));
    let words = std::thread::spawn(move || {
        let mut text = String::new();
        errors.as_mut().map(|errors| errors.read_to_string(&mut text));
        text
    });
    let mut most = 0.0_f64;
    let status = loop {
        most = most.max(memory_mib(child.id(), "VmHWM:").unwrap_or_default());
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let time = begun.elapsed();
    let _ = reader.join();
    let words = words.join().unwrap_or_default();
    if status.success() { Ok((time, most)) } else { Err(format!("{command:?} ended with {status}: {words}")) }
}

/// The average number of processes that wanted a core in the last minute: what else the machine did.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

pub fn is_there(program: &Path) -> bool {
    program.is_file()
}
