//! Addresses with a password, and text without one.

use super::*;

#[test]
fn the_password_of_an_address_is_not_shown() {
    for (text, shown) in [
        (
            "`postgres://u:S3same@h/db` cannot be read",
            "`postgres://u:***@h/db` cannot be read",
        ),
        (
            "/work/postgres:/u:S3same@h/db",
            "/work/postgres:/u:***@h/db",
        ),
        ("POSTGRESQL:u:S3same@h", "POSTGRESQL:u:***@h"),
        ("postgres://u:S3@same/a:b@h/d", "postgres://u:***@h/d"),
        ("postgres://u:S3 same@h/d", "postgres://u:***@h/d"),
        ("postgres://:S3same@h/d", "postgres://:***@h/d"),
        (
            "a https://me:S3same@host/v1 and mysql://u:S3same@h",
            "a https://me:***@host/v1 and mysql://u:***@h",
        ),
    ] {
        assert_eq!(without_passwords(text), shown);
    }
}

#[test]
fn text_without_a_password_stays_as_it_is() {
    for text in [
        "",
        "thymos: nothing waits for a decision",
        "  hint: write a path, or postgres://user@host:5432/database?sslmode=verify-full",
        "http://127.0.0.1:8080/v1 is not there; ask ada@example.org",
        "shell: git clone git@host:path/of",
        "config.toml:2: ada@db",
        "ä:ö@ü",
    ] {
        assert_eq!(without_passwords(text), text);
    }
}
