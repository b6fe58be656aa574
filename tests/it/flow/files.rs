//! Writs from files: chains of the operator's own, shares of their budget, and their end.

use std::collections::BTreeSet;

use serde_json::json;
use thymos_core::body::{self, Body, Stop};
use thymos_core::budget::{Budget, Cost};
use thymos_core::entry::{Draft, Salt};
use thymos_core::writ::{Mode, SampleCall, SignedWrit, Writ};
use thymos_core::{Entry, Timestamp, TrajectoryId, WritId};
use thymos_ports::LedgerStore;
use thymos_ports::cognition::{Context, ContextMessage};
use thymos_ports::store::Batch;
use thymos_protocol::{Among, Command, NotUsed, Replied, Under};
use thymos_testkit::fixtures::{NOON, operator_key, party, stranger_key, writ};
use thymos_testkit::model::{calls, says};
use thymos_testkit::{ScriptedModel, Step};

use super::rig::{Rig, STUCK, Setup, policy};
use super::road::writer;

/// A file of one writ: from the operator to the operator, for this many calls.
pub(crate) fn file(tool_calls: u64, change: impl FnOnce(&mut Writ)) -> Vec<SignedWrit> {
    let root = writ()
        .with(|writ| {
            writ.name = "ci".into();
            writ.subject = party("ada", &operator_key());
            writ.delegation.max_depth = 3;
            writ.budget.tool_calls = Some(tool_calls);
        })
        .with(change);
    vec![root.signed()]
}

/// A link below the last one of a chain, to the operator as well.
fn with_child(mut chain: Vec<SignedWrit>, change: impl FnOnce(&mut Writ)) -> Vec<SignedWrit> {
    let parent = chain.last().unwrap();
    let child = writ()
        .below(parent)
        .budget(parent.writ.budget)
        .with(|writ| {
            writ.nonce = Writ::nonce([8; 16]);
            writ.name = "narrow".into();
            writ.subject = party("ada", &operator_key());
        })
        .with(change)
        .signed();
    chain.push(child);
    chain
}

pub(crate) fn account_of(chain: &[SignedWrit]) -> TrajectoryId {
    let root = chain[0].id().unwrap();
    TrajectoryId::of(&[b"thymos v1 account ".as_slice(), root.as_bytes()].concat())
}

pub(crate) fn calls_of(tool_calls: u64) -> Budget {
    Budget {
        tool_calls: Some(tool_calls),
        ..Budget::unlimited()
    }
}

/// A model that writes one file a turn, so many times in each trajectory, then says that it is done.
fn writing(times: usize) -> Setup {
    let think = move |context: &Context| {
        let told = |message: &&ContextMessage| matches!(message, ContextMessage::Result { .. });
        let so_far = context.messages.iter().filter(told).count();
        if so_far == times {
            return Ok(says("done"));
        }
        let path = format!("{so_far}.txt");
        Ok(calls(vec![("fs_write", json!({"path": path}))]))
    };
    Setup::new(Vec::new(), &[&writer()]).with(|setup| {
        setup.model = ScriptedModel::answering(think);
        setup.policy = policy("permit", json!([]));
    })
}

async fn take(rig: &mut Rig, chain: &[SignedWrit], share: Budget) -> Replied {
    let trajectory = rig.trajectory;
    let chain = chain.to_vec();
    rig.ask(Command::Take {
        trajectory,
        under: Some(Under::Writ { chain, share }),
        skills: Vec::new(),
    })
    .await
}

async fn close(rig: &mut Rig) -> Replied {
    let trajectory = rig.trajectory;
    rig.ask(Command::CloseWrit { trajectory }).await
}

async fn another(rig: &mut Rig) -> TrajectoryId {
    match rig.ask(Command::begin(Mode::Plan)).await {
        Replied::Opened(status) => status.trajectory,
        other => panic!("{other:?}"),
    }
}

fn no(replied: Replied) -> String {
    match replied {
        Replied::NotUsed(NotUsed::Authority(words) | NotUsed::Budget { why: words, .. }) => words,
        other => panic!("{other:?}"),
    }
}

fn commits(rig: &Rig) -> usize {
    let bodies = rig.bodies();
    bodies
        .iter()
        .filter(|body| matches!(body, Body::Commit(_)))
        .count()
}

/// What a share came to in the account, for each that was closed.
fn used(rig: &Rig) -> Vec<u64> {
    let used = |body: &Body| match body {
        Body::WritRevoked(cut) => cut.used.map(|used| used.tool_calls),
        _ => None,
    };
    rig.bodies().iter().filter_map(used).collect()
}

