//! Where everything goes: one pure function from size, screen, zoom and focus to rectangles that do not overlap.
//!
//! Panels are dropped as space shrinks, screens never; the context line is the last thing to go.

use super::{Screen, panes::PaneId};
use ratatui::layout::Rect;

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
    /// Below 80x24: one panel.
    One,
    /// Below 120 columns: master over detail.
    Two,
    /// Rows above 0.45 of the columns: panels stacked.
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
    } else if width < 80 || height < 24 {
        Class::One
    } else if f32::from(height) > 0.45 * f32::from(width) {
        Class::Portrait
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

/// What decides the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub width: u16,
    pub height: u16,
    pub screen: Screen,
    pub focus: PaneId,
    pub zoom: Zoom,
    pub what_if: bool,
    /// The diff is shown as text, side by side or unified.
    pub text: bool,
    pub hints: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub class: Class,
    /// Tabs and, where there is no second line, the context.
    pub top: Rect,
    /// Criteria and source, where there is room for a line of their own.
    pub context: Option<Rect>,
    pub panels: Vec<(PaneId, Rect)>,
    pub borders: bool,
    pub message: Option<Rect>,
    pub hint: Option<Rect>,
}

impl Layout {
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

    pub fn panel(&self, pane: PaneId) -> Option<Rect> {
        self.panels.iter().find(|(id, _)| *id == pane).map(|(_, area)| *area)
    }
}

