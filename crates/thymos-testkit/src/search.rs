//! A search of bytes for what is left of secrets, as they stand and in the dress that formats put on
//! them `[T8]`. Finds no secret that it was not given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::secrets::{Fake, base64};

/// Bytes by which a place is told to be worth a look. No shorter secret can be looked for.
const HEAD: usize = 8;

/// What to look for, in every spelling.
pub struct Finder {
    by_head: BTreeMap<[u8; HEAD], Vec<(String, Vec<u8>)>>,
}

impl Finder {
    /// A finder of what must not be left of these.
    #[must_use]
    pub fn new(fakes: &[Fake]) -> Self {
        let mut by_head: BTreeMap<[u8; HEAD], Vec<(String, Vec<u8>)>> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for fake in fakes {
            for (how, spelled) in spellings(&fake.bare) {
                let head = spelled.first_chunk::<HEAD>().copied();
                let head = head.unwrap_or_else(|| panic!("{}: too short", fake.what));
                if known.insert(spelled.clone()) {
                    let row = (format!("{} {how}", fake.what), spelled);
                    by_head.entry(head).or_default().push(row);
                }
            }
        }
        Self { by_head }
    }

    /// What is left, each once, and how it was spelled.
    #[must_use]
    pub fn left_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let mut left = BTreeSet::new();
        for (at, head) in bytes.windows(HEAD).enumerate() {
            let Some(rows) = self.by_head.get(head) else {
                continue;
            };
            let rest = bytes.get(at..).unwrap_or_default();
            let found = rows.iter().filter(|(_, spelled)| rest.starts_with(spelled));
            left.extend(found.map(|(what, _)| what.clone()));
        }
        left
    }
}

/// As it stands, as JSON writes it, once and twice, percent-encoded, and inside base64 at each offset.
fn spellings(bare: &str) -> Vec<(&'static str, Vec<u8>)> {
    let json = |text: &str| {
        let written = serde_json::Value::from(text).to_string();
        let inner = written.strip_prefix('"').and_then(|w| w.strip_suffix('"'));
        inner.unwrap_or_default().to_owned()
    };
    let mut percent = String::new();
    for byte in bare.bytes() {
        // Writing to a string cannot fail.
        let _ok = match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => write!(percent, "{}", char::from(byte)),
            false => write!(percent, "%{byte:02X}"),
        };
    }
    let mut all = vec![
        ("as it stands", bare.as_bytes().to_vec()),
        ("in JSON", json(bare).into_bytes()),
        ("in JSON in JSON", json(&json(bare)).into_bytes()),
        ("percent-encoded", percent.into_bytes()),
    ];
    for offset in 0..3 {
        let padded = [&b"\0\0"[..offset], bare.as_bytes()].concat();
        let whole = base64(&padded);
        // Letters that also hold bits of what stands before or behind are left out.
        let before = (offset * 8).div_ceil(6);
        let behind = padded.len() * 8 / 6;
        let core = whole.get(before..behind).unwrap_or_default();
        all.push(("in base64", core.as_bytes().to_vec()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::corpus;

    #[test]
    fn t8_the_search_finds_each_spelling_and_nothing_in_harmless_text() {
        let fakes = corpus();
        let finder = Finder::new(&fakes);
        for fake in &fakes {
            for (how, spelled) in spellings(&fake.bare) {
                let bytes = [b"before ", spelled.as_slice(), b" after"].concat();
                assert!(!finder.left_in(&bytes).is_empty(), "{} {how}", fake.what);
            }
            let inside = base64(format!("ada:{} and so on", fake.bare).as_bytes());
            assert!(
                !finder.left_in(inside.as_bytes()).is_empty(),
                "{}",
                fake.what
            );
        }
        for text in crate::secrets::harmless() {
            assert_eq!(finder.left_in(text.as_bytes()), BTreeSet::new(), "{text}");
        }
    }
}
