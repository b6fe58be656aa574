//! A writ's own sample calls, checked when it is loaded. Approximates what tools would resolve.
//!
//! No tool runs here, so facts are read off the arguments alone: paths by their spelling, commands
//! by their words, hosts out of URLs. Symlinks and name lookups play no part in an example.

use std::collections::BTreeMap;

use serde_json::Value;
use thymos_core::caveat::Condition;
use thymos_core::id::Digest;
use thymos_core::resolved::{Access, Resolved, ResolvedExec, ResolvedHost, ResolvedPath};
use thymos_core::writ::{SampleCall, Writ};
use thymos_policy::matching::glob;

use crate::caveats::{Met, met};

/// Every example that the writ does not keep, one sentence each; none when all hold.
#[must_use]
pub fn check_examples(writ: &Writ) -> Vec<String> {
    let mut faults = Vec::new();
    for (at, sample) in writ.examples.allow.iter().enumerate() {
        if !allows(writ, sample) {
            faults.push(format!("allow {at}: no grant covers `{}`", sample.tool));
        }
    }
    for (at, sample) in writ.examples.deny.iter().enumerate() {
        if allows(writ, sample) {
            faults.push(format!("deny {at}: a grant covers `{}`", sample.tool));
        }
    }
    faults
}

pub(crate) fn allows(writ: &Writ, sample: &SampleCall) -> bool {
    writ.grants
        .iter()
        .filter(|grant| glob(&grant.tool, &sample.tool))
        .any(|grant| {
            grant.caveats.iter().all(|caveat| {
                let facts = spelled(&caveat.arg, &caveat.must, &sample.args);
                met(caveat, &sample.args, Some(&facts)) == Met::Yes
            })
        })
}

/// The facts that one condition needs, read off the argument.
fn spelled(arg: &str, condition: &Condition, args: &Value) -> Resolved {
    let mut facts = Resolved::pure();
    let Some(value) = args.get(arg) else {
        return facts;
    };
    match condition {
        Condition::Under(_) => {
            facts.paths = texts(value)
                .into_iter()
                .map(|text| path(arg, text))
                .collect();
        }
        Condition::Argv(_) => facts.exec = Some(exec(arg, words(value))),
        Condition::HostIn(_) | Condition::CidrIn(_) | Condition::MethodIn(_) => {
            let method = args.get("method").and_then(Value::as_str).unwrap_or("GET");
            facts.hosts = texts(value)
                .into_iter()
                .filter_map(|text| host(arg, text, method))
                .collect();
        }
        Condition::Equals(_)
        | Condition::OneOf(_)
        | Condition::IntLe(_)
        | Condition::IntGe(_)
        | Condition::LenLe(_)
        | Condition::Glob(_) => {}
    }
    facts
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(line) => line.split_whitespace().map(str::to_owned).collect(),
        Value::Array(_) => texts(value).into_iter().map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// A path with `.` and `..` folded; one that climbs out keeps its `..` and lies under nothing.
fn path(arg: &str, text: &str) -> ResolvedPath {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let climbs = part == ".." && parts.last().is_some_and(|last| *last != "..");
        if climbs {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let root = if text.starts_with('/') { "/" } else { "" };
    let folded = format!("{root}{}", parts.join("/"));
    ResolvedPath {
        arg: arg.to_owned(),
        path: if folded.is_empty() {
            ".".to_owned()
        } else {
            folded
        },
        access: Access::Read,
        before: None,
        after: None,
    }
}

fn exec(arg: &str, argv: Vec<String>) -> ResolvedExec {
    ResolvedExec {
        arg: arg.to_owned(),
        executable: argv.first().cloned().unwrap_or_default(),
        argv,
        executable_digest: Digest::of(b""),
        cwd: ".".to_owned(),
        env: BTreeMap::new(),
        stdin_bytes: 0,
        timeout_ms: 0,
        shape: String::new(),
    }
}

fn host(arg: &str, url: &str, method: &str) -> Option<ResolvedHost> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let name = match host.strip_prefix('[') {
        Some(six) => six.split(']').next()?,
        None => host.split(':').next()?,
    };
    Some(ResolvedHost {
        arg: arg.to_owned(),
        host: name.to_ascii_lowercase(),
        port: 0,
        // Only an address literal is its own address here; names are not looked up.
        addresses: vec![name.to_owned()],
        method: method.to_ascii_uppercase(),
    })
}
