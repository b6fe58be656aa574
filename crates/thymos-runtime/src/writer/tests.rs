//! Whose appends are news, and who makes them.

use futures_util::FutureExt;
use thymos_core::canonical::value_to_bytes;
use thymos_core::entry::{Draft, Position, Salt};
use thymos_core::key::SigningKey;
use thymos_core::writ::TrustRoots;
use thymos_core::{LogId, Timestamp, TrajectoryId};
use thymos_testkit::MemoryStore;

use super::*;
use crate::checkpoint::Nowhere;

fn draft(trajectory: &[u8], kind: Kind) -> Draft {
    Draft {
        trajectory: TrajectoryId::of(trajectory),
        kind,
        at: Timestamp(0),
        writer: SigningKey::from_seed(&[1; 32]).public(),
        salt: Salt::from_bytes([0; 32]),
        body: value_to_bytes(&serde_json::json!({})).unwrap(),
    }
}

fn entry(index: u64, kind: Kind) -> Entry {
    let draft = draft(b"one", kind);
    let position = Position {
        log: LogId::of(b"log"),
        index,
        seq: index,
        prev: None,
    };
    draft.place(&position).unwrap()
}

/// Knows everything up to this length.
fn knowing(len: u64) -> Own {
    let own = Own::new();
    assert!(own.is_news(len), "what was there before is news once");
    assert!(!own.is_news(len));
    own
}

fn writes(own: &Own, entries: Vec<Entry>) {
    own.begin();
    own.end(&[Ok(Ok(entries))]);
}

#[test]
fn l12_ones_own_writing_is_no_news() {
    let own = knowing(5);
    writes(&own, vec![entry(5, Kind::Started), entry(6, Kind::Commit)]);
    assert!(own.may_look());
    assert!(!own.is_news(7));
}

#[test]
fn l12_what_another_process_wrote_is_news_before_and_after_ones_own() {
    let own = knowing(5);
    assert!(own.is_news(6), "another wrote last");
    writes(&own, vec![entry(7, Kind::Started)]);
    assert!(own.is_news(8), "another wrote in between");
    assert!(!own.is_news(8));
}

#[test]
fn w7_a_revocation_written_here_is_news_to_the_other_sessions() {
    let own = knowing(5);
    writes(&own, vec![entry(5, Kind::WritRevoked)]);
    assert!(own.is_news(6));
}

#[test]
fn l12_a_bell_during_an_append_is_judged_after_it() {
    let own = knowing(5);
    own.begin();
    assert!(!own.may_look());
    own.end(&[Ok(Ok(vec![entry(5, Kind::Started)]))]);
    let heard = own.settled.notified();
    let mut heard = std::pin::pin!(heard);
    assert!(
        heard.as_mut().enable(),
        "who asked too early is asked again"
    );
    assert!(own.may_look() && !own.is_news(6));
}

#[test]
fn l12_an_append_that_failed_is_no_writing() {
    let own = knowing(5);
    own.begin();
    own.end(&[Err(StoreError::Poisoned {
        path: "x".into(),
        reason: "y".into(),
    })]);
    assert!(own.may_look() && !own.is_news(5));
}

fn batch(trajectory: &[u8], at_seq: u64, kind: Kind) -> Batch {
    Batch {
        trajectory: TrajectoryId::of(trajectory),
        at_seq,
        drafts: vec![draft(trajectory, kind)],
    }
}

fn writer(store: &MemoryStore) -> Writer {
    let store: Arc<dyn LedgerStore> = Arc::new(store.clone());
    let key = SigningKey::from_seed(&[1; 32]);
    let trust = TrustRoots::default();
    let checkpoints = Checkpointer::new(store.clone(), Arc::new(Nowhere), key, &trust);
    Writer::start(store, Arc::new(checkpoints), Hands::Threads)
}

