//! The state as one frame. Reads only; [`State::prepare`] must have been called.

use super::desk::Desk;
use super::{
    Screen,
    app::State,
    health,
    keymap::{self, Action},
    layout::Class,
    model::{Model, Replay, Source},
    news,
    overlay::{Field, Kind, Overlay, QUESTION_WIDTH},
    painted::Painted,
    palette,
    panes::{Step, WHAT_IF},
    question,
    theme::Role,
    time_line, waiting,
    widgets::{
        canvas::Canvas,
        table::text_columns,
        text::{self, Cut},
    },
};
use crate::{
    cluster::watch::LiveStatus,
    criteria::{Criteria, Dimension},
    term::screen::Caret,
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

/// A frame and where the terminal's cursor is.
pub fn frame(state: &State) -> (Buffer, Caret) {
    let mut painted = Painted::default();
    let (_, caret) = painted.paint_changes(state);
    (painted.frame, caret)
}

/// The lines around the panels.
pub(super) fn draw_around(state: &State, canvas: &mut Canvas<'_>) -> Option<Position> {
    draw_top(state, canvas);
    if state.desk.layout.class == Class::Nothing {
        let need = Rect::new(0, 1, state.desk.width, 1);
        canvas.fitted(need.x, need.y, need.width, "need 20x5", Cut::End, Role::Warn);
        return None;
    }
    if let Some(line) = state.desk.layout.health {
        draw_health(state, line, canvas);
    }
    draw_context(state, canvas);
    draw_time(state, canvas);
    draw_message(state, canvas);
    draw_hint(state, canvas)
}

/// Tabs as they stand: full names, or digits where there is no room.
fn tabs(state: &State) -> Vec<(Screen, String)> {
    let (names, spaced) = (state.desk.width >= 72, state.desk.width >= 100);
    Screen::ALL
        .into_iter()
        .map(|screen| {
            let digit = screen.index() + 1;
            let here = screen == state.desk.screen;
            let name = if names || here && state.desk.width >= 34 { screen.name() } else { "" };
            let space = if spaced { " " } else { "" };
            let inside = if name.is_empty() { digit.to_string() } else { format!("{digit}{space}{name}") };
            (screen, if here { format!("[{inside}]") } else { format!(" {inside} ") })
        })
        .collect()
}

/// The screen whose tab is at a column of the first line.
pub fn tab_at(state: &State, column: u16) -> Option<Screen> {
    let mut end = 0;
    tabs(state).into_iter().find_map(|(screen, name)| {
        end += text::width(&name);
        (usize::from(column) < end).then_some(screen)
    })
}

fn draw_top(state: &State, canvas: &mut Canvas<'_>) {
    let line = state.desk.layout.top;
    let source = source(state);
    let columns: usize = source.iter().map(|(_, text)| text::width(text)).sum();
    let columns = u16::try_from(columns).unwrap_or(u16::MAX).min(line.width);
    let mut x = line.x;
    let room = line.right() - columns;
    if state.desk.layout.class != Class::Nothing {
        for (screen, name) in tabs(state) {
            let role = if screen == state.desk.screen { Role::TabActive } else { Role::Tab };
            x += canvas.text(x, line.y, room.saturating_sub(x + 1), &name, role);
        }
    }
    draw_criteria(state, x, Rect { width: room.saturating_sub(line.x), ..line }, canvas);
    let mut x = room;
    for (role, text) in source {
        x += canvas.text(x, line.y, line.right() - x, &text, role);
    }
}

/// Criteria in the line of the tabs, where they have no line of their own: the longest form that has room.
fn draw_criteria(state: &State, from: u16, line: Rect, canvas: &mut Canvas<'_>) {
    let model = &state.model;
    let layout = &state.desk.layout;
    if layout.context.is_some() || layout.class == Class::Nothing || model.recipe.value.is_none() {
        return;
    }
    let criteria = model.criteria();
    let values: Vec<String> = Dimension::ALL.into_iter().filter_map(|dimension| bare(criteria, dimension)).collect();
    let room = usize::from(line.right().saturating_sub(from + 3));
    let so_far = if model.is_so_far() { " so far" } else { "" };
    let few = values.iter().filter(|value| !value.ends_with(NODES)).cloned().collect::<Vec<_>>();
    let mut forms = [criteria.to_string(), values.join(" "), few.join(" ")].map(|form| form + so_far).into_iter();
    if let Some(form) = forms.find(|form| form.len() > so_far.len() && text::width(form) <= room) {
        let role = if model.recipe.is_stale() { Role::Warn } else { Role::Muted };
        canvas.right(line, line.y, &format!("{form}  "), role);
    }
}

/// After the number of nodes, where criteria have no names.
const NODES: &str = " nodes";

/// A criterion without its name; a number says what it is of.
fn bare(criteria: &Criteria, dimension: Dimension) -> Option<String> {
    let value = criteria.get(dimension).filter(|value| !value.is_empty())?;
    Some(if dimension == Dimension::Nodes { value + NODES } else { value })
}

/// The recorded run that the screen shows.
fn recording(state: &State) -> Option<&Replay> {
    state.model.records.replay.as_ref().filter(|_| state.desk.screen == Screen::Validate)
}

/// What is shown and how fresh it is; always ends in the word that says where it comes from.
fn source(state: &State) -> Vec<(Role, String)> {
    let cluster = &state.model.cluster;
    let role = match shown_source(state) {
        _ if recording(state).is_some() || saved_sides(state).is_some() => Role::Saved,
        Source::None => Role::Muted,
        Source::Live => Role::Live,
        Source::Demo => Role::Demo,
        Source::Saved | Source::Past => Role::Saved,
    };
    let mut parts = Vec::new();
    // What is missing is worth more than the name.
    let room = if cluster.gaps().is_empty() { 76 } else { 110 };
    let is_named = state.desk.layout.health.is_some() || cluster.source == Source::Demo;
    if state.desk.width >= room && !cluster.name.is_empty() && !is_named {
        parts.push((
            Role::Text,
            format!(
                "{}  ",
                text::fit(&text::clean(&cluster.name), if state.desk.width >= 100 { 28 } else { 14 }, Cut::Middle)
            ),
        ));
    }
    if state.model.run.active && state.desk.width >= 60 {
        parts.push((Role::Run, "» run  ".to_owned()));
    }
    if state.model.read_only {
        parts.push((Role::Warn, if state.desk.width >= 60 { "read-only  " } else { "RO " }.to_owned()));
    }
    let (freshness, worry) = freshness(state);
    parts.push((role, source_word(state).to_owned()));
    if !freshness.is_empty() && state.desk.width >= 30 {
        parts.push((if worry { Role::Warn } else { Role::Muted }, format!(" {freshness}")));
    }
    parts.push((Role::Text, " ".to_owned()));
    parts
}

fn source_word(state: &State) -> &'static str {
    match (recording(state), saved_sides(state)) {
        (Some(_), _) => "REC",
        (None, Some(_)) => Source::Saved.word(),
        (None, None) => shown_source(state).word(),
    }
}

