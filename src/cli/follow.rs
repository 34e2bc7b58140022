//! Runs a validation while its events are printed and signals are heard.
//!
//! Printing has a thread and a queue of its own: a reader of our output that stops reading stops the printing and nothing
//! else. The run goes on, limits count, and Ctrl-C works.

use super::{
    Printer, Stop,
    cluster::{Interrupts, reader_gone},
};
use crate::{
    cluster::Connection,
    ops::{
        self, Failure,
        run::{self, Control, EventLog, Prepared, Request, Step, record},
    },
    report::{Report, escape, plan},
    validate::event::{self, Body, Event},
};
use std::{io, sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// What an interrupted program waits for its readers to take before it ends without them.
const LAST_LINES_LIMIT: Duration = Duration::from_secs(2);

/// What the printing thread is given.
enum Line {
    Event(Arc<Event>),
    Warning(&'static str),
    Note(&'static str),
    /// What comes next, of a run that has stopped.
    Plan(String),
}

/// What a person may say to a run that has stopped.
const STEPS: &str = "Enter goes on, r runs to the end, c cancels:";

/// What a run that has stopped would create and run next.
fn before_stop(prepared: &Prepared, before: &event::Stop) -> Vec<String> {
    match before {
        event::Stop::Phase { phase } => plan::of_phase(&prepared.plan, *phase),
        event::Stop::Check { check } => {
            let next = prepared.plan.checks.iter().find(|planned| planned.check.name == *check);
            next.map(|next| format!("{check}: {}", plan::brief(next))).into_iter().collect()
        }
        event::Stop::Asked => Vec::new(),
    }
}

/// Runs a prepared validation until it ends or is interrupted; `show` gets every event, on a thread of its own. Without a
/// connection, readiness is judged and nothing else.
///
/// When `show` fails, the run is canceled and cleaned up, and its failure is returned. The same where it prints to standard
/// output as it goes (`streams`) and the reader of that goes away, which an event that is long in coming would not show.
///
/// # Errors
/// As `show`; a second interrupt.
pub async fn follow(
    connection: Option<&Connection>,
    prepared: &Arc<Prepared>,
    printer: &Printer,
    streams: bool,
    mut show: impl FnMut(&Event) -> Result<(), Stop> + Send + 'static,
) -> Result<Followed, Stop> {
    let mut interrupts = Interrupts::new()?;
    let (writer, log) = EventLog::new();
    let (control, requests) = run::control();
    let (queue, lines) = std::sync::mpsc::channel::<Line>();
    let warnings = printer.clone();
    let printed = apart(move || {
        for line in lines {
            match line {
                Line::Event(event) => show(&event)?,
                Line::Warning(text) => warnings.warn(text),
                Line::Note(text) => warnings.note(text),
                Line::Plan(text) => warnings.note(escape::line(&text)),
            }
        }
        Ok(())
    });
    let (events, canceling) = (queue.clone(), control.clone());
    let (mut reader, records) = (log.reader(), log.reader());
    drop(log);
    let stops = (prepared.options.step != Step::None).then(|| answered(control.clone(), printer.clone()));
    let reading = async move {
        while let Some(event) = reader.next().await {
            let next = match &event.body {
                Body::Paused { before } => Some(before_stop(prepared, before)),
                _ => None,
            };
            if events.send(Line::Event(event)).is_err() {
                // Printing failed; why is returned at the end.
                canceling.cancel();
            }
            if let (Some(stops), Some(next)) = (&stops, next) {
                next.into_iter().for_each(|line| drop(events.send(Line::Plan(line))));
                let _ = events.send(Line::Note(STEPS));
                // Standard input may have ended, which has canceled the run.
                let _ = stops.send(());
            }
        }
    };
    let running = async {
        match connection {
            Some(connection) => run::run(connection, prepared, writer, requests).await,
            None => run::judge(prepared, writer),
        }
    };
    // A record that cannot be written does not stop a run.
    let recording = async move {
        let (Some(connection), true) = (connection, prepared.options.record) else { return };
        let recorded = match record::folder() {
            Ok(folder) => record::record(folder, prepared, &connection.context, records).await.map(drop),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = recorded {
            printer.warn(format!("no record is kept: {}", failure.why()));
        }
    };
    let work = async { tokio::join!(running, reading, recording).0 };
    tokio::pin!(work);
    let mut interrupted = false;
    let mut gone = std::pin::pin!(reader_gone());
    let mut watched = streams;
    let report = loop {
        tokio::select! {
            report = &mut work => break report,
            // What is printed next fails, and that is returned.
            () = &mut gone, if watched => {
                watched = false;
                control.cancel();
            }
            () = interrupts.next() => {
                if interrupted {
                    return Err(run::abandoned(prepared).into());
                }
                interrupted = true;
                // Where printing failed there is nobody to warn.
                let _ = queue.send(Line::Warning("interrupted: removing what was created; once more to stop at once"));
                control.cancel();
            }
        }
    };
    // The printing thread ends with its queue.
    drop(queue);
    let mut signals = Signals { interrupts, interrupted };
    let printed = signals.wait(printed).await;
    printed?;
    Ok(Followed { report, signals })
}

/// Reads one answer from standard input for each stop that is reported. Where it has ended, nobody can say to go on, and the
/// run is canceled.
fn answered(control: Control, printer: Printer) -> std::sync::mpsc::Sender<()> {
    let (stops, stopped) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for () in stopped {
            let mut line = String::new();
            let request = match io::stdin().read_line(&mut line) {
                Ok(0) | Err(_) => {
                    printer.warn("standard input has ended, so nothing can say to go on: canceling");
                    Request::Cancel
                }
                Ok(_) => match line.trim() {
                    "c" => Request::Cancel,
                    line => Request::Continue { to_end: line == "r" },
                },
            };
            control.ask(request);
        }
    });
    stops
}

/// A run that has ended; signals are still heard.
pub struct Followed {
    pub report: Report,
    signals: Signals,
}

impl Followed {
    /// Writes a result where its reader may be slow; an interrupt ends the wait for it.
    ///
    /// # Errors
    /// As `work`; an interrupt.
    pub async fn write(&mut self, work: impl FnOnce() -> Result<(), Stop> + Send + 'static) -> Result<(), Stop> {
        self.signals.wait(apart(work)).await
    }
}

struct Signals {
    interrupts: Interrupts,
    interrupted: bool,
}

impl Signals {
    /// Waits until something is printed; not for long where a person has asked to stop already.
    async fn wait(&mut self, printed: oneshot::Receiver<Result<(), Stop>>) -> Result<(), Stop> {
        let unread = || {
            let because = "interrupted while the reader of the output did not read";
            Err(Failure::new(ops::Kind::Interrupted, "print everything", because).into())
        };
        let limit = async {
            match self.interrupted {
                true => tokio::time::sleep(LAST_LINES_LIMIT).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            printed = printed => printed.unwrap_or_else(|_| {
                Err(Failure::new(ops::Kind::Internal, "print everything", "the printing thread panicked").into())
            }),
            () = self.interrupts.next() => unread(),
            () = limit => unread(),
        }
    }
}

/// Runs blocking work on a thread of its own, which is abandoned when the program ends first.
pub(super) fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, result) = oneshot::channel();
    // The receiver may have stopped waiting.
    std::thread::spawn(move || drop(done.send(work())));
    result
}

/// Prints last words, but does not wait long for their reader.
pub fn last_words(print: impl FnOnce() + Send + 'static) {
    let (done, printed) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        print();
        let _ = done.send(());
    });
    let _ = printed.recv_timeout(LAST_LINES_LIMIT);
}
