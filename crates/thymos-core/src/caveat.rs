//! Caveats: typed conditions on one argument of a call `[W4]`. Data only; the compiler evaluates them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A condition that one argument (or the facts resolved from it) must meet.
///
/// A missing or wrongly typed argument refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caveat {
    /// The argument's name at the top level of the call's arguments.
    pub arg: String,
    /// The condition.
    pub must: Condition,
}

/// What an argument must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The path, resolved by the tool with every symlink followed, lies inside this root.
    ///
    /// A root is workspace-relative with `/` separators; `.` is the whole workspace.
    Under(String),
    /// The parsed URL's host is one of these: an exact host or `*.suffix`.
    HostIn(Vec<String>),
    /// Every address the host resolved to lies in one of these blocks (`10.0.0.0/8`).
    CidrIn(Vec<String>),
    /// The request method, upper case, is one of these.
    MethodIn(Vec<String>),
    /// The tokenized command starts with these slots; the executable is the resolved one.
    Argv(Vec<ArgvSlot>),
    /// Equal as JSON.
    Equals(Value),
    /// Equal to one of these.
    OneOf(Vec<Value>),
    /// An integer of at most this.
    IntLe(i64),
    /// An integer of at least this.
    IntGe(i64),
    /// A string of at most this many characters, or a list of at most this many items.
    LenLe(u64),
    /// A plain string matching this glob; `*` never crosses `/`.
    Glob(String),
}

/// One position of an argv prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgvSlot {
    /// Exactly this argument.
    Is(String),
    /// Any one argument.
    Any,
    /// No argument: the command ends here.
    End,
}
