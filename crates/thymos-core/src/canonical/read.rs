//! The strict JSON reader behind [`super::parse`]. Builds values; canonical spelling is `write`'s.

use serde_json::{Map, Number, Value};

use super::{Fault, InvalidJson};
use crate::limits::DEPTH_MAX;

/// Largest integer that a double and its neighbours hold exactly (2^53 - 1, RFC 7493).
pub(super) const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

pub(super) fn parse(bytes: &[u8]) -> Result<Value, InvalidJson> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| InvalidJson::new(e.valid_up_to(), Fault::NotUtf8))?;
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at < reader.bytes.len() {
        return Err(reader.syntax("text after the value"));
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, InvalidJson> {
        if depth > DEPTH_MAX {
            return Err(InvalidJson::new(self.at, Fault::TooDeep));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.syntax("unexpected character")),
            None => Err(self.syntax("unexpected end")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, InvalidJson> {
        self.at += 1;
        let mut map = Map::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(map));
        }
        loop {
            self.skip_space();
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.syntax("expected a key"));
            }
            let key = self.string()?;
            self.skip_space();
            self.expect(b':', "expected `:`")?;
            self.skip_space();
            let value = self.value(depth + 1)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(InvalidJson::new(key_at, Fault::DuplicateKey(key)));
            }
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(map));
            }
            self.expect(b',', "expected `,` or `}`")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, InvalidJson> {
        self.at += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.skip_space();
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            self.expect(b',', "expected `,` or `]`")?;
        }
    }

    fn string(&mut self) -> Result<String, InvalidJson> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let plain = self.at;
            while self
                .peek()
                .is_some_and(|b| b != b'"' && b != b'\\' && b >= 0x20)
            {
                self.at += 1;
            }
            out.push_str(self.text.get(plain..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.syntax("control character in a string")),
                None => return Err(self.syntax("unclosed string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, InvalidJson> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek().ok_or_else(|| self.syntax("unclosed escape"))?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err(InvalidJson::new(start, Fault::Syntax("unknown escape"))),
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, InvalidJson> {
        let lone = || InvalidJson::new(start, Fault::LoneSurrogate);
        let high = self.hex4()?;
        let code = match high {
            0xD800..=0xDBFF => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return Err(lone());
                }
                let low = self.hex4()?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err(lone());
                }
                0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            }
            _ => high,
        };
        char::from_u32(code).ok_or_else(lone)
    }

    fn hex4(&mut self) -> Result<u32, InvalidJson> {
        let digits = self
            .bytes
            .get(self.at..self.at + 4)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit))
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u32::from_str_radix(d, 16).ok());
        let code = digits.ok_or_else(|| self.syntax("expected four hex digits"))?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Value, InvalidJson> {
        let start = self.at;
        let negative = self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return Err(InvalidJson::new(start, Fault::Syntax("leading zero")));
        }
        let mut integral = true;
        if self.take(b'.') {
            integral = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integral = false;
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let number = if integral {
            integer(text, negative)
        } else {
            float(text)
        };
        number
            .map(Value::Number)
            .ok_or_else(|| InvalidJson::new(start, Fault::Number(text.chars().take(40).collect())))
    }

    fn digits(&mut self) -> Result<usize, InvalidJson> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.syntax("expected a digit"));
        }
        Ok(self.at - start)
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, InvalidJson> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.syntax("unknown word"))
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        if hit {
            self.at += 1;
        }
        hit
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), InvalidJson> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.syntax(what))
        }
    }

    fn syntax(&self, what: &'static str) -> InvalidJson {
        InvalidJson::new(self.at, Fault::Syntax(what))
    }
}

/// An integer literal must be exact; `-0` has the one canonical spelling `0`.
fn integer(text: &str, negative: bool) -> Option<Number> {
    let magnitude: u64 = text.trim_start_matches('-').parse().ok()?;
    if magnitude > SAFE_INTEGER_MAX {
        return None;
    }
    if negative && magnitude > 0 {
        return i64::try_from(magnitude).ok().map(|m| Number::from(-m));
    }
    Some(Number::from(magnitude))
}

/// A literal with a fraction or exponent means the nearest double, as RFC 8785 has it.
fn float(text: &str) -> Option<Number> {
    let value: f64 = text.parse().ok()?;
    Number::from_f64(value)
}
