//! The terminal workbench: five screens over one state.
//!
//! `app` is the one function: messages in, effects out, over `model` (what is known) and `desk` (how it is looked at).
//! `driver` runs effects and feeds results back. `panes` turn the model into rows, `layout` places them, `view` paints the
//! frame; all three only read. `keymap` and `theme` are the tables that people see.

pub mod app;
mod arguments;
mod comparison;
mod contrast;
pub mod deploy;
pub mod desk;
mod diff_view;
pub mod driver;
pub mod effect;
pub mod elsewhere;
mod excerpt;
pub mod export;
pub mod health;
pub mod keymap;
pub mod layout;
pub mod linear;
pub mod live_checks;
pub mod log_options;
pub mod merge;
mod messages;
pub mod model;
pub mod msg;
mod news;
pub mod older;
pub mod operations;
pub mod overlay;
pub mod painted;
mod palette;
pub mod panes;
pub mod pod_view;
pub mod preferences;
pub mod question;
pub mod recall;
pub mod recording;
pub mod screenshot;
pub mod script;
pub mod session;
mod sizes;
pub mod slot;
pub mod theme;
mod time_line;
pub mod times;
pub mod view;
mod waiting;
pub mod widgets;
mod wording;

use crate::{
    criteria::Criteria,
    ops::{self, Failure, Kind, config::Applied, connect::Target},
    store::catalog_dir::Sources,
    term::{clipboard, color::Level, link::Links},
};
use keymap::Keymap;
use preferences::Preferences;
use session::Session;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Notify;

/// The five screens, in the order of their digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Screen {
    Cluster,
    Recipe,
    Diff,
    Validate,
    Compare,
}

impl Screen {
    pub const ALL: [Screen; 5] = [Screen::Cluster, Screen::Recipe, Screen::Diff, Screen::Validate, Screen::Compare];

    /// The screen of a name, in any case.
    pub fn named(name: &str) -> Option<Screen> {
        Screen::ALL.into_iter().find(|screen| screen.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Screen::Cluster => "Cluster",
            Screen::Recipe => "Recipe",
            Screen::Diff => "Diff",
            Screen::Validate => "Validate",
            Screen::Compare => "Compare",
        }
    }

    /// What it is for, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Screen::Cluster => "what the cluster is, node by node, and how the recipe fits it",
            Screen::Recipe => "what the cluster should run, and which layer set each value",
            Screen::Diff => "the recipe compared with another one, or with what the cluster runs",
            Screen::Validate => "checks that run in the cluster, with their logs",
            Screen::Compare => "two snapshots of a cluster, or of two",
        }
    }

    pub fn index(self) -> usize {
        self as usize
    }
}

/// How to start the workbench.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    pub target: Target,
    /// Which folders make the catalog.
    pub catalog: Sources,
    /// Saved snapshots: one is shown instead of a cluster, two are compared.
    pub snapshots: Vec<PathBuf>,
    /// Criteria as stated; where no dimension is, the cluster's fingerprint decides, with the profile and settings of these.
    pub criteria: Option<Criteria>,
    /// What was taken from a configuration.
    pub configuration: Option<Arc<Applied>>,
    /// Whose namespaces, charts and names recipes keep: a recipe, a bundle, or `cluster`.
    pub inherit: Option<String>,
    pub screen: Option<Screen>,
    /// Lines of the palette that are done as soon as cluster and recipe are there: what [`app::State::link`] ends with.
    pub go: Vec<String>,
    pub look: Look,
    pub keys: Keymap,
    pub mouse: bool,
    pub clipboard: clipboard::Choice,
    /// Which links are written on a screen; lines have none.
    pub links: Links,
    /// Nothing that would change a cluster is done.
    pub read_only: bool,
    /// Where that was set, for who wants it otherwise.
    pub read_only_by: Option<String>,
    /// What earlier sessions left.
    pub session: Session,
    /// The desk begins where the last session with the same cluster ended.
    pub restores: bool,
    /// What this session leaves is written down at its end.
    pub writes_session: bool,
    /// What counts at the start; `None` for the defaults.
    pub preferences: Option<Box<Preferences>>,
    /// Notified when the file or a theme is written, where the system reports it.
    pub saved: Option<Arc<Notify>>,
    /// To be said at the start: preferences that could not be used.
    pub notices: Vec<String>,
    /// Snapshots of the watched cluster are kept as it changes.
    pub keeps: bool,
    /// How checks are run.
    pub run: ops::run::RunOptions,
}

/// How it looks.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// `dark` where not stated, or `light` where the terminal says that its background is.
    pub theme: Option<String>,
    /// Themes that there are.
    pub themes: theme::Themes,
    /// As `--color` asks; the environment decides where it does not.
    pub color: Option<Level>,
    pub ascii: bool,
}

/// How the workbench has ended.
#[derive(Debug)]
#[must_use = "who has left a run has to know what goes on"]
pub struct Closed {
    pub outcome: Result<(), Failure>,
    /// What a person has to know of a run that they have left, a sentence each.
    pub last_words: Vec<String>,
}

impl From<Failure> for Closed {
    fn from(failure: Failure) -> Closed {
        Closed { outcome: Err(failure), last_words: Vec::new() }
    }
}

/// What earlier sessions left, and what is to be said of it where it cannot be used.
pub fn last_session() -> (Session, Option<String>) {
    driver::last_session()
}

/// Runs the workbench as lines and prompts until the person leaves or the lines end. With `by_keys` a terminal shows at first
/// what a screen would, and `q` leaves without Enter.
///
/// It fails where the output went away, and with an unknown theme.
pub async fn run_linear(options: RunOptions, by_keys: bool) -> Closed {
    linear::run(options, by_keys).await
}

/// Runs the workbench on this terminal until the person leaves.
///
/// The thread that calls it waits for the keys itself and draws; everything else is done on `workers`.
///
/// It fails where there is no terminal or it went away, with an unknown theme, and where the process was told to end.
pub fn run(options: RunOptions, workers: &tokio::runtime::Handle) -> Closed {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(driver::run(options, workers.clone())),
        Err(error) => Failure::from_error(Kind::Internal, "start the runtime", error).into(),
    }
}
