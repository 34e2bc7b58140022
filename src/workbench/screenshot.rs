//! A frame as a picture: SVG for documents and tickets, and the two text layers of golden frames.
//!
//! Borders are drawn as lines: as letters they would not meet, because rows are higher than letters.

use super::{
    theme::{self, Theme},
    widgets::canvas,
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// Pixels of one cell.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;

/// The frame as SVG: one rectangle per run of ground, one text per run of equal style, borders as lines.
pub fn svg(frame: &Buffer, theme: &Theme, title: &str) -> String {
    let mut body: String = (0..frame.area.height).map(|y| row(frame, theme, y, false)).collect();
    body.push_str("</g>\n<g>\n");
    let (text, ground) = colors(theme);
    draw_lines(&mut body, frame, &text, &ground);
    page(frame.area, theme, title, &body)
}

/// An SVG of so many cells with this inside.
pub(super) fn page(area: Rect, theme: &Theme, title: &str, body: &str) -> String {
    let (width, height) = (f64::from(area.width) * WIDTH, f64::from(area.height) * HEIGHT);
    let (_, ground) = colors(theme);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.1}\" \
         height=\"{height:.1}\" role=\"img\" aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" fill=\"{ground}\"/>\n\
         <g font-family=\"ui-monospace,'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\" \
         xml:space=\"preserve\">\n{body}</g>\n</svg>\n",
        escape(title)
    )
}

/// Text and ground of plain cells.
fn colors(theme: &Theme) -> (String, String) {
    let base = theme.base();
    let ground = theme::hex(base.bg.unwrap_or(Color::Reset), theme::SHOWN_GROUND);
    (theme::hex(base.fg.unwrap_or(Color::Reset), theme::SHOWN_TEXT), ground)
}

/// One row of a frame as elements of an SVG, with or without the glyphs of borders; empty where the row is.
pub(super) fn row(frame: &Buffer, theme: &Theme, y: u16, borders: bool) -> String {
    let (text, ground) = colors(theme);
    let (mut svg, mut x) = (String::new(), 0);
    while x < frame.area.width {
        let look = Look::of(&frame[(x, y)], &text, &ground);
        let start = x;
        let mut run = String::new();
        while x < frame.area.width && Look::of(&frame[(x, y)], &text, &ground) == look {
            let symbol = frame[(x, y)].symbol();
            run.push_str(if !borders && arms(symbol).is_some() { " " } else { symbol });
            x += 1;
        }
        draw_run(&mut svg, &look, start, x - start, y, &run, &ground);
    }
    svg
}

/// Where the lines of a border glyph go from the middle of its cell: up, right, down, left; 1 is light, 2 heavy.
fn arms(symbol: &str) -> Option<[u8; 4]> {
    Some(match symbol {
        "─" => [0, 1, 0, 1],
        "│" => [1, 0, 1, 0],
        "┌" => [0, 1, 1, 0],
        "┐" => [0, 0, 1, 1],
        "└" => [1, 1, 0, 0],
        "┘" => [1, 0, 0, 1],
        "├" => [1, 1, 1, 0],
        "┤" => [1, 0, 1, 1],
        "━" => [0, 2, 0, 2],
        "┃" => [2, 0, 2, 0],
        "┏" => [0, 2, 2, 0],
        "┓" => [0, 0, 2, 2],
        "┗" => [2, 2, 0, 0],
        "┛" => [2, 0, 0, 2],
        _ => return None,
    })
}

/// The borders, one path per color and weight; a line goes through all cells that it crosses.
fn draw_lines(svg: &mut String, frame: &Buffer, text: &str, ground: &str) {
    let mut paths: BTreeMap<(String, u8), String> = BTreeMap::new();
    let (columns, rows) = (frame.area.width, frame.area.height);
    let middle = |cell: u16, size: f64| (f64::from(cell) + 0.5) * size;
    // Both directions alike: along a line of cells, what leaves one towards the next goes on there.
    let mut along = |length: u16, others: u16, cell: &dyn Fn(u16, u16) -> (u16, u16), size: f64, arm: [usize; 2]| {
        for other in 0..others {
            let mut line: Option<(f64, f64, (String, u8))> = None;
            let mut end = |line: Option<(f64, f64, (String, u8))>| {
                let Some((from, to, look)) = line else { return };
                let path = paths.entry(look).or_default();
                // Writing into a text cannot fail.
                let _ = match arm {
                    [3, 1] => write!(path, "M{from:.1} {:.1}H{to:.1}", middle(other, HEIGHT)),
                    _ => write!(path, "M{:.1} {from:.1}V{to:.1}", middle(other, WIDTH)),
                };
            };
            for at in 0..length {
                let cell = &frame[cell(at, other)];
                let arms = arms(cell.symbol()).unwrap_or_default();
                let (back, ahead) = (arms[arm[0]], arms[arm[1]]);
                let (start, center) = (f64::from(at) * size, middle(at, size));
                let color = Look::of(cell, text, ground).fore;
                let goes_on = line.as_ref().is_some_and(|(_, _, look)| *look == (color.clone(), back));
                match (&mut line, back > 0, ahead > 0) {
                    (Some((_, to, _)), true, true) if goes_on => *to = start + size,
                    (Some((_, to, _)), true, false) if goes_on => *to = center,
                    _ => {
                        end(line.take());
                        let from = if back > 0 { start } else { center };
                        let to = if ahead > 0 { start + size } else { center };
                        line = (back > 0 || ahead > 0).then(|| (from, to, (color, back.max(ahead))));
                    }
                }
            }
            end(line);
        }
    };
    along(columns, rows, &|at, other| (at, other), WIDTH, [3, 1]);
    along(rows, columns, &|at, other| (other, at), HEIGHT, [0, 2]);
    for ((color, weight), path) in paths {
        let wide = if weight > 1 { 2.4 } else { 1.2 };
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" stroke=\"{color}\" stroke-width=\"{wide}\" stroke-linecap=\"square\" fill=\"none\"/>"
        );
    }
}

