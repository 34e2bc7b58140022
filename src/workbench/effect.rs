//! What the state asks of the driver: work on workers, the terminal, the clipboard.

use super::{
    deploy::Target,
    model::{UpgradeBasis, What},
    msg::{RecipeSlot, SnapshotSlot},
    operations::Key,
    preferences::Preferences,
    session::Session,
};
use crate::{
    catalog::Catalog,
    criteria::Query,
    document::side::Side,
    inventory::Inventory,
    ops::{
        deploy,
        diff::{Rules, Versus},
        inherit::Basis,
        run::{Prepared, Request},
        snapshots::Moment,
    },
    resolve::Resolution,
};
use std::{borrow::Cow, path::PathBuf, sync::Arc};

/// What is at the left of a comparison of recipes.
#[derive(Clone, Debug)]
pub enum Baseline {
    /// The shown recipe.
    Recipe(Arc<Resolution>),
    Read(Arc<Side>),
}

impl Baseline {
    pub fn side(&self) -> Cow<'_, Side> {
        match self {
            Baseline::Recipe(resolution) => Cow::Owned((&**resolution).into()),
            Baseline::Read(side) => Cow::Borrowed(side),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Effect {
    /// Connect to the cluster and watch it; ends an older watch.
    Watch {
        generation: u64,
    },
    /// Something else than the cluster is shown.
    EndWatch,
    /// Read which contexts there are; `pick` opens the list of them.
    Contexts {
        pick: bool,
    },
    SwitchContext(String),
    LoadCatalog {
        generation: u64,
    },
    ReadSnapshot {
        slot: SnapshotSlot,
        generation: u64,
        path: PathBuf,
    },
    Resolve {
        slot: RecipeSlot,
        generation: u64,
        catalog: Arc<Catalog>,
        query: Query,
        snapshot: Option<Arc<Inventory>>,
        basis: Box<Basis>,
    },
    WhatIfChanges {
        generation: u64,
        left: Arc<Resolution>,
        right: Arc<Resolution>,
    },
    /// Read a recipe for the other side of the Diff screen, and for the left one where that is not the shown recipe: files,
    /// or criteria.
    ReadRecipe {
        generation: u64,
        catalog: Arc<Catalog>,
        left: Option<String>,
        path: String,
    },
    CompareRecipes {
        generation: u64,
        recipe: Baseline,
        versus: Versus,
        /// The recipe goes to the right.
        swapped: bool,
    },
    CompareSnapshots {
        generation: u64,
        left: Arc<Inventory>,
        right: Arc<Inventory>,
        third: Option<Arc<Inventory>>,
        rules: Rules,
    },
    /// List kept snapshots.
    ListMoments {
        generation: u64,
    },
    OpenMoment {
        generation: u64,
        moment: Box<Moment>,
    },
    /// Check whether the cluster can be upgraded to a recipe; a saved snapshot without asking anybody.
    CheckUpgrade {
        generation: u64,
        basis: UpgradeBasis,
        name: String,
        is_saved: bool,
    },
    /// Say what a run of this recipe would create, judged on a snapshot that is taken for it.
    Plan {
        generation: u64,
        catalog: Arc<Catalog>,
        recipe: Arc<Resolution>,
        what: What,
    },
    Run(Arc<Prepared>),
    /// Read a bundle on disk, to compare the plan of the recipe with it.
    ReadBundle {
        generation: u64,
        folder: PathBuf,
    },
    /// Evaluate the checks of a recipe that only read, or of the catalog, now and from then on; ends what was begun before.
    Evaluate {
        generation: u64,
        catalog: Arc<Catalog>,
        recipe: Option<Arc<Resolution>>,
    },
    EndEvaluation,
    /// Give up work; what it still answers is not waited for.
    Abandon(Key),
    /// Read a bundle and say what deploying or removing it would do.
    PlanDeploy {
        generation: u64,
        target: Target,
    },
    Deploy(Arc<deploy::Prepared>),
    /// Ends a run or a deploy.
    CancelRun,
    /// Leaves the Jobs of a run to the cluster; the workbench ends when nothing of it is under way.
    LeaveRun,
    /// Ask something else of the run.
    Steer(Request),
    /// Write the shown snapshot; a file that is there only where `replace` says so.
    ///
    /// `write` says of this and of the next two which of all writes it is, so that each is ended by its own answer.
    Save {
        write: u64,
        snapshot: Arc<Inventory>,
        /// What the snapshot lacks; empty for a whole one.
        missing: Vec<String>,
        path: PathBuf,
        replace: bool,
    },
    /// Write down what the next session begins with, and say so.
    KeepSession {
        write: u64,
        session: Box<Session>,
        said: String,
    },
    /// Say what a folder holds, for completion.
    ListFiles(String),
    /// Write a text; over a file that is there only where `replace` says so.
    SaveText {
        write: u64,
        /// What it is: `report`.
        what: &'static str,
        text: String,
        path: PathBuf,
        replace: bool,
    },
    /// List the records of runs.
    ListRuns {
        generation: u64,
    },
    /// Read the record of a run, to show it or to compare it with the shown one.
    OpenRun {
        generation: u64,
        name: String,
        compare: bool,
    },
    /// Compare two recorded runs.
    CompareRuns {
        generation: u64,
        left: String,
        right: String,
    },
    /// Follow the record of a run that another program writes, from an event on; ends what was followed before.
    FollowRun {
        generation: u64,
        name: String,
        from: usize,
    },
    /// List the runs that have Jobs in a namespace of the cluster; in that of the runs where none is named.
    FindRuns {
        generation: u64,
        namespace: Option<String>,
        /// Where nobody has, nothing is said of what forbids it.
        is_asked_for: bool,
    },
    /// Follow a run that somebody else started on the cluster; ends what was followed before.
    AttachRun {
        generation: u64,
        name: String,
        namespace: String,
    },
    /// Another run is shown than the one that was followed.
    EndFollow,
    /// Read the output of a check around one of its lines from the record of the run.
    ReadOlder {
        generation: u64,
        run: String,
        check: String,
        number: usize,
    },
    /// Read the whole output of a check from the record of the run.
    ReadOutput {
        generation: u64,
        run: String,
        check: String,
    },
    /// Read what containers of a check wrote before they were restarted.
    ReadPrevious {
        generation: u64,
        namespace: String,
        run_id: String,
        check: String,
    },
    /// Give the newest lines of the program's log.
    ReadLog,
    /// Say what this program keeps, and how much.
    ReadStorage,
    Copy(String),
    /// The same by the terminal, because no program has done it.
    CopyByTerminal(String),
    /// Open a file at a line in `$EDITOR`.
    Edit {
        path: PathBuf,
        line: u32,
    },
    /// Open a private copy of a text at a line in `$EDITOR`; what is changed in it comes back as a patch.
    EditCopy {
        /// Of the file.
        name: String,
        text: String,
        line: u32,
    },
    /// Show a text in `$PAGER`.
    Page(String),
    /// Write the next frame; a file that is there only where `replace` says so.
    Export {
        path: PathBuf,
        replace: bool,
    },
    /// Let these preferences count, of which one has changed.
    Prefer {
        preferences: Box<Preferences>,
        changed: &'static str,
    },
    Redraw,
    Suspend,
}

/// What carrying out an effect comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It may change a cluster, and an answer will come back.
    Changes,
    /// An answer will come back.
    Work,
    /// It goes on, or is told to what goes on, without an answer of its own.
    Goes,
    /// The terminal, or whoever reads instead of it, does it at once.
    Terminal,
}

impl Effect {
    /// The place of its number, where it is a write.
    pub fn write_mut(&mut self) -> Option<&mut u64> {
        match self {
            Effect::Save { write, .. } | Effect::KeepSession { write, .. } | Effect::SaveText { write, .. } => {
                Some(write)
            }
            _ => None,
        }
    }

