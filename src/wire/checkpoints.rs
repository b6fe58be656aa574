//! The checkpoint file: signed notes of one log, one after the other, outside of its ledger `[L7]`.
//!
//! Written to at its end and nowhere else; what it proves is for the kernel to say.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind as IoKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thymos_core::LogId;
use thymos_runtime::checkpoint::Outside;

use super::trust::replace;
use crate::config::paths;

/// Bytes of such a file. A larger one is not read, and that is said.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes at its end that are looked at before a note is added: a hundred notes or so.
const TAIL_BYTES: u64 = 32 * 1024;

/// How the origin of a note begins, at the start of a line.
const NOTE: &str = "\nthymos/";

/// Where a note's file says which ledger it was kept for.
const PLACE: &str = "place";

/// Files of the folder that are looked at for logs that stood at the same path.
const FILES_MAX: usize = 4_096;

/// One file, which belongs to one log. Beside it stands where the log's ledger was when it last grew, so
/// that a ledger that is gone is missed.
pub struct CheckpointFile {
    notes: PathBuf,
    /// The path of the ledger's file; none where it is on a server.
    ledger: Option<PathBuf>,
}

impl CheckpointFile {
    /// That of a log, in the folder of checkpoints. It is made with the first one.
    #[must_use]
    pub fn new(folder: &Path, log: &LogId) -> Self {
        Self {
            notes: folder.join(format!("{log}.notes")),
            ledger: None,
        }
    }

    /// The same, for the log of this ledger file.
    #[must_use]
    pub fn of_ledger(self, file: &Path) -> Self {
        let ledger = file.canonicalize().ok();
        Self { ledger, ..self }
    }

    fn words(&self, error: &io::Error) -> String {
        format!("`{}`: {error}", self.notes.display())
    }

    fn part(&self, from_end: Option<u64>) -> io::Result<String> {
        part_of(&self.notes, from_end)
    }

    /// Writes down where the ledger is, if that is not what stands there.
    fn keep_place(&self) -> io::Result<()> {
        let Some(ledger) = &self.ledger else {
            return Ok(());
        };
        let file = self.notes.with_extension(PLACE);
        let place = ledger.as_os_str().as_encoded_bytes();
        no_pipe(&file)?;
        match fs::read(&file) {
            Ok(stands) if stands == place => Ok(()),
            _ => replace(&file, place),
        }
    }

    /// Note files of other logs whose ledger was at this path.
    fn others_here(&self) -> io::Result<Vec<PathBuf>> {
        let (Some(ledger), Some(folder)) = (&self.ledger, self.notes.parent()) else {
            return Ok(Vec::new());
        };
        let place = ledger.as_os_str().as_encoded_bytes();
        let rows = match fs::read_dir(folder) {
            Ok(rows) => rows,
            Err(error) if error.kind() == IoKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let files = rows.take(FILES_MAX).filter_map(Result::ok);
        let here = |file: &PathBuf| {
            let is_place = file.extension().is_some_and(|ending| ending == PLACE);
            is_place
                && no_pipe(file)
                    .and_then(|()| fs::read(file))
                    .is_ok_and(|stands| stands == place)
        };
        let places = files.map(|row| row.path()).filter(here);
        let mut notes: Vec<PathBuf> = places.map(|file| file.with_extension("notes")).collect();
        notes.retain(|notes| *notes != self.notes);
        notes.sort();
        Ok(notes)
    }

    fn add(&self, note: &str) -> io::Result<()> {
        if let Some(folder) = self.notes.parent() {
            paths::make_private(folder).map_err(|e| io::Error::other(e.message))?;
        }
        self.keep_place()?;
        no_pipe(&self.notes)?;
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&self.notes)?;
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
        match self.notes.parent() {
            Some(folder) if whole == 0 => fs::File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// Nothing, or a file: a pipe would be waited for, and a device has no end.
fn no_pipe(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(meta) if !meta.is_file() => Err(io::Error::other("it is no file")),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A file of notes, or its end from the beginning of a note; empty where there is none.
fn part_of(file: &Path, from_end: Option<u64>) -> io::Result<String> {
    no_pipe(file)?;
    let mut file = match File::open(file) {
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
        self.notes.display().to_string()
    }

    fn read(&self) -> Result<String, String> {
        self.part(None).map_err(|error| self.words(&error))
    }

    fn tail(&self) -> Result<String, String> {
        self.part(Some(TAIL_BYTES))
            .map_err(|error| self.words(&error))
    }

    fn before(&self) -> Result<Vec<(String, String)>, String> {
        let files = self.others_here().map_err(|error| self.words(&error))?;
        let read = |file: PathBuf| {
            let text = part_of(&file, Some(TAIL_BYTES)).map_err(|error| self.words(&error))?;
            Ok((file.display().to_string(), text))
        };
        files.into_iter().map(read).collect()
    }

    fn append(&self, note: &str) -> Result<(), String> {
        self.add(note).map_err(|error| self.words(&error))
    }
}

#[cfg(test)]
mod tests;
