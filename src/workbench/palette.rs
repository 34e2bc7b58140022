//! The palette: everything that can be done here, by what is typed.
//!
//! In: the model, the keys, what was done before, and a text. Out: rows, best first, and how many of them are so certain that
//! Enter takes the first one. What only resembles the text has to be chosen; nobody gets an action that they did not name.

use super::{
    app::{LIVE, SIGN, Unable},
    arguments,
    log_options::{self, LEVELS},
    overlay::{COMMANDS, Choice, Content, Reads, Row},
    panes::{self, VALUES},
    preferences::{self, Preference, again::AT_THE_START},
    theme::Role,
    widgets::{
        table::{Cell, Column},
        text,
    },
};
use crate::{bundle::deployer, catalog::validator::Phase, criteria::Dimension, diff::noise};
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};
use std::{collections::HashSet, ops::Range};

/// Rows, and how many of the first ones Enter may take without a choice.
pub(super) struct Found {
    pub content: Content,
    pub certain: usize,
}

/// How well a name answers to what is typed; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    Prefix,
    /// At the start of a part of the name.
    Part,
    Within,
    /// The letters in their order.
    Fuzzy,
    /// In what is said about it.
    About,
}

/// One thing that can be done.
struct Entry {
    name: String,
    row: Row,
    /// The worst fit with which Enter may take it.
    certain: Fit,
}

/// Recent commands that an empty palette begins with.
const RECENT: usize = 5;

pub(super) fn palette(reads: &Reads<'_>, typed: &str) -> Found {
    let word = typed.split(' ').next().unwrap_or_default();
    let command = COMMANDS.iter().find(|(name, ..)| *name == word).filter(|_| typed.contains(' '));
    let found = match command {
        Some((_, arguments, help)) => arguments_of(reads, typed, arguments, help),
        None => anything(reads, typed),
    };
    let (rows, certain) = found;
    let close = reads.keys.key(super::keymap::Action::Back);
    let down = reads.keys.key(super::keymap::Action::NextMatch);
    let says = match (rows.is_empty(), typed.trim().is_empty(), certain) {
        (true, ..) => Some(format!("nothing matches `{typed}`; {close} closes")),
        (false, false, 0) if command.is_none() => {
            Some(format!("`{typed}` is not a command; {down} chooses one of these"))
        }
        _ => None,
    };
    let content = Content {
        title: "palette".to_owned(),
        note: text::count_of(rows.len(), "match", "matches"),
        columns: vec![
            Column::new("", 18, 34).name_like(),
            // Of the row under the cursor it goes on below.
            Column::new("", 16, 46).grows().priority(1),
            Column::new("", 4, 8).priority(2),
        ],
        says: match unended(typed) {
            Some((_, said)) => vec![(Role::Fail, format!("✗ {said}"))],
            None => says.map(|line| (Role::Muted, line)).into_iter().collect(),
        },
        rows,
        ordered: true,
        goes_on: true,
        ..Content::default()
    };
    Found { content, certain }
}

fn row(choice: Choice, name: Cell, about: &str, key: &str) -> Row {
    Row::new(choice, vec![name, Cell::new(Role::Muted, about), Cell::new(Role::Key, key)])
}

/// What a row says of what cannot be done, instead of what it would do.
fn not_now(unable: Unable) -> String {
    format!("not now: {}", unable.said)
}

/// Whether a command needs an argument.
pub(super) fn needs_argument(arguments: &str) -> bool {
    !arguments.is_empty() && !arguments.starts_with('[')
}

