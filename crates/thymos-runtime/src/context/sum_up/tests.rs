//! Which turns are summed up, and when none are.

use super::*;

const LIMITS: ContextLimits = ContextLimits {
    output_tokens_max: 1_000,
    context_tokens_max: 2_500,
};

/// Bytes for the conversation.
const ROOM: usize = 10_000;

fn task() -> Part {
    Part::operators("the task".to_owned())
}

fn turn(number: u32, bytes: usize) -> Part {
    Part {
        turn: Some(number),
        messages: vec![ContextMessage::Model {
            text: format!("{number}: {}", "x".repeat(bytes - 3)),
            calls: Vec::new(),
            provider_state: None,
        }],
        ended: true,
    }
}

/// A task and ten turns of so many bytes.
fn ten(bytes: usize) -> Vec<Part> {
    let turns = (0..10).map(|number| turn(number, bytes));
    std::iter::once(task()).chain(turns).collect()
}

fn through(parts: &[Part]) -> Option<u32> {
    due((parts, 1), ROOM, LIMITS).map(|sum_up| sum_up.through)
}

#[test]
fn nothing_is_summed_up_until_three_quarters_of_the_room_are_taken() {
    assert_eq!(through(&ten(740)), None);
    // Three turns of 760 bytes fit into the newest quarter.
    assert_eq!(through(&ten(760)), Some(6));
}

#[test]
fn what_is_summed_up_is_shown_as_text_and_no_tools_with_it() {
    let sum_up = due((&ten(900), 1), ROOM, LIMITS).unwrap();
    assert_eq!((sum_up.through, sum_up.turns), (7, 8));
    assert!(sum_up.context.tools.is_empty());
    assert_eq!(sum_up.context.output_tokens_max, 312);
    let [ContextMessage::Operator(text)] = sum_up.context.messages.as_slice() else {
        panic!("{:?}", sum_up.context.messages);
    };
    assert!(text.starts_with("THE OPERATOR:\nthe task\n\nYOU:\n0: x"));
    assert!(text.contains("YOU:\n7: x") && !text.contains("8: x"));
}

#[test]
fn a_turn_with_a_call_that_has_not_ended_is_not_summed_up_nor_what_comes_after_it() {
    let mut parts = ten(900);
    parts[6].ended = false;
    assert_eq!(through(&parts), Some(4));
    // What is left before it is too little to be worth a turn.
    parts[2].ended = false;
    assert_eq!(through(&parts), None);
}

#[test]
fn the_newest_turn_is_never_summed_up_and_words_after_the_last_of_them_stay() {
    let parts = vec![task(), turn(0, 4_000), turn(1, 9_000)];
    assert_eq!(through(&parts), Some(0));
    let said = Part::operators("and that".to_owned());
    let parts = vec![task(), turn(0, 6_000), said, turn(1, 2_400)];
    let sum_up = due((&parts, 1), ROOM, LIMITS).unwrap();
    assert_eq!((sum_up.through, sum_up.turns), (0, 1));
    assert_eq!(through(&[task(), turn(0, 9_000)]), None);
    assert_eq!(through(&[]), None);
}

#[test]
fn a_summary_of_any_length_takes_an_eighth_of_the_room() {
    let long = "é".repeat(5_000);
    let kept = shortened(&long, LIMITS);
    assert!(kept.len() < 1_248 + 100 && kept.contains("bytes are left out here"));
    assert_eq!(shortened("short", LIMITS), "short");
}
