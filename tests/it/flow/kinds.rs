//! The corpus of secrets in every field of every kind of entry, by the one road to the stored bytes, and a
//! search of the real ledger's files `[T8]` `[R1]` `[R2]`.
//!
//! The kinds are a match without a wildcard and the bodies are written out field by field: a new kind or
//! a new field does not compile here until it is covered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use thymos_core::approval::{Answer, Decision, Scope, SignedAnswer, Via};
use thymos_core::body::{self, Body, BodyState};
use thymos_core::budget::Cost;
use thymos_core::canonical::value_to_bytes;
use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::entry::{Draft, Kind, Salt};
use thymos_core::id::{
    Digest, EntryId, IntentId, PolicySetId, PresentedDigest, ProposalId, SkillId, TrajectoryId,
};
use thymos_core::isolation::Rung;
use thymos_core::key::Domain;
use thymos_core::outcome::{BlobRef, Fault, FaultKind, Observed, Outcome};
use thymos_core::proposal::Decided;
use thymos_core::secret::Secret;
use thymos_core::skill::SkillSignature;
use thymos_core::writ::Mode;
use thymos_core::{CanonicalBytes, Entry, WritId};
use thymos_ledger::{Genesis, SqliteLedger};
use thymos_ports::LedgerStore;
use thymos_ports::store::Batch;
use thymos_runtime::redact::{RedactFault, Redactor, Screened};
use thymos_testkit::fixtures::{NOON, intent, operator_key, party, policy_key, trajectory, writ};
use thymos_testkit::search::Finder;
use thymos_testkit::secrets::{HELD, corpus};

/// Fakes in one text.
const AT_ONCE: usize = 12;

