//! URLs that are read, URLs that are refused, and passwords that appear in neither.

use super::*;

fn read(text: &str) -> Result<LedgerPlace, AppError> {
    let setting = Setting {
        value: PathBuf::from(text),
        source: Source::Flag("--ledger"),
    };
    LedgerPlace::of(setting).map(|setting| setting.value)
}

fn url(text: &str) -> ServerUrl {
    match read(text) {
        Ok(LedgerPlace::Server(url)) => *url,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_url_is_a_file() {
    for path in ["ledger.db", "/srv/a:b/c", "postgres/x", "a b://c", "://x"] {
        assert_eq!(read(path).unwrap(), LedgerPlace::File(path.into()));
    }
    let error = read("mysql://root:hunter2@db/x").unwrap_err();
    assert!(error.message.contains("`mysql://`"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn a_url_that_is_nearly_one_is_no_file() {
    for text in [
        "postgres:/ada:hunter2@db/x",
        "postgres:ada:hunter2@db/x",
        "POSTGRES:/ada:hunter2@db/x",
        "PostgreSQL:\\\\ada:hunter2@db/x",
        "POSTGRES://ada:hunter2@db/x",
    ] {
        let error = read(text).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.exit_code(), 2, "{text}");
    }
}

#[test]
fn every_part_of_a_url_is_read() {
    let full = url(
        "postgresql://ada:s%40cret%2F@db1.example.org:6000,[::1],%2Frun%2Fpg/team%20log\
         ?sslmode=require&sslrootcert=/etc/ca.crt&connect_timeout=3",
    );
    let hosts = [("db1.example.org", 6000), ("::1", 5432), ("/run/pg", 5432)];
    assert_eq!(
        full.hosts,
        hosts.map(|(host, port)| (host.to_owned(), port))
    );
    assert_eq!(full.user.as_deref(), Some("ada"));
    assert_eq!(
        full.password.as_ref().map(|p| p.expose("test").as_str()),
        Some("s@cret/")
    );
    assert_eq!(full.database, "team log");
    assert_eq!((full.sslmode, full.connect_ms), ("require", 3_000));
    assert_eq!(full.roots, Some("/etc/ca.crt".into()));
    let shown = "postgres://ada@db1.example.org:6000,[::1]:5432,/run/pg:5432/team log";
    assert_eq!(full.to_string(), shown);
    assert_eq!(format!("{full:?}"), shown);
}

#[test]
fn tls_is_whole_unless_the_server_is_this_machine_or_the_url_says_so() {
    for (text, mode) in [
        ("postgres://h/d", "verify-full"),
        ("postgres://10.0.0.7/d", "verify-full"),
        ("postgres://localhost,h/d", "verify-full"),
        ("postgres://localhost.example.org/d", "verify-full"),
        ("postgres://localhost/d", "prefer"),
        ("postgres://127.0.0.9/d", "prefer"),
        ("postgres://[::1]/d", "prefer"),
        ("postgres://%2Fvar%2Frun/d", "prefer"),
        ("postgres://h/d?sslmode=disable", "disable"),
        ("postgres://h/d?sslrootcert=system", "verify-full"),
    ] {
        assert_eq!(url(text).sslmode, mode, "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_of_it_repeated() {
    for text in [
        "postgres://",
        "postgres:///d",
        "postgres://h",
        "postgres://h/",
        "postgres://hunter2:hunter2@h:hunter2/d",
        "postgres://u:hunter2/x@h/d",
        "postgres://u:hunter2@x@h/d",
        "postgres://u:hunter2#x@h/d",
        "postgres://u:hunter2?x@h/d",
        "postgres://u:hunter2%zz@h/d",
        "postgres://u:hunter2%ff@h/d",
        "postgres://u:hunter2%0a@h/d",
        "postgres://u:hunter2%00@h/d",
        "postgres://u:hunter2@h:0/d",
        "postgres://u:hunter2@h:65536/d",
        "postgres://u:hunter2@h h/d",
        "postgres://u:1/hunter2@h/d",
        "postgres://u:1/d?hunter2@h/d",
        "postgres://u:1/d?sslrootcert=hunter2@h/d",
        "postgres://u@h/d?password=hunter2",
        "postgres://u@h/d?hunter2",
        "postgres://u@h/d?sslmode=hunter2",
        "postgres://u@h/d?sslmode=allow",
        "postgres://u@h/d?connect_timeout=hunter2",
        "postgres://u@h/d?connect_timeout=0",
        "postgres://1,2,3,4,5,6,7,8,9/d",
    ] {
        let error = read(text).expect_err(text);
        assert_eq!(error.exit_code(), 2, "{text}");
        assert!(!error.to_string().contains("hunter2"), "{text}: {error}");
        assert!(error.message.contains("(flag --ledger)"), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_shown_with_its_password(password in "[a-zA-Z0-9!#$&'()*+,/:;=?@%_.~-]{8,24}") {
        let text = format!("postgres://user:{password}@host/db");
        let told = match read(&text) {
            Ok(place) => format!("{place} {place:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        proptest::prop_assert!(!told.contains(&password), "{told}");
    }
}
