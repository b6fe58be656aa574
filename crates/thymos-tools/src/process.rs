//! Runs one command in the cage and tells what it did. The only way a tool starts a process.
//!
//! Classifies nothing: which class a command has was decided before, and arrives as [`Writes`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use thymos_core::delta::Delta;
use thymos_core::isolation::Rung;
use thymos_core::outcome::{BlobRef, Fault, FaultKind, Observed, Outcome};
use thymos_core::resolved::ResolvedExec;
use thymos_ports::tool::{ToolFault, ToolIo};
use thymos_sandbox::{CageError, CageReport, CageSpec, Exit, Limits, Network, ReadScope};

use crate::body::moved;
use crate::limits::{
    CHILD_FILE_BYTES_MAX, CHILD_MEMORY_BYTES_MAX, CHILD_OPEN_FILES_MAX, CHILD_PROCESSES_MAX,
};
use crate::workspace::{Fence, Workspace};

pub(crate) mod executable;
mod observed;
mod transcript;

use observed::Watch;
use transcript::Transcript;

/// What every command gets, chosen by the app.
pub(crate) struct Runner {
    pub(crate) workspace: Arc<Workspace>,
    pub(crate) search_path: Vec<PathBuf>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) tmp: PathBuf,
    pub(crate) extra_read: Vec<PathBuf>,
    /// The highest rung that this machine was found to offer.
    pub(crate) best: thymos_sandbox::Rung,
}

/// Where a command may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// Nowhere: it was classed as a read.
    Nowhere,
    /// In the workspace and the folder for temporary files.
    Workspace,
}

/// A command as permitted.
pub(crate) struct Job<'a> {
    pub(crate) exec: &'a ResolvedExec,
    pub(crate) writes: Writes,
    pub(crate) rung: Rung,
}

/// A command that ended by itself.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    /// What it printed, cut in the middle when long.
    pub(crate) text: String,
    pub(crate) truncated: bool,
    pub(crate) output: Option<BlobRef>,
    pub(crate) deltas: Vec<Delta>,
    pub(crate) observed: Option<Observed>,
    pub(crate) notes: Vec<String>,
    pub(crate) duration_ms: u64,
    pub(crate) rung: Rung,
}

/// Set for every child: no pager, no prompt, no colour, no lock taken for looking.
const FIXED_ENV: [(&str, &str); 8] = [
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    // There is no network in the cage, and cargo is quicker to say so when it knows.
    ("CARGO_NET_OFFLINE", "true"),
    ("npm_config_offline", "true"),
];

impl Runner {
    /// Runs a command to its end.
    pub(crate) async fn run(&self, job: Job<'_>, io: &mut ToolIo<'_>) -> Result<Ran, ToolFault> {
        let program = self.still_there(job.exec)?;
        if cage_rung(job.rung) > self.best {
            let message = format!(
                "rung {} was promised and this machine offers {}",
                job.rung, self.best
            );
            return Err(ToolFault::new(FaultKind::Cage, message));
        }
        let (protected, searched) = Fence::of(&self.workspace).for_child(job.rung);
        let mut notes = Vec::new();
        if !searched {
            notes.push("the workspace is too large to find every `.env` file in it".to_owned());
        }
        let spec = self.spec(&job, program, self.relevant(protected.clone()));
        let watch = match job.writes {
            Writes::Nowhere => None,
            Writes::Workspace => Some(Watch::begin(self.workspace.root(), protected).await?),
        };
        let mut transcript = Transcript::new();
        let live = &mut *io.live;
        let mut hear = |_, bytes: &[u8]| {
            transcript.push(bytes);
            live(bytes);
        };
        let report = thymos_sandbox::run(spec, io.cancel.clone(), &mut hear).await;
        let report = report.map_err(|why| caged_fault(&why))?;
        // From here on it has happened: what cannot be kept of it is said, and is no fault of the call,
        // or the record would tell that nothing was done [X1].
        let (deltas, observed) = match watch {
            None => (Vec::new(), None),
            Some(watch) => {
                let (deltas, observed) = watch.end(&self.workspace, io).await?;
                (deltas, Some(observed))
            }
        };
        notes.extend(report.notes.iter().cloned());
        let spilled = transcript.spill().map(|bytes| {
            let kept = io.blobs.keep(bytes);
            kept.map(|digest| BlobRef {
                digest,
                size: bytes.len() as u64,
            })
        });
        if let Some(Err(why)) = &spilled {
            notes.push(format!("the whole output could not be kept: {why}"));
        }
        let truncated = spilled.is_some();
        let output = spilled.and_then(Result::ok);
        let ran = Ran {
            exit: report.exit,
            truncated,
            text: transcript.text(output.is_some()),
            output,
            deltas,
            observed,
            notes,
            duration_ms: report.duration_ms,
            rung: job.rung,
        };
        ended(&report, job.exec, ran)
    }

