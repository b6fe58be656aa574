//! Verification of a whole log, row by row `[Y3]`: V1 integrity, V2 state, V3 decisions, V4 identity.
//!
//! Reads no store: rows are pushed in log order. Where it may ask for the past, it keeps the state of the
//! trajectories that it heard of lately, and folds another anew when that goes on; memory does not grow
//! with the log then. It repairs nothing and trusts no column.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use thymos_core::body::{Body, BodyState, Erased, Role, WritRevoked};
use thymos_core::canonical::{self, CanonicalBytes};
use thymos_core::entry::{Commitment, InvalidEntry};
use thymos_core::key::{Domain, Signature};
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::writ::{Party, TrustRoots};
use thymos_core::{Entry, EntryId, Kind, LogId, TrajectoryId, WritId};

use crate::divergence::Divergence;
use crate::fold::fold_read;
use crate::past::{Past, fold_at};
use crate::projection::Projection;
use crate::redecide::{Redecided, Redecider};

mod checkpoints;
mod erasures;
mod facts;
mod kin;
mod lines;
mod parts;
mod report;
mod tally;
mod tree;

pub use checkpoints::{Keeper, KeptNote, Seen};
pub(crate) use facts::holds_redacted_span;
use facts::{Faults, Moment};
use kin::{Beside, Orders};
use lines::{Line, Lines, State};
pub use parts::{Excerpt, Withheld};
pub use report::{Counts, Finding, Level, Place, Report};
pub use tally::{Hangs, Tally};

/// Findings kept with their words. Further ones are counted and not told.
pub const FINDINGS_MAX: usize = 256;

/// A row of the log as a store has it; `entry` must come from [`Entry::read`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The position the store found it at.
    pub index: u64,
    /// The entry, or what is wrong with its bytes.
    pub entry: Result<Entry, InvalidEntry>,
    /// Index columns that disagree with the bytes, named for a person.
    pub disagreements: Vec<String>,
    /// Whole subtrees that the store keeps as ending with this entry; none where it keeps no tree.
    pub tree: Option<Vec<(Node, TreeHash)>>,
}

/// Checks rows in log order, up to a level. A clone goes on from the same row by itself.
#[derive(Clone)]
pub struct Verifier {
    level: Level,
    log: Option<LogId>,
    next_index: u64,
    tree: tree::Tree,
    checkpoints: checkpoints::Checkpoints,
    lines: Lines,
    bare: BTreeMap<EntryId, Place>,
    /// What `erased` entries name, by place.
    announced: BTreeMap<(TrajectoryId, u64), EntryId>,
    cuts: BTreeMap<WritId, u64>,
    orders: Orders,
    redecider: Redecider,
    past: Option<Arc<dyn Past>>,
    /// Where what an `erased` entry names is looked up.
    targets: Option<Arc<dyn Past>>,
    withheld: Option<Withheld>,
    excerpt: Option<parts::Under>,
    /// A body was not there, here or on another trajectory.
    gaps: bool,
    report: Report,
}

impl Verifier {
    /// A verifier up to `level`. `roots` must hold every key that was ever trusted: decisions are
    /// made again on it.
    #[must_use]
    pub fn new(level: Level, roots: TrustRoots) -> Self {
        Self {
            level,
            log: None,
            next_index: 0,
            tree: tree::Tree::new(),
            checkpoints: checkpoints::Checkpoints::default(),
            lines: Lines::default(),
            bare: BTreeMap::new(),
            announced: BTreeMap::new(),
            cuts: BTreeMap::new(),
            orders: Orders::default(),
            redecider: Redecider::new(roots),
            past: None,
            targets: None,
            withheld: None,
            excerpt: None,
            gaps: false,
            report: Report::default(),
        }
    }

    /// The same, able to ask for the past of branches `[D2]`. Without it what a branch inherits is
    /// told as unchecked.
    #[must_use]
    pub fn with_past(mut self, past: Arc<dyn Past>) -> Self {
        self.past = Some(past.clone());
        self.with_targets(past)
    }

