//! File images: a file's digest, size and mode at one moment, and how one file is changed `[O2]`.
//!
//! Knows nothing of edits; it is handed the function from old content to new.

use std::io::Read;

use rustix::fs::Stat;
use rustix::io::Errno;
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::id::Digest;
use thymos_core::resolved::{Access, Resolved, ResolvedPath, ResolvedResource};
use thymos_core::world::World;
use thymos_ports::tool::{Keep, ToolFault, ToolIo};

use crate::body::{failed, moved};
use crate::limits::FILE_BYTES_MAX;
use crate::workspace::{Fence, PathFault, Save, SaveFault, Saved, Workspace, remove, save};

/// Permission bits of a file that a tool makes.
pub(crate) const NEW_FILE_MODE: u32 = 0o644;

/// A file as read.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stat: Stat,
    /// Whether `bytes` is the whole file.
    pub(crate) whole: bool,
}

impl Content {
    /// The image, unless only the beginning was read.
    pub(crate) fn image(&self) -> Option<FileImage> {
        self.whole
            .then(|| image(&self.bytes, self.stat.st_mode & 0o7777))
    }
}

pub(crate) fn image(bytes: &[u8], mode: u32) -> FileImage {
    FileImage {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        mode,
    }
}

/// Reads a file by its real path, as far as [`FILE_BYTES_MAX`].
pub(crate) fn read(workspace: &Workspace, path: &str) -> Result<Content, Errno> {
    let (file, stat) = workspace.open_file(path)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(FILE_BYTES_MAX as u64 + 1);
    let refused = |why: std::io::Error| Errno::from_io_error(&why).unwrap_or(Errno::IO);
    bounded.read_to_end(&mut bytes).map_err(refused)?;
    let whole = bytes.len() <= FILE_BYTES_MAX;
    bytes.truncate(FILE_BYTES_MAX);
    Ok(Content { bytes, stat, whole })
}

/// The world's version of a file, as a fact to decide on.
pub(crate) fn seen(world: &World, path: &str) -> ResolvedResource {
    let resource = Resource::File(path.to_owned());
    let version = world.get(&resource).map(|versioned| versioned.version);
    ResolvedResource { resource, version }
}

/// The change of one file as a delta that holds only if nobody else changed it `[O1]` `[O2]`.
pub(crate) fn file_delta(
    world: &World,
    path: &str,
    before: Option<FileImage>,
    after: Option<FileImage>,
) -> Delta {
    let seen = seen(world, path);
    Delta {
        resource: seen.resource,
        expect: seen.version.map_or(Expect::Absent, Expect::Exactly),
        before: before.map(ResourceValue::File),
        after: after.map(ResourceValue::File),
    }
}

/// A file that was changed, or was found changed already by an earlier run of the same call.
pub(crate) struct Changed {
    pub(crate) delta: Delta,
    pub(crate) saved: Saved,
    pub(crate) already: bool,
}

/// Deletes one file exactly as resolved, or not at all; its content is kept first.
pub(crate) fn delete(
    workspace: &Workspace,
    fact: &ResolvedPath,
    io: &ToolIo<'_>,
) -> Result<Delta, ToolFault> {
    let path = fact.path.as_str();
    unmoved(workspace, fact)?;
    let delta = file_delta(io.world, path, fact.before.clone(), None);
    let Some(content) = current(workspace, path)? else {
        return Ok(delta);
    };
    io.blobs.keep(&content.bytes).map_err(failed)?;
    remove(workspace, path, &content.stat).map_err(|fault| match fault {
        SaveFault::Moved => moved(format!("`{path}` changed while it was being deleted")),
        SaveFault::Refused(errno) => failed(format!("`{path}` cannot be deleted: {errno}")),
    })?;
    Ok(delta)
}

/// Whether a file is as it was resolved, or already as it is to become `[C12]`.
pub(crate) fn unmoved(workspace: &Workspace, fact: &ResolvedPath) -> Result<(), ToolFault> {
    let now = current(workspace, &fact.path)?;
    let found = now.as_ref().and_then(Content::image);
    if found == fact.before || found == fact.after {
        return Ok(());
    }
    Err(moved(format!(
        "`{}` is not what it was when this was decided",
        fact.path
    )))
}