fn anything(reads: &Reads<'_>, typed: &str) -> (Vec<Row>, usize) {
    let mut entries: Vec<Entry> = Vec::new();
    if typed.is_empty() {
        for line in reads.history.iter().rev().take(RECENT) {
            let row = row(Choice::Run(line.clone()), Cell::text(line), "recent", "");
            entries.push(Entry { name: line.clone(), row, certain: Fit::Prefix });
        }
    }
    for (name, arguments, help) in COMMANDS {
        let unable = reads.state.unable_command(name);
        let role = if unable.is_some() { Role::Muted } else { Role::Text };
        let shown = Cell::new(role, *name).and(Role::Muted, format!(" {arguments}"));
        let help = &unable.map_or_else(|| (*help).to_owned(), not_now);
        let choice = match needs_argument(arguments) {
            false => Choice::Run((*name).to_owned()),
            true => Choice::Take(format!("{name} ")),
        };
        let row = row(choice, shown, help, "");
        entries.push(Entry { name: (*name).to_owned(), row, certain: Fit::Prefix });
    }
    for (binding, _) in reads.keys.rows().filter(|(binding, _)| binding.acts_on(reads.screen)) {
        let key = reads.keys.key(binding.action);
        let unable = reads.state.unable(binding.action);
        let role = if unable.is_some() { Role::Muted } else { Role::Text };
        let about = unable.map_or_else(|| binding.help.to_owned(), not_now);
        let row = row(Choice::Act(binding.action), Cell::new(role, binding.name), &about, &key);
        entries.push(Entry { name: binding.name.to_owned(), row, certain: Fit::Prefix });
    }
    // Values have paths that nothing else looks like, so that they are meant on every screen.
    let elsewhere = (reads.screen != VALUES.screen).then_some(&VALUES);
    for pane in panes::of_screen(reads.screen).chain(elsewhere) {
        let is_meant = pane.screen == reads.screen || typed.contains('.');
        let certain = if is_meant { Fit::Part } else { Fit::Exact };
        let named = reads.tables.get(pane).content.rows.iter().filter_map(|row| Some((row, row.id.named()?)));
        for (of, name) in named.filter(|(_, name)| !name.is_empty()).take(2000) {
            // A path has the room of all columns.
            let said = Cell::text(name).and(Role::Muted, format!("  {}", pane.name));
            let row = Row::new(Choice::Go(pane, of.id.clone()), vec![said]);
            entries.push(Entry { name: name.to_owned(), row, certain });
        }
    }
    if typed.trim().is_empty() {
        return (entries.into_iter().map(|entry| entry.row).collect(), 0);
    }
    ranked(entries, typed)
}

/// Entries that match, best first.
fn ranked(entries: Vec<Entry>, typed: &str) -> (Vec<Row>, usize) {
    let mut fits = Fits::new(typed);
    let fit = |(order, entry): (usize, Entry)| {
        let about = entry.row.cells.get(1).map(Cell::plain).unwrap_or_default();
        let (fit, score) = fits.of(&entry.name, &about)?;
        Some((fit, std::cmp::Reverse(score), order, entry))
    };
    let mut fitting: Vec<_> = entries.into_iter().enumerate().filter_map(fit).collect();
    // Letters that are scattered over a name mean it only where nothing has them together.
    if fitting.iter().any(|(fit, ..)| *fit < Fit::Fuzzy) {
        fitting.retain(|(fit, ..)| *fit != Fit::Fuzzy);
    }
    fitting.sort_by_key(|(fit, score, order, _)| (*fit, *score, *order));
    let certain = fitting.iter().take_while(|(fit, .., entry)| *fit <= entry.certain).count();
    (fitting.into_iter().map(|(.., entry)| entry.row).collect(), certain)
}

/// Rows that match by their texts, best first; all of them, where nothing is typed.
pub(super) fn best(rows: Vec<(String, Row)>, typed: &str) -> Vec<Row> {
    if typed.trim().is_empty() {
        return rows.into_iter().map(|(_, row)| row).collect();
    }
    let entry = |(name, row): (String, Row)| Entry { name, row, certain: Fit::Exact };
    ranked(rows.into_iter().map(entry).collect(), typed).0
}

