//! What of the map is shown and which node is chosen, over strips that are cut anew when it grows.

use thymos_core::TrajectoryId;

use crate::mind::{Mind, Node, NodeKind};
use crate::ui::vlist::VirtualList;

use super::cell::matches;
use super::show::Show;
use super::strip::{Cut, Strip, key};

/// The chosen node, by what it keeps when older ones are put before it.
type Chosen = (u64, NodeKind);

/// In place of a node, where a strip has none: all of its turn is folded, and nothing was said in it.
const NO_NODE: usize = usize::MAX;

/// A run that another one was opened from, on the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Above {
    /// Which.
    pub run: TrajectoryId,
    /// The one that was opened.
    pub child: TrajectoryId,
    chosen: Option<Chosen>,
}

/// The map of a run.
#[derive(Clone, Debug)]
pub struct MindPane {
    /// Runs from which others were opened, one from the other; the newest last.
    pub above: Vec<Above>,
    pub(super) cut: Cut,
    pub(super) list: VirtualList,
    pub(super) version: u64,
    strips: Vec<Strip>,
    trajectory: Option<TrajectoryId>,
    // What came before was put in front since the strips were cut.
    older: bool,
    // Laid out since then: what is in view is known.
    pub(super) is_laid_out: bool,
    // Nodes when the strips were cut, and the version they were cut at.
    cut_at: (usize, u64),
    // None follows the newest.
    chosen: Option<Chosen>,
    // What to choose in the run that is gone back to.
    returns_to: Option<Chosen>,
    // Its strip and its node.
    place: Option<(usize, usize)>,
    search: Option<String>,
    hits: Vec<(usize, usize)>,
}

impl Default for MindPane {
    fn default() -> Self {
        Self {
            above: Vec::new(),
            cut: Cut::default(),
            list: VirtualList::following(),
            version: 1,
            strips: Vec::new(),
            trajectory: None,
            older: false,
            is_laid_out: false,
            cut_at: (0, 0),
            chosen: None,
            returns_to: None,
            place: None,
            search: None,
            hits: Vec::new(),
        }
    }
}

impl MindPane {
    /// Hears which run is open, how much of it is known and whether the screen is wide; cuts the map anew
    /// where that has changed.
    pub fn sync(&mut self, mind: &Mind, trajectory: Option<TrajectoryId>, wide: bool) {
        if self.trajectory != trajectory {
            *self = Self {
                trajectory,
                above: std::mem::take(&mut self.above),
                chosen: self.returns_to.take(),
                version: self.version + 1,
                ..Self::default()
            };
        }
        if self.cut.wide != wide {
            self.cut.wide = wide;
            self.version += 1;
        }
        let now = (mind.nodes().len(), self.version);
        if self.cut_at == now {
            return;
        }
        self.cut_at = now;
        let before = self.strips.len();
        self.strips = self.cut.strips(mind);
        if std::mem::take(&mut self.older) {
            let count = self.strips.len().saturating_sub(before);
            self.list.prepended(count);
            self.is_laid_out = false;
        }
        self.find_hits(mind);
        self.find_chosen(mind);
    }

    /// Goes into a run that was begun by this one.
    pub fn go_in(&mut self, run: TrajectoryId, child: TrajectoryId) {
        let chosen = self.chosen;
        self.above.push(Above { run, child, chosen });
    }

    /// Goes back to the run that the open one was opened from, if it was; gives which.
    pub fn go_out(&mut self, open: Option<TrajectoryId>) -> Option<TrajectoryId> {
        let above = self.above.pop()?;
        if open == Some(above.child) {
            self.returns_to = above.chosen;
            return Some(above.run);
        }
        // Another run was opened meanwhile: there is no way back from it.
        self.above.clear();
        None
    }

    /// Tells that what came before was put in front: places are others now.
    pub fn arrived_older(&mut self) {
        self.older = true;
        self.version += 1;
    }

    /// Whether the first strip is in view, so that what came before it is wanted.
    #[must_use]
    pub fn wants_older(&self) -> bool {
        self.is_laid_out && self.list.extent().above == 0
    }

