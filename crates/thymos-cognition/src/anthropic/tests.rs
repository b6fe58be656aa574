//! Tests of the Messages protocol: how a context is written and how a stream is read.

use serde_json::{Value, json};
use thymos_ports::cognition::{ContextMessage, ModelFaultKind as Kind, ProposedCall, TurnStop};

use super::Messages;
use crate::prices::Spent;
use crate::testing::{context, read};
use crate::wire::Wire;

fn start() -> Value {
    json!({"type": "message_start", "message": {"usage": {
        "input_tokens": 10, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 30,
        "output_tokens": 1}}})
}

fn block(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}})
}

fn tool(index: u64, id: &str, name: &str) -> Value {
    block(
        index,
        json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
    )
}

fn args(index: u64, json: &str) -> Value {
    delta(
        index,
        json!({"type": "input_json_delta", "partial_json": json}),
    )
}

#[test]
fn a_context_is_written_with_markers_errors_and_replayed_thinking() {
    let thinking = json!([{"type": "thinking", "thinking": "hm", "signature": "s=="}]);
    let mut context = context();
    context.messages.push(ContextMessage::Model {
        text: "I look ".to_owned(),
        calls: vec![ProposedCall {
            call: "a".to_owned(),
            tool: "grep".to_owned(),
            args: json!({"x": 1}),
            malformed: None,
        }],
        provider_state: Some(json!({"anthropic_thinking": thinking})),
    });
    context.messages.push(ContextMessage::Result {
        call: "a".to_owned(),
        tool: "grep".to_owned(),
        text: "no".to_owned(),
        is_error: true,
    });
    let marker = json!({"type": "ephemeral"});
    let expected = json!({
        "model": "m",
        "max_tokens": 500,
        "stream": true,
        "system": [{"type": "text", "text": "be brief", "cache_control": marker}],
        "tools": [{"name": "grep", "description": "searches", "input_schema": {"type": "object"},
            "cache_control": marker}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s=="},
                {"type": "text", "text": "I look"},
                {"type": "tool_use", "id": "a", "name": "grep", "input": {"x": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
                "content": "no", "is_error": true, "cache_control": marker}]},
        ],
    });
    assert_eq!(Messages.body(&context, "m"), expected);
}

#[test]
fn text_thinking_and_calls_make_a_turn() {
    let (turn, spent) = read(
        &Messages,
        &[
            start(),
            json!({"type": "ping"}),
            block(
                0,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            delta(0, json!({"type": "thinking_delta", "thinking": "h"})),
            delta(0, json!({"type": "thinking_delta", "thinking": "m"})),
            delta(0, json!({"type": "signature_delta", "signature": "s=="})),
            json!({"type": "content_block_stop", "index": 0}),
            block(1, json!({"type": "text", "text": ""})),
            delta(1, json!({"type": "text_delta", "text": "Hello"})),
            tool(2, "a", "grep"),
            args(2, ""),
            args(2, "{\"x\":"),
            args(2, "1}"),
            tool(3, "b", "glob"),
            json!({"type": "news_of_the_future"}),
            stop("tool_use"),
            json!({"type": "message_stop"}),
        ],
    );
    let turn = turn.unwrap();
    assert_eq!(
        (turn.text.as_str(), turn.reasoning.as_str()),
        ("Hello", "hm")
    );
    let kept =
        json!({"anthropic_thinking": [{"type": "thinking", "thinking": "hm", "signature": "s=="}]});
    assert_eq!(turn.provider_state, Some(kept));
    let calls: Vec<_> = turn
        .calls
        .iter()
        .map(|c| (c.call.as_str(), &c.args))
        .collect();
    assert_eq!(calls, [("a", &json!({"x": 1})), ("b", &json!({}))]);
    assert_eq!(turn.stop, TurnStop::Calls);
    let expected = Spent {
        input: 60,
        cached: 20,
        cache_written: 30,
        output: 7,
        reasoning: 0,
        told: true,
    };
    assert_eq!(spent, expected);
}

#[test]
fn redacted_thinking_is_kept_and_unsigned_thinking_is_not() {
    let (turn, _) = read(
        &Messages,
        &[
            block(0, json!({"type": "redacted_thinking", "data": "xyz"})),
            block(1, json!({"type": "thinking", "thinking": "unsigned"})),
            stop("end_turn"),
        ],
    );
    let kept = json!({"anthropic_thinking": [{"type": "redacted_thinking", "data": "xyz"}]});
    assert_eq!(turn.unwrap().provider_state, Some(kept));
}

#[test]
fn stop_reasons_are_told_apart() {
    for (reason, expected) in [
        ("end_turn", TurnStop::Done),
        ("stop_sequence", TurnStop::Done),
        ("max_tokens", TurnStop::Length),
        (
            "refusal",
            TurnStop::Declined("the model declined to go on".to_owned()),
        ),
    ] {
        assert_eq!(
            read(&Messages, &[start(), stop(reason)]).0.unwrap().stop,
            expected
        );
    }
}

#[test]
fn a_missing_stop_reason_is_a_cut_that_still_tells_its_usage() {
    let (turn, spent) = read(&Messages, &[start(), tool(0, "a", "grep"), args(0, "{}")]);
    assert_eq!(turn.unwrap_err().kind, Kind::Cut);
    assert_eq!((spent.input, spent.output), (60, 1));
}

#[test]
fn an_error_event_ends_the_stream_with_its_kind() {
    let error =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let broken = read(&Messages, &[start(), error]).0.unwrap_err();
    assert_eq!(broken.kind, Kind::Overloaded);
}

#[test]
fn t11_a_call_cut_by_the_output_limit_is_malformed() {
    for cut in ["", "{\"x\":"] {
        let (turn, _) = read(
            &Messages,
            &[tool(0, "a", "grep"), args(0, cut), stop("max_tokens")],
        );
        assert_eq!(turn.unwrap().calls[0].malformed.as_deref(), Some(cut));
    }
}
