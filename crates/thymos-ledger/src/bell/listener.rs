//! A thread that sleeps until the bell's file is touched. Linux only; knows no ledger.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// Events of one read. More wait in the kernel and are read next.
const EVENT_BYTES: usize = 4_096;

/// The thread and the way to end it.
pub(crate) struct Listener {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn start(path: &Path, ring: Box<dyn Fn() + Send + Sync>) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let wanted = WatchFlags::ATTRIB | WatchFlags::CLOSE_WRITE;
        inotify::add_watch(&events, path, wanted)?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("ledger-bell".to_owned())
            .spawn(move || listen(&events, &stopped, &ring))?;
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

fn listen(events: &OwnedFd, stop: &OwnedFd, ring: &(dyn Fn() + Send + Sync)) {
    loop {
        let mut fds = [
            PollFd::new(events, PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        let [_, stopped] = &fds;
        if !stopped.revents().is_empty() {
            return;
        }
        // Drain before ringing: what comes while the bell is heard wakes us again.
        let mut buffer = [0; EVENT_BYTES];
        while rustix::io::read(events, &mut buffer).is_ok_and(|read| read > 0) {}
        ring();
    }
}
