//! A scene is one call with everything around it, allowed until a test changes something.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use thymos_compiler::{
    CheckedChain, CheckedPossession, GateVersion, Grounds, Held, Refused, ToolSet, Verdict,
    Warrant, admit, compile,
};
use thymos_core::approval::{Answer, Decision, Scope, SignedAnswer, Via};
use thymos_core::budget::{Budget, Cost};
use thymos_core::delta::FileImage;
use thymos_core::effect::{EffectClass, Effects, Risk};
use thymos_core::facts::{Facts, Possession};
use thymos_core::id::{Digest, TrajectoryId};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::resolved::{Access, Resolved, ResolvedExec, ResolvedPath};
use thymos_core::tool::{Compensation, Recovery, Repeat, ToolContract};
use thymos_core::trace::Clause;
use thymos_core::writ::{
    Delegation, Examples, Grant, Mode, Party, SignedWrit, TrustRoots, Window, Writ,
};
use thymos_core::{EntryId, Timestamp};
use thymos_policy::PolicySet;

pub(crate) const NOON: u64 = 1_800_000_000_000;

pub(crate) fn operator() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

pub(crate) fn agent() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

pub(crate) fn helper() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

pub(crate) fn stranger() -> SigningKey {
    SigningKey::from_seed(&[4; 32])
}

pub(crate) fn party(name: &str, key: &SigningKey) -> Party {
    Party {
        name: name.into(),
        key: key.public(),
    }
}

pub(crate) struct Scene {
    pub(crate) gate: GateVersion,
    pub(crate) links: Vec<(Writ, SigningKey)>,
    pub(crate) roots: TrustRoots,
    pub(crate) holder: SigningKey,
    pub(crate) contract: ToolContract,
    pub(crate) intent: Intent,
    pub(crate) resolved: Result<Resolved, String>,
    pub(crate) facts: Facts,
    pub(crate) policy: PolicySet,
    pub(crate) live_args: Option<Value>,
    pub(crate) live_resolved: Option<Resolved>,
    /// Spent by every link, unless `facts.spent` names it.
    pub(crate) spent: Option<Cost>,
}

/// A write inside the workspace in auto mode, which the built-in policy permits.
pub(crate) fn writing() -> Scene {
    let intent = intent("fs_write", json!({"path": "src/a.rs", "text": "new\n"}));
    Scene {
        gate: GateVersion::NEWEST,
        links: vec![(root_writ(), operator())],
        roots: TrustRoots {
            operators: vec![party("ann", &operator()), party("agent", &agent())],
            policy: Vec::new(),
            retired: Vec::new(),
        },
        holder: agent(),
        contract: contract("fs_write", EffectClass::Write),
        intent,
        resolved: Ok(written("src/a.rs", b"old\n")),
        facts: facts(),
        policy: PolicySet::builtin(),
        live_args: None,
        live_resolved: None,
        spent: Some(Cost::default()),
    }
}

/// The same write under a writ of a writ.
pub(crate) fn delegated() -> Scene {
    let mut scene = writing();
    let parent = scene.links[0].0.clone().sign(&operator()).unwrap();
    scene.links.push((child_writ(&parent), agent()));
    scene.holder = helper();
    scene
}

/// A write in edit mode, which the built-in policy holds.
pub(crate) fn held_writing() -> Scene {
    let mut scene = writing();
    scene.facts.mode = Mode::Edit;
    scene
}

/// A command in edit mode, held too.
pub(crate) fn running() -> Scene {
    let mut scene = held_writing();
    scene.contract = contract("shell", EffectClass::Read);
    scene.contract.schema = json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]});
    scene.intent = intent("shell", json!({"command": "cargo test -p core"}));
    scene.resolved = Ok(Resolved {
        effect: EffectClass::External,
        risk: Risk::Medium,
        exec: Some(ResolvedExec {
            arg: "command".into(),
            argv: ["cargo", "test", "-p", "core"].map(String::from).to_vec(),
            executable: "/usr/bin/cargo".into(),
            executable_digest: Digest::of(b"cargo"),
            cwd: ".".into(),
            env: BTreeMap::from([("RUST_LOG".into(), "debug".into())]),
            stdin_bytes: 0,
            timeout_ms: 120_000,
            shape: "1 segment: no pipe, no redirect, no substitution".into(),
        }),
        compensation: Compensation::Impossible("commands leave no pre-images".into()),
        ..Resolved::pure()
    });
    scene
}

impl Scene {
    pub(crate) fn chain(&self) -> CheckedChain {
        let mut signed: Vec<SignedWrit> = Vec::new();
        for (writ, key) in &self.links {
            signed.push(writ.clone().sign(key).unwrap());
        }
        CheckedChain::check(signed, &self.roots)
    }

    pub(crate) fn root(&mut self) -> &mut Writ {
        &mut self.links[0].0
    }

    pub(crate) fn resolved(&mut self) -> &mut Resolved {
        self.resolved.as_mut().unwrap()
    }

