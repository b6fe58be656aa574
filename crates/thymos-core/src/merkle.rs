//! The Merkle tree over entry ids: RFC 6962 with SHA-256, its roots and its proofs `[L6]` `[L8]`.
//!
//! Arithmetic on hashes only. It keeps no tree: whoever does hands in a way to read whole subtrees, and
//! a checker needs nothing but the proof.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::text;

/// Hashes of a proof at most: the levels of a tree of 2^63 leaves, twice. A longer one is refused.
pub const PROOF_HASHES_MAX: usize = 128;

/// The smallest subtrees that a store keeps, by level: sixteen leaves. Smaller ones are computed.
pub const KEPT_LEVEL_MIN: u32 = 4;

/// A hash of the tree, written in base64 as C2SP texts have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeHash([u8; 32]);

/// A whole subtree: the `1 << level` leaves that stand before leaf `end`.
///
/// In the order of `(end, level)` subtrees are completed, so a store that keeps them under that key
/// only ever adds at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// The number of leaves up to and with its last one.
    pub end: u64,
    /// 0 is a leaf.
    pub level: u32,
}

/// A tree that grows: its size, and the roots of the whole subtrees it falls into, largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    edge: Vec<TreeHash>,
}

/// Text that is not the base64 of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTreeHash;

/// The hash of a leaf. The leaf of an entry is the 32 bytes of its id.
#[must_use]
pub fn leaf(record: &[u8]) -> TreeHash {
    TreeHash(
        Sha256::new()
            .chain_update([0])
            .chain_update(record)
            .finalize()
            .into(),
    )
}

/// The hash of the subtree of two others.
#[must_use]
pub fn join(left: &TreeHash, right: &TreeHash) -> TreeHash {
    let mut both = [1; 65];
    for (slot, byte) in both.iter_mut().skip(1).zip(left.0.iter().chain(&right.0)) {
        *slot = *byte;
    }
    TreeHash(Sha256::digest(both).into())
}

impl TreeHash {
    /// A hash that was computed before and stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The root of a tree without leaves: the hash of nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }
}

impl Frontier {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of the first `size` leaves, from whole subtrees that somebody kept: one for each bit
    /// that is set in `size`.
    ///
    /// # Errors
    /// What `read` fails with.
    pub fn read<E>(
        size: u64,
        mut read: impl FnMut(Node) -> Result<TreeHash, E>,
    ) -> Result<Self, E> {
        let mut edge = Vec::new();
        let mut end = 0_u64;
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            end += 1 << level;
            edge.push(read(Node { end, level })?);
        }
        Ok(Self { size, edge })
    }

    /// Its leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; tells every subtree that is whole with it, the leaf first.
    pub fn push(&mut self, leaf: TreeHash, mut whole: impl FnMut(Node, TreeHash)) {
        let mut hash = leaf;
        let end = self.size.saturating_add(1);
        whole(Node { end, level: 0 }, hash);
        for level in 1..=end.trailing_zeros() {
            let Some(left) = self.edge.pop() else { break };
            hash = join(&left, &hash);
            whole(Node { end, level }, hash);
        }
        self.edge.push(hash);
        self.size = end;
    }

    /// The root: the Merkle tree hash of all its leaves.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        let fold = |right: TreeHash, left: &TreeHash| join(left, &right);
        let mut small_first = self.edge.iter().rev();
        match small_first.next() {
            Some(last) => small_first.fold(*last, fold),
            None => TreeHash::empty(),
        }
    }
}

/// The root over the first `size` leaves; reads as many subtrees as bits are set in `size`.
///
/// # Errors
/// What `read` fails with.
pub fn root<E>(size: u64, read: impl FnMut(Node) -> Result<TreeHash, E>) -> Result<TreeHash, E> {
    Frontier::read(size, read).map(|tree| tree.root())
}

