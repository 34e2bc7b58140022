//! The binary in a pseudo-terminal: what a person at a real terminal would get, read back by a terminal emulator.
#![cfg(unix)]

use super::served::Served;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

/// Longest wait for something to appear; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the terminal shows, and that it changed.
#[derive(Default)]
struct Shown {
    parser: Mutex<Parsed>,
    changed: Condvar,
}

struct Parsed {
    parser: vt100::Parser,
    /// Everything that was written so far.
    bytes: Vec<u8>,
    ended: bool,
}

impl Default for Parsed {
    fn default() -> Parsed {
        Parsed { parser: vt100::Parser::new(cells(24), cells(80), 0), bytes: Vec::new(), ended: false }
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

/// A terminal with a shell that runs the program; the shell leads the session, as a person's shell does.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Shown>,
    /// The modes before the program ran.
    modes: String,
    /// Its own, so that no session is restored but where a test wants one.
    home: tempfile::TempDir,
}

impl Terminal {
    pub fn start(columns: u16, rows: u16, arguments: &str) -> Terminal {
        Terminal::start_with(columns, rows, arguments, &[])
    }

    pub fn start_with(columns: u16, rows: u16, arguments: &str, variables: &[(&str, &std::ffi::OsStr)]) -> Terminal {
        let size = |columns, rows| PtySize { cols: columns, rows, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let modes = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", &format!("\"$AICR\" {arguments}; echo \"left with $?\"")]);
        command.env_clear();
        command.env("AICR", env!("CARGO_BIN_EXE_aicr"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let home = tempfile::tempdir().unwrap();
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        variables.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shown = Arc::new(Shown::default());
        shown.parser.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        let mut output = pair.master.try_clone_reader().unwrap();
        let reader = shown.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            loop {
                let count = output.read(&mut bytes).unwrap_or(0);
                let mut parsed = reader.parser.lock().unwrap();
                parsed.parser.process(&bytes[..count]);
                parsed.bytes.extend_from_slice(&bytes[..count]);
                parsed.ended = count == 0;
                reader.changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Terminal { master: pair.master, keys, child, shown, modes, home }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen is as asked; shows it when that does not come.
    #[track_caller]
    pub fn until(&self, what: &str, is: impl Fn(&vt100::Screen) -> bool) -> String {
        self.wait(what, |parsed| is(parsed.parser.screen()))
    }

    /// Waits until bytes were written, whatever the screen made of them: of what comes after half of an escape sequence, the
    /// first letter ends that.
    #[track_caller]
    fn writes(&self, text: &str) {
        self.wait(&format!("`{text}` to be written"), |parsed| {
            parsed.bytes.windows(text.len()).any(|bytes| bytes == text.as_bytes())
        });
    }

    #[track_caller]
    fn wait(&self, what: &str, is: impl Fn(&Parsed) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut parsed = self.shown.parser.lock().unwrap();
        loop {
            if is(&parsed) {
                return parsed.parser.screen().contents();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !parsed.ended, "waited for {what}, saw:\n{}", parsed.parser.screen().contents());
            parsed = self.shown.changed.wait_timeout(parsed, left).unwrap().0;
        }
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        self.until(&format!("`{text}`"), |screen| screen.contents().contains(text))
    }

    /// What was written, from the start.
    fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown.parser.lock().unwrap().bytes).into_owned()
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.shown.parser.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(PtySize { cols: columns, rows, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    fn shell(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.process_id().unwrap()).unwrap()).unwrap()
    }

    /// The program's own process: the shell's child.
    fn program(&self) -> Pid {
        let children = format!("/proc/{0}/task/{0}/children", self.shell().as_raw_nonzero());
        let children = std::fs::read_to_string(children).unwrap();
        Pid::from_raw(children.split_whitespace().next().unwrap().parse().unwrap()).unwrap()
    }

    /// The program is gone and the terminal is as it was before.
    #[track_caller]
    pub fn restored(&mut self, code: i32) {
        self.shows(&format!("left with {code}"));
        let parsed = self.shown.parser.lock().unwrap();
        let screen = parsed.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is still there");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        drop(parsed);
        let modes = format!("{:?}", self.master.get_termios());
        assert_eq!(modes, self.modes, "the terminal's modes differ from before");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A failed test must not leave a stopped shell behind.
        let _ = kill_process_group(self.shell(), Signal::KILL);
        let _ = self.child.wait();
    }
}

fn walk(columns: u16, rows: u16) {
    let mut terminal = Terminal::start(columns, rows, "--demo tui --service kind --accelerator a100");
    terminal.shows("DEMO fresh");
    terminal.shows("worker-3");
    terminal.press("2");
    terminal.shows("SET BY");
    terminal.shows("gpu-operator");
    terminal.press("i");
    terminal.shows("what-if");
    terminal.press("l\r");
    terminal.shows("PATH");
    terminal.press("5");
    terminal.shows("not asked: this screen compares");
    terminal.press("4");
    terminal.shows("readiness");
    terminal.press("?");
    terminal.shows("help: Validate ");
    terminal.press("\x1b");
    terminal.until("the help to close", |screen| !screen.contents().contains("help: Validate"));
    terminal.press(":");
    terminal.shows("palette");
    terminal.press("theme light\r");
    terminal.shows("theme light");
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn five_screens_at_80x24() {
    walk(80, 24);
}

#[test]
fn five_screens_at_120x40() {
    walk(120, 40);
}

/// Magnifiers and screen readers follow the terminal's own cursor, which is on the row that keys act on.
#[test]
fn the_terminals_cursor_is_on_the_selected_row() {
    let mut terminal = Terminal::start(120, 40, "--demo tui");
    let row = |screen: &vt100::Screen| {
        let (row, _) = screen.cursor_position();
        screen.contents().lines().nth(usize::from(row)).unwrap_or_default().to_owned()
    };
    let is_on = |screen: &vt100::Screen, text: &str| {
        let at = screen.cursor_position();
        let sign = screen.cell(at.0, at.1).map(|cell| cell.contents().to_owned());
        screen.hide_cursor() && sign.as_deref() == Some("›") && row(screen).contains(text)
    };
    terminal.shows("constraints");
    terminal.press("/worker\r");
    terminal.until("the first node under the cursor", |screen| is_on(screen, "worker-1"));
    terminal.press("j");
    terminal.until("the next one", |screen| is_on(screen, "worker-2"));
    terminal.press(":");
    terminal.until("the cursor in the field", |screen| !screen.hide_cursor());
    terminal.press("\x1b");
    terminal.until("the row again", |screen| is_on(screen, "worker-2"));
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn a_resize_is_followed_down_to_nothing_and_back() {
    let mut terminal = Terminal::start(120, 40, "--demo tui");
    terminal.shows("constraints");
    terminal.resize(80, 24);
    terminal.until("one master over one detail", |screen| {
        screen.contents().contains("worker-3") && !screen.contents().contains("┌ constraints")
    });
    terminal.resize(19, 4);
    terminal.shows("need 20x5");
    terminal.resize(200, 60);
    terminal.shows("constraints");
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn suspending_gives_the_terminal_back_and_resuming_takes_it_again() {
    let mut terminal = Terminal::start(80, 24, "--demo tui");
    terminal.shows("DEMO fresh");
    terminal.press("\x1a");
    terminal.until("the shell's screen", |screen| !screen.alternate_screen() && !screen.hide_cursor());
    let stopped = terminal.program();
    let state = |pid: Pid| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        stat.rsplit(") ").next().unwrap_or_default().starts_with('T')
    };
    let deadline = Instant::now() + PATIENCE;
    while !state(stopped) {
        assert!(Instant::now() < deadline, "the program was not stopped");
        std::thread::yield_now();
    }
    kill_process_group(terminal.shell(), Signal::CONT).unwrap();
    terminal.until("the workbench again", |screen| screen.alternate_screen() && screen.contents().contains("worker-3"));
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn a_signal_to_end_restores_the_terminal_and_is_named() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let mut terminal = Terminal::start(80, 24, "--demo tui");
        terminal.shows("DEMO fresh");
        kill_process(terminal.program(), signal).unwrap();
        terminal.restored(130);
        terminal.shows(&format!("terminated by {name}"));
    }
}

/// Output stopped from the terminal's own side, as by Ctrl-S in a multiplexer: a write waits until it is started again.
#[test]
fn a_stopped_terminal_does_not_hold_up_the_end() {
    use rustix::{
        fs::{Mode, OFlags, open},
        termios::{Action, tcflow},
    };
    let mut terminal = Terminal::start(80, 24, "--demo tui");
    terminal.shows("DEMO fresh");
    let program = terminal.program();
    let line = open(terminal.master.tty_name().unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    tcflow(&line, Action::OOff).unwrap();
    terminal.press("2");
    kill_process(program, Signal::TERM).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_to_string(format!("/proc/{0}/task/{0}/comm", program.as_raw_nonzero())).is_ok() {
        assert!(Instant::now() < deadline, "the program waits for the terminal");
        std::thread::yield_now();
    }
    tcflow(&line, Action::OOn).unwrap();
    // Of the frame that was stopped, a part may have been taken.
    terminal.writes("left with 130");
    let modes = format!("{:?}", terminal.master.get_termios());
    assert_eq!(modes, terminal.modes, "the terminal's modes differ from before");
}

#[test]
fn a_terminal_alone_does_not_open_the_workbench_where_that_is_forbidden() {
    let mut terminal = Terminal::start(100, 60, "--no-tui");
    terminal.restored(2);
    assert!(terminal.written().contains("Usage: aicr"), "{}", terminal.written());
    assert!(!terminal.written().contains("\u{1b}[?1049h"), "{}", terminal.written());
}

/// A folder with an editor that reads a line, and a catalog folder whose overlay can be edited.
fn editor() -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("editor");
    std::fs::write(&path, "#!/bin/sh\necho \"editing $2\"\nread line\necho \"read $line\"\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.to_string_lossy().into_owned();
    std::fs::create_dir(folder.path().join("overlays")).unwrap();
    let overlay = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/overlays/kind.yaml");
    std::fs::copy(overlay, folder.path().join("overlays/kind.yaml")).unwrap();
    (folder, path)
}

#[test]
fn an_open_editor_has_the_keys_and_does_not_hold_up_signals() {
    let (folder, program) = editor();
    let arguments = format!("--demo --data {} tui --service kind --accelerator a100", folder.path().display());
    let mut terminal = Terminal::start_with(120, 40, &arguments, &[("EDITOR", program.as_ref())]);
    terminal.shows("DEMO fresh");
    terminal.press("2");
    terminal.shows("gpu-operator");
    terminal.press("/constraints\r");
    terminal.shows("›▾ constraints");
    terminal.press("gd");
    terminal.shows("editing ");
    terminal.press("all of this\r");
    terminal
        .until("the workbench again", |screen| screen.alternate_screen() && screen.contents().contains("gpu-operator"));
    terminal.press("gd");
    terminal.shows("editing ");
    kill_process(terminal.program(), Signal::TERM).unwrap();
    terminal.restored(130);
    terminal.shows("terminated by SIGTERM");
}

#[test]
fn a_panic_restores_the_terminal_before_its_message_and_ends_with_8() {
    let state = tempfile::tempdir().unwrap();
    let variables = [("AICR_TEST_PANIC", "terminal".as_ref()), ("AICR_STATE_DIR", state.path().as_os_str())];
    let mut terminal = Terminal::start_with(120, 24, "--demo tui", &variables);
    terminal.shows("failed to finish, because of a fault in aicr");
    terminal.shows("panic-");
    terminal.restored(8);
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 2, "the log and the report");
}

#[test]
fn a_pasted_megabyte_is_one_field_of_text() {
    let mut terminal = Terminal::start(80, 24, "--demo tui");
    terminal.shows("DEMO fresh");
    terminal.press("/");
    terminal.shows("Enter keeps");
    let paste = format!("\x1b[200~{}\x1b[201~", "worker\n".repeat(1 << 17));
    terminal.press(&paste);
    terminal.shows("hidden");
    terminal.press("\x1b");
    // The long text leaves no room for the field's hints; a q that came together with the Esc would be Alt-Q.
    terminal.until("the field to close", |screen| !screen.contents().contains("hidden"));
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn no_cluster_is_a_screen_and_no_crash() {
    let mut terminal = Terminal::start(80, 24, "tui --kubeconfig /nowhere/config");
    terminal.shows("failed");
    terminal.shows("--demo");
    terminal.press("q");
    terminal.restored(0);
}

/// A cluster behind a door that can be shut: connections are accepted then, and nothing is answered.
struct Door {
    address: std::net::SocketAddr,
    shut: tokio::sync::watch::Sender<bool>,
    _runtime: tokio::runtime::Runtime,
}

impl Door {
    fn to_demo(faults: Vec<aicr::ops::fault::Fault>) -> Door {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (shut, is_shut) = tokio::sync::watch::channel(false);
        let address = runtime.block_on(async {
            let options = aicr::ops::demo::DemoOptions { faults, ..Default::default() };
            let demo = aicr::ops::demo::start(&options).unwrap();
            let inner = aicr::demo::serve::listen(0).await.unwrap();
            let inside = inner.local_addr().unwrap();
            tokio::spawn(async move { demo.serve(inner).await });
            let outer = aicr::demo::serve::listen(0).await.unwrap();
            let address = outer.local_addr().unwrap();
            tokio::spawn(async move {
                while let Ok((mut client, _)) = outer.accept().await {
                    let mut shut = is_shut.clone();
                    tokio::spawn(async move {
                        if !*shut.borrow() {
                            let mut server = tokio::net::TcpStream::connect(inside).await.unwrap();
                            tokio::select! {
                                _ = tokio::io::copy_bidirectional(&mut client, &mut server) => return,
                                _ = shut.wait_for(|shut| *shut) => {}
                            }
                        }
                        // Open and silent.
                        std::future::pending::<()>().await;
                    });
                }
            });
            address
        });
        Door { address, shut, _runtime: runtime }
    }
}

#[test]
fn leaving_while_a_cluster_does_not_answer_shows_a_screen_that_reads_keys() {
    // To cancel, and to leave the Jobs: what is waited for, and why it is not known how that ended.
    let answers = [
        ("\t\t", "[ cancel and leave ]", "cleaning up", "failed to clean up"),
        ("\t", "[ leave the Jobs ]", "leaving", "failed to leave the run"),
    ];
    for (steps, answer, waits, failed) in answers {
        let door = Door::to_demo(vec![aicr::ops::fault::Fault::Unschedulable { check: "dra-support".into() }]);
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        std::fs::write(&config, aicr::demo::serve::kubeconfig(door.address)).unwrap();
        let arguments =
            format!("tui --kubeconfig {} --service kind --accelerator a100 --patience 10m", config.display());
        let mut terminal = Terminal::start(120, 40, &arguments);
        terminal.shows("LIVE fresh");
        terminal.shows("worker-3");
        terminal.press("4");
        terminal.shows("readiness");
        terminal.press("r");
        terminal.shows("run 9 checks?");
        terminal.press("\t\r");
        terminal.shows("unscheduled");
        door.shut.send(true).unwrap();
        terminal.press("q");
        terminal.shows("They go on and end by themselves");
        terminal.shows("The Jobs end, and what the run created is removed.");
        terminal.press(steps);
        terminal.shows(answer);
        terminal.press("\r");
        terminal.shows(&format!("┏ {waits} ━"));
        terminal.press("\x03");
        terminal.restored(130);
        terminal.shows(failed);
        terminal.shows("aicr cleanup --namespace aicr-validation --run-id");
    }
}

/// Against the API server that `AICR_TEST_KUBECONFIG` names: `tests/cluster/cluster up`, or `cluster api up`.
mod real {
    use super::*;
    use std::{
        ffi::OsString,
        process::{Command, Stdio},
        sync::atomic::{AtomicBool, Ordering},
    };

    const NODES: usize = 200;
    const MARK: &str = "aicr-test-pty";

    fn name(index: usize) -> String {
        format!("{MARK}-{index:03}")
    }

    /// Nodes without machines, removed at the end.
    struct Nodes {
        kubeconfig: OsString,
        /// Held, so that no other test changes the cluster meanwhile.
        _lock: std::fs::File,
    }

    impl Nodes {
        fn new() -> Nodes {
            let kubeconfig = std::env::var_os("AICR_TEST_KUBECONFIG").expect("AICR_TEST_KUBECONFIG names a cluster");
            let lock = std::path::Path::new(&kubeconfig).with_file_name("tests.lock");
            let lock = std::fs::File::create(lock).expect("a lock beside the kubeconfig");
            lock.lock().expect("a turn");
            let nodes = Nodes { kubeconfig, _lock: lock };
            nodes.remove();
            let list: Vec<_> = (0..NODES).map(node).collect();
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": list}).to_string();
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), list).expect("a file");
            nodes.kubectl(&["create", "-f", &file.path().display().to_string()]);
            nodes
        }

        fn command(&self, args: &[&str]) -> Command {
            let mut command = Command::new("kubectl");
            command.arg("--kubeconfig").arg(&self.kubeconfig).args(args).stdin(Stdio::null());
            command
        }

        #[track_caller]
        fn kubectl(&self, args: &[&str]) {
            let output = self.command(args).output().expect("kubectl runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "kubectl {}: {said}", args.join(" "));
        }

        fn remove(&self) {
            let args = ["delete", "nodes", "-l", &format!("{MARK}=yes"), "--wait=false"];
            let _ = self.command(&args).output();
        }
    }

    impl Drop for Nodes {
        fn drop(&mut self) {
            self.remove();
        }
    }

    fn node(index: usize) -> serde_json::Value {
        let gpus = serde_json::json!({"nvidia.com/gpu": "8", "cpu": "96"});
        serde_json::json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name(index), "labels": {
                MARK: "yes", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.count": "8",
            }},
            // So that nothing is sent there by a real scheduler.
            "spec": {"taints": [{"key": MARK, "effect": "NoSchedule"}]},
            "status": {
                "capacity": gpus, "allocatable": gpus,
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
                "nodeInfo": {
                    "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": "", "operatingSystem": "linux",
                    "architecture": "amd64", "osImage": "Ubuntu 24.04.3 LTS", "kernelVersion": "6.8.0",
                    "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.34.1",
                },
            },
        })
    }

