//! From canonical bytes straight to a noun, without a value in between. Accepts nothing that the
//! slow way would refuse, and leaves every doubtful case to it.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IgnoredAny,
    IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::encode::{Unsure, key_order};
use super::read::SAFE_INTEGER_MAX;
use super::write::{plain_len, write_float};
use crate::limits::DEPTH_MAX;

impl serde::de::Error for Unsure {
    fn custom<T: std::fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// Reads a noun from its canonical bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unsure> {
    let mut reader = Reader::new(bytes)?;
    let noun = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(noun)
}

/// Whether these bytes are canonical. A no is a maybe.
pub(super) fn is_canonical(bytes: &[u8]) -> bool {
    Reader::new(bytes).is_ok_and(|mut reader| {
        IgnoredAny::deserialize(&mut reader).is_ok() && reader.end().is_ok()
    })
}

struct Reader<'de> {
    text: &'de str,
    bytes: &'de [u8],
    at: usize,
    depth: usize,
}

impl<'de> Reader<'de> {
    fn new(bytes: &'de [u8]) -> Result<Self, Unsure> {
        let text = std::str::from_utf8(bytes).map_err(|_| Unsure)?;
        Ok(Self {
            text,
            bytes,
            at: 0,
            depth: 0,
        })
    }

    fn end(&self) -> Result<(), Unsure> {
        (self.at == self.bytes.len()).then_some(()).ok_or(Unsure)
    }

    const fn check_depth(&self) -> Result<(), Unsure> {
        if self.depth > DEPTH_MAX {
            return Err(Unsure);
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn expect(&mut self, byte: u8) -> Result<(), Unsure> {
        self.take(byte).then_some(()).ok_or(Unsure)
    }

    fn word(&mut self, word: &str) -> Result<(), Unsure> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(Unsure);
        }
        self.at += word.len();
        Ok(())
    }

    fn slice(&self, from: usize) -> Result<&'de str, Unsure> {
        self.text.get(from..self.at).ok_or(Unsure)
    }

    fn string(&mut self) -> Result<Cow<'de, str>, Unsure> {
        self.expect(b'"')?;
        let from = self.at;
        self.plain();
        let start = self.slice(from)?;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(start));
        }
        let mut out = start.to_owned();
        loop {
            out.push(self.escape()?);
            let from = self.at;
            self.plain();
            out.push_str(self.slice(from)?);
            if self.take(b'"') {
                return Ok(Cow::Owned(out));
            }
        }
    }

    /// Goes on to the next byte that cannot stand for itself in a string, or to the end.
    fn plain(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at += plain_len(rest);
    }

    /// One of the escapes that the canonical form has; every other spelling is doubtful.
    fn escape(&mut self) -> Result<char, Unsure> {
        self.expect(b'\\')?;
        let letter = self.peek().ok_or(Unsure)?;
        self.at += 1;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b't' => '\t',
            b'n' => '\n',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'u' => return self.control(),
            _ => return Err(Unsure),
        })
    }

    fn control(&mut self) -> Result<char, Unsure> {
        self.word("00")?;
        let from = self.at;
        self.at += 2;
        let digits = self.slice(from)?;
        let code = u32::from_str_radix(digits, 16).map_err(|_| Unsure)?;
        let has_short_form = matches!(code, 0x8 | 0x9 | 0xa | 0xc | 0xd);
        let lower = digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if code >= 0x20 || has_short_form || !lower {
            return Err(Unsure);
        }
        char::from_u32(code).ok_or(Unsure)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unsure> {
        let from = self.at;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_number = |b: &u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        self.at += rest.iter().take_while(|b| is_number(b)).count();
        let text = self.slice(from)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return float(text, visitor);
        }
        let leading_zero = digits.len() > 1 && digits.starts_with('0');
        let magnitude: u64 = digits.parse().map_err(|_| Unsure)?;
        if leading_zero || magnitude > SAFE_INTEGER_MAX || text == "-0" {
            return Err(Unsure);
        }
        if digits.len() == text.len() {
            return visitor.visit_u64(magnitude);
        }
        visitor.visit_i64(-i64::try_from(magnitude).map_err(|_| Unsure)?)
    }

    /// What has named fields: an object, and never a list in their order `[K3]`.
    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unsure> {
        if self.peek() != Some(b'{') {
            return Err(Unsure);
        }
        self.deserialize_any(visitor)
    }

    fn nested<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, Unsure>,
    ) -> Result<T, Unsure> {
        self.at += 1;
        self.depth += 1;
        let value = inside(self)?;
        self.depth -= 1;
        Ok(value)
    }
}