/// Fields of what every step writes are declared in the order in which they are stored, so that nothing
/// is moved when it is written: a writer that knows no order gives the very bytes.
#[tokio::test]
async fn q2_what_a_step_writes_is_declared_in_the_order_of_its_bytes() {
    let record = crate::replay::record::play().await;
    let mut seen = BTreeSet::new();
    for entry in &record {
        let header = serde_json::to_vec(&entry.header).unwrap();
        assert_eq!(header, entry.header_bytes);
        let BodyState::Known(body) = entry.decode() else {
            panic!("a body that does not read")
        };
        let written = match &body {
            Body::Intent(body) => serde_json::to_string(body),
            Body::Started(body) => serde_json::to_string(body),
            Body::Commit(body) => serde_json::to_string(body),
            _ => continue,
        };
        seen.insert(body.kind());
        let stored = body.encode().unwrap();
        let stored = std::str::from_utf8(stored.as_bytes()).unwrap();
        assert_eq!(written.unwrap(), stored);
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

/// Bodies of a kind with every field filled; of those that decide, from a record of a real kernel.
#[expect(clippy::too_many_lines, reason = "a flat table, one arm a kind")]
fn samples(kind: Kind, record: &[Entry]) -> Vec<Body> {
    let recorded = || {
        let known = |entry: &Entry| match entry.decode() {
            BodyState::Known(body) => body,
            other => panic!("{other:?}"),
        };
        let of_kind = record.iter().filter(|entry| entry.kind() == Some(kind));
        of_kind.map(known).collect::<Vec<Body>>()
    };
    let one = match kind {
        Kind::Rejection | Kind::PendingApproval | Kind::Started => {
            return with_each_call(&recorded(), record);
        }
        Kind::Root => Body::Root(body::Root {
            v: 1,
            workspace: "/srv/app".into(),
            tenant: "acme".into(),
            operator: party("ada", &operator_key()),
            subject: party("session", &operator_key()),
            parent: Some(body::ParentLink {
                trajectory: trajectory(),
                entry: EntryId::of(b"up"),
            }),
        }),
        Kind::Message => Body::Message(body::Message {
            role: body::Role::Model,
            text: "words".into(),
            reasoning: "thoughts".into(),
            provider_state: Some(json!({"blocks": ["block"]})),
            turn: 1,
        }),
        Kind::Usage => Body::Usage(body::Usage {
            provider: "p".into(),
            model: "m".into(),
            turn: 1,
            tokens_in: 1,
            tokens_cached: 1,
            tokens_out: 1,
            tokens_reasoning: 1,
            usd_millicents: Some(1),
            wall_clock_ms: 1,
            attempts: 1,
            writs: vec![WritId::of(b"w")],
        }),
        Kind::Intent => Body::Intent(body::Intended {
            intent: intent("fs_write", json!({"path": "a", "deep": [{"note": "b"}]})),
            call: "call".into(),
            routing: Some(json!({"why": ["because"]})),
            compensates: Some(ProposalId::of(b"p")),
            again: Some(IntentId::of(b"i")),
        }),
        Kind::Approval => Body::Approval(body::Approval { signed: answer() }),
        Kind::Superseded => Body::Superseded(body::Superseded {
            proposal: ProposalId::of(b"p"),
            by: Some(IntentId::of(b"i")),
            reason: "other".into(),
        }),
        Kind::Commit => Body::Commit(Box::new(body::Commit {
            proposal: ProposalId::of(b"p"),
            started: EntryId::of(b"s"),
            outcome: outcome(),
            cost: Cost::default(),
            compensates: Some(ProposalId::of(b"q")),
            unkept: Some(vec![thymos_core::Digest::of(b"u")]),
        })),
        Kind::Failure => Body::Failure(body::Failure {
            proposal: ProposalId::of(b"p"),
            started: EntryId::of(b"s"),
            fault: Fault {
                kind: FaultKind::Failed,
                message: "it broke".into(),
                deltas: vec![delta()],
                observation: "so far".into(),
            },
            cost: Cost::default(),
            unkept: Some(vec![thymos_core::Digest::of(b"u")]),
        }),
        Kind::Reconciled => Body::Reconciled(body::Reconciled {
            proposal: ProposalId::of(b"p"),
            started: EntryId::of(b"s"),
            resolution: body::Resolution::Happened,
            reason: "looked".into(),
            by: party("ada", &operator_key()),
            signature: operator_key().sign(Domain::Reconciliation, b"x"),
            cost: Cost::default(),
        }),
        Kind::Delegation => Body::Delegation(body::Delegation {
            proposal: ProposalId::of(b"p"),
            child: trajectory(),
            writ: WritId::of(b"w"),
            task: "task".into(),
        }),
        Kind::DelegationResult => Body::DelegationResult(body::DelegationResult {
            child: trajectory(),
            stop: "done".into(),
            result: "result".into(),
            cost: Cost::default(),
        }),
        Kind::Branch => Body::Branch(body::Branch {
            from: trajectory(),
            entry: EntryId::of(b"e"),
            seq: 3,
            world: Digest::of(b"w"),
        }),
        Kind::SkillBound => Body::SkillBound(body::SkillBound {
            definition: json!({"name": "s", "instructions": ["do"]}),
            parameters: json!({"to": "x"}),
            writ: WritId::of(b"w"),
            skill: Some(SkillId::of(b"s")),
            signed: Some(SkillSignature {
                signer: policy_key().public(),
                signature: policy_key().sign(Domain::Skill, b"x"),
            }),
        }),
        Kind::WritIssued => Body::WritIssued(Box::new(body::WritIssued {
            writ: writ().signed(),
            id: WritId::of(b"w"),
            reason: "why".into(),
            reserved: Some(Cost::default()),
            session: Some(trajectory()),
        })),
        Kind::WritRevoked => Body::WritRevoked(body::WritRevoked {
            writ: WritId::of(b"w"),
            reason: "why".into(),
            by: party("ada", &operator_key()),
            signature: operator_key().sign(Domain::Revocation, b"x"),
            used: Some(Cost::default()),
        }),
        Kind::PolicyLoaded => Body::PolicyLoaded(body::PolicyLoaded {
            name: "n".into(),
            version: "1".into(),
            bundle: json!({"rules": [{"reason": "r"}]}),
            signed_by: Some(policy_key().public()),
            signature: Some(policy_key().sign(Domain::Policy, b"x")),
            policy_set: PolicySetId::of(b"s"),
            redactor: Some("r".into()),
        }),
        Kind::PolicyUnloaded => Body::PolicyUnloaded(body::PolicyUnloaded {
            name: "n".into(),
            policy_set: PolicySetId::of(b"s"),
            redactor: Some("r".into()),
        }),
        Kind::ModeChanged => Body::ModeChanged(body::ModeChanged {
            mode: Mode::Auto,
            from: Some(WritId::of(b"v")),
            to: WritId::of(b"w"),
            difference: vec!["line".into()],
        }),
        Kind::ToolsPinned => return recorded(),
        Kind::Erased => Body::Erased(body::Erased {
            entry: EntryId::of(b"e"),
            seq: 0,
            reason: "why".into(),
            by: party("ada", &operator_key()),
            signature: operator_key().sign(Domain::Erasure, b"x"),
        }),
        Kind::Closed => {
            let stops = [
                body::Stop::Budget("tokens".into()),
                body::Stop::Authority("revoked".into()),
                body::Stop::Model("refused".into()),
            ];
            return stops
                .map(|stop| Body::Closed(body::Closed { stop, turns: 1 }))
                .into();
        }
    };
    vec![one]
}

/// Every way to decide, over every call that was decided in any way: a process, a host, files, a store.
fn with_each_call(bodies: &[Body], record: &[Entry]) -> Vec<Body> {
    let decided = record.iter().filter_map(|entry| match entry.decode() {
        BodyState::Known(body) => body.decided().cloned(),
        other => panic!("{other:?}"),
    });
    let over = |decided: &Decided| {
        let put = |mut body: Body| {
            match &mut body {
                Body::Rejection(body) => body.decided = decided.clone(),
                Body::PendingApproval(body) => body.decided = decided.clone(),
                Body::Started(body) => body.decided = decided.clone().into(),
                other => panic!("{other:?} decides nothing"),
            }
            body
        };
        bodies.first().cloned().map(put)
    };
    let all: Vec<Decided> = decided.collect();
    bodies
        .iter()
        .cloned()
        .chain(all.iter().filter_map(over))
        .collect()
}

fn answer() -> SignedAnswer {
    let answer = Answer {
        v: 1,
        proposal: ProposalId::of(b"p"),
        presented: PresentedDigest::of(b"x"),
        decision: Decision::Deny,
        scope: Scope::Once,
        reason: "no".into(),
        via: Via::Cli,
        fully_viewed: true,
        by: party("ada", &operator_key()),
        at: NOON,
    };
    answer.sign(&operator_key()).unwrap()
}

fn delta() -> Delta {
    Delta {
        resource: Resource::Kv("k".into()),
        expect: Expect::Anything,
        before: Some(ResourceValue::Json(json!({"was": ["a"]}))),
        after: Some(ResourceValue::Json(json!({"is": ["b"]}))),
    }
}

fn outcome() -> Outcome {
    Outcome {
        ok: true,
        summary: "done".into(),
        observation: "seen".into(),
        data: Some(json!({"rows": [{"a": "b"}]})),
        deltas: vec![delta()],
        observed: Some(Observed {
            files: 1,
            unobserved: 1,
            complete: false,
            note: Some("some".into()),
            unheld: vec!["a.txt".into()],
            untold: 1,
        }),
        output: Some(BlobRef {
            digest: Digest::of(b"o"),
            size: 1,
        }),
        exit_code: Some(0),
        truncated: false,
        rung: Some(Rung::L3),
    }
}

/// Where a text can be put, as a pointer; and whether as a value, or as the name of one.
fn places(value: &Value, here: &str, all: &mut Vec<(String, bool)>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(_) => all.push((here.to_owned(), false)),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{at}"), all);
            }
        }
        Value::Object(map) => {
            all.push((here.to_owned(), true));
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(inner, &format!("{here}/{key}"), all);
            }
        }
    }
}

