//! The part of verification that must see every row in its order: positions, chains, the tree, checkpoints,
//! erasures. It reads no body but to learn what crosses trajectories, and deals the rest to lanes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use thymos_core::body::{Body, BodyState, Role};
use thymos_core::merkle::{Node, TreeHash};
use thymos_core::{Digest, Entry, EntryId, LogId, TrajectoryId};

use super::found::{Counted, Found};
use super::lane::{Heard, Piece, Task, Work};
use super::parts::{Under, Withheld};
use super::point::Told;
use super::prepared::{Prepared, Read};
use super::report::Step;
use super::{Level, Place, checkpoints, tree};
use crate::divergence::Divergence;
use crate::past::Past;

/// Rows after which a state that was not wanted meanwhile is let go, at first. Where so many trajectories
/// go on side by side that folding them anew takes more than the log itself, twice as many are remembered:
/// memory grows then, and not the work.
const ROWS_REMEMBERED: u64 = 2_048;

/// Checks rows in log order, and says what is left to do of each and in which lane.
#[derive(Clone)]
pub struct Front {
    pub(super) level: Level,
    pub(super) log: Option<LogId>,
    pub(super) next_index: u64,
    pub(super) tree: tree::Tree,
    pub(super) checkpoints: checkpoints::Checkpoints,
    pub(super) chains: BTreeMap<TrajectoryId, Chain>,
    /// Children that were ordered and did not begin yet, by who ordered them.
    pub(super) ordered: BTreeMap<TrajectoryId, TrajectoryId>,
    pub(super) bare: BTreeMap<EntryId, Place>,
    /// What `erased` entries name, by place.
    pub(super) announced: BTreeMap<(TrajectoryId, u64), EntryId>,
    /// Where what an `erased` entry names is looked up.
    pub(super) targets: Option<Arc<dyn Past>>,
    pub(super) withheld: Option<Withheld>,
    pub(super) excerpt: Option<Under>,
    /// A body was not there, here or on another trajectory.
    pub(super) gaps: bool,
    pub(super) entries: u64,
    /// Of those, entries that were verified before.
    pub(super) before: u64,
    /// Entries that other trajectories may rest on.
    pub(super) heard: Vec<Told>,
    pub(super) erased: u64,
    pub(super) standing: u64,
    pub(super) bodies_withheld: u64,
    pub(super) found: Found,
    lanes: usize,
    /// The lane of the next trajectory that stands by itself.
    next_lane: usize,
    memory: Memory,
    /// Deals at random, and anew before each row.
    #[cfg(test)]
    pub(super) shuffled: Option<u64>,
}

/// One trajectory, as its headers say.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) next_seq: u64,
    pub(super) head: Option<EntryId>,
    /// Position in the log of its newest entry.
    pub(super) index: Option<u64>,
    /// What it hangs from by its own word.
    pub(super) above: Option<TrajectoryId>,
    /// Who follows its state.
    pub(super) lane: usize,
    /// Whether its state was wanted since states were last let go.
    wanted: bool,
    /// Whether its state was let go.
    resting: bool,
}

impl Chain {
    /// One that an earlier check left there.
    pub(super) const fn left(
        (next_seq, head): (u64, EntryId),
        (index, above): (u64, Option<TrajectoryId>),
        lane: usize,
    ) -> Self {
        Self {
            next_seq,
            head: Some(head),
            index: Some(index),
            above,
            lane,
            wanted: false,
            resting: true,
        }
    }
}

/// When states are let go. Counted here, so that it is the same however trajectories were dealt.
#[derive(Clone)]
struct Memory {
    /// Rows until states that were not wanted are let go.
    turns_in: u64,
    remembered: u64,
    rows: u64,
    /// Entries that are folded a second time, at most.
    anew: u64,
}

impl Memory {
    const fn remembering(rows: u64) -> Self {
        Self {
            turns_in: rows,
            remembered: rows,
            rows: 0,
            anew: 0,
        }
    }

    /// Whether it is time to let go.
    const fn turns(&mut self) -> bool {
        self.rows += 1;
        self.turns_in = self.turns_in.saturating_sub(1);
        if self.turns_in > 0 {
            return false;
        }
        if self.anew > self.rows {
            self.remembered = self.remembered.saturating_mul(2);
        }
        self.turns_in = self.remembered;
        true
    }
}

