//! Which files of the workspace a command changed, with what they held before and after `[O3]`.
//!
//! Two looks from outside the command. What cannot be told is said in [`Observed`], never guessed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thymos_core::Digest;
use thymos_core::delta::{Delta, Expect, FileImage, Resource, ResourceValue};
use thymos_core::outcome::{FaultKind, Observed};
use thymos_ports::tool::{ToolFault, ToolIo};
use thymos_sandbox::observe::{
    self, Change, FileKind, ObservedChanges, ScanLimits, SkippedFolders, TreeSnapshot,
};

use crate::body::failed;
use crate::image::{image, read};
use crate::limits::{
    DELTAS_MAX, HELD_BYTES_MAX, HELD_FILE_BYTES_MAX, OBSERVED_BYTES_MAX, OBSERVED_FILES_MAX,
};
use crate::text::counted;
use crate::workspace::{Workspace, has_protected_name};

/// File contents by path below the root.
type Held = BTreeMap<PathBuf, Vec<u8>>;

/// A look taken before a command.
pub(crate) struct Watch {
    root: PathBuf,
    closed: Vec<PathBuf>,
    before: TreeSnapshot,
    held: Held,
}

const LIMITS: ScanLimits = ScanLimits {
    files_max: OBSERVED_FILES_MAX,
    bytes_max: OBSERVED_BYTES_MAX,
    content_bytes_max: HELD_FILE_BYTES_MAX,
    skipped: SkippedFolders::BuildOutput,
};

impl Watch {
    /// Looks at the tree. Contents of `closed` paths are not held.
    pub(crate) async fn begin(root: &Path, closed: Vec<PathBuf>) -> Result<Self, ToolFault> {
        let root = root.to_owned();
        let look = move || {
            let mut held = Held::new();
            let mut bytes = 0;
            let mut hear = |_: &Path, path: &Path, content: &[u8]| {
                let fits = bytes + content.len() <= HELD_BYTES_MAX;
                if fits && !closed.iter().any(|one| root.join(path).starts_with(one)) {
                    bytes += content.len();
                    held.insert(path.to_owned(), content.to_vec());
                }
            };
            let before = observe::scan(std::slice::from_ref(&root), &LIMITS, Some(&mut hear));
            Self {
                root,
                closed,
                before,
                held,
            }
        };
        let looked = tokio::task::spawn_blocking(look).await;
        looked.map_err(|why| failed(format!("the workspace could not be looked at: {why}")))
    }

    /// Looks again and tells the difference, keeping contents as blobs.
    pub(crate) async fn end(
        self,
        workspace: &Workspace,
        io: &mut ToolIo<'_>,
    ) -> Result<(Vec<Delta>, Observed), ToolFault> {
        let before = self.before.clone();
        let look = move || {
            let after = observe::rescan(&before, &LIMITS, None);
            (observe::diff(&before, &after), after.files_seen)
        };
        let looked = tokio::task::spawn_blocking(look).await;
        // A look that panicked: the command ran, and what it did is not known.
        let (seen, files) = looked.map_err(|why| {
            let message = format!("the workspace could not be looked at: {why}");
            ToolFault::new(FaultKind::Panicked, message)
        })?;
        let mut telling = Telling::default();
        for change in &seen.changes {
            self.tell(workspace, io, change, &mut telling);
        }
        let observed = telling.observed(&seen, files, &self.root);
        Ok((telling.deltas, observed))
    }

