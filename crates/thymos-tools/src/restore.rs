//! `restore`: puts resources back to what they held before, exactly as the record has it `[D3]`.
//!
//! The operator's own tool: an undo is made of its calls. It takes what is to be there from kept
//! content, never from its arguments, and touches nothing that is not as the undone call left it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use thymos_core::budget::Cost;
use thymos_core::delta::{FileImage, Resource, ResourceValue};
use thymos_core::effect::{EffectClass, Risk};
use thymos_core::outcome::Outcome;
use thymos_core::resolved::{Access, Resolved, ResolvedPath, ResolvedResource};
use thymos_core::tool::{Compensation, ToolContract};
use thymos_ports::tool::{Keep, Look, ToolFault, ToolIo, Unmet, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call, cancelled, failed};
use crate::contract::{object, read_facts, writing};
use crate::fs_write::Target;
use crate::image::{Content, overwritten, path_fact};
use crate::limits::{FILE_CALL_MS, RESTORE_STEPS_MAX};
use crate::postcondition::files_are_so;
use crate::workspace::Workspace;

mod back;
mod show;

use show::Shown;

/// What the resolved paths name as their argument.
const ARG: &str = "steps";

pub(crate) struct Restore {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    steps: Vec<Step>,
}

/// One resource to be put back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    resource: Resource,
    /// What the undone call left.
    expect: Option<ResourceValue>,
    /// What is to be there; none when nothing was.
    to: Option<ResourceValue>,
    /// Folders that the undone call had made for this file; removed again when they are empty.
    #[serde(default)]
    folders: usize,
}

impl Restore {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let value = || json!({"type": ["object", "null"], "description": "`{\"file\": {digest, size, mode}}`, `{\"json\": value}`, or null for nothing."});
        let step = object(
            json!({
                "resource": {"type": "string", "pattern": "^(file|kv|memory):.", "description": "`file:src/lib.rs`, `kv:key` or `memory:key`."},
                "expect": value(),
                "to": value(),
                "folders": {"type": "integer", "minimum": 0, "maximum": 255, "description": "Folders above the file to remove when they are empty."},
            }),
            &["resource", "expect", "to"],
        );
        let schema = object(
            json!({"steps": {"type": "array", "description": "What to put back, each resource once.", "minItems": 1, "maxItems": RESTORE_STEPS_MAX, "items": step}}),
            &["steps"],
        );
        let description =
            "Puts files and stored values back to what they held before, from the record.";
        Self {
            workspace,
            contract: ToolContract {
                operator_only: true,
                ..writing("restore", description, schema)
            },
        }
    }

    fn look_at(&self, step: &Step, look: &Look<'_>, shown: &mut Shown) -> Result<(), Unresolvable> {
        match &step.resource {
            Resource::File(path) => {
                let fact = self.file(path, step, look, shown)?;
                shown.paths.push(fact);
            }
            Resource::Kv(_) | Resource::Memory(_) => stored(step, look, shown)?,
        }
        let version = look.world.get(&step.resource).map(|held| held.version);
        shown.resources.push(ResolvedResource {
            resource: step.resource.clone(),
            version,
        });
        Ok(())
    }

    fn file(
        &self,
        path: &str,
        step: &Step,
        look: &Look<'_>,
        shown: &mut Shown,
    ) -> Result<ResolvedPath, Unresolvable> {
        let target = Target::look(&self.workspace, path)?;
        if target.place.path != path {
            let message = format!("`{path}` leads to `{}` now", target.place.path);
            return Err(Unresolvable::new(message));
        }
        let now = target.content.as_ref().and_then(Content::image);
        let (expect, to) = (image(&step.expect)?, image(&step.to)?.map(plain_mode));
        if now != expect && now != to {
            return Err(changed(&step.resource, expect.is_some(), now.is_some()));
        }
        let after = match &to {
            None => None,
            Some(image) => Some(kept(path, image, look)?),
        };
        let before = target.content.as_ref().map(|content| &*content.bytes);
        shown.file(path, before, after.as_deref());
        let access = match (&now, &to) {
            (_, None) => Access::Delete,
            (None, Some(_)) => Access::Create,
            (Some(_), Some(_)) => Access::Write,
        };
        Ok(ResolvedPath {
            arg: ARG.to_owned(),
            after: to,
            ..path_fact(path, access, now)
        })
    }
}

/// Content that is kept, or why the file cannot be put back.
fn kept(path: &str, image: &FileImage, look: &Look<'_>) -> Result<Vec<u8>, Unresolvable> {
    match (look.kept)(&image.digest) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            let message = format!("the content that `{path}` held is not kept");
            Err(Unresolvable::new(message))
        }
        Err(why) => {
            let message = format!("the content that `{path}` held cannot be read: {why}");
            Err(Unresolvable::new(message))
        }
    }
}