impl Front {
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            log: None,
            next_index: 0,
            tree: tree::Tree::new(),
            checkpoints: checkpoints::Checkpoints::default(),
            chains: BTreeMap::new(),
            ordered: BTreeMap::new(),
            bare: BTreeMap::new(),
            announced: BTreeMap::new(),
            targets: None,
            withheld: None,
            excerpt: None,
            gaps: false,
            entries: 0,
            before: 0,
            heard: Vec::new(),
            erased: 0,
            standing: 0,
            bodies_withheld: 0,
            found: Found::default(),
            lanes: 1,
            next_lane: 0,
            memory: Memory::remembering(ROWS_REMEMBERED),
            #[cfg(test)]
            shuffled: None,
        }
    }

    pub(super) fn deal_to(&mut self, lanes: usize) {
        self.lanes = lanes.max(1);
    }

    #[cfg(test)]
    pub(super) fn remember(&mut self, rows: u64) {
        self.memory = Memory::remembering(rows);
    }

    /// The position that the next row should have.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Checks the next row of the log. What is left of it is handed to `deal` with the lane that has to
    /// do it; each lane does its own in this order, and lanes need not wait for one another but where
    /// work says so itself.
    pub fn take(&mut self, row: Prepared, deal: &mut dyn FnMut(usize, Work)) {
        self.entries += 1;
        self.found.begin(self.entries);
        let line = row.read.as_ref().ok();
        let line = line.map(|read| (read.entry.header.trajectory, read.entry.header.seq));
        let place = Place {
            index: row.index,
            line,
        };
        self.check_index(&row, place);
        let read = match row.read {
            Ok(read) => read,
            Err(invalid) => {
                self.tree.lose();
                let what = Divergence::new("bytes", "a whole entry", invalid.to_string());
                self.found.add((Level::V1, Step::Row), place, what);
                return;
            }
        };
        let looks = self.level >= Level::V2;
        let lane = if looks { self.assign(&read, deal) } else { 0 };
        self.check_integrity(place, &read);
        self.check_contents(place, &row.missing);
        let previous = self.check_line(place, &read.entry, lane);
        if read.entry.content.is_none() {
            self.check_bare(place, &read.entry);
        }
        self.check_log(place.index, &read.entry, row.tree.as_deref());
        let mut counted = Counted::default();
        counted.checked.integrity = 1;
        let trajectory = read.entry.header.trajectory;
        self.found.count(trajectory, &counted);
        self.found.line(trajectory).entries += 1;
        let Some(body) = read.body.filter(|_| looks) else {
            return;
        };
        let heard = self.hears(place, &read.entry, &body);
        let piece = Piece {
            row: self.entries,
            place,
            entry: read.entry,
            body,
            signed: read.signed,
            previous,
            gaps: self.gaps,
        };
        deal(lane, Task::Row(Box::new(piece)).into());
        if let Some(heard) = heard {
            for lane in 0..self.lanes {
                deal(lane, Task::Hear(heard.clone()).into());
            }
        }
    }

    /// The lane that follows this trajectory, where those are too that its entry is held against.
    fn assign(&mut self, read: &Read, deal: &mut dyn FnMut(usize, Work)) -> usize {
        #[cfg(test)]
        self.shuffle(deal);
        if self.memory.turns() {
            self.let_go(deal);
        }
        let id = read.entry.header.trajectory;
        let (above, child) = self.looks_at(read);
        let lane = match self.chains.get(&id) {
            Some(chain) => chain.lane,
            None => self.lane_of_new(&id, above.as_ref()),
        };
        let lane = match above.and_then(|above| self.chains.get(&above)) {
            Some(above) => {
                let to = above.lane;
                self.move_to(id, to, deal);
                to
            }
            None => lane,
        };
        if let Some(child) = child {
            self.move_to(child, lane, deal);
        }
        let begins = matches!(&read.body, Some(BodyState::Known(Body::Root(_))));
        let above = above.filter(|_| begins);
        for wanted in [Some(id), above, child].into_iter().flatten() {
            self.want(&wanted);
        }
        lane
    }

    /// Whose state this entry is held against, beside its own: the trajectory that it hangs from, and a
    /// child that ended. Below the third level none is.
    fn looks_at(&self, read: &Read) -> (Option<TrajectoryId>, Option<TrajectoryId>) {
        let Some(BodyState::Known(body)) = read.body.as_ref().filter(|_| self.level >= Level::V3)
        else {
            return (None, None);
        };
        let header = &read.entry.header;
        let own = self.chains.get(&header.trajectory);
        let above = own.and_then(|chain| chain.above);
        if let Body::Root(root) = body {
            let parent = root.parent.as_ref().map(|link| link.trajectory);
            return (parent.or(above), None);
        }
        let mut child = None;
        if let Body::DelegationResult(end) = body {
            child = Some(end.child);
        }
        let told = matches!(body, Body::Message(said) if said.role == Role::Parent);
        let begins = own.is_some_and(|chain| chain.next_seq == 1);
        let begins = begins || header.seq == 1;
        (above.filter(|_| begins || told), child)
    }

    /// A family stays together; another trajectory goes to the next lane.
    fn lane_of_new(&mut self, id: &TrajectoryId, above: Option<&TrajectoryId>) -> usize {
        let orderer = self.ordered.remove(id);
        let kin = orderer.as_ref().or(above);
        if let Some(kin) = kin.and_then(|kin| self.chains.get(kin)) {
            return kin.lane;
        }
        let next = (self.next_lane + 1) % self.lanes;
        std::mem::replace(&mut self.next_lane, next)
    }

    /// Has another lane follow this trajectory from here on.
    fn move_to(&mut self, id: TrajectoryId, to: usize, deal: &mut dyn FnMut(usize, Work)) {
        let Some(chain) = self.chains.get_mut(&id).filter(|chain| chain.lane != to) else {
            return;
        };
        let from = std::mem::replace(&mut chain.lane, to);
        let (leave, arrive) = sync_channel(1);
        deal(from, Task::Part(id, leave).into());
        deal(to, Task::Join(id, arrive).into());
    }

    /// Moves trajectories about, as none of them needs.
    #[cfg(test)]
    fn shuffle(&mut self, deal: &mut dyn FnMut(usize, Work)) {
        let Some(mut seed) = self.shuffled else {
            return;
        };
        let all: Vec<TrajectoryId> = self.chains.keys().copied().collect();
        for id in all {
            seed = super::tests::next(seed);
            if seed.is_multiple_of(3) {
                let to = usize::try_from(seed >> 8).unwrap_or(0) % self.lanes;
                self.move_to(id, to, deal);
            }
        }
        self.shuffled = Some(seed);
    }

    /// Notes that a state is wanted, and what having it again costs.
    fn want(&mut self, id: &TrajectoryId) {
        if let Some(chain) = self.chains.get_mut(id) {
            chain.wanted = true;
            if std::mem::replace(&mut chain.resting, false) {
                self.memory.anew += chain.next_seq;
            }
        }
    }

    fn let_go(&mut self, deal: &mut dyn FnMut(usize, Work)) {
        for chain in self.chains.values_mut() {
            if !std::mem::replace(&mut chain.wanted, false) {
                chain.resting = true;
            }
        }
        for lane in 0..self.lanes {
            deal(lane, Task::LetGo.into());
        }
    }

    /// What other trajectories may rest on.
    fn hears(&mut self, place: Place, entry: &Entry, body: &BodyState) -> Option<Heard> {
        let BodyState::Known(body) = body else {
            return None;
        };
        if self.level < Level::V3 {
            return None;
        }
        let id = entry.header.trajectory;
        if let Body::Root(root) = body
            && let Some(link) = &root.parent
            && let Some(chain) = self.chains.get_mut(&id)
        {
            chain.above.get_or_insert(link.trajectory);
        }
        if let Body::Delegation(order) = body {
            self.expects(order.child, id);
        }
        let heard = Heard::of(place, entry, body)?;
        self.heard.push(Told {
            trajectory: id,
            seq: entry.header.seq,
            entry: entry.id,
        });
        Some(heard)
    }

    /// A child that may begin, with those who ordered it.
    pub(super) fn expects(&mut self, child: TrajectoryId, by: TrajectoryId) {
        if !self.chains.contains_key(&child) {
            self.ordered.entry(child).or_insert(by);
        }
    }

    /// `[L2]` Positions have no gap; where one is found, counting goes on behind it.
    fn check_index(&mut self, row: &Prepared, place: Place) {
        let expected = self.next_index;
        // An excerpt leaves out what is of others, and runs back nowhere.
        let in_order = self.excerpt.is_some() && row.index > expected;
        if !in_order {
            self.same((place, Step::Row), "log order", &expected, &row.index);
        }
        if expected != row.index {
            self.tree.lose();
        }
        self.next_index = row.index.saturating_add(1);
        for column in &row.disagreements {
            let what = Divergence::new("column", "what the bytes say", column.clone());
            self.found.add((Level::V1, Step::Row), place, what);
        }
    }

    fn check_integrity(&mut self, place: Place, read: &Read) {
        let entry = &read.entry;
        let mut found = |what| self.found.add((Level::V1, Step::Bytes), place, what);
        if let Some(what) = &read.id {
            found(what.clone());
        }
        if read.other_body {
            found(Divergence::new(
                "body",
                "the committed bytes",
                "other bytes",
            ));
        } else if entry.content.is_some() && self.is_withheld(entry) {
            let what = Divergence::new("withheld", "no body, as was said", "one");
            self.found.add((Level::V1, Step::Bytes), place, what);
        }
        if let Some(BodyState::Known(Body::Erased(order))) = &read.body {
            self.hear_erasure(place, entry, order);
        }
        let header = &entry.header;
        let at = (place, Step::Bytes);
        self.same(at, "index in the header", &place.index, &header.index);
        let log = *self.log.get_or_insert(header.log);
        self.same(at, "log", &log, &header.log);
    }

    /// `[L4]` What an entry says to have been kept beside it is there, for as long as the entry says so.
    fn check_contents(&mut self, place: Place, missing: &[Digest]) {
        for digest in missing {
            let expected = format!("blob {}, which was kept", digest.short());
            let what = Divergence::new("content", expected, "none");
            self.found.add((Level::V1, Step::Bytes), place, what);
        }
    }

    /// `[L2]` `seq` and `prev` chain each trajectory. Gives the place of its previous entry.
    fn check_line(&mut self, place: Place, entry: &Entry, lane: usize) -> Option<u64> {
        let header = &entry.header;
        let line = self.chains.entry(header.trajectory).or_insert(Chain {
            next_seq: 0,
            head: None,
            index: None,
            above: None,
            lane,
            wanted: true,
            resting: false,
        });
        let (seq, head, index) = (line.next_seq, line.head, line.index);
        line.next_seq = header.seq.saturating_add(1);
        line.head = Some(entry.id);
        line.index = Some(place.index);
        self.same((place, Step::Bytes), "sequence", &seq, &header.seq);
        if head != header.prev {
            let what = Divergence::new("previous entry", named(head), named(header.prev));
            self.found.add((Level::V1, Step::Bytes), place, what);
        }
        index
    }

    /// What is said of everything up to here. It is of the log and of no line: the run whose entry
    /// comes last need not be the one that was changed.
    fn check_log(&mut self, index: u64, entry: &Entry, kept: Option<&[(Node, TreeHash)]>) {
        let place = Place { index, line: None };
        if let Some(what) = self.tree.push(&entry.id, kept) {
            self.found.add((Level::V1, Step::Log), place, what);
        }
        let size = self.tree.size();
        if size.is_some_and(|size| self.checkpoints.is_due(size))
            && let Some(head) = self.tree.head()
            && let Some(what) = self.checkpoints.reach(entry.header.log, head)
        {
            self.found.add((Level::V1, Step::Log), place, what);
        }
    }

    pub(super) fn is_withheld(&self, entry: &Entry) -> bool {
        let withheld = self.withheld.as_ref();
        withheld.is_some_and(|withheld| withheld(&entry.header))
    }

    /// `[L3]` A body that is not there, withheld or erased.
    fn check_bare(&mut self, place: Place, entry: &Entry) {
        match self.is_withheld(entry) {
            true => self.bodies_withheld += 1,
            false => self.check_gone(place, entry),
        }
        self.gaps = true;
    }

    pub(super) fn same<T: PartialEq + fmt::Display>(
        &mut self,
        (place, step): (Place, Step),
        check: &'static str,
        expected: &T,
        found: &T,
    ) {
        if expected != found {
            let what = Divergence::new(check, expected.to_string(), found.to_string());
            self.found.add((Level::V1, step), place, what);
        }
    }
}

fn named(id: Option<EntryId>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| id.to_string())
}
