//! Tests of Chat Completions: how a context is written, and each dialect of the stream.

use serde_json::{Value, json};
use thymos_ports::cognition::{ContextMessage, ModelFaultKind as Kind, ProposedCall, TurnStop};

use super::ChatCompletions;
use crate::testing::context;
use crate::wire::{Finished, Wire};
use crate::{fault::Broken, prices::Spent};

const WIRE: ChatCompletions = ChatCompletions {
    output_limit: "max_tokens",
};

fn read(events: &[Value]) -> (Result<Finished, Broken>, Spent) {
    crate::testing::read(&WIRE, events)
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}], "usage": null, "error": null})
}

fn stop(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

#[test]
fn a_context_is_written_with_calls_results_and_tools() {
    let mut context = context();
    context.messages.push(ContextMessage::Model {
        text: "I look".to_owned(),
        calls: vec![ProposedCall {
            call: "a".to_owned(),
            tool: "grep".to_owned(),
            args: json!({"x": 1}),
            malformed: None,
        }],
        provider_state: Some(json!({"anthropic_thinking": []})),
    });
    context.messages.push(ContextMessage::Result {
        call: "a".to_owned(),
        tool: "grep".to_owned(),
        text: "no".to_owned(),
        is_error: true,
    });
    let body = WIRE.body(&context, "vendor/Model:X");
    let expected = json!({
        "model": "vendor/Model:X",
        "stream": true,
        "stream_options": {"include_usage": true},
        "max_tokens": 500,
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": "I look", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "grep", "arguments": "{\"x\":1}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "error: no"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "grep", "description": "searches", "parameters": {"type": "object"}}}],
    });
    assert_eq!(body, expected);
}

#[test]
fn text_reasoning_and_late_usage_make_a_turn() {
    let (turn, spent) = read(&[
        delta(json!({"role": "assistant", "content": "", "reasoning_content": "hm"})),
        delta(json!({"content": "Hel"})),
        delta(json!({"content": [{"type": "text", "text": "lo"}]})),
        stop("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 2}}}),
    ]);
    let turn = turn.unwrap();
    assert_eq!(
        (turn.text.as_str(), turn.reasoning.as_str()),
        ("Hello", "hm")
    );
    assert_eq!(turn.stop, TurnStop::Done);
    let expected = Spent {
        input: 10,
        cached: 4,
        cache_written: 0,
        output: 5,
        reasoning: 2,
        told: true,
    };
    assert_eq!(spent, expected);
}

#[test]
fn usage_may_be_absent_or_absurd() {
    let (turn, spent) = read(&[delta(json!({"content": "a"})), stop("stop")]);
    assert!(turn.is_ok() && !spent.told);
    let usage =
        json!({"choices": [], "usage": {"prompt_tokens": 1e40, "completion_tokens": -5, "x": 1}});
    let (_, spent) = read(&[stop("stop"), usage]);
    assert_eq!((spent.input, spent.output), (u64::MAX, 0));
}

#[test]
fn a_missing_stop_reason_is_a_cut_and_never_success() {
    for events in [&[][..], &[delta(json!({"content": "half"}))]] {
        assert_eq!(read(events).0.unwrap_err().kind, Kind::Cut);
    }
}

#[test]
fn only_unknown_events_are_told_as_another_protocol() {
    let broken = read(&[json!({"a": 1}), json!({"b": 2})]).0.unwrap_err();
    assert_eq!(broken.kind, Kind::Malformed);
    assert!(
        broken.message.contains("2 events of unknown kinds"),
        "{}",
        broken.message
    );
}

#[test]
fn unknown_events_among_known_ones_are_skipped() {
    let (turn, _) = read(&[
        json!({"ping": 1}),
        delta(json!({"content": "a", "new": []})),
        stop("stop"),
    ]);
    assert_eq!(turn.unwrap().text, "a");
}

#[test]
fn parallel_calls_keep_their_order_and_arguments() {
    let call = |index: u64, id: &str, name: Option<&str>, args: &str| {
        delta(
            json!({"tool_calls": [{"index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": args}}]}),
        )
    };
    let (turn, _) = read(&[
        call(0, "a", Some("grep"), ""),
        call(1, "b", Some("glob"), "{\"p\":"),
        call(0, "", None, "{}"),
        call(1, "", None, "1}"),
        stop("tool_calls"),
    ]);
    let turn = turn.unwrap();
    let calls: Vec<_> = turn
        .calls
        .iter()
        .map(|c| (c.call.as_str(), &c.args))
        .collect();
    assert_eq!(calls, [("a", &json!({})), ("b", &json!({"p": 1}))]);
    assert_eq!(turn.stop, TurnStop::Calls);
}

#[test]
fn calls_win_over_a_stop_reason_that_forgets_them() {
    let call = delta(
        json!({"tool_calls": [{"id": "a", "function": {"name": "grep", "arguments": {"x": 1}}}]}),
    );
    let turn = read(&[call, stop("stop")]).0.unwrap();
    assert_eq!(turn.stop, TurnStop::Calls);
    assert_eq!(turn.calls[0].args, json!({"x": 1}));
}

#[test]
fn t11_a_length_stop_leaves_a_cut_call_malformed() {
    let call = delta(
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "grep", "arguments": "{\"x\":"}}]}),
    );
    let turn = read(&[call, stop("length")]).0.unwrap();
    assert_eq!(turn.stop, TurnStop::Length);
    assert_eq!(turn.calls[0].malformed.as_deref(), Some("{\"x\":"));
}

#[test]
fn a_filter_and_a_refusal_decline_and_want_nothing() {
    let call = delta(
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "grep", "arguments": "{}"}}]}),
    );
    let turn = read(&[call, stop("content_filter")]).0.unwrap();
    assert!(matches!(turn.stop, TurnStop::Declined(_)) && turn.calls.is_empty());
    let turn = read(&[
        delta(json!({"refusal": "I can"})),
        delta(json!({"refusal": "not"})),
        stop("stop"),
    ]);
    assert_eq!(
        turn.0.unwrap().stop,
        TurnStop::Declined("I cannot".to_owned())
    );
}

#[test]
fn an_error_in_the_stream_ends_it_with_its_kind() {
    let error = json!({"error": {"message": "slow down", "code": 429}});
    assert_eq!(read(&[error]).0.unwrap_err().kind, Kind::RateLimited);
    assert_eq!(read(&[stop("error")]).0.unwrap_err().kind, Kind::Overloaded);
}
