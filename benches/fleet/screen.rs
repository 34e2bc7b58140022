//! A program on a terminal of 200x60, as a person has it: what it shows and when each byte came.

use super::process::{self, Times};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    io::{Read, Write},
    num::NonZero,
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

const COLUMNS: u16 = 200;
const ROWS: u16 = 60;

pub struct Screen {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    /// The thread that reads the bytes; `None` where the system does not name it.
    reader: Option<PathBuf>,
    parser: vt100::Parser,
    /// Kept, because the terminal ends with it.
    _master: Box<dyn MasterPty + Send>,
}

/// What differs between the programs on the screen.
#[derive(Clone, Copy)]
pub struct Looks {
    /// Some rows of nodes are there.
    pub has_rows: fn(&vt100::Screen) -> bool,
    /// All of so many nodes are there, and the program says so.
    pub is_complete: fn(&vt100::Screen, usize) -> bool,
    /// The line that the cursor is on.
    pub selected: fn(&vt100::Screen) -> Option<String>,
}

impl Screen {
    pub fn start(command: &[String], environment: &[(&str, &str)]) -> Result<Screen, String> {
        let size = PtySize { cols: COLUMNS, rows: ROWS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|error| error.to_string())?;
        let mut builder = CommandBuilder::new(&command[0]);
        builder.args(&command[1..]);
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        builder.env("LANG", "C.UTF-8");
        for (name, value) in environment {
            builder.env(name, value);
        }
        let child = pair.slave.spawn_command(builder).map_err(|error| format!("{command:?}: {error}"))?;
        drop(pair.slave);
        let mut source = pair.master.try_clone_reader().map_err(|error| error.to_string())?;
        let (sender, output) = channel();
        let (named, name) = channel();
        std::thread::spawn(move || {
            let _ = named.send(process::this_thread());
            let mut bytes = [0; 1 << 16];
            while let Ok(count @ 1..) = source.read(&mut bytes) {
                if sender.send((Instant::now(), bytes[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().map_err(|error| error.to_string())?;
        let cells = |count| NonZero::new(count).expect("a size above zero");
        let parser = vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0);
        let reader = name.recv().ok().flatten();
        Ok(Screen { child, keys, output, reader, parser, _master: pair.master })
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap_or_default()
    }

    /// What the system has counted of the reader of this screen.
    pub fn reader(&self) -> Option<Times> {
        process::times(self.reader.as_ref()?)
    }

    pub fn shown(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// When the bytes came that made the screen as asked.
    pub fn until(
        &mut self,
        what: &str,
        patience: Duration,
        is: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<Instant, String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((when, bytes)) => {
                    self.parser.process(&bytes);
                    if is(self.parser.screen()) {
                        return Ok(when);
                    }
                }
                Err(error) => {
                    let end = if error == RecvTimeoutError::Timeout { "did not come" } else { "the program ended" };
                    return Err(format!(
                        "waited for {what}: {end}; the screen was\n{}",
                        self.parser.screen().contents()
                    ));
                }
            }
        }
    }

    /// Keeps reading for a time; the bytes that came.
    pub fn rest(&mut self, time: Duration) -> usize {
        let end = Instant::now() + time;
        let mut read = 0;
        while let Ok((_, bytes)) = self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.parser.process(&bytes);
            read += bytes.len();
        }
        read
    }

    /// Presses a key that moves the cursor: the time until the bytes came that show it moved.
    pub fn answer(&mut self, key: &str, looks: Looks) -> Result<Duration, String> {
        self.rest(Duration::ZERO);
        let before = (looks.selected)(self.parser.screen());
        let begun = Instant::now();
        self.keys.write_all(key.as_bytes()).and_then(|()| self.keys.flush()).map_err(|error| error.to_string())?;
        let when = self.until("the cursor to move", Duration::from_secs(20), |screen| {
            let now = (looks.selected)(screen);
            now.is_some() && now != before
        })?;
        Ok(when.saturating_duration_since(begun))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
