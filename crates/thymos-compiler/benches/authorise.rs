//! `[Q1]` Authorise one intent under a checked chain of two with ten rules. Touches no disk.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::json;
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, ToolSet, Verdict, compile,
};
use thymos_core::Timestamp;
use thymos_core::budget::{Budget, Cost};
use thymos_core::canonical::InvalidJson;
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects, Risk};
use thymos_core::facts::{Facts, Possession};
use thymos_core::id::TrajectoryId;
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_core::writ::{
    Delegation, Examples, Grant, Mode, Party, SignedWrit, TrustRoots, Window, Writ,
};
use thymos_policy::{Bundle, PolicySet, Switches};

type Failure = Box<dyn std::error::Error>;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn party(name: &str, seed: u8) -> Party {
    Party {
        name: name.to_owned(),
        key: key(seed).public(),
    }
}

fn links() -> Result<Vec<SignedWrit>, InvalidJson> {
    let root = Writ {
        v: 1,
        nonce: Writ::nonce([1; 16]),
        name: "auto".to_owned(),
        issuer: party("ann", 1),
        subject: party("agent", 2),
        parent: None,
        tenant: String::new(),
        grants: vec![Grant {
            tool: "fs_*".to_owned(),
            caveats: vec![Caveat {
                arg: "path".to_owned(),
                must: Condition::Under(".".to_owned()),
            }],
        }],
        effects: Effects::Ceiling(EffectClass::External),
        isolation_min: Rung::L2,
        budget: Budget {
            tool_calls: Some(100),
            ..Budget::unlimited()
        },
        window: Window {
            not_before: Timestamp(0),
            expires_at: Some(Timestamp(10_000)),
        },
        delegation: Delegation {
            max_depth: 2,
            may_subdivide: true,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
    .sign(&key(1))?;
    let child = Writ {
        nonce: Writ::nonce([2; 16]),
        issuer: party("agent", 2),
        subject: party("helper", 3),
        parent: Some(root.id()?),
        delegation: Delegation {
            max_depth: 1,
            may_subdivide: false,
        },
        ..root.writ.clone()
    }
    .sign(&key(2))?;
    Ok(vec![root, child])
}

fn contract() -> ToolContract {
    ToolContract {
        operator_only: false,
        name: "fs_write".to_owned(),
        version: 1,
        description: "writes".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
            "required": ["path", "text"]
        }),
        effect_floor: EffectClass::Write,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Neither,
        compensation: Compensation::FromRecord,
    }
}

/// The eight built-in rules and two of a house.
fn policy() -> Result<PolicySet, Failure> {
    let house = Bundle::from_value(&json!({
        "name": "house", "version": "1", "default": "ask",
        "rules": [
            {"id": "no-env", "decision": "forbid", "if_missing": "skip",
             "when": {"field": "args.path", "op": "starts_with", "value": ".env"}},
            {"id": "no-night", "decision": "forbid", "if_missing": "skip",
             "when": {"field": "session.now_ms", "op": "gt", "value": 1_000_000}}
        ]
    }))?;
    let mut bundles = PolicySet::builtin().bundles().to_vec();
    bundles.push(house);
    Ok(PolicySet::new(bundles, Switches::standard()))
}

fn facts(chain: &CheckedChain, possession: &Possession) -> Facts {
    Facts {
        now: Timestamp(5_000),
        tenant: String::new(),
        mode: Mode::Auto,
        spent: chain
            .links()
            .iter()
            .map(|(id, _)| (*id, Cost::default()))
            .collect(),
        revoked: BTreeSet::new(),
        possession: possession.clone(),
        rung: Rung::L3,
        risk_threshold: Risk::High,
        world: BTreeMap::new(),
        repeats: 0,
        standing: Vec::new(),
        approvals: thymos_core::verdict::Tightening::none(),
    }
}

fn authorise(criterion: &mut Criterion) {
    // A bench that cannot be set up must not look like one that was fast.
    let done = measure(criterion);
    assert!(done.is_ok(), "{done:?}");
}

fn measure(criterion: &mut Criterion) -> Result<(), Failure> {
    let intent = Intent {
        v: 1,
        trajectory: TrajectoryId::of(b"line"),
        turn: 3,
        ordinal: 0,
        author: Author::Model,
        tool: "fs_write".to_owned(),
        args: json!({"path": "src/a.rs", "text": "pub fn answer() -> u32 { 42 }\n"}),
    };
    let resolved = Resolved {
        effect: EffectClass::Write,
        risk: Risk::Medium,
        paths: vec![ResolvedPath {
            arg: "path".to_owned(),
            path: "src/a.rs".to_owned(),
            access: Access::Create,
            before: None,
            after: None,
        }],
        compensation: Compensation::FromRecord,
        ..Resolved::pure()
    };
    let roots = TrustRoots {
        operators: vec![party("ann", 1)],
        policy: Vec::new(),
        retired: Vec::new(),
    };
    let chain = CheckedChain::check(links()?, &roots);
    let possession = Possession::sign(vec![intent.id()?], &key(3));
    let facts = facts(&chain, &possession);
    let possession = CheckedPossession::check(possession, &chain);
    let tools = ToolSet::pin(vec![contract()])?;
    let policy = policy()?;
    let grounds = Grounds {
        gate: GateVersion::NEWEST,
        chain: &chain,
        possession: &possession,
        policy: &policy,
        standing: &[],
        tools: &tools,
        resolved: Ok(&resolved),
        facts: &facts,
        live_args: None,
        live_resolved: None,
    };
    if !matches!(compile(&intent, &grounds), Verdict::Cleared(_)) {
        return Err("the measured call is not the allowed one".into());
    }
    criterion.bench_function("authorise: chain of 2, 10 rules", |bencher| {
        bencher.iter(|| compile(black_box(&intent), black_box(&grounds)));
    });
    Ok(())
}

criterion_group!(benches, authorise);
criterion_main!(benches);
