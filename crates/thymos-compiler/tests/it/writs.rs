//! Chains of writs and their examples `[W1]`-`[W4]`.

use serde_json::json;
use thymos_compiler::CheckedChain;
use thymos_core::Timestamp;
use thymos_core::budget::Budget;
use thymos_core::caveat::{ArgvSlot, Caveat, Condition};
use thymos_core::id::WritId;
use thymos_core::limits::CHAIN_LINKS_MAX;
use thymos_core::writ::{Examples, Grant, SampleCall, Writ};

use crate::scene::{Scene, delegated, party, stranger, writing};

fn faults(change: impl FnOnce(&mut Scene)) -> Vec<String> {
    let mut scene = delegated();
    change(&mut scene);
    scene.chain().faults().to_vec()
}

#[test]
fn w1_a_sound_chain_has_no_faults() {
    assert_eq!(faults(|_| {}), Vec::<String>::new());
}

#[test]
fn w1_a_writ_without_canonical_form_or_any_writ_at_all_has_no_authority() {
    assert_eq!(
        faults(|scene| scene.links.clear()),
        ["no writ was presented"]
    );
}

#[test]
fn w1_a_root_that_a_stranger_issued_has_no_authority() {
    let found = faults(|scene| {
        scene.links.truncate(1);
        scene.root().issuer = party("mallory", &stranger());
        scene.links[0].1 = stranger();
    });
    let key = stranger().public().short();
    assert_eq!(
        found,
        [format!(
            "link 0 `issuer`: the key of `mallory` ({key}) is not among the trust roots"
        )]
    );
}

#[test]
fn w1_a_root_names_no_parent() {
    let found = faults(|scene| {
        scene.links.truncate(1);
        scene.root().parent = Some(WritId::of(b"other"));
    });
    assert_eq!(
        found,
        ["link 0 `parent`: the first writ of a chain has none"]
    );
}

#[test]
fn w3_a_violation_names_the_link_and_the_field() {
    type Change = fn(&mut Writ);
    let cases: [(Change, &str); 7] = [
        (
            |c| c.parent = None,
            "`parent`: names another writ than the link before",
        ),
        (
            |c| c.tenant = "acme".into(),
            "`tenant`: differs from its parent's",
        ),
        (
            |c| c.window.expires_at = None,
            "`window`: is not inside its parent's",
        ),
        (
            |c| c.window.not_before = Timestamp(0),
            "`window`: is not inside its parent's",
        ),
        (
            |c| c.delegation.max_depth = 2,
            "`delegation.max_depth`: is not below its parent's",
        ),
        (
            |c| c.budget = Budget::unlimited(),
            "`budget`: tool calls exceed its parent's",
        ),
        (|c| c.nonce = "7".into(), "`nonce`: not 16 bytes of hex"),
    ];
    for (change, said) in cases {
        let found = faults(|scene| change(&mut scene.links[1].0));
        assert_eq!(found, [format!("link 1 {said}")]);
    }
}

#[test]
fn w3_a_child_is_issued_by_the_subject_of_its_parent() {
    let found = faults(|scene| {
        scene.links[1].0.issuer = party("mallory", &stranger());
        scene.links[1].1 = stranger();
    });
    assert_eq!(found, ["link 1 `issuer`: is not the subject of its parent"]);
}

#[test]
fn w3_a_writ_that_may_not_be_subdivided_has_no_children() {
    let found = faults(|scene| {
        scene.root().delegation.may_subdivide = false;
        let parent = scene.chain().links()[0].0;
        scene.links[1].0.parent = Some(parent);
    });
    assert_eq!(found, ["link 1 `parent`: may not be subdivided"]);
}

#[test]
fn w3_a_chain_that_is_too_long_is_refused_unread() {
    let scene = writing();
    let link = scene.links[0].0.clone().sign(&scene.links[0].1).unwrap();
    let chain = CheckedChain::check(vec![link; CHAIN_LINKS_MAX + 1], &scene.roots);
    assert_eq!(chain.faults(), ["a chain of 17 links is longer than 16"]);
}

#[test]
fn w4_examples_are_checked_when_a_writ_is_loaded() {
    let cargo = |line: &str| SampleCall {
        tool: "shell".into(),
        args: json!({"command": line}),
    };
    let writ = |examples| {
        let mut scene = writing();
        scene.root().grants = vec![Grant {
            tool: "shell".into(),
            caveats: vec![Caveat {
                arg: "command".into(),
                must: Condition::Argv(vec![
                    ArgvSlot::Is("cargo".into()),
                    ArgvSlot::Is("test".into()),
                ]),
            }],
        }];
        scene.root().examples = examples;
        scene.chain().faults().to_vec()
    };
    let good = Examples {
        allow: vec![cargo("cargo test -p a")],
        deny: vec![cargo("cargo run")],
    };
    assert_eq!(writ(good), Vec::<String>::new());
    let bad = Examples {
        allow: vec![cargo("cargo run")],
        deny: vec![cargo("cargo test")],
    };
    assert_eq!(
        writ(bad),
        [
            "link 0 `examples`: allow 0: no grant covers `shell`",
            "link 0 `examples`: deny 0: a grant covers `shell`",
        ]
    );
}

#[test]
fn w4_an_example_path_that_climbs_out_lies_under_nothing() {
    let mut scene = writing();
    let sample = |path: &str| SampleCall {
        tool: "fs_read".into(),
        args: json!({"path": path}),
    };
    scene.root().grants = vec![Grant {
        tool: "fs_*".into(),
        caveats: vec![Caveat {
            arg: "path".into(),
            must: Condition::Under("src".into()),
        }],
    }];
    scene.root().examples = Examples {
        allow: vec![sample("src/../src/a.rs"), sample("./src/b")],
        deny: vec![sample("src/../etc"), sample("../src/a"), sample("/src/a")],
    };
    assert_eq!(scene.chain().faults(), Vec::<String>::new().as_slice());
}
