//! What a person does at the terminal and what the terminal answers, one after the other.

use crate::term::{
    answers::Answer,
    background::{self, Listener},
    input::{self, Heard, Input},
    probe::Asks,
};
#[cfg(unix)]
use crate::term::{
    keyboard::{self, Decoder},
    probe,
};
use crossterm::event::EventStream;
use futures::StreamExt;
use std::{collections::VecDeque, io, time::Duration};
use tokio::time::Instant;
#[cfg(unix)]
use tokio::{net::unix::pipe::Receiver, time};

/// For so long, a byte that an answer may begin with is not yet a key.
const HELD: Duration = Duration::from_millis(50);

pub(super) enum Keys {
    /// Read by the thread that waits for them: nothing else has to be woken between a key and its frame.
    #[cfg(unix)]
    Own {
        terminal: Receiver,
        decoder: Decoder,
        read: VecDeque<Heard>,
        /// Answers may begin until then.
        awaited: Option<Instant>,
        /// What was read last is a key then.
        decided: Option<Instant>,
    },
    /// By a thread of crossterm, where the terminal cannot be had in another way.
    Library { events: EventStream, listener: Listener, read: VecDeque<Heard> },
}

impl Keys {
    pub(super) fn new() -> Keys {
        #[cfg(unix)]
        // Said to be a pipe, because that is what can be watched without `unsafe`; all that is asked of it is asked of files.
        if let Some(terminal) = keyboard::open().and_then(|file| Receiver::from_file_unchecked(file).ok()) {
            let (decoder, read) = (Decoder::default(), VecDeque::new());
            return Keys::Own { terminal, decoder, read, awaited: None, decided: None };
        }
        Keys::Library { events: EventStream::new(), listener: Listener::default(), read: VecDeque::new() }
    }

    /// The answers that are told apart from keys here: crossterm keeps most of them to itself, and waits for more where it does
    /// not know one.
    pub(super) fn understands(&self) -> Asks {
        match self {
            #[cfg(unix)]
            Keys::Own { .. } => Asks::All,
            Keys::Library { .. } => Asks::Color,
        }
    }

    /// Questions have been asked.
    pub(super) fn expect_answers(&mut self) {
        match self {
            #[cfg(unix)]
            Keys::Own { awaited, .. } => *awaited = Some(Instant::now() + probe::LATEST),
            Keys::Library { .. } => {}
        }
    }

    /// What comes next. Nothing is lost where the future is dropped before its end.
    ///
    /// # Errors
    /// The terminal went away.
    pub(super) async fn next(&mut self) -> io::Result<Heard> {
        match self {
            #[cfg(unix)]
            Keys::Own { terminal, decoder, read, awaited, decided } => loop {
                if let Some(heard) = read.pop_front() {
                    if heard == Heard::Answer(Answer::Attributes) {
                        *awaited = None;
                    }
                    return Ok(heard);
                }
                match decided {
                    Some(at) => match time::timeout_at(*at, terminal.readable()).await {
                        Ok(readable) => readable?,
                        Err(_) => {
                            *decided = None;
                            decoder.decide(read);
                            continue;
                        }
                    },
                    None => terminal.readable().await?,
                }
                let mut bytes = [0; 4096];
                match terminal.try_read(&mut bytes) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => {
                        let now = Instant::now();
                        decoder.take(&bytes[..count], awaited.is_some_and(|until| now < until), read);
                        *decided = decoder.is_undecided().then(|| now + HELD);
                    }
                    // Nothing was there after all.
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    Err(error) => return Err(error),
                }
            },
            Keys::Library { events, listener, read } => loop {
                if let Some(heard) = read.pop_front() {
                    return Ok(heard);
                }
                // What is not for us is like a key that does nothing.
                let input = match events.next().await {
                    Some(event) => input::from_crossterm(event?).unwrap_or(Input::Focus(false)),
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                };
                let Input::Key(key) = input else { return Ok(Heard::Input(input)) };
                match listener.hear(key) {
                    background::Heard::Keys(keys) => read.extend(keys.into_iter().map(Input::Key).map(Heard::Input)),
                    background::Heard::Answer(color) => read.push_back(Heard::Answer(Answer::Color(color))),
                    background::Heard::Part => {}
                }
            },
        }
    }

    /// Lets go of the terminal, so that another program gets every key.
    pub(super) fn let_go(self) {
        if let Keys::Library { events, .. } = self {
            drop(events);
            // Time for its thread to see that.
            let _ = crossterm::event::poll(Duration::from_millis(30));
        }
    }
}