    /// The same, able to ask for what an `erased` entry names `[L3]`; without it, only bodies that are
    /// not there are held against what may go.
    #[must_use]
    pub fn with_targets(mut self, targets: Arc<dyn Past>) -> Self {
        self.targets = Some(targets);
        self
    }

    /// The same, that holds the log against these checkpoints as well; the keys of `roots` sign them
    /// `[L7]`.
    #[must_use]
    pub fn with_checkpoints(mut self, notes: &[KeptNote], roots: &TrustRoots) -> Self {
        let known: Vec<_> = roots.ever().operators.iter().map(|one| one.key).collect();
        self.checkpoints = checkpoints::Checkpoints::of(notes, &known);
        self
    }

    /// Checks the next row.
    pub fn push(&mut self, row: &Row) {
        let before = (
            self.report.checked,
            self.report.unchecked,
            self.report.witnessed,
        );
        self.check(row);
        if let Some((trajectory, _)) = Place::of(row).line {
            self.report.count_for(trajectory, before);
        }
    }

    fn check(&mut self, row: &Row) {
        self.report.entries += 1;
        let place = Place::of(row);
        self.check_index(row, place);
        let entry = match &row.entry {
            Ok(entry) => entry,
            Err(invalid) => {
                self.tree.lose();
                let what = Divergence::new("bytes", "a whole entry", invalid.to_string());
                self.report.add(Level::V1, place, what);
                return;
            }
        };
        // Read once, for all levels that look into it; the first needs its bytes alone.
        let body = (self.level >= Level::V2).then(|| entry.decode());
        let known = match &body {
            Some(BodyState::Known(body)) if self.level >= Level::V3 => Some(body),
            Some(
                BodyState::Known(_)
                | BodyState::Erased
                | BodyState::UnknownKind(_)
                | BodyState::Invalid(_),
            )
            | None => None,
        };
        if let Some(body) = &body {
            self.wake(place, entry, body);
        }
        // Before the fold: facts are of the moment before their entry.
        let again = known.map(|body| {
            self.check_facts(place, entry, body);
            self.check_kin(place, entry, body);
            self.check_signatures(place, body);
            self.redecider.observe(entry, body)
        });
        self.check_integrity(place, entry);
        self.check_log(row, entry);
        self.report.checked.integrity += 1;
        if let Some(body) = body {
            self.check_state(place, entry, body);
        }
        if let Some(again) = again {
            self.count_decision(place, entry, again);
        }
    }

    /// The position that the next row should have.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Entries and root of the Merkle tree up to here; none once an entry was missing or not whole
    /// `[L6]`.
    #[must_use]
    pub fn tree_head(&self) -> Option<(u64, TreeHash)> {
        self.tree.head()
    }

    /// What the log is short of, if it ends here: a checkpoint of more entries `[L7]`.
    #[must_use]
    pub fn short_of(&self) -> Option<Divergence> {
        self.checkpoints.beyond(self.next_index)
    }

    /// What was found up to here; more may follow, and only [`Self::finish`] tells all.
    #[must_use]
    pub fn so_far(&self) -> &Report {
        &self.report
    }

    /// Ends the log. `length` is what the store says it has, if it says.
    #[must_use]
    pub fn finish(mut self, length: Option<u64>) -> Report {
        if let Some(length) = length {
            let place = Place {
                index: self.next_index,
                line: None,
            };
            let entries = self.report.entries;
            self.same(place, "length of the log", &length, &entries);
        }
        self.check_unannounced();
        self.report.checkpoints = self.checkpoints.seen();
        let length = self.next_index;
        for (index, what) in std::mem::take(&mut self.checkpoints).finish(length) {
            self.report
                .add(Level::V1, Place { index, line: None }, what);
        }
        self.report.trajectories = self.lines.len() as u64;
        for (trajectory, line) in self.lines.iter() {
            let tally = self.report.lines.entry(*trajectory).or_default();
            match &line.state {
                State::Sound(p) => tally.describe(p, true),
                State::Gapped(p) => tally.describe(p, false),
                State::Resting | State::Lost | State::Broken => {}
            }
        }
        self.report.level = self.level;
        self.report
    }