pub fn layout(shape: Shape) -> Layout {
    let Shape { width, height, .. } = shape;
    let class = class(width, height);
    let line = |y: u16| Rect::new(0, y, width, 1.min(height.saturating_sub(y)));
    let mut layout = Layout {
        class,
        top: line(0),
        context: None,
        panels: Vec::new(),
        borders: class > Class::Bare,
        message: None,
        hint: None,
    };
    if class == Class::Nothing {
        return layout;
    }
    let mut top = 1;
    if height >= 40 && width >= 80 {
        layout.context = Some(line(1));
        top = 2;
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
    layout.panels = panels(class, shape, body);
    if layout.panel(shape.focus).is_none()
        && let Some(last) = layout.panels.last_mut()
    {
        last.0 = shape.focus;
    }
    layout.panels.retain(|(_, area)| area.width > 0 && area.height > 0);
    layout
}

fn panels(class: Class, shape: Shape, body: Rect) -> Vec<(PaneId, Rect)> {
    if shape.zoom == Zoom::Full || class <= Class::One {
        return vec![(shape.focus, body)];
    }
    if shape.zoom == Zoom::Half {
        let rest = detail_of(shape);
        let [large, small] = rows(body, [0, body.height * 2 / 5]);
        return vec![(shape.focus, large), (rest, small)];
    }
    match class {
        Class::Two => over(shape, body, 8),
        Class::Portrait => over(shape, body, body.height - body.height * 2 / 5),
        Class::Short => short(shape, body),
        Class::Four => four(shape, body),
        _ => all(shape, body),
    }
}

/// Master over detail; the focus takes the place that fits it.
fn over(shape: Shape, body: Rect, below: u16) -> Vec<(PaneId, Rect)> {
    use PaneId::*;
    let (master, detail, below) = match shape.screen {
        Screen::Cluster => (keep(shape.focus, Node, Nodes), Node, below),
        Screen::Recipe if shape.what_if => (keep(shape.focus, WhatIf, Values), WhatIf, below.max(9)),
        Screen::Recipe => (keep(shape.focus, Ladder, Values), Ladder, below + 1),
        Screen::Diff if shape.text && shape.focus != Changes => return vec![(Sides, body)],
        Screen::Diff => (keep(shape.focus, Cause, Changes), Cause, below),
        Screen::Validate => (if shape.focus == Check { Check } else { Checks }, Log, below + 1),
        Screen::Compare => (keep(shape.focus, Reading, Readings), Reading, below.min(8)),
    };
    let [above, below] = rows(body, [0, below]);
    vec![(master, above), (detail, below)]
}

/// The focus, unless it is the detail: then the pane that is usually above it.
fn keep(focus: PaneId, detail: PaneId, usual: PaneId) -> PaneId {
    if focus == detail { usual } else { focus }
}

fn detail_of(shape: Shape) -> PaneId {
    use PaneId::*;
    let (detail, instead) = match shape.screen {
        Screen::Cluster => (Node, Nodes),
        Screen::Recipe => (Ladder, Values),
        Screen::Diff => (Cause, Changes),
        Screen::Validate => (Log, Checks),
        Screen::Compare => (Reading, Readings),
    };
    if shape.focus == detail { instead } else { detail }
}

fn short(shape: Shape, body: Rect) -> Vec<(PaneId, Rect)> {
    use PaneId::*;
    let half = body.height / 2;
    match shape.screen {
        Screen::Cluster => {
            let [left, right] = columns(body, [44, 0]);
            let [shapes, constraints] = rows(left, [half, 0]);
            let [nodes, node] = rows(right, [0, half]);
            let lower = if shape.focus == Components { Components } else { Constraints };
            vec![(Shapes, shapes), (lower, constraints), (Nodes, nodes), (Node, node)]
        }
        Screen::Recipe => {
            let [left, right] = columns(body, [50, 0]);
            let left = if matches!(shape.focus, RecipeComponents) { (RecipeComponents, left) } else { (Stack, left) };
            let [values, below] = rows(right, [0, 9.min(half)]);
            vec![left, (Values, values), (if shape.what_if { WhatIf } else { Ladder }, below)]
        }
        Screen::Diff => diff(shape, body, 8.min(half)),
        Screen::Validate => {
            let [left, right] = columns(body, [62, 0]);
            let lower = if shape.focus == Check { Check } else { Log };
            vec![(Checks, left), (lower, right)]
        }
        Screen::Compare => {
            let [above, below] = rows(body, [0, 8.min(half)]);
            let [groups, readings] = columns(above, [36, 0]);
            vec![(Groups, groups), (Readings, readings), (Reading, below)]
        }
    }
}

fn four(shape: Shape, body: Rect) -> Vec<(PaneId, Rect)> {
    use PaneId::*;
    match shape.screen {
        Screen::Cluster => {
            let [left, right] = columns(body, [50, 0]);
            let third = body.height / 3;
            let [shapes, components, constraints] = rows(left, [third.min(10), 0, third]);
            let [nodes, node] = rows(right, [0, body.height * 11 / 20]);
            vec![(Shapes, shapes), (Components, components), (Constraints, constraints), (Nodes, nodes), (Node, node)]
        }
        Screen::Recipe => {
            let [left, right] = columns(body, [50, 0]);
            let [stack, components] = rows(left, [body.height / 2, 0]);
            let [values, below] = rows(right, [0, 13]);
            let lower = if shape.what_if { WhatIf } else { Ladder };
            vec![(Stack, stack), (RecipeComponents, components), (Values, values), (lower, below)]
        }
        Screen::Diff => diff(shape, body, 10),
        Screen::Validate => {
            let [left, right] = columns(body, [62, 0]);
            let [check, log] = rows(right, [12, 0]);
            vec![(Checks, left), (Check, check), (Log, log)]
        }
        Screen::Compare => {
            let [above, below] = rows(body, [0, 9]);
            let [groups, readings] = columns(above, [36, 0]);
            vec![(Groups, groups), (Readings, readings), (Reading, below)]
        }
    }
}

fn all(shape: Shape, body: Rect) -> Vec<(PaneId, Rect)> {
    use PaneId::*;
    match shape.screen {
        Screen::Cluster => {
            let [left, middle, right] = columns(body, [50, 0, 64]);
            let [shapes, components] = rows(left, [body.height / 3, 0]);
            let [node, constraints] = rows(right, [0, 14]);
            vec![(Shapes, shapes), (Components, components), (Nodes, middle), (Node, node), (Constraints, constraints)]
        }
        Screen::Recipe => {
            let [body, strip] = if shape.what_if { rows(body, [0, 12]) } else { [body, Rect::ZERO] };
            let [left, middle, right] = columns(body, [50, 0, 64]);
            let [stack, components] = rows(left, [body.height / 2, 0]);
            vec![(Stack, stack), (RecipeComponents, components), (Values, middle), (Ladder, right), (WhatIf, strip)]
        }
        Screen::Diff => {
            let [above, strip] = rows(body, [0, 12]);
            let [list, text] = columns(above, [60, 0]);
            vec![(Changes, list), (Sides, text), (Cause, strip)]
        }
        Screen::Validate => {
            let [left, middle, right] = columns(body, [62, 0, 50]);
            vec![(Checks, left), (Log, middle), (Check, right)]
        }
        Screen::Compare => {
            let [above, strip] = rows(body, [0, 10]);
            let [groups, readings] = columns(above, [44, 0]);
            vec![(Groups, groups), (Readings, readings), (Reading, strip)]
        }
    }
}

fn diff(shape: Shape, body: Rect, below: u16) -> Vec<(PaneId, Rect)> {
    if shape.text && shape.focus != PaneId::Changes {
        return vec![(PaneId::Sides, body)];
    }
    let [changes, cause] = rows(body, [0, below]);
    vec![(PaneId::Changes, changes), (PaneId::Cause, cause)]
}

/// Parts of an area from top to bottom; a height of 0 takes what is left, once.
fn rows<const N: usize>(area: Rect, heights: [u16; N]) -> [Rect; N] {
    let lengths = share(area.height, heights);
    let mut y = area.y;
    lengths.map(|height| {
        let part = Rect { y, height, ..area };
        y += height;
        part
    })
}

/// Parts of an area from left to right; a width of 0 takes what is left, once.
fn columns<const N: usize>(area: Rect, widths: [u16; N]) -> [Rect; N] {
    let lengths = share(area.width, widths);
    let mut x = area.x;
    lengths.map(|width| {
        let part = Rect { x, width, ..area };
        x += width;
        part
    })
}

fn share<const N: usize>(room: u16, wanted: [u16; N]) -> [u16; N] {
    let mut left = room;
    let mut lengths = wanted.map(|length| {
        let length = length.min(left);
        left -= length;
        length
    });
    if let Some(open) = wanted.iter().position(|length| *length == 0) {
        lengths[open] = left;
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gives_panels_inside_and_apart() {
        for width in 1..=250 {
            for height in 1..=90 {
                for screen in Screen::ALL {
                    for (what_if, zoom) in [(false, Zoom::Normal), (true, Zoom::Normal), (false, Zoom::Half)] {
                        check(Shape {
                            width,
                            height,
                            screen,
                            focus: super::super::panes::of_screen(screen)[0],
                            zoom,
                            what_if,
                            text: false,
                            hints: true,
                        });
                    }
                }
            }
        }
    }

    #[track_caller]
    fn check(shape: Shape) {
        let layout = layout(shape);
        let frame = Rect::new(0, 0, shape.width, shape.height);
        let mut areas: Vec<Rect> = layout.panels.iter().map(|(_, area)| *area).collect();
        areas.push(layout.top);
        areas.extend(layout.context.into_iter().chain(layout.message).chain(layout.hint));
        for (index, area) in areas.iter().enumerate() {
            assert_eq!(frame.intersection(*area), *area, "{shape:?}");
            for other in &areas[index + 1..] {
                assert!(area.intersection(*other).is_empty(), "{shape:?}: {area:?} and {other:?}");
            }
        }
        assert!(layout.class == Class::Nothing || layout.panel(shape.focus).is_some(), "{shape:?}: no focus");
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
            ((120, 30), Class::Short),
            ((120, 40), Class::Four),
            ((200, 60), Class::All),
        ] {
            assert_eq!(class(width, height), expected, "{width}x{height}");
        }
    }
}
