//! A session begins with all of its authority in one batch, or does not begin: whatever of it is refused
//! leaves nothing, and what is cut off is never wider than what was asked for `[W8]` `[S1]` `[W6]`.

use std::collections::BTreeSet;

use thymos_core::TrajectoryId;
use thymos_core::body::Body;
use thymos_core::budget::Budget;
use thymos_core::writ::{Mode, SignedWrit};
use thymos_protocol::{Command, NotUsed, Replied, SkillChoice, Under};
use thymos_testkit::FakeTool;
use thymos_testkit::fixtures::{NOON, party, stranger_key};

use super::files::{account_of, calls_of, file};
use super::rig::{Rig, Setup};
use super::road::writer;

const READER: &str = r#"{"v": 1, "name": "reader", "version": 1, "title": "Only looks",
    "instructions": "Change nothing.", "tools": ["grep"], "effects": {"ceiling": "read"}}"#;

const BRIEF: &str = r#"{"v": 1, "name": "brief", "version": 1, "title": "Says little",
    "instructions": "Be brief about {topic}.", "params": [{"key": "topic"}]}"#;

fn setup() -> Setup {
    Setup::new(Vec::new(), &[&writer(), &FakeTool::new("grep")]).with(|setup| {
        setup.skills.0 = vec![
            ("reader".into(), READER.into()),
            ("brief".into(), BRIEF.into()),
        ];
    })
}

fn skill(name: &str, given: &[(&str, &str)]) -> SkillChoice {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    SkillChoice {
        name: name.into(),
        parameters: given.iter().map(own).collect(),
    }
}

fn under(chain: &[SignedWrit], share: Budget) -> Under {
    Under::Writ {
        chain: chain.to_vec(),
        share,
    }
}

/// What a trajectory acts under, in the order it came into force: the modes and the names of the writs.
fn in_force(rig: &Rig, trajectory: TrajectoryId) -> Vec<(Mode, String)> {
    let bodies = bodies_of(rig, trajectory);
    let name = |id| {
        bodies.iter().find_map(|body| match body {
            Body::WritIssued(issued) if issued.id == id => Some(issued.writ.writ.name.clone()),
            _ => None,
        })
    };
    let changed = |body: &Body| match body {
        Body::ModeChanged(changed) => Some((changed.mode, name(changed.to).unwrap())),
        _ => None,
    };
    bodies.iter().filter_map(changed).collect()
}

fn bodies_of(rig: &Rig, trajectory: TrajectoryId) -> Vec<Body> {
    let entries = rig.setup.store.entries().into_iter().zip(rig.bodies());
    entries
        .filter(|(entry, _)| entry.header.trajectory == trajectory)
        .map(|(_, body)| body)
        .collect()
}

#[tokio::test]
async fn w8_s1_a_session_under_a_file_with_skills_begins_in_one_batch_and_never_wider() {
    let chain = file(5, |_| {});
    let mut rig = setup().open(Mode::Plan).await;
    let before = rig.setup.store.appends();
    let begin = Command::New {
        under: under(&chain, calls_of(2)),
        skills: vec![skill("brief", &[("topic", "rust")]), skill("reader", &[])],
    };
    let Replied::Opened(status) = rig.ask(begin).await else {
        panic!("no trajectory")
    };
    // One for the account, one for the session.
    assert_eq!(rig.setup.store.appends() - before, 2);
    let stages = in_force(&rig, status.trajectory);
    let names: Vec<&str> = stages.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["ci", "skill brief", "skill reader"]);
    assert!(stages.iter().all(|(mode, _)| *mode == Mode::Custom));
    assert_eq!(status.writ.name, "skill reader");
    rig.verified().await;
}