/// The body with the text in that place, where the shape of the kind takes any text there.
fn planted(body: &Body, (at, as_name): &(String, bool), text: &str) -> Option<Body> {
    let mut value = body.to_value().unwrap();
    let spot = value.pointer_mut(at).unwrap();
    match spot {
        Value::Object(map) if *as_name => drop(map.insert(text.to_owned(), json!("x"))),
        spot => *spot = json!(text),
    }
    let bytes = value_to_bytes(&value).ok()?;
    Body::decode(body.kind(), bytes.as_bytes()).ok()
}

fn redactor() -> Redactor {
    Redactor::new(vec![Secret::new(HELD.to_owned())], [7; 32])
}

fn texts() -> Vec<String> {
    let all = corpus();
    let some = all.chunks(AT_ONCE);
    some.map(|fakes| {
        let lines: Vec<&str> = fakes.iter().map(|fake| fake.text.as_str()).collect();
        lines.join("\n")
    })
    .collect()
}

/// A ledger file that is held open, so that its write-ahead file is there to be searched.
struct Shelf {
    folder: tempfile::TempDir,
    store: SqliteLedger,
    len: u64,
}

impl Shelf {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let store = SqliteLedger::open(&path, Genesis { random: [4; 32] }).unwrap();
        Self {
            folder,
            store,
            len: 0,
        }
    }

    fn append(&mut self, kind: Kind, bodies: Vec<CanonicalBytes>) {
        let len = bodies.len() as u64;
        let line = TrajectoryId::of(b"kinds");
        let draft = |body| Draft {
            trajectory: line,
            kind,
            at: NOON,
            writer: operator_key().public(),
            salt: Salt::from_bytes([6; 32]),
            body,
        };
        let batch = Batch {
            trajectory: line,
            at_seq: self.len,
            drafts: bodies.into_iter().map(draft).collect(),
        };
        self.store.append(vec![batch]).unwrap()[0].as_ref().unwrap();
        self.len += len;
    }

    /// Every byte below the folder, and every blob as it reads unpacked.
    fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        files(self.folder.path(), &mut found);
        found.extend(unpacked(&self.folder.path().join("ledger.db"), &self.store));
        found
    }
}

