//! Actions, their names and their keys: one table from which help, hints, popups, palette, `aicr keys`, the documentation
//! and every sentence that names a key are made.
//!
//! [`BINDINGS`] is the table; a [`Keymap`] is the table with the keys that are bound now.

use super::Screen;
use crate::term::key::{self, Code, Key, UnknownKey};

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
    PanelWider,
    PanelNarrower,
    PanelTaller,
    PanelShorter,
    PanelsAsBefore,
    ScreenCluster,
    ScreenRecipe,
    ScreenDiff,
    ScreenValidate,
    ScreenCompare,
    PreviousView,
    HistoryBack,
    Help,
    Palette,
    Filter,
    NextFound,
    PreviousFound,
    NextThing,
    PreviousThing,
    MarkRow,
    MarkRange,
    MarkDown,
    MarkUp,
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
    Pager,
    Details,
    GoDefinition,
    GoNode,
    GoComponents,
    GoConstraint,
    GoLog,
    GoUpgrade,
    GoBundle,
    GoDeploy,
    GoHealth,
    Blame,
    KeepColumn,
    Adopt,
    WhatIf,
    CompareWith,
    DiffView,
    MoreContext,
    LessContext,
    Noise,
    TimeBar,
    Swap,
    Evaluate,
    Run,
    RunFailed,
    Pause,
    StepOn,
    StepBack,
    GoRuns,
    Cancel,
    Follow,
    Newest,
    Mark,
    NextMark,
    Merge,
    LogOptions,
    Timestamps,
    Refresh,
    Export,
    Redraw,
    Suspend,
    Interrupt,
    PopupPage,
    Editor,
    NextMatch,
    PreviousMatch,
    Complete,
    FieldStart,
    FieldEnd,
    FieldLeft,
    FieldRight,
    Erase,
    EraseWord,
    EraseAll,
    Recall,
    AnswerNo,
    NextAnswer,
    PreviousAnswer,
    CancelOperation,
}

/// What lies over a screen and takes the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Popup {
    /// Rows without a field: messages, texts.
    List,
    /// A field, with or without rows below it; characters are typed.
    Field,
    Question,
}

impl Popup {
    pub fn name(self) -> &'static str {
        match self {
            Popup::List => "lists",
            Popup::Field => "fields",
            Popup::Question => "questions",
        }
    }
}

/// What takes the keys now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Screen(Screen),
    Popup(Popup),
}

