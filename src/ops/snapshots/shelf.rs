//! The moments of a cluster in one list: those that are kept on this machine and, of the demo, those of its past.
//!
//! In: the folder and the week of the demo. Out: moments, each with what differs from the one before it in the list. The past of
//! the demo is part of the program and in no folder, so it can be neither named nor removed.

use super::{
    super::demo::{self, DemoOptions},
    How, Moment, check_name, context_of, describe, failed, find_in, folder, list, moment_of, not_compared, open, size,
    store, text, what_matters, write_document, write_without_time,
};
use crate::{
    diff::Change,
    inventory::Inventory,
    ops::{Failure, Kind, connect::Target},
};
use std::{collections::HashSet, path::PathBuf, sync::Arc};

/// Where the moments of a cluster are read from.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// Ours, in the folder for state; a machine may have none.
    folder: Result<PathBuf, Failure>,
    /// The past of the demo.
    demo: Demo,
}

/// Moments of the demo cluster with what they hold.
type Demo = Arc<Vec<(Moment, Arc<Inventory>)>>;

/// That of a cluster.
///
/// # Errors
/// What is part of the program is wrong.
pub async fn shelf(target: &Target) -> Result<Shelf, Failure> {
    static WEEK: tokio::sync::OnceCell<Demo> = tokio::sync::OnceCell::const_new();
    let demo = match target {
        Target::Demo(options) if options.world.is_none() && !options.fleet => {
            WEEK.get_or_try_init(|| async { week(options).await.map(Arc::new) }).await?.clone()
        }
        _ => Arc::default(),
    };
    Ok(Shelf { folder: folder(), demo })
}

/// The week of the demo as moments.
async fn week(options: &DemoOptions) -> Result<Vec<(Moment, Arc<Inventory>)>, Failure> {
    let mut moments: Vec<(Moment, Arc<Inventory>)> = Vec::new();
    for (at, name, snapshot) in demo::week(options).await? {
        let mut text = Vec::new();
        let written = write_without_time(&snapshot, &mut text);
        written.map_err(|error| Failure::from_error(Kind::Internal, "make the week of the demo", error))?;
        let mut moment = Moment { name, ..moment_of(&snapshot, &at, &store::digest(&text), How::Recorded) };
        if let Some((previous, before)) = moments.last() {
            moment.since = Some(previous.id.clone());
            describe(&mut moment, &what_matters(before, &snapshot));
        }
        moments.push((moment, Arc::new(snapshot)));
    }
    Ok(moments)
}

/// That of a folder alone.
#[cfg(test)]
pub(super) fn of(folder: &std::path::Path) -> Shelf {
    Shelf { folder: Ok(folder.to_owned()), demo: Arc::default() }
}

impl Shelf {
    /// Every moment, the oldest first.
    ///
    /// # Errors
    /// As [`list`].
    pub fn list(&self) -> Result<Vec<Moment>, Failure> {
        let mut moments = match &self.folder {
            Ok(folder) => list(folder)?,
            Err(_) if !self.demo.is_empty() => Vec::new(),
            Err(failure) => return Err(failure.clone()),
        };
        let own: HashSet<String> = moments.iter().filter_map(|moment| moment.name.clone()).collect();
        for (moment, _) in self.demo.iter() {
            let mut moment = moment.clone();
            // A name is unique: one's own snapshot keeps it.
            moment.name = moment.name.filter(|name| !own.contains(name));
            match moments.iter_mut().find(|own| own.id == moment.id) {
                // A copy of it that was imported is the same moment.
                Some(own) => own.name = own.name.take().or(moment.name),
                None => moments.push(moment),
            }
        }
        moments.sort_by(|one, other| (&one.at, &one.id).cmp(&(&other.at, &other.id)));
        self.relate(&mut moments);
        Ok(moments)
    }

