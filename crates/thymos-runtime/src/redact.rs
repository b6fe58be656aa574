//! Redaction: takes secrets out of every string before anything is hashed or stored `[R1]` `[R2]`.
//!
//! Pure: reads no clock, file or environment; the secrets that the process holds are handed in. It
//! cannot know a secret that has no known form, no telling name beside it and was not handed in.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thymos_core::body::Body;
use thymos_core::canonical::{self, InvalidJson};
use thymos_core::secret::Secret;
use thymos_core::{CanonicalBytes, Kind};

mod formats;
mod keywords;
mod marker;
mod names;
mod own;
mod quick;
mod randomness;
mod sieve;
mod version;
mod views;

use marker::{MarkerKey, Spans};
use own::OwnSecrets;
use quick::QuickLook;
use sieve::Sieve;

// Named by the policy set, whose hash covers it [P3].
pub use version::version;

/// Passes over one string. Taking out one span can bare another; a string that still changes after
/// so many passes is taken out whole, so that redacting twice is always redacting once.
const PASSES_MAX: usize = 4;

/// Bytes of a blob that is also read as a JSON document. A longer one is searched as text alone.
const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Takes secrets out of text, values and entry bodies.
///
/// A span becomes `⟦secret:KIND:DIGEST8⟧`. The digest is keyed, so equal secrets can be seen to be
/// equal and a value cannot be guessed from it `[R2]`.
pub struct Redactor {
    own: OwnSecrets,
    sieve: Sieve,
    /// No literal that is looked for consists of hex digits alone.
    digests_are_clean: bool,
    key: MarkerKey,
}

/// What looking through a body came to.
#[derive(Debug)]
pub enum Screened {
    /// There was nothing to take out.
    Clean {
        /// Its canonical bytes.
        bytes: CanonicalBytes,
        /// Reading them may give another noun, see [`canonical::Watch::respelled`].
        respelled: bool,
    },
    /// The body without its secrets.
    Redacted(Box<Body>),
}

/// Why a noun could not be redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedactFault {
    /// It has no canonical form.
    Unrepresentable(InvalidJson),
    /// A secret stood where the shape allows only an id or a word of ours.
    Shape(InvalidJson),
    /// A secret stood in what is signed or pinned as a whole, which cannot be told otherwise.
    Signed(Kind),
}

impl fmt::Display for RedactFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrepresentable(e) => write!(f, "value cannot be kept: {e}"),
            Self::Shape(e) => write!(f, "redacted value lost its shape: {e}"),
            Self::Signed(kind) => write!(f, "a secret stands in the signed part of a `{kind}`"),
        }
    }
}

impl std::error::Error for RedactFault {}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.own.len())
    }
}

impl Redactor {
    /// A redactor that also knows the secrets of this process. Those shorter than
    /// eight bytes are left to the other detectors: they would match plain words.
    #[must_use]
    pub fn new(secrets_of_process: Vec<Secret<String>>, digest_key: [u8; 32]) -> Self {
        let own = OwnSecrets::new(&secrets_of_process);
        let mut literals: Vec<&str> = own.literals().collect();
        for literal in formats::literals() {
            literals.push(literal);
        }
        let sieve = Sieve::new(&literals);
        let digests_are_clean = literals.iter().all(|literal| !is_hex(literal.as_bytes()));
        Self {
            sieve,
            digests_are_clean,
            own,
            key: MarkerKey::new(digest_key),
        }
    }

    /// The text without its secrets; none when there was nothing to take out.
    #[must_use]
    pub fn redact_text(&self, text: &str) -> Option<String> {
        let mut redacted: Option<String> = None;
        for _ in 0..PASSES_MAX {
            let current = redacted.as_deref().unwrap_or(text);
            match self.pass(current) {
                Some(next) => redacted = Some(next),
                None => return redacted,
            }
        }
        match redacted {
            Some(text) if self.pass(&text).is_some() => Some(self.key.mark("tangled", &text)),
            settled => settled,
        }
    }