/// Where a key means its action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On every screen.
    Everywhere,
    On(&'static [Screen]),
    /// On every screen, and in popups that give the key no other meaning.
    Always,
    In(&'static [Popup]),
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
    Popups,
}

impl Group {
    pub const ALL: [Group; 7] =
        [Group::Move, Group::Panels, Group::Find, Group::Look, Group::Act, Group::Program, Group::Popups];

    pub fn name(self) -> &'static str {
        match self {
            Group::Move => "move",
            Group::Panels => "panels",
            Group::Find => "find",
            Group::Look => "look",
            Group::Act => "act",
            Group::Program => "program",
            Group::Popups => "popups and fields",
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

const fn always(binding: Binding) -> Binding {
    Binding { scope: Scope::Always, ..binding }
}

const fn popup(
    popups: &'static [Popup],
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { action, name, keys, scope: Scope::In(popups), group: Group::Popups, hint, help }
}

use Action as A;
use Group as G;
use Popup::{Field, List, Question};

/// Every action, in the order of the help.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    always(key(A::MoveDown, "move-down", &["j", "Down"], G::Move, "move", "one row down")),
    always(key(A::MoveUp, "move-up", &["k", "Up"], G::Move, "move", "one row up")),
    always(key(A::First, "first", &["g g", "Home"], G::Move, "first", "first row")),
    always(key(A::Last, "last", &["G", "End"], G::Move, "last", "last row; in a log also follow")),
    always(key(A::HalfDown, "half-down", &["Ctrl-D"], G::Move, "half page", "half a page down")),
    always(key(A::HalfUp, "half-up", &["Ctrl-U"], G::Move, "half page", "half a page up")),
    always(key(A::PageDown, "page-down", &["PgDn", "Ctrl-F"], G::Move, "page", "a page down")),
    always(key(A::PageUp, "page-up", &["PgUp", "Ctrl-B"], G::Move, "page", "a page up")),
    always(key(A::Left, "left", &["h", "Left"], G::Move, "fold", "fold, or scroll to the left")),
    always(key(A::Right, "right", &["l", "Right"], G::Move, "unfold", "unfold, or scroll to the right")),
    key(A::NextThing, "next-thing", &["]"], G::Move, "next", "next thing that matters: change, failure, warning"),
    key(A::PreviousThing, "previous-thing", &["["], G::Move, "previous", "previous thing that matters"),
    always(key(A::Enter, "enter", &["Enter"], G::Panels, "in", "go into what is selected")),
    always(key(A::Back, "back", &["Esc"], G::Panels, "back", "close the popup, else undo filter, marks, zoom, choice; then the main panel; never quits")),
    always(key(A::Close, "close", &["q"], G::Panels, "close", "close what is open, or go back to the main panel; there, quit")),
    key(A::NextPanel, "next-panel", &["Tab"], G::Panels, "panel", "next panel"),
    key(A::PreviousPanel, "previous-panel", &["Shift-Tab"], G::Panels, "panel", "previous panel"),
    key(A::PanelLeft, "panel-left", &["Ctrl-W h"], G::Panels, "left", "panel to the left"),
    key(A::PanelDown, "panel-down", &["Ctrl-W j"], G::Panels, "below", "panel below"),
    key(A::PanelUp, "panel-up", &["Ctrl-W k"], G::Panels, "above", "panel above"),
    key(A::PanelRight, "panel-right", &["Ctrl-W l"], G::Panels, "right", "panel to the right"),
    key(A::PanelWider, "panel-wider", &["Ctrl-W >"], G::Panels, "wider", "this panel wider: its border moves, as by dragging it with the mouse"),
    key(A::PanelNarrower, "panel-narrower", &["Ctrl-W <"], G::Panels, "narrower", "this panel narrower"),
    key(A::PanelTaller, "panel-taller", &["Ctrl-W +"], G::Panels, "taller", "this panel taller"),
    key(A::PanelShorter, "panel-shorter", &["Ctrl-W -"], G::Panels, "shorter", "this panel shorter"),
    key(A::PanelsAsBefore, "panels-as-before", &["Ctrl-W ="], G::Panels, "as before", "all borders of this screen where they were at first"),
    key(A::ScreenCluster, "screen-cluster", &["1"], G::Panels, "cluster", "Cluster: nodes, components, constraints"),
    key(A::ScreenRecipe, "screen-recipe", &["2"], G::Panels, "recipe", "Recipe: overlays, values and who set them"),
    key(A::ScreenDiff, "screen-diff", &["3"], G::Panels, "diff", "Diff: two recipes"),
    key(A::ScreenValidate, "screen-validate", &["4"], G::Panels, "validate", "Validate: phases, checks, logs"),
    key(A::ScreenCompare, "screen-compare", &["5"], G::Panels, "compare", "Compare: two or three snapshots"),
    key(A::PreviousView, "previous-view", &["-"], G::Panels, "last view", "the screen that was here before"),
    key(A::HistoryBack, "history-back", &["Backspace"], G::Panels, "view before", "the view that was on this screen before; the command `forward` returns"),
    key(A::ZoomFull, "zoom-full", &["z z"], G::Panels, "zoom", "this panel alone, or all again"),
    key(A::ZoomIn, "zoom-in", &["+"], G::Panels, "larger", "this panel larger: normal, half, full"),
    key(A::ZoomOut, "zoom-out", &["_"], G::Panels, "smaller", "this panel smaller"),
    always(key(A::Filter, "filter", &["/"], G::Find, "filter", "keep rows that match: word, !word, a|b, column>=5, ~fuzzy, re:expr")),
    always(key(A::NextFound, "next-found", &["n"], G::Find, "next match", "next row that matches the filter, or the last one")),
    always(key(A::PreviousFound, "previous-found", &["N"], G::Find, "match before", "previous row that matches")),
    key(A::Palette, "palette", &[":", "Ctrl-P"], G::Find, "cmd", "palette and command line"),
    key(A::Help, "help", &["?", "F1"], G::Find, "help", "keys that work here; type to search"),
    on(&[Screen::Recipe, Screen::Diff], key(A::GoDefinition, "go-definition", &["g d"], G::Find, "definition", "the line of the file that sets the value")),
    key(A::GoNode, "go-node", &["g n"], G::Find, "nodes", "the nodes"),
    key(A::GoComponents, "go-components", &["g p"], G::Find, "components", "what the cluster runs and what the recipe wants"),
    key(A::GoConstraint, "go-constraint", &["g c"], G::Find, "constraints", "the constraints of the recipe on this cluster"),
    key(A::GoLog, "go-log", &["g l"], G::Find, "log", "the log of the check"),
    key(A::GoRuns, "go-runs", &["g r"], G::Find, "runs", "the recorded runs of this machine"),
    key(A::GoUpgrade, "go-upgrade", &["g u"], G::Find, "upgrades", "what the cluster has installed, and whether it can be upgraded to the recipe"),
    key(A::GoBundle, "go-bundle", &["g b"], G::Find, "bundle", "what the recipe becomes for Helm, file by file"),
    key(A::GoDeploy, "go-deploy", &["g i"], G::Find, "deploy", "a bundle that is installed: plan, progress, what each release waits for"),
    key(A::GoHealth, "go-health", &["g h"], G::Find, "health", "the checks that only read, as they are evaluated from here"),
    key(A::MarkRow, "mark-row", &["Space"], G::Find, "mark", "mark the row, or take its mark away; fold or unfold where there is something to fold"),
    key(A::MarkRange, "mark-range", &["v"], G::Find, "range", "begin a range of marked rows, or end it here"),
    key(A::MarkDown, "mark-down", &["Shift-Down"], G::Find, "mark", "mark the row and the one below it"),
    key(A::MarkUp, "mark-up", &["Shift-Up"], G::Find, "mark", "mark the row and the one above it"),
    key(A::FoldToggle, "fold-toggle", &["z a"], G::Look, "fold", "fold or unfold"),
    key(A::FoldAll, "fold-all", &["z M"], G::Look, "fold all", "fold everything"),
    key(A::UnfoldAll, "unfold-all", &["z R"], G::Look, "unfold all", "unfold everything"),
    key(A::Sort, "sort", &["s"], G::Look, "sort", "sort by the next column"),
    key(A::SortReverse, "sort-reverse", &["S"], G::Look, "reverse", "turn the order of rows around"),
    always(key(A::Wide, "wide", &["w"], G::Look, "wide", "wide columns; in text, wrap lines")),
    on(&[Screen::Recipe], key(A::Blame, "blame", &["b"], G::Look, "blame", "the column that says who set a value")),
    on(&[Screen::Recipe], key(A::KeepColumn, "keep-column", &["K"], G::Look, "keep", "keep the what-if as a column of the values; without one, drop the columns")),
    on(&[Screen::Recipe], key(A::Adopt, "adopt", &["a"], G::Look, "adopt", "make the criteria of what-if those of the recipe")),
    on(&[Screen::Recipe, Screen::Diff], key(A::WhatIf, "what-if", &["i"], G::Look, "what-if", "change criteria and see what would change")),
    key(A::CompareWith, "compare-with", &["="], G::Look, "compare", "compare with another recipe, snapshot or run; two marked nodes, shapes, runs or kept snapshots with each other"),
    on(&[Screen::Diff, Screen::Compare], key(A::DiffView, "diff-view", &["|"], G::Look, "view", "side by side or unified text, by component; snapshots by reading, identity or shape")),
    on(&[Screen::Diff, Screen::Compare, Screen::Validate], key(A::MoreContext, "more-context", &["}"], G::Look, "more", "more lines around changes; in a log, around matches")),
    on(&[Screen::Diff, Screen::Compare, Screen::Validate], key(A::LessContext, "less-context", &["{"], G::Look, "less", "fewer lines around changes")),
    on(&[Screen::Diff, Screen::Compare], key(A::Noise, "noise", &["."], G::Look, "noise", "show or hide readings that change by themselves")),
    key(A::TimeBar, "time-bar", &["T"], G::Look, "time", "kept snapshots of this cluster, one of which every screen then shows; on Cluster [ and ] go to where the selected thing changed"),
    on(&[Screen::Diff, Screen::Compare], key(A::Swap, "swap", &["X"], G::Look, "swap", "swap the sides")),
    on(&[Screen::Validate], key(A::Follow, "follow", &["f"], G::Look, "follow", "follow the log")),
    on(&[Screen::Validate], key(A::Newest, "newest", &["0"], G::Look, "newest", "the newest line of the log, and follow it")),
    on(&[Screen::Validate], key(A::Mark, "mark", &["m"], G::Look, "mark", "mark the line of the log, with a label if you type one, or take its mark away")),
    on(&[Screen::Validate], key(A::NextMark, "next-mark", &["'"], G::Look, "next mark", "the next marked line of the log")),
    on(&[Screen::Validate], key(A::LogOptions, "log-options", &["O"], G::Look, "options", "what the log shows: since when, levels, sources, lines around, several checks, times, restarted containers")),
    on(&[Screen::Validate], key(A::Merge, "merge-logs", &["M"], G::Look, "several", "one log of several checks by time: the marked ones or those of the phase, then the whole run, then one check again")),
    on(&[Screen::Validate], key(A::Timestamps, "timestamps", &["t"], G::Look, "times", "what is before each line of the log: time, date, time since the phase began, since the line before, nothing")),
    key(A::Raw, "raw", &["Y"], G::Look, "YAML", "the document behind this screen as YAML"),
    always(key(A::Pager, "pager", &["o"], G::Look, "pager", "the text shown, or the document behind this screen, in $PAGER")),
    key(A::Details, "details", &["D"], G::Look, "details", "the failure or message in full, as text"),
    on(&[Screen::Cluster], key(A::Evaluate, "evaluate", &["e"], G::Act, "evaluate", "evaluate the checks that only read, from here and with your rights, now and every few minutes; nothing is created")),
    on(&[Screen::Validate], key(A::Run, "run", &["r"], G::Act, "run", "run the selected check or phase, or all; lists first what will be created")),
    on(&[Screen::Validate], key(A::RunFailed, "run-failed", &["F"], G::Act, "failed", "run what failed or gave no verdict")),
    key(A::Pause, "pause", &["p"], G::Act, "pause", "start no further check, or go on; a recorded run plays or pauses; elsewhere, pause the view of the cluster, or follow it again"),
    key(A::StepOn, "step-on", &[">"], G::Act, "step", "the next kept snapshot of this cluster, in a comparison as C; the next event of a recorded run"),
    key(A::StepBack, "step-back", &["<"], G::Act, "back", "the kept snapshot before, in a comparison as C; the event before, in a recorded run"),
    on(&[Screen::Validate], key(A::Cancel, "cancel", &["x"], G::Act, "cancel", "cancel the selected check, or the whole run; end following one of somebody else; asks first")),
    key(A::Refresh, "refresh", &["R", "Ctrl-R"], G::Act, "refresh", "read everything again; retry what failed"),
    always(key(A::Copy, "copy", &["y", "c"], G::Act, "copy", "copy what is selected to the clipboard")),
    key(A::CopyRow, "copy-row", &["C"], G::Act, "copy row", "copy the whole row"),
    key(A::Export, "export", &["Ctrl-S"], G::Act, "export", "write this frame as SVG into the current folder; the command `export` has other forms"),
    key(A::Redraw, "redraw", &["Ctrl-L"], G::Program, "redraw", "draw everything again"),
    key(A::Suspend, "suspend", &["Ctrl-Z"], G::Program, "suspend", "back to the shell; `fg` returns"),
    always(key(A::Interrupt, "interrupt", &["Ctrl-C"], G::Program, "cancel", "cancel what runs; a second within 1 s quits")),
    popup(&[List], A::PopupPage, "popup-page", &["Space"], "page", "a page down"),
    popup(&[List], A::Editor, "editor", &["e"], "edit", "in a text, a private copy of it in $EDITOR; changes come back as a patch, and nothing is applied"),
    popup(&[List], A::CancelOperation, "cancel-operation", &["x"], "cancel", "in the list of operations, cancel what is selected"),
    popup(&[Question], A::NextAnswer, "next-answer", &["Tab", "Right", "l"], "choose", "the next answer"),
    popup(&[Question], A::PreviousAnswer, "previous-answer", &["Shift-Tab", "Left", "h"], "choose", "the answer before"),
    popup(&[Question], A::AnswerNo, "answer-no", &["n"], "no", "answer no, whatever is chosen"),
    popup(&[List, Field], A::NextMatch, "next-match", &["Ctrl-N"], "next", "one row down, also while a text is typed"),
    popup(&[List, Field], A::PreviousMatch, "previous-match", &["Ctrl-P"], "previous", "one row up, also while a text is typed"),
    popup(&[Field], A::Complete, "complete", &["Tab"], "complete", "take the selected row into the field"),
    popup(&[Field], A::FieldStart, "field-start", &["Home", "Ctrl-A"], "start", "to the start of the text"),
    popup(&[Field], A::FieldEnd, "field-end", &["End", "Ctrl-E"], "end", "to the end of the text"),
    popup(&[Field], A::FieldLeft, "field-left", &["Left"], "left", "one character to the left"),
    popup(&[Field], A::FieldRight, "field-right", &["Right"], "right", "one character to the right"),
    popup(&[Field], A::Erase, "erase", &["Backspace"], "erase", "erase the character before the cursor"),
    popup(&[Field], A::EraseWord, "erase-word", &["Ctrl-W"], "erase word", "erase the word before the cursor"),
    popup(&[Field], A::EraseAll, "erase-all", &["Ctrl-U"], "erase all", "erase the text"),
    popup(&[Field], A::Recall, "recall", &["Ctrl-R"], "old ones", "in the field of a filter, find one that was kept or saved by some of its letters; in the palette, a command"),
];

/// The binding of an action.
pub fn binding(action: Action) -> &'static Binding {
    // Each action has a row; a test walks them all.
    BINDINGS.iter().find(|binding| binding.action == action).unwrap_or(&BINDINGS[0])
}

/// The binding of an action by its name.
pub fn named(name: &str) -> Option<&'static Binding> {
    BINDINGS.iter().find(|binding| binding.name == name)
}

