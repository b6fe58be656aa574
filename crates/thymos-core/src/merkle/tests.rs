//! The tree against RFC 6962 read word by word, against another implementation, and public vectors.
#![expect(
    clippy::disallowed_methods,
    reason = "public vectors stand in files; the crate itself reads none"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::path::Path;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// The recursion of RFC 6962, section 2.1, as it stands there.
mod naive {
    use super::*;

    pub(super) fn head(leaves: &[TreeHash]) -> TreeHash {
        match leaves {
            [] => TreeHash::empty(),
            [one] => *one,
            more => {
                let k = below(more.len());
                join(&head(&more[..k]), &head(&more[k..]))
            }
        }
    }

    pub(super) fn path(m: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = below(leaves.len());
        let (left, right) = leaves.split_at(k);
        if m < k {
            [path(m, left), vec![head(right)]].concat()
        } else {
            [path(m - k, right), vec![head(left)]].concat()
        }
    }

    pub(super) fn subproof(m: usize, leaves: &[TreeHash], whole: bool) -> Vec<TreeHash> {
        if m == leaves.len() {
            return if whole {
                Vec::new()
            } else {
                vec![head(leaves)]
            };
        }
        let k = below(leaves.len());
        let (left, right) = leaves.split_at(k);
        if m <= k {
            [subproof(m, left, whole), vec![head(right)]].concat()
        } else {
            [subproof(m - k, right, false), vec![head(left)]].concat()
        }
    }

    fn below(n: usize) -> usize {
        (0..).map(|p| 1 << p).take_while(|k| *k < n).last().unwrap()
    }
}

fn record(number: usize) -> [u8; 32] {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    bytes
}

fn leaves(size: usize) -> Vec<TreeHash> {
    (0..size).map(|number| leaf(&record(number))).collect()
}

/// A frontier with every whole subtree that it told on its way.
fn grown(size: usize) -> (Frontier, BTreeMap<Node, TreeHash>) {
    let mut tree = Frontier::new();
    let mut kept = BTreeMap::new();
    for leaf in leaves(size) {
        tree.push(leaf, |node, hash| {
            assert!(kept.insert(node, hash).is_none());
        });
    }
    (tree, kept)
}

fn read(kept: &BTreeMap<Node, TreeHash>) -> impl FnMut(Node) -> Result<TreeHash, Infallible> {
    |node| Ok(kept[&node])
}

#[test]
fn l6_roots_and_proofs_of_all_small_trees_are_those_of_the_rfc() {
    const SIZE: usize = 66;
    let (_, kept) = grown(SIZE);
    let leaves = leaves(SIZE);
    let heads: Vec<TreeHash> = (0..=SIZE).map(|n| naive::head(&leaves[..n])).collect();
    for size in 0..=SIZE {
        let now = (size as u64, heads[size]);
        assert_eq!(root(now.0, read(&kept)), Ok(now.1));
        assert_eq!(grown(size).0.root(), now.1);
        for index in 0..size {
            let Ok(proof) = inclusion(index as u64, now.0, read(&kept));
            let proof = proof.unwrap();
            assert_eq!(proof, naive::path(index, &leaves[..size]));
            assert!(includes((index as u64, leaves[index]), now, &proof));
        }
        for (old, then) in heads.iter().enumerate().take(size + 1) {
            let Ok(proof) = consistency(old as u64, now.0, read(&kept));
            let proof = proof.unwrap();
            if old > 0 {
                assert_eq!(proof, naive::subproof(old, &leaves[..size], true));
                assert!(extends((old as u64, *then), now, &proof));
            }
        }
    }
    assert_eq!(inclusion(3, 3, read(&kept)), Ok(None));
    assert_eq!(consistency(4, 3, read(&kept)), Ok(None));
}

#[test]
fn l6_a_frontier_that_is_read_back_goes_on_as_the_one_that_grew() {
    let (whole, kept) = grown(300);
    for size in 0..300 {
        let Ok(mut tree) = Frontier::read(size as u64, read(&kept));
        assert_eq!(tree, grown(size).0);
        for number in size..300 {
            tree.push(leaf(&record(number)), |_, _| {});
        }
        assert_eq!(tree, whole);
    }
}

#[test]
fn l6_a_proof_reads_a_logarithm_of_the_tree() {
    let size = 1_000_003;
    for index in [0, 1, size / 2, size - 2, size - 1] {
        let mut reads = 0;
        let mut count = |_| {
            reads += 1;
            Ok::<_, Infallible>(TreeHash::empty())
        };
        inclusion(index, size, &mut count).unwrap();
        consistency(index + 1, size, &mut count).unwrap();
        assert!(reads <= 4 * 20, "{reads} subtrees for leaf {index}");
    }
}

