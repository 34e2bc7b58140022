//! Changes of files, told by the system: nothing is asked while nothing happens.
//!
//! In: folders. Out: a wait that ends when a file in one of them was written. Only Linux is listened to; elsewhere, and where
//! no folder can be watched, there is no watch, and whoever wants to know looks at a time of their own.

use std::path::Path;

/// Folders that are watched.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    queue: std::os::fd::OwnedFd,
}

impl Watch {
    /// Of files in these folders, as far as they are there; `None` where nothing can be watched.
    #[cfg(target_os = "linux")]
    pub fn of(folders: &[impl AsRef<Path>]) -> Option<Watch> {
        use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
        let queue = inotify::init(CreateFlags::CLOEXEC).ok()?;
        // A file that is written in place is whole when it is closed; others are put in its place.
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO;
        let watched = |folder: &&dyn AsRef<Path>| inotify::add_watch(&queue, folder.as_ref(), flags).is_ok();
        let watches = folders.iter().map(|folder| folder as &dyn AsRef<Path>).filter(watched).count();
        (watches > 0).then_some(Watch { queue })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn of(_: &[impl AsRef<Path>]) -> Option<Watch> {
        None
    }

    /// Waits until something was written since the last time; false where the system tells no more.
    pub fn wait(&self) -> bool {
        #[cfg(target_os = "linux")]
        {
            // What exactly has changed is seen by reading it.
            let mut events = [0; 4096];
            loop {
                match rustix::io::read(&self.queue, &mut events) {
                    Err(rustix::io::Errno::INTR) => {}
                    read => return read.is_ok_and(|read| read > 0),
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_written_or_put_in_place_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::of(&[folder.path(), Path::new("/nowhere/at/all")]).expect("a watch");
        std::fs::write(folder.path().join("config.toml"), "mouse = false\n").unwrap();
        assert!(watch.wait());
        std::fs::write(folder.path().join("new"), "mouse = true\n").unwrap();
        assert!(watch.wait());
        std::fs::rename(folder.path().join("new"), folder.path().join("config.toml")).unwrap();
        assert!(watch.wait());
        assert!(Watch::of(&[Path::new("/nowhere/at/all")]).is_none());
    }
}
