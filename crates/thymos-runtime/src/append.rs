//! Appends to a trajectory that no session here owns: an account, or one that is erased from. Redacts,
//! encodes and appends by compare-and-set, as a session does; folds nothing.

use thymos_core::Entry;
use thymos_core::body::Body;
use thymos_core::entry::{Draft, Salt};
use thymos_ports::store::Batch;
use thymos_replay::Projection;

use crate::kernel::Kernel;
use crate::session::RecordError;

/// One batch behind what is folded, or the word that somebody else was first.
pub(crate) async fn append(
    k: &Kernel,
    p: &Projection,
    bodies: Vec<Body>,
) -> Result<Vec<Entry>, RecordError> {
    let at = k.now().max(p.head_at);
    let mut drafts = Vec::with_capacity(bodies.len());
    for body in bodies {
        let kind = body.kind();
        let body = k.parts.redactor.redact_body(body)?;
        drafts.push(Draft {
            trajectory: p.trajectory,
            kind,
            at,
            writer: k.parts.operator_key.public(),
            salt: Salt::from_bytes(k.draw()),
            body: body.encode()?,
        });
    }
    let batch = Batch {
        trajectory: p.trajectory,
        at_seq: p.len,
        drafts,
    };
    let appended = k.writer.append(batch).await.map_err(RecordError::Store)?;
    appended.map_err(|_conflict| RecordError::Moved)
}
