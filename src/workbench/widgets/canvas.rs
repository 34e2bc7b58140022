//! A buffer that is painted by roles: text, lines, boxes; and the table that turns a frame into ASCII.

use super::text::{self, Cut};
use crate::{
    term::{
        damage::Damage,
        link::{Link, Target},
    },
    text::color::Ink,
    workbench::theme::{self, Role, Theme},
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::{Position, Rect},
    style::{Color, Style},
};

/// Where one frame is painted.
pub struct Canvas<'f> {
    pub buffer: &'f mut Buffer,
    pub theme: &'f Theme,
    /// Parts of lines that lead somewhere.
    pub links: Vec<Link>,
    /// Where what keys act on begins: the selected row of the panel with the focus, or the chosen answer.
    pub selected: Option<Position>,
    /// What was painted on.
    pub damage: Damage,
}

impl<'f> Canvas<'f> {
    pub fn new(buffer: &'f mut Buffer, theme: &'f Theme) -> Canvas<'f> {
        Canvas { buffer, theme, links: Vec::new(), selected: None, damage: Damage::default() }
    }

    /// A part of a line leads somewhere.
    pub fn link(&mut self, area: Rect, target: &Target) {
        let area = area.intersection(self.buffer.area);
        if !area.is_empty() {
            self.links.push(Link { area, target: target.clone() });
        }
    }

    /// Writes text from a place, at most `columns`; returns the columns used.
    pub fn text(&mut self, x: u16, y: u16, columns: u16, content: &str, role: Role) -> u16 {
        self.styled(x, y, columns, content, self.theme.style(role))
    }

    /// The same in the colors that a program printed it in.
    pub fn inked(&mut self, x: u16, y: u16, columns: u16, content: &str, (role, ink): (Role, Ink)) -> u16 {
        self.styled(x, y, columns, content, self.theme.inked(role, ink))
    }

    fn styled(&mut self, x: u16, y: u16, columns: u16, content: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() || x >= area.right() || columns == 0 {
            return 0;
        }
        let columns = columns.min(area.right() - x);
        // Whatever way a text came here, nothing unescaped is painted.
        let content = text::clean(content);
        let shown = text::head(&content, usize::from(columns));
        if !text::is_plain(shown) {
            let (end, _) = self.buffer.set_stringn(x, y, shown, usize::from(columns), style);
            self.damage.add(Rect::new(x, y, end - x, 1));
            return end - x;
        }
        let begin = self.buffer.index_of(x, y);
        let cells = &mut self.buffer.content[begin..begin + usize::from(columns)];
        let mut used = 0;
        for (symbol, cell) in shown.chars().zip(cells) {
            cell.set_char(symbol).set_style(style);
            used += 1;
        }
        self.damage.add(Rect::new(x, y, used, 1));
        used
    }

    /// As [`Canvas::text`], with an ellipsis where something had to go.
    pub fn fitted(&mut self, x: u16, y: u16, columns: u16, content: &str, cut: Cut, role: Role) -> u16 {
        let content = text::clean(content);
        let fitted = text::fit(&content, usize::from(columns), cut);
        self.text(x, y, columns, &fitted, role)
    }

    /// Text that ends at the right edge of an area's row.
    pub fn right(&mut self, area: Rect, y: u16, content: &str, role: Role) {
        let content = text::clean(content);
        let columns = u16::try_from(text::width(&content)).unwrap_or(u16::MAX).min(area.width);
        self.text(area.right() - columns, y, columns, &content, role);
    }

    /// Paints over what is there.
    pub fn fill(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.buffer.area);
        let mut blank = Cell::new(" ");
        blank.set_style(self.theme.base().patch(self.theme.style(role)));
        // Half a link would lead to what is not seen.
        self.links.retain(|link| link.area.intersection(area).is_empty());
        self.cover(area, &blank);
    }

    /// Takes away what was painted there in the frame before.
    pub fn blank(&mut self, area: Rect) {
        let mut blank = Cell::EMPTY;
        blank.set_style(self.theme.base());
        self.cover(area, &blank);
    }

    fn cover(&mut self, area: Rect, with: &Cell) {
        let area = area.intersection(self.buffer.area);
        // A terminal can be lines without a column.
        if area.is_empty() {
            return;
        }
        self.damage.add(area);
        for y in area.top()..area.bottom() {
            let begin = self.buffer.index_of(area.left(), y);
            self.buffer.content[begin..begin + usize::from(area.width)].fill(with.clone());
        }
    }

    /// Lays the cursor bar over what is written there: glyphs stay, and so do colors that mean something and can be read
    /// on the ground of the bar.
    pub fn select(&mut self, area: Rect) {
        let (style, plain) = (self.theme.style(Role::Selection), self.theme.base().fg);
        let area = area.intersection(self.buffer.area);
        self.damage.add(area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut self.buffer[(x, y)];
                let color = cell.fg;
                let keeps = Some(color) != plain && style.bg.is_some_and(|ground| theme::is_readable(color, ground));
                cell.set_style(style);
                if keeps {
                    cell.set_fg(color);
                }
            }
        }
    }

    /// Lays a role over parts of what a line shows; `find` names them by their bytes.
    pub fn mark(&mut self, line: Rect, role: Role, find: impl Fn(&str) -> Vec<std::ops::Range<usize>>) {
        let line = line.intersection(self.buffer.area);
        let mut shown = String::new();
        let mut columns = Vec::new();
        for x in line.left()..line.right() {
            let symbol = self.buffer[(x, line.y)].symbol();
            columns.extend(std::iter::repeat_n(x, symbol.len()));
            shown.push_str(symbol);
        }
        let style = self.theme.style(role);
        for range in find(&shown) {
            let (Some(from), Some(to)) = (columns.get(range.start), columns.get(range.end - 1)) else { continue };
            let found = Rect::new(*from, line.y, to - from + 1, 1);
            self.damage.add(found);
            self.buffer.set_style(found, style);
        }
    }

    /// A box with a title at the left and a note at the right of its upper edge; heavy lines mean focus.
    pub fn frame<'n>(&mut self, area: Rect, title: &str, note: impl Into<Note<'n>>, focused: bool) {
        self.sides(area, focused);
        self.ends(area, title, note, focused);
    }

    /// The left and the right edge of a box.
    pub fn sides(&mut self, area: Rect, focused: bool) {
        if area.width < 2 || area.height < 2 {
            return;
        }
        let (lines, role) = edge(focused);
        for y in area.top() + 1..area.bottom() - 1 {
            self.text(area.left(), y, 1, lines.side, role);
            self.text(area.right() - 1, y, 1, lines.side, role);
        }
    }

    /// The upper and the lower edge of a box, with its title and its note.
    pub fn ends<'n>(&mut self, area: Rect, title: &str, note: impl Into<Note<'n>>, focused: bool) {
        let Note { text: note, least, role: note_role } = note.into();
        if area.width < 2 || area.height < 2 {
            return;
        }
        let (lines, role) = edge(focused);
        let inner = usize::from(area.width - 2);
        let (left, right) = (area.left(), area.right() - 1);
        for (y, [from, line, to]) in [(area.top(), lines.top), (area.bottom() - 1, lines.bottom)] {
            self.text(left, y, area.width, &format!("{from}{}{to}", line.repeat(inner)), role);
        }
        let (title, note) = (text::clean(title), text::clean(note));
        let room = area.width.saturating_sub(4);
        let note_columns = u16::try_from(text::width(&note)).unwrap_or(u16::MAX);
        let title_columns = u16::try_from(text::width(&title)).unwrap_or(u16::MAX);
        // The title is not cut for its note, but for the start of one that must not be missed, and then by half at most.
        let least = if note_columns > least && least > 0 { least + 1 } else { least };
        let least = least.min(room / 2).max(room.saturating_sub(title_columns + 3));
        let note_room = if note.is_empty() { 0 } else { note_columns.min(least) };
        let title_role = if focused { Role::Focus } else { Role::Title };
        if !title.is_empty() && room > 2 {
            let columns = title_columns.min(room.saturating_sub(if note_room > 0 { note_room + 3 } else { 0 }));
            self.text(left + 1, area.top(), 1, " ", role);
            let used = self.fitted(left + 2, area.top(), columns, &title, Cut::End, title_role);
            self.text(left + 2 + used, area.top(), 1, " ", role);
        }
        if note_room >= 4 {
            let fitted = text::fit(&note, usize::from(note_room), Cut::End).into_owned();
            let from = right - 2 - u16::try_from(text::width(&fitted)).unwrap_or(0);
            self.text(from, area.top(), note_room + 2, &format!(" {fitted} "), note_role);
        }
    }
}

