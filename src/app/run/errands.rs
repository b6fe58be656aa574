//! What a loop does for the app beside showing it: requests to the kernel, files to read, verbs to start.
//!
//! Both loops have it, that of the screen and that of plain mode, so that an effect means the same in
//! either. Shows nothing.

use std::collections::VecDeque;
use std::path::Path;

use thymos_protocol::Request;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::files::Finder;
use super::{ListFiles, ReadWrit, Verbs, bundle, export, verb};
use crate::app::{Effect, Event};

/// Requests that may wait in the app while the kernel takes none; more are dropped and told.
pub const OUTBOX_MAX: usize = 1024;

/// Where requests go, and where what is done off this thread tells what came of it.
#[derive(Debug)]
pub struct Ends {
    /// The kernel.
    pub requests: mpsc::Sender<Request>,
    /// The loop.
    pub told: mpsc::Sender<Event>,
}

/// Effects at work.
pub struct Errands {
    ends: Ends,
    outbox: VecDeque<Request>,
    verbs: Verbs,
    writs: ReadWrit,
    // Ends the verb at work, once cancelled.
    verb: CancellationToken,
    // None where nobody names files.
    files: Option<Finder>,
}

impl Errands {
    /// Nothing to do yet.
    #[must_use]
    pub fn new(ends: Ends, verbs: Verbs, writs: ReadWrit) -> Self {
        Self {
            ends,
            outbox: VecDeque::new(),
            verbs,
            writs,
            verb: CancellationToken::new(),
            files: None,
        }
    }

    /// Looks for files too.
    #[must_use]
    pub fn with_files(mut self, list: ListFiles) -> Self {
        self.files = Some(Finder::new(list, self.ends.told.clone()));
        self
    }

    /// Takes an effect. What is for whoever shows the app comes back, and so does a request for which there
    /// is no room.
    pub fn take(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Send(request) if self.outbox.len() < OUTBOX_MAX => {
                self.outbox.push_back(request);
            }
            Effect::ReadBundle(path) => bundle::read_off_thread(path, self.ends.told.clone()),
            Effect::ReadWrit(path) => {
                let (read, told) = (self.writs.clone(), self.ends.told.clone());
                tokio::task::spawn_blocking(move || {
                    // Without a loop there is nobody to tell.
                    drop(told.blocking_send(Event::WritRead(read(Path::new(&path)))));
                });
            }
            Effect::Verb(words) => {
                self.verb = verb::start(&self.verbs, &words, self.ends.told.clone());
            }
            Effect::EndVerb => self.verb.cancel(),
            Effect::Export(wanted) => export::start(&self.verbs, wanted, self.ends.told.clone()),
            Effect::FindFiles(query) => {
                if let Some(files) = &self.files {
                    files.find(query);
                }
            }
            Effect::EndFiles => {
                if let Some(files) = &self.files {
                    files.end();
                }
            }
            Effect::Send(_)
            | Effect::Copy(_)
            | Effect::Suspend
            | Effect::Redraw
            | Effect::Mouse(_)
            | Effect::Title(_)
            | Effect::Notify(_)
            | Effect::SaveDraft(_)
            | Effect::Edit(_)
            | Effect::Quit(_) => return Some(effect),
        }
        None
    }

    /// Hands requests over as far as the kernel takes them.
    pub fn post(&mut self) {
        while let Some(request) = self.outbox.pop_front() {
            match self.ends.requests.try_send(request) {
                Ok(()) => {}
                Err(TrySendError::Full(request)) => {
                    self.outbox.push_front(request);
                    break;
                }
                Err(TrySendError::Closed(_)) => {
                    self.outbox.clear();
                    break;
                }
            }
        }
    }

    /// Whether a request waits for room.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Where requests go, to wait for room there.
    #[must_use]
    pub fn requests(&self) -> mpsc::Sender<Request> {
        self.ends.requests.clone()
    }

    /// The request that waits longest.
    pub fn oldest(&mut self) -> Option<Request> {
        self.outbox.pop_front()
    }
}
