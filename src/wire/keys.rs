//! The operator's key: made on first use, mode 0600, and read from then on.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use thymos_core::id::{hex, unhex};
use thymos_core::key::SigningKey;
use thymos_core::secret::Secret;
use thymos_ports::Entropy;
use thymos_ports::clock::draw;

use crate::config::{Paths, paths};
use crate::error::{AppError, ErrorKind};

/// First word of the key file; names algorithm and encoding.
const HEAD: &str = "thymos-operator-key-ed25519";

/// Reads the operator's key, or makes it.
pub(super) fn operator_key(paths: &Paths, entropy: &dyn Entropy) -> Result<SigningKey, AppError> {
    let file = paths.operator_key();
    match fs::read_to_string(&file) {
        Ok(text) => {
            if paths::is_exposed(&file) {
                return Err(fault(&file, "can be read by others than you")
                    .hint(format!("chmod 600 {}", file.display())));
            }
            parse(&text).ok_or_else(|| {
                fault(&file, "is not an operator key").hint("restore it from a backup")
            })
        }
        Err(error) if error.kind() == IoKind::NotFound => make(paths, &file, entropy),
        Err(error) => Err(fault(&file, &format!("cannot be read: {error}"))
            .hint("check who owns it, or set XDG_DATA_HOME to a folder you can write")),
    }
}

fn parse(text: &str) -> Option<SigningKey> {
    let (head, seed) = text.trim().split_once(' ')?;
    (head == HEAD)
        .then(|| unhex(seed))
        .flatten()
        .map(|seed| SigningKey::from_seed(&seed))
}

fn make(paths: &Paths, file: &Path, entropy: &dyn Entropy) -> Result<SigningKey, AppError> {
    paths::make_private(paths.data_folder())?;
    let key = SigningKey::from_seed(&draw(entropy));
    // `create_new`: two first starts at once must not end with two keys.
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    let mut out = match made {
        Ok(out) => out,
        Err(error) if error.kind() == IoKind::AlreadyExists => return operator_key(paths, entropy),
        Err(error) => {
            return Err(fault(file, &format!("cannot be made: {error}"))
                .hint("set XDG_DATA_HOME to a folder you can write"));
        }
    };
    writeln!(out, "{HEAD} {}", hex(&key.seed_for_storage()))
        .and_then(|()| out.sync_all())
        .map_err(|error| {
            // Nothing half-done stays: the next start would find a key that is none.
            drop(fs::remove_file(file));
            fault(file, &format!("cannot be written: {error}"))
        })?;
    Ok(key)
}

/// The key as it stands in its file, for the redactor.
pub(super) fn as_secret(key: &SigningKey) -> Secret<String> {
    Secret::new(hex(&key.seed_for_storage()))
}

/// Keys the digests of redacted spans, so that they cannot be guessed `[R2]`.
pub(super) fn redaction_key(key: &SigningKey) -> [u8; 32] {
    let mut material = key.seed_for_storage().to_vec();
    material.extend_from_slice(b"redaction");
    thymos_core::key::derive_seed(&material)
}

fn fault(file: &Path, what: &str) -> AppError {
    AppError::new(
        ErrorKind::User,
        format!("operator key `{}` {what}", file.display()),
    )
}
