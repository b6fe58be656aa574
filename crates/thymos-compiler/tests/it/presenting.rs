//! What an approver is shown: typed facts, whole and in order.

use serde_json::json;
use thymos_compiler::Verdict;
use thymos_core::body::{Body, Rejection, Stage};
use thymos_core::limits::ENTRY_BYTES_MAX;
use thymos_core::presentation::{Label, Presentation};
use thymos_core::resolved::{Preview, PreviewKind};
use thymos_core::trace::Clause;

use crate::scene::{held_writing, running};

fn lines(presentation: &Presentation, label: Label) -> Vec<&str> {
    presentation
        .fields
        .iter()
        .filter(|field| field.label == label)
        .flat_map(|field| field.lines.iter().map(String::as_str))
        .collect()
}

#[test]
fn a_command_is_shown_argument_by_argument() {
    let held = running().held();
    assert_eq!(
        lines(&held.presentation, Label::What),
        [
            "tool shell",
            "$ cargo test -p core",
            "argv[0] \"cargo\"",
            "argv[1] \"test\"",
            "argv[2] \"-p\"",
            "argv[3] \"core\"",
            &format!("exe /usr/bin/cargo {}", thymos_core::Digest::of(b"cargo")),
            "cwd .",
            "env RUST_LOG=\"debug\"",
            "stdin none",
            "timeout 120000 ms",
            "1 segment: no pipe, no redirect, no substitution",
        ]
    );
    assert_eq!(
        lines(&held.presentation, Label::Why),
        ["builtin/exec-review: external effects need a person"]
    );
    assert_eq!(
        lines(&held.presentation, Label::Undo),
        ["none: commands leave no pre-images"]
    );
}

#[test]
fn an_argument_with_spaces_and_quotes_cannot_pass_for_two() {
    let mut scene = running();
    scene.resolved().exec.as_mut().unwrap().argv = vec!["echo".into(), "a b\nc'".into()];
    let held = scene.held();
    let what = lines(&held.presentation, Label::What);
    assert_eq!(what[1], "$ echo 'a b\nc'\\'''");
    assert_eq!(what[3], "argv[1] \"a b\\nc'\"");
}

#[test]
fn a_write_shows_its_arguments_whole_and_its_diff() {
    let mut scene = held_writing();
    scene.intent.args = json!({"path": "src/a.rs", "text": "one\ntwo"});
    scene.resolved().preview = Some(Preview {
        kind: PreviewKind::Diff,
        text: "-old\n+one\n+two".into(),
        added: 2,
        removed: 1,
        truncated: true,
    });
    let held = scene.held();
    assert_eq!(
        lines(&held.presentation, Label::What),
        [
            "tool fs_write",
            "path \"src/a.rs\"",
            "text (2 lines, 7 bytes)",
            "  | one",
            "  | two"
        ]
    );
    assert_eq!(
        lines(&held.presentation, Label::Body),
        [
            "+2 -1",
            "-old",
            "+one",
            "+two",
            "the text was cut at the limit; this is not all of it"
        ]
    );
    assert_eq!(
        lines(&held.presentation, Label::Touches),
        [
            "effect write, risk medium",
            "write src/a.rs",
            "cage L3: namespaces, landlock and system call filter",
        ]
    );
    assert_eq!(lines(&held.presentation, Label::Quorum), ["1 needed"]);
}

#[test]
fn fields_stand_in_the_order_of_the_card_and_are_never_empty() {
    let held = running().held();
    let labels: Vec<Label> = held
        .presentation
        .fields
        .iter()
        .map(|field| field.label)
        .collect();
    let mut sorted = labels.clone();
    sorted.sort();
    assert_eq!(labels, sorted);
    assert!(
        held.presentation
            .fields
            .iter()
            .all(|field| !field.lines.is_empty())
    );
    assert_eq!(held.presented, held.presentation.digest().unwrap());
}

#[test]
fn a_changed_argument_changes_the_digest() {
    let one = running().held().presented;
    let mut scene = running();
    scene.resolved().exec.as_mut().unwrap().timeout_ms += 1;
    assert_ne!(scene.held().presented, one);
}

/// What cannot be recorded is a no, and never a fault of the ledger in the middle of a run.
#[test]
fn c1_k4_a_call_whose_card_no_entry_can_hold_is_refused() {
    let preview = "\u{1}".repeat(256 * 1024);
    let texts = [
        // An empty line takes two bytes of the arguments, and six of the card.
        "\n".repeat(500_000),
        "\u{1}".repeat(170_000),
        format!("\n{}", "\"".repeat(500_000)),
    ];
    for text in texts {
        let mut scene = held_writing();
        scene.intent.args["text"] = json!(text);
        scene.resolved().preview = Some(Preview {
            kind: PreviewKind::Diff,
            text: preview.clone(),
            added: 1,
            removed: 1,
            truncated: true,
        });
        let Verdict::Refused(refused) = scene.verdict() else {
            panic!("no entry can hold it");
        };
        assert_eq!(refused.refusal.clause, Clause::C1);
        assert!(
            refused
                .refusal
                .reason
                .contains("more than the 4194304 of an entry")
        );
        let no = Body::Rejection(Box::new(Rejection {
            decided: refused.decided,
            refusal: refused.refusal,
            stage: Stage::Compile,
            earlier: None,
        }));
        assert!(
            no.encode().unwrap().as_bytes().len() < ENTRY_BYTES_MAX,
            "the no can be"
        );
    }
    // A large one that can be recorded waits as any other.
    let mut scene = held_writing();
    scene.intent.args["text"] = json!("a line\n".repeat(100_000));
    assert!(matches!(scene.verdict(), Verdict::Held(_)));
}
