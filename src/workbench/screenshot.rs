//! A frame as a picture: SVG for documents and tickets, and the two text layers of golden frames.

use super::{
    theme::{self, Theme},
    widgets::canvas,
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use std::fmt::Write as _;

/// Pixels of one cell.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;

/// The frame as SVG: one rectangle per run of ground, one text per run of equal style.
pub fn svg(frame: &Buffer, theme: &Theme, title: &str) -> String {
    let body: String = (0..frame.area.height).map(|y| row(frame, theme, y)).collect();
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

/// One row of a frame as elements of an SVG; empty where the row is.
pub(super) fn row(frame: &Buffer, theme: &Theme, y: u16) -> String {
    let (text, ground) = colors(theme);
    let (mut svg, mut x) = (String::new(), 0);
    while x < frame.area.width {
        let look = Look::of(&frame[(x, y)], &text, &ground);
        let start = x;
        let mut run = String::new();
        while x < frame.area.width && Look::of(&frame[(x, y)], &text, &ground) == look {
            run.push_str(frame[(x, y)].symbol());
            x += 1;
        }
        draw_run(&mut svg, &look, start, x - start, y, &run, &ground);
    }
    svg
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
