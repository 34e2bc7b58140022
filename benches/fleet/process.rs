//! What the system says about a process, from /proc: so Linux only.

use std::{
    ffi::OsStr,
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

/// What the system has counted of one thread since it began.
#[derive(Clone, Copy)]
pub struct Times {
    /// It had a processor.
    pub ran: Duration,
    /// It was ready and others had the processors.
    pub waited: Duration,
}

/// The thread as `/proc` names it below itself: `PID/task/TID`.
pub fn times(thread: &Path) -> Option<Times> {
    let text = std::fs::read_to_string(Path::new("/proc").join(thread).join("schedstat")).ok()?;
    let mut fields = text.split_whitespace().map(|field| field.parse().map(Duration::from_nanos));
    Some(Times { ran: fields.next()?.ok()?, waited: fields.next()?.ok()? })
}

/// The thread that a process began with.
pub fn first_thread(pid: u32) -> PathBuf {
    format!("{pid}/task/{pid}").into()
}

/// The thread that asks.
pub fn this_thread() -> Option<PathBuf> {
    std::fs::read_link("/proc/thread-self").ok()
}

/// Time that whoever runs this machine, where it is a virtual one, has taken from its processors since it began.
pub fn stolen() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().next()?.split_whitespace().nth(8)?.parse::<u32>().ok().map(|ticks| TICK * ticks)
}

/// Priority of what is on other machines where a fleet is real, as `nice` counts it.
const NICENESS: i32 = 10;

/// A program that is on another machine where a fleet is real, as its API server and kubelets are: behind what is measured.
pub fn behind(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", &NICENESS.to_string()]).arg(program);
    command
}

/// The processors of this machine as `taskset` takes them.
#[derive(Clone, Copy)]
pub enum Processors {
    All,
    /// The first is left to what is measured, which may run on all.
    ButFirst,
}

/// Lets a process, and what it starts from then on, run on these processors only. Where there is but one, or no `taskset`,
/// all stays as it is.
pub fn place(pid: u32, on: Processors) {
    let last = std::thread::available_parallelism().map_or(0, |count| count.get() - 1);
    let first = match on {
        Processors::All => 0,
        Processors::ButFirst => 1,
    };
    if first <= last {
        let words = ["-a".into(), "-c".into(), "-p".into(), format!("{first}-{last}"), pid.to_string()];
        let _ = Command::new("taskset").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A session of its own, at the priority that this process has, where the system groups sessions. Refused, or on another
/// system, all stays as it is.
pub fn own_session() {
    #[cfg(unix)]
    {
        let _ = rustix::process::setsid();
        let _ = std::fs::write("/proc/self/autogroup", NICENESS.to_string());
    }
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
