//! Canonical form: RFC 8785 (JCS) bytes, and the strict reader that goes with it `[K1]` `[K3]`.
//!
//! The only module that turns values into bytes that get hashed, and back. It hashes nothing.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

mod decode;
mod encode;
mod keys;
mod read;
mod shape;
#[cfg(test)]
mod straight;
#[cfg(test)]
mod tests;
mod write;

/// Bytes in RFC 8785 form. What is stored is what was hashed; never re-serialized to verify.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalBytes(Vec<u8>);

impl CanonicalBytes {
    /// The bytes, as they are stored and hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives up the bytes.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// Accepts bytes that are already canonical, and refuses all others.
    ///
    /// # Errors
    /// [`InvalidJson`] when the bytes are not JSON of the accepted kind, or not in canonical form.
    pub fn from_stored(bytes: Vec<u8>) -> Result<Self, InvalidJson> {
        if decode::is_canonical(&bytes) {
            return Ok(Self(bytes));
        }
        let value = parse(&bytes)?;
        if value_to_bytes(&value)?.0 != bytes {
            return Err(InvalidJson::new(0, Fault::NotCanonical));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for CanonicalBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl AsRef<[u8]> for CanonicalBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Why bytes were refused, and where (byte offset).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidJson {
    /// Byte offset of the first offence, 0 when it concerns the whole.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// The kinds of refusal of the strict reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Not JSON at all.
    Syntax(&'static str),
    /// Not UTF-8.
    NotUtf8,
    /// A key stands twice in one object.
    DuplicateKey(String),
    /// A `\uD800`-`\uDFFF` escape without its partner.
    LoneSurrogate,
    /// A number that an IEEE double cannot hold without loss.
    Number(String),
    /// Nested deeper than [`crate::limits::DEPTH_MAX`].
    TooDeep,
    /// Valid JSON, but not the one canonical spelling of it.
    NotCanonical,
    /// Valid JSON that is not of the expected type.
    Shape(String),
}

impl InvalidJson {
    pub(crate) fn new(at: usize, fault: Fault) -> Self {
        Self { at, fault }
    }
}

impl fmt::Display for InvalidJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Syntax(what) => write!(f, "not valid JSON: {what} at byte {}", self.at),
            Fault::NotUtf8 => write!(f, "not valid UTF-8 at byte {}", self.at),
            Fault::DuplicateKey(key) => write!(f, "key `{key}` stands twice at byte {}", self.at),
            Fault::LoneSurrogate => write!(f, "lone surrogate at byte {}", self.at),
            Fault::Number(text) => {
                write!(
                    f,
                    "number `{text}` cannot be kept exactly at byte {}",
                    self.at
                )
            }
            Fault::TooDeep => write!(f, "nested deeper than {}", crate::limits::DEPTH_MAX),
            Fault::NotCanonical => f.write_str("not in canonical form"),
            Fault::Shape(what) => write!(f, "unexpected shape: {what}"),
        }
    }
}

impl std::error::Error for InvalidJson {}

/// Reads JSON strictly: one meaning or a refusal `[K3]`.
///
/// # Errors
/// [`InvalidJson`] for anything but one JSON value with unique keys, whole surrogate pairs, numbers
/// that round-trip, and nesting up to [`crate::limits::DEPTH_MAX`].
pub fn parse(bytes: &[u8]) -> Result<Value, InvalidJson> {
    read::parse(bytes)
}

/// Writes a value in canonical form.
///
/// # Errors
/// [`InvalidJson`] when the value holds a number that cannot be kept exactly or nests too deep.
pub fn value_to_bytes(value: &Value) -> Result<CanonicalBytes, InvalidJson> {
    let mut out = Vec::with_capacity(256);
    write::write(value, 0, &mut out)?;
    Ok(CanonicalBytes(out))
}

/// Bytes that a character takes inside a string in canonical form (RFC 8785 3.2.2.2).
#[must_use]
pub const fn written_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        other => other.len_utf8(),
    }
}

