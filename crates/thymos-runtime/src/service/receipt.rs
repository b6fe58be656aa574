//! The receipt of one entry: found by its id, proved under a checkpoint `[L8]`. Changes nothing, but may
//! sign the log as it is where nothing signed covers the entry yet.

use thymos_core::checkpoint::SignedCheckpoint;
use thymos_core::limits::ID_PREFIX_CHARS_MIN;
use thymos_core::receipt::Receipt;
use thymos_core::{Entry, EntryId};
use thymos_ports::store::{Found, StoreError};
use thymos_protocol::Fault;

use crate::kernel::Kernel;

/// Entries that a prefix may mean before it is refused as ambiguous.
const MATCHES_MAX: usize = 8;

pub(super) fn give(kernel: &Kernel, prefix: &str, disclose: bool) -> Result<String, Fault> {
    let entry = find(kernel, prefix)?;
    let index = entry.header.index;
    let checkpoint = covering(kernel, index)?;
    let size = checkpoint.checkpoint.size;
    let proof = kernel.parts.store.inclusion(index, size).map_err(broken)?;
    let proof = proof.ok_or_else(|| fault("the checkpoint does not cover it".to_owned(), None))?;
    let content = entry.content.filter(|_| disclose);
    let entry = Entry { content, ..entry };
    let receipt = Receipt {
        entry,
        proof,
        checkpoint,
    };
    // Whoever is given a proof that proves nothing loses more than a moment.
    let own = kernel.ever.operators.iter().map(|one| &one.key);
    match receipt.check(own) {
        Ok(_) => Ok(receipt.text()),
        Err(invalid) => Err(fault(
            format!("no receipt can be given: {invalid}"),
            Some("run `thymos verify`"),
        )),
    }
}

/// The newest own checkpoint over an entry; one is taken where there is none. One of another operator proves
/// nothing to whoever was given this operator's key.
fn covering(kernel: &Kernel, index: u64) -> Result<SignedCheckpoint, Fault> {
    match kernel.checkpoints.own_over(index).map_err(broken)? {
        Some(newest) => Ok(newest),
        None => {
            let taken = kernel.checkpoints.take();
            taken.map_err(|refused| fault(refused.to_string(), Some("run `thymos verify`")))
        }
    }
}

fn find(kernel: &Kernel, prefix: &str) -> Result<Entry, Fault> {
    let shown: String = prefix.chars().take(80).collect();
    if prefix.len() < ID_PREFIX_CHARS_MIN || !prefix.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message = format!("`{shown}` is not the start of an entry id");
        return Err(fault(
            message,
            Some("give at least 6 hex digits; `thymos ledger` lists them"),
        ));
    }
    let store = &kernel.parts.store;
    let found = store
        .find_prefix(&prefix.to_lowercase(), MATCHES_MAX)
        .map_err(broken)?;
    let owned = found.into_iter().filter_map(|one| match one {
        Found::Entry(id, trajectory, _) => kernel.owns(&trajectory).unwrap_or(false).then_some(id),
        Found::Trajectory(_) => None,
    });
    let ids: Vec<EntryId> = owned.collect();
    let entry = match ids.as_slice() {
        [id] => store.entry(id).map_err(broken)?,
        [] => None,
        [..] => {
            let message = format!("`{shown}` may mean several entries");
            return Err(fault(message, Some("give more digits")));
        }
    };
    entry.ok_or_else(|| {
        fault(
            format!("there is no entry `{shown}`"),
            Some("`thymos ledger` lists them"),
        )
    })
}

fn broken(error: StoreError) -> Fault {
    fault(error.to_string(), None)
}

fn fault(message: String, hint: Option<&str>) -> Fault {
    Fault {
        message,
        hint: hint.map(str::to_owned),
    }
}