    /// Everything signed and counted; then `f` on the grounds.
    pub(crate) fn on<T>(&self, f: impl FnOnce(&Grounds<'_>, &Facts) -> T) -> T {
        let chain = self.chain();
        let possession = Possession::sign(vec![self.intent.id().unwrap_or(EMPTY)], &self.holder);
        let mut facts = self.facts.clone();
        facts.possession = possession.clone();
        for (id, _) in chain.links() {
            if let Some(spent) = self.spent {
                facts.spent.entry(*id).or_insert(spent);
            }
        }
        let possession = CheckedPossession::check(possession, &chain);
        let tools = ToolSet::pin(vec![self.contract.clone()]).unwrap();
        let grounds = Grounds {
            gate: self.gate,
            chain: &chain,
            possession: &possession,
            policy: &self.policy,
            standing: &[],
            tools: &tools,
            resolved: self.resolved.as_ref().map_err(String::as_str),
            facts: &facts,
            live_args: self.live_args.as_ref(),
            live_resolved: self.live_resolved.as_ref(),
        };
        f(&grounds, &facts)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.on(|grounds, _| compile(&self.intent, grounds))
    }

    pub(crate) fn cleared(&self) -> Warrant {
        match self.verdict() {
            Verdict::Cleared(warrant) => warrant,
            other => panic!("not cleared: {other:?}"),
        }
    }

    pub(crate) fn check_cleared(&self) {
        assert!(!self.cleared().decided().trace.lines.is_empty());
    }

    pub(crate) fn held(&self) -> Held {
        match self.verdict() {
            Verdict::Held(held) => *held,
            other => panic!("not held: {other:?}"),
        }
    }

    pub(crate) fn refused(&self) -> Refused {
        match self.verdict() {
            Verdict::Refused(refused) => *refused,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Refused by this clause, in these words, with a whole trace.
    pub(crate) fn check_refused(&self, clause: Clause, said: &str) {
        let refused = self.refused();
        assert_eq!(
            (refused.refusal.clause, refused.refusal.reason.as_str()),
            (clause, said)
        );
        let mut clauses: Vec<Clause> = refused
            .decided
            .trace
            .lines
            .iter()
            .map(|l| l.clause)
            .collect();
        clauses.dedup();
        assert_eq!(clauses, Clause::ALL, "the trace is whole and in order");
    }

    pub(crate) fn admit(&self, held: &Held, answers: &[SignedAnswer]) -> Verdict {
        let answers: Vec<(EntryId, SignedAnswer)> = answers
            .iter()
            .enumerate()
            .map(|(at, answer)| (EntryId::of(&[at as u8]), answer.clone()))
            .collect();
        self.on(|grounds, _| admit(held, &answers, &self.roots, grounds))
    }
}

const EMPTY: thymos_core::IntentId = thymos_core::IntentId::from_bytes([0; 32]);

pub(crate) fn yes(held: &Held) -> Answer {
    Answer {
        v: 1,
        proposal: held.decided.proposal.id().unwrap(),
        presented: held.presented,
        decision: Decision::Approve,
        scope: Scope::Once,
        reason: String::new(),
        via: Via::Tui,
        fully_viewed: true,
        by: party("ann", &operator()),
        at: Timestamp(NOON),
    }
}

pub(crate) fn approve(held: &Held) -> SignedAnswer {
    yes(held).sign(&operator()).unwrap()
}

pub(crate) fn intent(tool: &str, args: Value) -> Intent {
    Intent {
        v: 1,
        trajectory: TrajectoryId::of(b"line"),
        turn: 2,
        ordinal: 0,
        author: Author::Model,
        tool: tool.into(),
        args,
    }
}

pub(crate) fn contract(name: &str, effect_floor: EffectClass) -> ToolContract {
    ToolContract {
        operator_only: false,
        name: name.into(),
        version: 1,
        description: "for tests".into(),
        schema: json!({
            "type": "object",
            "properties": {"path": {"type": "string"}, "text": {"type": "string"}},
            "required": ["path"]
        }),
        effect_floor,
        risk_floor: Risk::Low,
        repeat: Repeat::Free,
        recovery: Recovery::Neither,
        compensation: Compensation::FromRecord,
    }
}

pub(crate) fn image(bytes: &[u8]) -> FileImage {
    FileImage {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        mode: 0o644,
    }
}

pub(crate) fn written(path: &str, before: &[u8]) -> Resolved {
    Resolved {
        effect: EffectClass::Write,
        risk: Risk::Medium,
        paths: vec![ResolvedPath {
            arg: "path".into(),
            path: path.into(),
            access: Access::Write,
            before: Some(image(before)),
            after: Some(image(b"new\n")),
        }],
        compensation: Compensation::FromRecord,
        ..Resolved::pure()
    }
}

pub(crate) fn grant(tool: &str) -> Grant {
    Grant {
        tool: tool.into(),
        caveats: Vec::new(),
    }
}

pub(crate) fn root_writ() -> Writ {
    Writ {
        v: 1,
        nonce: Writ::nonce([7; 16]),
        name: "auto".into(),
        issuer: party("ann", &operator()),
        subject: party("agent", &agent()),
        parent: None,
        tenant: String::new(),
        grants: vec![grant("*")],
        effects: Effects::Ceiling(EffectClass::Irreversible),
        isolation_min: Rung::L1,
        budget: Budget {
            tool_calls: Some(40),
            ..Budget::unlimited()
        },
        window: Window {
            not_before: Timestamp(NOON - 1_000),
            expires_at: Some(Timestamp(NOON + 1_000)),
        },
        delegation: Delegation {
            max_depth: 2,
            may_subdivide: true,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
}

pub(crate) fn child_writ(parent: &SignedWrit) -> Writ {
    Writ {
        nonce: Writ::nonce([8; 16]),
        name: "part".into(),
        issuer: party("agent", &agent()),
        subject: party("helper", &helper()),
        parent: Some(parent.id().unwrap()),
        delegation: Delegation {
            max_depth: 1,
            may_subdivide: false,
        },
        ..parent.writ.clone()
    }
}

fn facts() -> Facts {
    Facts {
        now: Timestamp(NOON),
        tenant: String::new(),
        mode: Mode::Auto,
        spent: BTreeMap::new(),
        revoked: BTreeSet::new(),
        possession: Possession::sign(Vec::new(), &agent()),
        rung: Rung::L3,
        risk_threshold: Risk::High,
        world: BTreeMap::new(),
        repeats: 0,
        standing: Vec::new(),
        approvals: thymos_core::verdict::Tightening::none(),
    }
}