    /// Whether a row says so; the legend of the fleet always does.
    fn has_cordoned(text: &str) -> bool {
        text.lines().any(|line| line.contains("cordoned") && !line.contains("! cordoned ✗"))
    }

    #[test]
    #[ignore = "needs a real API server: AICR_TEST_KUBECONFIG"]
    fn nodes_that_change_all_the_time_are_followed_and_the_cursor_stays_where_it_was_put() {
        let nodes = Nodes::new();
        let mut terminal = Terminal::start_with(200, 60, "tui", &[("KUBECONFIG", &nodes.kubeconfig)]);
        terminal.shows("LIVE fresh");
        terminal.press(&format!("/{MARK}\r"));
        terminal.shows(&format!("›{}", name(0)));
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let storm = scope.spawn(|| {
                let all = format!("{MARK}=yes");
                while !over.load(Ordering::Relaxed) {
                    nodes.kubectl(&["cordon", "-l", &all]);
                    nodes.kubectl(&["uncordon", "-l", &all]);
                }
            });
            terminal.until("a cordoned node", |screen| has_cordoned(&screen.contents()));
            // Every key is answered with the next row, whatever changed around it.
            for step in 1..=80 {
                terminal.press("j");
                let expected = format!("›{} ", name(step));
                terminal.until(&format!("`{expected}`"), |screen| screen.contents().contains(&expected));
            }
            over.store(true, Ordering::Relaxed);
            storm.join().expect("the nodes could be changed");
        });
        // What the last change said is what stands there.
        terminal.until("no cordoned node", |screen| !has_cordoned(&screen.contents()));
        terminal.shows(&format!("›{} ", name(80)));

        let change = r#"{"status":{"nodeInfo":{"kubeletVersion":"v9.8.7"}}}"#;
        nodes.kubectl(&["patch", "node", &name(80), "--subresource=status", "-p", change]);
        terminal.until("the other kubelet beside its node", |screen| {
            let text = screen.contents();
            text.contains(&format!("›{} ", name(80))) && text.contains("v9.8.7")
        });
        nodes.kubectl(&["delete", "node", &name(80)]);
        terminal.shows(&format!("{} was removed; the nearest row is selected", name(80)));
        terminal.until("its row to vanish", |screen| !screen.contents().contains(&format!("›{} ", name(80))));
        terminal.press("q");
        terminal.restored(0);
    }
}

