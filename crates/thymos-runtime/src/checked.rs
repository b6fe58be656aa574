//! How far this log was verified before, kept between starts under the operator's seal, and going on from
//! there.
//!
//! Only a cache: without it all is verified anew. It holds ids and lengths and no word of the record. What
//! another program verified, or under other trusted keys, is not gone on from. A log that is not the one
//! that was verified, because it was cut, rolled back or replaced, is verified whole, and that is told as
//! a finding until the record or the cache is put right.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thymos_core::id::Digest;
use thymos_core::key::SigningKey;
use thymos_core::{LogId, Timestamp, canonical};
use thymos_ports::LedgerStore;
use thymos_protocol::VerifiedBefore;
use thymos_replay::verify::{Ground, KeptNote, Point};
use thymos_replay::{Divergence, Level, Verifier};

use crate::kernel::Kernel;
use crate::past::KeptStore;
use crate::proof::lanes;
use crate::snapshot::{SnapshotPlace, opened, sealed};

/// Of another shape it is not read.
const VERSION: u32 = 1;

/// The program whose verdicts these are: another may find what this one does not.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// New entries after which the background keeps a point anew.
const ENTRIES_BETWEEN: u64 = 4_096;

/// The name of the check in findings.
pub(crate) const CHECK: &str = "last check";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    program: String,
    /// Of every key that was ever trusted.
    trust: Digest,
    /// One a level.
    points: Vec<Checked>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    /// When the newest of these entries were verified.
    at: Timestamp,
    /// When the check began that read all of them at once, or the first of those that went on from it.
    whole: Timestamp,
    point: Point,
}

/// Where an earlier check of a log is looked for: a place, and the key that sealed it.
pub(crate) struct Earlier<'a> {
    pub(crate) store: &'a dyn LedgerStore,
    pub(crate) place: &'a dyn SnapshotPlace,
    pub(crate) operator_key: &'a SigningKey,
}

impl<'a> Earlier<'a> {
    pub(crate) fn of(kernel: &'a Kernel) -> Self {
        Self {
            store: kernel.parts.store.as_ref(),
            place: kernel.parts.snapshots.as_ref(),
            operator_key: &kernel.parts.operator_key,
        }
    }

    fn read(&self) -> Option<Kept> {
        let kept = opened::<Kept>(self.operator_key, &self.place.read_checked()?)?;
        let log: LogId = self.store.log();
        let ours = kept.version == VERSION && kept.points.iter().all(|one| one.point.log == log);
        ours.then_some(kept)
    }

    /// What this log contradicts of what was verified before, whatever program and keys did.
    pub(crate) fn contradicted(&self) -> Option<Divergence> {
        contradicted(self.store, &self.read()?)
    }
}

/// Where a verification begins.
pub(crate) enum Start {
    /// Behind what was verified before.
    Behind(Box<Verifier>, VerifiedBefore),
    /// With the first entry, and why, in words.
    Whole(String),
}

/// Finds where a verification of this level may begin.
pub(crate) fn start(kernel: &Kernel, level: Level, notes: &[KeptNote]) -> Start {
    let Some(kept) = Earlier::of(kernel).read() else {
        return whole("nothing is known of an earlier check");
    };
    if let Some(what) = contradicted(kernel.parts.store.as_ref(), &kept) {
        return whole(&format!("this is not what was checked earlier ({what})"));
    }
    if kept.program != PROGRAM {
        return whole("another version made the earlier check");
    }
    if Some(kept.trust) != trust(kernel) {
        return whole("other keys are trusted since the earlier check");
    }
    let deep = kept.points.into_iter();
    let deep = deep.filter(|checked| checked.point.level == level);
    let Some(checked) = deep.max_by_key(|checked| checked.point.entries) else {
        return whole("the earlier check did not look as deep");
    };
    let store = &kernel.parts.store;
    let nodes = |node| store.node(node).map_err(|error| error.to_string());
    let ground = Ground {
        roots: kernel.ever.clone(),
        past: Arc::new(KeptStore(store.clone())),
        nodes: &nodes,
        notes,
        lanes: lanes(),
    };
    match Verifier::go_on(&checked.point, ground) {
        Ok(verifier) => {
            let before = VerifiedBefore {
                entries: checked.point.entries,
                at: checked.at,
                whole: checked.whole,
            };
            Start::Behind(Box::new(verifier), before)
        }
        Err(what) => whole(&format!("this is not what was checked earlier ({what})")),
    }
}

fn whole(why: &str) -> Start {
    Start::Whole(why.to_owned())
}

fn contradicted(store: &dyn LedgerStore, kept: &Kept) -> Option<Divergence> {
    kept.points.iter().find_map(|checked| {
        let (entries, root) = (checked.point.entries, checked.point.root);
        let length = store.len().unwrap_or(0);
        let found = match store.root(entries) {
            Ok(now) if now == root => return None,
            _ if length < entries => format!("{length}"),
            Ok(_) => "others in their place".to_owned(),
            Err(error) => error.to_string(),
        };
        let when = checked.at.date();
        let expected = format!("the {entries} entries that were verified on {when}");
        let found = format!("{found}: it was cut, rolled back or replaced since");
        Some(Divergence {
            check: CHECK,
            expected,
            found,
        })
    })
}

/// Keeps how far a verification came, if it came to a point; `since` is where it began. What
/// contradicts this log stays where it is, as what is known of it.
pub(crate) fn keep(kernel: &Kernel, point: Option<Point>, since: Option<&VerifiedBefore>) {
    let (Some(point), Some(trust)) = (point, trust(kernel)) else {
        return;
    };
    let at = kernel.parts.clock.now();
    let checked = Checked {
        at,
        whole: since.map_or(at, |since| since.whole),
        point,
    };
    keep_point(kernel, checked, trust);
}

fn keep_point(kernel: &Kernel, checked: Checked, trust: Digest) {
    let earlier = Earlier::of(kernel);
    let kept = earlier.read();
    if kept
        .as_ref()
        .is_some_and(|kept| contradicted(earlier.store, kept).is_some())
    {
        return;
    }
    let same = kept.filter(|kept| kept.program == PROGRAM && kept.trust == trust);
    let mut points = same.map_or_else(Vec::new, |kept| kept.points);
    let (level, entries) = (checked.point.level, checked.point.entries);
    // Another process may have come further meanwhile.
    if points
        .iter()
        .any(|one| one.point.level == level && one.point.entries > entries)
    {
        return;
    }
    points.retain(|one| one.point.level != level);
    points.push(checked);
    let kept = Kept {
        version: VERSION,
        program: PROGRAM.to_owned(),
        trust,
        points,
    };
    if let Some(bytes) = sealed(kernel, &kept) {
        kernel.parts.snapshots.write_checked(&bytes);
    }
}

/// Whether the background, which has kept a point of so many entries, keeps another at these.
pub(crate) fn is_due(kernel: &Kernel, kept: u64, entries: u64) -> bool {
    let due = match kept {
        0 => kernel.parts.snapshots.checked_from(),
        kept => kept.saturating_add(ENTRIES_BETWEEN),
    };
    entries >= due
}

fn trust(kernel: &Kernel) -> Option<Digest> {
    let bytes = canonical::encode(&kernel.ever).ok()?;
    Some(Digest::of(bytes.as_bytes()))
}