impl Action {
    /// Whether it begins what would change the cluster.
    pub fn changes_cluster(self) -> bool {
        matches!(self, Action::Run | Action::RunFailed)
    }
}

impl Binding {
    pub fn acts_in(&self, context: Context) -> bool {
        match (self.scope, context) {
            (Scope::Everywhere | Scope::Always, Context::Screen(_)) | (Scope::Always, Context::Popup(_)) => true,
            (Scope::On(screens), Context::Screen(screen)) => screens.contains(&screen),
            (Scope::In(popups), Context::Popup(popup)) => popups.contains(&popup),
            _ => false,
        }
    }

    pub fn acts_on(&self, screen: Screen) -> bool {
        self.acts_in(Context::Screen(screen))
    }
}

/// Plain letters of a sequence are written together; named keys keep their space.
fn written(sequence: &[Key]) -> String {
    let names: Vec<String> = sequence.iter().map(Key::to_string).collect();
    names.join(if sequence.iter().any(|key| key.ctrl || key.alt) { " " } else { "" })
}

/// What typed keys lead to.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    Action(Action),
    /// The start of longer sequences: their next keys, in the order of the table.
    Prefix(Vec<(Key, Action)>),
    Nothing,
}

/// The table with the keys that are bound now.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    /// Sequences of each row of [`BINDINGS`]; the first is the one that sentences name.
    sequences: Vec<Vec<Vec<Key>>>,
    /// Actions that a person bound; their keys are not taken by what is bound later.
    claimed: Vec<Action>,
    /// What help says about keys that two actions asked for.
    conflicts: Vec<String>,
    /// Names are typed instead of keys.
    is_by_name: bool,
}

