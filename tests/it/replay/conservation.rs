//! Budgets over families of trajectories, by the fold of real entries `[W6]` `[B1]` `[T4]`.
//!
//! Who delegates, works, ends, crashes or is cut, and in which order, is drawn from a seed. Calls go
//! through when the gate's own arithmetic says that they fit, and are charged as the runtime charges.

use thymos_core::body::{
    Body, Commit, Intended, ModeChanged, Reconciled, Resolution, Root, Started, WritIssued,
    WritRevoked,
};
use thymos_core::budget::{Budget, Cost, Dimension};
use thymos_core::entry::{Draft, Position, Salt};
use thymos_core::id::{LogId, ProposalId};
use thymos_core::intent::{Author, Intent};
use thymos_core::isolation::Rung;
use thymos_core::key::Domain;
use thymos_core::outcome::Outcome;
use thymos_core::proposal::{Decided, Proposal};
use thymos_core::resolved::Resolved;
use thymos_core::trace::Trace;
use thymos_core::writ::{Mode, SignedWrit};
use thymos_core::{EntryId, TrajectoryId, WritId};
use thymos_policy::PolicySet;
use thymos_replay::{Projection, fold};
use thymos_testkit::fixtures::{NOON, facts, operator_key, party, subject_key, writ};

/// A failure names the family; the same number makes the same family.
const FAMILIES: u64 = 125;

/// Things that happen in a family.
const EVENTS: usize = 200;

/// Generations below the first.
const DEPTH: usize = 8;

struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % end
    }

    fn cost(&mut self, most: &Cost) -> Cost {
        Cost {
            tokens: self.below(most.tokens + 1),
            tool_calls: most.tool_calls,
            wall_clock_ms: self.below(most.wall_clock_ms + 1),
            usd_millicents: self.below(most.usd_millicents + 1),
        }
    }
}

fn one_call() -> Cost {
    Cost {
        tool_calls: 1,
        ..Cost::default()
    }
}

/// One trajectory with everything that it really cost.
struct Member {
    p: Projection,
    chain: Vec<SignedWrit>,
    ids: Vec<WritId>,
    depth: usize,
    /// The member above, and the work there that this one is.
    above: Option<(usize, ProposalId, EntryId)>,
    used: Cost,
    /// Begun calls of its own that nobody ended.
    open: Vec<(ProposalId, EntryId, Cost)>,
    ended: bool,
    cut: bool,
}

impl Member {
    fn new(name: u64, chain: Vec<SignedWrit>, above: Option<(usize, ProposalId, EntryId)>) -> Self {
        let mut member = Self {
            p: Projection::empty(TrajectoryId::of(&name.to_be_bytes())),
            depth: chain.len() - 1,
            ids: chain.iter().map(|writ| writ.id().unwrap()).collect(),
            chain: chain.clone(),
            above,
            used: Cost::default(),
            open: Vec::new(),
            ended: false,
            cut: false,
        };
        member.add(&Body::Root(Root {
            v: 1,
            workspace: "/srv".into(),
            tenant: String::new(),
            operator: party("ada", &operator_key()),
            subject: party("agent", &subject_key()),
            parent: None,
        }));
        for (writ, id) in chain.into_iter().zip(member.ids.clone()) {
            member.add(&Body::WritIssued(Box::new(WritIssued {
                session: None,
                writ,
                id,
                reason: String::new(),
                reserved: None,
            })));
        }
        member.add(&Body::ModeChanged(ModeChanged {
            mode: Mode::Auto,
            from: None,
            to: member.leaf(),
            difference: Vec::new(),
        }));
        member
    }

    fn leaf(&self) -> WritId {
        self.ids[self.depth]
    }

    fn add(&mut self, body: &Body) -> EntryId {
        let draft = Draft {
            trajectory: self.p.trajectory,
            kind: body.kind(),
            at: NOON,
            writer: operator_key().public(),
            salt: Salt::from_bytes([1; 32]),
            body: body.encode().unwrap(),
        };
        let position = Position {
            log: LogId::of(b"log"),
            index: self.p.len,
            seq: self.p.len,
            prev: self.p.head,
        };
        let entry = draft.place(&position).unwrap();
        fold(&mut self.p, &entry).unwrap();
        entry.id
    }

