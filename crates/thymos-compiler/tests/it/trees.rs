//! Trees of delegation, eight links deep: whatever a child may do, all above it may do `[W2]` `[T4]`.
//!
//! A case is one call asked under one writ and under one writ above it. Trees and calls come from a
//! seed, which a failure names; the same seed makes the same trees.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, ToolSet, Verdict, compile,
};
use thymos_core::budget::Cost;
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects};
use thymos_core::facts::{Facts, Possession};
use thymos_core::intent::Intent;
use thymos_core::isolation::Rung;
use thymos_core::resolved::Resolved;
use thymos_core::writ::{Delegation, Grant, SignedWrit, TrustRoots, Window, Writ};
use thymos_core::{Timestamp, WritId};
use thymos_policy::{Bundle, PolicySet, Switches};

use crate::scene::{NOON, agent, intent, operator, party, root_writ, writing, written};

const SEED: u64 = 0x7a11_0e5e_ed00_0004;

/// Links of the longest chains.
const DEPTH: usize = 8;

/// Writs of a tree.
const NODES: usize = 40;

/// Calls asked under every writ of a tree.
const CALLS: usize = 12;

const CASES_MIN: usize = 100_000;

/// A small generator: the same seed, the same numbers.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn at(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    fn one_in(&mut self, end: u64) -> bool {
        self.below(end) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.at(of.len())].clone()
    }
}

/// A writ of a tree, with the chain that ends in it.
struct Node {
    above: Vec<usize>,
    id: WritId,
    links: Vec<SignedWrit>,
    chain: CheckedChain,
}

fn condition(chance: &mut Chance) -> Caveat {
    let (arg, must) = match chance.below(4) {
        0 => (
            "path",
            Condition::Under(chance.pick(&["src", "src/deep", "docs"]).into()),
        ),
        1 => (
            "path",
            Condition::Glob(chance.pick(&["src/**", "**", "docs/?"]).into()),
        ),
        2 => ("text", Condition::LenLe(chance.below(12))),
        _ => ("text", Condition::OneOf(vec![json!("new"), json!("old")])),
    };
    Caveat {
        arg: arg.into(),
        must,
    }
}

/// Mostly a little less than the parent; now and then more, which must not help.
fn narrowed(parent: &Writ, parent_id: WritId, nonce: u64, chance: &mut Chance) -> Writ {
    let mut writ = parent.clone();
    let mut random = [0; 16];
    random[..8].copy_from_slice(&nonce.to_be_bytes());
    writ.nonce = Writ::nonce(random);
    writ.name = format!("w{nonce}");
    writ.issuer = parent.subject.clone();
    writ.parent = Some(parent_id);
    let depth = parent.delegation.max_depth.saturating_sub(1);
    writ.delegation = Delegation {
        max_depth: depth,
        may_subdivide: depth > 0,
    };
    match chance.below(9) {
        0 => writ.grants[0].caveats.push(condition(chance)),
        1 => writ.grants = vec![grant(chance)],
        2 => writ.effects = Effects::Ceiling(chance.pick(&EffectClass::ALL)),
        3 => writ.isolation_min = chance.pick(&[Rung::L0, Rung::L2, Rung::L3, Rung::L4]),
        4 => writ.budget.tool_calls = Some(chance.below(30)),
        5 => writ.window.expires_at = Some(Timestamp(NOON - 50 + chance.below(1_000))),
        6 => writ.grants[0].tool = chance.pick(&["*", "fs_*", "fs_write", "kv_*"]).into(),
        _ => {}
    }
    writ
}

fn grant(chance: &mut Chance) -> Grant {
    Grant {
        tool: chance.pick(&["*", "fs_*", "fs_write"]).into(),
        caveats: (0..chance.at(2)).map(|_| condition(chance)).collect(),
    }
}

