//! A point up to which a log was verified whole, and going on from there.
//!
//! A point says where everything stood and nothing of what was said: ids, lengths and one root. Whatever a
//! later check rests on is read from the record again and must have the ids that the point names. What
//! else stands below the point is not looked at. Whether a point is to be believed is for its keeper to
//! know.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thymos_core::body::{Body, BodyState};
use thymos_core::merkle::{self, Frontier, Node, TreeHash};
use thymos_core::writ::TrustRoots;
use thymos_core::{Entry, EntryId, LogId, TrajectoryId};

use super::front::{Chain, Front};
use super::lane::Heard;
use super::lines::{Line, State};
use super::tree::Tree;
use super::{KeptNote, Level, Place, Verifier};
use crate::divergence::Divergence;
use crate::past::{Past, whole};

/// Where everything stood when so many entries had been verified, and nothing was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The log.
    pub log: LogId,
    /// How deep they were verified.
    pub level: Level,
    /// How many they were.
    pub entries: u64,
    /// The root over them.
    pub root: TreeHash,
    /// Bodies were not there.
    gaps: bool,
    lines: Vec<Left>,
    /// What other trajectories may rest on, in log order.
    heard: Vec<Told>,
}

/// A trajectory as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Left {
    trajectory: TrajectoryId,
    length: u64,
    head: EntryId,
    index: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<TrajectoryId>,
    /// Nothing on it was gone.
    sound: bool,
}

/// An entry that later ones may rest on, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    pub(super) trajectory: TrajectoryId,
    pub(super) seq: u64,
    pub(super) entry: EntryId,
}

/// The record that a point is held against, and gone on from.
pub struct Ground<'g> {
    /// Every key that was ever trusted; the same as when the point was made.
    pub roots: TrustRoots,
    /// Where entries can be asked for.
    pub past: Arc<dyn Past>,
    /// Whole subtrees of the tree that is kept of the log.
    pub nodes: &'g dyn Fn(Node) -> Result<TreeHash, String>,
    /// The signed checkpoints.
    pub notes: &'g [KeptNote],
    /// Lanes to go on with.
    pub lanes: usize,
}

impl Verifier {
    /// The point up to here; none where anything was found wrong or is not settled yet, and of an excerpt.
    #[must_use]
    pub fn point(&self) -> Option<Point> {
        let front = &self.front;
        let announced = |(id, place): (&EntryId, &Place)| {
            let told = place.line.and_then(|line| front.announced.get(&line));
            told == Some(id)
        };
        let settled = front.excerpt.is_none()
            && front.withheld.is_none()
            && self.first_finding().is_none()
            && self.short_of().is_none()
            && front.bare.iter().all(announced);
        let (entries, root) = front.tree.head().filter(|_| settled)?;
        let states: BTreeMap<_, _> = self.lanes.iter().flat_map(|lane| &lane.lines).collect();
        let left = |(id, chain): (&TrajectoryId, &Chain)| {
            Some(Left {
                trajectory: *id,
                length: chain.next_seq,
                head: chain.head?,
                index: chain.index?,
                above: chain.above,
                sound: states.get(id).is_none_or(|line| line.is_sound()),
            })
        };
        Some(Point {
            log: front.log?,
            level: front.level,
            entries,
            root,
            gaps: front.gaps,
            lines: front.chains.iter().filter_map(left).collect(),
            heard: front.heard.clone(),
        })
    }

    /// Entries that were verified before this one began.
    #[must_use]
    pub fn before(&self) -> u64 {
        self.front.before
    }

    /// A verifier that goes on from a point, of its level and with its checkpoints. It reads again what
    /// later checks rest on, and nothing else of what is below.
    ///
    /// # Errors
    /// [`Divergence`] when the record is not the one that the point was made of, as far as that is looked
    /// at: the root of its tree, its newest entry then, what crosses trajectories, and every checkpoint.
    pub fn go_on(point: &Point, ground: Ground<'_>) -> Result<Self, Divergence> {
        let Ground {
            roots,
            past,
            nodes,
            notes,
            lanes,
        } = ground;
        let tree = Frontier::read(point.entries, nodes).map_err(unread)?;
        same("root", &point.root, &tree.root())?;
        let mut verifier = Self::new(point.level, roots.clone())
            .with_lanes(lanes)
            .with_past(past.clone())
            .with_checkpoints(notes, &roots);
        verifier.front.begin_at(point, tree);
        for (nth, left) in point.lines.iter().enumerate() {
            verifier.leave(nth, left);
        }
        let newest = point.lines.iter().max_by_key(|left| left.index);
        let newest = newest.map(|left| Told {
            trajectory: left.trajectory,
            seq: left.length.saturating_sub(1),
            entry: left.head,
        });
        let newest = newest.ok_or_else(|| Divergence::new("newest entry", "one", "none"))?;
        let entry = found(&newest, past.as_ref())?;
        same(
            "index",
            &point.entries,
            &entry.header.index.saturating_add(1),
        )?;
        same("log", &point.log, &entry.header.log)?;
        for told in &point.heard {
            verifier.hear_again(told, past.as_ref())?;
        }
        verifier.front.agree(point, nodes)?;
        Ok(verifier)
    }

