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

#[test]
fn c7_the_place_and_the_fault_are_told_and_never_the_value() {
    let table = [
        (json!({"type": "string"}), json!(7), "is not of type string"),
        (
            json!({"type": ["string", "null"]}),
            json!(7),
            "is not of type null or string",
        ),
        (
            json!({"enum": ["x", 1]}),
            json!("hush"),
            "is none of \"x\", 1",
        ),
        (json!({"const": "x"}), json!("hush"), "is not \"x\""),
        (
            json!({"pattern": "^a+$"}),
            json!("hush"),
            "does not match `^a+$`",
        ),
        (
            json!({"minLength": 5}),
            json!("hush"),
            "is shorter than 5 characters",
        ),
        (
            json!({"maxLength": 3}),
            json!("hush"),
            "is longer than 3 characters",
        ),
        (json!({"minimum": 5}), json!(4), "is less than 5"),
        (json!({"maximum": 5}), json!(6), "is more than 5"),
        (
            json!({"exclusiveMinimum": 5}),
            json!(5),
            "is not more than 5",
        ),
        (
            json!({"exclusiveMaximum": 5}),
            json!(5),
            "is not less than 5",
        ),
        (json!({"multipleOf": 5}), json!(6), "is no multiple of 5"),
        (json!({"minItems": 1}), json!([]), "has fewer than 1 items"),
        (
            json!({"maxItems": 0}),
            json!(["hush"]),
            "has more than 0 items",
        ),
        (
            json!({"uniqueItems": true}),
            json!([1, 1]),
            "holds an item twice",
        ),
        (
            json!({"contains": {"const": 1}}),
            json!([2]),
            "holds no item of the kind that it must hold",
        ),
        (
            json!({"minProperties": 1}),
            json!({}),
            "has fewer than 1 properties",
        ),
        (
            json!({"maxProperties": 0}),
            json!({"b": 1}),
            "has more than 0 properties",
        ),
        (json!({"required": ["b", "c"]}), json!({}), "lacks `b`, `c`"),
        (
            json!({"dependentRequired": {"b": ["c"]}}),
            json!({"b": 1}),
            "has `b` and lacks `c`",
        ),
        (
            json!({"additionalProperties": false}),
            json!({"y": 1, "x": 1}),
            "has no property `x`, `y`",
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!(7),
            "fits none of the alternatives",
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"minimum": 9}]}),
            json!(7),
            "fits none of the alternatives",
        ),
        (
            json!({"oneOf": [{"type": "number"}, {"minimum": 1}]}),
            json!(7),
            "fits more than one of the alternatives",
        ),
        (
            json!({"not": {"type": "string"}}),
            json!("hush"),
            "is what it must not be",
        ),
        (json!(false), json!("hush"), "may not be there"),
    ];
    for (schema, value, told) in table {
        check(
            property(schema),
            json!({"a": value}),
            &format!("argument `/a`: {told}"),
        );
    }
    check(
        property(json!({"type": "string"})),
        json!([]),
        "argument `/`: is not of type object",
    );
    check(property(json!({"type": "string"})), json!({"a": "x"}), "");
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
