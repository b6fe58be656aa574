//! Bundles: named, versioned lists of rules as canonical JSON, checked when they are read `[P2]`.
//!
//! Reading is strict: an unknown path, operator or key is a refusal with line, column and hint.
//! Who signed a bundle is `signed`'s business.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use thymos_core::Timestamp;
use thymos_core::canonical::{self, CanonicalBytes, Fault, InvalidJson};
use thymos_core::trace::Ruling;
use thymos_core::verdict::Ceremony;
use thymos_core::writ::Window;

use crate::doc::{Complaint, Node, Step, locate, position};
use crate::example::{Example, ExampleRun, told};
use crate::fault::{BundleFault, InvalidBundle};
use crate::when::{Source, Truth, When};

/// Rules of one bundle. A bundle with more is refused when it is read.
pub const RULES_MAX: usize = 1024;

/// Bytes of one bundle. A larger one is refused before it is read.
pub const BUNDLE_BYTES_MAX: usize = 1024 * 1024;

/// Characters of a name: of bundle, version and rule. A longer one is refused when it is read.
pub const NAME_CHARS_MAX: usize = 64;

/// A checked bundle. Cloning shares it.
#[derive(Clone)]
pub struct Bundle(Arc<Inner>);

struct Inner {
    name: String,
    version: String,
    default: Ruling,
    window: Option<Window>,
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

    /// When it holds, if it says so; else it holds until it is unloaded.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        self.0.window
    }

    /// The same bundle until another moment; it has to be signed anew.
    ///
    /// # Errors
    /// As [`Self::from_value`]; a window that ends before it begins.
    pub fn until(&self, end: Timestamp) -> Result<Self, InvalidBundle> {
        let mut value = self.0.value.clone();
        let begins = self
            .0
            .window
            .map_or(Timestamp(0), |window| window.not_before);
        if let Some(map) = value.as_object_mut() {
            let window = serde_json::json!({"not_before": begins, "expires_at": end});
            map.insert("window".to_owned(), window);
        }
        Self::from_value(&value)
    }

    /// Its rules in words, in order: `no-env: forbid: keys stay out of it`.
    #[must_use]
    pub fn rules_in_words(&self) -> Vec<String> {
        let told = |rule: &Rule| {
            let decision = told(&Ok(Some(rule.decision.ruling())));
            match rule.reason.as_str() {
                "" => format!("{}: {decision}", rule.id()),
                reason => format!("{}: {decision}: {reason}", rule.id()),
            }
        };
        self.rules().iter().map(told).collect()
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

    /// As [`Self::parse`], with the examples not run yet.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn draft(text: &[u8]) -> Result<Self, InvalidBundle> {
        let value = read_json(text)?;
        Self::draft_from(&Node::root(&value)).map_err(|complaint| place(complaint, &value, text))
    }

    pub(crate) fn from_node(node: &Node<'_>) -> Result<Self, Complaint> {
        let bundle = Self::draft_from(node)?;
        bundle.check_examples()?;
        Ok(bundle)
    }

    pub(crate) fn draft_from(node: &Node<'_>) -> Result<Self, Complaint> {
        node.only(&["name", "version", "default", "window", "rules"])?;
        let name = name_at(&node.need("name")?)?.to_owned();
        let version = name_at(&node.need("version")?)?.to_owned();
        let default = ruling(&node.need("default")?)?;
        let window = node.get("window").map(|at| window_of(&at)).transpose()?;
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
        Ok(Self(Arc::new(Inner {
            name,
            version,
            default,
            window,
            rules,
            value: node.value.clone(),
            bytes,
        })))
    }

    /// Runs every example of every rule. `text` is what the bundle was read from.
    #[must_use]
    pub fn examples(&self, text: &[u8]) -> Vec<ExampleRun> {
        let text = String::from_utf8_lossy(text);
        let all = self.rules().iter();
        all.flat_map(|rule| rule.examples.iter().map(|one| one.run(rule, &text)))
            .collect()
    }

    /// Refuses conditions on tools that are not among these. `text` is what the bundle was read from.
    ///
    /// # Errors
    /// [`InvalidBundle`] with [`BundleFault::UnknownTool`].
    pub fn check_tools(&self, text: &[u8], known: &[&str]) -> Result<(), InvalidBundle> {
        let mut all = self.rules().iter();
        all.try_for_each(|rule| {
            rule.when.check_tools(known).map_err(|complaint| {
                let placed = place(complaint, &Value::Null, text);
                InvalidBundle {
                    rule: Some(rule.id().to_owned()),
                    ..placed
                }
            })
        })
    }

    /// Refuses a bundle that fails its own examples. `text` is what it was read from.
    ///
    /// # Errors
    /// [`InvalidBundle`] with [`BundleFault::Example`].
    pub fn check_own_examples(&self, text: &[u8]) -> Result<(), InvalidBundle> {
        let mut all = self.rules().iter();
        all.try_for_each(|rule| {
            let failed = rule.examples.iter().try_for_each(|one| one.check(rule));
            failed.map_err(|complaint| InvalidBundle {
                rule: Some(rule.id().to_owned()),
                ..place(complaint, &Value::Null, text)
            })
        })
    }

    fn check_examples(&self) -> Result<(), Complaint> {
        let mut all = self.rules().iter();
        all.try_for_each(|rule| rule.examples.iter().try_for_each(|one| one.check(rule)))
    }
}

