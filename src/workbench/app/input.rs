//! What a person does: keys to actions, text to fields, mouse to panels.

use super::State;
use crate::{
    term::{
        input::Input,
        key::{Code, Key},
    },
    workbench::{
        Screen,
        effect::Effect,
        keymap::{self, Action, Found},
        model::Severity,
        overlay::{Choice, Field, Kind, Overlay, Question, Reads},
        panes::{Need, Pane, RowId},
        widgets::table::Identity,
    },
};

impl State {
    pub(super) fn input(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Key(key) => self.key(key),
            Input::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            Input::Resize { width, height } => {
                (self.desk.width, self.desk.height) = (width, height);
                self.desk.mark(Need::Look);
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
        if self.desk.overlay.is_some() {
            return self.overlay_key(key);
        }
        if self.desk.filter.is_some() {
            self.filter_key(key);
            return Vec::new();
        }
        if !self.desk.typed.is_empty() && key == Key::plain(Code::Esc) {
            self.desk.typed.clear();
            return Vec::new();
        }
        self.desk.typed.push(key);
        match keymap::find(&self.desk.typed, self.desk.screen) {
            Found::Action(action) => {
                self.desk.typed.clear();
                self.act(action)
            }
            Found::Prefix(_) => Vec::new(),
            Found::Nothing => {
                let keys: Vec<String> = std::mem::take(&mut self.desk.typed).iter().map(Key::to_string).collect();
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
        if let Some(mut overlay) = self.desk.overlay.take() {
            if let Some(field) = &mut overlay.field {
                field.insert(text);
                overlay.typed(&self.reads());
            }
            self.desk.overlay = Some(overlay);
        } else if let Some(field) = &mut self.desk.filter {
            field.insert(text);
            self.apply_filter();
        } else {
            self.say(Severity::Info, "pasted text goes into a field: / or : opens one");
        }
    }

    // -- the filter --------------------------------------------------------------------------------------------------

    fn filter_key(&mut self, key: Key) {
        let Some(field) = &mut self.desk.filter else { return };
        match (key.code, key.ctrl) {
            (Code::Enter, _) => {
                self.desk.filter = None;
                return;
            }
            (Code::Esc, _) => {
                field.clear();
                self.apply_filter();
                self.desk.filter = None;
                return;
            }
            (Code::Down, _) => {
                self.desk.filter = None;
                return;
            }
            _ => edit(field, key),
        }
        self.apply_filter();
    }

    fn apply_filter(&mut self) {
        let Some(field) = &self.desk.filter else { return };
        let text = field.text.clone();
        self.set_filter(text);
    }

    pub(super) fn set_filter(&mut self, text: String) {
        let pane = self.desk.focused();
        let table = self.desk.table_mut(pane);
        table.filter = text;
        table.refilter();
        self.desk.mark(Need::Cursor(pane));
    }

    // -- overlays ----------------------------------------------------------------------------------------------------

    fn overlay_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(mut overlay) = self.desk.overlay.take() else { return Vec::new() };
        if let Kind::Question { question, chosen, .. } = &mut overlay.kind {
            match key.code {
                Code::Esc | Code::Char('q' | 'n') => return Vec::new(),
                Code::Enter => return if *chosen == 1 { self.answer(*question) } else { Vec::new() },
                Code::Char('y') => return self.answer(*question),
                Code::Left | Code::Right | Code::Tab | Code::Char('h' | 'l') => *chosen = 1 - *chosen,
                _ => self.scroll_overlay(&mut overlay, key),
            }
            self.desk.overlay = Some(overlay);
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
                self.desk.overlay = Some(overlay);
                return vec![Effect::Copy(copied)];
            }
            Code::Tab => {
                if let Some(Choice::Run(line) | Choice::Take(line)) = overlay.table.row().map(|row| &row.id) {
                    overlay.field = Some(Field::with(line));
                    overlay.typed(&self.reads());
                }
            }
            _ if self.scrolls(&overlay, key) => self.scroll_overlay(&mut overlay, key),
            _ => {
                if let Some(field) = &mut overlay.field {
                    edit(field, key);
                    overlay.typed(&self.reads());
                }
            }
        }
        self.desk.overlay = Some(overlay);
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
        let page = i64::from(self.desk.height / 2).max(1);
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
        let choice = overlay.table.row().map(|row| row.id.clone());
        match choice {
            Some(Choice::Act(action)) => return self.act(action),
            Some(Choice::Run(line)) => return self.command(&line),
            Some(Choice::Take(line)) => self.desk.overlay = Some(self.palette(&line)),
            Some(Choice::Go(pane, row)) => self.go(pane, &row),
            Some(Choice::Message(at)) => {
                let failure = self.model.messages.get(at).and_then(|message| message.failure.as_ref());
                self.desk.overlay = failure.map(Overlay::failure);
            }
            Some(Choice::Line(_)) => {}
            None => self.desk.overlay = Some(overlay),
        }
        Vec::new()
    }

    pub(super) fn palette(&self, start: &str) -> Overlay {
        Overlay::palette(&self.reads(), start)
    }

    fn reads(&self) -> Reads<'_> {
        Reads { model: &self.model, tables: &self.desk.tables, screen: self.desk.screen }
    }

