//! Lines that containers wrote, kept until their pod is gone.

use super::status::Refusal;
use bytes::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// All logs, by UID of the pod and name of the container.
#[derive(Default)]
pub struct Logs(Mutex<HashMap<(String, String), Runs>>);

/// What a container wrote since it was started last, and before that.
#[derive(Default)]
struct Runs {
    last: Arc<Log>,
    before: Option<Arc<Log>>,
}

/// The log of one container.
pub struct Log {
    lines: Mutex<Vec<(Timestamp, String)>>,
    /// Number of lines, and whether there will be no more.
    state: watch::Sender<(usize, bool)>,
}

/// Which part of a log is wanted.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    pub follow: bool,
    pub timestamps: bool,
    /// Lines at or after this time.
    pub since: Option<Timestamp>,
    pub tail: Option<usize>,
    pub limit_bytes: Option<usize>,
}

impl Logs {
    /// The log of a container, begun if it is new.
    pub fn of(&self, uid: &str, container: &str) -> Arc<Log> {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&logs.entry((uid.to_owned(), container.to_owned())).or_default().last)
    }

    /// A new log for a container that is started again; that of before is kept, and none older.
    pub fn restart(&self, uid: &str, container: &str) -> Arc<Log> {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = logs.entry((uid.to_owned(), container.to_owned())).or_default();
        runs.before = Some(std::mem::take(&mut runs.last));
        Arc::clone(&runs.last)
    }

    /// The log of a container that ran before; one that waits to be started again is that itself.
    pub fn before(&self, uid: &str, container: &str) -> Option<Arc<Log>> {
        let logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = logs.get(&(uid.to_owned(), container.to_owned()))?;
        if runs.last.state.borrow().1 { Some(Arc::clone(&runs.last)) } else { runs.before.clone() }
    }

    /// Forgets the logs of a pod; who follows one sees its end.
    pub fn forget(&self, uid: &str) {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logs.retain(|(of, _), runs| {
            if of == uid {
                runs.last.close();
            }
            of != uid
        });
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { lines: Mutex::new(Vec::new()), state: watch::Sender::new((0, false)) }
    }
}

impl Log {
    pub fn push(&self, at: Timestamp, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((at, line));
        let count = lines.len();
        drop(lines);
        self.state.send_modify(|state| state.0 = count);
    }

    pub fn close(&self) {
        self.state.send_modify(|state| state.1 = true);
    }

    /// The last lines.
    pub fn tail(&self, count: usize) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines[lines.len().saturating_sub(count)..].iter().map(|(_, line)| line.clone()).collect()
    }

    fn read(&self, from: usize) -> Vec<(Timestamp, String)> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(from..).unwrap_or_default().to_vec()
    }

    /// The wanted part, piece by piece; ends where the log ends, or at once without `follow`.
    pub fn stream(self: Arc<Log>, query: LogQuery) -> impl Stream<Item = Bytes> + Send {
        let state = self.state.subscribe();
        let first = self.first(&query);
        let reading = Reading { log: self, state, next: first, left: query.limit_bytes, query };
        stream::unfold(reading, |mut reading| async move {
            let piece = reading.piece().await?;
            Some((piece, reading))
        })
    }

    /// Index of the first line that is wanted.
    fn first(&self, query: &LogQuery) -> usize {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let by_time = query.since.map_or(0, |since| lines.partition_point(|(at, _)| *at < since));
        let by_tail = query.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        by_time.max(by_tail)
    }
}

struct Reading {
    log: Arc<Log>,
    state: watch::Receiver<(usize, bool)>,
    next: usize,
    left: Option<usize>,
    query: LogQuery,
}

impl Reading {
    async fn piece(&mut self) -> Option<Bytes> {
        loop {
            let is_closed = self.state.borrow_and_update().1;
            let lines = self.log.read(self.next);
            if !lines.is_empty() && self.left != Some(0) {
                self.next += lines.len();
                return Some(self.text(&lines));
            }
            if is_closed || !self.query.follow || self.left == Some(0) || self.state.changed().await.is_err() {
                return None;
            }
        }
    }

    fn text(&mut self, lines: &[(Timestamp, String)]) -> Bytes {
        let mut text = String::new();
        for (at, line) in lines {
            if self.query.timestamps {
                text.push_str(&format!("{at:.9} "));
            }
            text.push_str(line);
            text.push('\n');
        }
        let mut bytes = text.into_bytes();
        if let Some(left) = &mut self.left {
            bytes.truncate(*left);
            *left -= bytes.len();
        }
        Bytes::from(bytes)
    }
}

impl LogQuery {
    /// # Errors
    /// 400 for a time or number that is none.
    pub fn parse(of: impl Fn(&str) -> Option<String>, now: Timestamp) -> Result<LogQuery, Refusal> {
        let bad =
            |name: &str, text: &str| Refusal::bad_request(format!("invalid value {text:?} of query parameter {name}"));
        let number = |name: &str| match of(name) {
            None => Ok(None),
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| bad(name, &text)),
        };
        let flag = |name: &str| of(name).is_some_and(|text| text == "true" || text == "1");
        let mut since = None;
        if let Some(text) = of("sinceTime") {
            let time: Timestamp = text.parse().map_err(|_| bad("sinceTime", &text))?;
            // The kubelet is asked in whole seconds.
            since = Timestamp::from_second(time.as_second()).ok();
        }
        if let Some(seconds) = number("sinceSeconds")? {
            since = now.checked_sub(std::time::Duration::from_secs(seconds as u64)).ok();
        }
        Ok(LogQuery {
            follow: flag("follow"),
            timestamps: flag("timestamps"),
            since,
            tail: number("tailLines")?,
            limit_bytes: number("limitBytes")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    async fn text(log: &Arc<Log>, query: LogQuery) -> String {
        let pieces: Vec<Bytes> = Arc::clone(log).stream(query).collect().await;
        String::from_utf8(pieces.concat()).expect("text")
    }

    #[tokio::test]
    async fn a_part_of_a_log_is_asked_for_by_time_count_and_size() {
        let log = Logs::default().of("u", "c");
        for second in 1..=3 {
            log.push(at(second), format!("line {second}"));
        }
        assert_eq!(text(&log, LogQuery::default()).await, "line 1\nline 2\nline 3\n");
        assert_eq!(text(&log, LogQuery { since: Some(at(3)), ..LogQuery::default() }).await, "line 3\n");
        assert_eq!(
            text(&log, LogQuery { tail: Some(1), timestamps: true, ..LogQuery::default() }).await,
            "1970-01-01T00:00:03.000000000Z line 3\n"
        );
        assert_eq!(text(&log, LogQuery { limit_bytes: Some(9), ..LogQuery::default() }).await, "line 1\nli");
    }

    #[tokio::test]
    async fn a_followed_log_ends_with_its_container() {
        let logs = Logs::default();
        let log = logs.of("u", "c");
        log.push(at(1), "one".to_owned());
        let mut stream = Box::pin(Arc::clone(&log).stream(LogQuery { follow: true, ..LogQuery::default() }));
        assert_eq!(stream.next().await, Some(Bytes::from("one\n")));
        log.push(at(2), "two".to_owned());
        assert_eq!(stream.next().await, Some(Bytes::from("two\n")));
        logs.forget("u");
        assert_eq!(stream.next().await, None);
    }
}
