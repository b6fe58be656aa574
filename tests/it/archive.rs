//! Bundles taken apart and put together again by hand, as somebody would who forges one. Knows the form
//! of `docs/spec/bundle.md` and nothing of the crate that writes it.

use serde_json::Value;
use thymos_core::canonical::value_to_bytes;

const BLOCK: usize = 512;

/// Members in order.
#[derive(Clone)]
pub(crate) struct Archive(pub(crate) Vec<(String, Vec<u8>)>);

impl Archive {
    pub(crate) fn read(mut bytes: &[u8]) -> Self {
        let mut members = Vec::new();
        while bytes[0] != 0 {
            let name = bytes[..100].split(|byte| *byte == 0).next().unwrap();
            let size = std::str::from_utf8(&bytes[124..135]).unwrap();
            let size = usize::from_str_radix(size, 8).unwrap();
            let name = String::from_utf8(name.to_vec()).unwrap();
            members.push((name, bytes[BLOCK..BLOCK + size].to_vec()));
            bytes = &bytes[BLOCK + size.div_ceil(BLOCK) * BLOCK..];
        }
        Self(members)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in &self.0 {
            out.extend(header(name, content.len(), b'0'));
            out.extend(content);
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        out.extend([0; 2 * BLOCK]);
        out
    }

    /// The place of the first member whose name begins so.
    pub(crate) fn at(&self, begin: &str) -> usize {
        let mut names = self.0.iter().map(|(name, _)| name);
        let found = names.position(|name| name.starts_with(begin));
        found.unwrap_or_else(|| panic!("no member {begin}"))
    }

    pub(crate) fn content(&mut self, begin: &str) -> &mut Vec<u8> {
        let at = self.at(begin);
        &mut self.0[at].1
    }

    pub(crate) fn manifest(&self) -> Value {
        serde_json::from_slice(&self.0[0].1).unwrap()
    }

    pub(crate) fn say(&mut self, field: &str, value: Value) {
        let mut manifest = self.manifest();
        manifest[field] = value;
        self.0[0].1 = value_to_bytes(&manifest).unwrap().into_vec();
    }

    /// Entries of the first member of entries: header, salt and body, a line each.
    pub(crate) fn entries(&mut self) -> Vec<[Vec<u8>; 3]> {
        let lines = self.content("entries/");
        let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
        let three = lines.chunks_exact(3);
        three
            .map(|entry| [0, 1, 2].map(|at| entry[at].to_vec()))
            .collect()
    }

    pub(crate) fn set_entries(&mut self, entries: &[[Vec<u8>; 3]]) {
        let lines = entries.iter().flatten();
        let bytes = lines.flat_map(|line| [line.as_slice(), b"\n"]);
        *self.content("entries/") = bytes.flatten().copied().collect();
    }

    /// The entry at this place, of this kind.
    pub(crate) fn of_kind(&mut self, kind: &str) -> usize {
        let word = format!("\"kind\":\"{kind}\"");
        let has = |entry: &[Vec<u8>; 3]| String::from_utf8_lossy(&entry[0]).contains(&word);
        let found = self.entries().iter().position(has);
        found.unwrap_or_else(|| panic!("no {kind}"))
    }
}

/// A header with a right sum.
pub(crate) fn header(name: &str, size: usize, flag: u8) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644");
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{size:011o}").as_bytes());
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, &[flag]);
    put(257, b"ustar\x0000");
    put(329, b"0000000");
    put(337, b"0000000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