#[tokio::test]
async fn w8_a_writ_from_a_file_is_in_force_through_a_link_of_the_sessions_own() {
    let chain = with_child(file(5, |_| {}), |writ| writ.grants[0].tool = "fs_*".into());
    let mut rig = writing(1).open(Mode::Plan).await;
    assert_eq!(
        take(&mut rig, &chain, Budget::unlimited()).await,
        Replied::Accepted
    );
    rig.run("go").await;
    assert_eq!((commits(&rig), rig.stop()), (1, Some(Stop::Done)));
    let started = rig.bodies().into_iter().find_map(|body| match body {
        Body::Started(started) => Some(started),
        _ => None,
    });
    let started = started.unwrap();
    let writs = &started.decided.proposal.writs;
    assert_eq!(writs[..2], [chain[0].id().unwrap(), chain[1].id().unwrap()]);
    assert_eq!((writs.len(), started.decided.facts.mode), (3, Mode::Custom));
    rig.verified().await;
}

#[tokio::test]
async fn w6_sessions_together_never_have_more_than_the_file_allows() {
    let chain = file(3, |_| {});
    let mut rig = writing(4).open(Mode::Plan).await;
    let first = rig.trajectory;
    let second = another(&mut rig).await;
    assert_eq!(take(&mut rig, &chain, calls_of(2)).await, Replied::Accepted);
    rig.trajectory = second;
    let words = no(take(&mut rig, &chain, calls_of(2)).await);
    assert!(
        words.starts_with("2 tool calls are asked for; left of `ci`: unlimited tokens, 1 tool"),
        "{words}"
    );
    assert_eq!(
        take(&mut rig, &chain, Budget::unlimited()).await,
        Replied::Accepted
    );
    rig.run("go").await;
    assert_eq!(commits(&rig), 1, "its share, and no more");
    rig.trajectory = first;
    rig.run("go").await;
    assert_eq!(commits(&rig), 3, "all that the file allows");
    let third = another(&mut rig).await;
    rig.trajectory = third;
    let words = no(take(&mut rig, &chain, Budget::unlimited()).await);
    assert!(words.starts_with("no tool calls are left; "), "{words}");
    rig.verified().await;
}

#[tokio::test]
async fn w6_what_was_not_used_of_a_share_comes_back_when_it_is_closed() {
    let chain = with_child(file(9, |_| {}), |writ| writ.budget.tool_calls = Some(4));
    let mut rig = writing(1).open(Mode::Plan).await;
    assert_eq!(
        take(&mut rig, &chain, Budget::unlimited()).await,
        Replied::Accepted
    );
    rig.run("go").await;
    assert_eq!(close(&mut rig).await, Replied::Accepted);
    assert_eq!(used(&rig), [1]);
    let again = close(&mut rig).await;
    assert!(
        matches!(&again, Replied::Fault(f) if f.message.contains("no share")),
        "{again:?}"
    );
    // Nothing goes on under a share that is closed.
    rig.run("go on").await;
    assert!(matches!(rig.stop(), Some(Stop::Authority(why)) if why.contains("revoked")));
    let words = no(take(&mut rig, &chain, calls_of(4)).await);
    assert!(words.contains("3 tool calls"), "{words}");
    assert_eq!(take(&mut rig, &chain, calls_of(3)).await, Replied::Accepted);
    // Another mode gives it back too, unused.
    rig.set_mode(Mode::Plan).await;
    assert_eq!(used(&rig), [1, 0]);
    assert_eq!(take(&mut rig, &chain, calls_of(3)).await, Replied::Accepted);
    // And so does another share of the same file, for the same session.
    assert!(no(take(&mut rig, &chain, calls_of(1)).await).contains("0 tool calls"));
    rig.verified().await;
}

#[tokio::test]
async fn w6_a_share_that_a_crash_left_without_a_session_is_given_back_once() {
    let chain = file(3, |_| {});
    let rig = writing(1).open(Mode::Plan).await;
    let lost = TrajectoryId::of(b"never opened");
    orphan(&rig, &chain, 3, lost);
    let mut rig = rig.restart(|_| {}).await;
    assert_eq!(take(&mut rig, &chain, calls_of(3)).await, Replied::Accepted);
    assert_eq!(used(&rig), [0], "once, and whole");
    rig.run("go").await;
    assert_eq!(commits(&rig), 1);
    // Cut off at the other end: the session closed its share, and the rest never came back.
    let share = rig.status().await.writ.id;
    let trajectory = rig.trajectory;
    let revoke = Command::Revoke {
        trajectory,
        writ: share,
        reason: "cut off".into(),
    };
    assert_eq!(rig.ask(revoke).await, Replied::Accepted);
    let mut rig = rig.restart(|_| {}).await;
    let second = another(&mut rig).await;
    rig.trajectory = second;
    assert!(no(take(&mut rig, &chain, calls_of(3)).await).contains("2 tool calls"));
    assert_eq!(used(&rig), [0, 1], "what was used stays used");
    rig.verified().await;
}

