//! The way from an intent to a [`Begun`], on real gates: for tests of tools and of what follows.
//!
//! Forges nothing: the warrant comes from `compile`, the receipt from a stored `started` entry.

use serde_json::{Value, json};
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, ToolSet, Verdict, Warrant, compile,
};
use thymos_core::body::{Body, Started};
use thymos_core::canonical::CanonicalBytes;
use thymos_core::entry::{Draft, Salt};
use thymos_core::isolation::Rung;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_core::{Entry, TrajectoryId};
use thymos_policy::{Bundle, Placed, PolicySet, Shelf, SignedBundle, Switches, own};
use thymos_ports::store::Batch;
use thymos_ports::{Begun, LedgerStore};

use crate::fixtures::{NOON, facts, intent, operator_key, policy_key, roots, trajectory, writ};
use crate::store::MemoryStore;

/// These rules, signed by the fixture's policy key where they are not the program's own.
#[must_use]
pub fn shelf(set: &PolicySet) -> Shelf {
    let place = |bundle: &Bundle| match own::NAMES.contains(&bundle.name()) {
        true => Placed {
            bundle: bundle.clone(),
            vouch: None,
        },
        false => SignedBundle::sign(bundle.clone(), &policy_key()).into(),
    };
    let placed = set.bundles().iter().map(place).collect();
    Shelf::new(placed, set.switches().clone(), Vec::new())
}

/// Rules that permit everything, so that only writs and gates speak.
#[must_use]
pub fn open_policy() -> PolicySet {
    let bundle = json!({"name": "open", "version": "1", "default": "permit", "rules": []});
    let bundle = Bundle::from_value(&bundle).expect("a bundle without rules is valid");
    PolicySet::new(vec![bundle], Switches::standard())
}

/// Decides one call under the fixture writ and [`open_policy`].
#[must_use]
pub fn decide(contract: &ToolContract, args: Value, resolved: &Resolved) -> Verdict {
    let intent = intent(&contract.name, args);
    let mut facts = facts(&intent);
    for found in &resolved.resources {
        facts.world.insert(found.resource.text(), found.version);
    }
    let chain = CheckedChain::check(vec![writ().signed()], &roots());
    let possession = CheckedPossession::check(facts.possession.clone(), &chain);
    let tools = ToolSet::pin(vec![contract.clone()]).expect("a fixture's contract is valid");
    let policy = open_policy();
    compile(
        &intent,
        &Grounds {
            gate: GateVersion::NEWEST,
            chain: &chain,
            possession: &possession,
            policy: &policy,
            standing: &[],
            tools: &tools,
            resolved: Ok(resolved),
            facts: &facts,
            live_args: None,
            live_resolved: None,
        },
    )
}

/// A begun call on this rung.
///
/// # Panics
/// When the gate does not clear it: calls of high risk are held.
pub fn begun(contract: &ToolContract, args: Value, resolved: &Resolved, rung: Rung) -> Begun {
    match decide(contract, args, resolved) {
        Verdict::Cleared(warrant) => begin(warrant, rung),
        Verdict::Held(held) => panic!("held: {:?}", held.terms),
        Verdict::Refused(refused) => panic!("refused: {:?}", refused.refusal),
    }
}

/// Spends a warrant against a stored `started` entry.
pub fn begin(warrant: Warrant, rung: Rung) -> Begun {
    let proposal = warrant.proposal();
    let started = Started {
        proposal: proposal.id().expect("a fixture has a canonical form"),
        key: proposal
            .idempotency_key("")
            .expect("a fixture has a canonical form"),
        decided: warrant.to_announce(),
        rung,
        approvals: Vec::new(),
        pre_answered: Vec::new(),
        reserved: warrant
            .resolved()
            .map(|resolved| resolved.estimate)
            .unwrap_or_default(),
    };
    let store = MemoryStore::new();
    let entry = append(&store, &Body::Started(Box::new(started.clone())));
    Begun::from_started(warrant, &entry, &started).expect("the entry announces this proposal")
}

/// Appends one body to the fixture trajectory at noon, and returns its entry.
pub fn append(store: &dyn LedgerStore, body: &Body) -> Entry {
    let at_seq = store
        .heads()
        .expect("the store reads")
        .into_iter()
        .find(|head| head.trajectory == trajectory())
        .map_or(0, |head| head.seq + 1);
    let draft = draft(
        trajectory(),
        body,
        body.encode().expect("a fixture has a canonical form"),
    );
    let batch = Batch {
        trajectory: trajectory(),
        at_seq,
        drafts: vec![draft],
    };
    let mut placed = store.append(vec![batch]).expect("the store appends");
    let entries = placed
        .pop()
        .expect("one outcome a batch")
        .expect("no other writer");
    entries.into_iter().next().expect("one entry a draft")
}

fn draft(trajectory: TrajectoryId, body: &Body, bytes: CanonicalBytes) -> Draft {
    Draft {
        trajectory,
        kind: body.kind(),
        at: NOON,
        writer: operator_key().public(),
        salt: Salt::from_bytes([6; 32]),
        body: bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeTool;
    use thymos_core::effect::{EffectClass, Risk};
    use thymos_core::outcome::FaultKind;
    use thymos_core::world::World;
    use thymos_ports::Tool;
    use thymos_ports::tool::{BlobSink, ToolFault, ToolIo};
    use tokio_util::sync::CancellationToken;

    struct NoBlobs;

    impl BlobSink for NoBlobs {
        fn keep(&self, _: &[u8]) -> Result<thymos_core::Digest, String> {
            Err("none here".to_owned())
        }

        fn keep_sealed(&self, bytes: &[u8]) -> Result<thymos_core::Digest, String> {
            self.keep(bytes)
        }

        fn read(&self, _: &thymos_core::Digest) -> Result<Option<Vec<u8>>, String> {
            Ok(None)
        }
    }

    #[test]
    fn c15_a_critical_call_is_held_on_the_road_of_the_fixtures() {
        let tool = FakeTool::new("launch")
            .risk(Risk::Critical)
            .effect(EffectClass::External);
        let resolved = Resolved {
            effect: EffectClass::External,
            risk: Risk::Critical,
            ..Resolved::pure()
        };
        let verdict = decide(Tool::contract(&tool), json!({}), &resolved);
        assert!(matches!(verdict, Verdict::Held(_)), "{verdict:?}");
    }

    #[tokio::test]
    async fn a_hanging_tool_runs_on_a_real_begun_until_it_is_cancelled() {
        let tool = FakeTool::new("wait").effect(EffectClass::Read).hanging();
        let resolved = Resolved {
            effect: EffectClass::Read,
            ..Resolved::pure()
        };
        let begun = begun(Tool::contract(&tool), json!({"a": 1}), &resolved, Rung::L3);
        let world = World::default();
        let clock = crate::FixedClock::at(NOON);
        let cancel = CancellationToken::new();
        let mut live = |_: &[u8]| {};
        let mut io = ToolIo {
            cancel: cancel.clone(),
            live: &mut live,
            blobs: &NoBlobs,
            world: &world,
            memory: &thymos_ports::memory::NoMemory,
            clock: &clock,
        };
        let entered = tool.entered();
        let (ended, ()) = tokio::join!(tool.run(&begun, &mut io), async {
            entered.notified().await;
            cancel.cancel();
        });
        assert_eq!(ended, Err(ToolFault::new(FaultKind::Cancelled, "stopped")));
        assert_eq!((tool.runs(), tool.args()), (1, vec![json!({"a": 1})]));
    }
}