proptest! {
    #[test]
    fn l6_a_second_implementation_agrees(size in 1_usize..400, a: prop::sample::Index, b: prop::sample::Index) {
        let (tree, kept) = grown(size);
        let mut theirs = MemoryBackedTree::<Sha256, [u8; 32]>::new();
        for number in 0..size {
            theirs.push(record(number));
        }
        prop_assert_eq!(tree.root().0.to_vec(), theirs.root().as_bytes().to_vec());
        let index = a.index(size);
        let Ok(proof) = inclusion(index as u64, size as u64, read(&kept));
        prop_assert_eq!(joined(&proof.unwrap()), theirs.prove_inclusion(index).as_bytes().to_vec());
        let old = 1 + b.index(size);
        let Ok(proof) = consistency(old as u64, size as u64, read(&kept));
        let proof = proof.unwrap();
        prop_assert_eq!(joined(&proof), theirs.prove_consistency(size - old).as_bytes().to_vec());
        let Ok(before) = root(old as u64, read(&kept));
        let (now, then) = (their_root(&tree.root(), size), their_root(&before, old));
        let bytes = joined(&proof);
        let proof = ConsistencyProof::<Sha256>::try_from_bytes(bytes).unwrap();
        prop_assert!(now.verify_consistency(&then, &proof).is_ok());
    }

    #[test]
    fn l8_a_changed_proof_shows_nothing(
        size in 2_u64..200, a: prop::sample::Index, bit in 0_usize..256, at: prop::sample::Index,
    ) {
        let (tree, kept) = grown(size as usize);
        let (index, head) = (a.index(size as usize) as u64, (size, tree.root()));
        let own = (index, kept[&Node { end: index + 1, level: 0 }]);
        let Ok(proof) = inclusion(index, size, read(&kept));
        let proof = proof.unwrap();
        let mut flipped = proof.clone();
        flipped[at.index(proof.len())].0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!includes(own, head, &flipped));
        prop_assert!(!includes(own, head, &proof[1..]));
        prop_assert!(!includes(own, head, &[proof.clone(), vec![own.1]].concat()));
        prop_assert!(!includes((index + 1, own.1), head, &proof));
        prop_assert!(!includes((index, head.1), head, &proof));
        prop_assert!(!includes((index, head.1), head, &[]));
        let Ok(grows) = consistency(index + 1, size, read(&kept));
        let grows = grows.unwrap();
        let Ok(then) = root(index + 1, read(&kept));
        if !grows.is_empty() {
            let mut flipped = grows.clone();
            flipped[at.index(grows.len())].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!extends((index + 1, then), head, &flipped));
            prop_assert!(!extends((index + 1, then), head, &grows[1..]));
            prop_assert!(!extends((index + 1, head.1), head, &grows));
        }
        prop_assert!(!extends((index + 1, then), head, &[grows, vec![own.1]].concat()));
    }

    #[test]
    fn l8_no_proof_makes_the_checker_panic(
        a: u64, b: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let proof: Vec<TreeHash> = hashes.into_iter().map(TreeHash).collect();
        let some = TreeHash::empty();
        prop_assert!(!includes((a, some), (b, TreeHash([9; 32])), &proof));
        prop_assert!(a == b || !extends((a, TreeHash([8; 32])), (b, TreeHash([9; 32])), &proof));
    }
}

fn joined(proof: &[TreeHash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.0).collect()
}

fn their_root(hash: &TreeHash, size: usize) -> RootHash<Sha256> {
    RootHash::new(hash.0.into(), size as u64)
}

#[test]
fn l8_another_checker_accepts_our_inclusion_proofs() {
    let (tree, kept) = grown(37);
    for index in 0..37 {
        let Ok(proof) = inclusion(index, 37, read(&kept));
        let proof = InclusionProof::<Sha256>::try_from_bytes(joined(&proof.unwrap())).unwrap();
        let own = record(index as usize);
        let told = their_root(&tree.root(), 37).verify_inclusion(&own, index, &proof);
        assert!(told.is_ok(), "{index}");
    }
}

#[test]
fn l8_public_vectors_have_their_verdicts() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/merkle/testdata");
    if !data.is_dir() {
        eprintln!("skipped: no shared test data at {}", data.display());
        return;
    }
    let (mut good, mut bad) = (0, 0);
    for (folder, verdict) in [
        ("inclusion", inclusion_verdict as fn(&Value) -> bool),
        ("consistency", consistency_verdict),
    ] {
        let mut folders = vec![data.join(folder)];
        while let Some(folder) = folders.pop() {
            for found in fs::read_dir(&folder).unwrap() {
                let path = found.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                let wanted = vector["wantErr"] == false;
                assert_eq!(verdict(&vector), wanted, "{}", path.display());
                good += u32::from(wanted);
                bad += u32::from(!wanted);
            }
        }
    }
    assert!(good >= 10 && bad >= 100, "{good} good, {bad} bad");
}

fn inclusion_verdict(vector: &Value) -> bool {
    let number = |name: &str| vector[name].as_u64();
    let parts = (|| {
        let own = (number("leafIdx")?, hash(&vector["leafHash"])?);
        Some((
            own,
            (number("treeSize")?, hash(&vector["root"])?),
            proof(vector)?,
        ))
    })();
    parts.is_some_and(|(own, head, proof)| includes(own, head, &proof))
}

fn consistency_verdict(vector: &Value) -> bool {
    let number = |name: &str| vector[name].as_u64();
    let parts = (|| {
        let old = (number("size1")?, hash(&vector["root1"])?);
        Some((
            old,
            (number("size2")?, hash(&vector["root2"])?),
            proof(vector)?,
        ))
    })();
    parts.is_some_and(|(old, new, proof)| extends(old, new, &proof))
}

/// Some vectors say `don't care` where a hash stands; any other hash than all real ones will do.
fn hash(value: &Value) -> Option<TreeHash> {
    let text = value.as_str()?;
    let made_up = || TreeHash(Sha256::digest(text).into());
    (!text.is_empty()).then(|| text.parse().unwrap_or_else(|_| made_up()))
}

fn proof(vector: &Value) -> Option<Vec<TreeHash>> {
    match vector["proof"].as_array() {
        Some(hashes) => hashes.iter().map(hash).collect(),
        None => Some(Vec::new()),
    }
}
