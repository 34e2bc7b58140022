//! Actions, their names and their keys: one table from which help, hints, popups, palette, `aicr keys` and the
//! documentation are made.

use super::Screen;
use crate::term::key::{self, Key};

/// What a key, a palette row or a script asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    MoveDown,
    MoveUp,
    First,
    Last,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    Left,
    Right,
    Enter,
    Back,
    Close,
    NextPanel,
    PreviousPanel,
    PanelLeft,
    PanelDown,
    PanelUp,
    PanelRight,
    ScreenCluster,
    ScreenRecipe,
    ScreenDiff,
    ScreenValidate,
    ScreenCompare,
    PreviousView,
    Help,
    Palette,
    Filter,
    NextThing,
    PreviousThing,
    FoldToggle,
    FoldAll,
    UnfoldAll,
    ZoomFull,
    ZoomIn,
    ZoomOut,
    Sort,
    SortReverse,
    Wide,
    Copy,
    CopyRow,
    Raw,
    Details,
    GoDefinition,
    GoNode,
    GoConstraint,
    GoLog,
    Blame,
    KeepColumn,
    WhatIf,
    CompareWith,
    DiffView,
    MoreContext,
    LessContext,
    Noise,
    Swap,
    Run,
    Cancel,
    Follow,
    Timestamps,
    Refresh,
    Export,
    Redraw,
    Suspend,
    Interrupt,
}

/// Where a key means its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    On(&'static [Screen]),
}

/// Headings of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Move,
    Panels,
    Find,
    Look,
    Act,
    Program,
}

impl Group {
    pub const ALL: [Group; 6] = [Group::Move, Group::Panels, Group::Find, Group::Look, Group::Act, Group::Program];

    pub fn name(self) -> &'static str {
        match self {
            Group::Move => "move",
            Group::Panels => "panels",
            Group::Find => "find",
            Group::Look => "look",
            Group::Act => "act",
            Group::Program => "program",
        }
    }
}

/// One action: its name, its keys, where they act and what they do.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub action: Action,
    /// As in configuration and `aicr keys`.
    pub name: &'static str,
    /// Key sequences; the first is shown in hints.
    pub keys: &'static [&'static str],
    pub scope: Scope,
    pub group: Group,
    /// One or two words for the hint line.
    pub hint: &'static str,
    /// A sentence for help and palette, without a full stop.
    pub help: &'static str,
}

const fn key(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    group: Group,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { action, name, keys, scope: Scope::Everywhere, group, hint, help }
}

const fn on(screens: &'static [Screen], binding: Binding) -> Binding {
    Binding { scope: Scope::On(screens), ..binding }
}

use Action as A;
use Group as G;

