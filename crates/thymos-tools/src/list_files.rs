//! `list_files`: the files and folders below a folder. Opens no file.

use async_trait::async_trait;
use rustix::fs::FileType;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved};
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Look, ToolFault, ToolIo, Unresolvable};

use crate::args::{here, parse, reparse};
use crate::body::{Body, Call, cancelled, failed, moved};
use crate::contract::{object, read_facts, reading};
use crate::fs_read::existing;
use crate::image::path_fact;
use crate::limits::{LIST_ENTRIES_MAX, OBSERVATION_BYTES_MAX, WALK_CALL_MS};
use crate::text::counted;
use crate::walk::{Found, Onward, Walk, Walked, walk};
use crate::workspace::{Kind, Workspace};

pub(crate) struct ListFiles {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    #[serde(default = "here")]
    path: String,
    depth: Option<usize>,
    #[serde(default)]
    hidden: bool,
}

const DEPTH_DEFAULT: usize = 3;

impl ListFiles {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let schema = object(
            json!({
                "path": {"type": "string", "minLength": 1, "description": "Folder to list, relative to the workspace. Default: the workspace."},
                "depth": {"type": "integer", "minimum": 1, "maximum": 16, "description": "How many levels down. Default 3."},
                "hidden": {"type": "boolean", "description": "Whether to include names with a leading dot. Default false."},
            }),
            &[],
        );
        let description = "Lists files and folders below a folder, one path a line; folders end in `/`. \
            What `.gitignore` names is left out, and so is `.git`.";
        Self {
            workspace,
            contract: reading("list_files", description, schema),
        }
    }
}

#[async_trait]
impl Body for ListFiles {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, _look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        folder_facts(&self.workspace, &args.path)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let start = start(call.resolved)?;
        let request = Walk {
            start,
            hidden: args.hidden,
            depth_max: args.depth.unwrap_or(DEPTH_DEFAULT),
        };
        let mut listing = Listing::default();
        let walked = walk(&self.workspace, request, &io.cancel, &mut |found| {
            listing.take(found)
        });
        listing.finish(start, walked.map_err(|errno| unwalkable(start, errno))?)
    }
}

/// Facts of a call that looks through one folder.
pub(crate) fn folder_facts(workspace: &Workspace, path: &str) -> Result<Resolved, Unresolvable> {
    let place = existing(workspace, path)?;
    if place.kind != Kind::Folder {
        let message = format!("`{path}` is {} and no folder", place.kind.noun());
        return Err(Unresolvable::with_hint(message, "name the folder it is in"));
    }
    let mut facts = read_facts(WALK_CALL_MS);
    facts.paths.push(path_fact(&place.path, Access::Read, None));
    Ok(facts)
}

/// The real path where the walk begins.
pub(crate) fn start(resolved: &Resolved) -> Result<&str, ToolFault> {
    let fact = resolved
        .paths
        .first()
        .ok_or_else(|| failed("no path was resolved"))?;
    Ok(&fact.path)
}

pub(crate) fn unwalkable(start: &str, errno: rustix::io::Errno) -> ToolFault {
    moved(format!(
        "`{start}` is no longer the folder that was looked at: {errno}"
    ))
}

/// A list of paths with honest ends.
#[derive(Default)]
pub(crate) struct Listing {
    text: String,
    shown: usize,
    odd_names: usize,
    cut: bool,
}

impl Listing {
    pub(crate) fn take(&mut self, found: &Found<'_>) -> Onward {
        let mark = match found.kind {
            FileType::Directory => "/",
            FileType::Symlink => "@",
            _ => "",
        };
        let note = if found.protected { "  (protected)" } else { "" };
        let line = format!("{}{mark}{note}\n", found.path);
        if self.shown >= LIST_ENTRIES_MAX || self.text.len() + line.len() > OBSERVATION_BYTES_MAX {
            self.cut = true;
            return Onward::Stop;
        }
        self.odd_names += usize::from(found.odd_name);
        self.shown += 1;
        self.text.push_str(&line);
        Onward::Continue
    }

    pub(crate) fn finish(mut self, start: &str, walked: Walked) -> Result<Outcome, ToolFault> {
        if walked.cancelled {
            return Err(cancelled());
        }
        let mut notes = walked.notes();
        if self.cut {
            notes.push(format!(
                "cut after {}; start in a smaller folder",
                counted(self.shown, "entry")
            ));
        }
        if self.odd_names > 0 {
            let names = counted(self.odd_names, "name");
            notes.push(format!(
                "{names} not UTF-8, shown with \u{fffd}; tools cannot open them"
            ));
        }
        if self.text.is_empty() {
            notes.push(match walked.ignored {
                0 => "nothing found".to_owned(),
                ignored => format!(
                    "nothing found; {} left out by ignore files",
                    counted(ignored, "entry")
                ),
            });
        }
        for note in notes {
            self.text.push_str(&format!("[{note}]\n"));
        }
        let mut outcome = Outcome::said(
            format!("{} in {start}", counted(self.shown, "entry")),
            self.text,
        );
        outcome.truncated = self.cut || walked.limited;
        outcome.data = Some(json!({
            "path": start, "entries": self.shown, "truncated": self.cut || walked.limited,
            "ignored": walked.ignored,
        }));
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests;
