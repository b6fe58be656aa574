//! Tests of the classification.

use thymos_ports::cognition::ModelFaultKind as Kind;

use super::{Broken, Refusal, Retry, Said, plain};

fn classify(status: Option<u16>, body: &str) -> Broken {
    Refusal {
        provider: "p",
        model: "m",
        status,
        said: Said::of_body(body),
        retry_after_ms: None,
    }
    .classify()
}

fn check(status: u16, body: &str, kind: Kind, retry: Retry) {
    let broken = classify(Some(status), body);
    assert_eq!(
        (broken.kind, broken.retry),
        (kind, retry),
        "{status} {body}"
    );
    assert!(!broken.message.ends_with('.'), "{}", broken.message);
    assert!(!broken.message.contains('\n'), "{}", broken.message);
    assert!(broken.hint.is_some());
}

#[test]
fn t11_each_status_has_its_kind_and_only_safe_ones_are_retried() {
    const AGAIN: Retry = Retry::After(None);
    for (status, kind, retry) in [
        (302, Kind::NotFound, Retry::Never),
        (400, Kind::BadRequest, Retry::Never),
        (401, Kind::Auth, Retry::Never),
        (402, Kind::RateLimited, Retry::Never),
        (403, Kind::Auth, Retry::Never),
        (404, Kind::NotFound, Retry::Never),
        (408, Kind::Timeout, AGAIN),
        (413, Kind::ContextTooLong, Retry::Never),
        (422, Kind::BadRequest, Retry::Never),
        (429, Kind::RateLimited, AGAIN),
        (500, Kind::Overloaded, AGAIN),
        (503, Kind::Overloaded, AGAIN),
        (529, Kind::Overloaded, AGAIN),
    ] {
        for body in [
            "",
            "<html>",
            "oops\nline",
            "{}",
            "[]",
            r#"{"error":{"message":"x."}}"#,
        ] {
            check(status, body, kind, retry);
        }
    }
}

#[test]
fn a_context_that_does_not_fit_is_recognised_by_word_and_code() {
    for body in [
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 201000 tokens > 200000 maximum"}}"#,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
    ] {
        check(400, body, Kind::ContextTooLong, Retry::Never);
    }
}

#[test]
fn an_empty_account_is_not_worth_waiting_for() {
    let body =
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#;
    check(429, body, Kind::RateLimited, Retry::Never);
}

#[test]
fn an_error_without_status_is_classified_by_its_code() {
    for (body, kind) in [
        (
            r#"{"error":{"type":"overloaded_error","message":"x"}}"#,
            Kind::Overloaded,
        ),
        (
            r#"{"error":{"type":"rate_limit_error"}}"#,
            Kind::RateLimited,
        ),
        (r#"{"error":{"code":502,"message":"x"}}"#, Kind::Overloaded),
        (r#"{"error":"model crashed"}"#, Kind::BadRequest),
        (r#"{"error":{"type":"authentication_error"}}"#, Kind::Auth),
    ] {
        assert_eq!(classify(None, body).kind, kind, "{body}");
        assert_eq!(classify(Some(200), body).kind, kind, "{body}");
    }
}

#[test]
fn a_refused_key_is_told_without_the_words_that_may_repeat_it() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-ab***yz"}}"#;
    assert_eq!(
        classify(Some(401), body).message,
        "`p` refused the key (401)"
    );
}

#[test]
fn a_null_error_is_no_error() {
    assert_eq!(Said::of(&serde_json::json!({"error": null})), None);
    assert_eq!(Said::of(&serde_json::json!({})), None);
}

#[test]
fn foreign_words_become_one_short_line() {
    assert_eq!(plain(" a\u{1b}[31m\n b. "), "a [31m b");
    assert_eq!(plain(&"x".repeat(9999)).chars().count(), 241);
}
