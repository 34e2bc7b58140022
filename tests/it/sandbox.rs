//! The real program in an environment of its own: an empty home, no kubeconfig, no color, nothing inherited.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

pub struct Sandbox {
    home: TempDir,
}

/// What a run left.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// Command, exit code and both outputs, with the home written as `[home]`.
    pub transcript: String,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        Sandbox { home: tempfile::tempdir().unwrap() }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the home.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A kubeconfig with one context, `test`, for a server at `url`.
    pub fn kubeconfig(&self, url: &str) -> PathBuf {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters: [{{name: c, cluster: {{server: \"{url}\"}}}}]\n\
             users: [{{name: u, user: {{}}}}]\n\
             contexts: [{{name: test, context: {{cluster: c, user: u}}}}]\n"
        );
        self.file(".kube/config", &text)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aicr"));
        command.args(arguments).current_dir(self.home()).env_clear().env("HOME", self.home()).stdin(Stdio::null());
        command
    }

    pub fn aicr(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).output().unwrap();
        self.run(arguments, output)
    }

    /// The same with a text on standard input.
    pub fn aicr_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        self.run(arguments, output)
    }

    /// What a finished command left.
    pub fn run(&self, arguments: &[&str], output: Output) -> Run {
        let code = output.status.code().unwrap_or(-1);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let shown = if stdout.is_empty() { String::new() } else { format!("-- standard output\n{stdout}") };
        let transcript =
            format!("$ aicr {}\nexit {code}\n{shown}-- standard error\n{stderr}", arguments.join(" ").escape_debug());
        let transcript = transcript.replace(&*self.home().to_string_lossy(), "[home]");
        Run { code, stdout, stderr, transcript }
    }
}

/// A plain HTTP server on a loopback port that answers every request the same way until the test ends.
pub fn server(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let path = request_path(&mut stream);
            match answer(&path) {
                // The client may be gone by now.
                Some(text) => drop(stream.write_all(text.as_bytes())),
                None => silent.push(stream),
            }
        }
    });
    address
}

/// A request with all of its body.
pub struct Request {
    pub method: String,
    /// With its query.
    pub path: String,
    /// The header `Authorization`; empty without.
    pub login: String,
    pub body: Vec<u8>,
}

/// Status, more header lines and body of an answer.
pub type Answer = (u16, String, Vec<u8>);

/// A plain HTTP server on a loopback port that reads whole requests, as registries get them, until the test ends.
pub fn service(mut answer: impl FnMut(SocketAddr, Request) -> Answer + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.expect("a connection"));
            let (code, header, body) = match request(&mut reader) {
                Ok(Some(request)) => answer(address, request),
                // Helm tries TLS first, and plain HTTP when it is answered in plain HTTP.
                Ok(None) => (400, String::new(), Vec::new()),
                // The client is gone.
                Err(_) => continue,
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {code} x\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n");
            // The client may be gone by now.
            drop(reader.get_mut().write_all(&[head.as_bytes(), &body].concat()));
        }
    });
    address
}

/// The request of a connection; none when the client speaks TLS.
fn request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    const HANDSHAKE: u8 = 22;
    if reader.fill_buf()?.first() == Some(&HANDSHAKE) {
        // All of it is read: what is left unread at the end of a connection resets it, and the answer may be lost.
        let mut record = [0; 5];
        reader.read_exact(&mut record)?;
        let [_, _, _, high, low] = record;
        reader.read_exact(&mut vec![0; u16::from_be_bytes([high, low]).into()])?;
        return Ok(None);
    }
    let (mut first, mut length, mut login) = (String::new(), 0, String::new());
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().expect("a length")
            }
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.clone_into(&mut login),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(Some(Request { method, path, login, body }))
}

/// An answer with a Kubernetes `Status`.
pub fn status(code: u16, reason: &str, message: &str) -> String {
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{message}","reason":"{reason}","code":{code}}}"#
    );
    let length = body.len();
    format!(
        "HTTP/1.1 {code} {reason}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn request_path(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned()
}

/// Compares a text with `tests/golden/cli/<name>.snap`.
pub fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden/cli");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
