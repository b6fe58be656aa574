//! Keys in files: the operator's, made on first use and replaced by rotation, and those of others.
//!
//! Every file has mode 0600 and is refused where others can read it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thymos_core::id::{hex, unhex};
use thymos_core::key::{PublicKey, SigningKey};
use thymos_core::secret::Secret;
use thymos_core::writ::Party;
use thymos_ports::Entropy;
use thymos_ports::clock::draw;

use super::trust::{Rotating, TrustFile};
use crate::config::{Paths, paths};
use crate::error::{AppError, ErrorKind};

/// First word of a key file; names algorithm and encoding.
const HEAD: &str = "thymos-operator-key-ed25519";

/// Start of the name of a key that was replaced and kept.
const ASIDE: &str = "operator.key.retired-";

/// Held while keys are used, or changed; freed when dropped.
pub(crate) struct KeysLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Reads the operator's key, or makes it where nobody was ever trusted.
pub(crate) fn operator_key(paths: &Paths, entropy: &dyn Entropy) -> Result<SigningKey, AppError> {
    let file = paths.operator_key();
    if !file.exists() {
        // Another one would be trusted by nobody, and hide that this one is to be restored. Looked at again: a
        // first start beside this one may have made both meanwhile.
        if TrustFile::read(paths)?.is_some() && !file.exists() {
            return Err(lost(paths, &file));
        }
        paths::make_private(paths.data_folder())?;
        match make(&file, entropy) {
            // Two first starts at once: the other one's key is it.
            Err(error) if !file.exists() => return Err(error),
            _ => {}
        }
    }
    read(&file)
}

/// The key that the operator had is not there any more.
fn lost(paths: &Paths, file: &Path) -> AppError {
    let what = format!(
        "is missing, and `{}` tells that there was one",
        paths.trust_file().display()
    );
    fault(file, &what)
        .hint("restore it from a backup")
        .hint(format!(
            "or make another under another name, and trust it as it says: thymos keys new NAME --out {}",
            file.display()
        ))
}

/// Reads a key file.
pub(crate) fn read(file: &Path) -> Result<SigningKey, AppError> {
    // A pipe or a device would be waited for.
    if fs::metadata(file).is_ok_and(|meta| !meta.is_file()) {
        return Err(
            fault(file, "is no file").hint("restore it from a backup, or name another file")
        );
    }
    let text = fs::read_to_string(file).map_err(|error| {
        fault(file, &format!("cannot be read: {error}"))
            .hint("check the path and who owns it; your own folder is set by XDG_DATA_HOME")
    })?;
    if paths::is_exposed(file) {
        return Err(fault(file, "can be read by others than you")
            .hint(format!("chmod 600 {}", file.display())));
    }
    parse(&text).ok_or_else(|| {
        fault(file, "is not an operator key").hint("restore it from a backup, or name another file")
    })
}

fn parse(text: &str) -> Option<SigningKey> {
    let (head, seed) = text.trim().split_once(' ')?;
    (head == HEAD)
        .then(|| unhex(seed))
        .flatten()
        .map(|seed| SigningKey::from_seed(&seed))
}

/// Makes a key in a new file; an existing one is never replaced.
pub(crate) fn make(file: &Path, entropy: &dyn Entropy) -> Result<PublicKey, AppError> {
    let key = SigningKey::from_seed(&draw(entropy));
    // `create_new`: two first starts at once must not end with two keys.
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    let mut out = made.map_err(|error| {
        let hint = match error.kind() {
            IoKind::AlreadyExists => "name a file that does not exist yet",
            _ => "name a folder you can write; your own is set by XDG_DATA_HOME",
        };
        fault(file, &format!("cannot be made: {error}")).hint(hint)
    })?;
    writeln!(out, "{HEAD} {}", hex(&key.seed_for_storage()))
        .and_then(|()| out.sync_all())
        .map_err(|error| {
            // Nothing half-done stays: the next start would find a key that is none.
            drop(fs::remove_file(file));
            fault(file, &format!("cannot be written: {error}")).hint("check the disk")
        })?;
    Ok(key.public())
}

/// Says that the keys are in use; a rotation waits for nobody and is refused meanwhile.
pub(crate) fn in_use(paths: &Paths) -> Result<KeysLock, AppError> {
    let file = lock_file(paths)?;
    file.try_lock_shared().map_err(|_| {
        AppError::new(
            ErrorKind::User,
            "the operator's keys are being changed right now",
        )
        .hint("try again in a moment")
    })?;
    Ok(KeysLock(file))
}

/// Takes the keys alone, so that nobody goes on with what is being changed.
pub(crate) fn alone(paths: &Paths) -> Result<KeysLock, AppError> {
    let file = lock_file(paths)?;
    file.try_lock().map_err(|_| {
        AppError::new(ErrorKind::User, "another thymos is running with these keys")
            .hint("close it first, so that nothing goes on under a key that ends")
    })?;
    Ok(KeysLock(file))
}