/// Where what the screen shows comes from. A comparison with the cluster as it is now is of that, whatever moment of it the other
/// screens show.
fn shown_source(state: &State) -> Source {
    let model = &state.model;
    let compares = state.desk.screen == Screen::Compare && model.compare.a.is_some() && model.cluster_now().is_some();
    model.time.past.as_ref().filter(|_| compares).map_or(model.cluster.source, |past| past.source)
}

/// How many snapshots the screen shows, where none of them is the cluster.
fn saved_sides(state: &State) -> Option<usize> {
    state.model.saved_sides().filter(|_| state.desk.screen == Screen::Compare)
}

/// What is shown and how fresh it is, in words.
pub fn source_words(state: &State) -> String {
    let cluster = &state.model.cluster;
    let (freshness, _) = freshness(state);
    let words = [text::clean(&cluster.name).into_owned(), source_word(state).to_owned(), freshness];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

/// How old it is and what is missing: the permission, where there is room for it. Of a recorded run, how far it is shown.
fn freshness(state: &State) -> (String, bool) {
    if let Some(replay) = recording(state) {
        return (format!("{}/{}", replay.next, replay.record.events.len()), false);
    }
    if let Some(sides) = saved_sides(state) {
        return (if sides == 2 { "A and B" } else { "A, B and C" }.to_owned(), false);
    }
    let cluster = &state.model.cluster;
    let gaps = cluster.gaps();
    let (age, worry) = age(state);
    let columns = usize::from(state.desk.width);
    let missing = match &gaps[..] {
        [] => return (age, worry),
        [one] if columns >= 80 => one.clone(),
        [first, rest @ ..] if columns >= 80 && !rest.is_empty() => format!("{first} +{}", rest.len()),
        several if several.iter().all(|gap| gap.starts_with("forbidden")) => format!("{} forbidden", several.len()),
        several => format!("{} not read", several.len()),
    };
    match age.as_str() {
        "" | "fresh" => (missing, true),
        // A lost connection is worse than what it could not read.
        _ if worry => (age, true),
        _ if columns >= 100 => (format!("{age}  {missing}"), true),
        _ => (missing, true),
    }
}

fn age(state: &State) -> (String, bool) {
    let cluster = &state.model.cluster;
    if let Some(switching) = &cluster.switching {
        let name = match state.desk.width >= 100 {
            true => format!(" {}", text::fit(&text::clean(&switching.name), 28, Cut::Middle)),
            false => String::new(),
        };
        return match (&switching.failure, &switching.status) {
            (Some(_), _) | (None, LiveStatus::Failed { .. }) => (format!("not connected:{name}"), true),
            (None, LiveStatus::Syncing { done, total }) => (format!("reading{name} {done}/{total}"), false),
            (None, _) => (format!("connecting{name}"), false),
        };
    }
    if shown_source(state).is_saved() {
        let taken = cluster.snapshot.as_ref().map(|snapshot| &snapshot.about.taken_at).filter(|at| !at.is_empty());
        let columns = if state.desk.width >= 100 { 16 } else { 10 };
        return (taken.map_or_else(String::new, |at| text::head(at, columns).replace('T', " ")), false);
    }
    if cluster.failure.is_some() {
        return ("failed".to_owned(), true);
    }
    if cluster.reading.is_some() {
        return ("reading".to_owned(), false);
    }
    if let (Some(_), LiveStatus::Fresh) = (&cluster.paused, &cluster.status) {
        return ("paused".to_owned(), true);
    }
    match &cluster.status {
        LiveStatus::Connecting => ("connecting".to_owned(), false),
        LiveStatus::Syncing { done, total } => (format!("syncing {done}/{total}"), false),
        LiveStatus::Fresh => ("fresh".to_owned(), false),
        LiveStatus::Reconnecting { attempt, next_seconds, .. } => {
            (format!("RECONNECTING {attempt} (next {next_seconds}s)"), true)
        }
        LiveStatus::Failed { .. } => ("failed".to_owned(), true),
    }
}

/// What the recipe came to: overlays, and criteria that none of them honors.
fn applied(model: &Model) -> (Role, String) {
    let Some(resolution) = &model.recipe.value else { return (Role::Muted, String::new()) };
    if model.recipe.is_stale() {
        return (Role::Warn, "! STALE ".to_owned());
    }
    let lacking: Vec<&str> =
        resolution.coverage.iter().filter(|entry| entry.is_missing()).map(|entry| entry.dimension.name()).collect();
    let applied = resolution.recipe.applied_overlays.len();
    let so_far = if model.is_so_far() { " so far" } else { "" };
    let note = format!("{} overlays, {applied} applied{so_far} ", resolution.decisions.len());
    match lacking.is_empty() {
        true => (Role::Muted, note),
        false => (Role::Warn, format!("! no overlay honors {}  {note}", lacking.join(", "))),
    }
}

/// Criteria, and what the recipe came to where that has room as well.
fn draw_context(state: &State, canvas: &mut Canvas<'_>) {
    let Some(line) = state.desk.layout.context else { return };
    let data = &state.model;
    let asked = data.recipe.answer().map(|(question, _)| question).or(data.recipe.asked());
    let criteria = data.criteria();
    let mut words: Vec<(Role, String)> = Vec::new();
    if data.recipe.value.is_none() && asked.is_none_or(|asked| !asked.is_stated && criteria.specificity() == 0) {
        words.push((Role::Muted, "criteria: none yet".to_owned()));
    } else {
        let recipe = data.recipe.value.as_ref();
        for dimension in Dimension::ALL {
            let Some(value) = criteria.get(dimension) else { continue };
            let lacks = |resolution: &crate::resolve::Resolution| {
                resolution.coverage.iter().any(|entry| entry.dimension == dimension && entry.is_missing())
            };
            let is_covered = !recipe.is_some_and(|resolution| lacks(resolution));
            let (role, mark) = if is_covered { (Role::Strong, "") } else { (Role::Warn, "!") };
            words.push((Role::Muted, format!("{}=", dimension.name())));
            words.push((role, format!("{value}{mark}  ")));
        }
        if let Some(selected) = recipe.and_then(|resolution| resolution.recipe.selected_profile.as_ref()) {
            words.push((Role::Muted, "profile=".to_owned()));
            words.push((Role::Strong, format!("{}  ", selected.choice())));
        }
        for setting in recipe.into_iter().flat_map(|resolution| resolution.recipe.configuration.decided()) {
            // The networks of machines are too long for a line; which of the settings it is says its name.
            let (name, value) = setting.name.split_once('=').unwrap_or((&setting.name, "given"));
            words.push((Role::Muted, format!("{name}=")));
            words.push((Role::Strong, format!("{value}  ")));
        }
        let is_stated = asked.is_some_and(|asked| asked.is_stated);
        let is_known = criteria.specificity() > 0;
        let unread = data.cluster.snapshot.as_ref().and_then(|snapshot| snapshot.no_nodes());
        let revealed = match (data.is_so_far(), unread) {
            (_, Some(brief)) if !is_known && !is_stated => {
                words.push((Role::Warn, "no criteria  ".to_owned()));
                brief
            }
            (true, _) => "from the cluster so far".to_owned(),
            (false, _) => "from the cluster".to_owned(),
        };
        let mut from = vec![if is_stated { "stated".to_owned() } else { revealed }];
        let used = data.configuration.iter().filter(|applied| !applied.used.is_empty());
        from.extend(used.map(|applied| format!("configuration {}", text::clean(&applied.source.shown))));
        from.extend(data.inherit.iter().map(|place| format!("inherits from {}", text::clean(place))));
        words.push((Role::Muted, format!("({})", from.join(", "))));
    }
    let mut x = line.x + 1;
    for (role, word) in &words {
        let room = line.right().saturating_sub(x);
        x += canvas.text(x, line.y, room, word, *role);
    }
    // Both at once only where neither hides the other.
    let (role, note) = applied(data);
    let columns = u16::try_from(text::width(&note)).unwrap_or(u16::MAX);
    if x.saturating_add(columns).saturating_add(2) <= line.right() {
        canvas.right(line, line.y, &note, role);
    }
}

/// Which moment of the cluster is shown.
fn draw_time(state: &State, canvas: &mut Canvas<'_>) {
    let Some(line) = state.desk.layout.time else { return };
    let mut x = line.x + 1;
    for (role, words) in time_line::parts(state, usize::from(line.width.saturating_sub(2))) {
        let room = line.right().saturating_sub(x);
        x += canvas.fitted(x, line.y, room, &words, Cut::End, role);
    }
}

/// What the line of words says in so many columns.
fn health_words(state: &State, columns: u16) -> Vec<(Role, String, Option<&'static super::panes::Pane>)> {
    let cluster = &state.model.cluster;
    let name = if cluster.name.is_empty() { String::new() } else { text::clean(&cluster.name).into_owned() };
    let mut words = vec![(Role::Strong, "aicr".to_owned(), None)];
    if !name.is_empty() {
        let most = if columns < 120 { 14 } else { 40 };
        words.push((Role::Text, text::fit(&name, most, Cut::Middle).into_owned(), None));
    }
    let taken: usize = words.iter().map(|(_, word, _)| text::width(word) + 3).sum();
    // The last one has no gap behind it.
    let room = (usize::from(columns) + 3).saturating_sub(taken);
    let said = health::fitted(&state.desk.health, room).into_iter();
    words.extend(said.map(|(part, said)| (part.role, said.to_owned(), Some(part.pane))));
    words
}

/// The places of the words: from, to, word.
fn health_places(state: &State, line: Rect) -> Vec<(u16, Role, String, Option<&'static super::panes::Pane>)> {
    let mut x = line.x + 1;
    let words = health_words(state, line.width.saturating_sub(1));
    let place = |(role, word, pane): (Role, String, Option<_>)| {
        let at = x;
        x = x.saturating_add(u16::try_from(text::width(&word)).unwrap_or(u16::MAX)).saturating_add(3);
        (at, role, word, pane)
    };
    words.into_iter().map(place).collect()
}

/// The panel that a statement at a column of the line of words leads to.
pub fn health_at(state: &State, column: u16) -> Option<&'static super::panes::Pane> {
    let line = state.desk.layout.health?;
    let places = health_places(state, line);
    let found = places.into_iter().rev().find(|(at, ..)| *at <= column)?;
    let end = found.0.saturating_add(u16::try_from(text::width(&found.2)).unwrap_or(u16::MAX));
    found.3.filter(|_| column < end)
}

