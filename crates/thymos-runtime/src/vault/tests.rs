//! What is sealed, that it opens again, and for whom.

use thymos_testkit::MemoryStore;
use thymos_testkit::fixtures::operator_key;

use super::*;

const OWN: &str = "swordfish-42";

fn vault_of(store: &MemoryStore, key: &SigningKey) -> Vault {
    let redactor = Redactor::new(vec![Secret::new(OWN.to_owned())], [7; 32]);
    Vault::new(Arc::new(store.clone()), Arc::new(redactor), key)
}

fn sealed(store: &MemoryStore, digest: &Digest) -> bool {
    store.blob(digest).unwrap().is_none()
}

#[test]
fn r1_a_blob_with_a_secret_is_sealed_and_opens_for_the_operator() {
    let store = MemoryStore::new();
    let vault = vault_of(&store, &operator_key());
    let token = ["ghp", "_", &"a1B2c3".repeat(6)].concat();
    let spread: Vec<u8> = token.bytes().flat_map(|b| [b, 0]).collect();
    let in_binary = [b"\x00\xff\xfe".as_slice(), token.as_bytes(), b"\xc3\x28"].concat();
    for bytes in [
        format!("key={OWN}").into_bytes(),
        token.clone().into_bytes(),
        spread,
        in_binary,
        br#"{"a": [{"password": "plain words"}]}"#.to_vec(),
    ] {
        let digest = vault.keep(&bytes).unwrap();
        assert_eq!(digest, Digest::of(&bytes));
        assert!(
            sealed(&store, &digest),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        let envelope = store.sealed_blob(&digest).unwrap().unwrap();
        assert!(
            !envelope
                .windows(8)
                .any(|w| bytes.windows(8).any(|v| v == w))
        );
        assert_eq!(vault.read(&digest).unwrap(), Some(bytes.clone()));
        assert_eq!(vault.keep(&bytes).unwrap(), digest, "twice is once");
    }
}

#[test]
fn r1_a_blob_without_a_secret_stays_in_plain() {
    let store = MemoryStore::new();
    let vault = vault_of(&store, &operator_key());
    for bytes in [
        &b""[..],
        b"fn main() {}\n",
        &[0, 159, 146, 150],
        b"{\"a\": 1}",
    ] {
        let digest = vault.keep(bytes).unwrap();
        assert_eq!(store.blob(&digest).unwrap().as_deref(), Some(bytes));
        assert_eq!(vault.read(&digest).unwrap().as_deref(), Some(bytes));
    }
    assert_eq!(vault.read(&Digest::of(b"never kept")).unwrap(), None);
}

#[test]
fn r1_a_sealed_blob_opens_for_no_other_key_and_not_once_it_was_changed() {
    let store = MemoryStore::new();
    let digest = vault_of(&store, &operator_key())
        .keep(OWN.as_bytes())
        .unwrap();
    let stranger = SigningKey::from_seed(&[9; 32]);
    let read = vault_of(&store, &stranger).read(&digest);
    assert!(matches!(read, Err(VaultError::Unreadable(d)) if d == digest));

    let forged = MemoryStore::new();
    let mut envelope = Envelope::read(&store.sealed_blob(&digest).unwrap().unwrap()).unwrap();
    envelope.ciphertext[0] ^= 1;
    forged.put_sealed_blob(&envelope.to_bytes()).unwrap();
    let read = vault_of(&forged, &operator_key()).read(&digest);
    assert!(matches!(read, Err(VaultError::Unreadable(_))));
}

#[test]
fn r1_what_is_sealed_for_one_digest_does_not_open_under_another() {
    let (store, moved) = (MemoryStore::new(), MemoryStore::new());
    let vault = vault_of(&store, &operator_key());
    let digest = vault.keep(OWN.as_bytes()).unwrap();
    let mut envelope = Envelope::read(&store.sealed_blob(&digest).unwrap().unwrap()).unwrap();
    envelope.digest = Digest::of(b"another");
    moved.put_sealed_blob(&envelope.to_bytes()).unwrap();
    let read = vault_of(&moved, &operator_key()).read(&envelope.digest);
    assert!(matches!(read, Err(VaultError::Unreadable(_))));
}

#[test]
fn k4_a_blob_over_the_limit_is_not_kept() {
    let vault = vault_of(&MemoryStore::new(), &operator_key());
    let kept = vault.keep(&vec![b'a'; BLOB_BYTES_MAX + 1]);
    assert!(matches!(kept, Err(VaultError::TooLarge(_))));
}

#[test]
fn r1_a_blob_sealed_to_a_retired_key_opens_where_that_key_was_kept() {
    let store = MemoryStore::new();
    let bytes = format!("key={OWN}").into_bytes();
    let digest = vault_of(&store, &operator_key()).keep(&bytes).unwrap();
    let new = SigningKey::from_seed(&[9; 32]);
    let kept = vault_of(&store, &new).opening(&[operator_key()]);
    assert_eq!(kept.read(&digest).unwrap(), Some(bytes));
    assert!(vault_of(&store, &new).read(&digest).is_err());
}