#[tokio::test]
async fn l3_w6_erasing_a_run_gives_nothing_of_its_share_back() {
    let chain = file(3, |_| {});
    let mut rig = writing(2).open(Mode::Plan).await;
    assert_eq!(take(&mut rig, &chain, calls_of(3)).await, Replied::Accepted);
    rig.run("go").await;
    assert_eq!(commits(&rig), 2);
    // Ended here, and cut off before the account was told; then what it used is erased.
    let share = rig.status().await.writ.id;
    let trajectory = rig.trajectory;
    let revoke = Command::Revoke {
        trajectory,
        writ: share,
        reason: "cut off".into(),
    };
    assert_eq!(rig.ask(revoke).await, Replied::Accepted);
    let erased = super::erasure::erase(&mut rig, super::erasure::whole(trajectory)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    let mut rig = rig.restart(|_| {}).await;
    rig.trajectory = another(&mut rig).await;
    let words = no(take(&mut rig, &chain, calls_of(1)).await);
    assert!(
        words.contains("no tool calls are left") || words.contains("0 tool calls"),
        "{words}"
    );
    rig.verified().await;
}

/// The account as a process leaves it that dies before its session has the share.
fn orphan(rig: &Rig, chain: &[SignedWrit], tool_calls: u64, session: TrajectoryId) {
    let trajectory = account_of(chain);
    let operator = party("ada", &operator_key());
    let share = writ()
        .below(&chain[0])
        .budget(calls_of(tool_calls))
        .signed();
    let issued = |writ: &SignedWrit, reserved, session| {
        Body::WritIssued(Box::new(body::WritIssued {
            writ: writ.clone(),
            id: writ.id().unwrap(),
            reason: "by hand".into(),
            reserved,
            session,
        }))
    };
    let cost = Cost {
        tool_calls,
        ..Cost::default()
    };
    let bodies = [
        Body::Root(body::Root {
            v: 1,
            workspace: String::new(),
            tenant: String::new(),
            operator: operator.clone(),
            subject: operator,
            parent: None,
        }),
        issued(&chain[0], None, None),
        issued(&share, Some(cost), Some(session)),
    ];
    let drafts = bodies.iter().map(|body| Draft {
        trajectory,
        kind: body.kind(),
        at: NOON,
        writer: operator_key().public(),
        salt: Salt::from_bytes([4; 32]),
        body: body.encode().unwrap(),
    });
    let batch = Batch {
        trajectory,
        at_seq: 0,
        drafts: drafts.collect(),
    };
    rig.setup.store.append(vec![batch]).unwrap()[0]
        .as_ref()
        .unwrap();
}

#[tokio::test]
async fn w7_revoking_a_file_ends_every_session_under_it_and_every_later_one() {
    let chain = file(9, |_| {});
    let mut rig = Setup::new(
        vec![
            Step::Turn(calls(vec![("fs_write", json!({"path": "a.txt"}))])),
            Step::Turn(says("done")),
        ],
        &[&writer()],
    )
    .open(Mode::Plan)
    .await;
    assert_eq!(take(&mut rig, &chain, calls_of(4)).await, Replied::Accepted);
    rig.run("go").await;
    assert_eq!(rig.stop(), Some(Stop::Held));
    let revoke = Command::RevokeChain {
        chain: chain.clone(),
        reason: "enough".into(),
    };
    assert_eq!(rig.ask(revoke.clone()).await, Replied::Accepted);
    // What waits is not asked about any more: the gate refuses it.
    rig.until_kind("rejection", 1).await;
    let (clause, stage, why) = rig.refusals().remove(0);
    assert_eq!(
        (clause.as_str(), stage),
        ("C3", body::Stage::Admit),
        "{why}"
    );
    // Nobody gets it again, here or after a restart.
    let mut rig = rig.restart(|_| {}).await;
    for _ in 0..2 {
        assert!(no(take(&mut rig, &chain, calls_of(1)).await).contains("is revoked"));
        rig.trajectory = another(&mut rig).await;
    }
    assert!(no(rig.ask(revoke).await).contains("revoked already"));
    rig.verified().await;
}

/// Where nothing is at work and nothing waits, the bell alone says it.
#[tokio::test]
async fn w7_a_file_that_ends_elsewhere_shows_at_once_where_it_is_in_force() {
    let chain = file(9, |_| {});
    let mut rig = writing(1).open(Mode::Plan).await;
    assert_eq!(take(&mut rig, &chain, calls_of(4)).await, Replied::Accepted);
    assert!(!rig.status().await.writ.revoked);
    let revoke = Command::RevokeChain {
        chain,
        reason: "enough".into(),
    };
    // By another process over the same ledger.
    let mut other = rig.setup.serve();
    assert_eq!(other.ask(revoke).await, Replied::Accepted);
    while !rig.status().await.writ.revoked {
        let rung = tokio::time::timeout(STUCK, rig.desk.link.bell.changed()).await;
        assert!(rung.is_ok(), "nobody says so");
    }
    rig.verified().await;
}

#[tokio::test]
async fn w7_a_file_that_was_never_used_can_be_revoked_before_anybody_does() {
    let chain = file(9, |_| {});
    let mut rig = writing(1).open(Mode::Plan).await;
    let revoke = Command::RevokeChain {
        chain: chain.clone(),
        reason: String::new(),
    };
    assert_eq!(rig.ask(revoke).await, Replied::Accepted);
    assert!(no(take(&mut rig, &chain, calls_of(1)).await).contains("is revoked"));
    rig.verified().await;
}

#[tokio::test]
async fn w1_w3_a_file_that_gives_no_authority_is_refused_and_nothing_is_recorded() {
    let stranger = party("eve", &stranger_key());
    let unsigned = |chain: &mut Vec<SignedWrit>| chain[0].writ.name = "changed".into();
    let mut forged = file(5, |_| {});
    unsigned(&mut forged);
    let of_a_stranger = vec![
        writ()
            .with(|writ| writ.issuer = stranger.clone())
            .signed_by(&stranger_key()),
    ];
    let sample = SampleCall {
        tool: "fs_write".into(),
        args: json!({}),
    };
    let wider = with_child(file(5, |_| {}), |writ| writ.budget.tool_calls = Some(6));
    for (chain, words) in [
        (Vec::new(), "no writ was presented"),
        (forged, "link 0 `signature`: `ada` did not sign"),
        (of_a_stranger, "link 0 `issuer`: the key of `eve`"),
        (
            file(5, |w| w.window.expires_at = Some(NOON)),
            "link 0 `window`: it ended",
        ),
        (
            file(5, |w| w.window.not_before = Timestamp(NOON.0 + 1)),
            "link 0 `window`: it begins",
        ),
        (
            file(5, |w| w.examples.deny = vec![sample]),
            "link 0 `examples`: deny 0",
        ),
        (wider, "link 1 `budget`: tool calls exceed"),
        (
            with_child(file(5, |_| {}), |w| w.tenant = "other".into()),
            "link 1 `tenant`: differs",
        ),
        (
            file(5, |w| w.tenant = "other".into()),
            "link 0 `tenant`: it is for `other`",
        ),
        (
            file(5, |w| w.subject = stranger.clone()),
            "link 0 `subject`: only `eve`",
        ),
        (
            file(5, |w| w.delegation.may_subdivide = false),
            "link 0 `delegation`: it may not be divided",
        ),
        (
            file(5, |w| w.grants[0].tool = "fs_wrte".into()),
            "link 0 `grants[0].tool`: there is no tool `fs_wrte`",
        ),
    ] {
        let mut rig = writing(1).open(Mode::Plan).await;
        let before = rig.setup.store.entries().len();
        let found = no(take(&mut rig, &chain, Budget::unlimited()).await);
        assert!(found.contains(words), "{words}: {found}");
        assert_eq!(rig.setup.store.entries().len(), before, "{words}");
        rig.verified().await;
    }
}

#[tokio::test]
async fn w1_a_file_that_a_retired_key_signed_ends_where_it_is_in_force() {
    let chain = file(9, |_| {});
    let mut rig = writing(1).open(Mode::Plan).await;
    assert_eq!(take(&mut rig, &chain, calls_of(4)).await, Replied::Accepted);
    let retired = |setup: &mut Setup| {
        setup.roots.retired = std::mem::take(&mut setup.roots.operators);
        setup.roots.operators = vec![party("bob", &stranger_key())];
    };
    let mut rig = rig.restart(retired).await;
    rig.run("go").await;
    assert!(matches!(rig.stop(), Some(Stop::Authority(why)) if why.contains("is retired")));
    assert_eq!(commits(&rig), 0);
    assert!(no(take(&mut rig, &chain, calls_of(1)).await).contains("not among the trust roots"));
    rig.verified().await;
}

/// Whose entries are told when the first of the log are asked for by their indexes.
async fn runs_of_the_log(rig: &mut Rig) -> BTreeSet<TrajectoryId> {
    let all = Command::Rows {
        trajectory: None,
        places: (0..256).collect(),
    };
    let Replied::Page(page) = rig.ask(all).await else {
        panic!("no rows")
    };
    page.events.iter().map(|event| event.trajectory).collect()
}

#[tokio::test]
async fn c5_another_tenants_trajectories_and_writs_are_not_there() {
    let chain = file(9, |_| {});
    let mut ours = writing(1).open(Mode::Plan).await;
    ours.run("go").await;
    let setup = ours
        .setup
        .clone()
        .with(|setup| setup.tenant = "guild".into());
    let mut theirs = setup.open(Mode::Plan).await;
    theirs.run("go").await;
    let tenants: Vec<String> = theirs.bodies().into_iter().filter_map(tenant).collect();
    assert_eq!(tenants, ["", "", "guild", "guild"]);
    for (rig, other) in [(&mut theirs, ours.trajectory)] {
        let own = rig.trajectory;
        let Replied::Runs(rows) = rig.ask(Command::Runs).await else {
            panic!("no runs")
        };
        assert_eq!(
            rows.iter().map(|row| row.trajectory).collect::<Vec<_>>(),
            [own]
        );
        let opened = rig.ask(Command::Open { trajectory: other }).await;
        assert!(
            matches!(&opened, Replied::Fault(f) if f.message.contains("there is no trajectory"))
        );
        assert_eq!(runs_of_the_log(rig).await, [own].into());
        let filter = String::new();
        for trajectory in [None, Some(other)] {
            let command = Command::Find {
                among: trajectory.map_or(Among::Log, Among::Run),
                filter: filter.clone(),
            };
            match rig.ask(command).await {
                Replied::Found(found) => assert!(found.events.iter().all(|e| e.trajectory == own)),
                Replied::Fault(fault) => assert!(fault.message.contains("no trajectory")),
                other => panic!("{other:?}"),
            }
        }
        let entry = first_of(rig, other);
        let inspected = rig.ask(Command::Inspect { entry: entry.id }).await;
        assert!(matches!(&inspected, Replied::Fault(f) if f.message.contains("there is no entry")));
        for command in [
            Command::WorldAt {
                trajectory: other,
                seq: 1,
            },
            Command::FileAt {
                trajectory: other,
                seq: 1,
                path: "0.txt".into(),
            },
        ] {
            let replied = rig.ask(command).await;
            assert!(
                matches!(&replied, Replied::Fault(f) if f.message.contains("no trajectory")),
                "{replied:?}"
            );
        }
        let found = rig
            .ask(Command::FindWrits {
                prefix: String::new(),
            })
            .await;
        let Replied::WritsFound(found) = found else {
            panic!("{found:?}")
        };
        assert!(!found.is_empty() && found.iter().all(|writ| writ.trajectory == own));
        assert!(no(take(rig, &chain, calls_of(1)).await).contains("`tenant`: it is for ``"));
    }
    // Proof is over all of it: whoever holds the file holds every tenant's.
    theirs.verified().await;
}

fn tenant(body: Body) -> Option<String> {
    match body {
        Body::Root(root) => Some(root.tenant),
        Body::WritIssued(issued) => Some(issued.writ.writ.tenant),
        _ => None,
    }
}

fn first_of(rig: &Rig, trajectory: TrajectoryId) -> Entry {
    let entries = rig.setup.store.entries();
    let first = entries
        .into_iter()
        .find(|entry| entry.header.trajectory == trajectory);
    first.unwrap()
}

#[test]
fn w6_an_account_belongs_to_one_root_writ() {
    let (one, other) = (file(3, |_| {}), file(4, |_| {}));
    assert_ne!(account_of(&one), account_of(&other));
    let id: WritId = one[0].id().unwrap();
    assert_eq!(
        account_of(&with_child(one.clone(), |_| {})),
        account_of(&one)
    );
    assert_ne!(account_of(&one).as_bytes(), id.as_bytes());
}
