//! Fixed keys and times, and builders of writs, intents, facts and resolved calls.
//!
//! Every value is ordinary: a test changes the one thing that it is about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thymos_core::budget::{Budget, Cost};
use thymos_core::caveat::Caveat;
use thymos_core::effect::{EffectClass, Effects, Risk};
use thymos_core::facts::{Facts, Possession};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::SigningKey;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::writ::{
    Delegation, Examples, Grant, Mode, Party, SignedWrit, TrustRoots, Window, Writ,
};
use thymos_core::{Timestamp, TrajectoryId};

/// The moment of every fixture: 2026-11-22T12:00:00Z.
pub const NOON: Timestamp = Timestamp(1_795_348_800_000);

/// The operator's key; in [`roots`].
#[must_use]
pub fn operator_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// The session's subject key.
#[must_use]
pub fn subject_key() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

/// The key of a policy signer; in [`roots`].
#[must_use]
pub fn policy_key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

/// A valid key that nobody trusts.
#[must_use]
pub fn stranger_key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

/// A party of this name and key.
#[must_use]
pub fn party(name: &str, key: &SigningKey) -> Party {
    Party {
        name: name.to_owned(),
        key: key.public(),
    }
}

/// `ada` may sign root writs and answers, `pol` bundles.
#[must_use]
pub fn roots() -> TrustRoots {
    TrustRoots {
        operators: vec![party("ada", &operator_key())],
        policy: vec![party("pol", &policy_key())],
        retired: Vec::new(),
    }
}

/// The trajectory of every fixture.
#[must_use]
pub fn trajectory() -> TrajectoryId {
    TrajectoryId::of(b"fixture")
}

/// A root writ from `ada` to `agent`: every tool, every class, no limit, no end.
#[must_use]
pub fn writ() -> WritBuilder {
    WritBuilder(Writ {
        v: 1,
        nonce: Writ::nonce([5; 16]),
        name: "test".to_owned(),
        issuer: party("ada", &operator_key()),
        subject: party("agent", &subject_key()),
        parent: None,
        tenant: String::new(),
        grants: vec![Grant {
            tool: "*".to_owned(),
            caveats: Vec::new(),
        }],
        effects: Effects::Ceiling(EffectClass::Irreversible),
        isolation_min: Rung::L0,
        budget: Budget::unlimited(),
        window: Window {
            not_before: Timestamp(0),
            expires_at: None,
        },
        delegation: Delegation {
            max_depth: 1,
            may_subdivide: true,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    })
}

/// Changes a writ before it is signed. Any other field: `.with(|writ| ..)`.
#[derive(Debug, Clone)]
pub struct WritBuilder(Writ);

impl WritBuilder {
    /// Grants only this, on these conditions.
    #[must_use]
    pub fn only(self, tool: &str, caveats: Vec<Caveat>) -> Self {
        let tool = tool.to_owned();
        self.with(|writ| writ.grants = vec![Grant { tool, caveats }])
    }

    /// Allows classes up to this one.
    #[must_use]
    pub fn ceiling(self, class: EffectClass) -> Self {
        self.with(|writ| writ.effects = Effects::Ceiling(class))
    }

    /// Limits what may be spent.
    #[must_use]
    pub fn budget(self, budget: Budget) -> Self {
        self.with(|writ| writ.budget = budget)
    }

    /// Ends here.
    #[must_use]
    pub fn until(self, end: Timestamp) -> Self {
        self.with(|writ| writ.window.expires_at = Some(end))
    }

    /// Hangs below a parent: issued by its subject, one level less.
    #[must_use]
    pub fn below(self, parent: &SignedWrit) -> Self {
        let id = parent.id().expect("a fixture has a canonical form");
        self.with(|writ| {
            writ.parent = Some(id);
            writ.issuer = parent.writ.subject.clone();
            writ.delegation.max_depth = parent.writ.delegation.max_depth.saturating_sub(1);
            writ.delegation.may_subdivide = writ.delegation.max_depth > 0;
        })
    }

    /// Changes anything.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Writ)) -> Self {
        change(&mut self.0);
        self
    }

    /// The body.
    #[must_use]
    pub fn unsigned(self) -> Writ {
        self.0
    }

    /// Signed by the operator.
    #[must_use]
    pub fn signed(self) -> SignedWrit {
        self.signed_by(&operator_key())
    }

    /// Signed by this key, whoever the issuer is.
    #[must_use]
    pub fn signed_by(self, key: &SigningKey) -> SignedWrit {
        self.0.sign(key).expect("a fixture has a canonical form")
    }
}

/// What a model wants: turn 0, ordinal 0 of the fixture trajectory.
#[must_use]
pub fn intent(tool: &str, args: Value) -> Intent {
    Intent {
        v: 1,
        trajectory: trajectory(),
        turn: 0,
        ordinal: 0,
        author: Author::Model,
        tool: tool.to_owned(),
        args,
    }
}

/// The moment of deciding this intent under [`writ`]: noon, nothing spent, nothing revoked, held by
/// the subject. Another chain needs its own `spent`.
#[must_use]
pub fn facts(intent: &Intent) -> Facts {
    let writ = writ()
        .signed()
        .id()
        .expect("a fixture has a canonical form");
    let id = intent.id().expect("a fixture has a canonical form");
    Facts {
        now: NOON,
        tenant: String::new(),
        mode: Mode::Auto,
        spent: BTreeMap::from([(writ, Cost::default())]),
        revoked: BTreeSet::new(),
        possession: Possession::sign(vec![id], &subject_key()),
        rung: Rung::L3,
        risk_threshold: Risk::High,
        world: BTreeMap::new(),
        repeats: 0,
        standing: Vec::new(),
        approvals: thymos_core::verdict::Tightening::none(),
    }
}

/// A call of this class that touches one path, named by the argument `path`.
#[must_use]
pub fn touches(path: &str, effect: EffectClass) -> Resolved {
    let access = if effect <= EffectClass::Read {
        Access::Read
    } else {
        Access::Write
    };
    Resolved {
        effect,
        paths: vec![ResolvedPath {
            arg: "path".to_owned(),
            path: path.to_owned(),
            access,
            before: None,
            after: None,
        }],
        ..Resolved::pure()
    }
}