/// Encodes one of our own nouns in canonical form.
///
/// # Errors
/// [`InvalidJson`] when a field cannot be kept exactly, such as an integer above 2^53 - 1.
pub fn encode<T: Serialize>(noun: &T) -> Result<CanonicalBytes, InvalidJson> {
    encode_watched(noun, &mut Blind)
}

/// Sees every string of a noun while it is encoded.
pub trait Watch {
    /// A string.
    fn text(&mut self, text: &str);

    /// The key under which the next value stands.
    fn key(&mut self, key: &str);

    /// The name of a field of one of our own nouns: a key that is part of the program.
    fn field(&mut self, name: &'static str) {
        self.key(name);
    }

    /// A string that is part of the program: one word of a closed set.
    fn word(&mut self, word: &'static str) {
        self.text(word);
    }

    /// Something whose spelling does not tell what it was: a float may be read back as an integer,
    /// and a null that is there as none.
    fn respelled(&mut self);
}

/// Looks at nothing.
struct Blind;

impl Watch for Blind {
    fn text(&mut self, _text: &str) {}

    fn key(&mut self, _key: &str) {}

    fn respelled(&mut self) {}
}

/// As [`encode()`], and shows every string and key to `watch` on the way, some perhaps twice.
///
/// # Errors
/// As [`encode()`].
pub fn encode_watched<T: Serialize>(
    noun: &T,
    watch: &mut dyn Watch,
) -> Result<CanonicalBytes, InvalidJson> {
    if let Ok(bytes) = encode::encode(noun, watch) {
        return Ok(CanonicalBytes(bytes));
    }
    let bytes = encode_slowly(noun)?;
    watch.respelled();
    // What only the slow way can write is shown all the same, from what it wrote.
    encode::encode(&parse(bytes.as_bytes())?, watch)
        .map(CanonicalBytes)
        .map_err(|_unsure| InvalidJson::new(0, Fault::NotCanonical))
}

fn encode_slowly<T: Serialize>(noun: &T) -> Result<CanonicalBytes, InvalidJson> {
    let value =
        serde_json::to_value(noun).map_err(|e| InvalidJson::new(0, Fault::Shape(e.to_string())))?;
    value_to_bytes(&value)
}

/// Decodes one of our own nouns; unknown fields and non-canonical spellings are refused.
///
/// # Errors
/// [`InvalidJson`] when the bytes are not the canonical form of a `T`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidJson> {
    decode::decode(bytes).or_else(|_unsure| decode_slowly(bytes))
}

fn decode_slowly<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidJson> {
    let value = parse(bytes)?;
    if value_to_bytes(&value)?.0 != bytes {
        return Err(InvalidJson::new(0, Fault::NotCanonical));
    }
    shaped(&value)
}

/// Decodes a noun from text a person may have written: strict JSON, any spelling.
///
/// # Errors
/// [`InvalidJson`] when it is not strict JSON or not the shape of a `T`.
pub fn decode_lenient<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidJson> {
    shaped(&parse(bytes)?)
}

/// Turns any accepted JSON text into its canonical bytes.
///
/// # Errors
/// As [`parse`].
pub fn canonicalize(bytes: &[u8]) -> Result<Vec<u8>, InvalidJson> {
    Ok(value_to_bytes(&parse(bytes)?)?.into_vec())
}

/// Reads a noun from JSON that [`parse`] has accepted, with the library's own fault for
/// [`crate::misfit::words`].
///
/// # Errors
/// [`serde_json::Error`] when it is not the shape of a `T`, or spells a noun as a list `[K3]`.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    shape::read(value)
}

/// Reads a noun from text, with line and column of what is wrong. Whoever reads a person's file asks [`parse`]
/// first, for keys that stand twice and numbers that cannot be kept.
///
/// # Errors
/// [`serde_json::Error`] when it is no JSON or not the shape of a `T`, or spells a noun as a list `[K3]`.
pub fn from_text<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let mut format = serde_json::Deserializer::from_slice(text);
    let noun = shape::read(&mut format)?;
    format.end()?;
    Ok(noun)
}

fn shaped<T: DeserializeOwned>(value: &Value) -> Result<T, InvalidJson> {
    from_value(value).map_err(|e| InvalidJson::new(0, Fault::Shape(e.to_string())))
}