/// Every action, in the order of the help.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    key(A::MoveDown, "move-down", &["j", "Down"], G::Move, "move", "one row down"),
    key(A::MoveUp, "move-up", &["k", "Up"], G::Move, "move", "one row up"),
    key(A::First, "first", &["g g", "Home"], G::Move, "first", "first row"),
    key(A::Last, "last", &["G", "End"], G::Move, "last", "last row; in a log also follow"),
    key(A::HalfDown, "half-down", &["Ctrl-D"], G::Move, "half page", "half a page down"),
    key(A::HalfUp, "half-up", &["Ctrl-U"], G::Move, "half page", "half a page up"),
    key(A::PageDown, "page-down", &["PgDn", "Ctrl-F"], G::Move, "page", "a page down"),
    key(A::PageUp, "page-up", &["PgUp", "Ctrl-B"], G::Move, "page", "a page up"),
    key(A::Left, "left", &["h", "Left"], G::Move, "fold", "fold, or scroll to the left"),
    key(A::Right, "right", &["l", "Right"], G::Move, "unfold", "unfold, or scroll to the right"),
    key(A::NextThing, "next-thing", &["]"], G::Move, "next", "next thing that matters: change, failure, warning"),
    key(A::PreviousThing, "previous-thing", &["["], G::Move, "previous", "previous thing that matters"),
    key(A::Enter, "enter", &["Enter"], G::Panels, "in", "go into what is selected"),
    key(A::Back, "back", &["Esc"], G::Panels, "back", "undo the latest of popup, filter, zoom; never quits"),
    key(A::Close, "close", &["q"], G::Panels, "close", "close what is open; at the top, quit"),
    key(A::NextPanel, "next-panel", &["Tab"], G::Panels, "panel", "next panel"),
    key(A::PreviousPanel, "previous-panel", &["Shift-Tab"], G::Panels, "panel", "previous panel"),
    key(A::PanelLeft, "panel-left", &["Ctrl-W h"], G::Panels, "left", "panel to the left"),
    key(A::PanelDown, "panel-down", &["Ctrl-W j"], G::Panels, "below", "panel below"),
    key(A::PanelUp, "panel-up", &["Ctrl-W k"], G::Panels, "above", "panel above"),
    key(A::PanelRight, "panel-right", &["Ctrl-W l"], G::Panels, "right", "panel to the right"),
    key(A::ScreenCluster, "screen-cluster", &["1"], G::Panels, "cluster", "Cluster: nodes, components, constraints"),
    key(A::ScreenRecipe, "screen-recipe", &["2"], G::Panels, "recipe", "Recipe: overlays, values and who set them"),
    key(A::ScreenDiff, "screen-diff", &["3"], G::Panels, "diff", "Diff: two recipes"),
    key(A::ScreenValidate, "screen-validate", &["4"], G::Panels, "validate", "Validate: phases, checks, logs"),
    key(A::ScreenCompare, "screen-compare", &["5"], G::Panels, "compare", "Compare: two snapshots"),
    key(A::PreviousView, "previous-view", &["-"], G::Panels, "last view", "the screen that was here before"),
    key(A::ZoomFull, "zoom-full", &["z z"], G::Panels, "zoom", "this panel alone, or all again"),
    key(A::ZoomIn, "zoom-in", &["+"], G::Panels, "larger", "this panel larger: normal, half, full"),
    key(A::ZoomOut, "zoom-out", &["_"], G::Panels, "smaller", "this panel smaller"),
    key(A::Filter, "filter", &["/"], G::Find, "filter", "keep matching rows: word, !word, key=value"),
    key(A::Palette, "palette", &[":", "Ctrl-P"], G::Find, "cmd", "palette and command line"),
    key(A::Help, "help", &["?", "F1"], G::Find, "help", "keys that work here; type to search"),
    on(&[Screen::Recipe], key(A::GoDefinition, "go-definition", &["g d"], G::Find, "definition", "the line of the file that sets the value")),
    key(A::GoNode, "go-node", &["g n"], G::Find, "nodes", "the nodes"),
    key(A::GoConstraint, "go-constraint", &["g c"], G::Find, "constraints", "the constraints of the recipe on this cluster"),
    key(A::GoLog, "go-log", &["g l"], G::Find, "log", "the log of the check"),
    key(A::FoldToggle, "fold-toggle", &["z a", "Space"], G::Look, "fold", "fold or unfold"),
    key(A::FoldAll, "fold-all", &["z M"], G::Look, "fold all", "fold everything"),
    key(A::UnfoldAll, "unfold-all", &["z R"], G::Look, "unfold all", "unfold everything"),
    key(A::Sort, "sort", &["s"], G::Look, "sort", "sort by the next column"),
    key(A::SortReverse, "sort-reverse", &["S"], G::Look, "reverse", "turn the order of rows around"),
    key(A::Wide, "wide", &["w"], G::Look, "wide", "wide columns; in text, wrap lines"),
    on(&[Screen::Recipe], key(A::Blame, "blame", &["b"], G::Look, "blame", "the column that says who set a value")),
    on(&[Screen::Recipe], key(A::KeepColumn, "keep-column", &["K"], G::Look, "keep", "keep the what-if as a column of the values; without one, drop the columns")),
    on(&[Screen::Recipe, Screen::Diff], key(A::WhatIf, "what-if", &["i"], G::Look, "what-if", "change criteria and see what would change")),
    on(&[Screen::Cluster, Screen::Recipe, Screen::Diff, Screen::Compare], key(A::CompareWith, "compare-with", &["="], G::Look, "compare", "compare with another recipe or snapshot")),
    on(&[Screen::Diff], key(A::DiffView, "diff-view", &["|"], G::Look, "view", "changes, side by side or unified text")),
    on(&[Screen::Diff], key(A::MoreContext, "more-context", &["}"], G::Look, "more", "more lines around changes")),
    on(&[Screen::Diff], key(A::LessContext, "less-context", &["{"], G::Look, "less", "fewer lines around changes")),
    on(&[Screen::Compare], key(A::Noise, "noise", &["."], G::Look, "noise", "show or hide readings that change by themselves")),
    on(&[Screen::Diff, Screen::Compare], key(A::Swap, "swap", &["X"], G::Look, "swap", "swap the sides")),
    on(&[Screen::Validate], key(A::Follow, "follow", &["f"], G::Look, "follow", "follow the log")),
    on(&[Screen::Validate], key(A::Timestamps, "timestamps", &["t"], G::Look, "times", "time before each line of the log")),
    key(A::Raw, "raw", &["Y"], G::Look, "YAML", "the document behind this screen as YAML"),
    key(A::Details, "details", &["D"], G::Look, "details", "the failure or message in full, as text"),
    on(&[Screen::Validate], key(A::Run, "run", &["r"], G::Act, "run", "run the validation; lists first what will be created")),
    on(&[Screen::Validate], key(A::Cancel, "cancel", &["x"], G::Act, "cancel", "cancel the run; asks first")),
    key(A::Refresh, "refresh", &["R", "Ctrl-R"], G::Act, "refresh", "read everything again; retry what failed")
    ,key(A::Copy, "copy", &["y", "c"], G::Act, "copy", "copy what is selected to the clipboard"),
    key(A::CopyRow, "copy-row", &["C"], G::Act, "copy row", "copy the whole row"),
    key(A::Export, "export", &["Ctrl-S"], G::Act, "export", "write this frame as SVG into the current folder"),
    key(A::Redraw, "redraw", &["Ctrl-L"], G::Program, "redraw", "draw everything again"),
    key(A::Suspend, "suspend", &["Ctrl-Z"], G::Program, "suspend", "back to the shell; `fg` returns"),
    key(A::Interrupt, "interrupt", &["Ctrl-C"], G::Program, "cancel", "cancel what runs; a second within 1 s quits"),
];