#[test]
fn a_session_is_restored_and_fresh_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let state: [(&str, &std::ffi::OsStr); 1] = [("AICR_STATE_DIR", folder.path().as_os_str())];
    let start = |arguments: &str| Terminal::start_with(120, 40, arguments, &state);
    let mut terminal = start("--demo tui");
    terminal.shows("DEMO fresh");
    terminal.shows("worker-3");
    terminal.press("/worker\r");
    terminal.shows("/worker");
    terminal.press("j2");
    terminal.shows("SET BY");
    terminal.press("q");
    terminal.restored(0);

    let mut terminal = start("--demo tui");
    terminal.shows("as in the last session: the Recipe screen, filter `worker` on nodes");
    terminal.shows("SET BY");
    terminal.press("1");
    terminal.shows("2 hidden, 3 matches  /worker");
    terminal.press("q");
    terminal.restored(0);

    let mut terminal = start("--demo tui --fresh");
    terminal.shows("worker-3");
    assert!(!terminal.shows("DEMO fresh").contains("/worker"));
    terminal.press("q");
    terminal.restored(0);

    std::fs::write(folder.path().join("session.json"), "{\"version\":").unwrap();
    let mut terminal = start("--demo tui");
    terminal.shows("the last session cannot be restored");
    terminal.press("q");
    terminal.restored(0);
    assert!(folder.path().join("session.json.unusable").exists());
}

