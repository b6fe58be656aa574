//! What is wrong with JSON that has not the shape of what it should be, in words for whoever wrote it: the
//! library says it in names of types. Decides nothing about what is accepted.

/// The fault without its place, which whoever tells it says in their own way.
#[must_use]
pub fn words(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    plain(said.strip_suffix(&place).unwrap_or(&said))
}

fn plain(said: &str) -> String {
    let misfit = ["invalid type: ", "invalid value: "]
        .into_iter()
        .find_map(|kind| said.strip_prefix(kind)?.rsplit_once(", expected "));
    if let Some((found, wanted)) = misfit {
        return format!("{} is wanted here, not {}", noun(wanted), value(found));
    }
    if let Some((found, wanted)) = said
        .strip_prefix("invalid length ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!("{} is wanted here, not {found} of them", noun(wanted));
    }
    let named = |kind: &str| said.strip_prefix(kind)?.split('`').next();
    if let Some(name) = named("missing field `") {
        return format!("`{name}` is missing");
    }
    if let Some(name) = named("unknown field `") {
        return format!("unknown field `{name}`");
    }
    if let Some(name) = named("unknown variant `") {
        return format!("unknown name `{name}`");
    }
    // Whoever reads a file has parsed it before: it is JSON, and of a kind that is none of the names.
    if said == "expected value" {
        return "a name, or an object with one, is wanted here".to_owned();
    }
    if said.starts_with("data did not match any variant") {
        return "this is nothing that may stand here".to_owned();
    }
    said.to_owned()
}

/// What should stand there.
fn noun(wanted: &str) -> String {
    let whole = |least: i128, most: i128| format!("a whole number from {least} to {most}");
    match wanted {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" => "a whole number from 0 on".to_owned(),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a string" | "a borrowed string" => "text".to_owned(),
        "string or map" => "text or an object".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" | "map" => "an object".to_owned(),
        "unit" => "`null`".to_owned(),
        _ if wanted.starts_with("struct ") => "an object".to_owned(),
        _ if wanted.starts_with("enum ") || wanted == "variant identifier" => "a name".to_owned(),
        _ => match wanted
            .split_once(" of length ")
            .or(wanted.split_once(" of size "))
        {
            Some((_, length)) => format!("a list of {length}"),
            None => wanted.to_owned(),
        },
    }
}

/// What stands there.
fn value(found: &str) -> String {
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" => "`null`".to_owned(),
        _ => match found.split_once(' ') {
            Some(("string", text)) => format!("the text {text}"),
            Some(("integer", number)) => number.to_owned(),
            Some(("boolean", either)) => either.to_owned(),
            _ => found
                .strip_prefix("floating point ")
                .unwrap_or(found)
                .to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::words;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only their shapes matter here")]
    struct Noun {
        small: u8,
        #[serde(default)]
        large: Option<u64>,
        #[serde(default)]
        signed: i64,
        #[serde(default)]
        told: String,
        #[serde(default)]
        yes: bool,
        #[serde(default)]
        list: Vec<u32>,
        #[serde(default)]
        pair: Option<(u8, u8)>,
        #[serde(default)]
        map: BTreeMap<String, u8>,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        either: Option<Either>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape matters here")]
    struct Inner {
        at: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its shape matters here")]
    enum Either {
        Plain,
        With(u8),
    }

    #[test]
    fn k3_what_does_not_fit_is_told_without_a_name_of_a_type() {
        for (text, told) in [
            (
                r#"{"small": "x"}"#,
                r#"a whole number from 0 to 255 is wanted here, not the text "x""#,
            ),
            (
                r#"{"small": 300}"#,
                "a whole number from 0 to 255 is wanted here, not `300`",
            ),
            (
                r#"{"small": -1}"#,
                "a whole number from 0 to 255 is wanted here, not `-1`",
            ),
            (
                r#"{"small": 1.5}"#,
                "a whole number from 0 to 255 is wanted here, not `1.5`",
            ),
            (
                r#"{"small": null}"#,
                "a whole number from 0 to 255 is wanted here, not `null`",
            ),
            (
                r#"{"small": 1, "large": []}"#,
                "a whole number from 0 on is wanted here, not a list",
            ),
            (
                r#"{"small": 1, "signed": true}"#,
                "a whole number is wanted here, not `true`",
            ),
            (r#"{"small": 1, "told": 7}"#, "text is wanted here, not `7`"),
            (
                r#"{"small": 1, "yes": "no"}"#,
                r#"`true` or `false` is wanted here, not the text "no""#,
            ),
            (
                r#"{"small": 1, "list": {}}"#,
                "a list is wanted here, not an object",
            ),
            (
                r#"{"small": 1, "pair": [1]}"#,
                "a list of 2 is wanted here, not 1 of them",
            ),
            (
                r#"{"small": 1, "map": 5}"#,
                "an object is wanted here, not `5`",
            ),
            (
                r#"{"small": 1, "inner": 5}"#,
                "an object is wanted here, not `5`",
            ),
            (r#"{"small": 1, "inner": {}}"#, "`at` is missing"),
            (r#"{"smal": 1}"#, "unknown field `smal`"),
            (r#"{"small": 1, "either": "plan"}"#, "unknown name `plan`"),
            (
                r#"{"small": 1, "either": [1]}"#,
                "a name, or an object with one, is wanted here",
            ),
            ("{}", "`small` is missing"),
            (
                r#"{"small": ", expected u8"}"#,
                r#"a whole number from 0 to 255 is wanted here, not the text ", expected u8""#,
            ),
        ] {
            let error = serde_json::from_str::<Noun>(text).unwrap_err();
            assert_eq!(words(&error), told, "{text}");
        }
    }
}
