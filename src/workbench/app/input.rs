//! What a person does: keys to actions, text to fields, mouse to panels.

use super::{Severity, State};
use crate::{
    term::{
        input::Input,
        key::{Code, Key},
    },
    workbench::{
        Screen,
        effect::Effect,
        keymap::{self, Action, Found},
        overlay::{Choice, Field, Kind, Overlay, Question, choice},
        panes::{Need, PaneId},
    },
};

/// Which of the three ways keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Normal,
    Text,
    Menu,
}

impl Mode {
    pub fn word(self) -> &'static str {
        match self {
            Mode::Normal => "",
            Mode::Text => "TEXT",
            Mode::Menu => "MENU",
        }
    }
}

impl State {
    pub fn mode(&self) -> Mode {
        let field = self.filter.is_some() || self.overlay.as_ref().is_some_and(|overlay| overlay.field.is_some());
        if field {
            Mode::Text
        } else if !self.typed.is_empty() || self.overlay.is_some() {
            Mode::Menu
        } else {
            Mode::Normal
        }
    }

    pub(super) fn input(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Key(key) => self.key(key),
            Input::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            Input::Resize { width, height } => {
                (self.width, self.height) = (width, height);
                self.mark(Need::Look);
                Vec::new()
            }
            Input::Click { column, row } => self.click(column, row),
            Input::Wheel { column, row, lines } => {
                self.wheel(column, row, lines);
                Vec::new()
            }
            Input::Focus(_) => {
                self.dirty = false;
                Vec::new()
            }
        }
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        if key == Key::ctrl('c') {
            return self.interrupt();
        }
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        if self.filter.is_some() {
            self.filter_key(key);
            return Vec::new();
        }
        if !self.typed.is_empty() && key == Key::plain(Code::Esc) {
            self.typed.clear();
            return Vec::new();
        }
        self.typed.push(key);
        match keymap::find(&self.typed, self.screen) {
            Found::Action(action) => {
                self.typed.clear();
                self.act(action)
            }
            Found::Prefix(_) => Vec::new(),
            Found::Nothing => {
                let keys: Vec<String> = std::mem::take(&mut self.typed).iter().map(Key::to_string).collect();
                self.unknown(&keys.join(" "));
                Vec::new()
            }
        }
    }

    /// Says what a key would do elsewhere, or that it does nothing.
    fn unknown(&mut self, keys: &str) {
        let elsewhere = keymap::BINDINGS.iter().find(|binding| binding.keys.contains(&keys));
        let said = match elsewhere {
            Some(binding) => {
                let screens = Screen::ALL.into_iter().filter(|screen| binding.acts_on(*screen));
                let names: Vec<&str> = screens.map(Screen::name).collect();
                format!("`{keys}` ({}) acts on {}", binding.name, names.join(", "))
            }
            None => format!("`{keys}` does nothing here; ? lists the keys"),
        };
        self.say(Severity::Info, said);
    }

    fn paste(&mut self, text: &str) {
        if let Some(mut overlay) = self.overlay.take() {
            if let Some(field) = &mut overlay.field {
                field.insert(text);
                overlay.typed(self);
            }
            self.overlay = Some(overlay);
        } else if let Some(field) = &mut self.filter {
            field.insert(text);
            self.apply_filter();
        } else {
            self.say(Severity::Info, "pasted text goes into a field: / or : opens one");
        }
    }

    // -- the filter --------------------------------------------------------------------------------------------------

    fn filter_key(&mut self, key: Key) {
        let Some(field) = &mut self.filter else { return };
        match (key.code, key.ctrl) {
            (Code::Enter, _) => {
                self.filter = None;
                return;
            }
            (Code::Esc, _) => {
                field.clear();
                self.apply_filter();
                self.filter = None;
                return;
            }
            (Code::Down, _) => {
                self.filter = None;
                return;
            }
            _ => edit(field, key),
        }
        self.apply_filter();
    }

    fn apply_filter(&mut self) {
        let Some(field) = &self.filter else { return };
        let text = field.text.clone();
        self.set_filter(text);
    }

    pub(super) fn set_filter(&mut self, text: String) {
        let pane = self.focused();
        let table = self.table_mut(pane);
        table.filter = text;
        table.refilter();
        self.mark(Need::Cursor(pane));
    }

    // -- overlays ----------------------------------------------------------------------------------------------------

    fn overlay_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(mut overlay) = self.overlay.take() else { return Vec::new() };
        if let Kind::Question { question, chosen, .. } = &mut overlay.kind {
            match key.code {
                Code::Esc | Code::Char('q' | 'n') => return Vec::new(),
                Code::Enter => return if *chosen == 1 { self.answer(*question) } else { Vec::new() },
                Code::Char('y') => return self.answer(*question),
                Code::Left | Code::Right | Code::Tab | Code::Char('h' | 'l') => *chosen = 1 - *chosen,
                _ => self.scroll_overlay(&mut overlay, key),
            }
            self.overlay = Some(overlay);
            return Vec::new();
        }
        match key.code {
            Code::Esc => return Vec::new(),
            Code::Enter => return self.overlay_enter(overlay),
            Code::Char('q') if overlay.field.is_none() => return Vec::new(),
            Code::Char('y' | 'c') if overlay.field.is_none() && !key.ctrl => {
                let copied = match overlay.kind {
                    Kind::Text => overlay.copy.clone(),
                    _ => overlay.table.row().map(|row| row.plain()).unwrap_or_default(),
                };
                self.overlay = Some(overlay);
                return vec![Effect::Copy(copied)];
            }
            Code::Tab => {
                if let (Kind::Palette, Some(row)) = (&overlay.kind, overlay.table.row())
                    && let Some(Choice::Run(line) | Choice::Take(line)) = choice(&row.key)
                {
                    overlay.field = Some(Field::with(&line));
                    overlay.typed(self);
                }
            }
            _ if self.scrolls(&overlay, key) => self.scroll_overlay(&mut overlay, key),
            _ => {
                if let Some(field) = &mut overlay.field {
                    edit(field, key);
                    overlay.typed(self);
                }
            }
        }
        self.overlay = Some(overlay);
        Vec::new()
    }

    /// Keys that move in a list even while text is being typed.
    fn scrolls(&self, overlay: &Overlay, key: Key) -> bool {
        match key.code {
            Code::Up | Code::Down | Code::PageUp | Code::PageDown => true,
            Code::Char('n' | 'p') => key.ctrl,
            _ => overlay.field.is_none(),
        }
    }

    fn scroll_overlay(&mut self, overlay: &mut Overlay, key: Key) {
        let page = i64::from(self.height / 2).max(1);
        let rows = match (key.code, key.ctrl) {
            (Code::Down, _) | (Code::Char('n'), true) | (Code::Char('j'), false) => 1,
            (Code::Up, _) | (Code::Char('p'), true) | (Code::Char('k'), false) => -1,
            (Code::PageDown, _) | (Code::Char('d' | 'f'), true) | (Code::Char(' '), _) => page,
            (Code::PageUp, _) | (Code::Char('u' | 'b'), true) => -page,
            (Code::Home, _) | (Code::Char('g'), false) => i64::MIN / 2,
            (Code::End, _) | (Code::Char('G'), false) => i64::MAX / 2,
            (Code::Right, _) | (Code::Char('l'), false) => {
                overlay.table.left += 8;
                0
            }
            (Code::Left, _) | (Code::Char('h'), false) => {
                overlay.table.left = overlay.table.left.saturating_sub(8);
                0
            }
            _ => 0,
        };
        let step = if overlay.table.content.prose && rows.abs() == 1 { rows * (page / 2).max(1) } else { rows };
        if rows != 0 {
            overlay.table.move_by(step);
        }
    }

    fn overlay_enter(&mut self, overlay: Overlay) -> Vec<Effect> {
        let Some(key) = overlay.table.row().map(|row| row.key.clone()) else {
            self.overlay = Some(overlay);
            return Vec::new();
        };
        match overlay.kind {
            Kind::Palette => match choice(&key) {
                Some(Choice::Act(action)) => self.act(action),
                Some(Choice::Run(line)) => self.command(&line),
                Some(Choice::Take(line)) => {
                    self.overlay = Some(Overlay::palette(self, &line));
                    Vec::new()
                }
                Some(Choice::Go(pane, row)) => {
                    if let Some(pane) = crate::workbench::panes::ALL.iter().find(|known| known.id.index() == pane) {
                        self.go(pane.id, &row);
                    }
                    Vec::new()
                }
                None => Vec::new(),
            },
            Kind::Help => match keymap::BINDINGS.iter().find(|binding| binding.name == key) {
                Some(binding) => self.act(binding.action),
                None => Vec::new(),
            },
            Kind::Messages => {
                let failure = key.parse::<usize>().ok().and_then(|at| self.messages.get(at)?.failure.clone());
                self.overlay = failure.map(|failure| Overlay::failure(&failure));
                Vec::new()
            }
            Kind::Text | Kind::Question { .. } => Vec::new(),
        }
    }

    /// Puts the cursor on a row of a pane.
    pub(super) fn go(&mut self, pane: PaneId, key: &str) {
        self.focus_on(pane);
        self.prepare();
        self.set_filter(String::new());
        if !self.table_mut(pane).select(key) {
            self.say(Severity::Info, format!("{key} is not here any more"));
        }
        self.mark(Need::Cursor(pane));
    }

    fn answer(&mut self, question: Question) -> Vec<Effect> {
        match question {
            Question::Run => self.start_run(),
            Question::CancelRun => self.cancel_run(),
            Question::Quit => {
                self.quit = true;
                vec![Effect::CancelRun, Effect::Quit]
            }
        }
    }

    /// Cancels what is in front; a second time within a second, leaves.
    fn interrupt(&mut self) -> Vec<Effect> {
        let twice = self.now_ms.saturating_sub(self.interrupted_ms) <= 1000 && self.interrupted_ms > 0;
        self.interrupted_ms = self.now_ms;
        self.typed.clear();
        if twice {
            self.quit = true;
            return vec![Effect::CancelRun, Effect::Quit];
        }
        if self.overlay.take().is_some() {
            return Vec::new();
        }
        if self.filter.take().is_some() {
            self.set_filter(String::new());
            return Vec::new();
        }
        if self.data.run.active && !self.data.run.cancelling {
            return self.cancel_run();
        }
        self.say(Severity::Info, "nothing to cancel; Ctrl-C again within a second leaves");
        Vec::new()
    }

    // -- the mouse ---------------------------------------------------------------------------------------------------

    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        if self.overlay.is_some() || self.filter.is_some() {
            return Vec::new();
        }
        if row == self.layout.top.y {
            let tab = crate::workbench::view::tab_at(self, column);
            return tab.map_or_else(Vec::new, |screen| {
                self.show(screen);
                Vec::new()
            });
        }
        let at = ratatui::layout::Position::new(column, row);
        let Some((pane, area)) = self.layout.panels.iter().copied().find(|(_, area)| area.contains(at)) else {
            return Vec::new();
        };
        let again = self.focused() == pane;
        self.focus_on(pane);
        let inner = self.layout.inner(area);
        let table = self.table_mut(pane);
        let head = usize::from(inner.height) - table.room(inner.height).min(usize::from(inner.height));
        let offset = usize::from(row.saturating_sub(inner.y));
        if row < inner.y || offset < head {
            return Vec::new();
        }
        let place = table.top + offset - head;
        if place >= table.visible.len() {
            return Vec::new();
        }
        let same = table.cursor == place;
        table.move_to(place);
        self.mark(Need::Cursor(pane));
        if again && same { self.act(Action::Enter) } else { Vec::new() }
    }

    fn wheel(&mut self, column: u16, row: u16, lines: i32) {
        if let Some(overlay) = &mut self.overlay {
            overlay.table.move_by(i64::from(lines));
            return;
        }
        let at = ratatui::layout::Position::new(column, row);
        if let Some((pane, _)) = self.layout.panels.iter().copied().find(|(_, area)| area.contains(at)) {
            self.table_mut(pane).move_by(i64::from(lines));
            self.mark(Need::Cursor(pane));
        }
    }
}

fn edit(field: &mut Field, key: Key) {
    match (key.code, key.ctrl) {
        (Code::Char('u'), true) => field.clear(),
        (Code::Char('w'), true) => field.delete_word(),
        (Code::Char('a'), true) | (Code::Home, _) => field.cursor = 0,
        (Code::Char('e'), true) | (Code::End, _) => field.cursor = field.text.len(),
        (Code::Char(c), false) if !key.alt => field.insert(c.encode_utf8(&mut [0; 4])),
        (Code::Backspace, _) => field.backspace(),
        (Code::Left, _) => field.left(),
        (Code::Right, _) => field.right(),
        _ => {}
    }
}