#[test]
fn a_bright_terminal_gets_the_light_theme_and_keys_stay_keys() {
    let mut terminal = Terminal::start_with(100, 30, "--demo tui", &[("COLORTERM", "truecolor".as_ref())]);
    terminal.shows("DEMO fresh");
    terminal.until("a dark ground", |screen| ground(screen) == DARK);
    // As a terminal answers, between two keys.
    terminal.press("j\x1b]11;rgb:ffff/fbfb/f0f0\x1b\\2");
    terminal.until("a light ground", |screen| ground(screen) == LIGHT);
    terminal.shows("SET BY");
    terminal.press("q");
    terminal.restored(0);
}

/// What is asked, of those that are asked anything.
const QUESTIONS: &str = "\x1b[?996n\x1b]11;?\x07\x1b[?2026$p\x1b[?2027$p\x1b[?2031$p\x1b[?u\x1b[c";

fn ground(screen: &vt100::Screen) -> Option<vt100::Color> {
    screen.cell(20, 50).map(|cell| cell.bgcolor())
}

const DARK: Option<vt100::Color> = Some(vt100::Color::Rgb(0x12, 0x16, 0x1c));
const LIGHT: Option<vt100::Color> = Some(vt100::Color::Rgb(0xfb, 0xfb, 0xf8));

