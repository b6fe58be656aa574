//! Where the ledger is, which log it is, and the connections that read. Writes nothing.
//!
//! An empty ledger may become another log by an import of somebody else. So as long as this process has
//! seen no entry of its log, it asks behind each look whether it still is that one; a log with an entry
//! never becomes another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thymos_core::LogId;

use super::fault::Trouble;
use super::server::Server;
use super::session::{Holds, Session, Shared};
use super::tls::Tls;
use super::worker::Boxed;

/// Idle reader connections that are kept. More readers than this still run, each on a connection
/// that is closed after use.
const READERS_IDLE_MAX: usize = 4;

/// What every connection needs to know.
pub(crate) struct Place {
    pub(crate) server: Server,
    pub(crate) tls: Tls,
    pub(crate) name: String,
    // Held only to read or to change it.
    known: Mutex<Known>,
    // Held only to take a connection or to put it back, never while one is used [L12].
    readers: Mutex<Vec<Shared>>,
}

/// What this process knows of the log.
#[derive(Clone, Copy)]
struct Known {
    log: LogId,
    /// An entry of it was seen.
    settled: bool,
}

/// One question, which may be asked twice.
pub(crate) type Look<T> = dyn Fn(Shared) -> Boxed<Result<T, Trouble>> + Send + Sync;

impl Place {
    pub(crate) fn new(server: Server, tls: Tls, log: LogId) -> Self {
        Self {
            name: server.name(),
            server,
            tls,
            known: Mutex::new(Known {
                log,
                settled: false,
            }),
            readers: Mutex::default(),
        }
    }

    /// The id under which this process knows the log.
    pub(crate) fn log(&self) -> LogId {
        self.known().log
    }

    /// An entry of the log was seen, so it stays this one.
    pub(crate) fn settle(&self) {
        self.known().settled = true;
    }

    /// It is this log from now on.
    pub(crate) fn become_log(&self, log: LogId) {
        *self.known() = Known {
            log,
            settled: false,
        };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection to the same ledger, or to one that has become this log.
    pub(crate) async fn connect(&self, or: Option<LogId>) -> Result<Shared, Trouble> {
        let session = Session::connect(&self.server, &self.tls, None).await?;
        self.is_the_same(&session, or).await?;
        Ok(Arc::new(session))
    }

    /// The server may be another one by now, or its database a new one.
    pub(crate) async fn is_the_same(
        &self,
        session: &Session,
        or: Option<LogId>,
    ) -> Result<(), Trouble> {
        match session.identify().await? {
            Holds::Ledger(log) if log == self.log() || Some(log) == or => Ok(()),
            Holds::Ledger(_) | Holds::Nothing => Err(Trouble::another()),
        }
    }

    /// Nothing else than what it was; asked for only until an entry of it was seen.
    pub(crate) async fn still(&self, session: &Session) -> Result<(), Trouble> {
        if self.known().settled {
            return Ok(());
        }
        let (log, grown) = session.is_now().await?;
        if log != self.log() {
            return Err(Trouble::another());
        }
        if grown {
            self.settle();
        }
        Ok(())
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Shared>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> Option<Shared> {
        let mut readers = self.readers();
        readers.retain(|session| !session.client.is_closed());
        readers.pop()
    }

    /// Looks once, and once more on a new connection when an idle one turns out to be dead.
    pub(crate) async fn read<T>(&self, look: &Look<T>) -> Result<T, Trouble> {
        if let Some(session) = self.idle() {
            match self.ask(&session, look).await {
                Err(trouble) if trouble.is_lost() => {}
                seen => {
                    self.put_back(session);
                    return seen;
                }
            }
        }
        let session = self.connect(None).await?;
        let seen = self.ask(&session, look).await;
        if !matches!(&seen, Err(trouble) if trouble.is_lost()) {
            self.put_back(session);
        }
        seen
    }

    async fn ask<T>(&self, session: &Shared, look: &Look<T>) -> Result<T, Trouble> {
        let seen = look(Arc::clone(session)).await;
        if !matches!(&seen, Err(trouble) if trouble.is_lost()) {
            // Behind it: the id changes once, so what it is now it was for all that was seen.
            self.still(session).await?;
        }
        seen
    }

    fn put_back(&self, session: Shared) {
        let mut readers = self.readers();
        if readers.len() < READERS_IDLE_MAX {
            readers.push(session);
        }
    }
}
