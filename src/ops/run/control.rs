//! What a person may ask of a run while it goes on.

use tokio::sync::mpsc;

/// A request to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// End running checks, start no other, clean up, report.
    Cancel,
    /// Start no other check and remove nothing: Jobs that were created go on without this program.
    Leave,
    /// End this check, or do not start it; the others go on.
    CancelCheck(String),
    /// Start no further check; those that run go on.
    Pause,
    /// Go on after a stop. `to_end` makes no more stops.
    Continue { to_end: bool },
}

/// Where a run stops by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    #[default]
    None,
    /// Before each phase.
    Phases,
    /// Before each check, which then run one by one.
    Checks,
}

/// The asking side; may be cloned.
#[derive(Clone, Debug)]
pub struct Control(mpsc::UnboundedSender<Request>);

/// The side of the run.
#[derive(Debug)]
pub struct Requests(mpsc::UnboundedReceiver<Request>);

/// Both sides. A run whose control was dropped goes on to its end.
pub fn control() -> (Control, Requests) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Control(sender), Requests(receiver))
}

impl Control {
    /// Asks; a run that has ended takes no notice.
    pub fn ask(&self, request: Request) {
        let _ = self.0.send(request);
    }

    /// Leaves the run to the cluster.
    pub fn leave(&self) {
        self.ask(Request::Leave);
    }

    /// Cancels the run.
    pub fn cancel(&self) {
        self.ask(Request::Cancel);
    }
}

impl Requests {
    /// The next request; waits forever where none can come any more.
    pub(in crate::ops) async fn next(&mut self) -> Request {
        match self.0.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}