    /// What is said of everything up to here. It is of the log and of no line: the run whose entry
    /// comes last need not be the one that was changed.
    fn check_log(&mut self, row: &Row, entry: &Entry) {
        let place = Place {
            index: row.index,
            line: None,
        };
        if let Some(what) = self.tree.push(&entry.id, row.tree.as_deref()) {
            self.report.add(Level::V1, place, what);
        }
        let size = self.tree.size();
        if size.is_some_and(|size| self.checkpoints.is_due(size))
            && let Some(head) = self.tree.head()
            && let Some(what) = self.checkpoints.reach(entry.header.log, head)
        {
            self.report.add(Level::V1, place, what);
        }
    }

    /// `[L2]` Positions have no gap; where one is found, counting goes on behind it.
    fn check_index(&mut self, row: &Row, place: Place) {
        let expected = self.next_index;
        // An excerpt leaves out what is of others, and runs back nowhere.
        let in_order = self.excerpt.is_some() && row.index > expected;
        if !in_order {
            self.same(place, "log order", &expected, &row.index);
        }
        if expected != row.index {
            self.tree.lose();
        }
        self.next_index = row.index.saturating_add(1);
        for column in &row.disagreements {
            let what = Divergence::new("column", "what the bytes say", column.clone());
            self.report.add(Level::V1, place, what);
        }
    }

    fn check_integrity(&mut self, place: Place, entry: &Entry) {
        let header = &entry.header;
        self.same(place, "id", &EntryId::of(&entry.header_bytes), &entry.id);
        match &entry.content {
            Some(content) if Commitment::of(&content.salt, &content.body) != header.body => {
                let what = Divergence::new("body", "the committed bytes", "other bytes");
                self.report.add(Level::V1, place, what);
            }
            Some(_) if self.is_withheld(entry) => {
                let what = Divergence::new("withheld", "no body, as was said", "one");
                self.report.add(Level::V1, place, what);
            }
            Some(_) | None => {}
        }
        self.hear_erasure(place, entry);
        self.same(place, "index in the header", &place.index, &header.index);
        let log = *self.log.get_or_insert(header.log);
        self.same(place, "log", &log, &header.log);
        self.check_line(place, entry);
        if entry.content.is_none() {
            self.check_bare(place, entry);
        }
    }

    /// `[L2]` `seq` and `prev` chain each trajectory.
    fn check_line(&mut self, place: Place, entry: &Entry) {
        let header = &entry.header;
        let line = self.lines.of(header.trajectory);
        let (seq, head) = (line.next_seq, line.head);
        line.next_seq = header.seq.saturating_add(1);
        line.head = Some(entry.id);
        line.index = Some(place.index);
        self.same(place, "sequence", &seq, &header.seq);
        if head != header.prev {
            let what = Divergence::new("previous entry", named(head), named(header.prev));
            self.report.add(Level::V1, place, what);
        }
    }