/// The thread that makes the next append.
fn who_appends(store: &MemoryStore) -> std::sync::mpsc::Receiver<ThreadId> {
    let (told, heard) = std::sync::mpsc::channel();
    let tell = move |_: &MemoryStore| told.send(std::thread::current().id()).unwrap();
    store.overtake(|_| true, tell);
    heard
}

#[tokio::test]
async fn q2_a_session_that_is_alone_appends_on_its_own_thread() {
    let store = MemoryStore::new();
    let (writer, here) = (writer(&store), std::thread::current().id());
    for seq in 0..3 {
        let who = who_appends(&store);
        writer
            .append(batch(b"one", seq, Kind::Message))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(who.recv().unwrap(), here);
    }
}

#[tokio::test]
async fn q2_a_session_never_waits_on_the_spot_for_a_store_that_is_far_or_for_a_checkpoint() {
    for (store, kind) in [
        (MemoryStore::new().far(), Kind::Message),
        (MemoryStore::new(), Kind::Closed),
    ] {
        let (writer, who) = (writer(&store), who_appends(&store));
        writer
            .append(batch(b"one", 0, kind))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(who.recv().unwrap(), std::thread::current().id());
    }
}

#[tokio::test]
async fn l7_the_append_after_a_thousand_entries_takes_the_checkpoint_with_it() {
    let store = MemoryStore::new();
    let writer = writer(&store);
    for seq in 0..1_000 {
        writer
            .append(batch(b"one", seq, Kind::Message))
            .await
            .unwrap()
            .unwrap();
    }
    let who = who_appends(&store);
    writer
        .append(batch(b"one", 1_000, Kind::Message))
        .await
        .unwrap()
        .unwrap();
    assert_ne!(who.recv().unwrap(), std::thread::current().id());
    // It is taken behind the answer, by the thread that ends with its last handle.
    drop(writer);
    while store.checkpoints(0).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.checkpoints(0).unwrap()[0].0, 1_001);
}

#[tokio::test]
async fn l10_who_comes_while_another_writes_waits_for_the_thread_and_nobody_is_passed() {
    let store = MemoryStore::new();
    let writer = writer(&store);
    let (entered, inside) = std::sync::mpsc::channel();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    store.overtake(
        |_| true,
        move |_| {
            entered.send(()).unwrap();
            wait.recv().unwrap();
        },
    );
    let first = writer.clone();
    let first = std::thread::spawn(move || {
        FutureExt::now_or_never(first.append(batch(b"one", 0, Kind::Message)))
    });
    inside.recv().unwrap();
    let second = writer.append(batch(b"two", 0, Kind::Message));
    let third = writer.append(batch(b"three", 0, Kind::Message));
    tokio::pin!(second, third);
    assert!(FutureExt::now_or_never(second.as_mut()).is_none());
    assert!(FutureExt::now_or_never(third.as_mut()).is_none());
    go_on.send(()).unwrap();
    second.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    let first = first.join().unwrap().expect("it was done on the spot");
    first.unwrap().unwrap();
    let order: Vec<_> = store
        .entries()
        .iter()
        .map(|e| e.header.trajectory)
        .collect();
    let name = |name: &[u8]| TrajectoryId::of(name);
    assert_eq!(order, [name(b"one"), name(b"two"), name(b"three")]);
}

#[tokio::test]
async fn l12_the_bell_of_ones_own_append_wakes_nobody_and_that_of_another_store_does() {
    let store = MemoryStore::new();
    let writer = writer(&store);
    let heard = Arc::new(AtomicUsize::new(0));
    let (count, ear) = (heard.clone(), writer.clone());
    let ring = move || {
        count.fetch_add(usize::from(ear.hears_bell()), Ordering::SeqCst);
    };
    let _watch = store.watch(Box::new(ring)).unwrap();
    writer
        .append(batch(b"one", 0, Kind::Message))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    store.append(vec![batch(b"two", 0, Kind::Message)]).unwrap()[0]
        .clone()
        .unwrap();
    assert_eq!(heard.load(Ordering::SeqCst), 1);
    assert!(writer.has_news().unwrap());
}
