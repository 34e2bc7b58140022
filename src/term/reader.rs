//! Whoever reads what this program writes to standard output.

/// Blocks until the reader of standard output has gone away; false where the system cannot say.
///
/// The system wakes whoever waits: nothing is asked again and again.
#[cfg(unix)]
pub fn wait_until_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let output = std::io::stdout();
    let mut polled = [PollFd::new(&output, PollFlags::empty())];
    loop {
        match poll(&mut polled, None) {
            Ok(_) => return polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
            // A signal, which others take.
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

#[cfg(not(unix))]
pub fn wait_until_gone() -> bool {
    false
}
