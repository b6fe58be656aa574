//! Policy bundles in the record: the set that they form `[P3]`, who signed them and whether they were
//! ever trusted to `[V4]`.

use thymos_core::body::{Body, PolicyLoaded};
use thymos_core::key::{Domain, SigningKey};
use thymos_core::writ::TrustRoots;

use super::*;

/// Where the log loads its bundle.
const AT: usize = 3;

/// The log with its bundle signed by `key`, over these bytes or over its own.
fn signed(key: &SigningKey, over: Option<&[u8]>) -> Log {
    rewrite(&log(), AT, |body| {
        let Body::PolicyLoaded(PolicyLoaded {
            bundle,
            signed_by,
            signature,
            ..
        }) = body
        else {
            panic!("another entry loads the bundle");
        };
        let bytes = thymos_core::canonical::value_to_bytes(bundle).unwrap();
        *signed_by = Some(key.public());
        *signature = Some(key.sign(Domain::Policy, over.unwrap_or(bytes.as_bytes())));
    })
}

fn found(log: &Log, roots: TrustRoots) -> Vec<&'static str> {
    let mut verifier = Verifier::new(Level::V4, roots);
    for row in &log.rows {
        verifier.push(row);
    }
    let report = verifier.finish(None);
    let identity = report.findings.iter().filter(|one| one.level == Level::V4);
    identity.map(|one| one.what.check).collect()
}

#[test]
fn v4_a_bundle_counts_as_signed_by_keys_that_were_ever_trusted_for_policy() {
    let key = SigningKey::from_seed(&[8; 32]);
    let mut trusting = roots();
    trusting.policy = vec![party("pol", &key)];
    let mut since_retired = roots();
    since_retired.retired = vec![party("pol", &key)];
    assert!(found(&signed(&key, None), trusting.clone()).is_empty());
    assert!(found(&signed(&key, None), since_retired).is_empty());
    assert_eq!(found(&signed(&key, None), roots()), ["policy signer"]);
    assert_eq!(
        found(&signed(&key, Some(b"other")), trusting),
        ["policy signer"]
    );
}

#[test]
fn v4_a_bundle_that_nobody_signed_must_be_the_programs_own() {
    let renamed = rewrite(&log(), AT, |body| {
        if let Body::PolicyLoaded(loaded) = body {
            loaded.name = "house".into();
            loaded.bundle["name"] = "house".into();
        }
    });
    assert_eq!(found(&renamed, roots()), ["policy signer"]);
    assert!(found(&log(), roots()).is_empty());
}

/// The log with the set that its bundle is said to form under other switches.
fn named(set: thymos_core::id::PolicySetId) -> Log {
    rewrite(&log(), AT, |body| {
        if let Body::PolicyLoaded(loaded) = body {
            loaded.policy_set = set;
        }
    })
}

#[test]
fn p3_a_set_that_the_loaded_bundles_do_not_form_is_found() {
    let report = named(thymos_core::id::PolicySetId::of(b"other")).verify(Level::V3);
    assert_eq!(first(&report), (Level::V3, AT as u64, "policy set"));
}

#[test]
fn p3_a_verdict_under_a_set_that_was_not_in_force_is_found() {
    let mut switches = thymos_policy::Switches::standard();
    switches.compensation_gate = false;
    let bundles = PolicySet::builtin().bundles().to_vec();
    // It can be formed, and it is not the one that the verdicts name.
    let report = named(PolicySet::new(bundles, switches).id()).verify(Level::V3);
    let (level, index, check) = first(&report);
    assert_eq!((level, check), (Level::V3, "policy set in force"));
    assert!(index > AT as u64);
}
