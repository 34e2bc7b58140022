//! What a script showed, with its times: as an asciicast for a terminal, and as an SVG that plays in a page.
//!
//! In: frames as they changed. Out: text. Times are those of the run that was recorded, so what
//! a person sees is how long things took; only the last frame is held longer, before the picture starts again.

use super::{screenshot, theme::Theme};
use crate::term::screen::{Caret, Screen};
use ratatui::buffer::Buffer;
use std::{collections::BTreeMap, fmt::Write as _, io, time::Duration};

/// Two frames that are closer are one to the eye.
const CLOSEST: Duration = Duration::from_millis(40);
/// How long the last frame is shown.
const LAST: Duration = Duration::from_secs(3);

/// Frames in the order in which they were shown; each differs from the one before.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    moments: Vec<(Duration, Buffer)>,
    theme: Option<Theme>,
}

impl Recording {
    /// Keeps a frame that was shown so long after the beginning, if it differs from the last one.
    pub fn show(&mut self, at: Duration, frame: &Buffer, theme: &Theme) {
        self.theme.get_or_insert_with(|| theme.clone());
        match self.moments.last_mut() {
            Some((_, last)) if last == frame => {}
            Some((when, last)) if at.saturating_sub(*when) < CLOSEST && last.area == frame.area => {
                *last = frame.clone()
            }
            _ => self.moments.push((at, frame.clone())),
        }
    }

    fn length(&self) -> Duration {
        self.moments.last().map_or(Duration::ZERO, |(at, _)| *at) + LAST
    }

    /// An asciicast of version 2: a header line, then a line for each frame: seconds, `o`, the bytes that bring a terminal to it.
    ///
    /// # Errors
    /// A frame cannot be drawn.
    pub fn cast(&self) -> io::Result<String> {
        let area = self.moments.first().map(|(_, frame)| frame.area).unwrap_or_default();
        let header = serde_json::json!({
            "version": 2, "width": area.width, "height": area.height, "title": "aicr",
            "env": { "TERM": "xterm-256color" },
        });
        let mut text = format!("{header}\n");
        // Color is no property of this process's output here.
        crossterm::style::force_color_output(true);
        let mut screen = Screen::new(Vec::new());
        let mut written = 0;
        for (at, frame) in &self.moments {
            screen.draw(frame, Caret::Anywhere)?;
            let bytes = String::from_utf8_lossy(&screen.out()[written..]).into_owned();
            written = screen.out().len();
            text.push_str(&serde_json::json!([at.as_secs_f64(), "o", bytes]).to_string());
            text.push('\n');
        }
        text.push_str(&serde_json::json!([self.length().as_secs_f64(), "o", ""]).to_string());
        text.push('\n');
        Ok(text)
    }

    /// Each row that differs is drawn once and shown while it is on the screen, so that a long recording stays small.
    ///
    /// Empty where nothing was shown.
    pub fn svg(&self) -> String {
        let (Some((_, first)), Some(theme)) = (self.moments.first(), &self.theme) else { return String::new() };
        let length = self.length();
        // By row and content: when it is shown.
        let mut rows: BTreeMap<(u16, String), Vec<(Duration, Duration)>> = BTreeMap::new();
        for (index, (at, frame)) in self.moments.iter().enumerate() {
            let end = self.moments.get(index + 1).map_or(length, |(next, _)| *next);
            for y in 0..frame.area.height.min(first.area.height) {
                let times = rows.entry((y, screenshot::row(frame, theme, y, true))).or_default();
                match times.last_mut() {
                    Some((_, until)) if *until == *at => *until = end,
                    _ => times.push((*at, end)),
                }
            }
        }
        let mut body = format!(
            "<rect width=\"0\" height=\"0\"><animate id=\"loop\" attributeName=\"x\" from=\"0\" to=\"0\" \
             begin=\"0s;loop.end\" dur=\"{:.2}s\"/></rect>\n",
            length.as_secs_f64()
        );
        for ((_, content), times) in rows.iter().filter(|((_, content), _)| !content.is_empty()) {
            if times == &[(Duration::ZERO, length)] {
                body.push_str(content);
                continue;
            }
            // Writing into a text cannot fail.
            let _ = writeln!(body, "<g visibility=\"hidden\">");
            for (from, to) in times {
                let _ = writeln!(
                    body,
                    "<set attributeName=\"visibility\" to=\"visible\" begin=\"loop.begin+{:.2}s\" dur=\"{:.2}s\"/>",
                    from.as_secs_f64(),
                    to.saturating_sub(*from).as_secs_f64()
                );
            }
            let _ = writeln!(body, "{content}</g>");
        }
        screenshot::page(first.area, theme, "a recording of the aicr workbench", &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::theme;
    use ratatui::layout::Rect;

    fn recording(lines: &[(u64, &str)]) -> Recording {
        let mut recording = Recording::default();
        for (at, line) in lines {
            let mut frame = Buffer::empty(Rect::new(0, 0, 12, 2));
            frame.set_string(0, 0, line, ratatui::style::Style::new());
            frame.set_string(0, 1, "same", ratatui::style::Style::new());
            recording.show(
                Duration::from_millis(*at),
                &frame,
                &theme::load("dark", crate::term::color::Level::True).unwrap(),
            );
        }
        recording
    }

    #[test]
    fn frames_that_do_not_differ_or_are_too_close_are_one() {
        let seen = recording(&[(0, "one"), (100, "one"), (200, "two"), (210, "three"), (300, "four")]);
        let at: Vec<u128> = seen.moments.iter().map(|(at, _)| at.as_millis()).collect();
        assert_eq!(at, [0, 200, 300]);
        assert!(screenshot::symbols(&seen.moments[1].1).starts_with("three"));
    }

    #[test]
    fn a_terminal_that_plays_the_cast_shows_each_frame() {
        let text = recording(&[(0, "pending"), (1500, "pass")]).cast().unwrap();
        let mut lines = text.lines();
        let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        assert_eq!((header["version"].as_u64(), header["width"].as_u64()), (Some(2), Some(12)));
        let events: Vec<(f64, String, String)> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.iter().map(|event| event.0).collect::<Vec<_>>(), [0.0, 1.5, 4.5]);
        let mut terminal = vt100::Parser::new(2.try_into().unwrap(), 12.try_into().unwrap(), 0);
        let mut shown = Vec::new();
        for (_, _, bytes) in events {
            terminal.process(bytes.as_bytes());
            let lines = terminal.screen().contents();
            shown.push(lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
        }
        assert_eq!(shown, ["pending\nsame", "pass\nsame", "pass\nsame"]);
    }

    #[test]
    fn a_row_of_the_picture_is_drawn_once_and_shown_in_its_time() {
        let svg = recording(&[(0, "one"), (500, "two"), (1000, "one")]).svg();
        assert_eq!(svg.matches(">same<").count() + svg.matches(">same        <").count(), 1, "{svg}");
        assert_eq!(svg.matches("begin=\"loop.begin+0.50s\" dur=\"0.50s\"").count(), 1, "{svg}");
        assert_eq!(svg.matches("begin=\"loop.begin+1.00s\" dur=\"3.00s\"").count(), 1, "{svg}");
    }
}