impl Rule {
    fn parse(node: &Node<'_>, bundle: &str) -> Result<Self, Complaint> {
        node.only(&["id", "reason", "when", "decision", "if_missing", "examples"])?;
        let id = name_at(&node.need("id")?)?;
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
                .enumerate()
                .map(|(at, one)| Example::parse(one, at + 1))
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

    /// Its id within the bundle.
    pub(crate) fn id(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(_, id)| id)
    }

    /// What the rule says of these values: a ruling, nothing, or why it cannot say.
    pub(crate) fn says(&self, source: &dyn Source) -> Result<Option<Ruling>, String> {
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
                .ok_or_else(|| quorum.wrong("a whole number from 1 to 4294967295"))?;
        }
        if let Some(approvers) = node.get("approvers") {
            for name in approvers.list()? {
                let text = name.text()?.to_owned();
                if terms.approvers.contains(&text) {
                    return Err(name.blame(BundleFault::Approver(text)));
                }
                terms.approvers.push(text);
            }
        }
        let named = terms.approvers.len();
        if named > 0 && terms.quorum as usize > named {
            return Err(node.blame(BundleFault::Quorum {
                wanted: terms.quorum,
                approvers: named,
            }));
        }
        if let Some(expiry) = node.get("expires_after_ms") {
            let after = Some(expiry.number()?).filter(|ms| *ms > 0);
            terms.expires_after_ms =
                Some(after.ok_or_else(|| expiry.wrong("milliseconds, from 1"))?);
        }
        if let Some(ceremony) = node.get("ceremony") {
            terms.ceremony = Some(ceremony_of(&ceremony)?);
        }
        Ok(terms)
    }
}

pub(crate) fn ruling(node: &Node<'_>) -> Result<Ruling, Complaint> {
    match node.value.as_str() {
        Some("permit") => Ok(Ruling::Permit),
        Some("ask") => Ok(Ruling::Ask),
        Some("forbid") => Ok(Ruling::Forbid),
        _ => Err(node.wrong("permit, ask or forbid")),
    }
}

// [P2] The first moment inclusive, the last exclusive, as in a writ.
fn window_of(node: &Node<'_>) -> Result<Window, Complaint> {
    node.only(&["not_before", "expires_at"])?;
    let moment = |key: &str| match node.get(key) {
        Some(at) if !at.value.is_null() => at.number().map(|ms| Some(Timestamp(ms))),
        _ => Ok(None),
    };
    let window = Window {
        not_before: moment("not_before")?.unwrap_or(Timestamp(0)),
        expires_at: moment("expires_at")?,
    };
    if window
        .expires_at
        .is_some_and(|end| end <= window.not_before)
    {
        return Err(node.blame(BundleFault::Window));
    }
    Ok(window)
}

/// A word that names something: it stands in traces, file names and on the command line.
fn name_at<'v>(node: &Node<'v>) -> Result<&'v str, Complaint> {
    let name = node.text()?;
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let fits = (1..=NAME_CHARS_MAX).contains(&name.len()) && name.chars().all(plain);
    if fits && !name.starts_with('.') {
        return Ok(name);
    }
    Err(Complaint {
        hint: Some(format!(
            "names have 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` or `.`"
        )),
        ..node.blame(BundleFault::Name(name.to_owned()))
    })
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