#[test]
fn what_a_terminal_answers_late_and_in_pieces_counts_and_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("COLORTERM", "truecolor".as_ref()), ("AICR_CACHE_DIR", folder.path().as_os_str())];
    let mut terminal = Terminal::start_with(100, 30, "--demo tui", &variables);
    terminal.shows("worker-3");
    terminal.until("a dark ground", |screen| ground(screen) == DARK);
    let written = terminal.written();
    assert_eq!(written.matches(QUESTIONS).count(), 1, "asked once");
    assert!(written.find(QUESTIONS) < written.find("\x1b[2J"), "a part of a question that is shown is cleared");
    for unreported in ["\x1b[?2026h", "\x1b[?2027h", "\x1b[?2031h", "\x1b[>1u"] {
        assert!(!written.contains(unreported), "{unreported:?} before the terminal has reported it");
    }
    // The scheme comes before the color.
    for piece in [
        "j",
        "\x1b[?997;",
        "2n\x1b]11;rgb:00",
        "00/0000/0000\x1b",
        "\\j\x1b[?20",
        "26;2$y\x1b[?2027;2$y\x1b[?2031;2$y\x1b[",
        "?0u\x1b[?62;5",
        "2c",
    ] {
        terminal.press(piece);
    }
    terminal.until("a light ground", |screen| ground(screen) == LIGHT);
    ["\x1b[?2031h", "\x1b[?2027h", "\x1b[>1u", "\x1b[?2026h"].iter().for_each(|mode| terminal.writes(mode));
    let shown = terminal.shows("›worker-1");
    assert!(!shown.contains("not bound"), "a byte of an answer was a key: {shown}");
    // Keys have codes of their own now. A change is reported at any time.
    terminal.press("\x1b[63u");
    terminal.shows("help: Cluster");
    terminal.press("\x1b[27u\x1b[?997;1n");
    terminal.until("a dark ground", |screen| ground(screen) == DARK);
    terminal.press("\x1b[?997;2n");
    terminal.until("a light ground", |screen| ground(screen) == LIGHT);
    terminal.press("q");
    terminal.restored(0);
    let written = terminal.written();
    assert!(written.contains("\x1b[<u\x1b[?2031l\x1b[?2027l\x1b[?2026l"), "what was turned on is turned off");

    // The next start knows at once, and asks all the same.
    let file = folder.path().join("terminals.json");
    let deadline = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(Instant::now() < deadline, "nothing was remembered");
        std::thread::yield_now();
    }
    let mut terminal = Terminal::start_with(100, 30, "--demo tui", &variables);
    terminal.shows("worker-3");
    let written = terminal.written();
    assert!(written.contains(QUESTIONS) && written.contains("\x1b[?2026h"));
    assert!(!written.contains("48;2;18;22;28"), "the first frame was dark");
    terminal.until("a light ground", |screen| ground(screen) == LIGHT);
    terminal.press("q");
    terminal.restored(0);
    let written = terminal.written();
    for unreported in ["\x1b[?2027h", "\x1b[?2031h", "\x1b[>1u", "\x1b[<u"] {
        assert!(!written.contains(unreported), "{unreported:?} because another session had it");
    }
}