/// The binding of an action.
pub fn binding(action: Action) -> &'static Binding {
    // Each action has a row; a test walks them all.
    BINDINGS.iter().find(|binding| binding.action == action).unwrap_or(&BINDINGS[0])
}

impl Binding {
    pub fn acts_on(&self, screen: Screen) -> bool {
        match self.scope {
            Scope::Everywhere => true,
            Scope::On(screens) => screens.contains(&screen),
        }
    }

    /// The keys as sequences.
    pub fn sequences(&self) -> impl Iterator<Item = Vec<Key>> {
        // Names in the table are read by a test.
        self.keys.iter().filter_map(|keys| key::sequence(keys).ok())
    }

    /// The first key as people write it: `gd`, `Ctrl-D`, `zz`.
    pub fn shown(&self) -> String {
        self.keys.first().map_or_else(String::new, |keys| written(keys))
    }

    /// All keys: `j, Down`.
    pub fn shown_all(&self) -> String {
        self.keys.iter().map(|keys| written(keys)).collect::<Vec<_>>().join(", ")
    }
}

/// Plain letters of a sequence stand together; named keys keep their space.
fn written(keys: &str) -> String {
    if keys.contains("Ctrl-") { keys.to_owned() } else { keys.replace(' ', "") }
}

/// What typed keys lead to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Action(Action),
    /// The start of longer sequences: their next keys, in the order of the table.
    Prefix(Vec<(Key, Action)>),
    Nothing,
}

