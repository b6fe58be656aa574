//! Tests of what can be taken back, on records as they may be.

use serde_json::json;
use thymos_core::delta::{Expect, FileImage};
use thymos_core::id::{Digest, ProposalId};
use thymos_core::resolved::{Resolved, ResolvedExec, ResolvedHost};
use thymos_core::secret::Secret;
use thymos_core::{EntryId, TrajectoryId};

use super::*;
use crate::redact::Redactor;

fn file(text: &str) -> Option<ResourceValue> {
    Some(ResourceValue::File(FileImage {
        digest: Digest::of(text.as_bytes()),
        size: text.len() as u64,
        mode: 0o644,
    }))
}

fn delta(path: &str, before: Option<ResourceValue>, after: Option<ResourceValue>) -> Delta {
    Delta {
        resource: Resource::File(path.to_owned()),
        expect: Expect::Anything,
        before,
        after,
    }
}

/// A command in a cage that made `a.txt` and was wholly seen.
fn command() -> Ended {
    Ended {
        resolved: Some(Resolved {
            effect: EffectClass::External,
            exec: Some(ResolvedExec {
                arg: "command".into(),
                argv: vec!["make".into()],
                executable: "/usr/bin/make".into(),
                executable_digest: Digest::of(b"make"),
                cwd: ".".into(),
                env: BTreeMap::new(),
                stdin_bytes: 0,
                timeout_ms: 1_000,
                shape: String::new(),
            }),
            ..Resolved::pure()
        }),
        deltas: vec![delta("a.txt", None, file("a"))],
        observed: Some(Observed {
            files: 1,
            unobserved: 0,
            complete: true,
            note: None,
            unheld: Vec::new(),
            untold: 0,
        }),
        rung: Rung::L2,
        broke_off: false,
        settled: false,
        folders_made: 0,
    }
}

fn judged(change: impl FnOnce(&mut Ended)) -> Judged {
    let mut ended = command();
    change(&mut ended);
    judge(&Effect {
        index: 0,
        entry: EntryId::of(b"e"),
        trajectory: TrajectoryId::of(b"t"),
        seq: 0,
        proposal: ProposalId::of(b"p"),
        tool: "shell".into(),
        line: "make".into(),
        came: Came::Ended(Box::new(ended)),
    })
}

fn cannot(change: impl FnOnce(&mut Ended)) -> String {
    match judged(change) {
        Judged::Cannot(why) => why,
        Judged::Nothing => panic!("there is nothing to do"),
        Judged::Changes(_) => panic!("it can be taken back"),
    }
}

fn observed(ended: &mut Ended) -> &mut Observed {
    ended.observed.as_mut().unwrap()
}

#[test]
fn d3_a_caged_command_that_was_wholly_seen_can_be_taken_back() {
    assert!(matches!(judged(|_| {}), Judged::Changes(changes) if changes.len() == 1));
    assert!(matches!(
        judged(|ended| ended.deltas.clear()),
        Judged::Nothing
    ));
}

#[test]
fn d3_a_command_without_a_cage_cannot() {
    for rung in [Rung::L0, Rung::L1] {
        let why = cannot(|ended| ended.rung = rung);
        assert!(why.contains("what it did outside the workspace"), "{why}");
    }
    cannot(|ended| {
        ended.rung = Rung::L1;
        ended.deltas.clear();
    });
}

#[test]
fn d3_a_change_that_was_seen_and_not_recorded_cannot() {
    let why = cannot(|ended| observed(ended).untold = 2);
    assert_eq!(why, "2 of its changes could not be recorded");
    let why = cannot(|ended| {
        observed(ended).untold = 1;
        observed(ended).note = Some("1 changed link or special file not recorded".into());
    });
    let which =
        "1 of its changes could not be recorded: 1 changed link or special file not recorded";
    assert_eq!(why, which);
}

#[test]
fn d3_a_file_whose_earlier_content_nobody_kept_is_not_deleted() {
    let lost = "nobody kept what `a.txt` held before, if it was there";
    assert_eq!(
        cannot(|ended| observed(ended).unheld.push("a.txt".into())),
        lost
    );
    // Records of before this was told file by file.
    for note in [
        "1 changed file without its earlier content",
        "not every file could be looked at before and after",
    ] {
        assert_eq!(
            cannot(|ended| observed(ended).note = Some(note.into())),
            lost
        );
    }
    let broke_off = cannot(|ended| {
        ended.observed = None;
        ended.broke_off = true;
    });
    assert_eq!(broke_off, lost);
    assert_eq!(
        cannot(|ended| ended.deltas = vec![delta("a.txt", None, None)]),
        lost
    );
    let other = judged(|ended| observed(ended).unheld.push("b.txt".into()));
    assert!(matches!(other, Judged::Changes(_)));
}

#[test]
fn d3_what_reached_a_host_or_is_final_cannot() {
    let why = cannot(|ended| {
        let host = ResolvedHost {
            arg: "url".into(),
            host: "example.com".into(),
            port: 443,
            addresses: Vec::new(),
            method: "POST".into(),
        };
        ended.resolved.as_mut().unwrap().hosts.push(host);
    });
    assert_eq!(why, "what it did at `example.com` is outside the record");
    let effect = |class| {
        cannot(move |ended| {
            let resolved = ended.resolved.as_mut().unwrap();
            resolved.effect = class;
            resolved.exec = None;
        })
    };
    assert_eq!(
        effect(EffectClass::Irreversible),
        "its effect is irreversible"
    );
    assert_eq!(
        effect(EffectClass::External),
        "its effect is outside the record"
    );
    cannot(|ended| ended.resolved = None);
}

#[test]
fn c18_a_file_tool_that_the_table_lifted_can_still_be_taken_back() {
    let lifted = judged(|ended| {
        let resolved = ended.resolved.as_mut().unwrap();
        resolved.exec = None;
        resolved.compensation = Compensation::FromRecord;
    });
    assert!(matches!(lifted, Judged::Changes(_)));
}

#[test]
fn d3_a_value_that_held_a_secret_is_not_put_back() {
    let secret = ["correct", "horse", "battery", "staple"].join("-");
    let redactor = Redactor::new(vec![Secret::new(secret.clone())], [7; 32]);
    let marker = redactor.redact_value(&json!(secret)).unwrap();
    assert!(contains_marker(&marker));
    let why = match judged(|ended| {
        ended.deltas = vec![Delta {
            resource: Resource::Kv("k".into()),
            expect: Expect::Anything,
            before: Some(ResourceValue::Json(marker)),
            after: None,
        }];
    }) {
        Judged::Cannot(why) => why,
        Judged::Nothing | Judged::Changes(_) => String::new(),
    };
    assert_eq!(why, "`kv:k` held a secret, and secrets are not stored");
}

#[test]
fn d3_several_changes_of_one_resource_are_one_from_first_to_last() {
    let deltas = vec![
        delta("a.txt", file("one"), file("two")),
        delta("a.txt", file("two"), file("three")),
        delta("b.txt", file("same"), file("same")),
    ];
    let Judged::Changes(changes) = judged(|ended| ended.deltas = deltas) else {
        panic!("it cannot be taken back")
    };
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (&changes[0].expect, &changes[0].to),
        (&file("three"), &file("one"))
    );
}

#[test]
fn d3_a_command_that_was_cut_off_and_settled_cannot_be_undone() {
    let settled = Ended {
        deltas: Vec::new(),
        observed: None,
        settled: true,
        ..command()
    };
    let why = outside(&settled).unwrap();
    assert_eq!(
        why,
        "it was cut off, and what it changed is not in the record"
    );
}
