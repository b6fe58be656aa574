//! Tests of ages and tabs.

use thymos_core::Timestamp;

use super::words::{age, clock};
use super::{Queue, QueueRow, Tab};
use thymos_core::id::ProposalId;

fn row(name: &str) -> QueueRow {
    QueueRow {
        proposal: ProposalId::of(name.as_bytes()),
        line: name.into(),
        effect: None,
        at: Timestamp(0),
        note: String::new(),
    }
}

#[test]
fn ages_are_short() {
    let at = |ms| age(Timestamp(ms), Timestamp(0));
    assert_eq!(at(42_000), "0:42");
    assert_eq!(at(3 * 3_600_000), "3 h");
    assert_eq!(at(50 * 3_600_000), "2 d");
    assert_eq!(clock(Timestamp(14 * 3_600_000 + 5_000)), "14:00:05");
}

#[test]
fn the_choice_stays_on_its_proposal_while_rows_come_and_go() {
    let mut queue = Queue::default();
    let rows = [row("a"), row("b"), row("c")];
    queue.choose(&rows, 1);
    assert_eq!(queue.place(&rows), 1);
    assert_eq!(queue.place(&[row("b"), row("c")]), 0);
    assert_eq!(queue.place(&[row("c")]), 0);
    queue.turn();
    assert_eq!(queue.tab, Tab::Decided);
    assert_eq!(queue.place(&rows), 0);
}
