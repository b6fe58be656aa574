//! Nouns are objects and never lists `[K3]`: serde reads a list as well wherever a struct is wanted, by the
//! order of its fields, and so gives one meaning two spellings. Decides nothing else about what is read.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

/// Reads a noun from any format, with objects wherever fields have names.
pub(super) fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    format: D,
) -> Result<T, D::Error> {
    T::deserialize(Shaped(format))
}

/// A format, or a part of one, that is read through here.
struct Shaped<T>(T);

/// A visitor, and whether what it visits has named fields.
struct Seen<V> {
    visitor: V,
    named: bool,
}

impl<V> Seen<V> {
    const fn any(visitor: V) -> Self {
        let named = false;
        Self { visitor, named }
    }

    const fn named(visitor: V) -> Self {
        let named = true;
        Self { visitor, named }
    }
}

/// Each method of a format, asked for on behalf of a visitor that looks on.
macro_rules! looked_on {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(Seen::any(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Shaped<D> {
    type Error = D::Error;

    looked_on! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq
        deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, Seen::any(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_newtype_struct(name, Seen::any(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, Seen::any(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_tuple_struct(name, len, Seen::any(visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Seen::named(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_struct(name, fields, Seen::named(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, Seen::any(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// Each value without parts, handed on as it is.
macro_rules! handed_on {
    ($($method:ident: $value:ty),* $(,)?) => {$(
        fn $method<E: Error>(self, value: $value) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Seen<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    handed_on! {
        visit_bool: bool, visit_i8: i8, visit_i16: i16, visit_i32: i32, visit_i64: i64, visit_i128: i128,
        visit_u8: u8, visit_u16: u16, visit_u32: u32, visit_u64: u64, visit_u128: u128, visit_f32: f32,
        visit_f64: f64, visit_char: char, visit_str: &str, visit_borrowed_str: &'de str,
        visit_string: String, visit_bytes: &[u8], visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Shaped(inside))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inside: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Shaped(inside))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if self.named {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self.visitor));
        }
        self.visitor.visit_seq(Shaped(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, rows: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Shaped(rows))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variants: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Shaped(variants))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Shaped<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, inside: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Shaped(inside))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Shaped<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Shaped(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Shaped<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(Shaped(seed))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(Shaped(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Shaped<A> {
    type Error = A::Error;
    type Variant = Shaped<A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let (name, inside) = self.0.variant_seed(Shaped(seed))?;
        Ok((name, Shaped(inside)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Shaped<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.0.newtype_variant_seed(Shaped(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(len, Seen::any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Seen::named(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::super::{decode, decode_lenient, from_text};
    use crate::misfit;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: u8,
        y: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    enum Mark {
        None,
        At(Point),
        Between { from: Point, to: Point },
        Pair(u8, u8),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Noun {
        list: Vec<Point>,
        #[serde(default)]
        maybe: Option<Point>,
        map: BTreeMap<String, Point>,
        mark: Mark,
        pair: (u8, u8),
    }

    const GOOD: &str = r#"{"list":[{"x":1,"y":2}],"map":{"a":{"x":1,"y":2}},"mark":{"Between":{"from":{"x":1,"y":2},"to":{"x":3,"y":4}}},"maybe":{"x":5,"y":6},"pair":[1,2]}"#;

    fn each(text: &str) -> [bool; 3] {
        [
            decode::<Noun>(text.as_bytes()).is_ok(),
            decode_lenient::<Noun>(text.as_bytes()).is_ok(),
            from_text::<Noun>(text.as_bytes()).is_ok(),
        ]
    }

    #[test]
    fn k3_a_noun_is_no_list() {
        assert_eq!(each(GOOD), [true; 3]);
        for (object, list) in [
            (r#"[{"x":1,"y":2}]"#, r"[[1,2]]"),
            (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":[1,2]}"#),
            (r#"{"a":{"x":1,"y":2}}"#, r#"[["a",{"x":1,"y":2}]]"#),
            (
                r#"{"Between":{"from":{"x":1,"y":2},"to":{"x":3,"y":4}}}"#,
                r#"{"Between":[{"x":1,"y":2},{"x":3,"y":4}]}"#,
            ),
            (
                r#"{"Between":{"from":{"x":1,"y":2},"to":{"x":3,"y":4}}}"#,
                r#"{"At":[1,2]}"#,
            ),
            (r#"{"x":5,"y":6}"#, "[5,6]"),
        ] {
            let spelled = GOOD.replacen(object, list, 1);
            assert_ne!(spelled, GOOD);
            assert_eq!(each(&spelled), [false; 3], "{spelled}");
        }
    }

    #[test]
    fn k3_lists_stay_lists() {
        let mark = r#"{"Between":{"from":{"x":1,"y":2},"to":{"x":3,"y":4}}}"#;
        for other in [r#""None""#, r#"{"Pair":[1,2]}"#, r#"{"At":{"x":1,"y":2}}"#] {
            assert_eq!(each(&GOOD.replacen(mark, other, 1)), [true; 3], "{other}");
        }
    }

    #[test]
    fn k3_a_list_in_the_place_of_a_noun_is_told_with_its_place() {
        let error = from_text::<Noun>(b"{\n  \"list\": [[1, 2]]\n}").unwrap_err();
        assert_eq!((error.line(), error.column()), (2, 12));
        assert_eq!(
            misfit::words(&error),
            "an object is wanted here, not a list"
        );
    }
}
