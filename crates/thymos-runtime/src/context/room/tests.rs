//! What stays of a conversation that does not fit, and in which order it goes.

use serde_json::json;

use super::*;

fn said(text: &str) -> ContextMessage {
    ContextMessage::Operator(text.to_owned())
}

fn wants(text: &str, args: Value) -> ContextMessage {
    ContextMessage::Model {
        text: text.to_owned(),
        calls: vec![ProposedCall {
            call: "c".to_owned(),
            tool: "read".to_owned(),
            args,
            malformed: None,
        }],
        provider_state: None,
    }
}

fn came(text: &str) -> ContextMessage {
    ContextMessage::Result {
        call: "c".to_owned(),
        tool: "read".to_owned(),
        text: text.to_owned(),
        is_error: false,
    }
}

fn texts(messages: &[ContextMessage]) -> Vec<&str> {
    fn text(message: &ContextMessage) -> &str {
        match message {
            ContextMessage::Operator(text)
            | ContextMessage::Result { text, .. }
            | ContextMessage::Model { text, .. } => text,
        }
    }
    messages.iter().map(text).collect()
}

#[test]
fn what_fits_is_left_alone() {
    let all = vec![said("task"), wants("I look", json!({})), came("found")];
    assert_eq!(fit(all.clone(), 1, 1_000), all);
}

#[test]
fn the_task_stays_and_the_oldest_turns_go_with_their_results() {
    let mut all = vec![said("task")];
    for turn in 0..10 {
        all.push(wants(&format!("turn {turn}"), json!({"n": turn})));
        all.push(came(&"x".repeat(100)));
    }
    let fitting = fit(all, 1, 400);
    let told = texts(&fitting);
    assert_eq!(told[0], "task");
    assert_eq!(
        told[1],
        "[14 older messages are left out here; the ledger has them]"
    );
    assert_eq!(told[2], "turn 7");
    assert_eq!(fitting.len(), 8);
    assert!(fitting.iter().map(size).sum::<usize>() <= 400 + told[1].len());
}

/// Found by an audit: a result that is larger than all the room took the whole turn with it, and the model
/// made the same call until its turns were over.
#[test]
fn a_result_larger_than_the_room_is_cut_in_its_middle() {
    let long = format!("begin{}end", "é".repeat(50_000));
    let all = vec![
        said("task"),
        wants("I look", json!({"path": "a"})),
        came("small"),
        wants("and there", json!({"path": "b"})),
        came(&long),
    ];
    let fitting = fit(all, 1, 4_000);
    let told = texts(&fitting);
    let (result, before) = told.split_last().unwrap();
    assert_eq!(
        before,
        [
            "task",
            "[2 older messages are left out here; the ledger has them]",
            "and there"
        ]
    );
    assert!(
        result.starts_with("beginé") && result.ends_with("éend"),
        "{result}"
    );
    assert!(result.contains("bytes are left out here"));
    assert!((3_000..4_200).contains(&result.len()), "{}", result.len());
}

#[test]
fn results_of_one_turn_share_the_room_and_short_ones_stay_whole() {
    let all = vec![
        said("task"),
        wants("I look", json!({})),
        came(&"a".repeat(30_000)),
        came("short"),
        came(&"b".repeat(30_000)),
    ];
    let fitting = fit(all, 1, 10_000);
    assert_eq!(fitting.len(), 5);
    let told = texts(&fitting);
    assert_eq!(told[3], "short");
    assert!(told[2].len().abs_diff(told[4].len()) < 10 && told[2].len() > 4_000);
}

#[test]
fn what_a_person_said_last_stays_behind_any_number_of_turns() {
    let mut all = vec![said("task"), said("no, the other folder")];
    for _ in 0..50 {
        all.push(wants("on", json!({})));
        all.push(came(&"x".repeat(100)));
    }
    let fitting = fit(all, 1, 500);
    let told = texts(&fitting);
    assert_eq!(told[..2], ["task", "no, the other folder"]);
    assert!(told[2].contains("older messages"));
    assert_eq!(told.last().unwrap().len(), 100);
}

#[test]
fn arguments_are_cut_too_unless_a_provider_wants_them_back_as_they_were() {
    let content = "z".repeat(20_000);
    let wanted = wants("I write", json!({"path": "a", "content": content}));
    let fitting = fit(
        vec![said("task"), wanted.clone(), came("written")],
        1,
        2_000,
    );
    let ContextMessage::Model { calls, .. } = &fitting[1] else {
        panic!("{fitting:?}");
    };
    assert_eq!(calls[0].args["path"], "a");
    assert!(written(&calls[0].args) < 2_200);
    let ContextMessage::Model { text, calls, .. } = wanted else {
        panic!("it is a turn");
    };
    let replayed = ContextMessage::Model {
        text,
        calls,
        provider_state: Some(json!(["opaque"])),
    };
    let fitting = fit(
        vec![said("task"), replayed.clone(), came("written")],
        1,
        2_000,
    );
    assert_eq!(fitting[1], replayed);
}

#[test]
fn nothing_is_so_small_that_it_panics() {
    for room in [0, 1, 10] {
        assert_eq!(fit(Vec::new(), 1, room), []);
        let fitting = fit(
            vec![said("task"), wants("é", json!({})), came(&"é".repeat(300))],
            1,
            room,
        );
        assert_eq!(fitting.len(), 3);
    }
}

#[test]
fn what_is_pinned_stays_whatever_comes_behind_it() {
    let mut all = vec![said("task"), wants("my summary", json!({}))];
    for _ in 0..50 {
        all.push(wants("on", json!({})));
        all.push(came(&"x".repeat(100)));
    }
    for (pinned, first_gap) in [(1, 1), (2, 2)] {
        let fitting = fit(all.clone(), pinned, 500);
        assert!(texts(&fitting)[first_gap].contains("older messages"));
    }
}
