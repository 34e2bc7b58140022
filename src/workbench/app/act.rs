//! Actions: what each does to the state. What an action does on a pane's row, the pane says.

use super::State;
use crate::{
    criteria::{Criteria, Dimension, ProfileChoice},
    diff::noise::Shown as Noise,
    document::header::Edition,
    inventory::shape::Key,
    ops::{self, Failure, snapshot::Format},
    resolve::{configuration, profile},
    workbench::{
        Screen,
        effect::Effect,
        keymap::Action,
        layout::{Edge, Zoom},
        log_options::MOST_AROUND,
        model::{CompareView, DiffView, KEPT, Kept, Severity, Side, Slot, Source, WhatIf},
        overlay::{Field, Overlay},
        panes::{self, CHANGES, CHECKS, LOG, NODES, Need, Pane, RUN_CHANGES, SHAPES, SIDES, Step, VALUES, WHAT_IF},
        view,
        widgets::{
            table::{self, SortKey},
            text,
        },
    },
};
use ratatui::layout::Rect;
use std::path::PathBuf;

/// Columns and lines by which a key moves a border.
const COLUMNS: i32 = 4;
const LINES: i32 = 2;

impl State {
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        let pane = self.desk.focused();
        // The end of a log is in memory.
        if matches!(action, Action::Follow | Action::Newest) || (action == Action::Last && pane == &LOG) {
            self.leave_older();
        }
        if let Some(effects) = self.act_on_marks(pane, action) {
            return effects;
        }
        if let Some(step) = (pane.on)(&self.desk.view(&self.model, pane), action) {
            return self.step(pane, step);
        }
        if let Some(effects) = self.act_on_time(pane, action) {
            return effects;
        }
        if action == Action::GoRuns {
            // Another program may have begun or ended one.
            return self.runs_command();
        }
        if self.act_on_table(pane, action) || self.act_on_panels(action) || self.act_on_look(action) {
            return Vec::new();
        }
        match action {
            Action::Enter => self.toggle_zoom(),
            Action::Back => return self.back(),
            Action::Close => return self.close(),
            Action::WhatIf => return self.toggle_what_if(),
            Action::KeepColumn => self.keep_column(),
            Action::Adopt => {
                self.says_unable(Action::Adopt);
            }
            Action::CompareWith => return self.compare_with(),
            Action::Swap => return self.swap(),
            Action::GoDefinition => self.say(Severity::Info, "the selected row is not set by a file"),
            Action::Pager => return self.page(pane),
            Action::GoUpgrade => return self.upgrade_command(""),
            Action::Evaluate => return self.evaluate(),
            Action::Run => {
                let what = self.under_cursor();
                return self.ask_run(what);
            }
            Action::RunFailed => return self.run_failed(),
            Action::Pause if self.desk.screen == Screen::Validate => return self.pause(),
            Action::Pause => return self.pause_view(),
            Action::StepOn | Action::StepBack => self.replay_step(action == Action::StepOn),
            Action::Cancel => self.ask_cancel(),
            Action::Merge => self.merge_logs(),
            Action::LogOptions => self.list_log_options(),
            Action::Refresh => return self.refresh(),
            Action::Copy | Action::CopyRow => return self.copy(pane),
            Action::Export => return self.export_command(""),
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            _ => {}
        }
        Vec::new()
    }

    /// Takes what a pane asks for.
    fn step(&mut self, pane: &'static Pane, step: Step) -> Vec<Effect> {
        match step {
            Step::Focus(other) => self.desk.focus_on(other),
            Step::Select(other, row) => self.go(other, &row),
            Step::Drill(shape) => self.drill(Some(shape)),
            Step::Fold => {
                self.desk.table_mut(pane).toggle_fold();
                self.desk.mark(Need::Cursor(pane));
            }
            Step::Source { file, line } => return self.open_source(&file, line),
            Step::Text { title, body } => self.desk.overlay = Some(Overlay::text(&title, &body, 1)),
            Step::Prose { title, body } => self.desk.overlay = Some(Overlay::wrapped(&title, &body)),
            Step::Copy(text) => return vec![Effect::Copy(text)],
            Step::Say(text) => self.say(Severity::Info, text),
            Step::Diff(with) => {
                self.say(Severity::Ok, format!("compared with {}", with.describe()));
                return self.compare_recipe_with(with);
            }
            Step::DiffOverlay(name) => return self.diff_overlay(&name),
            Step::Adopt(criteria) => return self.adopt(criteria),
            Step::Criterion(dimension, value) => return self.set_criterion(dimension, value),
            Step::Profile(choice) => return self.choose_profile(choice),
            Step::Setting(flag, mode) => return self.decide_setting(flag, mode),
            Step::CloseWhatIf => self.close_what_if(),
            Step::OpenRun(name) => return self.open_run(name, false),
            Step::AttachRun(name) => return self.attach_listed(name),
            Step::CompareRun(name) => return self.open_run(name, true),
            Step::AskDeploy => return self.ask_deploy(),
            Step::AskCancelDeploy => self.ask_cancel_deploy(),
            Step::Mark(check, line) => self.ask_mark(&check, line),
            Step::Log => self.show_log(),
            Step::OpenFold(row) => {
                let opened = &mut self.model.diff.opened;
                if !opened.remove(&row) {
                    opened.insert(row);
                }
                self.desk.mark(Need::Diff);
            }
            Step::Line(line) => return self.go_to_line(line),
            Step::ShowMoment(id) if id.is_empty() => return self.return_to_now(),
            Step::ShowMoment(id) => return self.show_moment(&id),
            Step::CompareMoment(id) => return self.compare_moment(&id),
            Step::SwitchNoise(rule) => self.noise_command(rule),
        }
        Vec::new()
    }

    /// Lists the nodes of one shape only, or all again.
    fn drill(&mut self, shape: Option<Key>) {
        self.desk.focus_on(if shape.is_some() { &NODES } else { &SHAPES });
        self.model.cluster.drilled = shape;
        let table = self.desk.table_mut(&NODES);
        table.filter.clear();
        table.move_to(0);
        self.desk.mark(Need::Cluster);
        self.desk.prepare(&self.model);
        // The node that the cursor was on may be on another list.
        self.desk.table_mut(&NODES).move_to(0);
        self.desk.mark(Need::Cursor(&NODES));
    }

    /// Moving, folding and sorting in the focused panel.
    fn act_on_table(&mut self, pane: &'static Pane, action: Action) -> bool {
        let inner = self.desk.layout.panel(pane).map_or_else(Rect::default, |area| self.desk.layout.inner(area));
        let page = i64::from(inner.height).max(2) - 1;
        let columns = u16::try_from(table::text_columns(usize::from(inner.width))).unwrap_or(u16::MAX);
        let prose = self.desk.table(pane).content.prose;
        let table = self.desk.table_mut(pane);
        // Text has no cursor bar, so a step moves the window at once.
        if prose && matches!(action, Action::MoveDown | Action::HalfDown) && table.cursor < table.top {
            table.cursor = table.top;
        }
        match action {
            Action::MoveDown if prose => table.move_to((table.top + usize::try_from(page).unwrap_or(1)) + 1),
            Action::MoveUp if prose => table.move_to(table.top.saturating_sub(1)),
            Action::MoveDown => table.move_by(1),
            Action::MoveUp => table.move_by(-1),
            Action::First => table.move_to(0),
            Action::Last => {
                table.move_to(usize::MAX);
                table.follow = pane.follows;
            }
            Action::HalfDown => table.move_by(page / 2),
            Action::HalfUp => table.move_by(-page / 2),
            Action::PageDown => table.move_by(page),
            Action::PageUp => table.move_by(-page),
            Action::Left => {
                if !table.shift(false, columns, inner.height) {
                    table.fold(false);
                }
            }
            Action::Right if table.row().is_some_and(|row| row.branch.is_some()) => table.fold(true),
            Action::Right => {
                if !table.shift(true, columns, inner.height) {
                    self.say(Severity::Info, "there is nothing more to the right");
                }
            }
            Action::FoldToggle => table.toggle_fold(),
            Action::FoldAll => table.fold_all(false),
            Action::UnfoldAll => table.fold_all(true),
            Action::Sort | Action::SortReverse => self.sort(pane, action == Action::SortReverse),
            Action::Wide if !table.chosen.is_empty() => {
                let (chosen, line) = (table.chosen.join(", "), self.desk.keys.command("columns"));
                self.say(Severity::Info, format!("the columns are chosen: {chosen}; {line} shows the usual ones"));
            }
            Action::Wide => {
                table.wide = !table.wide;
                table.left = 0;
                self.desk.mark(Need::Look);
                self.say_wide(pane);
            }
            Action::NextFound | Action::PreviousFound => {
                if table.find(action == Action::NextFound) {
                    let (at, of) = table.matches();
                    self.say(Severity::Info, format!("match {} of {}", text::thousands(at), text::thousands(of)));
                } else {
                    let key = self.desk.keys.key(Action::Filter);
                    self.say(Severity::Info, format!("nothing to look for: {key} filters first"));
                }
            }
            Action::NextThing | Action::PreviousThing => self.seek(pane, action == Action::NextThing),
            _ => return false,
        }
        if pane == &CHECKS {
            self.model.run.follows = false;
        }
        self.desk.mark(Need::Cursor(pane));
        if pane.follows {
            self.desk.mark(Need::Look);
        }
        true
    }

    /// What wide columns came to.
    fn say_wide(&mut self, pane: &'static Pane) {
        let table = self.desk.table(pane);
        let columns = &table.content.columns;
        let inside = self.desk.layout.panel(pane).map_or(0, |area| self.desk.layout.inner(area).width);
        let room = u16::try_from(table::text_columns(usize::from(inside))).unwrap_or(0);
        let (widths, lacking) = (table.widths(room), table.without_room(room));
        let wide = || columns.iter().zip(&widths).filter(|(column, _)| column.wide_only);
        let (all, shown) = (wide().count(), wide().filter(|(_, width)| **width > 0).count());
        let said = match (table.wide, all, shown) {
            // A log says it in its title.
            _ if pane.follows => return,
            (wraps, ..) if pane.wraps => {
                format!("long lines {}", if wraps { "go on below" } else { "are scrolled to" })
            }
            (_, 0, _) if lacking == 0 => "this panel has no more columns".to_owned(),
            (false, ..) if all > 0 => "the usual columns".to_owned(),
            (true, all, shown) if lacking == 0 && shown == all => format!("{} shown", text::count(all, "more column")),
            (_, all, shown) => {
                let key = self.desk.keys.key(Action::ZoomFull);
                let shown = if shown == 0 {
                    String::new()
                } else {
                    format!("{shown} of {} shown; ", text::count(all, "more column"))
                };
                let have = if lacking == 1 { "has" } else { "have" };
                format!("{shown}{} {have} no room here; {key} enlarges the panel", text::count(lacking, "column"))
            }
        };
        self.say(Severity::Info, said);
    }

    /// Sorts by a column; by the one that sorts already, the other way around.
    pub(super) fn sort_by(&mut self, pane: &'static Pane, column: usize) {
        let table = self.desk.table_mut(pane);
        if !table.content.ordered {
            let descending = table.sort.is_some_and(|(sorted, descending)| sorted == column && !descending);
            table.sort_by_columns(&[(column, descending)]);
        }
        self.say_sort(pane);
    }

    fn sort(&mut self, pane: &'static Pane, reverse: bool) {
        let table = self.desk.table_mut(pane);
        if !table.content.ordered && !table.content.columns.is_empty() {
            let columns = table.content.columns.len();
            let keys = match (table.sort, reverse) {
                // Several columns keep their order among each other.
                (Some((column, descending)), true) => [vec![(column, !descending)], table.then.clone()].concat(),
                (None, _) => vec![(0, reverse)],
                (Some((column, _)), false) if column + 1 < columns => vec![(column + 1, false)],
                (Some(_), false) => Vec::new(),
            };
            table.sort_by_columns(&keys);
        }
        self.say_sort(pane);
    }

    fn say_sort(&mut self, pane: &'static Pane) {
        if self.says_unable(Action::Sort) {
            return;
        }
        let table = self.desk.table(pane);
        let key = |(name, descending): &SortKey| {
            let way = if *descending { "descending" } else { "ascending" };
            format!("{name}, {way}")
        };
        let keys: Vec<String> = table.sort_keys().iter().map(key).collect();
        let said = match keys.is_empty() {
            false => format!("sorted by {}", keys.join(", then by ")),
            true => "in the order of the panel".to_owned(),
        };
        self.say(Severity::Info, said);
    }

    /// `]` and `[` look in the focused panel, else in the one that lists what matters on this screen.
    fn seek(&mut self, pane: &'static Pane, forward: bool) {
        let master = panes::main_of(self.desk.screen);
        for candidate in [pane, master] {
            if self.desk.table_mut(candidate).seek(forward) {
                self.desk.mark(Need::Cursor(candidate));
                return;
            }
        }
        self.say(Severity::Info, "no differences, failures or warnings here");
    }

    fn act_on_panels(&mut self, action: Action) -> bool {
        match action {
            Action::ScreenCluster => self.desk.show(Screen::Cluster),
            Action::ScreenRecipe => self.desk.show(Screen::Recipe),
            Action::ScreenDiff => self.desk.show(Screen::Diff),
            Action::ScreenValidate => self.desk.show(Screen::Validate),
            Action::ScreenCompare => self.desk.show(Screen::Compare),
            Action::PreviousView => self.desk.show(self.desk.previous),
            Action::HistoryBack => self.walk(true),
            Action::NextPanel => self.cycle(1),
            Action::PreviousPanel => self.cycle(-1),
            Action::PanelLeft => self.neighbor(-1, 0),
            Action::PanelRight => self.neighbor(1, 0),
            Action::PanelUp => self.neighbor(0, -1),
            Action::PanelDown => self.neighbor(0, 1),
            Action::PanelWider | Action::PanelNarrower => self.resize_panel(true, action == Action::PanelWider),
            Action::PanelTaller | Action::PanelShorter => self.resize_panel(false, action == Action::PanelTaller),
            Action::PanelsAsBefore => {
                self.desk.moved.remove(&(self.desk.screen, self.desk.layout.class));
                self.say(Severity::Info, "borders reset");
            }
            Action::ZoomFull => self.toggle_zoom(),
            Action::ZoomIn => self.desk.zoom = self.desk.zoom.larger(),
            Action::ZoomOut => self.desk.zoom = self.desk.zoom.smaller(),
            _ => match panes::ALL.iter().find(|pane| pane.jump == Some(action)) {
                Some(pane) => self.desk.focus_on(pane),
                None => return false,
            },
        }
        true
    }

    /// Moves the border behind the focused panel, or the one before it where it is the last.
    fn resize_panel(&mut self, sideways: bool, larger: bool) {
        let panel = self.desk.layout.panel(self.desk.focused()).unwrap_or_default();
        let edges = || self.desk.layout.edges.iter().filter(|edge| edge.upright == sideways);
        let meets = |edge: &&Edge| match sideways {
            true => edge.area.top() < panel.bottom() && panel.top() < edge.area.bottom(),
            false => edge.area.left() < panel.right() && panel.left() < edge.area.right(),
        };
        let behind = edges().filter(meets).find(|edge| match sideways {
            true => edge.area.x + 1 == panel.right(),
            false => edge.area.y + 1 == panel.bottom(),
        });
        let before = edges().filter(meets).find(|edge| match sideways {
            true => edge.area.x + 1 == panel.x,
            false => edge.area.y + 1 == panel.y,
        });
        let (edge, outward) = match (behind, before) {
            (Some(edge), _) => (*edge, 1),
            (None, Some(edge)) => (*edge, -1),
            (None, None) => return self.say(Severity::Info, "this panel has no such border here"),
        };
        let step = if sideways { COLUMNS } else { LINES } * outward * if larger { 1 } else { -1 };
        self.desk.move_border(&edge, edge.moved + step);
        self.desk.prepare(&self.model);
        if self.desk.layout.edges.iter().any(|now| now.border == edge.border && now.moved == edge.moved) {
            self.say(Severity::Info, "the border is at its end");
        }
    }

    fn toggle_zoom(&mut self) {
        self.desk.zoom = if self.desk.zoom == Zoom::Full { Zoom::Normal } else { Zoom::Full };
    }

    fn cycle(&mut self, step: isize) {
        let order = self.desk.present(&self.model);
        let at = order.iter().position(|pane| *pane == self.desk.focused()).unwrap_or(0);
        let next = (at as isize + step).rem_euclid(order.len() as isize);
        self.desk.focus_on(order[next as usize]);
        if self.desk.zoom == Zoom::Half {
            self.desk.zoom = Zoom::Normal;
        }
    }

    /// The nearest panel in a direction, by the distance of the edges.
    fn neighbor(&mut self, dx: i32, dy: i32) {
        let Some(from) = self.desk.layout.panel(self.desk.focused()) else { return };
        let center = |area: Rect| {
            (i32::from(area.x) * 2 + i32::from(area.width), i32::from(area.y) * 2 + i32::from(area.height))
        };
        let (x, y) = center(from);
        let ahead = |area: Rect| match (dx, dy) {
            (-1, _) => area.right() <= from.x,
            (1, _) => area.x >= from.right(),
            (_, -1) => area.bottom() <= from.y,
            _ => area.y >= from.bottom(),
        };
        let distance = |area: Rect| {
            let (other_x, other_y) = center(area);
            (x - other_x).abs() + (y - other_y).abs() * 2
        };
        let target =
            self.desk.layout.panels.iter().filter(|(_, area)| ahead(*area)).min_by_key(|(_, area)| distance(*area));
        match target.map(|(pane, _)| *pane) {
            Some(pane) => self.desk.focus_on(pane),
            None => self.say(Severity::Info, "there is no panel in that direction"),
        }
    }

    fn act_on_look(&mut self, action: Action) -> bool {
        match action {
            Action::Help => self.desk.overlay = Some(Overlay::help(&self.reads())),
            Action::Palette => {
                // Values are found by their paths from every screen.
                self.desk.fill(&VALUES, &self.model);
                self.desk.overlay = Some(self.palette(""));
            }
            Action::Filter => {
                let table = self.desk.table(self.desk.focused());
                let (text, selected) = (table.filter.clone(), table.selected.clone());
                self.desk.before_filter = selected.filter(|_| text.is_empty() && table.touched);
                self.desk.filter = Some(Field::with(&text));
            }
            Action::Raw => self.raw(),
            Action::Details => self.details(),
            Action::Blame => {
                self.desk.blame = !self.desk.blame;
                self.desk.mark(Need::Look);
            }
            Action::Timestamps => self.next_times(),
            Action::Follow => {
                for pane in panes::of_screen(self.desk.screen).filter(|pane| pane.follows) {
                    let table = self.desk.table_mut(pane);
                    table.follow = !table.follow;
                    table.refilter();
                }
                self.desk.mark(Need::Look);
            }
            Action::Newest => {
                for pane in panes::of_screen(self.desk.screen).filter(|pane| pane.follows) {
                    let table = self.desk.table_mut(pane);
                    table.follow = true;
                    table.refilter();
                    self.desk.mark(Need::Cursor(pane));
                }
                self.desk.mark(Need::Look);
            }
            Action::Noise if self.says_unable(action) => {}
            Action::Noise => {
                let noise = &mut self.model.compare.noise;
                *noise = if *noise == Noise::default() { Noise::all() } else { Noise::default() };
                self.desk.mark(Need::Compare);
                let changes = self.model.compare.changes.value.as_deref().map_or(&[][..], |drift| &drift.changes);
                let noisy = changes.iter().filter(|change| change.noise.is_some()).count();
                let count = text::count(noisy, "reading");
                let said = match (noisy, self.model.compare.noise.is_all()) {
                    (0, _) => "no reading differs that changes by itself".to_owned(),
                    (_, true) => format!("{count} that change by themselves are shown"),
                    (_, false) => format!("{count} that change by themselves are hidden"),
                };
                self.say(Severity::Info, said);
            }
            Action::DiffView if self.says_unable(action) => {}
            Action::DiffView if self.desk.screen == Screen::Compare => {
                let view = self.model.compare.view.next();
                self.model.compare.view = view;
                self.desk.mark(Need::Compare);
                self.say(Severity::Info, format!("differences {}", view.word()));
            }
            Action::DiffView => {
                let place = self.diff_place();
                let is_narrow = self.desk.width < 100;
                // Where both views of the texts look alike, there is one.
                let shown = |view| if is_narrow && view == DiffView::SideBySide { DiffView::Unified } else { view };
                let next = shown(self.model.diff.view).next();
                let view = shown(next);
                self.model.diff.view = view;
                self.desk.focus_on(if view.is_list() { &CHANGES } else { &SIDES });
                self.desk.mark(Need::Diff);
                self.go_to_diff_place(place);
                self.say(
                    Severity::Info,
                    match view != next {
                        true => "side by side needs 100 columns; the view is unified".to_owned(),
                        false => format!("view: {}", view.word()),
                    },
                );
            }
            Action::MoreContext | Action::LessContext => {
                let more = action == Action::MoreContext;
                let step = |context: usize| if more { (context * 2 + 1).min(1000) } else { context / 2 };
                if self.desk.screen == Screen::Validate {
                    self.set_around(step(self.desk.log_options.around).min(MOST_AROUND));
                } else if self.desk.screen == Screen::Compare {
                    let compare = &mut self.model.compare;
                    compare.context = step(compare.context);
                    // Only there is something around a difference.
                    compare.view = CompareView::Identity;
                    self.desk.mark(Need::Compare);
                } else {
                    self.model.diff.context = step(self.model.diff.context);
                    self.model.diff.opened.clear();
                    self.desk.mark(Need::Diff);
                }
            }
            _ => return false,
        }
        true
    }

    /// The selected change as a row of the texts; of a branch, the first change in it.
    fn diff_place(&self) -> Option<usize> {
        let pane = self.desk.focused();
        let table = self.desk.table(pane);
        if pane == &SIDES {
            return panes::text_row_of(&table.row()?.id);
        }
        let table = self.desk.table(&CHANGES);
        let from = table.content.rows.iter().position(|row| Some(&row.id) == table.selected.as_ref())?;
        let path = table.content.rows[from..].iter().find_map(|row| row.id.named())?;
        self.model.diff.changes.value.as_deref()?.row_of(path)
    }

    /// Puts the cursor of the view that is shown now on what another view had it on.
    fn go_to_diff_place(&mut self, place: Option<usize>) {
        self.desk.prepare(&self.model);
        let (Some(place), Some(changes)) = (place, self.model.diff.changes.value.clone()) else { return };
        if self.model.diff.view.is_list() {
            if let Some(change) = changes.change_at(place) {
                self.desk.table_mut(&CHANGES).select(&(&change.path).into());
            }
            self.desk.mark(Need::Cursor(&CHANGES));
        } else {
            let table = self.desk.table_mut(&SIDES);
            let _ = panes::ids_of_text_row(place).iter().any(|id| table.select(id));
            self.desk.mark(Need::Cursor(&SIDES));
        }
    }

    /// Esc: undoes the latest of filter, zoom, drill, past; at the top it says so.
    fn back(&mut self) -> Vec<Effect> {
        let pane = self.desk.focused();
        let master = panes::main_of(self.desk.screen);
        let is_failure = self.model.message().is_some_and(|message| message.severity == Severity::Fail);
        let was_told = std::mem::take(&mut self.desk.was_told_of_top);
        self.model.acknowledge();
        if !self.desk.table(pane).filter.is_empty() {
            self.set_filter(String::new());
        } else if self.unmark(pane) {
            self.say(Severity::Info, "no row is marked any more");
        } else if self.desk.zoom != Zoom::Normal {
            self.desk.zoom = Zoom::Normal;
        } else if pane == &NODES && self.model.cluster.drilled.is_some() {
            self.drill(None);
        } else if pane == &RUN_CHANGES {
            self.forget_compared();
        } else if pane != master {
            self.desk.focus_on(master);
        } else if self.model.time.past.is_some() {
            return self.return_to_now();
        } else if !is_failure {
            self.desk.was_told_of_top = true;
            let key = self.desk.keys.key(Action::Close);
            if !was_told {
                self.say(Severity::Info, format!("nothing to go back to; {key} quits"));
            }
        }
        Vec::new()
    }

    /// q: closes what is open, then the level below the first one; at the top, leaves, and asks only while a run of ours is
    /// active.
    fn close(&mut self) -> Vec<Effect> {
        let pane = self.desk.focused();
        let master = panes::main_of(self.desk.screen);
        if self.desk.zoom != Zoom::Normal {
            self.desk.zoom = Zoom::Normal;
        } else if pane == &NODES && self.model.cluster.drilled.is_some() {
            self.drill(None);
        } else if pane == &RUN_CHANGES {
            self.forget_compared();
        // Shapes lead to nodes: the nodes are below them, not above.
        } else if pane != master && pane != &SHAPES {
            self.desk.focus_on(master);
        } else {
            return self.ask_quit();
        }
        Vec::new()
    }

    // -- recipes -----------------------------------------------------------------------------------------------------

    /// Opens what-if, or closes it; what was tried is there again when it is opened, unless it was reverted or adopted.
    fn toggle_what_if(&mut self) -> Vec<Effect> {
        self.desk.mark(Need::WhatIf);
        if self.desk.screen == Screen::Recipe
            && let Some(what_if) = &self.model.what_if
        {
            let is_kept = self.model.kept.iter().any(|kept| kept.criteria == what_if.criteria);
            let tried = (what_if.criteria != *self.model.criteria() && !is_kept).then(|| what_if.criteria.clone());
            self.close_what_if();
            if let Some(tried) = &tried {
                let key = self.desk.keys.key(Action::WhatIf);
                self.say(Severity::Info, format!("what-if closed; {key} goes on with {tried}"));
            }
            self.model.tried = tried;
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.model.what_if.is_none() {
            let tried = self.model.tried.take();
            let criteria = tried.clone().unwrap_or_else(|| self.model.criteria().clone());
            self.model.what_if = Some(WhatIf { criteria, ..WhatIf::default() });
            if tried.is_some() {
                effects = self.resolve_what_if();
            }
        }
        self.desk.focus_on(&WHAT_IF);
        effects
    }

    fn close_what_if(&mut self) {
        (self.model.what_if, self.model.tried) = (None, None);
        self.desk.focus_on(&VALUES);
        self.desk.mark(Need::WhatIf);
    }

    /// The criteria of what-if become those of the recipe, which is what can be bundled and run then.
    fn adopt(&mut self, criteria: Criteria) -> Vec<Effect> {
        self.say(Severity::Ok, format!("the recipe is for {criteria} now"));
        self.close_what_if();
        self.state_criteria(criteria)
    }

    fn set_criterion(&mut self, dimension: Dimension, value: Option<String>) -> Vec<Effect> {
        let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
        what_if.criteria.set(dimension, value);
        // Other criteria may have no profile, or another one: what nobody offers any more is not asked for.
        let offered =
            self.model.catalog.value.as_ref().and_then(|catalog| profile::offered(catalog, &what_if.criteria));
        what_if.criteria.profile = what_if.criteria.profile.take().filter(|choice| {
            offered.is_some_and(|profile| profile.name == choice.name && profile.value(&choice.value).is_some())
        });
        if let Some(catalog) = &self.model.catalog.value {
            let offered = configuration::offered(catalog, &what_if.criteria);
            let flags: Vec<&str> = offered.iter().map(|offered| offered.flag).collect();
            what_if.criteria.configuration.keep(&flags);
        }
        self.resolve_what_if()
    }

    fn decide_setting(&mut self, flag: &str, mode: Option<&str>) -> Vec<Effect> {
        let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
        what_if.criteria.configuration.set_mode(flag, mode);
        self.resolve_what_if()
    }

    fn choose_profile(&mut self, choice: Option<ProfileChoice>) -> Vec<Effect> {
        let Some(what_if) = &mut self.model.what_if else { return Vec::new() };
        what_if.criteria.profile = choice;
        self.resolve_what_if()
    }

    /// The what-if becomes a column of the values; where there is none, the columns go.
    fn keep_column(&mut self) {
        self.desk.mark(Need::WhatIf);
        let criteria = self.model.what_if.as_ref().map(|what_if| &what_if.criteria);
        let Some(criteria) = criteria.filter(|criteria| *criteria != self.model.criteria()).cloned() else {
            let dropped = std::mem::take(&mut self.model.kept).len();
            match dropped {
                0 => drop(self.says_unable(Action::KeepColumn)),
                _ => self.say(Severity::Info, "kept columns removed"),
            }
            return;
        };
        let resolution = self.model.what_if.as_ref().map(|what_if| &what_if.resolution);
        let resolution = resolution.filter(|resolution| !resolution.loading && resolution.failure.is_none());
        let Some(resolution) = resolution.and_then(|resolution| resolution.value.clone()) else {
            self.say(Severity::Info, "these criteria do not resolve to a recipe, so there is nothing to save");
            return;
        };
        let kept = &mut self.model.kept;
        kept.retain(|known| known.criteria != criteria);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        self.say(Severity::Ok, format!("kept {criteria}"));
        self.model.kept.push(Kept { criteria, resolution: Slot::with(resolution) });
    }

    fn compare_with(&mut self) -> Vec<Effect> {
        match self.desk.screen {
            Screen::Cluster => self.keep_snapshot(),
            Screen::Compare if self.model.compare.a.is_none() => self.keep_snapshot(),
            Screen::Compare => {
                self.desk.overlay = Some(self.palette("compare "));
                Vec::new()
            }
            _ => {
                self.desk.overlay = Some(self.palette("diff "));
                Vec::new()
            }
        }
    }

    /// What is shown becomes A; B is the cluster as it is from now on, or else what is shown next.
    fn keep_snapshot(&mut self) -> Vec<Effect> {
        let Some(snapshot) = self.model.cluster.snapshot.clone() else {
            self.say(Severity::Info, "no snapshot to save yet");
            return Vec::new();
        };
        let at = snapshot.about.taken_at.clone();
        let is_so_far = self.model.cluster.is_so_far();
        let so_far = if is_so_far { ", so far" } else { "" };
        self.model.compare.a = Some(Side { name: format!("{} {at}{so_far}", self.model.cluster.name), snapshot });
        (self.model.compare.b, self.model.compare.c) = (None, None);
        let compare = format!("kept as A; Compare ({})", self.desk.keys.key(Action::ScreenCompare));
        match (is_so_far, self.model.compared_with()) {
            // Each node that is read later will be one that was added.
            (true, _) => self.say(Severity::Warn, "kept as A is what was read so far: the cluster is still being read"),
            (_, Some(other)) if self.model.cluster.source.is_saved() && !self.model.compares_with_itself() => {
                self.say(Severity::Ok, format!("{compare} shows what differs in {}", text::clean(&other.name)));
            }
            _ if self.model.cluster.source.is_saved() => {
                let line = self.desk.keys.command("open OTHER.yaml");
                self.say(
                    Severity::Ok,
                    format!("kept as A, and a file does not change: {line} shows what it is compared with"),
                );
            }
            _ => self.say(Severity::Ok, format!("{compare} shows what changes from now on")),
        }
        self.compare_snapshots()
    }

    fn swap(&mut self) -> Vec<Effect> {
        if self.says_unable(Action::Swap) {
            return Vec::new();
        }
        if self.desk.screen == Screen::Diff {
            self.model.diff.swapped = !self.model.diff.swapped;
            return self.compare_recipes();
        }
        if self.model.compare.b.is_none() {
            let cluster = &self.model.cluster.name;
            // It stays what it is now.
            let now = self.model.cluster_now().map(|now| Side { name: format!("{} (kept)", cluster), ..now });
            self.model.compare.b = now.or_else(|| self.model.compared_with());
        }
        let compare = &mut self.model.compare;
        std::mem::swap(&mut compare.a, &mut compare.b);
        self.compare_snapshots()
    }

    /// Opens a file at a line: in `$EDITOR` where it is in a folder, else in the viewer.
    fn open_source(&mut self, shown: &str, line: u32) -> Vec<Effect> {
        let catalog = self.model.catalog.value.clone();
        let found = catalog.as_ref().and_then(|catalog| {
            let files = &catalog.files;
            files.iter().find(|(path, file)| &*file.shown == shown || *path == shown).map(|(_, file)| file)
        });
        match found {
            Some(file) if file.source > 0 => vec![Effect::Edit { path: PathBuf::from(shown), line }],
            Some(file) => {
                let title = format!("{shown}:{line}");
                let line = usize::try_from(line).unwrap_or(1);
                let mut overlay = Overlay::text(&title, &file.text, line);
                // What is before the line says what it is of: it is a third from the top, not at the end.
                let lines = usize::from(view::overlay_area(&self.desk, &overlay).height.saturating_sub(2));
                overlay.table.top = line.saturating_sub(1 + lines / 3);
                self.desk.overlay = Some(overlay);
                Vec::new()
            }
            None => {
                self.say(Severity::Warn, format!("{shown} is no longer in the catalog"));
                Vec::new()
            }
        }
    }

    // -- looking, copying, refreshing --------------------------------------------------------------------------------

    pub(super) fn raw(&mut self) {
        if !panes::shows_upgrades(self.desk.focused()) && self.says_unable(Action::Raw) {
            return;
        }
        let report = self.model.upgrade.report.value.as_ref().filter(|_| panes::shows_upgrades(self.desk.focused()));
        if let Some(report) = report {
            let body = crate::yaml::in_order(&**report);
            self.desk.overlay = Some(Overlay::text("upgrade check", &body, 1));
            return;
        }
        let (title, body) = match self.desk.screen {
            Screen::Cluster | Screen::Compare => match &self.model.cluster.snapshot {
                Some(snapshot) => ("snapshot", ops::snapshot::text(snapshot, Format::Yaml, Edition::default())),
                None => return,
            },
            Screen::Recipe | Screen::Diff | Screen::Validate => match &self.model.recipe.value {
                Some(resolution) => {
                    let text = ops::recipe::text(&resolution.recipe, Format::Yaml, Edition::default());
                    match text {
                        Ok(text) => ("recipe", text),
                        Err(failure) => return self.say(Severity::Warn, failure.why()),
                    }
                }
                None => return,
            },
        };
        self.desk.overlay = Some(Overlay::text(title, &body, 1));
    }

    /// The lines of a panel of text.
    pub(super) fn lines_of(&self, pane: &Pane) -> Option<String> {
        let table = self.desk.table(pane);
        let is_text = (table.content.prose || pane.follows) && !table.visible.is_empty();
        let line = |index: &usize| format!("{}\n", table.content.rows[*index].plain());
        is_text.then(|| table.visible.iter().map(line).collect())
    }

    /// The lines of a panel of text, else the document behind the screen.
    fn page(&mut self, pane: &Pane) -> Vec<Effect> {
        if let Some(text) = self.lines_of(pane) {
            return vec![Effect::Page(text)];
        }
        self.raw();
        // What there is no document for was said.
        self.desk.overlay.take().map(|overlay| Effect::Page(overlay.copy)).into_iter().collect()
    }

    /// What failed, in full: what the panel shows instead of its rows, else the newest failure that nobody has answered, else
    /// what could not be read.
    fn details(&mut self) {
        let content = &self.desk.table(self.desk.focused()).content;
        // They are wrapped to the panel.
        let says: Vec<&str> = content.says.iter().flat_map(|(_, line)| line.split_whitespace()).collect();
        let says = says.join(" ");
        let is_blank = content.rows.is_empty() && panes::is_failure(&says);
        let gaps = self.model.cluster.unread();
        let is_of_panel = |failure: &&Failure| {
            let why = failure.why();
            says.contains(&text::clean(&why.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned())
        };
        let mut failures = self.model.messages.iter().rev().filter_map(|message| message.failure.as_ref());
        // What has been put right, or was read, is in the list of messages only.
        let open = self.model.messages.iter().rev().filter(|message| !message.is_over);
        let mut open = open.filter_map(|message| message.failure.as_ref());
        let overlay = match (is_blank, gaps.is_empty()) {
            (false, _) => open.next().map(Overlay::failure),
            (true, false) => failures.find(is_of_panel).map(Overlay::failure),
            (true, true) => {
                let of_panel = failures.find(is_of_panel).map(Overlay::failure);
                of_panel.or_else(|| Some(Overlay::notice("what failed", std::slice::from_ref(&says))))
            }
        };
        let overlay = overlay.or_else(|| (!gaps.is_empty()).then(|| Overlay::notice("what could not be read", &gaps)));
        match overlay {
            Some(overlay) => self.desk.overlay = Some(overlay),
            None => {
                let line = self.desk.keys.command("messages");
                self.say(Severity::Info, format!("nothing failed; {line} has what was said"));
            }
        }
    }

    fn copy(&mut self, pane: &Pane) -> Vec<Effect> {
        match self.desk.table(pane).row() {
            Some(row) => vec![Effect::Copy(row.plain().trim().to_owned())],
            None => {
                self.says_unable(Action::Copy);
                Vec::new()
            }
        }
    }

    fn refresh(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::LoadCatalog { generation: self.model.catalog.start() }];
        effects.extend([self.list_runs(), self.list_moments()]);
        effects.extend(self.retry_deploy_plan());
        if self.model.cluster.source == Source::Past {
            effects.extend(self.return_to_now());
        }
        if self.model.cluster.source != Source::Saved || self.model.cluster.switching.is_some() {
            effects.push(self.watch());
        }
        let said = match self.model.cluster.source {
            Source::Saved => {
                let line = self.desk.keys.command("open FILE");
                format!("reading the catalog and all lists again; {line} reads a snapshot again")
            }
            _ => "reading everything again".to_owned(),
        };
        self.say(Severity::Info, said);
        self.desk.mark(Need::Cluster);
        effects
    }
}
