//! What is told of arguments, and schemas that reach for more than themselves.

use serde_json::{Value, json};

use super::Schema;

#[track_caller]
fn check(schema: Value, args: Value, told: &str) {
    let schema = Schema::compile(schema).unwrap();
    let said = schema.check(&args).err().unwrap_or_default();
    assert_eq!(said, told, "{args}");
    // Whatever is said, it is said again: a trace is derived again from it.
    assert_eq!(schema.check(&args).err().unwrap_or_default(), told);
}

fn property(schema: Value) -> Value {
    json!({"type": "object", "properties": {"a": schema}})
}

/// The schema of `a`, a value that does not fit it, and what is told.
const FAULTS: &[[&str; 3]] = &[
    [r#"{"type": "string"}"#, "7", "is not of type string"],
    [
        r#"{"type": ["string", "null"]}"#,
        "7",
        "is not of type null or string",
    ],
    [r#"{"enum": ["x", 1]}"#, r#""hush""#, r#"is none of "x", 1"#],
    [r#"{"const": "x"}"#, r#""hush""#, r#"is not "x""#],
    [
        r#"{"pattern": "^a+$"}"#,
        r#""hush""#,
        "does not match `^a+$`",
    ],
    [
        r#"{"minLength": 5}"#,
        r#""hush""#,
        "is shorter than 5 characters",
    ],
    [
        r#"{"maxLength": 3}"#,
        r#""hush""#,
        "is longer than 3 characters",
    ],
    [r#"{"minimum": 5}"#, "4", "is less than 5"],
    [r#"{"maximum": 5}"#, "6", "is more than 5"],
    [r#"{"exclusiveMinimum": 5}"#, "5", "is not more than 5"],
    [r#"{"exclusiveMaximum": 5}"#, "5", "is not less than 5"],
    [r#"{"multipleOf": 5}"#, "6", "is no multiple of 5"],
    [r#"{"minItems": 1}"#, "[]", "has fewer than 1 items"],
    [r#"{"maxItems": 0}"#, r#"["hush"]"#, "has more than 0 items"],
    [r#"{"uniqueItems": true}"#, "[1, 1]", "holds an item twice"],
    [
        r#"{"contains": {"const": 1}}"#,
        "[2]",
        "holds no item of the kind that it must hold",
    ],
    [
        r#"{"minProperties": 1}"#,
        "{}",
        "has fewer than 1 properties",
    ],
    [
        r#"{"maxProperties": 0}"#,
        r#"{"b": 1}"#,
        "has more than 0 properties",
    ],
    [r#"{"required": ["b", "c"]}"#, "{}", "lacks `b`, `c`"],
    [
        r#"{"dependentRequired": {"b": ["c"]}}"#,
        r#"{"b": 1}"#,
        "has `b` and lacks `c`",
    ],
    [
        r#"{"additionalProperties": false}"#,
        r#"{"y": 1, "x": 1}"#,
        "has no property `x`, `y`",
    ],
    [
        r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#,
        "7",
        "fits none of the alternatives",
    ],
    [
        r#"{"oneOf": [{"type": "string"}, {"minimum": 9}]}"#,
        "7",
        "fits none of the alternatives",
    ],
    [
        r#"{"oneOf": [{"type": "number"}, {"minimum": 1}]}"#,
        "7",
        "fits more than one of the alternatives",
    ],
    [
        r#"{"not": {"type": "string"}}"#,
        r#""hush""#,
        "is what it must not be",
    ],
    ["false", r#""hush""#, "may not be there"],
];

#[test]
fn c7_the_place_and_the_fault_are_told_and_never_the_value() {
    let read = |text| serde_json::from_str::<Value>(text).unwrap();
    for [schema, value, told] in FAULTS {
        let told = format!("argument `/a`: {told}");
        check(property(read(schema)), json!({"a": read(value)}), &told);
    }
    let text = property(json!({"type": "string"}));
    check(
        text.clone(),
        json!([]),
        "argument `/`: is not of type object",
    );
    check(text, json!({"a": "x"}), "");
}

#[test]
fn c7_of_many_faults_the_first_by_place_is_told() {
    let names = ["h", "c", "a", "g", "b", "e", "d", "f"];
    let properties: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"type": "string"})))
        .collect();
    let args: serde_json::Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!(1)))
        .collect();
    let schema = json!({"type": "object", "properties": properties});
    for _ in 0..20 {
        let told = "argument `/a`: is not of type string";
        check(schema.clone(), Value::Object(args.clone()), told);
    }
}

#[test]
fn c7_a_reference_inside_the_schema_is_followed_and_one_outside_is_refused() {
    let inside = json!({"type": "object", "$defs": {"n": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/$defs/n"}}});
    check(
        inside,
        json!({"a": "x"}),
        "argument `/a`: is not of type integer",
    );

    let file = std::env::temp_dir().join("thymos-no-schema.json");
    let outside = [
        format!("file://{}", file.display()),
        "https://example.com/schema.json".to_owned(),
        "other.json".to_owned(),
        "#/$defs/missing".to_owned(),
    ];
    for place in outside {
        let schema = property(json!({"$ref": place}));
        assert!(Schema::compile(schema).is_err(), "{place}");
    }
    // Nor is what calls itself something else read from there.
    let named = json!({"$id": "file:///etc/", "properties": {"a": {"$ref": "hostname"}}});
    assert!(Schema::compile(named).is_err());
}

#[test]
fn c7_a_schema_that_is_none_is_refused_in_one_sentence() {
    let table = [
        json!({"type": "text"}),
        json!({"type": "object", "properties": []}),
        json!({"pattern": "("}),
        json!({"minLength": -1}),
        json!({"$schema": "https://example.com/unknown"}),
        json!([]),
        json!(7),
    ];
    for schema in table {
        let told = Schema::compile(schema.clone()).unwrap_err();
        assert!(!told.is_empty() && !told.contains('\n'), "{schema}: {told}");
    }
}

#[test]
fn c7_a_schema_that_goes_round_in_circles_ends() {
    let list = json!({"$defs": {"l": {"type": "object", "properties": {"next": {"$ref": "#/$defs/l"}}}},
        "$ref": "#/$defs/l"});
    let mut args = json!({});
    for _ in 0..60 {
        args = json!({"next": args});
    }
    check(list.clone(), args.clone(), "");
    let told = Schema::compile(list)
        .unwrap()
        .check(&json!({"next": {"next": 1}}));
    assert_eq!(
        told.unwrap_err(),
        "argument `/next/next`: is not of type object"
    );

    let itself = json!({"$defs": {"l": {"$ref": "#/$defs/l"}}, "$ref": "#/$defs/l"});
    let endless = Schema::compile(itself).map(|schema| schema.check(&json!({})));
    assert!(matches!(endless, Err(_) | Ok(Err(_))), "{endless:?}");
}

/// A pattern of a stranger's schema takes linear time, whatever it is (no backtracking).
#[test]
fn c7_a_pattern_that_would_backtrack_is_answered() {
    let text = format!("{}!", "a".repeat(50_000));
    check(
        property(json!({"pattern": "^(a+)+$"})),
        json!({"a": text}),
        "argument `/a`: does not match `^(a+)+$`",
    );
}