    /// Takes up a trajectory where it was left.
    fn leave(&mut self, nth: usize, left: &Left) {
        let lane = nth % self.lanes.len().max(1);
        let id = left.trajectory;
        let chain = Chain::left((left.length, left.head), (left.index, left.above), lane);
        self.front.chains.insert(id, chain);
        if self.front.level >= Level::V2
            && let Some(lane) = self.lanes.get_mut(lane)
        {
            let line = Line::left((left.length, left.head), left.sound);
            lane.lines.insert(id, line);
        }
    }

    fn hear_again(&mut self, told: &Told, past: &dyn Past) -> Result<(), Divergence> {
        let entry = found(told, past)?;
        let BodyState::Known(body) = entry.decode() else {
            return Err(Divergence::new("read again", "a body", "none"));
        };
        let place = Place {
            index: entry.header.index,
            line: Some((told.trajectory, told.seq)),
        };
        let Some(heard) = Heard::of(place, &entry, &body) else {
            let found = entry.header.kind;
            return Err(Divergence::new("read again", "what others rest on", found));
        };
        if let Body::Delegation(order) = &body {
            self.front.expects(order.child, told.trajectory);
        }
        for lane in &mut self.lanes {
            lane.hear(heard.clone());
        }
        self.front.heard.push(*told);
        Ok(())
    }
}

impl Front {
    fn begin_at(&mut self, point: &Point, tree: Frontier) {
        self.log = Some(point.log);
        self.next_index = point.entries;
        self.entries = point.entries;
        self.before = point.entries;
        self.gaps = point.gaps;
        self.tree = Tree::grown(tree);
    }

    /// `[L7]` Every checkpoint of what is below the point is the beginning of what stood there.
    fn agree(
        &mut self,
        point: &Point,
        nodes: &dyn Fn(Node) -> Result<TreeHash, String>,
    ) -> Result<(), Divergence> {
        let new = (point.entries, point.root);
        for size in self.checkpoints.up_to(point.entries) {
            let root = merkle::root(size, nodes).map_err(unread)?;
            let proof = merkle::consistency(size, point.entries, nodes).map_err(unread)?;
            if !merkle::extends((size, root), new, &proof.unwrap_or_default()) {
                let expected = format!("the beginning of {} entries", point.entries);
                return Err(Divergence::new("tree", expected, "another tree"));
            }
            if let Some(what) = self.checkpoints.reach(point.log, (size, root)) {
                return Err(what);
            }
        }
        Ok(())
    }
}

impl Line {
    /// One that an earlier check left there.
    fn left((next_seq, head): (u64, EntryId), sound: bool) -> Self {
        Self {
            next_seq,
            head: Some(head),
            said: None,
            mute: false,
            state: match sound {
                true => State::Resting,
                // Until it is wanted: then it is found out how much of it can be followed.
                false => State::Lost,
            },
            left: true,
            wanted: false,
        }
    }

    fn is_sound(&self) -> bool {
        match &self.state {
            State::Sound(_) | State::Resting => true,
            State::Gapped(_) | State::Lost | State::Broken => false,
        }
    }
}

/// The entry of that place, if it is what its id says.
fn found(told: &Told, past: &dyn Past) -> Result<Entry, Divergence> {
    let page = past.page(&told.trajectory, told.seq, 1).map_err(unread)?;
    let Some(entry) = page.into_iter().next() else {
        let line = told.trajectory.short();
        let expected = format!("entry {} of {line}", told.seq);
        return Err(Divergence::new("read again", expected, "none"));
    };
    whole(&entry)?;
    same("read again", &told.entry, &entry.id)?;
    Ok(entry)
}

fn same<T: PartialEq + std::fmt::Display>(
    check: &'static str,
    expected: &T,
    found: &T,
) -> Result<(), Divergence> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(Divergence::new(check, expected, found))
}

fn unread(why: String) -> Divergence {
    Divergence::new("read again", "what stood there", why)
}
