//! Receipts of a small log, made and bent.

use proptest::prelude::*;

use super::*;
use crate::canonical::CanonicalBytes;
use crate::checkpoint::Checkpoint;
use crate::entry::{Draft, Kind, Position};
use crate::key::SigningKey;
use crate::merkle::Frontier;
use crate::{LogId, Timestamp, TrajectoryId};
use std::collections::BTreeMap;

const SIZE: u64 = 21;

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn body(number: u64) -> CanonicalBytes {
    crate::canonical::value_to_bytes(&serde_json::json!({ "number": number })).unwrap()
}

fn entries(log: &[u8]) -> Vec<Entry> {
    let mut prev = None;
    (0..SIZE)
        .map(|index| {
            let draft = Draft {
                trajectory: TrajectoryId::of(b"line"),
                kind: Kind::Message,
                at: Timestamp(index),
                writer: key().public(),
                salt: Salt::from_bytes([index as u8; 32]),
                body: body(index),
            };
            let position = Position {
                log: LogId::of(log),
                index,
                seq: index,
                prev,
            };
            let entry = draft.place(&position).unwrap();
            prev = Some(entry.id);
            entry
        })
        .collect()
}

fn receipt(index: usize, disclosed: bool) -> Receipt {
    let entries = entries(b"log");
    let (mut tree, mut kept) = (Frontier::new(), BTreeMap::new());
    for entry in &entries {
        tree.push(merkle::leaf(entry.id.as_bytes()), |node, hash| {
            kept.insert(node, hash);
        });
    }
    let read = |node| Ok::<_, std::convert::Infallible>(kept[&node]);
    let Ok(proof) = merkle::inclusion(index as u64, SIZE, read);
    let mut entry = entries[index].clone();
    if !disclosed {
        entry.content = None;
    }
    let (log, root) = (LogId::of(b"log"), tree.root());
    Receipt {
        entry,
        proof: proof.unwrap(),
        checkpoint: Checkpoint {
            log,
            size: SIZE,
            root,
        }
        .sign(&key()),
    }
}

#[test]
fn l8_a_receipt_round_trips_and_checks_with_the_key_alone() {
    for index in 0..SIZE as usize {
        for disclosed in [true, false] {
            let receipt = receipt(index, disclosed);
            let read = Receipt::parse(&receipt.text()).unwrap();
            assert_eq!(read, receipt);
            assert_eq!(read.check([&key().public()]), Ok(key().public()));
            let other = SigningKey::from_seed(&[2; 32]).public();
            let refused = InvalidReceipt::Unsigned(Unsigned::Unknown);
            assert_eq!(read.check([&other]), Err(refused));
        }
    }
}

#[test]
fn l8_a_receipt_that_discloses_nothing_holds_no_byte_of_the_body() {
    let text = receipt(5, false).text();
    let extra = text.lines().nth(1).unwrap().strip_prefix("extra ").unwrap();
    let bytes = STANDARD.decode(extra).unwrap();
    assert!(!bytes.windows(8).any(|part| part == b"\"number\""));
    assert_eq!(bytes, receipt(5, true).entry.header_bytes);
}

#[test]
fn l8_what_is_put_together_from_two_receipts_proves_nothing() {
    use InvalidReceipt as E;
    let known = [key().public()];
    let (one, two) = (receipt(4, true), receipt(9, true));
    let swapped = Receipt {
        proof: two.proof.clone(),
        ..one.clone()
    };
    assert_eq!(swapped.check(&known), Err(E::NotIncluded));
    let foreign = entries(b"other").remove(4);
    let foreign = Receipt {
        entry: foreign,
        ..one.clone()
    };
    assert_eq!(foreign.check(&known), Err(E::OtherLog));
    let lines: Vec<String> = one.text().lines().map(str::to_owned).collect();
    let with = |at: usize, line: &str| {
        let mut lines = lines.clone();
        lines[at] = line.to_owned();
        Receipt::parse(&(lines.join("\n") + "\n")).unwrap_err()
    };
    assert_eq!(with(0, "c2sp.org/tlog-proof@v2"), E::Head);
    assert_eq!(with(1, "extra"), E::Extra);
    assert_eq!(with(1, "extra !"), E::Extra);
    assert_eq!(with(2, "index 9"), E::OtherIndex);
    assert_eq!(with(2, "index 04"), E::Index);
    assert_eq!(with(3, "AAAA"), E::Proof);
    let hash = format!("{}\n", one.proof[0]);
    assert_eq!(with(3, &(hash.repeat(200) + "x")), E::Proof);
    let salted = STANDARD.encode([&one.entry.header_bytes[..], b"\n00\n{}"].concat());
    assert_eq!(with(1, &format!("extra {salted}")), E::Extra);
    let body = [
        &one.entry.header_bytes[..],
        b"\n",
        "04".repeat(32).as_bytes(),
        b"\n{}",
    ]
    .concat();
    let body = format!("extra {}", STANDARD.encode(body));
    assert_eq!(with(1, &body), E::Entry(InvalidEntry::Body));
    assert_eq!(Receipt::parse(""), Err(E::Head));
    assert_eq!(
        Receipt::parse(&"x".repeat(RECEIPT_BYTES_MAX + 1)),
        Err(E::TooLong)
    );
}

proptest! {
    #[test]
    fn l8_any_changed_letter_of_a_receipt_is_refused(at in 0_usize..4_000, with in "[ -~\n]") {
        let text = receipt(6, true).text();
        let mut letters: Vec<char> = text.chars().collect();
        let at = at % letters.len();
        let with = with.chars().next().unwrap();
        prop_assume!(letters[at] != with);
        letters[at] = with;
        let bent: String = letters.into_iter().collect();
        let told = Receipt::parse(&bent).and_then(|read| read.check(&[key().public()]));
        prop_assert!(told.is_err(), "{bent}");
    }
}
