//! Frames to bytes: what changed since the last frame, in one write, inside a synchronized update where
//! the terminal knows that; links around what they
//! belong to.

use super::{damage::Damage, link::Address};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::{Buffer, Cell, CellWidth},
    layout::{Position, Rect},
};
use std::io::{self, Write};

/// What no cell of a frame holds: the last character for private use.
const UNWRITTEN: &str = "\u{10fffd}";

/// Where the terminal's own cursor is after a frame: magnifiers and screen readers follow it, also while it is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caret {
    /// In a field that is typed into.
    Shown(Position),
    /// On what keys act on.
    Hidden(Position),
    /// Hidden where the last change of the frame left it.
    Anywhere,
}

/// The last frame that the terminal shows, and where bytes go.
pub struct Screen<W: Write> {
    out: W,
    shown: Buffer,
    /// Parts of lines that are links now.
    links: Vec<(Rect, Address)>,
    /// The terminal's content is unknown: the next frame starts from a cleared screen.
    unknown: bool,
    /// A frame is shown when it is whole: the terminal has reported that it can do that.
    pub synchronized: bool,
    /// Frames and bytes written so far.
    pub frames: u64,
    pub bytes: u64,
}

impl<W: Write> Screen<W> {
    pub fn new(out: W) -> Screen<W> {
        Screen {
            out,
            shown: Buffer::default(),
            links: Vec::new(),
            unknown: true,
            synchronized: false,
            frames: 0,
            bytes: 0,
        }
    }

    /// Where the bytes go.
    pub fn out(&self) -> &W {
        &self.out
    }

    /// Forgets what the terminal shows: after a suspension, a foreign program, a resize, or when asked to redraw.
    pub fn forget(&mut self) {
        self.unknown = true;
    }

