//! The straight ways against the slow ones: same bytes, same nouns, and never a yes where those say no.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Number};

use super::*;

/// Every shape that serde knows and our nouns use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shapes {
    zeta: Option<String>,
    alpha: Vec<Word>,
    #[serde(rename = "é")]
    wide: (i64, f64),
    map: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maybe: Option<u64>,
    unit: (),
    wrapped: Wrapped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Unit,
    New(u32),
    Pair(bool, char),
    Fields { z: u8, a: Wrapped },
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,8}",
        ".{0,6}",
        Just("\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}\"\\/".to_owned()),
        Just("\u{fb33}\u{1f600}é".to_owned()),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        (0_u64..1 << 53).prop_map(Number::from),
        (-(1_i64 << 53) + 1..0).prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", Number::from_f64),
        any::<i16>().prop_filter_map("finite", |n| Number::from_f64(f64::from(n) / 8.0)),
        any::<u64>().prop_map(Number::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::Number),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((text(), inner), 0..6)
                .prop_map(|rows| Value::Object(rows.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        Just(Word::Unit),
        any::<u32>().prop_map(Word::New),
        any::<(bool, char)>().prop_map(|(b, c)| Word::Pair(b, c)),
        (any::<u8>(), text()).prop_map(|(z, a)| Word::Fields { z, a: Wrapped(a) }),
    ]
}

fn shapes() -> impl Strategy<Value = Shapes> {
    (
        proptest::option::of(text()),
        proptest::collection::vec(word(), 0..4),
        any::<(i32, f32)>(),
        proptest::collection::btree_map(text(), value(), 0..4),
        proptest::option::of(0_u64..1 << 53),
        text(),
    )
        .prop_map(|(zeta, alpha, (int, float), map, maybe, wrapped)| Shapes {
            zeta,
            alpha,
            wide: (
                i64::from(int),
                if float.is_finite() { float.into() } else { 0.5 },
            ),
            map,
            maybe,
            unit: (),
            wrapped: Wrapped(wrapped),
        })
}

/// What the straight reader takes, the slow one takes as the same.
fn never_more<T: DeserializeOwned + PartialEq + fmt::Debug>(bytes: &[u8]) {
    if let Ok(noun) = decode::decode::<T>(bytes) {
        assert_eq!(
            decode_slowly::<T>(bytes),
            Ok(noun),
            "{}",
            bytes.escape_ascii()
        );
    }
}

proptest! {
    #[test]
    fn k1_values_are_written_alike_on_both_ways(value in value()) {
        let slow = value_to_bytes(&value);
        match encode::encode(&value, &mut Blind) {
            Ok(bytes) => prop_assert_eq!(Ok(CanonicalBytes(bytes)), slow),
            Err(_) => prop_assert!(slow.is_err(), "only what has no form is left to the slow way"),
        }
    }

    #[test]
    fn k1_nouns_are_written_and_read_alike_on_both_ways(shapes in shapes()) {
        let slow = encode_slowly(&shapes);
        prop_assert_eq!(encode(&shapes), slow.clone());
        if let Ok(bytes) = slow {
            let read = decode::decode::<Shapes>(bytes.as_bytes());
            prop_assert_eq!(read.ok(), decode_slowly(bytes.as_bytes()).ok());
        }
    }

    #[test]
    fn k3_changed_bytes_are_never_taken_where_the_slow_way_refuses(
        shapes in shapes(),
        at in any::<proptest::sample::Index>(),
        with in prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"\"\\{}[],:0123456789-+.eEu ntf".to_vec()),
        ],
        how in 0..3,
    ) {
        let Ok(bytes) = encode_slowly(&shapes) else { return Ok(()) };
        let mut bytes = bytes.into_vec();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = with,
            1 => bytes.insert(at, with),
            _ => { bytes.remove(at); }
        }
        never_more::<Shapes>(&bytes);
        never_more::<Value>(&bytes);
        if decode::is_canonical(&bytes) {
            prop_assert!(parse(&bytes).is_ok_and(|v| value_to_bytes(&v).unwrap().0 == bytes));
        }
    }
}

#[test]
fn k3_hand_made_spellings_are_never_taken_where_the_slow_way_refuses() {
    for text in [
        "1.0",
        "-0",
        "01",
        "-",
        "1e5",
        "1e21",
        "1e+21",
        "1E400",
        "0.1",
        "9007199254740992",
        "100000000000000000000",
        "\"\\u0041\"",
        "\"\\u001F\"",
        "\"\\u001f\"",
        "\"\\u0008\"",
        "\"\\/\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u007f\"",
        "\"a",
        "[1,]",
        "[,1]",
        "[1 ,2]",
        " 1",
        "1 ",
        "{\"a\":1,\"a\":2}",
        "{\"b\":1,\"a\":2}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "nul",
        "{\"\u{fb33}\":1,\"\u{1f600}\":2}",
        "{\"\u{1f600}\":2,\"\u{fb33}\":1}",
        "truefalse",
        "",
        "{\"fields\":[1,\"a\"]}",
        "{\"pair\":{\"0\":true}}",
        "{\"unit\":null}",
        "{\"new\":1,\"pair\":2}",
        "\"unit\"",
        "{\"new\":1}",
        "{\"pair\":[true,\"x\"]}",
        "{\"fields\":{\"a\":\"q\",\"z\":1}}",
    ] {
        never_more::<Value>(text.as_bytes());
        never_more::<Word>(text.as_bytes());
        never_more::<Option<Word>>(text.as_bytes());
        let canonical = value_bytes(text).is_some_and(|bytes| bytes == text.as_bytes());
        assert_eq!(decode::is_canonical(text.as_bytes()), canonical, "{text}");
    }
}

