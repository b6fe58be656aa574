//! What a ledger holds: how many entries of each kind, and how many of what a kind alone does not tell.
//!
//! Counted from the ledger itself when it is whole, and not while it is written.

use std::collections::BTreeMap;

use thymos_core::approval::Decision;
use thymos_core::body::{Body, BodyState, Commit};
use thymos_core::delta::{Delta, ResourceValue};
use thymos_core::{Digest, Entry, Kind};
use thymos_ports::LedgerStore;

use super::super::{Figure, count, fault};
use super::{ROWS, told};
use crate::error::AppError;

/// The counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mix {
    kinds: BTreeMap<&'static str, u64>,
    /// Answers that were no.
    denied: u64,
    /// Commits of calls that did not come to what they were for, as a test that fails.
    unsuccessful: u64,
    /// Commits that changed a file of which it is kept what it held before.
    pre_images: u64,
    /// Commits with an output that is kept whole beside them.
    outputs: u64,
    /// Bytes of each content that is kept beside the entries.
    contents: BTreeMap<Digest, u64>,
}

impl Mix {
    /// That of a ledger.
    pub(super) fn of(store: &dyn LedgerStore) -> Result<Self, AppError> {
        let (mut mix, mut index) = (Self::default(), 0);
        loop {
            let rows = store.scan(index, ROWS).map_err(fault)?;
            if rows.is_empty() {
                return Ok(mix);
            }
            index += rows.len() as u64;
            for row in rows {
                mix.add(&row.entry.map_err(fault)?)?;
            }
        }
    }

    fn add(&mut self, entry: &Entry) -> Result<(), AppError> {
        let kind = entry.kind();
        let kind = kind.ok_or_else(|| fault(format!("an entry `{}`", entry.header.kind)))?;
        *self.kinds.entry(kind.word()).or_default() += 1;
        // Only these tell more than their kind, and reading a body takes longer than the rest.
        if !matches!(kind, Kind::Approval | Kind::Commit) {
            return Ok(());
        }
        match entry.decode() {
            BodyState::Known(Body::Approval(approval)) => {
                let no = approval.signed.answer.decision == Decision::Deny;
                self.denied += u64::from(no);
            }
            BodyState::Known(Body::Commit(commit)) => self.commit(&commit),
            _ => return Err(fault(format!("a {kind} that cannot be read"))),
        }
        Ok(())
    }

    fn commit(&mut self, commit: &Commit) {
        let outcome = &commit.outcome;
        self.unsuccessful += u64::from(!outcome.ok);
        let before = |delta: &Delta| matches!(delta.before, Some(ResourceValue::File(_)));
        self.pre_images += u64::from(outcome.deltas.iter().any(before));
        self.outputs += u64::from(outcome.output.is_some());
        let deltas = outcome.deltas.iter();
        let values = deltas.flat_map(|delta| [&delta.before, &delta.after]);
        let images = values.flatten().filter_map(|value| match value {
            ResourceValue::File(image) => Some((image.digest, image.size)),
            ResourceValue::Json(_) => None,
        });
        let output = outcome.output.as_ref();
        let output = output.map(|output| (output.digest, output.size));
        let unkept = commit.unkept.as_deref().unwrap_or_default();
        let kept = images.chain(output);
        self.contents
            .extend(kept.filter(|(digest, _)| !unkept.contains(digest)));
    }

    /// How many entries of a kind there are.
    pub(super) fn kind(&self, kind: Kind) -> u64 {
        self.kinds.get(kind.word()).copied().unwrap_or_default()
    }

    /// A row for each kind that is there, in the order of their declaration, and for what they do not tell.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let entries = |name: String, entries| told(name, count(entries), "entries");
        let there = Kind::ALL.into_iter().filter(|kind| self.kind(*kind) > 0);
        let mut figures: Vec<Figure> = there
            .map(|kind| entries(format!("of these, {kind}"), self.kind(kind)))
            .collect();
        let more = [
            ("approvals that are a no", self.denied),
            ("commits of what did not succeed", self.unsuccessful),
            (
                "commits that changed a file, its image before kept",
                self.pre_images,
            ),
            ("commits with their whole output beside them", self.outputs),
        ];
        figures.extend(more.map(|(name, number)| entries(name.to_owned(), number)));
        let contents = self.contents.len() as u64;
        let bytes: u64 = self.contents.values().sum();
        figures.push(told(
            "contents kept beside the entries",
            count(contents),
            "contents",
        ));
        figures.push(told("bytes of those", count(bytes), "bytes"));
        figures
    }
}
