//! The table of built-in tools, and what they are made from. One line a tool.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use thymos_ports::Tool;
use thymos_sandbox::CageProbe;

use crate::body::Governed;
use crate::process::Runner;
use crate::workspace::{Workspace, WorkspaceError};

/// What the tools are given once; all of it is the app's choice, none of it the model's.
#[derive(Debug, Clone)]
pub struct ToolsConfig {
    /// The workspace folder.
    pub root: PathBuf,
    /// Files and folders closed to every tool `[R3]`, absolute or relative to the root; `.env*` is
    /// closed besides.
    pub protected: Vec<PathBuf>,
    /// Where executables are looked up, in order; the children's `PATH`.
    pub search_path: Vec<PathBuf>,
    /// The environment of children, chosen from an allow list.
    pub env: Vec<(String, String)>,
    /// A private folder where children may write; made when missing.
    pub tmp: PathBuf,
    /// Folders that children may read beyond system, workspace and search path: toolchains.
    pub extra_read: Vec<PathBuf>,
    /// What the machine's cage offers; its best rung bounds what a command may ask for.
    pub cage: CageProbe,
}

/// Opens the workspace and makes every built-in tool.
///
/// # Errors
/// [`WorkspaceError`] when the root cannot be opened or the folder for temporary files not made.
pub fn builtin(config: ToolsConfig) -> Result<Vec<Arc<dyn Tool>>, WorkspaceError> {
    let workspace = Arc::new(Workspace::open(&config.root, config.protected.clone())?);
    let here = || Arc::clone(&workspace);
    let runner = Arc::new(runner(config, here())?);
    Ok(vec![
        Arc::new(Governed(crate::fs_read::FsRead::new(here()))),
        Arc::new(Governed(crate::list_files::ListFiles::new(here()))),
        Arc::new(Governed(crate::grep::Grep::new(here()))),
        Arc::new(Governed(crate::glob::Glob::new(here()))),
        Arc::new(Governed(crate::fs_write::FsWrite::new(here()))),
        Arc::new(Governed(crate::fs_patch::FsPatch::new(here()))),
        Arc::new(Governed(crate::restore::Restore::new(here()))),
        Arc::new(Governed(crate::shell::Shell::new(Arc::clone(&runner)))),
        Arc::new(Governed(crate::test_run::TestRun::new(runner))),
        Arc::new(Governed(crate::kv_get::KvGet::new())),
        Arc::new(Governed(crate::kv_set::KvSet::new())),
        Arc::new(Governed(crate::kv_list::KvList::new())),
        Arc::new(Governed(crate::kv_delete::KvDelete::new())),
        Arc::new(Governed(crate::memory_write::MemoryWrite::new())),
        Arc::new(Governed(crate::memory_recall::MemoryRecall::new())),
        Arc::new(Governed(crate::memory_list::MemoryList::new())),
        Arc::new(Governed(crate::memory_forget::MemoryForget::new())),
        delegate(),
    ])
}

/// The tool that orders agents; it needs no workspace.
#[must_use]
pub fn delegate() -> Arc<dyn Tool> {
    Arc::new(Governed(crate::delegate::Delegate::new()))
}

fn runner(config: ToolsConfig, workspace: Arc<Workspace>) -> Result<Runner, WorkspaceError> {
    let path = config.tmp;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    let tmp = made.and_then(|()| path.canonicalize());
    let tmp = tmp.map_err(|source| WorkspaceError::Tmp { path, source })?;
    Ok(Runner {
        workspace,
        search_path: config.search_path,
        env: config.env,
        tmp,
        extra_read: config.extra_read,
        best: config.cage.best,
    })
}
