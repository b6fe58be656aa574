//! Caveats evaluated over parsed arguments and resolved facts `[W4]`. Matches no raw command lines,
//! URLs or paths: those are the tool's to parse, and the facts say what it found.

use core::net::IpAddr;

use serde_json::Value;
use thymos_core::caveat::{ArgvSlot, Caveat, Condition};
use thymos_core::resolved::{Resolved, ResolvedExec};
use thymos_policy::matching::{glob, host_matches, under};

/// What a caveat came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Met {
    /// It holds.
    Yes,
    /// It turns on facts that the tool could not find out; `[C12]` refuses the call anyway.
    Open,
    /// It does not hold, or the argument is missing or of the wrong type.
    No,
}

/// Evaluates one caveat.
pub(crate) fn met(caveat: &Caveat, args: &Value, resolved: Option<&Resolved>) -> Met {
    let arg = caveat.arg.as_str();
    let value = args.get(arg);
    let holds = match &caveat.must {
        Condition::Equals(wanted) => value == Some(wanted),
        Condition::OneOf(wanted) => value.is_some_and(|found| wanted.contains(found)),
        Condition::IntLe(limit) => integer(value).is_some_and(|found| found <= i128::from(*limit)),
        Condition::IntGe(limit) => integer(value).is_some_and(|found| found >= i128::from(*limit)),
        Condition::LenLe(limit) => {
            length(value).is_some_and(|found| u64::try_from(found).is_ok_and(|n| n <= *limit))
        }
        Condition::Glob(pattern) => value
            .and_then(Value::as_str)
            .is_some_and(|text| glob(pattern, text)),
        Condition::Under(_)
        | Condition::HostIn(_)
        | Condition::CidrIn(_)
        | Condition::MethodIn(_)
        | Condition::Argv(_) => {
            let Some(resolved) = resolved else {
                return Met::Open;
            };
            met_by_facts(arg, &caveat.must, resolved)
        }
    };
    if holds { Met::Yes } else { Met::No }
}

/// Whether a caveat reads resolved facts instead of the argument itself.
pub(crate) fn reads_facts(condition: &Condition) -> bool {
    match condition {
        Condition::Under(_)
        | Condition::HostIn(_)
        | Condition::CidrIn(_)
        | Condition::MethodIn(_)
        | Condition::Argv(_) => true,
        Condition::Equals(_)
        | Condition::OneOf(_)
        | Condition::IntLe(_)
        | Condition::IntGe(_)
        | Condition::LenLe(_)
        | Condition::Glob(_) => false,
    }
}

/// The condition in words, for a refusal.
pub(crate) fn describe(caveat: &Caveat) -> String {
    let arg = &caveat.arg;
    match &caveat.must {
        Condition::Under(root) => format!("`{arg}` must lie under `{root}`"),
        Condition::HostIn(hosts) => format!("the host of `{arg}` must be in `{}`", hosts.join(" ")),
        Condition::CidrIn(blocks) => {
            format!("the address of `{arg}` must be in `{}`", blocks.join(" "))
        }
        Condition::MethodIn(methods) => {
            format!("the method of `{arg}` must be in `{}`", methods.join(" "))
        }
        Condition::Argv(slots) => {
            let words: Vec<&str> = slots
                .iter()
                .map(|slot| match slot {
                    ArgvSlot::Is(word) => word.as_str(),
                    ArgvSlot::Any => "*",
                    ArgvSlot::End => "(end)",
                })
                .collect();
            format!("`{arg}` must start with `{}`", words.join(" "))
        }
        Condition::Equals(value) => format!("`{arg}` must equal `{}`", brief(value)),
        Condition::OneOf(values) => {
            let words: Vec<String> = values.iter().map(brief).collect();
            format!("`{arg}` must be one of `{}`", words.join(" "))
        }
        Condition::IntLe(limit) => format!("`{arg}` must be at most {limit}"),
        Condition::IntGe(limit) => format!("`{arg}` must be at least {limit}"),
        Condition::LenLe(limit) => format!("`{arg}` must be at most {limit} long"),
        Condition::Glob(pattern) => format!("`{arg}` must match `{pattern}`"),
    }
}

fn met_by_facts(arg: &str, condition: &Condition, resolved: &Resolved) -> bool {
    let hosts = || resolved.hosts.iter().filter(|host| host.arg == arg);
    match condition {
        Condition::Under(root) => some_and_all(
            resolved.paths.iter().filter(|path| path.arg == arg),
            |path| under(&path.path, root),
        ),
        Condition::HostIn(patterns) => some_and_all(hosts(), |host| {
            patterns
                .iter()
                .any(|pattern| host_matches(&host.host, pattern))
        }),
        Condition::CidrIn(blocks) => some_and_all(hosts(), |host| {
            some_and_all(host.addresses.iter(), |address| {
                blocks.iter().any(|block| in_block(address, block))
            })
        }),
        Condition::MethodIn(methods) => {
            some_and_all(hosts(), |host| methods.contains(&host.method))
        }
        Condition::Argv(slots) => resolved
            .exec
            .as_ref()
            .filter(|exec| exec.arg == arg)
            .is_some_and(|exec| starts(exec, slots)),
        Condition::Equals(_)
        | Condition::OneOf(_)
        | Condition::IntLe(_)
        | Condition::IntGe(_)
        | Condition::LenLe(_)
        | Condition::Glob(_) => false,
    }
}

/// An argv prefix, one slot an argument. A first slot with a `/` names the resolved executable, so
/// that a file of the same name elsewhere does not pass for it.
fn starts(exec: &ResolvedExec, slots: &[ArgvSlot]) -> bool {
    let mut argv = exec.argv.iter();
    slots.iter().enumerate().all(|(at, slot)| {
        let Some(found) = argv.next() else {
            return *slot == ArgvSlot::End;
        };
        match slot {
            ArgvSlot::Any => true,
            ArgvSlot::End => false,
            ArgvSlot::Is(wanted) if at == 0 && wanted.contains('/') => *wanted == exec.executable,
            ArgvSlot::Is(wanted) => wanted == found,
        }
    })
}

fn in_block(address: &str, block: &str) -> bool {
    let Some((base, bits)) = block.split_once('/') else {
        return false;
    };
    let (Ok(address), Ok(base), Ok(bits)) = (
        address.parse::<IpAddr>(),
        base.parse::<IpAddr>(),
        bits.parse::<u32>(),
    ) else {
        return false;
    };
    // A mapped IPv4 address is judged as the IPv4 address that would be reached.
    match (address.to_canonical(), base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => {
            bits <= 32 && {
                let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
                address.to_bits() & mask == base.to_bits() & mask
            }
        }
        (IpAddr::V6(address), IpAddr::V6(base)) => {
            bits <= 128 && {
                let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
                address.to_bits() & mask == base.to_bits() & mask
            }
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn integer(value: Option<&Value>) -> Option<i128> {
    let value = value?;
    value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))
}

fn length(value: Option<&Value>) -> Option<usize> {
    match value? {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// At least one, and all of them: what the tool did not find satisfies nothing.
fn some_and_all<T>(items: impl Iterator<Item = T>, test: impl Fn(T) -> bool) -> bool {
    let mut any = false;
    for item in items {
        any = true;
        if !test(item) {
            return false;
        }
    }
    any
}

fn brief(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
