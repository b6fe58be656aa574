//! Bundles: named, versioned lists of rules as canonical JSON, checked when they are read `[P2]`.
//!
//! Reading is strict: an unknown path, operator or key is a refusal with line, column and hint.
//! Who signed a bundle is `signed`'s business.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use thymos_core::canonical::{self, CanonicalBytes, Fault, InvalidJson};
use thymos_core::key::PublicKey;
use thymos_core::trace::Ruling;
use thymos_core::verdict::Ceremony;

use crate::doc::{Complaint, Node, Step, locate, position};
use crate::field::{Field, Type, Val, words};
use crate::when::{Source, Truth, When, scalar};

/// Rules of one bundle. A bundle with more is refused when it is read.
pub const RULES_MAX: usize = 1024;

/// Bytes of one bundle. A larger one is refused before it is read.
pub const BUNDLE_BYTES_MAX: usize = 1024 * 1024;

/// A checked bundle. Cloning shares it.
#[derive(Clone)]
pub struct Bundle(Arc<Inner>);

struct Inner {
    name: String,
    version: String,
    default: Ruling,
    rules: Vec<Rule>,
    value: Value,
    bytes: CanonicalBytes,
}

/// One rule.
pub(crate) struct Rule {
    /// `bundle/rule`, as traces name it.
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) when: When,
    pub(crate) decision: Decision,
    pub(crate) if_missing: IfMissing,
    examples: Vec<Example>,
}

#[derive(Debug, Clone)]
pub(crate) enum Decision {
    Permit,
    Forbid,
    Ask(AskTerms),
}

/// What an asking rule demands.
#[derive(Debug, Clone)]
pub(crate) struct AskTerms {
    pub(crate) channel: String,
    pub(crate) quorum: u32,
    pub(crate) approvers: Vec<String>,
    pub(crate) expires_after_ms: Option<u64>,
    pub(crate) ceremony: Option<Ceremony>,
}

/// What a rule does when its condition turns on a value that the call does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMissing {
    /// It forbids: the safe reading of a rule that cannot be read.
    Forbid,
    /// It says nothing.
    Skip,
    /// It applies.
    Applies,
}

#[derive(Debug, Clone)]
struct Example {
    with: Map<String, Value>,
    says: Option<Ruling>,
    path: Vec<Step>,
}

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
    /// Two rules of one id.
    DuplicateRule(String),
    /// A rule does not say what its example says it does.
    Example {
        /// What the example expects.
        expected: String,
        /// What the rule says.
        found: String,
    },
    /// The signature does not hold.
    Signature,
    /// Signed by a key outside the trust roots `[P3]`.
    UntrustedSigner(PublicKey),
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
            Self::DuplicateRule(id) => write!(f, "rule `{id}` stands twice"),
            Self::Example { expected, found } => {
                write!(
                    f,
                    "the example expects {expected}, and the rule says {found}"
                )
            }
            Self::Signature => f.write_str("the signature does not match the bundle"),
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

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Bundle({} {}, {} rules)",
            self.name(),
            self.version(),
            self.rules_len()
        )
    }
}

