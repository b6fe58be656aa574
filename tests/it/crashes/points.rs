//! Points where a process meets the world, counted; at one of them it may be killed.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

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
    /// A tool's body ended, and the kernel has not been seen since.
    outcome: Option<String>,
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every point so far, in order; the first has the number 0.
    pub(super) fn passed(&self) -> Vec<String> {
        self.state().passed.clone()
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
        let done = act();
        then(&done);
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