/// What the files of a call hold that it is to change, where they still are as they were resolved.
pub(crate) fn overwritten(workspace: &Workspace, resolved: &Resolved, keep: Keep<'_>) {
    for fact in &resolved.paths {
        if fact.access == Access::Read || fact.before.is_none() || fact.before == fact.after {
            continue;
        }
        let now = current(workspace, &fact.path).ok().flatten();
        let held = now.filter(|content| content.image() == fact.before);
        if held.is_some_and(|content| !keep(&content.bytes)) {
            return;
        }
    }
}

/// From a file's old content to its new.
pub(crate) type Make<'m> = &'m dyn Fn(&[u8]) -> Result<Vec<u8>, ToolFault>;

/// Changes one file exactly as resolved, or not at all.
pub(crate) fn change(
    workspace: &Workspace,
    fact: &ResolvedPath,
    io: &ToolIo<'_>,
    make: Make<'_>,
) -> Result<Changed, ToolFault> {
    let path = fact.path.as_str();
    let Some(after) = &fact.after else {
        return Err(failed("what the file should become was not resolved"));
    };
    let current = current(workspace, path)?;
    let found = current.as_ref().and_then(Content::image);
    let delta = |mode| {
        let after = FileImage {
            mode,
            ..after.clone()
        };
        file_delta(io.world, path, fact.before.clone(), Some(after))
    };
    if found.as_ref() == Some(after) && fact.before.as_ref() != Some(after) {
        let (delta, saved) = (delta(after.mode), Saved::default());
        return Ok(Changed {
            delta,
            saved,
            already: true,
        });
    }
    // [C12] once more, at the moment of acting.
    if found != fact.before {
        return Err(moved(format!(
            "`{path}` is not what it was when this was decided"
        )));
    }
    let before_bytes = current.as_ref().map_or(&[][..], |content| &content.bytes);
    let content = make(before_bytes)?;
    if Digest::of(&content) != after.digest {
        return Err(moved(format!("`{path}` would not become what was decided")));
    }
    // Kept first: a pre-image that only exists after the change can be lost with it.
    if current.is_some() {
        io.blobs.keep(before_bytes).map_err(failed)?;
    }
    io.blobs.keep(&content).map_err(failed)?;
    let request = Save {
        path,
        content: &content,
        mode: after.mode,
        before: current.as_ref().map(|content| &content.stat),
    };
    let saved = save(workspace, &request).map_err(|fault| match fault {
        SaveFault::Moved => moved(format!("`{path}` changed while it was being written")),
        SaveFault::Refused(errno) => failed(format!("`{path}` cannot be written: {errno}")),
    })?;
    Ok(Changed {
        delta: delta(saved.mode.unwrap_or(after.mode)),
        saved,
        already: false,
    })
}

fn current(workspace: &Workspace, path: &str) -> Result<Option<Content>, ToolFault> {
    let content = match read(workspace, path) {
        Ok(content) => content,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno @ (Errno::LOOP | Errno::XDEV | Errno::NOTDIR | Errno::ISDIR | Errno::INVAL)) => {
            return Err(moved(format!(
                "`{path}` is no longer the file that was looked at: {errno}"
            )));
        }
        Err(errno) => return Err(failed(format!("`{path}` cannot be read: {errno}"))),
    };
    // [R3] It may have become another name of a protected file since.
    if Fence::of(workspace).closes(path, Some(&content.stat)) {
        return Err(moved(format!("`{path}` {}", PathFault::Protected)));
    }
    Ok(Some(content))
}

/// The one path of a call, with what the call does to it.
pub(crate) fn path_fact(path: &str, access: Access, before: Option<FileImage>) -> ResolvedPath {
    ResolvedPath {
        arg: "path".to_owned(),
        path: path.to_owned(),
        access,
        before,
        after: None,
    }
}
