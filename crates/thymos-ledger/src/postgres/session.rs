//! One connection to the primary: made, set up, and asked who it is. Knows no entry.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use thymos_core::LogId;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Connection, Row, Socket};

use super::fault::Trouble;
use super::schema::{APPLICATION, FORMAT};
use super::server::Server;
use super::tls::{Stream, Tls};

/// What every session has. `row_security = off` makes rows that a policy hides an error instead of
/// a gap; the server ends a session that stops in the middle of a transaction, and notices a dead
/// one within a minute, so that no lock outlives its process for long.
const SETTINGS: &str = "
SET search_path = pg_catalog, pg_temp;
SET row_security = off;
SET statement_timeout = 0;
SET lock_timeout = '5s';
SET idle_in_transaction_session_timeout = '20s';
SET tcp_keepalives_idle = 20;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
";

/// What is acknowledged is on the disk, whatever role or database are set to; one that waits for
/// replicas to apply it goes on doing so.
pub(crate) const DURABLE: &str = "SELECT set_config('synchronous_commit', \
    CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, \
    false)";

/// The oldest server whose functions are all there.
const VERSION_MIN: i32 = 14;

/// How long an answer may take before the connection counts as lost. The slow look at everything
/// has no such bound.
const ANSWER: Duration = Duration::from_secs(60);

/// A parameter and its type: statements are sent with their types, so that each is one trip.
pub(crate) type Given<'a> = (&'a (dyn ToSql + Sync), Type);

/// What a notification calls.
pub(crate) type OnNotice = Box<dyn Fn() + Send>;

/// A connection, and the server's process behind it.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) backend: Backend,
    /// Ends when the connection does.
    pub(crate) driver: JoinHandle<()>,
}

/// A process of the server; the time tells it from a later one of the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    pub(crate) started_us: i64,
}

/// What the database turned out to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A ledger.
    Ledger(LogId),
    /// Nothing: one may be made.
    Nothing,
}

impl Session {
    /// Connects to a primary.
    pub(crate) async fn connect(
        server: &Server,
        tls: &Tls,
        notice: Option<OnNotice>,
    ) -> Result<Self, Trouble> {
        let making = async {
            let (client, connection) = server.config().connect(tls.clone()).await?;
            let driver = tokio::spawn(drive(connection, notice));
            Self::set_up(client, driver).await
        };
        // Each host may be the one that is silent.
        let hosts = u32::try_from(server.hosts.len()).unwrap_or(1);
        match timeout(server.patience().saturating_mul(hosts), making).await {
            Ok(made) => made,
            Err(_) => Err(Trouble::Lost(format!(
                "no answer within {} ms",
                server.connect_ms
            ))),
        }
    }

    async fn set_up(client: Client, driver: JoinHandle<()>) -> Result<Self, Trouble> {
        let settings = format!("{SETTINGS}{DURABLE}");
        let settings = client.batch_execute(&settings);
        let asked = client.query_typed_one(
            "SELECT pg_is_in_recovery(), current_setting('fsync'), pg_backend_pid(), \
             (SELECT (extract(epoch FROM backend_start) * 1000000)::int8 \
              FROM pg_stat_get_activity(pg_backend_pid())), \
             current_setting('server_version_num')::int4 / 10000",
            &[],
        );
        let (settings, row) = futures_util::future::join(settings, asked).await;
        let row = row?;
        let version: i32 = row.try_get(4)?;
        if version < VERSION_MIN {
            return Err(Trouble::Closed(format!(
                "the server is PostgreSQL {version}, and {VERSION_MIN} or newer is needed"
            )));
        }
        settings?;
        if row.try_get(0)? {
            let reason = "the server is a standby, and a ledger needs the primary";
            return Err(Trouble::Closed(reason.to_owned()));
        }
        if row.try_get::<_, String>(1)? != "on" {
            let reason = "the server has `fsync` off, and what it acknowledges could be lost";
            return Err(Trouble::Closed(reason.to_owned()));
        }
        let started: Option<i64> = row.try_get(3)?;
        Ok(Self {
            client,
            driver,
            backend: Backend {
                pid: row.try_get(2)?,
                started_us: started.unwrap_or_default(),
            },
        })
    }

