//! Keys of maps as text. Numbers and whatever else may stand as a key are left to the slow way.

use serde::Serialize;
use serde::ser::{Impossible, Serializer};

use super::encode::Unsure;

/// Takes a string, a word of an enum, or a wrapper around either.
pub(super) struct KeyText;

macro_rules! unsure {
    ($($name:ident($($type:ty),*);)*) => {$(
        fn $name(self $(, _: $type)*) -> Result<String, Unsure> {
            Err(Unsure)
        }
    )*};
}

macro_rules! no_compound {
    ($($name:ident($($type:ty),*) -> $out:ident;)*) => {$(
        fn $name(self $(, _: $type)*) -> Result<Self::$out, Unsure> {
            Err(Unsure)
        }
    )*};
}

impl Serializer for KeyText {
    type Ok = String;
    type Error = Unsure;
    type SerializeSeq = Impossible<String, Unsure>;
    type SerializeTuple = Impossible<String, Unsure>;
    type SerializeTupleStruct = Impossible<String, Unsure>;
    type SerializeTupleVariant = Impossible<String, Unsure>;
    type SerializeMap = Impossible<String, Unsure>;
    type SerializeStruct = Impossible<String, Unsure>;
    type SerializeStructVariant = Impossible<String, Unsure>;

    unsure! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
    }

    no_compound! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }

    fn serialize_str(self, value: &str) -> Result<String, Unsure> {
        Ok(value.to_owned())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<String, Unsure> {
        Ok(variant.to_owned())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<String, Unsure> {
        Err(Unsure)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<String, Unsure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<String, Unsure> {
        Err(Unsure)
    }
}