    /// Without a rest that stands for all others: whoever adds an effect decides this.
    pub fn nature(&self) -> Nature {
        match self {
            Effect::Run(_) | Effect::Deploy(_) => Nature::Changes,
            // Canceling, leaving and steering are of a run that was started here; in read-only mode there is none.
            Effect::CancelRun
            | Effect::LeaveRun
            | Effect::Steer(_)
            | Effect::Watch { .. }
            | Effect::EndWatch
            | Effect::EndFollow
            | Effect::Evaluate { .. }
            | Effect::EndEvaluation
            | Effect::Abandon(_)
            | Effect::FollowRun { .. }
            | Effect::AttachRun { .. } => Nature::Goes,
            // Files, the clipboard and the choice of a context are not of a cluster.
            Effect::Contexts { .. }
            | Effect::SwitchContext(_)
            | Effect::LoadCatalog { .. }
            | Effect::ReadSnapshot { .. }
            | Effect::Resolve { .. }
            | Effect::WhatIfChanges { .. }
            | Effect::ReadRecipe { .. }
            | Effect::CompareRecipes { .. }
            | Effect::CompareSnapshots { .. }
            | Effect::CheckUpgrade { .. }
            | Effect::ListMoments { .. }
            | Effect::OpenMoment { .. }
            | Effect::Plan { .. }
            | Effect::ReadBundle { .. }
            | Effect::PlanDeploy { .. }
            | Effect::CompareRuns { .. }
            | Effect::FindRuns { .. }
            | Effect::Save { .. }
            | Effect::KeepSession { .. }
            | Effect::ListFiles(_)
            | Effect::SaveText { .. }
            | Effect::ListRuns { .. }
            | Effect::OpenRun { .. }
            | Effect::ReadPrevious { .. }
            | Effect::ReadOlder { .. }
            | Effect::ReadOutput { .. }
            | Effect::ReadLog
            | Effect::ReadStorage => Nature::Work,
            Effect::Copy(_)
            | Effect::CopyByTerminal(_)
            | Effect::Edit { .. }
            | Effect::EditCopy { .. }
            | Effect::Page(_)
            | Effect::Export { .. }
            | Effect::Prefer { .. }
            | Effect::Redraw
            | Effect::Suspend => Nature::Terminal,
        }
    }

    /// Whether carrying it out may change a cluster.
    pub fn changes_cluster(&self) -> bool {
        self.nature() == Nature::Changes
    }

    /// An answer will come back.
    pub fn is_work(&self) -> bool {
        matches!(self.nature(), Nature::Changes | Nature::Work)
    }
}
