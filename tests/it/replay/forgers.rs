//! `[V2]` `[V3]` `[V4]` Every entry that decides nothing, changed one leaf at a time, with everything behind
//! it sealed anew and every reference to it written over: found all the same, or excepted with a reason.
//!
//! Stronger than a mutant alone: what names an entry by its id cannot tell. Signatures cannot be made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thymos_core::canonical::{self, CanonicalBytes};
use thymos_core::{Entry, Kind, TrajectoryId};
use thymos_replay::{Level, Past, Verifier};
use thymos_testkit::fixtures::roots;

use super::mutants::{Mutant, mutants, row, sealed, told};
use super::{rarer, record};

/// What no record can prove: kind, beginning of the path, and why. `docs/spec/replay.md` has the same
/// table.
const NOT_DERIVABLE: &[(Kind, &str, &str)] = &[
    (Kind::Root, "operator.name", NAME),
    (Kind::Root, "subject.name", NAME),
    (
        Kind::Root,
        "subject.key",
        "in an account, where nobody acts",
    ),
    (
        Kind::Root,
        "tenant",
        "where nothing was decided and nothing hangs below",
    ),
    (
        Kind::Root,
        "workspace",
        "the folder that the session was told, where nothing hangs below",
    ),
    (
        Kind::Message,
        "",
        "what was said; the task of a delegated run is held against its order",
    ),
    (
        Kind::Usage,
        "",
        "what the provider told, beyond the sums that budgets rest on",
    ),
    (
        Kind::Intent,
        "call",
        "the provider's own name for the call; plays no part in any identity",
    ),
    (
        Kind::Intent,
        "",
        "evidence of routing that is gone as a whole",
    ),
    (Kind::Commit, "outcome", TOLD),
    (
        Kind::Commit,
        "Without(\"unkept\")",
        "gone as a whole, as in entries of before: what was kept is not known then",
    ),
    (Kind::Commit, "cost.wall_clock_ms", TIMED),
    (Kind::Reconciled, "cost.wall_clock_ms", TIMED),
    (Kind::Reconciled, "by.name", NAME),
    (Kind::WritRevoked, "by.name", NAME),
    (
        Kind::WritIssued,
        "reason",
        "words for people; the writ says what it allows",
    ),
    (
        Kind::ModeChanged,
        "difference",
        "words that were shown; both writs are in the record",
    ),
    (
        Kind::ModeChanged,
        "mode",
        "where no decision followed in it",
    ),
    (
        Kind::ToolsPinned,
        "tools",
        "contracts of tools that nobody called",
    ),
    (
        Kind::Closed,
        "turns",
        "a count for people, on which nothing rests",
    ),
];

const NAME: &str = "a name beside a key; the key is what signs and what is trusted";
const TOLD: &str =
    "what the tool did and told, where nothing before it or after it says so as well";
const TIMED: &str = "how long it took by the session's own clock";

/// Mutants of one field of one kind that are tried in each record; of a root, which says who a
/// trajectory is, those of each.
const fn of_a_field(kind: Kind) -> usize {
    match kind {
        Kind::Root => 8,
        _ => 1,
    }
}

#[tokio::test]
async fn v3_every_entry_that_was_changed_under_fresh_seals_is_found() {
    let mut records = rarer::play().await;
    records.push(("plain", record::play().await));
    let (mut made, mut lived) = (BTreeMap::new(), BTreeMap::new());
    for (name, entries) in &records {
        all_of(name, entries, &mut made, &mut lived);
    }
    let excused = |(path, _): &(&String, &String)| {
        NOT_DERIVABLE.iter().any(|(kind, at, _)| {
            let (word, rest) = path.split_once(' ').unwrap();
            word == kind.word() && rest.starts_with(at)
        })
    };
    let missed: Vec<_> = lived.iter().filter(|one| !excused(one)).collect();
    assert!(missed.is_empty(), "of {made:?}: {missed:#?}");
    for kind in Kind::ALL {
        assert!(
            made.contains_key(kind.word()) || !changes(kind),
            "no record has a `{}`",
            kind.word()
        );
    }
    for (kind, at, why) in NOT_DERIVABLE {
        let start = format!("{} {at}", kind.word());
        let needed = lived.keys().any(|path| path.starts_with(&start));
        assert!(needed, "nothing needs the exception `{start}`: {why}");
    }
}