    /// `[C11]` Whether an estimate fits what is left in every link.
    fn affords(&self, estimate: &Cost) -> bool {
        self.chain.iter().zip(&self.ids).all(|(link, id)| {
            let spent = self.p.spent.get(id).copied().unwrap_or_default();
            link.writ.budget.shortfall(&spent, estimate).is_none()
        })
    }

    /// What the newest link still has.
    fn left(&self, dimension: Dimension) -> u64 {
        let spent = self.p.spent.get(&self.leaf()).copied().unwrap_or_default();
        let budget = &self.chain[self.depth].writ.budget;
        budget.left(&spent, dimension).unwrap_or(1_000)
    }

    /// Wants and begins a call that costs at most this.
    fn begin(&mut self, estimate: Cost) -> (ProposalId, EntryId) {
        let intent = Intent {
            v: 1,
            trajectory: self.p.trajectory,
            turn: self.p.next_turn,
            ordinal: 0,
            author: Author::Model,
            tool: "work".into(),
            args: serde_json::json!({}),
        };
        self.add(&Body::Intent(Intended {
            intent: intent.clone(),
            call: String::new(),
            routing: None,
            compensates: None,
            again: None,
        }));
        let facts = facts(&intent);
        let proposal = Proposal {
            v: 1,
            intent,
            tool: None,
            writs: self.ids.clone(),
            resolved: Some(Resolved {
                estimate,
                ..Resolved::pure()
            }),
            policy_set: PolicySet::builtin().id(),
            compiler: "the model of a test".into(),
        };
        let id = proposal.id().unwrap();
        let key = proposal.idempotency_key("").unwrap();
        let decided = Decided {
            proposal,
            facts,
            trace: Trace::default(),
        };
        let started = self.add(&Body::Started(Box::new(Started {
            decided: decided.into(),
            proposal: id,
            key,
            rung: Rung::L3,
            approvals: Vec::new(),
            reserved: estimate,
            pre_answered: Vec::new(),
        })));
        (id, started)
    }

    fn commit(&mut self, proposal: ProposalId, started: EntryId, cost: Cost) {
        self.add(&Body::Commit(Box::new(Commit {
            proposal,
            started,
            outcome: Outcome::said("done", "done"),
            cost,
            compensates: None,
            unkept: None,
        })));
    }

    /// After a crash: what it used is charged, the rest given back.
    fn reconcile(&mut self, proposal: ProposalId, started: EntryId, cost: Cost) {
        self.add(&Body::Reconciled(Reconciled {
            proposal,
            started,
            resolution: Resolution::GaveUp,
            reason: String::new(),
            by: party("ada", &operator_key()),
            signature: operator_key().sign(Domain::Reconciliation, b""),
            cost,
        }));
    }
}

struct Family {
    members: Vec<Member>,
    chance: Chance,
    born: u64,
    /// Calls that did not fit.
    refused: u64,
}

impl Family {
    fn new(number: u64) -> Self {
        let budget = Budget {
            tokens: Some(500_000),
            tool_calls: Some(4_000),
            wall_clock_ms: Some(9_000_000),
            usd_millicents: None,
        };
        let first = writ()
            .budget(budget)
            .with(|writ| writ.delegation.max_depth = DEPTH as u32)
            .signed();
        Self {
            members: vec![Member::new(number << 32, vec![first], None)],
            chance: Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            born: number << 32,
            refused: 0,
        }
    }

    fn alive(&mut self) -> usize {
        let alive: Vec<usize> = (0..self.members.len())
            .filter(|at| !self.members[*at].ended && !self.members[*at].cut)
            .collect();
        alive[self.chance.below(alive.len() as u64) as usize]
    }

    fn deepest(&self) -> usize {
        let alive = self.members.iter().enumerate();
        let alive = alive.filter(|(_, member)| !member.ended && !member.cut);
        let deepest = alive.max_by_key(|(_, member)| member.depth);
        deepest.map_or(0, |(at, _)| at)
    }

