//! The index of a repository, read for one question: are its entries files alone? A submodule is a program
//! of its own to git, with settings of its own. Versions 2 to 4 over SHA-1; of others nothing is told.

/// Bytes before the first entry: `DIRC`, version, count.
const HEAD: usize = 12;

/// Where the mode stands in an entry, behind times, device and inode.
const MODE: usize = 24;

/// Where the flags stand, behind mode, owner, size and hash.
const FLAGS: usize = 60;

/// Bytes of the hash at the end.
const TAIL: usize = 20;

/// The bit that says that two bytes more of flags follow.
const EXTENDED: u16 = 0x4000;

/// Whether every entry is a file or a link; none where that cannot be told.
pub(super) fn is_of_files(bytes: &[u8]) -> Option<bool> {
    let version = number(bytes, 4)?;
    if !bytes.starts_with(b"DIRC") || !(2..=4).contains(&version) {
        return None;
    }
    let mut at = HEAD;
    for _ in 0..number(bytes, 8)? {
        // 0100644, 0100755 or a link; else a submodule, or a folder of a sparse index.
        if !matches!(number(bytes, at + MODE)? >> 12, 0o10 | 0o12) {
            return Some(false);
        }
        at = end_of_entry(bytes, at, version)?;
    }
    // What follows are extensions; those of small letters change what the entries mean.
    let end = bytes.len().checked_sub(TAIL)?;
    while at < end {
        let name = bytes.get(at..at + 4)?;
        if name.first()?.is_ascii_lowercase() {
            return None;
        }
        let size = usize::try_from(number(bytes, at + 4)?).ok()?;
        at = at.checked_add(8)?.checked_add(size)?;
    }
    (at == end).then_some(true)
}

/// Where the entry after this one begins.
fn end_of_entry(bytes: &[u8], at: usize, version: u32) -> Option<usize> {
    let flags = bytes.get(at + FLAGS..at + FLAGS + 2)?;
    let flags = u16::from_be_bytes(flags.try_into().ok()?);
    let more = if flags & EXTENDED == 0 { 0 } else { 2 };
    let mut name = at + FLAGS + 2 + more;
    if version == 4 {
        // How much of the name before is kept: seven bits a byte.
        while bytes.get(name)? & 0x80 != 0 {
            name += 1;
        }
        name += 1;
    }
    let length = bytes.get(name..)?.iter().position(|byte| *byte == 0)?;
    let end = name + length;
    Some(match version {
        4 => end + 1,
        // Filled up with one to eight zeros.
        _ => at + (end - at) / 8 * 8 + 8,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(four.try_into().ok()?))
}