/// A value of the trajectory's own store.
fn stored(step: &Step, look: &Look<'_>, shown: &mut Shown) -> Result<(), Unresolvable> {
    let now = look.world.get(&step.resource).map(|held| &held.value);
    if now != step.expect.as_ref() && now != step.to.as_ref() {
        let (expected, found) = (step.expect.is_some(), now.is_some());
        return Err(changed(&step.resource, expected, found));
    }
    for value in [&step.expect, &step.to].into_iter().flatten() {
        if matches!(value, ResourceValue::File(_)) {
            let message = format!("`{}` cannot hold a file", step.resource);
            return Err(Unresolvable::new(message));
        }
    }
    shown.stored(&step.resource, now, step.to.as_ref());
    Ok(())
}

fn changed(resource: &Resource, expected: bool, found: bool) -> Unresolvable {
    let what = match (expected, found) {
        (true, false) => "was removed",
        (false, true) => "was made again",
        (true, true) | (false, false) => "was changed",
    };
    let name = match resource {
        Resource::File(path) => path.clone(),
        Resource::Kv(_) | Resource::Memory(_) => resource.text(),
    };
    Unresolvable::new(format!("`{name}` {what} by something else since that call"))
}

fn image(value: &Option<ResourceValue>) -> Result<Option<FileImage>, Unresolvable> {
    match value {
        None => Ok(None),
        Some(ResourceValue::File(image)) => Ok(Some(image.clone())),
        Some(ResourceValue::Json(_)) => Err(Unresolvable::new("a file cannot hold a stored value")),
    }
}

/// Files are put back with plain permissions: nothing may come to run as another user that way.
fn plain_mode(image: FileImage) -> FileImage {
    FileImage {
        mode: image.mode & 0o777,
        ..image
    }
}

#[async_trait]
impl Body for Restore {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        let mut names = BTreeSet::new();
        let mut shown = Shown::default();
        for step in &args.steps {
            if !names.insert(&step.resource) {
                let message = format!("`{}` is named twice", step.resource);
                return Err(Unresolvable::new(message));
            }
            self.look_at(step, look, &mut shown)?;
        }
        let git = |fact: &ResolvedPath| fact.path.split('/').any(|part| part == ".git");
        let risk = match shown.paths.iter().any(git) {
            true => Risk::High,
            false if shown.paths.is_empty() => Risk::Low,
            false => Risk::Medium,
        };
        let wall_clock_ms = FILE_CALL_MS.saturating_mul(args.steps.len() as u64);
        let preview = shown.preview();
        Ok(Resolved {
            effect: EffectClass::Write,
            risk,
            paths: shown.paths,
            resources: shown.resources,
            preview: Some(preview),
            compensation: Compensation::FromRecord,
            estimate: Cost {
                wall_clock_ms,
                ..read_facts(FILE_CALL_MS).estimate
            },
            ..Resolved::pure()
        })
    }

    fn overwrites(&self, resolved: &Resolved, keep: Keep<'_>) {
        overwritten(&self.workspace, resolved, keep);
    }

    fn verify(&self, outcome: &Outcome) -> Result<(), Unmet> {
        files_are_so(&self.workspace, outcome)
    }

    async fn act(&self, call: Call<'_>, io: &mut ToolIo<'_>) -> Result<Outcome, ToolFault> {
        let args: Args = reparse(call.args)?;
        let back = back::Back::new(&self.workspace, call.resolved, io);
        // All of it is looked at once more before any of it is touched.
        for step in &args.steps {
            back.check(step)?;
        }
        let mut deltas = Vec::new();
        let mut lines = Vec::new();
        for step in &args.steps {
            let done = match io.cancel.is_cancelled() {
                true => Err(cancelled()),
                false => back.put(step),
            };
            match done {
                Ok((delta, line)) => {
                    deltas.push(delta);
                    lines.push(line);
                }
                // What was done before it broke off is in the record, and can be undone in turn.
                Err(ToolFault(mut fault)) => {
                    fault.deltas = deltas;
                    fault.observation = lines.join("\n");
                    return Err(ToolFault(fault));
                }
            }
        }
        let summary = match lines.as_slice() {
            [only] => only.clone(),
            many => format!("{} resources put back", many.len()),
        };
        let mut outcome = Outcome::said(summary, lines.join("\n"));
        outcome.deltas = deltas;
        Ok(outcome)
    }
}

fn fact<'r>(resolved: &'r Resolved, path: &str) -> Result<&'r ResolvedPath, ToolFault> {
    let found = resolved.paths.iter().find(|fact| fact.path == path);
    found.ok_or_else(|| failed(format!("`{path}` was not resolved")))
}

#[cfg(test)]
mod tests;
