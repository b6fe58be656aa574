//! Tests of the order.

use serde_json::json;
use thymos_ports::cognition::{ContextMessage, ProposedCall};

use super::{Answer, Asked, NO_RESULT, Spoken, order};

fn model(text: &str, ids: &[&str]) -> ContextMessage {
    let calls = ids.iter().map(|id| ProposedCall {
        call: (*id).to_owned(),
        tool: "grep".to_owned(),
        args: json!({}),
        malformed: None,
    });
    ContextMessage::Model {
        text: text.to_owned(),
        calls: calls.collect(),
        provider_state: None,
    }
}

fn operator(text: &str) -> ContextMessage {
    ContextMessage::Operator(text.to_owned())
}

fn result(id: &str, text: &str) -> ContextMessage {
    ContextMessage::Result {
        call: id.to_owned(),
        tool: "grep".to_owned(),
        text: text.to_owned(),
        is_error: false,
    }
}

fn said(text: &str, ids: &[&str]) -> Spoken {
    let calls = ids.iter().map(|id| Asked {
        id: (*id).to_owned(),
        tool: "grep".to_owned(),
        args: json!({}),
    });
    Spoken::Model {
        text: text.to_owned(),
        calls: calls.collect(),
        provider_state: None,
    }
}

fn heard(results: &[(&str, &str)], words: &[&str]) -> Spoken {
    let results = results.iter().map(|(id, text)| Answer {
        id: (*id).to_owned(),
        text: (*text).to_owned(),
        is_error: *text == NO_RESULT,
    });
    Spoken::Operator {
        results: results.collect(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

#[test]
fn every_call_gets_one_result_in_its_order_even_a_missing_one() {
    let messages = [
        operator("go"),
        model("", &["a", "b", "c"]),
        result("c", "3"),
        operator("steer"),
        result("a", "1"),
    ];
    let expected = [
        heard(&[], &["go"]),
        said("", &["a", "b", "c"]),
        heard(&[("a", "1"), ("b", NO_RESULT), ("c", "3")], &["steer"]),
    ];
    assert_eq!(order(&messages), expected);
}

#[test]
fn people_and_model_take_turns() {
    let messages = [model("a", &[]), model("b", &[]), operator(" ")];
    let expected = [
        heard(&[], &["(continued)"]),
        said("a", &[]),
        heard(&[], &["(continued)"]),
        said("b", &[]),
        heard(&[], &["continue"]),
    ];
    assert_eq!(order(&messages), expected);
}

#[test]
fn ids_are_plain_and_unique_across_turns() {
    let messages = [
        operator("go"),
        model("", &["a", "b.1"]),
        result("b.1", "1"),
        model("", &["a"]),
        result("a", "2"),
    ];
    let expected = [
        heard(&[], &["go"]),
        said("", &["a", "call00001"]),
        heard(&[("a", NO_RESULT), ("call00001", "1")], &[]),
        said("", &["call00002"]),
        heard(&[("call00002", "2")], &[]),
    ];
    assert_eq!(order(&messages), expected);
}

#[test]
fn a_result_without_its_call_is_told_in_words() {
    let messages = [operator("go"), result("gone", "42")];
    let words = ["go", "result of an earlier call of `grep`: 42"];
    assert_eq!(order(&messages), [heard(&[], &words)]);
}

#[test]
fn malformed_arguments_are_shown_as_an_object() {
    let mut messages = [operator("go"), model("", &["a"])];
    if let ContextMessage::Model { calls, .. } = &mut messages[1] {
        calls[0].args = json!(null);
        calls[0].malformed = Some("{oops".to_owned());
    }
    let Spoken::Model { calls, .. } = &order(&messages)[1] else {
        panic!("the model speaks second");
    };
    assert_eq!(calls[0].args, json!({"not_json": "{oops"}));
}