/// Whether the kind is changed here; those that decide have a test of their own.
fn changes(kind: Kind) -> bool {
    match kind {
        Kind::Rejection | Kind::PendingApproval | Kind::Started => false,
        // None of these runs is erased from; `verify::tests::erasures` of the replay crate bends orders.
        Kind::Erased => false,
        Kind::Root
        | Kind::Message
        | Kind::Usage
        | Kind::Intent
        | Kind::Approval
        | Kind::Superseded
        | Kind::Commit
        | Kind::Failure
        | Kind::Reconciled
        | Kind::Delegation
        | Kind::DelegationResult
        | Kind::Branch
        | Kind::SkillBound
        | Kind::WritIssued
        | Kind::WritRevoked
        | Kind::PolicyLoaded
        | Kind::PolicyUnloaded
        | Kind::ModeChanged
        | Kind::ToolsPinned
        | Kind::Closed => true,
    }
}

fn all_of(
    name: &str,
    entries: &[Entry],
    made: &mut BTreeMap<&'static str, usize>,
    lived: &mut BTreeMap<String, String>,
) {
    let past = Arc::new(Lines::of(entries));
    let mut before = Verifier::new(Level::V4, roots()).with_past(past.clone());
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let kind = entry.kind().unwrap();
        if changes(kind) {
            for mutant in mutants(entry) {
                let field = format!("{} {}", kind.word(), mutant.path);
                let times = tried.entry(field.clone()).or_default();
                *times += 1;
                // A schema of a tool that was called is pinned in its proposal; of the others, one is like all.
                let schema = mutant.path.starts_with("tools.[].schema.");
                if *times > of_a_field(kind) || schema {
                    continue;
                }
                *made.entry(kind.word()).or_default() += 1;
                if !found(&before, entries, at, &mutant) {
                    let told = format!("{name}: {}", told(entry, &mutant));
                    // Of a body as a whole, the change says what of it is excused.
                    let what = match mutant.path.is_empty() {
                        true => format!("{field}{}", mutant.is),
                        false => field,
                    };
                    lived.entry(what).or_insert(told);
                }
            }
        }
        before.push(&row(entry.clone()));
    }
    assert_eq!(before.so_far().findings, [], "{name}");
}

/// Whether verification finds anything in the log as forged from there on.
fn found(before: &Verifier, entries: &[Entry], at: usize, mutant: &Mutant) -> bool {
    let forged = forged(entries, at, mutant);
    let mut verifier = before.clone().with_past(Arc::new(Lines::of(&forged)));
    for entry in &forged[at..] {
        verifier.push(&row(entry.clone()));
        let report = verifier.so_far();
        assert!(report.holds_at(Level::V1), "{}", told(&entries[at], mutant));
        if !report.findings.is_empty() {
            return true;
        }
    }
    !verifier.finish(None).findings.is_empty()
}

/// The log with one body changed and everything behind it made to fit.
pub(super) fn forged(entries: &[Entry], at: usize, mutant: &Mutant) -> Vec<Entry> {
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut heads = BTreeMap::new();
    let mut all: Vec<Entry> = entries[..at].to_vec();
    for entry in &all {
        heads.insert(entry.header.trajectory, entry.id);
    }
    for (index, entry) in entries.iter().enumerate().skip(at) {
        let body = match index == at {
            true => mutant.body.clone(),
            false => rewritten(entry, &ids),
        };
        let head = heads.get(&entry.header.trajectory).copied();
        let new = sealed(entry, body, head);
        heads.insert(entry.header.trajectory, new.id);
        if new.id != entry.id {
            ids.insert(entry.id.to_string(), new.id.to_string());
        }
        all.push(new);
    }
    all
}

/// The body with every id that moved written over.
fn rewritten(entry: &Entry, ids: &BTreeMap<String, String>) -> CanonicalBytes {
    let mut text = String::from_utf8(entry.body().unwrap().to_vec()).unwrap();
    let named: BTreeSet<String> = text
        .split('"')
        .filter(|part| part.len() == 64)
        .map(str::to_owned)
        .collect();
    for id in named {
        if let Some(new) = ids.get(&id) {
            text = text.replace(&id, new);
        }
    }
    canonical::value_to_bytes(&canonical::parse(text.as_bytes()).unwrap()).unwrap()
}

/// A log by trajectory, for branches.
pub(super) struct Lines(BTreeMap<TrajectoryId, Vec<Entry>>);

impl Lines {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut lines: BTreeMap<TrajectoryId, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            let line = lines.entry(entry.header.trajectory).or_default();
            line.push(entry.clone());
        }
        Self(lines)
    }
}

impl Past for Lines {
    fn page(&self, of: &TrajectoryId, from: u64, limit: usize) -> Result<Vec<Entry>, String> {
        let line = self.0.get(of).map_or(&[][..], Vec::as_slice);
        let from = usize::try_from(from).unwrap();
        Ok(line.iter().skip(from).take(limit).cloned().collect())
    }
}