    /// Rows of a query; a silent server counts as lost.
    pub(crate) async fn query(&self, sql: &str, given: &[Given<'_>]) -> Result<Vec<Row>, Trouble> {
        in_time(self.client.query_typed(sql, given)).await
    }

    /// Runs statements without parameters.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), Trouble> {
        in_time(self.client.batch_execute(sql)).await
    }

    /// Which ledger this is, or that there may be one.
    pub(crate) async fn identify(&self) -> Result<Holds, Trouble> {
        let rows = self.query(INVENTORY, &[]).await?;
        let row = rows.first().ok_or(Trouble::Foreign)?;
        let (log, own, others): (i64, i64, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let has_schema: bool = row.try_get(3)?;
        match (log, own) {
            (0, 0) if has_schema || others == 0 => Ok(Holds::Nothing),
            (0, _) => Err(Trouble::Foreign),
            _ => self.log().await.map(Holds::Ledger),
        }
    }

    async fn log(&self) -> Result<LogId, Trouble> {
        let sql = "SELECT application, format, id FROM thymos.log";
        let rows = self.query(sql, &[]).await?;
        let [row] = rows.as_slice() else {
            return Err(Trouble::Foreign);
        };
        if row.try_get::<_, i32>(0).ok() != Some(APPLICATION) {
            return Err(Trouble::Foreign);
        }
        let format: i32 = row.try_get(1)?;
        if format > FORMAT {
            return Err(Trouble::Newer(format.into()));
        }
        log_id(row, 2)
    }

    /// Which log it is at this moment, and whether there is an entry of it.
    pub(crate) async fn is_now(&self) -> Result<(LogId, bool), Trouble> {
        let sql = "SELECT id, EXISTS (SELECT FROM thymos.entries) FROM thymos.log";
        let rows = self.query(sql, &[]).await?;
        let row = rows.first().ok_or(Trouble::Foreign)?;
        Ok((log_id(row, 0)?, row.try_get(1)?))
    }

    /// The format that the schema says it has.
    pub(crate) async fn format(&self) -> Result<i32, Trouble> {
        let rows = self.query("SELECT format FROM thymos.log", &[]).await?;
        let row = rows.first().ok_or(Trouble::Foreign)?;
        Ok(row.try_get(0)?)
    }

    /// Ends another session of this role, if it still is there: what it held is free then, and
    /// what it was about is decided.
    pub(crate) async fn end(&self, other: &Backend) -> Result<(), Trouble> {
        let given: [Given<'_>; 2] = [(&other.pid, Type::INT4), (&other.started_us, Type::INT8)];
        // The second argument waits until it is gone.
        self.query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid = $1 \
             AND (extract(epoch FROM backend_start) * 1000000)::int8 = $2",
            &given,
        )
        .await
        .map(drop)
    }
}

/// The id of a log in a column.
pub(crate) fn log_id(row: &Row, column: usize) -> Result<LogId, Trouble> {
    let id: &[u8] = row.try_get(column)?;
    let id = <[u8; 32]>::try_from(id).map_err(|_| Trouble::Foreign)?;
    Ok(LogId::from_bytes(id))
}

impl Drop for Session {
    fn drop(&mut self) {
        // The client is dropped after this; an orderly end needs the driver no more than that.
        if self.client.is_closed() {
            self.driver.abort();
        }
    }
}

/// Tables of this schema and of others, not counting what belongs to the system or an extension.
const INVENTORY: &str = "
WITH found AS (
    SELECT n.nspname AS schema, c.relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
        AND NOT EXISTS (SELECT 1 FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT count(*) FILTER (WHERE schema = 'thymos' AND name = 'log'),
    count(*) FILTER (WHERE schema = 'thymos'),
    count(*) FILTER (WHERE schema <> 'thymos'),
    EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'thymos')
FROM found";

async fn in_time<T>(
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Trouble> {
    match timeout(ANSWER, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Trouble::Lost("the server stopped answering".to_owned())),
    }
}

/// Reads what the server sends, until the connection ends.
async fn drive(mut connection: Connection<Socket, Stream<Socket>>, notice: Option<OnNotice>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let (AsyncMessage::Notification(_), Some(notice)) = (message, &notice) {
            notice();
        }
    }
}

/// A session that more than one future uses.
pub(crate) type Shared = Arc<Session>;
