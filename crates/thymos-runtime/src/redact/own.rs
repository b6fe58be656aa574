//! The secrets that the process itself holds, in every spelling in which they may turn up.
//!
//! Verbatim, escaped as JSON, percent-encoded, in hex, and inside base64 at any alignment. Not compressed,
//! encrypted or split: those cannot be found by looking.

use thymos_core::secret::Secret;

use super::marker::Spans;

/// Shorter secrets are not searched for verbatim; they would match plain words.
pub(super) const SECRET_BYTES_MIN: usize = 8;

/// Stable base64 characters that a secret must leave to be searched for in that form.
const BASE64_CHARS_MIN: usize = 10;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What to look for. Prints nothing.
pub(super) struct OwnSecrets {
    count: usize,
    plain: Vec<Secret<String>>,
    base64: Vec<Secret<String>>,
}

impl OwnSecrets {
    pub(super) fn new(secrets: &[Secret<String>]) -> Self {
        let mut plain = Vec::new();
        let mut base64 = Vec::new();
        let mut count = 0;
        for secret in secrets {
            let secret = secret.expose("to take it out of everything that is recorded");
            let secret = secret.trim();
            if secret.len() < SECRET_BYTES_MIN {
                continue;
            }
            count += 1;
            plain.extend(spellings(secret));
            base64.extend(base64_cores(secret.as_bytes()));
        }
        let wrap = |mut texts: Vec<String>| {
            texts.sort();
            texts.dedup();
            texts.into_iter().map(Secret::new).collect()
        };
        Self {
            count,
            plain: wrap(plain),
            base64: wrap(base64),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Everything that is looked for.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        let all = self.plain.iter().chain(&self.base64);
        all.map(|secret| secret.expose("to look for it").as_str())
    }

    /// One substring search a spelling: linear in the text, and a process holds few secrets.
    pub(super) fn find(&self, text: &str, spans: &mut Spans) {
        for needle in &self.plain {
            let needle = needle.expose("to find it");
            for (start, found) in text.match_indices(needle.as_str()) {
                spans.push(start..start + found.len(), "own");
            }
        }
        for needle in &self.base64 {
            let needle = needle.expose("to find it");
            let mut end_of_last = 0;
            for (start, found) in text.match_indices(needle.as_str()) {
                if start < end_of_last {
                    continue; // inside a run that is already taken out
                }
                let span = widen(text, start, start + found.len());
                end_of_last = span.1;
                spans.push(span.0..span.1, "own");
            }
        }
    }
}

/// What surrounds a secret within base64 belongs to it: half of an encoding still tells.
fn widen(text: &str, start: usize, end: usize) -> (usize, usize) {
    let is_base64 =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    let bytes = text.as_bytes();
    let before = bytes.get(..start).unwrap_or_default();
    let after = bytes.get(end..).unwrap_or_default();
    let left = before.iter().rev().take_while(|b| is_base64(b)).count();
    let right = after.iter().take_while(|b| is_base64(b)).count();
    (start - left, end + right)
}

fn spellings(secret: &str) -> Vec<String> {
    let upper = percent_encoded(secret);
    let mut all = vec![secret.to_owned(), upper.to_lowercase_escapes(), upper];
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    all.push(hex.to_uppercase());
    all.push(hex);
    if let Ok(json) = serde_json::to_string(secret) {
        all.push(json.trim_matches('"').to_owned());
    }
    all.retain(|text| text.len() >= SECRET_BYTES_MIN);
    all
}

fn percent_encoded(secret: &str) -> String {
    let mut out = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

trait LowercaseEscapes {
    fn to_lowercase_escapes(&self) -> String;
}

impl LowercaseEscapes for String {
    /// `%2F` as `%2f`; everything else as it is.
    fn to_lowercase_escapes(&self) -> String {
        let mut left = 0;
        self.chars()
            .map(|c| {
                if c == '%' {
                    left = 2;
                    return c;
                }
                if left == 0 {
                    return c;
                }
                left -= 1;
                c.to_ascii_lowercase()
            })
            .collect()
    }
}

/// The base64 characters that depend on the secret alone, for each of the three places at which it
/// can stand within a group of three bytes.
fn base64_cores(secret: &[u8]) -> Vec<String> {
    let mut cores = Vec::new();
    for lead in 0..3_usize {
        let mut bytes = vec![0; lead];
        bytes.extend_from_slice(secret);
        let first = (lead * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        for alphabet in [STANDARD, URL_SAFE] {
            let encoded = base64(&bytes, alphabet);
            if let Some(core) = encoded.get(first..last)
                && core.len() >= BASE64_CHARS_MIN
            {
                cores.push(core.to_owned());
            }
        }
    }
    cores
}

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=group.len() {
            let index = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            out.push(char::from(alphabet.get(index).copied().unwrap_or(b'A')));
        }
    }
    out
}
