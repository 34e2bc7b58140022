//! What happens in a deploy, as it is shown, recorded and replayed.

use serde::{Deserialize, Serialize};

/// Whether a bundle is installed or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Releases are installed or upgraded.
    #[default]
    Install,
    /// Releases are uninstalled.
    Remove,
}

impl Way {
    fn pick(self, install: &'static str, remove: &'static str) -> &'static str {
        match self {
            Way::Install => install,
            Way::Remove => remove,
        }
    }

    /// What is asked for.
    pub fn verb(self) -> &'static str {
        self.pick("deploy", "remove")
    }

    /// The same as a noun.
    pub fn noun(self) -> &'static str {
        self.pick("deploy", "removal")
    }

    /// The same as a command of this program.
    pub fn command(self) -> &'static str {
        self.pick("deploy", "undeploy")
    }

    /// Before the name of a cluster.
    pub fn to(self) -> &'static str {
        self.pick("to", "from")
    }

    /// What a release is when it is done.
    pub fn done(self) -> &'static str {
        self.pick("installed", "removed")
    }

    /// What fails when it does.
    pub fn doing(self) -> &'static str {
        self.pick("deploy the bundle", "remove the bundle")
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deploy", rename_all = "kebab-case")]
pub enum Body {
    /// First: what will be done, in order.
    Planned {
        /// The id of the run.
        run_id: String,
        /// The folder of the bundle.
        bundle: String,
        /// The cluster.
        context: String,
        /// Install or remove.
        way: Way,
        /// The releases, in order.
        releases: Vec<Planned>,
    },
    /// What a release does or waits for, each time that changes.
    State {
        /// The release.
        release: String,
        /// What it does.
        state: State,
    },
    /// A line that Helm printed.
    Log {
        /// The release.
        release: String,
        /// The line, without credentials.
        text: String,
    },
    /// How it ended.
    Ended {
        /// The outcome.
        outcome: Outcome,
    },
}

/// A release of the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// Its component.
    pub component: String,
    /// Where it is installed.
    pub namespace: String,
    /// Chart and version, or what the bundle holds.
    pub chart: String,
    /// Releases of one level do not need each other.
    pub level: usize,
    /// The releases that come before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// An object that is awaited, and why it is not ready.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pending {
    /// `Deployment cert-manager/cert-manager`.
    pub object: String,
    /// The reason.
    pub why: String,
}

impl std::fmt::Display for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.object, self.why)
    }
}

/// What a release does or waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Other releases come first.
    Waiting {
        /// Those that are not done.
        behind: Vec<String>,
    },
    /// Its record in the cluster is being read.
    Looking,
    /// Helm is at work.
    Installing {
        /// What it found.
        found: Found,
        /// How often it was tried before.
        #[serde(default, skip_serializing_if = "is_zero")]
        tried: u32,
        /// Hooks that Helm waits for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        waiting: Vec<Pending>,
    },
    /// A failure that is known to settle; it is tried again.
    Retrying {
        /// What settles.
        reason: String,
        /// The last words of Helm.
        said: String,
        /// How often it was tried.
        tried: u32,
        /// Until the next try.
        in_seconds: u64,
    },
    /// Helm is done; objects are awaited.
    NotReady {
        /// Those that are not ready.
        pending: Vec<Pending>,
    },
    /// It is done.
    Ready {
        /// It was there with the same content.
        already: bool,
        /// Its objects were awaited.
        awaited: bool,
        /// Since it was begun.
        seconds: u64,
    },
    /// Helm removes it.
    Removing,
    /// It is gone.
    Removed {
        /// It was not there.
        already: bool,
    },
    /// It could not be done.
    Failed {
        /// Why.
        reason: String,
        /// Objects that were not ready.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pending: Vec<Pending>,
    },
    /// It was begun and then canceled.
    Canceled,
    /// It was not begun.
    NotStarted {
        /// Why.
        because: String,
    },
}

// serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl State {
    /// One or two words for a state column.
    pub fn word(&self) -> &'static str {
        match self {
            State::Waiting { .. } => "waiting",
            State::Looking => "looking",
            State::Installing { found: Found::Absent, .. } => "installing",
            State::Installing { found: Found::Half { .. }, .. } => "continuing",
            State::Installing { .. } => "upgrading",
            State::Retrying { .. } => "retrying",
            State::NotReady { .. } => "not ready",
            State::Ready { awaited: false, .. } => "installed",
            State::Ready { .. } => "ready",
            State::Removing => "removing",
            State::Removed { already: true } => "not there",
            State::Removed { .. } => "removed",
            State::Failed { .. } => "failed",
            State::Canceled => "canceled",
            State::NotStarted { .. } => "not started",
        }
    }

    /// What it waits for or what went wrong; the first line is the most important one.
    pub fn details(&self) -> Vec<String> {
        let words = |pending: &[Pending]| pending.iter().map(ToString::to_string).collect::<Vec<_>>();
        match self {
            State::Waiting { behind } if behind.is_empty() => Vec::new(),
            State::Waiting { behind } => vec![format!("for {}", behind.join(", "))],
            State::Looking | State::Removing | State::Removed { .. } => Vec::new(),
            State::Canceled => vec!["a later run continues from here".to_owned()],
            State::Installing { found, tried, waiting } => {
                let tried = if *tried == 0 { String::new() } else { format!("try {}", tried + 1) };
                let found = match found {
                    Found::Half { status } => format!("an earlier run left it {status}"),
                    _ => String::new(),
                };
                let first = [tried, found].into_iter().filter(|words| !words.is_empty());
                let first: Vec<String> = first.collect();
                let first = (!first.is_empty()).then(|| first.join("; "));
                words(waiting).into_iter().map(|hook| format!("hook {hook}")).chain(first).collect()
            }
            State::Retrying { reason, said, tried, in_seconds } => {
                vec![format!("{reason}; try {} in {in_seconds} s", tried + 1), said.clone()]
            }
            State::NotReady { pending } => words(pending),
            State::Ready { already, seconds, .. } => {
                vec![if *already { "already there".to_owned() } else { format!("after {seconds} s") }]
            }
            State::Failed { reason, pending } => [reason.clone()].into_iter().chain(words(pending)).collect(),
            State::NotStarted { because } => vec![because.clone()],
        }
    }

    /// Nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            State::Ready { .. }
                | State::Removed { .. }
                | State::Failed { .. }
                | State::Canceled
                | State::NotStarted { .. }
        )
    }

    /// It is as it was wanted.
    pub fn is_done(&self) -> bool {
        matches!(self, State::Ready { .. } | State::Removed { .. })
    }
}

/// What the cluster has of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum Found {
    /// Nothing, or what was uninstalled.
    Absent,
    /// It is deployed with the content of the bundle.
    Same,
    /// It is there with another content, or has failed.
    Other,
    /// A run was interrupted: Helm does not continue where it was killed.
    Half {
        /// As Helm calls it: `pending-install`.
        status: String,
    },
}

/// How a deploy ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything that was planned is done.
    Done,
    /// Everything is installed, but the DRA driver was not restarted.
    RestartWithheld,
    /// A release failed, or something was left.
    Failed,
    /// A person ended it.
    Canceled,
}

impl Outcome {
    /// For the last line.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::RestartWithheld => "installed, but the DRA driver was not restarted",
            Outcome::Failed => "failed",
            Outcome::Canceled => "canceled",
        }
    }
}
