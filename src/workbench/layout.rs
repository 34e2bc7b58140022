//! Where everything goes: one pure function from a size, a zoom and the places that panes ask for to rectangles that do not
//! overlap; and from borders that a person moved.
//!
//! A pane states its place for each breakpoint; nothing here knows which panes there are. Panels are dropped as space
//! shrinks, screens never; the context line is the last thing to go.

use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// How much room the focused panel takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zoom {
    #[default]
    Normal,
    Half,
    Full,
}

impl Zoom {
    pub fn larger(self) -> Zoom {
        if self == Zoom::Normal { Zoom::Half } else { Zoom::Full }
    }

    pub fn smaller(self) -> Zoom {
        if self == Zoom::Full { Zoom::Half } else { Zoom::Normal }
    }
}

/// The breakpoints, from the smallest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Below 20x5: the context line and what size is needed.
    Nothing,
    /// Below 40x10: one panel without borders.
    Bare,
    /// Below 80 columns or 24 rows: one panel.
    One,
    /// Below 120 columns: master over detail.
    Two,
    /// From 24 rows, and rows above 0.45 of the columns: panels stacked.
    Portrait,
    /// 120 columns, fewer than 40 rows: columns, without the lower panels.
    Short,
    /// From 120x40: two columns.
    Four,
    /// From 200x60: three columns and a strip.
    All,
}

pub fn class(width: u16, height: u16) -> Class {
    if width < 20 || height < 5 {
        Class::Nothing
    } else if width < 40 || height < 10 {
        Class::Bare
    } else if height >= 24 && f32::from(height) > 0.45 * f32::from(width) {
        Class::Portrait
    } else if width < 80 || height < 24 {
        Class::One
    } else if width < 120 {
        Class::Two
    } else if height < 40 {
        Class::Short
    } else if width < 200 || height < 60 {
        Class::Four
    } else {
        Class::All
    }
}

impl Class {
    pub const ALL: [Class; 8] =
        [Class::Nothing, Class::Bare, Class::One, Class::Two, Class::Portrait, Class::Short, Class::Four, Class::All];

    /// The breakpoint of a name.
    pub fn named(name: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.name() == name)
    }

    /// Columns that a frame of it has at least, where panels stand beside each other.
    fn columns(self) -> u16 {
        if self == Class::All { 200 } else { 120 }
    }

    /// In what is written down.
    pub fn name(self) -> &'static str {
        match self {
            Class::Nothing => "nothing",
            Class::Bare => "bare",
            Class::One => "one",
            Class::Two => "two",
            Class::Portrait => "portrait",
            Class::Short => "short",
            Class::Four => "four",
            Class::All => "all",
        }
    }
}

/// A border between two panels that can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Border {
    /// Between two that lie over each other in a small frame.
    Detail,
    /// Above the strip.
    Strip,
    /// At the right of a column.
    Column(u8),
    /// Below a panel: its column, its row.
    Row(u8, u8),
}

impl Border {
    /// The border of a name.
    pub fn named(name: &str) -> Option<Border> {
        let mut parts = name.split('-');
        let word = parts.next()?;
        let mut number = || parts.next()?.parse().ok();
        match word {
            "detail" => Some(Border::Detail),
            "strip" => Some(Border::Strip),
            "column" => Some(Border::Column(number()?)),
            "row" => Some(Border::Row(number()?, number()?)),
            _ => None,
        }
    }

    /// In what is written down.
    pub fn name(self) -> String {
        match self {
            Border::Detail => "detail".to_owned(),
            Border::Strip => "strip".to_owned(),
            Border::Column(column) => format!("column-{column}"),
            Border::Row(column, row) => format!("row-{column}-{row}"),
        }
    }
}

/// By how many cells borders were moved to the right or down, in the frames of one screen and breakpoint.
pub type Moved = BTreeMap<Border, i32>;

/// A border where it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub border: Border,
    /// The last cells of the panel before it and the first ones of the panel behind it.
    pub area: Rect,
    /// Its panels are side by side.
    pub upright: bool,
    /// By how many cells it is moved; no more than its panels have room for.
    pub moved: i32,
}

impl Edge {
    fn upright(border: Border, x: u16, body: Rect, moved: i32) -> Edge {
        Edge { border, area: Rect { x: x.saturating_sub(1), width: 2, ..body }, upright: true, moved }
    }

