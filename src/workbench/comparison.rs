//! The sides of the Compare screen: what they are, and what each is called.

use super::{
    Screen,
    model::{Model, Side, Sides},
    widgets::text::{self, Cut},
};
use crate::ops::snapshots::{self, Moment};

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

    /// The kept snapshots of the cluster that C is of, or would be.
    pub fn third_moments(&self) -> Vec<&Moment> {
        let compare = &self.compare;
        let of = |side: &Side| snapshots::cluster_of(&side.snapshot).to_owned();
        let cluster = compare.c.as_ref().or(compare.b.as_ref()).map(of);
        let cluster = cluster.or_else(|| self.compared_with().as_ref().map(of)).unwrap_or_default();
        self.moments_of(&cluster)
    }

    /// The kept snapshot that C is.
    pub fn third_moment(&self) -> Option<&Moment> {
        let at = &self.compare.c.as_ref()?.snapshot.about.taken_at;
        self.third_moments().into_iter().find(|moment| moment.at == *at)
    }

    /// A screen has a line that says which moment is shown: a person looks at it, or at something else than now.
    pub fn shows_time(&self, screen: Screen) -> bool {
        let time = &self.time;
        time.open || time.past.is_some() || screen == Screen::Compare && self.third_moment().is_some()
    }

    /// What the sides of the Compare screen are called, of a comparison that begins now.
    pub(super) fn compare_sides(&self) -> Sides {
        let Some(a) = &self.compare.a else {
            return Sides { left: "-".to_owned(), right: "-".to_owned(), ..Sides::default() };
        };
        let b = self.compared_with();
        // Of the cluster as it is now, the name says when.
        let is_now = self.compare.b.is_none() && self.cluster_now().is_some();
        let times = |letters: usize| {
            let time = |side: &Option<Side>| side.as_ref().map(|side| side.time(letters)).unwrap_or_default();
            [a.time(letters), if is_now { String::new() } else { time(&b) }, time(&self.compare.c)]
        };
        // Two that were taken within a minute have seconds.
        let (mut minutes, mut seconds) = (times(MINUTES), times(SECONDS));
        let count = |times: &[String; 3]| times.iter().collect::<std::collections::BTreeSet<_>>().len();
        let times = std::mem::take(if count(&minutes) < count(&seconds) { &mut seconds } else { &mut minutes });
        let right = b.map_or_else(|| "-".to_owned(), |b| b.name);
        Sides { left: a.name.clone(), right, third: self.compare.c.as_ref().map(|side| side.name.clone()), times }
    }
}

impl Sides {
    /// All sides with their letters.
    pub fn title(&self) -> String {
        lettered(&self.names())
    }

    /// The same in so many columns: where names are too long, what they have in common is said once and before them, with a
    /// `*` for what each has of its own.
    pub fn title_in(&self, columns: usize) -> String {
        let names = self.names();
        let whole = lettered(&names);
        if text::width(&whole) <= columns {
            return whole;
        }
        let Some((before, after)) = common(&names) else { return whole };
        let own: Vec<&str> = names.iter().map(|name| &name[before..name.len() - after]).collect();
        let own = lettered(&own);
        let pattern = format!("{}*{}", &names[0][..before], &names[0][names[0].len() - after..]);
        match columns.saturating_sub(text::width(&own) + 2) {
            // What tells them apart is worth more than what they have in common.
            room if room < text::width(&pattern).min(LEAST) => own,
            room => format!("{}  {own}", text::fit(&pattern, room, Cut::Middle)),
        }
    }

    fn names(&self) -> Vec<&str> {
        [&self.left, &self.right].into_iter().chain(&self.third).map(String::as_str).collect()
    }
}

/// `A before   B after`.
fn lettered(names: &[&str]) -> String {
    let named: Vec<String> =
        ["A", "B", "C"].iter().zip(names).map(|(letter, name)| format!("{letter} {name}")).collect();
    named.join("   ")
}

/// How many bytes all names begin with and end with, to the ends of words; `None` where that is little, or where a name would
/// have nothing of its own.
fn common(names: &[&str]) -> Option<(usize, usize)> {
    let (first, rest) = names.split_first()?;
    let ends = |at: usize| first[..at].ends_with(|c: char| !c.is_alphanumeric());
    let before = (0..first.len())
        .rev()
        .find(|at| first.is_char_boundary(*at) && ends(*at) && rest.iter().all(|name| name.starts_with(&first[..*at])));
    let before = before.filter(|before| *before >= LEAST)?;
    let shortest = names.iter().map(|name| name.len()).min()?;
    let begins = |at: usize| first[at..].starts_with(|c: char| !c.is_alphanumeric());
    let after = (before + 1..first.len()).filter(|at| first.is_char_boundary(*at) && begins(*at)).find(|at| {
        let end = &first[*at..];
        before + end.len() < shortest && rest.iter().all(|name| name.ends_with(end))
    });
    let after = after.map_or(0, |at| first.len() - at);
    (before + after < shortest).then_some((before, after))
}

/// Columns of what several names have in common, below which it says nothing.
const LEAST: usize = 8;

impl Side {
    /// When it was taken, where the name does not say it.
    fn time(&self, letters: usize) -> String {
        let at = text::head(&self.snapshot.about.taken_at, letters).replace('T', " ");
        let day = at.split(' ').next().unwrap_or_default();
        if self.name.contains(day) { String::new() } else { at }
    }
}

/// Columns of a day and a time to the minute.
pub(super) const MINUTES: usize = 16;
/// And to the second.
pub(super) const SECONDS: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_long_names_have_in_common_is_said_once() {
        let sides = |names: [&str; 3]| Sides {
            left: names[0].into(),
            right: names[1].into(),
            third: Some(names[2].into()),
            ..Sides::default()
        };
        let of_days = ["21", "22", "23"].map(|day| format!("production-eu-west-gpu-cluster-2026-11-{day}.yaml"));
        let of_days = sides([&of_days[0], &of_days[1], &of_days[2]]);
        for (columns, expected) in [
            (200, of_days.title().as_str()),
            (80, "production-eu-west-gpu-cluster-2026-11-*.yaml  A 21   B 22   C 23"),
            (40, "production…11-*.yaml  A 21   B 22   C 23"),
            (20, "A 21   B 22   C 23"),
        ] {
            assert_eq!(of_days.title_in(columns), expected);
        }
        // There is little, or nothing.
        for names in [["a-before.yaml", "a-after.yaml", "a.yaml"], ["before", "after", "lab"]] {
            assert_eq!(sides(names).title_in(20), sides(names).title());
        }
        // One of them is the beginning of the others.
        let of_one = sides(["cluster-eu-", "cluster-eu-1", "cluster-eu-1"]);
        assert_eq!(of_one.title_in(40), "cluster-*  A eu-   B eu-1   C eu-1");
    }
}
