//! Which password is taken from where.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn url() -> ServerUrl {
    ServerUrl {
        hosts: vec![("db.example.org".to_owned(), 5432)],
        user: None,
        password: None,
        database: "log".to_owned(),
        sslmode: "verify-full",
        roots: None,
        connect_ms: 1_000,
    }
}

fn password(env: &[(&str, &str)], url: &ServerUrl) -> Option<String> {
    let server = server(&Env::of(env), url).unwrap();
    server.password.map(|secret| secret.expose("test").clone())
}

#[test]
fn a_password_file_is_read_as_every_client_reads_it() {
    for (line, fits) in [
        ("db.example.org:5432:log:ada:right", true),
        ("*:*:*:*:right", true),
        ("#*:*:*:*:wrong\n*:*:*:ada:right", true),
        ("*:*:*:bob:wrong\n*:*:log:ada:right\n*:*:*:*:wrong", true),
        (r"*:*:*:ada:r\ight", true),
        ("other:5432:log:ada:wrong", false),
        ("*:5433:*:*:wrong", false),
        ("*:*:*:*:", false),
        ("*:*:*:wrong", false),
        ("", false),
    ] {
        let found = fitting(line, &url(), "ada");
        assert_eq!(found.as_deref(), fits.then_some("right"), "{line}");
    }
    let odd = fitting(r"*:*:*:*:a\:b\\c:d", &url(), "ada");
    assert_eq!(odd.as_deref(), Some(r"a:b\c:d"));
}

#[test]
fn the_url_outranks_the_environment_and_that_outranks_the_file() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".pgpass");
    fs::write(&file, "*:*:*:*:of the file\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let home = home.path().to_str().unwrap();
    let of_file = [("HOME", home), ("USER", "ada")];
    assert_eq!(password(&of_file, &url()).as_deref(), Some("of the file"));
    let of_env = [("HOME", home), ("PGPASSWORD", "of the shell")];
    assert_eq!(password(&of_env, &url()).as_deref(), Some("of the shell"));
    let of_url = ServerUrl {
        password: Some(Secret::new("of the url".to_owned())),
        ..url()
    };
    assert_eq!(password(&of_env, &of_url).as_deref(), Some("of the url"));
    let nowhere = [("HOME", "/no/such/home")];
    assert_eq!(password(&nowhere, &url()), None);
}

#[test]
fn a_password_file_that_others_can_read_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("passwords");
    fs::write(&file, "*:*:*:*:hunter2\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let env = Env::of(&[("PGPASSFILE", file.to_str().unwrap())]);
    let error = server(&env, &url()).unwrap_err();
    assert!(error.message.contains("can be read by others"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