fn float<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Unsure> {
    let value: f64 = text.parse().map_err(|_| Unsure)?;
    let mut again = Vec::with_capacity(text.len());
    if value.is_finite() {
        write_float(value, &mut again);
    }
    if again != text.as_bytes() {
        return Err(Unsure);
    }
    visitor.visit_f64(value)
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unsure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unsure> {
        self.check_depth()?;
        match self.peek().ok_or(Unsure)? {
            b'{' => self.nested(|reader| {
                let value = visitor.visit_map(Rows::of(reader))?;
                reader.expect(b'}')?;
                Ok(value)
            }),
            b'[' => self.nested(|reader| {
                let value = visitor.visit_seq(Items {
                    reader,
                    first: true,
                })?;
                reader.expect(b']')?;
                Ok(value)
            }),
            b'"' => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            b't' => {
                self.word("true")?;
                visitor.visit_bool(true)
            }
            b'f' => {
                self.word("false")?;
                visitor.visit_bool(false)
            }
            b'n' => {
                self.word("null")?;
                visitor.visit_unit()
            }
            b'-' | b'0'..=b'9' => self.number(visitor),
            _ => Err(Unsure),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unsure> {
        if self.peek() == Some(b'n') {
            self.check_depth()?;
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unsure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unsure> {
        self.check_depth()?;
        if self.peek() == Some(b'"') {
            let word = self.string()?;
            let word: StrDeserializer<'_, Unsure> = word.as_ref().into_deserializer();
            return visitor.visit_enum(word);
        }
        if self.peek() != Some(b'{') {
            return Err(Unsure);
        }
        self.nested(|reader| {
            let value = visitor.visit_enum(Variant { reader })?;
            reader.expect(b'}')?;
            Ok(value)
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unsure> {
        self.object(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unsure> {
        self.object(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct identifier ignored_any
    }
}

struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unsure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unsure> {
        if self.reader.peek() == Some(b']') {
            return Ok(None);
        }
        if !self.first {
            self.reader.expect(b',')?;
        }
        self.first = false;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

struct Rows<'a, 'de> {
    reader: &'a mut Reader<'de>,
    last: Option<Cow<'de, str>>,
}

impl<'a, 'de> Rows<'a, 'de> {
    const fn of(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, last: None }
    }
}

impl<'de> MapAccess<'de> for Rows<'_, 'de> {
    type Error = Unsure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unsure> {
        if self.reader.peek() == Some(b'}') {
            return Ok(None);
        }
        if self.last.is_some() {
            self.reader.expect(b',')?;
        }
        let key = self.reader.string()?;
        self.reader.expect(b':')?;
        // In order and none twice, or it is not the canonical form.
        if let Some(last) = &self.last
            && key_order(last, &key) != Ordering::Less
        {
            return Err(Unsure);
        }
        let read = match &key {
            Cow::Borrowed(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
            Cow::Owned(text) => seed.deserialize(text.as_str().into_deserializer()),
        };
        self.last = Some(key);
        read.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unsure> {
        seed.deserialize(&mut *self.reader)
    }
}

struct Variant<'a, 'de> {
    reader: &'a mut Reader<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unsure;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Unsure> {
        let word = self.reader.string()?;
        self.reader.expect(b':')?;
        let word: StrDeserializer<'_, Unsure> = word.as_ref().into_deserializer();
        Ok((seed.deserialize(word)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unsure;

    fn unit_variant(self) -> Result<(), Unsure> {
        <()>::deserialize(self.reader)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unsure> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Unsure> {
        if self.reader.peek() != Some(b'[') {
            return Err(Unsure);
        }
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unsure> {
        self.reader.object(visitor)
    }
}
