//! `[Q1]` One intent before the gate: a checked chain of two writs, ten rules. Touches no disk.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use serde_json::json;
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, ToolSet, Verdict, compile,
};
use thymos_core::budget::{Budget, Cost};
use thymos_core::canonical::InvalidJson;
use thymos_core::caveat::{Caveat, Condition};
use thymos_core::effect::{EffectClass, Effects, Risk};
use thymos_core::facts::{Facts, Possession};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_core::writ::{
    Delegation, Examples, Grant, Mode, Party, SignedWrit, TrustRoots, Window, Writ,
};
use thymos_core::{Timestamp, TrajectoryId};
use thymos_policy::{Bundle, PolicySet, Switches};

use super::{Bar, Bench, Figure, Samples, fault, rate, us};
use crate::error::AppError;

/// Decisions timed one by one, after as many that are not.
const DECISIONS: u64 = 20_000;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Figure>, AppError> {
    let scene = Scene::make()?;
    scene.with(|intent, grounds| {
        if !matches!(compile(intent, grounds), Verdict::Cleared(_)) {
            return Err(fault("the sample intent was not cleared"));
        }
        for _ in 0..DECISIONS {
            black_box(compile(black_box(intent), black_box(grounds)));
        }
        let mut samples = Vec::new();
        let (whole, ()) = bench.time(|| {
            for _ in 0..DECISIONS {
                let (took, verdict) = bench.time(|| compile(black_box(intent), black_box(grounds)));
                black_box(verdict);
                samples.push(took);
            }
        });
        let samples = Samples(samples);
        Ok(vec![
            Figure::new(
                "authorise, chain of 2, 10 rules, p50",
                us(samples.median()),
                "us",
                Bar::AtMost(10.0),
            ),
            Figure::new(
                "authorise, p99",
                us(samples.at(99)),
                "us",
                Bar::AtMost(25.0),
            ),
            Figure::new(
                "authorise, rate of one core",
                rate(DECISIONS, whole),
                "/s",
                Bar::AtLeast(100_000.0),
            ),
        ])
    })
}

struct Scene {
    intent: Intent,
    resolved: Resolved,
    facts: Facts,
    chain: CheckedChain,
    possession: CheckedPossession,
    tools: ToolSet,
    policy: PolicySet,
}

impl Scene {
    fn make() -> Result<Self, AppError> {
        let intent = intent();
        let roots = TrustRoots {
            operators: vec![party("operator", 1)],
            policy: Vec::new(),
            retired: Vec::new(),
        };
        let chain = CheckedChain::check(links().map_err(fault)?, &roots);
        let possession = Possession::sign(vec![intent.id().map_err(fault)?], &key(3));
        Ok(Self {
            facts: facts(&chain, &possession),
            possession: CheckedPossession::check(possession, &chain),
            chain,
            tools: ToolSet::pin(vec![contract()]).map_err(fault)?,
            policy: policy()?,
            resolved: resolved(),
            intent,
        })
    }

    fn with<T>(&self, decide: impl FnOnce(&Intent, &Grounds<'_>) -> T) -> T {
        let grounds = Grounds {
            gate: GateVersion::NEWEST,
            chain: &self.chain,
            possession: &self.possession,
            policy: &self.policy,
            standing: &[],
            tools: &self.tools,
            resolved: Ok(&self.resolved),
            facts: &self.facts,
            live_args: None,
            live_resolved: None,
        };
        decide(&self.intent, &grounds)
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn party(name: &str, seed: u8) -> Party {
    Party {
        name: name.to_owned(),
        key: key(seed).public(),
    }
}

fn intent() -> Intent {
    Intent {
        v: 1,
        trajectory: TrajectoryId::of(b"bench"),
        turn: 1,
        ordinal: 0,
        author: Author::Model,
        tool: "fs_write".to_owned(),
        args: json!({"path": "src/a.rs", "text": "pub fn answer() -> u32 { 42 }\n"}),
    }
}

fn resolved() -> Resolved {
    Resolved {
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
    }
}

/// A root writ of the operator, and below it one that the agent gave to a helper.
fn links() -> Result<Vec<SignedWrit>, InvalidJson> {
    let root = Writ {
        v: 1,
        nonce: Writ::nonce([1; 16]),
        name: "auto".to_owned(),
        issuer: party("operator", 1),
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
        description: "writes a file".to_owned(),
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
fn policy() -> Result<PolicySet, AppError> {
    let house = json!({
        "name": "house", "version": "1", "default": "ask",
        "rules": [
            {"id": "no-env", "decision": "forbid", "if_missing": "skip",
             "when": {"field": "args.path", "op": "starts_with", "value": ".env"}},
            {"id": "no-night", "decision": "forbid", "if_missing": "skip",
             "when": {"field": "session.now_ms", "op": "gt", "value": 1_000_000}}
        ]
    });
    let mut bundles = PolicySet::builtin().bundles().to_vec();
    bundles.push(Bundle::from_value(&house).map_err(fault)?);
    Ok(PolicySet::new(bundles, Switches::standard()))
}

fn facts(chain: &CheckedChain, possession: &Possession) -> Facts {
    let nothing = |(id, _): &(_, _)| (*id, Cost::default());
    Facts {
        now: Timestamp(5_000),
        tenant: String::new(),
        mode: Mode::Auto,
        spent: chain.links().iter().map(nothing).collect(),
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
