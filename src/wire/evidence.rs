//! A ledger file as evidence: verified, and left as it was `[L16]`. Makes no key, no lock and no file, in
//! the home neither.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{Access, access};
use thymos_core::pins::Pins;
use thymos_core::writ::TrustRoots;
use thymos_ledger::SqliteLedger;
use thymos_ports::LedgerStore;
use thymos_ports::store::StoreError;
use thymos_protocol::{PinReport, VerifyReport};
use thymos_runtime::proof::{self, Whole};

use super::checkpoints::CheckpointFile;
use super::snapshots::SnapshotFiles;
use super::{keys, store_error};
use crate::config::Config;
use crate::error::{AppError, ErrorKind};

/// What is to be verified, and against what.
pub(crate) struct Request<'a> {
    pub(crate) config: &'a Config,
    pub(crate) file: &'a Path,
    /// Every key that was ever trusted.
    pub(crate) roots: TrustRoots,
    /// What it is held against besides.
    pub(crate) pins: Option<Pins>,
}

/// Verifies a ledger file at every level that the keys reach.
///
/// # Errors
/// [`AppError`] when it cannot be read.
pub(crate) fn verify(request: Request<'_>) -> Result<(VerifyReport, Option<PinReport>), AppError> {
    let Request {
        config,
        file,
        roots,
        pins,
    } = request;
    let before = still(file);
    let opened = SqliteLedger::open_untouched(file).map_err(|e| store_error(&e))?;
    let store: Arc<dyn LedgerStore> = Arc::new(opened);
    let log = store.log();
    let outside = CheckpointFile::new(&config.checkpoints.value, &log).of_ledger(file);
    let snapshots = SnapshotFiles::new(&config.paths.snapshots(), &log, &config.tenant.value);
    // What another key sealed would not be read either.
    let key = keys::read(&config.paths.operator_key()).ok();
    let whole = Whole {
        store: store.clone(),
        outside: &outside,
        roots,
        earlier: key.as_ref().map(|key| (&snapshots as _, key)),
    };
    let look = || -> Result<_, StoreError> {
        let report = proof::whole(&whole, &mut |_| {})?.told;
        let pinned = pins.map(|pins| proof::pinned(store.as_ref(), pins, &[]));
        Ok((report, pinned.transpose()?))
    };
    let looked = look().map_err(|e| store_error(&e));
    let sound = looked
        .as_ref()
        .is_ok_and(|(report, _)| report.findings.is_empty());
    if !sound && before.is_some() && before != still(file) {
        let message = format!("`{}` was written to while it was read", file.display());
        return Err(AppError::new(ErrorKind::Kernel, message).hint("verify it again"));
    }
    looked
}

/// Whether a ledger is there and can be read at most: the engine writes to the folder as well.
pub(crate) fn can_only_be_read(file: &Path) -> bool {
    let folder = file.parent().filter(|name| !name.as_os_str().is_empty());
    let refused = |path: &Path| access(path, Access::WRITE_OK).is_err();
    file.is_file() && (refused(file) || refused(folder.unwrap_or(Path::new("."))))
}

/// Length and time of a file that nobody has open; none where somebody may.
fn still(file: &Path) -> Option<(u64, SystemTime)> {
    let mut beside = file.as_os_str().to_owned();
    beside.push("-wal");
    let at_work = Path::new(&beside).exists();
    let found = fs::metadata(file).ok().filter(|_| !at_work)?;
    Some((found.len(), found.modified().ok()?))
}
