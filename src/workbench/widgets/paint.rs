//! A list as it is painted: headers, and the rows of its window alone.
//!
//! In: a table and an area of a canvas, and what its lines were painted from in the frame before. Out: its cells; nothing of the
//! table changes.

use super::{
    apart,
    canvas::Canvas,
    cell::{Cell, Span},
    common::Without,
    filter::Filter,
    kept::{Layout, Lines, Made, Shared},
    spread::Spread,
    table::{Align, Column, Content, Identity, MARGIN, Row, Table},
    text::{self, Cut},
    widths::{GAP, spans},
};
use crate::workbench::theme::Role;
use ratatui::layout::{Position, Rect};

/// Before a row that changed lately; nothing else has this glyph.
const RECENT: &str = "*";
/// Before a row that a person marked, as before a marked line of a log.
const MARKED: &str = "▪";

impl<I: Identity> Table<I> {
    /// Paints the window. The cursor bar shows only with focus; without it a marker stays. `clears` is the key that clears
    /// a filter.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, focused: bool, clears: &str) {
        self.draw_marking(canvas, area, focused, clears, false);
    }

    /// As [`Table::draw`]; `search` marks what [`Table::look_for`] looks for instead of what the filter means.
    pub fn draw_marking(&self, canvas: &mut Canvas<'_>, area: Rect, focused: bool, clears: &str, search: bool) {
        if area.width == 0 || area.height == 0 {
            return;
        }
        if self.visible.is_empty() {
            self.draw_says(canvas, area, clears);
            return;
        }
        let widths = self.widths_in(text_width(area), area.height);
        let without = self.without(&widths, area.height);
        let columns = Columns { widths: &widths, without };
        let mut rest = self.draw_above(canvas, area, columns);
        let spread = self.spread(usize::from(rest.height), &widths, text_width(area));
        for place in spread.first..self.visible.len() {
            if rest.is_empty() {
                break;
            }
            let lines = self.draw_place(canvas, rest, place, (columns, &spread), focused, self.marked(search));
            rest = below(rest, lines);
        }
    }

    /// As [`Table::draw`], where nothing else paints on the area: lines that read as in the frame before are left as they are.
    pub fn draw_kept(&self, canvas: &mut Canvas<'_>, area: Rect, focused: bool, clears: &str, kept: &mut Lines) {
        if area.is_empty() {
            return;
        }
        if self.visible.is_empty() || self.marked(false).is_some() {
            kept.forget();
            canvas.blank(area);
            self.draw(canvas, area, focused, clears);
            return;
        }
        let widths = self.widths_in(text_width(area), area.height);
        let columns = Columns { widths: &widths, without: self.without(&widths, area.height) };
        let layout = self.layout(area, columns);
        let mut rest = below(area, self.lines_above().min(area.height));
        if kept.layout.as_ref() != Some(&layout) {
            kept.forget();
            canvas.blank(area);
            self.draw_above(canvas, area, columns);
            kept.layout = Some(layout);
        }
        let spread = self.spread(usize::from(rest.height), &widths, text_width(area));
        let mut line = 0;
        for place in spread.first..self.visible.len() {
            if rest.is_empty() {
                break;
            }
            // What goes on below itself is painted anew: which lines it takes follows from all others.
            let made = (!spread.more.contains_key(&place)).then(|| self.made(place, focused));
            let lines = match made.as_ref().and_then(|made| kept.links_of(line, made)) {
                Some(links) => {
                    canvas.links.extend_from_slice(links);
                    if place == self.cursor && focused && !self.content.prose {
                        canvas.selected = Some(selected_in(rest));
                    }
                    1
                }
                None => {
                    let links = canvas.links.len();
                    canvas.blank(Rect { height: lines_of(&spread, place).min(rest.height), ..rest });
                    let lines = self.draw_place(canvas, rest, place, (columns, &spread), focused, None);
                    kept.put(line, made.map(|made| (made, &canvas.links[links..])));
                    for more in 1..usize::from(lines) {
                        kept.put(line + more, None);
                    }
                    lines
                }
            };
            line += usize::from(lines);
            rest = below(rest, lines);
        }
        let over = u16::try_from(kept.truncate(line)).unwrap_or(u16::MAX);
        canvas.blank(Rect { height: over.min(rest.height), ..rest });
    }

    /// What every line depends on.
    fn layout(&self, area: Rect, Columns { widths, without }: Columns<'_>) -> Layout {
        let Content { columns, says, prose, goes_on, .. } = &self.content;
        Layout {
            area,
            widths: widths.to_vec(),
            without,
            columns: columns.clone(),
            left: self.left,
            is_prose: *prose,
            goes_on: *goes_on,
            sort_keys: self.sort_keys().to_vec(),
            says: says.clone(),
            has_headers: self.has_headers(),
        }
    }

    /// What the line of a place is made of, where it is one.
    fn made(&self, place: usize, focused: bool) -> Made {
        let row = &self.content.rows[self.visible[place]];
        let has_cursor = place == self.cursor && !self.content.prose;
        Made {
            cells: Shared(row.cells.clone()),
            depth: row.depth,
            is_branch: row.branch.is_some(),
            is_open: self.is_shown_open(place),
            marker: row.marker,
            is_marked: self.marks.contains(&row.id),
            is_recent: self.recent.contains(&row.id),
            has_cursor,
            has_bar: focused && (has_cursor || place > self.cursor && place <= self.end_of_row()),
        }
    }

    /// Lines before the first row.
    fn lines_above(&self) -> u16 {
        u16::try_from(self.content.says.len() + usize::from(self.has_headers())).unwrap_or(u16::MAX)
    }

    /// Sentences above rows, and headers; what is left below them.
    fn draw_above(&self, canvas: &mut Canvas<'_>, area: Rect, columns: Columns<'_>) -> Rect {
        let mut rest = area;
        for (role, line) in &self.content.says {
            if !rest.is_empty() {
                canvas.fitted(area.left() + MARGIN, rest.y, text_width(area), line, Cut::End, *role);
                rest = below(rest, 1);
            }
        }
        if self.has_headers() && !rest.is_empty() {
            self.draw_headers(canvas, Rect { height: 1, ..rest }, columns);
            rest = below(rest, 1);
        }
        rest
    }

    /// One row at the top of an area; how many lines it takes.
    fn draw_place(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        place: usize,
        (columns, spread): (Columns<'_>, &Spread),
        focused: bool,
        marked: Option<&Filter>,
    ) -> u16 {
        let y = area.top();
        let more = spread.more.get(&place);
        let height = lines_of(spread, place).min(area.height);
        let line = Rect { height: 1, ..area };
        let widths = columns.widths;
        self.draw_row(canvas, line, place, columns, more.map(|(column, _)| *column));
        if let Some((column, lines)) = more {
            let row = &self.content.rows[self.visible[place]];
            let is_alone = spans(row, self.content.columns.len());
            let before = widths[..*column].iter().filter(|width| **width > 0).map(|width| width + GAP).sum::<u16>();
            let width = if is_alone { text_width(area) } else { self.reach(row, *column, widths) };
            for (cell, y) in lines.iter().zip(y + 1..y + height) {
                let area = Rect { x: area.left() + MARGIN + before, y, width, height: 1 };
                self.draw_cell(canvas, area, cell, &self.content.columns[*column]);
            }
        }
        if focused && place > self.cursor && place <= self.end_of_row() {
            canvas.select(line);
        }
        if place == self.cursor && !self.content.prose {
            if focused {
                canvas.selected = Some(selected_in(area));
                (y..y + height).for_each(|y| canvas.select(Rect { y, height: 1, ..area }));
            }
            let role = if focused { Role::Selection } else { Role::Muted };
            canvas.text(area.left() + 1, y, area.width.saturating_sub(1).min(1), "›", role);
        }
        if let Some(filter) = marked {
            (y..y + height)
                .for_each(|y| canvas.mark(Rect { y, height: 1, ..area }, Role::Match, |shown| filter.found(shown)));
        }
        height
    }

    fn draw_says(&self, canvas: &mut Canvas<'_>, area: Rect, clears: &str) {
        let mut lines: Vec<(Role, String)> = Vec::new();
        if self.hidden > 0 {
            lines.push((Role::Muted, format!("nothing matches `{}`", self.filter)));
            lines
                .push((Role::Muted, format!("{} hidden, {clears} clears the filter", text::count(self.hidden, "row"))));
        } else {
            for (role, line) in &self.content.says {
                let wrapped = text::wrap(line, usize::from(area.width.saturating_sub(MARGIN + 1)));
                lines.extend(wrapped.into_iter().map(|line| (*role, line)));
            }
        }
        for (offset, (role, line)) in lines.iter().take(usize::from(area.height)).enumerate() {
            let y = area.top() + u16::try_from(offset).unwrap_or(0);
            canvas.fitted(area.left() + MARGIN, y, area.width.saturating_sub(MARGIN + 1), line, Cut::End, *role);
        }
    }

    fn draw_headers(&self, canvas: &mut Canvas<'_>, line: Rect, Columns { widths, without }: Columns<'_>) {
        let mut x = line.left() + MARGIN;
        for (index, (column, width)) in self.content.columns.iter().zip(widths).enumerate() {
            if *width == 0 {
                continue;
            }
            let keys = self.sort.iter().chain(&self.then);
            let arrow = match keys.enumerate().find(|(_, (sorted, _))| *sorted == index) {
                None => String::new(),
                Some((at, (_, descending))) => {
                    let number = if self.then.is_empty() { String::new() } else { (at + 1).to_string() };
                    format!("{}{number}", if *descending { "↓" } else { "↑" })
                }
            };
            let name = text::fit(column.name, usize::from(*width), Cut::End);
            let shown = format!("{name}{arrow}");
            let pad = if column.align == Align::Right {
                width.saturating_sub(u16::try_from(text::width(&shown)).unwrap_or(0))
            } else {
                0
            };
            let used = canvas.text(
                x + pad,
                line.y,
                *width + u16::try_from(text::width(&arrow)).unwrap_or(0),
                &shown,
                Role::Heading,
            );
            if let Some(common) = self.common.as_ref().filter(|common| common.column == index) {
                let room = width.saturating_sub(used + 1);
                let said = common.said(without);
                // An ellipsis alone says nothing.
                if room > LEAST_SAID && !said.is_empty() {
                    canvas.fitted(x + used + 1, line.y, room, &said, Cut::End, Role::Muted);
                }
            }
            x += width + GAP;
        }
    }

    /// Whether children of the row at a place are shown.
    pub(super) fn is_shown_open(&self, place: usize) -> bool {
        let depth = |place: usize| self.visible.get(place).map(|index| self.content.rows[*index].depth);
        match self.kept.is_empty() {
            true => self.visible.get(place).is_some_and(|index| self.is_open(&self.content.rows[*index])),
            false => depth(place + 1) > depth(place),
        }
    }

    /// `goes_on`: the column of which there is more below.
    fn draw_row(
        &self,
        canvas: &mut Canvas<'_>,
        line: Rect,
        place: usize,
        Columns { widths, without }: Columns<'_>,
        goes_on: Option<usize>,
    ) {
        let row = &self.content.rows[self.visible[place]];
        self.draw_glyphs(canvas, line, place, row);
        let widths = self.widths_of_row(row, widths);
        let sides = self.sides_of(row, &widths);
        let mut x = line.left() + MARGIN;
        for (index, (cell, width)) in row.cells.iter().zip(&*widths).enumerate() {
            // A row of one cell is seen also where nothing else is in the columns.
            let is_alone = spans(row, self.content.columns.len());
            if *width == 0 && !is_alone {
                continue;
            }
            let mut at = x;
            let mut room =
                if is_alone { line.width.saturating_sub(MARGIN + 1) } else { self.reach(row, index, &widths) };
            if index == 0 && (row.depth > 0 || row.branch.is_some()) {
                let indent = (row.depth * 2).min(room.saturating_sub(4));
                at += indent;
                room -= indent;
                let glyph = match row.branch {
                    Some(_) if self.is_shown_open(place) => "▾ ",
                    Some(_) => "▸ ",
                    None => "",
                };
                let used = canvas.text(at, line.y, room, glyph, Role::Muted);
                at += used;
                room -= used;
            }
            let first = match goes_on == Some(index) {
                true => self.first_line(place, &widths, line.width.saturating_sub(MARGIN + 1)),
                false => None,
            };
            let side = sides.iter().find(|(at, _)| *at == index).map(|(_, side)| side);
            let short = self
                .common
                .as_ref()
                .filter(|common| common.column == index && without != Without::Nothing && !is_alone)
                .map(|common| common.short(cell, without));
            let cell = first.as_ref().or(side).or(short.as_ref()).unwrap_or(cell);
            self.draw_cell(canvas, Rect::new(at, line.y, room, 1), cell, &self.content.columns[index]);
            x += width + GAP;
        }
    }

    /// What is shown of the sides of a row, where one of them is cut.
    fn sides_of(&self, row: &Row<I>, widths: &[u16]) -> Vec<(usize, Cell)> {
        let columns = self.content.columns.iter().zip(&*row.cells).zip(widths).enumerate();
        let sides: Vec<(usize, Role, &str, usize)> = columns
            .filter(|(_, ((column, _), width))| column.is_side && **width > 0)
            .filter_map(|(at, ((_, cell), _))| match &cell.spans[..] {
                [Span { role, text, .. }] => Some((at, *role, text.as_str(), usize::from(self.reach(row, at, widths)))),
                _ => None,
            })
            .collect();
        let Some((first, ..)) =
            sides.first().filter(|_| sides.iter().any(|(.., text, room)| text::width(text) > *room))
        else {
            return Vec::new();
        };
        let (texts, rooms): (Vec<&str>, Vec<usize>) = sides.iter().map(|(.., text, room)| (*text, *room)).unzip();
        let shown = apart::fit(&texts, &rooms, self.content.columns[*first].cut);
        sides.iter().zip(shown).map(|((at, role, ..), shown)| (*at, Cell::new(*role, shown))).collect()
    }

    /// The row's own glyph, and the marks of what a person marked and of what changed; as many as have room before the cells.
    fn draw_glyphs(&self, canvas: &mut Canvas<'_>, line: Rect, place: usize, row: &Row<I>) {
        let marked = self.marks.contains(&row.id).then_some((Role::Focus, MARKED));
        let recent = self.recent.contains(&row.id).then_some((Role::Change, RECENT));
        // Beside the cursor one of them has room: the row says in words what its own glyph does.
        let has_cursor = place == self.cursor && !self.content.prose;
        let (glyphs, room) = match has_cursor {
            true => ([marked, recent, row.marker], 1),
            false => ([row.marker, marked, recent], MARGIN),
        };
        for ((role, glyph), x) in glyphs.into_iter().flatten().zip(line.left()..line.left() + room) {
            canvas.text(x, line.y, 1, glyph, role);
        }
    }

    fn draw_cell(&self, canvas: &mut Canvas<'_>, area: Rect, cell: &Cell, column: &Column) {
        let needed = cell.width();
        let room = usize::from(area.width);
        let skip = self.skipped(column);
        let shown = area.width.min(u16::try_from(needed.saturating_sub(skip)).unwrap_or(u16::MAX));
        let pad = if column.align == Align::Right && skip == 0 { area.width - shown } else { 0 };
        if let Some(target) = &cell.link {
            canvas.link(Rect { x: area.x + pad, width: shown, ..area }, target);
        }
        if needed <= room && skip == 0 {
            let mut x = area.x + pad;
            for Span { role, ink, text } in &cell.spans {
                x += canvas.inked(x, area.y, area.right() - x, text, (*role, *ink));
            }
            return;
        }
        if cell.is_spare
            && skip == 0
            && let Some((_, spans)) = cell.spans.split_last()
        {
            let rest = spans.iter().fold(Cell::default(), |rest, span| rest.and_inked(span.role, span.ink, &span.text));
            self.draw_cell(canvas, area, &rest, column);
            return;
        }
        if let ([was, arrow, becomes], true) = (&cell.spans[..], cell.is_change && skip == 0) {
            let [was, arrow, becomes] = [was, arrow, becomes].map(|span| (span.role, span.text.to_string()));
            let pieces = change(&was, &arrow, &becomes, room, column.cut);
            let mut x = area.x;
            for (role, text) in &pieces {
                x += canvas.text(x, area.y, area.right() - x, text, *role);
            }
            return;
        }
        if let [Span { role, ink, text }] = &cell.spans[..] {
            let fitted = text::fit(text::skip(text, skip), usize::from(area.width), column.cut);
            canvas.inked(area.x, area.y, area.width, &fitted, (*role, *ink));
            return;
        }
        let (mut x, mut skip) = (area.x, skip);
        for Span { role, ink, text } in &cell.spans {
            let shown = text::skip(text, skip);
            skip = skip.saturating_sub(text::width(text));
            x += canvas.inked(x, area.y, area.right() - x, shown, (*role, *ink));
        }
        if needed > room + self.skipped(column) && x == area.right() {
            canvas.text(area.right() - 1, area.y, 1, "…", Role::Muted);
        }
    }
}

