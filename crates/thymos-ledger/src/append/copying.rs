//! Copies the write-ahead file into the ledger once it has grown `[L11]`.
//!
//! The engine would do it by itself, and drop what came of it: a sync that failed there would leave pages
//! behind that nobody syncs again, and the next append would be acknowledged on top of them.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::hooks::Wal;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB};

use super::Writer;

/// Pages of the write-ahead file after which they are copied into the ledger: 4 MiB, which is also
/// about the most that must be read again when a process died.
///
/// Short, so that the file soon begins anew: a sync behind bytes that take the place of others is a third
/// quicker than one behind bytes that make the file longer `[Q3]`.
const WAL_PAGES_MAX: c_int = 1_024;

/// How many pages the write-ahead file holds, as of this connection's last commit. Of other processes'
/// pages it is told with the next one, which is when somebody of this process would add to them.
#[derive(Clone, Default)]
pub(crate) struct Grown(Arc<AtomicI32>);

impl Grown {
    /// Has the engine tell it, which also ends the copying that it would do by itself.
    pub(crate) fn told_by(connection: &mut Connection) -> rusqlite::Result<Self> {
        let grown = Self::default();
        let told = grown.clone();
        connection.wal_hook(Some(move |_: &mut Wal, pages| {
            told.0.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(grown)
    }

    fn is_too_long(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= WAL_PAGES_MAX
    }

    fn is_copied(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

impl Writer {
    /// Called behind a commit, never within a transaction. It takes nothing back: what was committed is as
    /// durable as it was. But where the disk failed the writer has ended `[L11]`.
    pub(crate) fn copy_back(&mut self, path: &str) {
        if !self.grown.is_too_long() {
            return;
        }
        // Waits for nobody: what a reader still needs stays, and is tried again behind the next commit.
        let copied = self
            .connection
            .wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
        match copied {
            Ok((pages, copied)) if pages == copied => self.grown.is_copied(),
            Ok(_) => {}
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            // Told by the next call, when it was the disk that failed. Of anything else, as of a full disk,
            // the pages stay where they are, and nothing is lost.
            Err(error) => drop(self.give_up(path, error.into())),
        }
    }
}
