//! The log of a run: append-only, with one writer and any number of readers.
//!
//! Appending never waits. A reader keeps its own place and goes at its own speed; one that is slow, stopped or dropped costs
//! the run nothing.

use crate::validate::event::{Body, Event};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A handle to read a log with.
#[derive(Clone, Debug)]
pub struct EventLog {
    events: Arc<Mutex<Vec<Arc<Event>>>>,
    length: watch::Receiver<usize>,
}

/// The writing end; the log is complete when it is dropped.
#[derive(Debug)]
pub struct Writer {
    events: Arc<Mutex<Vec<Arc<Event>>>>,
    length: watch::Sender<usize>,
}

/// One reader's place in a log.
#[derive(Clone, Debug)]
pub struct Reader {
    log: EventLog,
    next: usize,
}

impl EventLog {
    /// An empty log and its writer.
    pub fn new() -> (Writer, EventLog) {
        let (sender, length) = watch::channel(0);
        let events: Arc<Mutex<Vec<Arc<Event>>>> = Arc::default();
        (Writer { events: events.clone(), length: sender }, EventLog { events, length })
    }

    /// A reader that begins with the first event.
    pub fn reader(&self) -> Reader {
        Reader { log: self.clone(), next: 0 }
    }
}

impl Writer {
    /// Appends an event. Time in a log does not go back: an observation that was overtaken by another is written with the
    /// time of the event before it.
    pub fn append(&mut self, observed_at_ms: u64, body: Body) -> Arc<Event> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let last_ms = events.last().map_or(0, |event| event.observed_at_ms);
        let seq = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let event = Arc::new(Event { seq, observed_at_ms: observed_at_ms.max(last_ms), body });
        events.push(event.clone());
        let length = events.len();
        drop(events);
        self.length.send_replace(length);
        event
    }
}

impl Reader {
    /// The next event; waits for it, and is `None` after the last one of a complete log.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        loop {
            if let Some(event) = self.read() {
                return Some(event);
            }
            if self.log.length.changed().await.is_err() {
                // The writer may have appended between the two looks.
                return self.read();
            }
        }
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<Arc<Event>> {
        self.read()
    }

    fn read(&mut self) -> Option<Arc<Event>> {
        self.log.length.mark_unchanged();
        let events = self.log.events.lock().unwrap_or_else(PoisonError::into_inner);
        let event = events.get(self.next).cloned()?;
        self.next += 1;
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
}
