//! What is said in the message line: for how long, and what takes an error back.

use super::{
    model::{Model, clock},
    msg::{RecipeSlot, SnapshotSlot},
    widgets::text,
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
        // A person has ended it.
        if failure.kind == Kind::Interrupted {
            return self.say(Severity::Warn, format!("canceled: {}", text::clean(&failure.doing)));
        }
        let because = text::clean(failure.why().lines().next().unwrap_or_default()).into_owned();
        // The name of the file, where the reason does not say it; the details have all of its path.
        let name = failure.at.as_deref().and_then(|at| at.rsplit(['/', '\\']).next()).map(text::clean);
        let at = name.filter(|name| !name.is_empty() && !because.contains(&**name) && !failure.doing.contains(&**name));
        let at = at.map_or_else(String::new, |name| format!(" {name}"));
        let text = format!("failed to {}{at}: {because}", text::clean(&failure.doing));
        self.push(Severity::Fail, text, Some(failure));
    }

    fn push(&mut self, severity: Severity, text: String, failure: Option<Failure>) {
        let (at, at_ms) = (clock(self.now_ms), self.now_ms);
        let topic = self.topic.clone().filter(|_| severity == Severity::Fail);
        self.messages.push_back(Message { severity, text, at, at_ms, failure, topic });
        (self.is_acknowledged, self.is_said_now) = (false, true);
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
        self.is_said_now = false;
    }

    /// Another screen is shown: what was said before spoke of the one that it took the place of. A failure stays until it is
    /// answered.
    pub(super) fn screen_changed(&mut self) {
        let is_failure = self.messages.back().is_some_and(|newest| newest.severity == Severity::Fail);
        self.is_acknowledged |= !self.is_said_now && !is_failure;
    }

    /// The error that is shown goes, where it is about this.
    pub(super) fn answered(&mut self, topic: &Topic) {
        self.is_acknowledged |= self.messages.back().is_some_and(|newest| newest.topic.as_ref() == Some(topic));
    }

    /// Takes back what was said, where it is still shown: it has been answered.
    pub fn unsay(&mut self, text: &str) {
        self.is_acknowledged |= self.messages.back().is_some_and(|newest| newest.text == text);
    }

    /// The message that is shown: the newest one, for a while.
    pub fn message(&self) -> Option<&Message> {
        let newest = self.messages.back().filter(|_| !self.is_acknowledged)?;
        (self.now_ms.saturating_sub(newest.at_ms) < newest.life_ms()).then_some(newest)
    }

    /// A message is shown that goes away by itself.
    pub fn has_passing_message(&self) -> bool {
        self.message().is_some_and(|message| message.severity != Severity::Fail)
    }
}