/// What the edges of a box are made of.
fn edge(focused: bool) -> (&'static Lines, Role) {
    if focused { (&HEAVY, Role::Focus) } else { (&LIGHT, Role::Border) }
}

/// What is at the right of a title.
#[derive(Clone, Copy, Debug)]
pub struct Note<'n> {
    pub text: &'n str,
    /// Columns of its start that must not be missed.
    pub least: u16,
    pub role: Role,
}

impl<'n> From<&'n str> for Note<'n> {
    fn from(text: &'n str) -> Note<'n> {
        Note { text, least: 0, role: Role::Muted }
    }
}

struct Lines {
    top: [&'static str; 3],
    bottom: [&'static str; 3],
    side: &'static str,
}

const LIGHT: Lines = Lines { top: ["┌", "─", "┐"], bottom: ["└", "─", "┘"], side: "│" };
const HEAVY: Lines = Lines { top: ["┏", "━", "┓"], bottom: ["┗", "━", "┛"], side: "┃" };

/// Our glyphs and what stands for them where only ASCII can be shown. Each is one column wide.
pub const GLYPHS: &[(&str, &str)] = &[
    ("✓", "+"),
    ("✗", "X"),
    ("»", ">"),
    ("⊘", "o"),
    ("◌", "."),
    ("…", "~"),
    ("▸", ">"),
    ("▾", "v"),
    ("›", ">"),
    ("→", ">"),
    ("←", "<"),
    ("↑", "^"),
    ("↓", "v"),
    ("·", "."),
    ("—", "-"),
    ("–", "-"),
    ("≥", ">"),
    ("×", "x"),
    ("█", "#"),
    ("░", "."),
    ("▌", "|"),
    ("▪", "@"),
    ("┌", "+"),
    ("┐", "+"),
    ("└", "+"),
    ("┘", "+"),
    ("─", "-"),
    ("│", "|"),
    ("├", "+"),
    ("┤", "+"),
    ("┏", "#"),
    ("┓", "#"),
    ("┗", "#"),
    ("┛", "#"),
    ("━", "="),
    ("┃", "#"),
];

/// Replaces what is not ASCII: our glyphs by the table, anything else by `?`.
pub fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let replacement = GLYPHS.iter().find(|(glyph, _)| *glyph == cell.symbol()).map_or("?", |(_, ascii)| *ascii);
        cell.set_symbol(replacement);
    }
}

