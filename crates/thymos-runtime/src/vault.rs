//! The one road for content beside the entries: file images, long outputs. Blobs in which a detector
//! finds something are sealed to a key of the operator's before the ledger sees them `[R1]`.
//!
//! Decides nothing about entries. Reading gives the true bytes back, so undo and replay of files
//! work as ever on the operator's machine; without the key a sealed blob is noise.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use thymos_core::Digest;
use thymos_core::key::SigningKey;
use thymos_core::limits::BLOB_BYTES_MAX;
use thymos_core::sealed::{Envelope, NONCE_BYTES};
use thymos_core::secret::Secret;
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_ports::tool::BlobSink;

use crate::redact::Redactor;

/// Why a blob could not be kept or read back.
#[derive(Debug)]
pub enum VaultError {
    /// The ledger could not.
    Store(StoreError),
    /// Larger than [`BLOB_BYTES_MAX`].
    TooLarge(usize),
    /// It is sealed, and not to the key in use; or its bytes were changed.
    Unreadable(Digest),
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(e) => e.fmt(f),
            Self::TooLarge(size) => {
                write!(f, "a blob of {size} bytes is larger than {BLOB_BYTES_MAX}")
            }
            Self::Unreadable(digest) => write!(
                f,
                "blob {} is sealed and the operator's key does not open it",
                digest.short()
            ),
        }
    }
}

impl std::error::Error for VaultError {}

impl From<StoreError> for VaultError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Keeps blobs, and reads them back.
pub struct Vault {
    store: Arc<dyn LedgerStore>,
    redactor: Arc<Redactor>,
    cipher_key: Secret<[u8; 32]>,
    /// Of retired keys: they open what they sealed, and seal nothing.
    older: Vec<Secret<[u8; 32]>>,
    nonce_key: Secret<[u8; 32]>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    /// Over this ledger, sealing what this redactor finds secrets in to this operator.
    #[must_use]
    pub fn new(
        store: Arc<dyn LedgerStore>,
        redactor: Arc<Redactor>,
        operator: &SigningKey,
    ) -> Self {
        Self {
            store,
            redactor,
            cipher_key: derived(operator, CIPHER),
            older: Vec::new(),
            nonce_key: derived(operator, "thymos v1 blob nonce key"),
        }
    }

    /// Also opens what was sealed to these keys, which the operator had before.
    #[must_use]
    pub fn opening(mut self, retired: &[SigningKey]) -> Self {
        self.older = retired.iter().map(|key| derived(key, CIPHER)).collect();
        self
    }

    /// Keeps these bytes under the digest of them.
    ///
    /// # Errors
    /// [`VaultError`] when they are too many, or the ledger refuses.
    pub fn keep(&self, bytes: &[u8]) -> Result<Digest, VaultError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(VaultError::TooLarge(bytes.len()));
        }
        if !self.redactor.finds_in_bytes(bytes) {
            return Ok(self.store.put_blob(bytes)?);
        }
        self.keep_sealed(bytes)
    }

    /// Keeps these bytes under the digest of them, sealed whether or not anything is found in them.
    ///
    /// # Errors
    /// As [`Self::keep`].
    pub fn keep_sealed(&self, bytes: &[u8]) -> Result<Digest, VaultError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(VaultError::TooLarge(bytes.len()));
        }
        let envelope = self.seal(bytes)?;
        Ok(self.store.put_sealed_blob(&envelope.to_bytes())?)
    }

    /// Reads kept bytes back, as they were; none when there are none of this digest.
    ///
    /// # Errors
    /// [`VaultError`] when the ledger refuses, or the operator's key does not open them.
    pub fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, VaultError> {
        if let Some(plain) = self.store.blob(digest)? {
            return Ok(Some(plain));
        }
        let Some(sealed) = self.store.sealed_blob(digest)? else {
            return Ok(None);
        };
        let opened = Envelope::read(&sealed).and_then(|envelope| self.open(digest, &envelope));
        opened
            .filter(|plain| Digest::of(plain) == *digest)
            .map(Some)
            .ok_or(VaultError::Unreadable(*digest))
    }

    /// Those of these digests under which nothing is kept.
    ///
    /// # Errors
    /// [`VaultError::Store`] when the ledger cannot be asked.
    pub fn lacking(&self, digests: &[Digest]) -> Result<Vec<Digest>, VaultError> {
        Ok(self.store.lacking(digests)?)
    }

    // The nonce follows from key and content: equal content seals to equal bytes, and no nonce
    // ever serves two contents, without a source of chance that could fail.
    fn seal(&self, bytes: &[u8]) -> Result<Envelope, VaultError> {
        let digest = Digest::of(bytes);
        let nonce_key = self.nonce_key.expose("to derive a nonce");
        let mut nonce = [0; NONCE_BYTES];
        blake3::Hasher::new_keyed(nonce_key)
            .update(bytes)
            .finalize_xof()
            .fill(&mut nonce);
        let payload = Payload {
            msg: bytes,
            aad: &Envelope::associated(&digest),
        };
        let ciphertext = self.cipher().encrypt(&XNonce::from(nonce), payload);
        Ok(Envelope {
            digest,
            nonce,
            ciphertext: ciphertext.map_err(|_too_long| VaultError::TooLarge(bytes.len()))?,
        })
    }

    fn open(&self, digest: &Digest, envelope: &Envelope) -> Option<Vec<u8>> {
        let payload = Payload {
            msg: &envelope.ciphertext,
            aad: &Envelope::associated(digest),
        };
        let nonce = XNonce::from(envelope.nonce);
        let mut keys = std::iter::once(&self.cipher_key).chain(&self.older);
        keys.find_map(|key| {
            let cipher = XChaCha20Poly1305::new(key.expose("to open a blob").into());
            let payload = Payload {
                msg: payload.msg,
                aad: payload.aad,
            };
            cipher.decrypt(&nonce, payload).ok()
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.cipher_key.expose("to seal or open a blob").into())
    }
}

/// What blobs are sealed with.
const CIPHER: &str = "thymos v1 blob cipher key";

fn derived(key: &SigningKey, context: &str) -> Secret<[u8; 32]> {
    Secret::new(blake3::derive_key(
        context,
        key.seed_for_storage().as_slice(),
    ))
}

impl BlobSink for Vault {
    fn keep(&self, bytes: &[u8]) -> Result<Digest, String> {
        Self::keep(self, bytes).map_err(|e| e.to_string())
    }

    fn keep_sealed(&self, bytes: &[u8]) -> Result<Digest, String> {
        Self::keep_sealed(self, bytes).map_err(|e| e.to_string())
    }

    fn read(&self, digest: &Digest) -> Result<Option<Vec<u8>>, String> {
        Self::read(self, digest).map_err(|e| e.to_string())
    }
}

#[cfg(test)]
mod tests;