/// Every file below a folder with its bytes.
pub(crate) fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for row in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match row.path().is_dir() {
            true => files(&row.path(), found),
            false => found.push((
                row.path().display().to_string(),
                std::fs::read(row.path()).unwrap(),
            )),
        }
    }
}

/// Blobs are stored packed, which hides from a search what is in them.
pub(crate) fn unpacked(path: &Path, store: &dyn LedgerStore) -> Vec<(String, Vec<u8>)> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut rows = connection.prepare("SELECT digest FROM blobs").unwrap();
    let digests = rows.query_map([], |row| row.get::<_, [u8; 32]>(0)).unwrap();
    let digests = digests.map(|digest| Digest::from_bytes(digest.unwrap()));
    let read = |digest: Digest| {
        let plain = store.blob(&digest).unwrap();
        let bytes = plain.or_else(|| store.sealed_blob(&digest).unwrap());
        (format!("blob {}", digest.short()), bytes.unwrap())
    };
    digests.map(read).collect()
}

/// Every path that is empty in all samples of a kind: a field that nothing was planted in.
fn unfilled(samples: &[Body]) -> BTreeSet<String> {
    fn walk(value: &Value, here: &str, seen: &mut BTreeMap<String, bool>) {
        let filled = match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(map) => !map.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        };
        *seen.entry(here.to_owned()).or_default() |= filled;
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, here, seen)),
            Value::Object(map) => map
                .iter()
                .for_each(|(key, inner)| walk(inner, &format!("{here}.{key}"), seen)),
            _ => {}
        }
    }
    let mut seen = BTreeMap::new();
    for body in samples {
        walk(&body.to_value().unwrap(), "", &mut seen);
    }
    let empty = seen.into_iter().filter(|(_, filled)| !filled);
    empty.map(|(path, _)| path).collect()
}

/// Fields of the samples that hold nothing, and why nothing has to be planted there.
const LEFT_EMPTY: &[(&str, &str)] = &[
    (
        ".writ.writ.",
        "signed as a whole: a secret anywhere in it is refused",
    ),
    (
        ".facts.",
        "ids and numbers; its words are those of the call",
    ),
    (
        ".asks.",
        "words of a rule; planted in `refusal` and `trace`",
    ),
];

/// What is signed or pinned as a whole cannot be told otherwise, so it is not recorded at all.
const SIGNED: [&str; 8] = [
    "approval",
    "policy_loaded",
    "reconciled",
    "skill_bound",
    "started",
    "tools_pinned",
    "writ_issued",
    "writ_revoked",
];

/// The body with each text in that place as it would be stored; and whether any of them was refused,
/// because a signature or a pin covers the place.
fn screened(
    redactor: &Redactor,
    body: &Body,
    place: &(String, bool),
    texts: &[String],
) -> (Vec<CanonicalBytes>, bool) {
    let (mut clean, mut signed) = (Vec::new(), false);
    for body in texts.iter().filter_map(|text| planted(body, place, text)) {
        match redactor.screen(&body) {
            Ok(Screened::Clean { bytes, .. }) => clean.push(bytes),
            Ok(Screened::Redacted(body)) => clean.push(body.encode().unwrap()),
            Err(RedactFault::Signed(_)) => signed = true,
            Err(other) => panic!("{:?} {place:?}: {other}", body.kind()),
        }
    }
    (clean, signed)
}

