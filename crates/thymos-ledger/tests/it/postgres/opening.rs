//! Which database is ours, and every way in which a connection is refused: nothing is changed then.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use thymos_core::secret::Secret;
use thymos_ledger::{Genesis, PostgresLedger, Server, TlsMode};
use thymos_ports::LedgerStore;
use thymos_ports::conformance::sample_batch;
use thymos_ports::store::StoreError;
use thymos_testkit::postgres::{Database, authority, is_own, standby};

use super::{ledger, open};
use crate::support::{GENESIS, line, server};

fn refused(server: Server) -> StoreError {
    match PostgresLedger::open(server, GENESIS) {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

/// How many relations there are outside of the system's own schemas.
fn relations(database: &Database) -> String {
    database
        .sql(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'",
        )
        .remove(0)
}

fn closed(error: &StoreError, words: &str) {
    assert!(
        matches!(error, StoreError::Open { reason, .. } if reason.contains(words)),
        "{words} is not in {error:?}"
    );
}

#[test]
fn l13_it_is_made_once_however_many_open_it_first() {
    let Some(database) = Database::new() else {
        return;
    };
    assert!(
        PostgresLedger::open_read_only(server(&database))
            .unwrap()
            .is_none()
    );
    assert_eq!(relations(&database), "0", "looking makes nothing");
    let logs: Vec<_> = thread::scope(|scope| {
        let one = |random: u8| {
            let server = server(&database);
            scope.spawn(move || {
                let genesis = Genesis {
                    random: [random; 32],
                };
                PostgresLedger::open(server, genesis).unwrap().log()
            })
        };
        let all: Vec<_> = (0..6).map(one).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(logs.windows(2).all(|two| two[0] == two[1]), "{logs:?}");
    let ledger = PostgresLedger::open_read_only(server(&database)).unwrap();
    let ledger = ledger.unwrap();
    assert_eq!(ledger.log(), logs[0]);
    closed(
        &ledger
            .append(vec![sample_batch(line(1), 0, 1)])
            .unwrap_err(),
        "reading only",
    );
    closed(&ledger.put_blob(b"x").unwrap_err(), "reading only");
    closed(&ledger.put_checkpoint(1, "x").unwrap_err(), "reading only");
}

#[test]
fn l13_a_database_of_another_program_is_left_alone() {
    let Some(database) = Database::new() else {
        return;
    };
    database.sql("CREATE TABLE public.orders (id int)");
    let before = relations(&database);
    assert!(matches!(
        refused(server(&database)),
        StoreError::Foreign { .. }
    ));
    assert_eq!(relations(&database), before);
    // Whoever makes the schema says that the ledger may live there too.
    database.sql("CREATE SCHEMA thymos");
    assert!(open(&database).is_empty().unwrap());
}

#[test]
fn l13_a_schema_that_is_not_ours_and_a_newer_one_are_told_apart() {
    let Some(database) = Database::new() else {
        return;
    };
    database.sql("CREATE SCHEMA thymos; CREATE TABLE thymos.clocks (id int)");
    assert!(matches!(
        refused(server(&database)),
        StoreError::Foreign { .. }
    ));
    database.sql("CREATE TABLE thymos.log (id int)");
    assert!(matches!(
        refused(server(&database)),
        StoreError::Foreign { .. }
    ));
    let Some((database, made)) = ledger() else {
        return;
    };
    let change = |set: &str| {
        database.sql(&format!(
            "ALTER TABLE thymos.log DISABLE TRIGGER ALL; UPDATE thymos.log SET {set}; \
             ALTER TABLE thymos.log ENABLE ALWAYS TRIGGER the_log_is_kept"
        ));
    };
    change("format = 9");
    let path = made.name().to_owned();
    let newer = StoreError::Newer {
        path,
        found: 9,
        known: 2,
    };
    assert_eq!(refused(server(&database)), newer);
    change("format = 2, application = 7");
    assert!(matches!(
        refused(server(&database)),
        StoreError::Foreign { .. }
    ));
    // A ledger that is open finds out too, when it connects anew.
    change("application = 1416132973, id = sha256('another')");
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    closed(&made.len().unwrap_err(), "another ledger than before");
}

/// The grants of docs/guide/postgres.md, for a role.
fn grants(role: &str) -> [String; 4] {
    let page = include_str!("../../../../../docs/guide/postgres.md");
    let lines = page
        .lines()
        .filter(|line| line.starts_with("GRANT") && line.contains("thymos_writer"));
    let grants: Vec<String> = lines
        .map(|line| line.replace("thymos_writer", role))
        .collect();
    grants.try_into().unwrap()
}

#[test]
fn a_role_without_the_right_to_add_is_refused_at_once() {
    let Some((database, _)) = ledger() else {
        return;
    };
    let role = format!("{}_reader", database.name());
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let own = Server {
        user: role.clone(),
        ..server(&database)
    };
    closed(&refused(own.clone()), "permission denied");
    let [connect, usage, select, insert] = grants(&role);
    assert!(
        connect.starts_with("GRANT CONNECT"),
        "made before the tables"
    );
    database.sql(&format!("{usage} {select}"));
    closed(&refused(own.clone()), "may read it and not add to it");
    let reader = PostgresLedger::open_read_only(own.clone())
        .unwrap()
        .unwrap();
    assert_eq!(reader.len(), Ok(0));
    // What docs/guide/postgres.md grants is enough, and no more than that.
    database.sql(&insert);
    let writer = PostgresLedger::open(own, GENESIS).unwrap();
    assert!(writer.append(vec![sample_batch(line(1), 0, 1)]).unwrap()[0].is_ok());
    writer.put_blob(b"content").unwrap();
    writer.put_checkpoint(1, "note").unwrap();
    assert!(writer.lease(&line(1)).unwrap().is_some());
    let _watch = writer.watch(Box::new(|| {})).unwrap();
    for change in [
        "DELETE FROM thymos.entries",
        "UPDATE thymos.entries SET body = NULL",
        "TRUNCATE thymos.entries",
        "DROP TABLE thymos.entries",
        "ALTER TABLE thymos.entries DISABLE TRIGGER ALL",
        "INSERT INTO thymos.log VALUES (1, 1, 1, '')",
    ] {
        let said = database.try_sql(&format!("SET ROLE {role}; {change}"));
        let said = said.unwrap_err();
        assert!(
            said.contains("permission denied") || said.contains("must be owner"),
            "{change}: {said}"
        );
    }
    drop((reader, writer));
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_wrong_database_and_a_wrong_password_are_said_without_the_password() {
    let Some(database) = Database::new() else {
        return;
    };
    let nowhere = Server {
        database: "no_such_database".to_owned(),
        ..server(&database)
    };
    closed(&refused(nowhere), "no_such_database");
    if !is_own() {
        return;
    }
    let secret = "hunter2-hunter2";
    let mut own = Server {
        user: "thymos_with_password".to_owned(),
        password: None,
        ..server(&database)
    };
    closed(&refused(own.clone()), "there is none");
    own.password = Some(Secret::new(secret.to_owned()));
    let error = refused(own.clone());
    closed(&error, "password authentication failed");
    for told in [
        format!("{error:?}"),
        error.to_string(),
        format!("{own:?}"),
        own.name(),
    ] {
        assert!(!told.contains("hunter2"), "{told}");
    }
    own.password = Some(Secret::new("open-sesame-4711".to_owned()));
    closed(&refused(own), "permission denied");
}

#[test]
fn a_server_that_is_not_there_is_away_and_one_that_is_silent_is_not_waited_for() {
    let Some(database) = Database::new() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |port| Server {
        hosts: vec![("127.0.0.1".to_owned(), port)],
        connect_ms: 300,
        ..server(&database)
    };
    // Accepts, by the backlog, and never says a word.
    let port = listener.local_addr().unwrap().port();
    let error = refused(at(port));
    assert!(
        matches!(&error, StoreError::Away { reason, .. } if reason.contains("no answer within 300 ms")),
        "{error:?}"
    );
    drop(listener);
    let error = refused(at(port));
    assert!(
        matches!(&error, StoreError::Away { reason, .. } if reason.contains("refused")),
        "{error:?}"
    );
    let nowhere = Server {
        hosts: vec![("no-such-host.invalid".to_owned(), 5432)],
        ..at(port)
    };
    assert!(matches!(refused(nowhere), StoreError::Away { .. }));
}

#[test]
fn a_standby_is_refused_for_reading_too() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    ledger.put_blob(b"content").unwrap();
    let Some(port) = standby() else {
        return;
    };
    let own = Server {
        hosts: vec![("127.0.0.1".to_owned(), port)],
        ..server(&database)
    };
    // It follows within a moment, and takes connections before.
    super::until("the copy has the database", || {
        !matches!(&PostgresLedger::open_read_only(own.clone()),
            Err(StoreError::Open { reason, .. }) if reason.contains("does not exist"))
    });
    closed(&refused(own.clone()), "is a standby");
    let looked = PostgresLedger::open_read_only(own.clone());
    assert!(looked.is_err_and(|error| error.to_string().contains("is a standby")));
    // Of several hosts the primary is taken.
    let both = Server {
        hosts: vec![("127.0.0.1".to_owned(), port), database.address()],
        ..own
    };
    let found = PostgresLedger::open(both, GENESIS).unwrap();
    assert_eq!(found.log(), ledger.log());
}

#[test]
fn a_socket_in_a_folder_is_a_host_too() {
    let Some((database, ledger)) = ledger() else {
        return;
    };
    if !is_own() {
        return;
    }
    let folder = database.sql("SELECT current_setting('unix_socket_directories')");
    let own = Server {
        hosts: vec![(folder[0].clone(), database.address().1)],
        tls: TlsMode::VerifyFull,
        ..server(&database)
    };
    assert_eq!(
        PostgresLedger::open(own, GENESIS).unwrap().log(),
        ledger.log()
    );
}

#[test]
fn what_answers_but_is_no_postgres_is_refused() {
    let Some(database) = Database::new() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 8];
            client.read_exact(&mut buffer).ok();
            client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        }
    });
    let own = Server {
        hosts: vec![("127.0.0.1".to_owned(), port)],
        connect_ms: 2_000,
        ..server(&database)
    };
    let error = refused(own);
    assert!(
        matches!(error, StoreError::Away { .. } | StoreError::Open { .. }),
        "{error:?}"
    );
}

