//! A thread that sleeps until the bell's file is touched, or another one has its name. Linux only;
//! knows no ledger and makes no file.
//!
//! Two watches: one is on the file and ends with it, as a name is not what a watch is on; the other
//! is on the folder, tells of a new file of that name, and then that one is watched.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// Events of one read. More wait in the kernel and are read next.
const EVENT_BYTES: usize = 4_096;

/// Between attempts while the system has no memory to wait with.
const AGAIN: Duration = Duration::from_secs(1);

/// The thread and the way to end it.
pub(crate) struct Listener {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn start(path: &Path, ring: Box<dyn Fn() + Send + Sync>) -> io::Result<Self> {
        let watched = Watched::start(path)?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("ledger-bell".to_owned())
            .spawn(move || listen(&watched, &stopped, &ring))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        #[expect(
            clippy::let_underscore_must_use,
            reason = "an eventfd takes eight bytes and is not full after one write"
        )]
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
        if let Some(thread) = self.thread.take()
            // Dropped by the bell itself: the thread ends on its own and cannot wait for itself.
            && thread.thread().id() != thread::current().id()
        {
            drop(thread.join());
        }
    }
}

fn listen(watched: &Watched, stop: &OwnedFd, ring: &(dyn Fn() + Send + Sync)) {
    loop {
        let mut fds = [
            PollFd::new(&watched.events, PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            // Nobody would ever learn that nothing is heard any more.
            Err(_) => thread::sleep(AGAIN),
        }
        let [_, stopped] = &fds;
        if !stopped.revents().is_empty() {
            return;
        }
        if watched.drain() {
            ring();
        }
    }
}

/// What is watched: the bell's file, and its folder for the day when that is another file.
struct Watched {
    events: OwnedFd,
    path: PathBuf,
    name: OsString,
}

impl Watched {
    fn start(path: &Path) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // The folder first: a file that comes in between is seen by one of them.
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let comes = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        inotify::add_watch(&events, folder, comes)?;
        let watched = Self {
            events,
            path: path.to_path_buf(),
            name: path.file_name().unwrap_or_default().to_owned(),
        };
        match watched.watch_file() {
            // Whoever writes next makes it, and is heard by that.
            Ok(()) | Err(Errno::NOENT) => Ok(watched),
            Err(error) => Err(error.into()),
        }
    }

    /// Of a file that is watched already nothing changes.
    fn watch_file(&self) -> Result<(), Errno> {
        let touched = WatchFlags::ATTRIB | WatchFlags::CLOSE_WRITE;
        inotify::add_watch(&self.events, &self.path, touched).map(|_| ())
    }

    /// Takes all that happened, before anybody is told: what comes while the bell is heard wakes us
    /// again. Whether any of it was about the bell.
    fn drain(&self) -> bool {
        let (mut rings, mut replaced) = (false, false);
        let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
        let mut reader = inotify::Reader::new(&self.events, &mut buffer);
        while let Ok(event) = reader.next() {
            // Only the folder tells names, of all that is made in it. What got lost may have been one.
            let named = event
                .file_name()
                .map(|name| OsStr::from_bytes(name.to_bytes()));
            let new = match named {
                Some(name) => name == self.name,
                None => event.events().contains(ReadFlags::QUEUE_OVERFLOW),
            };
            replaced |= new;
            rings |= new || named.is_none();
        }
        if replaced {
            #[expect(
                clippy::let_underscore_must_use,
                reason = "it may be gone again, and the next one of that name is heard of too"
            )]
            let _ = self.watch_file();
        }
        rings
    }
}
