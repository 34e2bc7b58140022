//! The sides of the Compare screen: what they are, and what each is called.

use super::{
    model::{Model, Side, Sides},
    widgets::text,
};

impl Model {
    /// The cluster as it is now, also while a kept moment of it is shown; a file is none.
    pub fn cluster_now(&self) -> Option<Side> {
        let cluster = &self.cluster;
        let (snapshot, source) = match &self.time.past {
            Some(past) => (&past.now, past.source),
            None => (&cluster.snapshot, cluster.source),
        };
        let snapshot = snapshot.clone().filter(|_| !source.is_saved())?;
        Some(Side { name: format!("{} (now)", cluster.name), snapshot })
    }

    /// What A is compared with: what was opened as B, else the cluster as it is now, else the file that is shown.
    pub fn compared_with(&self) -> Option<Side> {
        let file = || {
            let snapshot = match &self.time.past {
                Some(past) => past.now.clone(),
                None => self.cluster.snapshot.clone(),
            };
            snapshot.map(|snapshot| Side { name: self.cluster.name.clone(), snapshot })
        };
        self.compare.b.clone().or_else(|| self.cluster_now()).or_else(file)
    }

    /// Nothing else than A is there yet to compare it with: A is the file that is shown.
    pub fn compares_with_itself(&self) -> bool {
        let a = self.compare.a.as_ref().filter(|_| self.compare.b.is_none() && self.cluster_now().is_none());
        let b = self.compared_with();
        a.is_some_and(|a| b.is_none_or(|b| std::sync::Arc::ptr_eq(&a.snapshot, &b.snapshot)))
    }

    /// Snapshots that do not change are compared: how many; `None` where one side is the cluster.
    pub fn saved_sides(&self) -> Option<usize> {
        let compare = &self.compare;
        let is_saved = compare.a.is_some() && (compare.b.is_some() || self.cluster_now().is_none());
        (is_saved && !self.compares_with_itself()).then(|| if compare.c.is_some() { 3 } else { 2 })
    }

    /// What the sides of the Compare screen are called, of a comparison that begins now.
    pub(super) fn compare_sides(&self) -> Sides {
        let Some(a) = &self.compare.a else {
            return Sides { left: "-".to_owned(), right: "-".to_owned(), ..Sides::default() };
        };
        let b = self.compared_with();
        // Of the cluster as it is now, the name says when.
        let is_now = self.compare.b.is_none() && self.cluster_now().is_some();
        let time = |side: &Option<Side>| side.as_ref().map(Side::time).unwrap_or_default();
        let times = [a.time(), if is_now { String::new() } else { time(&b) }, time(&self.compare.c)];
        let right = b.map_or_else(|| "-".to_owned(), |b| b.name);
        Sides { left: a.name.clone(), right, third: self.compare.c.as_ref().map(|side| side.name.clone()), times }
    }
}

impl Side {
    /// When it was taken, where the name does not say it.
    fn time(&self) -> String {
        let at = text::head(&self.snapshot.about.taken_at, MINUTES).replace('T', " ");
        let day = at.split(' ').next().unwrap_or_default();
        if self.name.contains(day) { String::new() } else { at }
    }
}

/// Columns of a day and a time to the minute.
const MINUTES: usize = 16;
