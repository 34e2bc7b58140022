//! What a person may ask of a run while it goes on.

use tokio::sync::mpsc;

/// A request to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End running checks, start no other, clean up, report.
    Cancel,
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
    /// Cancels the run; one that has ended takes no notice.
    pub fn cancel(&self) {
        let _ = self.0.send(Request::Cancel);
    }
}

impl Requests {
    /// The next request; waits forever where none can come any more.
    pub(super) async fn next(&mut self) -> Request {
        match self.0.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}