/// How everything stands.
fn draw_health(state: &State, line: Rect, canvas: &mut Canvas<'_>) {
    for (index, (at, role, word, _)) in health_places(state, line).into_iter().enumerate() {
        if index > 0 {
            canvas.text(at - 2, line.y, line.right().saturating_sub(at - 2), "·", Role::Border);
        }
        canvas.text(at, line.y, line.right().saturating_sub(at), &word, role);
    }
}

/// Panels that Tab goes to and the frame has no room for, in the lower edge of the one with the focus.
pub(super) fn hidden(state: &State, area: Rect) -> Option<String> {
    let present = state.desk.present(&state.model);
    let is_hidden = |pane: &&&'static super::panes::Pane| state.desk.layout.panel(**pane).is_none();
    let hidden: Vec<&'static super::panes::Pane> = present.iter().copied().filter(|pane| is_hidden(&pane)).collect();
    if hidden.is_empty() || area.width < 24 {
        return None;
    }
    let key = state.desk.keys.key(Action::NextPanel);
    let room = area.width - HIDDEN;
    let said = |names: Vec<String>| format!(" {key}: {} ", names.join(" · "));
    let counted = |pane: &&'static super::panes::Pane| {
        let count = (pane.count)(&state.desk.view(&state.model, pane));
        count.map_or_else(|| pane.name.to_owned(), |count| format!("{} {count}", pane.name))
    };
    // All names are worth more than what is in some.
    let counted = said(hidden.iter().map(counted).collect());
    let said = match text::width(&counted) <= usize::from(room) {
        true => counted,
        false => said(hidden.iter().map(|pane| pane.name.to_owned()).collect()),
    };
    Some(text::fit(&said, usize::from(room), Cut::End).into_owned())
}

