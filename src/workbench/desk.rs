//! How a person looks at the model: screen, focus, layout, a table per pane, popups.
//!
//! It decides nothing about data: [`super::app`] moves it, [`super::view`] draws it.

use super::{
    Look, Screen,
    app::copy::Edited,
    health,
    keymap::{Action, Context, Found, Keymap, Popup},
    layout::{self, Border, Candidate, Class, Edge, Layout, Moved, Zoom},
    log_options::{self, LogOptions, Part},
    merge::Merge,
    model::Model,
    news::Shown,
    overlay::{Field, Files, Kind, Overlay},
    panes::{self, Need, Pane, RowId, Table, Tables, View},
    preferences::{HINTS, Preferences, TIMES, WRAP},
    session,
    theme::{Theme, ThemeError, Themes},
    times::Times,
    view,
    widgets::{
        table::{self, Identity, SortKey},
        wrap,
    },
};
use crate::term::{
    color::Level,
    key::{Key, UnknownKey},
};
use std::collections::BTreeMap;

/// For so long at least, rows stay in their order while somebody moves in them.
const ORDER_MS: u64 = 1_000;

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

/// Commands and filters that are remembered.
const REMEMBERED: usize = 500;

/// Adds what was typed as the newest; said twice, it stands once.
pub fn remember(history: &mut Vec<String>, line: &str) {
    let line = line.trim();
    if !line.is_empty() {
        history.retain(|known| known != line);
        history.push(line.to_owned());
        let over = history.len().saturating_sub(REMEMBERED);
        history.drain(..over);
    }
}