/// What is typed, made ready to be looked for in thousands of names.
struct Fits {
    typed: String,
    pattern: Pattern,
    matcher: Matcher,
    buffer: Vec<char>,
}

impl Fits {
    fn new(typed: &str) -> Fits {
        let typed = typed.trim().to_lowercase();
        let pattern = Pattern::new(&typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        Fits { typed, pattern, matcher: Matcher::new(Config::DEFAULT), buffer: Vec::new() }
    }

    fn of(&mut self, name: &str, about: &str) -> Option<(Fit, u32)> {
        let lower = name.to_lowercase();
        if lower == self.typed {
            return Some((Fit::Exact, 0));
        }
        if lower.starts_with(&self.typed) {
            return Some((Fit::Prefix, 0));
        }
        if let Some(at) = lower.find(&self.typed) {
            let before = |at: usize| lower[..at].ends_with(['-', '.', '/', '_', '[', '=']);
            let is_part = before(at) || lower.match_indices(&self.typed).any(|(at, _)| before(at));
            return Some((if is_part { Fit::Part } else { Fit::Within }, 0));
        }
        if let Some(score) = self.pattern.score(Utf32Str::new(&lower, &mut self.buffer), &mut self.matcher) {
            return Some((Fit::Fuzzy, score));
        }
        let about = about.to_lowercase();
        self.typed.split(' ').all(|word| about.contains(word)).then_some((Fit::About, 0))
    }
}

/// Commands with several arguments: the last one is completed.
const SEVERAL: [&str; 9] = ["recipe", "diff", "compare", "filter", "sort", "columns", "merge", "sources", "set"];

/// A completed line, ready to be gone on with: another word may follow a whole one.
pub(super) fn completed(line: String) -> String {
    let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let goes_on = match word {
        // Of a recipe and of what it is compared with, criteria only.
        "recipe" | "diff" => rest.contains('='),
        "filter" | "set" => false,
        _ => SEVERAL.contains(&word),
    };
    let is_whole = !rest.is_empty() && !rest.ends_with(['/', ' ']);
    if goes_on && is_whole { line + " " } else { line }
}

/// Commands of which nothing but a completion is right.
const CLOSED: [&str; 7] = ["context", "theme", "node", "value", "component", "upgrade", "delete-filter"];
/// Commands that take saved filters.
const OF_FILTERS: [&str; 3] = ["filter", "save-filter", "delete-filter"];
/// Commands whose arguments are files.
pub(super) const FILES: [&str; 13] = [
    "source",
    "open",
    "compare",
    "save",
    "patch",
    "save-report",
    "save-log",
    "export",
    "diff",
    "inherit",
    "bundle",
    "deploy",
    "undeploy",
];

/// The typed command, and what its last argument may be.
fn arguments_of(reads: &Reads<'_>, typed: &str, arguments: &str, help: &str) -> (Vec<Row>, usize) {
    let (word, rest) = typed.split_once(' ').unwrap_or((typed, ""));
    let is_closed = CLOSED.contains(&word);
    let several = SEVERAL.contains(&word);
    let of_files = FILES.contains(&word);
    let (before, last) = match (several, of_files) {
        (false, false) => ("", rest.to_owned()),
        (false, true) => ("", arguments::read(rest).whole),
        (true, false) => {
            let at = rest.rfind(' ').map_or(0, |at| at + 1);
            (&rest[..at], rest[at..].to_owned())
        }
        (true, true) => last_of(rest),
    };
    let mut known = HashSet::new();
    let entries: Vec<Entry> = completions(reads, word, rest)
        .into_iter()
        // A kept snapshot that was opened is among the files as well.
        .filter(|candidate| known.insert(candidate.clone()))
        .filter(|candidate| {
            before.is_empty() || candidate.contains('=') || of_files || ["merge", "sources", "set"].contains(&word)
        })
        .map(|candidate| {
            let in_use = word == "context" && reads.model.contexts.current.as_ref() == Some(&candidate);
            let name = if of_files { arguments::typed(&candidate) } else { candidate.clone() };
            let line = format!("{word} {before}{name}");
            let choice =
                if candidate.ends_with(['/', ' ']) { Choice::Take(line.clone()) } else { Choice::Run(line.clone()) };
            let saved = candidate.strip_prefix(SIGN).filter(|_| OF_FILTERS.contains(&word));
            let about = match saved.and_then(|name| reads.saved_filters.get(name)) {
                Some(filter) => filter.to_owned(),
                None if in_use => "in use".to_owned(),
                None if word == "set" => preferred(reads, rest, candidate.trim_end()),
                None => String::new(),
            };
            let row = row(choice, Cell::text(line), &about, "");
            Entry { name: candidate, row, certain: if is_closed { Fit::Part } else { Fit::Prefix } }
        })
        .collect();
    let (mut rows, likely) = match last.is_empty() {
        true => (entries.into_iter().map(|entry| entry.row).collect(), 0),
        false => ranked(entries, &last),
    };
    let shown = Cell::text(typed.trim_end())
        .and(Role::Muted, if rest.is_empty() { format!(" {arguments}") } else { String::new() });
    let itself = row(Choice::Run(typed.to_owned()), shown, help, "");
    if rest.is_empty() && (needs_argument(arguments) || is_closed) {
        // Nothing to run yet: what it takes stands below what it may be.
        // A list of contexts was asked for to choose from it; of other names, only one that was begun is meant.
        let picked = usize::from(word == "context" && !rows.is_empty());
        rows.push(itself);
        return (rows, picked);
    }
    // One name that begins so is what is meant, where only names are right.
    let meant = is_closed && likely == 1;
    let same = rows.first().is_some_and(|row| row.id == itself.id);
    if !meant && !same {
        rows.insert(0, itself);
    }
    (rows, 1)
}

/// What an argument may be.
fn completions(reads: &Reads<'_>, command: &str, rest: &str) -> Vec<String> {
    let catalog = reads.model.catalog.value.as_ref();
    // Those that were used before come first.
    let recent = |used: &[String], others: Vec<String>| -> Vec<String> {
        let others = others.into_iter().filter(|other| !used.contains(other)).collect::<Vec<_>>();
        used.iter().cloned().chain(others).collect()
    };
    let files = || {
        let listed = reads.files.names.iter().map(|name| format!("{}{name}", reads.files.folder)).collect();
        recent(reads.recent_files, listed)
    };
    // A bundle is a folder; what was opened before was none.
    let folders = || -> Vec<String> {
        let folders = reads.files.names.iter().filter(|name| name.ends_with('/'));
        folders.map(|name| format!("{}{name}", reads.files.folder)).collect()
    };
    let criteria = || {
        catalog.map_or_else(Vec::new, |catalog| {
            let stated = |dimension: &Dimension| {
                let begun = format!("{}=", dimension.name());
                rest.split(' ').rev().skip(1).any(|word| word.starts_with(&begun))
            };
            let open =
                Dimension::ALL.into_iter().filter(|dimension| *dimension != Dimension::Nodes && !stated(dimension));
            let pair = |dimension: Dimension| {
                let values = catalog.criteria_values(dimension);
                values.into_iter().map(move |value| format!("{}={value}", dimension.name()))
            };
            open.flat_map(pair).collect::<Vec<_>>()
        })
    };
    match command {
        "context" => {
            let names = &reads.model.contexts.names;
            let used: Vec<String> = reads.recent_contexts.iter().filter(|name| names.contains(name)).cloned().collect();
            recent(&used, names.clone())
        }
        "theme" => reads.themes.names(),
        "set" => match rest.split_once(' ') {
            None => taken(reads).map(|preference| format!("{} ", preference.name)).collect(),
            Some((name, value)) if !value.contains(' ') => {
                let preference = taken(reads).find(|preference| preference.name == name);
                preference.map_or_else(Vec::new, |preference| preference.choices(reads.themes))
            }
            Some(_) => Vec::new(),
        },
        "node" => reads.model.cluster.nodes().iter().take(5000).map(|node| node.name.to_string()).collect(),
        "component" => reads.model.recipe.value.as_ref().map_or_else(Vec::new, |resolution| {
            resolution.recipe.components.iter().map(|component| component.name.clone()).collect()
        }),
        "value" => {
            reads.tables.get(&VALUES).content.rows.iter().filter_map(|row| row.id.named().map(str::to_owned)).collect()
        }
        "sort" | "columns" => {
            let columns = &reads.tables.get(reads.pane).content.columns;
            columns.iter().map(|column| column.name.to_lowercase()).filter(|name| !name.is_empty()).collect()
        }
        "noise" => noise::RULES.iter().map(|rule| rule.name.to_owned()).collect(),
        "past" => ["now".to_owned()].into_iter().chain(kept(reads)).collect(),
        "merge" => {
            let run = &reads.model.run;
            let phases =
                Phase::ALL.into_iter().filter(|phase| run.checks.iter().any(|check| check.planned.phase == *phase));
            let phases = phases.map(|phase| phase.name().to_owned());
            let checks = run.checks.iter().map(|check| check.planned.name.clone());
            ["all", "off"].map(str::to_owned).into_iter().chain(phases).chain(checks).collect()
        }
        "since" => ["1m", "5m", "1h"].map(str::to_owned).to_vec(),
        "level" => LEVELS.into_iter().rev().map(|level| log_options::word(level).to_owned()).collect(),
        "around" => ["0", "3", "10"].map(str::to_owned).to_vec(),
        "sources" => reads.state.sources_of_log(),
        "upgrade" => deployer::names().into_iter().map(str::to_owned).collect(),
        "inherit" => ["cluster".to_owned()].into_iter().chain(files()).collect(),
        "filter" => {
            let used = reads.filters.iter().rev().filter(|filter| !filter.starts_with(SIGN)).cloned();
            saved_filters(reads).chain(used).collect()
        }
        "save-filter" | "delete-filter" => saved_filters(reads).collect(),
        "diff" => {
            let overlays = catalog.map_or_else(Vec::new, |catalog| catalog.overlays.keys().cloned().collect());
            let first = ["cluster".to_owned()].into_iter().chain(criteria());
            first.chain(overlays).chain(files()).collect()
        }
        "recipe" => criteria(),
        "source" => {
            let contexts = reads.model.contexts.names.clone();
            let runs = reads.model.records.list.value.iter().flat_map(|runs| runs.iter());
            let runs = runs.map(|run| run.stored.name.clone());
            let live = std::iter::once(LIVE.to_owned());
            live.chain(contexts).chain(kept(reads)).chain(runs).chain(files()).collect()
        }
        // The second word is a namespace.
        "attach" if rest.contains(' ') => Vec::new(),
        "attach" => reads.model.records.in_cluster.iter().flat_map(|found| found.runs.clone()).collect(),
        "compare" => kept(reads).into_iter().chain(files()).collect(),
        "open" | "save" | "save-report" | "save-log" | "export" => files(),
        "bundle" | "deploy" | "undeploy" => folders(),
        _ => Vec::new(),
    }
}

/// Preferences that can be changed now.
fn settable() -> impl Iterator<Item = &'static Preference> {
    let starts = |preference: &Preference| AT_THE_START.iter().any(|other| other.name == preference.name);
    let all = preferences::ALL.iter().copied();
    all.filter(move |preference| !starts(preference) && preference.values != preferences::Values::Patterns)
}

