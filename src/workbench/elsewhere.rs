//! Runs that this workbench does not run: which there are on the cluster, how each came to be there, and which one is followed.

use super::model::{InCluster, Model};
use crate::ops::run::record::Summary;

/// Where the run that is shown comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunOrigin {
    /// It was started here.
    #[default]
    Own,
    /// From its record, which another program may still write.
    Record,
    /// From its Jobs and pods: what was before they were seen is not known, nor since when something is so.
    Cluster,
}

/// A run that another program goes on with, and that is shown as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    pub name: String,
    /// What comes of others is dropped: also of the same run, where it was followed before.
    pub generation: u64,
}

/// What is known on this machine of a run that has Jobs on the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it was started from somewhere else.
    Nothing,
    /// Another program of this machine writes its record.
    Recorded,
    /// Its program has left it to the cluster.
    Left,
    /// Its program did not see its end.
    Interrupted,
}

impl Known {
    /// Reads after `run 1`, and stands alone.
    pub fn words(self) -> &'static str {
        match self {
            Known::Nothing => "started elsewhere",
            Known::Recorded => "started in another terminal",
            Known::Left => "left by its program",
            Known::Interrupted => "interrupted",
        }
    }
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere<'m> {
    pub run: &'m str,
    pub namespace: &'m str,
    pub known: Known,
}

impl Elsewhere<'_> {
    /// Where there is room for it.
    pub fn sentence(&self) -> String {
        format!("run {} has Jobs in {}, {}", short(self.run), self.namespace, self.known.words())
    }

    /// With what can be done about it, it fits a line of 80 columns.
    pub fn words(&self) -> String {
        format!("run {}, {}, has Jobs", short(self.run), self.known.words())
    }
}

/// The time in an id is enough to tell a run from others.
pub fn short(run: &str) -> &str {
    run.get(..15).unwrap_or(run)
}

impl Model {
    /// The runs that were found on the cluster, the newest first, without those of this workbench and those whose end is
    /// recorded: of these nothing goes on.
    pub fn elsewhere(&self) -> Vec<Elsewhere<'_>> {
        let Some(InCluster { namespace, runs }) = &self.records.in_cluster else { return Vec::new() };
        let is_own = |run: &&String| self.run.active && self.run.id == **run;
        let recorded = self.records.list.value.as_deref().map_or(&[][..], Vec::as_slice);
        let known = |run: &str| {
            let of_run = |summary: &&Summary| summary.stored.name == run;
            let Some(summary) = recorded.iter().find(of_run) else { return Some(Known::Nothing) };
            match summary.verdict() {
                Some(_) => None,
                None if summary.is_left() => Some(Known::Left),
                None if summary.stored.is_open => Some(Known::Recorded),
                None => Some(Known::Interrupted),
            }
        };
        let others = runs.iter().filter(|run| !is_own(run));
        others.filter_map(|run| Some(Elsewhere { run, namespace, known: known(run)? })).collect()
    }

    /// The shown run goes on in another program.
    pub fn follows(&self) -> bool {
        self.records.following.is_some()
    }
}