/// Everything about a frame that is not data.
#[derive(Clone, Debug)]
pub struct Desk {
    pub keys: Keymap,
    pub theme: Theme,
    /// Those that can be chosen.
    pub themes: Themes,
    /// A person named the theme, so that the terminal's background does not matter.
    pub is_theme_chosen: bool,
    /// The theme for the background of the terminal, where that is known.
    pub background: Option<&'static str>,
    pub level: Level,
    pub ascii: bool,
    /// It is read as lines, and not seen.
    pub is_lines: bool,
    pub width: u16,
    pub height: u16,
    pub layout: Layout<&'static Pane>,
    pub screen: Screen,
    pub previous: Screen,
    focus: [&'static Pane; 5],
    pub zoom: Zoom,
    /// Borders that a person moved, by screen and breakpoint.
    pub moved: BTreeMap<(Screen, Class), Moved>,
    /// The border that the pointer holds, and how far behind its first cell.
    pub grabbed: Option<(Border, u16)>,
    /// The row of the last click, and where that was; until a key is pressed or the wheel is turned.
    pub clicked: Option<Clicked>,
    pub tables: Tables,
    /// Rows that the last session had selected, by the place of their pane; until they are there, or the cursor is moved.
    wanted: Vec<Option<String>>,
    stale: Vec<bool>,
    /// Panes that a change of the cluster made stale: they are built one by one, and a key in between does not wait for them.
    behind: Vec<bool>,
    /// What each panel showed of the cluster, by the place of its pane.
    news: Vec<Shown>,
    /// How everything stands, as of the newest change.
    pub health: Vec<health::Part>,
    health_is_stale: bool,
    /// Keys of a sequence that is not whole yet.
    pub typed: Vec<Key>,
    /// The field of the filter, while it is being typed.
    pub filter: Option<Field>,
    /// The mark of a line of a log, while what it is called is being typed.
    pub naming: Option<Naming>,
    /// What was selected before the filter was opened.
    pub before_filter: Option<RowId>,
    /// That there is nothing to go back to was said, and nothing was gone back from since.
    pub was_told_of_top: bool,
    pub overlay: Option<Overlay>,
    /// Commands that were given, oldest first.
    pub history: Vec<String>,
    /// Filters that were kept, oldest first.
    pub filters: Vec<String>,
    /// Filters with a name.
    pub saved_filters: session::SavedFilters,
    /// The place in the kept filters that the field was taken from.
    pub recalled_filter: Option<usize>,
    /// When a person did something last, in milliseconds.
    pub touched_ms: u64,
    /// For completion of files.
    pub files: Files,
    pub blame: bool,
    /// What is before each line of a log.
    pub times: Times,
    /// The keys that do something are listed in the last line.
    pub hints: bool,
    /// Long lines go on below, where nobody said otherwise.
    pub wrap: bool,
    /// What counts, and who set each.
    pub preferences: Preferences,
    /// The log that was followed last, and how many lines it had then.
    followed: Option<(String, usize)>,
    /// The checks that share one log.
    pub merge: Merge,
    /// Which lines of a log are shown.
    pub log_options: LogOptions,
    /// What was changed in a copy in the editor, the last time.
    pub edited: Option<Edited>,
    /// A log is being written to a file: what of it.
    pub(super) writes: Option<Part>,
}

/// What a mark is called, as far as it is typed, and the line that it is for.
#[derive(Clone, Debug)]
pub struct Naming {
    pub field: Field,
    pub check: String,
    pub line: usize,
}

/// A click on a row.
#[derive(Clone, Debug)]
pub struct Clicked {
    pub pane: &'static Pane,
    /// Column and line of the frame.
    pub at: (u16, u16),
    pub row: RowId,
}

impl Desk {
    /// # Errors
    /// The theme is unknown.
    pub fn new(
        (look, keys): (&Look, &Keymap),
        screen: Screen,
        level: Level,
        (width, height): (u16, u16),
    ) -> Result<Desk, ThemeError> {
        let theme = look.themes.load(look.theme.as_deref().unwrap_or("dark"), level)?;
        let focus = Screen::ALL.map(panes::main_of);
        let shape =
            layout::Shape { width, height, focus: focus[screen.index()], zoom: Zoom::Normal, hints: true, time: false };
        Ok(Desk {
            keys: keys.clone(),
            theme,
            themes: look.themes.clone(),
            is_theme_chosen: look.theme.is_some(),
            background: None,
            level,
            ascii: look.ascii,
            is_lines: false,
            width,
            height,
            layout: layout::layout(shape, &[], &Moved::new()),
            screen,
            previous: screen,
            focus,
            zoom: Zoom::Normal,
            moved: BTreeMap::new(),
            grabbed: None,
            clicked: None,
            tables: Tables::default(),
            wanted: vec![None; panes::ALL.len()],
            stale: vec![true; panes::ALL.len()],
            behind: vec![false; panes::ALL.len()],
            news: vec![Shown::default(); panes::ALL.len()],
            health: Vec::new(),
            health_is_stale: true,
            typed: Vec::new(),
            filter: None,
            naming: None,
            before_filter: None,
            was_told_of_top: false,
            overlay: None,
            history: Vec::new(),
            filters: Vec::new(),
            saved_filters: session::SavedFilters::default(),
            recalled_filter: None,
            touched_ms: 0,
            files: Files::default(),
            blame: true,
            times: Times::default(),
            hints: true,
            wrap: false,
            preferences: Preferences::default(),
            followed: None,
            merge: Merge::default(),
            log_options: LogOptions::default(),
            edited: None,
            writes: None,
        })
    }

    /// Binds an action to other keys; every sentence that names it is made again.
    ///
    /// # Errors
    /// The name of a key is unknown.
    pub fn rebind(&mut self, action: Action, keys: &[&str]) -> Result<(), UnknownKey> {
        self.keys.rebind(action, keys)?;
        self.refresh();
        Ok(())
    }

    /// Looks as these preferences say.
    pub fn prefer(&mut self, preferences: Preferences) {
        let wrap = preferences.is_on(&WRAP);
        if wrap != self.wrap {
            for pane in panes::ALL.iter().filter(|pane| pane.wraps) {
                self.tables.get_mut(pane).wide = wrap;
            }
        }
        (self.wrap, self.hints) = (wrap, preferences.is_on(&HINTS));
        self.times = Times::named(preferences.text(&TIMES));
        self.preferences = preferences;
        self.refresh();
    }

