//! The frame that is on the screen, and what it was painted from: the next one paints only what reads otherwise.
//!
//! In: the state. Out: a frame and which parts of it differ from the one before. A key that moves a cursor changes a few lines
//! of a screen of 60; painting and comparing all of it took more than half of the time of such a key. Whatever is laid over
//! panels, and any change of size, layout or theme, begins with an empty frame. A debug build paints each frame a second time
//! from nothing and compares.

use super::{
    app::State,
    layout::{Class, Layout},
    panes::Pane,
    theme::{Role, Theme},
    view,
    widgets::{
        canvas::{self, Canvas, Note},
        kept::Lines,
    },
};
use crate::term::{damage::Damage, link::Link, screen::Caret};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
};

/// A frame with what it was painted from.
#[derive(Debug, Default)]
pub struct Painted {
    pub frame: Buffer,
    /// What differs from the frame before it.
    pub damage: Damage,
    /// What all of it was painted from, and whether that became ASCII; `None` where the next frame begins empty.
    whole: Option<(Theme, Layout<&'static Pane>, bool)>,
    /// By the place of the panel in the layout.
    panels: Vec<Panel>,
}

/// What a panel was painted from.
#[derive(Debug, Default)]
struct Panel {
    edge: Option<Edge>,
    lines: Lines,
}

/// What its edge was painted from.
#[derive(Debug, PartialEq)]
struct Edge {
    title: String,
    note: String,
    least: u16,
    role: Role,
    focused: bool,
    hidden: Option<String>,
}

impl Painted {
    /// Paints a state, which must have been prepared; what parts of the frame lead to, and where the terminal's cursor is.
    pub fn paint(&mut self, state: &State) -> (Vec<Link>, Caret) {
        let painted = self.paint_changes(state);
        #[cfg(debug_assertions)]
        {
            let mut fresh = Painted::default();
            let expected = fresh.paint_changes(state);
            assert_eq!(self.frame, fresh.frame, "a frame depends on the one before it");
            assert_eq!(painted, expected, "links or the cursor depend on the frame before");
        }
        painted
    }

    /// The same without a second look, for who paints once.
    pub(super) fn paint_changes(&mut self, state: &State) -> (Vec<Link>, Caret) {
        let desk = &state.desk;
        self.damage.clear();
        let is_covered = desk.overlay.is_some() || !desk.typed.is_empty() || desk.layout.class == Class::Nothing;
        let is_same = |(theme, layout, ascii): &(Theme, Layout<&'static Pane>, bool)| {
            *theme == desk.theme && *layout == desk.layout && *ascii == desk.ascii
        };
        let keeps = self.whole.as_ref().is_some_and(is_same);
        let area = Rect::new(0, 0, desk.width, desk.height);
        if !keeps || is_covered || self.frame.area != area {
            self.begin(area, &desk.theme);
        }
        self.panels.resize_with(desk.layout.panels.len(), Panel::default);
        let mut canvas = Canvas::new(&mut self.frame, &desk.theme);
        canvas.damage = std::mem::take(&mut self.damage);
        let layout = &desk.layout;
        let Layout { top, health, context, time, message, hint, .. } = *layout;
        for line in [Some(top), health, context, time, message, hint].into_iter().flatten() {
            canvas.blank(line);
        }
        let mut cursor = view::draw_around(state, &mut canvas);
        if layout.class != Class::Nothing {
            for ((pane, area), panel) in layout.panels.iter().zip(&mut self.panels) {
                panel.paint(state, (pane, *area), &mut canvas);
            }
            view::draw_continuations(state, &mut canvas);
            if let Some(overlay) = &desk.overlay {
                canvas.selected = None;
                cursor = view::draw_overlay(state, overlay, &mut canvas);
            }
        }
        let caret = match (cursor, canvas.selected) {
            (Some(at), _) => Caret::Shown(at),
            (None, Some(at)) => Caret::Hidden(at),
            (None, None) => Caret::Anywhere,
        };
        let links = std::mem::take(&mut canvas.links);
        self.damage = std::mem::take(&mut canvas.damage);
        if desk.ascii {
            canvas::to_ascii(&mut self.frame);
        }
        if is_covered {
            // What was laid over the panels is not what they were painted from.
            self.whole = None;
        } else if !keeps {
            self.whole = Some((desk.theme.clone(), desk.layout.clone(), desk.ascii));
        }
        (links, caret)
    }

    /// An empty frame in the memory of the one before: half a megabyte on a large screen.
    fn begin(&mut self, area: Rect, theme: &Theme) {
        let mut blank = Cell::EMPTY;
        blank.set_style(theme.base());
        self.frame.area = area;
        self.frame.content.clear();
        self.frame.content.resize(usize::from(area.width) * usize::from(area.height), blank);
        self.panels.clear();
        self.damage = Damage::of(area);
    }
}

impl Panel {
    fn paint(&mut self, state: &State, (pane, area): (&'static Pane, Rect), canvas: &mut Canvas<'_>) {
        let (desk, layout) = (&state.desk, &state.desk.layout);
        let (table, inner) = (desk.table(pane), layout.inner(area));
        let has_focus = pane == desk.focused();
        if layout.borders {
            let (note, least, role) = view::note(state, pane, inner);
            let hidden = if has_focus { view::hidden(state, area) } else { None };
            let edge = Edge { title: table.content.title.clone(), note, least, role, focused: has_focus, hidden };
            if self.edge.as_ref() != Some(&edge) {
                edge.paint(area, self.edge.as_ref(), canvas);
                self.edge = Some(edge);
            }
        }
        let clears = desk.keys.key(super::keymap::Action::Back);
        table.draw_kept(canvas, inner, has_focus && desk.overlay.is_none(), &clears, &mut self.lines);
    }
}

impl Edge {
    /// What is left and right of the panel says nothing but whether it has the focus: where that is as before, these lines are
    /// not painted, and so not looked at from end to end.
    fn paint(&self, area: Rect, before: Option<&Edge>, canvas: &mut Canvas<'_>) {
        let Edge { title, note, least, role, focused, hidden } = self;
        let line = Rect { height: 1.min(area.height), ..area };
        let below = area.bottom() - line.height;
        canvas.blank(line);
        canvas.blank(Rect { y: below, ..line });
        if before.is_none_or(|before| before.focused != *focused) {
            let side = Rect { width: 1.min(area.width), ..area };
            canvas.blank(side);
            canvas.blank(Rect { x: area.right() - side.width, ..side });
            canvas.sides(area, *focused);
        }
        canvas.ends(area, title, Note { text: note, least: *least, role: *role }, *focused);
        if let Some(hidden) = hidden {
            let room = area.width - view::HIDDEN;
            canvas.text(area.x + view::HIDDEN / 2, area.bottom() - 1, room, hidden, Role::Muted);
        }
    }
}
