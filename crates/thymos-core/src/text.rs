//! Bytes as hex and back, and what is written as text in JSON. Knows no meaning.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};

/// Digits of the longest thing that is written as hex: a signature.
const DIGITS_MAX: usize = 128;

/// The two digits of each byte.
const DIGITS: [[u8; 2]; 256] = digits();

/// Value of each hex digit; `NONE` for what is none.
const NIBBLES: [u8; 256] = nibbles();
const NONE: u8 = 0xff;

/// Lowercase hex of a key, an id or a signature, without an allocation.
pub(crate) struct Hex {
    digits: [u8; DIGITS_MAX],
    len: usize,
}

impl Hex {
    /// At most 64 bytes; what is beyond them is left out.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut digits = [0; DIGITS_MAX];
        let mut len = 0;
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&digits_of(*byte));
            len += 2;
        }
        Self { digits, len }
    }

    pub(crate) fn as_str(&self) -> &str {
        let digits = self.digits.get(..self.len).unwrap_or_default();
        // Hex digits are ASCII.
        std::str::from_utf8(digits).unwrap_or_default()
    }
}

/// Lowercase hex of any bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.extend_from_slice(&digits_of(*byte));
    }
    String::from_utf8(out).unwrap_or_default()
}

fn digits_of(byte: u8) -> [u8; 2] {
    DIGITS.get(usize::from(byte)).copied().unwrap_or_default()
}

const fn digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "a constant function has no `get_mut`, and every place is below 256"
)]
const fn digits() -> [[u8; 2]; 256] {
    let mut table = [[0; 2]; 256];
    let mut high = 0;
    while high < 16 {
        let mut low = 0;
        while low < 16 {
            table[(high << 4 | low) as usize] = [digit(high), digit(low)];
            low += 1;
        }
        high += 1;
    }
    table
}

/// Reads exactly `N` bytes of lowercase hex.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut out = [0; N];
    for (slot, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let (high, low) = (nibble(*high), nibble(*low));
        if high == NONE || low == NONE {
            return None;
        }
        *slot = high << 4 | low;
    }
    Some(out)
}

fn nibble(digit: u8) -> u8 {
    NIBBLES.get(usize::from(digit)).copied().unwrap_or(NONE)
}

#[expect(
    clippy::indexing_slicing,
    reason = "a constant function has no `get_mut`, and every place is below 256"
)]
const fn nibbles() -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        table[digit(value) as usize] = value;
        value += 1;
    }
    table
}

/// Reads what is written as text, without keeping the text.
pub(crate) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    deserializer.deserialize_str(Text(PhantomData))
}

struct Text<T>(PhantomData<T>);

impl<T> Visitor<'_> for Text<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_goes_to_hex_and_back() {
        let bytes: [u8; 256] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let text = hex(&bytes);
        assert_eq!(text.get(..8), Some("00010203"));
        assert!(text.ends_with("fdfeff"));
        assert_eq!(unhex::<256>(&text), Some(bytes));
        for bytes in bytes.chunks_exact(64) {
            assert_eq!(Hex::of(bytes).as_str(), hex(bytes));
        }
    }

    #[test]
    fn what_is_no_lowercase_hex_of_that_length_is_refused() {
        for text in ["", "0", "000", "0G", "AA", "é", " 0", "0\u{0}", "00 "] {
            assert_eq!(unhex::<1>(text), None, "{text:?}");
        }
        assert_eq!(unhex::<1>("a9"), Some([0xa9]));
    }
}