    fn tell(&self, workspace: &Workspace, io: &ToolIo<'_>, change: &Change, telling: &mut Telling) {
        let kinds = [&change.before, &change.after].map(|one| one.as_ref().map(|image| image.kind));
        if kinds.contains(&Some(FileKind::Link)) || kinds.contains(&Some(FileKind::Special)) {
            telling.other_kinds += 1;
            return;
        }
        let Some(path) = change.path.to_str() else {
            telling.odd_names += 1;
            return;
        };
        if telling.deltas.len() >= DELTAS_MAX {
            telling.over += 1;
            return;
        }
        let closed = self
            .closed
            .iter()
            .any(|one| self.root.join(path).starts_with(one));
        let before = match (&change.before, self.held.get(&change.path)) {
            (Some(seen), Some(content)) if keep(io, path, content).is_ok() => {
                Some(image(content, seen.mode))
            }
            // Nobody held it, or it could not be kept: either way it cannot be brought back.
            (Some(_), _) => {
                telling.unheld.push(path.to_owned());
                None
            }
            // Where a look broke off, a file may only seem to be new.
            (None, _) if !self.before.complete => {
                telling.unsure.push(path.to_owned());
                None
            }
            (None, _) => None,
        };
        let after = match &change.after {
            Some(_) if !closed => after(workspace, io, path, telling),
            Some(_) | None => None,
        };
        if change.after.is_some() && after.is_none() {
            telling.unread += 1;
            return;
        }
        telling.deltas.push(Delta {
            resource: Resource::File(path.to_owned()),
            // Seen, not asked for: it has happened whatever the record held before.
            expect: Expect::Anything,
            before: before.map(ResourceValue::File),
            after: after.map(ResourceValue::File),
        });
    }
}

/// `[R1]` `[R3]` What stands in a file of a protected name is a secret, also where no detector knows its form.
fn keep(io: &ToolIo<'_>, path: &str, content: &[u8]) -> Result<Digest, String> {
    match path.split('/').any(has_protected_name) {
        true => io.blobs.keep_sealed(content),
        false => io.blobs.keep(content),
    }
}

fn after(
    workspace: &Workspace,
    io: &ToolIo<'_>,
    path: &str,
    telling: &mut Telling,
) -> Option<FileImage> {
    let content = read(workspace, path).ok()?;
    let seen = content.image();
    if seen.is_some() && keep(io, path, &content.bytes).is_err() {
        telling.unkept += 1;
    }
    seen
}

/// Deltas, and counts of what could not be told.
#[derive(Default)]
struct Telling {
    deltas: Vec<Delta>,
    other_kinds: usize,
    odd_names: usize,
    over: usize,
    unheld: Vec<String>,
    unsure: Vec<String>,
    unread: usize,
    unkept: usize,
}

impl Telling {
    fn observed(&self, seen: &ObservedChanges, files: usize, root: &Path) -> Observed {
        let counts = [
            (self.over, "more changed file", "counted only"),
            (
                self.other_kinds,
                "changed link or special file",
                "not recorded",
            ),
            (
                self.odd_names,
                "changed file whose name is not UTF-8",
                "not recorded",
            ),
            (
                self.unheld.len(),
                "changed file",
                "without its earlier content",
            ),
            (self.unread, "changed file", "could not be read"),
            (
                self.unkept,
                "changed file",
                "too large for its content to be kept",
            ),
        ];
        let mut notes: Vec<String> = counts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, noun, what)| format!("{} {what}", counted(count, noun)))
            .collect();
        if !seen.unobserved.is_empty() {
            let named = seen.unobserved.iter().take(5).map(|path| {
                path.strip_prefix(root)
                    .unwrap_or(path)
                    .display()
                    .to_string()
            });
            let named: Vec<String> = named.collect();
            notes.push(format!("not looked into: {}", named.join(", ")));
        }
        if !seen.complete {
            notes.push("not every file could be looked at before and after".to_owned());
        }
        let missed = self.over + self.other_kinds + self.odd_names + self.unread;
        let unheld = [self.unheld.as_slice(), &self.unsure].concat();
        Observed {
            files: files as u64,
            unobserved: seen.unobserved.len() as u64,
            complete: seen.complete && seen.unobserved.is_empty() && missed + unheld.len() == 0,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            unheld,
            untold: missed as u64,
        }
    }
}