    /// Strips of the map.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strips.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strips.is_empty()
    }

    pub(super) fn strip(&self, at: usize) -> Option<Strip> {
        self.strips.get(at).copied()
    }

    /// The chosen node.
    #[must_use]
    pub fn node<'a>(&self, mind: &'a Mind) -> Option<&'a Node> {
        mind.nodes().get(self.place?.1)
    }

    /// The strip of the chosen node.
    #[must_use]
    pub fn chosen_strip(&self) -> Option<usize> {
        self.place.map(|(strip, _)| strip)
    }

    pub(super) fn chosen_in(&self, strip: usize) -> Option<usize> {
        self.place
            .filter(|(at, _)| *at == strip)
            .map(|(_, node)| node)
    }

    /// Whether the newest is followed.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.chosen.is_none()
    }

    /// Goes to the newest and stays there.
    pub fn follow(&mut self, mind: &Mind) {
        self.chosen = None;
        self.list.go_to_end();
        self.find_chosen(mind);
    }

    /// Goes so many strips down, to the same stage or one near it.
    pub fn step(&mut self, mind: &Mind, by: i64) {
        let here = self.chosen_strip().unwrap_or(0) as u64;
        let last = self.strips.len().saturating_sub(1);
        let to = usize::try_from(here.saturating_add_signed(by)).unwrap_or(usize::MAX);
        self.go(mind, to.min(last));
    }

    /// Goes to the node at the left, or at the right.
    pub fn turn(&mut self, mind: &Mind, right: bool) {
        let Some((strip, node)) = self.place else {
            return;
        };
        let cells = self.ids(mind, strip);
        let Some(at) = cells.iter().position(|id| *id == node) else {
            return;
        };
        let to = match right {
            true => cells.get(at + 1),
            false => at.checked_sub(1).and_then(|at| cells.get(at)),
        };
        if let Some(to) = to {
            self.choose(mind, strip, *to);
        }
    }

    /// Goes to the next turn, or to the beginning of this one and then to the one before.
    pub fn turn_lane(&mut self, mind: &Mind, next: bool) {
        let Some(here) = self.chosen_strip() else {
            return;
        };
        let firsts = self
            .strips
            .iter()
            .enumerate()
            .filter(|(_, strip)| strip.first);
        let mut places = firsts.map(|(at, _)| at);
        let to = match next {
            true => places.find(|at| *at > here),
            false => places.rfind(|at| *at < here),
        };
        if let Some(to) = to {
            self.go(mind, to);
        }
    }

    /// Folds the turn of the chosen node, or unfolds it.
    pub fn fold(&mut self, mind: &Mind) {
        let strip = self.chosen_strip().and_then(|at| self.strip(at));
        let Some(strip) = strip else { return };
        let folded = self.cut.is_folded(mind, strip.lane);
        let calls = mind
            .lanes()
            .get(strip.lane)
            .map_or(0, |lane| lane.rows.len());
        if let Some(key) = key(mind, strip.lane).filter(|_| calls > 0) {
            self.cut.folds.insert(key, !folded);
            self.version += 1;
            self.recut(mind);
            let at = self.strips.iter().position(|one| one.lane == strip.lane);
            if let Some(at) = at {
                self.go(mind, at);
            }
        }
    }

    /// What is shown.
    #[must_use]
    pub fn show(&self) -> &Show {
        &self.cut.show
    }

    /// Shows something else.
    pub fn set_show(&mut self, mind: &Mind, show: Show) {
        self.cut.show = show;
        self.version += 1;
        self.recut(mind);
    }

    /// Looks for a text; the empty one ends that. Goes to the first place behind the chosen node.
    pub fn look_for(&mut self, mind: &Mind, text: &str) {
        self.search = (!text.is_empty()).then(|| text.to_lowercase());
        self.cut.searching = self.search.is_some();
        if self.cut.searching {
            // It is looked for in all of the map.
            self.cut.folds.retain(|_, folded| !*folded);
        }
        self.version += 1;
        self.recut(mind);
        let here = self.place;
        if self.search.is_some() && !here.is_some_and(|place| self.hits.contains(&place)) {
            self.next_hit(mind, true);
        }
    }

    /// What is looked for, and in how many nodes it stands.
    #[must_use]
    pub fn search(&self) -> Option<(&str, usize)> {
        Some((self.search.as_deref()?, self.hits.len()))
    }

    /// Goes to the next node in which the text stands, or the one before; round at the ends.
    pub fn next_hit(&mut self, mind: &Mind, forward: bool) -> bool {
        let here = self.place.unwrap_or_default();
        let to = match forward {
            true => self
                .hits
                .iter()
                .find(|hit| **hit > here)
                .or_else(|| self.hits.first()),
            false => self
                .hits
                .iter()
                .rfind(|hit| **hit < here)
                .or_else(|| self.hits.last()),
        };
        let Some((strip, node)) = to.copied() else {
            return false;
        };
        self.choose(mind, strip, node);
        true
    }

    /// Whether a node goes into the background, because something else is looked for.
    pub(super) fn is_passed_over(&self, node: &Node) -> bool {
        let searched = self.search.as_deref();
        searched.is_some_and(|text| !matches(node, text))
    }

    /// Strips of half a view.
    #[must_use]
    pub fn half(&self) -> i64 {
        let half = i64::try_from(self.list.extent().shown / 2);
        half.unwrap_or(1).max(1)
    }

    /// Strips that were rendered by the last layout.
    #[must_use]
    pub fn laid_out(&self) -> usize {
        self.list.laid_out()
    }

    fn recut(&mut self, mind: &Mind) {
        let (trajectory, wide) = (self.trajectory, self.cut.wide);
        self.sync(mind, trajectory, wide);
    }

    fn ids(&self, mind: &Mind, strip: usize) -> Vec<usize> {
        let strip = self.strip(strip);
        let cells = strip.map(|strip| self.cut.cells(mind, strip));
        cells.into_iter().flatten().map(|node| node.id).collect()
    }

    /// Chooses the node of a strip that stands at the same stage as the one before, or nearest to its left.
    fn go(&mut self, mind: &Mind, strip: usize) {
        let stage = self.node(mind).map(|node| node.kind.stage());
        let cells = self.ids(mind, strip);
        let at = |id: &&usize| mind.nodes().get(**id).map(|node| node.kind.stage());
        let same = cells.iter().rfind(|id| at(id) <= stage);
        if let Some(node) = same.or_else(|| cells.first()) {
            self.choose(mind, strip, *node);
        } else if self.strip(strip).is_some() {
            // A folded turn of which nothing is said has no node.
            self.place = Some((strip, NO_NODE));
            self.list.reveal(strip);
        }
    }

    fn choose(&mut self, mind: &Mind, strip: usize, node: usize) {
        self.place = Some((strip, node));
        self.chosen = mind.nodes().get(node).map(|node| (node.seq, node.kind));
        self.list.reveal(strip);
    }

    /// Finds the chosen node among the strips as they are now.
    fn find_chosen(&mut self, mind: &Mind) {
        let last = self.strips.len().checked_sub(1);
        let Some(chosen) = self.chosen else {
            self.place = self.newest(mind);
            return;
        };
        let found = (0..self.strips.len()).find_map(|strip| {
            let ids = self.ids(mind, strip);
            let is = |id: &usize| {
                let node = mind.nodes().get(*id);
                node.is_some_and(|node| (node.seq, node.kind) == chosen)
            };
            Some((strip, ids.into_iter().find(is)?))
        });
        match (found, self.place) {
            (Some((strip, _)), before) => {
                self.place = found;
                if before.map(|(before, _)| before) != Some(strip) {
                    self.list.reveal(strip);
                }
            }
            // It is hidden now: what stands near it is chosen instead.
            (None, Some((strip, _))) => {
                self.place = None;
                self.go(mind, strip.min(last.unwrap_or(0)));
            }
            (None, None) => self.place = self.newest(mind),
        }
    }

    /// The node that came last, of those that are shown of the last turn.
    fn newest(&self, mind: &Mind) -> Option<(usize, usize)> {
        let lane = self.strips.last()?.lane;
        let strips = self.strips.iter().enumerate().rev();
        let own = strips.take_while(|(_, strip)| strip.lane == lane);
        let nodes = own.flat_map(|(at, strip)| {
            let cells = self.cut.cells(mind, *strip);
            cells.into_iter().map(move |node| (node.id, at))
        });
        let newest = nodes.max().map(|(node, at)| (at, node));
        newest.or_else(|| Some((self.strips.len() - 1, NO_NODE)))
    }

    fn find_hits(&mut self, mind: &Mind) {
        self.hits.clear();
        let Some(text) = &self.search else { return };
        for (at, strip) in self.strips.iter().enumerate() {
            let cells = self.cut.cells(mind, *strip);
            let found = cells.into_iter().filter(|node| matches(node, text));
            self.hits.extend(found.map(|node| (at, node.id)));
        }
    }
}