#[test]
fn tls_proves_what_its_mode_says_and_nothing_less() {
    let Some(database) = Database::new() else {
        return;
    };
    // A server without TLS: it says so, and is not talked to in the clear.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut buffer = [0; 8];
            client.read_exact(&mut buffer).ok();
            client.write_all(b"N").ok();
            // Whatever comes now would be in the clear.
            assert_eq!(client.read(&mut buffer).unwrap_or(0), 0);
        }
    });
    for mode in [TlsMode::Require, TlsMode::VerifyCa, TlsMode::VerifyFull] {
        let plain = Server {
            hosts: vec![("127.0.0.1".to_owned(), port)],
            tls: mode,
            ..server(&database)
        };
        closed(&refused(plain), "no TLS");
    }
    let Some(authority) = authority() else {
        return;
    };
    let (_, port) = database.address();
    let with = |host: &str, tls, trusted: bool| Server {
        hosts: vec![(host.to_owned(), port)],
        tls,
        roots: trusted.then(|| authority.clone()),
        ..server(&database)
    };
    for (sound, reason) in [
        (with("127.0.0.1", TlsMode::Prefer, false), "prefer"),
        (with("127.0.0.1", TlsMode::Require, false), "require"),
        (with("127.0.0.1", TlsMode::VerifyCa, true), "verify-ca"),
        (with("localhost", TlsMode::VerifyFull, true), "verify-full"),
    ] {
        let ledger = PostgresLedger::open(sound, GENESIS);
        let ledger = ledger.unwrap_or_else(|error| panic!("{reason}: {error}"));
        assert_eq!(ledger.len(), Ok(0));
        let encrypted = "SELECT bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                         WHERE a.application_name = 'thymos' AND a.datname = current_database()";
        assert_eq!(database.sql(encrypted), ["t"], "{reason}");
    }
    for (mode, host, trusted) in [
        (TlsMode::VerifyFull, "127.0.0.1", true),
        (TlsMode::VerifyFull, "localhost", false),
        (TlsMode::VerifyCa, "localhost", false),
    ] {
        closed(&refused(with(host, mode, trusted)), "certificate");
    }
    let unreadable = Server {
        roots: Some("/no/such/file.crt".into()),
        ..with("localhost", TlsMode::Require, false)
    };
    closed(&refused(unreadable), "/no/such/file.crt");
}
