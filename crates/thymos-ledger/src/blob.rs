//! Content beside the entries, by digest: packed when that is smaller, checked when it is read `[L4]`.

use rusqlite::{Connection, OptionalExtension, params};
use thymos_core::id::Digest;
use thymos_core::limits::BLOB_BYTES_MAX;
use thymos_core::sealed::{ENVELOPE_BYTES, Envelope};
use thymos_ports::store::StoreError;

use crate::append::one_row;
use crate::fault::{Damage, Trouble};

/// A middle level: text shrinks to a third or so at some hundred MB/s.
const ZSTD_LEVEL: i32 = 3;

/// Below this nothing is packed; the frame alone would eat the gain.
const PACK_BYTES_MIN: usize = 128;

/// What sealing may add to a blob: the envelope, and the cipher's tag.
const SEALED_BYTES_MORE: usize = ENVELOPE_BYTES + 64;

/// A blob as it was kept.
pub(crate) enum Kept {
    /// As it is.
    Plain(Vec<u8>),
    /// In an envelope of this digest; what it holds cannot be seen from here.
    Sealed(Vec<u8>),
}

impl Kept {
    /// What is said of a size that was kept beside it, where that is another one. It only bounds the
    /// unpacking, but other programs may ask it how much there is `[L1]`.
    pub(crate) fn differs_from(&self, digest: &Digest, size: i64) -> Option<String> {
        let (Self::Plain(bytes) | Self::Sealed(bytes)) = self;
        (i64::try_from(bytes.len()).ok() != Some(size)).then(|| {
            let (digest, length) = (digest.short(), bytes.len());
            format!("blob {digest}: its size is kept as {size}, and it has {length} bytes")
        })
    }
}

/// A blob made ready outside of every lock.
pub(crate) struct Packed<'a> {
    pub(crate) digest: Digest,
    plain: &'a [u8],
    packed: Option<Vec<u8>>,
}

impl Packed<'_> {
    /// The bytes to store.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.packed.as_deref().unwrap_or(self.plain)
    }

    /// How many there are when they are unpacked.
    pub(crate) fn size(&self) -> i64 {
        i64::try_from(self.plain.len()).unwrap_or(i64::MAX)
    }

    pub(crate) fn is_packed(&self) -> bool {
        self.packed.is_some()
    }
}

pub(crate) fn pack<'a>(path: &str, plain: &'a [u8]) -> Result<Packed<'a>, StoreError> {
    if plain.len() > BLOB_BYTES_MAX {
        let size = plain.len();
        return Err(StoreError::Engine {
            path: path.to_owned(),
            reason: format!("a blob of {size} bytes is larger than {BLOB_BYTES_MAX}"),
        });
    }
    let packed = if plain.len() < PACK_BYTES_MIN {
        None
    } else {
        // Packing that does not work is no reason to lose the content: it is kept as it is.
        zstd::bulk::compress(plain, ZSTD_LEVEL).ok()
    };
    Ok(Packed {
        digest: Digest::of(plain),
        plain,
        packed: packed.filter(|packed| packed.len() < plain.len()),
    })
}

/// A sealed blob made ready: found by the digest of what it holds, stored as it is.
pub(crate) fn sealed<'a>(path: &str, envelope: &'a [u8]) -> Result<Packed<'a>, StoreError> {
    let fault = |reason: String| StoreError::Engine {
        path: path.to_owned(),
        reason,
    };
    if envelope.len() > BLOB_BYTES_MAX + SEALED_BYTES_MORE {
        let size = envelope.len();
        return Err(fault(format!(
            "a sealed blob of {size} bytes is larger than {BLOB_BYTES_MAX}"
        )));
    }
    let read = Envelope::read(envelope);
    let read = read.ok_or_else(|| fault("these bytes are no whole envelope".to_owned()))?;
    Ok(Packed {
        digest: read.digest,
        plain: envelope,
        packed: None,
    })
}

pub(crate) fn known(connection: &Connection, digest: &Digest) -> Result<bool, Trouble> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM blobs WHERE digest = ?1")?
        .exists([digest.as_bytes()])?)
}

/// Those of these that are not there.
pub(crate) fn lacking(connection: &Connection, digests: &[Digest]) -> Result<Vec<Digest>, Trouble> {
    let mut lacking = Vec::new();
    for digest in digests {
        if !known(connection, digest)? {
            lacking.push(*digest);
        }
    }
    Ok(lacking)
}

/// Keeps one, if it is not there yet; it is there afterwards, also when somebody's trigger would pass over it.
pub(crate) fn insert(connection: &Connection, blob: &Packed<'_>) -> Result<(), Trouble> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO blobs (digest, size, packed, bytes) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (digest) DO NOTHING",
        )?
        .execute(params![
            blob.digest.as_bytes(),
            blob.size(),
            blob.is_packed(),
            blob.bytes(),
        ])?;
    if changed == 0 && known(connection, &blob.digest)? {
        return Ok(());
    }
    one_row(changed, "blobs")
}

pub(crate) fn read(connection: &Connection, digest: &Digest) -> Result<Option<Kept>, Trouble> {
    let row: Option<(i64, i64, Vec<u8>)> = connection
        .prepare_cached("SELECT size, packed, bytes FROM blobs WHERE digest = ?1")?
        .query_row([digest.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((size, packed, bytes)) = row else {
        return Ok(None);
    };
    Ok(Some(open(digest, size, packed != 0, bytes)?))
}

/// What stored bytes hold, if they are those of the digest.
pub(crate) fn open(
    digest: &Digest,
    size: i64,
    packed: bool,
    bytes: Vec<u8>,
) -> Result<Kept, Damage> {
    match unpack(size, packed, bytes) {
        Some(plain) if Digest::of(&plain) == *digest => Ok(Kept::Plain(plain)),
        // Content that only looks like an envelope has its own digest, so it never comes here.
        Some(sealed) if Envelope::read(&sealed).is_some_and(|e| e.digest == *digest) => {
            Ok(Kept::Sealed(sealed))
        }
        Some(_) | None => Err(Damage::new(
            format!("blob {}", digest.short()),
            "its bytes are not those of its digest",
        )),
    }
}

// The size is only a bound against unpacking without end; the digest decides.
fn unpack(size: i64, packed: bool, bytes: Vec<u8>) -> Option<Vec<u8>> {
    if !packed {
        return Some(bytes);
    }
    let size = usize::try_from(size)
        .ok()
        .filter(|size| *size <= BLOB_BYTES_MAX)?;
    zstd::bulk::decompress(&bytes, size).ok()
}
