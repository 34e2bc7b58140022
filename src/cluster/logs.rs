//! Follows the output of a container, line by line.

use super::{
    Connection,
    active_time::{self, RunClock},
    backoff::Backoff,
    collect::list::encoded,
    object_watch::{LONGEST_WAIT, Observed, SHORTEST_WAIT},
    objects,
};
use crate::validate::event::Moment;
use futures::AsyncBufReadExt;
use tokio::sync::{mpsc::Sender, watch::Receiver};

/// Of one line of output; the rest of a longer one is dropped.
const LINE_BYTES: usize = 16 << 10;
/// Attempts without a new line before the rest of the output is given up.
const ATTEMPTS: u32 = 8;

/// Which output.
#[derive(Clone, Debug)]
pub struct Output {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// What the kubelet stamped clearly before that was there before anybody followed, and keeps its time; 0 for nothing.
    pub followed_since_ms: u64,
}

/// Milliseconds that the clock of a node may differ by.
const APART_MS: u64 = 2_000;

impl Output {
    /// When a line is to have been seen that the kubelet stamped, and that arrives now.
    fn seen(&self, stamp: &str, now: Moment) -> Moment {
        let written: Option<jiff::Timestamp> = stamp.parse().ok();
        let written_ms = written.and_then(|at| u64::try_from(at.as_millisecond()).ok());
        let was_there = written_ms.filter(|at| at.saturating_add(APART_MS) < self.followed_since_ms);
        was_there.map_or(now, |observed_at_ms| Moment { observed_at_ms, ..now })
    }
}

/// The newest time stamp that was read, and how many lines have it.
#[derive(Clone, Debug, Default)]
struct Last {
    stamp: String,
    lines: usize,
}

impl Last {
    fn take(&mut self, stamp: &str) {
        if self.stamp == stamp {
            self.lines += 1;
        } else {
            *self = Last { stamp: stamp.to_owned(), lines: 1 };
        }
    }

    /// Whether a line of that stamp was read before; to be asked once for each line of a resumed output.
    fn repeats(&mut self, stamp: &str) -> bool {
        if stamp == self.stamp && self.lines > 0 {
            self.lines -= 1;
            return true;
        }
        stamp < self.stamp.as_str()
    }
}

/// Follows to the end; `None` marks the end. Each line is stamped when it arrives.
///
/// A connection that breaks, that was open while the process was paused, or that ends while the container still runs, is
/// resumed where it was, by the time stamps that the kubelet writes. Bytes that are not UTF-8 are replaced, lines longer
/// than 16 KiB cut. `ended`
/// says that the container was seen to have ended: the rest is read then, without a wait; where its sender is gone, nobody says it.
pub async fn follow(
    connection: Connection,
    output: Output,
    clock: RunClock,
    mut ended: Receiver<bool>,
    lines: Sender<Observed<Option<String>>>,
) {
    let mut last = Last::default();
    let mut pauses = clock.pauses();
    let mut backoff = Backoff::new(SHORTEST_WAIT, LONGEST_WAIT);
    while !lines.is_closed() {
        pauses.mark_unchanged();
        let (fruitful, complete) = read(&connection, &output, &clock, &mut pauses, &mut last, &lines).await;
        if complete && has_ended(&connection, &output).await {
            break;
        }
        if fruitful {
            backoff.succeeded();
        }
        if backoff.attempt() >= ATTEMPTS {
            break;
        }
        let wait = backoff.failed();
        let (pod, attempt) = (&output.pod, backoff.attempt());
        tracing::info!(pod, attempt, wait_ms = wait.as_millis(), "output interrupted; reading on");
        tokio::select! {
            () = active_time::sleep(wait) => {}
            () = told(&mut ended) => {}
        }
    }
    // Without a reader nobody waits for the end either.
    let _ = lines.send(Observed { at: clock.now(), what: None }).await;
}