    fn level(border: Border, y: u16, body: Rect, moved: i32) -> Edge {
        Edge { border, area: Rect { y: y.saturating_sub(1), height: 2, ..body }, upright: false, moved }
    }
}

/// Columns and lines that a moved border leaves to a panel.
const LEAST: (u16, u16) = (20, 4);

/// Lines that a moved strip leaves to the panels above it.
const ABOVE_STRIP: u16 = 20;

/// Moves what is between two neighbors; by how much it was.
fn shift(lengths: &mut [u16], at: usize, by: i32, least: u16) -> i32 {
    let [one, next] = &mut lengths[at..at + 2] else { return 0 };
    let room = |length: u16| i32::from(length.saturating_sub(least));
    let by = by.clamp(-room(*one), room(*next));
    let shifted = |length: u16, by: i32| u16::try_from(i32::from(length) + by).unwrap_or(length);
    (*one, *next) = (shifted(*one, by), shifted(*next, -by));
    by
}

/// Lines of a panel: `lines`, but at most a part of the room; none ask for what the others leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Height {
    lines: u16,
    part: (u16, u16),
}

impl Height {
    const REST: Height = Height { lines: 0, part: (1, 1) };

    fn of(self, room: u16) -> u16 {
        let (parts, of) = self.part;
        self.lines.min(u16::try_from(u32::from(room) * u32::from(parts) / u32::from(of.max(1))).unwrap_or(u16::MAX))
    }
}

/// A place in the columns of a screen, or in the strip below them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// From the left; [`STRIP`] is the strip over the whole width.
    column: u8,
    /// Of the column; 0 is what the others leave. The widest wish of a column counts.
    width: u16,
    /// From the top.
    row: u8,
    height: Height,
    /// Takes the place from its other pane only while it has the focus.
    on_focus: bool,
}

const STRIP: u8 = u8::MAX;

/// The top of a column, as wide as that; 0 for what the others leave.
pub const fn column(column: u8, width: u16) -> Slot {
    Slot { column, width, row: 0, height: Height::REST, on_focus: false }
}

/// Below the columns, over the whole width.
pub const fn strip(lines: u16) -> Slot {
    column(STRIP, 0).lines(lines)
}

impl Slot {
    pub const fn row(mut self, row: u8) -> Slot {
        self.row = row;
        self
    }

    pub const fn lines(mut self, lines: u16) -> Slot {
        self.height = Height { lines, part: (1, 1) };
        self
    }

    /// A part of the room.
    pub const fn part(mut self, parts: u16, of: u16) -> Slot {
        self.height = Height { lines: u16::MAX, part: (parts, of) };
        self
    }

    /// After [`Slot::part`]: not more lines than that.
    pub const fn at_most(mut self, lines: u16) -> Slot {
        self.height.lines = lines;
        self
    }

    pub const fn on_focus(mut self) -> Slot {
        self.on_focus = true;
        self
    }
}

/// Where a pane goes, by breakpoint. Without a place it is shown only while it has the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Lines below the main pane, where two panes are shown.
    detail: Option<u16>,
    /// In a portrait frame it takes no more lines than in a landscape one.
    stays_small: bool,
    short: Option<Slot>,
    four: Option<Slot>,
    all: Option<Slot>,
}

impl Place {
    pub const NONE: Place = Place { detail: None, stays_small: false, short: None, four: None, all: None };

    /// What is selected in the main pane, in full: so many lines below it.
    pub const fn detail(mut self, lines: u16) -> Place {
        self.detail = Some(lines);
        self
    }

    pub const fn stays_small(mut self) -> Place {
        self.stays_small = true;
        self
    }

    pub const fn short(mut self, slot: Slot) -> Place {
        self.short = Some(slot);
        self
    }

    pub const fn four(mut self, slot: Slot) -> Place {
        self.four = Some(slot);
        self
    }

    pub const fn all(mut self, slot: Slot) -> Place {
        self.all = Some(slot);
        self
    }

    fn slot(&self, class: Class) -> Option<Slot> {
        match class {
            Class::Short => self.short,
            Class::Four => self.four,
            Class::All => self.all,
            _ => None,
        }
    }
}

