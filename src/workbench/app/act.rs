//! Actions: what each does to the state.

use super::{Severity, State};
use crate::{
    criteria::Dimension,
    ops::{self, snapshot::Format},
    workbench::{
        Screen,
        data::{DiffView, KEPT, Kept, Side, Source, WhatIf, With},
        effect::Effect,
        keymap::Action,
        layout::Zoom,
        overlay::{Field, Overlay, Question},
        panes::{self, Need, PaneId},
    },
};
use ratatui::layout::Rect;
use std::path::PathBuf;

impl State {
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        let pane = self.focused();
        if self.act_on_table(pane, action) || self.act_on_panels(action) || self.act_on_look(action) {
            return Vec::new();
        }
        match action {
            Action::Left | Action::Right => self.toggle_criterion(action == Action::Right),
            Action::Enter => self.enter(pane),
            Action::Back => self.back(),
            Action::Close => self.close(),
            Action::WhatIf => self.toggle_what_if(),
            Action::KeepColumn => {
                self.keep_column();
                Vec::new()
            }
            Action::CompareWith => self.compare_with(),
            Action::Swap => self.swap(),
            Action::GoDefinition => self.go_definition(pane),
            Action::Run => self.ask_run(),
            Action::Cancel => {
                self.ask_cancel();
                Vec::new()
            }
            Action::Refresh => self.refresh(),
            Action::Copy | Action::CopyRow => self.copy(pane, action == Action::CopyRow),
            Action::Export => {
                let name = format!("aicr-{}.svg", self.screen.name().to_lowercase());
                vec![Effect::Export(PathBuf::from(name))]
            }
            Action::Redraw => vec![Effect::Redraw],
            Action::Suspend => vec![Effect::Suspend],
            _ => Vec::new(),
        }
    }

    /// Moving, folding and sorting in the focused panel.
    fn act_on_table(&mut self, pane: PaneId, action: Action) -> bool {
        if pane == PaneId::WhatIf && matches!(action, Action::Left | Action::Right) {
            return false;
        }
        let page = self.layout.panel(pane).map_or(1, |area| i64::from(self.layout.inner(area).height)).max(2) - 1;
        let prose = self.table(pane).content.prose;
        let table = self.table_mut(pane);
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
                table.follow = pane == PaneId::Log;
            }
            Action::HalfDown => table.move_by(page / 2),
            Action::HalfUp => table.move_by(-page / 2),
            Action::PageDown => table.move_by(page),
            Action::PageUp => table.move_by(-page),
            Action::Left if table.left > 0 => table.left = table.left.saturating_sub(8),
            Action::Left => table.fold(false),
            Action::Right => {
                if table.row().is_some_and(|row| row.branch.is_some()) {
                    table.fold(true);
                } else if table.content.rows.iter().all(|row| row.branch.is_none()) {
                    table.left += 8;
                }
            }
            Action::FoldToggle => table.toggle_fold(),
            Action::FoldAll => table.fold_all(false),
            Action::UnfoldAll => table.fold_all(true),
            Action::Sort | Action::SortReverse => self.sort(pane, action == Action::SortReverse),
            Action::Wide => {
                table.wide = !table.wide;
                self.mark(Need::Look);
            }
            Action::NextThing | Action::PreviousThing => self.seek(pane, action == Action::NextThing),
            _ => return false,
        }
        self.mark(Need::Cursor(pane));
        if pane == PaneId::Log {
            self.mark(Need::Look);
        }
        true
    }

    fn sort(&mut self, pane: PaneId, reverse: bool) {
        let table = self.table_mut(pane);
        if table.content.ordered || table.content.columns.is_empty() {
            self.say(Severity::Info, "this panel keeps its order");
            return;
        }
        let columns = table.content.columns.len();
        table.sort = match (table.sort, reverse) {
            (Some((column, descending)), true) => Some((column, !descending)),
            (None, true) => Some((0, true)),
            (None, false) => Some((0, false)),
            (Some((column, _)), false) => (column + 1 < columns).then_some((column + 1, false)),
        };
        table.refilter();
        let said = match table.sort {
            Some((column, descending)) => {
                let way = if descending { "descending" } else { "ascending" };
                format!("sorted by {}, {way}", table.content.columns[column].name)
            }
            None => "in the order of the panel".to_owned(),
        };
        self.say(Severity::Info, said);
    }

    /// `]` and `[` look in the focused panel, else in the one that lists what matters on this screen.
    fn seek(&mut self, pane: PaneId, forward: bool) {
        let master = panes::of_screen(self.screen)[0];
        for candidate in [pane, master] {
            if self.table_mut(candidate).seek(forward) {
                self.mark(Need::Cursor(candidate));
                return;
            }
        }
        self.say(Severity::Info, "nothing here differs, fails or warns");
    }

    fn act_on_panels(&mut self, action: Action) -> bool {
        match action {
            Action::ScreenCluster => self.show(Screen::Cluster),
            Action::ScreenRecipe => self.show(Screen::Recipe),
            Action::ScreenDiff => self.show(Screen::Diff),
            Action::ScreenValidate => self.show(Screen::Validate),
            Action::ScreenCompare => self.show(Screen::Compare),
            Action::PreviousView => self.show(self.previous),
            Action::NextPanel => self.cycle(1),
            Action::PreviousPanel => self.cycle(-1),
            Action::PanelLeft => self.neighbour(-1, 0),
            Action::PanelRight => self.neighbour(1, 0),
            Action::PanelUp => self.neighbour(0, -1),
            Action::PanelDown => self.neighbour(0, 1),
            Action::ZoomFull => self.zoom = if self.zoom == Zoom::Full { Zoom::Normal } else { Zoom::Full },
            Action::ZoomIn => self.zoom = self.zoom.larger(),
            Action::ZoomOut => self.zoom = self.zoom.smaller(),
            Action::GoNode => self.focus_on(PaneId::Nodes),
            Action::GoConstraint => self.focus_on(PaneId::Constraints),
            Action::GoLog => self.focus_on(PaneId::Log),
            _ => return false,
        }
        true
    }

    fn cycle(&mut self, step: isize) {
        let mut order = panes::of_screen(self.screen);
        if self.data.what_if.is_none() {
            order.retain(|pane| *pane != PaneId::WhatIf);
        }
        let at = order.iter().position(|pane| *pane == self.focused()).unwrap_or(0);
        let next = (at as isize + step).rem_euclid(order.len() as isize);
        self.focus_on(order[next as usize]);
        if self.zoom == Zoom::Half {
            self.zoom = Zoom::Normal;
        }
    }

    /// The nearest panel in a direction, by the distance of the edges.
    fn neighbour(&mut self, dx: i32, dy: i32) {
        let Some(from) = self.layout.panel(self.focused()) else { return };
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
        let target = self.layout.panels.iter().filter(|(_, area)| ahead(*area)).min_by_key(|(_, area)| distance(*area));
        match target.map(|(pane, _)| *pane) {
            Some(pane) => self.focus_on(pane),
            None => self.say(Severity::Info, "no panel there"),
        }
    }

    fn act_on_look(&mut self, action: Action) -> bool {
        match action {
            Action::Help => self.overlay = Some(Overlay::help(self.screen)),
            Action::Palette => self.overlay = Some(Overlay::palette(self, "")),
            Action::Filter => {
                let text = self.table(self.focused()).filter.clone();
                self.filter = Some(Field::with(&text));
            }
            Action::Raw => self.raw(),
            Action::Details => self.details(),
            Action::Blame => {
                self.blame = !self.blame;
                self.mark(Need::Look);
            }
            Action::Timestamps => {
                self.timestamps = !self.timestamps;
                self.mark(Need::Look);
            }
            Action::Follow => {
                let table = self.table_mut(PaneId::Log);
                table.follow = !table.follow;
                table.refilter();
                self.mark(Need::Look);
            }
            Action::Noise => {
                self.data.compare.noise = !self.data.compare.noise;
                self.mark(Need::Compare);
            }
            Action::DiffView => {
                let view = self.data.diff.view.next();
                self.data.diff.view = view;
                self.focus_on(if view == DiffView::Changes { PaneId::Changes } else { PaneId::Sides });
                self.mark(Need::Diff);
                let narrow = view == DiffView::SideBySide && self.width < 100;
                self.say(
                    Severity::Info,
                    match narrow {
                        true => "side by side needs 100 columns; shown unified".to_owned(),
                        false => format!("view: {}", view.word()),
                    },
                );
            }
            Action::MoreContext | Action::LessContext => {
                let context = &mut self.data.diff.context;
                *context = if action == Action::MoreContext { (*context * 2 + 1).min(1000) } else { *context / 2 };
                self.mark(Need::Diff);
            }
            _ => return false,
        }
        true
    }

    /// Enter: into the detail of what is selected.
    fn enter(&mut self, pane: PaneId) -> Vec<Effect> {
        match pane {
            PaneId::Shapes => {
                let index =
                    self.table(pane).row().and_then(|row| row.key.strip_prefix("shape ")?.parse::<usize>().ok());
                let first = index.and_then(|index| self.data.cluster.shapes.get(index)?.nodes.first().cloned());
                if let Some(node) = first {
                    self.go(PaneId::Nodes, &node);
                }
            }
            PaneId::Nodes => self.focus_on(PaneId::Node),
            PaneId::Constraints => {
                let path = self.table(pane).row().map(|row| format!("constraints[name={}]", row.key));
                if let Some(path) = path {
                    self.go(PaneId::Values, &path);
                }
            }
            PaneId::RecipeComponents => {
                let path = self
                    .table(pane)
                    .row()
                    .map(|row| format!("components.{}", crate::document::selector::Segment::Key(row.key.clone())));
                if let Some(path) = path {
                    self.go(PaneId::Values, &path);
                }
            }
            PaneId::Stack | PaneId::Values if self.table(pane).row().is_some_and(|row| row.branch.is_some()) => {
                self.table_mut(pane).toggle_fold();
            }
            PaneId::Values => self.focus_on(PaneId::Ladder),
            PaneId::Ladder => return self.go_definition(pane),
            PaneId::WhatIf => return self.keep_what_if(),
            PaneId::Changes => self.focus_on(PaneId::Cause),
            PaneId::Checks if self.table(pane).row().is_some_and(|row| row.branch.is_some()) => {
                self.table_mut(pane).toggle_fold();
            }
            PaneId::Checks => self.focus_on(PaneId::Log),
            PaneId::Groups => self.focus_on(PaneId::Readings),
            PaneId::Readings => self.focus_on(PaneId::Reading),
            _ => self.zoom = if self.zoom == Zoom::Full { Zoom::Normal } else { Zoom::Full },
        }
        self.mark(Need::Cursor(pane));
        Vec::new()
    }

    /// Esc: undoes the latest of filter, zoom, what-if, drill; at the top it says so.
    fn back(&mut self) -> Vec<Effect> {
        let pane = self.focused();
        let master = panes::of_screen(self.screen)[0];
        if !self.table(pane).filter.is_empty() {
            self.set_filter(String::new());
        } else if self.zoom != Zoom::Normal {
            self.zoom = Zoom::Normal;
        } else if pane == PaneId::WhatIf {
            self.data.what_if = None;
            self.focus_on(PaneId::Values);
            self.mark(Need::WhatIf);
        } else if pane != master {
            self.focus_on(master);
        } else {
            self.say(Severity::Info, "this is the top; q leaves");
        }
        Vec::new()
    }

    /// q: closes what is open; at the top, leaves, and asks only while a run of ours is active.
    fn close(&mut self) -> Vec<Effect> {
        if self.zoom != Zoom::Normal {
            self.zoom = Zoom::Normal;
            return Vec::new();
        }
        self.ask_quit()
    }

    pub(super) fn ask_quit(&mut self) -> Vec<Effect> {
        if !self.data.run.active {
            self.quit = true;
            return vec![Effect::Quit];
        }
        let lines = vec![
            format!("Run {} is still going on.", self.data.run.id),
            String::new(),
            "Leaving cancels it and removes what it created.".to_owned(),
        ];
        self.overlay = Some(Overlay::question(Question::Quit, "leave?", &lines, ["stay", "cancel the run and leave"]));
        Vec::new()
    }

    // -- recipes -----------------------------------------------------------------------------------------------------

    fn toggle_what_if(&mut self) -> Vec<Effect> {
        self.mark(Need::WhatIf);
        if self.data.what_if.is_some() && self.screen == Screen::Recipe {
            self.data.what_if = None;
            self.focus_on(PaneId::Values);
            return Vec::new();
        }
        let criteria = self.data.criteria.clone();
        if self.data.what_if.is_none() {
            self.data.what_if = Some(WhatIf { criteria, ..WhatIf::default() });
        }
        self.focus_on(PaneId::WhatIf);
        Vec::new()
    }

    /// The next or previous legal value of the criterion under the cursor.
    pub(super) fn toggle_criterion(&mut self, forward: bool) -> Vec<Effect> {
        let name = self.table(PaneId::WhatIf).row().map(|row| row.key.clone());
        let dimension = Dimension::ALL.into_iter().find(|dimension| Some(dimension.name()) == name.as_deref());
        let (Some(dimension), Some(catalog), Some(what_if)) =
            (dimension, self.data.catalog.value.as_ref(), &mut self.data.what_if)
        else {
            return Vec::new();
        };
        let now = what_if.criteria.get(dimension);
        let next = if dimension == Dimension::Nodes {
            let nodes = what_if.criteria.nodes;
            let next = if forward { nodes.saturating_mul(2).max(1) } else { nodes / 2 };
            (next > 0).then(|| next.min(65_536).to_string())
        } else {
            // `any` stands before the first value.
            let legal = catalog.criteria_values(dimension);
            let at = now.and_then(|now| legal.iter().position(|value| *value == now)).map_or(0, |at| at + 1);
            let count = legal.len() + 1;
            let next = (at + if forward { 1 } else { count - 1 }) % count;
            next.checked_sub(1).map(|index| legal[index].clone())
        };
        what_if.criteria.set(dimension, next);
        self.resolve_what_if()
    }

    /// The what-if becomes a column of the values; where there is none, the columns go.
    fn keep_column(&mut self) {
        self.mark(Need::WhatIf);
        let criteria = self.data.what_if.as_ref().map(|what_if| &what_if.criteria);
        let Some(criteria) = criteria.filter(|criteria| **criteria != self.data.criteria).cloned() else {
            let dropped = std::mem::take(&mut self.data.kept).len();
            self.say(
                Severity::Info,
                match dropped {
                    0 => "nothing to keep yet: i opens what-if, h and l change a criterion".to_owned(),
                    _ => "the kept columns are gone".to_owned(),
                },
            );
            return;
        };
        let resolution = self.data.what_if.as_ref().filter(|what_if| !what_if.resolution.loading);
        let Some(resolution) = resolution.and_then(|what_if| what_if.resolution.value.clone()) else {
            self.say(Severity::Info, "there is no recipe for these criteria to keep");
            return;
        };
        let kept = &mut self.data.kept;
        kept.retain(|known| known.criteria != criteria);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        self.say(Severity::Ok, format!("kept {criteria}"));
        self.data.kept.push(Kept { criteria, resolution });
    }

    /// Enter in the what-if panel: its criteria become the other side of the Diff screen.
    fn keep_what_if(&mut self) -> Vec<Effect> {
        let Some(what_if) = &self.data.what_if else { return Vec::new() };
        if what_if.criteria == self.data.criteria {
            self.say(Severity::Info, "nothing was changed yet: h and l change the criterion");
            return Vec::new();
        }
        let criteria = what_if.criteria.clone();
        self.say(Severity::Ok, format!("compared with {criteria}"));
        self.compare_recipe_with(With::Criteria(criteria))
    }

    fn compare_with(&mut self) -> Vec<Effect> {
        match self.screen {
            Screen::Cluster => self.keep_snapshot(),
            Screen::Compare if self.data.compare.a.is_none() => self.keep_snapshot(),
            Screen::Compare => {
                self.overlay = Some(Overlay::palette(self, "compare "));
                Vec::new()
            }
            Screen::Recipe if self.focused() == PaneId::Stack => {
                let key = self.table(PaneId::Stack).row().map(|row| row.key.clone());
                let overlay = key.as_deref().and_then(|key| key.split_once(' ')).map(|(_, name)| name.to_owned());
                match overlay {
                    Some(name) => self.command(&format!("diff {name}")),
                    None => Vec::new(),
                }
            }
            _ => {
                self.overlay = Some(Overlay::palette(self, "diff "));
                Vec::new()
            }
        }
    }

    /// The cluster as it is now becomes A; B is the cluster as it will be.
    fn keep_snapshot(&mut self) -> Vec<Effect> {
        let Some(snapshot) = self.data.cluster.snapshot.clone() else {
            self.say(Severity::Info, "there is no snapshot to keep yet");
            return Vec::new();
        };
        let at = snapshot.metadata.get("timestamp").cloned().unwrap_or_default();
        self.data.compare.a = Some(Side { name: format!("{} {at}", self.data.cluster.name), snapshot });
        self.data.compare.b = None;
        self.say(Severity::Ok, "kept as A; what changes from now on is shown on Compare (5)");
        self.compare_snapshots()
    }

    fn swap(&mut self) -> Vec<Effect> {
        if self.screen == Screen::Diff {
            self.data.diff.swapped = !self.data.diff.swapped;
            return self.compare_recipes();
        }
        let compare = &mut self.data.compare;
        if compare.b.is_none() {
            let now = self.data.cluster.snapshot.clone();
            let name = format!("{} (kept)", self.data.cluster.name);
            compare.b = now.map(|snapshot| Side { name, snapshot });
        }
        std::mem::swap(&mut compare.a, &mut compare.b);
        self.compare_snapshots()
    }

    /// Opens the place that set the selected value: in `$EDITOR` for files of a folder, else in the viewer.
    fn go_definition(&mut self, pane: PaneId) -> Vec<Effect> {
        let place = match pane {
            PaneId::Stack => {
                let key = self.table(pane).row().map(|row| row.key.clone()).unwrap_or_default();
                let resolution = self.data.recipe.value.as_ref();
                let name = key.split_once(' ').map(|(_, name)| name);
                resolution.zip(name).and_then(|(resolution, name)| {
                    let layer = resolution.layers.iter().find(|layer| layer.name == name).map(|layer| &layer.file);
                    let other = resolution.decisions.iter().find(|one| one.overlay == name).map(|one| &one.file);
                    layer.or(other).map(|file| (file.clone(), 1))
                })
            }
            PaneId::Ladder => self.table(pane).row().and_then(|row| split_place(&row.cells.get(4)?.plain())),
            _ => {
                let path = panes::path_of(self).map(str::to_owned);
                let resolution = self.data.recipe.value.as_ref();
                resolution.zip(path).and_then(|(resolution, path)| {
                    let origin = panes::traced_at(resolution, &path)?.origin()?;
                    Some((origin.file.to_string(), origin.at.line))
                })
            }
        };
        let Some((file, line)) = place else {
            self.say(Severity::Info, "no file sets this; the resolver computed it");
            return Vec::new();
        };
        self.open_source(&file, line)
    }

    fn open_source(&mut self, shown: &str, line: u32) -> Vec<Effect> {
        let catalog = self.data.catalog.value.clone();
        let found = catalog.as_ref().and_then(|catalog| {
            let files = &catalog.files;
            files.iter().find(|(path, file)| &*file.shown == shown || *path == shown).map(|(_, file)| file)
        });
        match found {
            Some(file) if file.source > 0 => vec![Effect::Edit { path: PathBuf::from(shown), line }],
            Some(file) => {
                let title = format!("{shown}:{line}");
                self.overlay = Some(Overlay::text(&title, &file.text, usize::try_from(line).unwrap_or(1)));
                Vec::new()
            }
            None => {
                self.say(Severity::Warn, format!("{shown} is not in the catalog any more"));
                Vec::new()
            }
        }
    }

    // -- looking, copying, refreshing --------------------------------------------------------------------------------

    fn raw(&mut self) {
        let (title, body) = match self.screen {
            Screen::Cluster | Screen::Compare => match &self.data.cluster.snapshot {
                Some(snapshot) => ("snapshot", ops::snapshot::text(snapshot, Format::Yaml)),
                None => return self.say(Severity::Info, "there is no snapshot yet"),
            },
            Screen::Recipe | Screen::Diff | Screen::Validate => match &self.data.recipe.value {
                Some(resolution) => {
                    ("recipe", crate::yaml::to_string(&crate::recipe::format::to_value(&resolution.recipe)))
                }
                None => return self.say(Severity::Info, "there is no recipe yet"),
            },
        };
        self.overlay = Some(Overlay::text(title, &body, 1));
    }

    /// The newest failure in full, or the result of the selected check.
    fn details(&mut self) {
        let check = panes::check_of(self).and_then(|name| self.data.run.check(name)).cloned();
        if let (Screen::Validate, Some(check)) = (self.screen, check)
            && let Some(result) = &check.result
        {
            let mut body = format!("{}: {:?}\n{}\n", result.name, result.status, result.message);
            body.push_str(&result.stdout.join("\n"));
            self.overlay = Some(Overlay::text(&format!("check {}", result.name), &body, 1));
            return;
        }
        let failure = self.messages.iter().rev().find_map(|message| message.failure.as_ref());
        match failure {
            Some(failure) => self.overlay = Some(Overlay::failure(failure)),
            None => self.say(Severity::Info, "nothing failed; `:messages` has everything that was said"),
        }
    }

    fn copy(&mut self, pane: PaneId, whole: bool) -> Vec<Effect> {
        let Some(row) = self.table(pane).row() else {
            self.say(Severity::Info, "nothing is selected");
            return Vec::new();
        };
        let text = match pane {
            _ if whole => row.plain(),
            PaneId::Values | PaneId::Changes | PaneId::Readings | PaneId::Nodes | PaneId::RecipeComponents => {
                row.key.clone()
            }
            _ => row.plain().trim().to_owned(),
        };
        vec![Effect::Copy(text)]
    }

    fn refresh(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::LoadCatalog { generation: self.data.catalog.start() }];
        if self.data.cluster.source != Source::Saved {
            effects.push(self.watch());
        }
        self.say(Severity::Info, "reading everything again");
        self.mark(Need::Cluster);
        effects
    }
}

/// `file:line:column` or `file` apart.
fn split_place(place: &str) -> Option<(String, u32)> {
    let mut parts = place.rsplitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(column), Some(line), Some(file)) if column.parse::<u32>().is_ok() => {
            Some((file.to_owned(), line.parse().ok()?))
        }
        _ if place.is_empty() => None,
        _ => Some((place.to_owned(), 1)),
    }
}
