//! A bundle as a store equals the ledger it was written from, and whatever is put together otherwise is
//! refused in a sentence of its own.

use std::io::Cursor;

use thymos_core::LogId;
use thymos_core::checkpoint::Checkpoint;
use thymos_core::key::SigningKey;
use thymos_core::merkle::{extends, includes, leaf};
use thymos_ports::{LedgerStore, conformance};
use thymos_testkit::MemoryStore;

use super::*;
use crate::manifest::Withheld;
use crate::write::{Export, NotExported, write};

fn line(name: &str) -> TrajectoryId {
    TrajectoryId::of(name.as_bytes())
}

/// Forty entries of two trajectories, in turns of five, with three checkpoints.
fn ledger() -> MemoryStore {
    let store = MemoryStore::new();
    for turn in 0..8 {
        let (name, seq) = (["a", "b"][turn % 2], turn as u64 / 2 * 5);
        let batch = conformance::sample_batch(line(name), seq, 5);
        store.append(vec![batch]).unwrap().remove(0).unwrap();
        if turn % 3 == 0 {
            let size = store.len().unwrap();
            store
                .put_checkpoint(size, signed(&store, size).note())
                .unwrap();
        }
    }
    store
}

fn signed(store: &MemoryStore, size: u64) -> SignedCheckpoint {
    let (log, root) = (store.log(), store.root(size).unwrap());
    Checkpoint { log, size, root }.sign(&SigningKey::from_seed(&[1; 32]))
}

fn export(store: &MemoryStore, only: Option<&str>, withheld: Withheld) -> Vec<u8> {
    try_export(store, only, withheld).unwrap()
}

fn try_export(
    store: &MemoryStore,
    only: Option<&str>,
    withheld: Withheld,
) -> Result<Vec<u8>, NotExported> {
    let checkpoint = signed(store, store.len().unwrap());
    let mut out = Vec::new();
    let order = Export {
        store,
        checkpoint: &checkpoint,
        trajectory: only.map(line),
        withheld,
        keys: Vec::new(),
    };
    write(&order, &mut out).map(|_| out)
}

fn open(bytes: &[u8]) -> Result<Bundle, InvalidBundle> {
    Bundle::open(Box::new(Cursor::new(bytes.to_vec())))
}

fn refusal(bytes: &[u8]) -> String {
    match open(bytes) {
        Ok(_) => "none".to_owned(),
        Err(invalid) => invalid.to_string(),
    }
}

type Members = Vec<(String, Vec<u8>)>;

fn members(bytes: &[u8]) -> Members {
    let mut input = bytes;
    let mut found = Vec::new();
    while let Some(member) = tar::next(&mut input).unwrap() {
        let mut content = vec![0; usize::try_from(member.size).unwrap()];
        input.read_exact(&mut content).unwrap();
        tar::filling(&mut input, &member).unwrap();
        found.push((member.name, content));
    }
    found
}

fn pack(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in members {
        tar::write(&mut out, name, content).unwrap();
    }
    tar::finish(&mut out).unwrap();
    out
}

/// The bundle with one thing changed.
fn changed(bytes: &[u8], change: impl FnOnce(&mut Members)) -> String {
    let mut all = members(bytes);
    change(&mut all);
    refusal(&pack(&all))
}

#[test]
fn l16_a_whole_log_reads_as_the_ledger_does() {
    let store = ledger();
    let bytes = export(&store, None, Withheld::default());
    assert_eq!(
        bytes,
        export(&store, None, Withheld::default()),
        "the same bytes each time"
    );
    let bundle = open(&bytes).unwrap();
    assert_eq!(bundle.log(), store.log());
    assert_eq!(bundle.len(), store.len());
    for (from, limit) in [(0, 100), (0, 7), (13, 9), (39, 5), (40, 5)] {
        assert_eq!(
            bundle.scan(from, limit),
            store.scan(from, limit),
            "{from} {limit}"
        );
    }
    for name in ["a", "b", "c"] {
        assert_eq!(
            bundle.page(&line(name), 3, 9),
            store.page(&line(name), 3, 9)
        );
    }
    assert_eq!(bundle.root(33), store.root(33));
    let heads = |store: &dyn LedgerStore| store.heads().unwrap();
    assert_eq!(heads(&bundle), heads(&store));
    let last = heads(&store)[0].entry;
    assert_eq!(bundle.entry(&last), store.entry(&last));
    assert_eq!(bundle.check_engine(), Ok(Vec::new()));
    let batch = conformance::sample_batch(line("a"), 20, 1);
    assert!(bundle.append(vec![batch]).is_err(), "it is only read");
}