/// Looks up typed keys on a screen.
pub fn find(typed: &[Key], screen: Screen) -> Found {
    let mut longer = Vec::new();
    for binding in BINDINGS.iter().filter(|binding| binding.acts_on(screen)) {
        for sequence in binding.sequences() {
            if sequence == typed {
                return Found::Action(binding.action);
            }
            if sequence.starts_with(typed) {
                longer.push((sequence[typed.len()], binding.action));
            }
        }
    }
    if longer.is_empty() { Found::Nothing } else { Found::Prefix(longer) }
}

/// Two actions that one screen would have to choose between, keys that multiplexers eat, names that are no keys.
pub fn problems() -> Vec<String> {
    let mut problems = Vec::new();
    for (index, binding) in BINDINGS.iter().enumerate() {
        for keys in binding.keys {
            if let Err(error) = key::sequence(keys) {
                problems.push(format!("{}: {error}", binding.name));
            }
        }
        if binding.keys.iter().all(|keys| ["Ctrl-A", "Ctrl-B", "Ctrl-Space"].iter().any(|eaten| keys.contains(eaten))) {
            problems.push(format!("{}: every key is one that terminal multiplexers eat", binding.name));
        }
        for other in &BINDINGS[index + 1..] {
            if other.name == binding.name {
                problems.push(format!("{}: the name stands twice", binding.name));
            }
            let meet = Screen::ALL.iter().any(|screen| binding.acts_on(*screen) && other.acts_on(*screen));
            for (ours, theirs) in
                binding.sequences().flat_map(|ours| other.sequences().map(move |theirs| (ours.clone(), theirs)))
            {
                if meet && (ours.starts_with(&theirs) || theirs.starts_with(&ours)) {
                    let keys: Vec<String> = ours.iter().map(Key::to_string).collect();
                    problems.push(format!("{} and {}: both on `{}`", binding.name, other.name, keys.join(" ")));
                }
            }
        }
    }
    problems
}

/// The key table as Markdown, for the documentation and `aicr keys`.
pub fn markdown() -> String {
    let mut text = String::from("| keys | action | what it does | where |\n| --- | --- | --- | --- |\n");
    for group in Group::ALL {
        for binding in BINDINGS.iter().filter(|binding| binding.group == group) {
            let keys = binding
                .keys
                .iter()
                .map(|keys| format!("`{}`", written(keys).replace('|', "\\|")))
                .collect::<Vec<_>>()
                .join(" ");
            text.push_str(&format!("| {keys} | {} | {} | {} |\n", binding.name, binding.help, place(binding)));
        }
    }
    text
}

/// The key table as aligned text, by group.
pub fn plain() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        text.push_str(&format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, group.name()));
        for binding in BINDINGS.iter().filter(|binding| binding.group == group) {
            let place = place(binding);
            let place = if place == "everywhere" { String::new() } else { format!(" ({place})") };
            text.push_str(&format!("  {:<14}  {:<16}  {}{place}\n", binding.shown_all(), binding.name, binding.help));
        }
    }
    text
}

fn place(binding: &Binding) -> String {
    match binding.scope {
        Scope::Everywhere => "everywhere".to_owned(),
        Scope::On(screens) => screens.iter().map(|screen| screen.name()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        assert_eq!(problems(), Vec::<String>::new());
    }

    #[test]
    fn dangerous_keys_stay_free() {
        for binding in BINDINGS {
            assert!(!binding.keys.contains(&"Ctrl-K"), "{}", binding.name);
            assert!(binding.group != Group::Act || !binding.keys.contains(&"Ctrl-D"), "{}", binding.name);
        }
    }

    #[test]
    fn sequences_are_found_step_by_step() {
        let g = Key::char('g');
        assert!(matches!(find(&[g], Screen::Recipe), Found::Prefix(next) if next.len() >= 4));
        assert_eq!(find(&[g, Key::char('d')], Screen::Recipe), Found::Action(Action::GoDefinition));
        assert_eq!(find(&[g, Key::char('d')], Screen::Compare), Found::Nothing);
        assert_eq!(find(&[Key::char('r')], Screen::Validate), Found::Action(Action::Run));
        assert_eq!(find(&[Key::char('r')], Screen::Cluster), Found::Nothing);
    }
}
