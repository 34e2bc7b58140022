//! The log of a run: append-only, with one writer and any number of readers.
//!
//! Appending never waits. A reader keeps its own place and goes at its own speed; one that is slow, stopped or dropped costs
//! the run nothing. An event is kept until every reader has read it, and as long as the log itself is held, from which new
//! readers begin: a check may write a million lines, and those that are shown and recorded are in nobody's way any more.

use crate::validate::event::{Body, Event};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// What is late by less is as it was seen: servers state whole seconds, and observations overtake each other.
const LATE_MS: u64 = 2_000;

/// Where readers begin: with the first event. Whoever has its readers drops it, so that what they have read is not kept.
#[derive(Clone, Debug)]
pub struct EventLog {
    first: Arc<Link>,
    length: watch::Receiver<u64>,
}

/// The writing end; the log is complete when it is dropped.
#[derive(Debug)]
pub struct Writer {
    /// The link that the next event is put in.
    end: Arc<Link>,
    last_ms: u64,
    length: watch::Sender<u64>,
}

/// One reader's place in a log.
#[derive(Clone, Debug)]
pub struct Reader {
    at: Arc<Link>,
    length: watch::Receiver<u64>,
}

/// A place in the log: empty until there is an event, which then comes with the place after it. Links are held from before
/// only, so what every reader has passed is freed.
#[derive(Debug, Default)]
struct Link(OnceLock<(Arc<Event>, Arc<Link>)>);

impl Drop for Link {
    // One after the other: a stopped reader may be the last one to hold a million of them, each inside the one before.
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some((_, link)) = next {
            next = Arc::into_inner(link).and_then(|mut link| link.0.take());
        }
    }
}

impl EventLog {
    /// An empty log and its writer.
    pub fn new() -> (Writer, EventLog) {
        let (sender, length) = watch::channel(0);
        let first: Arc<Link> = Arc::default();
        (Writer { end: first.clone(), last_ms: 0, length: sender }, EventLog { first, length })
    }

    /// A reader that begins with the first event.
    pub fn reader(&self) -> Reader {
        Reader { at: self.first.clone(), length: self.length.clone() }
    }
}

impl Writer {
    /// Appends an event. Time in a log does not go back: an observation that was overtaken by another is written with the
    /// time of the event before it, and says when it was where that is long before.
    pub fn append(&mut self, observed_at_ms: u64, body: Body) -> Arc<Event> {
        self.last_ms = observed_at_ms.max(self.last_ms);
        let seq = *self.length.borrow();
        let is_late = observed_at_ms.saturating_add(LATE_MS) < self.last_ms;
        let stated_at_ms = is_late.then_some(observed_at_ms);
        let event = Arc::new(Event { seq, observed_at_ms: self.last_ms, stated_at_ms, body });
        let next: Arc<Link> = Arc::default();
        // Nobody else writes: the end is empty.
        let _ = self.end.0.set((event.clone(), next.clone()));
        self.end = next;
        self.length.send_replace(seq + 1);
        event
    }
}

impl Reader {
    /// The next event; waits for it, and is `None` after the last one of a complete log.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            if let Some(event) = self.ready() {
                return Some(event);
            }
            if self.length.changed().await.is_err() {
                // The writer may have appended between the two looks.
                return self.ready();
            }
        }
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<Arc<Event>> {
        self.length.mark_unchanged();
        let (event, next) = self.at.0.get()?.clone();
        self.at = next;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::event::Severity;

    fn notice(text: &str) -> Body {
        Body::Notice { severity: Severity::Info, text: text.to_owned() }
    }

    #[tokio::test]
    async fn readers_get_every_event_in_order_at_their_own_speed() {
        let (mut writer, log) = EventLog::new();
        let mut early = log.reader();
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            while let Some(event) = early.next().await {
                read.push((event.seq, event.observed_at_ms));
            }
            read
        });
        // Nobody reads `stopped`, and appending does not wait for it.
        let stopped = log.reader();
        for index in 0..10_000 {
            writer.append(index, notice("x"));
            if index % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        writer.append(5, notice("overtaken"));
        drop(writer);
        let read = reading.await.unwrap();
        assert_eq!(read.len(), 10_001);
        assert!(read.iter().enumerate().all(|(index, (seq, _))| *seq == index as u64));
        assert_eq!(read.last(), Some(&(10_000, 9999)), "time does not go back");
        let mut late = stopped;
        assert_eq!(late.next().await.map(|event| event.seq), Some(0));
    }

    #[tokio::test]
    async fn an_event_is_kept_until_every_reader_has_read_it() {
        let (mut writer, log) = EventLog::new();
        let (mut quick, mut slow) = (log.reader(), log.reader());
        let kept = Arc::downgrade(&writer.append(0, notice("x")));
        quick.next().await;
        slow.next().await;
        assert!(kept.upgrade().is_some(), "the log is held, and a reader may begin");
        drop(log);
        assert!(kept.upgrade().is_none(), "nobody will read it");
        let kept = Arc::downgrade(&writer.append(0, notice("y")));
        quick.next().await;
        assert!(kept.upgrade().is_some(), "one reader is behind");
        drop(slow);
        assert!(kept.upgrade().is_none());
    }

    /// Links that free each other would take more stack than a thread has.
    #[test]
    fn a_reader_that_stopped_long_ago_can_be_dropped() {
        let (mut writer, log) = EventLog::new();
        let stopped = log.reader();
        drop(log);
        for index in 0..1_000_000 {
            writer.append(index, Body::Resumed);
        }
        let first = Arc::downgrade(&stopped.at);
        drop(stopped);
        assert!(first.upgrade().is_none());
    }
}