#[tokio::test]
async fn w8_s1_whatever_is_refused_of_a_beginning_records_nothing_at_all() {
    let stranger = party("eve", &stranger_key());
    let sound = file(5, |_| {});
    let no_skills = Vec::new;
    let twice = || vec![skill("reader", &[]), skill("reader", &[])];
    let shallow = file(5, |w| w.delegation.max_depth = 1);
    for (chain, share, skills, words) in [
        (sound.clone(), calls_of(6), no_skills(), "6 tool calls are"),
        (
            file(5, |w| w.subject = stranger.clone()),
            calls_of(1),
            no_skills(),
            "only `eve`",
        ),
        (
            file(5, |w| w.tenant = "other".into()),
            calls_of(1),
            no_skills(),
            "`tenant`",
        ),
        (
            file(5, |w| w.window.not_before = NOON.plus_ms(1)),
            calls_of(1),
            no_skills(),
            "it begins",
        ),
        (
            file(5, |w| w.delegation.may_subdivide = false),
            calls_of(1),
            no_skills(),
            "not be divided",
        ),
        (sound.clone(), calls_of(1), twice(), "is bound already"),
        (
            sound.clone(),
            calls_of(1),
            vec![skill("brief", &[])],
            "needs its parameter `topic`",
        ),
        (
            sound.clone(),
            calls_of(1),
            vec![skill("nobody", &[])],
            "no skill `nobody`",
        ),
        (
            shallow,
            calls_of(1),
            vec![skill("reader", &[])],
            "may not be narrowed further",
        ),
    ] {
        let mut rig = setup().open(Mode::Plan).await;
        let before = rig.setup.store.entries().len();
        let under = under(&chain, share);
        let (first, second) = (under.clone(), skills.clone());
        let new = Command::New { under, skills };
        let found = said(rig.ask(new).await);
        assert!(found.contains(words), "{words}: {found}");
        assert_eq!(rig.setup.store.entries().len(), before, "{words}");
        // Nor of a session that is there.
        let take = Command::Take {
            trajectory: rig.trajectory,
            under: Some(first),
            skills: second,
        };
        let found = said(rig.ask(take).await);
        assert!(found.contains(words), "{words}: {found}");
        assert_eq!(rig.setup.store.entries().len(), before, "{words}");
        rig.verified().await;
    }
}

#[tokio::test]
async fn s1_skills_that_are_refused_leave_a_new_mode_alone_too() {
    let mut rig = setup().open(Mode::Plan).await;
    let before = rig.setup.store.entries().len();
    let take = |skills| Command::Take {
        trajectory: rig.trajectory,
        under: Some(Under::Mode(Mode::Auto)),
        skills,
    };
    let (bad, good) = (
        take(vec![skill("reader", &[]), skill("reader", &[])]),
        take(vec![skill("reader", &[])]),
    );
    assert!(said(rig.ask(bad).await).contains("is bound already"));
    assert_eq!(rig.setup.store.entries().len(), before);
    assert_eq!(rig.ask(good).await, Replied::Accepted);
    assert_eq!(
        in_force(&rig, rig.trajectory)[1..],
        [
            (Mode::Auto, "auto".to_owned()),
            (Mode::Auto, "skill reader".to_owned())
        ]
    );
    rig.verified().await;
}

#[tokio::test]
async fn w6_cut_off_between_account_and_session_the_share_is_there_for_the_next_one() {
    let chain = file(3, |_| {});
    let mut rig = setup().open(Mode::Plan).await;
    let trajectories = |rig: &Rig| {
        let entries = rig.setup.store.entries();
        let all = entries.iter().map(|entry| entry.header.trajectory);
        all.collect::<BTreeSet<_>>().len()
    };
    let there = trajectories(&rig);
    // The account's append is done, the session's is not: as the end of the process.
    rig.setup.store.poison_after(1);
    let new = || Command::New {
        under: under(&chain, calls_of(3)),
        skills: Vec::new(),
    };
    let replied = rig.ask(new()).await;
    assert!(matches!(replied, Replied::Fault(_)), "{replied:?}");
    assert_eq!(trajectories(&rig), there + 1, "the account, and no session");
    rig.setup.store.reopen();
    let mut rig = rig.restart(|_| {}).await;
    let Replied::Opened(status) = rig.ask(new()).await else {
        panic!("the share did not come back")
    };
    assert_eq!(in_force(&rig, status.trajectory)[0].0, Mode::Custom);
    let closed = bodies_of(&rig, account_of(&chain));
    let closed = closed.iter().filter_map(|body| match body {
        Body::WritRevoked(cut) => cut.used.map(|used| used.tool_calls),
        _ => None,
    });
    assert_eq!(
        closed.collect::<Vec<_>>(),
        [0],
        "given back once, and whole"
    );
    rig.verified().await;
}

fn said(replied: Replied) -> String {
    match replied {
        Replied::NotUsed(NotUsed::Authority(words) | NotUsed::Budget { why: words, .. }) => words,
        Replied::Fault(fault) => fault.message,
        other => panic!("{other:?}"),
    }
}
