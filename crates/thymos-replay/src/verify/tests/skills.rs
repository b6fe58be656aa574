//! Bound skills as a verifier sees them: the id, the writ, its parent and the signature must follow.

use thymos_core::body::SkillBound;
use thymos_core::skill::{Narrowing, Skill, SkillFile};

use super::*;

const TEXT: &str = r#"{"v": 1, "name": "reader", "version": 1, "title": "Only looks",
    "instructions": "Look at {topic}.", "params": [{"key": "topic", "default": "rust"}],
    "tools": ["fs_read"], "effects": {"ceiling": "read"}}"#;

/// What stands in a binding, before somebody changes it.
struct Binding {
    parent: SignedWrit,
    skill: Skill,
    writ: Writ,
    bound: SkillBound,
}

/// A log whose newest entries bind a skill, changed like this.
fn binding(change: impl FnOnce(&mut Binding)) -> Report {
    let mut log = log();
    let skill = SkillFile::read(TEXT.as_bytes()).unwrap().skill;
    let signed = skill.clone().sign(&operator()).unwrap().signed;
    let values = skill.values(&BTreeMap::new()).unwrap();
    let parent = writ();
    let narrowing = Narrowing {
        parent: &parent.writ,
        parent_id: parent.id().unwrap(),
        session: party("agent", &agent()),
        nonce: Writ::nonce([8; 16]),
    };
    let child = skill.narrow(&values, narrowing);
    let mut binding = Binding {
        bound: SkillBound {
            definition: skill.definition().unwrap(),
            parameters: json!(values),
            writ: WritId::of(b"later"),
            skill: Some(skill.id().unwrap()),
            signed,
        },
        writ: child,
        parent,
        skill,
    };
    change(&mut binding);
    issue(&mut log, &binding.parent);
    let signed = binding.writ.sign(&agent()).unwrap();
    binding.bound.writ = issue(&mut log, &signed);
    let to = binding.bound.writ;
    let from = log.fold().authority.map(|(_, writ)| writ);
    log.add(&Body::SkillBound(binding.bound));
    log.add(&Body::ModeChanged(ModeChanged {
        mode: Mode::Edit,
        from,
        to,
        difference: Vec::new(),
    }));
    log.verify(Level::V4)
}

fn issue(log: &mut Log, writ: &SignedWrit) -> WritId {
    let id = writ.id().unwrap();
    log.add(&Body::WritIssued(Box::new(WritIssued {
        writ: writ.clone(),
        id,
        reason: String::new(),
        reserved: None,
        session: None,
    })));
    id
}

fn found(report: &Report) -> Vec<(Level, &'static str)> {
    let found = report.findings.iter();
    found.map(|f| (f.level, f.what.check)).collect()
}

#[test]
fn s1_a_bound_skill_follows_from_its_definition_and_its_parent() {
    let report = binding(|_| {});
    assert!(report.is_verified(), "{:?}", report.findings);
}

#[test]
fn s1_v3_a_definition_or_a_writ_that_does_not_follow_is_found() {
    let changed = binding(|b| b.bound.definition["title"] = json!("Looks again"));
    assert!(
        found(&changed).contains(&(Level::V3, "skill id")),
        "{changed:?}"
    );
    let wider = binding(|b| b.writ.effects = Effects::Ceiling(EffectClass::Write));
    assert_eq!(found(&wider), [(Level::V3, "skill writ")]);
    let longer = binding(|b| b.writ.window.expires_at = Some(Timestamp(9)));
    assert_eq!(found(&longer), [(Level::V3, "skill writ")]);
    let valued = binding(|b| b.bound.parameters = json!({"colour": "red"}));
    assert_eq!(found(&valued), [(Level::V3, "skill parameters")]);
}

#[test]
fn s1_a_skill_narrows_the_writ_in_force_and_no_other() {
    let other = binding(|b| {
        b.parent.writ.nonce = Writ::nonce([9; 16]);
        b.parent = b.parent.writ.clone().sign(&operator()).unwrap();
        b.writ.parent = Some(b.parent.id().unwrap());
    });
    assert!(
        found(&other).contains(&(Level::V2, "skill writ")),
        "{other:?}"
    );
}

#[test]
fn s1_v4_a_signature_over_another_definition_is_found() {
    let forged = binding(|b| {
        let mut other = b.skill.clone();
        other.title = "Another".into();
        b.bound.signed = other.sign(&operator()).unwrap().signed;
    });
    assert_eq!(found(&forged), [(Level::V4, "signature")]);
}