#[derive(PartialEq)]
struct Look {
    fore: String,
    back: String,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell, text: &str, ground: &str) -> Look {
        let (mut fore, mut back) = (theme::hex(cell.fg, text), theme::hex(cell.bg, ground));
        if cell.modifier.contains(Modifier::REVERSED) {
            std::mem::swap(&mut fore, &mut back);
        }
        Look { fore, back, modifier: cell.modifier }
    }
}

fn draw_run(svg: &mut String, look: &Look, column: u16, columns: u16, row: u16, run: &str, ground: &str) {
    let (x, y) = (f64::from(column) * WIDTH, f64::from(row) * HEIGHT);
    let width = f64::from(columns) * WIDTH;
    // Writing into a text cannot fail.
    if look.back != ground {
        let fill = &look.back;
        let _ =
            writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>");
    }
    if run.trim().is_empty() {
        return;
    }
    let mut style = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::DIM, " opacity=\"0.7\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
        (Modifier::CROSSED_OUT, " text-decoration=\"line-through\""),
    ] {
        if look.modifier.contains(modifier) {
            style.push_str(attribute);
        }
    }
    // Spaces at the ends draw nothing.
    let before = run.len() - run.trim_start_matches(' ').len();
    let after = run.len() - run.trim_end_matches(' ').len();
    let (x, width) = (x + before as f64 * WIDTH, width - (before + after) as f64 * WIDTH);
    let run = run.trim_matches(' ');
    let (fill, baseline) = (&look.fore, y + 13.5);
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" fill=\"{fill}\"{style}>{}</text>",
        escape(run)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The symbols of a frame, a line per row, without spaces at the ends of rows.
pub fn symbols(frame: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..frame.area.height {
        let row: String = (0..frame.area.width).map(|x| frame[(x, y)].symbol()).collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// The styles of a frame: per row, runs that differ from plain text as `from-to look`.
pub fn styles(frame: &Buffer, theme: &Theme) -> String {
    let mut text = String::new();
    for y in 0..frame.area.height {
        let mut runs = Vec::new();
        let mut x = 0;
        while x < frame.area.width {
            let style = frame[(x, y)].style();
            let start = x;
            while x < frame.area.width && frame[(x, y)].style() == style {
                x += 1;
            }
            if !canvas::is_plain(style, theme) {
                let fore =
                    style.fg.filter(|color| *color != Color::Reset).map_or(String::new(), |color| format!(" {color}"));
                let back = style.bg.filter(|color| Some(*color) != theme.base().bg && *color != Color::Reset);
                let back = back.map_or(String::new(), |color| format!(" on {color}"));
                let modifier = if style.add_modifier.is_empty() {
                    String::new()
                } else {
                    format!(" {:?}", style.add_modifier).to_lowercase()
                };
                runs.push(format!("{start}-{}{fore}{back}{modifier}", x - 1));
            }
        }
        if !runs.is_empty() {
            let _ = writeln!(text, "{y}: {}", runs.join("; "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::color::Level;
    use ratatui::{layout::Rect, style::Style};

    /// A border is a closed line; of letters, pieces with gaps between rows.
    #[test]
    fn borders_are_lines_from_corner_to_corner() {
        let theme = theme::load("dark", Level::True).unwrap();
        let mut frame = Buffer::empty(Rect::new(0, 0, 4, 3));
        for (y, row) in ["┏━━┓", "┃a ┃", "┗━━┛"].iter().enumerate() {
            frame.set_string(0, y as u16, row, Style::new());
        }
        let svg = svg(&frame, &theme, "a");
        assert!(!svg.contains('┃') && !svg.contains('━') && svg.contains(">a<"), "{svg}");
        for line in ["M4.2 9.0H29.4", "M4.2 45.0H29.4", "M4.2 9.0V45.0", "M29.4 9.0V45.0"] {
            assert!(svg.contains(line), "{line} in {svg}");
        }
        assert_eq!(svg.matches("<path").count(), 1);
    }
}