/// Those of them that would be taken: a session that only reads does so to its end.
fn taken(reads: &Reads<'_>) -> impl Iterator<Item = &'static Preference> {
    let is_read_only = reads.model.read_only;
    settable().filter(move |preference| !is_read_only || preference.name != preferences::READ_ONLY.name)
}

/// What a preference is now and what it is for; of one of its values, whether it is the one that counts.
fn preferred(reads: &Reads<'_>, rest: &str, candidate: &str) -> String {
    let name = rest.split_once(' ').map_or(candidate, |(name, _)| name);
    let Some(preference) = settable().find(|preference| preference.name == name) else { return String::new() };
    let now = preferences::spoken(preference, reads.preferences.text(preference));
    match rest.contains(' ') {
        true if now == candidate => "as it is now".to_owned(),
        true => String::new(),
        false => format!("{now} now; {}", preference.help),
    }
}

/// `@NAME` of each saved filter.
fn saved_filters(reads: &Reads<'_>) -> impl Iterator<Item = String> {
    reads.saved_filters.iter().map(|(name, _)| format!("{SIGN}{name}"))
}

/// Kept snapshots of the shown cluster, the newest first: by name, else by id.
fn kept(reads: &Reads<'_>) -> Vec<String> {
    let moments = reads.model.moments();
    moments.into_iter().rev().map(|moment| format!("@{}", moment.name.as_ref().unwrap_or(&moment.id))).collect()
}

/// The folder that the last argument of a typed command is in, where that is a file.
pub(super) fn folder(typed: &str) -> Option<String> {
    let (word, rest) = typed.split_once(' ')?;
    if !FILES.contains(&word) {
        return None;
    }
    let last = if SEVERAL.contains(&word) { last_of(rest).1 } else { arguments::read(rest).whole };
    Some(last.rfind('/').map_or_else(String::new, |at| last[..=at].to_owned()))
}

/// The last of several files, without its quotes, and what is typed before it.
fn last_of(rest: &str) -> (&str, String) {
    let mut read = arguments::read(rest);
    match read.words.pop().filter(|_| !read.is_ended) {
        Some(word) => (&rest[..word.at], word.text),
        None => (rest, String::new()),
    }
}

/// What is wrong with the quotes of a typed command, and where.
pub(super) fn unended(typed: &str) -> Option<(Range<usize>, String)> {
    let (word, rest) = typed.split_once(' ')?;
    let unended = arguments::read(rest).unended.filter(|_| FILES.contains(&word))?;
    let before = word.len() + 1;
    Some((before + unended.at..typed.len(), unended.words(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], typed: &str, expected: &[&str], certain: usize) {
        let entry = |name: &&str| {
            let row = row(Choice::Run((*name).to_owned()), Cell::text(*name), "one row down", "");
            Entry { name: (*name).to_owned(), row, certain: Fit::Prefix }
        };
        let (rows, sure) = ranked(names.iter().map(entry).collect(), typed);
        let shown: Vec<String> = rows.iter().map(|row| row.cells[0].plain().into_owned()).collect();
        assert_eq!(shown, expected, "{typed}");
        assert_eq!(sure, certain, "{typed}");
    }

    #[test]
    fn exact_comes_first_then_prefix_and_only_these_are_certain() {
        let names = ["screen-compare", "compare-with", "compare", "copy"];
        check(&names, "compare", &["compare", "compare-with", "screen-compare"], 2);
        check(&names, "cmp", &["compare-with", "compare", "screen-compare"], 0);
        check(&names, "co", &["compare-with", "compare", "copy", "screen-compare"], 3);
        // Scattered letters are not meant where the letters stand together elsewhere.
        check(&["recipe", "re-copy-pipe", "screen-recipe"], "recipe", &["recipe", "screen-recipe"], 1);
        check(&["copy-row"], "step", &[], 0);
        check(&["right"], "light", &[], 0);
    }

    #[test]
    fn a_sentence_is_found_by_its_words_not_by_scattered_letters() {
        check(&["move-down"], "row down", &["move-down"], 0);
        check(&["move-down"], "rwdn", &[], 0);
    }
}
