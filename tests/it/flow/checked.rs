//! What the app verified is gone on from at the next start, and never drawn as more than it is `[Y3]`.

use std::sync::Arc;

use serde_json::json;
use thymos_core::writ::Mode;
use thymos_ports::LedgerStore;
use thymos_ports::store::Piece;
use thymos_protocol::{ChainState, Command, Replied, VerifiedBefore};
use thymos_runtime::snapshot::SnapshotPlace;
use thymos_testkit::fixtures::operator_key;
use thymos_testkit::model::{calls, says};
use thymos_testkit::{FakeTool, MemoryStore, Step};

use super::looks::quiet;
use super::place::Place;
use super::rig::{Rig, Setup};

/// A run that ended and was verified, and what was kept of that.
async fn verified() -> (Rig, Place) {
    let place = Place::default().checking();
    let tool = FakeTool::new("note");
    let steps = vec![
        Step::Turn(calls(vec![("note", json!({"key": "a"}))])),
        Step::Turn(says("sorted")),
        Step::Turn(says("and again")),
    ];
    let setup = Setup::new(steps, &[&tool]).with(|setup| {
        setup.snapshots = Arc::new(place.clone());
    });
    let rig = setup.open(Mode::Auto).await;
    let mut rig = rig.restart(|_| {}).await;
    rig.run("sort them").await;
    // Its own writing is verified piece by piece; a start looks at all of it at once.
    quiet(&mut rig).await;
    place.clear();
    let mut rig = rig.restart(|_| {}).await;
    quiet(&mut rig).await;
    assert!(text(&place).contains("\"points\""), "nothing was kept");
    (rig, place)
}

fn kept(place: &Place) -> Vec<u8> {
    place.checked.lock().unwrap().clone().unwrap_or_default()
}

fn put(place: &Place, bytes: Vec<u8>) {
    *place.checked.lock().unwrap() = Some(bytes);
}

fn text(place: &Place) -> String {
    String::from_utf8_lossy(&kept(place)).into_owned()
}

/// The next start, and what it says when it is done.
async fn next_start(rig: Rig, change: impl FnOnce(&mut Setup)) -> (Rig, ChainState) {
    let mut rig = rig.restart(change).await;
    quiet(&mut rig).await;
    let chain = rig.status().await.chain;
    (rig, chain)
}

fn before(chain: &ChainState) -> Option<VerifiedBefore> {
    match chain {
        ChainState::VerifiedTo { before, index, len } => {
            assert_eq!(index, len);
            *before
        }
        ChainState::Unverified | ChainState::Broken(_) => panic!("{chain:?}"),
    }
}

fn length(rig: &Rig) -> u64 {
    rig.setup.store.len().unwrap()
}

#[tokio::test]
async fn y3_the_next_start_goes_on_from_what_was_verified_and_says_so() {
    let (rig, place) = verified().await;
    let all = length(&rig);
    let (mut rig, chain) = next_start(rig, |_| {}).await;
    assert_eq!(before(&chain).map(|before| before.entries), Some(all));
    // What is new is verified, and is not told as verified before.
    rig.say("go on").await;
    rig.until_idle().await;
    quiet(&mut rig).await;
    let chain = rig.status().await.chain;
    assert_eq!(before(&chain).map(|before| before.entries), Some(all));
    assert!(length(&rig) > all);
    // With nothing kept, all is verified by the start itself.
    place.clear();
    let (_, chain) = next_start(rig, |_| {}).await;
    assert_eq!(before(&chain), None);
}

#[tokio::test]
async fn y3_what_somebody_changed_or_another_program_kept_is_not_gone_on_from() {
    let (mut rig, place) = verified().await;
    let sound = kept(&place);
    let (_, text) = sound.split_at(32);
    let text = String::from_utf8(text.to_vec()).unwrap();
    let version = format!("\"program\":\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version));
    let older = text.replace(&version, "\"program\":\"0.0.1\"");
    let another_form = text.replace("{\"version\":1,", "{\"version\":2,");
    let unsealed = [&sound[..32], older.as_bytes()].concat();
    let mut bent = sound.clone();
    bent[40] ^= 1;
    for bytes in [sealed(&older), sealed(&another_form), unsealed, bent] {
        put(&place, bytes);
        let (next, chain) = next_start(rig, |_| {}).await;
        assert_eq!(before(&chain), None);
        rig = next;
    }
    // By the same program, sealed by the same key, it is.
    put(&place, sealed(&text));
    let (_, chain) = next_start(rig, |_| {}).await;
    assert!(before(&chain).is_some());
}

/// The background looks less deep than who asks: what it left out there was never looked at so.
#[tokio::test]
async fn y3_a_check_of_every_level_does_not_go_on_from_a_shallower_one() {
    let (mut rig, _place) = verified().await;
    for goes_on in [false, true] {
        let command = Command::Verify { since_last: true };
        let Replied::Verified(report) = rig.ask(command).await else {
            panic!("no report")
        };
        assert_eq!(report.findings, Vec::new());
        assert_eq!(report.before.is_some(), goes_on);
    }
}

fn sealed(text: &str) -> Vec<u8> {
    let seed = operator_key().seed_for_storage();
    let key = blake3::derive_key("thymos v1 snapshot key", seed.as_slice());
    let seal = blake3::keyed_hash(&key, text.as_bytes());
    [seal.as_bytes(), text.as_bytes()].concat()
}

/// The same log, of which the newest entries are gone.
pub(super) fn cut(rig: &Rig, by: usize) -> MemoryStore {
    let entries = rig.setup.store.entries();
    let left = entries.len() - by;
    let log = rig.setup.store.log();
    let store = MemoryStore::new();
    let mut pieces = entries
        .into_iter()
        .take(left)
        .map(|entry| Ok(Piece::Entry(Box::new(entry))));
    assert_eq!(store.adopt(log, &mut pieces).unwrap().unwrap(), left as u64);
    store
}

#[tokio::test]
async fn l7_y3_a_log_that_was_cut_since_is_never_drawn_as_verified() {
    let (rig, place) = verified().await;
    let before = kept(&place);
    let shorter = cut(&rig, 2);
    let (_, chain) = next_start(rig, |setup| setup.store = shorter).await;
    let ChainState::Broken(why) = chain else {
        panic!("drawn as verified: {chain:?}");
    };
    assert!(why.contains("cut, rolled back or replaced"), "{why}");
    // What is known of it stays known.
    assert_eq!(kept(&place), before);
}

/// Where work went on in an older copy, it has more entries in the end than were verified of the other.
#[tokio::test]
async fn l7_y3_what_is_known_of_a_log_outlasts_another_that_grew_longer() {
    let (rig, place) = verified().await;
    let (before, length) = (kept(&place), rig.setup.store.entries().len());
    let shorter = cut(&rig, 2);
    let (mut rig, _) = next_start(rig, |setup| setup.store = shorter).await;
    rig.run("and more").await;
    assert!(rig.setup.store.entries().len() > length);
    for _ in 0..2 {
        let (next, chain) = next_start(rig, |_| {}).await;
        assert!(matches!(chain, ChainState::Broken(_)), "{chain:?}");
        assert_eq!(kept(&place), before);
        rig = next;
    }
}
