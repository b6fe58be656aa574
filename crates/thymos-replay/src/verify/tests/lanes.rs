//! One report, however many lanes there are and whichever trajectories they are dealt `[Q6]`.

use std::sync::Arc;

use thymos_core::body::{
    Closed, Delegation, DelegationResult, Message, ParentLink, Stop, WritRevoked,
};
use thymos_core::id::ProposalId;

use super::branches::Rows;
use super::*;
use crate::past::Past;

pub(super) fn inline(mut verifier: Verifier, rows: &[Row]) -> Report {
    for row in rows {
        verifier.push(row);
    }
    verifier.finish(None)
}

/// Numbers that look drawn.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: usize) -> usize {
        self.0 = next(self.0);
        usize::try_from(self.0 >> 16).unwrap() % most
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

fn strangers() -> Vec<TrajectoryId> {
    let own = (0..9_u8).map(|one| TrajectoryId::of(&[one]));
    own.chain([line(), cuts::child()]).collect()
}

/// The ways of trajectories that decide something, and of others that look at them and at one another,
/// in an order that is drawn. Much of it contradicts itself, and not always the same.
fn drawn(seed: u64) -> Log {
    let mut draw = Draw(seed);
    let mut told: Vec<Vec<(TrajectoryId, EntryId, Body)>> = Vec::new();
    let log = match draw.once_in(2) {
        true => super::log(),
        false => cuts::family(),
    };
    let mut lines: BTreeMap<TrajectoryId, Vec<_>> = BTreeMap::new();
    for row in &log.rows {
        let entry = row.entry.as_ref().unwrap();
        let BodyState::Known(body) = entry.decode() else {
            panic!("no body");
        };
        let line = lines.entry(entry.header.trajectory).or_default();
        line.push((entry.header.trajectory, entry.id, body));
    }
    told.extend(lines.into_values());
    told.iter_mut().for_each(|line| line.reverse());
    let mut log = Log::default();
    let mut ids: Vec<(EntryId, EntryId)> = Vec::new();
    for _ in 0..120 {
        let at = draw.below(told.len() + 3);
        match told.get_mut(at).map(Vec::pop) {
            Some(Some((line, old, body))) => {
                let body = moved(&body, &ids);
                ids.push((old, log.add_to(line, &body)));
            }
            Some(_) | None => {
                let mut who = draw.of(&strangers());
                if (who == line() || who == cuts::child()) && !draw.once_in(40) {
                    who = TrajectoryId::of(&[0]);
                }
                let body = said(&mut draw, &log, who);
                log.add_to(who, &body);
            }
        }
    }
    damage(&mut draw, &mut log);
    log
}

/// A body with the entries it names where they are now.
fn moved(body: &Body, ids: &[(EntryId, EntryId)]) -> Body {
    let bytes = body.encode().unwrap();
    let mut text = String::from_utf8(bytes.as_bytes().to_vec()).unwrap();
    for (old, new) in ids {
        text = text.replace(&old.to_string(), &new.to_string());
    }
    let draft = Draft {
        trajectory: line(),
        kind: body.kind(),
        at: Timestamp(0),
        writer: operator().public(),
        salt: Salt::from_bytes([3; 32]),
        body: canonical::value_to_bytes(&canonical::parse(text.as_bytes()).unwrap()).unwrap(),
    };
    let position = Position {
        log: LogId::of(b"log"),
        index: 0,
        seq: 0,
        prev: None,
    };
    let BodyState::Known(body) = draft.place(&position).unwrap().decode() else {
        panic!("a body that cannot be read");
    };
    body
}

/// What one trajectory says, most of it of another.
fn said(draw: &mut Draw, log: &Log, who: TrajectoryId) -> Body {
    let entries: Vec<&Entry> = log
        .rows
        .iter()
        .map(|row| row.entry.as_ref().unwrap())
        .collect();
    let begun = entries.iter().any(|entry| entry.header.trajectory == who);
    let entry = match entries.is_empty() {
        true => EntryId::of(b"none"),
        false => draw.of(&entries).id,
    };
    if !begun && !draw.once_in(12) {
        let parent = ParentLink {
            trajectory: draw.of(&strangers()),
            entry,
        };
        return Body::Root(Root {
            v: 1,
            workspace: draw.of(&["/srv", "/elsewhere"]).into(),
            tenant: String::new(),
            operator: party("ann", &operator()),
            subject: party("agent", &agent()),
            parent: (!draw.once_in(3)).then_some(parent),
        });
    }
    crossing(draw)
}