#[test]
fn l16_an_excerpt_proves_each_entry_and_goes_on_from_each_checkpoint() {
    let store = ledger();
    let bundle = open(&export(&store, Some("b"), Withheld::default())).unwrap();
    let (root, size) = (store.root(40).unwrap(), 40);
    let rows = bundle.scan(0, 100).unwrap();
    assert_eq!(rows.len(), 20);
    for row in rows {
        let entry = row.entry.unwrap();
        assert_eq!(entry.header.trajectory, line("b"));
        let proof = bundle.inclusion(row.index, size).unwrap().unwrap();
        let own = (row.index, leaf(entry.id.as_bytes()));
        assert!(includes(own, (size, root), &proof), "{}", row.index);
    }
    for note in bundle.checkpoints() {
        let old = (note.checkpoint.size, note.checkpoint.root);
        let proof = bundle.consistency(old.0, size).unwrap().unwrap();
        assert!(extends(old, (size, root), &proof), "{}", old.0);
    }
    assert_eq!(bundle.checkpoints().len(), 4);
    assert_eq!(
        bundle.inclusion(0, size),
        Ok(None),
        "entries of others are not in it"
    );
}

#[test]
fn l16_what_is_withheld_is_in_no_byte_of_it() {
    let store = ledger();
    let entry = store.entries().remove(12);
    let body = entry.body().unwrap();
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(has(&export(&store, Some("a"), Withheld::default()), body));
    let withheld = Withheld {
        entries: vec![12],
        kinds: Vec::new(),
    };
    let bytes = export(&store, Some("a"), withheld.clone());
    assert!(!has(&bytes, body), "the body is there");
    let rows = open(&bytes).unwrap().scan(12, 2).unwrap();
    let bare = rows
        .into_iter()
        .map(|row| row.entry.unwrap().content.is_none());
    assert_eq!(bare.collect::<Vec<_>>(), [true, false]);
    let kinds = Withheld {
        entries: Vec::new(),
        kinds: vec![entry.header.kind.clone()],
    };
    assert!(!has(&export(&store, Some("a"), kinds), body));
    let beyond = Withheld {
        entries: vec![40],
        ..withheld
    };
    assert!(matches!(
        try_export(&store, None, beyond),
        Err(NotExported::NoSuchEntry(40))
    ));
}

#[test]
fn l16_a_cut_bundle_is_refused_wherever_it_was_cut() {
    let bytes = export(&ledger(), Some("a"), Withheld::default());
    for length in (0..bytes.len())
        .step_by(97)
        .chain([bytes.len() - 1, bytes.len() - 512])
    {
        let told = refusal(&bytes[..length]);
        assert!(
            told.contains("was cut") || told.contains("no bundle"),
            "{length}: {told}"
        );
    }
    assert!(refusal(&[&bytes[..], &bytes[..]].concat()).contains("behind its end"));
}

#[test]
fn l16_members_stand_once_in_order_and_are_known() {
    let bytes = export(&ledger(), Some("a"), Withheld::default());
    let twice = |at: usize, to: usize| {
        changed(&bytes, |all| {
            let member = all[at].clone();
            all.insert(to, member);
        })
    };
    assert!(twice(1, 2).contains("`checkpoints.notes` stands there twice"));
    assert!(twice(3, 5).contains("twice"));
    assert!(twice(0, 4).contains("`manifest.json` stands there twice"));
    let swapped = changed(&bytes, |all| all.swap(1, 2));
    assert!(
        swapped.contains("does not hold") || swapped.contains("order"),
        "{swapped}"
    );
    for name in [
        "notes.txt",
        "entries/1",
        "entries/00000000000000000",
        "blobs/xyz",
        "x/y",
        "a",
    ] {
        let told = changed(&bytes, |all| all.push((name.to_owned(), Vec::new())));
        assert!(
            told.contains(&format!("no bundle has a member `{name}`")),
            "{told}"
        );
    }
    let digest = Digest::of(b"x");
    let both = changed(&bytes, |all| {
        all.push((format!("blobs/{digest}"), b"x".to_vec()));
        all.push((format!("sealed/{digest}"), b"x".to_vec()));
    });
    assert!(both.contains("twice"), "{both}");
    let less = changed(&bytes, |all| drop(all.remove(2)));
    assert!(
        less.contains("`consistency.proofs` does not hold"),
        "{less}"
    );
}

