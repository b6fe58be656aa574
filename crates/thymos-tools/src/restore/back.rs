//! Puts one resource back. Decides nothing: what is to be there was resolved before.

use thymos_core::delta::{Delta, Expect, Resource, ResourceValue};
use thymos_core::resolved::Resolved;
use thymos_ports::tool::{ToolFault, ToolIo};

use super::{Step, fact};
use crate::body::{failed, moved};
use crate::image::{change, delete, file_delta, unmoved};
use crate::workspace::{Workspace, remove_folders};

/// One call that puts things back.
pub(super) struct Back<'a, 'io> {
    workspace: &'a Workspace,
    resolved: &'a Resolved,
    io: &'a ToolIo<'io>,
}

impl<'a, 'io> Back<'a, 'io> {
    pub(super) const fn new(
        workspace: &'a Workspace,
        resolved: &'a Resolved,
        io: &'a ToolIo<'io>,
    ) -> Self {
        Self {
            workspace,
            resolved,
            io,
        }
    }

    /// Whether the resource still is as it was resolved.
    pub(super) fn check(&self, step: &Step) -> Result<(), ToolFault> {
        match &step.resource {
            Resource::File(path) => unmoved(self.workspace, fact(self.resolved, path)?),
            Resource::Kv(_) | Resource::Memory(_) => {
                let now = self.io.world.get(&step.resource).map(|held| &held.value);
                match now == step.expect.as_ref() || now == step.to.as_ref() {
                    true => Ok(()),
                    false => Err(moved(format!(
                        "`{}` changed after it was looked at",
                        step.resource
                    ))),
                }
            }
        }
    }

    /// Puts it back, and says so in a line.
    pub(super) fn put(&self, step: &Step) -> Result<(Delta, String), ToolFault> {
        let path = match &step.resource {
            Resource::File(path) => path,
            Resource::Kv(_) | Resource::Memory(_) => return Ok(self.stored(step)),
        };
        let fact = fact(self.resolved, path)?;
        if fact.before == fact.after {
            let (same, world) = (fact.after.clone(), self.io.world);
            let delta = file_delta(world, path, same.clone(), same);
            return Ok((delta, format!("{path} was so already")));
        }
        let Some(after) = &fact.after else {
            let delta = delete(self.workspace, fact, self.io)?;
            remove_folders(self.workspace, path, step.folders);
            return Ok((delta, format!("deleted {path} again")));
        };
        let kept = self.io.blobs.read(&after.digest).map_err(failed)?;
        let gone = || failed(format!("the content that `{path}` held is not kept"));
        let content = kept.ok_or_else(gone)?;
        let done = change(self.workspace, fact, self.io, &|_| Ok(content.clone()))?;
        let verb = match fact.before.is_some() {
            true => "put back",
            false => "brought back",
        };
        Ok((done.delta, format!("{verb} {path}, {} bytes", after.size)))
    }

    fn stored(&self, step: &Step) -> (Delta, String) {
        let now = self.io.world.get(&step.resource);
        let name = &step.resource;
        let line = match (&step.to, now) {
            (Some(ResourceValue::Json(_) | ResourceValue::File(_)), _) => {
                format!("put back {name}")
            }
            (None, _) => format!("removed {name} again"),
        };
        let delta = Delta {
            resource: name.clone(),
            expect: now.map_or(Expect::Absent, |held| Expect::Exactly(held.version)),
            before: now.map(|held| held.value.clone()),
            after: step.to.clone(),
        };
        (delta, line)
    }
}