/// Columns of that edge that stay an edge.
pub(super) const HIDDEN: u16 = 6;

/// What a filter leaves: `2 hidden, 3 matches`. One that says nothing yet leaves all.
fn left(table: &super::panes::Table) -> String {
    match table.is_filtered() {
        true => {
            format!("{} hidden, {}", text::thousands(table.hidden), text::count_of(table.matching, "match", "matches"))
        }
        false => "nothing hidden yet".to_owned(),
    }
}

/// Columns of the edge of a panel that neither its title nor its note takes.
const AROUND: usize = 7;

/// Right of a title: how old it is, what a filter hides, the order, the pane's own note, where the cursor is; how many columns
/// of that must not be missed, and the look.
pub(super) fn note(state: &State, pane: &super::panes::Pane, inner: Rect) -> (String, u16, Role) {
    let table = state.desk.table(pane);
    let (mut parts, mut role) = (Vec::new(), Role::Muted);
    if let Some(paused) = state.model.cluster.paused.as_ref().filter(|_| pane.is_of_cluster(&state.model)) {
        parts.push(paused.words());
        role = Role::Warn;
    }
    if let Some((age, worry)) = news::age(&state.model).filter(|_| pane.is_of_cluster(&state.model)) {
        parts.push(age);
        role = if worry { Role::Warn } else { Role::Muted };
    }
    parts.extend(waiting::words(&state.model, pane));
    parts.extend(waiting::progress(&state.model, pane, inner.width));
    if !table.filter.is_empty() {
        parts.push(left(table));
    }
    let least = text::width(&parts.join("  "));
    if !table.filter.is_empty() {
        parts.push(format!("/{}", text::fit(&table.filter, 24, Cut::End)));
    }
    let marked = table.marked_rows().count();
    if marked > 0 {
        parts.push(format!("{} marked", text::thousands(marked)));
    }
    parts.extend(table.scrolled());
    // The headers show it too, those that have room.
    if !table.content.ordered && table.sort.is_some() {
        let name = |(name, descending): &super::widgets::table::SortKey| {
            format!("{}{}", name.to_lowercase(), if *descending { " ↓" } else { "" })
        };
        let names: Vec<String> = table.sort_keys().iter().map(name).collect();
        parts.push(format!("by {}", names.join(", ")));
    }
    if state.model.is_so_far() && pane.is_of_cluster(&state.model) && !table.content.rows.is_empty() {
        parts.push("so far".to_owned());
    }
    if !table.content.note.is_empty() {
        parts.push(table.content.note.clone());
    }
    let rows = table.visible.len();
    let columns = u16::try_from(text_columns(usize::from(inner.width))).unwrap_or(u16::MAX);
    if table.hides_rows(columns, inner.height) && rows > 0 {
        let (at, rows) = table.counted_rows();
        let place = format!("{}/{}", text::thousands(at), text::thousands(rows));
        // A number that is cut is another number.
        let taken =
            [&table.content.title, &parts.join("  "), &place].map(|part| text::width(part)).iter().sum::<usize>();
        if taken + AROUND <= usize::from(inner.width) {
            parts.push(place);
        }
    }
    (parts.join("  "), u16::try_from(least).unwrap_or(u16::MAX), role)
}

