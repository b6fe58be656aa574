//! A new trajectory that goes on from a commit of another one `[D2]`. Moves no file on disk.

use std::sync::Arc;

use thymos_core::TrajectoryId;
use thymos_core::body::{self, Body};
use thymos_core::writ::Mode;
use thymos_replay::Projection;
use tokio::sync::mpsc;

use super::{Inside, RecordError, Session};
use crate::kernel::Kernel;
use crate::service::Shared;

/// Where a branch starts.
pub(crate) struct BranchPoint {
    body: body::Branch,
    workspace: String,
    tenant: String,
    mode: Mode,
}

impl BranchPoint {
    /// The point that a projection stands at; none while nothing is folded.
    ///
    /// # Errors
    /// As [`RecordError`], when its world cannot be kept exactly.
    pub(crate) fn of(past: &Projection) -> Result<Option<Self>, RecordError> {
        let (Some(root), Some(entry)) = (&past.root, past.head) else {
            return Ok(None);
        };
        Ok(Some(Self {
            body: body::Branch {
                from: past.trajectory,
                entry,
                seq: past.len.saturating_sub(1),
                world: past.world.digest()?,
            },
            workspace: root.workspace.clone(),
            tenant: root.tenant.clone(),
            mode: past.authority.map_or(Mode::Plan, |(mode, _)| mode),
        }))
    }

    /// The folder that it belongs to.
    pub(crate) fn workspace(&self) -> &str {
        &self.workspace
    }
}

impl Session {
    /// Makes the trajectory: root, branch, pins and a fresh writ of the same mode, in one batch.
    pub(crate) async fn branch(
        k: Arc<Kernel>,
        shared: Arc<Shared>,
        point: BranchPoint,
    ) -> Result<(Self, mpsc::Receiver<Inside>), RecordError> {
        let trajectory = TrajectoryId::of(&k.draw::<32>());
        let (mut session, outside) = Self::open(k, shared, trajectory)?;
        let root = body::Root {
            v: 1,
            workspace: point.workspace,
            tenant: point.tenant,
            operator: session.k.operator(),
            subject: session.subject_party(),
            parent: Some(body::ParentLink {
                trajectory: point.body.from,
                entry: point.body.entry,
            }),
        };
        let mut bodies = vec![Body::Root(root), Body::Branch(point.body)];
        bodies.extend(session.pins());
        bodies.extend(session.mode_bodies(point.mode)?.bodies);
        session.record(bodies).await?;
        Ok((session, outside))
    }
}