    /// Every panel is made again: what it says depends on keys and looks.
    pub fn refresh(&mut self) {
        self.stale.fill(true);
    }

    pub fn focused(&self) -> &'static Pane {
        self.focus[self.screen.index()]
    }

    /// The pane of a screen that has the focus there.
    pub fn focused_on(&self, screen: Screen) -> &'static Pane {
        self.focus[screen.index()]
    }

    pub fn table(&self, pane: &Pane) -> &Table {
        self.tables.get(pane)
    }

    pub fn table_mut(&mut self, pane: &Pane) -> &mut Table {
        self.tables.get_mut(pane)
    }

    /// Where the person is, to be written down.
    pub fn place(&self) -> session::Place {
        let mut panels = BTreeMap::new();
        for (pane, wanted) in panes::ALL.iter().zip(&self.wanted) {
            let table = self.tables.get(pane);
            let selected = table.selected.as_ref().filter(|_| table.touched).and_then(RowId::mark);
            let mut marks: Vec<String> = table.marks.iter().filter_map(RowId::mark).collect();
            marks.sort();
            let panel = session::Panel {
                selected: selected.or_else(|| wanted.clone()),
                filter: table.filter.clone(),
                sort_by: table.sort_keys().iter().map(written_key).collect(),
                wide: table.wide,
                toggled: table.toggled.iter().filter_map(|row| row.named().map(str::to_owned)).collect(),
                columns: table.chosen.clone(),
                marks,
            };
            if panel != session::Panel::default() {
                panels.insert(pane.path(), panel);
            }
        }
        let focus = self.focus.iter().map(|pane| pane.path()).collect();
        let mut borders = BTreeMap::new();
        for ((screen, class), moved) in &self.moved {
            for (border, by) in moved.iter().filter(|(_, by)| **by != 0) {
                borders.insert(border_path(*screen, *class, *border), *by);
            }
        }
        session::Place { screen: self.screen.name().to_owned(), focus, panels, borders, documents: Vec::new() }
    }

    /// Where a border is from now on, in frames of this screen and size.
    pub fn move_border(&mut self, edge: &Edge, moved: i32) {
        let place = (self.screen, self.layout.class);
        self.moved.entry(place).or_default().insert(edge.border, moved);
    }

    /// The border at a place.
    pub fn edge_at(&self, at: ratatui::layout::Position) -> Option<Edge> {
        self.layout.edges.iter().copied().find(|edge| edge.area.contains(at))
    }

    /// Goes to where a person was; what no longer exists is passed over.
    pub fn restore(&mut self, place: &session::Place, with_screen: bool) {
        for path in &place.focus {
            if let Some(pane) = panes::ALL.iter().find(|pane| pane.path() == *path) {
                self.focus[pane.screen.index()] = pane;
            }
        }
        self.moved = places_of_borders(place);
        for (at, pane) in panes::ALL.iter().enumerate() {
            let Some(panel) = place.panels.get(&pane.path()) else { continue };
            let table = self.tables.get_mut(pane);
            table.filter.clone_from(&panel.filter);
            table.wide = panel.wide;
            table.sort_by_keys(panel.sort_by.iter().map(|key| read_key(key)).collect());
            table.toggled = panel.toggled.iter().map(RowId::from).collect();
            table.chosen.clone_from(&panel.columns);
            // Those of rows that are not there any more say nothing, as when a row goes while it is marked.
            table.marks = panel.marks.iter().filter_map(|mark| RowId::of_mark(mark)).collect();
            table.refilter();
            self.wanted[at].clone_from(&panel.selected);
        }
        self.refresh();
        let screen = Screen::ALL.into_iter().find(|screen| screen.name() == place.screen);
        if let Some(screen) = screen.filter(|_| with_screen) {
            self.show(screen);
        }
    }

    /// Rows of another cluster are others, however they are called.
    pub fn unmark(&mut self) {
        for pane in panes::ALL {
            self.tables.get_mut(pane).marks.clear();
        }
    }

    /// What a pane may read.
    pub fn view<'s>(&'s self, model: &'s Model, pane: &'static Pane) -> View<'s> {
        let area = self.layout.panel(pane).map(|area| self.layout.inner(area));
        let width = usize::from(area.map_or(self.width, |area| area.width));
        let names_criteria = self.layout.context.is_some();
        let height = usize::from(area.map_or(self.height, |area| area.height));
        let Desk { tables, keys, blame, times, followed, merge, log_options, .. } = self;
        View {
            model,
            tables,
            keys,
            pane,
            focus: self.focused(),
            width,
            height,
            names_criteria,
            blame: *blame,
            times: *times,
            followed: followed.as_ref(),
            merge,
            log_options,
            written: None,
            in_words: self.ascii || self.is_lines,
        }
    }

    pub fn mode(&self) -> Mode {
        let field = self.types_below() || self.overlay.as_ref().is_some_and(|overlay| overlay.field.is_some());
        if field {
            Mode::Text
        } else if !self.typed.is_empty() || self.overlay.is_some() {
            Mode::Menu
        } else {
            Mode::Normal
        }
    }

    /// A field in the last line takes what is typed.
    pub fn types_below(&self) -> bool {
        self.filter.is_some() || self.naming.is_some()
    }

    /// What takes the keys now.
    pub fn context(&self) -> Context {
        match &self.overlay {
            Some(Overlay { kind: Kind::Question { .. }, .. }) => Context::Popup(Popup::Question),
            Some(Overlay { field: None, .. }) => Context::Popup(Popup::List),
            Some(Overlay { field: Some(_), .. }) => Context::Popup(Popup::Field),
            None if self.types_below() => Context::Popup(Popup::Field),
            None => Context::Screen(self.screen),
        }
    }

    /// Keys that continue what was typed, for the popup.
    pub fn continuations(&self) -> Vec<(Key, Action)> {
        if self.typed.is_empty() {
            return Vec::new();
        }
        match self.keys.find(&self.typed, self.context()) {
            Found::Prefix(next) => next,
            _ => Vec::new(),
        }
    }

    /// Panes that read this have to be built again.
    pub fn mark(&mut self, need: Need) {
        self.mark_health(need);
        for (pane, stale) in panes::ALL.iter().zip(&mut self.stale) {
            *stale |= pane.needs.contains(&need);
        }
    }

    /// The first line of words is cheap, and made again with the next frame in any case.
    fn mark_health(&mut self, need: Need) {
        self.health_is_stale |= matches!(need, Need::Cluster | Need::Recipe | Need::Run | Need::Runs);
    }

    /// As [`Desk::mark`], for what no key asked for: see [`Desk::build_next`].
    pub fn mark_behind(&mut self, need: Need) {
        self.mark_health(need);
        for (pane, behind) in panes::ALL.iter().zip(&mut self.behind) {
            *behind |= pane.needs.contains(&need);
        }
    }

    /// Panes are still to be built after a change of the cluster.
    pub fn is_behind(&self) -> bool {
        self.behind.contains(&true)
    }

    /// Builds the next pane that is behind, in the order in which details read their masters; the name of its selected thing,
    /// where that was removed.
    pub fn build_next(&mut self, model: &Model) -> Option<String> {
        while let Some(index) = self.behind.iter().position(|behind| *behind) {
            self.behind[index] = false;
            self.stale[index] = true;
            let pane = panes::ALL[index];
            if self.is_read(pane) {
                return self.build(pane, model);
            }
        }
        None
    }

    /// Counts what is behind among what the next frame shows.
    pub fn catch_up(&mut self) {
        for (stale, behind) in self.stale.iter_mut().zip(&mut self.behind) {
            *stale |= std::mem::take(behind);
        }
    }

    pub fn focus_on(&mut self, pane: &'static Pane) {
        self.show(pane.screen);
        self.focus[pane.screen.index()] = pane;
    }

    /// A pane that is closed: its screen has the focus on its main one.
    pub fn leave(&mut self, pane: &'static Pane) {
        let focus = &mut self.focus[pane.screen.index()];
        if *focus == pane {
            *focus = panes::main_of(pane.screen);
        }
    }

    pub fn show(&mut self, screen: Screen) {
        if self.screen != screen {
            self.previous = self.screen;
            self.screen = screen;
            self.zoom = Zoom::Normal;
        }
        for pane in panes::of_screen(screen) {
            self.stale[panes::index(pane)] = true;
        }
    }

    /// The panes of the screen that are there, in Tab order.
    pub fn present(&self, model: &Model) -> Vec<&'static Pane> {
        let (focus, class) = (self.focused(), layout::class(self.width, self.height));
        panes::of_screen(self.screen)
            .filter(|pane| (pane.presence)(model, focus).is_there(&pane.place, class))
            .collect()
    }

    /// Lays out, builds what is stale and shown, and scrolls; returns the names of selected things that were removed.
    pub fn prepare(&mut self, model: &Model) -> Vec<String> {
        if let Some(mut overlay) = self.overlay.take() {
            let area = view::overlay_area(self, &overlay);
            overlay.fit(table::text_columns(usize::from(area.width.saturating_sub(2))), self.wrap);
            self.overlay = Some(overlay);
        }
        if std::mem::take(&mut self.health_is_stale) {
            self.health = health::parts(model);
        }
        let focus = self.focused();
        let panes: Vec<_> = panes::of_screen(self.screen)
            .map(|pane| Candidate { id: pane, place: pane.place, presence: (pane.presence)(model, focus) })
            .collect();
        // What is typed below the panels is in that line.
        let hints = self.hints || self.types_below();
        let shape =
            layout::Shape { width: self.width, height: self.height, focus, zoom: self.zoom, hints, time: false };
        let moved = self.moved.get(&(self.screen, layout::class(self.width, self.height)));
        let none = Moved::new();
        let laid_out = |time| layout::layout(layout::Shape { time, ..shape }, &panes, moved.unwrap_or(&none));
        let mut layout = laid_out(false);
        // The panel of moments begins with the same line.
        if model.shows_time(self.screen) && layout.panel(&panes::MOMENTS).is_none() {
            layout = laid_out(true);
        }
        if layout.panels != self.layout.panels {
            self.mark(Need::Look);
            // Lines are wrapped to the panel, and columns are chosen by it, whatever else a pane reads.
            for (pane, area) in &layout.panels {
                self.stale[panes::index(pane)] |= self.layout.panel(*pane) != Some(*area);
            }
        }
        self.layout = layout;
        // Details read the cursor of their master, so masters come first; the slice has them in that order, and a second
        // round catches what the first one moved.
        let mut removed = Vec::new();
        for pane in panes::ALL.iter().chain(panes::ALL) {
            removed.extend(self.build(pane, model));
        }
        for (pane, area) in self.layout.panels.clone() {
            let height = self.layout.inner(area).height;
            let table = self.table_mut(pane);
            if table.is_late && model.now_ms.saturating_sub(table.sorted_ms) >= ORDER_MS {
                table.refilter();
                table.sorted_ms = model.now_ms;
            }
            table.scroll(height);
            table.recent.seen(model.now_ms);
        }
        removed
    }

    /// Rows are marked that will not be in a moment, or will be sorted then.
    pub fn is_passing(&self) -> bool {
        let passes = |table: &Table| !table.recent.is_empty() || table.is_late;
        self.layout.panels.iter().any(|(pane, _)| passes(self.table(pane)))
    }

    /// Builds a pane that is not shown, for who looks for its rows by name.
    pub fn fill(&mut self, pane: &'static Pane, model: &Model) {
        self.build_always(pane, model);
    }

    /// A table as it is where its panel has room for every line: what is wrapped there is one row.
    pub fn unwrapped(&self, pane: &'static Pane, model: &Model) -> Table {
        let mut table = self.table(pane).clone();
        let mut view = View { width: usize::from(u16::MAX), written: self.writes, ..self.view(model, pane) };
        if self.writes == Some(Part::All) {
            view.log_options = &log_options::ALL;
            table.filter.clear();
            table.refilter();
        }
        table.take((pane.build)(&view), false);
        table
    }

    /// Builds a pane; the name of the row that was selected and is not there any more.
    fn build(&mut self, pane: &'static Pane, model: &Model) -> Option<String> {
        if self.stale[panes::index(pane)] && self.is_read(pane) { self.build_always(pane, model) } else { None }
    }

    /// It is shown, or something that is shown reads its cursor.
    fn is_read(&self, pane: &'static Pane) -> bool {
        let shown = |pane| self.layout.panel(pane).is_some();
        shown(pane) || panes::ALL.iter().any(|other| other.needs.contains(&Need::Cursor(pane)) && shown(*other))
    }

    fn build_always(&mut self, pane: &'static Pane, model: &Model) -> Option<String> {
        if !std::mem::take(&mut self.stale[panes::index(pane)]) {
            return None;
        }
        self.behind[panes::index(pane)] = false;
        let view = self.view(model, pane);
        let (content, columns) = ((pane.build)(&view), table::text_columns(view.width));
        let followed = (*pane == panes::LOG && view.table().follow).then(|| panes::lines_of_log(&view)).flatten();
        let content = wrap::prose(content, columns, RowId::Piece);
        let mut content = panes::Content { says: wrap::sentences(content.says, columns), ..content };
        self.followed = followed.or(self.followed.take());
        let table = self.tables.get_mut(pane);
        let before = table.selected.clone();
        let had_rows = !table.content.rows.is_empty();
        let is_same_list = self.news[panes::index(pane)].follow(model, pane, table, &mut content);
        let is_moving = model.now_ms.saturating_sub(self.touched_ms) < ORDER_MS;
        let keeps_order = is_same_list && is_moving && model.now_ms.saturating_sub(table.sorted_ms) < ORDER_MS;
        if !keeps_order {
            table.sorted_ms = model.now_ms;
        }
        let found = table.take(content, keeps_order);
        // The person has moved since, or the row is there now.
        let wanted = &mut self.wanted[panes::index(pane)];
        if table.touched {
            *wanted = None;
        } else if let Some(row) = wanted.as_ref().and_then(|mark| {
            let marked = |row: &&panes::Row| row.id.mark().as_ref() == Some(mark);
            table.content.rows.iter().find(marked).map(|row| row.id.clone())
        }) {
            table.select(&row);
            *wanted = None;
        }
        if table.selected != before {
            self.mark(Need::Cursor(pane));
        }
        // A component without a row has been upgraded, not removed.
        let lists_cluster = pane.needs.contains(&Need::Cluster) && !pane.needs.contains(&Need::Upgrade);
        let lost = !found && had_rows && lists_cluster;
        before.filter(|_| lost).map(|before| before.name().to_owned()).filter(|name| !name.is_empty())
    }
}

/// `cluster/four/column-0`.
fn border_path(screen: Screen, class: Class, border: Border) -> String {
    format!("{}/{}/{}", screen.name().to_lowercase(), class.name(), border.name())
}

/// Borders as they were written down; what is not understood is passed over.
fn places_of_borders(place: &session::Place) -> BTreeMap<(Screen, Class), Moved> {
    let mut all: BTreeMap<(Screen, Class), Moved> = BTreeMap::new();
    for (path, by) in &place.borders {
        let mut parts = path.split('/');
        let screen = parts.next().and_then(Screen::named);
        let class = parts.next().and_then(Class::named);
        let border = parts.next().and_then(Border::named);
        if let (Some(screen), Some(class), Some(border)) = (screen, class, border) {
            all.entry((screen, class)).or_default().insert(border, *by);
        }
    }
    all
}

/// `-DRIVER` for descending.
fn written_key((name, descending): &SortKey) -> String {
    if *descending { format!("-{name}") } else { name.clone() }
}

fn read_key(key: &str) -> SortKey {
    match key.strip_prefix('-') {
        Some(name) => (name.to_owned(), true),
        None => (key.to_owned(), false),
    }
}
