//! What reaches the state: input, time and answers of workers.

use super::{
    effect::Effect,
    keymap::Action,
    live_checks::News,
    overlay::Files,
    preferences::{Preferences, file::Chosen},
    theme::Themes,
};
use crate::{
    bundle::compare::There,
    catalog::Catalog,
    cluster::{Contexts, watch::LiveView},
    diff::{Change, text::Patch},
    document::side::Side,
    inventory::Inventory,
    ops::{
        Failure, deploy,
        diff::{Changes, Drift},
        run::{
            Prepared,
            previous::Earlier,
            record::{Record, RecordEnd, Summary},
        },
        snapshots::Moment,
        storage::Item,
        upgrade::Report,
    },
    report::lines::Lines,
    resolve::Resolution,
    store::log::Line,
    term::{background::Background, input::Input},
    validate::event::Event,
};
use std::{path::PathBuf, sync::Arc};

/// Which recipe an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipeSlot {
    Current,
    WhatIf,
    /// A what-if that stays as a column; the generation says which.
    Kept,
    /// The other side of the Diff screen.
    Other,
}

/// Which place an opened snapshot goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotSlot {
    Cluster,
    A,
    B,
    C,
}

/// What the program has written to its log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Oldest first.
    pub lines: Vec<Line>,
    pub file: Option<PathBuf>,
}

/// What a write came to.
#[derive(Clone, Debug)]
pub enum Written {
    /// What was written, and where.
    Whole(String),
    /// The same of what is not the whole of it.
    InPart(String),
    /// Nothing, because there is such a file; the effect that would replace it.
    WouldReplace(Box<Effect>),
}

#[derive(Clone, Debug)]
pub enum Msg {
    Input(Input),
    /// An action by its name, as a key does it.
    Act(Action),
    /// A line of the palette.
    Command(String),
    /// The clock, where something shown depends on it.
    Tick,
    Connected {
        generation: u64,
        context: String,
        server: String,
    },
    ConnectFailed {
        generation: u64,
        failure: Failure,
    },
    Live {
        generation: u64,
        view: LiveView,
    },
    Contexts {
        pick: bool,
        answer: Result<Contexts, Failure>,
    },
    /// The session is on another context now; its name.
    Switched(Result<String, Failure>),
    /// A line that a credential plugin printed.
    PluginSaid(String),
    Catalog {
        generation: u64,
        answer: Result<Arc<Catalog>, Failure>,
    },
    Snapshot {
        slot: SnapshotSlot,
        generation: u64,
        name: String,
        answer: Result<Arc<Inventory>, Failure>,
    },
    Resolved {
        slot: RecipeSlot,
        generation: u64,
        answer: Result<Arc<Resolution>, Failure>,
    },
    WhatIfChanges {
        generation: u64,
        answer: Result<Arc<Vec<Change>>, Failure>,
    },
    /// A recipe for the other side of the Diff screen, and one for the left side where that was asked for.
    RecipeRead {
        generation: u64,
        left: Option<Arc<Side>>,
        answer: Result<Arc<Side>, Failure>,
    },
    RecipesCompared {
        generation: u64,
        answer: Result<Arc<Changes>, Failure>,
    },
    UpgradeChecked {
        generation: u64,
        answer: Result<Arc<Report>, Failure>,
    },
    SnapshotsCompared {
        generation: u64,
        answer: Result<Arc<Drift>, Failure>,
    },
    MomentsListed {
        generation: u64,
        answer: Result<Arc<Vec<Moment>>, Failure>,
    },
    MomentOpened {
        generation: u64,
        moment: Box<Moment>,
        answer: Result<Arc<Inventory>, Failure>,
    },
    /// What is watched was kept, or could not be.
    Kept(Result<Box<Moment>, Failure>),
    /// A run, ready to start.
    Planned {
        generation: u64,
        answer: Result<Arc<Prepared>, Failure>,
    },
    Run(Event),
    /// A bundle on disk.
    BundleRead {
        generation: u64,
        answer: Result<Arc<There>, Failure>,
    },
    /// What comes of the checks that only read.
    Evaluated {
        generation: u64,
        news: News,
    },
    /// A deploy, ready to be shown and confirmed.
    DeployPlanned {
        generation: u64,
        answer: Result<Arc<deploy::Prepared>, Failure>,
    },
    RunsListed {
        generation: u64,
        answer: Result<Arc<Vec<Summary>>, Failure>,
    },
    RunOpened {
        generation: u64,
        compare: bool,
        answer: Result<Arc<Record>, Failure>,
    },
    RunsCompared {
        generation: u64,
        answer: Result<Arc<[Record; 2]>, Failure>,
    },
    /// The runs that have Jobs in a namespace of the cluster, the newest first.
    RunsFound {
        generation: u64,
        namespace: String,
        is_asked_for: bool,
        answer: Result<Vec<String>, Failure>,
    },
    /// An event of a run that another program records.
    Followed {
        generation: u64,
        event: Box<Event>,
    },
    /// What was followed has ended.
    FollowEnded {
        generation: u64,
        answer: Result<RecordEnd, Failure>,
    },
    RunEnded {
        run_id: String,
        answer: Result<(), Failure>,
    },
    /// The output of a check around one of its lines.
    OlderRead {
        generation: u64,
        run: String,
        check: String,
        number: usize,
        answer: Result<Arc<Lines>, Failure>,
    },
    /// The whole output of a check.
    OutputRead {
        generation: u64,
        run: String,
        check: String,
        answer: Result<Arc<Lines>, Failure>,
    },
    /// What containers of a check wrote before they were restarted.
    PreviousRead {
        generation: u64,
        check: String,
        answer: Result<Vec<Earlier>, Failure>,
    },
    /// A text was given to a program of the system; `None` where none has taken it.
    Copied {
        text: String,
        by: Option<&'static str>,
    },
    /// What was changed in a private copy, by its name; `None` where nothing was.
    Edited {
        name: String,
        answer: Result<Option<Patch>, Failure>,
    },
    /// What came of a write, by its number.
    Written {
        write: u64,
        answer: Result<Written, Failure>,
    },
    /// What only helps to type or to read could not be read.
    Failed(Failure),
    /// The record of a run or a deploy could not be written. The run goes on, and nobody has asked.
    NotRecorded(Failure),
    /// What a folder holds.
    Files(Files),
    /// The newest lines of the program's log, and the file that has all of them.
    Log(Log),
    /// What this program keeps.
    Storage(Vec<Item>),
    /// The preferences were read again: what counts now, the themes that there are, and what has changed.
    Preferences {
        chosen: Box<Chosen>,
        /// The same with who set each.
        preferences: Box<Preferences>,
        themes: Themes,
        changed: Vec<&'static str>,
    },
    /// The preferences were read again and stay as they are, because of this.
    PreferencesRefused(Vec<String>),
    /// What the terminal says of its background.
    Background(Background),
    Suspend,
    /// The process was told to end.
    Terminate,
}

impl Msg {
    /// A person asked for something.
    pub fn is_of_a_person(&self) -> bool {
        matches!(self, Msg::Input(_) | Msg::Act(_) | Msg::Command(_))
    }
}
