//! The ledger on a server: opening, guards, tampering, lost connections, leases, the bell.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use thymos_ledger::{PostgresLedger, Server};
use thymos_testkit::postgres::Database;

use crate::support::{GENESIS, server};

mod adopt;
mod erase;
mod guards;
mod loss;
mod opening;
mod writers;

/// An empty ledger on a database of its own; none where there is no server.
fn ledger() -> Option<(Database, PostgresLedger)> {
    let database = Database::new()?;
    let ledger = open(&database);
    Some((database, ledger))
}

fn open(database: &Database) -> PostgresLedger {
    PostgresLedger::open(server(database), GENESIS).unwrap()
}

/// Looks again and again until it is so.
#[track_caller]
fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if so() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it never came to this: {what}");
}

/// Stands between a ledger and its server, and can cut the line.
struct Between {
    port: u16,
    cut: Arc<Cut>,
}

#[derive(Default)]
struct Cut {
    /// The next commit reaches the server, and its answer nobody.
    after_commit: AtomicBool,
    /// Nobody gets through any more.
    closed: AtomicBool,
    /// Bytes that went to the server.
    sent: AtomicU64,
}

impl Between {
    fn new(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(Cut::default());
        let (shared, target) = (Arc::clone(&cut), database.address());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect((target.0.as_str(), target.1)) else {
                    continue;
                };
                if shared.closed.load(Ordering::SeqCst) {
                    drop(client);
                    continue;
                }
                pass(client, server, &shared);
            }
        });
        Self { port, cut }
    }

    fn server(&self, database: &Database) -> Server {
        Server {
            hosts: vec![("127.0.0.1".to_owned(), self.port)],
            connect_ms: 500,
            ..server(database)
        }
    }
}

/// Both directions of one connection, until it is cut.
fn pass(client: TcpStream, server: TcpStream, cut: &Arc<Cut>) {
    // Set once the commit went by: what comes back then is not for the client.
    let silent = Arc::new(AtomicBool::new(false));
    let (up, down) = (Arc::clone(&silent), silent);
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let shared = Arc::clone(cut);
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(read) = from.read(&mut buffer) {
            let bytes = &buffer[..read];
            if read == 0 {
                break;
            }
            let commit = bytes.windows(7).any(|window| window == b"COMMIT\0");
            if commit && shared.after_commit.swap(false, Ordering::SeqCst) {
                up.store(true, Ordering::SeqCst);
            }
            shared.sent.fetch_add(read as u64, Ordering::SeqCst);
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    });
    let (mut from, mut to) = (server, client);
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(read) = from.read(&mut buffer) {
            // The answer is there: the commit is done, and this is where the line breaks.
            if read == 0 || down.load(Ordering::SeqCst) {
                break;
            }
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
        from.shutdown(Shutdown::Both).ok();
    });
}
