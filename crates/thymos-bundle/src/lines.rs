//! Entries as lines: header, salt in hex and body, a line each. Canonical JSON holds no line end, so
//! three lines are one entry whatever it says. A body that is not there is a `-`, and so is its salt.

use thymos_core::Entry;
use thymos_core::entry::{Content, InvalidEntry, Salt};
use thymos_core::id::{hex, unhex};
use thymos_core::merkle::{PROOF_HASHES_MAX, TreeHash};

use crate::limits::MEMBER_ENTRIES_MAX;

/// What stands for a salt or a body that is not there.
const NONE: &[u8] = b"-";

/// Adds an entry, with its body unless that is withheld.
pub(crate) fn put(out: &mut Vec<u8>, entry: &Entry, withheld: bool) {
    let content = entry.content.as_ref().filter(|_| !withheld);
    out.extend_from_slice(&entry.header_bytes);
    out.push(b'\n');
    match content {
        Some(content) => {
            out.extend_from_slice(hex(content.salt.as_bytes()).as_bytes());
            out.push(b'\n');
            out.extend_from_slice(&content.body);
        }
        None => {
            out.extend_from_slice(NONE);
            out.push(b'\n');
            out.extend_from_slice(NONE);
        }
    }
    out.push(b'\n');
}

/// The entries of a member, each whole or not; none where the lines are not three for each, or too many.
pub(crate) fn read(member: &[u8]) -> Option<Vec<Result<Entry, InvalidEntry>>> {
    let lines = member.strip_suffix(b"\n")?;
    let mut lines = lines.split(|byte| *byte == b'\n');
    let mut entries = Vec::new();
    while let Some(header) = lines.next() {
        let (salt, body) = (lines.next()?, lines.next()?);
        if entries.len() == MEMBER_ENTRIES_MAX {
            return None;
        }
        entries.push(entry(header, salt, body));
    }
    Some(entries)
}

fn entry(header: &[u8], salt: &[u8], body: &[u8]) -> Result<Entry, InvalidEntry> {
    let content = match (salt == NONE, body == NONE) {
        (true, true) => None,
        (false, false) => {
            let salt = std::str::from_utf8(salt).ok().and_then(unhex);
            Some(Content {
                salt: Salt::from_bytes(salt.ok_or(InvalidEntry::Body)?),
                body: body.to_vec(),
            })
        }
        (true, false) | (false, true) => return Err(InvalidEntry::Body),
    };
    Entry::read(header.to_vec(), content)
}

/// Adds a proof: its hashes, a space between them.
pub(crate) fn put_proof(out: &mut String, proof: &[TreeHash]) {
    let hashes: Vec<String> = proof.iter().map(ToString::to_string).collect();
    out.push_str(&hashes.join(" "));
    out.push('\n');
}

/// The proofs of a member; none where a line is not one.
pub(crate) fn read_proofs(member: &[u8]) -> Option<Vec<Vec<TreeHash>>> {
    let text = std::str::from_utf8(member).ok()?.strip_suffix('\n')?;
    let mut proofs = Vec::new();
    for line in text.split('\n') {
        let words = line.split(' ').filter(|_| !line.is_empty());
        let hashes: Option<Vec<TreeHash>> = words.map(|word| word.parse().ok()).collect();
        proofs.push(hashes.filter(|hashes| hashes.len() <= PROOF_HASHES_MAX)?);
    }
    Some(proofs)
}