fn draw_message(state: &State, canvas: &mut Canvas<'_>) {
    let Some(mut line) = state.desk.layout.message else { return };
    // The first line of a narrow frame has no room to say what could not be read.
    let gaps = state.model.cluster.gaps();
    if state.desk.width < 80 && !gaps.is_empty() {
        let used = 1 + canvas.text(line.x + 1, line.y, line.width - 1, &format!("! {}", gaps.join("; ")), Role::Warn);
        line = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
    }
    let is_said = |message: &&super::model::Message| line.width > 12 && message.text != gaps.join("; ");
    let message = state.model.message().filter(|message| state.desk.width >= 80 || is_said(message));
    if message.is_none() && state.desk.layout.health.is_none() && (state.desk.width >= 80 || gaps.is_empty()) {
        draw_health(state, line, canvas);
    }
    if let Some(message) = message {
        let (role, glyph) = super::overlay::mark(message.severity);
        let used = canvas.text(line.x + 1, line.y, line.width - 1, glyph, role) + 2;
        let room = usize::from(line.width.saturating_sub(used));
        let mut more = match message.failure {
            Some(_) if room >= 40 => format!("   {}: details", state.desk.keys.key(Action::Details)),
            _ => String::new(),
        };
        // What is said matters more than how much there is besides.
        let covered = match state.model.covered() {
            0 => Vec::new(),
            covered => {
                let keys = state.desk.keys.command("messages");
                vec![format!("   +{covered} more: {keys}"), format!("   +{covered} more"), format!("  +{covered}")]
            }
        };
        let left = room.saturating_sub(text::width(&message.text) + text::width(&more));
        if let Some(said) = covered.iter().find(|said| text::width(said) <= left).or(covered.last()) {
            more += said;
        }
        let shown = text::fit_sentence(&message.text, room.saturating_sub(text::width(&more)));
        let role = if message.severity == super::model::Severity::Info { Role::Muted } else { role };
        canvas.fitted(
            line.x + used,
            line.y,
            line.width.saturating_sub(used),
            &format!("{shown}{more}"),
            Cut::End,
            role,
        );
    }
}