/// What trajectories say that other ones rest on.
fn crossing(draw: &mut Draw) -> Body {
    let other = draw.of(&strangers());
    let writs = [writ().id().unwrap(), WritId::of(b"none")];
    match draw.below(12) {
        0 => Body::Delegation(Delegation {
            proposal: ProposalId::of(b"one"),
            child: other,
            writ: draw.of(&writs),
            task: draw.of(&["this", "that"]).into(),
        }),
        1 | 2 => Body::DelegationResult(DelegationResult {
            child: other,
            stop: draw.of(&["done", "failed"]).into(),
            result: draw.of(&["this", "that"]).into(),
            cost: draw.of(&[Cost::default(), one_call()]),
        }),
        3 | 6 | 9 => Body::WritRevoked(WritRevoked {
            writ: draw.of(&writs),
            reason: String::new(),
            by: party("ann", &operator()),
            signature: operator().sign(Domain::Revocation, b"not this"),
            used: None,
        }),
        4 | 7 | 8 => Body::Closed(Closed {
            stop: Stop::Done,
            turns: 1,
        }),
        5 => {
            let mut writ = writ();
            if draw.once_in(2) {
                writ.writ.name = "forged".into();
            }
            Body::WritIssued(Box::new(WritIssued {
                id: draw.of(&writs),
                writ,
                reason: String::new(),
                reserved: None,
                session: draw.once_in(2).then_some(other),
            }))
        }
        _ => Body::Message(Message {
            role: draw.of(&[Role::Model, Role::Model, Role::Parent, Role::Operator]),
            text: draw.of(&["this", "that"]).into(),
            reasoning: String::new(),
            provider_state: None,
            turn: 0,
        }),
    }
}

/// Some bodies are gone, an entry is, and one has moved.
fn damage(draw: &mut Draw, log: &mut Log) {
    let all = log.rows.len();
    for _ in 0..draw.below(3) {
        log.entry(draw.below(all)).content = None;
    }
    if draw.once_in(4) {
        log.rows.remove(draw.below(all));
    }
    if draw.once_in(4) {
        let (one, other) = (draw.below(all - 1), draw.below(all - 1));
        log.rows.swap(one, other);
    }
    if draw.once_in(4) {
        log.entry(draw.below(all - 1)).header.trajectory = draw.of(&strangers());
    }
}

fn verifier(log: &Log, level: Level) -> Verifier {
    let past: Arc<dyn Past> = Arc::new(Rows::of(log));
    let verifier = Verifier::new(level, roots()).with_past(past);
    verifier.remembering(6)
}

#[test]
fn q6_the_report_is_the_same_however_trajectories_are_dealt_to_lanes() {
    let (mut checks, mut findings) = (BTreeSet::new(), 0);
    for seed in 0..45 {
        let log = drawn(seed);
        let level = [Level::V2, Level::V3, Level::V4][usize::try_from(seed % 3).unwrap()];
        let alone = inline(verifier(&log, level), &log.rows);
        for many in 2..=4 {
            let kin = verifier(&log, level).with_lanes(many);
            assert_eq!(inline(kin.clone(), &log.rows), alone, "seed {seed}, {many}");
            let mut shuffled = kin;
            shuffled.front.shuffled = Some(seed * 7 + many as u64);
            let dealt = inline(shuffled, &log.rows);
            assert_eq!(dealt, alone, "seed {seed}, {many}, shuffled");
        }
        findings += alone.findings.len();
        checks.extend(alone.findings.iter().map(|finding| finding.what.check));
    }
    // What was drawn meets what crosses trajectories.
    for check in [
        "facts.revoked",
        "ordered or branched",
        "parent",
        "result of the delegated run",
        "task",
        "tenant and workspace of the run above",
    ] {
        assert!(checks.contains(check), "`{check}` is not among {checks:?}");
    }
    assert!(findings > 1_000, "{findings}");
}

/// Families are worth a lane each, and no more is moved than that takes.
#[test]
fn q6_trajectories_that_do_not_look_at_one_another_are_dealt_to_all_lanes() {
    let mut log = Log::default();
    let root = |parent: Option<ParentLink>| {
        Body::Root(Root {
            v: 1,
            workspace: "/srv".into(),
            tenant: String::new(),
            operator: party("ann", &operator()),
            subject: party("agent", &agent()),
            parent,
        })
    };
    for one in 0..4_u8 {
        let (above, below) = (TrajectoryId::of(&[one]), TrajectoryId::of(&[one, 0]));
        let entry = log.add_to(above, &root(None));
        let parent = ParentLink {
            trajectory: above,
            entry,
        };
        log.add_to(below, &root(Some(parent)));
    }
    let mut verifier = Verifier::new(Level::V4, roots()).with_lanes(2);
    log.rows.iter().for_each(|row| verifier.push(row));
    let held: Vec<usize> = verifier.lanes.iter().map(|lane| lane.lines.len()).collect();
    assert_eq!(held.iter().sum::<usize>(), 8);
    assert!(held.iter().all(|held| *held >= 2), "{held:?}");
    for one in 0..4_u8 {
        let (above, below) = (TrajectoryId::of(&[one]), TrajectoryId::of(&[one, 0]));
        let together =
            |lane: &Lane| lane.lines.contains_key(&above) == lane.lines.contains_key(&below);
        assert!(verifier.lanes.iter().all(together));
    }
}