    /// Brings the terminal from the last frame to this one.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn draw(&mut self, frame: &Buffer, caret: Caret) -> io::Result<()> {
        self.draw_linked(frame, &Damage::of(frame.area), Vec::new(), caret)
    }

    /// The same with links, parts of lines and their addresses, where only the damaged parts differ from the frame that was
    /// drawn last: nothing else is looked at.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn draw_linked(
        &mut self,
        frame: &Buffer,
        damage: &Damage,
        links: Vec<(Rect, Address)>,
        caret: Caret,
    ) -> io::Result<()> {
        let mut bytes: Vec<u8> = Vec::with_capacity(4096);
        let [begin, end]: [&[u8]; 2] = if self.synchronized { [b"\x1b[?2026h", b"\x1b[?2026l"] } else { [b"", b""] };
        bytes.extend_from_slice(begin);
        bytes.extend_from_slice(b"\x1b[?25l");
        let mut damage = damage.clone();
        if self.unknown || self.shown.area != frame.area {
            bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
            self.shown = Buffer::empty(frame.area);
            self.links.clear();
            self.unknown = false;
            damage = Damage::of(frame.area);
        }
        // The link of a cell is no part of the buffer: cells whose link has changed are made to differ.
        let differing = |links: &[(Rect, Address)], others: &[(Rect, Address)]| -> Vec<Rect> {
            links.iter().filter(|link| !others.contains(link)).map(|(area, _)| *area).collect()
        };
        for area in [differing(&self.links, &links), differing(&links, &self.links)].concat() {
            damage.add(area.intersection(frame.area));
            for at in area.intersection(frame.area).positions() {
                self.shown[at].set_symbol(UNWRITTEN);
            }
        }
        self.links = links;
        let stretches: Vec<Stretch> =
            damage.stretches(frame.area).filter_map(|area| Stretch::take(&mut self.shown, frame, area)).collect();
        let changed: Vec<(u16, u16, &Cell)> =
            stretches.iter().flat_map(|stretch| stretch.was.diff_iter(&stretch.is)).collect();
        let link_at = |(x, y, _): &(u16, u16, &Cell)| {
            self.links.iter().position(|(area, _)| area.contains(Position::new(*x, *y)))
        };
        for part in changed.chunk_by(|one, next| link_at(one) == link_at(next)) {
            let address = link_at(&part[0]).map(|at| &self.links[at].1);
            if let Some(address) = address {
                write!(bytes, "\x1b]8;;{address}\x1b\\")?;
            }
            CrosstermBackend::new(&mut bytes).draw(part.iter().copied())?;
            if address.is_some() {
                bytes.extend_from_slice(b"\x1b]8;;\x1b\\");
            }
        }
        if let Caret::Shown(at) | Caret::Hidden(at) = caret {
            write!(bytes, "\x1b[{};{}H", at.y + 1, at.x + 1)?;
        }
        if let Caret::Shown(_) = caret {
            bytes.extend_from_slice(b"\x1b[?25h");
        }
        bytes.extend_from_slice(end);
        for stretch in stretches {
            stretch.put(&mut self.shown);
        }
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

/// A part of a line as it was and as it is now.
struct Stretch {
    was: Buffer,
    is: Buffer,
}

/// How many columns behind the last cell that differs are written again at most, where it was a wide one.
const BEHIND: usize = 4;

impl Stretch {
    /// Takes the cells out of what is shown, until they are put back as they are now: from the first one that differs to the
    /// last one, since most of what is painted anew reads as before. `None` where all of it does.
    fn take(shown: &mut Buffer, frame: &Buffer, area: Rect) -> Option<Stretch> {
        let cells = cells(shown, area);
        let (was, is) = (&mut shown.content[cells.clone()], &frame.content[cells]);
        let differs = |at: &usize| was[*at] != is[*at];
        let mut begin = (0..is.len()).find(differs)?;
        let last = (begin..is.len()).rev().find(differs)?;
        // What lies under a wide character is not seen, so that one is looked at as well.
        while begin > 0 && is[begin - 1].cell_width() > 1 {
            begin -= 1;
        }
        let range = begin..is.len().min(last + 1 + BEHIND);
        let area = Rect { x: area.x + begin as u16, width: range.len() as u16, ..area };
        let (was, is) = (&mut was[range.clone()], &is[range]);
        let was = was.iter_mut().map(std::mem::take).collect();
        Some(Stretch { was: Buffer { area, content: was }, is: Buffer { area, content: is.to_vec() } })
    }

    fn put(self, shown: &mut Buffer) {
        let cells = cells(shown, self.is.area);
        for (cell, now) in shown.content[cells].iter_mut().zip(self.is.content) {
            *cell = now;
        }
    }
}

/// The places of the cells of a part of a line.
fn cells(frame: &Buffer, area: Rect) -> std::ops::Range<usize> {
    let begin = frame.index_of(area.x, area.y);
    begin..begin + usize::from(area.width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::style::{Color, Style};

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
        screen.draw(&frame, Caret::Anywhere).unwrap();
        let first = screen.bytes;
        frame.set_string(0, 0, "j", Style::new());
        screen.draw(&frame, Caret::Anywhere).unwrap();
        assert!(screen.bytes - first < 60, "{}", screen.bytes - first);
        assert_eq!(wire.writes, 2);
        assert!(!wire.bytes.windows(6).any(|bytes| bytes == b"\x1b[?202"), "not reported, not asked for");
        let mut wire = Wire::default();
        let mut screen = Screen::new(&mut wire);
        screen.synchronized = true;
        screen.draw(&Buffer::empty(Rect::new(0, 0, 20, 4)), Caret::Anywhere).unwrap();
        assert!(wire.bytes.starts_with(b"\x1b[?2026h") && wire.bytes.ends_with(b"\x1b[?2026l"));
    }

    #[test]
    fn the_cursor_rests_on_what_keys_act_on_and_is_shown_in_a_field_only() {
        let mut wire = Wire::default();
        let mut screen = Screen::new(&mut wire);
        let frame = Buffer::empty(Rect::new(0, 0, 20, 4));
        let at = Position::new(2, 3);
        let mut drawn = |caret| {
            let before = usize::try_from(screen.bytes).unwrap();
            screen.draw(&frame, caret).unwrap();
            String::from_utf8(screen.out().bytes[before..].to_vec()).unwrap()
        };
        let shown = drawn(Caret::Shown(at));
        assert!(shown.contains("\x1b[4;3H\x1b[?25h"), "{shown:?}");
        let hidden = drawn(Caret::Hidden(at));
        assert!(hidden.contains("\x1b[?25l") && hidden.contains("\x1b[4;3H") && !hidden.contains("?25h"), "{hidden:?}");
        assert!(!drawn(Caret::Anywhere).contains("H"));
    }

    #[test]
    fn links_are_written_around_their_cells_and_taken_back() {
        let mut wire = Wire::default();
        let mut screen = Screen::new(&mut wire);
        let mut frame = Buffer::empty(Rect::new(0, 0, 20, 2));
        frame.set_string(0, 0, "see docs here", Style::new());
        let link = |address: &str| (Rect::new(4, 0, 4, 1), Address::web(address).unwrap());
        let drawn = |screen: &mut Screen<&mut Wire>, links: Vec<(Rect, Address)>| {
            let before = screen.bytes;
            screen.draw_linked(&frame, &Damage::of(frame.area), links, Caret::Anywhere).unwrap();
            let fresh = usize::try_from(screen.bytes - before).unwrap();
            let bytes = &screen.out().bytes;
            String::from_utf8(bytes[bytes.len() - fresh..].to_vec()).unwrap()
        };
        let first = drawn(&mut screen, vec![link("https://a.example/")]);
        let (open, close) = ("\x1b]8;;https://a.example/\x1b\\", "\x1b]8;;\x1b\\");
        let inside = first.split_once(open).and_then(|(_, rest)| rest.split_once(close)).map(|(inside, _)| inside);
        assert!(inside.is_some_and(|inside| inside.contains("docs") && !inside.contains("here")), "{first:?}");
        // The same again costs nothing; another address is written again, and none takes the link away.
        assert!(!drawn(&mut screen, vec![link("https://a.example/")]).contains("]8;;"));
        let other = drawn(&mut screen, vec![link("https://b.example/")]);
        assert!(other.contains("https://b.example/") && other.contains("docs") && !other.contains("see"), "{other:?}");
        let none = drawn(&mut screen, Vec::new());
        assert!(!none.contains("]8;;") && none.contains("docs"), "{none:?}");
    }
    #[test]
    fn what_is_damaged_is_written_as_if_all_were_looked_at() {
        let whole = |from: &Buffer, to: &Buffer| -> Vec<(u16, u16, Cell)> {
            from.diff(to).into_iter().map(|(x, y, cell)| (x, y, cell.clone())).collect()
        };
        let mut before = Buffer::empty(Rect::new(0, 0, 12, 3));
        before.set_string(1, 1, "日本 text", Style::new().bg(Color::Red));
        for (x, text, color) in
            [(1, "aa", Color::Red), (3, "日", Color::Blue), (1, "本日", Color::Red), (6, "T", Color::Reset)]
        {
            let mut after = before.clone();
            after.set_string(x, 1, text, Style::new().bg(color));
            let mut shown = before.clone();
            let stretch = Stretch::take(&mut shown, &after, Rect::new(1, 1, 9, 1)).expect("something differs");
            assert_eq!(whole(&stretch.was, &stretch.is), whole(&before, &after), "{text}");
            assert!(!whole(&before, &after).is_empty());
            stretch.put(&mut shown);
            assert_eq!(shown, after);
        }
        let texts = ["日本 text", "aa", "日", "本日", "T", "a", "", "👩‍🔬 x", "⚠️", "日a日", "text  "];
        let colors = [Color::Red, Color::Blue, Color::Reset];
        let narrower = std::cell::Cell::new(0);
        let paint = (0..texts.len(), 0..colors.len(), 1..9_u16);
        let frames = proptest::collection::vec(proptest::collection::vec(paint, 1..4), 1..20);
        proptest!(ProptestConfig::with_cases(64), |(frames in frames)| {
            let mut shown = Buffer::empty(Rect::new(0, 0, 12, 3));
            for paints in frames {
                let before = shown.clone();
                let mut after = before.clone();
                for (text, color, x) in paints {
                    let style = Style::new().bg(colors[color]);
                    after.set_stringn(x, 1, texts[text], 10 - usize::from(x), style);
                }
                let stretch = Stretch::take(&mut shown, &after, Rect::new(1, 1, 9, 1));
                let is_narrower = stretch.as_ref().is_none_or(|stretch| stretch.is.area.width < 9);
                narrower.set(narrower.get() + usize::from(is_narrower));
                let written = stretch.as_ref().map_or_else(Vec::new, |stretch| whole(&stretch.was, &stretch.is));
                prop_assert_eq!(written, whole(&before, &after));
                if let Some(stretch) = stretch {
                    stretch.put(&mut shown);
                }
                prop_assert_eq!(&shown, &after);
            }
        });
        assert!(narrower.get() > 100, "only {} were not looked at from end to end", narrower.get());
    }

    #[test]
    fn what_is_not_damaged_is_not_looked_at() {
        let mut wire = Wire::default();
        let mut screen = Screen::new(&mut wire);
        let mut frame = Buffer::empty(Rect::new(0, 0, 20, 4));
        screen.draw(&frame, Caret::Anywhere).unwrap();
        let before = usize::try_from(screen.bytes).unwrap();
        frame.set_string(0, 0, "seen", Style::new());
        frame.set_string(0, 3, "not", Style::new());
        screen.draw_linked(&frame, &Damage::of(Rect::new(0, 0, 20, 2)), Vec::new(), Caret::Anywhere).unwrap();
        let written = String::from_utf8_lossy(&screen.out().bytes[before..]).into_owned();
        assert!(written.contains("seen") && !written.contains("not"), "{written:?}");
    }
}
