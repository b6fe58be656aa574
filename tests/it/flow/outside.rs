//! What the app is told of the checkpoints outside of the ledger `[L7]`: how far they go, and that their
//! place is not reached, until it is.

use std::sync::{Arc, Mutex};

use thymos_core::writ::Mode;
use thymos_protocol::{OutsideStanding, OutsideTrouble};
use thymos_runtime::checkpoint::Outside;
use thymos_testkit::Step;
use thymos_testkit::model::says;

use super::checked::cut;
use super::rig::{Rig, STUCK, Setup};

/// A place in memory that can be out of reach.
#[derive(Clone, Default)]
struct Share(Arc<Mutex<(String, bool)>>);

impl Share {
    fn reached(&self, reached: bool) {
        self.0.lock().unwrap().1 = !reached;
    }

    /// All notes but the newest.
    fn lose_newest(&self) {
        let notes = &mut self.0.lock().unwrap().0;
        let halves: Vec<&str> = notes.split_inclusive("\n\n").collect();
        // A note is two of them: what is signed, and the signatures.
        *notes = halves[..halves.len() - 2].concat();
    }
}

impl Outside for Share {
    fn place(&self) -> String {
        "the share".to_owned()
    }

    fn read(&self) -> Result<String, String> {
        let (notes, away) = &*self.0.lock().unwrap();
        match away {
            true => Err("the share is away".to_owned()),
            false => Ok(notes.clone()),
        }
    }

    fn append(&self, note: &str) -> Result<(), String> {
        self.read()?;
        self.0.lock().unwrap().0.push_str(&format!("{note}\n"));
        Ok(())
    }
}

/// What the header is told, once it is this.
async fn until(rig: &mut Rig, is: impl Fn(&OutsideStanding) -> bool) -> OutsideStanding {
    loop {
        let told = rig.status().await.outside;
        if let Some(standing) = told.clone().filter(&is) {
            return standing;
        }
        let rung = tokio::time::timeout(STUCK, rig.desk.link.bell.changed()).await;
        assert!(rung.is_ok(), "told for ever: {told:?}");
    }
}

async fn a_run(share: &Share) -> Rig {
    let steps = (0..4).map(|_| Step::Turn(says("done"))).collect();
    let setup = Setup::new(steps, &[]).with(|setup| setup.outside = Arc::new(share.clone()));
    let mut rig = setup.open(Mode::Edit).await;
    rig.run("one").await;
    rig
}

fn length(rig: &Rig) -> u64 {
    rig.setup.store.entries().len() as u64
}

#[tokio::test]
async fn l7_the_header_is_told_how_far_the_newest_checkpoint_outside_goes() {
    let mut rig = a_run(&Share::default()).await;
    let standing = until(&mut rig, |seen| seen.size.is_some()).await;
    let entries = rig.setup.store.entries();
    let last = entries.last().unwrap();
    let all = OutsideStanding {
        size: Some(length(&rig)),
        at: Some(last.header.at_ms),
        behind: 0,
        missed: false,
        trouble: None,
    };
    assert_eq!(standing, all);
    let mut rig = rig.restart(|_| {}).await;
    assert_eq!(until(&mut rig, |seen| seen.size.is_some()).await, all);
}

#[tokio::test]
async fn l7_a_place_that_is_not_reached_is_told_until_it_is() {
    let share = Share::default();
    let mut rig = a_run(&share).await;
    let before = until(&mut rig, |seen| seen.size.is_some()).await;
    share.reached(false);
    rig.run("two").await;
    let away = until(&mut rig, |seen| seen.trouble.is_some()).await;
    let words = OutsideTrouble::Unreached("the share is away".to_owned());
    assert_eq!((away.trouble, away.size), (Some(words), before.size));
    assert!(away.missed && away.behind > 0, "{:?}", away.behind);
    // A new start finds it away by itself.
    let mut rig = rig.restart(|_| {}).await;
    let away = until(&mut rig, |seen| seen.trouble.is_some()).await;
    assert_eq!(away.size, None, "nobody has seen it yet");
    share.reached(true);
    rig.run("three").await;
    let back = until(&mut rig, |seen| seen.trouble.is_none() && !seen.missed).await;
    assert_eq!((back.size, back.behind), (Some(length(&rig)), 0));
}

#[tokio::test]
async fn l7_a_place_that_lost_the_newest_is_behind_and_that_is_a_warning() {
    let share = Share::default();
    let mut rig = a_run(&share).await;
    let before = until(&mut rig, |seen| seen.size.is_some()).await;
    rig.run("two").await;
    share.lose_newest();
    let mut rig = rig.restart(|_| {}).await;
    let behind = until(&mut rig, |seen| seen.size.is_some()).await;
    assert_eq!((behind.size, behind.trouble), (before.size, None));
    assert!(behind.missed, "the ledger keeps a newer one");
}

#[tokio::test]
async fn l7_a_checkpoint_outside_that_contradicts_the_log_is_told() {
    let share = Share::default();
    let mut rig = a_run(&share).await;
    let short = length(&rig);
    rig.run("two").await;
    until(&mut rig, |seen| seen.size > Some(short)).await;
    // An older backup, with the notes of what came after it outside.
    let later = usize::try_from(length(&rig) - short).unwrap();
    let backup = cut(&rig, later);
    let mut rig = rig.restart(|setup| setup.store = backup).await;
    rig.run("instead").await;
    let told = until(&mut rig, |seen| seen.trouble.is_some()).await;
    assert!(
        matches!(told.trouble, Some(OutsideTrouble::Contradicted(_))),
        "{told:?}"
    );
}
