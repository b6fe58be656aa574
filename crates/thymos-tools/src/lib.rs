//! The built-in tools: contracts as data, bodies that act only on what their `Begun` names.
//!
//! Decides nothing and records nothing. Files are reached relative to one opened workspace root,
//! and processes only through the cage. [`builtin()`] lists every tool; each has one file.
#![forbid(unsafe_code)]

mod builtin;
mod limits;

mod args;
mod body;
mod contract;
mod delegate;

mod files;
mod image;
mod postcondition;
mod preview;
mod text;
mod walk;
mod workspace;

mod fs_patch;
mod fs_read;
mod fs_write;
mod glob;
mod grep;
mod list_files;
mod restore;

mod process;
mod shell;
mod test_run;

mod kv_delete;
mod kv_get;
mod kv_list;
mod kv_set;
mod memory;
mod memory_forget;
mod memory_list;
mod memory_recall;
mod memory_write;
mod store;

#[cfg(test)]
mod testing;

pub use builtin::{ToolsConfig, builtin, delegate};
pub use files::{Files, files};
pub use fs_patch::apply_patch;
pub use workspace::WorkspaceError;
