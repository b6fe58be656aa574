//! The files of the workspace for the app, as the tools see them: ignore files honoured, protected paths left out.

use std::path::Path;
use std::sync::Arc;

use crate::app::run::{FileList, ListFiles};
use crate::config::{Config, Env};

/// What lists the files of a folder. Opens it anew each time, off the screen's thread.
#[must_use]
pub fn lister(env: &Env, config: &Config, directory: &Path) -> ListFiles {
    let (root, protected) = (directory.to_path_buf(), super::protected(env, config));
    Arc::new(move |hidden, cancel| {
        let found = thymos_tools::files(&root, protected.clone(), hidden, cancel);
        let found = found.map_err(|error| error.to_string())?;
        Ok(FileList {
            paths: found.paths,
            stopped_after: found.stopped_after,
        })
    })
}
