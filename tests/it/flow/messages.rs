//! Messages of before: whose they are, in which order they come, and which never do.

use thymos_core::body::{self, Body, Role};
use thymos_core::entry::Draft;
use thymos_core::key::{Domain, SigningKey};
use thymos_core::writ::Mode;
use thymos_core::{Kind, TrajectoryId};
use thymos_ports::LedgerStore;
use thymos_ports::store::Batch;
use thymos_protocol::{Command, Replied};
use thymos_testkit::Step;
use thymos_testkit::fixtures::party;
use thymos_testkit::model::says;

use super::erasure::{erase, whole};
use super::rig::{Rig, Setup, drafted};

fn setup() -> Setup {
    Setup::new(Vec::new(), &[])
}

async fn say(rig: &mut Rig, text: &str) {
    rig.setup.model.push(Step::Turn(says("done")));
    rig.run(text).await;
}

async fn new_run(rig: &mut Rig) -> TrajectoryId {
    let Replied::Opened(status) = rig.ask(Command::begin(Mode::Edit)).await else {
        panic!("no trajectory")
    };
    rig.trajectory = status.trajectory;
    status.trajectory
}

async fn messages(rig: &mut Rig) -> Vec<String> {
    match rig.ask(Command::Messages).await {
        Replied::Messages(texts) => texts,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn they_come_from_every_run_and_sitting_newest_first_and_each_once() {
    let mut rig = setup().open(Mode::Edit).await;
    assert_eq!(messages(&mut rig).await, Vec::<String>::new());
    let first = rig.trajectory;
    for text in ["one", "two\nlines", "one"] {
        say(&mut rig, text).await;
    }
    new_run(&mut rig).await;
    say(&mut rig, "three").await;
    rig.trajectory = first;
    say(&mut rig, "four").await;
    assert_eq!(
        messages(&mut rig).await,
        ["four", "three", "one", "two\nlines"]
    );
    let mut rig = rig.restart(|_| {}).await;
    new_run(&mut rig).await;
    assert_eq!(
        messages(&mut rig).await,
        ["four", "three", "one", "two\nlines"]
    );
}

#[tokio::test]
async fn a_long_run_is_read_over_the_borders_of_its_pages() {
    let mut rig = setup().open(Mode::Edit).await;
    for at in 0..80 {
        say(&mut rig, &format!("message {at}")).await;
    }
    let length = rig.setup.store.entries().len();
    assert!(length > 256, "{length} entries are no more than a page");
    let due: Vec<String> = (0..80).rev().map(|at| format!("message {at}")).collect();
    assert_eq!(messages(&mut rig).await, due);
}

#[tokio::test]
async fn c5_those_of_another_tenant_workspace_or_operator_never_come() {
    let mut rig = setup()
        .open_under("acme", |writ| writ.tenant = "acme".into())
        .await;
    say(&mut rig, "of acme").await;
    assert_eq!(messages(&mut rig).await, ["of acme"]);
    let local = rig.setup.clone().with(|setup| setup.tenant = String::new());
    let mut local = local.open(Mode::Edit).await;
    assert_eq!(messages(&mut local).await, Vec::<String>::new());
    say(&mut local, "of nobody").await;
    assert_eq!(messages(&mut local).await, ["of nobody"]);
    let moved = local
        .setup
        .clone()
        .with(|setup| setup.workspace = "/srv/other".into());
    let mut moved = moved.open(Mode::Edit).await;
    assert_eq!(messages(&mut moved).await, Vec::<String>::new());
    // Somebody else who shares the ledger, in the same run.
    let bob = SigningKey::from_seed(&[9; 32]);
    let words = Body::Message(body::Message {
        role: Role::Operator,
        text: "of bob".into(),
        reasoning: String::new(),
        provider_state: None,
        turn: 1,
    });
    let (trajectory, store) = (local.trajectory, &local.setup.store);
    let entries = store.entries();
    let own = entries
        .iter()
        .filter(|entry| entry.header.trajectory == trajectory);
    let batch = Batch {
        trajectory,
        at_seq: own.count() as u64,
        drafts: vec![Draft {
            writer: bob.public(),
            ..drafted(trajectory, &words)
        }],
    };
    store.append(vec![batch]).unwrap()[0].as_ref().unwrap();
    assert_eq!(messages(&mut local).await, ["of nobody"]);
    assert_eq!(messages(&mut rig).await, ["of acme"]);
}

#[tokio::test]
async fn r1_l3_secrets_are_taken_out_and_what_was_erased_is_gone() {
    let hides = setup().with(|setup| setup.secrets = vec!["hunter2hunter2".into()]);
    let mut rig = hides.open(Mode::Edit).await;
    let first = rig.trajectory;
    say(&mut rig, "the word is hunter2hunter2").await;
    let told = messages(&mut rig).await;
    assert!(
        told[0].starts_with("the word is ") && !told[0].contains("hunter2"),
        "{told:?}"
    );
    new_run(&mut rig).await;
    say(&mut rig, "stays").await;
    let erased = erase(&mut rig, whole(first)).await;
    assert!(matches!(erased, Replied::Erased(_)), "{erased:?}");
    assert_eq!(messages(&mut rig).await, ["stays"]);
}

#[tokio::test]
async fn l3_what_is_ordered_to_go_and_not_gone_yet_does_not_come_either() {
    let mut rig = setup().open(Mode::Edit).await;
    let first = rig.trajectory;
    say(&mut rig, "to be forgotten").await;
    let entries = rig.setup.store.entries();
    let said = entries
        .iter()
        .find(|entry| entry.kind() == Some(Kind::Message))
        .unwrap();
    // By a key that nobody here trusts: it stands, and nothing is destroyed.
    let stranger = SigningKey::from_seed(&[9; 32]);
    let (reason, seq) = ("because".to_owned(), said.header.seq);
    let message = body::Erased::message(&said.id, seq, &reason).unwrap();
    let order = Body::Erased(body::Erased {
        entry: said.id,
        seq,
        reason,
        by: party("eve", &stranger),
        signature: stranger.sign(Domain::Erasure, message.as_bytes()),
    });
    let batch = Batch {
        trajectory: first,
        at_seq: entries.len() as u64,
        drafts: vec![drafted(first, &order)],
    };
    rig.setup.store.append(vec![batch]).unwrap()[0]
        .as_ref()
        .unwrap();
    assert_eq!(messages(&mut rig).await, Vec::<String>::new());
}
