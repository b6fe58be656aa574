//! Canonical form against RFC 8785 vectors and the public JSON parser suite.
#![expect(
    clippy::disallowed_methods,
    reason = "public vectors stand in files; the crate itself reads none"
)]

use std::fs;
use std::path::PathBuf;

use super::*;

pub(super) fn shared(folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let path = root.join(folder);
    if !path.exists() {
        eprintln!("skipped: no shared test data at {}", path.display());
        return None;
    }
    Some(path)
}

pub(super) fn files(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let rows = fs::read_dir(folder).unwrap();
    rows.map(|row| fs::read(row.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn k4_a_character_has_the_bytes_that_it_is_written_with() {
    for character in ('\0'..='\u{ff}').chain(['\u{20ac}', '\u{1f600}', '\u{2028}']) {
        let written = encode(&character.to_string()).unwrap();
        let bytes = written.as_bytes().len() - 2;
        assert_eq!(written_bytes(character), bytes, "{character:?}");
    }
}

fn refusal(text: &str) -> Fault {
    parse(text.as_bytes()).expect_err("must be refused").fault
}

#[test]
fn k1_rfc8785_vectors_match() {
    let Some(root) = shared("jcs/testdata") else {
        return;
    };
    let mut seen = 0;
    for file in fs::read_dir(root.join("input")).unwrap() {
        let file = file.unwrap();
        let want = fs::read(root.join("output").join(file.file_name())).unwrap();
        let got = canonicalize(&fs::read(file.path()).unwrap()).unwrap();
        assert_eq!(got, want, "{}", file.path().display());
        seen += 1;
    }
    assert!(seen >= 6, "the vectors were really read");
}

#[test]
fn k3_json_suite_is_one_form_or_a_refusal() {
    let Some(root) = shared("json/test_parsing") else {
        return;
    };
    for file in fs::read_dir(root).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        let bytes = fs::read(file.path()).unwrap();
        let result = canonicalize(&bytes);
        if name.starts_with("n_") {
            assert!(result.is_err(), "{name} must be refused");
        }
        // The suite's y_ files include duplicate keys, which K3 refuses on purpose.
        if name.starts_with("y_") && !name.contains("duplicated_key") {
            assert!(result.is_ok(), "{name}: {result:?}");
        }
        if let Ok(once) = result {
            assert_eq!(
                canonicalize(&once).unwrap(),
                once,
                "{name}: canonical form is a fixpoint"
            );
        }
    }
}

#[test]
fn k3_duplicate_keys_are_refused() {
    assert_eq!(refusal(r#"{"a":1,"a":2}"#), Fault::DuplicateKey("a".into()));
    assert_eq!(
        refusal(r#"{"a":1,"\u0061":2}"#),
        Fault::DuplicateKey("a".into())
    );
}

#[test]
fn k3_lone_surrogates_are_refused() {
    assert_eq!(refusal(r#""\ud800""#), Fault::LoneSurrogate);
    assert_eq!(refusal(r#""\udc00\ud800""#), Fault::LoneSurrogate);
}

#[test]
fn k3_integers_that_a_double_cannot_hold_are_refused() {
    assert!(parse(b"9007199254740991").is_ok());
    assert_eq!(
        refusal("9007199254740992"),
        Fault::Number("9007199254740992".into())
    );
    assert_eq!(
        refusal("-9007199254740993"),
        Fault::Number("-9007199254740993".into())
    );
    assert_eq!(refusal("1e400"), Fault::Number("1e400".into()));
    assert!(encode(&u64::MAX).is_err());
}

#[test]
fn k3_nesting_over_the_limit_is_refused() {
    let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(nested(crate::limits::DEPTH_MAX).as_bytes()).is_ok());
    assert_eq!(
        refusal(&nested(crate::limits::DEPTH_MAX + 1)),
        Fault::TooDeep
    );
}

#[test]
fn k3_other_spellings_of_our_nouns_are_refused() {
    assert!(decode::<Vec<u8>>(b"[1,2]").is_ok());
    assert_eq!(
        decode::<Vec<u8>>(b"[1, 2]").unwrap_err().fault,
        Fault::NotCanonical
    );
    assert!(CanonicalBytes::from_stored(b"{\"b\":1,\"a\":2}".to_vec()).is_err());
}
