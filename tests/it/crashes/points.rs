//! Points where a process meets the world, counted; at one of them it may be killed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use tempfile::TempDir;
use thymos_core::EntryId;

use super::matrix::{copy_folder, scratch};

/// What a line to the parent begins with: other words share its output.
pub(super) const MARK: &str = "crash> ";

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kill {
    /// The number of the point.
    pub(super) at: u64,
    /// Bytes that the write after that point may still add to its file.
    pub(super) torn: Option<u64>,
}

/// The points of one process. Clones share the count.
#[derive(Clone, Default)]
pub(super) struct Points(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    aloud: bool,
    kill: Option<Kill>,
    passed: Vec<String>,
    acknowledged: Vec<(u64, EntryId)>,
    /// A tool's body ended, and the kernel has not been seen since.
    outcome: Option<String>,
    camera: Option<Camera>,
}

/// Takes what stands on disk at some points, as if the power went there.
struct Camera {
    /// The folder of the story.
    folder: PathBuf,
    /// The write-ahead file of its ledger.
    wal: PathBuf,
    at: BTreeSet<u64>,
    /// Bytes of that file that were synced.
    synced: u64,
    /// The same, and entries that were acknowledged, before the write that is under way.
    before: (u64, usize),
    taken: Vec<Taken>,
}

/// What stood on disk at a point.
pub(super) struct Taken {
    pub(super) label: String,
    pub(super) folder: TempDir,
    /// Bytes of the write-ahead file that a disk must not lose.
    pub(super) synced: u64,
    /// What was acknowledged by then.
    pub(super) acknowledged: Vec<(u64, EntryId)>,
    /// Both, as they were before the write that had just ended: it may be lost in part if the power went a
    /// moment earlier.
    pub(super) before: (u64, usize),
}

impl Points {
    /// Those of a process that tells its parent, and that is killed at one of them.
    pub(super) fn aloud(kill: Option<Kill>) -> Self {
        let points = Self::default();
        let mut state = points.state();
        state.aloud = true;
        state.kill = kill;
        drop(state);
        points
    }

    /// Those of a process of which is taken what stands in its folder at these points.
    pub(super) fn taking(folder: &Path, ledger: &Path, at: BTreeSet<u64>) -> Self {
        let points = Self::default();
        points.state().camera = Some(Camera {
            folder: folder.to_owned(),
            wal: PathBuf::from(format!("{}-wal", ledger.display())),
            at,
            synced: 0,
            before: (0, 0),
            taken: Vec::new(),
        });
        points
    }

    /// What was taken, in order.
    pub(super) fn taken(&self) -> Vec<Taken> {
        let mut state = self.state();
        let camera = state.camera.as_mut();
        camera.map_or_else(Vec::new, |camera| std::mem::take(&mut camera.taken))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every point so far, in order; the first has the number 0.
    pub(super) fn passed(&self) -> Vec<String> {
        self.state().passed.clone()
    }

    /// Every entry that was acknowledged so far.
    pub(super) fn acknowledged(&self) -> Vec<(u64, EntryId)> {
        self.state().acknowledged.clone()
    }

    /// An entry is acknowledged.
    pub(super) fn acknowledge(&self, index: u64, id: EntryId) {
        self.state().acknowledged.push((index, id));
        self.say(&format!("ack {index} {id}"));
    }

    /// Tells the parent.
    pub(super) fn say(&self, words: &str) {
        if self.state().aloud {
            println!("{MARK}{words}");
        }
    }

    /// Passes a point, or ends here.
    pub(super) fn pass(&self, label: &str) {
        if self.come_to(label).is_some() {
            die();
        }
    }

    /// Does what changes a file: a point before it, one after it, and a cut in the middle.
    pub(super) fn around<T>(&self, label: &str, file: &Path, act: impl FnOnce() -> T) -> T {
        self.around_and(label, file, act, |_| {})
    }

    /// The same, and what is told before the point after it.
    pub(super) fn around_and<T>(
        &self,
        label: &str,
        file: &Path,
        act: impl FnOnce() -> T,
        then: impl FnOnce(&T),
    ) -> T {
        match self.come_to(&format!("{label} before")) {
            Some(Kill {
                torn: Some(more), ..
            }) => {
                let length = std::fs::metadata(file).map_or(0, |file| file.len());
                cut_at(length + more);
                drop(act());
                // It wrote less than that.
                die()
            }
            Some(Kill { torn: None, .. }) => die(),
            None => {}
        }
        self.state().write_begins();
        let done = act();
        then(&done);
        // Content is not synced by itself.
        if label != "blob" {
            self.state().write_is_synced();
        }
        self.pass(&format!("{label} after"));
        done
    }

    /// The kill that is due here.
    fn come_to(&self, label: &str) -> Option<Kill> {
        let mut state = self.state();
        let at = u64::try_from(state.passed.len()).unwrap();
        state.passed.push(label.to_owned());
        if state.aloud {
            println!("{MARK}point {at} {label}");
        }
        state.take(at, label);
        state.kill.filter(|kill| kill.at == at)
    }

    /// A tool's body is over.
    pub(super) fn body_ended(&self, tool: &str) {
        self.state().outcome = Some(tool.to_owned());
    }

    /// The kernel does something: if a body had ended, it has the outcome now.
    pub(super) fn kernel_is_back(&self) {
        let tool = self.state().outcome.take();
        if let Some(tool) = tool {
            self.pass(&format!("outcome:{tool} after"));
        }
    }
}

impl State {
    fn write_begins(&mut self) {
        let acknowledged = self.acknowledged.len();
        if let Some(camera) = &mut self.camera {
            camera.before = (camera.synced, acknowledged);
        }
    }

    fn write_is_synced(&mut self) {
        if let Some(camera) = &mut self.camera {
            camera.synced = std::fs::metadata(&camera.wal).map_or(0, |file| file.len());
        }
    }

    // Nobody else has the ledger open, so it does no harm that this process's locks go when the copy is made.
    fn take(&mut self, at: u64, label: &str) {
        let Some(camera) = self.camera.as_mut().filter(|one| one.at.contains(&at)) else {
            return;
        };
        let folder = scratch();
        copy_folder(&camera.folder, folder.path());
        // Made anew from the rest when the machine comes up.
        drop(std::fs::remove_file(folder.path().join("ledger.db-shm")));
        camera.taken.push(Taken {
            label: label.to_owned(),
            folder,
            synced: camera.synced,
            acknowledged: self.acknowledged.clone(),
            before: camera.before,
        });
    }
}

/// Ends this process as nothing can that it could hear of.
fn die() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap();
    loop {
        std::thread::park();
    }
}

/// Has the system end this process in the middle of the write that makes a file longer than this.
fn cut_at(bytes: u64) {
    let limit = |bytes| Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Core, limit(0)).unwrap();
    setrlimit(Resource::Fsize, limit(bytes)).unwrap();
}
