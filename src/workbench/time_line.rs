//! Which moment of the cluster a screen shows, in one line: the kept snapshots by their times, the shown one, now.
//!
//! In: the state. Out: words and marks in so many columns. The panel of moments draws the same marks.

use super::{
    app::State,
    comparison::{MINUTES, SECONDS},
    keymap::Action,
    theme::Role,
    widgets::text,
};
use crate::ops::snapshots::Moment;

/// What of a cluster is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown<'m> {
    Now,
    /// A moment, by its id.
    Moment(&'m str),
    /// Snapshots that are none of its moments.
    Other,
}

impl<'m> Shown<'m> {
    /// A kept moment, or the cluster as it is.
    pub fn of(moment: Option<&'m Moment>) -> Shown<'m> {
        moment.map_or(Shown::Now, |moment| Shown::Moment(&moment.id))
    }

    /// Its place among moments.
    pub fn place(self, moments: &[&Moment]) -> Option<usize> {
        moments.iter().position(|moment| self == Shown::Moment(&moment.id))
    }
}

/// Columns below which marks by time say nothing.
const LEAST: usize = 12;
/// Columns from which on the name of a moment has room.
const WIDE: usize = 100;

/// The line of a screen.
pub(super) fn parts(state: &State, columns: usize) -> Vec<(Role, String)> {
    let (moments, keys) = (state.stepped_moments(), &state.desk.keys);
    if moments.is_empty() {
        let kept = &state.model.time.moments;
        return vec![match &kept.failure {
            Some(failure) => {
                let why = failure.why();
                let why = text::clean(why.lines().next().unwrap_or_default()).into_owned();
                let again = keys.key(Action::Refresh);
                (Role::Fail, format!("✗ the kept snapshots cannot be read: {why}; {again} tries again"))
            }
            None if kept.loading => (Role::Run, "reading the kept snapshots …".to_owned()),
            None => (Role::Muted, "now: no snapshot of this cluster is kept yet".to_owned()),
        }];
    }
    let shown = state.shown_in_time();
    let place = shown.place(&moments);
    let letters = letters(&moments);
    let (role, mut said) = match (shown, place.map(|place| moments[place])) {
        (Shown::Now, _) => (Role::Strong, "now".to_owned()),
        (_, Some(moment)) => {
            let word = if state.steps_third() { "C" } else { "PAST" };
            (Role::Saved, format!("{word} {}", when(&moment.at, letters)))
        }
        (_, None) => (Role::Saved, "saved snapshots".to_owned()),
    };
    let name = place.and_then(|place| moments[place].name.as_ref()).filter(|_| columns >= WIDE);
    if let Some(name) = name {
        said.push_str(&format!(" @{}", text::clean(name)));
    }
    let count = text::thousands(moments.len());
    let position = place.map_or_else(|| text::count(moments.len(), "snapshot"), |at| format!("{} of {count}", at + 1));
    let [back, on, bar] = [Action::StepBack, Action::StepOn, Action::TimeBar].map(|action| state.desk.keys.key(action));
    let does = match state.stays() {
        Some(stays) => stays.brief.to_owned(),
        None if state.model.time.open => format!("{back} {on} step  {bar} closes"),
        None => format!("{back} {on} step"),
    };
    let taken = text::width(&said) + 2;
    let forms = [format!("  {position}  {does}"), format!("  {does}"), format!("  {position}"), String::new()];
    let fits = |form: &&String| taken + LEAST + text::width(form) <= columns;
    let right = forms.iter().find(fits).cloned().unwrap_or_default();
    let room = columns.saturating_sub(taken + text::width(&right));
    vec![
        (role, format!("{said}  ")),
        (Role::Text, if room >= LEAST { marks(&moments, shown, room) } else { String::new() }),
        (Role::Muted, right),
    ]
}

/// `2026-01-14 09:10` of a time in RFC 3339, in so many letters.
pub(super) fn when(at: &str, letters: usize) -> String {
    text::clean(at.get(..letters).unwrap_or(at)).replace('T', " ")
}

/// Letters of a time to the minute, or to the second where two of the moments have the same minute.
pub(super) fn letters(moments: &[&Moment]) -> usize {
    let minute = |moment: &Moment| moment.at.get(..MINUTES).map(str::to_owned);
    let is_same = moments.windows(2).any(|pair| minute(pair[0]) == minute(pair[1]));
    if is_same { SECONDS } else { MINUTES }
}

/// Columns behind the marks: what is shown, and the word.
const NOW: usize = 4;

/// Moments on a line from the first one to now, by their times: `-` nothing changed, `~` something did, `»` the shown one.
pub(super) fn marks(moments: &[&Moment], shown: Shown<'_>, width: usize) -> String {
    let seconds = |at: &str| at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return String::new() };
    let (first, last) = (seconds(&first.at), seconds(&last.at));
    // The last column is now.
    let room = width.saturating_sub(NOW).clamp(2, 200);
    let mut line = vec!['·'; room];
    let place = |at: i64| match last - first {
        0 => room - 2,
        whole => usize::try_from((at - first) * i64::try_from(room - 2).unwrap_or(1) / whole).unwrap_or(0),
    };
    for moment in moments {
        let glyph = if moment.changes > 0 { '~' } else { '-' };
        let cell = &mut line[place(seconds(&moment.at))];
        // Of several in one column, the one that changed something.
        *cell = if *cell == '~' { '~' } else { glyph };
    }
    if let Some(at) = shown.place(moments) {
        line[place(seconds(&moments[at].at))] = '»';
    }
    let end = if shown == Shown::Now { '»' } else { ' ' };
    format!("{}{end}now", line.into_iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_stand_on_the_line_by_their_times() {
        let moment =
            |id: &str, at: &str, changes| Moment { id: id.into(), at: at.into(), changes, ..Moment::default() };
        let all = [
            moment("a", "2026-01-14T00:00:00Z", 0),
            moment("b", "2026-01-15T00:00:00Z", 2),
            moment("c", "2026-01-18T00:00:00Z", 0),
        ];
        let all: Vec<&Moment> = all.iter().collect();
        assert_eq!(marks(&all, Shown::Now, 18), "-··~········-·»now");
        assert_eq!(marks(&all, Shown::Moment("b"), 18), "-··»········-· now");
        assert_eq!(marks(&all, Shown::Other, 18), "-··~········-· now");
        assert_eq!(marks(&all[..1], Shown::Now, 18), "············-·»now");
    }
}
