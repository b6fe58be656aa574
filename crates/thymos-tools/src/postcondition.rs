//! Looks again at the files of an outcome: whether each is what its delta says `[X5]`. Changes nothing,
//! and does not know which tool wrote them.

use rustix::io::Errno;
use thymos_core::delta::{FileImage, Resource, ResourceValue};
use thymos_core::outcome::Outcome;
use thymos_ports::tool::Unmet;

use crate::image::{Content, read};
use crate::workspace::{Fence, Workspace};

/// What stands at a path now.
enum Found {
    Gone,
    File(FileImage),
    /// A file that was not read, since its size says that it is another one.
    Sized {
        size: u64,
        mode: u32,
    },
    Other(String),
}

/// Whether every file of the outcome is what its delta says: there as a regular file with that content,
/// size and permissions, or gone.
pub(crate) fn files_are_so(workspace: &Workspace, outcome: &Outcome) -> Result<(), Unmet> {
    for delta in &outcome.deltas {
        let Resource::File(path) = &delta.resource else {
            continue;
        };
        let expected = match &delta.after {
            Some(ResourceValue::File(image)) => Some(image),
            Some(ResourceValue::Json(_)) => continue,
            None => None,
        };
        file_is_so(workspace, path, expected)?;
    }
    Ok(())
}

fn file_is_so(
    workspace: &Workspace,
    path: &str,
    expected: Option<&FileImage>,
) -> Result<(), Unmet> {
    let found = look(workspace, path, expected);
    let holds = match (expected, &found) {
        (None, Found::Gone) => true,
        (Some(expected), Found::File(image)) => expected == image,
        (None | Some(_), _) => false,
    };
    if holds {
        return Ok(());
    }
    Err(Unmet {
        subject: path.to_owned(),
        expected: expected.map_or_else(|| "gone".to_owned(), in_words),
        found: found.in_words(),
    })
}

fn look(workspace: &Workspace, path: &str, expected: Option<&FileImage>) -> Found {
    let stat = match workspace.open_file(path) {
        Ok((_, stat)) => stat,
        Err(errno) => return Found::instead(errno),
    };
    // [R3] What has become another name of a protected file is not read, and its digest not told.
    if Fence::of(workspace).closes(path, Some(&stat)) {
        return Found::Other("a protected file".to_owned());
    }
    let (size, mode) = (stat.st_size.unsigned_abs(), stat.st_mode & 0o7777);
    // Only what may be the file itself is read: never more than the tool has just written.
    if expected.is_none_or(|expected| expected.size != size) {
        return Found::Sized { size, mode };
    }
    match read(workspace, path) {
        Ok(content) => match Content::image(&content) {
            Some(image) => Found::File(image),
            None => Found::Sized { size, mode },
        },
        Err(errno) => Found::instead(errno),
    }
}

impl Found {
    fn instead(errno: Errno) -> Self {
        Self::Other(match errno {
            Errno::NOENT | Errno::NOTDIR => return Self::Gone,
            Errno::LOOP | Errno::XDEV => "reached through a link".to_owned(),
            Errno::ISDIR => "a folder".to_owned(),
            Errno::INVAL => "no regular file".to_owned(),
            other => format!("not to be read: {other}"),
        })
    }

    fn in_words(&self) -> String {
        match self {
            Self::Gone => "gone".to_owned(),
            Self::File(image) => in_words(image),
            Self::Sized { size, mode } => format!("a file of {size} bytes and mode {mode:03o}"),
            Self::Other(words) => words.clone(),
        }
    }
}

fn in_words(image: &FileImage) -> String {
    let (size, mode, digest) = (image.size, image.mode, image.digest.short());
    format!("a file of {size} bytes, mode {mode:03o} and digest {digest}")
}

#[cfg(test)]
mod tests;
