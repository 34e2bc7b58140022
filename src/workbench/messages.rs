//! What is said in the message line: for how long, and what takes an error back.

use super::{
    model::{Model, clock},
    msg::{RecipeSlot, SnapshotSlot},
    widgets::text,
    wording,
};
use crate::ops::{Failure, Kind};

/// Something that was said, with the time of day in UTC.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub severity: Severity,
    pub text: String,
    pub at: String,
    pub at_ms: u64,
    pub failure: Option<Failure>,
    /// Of an error: what was being done.
    pub topic: Option<Topic>,
    /// It was answered, or what it is about has gone: it is only in the list any more.
    pub is_over: bool,
    /// What was being done when it was said.
    turn: u64,
}

/// What is done again and again, and may fail in one way after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    Cluster,
    Contexts,
    Switch,
    Catalog,
    Snapshot(SnapshotSlot),
    Recipe(RecipeSlot),
    Moment,
    Keeping,
    Plan,
    Record,
    Runs,
    Bundle,
    DeployPlan,
    /// A line of the palette, by its first word.
    Command(String),
}

impl Message {
    /// How long it is shown; a failure until a person has answered it.
    fn life_ms(&self) -> u64 {
        match self.severity {
            Severity::Info | Severity::Ok => 4_000,
            Severity::Warn => 8_000,
            Severity::Fail => u64::MAX,
        }
    }

    /// It is shown, or would be if nothing were said after it.
    fn is_open(&self, now_ms: u64) -> bool {
        !self.is_over && now_ms.saturating_sub(self.at_ms) < self.life_ms()
    }
}

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info,
    Ok,
    Warn,
    Fail,
}

/// Messages that are kept.
const MESSAGES: usize = 500;

impl Model {
    pub fn say(&mut self, severity: Severity, text: impl Into<String>) {
        self.push(severity, text.into(), None);
    }

    pub fn say_failure(&mut self, failure: Failure) {
        let failure = wording::here(failure);
        // A person has ended it.
        if failure.kind == Kind::Interrupted {
            return self.say(Severity::Warn, format!("canceled: {}", text::clean(&failure.doing)));
        }
        let because = text::clean(failure.why().lines().next().unwrap_or_default()).into_owned();
        // The whole path, where neither the reason nor what was being done says it: which of two files of one name it was.
        // Of an object of a cluster, the name.
        let at = failure.at.as_deref().map(|at| match at.rsplit_once('/') {
            Some((before, name)) if before.contains(", ") => name,
            _ => at,
        });
        let at = at.map(text::clean).filter(|at| !at.is_empty());
        let at = at.filter(|at| !because.contains(&**at) && !failure.doing.contains(&**at));
        let at = at.map_or_else(String::new, |at| format!(" {at}"));
        let text = format!("failed to {}{at}: {because}", text::clean(&failure.doing));
        self.push(Severity::Fail, text, Some(failure));
    }

    fn push(&mut self, severity: Severity, text: String, failure: Option<Failure>) {
        let (at, at_ms) = (clock(self.now_ms), self.now_ms);
        let topic = self.topic.clone().filter(|_| severity == Severity::Fail);
        if severity == Severity::Fail {
            // Another attempt at the same: the error before is not what it came to.
            let is_same = |known: &Message| known.text == text || topic.is_some() && known.topic == topic;
            self.end(|known| known.severity == Severity::Fail && is_same(known));
        }
        let turn = self.turn;
        self.messages.push_back(Message { severity, text, at, at_ms, failure, topic, is_over: false, turn });
        if self.messages.len() > MESSAGES {
            self.messages.pop_front();
        }
    }

    /// Something has ended well or not, or begins: what comes of it is about this, and after a success the last error of the
    /// same kind is not true any more.
    pub(super) fn begin(&mut self, outcome: Option<(Topic, bool)>) {
        if let Some((topic, true)) = &outcome {
            self.answered(topic);
        }
        self.topic = outcome.map(|(topic, _)| topic);
        self.turn += 1;
    }

    fn end(&mut self, is_over: impl Fn(&Message) -> bool) {
        for message in self.messages.iter_mut().filter(|message| !message.is_over) {
            message.is_over = is_over(message);
        }
    }

    /// Another screen is shown: what was said before spoke of the one that it took the place of. A failure stays until it is
    /// answered.
    pub(super) fn screen_changed(&mut self) {
        let turn = self.turn;
        self.end(|message| message.severity != Severity::Fail && message.turn != turn);
    }

    /// A person has read the message that is shown, and what was said with it or before and goes by itself. An error that
    /// it has covered is shown again.
    pub(super) fn acknowledge(&mut self) {
        let Some(at) = self.messages.iter().rposition(|message| message.is_open(self.now_ms)) else { return };
        self.messages[at].is_over = true;
        self.end(|message| message.severity != Severity::Fail);
    }

    /// Errors about this go: it has succeeded.
    pub(super) fn answered(&mut self, topic: &Topic) {
        self.end(|message| message.topic.as_ref() == Some(topic));
    }

    /// Takes back what was said: it has been answered.
    pub fn unsay(&mut self, text: &str) {
        self.end(|message| message.text == text);
    }

    /// The message that is shown: the newest one, for a while; then the newest error that nobody has answered.
    pub fn message(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.is_open(self.now_ms))
    }

    /// How many messages the one that is shown covers, so that nobody may have seen them: errors and warnings, and what was said
    /// in the same turn.
    pub fn covered(&self) -> usize {
        let Some(shown) = self.message() else { return 0 };
        let is_unseen = |message: &&Message| {
            matches!(message.severity, Severity::Warn | Severity::Fail) || message.turn == shown.turn
        };
        self.messages.iter().filter(|message| message.is_open(self.now_ms)).filter(is_unseen).count().saturating_sub(1)
    }

    /// A message is shown or covered that goes away by itself.
    pub fn has_passing_message(&self) -> bool {
        self.messages.iter().any(|message| message.severity != Severity::Fail && message.is_open(self.now_ms))
    }
}