#[test]
fn extras_end_with_a_suspension_and_the_terminal_is_asked_again_after_it() {
    let mut terminal = Terminal::start(80, 24, "--demo tui");
    terminal.shows("DEMO fresh");
    terminal.press("\x1b[?2026;2$y\x1b[?2031;2$y\x1b[?0u\x1b[?62c");
    terminal.writes("\x1b[>1u");
    terminal.press("\x1b[122;5u");
    terminal.until("the shell's screen", |screen| !screen.alternate_screen());
    assert!(terminal.written().contains("\x1b[<u\x1b[?2031l\x1b[?2026l"));
    let stopped = terminal.program();
    let state = |pid: Pid| std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let deadline = Instant::now() + PATIENCE;
    while !state(stopped).rsplit(") ").next().unwrap_or_default().starts_with('T') {
        assert!(Instant::now() < deadline, "the program was not stopped");
        std::thread::yield_now();
    }
    kill_process_group(terminal.shell(), Signal::CONT).unwrap();
    terminal.until("the workbench again", |screen| screen.alternate_screen() && screen.contents().contains("worker-3"));
    terminal
        .wait("the questions again", |parsed| String::from_utf8_lossy(&parsed.bytes).matches(QUESTIONS).count() == 2);
    // This one is another terminal.
    terminal.press("\x1b[?62c");
    terminal.press("q");
    terminal.restored(0);
    assert_eq!(terminal.written().matches("\x1b[>1u").count(), 1, "on again, though it was not reported again");
}

#[test]
fn a_terminal_that_shows_questions_is_asked_nothing_and_one_that_never_answers_is_not_waited_for() {
    let questions =
        ["\x1b[?996n", "\x1b]11;?", "$p", "\x1b[?u", "\x1b[c", "?2026", "?2027", "?2031", "\x1b[>1u", "\x1b[<u"];
    for term in ["linux", "screen", "screen.xterm-256color", "xterm-256color"] {
        let mut terminal = Terminal::start_with(80, 24, "--demo tui", &[("TERM", term.as_ref())]);
        terminal.shows("DEMO fresh");
        terminal.press("/");
        terminal.shows("Enter keeps");
        terminal.press("\x1b");
        terminal.until("the field to close", |screen| !screen.contents().contains("Enter keeps"));
        terminal.press("2");
        terminal.shows("SET BY");
        terminal.press("q");
        terminal.restored(0);
        let written = terminal.written();
        if term == "xterm-256color" {
            assert!(written.contains(QUESTIONS) && !written.contains("\x1b[?2026h"), "{term}");
        } else {
            let asked = questions.iter().find(|question| written.contains(**question));
            assert_eq!(asked, None, "{term}");
        }
    }
}

#[test]
fn preferences_rebind_keys_and_report_what_they_get_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        "theme = \"light\"\nread-only = true\nmouze = false\n[keys]\npreset = \"vim\"\nclose = [\"Ctrl-X q\", \"q\"]\n";
    std::fs::write(folder.path().join("config.toml"), file).unwrap();
    let variables: [(&str, &std::ffi::OsStr); 1] = [("AICR_CONFIG_DIR", folder.path().as_os_str())];
    let mut terminal = Terminal::start_with(160, 40, "--demo tui", &variables);
    terminal.shows("config.toml:3: unknown preference `mouze`; did you mean mouse?");
    terminal.shows("read-only  DEMO fresh");
    terminal.press("4r");
    terminal.shows("read-only: this would change the cluster");
    terminal.press("\x18q");
    terminal.restored(0);
}