/// Whether a pane is there at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Shown,
    Hidden,
    /// Without the other panes, where it has no slot of its own.
    Alone,
    /// Where it has a slot of its own, and nowhere else.
    InPlace,
}

impl Presence {
    /// Whether a pane of that place is there at a breakpoint.
    pub fn is_there(self, place: &Place, class: Class) -> bool {
        match self {
            Presence::Hidden => false,
            Presence::InPlace => place.slot(class).is_some(),
            Presence::Shown | Presence::Alone => true,
        }
    }
}

/// A pane of the screen, as far as the layout needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<T> {
    pub id: T,
    pub place: Place,
    pub presence: Presence,
}

/// What decides the layout besides the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape<T> {
    pub width: u16,
    pub height: u16,
    pub focus: T,
    pub zoom: Zoom,
    /// The last line lists keys.
    pub hints: bool,
    /// A line says which moment of the cluster is shown.
    pub time: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Layout<T> {
    pub class: Class,
    /// Tabs and, where there is no second line, the context.
    pub top: Rect,
    /// How everything stands, in words; where there is no room, it is said in place of messages.
    pub health: Option<Rect>,
    /// Criteria, where there is room for a line of their own.
    pub context: Option<Rect>,
    /// Which moment of the cluster is shown.
    pub time: Option<Rect>,
    pub panels: Vec<(T, Rect)>,
    /// Borders that can be moved.
    pub edges: Vec<Edge>,
    pub borders: bool,
    pub message: Option<Rect>,
    pub hint: Option<Rect>,
}

impl<T: Copy + PartialEq> Layout<T> {
    /// The inside of a panel, without its border.
    pub fn inner(&self, area: Rect) -> Rect {
        if !self.borders {
            return area;
        }
        Rect {
            x: area.x + 1.min(area.width),
            y: area.y + 1.min(area.height),
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(2),
        }
    }

    pub fn panel(&self, pane: T) -> Option<Rect> {
        self.panels.iter().find(|(id, _)| *id == pane).map(|(_, area)| *area)
    }
}

/// Lays out the panes of a screen, the main one first.
pub fn layout<T: Copy + PartialEq>(shape: Shape<T>, panes: &[Candidate<T>], moved: &Moved) -> Layout<T> {
    let Shape { width, height, .. } = shape;
    let class = class(width, height);
    let line = |y: u16| Rect::new(0, y, width, 1.min(height.saturating_sub(y)));
    let mut layout = Layout {
        class,
        top: line(0),
        health: None,
        context: None,
        time: None,
        panels: Vec::new(),
        edges: Vec::new(),
        borders: class > Class::Bare,
        message: None,
        hint: None,
    };
    if class == Class::Nothing {
        return layout;
    }
    let mut top = 1;
    if height >= 24 && width >= 80 {
        layout.health = Some(line(top));
        top += 1;
    }
    if height >= 40 && width >= 80 {
        layout.context = Some(line(top));
        top += 1;
    }
    if shape.time && class > Class::Bare {
        layout.time = Some(line(top));
        top += 1;
    }
    let mut bottom = height;
    if shape.hints {
        bottom -= 1;
        layout.hint = Some(line(bottom));
    }
    if class > Class::Bare {
        bottom -= 1;
        layout.message = Some(line(bottom));
    }
    let body = Rect::new(0, top, width, bottom.saturating_sub(top));
    (layout.panels, layout.edges) = panels(class, shape, panes, body, moved);
    if layout.panel(shape.focus).is_none()
        && let Some(last) = layout.panels.last_mut()
    {
        last.0 = shape.focus;
    }
    layout.panels.retain(|(_, area)| area.width > 0 && area.height > 0);
    layout
}

/// Panels with their places, and the borders between them.
type Placed<T> = (Vec<(T, Rect)>, Vec<Edge>);