/// What became of keys that an action claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Keys that others had, with whose they were.
    pub lost: Vec<(String, Action)>,
    /// Keys that others have claimed before, with whose they stay.
    pub refused: Vec<(String, Action)>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        // Names in the table are read by a test.
        let sequences = |binding: &Binding| binding.keys.iter().filter_map(|keys| key::sequence(keys).ok()).collect();
        let sequences = BINDINGS.iter().map(sequences).collect();
        Keymap { sequences, claimed: Vec::new(), conflicts: Vec::new(), is_by_name: false }
    }
}

impl Keymap {
    /// Binds an action to other keys, instead of those that it has.
    ///
    /// # Errors
    /// The name of a key is unknown.
    pub fn rebind(&mut self, action: Action, keys: &[&str]) -> Result<(), UnknownKey> {
        let sequences = keys.iter().map(|keys| key::sequence(keys)).collect::<Result<_, _>>()?;
        if let Some(place) = BINDINGS.iter().position(|binding| binding.action == action) {
            self.sequences[place] = sequences;
        }
        Ok(())
    }

    /// Binds an action to the keys that a person chose, and takes them from whoever had them where both act. Keys that
    /// were claimed before stay where they are.
    ///
    /// # Errors
    /// The name of a key is unknown; nothing has changed then.
    pub fn claim(&mut self, action: Action, keys: &[&str]) -> Result<Bound, UnknownKey> {
        let sequences: Vec<Vec<Key>> = keys.iter().map(|keys| key::sequence(keys)).collect::<Result<_, _>>()?;
        let mut bound = Bound::default();
        let mut kept = Vec::new();
        for sequence in sequences {
            let clashes = |theirs: &[Key]| sequence.starts_with(theirs) || theirs.starts_with(&sequence[..]);
            let others: Vec<Action> = self
                .rows()
                .filter(|(other, _)| other.action != action && meet(binding(action), other))
                .filter(|(_, theirs)| theirs.iter().any(|theirs| clashes(theirs)))
                .map(|(other, _)| other.action)
                .collect();
            let first = others.iter().find(|other| self.claimed.contains(other) || **other == Action::Interrupt);
            if let Some(other) = first {
                bound.refused.push((written(&sequence), *other));
                continue;
            }
            for other in others {
                if let Some(place) = BINDINGS.iter().position(|binding| binding.action == other) {
                    self.sequences[place].retain(|theirs| !clashes(theirs));
                    bound.lost.push((written(&sequence), other));
                }
            }
            kept.push(sequence);
        }
        if let Some(place) = BINDINGS.iter().position(|binding| binding.action == action) {
            self.sequences[place] = kept;
            self.claimed.push(action);
        }
        Ok(bound)
    }

