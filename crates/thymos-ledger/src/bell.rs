//! The bell: tells that something was appended, here or by another process, without polling `[L12]`.
//!
//! It rings and says nothing; whoever hears it asks the ledger. Rings may be merged, and one may
//! come without a change; none is missing.
//!
//! The database file itself cannot be watched for this. A commit writes the write-ahead file
//! first, and becomes visible by a store into shared memory that no watch reports: a listener
//! woken by the write may look too early and then sleep for ever. So every writer touches
//! `<ledger>-bell` *after* its commit, and keeps it open for writing: should it be killed in
//! between, the kernel closes the file for it, and that is an event too.
//!
//! Somebody may take that file away, or put another one in its place: it is empty and looks like
//! litter. Who rings looks first whether the file under the name is still theirs, and who listens
//! watches the folder for a new one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thymos_ports::store::{StoreError, Watch};

use crate::fault;

#[cfg(target_os = "linux")]
mod listener;

type Ring = Arc<dyn Fn() + Send + Sync>;

pub(crate) enum Bell {
    /// A file beside the ledger; no open file when it was opened for reading only.
    Beside {
        path: PathBuf,
        // Held to look and to touch; nothing else is taken under it.
        file: Option<Mutex<Touched>>,
    },
    /// Nobody else can see a ledger in memory: a list is enough.
    Here(Arc<Listeners>),
}

#[derive(Default)]
pub(crate) struct Listeners {
    // Held to add, to remove and to copy; never while a listener is called.
    rings: Mutex<Vec<(u64, Ring)>>,
}

impl Bell {
    pub(crate) fn beside(ledger: &Path) -> Result<Self, StoreError> {
        let path = path_of(ledger);
        let file =
            Touched::open(&path).map_err(|e| fault::file(&path.display().to_string(), &e))?;
        Ok(Self::Beside {
            path,
            file: Some(Mutex::new(file)),
        })
    }

    pub(crate) fn read_only(ledger: &Path) -> Self {
        Self::Beside {
            path: path_of(ledger),
            file: None,
        }
    }

    pub(crate) fn here() -> Self {
        Self::Here(Arc::default())
    }

    /// After a commit.
    pub(crate) fn ring(&self) {
        match self {
            Self::Beside { path, file } => {
                if let Some(file) = file {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    file.follow(path);
                    touch(&file.file);
                }
            }
            Self::Here(listeners) => {
                for ring in listeners.all() {
                    ring();
                }
            }
        }
    }

    pub(crate) fn watch(&self, ring: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
        match self {
            Self::Beside { path, .. } => beside(path, ring),
            Self::Here(listeners) => Ok(Watch(Box::new(listeners.add(ring.into())))),
        }
    }
}

impl Listeners {
    fn all(&self) -> Vec<Ring> {
        self.lock()
            .iter()
            .map(|(_, ring)| Arc::clone(ring))
            .collect()
    }

    fn add(self: &Arc<Self>, ring: Ring) -> Listening {
        let mut rings = self.lock();
        let number = rings.last().map_or(0, |(number, _)| number + 1);
        rings.push((number, ring));
        Listening {
            listeners: Arc::clone(self),
            number,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Ring)>> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file that is touched, and which one that is. While it is open nobody else gets its number.
pub(crate) struct Touched {
    file: File,
    number: (u64, u64),
}

impl Touched {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let number = number(&file.metadata()?);
        Ok(Self { file, number })
    }

    /// Takes the file that stands under the name by now, and makes one where none does: making it is
    /// what wakes those who listen, and lets them hear the next touch.
    fn follow(&mut self, path: &Path) {
        if fs::metadata(path).is_ok_and(|now| number(&now) == self.number) {
            return;
        }
        // Where that cannot be done the next ring tries again, and who still has the old one hears this.
        if let Ok(opened) = Self::open(path) {
            *self = opened;
        }
    }
}

fn number(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// On the list until dropped.
struct Listening {
    listeners: Arc<Listeners>,
    number: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listeners
            .lock()
            .retain(|(number, _)| *number != self.number);
    }
}

fn path_of(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push("-bell");
    name.into()
}

// A change of times is an event, needs no room on the disk and no sync.
fn touch(file: &File) {
    let now = rustix::fs::Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW,
    };
    let times = rustix::fs::Timestamps {
        last_access: now,
        last_modification: now,
    };
    #[expect(
        clippy::let_underscore_must_use,
        reason = "the entry is durable all the same, and the next ring tells of it too"
    )]
    let _ = rustix::fs::futimens(file, &times);
}

#[cfg(target_os = "linux")]
fn beside(path: &Path, ring: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
    match listener::Listener::start(path, ring) {
        Ok(listener) => Ok(Watch(Box::new(listener))),
        Err(error) => Err(fault::file(&path.display().to_string(), &error)),
    }
}

#[cfg(not(target_os = "linux"))]
fn beside(path: &Path, _: Box<dyn Fn() + Send + Sync>) -> Result<Watch, StoreError> {
    Err(StoreError::Engine {
        path: path.display().to_string(),
        reason: "changes by other processes cannot be watched on this system".to_owned(),
    })
}
