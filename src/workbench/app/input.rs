//! What a person does: keys to actions, text to fields, mouse to panels.

use super::State;
use crate::{
    criteria::near_matches,
    term::{
        input::Input,
        key::{Code, Key},
    },
    text::did_you_mean,
    workbench::{
        Screen,
        desk::{self, Clicked, Desk},
        effect::Effect,
        keymap::{self, Action, Context, Found, Popup},
        model::Severity,
        overlay::{Choice, Field, Files, Kind, Overlay, Reads, Row},
        palette,
        panes::{LOG, NODES, Need, Pane, RowId},
        question::{self, Question},
        view::{answer_at, overlay_area},
        widgets::{
            table::{self, Identity},
            text,
        },
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
            Input::Drag { column, row } => {
                self.drag(column, row);
                Vec::new()
            }
            Input::Release => {
                self.let_go();
                Vec::new()
            }
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
        (self.desk.grabbed, self.desk.clicked) = (None, None);
        if self.desk.keys.is(key, Action::Interrupt) {
            return self.interrupt();
        }
        if !self.desk.typed.is_empty() && self.desk.keys.is(key, Action::Back) {
            self.desk.typed.clear();
            return Vec::new();
        }
        self.desk.typed.push(key);
        let context = self.desk.context();
        let found = self.desk.keys.find(&self.desk.typed, context);
        if let Found::Prefix(_) = found {
            return Vec::new();
        }
        let typed = std::mem::take(&mut self.desk.typed);
        match (found, context) {
            (Found::Action(action), Context::Screen(_)) => return self.act(action),
            (Found::Action(action), Context::Popup(_)) if self.desk.overlay.is_some() => {
                return self.act_on_overlay(action);
            }
            (Found::Action(action), Context::Popup(_)) if self.desk.naming.is_some() => self.act_on_naming(action),
            (Found::Action(action), Context::Popup(_)) => self.act_on_filter(action),
            (_, Context::Popup(Popup::Field)) => {
                self.type_text(key);
                return self.list_files();
            }
            (_, Context::Popup(_)) => {}
            (_, Context::Screen(_)) => self.unknown(&typed),
        }
        Vec::new()
    }

    /// Says what keys would do elsewhere, or that they do nothing.
    fn unknown(&mut self, typed: &[Key]) {
        let names: Vec<String> = typed.iter().map(Key::to_string).collect();
        let keys = names.join(" ");
        let said = match self.desk.keys.anywhere(typed) {
            Some(binding) => {
                let screens = Screen::ALL.into_iter().filter(|screen| binding.acts_on(*screen));
                let places: Vec<&str> = screens.map(Screen::name).collect();
                let places = if places.is_empty() { "popups".to_owned() } else { places.join(", ") };
                format!("`{keys}` ({}) acts on {places}", binding.name)
            }
            None => format!("`{keys}` is not bound here; {} lists the keys", self.desk.keys.key(Action::Help)),
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
        } else if let Some(naming) = &mut self.desk.naming {
            naming.field.insert(text);
        } else if let Some(field) = &mut self.desk.filter {
            field.insert(text);
            self.apply_filter();
        } else {
            let [filter, palette] = [Action::Filter, Action::Palette].map(|action| self.desk.keys.key(action));
            self.say(Severity::Info, format!("pasted text goes into a field: {filter} or {palette} opens one"));
        }
    }

    /// A character for the field that has the keys; other keys do nothing there.
    fn type_text(&mut self, key: Key) {
        let Code::Char(c) = key.code else { return };
        if keymap::is_text(&key) {
            self.edit(|field| field.insert(c.encode_utf8(&mut [0; 4])));
        }
    }

    /// Changes the field that has the keys, and what depends on it.
    pub(super) fn edit(&mut self, change: impl FnOnce(&mut Field)) {
        if let Some(mut overlay) = self.desk.overlay.take() {
            if let Some(field) = &mut overlay.field {
                change(field);
                overlay.typed(&self.reads());
            }
            self.desk.overlay = Some(overlay);
        } else if let Some(naming) = &mut self.desk.naming {
            change(&mut naming.field);
        } else if let Some(field) = &mut self.desk.filter {
            change(field);
            self.apply_filter();
        }
    }

    /// Moves and erases in a field; false where the action is another one.
    pub(super) fn act_on_field(&mut self, action: Action) -> bool {
        match action {
            Action::FieldStart => self.edit(|field| field.cursor = 0),
            Action::FieldEnd => self.edit(|field| field.cursor = field.text.len()),
            Action::FieldLeft => self.edit(Field::left),
            Action::FieldRight => self.edit(Field::right),
            Action::Erase => self.edit(Field::backspace),
            Action::EraseWord => self.edit(Field::delete_word),
            Action::EraseAll => self.edit(Field::clear),
            _ => return false,
        }
        true
    }

    // -- the filter --------------------------------------------------------------------------------------------------

    fn act_on_filter(&mut self, action: Action) {
        match action {
            Action::Enter | Action::MoveDown => {
                // A filter that cannot be understood stays in its field, which says why.
                let pane = self.desk.focused();
                let table = self.desk.table_mut(pane);
                table.misread = table.finished(&table.filter).err();
                if table.misread.is_some() {
                    return;
                }
                let text = self.desk.filter.take().map(|field| field.text).unwrap_or_default();
                desk::remember(&mut self.desk.filters, &text);
                self.desk.recalled_filter = None;
                let before = self.desk.before_filter.clone();
                self.say_hidden(before);
            }
            Action::MoveUp => {
                let older = self.desk.recalled_filter.unwrap_or(self.desk.filters.len()).checked_sub(1);
                if let Some(text) = older.and_then(|at| self.desk.filters.get(at)).cloned() {
                    self.desk.recalled_filter = older;
                    self.edit(|field| *field = Field::with(&text));
                }
            }
            Action::Recall => self.recall_filter(),
            Action::Back => {
                self.desk.filter = None;
                self.set_filter(String::new());
                // Nothing was chosen: the cursor goes back to where it was.
                if let Some(before) = self.desk.before_filter.take() {
                    self.desk.table_mut(self.desk.focused()).select(&before);
                }
            }
            _ => {
                self.act_on_field(action);
            }
        }
    }

    /// The cursor is not on the row that a person put it on, because the filter hides that.
    pub(super) fn say_hidden(&mut self, before: Option<RowId>) {
        let table = self.desk.table(self.desk.focused());
        if let Some(meant) = table.column_meant() {
            return self.say(Severity::Info, text::clean(&meant).into_owned());
        }
        let Some(before) = before.filter(|before| table.selected.as_ref() != Some(before)) else { return };
        if table.is_filtered() && !table.visible.is_empty() && !before.name().is_empty() {
            let name = text::clean(before.name()).into_owned();
            self.say(Severity::Info, format!("the filter hides {name}; the nearest row is selected"));
        }
    }

    fn apply_filter(&mut self) {
        let Some(field) = &self.desk.filter else { return };
        let text = field.text.clone();
        self.set_filter(text);
    }

    pub(super) fn set_filter(&mut self, text: String) {
        let text = self.meant_filter(text);
        let pane = self.desk.focused();
        let table = self.desk.table_mut(pane);
        if text.is_empty() {
            table.unfilter();
        } else {
            table.filter = text;
            table.refilter();
        }
        self.desk.mark(Need::Cursor(pane));
        // Which lines of a log are rows depends on what is looked for.
        if pane == &LOG {
            self.desk.mark(Need::Look);
        }
    }

    // -- overlays ----------------------------------------------------------------------------------------------------

    pub(super) fn act_on_overlay(&mut self, action: Action) -> Vec<Effect> {
        if self.act_on_field(action) {
            return Vec::new();
        }
        let Some(mut overlay) = self.desk.overlay.take() else { return Vec::new() };
        if action == Action::CancelOperation {
            let asked = overlay.clone();
            self.desk.overlay = Some(overlay);
            return self.act_on_operations(&asked, action).unwrap_or_default();
        }
        let recalls = recalls(&overlay, action);
        match (action, &mut overlay.kind) {
            // The field of a text is a search.
            (Action::Enter | Action::Back, Kind::Text | Kind::Messages) if overlay.field.is_some() => {
                overlay.field = None;
                if action == Action::Back {
                    overlay.table.look_for("");
                }
            }
            (Action::Filter, Kind::Text | Kind::Messages) => overlay.field = Some(Field::default()),
            (Action::NextFound | Action::PreviousFound, Kind::Text | Kind::Messages) => {
                overlay.table.find(action == Action::NextFound);
            }
            (Action::Wide, Kind::Text) => overlay.toggle_wrap(),
            (Action::Back | Action::Close, Kind::Recall(_)) => {
                self.end_recall(overlay);
                return Vec::new();
            }
            (Action::Back | Action::Close | Action::AnswerNo, _) => return Vec::new(),
            (Action::Recall, Kind::Palette) => {
                self.recall_command(overlay);
                return Vec::new();
            }
            // Once more is the next one, as in shells.
            (Action::Recall, Kind::Recall(_)) => overlay.table.move_by(1),
            (Action::Enter, Kind::Question { answers, chosen, .. }) => {
                let leads = answers.get(*chosen).and_then(|answer| answer.leads.clone());
                return leads.map_or_else(Vec::new, |question| self.answer(question));
            }
            (Action::Enter, Kind::Confirm { question, name }) => {
                let typed = overlay.field.as_ref().map_or("", |field| field.text.trim());
                if typed == name {
                    return self.answer(question.clone());
                }
                let said = format!("not done yet: the name of the context is `{name}`");
                self.say(Severity::Warn, said);
            }
            (Action::NextAnswer | Action::PreviousAnswer, Kind::Question { answers, chosen, .. }) => {
                *chosen = question::step(*chosen, answers.len(), action == Action::NextAnswer);
            }
            (Action::Enter, _) => return self.overlay_enter(overlay),
            (Action::Copy, kind) => {
                let copied = match kind {
                    Kind::Text | Kind::Question { .. } => overlay.copy.clone(),
                    _ => overlay.table.row().map(|row| row.plain()).unwrap_or_default(),
                };
                self.desk.overlay = Some(overlay);
                return vec![Effect::Copy(copied)];
            }
            (Action::Pager, Kind::Text) => {
                let text = overlay.copy.clone();
                self.desk.overlay = Some(overlay);
                return vec![Effect::Page(text)];
            }
            (Action::Editor, Kind::Text) => {
                let effects = self.edit_copy(&overlay);
                self.desk.overlay = Some(overlay);
                return effects;
            }
            (Action::Complete, _) => {
                self.complete(&mut overlay);
                self.desk.overlay = Some(overlay);
                return self.list_files();
            }
            (Action::MoveUp | Action::MoveDown, Kind::Palette) if recalls => {
                self.recall(&mut overlay, action == Action::MoveUp);
            }
            _ => {
                let area = overlay_area(&self.desk, &overlay);
                let (width, height) = (area.width.saturating_sub(2), area.height.saturating_sub(2));
                let columns = u16::try_from(table::text_columns(usize::from(width))).unwrap_or(u16::MAX);
                scroll(&mut overlay, action, i64::from(self.desk.height / 2).max(1), (columns, height));
            }
        }
        self.desk.overlay = Some(overlay);
        Vec::new()
    }

    /// Takes the selected row into the field; where that is what is typed already, the first one that goes on.
    fn complete(&mut self, overlay: &mut Overlay) {
        let typed = overlay.field.as_ref().map(|field| field.text.clone()).unwrap_or_default();
        let line = |row: &Row| match &row.id {
            Choice::Run(line) | Choice::Take(line) => Some(line.clone()),
            Choice::Act(action) => Some(keymap::binding(*action).name.to_owned()),
            _ => None,
        };
        let selected = overlay.table.row().and_then(line).filter(|line| *line != typed);
        let next = || overlay.table.content.rows.iter().filter_map(line).find(|line| *line != typed);
        if let Some(line) = selected.or_else(next) {
            overlay.field = Some(Field::with(&palette::completed(line)));
            overlay.typed(&self.reads());
        }
    }

    /// Up and Down at the top of the palette go through what was typed before.
    fn recall(&mut self, overlay: &mut Overlay, older: bool) {
        let history = &self.desk.history;
        let at = match (overlay.recalled, older) {
            (None, _) => history.len().checked_sub(1),
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) => Some(at + 1).filter(|at| *at < history.len()),
        };
        let line = at.and_then(|at| history.get(at)).cloned().unwrap_or_default();
        overlay.recalled = at;
        overlay.field = Some(Field::with(&line));
        overlay.typed(&self.reads());
    }

    /// The files that the palette completes, where they are of another folder than those that are known.
    fn list_files(&mut self) -> Vec<Effect> {
        let field = self.desk.overlay.as_ref().filter(|overlay| overlay.kind == Kind::Palette);
        let typed = field.and_then(|overlay| overlay.field.as_ref()).map(|field| field.text.as_str());
        match typed.and_then(palette::folder) {
            Some(folder) if folder != self.desk.files.folder || self.desk.files.names.is_empty() => {
                vec![Effect::ListFiles(folder)]
            }
            _ => Vec::new(),
        }
    }

    /// The files of a folder have been listed.
    pub(super) fn files(&mut self, files: Files) {
        self.desk.files = files;
        if let Some(mut overlay) = self.desk.overlay.take() {
            if overlay.kind == Kind::Palette && !overlay.table.touched {
                overlay.typed(&self.reads());
            }
            self.desk.overlay = Some(overlay);
        }
    }

    fn overlay_enter(&mut self, overlay: Overlay) -> Vec<Effect> {
        let typed = overlay.field.as_ref().map(|field| field.text.clone()).unwrap_or_default();
        // It stays in its field, where the place is marked.
        if overlay.kind == Kind::Palette && palette::unended(&typed).is_some() {
            self.desk.overlay = Some(overlay);
            return Vec::new();
        }
        // What only resembles the typed text is not what a person asked for, until they choose it.
        if !overlay.takes_row() {
            return if typed.trim().is_empty() { Vec::new() } else { self.command(&typed) };
        }
        let choice = overlay.choice().cloned();
        match choice {
            Some(Choice::Act(action)) => return self.act(action),
            Some(Choice::Run(line)) => return self.command(&line),
            Some(Choice::Take(line)) => {
                self.desk.overlay = Some(self.palette(&line));
                return self.list_files();
            }
            Some(Choice::Go(pane, row)) => self.go(pane, &row),
            Some(Choice::Message(at)) => {
                let failure = self.model.messages.get(at).and_then(|message| message.failure.as_ref());
                self.desk.overlay = failure.map(Overlay::failure).or_else(|| {
                    let text = &self.model.messages.get(at)?.text;
                    Some(Overlay::notice("a message", &text::wrap(text, 72)))
                });
            }
            // A long line is read in full.
            Some(Choice::Logged(_)) => {
                let line = overlay.table.row().map(|row| row.plain()).unwrap_or_default();
                self.desk.overlay = Some(Overlay::notice("a line of the log", &text::wrap(line.trim(), 72)));
            }
            Some(Choice::Operation(key)) => self.go_to_operation(&key),
            Some(Choice::Recall(line)) => {
                if let Kind::Recall(source) = overlay.kind {
                    self.recalled(source, &line);
                }
            }
            Some(Choice::Line(_) | Choice::Piece(..)) => {}
            None => self.desk.overlay = Some(overlay),
        }
        Vec::new()
    }

    /// Shows how a command can go on.
    pub(in crate::workbench) fn offer(&mut self, start: &str) {
        self.desk.overlay = Some(self.palette(start));
    }

    pub(super) fn palette(&self, start: &str) -> Overlay {
        Overlay::palette(&self.reads(), start)
    }

    pub(super) fn reads(&self) -> Reads<'_> {
        let Desk { tables, keys, screen, history, filters, saved_filters, files, themes, preferences, .. } = &self.desk;
        let (model, pane) = (&self.model, self.desk.focused());
        let (recent_contexts, recent_files) = (self.recent_contexts(), self.recent_files());
        Reads {
            model,
            tables,
            keys,
            screen: *screen,
            pane,
            history,
            filters,
            saved_filters,
            files,
            themes,
            preferences,
            recent_contexts,
            recent_files,
            state: self,
        }
    }

    /// Puts the cursor on a row of a pane.
    pub(super) fn go(&mut self, pane: &'static Pane, row: &RowId) {
        self.jumped(pane.screen);
        self.desk.focus_on(pane);
        let listed = self.model.cluster.listed();
        if pane == &NODES && !listed.iter().any(|node| &*node.name == row.name()) {
            self.model.cluster.drilled = None;
            self.desk.mark(Need::Cluster);
        }
        self.prepare();
        self.set_filter(String::new());
        if !self.desk.table_mut(pane).select(row) {
            let rows = &self.desk.table(pane).content.rows;
            let near = near_matches(row.name(), rows.iter().map(|row| row.id.name()));
            let hint = did_you_mean(&near).map(|hint| format!("; {hint}")).unwrap_or_default();
            self.say(Severity::Info, format!("`{}` is not in {}{hint}", row.name(), pane.name));
        }
        self.desk.mark(Need::Cursor(pane));
    }

    /// Asks before something is changed in the cluster of a context: where that is protected, by its name.
    ///
    /// What is shown may be a file, whose name says nothing of the cluster that would be changed.
    pub(super) fn ask_to_change(
        &mut self,
        question: Question,
        (title, lines): (&str, &[String]),
        choices: [&'static str; 2],
        context: &str,
    ) {
        if !self.model.protected.holds(context) {
            self.desk.overlay = Some(Overlay::question(question, title, lines, choices));
            return;
        }
        let mut said =
            vec![format!("`{context}` is protected: type its name, then Enter, to {}.", choices[1]), String::new()];
        said.extend_from_slice(lines);
        self.desk.overlay = Some(Overlay::confirm(question, title, &said, context));
    }

    fn answer(&mut self, question: Question) -> Vec<Effect> {
        match question {
            Question::Run => self.start_run(),
            Question::CancelRun => self.cancel_run(),
            Question::CancelCheck(name) => self.cancel_check(name),
            Question::Deploy => self.start_deploy(),
            Question::CancelDeploy => self.cancel_deploy(),
            Question::Overwrite => self.overwrites.take().into_iter().collect(),
            Question::WriteLog(part) => self.write_part_of_log(part),
            Question::Quit => {
                self.quit = true;
                vec![Effect::CancelRun]
            }
            Question::Leave => self.leave_run(),
            Question::EndFollow => self.stop_following(),
        }
    }

    /// Cancels what is in front; a second time within a second, leaves.
    fn interrupt(&mut self) -> Vec<Effect> {
        let twice = self.model.now_ms.saturating_sub(self.interrupted_ms) <= 1000 && self.interrupted_ms > 0;
        self.interrupted_ms = self.model.now_ms;
        self.desk.typed.clear();
        if twice {
            self.quit = true;
            return vec![Effect::CancelRun];
        }
        if self.desk.overlay.take().is_some() {
            return Vec::new();
        }
        if self.desk.naming.take().is_some() {
            return Vec::new();
        }
        if self.desk.filter.take().is_some() {
            self.set_filter(String::new());
            return Vec::new();
        }
        if self.model.run.active && !self.model.run.canceling {
            return self.cancel_run();
        }
        if self.model.deploy.active && !self.model.deploy.canceling {
            return self.cancel_deploy();
        }
        let key = self.desk.keys.key(Action::Interrupt);
        self.say(Severity::Info, format!("nothing to cancel; {key} again within 1 s quits"));
        Vec::new()
    }

    // -- the mouse ---------------------------------------------------------------------------------------------------

    fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let before = self.desk.clicked.take();
        let is_hint = self.desk.layout.hint.is_some_and(|line| line.y == row);
        if self.desk.overlay.is_some() && is_hint {
            let action = crate::workbench::view::hint_at(self, column);
            return action.map_or_else(Vec::new, |action| self.act_on_overlay(action));
        }
        if let Some(answer) = answer_at(self, column, row) {
            return self.click_answer(answer);
        }
        if self.desk.overlay.is_some() || self.desk.types_below() {
            return Vec::new();
        }
        if is_hint && !std::mem::take(&mut self.desk.typed).is_empty() {
            return Vec::new();
        }
        if row == self.desk.layout.top.y {
            let tab = crate::workbench::view::tab_at(self, column);
            return tab.map_or_else(Vec::new, |screen| {
                self.desk.show(screen);
                Vec::new()
            });
        }
        if self.desk.layout.health.is_some_and(|line| line.y == row) {
            if let Some(pane) = crate::workbench::view::health_at(self, column) {
                self.desk.focus_on(pane);
            }
            return Vec::new();
        }
        if is_hint {
            let action = crate::workbench::view::hint_at(self, column);
            return action.map_or_else(Vec::new, |action| self.act(action));
        }
        let at = ratatui::layout::Position::new(column, row);
        let Some((pane, area)) = self.desk.layout.panels.iter().copied().find(|(_, area)| area.contains(at)) else {
            return Vec::new();
        };
        let again = self.desk.focused() == pane;
        self.desk.focus_on(pane);
        let inner = self.desk.layout.inner(area);
        if let Some(edge) = self.desk.edge_at(at) {
            let behind = if edge.upright { column - edge.area.x } else { row - edge.area.y };
            self.desk.grabbed = Some((edge.border, behind));
            return Vec::new();
        }
        // No row is on a border.
        if row >= inner.bottom() || column < inner.x || column >= inner.right() {
            return Vec::new();
        }
        let table = self.desk.table_mut(pane);
        let head = usize::from(inner.height) - table.room(inner.height).min(usize::from(inner.height));
        let offset = usize::from(row.saturating_sub(inner.y));
        if row < inner.y || offset < head {
            let header = table.content.headers && offset + 1 == head;
            let sorted = header.then(|| table.column_at(inner, column)).flatten();
            if let Some(sorted) = sorted {
                self.sort_by(pane, sorted);
            }
            return Vec::new();
        }
        let columns = u16::try_from(table::text_columns(usize::from(inner.width))).unwrap_or(u16::MAX);
        let widths = table.widths_in(columns, inner.height);
        // The first of two clicks moves the cursor, and the row that it was on folds: the second one is on the row of the first.
        let is_second = |clicked: &Clicked| {
            (clicked.pane, clicked.at) == (pane, (column, row)) && table.row().is_some_and(|on| on.id == clicked.row)
        };
        let place = match before.as_ref().is_some_and(is_second) {
            true => table.cursor,
            false => table.spread(table.room(inner.height), &widths, columns).place_at(offset - head),
        };
        if place >= table.visible.len() {
            return Vec::new();
        }
        let same = table.cursor == place;
        table.move_to(place);
        let clicked = table.row().map(|on| Clicked { pane, at: (column, row), row: on.id.clone() });
        self.desk.clicked = clicked;
        self.desk.mark(Need::Cursor(pane));
        if again && same { self.act(Action::Enter) } else { Vec::new() }
    }

    /// A click on an answer chooses it, and one on the chosen answer gives it.
    fn click_answer(&mut self, answer: usize) -> Vec<Effect> {
        match &mut self.desk.overlay {
            Some(Overlay { kind: Kind::Question { chosen, .. }, .. }) if *chosen != answer => {
                *chosen = answer;
                Vec::new()
            }
            _ => self.act_on_overlay(Action::Enter),
        }
    }

    /// The border under the pointer goes with it.
    fn drag(&mut self, column: u16, row: u16) {
        let Some((border, behind)) = self.desk.grabbed else { return };
        let Some(edge) = self.desk.layout.edges.iter().copied().find(|edge| edge.border == border) else { return };
        let (from, to) = if edge.upright { (edge.area.x, column) } else { (edge.area.y, row) };
        let step = i32::from(to) - i32::from(behind) - i32::from(from);
        self.desk.move_border(&edge, edge.moved + step);
    }

    fn let_go(&mut self) {
        let Some((border, _)) = self.desk.grabbed.take() else { return };
        if self.desk.layout.edges.iter().any(|edge| edge.border == border && edge.moved != 0) {
            let key = self.desk.keys.key(Action::PanelsAsBefore);
            self.say(Severity::Info, format!("borders stay where they are put; {key} puts them back"));
        }
    }

    fn wheel(&mut self, column: u16, row: u16, lines: i32) {
        self.desk.clicked = None;
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

/// Whether an arrow goes through the history: at the top, from an empty field or from a line of the history.
fn recalls(overlay: &Overlay, action: Action) -> bool {
    let is_empty = overlay.field.as_ref().is_some_and(|field| field.text.is_empty());
    let at_top = overlay.table.cursor == 0 && !overlay.table.touched;
    match action {
        Action::MoveUp => at_top && (is_empty || overlay.recalled.is_some()),
        _ => at_top && overlay.recalled.is_some(),
    }
}

/// Moves in the rows of a popup; in a text, a step is half a page.
fn scroll(overlay: &mut Overlay, action: Action, page: i64, (columns, height): (u16, u16)) {
    let takes_row = overlay.takes_row();
    let table = &mut overlay.table;
    let step = if table.content.prose { (page / 2).max(1) } else { 1 };
    match action {
        // The first one, where none is marked yet.
        Action::MoveDown | Action::NextMatch if !takes_row => table.move_to(0),
        Action::MoveDown | Action::NextMatch => table.move_by(step),
        Action::MoveUp | Action::PreviousMatch => table.move_by(-step),
        Action::PageDown | Action::HalfDown | Action::PopupPage => table.move_by(page),
        Action::PageUp | Action::HalfUp => table.move_by(-page),
        Action::First => table.move_to(0),
        Action::Last => table.move_to(usize::MAX),
        Action::Right | Action::Left => {
            table.shift(action == Action::Right, columns, height);
        }
        _ => {}
    }
}