    /// Without keys, for who types the names of actions: sentences then say these. What interrupts stays.
    #[must_use]
    pub fn by_name(mut self) -> Keymap {
        self.is_by_name = true;
        for (binding, sequences) in BINDINGS.iter().zip(&mut self.sequences) {
            if binding.action != Action::Interrupt {
                sequences.clear();
            }
        }
        self
    }

    /// The same actions with keys of another choice, for who types their names still without any.
    #[must_use]
    pub fn chosen_again(&self, chosen: Keymap) -> Keymap {
        if self.is_by_name { chosen.by_name() } else { chosen }
    }

    /// What could not be bound as asked, for the help.
    pub fn conflicts(&self) -> &[String] {
        &self.conflicts
    }

    pub fn set_conflicts(&mut self, conflicts: Vec<String>) {
        self.conflicts = conflicts;
    }

    /// Rows of the table with their sequences.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Binding, &[Vec<Key>])> {
        BINDINGS.iter().zip(self.sequences.iter().map(Vec::as_slice))
    }

    fn of(&self, action: Action) -> &[Vec<Key>] {
        self.rows().find(|(binding, _)| binding.action == action).map_or(&[], |(_, sequences)| sequences)
    }

    /// The key of an action as sentences write it: `gd`, `Ctrl-D`, `zz`; the name where no key is bound.
    pub fn key(&self, action: Action) -> String {
        self.of(action).first().map_or_else(|| format!("`{}`", binding(action).name), |keys| written(keys))
    }

    /// A command of the palette as sentences write it: `` `:diff FILE` ``; the line alone where no key opens the palette.
    pub fn command(&self, line: &str) -> String {
        let key = self.of(Action::Palette).first().map_or_else(String::new, |keys| written(keys));
        format!("`{key}{line}`")
    }

    /// All keys of an action: `j, Down`.
    pub fn keys(&self, action: Action) -> String {
        self.texts(action).join(", ")
    }

    /// All keys of an action, one by one.
    pub fn texts(&self, action: Action) -> Vec<String> {
        self.of(action).iter().map(|keys| written(keys)).collect()
    }

    /// Whether a key alone means an action.
    pub fn is(&self, key: Key, action: Action) -> bool {
        self.of(action).iter().any(|sequence| sequence[..] == [key])
    }

    /// Keys as a person writes them: with spaces between, or a bound sequence as sentences write it (`gd`, `zz`).
    ///
    /// # Errors
    /// The name of a key is unknown.
    pub fn read(&self, text: &str) -> Result<Vec<Key>, UnknownKey> {
        let mut keys = Vec::new();
        for word in text.split_whitespace() {
            match word.parse::<Key>() {
                Ok(key) => keys.push(key),
                Err(unknown) => {
                    let mut bound = self.sequences.iter().flatten();
                    keys.extend_from_slice(bound.find(|sequence| written(sequence) == word).ok_or(unknown)?);
                }
            }
        }
        Ok(keys)
    }

    /// Looks up typed keys. What a popup says about a key of its own comes before what the key means always; in a field,
    /// characters are text.
    pub fn find(&self, typed: &[Key], context: Context) -> Found {
        let own = |binding: &Binding| matches!(binding.scope, Scope::In(_));
        let found = match context {
            Context::Popup(_) => self.look_up(typed, context, &own),
            Context::Screen(_) => Found::Nothing,
        };
        match (found, context) {
            (Found::Nothing, Context::Popup(Popup::Field)) if typed.first().is_some_and(is_text) => Found::Nothing,
            (Found::Nothing, _) => self.look_up(typed, context, &|binding| !own(binding)),
            (found, _) => found,
        }
    }

    fn look_up(&self, typed: &[Key], context: Context, among: &dyn Fn(&Binding) -> bool) -> Found {
        let mut longer = Vec::new();
        for (binding, sequences) in self.rows().filter(|(binding, _)| among(binding) && binding.acts_in(context)) {
            for sequence in sequences {
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

    /// The action of whole keys on any screen.
    pub fn anywhere(&self, typed: &[Key]) -> Option<&'static Binding> {
        self.rows().find(|(_, sequences)| sequences.iter().any(|keys| keys == typed)).map(|(binding, _)| binding)
    }

    /// Two actions that one screen or popup would have to choose between, keys that multiplexers take, actions without a key;
    /// those that a person left without one are as they were meant.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let taken = [Key::ctrl('a'), Key::ctrl('b'), Key { ctrl: true, ..Key::char(' ') }];
        for (index, (binding, sequences)) in self.rows().enumerate() {
            if sequences.is_empty() {
                if !self.claimed.contains(&binding.action) {
                    problems.push(unreachable(binding));
                }
            } else if sequences.iter().all(|keys| keys.iter().any(|key| taken.contains(key))) {
                problems.push(format!("{}: every key is one that terminal multiplexers take", binding.name));
            }
            for (other, theirs) in self.rows().skip(index + 1) {
                if other.name == binding.name {
                    problems.push(format!("{}: duplicate name", binding.name));
                }
                for (ours, theirs) in sequences.iter().flat_map(|ours| theirs.iter().map(move |theirs| (ours, theirs)))
                {
                    if meet(binding, other) && (ours.starts_with(theirs) || theirs.starts_with(ours)) {
                        problems.push(format!("{} and {}: both on `{}`", binding.name, other.name, written(ours)));
                    }
                }
            }
        }
        problems
    }
}