    fn check_state(&mut self, place: Place, entry: &Entry, body: BodyState) {
        let Some(line) = self.lines.get_mut(&entry.header.trajectory) else {
            return;
        };
        if entry.kind().is_none() {
            let found = format!("unknown kind `{}`", entry.header.kind);
            let what = Divergence::new("kind", "a known kind", found);
            self.report.add(Level::V2, place, what);
        }
        let bare = entry.content.is_none() && parts::decides(entry.kind());
        let gap = entry.kind().is_none() || bare;
        let (mut projection, gapped) = match std::mem::replace(&mut line.state, State::Broken) {
            State::Sound(projection) => (projection, gap),
            State::Gapped(projection) => (projection, true),
            State::Lost => {
                line.state = State::Lost;
                self.report.unchecked.state += 1;
                return;
            }
            // One that cannot be folded anew broke when it was wanted.
            State::Resting | State::Broken => {
                self.report.unchecked.state += 1;
                return;
            }
        };
        let folded = match &self.past {
            Some(past) => fold_at(&mut projection, entry, body, past.as_ref(), 0),
            None => {
                fold_read(&mut projection, entry, body).map(|()| entry.kind() == Some(Kind::Branch))
            }
        };
        match folded {
            Ok(gaps) if gapped || gaps => {
                // A branch whose past cannot be asked for starts from a world that nobody checked.
                match gaps {
                    true => self.report.unchecked.state += 1,
                    false => self.report.checked.state += 1,
                }
                line.state = State::Gapped(projection);
            }
            Ok(_) => {
                self.report.checked.state += 1;
                line.state = State::Sound(projection);
            }
            Err(what) => {
                let tally = self.report.lines.entry(projection.trajectory).or_default();
                tally.describe(&projection, false);
                if gapped {
                    self.report.unchecked.state += 1;
                    line.state = State::Lost;
                } else {
                    self.report.add(Level::V2, place, what);
                }
            }
        }
    }

    /// `[V3]` A verdict is worth what its facts are worth: those that follow from the record must.
    fn check_facts(&mut self, place: Place, entry: &Entry, body: &Body) {
        if let Body::WritRevoked(cut) = body {
            self.cuts.entry(cut.writ).or_insert(place.index);
        }
        let Some(line) = self.lines.get(&entry.header.trajectory) else {
            return;
        };
        let decides = body.decided().is_some();
        let State::Sound(before) = &line.state else {
            // What was erased, or broke off, may be what they follow from.
            self.report.unchecked.facts += u64::from(decides);
            return;
        };
        // In an excerpt the writs of others may be elsewhere, and so may their revocations.
        let known = |id: &WritId| self.redecider.knows(id);
        if self.excerpt.is_some()
            && let Some(decided) = body.decided()
            && !decided
                .proposal
                .writs
                .iter()
                .chain(&decided.facts.standing)
                .all(known)
        {
            self.report.unchecked.facts += 1;
            return;
        }
        let moment = Moment {
            before,
            alone: self.excerpt.is_some(),
            previous: line.index,
            at: entry.header.at_ms,
            cuts: &self.cuts,
            redecider: &self.redecider,
        };
        let faults = moment.faults(body);
        self.report.checked.facts += u64::from(decides);
        for what in faults.0 {
            self.report.add(Level::V3, place, what);
        }
    }

    /// `[V3]` What trajectories say of one another must fit.
    fn check_kin(&mut self, place: Place, entry: &Entry, body: &Body) {
        let sound = |id: &TrajectoryId| match self.lines.get(id) {
            Some(Line {
                state: State::Sound(p),
                said,
                mute: false,
                ..
            }) => Some((p.as_ref(), said.as_deref())),
            Some(_) | None => None,
        };
        let id = entry.header.trajectory;
        let empty = Projection::empty(id);
        let before = match self.lines.get(&id).map(|line| &line.state) {
            Some(State::Sound(before)) => Some(before.as_ref()),
            Some(State::Resting | State::Gapped(_) | State::Lost | State::Broken) => None,
            None => Some(&empty),
        };
        // Whoever ordered it may be elsewhere, or have lost the entry that did.
        let complete = |id: &TrajectoryId| match self.lines.get(id).map(|line| &line.state) {
            Some(State::Gapped(_) | State::Lost) => false,
            Some(State::Sound(_) | State::Resting | State::Broken) => true,
            None => self.excerpt.is_none(),
        };
        let faults = before.map_or_else(Faults::default, |before| {
            let beside = Beside {
                before,
                orders: &self.orders,
                other: &sound,
                complete: &complete,
            };
            beside.faults(entry, body)
        });
        for what in faults.0 {
            self.report.add(Level::V3, place, what);
        }
        kin::learn(&mut self.orders, entry, body);
        if let Body::Message(said) = body
            && said.role == Role::Model
            && !said.text.trim().is_empty()
            && let Some(line) = self.lines.get_mut(&id)
            && self.orders.has(&id)
        {
            line.said = Some(said.text.clone());
        }
    }

