//! Tests of addresses and headers.

use thymos_core::secret::Secret;

use super::{ConnectError, Endpoint};
use crate::spec::{AdapterKind, ModelSpec};

const KEY: &str = "sk-very-secret-0123456789";

fn spec(kind: AdapterKind, base: &str) -> ModelSpec {
    ModelSpec::new("here", kind, base, "m")
}

fn check_urls(kind: AdapterKind, base: &str, propose: &str, models: &str) {
    let endpoint = Endpoint::new(&spec(kind, base)).unwrap();
    assert_eq!(endpoint.propose.as_str(), propose);
    assert_eq!(endpoint.models.as_str(), models);
}

#[test]
fn a_base_url_works_with_and_without_slash_and_version() {
    for base in [
        "http://h",
        "http://h/",
        "http://h/v1",
        "http://h/v1/",
        " http://h/v1#x",
    ] {
        let (propose, models) = ("http://h/v1/chat/completions", "http://h/v1/models");
        check_urls(AdapterKind::OpenAi, base, propose, models);
        let (propose, models) = ("http://h/v1/messages", "http://h/v1/models");
        check_urls(AdapterKind::Anthropic, base, propose, models);
    }
}

#[test]
fn a_path_and_a_query_of_the_base_are_kept() {
    check_urls(
        AdapterKind::OpenAi,
        "https://h/openai/v1/",
        "https://h/openai/v1/chat/completions",
        "https://h/openai/v1/models",
    );
    check_urls(
        AdapterKind::OpenAi,
        "https://h/deployments/x?api-version=3",
        "https://h/deployments/x/chat/completions?api-version=3",
        "https://h/deployments/x/models?api-version=3",
    );
    check_urls(
        AdapterKind::OpenAi,
        "https://h/chat/completions",
        "https://h/chat/completions",
        "https://h/models",
    );
    check_urls(
        AdapterKind::Anthropic,
        "https://h/anthropic",
        "https://h/anthropic/v1/messages",
        "https://h/anthropic/v1/models",
    );
}

fn check_refused(spec: &ModelSpec, message: &str) {
    let refused = Endpoint::new(spec).unwrap_err();
    assert_eq!(refused.to_string(), message);
    assert!(refused.hint().is_some());
    assert!(!format!("{refused:?}{spec:?}").contains(KEY));
}

#[test]
fn a_bad_base_url_is_refused_in_a_sentence() {
    check_refused(
        &spec(AdapterKind::OpenAi, "api.example.com/v1"),
        "base URL of provider `here` does not start with `https://` or `http://`",
    );
    check_refused(
        &spec(AdapterKind::OpenAi, &format!("https://me:{KEY}@h/v1")),
        "base URL of provider `here` has a name or password in it",
    );
    check_refused(
        &spec(AdapterKind::OpenAi, "http://"),
        "base URL of provider `here` is not an address: empty host",
    );
}

#[test]
fn a_bad_key_is_refused_without_being_shown() {
    let mut with_key = spec(AdapterKind::OpenAi, "http://h");
    with_key.key = Some(Secret::new(" ".to_owned()));
    check_refused(&with_key, "key of provider `here` is empty");
    with_key.key = Some(Secret::new(format!("{KEY}\n")));
    check_refused(
        &with_key,
        "key of provider `here` has a line break or another character no key has",
    );
}

#[test]
fn a_header_of_the_config_replaces_ours_whatever_its_case() {
    let mut anthropic = spec(AdapterKind::Anthropic, "http://h");
    anthropic.key = Some(Secret::new(KEY.to_owned()));
    for name in ["x-api-key", "X-Api-Key", "Anthropic-Version"] {
        anthropic
            .headers
            .push((name.to_owned(), Secret::new("other-value".to_owned())));
    }
    let headers = Endpoint::new(&anthropic).unwrap().headers;
    for name in ["x-api-key", "anthropic-version"] {
        let sent: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(sent, ["other-value"], "{name}");
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_by_name() {
    let mut bad = spec(AdapterKind::OpenAi, "http://h");
    bad.headers
        .push(("x-a".to_owned(), Secret::new(format!("{KEY}\r\nx-b: 1"))));
    check_refused(&bad, "header `x-a` of provider `here` cannot be sent");
}

#[test]
fn a_missing_model_name_is_told() {
    let nameless = ModelSpec::new("here", AdapterKind::OpenAi, "http://h", " ");
    let refused = Endpoint::new(&nameless).unwrap_err();
    assert_eq!(
        refused,
        ConnectError::ModelEmpty {
            provider: "here".to_owned()
        }
    );
}

#[test]
fn secrets_are_scrubbed_and_never_printed() {
    let mut secret = spec(AdapterKind::OpenAi, "http://h");
    secret.key = Some(Secret::new(KEY.to_owned()));
    let endpoint = Endpoint::new(&secret).unwrap();
    assert_eq!(endpoint.scrub(&format!("no {KEY}!")), "no ••••!");
    assert!(!format!("{endpoint:?} {:?}", endpoint.headers).contains(KEY));
}
