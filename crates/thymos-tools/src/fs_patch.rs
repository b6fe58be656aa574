//! `fs_patch`: changes parts of one file, by exact anchors or by a unified diff.
//!
//! Guesses nothing: an anchor that is missing or ambiguous, or a hunk whose context differs, is a
//! refusal that names it.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use thymos_core::effect::Risk;
use thymos_core::outcome::Outcome;
use thymos_core::resolved::Resolved;
use thymos_core::tool::ToolContract;
use thymos_ports::tool::{Keep, Look, ToolFault, ToolIo, Unmet, Unresolvable};

use crate::args::{parse, reparse};
use crate::body::{Body, Call, moved};
use crate::contract::{object, writing};
use crate::fs_write::{Target, target_fact, told};
use crate::image::{change, overwritten};
use crate::limits::EDITS_MAX;
use crate::postcondition::files_are_so;
use crate::text::Traits;
use crate::workspace::{PathFault, Workspace};

mod edits;
mod unified;

use edits::Edit;

/// The bytes of a file after a unified diff of it, exactly as the tool would write them.
///
/// # Errors
/// [`Unresolvable`] names the line or hunk that does not fit.
pub fn apply_patch(path: &str, patch: &str, before: &[u8]) -> Result<Vec<u8>, Unresolvable> {
    unified::apply(path, patch, before)
}

pub(crate) struct FsPatch {
    workspace: Arc<Workspace>,
    contract: ToolContract,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    path: String,
    edits: Option<Vec<Edit>>,
    patch: Option<String>,
}

impl FsPatch {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        let edit = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "old": {"type": "string", "minLength": 1, "description": "The text to replace, exactly as it is in the file, long enough to occur only once."},
                "new": {"type": "string", "description": "The text to put in its place; empty to delete."},
                "all": {"type": "boolean", "description": "Replace every occurrence instead. Default false."},
            },
            "required": ["old", "new"],
        });
        let mut schema = object(
            json!({
                "path": {"type": "string", "minLength": 1, "description": "File to change, relative to the workspace. It must exist."},
                "edits": {"type": "array", "minItems": 1, "maxItems": EDITS_MAX, "items": edit, "description": "Replacements, made one after another."},
                "patch": {"type": "string", "minLength": 1, "description": "A unified diff of this one file, with exact context lines."},
            }),
            &["path"],
        );
        if let Some(schema) = schema.as_object_mut() {
            schema.insert(
                "oneOf".to_owned(),
                json!([{"required": ["edits"]}, {"required": ["patch"]}]),
            );
        }
        let description = "Changes parts of an existing text file: either `edits`, each replacing one exact \
            piece of text, or `patch`, a unified diff. Give exactly one of the two. Line ends are kept \
            as the file has them.";
        let mut contract = writing("fs_patch", description, schema);
        contract.risk_floor = Risk::Medium;
        Self {
            workspace,
            contract,
        }
    }
}

#[async_trait]
impl Body for FsPatch {
    fn contract(&self) -> &ToolContract {
        &self.contract
    }

    fn look(&self, args: &Value, look: &Look<'_>) -> Result<Resolved, Unresolvable> {
        let args: Args = parse(args)?;
        let target = Target::look(&self.workspace, &args.path)?;
        let Some(content) = &target.content else {
            let mut missing = PathFault::Missing.about(&args.path);
            missing.hint = Some("make a new file with `fs_write`".to_owned());
            return Err(missing);
        };
        if Traits::of(&content.bytes).binary {
            return Err(Unresolvable::new(format!(
                "`{}` is a binary file",
                args.path
            )));
        }
        let after = apply(&args, &content.bytes)?;
        if after == content.bytes {
            return Err(Unresolvable::new(format!(
                "this changes nothing in `{}`",
                args.path
            )));
        }
        Ok(target.facts(&after, look))
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
        let done = change(&self.workspace, fact, io, &|before| {
            apply(&args, before).map_err(|why| moved(why.message))
        })?;
        Ok(told(fact, &done, call.resolved))
    }
}

fn apply(args: &Args, before: &[u8]) -> Result<Vec<u8>, Unresolvable> {
    match (&args.edits, &args.patch) {
        (Some(edits), None) => edits::apply(&args.path, edits, before),
        (None, Some(patch)) => unified::apply(&args.path, patch, before),
        (Some(_), Some(_)) | (None, None) => {
            Err(Unresolvable::new("give exactly one of `edits` and `patch`"))
        }
    }
}

#[cfg(test)]
mod tests;