/// The proof that leaf `index` stands in the tree of `size` leaves, from the leaf's sibling up; none
/// where `index` is outside. Reads at most two subtrees a level.
///
/// # Errors
/// What `read` fails with.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    mut read: impl FnMut(Node) -> Result<TreeHash, E>,
) -> Result<Option<Vec<TreeHash>>, E> {
    if index >= size {
        return Ok(None);
    }
    let mut proof = Vec::new();
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            proof.push(range(middle, end, &mut read)?);
            end = middle;
        } else {
            proof.push(range(begin, middle, &mut read)?);
            begin = middle;
        }
    }
    proof.reverse();
    Ok(Some(proof))
}

/// The proof that the tree of `old` leaves is the beginning of that of `new`; none where `old` is
/// larger. For an empty tree, and between equals, there is nothing to prove and it is empty.
///
/// # Errors
/// What `read` fails with.
pub fn consistency<E>(
    old: u64,
    new: u64,
    mut read: impl FnMut(Node) -> Result<TreeHash, E>,
) -> Result<Option<Vec<TreeHash>>, E> {
    if old > new {
        return Ok(None);
    }
    if old == 0 || old == new {
        return Ok(Some(Vec::new()));
    }
    let mut proof = Vec::new();
    let (mut begin, mut end) = (0, new);
    while old != end {
        let middle = begin + split(end - begin);
        if old <= middle {
            proof.push(range(middle, end, &mut read)?);
            end = middle;
        } else {
            proof.push(range(begin, middle, &mut read)?);
            begin = middle;
        }
    }
    // Whoever checks knows the old tree's root, and needs this subtree only where it is another.
    if begin != 0 {
        proof.push(range(begin, end, &mut read)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// Whether `proof` shows that `leaf` is leaf `index` of the tree of `size` leaves under `root`.
#[must_use]
pub fn includes(
    (index, leaf): (u64, TreeHash),
    (size, root): (u64, TreeHash),
    proof: &[TreeHash],
) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = join(sibling, &hash);
            // A right edge that stands alone is passed up as it is.
            let alone = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at >>= alone;
            last >>= alone;
        } else {
            hash = join(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Whether `proof` shows that the `old` tree is the beginning of the `new` one. Each is a size and a
/// root. Of an empty old tree nothing can be shown.
#[must_use]
pub fn extends(
    (old, old_root): (u64, TreeHash),
    (new, new_root): (u64, TreeHash),
    proof: &[TreeHash],
) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    // An old tree that is one whole subtree begins with its own root.
    let (mut at, mut last) = (old - 1, new - 1);
    let whole = at.trailing_ones();
    at >>= whole;
    last >>= whole;
    let mut rest = proof.iter();
    let start = if old.is_power_of_two() {
        Some(&old_root)
    } else {
        rest.next()
    };
    let Some(start) = start else { return false };
    let (mut older, mut newer) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            older = join(sibling, &older);
            newer = join(sibling, &newer);
            let alone = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at >>= alone;
            last >>= alone;
        } else {
            newer = join(&newer, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && older == old_root && newer == new_root
}

/// The root of leaves `begin..end`, which the tree's shape cuts into whole subtrees.
fn range<E>(
    begin: u64,
    end: u64,
    read: &mut impl FnMut(Node) -> Result<TreeHash, E>,
) -> Result<TreeHash, E> {
    let leaves = end - begin;
    if leaves.is_power_of_two() {
        let level = leaves.trailing_zeros();
        return read(Node { end, level });
    }
    let middle = begin + split(leaves);
    let left = range(begin, middle, read)?;
    let right = range(middle, end, read)?;
    Ok(join(&left, &right))
}

/// The largest power of two below `leaves`, of which there are at least two.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

impl fmt::Display for InvalidTreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected the base64 of 32 bytes")
    }
}

impl std::error::Error for InvalidTreeHash {}

impl FromStr for TreeHash {
    type Err = InvalidTreeHash;

    fn from_str(text: &str) -> Result<Self, InvalidTreeHash> {
        let bytes = STANDARD.decode(text).map_err(|_| InvalidTreeHash)?;
        bytes.try_into().map(Self).map_err(|_| InvalidTreeHash)
    }
}

impl Serialize for TreeHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TreeHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parsed(deserializer)
    }
}

#[cfg(test)]
mod tests;
