//! Snapshots of one log and tenant, in the cache folder, mode 0600 `[L15]`: a file of rows, a folder with a
//! file for each long run, and a file that says how far the log was verified.
//!
//! A cache like any other: taking it away costs one fold of the log. What it is worth is for the kernel to
//! say.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thymos_core::id::Digest;
use thymos_core::{LogId, TrajectoryId};
use thymos_runtime::snapshot::SnapshotPlace;

use crate::config::paths;

/// Bytes of such a file: some hundred thousand runs. A larger one is not read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of the snapshot of one run: some two hundred thousand entries. A larger one is neither written nor
/// read.
const RUN_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Runs whose snapshots are kept; that which was written longest ago goes first.
const RUNS_MAX: usize = 64;

/// Bytes of them together.
const RUNS_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The file of rows, the folder of runs, and the file of what was verified.
pub struct SnapshotFiles {
    rows: PathBuf,
    runs: PathBuf,
    checked: PathBuf,
}

impl SnapshotFiles {
    /// Those of a log and a tenant of it, in the folder of snapshots.
    #[must_use]
    pub fn new(folder: &Path, log: &LogId, tenant: &str) -> Self {
        let tenant = match tenant {
            "" => String::new(),
            named => format!("-{}", Digest::of(named.as_bytes()).short()),
        };
        Self {
            rows: folder.join(format!("{log}{tenant}.rows")),
            runs: folder.join(format!("{log}{tenant}.runs")),
            checked: folder.join(format!("{log}{tenant}.checked")),
        }
    }

    fn run(&self, run: &TrajectoryId) -> PathBuf {
        self.runs.join(run.to_string())
    }

    /// Takes those away that are too many, or too much.
    fn prune(&self) {
        let found = fs::read_dir(&self.runs).into_iter().flatten().flatten();
        let mut files: Vec<_> = found
            .filter_map(|file| {
                let about = file.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), file.path()))
            })
            .collect();
        files.sort_unstable();
        let mut kept = 0_u64;
        for (ordinal, (_, bytes, path)) in files.into_iter().rev().enumerate() {
            kept = kept.saturating_add(bytes);
            if ordinal >= RUNS_MAX || kept > RUNS_BYTES_MAX {
                drop(fs::remove_file(path));
            }
        }
    }
}

impl SnapshotPlace for SnapshotFiles {
    fn read(&self) -> Option<Vec<u8>> {
        read(&self.rows, FILE_BYTES_MAX)
    }

    fn write(&self, bytes: &[u8]) {
        write(&self.rows, bytes);
    }

    fn read_run(&self, run: &TrajectoryId) -> Option<Vec<u8>> {
        read(&self.run(run), RUN_BYTES_MAX)
    }

    fn write_run(&self, run: &TrajectoryId, bytes: &[u8]) {
        if bytes.len() as u64 <= RUN_BYTES_MAX {
            write(&self.run(run), bytes);
            self.prune();
        }
    }

    fn clear_run(&self, run: &TrajectoryId) {
        clear(&self.run(run));
    }

    fn read_checked(&self) -> Option<Vec<u8>> {
        read(&self.checked, FILE_BYTES_MAX)
    }

    fn write_checked(&self, bytes: &[u8]) {
        write(&self.checked, bytes);
    }

    fn clear(&self) {
        clear(&self.rows);
        clear(&self.checked);
        // Neither may be there.
        drop(fs::remove_dir_all(&self.runs));
    }
}

fn read(path: &Path, bytes_max: u64) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut bytes = Vec::new();
    let read = file.take(bytes_max).read_to_end(&mut bytes);
    read.ok().filter(|_| length <= bytes_max)?;
    Some(bytes)
}

fn write(path: &Path, bytes: &[u8]) {
    let ready = path.parent().map(paths::make_private);
    if matches!(ready, Some(Ok(()))) {
        // A disk that is full, or a folder that is another's: the next start folds.
        drop(put(path, bytes));
    }
}