/// What is left of an area below so many lines.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// How cells are shown: the width of each column, and what names are shown without.
#[derive(Clone, Copy)]
struct Columns<'w> {
    widths: &'w [u16],
    without: Without,
}

/// Columns for the cells of a row.
fn text_width(area: Rect) -> u16 {
    area.width.saturating_sub(MARGIN + 1)
}

/// Lines that the row of a place takes.
fn lines_of(spread: &Spread, place: usize) -> u16 {
    let more = spread.more.get(&place).map_or(0, |(_, lines)| lines.len());
    u16::try_from(more).unwrap_or(u16::MAX).saturating_add(1)
}

/// Where the terminal's cursor is on a row at the top of an area.
fn selected_in(area: Rect) -> Position {
    Position::new(area.left() + 1, area.top())
}

/// A piece of a change with its role.
type Piece = (Role, String);

/// What something was and what it becomes, in fewer columns than both take; where there are few, only what it becomes.
fn change(was: &Piece, arrow: &Piece, becomes: &Piece, room: usize, cut: Cut) -> Vec<Piece> {
    let left = room.saturating_sub(text::width(&arrow.1));
    let widths = [text::width(&was.1), text::width(&becomes.1)];
    // What one leaves of its half, the other takes.
    let first = left.div_ceil(2).max(left.saturating_sub(widths[1])).min(widths[0]);
    let rooms = [first, left - first];
    let is_too_narrow = |(room, width): (&usize, usize)| *room < width && *room < LEAST;
    if rooms.iter().zip(widths).any(is_too_narrow) {
        let arrow = arrow.1.trim_start().to_owned();
        let left = room.saturating_sub(text::width(&arrow));
        return vec![(Role::Muted, arrow), (becomes.0, text::fit(&becomes.1, left, cut).into_owned())];
    }
    let texts = apart::fit(&[&was.1, &becomes.1], &rooms, cut).into_iter().map(std::borrow::Cow::into_owned);
    let mut spans: Vec<Piece> = [was.0, becomes.0].into_iter().zip(texts).collect();
    spans.insert(1, arrow.clone());
    spans
}

/// Columns below which a value that is cut says nothing.
const LEAST: usize = 5;

/// Columns that what names have in common needs at least in a header.
const LEAST_SAID: u16 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_something_becomes_is_not_cut_for_what_it_was() {
        let shown = |was: &str, becomes: &str, room: usize| {
            let span = |text: &str| (Role::Text, text.to_owned());
            let spans = change(&span(was), &span(" → "), &span(becomes), room, Cut::End);
            let shown: String = spans.into_iter().map(|(_, text)| text).collect();
            assert!(text::width(&shown) <= room, "{shown}");
            shown
        };
        assert_eq!(shown("components/gpu-operator/values.yaml", "true", 20), "components/g… → true");
        assert_eq!(shown("true", "components/gpu-operator/values.yaml", 20), "true → components/g…");
        assert_eq!(shown("nvcr.io/nvidia/a-driver", "nvcr.io/nvidia/b-driver", 21), "…a-driver → …b-driver");
        assert_eq!(shown("components/one.yaml", "components/two.yaml", 10), "→ compone…");
    }
}
