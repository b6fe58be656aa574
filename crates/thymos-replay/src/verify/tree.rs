//! `[L6]` The Merkle tree, computed again from the entries and held against what a store keeps of it.

use thymos_core::EntryId;
use thymos_core::merkle::{self, Frontier, KEPT_LEVEL_MIN, Node, TreeHash};

use crate::divergence::Divergence;

/// The tree as far as it was read.
#[derive(Clone)]
pub(super) struct Tree {
    // None behind an entry that is missing or not whole: what follows hangs on its hash.
    grown: Option<Frontier>,
    // Behind the last subtree that was told; those around it differ for the same reason.
    told: u64,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self {
            grown: Some(Frontier::new()),
            told: 0,
        }
    }

    /// One that was read up to here.
    pub(super) fn grown(tree: Frontier) -> Self {
        Self {
            told: tree.size(),
            grown: Some(tree),
        }
    }

    /// An entry is missing here, or its bytes cannot be read.
    pub(super) fn lose(&mut self) {
        self.grown = None;
    }

    /// The next entry, and what the store keeps as ending with it, if it keeps a tree.
    pub(super) fn push(
        &mut self,
        id: &EntryId,
        kept: Option<&[(Node, TreeHash)]>,
    ) -> Option<Divergence> {
        let grown = self.grown.as_mut()?;
        let mut due = Vec::new();
        grown.push(merkle::leaf(id.as_bytes()), |node, hash| {
            if node.level >= KEPT_LEVEL_MIN {
                due.push((node, hash));
            }
        });
        let kept = kept?;
        let (node, expected, found) = differing(&due, kept)?;
        let first = node.end.saturating_sub(1_u64.checked_shl(node.level)?);
        let last = node.end.saturating_sub(1);
        let around = first < self.told;
        self.told = node.end;
        let named = |hash: Option<TreeHash>| {
            hash.map_or_else(|| "none".to_owned(), |hash| hash.to_string())
        };
        let over = format!("{} over entries {first} to {last}", named(expected));
        (!around).then(|| Divergence::new("tree", over, named(found)))
    }

    /// Its size, while every entry up to here could be read.
    pub(super) fn size(&self) -> Option<u64> {
        self.grown.as_ref().map(Frontier::size)
    }

    /// Size and root, while every entry up to here could be read.
    pub(super) fn head(&self) -> Option<(u64, TreeHash)> {
        self.grown.as_ref().map(|tree| (tree.size(), tree.root()))
    }
}

/// The first subtree that is not kept as it is, or is kept and is none.
fn differing(
    due: &[(Node, TreeHash)],
    kept: &[(Node, TreeHash)],
) -> Option<(Node, Option<TreeHash>, Option<TreeHash>)> {
    let of = |list: &[(Node, TreeHash)], wanted: &Node| {
        let found = list.iter().find(|(node, _)| node == wanted);
        found.map(|(_, hash)| *hash)
    };
    let all = due.iter().chain(kept).map(|(node, _)| node);
    all.map(|node| (*node, of(due, node), of(kept, node)))
        .find(|(_, expected, found)| expected != found)
}