/// Whether a style says anything that a terminal shows; for the style layer of golden frames.
pub fn is_plain(style: Style, theme: &Theme) -> bool {
    let base = theme.base();
    let ground = |color: Option<Color>| color.filter(|color| *color != Color::Reset);
    ground(style.fg) == ground(base.fg)
        && ground(style.bg) == ground(base.bg)
        && style.add_modifier == base.add_modifier
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::color::Level;
    use unicode_segmentation::UnicodeSegmentation;

    #[test]
    fn glyphs_are_one_column_and_so_are_their_replacements() {
        for (glyph, ascii) in GLYPHS {
            assert_eq!(text::width(glyph), 1, "{glyph}");
            assert!(ascii.is_ascii() && ascii.len() == 1);
            assert!(text::is_plain(glyph), "{glyph} is painted the slow way");
        }
    }

    #[test]
    fn plain_text_is_painted_as_the_library_paints_it() {
        let theme = theme::load("mono", Level::None).unwrap();
        let lines = [
            "",
            "gpu-operator  v26.7.1",
            "┏━ nodes ━━━ 12 not ready… ┓",
            "日本 é\u{301} 👩‍🔬!",
            "✓\u{fe0f} ok",
            "a ▸ b → c × d",
        ];
        for (line, columns, x) in
            lines.iter().flat_map(|line| (0..30).flat_map(move |c| [(*line, c, 0), (*line, c, 7)]))
        {
            let (mut ours, mut library) =
                (Buffer::empty(Rect::new(0, 0, 24, 1)), Buffer::empty(Rect::new(0, 0, 24, 1)));
            let used = Canvas::new(&mut ours, &theme).text(x, 0, columns, line, Role::Fail);
            let room = usize::from(columns.min(24 - x));
            let cut: String = line
                .graphemes(true)
                .scan(0, |used, grapheme| {
                    *used += text::width(grapheme);
                    (*used <= room).then_some(grapheme)
                })
                .collect();
            let (end, _) = library.set_stringn(x, 0, cut, room, theme.style(Role::Fail));
            assert_eq!((&ours, used), (&library, end - x), "{line} in {columns} from {x}");
        }
    }

    #[test]
    fn plain_characters_stand_alone_in_one_column() {
        let plain: String = ('\0'..='\u{ffff}').filter(|c| text::is_plain(c.encode_utf8(&mut [0; 4]))).collect();
        assert!(plain.chars().count() > 95 + 160);
        for pair in plain.chars().zip(plain.chars().skip(1)).map(|(one, two)| format!("{one}{two}")) {
            assert_eq!((text::width(&pair), pair.graphemes(true).count()), (2, 2), "{pair:?}");
        }
        assert!(!text::is_plain("e\u{301}") && !text::is_plain("\t") && !text::is_plain("日"));
    }

    #[test]
    fn the_title_gives_way_to_what_must_not_be_missed_and_to_nothing_else() {
        let theme = theme::load("mono", Level::None).unwrap();
        let edge = |note: Note<'_>| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 3));
            Canvas::new(&mut buffer, &theme).frame(buffer_area(), "nodes 8 of 5,000: 8x H100, driver 550", note, false);
            (0..40).map(|x| buffer[(x, 0)].symbol()).collect::<String>()
        };
        let text = "4 hidden, 8 matches  /h100";
        assert_eq!(edge(text.into()), "┌ nodes 8 of 5,000: 8x H100, driver 5… ┐");
        let edge = edge(Note { text, least: 8, role: Role::Muted });
        assert!(edge.starts_with("┌ nodes 8 of 5,000") && edge.ends_with(" 4 hidden… ┐"), "{edge}");
    }

    fn buffer_area() -> Rect {
        Rect::new(0, 0, 40, 3)
    }

    #[test]
    fn painting_outside_the_frame_does_nothing() {
        let theme = theme::load("mono", Level::None).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 2));
        let mut canvas = Canvas::new(&mut buffer, &theme);
        assert_eq!(canvas.text(4, 0, 10, "日本", Role::Text), 0);
        assert_eq!(canvas.text(9, 9, 10, "x", Role::Text), 0);
        canvas.fill(Rect::new(3, 1, 9, 9), Role::Selection);
        canvas.frame(Rect::new(0, 0, 5, 2), "long title", "note", true);
    }
}
