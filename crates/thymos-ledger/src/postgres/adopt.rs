//! Takes over a log whose entries have their places already `[L16]`: one transaction of the writer's
//! connection for all of it, chunk by chunk, or nothing.
//!
//! Pieces are taken on the caller's thread and talked about on the worker's, in turns, so that no more
//! than a chunk is held. Whatever ends it on the way (what does not fit, an error or a panic among the
//! pieces, a lost connection) rolls back before anybody else gets at the writer.

use std::sync::Arc;

use futures_util::future::join;
use thymos_core::LogId;
use thymos_ports::store::{Piece, StoreError, Unfit};

use super::append::Memory;
use super::fault::Trouble;
use super::place::Place;
use super::schema::CHANNEL;
use super::session::Shared;
use super::worker::Worker;
use super::writer::{Line, Writer};

mod chunk;
mod taking;

use chunk::{Chunk, Next};
use taking::Taking;

/// What ends the taking over without a commit.
enum Halt {
    /// The server, or what is stored there.
    Trouble(Trouble),
    /// A piece, or where it came from.
    Piece(StoreError),
    /// It does not fit.
    Unfit(Unfit),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Writer {
    pub(crate) fn adopt(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<Result<u64, Unfit>, StoreError> {
        let taken = match self.ready() {
            Ok(()) => self.take_over(place, worker, log, pieces),
            Err(trouble) => Err(trouble.into()),
        };
        match taken {
            Ok(new) => Ok(Ok(new)),
            Err(Halt::Unfit(unfit)) => Ok(Err(unfit)),
            Err(Halt::Piece(error)) => Err(error),
            Err(Halt::Trouble(trouble)) => {
                if let Trouble::Unknown(reason) = &trouble {
                    // [L11] Never again as if clean.
                    self.poisoned = Some(reason.clone());
                }
                Err(trouble.named(&place.name))
            }
        }
    }

    fn take_over(
        &mut self,
        place: &Arc<Place>,
        worker: &Worker,
        log: LogId,
        pieces: &mut dyn Iterator<Item = Result<Piece, StoreError>>,
    ) -> Result<u64, Halt> {
        let mut taking = self.begin(place, worker, log)?;
        let mut open = Open {
            session: Arc::clone(&taking.session),
            line: &mut self.line,
            worker,
            state: State::Open,
        };
        loop {
            let (chunk, next) = Chunk::take(&place.name, pieces);
            let (went_on, kept) = worker.wait(async move {
                let mut taking = taking;
                let kept = taking.keep(chunk).await;
                Ok((taking, kept))
            })?;
            taking = went_on;
            if matches!(&kept, Err(Halt::Trouble(trouble)) if trouble.is_lost()) {
                open.state = State::Lost;
            }
            kept?;
            match next {
                Next::More => {}
                Next::Nothing => break,
                Next::Fault(error) => return Err(Halt::Piece(error)),
            }
        }
        // What becomes of it from here on is for the commit to say.
        open.state = State::Over;
        drop(open);
        self.commit(place, worker, taking)
    }

    /// Starts the transaction, on a new connection where an idle one turns out to be dead.
    fn begin(&mut self, place: &Arc<Place>, worker: &Worker, log: LogId) -> Result<Taking, Halt> {
        let (line, memory) = (self.line.clone(), std::mem::take(&mut self.memory));
        let place = Arc::clone(place);
        let (line, begun) = worker.wait(async move {
            let (mut line, mut memory) = (line, memory);
            let begun = line.begin(&place, &mut memory, log).await;
            Ok((line, begun))
        })?;
        self.line = line;
        begun
    }

    fn commit(&mut self, place: &Arc<Place>, worker: &Worker, taking: Taking) -> Result<u64, Halt> {
        let (line, known) = (self.line.clone(), Arc::clone(place));
        let (line, taking, ended) = worker.wait(async move {
            let (mut line, taking) = (line, Arc::new(taking));
            let ended = line.commit(&known, &taking).await;
            Ok((line, taking, ended))
        })?;
        self.line = line;
        ended?;
        if place.log() != taking.log {
            place.become_log(taking.log);
        }
        if taking.memory.tree.size() > 0 {
            place.settle();
        }
        let new = taking.new;
        if let Some(taking) = Arc::into_inner(taking) {
            self.memory = taking.memory;
        }
        Ok(new)
    }
}

impl Line {
    async fn begin(
        &mut self,
        place: &Place,
        memory: &mut Memory,
        log: LogId,
    ) -> Result<Taking, Halt> {
        let mut last = false;
        loop {
            let session = self.session(place).await?;
            match Taking::begin(&session, std::mem::take(memory), log).await {
                Err(Halt::Trouble(trouble)) if trouble.is_lost() => {
                    self.session = None;
                    if last {
                        return Err(trouble.into());
                    }
                    last = true;
                }
                Err(halt) => {
                    // A connection that ended rolled back by itself.
                    drop(session.run("ROLLBACK").await);
                    return Err(halt);
                }
                begun => return begun,
            }
        }
    }

    async fn commit(&mut self, place: &Place, taking: &Arc<Taking>) -> Result<(), Trouble> {
        let told = format!("NOTIFY {CHANNEL}");
        let session = &taking.session;
        let (told, committed) = join(session.run(&told), session.run("COMMIT")).await;
        let why = match told.and(committed) {
            Ok(()) => return Ok(()),
            Err(Trouble::Lost(why)) => why,
            // It has rolled back.
            Err(trouble) => return Err(trouble),
        };
        self.session = None;
        let ask = |session: Shared| {
            let taking = Arc::clone(taking);
            async move { taking.was_kept(&session).await }
        };
        match self.find_out(place, Some(taking.log), ask, why).await? {
            true => Ok(()),
            false => Err(Trouble::Lost(
                "the connection ended in the commit, and nothing was kept".to_owned(),
            )),
        }
    }
}

/// How far the transaction is.
#[derive(PartialEq, Eq)]
enum State {
    Open,
    /// Its connection ended.
    Lost,
    /// Nothing is to be undone.
    Over,
}

/// The open transaction: rolled back where it is dropped, also by a panic among the pieces, so that
/// nobody waits for its lock.
struct Open<'w> {
    session: Shared,
    line: &'w mut Line,
    worker: &'w Worker,
    state: State,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.state == State::Over {
            return;
        }
        let session = Arc::clone(&self.session);
        let is_back = self.state == State::Open
            && self
                .worker
                .wait(async move { session.run("ROLLBACK").await })
                .is_ok();
        if !is_back {
            // The server rolls back with its connection.
            self.session.driver.abort();
            self.line.session = None;
        }
    }
}