impl Bundle {
    /// Reads a bundle in any JSON spelling, checks it, and runs its examples.
    ///
    /// # Errors
    /// [`InvalidBundle`] names rule, line, column and what to do.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidBundle> {
        let value = read_json(text)?;
        Self::from_node(&Node::root(&value)).map_err(|complaint| place(complaint, &value, text))
    }

    /// The bundle of a value, as a `policy_loaded` entry keeps it. Positions are those of its
    /// canonical form.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn from_value(value: &Value) -> Result<Self, InvalidBundle> {
        let bytes = canonical::value_to_bytes(value).map_err(|e| not_json(e, b""))?;
        Self::parse(bytes.as_bytes())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// What holds when no rule speaks.
    #[must_use]
    pub fn default_ruling(&self) -> Ruling {
        self.0.default
    }

    /// How many rules it has.
    #[must_use]
    pub fn rules_len(&self) -> usize {
        self.0.rules.len()
    }

    /// Whether it holds the same bytes.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }

    /// The document, for a `policy_loaded` entry.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// The canonical bytes, which are hashed and signed.
    #[must_use]
    pub fn canonical(&self) -> &CanonicalBytes {
        &self.0.bytes
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    pub(crate) fn from_node(node: &Node<'_>) -> Result<Self, Complaint> {
        node.only(&["name", "version", "default", "rules"])?;
        let name = node.need("name")?.text()?.to_owned();
        let version = node.need("version")?.text()?.to_owned();
        let default = ruling(&node.need("default")?)?;
        let rows = node.need("rules")?;
        let nodes = rows.list()?;
        if nodes.len() > RULES_MAX {
            return Err(rows.blame(BundleFault::TooManyRules(nodes.len())));
        }
        let mut seen = BTreeSet::new();
        let mut rules = Vec::with_capacity(nodes.len());
        for row in &nodes {
            let rule = Rule::parse(row, &name)?;
            if !seen.insert(rule.name.clone()) {
                let id = row.need("id")?;
                return Err(id.blame(BundleFault::DuplicateRule(id.text()?.to_owned())));
            }
            rules.push(rule);
        }
        let bytes =
            canonical::value_to_bytes(node.value).map_err(|e| node.blame(BundleFault::Json(e)))?;
        let bundle = Self(Arc::new(Inner {
            name,
            version,
            default,
            rules,
            value: node.value.clone(),
            bytes,
        }));
        bundle.check_examples()?;
        Ok(bundle)
    }

    fn check_examples(&self) -> Result<(), Complaint> {
        for rule in self.rules() {
            for example in &rule.examples {
                let found = rule.says(&Sample(&example.with));
                if found != Ok(example.says) {
                    return Err(Complaint {
                        path: example.path.clone(),
                        fault: BundleFault::Example {
                            expected: told(&Ok(example.says)),
                            found: told(&found),
                        },
                        hint: None,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Rule {
    fn parse(node: &Node<'_>, bundle: &str) -> Result<Self, Complaint> {
        node.only(&["id", "reason", "when", "decision", "if_missing", "examples"])?;
        let id = node.need("id")?.text()?;
        let when = When::parse(&node.need("when")?)?;
        let decision = Decision::parse(&node.need("decision")?)?;
        let reason = match node.get("reason") {
            Some(reason) => reason.text()?.to_owned(),
            None => String::new(),
        };
        let if_missing = match node.get("if_missing") {
            None => IfMissing::Forbid,
            Some(word) => match word.text()? {
                "forbid" => IfMissing::Forbid,
                "skip" => IfMissing::Skip,
                "applies" => IfMissing::Applies,
                _ => return Err(word.wrong("forbid, skip or applies")),
            },
        };
        let examples = match node.get("examples") {
            Some(list) => list
                .list()?
                .iter()
                .map(Example::parse)
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            name: format!("{bundle}/{id}"),
            reason,
            when,
            decision,
            if_missing,
            examples,
        })
    }

    /// What the rule says of these values: a ruling, nothing, or why it cannot say.
    fn says(&self, source: &dyn Source) -> Result<Option<Ruling>, String> {
        match (self.when.eval(source), self.if_missing) {
            (Truth::True, _) | (Truth::Missing(_), IfMissing::Applies) => {
                Ok(Some(self.decision.ruling()))
            }
            (Truth::False, _) | (Truth::Missing(_), IfMissing::Skip) => Ok(None),
            (Truth::Missing(_), IfMissing::Forbid) => Ok(Some(Ruling::Forbid)),
            (Truth::Error(error), _) => Err(error),
        }
    }
}

impl Decision {
    pub(crate) fn ruling(&self) -> Ruling {
        match self {
            Self::Permit => Ruling::Permit,
            Self::Ask(_) => Ruling::Ask,
            Self::Forbid => Ruling::Forbid,
        }
    }

    fn parse(node: &Node<'_>) -> Result<Self, Complaint> {
        if let Some(ask) = node.get("ask") {
            node.only(&["ask"])?;
            return AskTerms::parse(&ask).map(Self::Ask);
        }
        match node.value.as_str() {
            Some("permit") => Ok(Self::Permit),
            Some("forbid") => Ok(Self::Forbid),
            Some("ask") => Ok(Self::Ask(AskTerms::plain())),
            _ => Err(node.wrong("permit, forbid, ask or {\"ask\": {..}}")),
        }
    }
}

impl AskTerms {
    /// One operator, whenever they come.
    pub(crate) fn plain() -> Self {
        Self {
            channel: "operator".to_owned(),
            quorum: 1,
            approvers: Vec::new(),
            expires_after_ms: None,
            ceremony: None,
        }
    }

    fn parse(node: &Node<'_>) -> Result<Self, Complaint> {
        node.only(&[
            "channel",
            "quorum",
            "approvers",
            "expires_after_ms",
            "ceremony",
        ])?;
        let mut terms = Self::plain();
        if let Some(channel) = node.get("channel") {
            terms.channel = channel.text()?.to_owned();
        }
        if let Some(quorum) = node.get("quorum") {
            terms.quorum = u32::try_from(quorum.number()?)
                .ok()
                .filter(|count| *count > 0)
                .ok_or_else(|| quorum.wrong("a whole number from 1"))?;
        }
        if let Some(approvers) = node.get("approvers") {
            for name in approvers.list()? {
                terms.approvers.push(name.text()?.to_owned());
            }
        }
        if let Some(expiry) = node.get("expires_after_ms") {
            terms.expires_after_ms = Some(expiry.number()?);
        }
        if let Some(ceremony) = node.get("ceremony") {
            terms.ceremony = Some(ceremony_of(&ceremony)?);
        }
        Ok(terms)
    }
}

impl Example {
    fn parse(node: &Node<'_>) -> Result<Self, Complaint> {
        node.only(&["with", "says"])?;
        let with = node.need("with")?;
        for name in with.object()?.keys() {
            let Some(value) = with.get(name) else {
                continue;
            };
            let field = Field::parse(name)
                .ok_or_else(|| value.blame(BundleFault::UnknownField(name.clone())))?;
            if sample(&field, value.value).is_none() {
                return Err(value.wrong(&format!("a value of `{name}`")));
            }
        }
        let says = node.need("says")?;
        Ok(Self {
            with: with.object()?.clone(),
            says: match says.value.as_str() {
                Some("nothing") => None,
                _ => Some(ruling(&says).map_err(|_| says.wrong("permit, ask, forbid or nothing"))?),
            },
            path: node.path.clone(),
        })
    }
}

/// An example's values, read like a call's.
struct Sample<'m>(&'m Map<String, Value>);

impl Source for Sample<'_> {
    fn read<'s>(&'s self, field: &Field) -> Option<Val<'s>> {
        sample(field, self.0.get(field.name().as_ref())?)
    }
}

fn sample<'v>(field: &Field, value: &'v Value) -> Option<Val<'v>> {
    let kind = field.kind();
    match kind {
        Type::Json => Some(Val::Json(value)),
        Type::Bool => value.as_bool().map(Val::Bool),
        Type::Int => value.as_i64().map(Val::Int),
        Type::Text | Type::Mode | Type::Author => {
            value.as_str().map(|text| Val::Text(Cow::Borrowed(text)))
        }
        Type::List => {
            let items: Option<Vec<_>> = value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(Cow::Borrowed))
                .collect();
            items.map(Val::List)
        }
        Type::Effect | Type::Risk | Type::Rung => {
            let rank = scalar(kind, &Node::root(value))?.as_i64()?;
            let word = words(kind)
                .into_iter()
                .find(|w| Some(*w) == value.as_str())?;
            Some(Val::Rank(rank, word))
        }
    }
}

