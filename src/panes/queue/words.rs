//! Ages and effects in the queue's words.

use thymos_core::Timestamp;
use thymos_core::effect::EffectClass;

use crate::theme::Role;

/// `0:42`, `3 h`, `2 d`.
pub(crate) fn age(now: Timestamp, since: Timestamp) -> String {
    let seconds = now.since(since) / 1_000;
    match seconds {
        0..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// What colours an effect.
pub(crate) fn role(effect: EffectClass) -> Role {
    match effect {
        EffectClass::Pure | EffectClass::Read => Role::EffectRead,
        EffectClass::Write => Role::EffectWrite,
        EffectClass::External => Role::EffectExternal,
        EffectClass::Irreversible => Role::EffectIrreversible,
    }
}

/// The time of day of a moment, UTC.
pub(crate) fn clock(at: Timestamp) -> String {
    let seconds = at.as_ms() / 1_000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}
