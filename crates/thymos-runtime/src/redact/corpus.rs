//! The corpus of fakes against the redactor alone: everything is found, nothing else is touched.

use serde_json::json;
use thymos_core::body::{Message, Role};
use thymos_testkit::secrets::{HELD, TELLING_NAMES, corpus, harmless};

use super::*;

fn redactor() -> Redactor {
    Redactor::new(vec![Secret::new(HELD.to_owned())], [7; 32])
}

/// Every detector over everything, without the quick look before.
fn without_sieve(redactor: &Redactor, text: &str) -> bool {
    let mut spans = Spans::default();
    for text in [Some(text.to_owned()), views::decoded(text).map(|v| v.text)] {
        let text = text.unwrap_or_default();
        redactor.own.find(&text, &mut spans);
        formats::find(&text, &mut spans);
        keywords::find(&text, &mut spans);
    }
    !spans.is_empty()
}

#[test]
fn r1_every_fake_of_the_corpus_is_taken_out_of_text() {
    let redactor = redactor();
    let mut left = Vec::new();
    for one in corpus() {
        let redacted = redactor.redact_text(&one.text);
        if redacted
            .as_ref()
            .is_none_or(|text| text.contains(&one.bare))
        {
            left.push(format!("{}: `{}` -> {redacted:?}", one.what, one.text));
        }
        let twice = redacted.and_then(|text| redactor.redact_text(&text));
        assert_eq!(twice, None, "{}: twice is not once", one.what);
    }
    assert!(left.is_empty(), "left in:\n{}", left.join("\n"));
}

#[test]
fn r1_fakes_are_found_at_the_far_end_of_a_long_text() {
    let filler = "let x = y + 1; // nothing to see\n".repeat(32 * 1024);
    assert!(filler.len() > 1024 * 1024);
    let fakes: Vec<_> = corpus().into_iter().step_by(9).collect();
    let texts: Vec<&str> = fakes.iter().map(|one| one.text.as_str()).collect();
    let redacted = redactor().redact_text(&format!("{filler}{}", texts.join("\n\n")));
    let redacted = redacted.unwrap();
    assert!(redacted.starts_with(&filler));
    for one in fakes {
        assert!(!redacted.contains(&one.bare), "{}", one.what);
    }
}

#[test]
fn r1_harmless_text_comes_through_unchanged() {
    let redactor = redactor();
    for text in harmless() {
        assert_eq!(redactor.redact_text(&text), None, "false find in `{text}`");
    }
}

#[test]
fn r1_a_value_under_a_telling_name_is_taken_out_at_any_depth() {
    let redactor = redactor();
    for name in TELLING_NAMES {
        for value in [
            json!({*name: "plain words"}),
            json!({"a": [[{"b": {*name: "plain words"}}]]}),
            json!({*name: ["plain words", "plain words"]}),
            json!([{"name": name, "value": "plain words"}]),
            json!(["login", format!("--{name}"), "plain words"]),
        ] {
            let redacted = redactor.redact_value(&value);
            let redacted = redacted.unwrap_or_else(|| panic!("left in {value}"));
            assert!(!redacted.to_string().contains("plain words"), "{redacted}");
        }
    }
}

#[test]
fn r1_the_quick_look_never_misses_what_the_detectors_find() {
    let redactor = redactor();
    let texts = corpus().into_iter().map(|one| one.text).chain(harmless());
    for text in texts {
        assert_eq!(
            redactor.finds(&text),
            without_sieve(&redactor, &text),
            "{text}"
        );
    }
    for name in TELLING_NAMES {
        assert!(sieve::name_is_worth_a_look(name), "{name}");
        assert!(sieve::hinted(&format!("{name}=x")), "{name}");
    }
}

/// Places where a text can stand in a value.
fn shapes(text: &str) -> Vec<Value> {
    vec![
        json!(text),
        json!([1, {"a": [text]}]),
        json!({"a": {text: 1}}),
    ]
}

fn message(value: Value) -> Body {
    Body::Message(Message {
        role: Role::Model,
        text: String::new(),
        reasoning: String::new(),
        provider_state: Some(value),
        turn: 0,
    })
}

#[test]
fn r1_looking_while_encoding_finds_whatever_the_slow_walk_changes() {
    let redactor = redactor();
    let named = |text: &str| {
        let names = TELLING_NAMES.iter().flat_map(|name| {
            [
                json!({*name: text}),
                json!({"value": text, "name": name}),
                json!([format!("--{name}"), text]),
            ]
        });
        names.collect::<Vec<_>>()
    };
    let texts = corpus().into_iter().map(|one| one.text).chain(harmless());
    for value in texts
        .chain(["plain".to_owned()])
        .flat_map(|t| [shapes(&t), named(&t)].concat())
    {
        let body = message(value.clone());
        let changes = redactor.redact_value(&body.to_value().unwrap());
        match redactor.screen(&body).unwrap() {
            Screened::Clean { bytes, .. } => {
                assert_eq!(changes, None, "{value}");
                assert_eq!(bytes, body.encode().unwrap());
            }
            Screened::Redacted(redacted) => {
                assert_eq!(Some(redacted.to_value().unwrap()), changes);
            }
        }
    }
}

#[test]
fn r1_a_digest_is_passed_over_only_where_no_secret_could_stand_in_it() {
    let digest = "0123456789abcdef".repeat(4);
    assert!(Redactor::new(Vec::new(), [7; 32]).is_digest(&digest));
    let held = Secret::new(digest.get(8..40).unwrap().to_owned());
    let redactor = Redactor::new(vec![held], [7; 32]);
    assert!(!redactor.is_digest(&digest));
    for value in shapes(&digest) {
        let body = message(value);
        let screened = redactor.screen(&body).unwrap();
        assert!(matches!(screened, Screened::Redacted(_)), "{body:?}");
    }
    // What stands beside a telling name is found there, digest or not.
    let redactor = Redactor::new(Vec::new(), [7; 32]);
    for value in [
        json!({"api_key": digest}),
        json!(["--api-key", digest]),
        json!({"name": "DB_PASSWORD", "value": digest}),
    ] {
        let screened = redactor.screen(&message(value.clone())).unwrap();
        assert!(matches!(screened, Screened::Redacted(_)), "{value}");
    }
}
