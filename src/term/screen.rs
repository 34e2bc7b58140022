//! Frames to bytes: what changed since the last frame, in one write, inside a synchronized update.

use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::{Position, Rect},
};
use std::io::{self, Write};

/// The last frame that the terminal shows, and where bytes go.
pub struct Screen<W: Write> {
    out: W,
    shown: Buffer,
    /// The terminal's content is unknown: the next frame starts from a cleared screen.
    unknown: bool,
    /// Frames and bytes written so far.
    pub frames: u64,
    pub bytes: u64,
}

impl<W: Write> Screen<W> {
    pub fn new(out: W) -> Screen<W> {
        Screen { out, shown: Buffer::empty(Rect::ZERO), unknown: true, frames: 0, bytes: 0 }
    }

    /// Where the bytes go.
    pub fn out(&self) -> &W {
        &self.out
    }

    /// Forgets what the terminal shows: after a suspension, a foreign program, a resize, or when asked to redraw.
    pub fn forget(&mut self) {
        self.unknown = true;
    }

    /// Brings the terminal from the last frame to this one. The cursor is shown only where a field has it.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn draw(&mut self, frame: Buffer, cursor: Option<Position>) -> io::Result<()> {
        let mut bytes: Vec<u8> = Vec::with_capacity(4096);
        bytes.extend_from_slice(b"\x1b[?2026h\x1b[?25l");
        if self.unknown || self.shown.area != frame.area {
            bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
            self.shown = Buffer::empty(frame.area);
            self.unknown = false;
        }
        CrosstermBackend::new(&mut bytes).draw(self.shown.diff(&frame).into_iter())?;
        if let Some(at) = cursor {
            write!(bytes, "\x1b[{};{}H\x1b[?25h", at.y + 1, at.x + 1)?;
        }
        bytes.extend_from_slice(b"\x1b[?2026l");
        self.shown = frame;
        self.write(&bytes)?;
        self.frames += 1;
        Ok(())
    }

    /// Sends bytes that are no part of a frame, such as a clipboard sequence.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;

    /// Counts writes and keeps bytes.
    #[derive(Default)]
    struct Wire {
        writes: usize,
        bytes: Vec<u8>,
    }

    impl Write for &mut Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            self.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_and_the_next_one_only_what_changed() {
        let mut wire = Wire::default();
        let mut screen = Screen::new(&mut wire);
        let mut frame = Buffer::empty(Rect::new(0, 0, 20, 4));
        frame.set_string(0, 0, "hello", Style::new());
        screen.draw(frame.clone(), None).unwrap();
        let first = screen.bytes;
        frame.set_string(0, 0, "j", Style::new());
        screen.draw(frame, None).unwrap();
        assert!(screen.bytes - first < 60, "{}", screen.bytes - first);
        assert_eq!(wire.writes, 2);
        assert!(wire.bytes.starts_with(b"\x1b[?2026h") && wire.bytes.ends_with(b"\x1b[?2026l"));
    }
}