    /// Puts the cursor on a row of a pane.
    pub(super) fn go(&mut self, pane: &'static Pane, row: &RowId) {
        self.desk.focus_on(pane);
        self.prepare();
        self.set_filter(String::new());
        if !self.desk.table_mut(pane).select(row) {
            self.say(Severity::Info, format!("`{}` is not in {}", row.name(), pane.name));
        }
        self.desk.mark(Need::Cursor(pane));
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
        let twice = self.model.now_ms.saturating_sub(self.interrupted_ms) <= 1000 && self.interrupted_ms > 0;
        self.interrupted_ms = self.model.now_ms;
        self.desk.typed.clear();
        if twice {
            self.quit = true;
            return vec![Effect::CancelRun, Effect::Quit];
        }
        if self.desk.overlay.take().is_some() {
            return Vec::new();
        }
        if self.desk.filter.take().is_some() {
            self.set_filter(String::new());
            return Vec::new();
        }
        if self.model.run.active && !self.model.run.cancelling {
            return self.cancel_run();
        }
        self.say(Severity::Info, "nothing to cancel; Ctrl-C again within a second leaves");
        Vec::new()
    }

    // -- the mouse ---------------------------------------------------------------------------------------------------

    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        if self.desk.overlay.is_some() || self.desk.filter.is_some() {
            return Vec::new();
        }
        if row == self.desk.layout.top.y {
            let tab = crate::workbench::view::tab_at(self, column);
            return tab.map_or_else(Vec::new, |screen| {
                self.desk.show(screen);
                Vec::new()
            });
        }
        let at = ratatui::layout::Position::new(column, row);
        let Some((pane, area)) = self.desk.layout.panels.iter().copied().find(|(_, area)| area.contains(at)) else {
            return Vec::new();
        };
        let again = self.desk.focused() == pane;
        self.desk.focus_on(pane);
        let inner = self.desk.layout.inner(area);
        let table = self.desk.table_mut(pane);
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
        self.desk.mark(Need::Cursor(pane));
        if again && same { self.act(Action::Enter) } else { Vec::new() }
    }

    fn wheel(&mut self, column: u16, row: u16, lines: i32) {
        if let Some(overlay) = &mut self.desk.overlay {
            overlay.table.move_by(i64::from(lines));
            return;
        }
        let at = ratatui::layout::Position::new(column, row);
        if let Some((pane, _)) = self.desk.layout.panels.iter().copied().find(|(_, area)| area.contains(at)) {
            self.desk.table_mut(pane).move_by(i64::from(lines));
            self.desk.mark(Need::Cursor(pane));
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