fn tree(chance: &mut Chance, roots: &TrustRoots) -> Vec<Node> {
    let mut root = root_writ();
    root.delegation.max_depth = DEPTH as u32;
    root.window = Window {
        not_before: Timestamp(NOON - 1_000),
        expires_at: Some(Timestamp(NOON + 1_000)),
    };
    let root = root.sign(&operator()).unwrap();
    let mut nodes = vec![Node {
        above: Vec::new(),
        id: root.id().unwrap(),
        chain: CheckedChain::check(vec![root.clone()], roots),
        links: vec![root],
    }];
    while nodes.len() < NODES {
        // Mostly near the newest, so that trees get deep; the rest anywhere, so that they branch.
        let near = if chance.one_in(3) {
            nodes.len()
        } else {
            nodes.len().min(4)
        };
        let at = nodes.len() - 1 - chance.at(near);
        let parent = &nodes[at];
        if parent.above.len() + 1 == DEPTH {
            continue;
        }
        let writ = narrowed(
            &parent.links[parent.above.len()].writ,
            parent.id,
            nodes.len() as u64,
            chance,
        );
        let signed = writ.sign(&agent()).unwrap();
        let mut links = parent.links.clone();
        links.push(signed.clone());
        let mut above = parent.above.clone();
        above.push(at);
        nodes.push(Node {
            above,
            id: signed.id().unwrap(),
            chain: CheckedChain::check(links.clone(), roots),
            links,
        });
    }
    nodes
}

fn call(chance: &mut Chance) -> (Intent, Resolved) {
    let path = chance.pick(&["src/a", "src/deep/b", "docs/c", "x"]);
    let text = chance.pick(&["new", "old", "a longer text"]);
    let intent = intent("fs_write", json!({"path": path, "text": text}));
    let mut resolved = written(path, b"old\n");
    resolved.effect = chance.pick(&[EffectClass::Read, EffectClass::Write, EffectClass::Write]);
    resolved.estimate.tool_calls = 1 + chance.below(3);
    (intent, resolved)
}

fn facts(nodes: &[Node], possession: Possession, chance: &mut Chance) -> Facts {
    let mut spent = BTreeMap::new();
    let mut revoked = BTreeSet::new();
    for node in nodes {
        let tool_calls = chance.below(6);
        let cost = Cost {
            tool_calls,
            ..Cost::default()
        };
        spent.insert(node.id, cost);
        if chance.one_in(60) {
            revoked.insert(node.id);
        }
    }
    Facts {
        now: Timestamp(NOON),
        spent,
        revoked,
        possession,
        rung: chance.pick(&[Rung::L2, Rung::L3, Rung::L4]),
        ..writing().facts
    }
}

fn permits_all() -> PolicySet {
    let value: Value = json!({"name": "open", "version": "1", "default": "permit", "rules": []});
    PolicySet::new(
        vec![Bundle::from_value(&value).unwrap()],
        Switches::standard(),
    )
}

#[test]
fn w2_t4_whatever_a_child_may_do_all_above_it_may_do_eight_deep() {
    let mut chance = Chance(SEED);
    let roots = TrustRoots {
        operators: vec![party("ann", &operator())],
        policy: Vec::new(),
        retired: Vec::new(),
    };
    let mut contract = writing().contract;
    contract.effect_floor = EffectClass::Pure;
    let tools = ToolSet::pin(vec![contract]).unwrap();
    let policy = permits_all();
    let (mut cases, mut allowed, mut deepest) = (0, 0, 0);
    let mut trees = 0_u64;
    while cases < CASES_MIN {
        let nodes = tree(&mut chance, &roots);
        trees += 1;
        for _ in 0..CALLS {
            let (intent, resolved) = call(&mut chance);
            let possession = Possession::sign(vec![intent.id().unwrap()], &agent());
            let facts = facts(&nodes, possession.clone(), &mut chance);
            let mut refused = Vec::with_capacity(nodes.len());
            let checked = CheckedPossession::check(possession, &nodes[0].chain);
            for node in &nodes {
                let verdict = compile(
                    &intent,
                    &Grounds {
                        gate: GateVersion::NEWEST,
                        chain: &node.chain,
                        possession: &checked,
                        policy: &policy,
                        standing: &[],
                        tools: &tools,
                        resolved: Ok(&resolved),
                        facts: &facts,
                        live_args: None,
                        live_resolved: None,
                    },
                );
                refused.push(matches!(verdict, Verdict::Refused(_)));
            }
            for (node, child_refused) in nodes.iter().zip(&refused) {
                for above in &node.above {
                    cases += 1;
                    assert!(
                        *child_refused || !refused[*above],
                        "seed {SEED:#x}, tree {trees}: `{}` may, `{}` above it may not: {intent:?}",
                        node.links[node.above.len()].writ.name,
                        nodes[*above].links[nodes[*above].above.len()].writ.name,
                    );
                }
                if !child_refused {
                    allowed += 1;
                    deepest = deepest.max(node.links.len());
                }
            }
        }
    }
    assert_eq!(deepest, DEPTH, "no call was allowed at the full depth");
    assert!(
        allowed * 20 > cases / 5,
        "only {allowed} calls were allowed in {cases} cases"
    );
}