/// Waits until the end is said, which it is once; for ever where nobody says it.
async fn told(ended: &mut Receiver<bool>) {
    if ended.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reads one connection to its end: whether it brought a new line, and whether it ended as output ends.
async fn read(
    connection: &Connection,
    output: &Output,
    clock: &RunClock,
    pauses: &mut tokio::sync::watch::Receiver<active_time::Pauses>,
    last: &mut Last,
    lines: &Sender<Observed<Option<String>>>,
) -> (bool, bool) {
    let Output { namespace, pod, container, followed_since_ms: _ } = output;
    let since = if last.stamp.is_empty() { String::new() } else { format!("&sinceTime={}", encoded(&last.stamp)) };
    let url = format!(
        "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&follow=true&timestamps=true{since}"
    );
    let mut fruitful = false;
    let Ok(request) = http::Request::get(url).body(Vec::new()) else { return (fruitful, true) };
    let Ok(body) = connection.client.request_stream(request).await else { return (fruitful, false) };
    let mut body = std::pin::pin!(body);
    // sinceTime includes the second that it names: what was read of it comes again.
    let mut repeated = last.clone();
    loop {
        let line = tokio::select! {
            biased;
            () = lines.closed() => return (fruitful, true),
            line = next_line(&mut body) => line,
            _ = pauses.changed() => return (true, false),
        };
        let Ok(line) = line else { return (fruitful, false) };
        let Some(line) = line else { return (fruitful, true) };
        let (stamp, text) = line.split_once(' ').unwrap_or((&line, ""));
        if repeated.repeats(stamp) {
            continue;
        }
        fruitful = true;
        last.take(stamp);
        let at = output.seen(stamp, clock.now());
        if lines.send(Observed { at, what: Some(text.to_owned()) }).await.is_err() {
            return (fruitful, true);
        }
    }
}

/// Whether a container has ended, or cannot be asked about any more.
async fn has_ended(connection: &Connection, output: &Output) -> bool {
    let Ok(Some(pod)) = objects::find(connection, "Pod", &output.namespace, &output.pod).await else { return true };
    ["containerStatuses", "initContainerStatuses"]
        .iter()
        .flat_map(|key| pod["status"][*key].as_array().into_iter().flatten())
        .find(|status| status["name"] == output.container)
        .is_none_or(|status| status.pointer("/state/running").is_none())
}

/// The next line without its end, shortened where it is longer than anybody reads; `None` at the end.
async fn next_line(body: &mut (impl futures::AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line: Vec<u8> = Vec::new();
    let mut dropped = 0;
    loop {
        let chunk = body.fill_buf().await?;
        if chunk.is_empty() && line.is_empty() {
            return Ok(None);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let kept = part.len().min(LINE_BYTES - line.len());
        line.extend_from_slice(&part[..kept]);
        dropped += part.len() - kept;
        let (is_last, taken) = (chunk.is_empty() || end.is_some(), part.len() + usize::from(end.is_some()));
        body.consume_unpin(taken);
        if is_last {
            let mut line = String::from_utf8_lossy(&line).into_owned();
            if dropped > 0 {
                line.push_str(&format!(" … {dropped} more bytes"));
            }
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    /// Lines of an output that comes in pieces of three bytes.
    async fn lines(output: &[u8]) -> Vec<String> {
        let pieces = futures::stream::iter(output.chunks(3).map(Ok::<_, std::io::Error>));
        let mut body = std::pin::pin!(pieces.into_async_read());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut body).await.expect("no error in memory") {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn a_resumed_output_repeats_nothing_and_loses_nothing() {
        let mut last = Last::default();
        ["08:00:01", "08:00:02", "08:00:02"].into_iter().for_each(|stamp| last.take(stamp));
        let again = ["08:00:01", "08:00:02", "08:00:02", "08:00:02", "08:00:03"];
        let new: Vec<&str> = again.into_iter().filter(|stamp| !last.repeats(stamp)).collect();
        assert_eq!(new, ["08:00:02", "08:00:03"], "a third line of the same second is new");
    }

    #[test]
    fn what_was_written_before_somebody_followed_keeps_its_time() {
        const NINE: u64 = 1_768_381_200_000;
        let output = Output {
            namespace: String::new(),
            pod: String::new(),
            container: String::new(),
            followed_since_ms: NINE + 60_000,
        };
        let now = Moment { observed_at_ms: NINE + 61_000, active_ms: 7 };
        let seen = |stamp: &str| output.seen(stamp, now);
        assert_eq!(seen("2026-01-14T09:00:05.250000000Z"), Moment { observed_at_ms: NINE + 5_250, active_ms: 7 });
        for stamp in ["2026-01-14T09:00:59.5Z", "2026-01-14T09:01:00.5Z", "", "yesterday"] {
            assert_eq!(seen(stamp), now, "{stamp}: its arrival is finer");
        }
        let own = Output { followed_since_ms: 0, ..output };
        assert_eq!(own.seen("2026-01-14T09:00:05Z", now), now);
    }

    #[tokio::test]
    async fn output_is_cut_at_line_ends_and_nowhere_else() {
        assert_eq!(lines(b"one\n\nthree\nno end").await, ["one", "", "three", "no end"]);
        assert_eq!(lines(b"").await, [""; 0]);
        assert_eq!(lines("größer\n".as_bytes()).await, ["größer"]);
        assert_eq!(lines(b"a\xffb\n").await, ["a\u{fffd}b"], "bytes that are no text stay visible");
    }

    #[tokio::test]
    async fn a_line_without_end_costs_no_more_than_its_beginning() {
        let output = [vec![b'x'; LINE_BYTES + 1000], b"\nnext\n".to_vec()].concat();
        let lines = lines(&output).await;
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("x … 1000 more bytes") && lines[0].len() < LINE_BYTES + 30, "{}", lines[0].len());
        assert_eq!(lines[1], "next");
    }
}
