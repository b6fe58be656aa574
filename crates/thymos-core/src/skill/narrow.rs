//! What a bound skill leaves of a writ, and its text with the values in their places. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Narrowing, Skill};
use crate::budget::Budget;
use crate::caveat::{ArgvSlot, Caveat, Condition};
use crate::effect::{EffectClass, Effects};
use crate::writ::{Delegation, Examples, Grant, Writ};

pub(super) fn narrow(
    skill: &Skill,
    values: &BTreeMap<String, String>,
    from: Narrowing<'_>,
) -> Writ {
    let parent = from.parent;
    Writ {
        v: 1,
        nonce: from.nonce,
        name: format!("skill {}", skill.name),
        issuer: from.session.clone(),
        subject: from.session,
        parent: Some(from.parent_id),
        tenant: parent.tenant.clone(),
        grants: grants(skill, values),
        effects: match &skill.effects {
            Some(own) => both(&parent.effects, own),
            None => parent.effects.clone(),
        },
        isolation_min: parent.isolation_min,
        budget: Budget::tightest([&parent.budget, &skill.budget_cap]),
        window: parent.window,
        delegation: Delegation {
            max_depth: parent.delegation.max_depth.saturating_sub(1),
            may_subdivide: parent.delegation.may_subdivide,
        },
        examples: Examples::default(),
        preset: None,
        pre_answer: None,
    }
}

/// One grant a tool; every link of the chain must allow a call, so a child need not repeat the
/// conditions of its parents.
fn grants(skill: &Skill, values: &BTreeMap<String, String>) -> Vec<Grant> {
    let plain = |tool: &str| Grant {
        tool: tool.to_owned(),
        caveats: Vec::new(),
    };
    if skill.tools.is_empty() {
        return vec![plain("*")];
    }
    let mut grants: Vec<Grant> = skill
        .tools
        .iter()
        .filter(|tool| skill.grants.iter().all(|own| own.tool != **tool))
        .map(|tool| plain(tool))
        .collect();
    grants.extend(skill.grants.iter().map(|grant| Grant {
        tool: grant.tool.clone(),
        caveats: grant.caveats.iter().map(|c| placed(c, values)).collect(),
    }));
    grants
}

fn placed(caveat: &Caveat, values: &BTreeMap<String, String>) -> Caveat {
    let text = |text: &String| whole(text, values);
    let json = |value: &Value| match value {
        Value::String(text) => Value::String(whole(text, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.clone()
        }
    };
    let must = match &caveat.must {
        Condition::Under(root) => Condition::Under(text(root)),
        Condition::HostIn(hosts) => Condition::HostIn(hosts.iter().map(text).collect()),
        Condition::Argv(slots) => Condition::Argv(
            slots
                .iter()
                .map(|slot| match slot {
                    ArgvSlot::Is(word) => ArgvSlot::Is(text(word)),
                    ArgvSlot::Any => ArgvSlot::Any,
                    ArgvSlot::End => ArgvSlot::End,
                })
                .collect(),
        ),
        Condition::Equals(value) => Condition::Equals(json(value)),
        Condition::OneOf(values) => Condition::OneOf(values.iter().map(json).collect()),
        same @ (Condition::CidrIn(_)
        | Condition::MethodIn(_)
        | Condition::IntLe(_)
        | Condition::IntGe(_)
        | Condition::LenLe(_)
        | Condition::Glob(_)) => same.clone(),
    };
    Caveat {
        arg: caveat.arg.clone(),
        must,
    }
}

fn whole(text: &str, values: &BTreeMap<String, String>) -> String {
    key_of(text)
        .and_then(|key| values.get(key))
        .map_or_else(|| text.to_owned(), Clone::clone)
}

/// The classes that both allow.
fn both(outer: &Effects, inner: &Effects) -> Effects {
    match (outer, inner) {
        (Effects::Ceiling(one), Effects::Ceiling(other)) => Effects::Ceiling(*one.min(other)),
        (Effects::Ceiling(_) | Effects::Only(_), _) => Effects::Only(
            EffectClass::ALL
                .into_iter()
                .filter(|class| outer.allows(*class) && inner.allows(*class))
                .collect(),
        ),
    }
}

/// A stretch of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// `{key}`.
    Key(&'a str),
}

/// Takes text apart at its places.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        pieces.push(Piece::Text(before));
        let doubled = from.get(..2).filter(|two| matches!(*two, "{{" | "}}"));
        if let Some((brace, tail)) = doubled.and_then(|_| from.split_at_checked(1)) {
            pieces.push(Piece::Text(brace));
            rest = tail.get(1..).unwrap_or_default();
        } else if let Some((key, tail)) = place(from) {
            pieces.push(Piece::Key(key));
            rest = tail;
        } else {
            let (brace, tail) = from.split_at(1);
            pieces.push(Piece::Text(brace));
            rest = tail;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// The key at the start of `{key}...`, and what follows.
fn place(text: &str) -> Option<(&str, &str)> {
    let (key, tail) = text.strip_prefix('{')?.split_once('}')?;
    let named = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    named.then_some((key, tail))
}

/// The key of a text that is nothing but `{key}`.
pub(super) fn key_of(text: &str) -> Option<&str> {
    place(text)
        .filter(|(_, tail)| tail.is_empty())
        .map(|(key, _)| key)
}

pub(super) fn fill(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Key(key) => out.push_str(values.get(key).map_or("", String::as_str)),
        }
    }
    out
}
