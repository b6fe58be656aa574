//! From a noun straight to its canonical bytes, without a value in between. Writes what
//! [`super::write`] would write, and leaves every doubtful case to it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Watch;
use super::keys::KeyText;
use super::read::SAFE_INTEGER_MAX;
use super::write::{write_float, write_string};
use crate::limits::DEPTH_MAX;

/// The straight way ends here; the slow one says what is wrong, if anything is.
#[derive(Debug)]
pub(super) struct Unsure;

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("left to the slow way")
    }
}

impl std::error::Error for Unsure {}

impl serde::ser::Error for Unsure {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

/// Writes a noun, and shows every string in it to `watch`.
pub(super) fn encode<T: Serialize + ?Sized>(
    noun: &T,
    watch: &mut dyn Watch,
) -> Result<Vec<u8>, Unsure> {
    let mut writer = Writer {
        out: Vec::with_capacity(1024),
        depth: 0,
        rows: Vec::new(),
        scratch: Vec::new(),
        watch,
    };
    noun.serialize(&mut writer)?;
    Ok(writer.out)
}

/// How RFC 8785 orders keys: by UTF-16 code units, which for ASCII is byte order.
pub(super) fn key_order(a: &str, b: &str) -> Ordering {
    // Most keys of one object differ in their first letter.
    if let (Some(x), Some(y)) = (a.as_bytes().first(), b.as_bytes().first())
        && x != y
        && x.is_ascii()
        && y.is_ascii()
    {
        return x.cmp(y);
    }
    if a.is_ascii() && b.is_ascii() {
        a.cmp(b)
    } else {
        a.encode_utf16().cmp(b.encode_utf16())
    }
}

pub(super) struct Writer<'w> {
    out: Vec<u8>,
    depth: usize,
    /// Rows of all objects that are open, innermost last.
    rows: Vec<Row>,
    scratch: Vec<u8>,
    watch: &'w mut dyn Watch,
}

/// One `"key":value` as it stands in the output.
struct Row {
    key: Cow<'static, str>,
    at: Range<usize>,
}

impl Writer<'_> {
    fn leaf(&mut self, text: &str) -> Result<(), Unsure> {
        self.check_depth()?;
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    const fn check_depth(&self) -> Result<(), Unsure> {
        if self.depth > DEPTH_MAX {
            return Err(Unsure);
        }
        Ok(())
    }

    fn magnitude(&mut self, negative: bool, magnitude: u64) -> Result<(), Unsure> {
        self.check_depth()?;
        if magnitude > SAFE_INTEGER_MAX {
            return Err(Unsure);
        }
        if negative {
            self.out.push(b'-');
        }
        let mut digits = [0_u8; 20];
        let mut from = digits.len();
        let mut left = magnitude;
        loop {
            from -= 1;
            if let Some(slot) = digits.get_mut(from) {
                // One decimal digit always fits.
                *slot = b'0' + u8::try_from(left % 10).unwrap_or(0);
            }
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.out
            .extend_from_slice(digits.get(from..).unwrap_or_default());
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Unsure> {
        self.check_depth()?;
        self.watch.text(text);
        write_string(text, &mut self.out);
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), Unsure> {
        self.check_depth()?;
        self.out.push(bracket);
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.depth -= 1;
    }

    fn row<T: Serialize + ?Sized>(
        &mut self,
        first: bool,
        key: Cow<'static, str>,
        value: &T,
    ) -> Result<(), Unsure> {
        if !first {
            self.out.push(b',');
        }
        let from = self.out.len();
        match key {
            Cow::Borrowed(name) => self.watch.field(name),
            Cow::Owned(ref key) => self.watch.key(key),
        }
        write_string(&key, &mut self.out);
        self.out.push(b':');
        value.serialize(&mut *self)?;
        let at = from..self.out.len();
        self.rows.push(Row { key, at });
        Ok(())
    }

    /// Puts the rows of the innermost object in order; of two with one key the later one stays.
    fn sort_rows(&mut self, base: usize) {
        let rows = self.rows.get_mut(base..).unwrap_or_default();
        let pairs = rows.iter().zip(rows.iter().skip(1));
        let mut ordered = pairs.map(|(a, b)| key_order(&a.key, &b.key) == Ordering::Less);
        if ordered.all(|is| is) {
            self.rows.truncate(base);
            return;
        }
        let start = rows.first().map_or(self.out.len(), |row| row.at.start);
        rows.sort_by(|a, b| key_order(&a.key, &b.key));
        self.scratch.clear();
        for (at, row) in rows.iter().enumerate() {
            if rows.get(at + 1).is_some_and(|next| next.key == row.key) {
                continue;
            }
            if !self.scratch.is_empty() {
                self.scratch.push(b',');
            }
            self.scratch
                .extend_from_slice(self.out.get(row.at.clone()).unwrap_or_default());
        }
        self.out.truncate(start);
        self.out.extend_from_slice(&self.scratch);
        self.rows.truncate(base);
    }
}

/// An array that is being written; `variant` when it stands in an object of its own.
pub(super) struct Items<'a, 'w> {
    writer: &'a mut Writer<'w>,
    first: bool,
    variant: bool,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsure> {
        if !self.first {
            self.writer.out.push(b',');
        }
        self.first = false;
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.close(b']');
        if self.variant {
            self.writer.close(b'}');
        }
    }
}

/// An object that is being written.
pub(super) struct Rows<'a, 'w> {
    writer: &'a mut Writer<'w>,
    base: usize,
    key: Option<String>,
    variant: bool,
}

impl Rows<'_, '_> {
    fn field<T: Serialize + ?Sized>(
        &mut self,
        key: Cow<'static, str>,
        value: &T,
    ) -> Result<(), Unsure> {
        let first = self.writer.rows.len() == self.base;
        self.writer.row(first, key, value)
    }

    fn finish(self) {
        self.writer.sort_rows(self.base);
        self.writer.close(b'}');
        if self.variant {
            self.writer.close(b'}');
        }
    }
}

impl<'a, 'w> Writer<'w> {
    fn items(&'a mut self, variant: bool) -> Result<Items<'a, 'w>, Unsure> {
        self.open(b'[')?;
        Ok(Items {
            writer: self,
            first: true,
            variant,
        })
    }

    fn object(&'a mut self, variant: bool) -> Result<Rows<'a, 'w>, Unsure> {
        self.open(b'{')?;
        Ok(Rows {
            base: self.rows.len(),
            writer: self,
            key: None,
            variant,
        })
    }

    fn variant(&mut self, variant: &'static str) -> Result<(), Unsure> {
        self.open(b'{')?;
        self.watch.field(variant);
        write_string(variant, &mut self.out);
        self.out.push(b':');
        Ok(())
    }
}

macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {$(
        fn $name(self, value: $type) -> Result<(), Unsure> {
            let wide = i128::from(value);
            let magnitude = u64::try_from(wide.unsigned_abs()).map_err(|_| Unsure)?;
            self.magnitude(wide < 0, magnitude)
        }
    )*};
}