/// Writes a file beside and puts it in place. It is not synced: what a power loss tears has no seal.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    let open = options.write(true).create(true).truncate(true).mode(0o600);
    let written = open
        .open(&beside)
        .and_then(|mut out| out.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path));
    match written {
        Ok(()) => sweep(path),
        Err(_) => drop(fs::remove_file(&beside)),
    }
    written
}

fn clear(path: &Path) {
    // It may not be there.
    drop(fs::remove_file(path));
    sweep(path);
}

/// Whoever was killed while it wrote one left it beside. One who writes at this moment loses what it writes:
/// there is a newer one, or none is wanted.
fn sweep(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return;
    };
    let beside = format!(".{}.", name.to_string_lossy());
    for found in fs::read_dir(folder).into_iter().flatten().flatten() {
        if found.file_name().to_string_lossy().starts_with(&beside) {
            drop(fs::remove_file(found.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> SnapshotFiles {
        SnapshotFiles::new(folder, &LogId::of(b"one"), "")
    }

    fn names(folder: &Path) -> Vec<String> {
        let found = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<_> = found
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn l15_what_stands_there_is_whole_private_and_of_its_log_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (one, run) = (place(folder.path()), TrajectoryId::of(b"run"));
        assert_eq!((one.read(), one.read_run(&run)), (None, None));
        one.write(b"rows");
        one.write_checked(b"so far");
        assert_eq!(one.read_checked(), Some(b"so far".to_vec()));
        one.write_run(&run, b"first");
        one.write_run(&run, b"second");
        assert_eq!(one.read(), Some(b"rows".to_vec()));
        assert_eq!(one.read_run(&run), Some(b"second".to_vec()));
        let other = SnapshotFiles::new(folder.path(), &LogId::of(b"two"), "");
        let tenant = SnapshotFiles::new(folder.path(), &LogId::of(b"one"), "acme");
        assert_eq!((other.read(), other.read_run(&run)), (None, None));
        assert_eq!((tenant.read(), tenant.read_run(&run)), (None, None));
        for (path, mode) in [
            (one.run(&run), 0o600),
            (one.runs.clone(), 0o700),
            (one.rows.clone(), 0o600),
        ] {
            use std::os::unix::fs::PermissionsExt;
            let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{}", path.display());
        }
        one.clear_run(&run);
        assert_eq!(one.read_run(&run), None);
        one.write_run(&run, b"third");
        one.clear();
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn l15_what_a_killed_writer_left_goes_with_the_next_one_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let one = place(folder.path());
        one.write(b"rows");
        let name = one.rows.file_name().unwrap().to_string_lossy().into_owned();
        let left = folder.path().join(format!(".{name}.4711"));
        fs::write(&left, "half").unwrap();
        one.write(b"newer");
        assert_eq!(names(folder.path()), [name]);
        assert_eq!(one.read(), Some(b"newer".to_vec()));
    }

    #[test]
    fn l15_the_oldest_go_where_they_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let one = place(folder.path());
        let run = |number: usize| TrajectoryId::of(&number.to_be_bytes());
        for number in 0..RUNS_MAX + 3 {
            one.write_run(&run(number), b"x");
            let age = std::time::Duration::from_secs(u64::try_from(1_000 - number).unwrap());
            let at = fs::metadata(one.run(&run(number)))
                .unwrap()
                .modified()
                .unwrap()
                - age;
            let file = File::options()
                .write(true)
                .open(one.run(&run(number)))
                .unwrap();
            file.set_modified(at).unwrap();
        }
        one.write_run(&run(RUNS_MAX + 3), b"x");
        assert_eq!(names(&one.runs).len(), RUNS_MAX);
        assert_eq!((one.read_run(&run(0)), one.read_run(&run(3))), (None, None));
        assert!(one.read_run(&run(4)).is_some() && one.read_run(&run(RUNS_MAX + 3)).is_some());
    }

    #[test]
    fn l15_one_that_is_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let one = place(folder.path());
        one.write(b"rows");
        let file = File::options().write(true).open(&one.rows).unwrap();
        file.set_len(FILE_BYTES_MAX + 1).unwrap();
        assert_eq!(one.read(), None);
    }
}