fn lock_file(paths: &Paths) -> Result<File, AppError> {
    paths::make_private(paths.data_folder())?;
    let path = paths.keys_lock();
    let opened = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path);
    opened.map_err(|error| {
        AppError::new(
            ErrorKind::User,
            format!("lock `{}` cannot be opened: {error}", path.display()),
        )
        .hint("check who owns it, or set XDG_DATA_HOME to a folder you can write")
    })
}

/// The operator's key and whom the operator trusts, both made when they are not there. A rotation
/// that was cut off is ended or taken back, by which key is in place. Needs a lock.
///
/// # Errors
/// [`AppError`] when the key in place is not trusted.
pub(crate) fn operator(
    paths: &Paths,
    name: &str,
    entropy: &dyn Entropy,
) -> Result<(SigningKey, TrustFile), AppError> {
    let key = operator_key(paths, entropy)?;
    let operator = Party {
        name: name.to_owned(),
        key: key.public(),
    };
    let mut trust = TrustFile::open(paths, &operator)?;
    if trust.end_rotation(&operator.key) {
        trust.write(paths)?;
        drop(fs::remove_file(next_file(paths)));
    }
    // [W1] Nothing that an untrusted key signs would count.
    if !trust.roots().trusts_operator(&operator.key) {
        return Err(untrusted(paths, &operator.key));
    }
    Ok((key, trust))
}

fn untrusted(paths: &Paths, key: &PublicKey) -> AppError {
    let message = format!(
        "the operator's key {key} is not among the trust roots in `{}`",
        paths.trust_file().display()
    );
    AppError::new(ErrorKind::User, message).hint(format!(
        "restore the key that is, or trust this one: thymos keys trust NAME {key}"
    ))
}

/// What keeps the operator from working with the key in place, as [`operator`] would say it; makes and changes
/// nothing, and is silent where neither key nor trust file are there yet.
///
/// # Errors
/// [`AppError`] with what is wrong, and what to do.
pub(crate) fn look(paths: &Paths) -> Result<(), AppError> {
    let file = paths.operator_key();
    let trust = TrustFile::read(paths)?;
    match (file.exists(), trust) {
        (false, None) => Ok(()),
        (false, Some(_)) => Err(lost(paths, &file)),
        (true, None) => read(&file).map(drop),
        (true, Some(trust)) => {
            let key = read(&file)?.public();
            match trust.roots().trusts_operator(&key) {
                true => Ok(()),
                false => Err(untrusted(paths, &key)),
            }
        }
    }
}

/// What a rotation came to.
pub(crate) struct Rotated {
    pub(crate) from: PublicKey,
    pub(crate) to: PublicKey,
    /// Where the old key lies now; none when it was destroyed.
    pub(crate) kept: Option<PathBuf>,
}

/// Replaces the operator's key. Cut off at any point, either key is in place and trusted, and
/// [`operator`] finishes the rest.
pub(crate) fn rotate(
    paths: &Paths,
    name: &str,
    keep: bool,
    entropy: &dyn Entropy,
) -> Result<Rotated, AppError> {
    let _alone = alone(paths)?;
    let file = paths.operator_key();
    let (key, mut trust) = operator(paths, name, entropy)?;
    let from = key.public();
    let next = next_file(paths);
    drop(fs::remove_file(&next));
    let to = make(&next, entropy)?;
    trust.begin_rotation(Rotating { from, to });
    trust.write(paths)?;
    let aside = file.with_file_name(format!("{ASIDE}{}", from.short()));
    let moved = match keep {
        true => match fs::hard_link(&file, &aside) {
            Err(error) if error.kind() == IoKind::AlreadyExists => Ok(()),
            linked => linked,
        },
        false => Ok(()),
    };
    moved
        .and_then(|()| fs::rename(&next, &file))
        .and_then(|()| File::open(paths.data_folder())?.sync_all())
        .map_err(|error| {
            fault(&file, &format!("cannot be replaced: {error}")).hint("check the disk")
        })?;
    trust.end_rotation(&to);
    trust.write(paths)?;
    Ok(Rotated {
        from,
        to,
        kept: keep.then_some(aside),
    })
}

fn next_file(paths: &Paths) -> PathBuf {
    paths.operator_key().with_extension("key.next")
}

/// Keys that a rotation kept aside; one that cannot be read opens nothing.
pub(super) fn retired(paths: &Paths) -> Vec<SigningKey> {
    let rows = fs::read_dir(paths.data_folder()).into_iter().flatten();
    let kept = rows
        .filter_map(|row| Some(row.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with(ASIDE)
        });
    kept.filter_map(|path| read(&path).ok()).collect()
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