impl<'a, 'w> Serializer for &'a mut Writer<'w> {
    type Ok = ();
    type Error = Unsure;
    type SerializeSeq = Items<'a, 'w>;
    type SerializeTuple = Items<'a, 'w>;
    type SerializeTupleStruct = Items<'a, 'w>;
    type SerializeTupleVariant = Items<'a, 'w>;
    type SerializeMap = Rows<'a, 'w>;
    type SerializeStruct = Rows<'a, 'w>;
    type SerializeStructVariant = Rows<'a, 'w>;

    numbers!(
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    fn serialize_bool(self, value: bool) -> Result<(), Unsure> {
        self.leaf(if value { "true" } else { "false" })
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unsure> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unsure> {
        if !value.is_finite() {
            return Err(Unsure);
        }
        self.check_depth()?;
        // `1.0` is spelled `1`, which is read back as an integer.
        self.watch.respelled();
        write_float(value, &mut self.out);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Unsure> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unsure> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unsure> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unsure> {
        self.leaf("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unsure> {
        let from = self.out.len();
        value.serialize(&mut *self)?;
        // A value of null that is there is read back as none.
        if self.out.get(from..) == Some(b"null") {
            self.watch.respelled();
        }
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Unsure> {
        self.leaf("null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unsure> {
        self.leaf("null")
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Unsure> {
        self.check_depth()?;
        self.watch.word(variant);
        write_string(variant, &mut self.out);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unsure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unsure> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a, 'w>, Unsure> {
        self.items(false)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items<'a, 'w>, Unsure> {
        self.items(false)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Items<'a, 'w>, Unsure> {
        self.items(false)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a, 'w>, Unsure> {
        self.variant(variant)?;
        self.items(true)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Rows<'a, 'w>, Unsure> {
        self.object(false)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Rows<'a, 'w>, Unsure> {
        self.object(false)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Rows<'a, 'w>, Unsure> {
        self.variant(variant)?;
        self.object(true)
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident),*) => {$(
        impl $trait for Items<'_, '_> {
            type Ok = ();
            type Error = Unsure;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsure> {
                self.item(value)
            }

            fn end(self) -> Result<(), Unsure> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl $trait for Rows<'_, '_> {
            type Ok = ();
            type Error = Unsure;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Unsure> {
                self.field(Cow::Borrowed(key), value)
            }

            fn end(self) -> Result<(), Unsure> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Rows<'_, '_> {
    type Ok = ();
    type Error = Unsure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unsure> {
        self.key = Some(key.serialize(KeyText)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsure> {
        let key = self.key.take().ok_or(Unsure)?;
        self.field(Cow::Owned(key), value)
    }

    fn end(self) -> Result<(), Unsure> {
        self.finish();
        Ok(())
    }
}