fn panels<T: Copy + PartialEq>(
    class: Class,
    shape: Shape<T>,
    panes: &[Candidate<T>],
    body: Rect,
    moved: &Moved,
) -> Placed<T> {
    let focus = shape.focus;
    if shape.zoom == Zoom::Full || class <= Class::One {
        return (vec![(focus, body)], Vec::new());
    }
    let shown: Vec<&Candidate<T>> = panes.iter().filter(|pane| pane.presence.is_there(&pane.place, class)).collect();
    if shape.zoom == Zoom::Normal
        && let Some(alone) =
            shown.iter().find(|pane| pane.presence == Presence::Alone && pane.place.slot(class).is_none())
    {
        return (vec![(alone.id, body)], Vec::new());
    }
    // Of several details the last one is the most special: what-if before ladder.
    let detail = shown.iter().rev().find(|pane| pane.place.detail.is_some());
    let (Some(main), Some(detail)) = (shown.first(), detail) else { return (vec![(focus, body)], Vec::new()) };
    let at_focus = |instead: T| if focus == detail.id { instead } else { focus };
    if shape.zoom == Zoom::Half {
        let lengths = share(body.height, &[0, body.height * 2 / 5]);
        let [large, small] = rows(body, &lengths);
        let other = if focus == detail.id { main.id } else { detail.id };
        return (vec![(focus, large), (other, small)], Vec::new());
    }
    if matches!(class, Class::Two | Class::Portrait) {
        let lines = detail.place.detail.unwrap_or_default();
        let tall = class == Class::Portrait && !detail.place.stays_small;
        let mut lengths = share(body.height, &[0, if tall { body.height - body.height * 2 / 5 } else { lines }]);
        let by = shift(&mut lengths, 0, moved.get(&Border::Detail).copied().unwrap_or_default(), LEAST.1);
        let [above, below] = rows(body, &lengths);
        let edge = Edge::level(Border::Detail, below.y, body, by);
        return (vec![(at_focus(main.id), above), (detail.id, below)], vec![edge]);
    }
    in_columns(taken(class, focus, &shown), body, class.columns(), moved)
}

/// Which pane takes which slot: of several the focused one, else the last that does not wait for the focus.
fn taken<T: Copy + PartialEq>(class: Class, focus: T, shown: &[&Candidate<T>]) -> Vec<(Slot, T)> {
    let mut taken: Vec<(Slot, T)> = Vec::new();
    for pane in shown {
        let Some(slot) = pane.place.slot(class) else { continue };
        let focused = pane.id == focus;
        if slot.on_focus && !focused {
            continue;
        }
        match taken.iter_mut().find(|(known, _)| (known.column, known.row) == (slot.column, slot.row)) {
            Some((_, other)) if *other == focus => {}
            Some(other) => *other = (slot, pane.id),
            None => taken.push((slot, pane.id)),
        }
    }
    taken.sort_by_key(|(slot, _)| (slot.column, slot.row));
    taken
}

/// Columns from the left, the strip below them. In a frame wider than the breakpoint's `least` each has the same part of what
/// is more.
fn in_columns<T: Copy>(taken: Vec<(Slot, T)>, body: Rect, least: u16, moved: &Moved) -> Placed<T> {
    let mut edges = Vec::new();
    let by = |border: Border| moved.get(&border).copied().unwrap_or_default();
    let strip: u16 =
        taken.iter().filter(|(slot, _)| slot.column == STRIP).map(|(slot, _)| slot.height.of(body.height)).sum();
    let [body, below] = if strip > 0 {
        let mut lengths = share(body.height, &[0, strip]);
        // Above it panels with a height of their own and one that takes what they leave may stand over each other.
        let most = i32::from(lengths[0].saturating_sub(ABOVE_STRIP));
        let moved = shift(&mut lengths, 0, by(Border::Strip).max(-most), LEAST.1);
        let parts = rows(body, &lengths);
        edges.push(Edge::level(Border::Strip, parts[1].y, body, moved));
        parts
    } else {
        [body, Rect::ZERO]
    };
    let columns: Vec<&[(Slot, T)]> = taken.chunk_by(|(one, _), (next, _)| one.column == next.column).collect();
    let upright = columns.iter().filter(|panes| panes[0].0.column != STRIP);
    let count = u16::try_from(upright.clone().count()).unwrap_or(u16::MAX).max(1);
    let more = body.width.saturating_sub(least) / count;
    let width = |panes: &&[(Slot, T)]| panes.iter().map(|(slot, _)| slot.width).max().unwrap_or_default();
    let widths: Vec<u16> = upright.clone().map(width).map(|width| if width == 0 { 0 } else { width + more }).collect();
    let mut lengths = share(body.width, &widths);
    let mut areas = Vec::new();
    let mut x = body.x;
    for (at, panes) in upright.enumerate() {
        if at + 1 < lengths.len() {
            let border = Border::Column(panes[0].0.column);
            let moved = shift(&mut lengths, at, by(border), LEAST.0);
            edges.push(Edge::upright(border, x + lengths[at], body, moved));
        }
        areas.push(Rect { x, width: lengths[at], ..body });
        x += lengths[at];
    }
    areas.push(below);
    let mut panels = Vec::new();
    for (panes, area) in columns.into_iter().zip(areas) {
        let height = |slot: &Slot| if slot.column == STRIP { 0 } else { slot.height.of(area.height) };
        let heights: Vec<u16> = panes.iter().map(|(slot, _)| height(slot)).collect();
        let mut lengths = share(area.height, &heights);
        let mut y = area.y;
        for (at, (slot, id)) in panes.iter().enumerate() {
            if at + 1 < lengths.len() {
                let border = Border::Row(slot.column, slot.row);
                let moved = shift(&mut lengths, at, by(border), LEAST.1);
                edges.push(Edge::level(border, y + lengths[at], area, moved));
            }
            panels.push((*id, Rect { y, height: lengths[at], ..area }));
            y += lengths[at];
        }
    }
    (panels, edges)
}