/// Those that have no excuse; notes which excuses were needed.
fn unexcused(empty: BTreeSet<String>, excused: &mut BTreeSet<&'static str>) -> Vec<String> {
    let paths = empty.into_iter().filter(|path| {
        let left = LEFT_EMPTY.iter().find(|(left, _)| path.contains(left));
        excused.extend(left.map(|(left, _)| *left));
        left.is_none()
    });
    paths.collect()
}

#[tokio::test]
async fn t8_no_field_of_any_kind_of_entry_takes_a_secret_to_the_files() {
    let record = crate::replay::record::play().await;
    let (redactor, texts) = (redactor(), texts());
    let finder = Finder::new(&corpus());
    let (mut shelf, mut bare) = (Shelf::new(), Shelf::new());
    let (mut refused, mut excused) = (BTreeSet::new(), BTreeSet::new());
    for kind in Kind::ALL {
        let samples = samples(kind, &record);
        let mut taken = BTreeSet::new();
        for body in &samples {
            assert_eq!(body.kind(), kind);
            let mut all = Vec::new();
            places(&body.to_value().unwrap(), "", &mut all);
            for place in all {
                // Enough of each kind from a long record; a place is one whatever the index.
                let name: String = place.0.chars().filter(|c| !c.is_ascii_digit()).collect();
                if planted(body, &place, "any words").is_none() || !taken.insert((name, place.1)) {
                    continue;
                }
                let (clean, signed) = screened(&redactor, body, &place, &texts);
                if signed {
                    refused.insert(kind.word());
                }
                shelf.append(kind, clean);
                if let Some(body) = planted(body, &place, &texts[0]) {
                    bare.append(kind, vec![body.encode().unwrap()]);
                }
            }
        }
        let free = taken.len();
        assert!(
            free > 0 || kind == Kind::Branch,
            "nothing of `{}` takes text",
            kind.word()
        );
        let empty = unexcused(unfilled(&samples), &mut excused);
        assert_eq!(empty, Vec::<String>::new(), "of `{}`", kind.word());
    }
    let all: BTreeSet<&str> = LEFT_EMPTY.iter().map(|(left, _)| *left).collect();
    assert_eq!(excused, all, "an excuse that nothing needs");
    assert_eq!(refused, SIGNED.into());
    let stored = shelf.bytes();
    let wal = stored.iter().find(|(name, _)| name.ends_with("-wal"));
    // It is searched before it is folded in.
    assert!(wal.is_some_and(|(_, bytes)| !bytes.is_empty()));
    for (place, bytes) in &stored {
        assert_eq!(finder.left_in(bytes), BTreeSet::new(), "{place}");
    }
    // The same without redaction: the search finds them, in the file that a reader would open.
    let left: BTreeSet<String> = bare
        .bytes()
        .iter()
        .flat_map(|(_, bytes)| finder.left_in(bytes))
        .collect();
    for fake in &corpus()[..AT_ONCE] {
        let found = !finder.left_in(fake.bare.as_bytes()).is_disjoint(&left);
        assert!(
            found,
            "{} is not found where nothing was taken out",
            fake.what
        );
    }
}

/// `[R2]` What stands instead names the kind, and says of two whether they were one.
#[test]
fn r2_a_span_keeps_its_kind_and_a_digest_that_only_the_key_can_make() {
    let marks = |redactor: &Redactor, text: &str| {
        let redacted = redactor.redact_text(text).unwrap();
        let start = redacted.find("\u{27e6}secret:").unwrap();
        let end = start + redacted[start..].find('\u{27e7}').unwrap();
        redacted[start..end].to_owned()
    };
    let (ours, theirs) = (redactor(), Redactor::new(Vec::new(), [8; 32]));
    let mut by_secret = BTreeMap::new();
    for fake in thymos_testkit::secrets::known_forms() {
        let mark = marks(&ours, &fake.text);
        let parts: Vec<&str> = mark.split(':').collect();
        assert_eq!(parts.len(), 3, "{mark}");
        assert!(!parts[1].is_empty() && parts[2].len() == 8, "{mark}");
        assert_eq!(
            marks(&ours, &format!("again {}", fake.text)),
            mark,
            "{}",
            fake.what
        );
        assert_ne!(marks(&theirs, &fake.text), mark, "{}", fake.what);
        let unkeyed = Digest::of(fake.bare.as_bytes()).to_string();
        assert!(!unkeyed.starts_with(parts[2]), "{}", fake.what);
        by_secret.insert(mark, fake.what);
    }
    let all = thymos_testkit::secrets::known_forms().len();
    assert_eq!(by_secret.len(), all, "two secrets, one mark");
}