    /// Whether there is anything to take out of these bytes, whatever they are: text, text in two
    /// bytes a character, a JSON document with telling names, or text among other bytes.
    #[must_use]
    pub fn finds_in_bytes(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        if self.finds(&text) {
            return true;
        }
        if bytes.contains(&0) {
            let packed: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
            if self.finds(&String::from_utf8_lossy(&packed)) {
                return true;
            }
        }
        let is_document =
            text.len() <= DOCUMENT_BYTES_MAX && text.trim_start().starts_with(['{', '[']);
        is_document
            && serde_json::from_str(&text).is_ok_and(|value| self.redact_value(&value).is_some())
    }

    /// Whether a text is 64 hex digits, as ids and digests are, and none of the secrets looked for
    /// could stand in such a text.
    fn is_digest(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.digests_are_clean && bytes.len() == 64 && is_hex(bytes)
    }

    fn finds(&self, text: &str) -> bool {
        self.pass(text).is_some()
    }

    /// The value without its secrets; none when there was nothing to take out. Strings are searched,
    /// also those that are object keys; the value under a telling name is taken out whole.
    #[must_use]
    pub fn redact_value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
            Value::String(text) => self.redact_text(text).map(Value::String),
            Value::Array(items) => self.redact_array(items),
            Value::Object(map) => self.redact_object(map),
        }
    }

    /// A noun without its secrets; none when there was nothing to take out.
    ///
    /// # Errors
    /// [`RedactFault`] when it has no canonical form, or loses its shape.
    pub fn redact_noun<T>(&self, noun: &T) -> Result<Option<T>, RedactFault>
    where
        T: Serialize + DeserializeOwned,
    {
        let mut look = QuickLook::new(self);
        let bytes =
            canonical::encode_watched(noun, &mut look).map_err(RedactFault::Unrepresentable)?;
        if !look.found() {
            return Ok(None);
        }
        let value = canonical::parse(bytes.as_bytes()).map_err(RedactFault::Unrepresentable)?;
        let Some(redacted) = self.redact_value(&value) else {
            return Ok(None);
        };
        let bytes = canonical::value_to_bytes(&redacted).map_err(RedactFault::Unrepresentable)?;
        canonical::decode(bytes.as_bytes())
            .map(Some)
            .map_err(RedactFault::Shape)
    }

    /// A body without its secrets. A body whose parts were redacted before comes back unchanged,
    /// so the ids computed over those parts stay what they were.
    ///
    /// # Errors
    /// [`RedactFault`] when it has no canonical form, or loses its shape.
    pub fn redact_body(&self, body: Body) -> Result<Body, RedactFault> {
        Ok(match self.screen(&body)? {
            Screened::Clean { .. } => body,
            Screened::Redacted(redacted) => *redacted,
        })
    }

    /// Encodes a body and looks at each of its strings, in one walk. Most bodies hold nothing, and
    /// are ready then.
    ///
    /// # Errors
    /// As [`Self::redact_body`].
    pub fn screen(&self, body: &Body) -> Result<Screened, RedactFault> {
        let mut look = QuickLook::new(self);
        let bytes = body
            .encode_watched(&mut look)
            .map_err(RedactFault::Unrepresentable)?;
        let respelled = look.respelled();
        if !look.found() {
            return Ok(Screened::Clean { bytes, respelled });
        }
        let value = canonical::parse(bytes.as_bytes()).map_err(RedactFault::Unrepresentable)?;
        let Some(redacted) = self.redact_value(&value) else {
            return Ok(Screened::Clean { bytes, respelled });
        };
        let bytes = canonical::value_to_bytes(&redacted).map_err(RedactFault::Unrepresentable)?;
        let redacted = Body::decode(body.kind(), bytes.as_bytes()).map_err(RedactFault::Shape)?;
        if signed_part_changed(body, &redacted) {
            return Err(RedactFault::Signed(body.kind()));
        }
        Ok(Screened::Redacted(Box::new(redacted)))
    }

    fn pass(&self, text: &str) -> Option<String> {
        let mut spans = Spans::default();
        self.find(text, &mut spans);
        if let Some(view) = views::decoded(text) {
            let mut seen = Spans::default();
            self.find(&view.text, &mut seen);
            spans.take_from(seen, |span| view.origin(span));
        }
        spans.replace(text, &self.key)
    }

    fn find(&self, text: &str, spans: &mut Spans) {
        let worth = self.sieve.look(text);
        if worth.forms {
            // Own secrets first: of two spans over the same text, the first pushed names the kind.
            self.own.find(text, spans);
            formats::find(text, spans);
        }
        if worth.names {
            keywords::find(text, spans);
        }
    }

    fn redact_array(&self, items: &[Value]) -> Option<Value> {
        let mut redacted: Option<Vec<Value>> = None;
        let mut after_flag = false;
        for (at, item) in items.iter().enumerate() {
            let changed = match item {
                // `["--password", "x"]`: the flag names what follows it.
                Value::String(text) if after_flag && !text.starts_with('-') => {
                    self.redact_named(text).map(Value::String)
                }
                Value::String(_)
                | Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => self.redact_value(item),
            };
            after_flag = matches!(item, Value::String(text) if names::is_secret_flag(text));
            if let Some(changed) = changed
                && let Some(slot) = redacted.get_or_insert_with(|| items.to_vec()).get_mut(at)
            {
                *slot = changed;
            }
        }
        redacted.map(Value::Array)
    }

    fn redact_object(&self, map: &Map<String, Value>) -> Option<Value> {
        // `{"name": "DB_PASSWORD", "value": "x"}`: the name stands beside the value.
        let named_value =
            matches!(map.get("name"), Some(Value::String(name)) if names::is_secret_name(name));
        let mut changes: Vec<(&String, Option<String>, Option<Value>)> = Vec::new();
        for (key, value) in map {
            let secret = names::is_secret_name(key) || (named_value && key == "value");
            let new_value = if secret {
                self.redact_whole(value)
            } else {
                self.redact_value(value)
            };
            let new_key = self.redact_text(key);
            if new_key.is_some() || new_value.is_some() {
                changes.push((key, new_key, new_value));
            }
        }
        if changes.is_empty() {
            return None;
        }
        let mut redacted = map.clone();
        for (key, new_key, new_value) in changes {
            let Some(old) = redacted.remove(key) else {
                continue;
            };
            redacted.insert(
                new_key.unwrap_or_else(|| key.clone()),
                new_value.unwrap_or(old),
            );
        }
        Some(Value::Object(redacted))
    }

    fn redact_whole(&self, value: &Value) -> Option<Value> {
        match value {
            Value::String(text) => self.redact_named(text).map(Value::String),
            Value::Array(items) => {
                let whole: Vec<Option<Value>> =
                    items.iter().map(|item| self.redact_whole(item)).collect();
                whole.iter().any(Option::is_some).then(|| {
                    let pairs = whole.into_iter().zip(items);
                    Value::Array(
                        pairs
                            .map(|(new, old)| new.unwrap_or_else(|| old.clone()))
                            .collect(),
                    )
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
                self.redact_value(value)
            }
        }
    }

    fn redact_named(&self, text: &str) -> Option<String> {
        if text.is_empty() || marker::is_marker(text) || randomness::is_reference(text) {
            return None;
        }
        Some(self.key.mark("named", text))
    }
}

/// Whether redaction touched what a signature, a content address or a pin covers.
fn signed_part_changed(before: &Body, after: &Body) -> bool {
    match (before, after) {
        (Body::WritIssued(a), Body::WritIssued(b)) => a.writ != b.writ,
        (Body::PolicyLoaded(a), Body::PolicyLoaded(b)) => a.bundle != b.bundle,
        (Body::SkillBound(a), Body::SkillBound(b)) => a.definition != b.definition,
        (Body::Approval(_) | Body::WritRevoked(_) | Body::Reconciled(_), _) => before != after,
        (Body::ToolsPinned(_), _) => before != after,
        // It is announced by its id, which is taken for true where it is folded as it is made.
        (Body::Started(a), Body::Started(b)) => a.decided.proposal != b.decided.proposal,
        _ => false,
    }
}

fn is_hex(bytes: &[u8]) -> bool {
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    bytes.iter().fold(true, |all, byte| all & hex(byte))
}

/// Whether a marker stands anywhere in the value, keys included: decisions that read it rest on a
/// witnessed fact `[R4]`.
#[must_use]
pub fn contains_marker(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => marker::contains(text),
        Value::Array(items) => items.iter().any(contains_marker),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| marker::contains(key) || contains_marker(value)),
    }
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
