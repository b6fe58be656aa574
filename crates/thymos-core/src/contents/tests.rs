//! What is said of contents, and what of nothing.

use super::*;
use crate::body::Failure;
use crate::budget::Cost;
use crate::delta::{Expect, FileImage, Resource};
use crate::id::{EntryId, ProposalId};
use crate::outcome::{Fault, FaultKind};

fn image(content: &[u8]) -> ResourceValue {
    ResourceValue::File(FileImage {
        digest: Digest::of(content),
        mode: 0o644,
        size: content.len() as u64,
    })
}

fn failure(deltas: Vec<Delta>) -> Body {
    Body::Failure(Failure {
        proposal: ProposalId::of(b"p"),
        started: EntryId::of(b"s"),
        fault: Fault {
            deltas,
            kind: FaultKind::Failed,
            message: String::new(),
            observation: String::new(),
        },
        cost: Cost::default(),
        unkept: None,
    })
}

fn changed() -> Body {
    failure(vec![Delta {
        after: Some(image(b"after")),
        before: Some(image(b"before")),
        expect: Expect::Anything,
        resource: Resource::File("a.txt".to_owned()),
    }])
}

#[test]
fn l4_of_contents_of_which_nothing_is_said_none_counts_as_kept() {
    let (before, after) = (Digest::of(b"before"), Digest::of(b"after"));
    let body = changed();
    assert_eq!(body.contents(), BTreeSet::from([before, after]));
    assert_eq!(body.kept_contents(), BTreeSet::new());
    let all = body.clone().keeping(&[]);
    assert_eq!(all.kept_contents(), BTreeSet::from([before, after]));
    let some = body.keeping(&[after, Digest::of(b"of another call")]);
    assert_eq!(some.kept_contents(), BTreeSet::from([before]));
}

#[test]
fn l4_where_nothing_is_referred_to_nothing_is_said() {
    let body = failure(Vec::new());
    assert_eq!(body.clone().keeping(&[]), body);
}
