//! ed25519 against public vectors; our verification must be the strict one.
#![expect(
    clippy::disallowed_methods,
    reason = "public vectors stand in files; the crate itself reads none"
)]

use std::fs;

use serde_json::Value;

use super::*;

fn vectors(path: &str) -> Option<Value> {
    let full = format!("{}/../../../shared/data/{path}", env!("CARGO_MANIFEST_DIR"));
    let Ok(bytes) = fs::read(&full) else {
        eprintln!("skipped: no shared test data at {full}");
        return None;
    };
    Some(serde_json::from_slice(&bytes).unwrap())
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

#[test]
fn w1_wycheproof_verdicts_match() {
    let Some(suite) = vectors("ed25519/wycheproof/testvectors_v1/ed25519_test.json") else {
        return;
    };
    let mut seen = 0;
    for group in suite["testGroups"].as_array().unwrap() {
        let key = PublicKey(unhex(group["publicKey"]["pk"].as_str().unwrap()).unwrap());
        for test in group["tests"].as_array().unwrap() {
            let want = test["result"] == "valid";
            let message = bytes(test["msg"].as_str().unwrap());
            let got = <[u8; 64]>::try_from(bytes(test["sig"].as_str().unwrap()))
                .is_ok_and(|sig| key.verifies_raw(&message, &Signature(sig)));
            assert_eq!(got, want, "{test}");
            seen += 1;
        }
    }
    assert!(seen >= 150);
}

#[test]
fn w1_signatures_of_one_domain_are_none_of_another() {
    let key = SigningKey::from_seed(&[7; 32]);
    let signature = key.sign(Domain::Writ, b"x");
    assert!(key.public().verifies(Domain::Writ, b"x", &signature));
    assert!(!key.public().verifies(Domain::Answer, b"x", &signature));
    assert!(!key.public().verifies(Domain::Writ, b"y", &signature));
}

#[test]
fn a_private_key_never_prints_its_seed() {
    let key = SigningKey::from_seed(&[0xAB; 32]);
    assert!(!format!("{key:?}").contains(&hex(&[0xAB; 8])));
}