/// Hints of the focused panel, or the field of the filter.
fn draw_hint(state: &State, canvas: &mut Canvas<'_>) -> Option<Position> {
    let line = state.desk.layout.hint?;
    let keys = &state.desk.keys;
    if let Some(field) = state.desk.filter.as_ref().filter(|_| state.desk.overlay.is_none()) {
        let used = canvas.text(line.x, line.y, line.width, "/", Role::Key);
        let table = state.desk.table(state.desk.focused());
        let (keeps, clears) = (keys.key(Action::Enter), keys.key(Action::Back));
        let area = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        let columns = |note: &str| u16::try_from(text::width(note)).unwrap_or(0);
        let (role, mut note) = match &table.misread {
            Some(misread) => (Role::Fail, format!("✗ {} ", misread.why)),
            None => {
                let said = table.column_meant().map_or_else(|| left(table), |meant| text::clean(&meant).into_owned());
                (Role::Muted, format!("{said}   {keeps} keeps, {clears} clears "))
            }
        };
        if table.misread.is_none() && state.has_old_filters() {
            let longer = format!("{}, {} finds old ones ", note.trim_end(), keys.key(Action::Recall));
            let typed = columns(&field.text).max(10);
            note = if area.width > columns(&longer) + typed { longer } else { note };
        }
        let columns = columns(&note);
        if area.width > columns + 10 {
            canvas.right(line, line.y, &note, role);
        }
        let cursor = draw_field(field, area, canvas);
        if let Some(misread) = &table.misread {
            let typed = Rect { height: 1, ..area };
            canvas.mark(typed, Role::Fail, |_| vec![misread.at.clone()]);
        }
        return Some(cursor);
    }
    if let Some(naming) = &state.desk.naming {
        let asks = format!("label of the mark on line {}: ", text::thousands(naming.line + 1));
        let used = canvas.text(line.x + 1, line.y, line.width.saturating_sub(1), &asks, Role::Key) + 1;
        let area = Rect { x: line.x + used, width: line.width.saturating_sub(used), ..line };
        let note = format!("{} marks, {} does not ", keys.key(Action::Enter), keys.key(Action::Back));
        if usize::from(area.width) > text::width(&note) + 10 {
            canvas.right(line, line.y, &note, Role::Muted);
        }
        return Some(draw_field(&naming.field, area, canvas));
    }
    let mode = state.desk.mode().word();
    let mut end = line.x;
    for Hint { at, key, word, .. } in hints(state, line) {
        let x = at + canvas.text(at, line.y, line.right().saturating_sub(at), &key, Role::Key) + 1;
        end = x + canvas.text(x, line.y, line.right().saturating_sub(x), word, Role::Muted);
    }
    if !mode.is_empty() && line.right() > end + 10 {
        canvas.right(line, line.y, &format!("{mode} "), Role::Focus);
    }
    None
}

/// A key of the hint line, with its place.
struct Hint {
    at: u16,
    end: u16,
    key: String,
    word: &'static str,
    action: Action,
}

/// Keys of what takes them: of a popup, or of the focused panel by use, as many as have room; there, palette and help always.
fn hints(state: &State, line: Rect) -> Vec<Hint> {
    let keys = &state.desk.keys;
    let (wanted, last) = match &state.desk.overlay {
        _ if !state.desk.typed.is_empty() => (vec![(Action::Back, "close")], 1),
        Some(overlay) => (overlay.hints(&state.operations), 1),
        None => (panel_hints(state), 2),
    };
    let gap = if state.desk.layout.class < Class::Two { 1 } else { 2 };
    let columns = |(action, word): &(Action, &str)| {
        u16::try_from(text::width(&keys.key(*action)) + 1 + text::width(word)).unwrap_or(u16::MAX)
    };
    let room: u16 = wanted.iter().rev().take(last).map(|hint| columns(hint).saturating_add(2)).sum();
    let count = wanted.len();
    let mut hints = Vec::new();
    let mut at = line.x + 1;
    for (index, hint) in wanted.into_iter().enumerate() {
        let end = at.saturating_add(columns(&hint));
        // The last ones, such as palette and help, always have their room.
        if index + last < count && end.saturating_add(2).saturating_add(room) > line.right() {
            continue;
        }
        hints.push(Hint { at, end, key: keys.key(hint.0), word: hint.1, action: hint.0 });
        at = end.saturating_add(gap);
    }
    hints
}