    /// `[V4]` Who is said to have signed something did.
    fn check_signatures(&mut self, place: Place, body: &Body) {
        if self.level < Level::V4 {
            return;
        }
        if let Body::PolicyLoaded(loaded) = body {
            self.report.checked.identity += u64::from(loaded.signed_by.is_some());
            if let Err(what) = self.redecider.vouched(loaded) {
                self.report.add(Level::V4, place, what);
            }
        }
        if let Some(holds) = signature_of(body) {
            self.report.checked.identity += 1;
            if !holds {
                let what = Divergence::new("signature", "by the key named in it", "another's");
                self.report.add(Level::V4, place, what);
            }
        }
    }

    /// `[V3]` What deciding it again came to; after the fold, which finds out about gaps.
    fn count_decision(&mut self, place: Place, entry: &Entry, again: Redecided) {
        let line = self.lines.get(&entry.header.trajectory);
        let gapped = line.is_some_and(|line| matches!(line.state, State::Gapped(_) | State::Lost));
        match again {
            Redecided::NoDecision => {}
            // [L3] What it rested on may be what is gone.
            Redecided::Unknown(_) | Redecided::Different(_) if gapped => {
                self.report.unchecked.decisions += 1;
            }
            Redecided::Unknown(what) if self.may_miss(&what) => {
                self.report.unchecked.decisions += 1;
            }
            Redecided::Same { witnessed } => {
                self.report.checked.decisions += 1;
                self.report.witnessed += u64::from(witnessed);
            }
            Redecided::Unknown(what) => {
                self.report.unchecked.decisions += 1;
                self.report.add(Level::V3, place, *what);
            }
            Redecided::Different(what) => {
                self.report.checked.decisions += 1;
                self.report.add(Level::V3, place, *what);
            }
        }
    }

    fn same<T: PartialEq + fmt::Display>(
        &mut self,
        place: Place,
        check: &'static str,
        expected: &T,
        found: &T,
    ) {
        if expected != found {
            let what = Divergence::new(check, expected.to_string(), found.to_string());
            self.report.add(Level::V1, place, what);
        }
    }
}

/// Whether the signature inside a body holds; none where there is none to check.
fn signature_of(body: &Body) -> Option<bool> {
    if let Body::WritIssued(issued) = body {
        return Some(issued.writ.signature_holds());
    }
    if let Body::Approval(approval) = body {
        return Some(approval.signed.signature_holds());
    }
    if let Body::SkillBound(bound) = body {
        let own = bound.signed.as_ref()?;
        let message = canonical::value_to_bytes(&bound.definition).ok();
        return Some(message.is_some_and(|bytes| {
            own.signer
                .verifies(Domain::Skill, bytes.as_bytes(), &own.signature)
        }));
    }
    if let Body::WritRevoked(cut) = body {
        let message = WritRevoked::message(&cut.writ, &cut.reason, cut.used.as_ref()).ok();
        return Some(signed(&cut.by, Domain::Revocation, message, &cut.signature));
    }
    if let Body::Erased(order) = body {
        let message = Erased::message(&order.entry, order.seq, &order.reason).ok();
        return Some(signed(
            &order.by,
            Domain::Erasure,
            message,
            &order.signature,
        ));
    }
    if let Body::Reconciled(end) = body {
        let message = (end.proposal, end.started, end.resolution, &end.reason);
        let message = canonical::encode(&message).ok();
        return Some(signed(
            &end.by,
            Domain::Reconciliation,
            message,
            &end.signature,
        ));
    }
    None
}

fn signed(
    by: &Party,
    domain: Domain,
    message: Option<CanonicalBytes>,
    signature: &Signature,
) -> bool {
    message.is_some_and(|bytes| by.key.verifies(domain, bytes.as_bytes(), signature))
}

fn named(id: Option<EntryId>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| id.to_string())
}

#[cfg(test)]
mod tests;