fn value_bytes(text: &str) -> Option<Vec<u8>> {
    let value = parse(text.as_bytes()).ok()?;
    Some(value_to_bytes(&value).ok()?.into_vec())
}

#[test]
fn k3_both_ways_stop_at_the_same_depth() {
    for depth in [DEPTH - 1, DEPTH, DEPTH + 1] {
        for inner in ["1", "null", "[]", "\"a\""] {
            let text = format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
            never_more::<Value>(text.as_bytes());
            let known = value_bytes(&text).is_some();
            assert_eq!(
                decode::is_canonical(text.as_bytes()),
                known,
                "{depth} {inner}"
            );
            let nested = (0..depth).fold(Value::Null, |v, _| Value::Array(vec![v]));
            assert_eq!(
                encode::encode(&nested, &mut Blind).is_ok(),
                value_to_bytes(&nested).is_ok()
            );
        }
    }
}

const DEPTH: usize = crate::limits::DEPTH_MAX;

/// Hears only whether something is respelled.
#[derive(Default)]
struct Respelled(bool);

impl Watch for Respelled {
    fn text(&mut self, _text: &str) {}

    fn key(&mut self, _key: &str) {}

    fn respelled(&mut self) {
        self.0 = true;
    }
}

proptest! {
    #[test]
    fn k1_what_is_not_respelled_is_read_back_as_it_was(mut shapes in shapes(), whole in any::<bool>()) {
        if whole {
            shapes.map.clear();
        }
        let mut watch = Respelled::default();
        if let Ok(bytes) = encode_watched(&shapes.map, &mut watch) && !watch.0 {
            prop_assert_eq!(decode::<BTreeMap<String, Value>>(bytes.as_bytes()), Ok(shapes.map.clone()));
        }
        let mut watch = Respelled::default();
        if let Ok(bytes) = encode_watched(&shapes, &mut watch) && !watch.0 {
            prop_assert_eq!(decode::<Shapes>(bytes.as_bytes()), Ok(shapes));
        }
    }
}

#[test]
fn k1_floats_and_nulls_that_are_there_are_respelled() {
    for (value, respelled) in [
        (serde_json::json!([1.0]), true),
        (serde_json::json!({"a": 0.5}), true),
        (serde_json::json!([1, -7, "1.0", null]), false),
    ] {
        let mut watch = Respelled::default();
        encode_watched(&value, &mut watch).unwrap();
        assert_eq!(watch.0, respelled, "{value}");
    }
    let mut watch = Respelled::default();
    encode_watched(&Some(Value::Null), &mut watch).unwrap();
    assert!(watch.0, "it is read back as none");
    let mut watch = Respelled::default();
    encode_watched(&None::<Value>, &mut watch).unwrap();
    assert!(!watch.0);
}

#[test]
fn k1_what_only_the_slow_way_can_write_is_written_and_shown() {
    #[derive(Default)]
    struct Seen(Vec<String>);
    impl Watch for Seen {
        fn text(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }

        fn key(&mut self, key: &str) {
            self.0.push(key.to_owned());
        }

        fn respelled(&mut self) {}
    }
    let mut seen = Seen::default();
    let map = BTreeMap::from([(7_u8, "seven")]);
    let bytes = encode_watched(&map, &mut seen).unwrap();
    assert_eq!(bytes.as_bytes(), b"{\"7\":\"seven\"}");
    assert!(seen.0.contains(&"7".to_owned()) && seen.0.contains(&"seven".to_owned()));
}

#[test]
fn k1_rfc8785_vectors_match_on_the_straight_way() {
    let Some(root) = tests::shared("jcs/testdata/output") else {
        return;
    };
    let mut seen = 0;
    for bytes in tests::files(&root) {
        let value = parse(&bytes).unwrap();
        assert_eq!(encode::encode(&value, &mut Blind).unwrap(), bytes);
        assert_eq!(decode::decode::<Value>(&bytes).unwrap(), value);
        seen += 1;
    }
    assert!(seen >= 6, "the vectors were really read");
}

proptest! {
    #[test]
    fn k1_what_needs_no_escape_is_measured_as_byte_by_byte(
        bytes in proptest::collection::vec(prop_oneof![
            6 => any::<u8>(),
            1 => Just(b'"'), 1 => Just(b'\\'), 1 => 0x1e_u8..0x22, 1 => 0x7e_u8..0x82,
        ], 0..40),
    ) {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        for from in 0..bytes.len() {
            let slowly = bytes[from..].iter().position(ends).unwrap_or(bytes.len() - from);
            prop_assert_eq!(write::plain_len(&bytes[from..]), slowly);
        }
    }
}

#[test]
fn k1_every_byte_in_every_place_of_eight_is_measured() {
    for byte in 0..=u8::MAX {
        for (at, len) in (0..24).flat_map(|len| (0..len).map(move |at| (at, len))) {
            let mut bytes = vec![b'a'; len];
            bytes[at] = byte;
            let ends = matches!(byte, b'"' | b'\\' | 0..0x20);
            assert_eq!(write::plain_len(&bytes), if ends { at } else { len });
        }
    }
}