#[test]
fn l16_a_larger_member_than_its_limit_is_refused_unread() {
    let bytes = export(&ledger(), None, Withheld::default());
    let digest = Digest::of(b"x");
    for (at, name, max) in [
        (0, "manifest.json".to_owned(), MANIFEST_BYTES_MAX),
        (1, "checkpoints.notes".to_owned(), CHECKPOINTS_BYTES_MAX),
        (2, "entries/0000000000000000".to_owned(), ENTRIES_BYTES_MAX),
        (3, format!("blobs/{digest}"), BLOB_MEMBER_BYTES_MAX),
        (3, format!("sealed/{digest}"), SEALED_MEMBER_BYTES_MAX),
    ] {
        // Only the header is there: had anything been read or made room for, it would be cut.
        let mut out = Vec::new();
        for (name, content) in members(&bytes).iter().take(at) {
            tar::write(&mut out, name, content).unwrap();
        }
        out.extend(tar::header(&name, max + 1));
        let told = refusal(&out);
        assert!(
            told.contains(&format!("`{name}` has {} bytes", max + 1)),
            "{told}"
        );
        assert!(told.contains(&max.to_string()), "{told}");
    }
}

fn with_manifest(bytes: &[u8], from: &str, to: &str) -> String {
    changed(bytes, |all| {
        let text = String::from_utf8(all[0].1.clone()).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        all[0].1 = text.replacen(from, to, 1).into_bytes();
    })
}

#[test]
fn l16_a_manifest_that_says_something_else_is_refused() {
    let bytes = export(&ledger(), None, Withheld::default());
    for (from, to, words) in [
        (
            "\"v\":1",
            "\"v\":2",
            "format version 2, and this program knows 1",
        ),
        ("\"v\":1", "\"new\":7,\"v\":9", "format version 9"),
        (
            "thymos bundle",
            "thymos ledger",
            "does not say `thymos bundle`",
        ),
        (
            "\"entries\":40",
            "\"entries\":39",
            "another number of entries",
        ),
        (
            "\"checkpoints\":4",
            "\"checkpoints\":3",
            "4 checkpoints, and its manifest says 3",
        ),
        (
            "\"blobs\":0",
            "\"blobs\":1",
            "0 blobs, and its manifest says 1",
        ),
        (
            "\"kinds\":[]",
            "\"kinds\":[\"erased\"]",
            "`erased` among the kinds",
        ),
        ("\"entries\":[]", "\"entries\":[2,1]", "not in order"),
        ("\"absent\":0", "\"absent\":0 ", "not in canonical form"),
        ("\"absent\":0", "\"absent\":0,\"also\":1", "unknown field"),
    ] {
        let told = with_manifest(&bytes, from, to);
        assert!(told.contains(words), "{to}: {told}");
    }
    let other = LogId::of(b"other").to_string();
    let own = ledger().log().to_string();
    let told = with_manifest(&bytes, &own, &other);
    assert!(
        told.contains("no checkpoint of its own log over 40 entries"),
        "{told}"
    );
    let shorter = with_manifest(&bytes, "\"size\":40", "\"size\":41");
    assert!(shorter.contains("another number of entries"), "{shorter}");
    assert!(refusal(b"hello").contains("no bundle"));
    assert!(refusal(&[0; 4096]).contains("no bundle"));
    assert!(refusal(&pack(&[("a".to_owned(), Vec::new())])).contains("no bundle"));
}

#[test]
fn l16_entries_that_are_not_lines_or_not_in_place_are_refused() {
    let bytes = export(&ledger(), None, Withheld::default());
    let content = |change: fn(&mut Vec<u8>)| changed(&bytes, |all| change(&mut all[2].1));
    for told in [
        content(|entries| entries.truncate(entries.len() - 1)),
        content(|entries| entries.extend(b"{}\n")),
        content(Vec::clear),
        content(|entries| *entries = b"\n\n\n".repeat(MEMBER_TOO_MANY)),
    ] {
        assert!(told.contains("three lines for each entry"), "{told}");
    }
    let moved = changed(&bytes, |all| {
        all[2].0 = "entries/0000000000000001".to_owned();
    });
    assert!(moved.contains("the entries that its name says"), "{moved}");
    let excerpt = export(&ledger(), Some("b"), Withheld::default());
    let moved = changed(&excerpt, |all| {
        all[3].0 = "entries/0000000000000006".to_owned();
    });
    assert!(moved.contains("the entries that its name says"), "{moved}");
    let notes = |change: fn(&mut Vec<u8>)| changed(&bytes, |all| change(&mut all[1].1));
    for told in [
        notes(|notes| notes.extend(b"x\n")),
        notes(|notes| notes.truncate(notes.len() - 1)),
        notes(Vec::clear),
    ] {
        assert!(
            told.contains("signed notes") || told.contains("checkpoint"),
            "{told}"
        );
    }
}

