//! What a person does at the terminal, one after the other.

use crate::term::input::{self, Input};
#[cfg(unix)]
use crate::term::keyboard::{self, Decoder};
use crossterm::event::EventStream;
use futures::StreamExt;
use std::{io, time::Duration};
#[cfg(unix)]
use {std::collections::VecDeque, tokio::net::unix::pipe::Receiver};

pub(super) enum Keys {
    /// Read by the thread that waits for them: nothing else has to be woken between a key and its frame.
    #[cfg(unix)]
    Own { terminal: Receiver, decoder: Decoder, read: VecDeque<Input> },
    /// By a thread of crossterm, where the terminal cannot be had in another way.
    Library(EventStream),
}

impl Keys {
    pub(super) fn new() -> Keys {
        #[cfg(unix)]
        // Said to be a pipe, because that is what can be watched without `unsafe`; all that is asked of it is asked of files.
        if let Some(terminal) = keyboard::open().and_then(|file| Receiver::from_file_unchecked(file).ok()) {
            return Keys::Own { terminal, decoder: Decoder::default(), read: VecDeque::new() };
        }
        Keys::Library(EventStream::new())
    }

    /// The next input. Nothing is lost where the future is dropped before its end.
    ///
    /// # Errors
    /// The terminal went away.
    pub(super) async fn next(&mut self) -> io::Result<Input> {
        match self {
            #[cfg(unix)]
            Keys::Own { terminal, decoder, read } => loop {
                if let Some(input) = read.pop_front() {
                    return Ok(input);
                }
                terminal.readable().await?;
                let mut bytes = [0; 4096];
                match terminal.try_read(&mut bytes) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => decoder.take(&bytes[..count], read),
                    // Nothing was there after all.
                    Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                    Err(error) => return Err(error),
                }
            },
            Keys::Library(events) => match events.next().await {
                // What is not for us is like a key that does nothing.
                Some(event) => Ok(input::from_crossterm(event?).unwrap_or(Input::Focus(false))),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            },
        }
    }

    /// Lets go of the terminal, so that another program gets every key.
    pub(super) fn let_go(self) {
        if let Keys::Library(events) = self {
            drop(events);
            // Time for its thread to see that.
            let _ = crossterm::event::poll(Duration::from_millis(30));
        }
    }
}