#[test]
fn a_program_of_the_system_takes_what_is_copied_and_the_terminal_where_it_cannot() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (program, taken) = (folder.path().join("wl-copy"), folder.path().join("taken"));
    std::fs::write(&program, format!("#!/bin/sh\ncat > {}\n", taken.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let variables: [(&str, &std::ffi::OsStr); 2] = [("WAYLAND_DISPLAY", "w".as_ref()), ("PATH", path.as_ref())];
    let mut terminal = Terminal::start_with(120, 40, "--demo tui", &variables);
    terminal.shows("worker-3");
    terminal.press("jy");
    terminal.shows("bytes, wl-copy)");
    assert!(std::fs::read_to_string(&taken).unwrap().starts_with("instance-"));
    std::fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
    terminal.press("jy");
    terminal.shows("bytes, OSC 52)");
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn lines_need_no_screen_and_leave_the_terminal_alone() {
    for (arguments, variables) in [("--demo tui --linear", &[][..]), ("--demo tui", &[("TERM", "dumb".as_ref())])] {
        let mut terminal = Terminal::start_with(80, 24, arguments, variables);
        terminal.shows("Cluster, nodes> ");
        terminal.press("list\r");
        terminal.shows("worker-3");
        let screen = terminal.until("lines on the ordinary screen", |screen| !screen.alternate_screen());
        assert!(!screen.contains('│'), "{screen}");
        terminal.press("screen validate\r");
        terminal.shows("Validate, phases and checks> ");
        terminal.press("quit\r");
        terminal.restored(0);
    }
}

/// Who did not ask for lines gets what a screen would show at first, and leaves by its key.
#[test]
fn a_terminal_without_a_screen_reads_the_nodes_and_is_left_by_one_key() {
    let mut terminal = Terminal::start_with(80, 24, "--demo tui", &[("TERM", "dumb".as_ref())]);
    terminal.shows("instance-20260602");
    terminal.shows("Cluster, nodes> ");
    terminal.press("lsit\x7f\x7f\x7fist 2\r");
    terminal.shows("Cluster, nodes> list 2");
    terminal.press("q");
    terminal.restored(0);
}

#[test]
fn a_signal_to_end_restores_a_terminal_without_a_screen() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let mut terminal = Terminal::start_with(80, 24, "--demo tui", &[("TERM", "dumb".as_ref())]);
        terminal.shows("Cluster, nodes> ");
        kill_process(terminal.program(), signal).unwrap();
        terminal.restored(130);
        terminal.shows(&format!("terminated by {name}"));
    }
}

/// The cluster is in this process, so that what the program leaves can be looked at when it has gone.
#[test]
fn a_signal_to_end_lets_a_run_in_lines_clean_up() {
    let served = Served::new();
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let variables = [("TERM", "dumb".as_ref()), ("KUBECONFIG", served.kubeconfig.as_os_str())];
        let arguments = "tui --screen validate --service kind --accelerator a100";
        let mut terminal = Terminal::start_with(100, 40, arguments, &variables);
        terminal.shows("Validate, phases and checks> ");
        terminal.press("run\r");
        terminal.shows("2: run");
        terminal.press("2\r");
        terminal.shows("dra-support: unscheduled");
        assert!(served.has_job(), "a check is under way: {:?}", served.left());
        kill_process(terminal.program(), signal).unwrap();
        terminal.restored(130);
        terminal.shows(&format!("terminated by {name}"));
        assert_eq!(served.left(), [""; 0], "after {name}");
        let records = std::fs::read_dir(terminal.home.path().join(".local/state/aicr/runs")).unwrap();
        let record = std::fs::read_to_string(records.last().unwrap().unwrap().path()).unwrap();
        let words = ["\"event\":\"cleaned-up\"", "\"event\":\"ended\",\"verdict\":\"canceled\""];
        assert!(words.iter().all(|words| record.contains(words)), "after {name}: {record}");
    }
}

#[test]
fn ctrl_c_cancels_a_run_in_lines_and_cleans_up() {
    let mut terminal = Terminal::start(
        100,
        40,
        "--demo --fault slow=400 tui --linear --screen validate --service kind --accelerator a100",
    );
    terminal.shows("Validate, phases and checks> ");
    terminal.press("run\r");
    terminal.shows("2: run");
    terminal.press("2\r");
    terminal.shows(": running");
    terminal.press("\x03");
    terminal.shows("canceling");
    terminal.shows("the run has ended: ");
    terminal.press("quit\r");
    // The shell got the interrupt as well and says nothing afterwards; it ends when the program has.
    terminal.child.wait().unwrap();
}