    fn happens(&mut self) {
        // Every other thing happens in the youngest generation, which works and orders and is left alone.
        if self.chance.below(2) == 0 {
            let at = self.deepest();
            return match self.chance.below(2) {
                0 => self.delegate(at),
                _ => self.work(at),
            };
        }
        let at = self.alive();
        match self.chance.below(16) {
            0 | 1 => self.delegate(at),
            2 if at != 0 => self.end(at),
            3 if at != 0 => self.cut(at),
            4 => self.crash(at),
            _ => self.work(at),
        }
    }

    fn most(&mut self) -> Cost {
        Cost {
            tokens: self.chance.below(400),
            tool_calls: 1,
            wall_clock_ms: self.chance.below(8_000),
            usd_millicents: self.chance.below(50),
        }
    }

    fn work(&mut self, at: usize) {
        let estimate = self.most();
        if !self.members[at].affords(&estimate) {
            self.refused += 1;
            return;
        }
        let (proposal, started) = self.members[at].begin(estimate);
        let cost = self.chance.cost(&estimate);
        let member = &mut self.members[at];
        if self.chance.below(4) == 0 {
            // Nobody ended it; it did happen, and what it used is not known until it is settled.
            member.open.push((proposal, started, cost));
        } else {
            member.commit(proposal, started, cost);
            member.used = member.used.plus(&cost);
        }
    }

    fn crash(&mut self, at: usize) {
        let member = &mut self.members[at];
        for (proposal, started, cost) in std::mem::take(&mut member.open) {
            member.reconcile(proposal, started, cost);
            member.used = member.used.plus(&cost);
        }
    }

