//! Each rule, broken alone: a rule that was never seen to fire proves nothing.
//!
//! A story that was told is changed in one place, as a kernel that breaks this rule and no other would
//! have written it.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use thymos_core::approval::Decision;
use thymos_core::body::{Body, Failure, Resolution, Stop};
use thymos_core::budget::Cost;
use thymos_core::effect::Effects;
use thymos_core::outcome::{Fault, FaultKind};
use thymos_core::trace::Ruling;
use thymos_core::writ::Writ;
use thymos_core::{EntryId, TrajectoryId};

use super::rules::{RULES, broken};
use super::story::tell;
use super::told::{Line, Told};
use super::tools::{ONCE, Ran};

/// Stories to change something in, told once.
static STORIES: LazyLock<Vec<Told>> = LazyLock::new(|| {
    let seeds = SEEDS.iter();
    seeds.map(|seed| tell(*seed, false)).collect()
});

/// Seeds whose stories hold, together, something of everything that a forgery changes.
const SEEDS: &[u64] = &[9, 10, 11, 12, 13, 14, 30];

/// Changes a story, or finds nothing in it to change.
type Forge = fn(&mut Told) -> Option<()>;

/// A rule by name, and a change that breaks it and no other.
const FORGERIES: &[(&str, Forge)] = &[
    ("a body runs once it is announced", runs_twice),
    ("a body runs once it is announced", runs_unannounced),
    (
        "a body runs once it is announced",
        runs_before_it_is_durable,
    ),
    ("a body runs once it is announced", runs_out_of_turn),
    ("a body runs once it is announced", never_runs),
    ("what began ends once or is in doubt", ends_twice),
    ("what began ends once or is in doubt", doubt_is_not_listed),
    ("what was found out is true", found_done_and_was_not),
    ("once for a key, by the record", begins_what_is_done),
    ("once for a key, in the world", begins_what_happened),
    ("nothing begins under a cut writ", cut_before),
    ("nothing begins outside a window", window_closed),
    (
        "a child's writ is narrower",
        child_does_what_its_parent_may_not,
    ),
    ("a child's writ is narrower", child_may_go_deeper),
    ("nothing begins beyond a budget", limit_is_less),
    ("facts tell what was spent", facts_tell_less),
    ("calls below a writ are counted", calls_that_cost_nothing),
    ("a child spends what was reserved", child_costs_more),
    ("a child spends what was reserved", nothing_was_reserved),
    ("nothing forbidden begins", a_line_forbids),
    ("what is asked is answered", answers_are_gone),
    ("what is asked is answered", quorum_is_three),
    ("what is asked is answered", answer_is_to_another),
    ("a denial is final", denied_before),
    ("a pre-answer is counted", used_too_often),
    ("an answer is acted on", denied_and_waits),
    ("an answer that cannot count does not", stranger_is_accepted),
    ("a refusal names its clause", reason_is_empty),
    ("a refusal names its clause", nobody_forbids),
    ("a child reports to its parent", report_is_lost),
    ("a child reports to its parent", authority_is_kept),
    (
        "a live session is the fold of its record",
        view_has_another_world,
    ),
    (
        "a live session is the fold of its record",
        view_forgets_a_hold,
    ),
    ("a live session is the fold of its record", view_spent_more),
    ("the record verifies", a_byte_is_changed),
    ("the record verifies", an_entry_is_gone),
    ("no secret is stored", a_secret_is_stored),
];