/// Two parts of an area from top to bottom.
fn rows(area: Rect, heights: &[u16]) -> [Rect; 2] {
    let above = heights.first().copied().unwrap_or_default();
    let below = heights.get(1).copied().unwrap_or_default();
    [Rect { height: above, ..area }, Rect { y: area.y + above, height: below, ..area }]
}

/// Lengths out of a room; the first that asks for nothing takes what is left.
fn share(room: u16, wanted: &[u16]) -> Vec<u16> {
    let mut left = room;
    let mut lengths: Vec<u16> = wanted
        .iter()
        .map(|length| {
            let length = (*length).min(left);
            left -= length;
            length
        })
        .collect();
    if let Some(open) = wanted.iter().position(|length| *length == 0) {
        lengths[open] = left;
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_moved_no_further_than_its_panels_have_room() {
        for (by, expected, moved) in [(0, [30, 50], 0), (-5, [25, 55], -5), (99, [60, 20], 30), (-99, [20, 60], -10)] {
            let mut lengths = vec![30, 50];
            assert_eq!((shift(&mut lengths, 0, by, 20), &lengths[..]), (moved, &expected[..]), "{by}");
        }
        // One that is smaller than that stays as it is.
        let mut lengths = vec![10, 12];
        assert_eq!((shift(&mut lengths, 0, 5, 20), lengths), (0, vec![10, 12]));
    }

    /// Three columns at a breakpoint and in a wider frame.
    #[test]
    fn each_column_has_its_part_of_a_wider_frame() {
        let place = |at| Place::NONE.detail(9).all(column(at, [54, 0, 64][usize::from(at)]));
        let panes = [0, 1, 2].map(|at| Candidate { id: at, place: place(at), presence: Presence::Shown });
        let widths = |width| {
            let shape = Shape { width, height: 60, focus: 0, zoom: Zoom::Normal, hints: true, time: false };
            layout(shape, &panes, &Moved::new()).panels.iter().map(|(_, area)| area.width).collect::<Vec<_>>()
        };
        assert_eq!(widths(200), [54, 82, 64]);
        assert_eq!(widths(290), [84, 112, 94]);
        assert_eq!(widths(202), [54, 84, 64]);
    }

    #[test]
    fn breakpoints_are_the_documented_ones() {
        for ((width, height), expected) in [
            ((19, 40), Class::Nothing),
            ((39, 40), Class::Bare),
            ((40, 10), Class::One),
            ((79, 23), Class::One),
            ((80, 24), Class::Two),
            ((100, 60), Class::Portrait),
            ((60, 40), Class::Portrait),
            ((40, 24), Class::Portrait),
            ((60, 23), Class::One),
            ((120, 30), Class::Short),
            ((120, 40), Class::Four),
            ((200, 60), Class::All),
        ] {
            assert_eq!(class(width, height), expected, "{width}x{height}");
        }
    }
}