    /// `[C12]` at the moment of acting: the same bytes at the same place, in the same folder.
    fn still_there(&self, exec: &ResolvedExec) -> Result<PathBuf, ToolFault> {
        let name = exec.argv.first().map_or("", String::as_str);
        let found = executable::find(self, name, &exec.cwd).map_err(|why| moved(why.message))?;
        if found.real.to_str() != Some(&exec.executable) || found.digest != exec.executable_digest {
            return Err(moved(format!(
                "`{name}` is not the executable that was looked at"
            )));
        }
        if self.workspace.open_folder(&exec.cwd).is_err() {
            return Err(moved(format!(
                "`{}` is no longer the folder that was looked at",
                exec.cwd
            )));
        }
        Ok(found.path)
    }

    /// What a reader should know of the cage before deciding.
    pub(crate) fn cage_notes(&self, rung: Rung) -> Vec<String> {
        match rung {
            Rung::L0 | Rung::L1 => vec![format!(
                "no cage here keeps it inside the workspace ({rung}: {})",
                rung.describe()
            )],
            // Landlock gives rights and takes none away, so the way to a closed file is closed too.
            Rung::L2 => {
                let (closed, _) = Fence::of(&self.workspace).for_child(rung);
                let root = self.workspace.root();
                let inside = closed.iter().find_map(|path| path.strip_prefix(root).ok());
                let note = inside.map(|path| {
                    let path = path.display();
                    format!("at {rung}, to keep `{path}` closed, it can make no new file in the folders above it")
                });
                note.into_iter().collect()
            }
            Rung::L3 | Rung::L4 => Vec::new(),
        }
    }

    /// Protected paths that exist, or that a child could make.
    fn relevant(&self, protected: Vec<PathBuf>) -> Vec<PathBuf> {
        let matters = |path: &PathBuf| path.exists() || path.starts_with(self.workspace.root());
        protected.into_iter().filter(matters).collect()
    }

    fn spec(&self, job: &Job<'_>, program: PathBuf, protected: Vec<PathBuf>) -> CageSpec {
        let rest = job.exec.argv.iter().skip(1).map(OsString::from);
        let root = self.workspace.root().to_owned();
        let mut read = thymos_sandbox::system_read_roots();
        read.push(root.clone());
        read.extend(self.search_path.iter().chain(&self.extra_read).cloned());
        // An executable named by its path may lie in none of these; only itself is opened.
        read.push(PathBuf::from(&job.exec.executable));
        read.retain(|folder| folder.exists());
        CageSpec {
            argv: std::iter::once(program.into_os_string())
                .chain(rest)
                .collect(),
            cwd: self.workspace.absolute(&job.exec.cwd),
            env: self.child_env(&job.exec.env),
            stdin: Vec::new(),
            read: ReadScope::Roots(read),
            write_roots: match job.writes {
                Writes::Nowhere => Vec::new(),
                Writes::Workspace => vec![root, self.tmp.clone()],
            },
            protected,
            network: Network::None,
            limits: Limits {
                wall_clock_ms: job.exec.timeout_ms,
                // The transcript is kept here, in the order of arrival.
                output_bytes_max: 0,
                memory_bytes_max: CHILD_MEMORY_BYTES_MAX,
                processes_max: CHILD_PROCESSES_MAX,
                open_files_max: CHILD_OPEN_FILES_MAX,
                file_size_bytes_max: CHILD_FILE_BYTES_MAX,
            },
            rung: cage_rung(job.rung),
            rung_min: cage_rung(job.rung),
        }
    }

