//! What a tool found out about one call before anything was decided. Facts, no verdict.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::budget::Cost;
use crate::delta::{FileImage, Resource};
use crate::effect::{EffectClass, Risk};
use crate::id::Digest;
use crate::tool::Compensation;

/// Typed facts about one call: real paths, digests, executable, hosts, cost [step 3].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// Whether this call can be undone.
    pub compensation: Compensation,
    /// The class of *this* call `[C18]`.
    pub effect: EffectClass,
    /// The most it may cost; reserved when it begins `[B1]`.
    pub estimate: Cost,
    /// The process it would start.
    pub exec: Option<ResolvedExec>,
    /// Hosts it would reach.
    pub hosts: Vec<ResolvedHost>,
    /// Plain sentences a person should read before deciding.
    pub notes: Vec<String>,
    /// Files it would touch.
    pub paths: Vec<ResolvedPath>,
    /// A unified diff or other exact preview of the effect.
    pub preview: Option<Preview>,
    /// Scope added to the idempotency key by the tool `[X3]`.
    pub repeat_scope: String,
    /// World resources it would read or change, with the version seen.
    pub resources: Vec<ResolvedResource>,
    /// The risk of *this* call.
    pub risk: Risk,
}

impl Resolved {
    /// Facts of a call that touches nothing: pure, low risk, one call.
    #[must_use]
    pub fn pure() -> Self {
        Self {
            effect: EffectClass::Pure,
            risk: Risk::Low,
            paths: Vec::new(),
            exec: None,
            hosts: Vec::new(),
            resources: Vec::new(),
            estimate: Cost::ONE_CALL,
            compensation: Compensation::Unneeded,
            repeat_scope: String::new(),
            preview: None,
            notes: Vec::new(),
        }
    }
}

/// A path argument after every symlink was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedPath {
    /// What the call does to it.
    pub access: Access,
    /// The file as it would be; none unless the call writes known bytes.
    pub after: Option<FileImage>,
    /// The argument it came from.
    pub arg: String,
    /// The file as it is now; none when absent, a directory or only listed.
    pub before: Option<FileImage>,
    /// Workspace-relative, `/`-separated, normalized; `.` is the workspace itself.
    pub path: String,
}

/// What a call does to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Looks.
    Read,
    /// Changes what is there.
    Write,
    /// Makes what is not there.
    Create,
    /// Removes.
    Delete,
}

/// A process, exactly as it would be started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedExec {
    /// The argument the command came from.
    pub arg: String,
    /// The argument vector.
    pub argv: Vec<String>,
    /// Working directory, workspace-relative.
    pub cwd: String,
    /// The whole environment it gets, beyond the fixed allow list.
    pub env: BTreeMap<String, String>,
    /// Absolute path of the executable, symlinks followed.
    pub executable: String,
    /// Digest of its bytes.
    pub executable_digest: Digest,
    /// What a reader should know of the line: `1 segment: no pipe, no redirect, no substitution`.
    pub shape: String,
    /// Bytes on its standard input.
    pub stdin_bytes: u64,
    /// Wall-clock limit.
    pub timeout_ms: u64,
}

/// A host a call would reach, resolved once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedHost {
    /// The addresses it resolved to.
    pub addresses: Vec<String>,
    /// The argument it came from.
    pub arg: String,
    /// The host as parsed from the URL, lower case.
    pub host: String,
    /// The request method, upper case.
    pub method: String,
    /// The port.
    pub port: u16,
}

/// A world resource with the version seen at resolution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedResource {
    /// Which.
    pub resource: Resource,
    /// Its version, or none when absent.
    pub version: Option<u64>,
}

/// An exact preview of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// Lines added, for a diff.
    pub added: u64,
    /// What kind of text it is.
    pub kind: PreviewKind,
    /// Lines removed, for a diff.
    pub removed: u64,
    /// The text, at most [`crate::limits::PREVIEW_BYTES_MAX`] bytes.
    pub text: String,
    /// Whether the text was cut at the limit.
    pub truncated: bool,
}

/// Kinds of preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreviewKind {
    /// A unified diff.
    Diff,
    /// Plain text.
    Text,
}