    /// Says in the moments of the demo cluster what differs from the one before it in this list.
    ///
    /// The folder knows nothing of the demo's past, which moves from day to day: what is written there stays true of it.
    fn relate(&self, moments: &mut [Moment]) {
        let Some((Moment { cluster, .. }, _)) = self.demo.first() else { return };
        let mut previous: Option<Moment> = None;
        for moment in moments.iter_mut().filter(|moment| moment.cluster == *cluster) {
            if let Some(previous) = previous.filter(|previous| moment.since.as_ref() != Some(&previous.id)) {
                moment.since = Some(previous.id.clone());
                match self.changes(&previous, moment) {
                    Ok(changes) => describe(moment, &changes),
                    Err(_) => not_compared(moment, &previous),
                }
            }
            previous = Some(moment.clone());
        }
    }

    fn changes(&self, previous: &Moment, moment: &Moment) -> Result<Vec<Change>, Failure> {
        if previous.digest == moment.digest {
            return Ok(Vec::new());
        }
        Ok(what_matters(&*self.read(previous)?, &*self.read(moment)?))
    }

    /// As [`Shelf::list`] says it: a moment that was kept just now says what differs from the one before it.
    pub fn listed(&self, moment: Moment) -> Moment {
        if self.demo.is_empty() {
            return moment;
        }
        let all = self.list().unwrap_or_default();
        all.into_iter().find(|known| known.id == moment.id).unwrap_or(moment)
    }

    /// The snapshot of a moment.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(&self, moment: &Moment) -> Result<Inventory, Failure> {
        self.read(moment).map(Arc::unwrap_or_clone)
    }

    fn read(&self, moment: &Moment) -> Result<Arc<Inventory>, Failure> {
        match self.demo.iter().find(|(known, _)| known.id == moment.id) {
            Some((_, snapshot)) => Ok(snapshot.clone()),
            None => open(self.folder.as_ref().map_err(Clone::clone)?, moment).map(Arc::new),
        }
    }

    /// Whether a moment is of the demo's past, and in no folder.
    pub fn is_of_demo(&self, moment: &Moment) -> bool {
        let is_kept = || self.folder.as_ref().is_ok_and(|folder| store::has(folder, &moment.id));
        self.demo.iter().any(|(known, _)| known.id == moment.id) && !is_kept()
    }

    /// Gives a moment a name, or takes it away.
    ///
    /// # Errors
    /// As [`find_in`]; a name that is not one or is taken; a moment of the demo's past.
    pub fn name(&self, reference: &str, name: Option<&str>, context: Option<&str>) -> Result<Moment, Failure> {
        let doing = "name the snapshot";
        let folder = self.folder.as_ref().map_err(Clone::clone)?;
        let lock = store::lock(folder).map_err(failed(folder, doing))?;
        let found = find_in(&self.list()?, reference, context)?;
        let known = list(folder)?;
        // As it was written: what the list says of names and of changes may be about the demo's past.
        let Some(mut moment) = known.iter().find(|known| known.id == found.id).cloned() else {
            let because = format!("the snapshot of {} is of the demo's past, which cannot be changed", found.at);
            return Err(Failure::new(Kind::Usage, doing, because)
                .hint("`aicr --demo snapshots save NAME` keeps the cluster as it is now under a name"));
        };
        if let Some(name) = name {
            check_name(name, &known, Some(&moment.id))?;
        }
        moment.name = name.map(str::to_owned);
        store::put(folder, &lock, &moment).map_err(failed(folder, doing))?;
        Ok(moment)
    }

    /// Bytes that a moment takes in the folder; `None` for one of the demo's past, which is in no folder.
    pub fn size(&self, moment: &Moment) -> Option<u64> {
        self.folder.as_ref().ok().filter(|_| !self.is_of_demo(moment)).map(|folder| size(folder, moment))
    }
}

/// The document of the kept snapshot that a person means: see [`find_in`].
///
/// # Errors
/// As [`find_in`] and [`text`].
pub async fn kept(reference: &str, target: &Target) -> Result<String, Failure> {
    let shelf = shelf(target).await?;
    let moment = find_in(&shelf.list()?, reference, context_of(target).as_deref())?;
    match &shelf.folder {
        Ok(folder) if !shelf.is_of_demo(&moment) => text(folder, &moment),
        _ => {
            let mut text = Vec::new();
            let written = write_document(&shelf.open(&moment)?, &mut text);
            written.map_err(|error| Failure::from_error(Kind::Internal, "write the kept snapshot", error))?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
    }
}
