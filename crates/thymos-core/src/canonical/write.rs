//! The RFC 8785 writer behind [`super::value_to_bytes`]. Decides spelling only, reads nothing.

use serde_json::{Map, Number, Value};

use super::read::SAFE_INTEGER_MAX;
use super::{Fault, InvalidJson};
use crate::limits::DEPTH_MAX;

pub(super) fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<(), InvalidJson> {
    if depth > DEPTH_MAX {
        return Err(InvalidJson::new(0, Fault::TooDeep));
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Object(map) => write_object(map, depth, out)?,
    }
    Ok(())
}

fn write_object(
    map: &Map<String, Value>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), InvalidJson> {
    let mut rows: Vec<(&String, &Value)> = map.iter().collect();
    // RFC 8785 3.2.3: keys are ordered by their UTF-16 code units. For ASCII keys, which all of
    // ours are, that is byte order; the map's own order is never trusted (`preserve_order`).
    if rows.iter().all(|(key, _)| key.is_ascii()) {
        rows.sort_unstable_by(|a, b| a.0.cmp(b.0));
    } else {
        rows.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    }
    out.push(b'{');
    for (i, (key, value)) in rows.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        write(value, depth + 1, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<(), InvalidJson> {
    let lossy = || InvalidJson::new(0, Fault::Number(number.to_string()));
    if let Some(unsigned) = number.as_u64() {
        if unsigned > SAFE_INTEGER_MAX {
            return Err(lossy());
        }
        out.extend_from_slice(unsigned.to_string().as_bytes());
    } else if let Some(signed) = number.as_i64() {
        if signed.unsigned_abs() > SAFE_INTEGER_MAX {
            return Err(lossy());
        }
        out.extend_from_slice(signed.to_string().as_bytes());
    } else {
        let float = number
            .as_f64()
            .filter(|f| f.is_finite())
            .ok_or_else(lossy)?;
        write_float(float, out);
    }
    Ok(())
}

/// ECMAScript's shortest form, which RFC 8785 3.2.2.3 prescribes; `-0` becomes `0`.
pub(super) fn write_float(finite: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(ryu_js::Buffer::new().format(finite).as_bytes());
}

/// How many bytes at the beginning stand for themselves inside a string: neither `"` nor `\` nor below
/// space. Eight in one step, since most of what is written and read is strings.
pub(super) fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in (0..).step_by(8).zip(words) {
        let ends = ends_of_plain(u64::from_le_bytes(*word));
        if ends != 0 {
            return at + first(ends);
        }
    }
    // What is left is looked at together with some of what was: plain, so the first mark is in it.
    if let Some(last) = bytes.last_chunk() {
        let ends = ends_of_plain(u64::from_le_bytes(*last));
        let plain = if ends == 0 { 8 } else { first(ends) };
        return bytes.len() - 8 + plain;
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    tail.iter().position(ends).unwrap_or(tail.len())
}

/// The first byte that is marked. The lowest mark is exact; those above it may come of a borrow.
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Marks the high bit of each byte that is `"`, `\` or below space. A byte is below `n` when taking `n`
/// from it borrows though its own high bit is not set.
const fn ends_of_plain(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    const fn below(word: u64, n: u64) -> u64 {
        word.wrapping_sub(ONES * n) & !word & HIGH
    }
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    below(word, 0x20) | below(quote, 1) | below(backslash, 1)
}

pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, next) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = next.split_first() else {
            break;
        };
        rest = after;
        match *byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
    }
    out.push(b'"');
}