/// What is said of an action that no key does.
pub fn unreachable(binding: &Binding) -> String {
    format!("{}: unreachable: no key", binding.name)
}

/// A key that a field takes as text.
pub fn is_text(key: &Key) -> bool {
    matches!(key.code, Code::Char(_)) && !key.ctrl && !key.alt
}

/// Both act in one context, and neither comes before the other there.
fn meet(one: &Binding, other: &Binding) -> bool {
    let own = |binding: &Binding| matches!(binding.scope, Scope::In(_));
    let contexts = Screen::ALL
        .map(Context::Screen)
        .into_iter()
        .chain([Popup::List, Popup::Field, Popup::Question].map(Context::Popup));
    own(one) == own(other) && contexts.into_iter().any(|context| one.acts_in(context) && other.acts_in(context))
}

impl Keymap {
    /// The key table as Markdown, for the documentation and `aicr keys`.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| keys | action | what it does | where |\n| --- | --- | --- | --- |\n");
        for group in Group::ALL {
            for (binding, sequences) in self.rows().filter(|(binding, _)| binding.group == group) {
                let keys = sequences
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
    pub fn plain(&self) -> String {
        let mut text = String::new();
        for group in Group::ALL {
            text.push_str(&format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, group.name()));
            for (binding, _) in self.rows().filter(|(binding, _)| binding.group == group) {
                let place = match binding.scope {
                    Scope::Everywhere => String::new(),
                    _ => format!(" ({})", place(binding)),
                };
                let keys = self.keys(binding.action);
                text.push_str(&format!("  {keys:<14}  {:<16}  {}{place}\n", binding.name, binding.help));
            }
        }
        text
    }
}

/// Where an action does something, in words.
pub fn place(binding: &Binding) -> String {
    match binding.scope {
        Scope::Everywhere => "everywhere".to_owned(),
        Scope::On(screens) => screens.iter().map(|screen| screen.name()).collect::<Vec<_>>().join(", "),
        Scope::Always => "everywhere and in popups".to_owned(),
        Scope::In(popups) => popups.iter().map(|popup| popup.name()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_named_and_as_they_are_written() {
        let keys = Keymap::default();
        let spaced = |text| key::sequence(text).unwrap();
        for (text, same) in [("gd", "g d"), ("g d", "g d"), ("1 zz  Ctrl-W h", "1 z z Ctrl-W h"), ("zM G", "z M G")] {
            assert_eq!(keys.read(text).unwrap(), spaced(same), "{text}");
        }
        // What no action has is a typing error, not two keys.
        for text in ["gq", "gdd", "jj", "Entr"] {
            assert!(keys.read(text).is_err(), "{text}");
        }
        let mut keys = keys;
        keys.rebind(Action::GoDefinition, &["g x"]).unwrap();
        assert!(keys.read("gx").is_ok() && keys.read("gd").is_err());
    }

    #[test]
    fn no_key_means_two_things() {
        assert_eq!(Keymap::default().problems(), Vec::<String>::new());
    }

    #[test]
    fn every_key_name_of_the_table_is_read() {
        for (binding, sequences) in Keymap::default().rows() {
            assert!(!binding.keys.is_empty() && sequences.len() == binding.keys.len(), "{}", binding.name);
        }
    }

    #[test]
    fn one_key_for_two_actions_is_a_problem_only_where_both_act() {
        let mut keys = Keymap::default();
        keys.rebind(Action::Run, &["i"]).unwrap();
        assert_eq!(keys.problems(), Vec::<String>::new(), "what-if is not on Validate");
        keys.rebind(Action::Run, &["t"]).unwrap();
        assert_eq!(keys.problems(), ["timestamps and run: both on `t`"]);
        keys.rebind(Action::AnswerNo, &["Tab"]).unwrap();
        assert_eq!(keys.problems().len(), 2);
        keys.rebind(Action::Swap, &["Ctrl-A"]).unwrap();
        assert!(keys.problems().iter().any(|problem| problem.starts_with("swap: every key")));
    }

    #[test]
    fn dangerous_keys_stay_free() {
        for binding in BINDINGS {
            assert!(!binding.keys.contains(&"Ctrl-K"), "{}", binding.name);
            assert!(binding.group != Group::Act || !binding.keys.contains(&"Ctrl-D"), "{}", binding.name);
        }
    }

    #[track_caller]
    fn check(typed: &str, context: Context, expected: Found) {
        assert_eq!(Keymap::default().find(&key::sequence(typed).unwrap(), context), expected, "{typed}");
    }

    #[test]
    fn sequences_are_found_step_by_step() {
        let on = Context::Screen;
        let next = Keymap::default().find(&[Key::char('g')], on(Screen::Recipe));
        assert!(matches!(next, Found::Prefix(next) if next.len() >= 4));
        check("g d", on(Screen::Recipe), Found::Action(Action::GoDefinition));
        check("g d", on(Screen::Compare), Found::Nothing);
        check("r", on(Screen::Validate), Found::Action(Action::Run));
        check("r", on(Screen::Cluster), Found::Nothing);
    }

    #[test]
    fn a_popup_gives_keys_a_meaning_of_its_own_and_a_field_takes_characters() {
        let over = Context::Popup;
        check("n", over(Popup::Question), Found::Action(Action::AnswerNo));
        // Copying a plan must not start it.
        check("y", over(Popup::Question), Found::Action(Action::Copy));
        check("y", over(Popup::List), Found::Action(Action::Copy));
        check("y", over(Popup::Field), Found::Nothing);
        check("Ctrl-U", over(Popup::Field), Found::Action(Action::EraseAll));
        check("Ctrl-U", over(Popup::List), Found::Action(Action::HalfUp));
        check("Down", over(Popup::Field), Found::Action(Action::MoveDown));
        check("/", over(Popup::List), Found::Action(Action::Filter));
        check("/", over(Popup::Field), Found::Nothing);
        check("n", over(Popup::Question), Found::Action(Action::AnswerNo));
    }
}
