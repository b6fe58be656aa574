//! Why a bundle is refused, and where: rule, line, column and what to do. Words only.

use std::fmt;

use thymos_core::canonical::InvalidJson;
use thymos_core::key::PublicKey;

use crate::bundle::{BUNDLE_BYTES_MAX, RULES_MAX};

/// Why a bundle was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidBundle {
    /// The rule it concerns, when it concerns one.
    pub rule: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong there.
    pub fault: BundleFault,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The kinds of refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleFault {
    /// Not strict JSON.
    Json(InvalidJson),
    /// Larger than [`BUNDLE_BYTES_MAX`].
    TooLarge(usize),
    /// More rules than [`RULES_MAX`].
    TooManyRules(usize),
    /// A key that must be there is not.
    Missing(&'static str),
    /// A key that nothing reads.
    UnknownKey(String),
    /// A value of the wrong type.
    WrongType {
        /// What belongs there.
        expected: String,
    },
    /// A path that names nothing.
    UnknownField(String),
    /// An operator that does not exist.
    UnknownOperator(String),
    /// A tool that does not exist.
    UnknownTool(String),
    /// Two rules of one id.
    DuplicateRule(String),
    /// A rule does not say what its example says it does.
    Example {
        /// Which example of the rule, from 1.
        number: usize,
        /// What the example expects.
        expected: String,
        /// What the rule says.
        found: String,
    },
    /// A name that cannot serve as one.
    Name(String),
    /// More approvals wanted than there are people who may give them.
    Quorum {
        /// Approvals wanted.
        wanted: u32,
        /// Distinct approvers named.
        approvers: usize,
    },
    /// An approver named twice.
    Approver(String),
    /// A window that ends before it begins.
    Window,
    /// No signature at all, where one is needed.
    Unsigned,
    /// The signature does not hold.
    Signature,
    /// Signed by a key outside the trust roots `[P3]`.
    UntrustedSigner(PublicKey),
    /// Signed by a key that was trusted once and counts no more.
    RetiredSigner(PublicKey),
}

impl fmt::Display for BundleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(invalid) => invalid.fmt(f),
            Self::TooLarge(size) => write!(f, "{size} bytes are more than {BUNDLE_BYTES_MAX}"),
            Self::TooManyRules(count) => write!(f, "{count} rules are more than {RULES_MAX}"),
            Self::Missing(key) => write!(f, "key `{key}` is missing"),
            Self::UnknownKey(key) => write!(f, "unknown key `{key}`"),
            Self::WrongType { expected } => write!(f, "expected {expected}"),
            Self::UnknownField(path) => write!(f, "unknown path `{path}`"),
            Self::UnknownOperator(word) => write!(f, "unknown operator `{word}`"),
            Self::UnknownTool(name) => write!(f, "unknown tool `{name}`"),
            Self::DuplicateRule(id) => write!(f, "rule `{id}` stands twice"),
            Self::Example {
                number,
                expected,
                found,
            } => write!(
                f,
                "example {number} expects {expected}, and the rule says {found}"
            ),
            Self::Name(name) => write!(f, "`{name}` is not a name"),
            Self::Quorum { wanted, approvers } => write!(
                f,
                "{wanted} approvals are wanted, and {approvers} approvers are named"
            ),
            Self::Approver(name) => write!(f, "approver `{name}` stands twice"),
            Self::Window => f.write_str("the window ends before it begins"),
            Self::Unsigned => f.write_str("the bundle is not signed"),
            Self::Signature => f.write_str("the signature does not match the bundle"),
            Self::RetiredSigner(key) => {
                write!(f, "signed by `{}`, which is retired", key.short())
            }
            Self::UntrustedSigner(key) => {
                write!(
                    f,
                    "signed by `{}`, which is no trusted policy key",
                    key.short()
                )
            }
        }
    }
}

impl fmt::Display for InvalidBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}: ", self.line, self.column)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for InvalidBundle {}
