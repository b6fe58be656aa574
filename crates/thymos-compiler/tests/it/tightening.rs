//! What the operator's settings demand of approvals beyond the rules `[A8]`.

use serde_json::json;
use thymos_compiler::{AnswerFault, Held, Verdict, check_answer};
use thymos_core::Timestamp;
use thymos_core::approval::{Answer, SignedAnswer};
use thymos_core::canonical;
use thymos_core::effect::EffectClass;
use thymos_core::key::SigningKey;
use thymos_core::trace::Clause;
use thymos_core::verdict::Tightening;
use thymos_policy::{Bundle, PolicySet, Switches};

use crate::scene::{NOON, Scene, approve, held_writing, party, running, writing, yes};

fn typed() -> Tightening {
    Tightening {
        type_back: true,
        ..Tightening::none()
    }
}

fn of_two() -> Tightening {
    Tightening {
        quorum: Some(2),
        ..Tightening::none()
    }
}

fn within(ms: u64) -> Tightening {
    Tightening {
        expires_after_ms: Some(ms),
        ..Tightening::none()
    }
}

fn viewed() -> Tightening {
    Tightening {
        view_gate: true,
        ..Tightening::none()
    }
}

/// A scene that waits, under these settings.
fn under(settings: Tightening) -> Scene {
    let mut scene = held_writing();
    scene.facts.approvals = settings;
    scene
}

/// One rule that asks like this about every call.
fn asking(mut scene: Scene, ask: serde_json::Value) -> Scene {
    let value = json!({"name": "house", "version": "1", "default": "permit", "rules": [
        {"id": "all", "when": {"all": []}, "decision": {"ask": ask}}
    ]});
    let bundle = Bundle::from_value(&value).unwrap();
    scene.policy = PolicySet::new(vec![bundle], Switches::standard());
    scene
}

fn bob() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

fn by_bob(held: &Held) -> SignedAnswer {
    let by = party("bob", &bob());
    Answer { by, ..yes(held) }.sign(&bob()).unwrap()
}

/// The sentence with which a hold of these settings is refused under those of now.
fn refused_by(before: Tightening, now: Tightening, after_ms: u64) -> Option<String> {
    let mut scene = under(before);
    let held = scene.held();
    scene.facts.approvals = now;
    scene.facts.now = Timestamp(NOON + after_ms);
    match scene.admit(&held, &[approve(&held)]) {
        Verdict::Refused(refused) => {
            assert_eq!(refused.refusal.clause, Clause::C13);
            Some(refused.refusal.reason)
        }
        Verdict::Cleared(_) => None,
        Verdict::Held(held) => panic!("still held: {held:?}"),
    }
}

#[test]
fn a8_settings_change_no_term_that_is_as_strict() {
    let plain = held_writing().held();
    assert!(plain.terms.ceremony.view_gate && plain.terms.ceremony.batch);
    let gated = under(viewed()).held();
    assert_eq!(gated.terms, plain.terms);
    let strict = json!({"quorum": 3, "expires_after_ms": 10,
        "ceremony": {"arming_ms": 900, "view_gate": true, "type_back": true, "batch": false}});
    let all = Tightening {
        expires_after_ms: Some(20),
        quorum: Some(2),
        ..typed()
    };
    let (ruled, both) = (
        asking(held_writing(), strict.clone()),
        asking(under(all), strict),
    );
    assert_eq!(both.held().terms, ruled.held().terms);
}

#[test]
fn a8_each_setting_tightens_the_terms_and_with_them_the_card() {
    let plain = held_writing().held();
    let typed = under(typed()).held();
    assert!(typed.terms.ceremony.type_back && !typed.terms.ceremony.batch);
    let two = under(of_two()).held();
    assert_eq!((two.terms.quorum(), plain.terms.quorum()), (2, 1));
    assert_ne!(two.presented, plain.presented);
    let ends = under(within(5_000)).held();
    assert_eq!(ends.terms.expires_after_ms(), Some(5_000));
    let shorter = asking(under(within(5_000)), json!({"expires_after_ms": 1_000}));
    assert_eq!(shorter.held().terms.expires_after_ms(), Some(1_000));
    // A read asks for no view gate by itself.
    let mut look = running();
    look.resolved().effect = EffectClass::Read;
    let mut look = asking(
        look,
        json!({"ceremony": {"arming_ms": 0, "view_gate": false,
        "type_back": false, "batch": true}}),
    );
    assert!(!look.held().terms.ceremony.view_gate);
    look.facts.approvals = viewed();
    let held = look.held();
    assert!(held.terms.ceremony.view_gate && held.terms.ceremony.batch);
    let unseen = Answer {
        fully_viewed: false,
        ..yes(&held)
    };
    let unseen = unseen.sign(&crate::scene::operator()).unwrap();
    let found = check_answer(&held, &unseen, &look.roots, &look.chain());
    assert_eq!(found, Err(AnswerFault::NotViewed));
}

#[test]
fn a8_what_nobody_is_asked_about_stays_so() {
    let mut scene = writing();
    scene.facts.approvals = typed();
    scene.check_cleared();
}

#[test]
fn a8_two_people_are_needed_where_settings_say_so() {
    let mut scene = under(of_two());
    scene.roots.operators.push(party("bob", &bob()));
    let held = scene.held();
    let one = scene.admit(&held, &[approve(&held)]);
    assert!(matches!(one, Verdict::Held(_)), "{one:?}");
    let both = scene.admit(&held, &[approve(&held), by_bob(&held)]);
    assert!(matches!(both, Verdict::Cleared(_)), "{both:?}");
}

#[test]
fn a8_a_hold_from_before_the_settings_needs_a_new_card() {
    let none = Tightening::none;
    let said = refused_by(none(), typed(), 0);
    let typed_back = "approvals are typed back by now, and this card did not ask for it";
    assert_eq!(said.as_deref(), Some(typed_back));
    let said = refused_by(none(), of_two(), 0);
    let people = "approvals take 2 people by now, and this card asked for 1";
    assert_eq!(said.as_deref(), Some(people));
    assert_eq!(refused_by(none(), within(500), 499), None);
    let said = refused_by(none(), within(500), 500);
    let waited = "it waited longer than a card may by now";
    assert_eq!(said.as_deref(), Some(waited));
}

#[test]
fn a8_a_hold_that_asked_for_as_much_or_more_is_admitted() {
    assert_eq!(refused_by(typed(), typed(), 0), None);
    assert_eq!(refused_by(typed(), Tightening::none(), 0), None);
    // The timer is for its own end, and an answer that came before it counts.
    assert_eq!(refused_by(within(500), within(500), 600), None);
    assert_eq!(refused_by(within(500), Tightening::none(), 400), None);
}

#[test]
fn a8_facts_without_settings_are_written_as_ever() {
    let (mut facts, key) = (held_writing().facts, "\"approvals\"");
    let text = |facts: &_| {
        let bytes = canonical::encode(facts).unwrap();
        String::from_utf8(bytes.as_bytes().to_vec()).unwrap()
    };
    assert!(!text(&facts).contains(key));
    facts.approvals = of_two();
    assert!(text(&facts).contains("\"approvals\":{\"quorum\":2}"));
}