#[test]
fn a_pager_gets_the_whole_text_and_gives_the_terminal_back() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (program, taken) = (folder.path().join("pager"), folder.path().join("taken"));
    std::fs::write(&program, format!("#!/bin/sh\ncat > {}\n", taken.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut terminal = Terminal::start_with(100, 30, "--demo tui", &[("PAGER", program.as_os_str())]);
    terminal.shows("DEMO fresh");
    terminal.shows("worker-3");
    terminal.press("o");
    let whole = || std::fs::read_to_string(&taken).is_ok_and(|text| text.lines().count() > 100);
    terminal.until("the workbench after the pager", |screen| {
        whole() && screen.alternate_screen() && screen.contents().contains("worker-3")
    });
    terminal.press("q");
    terminal.restored(0);
    assert!(std::fs::read_to_string(&taken).unwrap().contains("kind: Snapshot"));
}

#[test]
fn a_text_that_is_no_file_is_edited_as_a_private_copy_and_comes_back_as_a_patch() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let temporary = path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    // It says what it got, leaves a backup, and changes a line or nothing.
    let script = format!(
        "#!/bin/sh\nstat -c '%a %n' \"$2\" \"$(dirname \"$2\")\" >> {0}/seen\ncp \"$2\" \"$2~\"\n\
         test -e {0}/leave || sed -i 's/^kind: .*/kind: Other/' \"$2\"\n",
        folder.path().display()
    );
    std::fs::write(path("editor"), script).unwrap();
    std::fs::set_permissions(path("editor"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let variables = [("EDITOR", path("editor").into_os_string()), ("TMPDIR", temporary.clone().into_os_string())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_os_str()));
    let mut terminal = Terminal::start_with(110, 34, "--demo tui", &variables);
    terminal.shows("DEMO fresh");
    terminal.shows("worker-3");
    terminal.press("Y");
    terminal.shows("kind: Snapshot");
    terminal.press("e");
    for part in [
        "+kind: Other",
        "changes to a copy of snapshot.yaml, not applied",
        "1 line added, 1 line removed",
        "--- a/snapshot.yaml",
        "-kind: Snapshot",
        "nothing was applied",
    ] {
        terminal.shows(part);
    }
    let seen = std::fs::read_to_string(path("seen")).unwrap();
    let seen: Vec<&str> = seen.lines().collect();
    assert!(seen[0].starts_with("600 ") && seen[0].ends_with("/snapshot.yaml"), "{seen:?}");
    assert!(seen[1].starts_with("700 "), "{seen:?}");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "the copy is removed with what is beside it");
    // Written where a person says, after a question where something is there.
    let written = path("mine.patch");
    std::fs::write(&written, "mine\n").unwrap();
    terminal.press(&format!("q:patch {}\r", written.display()));
    terminal.shows("replace the file?");
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "mine\n");
    terminal.press("\t\r");
    terminal.shows("wrote ");
    let patch = std::fs::read_to_string(&written).unwrap();
    assert!(patch.starts_with("--- a/snapshot.yaml\n+++ b/snapshot.yaml\n@@ "), "{patch}");
    // What is left as it was is no patch, and the one before stays.
    std::fs::write(path("leave"), "").unwrap();
    terminal.press(":edit\r");
    terminal.shows("the copy of snapshot.yaml was not changed, and is removed");
    terminal.press(":patch\r");
    terminal.shows("+kind: Other");
    terminal.press("qq");
    terminal.restored(0);
}

#[test]
fn links_are_written_where_they_are_wanted_and_always_closed() {
    for (variables, expected) in [
        (&[("AICR_LINKS", "on".as_ref())][..], true),
        (&[("TERM_PROGRAM", "WezTerm".as_ref())], true),
        (&[("TERM_PROGRAM", "WezTerm".as_ref()), ("AICR_LINKS", "off".as_ref())], false),
        (&[], false),
    ] {
        let mut terminal = Terminal::start_with(120, 40, "--demo tui --service kind --accelerator a100", variables);
        terminal.shows("DEMO fresh");
        terminal.shows("gpu-operator");
        terminal.press("2");
        terminal.shows("SET BY");
        terminal.press("q");
        terminal.restored(0);
        let written = terminal.written();
        let opened = written.matches("\x1b]8;;https://").count();
        assert_eq!(opened > 0, expected, "{variables:?}: {opened} links");
        assert_eq!(opened, written.matches("\x1b]8;;\x1b\\").count(), "{variables:?}: a link is left open");
    }
    let mut terminal = Terminal::start_with(100, 30, "--demo tui --linear", &[("AICR_LINKS", "on".as_ref())]);
    terminal.shows("nodes> ");
    terminal.press("panel components\rlist\rquit\r");
    terminal.shows("left with 0");
    assert!(!terminal.written().contains("\x1b]8;"));
}

/// Whether the terminal has it at once is the system's to tell; elsewhere it is when a person comes back to the window.
#[cfg(target_os = "linux")]
#[test]
fn preferences_are_taken_when_they_are_saved_and_a_fault_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "theme = \"dark\"\n").unwrap();
    let variables: [(&str, &std::ffi::OsStr); 1] = [("AICR_CONFIG_DIR", folder.path().as_os_str())];
    let mut terminal = Terminal::start_with(120, 40, "--demo tui", &variables);
    terminal.shows("DEMO fresh");
    terminal.shows("worker-3");
    std::fs::write(&file, "theme = \"light\"\nmouse = false\n[keys]\nhelp = \"H\"\n").unwrap();
    terminal.shows("preferences read again: theme, mouse, keys");
    let is_silent = |screen: &vt100::Screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
    terminal.until("the mouse to be left to the terminal", is_silent);
    terminal.press("H");
    terminal.shows("help: Cluster");
    terminal.press("\x1b");
    terminal.until("the help to close", |screen| !screen.contents().contains("help: Cluster"));
    // As an editor saves: another file takes the name.
    let save = |text: &str| {
        let beside = folder.path().join(".config.toml.new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(&beside, &file).unwrap();
    };
    save("theme = \"light\"\nmouse = \"fals\"\n");
    terminal.shows("preferences stay as they were: ");
    terminal.shows("config.toml:2: `mouse` cannot be `fals`; did you mean false?");
    terminal.press("H");
    terminal.shows("help: Cluster");
    terminal.press("\x1b");
    save("theme = \"lihgt\"\n");
    terminal.shows("config.toml:1: unknown theme `lihgt`; did you mean light?");
    save("mouse = true\n");
    terminal.shows("preferences read again: theme, mouse, keys");
    terminal.until("the mouse to be asked for", |screen| !is_silent(screen));
    terminal.press("q");
    terminal.restored(0);
}