/// Keys of the focused panel that would do something now, with what they would do.
fn panel_hints(state: &State) -> Vec<(Action, &'static str)> {
    let pane = state.desk.focused();
    let most = match state.desk.layout.class {
        Class::Bare => 0,
        Class::One => 1,
        _ => 6,
    };
    let own = pane.hints.iter().map(|action| keymap::binding(*action));
    let own = own.filter(|binding| binding.acts_on(state.desk.screen) && does(state, pane, binding.action)).take(most);
    let word = |binding: &keymap::Binding| match (binding.action, &state.model.records.replay, &state.model.run.paused)
    {
        (Action::Pause, Some(replay), _) if !replay.playing => "play",
        (Action::Pause, None, Some(_)) => "go on",
        // It is another program's run, which goes on.
        (Action::Cancel, ..) if state.model.follows() => "end following",
        (action, ..) => pane.word(action).unwrap_or(binding.hint),
    };
    let mut wanted: Vec<(Action, &'static str)> = own.map(|binding| (binding.action, word(binding))).collect();
    let in_time = [(Action::StepBack, "earlier"), (Action::StepOn, "later")];
    wanted.extend(in_time.into_iter().filter(|_| state.steps_in_time()));
    wanted.extend([(Action::Palette, "cmd"), (Action::Help, "help")]);
    wanted
}

/// Whether an action would do something now.
fn does(state: &State, pane: &'static super::panes::Pane, action: Action) -> bool {
    if state.unable(action).is_some() {
        return false;
    }
    let table = state.desk.table(pane);
    if table.visible.is_empty() {
        match action {
            // A filter that hides everything can be typed again.
            Action::Filter => return !table.content.rows.is_empty(),
            action if needs_row(action) => {
                let step = (pane.on)(&state.desk.view(&state.model, pane), action);
                // A panel about the selected row has nothing to show either.
                return step.is_some_and(|step| !matches!(step, Step::Say(_) | Step::Focus(_)));
            }
            _ => {}
        }
    }
    match action {
        // Not every row has another value.
        Action::Left | Action::Right if pane == &WHAT_IF => {
            let step = (pane.on)(&state.desk.view(&state.model, pane), action);
            step.is_some_and(|step| !matches!(step, Step::Say(_)))
        }
        Action::Noise => {
            let drift = state.model.compare.changes.value.as_deref();
            drift.is_some_and(|drift| drift.changes.iter().any(|change| change.noise.is_some()))
        }
        _ => true,
    }
}

/// Actions on a row, or on the rows of a panel: without one they do nothing unless the panel says otherwise.
fn needs_row(action: Action) -> bool {
    matches!(
        action,
        Action::MoveDown
            | Action::Enter
            | Action::Right
            | Action::FoldToggle
            | Action::NextThing
            | Action::PreviousThing
            | Action::Sort
            | Action::Wide
            | Action::Copy
            | Action::CopyRow
            | Action::Details
            | Action::GoDefinition
            | Action::Mark
            | Action::NextMark
            | Action::Blame
            | Action::Follow
            | Action::Timestamps
            | Action::MoreContext
            | Action::LessContext
            | Action::Noise
            | Action::ZoomFull
    )
}

/// The action of the hint at a column.
pub fn hint_at(state: &State, column: u16) -> Option<Action> {
    let line = state.desk.layout.hint?;
    let found = hints(state, line).into_iter().find(|hint| (hint.at..hint.end).contains(&column));
    found.map(|hint| hint.action)
}

/// A field; when the text is longer than the room, its end is shown.
fn draw_field(field: &Field, area: Rect, canvas: &mut Canvas<'_>) -> Position {
    let before = text::width(&text::clean(&field.text[..field.cursor]));
    let room = usize::from(area.width.saturating_sub(1));
    let skip = before.saturating_sub(room);
    canvas.text(area.x, area.y, area.width, text::skip(&text::clean(&field.text), skip), Role::Strong);
    Position::new(area.x + u16::try_from(before - skip).unwrap_or(0), area.y)
}

/// The popup of a prefix key: what may follow.
pub(super) fn draw_continuations(state: &State, canvas: &mut Canvas<'_>) {
    let next = state.desk.continuations();
    if next.is_empty() {
        return;
    }
    let bottom = state.desk.layout.hint.map_or(state.desk.height, |hint| hint.y);
    // What is looked at stays above it.
    let most = bottom.saturating_sub(1).max(3).min(bottom);
    let height = u16::try_from(next.len()).unwrap_or(u16::MAX).saturating_add(2).min(most);
    let needs = |(key, action): &(crate::term::key::Key, Action)| {
        text::width(&key.to_string()).max(2) + text::width(keymap::binding(*action).help) + 5
    };
    let widest = u16::try_from(next.iter().map(needs).max().unwrap_or(0)).unwrap_or(u16::MAX);
    let width = widest.max(44).min(state.desk.width);
    let area = Rect::new(state.desk.width - width, bottom - height, width, height);
    canvas.fill(area, Role::Text);
    let typed: String = state.desk.typed.iter().map(ToString::to_string).collect();
    let closes = format!("{} closes", state.desk.keys.key(Action::Back));
    let more = match next.len().saturating_sub(usize::from(height.saturating_sub(2))) {
        0 => String::new(),
        more => format!(" +{more} more"),
    };
    canvas.frame(area, &format!("{typed} …{more}"), closes.as_str(), true);
    for (offset, (key, action)) in next.iter().enumerate().take(usize::from(height.saturating_sub(2))) {
        let y = area.y + 1 + u16::try_from(offset).unwrap_or(0);
        let used = canvas.text(area.x + 2, y, 8, &key.to_string(), Role::Key);
        let binding = keymap::binding(*action);
        let at = area.x + 2 + used.max(2) + 1;
        canvas.fitted(at, y, area.right().saturating_sub(at + 1), binding.help, Cut::End, Role::Text);
    }
}

pub(super) fn draw_overlay(state: &State, overlay: &Overlay, canvas: &mut Canvas<'_>) -> Option<Position> {
    let area = overlay_area(&state.desk, overlay);
    canvas.fill(area, Role::Text);
    let content = &overlay.table.content;
    let more = usize::from(area.height.saturating_sub(2 + below(overlay, area.width))) < overlay.table.visible.len()
        && content.prose;
    let key = |action| state.desk.keys.key(action);
    // Letters are typed into a field.
    let steps =
        if overlay.field.is_some() { [Action::PageDown, Action::PageUp] } else { [Action::MoveDown, Action::MoveUp] };
    let scroll = format!("{} {} scroll", key(steps[0]), key(steps[1]));
    let note = if more { scroll.as_str() } else { content.note.as_str() };
    canvas.frame(area, &content.title, note, true);
    let mut inner = inside(area);
    let mut cursor = None;
    if let Some(field) = &overlay.field {
        let sign = match overlay.kind {
            Kind::Palette => ":",
            Kind::Confirm { .. } => ">",
            _ => "/",
        };
        canvas.text(inner.x + 1, inner.y, 2, sign, Role::Key);
        let line = Rect { x: inner.x + 3, height: 1, width: inner.width.saturating_sub(4), ..inner };
        cursor = Some(draw_field(field, line, canvas));
        if let (Kind::Palette, Some((at, _))) = (&overlay.kind, palette::unended(&field.text)) {
            canvas.mark(line, Role::Fail, |_| vec![at.clone()]);
        }
        canvas.text(inner.x, inner.y + 1, inner.width, &"─".repeat(usize::from(inner.width)), Role::Border);
        inner.y += 2.min(inner.height);
        inner.height = inner.height.saturating_sub(2);
    }
    if let Kind::Question { answers, chosen, .. } = &overlay.kind {
        let places = question::places(answers, *chosen, inner);
        for (index, (answer, place)) in answers.iter().zip(&places).enumerate() {
            let Some(place) = place else { continue };
            let here = index == *chosen;
            let role = if here { Role::Selection } else { Role::Text };
            if here {
                canvas.selected = Some(place.as_position());
            }
            canvas.text(place.x, place.y, place.width, &answer.shown(here), role);
        }
        let below = inner.bottom().saturating_sub(1);
        let end = places.iter().flatten().filter(|place| place.y == below).map(|place| place.right()).max();
        let teaches = format!("{} chooses, {} answers", key(Action::NextAnswer), key(Action::Enter));
        // Where it has no room, the line below the popup says the same.
        if usize::from(inner.right().saturating_sub(end.unwrap_or(0))) >= text::width(&teaches) + 2 {
            canvas.right(Rect { width: inner.width.saturating_sub(1), ..inner }, below, &teaches, Role::Muted);
        }
        inner.height = inner.height.saturating_sub(question::lines(answers, inner.width) + 1);
    }
    let mut table = overlay.table.clone();
    table.scroll(inner.height);
    // What Enter would not take is not marked as if it would.
    if !overlay.takes_row() {
        table.cursor = usize::MAX;
    }
    let search = matches!(overlay.kind, Kind::Text | Kind::Messages);
    table.draw_marking(canvas, inner, true, &key(Action::Back), search);
    cursor
}

/// Where a popup goes.
pub(super) fn overlay_area(desk: &Desk, overlay: &Overlay) -> Rect {
    let (most_wide, most_high) = match overlay.kind {
        Kind::Text => (desk.width, desk.height),
        Kind::Question { .. } | Kind::Confirm { .. } => {
            let rows = u16::try_from(overlay.table.content.rows.len()).unwrap_or(u16::MAX);
            (QUESTION_WIDTH, rows.saturating_add(2 + below(overlay, overlay_width(desk, QUESTION_WIDTH))))
        }
        // Sentences of the help are read in full from 120 columns on.
        _ => (116, 34),
    };
    let width = overlay_width(desk, most_wide);
    let height = most_high.min(desk.height.saturating_sub(if desk.height > 16 { 4 } else { 2 })).max(3);
    let height = height.min(desk.height);
    Rect::new((desk.width - width) / 2, (desk.height - height) / 2, width, height)
}

/// Columns of a popup that would like so many.
fn overlay_width(desk: &Desk, most: u16) -> u16 {
    most.min(desk.width.saturating_sub(if desk.width > 60 { 4 } else { 0 }))
}

/// Lines of a popup that are not of its text: a field above it, or answers below it, and what parts them from the text.
fn below(overlay: &Overlay, width: u16) -> u16 {
    match &overlay.kind {
        Kind::Question { answers, .. } => question::lines(answers, width.saturating_sub(2)) + 1,
        _ => 2,
    }
}

/// A popup without its border.
fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) }
}

/// The answer of the open question at a place of the screen.
pub fn answer_at(state: &State, column: u16, row: u16) -> Option<usize> {
    let overlay = state.desk.overlay.as_ref()?;
    let Kind::Question { answers, chosen, .. } = &overlay.kind else { return None };
    let places = question::places(answers, *chosen, inside(overlay_area(&state.desk, overlay)));
    question::at(&places, Position::new(column, row))
}
