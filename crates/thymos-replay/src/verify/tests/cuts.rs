//! Revocations between trajectories: what a child had to know, may have known, and cannot.

use thymos_core::body::{Message, Role, WritRevoked};

use super::*;

pub(super) fn child() -> TrajectoryId {
    TrajectoryId::of(b"child")
}

fn parent_writ() -> SignedWrit {
    let mut writ = writ().writ;
    writ.delegation = Delegation {
        max_depth: 1,
        may_subdivide: true,
    };
    writ.sign(&operator()).unwrap()
}

fn child_writ() -> SignedWrit {
    let parent = parent_writ();
    let writ = Writ {
        nonce: Writ::nonce([8; 16]),
        name: "part".into(),
        issuer: party("agent", &agent()),
        parent: Some(parent.id().unwrap()),
        delegation: Delegation {
            max_depth: 0,
            may_subdivide: false,
        },
        ..parent.writ
    };
    writ.sign(&agent()).unwrap()
}

fn issued(writ: SignedWrit) -> Body {
    Body::WritIssued(Box::new(WritIssued {
        id: writ.id().unwrap(),
        writ,
        reason: String::new(),
        reserved: None,
        session: None,
    }))
}

fn root() -> Body {
    Body::Root(Root {
        v: 1,
        workspace: "/srv".into(),
        tenant: String::new(),
        operator: party("ann", &operator()),
        subject: party("agent", &agent()),
        parent: None,
    })
}

fn wanted() -> Intent {
    Intent {
        trajectory: child(),
        ..intent(0, "fs_write")
    }
}

/// A trajectory, and one under a writ of its that wants something.
pub(super) fn family() -> Log {
    let mut log = Log::default();
    log.add(&root());
    log.add(&issued(parent_writ()));
    let mode = ModeChanged {
        mode: Mode::Auto,
        from: None,
        to: child_writ().id().unwrap(),
        difference: Vec::new(),
    };
    let opened = [root(), issued(child_writ()), Body::ModeChanged(mode)];
    let wish = Body::Intent(Intended {
        intent: wanted(),
        call: String::new(),
        routing: None,
        compensates: None,
        again: None,
    });
    for body in opened.into_iter().chain(pins()).chain([wish]) {
        log.add_to(child(), &body);
    }
    log
}

fn cut(log: &mut Log) {
    let writ = parent_writ().id().unwrap();
    let message = canonical::encode(&(writ, "enough")).unwrap();
    log.add(&Body::WritRevoked(WritRevoked {
        writ,
        reason: "enough".into(),
        by: party("ann", &operator()),
        signature: operator().sign(Domain::Revocation, message.as_bytes()),
        used: None,
    }));
}

fn say(log: &mut Log) {
    log.add_to(
        child(),
        &Body::Message(Message {
            role: Role::System,
            text: "on we go".into(),
            reasoning: String::new(),
            provider_state: None,
            turn: 0,
        }),
    );
}

/// The child's call is decided on these revocations; what verification says of that.
fn decided(mut log: Log, revoked: &[&SignedWrit]) -> Vec<&'static str> {
    let (intent, resolved) = (wanted(), resolved());
    let chain = CheckedChain::check(vec![parent_writ(), child_writ()], &roots());
    let possession = Possession::sign(vec![intent.id().unwrap()], &agent());
    let ids = chain.links().iter().map(|(id, _)| *id);
    let facts = Facts {
        now: Timestamp(log.rows.len() as u64),
        tenant: String::new(),
        mode: Mode::Auto,
        spent: ids.map(|id| (id, Cost::default())).collect(),
        revoked: revoked.iter().map(|writ| writ.id().unwrap()).collect(),
        possession: possession.clone(),
        rung: Rung::L3,
        risk_threshold: Risk::High,
        world: BTreeMap::new(),
        repeats: 0,
        standing: Vec::new(),
        approvals: thymos_core::verdict::Tightening::none(),
    };
    let verdict = compile(
        &intent,
        &Grounds {
            gate: GateVersion::NEWEST,
            chain: &chain,
            possession: &CheckedPossession::check(possession, &chain),
            policy: &PolicySet::builtin(),
            standing: &[],
            tools: &ToolSet::pin(vec![contract()]).unwrap(),
            resolved: Ok(&resolved),
            facts: &facts,
            live_args: None,
            live_resolved: None,
        },
    );
    let body = match verdict {
        Verdict::Cleared(warrant) => Body::Started(Box::new(Started {
            decided: warrant.to_announce(),
            proposal: warrant.proposal().id().unwrap(),
            key: warrant.proposal().idempotency_key("").unwrap(),
            rung: Rung::L3,
            approvals: Vec::new(),
            pre_answered: Vec::new(),
            reserved: one_call(),
        })),
        Verdict::Refused(refused) => Body::Rejection(Box::new(Rejection {
            decided: refused.decided,
            refusal: refused.refusal,
            stage: Stage::Compile,
            earlier: None,
        })),
        Verdict::Held(held) => panic!("held: {held:?}"),
    };
    log.add_to(child(), &body);
    let report = log.verify(Level::V4);
    let here = log.rows.len() as u64 - 1;
    let findings = report.findings.iter();
    findings
        .inspect(|finding| assert_eq!(finding.place.index, here, "{finding}"))
        .map(|finding| finding.what.check)
        .collect()
}

#[test]
fn v3_a_call_under_a_chain_that_nobody_cut_names_no_cut() {
    assert_eq!(decided(family(), &[]), [""; 0]);
    assert_eq!(decided(family(), &[&child_writ()]), ["facts.revoked"]);
}

#[test]
fn v3_a_cut_elsewhere_that_came_last_may_be_known_or_not() {
    let mut log = family();
    cut(&mut log);
    assert_eq!(decided(log, &[]), [""; 0]);
    let mut log = family();
    cut(&mut log);
    assert_eq!(decided(log, &[&parent_writ(), &child_writ()]), [""; 0]);
}

#[test]
fn v3_w7_a_cut_elsewhere_is_known_to_every_decision_after_the_next_own_entry() {
    let mut log = family();
    cut(&mut log);
    say(&mut log);
    assert_eq!(decided(log, &[]), ["facts.revoked"]);
    let mut log = family();
    cut(&mut log);
    say(&mut log);
    assert_eq!(decided(log, &[&parent_writ(), &child_writ()]), [""; 0]);
    let mut log = family();
    cut(&mut log);
    say(&mut log);
    assert_eq!(decided(log, &[&parent_writ()]), ["facts.revoked"]);
}
