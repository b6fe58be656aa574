//! Tar as a bundle has it: ustar headers of plain files, with no time, owner or place in them.
//!
//! A header follows from name and size alone. The reader makes it again and compares all 512 bytes, so
//! there is one archive for one content, and no link, device, long name or extension to be fooled by.

use std::io::{self, Read, Write};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 512;

/// Bytes of a name.
const NAME_BYTES: usize = 100;

/// Where a header says that it is one.
const MAGIC: std::ops::Range<usize> = 257..262;

/// The largest size that eleven octal digits tell.
const SIZE_MAX: u64 = 0o77_777_777_777;

/// A plain file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Why bytes are not the next member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InvalidTar {
    /// The archive ends in the middle of something.
    Cut,
    /// Something stands behind its end.
    Behind,
    /// This member is no plain file, and what it is instead.
    NotPlain(String, &'static str),
    /// This name leads out of the archive, or is no text.
    Escapes(String),
    /// The header is not what follows from its name and size.
    Header(String),
    /// What fills the last block of this member is not empty.
    Padding(String),
    /// It could not be read.
    Io(String),
}

/// The header of a plain file.
pub(crate) fn header(name: &str, size: u64) -> Vec<u8> {
    let field = |text: &str, width| {
        let mut field = text.as_bytes().to_vec();
        field.resize(width, 0);
        field
    };
    let before = [
        field(name, NAME_BYTES),
        field("0000644", 8),
        field("0000000", 8),
        field("0000000", 8),
        field(&format!("{size:011o}"), 12),
        field("00000000000", 12),
    ];
    let behind = [
        field("0", 1),
        field("", 100),
        field("ustar", 6),
        field("00", 2),
        field("", 64),
        field("0000000", 8),
        field("0000000", 8),
        field("", 167),
    ];
    // The sum is taken with spaces in its own place.
    let bytes = before.iter().chain(&behind).flatten();
    let sum: u32 = bytes.map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    let sum = format!("{sum:06o}\0 ").into_bytes();
    [before.concat(), sum, behind.concat()].concat()
}

/// Bytes that fill the last block of a member.
pub(crate) fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// Writes a member whose content is at hand.
pub(crate) fn write(out: &mut dyn Write, name: &str, content: &[u8]) -> io::Result<()> {
    let size = content.len() as u64;
    out.write_all(&header(name, size))?;
    out.write_all(content)?;
    let filling = [0; BLOCK];
    let due = usize::try_from(padding(size)).unwrap_or(0);
    out.write_all(filling.get(..due).unwrap_or_default())
}

/// Writes the end.
pub(crate) fn finish(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// Reads the next header; none at the end, behind which there must be nothing.
pub(crate) fn next(input: &mut dyn Read) -> Result<Option<Member>, InvalidTar> {
    let block = block(input)?;
    if block.iter().all(|byte| *byte == 0) {
        return end(input).map(|()| None);
    }
    let name = text(block.get(..NAME_BYTES).unwrap_or_default());
    // It is told before it is known to be a name: on one line, and nothing in it reaches a terminal.
    let shown = || String::from_utf8_lossy(&name).escape_debug().to_string();
    if block.get(MAGIC) != Some(b"ustar") {
        return Err(InvalidTar::Header(shown()));
    }
    if let Some(what) = not_plain(block.get(156).copied().unwrap_or_default()) {
        return Err(InvalidTar::NotPlain(shown(), what));
    }
    let prefixed = block.get(345).is_some_and(|byte| *byte != 0);
    let Ok(name) = String::from_utf8(name.clone()) else {
        return Err(InvalidTar::Escapes(shown()));
    };
    if prefixed || escapes(&name) {
        return Err(InvalidTar::Escapes(shown()));
    }
    let size = octal(block.get(124..135).unwrap_or_default());
    match size.filter(|size| *size <= SIZE_MAX && header(&name, *size) == block) {
        Some(size) => Ok(Some(Member { name, size })),
        None => Err(InvalidTar::Header(shown())),
    }
}

/// Checks what fills the last block of a member whose content was just read.
pub(crate) fn filling(input: &mut dyn Read, member: &Member) -> Result<(), InvalidTar> {
    let due = usize::try_from(padding(member.size)).unwrap_or(0);
    let mut filling = vec![0; due];
    input.read_exact(&mut filling).map_err(|e| broken(&e))?;
    match filling.iter().all(|byte| *byte == 0) {
        true => Ok(()),
        false => Err(InvalidTar::Padding(member.name.clone())),
    }
}

pub(crate) fn broken(error: &io::Error) -> InvalidTar {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => InvalidTar::Cut,
        _ => InvalidTar::Io(error.to_string()),
    }
}

fn block(input: &mut dyn Read) -> Result<Vec<u8>, InvalidTar> {
    let mut block = vec![0; BLOCK];
    input.read_exact(&mut block).map_err(|e| broken(&e))?;
    Ok(block)
}

fn end(input: &mut dyn Read) -> Result<(), InvalidTar> {
    if block(input)?.iter().any(|byte| *byte != 0) {
        return Err(InvalidTar::Behind);
    }
    match input.read(&mut [0; 1]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(InvalidTar::Behind),
        Err(error) => Err(broken(&error)),
    }
}

/// A field up to its first zero.
fn text(field: &[u8]) -> Vec<u8> {
    field
        .iter()
        .copied()
        .take_while(|byte| *byte != 0)
        .collect()
}

fn octal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let plain = text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    plain.then(|| u64::from_str_radix(text, 8).ok())?
}

fn not_plain(flag: u8) -> Option<&'static str> {
    match flag {
        b'0' | 0 => None,
        b'1' | b'2' => Some("a link"),
        b'3' | b'4' => Some("a device"),
        b'5' => Some("a folder"),
        b'6' => Some("a pipe"),
        _ => Some("an extension of tar"),
    }
}

/// Whether a name could mean a place outside of the folder that it is unpacked into.
fn escapes(name: &str) -> bool {
    let odd = |part: &str| part.is_empty() || part == "." || part == "..";
    name.split('/').any(odd) || name.contains(['\\', '\0']) || name.contains(char::is_control)
}

#[cfg(test)]
mod tests;
