//! `fs_write`: puts a whole text file in place. Knows no edits.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved, ResolvedPath};
use thymos_core::tool::{Compensation, ToolContract};
use thymos_ports::tool::{Keep, Look, ToolFault, ToolIo, Unmet, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call, failed};
use crate::contract::{object, read_facts, writing};
use crate::image::{
    Changed, Content, NEW_FILE_MODE, change, image, overwritten, path_fact, read, seen,
};
use crate::limits::FILE_CALL_MS;
use crate::postcondition::files_are_so;
use crate::preview::{Change, preview};
use crate::text::counted;
use crate::workspace::{Kind, PathFault, Place, Workspace};

pub(crate) struct FsWrite {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    path: String,
    content: String,
}

impl FsWrite {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let schema = object(
            json!({
                "path": {"type": "string", "minLength": 1, "description": "File to write, relative to the workspace. Missing folders are made."},
                "content": {"type": "string", "description": "The whole new content of the file, exactly."},
            }),
            &["path", "content"],
        );
        let description = "Writes a whole file of the workspace, new or replacing the old one. To change \
            a part of a file use `fs_patch`.";
        let mut contract = writing("fs_write", description, schema);
        contract.risk_floor = Risk::Medium;
        Self {
            workspace,
            contract,
        }
    }
}

#[async_trait]
impl Body for FsWrite {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        let target = Target::look(&self.workspace, &args.path)?;
        Ok(target.facts(args.content.as_bytes(), look))
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        overwritten(&self.workspace, resolved, keep);
    }

    fn verify(&self, outcome: &Outcome) -> Result<(), Unmet> {
        files_are_so(&self.workspace, outcome)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let fact = target_fact(call.resolved)?;
        let done = change(&self.workspace, fact, io, &|_| {
            Ok(args.content.clone().into_bytes())
        })?;
        Ok(told(fact, &done, call.resolved))
    }
}

/// A file about to be written, as it is now.
pub(crate) struct Target {
    pub(crate) place: Place,
    /// None when there is no file yet.
    pub(crate) content: Option<Content>,
}

impl Target {
    /// Looks at a path that a call wants to write.
    pub(crate) fn look(workspace: &Workspace, path: &str) -> Result<Self, Unresolvable> {
        let place = workspace.locate(path).map_err(|fault| fault.about(path))?;
        let content = match place.kind {
            Kind::Missing => None,
            Kind::File => Some(
                read(workspace, &place.path)
                    .map_err(|errno| PathFault::from_errno(errno).about(path))?,
            ),
            other => {
                let message = format!(
                    "`{path}` is {} and cannot be written as a file",
                    other.noun()
                );
                return Err(Unresolvable::new(message));
            }
        };
        if content.as_ref().is_some_and(|content| !content.whole) {
            let message =
                format!("`{path}` is too large for its present content to be kept for undo");
            return Err(Unresolvable::with_hint(
                message,
                "change it with a command in `shell`",
            ));
        }
        if path.ends_with('/') {
            let message = format!("`{path}` ends in `/` and so names a folder");
            return Err(Unresolvable::with_hint(message, "name the file in it"));
        }
        Ok(Self { place, content })
    }

    /// Facts of making the file hold `after`.
    pub(crate) fn facts(&self, after: &[u8], look: &Look<'_>) -> Resolved {
        let path = self.place.path.as_str();
        let before = self.content.as_ref().and_then(Content::image);
        let mode = before
            .as_ref()
            .map_or(NEW_FILE_MODE, |image| image.mode & 0o777);
        let access = if before.is_some() {
            Access::Write
        } else {
            Access::Create
        };
        let inside_git = path.split('/').any(|part| part == ".git");
        let mut facts = Resolved {
            effect: EffectClass::Write,
            risk: if inside_git { Risk::High } else { Risk::Medium },
            compensation: Compensation::FromRecord,
            ..read_facts(FILE_CALL_MS)
        };
        facts.repeat_scope = before
            .as_ref()
            .map_or_else(String::new, |image| image.digest.to_string());
        facts.preview = Some(preview(&Change {
            path,
            before: self
                .content
                .as_ref()
                .map(|content| content.bytes.as_slice()),
            after,
        }));
        facts.resources.push(seen(look.world, path));
        facts.paths.push(ResolvedPath {
            after: Some(image(after, mode)),
            ..path_fact(path, access, before)
        });
        facts.notes = self.notes(inside_git);
        facts
    }

    fn notes(&self, inside_git: bool) -> Vec<String> {
        let mut notes = Vec::new();
        if inside_git {
            notes.push(
                "this file belongs to git itself; a change can make git run commands".to_owned(),
            );
        }
        if self.place.folders_missing > 0 {
            notes.push(format!(
                "{} will be made",
                counted(self.place.folders_missing, "missing folder")
            ));
        }
        match &self.content {
            Some(content) if content.stat.st_nlink > 1 => notes.push(format!(
                "this file has {} names; the others keep the old content",
                content.stat.st_nlink
            )),
            _ => {}
        }
        notes
    }
}

pub(crate) fn target_fact(resolved: &Resolved) -> Result<&ResolvedPath, ToolFault> {
    resolved
        .paths
        .first()
        .ok_or_else(|| failed("no path was resolved"))
}

/// The outcome of one changed file.
pub(crate) fn told(fact: &ResolvedPath, done: &Changed, resolved: &Resolved) -> Outcome {
    let verb = match fact.access {
        Access::Create => "created",
        Access::Read | Access::Write | Access::Delete => "wrote",
    };
    let (added, removed) = resolved
        .preview
        .as_ref()
        .map_or((0, 0), |seen| (seen.added, seen.removed));
    let size = fact.after.as_ref().map_or(0, |after| after.size);
    let summary = format!("{verb} {}, +{added} -{removed}", fact.path);
    let mut said = format!("{summary}, now {size} bytes");
    if done.already {
        said.push_str("; an earlier run of this call had written it");
    }
    if done.saved.folders_made > 0 {
        said.push_str(&format!(
            "; made {}",
            counted(done.saved.folders_made, "folder")
        ));
    }
    if done.saved.owner_changed {
        said.push_str("; its owner could not be kept");
    }
    let mut outcome = Outcome::said(summary, said);
    outcome.data = Some(json!({
        "path": fact.path, "added": added, "removed": removed, "size": size,
        "folders_made": done.saved.folders_made,
        "digest": fact.after.as_ref().map(|after| after.digest.to_string()),
    }));
    outcome.deltas.push(done.delta.clone());
    outcome
}

#[cfg(test)]
mod tests;