    fn child_env(&self, added: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        env.extend(FIXED_ENV.map(|(name, value)| (name.to_owned(), value.to_owned())));
        env.extend(self.env.iter().cloned());
        env.extend(added.clone());
        let path: Vec<&str> = self
            .search_path
            .iter()
            .filter_map(|folder| folder.to_str())
            .collect();
        env.insert("PATH".to_owned(), path.join(":"));
        env.extend(
            self.tmp
                .to_str()
                .map(|tmp| ("TMPDIR".to_owned(), tmp.to_owned())),
        );
        env.into_iter().collect()
    }
}

impl Ran {
    /// How it ended, in words.
    pub(crate) fn ending(&self) -> String {
        match self.exit {
            Exit::Code(code) => format!("exit code {code}"),
            Exit::Signal(signal) => format!("killed by signal {signal}"),
            Exit::TooManyProcesses => "killed: too many processes".to_owned(),
            Exit::TimedOut | Exit::Cancelled | Exit::Unknown => "stopped".to_owned(),
        }
    }

    /// The outcome, with what the model reads ending in how it ended.
    pub(crate) fn outcome(self, summary: String) -> Outcome {
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        for note in &self.notes {
            text.push_str(&format!("[{note}]\n"));
        }
        let changed = match self.deltas.len() {
            0 => String::new(),
            count => format!(", {} changed", crate::text::counted(count, "file")),
        };
        text.push_str(&format!("[{}{changed}]\n", self.ending()));
        let code = match self.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_)
            | Exit::TimedOut
            | Exit::Cancelled
            | Exit::TooManyProcesses
            | Exit::Unknown => None,
        };
        let mut outcome = Outcome::said(format!("{summary}: {}{changed}", self.ending()), text);
        outcome.ok = code == Some(0);
        outcome.exit_code = code;
        outcome.truncated = self.truncated;
        outcome.output = self.output;
        outcome.deltas = self.deltas;
        outcome.observed = self.observed;
        outcome.rung = Some(self.rung);
        outcome
    }
}

/// A command stopped from outside is a fault, with all that is known of its effect `[X4]`.
fn ended(report: &CageReport, exec: &ResolvedExec, ran: Ran) -> Result<Ran, ToolFault> {
    let (kind, message) = match report.exit {
        Exit::Code(_) | Exit::Signal(_) | Exit::TooManyProcesses => return Ok(ran),
        Exit::TimedOut => (
            FaultKind::TimedOut,
            format!("it was stopped after {} ms", exec.timeout_ms),
        ),
        Exit::Cancelled => (FaultKind::Cancelled, "it was stopped on demand".to_owned()),
        // Not for want of a cage: it may have done anything by then.
        Exit::Unknown => (
            FaultKind::Panicked,
            "nobody could tell how it ended".to_owned(),
        ),
    };
    Err(ToolFault(Fault {
        kind,
        message,
        deltas: ran.deltas,
        observation: ran.text,
    }))
}

fn caged_fault(why: &CageError) -> ToolFault {
    let kind = match why {
        CageError::ExecutableMissing { .. } => FaultKind::Moved,
        CageError::ExecutableRefused { .. } => FaultKind::Failed,
        _ => FaultKind::Cage,
    };
    let source = std::error::Error::source(why).map(|source| format!(": {source}"));
    ToolFault::new(kind, format!("{why}{}", source.unwrap_or_default()))
}

const fn cage_rung(rung: Rung) -> thymos_sandbox::Rung {
    match rung {
        Rung::L0 => thymos_sandbox::Rung::L0,
        Rung::L1 => thymos_sandbox::Rung::L1,
        Rung::L2 => thymos_sandbox::Rung::L2,
        Rung::L3 => thymos_sandbox::Rung::L3,
        Rung::L4 => thymos_sandbox::Rung::L4,
    }
}

#[cfg(test)]
mod tests;
