//! Where the ledger is, which log it is, and the connections that read. Writes nothing.

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
    log: LogId,
    // Held only to take a connection or to put it back, never while one is used [L12].
    readers: Mutex<Vec<Shared>>,
}

/// One question, which may be asked twice.
pub(crate) type Look<T> = dyn Fn(Shared) -> Boxed<Result<T, Trouble>> + Send + Sync;

impl Place {
    pub(crate) fn new(server: Server, tls: Tls, log: LogId) -> Self {
        Self {
            name: server.name(),
            server,
            tls,
            log,
            readers: Mutex::default(),
        }
    }

    /// The id under which this process knows the log.
    pub(crate) fn log(&self) -> LogId {
        self.log
    }

    /// A connection to the same ledger.
    pub(crate) async fn connect(&self) -> Result<Shared, Trouble> {
        let session = Session::connect(&self.server, &self.tls, None).await?;
        self.is_the_same(&session).await?;
        Ok(Arc::new(session))
    }

    /// The server may be another one by now, or its database a new one.
    pub(crate) async fn is_the_same(&self, session: &Session) -> Result<(), Trouble> {
        match session.identify().await? {
            Holds::Ledger(log) if log == self.log => Ok(()),
            Holds::Ledger(_) | Holds::Nothing => {
                let reason = "the database holds another ledger than before";
                Err(Trouble::Closed(reason.to_owned()))
            }
        }
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
            match look(Arc::clone(&session)).await {
                Err(trouble) if trouble.is_lost() => {}
                seen => {
                    self.put_back(session);
                    return seen;
                }
            }
        }
        let session = self.connect().await?;
        let seen = look(Arc::clone(&session)).await;
        if !matches!(&seen, Err(trouble) if trouble.is_lost()) {
            self.put_back(session);
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
