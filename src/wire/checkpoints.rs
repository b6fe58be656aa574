//! The checkpoint file: signed notes of one log, one after the other, outside of its ledger `[L7]`.
//!
//! Written to at its end and nowhere else; what it proves is for the kernel to say.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind as IoKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use thymos_core::LogId;
use thymos_runtime::checkpoint::Outside;

use crate::config::paths;

/// Bytes of such a file. A larger one is not read, and that is said.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes at its end that are looked at before a note is added: a hundred notes or so.
const TAIL_BYTES: u64 = 32 * 1024;

/// How the origin of a note begins, at the start of a line.
const NOTE: &str = "\nthymos/";

/// One file, which belongs to one log.
pub struct CheckpointFile(PathBuf);

impl CheckpointFile {
    /// That of a log, in the folder of checkpoints. It is made with the first one.
    #[must_use]
    pub fn new(folder: &std::path::Path, log: &LogId) -> Self {
        Self(folder.join(format!("{log}.notes")))
    }

    fn words(&self, error: &io::Error) -> String {
        format!("`{}`: {error}", self.0.display())
    }

    fn part(&self, from_end: Option<u64>) -> io::Result<String> {
        let mut file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == IoKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        if length > FILE_BYTES_MAX {
            return Err(io::Error::other("it is too long for a checkpoint file"));
        }
        let skipped = from_end.map_or(0, |bytes| length.saturating_sub(bytes));
        file.seek(SeekFrom::Start(skipped))?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        // What is no text will be no note either, and is told as such.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(match (skipped, text.find(NOTE)) {
            (0, _) => text,
            (_, Some(at)) => text.get(at + 1..).unwrap_or_default().to_owned(),
            (_, None) => String::new(),
        })
    }

    fn add(&self, note: &str) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            paths::make_private(folder).map_err(|e| io::Error::other(e.message))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&self.0)?;
        file.lock()?;
        let whole = whole_notes(&mut file)?;
        file.set_len(whole)?;
        let added = file
            .write_all(format!("{note}\n").as_bytes())
            .and_then(|()| file.sync_all());
        if added.is_err() {
            // Half a note would be told as damage for ever.
            drop(file.set_len(whole));
        }
        added?;
        match self.0.parent() {
            Some(folder) if whole == 0 => fs::File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// Where the last whole note ends. What is behind was never acknowledged: whoever wrote it was cut off.
fn whole_notes(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let skipped = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let ends = (2..=bytes.len()).rev().find(|end| {
        let before = bytes.get(..*end).unwrap_or_default();
        before.ends_with(b"\n\n") && last_line(before).starts_with("\u{2014} ".as_bytes())
    });
    match ends {
        Some(end) => Ok(skipped + end as u64),
        None if skipped == 0 && !bytes.starts_with(b"thymos/") && !bytes.is_empty() => {
            Err(io::Error::other("it is not a checkpoint file"))
        }
        None if skipped == 0 => Ok(0),
        None => Err(io::Error::other("it does not end with a checkpoint")),
    }
}

/// The line before the empty one at the end.
fn last_line(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n\n").unwrap_or(text);
    text.rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
}

impl Outside for CheckpointFile {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn read(&self) -> Result<String, String> {
        self.part(None).map_err(|error| self.words(&error))
    }

    fn tail(&self) -> Result<String, String> {
        self.part(Some(TAIL_BYTES))
            .map_err(|error| self.words(&error))
    }

    fn append(&self, note: &str) -> Result<(), String> {
        self.add(note).map_err(|error| self.words(&error))
    }
}

#[cfg(test)]
mod tests;
