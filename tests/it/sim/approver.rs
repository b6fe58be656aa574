//! People who answer: the operator, a second approver, a stranger; rightly, wrongly and too late.

use thymos_core::approval::{self, Decision, Via};
use thymos_core::id::PresentedDigest;
use thymos_core::key::SigningKey;
use thymos_core::writ::TrustRoots;
use thymos_protocol::{Answer, Command, HoldRow, Reach, Replied, ScopeChoice};
use thymos_testkit::fixtures::{party, roots, stranger_key};

use super::draw::Dice;

/// A way to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Approve,
    Deny,
    WrongDigest,
    Scoped,
    Bob,
    BobDenies,
    Stranger,
    Unseen,
}

/// How often each.
pub(crate) const MANNERS: &[(u64, Manner)] = &[
    (8, Manner::Approve),
    (2, Manner::Deny),
    (1, Manner::WrongDigest),
    (5, Manner::Scoped),
    (4, Manner::Bob),
    (1, Manner::BobDenies),
    (1, Manner::Stranger),
    (1, Manner::Unseen),
];

/// The second approver.
pub(crate) fn bob_key() -> SigningKey {
    SigningKey::from_seed(&[4; 32])
}

/// `ada` and `bob` may answer.
pub(crate) fn everybody() -> TrustRoots {
    let mut all = roots();
    all.operators.push(party("bob", &bob_key()));
    all
}

/// The command that answers a hold in this manner.
pub(crate) fn answer(
    row: &HoldRow,
    manner: Manner,
    reason: &str,
    dice: &Dice,
    at: thymos_core::Timestamp,
) -> Command {
    let deny = matches!(manner, Manner::Deny | Manner::BobDenies);
    let decision = if deny {
        Decision::Deny
    } else {
        Decision::Approve
    };
    let mut answer = Answer {
        trajectory: row.trajectory,
        proposal: row.card.proposal,
        presented: row.card.presented,
        decision,
        reason: reason.to_owned(),
        via: Via::Tui,
        fully_viewed: manner != Manner::Unseen,
        scope: None,
        signed: None,
    };
    match manner {
        Manner::Approve | Manner::Deny | Manner::Unseen => {}
        Manner::WrongDigest => answer.presented = PresentedDigest::of(b"something else"),
        Manner::Scoped => answer.scope = Some(scope(row, dice)),
        Manner::Bob | Manner::BobDenies => sign(&mut answer, "bob", &bob_key(), at),
        Manner::Stranger => sign(&mut answer, "ada", &stranger_key(), at),
    }
    Command::Answer(answer)
}

fn scope(row: &HoldRow, dice: &Dice) -> ScopeChoice {
    ScopeChoice {
        reach: match row.card.tool.as_str() {
            "fs_write" if !dice.once_in(4) => Reach::Below("src".to_owned()),
            _ => Reach::Exact,
        },
        for_ms: 1 + dice.below(2 * 60 * 60 * 1000),
        uses: 1 + dice.below(3),
    }
}

fn sign(answer: &mut Answer, name: &str, key: &SigningKey, at: thymos_core::Timestamp) {
    let said = approval::Answer {
        v: 1,
        proposal: answer.proposal,
        presented: answer.presented,
        decision: answer.decision,
        scope: approval::Scope::Once,
        reason: String::new(),
        via: Via::Cli,
        fully_viewed: true,
        by: party(name, key),
        at,
    };
    answer.signed = Some(Box::new(said.sign(key).unwrap()));
}

/// Whether an answer in this manner can never count.
pub(crate) fn counts_wrongly(manner: Manner, replied: &Replied) -> bool {
    let never = matches!(manner, Manner::WrongDigest | Manner::Stranger);
    never && *replied == Replied::Accepted
}