#[test]
fn t13_each_rule_fires_when_it_alone_is_broken() {
    let mut offences = Vec::new();
    for (rule, forge) in FORGERIES {
        let forged = STORIES.iter().find_map(|story| {
            let mut forged = story.clone();
            forge(&mut forged).map(|()| forged)
        });
        let Some(forged) = forged else {
            offences.push(format!("no story to break `{rule}` in"));
            continue;
        };
        let found = broken(&forged);
        let names: BTreeSet<&str> = found.iter().map(|(name, _)| *name).collect();
        if names != BTreeSet::from([*rule]) {
            offences.push(format!("`{rule}` broken, found {found:#?}"));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn t13_every_rule_is_broken_by_some_forgery_and_by_no_story() {
    for rule in RULES {
        let broken = FORGERIES.iter().any(|(name, _)| *name == rule.name);
        assert!(broken, "`{}` was never seen to fire", rule.name);
    }
    for story in STORIES.iter() {
        assert_eq!(broken(story), []);
    }
}

/// Positions of the entries that this is true of.
fn places(told: &Told, wanted: impl Fn(&Line) -> bool) -> Vec<usize> {
    let all = told.lines.iter().enumerate();
    all.filter(|(_, line)| wanted(line))
        .map(|(at, _)| at)
        .collect()
}

fn started(line: &Line) -> Option<&thymos_core::body::Started> {
    match &line.body {
        Body::Started(work) => Some(work),
        _ => None,
    }
}

/// Puts an entry behind the last one, as if it had been written then.
fn append(told: &mut Told, trajectory: TrajectoryId, body: Body) {
    let own = |line: &&Line| line.trajectory == trajectory;
    let last = told.lines.iter().rfind(own).unwrap();
    let (seq, at) = (last.seq + 1, last.at);
    let index = told.lines.last().unwrap().index + 1;
    told.lines.push(Line {
        index,
        trajectory,
        seq,
        at,
        id: EntryId::of(&index.to_be_bytes()),
        body,
    });
}

fn runs_twice(told: &mut Told) -> Option<()> {
    let last = told
        .runs
        .iter()
        .rfind(|run| !ONCE.contains(&run.tool.as_str()))?
        .clone();
    told.runs.push(last);
    Some(())
}

fn runs_unannounced(told: &mut Told) -> Option<()> {
    let mut run = told.runs.first()?.clone();
    run.started = EntryId::of(b"nobody");
    told.runs.push(run);
    Some(())
}

fn runs_before_it_is_durable(told: &mut Told) -> Option<()> {
    let run = told.runs.first_mut()?;
    let line = told.lines.iter().find(|line| line.id == run.started)?;
    run.durable = line.index;
    Some(())
}

fn runs_out_of_turn(told: &mut Told) -> Option<()> {
    let (first, second) = (told.runs.first()?, told.runs.get(1)?);
    (first.trajectory == second.trajectory).then_some(())?;
    told.runs.swap(0, 1);
    Some(())
}

fn never_runs(told: &mut Told) -> Option<()> {
    let sealed = |id: EntryId| {
        told.lines
            .iter()
            .any(|line| matches!(&line.body, Body::Commit(body) if body.started == id))
    };
    let at = told.runs.iter().position(|run| sealed(run.started))?;
    told.runs.remove(at);
    Some(())
}

fn ends_twice(told: &mut Told) -> Option<()> {
    // Of a call that no budget counts, so that nothing else is wrong with it.
    let at = *places(told, |line| matches!(line.body, Body::Commit(_))).last()?;
    let line = told.lines[at].clone();
    append(told, line.trajectory, line.body);
    Some(())
}

fn doubt_is_not_listed(told: &mut Told) -> Option<()> {
    let rest = told.rest.first_mut()?;
    rest.in_doubt += 1;
    Some(())
}

fn found_done_and_was_not(told: &mut Told) -> Option<()> {
    for line in &mut told.lines {
        if let Body::Reconciled(body) = &mut line.body {
            let started = body.started;
            let happened = told
                .runs
                .iter()
                .any(|run| run.started == started && run.effect);
            body.resolution = match happened {
                true => Resolution::FoundUndone,
                false => Resolution::FoundDone,
            };
            return Some(());
        }
    }
    None
}

/// Makes the tool of two calls that began the same once-tool, with one key, done at its first end.
fn begins_what_is_done(told: &mut Told) -> Option<()> {
    let (first, second) = two_runs(told)?;
    one_key(told, first, second);
    // The world is spared: the first did nothing there.
    let id = told.lines[first].id;
    for run in told.runs.iter_mut().filter(|run| run.started == id) {
        run.effect = false;
    }
    Some(())
}

fn begins_what_happened(told: &mut Told) -> Option<()> {
    let (first, second) = two_runs(told)?;
    let id = told.lines[first].id;
    // The record calls it a failure, and it happened all the same.
    let end = places(
        told,
        |line| matches!(&line.body, Body::Commit(body) if body.started == id),
    );
    let end = *end.first()?;
    let Body::Commit(commit) = told.lines[end].body.clone() else {
        return None;
    };
    told.lines[end].body = failure(commit.proposal, commit.started, commit.cost);
    one_key(told, first, second);
    Some(())
}

/// Two once-calls on one trajectory, the first committed with its effect before the second began.
fn two_runs(told: &Told) -> Option<(usize, usize)> {
    let once = places(told, |line| {
        started(line).is_some_and(|work| ONCE.contains(&work.decided.proposal.intent.tool.as_str()))
    });
    let committed = |at: usize| {
        let id = told.lines[at].id;
        let mut ends = told.lines.iter();
        let end = ends.find(|line| matches!(&line.body, Body::Commit(body) if body.started == id));
        end.map(|line| line.index)
    };
    once.iter().find_map(|first| {
        let end = committed(*first)?;
        let same = |second: &&usize| {
            told.lines[**second].index > end
                && told.lines[**second].trajectory == told.lines[*first].trajectory
        };
        once.iter().find(same).map(|second| (*first, *second))
    })
}

fn one_key(told: &mut Told, first: usize, second: usize) {
    let key = started(&told.lines[first]).unwrap().key;
    if let Body::Started(work) = &mut told.lines[second].body {
        work.key = key;
    }
}

fn cut_before(told: &mut Told) -> Option<()> {
    // A revocation that really came later, read as if it had come first.
    let cut = places(told, |line| matches!(line.body, Body::WritRevoked(_)));
    for at in cut {
        let Body::WritRevoked(body) = &told.lines[at].body else {
            continue;
        };
        let writ = body.writ;
        let ordered = told
            .lines
            .iter()
            .any(|line| matches!(&line.body, Body::Delegation(order) if order.writ == writ));
        let begun = places(told, |line| {
            started(line).is_some_and(|work| work.decided.proposal.writs.contains(&writ))
        });
        if let Some(first) = begun.first().filter(|first| **first < at && !ordered) {
            let body = told.lines[at].body.clone();
            let other = told.lines[*first].trajectory;
            // Where it stands in the log is all that is forged.
            let line = Line {
                body,
                trajectory: other,
                ..told.lines[*first].clone()
            };
            let mut early = line;
            early.id = EntryId::of(b"early");
            told.lines.insert(*first, early);
            return Some(());
        }
    }
    None
}

fn window_closed(told: &mut Told) -> Option<()> {
    let at = *places(told, |line| started(line).is_some()).first()?;
    let writs = writs_of(told, at);
    let moment = told.lines[at].at;
    let line = issued(told, *writs.first()?)?;
    let closed = thymos_core::Timestamp(moment.as_ms());
    change_writ(&mut told.lines[line], |writ| {
        writ.window.expires_at = Some(closed);
    });
    Some(())
}

fn writs_of(told: &Told, at: usize) -> Vec<thymos_core::WritId> {
    started(&told.lines[at]).map_or_else(Vec::new, |work| work.decided.proposal.writs.clone())
}

fn issued(told: &Told, id: thymos_core::WritId) -> Option<usize> {
    let found = places(
        told,
        |line| matches!(&line.body, Body::WritIssued(body) if body.id == id),
    );
    found.last().copied()
}

fn change_writ(line: &mut Line, change: impl FnOnce(&mut Writ)) {
    if let Body::WritIssued(body) = &mut line.body {
        change(&mut body.writ.writ);
    }
}

/// The last place where a child's writ is told, which is where rules read it.
fn child_writ(told: &Told) -> Option<usize> {
    let orders = places(told, |line| matches!(line.body, Body::Delegation(_)));
    let Body::Delegation(order) = &told.lines[*orders.first()?].body else {
        return None;
    };
    issued(told, order.writ)
}

fn child_does_what_its_parent_may_not(told: &mut Told) -> Option<()> {
    let at = child_writ(told)?;
    let Body::WritIssued(body) = &told.lines[at].body else {
        return None;
    };
    let (own, parent) = (body.id, body.writ.writ.parent?);
    places(told, |line| {
        started(line).is_some_and(|work| work.decided.proposal.writs.contains(&own))
    })
    .first()?;
    let none = Effects::Only(BTreeSet::new());
    let line = issued(told, parent)?;
    change_writ(&mut told.lines[line], |writ| writ.effects = none);
    Some(())
}

fn child_may_go_deeper(told: &mut Told) -> Option<()> {
    let at = child_writ(told)?;
    change_writ(&mut told.lines[at], |writ| writ.delegation.max_depth = 99);
    Some(())
}

fn limit_is_less(told: &mut Told) -> Option<()> {
    // Tokens that are spent already, of a writ under which something still begins: no call is reserved
    // for a child, and calls are counted by another rule.
    let begun = places(told, |line| {
        started(line).is_some_and(|work| {
            work.reserved.wall_clock_ms > 0 && work.decided.proposal.intent.tool != "delegate"
        })
    });
    let at = *begun.first()?;
    let line = issued(told, *writs_of(told, at).first()?)?;
    change_writ(&mut told.lines[line], |writ| {
        writ.budget.wall_clock_ms = Some(0);
    });
    let only = broken(told)
        .iter()
        .all(|(name, _)| *name == "nothing begins beyond a budget");
    only.then_some(())
}

fn facts_tell_less(told: &mut Told) -> Option<()> {
    let at = *places(told, |line| started(line).is_some()).last()?;
    if let Body::Started(work) = &mut told.lines[at].body {
        let spent = Arc::make_mut(&mut work.decided)
            .facts
            .spent
            .values_mut()
            .next()?;
        spent.tokens += 1;
    }
    Some(())
}

/// Calls that cost nothing are calls all the same.
fn calls_that_cost_nothing(told: &mut Told) -> Option<()> {
    let plain = places(told, |line| {
        started(line).is_some_and(|work| {
            let tool = work.decided.proposal.intent.tool.as_str();
            work.approvals.is_empty()
                && work.pre_answered.is_empty()
                && tool == "grep"
                && work.decided.proposal.writs.len() == 1
        })
    });
    let first = told.lines[*plain.last()?].clone();
    let work = started(&first)?.clone();
    let writ = *work.decided.proposal.writs.first()?;
    let Body::WritIssued(issued) = &told.lines[issued(told, writ)?].body else {
        return None;
    };
    let limit = issued.writ.writ.budget.tool_calls?;
    let cut = |line: &Line| matches!(&line.body, Body::WritRevoked(body) if body.writ == writ);
    (!told.lines.iter().any(cut)).then_some(())?;
    let spent = super::rules::spent(told, first.trajectory);
    for _ in 0..=limit {
        let mut work = work.clone();
        work.reserved = Cost::default();
        Arc::make_mut(&mut work.decided)
            .facts
            .spent
            .clone_from(&spent);
        append(
            told,
            first.trajectory,
            Body::Started(Box::new(work.clone())),
        );
        let line = told.lines.last_mut()?;
        line.at = first.at;
        let (id, durable) = (line.id, line.index + 1);
        told.runs.push(Ran {
            started: id,
            trajectory: first.trajectory,
            tool: "grep".into(),
            durable,
            effect: false,
        });
        append(
            told,
            first.trajectory,
            failure(work.proposal, id, Cost::default()),
        );
    }
    Some(())
}

fn failure(proposal: thymos_core::ProposalId, started: EntryId, cost: Cost) -> Body {
    Body::Failure(Failure {
        proposal,
        started,
        fault: Fault {
            kind: FaultKind::BadDelta,
            message: "forged".into(),
            deltas: Vec::new(),
            observation: String::new(),
        },
        cost,
        unkept: None,
    })
}

fn child_costs_more(told: &mut Told) -> Option<()> {
    let mut lines = told.lines.iter_mut();
    lines.find_map(|line| match &mut line.body {
        Body::DelegationResult(body) => {
            body.cost.usd_millicents += 1;
            Some(())
        }
        _ => None,
    })
}

fn nothing_was_reserved(told: &mut Told) -> Option<()> {
    // The newest delegation, after which nothing was decided on what was spent.
    let begun = places(told, |line| {
        started(line).is_some_and(|work| work.decided.proposal.intent.tool == "delegate")
    });
    for at in begun.into_iter().rev() {
        let mut forged = told.clone();
        if let Body::Started(work) = &mut forged.lines[at].body {
            work.reserved = Cost::default();
        }
        let found = broken(&forged);
        let only = found
            .iter()
            .all(|(name, _)| *name == "a child spends what was reserved");
        if only && !found.is_empty() {
            *told = forged;
            return Some(());
        }
    }
    None
}

fn a_line_forbids(told: &mut Told) -> Option<()> {
    let at = *places(told, |line| started(line).is_some()).first()?;
    if let Body::Started(work) = &mut told.lines[at].body {
        Arc::make_mut(&mut work.decided)
            .trace
            .lines
            .first_mut()?
            .ruling = Ruling::Forbid;
    }
    Some(())
}

fn answers_are_gone(told: &mut Told) -> Option<()> {
    let mut lines = told.lines.iter_mut();
    lines.find_map(|line| match &mut line.body {
        Body::Started(work) if !work.approvals.is_empty() => {
            work.approvals.clear();
            Some(())
        }
        _ => None,
    })
}

fn quorum_is_three(told: &mut Told) -> Option<()> {
    let begun = places(told, |line| {
        started(line).is_some_and(|work| !work.approvals.is_empty())
    });
    let proposal = started(&told.lines[*begun.first()?])?.proposal;
    let mut lines = told.lines.iter_mut();
    lines.find_map(|line| match &mut line.body {
        Body::PendingApproval(held) if held.decided.proposal.id().unwrap() == proposal => {
            held.terms.asks.first_mut()?.quorum = 3;
            Some(())
        }
        _ => None,
    })
}

fn answer_is_to_another(told: &mut Told) -> Option<()> {
    let begun = places(told, |line| {
        started(line).is_some_and(|work| !work.approvals.is_empty())
    });
    let answer = *started(&told.lines[*begun.first()?])?.approvals.first()?;
    let line = told.lines.iter_mut().find(|line| line.id == answer)?;
    if let Body::Approval(body) = &mut line.body {
        body.signed.answer.proposal = thymos_core::ProposalId::from_bytes([9; 32]);
    }
    Some(())
}

fn denied_before(told: &mut Told) -> Option<()> {
    let begun = places(told, |line| {
        started(line).is_some_and(|work| !work.approvals.is_empty())
    });
    let at = *begun.first()?;
    let work = started(&told.lines[at])?;
    let answer = *work.approvals.first()?;
    let said = told.lines.iter().find(|line| line.id == answer)?.clone();
    let mut no = said.clone();
    no.id = EntryId::of(b"a no");
    if let Body::Approval(body) = &mut no.body {
        body.signed.answer.decision = Decision::Deny;
    }
    let after = told.lines.iter().position(|line| line.id == answer)?;
    told.lines.insert(after + 1, no);
    Some(())
}

fn used_too_often(told: &mut Told) -> Option<()> {
    let begun = places(told, |line| {
        started(line).is_some_and(|work| !work.pre_answered.is_empty())
    });
    let work = started(&told.lines[*begun.first()?])?;
    let line = issued(told, *work.pre_answered.first()?)?;
    if let Body::WritIssued(body) = &mut told.lines[line].body {
        body.writ.writ.budget.tool_calls = Some(0);
    }
    Some(())
}

fn denied_and_waits(told: &mut Told) -> Option<()> {
    // Held once more and denied, and nothing came of it.
    let said = places(told, |line| matches!(line.body, Body::Approval(_)));
    let held = places(told, |line| matches!(line.body, Body::PendingApproval(_)));
    let hold = told.lines[*held.first()?].clone();
    let Body::PendingApproval(held) = &hold.body else {
        return None;
    };
    let proposal = held.decided.proposal.id().unwrap();
    let Body::Approval(mut no) = told.lines[*said.first()?].body.clone() else {
        return None;
    };
    no.signed.answer.proposal = proposal;
    no.signed.answer.decision = Decision::Deny;
    append(told, hold.trajectory, hold.body);
    append(told, hold.trajectory, Body::Approval(no));
    Some(())
}

fn stranger_is_accepted(told: &mut Told) -> Option<()> {
    told.wrong.push("Stranger was accepted".into());
    Some(())
}

fn reason_is_empty(told: &mut Told) -> Option<()> {
    let mut lines = told.lines.iter_mut();
    lines.find_map(|line| match &mut line.body {
        Body::Rejection(no) => {
            no.refusal.reason.clear();
            Some(())
        }
        _ => None,
    })
}

fn nobody_forbids(told: &mut Told) -> Option<()> {
    let mut lines = told.lines.iter_mut();
    lines.find_map(|line| match &mut line.body {
        Body::Rejection(no) => {
            for line in &mut no.decided.trace.lines {
                line.ruling = Ruling::Permit;
            }
            Some(())
        }
        _ => None,
    })
}

fn report_is_lost(told: &mut Told) -> Option<()> {
    let results = places(told, |line| matches!(line.body, Body::DelegationResult(_)));
    let at = results.into_iter().find(|at| {
        let Body::DelegationResult(body) = &told.lines[*at].body else {
            return false;
        };
        let own = |line: &&Line| line.trajectory == body.child;
        let last = told.lines.iter().rfind(own);
        last.is_some_and(|line| matches!(&line.body, Body::Closed(end) if end.stop != Stop::Held))
    })?;
    let said = Body::Closed(thymos_core::body::Closed {
        stop: Stop::Done,
        turns: 0,
    });
    told.lines[at].body = said;
    Some(())
}

fn authority_is_kept(told: &mut Told) -> Option<()> {
    let orders = told.lines.iter().filter_map(|line| match &line.body {
        Body::Delegation(order) => Some(order.writ),
        _ => None,
    });
    let orders = orders.collect::<BTreeSet<_>>();
    let cut = places(
        told,
        |line| matches!(&line.body, Body::WritRevoked(body) if orders.contains(&body.writ)),
    );
    let at = *cut.first()?;
    if let Body::WritRevoked(body) = &mut told.lines[at].body {
        body.writ = thymos_core::WritId::from_bytes([9; 32]);
    }
    Some(())
}

fn view_has_another_world(told: &mut Told) -> Option<()> {
    told.views.first_mut()?.world.clear();
    Some(())
}

fn view_forgets_a_hold(told: &mut Told) -> Option<()> {
    let view = told.views.iter_mut().find(|view| !view.holds.is_empty())?;
    view.holds.clear();
    Some(())
}

fn view_spent_more(told: &mut Told) -> Option<()> {
    let view = told.views.first_mut()?;
    view.spent.first_mut()?.1.tool_calls += 1;
    Some(())
}

fn a_byte_is_changed(told: &mut Told) -> Option<()> {
    not_viewed(told, told.entries.len() - 1);
    let content = told.entries.last_mut()?.content.as_mut()?;
    *content.body.first_mut()? ^= 1;
    Some(())
}

fn an_entry_is_gone(told: &mut Told) -> Option<()> {
    let at = told.entries.len().checked_sub(2)?;
    not_viewed(told, at);
    told.entries.remove(at);
    Some(())
}

/// Lets views go that would be folded from an entry that is tampered with.
fn not_viewed(told: &mut Told, at: usize) {
    told.views.retain(|view| view.log_len <= at as u64);
}

fn a_secret_is_stored(told: &mut Told) -> Option<()> {
    let secret = told.secrets.first()?.clone();
    told.blobs.push(secret.into_bytes());
    Some(())
}