const MEMBER_TOO_MANY: usize = crate::limits::MEMBER_ENTRIES_MAX + 1;

#[test]
fn l16_a_blob_is_what_its_name_says_and_somebody_refers_to_it() {
    let bytes = export(&ledger(), None, Withheld::default());
    let mut all = members(&bytes);
    let digest = Digest::of(b"stuffed");
    all.push((format!("blobs/{digest}"), b"stuffed".to_vec()));
    let text = String::from_utf8(all[0].1.clone()).unwrap();
    all[0].1 = text.replacen("\"blobs\":0", "\"blobs\":1", 1).into_bytes();
    let bundle = open(&pack(&all)).unwrap();
    let told = bundle.check_engine().unwrap();
    assert!(
        told[0].contains("no entry in it refers to blob"),
        "{told:?}"
    );
    assert_eq!(bundle.blob(&digest), Ok(Some(b"stuffed".to_vec())));
    all.last_mut().unwrap().1 = b"another".to_vec();
    let bundle = open(&pack(&all)).unwrap();
    assert!(bundle.blob(&digest).is_err());
}

#[test]
fn l16_what_a_store_takes_over_is_under_the_checkpoint_or_nothing_is_taken() {
    let store = ledger();
    let bytes = export(&store, None, Withheld::default());
    let copy = MemoryStore::new();
    let bundle = open(&bytes).unwrap();
    assert_eq!(copy.adopt(bundle.log(), &mut bundle.pieces()), Ok(Ok(40)));
    assert_eq!(copy.entries(), store.entries());
    assert_eq!(copy.checkpoints(0).unwrap().len(), 4);
    // Another end that fits by itself, as if the file had changed after it was verified.
    let mut all = members(&bytes);
    let text = String::from_utf8(all[2].1.clone()).unwrap();
    let at = text.rfind("\"at_ms\":18").unwrap();
    all[2].1 = [&text[..at], "\"at_ms\":19", &text[at + 10..]]
        .concat()
        .into_bytes();
    let bundle = open(&pack(&all)).unwrap();
    let copy = MemoryStore::new();
    let refused = copy.adopt(bundle.log(), &mut bundle.pieces()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("not those under its checkpoint"),
        "{refused}"
    );
    assert_eq!(
        (copy.entries(), copy.checkpoints(0)),
        (Vec::new(), Ok(Vec::new()))
    );
}

/// A number that differs for each, and is the same each time.
fn drawn(seed: u64) -> usize {
    let bytes = Digest::of(&seed.to_be_bytes());
    let head = bytes.as_bytes().first_chunk().unwrap();
    usize::try_from(u64::from_be_bytes(*head) >> 1).unwrap()
}

#[test]
fn l16_whatever_its_members_hold_a_bundle_is_refused_or_read_to_its_end() {
    let withheld = Withheld {
        entries: vec![7],
        kinds: Vec::new(),
    };
    let bundles = [
        export(&ledger(), None, Withheld::default()),
        export(&ledger(), Some("b"), withheld),
    ];
    let mut opened = 0;
    for seed in 0..1_500_u64 {
        let mut all = members(&bundles[drawn(seed) % 2]);
        for change in 0..=drawn(seed + 10_000) % 3 {
            let at = drawn(seed * 7 + change as u64 + 20_000) % all.len();
            let (name, content) = &mut all[at];
            let byte = drawn(seed * 11 + change as u64 + 30_000) % content.len();
            match drawn(seed + 40_000) % 4 {
                0 => content[byte] ^= 1 << (byte % 8),
                1 => content.truncate(byte),
                2 => content.insert(byte, b'\n'),
                _ => *name = name.replace('0', &(byte % 10).to_string()),
            }
        }
        let Ok(bundle) = open(&pack(&all)) else {
            continue;
        };
        opened += 1;
        let rows = bundle.scan(0, usize::MAX).unwrap();
        for row in &rows {
            drop(bundle.inclusion(row.index, bundle.manifest().size));
        }
        drop((bundle.heads(), bundle.check_engine().unwrap()));
        bundle.pieces().for_each(drop);
    }
    assert!(opened > 100, "{opened} were well formed");
}
