//! Opening and making: what the database holds, and whether this role may write to it `[L13]`.

use std::sync::{Arc, Mutex};

use thymos_core::LogId;
use thymos_ports::store::StoreError;
use tokio_postgres::types::Type;

use super::append::begin_sql;
use super::fault::Trouble;
use super::read;
use super::schema::{self, APPLICATION, FORMAT, FORMAT_WITHOUT_ERASURES, INDEXES, TABLES, guards};
use super::server::Server;
use super::session::{Given, Holds, Session};
use super::tls::Tls;
use super::worker::Worker;
use super::writer::Writer;
use super::{Place, PostgresLedger};
use crate::ledger::Genesis;

pub(crate) fn writing(server: Server, genesis: Genesis) -> Result<PostgresLedger, StoreError> {
    let name = server.name();
    let opened = begin(server).and_then(|opening| {
        let (server, tls) = (opening.server.clone(), opening.tls.clone());
        let (log, grown, session) = opening.worker.wait(async move {
            let session = Session::connect(&server, &tls, None).await?;
            let log = match session.identify().await? {
                Holds::Ledger(log) => log,
                Holds::Nothing => create(&session, genesis).await?,
            };
            may_write(&session).await?;
            if session.format().await? < FORMAT {
                make_over(&session).await?;
            }
            let grown = check_tail(&session, log).await?;
            Ok((log, grown, session))
        })?;
        let opened = opening.end(log, Some(session));
        if grown {
            opened.place.settle();
        }
        Ok(opened)
    });
    opened.map_err(|trouble| trouble.named(&name))
}

pub(crate) fn reading(server: Server) -> Result<Option<PostgresLedger>, StoreError> {
    let name = server.name();
    let opened = begin(server).and_then(|opening| {
        let (server, tls) = (opening.server.clone(), opening.tls.clone());
        let holds = opening.worker.wait(async move {
            let session = Session::connect(&server, &tls, None).await?;
            session.identify().await
        })?;
        Ok(match holds {
            Holds::Ledger(log) => Some(opening.end(log, None)),
            Holds::Nothing => None,
        })
    });
    opened.map_err(|trouble| trouble.named(&name))
}

struct Opening {
    server: Server,
    tls: Tls,
    worker: Arc<Worker>,
}

fn begin(server: Server) -> Result<Opening, Trouble> {
    let tls = Tls::of(&server).map_err(Trouble::Closed)?;
    let worker = Worker::start().map_err(|e| Trouble::Engine(format!("no thread: {e}")))?;
    Ok(Opening {
        server,
        tls,
        worker: Arc::new(worker),
    })
}

impl Opening {
    /// With no session to write on, the ledger only reads.
    fn end(self, log: LogId, session: Option<Session>) -> PostgresLedger {
        let place = Place::new(self.server, self.tls, log);
        PostgresLedger {
            read_only: session.is_none(),
            writer: Arc::new(Mutex::new(Writer::new(session.map(Arc::new)))),
            place: Arc::new(place),
            worker: self.worker,
        }
    }
}

/// Makes everything in one transaction; where somebody else was quicker, theirs is taken.
async fn create(session: &Session, genesis: Genesis) -> Result<LogId, Trouble> {
    let made = fill(session, genesis).await;
    let ended = match &made {
        Ok(_) => session.run("COMMIT").await,
        Err(_) => session.run("ROLLBACK").await,
    };
    let log = made?;
    ended?;
    Ok(log)
}

async fn fill(session: &Session, genesis: Genesis) -> Result<LogId, Trouble> {
    session.run(&begin_sql()).await?;
    if let Holds::Ledger(log) = session.identify().await? {
        return Ok(log);
    }
    session.run(TABLES).await?;
    session.run(INDEXES).await?;
    session.run(&guards()).await?;
    let log = LogId::of(&genesis.random);
    let id = &log.as_bytes()[..];
    let given: [Given<'_>; 3] = [
        (&APPLICATION, Type::INT4),
        (&FORMAT, Type::INT4),
        (&id, Type::BYTEA),
    ];
    let sql = "INSERT INTO thymos.log (one, application, format, id) VALUES (1, $1, $2, $3)";
    session.query(sql, &given).await?;
    Ok(log)
}

/// Gives an older schema the guards of this one, once: somebody else may have done it meanwhile.
async fn make_over(session: &Session) -> Result<(), Trouble> {
    let made = async {
        session.run(&begin_sql()).await?;
        if session.format().await? <= FORMAT_WITHOUT_ERASURES {
            session.run(&schema::make_over()).await?;
        }
        session.run("COMMIT").await
    };
    match made.await {
        Ok(()) => Ok(()),
        Err(trouble) => {
            drop(session.run("ROLLBACK").await);
            Err(match trouble {
                Trouble::Engine(words) | Trouble::Closed(words) => Trouble::Closed(format!(
                    "it has format {FORMAT_WITHOUT_ERASURES}, and its owner has to open it once: {words}"
                )),
                other => other,
            })
        }
    }
}

async fn may_write(session: &Session) -> Result<(), Trouble> {
    let sql = "SELECT current_user::text, bool_and(has_table_privilege('thymos.' || name, 'INSERT') \
               AND has_table_privilege('thymos.' || name, 'SELECT')) \
               FROM unnest(ARRAY['entries', 'nodes', 'checkpoints', 'blobs']) AS name";
    let rows = session.query(sql, &[]).await?;
    let Some(row) = rows.first() else {
        return Err(Trouble::Foreign);
    };
    match row.try_get(1)? {
        true => Ok(()),
        false => {
            let role: String = row.try_get(0)?;
            let reason = format!("the role `{role}` may read it and not add to it");
            Err(Trouble::Closed(reason))
        }
    }
}

/// Whoever extends the log vouches for its end; whether there is one.
async fn check_tail(session: &Session, log: LogId) -> Result<bool, Trouble> {
    let Some(raw) = read::tail(session).await? else {
        return Ok(false);
    };
    match raw.sound(&log) {
        Ok(_) => Ok(true),
        // No damage where somebody imported a log between the two looks.
        Err(_) if session.is_now().await?.0 != log => Err(Trouble::another()),
        Err(damage) => Err(damage.into()),
    }
}
