//! Tests of call assembly: one for each way in which servers write calls.

use serde_json::{Value, json};

use super::{Calls, Ending, Piece, TooManyCalls};
use crate::limits::CALLS_MAX;

type Written<'a> = (Option<u64>, &'a str, &'a str, &'a str);

fn calls(pieces: &[Written<'_>], ending: Ending) -> Vec<(String, String, Value)> {
    let mut calls = Calls::default();
    for &(index, id, name, args) in pieces {
        calls
            .add(Piece {
                index,
                id,
                name,
                args,
            })
            .unwrap();
    }
    let calls = calls.finish(ending).into_iter();
    calls
        .map(|call| {
            let args = call.malformed.map_or(call.args, |raw| json!([raw]));
            (call.call, call.tool, args)
        })
        .collect()
}

fn check(pieces: &[Written<'_>], expected: &[(&str, &str, Value)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, name, args)| ((*id).to_owned(), (*name).to_owned(), args.clone()))
        .collect();
    assert_eq!(calls(pieces, Ending::Whole), expected);
}

#[test]
fn interleaved_calls_are_told_apart_by_index() {
    check(
        &[
            (Some(0), "a", "grep", ""),
            (Some(1), "b", "glob", "{\"p\""),
            (Some(0), "", "", "{\"x\":1"),
            (Some(1), "", "", ":2}"),
            (Some(0), "", "", "}"),
        ],
        &[
            ("a", "grep", json!({"x": 1})),
            ("b", "glob", json!({"p": 2})),
        ],
    );
}

#[test]
fn a_missing_index_continues_the_last_call_or_begins_one() {
    check(
        &[
            (None, "a", "grep", "{"),
            (None, "", "", "}"),
            (None, "b", "glob", "{}"),
            (None, "", "glob", "{\"x\":1}"),
        ],
        &[
            ("a", "grep", json!({})),
            ("b", "glob", json!({})),
            ("call00001", "glob", json!({"x": 1})),
        ],
    );
}

#[test]
fn a_repeated_index_with_another_id_is_another_call() {
    check(
        &[
            (Some(0), "a", "grep", "{}"),
            (Some(0), "b", "grep", "{\"x\":1}"),
            (Some(0), "b", "grep", ""),
        ],
        &[("a", "grep", json!({})), ("b", "grep", json!({"x": 1}))],
    );
}

#[test]
fn a_repeated_index_without_ids_begins_anew_after_whole_arguments() {
    check(
        &[
            (Some(0), "", "grep", "{\"x\":\"}\"}"),
            (Some(0), "", "grep", "{\"x\":2}"),
        ],
        &[
            ("call00001", "grep", json!({"x": "}"})),
            ("call00002", "grep", json!({"x": 2})),
        ],
    );
}

#[test]
fn an_absurd_index_costs_nothing() {
    check(
        &[
            (Some(u64::from(u32::MAX)), "a", "grep", "{}"),
            (Some(u64::MAX), "b", "glob", "{}"),
        ],
        &[("a", "grep", json!({})), ("b", "glob", json!({}))],
    );
}

#[test]
fn more_calls_than_the_limit_are_refused() {
    let mut calls = Calls::default();
    let refused = (0..=CALLS_MAX as u64).find_map(|index| {
        let piece = Piece {
            index: Some(index),
            ..Piece::default()
        };
        calls.add(piece).err()
    });
    assert_eq!(refused, Some(TooManyCalls));
}

#[test]
fn empty_and_repeated_ids_are_repaired() {
    check(
        &[
            (Some(0), "", "a", ""),
            (Some(1), "x", "b", ""),
            (Some(2), "x", "c", ""),
            (Some(3), "call00001", "d", ""),
        ],
        &[
            ("call00001", "a", json!({})),
            ("x", "b", json!({})),
            ("call00002", "c", json!({})),
            ("call00003", "d", json!({})),
        ],
    );
}

#[test]
fn a_name_may_come_in_pieces_or_again_and_again() {
    check(
        &[
            (Some(0), "a", "fs_", ""),
            (Some(0), "", "read", "{"),
            (Some(0), "", "fs_read", "}"),
        ],
        &[("a", "fs_read", json!({}))],
    );
}

#[test]
fn arguments_that_are_not_strict_json_are_handed_on_raw() {
    for raw in ["{\"a\":1", "{'a':1}", "{\"a\":1,\"a\":2}", "{} trailing"] {
        check(
            &[(Some(0), "a", "grep", raw)],
            &[("a", "grep", json!([raw]))],
        );
    }
}

#[test]
fn t11_a_truncated_turn_never_yields_a_call_with_made_up_arguments() {
    let cut = calls(
        &[(Some(0), "a", "grep", ""), (Some(1), "b", "glob", "")],
        Ending::Truncated,
    );
    assert_eq!(cut[0].2, json!({}));
    assert_eq!(cut[1].2, json!([""]));
}
