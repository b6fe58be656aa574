//! Skills as people write them, and what they leave of a writ.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::budget::Budget;
use crate::effect::{EffectClass, Effects};
use crate::isolation::Rung;
use crate::time::Timestamp;
use crate::writ::{Delegation, Examples, Window};

const TEXT: &str = r#"{
  "v": 1, "name": "doc-writer", "version": 2, "title": "Writes pages",
  "instructions": "Write in {folder}, in {{braces}}, {tone}.",
  "params": [
    {"key": "folder", "description": "where"},
    {"key": "tone", "default": "plain", "values": ["plain", "formal"]}
  ],
  "tools": ["fs_read", "fs_write", "kv_*"],
  "effects": {"ceiling": "write"},
  "budget_cap": {"tool_calls": 20},
  "grants": [{"tool": "fs_write", "caveats": [{"arg": "path", "must": {"under": "{folder}"}}]}]
}"#;

fn skill() -> Skill {
    SkillFile::read(TEXT.as_bytes()).unwrap().skill
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    pairs.iter().map(own).collect()
}

fn parent(session: &Party) -> Writ {
    Writ {
        v: 1,
        nonce: Writ::nonce([1; 16]),
        name: "edit".into(),
        issuer: session.clone(),
        subject: session.clone(),
        parent: None,
        tenant: "acme".into(),
        grants: Vec::new(),
        effects: Effects::Only(BTreeSet::from([EffectClass::Read, EffectClass::External])),
        isolation_min: Rung::L2,
        budget: Budget {
            tool_calls: Some(10),
            tokens: Some(100),
            ..Budget::unlimited()
        },
        window: Window {
            not_before: Timestamp(1),
            expires_at: Some(Timestamp(9)),
        },
        delegation: Delegation {
            max_depth: 3,
            may_subdivide: true,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
}

fn narrowed(skill: &Skill, values: &BTreeMap<String, String>) -> Writ {
    let session = Party {
        name: "session".into(),
        key: SigningKey::from_seed(&[3; 32]).public(),
    };
    let parent = parent(&session);
    let from = Narrowing {
        parent_id: WritId::of(b"parent"),
        parent: &parent,
        session,
        nonce: Writ::nonce([2; 16]),
    };
    skill.narrow(values, from)
}

fn wrong(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    let text = TEXT.replacen(from, to, 1);
    SkillFile::read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn s1_a_skill_is_named_by_what_it_says_and_not_by_its_spelling() {
    let spelled = SkillFile::read(TEXT.replace(": ", " :  ").as_bytes()).unwrap();
    let written = SkillFile::read(spelled.text().unwrap().as_bytes()).unwrap();
    assert_eq!(written.skill.id().unwrap(), skill().id().unwrap());
    let mut other = skill();
    other.version += 1;
    assert_ne!(other.id().unwrap(), skill().id().unwrap());
}

#[test]
fn s1_a_signature_is_over_the_definition_and_counts_as_nothing_else() {
    let key = SigningKey::from_seed(&[5; 32]);
    let file = skill().sign(&key).unwrap();
    let read = SkillFile::read(file.text().unwrap().as_bytes()).unwrap();
    assert_eq!(read, file);
    assert!(read.signature_holds());
    let mut changed = read.clone();
    changed.skill.title.push('!');
    assert!(!changed.signature_holds());
    let mut foreign = read;
    let bytes = skill().canonical().unwrap();
    foreign.signed.as_mut().unwrap().signature = key.sign(Domain::Policy, bytes.as_bytes());
    assert!(!foreign.signature_holds());
}

#[test]
fn s1_a_skill_only_narrows() {
    let values = skill().values(&given(&[("folder", "docs")])).unwrap();
    let child = narrowed(&skill(), &values);
    assert_eq!(
        child.effects,
        Effects::Only(BTreeSet::from([EffectClass::Read]))
    );
    assert_eq!(child.budget.tool_calls, Some(10));
    assert_eq!(child.budget.tokens, Some(100));
    assert_eq!(child.budget.usd_millicents, None);
    assert_eq!(
        (child.tenant.as_str(), child.isolation_min),
        ("acme", Rung::L2)
    );
    assert_eq!(child.delegation.max_depth, 2);
    assert_eq!(child.window.expires_at, Some(Timestamp(9)));
    let tools: Vec<_> = child.grants.iter().map(|g| g.tool.as_str()).collect();
    assert_eq!(tools, ["fs_read", "kv_*", "fs_write"]);
    let must = &child.grants[2].caveats[0].must;
    assert_eq!(*must, crate::caveat::Condition::Under("docs".into()));
}

#[test]
fn s1_an_empty_tool_list_adds_no_limit_and_removes_none() {
    let mut open = skill();
    open.tools.clear();
    open.grants.clear();
    open.effects = None;
    let child = narrowed(&open, &given(&[("folder", "."), ("tone", "plain")]));
    assert_eq!(child.grants.len(), 1);
    assert_eq!(
        (child.grants[0].tool.as_str(), child.grants[0].caveats.len()),
        ("*", 0)
    );
    assert!(child.effects.allows(EffectClass::External));
    assert!(!child.effects.allows(EffectClass::Write));
}

#[test]
fn s1_values_are_checked_and_named() {
    let no = |pairs: &[(&str, &str)]| skill().values(&given(pairs)).unwrap_err();
    let unknown = no(&[("folder", "docs"), ("colour", "red")]);
    assert_eq!(
        unknown.message,
        "skill `doc-writer` has no parameter `colour`"
    );
    assert_eq!(unknown.hint, "`doc-writer` takes: folder, tone");
    assert_eq!(
        no(&[]).message,
        "skill `doc-writer` needs its parameter `folder`"
    );
    let among = no(&[("folder", "docs"), ("tone", "loud")]);
    assert_eq!(
        among.message,
        "`loud` is not a value of the parameter `tone`"
    );
    assert_eq!(among.hint, "give one of: plain, formal");
    for climbing in ["..", "a/../..", "/etc", ""] {
        let no = no(&[("folder", climbing)]);
        assert!(
            no.message.contains("cannot be the parameter `folder`"),
            "{no:?}"
        );
    }
}

#[test]
fn s1_values_stand_where_the_text_names_them() {
    let values = skill().values(&given(&[("folder", "{tone}")])).unwrap();
    // A value is not read again.
    assert_eq!(
        skill().told(&values),
        "Write in {tone}, in {braces}, plain."
    );
}

#[test]
fn s1_what_is_no_skill_is_told_with_its_place() {
    assert_eq!(
        wrong("\"title\"", "\"tittle\""),
        "line 2 column 54: unknown field `tittle`"
    );
    assert_eq!(
        wrong("\"v\": 1,", "\"v\": 1 "),
        "line 2 column 11: expected `,` or `}`"
    );
    assert_eq!(
        wrong("\"v\": 1,", "\"v\": 1, \"v\": 1,"),
        "line 2 column 11: key `v` stands twice"
    );
    assert_eq!(
        wrong("doc-writer", "Doc Writer"),
        "`name`: lowercase letters, digits and `-`, at most 64"
    );
    assert!(wrong("Write in {folder}", "Write in {where}").contains("no parameter `where`"));
    assert!(wrong("\"{folder}\"", "\"{folder}/x\"").contains("stands for a whole value"));
    assert!(
        wrong("{\"under\": \"{folder}\"}", "{\"glob\": \"{folder}\"}")
            .contains("takes no parameter")
    );
    assert!(wrong("\"kv_*\"", "\"fs_*\"").contains("without its conditions"));
    assert!(wrong("\"fs_read\", \"fs_write\"", "\"fs_read\"").contains("is not among `tools`"));
    assert!(wrong("\"plain\", \"values\"", "\"odd\", \"values\"").contains("`odd` is not a value"));
    assert!(wrong("\"version\": 2", "\"version\": 0").contains("counts from 1"));
}

#[test]
fn s1_tool_patterns_are_held_against_tools_that_exist() {
    let known = ["fs_read", "fs_write", "kv_get"];
    assert_eq!(skill().unknown_tool(known.into_iter()), None);
    assert_eq!(
        skill().unknown_tool(["fs_read", "fs_write"].into_iter()),
        Some("kv_*")
    );
}

#[test]
fn s1_a_bound_skill_allows_what_both_allow_whatever_they_are() {
    let subset = |bits: u32| {
        let chosen = EffectClass::ALL.into_iter().enumerate();
        let kept = chosen.filter(|(at, _)| bits & (1 << at) != 0);
        Effects::Only(kept.map(|(_, class)| class).collect())
    };
    let mut all: Vec<Effects> = (0..32).map(subset).collect();
    all.extend(EffectClass::ALL.map(Effects::Ceiling));
    let limits = [None, Some(0), Some(3), Some(9)];
    for outer in &all {
        for (at, inner) in all.iter().enumerate() {
            let mut own = skill();
            own.effects = Some(inner.clone());
            own.budget_cap.tokens = limits[at % 4];
            let session = Party {
                name: "session".into(),
                key: SigningKey::from_seed(&[3; 32]).public(),
            };
            let mut parent = parent(&session);
            parent.effects = outer.clone();
            parent.budget.tokens = limits[at / 4 % 4];
            let from = Narrowing {
                parent_id: WritId::of(b"parent"),
                parent: &parent,
                session,
                nonce: Writ::nonce([2; 16]),
            };
            let child = own.narrow(&given(&[("folder", "."), ("tone", "plain")]), from);
            for class in EffectClass::ALL {
                let both = outer.allows(class) && inner.allows(class);
                assert_eq!(child.effects.allows(class), both, "{outer} {inner} {class}");
            }
            let most = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
            let least = most(parent.budget.tokens).min(most(own.budget_cap.tokens));
            assert_eq!(most(child.budget.tokens), least);
        }
    }
}