    fn delegate(&mut self, at: usize) {
        if self.members[at].depth == DEPTH {
            return;
        }
        // Often more than there is, and otherwise enough for generations to come.
        let left = |dimension| self.members[at].left(dimension).saturating_mul(9) / 8;
        let most = Cost {
            tokens: left(Dimension::Tokens),
            tool_calls: left(Dimension::ToolCalls),
            wall_clock_ms: left(Dimension::WallClockMs),
            usd_millicents: left(Dimension::UsdMillicents).min(500),
        };
        let share = Cost {
            tool_calls: most.tool_calls / 2 + self.chance.below(most.tool_calls / 2 + 1),
            ..self.chance.cost(&most)
        };
        let estimate = share.plus(&one_call());
        if !self.members[at].affords(&estimate) {
            self.refused += 1;
            return;
        }
        let parent = &mut self.members[at];
        let (proposal, started) = parent.begin(estimate);
        self.born += 1;
        let budget = Budget {
            tokens: Some(share.tokens),
            tool_calls: Some(share.tool_calls),
            wall_clock_ms: Some(share.wall_clock_ms),
            usd_millicents: Some(share.usd_millicents),
        };
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.born.to_be_bytes());
        let writ = writ()
            .below(&parent.chain[parent.depth])
            .budget(budget)
            .with(|writ| writ.nonce = thymos_core::writ::Writ::nonce(nonce))
            .signed_by(&subject_key());
        let mut chain = parent.chain.clone();
        chain.push(writ);
        let above = Some((at, proposal, started));
        self.members.push(Member::new(self.born, chain, above));
    }

    /// What a child cost goes to its parent, and its own children end before it does.
    fn end(&mut self, at: usize) {
        for below in 0..self.members.len() {
            let under = self.members[below]
                .above
                .is_some_and(|(above, ..)| above == at);
            if under && !self.members[below].ended {
                self.end(below);
            }
        }
        self.crash(at);
        let member = &mut self.members[at];
        member.ended = true;
        let (used, total) = (member.used, member.p.total);
        assert_eq!(used, total, "what an ended run cost is what it used");
        let Some((above, proposal, started)) = member.above else {
            return;
        };
        let cost = total.plus(&one_call());
        let crashed = self.chance.below(3) == 0;
        let parent = &mut self.members[above];
        if crashed {
            parent.reconcile(proposal, started, cost);
        } else {
            parent.commit(proposal, started, cost);
        }
        parent.used = parent.used.plus(&cost);
    }

    /// A writ is revoked: it and all below it do nothing more, and what they used still counts.
    fn cut(&mut self, at: usize) {
        let (above, ..) = self.members[at].above.unwrap();
        let writ = self.members[at].leaf();
        self.members[above].add(&Body::WritRevoked(WritRevoked {
            used: None,
            writ,
            reason: String::new(),
            by: party("ada", &operator_key()),
            signature: operator_key().sign(Domain::Revocation, b""),
        }));
        for member in &mut self.members {
            member.cut |= member.ids.contains(&writ);
        }
    }

    /// What everybody together used, ended or not.
    fn used(&self) -> Cost {
        let own = |at: usize, member: &Member| {
            let open = member.open.iter().map(|(_, _, cost)| cost);
            let open = open.fold(Cost::default(), |sum, cost| sum.plus(cost));
            let below = self
                .members
                .iter()
                .filter(|other| other.ended && other.above.is_some_and(|(above, ..)| above == at));
            // Charged above when it ended; it is counted where it happened.
            let charged = below.fold(Cost::default(), |sum, other| sum.plus(&other.used));
            member.used.plus(&open).minus(&charged)
        };
        let all = self.members.iter().enumerate();
        all.map(|(at, member)| own(at, member))
            .fold(Cost::default(), |sum, cost| sum.plus(&cost))
    }

    /// After each event: the first writ is never spent beyond what it grants.
    fn first_holds(&self, number: u64) {
        let first = &self.members[0];
        let spent = first.p.spent.get(&first.leaf()).copied();
        let (budget, spent) = (first.chain[0].writ.budget, spent.unwrap_or_default());
        for dimension in Dimension::ALL {
            let limit = budget.limit(dimension).unwrap_or(u64::MAX);
            let spent = spent.amount(dimension);
            assert!(
                spent <= limit,
                "family {number}: {spent} {dimension} of {limit} counted"
            );
        }
    }

    fn check(&self, number: u64) {
        let first = &self.members[0];
        let (budget, used) = (first.chain[0].writ.budget, self.used());
        let spent = first
            .p
            .spent
            .get(&first.leaf())
            .copied()
            .unwrap_or_default();
        for dimension in Dimension::ALL {
            let limit = budget.limit(dimension).unwrap_or(u64::MAX);
            let (used, spent) = (used.amount(dimension), spent.amount(dimension));
            assert!(
                spent <= limit,
                "family {number}: {spent} {dimension} of {limit} counted"
            );
            assert!(
                used <= spent,
                "family {number}: {used} {dimension} used, {spent} counted"
            );
        }
        for member in &self.members {
            let own = member.chain[member.depth].writ.budget;
            let spent = member
                .p
                .spent
                .get(&member.leaf())
                .copied()
                .unwrap_or_default();
            assert_eq!(own.shortfall(&spent, &Cost::default()), None);
            for dimension in Dimension::ALL {
                let limit = own.limit(dimension).unwrap_or(u64::MAX);
                assert!(
                    spent.amount(dimension) <= limit,
                    "family {number}: a child overspent"
                );
            }
        }
    }
}

#[test]
fn w6_t4_a_family_never_uses_more_than_its_first_writ_had_whatever_happens_in_whatever_order() {
    let (mut born, mut refused, mut deepest) = (0, 0, 0);
    for number in 1..=FAMILIES {
        let mut family = Family::new(number);
        for _ in 0..EVENTS {
            family.happens();
            family.first_holds(number);
        }
        family.check(number);
        family.end(0);
        family.check(number);
        let first = &family.members[0];
        let spent = first.p.spent[&first.leaf()];
        assert_eq!(
            spent,
            family.used(),
            "family {number}: something was lost or made up"
        );
        born += family.members.len();
        refused += family.refused;
        let depths = family.members.iter().map(|member| member.depth);
        deepest = deepest.max(depths.max().unwrap_or_default());
    }
    assert_eq!(deepest, DEPTH, "no family went as deep");
    assert!(born > 100, "only {born} trajectories");
    assert!(refused > 100, "only {refused} calls did not fit");
}