fn ruling(node: &Node<'_>) -> Result<Ruling, Complaint> {
    match node.value.as_str() {
        Some("permit") => Ok(Ruling::Permit),
        Some("ask") => Ok(Ruling::Ask),
        Some("forbid") => Ok(Ruling::Forbid),
        _ => Err(node.wrong("permit, ask or forbid")),
    }
}

fn ceremony_of(node: &Node<'_>) -> Result<Ceremony, Complaint> {
    node.only(&["arming_ms", "view_gate", "type_back", "batch"])?;
    Ok(Ceremony {
        arming_ms: node.need("arming_ms")?.number()?,
        view_gate: node.need("view_gate")?.flag()?,
        type_back: node.need("type_back")?.flag()?,
        batch: node.need("batch")?.flag()?,
    })
}

fn told(says: &Result<Option<Ruling>, String>) -> String {
    match says {
        Ok(Some(Ruling::Permit)) => "permit".to_owned(),
        Ok(Some(Ruling::Ask)) => "ask".to_owned(),
        Ok(Some(Ruling::Forbid)) => "forbid".to_owned(),
        Ok(None) => "nothing".to_owned(),
        Err(error) => format!("forbid, since {error}"),
    }
}

pub(crate) fn read_json(text: &[u8]) -> Result<Value, InvalidBundle> {
    if text.len() > BUNDLE_BYTES_MAX {
        return Err(InvalidBundle {
            rule: None,
            line: 1,
            column: 1,
            fault: BundleFault::TooLarge(text.len()),
            hint: None,
        });
    }
    canonical::parse(text).map_err(|invalid| not_json(invalid, text))
}

fn not_json(invalid: InvalidJson, text: &[u8]) -> InvalidBundle {
    let (line, column) = position(&String::from_utf8_lossy(text), invalid.at);
    let hint = matches!(invalid.fault, Fault::Syntax(_))
        .then(|| "bundles are strict JSON: no comments, no trailing comma".to_owned());
    InvalidBundle {
        rule: None,
        line,
        column,
        fault: BundleFault::Json(invalid),
        hint,
    }
}

/// Turns the path of a complaint into a position, and finds the rule it lies in.
pub(crate) fn place(complaint: Complaint, root: &Value, text: &[u8]) -> InvalidBundle {
    let (line, column) = locate(&String::from_utf8_lossy(text), &complaint.path);
    let rules = complaint
        .path
        .iter()
        .position(|step| *step == Step::Key("rules".to_owned()));
    let rule = rules.and_then(|at| {
        let mut value = root;
        for step in complaint.path.get(..at + 2)? {
            value = match step {
                Step::Key(key) => value.get(key)?,
                Step::Index(index) => value.get(index)?,
            };
        }
        Some(value.get("id")?.as_str()?.to_owned())
    });
    InvalidBundle {
        rule,
        line,
        column,
        fault: complaint.fault,
        hint: complaint.hint,
    }
}

#[cfg(test)]
mod tests;
