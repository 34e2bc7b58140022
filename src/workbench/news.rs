//! News of the cluster: how long there were none, and what changed since a panel showed it, for the marks of its rows.
//!
//! In: the model, what a panel showed and what it shows now. Out: an age; marks in its table. Only readings that are whole are
//! compared: a first one has nothing before it, and the parts of the next one say nothing yet.

use super::{
    model::{Model, Question, Source},
    panes::{Content, Live, Pane, Table},
    widgets::recent,
};
use crate::{cluster::watch::REFRESH, inventory::shape::Key, text};
use std::time::Duration;

/// Without news for so long, a panel says how old it is.
const OLD: Duration = Duration::from_secs(10);
/// Readings that were missed when that becomes a warning.
const MISSED: u32 = 3;

/// How old the shown cluster is where it does not follow the real one, and whether that is a warning.
pub(super) fn age(model: &Model) -> Option<(String, bool)> {
    let age = Duration::from_millis(model.cluster.age_ms(model.now_ms)?);
    let worry = age >= REFRESH * MISSED;
    let said = format!("{}{} old", if worry { "! " } else { "" }, text::seconds(age.as_secs()));
    (age >= OLD).then_some((said, worry))
}

/// Of what rows are; rows of something else are not changed ones.
#[derive(Clone, Debug, PartialEq)]
struct Subject {
    /// Name and server.
    cluster: (String, String),
    question: Option<Question>,
}

/// What a panel showed last of a cluster that was read whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    subject: Option<Subject>,
    /// The shape whose nodes alone were listed.
    drilled: Option<Key>,
    /// It, while the table has parts of the cluster that is read anew, or a moment of its past.
    whole: Option<Content>,
}

impl Shown {
    /// Marks what is changed in content that a table is about to take; whether it is the same list as before, as the cluster
    /// is now.
    pub(super) fn follow(&mut self, model: &Model, pane: &Pane, table: &mut Table, content: &mut Content) -> bool {
        if pane.live == Live::No {
            return false;
        }
        let cluster = &model.cluster;
        if matches!(cluster.source, Source::None | Source::Saved) || cluster.snapshot.is_none() {
            *self = Shown::default();
            table.recent.clear();
            return false;
        }
        let question = model.recipe.answer().map(|(question, _)| question.clone());
        let subject = Some(Subject {
            cluster: (cluster.name.clone(), cluster.server.clone()),
            question: question.filter(|_| pane.live == Live::Recipe),
        });
        // A recipe is judged on a cluster a moment after that is shown: for the first time, or again.
        let is_other = self.subject != subject || self.whole.is_some();
        let is_early = || model.is_so_far() || model.recipe.loading && is_other;
        let is_part = cluster.is_so_far() || pane.live == Live::Recipe && is_early();
        if is_part || cluster.source == Source::Past {
            if self.subject.is_some() && self.whole.is_none() {
                // Moved, not copied: the table takes something else.
                content.complete(&table.content);
                self.whole = Some(std::mem::take(&mut table.content));
            }
            return false;
        }
        let whole = self.whole.take();
        let is_same_list = self.drilled == cluster.drilled;
        let is_same = is_same_list && whole.is_none() && self.subject == subject;
        if self.subject != subject {
            table.recent.clear();
        } else if is_same_list || pane.live == Live::Cluster {
            // A node is the same in every list; a verdict is of the nodes that are listed.
            let rows = match (&whole, &content.changed) {
                (None, Some(changed)) => recent::replaced(&table.content, changed),
                _ => {
                    content.complete(&table.content);
                    let before = whole.as_ref().unwrap_or(&table.content);
                    recent::changed(before, content, is_same_list)
                }
            };
            let list = if content.changed.is_some() { &table.content } else { &*content };
            table.recent.add(rows, list);
        }
        (self.subject, self.drilled) = (subject, cluster.drilled.clone());
        is_same
    }
}
